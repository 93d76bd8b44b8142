"""Compares all tables with the store at one moment, and accounts for every key of the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outgrow.blueprint import Blueprint
from outgrow.database import Database, Session
from outgrow.grow import catalogue
from outgrow.grow.catalogue import Store
from outgrow.grow.lifting import Compared, compare
from outgrow.queries import load

STREAMED = 5_000  # keys fetched at a time


@dataclass(frozen=True, slots=True)
class Report:
    """`counts` has the keys of each pattern, counted without the tables' SQL; "" is what no pattern
    claims. `followed`: the triggers that keep the tables are there and switched on."""

    relations: dict[str, Compared]
    counts: Counter[str]
    lifted: frozenset[str]
    leftovers: int
    miscounted: tuple[str, ...]
    followed: bool

    @property
    def same(self) -> bool:
        differing = any(found.differing for found in self.relations.values())
        return self.followed and not differing and not self.miscounted

    @property
    def keys(self) -> dict[str, int]:
        """Every key of the store is in one of these: it fits a table whole, or has leftovers that
        the table's rows do not give back, or is of a pattern without a table, or of no pattern."""
        lifted = sum(self.counts[pattern] for pattern in self.lifted)
        opaque = self.counts[""]
        return {
            "lifted": lifted - self.leftovers,
            "leftovers": self.leftovers,
            "in_the_store": self.counts.total() - lifted - opaque,
            "opaque": opaque,
            "total": self.counts.total(),
        }

    def as_dict(self) -> dict[str, Any]:
        return {
            "same": self.same,
            "triggers": self.followed,
            "relations": {
                name: {
                    "keys": found.keys,
                    "leftovers": found.leftovers,
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
            found = await catalogue.read(session, store, blueprint)
            return await _verify(session, found, blueprint, moved)


async def _verify(
    session: Session, store: Store, blueprint: Blueprint, moved: Callable[[int], None]
) -> Report:
    async def pace() -> None:
        return

    place = store.schema, store.table
    compared: dict[str, Compared] = {}
    for lift in store.lifts:
        if lift.state in ("filled", "verified", "shadow"):
            compared[lift.relation] = await compare(
                session, blueprint, lift.relation, place, lambda keys, _: moved(keys), pace
            )
    counts: Counter[str] = Counter()
    query = load("grow")["keys"].with_identifiers(store=store.name)
    async for rows in session.stream(query, batch=STREAMED):
        counts.update(blueprint.match(row[0]) or "" for row in rows)
        moved(len(rows))
    leftovers: dict[str, int] = {}
    miscounted = []
    for name, found in compared.items():
        pattern = blueprint.relations[blueprint.source_of(name)].pattern or ""
        # Of relations of one pattern, the one that holds most of it.
        leftovers[pattern] = min(found.leftovers, leftovers.get(pattern, found.leftovers))
        if not found.differing and found.keys != counts[pattern]:
            miscounted.append(name)
    return Report(
        compared,
        counts,
        frozenset(leftovers),
        sum(leftovers.values()),
        tuple(miscounted),
        store.followed or not compared,
    )
