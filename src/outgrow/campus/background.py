"""Work that goes on after its request was answered, or for as long as a process serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from outgrow.db.pool import GONE
from outgrow.errors import OutgrowError

log = logging.getLogger("outgrow.background")

FAILED = (*GONE, asyncpg.PostgresError, OutgrowError)
AGAIN_SECONDS = 0.5


class Background:
    """`what` begins the line in the log when something failed."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._done)

    async def settle(self, seconds: float = 60) -> None:
        """Wait for what is under way, and break it off when it takes longer."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            await asyncio.sleep(0)  # for the callbacks

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: %s", self._what, error.__cause__ or error)


@asynccontextmanager
async def going_on(*works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Does each of these again and again meanwhile, whatever happens to the database."""
    tasks = [asyncio.create_task(_for_ever(work)) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    name = work.__qualname__
    while True:
        try:
            await work()
        except FAILED as e:
            log.warning("%s: %s; trying again", name, e or type(e).__name__)
            await asyncio.sleep(AGAIN_SECONDS)
        except Exception:
            log.exception("%s: this should not happen; trying again", name)
            await asyncio.sleep(AGAIN_SECONDS)
