"""Steps that make or drop indexes and statistics, install the layout, and record the phase.

`describe` says what a step does, `sql` how. `is_done` asks the database whether anything is left to
do, `run` does it. Most of these statements cannot run in a transaction, so nothing is written down
before or after them: the catalog is the record. A later run finds there what an interrupted step
has done.

All but `DropStatistics` take SHARE UPDATE EXCLUSIVE on the store at most: reads and writes go on. A
concurrent build or drop waits, without a timeout, for the transactions that were open when it
began.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import asyncpg

from outgrow import layout
from outgrow.blueprint import Backing
from outgrow.db.pool import RETRIED, Session
from outgrow.errors import GrowthFailed
from outgrow.growth import catalog
from outgrow.growth.catalog import Store, StoreIndex
from outgrow.growth.context import StepContext, Target
from outgrow.growth.locks import BRIEF, lock_store, short_lock
from outgrow.growth.state import Phase
from outgrow.queries import Query, load
from outgrow.schema.install import install, is_installed, statements

ATTEMPTS = 3
"""How often the build of an index is tried, when one lost a race or left the index invalid."""

POLL_SECONDS = 0.5  # between two looks at what is waited for

_SHARED = "SHARE UPDATE EXCLUSIVE on the store: reads and writes go on"


@dataclass(frozen=True, slots=True)
class Install:
    """A step that brings the relations of a blueprint up to date. `name` is the blueprint's; the
    relations `in_tables` are read from tables, before and after."""

    kind: ClassVar[str] = "install"
    lock: ClassVar[str] = "ACCESS SHARE on the store; the relations are made again in a moment"

    name: str
    in_tables: tuple[str, ...] = ()

    def describe(self) -> str:
        return f"bring the relations of {self.name} up to date"

    def sql(self, target: Target) -> str:
        backings: dict[str, Backing] = dict.fromkeys(self.in_tables, "shadow")
        store = target.store
        writing = layout.late_lists.with_late_lists(target.blueprint, store.late.lists)
        made = statements(writing, *target.qualified_name, backings, store.collation, store.pending)
        return ";\n".join(query.sql for query in made)

    async def is_done(self, context: StepContext) -> bool:
        return await is_installed(context.session, context.store.name, context.blueprint)

    async def run(self, context: StepContext) -> None:
        await install(context.database, context.store.name, context.blueprint)


@dataclass(frozen=True, slots=True)
class DropIndex:
    """A step that drops an index of the store. `candidates` picks from a store the indexes to drop.
    It is asked again just before: an index that another session has finished by then is left
    alone."""

    kind: ClassVar[str] = "drop_index"
    lock: ClassVar[str] = f"{_SHARED}; waits for transactions that use it"

    index: StoreIndex
    reason: str
    candidates: Callable[[Store], list[StoreIndex]]

    @property
    def name(self) -> str:
        return self.index.name

    def describe(self) -> str:
        return f"drop {self.index.name}: {self.reason}"

    def sql(self, target: Target) -> str:
        return self._drop().sql

    async def is_done(self, context: StepContext) -> bool:
        return all(i.oid != self.index.oid for i in self.candidates(await context.read_store()))

    async def run(self, context: StepContext) -> None:
        if not self.index.valid:
            await wait_for_builders(context, context.store.oid)
            if await self.is_done(context):
                return
        await context.session.run(self._drop())

    def _drop(self) -> Query:
        return layout.drop_index(self.index.schema, self.index.name)


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """A step that builds an index on the store, or on the table of the relation `on`."""

    kind: ClassVar[str] = "create_index"
    lock: ClassVar[str] = f"{_SHARED}; waits for transactions open when it begins and ends"

    index: layout.Index
    on: str | None = None

    @property
    def name(self) -> str:
        return self.index.name

    def describe(self) -> str:
        return f"create {self.index.name}: {self.index.purpose}"

    def sql(self, target: Target) -> str:
        return self.index.create.sql

    async def is_done(self, context: StepContext) -> bool:
        return any(i.valid and i.name == self.index.name for i in await self._read_indexes(context))

    async def size(self, context: StepContext) -> int | None:
        """Return the bytes of the index, None where it does not exist."""
        return next(
            (i.bytes for i in await self._read_indexes(context) if i.name == self.name), None
        )

    async def _read_indexes(self, context: StepContext) -> list[StoreIndex]:
        return await catalog.read_indexes(context.session, await self._oid(context))

    async def _oid(self, context: StepContext) -> int:
        if self.on is None:
            return context.store.oid
        tables = (await context.read_store()).tables
        if self.on not in tables:
            raise self._failed(None)
        return tables[self.on].oid

    async def run(self, context: StepContext) -> None:
        """Build the index and check that it is valid. A failed build leaves an invalid index, which
        is dropped, and built again where the failure was a lost race."""
        lost: Exception | None = None
        if any(i.name == self.index.name for i in await self._read_indexes(context)):
            await wait_for_builders(context, await self._oid(context))
            await self._drop_remains(context)
        for _ in range(ATTEMPTS):
            try:
                await context.session.run(self.index.create)
            except (*RETRIED, asyncpg.DuplicateTableError) as e:
                # DuplicateTableError where another session's TRUNCATE won the race: that builds
                # what is left of an index, and makes it valid.
                lost = e
            except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
                raise
            except asyncpg.PostgresError as e:
                await self._drop_remains(context)
                if isinstance(e, asyncpg.DiskFullError):
                    raise  # more than this index has to go
                raise self._failed(e) from e
            if await self.is_done(context):
                return
            await self._drop_remains(context)
        raise self._failed(lost) from lost

    async def _drop_remains(self, context: StepContext) -> None:
        for index in await self._read_indexes(context):
            if index.name == self.index.name and not index.valid:
                await context.session.run(layout.drop_index(index.schema, index.name))

    def _failed(self, error: Exception | None) -> GrowthFailed:
        return GrowthFailed(
            "index_not_built",
            f"the index {self.index.name} could not be built",
            detail=str(error) if error else f"left invalid, {ATTEMPTS} times",
            hint="what was built stays; when the cause is gone, run the same command again",
        )


@dataclass(frozen=True, slots=True)
class CreateStatistics:
    """A step that creates all missing statistics in one step: each takes an instant, and is empty
    until ANALYZE."""

    kind: ClassVar[str] = "create_statistics"
    lock: ClassVar[str] = f"{_SHARED}, for an instant"

    missing: tuple[layout.Statistics, ...]

    @property
    def name(self) -> str:
        return f"{len(self.missing)} statistics"

    def describe(self) -> str:
        return f"create statistics of {len(self.missing)} expressions"

    def sql(self, target: Target) -> str:
        return ";\n".join(s.create.sql for s in self.missing)

    async def is_done(self, context: StepContext) -> bool:
        return {s.name for s in self.missing} <= (await context.read_store()).statistics.keys()

    async def run(self, context: StepContext) -> None:
        existing = (await context.read_store()).statistics
        for statistics in self.missing:
            if statistics.name not in existing:
                await context.session.run(statistics.create)


@dataclass(frozen=True, slots=True)
class DropStatistics:
    """A step that drops statistics; `schemas` maps their names to schemas. PostgreSQL itself takes
    SHARE UPDATE EXCLUSIVE, and a statement that is planned at that moment fails with "cache lookup
    failed for statistics object": the planner has already read their list. Nothing is planned while
    the store is locked against everybody."""

    kind: ClassVar[str] = "drop_statistics"
    lock: ClassVar[str] = f"ACCESS EXCLUSIVE on the store, for milliseconds: {BRIEF}"

    schemas: Mapping[str, str]
    reason: str

    @property
    def name(self) -> str:
        return f"{len(self.schemas)} statistics"

    def describe(self) -> str:
        return f"drop statistics of {len(self.schemas)} expressions: {self.reason}"

    def sql(self, target: Target) -> str:
        return ";\n".join(drop.sql for drop in self._drops())

    async def is_done(self, context: StepContext) -> bool:
        return self.schemas.keys().isdisjoint((await context.read_store()).statistics)

    async def run(self, context: StepContext) -> None:
        async def oids(_: Session) -> Sequence[int]:
            return [context.store.oid]

        async def drop(session: Session) -> None:
            await lock_store(session, context.store.name, everybody=True)
            for query in self._drops():
                await session.run(query)

        await short_lock(context, oids, "AccessExclusiveLock", drop)

    def _drops(self) -> list[Query]:
        return [layout.drop_statistics(schema, name) for name, schema in self.schemas.items()]


@dataclass(frozen=True, slots=True)
class Analyze:
    """A step that analyzes the store `name`. The planner knows nothing of an expression before."""

    kind: ClassVar[str] = "analyze"
    lock: ClassVar[str] = _SHARED

    name: str

    def describe(self) -> str:
        return f"analyze {self.name}, for the planner's estimates"

    def sql(self, target: Target) -> str:
        return self._analyze(target).sql

    async def is_done(self, context: StepContext) -> bool:
        return False

    async def run(self, context: StepContext) -> None:
        await context.session.run(self._analyze(context))

    def _analyze(self, target: Target) -> Query:
        return load("grow")["analyze"].with_identifiers(store=target.store.name)


@dataclass(frozen=True, slots=True)
class Record:
    """A step that records the phase in `outgrow.layouts`, after all of it was made. Before a part
    of a phase is dropped, a lower phase is recorded."""

    kind: ClassVar[str] = "record"
    lock: ClassVar[str] = "one row of outgrow.layouts"

    phase: Phase

    @property
    def name(self) -> str:
        return self.phase

    def describe(self) -> str:
        return f"write down the phase {self.phase}"

    def sql(self, target: Target) -> str:
        return load("grow")["record"].sql

    async def is_done(self, context: StepContext) -> bool:
        return (await context.read_store()).phase == self.phase

    async def run(self, context: StepContext) -> None:
        await context.session.run(load("grow")["record"], context.blueprint.name, self.phase)


async def wait_for_builders(context: StepContext, oid: int) -> None:
    """Wait until no session can be building an index on the table `oid`. An index that is being
    built looks like one whose build failed. Sessions that begin later build other indexes."""
    while True:
        rows = await context.session.rows(load("grow")["builders"], oid)
        if not rows:
            context.waiting("")
            return
        blocker = catalog.describe_blocker(rows[0])
        context.waiting(f"waits for {blocker}, which may be building an index here")
        await asyncio.sleep(POLL_SECONDS)
