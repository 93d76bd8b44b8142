"""Queries that list the rows which contradict others: rows that name others, and rows that can be
computed from others. Each lists `key`, and what in it is wrong. Pure text, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outgrow.layout.consistency import (
    ELEMENTS,
    Family,
    Location,
    Named,
    Rows,
    Steps,
    every,
    indented,
    into,
    query,
    quoted,
    text_of,
)


@dataclass(frozen=True)
class Targets:
    """The rows that a text may name: keys with these letters before and after it, keys that have it
    as this variable, or texts that stand there in values."""

    around: tuple[tuple[str, str], ...]
    variables: tuple[tuple[Family, int], ...] = ()
    elements: tuple[Named, ...] = ()


@dataclass(frozen=True)
class Index:
    """Rows that can be computed from other rows. Both sides say which keys, and under what."""

    listed: tuple[tuple[Named, Targets], ...]
    under: tuple[int, ...]
    """The variables of the index's key under which its entries stand."""
    family: Family
    locations: tuple[tuple[Location, ...], ...]
    """For each of these the places of a row of `family`, at one of which it says the same."""
    copy: Steps | None = None
    """Instead: the value of the index is what stands there in the row."""
    words: tuple[Steps, tuple[str, ...]] | None = None
    """As well: one of these words stands there, in whatever case."""
    keys: tuple[tuple[str | int, ...], ...] = ()
    """The keys of the index under which a row may stand, of letters and of what the row says."""
    is_pair: bool = False
    """The two that entries stand under, and a row says, are in any order."""
    pieces: tuple[str | int, ...] = ()
    """Where entries have the ids of the row in another order: the row's key, of letters and of
    variables of the index's key."""


