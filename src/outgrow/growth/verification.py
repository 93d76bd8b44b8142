"""Compares all tables with the store at one moment, and accounts for every key of the store; looks
whether everything that Outgrow made is as it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.named import hold
from outgrow.db.pool import Database
from outgrow.growth import catalog
from outgrow.growth.context import StepContext
from outgrow.growth.mirroring import Compared, compare
from outgrow.growth.state import Phase
from outgrow.queries import load
from outgrow.schema import definitions, memory
from outgrow.schema.definitions import Finding
from outgrow.schema.owner import refuse_superuser

STREAMED = 5_000  # keys fetched at a time


@dataclass(frozen=True, slots=True)
class Report:
    """`counts` has the keys of each pattern, counted without the tables' SQL; "" is what no pattern
    claims. `altered`: views, functions, triggers and tables of ours that are not what they were
    made as; `phase`, to which a growth mends them; `said` what happened to the store's name."""

    relations: dict[str, Compared]
    counts: Counter[str]
    mirrored: frozenset[str]
    unmapped: int
    miscounted: tuple[str, ...]
    altered: tuple[Finding, ...]
    phase: Phase
    said: str = ""

    @property
    def synced(self) -> bool:
        """The triggers that keep the tables are there, and nobody has changed them."""
        return not any(finding.object.startswith("trigger ") for finding in self.altered)

    @property
    def same(self) -> bool:
        differing = any(found.differing for found in self.relations.values())
        return not (differing or self.miscounted or self.altered)

    @property
    def keys(self) -> dict[str, int]:
        """Every key of the store is in one of these: it fits a table whole, or is unmapped
        (the rows do not say all of it), or is of a pattern without a table, or of no pattern."""
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
            "store_said": self.said,
            "triggers": self.synced,
            "altered": [{"object": f.object, "what": f.what} for f in self.altered],
            "relations": {
                name: {
                    "keys": found.keys,
                    "unmapped": found.unmapped,
                    "examples": found.examples,
                    "differing": found.differing,
                }
                for name, found in self.relations.items()
            },
            "keys": self.keys,
            "miscounted": self.miscounted,
        }


async def verify(
    database: Database, store: str, blueprint: Blueprint, moved: Callable[[int], None]
) -> Report:
    """Only looks, in one transaction with one snapshot, so that the sums agree whatever others
    write; VACUUM cannot take away meanwhile what is deleted after it began. `moved` is told how
    many keys were looked at. Raises Refused where there is no such store."""
    async with database.dedicated("outgrow verify") as session:
        await session.run(load("grow")["patient"])
        await session.run(load("grow")["plan_once"])
        async with session.connection.transaction(isolation="repeatable_read", readonly=True):
            found = await catalog.read(session, store, blueprint, closely=False)
            await refuse_superuser(session, found.schema, found.table)
            await hold(session, found.name)
            await memory.check_meant(session, found.name, blueprint)
            context = StepContext(
                blueprint, found, database, session, moved=lambda keys, _: moved(keys)
            )
            return await _verify(context, moved)


async def _verify(context: StepContext, moved: Callable[[int], None]) -> Report:
    session, store, blueprint = context.session, context.store, context.blueprint
    compared: dict[str, Compared] = {}
    for mirror in store.mirrors:
        # What somebody has dropped is among the definitions that are missing.
        table = layout.mirror.table(blueprint, mirror.relation)
        is_there = await session.value(load("stores")["exists"], table)
        if is_there and mirror.state in ("filled", "verified", "shadow"):
            compared[mirror.relation] = await compare(context, mirror.relation)
    counts: Counter[str] = Counter()
    query = load("grow")["keys"].with_identifiers(store=store.name)
    async for rows in session.stream(query, batch=STREAMED):
        counts.update(blueprint.match(row[0]) or "" for row in rows)
        moved(len(rows))
    unmapped: dict[str, int] = {}
    miscounted = []
    for name, each in compared.items():
        pattern = blueprint.relations[blueprint.source_of(name)].pattern or ""
        # Of relations of one pattern, the one that holds most of it.
        unmapped[pattern] = min(each.unmapped, unmapped.get(pattern, each.unmapped))
        if not each.differing and each.keys != counts[pattern]:
            miscounted.append(name)
    places = definitions.everything(blueprint)
    found = await definitions.compare(session, blueprint, store.oid, places)
    return Report(
        compared,
        counts,
        frozenset(unmapped),
        sum(unmapped.values()),
        tuple(miscounted),
        tuple(finding for finding in found if finding.is_wrong),
        store.phase or "initial",
        store.said,
    )
