"""Sets of millions of things in eight bytes each. No I/O."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Hashable, Iterable

_PARTS = 64  # so that what is sorted at once stays small


class Hashes:
    """First filled, then sealed, then asked. Two things of one 64-bit hash are taken for one: among
    ten million the chance that any two are is 1 in 400,000."""

    def __init__(self) -> None:
        self._parts = [array("q") for _ in range(_PARTS)]

    def add(self, thing: Hashable) -> None:
        number = hash(thing)
        self._parts[number % _PARTS].append(number)

    def update(self, things: Iterable[Hashable]) -> None:
        parts = self._parts
        for thing in things:
            number = hash(thing)
            parts[number % _PARTS].append(number)

    def seal(self) -> None:
        self._parts = [array("q", sorted(set(part))) for part in self._parts]

    def __contains__(self, thing: Hashable) -> bool:
        return self.has(hash(thing))

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def has(self, number: int) -> bool:
        part = self._parts[number % _PARTS]
        place = bisect_left(part, number)
        return place < len(part) and part[place] == number

    def without(self, other: Hashes) -> set[int]:
        """The hashes that the other has not: to be few."""
        return {number for part in self._parts for number in part if not other.has(number)}
