"""The functions of `import outgrow`: what the commands do, for a program of your own.

They print nothing, do not read the environment, return dataclasses, and raise OutgrowError. Each
opens at most one connection in addition to the pool's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
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
from outgrow.schema import late_lists as late
from outgrow.schema import memory
from outgrow.schema.late_lists import Folded
from outgrow.settings import Thresholds
from outgrow.store import Store

Progress = Callable[[int, int], None]
"""Called with how much is done, and of how much."""


def _ignore(*_: object) -> None:
    pass


async def plan(
    store: Store,
    blueprint: Blueprint,
    goal: Phase,
    *,
    find_misfits: bool = True,
    late_lists: int | None = None,
    progress: Progress = _ignore,
) -> Plan:
    """Plan a growth to the phase `goal`, and change nothing.

    With `find_misfits` also find values that would not fit the tables and rows that contradict each
    other, which reads all of the store in one snapshot. `progress` counts the checks. `late_lists`
    as for `grow`. Raises Refused where the growth would be refused.
    """
    async with _errors(store.database):
        await check_blueprint(store, blueprint)
        inspected = survey.inspect_store if find_misfits else None
        return await runner.plan(
            store.database, goal, store.table, blueprint, inspected, progress, late_lists
        )


async def grow(
    store: Store,
    blueprint: Blueprint,
    goal: Phase,
    *,
    postpone_switch: bool = False,
    max_load: int | None = None,
    late_lists: int | None = None,
    watcher: Watcher | None = None,
) -> Done:
    """Take the store to the phase `goal`, while everybody goes on using it.

    Needs 3 connections. When it is cancelled or dies, call it again: it does what is left to do.
    With `postpone_switch` make the tables and do not read from them yet. Wait while more than
    `max_load` other sessions of the database work. With `late_lists` let derived lists be late, by
    so many seconds; with 0, by none. Unless given, what was asked for before stays, and where
    nothing was, the blueprint decides. `watcher` is called at each step.

    Raises Refused where it must not begin or another growth runs, GrowthFailed when it stopped on
    the way.
    """
    async with _errors(store.database):
        await check_blueprint(store, blueprint)
        options = Options(postpone_switch, max_load, late_lists)
        watcher = watcher or Silent()
        return await runner.grow(store.database, goal, store.table, blueprint, watcher, options)


async def verify(
    store: Store, blueprint: Blueprint, *, progress: Callable[[int], None] = _ignore
) -> Report:
    """Compare every table with the store, account for every key, and check that nothing Outgrow
    made was altered. Read everything in one snapshot. `progress` is called with how many more keys
    were read."""
    async with _errors(store.database):
        return await verification.verify(store.database, store.table, blueprint, progress)


async def fold(store: Store) -> Folded:
    """Bring late lists up to date with what writers have noted, of all blueprints in the store's
    database. Return how many notes and lists there were, and the lists that could not be written,
    whose notes wait. To be called every few seconds where no `outgrow serve` runs; several callers
    at once do no harm. Raises Refused where this role may not write to a store."""
    async with _errors(store.database):
        return await late.fold(store.database)


async def inspect(store: Store, *, sample: bool = False, progress: Progress = _ignore) -> Survey:
    """Find out what a key-value table holds, without a blueprint, and how the table is.

    Read it four times in one snapshot. With `sample` read some 200,000 rows once, which does not
    show inconsistencies. `progress` counts rows.
    """
    async with _errors(store.database):
        return await survey.survey(store.database, store.table, sample=sample, progress=progress)


async def advise(
    store: Store,
    blueprint: Blueprint,
    *,
    thresholds: Thresholds | None = None,
    note: Callable[[str], None] = _ignore,
) -> Advised:
    """Take a reading, compare it with the thresholds and with earlier readings, and return what to
    do now, soon, and not yet.

    Read at most 8 MB of the store. The reading is stored where Outgrow is installed and the last
    one is ten minutes old; `note` is called with the reason where it is not.
    """
    async with _errors(store.database):
        return await _advise(store, blueprint, thresholds or Thresholds(), note)


async def check_blueprint(store: Store, blueprint: Blueprint, *, is_named: bool = True) -> None:
    """Raise Refused for a blueprint that is not meant for this store. A default blueprint, which is
    not `is_named`, must claim half of the store's keys, a named one at least one key."""
    database = store.database
    async with database.session() as session, session.connection.transaction(readonly=True):
        located = await memory.locate(session, store.table, blueprint)
        await memory.check_meant(session, located.store, blueprint)
        await memory.check_claims(session, located.store, blueprint, is_named)


async def _advise(
    store: Store, blueprint: Blueprint, thresholds: Thresholds, note: Callable[[str], None]
) -> Advised:
    database, name = store.database, store.table
    status = await control.status(database, name, blueprint)
    reading = None
    if status.store.phase is None:
        note("Outgrow is not installed here, so this reading is not kept")
    elif status.store.replica:
        note("this is a replica, so this reading is not kept")
    else:
        reading = await _store_reading(store, blueprint, note)
    async with (
        database.dedicated(single_transaction=True) as session,
        session.connection.transaction(readonly=True),
    ):
        past = await readings.stored_readings(session, name) if status.store.phase else []
        if reading is None:
            reading = await readings.take_reading(session, name, blueprint)
        past = [*(r for r in past if r.taken_at < reading.taken_at), reading]
    situation = Situation(
        store=status.store.name,
        phase=status.store.phase or "initial",
        late=_is_late(status.store.late.lists, reading.school_is, blueprint),
        growth=status.growth_state,
        air=tuple(r.name for r in status.indexes if r.role in ("duplicate", "invalid")),
        missing=status.missing if status.store.has_grown else (),
        fits=status.store.phase is not None or reading.fits >= readings.FITS,
        altered=tuple(str(finding) for finding in status.store.altered if finding.is_wrong),
        grown_with=status.store.grown_with,
        overdue=status.store.late.lag if status.store.late.is_overdue else 0.0,
    )
    return advice.advise(past, situation, thresholds)


def _is_late(lists: Collection[str], key: str | None, blueprint: Blueprint) -> bool:
    """Return whether one of the late lists has this key."""
    return any(blueprint.patterns[name].key == key for name in lists if name in blueprint.patterns)


async def _store_reading(
    store: Store, blueprint: Blueprint, note: Callable[[str], None]
) -> Reading | None:
    """Take a reading and store it. Return None where the last one is recent, or none can be
    stored."""
    try:
        return await readings.store_reading(store.database, store.table, blueprint)
    except (asyncpg.UndefinedTableError, asyncpg.ReadOnlySQLTransactionError) as e:
        note(f"this reading is not kept ({e})")
        return None


@asynccontextmanager
async def _errors(database: Database) -> AsyncIterator[None]:
    """Raise the errors of the database as OutgrowErrors."""
    try:
        async with explained(database):
            yield
    except BrokenPipeError:
        raise  # of a `progress` that prints: its reader has gone
    except OF_THE_DATABASE as e:
        raise failure(e) from e
