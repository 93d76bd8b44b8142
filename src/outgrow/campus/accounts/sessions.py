"""Sessions: the one place that decides whether a session is still open, and of which school.

Access tokens, cookies of the pages and sockets all ask here. The truth is the session's row and
`network.is_open`, and for the school `network.school_of`: nothing that processes tell each other,
or fail to, changes it. What was found is taken for true for FRESH_SECONDS, and not asked for in
that time. So a session that ends is over at once in the process that ended it, and within
FRESH_SECONDS in all others; and who is no member of a school any more is none within FRESH_SECONDS.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from outgrow import queries
from outgrow.db.pool import Database

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


@dataclass(frozen=True, slots=True)
class Open:
    """An open session: whose, and of which school they are a member, or None."""

    user_id: str
    school: str | None
    fresh_until: float  # by time.monotonic()


class Sessions:
    def __init__(self, database: Database, lifetime: Lifetime | None = None) -> None:
        self._database = database
        self.lifetime = lifetime or Lifetime()
        self._open: dict[str, Open] = {}
        self._endings = 0
        self._on_end: Callable[[set[str]], None] = lambda sessions: None

    async def find(self, session_id: str, user_id: str) -> Open | None:
        """Return this session if it is an open one of this user. One lookup by primary keys in
        FRESH_SECONDS for each session of a member. Others are looked up each time: they may become
        a member in any process, and are not to wait for it."""
        known = self._open.get(session_id)
        began = time.monotonic()
        if known is None or began >= known.fresh_until:
            endings = self._endings
            row = await self._database.row(SQL["find"], session_id)
            if row is None:
                self._open.pop(session_id, None)
                return None
            known = Open(row["user_id"], row["school"], began + FRESH_SECONDS)
            if endings == self._endings:  # else it may have ended after it was read
                self._remember(session_id, known)
        return known if known.user_id == user_id else None

    async def over(self, sessions: Iterable[str]) -> tuple[set[str], set[str]]:
        """Return those of these sessions that are not open any more, and those of people who are
        no member of a school, as the database has it. Costs 50 microseconds for each."""
        rows = await self._database.rows(SQL["over"], list(sessions))
        ended = {row["id"] for row in rows if not row["is_open"]}
        return ended, {row["id"] for row in rows} - ended

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

    async def signing(self) -> tuple[bytes, float]:
        """Return the signing secret as it is now, and the database's time in seconds since 1970;
        make a secret where an operator deleted it."""
        row = await self._database.row(NETWORK["signing"])
        if row is None:
            await self._database.run(NETWORK["make_secret"])
            row = await self._database.row(NETWORK["signing"])
        assert row is not None, "it was just made"
        return row["value"], row["now"]

    def _remember(self, session_id: str, known: Open) -> None:
        self._open.pop(session_id, None)
        if known.school is None:
            return
        if len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        self._open[session_id] = known
