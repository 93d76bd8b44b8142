"""`outgrow status`: where the store stands."""

from __future__ import annotations

import click

from outgrow.blueprint import campus
from outgrow.cli import App, connected, json_option
from outgrow.grow.status import Status, status


@click.command()
@json_option
@click.pass_obj
def command(app: App) -> None:
    """Say which phase the store is in, what its indexes are, and whether it is growing."""
    app.run(_status(app))


async def _status(app: App) -> None:
    async with connected(app.settings, pool_size=1) as database:
        found = await status(database, app.settings.store, campus())
        app.answer(found.as_dict(), "\n".join(_told(found)))


def _told(found: Status) -> list[str]:
    store = found.store
    rows = "unknown" if store.rows is None else f"about {store.rows:,}"
    lines = [
        f"store    {store.name}",
        f"phase    {store.phase or 'found'}" + ("" if store.current else " (layout not installed)"),
        f"keys     {rows}, {_size(store.table_bytes)}",
        f"indexes  {len(found.indexes)}, {_size(store.index_bytes)}",
    ]
    width = max((len(role.name) for role in found.indexes), default=0)
    lines += [
        f"  {role.name:<{width}}  {_size(role.bytes):>12}  {role.role}: {role.why}"
        for role in found.indexes
    ]
    if found.missing and store.phase == "optimized":
        lines.append(f"missing  {', '.join(found.missing)}")
    if found.growing is not None:
        doing = found.growing.doing or "between two builds"
        lines.append(f"growing  in pid {found.growing.pid}: {doing}")
        if found.growing.waiting:
            lines.append(f"         waits for {found.growing.waiting}")
    elif found.missing or any(role.role in ("duplicate", "invalid") for role in found.indexes):
        lines.append("next     outgrow grow --to optimized")
    return lines


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
