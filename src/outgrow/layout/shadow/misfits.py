"""Asks a store what of single values would not fit the tables of its relations: what an inspection
does not know, which needs no blueprint. Pure text, no I/O.

For the plan of a growth: nothing needs to be installed, so what the functions of schema `outgrow`
say is said here once more, on values alone. A time is judged by its form: a 31st of June passes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from outgrow.blueprint import SEGMENT_LIMIT, Blueprint, Column, Computed, Relation
from outgrow.layout import expressions as ex
from outgrow.layout.shadow.copying import key_range, pattern_range
from outgrow.queries import Query, literal, quote

NUMBER_LIMIT = 60  # characters of a `number`
SAMPLED = 200  # rows by which it is judged what is usual in a store
SAMPLES = 3  # keys named of each kind

_JSON = {"number": "number", "boolean": "boolean", "array": "array", "json": None}
_LIMITS = {"key": SEGMENT_LIMIT, "short": ex.SHORT_LIMIT, "number": NUMBER_LIMIT}


@dataclass(frozen=True, slots=True)
class Condition:
    """One kind of misfit: `relation` (or the derived list) and `about` (a column, field or other
    relation) say where, `meaning` what a growth makes of it, `sql` which rows of the check have it.
    It counts only where `probe` is missing or says true: what is not usual in a store is not a
    misfit where it is missing."""

    kind: str
    relation: str
    about: str
    meaning: str
    sql: str
    probe: Query | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Reads the keys of one pattern, or of a few, once. `rows` is what stands behind FROM, `where`
    which of them, and `key` what tells one; `ctes` come before."""

    name: str
    conditions: tuple[Condition, ...]
    rows: str
    key: str
    where: str = "true"
    ctes: str = ""

    def query(self, chosen: Sequence[Condition]) -> Query:
        """Rows of (place in `chosen` from 1, how many, some keys); no row for none."""
        listed = ",\n        ".join(condition.sql for condition in chosen)
        any_of = "\n        OR ".join(f"({condition.sql})" for condition in chosen)
        return Query(
            "grow.misfits",
            f"""WITH {self.ctes}misfits AS (
    SELECT {self.key} AS key, array_positions(ARRAY[
        {listed}], true) AS places
    FROM {self.rows}
    WHERE {self.where}
        AND ({any_of})
)
SELECT n.place, count(*), array_agg(n.key) FILTER (WHERE n.number <= {SAMPLES})
FROM (
    SELECT p.place, m.key, row_number() OVER (PARTITION BY p.place) AS number
    FROM misfits m CROSS JOIN LATERAL unnest(m.places) AS p(place)
) n
GROUP BY n.place ORDER BY n.place""",
        )


def of_values(
    blueprint: Blueprint, names: Collection[str], store_schema: str, store_table: str
) -> Iterator[Check]:
    """What does not fit of single values, one pass over the keys of each pattern. The condition of
    kind `leftovers` has as many keys as `verify` counts with leftovers when there are tables."""
    store = quote(store_schema, store_table)
    patterns: dict[str, list[str]] = {}
    for name in blueprint.relations:
        if name in names:
            patterns.setdefault(blueprint.source_of(name), []).append(name)
    for source, members in patterns.items():
        shape = blueprint.pattern_of(source).shape
        if shape == "document":
            conditions = [*_of_documents(blueprint, source, members, store)]
            rows = f"{store} s"
        else:
            make = {"ids": _of_ids, "objects": _of_objects, "map": _of_members}[shape]
            aggregated, elements, conditions = make(blueprint, source)
            rows = f"{store} s\n    CROSS JOIN LATERAL (SELECT {aggregated} FROM {elements}) e"
        where = key_range(blueprint, source, "s.key")
        yield Check(source, tuple(conditions), rows, "s.key", where)
        if shape == "document":
            yield from _not_unique(blueprint, source, members, store)
    for name in derived_lists(blueprint, names):
        aggregated, elements, conditions = _of_list(name, "stays in the store as it is", name)
        rows = f"{store} s\n    CROSS JOIN LATERAL (SELECT {aggregated} FROM {elements}) e"
        where = pattern_range(blueprint, name, "s.key")
        yield Check(name, tuple(conditions[1:]), rows, "s.key", where)


def derived_lists(blueprint: Blueprint, names: Collection[str]) -> list[str]:
    """The lists that old clients have of these relations."""
    return [name for name, derived in blueprint.derived.items() if derived.source in names]


# -- lists


