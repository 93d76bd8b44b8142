"""Rows that contradict others. No I/O.

There are references that name nothing, and lists that do not name each other's owners where others
do. Derived rows are compared with their source: what an index lists, what the rows have, and which
key a difference belongs to."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import permutations, product
from typing import Any

from outgrow.inspection.derived import KEY, Derived, words_of
from outgrow.inspection.formats import FILLER, form, is_id, is_name
from outgrow.inspection.keys import Facts, Hashes, Keys
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.references import Reference, Target
from outgrow.inspection.values import ELEMENTS, Steps, texts

COMPLETE = 0.6
"""An index with a smaller share of the rows lists some of them on purpose: the others are not
missing, unless it claims to have all."""

Known = Mapping[int, str]
"""The values of the variables of a row's key, by their positions."""


class Agreement:
    """The facts of a derived pattern, the index, and of its source. A fact is (row, what its key
    has)."""

    def __init__(self, derived: Derived, references: Sequence[Reference]) -> None:
        self.derived = derived
        self.by = derived.by or {}
        self.references = [r for r in references if (r.steps is None) == (-2 in self.by)]
        self._index_facts, self._row_facts = Facts(), Facts()
        self.stale: set[int] = set()
        """Hashes of what the index lists and no row has; `missing` is the reverse."""
        self.missing: set[int] = set()
        self.rows = Hashes()
        """Rows that have a copy, whatever the copy holds."""
        self.expected_ids: Hashes | None = None
        """Ids under which rows should stand, where the index has one segment through which ids lead
        to rows."""
        self.is_by_one_segment = (
            len(self.by) == 1 and min(self.by) >= 0 and derived.source.shape == "document"
        )
        self._under = sorted((position, self.by[position]) for position in self.by if position >= 0)
        """For each segment of an index the paths at which a row has it."""
        self.is_pair = is_pair([paths for _, paths in self._under])
        self.literals = words_of(derived.pattern)

    def paths(self, pattern: Pattern) -> Iterator[Steps]:
        """Return the paths that it reads in the values of the index or of its rows."""
        if pattern is self.derived.pattern:
            yield from (r.steps for r in self.references if r.steps is not None)
            if -2 in self.by:
                yield ()
        else:
            for paths in self.by.values():
                yield from (steps for steps in paths if steps[:1] != (KEY,))

    def add(self, pattern: Pattern, key: str, value: Any, known: Known) -> None:
        if pattern is self.derived.pattern:
            facts = [fact for fact, _ in self._facts_of_index(key, value, known)]
            self._index_facts.update(facts, key)
            if -2 in self.by:
                self.rows.update(fact[0] for fact in facts)
        elif pattern is self.derived.source:
            facts = list(self._facts_of_row(key, value, known))
            self._row_facts.update(facts, key)
            if self.expected_ids is not None:
                self.expected_ids.update(fact[1] for fact in facts)

    def settle(self) -> set[int]:
        """Compare both sides. Return the short hashes of the keys whose rows are needed again, to
        say what the differences are."""
        self.rows.seal()
        index_count, self.stale, row_count, missing = self._index_facts.compare(self._row_facts)
        common = index_count - len(self.stale)
        if common < COMPLETE * index_count:
            self.stale = set()  # copies of a part, or of an older state
        by_key = any(steps[:1] == (KEY,) for places in self.by.values() for steps in places)
        complete = 0 if self.derived.claims_all else COMPLETE
        if not by_key and common and common >= complete * row_count:
            self.missing = missing
        rows = self._index_facts.rows(self.stale) | self._row_facts.rows(self.missing)
        self._index_facts, self._row_facts = Facts(), Facts()
        return rows

    def explain(
        self, pattern: Pattern, key: str, value: Any, known: Known, unread: Container[str]
    ) -> Iterator[tuple[str, str, str]]:
        """Return kind, key and detail of each difference. A row that is `unread` is no list, and
        lacks nothing."""
        if pattern is self.derived.pattern and self.stale:
            for fact, text in dict.fromkeys(self._facts_of_index(key, value, known)):
                if hash(fact) in self.stale:
                    detail = f"{text}: its {self.derived.source.text} says otherwise"
                    yield "stale", fact[0], detail
        elif (
            pattern is self.derived.source
            and self.missing
            and key not in self.rows
            and any(
                hash(fact) in self.missing
                and not any(index_key in unread for index_key in self._keys_of_index(fact))
                for fact in self._facts_of_row(key, value, known)
            )
        ):
            yield "missing", key, f"{self.derived.pattern.text} does not have it"

    def _keys_of_index(self, fact: tuple[str, ...]) -> Iterator[str]:
        """Return the keys of the index under which a row should stand."""
        if not (self.derived.order or -2 in self.by):
            orders = permutations(fact[1:]) if self.is_pair else (fact[1:],)
            yield from (self.derived.pattern.fill(*under) for under in orders)

    def _facts_of_index(
        self, key: str, value: Any, known: Known
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        """Return (the row's key, the segments that it stands under), and the id as it is
        written."""
        if self.derived.order:
            ids = list(known.values())
            yield (self.derived.source.fill(*(ids[n] for n in self.derived.order)),), key
            return
        under = [known.get(position, "") for position, _ in self._under]
        if self.is_pair:
            under.sort()
        for reference in self.references:
            if reference.steps is None:
                for row in reference.keys(known.get(reference.position, "")):
                    yield (row, _as_json(value)), row
                continue
            named = texts(value, reference.steps)
            for before, after in reference.around:
                for text in named:
                    yield (before + text + after, *under), text

    def _facts_of_row(self, key: str, value: Any, known: Known) -> Iterator[tuple[str, ...]]:
        """Return the segments under which a row should stand."""
        if self.derived.order:
            yield (key,)
            return
        if -2 in self.by:
            yield from ((key, _as_json(copied)) for copied in _values_at(value, self.by[-2][0]))
            return
        if -1 in self.by and not any(
            text.lower() in self.literals for text in texts(value, self.by[-1][0])
        ):
            return
        if self.is_pair:
            pair = [_texts_at_any([steps], value, known) for steps in self._under[0][1]]
            yield from ((key, *sorted(two)) for two in product(*pair))
            return
        options = [_texts_at_any(paths, value, known) for _, paths in self._under]
        if len(options) == 1:
            yield from ((key, text) for text in options[0])
            return
        for under in product(*options):
            yield (key, *under)


def is_pair(paths: Sequence[Sequence[Steps]]) -> bool:
    """Return whether two segments have the same two texts, in either order: `thread:{a}:{b}`."""
    return len(paths) == 2 and len(set(paths[0])) == 2 and set(paths[0]) == set(paths[1])


def _texts_at_any(paths: Sequence[Steps], value: Any, known: Known) -> list[str]:
    """Return the texts that a row has at these paths."""
    texts_at: list[str] = []
    for steps in paths:
        is_key = steps[:1] == (KEY,)
        texts_at += [known.get(int(steps[1]), "")] if is_key else texts(value, steps)
    return [text for text in dict.fromkeys(texts_at) if text]


def _as_json(value: Any) -> str:
    """Return JSON with sorted fields: in a text they are in another order than in jsonb."""
    return json.dumps(value, sort_keys=True)


def _values_at(value: Any, steps: Steps) -> Iterator[Any]:
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            return
        value = value[step]
    yield value


OFTEN, HABIT = 3, 0.1
"""How often a word must stand in place of an id to be written by code on purpose; and the share
from which the same holds for texts of another form than the ids that exist."""

LEARNING = 200
"""The first ids of a reference, whose forms are stored."""

_STEM = re.compile(r"([A-Za-z]{3,})[:_-]")


class Lookup:
    """A reference, as it is followed in every row. `ids` are what else it may name: one of several
    ids of a key, or one in a list."""

    def __init__(self, reference: Reference, ids: Hashes | None, keys: Keys) -> None:
        self.reference = reference
        references = (reference, *reference.group)
        self._around = tuple(dict.fromkeys(pair for r in references for pair in r.around))
        self._ids = ids
        self._keys = keys
        self._count = 0
        self._forms = {form for reference in references for form in _forms_of(reference.target)}
        """Forms of the target's ids, and of the ids that exist."""
        self._written: Counter[str] = Counter()
        """How often a text that names nothing stands there, and its form, and its first word."""
        self.sentinels: set[str] = set()
        """The texts that stand there in place of an id."""

    def exists(self, text: str) -> bool:
        for before, after in self._around:
            if before + text + after in self._keys:
                return True
        return self._ids is not None and text in self._ids

    def dangling_texts(self, value: Any, known: Known) -> list[str]:
        """Return the texts of a row that name nothing."""
        reference = self.reference
        if reference.steps is not None:
            named = texts(value, reference.steps, numbers=reference.numbers)
        else:
            named = [known[reference.position]] if reference.position in known else []
        if self._count >= LEARNING and len(self._around) == 1:
            ((before, after),) = self._around
            if self._keys.has_all([before + text + after for text in named]):
                self._count += len(named)
                return []  # nearly always
        dangling = []
        for text in named:
            if not text:
                continue
            self._count += 1
            if not self.exists(text):
                dangling.append(text)
            elif self._count < LEARNING:
                self._forms.add(form(text))
        return dangling

    @property
    def is_part(self) -> bool:
        """Return whether the source is a part of the target by its own key: `user:{id}:chats` of
        `user:{id}`."""
        whole, part = self.reference.to, self.reference.source
        return (
            self.reference.steps is None
            and len(whole.positions) == len(part.positions)
            and part.text.startswith(whole.text[: whole.text.rfind("}")])
        )

    def count_dangling(self, text: str) -> None:
        """Count a text that names nothing: it is damage, unless it is a habit."""
        self._written.update({text, form(text), _stem(text)})

    def is_habit(self, text: str) -> bool:
        """Return whether it is there on purpose: a word for nobody, or an id of something that is
        stored elsewhere."""
        text_form, stem = form(text), _stem(text)
        habit = max(OFTEN, HABIT * self._count)
        unknown = stem and not any(known.startswith(stem) for known in self._forms)
        if unknown and self._written[stem] >= habit:
            return True
        if not is_id(text_form, text):
            ids = any("<" in known for known in self._forms)
            often = self._written[text] >= OFTEN or is_name(text)
            return text.lower() in FILLER or (ids and often)
        return text_form not in self._forms and self._written[text_form] >= habit


class Symmetry:
    """Lists that should name each other's owners. A fact is a pair, the same from either side."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._facts = Facts()
        self._single: set[int] = set()

    @property
    def reference(self) -> Reference:
        return self._lookup.reference

    def add(self, key: str, value: Any, known: Known) -> None:
        self._facts.update(_pairs(value, known), key)

    def settle(self) -> set[int]:
        """Return the short hashes of the keys whose rows are needed again."""
        self._single = self._facts.single()
        rows = self._facts.rows(self._single)
        self._facts = Facts()
        return rows

    def explain(
        self, pattern: Pattern, value: Any, known: Known, unread: Container[str]
    ) -> Iterator[str]:
        for pair in _pairs(value, known):
            me, other = pair if pair[0] in known.values() else pair[::-1]
            is_list = pattern.fill(other) not in unread
            if hash(pair) in self._single and is_list and self._lookup.exists(other):
                yield f"{other} does not have {me}"


def _pairs(value: Any, known: Known) -> list[tuple[str, str]]:
    return [
        (me, other) if me < other else (other, me)
        for me in known.values()
        for other in dict.fromkeys(texts(value, (ELEMENTS,)))
        if other != me
    ]


def _forms_of(target: Target) -> list[str]:
    """Return how its ids are spelled, where one variable is the whole id."""
    if target.how != "id" or target.position < 0:
        return []
    return [id_form for id_form in target.pattern.segments[target.position].forms if "<" in id_form]


def _stem(text: str) -> str:
    """Return the word that tells what kind of id follows: `company` of `company_0b6f...`."""
    match = _STEM.match(text)
    return match[1] if match else ""
