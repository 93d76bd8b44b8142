"""How a key-value table is: its sizes, indexes, upkeep, statements, and who may read it.

Everything is read from the catalog and the statistics, by a session that may be read-only and
need not be a superuser's; what it may not see is None, and said so. No lock beyond ACCESS SHARE on
the catalogs; a dozen statements, under 100 ms in all. What the figures mean is in `findings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from outgrow import layout
from outgrow.db.pool import Session
from outgrow.errors import Refused
from outgrow.growth import catalog
from outgrow.growth.catalog import StoreIndex
from outgrow.inspection import statements
from outgrow.inspection.bloat import bloat_of_index, bloat_of_table
from outgrow.inspection.maintenance import Upkeep, upkeep
from outgrow.inspection.statements import Statements
from outgrow.queries import load


@dataclass(frozen=True, slots=True)
class Table:
    """Sizes in bytes. `rows` is what the last ANALYZE or VACUUM thought, None before the first;
    `bloat_bytes` an estimate of what a rewrite would free, None where there is too little to go
    by. `key_order`: the key's own collation sorts by bytes, so its index serves prefixes."""

    name: str
    rows: int | None
    heap_bytes: int
    toast_bytes: int
    index_bytes: int
    bloat_bytes: int | None
    unlogged: bool
    key_type: str | None
    key_unique: bool
    key_order: bool
    xid_age: int | None

    @property
    def bytes(self) -> int:
        return self.heap_bytes + self.toast_bytes + self.index_bytes


@dataclass(frozen=True, slots=True)
class Index:
    """`scans` since the statistics were reset, on this server alone. `duplicate_of` names the index
    that does all this one does; `needed_by` says what would break without it; `prefixes` whether it
    finds keys by their beginning."""

    name: str
    definition: str
    bytes: int
    bloat_bytes: int | None
    scans: int
    last_scan: datetime | None
    valid: bool
    unique: bool
    needed_by: str | None
    duplicate_of: str | None
    ours: bool
    prefixes: bool


@dataclass(frozen=True, slots=True)
class Health:
    """`hit_share` is how many blocks of the table were found in PostgreSQL's memory, of all that
    were asked for; None where nothing was. `counted_since`: when the counting of it began."""

    table: Table
    indexes: tuple[Index, ...]
    upkeep: Upkeep
    hit_share: float | None
    blocks_asked: int
    counted_since: datetime | None
    now: datetime
    statements: Statements

    def as_dict(self) -> dict[str, Any]:
        """Without `indexes`, which stand beside `health` in the report."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        del told["indexes"]
        told["table"]["bytes"] = self.table.bytes
        return told


async def facts_of(session: Session, schema: str, table: str) -> asyncpg.Record:
    """What pg_class and its like say of a table. Raises Refused where there is no such table."""
    facts = await session.row(load("health")["table"], schema, table)
    if facts is None:
        raise Refused(
            "no_table",
            f"there is no table {schema}.{table}",
            hint="give the name of a key-value table, as table or schema.table",
        )
    return facts


async def read(session: Session, schema: str, table: str) -> Health:
    """Look at any table that has a column `key`. Raises Refused where there is no such table."""
    sql = load("health")
    facts = await facts_of(session, schema, table)
    oid = facts["oid"]
    activity = await session.row(sql["activity"], oid)
    asked = 0 if activity is None else (activity["hit"] or 0) + (activity["read"] or 0)
    widths = {row["column"]: row for row in await session.rows(sql["widths"], oid)}
    options = {row["name"]: row["value"] for row in await session.rows(sql["options"], oid)}
    return Health(
        table=_table(f"{schema}.{table}", facts, widths),
        indexes=await _indexes(session, facts, widths),
        upkeep=upkeep(facts["rows"], None if activity is None else dict(activity), options),
        hit_share=activity["hit"] / asked if activity is not None and asked else None,
        blocks_asked=asked,
        counted_since=facts["counted_since"] or facts["started"],
        now=facts["now"],
        statements=await statements.read(session, table),
    )


def _table(name: str, facts: asyncpg.Record, widths: dict[int, asyncpg.Record]) -> Table:
    return Table(
        name=name,
        bloat_bytes=bloat_of_table(
            facts["rows"],
            facts["heap_pages"],
            facts["block_size"],
            [row["width"] for row in widths.values()],
        ),
        key_order=bool(facts["key_order"]),
        **{
            column: facts[column]
            for column in (
                "rows",
                "heap_bytes",
                "toast_bytes",
                "index_bytes",
                "unlogged",
                "key_type",
                "key_unique",
                "xid_age",
            )
        },
    )


async def _indexes(
    session: Session, facts: asyncpg.Record, widths: dict[int, asyncpg.Record]
) -> tuple[Index, ...]:
    found = await catalog.indexes_of(session, facts["oid"])
    use = {row["oid"]: row for row in await session.rows(load("health")["index_use"], facts["oid"])}
    like = catalog.duplicates(found)
    return tuple(
        _index(index, use[index.oid], like.get(index), facts, widths)
        for index in found
        if index.oid in use
    )


def _index(
    index: StoreIndex,
    use: asyncpg.Record,
    like: StoreIndex | None,
    facts: asyncpg.Record,
    widths: dict[int, asyncpg.Record],
) -> Index:
    known = [widths[column]["width"] if column in widths else None for column in use["columns"]]
    plain = use["method"] == "btree" and use["columns"] and index.valid
    return Index(
        name=index.name,
        definition=index.definition,
        bytes=index.bytes,
        bloat_bytes=bloat_of_index(
            use["rows"], use["pages"], facts["block_size"], known, use["fillfactor"]
        )
        if plain
        else None,
        scans=use["scans"],
        last_scan=use["last_scan"],
        valid=index.valid,
        unique=index.is_unique,
        needed_by=index.needed_by,
        duplicate_of=None if like is None else like.name,
        ours=index.name.startswith(layout.PREFIX),
        prefixes=use["prefixes"],
    )
