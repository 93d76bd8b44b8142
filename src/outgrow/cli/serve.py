"""`outgrow serve`: the network over HTTP."""

from __future__ import annotations

import dataclasses

import click
import uvloop

from outgrow import signals
from outgrow.cli.main import App
from outgrow.web import server


@click.command()
@click.option("--host", help="Address to listen on (HOST; 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port (PORT; 8000); 0 for any.")
@click.option(
    "--demo/--no-demo",
    default=None,
    help="Fill an empty store with a small demo campus; the default with the embedded server "
    "while it listens on this machine alone.",
)
@click.pass_obj
def serve(app: App, host: str | None, port: int | None, demo: bool | None) -> None:
    """Serve the campus network.

    Starts the embedded database unless DATABASE_URL or PG* names another one, and installs the
    layout in it. Ctrl-C and SIGTERM stop it: running requests are finished first, for up to 5
    seconds.
    """
    settings = app.settings
    settings = dataclasses.replace(
        settings, host=host or settings.host, port=settings.port if port is None else port
    )
    if demo is None:  # its password is public: only where no strangers can connect
        is_alone = settings.host in ("127.0.0.1", "::1", "localhost") and not settings.proxies
        demo = settings.embedded and is_alone
    work = server.serve(settings, demo)
    signals.run(work, loop_factory=uvloop.new_event_loop)
