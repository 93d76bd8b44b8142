"""Functions and views of the relations. Pure text, no I/O.

For a relation `users` of the pattern `user:{id}`:

* `users_decode(store_key, store_value)` gives its rows; the planner inlines it wherever it stands;
* `users_encode(column, ..., rest)` gives the document (or the element) back;
* `users_key(id)` gives the store's key;
* `users_lookup_key(id)` gives the key under which to look. A relation has a column `store_key` with
  the row's key, and one `store_value` with the row's value: a condition on them finds a row through
  the store's primary key or its GIN index, which a condition on `id` alone cannot. Where a relation
  has a table (layout.mirror), both sides of such a condition are the same constant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from outgrow.blueprint import Blueprint, Derived, Relation
from outgrow.layout import expressions as ex
from outgrow.layout import late_lists
from outgrow.queries import function_body, literal, quote

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def create_schema(name: str) -> str:
    """Return the statement that makes a schema unless it exists: IF NOT EXISTS asks for the right
    to make schemas even where it does."""
    body = f"""BEGIN
    IF to_regnamespace({literal(quote(name))}) IS NULL THEN
        CREATE SCHEMA {quote(name)};
    END IF;
END"""
    return f"DO {function_body(body)}"


def functions(blueprint: Blueprint, name: str) -> list[str]:
    """Return the functions that do not depend on where the relation is read from."""
    relation = blueprint.relations[name]
    if relation.pattern is None:
        return []
    made = [
        decode(blueprint, name, quote(blueprint.name, name + "_decode")),
        _key(blueprint, name, "key", None),
    ]
    if relation.has_rest or relation.encoded:
        made.append(_encode(blueprint.name, name, relation))
    return made


def locators(blueprint: Blueprint, name: str, in_table: bool) -> list[str]:
    """Return the functions that give `store_key` and `store_value` of a row that is looked for."""
    relation = blueprint.relations[name]
    made = [_key(blueprint, name, "lookup_key", "''" if in_table else None)]
    field: str | None = None
    if relation.unnest is not None:
        field = blueprint.relations[relation.source or ""].owned_columns[relation.unnest].field
    elif blueprint.pattern_of(name).shape != "ids" or relation.pattern is None:
        return made
    return [*made, _containing(blueprint, name, field, in_table)]


def view(blueprint: Blueprint, name: str, store: str) -> str:
    """Return the view over the store; `store` is the quoted name of the key-value table."""
    relation = blueprint.relations[name]
    if relation.pattern is None:
        return _derived_view(blueprint, name)
    columns = selected(blueprint, name, "s.value")
    listed = ",\n    ".join([*columns, "s.key AS store_key", "s.value AS store_value"])
    return (
        f"CREATE OR REPLACE VIEW {quote(blueprint.name, name)} AS\nSELECT {listed}\n"
        f"FROM {store} s\n"
        f"CROSS JOIN LATERAL {quote(blueprint.name, name + '_decode')}(s.key, s.value) d\n"
        f"WHERE {ex.matches(blueprint, relation.pattern, 's.key')}"
    )


def selected(blueprint: Blueprint, name: str, value: str) -> list[str]:
    """Return the columns of an owned relation, from its decoded row `d` and the store's value
    (SQL)."""
    relation = blueprint.relations[name]
    columns = [f"d.{quote(column)}" for column in relation.owned_columns]
    if relation.has_rest:
        columns.append("d.rest")
    return columns + [
        f"{ex.computed(relation, item, lambda c: f'd.{quote(c)}', value)} AS {quote(column)}"
        for column, item in relation.computed.items()
    ]


def decode(blueprint: Blueprint, name: str, function: str, once: bool = False) -> str:
    """Return the function that decodes a value; `function` is its quoted name. With `once` each
    column is computed once, for itself and for `rest`; a condition on a column is then no condition
    on the store."""
    relation = blueprint.relations[name]
    pattern = blueprint.patterns[relation.pattern or ""]
    returned = [f"{quote(c)} {column.sql_type}" for c, column in relation.owned_columns.items()]
    if relation.has_rest:
        returned.append("rest jsonb")
    value = "store_value" if pattern.shape == "document" else "e.v"
    selected = []
    for column in relation.owned_columns.values():
        if column.key:
            sql = ex.variable(pattern, column.key, "store_key")
        elif column.position:
            position = "min(e.pos)" if pattern.shape == "ids" else "e.pos"
            sql = f"{position} * outgrow.pos_step()"
        elif column.entry:
            sql = "e.k"
        else:
            sql = ex.from_json(column, value)
        selected.append(sql)
    elements = (
        "jsonb_array_elements(CASE WHEN jsonb_typeof(store_value) = 'array' "
        "THEN store_value ELSE '[]' END) WITH ORDINALITY AS e(v, pos)"
    )
    source = {
        "document": "WHERE jsonb_typeof(store_value) = 'object'",
        "objects": f"FROM {elements}\nWHERE jsonb_typeof(e.v) = 'object'",
        # A doubled id is one row, at its first place.
        "ids": f"FROM {elements}\nWHERE outgrow.key_of(e.v) IS NOT NULL\n"
        "GROUP BY outgrow.key_of(e.v)",
        "map": f"FROM {ex.members('store_value')} AS e(k, v)\n"
        f"WHERE {ex.is_member(relation, 'e.k', 'e.v')}",
    }[pattern.shape]
    if relation.has_rest:
        decoded = None
        if once:
            inner = [f"{sql} AS c{n}" for n, sql in enumerate(selected)]
            source = f"FROM (SELECT {', '.join(inner)}, {value} AS v\n{source} OFFSET 0) c"
            selected = [f"c.c{n}" for n in range(len(selected))]
            decoded = dict(zip(relation.owned_columns, selected, strict=True))
            value = "c.v"
        rest = ex.rest(relation, value, decoded)
        if pattern.shape == "document":
            # Of a value known when this is planned (a trigger's) it is computed there and then,
            # whatever WHERE says, and raises for a scalar.
            rest = f"CASE WHEN jsonb_typeof({value}) = 'object' THEN {rest} END"
        selected.append(rest)
    listed = ",\n    ".join(selected)
    rows = 1 if pattern.shape == "document" else 20
    return (
        f"CREATE FUNCTION {function}"
        f"(store_key text, store_value jsonb)\n"
        f"RETURNS TABLE ({', '.join(returned)})\n"
        f"LANGUAGE sql STABLE PARALLEL SAFE ROWS {rows}\n"
        f"BEGIN ATOMIC\nSELECT {listed}\n{source};\nEND"
    )


def _encode(schema: str, name: str, relation: Relation) -> str:
    arguments = {column: quote("new_" + column) for column in relation.encoded}
    declared = [f"{arguments[c]} {column.sql_type}" for c, column in relation.encoded.items()]
    declared += ["new_rest jsonb"] if relation.has_rest else []
    return (
        f"CREATE FUNCTION {quote(schema, name + '_encode')}({', '.join(declared)})\n"
        f"RETURNS jsonb\nLANGUAGE sql STABLE PARALLEL SAFE\n"
        f"RETURN {ex.encoded(relation, arguments, 'new_rest')}"
    )


def _key(blueprint: Blueprint, name: str, suffix: str, constant: str | None) -> str:
    pattern = blueprint.pattern_of(name)
    arguments = {v: quote("of_" + v) for v in pattern.variables}
    declared = ", ".join(f"{arguments[v]} text" for v in pattern.variables)
    return (
        f"CREATE OR REPLACE FUNCTION {quote(blueprint.name, f'{name}_{suffix}')}({declared})\n"
        f"RETURNS text\nLANGUAGE sql IMMUTABLE PARALLEL SAFE\n"
        f"RETURN {constant or ex.key_of(pattern, arguments)}"
    )


def _containing(blueprint: Blueprint, name: str, field: str | None, in_table: bool) -> str:
    """Return the function that gives what a row's `store_value` contains (`@>`) when this element
    is in its list: the store's value, or the `field` of a document."""
    element = "jsonb_build_array(element)"
    if in_table:
        element = "'[]'::jsonb"
    elif field:
        element = f"jsonb_build_object({literal(field)}, {element})"
    return (
        f"CREATE OR REPLACE FUNCTION {quote(blueprint.name, name + '_containing')}(element text)\n"
        f"RETURNS jsonb\nLANGUAGE sql STABLE PARALLEL SAFE\nRETURN {element}"
    )


