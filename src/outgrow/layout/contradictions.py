"""Queries that list what contradicts the rest of a store: for people, who paste them into psql, and
for any PostgreSQL from 15 on. They need nothing of ours in the database. Pure text, no I/O.

Whoever asks has found out what the keys of the store are like and what refers to what; here that
is said in plain words: regular expressions, fields, and the letters around an id in a key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from outgrow.layout.expressions import members
from outgrow.layout.shadow.misfits import elements
from outgrow.queries import literal, quote

Step = tuple[Literal["field", "elements", "members", "names"], str]
"""One step into a value; only a field has a name."""

At = int | tuple[Step, ...]
"""Where texts stand: in a variable of the key, the first being 1, or some steps into the value."""

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


@dataclass(frozen=True)
class Named:
    """Texts that name rows."""

    family: Family
    at: At
    numbers: bool = True
    """Whole numbers do, too."""


@dataclass(frozen=True)
class Targets:
    """What a text may name: the keys with these letters before and after it, keys that have it as
    this variable, or what stands there in values."""

    around: tuple[tuple[str, str], ...]
    variables: tuple[tuple[Family, int], ...] = ()
    elements: tuple[Named, ...] = ()


@dataclass(frozen=True)
class Index:
    """Rows that can be computed from other rows: both sides say of which keys, and under what."""

    listed: tuple[tuple[Named, Targets], ...]
    under: tuple[int, ...]
    """The variables of the index's key under which its entries stand."""
    family: Family
    said: tuple[tuple[At, ...], ...]
    """For each of these the places of a row of `family`, at one of which it says the same."""
    copy: tuple[Step, ...] | None = None
    """Instead: the value of the index is what stands there in the row."""
    words: tuple[tuple[Step, ...], tuple[str, ...]] | None = None
    """As well: one of these words stands there, in whatever case."""
    keys: tuple[tuple[str | int, ...], ...] = ()
    """The keys of the index under which a row may stand, of letters and of what the row says."""
    is_pair: bool = False
    """The two that entries stand under, and a row says, are in any order."""
    pieces: tuple[str | int, ...] = ()
    """Where entries have the ids of the row in another order: the row's key, of letters and of
    variables of the index's key."""


