"""Advice, from made-up readings: what is asked for, when, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outgrow.advice import BLUEPRINT_FIRST, Advised, Reading, Situation, Slow, Speed, advise
from outgrow.errors import BadInput
from outgrow.growth.state import Phase
from outgrow.settings import Settings, Thresholds

NOW = datetime(2026, 11, 1, tzinfo=UTC)
THRESHOLDS = Thresholds()


def reading(days_ago: float = 0, **more: Any) -> Reading:
    figures: dict[str, Any] = {
        "taken_at": NOW - timedelta(days=days_ago),
        "database_bytes": 50_000_000,
        "store_bytes": 40_000_000,
        "keys": 1_000,
        "users": 200,
        "school": 100,
        "connections": 20,
    }
    return Reading(**(figures | more))


def asked(phase: Phase = "initial", thresholds: Thresholds = THRESHOLDS, **more: Any) -> Advised:
    return advise([reading(**more)], Situation("public.kv", phase), thresholds)


def speed(p95: float, count: int = 1000, slow: int = 0) -> Speed:
    return Speed(count, p95 / 4, p95, 2 * p95, slow, 3 * p95)


def kinds(advised: Advised, when: str = "now") -> set[str]:
    return {a.signal.kind for a in advised.advice if a.when == when and a.signal is not None}


def test_nothing_to_do_is_an_answer() -> None:
    advised = asked()
    assert (advised.command, advised.advice) == (None, ())
    assert {s.kind for s in advised.fine} == {"scale", "users", "school", "connections", "database"}
    assert [n.what for n in advised.not_yet] == [
        "outgrow grow --to optimized",
        "outgrow grow --to hybrid",
        "outgrow grow --to relational",
        "read replicas, sharding",
    ]


@pytest.mark.parametrize(
    ("figures", "kind", "command"),
    [
        ({"users": 1_001}, "scale", "outgrow grow --to optimized"),
        ({"users": 10_001}, "scale", "outgrow grow --to hybrid"),
        ({"users": 50_001}, "scale", "outgrow grow --to relational"),
        ({"school": 5_001}, "school", "outgrow grow --to optimized"),
        ({"connections": 101}, "connections", "outgrow grow --to hybrid"),
        ({"database_bytes": 10_000_000_001}, "database", "outgrow grow --to relational --plan"),
        ({"routes": {"GET /profiles": speed(501)}}, "response", "outgrow grow --to optimized"),
    ],
)
def test_each_threshold_asks_for_its_phase(
    figures: dict[str, Any], kind: str, command: str
) -> None:
    advised = asked(**figures)
    assert kind in kinds(advised)
    assert advised.command == command
    (advice,) = [a for a in advised.advice if a.signal and a.signal.kind == kind]
    assert advice.reason
    assert advice.signal is not None
    assert advice.signal.figure > advice.signal.threshold


@pytest.mark.parametrize(
    "figures",
    [
        {"users": 1_000},
        {"school": 5_000},
        {"connections": 100},
        {"database_bytes": 10_000_000_000},
        {"routes": {"GET /profiles": speed(500)}},
        {"routes": {"GET /profiles": speed(900, count=99)}},
    ],
)
def test_at_a_threshold_and_with_few_requests_nothing_is_advised(figures: dict[str, Any]) -> None:
    assert asked(**figures).advice == ()


def test_the_migration_is_planned_at_its_threshold() -> None:
    advised = asked("optimized", users=5_001)
    assert kinds(advised) == {"users"}
    assert advised.command == "outgrow grow --to hybrid --plan"
    assert asked("hybrid", users=5_001).advice == ()


def test_late_lists_are_advised_where_sign_ups_rewrite_a_long_list() -> None:
    advised = asked("relational", school=5_001)
    assert advised.command == "outgrow grow --to relational --late-lists 5"
    (advice,) = advised.advice
    assert "note" in advice.reason
    days = [reading(30 - day, school=3_000 + 50 * day) for day in range(31)]
    ahead = advise(days, Situation("public.kv", "optimized"), THRESHOLDS)
    commands = [a.command for a in ahead.advice if a.when == "soon"]
    assert commands == ["outgrow grow --to optimized --late-lists 5 --plan"]
    late = Situation("public.kv", "relational", late=True)
    assert advise([reading(school=5_001)], late, THRESHOLDS).advice == ()


@pytest.mark.parametrize("phase", ["optimized", "hybrid", "relational"])
def test_what_is_done_is_not_advised(phase: Phase) -> None:
    ladder = ["initial", "optimized", "hybrid", "relational"]
    figures = reading(users=60_000, school=9_000, connections=400)
    advised = advise([figures], Situation("public.kv", phase, late=True), THRESHOLDS)
    for advice in advised.advice:
        assert advice.command is not None
        goal = advice.command.split()[3]
        assert ladder.index(goal) > ladder.index(phase)
    assert (advised.command is None) == (phase == "relational")
    assert not {n.what for n in advised.not_yet} & {a.command for a in advised.advice}


def test_of_several_growths_the_furthest_is_the_one_to_do() -> None:
    advised = asked(users=1_200, school=6_000, connections=300)
    assert kinds(advised) == {"scale", "school", "connections"}
    assert advised.command == "outgrow grow --to hybrid"
    assert advised.not_yet[0].what == "outgrow grow --to relational"


def test_a_slow_answer_asks_for_the_next_phase_until_there_is_none() -> None:
    routes = {"GET /a": speed(600), "GET /b": speed(900), "GET /c": speed(9000, count=5)}
    advised = asked("optimized", routes=routes)
    (advice,) = advised.advice
    assert advice.signal is not None
    assert advice.signal.about == "GET /b"
    assert advised.command == "outgrow grow --to hybrid"
    advised = asked("relational", routes=routes)
    assert (kinds(advised), advised.command) == ({"response"}, None)
    assert "no phase is left" in advised.advice[0].reason


def test_slow_queries_are_named() -> None:
    queries = {
        "profiles.page": speed(800, 1000, 40),
        "rare.one": speed(800, 1000, 2),
        "chats.list": speed(30, 10_000, 50),
    }
    advised = asked(queries=queries)
    assert len(advised.advice) == 1
    assert "profiles.page was slow 40 of 1,000 times" in advised.advice[0].reason
    statements = [Slow("SELECT a", 50, 700, 900), Slow("COPY b", 1, 9000, 9000)]
    advised = asked(statements=statements)
    assert [a.reason for a in advised.advice] == ["700 ms on average, 50 times: SELECT a"]


def history(**growth: tuple[float, float]) -> list[Reading]:
    """Thirty days, each figure from its first value by so much a day."""
    return [
        reading(29 - day, **{k: round(first + by * day) for k, (first, by) in growth.items()})
        for day in range(30)
    ]


def test_what_comes_soon_is_reported_with_its_day() -> None:
    readings = history(users=(500, 10), database_bytes=(9e9, 20e6))
    advised = advise(readings, Situation("public.kv"), THRESHOLDS)
    soon = {a.signal.kind: a for a in advised.advice if a.signal and a.when == "soon"}
    assert set(soon) == {"scale", "database"}
    signal = soon["scale"].signal
    assert signal is not None
    assert signal.days == pytest.approx((1000 - 790) / 10)
    assert signal.per_day == pytest.approx(10)
    assert soon["scale"].command == "outgrow grow --to optimized --plan"
    assert advised.command is None, "soon is not now"
    not_yet = {n.what: n.why for n in advised.not_yet}
    assert "2029-05-" in not_yet["outgrow grow --to hybrid"]
    far = advise(readings, Situation("public.kv"), replace(THRESHOLDS, soon=5))
    assert far.advice == ()


def test_since_when_a_threshold_is_crossed() -> None:
    advised = advise(history(users=(800, 10)), Situation("public.kv"), THRESHOLDS)
    (advice,) = [a for a in advised.advice if a.signal and a.signal.kind == "scale"]
    assert advice.signal is not None
    assert advice.signal.since == NOW - timedelta(days=29 - 21)
    advised = advise(history(users=(1800, 10)), Situation("public.kv"), THRESHOLDS)
    (advice,) = [a for a in advised.advice if a.signal and a.signal.kind == "scale"]
    assert advice.signal is not None
    assert advice.signal.since is None, "it was so before anybody looked"


def test_without_history_growth_is_unknown() -> None:
    advised = asked()
    assert all(s.per_day is None and s.days is None for s in advised.fine)
    assert "not known yet" in advised.not_yet[0].why
    assert advised.since is None


@pytest.mark.parametrize(
    ("growth", "command"),
    [
        ("ready", "outgrow switch"),
        ("paused", "outgrow resume"),
        ("interrupted", "outgrow resume"),
        ("failed", "outgrow resume"),
        ("running", None),
        ("none", "outgrow grow --to optimized"),
    ],
)
def test_what_was_begun_comes_first(growth: str, command: str | None) -> None:
    advised = advise([reading(users=2_000)], Situation("public.kv", growth=growth), THRESHOLDS)
    assert advised.command == command


def test_indexes_that_only_cost_and_those_that_are_missing() -> None:
    air = tuple(f"twin_{n}" for n in range(19))
    advised = advise([reading()], Situation("public.kv", air=air, missing=("og_a",)), THRESHOLDS)
    assert advised.command == "outgrow grow --to optimized"
    assert len(advised.advice) == 1, "in phase initial nothing is missing"
    assert "19 indexes" in advised.advice[0].reason
    advised = advise([reading()], Situation("public.kv", "hybrid", missing=("og_a",)), THRESHOLDS)
    assert advised.command == "outgrow grow --to hybrid"


def test_another_apps_store_needs_its_blueprint_first() -> None:
    situation = Situation("public.kv", fits=False)
    advised = advise([reading(users=20_000, school=None, connections=None)], situation, THRESHOLDS)
    assert advised.command == BLUEPRINT_FIRST
    assert {a.command for a in advised.advice} == {BLUEPRINT_FIRST}


def test_unknown_signals_are_reported() -> None:
    advised = asked(users=None, school=None, connections=None)
    assert {s.kind for s in advised.fine} == {"database"}
    assert len(advised.unknown) == 3
    known = asked(routes={"GET /": speed(3)}, queries={"a": speed(2)})
    assert known.unknown == ()


def test_thresholds_are_settings() -> None:
    advised = asked(thresholds=replace(THRESHOLDS, connections=10, bands=(100, 150, 100_000)))
    assert kinds(advised) == {"scale", "connections"}
    text = "response=300 database=20GB users=8000 bands=10/20/30 soon=7"
    thresholds = Settings.from_environment({"OUTGROW_THRESHOLDS": text, "HOME": "/"}).thresholds
    assert thresholds == Thresholds(300, 20_000_000_000, 8000, 5000, 100, (10, 20, 30), 7)
    assert Settings.from_environment({"HOME": "/"}).thresholds == THRESHOLDS


@pytest.mark.parametrize(
    "text", ["users", "users=0", "users=1GB", "usres=5", "bands=1/2", "bands=3/2/1", "users=-1"]
)
def test_invalid_thresholds(text: str) -> None:
    with pytest.raises(BadInput, match="unknown threshold"):
        Settings.from_environment({"OUTGROW_THRESHOLDS": text, "HOME": "/"})
