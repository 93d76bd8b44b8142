"""The tables of a blueprint's relations, and the views over them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from outgrow.blueprint import Backing, Blueprint
from outgrow.layout import expressions as ex
from outgrow.layout import relations
from outgrow.layout.indexes import Index, table_indexes
from outgrow.queries import Query, literal, quote


def schema(blueprint: Blueprint) -> str:
    return f"{blueprint.name}_tables"


def table(blueprint: Blueprint, name: str) -> str:
    """Return the quoted name of the relation's table."""
    return quote(schema(blueprint), name)


def lists(blueprint: Blueprint, name: str) -> str:
    """Return the quoted name of the table of a relation's lists."""
    return quote(schema(blueprint), f"{name}_lists")


def is_list(blueprint: Blueprint, name: str) -> bool:
    relation = blueprint.relations[name]
    return relation.pattern is not None and blueprint.pattern_of(name).shape != "document"


def is_many(blueprint: Blueprint, name: str) -> bool:
    """Return whether a key of the store has many rows: it is a list, or a document with a list in
    it."""
    return is_list(blueprint, name) or blueprint.relations[name].unnest is not None


def columns(blueprint: Blueprint, name: str) -> dict[str, str]:
    """Map column to SQL type, in the view's order, without `store_key` and `store_value`."""
    relation = blueprint.relations[name]
    if relation.pattern is None:
        source = columns(blueprint, relation.source or "")
        unnested = {"element": "text", "position": "bigint"}
        return {c: unnested.get(s) or source[s] for c, s in relation.renamed.items()}
    types = {c: column.sql_type for c, column in relation.owned_columns.items()}
    if relation.has_rest:
        types["rest"] = "jsonb"
    for c, item in relation.computed.items():
        is_time = (
            item.sort is not None and relation.owned_columns[item.sort].sql_type == "timestamptz"
        )
        plain = "boolean" if item.flag else "jsonb" if item.lists else "text"
        types[c] = 'text COLLATE "C"' if is_time else plain
    return types


def keys(blueprint: Blueprint, name: str) -> dict[str, str]:
    """Map each variable of the pattern to its column of the relation."""
    relation = blueprint.relations[name]
    source = blueprint.relations[blueprint.source_of(name)].key_columns
    if relation.pattern is not None:
        return source
    back = {s: c for c, s in relation.renamed.items()}
    return {variable: back[column] for variable, column in source.items()}


def heads(blueprint: Blueprint, name: str, key: str) -> dict[str, str]:
    """Map the columns that tell of which key of the store a row is to their values for `key` (SQL).
    For a pattern of one key, without variables, the table has it in a column `store_key`."""
    pattern = blueprint.pattern_of(name)
    parts = keys(blueprint, name)
    columns = {parts[v]: ex.variable(pattern, v, key) for v in pattern.variables}
    return columns or {"store_key": key}


def identity(blueprint: Blueprint, name: str) -> list[str]:
    """List the columns of the primary key: those of the store's key, and the element, its position
    or the name of the member."""
    relation = blueprint.relations[name]
    key_columns = list(heads(blueprint, name, ""))
    if relation.pattern is None:
        return key_columns + [
            c for c, s in relation.renamed.items() if relation.unnest and s == "element"
        ]
    by_element = blueprint.pattern_of(name).shape == "ids"
    return key_columns + [
        c
        for c, column in relation.owned_columns.items()
        if column.entry or (column.element if by_element else column.position)
    ]


def pos(blueprint: Blueprint, name: str) -> str | None:
    """Return the column that orders the rows of one key of the store."""
    relation = blueprint.relations[name]
    for name_of_column, column in relation.columns.items():
        if column == "position" if isinstance(column, str) else column.position:
            return name_of_column
    return None


