"""Derived lists: what the triggers of the relations keep for old clients. Pure text, no I/O."""

from __future__ import annotations

import re

from outgrow.blueprint import Blueprint, Derived, Relation
from outgrow.layout import expressions as ex
from outgrow.queries import literal, quote

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def function(blueprint: Blueprint, name: str) -> str | None:
    """`users_lists(column, ...)`: the derived lists a row stands in, and as which element."""
    relation = blueprint.relations[name]
    if relation.pattern is None:
        return None
    selects = _selects(blueprint, name)
    if not selects:
        return None
    arguments = ", ".join(
        f"{quote('of_' + column)} {relation.own[column].sql_type}"
        for column in _columns(blueprint, name)
    )
    return (
        f"CREATE FUNCTION {quote(blueprint.name, name + '_lists')}({arguments})\n"
        f"RETURNS TABLE (key text, element text, kept boolean)\n"
        f"LANGUAGE sql STABLE PARALLEL SAFE ROWS 4\n"
        f"BEGIN ATOMIC\n" + "\nUNION ALL\n".join(selects) + ";\nEND"
    )


def _selects(blueprint: Blueprint, name: str) -> list[str]:
    """One SELECT for each derived pattern that this relation, or one seen through it, fills."""
    selects = []
    for derived_name, derived in blueprint.derived.items():
        source = blueprint.relations[derived.source]
        if derived.source == name:
            selects.append(_select(blueprint, derived_name, derived, None))
        elif source.source == name:
            selects.append(_select(blueprint, derived_name, derived, source))
    return selects


def _columns(blueprint: Blueprint, name: str) -> list[str]:
    """The columns that the derived lists of a relation are made of."""
    text = "\n".join(_selects(blueprint, name))
    return [c for c in blueprint.relations[name].own if quote("of_" + c) in text]


def _select(
    blueprint: Blueprint, pattern_name: str, derived: Derived, through: Relation | None
) -> str:
    def column(name: str) -> str:
        source = name if through is None else through.renamed[name]
        return "outgrow.key_of(e.v)" if source == "element" else quote("of_" + source)

    pattern = blueprint.patterns[pattern_name]
    key = ex.key_of(pattern, {v: column(c) for v, c in derived.key.items()})
    parts = [
        literal(piece) if place % 2 == 0 else column(piece)
        for place, piece in enumerate(_VARIABLE.split(derived.element))
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


def declared(blueprint: Blueprint, name: str) -> str:
    if function(blueprint, name) is None:
        return ""
    return """
    lists text[];
    elements text[];
    wanted boolean[];"""


def found(blueprint: Blueprint, name: str, key: str) -> str:
    """Which derived lists change, and the locks on them and on the row's own key, in one order."""
    if function(blueprint, name) is None:
        return f"""
    PERFORM {quote(blueprint.name, "lock_keys")}(
        ARRAY[{key}], CASE WHEN TG_OP = 'INSERT' THEN ARRAY[{key}] ELSE '{{}}' END);"""
    columns = _columns(blueprint, name)
    lists = quote(blueprint.name, name + "_lists")

    def call(row: str) -> str:
        return f"{lists}({', '.join(f'{row}.{quote(column)}' for column in columns)})"

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
    PERFORM {quote(blueprint.name, "lock_keys")}({key} || lists, (
        SELECT array_agg(u.k) FROM (
            SELECT {key} WHERE TG_OP = 'INSERT'
            UNION ALL
            SELECT l.k FROM unnest(lists, wanted) AS l(k, w) WHERE l.w
        ) AS u(k)
    ));"""


def kept(blueprint: Blueprint, name: str, store: str) -> str:
    """A derived value that is no list is left alone: it can be derived again at any time."""
    if function(blueprint, name) is None:
        return ""
    return f"""
    FOR i IN 1 .. coalesce(cardinality(lists), 0) LOOP
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
