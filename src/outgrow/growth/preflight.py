"""Checks before relations get tables: of what is around the store, of how much of each relation
there is, and of what would not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import asdict, dataclass, field
from typing import Any

import asyncpg

from outgrow.blueprint import Blueprint
from outgrow.db.named import hold
from outgrow.db.pool import Session
from outgrow.errors import Refused
from outgrow.growth.catalog import Store
from outgrow.layout.consistency import BECOMES, UNMAPPED
from outgrow.layout.consistency.misfits import SAMPLES, Check, checks
from outgrow.queries import load, quote
from outgrow.schema import install

CONNECTIONS = 2  # that a growth needs while it runs


async def check_surroundings(
    session: Session, store: Store, blueprint: Blueprint, tables_bytes: int
) -> list[str]:
    """Return notes on what is around a store that gets tables of that size. Raises Refused where
    tables could not be kept."""
    row = await session.row(load("grow")["preflight"], store.oid, blueprint.name)
    assert row is not None
    _refuse(row, store)
    await install.refuse_hidden_rows(session, store.schema, store.table)
    return _notes(row, tables_bytes)


def _refuse(row: asyncpg.Record, store: Store) -> None:
    if not row["may_create"]:
        raise Refused(
            "schema_not_allowed",
            f"{store.user} may not make a schema in this database, and tables need one",
            hint=f"GRANT CREATE ON DATABASE {quote(row['database'])} TO {quote(store.user)}",
        )
    if row["key_is_vague"]:
        raise Refused(
            "vague_keys",
            f"the keys of {store.name} have a collation in which different texts are equal",
            hint="give the column a deterministic collation",
        )
    if row["unlogged"]:
        raise Refused(
            "unlogged_store",
            f"{store.name} is UNLOGGED: a crash empties it, and its tables would not notice",
            hint="make it logged: ALTER TABLE ... SET LOGGED",
        )
    if row["has_children"]:
        raise Refused(
            "inherited_store",
            f"other tables inherit from {store.name}, whose rows its triggers do not see",
            hint="let them go: ALTER TABLE ... NO INHERIT ...",
        )
    if row["free_connections"] < CONNECTIONS:
        raise Refused(
            "no_connections",
            "the server has no connection left for a growth",
            hint="close some, or raise max_connections",
        )


def _notes(row: asyncpg.Record, tables_bytes: int) -> list[str]:
    notes = [
        f"the tables need about {tables_bytes / 1e6:,.0f} MB beside the store; the database "
        f"has {row['database_bytes'] / 1e6:,.0f} MB now, and how much is free on its disk "
        "PostgreSQL does not tell"
    ]
    for names, text in (
        ("views", "views of others show the store: they go on as they are"),
        ("referencing", "foreign keys refer to the store: they go on as they are"),
        ("rules", "the store has rules: what they write elsewhere, its triggers do not see"),
        ("publications", "the store is published: the new tables are not"),
        (
            "published_whole",
            "publications of all tables have the new ones too: whoever subscribes needs these "
            "first, or its replication stops (ALTER PUBLICATION cannot leave them out)",
        ),
        (
            "replicas",
            "replicas get the tables too; a reader there who began before the backfill "
            "and keeps its snapshot may miss rows after the switch",
        ),
    ):
        if row[names]:
            notes.append(f"{text}: {', '.join(row[names])}")
    if row["free_connections"] < 10:
        notes.append(f"{row['free_connections']} connections are free; a growth needs two")
    notes.append(
        "every write to the store keeps the tables too; lists that are derived for old clients "
        "stay in the store, so a new member of a school still writes the school's whole list"
    )
    notes.append("going back drops the tables and loses nothing: the store stays complete")
    return notes


SAMPLED = 2_000  # blocks of 8 kB; all of a store that has fewer


@dataclass(frozen=True, slots=True)
class Estimates:
    """Of the whole store, by the name of the pattern; "" is what no pattern claims."""

    count: Counter[str] = field(default_factory=Counter)
    elements: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)

    def keys(self, blueprint: Blueprint, relation: str) -> int | None:
        return self.count[_pattern(blueprint, relation)] if self.count else None

    def share(self, blueprint: Blueprint, relation: str) -> float:
        """The part of the store's bytes that a relation is made of."""
        return self.bytes[_pattern(blueprint, relation)] / max(1, sum(self.bytes.values()))


def _pattern(blueprint: Blueprint, relation: str) -> str:
    return blueprint.relations[blueprint.source_of(relation)].pattern or ""


async def sample(session: Session, store: Store, blueprint: Blueprint) -> Estimates:
    """Reads up to 16 MB of the store."""
    await hold(session, store.name)
    percent = min(100.0, 100.0 * SAMPLED / max(1, store.blocks))
    found = Estimates()
    query = load("grow")["sample"].with_identifiers(store=store.name)
    for key, size, elements in await session.rows(query, percent):
        pattern = blueprint.match(key) or ""
        found.count[pattern] += 1
        found.elements[pattern] += elements
        found.bytes[pattern] += size or 0
    for counter in (found.count, found.elements, found.bytes):
        for pattern in counter:
            counter[pattern] = round(counter[pattern] * 100 / percent)
    return found


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


async def find_misfits(
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
