"""`outgrow rollback`: an unfinished growth goes back to where it set out from."""

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
