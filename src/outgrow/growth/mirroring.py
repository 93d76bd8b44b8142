"""Steps that give relations tables of their own: expand, backfill, analyze, verify.

From `Expand` on, the store's triggers sync the tables in the transaction of every write. What the
store had before is copied in batches. Each batch is a transaction that also records how far it
came, so a growth that is killed goes on after its last batch. Nothing reads the tables before the
cut-over.
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
from outgrow.db.pool import RETRIED, Session
from outgrow.errors import GrowthFailed, Refused
from outgrow.growth import state
from outgrow.growth.context import StepContext, Target
from outgrow.growth.locks import BRIEF, briefly, install_sync_triggers, short_lock
from outgrow.queries import Query, load
from outgrow.schema.definitions import Finding, remembering, trust

T = TypeVar("T")

BATCH_SECONDS = 0.07
"""How long a batch should take, so that few take more than 80 ms: its keys are locked against
writes until it ends."""

SMALLEST, FIRST, LARGEST = 1, 50, 20_000  # keys of a batch
NAMED = 10  # keys that differ, in an error


class BatchSize:
    """The number of keys of the next batch, by how long the last ones took. A slow batch makes the
    next one small; then they double."""

    def __init__(self) -> None:
        self.keys = FIRST
        self._batches = 0

    async def plan(self, session: Session) -> None:
        """Prepare for the next batch. The statement is planned again after 1, 2, 4, 8 ...
        batches."""
        if self._batches & (self._batches - 1) == 0:
            await session.run(load("grow")["plan_again"])
        self._batches += 1

    def took(self, seconds: float) -> None:
        """Set the size of the next batch by the time that the last one took."""
        wanted = self.keys * BATCH_SECONDS / max(seconds, 0.001)
        self.keys = round(max(SMALLEST, min(wanted, 2 * self.keys, LARGEST)))


@dataclass(frozen=True, slots=True)
class Expand:
    """A step that makes empty tables for `relations`, given with estimates of their keys. From then
    on the triggers sync these, and those of the relations `synced`. All in one transaction, so that
    the growth waits for writers once."""

    kind: ClassVar[str] = "expand"
    lock: ClassVar[str] = (
        f"SHARE ROW EXCLUSIVE on the store, for milliseconds: writers wait, readers do not; {BRIEF}"
    )

    relations: tuple[tuple[str, int | None], ...]
    synced: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.relations]

    @property
    def name(self) -> str:
        return ", ".join(self.names)

    def describe(self) -> str:
        return f"make tables for {self.name}, and the triggers that keep them"

    def sql(self, target: Target) -> str:
        made = [*self._tables(target), *self._triggers(target).statements]
        return ";\n".join(query.sql for query in made)

    def _tables(self, target: Target) -> list[Query]:
        return [q for name in self.names for q in layout.mirror.expand(target.blueprint, name)]

    def _triggers(self, target: Target) -> layout.mirror.SyncTriggers:
        synced = {*self.names, *self.synced}
        return layout.mirror.sync_triggers(target.blueprint, synced, *target.qualified_name)

    async def is_done(self, context: StepContext) -> bool:
        mirrors = await state.mirrors(context.session, context.blueprint.name)
        return {mirror.relation for mirror in mirrors}.issuperset(self.names)

    async def run(self, context: StepContext) -> None:
        async def oids(_: Session) -> list[int]:
            return [context.store.oid]

        async def make(session: Session) -> None:
            schemas = [context.tables_schema]
            async with remembering(session, context.blueprint, context.store.oid, schemas):
                await self._make(session, context)

        try:
            await short_lock(context, oids, "ShareRowExclusiveLock", make)
        except asyncpg.DuplicateTableError as e:
            raise Refused(
                "schema_taken",
                f"the schema {context.tables_schema} holds something else",
                detail=str(e),
                hint="rename it: ALTER SCHEMA ... RENAME TO ...",
            ) from e

    async def _make(self, session: Session, target: Target) -> None:
        sql = load("grow")
        await session.run(load("outgrow")["lock"])
        for query in self._tables(target):
            await session.run(query)
        for name, keys in self.relations:
            version = layout.mirror.version(target.blueprint, name)
            await session.run(sql["mirror_begins"], target.blueprint.name, name, version, keys)
        await install_sync_triggers(session, target, self._triggers(target))


@dataclass(frozen=True, slots=True)
class Backfill:
    """A step that copies what the store had before `Expand`, in the order of the keys. Keys that
    another session has locked are skipped, recorded, and copied at the end, one by one."""

    kind: ClassVar[str] = "backfill"
    lock: ClassVar[str] = (
        "FOR SHARE on up to 20,000 rows of the store, 80 ms at a time (or one row, if copying it "
        "takes longer), none that another session has locked: readers go on, a write to one "
        "of them waits for so long"
    )

    relation: str
    estimated_keys: int | None = None

    @property
    def name(self) -> str:
        return self.relation

    def describe(self) -> str:
        return f"fill the table of {self.relation}"

    def sql(self, target: Target) -> str:
        return layout.mirror.backfill(target.blueprint, self.relation, *target.qualified_name).sql

    async def is_done(self, context: StepContext) -> bool:
        mirror = await state.mirror(context.session, context.blueprint.name, self.relation)
        return mirror.state != "filling"

    async def run(self, context: StepContext) -> None:
        sql = load("grow")
        mirror_id = context.blueprint.name, self.relation
        mirror = await state.mirror(context.session, *mirror_id)
        context.moved(mirror.keys, mirror.rows)
        upto = mirror.upto
        if upto is None:
            last = layout.mirror.last_key(context.blueprint, self.relation, *context.qualified_name)
            upto = await context.session.value(last)
        if upto is not None:
            await context.session.run(sql["mirror_goes_to"], *mirror_id, upto)
            await context.session.run(sql["commit_soon"])
            await self._copy(context, mirror.after, upto)
            await context.session.run(sql["commit_for_good"])
        await self._copy_skipped(context)
        await context.session.run(sql["mirror_filled"], *mirror_id)

    async def _copy(self, context: StepContext, after: str, upto: str) -> None:
        query = layout.mirror.backfill(context.blueprint, self.relation, *context.qualified_name)
        saved = load("grow")["mirror_moves"]
        size = BatchSize()

        async def batch(session: Session) -> tuple[str, int, int]:
            row = await session.row(query, after, upto, size.keys)
            assert row is not None
            last, keys, rows, skipped = row
            if keys:
                copied = last, keys - len(skipped), rows, skipped
                await session.run(saved, context.blueprint.name, self.relation, *copied)
            return last, keys, rows

        while True:
            await context.pace()
            await size.plan(context.session)
            began = time.monotonic()
            last, keys, rows = await in_transaction(context, batch)
            if not keys:
                return
            after = last
            size.took(time.monotonic() - began)
            context.moved(keys, rows)

    async def _copy_skipped(self, context: StepContext) -> None:
        """Copy the skipped keys, each in a transaction of its own: a session that waits for a lock
        must hold no other. Each waits briefly, since writers of the key queue behind it."""
        sql = load("grow")
        query = layout.mirror.backfill_keys(
            context.blueprint, self.relation, *context.qualified_name
        )
        mirror_id = context.blueprint.name, self.relation
        last = 0
        while owed := await context.session.rows(sql["mirror_owes"], *mirror_id, last):
            for last, key in owed:
                await context.pace()

                async def copy(session: Session, id_: int = last, key: str = key) -> None:
                    rows = await session.value(query, [key])
                    await session.run(sql["mirror_pays"], *mirror_id, id_, rows)

                await briefly(context, copy)


@dataclass(frozen=True, slots=True)
class AnalyzeTable:
    """A step that analyzes the table of a relation."""

    kind: ClassVar[str] = "analyze_table"
    lock: ClassVar[str] = "SHARE UPDATE EXCLUSIVE on the new table"

    relation: str

    @property
    def name(self) -> str:
        return self.relation

    def describe(self) -> str:
        return f"analyze the table of {self.relation}, for the planner's estimates"

    def sql(self, target: Target) -> str:
        return layout.mirror.analyze(target.blueprint, self.relation).sql

    async def is_done(self, context: StepContext) -> bool:
        return False

    async def run(self, context: StepContext) -> None:
        await context.session.run(layout.mirror.analyze(context.blueprint, self.relation))


@dataclass(frozen=True, slots=True)
class Verify:
    """A step that compares the store with the table, by ranges of keys, and the table's keys with
    the store's. A statement sees both at one moment, so concurrent writes make no difference.
    `again`: the table was compared before, and something that syncs it was changed since."""

    kind: ClassVar[str] = "verify"
    lock: ClassVar[str] = "none"

    relation: str
    estimated_keys: int | None = None
    again: bool = False

    @property
    def name(self) -> str:
        return self.relation

    def describe(self) -> str:
        again = ": what syncs it was changed, and changed back" if self.again else ""
        return f"compare the table of {self.relation} with the store{again}"

    def sql(self, target: Target) -> str:
        return layout.mirror.verify(target.blueprint, self.relation, *target.qualified_name).sql

    async def is_done(self, context: StepContext) -> bool:
        mirror = await state.mirror(context.session, context.blueprint.name, self.relation)
        return mirror.state in ("verified", "shadow") and not self.again

    async def run(self, context: StepContext) -> None:
        compared = await compare_table(context, self.relation)
        if compared.differing:
            raise verify_failed(self.relation, compared.differing)
        mirror_id = context.blueprint.name, self.relation
        await context.session.run(load("grow")["mirror_verified"], *mirror_id, compared.unmapped)


@dataclass(frozen=True, slots=True)
class Trust:
    """A step that records, after all tables were compared, that `findings` did no harm."""

    kind: ClassVar[str] = "trust"
    lock: ClassVar[str] = "a few rows of outgrow.definitions"

    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        return ", ".join(finding.object for finding in self.findings)

    def describe(self) -> str:
        return f"write down that the tables are right although {self.name} was changed"

    def sql(self, target: Target) -> str:
        return load("definitions")["trust"].sql

    async def is_done(self, context: StepContext) -> bool:
        return False

    async def run(self, context: StepContext) -> None:
        await trust(context.session, context.blueprint, self.findings)


@dataclass(frozen=True, slots=True)
class Compared:
    """A relation's table, compared with the store. `keys` of the store belong to the relation. Of
    these, `unmapped` have no row, or rows that do not hold everything; `examples` are some of them.
    `differing` are keys whose rows differ from the store."""

    keys: int
    unmapped: int
    examples: tuple[str, ...]
    differing: tuple[str, ...]


async def compare_table(context: StepContext, relation: str) -> Compared:
    """Compare the store with a relation's table, and the table with the store. Stop after a range
    in which enough keys differ."""
    session, blueprint, store = context.session, context.blueprint, context.qualified_name
    upto = await session.value(layout.mirror.last_key(blueprint, relation, *store))
    keys = unmapped = 0
    examples: list[str] = []
    differing: list[str] = []
    query = layout.mirror.verify(blueprint, relation, *store)
    size = BatchSize()
    after = ""
    while upto is not None and len(differing) < NAMED:
        await context.pace()
        await size.plan(session)
        began = time.monotonic()
        row = await session.row(query, after, upto, size.keys)
        assert row is not None
        last, count, left, different = row
        if not count:
            break
        after = last
        keys, unmapped = keys + count, unmapped + len(left)
        examples += left[: NAMED - len(examples)]
        differing += different
        size.took(time.monotonic() - began)
        context.moved(count, 0)
    back = layout.mirror.verify_back(blueprint, relation, *store)
    differing += await session.value(back)
    return Compared(keys, unmapped, tuple(examples), tuple(dict.fromkeys(differing)))


def verify_failed(relation: str, keys: Sequence[str]) -> GrowthFailed:
    shown = ", ".join(keys[:NAMED]) + (", ..." if len(keys) > NAMED else "")
    return GrowthFailed(
        "verify_failed",
        f"the table of {relation} is not what the store says",
        detail=f"keys that differ: {shown}",
        hint="the store is right: `outgrow grow --to optimized` takes the tables away, and growing "
        "again makes new ones",
    )


async def in_transaction(context: StepContext, body: Callable[[Session], Awaitable[T]]) -> T:
    """Run `body` in a transaction, and again while it loses a race."""
    while True:
        try:
            async with context.session.connection.transaction():
                return await body(context.session)
        except RETRIED:
            await asyncio.sleep(random.uniform(0.01, 0.1))  # noqa: S311
