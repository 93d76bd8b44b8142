"""A blueprint: which keys a store has, and what relations the application sees in them. No I/O.

A blueprint is a TOML file (docs/blueprints.md). The structs below are its grammar as well: a field
that is not here is an error that names its place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from importlib import resources
from typing import Literal

import msgspec

from outgrow.errors import BadInput

Shape = Literal["document", "ids", "objects", "map", "scalar", "opaque"]
ColumnType = Literal["key", "short", "label", "text", "number", "boolean", "time", "array", "json"]
JsonType = Literal["string", "number", "boolean", "array", "object"]
IndexKind = Literal["btree", "contains", "words"]
Home = Literal["store", "shadow"]

SEGMENT_LIMIT = 200
"""Characters of one variable in a key, of a `key` and of a `label` column. A btree entry holds at
most 2,704 bytes; three such texts of four bytes a character and a timestamp fit. A key with a
longer segment belongs to no pattern and stays opaque: no index can make its write fail."""

KEY_PARTS = 3
"""Texts of that length in the primary key of a relation's table."""

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)(\.\.\.)?\}")
_SPECIAL = re.compile(r"[\\.^$*+?()\[\]{}|]")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A family of keys. `{id}` is one segment without `:`, `{id...}` may hold `:`."""

    key: str
    shape: Shape

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """Literals at even places, variables at odd ones: `("user:", "{id}", ":chats")`."""
        return tuple(re.split(r"(\{[^{}]*\})", self.key))

    @cached_property
    def variables(self) -> tuple[str, ...]:
        return tuple(m[1] for m in _VARIABLE.finditer(self.key))

    @cached_property
    def spans_segments(self) -> bool:
        return "..." in self.key

    @cached_property
    def prefix(self) -> str:
        return self.pieces[0]

    @cached_property
    def suffix(self) -> str:
        return self.pieces[-1]

    @cached_property
    def regex(self) -> str:
        """Which keys the pattern describes: one text for PostgreSQL's `~` and for `re` (DOTALL)."""
        return self._regex(f"{{1,{SEGMENT_LIMIT}}}")

    @cached_property
    def loose_regex(self) -> str:
        """As `regex`, with variables of any length: 80 times as fast in PostgreSQL."""
        return self._regex("+")

    @cached_property
    def surely_short(self) -> int:
        """Up to this length of a key no variable can be over the limit."""
        literals = len(_VARIABLE.sub("", self.key))
        return literals + SEGMENT_LIMIT + max(0, len(self.variables) - 1)

    def _regex(self, times: str) -> str:
        parts = []
        for place, piece in enumerate(self.pieces):
            if place % 2 == 0:
                parts.append(_SPECIAL.sub(r"\\\g<0>", piece))
            else:
                parts.append(f"({'.' if '...' in piece else '[^:]'}{times})")
        return f"^{''.join(parts)}$"

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.regex[:-1] + r"\Z", re.DOTALL)

    @cached_property
    def precedence(self) -> tuple[int, int, int]:
        """Smaller wins: more literal characters, then fewer `...`, then fewer segments."""
        return (
            -len(_VARIABLE.sub("", self.key)),
            self.key.count("..."),
            self.key.count(":"),
        )

    def may_overlap(self, other: Pattern) -> bool:
        """False only when no key can match both."""
        short, long = sorted((self.prefix, other.prefix), key=len)
        if not long.startswith(short):
            return False
        short, long = sorted((self.suffix, other.suffix), key=len)
        if not long.endswith(short):
            return False
        fewest, most = self._colons()
        other_fewest, other_most = other._colons()
        return fewest <= other_most and other_fewest <= most

    def _colons(self) -> tuple[float, float]:
        colons = _VARIABLE.sub("", self.key).count(":")
        return colons, float("inf") if self.spans_segments else colons

    def fill(self, **values: str) -> str:
        return _VARIABLE.sub(lambda m: values[m[1]], self.key)


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Where a column's value is: a variable of the key, a field of the document, element or member,
    the element itself, its place in the list, the name or the whole value of a map's member, or
    (only a type) nowhere while the home is the store."""

    key: str | None = None
    field: str | None = None
    element: bool = False
    position: bool = False
    entry: bool = False
    value: bool = False
    type: ColumnType = "key"

    @property
    def sql_type(self) -> str:
        if self.position:
            return "bigint"
        return {
            "number": "numeric",
            "boolean": "boolean",
            "time": "timestamptz",
            "array": "jsonb",
            "json": "jsonb",
        }.get(self.type, "text")


class CardItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    column: str | None = None
    field: str | None = None
    type: JsonType = "string"


class Computed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A read-only column, by exactly one of: `lower`, `sort`, `flag`, `words`, `search`, `object`,
    `lists`, `traits`.

    `search` lists the columns and fields that are searched, `within` the column that every search
    is limited to, `name` the column whose words are searched with typos. `traits` lists the columns
    whose elements are compared `within` a column, among those who are alike in one of the `groups`.
    """

    lower: str | None = None
    sort: str | None = None
    flag: str | None = None
    missing: bool = False
    words: str | None = None
    search: tuple[str, ...] | None = None
    within: str | None = None
    name: str | None = None
    object: dict[str, CardItem] | None = None
    lists: tuple[str, ...] | None = None
    traits: tuple[str, ...] | None = None
    groups: tuple[str, ...] = ()