class _List(NamedTuple):
    """What is said of all elements, the elements (a table function), and the conditions on both."""

    aggregated: str
    elements: str
    conditions: list[Condition]


def text(value: str, limit: int = SEGMENT_LIMIT) -> str:
    """The text that a JSON value holds, unless it is too long."""
    return (
        f"CASE WHEN jsonb_typeof({value}) = 'string' AND length({value} #>> '{{}}') <= {limit} "
        f"THEN {value} #>> '{{}}' END"
    )


def elements(value: str) -> str:
    """The elements of an array as a table function, none of what is no array: `v`."""
    array = f"CASE WHEN jsonb_typeof({value}) = 'array' THEN {value} ELSE '[]' END"
    return f"jsonb_array_elements({array})"


def _of_ids(blueprint: Blueprint, name: str) -> _List:
    return _of_list(name, "kept whole as leftovers, beside the rows of its ids", "")


def _of_list(relation: str, kept: str, about: str) -> _List:
    no_list = "jsonb_typeof(s.value) <> 'array'"
    wrong, doubled = "e.elements <> e.texts", "e.texts <> e.different"
    long = f"jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{{}}') > {SEGMENT_LIMIT}"

    def condition(kind: str, meaning: str, sql: str) -> Condition:
        return Condition(kind, relation, about, meaning, sql)

    return _List(
        "count(*) AS elements, count(v.k) AS texts, count(DISTINCT v.k) AS different, "
        "bool_or(v.long) AS long",
        f"(SELECT {text('x.v')} AS k, {long} AS long FROM {elements('s.value')} AS x(v)) v",
        [
            condition("leftovers", kept, f"{no_list} OR {wrong} OR {doubled}"),
            condition("long_element", f"a list with an id that is too long: {kept}", "e.long"),
        ],
    )


def _of_objects(blueprint: Blueprint, name: str) -> _List:
    kept = "kept whole as leftovers, beside the rows of its objects"
    no_list, wrong = "jsonb_typeof(s.value) <> 'array'", "e.wrong"
    aggregated = ["bool_or(jsonb_typeof(x.v) <> 'object') AS wrong"]
    conditions = [
        Condition("leftovers", name, "", kept, f"{no_list} OR {wrong}"),
    ]
    _of_each(blueprint.relations[name], name, "x.v", aggregated, conditions)
    return _List(", ".join(aggregated), f"{elements('s.value')} AS x(v)", conditions)


def _of_members(blueprint: Blueprint, name: str) -> _List:
    relation = blueprint.relations[name]
    no_map = "jsonb_typeof(s.value) <> 'object'"
    fits = "jsonb_typeof(x.v) = 'object'"
    for column in relation.own.values():
        if column.value:
            fits = _fits(column.type, "x.v")
    aggregated = [f"bool_or((length(x.k) <= {SEGMENT_LIMIT} AND {fits}) IS NOT TRUE) AS wrong"]
    kept = "these members are kept as leftovers, beside the rows of the others"
    conditions = [
        Condition(
            "leftovers", name, "", "no map, or members that are no rows", f"{no_map} OR e.wrong"
        ),
        Condition(
            "wrong_member", name, "", f"a map with members of another kind: {kept}", "e.wrong"
        ),
    ]
    _of_each(relation, name, "x.v", aggregated, conditions)
    return _List(", ".join(aggregated), f"{ex.members('s.value')} AS x(k, v)", conditions)


def _of_each(
    relation: Relation, name: str, value: str, aggregated: list[str], conditions: list[Condition]
) -> None:
    """The fields of elements and members."""
    for number, (column, own) in enumerate(relation.fields.items()):
        for kind, meaning, sql in _of_field(
            column, own.type, f"{value} -> {literal(own.field or '')}"
        ):
            place = f"{kind}_{number}"
            aggregated.append(f"bool_or({sql}) AS {place}")
            conditions.append(Condition(kind, name, column, meaning, f"e.{place}"))


# -- documents


