"""What is wrong in a store: misfits and inconsistencies, with key, kind and detail of each. No I/O.

One pass over the rows, after the passes that find the patterns. It reports what a row shows alone:
values that do not fit their pattern (of another kind than the others, or lists with elements of
another kind or with an id twice), and ids that name nothing, since all keys are known by then. For
lists and the rows that they are derived from it keeps hashes only (inconsistencies.py). Where the
two sides differ, it asks for those rows again, to say what the differences are.

Memory: up to 24 bytes for each key, and 12 for each fact and pair (keys.py)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from outgrow.inspection.derived import Derived
from outgrow.inspection.formats import is_id_format
from outgrow.inspection.inconsistencies import Agreement, Lookup, Symmetry
from outgrow.inspection.keys import Hashes, Keys, Tree
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.reference_search import element_id_paths
from outgrow.inspection.references import Reference, is_row_id, names_rows, tokens
from outgrow.inspection.values import (
    ELEMENTS,
    MIXED,
    Steps,
    decoded,
    encoded,
    kind_of,
    path_of,
    reader,
    values_at,
)
from outgrow.layout.consistency import FLAT

FEWEST = 8
"""The elements that must be of one kind before another kind counts as damage."""

_is_flat = re.compile(FLAT).search


class Misfits:
    """What is usual for the values of a pattern, and which values differ from it. `referring` are
    the paths that refer to something."""

    def __init__(self, pattern: Pattern, referring: Collection[Steps]) -> None:
        values = pattern.values
        self.usual = {"object": dict, "array": list}.get(values.kind)
        self._kind = None if values.is_mixed else values.kind
        self._are_encoded = values.is_encoded
        self.once = [*_unique_id_paths(pattern, referring)]
        """Paths at which an id may stand only once in each list."""
        self.elements = dict(_element_kinds(pattern, referring))
        """The kind of a list's elements, by path."""
        self.in_texts = self.is_opaque = False
        """Some values are JSON inside texts; `is_opaque`: some of these are not plain lists."""

    def wrong_kind(self, value: Any) -> tuple[str, str] | None:
        """Return kind and detail where the value is not of the usual kind. JSON inside a text is
        decoded first."""
        if isinstance(value, str) and (inner := encoded(value)) is not None:
            self.in_texts = True
            self.is_opaque |= not (isinstance(inner, list) and _is_flat(value))
            return None if self._are_encoded else ("json_text", "the value is JSON inside a text")
        kind = kind_of(value)
        if self._kind is None or kind in (self._kind, "null"):
            return None
        return "wrong_shape", f"{with_article(kind)}, where others are {with_article(self._kind)}"

    def wrong_lists(self, value: Any) -> Iterator[tuple[str, str, Steps]]:
        """Return kind, detail and path of each thing that is wrong in its lists."""
        for steps in self.once:
            for text, times in doubled_ids(value, steps):
                yield "doubled", f"{_path_prefix(steps)}{text} stands there {times} times", steps
        for steps, usual in self.elements.items():
            kinds = map(kind_of, values_at(value, steps))
            kind = next((kind for kind in kinds if kind != usual), "")
            if kind:
                detail = f"{with_article(kind)}, where others are {with_article(usual)}"
                yield "wrong_element", _path_prefix(steps) + detail, steps


def _unique_id_paths(pattern: Pattern, referring: Collection[Steps]) -> Iterator[Steps]:
    """Return where ids stand that may be only once in their list: elements that are ids, and the
    `id` of elements. Other texts in the objects of a list may repeat (two lines of an order, one
    article)."""
    if pattern.shape == "ids":
        yield (ELEMENTS,)
    for steps, values in pattern.values.walk():
        are_ids = steps in referring or is_id_format(values.format)
        if len(steps) > 1 and steps[-1] == ELEMENTS and values.kind == "string" and are_ids:
            yield steps
    yield from element_id_paths(pattern, referring)


