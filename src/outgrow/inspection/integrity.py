"""What of a store contradicts the rest of it: misfits, each with its key, kind and detail. No I/O.

One pass over the rows, behind the one that found the patterns. In it what a row shows alone is
told (`wrong_shape`, `json_text`, `doubled`, and `dangling`, since all keys are known by then), and
of lists and the rows they are derived from only hashes are kept (agreement.py). Where those of both
sides differ the rows concerned are asked for once more, to say what the differences are.

Memory: up to 24 bytes for each key, and 12 for each fact and pair (hashes.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from outgrow.inspection import doubles
from outgrow.inspection.agreement import Agreement, Known
from outgrow.inspection.derived import Derived
from outgrow.inspection.formats import FILLER, form, is_id, is_name
from outgrow.inspection.hashes import Facts, Hashes, Keys
from outgrow.inspection.keys import Tree
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.reading import reader
from outgrow.inspection.references import Reference, is_own, tokens
from outgrow.inspection.targets import Target, names_rows
from outgrow.inspection.values import (
    ELEMENTS,
    MIXED,
    Steps,
    at,
    decoded,
    encoded,
    kind_of,
    path_of,
    texts,
)
from outgrow.layout.consistency.families import FLAT

SURE, PARTLY = 0.6, 0.9
"""Of a reference with a smaller share of ids that exist, the others are not said to dangle; the
second where the rows named are parts of something, which not everything need have."""

OFTEN, HABIT = 3, 0.1
"""A word that stands so often in place of an id is written by code as well; and so is a text of
another form than the ids that were found, where so large a share has it."""

_is_flat = re.compile(FLAT).search

_STEM = re.compile(r"([A-Za-z]{3,})[:_-]")

FEWEST = 8
"""So many elements must be of one kind before another is damage."""

LEARNING = 200
"""Of the first ids of a reference it is noted which form they have."""

KEPT = 200_000
"""Misfits whose keys are kept. The counts are complete in any case."""


@dataclass(frozen=True)
class Misfit:
    key: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Why misfits of a kind are in a pattern: the reference that leads nowhere, what is derived
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
"""Is told of every misfit; `misfits` keeps only so many."""


class _Lookup:
    """A reference, as it is followed in every row."""

    __slots__ = ("around", "count", "forms", "ids", "place", "reference", "steps")

    def __init__(self, reference: Reference, ids: Hashes | None) -> None:
        self.reference = reference
        self.place = reference.place
        self.steps = reference.steps
        every = (reference, *reference.group)
        self.around = tuple(dict.fromkeys(pair for one in every for pair in one.around))
        self.ids = ids
        """What else it may name: one of several ids of a key, or one in a list."""
        self.count = 0
        self.forms = {form for one in every for form in _forms_of(one.target)}
        """Of the target's ids, and of those that were found."""

    def exists(self, text: str, keys: Keys) -> bool:
        for before, after in self.around:
            if before + text + after in keys:
                return True
        return self.ids is not None and text in self.ids


def _forms_of(target: Target) -> list[str]:
    """How its ids are spelled, where one variable is all of them."""
    if target.how != "id" or target.place < 0:
        return []
    return [one for one in target.pattern.segments[target.place].forms if "<" in one]


class _Plan:
    """What is asked of every row of a pattern."""

    def __init__(
        self,
        pattern: Pattern,
        lookups: list[_Lookup],
        indexes: list[Agreement],
        symmetric: _Lookup | None,
    ) -> None:
        values = pattern.values
        self.kind = values.kind
        self.usual = {"object": dict, "array": list}.get(values.kind)
        self.mixed = values.is_mixed
        self.encoded = values.is_encoded
        self.lookups = lookups
        self.indexes = indexes
        self.symmetric = symmetric
        places = [one.reference.steps for one in lookups if one.reference.steps is not None]
        self.once = doubles.places(pattern, places)
        """Where an id may stand once in each list."""
        self.elements = dict(_elements(pattern, places))
        """Of which kind the elements of lists are."""
        places += [steps for index in indexes for steps in index.places(pattern)]
        places += [*self.once, *self.elements, *([(ELEMENTS,)] if symmetric is not None else [])]
        self.read = reader(values.kind, places)
        by_key = any(one.reference.steps is None for one in lookups)
        self.needs_key = by_key or bool(indexes) or symmetric is not None


