"""What in a store is wrong: misfits and inconsistencies, with key, kind and detail of each. No I/O.

One pass over the rows, behind the one that found the patterns. In it what a row shows alone is told
(misfits.py, and what names nothing, since all keys are known by then), and of lists and the rows
they are derived from only hashes are kept (agreement.py, and pairs in inconsistencies.py). Where
those of both sides differ the rows concerned are asked for once more, to say what the differences
are.

Memory: up to 24 bytes for each key, and 12 for each fact and pair (hashes.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from outgrow.inspection.derived import Derived
from outgrow.inspection.inconsistencies import Agreement, Lookup, Symmetry
from outgrow.inspection.keys import Hashes, Keys, Tree
from outgrow.inspection.misfits import Misfits
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.references import Reference, is_own, names_rows, tokens
from outgrow.inspection.values import ELEMENTS, Steps, decoded, path_of, reader

SURE, PARTLY = 0.6, 0.9
"""Of a reference with a smaller share of ids that exist, the others are not said to dangle; the
second where the rows named are parts of something, which not everything need have."""

KEPT = 200_000
"""Findings whose keys are kept. The counts are complete in any case."""


@dataclass(frozen=True)
class Misfit:
    """A misfit or an inconsistency."""

    key: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something of a kind is in a pattern: the reference that leads nowhere, what is derived
    and does not agree, or the place in a value; None where the rows show it alone."""

    kind: str
    pattern: Pattern
    by: Reference | Derived | Steps | None

    @property
    def path(self) -> str | None:
        """Where in a row it is; None for the whole of it."""
        if isinstance(self.by, Reference):
            return self.by.path
        inside = isinstance(self.by, tuple) and self.by != (ELEMENTS,)
        return path_of(self.by) if inside else None  # type: ignore[arg-type]

    @property
    def to(self) -> Pattern | None:
        """The pattern with which it does not agree."""
        if isinstance(self.by, Reference):
            return self.by.to
        if not isinstance(self.by, Derived):
            return None
        return self.by.source if self.kind == "stale" else self.by.pattern


Told = Callable[[Misfit, Cause], None]
"""Is told of everything that is wrong; `misfits` keeps only so many."""


class _Asked:
    """What is asked of every row of a pattern."""

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
        steps = [one.reference.steps for one in lookups]
        places = [one for one in steps if one is not None]
        self.misfits = Misfits(pattern, places)
        places += [one for index in indexes for one in index.places(pattern)]
        places += [*self.misfits.once, *self.misfits.elements]
        places += [(ELEMENTS,)] if symmetry is not None else []
        self.read = reader(pattern.values.kind, places)
        self.usual = self.misfits.usual
        self.has_lists = bool(self.misfits.once or self.misfits.elements)
        self.needs_key = None in steps or bool(indexes) or symmetry is not None


