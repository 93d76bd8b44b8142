"""`outgrow switch`: the relations are read from the tables that a growth has made ready."""

from __future__ import annotations

import click

from outgrow.campus.background import record_command
from outgrow.cli import App, json_option
from outgrow.connection import connected
from outgrow.growth import control
from outgrow.growth.shown import LAST_WORDS, Shown, done


@click.command()
@json_option
@click.pass_obj
def command(app: App) -> None:
    """Finish a growth whose switch was postponed."""
    app.run(_switch(app), last_words=LAST_WORDS)


async def _switch(app: App) -> None:
    async with connected(app.settings, pool_size=3) as database:
        with Shown() as shown:
            what = await control.switch(database, app.settings.store, app.blueprint, shown)
        await record_command(database, "switch")
        app.answer(what.as_dict(), done(what))
