"""Confirmations by a code from a mailbox: sign-ups for a school with domains, or with the e-mail of
an older profile; forgotten passwords; invitations.

No answer here reveals whether a person has an account or a profile: a sign-up is answered alike for
an e-mail that is free and one that is not, and the owner of the mailbox reads which. Only where
schools without domains let people in immediately (without `always`) do their sign-ups reveal it. A
sign-up that waits is completed with its own password and the code, so that a person who was sent a
code cannot complete what another person began in their name. Each has an id, which only the caller
who began it has, and codes of its own: sign-ups with one e-mail do not touch each other.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid

import msgspec

from outgrow import events, queries
from outgrow.campus.accounts import accounts
from outgrow.campus.accounts.accounts import Accounts
from outgrow.campus.accounts.claims import Claim, Disputed, find_claim
from outgrow.campus.accounts.credentials import CODE_SECONDS, Codes, Passwords, check_password
from outgrow.campus.accounts.sessions import SignedIn
from outgrow.campus.limits import CODES_TO_MAILBOX, CODES_TO_ONE, RESETS_TO_ONE, Limits
from outgrow.campus.mail import Letter, Mail, mailbox_of, valid_email
from outgrow.campus.people.profiles import NewProfile
from outgrow.campus.people.schools import must_verify
from outgrow.campus.safety import absorb_blocks
from outgrow.db.pool import Database, Session, Statements
from outgrow.errors import BadInput, Conflict, TooMany

SQL = queries.load("codes")
LOOKUPS = (
    2  # concurrent searches for claims in a process: in phase `initial` each reads all profiles
)


class Confirmations:
    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        passwords: Passwords,
        limits: Limits,
        codes: Codes,
        mail: Mail,
        always: bool = False,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._passwords = passwords
        self._limits = limits
        self._codes = codes
        self.mail = mail
        self._always = always
        self._lookups = asyncio.Semaphore(LOOKUPS)

    async def sign_up(
        self,
        email: str,
        password: str,
        profile: NewProfile,
        *,
        address: str = "",
        device: str = "",
    ) -> SignedIn | str:
        """Make an account and its profile, or return the id of a sign-up that waits for the code
        that was mailed.

        Raises BadInput, Conflict, Forbidden, TooMany, Unavailable when the mail was not sent: the
        sign-up waits then, and another code can be asked for.
        """
        email = valid_email(email)
        check_password(password, (email, profile.name, profile.school))
        key = email.lower()
        if not await must_verify(self._database, profile.school, email) and not self._always:
            try:
                return await self._accounts.sign_up(email, password, profile, device=device)
            except Conflict as e:
                if e.code != "email_taken" or await self._has_account(key):
                    raise
        await self._count(key, address)
        hashed = await self._passwords.hash(password)
        begun = msgspec.json.encode(_plain(profile)).decode("utf-8")
        sign_up = secrets.token_urlsafe(16)

        async def work(session: Session) -> Letter:
            has_account = await session.row(accounts.SQL["by_email"], key) is not None
            claim = await find_claim(session, key)
            # In any case: `verify` answers alike, and as fast, where no code was sent.
            await session.run(SQL["begin"], sign_up, key, email, hashed, begun)
            if has_account:
                return _taken(email)
            if isinstance(claim, Disputed):
                return _disputed(email)
            return await self._to_verify(session, sign_up, email, claim)

        async with self._lookups:
            letter = await self._database.transaction(work)
        await self.mail.send(letter)
        return sign_up

    async def _count(self, key: str, address: str) -> None:
        """Count a code for this e-mail, asked for from this address. Raises TooMany."""
        mailbox = mailbox_of(key)
        await self._limits.consume(CODES_TO_ONE, f"{mailbox} {address}")
        await self._limits.consume(CODES_TO_MAILBOX, mailbox)

    async def _has_account(self, key: str) -> bool:
        return await self._database.row(accounts.SQL["by_email"], key) is not None

    async def _to_verify(
        self, session: Statements, sign_up: str, email: str, claim: Claim | None
    ) -> Letter:
        """Return a letter with a code for this sign-up. The letter for a claim goes to the address
        as the profile spells it."""
        if claim is None:
            return _to_verify(email, await self._codes.give(session, "verify", sign_up))
        code = await self._codes.give(session, "claim", claim.subject)
        return _to_verify(claim.email, code, of_old=True)

    async def resend(self, email: str, sign_up: str | None = None, *, address: str = "") -> None:
        """Mail another code for this sign-up, or for the newest with this e-mail, while it waits.
        Raises TooMany."""
        key = valid_email(email).lower()
        await self._count(key, address)
        events.event("code_asked", purpose="verify")
        self.mail.later(self._resend(key, sign_up))

    async def _resend(self, key: str, sign_up: str | None) -> None:
        row = await self._database.row(SQL["waiting"], key, sign_up)
        if row is None or await self._has_account(key):
            return
        async with self._lookups:
            claim = await find_claim(self._database, key)
        if not isinstance(claim, Disputed):
            letter = await self._to_verify(self._database, row["id"], row["email"], claim)
            await self.mail.send(letter)

    async def verify(
        self,
        email: str,
        code: str,
        password: str,
        sign_up: str | None = None,
        *,
        device: str = "",
    ) -> SignedIn:
        """Complete this sign-up, or the newest with this e-mail. Raises BadInput, and Conflict when
        the e-mail has an account by now.

        A wrong password uses up no try of the code: a stranger cannot use them up.
        """
        key = valid_email(email).lower()
        waiting = await self._database.row(SQL["waiting"], key, sign_up)
        hashed = waiting["password_hash"] if waiting else None
        if not await self._passwords.matches(accounts.shorten_password(password), hashed):
            raise _wrong_code()
        assert waiting is not None
        assert hashed is not None
        user_id = str(uuid.uuid4())

        async def work(session: Session) -> SignedIn | None:
            claim = await find_claim(session, key)
            if isinstance(claim, Disputed):
                return None
            is_right = (
                await self._codes.use(session, "verify", waiting["id"], code)
                if claim is None
                else await self._codes.use(session, "claim", claim.subject, code)
            )
            row = await session.row(SQL["finish"], waiting["id"]) if is_right else None
            if row is None:
                return None
            if claim is None:
                profile = msgspec.json.decode(row["profile"], type=NewProfile)
                email = row["email"]
                made = await self._accounts.make(session, user_id, email, hashed, profile, device)
            else:
                made = await self._accounts.adopt(session, claim, hashed, device)
            await session.run(accounts.SQL["verified"], made.user_id)
            return made

        async with self._lookups:
            signed_in = await accounts.explain_conflicts(self._database, work, user_id)
        if signed_in is None:
            raise _wrong_code()
        if signed_in.user_id != user_id:
            await absorb_blocks(self._database, signed_in.user_id)
        events.event("signed_up", account=signed_in.user_id, session=signed_in.session_id)
        return signed_in

    async def reset(self, email: str) -> None:
        """Mail a code that sets a password, where there is an account, or a profile without one.
        Mail none if several were just sent: those are still good."""
        key = valid_email(email).lower()
        events.event("code_asked", purpose="reset")
        self.mail.later(self._reset(key))

    async def _reset(self, key: str) -> None:
        row = await self._database.row(accounts.SQL["by_email"], key)
        if row is not None:
            events.about(row["user_id"])
            if not await self._may_mail(key):
                return
            code = await self._codes.give(self._database, "reset", key)
            await self.mail.send(_to_reset(row["email"], code))
            return
        async with self._lookups:
            claim = await find_claim(self._database, key)
        if claim is None or not await self._may_mail(key):
            return
        if isinstance(claim, Claim):
            code = await self._codes.give(self._database, "claim", claim.subject)
            await self.mail.send(_to_claim(claim.email, code))
        else:
            await self.mail.send(_disputed(key))

    async def _may_mail(self, key: str) -> bool:
        """Count one more code for a password to this e-mail, and return whether it may be sent."""
        try:
            await self._limits.consume(RESETS_TO_ONE, key)
        except TooMany:
            return False
        return True

    async def confirm_reset(self, email: str, code: str, password: str) -> None:
        """Set a new password, which ends all sessions; or the first password of a profile that gets
        its account by this code or by an invitation's. Raises BadInput."""
        key = valid_email(email).lower()
        hashed = await self._passwords.hash(check_password(password, (email,)))

        async def work(session: Session) -> list[str] | None:
            has_account = await session.row(accounts.SQL["by_email"], key) is not None
            claim = await find_claim(
                session, key
            )  # in any case: else the time it takes would reveal it
            if not has_account:
                return [] if await self._claim(session, claim, code, password, hashed) else None
            if not await self._codes.use(session, "reset", key, code):
                return None
            user_id = await session.value(accounts.SQL["set_password"], key, hashed)
            if user_id is None:
                return None
            events.about(user_id)
            personal = await session.row(accounts.SQL["own_words"], user_id)
            check_password(
                password, personal.values() if personal else ()
            )  # else the code is still good
            await session.run(accounts.SQL["verified"], user_id)
            ended = await session.rows(accounts.SQL["end_sessions"], user_id)
            return [row["id"] for row in ended]

        async with self._lookups:
            ended = await self._database.transaction(work)
        if ended is None:
            raise _wrong_code()
        self._accounts.sessions.end(ended)
        events.event("password_reset", count=len(ended))

    async def _claim(
        self,
        session: Session,
        claim: Claim | Disputed | None,
        code: str,
        password: str,
        hashed: str,
    ) -> bool:
        """Make the account of a profile. Return False when the code is not valid for it."""
        if not isinstance(claim, Claim):
            return False
        if not await self._codes.use(session, "claim", claim.subject, code) and not (
            await self._codes.use(session, "invite", claim.subject, code)
        ):
            return False
        personal = await session.row(accounts.SQL["own_words"], claim.user_id)
        check_password(
            password, personal.values() if personal else ()
        )  # else the code is still good
        await accounts.give_account(session, claim, hashed)
        await session.run(accounts.SQL["verified"], claim.user_id)
        return True

    async def forget(self) -> None:
        """Delete codes and sign-ups that have expired."""
        await self._database.run(SQL["forget"])
        await self._database.run(SQL["forget_resets"])
        await self._database.run(SQL["forget_sign_ups"])


