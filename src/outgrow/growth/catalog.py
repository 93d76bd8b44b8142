"""What the database's catalog says about a store, its indexes, and its mirror tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import asyncpg

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.pool import Session
from outgrow.errors import GrowthFailed
from outgrow.growth import state
from outgrow.growth.state import Mirror, Phase
from outgrow.queries import literal, load
from outgrow.schema import definitions, install, late_lists, memory, migrate
from outgrow.schema.definitions import Finding
from outgrow.schema.late_lists import Late
from outgrow.schema.migrate import Migration


@dataclass(frozen=True, slots=True)
class StoreIndex:
    """An index of the store, made by Outgrow or by others. `needed_by` would break without it."""

    oid: int
    schema: str
    name: str
    bytes: int
    valid: bool
    is_unique: bool
    nulls_distinct: bool
    needed_by: str | None
    signature: str
    definition: str
    key_order: bool

    @property
    def ours(self) -> bool:
        return self.name.startswith(layout.PREFIX)

    def stands_for(self, other: StoreIndex) -> bool:
        """Return whether `other` is superfluous: this index answers the same queries and refuses
        the same rows."""
        refuses = self.is_unique and self.nulls_distinct == other.nulls_distinct
        return self.signature == other.signature and (refuses or not other.is_unique)


@dataclass(frozen=True, slots=True)
class Table:
    """A mirror table. `indexes` names its valid indexes, without the primary key."""

    name: str
    oid: int
    table_bytes: int
    index_bytes: int
    indexes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Store:
    """A store as it is now.

    `blocks` counts the table alone. `rows` is an estimate, None before the first ANALYZE. `phase`
    is None where no layout is installed; `current` is False where the layout is missing or of
    another version. `collation` is that of the key, quoted, unless it is the database's. `others`
    has the phases of other blueprints over the store. `statistics` has the names of Outgrow's own,
    with their schemas. `mirrors` are the relations with tables; `tables` has the tables that exist,
    by name. `altered` is what differs from what Outgrow made. `notice` says what happened to the
    store's name. `pending` are the migrations that an installation would apply.
    """

    oid: int
    schema: str
    table: str
    partitioned: bool
    rows: int | None
    blocks: int
    table_bytes: int
    index_bytes: int
    owned: bool
    owner: str
    user: str
    replica: bool
    collation: str | None
    phase: Phase | None
    current: bool
    others: Mapping[str, Phase]
    indexes: tuple[StoreIndex, ...]
    statistics: Mapping[str, str]
    mirrors: tuple[Mirror, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    altered: tuple[Finding, ...] = ()
    notice: str = ""
    pending: tuple[Migration, ...] = ()
    late: Late = field(default_factory=Late)

    @property
    def synced(self) -> bool:
        """Whether the triggers and functions that sync the tables are as they were made, now."""
        return not any(finding.is_wrong for finding in self.altered)

    @property
    def doubted(self) -> tuple[Finding, ...]:
        """What syncs the tables was changed and changed back: writes in between may be missing."""
        return tuple(finding for finding in self.altered if not finding.is_wrong)

    @property
    def has_grown(self) -> bool:
        """Whether it is in a phase beyond the first."""
        return self.phase not in (None, "initial")

    @property
    def grown_with(self) -> str:
        """The other blueprint that the store grew with, in words; "" where it grew with this one
        or with none."""
        grown = [f"{n!r} (phase {phase})" for n, phase in self.others.items() if phase != "initial"]
        if not grown or self.has_grown:
            return ""
        return f"the blueprint {' and '.join(grown)}"

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"

    def invalid_indexes(self) -> list[StoreIndex]:
        """Return the indexes left by concurrent builds that failed or still run: they cost every
        write and serve no query."""
        return [i for i in self.indexes if not i.valid and i.needed_by is None]

    def duplicates(self) -> dict[StoreIndex, StoreIndex]:
        """Return each duplicate with the index that stands for it. Indexes of Outgrow's own are
        left out: the phase decides about them."""
        return find_duplicates(i for i in self.indexes if not i.ours)

    def made_indexes(self, wanted: Collection[str]) -> list[StoreIndex]:
        """Return the indexes that Outgrow made for this blueprint, which asks for the names
        `wanted`. Where another blueprint lies over the store, only those count: another index
        may be the other blueprint's."""
        return [i for i in self.indexes if i.ours and (not self.others or i.name in wanted)]

    def made_statistics(self, wanted: Collection[str]) -> dict[str, str]:
        """Return the statistics that Outgrow made, likewise: name -> schema."""
        return {n: s for n, s in self.statistics.items() if not self.others or n in wanted}

    def trusts(self, mirror: Mirror) -> bool:
        """Return whether the mirror's table exists, is of this version and was always synced."""
        is_synced = self.synced and mirror.state not in ("stale", "leaving")
        return is_synced and mirror.relation in self.tables

    def has_index(self, name: str) -> bool:
        """Return whether the store has a valid index of that name."""
        return any(i.valid and i.name == name for i in self.indexes)


