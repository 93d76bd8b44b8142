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
        f"the tables need about {tables_bytes / 1e6:,.0f} MB next to the store; the database "
        f"has {row['database_bytes'] / 1e6:,.0f} MB now; PostgreSQL does not tell "
        "how much is free on its disk"
    ]
    for names, text in (
        ("views", "views of others show the store: they go on as they are"),
        ("referencing", "foreign keys refer to the store: they go on as they are"),
        ("rules", "the store has rules: what they write elsewhere, its triggers do not see"),
        ("publications", "the store is published: the new tables are not"),
        (
            "published_whole",
            "publications of all tables have the new ones too: subscribers need these "
            "first, or replication stops (ALTER PUBLICATION cannot leave them out)",
        ),
        (
            "replicas",
            "replicas get the tables too; a transaction there that began before the backfill "
            "and keeps its snapshot may miss rows after the switch",
        ),
    ):
        if row[names]:
            notes.append(f"{text}: {', '.join(row[names])}")
    if row["free_connections"] < 10:
        notes.append(f"{row['free_connections']} connections are free; a growth needs two")
    notes.append(
        "every write to the store also writes to the tables; lists that are derived for old "
        "clients stay in the store, so a new member of a school still writes its whole list, "
        "unless --late-lists lets a job do that"
    )
    notes.append("going back drops the tables and loses nothing: the store stays complete")
    return notes


SAMPLED = 2_000  # blocks of 8 kB; all of a store that has fewer


@dataclass(frozen=True, slots=True)
class Estimates:
    """How much there is in the whole store, by the name of the pattern; "" counts what no pattern
    claims."""

    count: Counter[str] = field(default_factory=Counter)
    elements: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)

    def keys(self, blueprint: Blueprint, relation: str) -> int | None:
        return self.count[_pattern(blueprint, relation)] if self.count else None

    def share(self, blueprint: Blueprint, relation: str) -> float:
        """Return the part of the store's bytes that a relation is made of."""
        return self.bytes[_pattern(blueprint, relation)] / max(1, sum(self.bytes.values()))


def _pattern(blueprint: Blueprint, relation: str) -> str:
    return blueprint.relations[blueprint.source_of(relation)].pattern or ""


async def sample(session: Session, store: Store, blueprint: Blueprint) -> Estimates:
    """Estimate how much there is of each pattern, from up to 16 MB of the store."""
    await hold(session, store.name)
    percent = min(100.0, 100.0 * SAMPLED / max(1, store.blocks))
    estimates = Estimates()
    query = load("grow")["sample"].with_identifiers(store=store.name)
    for key, size, elements in await session.rows(query, percent):
        pattern = blueprint.match(key) or ""
        estimates.count[pattern] += 1
        estimates.elements[pattern] += elements
        estimates.bytes[pattern] += size or 0
    for counter in (estimates.count, estimates.elements, estimates.bytes):
        for pattern in counter:
            counter[pattern] = round(counter[pattern] * 100 / percent)
    return estimates


@dataclass(frozen=True, slots=True)
class KeyFinding:
    """What an inspection finds wrong with a key. `path` leads to it in the document; `to` is the
    pattern that the key contradicts, and `example` a key of that pattern."""

    kind: str
    key: str
    path: str | None
    to: str | None
    example: str | None


Inspected = Callable[[Session, Store, Callable[[KeyFinding], None]], Awaitable[None]]
"""Inspects the store in the session's transaction, and calls back with each finding."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Misfits or inconsistencies of one kind, in a `relation` or a list of old clients. `about` is
    a column, a field or another relation. `meaning` says what a growth makes of them; `keys` are
    some of their keys. `sql` lists all of them; None where `outgrow inspect --sql` does."""

    kind: str
    relation: str
    about: str
    count: int
    meaning: str
    keys: tuple[str, ...]
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class Misfits:
    """All misfits and inconsistencies of a store. `unmapped` counts, for each relation that gets a
    table, the keys that its rows do not hold whole."""

    misfits: tuple[Misfit, ...]
    unmapped: Counter[str]

    def as_dict(self) -> dict[str, Any]:
        return {"unmapped": self.unmapped, "found": [asdict(misfit) for misfit in self.misfits]}


async def find_misfits(
    session: Session,
    store: Store,
    blueprint: Blueprint,
    names: Collection[str],
    inspected: Inspected,
    moved: Callable[[int, int], None],
) -> Misfits:
    """Find what would not fit the tables of the relations `names`, and what contradicts itself.

    Only read, in a transaction with one snapshot: all of the store for the inspection, and the
    patterns of these relations once. Nothing needs to be installed. `moved` is called with how many
    of how many checks are done; the inspection is the first.
    """
    asked = list(checks(blueprint, names, store.schema, store.table))
    moved(0, 1 + len(asked))
    groups = _Groups(blueprint, names)
    await inspected(session, store, groups.add)
    misfits = groups.misfits()
    await session.run(load("grow")["join_by_hash"])
    for number, check in enumerate(asked, 1):
        moved(number, 1 + len(asked))
        misfits += await _run_check(session, check)
    moved(1 + len(asked), 1 + len(asked))
    indexes = tuple(index.name for index in store.duplicates())
    if indexes:
        meaning = "indexes that others stand for: optimized drops them"
        misfits.append(Misfit("duplicate_index", "", "", len(indexes), meaning, indexes[:SAMPLES]))
    unmapped = Counter({m.relation: m.count for m in misfits if m.kind == UNMAPPED})
    return Misfits(tuple(misfits), unmapped)


class _Groups:
    """The findings of an inspection, by their kind and by where in the blueprint they are."""

    def __init__(self, blueprint: Blueprint, names: Collection[str]) -> None:
        self._blueprint = blueprint
        self._names = {
            relation.pattern: name
            for name, relation in blueprint.relations.items()
            if relation.pattern
        }
        self._names |= {name: name for name in blueprint.derived}
        concerned = {blueprint.source_of(name) for name in names}
        self._concerned = concerned | {
            name for name, derived in blueprint.derived.items() if derived.source in names
        }
        self._keys: dict[tuple[str, str, str], list[str]] = {}
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def add(self, finding: KeyFinding) -> None:
        relation = self._relation_of(finding.key)
        if finding.kind not in BECOMES or relation not in self._concerned:
            return
        to = finding.to and (self._relation_of(finding.example) or finding.to)
        group = finding.kind, relation, " -> ".join(filter(None, (finding.path, to)))
        self._counts[group] += 1
        keys = self._keys.setdefault(group, [])
        if len(keys) < SAMPLES and finding.key not in keys:
            keys.append(finding.key)

    def _relation_of(self, key: str | None) -> str:
        """Return the relation, or the list of old clients, that the key belongs to."""
        pattern = self._blueprint.match(key) if key is not None else None
        return self._names.get(pattern or "", "")

    def misfits(self) -> list[Misfit]:
        return [
            Misfit(*group, count, BECOMES[group[0]], tuple(self._keys[group]))
            for group, count in self._counts.items()
        ]


async def _run_check(session: Session, check: Check) -> list[Misfit]:
    misfits = []
    for number, count, keys in await session.rows(check.counts()):
        condition = check.conditions[number - 1]
        misfits.append(
            Misfit(
                condition.kind,
                condition.relation,
                condition.about,
                count,
                condition.meaning,
                tuple(keys),
                check.lists(condition),
            )
        )
    return misfits
