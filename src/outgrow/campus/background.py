"""Work next to the requests: after one was answered, or for as long as a process serves.

What an operator's commands did is logged from here. A command runs at a terminal, and what it
prints is gone with that. So it leaves a row, which a serving process writes to its log within a
minute: once, or twice where the process is killed in between. While nothing serves, the last
MOST_OPERATIONS rows wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from outgrow import events, queries
from outgrow.db.named import refuse_strangers
from outgrow.db.pool import GONE, Database, Session
from outgrow.errors import OutgrowError, Refused

log = logging.getLogger("outgrow.background")

FAILED = (*GONE, asyncpg.PostgresError, OutgrowError)
AGAIN_SECONDS = 0.5


class Background:
    """Tasks that outlive their request. `what` begins the log line of one that failed."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._done)

    async def settle(self, seconds: float = 60) -> None:
        """Wait for the running tasks, and cancel those that take longer."""
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
async def run_works(*works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Repeat each of these until the block ends, whatever happens to the database."""
    tasks = [asyncio.create_task(_repeat(work)) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(work: Callable[[], Awaitable[None]]) -> None:
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


OPERATIONS = queries.load("operations")
MOST_OPERATIONS = 10_000


async def record_command(database: Database, command: str, subject: str | None = None) -> None:
    """Record that a command did something, and to whom. Do nothing where there is no campus, or the
    role may not write there: what the command did is done."""
    with suppress(
        asyncpg.UndefinedTableError,
        asyncpg.InvalidSchemaNameError,
        asyncpg.InsufficientPrivilegeError,
        asyncpg.ReadOnlySQLTransactionError,
        Refused,
    ):
        await refuse_strangers(database)
        await database.run(OPERATIONS["record"], command, subject)


async def log_commands(database: Database) -> None:
    """Write what was recorded to the log, and delete it."""

    async def work(session: Session) -> None:
        for row in await session.rows(OPERATIONS["take"]):
            events.event(
                "operator_command",
                at=row["done_at"],
                command=row["command"],
                subject=row["subject"],
                role=row["role"],
                host=row["host"],
            )

    await database.transaction(work)
    await database.run(OPERATIONS["forget"], MOST_OPERATIONS)


EVERY_SECONDS = 60


async def run_maintenance(database: Database, *works: Callable[[], Awaitable[None]]) -> None:
    """Do these, and log what operators' commands did, once in EVERY_SECONDS until cancelled."""

    async def report_operations() -> None:
        await log_commands(database)

    while True:
        for work in (*works, report_operations):
            try:
                await work()
            except FAILED as e:
                log.warning("%s failed, and is tried again: %s", work.__qualname__, e)
        await asyncio.sleep(EVERY_SECONDS)
