"""How a figure has grown, and when it will reach a threshold. No I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

FEWEST = 3  # readings
SHORTEST = timedelta(days=1)  # between the first and the last
SPACED = timedelta(hours=6)  # between readings that count, else the last two days outweigh all
CLEAR = 0.5  # of the differences between readings that the line has to explain
FURTHEST = 3650  # days ahead


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through the figures or, where that fits better, through their logarithms:
    growth by a number or by a share each day. `day` is the time of the last reading, in days since
    the first."""

    exponential: bool
    start: float
    slope: float
    day: float

    @property
    def now(self) -> float:
        return self.value_on(self.day)

    @property
    def per_day(self) -> float:
        """The growth within a day after the last reading."""
        return self.value_on(self.day + 1) - self.now

    def days_until(self, threshold: float) -> float | None:
        """Return the days from the last reading on; None for never, or not within ten years."""
        if self.slope <= 0:
            return None
        goal = math.log(threshold) if self.exponential else threshold
        days = (goal - self.start) / self.slope - self.day
        return max(0.0, days) if days <= FURTHEST else None

    def value_on(self, day: float) -> float:
        value = self.start + self.slope * day
        return math.exp(min(value, 700.0)) if self.exponential else value


def fit(points: Sequence[tuple[datetime, float]]) -> Trend | None:
    """Return the trend of `points`, which are in order of time; None where there are too few, or
    they have no clear direction."""
    kept = _spaced(points)
    if len(kept) < FEWEST or kept[-1][0] - kept[0][0] < SHORTEST:
        return None
    days = [(time - kept[0][0]) / timedelta(days=1) for time, _ in kept]
    values = [float(value) for _, value in kept]
    trends = [Trend(False, *_line(days, values), days[-1])]
    if min(values) > 0:
        trends.append(Trend(True, *_line(days, [math.log(v) for v in values]), days[-1]))
    errors = {
        trend: sum((trend.value_on(d) - v) ** 2 for d, v in zip(days, values, strict=True))
        for trend in trends
    }
    best = min(trends, key=errors.__getitem__)  # the straight line where both fit alike
    mean = sum(values) / len(values)
    spread = sum((value - mean) ** 2 for value in values)
    if spread and errors[best] > (1 - CLEAR) * spread:
        return None
    return best


def _spaced(points: Sequence[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    kept: list[tuple[datetime, float]] = []
    for point in points:
        if not kept or point[0] - kept[-1][0] >= SPACED or point is points[-1]:
            kept.append(point)
    return kept


def _line(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Return start and slope of the line of least squares."""
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum(
        (a - x) ** 2 for a in xs
    )
    return y - slope * x, slope
