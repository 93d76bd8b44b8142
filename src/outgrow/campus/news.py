"""News: what this process changed, told to all processes on the database.

They are said after the commit, and only tell where to look: the tables are the truth, and whoever
hears of something, late, twice or by mistake, looks it up. This process hears its own at once. For
the others they are collected for FLUSH_SECONDS and sent outside the writing transactions, since
NOTIFY takes a lock of the whole database when it commits. One connection of the process listens.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from outgrow import queries
from outgrow.campus.background import AGAIN_SECONDS, going_on
from outgrow.database import Database

SQL = queries.load("network")

log = logging.getLogger("outgrow.news")

CHANNEL = "outgrow_news"
FLUSH_SECONDS = 0.02
LONGEST_NOTIFICATION = 7000  # bytes; PostgreSQL takes 8,000
UNHEARD_SECONDS = 2.0  # how late others are heard of through a pooler in transaction mode
CHECK_SECONDS = 10.0  # how often it is looked whether the connection still is one


class News:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._process = secrets.token_hex(8)
        self._running = False
        self._hearers: dict[str, Callable[..., None]] = {}
        self._missers: list[Callable[[], None]] = []
        self._unsaid: dict[tuple[str, ...], None] = {}
        self._something = asyncio.Event()

    def hear(self, kind: str, hearer: Callable[..., None]) -> None:
        """Call `hearer` with the words of each piece of news of this kind."""
        self._hearers[kind] = hearer

    def missed(self, misser: Callable[[], None]) -> None:
        """Call `misser` whenever listening begins: what others said before was not heard."""
        self._missers.append(misser)

    def say(self, kind: str, *words: str) -> None:
        """To be called after the commit."""
        self._tell(kind, words)
        if self._running:
            self._unsaid[kind, *words] = None
            self._something.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens, and tells the others, meanwhile."""
        self._running = True
        try:
            async with going_on(self._listen, self._flush):
                yield
        finally:
            self._running = False

    def _tell(self, kind: str, words: Sequence[str]) -> None:
        if kind in self._hearers:
            self._hearers[kind](*words)

    def _tell_missers(self) -> None:
        for misser in self._missers:
            misser()

    async def _flush(self) -> None:
        await self._something.wait()
        await asyncio.sleep(FLUSH_SECONDS)
        self._something.clear()
        said, self._unsaid = self._unsaid, {}
        try:
            for payload in _payloads(self._process, said):
                await self._database.run(SQL["notify"], CHANNEL, payload)
        except BaseException:
            self._unsaid = {**said, **self._unsaid}
            self._something.set()
            raise

    async def _listen(self) -> None:
        """Until the connection is lost. Without sessions nothing is heard, and whatever others may
        have said is looked up again and again."""
        if not self._database.has_sessions:
            await asyncio.sleep(UNHEARD_SECONDS)
            self._tell_missers()
            return
        lost = asyncio.Event()
        async with self._database.dedicated("outgrow news") as session:
            connection = session.connection
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._heard)
            self._tell_missers()
            while not lost.is_set():
                async with asyncio.timeout(CHECK_SECONDS):  # or a peer gone without a word
                    await session.value(SQL["ready"])
                try:
                    await asyncio.wait_for(lost.wait(), CHECK_SECONDS)
                except TimeoutError:
                    continue
        log.warning("the listening connection was lost; another one is made")
        await asyncio.sleep(AGAIN_SECONDS)

    def _heard(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        """Whoever may connect to the database may notify, too."""
        try:
            process, *said = json.loads(payload)
            for kind, *words in said if process != self._process else ():
                if not all(isinstance(word, str) for word in words):
                    raise TypeError
                self._tell(kind, words)
        except (ValueError, TypeError):
            log.warning("a notification on %s is none of ours: %.100s", CHANNEL, payload)


def _payloads(process: str, said: Iterable[Sequence[str]]) -> Iterable[str]:
    """The notifications that say all this, each short enough."""
    parts: list[str] = []
    size = 0
    for item in said:
        part = json.dumps(item)
        if parts and size + len(part) > LONGEST_NOTIFICATION:
            yield _payload(process, parts)
            parts, size = [], 0
        parts.append(part)
        size += len(part) + 1
    if parts:
        yield _payload(process, parts)


def _payload(process: str, parts: Sequence[str]) -> str:
    return "[" + ",".join([json.dumps(process), *parts]) + "]"
