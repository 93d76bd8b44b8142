"""The records of growths: a row for each growth, and a row for each relation with a table.

The rows say how far things are; what exists is read from the catalog. Whether a growth runs is not
recorded: its session holds an advisory lock, which ends with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.pool import Statements
from outgrow.errors import GrowthFailed
from outgrow.queries import load

Phase = Literal["initial", "optimized", "hybrid", "relational"]
PHASES: tuple[Phase, ...] = ("initial", "optimized", "hybrid", "relational")

Ending = Literal["ready", "switched", "rolled_back", "failed"]


@dataclass(frozen=True, slots=True)
class Mirror:
    """A relation with a table of its own, or with one in the making. States: `filling`, `filled`,
    `verified`, `shadow` (its view reads the table), `stale` (of another version), `leaving` (not
    synced any more). `after` is the last key that the backfill has copied."""

    relation: str
    version: str
    state: str
    after: str
    upto: str | None
    estimate: int | None
    keys: int
    rows: int
    unmapped: int | None
    since: datetime

    def is_current(self, blueprint: Blueprint) -> bool:
        """Return whether this version makes the table for `blueprint` as it was made."""
        return self.relation in blueprint.relations and self.version == layout.mirror.version(
            blueprint, self.relation
        )


@dataclass(frozen=True, slots=True)
class Growth:
    """A growth that is not finished."""

    id: int
    name: str
    store: str
    from_phase: Phase
    to_phase: Phase
    state: str
    paused: bool
    postponed: bool
    rolling_back: bool
    max_load: int | None
    late_seconds: int | None
    pid: int | None
    step: str
    doing: str
    waiting: str
    seconds_left: float | None
    error: str | None
    started_at: datetime
    seen_at: datetime

    def as_dict(self) -> dict[str, Any]:
        return {
            "from": self.from_phase,
            "to": self.to_phase,
            "state": self.state,
            "paused": self.paused,
            "postponed": self.postponed,
            "rolling_back": self.rolling_back,
            "step": self.step,
            "doing": self.doing,
            "waiting": self.waiting,
            "seconds_left": self.seconds_left,
            "error": self.error,
            "started_at": self.started_at,
            "seen_at": self.seen_at,
        }


async def mirrors(session: Statements, name: str) -> tuple[Mirror, ...]:
    """Return the relations of the blueprint `name` that have tables."""
    sql = load("grow")
    record = await session.value(sql["mirrors_record"])
    if record is None:
        return ()
    rows = await session.rows(sql["mirrors"].with_identifiers(mirrors=record), name)
    return tuple(Mirror(**row) for row in rows)


async def mirror(session: Statements, name: str, relation: str) -> Mirror:
    """Return the record of one relation's table. Raises GrowthFailed where it was deleted."""
    row = await session.row(load("grow")["mirror"], name, relation)
    if row is None:
        raise GrowthFailed(
            "mirror_gone",
            f"what was written down of the table of {relation} is gone",
            hint="run the same command again; outgrow.mirrors was changed by hand",
        )
    return Mirror(**row)


async def unfinished(session: Statements, name: str) -> Growth | None:
    """Return the growth of the blueprint `name` that is not finished, if there is one."""
    if not await session.value(load("grow")["growths_exist"]):
        return None
    row = await session.row(load("grow")["growth"], name)
    return None if row is None else Growth(**row)


async def begin(
    session: Statements,
    name: str,
    store: str,
    phases: tuple[Phase, Phase],
    postponed: bool,
    max_load: int | None,
    late: int | None,
) -> Growth:
    """Record a growth, or continue the one that is not finished, which keeps the phase that it
    started from. Only for the session that holds the store's advisory lock."""
    sql = load("grow")
    begun = await unfinished(session, name)
    if begun is None:
        await session.run(sql["growth_begins"], name, store, *phases, postponed, max_load, late)
    else:
        await session.run(sql["growth_goes_on"], begun.id, phases[1], postponed, max_load, late)
    growth = await unfinished(session, name)
    assert growth is not None
    return growth


async def end(session: Statements, growth: Growth, state: Ending, error: str | None = None) -> None:
    """Record how a growth ended."""
    await session.run(load("grow")["growth_ends"], growth.id, state, error)