class Audit:
    """Counts and keeps the misfits of a store. `keys` are all of its keys."""

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
        self.sentinels: dict[int, set[str]] = {}
        """By reference: the texts that stand there for nobody."""
        self.in_texts: set[int] = set()
        """Patterns some of whose values are written as JSON into texts; and of these those with
        others than plain lists."""
        self.opaque: set[int] = set()
        self._keys = keys
        self._ids: dict[tuple[int, int], Hashes] = {
            (id(r.to), r.target.place): Hashes() for r in references if r.by_place
        }
        self._lookups: dict[int, list[_Lookup]] = {}
        for reference in references:
            share = reference.share + sum(one.share for one in reference.group)
            sure = SURE if names_rows(reference.target) else PARTLY
            if share >= sure and not is_own(reference):
                lookup = self._lookup(reference)
                self._lookups.setdefault(id(reference.source), []).append(lookup)
        self._symmetric = {id(one.source): self._lookup(one) for one in symmetric}
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
        self._plans: dict[int, _Plan] = {}
        self._pairs = Facts()
        self._unanswered: set[int] = set()
        self._unread: set[str] = set()
        self._unsure: list[tuple[_Lookup, str, str, str]] = []
        self._written: Counter[tuple[int, str]] = Counter()

    def _lookup(self, reference: Reference) -> _Lookup:
        ids = reference.ids or self._ids.get((id(reference.to), reference.target.place))
        return _Lookup(reference, ids)

    def _plan(self, pattern: Pattern) -> _Plan:
        plan = self._plans.get(id(pattern))
        if plan is None:
            indexes = [
                one for one in self._indexes if pattern in (one.derived.pattern, one.derived.source)
            ]
            number = id(pattern)
            plan = self._plans[number] = _Plan(
                pattern, self._lookups.get(number, []), indexes, self._symmetric.get(number)
            )
        return plan

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
            plan = self._plans.get(id(pattern)) or self._plan(pattern)
            value = plan.read(json_text)
            if value.__class__ is not plan.usual:
                if value is None or self._is_misshapen(pattern, plan, key, value):
                    self._unread.add(key)
                if key in self._unread and value is not None:
                    continue
                value = decoded(value)
            known = dict(tokens(pattern, key, segments)) if plan.needs_key else {}
            for lookup in plan.lookups:
                self._look_up(lookup, key, value, known)
            for steps in plan.once:
                for text, times in doubles.doubled(value, steps):
                    where = f"{path_of(steps)}: " if steps != (ELEMENTS,) else ""
                    detail = f"{where}{text} stands there {times} times"
                    self._tell(pattern, key, "doubled", detail, steps)
            for steps, usual in plan.elements.items():
                self._of_other_kind(pattern, key, value, steps, usual)
            for index in plan.indexes:
                index.add(pattern, key, value, known)
            if plan.symmetric is not None:
                self._pairs.update(_pairs(pattern, value, known), key)

    def _is_misshapen(self, pattern: Pattern, plan: _Plan, key: str, value: Any) -> bool:
        if isinstance(value, str) and (inner := encoded(value)) is not None:
            self.in_texts.add(id(pattern))
            if not (isinstance(inner, list) and _is_flat(value)):
                self.opaque.add(id(pattern))
            if not plan.encoded:
                self._tell(pattern, key, "json_text", "the value is JSON inside a text")
            return False
        kind = kind_of(value)
        if plan.mixed or kind in (plan.kind, "null"):
            return False
        self._tell(
            pattern, key, "wrong_shape", f"{article(kind)}, where others are {article(plan.kind)}"
        )
        return True

    def _of_other_kind(
        self, pattern: Pattern, key: str, value: Any, steps: Steps, usual: str
    ) -> None:
        for item in at(value, steps):
            if (kind := kind_of(item)) != usual:
                where = f"{path_of(steps)}: " if steps != (ELEMENTS,) else ""
                detail = f"{where}{article(kind)}, where others are {article(usual)}"
                self._tell(pattern, key, "wrong_element", detail, steps)
                return

    def _look_up(self, lookup: _Lookup, key: str, value: Any, known: Known) -> None:
        if lookup.steps is not None:
            named = texts(value, lookup.steps, numbers=lookup.reference.numbers)
        else:
            named = [known[lookup.place]] if lookup.place in known else []
        if lookup.count >= LEARNING and len(lookup.around) == 1:
            ((before, after),) = lookup.around
            if self._keys.has_all([before + text + after for text in named]):
                lookup.count += len(named)
                return  # nearly always
        for text in named:
            if not text:
                continue
            lookup.count += 1
            if not lookup.exists(text, self._keys):
                self._dangles(lookup, key, text)
            elif lookup.count < LEARNING:
                lookup.forms.add(form(text))

    def _dangles(self, lookup: _Lookup, key: str, text: str) -> None:
        """Kept until it is known how often such a text stands there."""
        reference = lookup.reference
        if reference.steps is None and _is_part(reference):
            detail = f"there is no {reference.to.text} of it"
            self._tell(reference.source, key, "orphan", detail, reference)
            return
        detail = f"{reference.path} names {text}: there is no {reference.to.text} of it"
        if len(self._unsure) >= KEPT:
            self._tell(reference.source, key, "dangling", detail, reference)
            return
        for written in {text, form(text), _stem(text)}:
            self._written[id(reference), written] += 1
        self._unsure.append((lookup, key, text, detail))

    def _is_habit(self, lookup: _Lookup, text: str) -> bool:
        """Not by accident there: a word for nobody, or an id of something that is kept
        elsewhere."""
        number, made, stem = id(lookup.reference), form(text), _stem(text)
        forms = lookup.forms
        habit = max(OFTEN, HABIT * lookup.count)
        unknown = stem and not any(one.startswith(stem) for one in forms)
        if unknown and self._written[number, stem] >= habit:
            return True
        if not is_id(made, text):
            ids = any("<" in one for one in forms)
            often = self._written[number, text] >= OFTEN or is_name(text)
            return text.lower() in FILLER or (ids and often)
        return made not in forms and self._written[number, made] >= habit

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
            if self._is_habit(lookup, text):
                kind = "sentinel"
                self.sentinels.setdefault(id(reference), set()).add(text)
            self._tell(reference.source, key, kind, detail, reference)
        self._unsure.clear()
        self._unanswered = self._pairs.single()
        rows = self._pairs.rows(self._unanswered)
        self._pairs = Facts()
        return rows.union(*(index.settle() for index in self._indexes))

    def name(self, rows: Iterable[tuple[str, Any]]) -> None:
        """Rows with their decoded values."""
        for key, value in rows:
            pattern, segments = self.tree.place(key)
            if pattern is None or key in self._unread:
                continue
            plan = self._plan(pattern)
            value = decoded(value)
            known = dict(tokens(pattern, key, segments))
            for index in plan.indexes:
                for kind, text, detail in index.name(pattern, key, value, known, self._unread):
                    if kind == "stale" and (text not in self._keys or text in self._unread):
                        continue  # nothing to disagree with
                    self._tell(pattern, key, kind, detail, index.derived)
            if plan.symmetric is not None:
                self._one_sided(pattern, plan.symmetric, key, value, known)

    def _one_sided(
        self, pattern: Pattern, lookup: _Lookup, key: str, value: Any, known: Known
    ) -> None:
        for pair in _pairs(pattern, value, known):
            me, other = pair[:2] if pair[0] in known.values() else pair[1::-1]
            if (
                hash(pair) in self._unanswered
                and pattern.fill(other) not in self._unread
                and lookup.exists(other, self._keys)
            ):
                detail = f"{other} does not have {me}"
                self._tell(pattern, key, "one_sided", detail, lookup.reference)

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


