"""The loader of fixed SQL: `*.sql` files next to this one, in named blocks.

A block is a whole statement, which psql runs as it stands. It starts with `-- name: page` and ends
where the next begins; comments before the first block describe the file. `:"store"` stands
for an identifier, as in psql, and is quoted here; values are always `$1`, `$2`... The type `Query`
is what `Database` accepts, and only this module, `outgrow.layout` and `outgrow.schema.migrate` make
one: an f-string cannot reach the server by accident.

A line that ends with `--? major` stays where `major` is given, one with `--! major` where it is
not: `SQL["page"].given(major=filters.major)`. With all its lines a block is valid too. Whichever
lines stay name the same parameters: PostgreSQL finds no type for a number that is left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: ([a-z0-9_.]+)\s*$", re.MULTILINE)
_IDENTIFIER = re.compile(r':"([a-z_]+)"')
_OPTIONAL = re.compile(r" *--([?!]) ([a-z_]+)$")


@dataclass(frozen=True, slots=True)
class Query:
    """A statement and the name under which it is timed."""

    name: str
    sql: str

    def with_identifiers(self, **names: str) -> Query:
        """Put quoted identifiers (`schema.table` as one argument: `"schema.table"` quotes both)."""
        return Query(self.name, _put_identifiers(self.sql, names))

    def given(self, **names: object) -> Query:
        """Return the statement with the optional lines of what is given: neither None nor False.

        Raises ValueError for other names than the block's.
        """
        if names:
            raise ValueError(f"{self.name} has no optional lines")
        return self


class Template(Query):
    """A block with optional lines, which cannot be run before `given` has decided about them."""

    __slots__ = ("_made", "switches", "text")
    text: str
    switches: frozenset[str]
    _made: dict[frozenset[str], Query]

    def __init__(self, name: str, text: str) -> None:
        marks = (_OPTIONAL.search(line) for line in text.splitlines())
        for attribute, value in {
            "name": name,
            "text": text,
            "switches": frozenset(mark[2] for mark in marks if mark),
            "_made": {},
        }.items():
            object.__setattr__(self, attribute, value)

    @property
    def sql(self) -> str:
        raise TypeError(f"{self.name} has optional lines: run what given() returns")

    def given(self, **names: object) -> Query:
        if names.keys() != self.switches:
            raise ValueError(f"{self.name} is given {sorted(names)}, not {sorted(self.switches)}")
        kept = frozenset(
            name for name, value in names.items() if value is not None and value is not False
        )
        if kept not in self._made:
            self._made[kept] = Query(self.name, _choose_lines(self.text, kept))
        return self._made[kept]


def together(name: str, queries: Iterable[Query]) -> Query:
    """Join statements without parameters, to be sent in one message."""
    return Query(name, ";\n".join(query.sql for query in queries))


def quote(*names: str) -> str:
    """Quote identifiers as PostgreSQL's `%I` would, always with quotes: `"a"."b"`."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def with_schema(table: str) -> str:
    """Return the name of a store with its schema, `public` unless it has another."""
    return table if "." in table else f"public.{table}"


def literal(text: str) -> str:
    """Quote a constant for derived SQL that cannot take parameters (views, index predicates)."""
    if "\\" in text:
        return " E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return "'" + text.replace("'", "''") + "'"


def function_body(sql: str) -> str:
    """Quote the body of a function or of DO between dollar signs, which keep it readable: between
    `$body$`, or where the body holds that (a field's name may), a tag that it does not hold."""
    tag = "$body$"
    number = 1
    while tag in sql:
        number += 1
        tag = f"$body_{number}$"
    return f"{tag}\n{sql.strip()}\n{tag}"


@cache
def load(file: str) -> Mapping[str, Query]:
    """Return the blocks of `queries/<file>.sql` by name; each Query is named `<file>.<block>`."""
    text = resources.files(__name__).joinpath(f"{file}.sql").read_text(encoding="utf-8")
    pieces = _NAME.split(text)
    return {
        name: _block(f"{file}.{name}", sql.strip().rstrip(";").rstrip())
        for name, sql in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def _block(name: str, text: str) -> Query:
    block = Template(name, text)
    return block if block.switches else Query(name, text)


def _choose_lines(text: str, given: Collection[str]) -> str:
    chosen = []
    for line in text.splitlines():
        mark = _OPTIONAL.search(line)
        if mark is None:
            chosen.append(line)
        elif (mark[2] in given) == (mark[1] == "?"):
            chosen.append(line[: mark.start()])
    return "\n".join(chosen)


def _put_identifiers(sql: str, names: Mapping[str, str]) -> str:
    return _IDENTIFIER.sub(lambda m: quote(*names[m[1]].rsplit(".", 1)), sql)
