"""Sessions: the one place that decides whether a session is still open.

Access tokens, cookies of the pages and sockets all ask here. The truth is the session's row and
`network.is_open`: nothing that processes tell each other, or fail to, changes it. A session that
was found open is taken for open for FRESH_SECONDS, and not asked about in that time. So one that
ends is over at once in the process that ended it, and within FRESH_SECONDS in all others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from outgrow import queries
from outgrow.database import Database

SQL = queries.load("sessions")
NETWORK = queries.load("network")

FRESH_SECONDS = 3.0
MOST = 10_000  # sessions remembered, about 3 MB
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Lifetime:
    """For how many seconds a session lives without being used, and however much it is used."""

    idle: int = 30 * DAY
    longest: int = 90 * DAY


class Sessions:
    def __init__(self, database: Database, lifetime: Lifetime | None = None) -> None:
        self._database = database
        self.lifetime = lifetime or Lifetime()
        self._open: dict[str, tuple[str, float]] = {}  # whose, and until when nobody asks again
        self._endings = 0
        self._on_end: Callable[[set[str]], None] = lambda sessions: None

    async def is_open(self, session_id: str, user_id: str) -> bool:
        """Return whether this is an open session of this user. At most one lookup by primary key
        in FRESH_SECONDS for each session."""
        known = self._open.get(session_id)
        began = time.monotonic()
        if known is not None and began < known[1]:
            return known[0] == user_id
        endings = self._endings
        owner: str | None = await self._database.value(SQL["owner"], session_id)
        if owner is None:
            self._open.pop(session_id, None)
            return False
        if endings == self._endings:  # else it may have ended after it was read
            self._remember(session_id, owner, began)
        return owner == user_id

    async def over(self, sessions: Iterable[str]) -> set[str]:
        """Return those of these sessions that are not open any more, as the database has it."""
        rows = await self._database.rows(SQL["over"], list(sessions))
        return {row["id"] for row in rows}

    def end(self, sessions: Iterable[str]) -> None:
        """Forget what is known of these sessions, and close their sockets. To be called after the
        commit that ended them."""
        ended = set(sessions)
        self._endings += 1
        for session_id in ended:
            self._open.pop(session_id, None)
        self._on_end(ended)

    def on_end(self, hearer: Callable[[set[str]], None]) -> None:
        """Call `hearer` with the sessions that this process ends."""
        self._on_end = hearer

    async def secret(self) -> bytes:
        """Return the signing secret as it is now; make one where an operator deleted it."""
        secret: bytes | None = await self._database.value(NETWORK["secret"])
        if secret is None:
            await self._database.run(NETWORK["make_secret"])
            secret = await self._database.value(NETWORK["secret"])
        assert secret is not None, "it was just made"
        return secret

    def _remember(self, session_id: str, owner: str, began: float) -> None:
        self._open.pop(session_id, None)
        if len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        self._open[session_id] = owner, began + FRESH_SECONDS
