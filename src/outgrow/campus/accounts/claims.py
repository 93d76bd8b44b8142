"""Claims: profiles that the store had before there were accounts, and who may have them.

A profile is for the person who proves the mailbox that it names. The address is what a strict
reading of the profile's e-mail gives, character for character, and nothing that a caller typed.
Where two profiles name one mailbox, or the school of a profile has domains and its address is of
none of them, a code decides nothing, and an operator does.

An operator may invite these people by mail. Each is sent one invitation: that it begins is written
down before the mail goes, and that it was taken, behind. A run that is killed in between leaves one
person of whom nobody knows whether the mail went; the run reports them, and does not mail them
again by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from outgrow import queries
from outgrow.campus.accounts.credentials import INVITED_SECONDS, Codes
from outgrow.campus.mail import Letter, Mail, valid_email
from outgrow.campus.people.schools import must_verify
from outgrow.db.pool import Database, Session, Statements
from outgrow.errors import BadInput, Conflict, Forbidden, NotFound, Unavailable

SQL = queries.load("claims")
MOST = 10  # profiles with one e-mail that are compared


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
        """Return the subject of its codes, which are not valid for another profile or address."""
        return f"{self.key} {self.user_id} {self.email}"


@dataclass(frozen=True, slots=True)
class Disputed:
    """Profiles with the e-mail, none of which a code opens."""

    users: tuple[str, ...]


async def find_claim(session: Statements, key: str) -> Claim | Disputed | None:
    """Return the claim by this e-mail, in lower case; None where no profile has it.

    Costs an index lookup; in phase `initial` it reads all profiles.
    """
    linked = await session.row(SQL["linked"], key)
    if linked is not None:
        return Claim(linked["user_id"], linked["email"])
    rows = await session.rows(SQL["profiles"], key)
    if not rows:
        return None
    usable = [row for row in rows if strict_email(row["email"]) and not row["is_elsewhere"]]
    if len(usable) == 1 and len(rows) <= MOST:
        row = usable[0]
        if not row["has_account"] and await is_of_school(session, row["school"], row["email"]):
            return Claim(row["id"], row["email"])
    return Disputed(tuple(row["id"] for row in rows))


def strict_email(email: str | None) -> str | None:
    """Return a profile's e-mail if it is valid exactly as it is written, else None."""
    try:
        read = valid_email(email or "")
    except BadInput:
        return None
    return email if email is not None and read.lower() == email.lower() else None


async def is_of_school(session: Statements, school: str | None, email: str) -> bool:
    """Return whether a member of the school may have this address."""
    try:
        if school is not None:
            await must_verify(session, school, email)
    except Forbidden:
        return False
    return True


FAILURES = 5  # in a row, after which the mail server is taken for out of order


@dataclass(slots=True)
class People:
    """All people with a profile, by what is to be done. Some 500 bytes of memory for each."""

    ready: list[Claim] = field(default_factory=list)
    with_account: int = 0
    mailed: int = 0
    unsure: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    of_no_domain: list[str] = field(default_factory=list)
    disputed: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Mailed:
    mailed: int = 0
    failed: list[str] = field(default_factory=list)


class Invitations:
    def __init__(self, database: Database, codes: Codes, mail: Mail, url: str) -> None:
        self._database = database
        self._codes = codes
        self._mail = mail
        self._url = url

    async def send(self, claim: Claim, *, again: bool) -> bool:
        """Mail one invitation. Return False if one was begun before, unless `again`. The code of an
        earlier invitation becomes invalid. Raises Unavailable."""

        async def begin(session: Session) -> str | None:
            args = claim.user_id, claim.key, claim.email, again
            if not await session.value(SQL["begin"], *args):
                return None
            return await self._codes.give(session, "invite", claim.subject)

        code = await self._database.transaction(begin)
        if code is None:
            return False
        try:
            await self._mail.send(_invitation(claim.email, code, self._url))
        except Unavailable:
            await self._database.run(SQL["not_mailed"], claim.user_id)
            raise
        await self._database.run(SQL["mailed"], claim.user_id)
        return True

    async def send_all(
        self, claims: list[Claim], per_minute: int, on_sent: Callable[[int], None]
    ) -> Mailed:
        """Mail invitations, `per_minute` at most. Raises Unavailable when the mail server accepts
        nothing any more; people who were not mailed are next time."""
        sent, in_a_row = Mailed(), 0
        begun = time.monotonic()
        for number, claim in enumerate(claims):
            await asyncio.sleep(max(0.0, begun + number * 60 / per_minute - time.monotonic()))
            try:
                sent.mailed += await self.send(claim, again=False)
                in_a_row = 0
            except Unavailable:
                in_a_row += 1
                if in_a_row >= FAILURES:
                    raise
                sent.failed.append(claim.user_id)
            on_sent(1)
        return sent