class Inconsistencies:
    """The queries of inconsistencies in one store."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def dangling(
        self,
        named: Named,
        targets: Targets,
        sentinels: Sequence[str] = (),
        through: Index | None = None,
    ) -> str:
        """Return the query of texts that name no row. `sentinels` name nothing on purpose; a row
        that the index `through` lacks is left to `missing`."""
        conditions = [
            "n.id <> ''",
            *(f"NOT {condition}" for condition in self._exists(targets, "n.id")),
        ]
        if sentinels:
            conditions.append(f"n.id NOT IN ({', '.join(map(quoted, sentinels))})")
        ctes = f"named AS (\n{indented(f'SELECT r.key, x.id{chr(10)}{self._rows.texts(named)}')}\n)"
        if through is not None:
            ctes += f",\nsaid AS (\n{indented(self._expected_rows(through))}\n)"
            conditions.append("NOT EXISTS (SELECT FROM said d WHERE d.u1 = n.id)")
        return query(
            f"WITH {ctes}\nSELECT DISTINCT n.key, n.id FROM named n\nWHERE {every(conditions)}"
        )

    def one_sided(self, family: Family, targets: Targets, list_of: tuple[str, str]) -> str:
        """Return the query of connections that are in one list only. `list_of` are the letters
        before and after an id in the key of its list."""
        texts = self._rows.texts(Named(family, (ELEMENTS,)))
        me = family.variable(1, "r.key")
        theirs = _key(list_of, "p.other")
        conditions = [
            "p.me <> p.other",
            "NOT EXISTS (SELECT FROM pairs b WHERE b.me = p.other AND b.other = p.me)",
            f"NOT EXISTS (SELECT FROM {self._rows.store} t WHERE t.key = {theirs}\n"
            f"                  AND NOT ({self._rows.is_read(family, 't.value')}))",
            f"({' OR '.join(self._exists(targets, 'p.other'))})",
        ]
        return query(
            f"WITH pairs AS MATERIALIZED (\n"
            f"    SELECT r.key, {me} AS me, x.id AS other\n{indented(texts)}\n)\n"
            f"SELECT DISTINCT p.key, p.other FROM pairs p\nWHERE {every(conditions)}"
        )

    def stale(self, index: Index) -> str:
        """Return the query of entries whose rows exist and say otherwise."""
        exists = (
            f"EXISTS (SELECT FROM {self._rows.store} t WHERE t.key = l.store_key\n"
            f"              AND ({self._rows.is_read(index.family, 't.value')}))"
        )
        return query(
            f"WITH {self._sides(index)}\nSELECT DISTINCT l.key, l.id FROM listed l\n"
            f"WHERE {every([exists, f'NOT EXISTS (SELECT FROM said d WHERE {_same(index)})'])}"
        )

    def missing(self, index: Index) -> str:
        """Return the query of rows that no entry names."""
        same = "l.store_key = d.key" if index.copy is not None else _same(index)
        shown = "".join(f", d.u{n}" for n in range(1, 1 + len(index.locations)))
        conditions = [f"NOT EXISTS (SELECT FROM listed l WHERE {same})"]
        conditions += [self._is_no_other(index.listed[0][0].family, key) for key in index.keys]
        return query(
            f"WITH {self._sides(index)}\nSELECT DISTINCT d.key{shown} FROM said d\n"
            f"WHERE {every(conditions)}"
        )

    def _is_no_other(self, family: Family, pieces: Sequence[str | int]) -> str:
        """Return the condition that the key holds a list, or does not exist: another value lacks
        nothing."""
        key = _joined(pieces, None)
        is_list = f"t.value <> 'null' AND ({self._rows.is_read(family, 't.value')})"
        return (
            f"NOT EXISTS (SELECT FROM {self._rows.store} t WHERE t.key = {key}\n"
            f"                  AND ({is_list}) IS NOT TRUE)"
        )

    # Parts --------------------------------------------------------------------------------------

    def _exists(self, targets: Targets, id_: str) -> list[str]:
        keys = [
            f"EXISTS (SELECT FROM {self._rows.store} t WHERE t.key = {_key(around, id_)})"
            for around in targets.around
        ]
        variables = [
            f"EXISTS (SELECT FROM {self._rows.store} t WHERE {family.has('t.key')}\n"
            f"                  AND {family.variable(number, 't.key')} = {id_})"
            for family, number in targets.variables
        ]
        elements = [
            f"{id_} IN (\n{indented(f'SELECT x.id{chr(10)}{self._rows.texts(named)}')}\n"
            f"        WHERE x.id IS NOT NULL)"
            for named in targets.elements
        ]
        return keys + variables + elements

    def _sides(self, index: Index) -> str:
        return (
            f"listed AS (\n{indented(self._listed_rows(index))}\n),\n"
            f"said AS (\n{indented(self._expected_rows(index))}\n)"
        )

    def _listed_rows(self, index: Index) -> str:
        """Select from the index: its key, the text, the row's key (`store_key`), and under what it
        stands (`u1`...)."""
        selects = []
        for named, targets in index.listed:
            texts = self._rows.texts(named)
            if index.pieces:
                store_key = _joined(index.pieces, named.family)
                return f"SELECT r.key, r.key AS id, {store_key} AS store_key\n{texts}"
            under = [named.family.variable(number, "r.key") for number in index.under]
            if index.is_pair:
                under = _in_order(*under)
            if index.copy is not None:
                under = ["r.value"]
            columns = ["r.key", "x.id", *(f"{column} AS u{n}" for n, column in enumerate(under, 1))]
            for around in targets.around:
                shown = ", ".join([*columns, f"{_key(around, 'x.id')} AS store_key"])
                selects.append(f"SELECT {shown}\n{texts}\nWHERE x.id <> ''")
        return "\nUNION ALL\n".join(selects)

    def _expected_rows(self, index: Index) -> str:
        """Select from rows: their key, and under what they ought to stand."""
        rows = self._rows.read(index.family)
        if index.copy is not None:
            _, value = into("r.value", index.copy)
            return f"SELECT r.key, {value} AS u1\n{rows}\nWHERE {value} IS NOT NULL"
        columns, conditions = ["r.key"], []
        if index.words is not None:
            steps, words = index.words
            rows = self._rows.texts(Named(index.family, steps))
            conditions.append(f"lower(x.id) IN ({', '.join(map(quoted, words))})")
        joins, locations = [rows], index.locations
        if index.is_pair:
            locations = tuple((location,) for location in index.locations[0])
        for number, options in enumerate(locations, 1):
            selects = [self._option(index.family, location) for location in options]
            joins.append(f"CROSS JOIN LATERAL ({' UNION '.join(selects)}) x{number}")
            conditions.append(f"x{number}.id <> ''")
        ids = [f"x{number}.id" for number in range(1, 1 + len(locations))]
        ids = _in_order(*ids) if index.is_pair else ids
        columns += [f"{id_} AS u{number}" for number, id_ in enumerate(ids, 1)]
        where = f"\nWHERE {every(conditions)}" if conditions else ""
        return f"SELECT {', '.join(columns)}\n" + "\n".join(joins) + where

    def _option(self, family: Family, location: Location) -> str:
        if isinstance(location, int):
            return f"SELECT {family.variable(location, 'r.key')} AS id"
        laterals, value = into("r.value", location)
        from_ = f" FROM {', '.join(laterals)}" if laterals else ""
        return f"SELECT {text_of(value, location)} AS id{from_}"


def _in_order(first: str, second: str) -> list[str]:
    return [f"least({first}, {second})", f"greatest({first}, {second})"]


def _same(index: Index) -> str:
    count = 1 if index.copy is not None else len(index.locations)
    return every(["l.store_key = d.key", *(f"l.u{n} = d.u{n}" for n in range(1, 1 + count))], " ")


def _key(around: tuple[str, str], id_: str) -> str:
    before, after = (quoted(letters) if letters else "" for letters in around)
    return " || ".join(part for part in (before, id_, after) if part)


def _joined(pieces: Sequence[str | int], family: Family | None) -> str:
    """Join letters and variables to a key: variables of a key of the family, or what a row says."""

    def part(piece: str | int) -> str:
        if isinstance(piece, str):
            return quoted(piece)
        return f"d.u{piece}" if family is None else family.variable(piece, "r.key")

    return " || ".join(map(part, pieces))
