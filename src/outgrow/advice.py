"""Advice from readings: what to do now, what soon, and what not yet. No I/O.

A signal is a figure with its threshold. A figure over its threshold asks for a phase; the advice is
to go there, unless the store is there already. A figure that will be over it within the thresholds'
`soon` days comes with the day. What no signal asks for is listed too, so that nobody does it too
early.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from outgrow.growth.state import PHASES, Phase
from outgrow.settings import Thresholds
from outgrow.trends import Trend, fit

REQUESTS_JUDGED = 100  # of a route, before its 95th percentile counts
SLOW_SHARE = 0.01  # of the runs of a statement, and at least:
SLOW_RUNS = 3
CALLS_JUDGED = 10  # of a statement that PostgreSQL counts: rare ones were typed by people
LATE_SECONDS = 5  # how late derived lists are advised to be


class Speed(msgspec.Struct, frozen=True):
    """How fast a route or a query was within the last hour or two; times in milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float
    slow: int
    slowest: float


class Slow(msgspec.Struct, frozen=True):
    """A statement as PostgreSQL counts it; times in milliseconds."""

    text: str
    calls: int
    mean: float
    slowest: float


class Reading(msgspec.Struct, frozen=True):
    """How much there was at one time. None is unknown, or without a meaning in this store. `fits`
    is the share of the keys that the blueprint knows. `users_are`, `school_is` and
    `connections_are` name the patterns that were counted. `sampled`: not everything was read."""

    taken_at: datetime = msgspec.field(name="at")
    database_bytes: int
    store_bytes: int
    keys: int
    fits: float = 1.0
    users: int | None = None
    users_are: str | None = None
    school: int | None = None
    school_is: str | None = None
    connections: int | None = None
    connections_are: str | None = None
    sampled: bool = False
    routes: dict[str, Speed] = {}
    queries: dict[str, Speed] = {}
    statements: list[Slow] = []
    response: float | None = None
    """Milliseconds: the 95th percentile of the slowest route with enough requests. It is stored,
    since the `routes` of old readings are not."""

    @property
    def slowest_route(self) -> tuple[str, Speed] | None:
        judged = {n: s for n, s in self.routes.items() if s.count >= REQUESTS_JUDGED}
        return max(judged.items(), key=lambda item: item[1].p95, default=None)


@dataclass(frozen=True, slots=True)
class Situation:
    """Where the store stands. `late` tells whether the longest derived list is. `growth` is the
    state of the unfinished growth, or "none". `air` are superfluous indexes; `missing` is what the
    phase asks for and does not exist; `altered` is what differs from what Outgrow made.
    `grown_with` is the other blueprint that the store grew with, and its phase. `overdue` is how
    many seconds derived lists are behind, where that is more than they may be, or 0."""

    store: str
    phase: Phase = "initial"
    late: bool = False
    growth: str = "none"
    air: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    fits: bool = True
    altered: tuple[str, ...] = ()
    grown_with: str = ""
    overdue: float = 0.0


@dataclass(frozen=True, slots=True)
class Signal:
    """A figure and its threshold, in unit `bytes`, `ms` or "". `asks` is the phase that helps, or
    what helps are late lists (`asks_late`); `why` says what happens beyond the threshold."""

    kind: str
    about: str
    figure: float
    threshold: float
    unit: str
    why: str
    asks: Phase | None
    only_plan: bool = False
    asks_late: bool = False
    since: datetime | None = (
        None  # over the threshold; None where that was before the first reading
    )
    per_day: float | None = None
    days: float | None = None  # until the threshold, if it is ahead and the growth is known

    @property
    def crossed(self) -> bool:
        return self.figure > self.threshold


@dataclass(frozen=True, slots=True)
class Advice:
    """A piece of advice. `when` is now or soon; `command` is None where no command helps."""

    when: str
    reason: str
    command: str | None
    signal: Signal | None = None


