"""The runner, which executes a plan's steps: one growth of a store at a time.

A growth has two connections: one of its own, which holds the advisory lock and runs the statements,
and one of the pool, which reads every half second how far they are and what blocks them. When the
process dies, the server ends the statement within seconds; the next run plans from what it finds.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from outgrow.blueprint import Blueprint
from outgrow.db.named import snapshot
from outgrow.db.pool import GONE, Database, Session
from outgrow.errors import GrowthFailed, OutgrowError, Refused, Unavailable
from outgrow.growth import catalog, preflight, state
from outgrow.growth.catalog import Store
from outgrow.growth.context import Step, StepContext, never_wait
from outgrow.growth.cutover import Switch, WaitForSnapshots
from outgrow.growth.plan import (
    Plan,
    install_step,
    make_plan,
    mirrored_relations,
    plan_retreat,
)
from outgrow.growth.state import Ending, Growth, Phase
from outgrow.growth.steps import CreateIndex
from outgrow.growth.watch import Watch, Watcher, blocks_read
from outgrow.queries import load
from outgrow.schema import late_lists, memory
from outgrow.schema.memory import split
from outgrow.schema.owner import act_as_owner, settle

__all__ = ["Done", "Options", "Watcher", "blocks_read", "grow", "plan"]

log = logging.getLogger("outgrow.grow")

STOPPED = (*GONE, Unavailable)

PATIENCE = 10.0  # seconds for writing down that the growth failed, on a server that may be gone


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a growth. `postpone` stops it before the cut-over. While more than `max_load`
    other sessions work, it waits. `late` is what is asked for of derived lists: by how many seconds
    they may be late, 0 for not at all, None for what was asked before."""

    postpone: bool = False
    max_load: int | None = None
    late: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A growth that has ended. `store` is as it is afterwards. `ending` says how it ended; `ready`
    is a postponed cut-over."""

    plan: Plan
    store: Store
    steps: tuple[tuple[Step, float], ...]
    seconds: float
    ending: Ending = "switched"

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.plan.as_dict(),
            "phase": self.store.phase,
            "state": self.ending,
            "seconds": round(self.seconds, 2),
            "table_bytes": self.store.table_bytes,
            "index_bytes": self.store.index_bytes,
            "index_bytes_before": self.plan.store.index_bytes,
            "tables": {
                mirror.relation: {"state": mirror.state, "keys": mirror.keys, "rows": mirror.rows}
                for mirror in self.store.mirrors
            },
            "steps": [
                {
                    "kind": s.kind,
                    "name": s.name,
                    "sql": s.sql(self.plan.target),
                    "seconds": round(seconds, 3),
                }
                for s, seconds in self.steps
            ],
        }


async def plan(
    database: Database,
    goal: Phase,
    store: str,
    blueprint: Blueprint,
    inspected: preflight.Inspected | None = None,
    moved: Callable[[int, int], None] = lambda *_: None,
    late: int | None = None,
) -> Plan:
    """Plan a growth in a read-only transaction. Raises Refused where it must not begin.

    With `inspected` also look for misfits, for which all of the store is read. `moved` is called
    with how many of how many checks are done.
    """
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(_dedicated_session(database, "outgrow plan"))
        name = (await memory.locate(session, store, blueprint)).store
        await stack.enter_async_context(snapshot(session, name))
        if await settle(session, *split(name), blueprint, dry_run=True):
            await act_as_owner(session, *split(name), local=True)
        planned = await _plan(session, store, blueprint, goal, late)
        rows = await session.rows(load("grow")["old_transactions"])
        misfitting = None
        if inspected is not None and planned.mirrors:
            misfitting = await preflight.find_misfits(
                session, planned.store, blueprint, planned.mirrors, inspected, moved
            )
        return replace(
            planned,
            misfits=misfitting,
            in_the_way=tuple(catalog.describe_blocker(row) for row in rows),
        )


async def grow(
    database: Database,
    goal: Phase,
    store: str,
    blueprint: Blueprint,
    watcher: Watcher,
    options: Options | None = None,
) -> Done:
    """Take the store to the phase `goal`, online. Run again after a failure, do what is left.

    Raises Refused where the growth must not begin, or where another one runs, and GrowthFailed when
    it stopped on the way.
    """
    run = _Run(database, blueprint, goal, options or Options())
    oid = await database.value(load("outgrow")["table_oid"], *split(store))
    try:
        async with alone(database, store, blueprint) as session:
            return await run.run(session, store, watcher)
    except STOPPED as e:
        stopped = _growth_stopped(e, run.position, goal)
        await run.record_failure(stopped)
        raise stopped from e
    except (OutgrowError, asyncpg.PostgresError) as e:
        renamed = await _renamed(database, oid, store, goal)
        if renamed is not None:
            await run.record_failure(renamed)
            raise renamed from e
        await run.record_failure(
            e if isinstance(e, OutgrowError) else GrowthFailed("growth_failed", str(e))
        )
        raise


async def _renamed(
    database: Database, oid: int | None, store: str, goal: Phase
) -> GrowthFailed | None:
    """Return the error to raise where the table `oid`, called `store` when the growth began, has
    another name now."""
    try:
        now = await database.value(load("grow")["called"], oid)
    except (*STOPPED, OutgrowError, asyncpg.PostgresError):
        return None
    name = ".".join(split(store))
    if now in (None, name):
        return None
    return GrowthFailed(
        "store_gone",
        f"{name} was renamed while it was growing: it is called {now} now",
        detail="nothing is lost: the store is complete, and the growth goes on under its new name",
        hint=f"OUTGROW_STORE={shlex.quote(now)} outgrow grow --to {goal}",
    )


class _Run:
    """One run of a growth. `position` says in words where it is."""

    _session: Session
    _watch: Watch

    def __init__(
        self, database: Database, blueprint: Blueprint, goal: Phase, options: Options
    ) -> None:
        self.position = "before the first step"
        self._options = options
        self._database = database
        self._blueprint = blueprint
        self._goal = goal
        self._growth: Growth | None = None
        self._done: list[tuple[Step, float]] = []

    async def run(self, session: Session, store: str, watcher: Watcher) -> Done:
        self._session = session
        pid = await session.value(load("grow")["pid"])
        self._watch = Watch(self._database, watcher, pid, self._options.max_load)
        watching = asyncio.create_task(self._watch.run())
        try:
            return await self._plan_and_execute(store)
        finally:
            watching.cancel()
            await asyncio.wait([watching])

    async def _plan_and_execute(self, store: str) -> Done:
        began = time.monotonic()
        late = self._options.late
        planned = await _plan(self._session, store, self._blueprint, self._goal, late)
        self._watch.watcher.noted(planned.notes)
        store = planned.store.name
        if not planned.store.current:
            await late_lists.fold(self._database)  # of lists that the blueprint may no longer have
            await self._run_step(install_step(planned.store, self._blueprint), 0, planned.store)
            again = await _plan(self._session, store, self._blueprint, self._goal, late)
            planned = replace(again, notes=planned.notes)
        await self._begin(planned)
        self._watch.planned(planned)
        try:
            ending = await self._run_steps(planned)
        except asyncpg.DiskFullError as e:
            raise await self._retreat(e, store) from e
        if self._growth is not None:
            self._watch.growth = None
            await state.end(self._session, self._growth, ending)
        now = await catalog.read_store(self._session, store, self._blueprint)
        return Done(planned, now, tuple(self._done), time.monotonic() - began, ending)

    async def record_failure(self, error: OutgrowError) -> None:
        """Record why the growth failed, if possible: the connection may be what failed."""
        if self._growth is None:
            return
        try:
            text = f"{error.message} ({error.code})"
            async with asyncio.timeout(PATIENCE):
                await state.end(self._database, self._growth, "failed", text)
        except (*STOPPED, asyncpg.PostgresError) as e:
            log.warning("that the growth failed could not be written down: %s", e)

    async def _begin(self, planned: Plan) -> None:
        """Record the growth, unless there is nothing to do and no growth is unfinished."""
        name = self._blueprint.name
        if not planned.steps and await state.unfinished(self._session, name) is None:
            return
        phases: tuple[Phase, Phase] = planned.store.phase or "initial", self._goal
        asked = self._options.postpone, self._options.max_load, self._options.late
        self._growth = await state.begin(self._session, name, planned.store.name, phases, *asked)
        self._watch.growth = self._growth

    async def _run_steps(self, planned: Plan) -> Ending:
        switches = any(isinstance(step, Switch) for step in planned.steps)
        for number, step in enumerate(planned.steps, 1):
            if self._options.postpone and switches and isinstance(step, WaitForSnapshots):
                return "ready"
            await self._run_step(step, number, planned.store)
        rolled_back = self._growth is not None and self._growth.rolling_back
        return "rolled_back" if rolled_back else "switched"

    async def _retreat(self, error: asyncpg.DiskFullError, store: str) -> GrowthFailed:
        """Drop what fills the disk, and return the error to raise. As long as the store's triggers
        sync tables that cannot grow, every write of an old client fails."""
        full = GrowthFailed(
            "disk_full",
            f"the server's disk is full, at: {self.position}",
            detail=f"{error}; what was being made is gone again, and the store is complete",
            hint=f"make room, and run `outgrow grow --to {self._goal}` again",
        )
        self._watch.watcher.noted(["the disk is full: takes away what it has made"])
        try:
            await self._session.run(load("grow")["commit_for_good"])
            now = await catalog.read_store(self._session, store, self._blueprint)
            for step in plan_retreat(now):
                await self._run_step(step, 0, now, may_wait=False)
        except (OutgrowError, asyncpg.PostgresError) as e:
            full.detail = f"{error}; and the tables that were being made cannot be dropped: {e}"
            full.hint = (
                "`outgrow rollback` takes them away: until then writes to the store may fail"
            )
        return full

    async def _run_step(
        self,
        step: Step,
        number: int,
        store: Store,
        *,
        may_wait: bool = True,
    ) -> None:
        """Run a step, unless nothing is left to do. It can be paused if it `may_wait`."""
        self.position = step.describe()
        began = time.monotonic()
        watch = self._watch
        watch.begins(step, number)
        context = StepContext(
            self._blueprint,
            store,
            self._database,
            self._session,
            watch.waits,
            watch.moved,
            watch.pace if may_wait else never_wait,
        )
        await context.pace()
        if await step.is_done(context):
            watch.ends(step)
            return
        await step.run(context)
        watch.ends(step)
        seconds = time.monotonic() - began
        size = await step.size(context) if isinstance(step, CreateIndex) else None
        watch.watcher.finished(step, seconds, size)
        self._done.append((step, seconds))


async def _plan(
    session: Session, name: str, blueprint: Blueprint, goal: Phase, late: int | None
) -> Plan:
    """Plan a growth, with notes on the store's surroundings. Raises Refused."""
    store = await catalog.read_store(session, name, blueprint)
    await memory.check_meant(session, store.name, blueprint)
    estimates = await _estimates(session, store, blueprint, goal)
    planned = make_plan(store, blueprint, goal, estimates, late)
    notes = [*filter(None, (store.notice,)), *planned.notes]
    if planned.mirrors:
        size = planned.tables_bytes
        notes += await preflight.check_surroundings(session, store, blueprint, size)
    return replace(planned, notes=tuple(notes))


