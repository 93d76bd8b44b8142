"""For what an audit found, the queries that list it: the patterns, references and indexes of an
inspection, said as `outgrow.layout.consistency` asks for them. No I/O.

A query is given where it lists the very rows that the audit told of. Where it could not, none is:
where fields are written as JSON into texts (before PostgreSQL 16, documents too: no statement takes
these apart that must not fail), and where too many different words stand for nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from outgrow.inspection import Inspection
from outgrow.inspection.audit import Audit, Cause
from outgrow.inspection.derived import KEY, Derived, words_of
from outgrow.inspection.inconsistencies import is_pair
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.references import Reference
from outgrow.inspection.values import ELEMENTS, Steps
from outgrow.layout.consistency import At, Family, Named, Rows, misfits
from outgrow.layout.consistency.inconsistencies import Inconsistencies, Index, Targets

VALIDATING = 16
"""From this version of PostgreSQL on a text can be asked whether it is JSON."""

WORDS = 50
"""Different sentinels of one reference that a query names."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A query that lists what is wrong for one cause."""

    cause: Cause
    sql: str

    @property
    def kind(self) -> str:
        return self.cause.kind

    def as_dict(self) -> dict[str, Any]:
        """`from` and `to` where the rows say by which reference or index."""
        one = self.cause
        to = one.to.text if one.to is not None else None
        about = {"kind": one.kind, "pattern": one.pattern.text, "from": one.path, "to": to}
        return about | {"sql": self.sql}

    @property
    def title(self) -> str:
        """What it lists, as a comment above it."""
        one = self.as_dict()
        path = f", {one['from']}" if one["from"] else ""
        to = f" -> {one['to']}" if one["to"] else ""
        return " ".join(f"-- {one['kind']}: {one['pattern']}{path}{to}".splitlines())


class _Untold(Exception):
    """No query can say this."""


def listings(inspection: Inspection, schema: str, table: str, *, version: int) -> Iterator[Listing]:
    """The queries for all that was found, on a table whose `key` is a text and `value` jsonb.
    `version` is the server's, the major one: its queries are not for an older one."""
    if inspection.audit is None:
        return
    rows = Rows(schema, table, is_validating=version >= VALIDATING)
    teller = _Teller(inspection, inspection.audit, rows)
    for cause in inspection.audit.causes.values():
        try:
            yield Listing(cause, teller.sql(cause))
        except _Untold:
            continue


