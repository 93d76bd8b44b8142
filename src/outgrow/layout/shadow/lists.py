"""How the store's trigger brings the rows of a list or a map up to date. Pure text, no I/O.

The pieces are PL/pgSQL inside `store_changed()` (following.py), between whose variables they stand:
`this_key` and `this_value` are what the store says, `old_value` is what it said before unless
`is_new`. The rows may be those of neither where other people's triggers have written to the same
key: the piece must not raise then, and what it makes is made again.
"""

from __future__ import annotations

from collections.abc import Iterator

from outgrow.blueprint import Blueprint, Column
from outgrow.layout import expressions as ex
from outgrow.layout.shadow import tables
from outgrow.queries import quote


def put(blueprint: Blueprint, name: str, selected: str, changed_only: bool = False) -> str:
    """INSERT, or bring up to date."""
    listed = ", ".join(map(quote, tables.columns(blueprint, name)))
    others = [
        c for c in tables.columns(blueprint, name) if c not in tables.identity(blueprint, name)
    ]
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
        f"\n        INSERT INTO {tables.table(blueprint, name)} AS t ({listed})"
        f"\n        {selected}"
        f"\n        ON CONFLICT ON CONSTRAINT {quote(name + '_pkey')} {action};"
    )


def rows_of_this(blueprint: Blueprint, name: str) -> str:
    listed = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    function = tables.function(blueprint, name, "rows")
    return f"SELECT {listed} FROM {function}(this_key, this_value) r"


def changed_list(blueprint: Blueprint, name: str) -> str:
    place = tables.lists(blueprint, name)
    heads = tables.heads(blueprint, name, "this_key")
    parts, values = ", ".join(map(quote, heads)), ", ".join(heads.values())
    of_key = tables.of_key(blueprint, name, "t", "this_key")
    changed = {"ids": _changed_ids, "objects": _changed_objects, "map": _changed_members}
    shape = blueprint.pattern_of(name).shape
    rows = changed[shape](blueprint, name)
    whole = (
        f"\n        INSERT INTO {place} AS t ({parts}, leftovers)"
        f"\n        VALUES ({values}, {tables.leftovers(blueprint, name, 'this_value')})"
        f"\n        ON CONFLICT ON CONSTRAINT {quote(name + '_lists_pkey')}"
        f"\n            DO UPDATE SET leftovers = excluded.leftovers"
        f"\n            WHERE t.leftovers IS NOT NULL OR excluded.leftovers IS NOT NULL;" + rows
    )
    if shape != "map":
        one = f"\n        IF ({_IS_APPENDED[shape]}) THEN{_appended(blueprint, name)}"
        whole = f"{one}\n        ELSE{whole}\n        END IF;"
    return (
        f"\n        is_whole := ("
        f"SELECT bool_and(t.leftovers IS NULL) FROM {place} t WHERE {of_key});"
        f"\n        is_new := is_new OR is_whole IS NULL;" + whole
    )


def _is_appended(is_row: str) -> str:
    """NEW is OLD, of which the rows say all, and one element behind it that is a row. Images are
    compared, because 1.0 equals 1 and is not the same."""
    return f"""CASE
            WHEN is_new OR NOT is_whole OR jsonb_typeof(old_value) <> 'array'
                OR jsonb_typeof(this_value) <> 'array' THEN false
            WHEN jsonb_array_length(this_value) <> jsonb_array_length(old_value) + 1 THEN false
            WHEN ({is_row}) IS NOT TRUE THEN false
            ELSE ROW(this_value - (-1))::record *= ROW(old_value)::record END"""


_IS_APPENDED = {
    "ids": _is_appended(
        "outgrow.key_of(this_value -> -1) IS NOT NULL AND NOT old_value ? (this_value ->> -1)"
    ),
    "objects": _is_appended("jsonb_typeof(this_value -> -1) = 'object'"),
}


def _appended(blueprint: Blueprint, name: str) -> str:
    """One row more: what most changes of a list are, and what of a long one costs least."""
    listed = ", ".join(
        "jsonb_array_length(this_value)" if own is not None and own.position else f"r.{quote(c)}"
        for c, own in _columns(blueprint, name)
    )
    function = tables.function(blueprint, name, "rows")
    return put(
        blueprint,
        name,
        f"SELECT {listed} FROM {function}(this_key, jsonb_build_array(this_value -> -1)) r",
    )


