"""The indexes of a blueprint on the store: what the phase `optimized` has. Pure text, no I/O."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from outgrow.blueprint import Blueprint
from outgrow.blueprint import Index as Wanted
from outgrow.layout import expressions as ex
from outgrow.queries import Query, quote

PREFIX = "og_"
"""Every index that Outgrow makes on a store begins so, and nothing else may."""


@dataclass(frozen=True, slots=True)
class Index:
    """`name` ends in a digest of the definition: another definition is another index."""

    name: str
    create: Query
    purpose: str


def indexes(blueprint: Blueprint, store_schema: str, store_table: str) -> list[Index]:
    """The key in C order first (prefix scans in any collation), then the blueprint's own."""
    made = [
        _index(
            store_schema, store_table, "key", '(key COLLATE "C")', "", "keys by prefix, in order"
        )
    ]
    for wanted in blueprint.indexes:
        made.append(_blueprint_index(blueprint, wanted, store_schema, store_table))
    return made


def drop_index(schema: str, name: str) -> Query:
    """For any index of the store, whoever made it."""
    return Query("grow.drop_index", f"DROP INDEX CONCURRENTLY IF EXISTS {quote(schema, name)}")


def _blueprint_index(blueprint: Blueprint, wanted: Wanted, schema: str, table: str) -> Index:
    relation = blueprint.relations[wanted.relation]
    pattern_name = relation.pattern or ""
    column = ex.column_of(relation, blueprint.patterns[pattern_name], "key", "value")

    def sql(name: str) -> str:
        if name == "probe":
            return "value"
        if name in relation.computed:
            item = relation.computed[name]
            made = f"({ex.computed(relation, item, column, 'value')})"
            # Prefixes are ranges in the C collation only.
            return f'{made} COLLATE "C"' if item.words and wanted.kind == "btree" else made
        return f"({column(name)})"

    parts = [sql(name) for name in wanted.columns]
    using = {
        "btree": f"({', '.join(parts)})",
        "contains": f"USING gin ({parts[0]} jsonb_path_ops)",
        # Every search reads the list of what is not in the index yet, so it is kept short (kB).
        "words": f"USING gin (to_tsvector('simple'::regconfig, {parts[0]})) "
        "WITH (gin_pending_list_limit = 256)",
    }[wanted.kind]
    label = f"{wanted.relation}_{'_'.join(wanted.columns)}_{wanted.kind}".removesuffix("_btree")
    purpose = f"{wanted.relation} by {', '.join(wanted.columns)} ({wanted.kind})"
    where = f" WHERE {ex.matches(blueprint, pattern_name, 'key')}"
    return _index(schema, table, label, using, where, purpose)


def _index(
    schema: str,
    table: str,
    label: str,
    using: str,
    where: str,
    purpose: str,
) -> Index:
    digest = hashlib.sha256(f"{schema}.{table} {using}{where}".encode()).hexdigest()[:8]
    name = f"{PREFIX}{label}"[:54] + f"_{digest}"
    return Index(
        name,
        Query(
            "grow.create_index",
            f"CREATE INDEX CONCURRENTLY {quote(name)} ON {quote(schema, table)} {using}{where}",
        ),
        purpose,
    )
