"""`outgrow grow`: the store to another phase, while everybody goes on using it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import click

from outgrow.blueprint import campus
from outgrow.cli import App, connected, json_option, note
from outgrow.grow import runner
from outgrow.grow.plan import Plan
from outgrow.grow.steps import Phase, Step
from outgrow.progress import Progress

BLOCK = 8192  # bytes, but for servers compiled otherwise, whose rates are then off by a factor


@click.command()
@click.option(
    "--to",
    "goal",
    type=click.Choice(["found", "optimized"]),
    required=True,
    help="found: the store as it came; optimized: with indexes for every list and search.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
@click.pass_obj
def command(app: App, goal: Phase, only_plan: bool) -> None:
    """Take the store to a phase, live; run again after anything, it goes on.

    Reads and writes of the store go on meanwhile. Ctrl-C stops at once; what was built stays.
    """
    app.run(_plan(app, goal) if only_plan else _grow(app, goal))


async def _plan(app: App, goal: Phase) -> None:
    async with connected(app.settings, pool_size=1) as database:
        plan = await runner.plan(database, goal, app.settings.store, campus())
        app.answer(plan.as_dict(), "\n".join(_planned(plan)))


async def _grow(app: App, goal: Phase) -> None:
    async with connected(app.settings, pool_size=3) as database:
        with _Shown() as shown:
            try:
                done = await runner.grow(database, goal, app.settings.store, campus(), shown)
            except asyncio.CancelledError:
                shown.interrupted(goal)
                raise
        app.answer(done.as_dict(), _done(done))


class _Shown:
    """A growth on stderr: a line for each step, and how far the builds are."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._progress: Progress | None = None
        self._steps = 0
        self._step: Step | None = None
        self._said = ""

    def __enter__(self) -> _Shown:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._progress is not None:
            self._progress.label = "grow"
        self._stack.__exit__(*raised)  # type: ignore[arg-type]

    def planned(self, plan: Plan, blocks: int) -> None:
        self._steps = len(plan.steps)
        for text in plan.notes:
            note(f"note: {text}")
        if blocks:
            total = blocks * BLOCK // 1_000_000
            self._progress = self._stack.enter_context(Progress("grow", "MB read", total))

    def seen(self, step: Step, number: int, blocks: int, doing: str, waiting: str) -> None:
        self._step = step
        if self._progress is None:
            if waiting and waiting != self._said:
                note(f"{step.describe()}: {waiting}")
            self._said = waiting
            return
        self._progress.label = f"step {number} of {self._steps}, {step.kind} {step.name}"
        self._progress.note(waiting or doing)
        self._progress.add(blocks * BLOCK // 1_000_000 - self._progress.done)

    def finished(self, step: Step, seconds: float, index_bytes: int | None) -> None:
        self._step = None
        size = "" if index_bytes is None else f", {_size(index_bytes)}"
        note(f"{step.describe()} ({seconds:.1f} s{size})")

    def interrupted(self, goal: Phase) -> None:
        if self._step is not None:
            note(
                f"stopped at: {self._step.describe()}; an unfinished index serves no query, and "
                f"the next `outgrow grow --to {goal}` takes it away and goes on"
            )


def _planned(plan: Plan) -> list[str]:
    store = plan.store
    rows = "an unknown number of" if store.rows is None else f"about {store.rows:,}"
    lines = [
        f"{store.name}: {rows} keys, table {_size(store.table_bytes)}, "
        f"{len(store.indexes)} indexes {_size(store.index_bytes)}, "
        f"phase {store.phase or 'found (nothing installed)'} -> {plan.goal}"
    ]
    if not plan.steps:
        return [*lines, "nothing to do"]
    for number, step in enumerate(plan.steps, 1):
        lines += [f"{number:>3}. {step.describe()}"]
        lines += [f"     {line}" for line in step.sql().splitlines()]
    lines += ["locks:"]
    lines += [f"  {kind}: {lock}" for kind, lock in {s.kind: s.lock for s in plan.steps}.items()]
    if plan.builds:
        lines.append(
            f"estimate: {plan.estimated_seconds:,.0f} s, {_size(plan.estimated_bytes)}, for "
            f"{plan.builds} indexes like a campus has them on two cores"
        )
        lines += [f"it would wait for {who}" for who in plan.in_the_way]
    if plan.irrevocable:
        lines.append("going back does not bring back:")
        lines += [f"  {definition};" for definition in plan.irrevocable]
    return lines + [f"note: {text}" for text in plan.notes]


def _done(done: runner.Done) -> str:
    if not done.steps:
        return f"{done.store.name} is {done.store.phase}: nothing to do"
    before, after = done.plan.store.index_bytes, done.store.index_bytes
    return (
        f"{done.store.name} is {done.store.phase}: {len(done.steps)} steps in "
        f"{done.seconds:.1f} s, indexes {_size(before)} -> {_size(after)}"
    )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
