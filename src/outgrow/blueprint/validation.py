"""The errors of a blueprint that can be parsed: names, sources, and what no index can hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outgrow.blueprint import Blueprint, Column, Computed, Derived, Index, Pattern, Relation

KEY_PARTS = 3
"""Texts of 200 characters in the primary key of a relation's table."""

MOST_BYTES = 2620
"""Of all columns of a btree entry, which holds 2,704 with its header, lengths and alignment."""

_BYTES = {"key": 800, "short": 160, "label": 800, "number": 40, "boolean": 1, "time": 8}
"""Of a column at most, at four bytes a character; the other types have no limit."""

LATEST = 86_400
"""Seconds that a derived list may be late."""

VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)(\.\.\.)?\}")
_CONTROL = re.compile(  # of a terminal, of lines, or of the direction in which text runs
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_TAG = re.compile(r"\$([^\W\d]\w*)?\$")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")

SYSTEM_COLUMNS = frozenset(("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"))
"""Names that PostgreSQL keeps for itself in every table."""

_SCHEMAS = frozenset(("outgrow", "network", "public", "information_schema"))


def problems(blueprint: Blueprint) -> Iterator[str]:
    """Yield a sentence for each error."""
    names = [blueprint.name, *blueprint.patterns, *blueprint.relations]
    for relation in blueprint.relations.values():
        names += [*relation.columns, *relation.computed]
        names += [item for made in relation.computed.values() for item in made.object or ()]
    for name in names:
        if not _NAME.match(name):
            yield f"{name!r} is not a name (lower-case letters, digits, _; at most 40)"
    if blueprint.name in _SCHEMAS or blueprint.name.startswith("pg_"):
        yield f"name: {blueprint.name!r} is the name of a schema that others use"
    for name, pattern in blueprint.patterns.items():
        yield from pattern_problems(name, pattern)
    for name, relation in blueprint.relations.items():
        yield from _reserved(blueprint, name, relation)
        for field in _fields(relation):
            if (what := unfit(field)) is not None:
                yield f"relations.{name}: the field {field!r} holds {what}"
        owned = _owned_problems if relation.pattern else _derived_problems
        yield from owned(blueprint, name, relation)
    owners = [r.pattern for r in blueprint.relations.values() if r.pattern]
    for pattern_name in {p for p in owners if owners.count(p) > 1}:
        yield f"patterns.{pattern_name} is owned by two relations"
    for name in blueprint.hybrid:
        if name not in blueprint.relations:
            yield f"hybrid: there is no relation {name!r}"
    for name, derived in blueprint.derived.items():
        yield from _list_problems(blueprint, name, derived)
    for index in blueprint.indexes:
        yield from _index_problems(blueprint, index)


def _reserved(blueprint: Blueprint, name: str, relation: Relation) -> Iterator[str]:
    """Yield the names that the relation's view or tables already use."""
    where = f"relations.{name}.columns"
    for column in [*relation.columns, *relation.computed]:
        if column in ("store_key", "store_value") or (column == "rest" and relation.pattern):
            yield f"{where}.{column}: every relation has a column of that name itself"
        if column in SYSTEM_COLUMNS:
            yield f"{where}.{column}: PostgreSQL has a column of that name in every table"
    if "unmapped" in relation.key_columns.values():
        yield f"{where}.unmapped: the name is taken in a table of lists"
    if name.endswith("_lists") and name.removesuffix("_lists") in blueprint.relations:
        yield f"relations.{name}: the name is taken by the lists of {name.removesuffix('_lists')}"


def unfit(text: str) -> str | None:
    """Return what in a literal or a field's name must not be in SQL that people read, or None: it
    would hide something from them, or look like the end of a function's body."""
    if match := _CONTROL.search(text):
        return f"a control character (U+{ord(match[0]):04X})"
    if match := _TAG.search(text):
        return f"{match[0]!r}, which quotes in SQL"
    return None


def _fields(relation: Relation) -> Iterator[str]:
    """Yield all names of fields that the relation's SQL has."""
    yield from (c.field for c in relation.owned_columns.values() if c.field)
    for made in relation.computed.values():
        yield from (item.field for item in (made.object or {}).values() if item.field)
        yield from (name for name in (made.flag, *(made.search or ()), *(made.lists or ())) if name)


def pattern_problems(name: str, pattern: Pattern) -> Iterator[str]:
    if "{" in VARIABLE.sub("", pattern.key) or "}" in VARIABLE.sub("", pattern.key):
        yield f"patterns.{name}.key: variables are written {{name}} or {{name...}}"
    if (what := unfit(pattern.key)) is not None:
        yield f"patterns.{name}.key holds {what}"
    for variable in pattern.variables:
        if not _NAME.match(variable):
            yield f"patterns.{name}.key: {variable!r} is too long for a name (at most 40)"
    if len(set(pattern.variables)) != len(pattern.variables):
        yield f"patterns.{name}.key: a variable stands twice"
    if "" in pattern.pieces[2:-1:2]:
        yield f"patterns.{name}.key: two variables need something between them"


def _index_problems(blueprint: Blueprint, index: Index) -> Iterator[str]:
    """Yield what may not fit into an index: then a client's write would fail."""
    relation = blueprint.relations.get(index.relation)
    if relation is None:
        yield f"indexes: there is no relation {index.relation!r}"
        return
    if relation.pattern is None and index.on_store:
        yield f"indexes: {index.relation} has no pattern: only its table can have an index"
        return
    if index.on_store and blueprint.pattern_of(index.relation).shape != "document":
        for column in set(index.columns) - {*relation.key_columns.values(), "store_value"}:
            yield (
                f"indexes: a key of {index.relation} has many rows: "
                f'{column!r} can be indexed on = "table" only'
            )
    unknown = set(index.columns) - {*relation.columns, *relation.computed, "store_value"}
    for column in unknown:
        yield f"indexes: {index.relation} has no column {column!r}"
    if unknown:
        return
    if index.kind != "btree":
        if len(index.columns) != 1:
            yield f"indexes: a {index.kind} index of {index.relation} has one column"
        for column in index.columns:
            if _holds(blueprint, relation, column) != index.kind:
                yield f"indexes: {column!r} of {index.relation} cannot have a {index.kind} index"
        return
    sizes = {column: _bytes(blueprint, relation, column) for column in index.columns}
    for column in (c for c, size in sizes.items() if size is None):
        yield f"indexes: {column!r} of {index.relation} may be of any length: no btree holds it"
    if sum(sizes[column] or 0 for column in index.columns) > MOST_BYTES:
        yield f"indexes: {', '.join(index.columns)} of {index.relation} may not fit into one entry"


def _holds(blueprint: Blueprint, relation: Relation, name: str) -> str | None:
    """Return the kind of GIN index that takes whatever the column may hold. A text of over 1 MB,
    for one, has too many words for PostgreSQL."""
    if name == "store_value":
        return "contains"
    column, computed = _origin(blueprint, relation, name)
    if computed is not None:
        return "words" if computed.search or computed.traits or computed.words else None
    if column is not None and column.sql_type == "jsonb":
        return "contains"
    return "words" if column is not None and column.type in ("key", "short", "label") else None


def _bytes(blueprint: Blueprint, relation: Relation, name: str) -> int | None:
    """Return how large the column may be in an index; None for any size."""
    column, computed = _origin(blueprint, relation, name)
    if column is not None:
        return 8 if column.position else _BYTES.get(column.type)
    if computed is None:  # what `unnest` gives: a place, or an element, which is a key
        return None if name == "store_value" else _BYTES["key"]
    if computed.lower is not None:
        return _bytes(blueprint, relation, computed.lower)
    if computed.sort is not None:
        sorted_by, _ = _origin(blueprint, relation, computed.sort)
        return 32 if sorted_by is not None and sorted_by.type == "time" else 256  # 64 characters
    if computed.words is not None:
        return 400  # 100 characters
    return 1 if computed.flag is not None else None


def _origin(
    blueprint: Blueprint, relation: Relation, name: str
) -> tuple[Column | None, Computed | None]:
    """Return the column, or how it is computed, where it comes from; neither for what `unnest`
    gives."""
    source = blueprint.relations.get(relation.source or "", relation)
    name = relation.renamed.get(name, name)
    return source.owned_columns.get(name), source.computed.get(name)


def _owned_problems(blueprint: Blueprint, name: str, relation: Relation) -> Iterator[str]:
    where = f"relations.{name}"
    pattern = blueprint.patterns.get(relation.pattern or "")
    if pattern is None:
        yield f"{where}.pattern: there is no pattern {relation.pattern!r}"
        return
    if pattern.shape not in ("document", "ids", "objects", "map"):
        yield f"{where}: the shape {pattern.shape} has no relation yet"
    if relation.renamed:
        yield f"{where}.columns: a relation of a pattern takes tables, not names"
    if sorted(relation.key_columns) != sorted(pattern.variables):
        yield f"{where}: every variable of {pattern.key!r} needs a column, and no other"
    yield from _column_problems(where, relation, pattern)
    known = set(relation.columns)
    for computed_name, computed in relation.computed.items():
        texts = [computed.lower, computed.sort, computed.flag, computed.words]
        kinds = [*texts, computed.search, computed.object, computed.lists, computed.traits]
        if sum(kind is not None for kind in kinds) != 1:
            yield (
                f"{where}.computed.{computed_name}: "
                "exactly one of lower, sort, flag, words, search, object, lists, traits"
            )
        if computed.search is not None and not (computed.within and computed.name):
            yield f"{where}.computed.{computed_name}: search needs `within` and `name`"
        if computed.traits is not None and not (computed.within and computed.groups):
            yield f"{where}.computed.{computed_name}: traits need `within` and `groups`"
        named = {computed.lower, computed.sort, computed.words}
        named |= {computed.within, computed.name, *(computed.traits or ()), *computed.groups}
        named |= {item.column for item in (computed.object or {}).values()}
        first = next(iter((computed.object or {}).values()), None)
        if first is not None and first.column not in relation.key_columns.values():
            yield f"{where}.computed.{computed_name}: an object begins with a column of the key"
        for missing in named - known - {None}:
            yield f"{where}.computed.{computed_name}: there is no column {missing!r}"
        if pattern.shape != "document" and not _of_columns(relation, computed):
            yield (
                f"{where}.computed.{computed_name}: "
                "of a list or map only lower, words and sort of a text"
            )


def _column_problems(where: str, relation: Relation, pattern: Pattern) -> Iterator[str]:
    """Yield sources that the pattern's shape does not have."""
    columns = relation.owned_columns.values()
    for name, column in relation.owned_columns.items():
        others = [column.element, column.position, column.entry, column.value]
        if sum([column.key is not None, column.field is not None, *others]) > 1:
            yield f"{where}.columns.{name}: one source only"
    if sum(c.position for c in columns) != (pattern.shape in ("ids", "objects")):
        yield f"{where}: a list has one `position` column, a document none, a map none"
    if sum(c.element for c in columns) != (pattern.shape == "ids"):
        yield f"{where}: `ids` has one `element` column, other shapes none"
    if pattern.shape == "ids" and relation.fields:
        yield f"{where}: the elements of `ids` have no fields"
    if sum(c.entry for c in columns) != (pattern.shape == "map"):
        yield f"{where}: a map has one `entry` column, other shapes none"
    values = [c for c in columns if c.value]
    if values and (pattern.shape != "map" or len(values) > 1 or relation.fields):
        yield f"{where}: a `value` column is a map's only one, without fields"
    if len(pattern.variables) + sum(c.element or c.entry for c in columns) > KEY_PARTS:
        yield f"{where}: rows of more than {KEY_PARTS} ids may not fit into an index"
    if any(c.type == "label" for c in values):
        yield f"{where}: a `value` is no label: a text that was cut is not the member"


def _of_columns(relation: Relation, computed: Computed) -> bool:
    """Return whether it is computed from columns alone: from a document it would read the whole
    list."""
    if computed.sort is not None and computed.sort in relation.owned_columns:
        return relation.owned_columns[computed.sort].sql_type == "text"
    return computed.lower is not None or computed.words is not None


def _derived_problems(blueprint: Blueprint, name: str, relation: Relation) -> Iterator[str]:
    where = f"relations.{name}"
    source = blueprint.relations.get(relation.source or "")
    if source is None or source.pattern is None:
        yield f"{where}: needs a `pattern`, or `from` a relation that has one"
        return
    if blueprint.pattern_of(name).shape != "document":
        yield f"{where}: {relation.source} is no relation of documents"
    known = {*source.columns, *source.computed}
    if relation.unnest:
        known |= {"element", "position"}
    for column in [*relation.renamed.values(), relation.unnest, relation.present]:
        if column is not None and column not in known:
            yield f"{where}: {relation.source} has no column {column!r}"
    if not set(source.key_columns.values()) <= set(relation.renamed.values()):
        yield f"{where}: the columns of the key of {relation.source} are missing"
    if relation.unnest and "element" not in relation.renamed.values():
        yield f"{where}: the element of {relation.unnest} is missing"
    if relation.unnest and len(source.key_columns) >= KEY_PARTS:
        yield f"{where}: rows of more than {KEY_PARTS} ids may not fit into an index"
    if relation.owned_columns or relation.computed:
        yield f"{where}: a relation from another one takes names of its columns only"


def _list_problems(blueprint: Blueprint, name: str, derived: Derived) -> Iterator[str]:
    where = f"derived.{name}"
    pattern = blueprint.patterns.get(name)
    source = blueprint.relations.get(derived.source)
    if pattern is None or pattern.shape != "ids":
        yield f"{where}: there is no pattern of that name and of the shape `ids`"
        return
    if (what := unfit(derived.element)) is not None:
        yield f"{where}.element holds {what}"
    if not 0 <= derived.late <= LATEST:
        yield f"{where}.late: seconds, 0 to {LATEST:,}"
    if source is None:
        yield f"{where}: there is no relation {derived.source!r}"
        return
    if sorted(derived.key) != sorted(pattern.variables):
        yield f"{where}.key: every variable of {pattern.key!r}, and no other"
    for column in [*derived.key.values(), *VARIABLE.findall(derived.element)]:
        column_name = column if isinstance(column, str) else column[0]
        if column_name not in source.columns:
            yield f"{where}: {derived.source} has no column {column_name!r}"
