"""The kinds of what is wrong in a store, and the families of keys in which an inspection finds it.

A *misfit* is a value that does not fit its place. An *inconsistency* is between rows that
contradict each other. `misfits` finds the former, from a blueprint or from families;
`inconsistencies` finds the latter, from families. What reads families needs nothing of ours in the
database: people paste it into psql, on any PostgreSQL from 15 on. Pure text, no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from outgrow.layout.expressions import elements, members
from outgrow.queries import literal, quote

MISFITS = {
    "doubled": "an id that stands twice in one list",
    "wrong_shape": "a value of another kind than all others of its pattern",
    "wrong_element": "a list with an element of another kind than all others",
    "json_text": "JSON inside a text, where others hold the value itself",
}
INCONSISTENCIES = {
    "dangling": "an id of nothing",
    "orphan": "a part of something that is not there",
    "stale": "an entry of an index whose row says otherwise",
    "missing": "a row that its index does not have",
    "one_sided": "an id in a list whose own list does not name the first one back",
    "sentinel": "what the app writes in place of an id where there is none",
}
KINDS = MISFITS | INCONSISTENCIES
"""What is found without a blueprint."""

BECOMES = {
    "doubled": "of its ids there is a row each, and the whole list stays next to them",
    "wrong_shape": "it has no rows: it stays in the store, whole",
    "wrong_element": "no row for it: it stays where it is, next to the rows of the others",
    "json_text": "it has no rows: it stays in the store, whole",
    "dangling": "no such row there: an ordinary row here",
    "orphan": "no such row there: an ordinary row here",
    "stale": "the list names it, and its row says otherwise: the relation does not show it there",
    "missing": "the list lacks it: the relation shows it",
    "one_sided": "the other's list lacks it: an ordinary row, on this side only",
}
"""What a growth makes of these; a sentinel is no damage."""

UNMAPPED = "unmapped"
"""The kind of all keys whose rows do not say all of them: it has the other kinds' keys together."""

# -- families of keys

ELEMENTS, MEMBERS, NAMES = 0, 1, 2
"""Steps of a path into all elements of a list, all members of a map, and to the names of those; any
other is a field's name."""

Steps = tuple[str | int, ...]

Location = int | Steps
"""Where texts stand: in a variable of the key (the first is 1), or some steps into the value."""

_STRING = r'"([^"\\\x01-\x1f]|\\["\\/bfnrt])*"'
_ITEM = rf"({_STRING}|-?[0-9]+)"
FLAT = rf"^\[ *({_ITEM}( *, *{_ITEM})*)? *\]$"
"""A text that surely is a JSON list of texts and whole numbers: the cast of another might fail."""

_LOOKS = r'^(\[\s*((["[{0-9-]|true|false|null).*)?\]|\{\s*(".*)?\})$'
"""A text that begins and ends as JSON does. `[object Object]` does not."""

_ESCAPED = re.compile(r"\\([-#&~ ])")


@dataclass(frozen=True)
class Family:
    """The keys of one pattern, and which of their values are read."""

    regex: str
    winners: tuple[str, ...]
    """The regular expressions of patterns that have a key before this one."""
    kind: str | None
    """What a value is as a rule: one of another kind is not looked into. None: of any kind."""
    in_texts: bool = False
    """Some values are texts in which a list is written."""

    def has(self, key: str) -> str:
        """Return the condition that the key belongs to the family."""
        conditions = [f"{key} ~ {_regex(self.regex)}"]
        conditions += [f"{key} !~ {_regex(winner)}" for winner in self.winners]
        return every(conditions, " ")

    def variable(self, number: int, key: str) -> str:
        return f"(regexp_match({key}, {_regex(self.regex)}))[{number}]"


@dataclass(frozen=True)
class Named:
    """Texts that name rows."""

    family: Family
    location: Location
    numbers: bool = True
    """Whole numbers do, too."""


