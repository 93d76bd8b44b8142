"""Whether what is derived from other rows agrees with them: what an index lists, what the rows say,
and whose the differences are. No I/O.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import permutations, product
from typing import Any

from outgrow.inspection.derived import KEY, Derived, words_of
from outgrow.inspection.keys import Facts, Hashes
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.references import Reference
from outgrow.inspection.values import Steps, texts

COMPLETE = 0.6
"""An index that has a smaller share of the rows is of some of them: those it lacks are not
missing, unless it claims to have all."""

Known = Mapping[int, str]
"""The values of the variables of a row's key, by their places."""


class Agreement:
    """Of a derived pattern, the index, and its source: the facts of both sides. A fact is (row,
    what its key says)."""

    def __init__(self, derived: Derived, references: Sequence[Reference]) -> None:
        self.derived = derived
        self.by = derived.by or {}
        self.references = [r for r in references if (r.steps is None) == (-2 in self.by)]
        self._listed_facts, self._said_facts = Facts(), Facts()
        self.unsaid: set[int] = set()
        """What the index lists and no row says; and the other way round."""
        self.unlisted: set[int] = set()
        self.rows = Hashes()
        """Of copies: the rows of which there is one, whatever it says."""
        self.named: Hashes | None = None
        """Of an index by one segment through which ids lead to rows: under what these ought to
        stand."""
        self.by_one = len(self.by) == 1 and min(self.by) >= 0 and derived.source.shape == "document"
        self._under = sorted((place, self.by[place]) for place in self.by if place >= 0)
        """Of each segment that an index stands under, where a row says it."""
        self.is_pair = is_pair([places for _, places in self._under])
        self.literals = words_of(derived.pattern)

    def places(self, pattern: Pattern) -> Iterator[Steps]:
        """Where in the values of the index or of its rows it looks."""
        if pattern is self.derived.pattern:
            yield from (one.steps for one in self.references if one.steps is not None)
            if -2 in self.by:
                yield ()
        else:
            for places in self.by.values():
                yield from (steps for steps in places if steps[:1] != (KEY,))

    def add(self, pattern: Pattern, key: str, value: Any, known: Known) -> None:
        if pattern is self.derived.pattern:
            facts = [fact for fact, _ in self._listed(key, value, known)]
            self._listed_facts.update(facts, key)
            if -2 in self.by:
                self.rows.update(fact[0] for fact in facts)
        elif pattern is self.derived.source:
            said = list(self._said(key, value, known))
            self._said_facts.update(said, key)
            if self.named is not None:
                self.named.update(fact[1] for fact in said)

    def settle(self) -> set[int]:
        """Compare both sides. Returns the rows that are needed again, by the short hashes of their
        keys, to say what the differences are."""
        self.rows.seal()
        listed, self.unsaid, said, unlisted = self._listed_facts.compared(self._said_facts)
        common = listed - len(self.unsaid)
        if common < COMPLETE * listed:
            self.unsaid = set()  # not the same after all: copies of a part, or of an older state
        by_key = any(steps[:1] == (KEY,) for places in self.by.values() for steps in places)
        complete = 0 if self.derived.claims_all else COMPLETE
        if not by_key and common and common >= complete * said:
            self.unlisted = unlisted
        rows = self._listed_facts.rows(self.unsaid) | self._said_facts.rows(self.unlisted)
        self._listed_facts, self._said_facts = Facts(), Facts()
        return rows

    def name(
        self, pattern: Pattern, key: str, value: Any, known: Known, unread: Container[str]
    ) -> Iterator[tuple[str, str, str]]:
        """Kind, the key of the row concerned, and detail. What is `unread` is no list, and lacks
        nothing."""
        if pattern is self.derived.pattern and self.unsaid:
            for fact, text in dict.fromkeys(self._listed(key, value, known)):
                if hash(fact) in self.unsaid:
                    detail = f"{text}: its {self.derived.source.text} says otherwise"
                    yield "stale", fact[0], detail
        elif (
            pattern is self.derived.source
            and self.unlisted
            and key not in self.rows
            and any(
                hash(fact) in self.unlisted and not any(one in unread for one in self._at(fact))
                for fact in self._said(key, value, known)
            )
        ):
            yield "missing", key, f"{self.derived.pattern.text} does not have it"

    def _at(self, fact: tuple[str, ...]) -> Iterator[str]:
        """The keys of the index under which a row ought to stand."""
        if not (self.derived.order or -2 in self.by):
            orders = permutations(fact[1:]) if self.is_pair else (fact[1:],)
            yield from (self.derived.pattern.fill(*under) for under in orders)

    def _listed(self, key: str, value: Any, known: Known) -> Iterator[tuple[tuple[str, ...], str]]:
        """Of an index: (the row's key, the segments that it stands under), and the id as it is."""
        if self.derived.order:
            ids = list(known.values())
            yield (self.derived.source.fill(*(ids[n] for n in self.derived.order)),), key
            return
        under = [known.get(place, "") for place, _ in self._under]
        if self.is_pair:
            under.sort()
        for reference in self.references:
            if reference.steps is None:
                for row in reference.keys(known.get(reference.place, "")):
                    yield (row, _written(value)), row
                continue
            named = texts(value, reference.steps)
            for before, after in reference.around:
                for text in named:
                    yield (before + text + after, *under), text

    def _said(self, key: str, value: Any, known: Known) -> Iterator[tuple[str, ...]]:
        """Of a row: under which segments it ought to stand."""
        if self.derived.order:
            yield (key,)
            return
        if -2 in self.by:
            yield from ((key, _written(one)) for one in _values(value, self.by[-2][0]))
            return
        if -1 in self.by and not any(
            text.lower() in self.literals for text in texts(value, self.by[-1][0])
        ):
            return
        if self.is_pair:
            pair = [_found([steps], value, known) for steps in self._under[0][1]]
            yield from ((key, *sorted(two)) for two in product(*pair))
            return
        options = [_found(places, value, known) for _, places in self._under]
        if len(options) == 1:
            yield from ((key, text) for text in options[0])
            return
        for under in product(*options):
            yield (key, *under)


def is_pair(said: Sequence[Sequence[Steps]]) -> bool:
    """Two segments that say the same two things, in whatever order: `thread:{a}:{b}`."""
    return len(said) == 2 and len(set(said[0])) == 2 and set(said[0]) == set(said[1])


def _found(places: Sequence[Steps], value: Any, known: Known) -> list[str]:
    """What a row says at one of these places."""
    found: list[str] = []
    for steps in places:
        is_key = steps[:1] == (KEY,)
        found += [known.get(int(steps[1]), "")] if is_key else texts(value, steps)
    return [text for text in dict.fromkeys(found) if text]


def _written(value: Any) -> str:
    """As text, whatever the order of its fields: in a text that holds JSON it is another than in
    jsonb."""
    return json.dumps(value, sort_keys=True)


def _values(value: Any, steps: Steps) -> Iterator[Any]:
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            return
        value = value[step]
    yield value
