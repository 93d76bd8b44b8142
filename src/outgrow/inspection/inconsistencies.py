"""Rows that contradict others: what names nothing, and lists of which one has the other's owner and
not the other way round. What is derived and does not agree is in agreement.py. No I/O."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator
from typing import Any

from outgrow.inspection.agreement import Known
from outgrow.inspection.formats import FILLER, form, is_id, is_name
from outgrow.inspection.keys import Facts, Hashes, Keys
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.references import Reference, Target
from outgrow.inspection.values import ELEMENTS, texts

OFTEN, HABIT = 3, 0.1
"""A word that stands so often in place of an id is written by code as well; and so is a text of
another form than the ids that were found, where so large a share has it."""

LEARNING = 200
"""Of the first ids of a reference it is noted which form they have."""

_STEM = re.compile(r"([A-Za-z]{3,})[:_-]")


class Lookup:
    """A reference, as it is followed in every row. `ids` are what else it may name: one of several
    ids of a key, or one in a list."""

    __slots__ = (
        "_around",
        "_count",
        "_forms",
        "_ids",
        "_keys",
        "_written",
        "reference",
        "sentinels",
    )

    def __init__(self, reference: Reference, ids: Hashes | None, keys: Keys) -> None:
        self.reference = reference
        every = (reference, *reference.group)
        self._around = tuple(dict.fromkeys(pair for one in every for pair in one.around))
        self._ids = ids
        self._keys = keys
        self._count = 0
        self._forms = {form for one in every for form in _forms_of(one.target)}
        """Of the target's ids, and of those that were found."""
        self._written: Counter[str] = Counter()
        """How often a text that names nothing stands there, its form, and its first word."""
        self.sentinels: set[str] = set()
        """The texts that stand there for nobody."""

    def exists(self, text: str) -> bool:
        for before, after in self._around:
            if before + text + after in self._keys:
                return True
        return self._ids is not None and text in self._ids

    def nowhere(self, value: Any, known: Known) -> list[str]:
        """The texts of a row that name nothing."""
        reference = self.reference
        if reference.steps is not None:
            named = texts(value, reference.steps, numbers=reference.numbers)
        else:
            named = [known[reference.place]] if reference.place in known else []
        if self._count >= LEARNING and len(self._around) == 1:
            ((before, after),) = self._around
            if self._keys.has_all([before + text + after for text in named]):
                self._count += len(named)
                return []  # nearly always
        found = []
        for text in named:
            if not text:
                continue
            self._count += 1
            if not self.exists(text):
                found.append(text)
            elif self._count < LEARNING:
                self._forms.add(form(text))
        return found

    @property
    def is_part(self) -> bool:
        """`user:{id}:chats` is a part of `user:{id}`, by its own key."""
        whole, part = self.reference.to, self.reference.source
        return (
            self.reference.steps is None
            and len(whole.places) == len(part.places)
            and part.text.startswith(whole.text[: whole.text.rfind("}")])
        )

    def note(self, text: str) -> None:
        """It names nothing: that is damage, unless it is a habit."""
        self._written.update({text, form(text), _stem(text)})

    def is_habit(self, text: str) -> bool:
        """Not by accident there: a word for nobody, or an id of something that is kept
        elsewhere."""
        made, stem = form(text), _stem(text)
        habit = max(OFTEN, HABIT * self._count)
        unknown = stem and not any(one.startswith(stem) for one in self._forms)
        if unknown and self._written[stem] >= habit:
            return True
        if not is_id(made, text):
            ids = any("<" in one for one in self._forms)
            often = self._written[text] >= OFTEN or is_name(text)
            return text.lower() in FILLER or (ids and often)
        return made not in self._forms and self._written[made] >= habit


class Symmetry:
    """Lists of somebody, in which each is in whose list he is. A fact is a pair, the same from
    either side."""

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
        """The rows that are needed again, by the short hashes of their keys."""
        self._single = self._facts.single()
        rows = self._facts.rows(self._single)
        self._facts = Facts()
        return rows

    def name(
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
    """How its ids are spelled, where one variable is all of them."""
    if target.how != "id" or target.place < 0:
        return []
    return [one for one in target.pattern.segments[target.place].forms if "<" in one]


def _stem(text: str) -> str:
    """The word that tells what kind of id follows: `company` of `company_0b6f...`."""
    found = _STEM.match(text)
    return found[1] if found else ""