def _derived_view(blueprint: Blueprint, name: str) -> str:
    relation = blueprint.relations[name]
    source = quote(blueprint.name, relation.source or "")
    selected = derived_select(blueprint, name, source, ["r.store_key", "r.store_value"])
    return f"CREATE OR REPLACE VIEW {quote(blueprint.name, name)} AS\n{selected}"


def derived_select(blueprint: Blueprint, name: str, source: str, more: Sequence[str]) -> str:
    """Return the SELECT of a relation `from` another, whose rows are those of `source` (SQL)."""
    relation = blueprint.relations[name]
    sql = {"element": "outgrow.key_of(e.v)", "position": "e.pos * outgrow.pos_step()"}
    columns = [
        f"{sql.get(source, f'r.{quote(source)}')} AS {quote(column)}"
        for column, source in relation.renamed.items()
    ]
    listed = ",\n    ".join([*columns, *more])
    text = f"SELECT {listed}\nFROM {source} r"
    conditions = []
    if relation.unnest is not None:
        # The first of doubled elements only, as in every list.
        text += (
            f"\nCROSS JOIN LATERAL (\n    SELECT e.v, min(e.pos) AS pos\n"
            f"    FROM jsonb_array_elements(r.{quote(relation.unnest)}) "
            f"WITH ORDINALITY AS e(v, pos)\n"
            f"    WHERE outgrow.key_of(e.v) IS NOT NULL\n    GROUP BY e.v\n) e"
        )
    if relation.present is not None:
        conditions.append(f"r.{quote(relation.present)} IS NOT NULL")
    return text + (f"\nWHERE {' AND '.join(conditions)}" if conditions else "")


