"""Caches of one process, and the people hidden from a viewer.

A cache holds answers that cost much, each for all viewers of a school. No answer is older than the
bound of its `Caches`, counted from when its making began. It is dropped earlier when a person of
its school signs up, changes or leaves, in any process (campus/notifier.py: immediately here, within
some 50 ms elsewhere). What old clients write to the store is seen when the bound is over.

Lists exclude hidden people in SQL (network.hidden). `Hidden` names them, so that they can be left
out of what is cached.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from outgrow import queries
from outgrow.campus import Viewer
from outgrow.campus.notifier import Notifier
from outgrow.db.pool import Database

T = TypeVar("T")

SAFETY = queries.load("safety")

SECONDS = 20.0
MOST_VIEWERS = 10_000  # whose old blocks are cached


def start_task(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task. A failure that nobody waits for is not logged."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


class Uses:
    """Counts of answers that were cached, and of those that had to be made."""

    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0


class Cache(Generic[T]):
    """At most `most` answers, each by the school that it is about and the question.

    A caller who asks for an answer that is being made waits for it. A failure is not cached.
    """

    def __init__(self, seconds: float, most: int) -> None:
        self.uses = Uses()
        self._seconds = seconds
        self._most = most
        self._answers: dict[tuple[str, object], tuple[float, asyncio.Task[T]]] = {}

    async def get(self, school: str, question: object, make: Callable[[], Awaitable[T]]) -> T:
        key = (school, question)
        until, task = self._answers.get(key, (0.0, None))
        if task is None or until <= time.monotonic():
            self.uses.misses += 1
            task = start_task(self._make(key, make))
            if len(self._answers) >= self._most:
                del self._answers[next(iter(self._answers))]
            self._answers.pop(key, None)
            self._answers[key] = (time.monotonic() + self._seconds, task)
        else:
            self.uses.hits += 1
        # A caller who is cancelled does not cancel the answer of those who still wait.
        return await asyncio.shield(task)

    def forget(self, school: str) -> None:
        for key in [key for key in self._answers if key[0] == school]:
            del self._answers[key]

    def clear(self) -> None:
        self._answers.clear()

    async def _make(self, key: tuple[str, object], make: Callable[[], Awaitable[T]]) -> T:
        try:
            return await make()
        except BaseException:
            if self._answers.get(key, (0.0, None))[1] is asyncio.current_task():
                del self._answers[key]
            raise


class Caches:
    """The caches of one process. No answer is older than `seconds`; with 0 nothing is cached."""

    def __init__(self, notifier: Notifier, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.uses: dict[str, Uses] = {}
        self._caches: dict[str, Cache[Any]] = {}
        self._notifier = notifier
        self._subscribers: list[Callable[[str], None]] = []
        notifier.subscribe("school", self._changed)

    def named(self, name: str, most: int) -> Cache[Any]:
        """Return the cache of this name, of `most` answers. Its uses are counted by the name."""
        cache = self._caches.get(name)
        if cache is None:
            cache = self._caches[name] = Cache(self.seconds, most)
            self.uses[name] = cache.uses
            self.subscribe(cache.forget, cache.clear)
        return cache

    def subscribe(
        self, changed: Callable[[str], None], may_have_changed: Callable[[], None]
    ) -> None:
        """Call `changed` with the school of each change, and `may_have_changed` when changes by
        other processes may have been lost."""
        self._subscribers.append(changed)
        self._notifier.on_reconnect(may_have_changed)

    def changed(self, school: str) -> None:
        """Tell all processes that people of the school changed. Call this after the commit."""
        self._notifier.publish("school", school)

    def _changed(self, school: str) -> None:
        for callback in self._subscribers:
            callback(school)


class Hidden:
    """The people who are hidden from a viewer, for answers that are cached for all viewers."""

    def __init__(self, database: Database, caches: Caches) -> None:
        self._database = database
        self._listing: Cache[list[str]] = caches.named("old_blocks", MOST_VIEWERS)

    async def ids(self, viewer: Viewer) -> list[str]:
        """Return the ids of all people hidden from `viewer`, of any school.

        Blocks are read each time. People who have the viewer in an old client's list of blocks come
        from the cache: without an index, finding them reads every profile.
        """

        async def listing() -> list[str]:
            return list(await self._database.value(SAFETY["listing"], viewer.id))

        hidden = await self.blocked(viewer)
        return list({*hidden, *await self._listing.get(viewer.school, viewer.id, listing)})

    async def blocked(self, viewer: Viewer) -> list[str]:
        """Return the ids of people who blocked the viewer or are blocked by them, without those in
        old clients' lists."""
        hidden: list[str] = await self._database.value(SAFETY["hidden"], viewer.id)
        return hidden
