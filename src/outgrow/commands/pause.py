"""`outgrow pause`: a running growth waits."""

from __future__ import annotations

import click

from outgrow.cli import App, json_option
from outgrow.connection import connected
from outgrow.growth import control


@click.command()
@json_option
@click.pass_obj
def command(app: App) -> None:
    """Let the running growth wait, until `outgrow resume`.

    It stops between two batches or steps, within a second; an index that is being built is finished
    first. What is there stays in use.
    """
    app.run(_pause(app))


async def _pause(app: App) -> None:
    async with connected(app.settings, pool_size=1) as database:
        growth = await control.pause(database, app.settings.store, app.blueprint)
        app.answer({"paused": growth.to_phase}, f"the growth to {growth.to_phase} is paused")
