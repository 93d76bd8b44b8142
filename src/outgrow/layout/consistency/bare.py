"""What the functions of schema `outgrow` say of single values, said without them: for a plan,
before anything is installed. A time is judged by its form: a 31st of June passes. No I/O."""

from __future__ import annotations

from outgrow.blueprint import SEGMENT_LIMIT, Blueprint, Column, Relation
from outgrow.layout import expressions as ex
from outgrow.queries import literal

NUMBER_LIMIT = 60  # characters of a `number`
LIMITS = {"key": SEGMENT_LIMIT, "short": ex.SHORT_LIMIT, "number": NUMBER_LIMIT}
JSON: dict[str, str | None] = {
    "number": "number",
    "boolean": "boolean",
    "array": "array",
    "json": None,
}
"""The JSON type of a column's type, where it is no string; None for any."""


def text(value: str, limit: int = SEGMENT_LIMIT) -> str:
    """The text that a JSON value holds, unless it is too long."""
    return (
        f"CASE WHEN jsonb_typeof({value}) = 'string' AND length({value} #>> '{{}}') <= {limit} "
        f"THEN {value} #>> '{{}}' END"
    )


def is_long(value: str, limit: int, json: str = "string") -> str:
    return f"jsonb_typeof({value}) = '{json}' AND length({value} #>> '{{}}') > {limit}"


def is_no(value: str, json: str) -> str:
    """Of another type. A JSON null is of none: the column says nothing either."""
    return f"jsonb_typeof({value}) NOT IN ('{json}', 'null')"


def is_time(value: str) -> str:
    return (
        f"translate({value} #>> '{{}}', '123456789', '000000000') "
        "IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')"
    )


def is_member(relation: Relation, entry: str, value: str) -> str:
    """A map's member is a row: its whole value is what a column of this type holds exactly, or an
    object."""
    kind = next((column.type for column in relation.own.values() if column.value), None)
    json = "object" if kind is None else JSON.get(kind, "string")
    fits = (
        f"jsonb_typeof({value}) <> 'null'" if json is None else f"jsonb_typeof({value}) = '{json}'"
    )
    if kind in LIMITS:
        fits += f" AND length({value} #>> '{{}}') <= {LIMITS[kind]}"
    elif kind == "time":
        fits += f" AND {is_time(value)}"
    return f"length({entry}) <= {SEGMENT_LIMIT} AND {fits}"


def column(blueprint: Blueprint, source: str, name: str) -> str:
    """A column of text of a relation of documents, from `s.key` and `s.value`."""
    own: Column = blueprint.relations[source].own[name]
    if own.key:
        return ex.variable(blueprint.pattern_of(source), own.key, "s.key")
    field = f"s.value -> {literal(own.field or '')}"
    if own.type == "label":
        cut = f"left({field} #>> '{{}}', {SEGMENT_LIMIT})"
        return f"CASE WHEN jsonb_typeof({field}) = 'string' THEN {cut} END"
    if own.type in ("key", "short"):
        return text(field, LIMITS[own.type])
    return f"{field} #>> '{{}}'"
