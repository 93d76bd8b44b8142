"""Does a plan's steps, one growth of a store at a time, and watches what PostgreSQL is doing.

A growth has two connections: one of its own, which holds the lock and runs the statements, and one
of the pool, which looks every half second at how far they are and who is in their way. When the
process dies the server ends the statement within seconds; what it leaves is found by the next run.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import asyncpg

from outgrow.blueprint import Blueprint
from outgrow.database import Database, Session
from outgrow.errors import GrowthFailed, Refused
from outgrow.grow import catalogue
from outgrow.grow.catalogue import Store
from outgrow.grow.plan import Plan, make
from outgrow.grow.steps import LOOK_AGAIN, CreateIndex, Phase, Step, Work
from outgrow.queries import load

log = logging.getLogger("outgrow.grow")

STOPPED = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # asyncpg, when the connection breaks at an unexpected moment
    OSError,
)


class Watcher(Protocol):
    """Whoever shows a growth. Work is counted in blocks of the table: a concurrent build reads it
    twice, once to make the index and once to see what it missed."""

    def planned(self, plan: Plan, blocks: int) -> None: ...
    def seen(self, step: Step, number: int, blocks: int, doing: str, waiting: str) -> None: ...
    def finished(self, step: Step, seconds: float, index_bytes: int | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Done:
    """`store` is as it is after the growth."""

    plan: Plan
    store: Store
    steps: tuple[tuple[Step, float], ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.plan.as_dict(),
            "phase": self.store.phase,
            "seconds": round(self.seconds, 2),
            "table_bytes": self.store.table_bytes,
            "index_bytes": self.store.index_bytes,
            "index_bytes_before": self.plan.store.index_bytes,
            "steps": [
                {"kind": s.kind, "name": s.name, "sql": s.sql(), "seconds": round(seconds, 3)}
                for s, seconds in self.steps
            ],
        }


async def plan(database: Database, goal: Phase, store: str, blueprint: Blueprint) -> Plan:
    """What `grow` would do, from a read-only transaction. Raises Refused."""
    async with database.session() as session, session.connection.transaction(readonly=True):
        planned = make(await catalogue.read(session, store, blueprint), blueprint, goal)
        rows = await session.rows(load("grow")["old_transactions"])
        return replace(planned, in_the_way=tuple(catalogue.waiting_for(row) for row in rows))


async def grow(
    database: Database, goal: Phase, store: str, blueprint: Blueprint, watcher: Watcher
) -> Done:
    """Take the store to the phase, online; run again after anything, it does what is left to do.

    Raises Refused where it must not begin, or where another growth runs; GrowthFailed when it
    stopped on the way.
    """
    began = time.monotonic()
    at = "before the first step"
    try:
        async with _alone(database, store, blueprint) as session:
            planned = make(await catalogue.read(session, store, blueprint), blueprint, goal)
            watcher.planned(planned, planned.builds * 2 * planned.store.blocks)
            pid = await session.value(load("grow")["pid"])
            done = []
            before = 0
            for number, step in enumerate(planned.steps, 1):
                at = step.describe()
                watch = _Watch(database, watcher, step, number, before, planned.store.blocks, pid)
                work = Work(database, session, blueprint, planned.store, watch.waits)
                seconds = await _do(step, work, watch)
                if seconds is not None:
                    done.append((step, seconds))
                before += watch.whole
            now = await catalogue.read(session, store, blueprint)
            return Done(planned, now, tuple(done), time.monotonic() - began)
    except STOPPED as e:
        raise _stopped(e, at, goal) from e


def _stopped(error: Exception, at: str, goal: Phase) -> GrowthFailed:
    hint = f"run `outgrow grow --to {goal}` again: it goes on from here"
    if isinstance(error, asyncpg.QueryCanceledError):
        message = f"somebody on the server cancelled the growth, at: {at}"
        return GrowthFailed("growth_cancelled", message, detail=str(error), hint=hint)
    message = f"the connection to the database was lost, at: {at}"
    return GrowthFailed("connection_lost", message, detail=str(error), hint=hint)


async def running(session: Session, store: Store) -> int | None:
    """The pid of the session in which a growth of the store runs, or None."""
    pid: int | None = await session.value(load("grow")["claimed_by"], store.oid)
    return pid


@asynccontextmanager
async def _alone(database: Database, store: str, blueprint: Blueprint) -> AsyncIterator[Session]:
    sql = load("grow")
    async with database.dedicated("outgrow grow") as session:
        await session.run(sql["patient"])
        try:
            await session.run(sql["not_without_client"])
        except asyncpg.InvalidParameterValueError as e:
            log.debug("this server cannot tell that its client has gone: %s", e)
        found = await catalogue.read(session, store, blueprint)
        if not await session.value(sql["claim"], found.oid):
            pid = await running(session, found)
            raise Refused(
                "growing",
                f"another growth of {found.name} is running" + (f" (pid {pid})" if pid else ""),
                hint="wait for it: `outgrow status` shows how far it is",
            )
        yield session


async def _do(step: Step, work: Work, watch: _Watch) -> float | None:
    """Do one step and return its seconds, or None when there was nothing left to do."""
    began = time.monotonic()
    watching = asyncio.create_task(watch.run())
    try:
        if await step.is_done(work):
            return None
        await step.do(work)
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    seconds = time.monotonic() - began
    size = None
    if isinstance(step, CreateIndex):
        size = next((i.bytes for i in (await work.look()).indexes if i.name == step.name), None)
    watch.watcher.finished(step, seconds, size)
    return seconds


class _Watch:
    """Looks at one step from the pool's side, and tells the watcher."""

    def __init__(
        self,
        database: Database,
        watcher: Watcher,
        step: Step,
        number: int,
        before: int,
        blocks: int,
        pid: int,
    ) -> None:
        self.watcher = watcher
        self.whole = 2 * blocks if isinstance(step, CreateIndex) else 0
        self._database = database
        self._step = step
        self._number = number
        self._before = before
        self._blocks = blocks
        self._pid = pid
        self._done = 0
        self._waiting = ""

    def waits(self, text: str) -> None:
        self._waiting = text

    async def run(self) -> None:
        """Until it is cancelled. That it cannot look ends the looking, not the growth."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK_AGAIN)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as e:
            log.warning("the growth goes on, but cannot be watched: %s", e)

    async def _look(self) -> None:
        row = await self._database.row(load("grow")["progress"], self._pid)
        who = catalogue.waiting_for(row)
        phase = (row and row["phase"]) or ""
        scanned = (row and row["blocks_done"]) or 0
        self._done = max(self._done, blocks_read(phase, scanned, self._blocks))
        waiting = f"waits for {who}" if who else self._waiting
        self.watcher.seen(self._step, self._number, self._before + self._done, phase, waiting)


def blocks_read(phase: str, scanned: int, blocks: int) -> int:
    """How much of reading the table twice a concurrent build has behind it, by the phase that
    PostgreSQL reports."""
    if phase in ("building index", "building index: scanning table"):
        return scanned
    if phase == "index validation: scanning table":
        return blocks + scanned
    if phase == "waiting for old snapshots":
        return 2 * blocks
    validating = phase.startswith("index validation") or phase.endswith("before validation")
    return blocks if validating or phase.startswith("building index: ") else 0