async def _estimates(
    session: Session, store: Store, blueprint: Blueprint, goal: Phase
) -> preflight.Estimates | None:
    """Sample the store, where a table is to be filled; else return None."""
    mirrored = {mirror.relation for mirror in store.mirrors if store.trusts(mirror)}
    if store.partitioned or mirrored.issuperset(mirrored_relations(blueprint, goal)):
        return None
    return await preflight.sample(session, store, blueprint)


def _growth_stopped(error: Exception, position: str, goal: Phase) -> GrowthFailed:
    """Return the error for a growth whose connection was lost or statement was cancelled."""
    hint = f"run `outgrow grow --to {goal}` again: it goes on from here"
    if isinstance(error, asyncpg.QueryCanceledError):
        message = f"the growth was cancelled on the server, at: {position}"
        return GrowthFailed("growth_cancelled", message, detail=str(error), hint=hint)
    message = f"the connection to the database was lost, at: {position}"
    return GrowthFailed("connection_lost", message, detail=str(error), hint=hint)


async def running_pid(session: Session, store: Store) -> int | None:
    """Return the pid of the session that runs a growth of the store, or None."""
    pid: int | None = await session.value(load("grow")["claimed_by"], store.oid)
    return pid


@asynccontextmanager
async def _dedicated_session(database: Database, name: str) -> AsyncIterator[Session]:
    """Open a connection without timeouts, whose statements end when this process does."""
    sql = load("grow")
    async with database.dedicated(name) as session:
        await session.run(sql["patient"])
        try:
            await session.run(sql["not_without_client"])
        except asyncpg.InvalidParameterValueError as e:
            log.debug("this server cannot tell that its client has gone: %s", e)
        yield session


@asynccontextmanager
async def alone(database: Database, store: str, blueprint: Blueprint) -> AsyncIterator[Session]:
    """Open the one connection that may let the store grow. Raises Refused while another does."""
    sql = load("grow")
    async with _dedicated_session(database, "outgrow grow") as session:
        await session.run(sql["plan_once"])
        located = await memory.locate(session, store, blueprint)
        await memory.check_meant(session, located.store, blueprint)
        schema, table = split(located.store)
        await database.transaction(lambda s: settle(s, schema, table, blueprint))
        await act_as_owner(session, schema, table, local=False)
        facts = await catalog.read_store(session, store, blueprint)
        if not await session.value(sql["claim"], facts.oid):
            pid = await running_pid(session, facts)
            raise Refused(
                "growing",
                f"another growth of {facts.name} is running" + (f" (pid {pid})" if pid else ""),
                hint="wait for it: `outgrow status` shows how far it is",
            )
        yield session