class Audit:
    """Counts and keeps what is wrong in a store. `keys` are all of its keys."""

    def __init__(
        self,
        tree: Tree,
        keys: Keys,
        references: Sequence[Reference],
        derived: Sequence[Derived],
        symmetric: Sequence[Reference],
        told: Told = lambda *_: None,
    ) -> None:
        self.tree = tree
        self._told = told
        self.misfits: list[Misfit] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        """(pattern, kind) -> how many."""
        self.causes: dict[tuple[str, int, int | Steps], Cause] = {}
        self._keys = keys
        self._ids: dict[tuple[int, int], Hashes] = {
            (id(r.to), r.target.place): Hashes() for r in references if r.by_place
        }
        self._lookups: dict[int, list[Lookup]] = {}
        for reference in references:
            share = reference.share + sum(one.share for one in reference.group)
            sure = SURE if names_rows(reference.target) else PARTLY
            if share >= sure and not is_own(reference):
                lookup = self._lookup(reference)
                self._lookups.setdefault(id(reference.source), []).append(lookup)
        self._symmetries = {id(one.source): Symmetry(self._lookup(one)) for one in symmetric}
        self._indexes = [
            Agreement(
                one, [r for r in references if r.source is one.pattern and r.to is one.source]
            )
            for one in derived
            if one.order or (one.reference and one.by is not None)
        ]
        led_through = {id((r.index or r.target).pattern) for r in references}
        for index in self._indexes:
            if index.by_one and id(index.derived.pattern) in led_through:
                index.named = Hashes()
        self._asked: dict[int, _Asked] = {}
        self._unread: set[str] = set()
        self._unsure: list[tuple[Lookup, str, str, str]] = []

    def _lookup(self, reference: Reference) -> Lookup:
        ids = reference.ids or self._ids.get((id(reference.to), reference.target.place))
        return Lookup(reference, ids, self._keys)

    def _asked_of(self, pattern: Pattern) -> _Asked:
        number = id(pattern)
        if number not in self._asked:
            sides = [(one, (one.derived.pattern, one.derived.source)) for one in self._indexes]
            indexes = [one for one, patterns in sides if pattern in patterns]
            symmetry = self._symmetries.get(number)
            lookups = self._lookups.get(number, [])
            self._asked[number] = _Asked(pattern, lookups, indexes, symmetry)
        return self._asked[number]

    # Keys first ---------------------------------------------------------------------------------

    @property
    def needs_ids(self) -> bool:
        """Some references name one of several ids of a key: all keys are looked through for those
        (`add_keys`)."""
        return bool(self._ids)

    def add_keys(self, keys: Iterable[str]) -> None:
        wanted = {number for number, _ in self._ids}
        for key in keys:
            pattern, segments = self.tree.place(key)
            if id(pattern) in wanted:
                for place, text in tokens(pattern, key, segments):
                    ids = self._ids.get((id(pattern), place))
                    if ids is not None:
                        ids.update((text,))

    def seal(self) -> None:
        for ids in self._ids.values():
            ids.seal()

    # Then the rows ------------------------------------------------------------------------------

    def add(self, rows: Iterable[tuple[str, str | None]]) -> None:
        """Rows with their values as JSON."""
        for key, json_text in rows:
            pattern, segments = self.tree.place(key)
            if pattern is None:
                continue
            asked = self._asked.get(id(pattern)) or self._asked_of(pattern)
            value = asked.read(json_text)
            if value.__class__ is not asked.usual:
                found = asked.misfits.of_kind(value)
                if found is not None:
                    self._tell(pattern, key, *found)
                if value is None or (found is not None and found[0] == "wrong_shape"):
                    self._unread.add(key)
                    if value is not None:
                        continue
                value = decoded(value)
            known = dict(tokens(pattern, key, segments)) if asked.needs_key else {}
            for lookup in asked.lookups:
                for text in lookup.nowhere(value, known):
                    self._dangles(lookup, key, text)
            if asked.has_lists:
                for kind, detail, steps in asked.misfits.inside(value):
                    self._tell(pattern, key, kind, detail, steps)
            for index in asked.indexes:
                index.add(pattern, key, value, known)
            if asked.symmetry is not None:
                asked.symmetry.add(key, value, known)

    def _dangles(self, lookup: Lookup, key: str, text: str) -> None:
        """Kept until it is known how often such a text stands there."""
        reference = lookup.reference
        nothing = f"there is no {reference.to.text} of it"
        if lookup.is_part:
            self._tell(reference.source, key, "orphan", nothing, reference)
            return
        detail = f"{reference.path} names {text}: {nothing}"
        if len(self._unsure) >= KEPT:
            self._tell(reference.source, key, "dangling", detail, reference)
            return
        lookup.note(text)
        self._unsure.append((lookup, key, text, detail))

    # And some again ------------------------------------------------------------------------------

    def settle(self) -> set[int]:
        """Compare both sides of everything. Returns the rows that are needed again, by the short
        hashes of their keys, to say what the differences are (`name`)."""
        indexes = {id(one.derived.pattern): one for one in self._indexes}
        for index_of in self._indexes:
            if index_of.named is not None:
                index_of.named.seal()
        for lookup, key, text, detail in self._unsure:
            reference = lookup.reference
            index = indexes.get(id((reference.index or reference.target).pattern))
            if index is not None and index.named is not None and text in index.named:
                continue  # the row is there, and only its index does not have it
            kind = "dangling"
            if lookup.is_habit(text):
                kind = "sentinel"
                lookup.sentinels.add(text)
            self._tell(reference.source, key, kind, detail, reference)
        self._unsure.clear()
        rows = set().union(*(one.settle() for one in self._symmetries.values()))
        return rows.union(*(one.settle() for one in self._indexes))

    def name(self, rows: Iterable[tuple[str, Any]]) -> None:
        """Rows with their decoded values."""
        for key, value in rows:
            pattern, segments = self.tree.place(key)
            if pattern is None or key in self._unread:
                continue
            asked = self._asked_of(pattern)
            value = decoded(value)
            known = dict(tokens(pattern, key, segments))
            for index in asked.indexes:
                for kind, text, detail in index.name(pattern, key, value, known, self._unread):
                    if kind == "stale" and (text not in self._keys or text in self._unread):
                        continue  # nothing to disagree with
                    self._tell(pattern, key, kind, detail, index.derived)
            if (symmetry := asked.symmetry) is not None:
                for detail in symmetry.name(pattern, value, known, self._unread):
                    self._tell(pattern, key, "one_sided", detail, symmetry.reference)

    # What its queries are made of ----------------------------------------------------------------

    def misfits_of(self, pattern: Pattern) -> Misfits:
        return self._asked_of(pattern).misfits

    def sentinels(self, reference: Reference) -> list[str]:
        """The texts that stand there for nobody."""
        lookups = self._lookups.get(id(reference.source), ())
        return sorted(next((one.sentinels for one in lookups if one.reference is reference), ()))

    def listing_references(self, derived: Derived) -> list[Reference]:
        """By which the entries of an index name its rows."""
        return next(one.references for one in self._indexes if one.derived is derived)

    def names_by(self, derived: Derived) -> bool:
        """Whether it is known under what rows ought to stand in an index."""
        return any(one.derived is derived and one.by_one for one in self._indexes)

    def _tell(
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
        self._told(misfit, self.causes[cause])
        if len(self.misfits) < KEPT:
            self.misfits.append(misfit)
