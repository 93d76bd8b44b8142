"""SQL expressions: JSON -> column, column -> JSON, key -> variable. Pure text, no I/O.

A view, an index, decode and encode all take their expressions from here: the planner uses an index
only where the view has the same expression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from outgrow.blueprint import (
    SEGMENT_LIMIT,
    Blueprint,
    CardItem,
    Column,
    Computed,
    Pattern,
    Relation,
)
from outgrow.queries import literal, quote

SORT_LIMIT = 64
"""Characters of a text in a sort column: enough to order names, small in a composite index."""

SEARCH_LIMIT = 1000
"""Characters of one column or field in a search text; the whole is cut to 2,000."""

CARD_LIMIT = 32768
"""Bytes of one field of an object. What old clients store has no limit; a page of others has."""

SHORT_LIMIT = 40
"""Characters of a `short` column: those of outgrow.short_of."""

_WHOLE = {"key": SEGMENT_LIMIT, "short": SHORT_LIMIT}
"""Characters of the texts that are whole or NULL."""

_TIME_SHAPES = ('"____-__-__T__:__:__.___Z"', '"____-__-__T__:__:__.______Z"')

ColumnSql = Callable[[str], str]


OUR_NAMES = "#variable_conflict use_variable\n"
"""Begins the body of a PL/pgSQL function: a name that stands alone is a variable there, though the
blueprint may have a column of the same name. Columns are named with their table, and ON CONFLICT
names the constraint."""


def matches(blueprint: Blueprint, pattern_name: str, key: str) -> str:
    """Return the condition that `key` (SQL) belongs to the pattern, and to no other."""
    conditions = [_describes(blueprint.patterns[pattern_name], key)]
    conditions += [f"NOT ({_describes(p, key)})" for p in blueprint.winners_over(pattern_name)]
    return " AND ".join(conditions)


def pattern_name(blueprint: Blueprint, name: str) -> str:
    return blueprint.relations[blueprint.source_of(name)].pattern or ""


def key_range(blueprint: Blueprint, name: str, key: str) -> str:
    """Return the condition that the key belongs to the relation's pattern."""
    return pattern_range(blueprint, pattern_name(blueprint, name), key)


def pattern_range(blueprint: Blueprint, pattern_name: str, key: str) -> str:
    """Return the condition that the key belongs to the pattern, with the range in which an index in
    C order finds its prefix."""
    pattern = blueprint.patterns[pattern_name]
    conditions = []
    if pattern.prefix:
        conditions.append(f'{key} COLLATE "C" >= {literal(pattern.prefix)}')
        after = ord(pattern.prefix[-1]) + 1
        after = 0xE000 if after == 0xD800 else after  # no character is between
        if after <= 0x10FFFF:
            end = pattern.prefix[:-1] + chr(after)
            conditions.append(f'{key} COLLATE "C" < {literal(end)}')
    conditions.append(matches(blueprint, pattern_name, key))
    return " AND ".join(conditions)


def _describes(pattern: Pattern, key: str) -> str:
    """Return the condition of `pattern.regex`, which costs PostgreSQL 0.3 ms a key: only long keys
    pay it."""
    loose = f"{key} ~ {literal(pattern.loose_regex)}"
    if not pattern.variables:
        return loose
    short = f"length({key}) <= {pattern.surely_short}"
    if len(pattern.variables) == 1:
        return f"{loose} AND {short}"
    return f"{loose} AND ({short} OR {key} ~ {literal(pattern.regex)})"


def key_of(pattern: Pattern, values: Mapping[str, str]) -> str:
    """Return the key that the variables (SQL expressions by name) make."""
    names = iter(pattern.variables)
    parts = [
        literal(piece) if index % 2 == 0 else values[next(names)]
        for index, piece in enumerate(pattern.pieces)
        if piece
    ]
    return " || ".join(parts)


def variable(pattern: Pattern, name: str, key: str) -> str:
    """Return the variable's part of `key`, for a key that matches the pattern."""
    if len(pattern.variables) == 1:
        start, literals = len(pattern.prefix), len(pattern.prefix) + len(pattern.suffix)
        if not pattern.suffix:
            return f"substr({key}, {start + 1})"
        return f"substr({key}, {start + 1}, length({key}) - {literals})"
    alone = pattern.alone(name)
    if alone is None:
        index = pattern.variables.index(name)
        return f"(regexp_match({key}, {literal(pattern.regex)}))[{index + 1}]"
    number, before, after = alone
    part = f"split_part({key}, ':', {number})"
    part = f"substr({part}, {len(before) + 1})" if before else part
    return f"left({part}, -{len(after)})" if after else part


def from_json(column: Column, value: str) -> str:
    """Return the column's value from the document (or element) `value`: total, NULL for a
    misfit."""
    if column.element:
        return f"outgrow.key_of({value})"
    if column.value:
        return f"outgrow.{column.type}_of({value})"
    if column.field is None:
        return f"NULL::{column.sql_type}"
    return f"outgrow.{column.type}_of({value} -> {literal(column.field)})"