def expand(blueprint: Blueprint, name: str) -> list[Query]:
    """Return the statements that make the empty table and its functions. They lock nothing in
    use."""
    types = columns(blueprint, name)
    key_names = identity(blueprint, name)
    declared = [
        f"{quote(c)} {sql_type}{' NOT NULL' if c in key_names else ''}"
        for c, sql_type in types.items()
    ]
    only = _only_key(blueprint, name)
    declared += only
    declared.append(f"PRIMARY KEY ({', '.join(map(quote, key_names))})")
    made = [
        relations.create_schema(schema(blueprint)),
        f"CREATE TABLE {table(blueprint, name)} (\n    " + ",\n    ".join(declared) + "\n)",
    ]
    if is_list(blueprint, name):
        parts = [quote(part) for part in heads(blueprint, name, "")]
        named = only or [f"{part} text NOT NULL" for part in parts]
        listed = ",\n    ".join([*named, "unmapped jsonb"])
        made.append(
            f"CREATE TABLE {lists(blueprint, name)} (\n    {listed},\n"
            f"    PRIMARY KEY ({', '.join(parts)})\n)"
        )
    made += [_decode(blueprint, name), _rows(blueprint, name)]
    return [Query("grow.expand", sql) for sql in made]


def _only_key(blueprint: Blueprint, name: str) -> list[str]:
    """Declare the column `store_key` of a pattern without variables: an INSERT need not name it."""
    pattern = blueprint.pattern_of(name)
    return [] if pattern.variables else [f"store_key text NOT NULL DEFAULT {literal(pattern.key)}"]


def retire(blueprint: Blueprint, name: str) -> list[Query]:
    """Take away what `expand` made, when nothing follows it any more."""
    made = [
        f"DROP TABLE IF EXISTS {table(blueprint, name)}",
        f"DROP TABLE IF EXISTS {lists(blueprint, name)}",
        *(
            f"DROP FUNCTION IF EXISTS {function(blueprint, name, sync)}(text, jsonb, jsonb)"
            for sync in ("sync", "follow")  # the second as it was called before 0.1.0
        ),
        f"DROP FUNCTION IF EXISTS {function(blueprint, name, 'rows')}(text, jsonb)",
        f"DROP FUNCTION IF EXISTS {function(blueprint, name, 'decode')}(text, jsonb)",
    ]
    return [Query("grow.retire", sql) for sql in made]


def seen_through(blueprint: Blueprint, names: Collection[str]) -> set[str]:
    """Return these relations, and those that show them."""
    return {n for n in blueprint.relations if n in names or blueprint.source_of(n) in names}


def views(
    blueprint: Blueprint,
    backings: Mapping[str, Backing],
    only: Collection[str],
    store_schema: str,
    store_table: str,
    collation: str | None = None,
) -> list[Query]:
    """Return the views and locator functions of the relations `only` and of those that show them,
    each for its backing. Their columns never change, so prepared statements go on. `collation` is
    that of the store's key, quoted, where it is not the database's. Locks each view against
    readers."""
    store = quote(store_schema, store_table)
    shown = seen_through(blueprint, only)
    made = []
    for name in blueprint.relations:
        if name not in shown:
            continue
        in_table = backings.get(name, "store") == "shadow"
        # A view over a relation that has a table shows what that one says for `store_key`.
        source_in_table = backings.get(blueprint.source_of(name), "store") == "shadow"
        made += relations.locators(blueprint, name, in_table or source_in_table)
        made.append(
            _view(blueprint, name, collation)
            if in_table
            else relations.view(blueprint, name, store)
        )
        if is_list(blueprint, name) and blueprint.pattern_of(name).shape == "objects":
            made += _position_functions(blueprint, name, in_table)
    return [Query("grow.views", sql) for sql in made]


def indexes(blueprint: Blueprint, name: str) -> list[Index]:
    """Return the indexes that the blueprint asks for on the table; to be built when it is
    filled."""
    return table_indexes(blueprint, name, schema(blueprint))


def analyze(blueprint: Blueprint, name: str) -> Query:
    return Query("grow.analyze", f"ANALYZE {table(blueprint, name)}")


def function(blueprint: Blueprint, name: str, suffix: str) -> str:
    return quote(schema(blueprint), f"{name}_{suffix}")


def _decode(blueprint: Blueprint, name: str) -> str:
    source = blueprint.source_of(name)
    return relations.decode(blueprint, source, function(blueprint, name, "decode"), once=True)


