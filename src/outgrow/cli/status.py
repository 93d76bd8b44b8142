"""`outgrow status`, `verify` and `uninstall`: what Outgrow made in a database, and its end."""

from __future__ import annotations

import asyncio

import click

from outgrow import library
from outgrow.cli.grow import format_size
from outgrow.cli.main import App, json_option
from outgrow.connection import connected
from outgrow.events import note
from outgrow.growth import catalog, control
from outgrow.growth.control import Status
from outgrow.growth.state import Growth
from outgrow.growth.verification import Report
from outgrow.schema import uninstall as removal
from outgrow.schema.late_lists import Late
from outgrow.schema.uninstall import Plan
from outgrow.store import Store
from outgrow.terminal import Progress, one_line

REPEAT_SECONDS = 1.0  # seconds between two answers of --watch


@click.command()
@click.option("--watch", is_flag=True, help="Show it again every second while a growth runs.")
@json_option
@click.pass_obj
def status(app: App, watch: bool) -> None:
    """Show the phase of the store, its indexes, and whether it is growing."""
    app.run(_status(app, watch))


async def _status(app: App, watch: bool) -> None:
    async with connected(app.settings, pool_size=1) as database:
        while True:
            current = await control.status(database, app.settings.store, app.blueprint)
            if watch and not app.json:
                click.clear()  # nothing where stdout is no terminal
            app.answer(current.as_dict(), "\n".join(_status_text(current)))
            if not watch or current.growing is None:
                return
            await asyncio.sleep(REPEAT_SECONDS)


def _status_text(current: Status) -> list[str]:
    store = current.store
    rows = "unknown" if store.rows is None else f"about {store.rows:,}"
    lines = [
        f"store    {store.name}",
        f"phase    {store.phase or 'initial'}{_installed(store)}",
        f"keys     {rows}, {format_size(store.table_bytes)}",
        f"indexes  {len(current.indexes)}, {format_size(store.index_bytes)}",
    ]
    lines[1:1] = [f"         {text}" for text in _warnings(store)]
    width = max((len(role.name) for role in current.indexes), default=0)
    lines += [
        f"  {role.name:<{width}}  {format_size(role.bytes):>12}  {role.role}: {role.why}"
        for role in current.indexes
    ]
    if current.missing and store.has_grown:
        lines.append(f"missing  {', '.join(current.missing)}")
    lines += [
        f"table    {mirror.relation}: {mirror.state}, {mirror.keys:,} keys, {mirror.rows:,} rows"
        + (f", {mirror.unmapped:,} keys unmapped" if mirror.unmapped else "")
        for mirror in store.mirrors
    ]
    lines += _late(store.late)
    lines += [f"ALTERED  {finding}" for finding in store.altered if finding.is_wrong]
    if store.doubted:
        lines.append(
            f"DOUBT    {len(store.doubted)} triggers and functions that keep the tables were "
            "changed, and changed back: something may have been missed"
        )
    if current.growth is not None:
        lines += _growth(current, current.growth)
    elif current.growing is not None:
        lines.append(f"growing  in pid {current.growing.pid}: {current.growing.doing or 'begins'}")
    elif store.altered:
        lines.append(f"next     outgrow grow --to {store.phase or 'initial'}")
    elif store.grown_with:
        pass
    elif current.missing or any(role.role in ("duplicate", "invalid") for role in current.indexes):
        goal = store.phase if store.has_grown else "optimized"
        lines.append(f"next     outgrow grow --to {goal}")
    return lines


def _warnings(store: catalog.Store) -> list[str]:
    """Return what to know about the store before anything is done with it."""
    warnings = [store.notice] if store.notice else []
    if store.grown_with:
        warnings.append(f"it grew with {store.grown_with}: set OUTGROW_BLUEPRINT to its file")
    return warnings


def _late(late: Late) -> list[str]:
    """Say which lists are late, and how late they are now."""
    bounds: dict[int, list[str]] = {}
    for name, seconds in late.lists.items():
        bounds.setdefault(seconds, []).append(name)
    lines = [f"late     {', '.join(names)}: within {s:,} s" for s, names in bounds.items()]
    if late.notes:
        lines.append(f"         {late.notes:,} changes wait, the first for {late.lag:,.1f} s")
    if late.is_overdue:
        lines.append(
            "         nobody folds in time: let `outgrow serve` run, or `outgrow fold` in cron"
        )
    return lines


