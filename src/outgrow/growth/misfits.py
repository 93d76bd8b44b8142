"""Looks for what of a store would not fit the tables that a growth makes, and for what in it
contradicts the rest, which an inspection finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.database import Session
from outgrow.growth.catalogue import Store
from outgrow.queries import load

NAMED = 3  # keys of each kind, duplicate indexes

LEFTOVERS = "leftovers"
"""The kind that has the other kinds' keys together: what `verify` counts with leftovers."""

_MEANINGS = {
    "dangling": "no such row there: an ordinary row here",
    "orphan": "no such row there: an ordinary row here",
    "doubled": "of its ids there is a row each, and the whole list stays beside them",
    "stale": "the list names it, and its row says otherwise: the relation does not show it there",
    "missing": "the list lacks it: the relation shows it",
    "one_sided": "the other's list lacks it: an ordinary row, on this side only",
    "wrong_shape": "it has no rows: it stays in the store, whole",
    "wrong_element": "no row for it: it stays where it is, beside the rows of the others",
    "json_text": "it has no rows: it stays in the store, whole",
}
"""What a growth makes of the kinds that an inspection finds."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What an inspection found in a key: `path` says where in it, and `to` the pattern with which
    it does not agree, of which `example` is a key."""

    kind: str
    key: str
    path: str | None
    to: str | None
    example: str | None


Inspected = Callable[[Session, Store, Callable[[Contradiction], None]], Awaitable[None]]
"""Inspects the store, in the session's transaction, and tells what it finds."""


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
    inspected: Inspected,
    moved: Callable[[int, int], None],
) -> Misfits:
    """Only reads, in a transaction that sees one snapshot: all of the store for the inspection, and
    what concerns the relations `names` once. Nothing needs to be installed. `moved` is told how
    many of how many checks are done; the inspection is the first."""
    checks = list(layout.shadow.of_values(blueprint, names, store.schema, store.table))
    moved(0, 1 + len(checks))
    places = _Places(blueprint, names)
    await inspected(session, store, places.add)
    found = places.found()
    await session.run(load("grow")["join_by_hash"])
    for number, check in enumerate(checks, 1):
        moved(number, 1 + len(checks))
        found += await _ask(session, check)
    moved(1 + len(checks), 1 + len(checks))
    indexes = tuple(index.name for index in store.duplicates())
    if indexes:
        meaning = "indexes that others stand for: optimized drops them"
        found.append(Misfit("duplicate_index", "", "", len(indexes), meaning, indexes[:NAMED]))
    leftovers = Counter({one.relation: one.count for one in found if one.kind == LEFTOVERS})
    return Misfits(tuple(found), leftovers)


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

    def add(self, one: Contradiction) -> None:
        relation = self._name(one.key)
        if one.kind not in _MEANINGS or relation not in self._concerned:
            return
        to = one.to and (self._name(one.example) or one.to)
        place = one.kind, relation, " -> ".join(filter(None, (one.path, to)))
        self._counts[place] += 1
        keys = self._keys.setdefault(place, [])
        if len(keys) < NAMED and one.key not in keys:
            keys.append(one.key)

    def _name(self, key: str | None) -> str:
        """The relation, or the list of old clients, that the key is of."""
        pattern = self._blueprint.match(key) if key is not None else None
        return self._names.get(pattern or "", "")

    def found(self) -> list[Misfit]:
        return [
            Misfit(*place, count, _MEANINGS[place[0]], tuple(self._keys[place]))
            for place, count in self._counts.items()
        ]


async def _ask(session: Session, check: layout.shadow.Check) -> list[Misfit]:
    probes = {one.probe.sql: one.probe for one in check.conditions if one.probe is not None}
    usual = {sql: await session.value(probe) for sql, probe in probes.items()}
    chosen = [one for one in check.conditions if one.probe is None or usual[one.probe.sql]]
    if not chosen:
        return []
    rows = await session.rows(check.query(chosen))
    return [
        Misfit(one.kind, one.relation, one.about, count, one.meaning, tuple(keys))
        for one, count, keys in ((chosen[place - 1], count, keys) for place, count, keys in rows)
    ]
