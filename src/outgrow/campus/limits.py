"""Rate limits: how often a person may do something, counted in the database for all processes.

Requests and signs of typing are counted in this process's memory alone (`count`): a write for each
read would cost more than most reads do. So several processes let through several times as many.

A limit of `most` within `seconds` lets that many through immediately, and then one more every
`seconds / most`. A refused attempt is not counted. The subject that is counted is a text: an
account, an address, or, where passwords are tried, an e-mail. Only keyed hashes of e-mails and
addresses are stored.
"""

from __future__ import annotations

import hmac
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from outgrow import queries
from outgrow.db.pool import Database
from outgrow.errors import BadInput, TooMany

SQL = queries.load("limits")


@dataclass(frozen=True, slots=True)
class Limit:
    """`name` is what settings call it; `what` ends the sentence "at most so many ...".

    A `late` limit is counted by the handler, with `consume_from` or `log_in`, which know whose
    account it is about.
    """

    name: str
    most: int
    seconds: int
    what: str
    late: bool = False


SIGN_UP = Limit("sign-up", 300, 3600, "sign-ups from one address")
LOG_IN = Limit("log-in", 600, 600, "log-ins from one address", late=True)
# One address cannot try a thousand passwords of an account, nor can many addresses together. That
# would keep the owner out too, so the owner is not counted where they signed in before.
LOG_IN_PAIR = Limit("log-in-pair", 100, 3600, "log-ins to one account from one address")
LOG_IN_ACCOUNT = Limit("log-in-account", 300, 3600, "log-ins to one account from new addresses")
CODES = Limit("codes", 120, 3600, "codes asked for from one address", late=True)
# A stranger at another address uses up none of the owner's; many together cannot fill a mailbox.
CODES_TO_ONE = Limit("codes-to-one", 5, 3600, "codes sent to one e-mail from one address")
CODES_TO_MAILBOX = Limit("codes-to-mailbox", 30, 3600, "codes sent to one e-mail")
# It refills faster than its codes expire: when it is used up, good codes are in the mailbox.
RESETS_TO_ONE = Limit("resets-to-one", 8, 3600, "codes for a new password sent to one e-mail")
CODE_TRIES = Limit("code-tries", 120, 3600, "codes tried from one address", late=True)
# A person who signed in on a device before is not counted with their neighbours.
DEVICE = Limit("known-device", 60, 3600, "tries on one device that the account knows")
PASSWORDS = Limit("passwords", 20, 3600, "password attempts by one account")
EXPORTS = Limit("exports", 10, 3600, "exports by one account")
INTROS = Limit("intros", 200, 86_400, "intros by one account")
MESSAGES = Limit("messages", 600, 600, "messages by one account")
BLOCKS = Limit("blocks", 300, 3600, "blocks by one account")
REPORTS = Limit("reports", 30, 3600, "reports by one account")
# In this process's memory.
REQUESTS = Limit("requests", 3000, 60, "requests by one account")
REQUESTS_FROM = Limit("requests-from", 4000, 60, "requests from one address by nobody signed in")
TYPING = Limit("typing", 120, 60, "signs of typing by one account")
LIMITS = {
    limit.name: limit
    for limit in (
        *(SIGN_UP, LOG_IN, LOG_IN_PAIR, LOG_IN_ACCOUNT, CODES, CODES_TO_ONE, CODE_TRIES),
        *(CODES_TO_MAILBOX, RESETS_TO_ONE, DEVICE),
        *(PASSWORDS, EXPORTS, INTROS, MESSAGES, BLOCKS, REPORTS),
        *(REQUESTS, REQUESTS_FROM, TYPING),
    )
}
MOST_COUNTED = 50_000  # subjects in memory, about 10 MB; with more all counts start again
DAY = 86_400
KNOWN_SECONDS = 90 * DAY  # how long an address where a person signed in is known


