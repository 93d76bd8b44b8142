"""Sets of millions of things in eight bytes each. No I/O.

Two things of one 64-bit hash are taken for one: among ten million the chance that any two are is 1
in 400,000.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from itertools import repeat

_PARTS = 64  # so that what is sorted at once stays small

AT_ONCE = 300_000
"""Facts that are a set at once, which takes eight times the memory."""


class Hashes:
    """First filled, then sealed, then asked."""

    def __init__(self) -> None:
        self._parts = [array("q") for _ in range(_PARTS)]

    def update(self, things: Iterable[Hashable]) -> None:
        parts = self._parts
        for number in map(hash, things):
            parts[number % _PARTS].append(number)

    def seal(self) -> None:
        self._parts = [array("q", sorted(set(part))) for part in self._parts]

    def __contains__(self, thing: Hashable) -> bool:
        number = hash(thing)
        part = self._parts[number % _PARTS]
        place = bisect_left(part, number)
        return place < len(part) and part[place] == number


class Facts:
    """Facts, and for each the row that it was read in, by the hash of its key."""

    def __init__(self) -> None:
        self._facts = array("q")
        self._rows = array("q")

    def update(self, facts: Sequence[Hashable], row: int) -> None:
        self._facts.extend(map(hash, facts))
        self._rows.extend(repeat(row, len(facts)))

    def rows(self, facts: set[int]) -> set[int]:
        """The rows in which one of these hashes of facts was read."""
        return {row for fact, row in zip(self._facts, self._rows, strict=True) if fact in facts}

    def compared(self, other: Facts) -> tuple[int, set[int], int, set[int]]:
        """How many facts there are and the hashes of those that the other has not, to be few; then
        the same of the other."""
        mine = theirs = 0
        only_mine: set[int] = set()
        only_theirs: set[int] = set()
        parts = 1 + len(self._facts) // AT_ONCE
        for part in range(parts):
            one, two = (set(_part(all_, part, parts)) for all_ in (self._facts, other._facts))
            mine, theirs = mine + len(one), theirs + len(two)
            only_mine |= one - two
            only_theirs |= two - one
        return mine, only_mine, theirs, only_theirs


def _part(numbers: array[int], part: int, parts: int) -> Iterable[int]:
    return numbers if parts == 1 else (one for one in numbers if one % parts == part)
