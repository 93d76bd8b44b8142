"""The functions that `import outgrow` gives: what the commands do, for a program of your own.

They print nothing, read nothing of the environment, answer with dataclasses, and raise
OutgrowError. Each opens connections of its own beside the pool's, one at most.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

from outgrow import advice, readings
from outgrow.advice import Advised, Reading, Situation
from outgrow.blueprint import Blueprint
from outgrow.connection import OF_THE_DATABASE, explained, failure
from outgrow.db.pool import Database
from outgrow.growth import control, runner, verification
from outgrow.growth.plan import Plan
from outgrow.growth.runner import Done, Options
from outgrow.growth.state import Phase
from outgrow.growth.verification import Report
from outgrow.growth.watch import Silent, Watcher
from outgrow.inspection import survey
from outgrow.inspection.survey import Survey
from outgrow.schema import memory
from outgrow.settings import Thresholds
from outgrow.store import Store

Progress = Callable[[int, int], None]
"""Is told how much is done, of how much."""


def _untold(*_: object) -> None:
    pass


async def plan(
    store: Store,
    blueprint: Blueprint,
    goal: Phase,
    *,
    find_misfits: bool = True,
    progress: Progress = _untold,
) -> Plan:
    """Plan a growth to the phase `goal`, and change nothing.

    With `find_misfits` also look for what would not fit the tables and for what contradicts itself:
    that reads all of the store, in one snapshot. `progress` counts its checks. Raises Refused where
    the growth would be refused.
    """
    async with _errors(store.database):
        await check_blueprint(store, blueprint)
        inspected = survey.inspect_store if find_misfits else None
        return await runner.plan(store.database, goal, store.table, blueprint, inspected, progress)


async def grow(
    store: Store,
    blueprint: Blueprint,
    goal: Phase,
    *,
    postpone_switch: bool = False,
    max_load: int | None = None,
    watcher: Watcher | None = None,
) -> Done:
    """Take the store to the phase `goal`, while everybody goes on using it.

    Needs 3 connections. When it is cancelled or dies, call it again: it does what is left to do.
    `postpone_switch` makes the tables and does not read from them yet. While more than `max_load`
    other sessions of the database work, it waits. `watcher` is told of each step.

    Raises Refused where it must not begin or another growth runs, GrowthFailed when it stopped on
    the way.
    """
    async with _errors(store.database):
        await check_blueprint(store, blueprint)
        options = Options(postpone_switch, max_load)
        watcher = watcher or Silent()
        return await runner.grow(store.database, goal, store.table, blueprint, watcher, options)


async def verify(
    store: Store, blueprint: Blueprint, *, progress: Callable[[int], None] = _untold
) -> Report:
    """Compare every table with the store, and account for every key; look whether anything that
    Outgrow made was altered. Reads everything, in one snapshot. `progress` is told how many more
    keys were looked at."""
    async with _errors(store.database):
        return await verification.verify(store.database, store.table, blueprint, progress)


async def inspect(store: Store, *, sample: bool = False, progress: Progress = _untold) -> Survey:
    """Find out what a key-value table holds, without a blueprint, and how the table fares.

    Reads it four times, in one snapshot; with `sample` some 200,000 rows once, and then nothing is
    known of what contradicts the rest. `progress` counts rows.
    """
    async with _errors(store.database):
        return await survey.survey(store.database, store.table, sample=sample, progress=progress)


async def advise(
    store: Store,
    blueprint: Blueprint,
    *,
    thresholds: Thresholds | None = None,
    note: Callable[[str], None] = _untold,
) -> Advised:
    """Take a reading, compare it with the thresholds and with earlier ones, and say what to do now,
    soon, and not yet.

    Reads at most 8 MB of the store. The reading is kept where Outgrow is installed and the last one
    is ten minutes old; `note` is told why it is not.
    """
    async with _errors(store.database):
        return await _advise(store, blueprint, thresholds or Thresholds(), note)


async def check_blueprint(store: Store, blueprint: Blueprint, *, is_named: bool = True) -> None:
    """Raise Refused for a blueprint that is not meant for this store. Where nobody has named it
    (`is_named`), it must claim half of the store's keys; else one will do."""
    database = store.database
    async with database.session() as session, session.connection.transaction(readonly=True):
        located = await memory.locate(session, store.table, blueprint)
        await memory.check_meant(session, located.store, blueprint)
        await memory.check_claims(session, located.store, blueprint, is_named)


async def _advise(
    store: Store, blueprint: Blueprint, thresholds: Thresholds, note: Callable[[str], None]
) -> Advised:
    database, name = store.database, store.table
    found = await control.status(database, name, blueprint)
    reading = None
    if found.store.phase is None:
        note("Outgrow is not installed here, so this reading is not kept")
    elif found.store.replica:
        note("this is a replica, so this reading is not kept")
    else:
        reading = await _keep(store, blueprint, note)
    async with (
        database.dedicated(single_transaction=True) as session,
        session.connection.transaction(readonly=True),
    ):
        past = await readings.history(session, name) if found.store.phase else []
        if reading is None:
            reading = await readings.take(session, name, blueprint)
        past = [*(r for r in past if r.at < reading.at), reading]
    situation = Situation(
        store=found.store.name,
        phase=found.store.phase or "initial",
        growth=found.growth_state,
        air=tuple(r.name for r in found.indexes if r.role in ("duplicate", "invalid")),
        missing=found.missing if found.store.phase not in (None, "initial") else (),
        fits=found.store.phase is not None or reading.fits >= readings.FITS,
        altered=tuple(str(finding) for finding in found.store.altered if finding.is_wrong),
        grown_with=found.store.grown_with,
    )
    return advice.advise(past, situation, thresholds)


async def _keep(store: Store, blueprint: Blueprint, note: Callable[[str], None]) -> Reading | None:
    """Take a reading and keep it; None where there is one of the last minutes, or none can be."""
    try:
        return await readings.keep(store.database, store.table, blueprint)
    except (asyncpg.UndefinedTableError, asyncpg.ReadOnlySQLTransactionError) as e:
        note(f"this reading is not kept ({e})")
        return None


@asynccontextmanager
async def _errors(database: Database) -> AsyncIterator[None]:
    """Raise an OutgrowError, whatever the database answers."""
    try:
        async with explained(database):
            yield
    except BrokenPipeError:
        raise  # of somebody's progress: whoever read it has gone
    except OF_THE_DATABASE as e:
        raise failure(e) from e
