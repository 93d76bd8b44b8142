"""The SQL that finds values which do not fit: from a blueprint, for the plan of a growth, before
anything is installed; and from what an inspection found, which has no blueprint. Pure text, no I/O.

The functions of schema `outgrow` that judge single values have twins here, for where it is not
installed. These judge a time by its form: a 31st of June passes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from outgrow.blueprint import SEGMENT_LIMIT, Blueprint, Column, Computed, Relation
from outgrow.layout import expressions as ex
from outgrow.layout.consistency import (
    ELEMENTS,
    UNMAPPED,
    Family,
    Rows,
    Steps,
    into,
    query,
    quoted,
    text_of,
)
from outgrow.queries import Query, literal, quote

SAMPLED = 200  # rows by which it is judged what is usual in a store
SAMPLES = 3  # keys named of each kind

NUMBER_LIMIT = 60  # characters of a `number`
LIMITS = {"key": SEGMENT_LIMIT, "short": ex.SHORT_LIMIT, "number": NUMBER_LIMIT}
JSON_TYPES: dict[str, str | None] = {
    "number": "number",
    "boolean": "boolean",
    "array": "array",
    "json": None,
}
"""The JSON type of a column's type, where it is no string; None for any."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One kind of misfit. `relation` (or the derived list) and `about` (a column, field or other
    relation) say where it is, `meaning` what a growth makes of it, and `sql` selects the rows of
    the check that have it."""

    kind: str
    relation: str
    about: str
    meaning: str
    sql: str


@dataclass(frozen=True, slots=True)
class Check:
    """One pass over the keys of a pattern, or of a few. `rows` is the FROM clause, `where` selects
    from them, `key` identifies a row; `ctes` come before."""

    conditions: tuple[Condition, ...]
    rows: str
    key: str
    where: str = "true"
    ctes: str = ""

    def counts(self) -> Query:
        """Return the query of (number of the condition from 1, count, some keys), without a row for
        none."""
        sql = [condition.sql for condition in self.conditions]
        listed, any_of = ",\n        ".join(sql), ")\n        OR (".join(sql)
        return Query(
            "grow.misfits",
            f"""WITH {self.ctes}misfits AS (
    SELECT {self.key} AS key, array_positions(ARRAY[
        {listed}], true) AS places
    FROM {self.rows}
    WHERE {self.where}
        AND (({any_of}))
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= {SAMPLES})
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place""",
        )

    def lists(self, condition: Condition) -> str:
        """Return the statement that lists all keys that meet the condition, for psql."""
        ctes = f"WITH {self.ctes.removesuffix(f',{chr(10)}')}\n" if self.ctes else ""
        return (
            f"{ctes}SELECT {self.key} AS key\nFROM {self.rows}\n"
            f"WHERE {self.where}\n  AND ({condition.sql})\nORDER BY 1;"
        )


def checks(
    blueprint: Blueprint, names: Collection[str], store_schema: str, store_table: str
) -> Iterator[Check]:
    """Return the checks of single values, one pass over the keys of each pattern. The condition of
    kind `unmapped` has the keys that `verify` counts as unmapped when there are tables."""
    store = quote(store_schema, store_table)
    patterns: dict[str, list[str]] = {}
    for name in blueprint.relations:
        if name in names:
            patterns.setdefault(blueprint.source_of(name), []).append(name)
    for source, members in patterns.items():
        where = ex.key_range(blueprint, source, "s.key")
        if blueprint.pattern_of(source).shape == "document":
            usual = _usual(blueprint, source, store) if source in members else ""
            conditions = [*_of_documents(blueprint, source, members)]
            conditions += _of_identity(blueprint, source) if usual else ()
            yield Check(tuple(conditions), f"{store} s", "s.key", where, usual)
            yield from _not_unique(blueprint, source, members, store)
        else:
            conditions, aggregated = _of_list(blueprint, source)
            yield Check(tuple(conditions), f"{store} s{aggregated}", "s.key", where)
    for name, derived in blueprint.derived.items():
        if derived.source in names:
            condition = _long_element(name, name, "s.value", "stays in the store as it is")
            where = ex.pattern_range(blueprint, name, "s.key")
            yield Check((condition,), f"{store} s", "s.key", where)


# -- lists


def _of_list(blueprint: Blueprint, name: str) -> tuple[list[Condition], str]:
    """Return the conditions, and what they need after FROM: the facts about all elements or
    members."""
    shape = blueprint.pattern_of(name).shape
    left = f"({unmapped(blueprint, name, 's.value', is_bare=True)}) IS NOT NULL AS unmapped"
    kept = f"kept whole, next to the rows of its {shape}"
    conditions = [Condition(UNMAPPED, name, "", kept, "e.unmapped")]
    if shape == "ids":
        conditions.append(_long_element(name, "", "s.value", kept, "e.unmapped AND "))
    elements = f"{ex.elements('s.value')} AS x(v)"
    if shape == "map":
        elements = f"{ex.members('s.value')} AS x(k, v)"
        kept = "members of another kind are kept as they are, next to the rows of the others"
        conditions = [
            Condition(UNMAPPED, name, "", f"no map, or a map of which {kept}", "e.unmapped")
        ]
        wrong = "jsonb_typeof(s.value) = 'object' AND e.unmapped"
        conditions.append(Condition("wrong_member", name, "", kept, wrong))
    columns = [left]
    for number, (column, field) in enumerate(blueprint.relations[name].fields.items()):
        value = f"x.v -> {literal(field.field or '')}"
        for kind, meaning, sql in _of_field(column, field.type, value):
            columns.append(f"bool_or({sql}) AS {kind}_{number}")
            conditions.append(Condition(kind, name, column, meaning, f"e.{kind}_{number}"))
    from_ = f"FROM {elements}" if len(columns) > 1 else "OFFSET 0"
    return conditions, f"\n    CROSS JOIN LATERAL (SELECT {', '.join(columns)} {from_}) e"


def _long_element(relation: str, about: str, value: str, kept: str, where: str = "") -> Condition:
    long = is_long("x.v", SEGMENT_LIMIT)
    sql = f"{where}EXISTS (SELECT FROM {ex.elements(value)} AS x(v) WHERE {long})"
    meaning = f"a list with an id that is too long: {kept}"
    return Condition("long_element", relation, about, meaning, sql)


# -- documents


def _of_documents(
    blueprint: Blueprint, source: str, members: Collection[str]
) -> Iterator[Condition]:
    no_object = "jsonb_typeof(s.value) <> 'object'"
    for name in members:
        relation = blueprint.relations[name]
        if relation.pattern is not None:
            meaning = "no object: no row, it stays in the store alone"
            yield Condition(UNMAPPED, name, "", meaning, no_object)
        elif relation.unnest is not None:
            yield from _of_unnested(blueprint, name, relation.unnest)
        else:
            empty, about = no_object, relation.present or ""
            if about:
                empty += f" OR ({bare_column(blueprint, source, about)}) IS NULL"
            yield Condition(UNMAPPED, name, about, _no_row(name, about), empty)
    for field, (column, kind) in _shown(blueprint, source, members).items():
        for what, meaning, sql in _of_field(column, kind, f"s.value -> {literal(field)}"):
            yield Condition(what, source, column, meaning, sql)


def _no_row(name: str, about: str) -> str:
    return f"no row in {name}" + (f", which has no `{about}`" if about else "")


def _of_unnested(blueprint: Blueprint, name: str, column: str) -> Iterator[Condition]:
    field = blueprint.relations[blueprint.relations[name].source or ""].owned_columns[column].field
    value = f"s.value -> {literal(field or '')}"
    ids = f"SELECT FROM {ex.elements(value)} AS x(v) WHERE ({bare_text('x.v')}) IS NOT NULL"
    yield Condition(UNMAPPED, name, column, _no_row(name, column), f"NOT EXISTS ({ids})")
    yield _long_element(name, column, value, "no row for it, the document keeps it")


def _usual(blueprint: Blueprint, source: str, store: str) -> str:
    """Return the CTE that tells whether documents usually repeat their key's only variable in a
    field of its name, or "" where the key has several."""
    if len(blueprint.pattern_of(source).variables) != 1:
        return ""
    where = ex.key_range(blueprint, source, "s.key")
    return (
        "usual AS (\n    SELECT 2 * count(*) FILTER (WHERE p.agrees) > count(*) AS agrees\n"
        f"    FROM (SELECT {_agrees(blueprint, source)} AS agrees FROM {store} s WHERE {where} "
        f"LIMIT {SAMPLED}) p\n),\n"
    )


def _agrees(blueprint: Blueprint, source: str) -> str:
    pattern = blueprint.pattern_of(source)
    key = ex.variable(pattern, pattern.variables[0], "s.key")
    return f"s.value ->> {literal(pattern.variables[0])} = {key}"


def _of_identity(blueprint: Blueprint, source: str) -> Iterator[Condition]:
    variable, agrees = blueprint.pattern_of(source).variables[0], _agrees(blueprint, source)
    is_object = "jsonb_typeof(s.value) = 'object' AND (SELECT agrees FROM usual)"
    disagrees = f"{is_object} AND s.value ? {literal(variable)} AND ({agrees}) IS NOT TRUE"
    meaning = "the field is not the key's: the row has the key's, `rest` keeps the field"
    yield Condition("id_disagrees", source, variable, meaning, disagrees)
    missing = f"{is_object} AND NOT s.value ? {literal(variable)}"
    meaning = "the field is not there: the row has the key's"
    yield Condition("id_missing", source, variable, meaning, missing)


def _not_unique(
    blueprint: Blueprint, source: str, members: Collection[str], store: str
) -> Iterator[Check]:
    """Yield a check of each column that is looked up in lower case, which is done to find one
    row."""
    for column in (c.lower for c in blueprint.relations[source].computed.values() if c.lower):
        if source not in members:
            return
        lower = f"lower({bare_column(blueprint, source, column)})"
        where = f"{ex.key_range(blueprint, source, 's.key')} AND jsonb_typeof(s.value) = 'object'"
        ctes = (
            f"groups AS (\n    SELECT min(s.key) AS key, count(*) AS size\n    FROM {store} s\n"
            f"    WHERE {where} AND {lower} IS NOT NULL GROUP BY {lower}\n),\n"
        )
        usually_unique = "(SELECT 2 * count(*) FILTER (WHERE size = 1) > count(*) FROM groups)"
        meaning = "the same in several keys but for its case: each stays a row with its own"
        sql = f"g.size > 1 AND {usually_unique}"
        condition = Condition("not_unique", source, column, meaning, sql)
        yield Check((condition,), "groups g", "g.key", ctes=ctes)


# -- fields


def _shown(
    blueprint: Blueprint, source: str, members: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Map each field that the relations show to the name of its column (or its own) and its type. A
    flag has the first part of its path."""
    relation = blueprint.relations[source]
    shown: dict[str, tuple[str, str]] = {}

    def add_column(name: str, column: Column) -> None:
        if column.field:
            shown[column.field] = (name, column.type)

    def computed(item: Computed) -> None:
        for name in filter(None, (item.lower, item.sort, item.words, item.within, item.name)):
            add_column(name, relation.owned_columns[name])
        for name in item.search or ():
            if name in relation.owned_columns:
                add_column(name, relation.owned_columns[name])
            else:
                shown[name] = (name, "searched")
        for card in (item.object or {}).values():
            if card.column is not None:
                add_column(card.column, relation.owned_columns[card.column])
            elif card.field is not None:
                shown.setdefault(card.field, (card.field, f"shown {card.type}"))
        if item.flag is not None:
            shown.setdefault(item.flag.split(".")[0], (item.flag, "flag"))

    for member in members:
        shown_relation = blueprint.relations[member]
        names = (
            [*shown_relation.owned_columns, *shown_relation.computed]
            if shown_relation.pattern is not None
            else shown_relation.renamed.values()
        )
        for name in names:
            if name in relation.owned_columns:
                add_column(name, relation.owned_columns[name])
            elif name in relation.computed:
                computed(relation.computed[name])
    return shown


