"""Watching a growth from a second session: how far it is, what it waits for, whether to pause
it."""

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
from outgrow.growth.steps import POLL_SECONDS, CreateIndex
from outgrow.queries import load

if TYPE_CHECKING:
    from outgrow.growth.plan import Plan

log = logging.getLogger("outgrow.grow")

PAUSED_SECONDS = 0.1  # between two looks of a paused growth whether it may go on


class Watcher(Protocol):
    """What shows a growth. Work is counted in blocks of the store: a concurrent build reads it
    twice, first to make the index, then to add what it missed. `noted` is called before the first
    step."""

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
    """The watch of one growth. `pid` is the session that runs the steps; another one watches it."""

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
        """Show all of the step's blocks as read. A short step may have come and gone between two
        looks."""
        self._step = None
        blocks = self._before + self._costs.get(self._number, 0)
        self.watcher.seen(step, self._number, blocks, "", "")

    def waits(self, text: str) -> None:
        self._waiting = text

    def moved(self, keys: int, rows: int) -> None:
        """Count what is done. The first call of a step may report what an earlier run has done."""
        self._keys += keys
        self._rows += rows
        if self._first is None:
            self._first = self._keys, self._rows

    async def pace(self) -> None:
        """Return when the growth may go on."""
        while reason := self._reason_to_wait():
            self._waiting = reason
            await asyncio.sleep(PAUSED_SECONDS)
            if not self._reason_to_wait():
                self._waiting = ""

    def _reason_to_wait(self) -> str:
        if self._paused:
            return "paused: `outgrow resume` goes on"
        if self._max_load is not None and self._load > self._max_load:
            return f"waits while {self._load} other sessions work (more than {self._max_load})"
        return ""

    async def run(self) -> None:
        """Watch until cancelled. An error ends the watch, not the growth."""
        try:
            while True:
                await self._report()
                await asyncio.sleep(POLL_SECONDS)
        except (*GONE, asyncpg.PostgresError, OutgrowError) as e:
            self._paused, self._load = False, 0
            log.warning("the growth goes on, but cannot be watched: %s", e)

    async def _report(self) -> None:
        step = self._step
        if step is None:
            return
        row = await self._database.row(load("grow")["progress"], self._pid)
        blocker = catalog.describe_blocker(row)
        doing = (row and row["phase"]) or self._describe_copy()
        if isinstance(step, CreateIndex):
            self._done = max(self._done, self._built_blocks(row))
        waiting = f"waits for {blocker}" if blocker else self._waiting
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
            self.watcher.seen(
                step, self._number, self._before + self._blocks_done(step), doing, waiting
            )

    def _describe_copy(self) -> str:
        """Return how many keys and rows the step has copied or compared, and how fast."""
        if self._first is None:
            return ""
        seconds = max(time.monotonic() - self._step_began, 0.001)
        text = f"{self._keys:,} keys"
        if isinstance(self._step, Backfill | Verify) and self._step.estimated_keys:
            text += f" of about {max(self._step.estimated_keys, self._keys):,}"
        if self._rows:
            text += f", {self._rows:,} rows, {(self._rows - self._first[1]) / seconds:,.0f} rows/s"
        return text

    def _blocks_done(self, step: Step) -> int:
        """Return how many of the blocks that the step counts for are done."""
        cost = self._costs.get(self._number, 0)
        if isinstance(step, Backfill | Verify):
            return round(cost * min(1, self._keys / max(1, step.estimated_keys or self._keys)))
        return min(self._done, cost)

    def _built_blocks(self, row: asyncpg.Record | None) -> int:
        cost = self._costs.get(self._number, 0)
        if row is None or not row["phase"]:
            return 0
        self._total_blocks = max(self._total_blocks, row["blocks_total"] or 0)
        blocks = max(1, self._total_blocks)
        return round(cost * blocks_read(row["phase"], row["blocks_done"], blocks) / (2 * blocks))

    def _seconds_left(self) -> float | None:
        if self._step is None:
            return None
        done = self._before + self._blocks_done(self._step)
        whole = sum(self._costs.values())
        seconds = time.monotonic() - self._began
        return None if not done else seconds * max(whole - done, 0) / done


def blocks_read(phase: str, scanned: int, blocks: int) -> int:
    """Return how many blocks a concurrent build has read, of twice the table, by the phase that
    PostgreSQL reports."""
    if phase in ("building index", "building index: scanning table"):
        return scanned
    if phase == "index validation: scanning table":
        return blocks + scanned
    if phase == "waiting for old snapshots":
        return 2 * blocks
    validating = phase.startswith("index validation") or phase.endswith("before validation")
    return blocks if validating or phase.startswith("building index: ") else 0