class _Teller:
    def __init__(self, inspection: Inspection, audit: Audit, rows: Rows) -> None:
        self._inspection = inspection
        self._audit = audit
        self._rows = rows
        self._queries = Inconsistencies(rows)

    def sql(self, cause: Cause) -> str:
        queries, pattern, by = self._queries, cause.pattern, cause.by
        match cause.kind:
            case "wrong_shape":
                return misfits.wrong_shape(self._rows, self._family(pattern))
            case "json_text":
                return misfits.json_text(self._rows, self._family(pattern))
            case "doubled" if isinstance(by, tuple):
                return misfits.doubled(self._rows, self._looked_into(pattern, by), by)
            case "orphan" | "dangling" if isinstance(by, Reference):
                return self._dangling(by)
            case "wrong_element" if isinstance(by, tuple):
                usual = dict(pattern.values.walk())[by].kind
                family = self._looked_into(pattern, by)
                return misfits.wrong_element(self._rows, family, by, usual)
            case "one_sided" if isinstance(by, Reference):
                family = self._looked_into(pattern, (ELEMENTS,))
                before, after = pattern.fill("\0").split("\0")
                return queries.one_sided(family, self._targets(by), (before, after))
            case "stale" if isinstance(by, Derived):
                return queries.stale(self._index(by))
            case "missing" if isinstance(by, Derived):
                return queries.missing(self._index(by))
        raise _Untold

    def _dangling(self, reference: Reference) -> str:
        sentinels = self._audit.sentinels(reference)
        if len(sentinels) > WORDS:
            raise _Untold
        through = None
        derived = self._inspection.derived_of((reference.index or reference.target).pattern)
        if derived is not None and self._audit.names_by(derived):
            through = self._index(derived)
        named = self._named(reference)
        return self._queries.dangling(named, self._targets(reference), sentinels, through)

    # Patterns and places -------------------------------------------------------------------------

    def _family(self, pattern: Pattern) -> Family:
        winners = []
        for other in self._inspection.patterns:
            if other is pattern:
                break
            if _may_share(other, pattern):
                winners.append(other.regex)
        kind = None if pattern.values.is_mixed else pattern.values.kind
        return Family(
            pattern.regex,
            tuple(winners),
            kind,
            self._audit.misfits_of(pattern).in_texts,
        )

    def _looked_into(self, pattern: Pattern, steps: Steps) -> Family:
        """The family, whose values are to be read along these steps."""
        if self._audit.misfits_of(pattern).is_opaque and not self._rows.is_validating:
            raise _Untold  # no query of this server can take some of its values apart
        for place, found in pattern.values.walk():
            if place and place == steps[: len(place)] and found.encoded:
                raise _Untold
        return self._family(pattern)

    def _named(self, reference: Reference) -> Named:
        pattern = reference.source
        if reference.steps is None:
            return Named(self._family(pattern), _number(pattern, reference.place))
        family = self._looked_into(pattern, reference.steps)
        return Named(family, reference.steps, reference.numbers)

    def _targets(self, reference: Reference) -> Targets:
        every = (reference, *reference.group)
        around = tuple(dict.fromkeys(pair for one in every for pair in one.around))
        variables: tuple[tuple[Family, int], ...] = ()
        if reference.by_place:
            target = reference.target
            number = _number(target.pattern, target.place)
            variables = ((self._family(target.pattern), number),)
        elements: tuple[Named, ...] = ()
        if reference.target.how == "element":
            to, steps = reference.to, reference.target.steps
            elements = (Named(self._looked_into(to, steps), steps),)
        if not (around or variables or elements):
            raise _Untold
        return Targets(around, variables, elements)

    def _index(self, derived: Derived) -> Index:
        pattern, source, by = derived.pattern, derived.source, derived.by or {}
        if derived.order:
            # An entry's ids, in this order, are those of the row.
            pieces = _pieces(source, [n + 1 for n in derived.order])
            entries = Named(self._family(pattern), 1)
            return Index(((entries, Targets(())),), (), self._family(source), (), pieces=pieces)
        listed = tuple(
            (self._named(one), Targets(tuple(one.around)))
            for one in self._audit.listing_references(derived)
        )
        if not all(targets.around for _, targets in listed) or not listed:
            raise _Untold
        for places in by.values():
            for steps in places:
                if steps[:1] != (KEY,):
                    self._looked_into(source, steps)
        family = self._family(source)
        if -2 in by:
            self._looked_into(pattern, ())
            return Index(listed, (), family, (), copy=by[-2][0])
        words = (by[-1][0], tuple(sorted(words_of(pattern)))) if -1 in by else None
        segments = [place for place in sorted(by) if place >= 0]
        under = tuple(_number(pattern, place) for place in segments)
        said = tuple(tuple(_at(source, steps) for steps in by[place]) for place in segments)
        pair = is_pair([by[place] for place in segments])
        keys = [_pieces(pattern, [*range(1, 1 + len(under))])]
        keys += [_pieces(pattern, [2, 1])] if pair else []
        return Index(listed, under, family, said, words=words, is_pair=pair, keys=tuple(keys))


def _at(pattern: Pattern, steps: Steps) -> At:
    if steps[:1] == (KEY,):
        return _number(pattern, int(steps[1]))
    return steps


def _number(pattern: Pattern, place: int) -> int:
    """Which variable of the key a segment is, the first being 1."""
    return pattern.places.index(place) + 1


def _pieces(pattern: Pattern, numbers: list[int]) -> tuple[str | int, ...]:
    """What a key is made of: letters, and these variables of another key."""
    texts = pattern.fill(*("\0" for _ in numbers)).split("\0")
    pieces: list[str | int] = [texts[0]]
    for number, text in zip(numbers, texts[1:], strict=True):
        pieces += [number, text]
    return tuple(one for one in pieces if one != "")


def _may_share(one: Pattern, other: Pattern) -> bool:
    """Whether a key might be read as of either."""
    for mine, theirs in zip(one.segments, other.segments, strict=False):
        if mine.many or theirs.many:
            return True
        if mine.separator != theirs.separator:
            return False
        if not (mine.is_variable or theirs.is_variable) and mine.before != theirs.before:
            return False
    return len(one.segments) == len(other.segments)