def _elements(pattern: Pattern, referring: Collection[Steps]) -> Iterator[tuple[Steps, str]]:
    """Where lists stand whose elements are of one kind, and which: the value, and lists of ids in
    it."""
    if pattern.values.is_mixed:
        return
    for steps, values in pattern.values.walk():
        if steps[-1:] != (ELEMENTS,) or not (steps == (ELEMENTS,) or steps in referring):
            continue
        others = values.there - values.kinds[values.kind]
        if values.there >= FEWEST and others < MIXED * values.there and not values.encoded:
            yield steps, values.kind


def _pairs(pattern: Pattern, value: Any, known: Known) -> list[tuple[str, str, int]]:
    """Of a list of somebody: he and each who is in it, the same pair from either side."""
    which = id(pattern)
    return [
        (me, other, which) if me < other else (other, me, which)
        for me in known.values()
        for other in dict.fromkeys(texts(value, (ELEMENTS,)))
        if other != me
    ]


def _is_part(reference: Reference) -> bool:
    """`user:{id}:chats` is a part of `user:{id}`."""
    whole, part = reference.to, reference.source
    return len(whole.places) == len(part.places) and part.text.startswith(
        whole.text[: whole.text.rfind("}")]
    )


def _stem(text: str) -> str:
    """The word that tells what kind of id follows: `company` of `company_0b6f...`."""
    found = _STEM.match(text)
    return found[1] if found else ""


def article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeioAEIO" else f"a {noun}"