def _element_kinds(pattern: Pattern, referring: Collection[Steps]) -> Iterator[tuple[Steps, str]]:
    """Return the lists whose elements are of one kind, and which kind: the value itself, and lists
    of ids in it."""
    if pattern.values.is_mixed:
        return
    for steps, values in pattern.values.walk():
        if steps[-1:] != (ELEMENTS,) or not (steps == (ELEMENTS,) or steps in referring):
            continue
        others = values.present - values.kinds[values.kind]
        if values.present >= FEWEST and others < MIXED * values.present and not values.encoded:
            yield steps, values.kind


def doubled_ids(value: Any, steps: Steps) -> Iterator[tuple[str, int]]:
    """Return for each list the text that it holds most often, and how often, if twice or more."""
    end = max(n for n, step in enumerate(steps) if step == ELEMENTS)
    for elements in values_at(value, steps[:end]):
        if type(elements) is not list or len(elements) < 2:
            continue
        ids = [
            text
            for item in elements
            for text in values_at(item, steps[end + 1 :])
            if type(text) is str
        ]
        if len(set(ids)) < len(ids):
            yield Counter(ids).most_common(1)[0]


def _path_prefix(steps: Steps) -> str:
    return f"{path_of(steps)}: " if steps != (ELEMENTS,) else ""


def with_article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeioAEIO" else f"a {noun}"


SURE, PARTLY = 0.6, 0.9
"""The share of a reference's ids that must exist before the others count as dangling; the second
where the rows named are parts of something, which not everything need have."""

KEPT = 200_000
"""Misfits whose keys are stored. The counts are complete in any case."""


@dataclass(frozen=True)
class Misfit:
    """A misfit or an inconsistency."""

    key: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cause:
    """The cause of a kind in a pattern: the reference that leads nowhere, the derived pattern that
    disagrees, or the path in a value; None where a row shows it alone."""

    kind: str
    pattern: Pattern
    by: Reference | Derived | Steps | None

    @property
    def path(self) -> str | None:
        """Return where in a row it is; None for the whole row."""
        if isinstance(self.by, Reference):
            return self.by.path
        is_inside = isinstance(self.by, tuple) and self.by != (ELEMENTS,)
        return path_of(self.by) if is_inside else None  # type: ignore[arg-type]

    @property
    def to(self) -> Pattern | None:
        """Return the pattern with which it disagrees."""
        if isinstance(self.by, Reference):
            return self.by.to
        if not isinstance(self.by, Derived):
            return None
        return self.by.source if self.kind == "stale" else self.by.pattern


OnMisfit = Callable[[Misfit, Cause], None]
"""Called with everything that is wrong, of which `misfits` stores only the first."""


class _Checks:
    """What every row of a pattern is checked for."""

    def __init__(
        self,
        pattern: Pattern,
        lookups: list[Lookup],
        indexes: list[Agreement],
        symmetry: Symmetry | None,
    ) -> None:
        self.lookups = lookups
        self.indexes = indexes
        self.symmetry = symmetry
        steps = [lookup.reference.steps for lookup in lookups]
        paths = [path for path in steps if path is not None]
        self.misfits = Misfits(pattern, paths)
        paths += [path for index in indexes for path in index.paths(pattern)]
        paths += [*self.misfits.once, *self.misfits.elements]
        paths += [(ELEMENTS,)] if symmetry is not None else []
        self.read = reader(pattern.values.kind, paths)
        self.usual = self.misfits.usual
        self.has_lists = bool(self.misfits.once or self.misfits.elements)
        self.needs_key = None in steps or bool(indexes) or symmetry is not None