class Contradictions:
    """The queries on one store. Each lists `key`, and what in it is wrong."""

    def __init__(self, schema: str, table: str, *, is_validating: bool) -> None:
        """`is_validating`: the server can tell whether a text is JSON (PostgreSQL 16 can). Another
        is asked for `FLAT` lists only."""
        self._store = quote(schema, table)
        self._is_validating = is_validating

    def wrong_shape(self, family: Family) -> str:
        kind = "coalesce(jsonb_typeof(s.value), 'null') AS kind"
        return _query(self._rows(family, [kind], f"NOT ({self._is_read(family, 's.value')})"))

    def json_text(self, family: Family) -> str:
        text = "left(s.value #>> '{}', 60) AS text"
        return _query(self._rows(family, [text], self._is_json("s.value")))

    def doubled(self, family: Family, to: Sequence[Step], inside: Sequence[Step]) -> str:
        """`to` the lists, and `inside` their elements to the texts."""
        laterals, listed = _into("r.value", to)
        within, value = _into("e.v", inside)
        id_ = _text(value, inside, numbers=False)
        joined = ["FROM (", _indented(self._read(family)), ") r"]
        joined += [f"CROSS JOIN LATERAL {one}" for one in laterals]
        texts = ", ".join([f"{elements(listed)} AS e(v)", *within])
        joined += [
            f"CROSS JOIN LATERAL (\n    SELECT {id_} AS id, count(*) AS times FROM {texts}",
            "    GROUP BY 1 HAVING count(*) > 1\n) x",
        ]
        return _query(
            "SELECT r.key, x.id, x.times\n" + "\n".join(joined) + "\nWHERE x.id IS NOT NULL"
        )

    def wrong_element(self, family: Family, to: Sequence[Step], usual: str) -> str:
        """`to` the lists, whose elements are of the usual kind."""
        laterals, listed = _into("r.value", to)
        joined = ["FROM (", _indented(self._read(family)), ") r"]
        joined += [f"CROSS JOIN LATERAL {one}" for one in laterals]
        wrong = (
            f"SELECT FROM {elements(listed)} AS e(v) WHERE jsonb_typeof(e.v) <> {_quoted(usual)}"
        )
        return _query("SELECT DISTINCT r.key\n" + "\n".join(joined) + f"\nWHERE EXISTS ({wrong})")

    def dangling(
        self,
        named: Named,
        targets: Targets,
        sentinels: Sequence[str] = (),
        through: Index | None = None,
    ) -> str:
        """`sentinels` name nobody on purpose. `through` an index: who is missing there but has a
        row is not missed."""
        conditions = ["n.id <> ''", *self._nowhere(targets, "n.id")]
        if sentinels:
            conditions.append(f"n.id NOT IN ({', '.join(map(_quoted, sentinels))})")
        ctes = f"named AS (\n{_indented(self._select_texts(named))}\n)"
        if through is not None:
            ctes += f",\nsaid AS (\n{_indented(self._said(through))}\n)"
            conditions.append("NOT EXISTS (SELECT FROM said d WHERE d.u1 = n.id)")
        return _query(
            f"WITH {ctes}\nSELECT DISTINCT n.key, n.id FROM named n\nWHERE {_all(conditions)}"
        )

    def one_sided(self, family: Family, targets: Targets, list_of: tuple[str, str]) -> str:
        """`list_of`: the letters before and after an id in the key of its own list."""
        texts = self._texts(Named(family, (("elements", ""),)))
        me = _variable(family, 1, "r.key")
        theirs = _key(list_of, "p.other")
        conditions = [
            "p.me <> p.other",
            "NOT EXISTS (SELECT FROM pairs b WHERE b.me = p.other AND b.other = p.me)",
            f"NOT EXISTS (SELECT FROM {self._store} t WHERE t.key = {theirs}\n"
            f"                  AND NOT ({self._is_read(family, 't.value')}))",
            self._somewhere(targets, "p.other"),
        ]
        return _query(
            f"WITH pairs AS MATERIALIZED (\n"
            f"    SELECT r.key, {me} AS me, x.id AS other\n{_indented(texts)}\n)\n"
            f"SELECT DISTINCT p.key, p.other FROM pairs p\nWHERE {_all(conditions)}"
        )

    def stale(self, index: Index) -> str:
        """Entries of rows that are there and say otherwise."""
        there = (
            f"EXISTS (SELECT FROM {self._store} t WHERE t.key = l.at\n"
            f"              AND ({self._is_read(index.family, 't.value')}))"
        )
        return _query(
            f"WITH {self._sides(index)}\nSELECT DISTINCT l.key, l.id FROM listed l\n"
            f"WHERE {_all([there, f'NOT EXISTS (SELECT FROM said d WHERE {_same(index)})'])}"
        )

    def missing(self, index: Index) -> str:
        """Rows that no entry names."""
        same = "l.at = d.key" if index.copy is not None else _same(index)
        shown = "".join(f", d.u{n}" for n in range(1, 1 + len(index.said)))
        conditions = [f"NOT EXISTS (SELECT FROM listed l WHERE {same})"]
        conditions += [self._is_no_other(index.listed[0][0].family, key) for key in index.keys]
        return _query(
            f"WITH {self._sides(index)}\nSELECT DISTINCT d.key{shown} FROM said d\n"
            f"WHERE {_all(conditions)}"
        )

    def _is_no_other(self, family: Family, pieces: Sequence[str | int]) -> str:
        """There is a list, or no key: what is no list lacks nothing."""
        key = " || ".join(_quoted(one) if isinstance(one, str) else f"d.u{one}" for one in pieces)
        is_list = f"t.value <> 'null' AND ({self._is_read(family, 't.value')})"
        return (
            f"NOT EXISTS (SELECT FROM {self._store} t WHERE t.key = {key}\n"
            f"                  AND ({is_list}) IS NOT TRUE)"
        )

    # Parts --------------------------------------------------------------------------------------

    def _rows(self, family: Family, columns: Sequence[str], *conditions: str) -> str:
        where = _all([_belongs(family, "s.key"), *conditions])
        return f"SELECT {', '.join(['s.key', *columns])}\nFROM {self._store} s\nWHERE {where}"

    def _read(self, family: Family) -> str:
        """The rows whose values are read, and these."""
        value = "s.value"
        if family.in_texts:
            text = "s.value #>> '{}'"
            is_list = f"jsonb_typeof(s.value) = 'string' AND {text} ~ {_quoted(FLAT)}"
            is_json = self._is_json("s.value") if self._is_validating else is_list
            value = (
                f"CASE WHEN {is_json}\n            THEN ({text})::jsonb ELSE s.value END AS value"
            )
        return self._rows(family, [value], f"({self._is_read(family, 's.value')})")

    def _is_json(self, value: str) -> str:
        """It is a text in which JSON is written; where this server cannot say that, one that looks
        so."""
        text = f"{value} #>> '{{}}'"
        is_text = f"jsonb_typeof({value}) = 'string' AND {text} ~"
        if self._is_validating:
            return f"{is_text} '^[[{{].*[]}}]$' AND pg_input_is_valid({text}, 'jsonb')"
        return f"{is_text} {_quoted(_LOOKS)}"

    def _is_read(self, family: Family, value: str) -> str:
        if family.kind is None:
            return "true"
        usual = f"coalesce(jsonb_typeof({value}), 'null') IN ({_quoted(family.kind)}, 'null')"
        is_usual = family.kind == "string" or not family.in_texts
        return usual if is_usual else f"{usual}\n       OR {self._is_json(value)}"

    def _texts(self, named: Named) -> str:
        """FROM, with the rows as `r`, and each text that names a row as `x.id`."""
        joined = [f"FROM (\n{_indented(self._read(named.family))}\n) r"]
        laterals: list[str] = []
        if isinstance(named.at, int):
            id_ = _variable(named.family, named.at, "r.key")
        else:
            laterals, value = _into("r.value", named.at)
            id_ = _text(value, named.at, numbers=named.numbers)
        joined += [f"CROSS JOIN LATERAL {one}" for one in [*laterals, f"(SELECT {id_} AS id) x"]]
        return "\n".join(joined)

    def _select_texts(self, named: Named) -> str:
        return f"SELECT r.key, x.id\n{self._texts(named)}"

    def _nowhere(self, targets: Targets, id_: str) -> list[str]:
        return [f"NOT {one}" for one in self._there(targets, id_)]

    def _somewhere(self, targets: Targets, id_: str) -> str:
        return f"({' OR '.join(self._there(targets, id_))})"

    def _there(self, targets: Targets, id_: str) -> list[str]:
        keys = [
            f"EXISTS (SELECT FROM {self._store} t WHERE t.key = {_key(around, id_)})"
            for around in targets.around
        ]
        variables = [
            f"EXISTS (SELECT FROM {self._store} t WHERE {_belongs(family, 't.key')}\n"
            f"                  AND {_variable(family, number, 't.key')} = {id_})"
            for family, number in targets.variables
        ]
        elements = [
            f"{id_} IN (\n{_indented(f'SELECT x.id{chr(10)}{self._texts(one)}')}\n"
            f"        WHERE x.id IS NOT NULL)"
            for one in targets.elements
        ]
        return keys + variables + elements

    def _sides(self, index: Index) -> str:
        return (
            f"listed AS (\n{_indented(self._listed(index))}\n),\n"
            f"said AS (\n{_indented(self._said(index))}\n)"
        )

    def _listed(self, index: Index) -> str:
        """Of the index: its key, the text, the key of the row (`at`), and under what (`u1`...)."""
        selects = []
        for named, targets in index.listed:
            texts = self._texts(named)
            if index.pieces:
                at = _joined(named.family, index.pieces)
                return f"SELECT r.key, r.key AS id, {at} AS at\n{texts}"
            under = [_variable(named.family, number, "r.key") for number in index.under]
            if index.is_pair:
                under = _in_order(*under)
            if index.copy is not None:
                under = ["r.value"]
            columns = ["r.key", "x.id", *(f"{one} AS u{n}" for n, one in enumerate(under, 1))]
            for around in targets.around:
                shown = ", ".join([*columns, f"{_key(around, 'x.id')} AS at"])
                selects.append(f"SELECT {shown}\n{texts}\nWHERE x.id <> ''")
        return "\nUNION ALL\n".join(selects)

    def _said(self, index: Index) -> str:
        """Of a row: its key, and under what it ought to stand."""
        rows = f"FROM (\n{_indented(self._read(index.family))}\n) r"
        if index.copy is not None:
            _, value = _into("r.value", index.copy)
            return f"SELECT r.key, {value} AS u1\n{rows}\nWHERE {value} IS NOT NULL"
        columns, conditions = ["r.key"], []
        if index.words is not None:
            steps, words = index.words
            rows = self._texts(Named(index.family, steps))
            conditions.append(f"lower(x.id) IN ({', '.join(map(_quoted, words))})")
        joins, said = [rows], index.said
        if index.is_pair:
            said = tuple((at,) for at in index.said[0])
        for number, places in enumerate(said, 1):
            options = [self._option(index.family, at) for at in places]
            joins.append(f"CROSS JOIN LATERAL ({' UNION '.join(options)}) x{number}")
            conditions.append(f"x{number}.id <> ''")
        ids = [f"x{number}.id" for number in range(1, 1 + len(said))]
        ids = _in_order(*ids) if index.is_pair else ids
        columns += [f"{one} AS u{number}" for number, one in enumerate(ids, 1)]
        where = f"\nWHERE {_all(conditions)}" if conditions else ""
        return f"SELECT {', '.join(columns)}\n" + "\n".join(joins) + where

    def _option(self, family: Family, at: At) -> str:
        if isinstance(at, int):
            return f"SELECT {_variable(family, at, 'r.key')} AS id"
        laterals, value = _into("r.value", at)
        from_ = f" FROM {', '.join(laterals)}" if laterals else ""
        return f"SELECT {_text(value, at)} AS id{from_}"


