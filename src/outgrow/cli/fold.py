"""`outgrow fold`: brings late lists up to date, where nothing serves, or at once."""

from __future__ import annotations

import click

from outgrow.cli.main import App, json_option
from outgrow.connection import connected
from outgrow.schema import late_lists
from outgrow.schema.late_lists import Folded


@click.command()
@json_option
@click.pass_obj
def fold(app: App) -> None:
    """Bring late lists up to date with what writers have noted.

    Of all blueprints in the database. `outgrow serve` does it all the time; this is for cron, where
    nothing serves. Safe next to both. Exit code 1 where a list cannot be written.
    """
    folded = app.run(_fold(app))
    data = {"notes": folded.notes, "lists": folded.lists, "failed": folded.failed}
    folded.raise_failed()
    app.answer(data, f"{folded.notes:,} notes folded into {folded.lists:,} lists")


async def _fold(app: App) -> Folded:
    async with connected(app.settings, pool_size=1) as database:
        return await late_lists.fold(database)