# -- derived lists, which the triggers of the relations keep for old clients


def derived_lists(blueprint: Blueprint, name: str) -> str | None:
    """Return `users_lists(column, ...)`: the derived lists that a row stands in, and as which
    element."""
    relation = blueprint.relations[name]
    if relation.pattern is None:
        return None
    selects = _list_selects(blueprint, name)
    if not selects:
        return None
    arguments = ", ".join(
        f"{quote('of_' + column)} {relation.owned_columns[column].sql_type}"
        for column in list_columns(blueprint, name)
    )
    return (
        f"CREATE FUNCTION {quote(blueprint.name, name + '_lists')}({arguments})\n"
        f"RETURNS TABLE (key text, element text, kept boolean)\n"
        f"LANGUAGE sql STABLE PARALLEL SAFE ROWS 4\n"
        f"BEGIN ATOMIC\n" + "\nUNION ALL\n".join(selects) + ";\nEND"
    )


def _list_selects(blueprint: Blueprint, name: str) -> list[str]:
    """Return a SELECT for each derived pattern that this relation, or one that shows it, fills."""
    selects = []
    for derived_name, derived in blueprint.derived.items():
        source = blueprint.relations[derived.source]
        if derived.source == name:
            selects.append(_list_select(blueprint, derived_name, derived, None))
        elif source.source == name:
            selects.append(_list_select(blueprint, derived_name, derived, source))
    return selects


def list_columns(blueprint: Blueprint, name: str) -> list[str]:
    """List the columns that the derived lists of a relation are made of."""
    text = "\n".join(_list_selects(blueprint, name))
    return [c for c in blueprint.relations[name].owned_columns if quote("of_" + c) in text]