def _columns(blueprint: Blueprint, name: str) -> Iterator[tuple[str, Column | None]]:
    """Of the table, with what the blueprint says of them."""
    own = blueprint.relations[name].own
    return ((column, own.get(column)) for column in tables.columns(blueprint, name))


def _changed_ids(blueprint: Blueprint, name: str) -> str:
    relation = blueprint.relations[name]
    element = next(quote(c) for c, own in relation.own.items() if own.element)
    pos = next(quote(c) for c, own in relation.own.items() if own.position)
    function = tables.function(blueprint, name, "rows")
    listed = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    of_key = tables.of_key(blueprint, name, "t", "this_key")
    return (
        f"\n        DELETE FROM {tables.table(blueprint, name)} t"
        f"\n        USING ("
        f"\n            SELECT r.{element} FROM {function}(old_key, old_value) r WHERE NOT is_new"
        f"\n            EXCEPT SELECT r.{element} FROM {function}(this_key, this_value) r) gone"
        f"\n        WHERE {of_key} AND t.{element} = gone.{element};"
        + put(
            blueprint,
            name,
            f"SELECT {listed} FROM {function}(this_key, this_value) r"
            f"\n        WHERE is_new OR NOT EXISTS ("
            f"\n            SELECT FROM {function}(old_key, old_value) o"
            f" WHERE o.{element} = r.{element} AND o.{pos} = r.{pos})",
        )
    )


def _changed_objects(blueprint: Blueprint, name: str) -> str:
    """Rows are made of the elements that changed only: a message more must not decode them all."""
    relation = blueprint.relations[name]
    pos = next(quote(c) for c, own in relation.own.items() if own.position)
    array = "CASE WHEN jsonb_typeof({0}) = 'array' THEN {0} ELSE '[]' END"
    new = f"jsonb_array_elements({array.format('this_value')}) WITH ORDINALITY AS n(v, pos)"
    old = (
        f"jsonb_array_elements(CASE WHEN is_new THEN '[]' ELSE {array.format('old_value')} END) "
        "WITH ORDINALITY AS o(v, pos)"
    )
    listed = ", ".join(
        "n.pos" if own is not None and own.position else f"r.{quote(c)}"
        for c, own in _columns(blueprint, name)
    )
    function = tables.function(blueprint, name, "rows")
    return (
        f"\n        DELETE FROM {tables.table(blueprint, name)} t"
        f"\n        WHERE NOT is_new"
        f" AND {tables.of_key(blueprint, name, 't', 'this_key')} AND NOT EXISTS ("
        f"\n            SELECT FROM {new} WHERE n.pos = t.{pos} AND jsonb_typeof(n.v) = 'object');"
        + put(
            blueprint,
            name,
            f"SELECT {listed} FROM {new}"
            f"\n        LEFT JOIN {old} ON o.pos = n.pos"
            f"\n        CROSS JOIN LATERAL {function}(this_key, jsonb_build_array(n.v)) r"
            f"\n        WHERE o.v::text IS DISTINCT FROM n.v::text",
        )
    )


def _changed_members(blueprint: Blueprint, name: str) -> str:
    """As with lists of objects: only the members that changed are decoded and written."""
    relation = blueprint.relations[name]
    new = f"{ex.members('this_value')} AS n(k, v)"
    old = ex.members("(CASE WHEN is_new THEN '{}' ELSE old_value END)") + " AS o(k, v)"
    listed = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    function = tables.function(blueprint, name, "rows")
    return (
        f"\n        DELETE FROM {tables.table(blueprint, name)} t"
        f"\n        USING ("
        f"\n            SELECT o.k FROM {old}"
        f"\n            EXCEPT SELECT n.k FROM {new}"
        f" WHERE {ex.is_member(relation, 'n.k', 'n.v')}) gone"
        f"\n        WHERE {tables.of_key(blueprint, name, 't', 'this_key')}"
        f" AND t.{quote(relation.entry)} = gone.k;"
        + put(
            blueprint,
            name,
            f"SELECT {listed} FROM {new}"
            f"\n        LEFT JOIN {old} ON o.k = n.k"
            f"\n        CROSS JOIN LATERAL {function}(this_key, jsonb_build_object(n.k, n.v)) r"
            f"\n        WHERE o.v::text IS DISTINCT FROM n.v::text",
        )
    )
