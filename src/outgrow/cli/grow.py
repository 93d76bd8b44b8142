"""`outgrow grow`, `pause`, `resume`, `rollback` and `switch`, which show a growth on stderr."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack

import click

from outgrow import library
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
    help="found: the store as it came; optimized: with indexes for every list and search; hybrid: "
    "some relations are read from tables of their own; relational: all are.",
)
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--no-misfits",
    is_flag=True,
    help="With --plan: do not look for what would not fit the tables, which reads much of the "
    "store.",
)
@click.option(
    "--postpone-switch",
    "postpone",
    is_flag=True,
    help="Make the tables, and leave it to `outgrow switch` to read from them.",
)
@click.option(
    "--max-load",
    type=click.IntRange(min=0),
    metavar="N",
    help="Wait while more than N other sessions of the database are working.",
)
@click.option(
    "--delete-only-copies",
    is_flag=True,
    help="With --to initial, where the store was dropped: delete the tables that were made of it.",
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
    delete_only_copies: bool,
) -> None:
    """Take the store to a phase, live; run again after anything, it goes on.

    Reads and writes of the store go on meanwhile. Ctrl-C stops at once; what was built stays.
    """
    if no_misfits and not only_plan:
        raise click.UsageError("--no-misfits goes with --plan")
    if delete_only_copies and (only_plan or goal != "initial"):
        raise click.UsageError("--delete-only-copies goes with --to initial, without --plan")
    if delete_only_copies:
        app.run(_delete(app))
        return
    if only_plan:
        app.run(_plan(app, goal, not no_misfits))
    else:
        app.run(_grow(app, goal, postpone, max_load), last_words=LAST_WORDS)


async def _delete(app: App) -> None:
    """The tables of a store that is gone, and nothing else: growing goes on from there."""
    async with connected(app.settings, pool_size=1) as database:
        deleted = await drop_orphans(database, app.blueprint)
    lines = [f"deleted {table}: {rows:,} rows" for table, rows in deleted.items()]
    app.answer({"deleted": deleted}, "\n".join(lines or ["there is no such table"]))


async def _plan(app: App, goal: Phase, misfits: bool) -> None:
    async with connected(app.settings, pool_size=1) as database, AsyncExitStack() as stack:
        progress: Progress | None = None

        def show(done: int, total: int) -> None:
            nonlocal progress
            if progress is None:
                progress = stack.enter_context(Progress("misfits", "checks", total))
                progress.note("--no-misfits leaves them out")
            progress.add(done - progress.done)

        store = await _store(app, database)
        plan = await library.plan(store, app.blueprint, goal, find_misfits=misfits, progress=show)
    app.answer(plan.as_dict(), "\n".join(_planned(plan)))


async def _store(app: App, database: Database) -> Store:
    """The store; a blueprint that was forgotten is refused before it is put over it."""
    store = Store(database, app.settings.store)
    await library.check_blueprint(store, app.blueprint, is_named=app.settings.blueprint is not None)
    return store


async def _grow(app: App, goal: Phase, postpone: bool, max_load: int | None) -> None:
    async with connected(app.settings, pool_size=3) as database:
        store = await _store(app, database)
        with Shown() as shown:
            what = await library.grow(
                store,
                app.blueprint,
                goal,
                postpone_switch=postpone,
                max_load=max_load,
                watcher=shown,
            )
        await record_command(database, f"grow --to {goal}")
        app.answer(what.as_dict(), done(what))


def _planned(plan: Plan) -> list[str]:
    store = plan.store
    rows = "an unknown number of" if store.rows is None else f"about {store.rows:,}"
    lines = [
        f"{store.name}: {rows} keys, table {size_of(store.table_bytes)}, "
        f"{len(store.indexes)} indexes {size_of(store.index_bytes)}, "
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
            f"estimate: {plan.estimated_seconds:,.0f} s, {size_of(plan.estimated_bytes)}, for "
            f"{plan.builds} indexes like a campus has them on two cores"
            + (f", and tables of {size_of(plan.tables_bytes)}" if plan.tables_bytes else "")
        )
        lines += [f"it would wait for {who}" for who in plan.in_the_way]
    if plan.irrevocable:
        lines.append("going back does not bring back:")
        lines += [f"  {definition};" for definition in plan.irrevocable]
    if plan.misfits is not None:
        lines += _misfits(plan.misfits)
    return lines + [f"note: {text}" for text in plan.notes]


def _misfits(misfits: Misfits) -> list[str]:
    """One line for each kind, and a few of its keys."""
    if not misfits.misfits:
        return ["no misfits, no inconsistencies"]
    lines = ["misfits and inconsistencies, of which nothing gets lost, and no write fails:"]
    for one in misfits.misfits:
        if one.kind == UNMAPPED:
            continue
        place = one_line(" ".join(dict.fromkeys(filter(None, (one.relation, one.about)))))
        lines.append(f"  {one.kind} {place}: {one.count:,}; {one.meaning}")
        lines.append(
            f"      {', '.join(map(one_line, one.keys))}"
            + (", ..." if one.count > len(one.keys) else "")
        )
    for relation, count in misfits.unmapped.items():
        counted = "as `outgrow verify` counts them"
        lines.append(f"  in all {count:,} keys of {relation} are unmapped, {counted}")
    return lines


@click.command()
@json_option
@click.pass_obj
def pause(app: App) -> None:
    """Let the running growth wait, until `outgrow resume`.

    It stops between two batches or steps, within a second; an index that is being built is finished
    first. What is there stays in use.
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
    """Let a growth that is paused or was interrupted go on.

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
            what = await control.resume(database, growth, store, app.blueprint, shown)
        app.answer(what.as_dict(), done(what))


@click.command()
@json_option
@click.pass_obj
def rollback(app: App) -> None:
    """Take an unfinished growth back to the phase it set out from.

    A growth that is finished is taken back by `outgrow grow --to` that phase.
    """
    app.run(_rollback(app), last_words=LAST_WORDS)


async def _rollback(app: App) -> None:
    async with connected(app.settings, pool_size=3) as database:
        with Shown() as shown:
            what = await control.rollback(database, app.settings.store, app.blueprint, shown)
        await record_command(database, "rollback")
        app.answer(what.as_dict(), done(what))


@click.command()
@json_option
@click.pass_obj
def switch(app: App) -> None:
    """Finish a growth whose switch was postponed."""
    app.run(_switch(app), last_words=LAST_WORDS)


async def _switch(app: App) -> None:
    async with connected(app.settings, pool_size=3) as database:
        with Shown() as shown:
            what = await control.switch(database, app.settings.store, app.blueprint, shown)
        await record_command(database, "switch")
        app.answer(what.as_dict(), done(what))


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