class Relation(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    dict=True,
    rename={"source": "from"},
):
    """A view. Owned: of a `pattern`. Derived: of another relation (`from`), read only."""

    columns: dict[str, Column | str]
    pattern: str | None = None
    source: str | None = None
    unnest: str | None = None
    present: str | None = None
    computed: dict[str, Computed] = {}

    @property
    def own(self) -> dict[str, Column]:
        """The columns of an owned relation."""
        return {name: c for name, c in self.columns.items() if isinstance(c, Column)}

    @property
    def renamed(self) -> dict[str, str]:
        """The columns of a derived relation: name -> the source's, `element` or `position`."""
        return {name: c for name, c in self.columns.items() if isinstance(c, str)}

    @property
    def key_columns(self) -> dict[str, str]:
        """Variable of the pattern -> column that holds it."""
        return {c.key: name for name, c in self.own.items() if c.key}

    @property
    def fields(self) -> dict[str, Column]:
        return {name: c for name, c in self.own.items() if c.field}

    @property
    def encoded(self) -> dict[str, Column]:
        """The columns that a document, an element or a member is made of again."""
        return {name: c for name, c in self.own.items() if c.field or c.value}

    @property
    def has_rest(self) -> bool:
        """False where one column is the whole: an element of `ids`, a member's value."""
        return not any(c.element or c.value for c in self.own.values())

    @property
    def entry(self) -> str:
        """The column with the name of a map's member."""
        return next(name for name, c in self.own.items() if c.entry)


class Derived(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    dict=True,
    rename={"source": "from"},
):
    """A pattern whose lists the application's writes keep for old clients."""

    source: str
    key: dict[str, str]
    element: str
    kept: bool = False


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """`on` says where: the store (phase `optimized`), the relation's table, or both."""

    relation: str
    columns: tuple[str, ...]
    kind: IndexKind = "btree"
    on: Literal["store", "table", "both"] = "both"

    @property
    def on_store(self) -> bool:
        return self.on != "table"

    @property
    def on_table(self) -> bool:
        """A table has no `probe`: its columns say themselves what they hold."""
        return self.on != "store" and "probe" not in self.columns


class Blueprint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    name: str
    patterns: dict[str, Pattern]
    relations: dict[str, Relation]
    derived: dict[str, Derived] = {}
    indexes: tuple[Index, ...] = ()
    hybrid: tuple[str, ...] = ()
    """The relations that have tables in the phase `hybrid`; in `relational` all have."""

    def source_of(self, name: str) -> str:
        """The relation with the pattern that the relation's rows come from: itself, or another."""
        return self.relations[name].source or name

    def pattern_of(self, name: str) -> Pattern:
        return self.patterns[self.relations[self.source_of(name)].pattern or ""]

    @cached_property
    def by_precedence(self) -> tuple[str, ...]:
        """Names of the patterns, the one that wins first."""
        return tuple(sorted(self.patterns, key=lambda name: self.patterns[name].precedence))

    def match(self, key: str) -> str | None:
        """The name of the pattern that the key belongs to, or None: an opaque key."""
        for name in self.by_precedence:
            if self.patterns[name].compiled.match(key):
                return name
        return None

    def winners_over(self, name: str) -> list[Pattern]:
        """The patterns that may take a key from this one."""
        place = self.by_precedence.index(name)
        pattern = self.patterns[name]
        winners = (self.patterns[other] for other in self.by_precedence[:place])
        return [winner for winner in winners if winner.may_overlap(pattern)]

    def derived_relations(self, source: str) -> dict[str, Relation]:
        return {name: r for name, r in self.relations.items() if r.source == source}


