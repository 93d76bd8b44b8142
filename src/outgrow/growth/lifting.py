"""Steps that give relations tables of their own: expand, backfill, analyze, verify.

From `Expand` on the store's trigger keeps the tables in the transaction of whoever writes. What was
there before is copied in batches, each one transaction that also says how far it came: a growth
that is killed goes on behind its last batch. Nothing reads the tables before the switch.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import asyncpg

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.database import RETRIED, Session
from outgrow.definitions import Finding, remembering, trust
from outgrow.errors import GrowthFailed, Refused
from outgrow.growth import state
from outgrow.growth.locks import BRIEF, briefly, follow, short_lock
from outgrow.growth.work import Work
from outgrow.queries import Query, load

T = TypeVar("T")

BATCH_SECONDS = 0.07
"""What a batch is steered to, so that few last longer than 80 ms: for so long its keys are locked
against writing."""

SMALLEST, FIRST, LARGEST = 1, 500, 20_000  # keys of a batch
NAMED = 10  # keys that differ, in an error


class BatchSize:
    """How many keys of the usual size the next batch takes, by how long the last ones took. A slow
    one makes the next one small; then they double."""

    def __init__(self) -> None:
        self.keys = FIRST
        self._batches = 0

    async def plan(self, session: Session) -> None:
        """Before each batch: the statement is planned anew whenever there are twice as many."""
        if self._batches & (self._batches - 1) == 0:
            await session.run(load("grow")["plan_again"])
        self._batches += 1

    def took(self, seconds: float) -> None:
        wanted = self.keys * BATCH_SECONDS / max(seconds, 0.001)
        self.keys = round(max(SMALLEST, min(wanted, 2 * self.keys, LARGEST)))


@dataclass(frozen=True, slots=True)
class Expand:
    """`relations` with estimates of their keys get empty tables, and from now on the trigger keeps
    these and `followed`, which have theirs. One transaction for all: one wait for the writers."""

    kind: ClassVar[str] = "expand"
    lock: ClassVar[str] = (
        f"SHARE ROW EXCLUSIVE on the store, for milliseconds: writers wait, readers do not; {BRIEF}"
    )

    blueprint: Blueprint
    relations: tuple[tuple[str, int | None], ...]
    followed: tuple[str, ...]
    store: tuple[str, str]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.relations]

    @property
    def name(self) -> str:
        return ", ".join(self.names)

    def describe(self) -> str:
        return f"make tables for {self.name}, and the triggers that keep them"

    def sql(self) -> str:
        return ";\n".join(query.sql for query in [*self._tables(), *self._triggers()])

    def _tables(self) -> list[Query]:
        return [q for name in self.names for q in layout.shadow.expand(self.blueprint, name)]

    def _triggers(self) -> list[Query]:
        following = {*self.names, *self.followed}
        return layout.shadow.follow(self.blueprint, following, *self.store)

    async def is_done(self, work: Work) -> bool:
        there = {lift.relation for lift in await state.lifts(work.session, self.blueprint.name)}
        return there.issuperset(self.names)

    async def do(self, work: Work) -> None:
        async def oids(_: Session) -> list[int]:
            return [work.store.oid]

        async def make(session: Session) -> None:
            places = [layout.shadow.schema(self.blueprint)]
            async with remembering(session, self.blueprint, work.store.oid, places):
                await self._make(session)

        try:
            await short_lock(work, oids, "ShareRowExclusiveLock", make)
        except asyncpg.DuplicateTableError as e:
            raise Refused(
                "schema_taken",
                f"the schema {layout.shadow.schema(self.blueprint)} holds something else",
                detail=str(e),
                hint="rename it: ALTER SCHEMA ... RENAME TO ...",
            ) from e

    async def _make(self, session: Session) -> None:
        sql = load("grow")
        await session.run(load("outgrow")["lock"])
        for query in self._tables():
            await session.run(query)
        for name, keys in self.relations:
            version = layout.shadow.version(self.blueprint, name)
            await session.run(sql["lift_begins"], self.blueprint.name, name, version, keys)
        await follow(session, self.blueprint, self.store, {*self.names, *self.followed})


@dataclass(frozen=True, slots=True)
class Backfill:
    """Copies what the store had before, in the order of the keys. Keys that somebody has locked are
    passed over, written down, and copied at the end, one at a time."""

    kind: ClassVar[str] = "backfill"
    lock: ClassVar[str] = (
        "FOR SHARE on up to 20,000 rows of the store, 80 ms at a time (or one row, if copying it "
        "takes longer), none that somebody has locked: readers go on, a write to one of them waits "
        "for so long"
    )

    blueprint: Blueprint
    relation: str
    store: tuple[str, str]
    estimate: int | None

    @property
    def name(self) -> str:
        return self.relation

    def describe(self) -> str:
        return f"fill the table of {self.relation}"

    def sql(self) -> str:
        return layout.shadow.backfill(self.blueprint, self.relation, *self.store).sql

    async def is_done(self, work: Work) -> bool:
        lift = await state.lift(work.session, self.blueprint.name, self.relation)
        return lift.state != "filling"

    async def do(self, work: Work) -> None:
        sql = load("grow")
        at = self.blueprint.name, self.relation
        lift = await state.lift(work.session, *at)
        work.moved(lift.keys, lift.rows)
        upto = lift.upto
        if upto is None:
            last = layout.shadow.last_key(self.blueprint, self.relation, *self.store)
            upto = await work.session.value(last)
        if upto is not None:
            await work.session.run(sql["lift_goes_to"], *at, upto)
            await work.session.run(sql["commit_soon"])
            await self._copy(work, lift.after, upto)
            await work.session.run(sql["commit_for_good"])
        await self._copy_skipped(work)
        await work.session.run(sql["lift_filled"], *at)

    async def _copy(self, work: Work, after: str, upto: str) -> None:
        query = layout.shadow.backfill(self.blueprint, self.relation, *self.store)
        saved = load("grow")["lift_moves"]
        size = BatchSize()

        async def batch(session: Session) -> tuple[str, int, int]:
            row = await session.row(query, after, upto, size.keys)
            assert row is not None
            last, keys, rows, skipped = row
            if keys:
                at = self.blueprint.name, self.relation
                await session.run(saved, *at, last, keys - len(skipped), rows, skipped)
            return last, keys, rows

        while True:
            await work.pace()
            await size.plan(work.session)
            began = time.monotonic()
            last, keys, rows = await in_transaction(work, batch)
            if not keys:
                return
            after = last
            size.took(time.monotonic() - began)
            work.moved(keys, rows)

    async def _copy_skipped(self, work: Work) -> None:
        """One key in each transaction: whoever waits for a lock must hold no other. And briefly:
        whoever writes to the key queues behind us, for as long as we wait."""
        sql = load("grow")
        query = layout.shadow.backfill_keys(self.blueprint, self.relation, *self.store)
        at = self.blueprint.name, self.relation
        last = 0
        while owed := await work.session.rows(sql["lift_owes"], *at, last):
            for last, key in owed:
                await work.pace()

                async def copy(session: Session, id_: int = last, key: str = key) -> None:
                    rows = await session.value(query, [key])
                    await session.run(sql["lift_pays"], *at, id_, rows)

                await briefly(work, copy)


@dataclass(frozen=True, slots=True)
class AnalyzeTable:
    kind: ClassVar[str] = "analyze_table"
    lock: ClassVar[str] = "SHARE UPDATE EXCLUSIVE on the new table"

    blueprint: Blueprint
    relation: str

    @property
    def name(self) -> str:
        return self.relation

    def describe(self) -> str:
        return f"analyze the table of {self.relation}, for the planner's estimates"

    def sql(self) -> str:
        return layout.shadow.analyze(self.blueprint, self.relation).sql

    async def is_done(self, work: Work) -> bool:
        return False

    async def do(self, work: Work) -> None:
        await work.session.run(layout.shadow.analyze(self.blueprint, self.relation))


@dataclass(frozen=True, slots=True)
class Verify:
    """Compares the store with the table, by ranges of keys, and the table's keys with the store's.
    One statement sees both at one moment: what others write meanwhile is no difference. `again`:
    it was compared before, and something that keeps it was changed since."""

    kind: ClassVar[str] = "verify"
    lock: ClassVar[str] = "none"

    blueprint: Blueprint
    relation: str
    store: tuple[str, str]
    estimate: int | None
    again: bool = False

    @property
    def name(self) -> str:
        return self.relation

    def describe(self) -> str:
        again = ": what keeps it was changed by somebody, and changed back" if self.again else ""
        return f"compare the table of {self.relation} with the store{again}"

    def sql(self) -> str:
        return layout.shadow.verify(self.blueprint, self.relation, *self.store).sql

    async def is_done(self, work: Work) -> bool:
        lift = await state.lift(work.session, self.blueprint.name, self.relation)
        return lift.state in ("verified", "shadow") and not self.again

    async def do(self, work: Work) -> None:
        found = await compare(
            work.session, self.blueprint, self.relation, self.store, work.moved, work.pace
        )
        if found.differing:
            raise differs(self.relation, found.differing)
        at = self.blueprint.name, self.relation
        await work.session.run(load("grow")["lift_verified"], *at, found.leftovers)


@dataclass(frozen=True, slots=True)
class Trust:
    """After all tables were compared: `findings` are of no consequence any more."""

    kind: ClassVar[str] = "trust"
    lock: ClassVar[str] = "a few rows of outgrow.definitions"

    blueprint: Blueprint
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        return ", ".join(finding.object for finding in self.findings)

    def describe(self) -> str:
        return f"write down that the tables are right although somebody changed {self.name}"

    def sql(self) -> str:
        return load("definitions")["trust"].sql

    async def is_done(self, work: Work) -> bool:
        return False

    async def do(self, work: Work) -> None:
        await trust(work.session, self.blueprint, self.findings)


@dataclass(frozen=True, slots=True)
class Compared:
    """`keys` of the store that belong to the relation, of which `leftovers` do not fit it whole;
    `differing` are those whose rows are not what the store says."""

    keys: int
    leftovers: int
    differing: tuple[str, ...]


async def compare(
    session: Session,
    blueprint: Blueprint,
    relation: str,
    store: tuple[str, str],
    moved: Callable[[int, int], None],
    pace: Callable[[], Awaitable[None]],
) -> Compared:
    """Both ways. Stops looking when it has found a range that differs."""
    upto = await session.value(layout.shadow.last_key(blueprint, relation, *store))
    keys = leftovers = 0
    differing: list[str] = []
    query = layout.shadow.verify(blueprint, relation, *store)
    size = BatchSize()
    after = ""
    while upto is not None and len(differing) < NAMED:
        await pace()
        await size.plan(session)
        began = time.monotonic()
        row = await session.row(query, after, upto, size.keys)
        assert row is not None
        last, count, left, different = row
        if not count:
            break
        after = last
        keys, leftovers = keys + count, leftovers + left
        differing += different
        size.took(time.monotonic() - began)
        moved(count, 0)
    back = layout.shadow.verify_back(blueprint, relation, *store)
    differing += await session.value(back)
    return Compared(keys, leftovers, tuple(dict.fromkeys(differing)))


def differs(relation: str, keys: Sequence[str]) -> GrowthFailed:
    shown = ", ".join(keys[:NAMED]) + (", ..." if len(keys) > NAMED else "")
    return GrowthFailed(
        "verify_failed",
        f"the table of {relation} is not what the store says",
        detail=f"keys that differ: {shown}",
        hint="the store is right: `outgrow grow --to optimized` takes the tables away, and growing "
        "again makes them anew",
    )


async def in_transaction(work: Work, body: Callable[[Session], Awaitable[T]]) -> T:
    """Again when it lost a race."""
    while True:
        try:
            async with work.session.connection.transaction():
                return await body(work.session)
        except RETRIED:
            await asyncio.sleep(random.uniform(0.01, 0.1))  # noqa: S311
