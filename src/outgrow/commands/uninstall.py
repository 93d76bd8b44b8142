"""`outgrow uninstall`: everything goes that Outgrow made in a database; the store stays."""

from __future__ import annotations

import click

from outgrow.cli import App, json_option
from outgrow.connection import connected
from outgrow.events import note
from outgrow.schema.uninstall import Plan, plan, uninstall
from outgrow.terminal import one_line


@click.command()
@click.option("--plan", "only_plan", is_flag=True, help="Say what would go, and do nothing.")
@click.option(
    "--delete-only-copies",
    is_flag=True,
    help="Also delete what is kept nowhere else: accounts, blocks, reports, read marks, values "
    "that were replaced because they fitted no list.",
)
@json_option
@click.pass_obj
def command(app: App, only_plan: bool, delete_only_copies: bool) -> None:
    """Take away everything that Outgrow made in the database, and leave the store as it is.

    The store must have grown back before (`outgrow grow --to initial`). Refuses where something of
    others would go too, and where accounts would, unless told.
    """
    found = app.run(_uninstall(app, only_plan, delete_only_copies))
    for text in found.notes:
        note(f"note: {one_line(text)}")
    app.answer(found.as_dict(), "\n".join(_planned(found) if only_plan else _done(found)))


async def _uninstall(app: App, only_plan: bool, delete_only_copies: bool) -> Plan:
    async with connected(app.settings, pool_size=1) as database:
        if only_plan:
            return await plan(database)
        return await uninstall(database, app.settings.store, delete_only_copies=delete_only_copies)


def _planned(found: Plan) -> list[str]:
    if not found.statements:
        return ["there is nothing of Outgrow's in this database"]
    lines = [f"{kind} {one_line(name)}" for kind, name in found.objects]
    if found.only_copies:
        lines.append("kept nowhere else, and deleted only with --delete-only-copies:")
        lines += [f"  {one_line(name)}: {rows:,} rows" for name, rows in found.only_copies.items()]
    return [*lines, "by:", *(f"  {statement};" for statement in found.statements)]


def _done(found: Plan) -> list[str]:
    if not found.statements:
        return ["there is nothing of Outgrow's in this database"]
    return [f"{len(found.objects):,} objects are gone; the store is as it was"]
