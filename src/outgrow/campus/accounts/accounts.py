"""Accounts and sessions: sign up, log in, refresh, log out, a new password.

Credentials are in schema `network`, never in the store. A session is a family of refresh tokens:
each is good once, and is exchanged for the next. A token that was exchanged before and comes back
ends its family, since it must have been copied. Within GRACE_SECONDS of its exchange it only fails,
since a client with two tabs sends the same token twice.
"""

from __future__ import annotations

import logging
import re
import shlex
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from outgrow import events, queries
from outgrow.campus.accounts.claims import SQL as CLAIMS
from outgrow.campus.accounts.claims import Claim
from outgrow.campus.accounts.credentials import LONGEST_PASSWORD, Passwords, check_password
from outgrow.campus.accounts.sessions import NETWORK, RefreshToken, Sessions, SignedIn
from outgrow.campus.limits import Limits
from outgrow.campus.mail import valid_email
from outgrow.campus.people.profiles import NewProfile, insert_profile
from outgrow.campus.people.schools import must_verify
from outgrow.campus.safety import absorb_blocks
from outgrow.db.pool import Database, Session, Statements
from outgrow.errors import Conflict, Forbidden, NotFound, NotSignedIn

SQL = queries.load("accounts")
T = TypeVar("T")

GRACE_SECONDS = 10
LONGEST_DEVICE = 100
_UNPRINTABLE = re.compile(r"[^ -~]")


