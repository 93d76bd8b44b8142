"""A blueprint: which keys a store has, and what relations the application sees in them. No I/O.

A blueprint is a TOML file (docs/blueprints.md). The structs below are its grammar as well: a field
that is not here is an error that names its path in the file.
"""

from __future__ import annotations

import re
from functools import cached_property
from importlib import resources
from typing import Literal

import msgspec

from outgrow.blueprint.validation import VARIABLE, problems
from outgrow.errors import BadInput

Shape = Literal["document", "ids", "objects", "map", "scalar", "opaque"]
ColumnType = Literal["key", "short", "label", "text", "number", "boolean", "time", "array", "json"]
JsonType = Literal["string", "number", "boolean", "array", "object"]
IndexKind = Literal["btree", "contains", "words"]
Backing = Literal["store", "shadow"]

SEGMENT_LIMIT = 200
"""Characters of one variable in a key, of a `key` and of a `label` column. A btree entry holds at
most 2,704 bytes; three such texts of four bytes a character and a timestamp fit. A key with a
longer segment belongs to no pattern and stays opaque: no index can make its write fail."""

_SPECIAL = re.compile(r"[\\.^$*+?()\[\]{}|]")


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A family of keys. `{id}` is one segment without `:`, `{id...}` may hold `:`."""

    key: str
    shape: Shape

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """Literals at even indexes, variables at odd ones: `("user:", "{id}", ":chats")`."""
        return tuple(re.split(r"(\{[^{}]*\})", self.key))

    @cached_property
    def variables(self) -> tuple[str, ...]:
        return tuple(m[1] for m in VARIABLE.finditer(self.key))

    @cached_property
    def spans_segments(self) -> bool:
        return any(dots for _, dots in VARIABLE.findall(self.key))

    def alone(self, name: str) -> tuple[int, str, str] | None:
        """Return the number of the segment (from 1) in which this variable is the only one, and the
        literals around it there; None where another shares it, or some variable spans segments."""
        if self.spans_segments:
            return None
        for number, segment in enumerate(self.key.split(":"), 1):
            before, _, after = segment.partition(f"{{{name}}}")
            if before != segment:
                return None if "{" in before + after else (number, before, after)
        raise KeyError(name)

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
        literals = len(VARIABLE.sub("", self.key))
        return literals + SEGMENT_LIMIT + max(0, len(self.variables) - 1)

    def _regex(self, times: str) -> str:
        parts = []
        for index, piece in enumerate(self.pieces):
            if index % 2 == 0:
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
            -len(VARIABLE.sub("", self.key)),
            sum(bool(dots) for _, dots in VARIABLE.findall(self.key)),
            self.key.count(":"),
        )

    def may_overlap(self, other: Pattern) -> bool:
        """Return False only when no key can match both."""
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
        colons = VARIABLE.sub("", self.key).count(":")
        return colons, float("inf") if self.spans_segments else colons

    def fill(self, **values: str) -> str:
        return VARIABLE.sub(lambda m: values[m[1]], self.key)


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A column and where its value is: a variable of the key, a field of the document, element or
    member, the element itself, its position in the list, the name or the whole value of a map's
    member, or (only a type) nowhere while the backing is the store."""

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
    """A view: owned, of a `pattern`; or derived from another relation (`from`), and read only."""

    columns: dict[str, Column | str]
    pattern: str | None = None
    source: str | None = None
    unnest: str | None = None
    present: str | None = None
    computed: dict[str, Computed] = {}

    @property
    def owned_columns(self) -> dict[str, Column]:
        """The columns of an owned relation, each with where its value is in the store."""
        return {name: c for name, c in self.columns.items() if isinstance(c, Column)}

    @property
    def renamed(self) -> dict[str, str]:
        """The columns of a derived relation: name -> the source's, `element` or `position`."""
        return {name: c for name, c in self.columns.items() if isinstance(c, str)}

    @property
    def key_columns(self) -> dict[str, str]:
        """Variable of the pattern -> column that holds it."""
        return {c.key: name for name, c in self.owned_columns.items() if c.key}

    @property
    def fields(self) -> dict[str, Column]:
        return {name: c for name, c in self.owned_columns.items() if c.field}

    @property
    def encoded(self) -> dict[str, Column]:
        """The columns that a document, an element or a member is made of again."""
        return {name: c for name, c in self.owned_columns.items() if c.field or c.value}

    @property
    def has_rest(self) -> bool:
        """Whether there may be more than the columns; not where one column is the whole: an element
        of `ids`, a member's value."""
        return not any(c.element or c.value for c in self.owned_columns.values())

    @property
    def entry(self) -> str:
        """The column with the name of a map's member."""
        return next(name for name, c in self.owned_columns.items() if c.entry)


