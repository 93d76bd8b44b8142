"""Folds the notes about late lists into the lists of the store, and says how late these are.

One transaction for each list and batch of its notes: it locks the list, reads the notes in a new
statement, deletes them and writes the list. So it holds the lock of no second key, the deletion and
the list are one, and processes that fold at the same time wait for each other. What a note says is
done only where its source still says so (docs/decisions/0030).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from outgrow.db.named import hold, may_be_superuser
from outgrow.db.pool import GONE, Database, Session, Statements
from outgrow.errors import Busy, GrowthFailed, OutgrowError
from outgrow.queries import Query, load
from outgrow.schema import memory
from outgrow.schema.owner import refuse_superuser

log = logging.getLogger("outgrow.late_lists")

SQL = load("late_lists")

BATCH = 1_000  # notes of one list that one transaction folds: each id taken out costs the list
IDLE_SECONDS = 1.0  # between two looks whether lists have become late


@dataclass(frozen=True, slots=True)
class Late:
    """What is late of a blueprint: `lists` with their bounds in seconds. `asked` is what `grow
    --late-lists` asked for last, or None. `notes` wait to be folded, the first for `lag`
    seconds."""

    lists: Mapping[str, int] = field(default_factory=dict)
    asked: int | None = None
    notes: int = 0
    lag: float = 0.0

    def as_dict(self) -> dict[str, Any] | None:
        """Return what `outgrow status` says, None where nothing is late."""
        if not self.lists and not self.notes:
            return None
        return {"lists": dict(self.lists), "notes": self.notes, "lag_seconds": round(self.lag, 3)}


async def read(session: Statements, name: str) -> Late:
    """Read what is late of the blueprint `name`."""
    if not await session.value(SQL["exist"]):
        return Late()
    lists = {row["list"]: row["seconds"] for row in await session.rows(SQL["lists"], name)}
    notes, lag = await read_lag(session, name)
    return Late(lists, await session.value(SQL["asked"], name), notes, lag)


async def read_lag(session: Statements, name: str | None = None) -> tuple[int, float]:
    """Return how many notes wait, of all blueprints unless one is named, and the seconds for which
    the first of them has."""
    if not await session.value(SQL["exist"]):
        return 0, 0.0
    row = await session.row(SQL["lag"], name)
    assert row is not None
    return row["notes"], row["seconds"] or 0.0


# -- folding


@dataclass(slots=True)
class Folded:
    """How many notes were folded into how many lists, and the lists that could not be written, each
    with the reason. Their notes wait."""

    notes: int = 0
    lists: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def raise_failed(self) -> None:
        """Raise GrowthFailed (not_folded) where a list could not be written."""
        if not self.failed:
            return
        key, reason = next(iter(self.failed.items()))
        others = f" and {len(self.failed) - 1:,} more" if len(self.failed) > 1 else ""
        raise GrowthFailed(
            "not_folded",
            f"the list {key}{others} could not be brought up to date",
            detail=reason,
            hint="mend what keeps the store from being written, and type: outgrow fold",
        )


async def fold(database: Database, seconds: float = 0.0) -> Folded:
    """Fold all notes that are there now, of all blueprints, about lists whose first note has waited
    for so many seconds. Raises Refused where this connection may not write to the store."""
    folded = Folded()
    if not await database.value(SQL["exist"]):
        return folded
    layouts = await memory.layouts(database)  # refuses strangers, whose views could be read here
    stores = {row["name"]: row["now"] for row in layouts}
    upto = await database.value(SQL["last"])
    if upto is None:
        return folded
    while True:
        rows = await database.rows(SQL["due"], upto, seconds)
        due = [(row["name"], row["key"]) for row in rows if row["key"] not in folded.failed]
        if not due:
            return folded
        for name, key in due:
            await _fold_one(database, name, stores.get(name), key, folded)


async def _fold_one(
    database: Database, name: str, store: str | None, key: str, folded: Folded
) -> None:
    if store is None:
        folded.failed[key] = f"the store of {name} is not there"
        return

    async def work(session: Session) -> int:
        await session.run(SQL["read_committed"])
        await session.run(SQL["begin"])
        return await fold_list(session, name, store, key)

    try:
        notes = await database.transaction(work)
    except GONE:
        raise
    except (Busy, asyncpg.PostgresError) as e:
        folded.failed[key] = str(e)
        log.warning("the list %s could not be brought up to date, and is tried again: %s", key, e)
    else:
        folded.notes += notes
        folded.lists += notes > 0


async def fold_first(database: Database) -> str:
    """Fold before something reads or ends the store; return what to say where lists stay late, or
    "". Fails for nobody who may only read."""
    try:
        folded = await fold(database)
    except (asyncpg.InsufficientPrivilegeError, OutgrowError) as e:
        log.debug("late lists could not be folded: %s", e)
        return ""
    if not folded.failed:
        return ""
    key, reason = next(iter(folded.failed.items()))
    return f"{len(folded.failed):,} derived lists are not up to date, as {key}: {reason}"


async def fold_list(session: Session, name: str, store: str, key: str) -> int:
    """Fold up to BATCH notes into one list, and return how many. Locks the list to the end of the
    transaction, which must be at READ COMMITTED."""
    if may_be_superuser(session):
        await hold(session, store, to_write=True)
        await refuse_superuser(session, *memory.split(store))
    lock = SQL["lock"].with_identifiers(store=store)
    while await session.value(lock, key) is None:
        if not await session.value(SQL["adds"], name, key):
            break
        await session.run(SQL["make"].with_identifiers(store=store), key)
        if await session.value(lock, key) is None:
            raise Busy("too_contended", f"the store does not keep what is written under {key}")
    asks = await session.value(SQL["asks"], name)
    return int(await session.value(_fold(name, store, asks), name, key, BATCH))


def _fold(name: str, store: str, asks: bool) -> Query:
    query = SQL["fold"].given(asks=asks)
    return query.with_identifiers(store=store, derived_lists=f"{name}.derived_lists")


async def fold_all(session: Session, name: str, store: str) -> int:
    """Fold all notes of a blueprint in the caller's transaction, in the order of the keys; return
    how many. For who keeps away whoever could add some. Raises what the server says of a list that
    cannot be written."""
    rows = await session.rows(SQL["due"], 2**63 - 1, 0.0)
    notes = 0
    for key in sorted(row["key"] for row in rows if row["name"] == name):
        while done := await fold_list(session, name, store, key):
            notes += done
    return notes


# -- the job


async def keep_folding(database: Database) -> None:
    """Fold what has waited for half of its bound, until cancelled. Several processes may: a list
    that one has folded is not due for the others."""
    while True:
        try:
            pause = await _fold_due(database)
        except (*GONE, asyncpg.PostgresError, OutgrowError) as e:
            log.warning("late lists could not be folded, and are tried again: %s", e)
            pause = IDLE_SECONDS
        await asyncio.sleep(pause)


async def _fold_due(database: Database) -> float:
    """Return the seconds until the next look."""
    if not await database.value(SQL["exist"]):
        return IDLE_SECONDS
    row = await database.row(SQL["bound"])
    assert row is not None
    bound = row["seconds"] or 0
    if row["waits"]:
        await fold(database, bound / 2)
    return min(max(bound / 8, 0.1), IDLE_SECONDS) if bound else IDLE_SECONDS