def _in_order(one: str, other: str) -> list[str]:
    return [f"least({one}, {other})", f"greatest({one}, {other})"]


def _same(index: Index) -> str:
    count = 1 if index.copy is not None else len(index.said)
    return _all(["l.at = d.key", *(f"l.u{n} = d.u{n}" for n in range(1, 1 + count))], " ")


def _belongs(family: Family, key: str) -> str:
    conditions = [f"{key} ~ {_regex(family.regex)}"]
    conditions += [f"{key} !~ {_regex(one)}" for one in family.winners]
    return _all(conditions, " ")


def _regex(regex: str) -> str:
    """Of the whole key, without the escapes that only Python's `re.escape` makes."""
    return _quoted(f"^{_ESCAPED.sub(lambda m: m[1], regex)}$")


def _variable(family: Family, number: int, key: str) -> str:
    return f"(regexp_match({key}, {_regex(family.regex)}))[{number}]"


def _into(value: str, steps: Sequence[Step]) -> tuple[list[str], str]:
    """The table functions that steps lead through, and the value where they end."""
    laterals: list[str] = []
    for kind, field in steps:
        if kind == "field":
            value = f"{value} -> {_quoted(field)}"
            continue
        one = f"e{len(laterals) + 1}"
        if kind == "elements":
            laterals.append(f"{elements(value)} AS {one}(v)")
        else:
            laterals.append(f"{members(value)} AS {one}(k, v)")
        value = f"{one}.k" if kind == "names" else f"{one}.v"
    return laterals, value


