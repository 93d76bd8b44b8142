"""Verification: all tables compared with the store at one moment, every key of the store accounted
for, and everything that Outgrow made compared with how it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.named import hold
from outgrow.db.pool import Database
from outgrow.errors import Refused
from outgrow.growth import catalog
from outgrow.growth.context import StepContext
from outgrow.growth.mirroring import Compared, compare_table
from outgrow.growth.state import Mirror, Phase
from outgrow.queries import load
from outgrow.schema import definitions, late_lists, memory
from outgrow.schema.definitions import Finding
from outgrow.schema.owner import refuse_superuser

STREAMED = 5_000  # keys fetched at a time


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a verification. `counts` has the keys of each pattern, counted without the
    tables' SQL; "" counts those of no pattern. `altered` are Outgrow's views, functions, triggers
    and tables that were changed since; a growth to `phase` repairs them. `notice` says what
    happened to the store's name."""

    relations: dict[str, Compared]
    counts: Counter[str]
    mirrored: frozenset[str]
    unmapped: int
    miscounted: tuple[str, ...]
    altered: tuple[Finding, ...]
    phase: Phase
    notice: str = ""

    @property
    def synced(self) -> bool:
        """Whether the sync triggers exist and are unchanged."""
        return not any(finding.object.startswith("trigger ") for finding in self.altered)

    @property
    def same(self) -> bool:
        differing = any(compared.differing for compared in self.relations.values())
        return not (differing or self.miscounted or self.altered)

    @property
    def keys(self) -> dict[str, int]:
        """How many keys there are of each kind. Every key is of one: it fits a table, or is
        unmapped (the rows do not hold all of it), or has a pattern without a table, or no
        pattern."""
        mirrored = sum(self.counts[pattern] for pattern in self.mirrored)
        opaque = self.counts[""]
        return {
            "mirrored": mirrored - self.unmapped,
            "unmapped": self.unmapped,
            "in_the_store": self.counts.total() - mirrored - opaque,
            "opaque": opaque,
            "total": self.counts.total(),
        }

    def as_dict(self) -> dict[str, Any]:
        return {
            "same": self.same,
            "store_said": self.notice,
            "triggers": self.synced,
            "altered": [{"object": f.object, "what": f.what} for f in self.altered],
            "relations": {
                name: {
                    "keys": compared.keys,
                    "unmapped": compared.unmapped,
                    "examples": compared.examples,
                    "differing": compared.differing,
                }
                for name, compared in self.relations.items()
            },
            "keys": self.keys,
            "miscounted": self.miscounted,
        }


async def verify(
    database: Database, store: str, blueprint: Blueprint, moved: Callable[[int], None]
) -> Report:
    """Fold late lists, then compare in one read-only transaction with one snapshot, so that the
    sums agree whatever others write. Until it ends, VACUUM cannot remove rows that were deleted
    since it began. `moved` is called with how many more keys were read. Raises Refused where there
    is no such store."""
    await late_lists.fold_first(database)
    async with database.dedicated("outgrow verify") as session:
        await session.run(load("grow")["patient"])
        await session.run(load("grow")["plan_once"])
        async with session.connection.transaction(isolation="repeatable_read", readonly=True):
            facts = await catalog.read_store(session, store, blueprint, closely=False)
            await refuse_superuser(session, facts.schema, facts.table)
            await hold(session, facts.name)
            await memory.check_meant(session, facts.name, blueprint)
            context = StepContext(
                blueprint, facts, database, session, moved=lambda keys, _: moved(keys)
            )
            return await _verify(context, moved)


def _refuse_other_versions(blueprint: Blueprint, kept: Sequence[Mirror], phase: Phase) -> None:
    """Raise Refused (other_version) where tables are made differently from how this version makes
    them: it cannot say what should be in them."""
    others = [mirror.relation for mirror in kept if not mirror.is_current(blueprint)]
    if others:
        raise Refused(
            "other_version",
            f"the tables of {', '.join(others)} were made by another version of Outgrow or of the "
            "blueprint, which this one cannot compare with the store",
            hint=f"outgrow grow --to {phase} makes them again; verify with the version that made "
            "them until then",
        )


async def _verify(context: StepContext, moved: Callable[[int], None]) -> Report:
    session, store, blueprint = context.session, context.store, context.blueprint
    compared: dict[str, Compared] = {}
    kept = [m for m in store.mirrors if m.state in ("filled", "verified", "shadow")]
    _refuse_other_versions(blueprint, kept, store.phase or "initial")
    for mirror in kept:
        # A dropped table is reported as a missing definition.
        table = layout.mirror.table(blueprint, mirror.relation)
        if await session.value(load("stores")["exists"], table):
            compared[mirror.relation] = await compare_table(context, mirror.relation)
    counts: Counter[str] = Counter()
    query = load("grow")["keys"].with_identifiers(store=store.name)
    async for rows in session.stream(query, batch=STREAMED):
        counts.update(blueprint.match(row[0]) or "" for row in rows)
        moved(len(rows))
    unmapped: dict[str, int] = {}
    miscounted = []
    for name, comparison in compared.items():
        pattern = blueprint.relations[blueprint.source_of(name)].pattern or ""
        # Of several relations of a pattern, that with the most mapped keys counts.
        unmapped[pattern] = min(comparison.unmapped, unmapped.get(pattern, comparison.unmapped))
        if not comparison.differing and comparison.keys != counts[pattern]:
            miscounted.append(name)
    schemas = definitions.everything(blueprint)
    findings = await definitions.compare(session, blueprint, store.oid, schemas)
    return Report(
        compared,
        counts,
        frozenset(unmapped),
        sum(unmapped.values()),
        tuple(miscounted),
        tuple(finding for finding in findings if finding.is_wrong),
        store.phase or "initial",
        store.notice,
    )