def to_json(column: Column, value: str) -> str:
    """Return the JSON that stands for the column's value (SQL NULL for NULL)."""
    if column.type == "time":
        return f"outgrow.json_of_time({value})"
    if column.type in ("array", "json"):
        return value
    return f"to_jsonb({value})"


def rest(relation: Relation, value: str, decoded: Mapping[str, str] | None = None) -> str:
    """Return the document without the fields that the columns reproduce exactly; `decoded` are the
    columns (SQL) where they are computed already."""
    reproduced = []
    for name, column in relation.fields.items():
        sql = from_json(column, value) if decoded is None else decoded[name]
        field = literal(column.field or "")
        # What does not fit is NULL, and what fits is kept whole, but for a label, which is cut.
        is_reproduced = f"{sql} IS NOT NULL"
        if column.type == "label":
            is_reproduced = f"{to_json(column, sql)} = {value} -> {field}"
        reproduced.append(f"CASE WHEN {is_reproduced} THEN {field} END")
    if not reproduced:
        return value
    fields = ",\n        ".join(reproduced)
    return f"{value} - array_remove(ARRAY[\n        {fields}], NULL)"


def is_member(relation: Relation, entry: str, value: str) -> str:
    """Return the condition that a map's member (SQL of its name and of its value) is a row."""
    for column in relation.owned_columns.values():
        if column.value:
            fits = f"{to_json(column, from_json(column, value))} = {value}"
            break
    else:
        fits = f"jsonb_typeof({value}) = 'object'"
    return f"length({entry}) <= {SEGMENT_LIMIT} AND {fits}"


def members(value: str) -> str:
    """Return the members of a map as a table function `e(k, v)`, without rows for another value."""
    return f"jsonb_each(CASE WHEN jsonb_typeof({value}) = 'object' THEN {value} ELSE '{{}}' END)"


def elements(value: str) -> str:
    """Return the elements of an array as a table function `v`, without rows for another value."""
    array = f"CASE WHEN jsonb_typeof({value}) = 'array' THEN {value} ELSE '[]' END"
    return f"jsonb_array_elements({array})"


def encoded(relation: Relation, arguments: Mapping[str, str], rest_sql: str) -> str:
    """Return the document of a row. A field whose original in `rest` decodes to the column's value
    stays as it was (a text that was cut, a time in another zone); another field is set from its
    column. Most rows have no originals: then one object is made of all columns at once, which takes
    a fourth of the time (18 to 35 instead of 90 to 127 microseconds, 8,000 users)."""
    for name, column in relation.owned_columns.items():
        if column.value:
            return to_json(column, arguments[name])
    names, values, missing, taken, put = [], [], [], [], []
    for name, column in relation.fields.items():
        argument = arguments[name]
        field, json = literal(column.field or ""), to_json(column, argument)
        names.append(field)
        values.append(f"{field}, {json}")
        missing.append(f"CASE WHEN {argument} IS NULL THEN {field} END")
        kept = f"{from_json(column, rest_sql)} IS NOT DISTINCT FROM {argument}"
        taken.append(f"CASE WHEN {kept} THEN NULL ELSE {field} END")
        put.append(
            f"CASE WHEN {argument} IS NULL OR {kept} THEN '{{}}'::jsonb "
            f"ELSE jsonb_build_object({field}, {json}) END"
        )
    if not names:
        return rest_sql
    separator = ",\n        "
    objects = [  # a function takes 100 arguments
        f"jsonb_build_object(\n        {separator.join(values[start : start + 50])})"
        for start in range(0, len(values), 50)
    ]
    return (
        f"CASE WHEN {rest_sql} ?| ARRAY[{', '.join(names)}] THEN\n"
        f"    ({rest_sql} - array_remove(ARRAY[\n        {separator.join(taken)}], NULL))\n    || "
        + "\n    || ".join(put)
        + f"\nELSE {rest_sql} || (({' || '.join(objects)})\n"
        f"    - array_remove(ARRAY[\n        {separator.join(missing)}], NULL))\nEND"
    )


def computed(relation: Relation, item: Computed, column: ColumnSql, value: str) -> str:
    """Return a read-only column. `column` gives the SQL of a column, `value` is the document's."""
    if item.lower is not None:
        return f"lower({column(item.lower)})"
    if item.sort is not None:
        if relation.owned_columns[item.sort].sql_type == "timestamptz":
            field = relation.owned_columns[item.sort].field or ""
            return f'(outgrow.sort_time_of({value} -> {literal(field)}) COLLATE "C")'
        return f"lower(left(coalesce({column(item.sort)}, ''), {SORT_LIMIT}))"
    if item.flag is not None:
        # What is neither true nor false counts as missing.
        unless = "IS DISTINCT FROM 'false'" if item.missing else "IS NOT DISTINCT FROM 'true'"
        return f"{flag_field(item.flag, value)} {unless}"
    if item.words is not None:
        return f"outgrow.search_name({column(item.words)})"
    if item.search is not None:
        about = _joined(relation, item.search, column, value)
        within, name = column(item.within or ""), column(item.name or "")
        return f"outgrow.search_text({within}, {name}, {about})"
    if item.lists is not None:
        return _lists(item.lists, value)
    if item.traits is not None:
        groups = ", ".join(map(column, item.groups))
        lists = ", ".join(map(column, item.traits))
        return f"outgrow.trait_words({column(item.within or '')}, ARRAY[{groups}], ARRAY[{lists}])"
    return _object(relation, item.object or {}, column, value)


