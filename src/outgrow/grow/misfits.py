"""Looks for what of a store would not fit the tables that a growth makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.database import Session
from outgrow.grow.catalogue import Store
from outgrow.queries import load

NAMED = 3  # duplicate indexes

LEFTOVERS = "leftovers"
"""The kind that has the other kinds' keys together: what `verify` counts with leftovers."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One kind, in one place: a `relation` or a list of old clients, and `about` a column, field or
    other relation; `meaning` says what a growth makes of these, `keys` are a few of their keys."""

    kind: str
    relation: str
    about: str
    count: int
    meaning: str
    keys: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "relation": self.relation,
            "about": self.about,
            "count": self.count,
            "meaning": self.meaning,
            "keys": self.keys,
        }


@dataclass(frozen=True, slots=True)
class Misfits:
    """`leftovers`: of each relation that gets a table, how many keys its rows do not say all of."""

    found: tuple[Misfit, ...]
    leftovers: Counter[str]

    def as_dict(self) -> dict[str, Any]:
        return {"leftovers": self.leftovers, "found": [one.as_dict() for one in self.found]}


async def look(
    session: Session,
    store: Store,
    blueprint: Blueprint,
    names: Collection[str],
    moved: Callable[[int, int], None],
) -> Misfits:
    """Only reads, in a transaction: a few times all that concerns the relations `names`. Nothing
    needs to be installed. What others write meanwhile may be counted or not. `moved` is told how
    many of how many checks are done."""
    place = blueprint, names, store.schema, store.table
    checks = [*layout.shadow.of_values(*place), *layout.shadow.between_keys(*place)]
    found: list[Misfit] = []
    await session.run(load("grow")["join_by_hash"])
    for number, check in enumerate(checks):
        moved(number, len(checks))
        found += await _ask(session, check)
    moved(len(checks), len(checks))
    indexes = tuple(index.name for index in store.duplicates())
    if indexes:
        meaning = "indexes that others stand for: optimized drops them"
        found.append(Misfit("duplicate_index", "", "", len(indexes), meaning, indexes[:NAMED]))
    leftovers = Counter({one.relation: one.count for one in found if one.kind == LEFTOVERS})
    return Misfits(tuple(found), leftovers)


async def _ask(session: Session, check: layout.shadow.Check) -> list[Misfit]:
    chosen = [
        condition
        for condition in check.conditions
        if condition.probe is None or await session.value(condition.probe)
    ]
    if not chosen:
        return []
    rows = await session.rows(check.query(chosen))
    return [
        Misfit(one.kind, one.relation, one.about, count, one.meaning, tuple(keys))
        for one, count, keys in ((chosen[place - 1], count, keys) for place, count, keys in rows)
    ]