async def read_store(
    session: Session, store: str, blueprint: Blueprint, *, closely: bool = True
) -> Store:
    """Locate the store and read the catalog. `closely` is passed to `install.is_installed`.
    Raises Refused where there is no such store."""
    located = await memory.locate(session, store, blueprint)
    current = await install.is_installed(session, located.store, blueprint, closely=closely)
    facts = await read_located(session, located.store, blueprint, current)
    return replace(facts, notice=located.notice)


async def read_located(session: Session, store: str, blueprint: Blueprint, current: bool) -> Store:
    """Read the catalog for a store that `read_store` has located. Whether its layout is `current`
    is given, since asking takes longer than everything else."""
    sql = load("grow")
    schema, table = memory.split(store)
    facts = await session.row(sql["store"], schema, table)
    if facts is None:
        raise GrowthFailed(
            "store_gone",
            f"the table {schema}.{table} was there, and is gone",
            hint="it was dropped or renamed",
        )
    oid = facts["oid"]
    phase: Phase | None = None
    if await session.value(load("outgrow")["layouts_exist"]):
        row = await session.row(load("outgrow")["layout"], blueprint.name)
        phase = None if row is None else row["phase"]
    others = await memory.others(session, f"{schema}.{table}", blueprint)
    wanted = migrate.schemas(blueprint)
    return Store(
        schema=schema,
        table=table,
        phase=phase,
        current=current,
        others={row["name"]: row["phase"] for row in others},
        indexes=tuple(await read_indexes(session, oid)),
        statistics={
            row["name"]: row["schema"]
            for row in await session.rows(sql["statistics"], oid)
            if row["name"].startswith(layout.PREFIX)
        },
        mirrors=await state.mirrors(session, blueprint.name),
        tables=await _read_tables(session, layout.mirror.schema(blueprint)),
        altered=await _find_altered(session, blueprint, oid),
        late=await late_lists.read(session, blueprint.name),
        pending=() if current else tuple(await migrate.pending(session, wanted)),
        **facts,
    )


async def _find_altered(session: Session, blueprint: Blueprint, oid: int) -> tuple[Finding, ...]:
    tables = layout.mirror.schema(blueprint)
    return await definitions.compare(session, blueprint, oid, [tables])


async def _read_tables(session: Session, schema: str) -> dict[str, Table]:
    sql = load("grow")
    indexes: dict[str, set[str]] = {}
    for row in await session.rows(sql["table_indexes"], schema):
        indexes.setdefault(row["table"], set()).add(row["name"])
    return {
        row["name"]: Table(**row, indexes=frozenset(indexes.get(row["name"], ())))
        for row in await session.rows(sql["tables"], schema)
    }


async def read_indexes(session: Session, oid: int) -> list[StoreIndex]:
    """Return all indexes of a table."""
    return [StoreIndex(**row) for row in await session.rows(load("grow")["indexes"], oid)]


def describe_blocker(row: asyncpg.Record | None) -> str:
    """Describe the session (pid, application_name, state, xact_start) or the prepared transaction
    (gid) that something waits for; "" for None. PostgreSQL may show only the pid of other roles'
    sessions."""
    gid = None if row is None else row.get("gid")
    if row is None or (row["pid"] is None and gid is None):
        return ""
    age = ""
    if row["xact_start"] is not None:
        began = row["xact_start"].astimezone(UTC)
        seconds = (datetime.now(UTC) - began).total_seconds()
        age = f" since {began:%H:%M:%S} UTC ({max(seconds, 0):,.0f} s)"
    if gid is not None:
        name = literal(gid)
        ways = f"COMMIT PREPARED {name} or ROLLBACK PREPARED {name}"
        return f"the prepared transaction {name}, open{age} until {ways}"
    text = f"pid {row['pid']}"
    known = [part for part in (row["application_name"], row["state"]) if part]
    if known:
        text += f" ({', '.join(known)})"
    return f"{text}, in a transaction open{age}" if age else text


def find_duplicates(indexes: Iterable[StoreIndex]) -> dict[StoreIndex, StoreIndex]:
    """Return each index that another one stands for, with that other one, which stays."""
    kept: list[StoreIndex] = []
    originals = {}
    valid = [i for i in indexes if i.valid]
    for index in sorted(valid, key=lambda i: (i.needed_by is None, not i.is_unique, i.oid)):
        like = next((k for k in kept if k.stands_for(index)), None)
        if like is None or index.needed_by is not None:
            kept.append(index)
        else:
            originals[index] = like
    return originals


def total_bytes(indexes: Iterable[StoreIndex]) -> int:
    return sum(index.bytes for index in indexes)