def _list_select(
    blueprint: Blueprint, pattern_name: str, derived: Derived, through: Relation | None
) -> str:
    def column(name: str) -> str:
        source = name if through is None else through.renamed[name]
        return "outgrow.key_of(e.v)" if source == "element" else quote("of_" + source)

    pattern = blueprint.patterns[pattern_name]
    key = ex.key_of(pattern, {v: column(c) for v, c in derived.key.items()})
    parts = [
        literal(piece) if index % 2 == 0 else column(piece)
        for index, piece in enumerate(_VARIABLE.split(derived.element))
        if piece
    ]
    source = ""
    if through is not None and through.unnest is not None:
        source = f", jsonb_array_elements({quote('of_' + through.unnest)}) AS e(v)"
    condition = ex.matches(blueprint, pattern_name, "l.key")
    return (
        f"SELECT l.key, l.element, {str(derived.kept).lower()}\n"
        f"FROM (SELECT {key} AS key, {' || '.join(parts)} AS element"
        f"{' FROM ' + source[2:] if source else ''}) l\n"
        f"WHERE l.element IS NOT NULL AND {condition}"
    )


def declare_derived(blueprint: Blueprint, name: str) -> str:
    if derived_lists(blueprint, name) is None:
        return ""
    return """
    lists text[];
    elements text[];
    wanted boolean[];"""


def lock_derived(blueprint: Blueprint, name: str, key: str) -> str:
    """Find the derived lists that change, and lock them and the row's own key, in one order."""
    if derived_lists(blueprint, name) is None:
        return f"""
    PERFORM {quote(blueprint.name, "lock_keys")}(
        ARRAY[{key}], CASE WHEN TG_OP = 'INSERT' THEN ARRAY[{key}] ELSE '{{}}' END);"""
    columns = list_columns(blueprint, name)
    lists = quote(blueprint.name, name + "_lists")

    def call(row: str) -> str:
        return f"{lists}({', '.join(f'{row}.{quote(column)}' for column in columns)})"

    late = late_lists.is_late(blueprint, "l.k")
    locked = "lists"
    if late is not None:
        locked = f"ARRAY(SELECT l.k FROM unnest(lists) AS l(k) WHERE NOT ({late}))"
    return f"""
    SELECT array_agg(x.key), array_agg(x.element), array_agg(x.wanted)
    INTO lists, elements, wanted
    FROM (
        SELECT l.key, l.element, bool_or(l.new) AS wanted
        FROM (
            SELECT false AS new, o.* FROM {call("OLD")} o WHERE TG_OP <> 'INSERT'
            UNION ALL
            SELECT true, n.* FROM {call("NEW")} n WHERE TG_OP <> 'DELETE'
        ) l
        GROUP BY l.key, l.element
        HAVING bool_and(l.new) OR NOT bool_or(l.new OR l.kept)
    ) x;
    PERFORM {quote(blueprint.name, "lock_keys")}({key} || {locked}, (
        SELECT array_agg(u.k) FROM (
            SELECT {key} WHERE TG_OP = 'INSERT'
            UNION ALL
            SELECT l.k FROM unnest(lists, wanted) AS l(k, w) WHERE l.w
        ) AS u(k)
    ));"""


def change_derived(blueprint: Blueprint, name: str, store: str) -> str:
    """Change the derived lists. A value that is no list is left alone: it can be derived again at
    any time."""
    if derived_lists(blueprint, name) is None:
        return ""
    return f"""{late_lists.note(blueprint)}
    FOR i IN 1 .. coalesce(cardinality(lists), 0) LOOP{late_lists.passed_over(blueprint)}
        IF wanted[i] THEN
            UPDATE {store} s SET value = s.value || to_jsonb(elements[i])
            WHERE s.key = lists[i] AND jsonb_typeof(s.value) = 'array'
              AND NOT s.value @> jsonb_build_array(elements[i]);
        ELSE
            UPDATE {store} s SET value = s.value - elements[i]
            WHERE s.key = lists[i] AND jsonb_typeof(s.value) = 'array'
              AND s.value @> jsonb_build_array(elements[i]);
        END IF;
    END LOOP;"""