class Limits:
    """All limits. `changed` has (most, seconds) by a limit's name; None switches all off."""

    def __init__(
        self, database: Database, key: bytes, changed: Mapping[str, tuple[int, int]] | None
    ) -> None:
        self._database = database
        self._key = key
        self._limits: dict[str, Limit] = {}
        self._due: dict[tuple[str, str], float] = {}
        if changed is not None:
            unknown = sorted(changed.keys() - LIMITS.keys())
            if unknown:
                raise BadInput(
                    "bad_setting",
                    f'OUTGROW_LIMITS: unknown limit "{unknown[0]}"',
                    hint=f"the limits are {', '.join(LIMITS)}",
                )
            for name, limit in LIMITS.items():
                most, seconds = changed.get(name, (limit.most, limit.seconds))
                self._limits[name] = replace(limit, most=most, seconds=seconds)

    async def consume(self, limit: Limit, subject: str, now: datetime | None = None) -> None:
        """Count one more use. Raises TooMany. Tests give `now`; else it is the server's clock."""
        configured = self._limits.get(limit.name)
        if configured is None:
            return
        wait: float = await self._database.value(
            SQL["take"],
            configured.name,
            self._hashed(subject),
            configured.most,
            timedelta(seconds=configured.seconds / configured.most),
            now,
        )
        if wait > 0:
            raise _too_many(configured, wait)

    def count(self, limit: Limit, subject: str, now: float | None = None) -> None:
        """Count one more use in this process only. Raises TooMany. `now` is for tests."""
        configured = self._limits.get(limit.name)
        if configured is None:
            return
        now = time.monotonic() if now is None else now
        each = configured.seconds / configured.most
        due = max(self._due.get((configured.name, subject), now), now)
        if due > now + (configured.most - 1) * each:
            raise _too_many(configured, due - now - (configured.most - 1) * each)
        if len(self._due) >= MOST_COUNTED:
            self._due = {key: due for key, due in self._due.items() if due > now}
            if len(self._due) >= MOST_COUNTED:
                self._due.clear()
        self._due[configured.name, subject] = due + each

    async def consume_from(self, limit: Limit, email: str, address: str, device: str) -> bool:
        """Count one more use about this e-mail, and return whether its account knows the device. A
        known device is counted by itself, another by the address. Raises TooMany."""
        knows = await self._knows_device(email.lower(), device)
        await self.consume(DEVICE if knows else limit, device if knows else address)
        return knows

    async def log_in(self, email: str, address: str, device: str = "") -> bool:
        """Count a log-in with this e-mail from this address, and return whether its account knows
        the device. Raises TooMany."""
        if await self.consume_from(LOG_IN, email, address, device):
            return True
        pair = f"{email} {address}"
        await self.consume(LOG_IN_PAIR, pair)
        if LOG_IN_ACCOUNT.name in self._limits and not await self._database.value(
            SQL["knows"], "known-place", self._hashed(pair)
        ):
            await self.consume(LOG_IN_ACCOUNT, email)
        return False

    async def logged_in(self, email: str, address: str, device: str = "") -> None:
        """Remember that this account's owner signs in from this address, and take back what
        `log_in` counted against it: a whole campus may sign in from one address."""
        if not self._limits:
            return
        pair = self._hashed(f"{email} {address}")
        await self._database.run(SQL["remember"], "known-place", pair, KNOWN_SECONDS)
        if not await self._knows_device(email, device):
            log_in = self._limits[LOG_IN.name]
            each = timedelta(seconds=log_in.seconds / log_in.most)
            await self._database.run(SQL["give_back"], log_in.name, self._hashed(address), each)

    async def device_token(self, email: str, now: float | None = None) -> str:
        """Return a token that shows, for KNOWN_SECONDS, that this account signed in on a device.

        It lets nobody in, it only makes the device count by itself. There is one token a day: else
        a person who once knew the password could have made as many devices as they like. `now` is
        for tests.
        """
        now = await self._database.value(SQL["now"]) if now is None else now
        until = f"{(int(now) // DAY + 1) * DAY + KNOWN_SECONDS:x}"
        return f"{until}.{self._hashed(f'device {until} {email.lower()}')}"

    async def _knows_device(self, email: str, token: str) -> bool:
        until, _, mark = token.partition(".")
        if not re.fullmatch("[0-9a-f]{1,12}", until):
            return False
        expected = self._hashed(f"device {until} {email}")
        if not hmac.compare_digest(expected.encode(), mark.encode("utf-8", "surrogatepass")):
            return False
        now: float = await self._database.value(SQL["now"])
        return now <= int(until, 16)

    async def forget(self) -> None:
        """Delete rows that have expired."""
        await self._database.run(SQL["forget"])

    def _hashed(self, subject: str) -> str:
        raw = subject.encode("utf-8", "surrogatepass")
        return blake2b(raw, digest_size=16, key=self._key).hexdigest()


def _too_many(limit: Limit, wait: float) -> TooMany:
    seconds = math.ceil(wait)
    return TooMany(
        "rate_limited",
        "that was too often in too short a time",
        detail=f"at most {limit.most} {limit.what} in {limit.seconds} seconds",
        hint=f"try again in {seconds} seconds",
        retry_after=seconds,
    )