def _of_documents(
    blueprint: Blueprint, source: str, members: Collection[str], store: str
) -> Iterator[Condition]:
    no_object = "jsonb_typeof(s.value) <> 'object'"
    for name in members:
        relation = blueprint.relations[name]
        if relation.pattern is not None:
            meaning = "no object: no row, it stays in the store alone"
            yield Condition("leftovers", name, "", meaning, no_object)
            yield from _of_identity(blueprint, name, store)
        elif relation.unnest is not None:
            yield from _of_unnested(blueprint, name)
        else:
            empty, about = no_object, relation.present or ""
            if relation.present is not None:
                empty += f" OR ({column_sql(blueprint, source, relation.present)}) IS NULL"
            yield Condition("leftovers", name, about, _no_row(name, about), empty)
    for field, (column, kind) in _shown(blueprint, source, members).items():
        value = f"s.value -> {literal(field)}"
        if kind == "flag":
            wrong = f"jsonb_typeof({value}) NOT IN ('object', 'null')"
            flag = f"jsonb_typeof{ex.flag_field(column, 's.value')} NOT IN ('boolean', 'null')"
            meaning = "no boolean: taken as if it were not there"
            yield Condition("wrong_type", source, column, meaning, f"{wrong} OR {flag}")
            continue
        for what, meaning, sql in _of_field(column, kind, value):
            yield Condition(what, source, column, meaning, sql)


def _no_row(name: str, about: str) -> str:
    return f"no row in {name}" + (f", which has no `{about}`" if about else "")


def _of_unnested(blueprint: Blueprint, name: str) -> Iterator[Condition]:
    relation = blueprint.relations[name]
    field = blueprint.relations[relation.source or ""].own[relation.unnest or ""].field
    value = f"s.value -> {literal(field or '')}"
    found = f"SELECT {text('x.v')} AS k FROM {elements(value)} AS x(v)"
    about = relation.unnest or ""
    yield Condition(
        "leftovers",
        name,
        about,
        _no_row(name, about),
        f"NOT EXISTS (SELECT FROM ({found}) x WHERE x.k IS NOT NULL)",
    )
    long = f"jsonb_typeof(x.v) = 'string' AND length(x.v #>> '{{}}') > {SEGMENT_LIMIT}"
    wrong = f"EXISTS (SELECT FROM {elements(value)} AS x(v) WHERE {long})"
    meaning = "an id that is too long: no row for it, the document keeps it"
    yield Condition("long_element", name, about, meaning, wrong)


def _of_identity(blueprint: Blueprint, name: str, store: str) -> Iterator[Condition]:
    """Documents that usually repeat their key's only variable in a field of its name."""
    pattern = blueprint.pattern_of(name)
    if len(pattern.variables) != 1:
        return
    field, key = literal(pattern.variables[0]), ex.variable(pattern, pattern.variables[0], "s.key")
    where = key_range(blueprint, name, "s.key")
    agrees = f"s.value ->> {field} = {key}"
    probe = Query(
        "grow.misfits_probe",
        f"SELECT coalesce(2 * count(*) FILTER (WHERE p.found) > count(*), false)\n"
        f"FROM (SELECT {agrees} AS found FROM {store} s WHERE {where} LIMIT {SAMPLED}) p",
    )
    is_object = "jsonb_typeof(s.value) = 'object'"
    kept = "the row has the key's, `rest` keeps the field"
    yield Condition(
        "id_disagrees",
        name,
        pattern.variables[0],
        f"the field is not the key's: {kept}",
        f"{is_object} AND s.value ? {field} AND ({agrees}) IS NOT TRUE",
        probe,
    )
    yield Condition(
        "id_missing",
        name,
        pattern.variables[0],
        "the field is not there: the row has the key's",
        f"{is_object} AND NOT s.value ? {field}",
        probe,
    )


def _not_unique(
    blueprint: Blueprint, source: str, members: Collection[str], store: str
) -> Iterator[Check]:
    """What is looked up in lower case is looked up to find one."""
    for column in (c.lower for c in blueprint.relations[source].computed.values() if c.lower):
        if source not in members:
            return
        lower = f"lower({column_sql(blueprint, source, column)})"
        where = f"{key_range(blueprint, source, 's.key')} AND jsonb_typeof(s.value) = 'object'"
        ctes = (
            f"groups AS (\n    SELECT min(s.key) AS key, count(*) AS size\n    FROM {store} s\n"
            f"    WHERE {where} AND {lower} IS NOT NULL GROUP BY {lower}\n),\n"
        )
        usually_one = "(SELECT 2 * count(*) FILTER (WHERE size = 1) > count(*) FROM groups)"
        meaning = "the same in several keys but for its case: each stays a row with its own"
        sql = f"g.size > 1 AND {usually_one}"
        condition = Condition("not_unique", source, column, meaning, sql)
        yield Check(source, (condition,), "groups g", "g.key", ctes=ctes)