class Derived(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    dict=True,
    rename={"source": "from"},
):
    """A pattern whose lists the application's writes keep for old clients; by a job within `late`
    seconds, unless it is 0."""

    source: str
    key: dict[str, str]
    element: str
    kept: bool = False
    late: int = 0


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """An index on the store (phase `optimized`), the relation's table, or both."""

    relation: str
    columns: tuple[str, ...]
    kind: IndexKind = "btree"
    on: Literal["store", "table", "both"] = "both"

    @property
    def on_store(self) -> bool:
        return self.on != "table"

    @property
    def on_table(self) -> bool:
        """Whether the table has it. A table has no `store_value`: its columns hold the same."""
        return self.on != "store" and "store_value" not in self.columns


class Blueprint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    name: str
    patterns: dict[str, Pattern]
    relations: dict[str, Relation]
    derived: dict[str, Derived] = {}
    indexes: tuple[Index, ...] = ()
    hybrid: tuple[str, ...] = ()
    """The relations that have tables in the phase `hybrid`; in `relational` all have."""

    @classmethod
    def parse(cls, text: str) -> Blueprint:
        """Read a blueprint's TOML. Raises BadInput that names the path of the first error."""
        return parse(text)

    def source_of(self, name: str) -> str:
        """Return the relation whose pattern the relation's rows come from: itself, or another."""
        return self.relations[name].source or name

    def pattern_of(self, name: str) -> Pattern:
        return self.patterns[self.relations[self.source_of(name)].pattern or ""]

    @cached_property
    def by_precedence(self) -> tuple[str, ...]:
        """Names of the patterns, the one with the highest precedence first."""
        return tuple(sorted(self.patterns, key=lambda name: self.patterns[name].precedence))

    def match(self, key: str) -> str | None:
        """Return the name of the pattern that the key belongs to, or None for an opaque key."""
        for name in self.by_precedence:
            if self.patterns[name].compiled.match(key):
                return name
        return None

    def winners_over(self, name: str) -> list[Pattern]:
        """Return the patterns that may claim a key before this one."""
        index = self.by_precedence.index(name)
        pattern = self.patterns[name]
        winners = (self.patterns[other] for other in self.by_precedence[:index])
        return [winner for winner in winners if winner.may_overlap(pattern)]


def parse(text: str) -> Blueprint:
    """Read a blueprint's TOML. Raises BadInput that names the path of the first error."""
    try:
        blueprint = msgspec.toml.decode(text, type=Blueprint)
    except msgspec.DecodeError as e:
        raise _bad(str(e)) from e
    for problem in problems(blueprint):
        raise _bad(problem)
    return blueprint


def campus() -> Blueprint:
    """Return the blueprint of the campus network."""
    file = resources.files("outgrow.campus").joinpath("blueprint.toml")
    return parse(file.read_text(encoding="utf-8"))


def _bad(problem: str) -> BadInput:
    return BadInput(
        "bad_blueprint",
        f"the blueprint cannot be used: {problem}",
        hint="the grammar is in docs/blueprints.md",
    )