class Accounts:
    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        limits: Limits | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._limits = limits
        self.sessions = sessions or Sessions(database)

    def close(self) -> None:
        self._passwords.close()

    async def sign_up(
        self, email: str, password: str, profile: NewProfile, *, device: str = ""
    ) -> SignedIn:
        """Make an account and its profile, both or neither, at a school without e-mail domains.
        `Confirmations.sign_up` serves all schools. `device` is the caller's User-Agent.

        An e-mail of the prototype's profiles is refused like that of an account: a caller who
        knows the address has not proved that it is theirs. Raises BadInput, Conflict, Forbidden.
        """
        email = valid_email(email)
        personal = email, profile.name, profile.school
        hashed = await self._passwords.hash(check_password(password, personal))
        user_id = str(uuid.uuid4())

        async def work(session: Session) -> SignedIn:
            if await must_verify(session, profile.school, email):
                raise _not_verified()
            return await self.make(session, user_id, email, hashed, profile, device)

        made = await explain_conflicts(self._database, work, user_id)
        events.event("signed_up", account=user_id, session=made.session_id)
        return made

    async def make(
        self,
        session: Session,
        user_id: str,
        email: str,
        hashed: str,
        profile: NewProfile,
        device: str,
    ) -> SignedIn:
        """Make an account, its profile and its first session, in the caller's transaction."""
        token = RefreshToken.new()
        await _create(session, user_id, email, hashed)
        await insert_profile(session, user_id, email, profile)
        await self._open_session(session, user_id, token, device)
        return SignedIn(user_id, profile.school, token.session_id, str(token))

    async def adopt(self, session: Session, claim: Claim, hashed: str, device: str) -> SignedIn:
        """Make an account for an older profile, and its first session, in the caller's
        transaction."""
        token = RefreshToken.new()
        await give_account(session, claim, hashed)
        await self._open_session(session, claim.user_id, token, device)
        school: str | None = await session.value(SQL["school"], claim.user_id)
        return SignedIn(claim.user_id, school, token.session_id, str(token))

    async def create(self, email: str, password: str, user_id: str, *, demo: bool = False) -> None:
        """Give the profile `user_id` an account, for the operator, or for the demo, whose password
        everybody knows. Raises BadInput, Conflict, NotFound (no such profile).
        """
        email = valid_email(email)
        if not demo:
            check_password(password, await self._personal_texts(user_id, email))
        hashed = await self._passwords.hash(password)

        async def work(session: Session) -> None:
            if await session.row(SQL["profile"], user_id) is None:
                raise NotFound(
                    "profile_not_found",
                    f"there is no profile {user_id}",
                    hint="look for it with: outgrow kv list user:",
                )
            await _create(session, user_id, email, hashed)
            await session.run(SQL["admit"], user_id)

        await explain_conflicts(self._database, work, user_id)

    async def set_password(self, email: str, password: str) -> str:
        """Set a new password, end every session of the account, and return its user id."""
        row = await self._database.row(SQL["by_email"], valid_email(email).lower())
        personal = await self._personal_texts(row["user_id"], email) if row else (email,)
        hashed = await self._passwords.hash(check_password(password, personal))

        async def work(session: Session) -> str:
            user_id = await session.value(SQL["set_password"], valid_email(email).lower(), hashed)
            if user_id is None:
                raise NotFound(
                    "account_not_found",
                    f"there is no account {email}",
                    hint="outgrow account create EMAIL --user ID",
                )
            await session.run(SQL["drop_reset_codes"], user_id)
            await session.run(SQL["end_sessions"], user_id)
            return str(user_id)

        return await self._database.transaction(work)

    async def end_sessions(self, user_id: str) -> None:
        """End every session of an account."""
        ended = await self._database.rows(SQL["end_sessions"], user_id)
        self.sessions.end(row["id"] for row in ended)
        events.event("session_ended", account=user_id, count=len(ended), by="owner")

    async def log_in(
        self,
        email: str,
        password: str,
        *,
        address: str = "",
        device: str = "",
        device_token: str = "",
    ) -> SignedIn:
        """Open a session. An unknown e-mail takes the time and gives the error of a wrong password.

        Raises NotSignedIn, TooMany.
        """
        key = email.lower()
        known = False
        if self._limits is not None:
            known = await self._limits.log_in(key, address, device_token)
        row = None if "\0" in key else await self._database.row(SQL["by_email"], key)
        hashed = row["password_hash"] if row else None
        events.about(row["user_id"] if row else None)
        if not await self._passwords.matches(shorten_password(password), hashed, known=known):
            raise _wrong_credentials()
        assert row is not None
        user_id: str = row["user_id"]
        if self._passwords.is_outdated(row["password_hash"]):
            renewed = await self._passwords.hash(password)
            await self._database.run(SQL["renew_hash"], user_id, row["password_hash"], renewed)
        token = RefreshToken.new()

        async def work(session: Session) -> str | None:
            if not await session.value(SQL["still_has_password"], user_id, row["password_set_at"]):
                raise _wrong_credentials()  # another was set in between, or the account is gone
            await session.run(SQL["forget_sessions"], user_id)
            await self._open_session(session, user_id, token, device)
            school: str | None = await session.value(SQL["school"], user_id)
            return school

        school = await self._database.transaction(work)
        events.event("signed_in", account=user_id, session=token.session_id)
        if self._limits is not None:
            await self._limits.logged_in(key, address, device_token)
        await absorb_blocks(self._database, user_id)
        return SignedIn(user_id, school, token.session_id, str(token))

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Exchange a refresh token. Raises NotSignedIn, and ends the family of a token used before.

        Of two concurrent exchanges exactly one wins; the other fails and harms nothing.
        """
        token = RefreshToken.parse(refresh_token)
        if token is not None:
            new_token = token.next()
            user_id = await self._database.value(
                SQL["turn"],
                token.session_id,
                token.hash,
                new_token.hash,
                self.sessions.lifetime.idle,
                self.sessions.lifetime.longest,
            )
            if user_id is not None:
                await absorb_blocks(self._database, user_id)
                school = await self.school(user_id)
                return SignedIn(user_id, school, token.session_id, str(new_token))
            ended = await self._database.value(
                SQL["end_family"], token.session_id, token.family_hash, token.hash, GRACE_SECONDS
            )
            if ended is not None:
                self.sessions.end([token.session_id])
                events.event(
                    "refresh_token_reused",
                    logging.WARNING,
                    account=ended,
                    session=token.session_id,
                )
        raise NotSignedIn(
            "bad_refresh_token",
            "the refresh token is not valid, or not any more",
            hint="sign in again with POST /auth/login",
        )

    async def change_password(self, user_id: str, session_id: str, old: str, new: str) -> None:
        """Set another password and end all other sessions. Raises BadInput, Forbidden when the old
        one is wrong."""
        hashed = await self.own_password(user_id, old)
        new_hash = await self._passwords.hash(
            check_password(new, await self._personal_texts(user_id))
        )

        async def work(session: Session) -> list[str]:
            tag = await session.run(SQL["change_password"], user_id, hashed, new_hash)
            if tag == "UPDATE 0":
                raise wrong_password()  # changed in between
            await session.run(SQL["drop_reset_codes"], user_id)
            return [row["id"] for row in await session.rows(SQL["end_others"], user_id, session_id)]

        ended = await self._database.transaction(work)
        self.sessions.end(ended)
        events.event("password_changed", account=user_id, count=len(ended))

    async def own_password(self, user_id: str, password: str) -> str:
        """Check the password of an account, and return its hash. Raises Forbidden, NotSignedIn."""
        row = await self._database.row(SQL["by_user"], user_id)
        if row is None:
            raise account_gone()
        hashed: str = row["password_hash"]
        if not await self._passwords.matches(shorten_password(password), hashed):
            raise wrong_password()
        return hashed

    async def _personal_texts(self, user_id: str, *more: str) -> list[str | None]:
        """Return the texts that a password of this account may not be made of."""
        row = await self._database.row(SQL["own_words"], user_id)
        return [*more, *(row.values() if row else ())]

    async def list_sessions(self, user_id: str, session_id: str) -> bytes:
        """Return the JSON of the account's sessions, the last used first, up to a hundred."""
        body: bytes = await self._database.value(SQL["sessions"], user_id, session_id)
        return body

    async def end_session(self, user_id: str, session_id: str) -> None:
        """End one session of an account. Raises NotFound."""
        if await self._database.run(SQL["end_session"], session_id, user_id) == "UPDATE 0":
            raise NotFound(
                "session_not_found",
                "you have no such session",
                hint="see GET /auth/sessions",
            )
        self.sessions.end([session_id])
        events.event("session_ended", account=user_id, session=session_id, by="owner")

    async def log_out(self, user_id: str, session_id: str) -> None:
        """End the session that asks for it; one that ended before is no error."""
        await self._database.run(SQL["end_session"], session_id, user_id)
        self.sessions.end([session_id])
        events.event("signed_out", account=user_id, session=session_id)

    async def _open_session(
        self, session: Statements, user_id: str, token: RefreshToken, device: str
    ) -> None:
        """Open a session, and make a signing secret if there is none."""
        await session.run(NETWORK["make_secret"])
        await session.run(
            SQL["open_session"],
            token.session_id,
            user_id,
            token.family_hash,
            token.hash,
            self.sessions.lifetime.idle,
            self.sessions.lifetime.longest,
            _UNPRINTABLE.sub("", device)[:LONGEST_DEVICE] or None,
        )

    async def school(self, user_id: str) -> str | None:
        """Return the school of which a user is a member now, or None."""
        school: str | None = await self._database.value(SQL["school"], user_id)
        return school

    async def membership(self, user_id: str) -> str:
        """Return the school of which a user is a member now. Raises Conflict without a profile, and
        Forbidden where the school asks for an address that was not proved to be theirs."""
        school = await self.school(user_id)
        if school is not None:
            return school
        account = await self._database.row(SQL["by_user"], user_id)
        named = await self._database.value(SQL["profile"], user_id)
        if account is None or named is None:
            raise Conflict(
                "profile_needed",
                "your account has no profile yet, and so no school",
                hint="make one with POST /profiles",
            )
        await must_verify(self._database, named, account["email"])
        raise _not_verified()

    async def add_profile(self, user_id: str, profile: NewProfile) -> None:
        """Make the profile of an account without one. Raises Conflict when it has a profile, or
        when its key holds something else."""

        async def work(session: Session) -> None:
            row = await session.row(SQL["by_user"], user_id)
            if row is None:
                raise account_gone()
            needed = await must_verify(session, profile.school, row["email"])
            if needed and row["verified_at"] is None:
                raise _not_verified()
            if await session.row(SQL["profile"], user_id) is not None:
                raise _profile_exists()
            await insert_profile(session, user_id, row["email"], profile)

        await explain_conflicts(self._database, work, user_id)


