"""The kinds of step, one small class each.

`describe` says what it does, `sql` how, `is_done` asks the database whether there is anything left
to do, `do` does it. Most of these statements cannot run in a transaction, so nothing is written
down before or after one: the catalog itself is the record, and a step that was interrupted is
found there, undone or half done, by whoever comes next.

All but `DropStatistics` take SHARE UPDATE EXCLUSIVE on the store, if anything: reads and writes go
on. A concurrent build or drop waits for the transactions that were open when it began, without a
timeout.
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
"""How often one index is built, when a build lost a race or came out invalid."""

LOOK_AGAIN = 0.5  # seconds between two looks at something that is waited for

_SHARED = "SHARE UPDATE EXCLUSIVE on the store: reads and writes go on"


@dataclass(frozen=True, slots=True)
class Install:
    kind: ClassVar[str] = "install"
    lock: ClassVar[str] = "ACCESS SHARE on the store; the relations are made anew in a moment"

    name: str
    """The blueprint's."""

    in_tables: tuple[str, ...] = ()
    """The relations that are read from tables, and go on to be."""

    def describe(self) -> str:
        return f"bring the relations of {self.name} up to date"

    def sql(self, target: Target) -> str:
        backings: dict[str, Backing] = dict.fromkeys(self.in_tables, "shadow")
        store = target.store
        made = statements(target.blueprint, *target.place, backings, store.collation, store.pending)
        return ";\n".join(query.sql for query in made)

    async def is_done(self, context: StepContext) -> bool:
        return await is_installed(context.session, context.store.name, context.blueprint)

    async def run(self, context: StepContext) -> None:
        await install(context.database, context.store.name, context.blueprint)


@dataclass(frozen=True, slots=True)
class DropIndex:
    """`found_by` finds it in the catalog, again just before: what another session finished or
    took away meanwhile is left alone."""

    kind: ClassVar[str] = "drop_index"
    lock: ClassVar[str] = f"{_SHARED}; waits for transactions that use it"

    index: StoreIndex
    reason: str
    found_by: Callable[[Store], list[StoreIndex]]

    @property
    def name(self) -> str:
        return self.index.name

    def describe(self) -> str:
        return f"drop {self.index.name}: {self.reason}"

    def sql(self, target: Target) -> str:
        return self._drop().sql

    async def is_done(self, context: StepContext) -> bool:
        return all(i.oid != self.index.oid for i in self.found_by(await context.read_store()))

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
    """On the store, or on the table of the relation `on`."""

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
        return any(i.valid and i.name == self.index.name for i in await self._there(context))

    async def size(self, context: StepContext) -> int | None:
        return next((i.bytes for i in await self._there(context) if i.name == self.name), None)

    async def _there(self, context: StepContext) -> list[StoreIndex]:
        return await catalog.indexes_of(context.session, await self._oid(context))

    async def _oid(self, context: StepContext) -> int:
        if self.on is None:
            return context.store.oid
        tables = (await context.read_store()).tables
        if self.on not in tables:
            raise self._failed(None)
        return tables[self.on].oid

    async def run(self, context: StepContext) -> None:
        """Build it and look whether it is valid: a build that failed leaves an index that is not,
        which is dropped, and built again when the failure was a lost race."""
        lost: Exception | None = None
        if any(i.name == self.index.name for i in await self._there(context)):
            await wait_for_builders(context, await self._oid(context))
            await self._drop_remains(context)
        for _ in range(ATTEMPTS):
            try:
                await context.session.run(self.index.create)
            except (*RETRIED, asyncpg.DuplicateTableError) as e:
                # The latter where somebody's TRUNCATE won the race: it builds what is left of an
                # index, and makes it valid.
                lost = e
            except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
                raise
            except asyncpg.PostgresError as e:
                await self._drop_remains(context)
                if isinstance(e, asyncpg.DiskFullError):
                    raise  # more is to go than this index
                raise self._failed(e) from e
            if await self.is_done(context):
                return
            await self._drop_remains(context)
        raise self._failed(lost) from lost

    async def _drop_remains(self, context: StepContext) -> None:
        for index in await self._there(context):
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
    """All of them in one step: each is an instant's work, and empty until ANALYZE."""

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
        there = (await context.read_store()).statistics
        for statistics in self.missing:
            if statistics.name not in there:
                await context.session.run(statistics.create)


@dataclass(frozen=True, slots=True)
class DropStatistics:
    """`found`: name -> schema. PostgreSQL itself takes SHARE UPDATE EXCLUSIVE, and a statement
    that is planned at that moment dies of "cache lookup failed for statistics object": the planner
    has their list already, and misses them. Nobody plans while the store is locked against all."""

    kind: ClassVar[str] = "drop_statistics"
    lock: ClassVar[str] = f"ACCESS EXCLUSIVE on the store, for milliseconds: {BRIEF}"

    found: Mapping[str, str]
    reason: str

    @property
    def name(self) -> str:
        return f"{len(self.found)} statistics"

    def describe(self) -> str:
        return f"drop statistics of {len(self.found)} expressions: {self.reason}"

    def sql(self, target: Target) -> str:
        return ";\n".join(drop.sql for drop in self._drops())

    async def is_done(self, context: StepContext) -> bool:
        return self.found.keys().isdisjoint((await context.read_store()).statistics)

    async def run(self, context: StepContext) -> None:
        async def oids(_: Session) -> Sequence[int]:
            return [context.store.oid]

        async def drop(session: Session) -> None:
            await lock_store(session, context.store.name, everybody=True)
            for query in self._drops():
                await session.run(query)

        await short_lock(context, oids, "AccessExclusiveLock", drop)

    def _drops(self) -> list[Query]:
        return [layout.drop_statistics(schema, name) for name, schema in self.found.items()]


@dataclass(frozen=True, slots=True)
class Analyze:
    """What the planner knows of an expression comes from here: without it, an index is luck."""

    kind: ClassVar[str] = "analyze"
    lock: ClassVar[str] = _SHARED

    name: str
    """The store's."""

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
    """The phase stands in `outgrow.layouts` only while all of it is there: it is taken back before
    anything of it goes, and written when everything has come."""

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
    """An index that another session is building right now looks like one whose build failed: wait
    until nobody can be building. Who begins later builds an index that is not there yet."""
    while True:
        rows = await context.session.rows(load("grow")["builders"], oid)
        if not rows:
            context.waiting("")
            return
        who = catalog.waiting_for(rows[0])
        context.waiting(f"waits for {who}, which may be building an index here")
        await asyncio.sleep(LOOK_AGAIN)
