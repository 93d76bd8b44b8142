"""`outgrow status`: where the store stands."""

from __future__ import annotations

import asyncio

import click

from outgrow.cli import App, json_option
from outgrow.connection import connected
from outgrow.growth.catalog import Store
from outgrow.growth.shown import size_of
from outgrow.growth.state import Growth
from outgrow.growth.status import Status, status

AGAIN = 1.0  # seconds between two answers of --watch


@click.command()
@click.option("--watch", is_flag=True, help="Say it again every second while a growth runs.")
@json_option
@click.pass_obj
def command(app: App, watch: bool) -> None:
    """Say which phase the store is in, what its indexes are, and whether it is growing."""
    app.run(_status(app, watch))


async def _status(app: App, watch: bool) -> None:
    async with connected(app.settings, pool_size=1) as database:
        while True:
            found = await status(database, app.settings.store, app.blueprint)
            if watch and not app.json:
                click.clear()  # nothing where stdout is no terminal
            app.answer(found.as_dict(), "\n".join(_told(found)))
            if not watch or found.growing is None:
                return
            await asyncio.sleep(AGAIN)


def _told(found: Status) -> list[str]:
    store = found.store
    rows = "unknown" if store.rows is None else f"about {store.rows:,}"
    lines = [
        f"store    {store.name}",
        f"phase    {store.phase or 'initial'}{_installed(store)}",
        f"keys     {rows}, {size_of(store.table_bytes)}",
        f"indexes  {len(found.indexes)}, {size_of(store.index_bytes)}",
    ]
    lines[1:1] = [f"         {text}" for text in _of_the_store(store)]
    width = max((len(role.name) for role in found.indexes), default=0)
    lines += [
        f"  {role.name:<{width}}  {size_of(role.bytes):>12}  {role.role}: {role.why}"
        for role in found.indexes
    ]
    if found.missing and store.phase not in (None, "initial"):
        lines.append(f"missing  {', '.join(found.missing)}")
    lines += [
        f"table    {mirror.relation}: {mirror.state}, {mirror.keys:,} keys, {mirror.rows:,} rows"
        + (f", {mirror.unmapped:,} keys unmapped" if mirror.unmapped else "")
        for mirror in store.mirrors
    ]
    lines += [f"ALTERED  {finding}" for finding in store.altered if finding.is_wrong]
    if store.doubted:
        lines.append(
            f"DOUBT    {len(store.doubted)} triggers and functions that keep the tables were "
            "changed, and changed back: something may have been missed"
        )
    if found.growth is not None:
        lines += _growth(found, found.growth)
    elif found.growing is not None:
        lines.append(f"growing  in pid {found.growing.pid}: {found.growing.doing or 'begins'}")
    elif store.altered:
        lines.append(f"next     outgrow grow --to {store.phase or 'initial'}")
    elif store.grown_with:
        pass
    elif found.missing or any(role.role in ("duplicate", "invalid") for role in found.indexes):
        lines.append("next     outgrow grow --to optimized")
    return lines


def _of_the_store(store: Store) -> list[str]:
    """What to know of it before anything is done with it."""
    told = [store.said] if store.said else []
    if store.grown_with:
        told.append(f"it grew with {store.grown_with}: set OUTGROW_BLUEPRINT to its file")
    return told


def _growth(found: Status, growth: Growth) -> list[str]:
    state = found.growth_state
    lines = [f"growth   {growth.from_phase} -> {growth.to_phase}, {state}"]
    if found.growing is not None:
        lines[0] += f" in pid {found.growing.pid}"
        lines.append(f"step     {growth.step or 'the first'}")
        if found.growing.doing:
            lines.append(f"         {found.growing.doing}")
        if growth.seconds_left is not None:
            lines.append(f"left     about {growth.seconds_left:,.0f} s")
        if found.growing.waiting:
            lines.append(f"waits    {found.growing.waiting}")
    if growth.error:
        lines.append(f"error    {growth.error}")
    hint = {"ready": "outgrow switch", "paused": "outgrow resume", "running": ""}
    lines.append(f"next     {hint.get(state, 'outgrow resume, or outgrow rollback')}")
    return [line for line in lines if line != "next     "]


def _installed(store: Store) -> str:
    if store.current:
        return ""
    if store.phase is None:
        return " (nothing installed)"
    return " (the relations are another version's; the next growth renews them)"
