"""Steps of the cut-over, which lets views read from tables instead of the store, and of its
undoing.

The store stays complete all the time, so going back is short: the views read the store again, the
sync triggers let go of the tables, and the tables are dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar

import asyncpg

from outgrow import layout
from outgrow.blueprint import Backing
from outgrow.db.pool import Session
from outgrow.errors import Refused
from outgrow.growth import catalog, state
from outgrow.growth.context import StepContext, Target
from outgrow.growth.locks import BRIEF, INSTANT, install_sync_triggers, short_lock
from outgrow.growth.state import Phase
from outgrow.queries import Query, load, together
from outgrow.schema.definitions import remembering


@dataclass(frozen=True, slots=True)
class WaitForSnapshots:
    """A step that waits for transactions whose snapshots are older than the last batch: they would
    miss rows in the tables. Transactions that begin from now on see all rows."""

    kind: ClassVar[str] = "wait_for_snapshots"
    lock: ClassVar[str] = "none; waits for transactions that have a snapshot now to end"

    @property
    def name(self) -> str:
        return "snapshots"

    def describe(self) -> str:
        return "wait until nobody's snapshot is older than the last batch"

    def sql(self, target: Target) -> str:
        return load("grow")["open_transactions"].sql

    async def is_done(self, context: StepContext) -> bool:
        return False

    async def run(self, context: StepContext) -> None:
        query = load("grow")["open_transactions"]
        then = {row["taken"] for row in await context.session.rows(query)}
        while then:
            rows = [row for row in await context.session.rows(query) if row["taken"] in then]
            then = {row["taken"] for row in rows}
            if rows:
                blocker = catalog.describe_blocker(rows[0])
                context.waiting(f"waits for {blocker}, which sees the database as it was before")
                await context.pace()
                await asyncio.sleep(INSTANT)
        context.waiting("")


class _Views:
    """A change of some relations' views, in one transaction with its record: what `Switch` and
    `SwitchBack` share."""

    relations: tuple[str, ...]
    phase: Phase

    @property
    def name(self) -> str:
        return ", ".join(self.relations)

    def _views(self, target: Target, backings: Collection[str]) -> list[Query]:
        shadows: dict[str, Backing] = dict.fromkeys(backings, "shadow")
        table = *target.qualified_name, target.store.collation
        return layout.mirror.views(target.blueprint, shadows, self.relations, *table)

    async def _exchange(
        self, context: StepContext, backings: Callable[[set[str]], set[str]], now: str
    ) -> None:
        """Change the views. `backings` maps the relations that are read from tables before to those
        that are after; their mirrors get the state `now`."""
        sql = load("grow")
        blueprint = context.blueprint
        names = list(layout.mirror.seen_through(blueprint, self.relations))

        async def oids(session: Session) -> list[int]:
            rows = await session.rows(sql["oids"], blueprint.name, names)
            return [row["oid"] for row in rows]

        async def exchange(session: Session) -> None:
            await session.run(load("outgrow")["lock"])
            rows = await session.rows(load("outgrow")["backings"], blueprint.name)
            views = self._views(context, backings({row["relation"] for row in rows}))
            await session.run(sql["mirrors_become"], blueprint.name, list(self.relations), now)
            await session.run(sql["record"], blueprint.name, self.phase)
            listed = ",".join(str(oid) for oid in await oids(session))
            await session.run(sql["views_to_lock"], listed)
            await session.run(sql["lock_views"])
            schemas = [blueprint.name]
            async with remembering(session, blueprint, context.store.oid, schemas):
                await session.run(together("grow.views", views))

        await short_lock(context, oids, "AccessExclusiveLock", exchange)


@dataclass(frozen=True, slots=True)
class Switch(_Views):
    """The cut-over: the relations are read from their tables, and the phase is recorded."""

    kind: ClassVar[str] = "switch"
    lock: ClassVar[str] = f"ACCESS EXCLUSIVE on the relations' views, for milliseconds: {BRIEF}"

    relations: tuple[str, ...]
    phase: Phase

    def describe(self) -> str:
        return f"read {self.name} from their tables; write down the phase {self.phase}"

    def sql(self, target: Target) -> str:
        return together("grow.views", self._views(target, self.relations)).sql

    async def is_done(self, context: StepContext) -> bool:
        mirrors = await state.mirrors(context.session, context.blueprint.name)
        return {mirror.relation for mirror in mirrors if mirror.state == "shadow"}.issuperset(
            self.relations
        )

    async def run(self, context: StepContext) -> None:
        await self._exchange(context, lambda read: read | set(self.relations), "shadow")


@dataclass(frozen=True, slots=True)
class SwitchBack(_Views):
    """The way back: the relations are read from the store. `sound` tables were synced all the time,
    and can be read again later."""

    kind: ClassVar[str] = "switch_back"
    lock: ClassVar[str] = Switch.lock

    relations: tuple[str, ...]
    phase: Phase
    sound: bool

    def describe(self) -> str:
        return f"read {self.name} from the store; write down the phase {self.phase}"

    def sql(self, target: Target) -> str:
        return together("grow.views", self._views(target, ())).sql

    async def is_done(self, context: StepContext) -> bool:
        mirrors = await state.mirrors(context.session, context.blueprint.name)
        return not any(x.state == "shadow" and x.relation in self.relations for x in mirrors)

    async def run(self, context: StepContext) -> None:
        now = "verified" if self.sound else "stale"
        await self._exchange(context, lambda read: read - set(self.relations), now)


@dataclass(frozen=True, slots=True)
class RemoveSyncTriggers:
    """A step that stops syncing the tables of `relations`. The triggers sync those of `kept` from
    then on. Where there are none, the triggers are dropped from every table that has them: one may
    have been the store before."""

    kind: ClassVar[str] = "remove_sync_triggers"
    lock: ClassVar[str] = (
        "SHARE ROW EXCLUSIVE on the store (ACCESS EXCLUSIVE to take the triggers away), for "
        f"milliseconds: {BRIEF}"
    )

    relations: tuple[str, ...]
    kept: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return ", ".join(self.relations)

    def describe(self) -> str:
        return f"stop keeping the tables of {self.name}"

    def sql(self, target: Target) -> str:
        return ";\n".join(query.sql for query in self._triggers(target).statements)

    def _triggers(self, target: Target) -> layout.mirror.SyncTriggers:
        return layout.mirror.sync_triggers(target.blueprint, self.kept, *target.qualified_name)

    async def is_done(self, context: StepContext) -> bool:
        mirrors = await state.mirrors(context.session, context.blueprint.name)
        return all(x.state == "leaving" for x in mirrors if x.relation in self.relations)

    async def run(self, context: StepContext) -> None:
        schema = context.tables_schema

        async def oids(session: Session) -> list[int]:
            rows = await session.rows(load("grow")["followed_tables"], schema)
            return [context.store.oid, *(row["oid"] for row in rows)]

        async def leave(session: Session) -> None:
            async with remembering(session, context.blueprint, context.store.oid, [schema]):
                await self._leave(session, context)

        mode: Any = "ShareRowExclusiveLock" if self.kept else "AccessExclusiveLock"
        await short_lock(context, oids, mode, leave)

    async def _leave(self, session: Session, target: Target) -> None:
        sql = load("grow")
        name = target.blueprint.name
        await session.run(load("outgrow")["lock"])
        await session.run(sql["mirrors_become"], name, list(self.relations), "leaving")
        if not self.kept:
            await session.run(sql["schema_to_leave"], target.tables_schema)
            await session.run(sql["leave"])
        await install_sync_triggers(session, target, self._triggers(target))


@dataclass(frozen=True, slots=True)
class DropTables:
    """A step that drops the mirror table of a relation. The `last` one takes the schema with it."""

    kind: ClassVar[str] = "drop_tables"
    lock: ClassVar[str] = f"ACCESS EXCLUSIVE on the relation's own table: {BRIEF}"

    relation: str
    last: bool

    @property
    def name(self) -> str:
        return self.relation

    def describe(self) -> str:
        return f"drop the table of {self.relation}"

    def sql(self, target: Target) -> str:
        return ";\n".join(query.sql for query in self._drops(target))

    def _drops(self, target: Target) -> list[Query]:
        drops = layout.mirror.retire(target.blueprint, self.relation)
        if self.last:
            drop = load("grow")["drop_schema"].with_identifiers(schema=target.tables_schema)
            drops = [*drops, drop]
        return drops

    async def is_done(self, context: StepContext) -> bool:
        mirrors = await state.mirrors(context.session, context.blueprint.name)
        return all(mirror.relation != self.relation for mirror in mirrors)

    async def run(self, context: StepContext) -> None:
        names = [self.relation, f"{self.relation}_lists"]
        schema = context.tables_schema

        async def oids(session: Session) -> list[int]:
            return [row["oid"] for row in await session.rows(load("grow")["oids"], schema, names)]

        async def drop(session: Session) -> None:
            oid = context.store.oid
            async with remembering(session, context.blueprint, oid, [schema], all_gone=True):
                for query in self._drops(context):
                    await session.run(query)
            await session.run(load("grow")["mirror_ends"], context.blueprint.name, self.relation)

        try:
            await short_lock(context, oids, "AccessExclusiveLock", drop)
        except asyncpg.DependentObjectsStillExistError as e:
            raise Refused(
                "tables_used",
                f"something of others depends on the table of {self.relation}, which is to go",
                detail=e.detail or str(e),
                hint="drop it, and run the command again",
            ) from e
