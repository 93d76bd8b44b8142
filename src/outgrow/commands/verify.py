"""`outgrow verify`: the tables and the store say the same, and nothing of ours is altered."""

from __future__ import annotations

import click

from outgrow.cli import App, json_option
from outgrow.connection import connected
from outgrow.growth.verification import Report
from outgrow.library import verify
from outgrow.store import Store
from outgrow.terminal import Progress, one_line


@click.command()
@json_option
@click.pass_obj
def command(app: App) -> int:
    """Compare every table with the store, and account for every key.

    Also looks whether every view, function, trigger and table of Outgrow's is as it was made.
    Reads everything, at one moment; writes go on meanwhile. Exit code 1 where something differs.
    """
    return app.run(_verify(app))


async def _verify(app: App) -> int:
    async with connected(app.settings, pool_size=1) as database:
        with Progress("verify", "keys") as progress:
            store = Store(database, app.settings.store)
            report = await verify(store, app.blueprint, progress=progress.add)
        app.answer(report.as_dict(), "\n".join(_told(report)))
        return 0 if report.same else 1


def _told(report: Report) -> list[str]:
    width = max((len(name) for name in report.relations), default=0)
    lines = []
    for name, found in report.relations.items():
        text = f"{name:<{width}}  {found.keys:>9,} keys, {found.unmapped:,} unmapped, "
        if found.differing:
            shown = ", ".join(map(one_line, found.differing[:10]))
            text += f"DIFFERENT: {shown}" + (", ..." if len(found.differing) > 10 else "")
        else:
            text += "NOT ALL KEYS" if name in report.miscounted else "the same"
        lines.append(text)
    keys = report.keys
    lines.append(
        f"{keys['total']:,} keys = {keys['mirrored']:,} in tables + {keys['unmapped']:,} unmapped "
        f"+ {keys['in_the_store']:,} of patterns without a table + "
        f"{keys['opaque']:,} of no pattern"
    )
    lines += [f"note: {report.said}"] if report.said else []
    lines += [f"ALTERED: {finding}" for finding in report.altered]
    if report.altered:
        lines.append(f"`outgrow grow --to {report.phase}` makes it anew, as it is to be")
    elif not report.same:
        lines.append(
            "the store is right: `outgrow grow --to optimized` takes the tables away, and growing "
            "again makes them anew"
        )
    return lines
