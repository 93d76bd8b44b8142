"""How long things took, counted in steps: of one process, in memory. No I/O.

A step is a fourth of a doubling, from half a millisecond to a minute, so that a percentile is right
within a tenth whatever it is; the same steps everywhere, so that counts of processes and of hours
can be added. Counting costs half a microsecond.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STEPS = tuple(0.0005 * 2 ** (step / 4) for step in range(69))
"""Upper ends, in seconds; what is longer counts behind the last."""


@dataclass(frozen=True, slots=True)
class Counted:
    """`kind` is route or query. `counts` by step; `slow` how many took as long as makes a statement
    slow; `slowest` in seconds."""

    kind: str
    name: str
    counts: tuple[int, ...]
    slow: int
    slowest: float


class Timer:
    """Of one route or query."""

    __slots__ = ("_slow_seconds", "counts", "slow", "slowest")

    def __init__(self, slow_seconds: float) -> None:
        self._slow_seconds = slow_seconds
        self.clear()

    def clear(self) -> None:
        self.counts = [0] * (len(STEPS) + 1)
        self.slow = 0
        self.slowest = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(STEPS, seconds)] += 1
        if seconds > self.slowest:
            self.slowest = seconds
        if seconds >= self._slow_seconds:
            self.slow += 1


class Latencies:
    """All timers of a process. Names must be few: routes and statements, not what callers say."""

    def __init__(self, slow_seconds: float) -> None:
        self._slow_seconds = slow_seconds
        self._timers: dict[tuple[str, str], Timer] = {}

    def timer(self, kind: str, name: str) -> Timer:
        """The one of that name, to be kept by whoever uses it often."""
        timer = self._timers.get((kind, name))
        if timer is None:
            timer = self._timers[kind, name] = Timer(self._slow_seconds)
        return timer

    def take(self) -> list[Counted]:
        """What was counted since the last time, in the order of names."""
        taken = []
        for (kind, name), timer in sorted(self._timers.items()):
            if any(timer.counts):
                taken.append(Counted(kind, name, tuple(timer.counts), timer.slow, timer.slowest))
                timer.clear()
        return taken

    def give_back(self, counted: Iterable[Counted]) -> None:
        """What was taken could not be written down: it counts again."""
        for one in counted:
            timer = self.timer(one.kind, one.name)
            timer.counts = [a + b for a, b in zip(timer.counts, one.counts, strict=True)]
            timer.slow += one.slow
            timer.slowest = max(timer.slowest, one.slowest)


def quantile(counts: Sequence[int], share: float, slowest: float) -> float:
    """Seconds within which that share of them was; in between two steps as if they lay evenly."""
    wanted = share * sum(counts)
    passed = 0
    for step, count in enumerate(counts):
        if count and passed + count >= wanted:
            low = STEPS[step - 1] if step else 0.0
            high = min(STEPS[step], slowest) if step < len(STEPS) else slowest
            return low + (max(high, low) - low) * (wanted - passed) / count
        passed += count
    return 0.0
