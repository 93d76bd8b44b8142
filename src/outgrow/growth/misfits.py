"""Looks for what of a store would not fit the tables that a growth makes, and for what in it
contradicts the rest, which an inspection finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any

from outgrow.blueprint import Blueprint
from outgrow.db.pool import Session
from outgrow.growth.catalog import Store
from outgrow.layout.consistency import BECOMES, UNMAPPED
from outgrow.layout.consistency.misfits import SAMPLES, Check, checks
from outgrow.queries import load


@dataclass(frozen=True, slots=True)
class Found:
    """What an inspection found in a key: `path` says where in it, and `to` the pattern with which
    it does not agree, of which `example` is a key."""

    kind: str
    key: str
    path: str | None
    to: str | None
    example: str | None


Inspected = Callable[[Session, Store, Callable[[Found], None]], Awaitable[None]]
"""Inspects the store, in the session's transaction, and tells what it finds."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One kind, in one place: a `relation` or a list of old clients, and `about` a column, field or
    other relation; `meaning` says what a growth makes of these, `keys` are a few of their keys.
    `sql` lists all of them; of what an inspection finds `outgrow inspect --sql` has the queries."""

    kind: str
    relation: str
    about: str
    count: int
    meaning: str
    keys: tuple[str, ...]
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class Misfits:
    """`unmapped`: of each relation that gets a table, how many keys its rows do not say all of."""

    found: tuple[Misfit, ...]
    unmapped: Counter[str]

    def as_dict(self) -> dict[str, Any]:
        return {"unmapped": self.unmapped, "found": [asdict(one) for one in self.found]}


async def look(
    session: Session,
    store: Store,
    blueprint: Blueprint,
    names: Collection[str],
    inspected: Inspected,
    moved: Callable[[int, int], None],
) -> Misfits:
    """Only reads, in a transaction that sees one snapshot: all of the store for the inspection, and
    what concerns the relations `names` once. Nothing needs to be installed. `moved` is told how
    many of how many checks are done; the inspection is the first."""
    asked = list(checks(blueprint, names, store.schema, store.table))
    moved(0, 1 + len(asked))
    places = _Places(blueprint, names)
    await inspected(session, store, places.add)
    found = places.found()
    await session.run(load("grow")["join_by_hash"])
    for number, check in enumerate(asked, 1):
        moved(number, 1 + len(asked))
        found += await _ask(session, check)
    moved(1 + len(asked), 1 + len(asked))
    indexes = tuple(index.name for index in store.duplicates())
    if indexes:
        meaning = "indexes that others stand for: optimized drops them"
        found.append(Misfit("duplicate_index", "", "", len(indexes), meaning, indexes[:SAMPLES]))
    unmapped = Counter({one.relation: one.count for one in found if one.kind == UNMAPPED})
    return Misfits(tuple(found), unmapped)


class _Places:
    """What an inspection tells, by kind and place in the blueprint."""

    def __init__(self, blueprint: Blueprint, names: Collection[str]) -> None:
        self._blueprint = blueprint
        self._names = {
            one.pattern: name for name, one in blueprint.relations.items() if one.pattern
        }
        self._names |= {name: name for name in blueprint.derived}
        concerned = {blueprint.source_of(name) for name in names}
        self._concerned = concerned | {
            name for name, one in blueprint.derived.items() if one.source in names
        }
        self._keys: dict[tuple[str, str, str], list[str]] = {}
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def add(self, one: Found) -> None:
        relation = self._name(one.key)
        if one.kind not in BECOMES or relation not in self._concerned:
            return
        to = one.to and (self._name(one.example) or one.to)
        place = one.kind, relation, " -> ".join(filter(None, (one.path, to)))
        self._counts[place] += 1
        keys = self._keys.setdefault(place, [])
        if len(keys) < SAMPLES and one.key not in keys:
            keys.append(one.key)

    def _name(self, key: str | None) -> str:
        """The relation, or the list of old clients, that the key is of."""
        pattern = self._blueprint.match(key) if key is not None else None
        return self._names.get(pattern or "", "")

    def found(self) -> list[Misfit]:
        return [
            Misfit(*place, count, BECOMES[place[0]], tuple(self._keys[place]))
            for place, count in self._counts.items()
        ]


async def _ask(session: Session, check: Check) -> list[Misfit]:
    found = []
    for place, count, keys in await session.rows(check.counts()):
        one = check.conditions[place - 1]
        where = one.relation, one.about
        found.append(Misfit(one.kind, *where, count, one.meaning, tuple(keys), check.lists(one)))
    return found
