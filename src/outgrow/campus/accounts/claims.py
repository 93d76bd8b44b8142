"""Profiles that the store had before there were accounts, and who may have one of them.

It is whoever proves the mailbox that the profile names. The address is what a strict reading of the
profile's e-mail gives, character for character, and nothing that a caller typed. Where two profiles
name one mailbox, or a profile is of a school whose domains its address does not have, a code
decides nothing, and an operator does.
"""

from __future__ import annotations

from dataclasses import dataclass

from outgrow import queries
from outgrow.campus.accounts.domains import must_verify
from outgrow.campus.mail import valid_email
from outgrow.db.pool import Statements
from outgrow.errors import BadInput, Forbidden

SQL = queries.load("claims")
MOST = 10  # profiles with one e-mail that are told apart


@dataclass(frozen=True, slots=True)
class Claim:
    """A profile without an account, and the address that opens it."""

    user_id: str
    email: str

    @property
    def key(self) -> str:
        return self.email.lower()

    @property
    def subject(self) -> str:
        """Whom a code for this is about: it is no good for another profile or another address."""
        return f"{self.key} {self.user_id} {self.email}"


@dataclass(frozen=True, slots=True)
class Disputed:
    """Profiles that have the e-mail, and none of which a code opens."""

    users: tuple[str, ...]


async def find(session: Statements, key: str) -> Claim | Disputed | None:
    """Return what there is with this e-mail, in lower case; None where it is free.

    Cost: an index lookup, but in phase `initial`, which reads all profiles.
    """
    linked = await session.row(SQL["linked"], key)
    if linked is not None:
        return Claim(linked["user_id"], linked["email"])
    rows = await session.rows(SQL["profiles"], key)
    if not rows:
        return None
    usable = [row for row in rows if strict(row["email"]) and not row["is_elsewhere"]]
    if len(usable) == 1 and len(rows) <= MOST:
        row = usable[0]
        if not row["has_account"] and await is_of_school(session, row["school"], row["email"]):
            return Claim(row["id"], row["email"])
    return Disputed(tuple(row["id"] for row in rows))


def strict(email: str | None) -> str | None:
    """Return the address if it is one as it is written, for what clients put into a profile."""
    try:
        read = valid_email(email or "")
    except BadInput:
        return None
    return email if email is not None and read.lower() == email.lower() else None


async def is_of_school(session: Statements, school: str | None, email: str) -> bool:
    """Whether a member of the school may have this address."""
    try:
        if school is not None:
            await must_verify(session, school, email)
    except Forbidden:
        return False
    return True