class Rows:
    """The SQL that reads the rows of families in one store."""

    def __init__(self, schema: str, table: str, *, is_validating: bool) -> None:
        """`is_validating`: the server can tell whether a text is JSON (PostgreSQL 16 can). Another
        is asked for `FLAT` lists only."""
        self.store = quote(schema, table)
        self.is_validating = is_validating

    def rows(self, family: Family, columns: Sequence[str], *conditions: str) -> str:
        where = every([family.has("s.key"), *conditions])
        return f"SELECT {', '.join(['s.key', *columns])}\nFROM {self.store} s\nWHERE {where}"

    def read(self, family: Family) -> str:
        """Return FROM with the rows whose values are read, as `r`."""
        value = "s.value"
        if family.in_texts:
            text = "s.value #>> '{}'"
            is_list = f"jsonb_typeof(s.value) = 'string' AND {text} ~ {quoted(FLAT)}"
            is_json = self.is_json("s.value") if self.is_validating else is_list
            value = (
                f"CASE WHEN {is_json}\n            THEN ({text})::jsonb ELSE s.value END AS value"
            )
        rows = self.rows(family, [value], f"({self.is_read(family, 's.value')})")
        return f"FROM (\n{indented(rows)}\n) r"

    def is_json(self, value: str) -> str:
        """Return the condition that JSON is written in a text; where this server cannot tell, that
        it looks so."""
        text = f"{value} #>> '{{}}'"
        is_text = f"jsonb_typeof({value}) = 'string' AND {text} ~"
        if self.is_validating:
            return f"{is_text} '^[[{{].*[]}}]$' AND pg_input_is_valid({text}, 'jsonb')"
        return f"{is_text} {quoted(_LOOKS)}"

    def is_read(self, family: Family, value: str) -> str:
        if family.kind is None:
            return "true"
        usual = f"coalesce(jsonb_typeof({value}), 'null') IN ({quoted(family.kind)}, 'null')"
        is_usual = family.kind == "string" or not family.in_texts
        return usual if is_usual else f"{usual}\n       OR {self.is_json(value)}"

    def texts(self, named: Named) -> str:
        """Return FROM with the rows as `r`, and each text that names a row as `x.id`."""
        laterals: list[str] = []
        if isinstance(named.location, int):
            id_ = named.family.variable(named.location, "r.key")
        else:
            laterals, value = into("r.value", named.location)
            id_ = text_of(value, named.location, numbers=named.numbers)
        joined = [
            f"CROSS JOIN LATERAL {lateral}" for lateral in [*laterals, f"(SELECT {id_} AS id) x"]
        ]
        return "\n".join([self.read(named.family), *joined])


def into(value: str, steps: Steps) -> tuple[list[str], str]:
    """Return the table functions that steps lead through, and the value where they end."""
    laterals: list[str] = []
    for step in steps:
        if isinstance(step, str):
            value = f"{value} -> {quoted(step)}"
            continue
        alias = f"e{len(laterals) + 1}"
        if step == ELEMENTS:
            laterals.append(f"{elements(value)} AS {alias}(v)")
        else:
            laterals.append(f"{members(value)} AS {alias}(k, v)")
        value = f"{alias}.k" if step == NAMES else f"{alias}.v"
    return laterals, value


def text_of(value: str, steps: Steps, *, numbers: bool = True) -> str:
    """Return the text or whole number that a JSON value is, or SQL NULL."""
    if steps[-1:] == (NAMES,):
        return value
    text = f"({value}) #>> '{{}}'"
    kinds = f"jsonb_typeof({value}) = 'string'"
    if numbers:
        kinds += f" OR jsonb_typeof({value}) = 'number' AND {text} ~ '^-?[0-9]+$'"
    return f"CASE WHEN {kinds} THEN {text} END"


def _regex(regex: str) -> str:
    """Return the expression for the whole key, without the escapes that only Python's `re.escape`
    makes."""
    return quoted(f"^{_ESCAPED.sub(lambda m: m[1], regex)}$")


def quoted(text: str) -> str:
    """Quote a constant on one line, whatever is in it."""
    if text.isprintable():
        return literal(text).strip()
    shown = "".join(
        character if character.isprintable() else f"\\U{ord(character):08x}"
        for character in text.replace("\\", "\\\\").replace("'", "''")
    )
    return f"E'{shown}'"


def every(conditions: Sequence[str], apart: str = "\n  ") -> str:
    return f"{apart}AND ".join(conditions)


def query(sql: str) -> str:
    return f"{sql}\nORDER BY 1;"


def indented(sql: str) -> str:
    return "\n".join(f"    {line}" for line in sql.split("\n"))
