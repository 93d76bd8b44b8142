"""How a key-value table is doing: its sizes, indexes, maintenance and slowest statements.

Everything is read from the catalog and the statistics, by a session that may be read-only and need
not be a superuser's. What it may not read is None, and said so. It takes no lock beyond ACCESS
SHARE on the catalogs, and a dozen statements, under 100 ms in all. findings.py says what the
figures mean."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg
import msgspec

from outgrow import layout
from outgrow.db.pool import Session
from outgrow.errors import Refused
from outgrow.growth import catalog
from outgrow.growth.catalog import StoreIndex
from outgrow.queries import load

Level = Literal["bad", "warn", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. `kind` is stable; `about` names the index, role or
    policy, or the table; `fact` is a sentence with its figures; `to_do` a statement for psql, or
    None where there is none to give. `bad` harms now, `warn` will or may, `note` is for
    information."""

    kind: str
    level: Level
    about: str
    fact: str
    to_do: str | None = None


def remedy(block: str, **names: str) -> str:
    """Return a statement of health.sql with these identifiers (schema.name is split)."""
    return load("health")[f"remedy_{block}"].with_identifiers(**names).sql


def format_size(count: float) -> str:
    """Format bytes for people: `812 kB`, `1.4 GB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count / 1e3:,.0f} kB"


_PAGE_HEADER = 24
_ROW = 4 + 24  # the pointer to it, and its header
_INDEX_ROW = 4 + 8
_INDEX_END = 16  # of every page of a btree
_ALIGNED = 8


def bloat_of_table(
    rows: int | None, pages: int, block: int, widths: Sequence[int | None]
) -> int | None:
    """Estimate unused bytes; None where nothing is known of the rows or of a column."""
    return _bloat(rows, pages, block - _PAGE_HEADER, _ROW, widths, 100, block)


def bloat_of_index(
    rows: int | None, pages: int, block: int, widths: Sequence[int | None], fillfactor: int
) -> int | None:
    """Estimate unused bytes of a btree of plain columns. Where it stores equal entries once, the
    estimate is below zero, and 0 is returned."""
    usable = block - _PAGE_HEADER - _INDEX_END
    return _bloat(rows, pages - 1, usable, _INDEX_ROW, widths, fillfactor, block)


def _bloat(
    rows: int | None,
    pages: int,
    usable: int,
    overhead: int,
    widths: Sequence[int | None],
    fillfactor: int,
    block: int,
) -> int | None:
    known = [width for width in widths if width is not None]
    if rows is None or pages <= 0 or len(known) < len(widths) or not known:
        return None
    width = math.ceil(sum(known) / _ALIGNED) * _ALIGNED + overhead
    needed = math.ceil(rows * width / (usable * fillfactor / 100))
    return max(0, pages - needed) * block


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What VACUUM and ANALYZE have to do. `dead` are row versions that VACUUM has to remove,
    `changed` rows written since the last ANALYZE; `*_due` from how many on autovacuum does it.
    `vacuumed` and `analyzed` are None for never, as far as the statistics go back. `freeze_due`: at
    which age of transaction ids it must run, whatever the settings."""

    autovacuum: bool
    live: int
    dead: int
    vacuum_due: int
    changed: int
    analyze_due: int
    vacuumed: datetime | None
    analyzed: datetime | None
    freeze_due: int


def maintenance_of(
    rows: int | None, activity: Mapping[str, Any] | None, options: Mapping[str, str]
) -> Maintenance:
    """Compute it from the table's estimated rows, the row `activity` of health.sql, and the
    options."""
    vacuum_due = _threshold(options, "vacuum", rows or 0)
    most = float(options.get("autovacuum_vacuum_max_threshold", -1))  # since PostgreSQL 18
    if most >= 0:
        vacuum_due = min(vacuum_due, round(most))
    counts = activity or {}
    return Maintenance(
        autovacuum=_is_on(options, "autovacuum") and _is_on(options, "track_counts"),
        live=counts.get("live") or 0,
        dead=counts.get("dead") or 0,
        vacuum_due=vacuum_due,
        changed=counts.get("changed") or 0,
        analyze_due=_threshold(options, "analyze", rows or 0),
        vacuumed=counts.get("vacuumed"),
        analyzed=counts.get("analyzed"),
        freeze_due=int(options["autovacuum_freeze_max_age"]),
    )


def _threshold(options: Mapping[str, str], what: str, rows: int) -> int:
    share = float(options[f"autovacuum_{what}_scale_factor"])
    return round(int(options[f"autovacuum_{what}_threshold"]) + share * rows)


def _is_on(options: Mapping[str, str], name: str) -> bool:
    """Return whether an option is on, also as it is written in a table's options."""
    return options[name].lower() not in ("off", "false", "0", "no")


