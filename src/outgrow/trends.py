"""How a figure has grown, and when it will reach a line. No I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

FEWEST = 3  # readings
SHORTEST = timedelta(days=1)  # between the first and the last
SPACED = timedelta(hours=6)  # one reading in so long is enough: else the last two days are all
CLEAR = 0.5  # of the differences between readings, explained by the line
FURTHEST = 3650  # days; nobody knows what is beyond


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through the figures or, where that fits better, through their logarithms:
    growth by so many a day, or by such a share. `day` is the time of the last reading, in days
    since the first."""

    exponential: bool
    start: float
    slope: float
    day: float

    @property
    def now(self) -> float:
        return self.at(self.day)

    @property
    def per_day(self) -> float:
        """At the last reading."""
        return self.at(self.day + 1) - self.now

    def days_until(self, line: float) -> float | None:
        """From the last reading on; None for never, or not within ten years."""
        if self.slope <= 0:
            return None
        goal = math.log(line) if self.exponential else line
        days = (goal - self.start) / self.slope - self.day
        return max(0.0, days) if days <= FURTHEST else None

    def at(self, day: float) -> float:
        value = self.start + self.slope * day
        return math.exp(min(value, 700.0)) if self.exponential else value


def fit(points: Sequence[tuple[datetime, float]]) -> Trend | None:
    """None where there is too little to go by, or no clear direction. `points` in order."""
    kept = _spaced(points)
    if len(kept) < FEWEST or kept[-1][0] - kept[0][0] < SHORTEST:
        return None
    days = [(at - kept[0][0]) / timedelta(days=1) for at, _ in kept]
    values = [float(value) for _, value in kept]
    trends = [Trend(False, *_line(days, values), days[-1])]
    if min(values) > 0:
        trends.append(Trend(True, *_line(days, [math.log(v) for v in values]), days[-1]))
    missed = {
        trend: sum((trend.at(d) - v) ** 2 for d, v in zip(days, values, strict=True))
        for trend in trends
    }
    best = min(trends, key=missed.__getitem__)  # the straight one, where both fit alike
    mean = sum(values) / len(values)
    spread = sum((value - mean) ** 2 for value in values)
    if spread and missed[best] > (1 - CLEAR) * spread:
        return None
    return best


def _spaced(points: Sequence[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    kept: list[tuple[datetime, float]] = []
    for point in points:
        if not kept or point[0] - kept[-1][0] >= SPACED or point is points[-1]:
            kept.append(point)
    return kept


def _line(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Start and slope of the least squares."""
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum(
        (a - x) ** 2 for a in xs
    )
    return y - slope * x, slope
