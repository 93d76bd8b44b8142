"""A growth on stderr: a line for each step that is done, and how far the present one is."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from outgrow.growth.context import Step
from outgrow.growth.plan import Plan
from outgrow.growth.runner import Done
from outgrow.growth.state import Phase
from outgrow.growth.steps import CreateIndex
from outgrow.terminal import Progress, printable

LAST_WORDS = "stopped; what is done stays, and `outgrow resume` goes on"
"""For a growth that could not say more of where it stopped."""

BLOCK = 8192  # bytes, but for servers compiled otherwise, whose rates are then off by a factor


class Shown:
    """A Watcher; one that is left by Ctrl-C says where the growth stopped."""

    def __init__(self) -> None:
        self._goal: Phase | None = None
        self._stack = ExitStack()
        self._progress: Progress | None = None
        self._steps = 0
        self._step: Step | None = None
        self._said = ""

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._progress is not None:
            self._progress.label = "grow"
        self._stack.__exit__(*raised)  # type: ignore[arg-type]
        if isinstance(raised[1], asyncio.CancelledError):
            self._interrupted()

    def noted(self, notes: Sequence[str]) -> None:
        for text in notes:
            _say(f"note: {text}")

    def planned(self, plan: Plan, blocks: int) -> None:
        self._goal = plan.goal
        self._steps = len(plan.steps)
        if blocks:
            total = blocks * BLOCK // 1_000_000
            self._progress = self._stack.enter_context(Progress("grow", "MB read", total))

    def begun(self, step: Step) -> None:
        self._step = step

    def seen(self, step: Step, number: int, blocks: int, doing: str, waiting: str) -> None:
        if waiting and waiting != self._said and self._progress is None:
            _say(f"{step.describe()}: {waiting}")
        self._said = waiting
        if self._progress is None:
            return
        self._progress.label = f"step {number} of {self._steps}, {step.kind} {step.name}"
        self._progress.note(waiting or doing)
        self._progress.add(blocks * BLOCK // 1_000_000 - self._progress.done)

    def finished(self, step: Step, seconds: float, index_bytes: int | None) -> None:
        self._step = None
        size = "" if index_bytes is None else f", {size_of(index_bytes)}"
        _say(f"{step.describe()} ({seconds:.1f} s{size})")

    def _interrupted(self) -> None:
        if self._goal is None:
            _say("stopped before the first step")
            return
        text = (
            "stopped between two steps"
            if self._step is None
            else (f"stopped at: {self._step.describe()}")
        )
        if isinstance(self._step, CreateIndex):
            text += (
                "; an unfinished index serves no query, and the next `outgrow grow --to "
                f"{self._goal}` takes it away and goes on"
            )
        else:
            text += "; what is done stays, and `outgrow resume` goes on"
        _say(text)


def done(what: Done) -> str:
    store = what.store
    if what.ending == "ready":
        return f"{store.name} is ready to be {what.plan.goal}: `outgrow switch` does it"
    if not what.steps:
        return f"{store.name} is {store.phase}: nothing to do"
    before, after = what.plan.store.index_bytes, store.index_bytes
    text = (
        f"{store.name} is {store.phase}: {len(what.steps)} steps in "
        f"{what.seconds:.1f} s, indexes {size_of(before)} -> {size_of(after)}"
    )
    if store.mirrors:
        tables = sum(t.table_bytes + t.index_bytes for t in store.tables.values())
        text += f", tables of {len(store.mirrors)} relations {size_of(tables)}"
    return text + (" (rolled back)" if what.ending == "rolled_back" else "")


def size_of(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
