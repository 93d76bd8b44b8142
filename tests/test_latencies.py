"""Histograms of times: percentiles that are right, and counts that add up. And how growth is
fitted."""

from __future__ import annotations

import math
import random
import statistics
from datetime import UTC, datetime, timedelta

import pytest

from outgrow.latencies import STEPS, Latencies, quantile
from outgrow.trends import fit

START = datetime(2026, 3, 1, tzinfo=UTC)


def test_percentiles_are_right_within_a_tenth() -> None:
    chance = random.Random(7)
    times = [chance.lognormvariate(-4, 1.2) for _ in range(20_000)]
    latencies = Latencies(0.5)
    timer = latencies.timer("route", "GET /")
    for seconds in times:
        timer.add(seconds)
    (counted,) = latencies.take_counts()
    exact = statistics.quantiles(times, n=100)
    for percent in (50, 95, 99):
        estimate = quantile(counted.counts, percent / 100, counted.slowest)
        assert estimate == pytest.approx(exact[percent - 1], rel=0.1)
    assert counted.slow == sum(seconds >= 0.5 for seconds in times)
    assert counted.slowest == max(times)
    assert sum(counted.counts) == 20_000


@pytest.mark.parametrize("seconds", [0.0, 1e-6, STEPS[0], 0.0123, STEPS[-1], 3600.0])
def test_times_at_the_ends_are_counted(seconds: float) -> None:
    latencies = Latencies(0.5)
    latencies.timer("query", "a").add(seconds)
    (counted,) = latencies.take_counts()
    assert sum(counted.counts) == 1
    assert quantile(counted.counts, 0.95, counted.slowest) <= max(seconds, STEPS[0])


def test_nothing_counted_has_no_percentile() -> None:
    assert quantile([0] * (len(STEPS) + 1), 0.95, 0.0) == 0.0


def test_taking_empties_and_giving_back_adds() -> None:
    latencies = Latencies(0.5)
    timer = latencies.timer("route", "a")
    timer.add(0.6)
    taken = latencies.take_counts()
    assert latencies.take_counts() == []
    timer.add(0.1)
    latencies.add_back(taken)
    (counted,) = latencies.take_counts()
    assert (sum(counted.counts), counted.slow, counted.slowest) == (2, 1, 0.6)
    assert latencies.timer("route", "a") is timer


def points(values: list[float], hours: float = 24) -> list[tuple[datetime, float]]:
    return [(START + n * timedelta(hours=hours), value) for n, value in enumerate(values)]


def test_a_straight_growth() -> None:
    trend = fit(points([1000 + 50 * day for day in range(10)]))
    assert trend is not None
    assert not trend.exponential
    assert trend.per_day == pytest.approx(50)
    assert trend.days_until(2000) == pytest.approx(11)
    assert trend.days_until(1200) == 0
    assert trend.days_until(10_000_000) is None, "not within ten years"


def test_a_growth_by_a_share() -> None:
    trend = fit(points([100 * 1.1**day for day in range(10)]))
    assert trend is not None
    assert trend.exponential
    assert trend.now == pytest.approx(100 * 1.1**9)
    assert trend.days_until(100 * 1.1**20) == pytest.approx(11)
    assert trend.per_day == pytest.approx(0.1 * trend.now)


def test_noise_is_smoothed_and_chaos_is_no_trend() -> None:
    chance = random.Random(3)
    noisy = fit(points([1000 + 50 * day + chance.uniform(-40, 40) for day in range(20)]))
    assert noisy is not None
    assert noisy.per_day == pytest.approx(50, rel=0.2)
    assert fit(points([10, 900, 40, 800, 20, 700, 50, 850])) is None


def test_what_does_not_grow_never_arrives() -> None:
    for values in ([5.0] * 5, [50.0, 40.0, 30.0, 20.0]):
        trend = fit(points(values))
        assert trend is not None
        assert trend.days_until(60) is None


@pytest.mark.parametrize(
    "given",
    [[], points([1]), points([1, 2]), points([1, 2, 3], hours=6), points([1.0, 2.0], hours=100)],
)
def test_too_little_to_go_by(given: list[tuple[datetime, float]]) -> None:
    assert fit(given) is None


def test_three_readings_over_a_day_are_enough() -> None:
    assert fit(points([1, 2, 3], hours=12)) is not None


def test_many_readings_of_one_hour_do_not_outweigh_days() -> None:
    days = points([100 + 10 * day for day in range(10)])
    last = days[-1]
    crowd = [(last[0] + n * timedelta(minutes=1), last[1] + 500) for n in range(200)]
    trend = fit([*days, *crowd])
    assert trend is None or trend.per_day < 60
    plain = fit([*days, *[(position, last[1]) for position, _ in crowd]])
    assert plain is not None
    assert plain.per_day == pytest.approx(10, rel=0.1)


def test_zero_has_no_logarithm() -> None:
    trend = fit(points([0, 10, 20, 30]))
    assert trend is not None
    assert not trend.exponential
    assert math.isfinite(trend.now)
