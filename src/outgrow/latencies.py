"""Histograms of how long things took, in the memory of a process. No I/O.

A step is a fourth of a doubling, from half a millisecond to a minute, so every percentile is right
within a tenth. The steps are the same everywhere, so counts of several processes and hours can be
added. Counting costs half a microsecond.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STEPS = tuple(0.0005 * 2 ** (step / 4) for step in range(69))
"""The upper ends of the steps, in seconds. Longer times count in a step after the last."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts of a route or a query, which `kind` says. `counts` are by step; `slow` is how many
    took as long as makes a statement slow; `slowest` is in seconds."""

    kind: str
    name: str
    counts: tuple[int, ...]
    slow: int
    slowest: float


class Timer:
    """The counts of one route or query since they were last taken."""

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
    """All timers of a process. Names must be few: routes and statements, never text of callers."""

    def __init__(self, slow_seconds: float) -> None:
        self._slow_seconds = slow_seconds
        self._timers: dict[tuple[str, str], Timer] = {}

    def timer(self, kind: str, name: str) -> Timer:
        """Return the timer of that name. Callers that use it often should hold it."""
        timer = self._timers.get((kind, name))
        if timer is None:
            timer = self._timers[kind, name] = Timer(self._slow_seconds)
        return timer

    def take_counts(self) -> list[Counted]:
        """Return what was counted since the last time, in the order of names."""
        taken = []
        for (kind, name), timer in sorted(self._timers.items()):
            if any(timer.counts):
                taken.append(Counted(kind, name, tuple(timer.counts), timer.slow, timer.slowest))
                timer.clear()
        return taken

    def add_back(self, counted: Iterable[Counted]) -> None:
        """Count again what was taken and could not be stored."""
        for counts in counted:
            timer = self.timer(counts.kind, counts.name)
            timer.counts = [a + b for a, b in zip(timer.counts, counts.counts, strict=True)]
            timer.slow += counts.slow
            timer.slowest = max(timer.slowest, counts.slowest)


def quantile(counts: Sequence[int], share: float, slowest: float) -> float:
    """Return the seconds within which that share of the times was. Within a step they are taken to
    lie evenly."""
    wanted = share * sum(counts)
    passed = 0
    for step, count in enumerate(counts):
        if count and passed + count >= wanted:
            low = STEPS[step - 1] if step else 0.0
            high = min(STEPS[step], slowest) if step < len(STEPS) else slowest
            return low + (max(high, low) - low) * (wanted - passed) / count
        passed += count
    return 0.0
