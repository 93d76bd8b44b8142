"""What the database's catalog says of a store, its indexes, and the tables beside it."""

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
from outgrow.schema import definitions, install, memory, migrate
from outgrow.schema.definitions import Finding
from outgrow.schema.migrate import Migration


@dataclass(frozen=True, slots=True)
class StoreIndex:
    """One index of the store, whoever made it. `needed_by` is what would break without it."""

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
        """Whether nobody would miss `other`: the same queries answered, the same rows refused."""
        refuses = self.is_unique and self.nulls_distinct == other.nulls_distinct
        return self.signature == other.signature and (refuses or not other.is_unique)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ours; `indexes` are the names of the valid ones, without the primary key."""

    name: str
    oid: int
    table_bytes: int
    index_bytes: int
    indexes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Store:
    """A store as it is now. `blocks` are those of the table alone; `rows` an estimate, or None
    before the first ANALYZE; `phase` None where no layout is installed; `current` is False where
    the layout is missing or another version's; `collation` is that of its key, quoted, unless it is
    the database's; `others` are the phases of other blueprints over it; `statistics` are the names
    of ours, each with its schema; `mirrors` the relations with tables, of which `tables` has what
    is there, by name; `altered` what of the tables and of all that keeps them is not as it was
    made; `said` what happened to its name; `pending` the migrations that an installation would
    apply."""

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
    said: str = ""
    pending: tuple[Migration, ...] = ()

    @property
    def synced(self) -> bool:
        """Whether the tables have been kept by what was made for it; as far as one can see."""
        return not any(finding.is_wrong for finding in self.altered)

    @property
    def doubted(self) -> tuple[Finding, ...]:
        """What keeps them was changed by somebody, and changed back: nobody knows what was missed
        meanwhile."""
        return tuple(finding for finding in self.altered if not finding.is_wrong)

    @property
    def grown_with(self) -> str:
        """The other blueprint that it grew with, in words; "" where it grew with this one or with
        none."""
        grown = [f"{n!r} (phase {phase})" for n, phase in self.others.items() if phase != "initial"]
        if not grown or self.phase not in (None, "initial"):
            return ""
        return f"the blueprint {' and '.join(grown)}"

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"

    def invalid(self) -> list[StoreIndex]:
        """What concurrent builds that failed (or still run) have left: it costs every write and
        serves no query."""
        return [i for i in self.indexes if not i.valid and i.needed_by is None]

    def duplicates(self) -> dict[StoreIndex, StoreIndex]:
        """As `duplicates`. Ours count as neither: they go by the phase."""
        return duplicates(i for i in self.indexes if not i.ours)

    def made(self, wanted: Collection[str]) -> list[StoreIndex]:
        """The indexes that Outgrow made for this blueprint; `wanted` are the names it asks for.
        Where another blueprint lies over the store, names say too little: only those."""
        return [i for i in self.indexes if i.ours and (not self.others or i.name in wanted)]

    def made_statistics(self, wanted: Collection[str]) -> dict[str, str]:
        """Likewise; name -> schema."""
        return {n: s for n, s in self.statistics.items() if not self.others or n in wanted}

    def trusted(self, mirror: Mirror) -> bool:
        """Whether its table is there, of this version, and has been kept ever since."""
        kept = self.synced and mirror.state not in ("stale", "leaving")
        return kept and mirror.relation in self.tables

    def has(self, name: str) -> bool:
        """Whether an index of that name is there and can be used."""
        return any(i.valid and i.name == name for i in self.indexes)


async def read(
    session: Session, store: str, blueprint: Blueprint, *, closely: bool = True
) -> Store:
    """Look; `closely` as `install.is_installed` does. Raises Refused where there is no such
    store."""
    located = await memory.locate(session, store, blueprint)
    current = await install.is_installed(session, located.store, blueprint, closely=closely)
    found = await look(session, located.store, blueprint, current)
    return replace(found, said=located.notice)


async def look(session: Session, store: str, blueprint: Blueprint, current: bool) -> Store:
    """Look at a store that `read` has found, without asking again whether its layout is current,
    which takes longer than all the rest."""
    sql = load("grow")
    schema, table = memory.split(store)
    facts = await session.row(sql["store"], schema, table)
    if facts is None:
        raise GrowthFailed(
            "store_gone",
            f"the table {schema}.{table} was there, and is gone",
            hint="somebody dropped or renamed it",
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
        indexes=tuple(await indexes_of(session, oid)),
        statistics={
            row["name"]: row["schema"]
            for row in await session.rows(sql["statistics"], oid)
            if row["name"].startswith(layout.PREFIX)
        },
        mirrors=await state.mirrors(session, blueprint.name),
        tables=await _tables(session, layout.mirror.schema(blueprint)),
        altered=await _altered(session, blueprint, oid),
        pending=() if current else tuple(await migrate.pending(session, wanted)),
        **facts,
    )


async def _altered(session: Session, blueprint: Blueprint, oid: int) -> tuple[Finding, ...]:
    tables = layout.mirror.schema(blueprint)
    return await definitions.compare(session, blueprint, oid, [tables])


async def _tables(session: Session, schema: str) -> dict[str, Table]:
    sql = load("grow")
    indexes: dict[str, set[str]] = {}
    for row in await session.rows(sql["table_indexes"], schema):
        indexes.setdefault(row["table"], set()).add(row["name"])
    return {
        row["name"]: Table(**row, indexes=frozenset(indexes.get(row["name"], ())))
        for row in await session.rows(sql["tables"], schema)
    }


async def indexes_of(session: Session, oid: int) -> list[StoreIndex]:
    return [StoreIndex(**row) for row in await session.rows(load("grow")["indexes"], oid)]


def waiting_for(row: asyncpg.Record | None) -> str:
    """A sentence on the session of the row (pid, application_name, state, xact_start), or on the
    prepared transaction (gid), which no session holds; "" for none. Of other roles' sessions
    PostgreSQL may tell nothing but the pid."""
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
        return f"the prepared transaction {name}, open{age} until somebody says {ways}"
    text = f"pid {row['pid']}"
    known = [part for part in (row["application_name"], row["state"]) if part]
    if known:
        text += f" ({', '.join(known)})"
    return f"{text}, in a transaction open{age}" if age else text


def duplicates(indexes: Iterable[StoreIndex]) -> dict[StoreIndex, StoreIndex]:
    """Each index that another one stands for, and that other, which stays."""
    kept: list[StoreIndex] = []
    found = {}
    valid = [i for i in indexes if i.valid]
    for index in sorted(valid, key=lambda i: (i.needed_by is None, not i.is_unique, i.oid)):
        like = next((k for k in kept if k.stands_for(index)), None)
        if like is None or index.needed_by is not None:
            kept.append(index)
        else:
            found[index] = like
    return found


def total_bytes(found: Iterable[StoreIndex]) -> int:
    return sum(index.bytes for index in found)
