"""What can be said to a growth from outside: pause, go on, switch, roll back."""

from __future__ import annotations

from outgrow.blueprint import Blueprint
from outgrow.db.pool import Database
from outgrow.errors import Refused
from outgrow.growth import runner, state
from outgrow.growth.runner import Done, Options
from outgrow.growth.state import Growth
from outgrow.growth.watch import Watcher
from outgrow.queries import load
from outgrow.schema import memory, migrate


async def pause(database: Database, store: str, blueprint: Blueprint) -> Growth:
    """The growth that runs stops between two batches or steps, within a second (an index that is
    being built is finished first), and waits. Raises Refused where none runs."""
    growth = await _unfinished(database, blueprint)
    if not await is_running(database, store, blueprint):
        raise Refused(
            "not_running",
            f"the growth to {growth.to_phase} does not run: nobody is at it",
            hint="`outgrow resume` goes on, `outgrow rollback` goes back",
        )
    await database.run(load("grow")["growth_pauses"], blueprint.name, True)
    return growth


async def wake(database: Database, store: str, blueprint: Blueprint) -> Growth | None:
    """Let a paused growth go on; returns it when nobody is at it, so that it is to be run here."""
    growth = await _unfinished(database, blueprint)
    await database.run(load("grow")["growth_pauses"], blueprint.name, False)
    return None if await is_running(database, store, blueprint) else growth


async def resume(
    database: Database, growth: Growth, store: str, blueprint: Blueprint, watcher: Watcher
) -> Done:
    options = Options(growth.postponed, growth.max_load)
    return await runner.grow(database, growth.to_phase, store, blueprint, watcher, options)


async def switch(database: Database, store: str, blueprint: Blueprint, watcher: Watcher) -> Done:
    """Finish a growth whose switch was postponed. Raises Refused when none is ready."""
    growth = await _unfinished(database, blueprint)
    if growth.state != "ready":
        raise Refused(
            "not_ready",
            f"the growth to {growth.to_phase} is not ready to be switched: it is {growth.state}",
            hint="`outgrow status` shows how far it is, `outgrow resume` goes on",
        )
    options = Options(False, growth.max_load)
    return await runner.grow(database, growth.to_phase, store, blueprint, watcher, options)


async def rollback(database: Database, store: str, blueprint: Blueprint, watcher: Watcher) -> Done:
    """Take the growth that is not finished back to where it set out from."""
    growth = await _unfinished(database, blueprint)
    return await runner.grow(database, growth.from_phase, store, blueprint, watcher)


async def is_running(database: Database, store: str, blueprint: Blueprint) -> bool:
    sql = load("grow")
    located = await memory.locate(database, store, blueprint)
    found = await database.row(sql["store"], *memory.split(located.store))
    return found is not None and await database.value(sql["claimed_by"], found["oid"]) is not None


async def _unfinished(database: Database, blueprint: Blueprint) -> Growth:
    await migrate.pending(database, migrate.schemas(blueprint))
    growth = await state.unfinished(database, blueprint.name)
    if growth is None:
        raise Refused(
            "no_growth",
            f"no growth of {blueprint.name} is unfinished",
            hint="`outgrow grow --to PHASE` begins one",
        )
    return growth
