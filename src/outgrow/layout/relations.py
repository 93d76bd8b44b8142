"""Functions and views of the relations while their home is the store. Pure text, no I/O.

For a relation `users` of the pattern `user:{id}`:

* `users_decode(store_key, store_value)` gives its rows; the planner inlines it wherever it stands;
* `users_encode(column, ..., rest)` gives the document (or the element) back;
* `users_at(id)` gives the key under which to look. A relation has a column `at` with the row's
  key, and one `probe` with the row's value: a condition on them finds a row through the store's
  primary key or its GIN index, which a condition on `id` alone cannot. When a relation moves to a
  table of its own, both sides of such a condition become the same constant.
"""

from __future__ import annotations

from outgrow.blueprint import Blueprint, Pattern, Relation
from outgrow.layout import expressions as ex
from outgrow.queries import literal, quote


def functions(blueprint: Blueprint, name: str) -> list[str]:
    relation = blueprint.relations[name]
    if relation.pattern is None:
        return _derived_functions(blueprint, name)
    pattern = blueprint.patterns[relation.pattern]
    made = [_decode(blueprint, name), _at(blueprint, name, pattern)]
    if pattern.shape == "ids":
        made.append(_probe(blueprint, name, None))
    else:
        made.append(_encode(blueprint.name, name, relation))
    return made


def view(blueprint: Blueprint, name: str, store: str) -> str:
    """`store` is the quoted name of the key-value table."""
    relation = blueprint.relations[name]
    if relation.pattern is None:
        return _derived_view(blueprint, name)
    columns = [f"d.{quote(column)}" for column in relation.own]
    if blueprint.patterns[relation.pattern].shape != "ids":
        columns.append("d.rest")
    columns += [
        f"{ex.computed(relation, item, lambda c: f'd.{quote(c)}', 's.value')} AS {quote(column)}"
        for column, item in relation.computed.items()
    ]
    listed = ",\n    ".join([*columns, "s.key AS at", "s.value AS probe"])
    return (
        f"CREATE VIEW {quote(blueprint.name, name)} AS\nSELECT {listed}\n"
        f"FROM {store} s\n"
        f"CROSS JOIN LATERAL {quote(blueprint.name, name + '_decode')}(s.key, s.value) d\n"
        f"WHERE {ex.matches(blueprint, relation.pattern, 's.key')}"
    )


def _decode(blueprint: Blueprint, name: str) -> str:
    relation = blueprint.relations[name]
    pattern = blueprint.patterns[relation.pattern or ""]
    returned = [f"{quote(column)} {own.sql_type}" for column, own in relation.own.items()]
    if pattern.shape != "ids":
        returned.append("rest jsonb")
    value = {"document": "store_value", "ids": "e.v", "objects": "e.v"}[pattern.shape]
    selected = []
    for own in relation.own.values():
        if own.key:
            sql = ex.variable(pattern, own.key, "store_key")
        elif own.position:
            sql = "min(e.pos)" if pattern.shape == "ids" else "e.pos"
        else:
            sql = ex.from_json(own, value)
        selected.append(sql)
    if pattern.shape != "ids":
        selected.append(ex.rest(relation, value))
    listed = ",\n    ".join(selected)
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
    }[pattern.shape]
    rows = {"document": 1, "ids": 20, "objects": 20}[pattern.shape]
    return (
        f"CREATE FUNCTION {quote(blueprint.name, name + '_decode')}"
        f"(store_key text, store_value jsonb)\n"
        f"RETURNS TABLE ({', '.join(returned)})\n"
        f"LANGUAGE sql STABLE PARALLEL SAFE ROWS {rows}\n"
        f"BEGIN ATOMIC\nSELECT {listed}\n{source};\nEND"
    )


def _encode(schema: str, name: str, relation: Relation) -> str:
    arguments = {column: quote("new_" + column) for column in relation.fields}
    declared = [f"{arguments[c]} {own.sql_type}" for c, own in relation.fields.items()]
    return (
        f"CREATE FUNCTION {quote(schema, name + '_encode')}"
        f"({', '.join([*declared, 'new_rest jsonb'])})\n"
        f"RETURNS jsonb\nLANGUAGE sql STABLE PARALLEL SAFE\n"
        f"RETURN {ex.encoded(relation, arguments, 'new_rest')}"
    )


def _at(blueprint: Blueprint, name: str, pattern: Pattern) -> str:
    arguments = {v: quote("of_" + v) for v in pattern.variables}
    declared = ", ".join(f"{arguments[v]} text" for v in pattern.variables)
    return (
        f"CREATE FUNCTION {quote(blueprint.name, name + '_at')}({declared})\n"
        f"RETURNS text\nLANGUAGE sql IMMUTABLE PARALLEL SAFE\n"
        f"RETURN {ex.key_of(pattern, arguments)}"
    )


def _probe(blueprint: Blueprint, name: str, field: str | None) -> str:
    """What a row's `probe` contains (`@>`) when this element is in its list: the store's value, or
    the `field` of a document."""
    element = "jsonb_build_array(element)"
    return (
        f"CREATE FUNCTION {quote(blueprint.name, name + '_probe')}(element text)\n"
        f"RETURNS jsonb\nLANGUAGE sql STABLE PARALLEL SAFE\n"
        f"RETURN {f'jsonb_build_object({literal(field)}, {element})' if field else element}"
    )


def _derived_functions(blueprint: Blueprint, name: str) -> list[str]:
    relation = blueprint.relations[name]
    source = blueprint.relations[relation.source or ""]
    made = [_at(blueprint, name, blueprint.patterns[source.pattern or ""])]
    if relation.unnest is not None:
        made.append(_probe(blueprint, name, source.own[relation.unnest].field))
    return made


def _derived_view(blueprint: Blueprint, name: str) -> str:
    relation = blueprint.relations[name]
    sql = {"element": "outgrow.key_of(e.v)", "position": "e.pos"}
    columns = [
        f"{sql.get(source, f'r.{quote(source)}')} AS {quote(column)}"
        for column, source in relation.renamed.items()
    ]
    listed = ",\n    ".join([*columns, "r.at", "r.probe"])
    text = (
        f"CREATE VIEW {quote(blueprint.name, name)} AS\nSELECT {listed}\n"
        f"FROM {quote(blueprint.name, relation.source or '')} r"
    )
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
