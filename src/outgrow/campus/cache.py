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
    """A task for whoever waits for it; that it failed is no news when nobody does."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


class Uses:
    """How often an answer was there, and how often it had to be made."""

    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0


class Cache(Generic[T]):
    """At most `most` answers, each under the school that it is about and what was asked of it.

    Who asks for one that is being made waits for it; one that fails is not kept.
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
        # Whoever leaves early does not take the answer from those who wait.
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
    """Those of one process. No answer is older than `seconds`; 0: none is kept."""

    def __init__(self, notifier: Notifier, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.uses: dict[str, Uses] = {}
        self._caches: dict[str, Cache[Any]] = {}
        self._notifier = notifier
        self._subscribers: list[Callable[[str], None]] = []
        notifier.subscribe("school", self._changed)

    def named(self, name: str, most: int) -> Cache[Any]:
        """The cache of this name, which its uses are counted under, of `most` answers."""
        cache = self._caches.get(name)
        if cache is None:
            cache = self._caches[name] = Cache(self.seconds, most)
            self.uses[name] = cache.uses
            self.subscribe(cache.forget, cache.clear)
        return cache

    def subscribe(
        self, changed: Callable[[str], None], may_have_changed: Callable[[], None]
    ) -> None:
        """Call `changed` with the school of whoever changed, and `missed` where changes by other
        processes may not have been heard of."""
        self._subscribers.append(changed)
        self._notifier.on_reconnect(may_have_changed)

    def changed(self, school: str) -> None:
        """Somebody of the school came, changed or left. To be called after the commit."""
        self._notifier.publish("school", school)

    def _changed(self, school: str) -> None:
        for callback in self._subscribers:
            callback(school)


class Hidden:
    """Lists exclude by themselves whom they do not show: see network.hidden."""

    def __init__(self, database: Database, caches: Caches) -> None:
        self._database = database
        self._listing: Cache[list[str]] = caches.named("old_blocks", MOST_VIEWERS)

    async def ids(self, viewer: Viewer) -> list[str]:
        """Whoever is hidden from `viewer`, of whichever school.

        Blocks are read anew. Who has the viewer in an old client's list of blocks comes from the
        cache: without an index it costs a look at every profile.
        """

        async def listing() -> list[str]:
            return list(await self._database.value(SAFETY["listing"], viewer.id))

        hidden = await self.blocked(viewer)
        return list({*hidden, *await self._listing.get(viewer.school, viewer.id, listing)})

    async def blocked(self, viewer: Viewer) -> list[str]:
        """Whoever blocked the viewer, or is blocked by them; but for old clients' lists."""
        hidden: list[str] = await self._database.value(SAFETY["hidden"], viewer.id)
        return hidden
