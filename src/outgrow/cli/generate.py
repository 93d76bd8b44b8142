"""`outgrow generate`: data to try things on."""

from __future__ import annotations

from pathlib import Path

import click

from outgrow.cli.grow import format_size
from outgrow.cli.main import App, json_option
from outgrow.connection import connected
from outgrow.db import stores
from outgrow.sampledata import generator
from outgrow.sampledata.generator import Result
from outgrow.sampledata.population import DEMO_EMAIL, HIGHEST_RATE, LARGEST, Spec
from outgrow.terminal import Progress

USUAL_RATE = 0.02


@click.group()
def generate() -> None:
    """Fill the store with made-up data."""


@generate.command()
@click.option("--users", type=int, default=1000, show_default=True, metavar="N")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed, the same campus."
)
@click.option(
    "--damage",
    "rate",
    type=float,
    is_flag=False,
    flag_value=USUAL_RATE,
    default=0.0,
    metavar="[RATE]",
    help=f"Break things as the prototype does, each kind for about this part of the users "
    f"({USUAL_RATE} unless given, at most {HIGHEST_RATE}).",
)
@click.option(
    "--largest",
    type=int,
    metavar="N",
    help=f"Users of the largest school; half of all, at most {LARGEST:,}, unless given.",
)
@click.option("--demo/--no-demo", default=True, help=f"With the student {DEMO_EMAIL}, or without.")
@click.option("--replace", is_flag=True, help="Empty the store first, if it holds keys.")
@click.option(
    "--manifest",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("campus-manifest.json"),
    show_default=True,
    help="The file that lists the damage.",
)
@json_option
@click.pass_obj
def campus(
    app: App,
    users: int,
    seed: int,
    rate: float,
    largest: int | None,
    demo: bool,
    replace: bool,
    manifest: Path,
) -> None:
    """Make a campus network as the prototype would have left it."""
    spec = Spec(users, seed, rate, largest, demo)
    result = app.run(_fill(app, spec, replace, manifest))
    app.answer(result.as_dict(), _result_text(result, app.settings.store))


async def _fill(app: App, spec: Spec, replace: bool, manifest: Path) -> Result:
    store = app.settings.store
    async with connected(app.settings, pool_size=1, only_store=True) as database:
        if not app.settings.embedded:
            await stores.check(database, store)
        with Progress("generate", "users", spec.users) as progress:

            def show(users: int) -> None:
                progress.add(users)
                if progress.done == spec.users:
                    progress.note("indexing")

            return await generator.generate(
                database, spec, store=store, replace=replace, manifest=manifest, on_progress=show
            )


def _result_text(result: Result, store: str) -> str:
    lines = [
        f"{result.users:,} users in {result.schools:,} schools: {result.rows:,} keys in {store}",
        f"{result.largest_school_users:,} of them at {result.largest_school}",
        f"table {format_size(result.table_bytes)}, indexes {format_size(result.index_bytes)}",
    ]
    if result.demo_user:
        lines.append(f"demo student {DEMO_EMAIL}, id {result.demo_user}")
    if result.manifest:
        lines.append(f"{sum(result.damage.values()):,} damages, listed in {result.manifest}")
    return "\n".join(lines)
