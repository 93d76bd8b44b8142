"""The value of a key as its tables give it: what encodes a document or a list again. Pure text, no
I/O."""

from __future__ import annotations

from outgrow.blueprint import Blueprint
from outgrow.layout.mirror import tables
from outgrow.queries import quote


def value_of(blueprint: Blueprint, name: str, key: str) -> str:
    """Return the value of `key` (SQL) in the tables of an owned relation, as a scalar subquery:
    what is kept as unmapped, or what the rows say. NULL where there is no row of a document, or no
    head of a list. It reads tables and calls pure functions only, so it may stand in a view."""
    relation = blueprint.relations[name]
    encoded = [f"t.{quote(column)}" for column in relation.encoded]
    encoded += ["t.rest"] if relation.has_rest else []
    encode = f"{quote(blueprint.name, name + '_encode')}({', '.join(encoded)})"
    of_key = tables.of_key(blueprint, name, "t", key)
    rows = f"FROM {tables.table(blueprint, name)} t\n    WHERE {of_key}"
    shape = blueprint.pattern_of(name).shape
    if shape == "document":
        # `|| '{}'` gives `rest` as it is, but out of TOAST: once, not for each look into it.
        row = ", ".join(["t.rest || '{}' AS rest" if c == "t.rest" else c for c in encoded])
        return f"(SELECT {encode}\n    FROM (SELECT {row} {rows} OFFSET 0) t)"
    if shape == "map":
        members = f"jsonb_object_agg(t.{quote(relation.entry)}, {encode})"
        whole = "jsonb_typeof(h.unmapped) <> 'object'"
        made = f"coalesce(h.unmapped, '{{}}') || (SELECT coalesce({members}, '{{}}')\n    {rows})"
    else:
        element = encode
        if shape == "ids":
            element = next(
                f"t.{quote(c)}" for c, col in relation.owned_columns.items() if col.element
            )
        position = quote(tables.pos(blueprint, name) or "")
        elements = f"jsonb_agg({element} ORDER BY t.{position})"
        whole = "h.unmapped IS NOT NULL"
        made = f"(SELECT coalesce({elements}, '[]')\n    {rows})"
    return (
        f"(SELECT CASE WHEN {whole} THEN h.unmapped\n    ELSE {made} END\n"
        f"    FROM {tables.lists(blueprint, name)} h\n"
        f"    WHERE {tables.of_key(blueprint, name, 'h', key)})"
    )
