"""`outgrow grow`: the store to another phase, while everybody goes on using it."""

from __future__ import annotations

from contextlib import AsyncExitStack

import click

from outgrow import library
from outgrow.campus.background import record_command
from outgrow.cli import App, json_option
from outgrow.connection import connected
from outgrow.db.pool import Database
from outgrow.growth.misfits import Misfits
from outgrow.growth.plan import Plan
from outgrow.growth.shown import LAST_WORDS, Shown, done, size_of
from outgrow.growth.state import PHASES, Phase
from outgrow.layout.consistency import UNMAPPED
from outgrow.schema.uninstall import drop_orphans
from outgrow.store import Store
from outgrow.terminal import Progress, one_line


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
def command(
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
    if not misfits.found:
        return ["no misfits, no inconsistencies"]
    lines = ["misfits and inconsistencies, of which nothing gets lost, and no write fails:"]
    for one in misfits.found:
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