class Audit:
    """Everything that is wrong in a store, counted. `keys` are all its keys."""

    def __init__(
        self,
        tree: Tree,
        keys: Keys,
        references: Sequence[Reference],
        derived: Sequence[Derived],
        symmetric: Sequence[Reference],
        on_misfit: OnMisfit = lambda *_: None,
    ) -> None:
        self.tree = tree
        self._on_misfit = on_misfit
        self.misfits: list[Misfit] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        """(pattern, kind) -> how many."""
        self.causes: dict[tuple[str, int, int | Steps], Cause] = {}
        self._keys = keys
        self._ids: dict[tuple[int, int], Hashes] = {
            (id(r.to), r.target.position): Hashes() for r in references if r.by_position
        }
        self._lookups: dict[int, list[Lookup]] = {}
        for reference in references:
            share = reference.share + sum(other.share for other in reference.group)
            sure = SURE if names_rows(reference.target) else PARTLY
            if share >= sure and not is_row_id(reference):
                lookup = self._lookup(reference)
                self._lookups.setdefault(id(reference.source), []).append(lookup)
        self._symmetries = {id(r.source): Symmetry(self._lookup(r)) for r in symmetric}
        self._indexes = [
            Agreement(
                index, [r for r in references if r.source is index.pattern and r.to is index.source]
            )
            for index in derived
            if index.order or (index.reference and index.by is not None)
        ]
        led_through = {id((r.index or r.target).pattern) for r in references}
        for index in self._indexes:
            if index.is_by_one_segment and id(index.derived.pattern) in led_through:
                index.expected_ids = Hashes()
        self._checks: dict[int, _Checks] = {}
        self._unread: set[str] = set()
        self._unsure: list[tuple[Lookup, str, str, str]] = []

    def _lookup(self, reference: Reference) -> Lookup:
        ids = reference.ids or self._ids.get((id(reference.to), reference.target.position))
        return Lookup(reference, ids, self._keys)

    def _checks_of(self, pattern: Pattern) -> _Checks:
        number = id(pattern)
        if number not in self._checks:
            sides = [(i, (i.derived.pattern, i.derived.source)) for i in self._indexes]
            indexes = [index for index, patterns in sides if pattern in patterns]
            symmetry = self._symmetries.get(number)
            lookups = self._lookups.get(number, [])
            self._checks[number] = _Checks(pattern, lookups, indexes, symmetry)
        return self._checks[number]

    # Keys first ---------------------------------------------------------------------------------

    @property
    def needs_ids(self) -> bool:
        """Return whether a reference names one of several ids of a key: then all keys are passed to
        `add_keys` first."""
        return bool(self._ids)

    def add_keys(self, keys: Iterable[str]) -> None:
        wanted = {number for number, _ in self._ids}
        for key in keys:
            pattern, segments = self.tree.match(key)
            if id(pattern) in wanted:
                for position, text in tokens(pattern, key, segments):
                    ids = self._ids.get((id(pattern), position))
                    if ids is not None:
                        ids.update((text,))

    def seal(self) -> None:
        for ids in self._ids.values():
            ids.seal()

    # Then the rows ------------------------------------------------------------------------------

    def add(self, rows: Iterable[tuple[str, str | None]]) -> None:
        """Check rows, given with their values as JSON."""
        for key, json_text in rows:
            pattern, segments = self.tree.match(key)
            if pattern is None:
                continue
            checks = self._checks.get(id(pattern)) or self._checks_of(pattern)
            value = checks.read(json_text)
            if value.__class__ is not checks.usual:
                misfit = checks.misfits.wrong_kind(value)
                if misfit is not None:
                    self._report(pattern, key, *misfit)
                if value is None or (misfit is not None and misfit[0] == "wrong_shape"):
                    self._unread.add(key)
                    if value is not None:
                        continue
                value = decoded(value)
            known = dict(tokens(pattern, key, segments)) if checks.needs_key else {}
            for lookup in checks.lookups:
                for text in lookup.dangling_texts(value, known):
                    self._dangles(lookup, key, text)
            if checks.has_lists:
                for kind, detail, steps in checks.misfits.wrong_lists(value):
                    self._report(pattern, key, kind, detail, steps)
            for index in checks.indexes:
                index.add(pattern, key, value, known)
            if checks.symmetry is not None:
                checks.symmetry.add(key, value, known)

    def _dangles(self, lookup: Lookup, key: str, text: str) -> None:
        """Store it until it is known how often such a text stands there."""
        reference = lookup.reference
        nothing = f"there is no {reference.to.text} of it"
        if lookup.is_part:
            self._report(reference.source, key, "orphan", nothing, reference)
            return
        detail = f"{reference.path} names {text}: {nothing}"
        if len(self._unsure) >= KEPT:
            self._report(reference.source, key, "dangling", detail, reference)
            return
        lookup.count_dangling(text)
        self._unsure.append((lookup, key, text, detail))

    # Then some rows again -------------------------------------------------------------------------

    def settle(self) -> set[int]:
        """Compare both sides of everything. Return the short hashes of the keys whose rows
        `explain` needs again, to say what the differences are."""
        indexes = {id(agreement.derived.pattern): agreement for agreement in self._indexes}
        for index_of in self._indexes:
            if index_of.expected_ids is not None:
                index_of.expected_ids.seal()
        for lookup, key, text, detail in self._unsure:
            reference = lookup.reference
            index = indexes.get(id((reference.index or reference.target).pattern))
            if index is not None and index.expected_ids is not None and text in index.expected_ids:
                continue  # the row is there, and only its index does not have it
            kind = "dangling"
            if lookup.is_habit(text):
                kind = "sentinel"
                lookup.sentinels.add(text)
            self._report(reference.source, key, kind, detail, reference)
        self._unsure.clear()
        rows = set().union(*(agreement.settle() for agreement in self._symmetries.values()))
        return rows.union(*(agreement.settle() for agreement in self._indexes))

    def explain(self, rows: Iterable[tuple[str, Any]]) -> None:
        """Report the differences that these rows have, given with their decoded values."""
        for key, value in rows:
            pattern, segments = self.tree.match(key)
            if pattern is None or key in self._unread:
                continue
            checks = self._checks_of(pattern)
            value = decoded(value)
            known = dict(tokens(pattern, key, segments))
            for index in checks.indexes:
                for kind, text, detail in index.explain(pattern, key, value, known, self._unread):
                    if kind == "stale" and (text not in self._keys or text in self._unread):
                        continue  # nothing to disagree with
                    self._report(pattern, key, kind, detail, index.derived)
            if (symmetry := checks.symmetry) is not None:
                for detail in symmetry.explain(pattern, value, known, self._unread):
                    self._report(pattern, key, "one_sided", detail, symmetry.reference)

    # What its queries are made of ----------------------------------------------------------------

    def misfits_of(self, pattern: Pattern) -> Misfits:
        return self._checks_of(pattern).misfits

    def sentinels(self, reference: Reference) -> list[str]:
        """Return the texts that stand there in place of an id."""
        lookups = self._lookups.get(id(reference.source), ())
        return sorted(
            next((lookup.sentinels for lookup in lookups if lookup.reference is reference), ())
        )

    def listing_references(self, derived: Derived) -> list[Reference]:
        """Return the references by which the entries of an index name its rows."""
        return next(index.references for index in self._indexes if index.derived is derived)

    def knows_expected_ids(self, derived: Derived) -> bool:
        """Return whether it is known which keys of the index its rows should stand under."""
        return any(index.derived is derived and index.is_by_one_segment for index in self._indexes)

    def _report(
        self,
        pattern: Pattern,
        key: str,
        kind: str,
        detail: str,
        by: Reference | Derived | Steps | None = None,
    ) -> None:
        self.counts[pattern.text, kind] += 1
        which = by if isinstance(by, tuple) else id(by)
        if (cause := (kind, id(pattern), which)) not in self.causes:
            self.causes[cause] = Cause(kind, pattern, by)
        misfit = Misfit(key, kind, detail)
        self._on_misfit(misfit, self.causes[cause])
        if len(self.misfits) < KEPT:
            self.misfits.append(misfit)
