"""`outgrow resume`: a growth that waits, or was interrupted, goes on."""

from __future__ import annotations

import click

from outgrow.cli import App, json_option
from outgrow.connection import connected
from outgrow.growth import control
from outgrow.growth.shown import LAST_WORDS, Shown, done


@click.command()
@json_option
@click.pass_obj
def command(app: App) -> None:
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