@dataclass(frozen=True, slots=True)
class NotYet:
    """A step that would be too early, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Advised:
    """All advice. `command` is what to type first, None where there is nothing to do. `fine` are
    the signals that ask for nothing; `unknown` says what could not be read."""

    situation: Situation
    reading: Reading
    readings: int
    since: datetime | None
    command: str | None
    advice: tuple[Advice, ...]
    not_yet: tuple[NotYet, ...]
    fine: tuple[Signal, ...]
    unknown: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document


def advise(readings: Sequence[Reading], situation: Situation, thresholds: Thresholds) -> Advised:
    """Return the advice for a store. `readings` are in order of time, the last one of now."""
    now = readings[-1]
    seen = [_with_history(s, readings) for s in _signals(now, situation, thresholds)]
    asking = [s for s in seen if s.crossed and (_helps(s, situation) or _helpless(s))]
    if situation.grown_with:
        asking = []
        reason = f"the store grew with {situation.grown_with}: set OUTGROW_BLUEPRINT to its file"
        advice = [Advice("now", reason, None)]
    else:
        advice = [*_repairs(situation)]
        advice += [Advice("now", s.why, _command(s, situation), s) for s in asking]
        advice += _slow(now, situation, thresholds)
    soon = [
        s
        for s in seen
        if not s.crossed
        and s.days is not None
        and s.days <= thresholds.soon
        and _helps(s, situation)
        and not situation.grown_with
    ]
    advice += [Advice("soon", s.why, _planned(s, situation), s) for s in soon]
    advised = {id(s) for s in (*asking, *soon)}
    return Advised(
        situation=situation,
        reading=now,
        readings=len(readings),
        since=readings[0].taken_at if len(readings) > 1 else None,
        command=_first(advice, situation),
        advice=tuple(advice),
        not_yet=() if situation.grown_with else tuple(_not_yet(seen, situation, thresholds, now)),
        fine=tuple(s for s in seen if id(s) not in advised),
        unknown=tuple(_unknown(now)),
    )


# Signals ----------------------------------------------------------------------------------------


def _signals(now: Reading, situation: Situation, thresholds: Thresholds) -> Iterator[Signal]:
    next_phase = _next(situation.phase)
    if now.users is not None:
        yield from _user_signals(now.users, now.users_are or "users", thresholds)
    if now.school is not None:
        yield _school_signal(now.school, now.school_is or "", situation, thresholds)
    if now.connections is not None:
        yield Signal(
            "connections",
            now.connections_are or "",
            now.connections,
            thresholds.connections,
            "",
            "a list this long is rewritten with every change, and who is in it takes a search; a "
            "table has a row for each",
            "hybrid",
        )
    route = now.slowest_route
    if route is not None:
        yield Signal(
            "response",
            route[0],
            route[1].p95,
            thresholds.response,
            "ms",
            "5 of 100 requests wait longer"
            + ("" if next_phase else "; no phase is left, so look for its statement in /metrics"),
            next_phase,
        )
    yield Signal(
        "database",
        "",
        now.database_bytes,
        thresholds.database,
        "bytes",
        "consider tables: they are indexed and vacuumed apart. They lie next to the store and need "
        "room of their own, which the plan estimates",
        "relational",
        only_plan=True,
    )


def _school_signal(school: int, about: str, situation: Situation, thresholds: Thresholds) -> Signal:
    """Return the signal of the longest derived list: pages read it in `initial`, and in all phases
    whoever is added rewrites it."""
    if situation.phase == "initial":
        why = "the list of one school is read whole, with everybody in it, for each page of people"
        return Signal("school", about, school, thresholds.school, "", why, "optimized")
    why = (
        "whoever is added rewrites this list, and waits for others who do; if it may be late, a "
        "note is written instead"
    )
    return Signal("school", about, school, thresholds.school, "", why, None, asks_late=True)


def _user_signals(users: int, about: str, thresholds: Thresholds) -> Iterator[Signal]:
    """Yield the bands of the scale table from the highest that was reached on, and the threshold at
    which the migration is to be planned."""
    low, middle, high = thresholds.bands
    bands: tuple[tuple[int, str, Phase], ...] = (
        (low, f"{low:,} to {middle:,} users: minor optimizations", "optimized"),
        (middle, f"{middle:,} to {high:,} users: optimizations are needed", "hybrid"),
        (high, f"over {high:,} users: a migration is a must", "relational"),
    )
    passed = sum(users > threshold for threshold, _, _ in bands)
    for threshold, why, phase in bands[max(0, passed - 1) :]:
        yield Signal("scale", about, users, threshold, "", why, phase)
    yield Signal(
        "users",
        about,
        users,
        thresholds.users,
        "",
        "time to plan the migration",
        "hybrid",
        only_plan=True,
    )


def _with_history(signal: Signal, readings: Sequence[Reading]) -> Signal:
    points = [
        (r.taken_at, value) for r in readings if (value := _figure(signal.kind, r)) is not None
    ]
    since = None
    if points[0][1] <= signal.threshold:  # else the time is unknown
        for time, value in reversed(points):
            if value <= signal.threshold:
                break
            since = time
    trend = fit(points)
    return _replace(signal, since, trend)


def _replace(signal: Signal, since: datetime | None, trend: Trend | None) -> Signal:
    values = {f: getattr(signal, f) for f in signal.__slots__}
    values["since"] = since
    if trend is not None:
        values["per_day"] = trend.per_day
        values["days"] = None if signal.crossed else trend.days_until(signal.threshold)
    return Signal(**values)


def _figure(kind: str, reading: Reading) -> float | None:
    if kind == "response":
        route = reading.slowest_route
        return reading.response if route is None else route[1].p95
    return {
        "scale": reading.users,
        "users": reading.users,
        "school": reading.school,
        "connections": reading.connections,
        "database": reading.database_bytes,
    }[kind]


# Advice -----------------------------------------------------------------------------------------


def _helps(signal: Signal, situation: Situation) -> bool:
    """Return whether what the signal asks for is not there yet."""
    if signal.asks_late:
        return not situation.late
    return signal.asks is not None and _rank(signal.asks) > _rank(situation.phase)


def _helpless(signal: Signal) -> bool:
    """Return whether no phase and no late list helps."""
    return signal.asks is None and not signal.asks_late


def _planned(signal: Signal, situation: Situation) -> str:
    if signal.asks_late:
        return f"{_make_late(situation)} --plan"
    return _plan(signal.asks, situation)


def _make_late(situation: Situation) -> str:
    return f"outgrow grow --to {situation.phase} --late-lists {LATE_SECONDS}"


def _command(signal: Signal, situation: Situation) -> str | None:
    if signal.asks_late:
        return _make_late(situation)
    if signal.asks is None:
        return None
    if signal.only_plan:
        return _plan(signal.asks, situation)
    return _grow(signal.asks, situation)


def _grow(phase: Phase, situation: Situation) -> str:
    return f"outgrow grow --to {phase}" if situation.fits else BLUEPRINT_FIRST


def _plan(phase: Phase | None, situation: Situation) -> str:
    if not situation.fits or phase is None:
        return BLUEPRINT_FIRST
    return f"outgrow grow --to {phase} --plan"


FOLD = "outgrow fold"
BLUEPRINT_FIRST = "outgrow inspect --write blueprint.toml"


def _repairs(situation: Situation) -> Iterator[Advice]:
    """Yield advice on growths that were begun, and on what was altered since."""
    begun = {
        "ready": ("a growth is ready to be switched", "outgrow switch"),
        "paused": ("a growth is paused", "outgrow resume"),
        "interrupted": ("a growth was interrupted", "outgrow resume"),
        "failed": ("a growth has failed", "outgrow resume"),
    }
    if situation.growth in begun:
        yield Advice("now", *begun[situation.growth])
    if situation.overdue:
        reason = (
            f"derived lists are {situation.overdue:,.0f} s behind, and notes about them pile up: "
            "let `outgrow serve` run, or this command in cron"
        )
        yield Advice("now", reason, FOLD)
    again: Phase = max(situation.phase, "optimized", key=_rank)
    if situation.altered:
        shown = ", ".join(situation.altered[:3])
        reason = f"what keeps the tables is not as it was made: {shown}"
        yield Advice("now", reason, _grow(situation.phase, situation))
    if situation.air:
        names = ", ".join(situation.air[:3]) + (", ..." if len(situation.air) > 3 else "")
        count = len(situation.air)
        reason = (
            f"{count} {'index' if count == 1 else 'indexes'} that only cost, duplicate or invalid, "
            f"and that every write keeps ({names})"
        )
        yield Advice("now", reason, _grow(again, situation))
    if situation.missing and situation.phase != "initial" and situation.fits:
        names = ", ".join(situation.missing[:3])
        yield Advice(
            "now", f"what the phase asks for is not there: {names}", _grow(again, situation)
        )


def _slow(now: Reading, situation: Situation, thresholds: Thresholds) -> Iterator[Advice]:
    """Yield advice on slow queries that the server has counted by name, and on slow statements that
    PostgreSQL has counted."""
    phase = _next(situation.phase)
    command = None if phase is None else _grow(phase, situation)
    names = {
        name: speed
        for name, speed in now.queries.items()
        if speed.slow >= max(SLOW_RUNS, SLOW_SHARE * speed.count)
    }
    for name, speed in sorted(names.items(), key=lambda item: -item[1].slow):
        yield Advice(
            "now",
            f"the query {name} was slow {speed.slow:,} of {speed.count:,} times, at most "
            f"{speed.slowest:,.0f} ms",
            command,
        )
    for slow in now.statements:
        if slow.mean > thresholds.response and slow.calls >= CALLS_JUDGED:
            yield Advice(
                "now",
                f"{slow.mean:,.0f} ms on average, {slow.calls:,} times: {slow.text}",
                command,
            )


def _first(advice: Sequence[Advice], situation: Situation) -> str | None:
    """Return the command to type first. What was begun comes first; the growth to the highest phase
    includes the others."""
    if situation.growth == "running":
        return None
    commands = [a.command for a in advice if a.when == "now" and a.command]
    begun = [c for c in commands if c in ("outgrow switch", "outgrow resume")]
    grown = [f"outgrow grow --to {phase}" for phase in reversed(PHASES)]
    late = _make_late(situation)
    for command in (*begun, FOLD, BLUEPRINT_FIRST, *grown, late, *(f"{c} --plan" for c in grown)):
        if command in commands:
            return command
    return None


def _not_yet(
    seen: Sequence[Signal], situation: Situation, thresholds: Thresholds, now: Reading
) -> Iterator[NotYet]:
    needed = [situation.phase, *(s.asks for s in seen if s.crossed and s.asks and not s.only_plan)]
    reached = max(map(_rank, needed))
    scale = {s.asks: s for s in seen if s.kind == "scale"}
    for phase in PHASES[reached + 1 :]:
        signal = scale.get(phase)
        if signal is None:
            continue
        yield NotYet(
            f"outgrow grow --to {phase}",
            f"for more than {signal.threshold:,.0f} users; {signal.figure:,.0f} now, "
            + _when(signal, now),
        )
    yield NotYet(
        "read replicas, sharding",
        "one server carries more than this, with indexes and tables"
        if now.database_bytes <= thresholds.database
        else "indexes and tables first: a replica reads as slowly as its primary",
    )


def _when(signal: Signal, now: Reading) -> str:
    if signal.days is not None:
        return f"at this rate on {now.taken_at + timedelta(days=signal.days):%Y-%m-%d}"
    if signal.per_day is None:
        return "how soon is not known yet"
    return "not within ten years at this rate"


def _unknown(now: Reading) -> Iterator[str]:
    if now.users is None:
        yield "users: nothing in the store looks like them"
    if now.slowest_route is None:
        yield (
            f"response time: no route was asked {REQUESTS_JUDGED} times within the last hour "
            "(`outgrow serve` counts)"
        )
    if not now.queries and not now.statements:
        yield "slow queries: neither `outgrow serve` nor pg_stat_statements has counted any"


def _rank(phase: Phase) -> int:
    return PHASES.index(phase)


def _next(phase: Phase) -> Phase | None:
    return PHASES[_rank(phase) + 1] if _rank(phase) + 1 < len(PHASES) else None
