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

from collections.abc import Sequence

from outgrow.blueprint import Blueprint, Relation
from outgrow.layout import expressions as ex
from outgrow.queries import function_body, literal, quote


def create_schema(name: str) -> str:
    """IF NOT EXISTS asks for the right to make schemas even where there is one."""
    body = f"""BEGIN
    IF to_regnamespace({literal(quote(name))}) IS NULL THEN
        CREATE SCHEMA {quote(name)};
    END IF;
END"""
    return f"DO {function_body(body)}"


def functions(blueprint: Blueprint, name: str) -> list[str]:
    """What does not depend on where the relation lives."""
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
    """The functions that say what `store_key` and `store_value` are to be for a row that is looked
    for."""
    relation = blueprint.relations[name]
    made = [_key(blueprint, name, "lookup_key", "''" if in_table else None)]
    field: str | None = None
    if relation.unnest is not None:
        field = blueprint.relations[relation.source or ""].own[relation.unnest].field
    elif blueprint.pattern_of(name).shape != "ids" or relation.pattern is None:
        return made
    return [*made, _containing(blueprint, name, field, in_table)]


def view(blueprint: Blueprint, name: str, store: str) -> str:
    """The view over the store; `store` is the quoted name of the key-value table."""
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
    """The columns of an owned relation, from its decoded row `d` and the store's value (SQL)."""
    relation = blueprint.relations[name]
    columns = [f"d.{quote(column)}" for column in relation.own]
    if relation.has_rest:
        columns.append("d.rest")
    return columns + [
        f"{ex.computed(relation, item, lambda c: f'd.{quote(c)}', value)} AS {quote(column)}"
        for column, item in relation.computed.items()
    ]


def decode(blueprint: Blueprint, name: str, function: str, once: bool = False) -> str:
    """`function` is the quoted name to give it. With `once` each column is computed once, for
    itself and for `rest`; a condition on a column is then no condition on the store."""
    relation = blueprint.relations[name]
    pattern = blueprint.patterns[relation.pattern or ""]
    returned = [f"{quote(column)} {own.sql_type}" for column, own in relation.own.items()]
    if relation.has_rest:
        returned.append("rest jsonb")
    value = "store_value" if pattern.shape == "document" else "e.v"
    selected = []
    for own in relation.own.values():
        if own.key:
            sql = ex.variable(pattern, own.key, "store_key")
        elif own.position:
            place = "min(e.pos)" if pattern.shape == "ids" else "e.pos"
            sql = f"{place} * outgrow.pos_step()"
        elif own.entry:
            sql = "e.k"
        else:
            sql = ex.from_json(own, value)
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
            decoded = dict(zip(relation.own, selected, strict=True))
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
    declared = [f"{arguments[c]} {own.sql_type}" for c, own in relation.encoded.items()]
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
    """What a row's `store_value` contains (`@>`) when this element is in its list: the store's
    value, or the `field` of a document."""
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
    """The rows of a relation `from` another, whose rows are those of `source` (SQL)."""
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
