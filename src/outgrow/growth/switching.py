"""Steps that decide where a relation is read: the switch to its table, and the way back.

The store is complete all the while, so that the way back is short: the views read the store again,
the trigger lets go of the tables, and they are dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar

import asyncpg

from outgrow import layout
from outgrow.blueprint import Blueprint, Home
from outgrow.database import Session
from outgrow.definitions import remembering
from outgrow.errors import Refused
from outgrow.growth import catalogue, state
from outgrow.growth.locks import BRIEF, INSTANT, follow, short_lock
from outgrow.growth.state import Phase
from outgrow.growth.work import Work
from outgrow.queries import Query, load, together


@dataclass(frozen=True, slots=True)
class WaitForSnapshots:
    """Whoever still looks at the database as it was before the last batch would find the tables
    short of rows. Whoever begins from now on sees all."""

    kind: ClassVar[str] = "wait_for_snapshots"
    lock: ClassVar[str] = "none; waits for transactions that have a snapshot now to end"

    @property
    def name(self) -> str:
        return "snapshots"

    def describe(self) -> str:
        return "wait until nobody's snapshot is older than the last batch"

    def sql(self) -> str:
        return load("grow")["open_transactions"].sql

    async def is_done(self, work: Work) -> bool:
        return False

    async def do(self, work: Work) -> None:
        query = load("grow")["open_transactions"]
        then = {row["taken"] for row in await work.session.rows(query)}
        while then:
            rows = [row for row in await work.session.rows(query) if row["taken"] in then]
            then = {row["taken"] for row in rows}
            if rows:
                who = catalogue.waiting_for(rows[0])
                work.waiting(f"waits for {who}, which sees the database as it was before")
                await work.pace()
                await asyncio.sleep(INSTANT)
        work.waiting("")


class _Views:
    """What the switch and the way back share: some relations' views say something else, all in one
    transaction with what is written down."""

    blueprint: Blueprint
    relations: tuple[str, ...]
    store: tuple[str, str]
    collation: str | None
    phase: Phase

    @property
    def name(self) -> str:
        return ", ".join(self.relations)

    def _views(self, homes: Collection[str]) -> list[Query]:
        shadows: dict[str, Home] = dict.fromkeys(homes, "shadow")
        place = *self.store, self.collation
        return layout.shadow.views(self.blueprint, shadows, self.relations, *place)

    async def _exchange(self, work: Work, homes: Callable[[set[str]], set[str]], now: str) -> None:
        """`homes` says which relations are read from tables then, by which are now."""
        sql = load("grow")
        names = list(layout.shadow.seen_through(self.blueprint, self.relations))

        async def oids(session: Session) -> list[int]:
            rows = await session.rows(sql["oids"], self.blueprint.name, names)
            return [row["oid"] for row in rows]

        async def exchange(session: Session) -> None:
            await session.run(load("outgrow")["lock"])
            rows = await session.rows(load("outgrow")["homes"], self.blueprint.name)
            views = self._views(homes({row["relation"] for row in rows}))
            await session.run(sql["lifts_become"], self.blueprint.name, list(self.relations), now)
            await session.run(sql["record"], self.blueprint.name, self.phase)
            listed = ",".join(str(oid) for oid in await oids(session))
            await session.run(sql["views_to_lock"], listed)
            await session.run(sql["lock_views"])
            places = [self.blueprint.name]
            async with remembering(session, self.blueprint, work.store.oid, places):
                await session.run(together("grow.views", views))

        await short_lock(work, oids, "AccessExclusiveLock", exchange)


@dataclass(frozen=True, slots=True)
class Switch(_Views):
    kind: ClassVar[str] = "switch"
    lock: ClassVar[str] = f"ACCESS EXCLUSIVE on the relations' views, for milliseconds: {BRIEF}"

    blueprint: Blueprint
    relations: tuple[str, ...]
    store: tuple[str, str]
    collation: str | None
    phase: Phase

    def describe(self) -> str:
        return f"read {self.name} from their tables; write down the phase {self.phase}"

    def sql(self) -> str:
        return together("grow.views", self._views(self.relations)).sql

    async def is_done(self, work: Work) -> bool:
        lifts = await state.lifts(work.session, self.blueprint.name)
        return {lift.relation for lift in lifts if lift.state == "shadow"}.issuperset(
            self.relations
        )

    async def do(self, work: Work) -> None:
        await self._exchange(work, lambda read: read | set(self.relations), "shadow")


@dataclass(frozen=True, slots=True)
class SwitchBack(_Views):
    """`sound`: the tables are what they should be, and can be read again."""

    kind: ClassVar[str] = "switch_back"
    lock: ClassVar[str] = Switch.lock

    blueprint: Blueprint
    relations: tuple[str, ...]
    store: tuple[str, str]
    collation: str | None
    phase: Phase
    sound: bool

    def describe(self) -> str:
        return f"read {self.name} from the store; write down the phase {self.phase}"

    def sql(self) -> str:
        return together("grow.views", self._views(())).sql

    async def is_done(self, work: Work) -> bool:
        lifts = await state.lifts(work.session, self.blueprint.name)
        return not any(x.state == "shadow" and x.relation in self.relations for x in lifts)

    async def do(self, work: Work) -> None:
        now = "verified" if self.sound else "stale"
        await self._exchange(work, lambda read: read - set(self.relations), now)


@dataclass(frozen=True, slots=True)
class Unfollow:
    """`kept` are the relations whose tables the trigger keeps from now on. Where there are none,
    the triggers go from every table that has them: it may have been the store before."""

    kind: ClassVar[str] = "unfollow"
    lock: ClassVar[str] = (
        "SHARE ROW EXCLUSIVE on the store (ACCESS EXCLUSIVE to take the triggers away), for "
        f"milliseconds: {BRIEF}"
    )

    blueprint: Blueprint
    relations: tuple[str, ...]
    kept: tuple[str, ...]
    store: tuple[str, str]

    @property
    def name(self) -> str:
        return ", ".join(self.relations)

    def describe(self) -> str:
        return f"stop keeping the tables of {self.name}"

    def sql(self) -> str:
        return ";\n".join(query.sql for query in self._triggers())

    def _triggers(self) -> list[Query]:
        return layout.shadow.follow(self.blueprint, self.kept, *self.store)

    async def is_done(self, work: Work) -> bool:
        lifts = await state.lifts(work.session, self.blueprint.name)
        return all(x.state == "leaving" for x in lifts if x.relation in self.relations)

    async def do(self, work: Work) -> None:
        schema = layout.shadow.schema(self.blueprint)

        async def oids(session: Session) -> list[int]:
            rows = await session.rows(load("grow")["followed_tables"], schema)
            return [work.store.oid, *(row["oid"] for row in rows)]

        async def leave(session: Session) -> None:
            async with remembering(session, self.blueprint, work.store.oid, [schema]):
                await self._leave(session)

        mode: Any = "ShareRowExclusiveLock" if self.kept else "AccessExclusiveLock"
        await short_lock(work, oids, mode, leave)

    async def _leave(self, session: Session) -> None:
        sql = load("grow")
        await session.run(load("outgrow")["lock"])
        await session.run(sql["lifts_become"], self.blueprint.name, list(self.relations), "leaving")
        if not self.kept:
            await session.run(sql["schema_to_leave"], layout.shadow.schema(self.blueprint))
            await session.run(sql["leave"])
        await follow(session, self.blueprint, self.store, self.kept)


@dataclass(frozen=True, slots=True)
class DropTables:
    """`last`: no table of ours is there afterwards, and their schema goes as well."""

    kind: ClassVar[str] = "drop_tables"
    lock: ClassVar[str] = f"ACCESS EXCLUSIVE on the relation's own table: {BRIEF}"

    blueprint: Blueprint
    relation: str
    last: bool

    @property
    def name(self) -> str:
        return self.relation

    def describe(self) -> str:
        return f"drop the table of {self.relation}"

    def sql(self) -> str:
        return ";\n".join(query.sql for query in self._drops())

    def _drops(self) -> list[Query]:
        drops = layout.shadow.retire(self.blueprint, self.relation)
        if self.last:
            schema = layout.shadow.schema(self.blueprint)
            drops = [*drops, load("grow")["drop_schema"].with_identifiers(schema=schema)]
        return drops

    async def is_done(self, work: Work) -> bool:
        lifts = await state.lifts(work.session, self.blueprint.name)
        return all(lift.relation != self.relation for lift in lifts)

    async def do(self, work: Work) -> None:
        names = [self.relation, f"{self.relation}_lists"]
        schema = layout.shadow.schema(self.blueprint)

        async def oids(session: Session) -> list[int]:
            return [row["oid"] for row in await session.rows(load("grow")["oids"], schema, names)]

        async def drop(session: Session) -> None:
            at = session, self.blueprint, work.store.oid
            async with remembering(*at, [schema], all_gone=True):
                for query in self._drops():
                    await session.run(query)
            await session.run(load("grow")["lift_ends"], self.blueprint.name, self.relation)

        try:
            await short_lock(work, oids, "AccessExclusiveLock", drop)
        except asyncpg.DependentObjectsStillExistError as e:
            raise Refused(
                "tables_used",
                f"something of others depends on the table of {self.relation}, which is to go",
                detail=e.detail or str(e),
                hint="drop it, and run the command again",
            ) from e