def parse(text: str) -> Blueprint:
    """Read a blueprint. Raises BadInput that names the place of the first mistake."""
    try:
        blueprint = msgspec.toml.decode(text, type=Blueprint)
    except msgspec.DecodeError as e:
        raise _bad(str(e)) from e
    for problem in _problems(blueprint):
        raise _bad(problem)
    return blueprint


def campus() -> Blueprint:
    """The blueprint of the campus network."""
    file = resources.files("outgrow.campus").joinpath("blueprint.toml")
    return parse(file.read_text(encoding="utf-8"))


def _bad(problem: str) -> BadInput:
    return BadInput(
        "bad_blueprint",
        f"the blueprint cannot be used: {problem}",
        hint="the grammar is in docs/blueprints.md",
    )


def _problems(blueprint: Blueprint) -> Iterator[str]:
    names = [blueprint.name, *blueprint.patterns, *blueprint.relations]
    for relation in blueprint.relations.values():
        names += [*relation.columns, *relation.computed]
        names += [item for made in relation.computed.values() for item in made.object or ()]
    for name in names:
        if not _NAME.match(name):
            yield f"{name!r} is not a name (lower-case letters, digits, _; at most 40)"
    for name, pattern in blueprint.patterns.items():
        yield from _pattern_problems(name, pattern)
    for name, relation in blueprint.relations.items():
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
        indexed = blueprint.relations.get(index.relation)
        if indexed is None:
            yield f"indexes: there is no relation {index.relation!r}"
            continue
        if indexed.pattern is None and index.on_store:
            yield f"indexes: {index.relation} has no pattern: only its table can have an index"
        elif index.on_store and blueprint.pattern_of(index.relation).shape != "document":
            for column in set(index.columns) - {*indexed.key_columns.values(), "probe"}:
                yield (
                    f"indexes: a key of {index.relation} has many rows: "
                    f'{column!r} can be indexed on = "table" only'
                )
        for column in index.columns:
            if column not in {*indexed.columns, *indexed.computed, "probe"}:
                yield f"indexes: {index.relation} has no column {column!r}"
        if index.kind != "btree" and len(index.columns) != 1:
            yield f"indexes: a {index.kind} index of {index.relation} has one column"


def _pattern_problems(name: str, pattern: Pattern) -> Iterator[str]:
    if "{" in _VARIABLE.sub("", pattern.key) or "}" in _VARIABLE.sub("", pattern.key):
        yield f"patterns.{name}.key: variables are written {{name}} or {{name...}}"
    if len(set(pattern.variables)) != len(pattern.variables):
        yield f"patterns.{name}.key: a variable stands twice"
    if "" in pattern.pieces[2:-1:2]:
        yield f"patterns.{name}.key: two variables need something between them"


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
    """Which sources there are depends on the shape."""
    columns = relation.own.values()
    for name, column in relation.own.items():
        others = [column.element, column.position, column.entry, column.value]
        if sum([column.key is not None, column.field is not None, *others]) > 1:
            yield f"{where}.columns.{name}: one source only"
        if name in ("at", "probe", "rest"):
            yield f"{where}.columns.{name}: every relation has a column of that name itself"
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
    """It is made of columns alone: what looks into the document would look at the whole list."""
    if computed.sort is not None and computed.sort in relation.own:
        return relation.own[computed.sort].sql_type == "text"
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
    if relation.own or relation.computed:
        yield f"{where}: a relation from another one takes names of its columns only"


def _list_problems(blueprint: Blueprint, name: str, derived: Derived) -> Iterator[str]:
    where = f"derived.{name}"
    pattern = blueprint.patterns.get(name)
    source = blueprint.relations.get(derived.source)
    if pattern is None or pattern.shape != "ids":
        yield f"{where}: there is no pattern of that name and of the shape `ids`"
        return
    if source is None:
        yield f"{where}: there is no relation {derived.source!r}"
        return
    if sorted(derived.key) != sorted(pattern.variables):
        yield f"{where}.key: every variable of {pattern.key!r}, and no other"
    for column in [*derived.key.values(), *_VARIABLE.findall(derived.element)]:
        column_name = column if isinstance(column, str) else column[0]
        if column_name not in source.columns:
            yield f"{where}: {derived.source} has no column {column_name!r}"