def flag_field(path: str, value: str) -> str:
    """Return the JSON that a flag is read from."""
    return f"({value} #> {literal('{' + path.replace('.', ',') + '}')})"


def _lists(paths: Sequence[str], value: str) -> str:
    """Return what is at these paths, without looking at its type, which costs twice as much."""
    names = [quote(path) for path in paths]
    listed = [f"CASE WHEN pg_column_size(c.{n}) <= {CARD_LIMIT} THEN c.{n} END" for n in names]
    taken = _taken([path.split(".") for path in paths], value)
    return f"(SELECT jsonb_build_array({', '.join(listed)})\n    FROM {taken})"


def _taken(paths: Iterable[Sequence[str]], value: str) -> str:
    """Select what is at each path of the document, as the columns of a row `c`, looked up once.

    `|| '{}'` gives the document back as it is, but out of TOAST: once, instead of for each path.
    """
    columns = ", ".join(
        f"{' -> '.join(['whole.v', *map(literal, path)])} AS {quote('.'.join(path))}"
        for path in paths
    )
    whole = f"(SELECT {value} || '{{}}' AS v OFFSET 0) AS whole"
    return f"(SELECT {columns}\n        FROM {whole} OFFSET 0) AS c"


def _joined(relation: Relation, names: Sequence[str], column: ColumnSql, value: str) -> str:
    """Join the columns and fields by spaces; each is cut, so that none displaces another."""
    parts = []
    for name in names:
        owned = relation.owned_columns.get(name)
        text = f"outgrow.text_of({value} -> {literal(name)})" if owned is None else column(name)
        if owned is not None and owned.sql_type == "jsonb":
            # Of what cannot be read there may be a gigabyte of text, and no write would pass.
            text = f"CASE WHEN outgrow.is_readable({text}) THEN ({text})::text END"
        parts.append(f"coalesce(left({text}, {SEARCH_LIMIT}), '')")
    return " || ' ' || ".join(parts)


def _object(
    relation: Relation, items: Mapping[str, CardItem], column: ColumnSql, value: str
) -> str:
    """Return JSON text of the named fields. A field is null where it is absent, too large, of
    another type, or not readable by every reader of JSON.

    `format` puts the fields together in one call: with `||` a page cost a seventh more, and
    jsonb_build_object costs more still.
    """
    fields: dict[str, None] = {}
    parts: list[str] = []
    for item in items.values():
        owned = relation.owned_columns.get(item.column or "")
        if owned is not None and owned.key:
            parts.append(f"to_json({column(item.column or '')})")
            continue
        field = (owned.field if owned is not None else item.field) or ""
        fields[field] = None
        parts.append(_object_item(item, owned, f"c.{quote(field)}"))
    pattern = literal("{" + ",".join(f'"{name}":%s' for name in items) + "}")
    text = ",\n        ".join([pattern, *parts])
    return f"(SELECT format({text})\n    FROM {_taken([[field] for field in fields], value)})"


def _object_item(item: CardItem, column: Column | None, field: str) -> str:
    """Return one field of an object. Most values are short texts, which `pg_column_size` (bytes,
    never fewer than characters) tells for a tenth of the cost of taking the text out."""
    is_short = f"jsonb_typeof({field}) = 'string' AND pg_column_size({field}) <= "
    if column is not None and column.type == "label":
        label = f"coalesce(to_jsonb(outgrow.label_of({field})), 'null')"
        return f"CASE WHEN {is_short}{SEGMENT_LIMIT} THEN {field} ELSE {label} END"
    if column is not None and column.type == "time":
        # Its form only: `time_of` costs more than all other fields. A 31st of June is shown.
        fits = " OR ".join(f"{field}::text LIKE {literal(shape)}" for shape in _TIME_SHAPES)
    elif column is not None and column.type in _WHOLE:
        fits = f"{is_short}{_WHOLE[column.type]} OR outgrow.{column.type}_of({field}) IS NOT NULL"
    elif column is not None and column.sql_type == "text":
        fits = f"outgrow.{column.type}_of({field}) IS NOT NULL"
    elif column is None and item.type == "number":
        fits = f"outgrow.number_of({field}) IS NOT NULL"
    else:
        kind = column.type if column is not None else item.type
        fits = f"jsonb_typeof({field}) = {literal(kind)}"
        fits += f" AND pg_column_size({field}) <= {CARD_LIMIT}"
        if kind in ("array", "object"):
            fits += f" AND outgrow.is_readable({field})"
    return f"CASE WHEN {fits} THEN {field} ELSE 'null' END"


def column_of(relation: Relation, pattern: Pattern, key: str, value: str) -> ColumnSql:
    """Return the expressions of a relation's columns straight from a store row, for an index."""

    def sql(name: str) -> str:
        column = relation.owned_columns[name]
        if column.key:
            return variable(pattern, column.key, key)
        return from_json(column, value)

    return sql