def _shown(
    blueprint: Blueprint, source: str, members: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Field -> (the column's or its own name, type) of all fields that the relations show; of a
    flag the first part of its path."""
    relation = blueprint.relations[source]
    found: dict[str, tuple[str, str]] = {}

    def own(name: str, column: Column) -> None:
        if column.field:
            found[column.field] = (name, column.type)

    def computed(item: Computed) -> None:
        for name in filter(None, (item.lower, item.sort, item.words, item.within, item.name)):
            own(name, relation.own[name])
        for name in item.search or ():
            if name in relation.own:
                own(name, relation.own[name])
            else:
                found[name] = (name, "searched")
        for card in (item.object or {}).values():
            if card.column is not None:
                own(card.column, relation.own[card.column])
            elif card.field is not None:
                found.setdefault(card.field, (card.field, f"shown {card.type}"))
        if item.flag is not None:
            found.setdefault(item.flag.split(".")[0], (item.flag, "flag"))

    for member in members:
        one = blueprint.relations[member]
        names = [*one.own, *one.computed] if one.pattern is not None else one.renamed.values()
        for name in names:
            if name in relation.own:
                own(name, relation.own[name])
            elif name in relation.computed:
                computed(relation.computed[name])
    return found


def _of_field(column: str, kind: str, value: str) -> Iterator[tuple[str, str, str]]:
    """(kind, meaning, condition) of what a field may hold that its column does not. A JSON null is
    none of it: the column says nothing either."""
    json = _JSON.get(kind, "string")
    kept = "the document keeps it"
    outside = f"`{column}` is left out where it is shown or searched, {kept}"
    if kind.startswith("shown "):
        json = kind.removeprefix("shown ")
        yield "wrong_type", f"another type: {outside}", _is_no(value, json)
        return
    empty = f"`{column}` is null, {kept}"
    if json is not None:
        meaning = f"another type: {outside if kind == 'searched' else empty}"
        yield "wrong_type", meaning, _is_no(value, json)
    length = f"length({value} #>> '{{}}')"
    if kind in _LIMITS:
        limit = _LIMITS[kind]
        meaning = f"over {limit} characters: {empty}"
        yield "long_text", meaning, f"jsonb_typeof({value}) = '{json}' AND {length} > {limit}"
    elif kind in ("label", "searched"):
        limit = SEGMENT_LIMIT if kind == "label" else ex.SEARCH_LIMIT
        use = "is cut" if kind == "label" else "is searched by its beginning"
        meaning = f"over {limit:,} characters: `{column}` {use}, {kept}"
        yield "long_text", meaning, f"jsonb_typeof({value}) = 'string' AND {length} > {limit}"
    elif kind == "time":
        meaning = f"not written like 2026-01-01T12:00:00.000Z: {empty}"
        unread = f"jsonb_typeof({value}) = 'string' AND NOT ({_is_time(value)})"
        yield "unreadable_time", meaning, unread


def _is_no(value: str, json: str) -> str:
    return f"jsonb_typeof({value}) NOT IN ('{json}', 'null')"


def _is_time(value: str) -> str:
    return (
        f"translate({value} #>> '{{}}', '123456789', '000000000') "
        "IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')"
    )


def _fits(kind: str, value: str) -> str:
    """The whole value is what a column of this type holds exactly."""
    json = _JSON.get(kind, "string")
    if json is None:
        return f"jsonb_typeof({value}) <> 'null'"
    fits = f"jsonb_typeof({value}) = '{json}'"
    if kind in _LIMITS:
        fits += f" AND length({value} #>> '{{}}') <= {_LIMITS[kind]}"
    return f"{fits} AND {_is_time(value)}" if kind == "time" else fits


def column_sql(blueprint: Blueprint, source: str, name: str) -> str:
    """A column of text of a relation of documents, from `s.key` and `s.value`."""
    own = blueprint.relations[source].own[name]
    if own.key:
        return ex.variable(blueprint.pattern_of(source), own.key, "s.key")
    return field_sql(own, "s.value")


def field_sql(own: Column, value: str) -> str:
    """The text of a field of the object `value`, as far as its column holds it."""
    field = f"{value} -> {literal(own.field or '')}"
    if own.type == "label":
        cut = f"left({field} #>> '{{}}', {SEGMENT_LIMIT})"
        return f"CASE WHEN jsonb_typeof({field}) = 'string' THEN {cut} END"
    if own.type in ("key", "short"):
        return text(field, _LIMITS[own.type])
    return f"{field} #>> '{{}}'"