async def survey_people(database: Database) -> People:
    """Read all profiles once, and return their people by what is to be done."""
    people = People()
    by_email: dict[str, list[Claim]] = defaultdict(list)
    ids: dict[str, list[str]] = defaultdict(list)
    answers: dict[tuple[str, str], bool] = {}

    async def work(session: Session) -> None:
        taken = {row["email_key"] for row in await session.rows(SQL["accounts"])}
        rows = await session.rows(SQL["everybody"])
        for row in rows:
            linked = row["linked_email"]
            email = linked or strict_email(row["email"])
            if linked is None and email is not None:
                ids[email.lower()].append(row["id"])
            if row["has_account"]:
                people.with_account += 1
            elif email is None:
                people.unusable.append(row["id"])
            elif email.lower() in taken:  # of another person
                people.disputed.setdefault(email.lower(), []).append(row["id"])
            elif row["mailed_at"] is not None:
                people.mailed += 1
            elif row["begun_at"] is not None:
                people.unsure.append(row["id"])
            elif linked is None and not await _is_of_school_once(
                session, answers, row["school"], email
            ):
                people.of_no_domain.append(row["id"])
            else:
                by_email[email.lower()].append(Claim(row["id"], email))
        _decide(people, by_email, ids, taken)

    await database.transaction(work)
    return people


async def _is_of_school_once(
    session: Session, answers: dict[tuple[str, str], bool], school: str | None, email: str
) -> bool:
    """Return what `is_of_school` does; ask once for each school and domain."""
    school_and_domain = school or "", email.lower().rpartition("@")[2]
    if school_and_domain not in answers:
        answers[school_and_domain] = await is_of_school(session, school, email)
    return answers[school_and_domain]


def _decide(
    people: People,
    by_email: dict[str, list[Claim]],
    ids: dict[str, list[str]],
    taken: set[str],
) -> None:
    """Sort claims into ready ones and disputed ones, which have the e-mail of another profile or
    account."""
    for key, users in ids.items():
        if len(users) > 1:
            people.disputed[key] = sorted(users)
    for key, claims in by_email.items():
        linked = [c for c in claims if c.user_id not in ids.get(key, ())]
        if linked:
            people.ready += linked[:1]
        elif key not in people.disputed and key not in taken:
            people.ready += claims
    people.ready.sort(key=lambda claim: claim.user_id)


async def claim_for_operator(database: Database, who: str) -> Claim:
    """Return the claim that an operator means by an e-mail or by the id of a profile. Raises
    NotFound, and Conflict for a claim that must be decided first."""
    email = who
    row = None
    if "@" not in who:
        row = await database.row(SQL["of_user"], who)
        if row is None:
            raise _no_profile(who)
        if row["has_account"]:
            raise _has_account(who)
        email = row["linked_email"] or strict_email(row["email"]) or ""
        if not email:
            raise _to_decide(who, [who])
    claim = await find_claim(database, valid_email(email).lower())
    if claim is None:
        raise _no_profile(who)
    if isinstance(claim, Disputed):
        raise _to_decide(who, list(claim.users))
    if row is not None and claim.user_id != row["id"]:
        raise _to_decide(who, [claim.user_id, row["id"]])
    return claim


async def link_email(database: Database, email: str, user_id: str) -> str:
    """Give the profile to the person who proves the mailbox `email`, whatever e-mails are in
    profiles; return the address. Raises BadInput, NotFound, Conflict."""
    email = valid_email(email)

    async def work(session: Session) -> None:
        row = await session.row(SQL["of_user"], user_id)
        if row is None:
            raise _no_profile(user_id)
        if row["has_account"]:
            raise _has_account(user_id)
        if email.lower() in {row["email_key"] for row in await session.rows(SQL["accounts"])}:
            raise Conflict(
                "email_taken",
                f"{email} has an account",
                hint="give another address, or have that account deleted",
            )
        await session.run(SQL["unlink"], email.lower(), user_id)
        await session.run(SQL["link"], user_id, email.lower(), email)

    await database.transaction(work)
    return email


def _no_profile(who: str) -> NotFound:
    return NotFound(
        "profile_not_found",
        f"there is no profile {who}",
        hint="look for it with: outgrow kv list user:",
    )


def _has_account(who: str) -> Conflict:
    return Conflict(
        "account_exists",
        f"{who} has an account already",
        hint="outgrow account set-password EMAIL",
    )


def _to_decide(who: str, users: list[str]) -> Conflict:
    return Conflict(
        "email_disputed",
        f"the e-mail of {who} does not say whose it is",
        detail=f"it is in the profiles {', '.join(users)}, or is no address, or not of the school",
        hint="outgrow account conflicts, then: outgrow account link EMAIL ID",
    )


def _invitation(email: str, code: str, url: str) -> Letter:
    return Letter(
        email,
        "Your profile is waiting for you",
        "You have a profile on this network, from before, and can have it back. Open\n\n"
        f"  {url}/invited\n\n"
        "and enter this e-mail address, the code\n\n"
        f"  {code}\n\n"
        f"and a password of your own. The code is good once, for {INVITED_SECONDS // 86_400} "
        "days;\n"
        'after that, choose "Forgot your password?" where you sign in. If you do not want to come\n'
        "back, do nothing.\n",
    )
