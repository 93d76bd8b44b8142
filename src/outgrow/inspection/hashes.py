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

AT_ONCE = 150_000
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


class Keys:
    """Asked for several times in each row, and so a table with gaps: a set takes six times the
    memory, and `Hashes` four times as long."""

    def __init__(self, count: int) -> None:
        """`count`: how many there will be at most."""
        size = 1 << max(4, (count + count // 2).bit_length())
        self._table = array("q", bytes(8 * size))
        self._mask = size - 1

    def update(self, keys: Iterable[str]) -> None:
        table, mask = self._table, self._mask
        for number in map(hash, keys):
            place = number & mask
            while (there := table[place]) and there != number:
                place = (place + 1) & mask
            table[place] = number

    def has_all(self, keys: Iterable[str]) -> bool:
        table, mask = self._table, self._mask
        for number in map(hash, keys):
            place = number & mask
            while (there := table[place]) != number:
                if not there:
                    return False
                place = (place + 1) & mask
        return True

    def __contains__(self, key: str) -> bool:
        return self.has_all((key,))


class Facts:
    """Facts, and for each the row that it was read in, by 32 bits of the hash of its key: a few
    other rows have the same."""

    def __init__(self) -> None:
        self._facts = array("q")
        self._rows = array("I")

    def update(self, facts: Sequence[Hashable], key: str) -> None:
        self._facts.extend(map(hash, facts))
        self._rows.extend(repeat(short(key), len(facts)))

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

    def single(self) -> set[int]:
        """The hashes that stand there an odd number of times, to be few."""
        odd: set[int] = set()
        parts = 1 + len(self._facts) // AT_ONCE
        for part in range(parts):
            for fact in _part(self._facts, part, parts):
                if fact in odd:
                    odd.remove(fact)
                else:
                    odd.add(fact)
        return odd


def short(key: str) -> int:
    return hash(key) & 0xFFFFFFFF


def _part(numbers: array[int], part: int, parts: int) -> Iterable[int]:
    return numbers if parts == 1 else (one for one in numbers if one % parts == part)