async def explain_conflicts(
    database: Database, work: Callable[[Session], Awaitable[T]], user_id: str
) -> T:
    """Run `work` in a transaction. Raises Conflict that names what `user_id` or the e-mail has
    already."""
    try:
        return await database.transaction(work)
    except asyncpg.UniqueViolationError as e:
        if e.schema_name == "network" and e.constraint_name == "accounts_pkey":
            raise Conflict(
                "account_exists",
                "this profile has an account already",
                hint="outgrow account set-password EMAIL",
            ) from e
        if e.schema_name == "network":
            raise _email_taken() from e
        if await database.row(SQL["profile"], user_id) is not None:
            raise _profile_exists() from e  # another request was faster
        raise Conflict(
            "profile_place_taken",
            "the store holds something else where this profile would be",
            hint=f"ask the operator to look at it: outgrow kv get {shlex.quote(f'user:{user_id}')}",
        ) from e


async def give_account(session: Session, claim: Claim, hashed: str) -> None:
    """Make an account for an older profile, even if other profiles have its e-mail: whose claim it
    is was decided before. A person to whom an operator linked it becomes a member of its school."""
    await session.run(SQL["create"], claim.user_id, claim.email, claim.key, hashed)
    await session.run(CLAIMS["admit"], claim.user_id)
    await session.run(CLAIMS["settled"], claim.user_id)


async def _create(session: Session, user_id: str, email: str, hashed: str) -> None:
    key = email.lower()
    await session.run(SQL["create"], user_id, email, key, hashed)
    if await session.row(SQL["profile_with_email"], key, user_id) is not None:
        raise _email_taken()


def _profile_exists() -> Conflict:
    return Conflict(
        "profile_exists",
        "there is a profile already",
        hint="change it with PATCH /profiles/me",
    )


def account_gone() -> NotSignedIn:
    return NotSignedIn("account_gone", "this account does not exist any more", hint="sign up again")


def _wrong_credentials() -> NotSignedIn:
    return NotSignedIn(
        "wrong_credentials",
        "the e-mail or the password is wrong",
        hint="sign up with POST /auth/signup if there is no account yet",
    )


def wrong_password() -> Forbidden:
    return Forbidden(
        "wrong_password",
        "that is not the password of this account",
        hint="a forgotten one can be reset with POST /auth/reset",
    )


def _not_verified() -> Forbidden:
    return Forbidden(
        "email_not_verified",
        "this school asks for a code that is sent to your e-mail",
        hint="a new password by POST /auth/reset shows that the e-mail is yours",
    )


def shorten_password(password: str) -> str:
    """Return as much of a password as is compared, however long the text was."""
    return password[: LONGEST_PASSWORD + 1]


def _email_taken() -> Conflict:
    return Conflict(
        "email_taken",
        "this e-mail is in use already",
        hint="sign in with POST /auth/login, or use another e-mail",
    )
