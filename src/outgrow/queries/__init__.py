"""Fixed SQL: `*.sql` files beside this one, in named blocks, and the loader that reads them.

A block starts with `-- name: page` and ends where the next begins; comments in front of the first
block describe the file. `:"store"` stands for an identifier, as in psql, and is quoted here; values
are always `$1`, `$2`... The type `Query` is what `Database` accepts, and only this module and
`outgrow.layout` make one: an f-string cannot reach the server by accident.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: ([a-z0-9_.]+)\s*$", re.MULTILINE)
_IDENTIFIER = re.compile(r':"([a-z_]+)"')


@dataclass(frozen=True, slots=True)
class Query:
    """A statement and the name under which it is timed."""

    name: str
    sql: str

    def with_identifiers(self, **names: str) -> Query:
        """Put quoted identifiers (`schema.table` as one argument: `"schema.table"` quotes both)."""
        return Query(self.name, _put_identifiers(self.sql, names))

    def joined(self, suffix: str, *parts: Query) -> Query:
        """This statement with optional clauses of the same file behind it, named apart."""
        name = f"{self.name}.{suffix}" if suffix else self.name
        return Query(name, "\n".join([self.sql, *(part.sql for part in parts)]))


def together(name: str, queries: Iterable[Query]) -> Query:
    """Several statements without parameters, said to the server at once."""
    return Query(name, ";\n".join(query.sql for query in queries))


def quote(*names: str) -> str:
    """Quote identifiers as PostgreSQL's `%I` would, always with quotes: `"a"."b"`."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def with_schema(table: str) -> str:
    """The name of a store with its schema, `public` unless it says another."""
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
    """The blocks of `queries/<file>.sql` by name; each Query is named `<file>.<block>`."""
    text = resources.files(__name__).joinpath(f"{file}.sql").read_text(encoding="utf-8")
    pieces = _NAME.split(text)
    return {
        name: Query(f"{file}.{name}", sql.strip().rstrip(";"))
        for name, sql in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def _put_identifiers(sql: str, names: Mapping[str, str]) -> str:
    return _IDENTIFIER.sub(lambda m: quote(*names[m[1]].rsplit(".", 1)), sql)