def _plain(profile: NewProfile) -> dict[str, object]:
    """Return the fields of a profile alone: a sign-up may have more."""
    return {name: getattr(profile, name) for name in NewProfile.__struct_fields__}


def _wrong_code() -> BadInput:
    return BadInput(
        "wrong_code",
        "that is not the code, or not any more",
        detail="it may be mistyped, over, or not fit the e-mail and the password",
        hint="ask for a new code",
    )


def _to_verify(email: str, code: str, *, of_old: bool = False) -> Letter:
    known = (
        "There is a profile of yours already, from before. It comes with your account as it is;\n"
        "what you typed now does not change it.\n\n"
    )
    return Letter(
        email,
        f"{code} is your code",
        f"Your code is {code}, good for {CODE_SECONDS // 60} minutes.\n\n"
        "Enter it with the password that you chose, and your account is made. If it was not you\n"
        f"who signed up, do nothing.\n\n{known if of_old else ''}".rstrip("\n")
        + "\n",
    )


def _to_claim(email: str, code: str) -> Letter:
    return Letter(
        email,
        f"{code} sets your password",
        f"There is a profile of yours, from before, and no account yet. Your code for its first\n"
        f"password is {code}, good for {CODE_SECONDS // 60} minutes.\n\n"
        "If it was not you who asked for it, do nothing: nothing changes.\n",
    )


def _disputed(email: str) -> Letter:
    return Letter(
        email,
        "Your profile needs a word with the operator",
        "Somebody, perhaps you, wanted to sign in with this e-mail. A profile from before has it,\n"
        "but a code cannot decide whose that is: more than one has it, or its school asks for an\n"
        "address of its own. Write to whoever runs the network; they can tell, and let you in.\n",
    )


def _taken(email: str) -> Letter:
    return Letter(
        email,
        "You have an account already",
        "Somebody, perhaps you, wanted to sign up with this e-mail, which is in use already.\n\n"
        "Sign in with it. If you forgot your password, set a new one: the sign-in page says how.\n",
    )


def _to_reset(email: str, code: str) -> Letter:
    return Letter(
        email,
        f"{code} sets a new password",
        f"Your code for a new password is {code}, good for {CODE_SECONDS // 60} minutes.\n\n"
        "If it was not you who asked for it, do nothing: nothing changes.\n",
    )
