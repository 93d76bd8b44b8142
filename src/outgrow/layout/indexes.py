"""The indexes and statistics that the phase `optimized` puts on the store. Pure text, no I/O.

PostgreSQL does not take statistics from partial indexes for the estimates of a query, and guesses
(one row in 200 for every equality): with several indexes that fit, it then picks by chance. So
every expression that an index or a relation compares has statistics of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from outgrow.blueprint import Blueprint
from outgrow.blueprint import Index as Wanted
from outgrow.layout import expressions as ex
from outgrow.queries import Query, quote

PREFIX = "og_"
"""Every index and statistics object that Outgrow makes on a store begins so, and no other may."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index. `name` ends in a digest of the definition: another definition is another index.
    `key_order` marks the index on the keys, which a store may have already."""

    name: str
    create: Query
    purpose: str
    key_order: bool = False


@dataclass(frozen=True, slots=True)
class Statistics:
    """Statistics of one expression, which ANALYZE fills. `name` ends in a digest of it."""

    name: str
    create: Query
    purpose: str


def indexes(blueprint: Blueprint, store_schema: str, store_table: str) -> list[Index]:
    """Return the index on the key in C order (prefix scans in any collation), then the blueprint's
    own."""
    key = '(key COLLATE "C")'
    order = _index(store_schema, store_table, "key", key, "", "keys by prefix, in order")
    made = [replace(order, key_order=True)]
    for wanted in filter(lambda i: i.on_store, blueprint.indexes):
        made.append(_blueprint_index(blueprint, wanted, store_schema, store_table))
    return made


def drop_index(schema: str, name: str) -> Query:
    """Return the statement that drops any index of the store, by whichever role it was made."""
    return Query("grow.drop_index", f"DROP INDEX CONCURRENTLY IF EXISTS {quote(schema, name)}")


def statistics(blueprint: Blueprint, store_schema: str, store_table: str) -> list[Statistics]:
    """Return the statistics for the conditions of every relation that has an index. To create them
    locks the store as ANALYZE does (SHARE UPDATE EXCLUSIVE) for an instant and reads nothing."""
    purposes = {"length(key)": "the length of keys", "jsonb_typeof(value)": "the shape of values"}
    for index in filter(lambda i: i.on_store, blueprint.indexes):
        relation = blueprint.relations[index.relation]
        column = _columns(blueprint, index.relation)
        # The statistics of `@@` are of tsvectors, which a relation does not have.
        compared = () if index.kind == "words" else index.columns
        for name in compared:
            if name != "store_value":
                purposes.setdefault(column(name), f"{index.relation} by {name}")
        for name, item in relation.computed.items():
            if item.flag is not None:
                flag = ex.flag_field(item.flag, "value")
                purposes.setdefault(flag, f"{index.relation} by {name}")
    made = []
    for expression, purpose in purposes.items():
        digest = _digest(f"{store_schema}.{store_table} statistics {expression}")
        name = f"{PREFIX}{purpose.replace(' ', '_')}"[:54] + f"_{digest}"
        sql = (
            f"CREATE STATISTICS {quote(store_schema, name)} ON ({expression}) "
            f"FROM {quote(store_schema, store_table)}"
        )
        made.append(Statistics(name, Query("grow.create_statistics", sql), purpose))
    return made


def drop_statistics(schema: str, name: str) -> Query:
    return Query("grow.drop_statistics", f"DROP STATISTICS IF EXISTS {quote(schema, name)}")


def renamed(
    blueprint: Blueprint, was: tuple[str, str], now: tuple[str, str]
) -> dict[str, tuple[str, str]]:
    """Map the old name of each index and statistics of a renamed store to its kind in SQL and its
    new name."""
    made: dict[str, tuple[str, str]] = {}
    for old, new in zip(indexes(blueprint, *was), indexes(blueprint, *now), strict=True):
        made[old.name] = "INDEX", new.name
    for stale, fresh in zip(statistics(blueprint, *was), statistics(blueprint, *now), strict=True):
        made[stale.name] = "STATISTICS", fresh.name
    return made


def rename(kind: str, schema: str, name: str, new_name: str) -> Query:
    sql = f"ALTER {kind} {quote(schema, name)} RENAME TO {quote(new_name)}"
    return Query("install.rename", sql)


def _columns(blueprint: Blueprint, relation_name: str) -> ex.ColumnSql:
    """Return the expressions of a relation's columns, with the computed ones, on a row of the
    store."""
    relation = blueprint.relations[relation_name]
    owned_column = ex.column_of(
        relation, blueprint.patterns[relation.pattern or ""], "key", "value"
    )

    def sql(name: str) -> str:
        if name == "store_value":
            return "value"
        if name in relation.computed:
            return ex.computed(relation, relation.computed[name], owned_column, "value")
        return owned_column(name)

    return sql


def table_indexes(blueprint: Blueprint, name: str, schema: str) -> list[Index]:
    """Return the indexes of a relation's table, which has the relation's name in `schema`."""
    relation = blueprint.relations[name]
    source = blueprint.relations[blueprint.source_of(name)]
    # Prefixes are ranges in the C collation only.
    in_c = {
        column
        for column in relation.columns | relation.computed.keys()
        if (item := source.computed.get(relation.renamed.get(column, column))) and item.words
    }
    made = []
    for wanted in blueprint.indexes:
        if wanted.relation != name or not wanted.on_table:
            continue
        parts = [
            quote(column) + (' COLLATE "C"' if wanted.kind == "btree" and column in in_c else "")
            for column in wanted.columns
        ]
        made.append(_of_kind(wanted, parts, "", schema, name))
    return made


def _blueprint_index(blueprint: Blueprint, wanted: Wanted, schema: str, table: str) -> Index:
    relation = blueprint.relations[wanted.relation]
    pattern_name = relation.pattern or ""
    column = _columns(blueprint, wanted.relation)
    # Prefixes are ranges in the C collation only.
    in_c = {n for n, c in relation.computed.items() if c.words and wanted.kind == "btree"}
    parts = [f"({column(n)})" + (' COLLATE "C"' if n in in_c else "") for n in wanted.columns]
    where = f" WHERE {ex.matches(blueprint, pattern_name, 'key')}"
    return _of_kind(wanted, parts, where, schema, table)


def _of_kind(wanted: Wanted, parts: list[str], where: str, schema: str, table: str) -> Index:
    using = {
        "btree": f"({', '.join(parts)})",
        "contains": f"USING gin ({parts[0]} jsonb_path_ops)",
        # Every search reads the list of what is not in the index yet, so it is kept short (kB).
        "words": f"USING gin (to_tsvector('simple'::regconfig, {parts[0]})) "
        "WITH (gin_pending_list_limit = 256)",
    }[wanted.kind]
    label = f"{wanted.relation}_{'_'.join(wanted.columns)}_{wanted.kind}".removesuffix("_btree")
    purpose = f"{wanted.relation} by {', '.join(wanted.columns)} ({wanted.kind})"
    return _index(schema, table, label, using, where, purpose)


def _index(
    schema: str,
    table: str,
    label: str,
    using: str,
    where: str,
    purpose: str,
) -> Index:
    digest = _digest(f"{schema}.{table} {using}{where}")
    name = f"{PREFIX}{label}"[:54] + f"_{digest}"
    return Index(
        name,
        Query(
            "grow.create_index",
            f"CREATE INDEX CONCURRENTLY {quote(name)} ON {quote(schema, table)} {using}{where}",
        ),
        purpose,
    )


def _digest(definition: str) -> str:
    return hashlib.sha256(definition.encode()).hexdigest()[:8]
