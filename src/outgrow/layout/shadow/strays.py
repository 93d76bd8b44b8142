"""Asks a store where its keys contradict each other: what refers to nothing, what is in one list
and lacks in the other. All of these are ordinary rows. Pure text, no I/O.

Which columns refer to which relation no blueprint says; it is seen in the rows: where most of them
are ids of users, those that are none are strays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from outgrow.blueprint import Blueprint
from outgrow.layout import expressions as ex
from outgrow.layout.shadow.copying import key_range, pattern_range
from outgrow.layout.shadow.misfits import (
    Check,
    Condition,
    column_sql,
    derived_lists,
    elements,
    field_sql,
    text,
    usual,
)
from outgrow.queries import literal, quote

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
PROBE = "grow.misfits_probe"


def between_keys(
    blueprint: Blueprint, names: Collection[str], store_schema: str, store_table: str
) -> Iterator[Check]:
    """One pass over the keys of each relation, and joins with those that it refers to."""
    store = quote(store_schema, store_table)
    for name in blueprint.relations:
        if name in names:
            yield from _references(blueprint, name, store)
            yield from _doubled(blueprint, name, store)
    for name in derived_lists(blueprint, names):
        yield _list(blueprint, name, store)


def _rows(blueprint: Blueprint, name: str, columns: Sequence[str], store: str) -> str:
    """SELECT `key` and columns of text of a relation. One that is seen through another has the
    rows, too, that it leaves out: their own column is NULL."""
    relation = blueprint.relations[name]
    source = blueprint.source_of(name)
    shape = blueprint.pattern_of(name).shape
    joined, where = "", key_range(blueprint, name, "s.key")
    if shape == "document":
        where += " AND jsonb_typeof(s.value) = 'object'"
        if relation.unnest is not None:
            field = blueprint.relations[source].own[relation.unnest].field or ""
            listed_ids = _ids(f"s.value -> {literal(field)}")
            joined = f"LEFT JOIN LATERAL {listed_ids} ON e.k IS NOT NULL"
    elif shape == "ids":
        joined = f"CROSS JOIN LATERAL {_ids('s.value')}"
        where += " AND e.k IS NOT NULL"
    elif shape == "map":
        joined = f"CROSS JOIN LATERAL {ex.members('s.value')} AS e(k, v)"
    else:
        joined = f"CROSS JOIN LATERAL {elements('s.value')} AS e(v)"
    listed = [f"{_column(blueprint, name, c)} AS {quote(c)}" for c in columns]
    return f"SELECT {', '.join(['s.key', *listed])}\n    FROM {store} s {joined}\n    WHERE {where}"


def _ids(value: str) -> str:
    return f"(SELECT DISTINCT {text('x.v')} AS k FROM {elements(value)} AS x(v)) e"


def _column(blueprint: Blueprint, name: str, column: str) -> str:
    relation = blueprint.relations[name]
    source = blueprint.source_of(name)
    if relation.pattern is None:
        column = relation.renamed[column]
        return "e.k" if column == "element" else column_sql(blueprint, source, column)
    own = relation.own[column]
    if own.element or own.entry:
        return "e.k"
    if own.key or blueprint.pattern_of(name).shape == "document":
        return column_sql(blueprint, name, column)
    return text("e.v") if own.value else field_sql(own, "e.v")


def _references(blueprint: Blueprint, name: str, store: str) -> Iterator[Check]:
    columns = _may_refer(blueprint, name)
    conditions: list[Condition] = []
    for target, relation in blueprint.relations.items():
        pattern = blueprint.patterns.get(relation.pattern or "")
        if pattern is None or pattern.shape != "document" or len(pattern.variables) != 1:
            continue
        for column in columns:
            if target != name:
                conditions += _refers(blueprint, name, column, target, store)
    if conditions:
        rows = _rows(blueprint, name, columns, store)
        ctes = f"found AS MATERIALIZED (\n    {rows}\n),\n"
        yield Check(name, tuple(conditions), "found r", "r.key", ctes=ctes)


def _may_refer(blueprint: Blueprint, name: str) -> list[str]:
    relation = blueprint.relations[name]
    if relation.pattern is None:
        return [c for c, source in relation.renamed.items() if source == "element"]
    return [
        c
        for c, own in relation.own.items()
        if own.key or own.element or own.entry or ((own.field or own.value) and own.type == "key")
    ]


def _refers(
    blueprint: Blueprint, name: str, column: str, target: str, store: str
) -> Iterator[Condition]:
    pattern = blueprint.pattern_of(target)
    variable = pattern.variables[0]
    of_column = f"r.{quote(column)}"
    there = f"t_{target}_{column}"
    join = (
        f"LEFT JOIN (SELECT {ex.variable(pattern, variable, 's.key')} AS id FROM {store} s "
        f"WHERE {key_range(blueprint, target, 's.key')} AND jsonb_typeof(s.value) = 'object'"
        f") {there} ON {there}.id = {of_column}"
    )
    at = f"(SELECT true FROM {store} t WHERE t.key = {ex.key_of(pattern, {variable: of_column})})"
    rows = _rows(blueprint, name, [column], store)
    refers = usual(
        f"SELECT {at} IS NOT NULL AS found FROM ({rows}) r WHERE {of_column} IS NOT NULL", PROBE
    )
    meaning = f"no such row in {target}: an ordinary row here"
    sql = f"{of_column} IS NOT NULL AND {there}.id IS NULL"
    yield Condition("dangling", name, f"{column} -> {target}", meaning, sql, refers, join)
    own = blueprint.relations[name].own.get(column)
    keys = blueprint.relations[name].key_columns
    if own is not None and own.element and len(keys) == 1:
        yield _one_sided(blueprint, name, column, at, store)


def _one_sided(blueprint: Blueprint, name: str, column: str, at: str, store: str) -> Condition:
    """Of lists of ids that are in each other's lists, as a rule. `at` is true where the other is
    there. Who is there and has a broken list lacks nothing."""
    pattern = blueprint.pattern_of(name)
    ((variable, owner),) = blueprint.relations[name].key_columns.items()
    of_owner, of_other = f"r.{quote(owner)}", f"r.{quote(column)}"
    other = ex.key_of(pattern, {variable: of_other})
    found = (
        f"(SELECT t.value @> jsonb_build_array({of_owner}) FROM {store} t WHERE t.key = {other})"
    )
    rows = _rows(blueprint, name, [owner, column], store)
    mutual = usual(f"SELECT {found} AND {at} AS found FROM ({rows}) r", PROBE)
    broken = f"(SELECT jsonb_typeof(t.value) <> 'array' FROM {store} t WHERE t.key = {other})"
    return Condition(
        "one_sided",
        name,
        column,
        "the other's list lacks it: an ordinary row, on this side only",
        f"b.key IS NULL AND {at} IS NOT NULL AND ({broken}) IS NOT TRUE",
        mutual,
        f"LEFT JOIN found b ON b.{quote(owner)} = {of_other} AND b.{quote(column)} = {of_owner}",
    )


def _doubled(blueprint: Blueprint, name: str, store: str) -> Iterator[Check]:
    """What is looked up in lower case is looked up to find one."""
    relation = blueprint.relations[name]
    if blueprint.pattern_of(name).shape != "document":
        return
    for computed in relation.computed.values():
        if computed.lower is None:
            continue
        column = computed.lower
        rows = _rows(blueprint, name, [column], store)
        lower = f"lower(f.{quote(column)})"
        ctes = (
            f"groups AS (\n    SELECT min(f.key) AS key, count(*) AS size\n"
            f"    FROM (\n    {rows}\n    ) f\n"
            f"    WHERE {lower} IS NOT NULL GROUP BY {lower}\n),\n"
        )
        usually_one = "(SELECT 2 * count(*) FILTER (WHERE size = 1) > count(*) FROM groups)"
        meaning = "the same in several keys but for its case: each stays a row with its own"
        condition = Condition("doubled", name, column, meaning, f"g.size > 1 AND {usually_one}")
        yield Check(name, (condition,), "groups g", "g.key", ctes=ctes)


def _list(blueprint: Blueprint, name: str, store: str) -> Check:
    """A derived list beside the rows that it is derived from."""
    derived, pattern = blueprint.derived[name], blueprint.patterns[name]
    columns = list(dict.fromkeys([*derived.key.values(), *_VARIABLE.findall(derived.element)]))
    key = ex.key_of(pattern, {v: f"f.{quote(c)}" for v, c in derived.key.items()})
    element = " || ".join(
        literal(piece) if place % 2 == 0 else f"f.{quote(piece)}"
        for place, piece in enumerate(_VARIABLE.split(derived.element))
        if piece
    )
    rows = _rows(blueprint, derived.source, columns, store)
    present = [f"f.{quote(c)} IS NOT NULL" for c in columns]
    ctes = f"""made AS (
    SELECT DISTINCT CASE WHEN {" AND ".join(present)} THEN {key} END AS key, {element} AS element
    FROM (
    {rows}
    ) f
),
listed AS (
    SELECT s.key, e.k AS element FROM {store} s
    CROSS JOIN LATERAL {_ids("s.value")}
    WHERE {pattern_range(blueprint, name, "s.key")} AND e.k IS NOT NULL
),
differing AS (
    SELECT coalesce(l.key, m.key) AS key, m.element AS made, l.element AS listed
    FROM (SELECT m.key, m.element FROM made m WHERE m.key IS NOT NULL AND m.element IS NOT NULL) m
    FULL JOIN listed l ON l.key = m.key AND l.element = m.element
    WHERE l.key IS NULL OR m.key IS NULL
),
"""
    is_list = f"(SELECT jsonb_typeof(t.value) = 'array' FROM {store} t WHERE t.key = d.key)"
    conditions = [
        Condition(
            "missing_in_list",
            derived.source,
            name,
            "the list lacks it: the relation shows it",
            f"d.listed IS NULL AND coalesce({is_list}, true)",
        )
    ]
    if not derived.kept:
        conditions += [
            Condition(
                "stale_in_list",
                derived.source,
                name,
                "the list names it, and its row says otherwise: the relation does not show it",
                "d.made IS NULL AND o.element IS NOT NULL",
            ),
            Condition(
                "gone_in_list",
                derived.source,
                name,
                "the list names it, and it has no row: the relation does not show it",
                "d.made IS NULL AND o.element IS NULL",
            ),
        ]
    rows = (
        "differing d\n    LEFT JOIN (SELECT DISTINCT m.element FROM made m) o "
        "ON o.element = d.listed"
    )
    return Check(name, tuple(conditions), rows, "d.key", ctes=ctes)