MOST = 10
LONGEST = 300  # characters of a statement that are reported

_TEXTS = re.compile(r"E?'(?:[^'\\]|''|\\.)*'")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, with times in milliseconds and without its quoted texts, which may be personal
    data."""

    text: str
    calls: int
    mean: float
    slowest: float
    total: float
    rows: int


@dataclass(frozen=True, slots=True)
class Statements:
    """The slowest statements. `why_not` says why there are none: the extension is absent, or cannot
    be read. `hidden` is how many of other roles may not be read."""

    why_not: str | None
    slowest: tuple[Statement, ...] = ()
    hidden: int = 0


async def read_statements(session: Session, table: str, most: int = MOST) -> Statements:
    """Read the slowest statements. An extension that cannot be read is an answer, not an error."""
    sql = load("health")
    schema = await session.value(sql["statements_at"])
    if schema is None:
        return Statements("this database has no extension pg_stat_statements")
    query = sql["statements"].with_identifiers(statements=f"{schema}.pg_stat_statements")
    try:
        async with session.connection.transaction():
            rows = await session.rows(query, table, most)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.ObjectNotInPrerequisiteStateError) as e:
        return Statements(f"pg_stat_statements cannot be read: {e}")
    readable = [row for row in rows if row["query"] != "<insufficient privilege>"]
    return Statements(
        None,
        tuple(
            Statement(
                _shown(r["query"]), r["calls"], r["mean"], r["slowest"], r["total"], r["rows"]
            )
            for r in readable
        ),
        rows[0]["hidden"] if rows else 0,
    )


def _shown(text: str) -> str:
    one_line = " ".join(_TEXTS.sub("'...'", text).split())
    return one_line if len(one_line) <= LONGEST else one_line[: LONGEST - 3] + "..."


@dataclass(frozen=True, slots=True)
class Table:
    """A table, with sizes in bytes. `rows` is what the last ANALYZE or VACUUM estimated, None
    before the first; `bloat_bytes` an estimate of what a rewrite would free, None where too little
    is known. `key_order`: the key's own collation sorts by bytes, so its index serves prefixes."""

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
    """An index. `scans` since the statistics were reset, on this server alone. `duplicate_of` names
    the index that does all this one does; `needed_by` says what would break without it; `prefixes`
    whether it finds keys by their beginning."""

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
    """The health of a table. `hit_share` is the share of the table's blocks that were found in
    PostgreSQL's memory when they were needed; None where none was. `counted_since`: when the
    counting began."""

    table: Table
    indexes: tuple[Index, ...]
    maintenance: Maintenance
    hit_share: float | None
    blocks_asked: int
    counted_since: datetime | None
    now: datetime
    statements: Statements

    def as_dict(self) -> dict[str, Any]:
        """Return it without `indexes`, which stand next to `health` in the report."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        del document["indexes"]
        document["table"]["bytes"] = self.table.bytes
        return document


async def table_facts(session: Session, schema: str, table: str) -> asyncpg.Record:
    """Return what the catalog says of a table. Raise Refused where there is no such table."""
    facts = await session.row(load("health")["table"], schema, table)
    if facts is None:
        raise Refused(
            "no_table",
            f"there is no table {schema}.{table}",
            hint="give the name of a key-value table, as table or schema.table",
        )
    return facts


async def read_health(session: Session, schema: str, table: str) -> Health:
    """Read any table that has a column `key`. Raise Refused where there is no such table."""
    sql = load("health")
    facts = await table_facts(session, schema, table)
    oid = facts["oid"]
    activity = await session.row(sql["activity"], oid)
    asked = 0 if activity is None else (activity["hit"] or 0) + (activity["read"] or 0)
    widths = {row["column"]: row for row in await session.rows(sql["widths"], oid)}
    options = {row["name"]: row["value"] for row in await session.rows(sql["options"], oid)}
    return Health(
        table=_table(f"{schema}.{table}", facts, widths),
        indexes=await _indexes(session, facts, widths),
        maintenance=maintenance_of(
            facts["rows"], None if activity is None else dict(activity), options
        ),
        hit_share=activity["hit"] / asked if activity is not None and asked else None,
        blocks_asked=asked,
        counted_since=facts["counted_since"] or facts["started"],
        now=facts["now"],
        statements=await read_statements(session, table),
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
    indexes = await catalog.read_indexes(session, facts["oid"])
    use = {row["oid"]: row for row in await session.rows(load("health")["index_use"], facts["oid"])}
    like = catalog.find_duplicates(indexes)
    return tuple(
        _index(index, use[index.oid], like.get(index), facts, widths)
        for index in indexes
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