def _text(value: str, steps: Sequence[Step], *, numbers: bool = True) -> str:
    """The text or whole number that a JSON value is, else NULL."""
    if steps and steps[-1][0] == "names":
        return value
    text = f"({value}) #>> '{{}}'"
    kinds = f"jsonb_typeof({value}) = 'string'"
    if numbers:
        kinds += f" OR jsonb_typeof({value}) = 'number' AND {text} ~ '^-?[0-9]+$'"
    return f"CASE WHEN {kinds} THEN {text} END"


def _key(around: tuple[str, str], id_: str) -> str:
    before, after = (_quoted(one) if one else "" for one in around)
    return " || ".join(part for part in (before, id_, after) if part)


def _joined(family: Family, pieces: Sequence[str | int]) -> str:
    return " || ".join(
        _quoted(one) if isinstance(one, str) else _variable(family, one, "r.key") for one in pieces
    )


def _quoted(text: str) -> str:
    """A constant on one line, whatever is in it."""
    if text.isprintable():
        return literal(text).strip()
    shown = "".join(
        one if one.isprintable() else f"\\U{ord(one):08x}"
        for one in text.replace("\\", "\\\\").replace("'", "''")
    )
    return f"E'{shown}'"


def _all(conditions: Sequence[str], apart: str = "\n  ") -> str:
    return f"{apart}AND ".join(conditions)


def _query(sql: str) -> str:
    return f"{sql}\nORDER BY 1;"


def _indented(sql: str) -> str:
    return "\n".join(f"    {line}" for line in sql.split("\n"))