def _of_field(column: str, kind: str, value: str) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, meaning, condition) of what a field may hold that its column does not."""
    json = JSON_TYPES.get(kind, "string")
    kept = "the document keeps it"
    empty = f"`{column}` is null, {kept}"
    outside = f"`{column}` is left out where it is shown or searched, {kept}"
    if kind == "flag":
        flag = is_other_type(ex.flag_field(column, "s.value"), "boolean")
        meaning = "no boolean: taken as if it were not there"
        yield "wrong_type", meaning, f"{is_other_type(value, 'object')} OR {flag}"
        return
    if kind.startswith("shown "):
        shown = kind.removeprefix("shown ")
        yield "wrong_type", f"another type: {outside}", is_other_type(value, shown)
        return
    if json is not None:
        meaning = f"another type: {outside if kind == 'searched' else empty}"
        yield "wrong_type", meaning, is_other_type(value, json)
    if kind in LIMITS:
        limit = LIMITS[kind]
        long = is_long(value, limit, json or "string")
        yield "long_text", f"over {limit} characters: {empty}", long
    elif kind in ("label", "searched"):
        limit = SEGMENT_LIMIT if kind == "label" else ex.SEARCH_LIMIT
        use = "is cut" if kind == "label" else "is searched by its beginning"
        meaning = f"over {limit:,} characters: `{column}` {use}, {kept}"
        yield "long_text", meaning, is_long(value, limit)
    elif kind == "time":
        unread = f"jsonb_typeof({value}) = 'string' AND NOT ({is_bare_time(value)})"
        yield "unreadable_time", f"not written like 2026-01-01T12:00:00.000Z: {empty}", unread


# -- single values and lists


def unmapped(blueprint: Blueprint, name: str, value: str, *, is_bare: bool = False) -> str:
    """Return the SQL of a list whose rows do not give it back exactly, NULL where they do: it is no
    array, or has an element of another kind or twice. Of a map it has the members that are no rows;
    a value that is no map stays whole. `is_bare` is for where schema `outgrow` is not installed."""
    if blueprint.pattern_of(name).shape == "map":
        is_member = (is_bare_member if is_bare else ex.is_member)(
            blueprint.relations[name], "e.k", "e.v"
        )
        return (
            f"CASE WHEN jsonb_typeof({value}) = 'object' THEN (SELECT jsonb_object_agg(e.k, e.v) "
            f"FROM {ex.members(value)} AS e(k, v) WHERE ({is_member}) IS NOT TRUE) "
            f"ELSE {value} END"
        )
    elements = f"jsonb_array_elements({value}) AS e(v)"
    key = bare_text("e.v") if is_bare else "outgrow.key_of(e.v)"
    whole = {
        "ids": f"(SELECT count(DISTINCT {key}) = jsonb_array_length({value}) FROM {elements})",
        "objects": f"NOT EXISTS (SELECT FROM {elements} WHERE jsonb_typeof(e.v) <> 'object')",
    }[blueprint.pattern_of(name).shape]
    return (
        f"CASE WHEN CASE WHEN jsonb_typeof({value}) = 'array' THEN {whole} ELSE false END "
        f"THEN NULL ELSE {value} END"
    )


def bare_text(value: str, limit: int = SEGMENT_LIMIT) -> str:
    """Return the text that a JSON value holds, NULL where it is too long."""
    return (
        f"CASE WHEN jsonb_typeof({value}) = 'string' AND length({value} #>> '{{}}') <= {limit} "
        f"THEN {value} #>> '{{}}' END"
    )


def is_long(value: str, limit: int, json: str = "string") -> str:
    return f"jsonb_typeof({value}) = '{json}' AND length({value} #>> '{{}}') > {limit}"


def is_other_type(value: str, json: str) -> str:
    """Return the condition that a value has another type. A JSON null has none: its column is NULL,
    too."""
    return f"jsonb_typeof({value}) NOT IN ('{json}', 'null')"


def is_bare_time(value: str) -> str:
    return (
        f"translate({value} #>> '{{}}', '123456789', '000000000') "
        "IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')"
    )


def is_bare_member(relation: Relation, entry: str, value: str) -> str:
    """Return the condition that a map's member is a row: its value is what a column of this type
    holds exactly, or an object."""
    kind = next((column.type for column in relation.owned_columns.values() if column.value), None)
    json = "object" if kind is None else JSON_TYPES.get(kind, "string")
    fits = (
        f"jsonb_typeof({value}) <> 'null'" if json is None else f"jsonb_typeof({value}) = '{json}'"
    )
    if kind in LIMITS:
        fits += f" AND length({value} #>> '{{}}') <= {LIMITS[kind]}"
    elif kind == "time":
        fits += f" AND {is_bare_time(value)}"
    return f"length({entry}) <= {SEGMENT_LIMIT} AND {fits}"


def bare_column(blueprint: Blueprint, source: str, name: str) -> str:
    """Return a text column of a relation of documents, from `s.key` and `s.value`."""
    column: Column = blueprint.relations[source].owned_columns[name]
    if column.key:
        return ex.variable(blueprint.pattern_of(source), column.key, "s.key")
    field = f"s.value -> {literal(column.field or '')}"
    if column.type == "label":
        label = f"left({field} #>> '{{}}', {SEGMENT_LIMIT})"
        return f"CASE WHEN jsonb_typeof({field}) = 'string' THEN {label} END"
    if column.type in ("key", "short"):
        return bare_text(field, LIMITS[column.type])
    return f"{field} #>> '{{}}'"


# -- families of keys, without a blueprint


def wrong_shape(rows: Rows, family: Family) -> str:
    kind = "coalesce(jsonb_typeof(s.value), 'null') AS kind"
    return query(rows.rows(family, [kind], f"NOT ({rows.is_read(family, 's.value')})"))


def json_text(rows: Rows, family: Family) -> str:
    return query(rows.rows(family, ["left(s.value #>> '{}', 60) AS text"], rows.is_json("s.value")))


def doubled(rows: Rows, family: Family, steps: Steps) -> str:
    """Return the query of texts that stand twice in a list; `steps` lead through its elements to
    them."""
    end = max(index for index, step in enumerate(steps) if step == ELEMENTS)
    read, listed = _lists(rows, family, steps[:end])
    within, value = into("e.v", steps[end + 1 :])
    id_ = text_of(value, steps[end + 1 :], numbers=False)
    texts = ", ".join([f"{ex.elements(listed)} AS e(v)", *within])
    return query(
        f"SELECT r.key, x.id, x.times\n{read}\n"
        f"CROSS JOIN LATERAL (\n    SELECT {id_} AS id, count(*) AS times FROM {texts}\n"
        f"    GROUP BY 1 HAVING count(*) > 1\n) x\nWHERE x.id IS NOT NULL"
    )


def wrong_element(rows: Rows, family: Family, steps: Steps, usual: str) -> str:
    """Return the query of lists with an element of another kind than `usual`; `steps` lead to the
    elements."""
    read, listed = _lists(rows, family, steps[:-1])
    wrong = f"SELECT FROM {ex.elements(listed)} AS e(v) WHERE jsonb_typeof(e.v) <> {quoted(usual)}"
    return query(f"SELECT DISTINCT r.key\n{read}\nWHERE EXISTS ({wrong})")


def _lists(rows: Rows, family: Family, steps: Steps) -> tuple[str, str]:
    """Return FROM, and the list where the steps end."""
    laterals, listed = into("r.value", steps)
    joined = [f"CROSS JOIN LATERAL {lateral}" for lateral in laterals]
    return "\n".join([rows.read(family), *joined]), listed
