"""`outgrow grow`, `pause`, `resume`, `rollback` and `switch`, which show a growth on stderr."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack

import click

from outgrow import library
from outgrow.blueprint.validation import LATEST
from outgrow.campus.background import record_command
from outgrow.cli.main import App, json_option
from outgrow.connection import connected
from outgrow.db.pool import Database
from outgrow.growth import control
from outgrow.growth.context import Step
from outgrow.growth.plan import Plan
from outgrow.growth.preflight import Misfits
from outgrow.growth.runner import Done
from outgrow.growth.state import PHASES, Phase
from outgrow.growth.steps import CreateIndex
from outgrow.layout.consistency import UNMAPPED
from outgrow.schema.uninstall import drop_orphans
from outgrow.store import Store
from outgrow.terminal import Progress, one_line, printable


@click.command()
@click.option(
    "--to",
    "goal",
    type=click.Choice(PHASES),
    required=True,
    help="initial: the store as it came; optimized: with indexes for every list and search; "
    "hybrid: some relations are read from tables of their own; relational: all are.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be done, and do nothing.")
@click.option(
    "--no-misfits",
    is_flag=True,
    help="With --plan: do not look for values that would not fit the tables, which reads much of "
    "the store.",
)
@click.option(
    "--postpone-switch",
    "postpone",
    is_flag=True,
    help="Make the tables, but do not read from them before `outgrow switch`.",
)
@click.option(
    "--max-load",
    type=click.IntRange(min=0),
    metavar="N",
    help="Wait while more than N other sessions of the database are working.",
)
@click.option(
    "--late-lists",
    "late",
    type=click.IntRange(0, LATEST),
    metavar="SECONDS",
    help="Let writers note what changes in derived lists, for a job that brings them up to date "
    "within SECONDS; 0: let them write the lists again.",
)
@click.option(
    "--delete-only-copies",
    is_flag=True,
    help="With --to initial, where the store was dropped: delete the tables made from it.",
)
@json_option
@click.pass_obj
def grow(
    app: App,
    goal: Phase,
    only_plan: bool,
    no_misfits: bool,
    postpone: bool,
    max_load: int | None,
    late: int | None,
    delete_only_copies: bool,
) -> None:
    """Take the store to a phase, live. Run it again after a failure: it goes on.

    Reads and writes of the store go on while it runs. Ctrl-C stops it immediately; what was built
    stays.
    """
    if no_misfits and not only_plan:
        raise click.UsageError("--no-misfits goes with --plan")
    if late and goal == "initial":
        raise click.UsageError(
            "--late-lists does not go with --to initial: a list is late from the phase optimized on"
        )
    if delete_only_copies and (only_plan or goal != "initial"):
        raise click.UsageError("--delete-only-copies goes with --to initial, without --plan")
    if delete_only_copies:
        app.run(_delete(app))
        return
    if only_plan:
        app.run(_plan(app, goal, not no_misfits, late))
    else:
        app.run(_grow(app, goal, postpone, max_load, late), last_words=LAST_WORDS)


async def _delete(app: App) -> None:
    """Drop the tables of a store that was dropped, and nothing else."""
    async with connected(app.settings, pool_size=1) as database:
        deleted = await drop_orphans(database, app.blueprint)
    lines = [f"deleted {table}: {rows:,} rows" for table, rows in deleted.items()]
    app.answer({"deleted": deleted}, "\n".join(lines or ["there is no such table"]))


async def _plan(app: App, goal: Phase, misfits: bool, late: int | None) -> None:
    async with connected(app.settings, pool_size=1) as database, AsyncExitStack() as stack:
        progress: Progress | None = None

        def show(done: int, total: int) -> None:
            nonlocal progress
            if progress is None:
                progress = stack.enter_context(Progress("misfits", "checks", total))
                progress.note("--no-misfits leaves them out")
            progress.add(done - progress.done)

        store = await _store(app, database)
        plan = await library.plan(
            store, app.blueprint, goal, find_misfits=misfits, late_lists=late, progress=show
        )
    app.answer(plan.as_dict(), "\n".join(_planned(plan)))


async def _store(app: App, database: Database) -> Store:
    """Return the store. Raises Refused where the default blueprint does not fit it: a blueprint
    may have been forgotten."""
    store = Store(database, app.settings.store)
    await library.check_blueprint(store, app.blueprint, is_named=app.settings.blueprint is not None)
    return store


async def _grow(
    app: App, goal: Phase, postpone: bool, max_load: int | None, late: int | None
) -> None:
    async with connected(app.settings, pool_size=3) as database:
        store = await _store(app, database)
        with Shown() as shown:
            result = await library.grow(
                store,
                app.blueprint,
                goal,
                postpone_switch=postpone,
                max_load=max_load,
                late_lists=late,
                watcher=shown,
            )
        await record_command(database, f"grow --to {goal}")
        app.answer(result.as_dict(), summarize(result))


def _planned(plan: Plan) -> list[str]:
    store = plan.store
    rows = "an unknown number of" if store.rows is None else f"about {store.rows:,}"
    lines = [
        f"{store.name}: {rows} keys, table {format_size(store.table_bytes)}, "
        f"{len(store.indexes)} indexes {format_size(store.index_bytes)}, "
        f"phase {store.phase or 'initial (nothing installed)'} -> {plan.goal}"
    ]
    if not plan.steps:
        return [*lines, "nothing to do"]
    for number, step in enumerate(plan.steps, 1):
        lines += [f"{number:>3}. {step.describe()}"]
        lines += [f"     {line}" for line in step.sql(plan.target).split("\n")]
    lines += ["locks:"]
    lines += [f"  {kind}: {lock}" for kind, lock in {s.kind: s.lock for s in plan.steps}.items()]
    if sum(plan.costs):
        lines.append(
            f"estimate: {plan.estimated_seconds:,.0f} s, {format_size(plan.estimated_bytes)}, for "
            f"{plan.builds} indexes like a campus has them on two cores"
            + (f", and tables of {format_size(plan.tables_bytes)}" if plan.tables_bytes else "")
        )
        lines += [f"it would wait for {blocker}" for blocker in plan.in_the_way]
    if plan.irrevocable:
        lines.append("going back does not bring back:")
        lines += [f"  {definition};" for definition in plan.irrevocable]
    if plan.misfits is not None:
        lines += _misfits(plan.misfits)
    return lines + [f"note: {text}" for text in plan.notes]


def _misfits(misfits: Misfits) -> list[str]:
    """Return lines for each kind, with a few of its keys."""
    if not misfits.misfits:
        return ["no misfits, no inconsistencies"]
    lines = ["misfits and inconsistencies, of which nothing gets lost, and no write fails:"]
    for misfit in misfits.misfits:
        if misfit.kind == UNMAPPED:
            continue
        path = one_line(" ".join(dict.fromkeys(filter(None, (misfit.relation, misfit.about)))))
        lines.append(f"  {misfit.kind} {path}: {misfit.count:,}; {misfit.meaning}")
        lines.append(
            f"      {', '.join(map(one_line, misfit.keys))}"
            + (", ..." if misfit.count > len(misfit.keys) else "")
        )
    for relation, count in misfits.unmapped.items():
        counted = "as `outgrow verify` counts them"
        lines.append(f"  in all {count:,} keys of {relation} are unmapped, {counted}")
    return lines


@click.command()
@json_option
@click.pass_obj
def pause(app: App) -> None:
    """Pause the running growth, until `outgrow resume`.

    It stops between two batches or steps, within a second; an index that is being built is finished
    first. What it has made stays in use.
    """
    app.run(_pause(app))


async def _pause(app: App) -> None:
    async with connected(app.settings, pool_size=1) as database:
        growth = await control.pause(database, app.settings.store, app.blueprint)
        app.answer({"paused": growth.to_phase}, f"the growth to {growth.to_phase} is paused")


@click.command()
@json_option
@click.pass_obj
def resume(app: App) -> None:
    """Continue a growth that is paused or was interrupted.

    Where its process is gone, it goes on in this one.
    """
    app.run(_resume(app), last_words=LAST_WORDS)


async def _resume(app: App) -> None:
    store = app.settings.store
    async with connected(app.settings, pool_size=3) as database:
        growth = await control.wake(database, store, app.blueprint)
        if growth is None:
            app.answer({"resumed": True, "here": False}, "the growth goes on where it runs")
            return
        with Shown() as shown:
            result = await control.resume(database, growth, store, app.blueprint, shown)
        app.answer(result.as_dict(), summarize(result))


@click.command()
@json_option
@click.pass_obj
def rollback(app: App) -> None:
    """Take an unfinished growth back to the phase that it started from.

    A finished growth is taken back by `outgrow grow --to` that phase.
    """
    app.run(_rollback(app), last_words=LAST_WORDS)


async def _rollback(app: App) -> None:
    async with connected(app.settings, pool_size=3) as database:
        with Shown() as shown:
            result = await control.rollback(database, app.settings.store, app.blueprint, shown)
        await record_command(database, "rollback")
        app.answer(result.as_dict(), summarize(result))


@click.command()
@json_option
@click.pass_obj
def switch(app: App) -> None:
    """Finish a growth whose switch was postponed."""
    app.run(_switch(app), last_words=LAST_WORDS)


async def _switch(app: App) -> None:
    async with connected(app.settings, pool_size=3) as database:
        with Shown() as shown:
            result = await control.switch(database, app.settings.store, app.blueprint, shown)
        await record_command(database, "switch")
        app.answer(result.as_dict(), summarize(result))


LAST_WORDS = "stopped; what is done stays, and `outgrow resume` goes on"
"""Printed for a growth that was ended before it could say where it stopped."""

BLOCK = 8192  # bytes; servers compiled for another size show rates that are off by a factor


class Shown:
    """A watcher that shows a growth on stderr. After Ctrl-C it says where the growth stopped."""

    def __init__(self) -> None:
        self._goal: Phase | None = None
        self._stack = ExitStack()
        self._progress: Progress | None = None
        self._steps = 0
        self._step: Step | None = None
        self._last_waiting = ""

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
            _print(f"note: {text}")

    def planned(self, plan: Plan, blocks: int) -> None:
        self._goal = plan.goal
        self._steps = len(plan.steps)
        if blocks:
            total = blocks * BLOCK // 1_000_000
            self._progress = self._stack.enter_context(Progress("grow", "MB read", total))

    def begun(self, step: Step) -> None:
        self._step = step

    def seen(self, step: Step, number: int, blocks: int, doing: str, waiting: str) -> None:
        if waiting and waiting != self._last_waiting and self._progress is None:
            _print(f"{step.describe()}: {waiting}")
        self._last_waiting = waiting
        if self._progress is None:
            return
        self._progress.label = f"step {number} of {self._steps}, {step.kind} {step.name}"
        self._progress.note(waiting or doing)
        self._progress.add(blocks * BLOCK // 1_000_000 - self._progress.done)

    def finished(self, step: Step, seconds: float, index_bytes: int | None) -> None:
        self._step = None
        size = "" if index_bytes is None else f", {format_size(index_bytes)}"
        _print(f"{step.describe()} ({seconds:.1f} s{size})")

    def _interrupted(self) -> None:
        if self._goal is None:
            _print("stopped before the first step")
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
        _print(text)


def summarize(result: Done) -> str:
    """Return a line on how a growth ended."""
    store = result.store
    if result.ending == "ready":
        return f"{store.name} is ready to be {result.plan.goal}: `outgrow switch` does it"
    if not result.steps:
        return f"{store.name} is {store.phase}: nothing to do"
    before, after = result.plan.store.index_bytes, store.index_bytes
    text = (
        f"{store.name} is {store.phase}: {len(result.steps)} steps in "
        f"{result.seconds:.1f} s, indexes {format_size(before)} -> {format_size(after)}"
    )
    if store.mirrors:
        tables = sum(t.table_bytes + t.index_bytes for t in store.tables.values())
        text += f", tables of {len(store.mirrors)} relations {format_size(tables)}"
    return text + (" (rolled back)" if result.ending == "rolled_back" else "")


def format_size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


def _print(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