def _rows(blueprint: Blueprint, name: str) -> str:
    relation = blueprint.relations[name]
    source = blueprint.relations[blueprint.source_of(name)]
    listed = ",\n    ".join(relations.selected(blueprint, blueprint.source_of(name), "store_value"))
    decoded = f"{function(blueprint, name, 'decode')}(store_key, store_value)"
    if relation.unnest is None:
        # Each column is taken out of the document once, not for each column made of it.
        decoded = f"(SELECT * FROM {decoded} OFFSET 0)"
    selected = f"SELECT {listed}\nFROM {decoded} d"
    if relation is not source:
        selected = relations.derived_select(blueprint, name, f"(\n{selected}\n)", [])
    returned = ", ".join(
        f"{quote(c)} {sql_type.split()[0]}" for c, sql_type in columns(blueprint, name).items()
    )
    rows = 1 if blueprint.pattern_of(name).shape == "document" and not relation.unnest else 20
    return (
        f"CREATE FUNCTION {function(blueprint, name, 'rows')}(store_key text, store_value jsonb)\n"
        f"RETURNS TABLE ({returned})\nLANGUAGE sql STABLE PARALLEL SAFE ROWS {rows}\n"
        f"BEGIN ATOMIC\n{selected};\nEND"
    )


def _view(blueprint: Blueprint, name: str, collation: str | None) -> str:
    listed = [f"t.{quote(c)}" for c in columns(blueprint, name)]
    collated = f" COLLATE {collation}" if collation else ""
    listed += [f"''::text{collated} AS store_key", "'[]'::jsonb AS store_value"]
    separator = ",\n    "
    return (
        f"CREATE OR REPLACE VIEW {quote(blueprint.name, name)} AS\n"
        f"SELECT {separator.join(listed)}\nFROM {table(blueprint, name)} t"
    )


def _position_functions(blueprint: Blueprint, name: str, in_table: bool) -> list[str]:
    """Make the functions that map a row to its element in the store's list: `place` tells where the
    element stands when the row has `of_pos`, `last_pos` which `pos` the row of the last element
    has. Over the store one is computed from the other; a table's rows only have the order of the
    elements that are rows."""
    key = of_key(blueprint, name, "t", "of_key")
    position = "of_pos / outgrow.pos_step()"
    last_pos = "jsonb_array_length(list) * outgrow.pos_step()"
    if in_table:
        column = quote(pos(blueprint, name) or "")
        rows = f"FROM {table(blueprint, name)} t WHERE {key}"
        position = f"""(
    SELECT o.place FROM (
        SELECT e.place, row_number() OVER (ORDER BY e.place) AS rank
        FROM jsonb_array_elements(list) WITH ORDINALITY AS e(v, place)
        WHERE jsonb_typeof(e.v) = 'object') o
    WHERE o.rank = (SELECT count(*) {rows} AND t.{column} <= of_pos))"""
        last_pos = f"(SELECT max(t.{column}) {rows})"
    return [
        f"CREATE OR REPLACE FUNCTION {quote(blueprint.name, name + '_place')}"
        f"(of_key text, of_pos bigint, list jsonb)\n"
        f"RETURNS bigint\nLANGUAGE sql STABLE\nRETURN {position}",
        f"CREATE OR REPLACE FUNCTION {quote(blueprint.name, name + '_last_pos')}"
        f"(of_key text, list jsonb)\nRETURNS bigint\nLANGUAGE sql STABLE\nRETURN {last_pos}",
    ]


def of_key(blueprint: Blueprint, name: str, alias: str, key: str) -> str:
    """Return the condition that the rows `alias` are of the store's key (SQL)."""
    parts = heads(blueprint, name, key)
    return " AND ".join(f"{alias}.{quote(column)} = {sql}" for column, sql in parts.items())


def put(blueprint: Blueprint, name: str, selected: str, changed_only: bool = False) -> str:
    """Return an INSERT of the selected rows, which brings those that are there up to date."""
    listed = ", ".join(map(quote, columns(blueprint, name)))
    others = [c for c in columns(blueprint, name) if c not in identity(blueprint, name)]
    if others:
        sets = ", ".join(f"{quote(c)} = excluded.{quote(c)}" for c in others)
        action = f"DO UPDATE SET {sets}"
    else:
        action = "DO NOTHING"
    if others and changed_only:
        now = ", ".join(f"t.{quote(c)}" for c in others)
        new = ", ".join(f"excluded.{quote(c)}" for c in others)
        # As images: 1.0 equals 1, and is not the same.
        action += f"\n            WHERE ROW({now})::record *<> ROW({new})::record"
    return (
        f"\n        INSERT INTO {table(blueprint, name)} AS t ({listed})"
        f"\n        {selected}"
        f"\n        ON CONFLICT ON CONSTRAINT {quote(name + '_pkey')} {action};"
    )
