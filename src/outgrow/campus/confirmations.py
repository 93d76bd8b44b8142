"""What needs a code from a mailbox: signing up for a school with domains, and forgotten passwords.

None of the answers here says whether somebody has an account: a sign-up is answered alike for an
e-mail that is free and one that is not, and who owns the mailbox reads which. A sign-up that waits
is completed with its own password beside the code, so that nobody who was sent a code completes
what somebody else began in their name.
"""

from __future__ import annotations

import uuid

import msgspec

from outgrow import events, queries
from outgrow.campus import accounts
from outgrow.campus.accounts import Accounts, SignedIn
from outgrow.campus.addresses import mailbox_of, valid_email
from outgrow.campus.codes import SECONDS, Codes
from outgrow.campus.domains import must_verify
from outgrow.campus.limits import CODES_TO_ONE, Limits
from outgrow.campus.mail import Letter, Mail
from outgrow.campus.passwords import Passwords
from outgrow.campus.profiles import NewProfile
from outgrow.campus.strength import acceptable
from outgrow.database import Database, Session
from outgrow.errors import BadInput

SQL = queries.load("codes")


class Confirmations:
    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        passwords: Passwords,
        limits: Limits,
        codes: Codes,
        mail: Mail,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._passwords = passwords
        self._limits = limits
        self._codes = codes
        self.mail = mail

    async def sign_up(
        self, email: str, password: str, profile: NewProfile, *, device: str = ""
    ) -> SignedIn | None:
        """Make an account and its profile; None where a code was mailed that must be entered first.

        Raises BadInput, Conflict, Forbidden, TooMany, Unavailable when the mail was not sent: the
        sign-up waits then, and another code can be asked for.
        """
        email = valid_email(email)
        acceptable(password, (email, profile.name, profile.school))
        if not await must_verify(self._database, profile.school, email):
            return await self._accounts.sign_up(email, password, profile, device=device)
        key = email.lower()
        await self._limits.take(CODES_TO_ONE, mailbox_of(key))
        hashed = await self._passwords.hash(password)
        begun = msgspec.json.encode(_plain(profile)).decode("utf-8")

        async def work(session: Session) -> str | None:
            if await accounts.is_taken(session, key):
                return None
            await session.run(SQL["begin"], key, email, hashed, begun)
            return await self._codes.give(session, "verify", key)

        code = await self._database.transaction(work)
        await self.mail.send(_taken(email) if code is None else _to_verify(email, code))
        return None

    async def resend(self, email: str) -> None:
        """Another code for a sign-up that waits; without one, nothing. Raises TooMany."""
        key = valid_email(email).lower()
        await self._limits.take(CODES_TO_ONE, mailbox_of(key))
        events.event("code_asked", purpose="verify")
        self.mail.later(self._resend(key))

    async def _resend(self, key: str) -> None:
        row = await self._database.row(SQL["waiting"], key)
        if row is not None:
            code = await self._codes.give(self._database, "verify", key)
            await self.mail.send(_to_verify(row["email"], code))

    async def verify(self, email: str, code: str, password: str, *, device: str = "") -> SignedIn:
        """Complete a sign-up. Raises BadInput, and Conflict when the e-mail has an account by now.

        A wrong password is no try of the code: a stranger cannot use the tries up.
        """
        key = valid_email(email).lower()
        row = await self._database.row(SQL["waiting"], key)
        hashed = row["password_hash"] if row else None
        if not await self._passwords.matches(accounts.cut(password), hashed):
            raise _wrong_code()
        assert hashed is not None
        user_id = str(uuid.uuid4())

        async def work(session: Session) -> SignedIn | None:
            if not await self._codes.use(session, "verify", key, code):
                return None
            row = await session.row(SQL["finish"], key, hashed)
            if row is None:
                return None  # begun anew meanwhile
            profile = msgspec.json.decode(row["profile"], type=NewProfile)
            email = row["email"]
            made = await self._accounts.make(session, user_id, email, hashed, profile, device)
            await session.run(accounts.SQL["verified"], user_id)
            return made

        signed_in = await accounts.telling(self._database, work, user_id)
        if signed_in is None:
            raise _wrong_code()
        events.event("signed_up", account=user_id, session=signed_in.session_id)
        return signed_in

    async def reset(self, email: str) -> None:
        """Mail a code that sets a new password, where there is an account. Raises TooMany."""
        key = valid_email(email).lower()
        await self._limits.take(CODES_TO_ONE, mailbox_of(key))
        events.event("code_asked", purpose="reset")
        self.mail.later(self._reset(key))

    async def _reset(self, key: str) -> None:
        row = await self._database.row(accounts.SQL["by_email"], key)
        if row is not None:
            events.about(row["user_id"])
            code = await self._codes.give(self._database, "reset", key)
            await self.mail.send(_to_reset(row["email"], code))

    async def confirm_reset(self, email: str, code: str, password: str) -> None:
        """Set a new password and end all sessions. Raises BadInput."""
        key = valid_email(email).lower()
        hashed = await self._passwords.hash(acceptable(password, (email,)))

        async def work(session: Session) -> list[str] | None:
            if not await self._codes.use(session, "reset", key, code):
                return None
            user_id = await session.value(accounts.SQL["set_password"], key, hashed)
            if user_id is None:
                return None
            events.about(user_id)
            own = await session.row(accounts.SQL["own_words"], user_id)
            acceptable(password, own.values() if own else ())  # else the code is still good
            await session.run(accounts.SQL["verified"], user_id)
            ended = await session.rows(accounts.SQL["end_sessions"], user_id)
            return [row["id"] for row in ended]

        ended = await self._database.transaction(work)
        if ended is None:
            raise _wrong_code()
        self._accounts.sessions.end(ended)
        events.event("password_reset", count=len(ended))

    async def forget(self) -> None:
        """Codes and sign-ups that are over."""
        await self._database.run(SQL["forget"])
        await self._database.run(SQL["forget_sign_ups"])


def _plain(profile: NewProfile) -> dict[str, object]:
    """The profile's own fields; what signs up may be a profile and more."""
    return {name: getattr(profile, name) for name in NewProfile.__struct_fields__}


def _wrong_code() -> BadInput:
    return BadInput(
        "wrong_code",
        "that is not the code, or not any more",
        detail="it may be mistyped, over, or not fit the e-mail and the password",
        hint="ask for a new code",
    )


def _to_verify(email: str, code: str) -> Letter:
    return Letter(
        email,
        f"{code} is your code",
        f"Your code is {code}, good for {SECONDS // 60} minutes.\n\n"
        "Enter it with the password that you chose, and your account is made. If it was not you\n"
        "who signed up, do nothing.\n",
    )


def _taken(email: str) -> Letter:
    return Letter(
        email,
        "You have an account already",
        "Somebody, perhaps you, wanted to sign up with this e-mail, which is in use already.\n\n"
        "Sign in with it; if the password is forgotten, ask for a new one where you sign in.\n",
    )


def _to_reset(email: str, code: str) -> Letter:
    return Letter(
        email,
        f"{code} sets a new password",
        f"Your code for a new password is {code}, good for {SECONDS // 60} minutes.\n\n"
        "If it was not you who asked for it, do nothing: nothing changes.\n",
    )
