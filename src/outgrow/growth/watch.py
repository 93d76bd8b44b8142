"""Looks at a growth from beside: how far it is, whom it waits for, whether it is to pause."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import asyncpg

from outgrow.db.pool import GONE, Database
from outgrow.errors import OutgrowError
from outgrow.growth import catalog
from outgrow.growth.context import Step
from outgrow.growth.mirroring import Backfill, Verify
from outgrow.growth.state import Growth
from outgrow.growth.steps import LOOK_AGAIN, CreateIndex
from outgrow.queries import load

if TYPE_CHECKING:
    from outgrow.growth.plan import Plan

log = logging.getLogger("outgrow.grow")

HELD = 0.1  # seconds between two looks of a growth that is paused


class Watcher(Protocol):
    """Whoever shows a growth. Work is counted in blocks of the store: a concurrent build reads it
    twice, once to make the index and once to see what it missed. `noted` is what to know before,
    said before the first step."""

    def noted(self, notes: Sequence[str]) -> None: ...
    def planned(self, plan: Plan, blocks: int) -> None: ...
    def begun(self, step: Step) -> None: ...
    def seen(self, step: Step, number: int, blocks: int, doing: str, waiting: str) -> None: ...
    def finished(self, step: Step, seconds: float, index_bytes: int | None) -> None: ...


class Silent(Watcher):
    """A watcher that shows nothing; subclass it to show some of a growth."""

    def noted(self, notes: Sequence[str]) -> None: ...
    def planned(self, plan: Plan, blocks: int) -> None: ...
    def begun(self, step: Step) -> None: ...
    def seen(self, step: Step, number: int, blocks: int, doing: str, waiting: str) -> None: ...
    def finished(self, step: Step, seconds: float, index_bytes: int | None) -> None: ...


class Watch:
    """One growth's. `pid` is the session that does the steps; this one looks from another."""

    def __init__(self, database: Database, watcher: Watcher, pid: int, max_load: int | None):
        self.watcher = watcher
        self.growth: Growth | None = None
        self._database = database
        self._pid = pid
        self._max_load = max_load
        self._step: Step | None = None
        self._number = 0
        self._costs: Mapping[int, int] = {}
        self._before = 0
        self._done = 0
        self._began = self._step_began = time.monotonic()
        self._keys = self._rows = 0
        self._first: tuple[int, int] | None = None
        self._waiting = ""
        self._paused = False
        self._load = 0
        self._total_blocks = 0

    def planned(self, plan: Plan) -> None:
        self._costs = dict(enumerate(plan.costs, 1))
        self.watcher.planned(plan, sum(plan.costs))

    def begins(self, step: Step, number: int) -> None:
        self._before = sum(cost for n, cost in self._costs.items() if n < number)
        self._step, self._number = step, number
        self._done = self._keys = self._rows = self._total_blocks = 0
        self._first = None
        self._step_began = time.monotonic()
        self._waiting = ""
        self.watcher.begun(step)

    def ends(self, step: Step) -> None:
        """Show all of the step's blocks as read, however short it was: a look may have missed it,
        and one that is still under way finds no step to speak of."""
        self._step = None
        blocks = self._before + self._costs.get(self._number, 0)
        self.watcher.seen(step, self._number, blocks, "", "")

    def waits(self, text: str) -> None:
        self._waiting = text

    def moved(self, keys: int, rows: int) -> None:
        """The first call of a step may tell what an earlier run has done."""
        self._keys += keys
        self._rows += rows
        if self._first is None:
            self._first = self._keys, self._rows

    async def pace(self) -> None:
        """Returns when the growth may go on."""
        while reason := self._held():
            self._waiting = reason
            await asyncio.sleep(HELD)
            if not self._held():
                self._waiting = ""

    def _held(self) -> str:
        if self._paused:
            return "paused: `outgrow resume` goes on"
        if self._max_load is not None and self._load > self._max_load:
            return f"waits while {self._load} other sessions work (more than {self._max_load})"
        return ""

    async def run(self) -> None:
        """Until it is cancelled. That it cannot look ends the looking, not the growth."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK_AGAIN)
        except (*GONE, asyncpg.PostgresError, OutgrowError) as e:
            self._paused, self._load = False, 0
            log.warning("the growth goes on, but cannot be watched: %s", e)

    async def _look(self) -> None:
        step = self._step
        if step is None:
            return
        row = await self._database.row(load("grow")["progress"], self._pid)
        who = catalog.waiting_for(row)
        doing = (row and row["phase"]) or self._moving()
        if isinstance(step, CreateIndex):
            self._done = max(self._done, self._built(row))
        waiting = f"waits for {who}" if who else self._waiting
        if self.growth is not None:
            seen = await self._database.row(
                load("grow")["growth_seen"],
                self.growth.id,
                step.describe(),
                doing,
                waiting,
                self._seconds_left(),
                self._pid,
            )
            assert seen is not None
            self._paused, self._load = seen["paused"], seen["load"]
        if step is self._step:
            self.watcher.seen(step, self._number, self._before + self._part(step), doing, waiting)

    def _moving(self) -> str:
        """How many keys and rows, and how fast."""
        if self._first is None:
            return ""
        seconds = max(time.monotonic() - self._step_began, 0.001)
        text = f"{self._keys:,} keys"
        if isinstance(self._step, Backfill | Verify) and self._step.estimated_keys:
            text += f" of about {max(self._step.estimated_keys, self._keys):,}"
        if self._rows:
            text += f", {self._rows:,} rows, {(self._rows - self._first[1]) / seconds:,.0f} rows/s"
        return text

    def _part(self, step: Step) -> int:
        """Of the blocks that the step counts for, those that are behind it."""
        whole = self._costs.get(self._number, 0)
        if isinstance(step, Backfill | Verify):
            return round(whole * min(1, self._keys / max(1, step.estimated_keys or self._keys)))
        return min(self._done, whole)

    def _built(self, row: asyncpg.Record | None) -> int:
        whole = self._costs.get(self._number, 0)
        if row is None or not row["phase"]:
            return 0
        self._total_blocks = max(self._total_blocks, row["blocks_total"] or 0)
        blocks = max(1, self._total_blocks)
        return round(whole * blocks_read(row["phase"], row["blocks_done"], blocks) / (2 * blocks))

    def _seconds_left(self) -> float | None:
        if self._step is None:
            return None
        done = self._before + self._part(self._step)
        whole = sum(self._costs.values())
        seconds = time.monotonic() - self._began
        return None if not done else seconds * max(whole - done, 0) / done


def blocks_read(phase: str, scanned: int, blocks: int) -> int:
    """How much of reading the table twice a concurrent build has behind it, by the phase that
    PostgreSQL reports."""
    if phase in ("building index", "building index: scanning table"):
        return scanned
    if phase == "index validation: scanning table":
        return blocks + scanned
    if phase == "waiting for old snapshots":
        return 2 * blocks
    validating = phase.startswith("index validation") or phase.endswith("before validation")
    return blocks if validating or phase.startswith("building index: ") else 0