def _growth(current: Status, growth: Growth) -> list[str]:
    state = current.growth_state
    lines = [f"growth   {growth.from_phase} -> {growth.to_phase}, {state}"]
    if current.growing is not None:
        lines[0] += f" in pid {current.growing.pid}"
        lines.append(f"step     {growth.step or 'the first'}")
        if current.growing.doing:
            lines.append(f"         {current.growing.doing}")
        if growth.seconds_left is not None:
            lines.append(f"left     about {growth.seconds_left:,.0f} s")
        if current.growing.waiting:
            lines.append(f"waits    {current.growing.waiting}")
    if growth.error:
        lines.append(f"error    {growth.error}")
    hint = {"ready": "outgrow switch", "paused": "outgrow resume", "running": ""}
    lines.append(f"next     {hint.get(state, 'outgrow resume, or outgrow rollback')}")
    return [line for line in lines if line != "next     "]


def _installed(store: catalog.Store) -> str:
    if store.current:
        return ""
    if store.phase is None:
        return " (nothing installed)"
    return " (the relations are another version's; the next growth renews them)"


@click.command()
@json_option
@click.pass_obj
def verify(app: App) -> int:
    """Compare every table with the store, and account for every key.

    Also checks that every view, function, trigger and table of Outgrow's is as it was made. Reads
    everything as of one moment, while writes go on. The exit code is 1 where something differs.
    """
    return app.run(_verify(app))


async def _verify(app: App) -> int:
    async with connected(app.settings, pool_size=1) as database:
        with Progress("verify", "keys") as progress:
            store = Store(database, app.settings.store)
            report = await library.verify(store, app.blueprint, progress=progress.add)
        app.answer(report.as_dict(), "\n".join(_report_text(report)))
        return 0 if report.same else 1


def _report_text(report: Report) -> list[str]:
    width = max((len(name) for name in report.relations), default=0)
    lines = []
    for name, compared in report.relations.items():
        text = f"{name:<{width}}  {compared.keys:>9,} keys, {compared.unmapped:,} unmapped, "
        if compared.differing:
            shown = ", ".join(map(one_line, compared.differing[:10]))
            text += f"DIFFERENT: {shown}" + (", ..." if len(compared.differing) > 10 else "")
        else:
            text += "NOT ALL KEYS" if name in report.miscounted else "the same"
        lines.append(text)
    keys = report.keys
    lines.append(
        f"{keys['total']:,} keys = {keys['mirrored']:,} in tables + {keys['unmapped']:,} unmapped "
        f"+ {keys['in_the_store']:,} of patterns without a table + "
        f"{keys['opaque']:,} of no pattern"
    )
    lines += [f"note: {report.notice}"] if report.notice else []
    lines += [f"ALTERED: {finding}" for finding in report.altered]
    if report.altered:
        lines.append(f"`outgrow grow --to {report.phase}` makes it again, as it should be")
    elif not report.same:
        lines.append(
            "the store is right: `outgrow grow --to optimized` takes the tables away, and growing "
            "again makes new ones"
        )
    return lines


@click.command()
@click.option("--plan", "only_plan", is_flag=True, help="Show what would go, and do nothing.")
@click.option(
    "--delete-only-copies",
    is_flag=True,
    help="Also delete what is stored nowhere else: accounts, blocks, reports, read marks, and "
    "values that were replaced because they did not fit a list.",
)
@json_option
@click.pass_obj
def uninstall(app: App, only_plan: bool, delete_only_copies: bool) -> None:
    """Remove everything that Outgrow made in the database, and leave the store as it is.

    The store must have grown back before (`outgrow grow --to initial`). Refuses where objects of
    others would be removed too, and where accounts would, unless told to.
    """
    plan = app.run(_uninstall(app, only_plan, delete_only_copies))
    for text in plan.notes:
        note(f"note: {one_line(text)}")
    app.answer(plan.as_dict(), "\n".join(_plan_lines(plan) if only_plan else _result_lines(plan)))


async def _uninstall(app: App, only_plan: bool, delete_only_copies: bool) -> Plan:
    async with connected(app.settings, pool_size=1) as database:
        if only_plan:
            return await removal.plan(database)
        return await removal.uninstall(
            database, app.settings.store, delete_only_copies=delete_only_copies
        )


def _plan_lines(plan: Plan) -> list[str]:
    if not plan.statements:
        return ["there is nothing of Outgrow's in this database"]
    lines = [f"{kind} {one_line(name)}" for kind, name in plan.objects]
    if plan.only_copies:
        lines.append("kept nowhere else, and deleted only with --delete-only-copies:")
        lines += [f"  {one_line(name)}: {rows:,} rows" for name, rows in plan.only_copies.items()]
    return [*lines, "by:", *(f"  {statement};" for statement in plan.statements)]


def _result_lines(plan: Plan) -> list[str]:
    if not plan.statements:
        return ["there is nothing of Outgrow's in this database"]
    return [f"{len(plan.objects):,} objects are gone; the store is as it was"]
