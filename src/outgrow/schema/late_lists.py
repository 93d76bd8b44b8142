"""Folds the notes about late lists into the lists of the store, and says how late these are.

A transaction locks a list, reads its notes in a new statement, deletes them and writes the list:
the deletion and the list are one, and processes that fold at the same time wait for each other. It
takes many small lists at a time, in the order of their keys, but none that somebody has locked.
While it waits for a list it holds no other. What a note says is done only where its source still
says so (docs/decisions/0030).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg

from outgrow.db.named import hold, may_be_superuser
from outgrow.db.pool import GONE, Database, Session, Statements
from outgrow.errors import Busy, GrowthFailed, OutgrowError
from outgrow.queries import Query, load
from outgrow.schema import memory
from outgrow.schema.owner import refuse_superuser

T = TypeVar("T")

log = logging.getLogger("outgrow.late_lists")

SQL = load("late_lists")

BATCH = 1_000  # notes that one transaction folds: each id taken out costs the list
TOGETHER = 100  # lists that one transaction writes
SMALL = 64_000  # bytes of a list, as it is stored, that is written together with others
WAITED = 0.75  # of its bound, before the job folds a list; it looks eight times within a bound
PATIENCE = 15.0, 1.0  # seconds of waiting for lists that others have locked, of all of them
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

    @property
    def is_overdue(self) -> bool:
        """Whether nobody folds in time: a list is never later than twice its bound otherwise."""
        return self.notes > 0 and self.lag > 2 * max(self.lists.values(), default=0)

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


async def fold(database: Database, seconds: float = 0.0, *, patient: bool = True) -> Folded:
    """Fold all notes that are there now, of all blueprints, about lists whose first note has waited
    for so many seconds. For lists that somebody has locked it waits 15 seconds altogether, and
    unless it is `patient`, one. Raises Refused where this connection may not write to the store."""
    folded = Folded()
    if not await database.value(SQL["exist"]):
        return folded
    layouts = await memory.layouts(database)  # refuses strangers, whose views could be read here
    stores = {row["name"]: row["now"] for row in layouts}
    upto = await database.value(SQL["last"])
    if upto is None:
        return folded
    patience = _Patience(patient, PATIENCE[0 if patient else 1])
    while True:
        due: dict[str, list[str]] = {}
        for name, key in await database.rows(SQL["due"], upto, seconds):
            if key not in folded.failed:
                due.setdefault(name, []).append(key)
        if not due:
            return folded
        for name, keys in due.items():
            if (store := stores.get(name)) is None:
                folded.failed.update(dict.fromkeys(keys, f"the store of {name} is not there"))
            else:
                await _Folder(database, name, store, patience, folded).fold(keys)


@dataclass(slots=True)
class _Patience:
    """How long a fold waits for what others have locked: `left` seconds in all, so that lists that
    are locked for long hold up neither each other nor the rest."""

    patient: bool
    left: float

    @property
    def tries(self) -> bool:
        """Whether a lock that could not be had is asked for again."""
        return self.patient and self.left > 0

    @property
    def lock_timeout(self) -> str:
        if self.left <= 0:
            return "1ms"
        return "1s" if self.patient else "100ms"


@dataclass(frozen=True, slots=True)
class _Folder:
    """Folds notes of one blueprint."""

    database: Database
    name: str
    store: str
    patience: _Patience
    folded: Folded

    async def fold(self, keys: list[str]) -> None:
        """Fold small lists many at a time. Then, one by one, those that somebody has locked or that
        cannot be written together, and last the large ones, which take long."""
        if reason := await self._unreachable():
            self.folded.failed.update(dict.fromkeys(keys, reason))
            return
        left: list[str] = []
        large: list[str] = []
        for start in range(0, len(keys), TOGETHER):
            batch = keys[start : start + TOGETHER]
            sizes = await self.database.rows(self._sql("sizes"), batch)
            small = {row["key"] for row in sizes if row["bytes"] <= SMALL}
            done = await self._fold_together(sorted(small)) if len(small) > 1 else set()
            left += [key for key in batch if key in small - done]
            large += [key for key in batch if key not in small]
        for key in (*left, *large):
            await self._fold_one(key)

    async def _unreachable(self) -> str:
        """Return why no list can be written now, or ""."""

        async def work(session: Session) -> None:
            await self._begin(session, self.patience.lock_timeout)
            await session.run(self._sql("reach"))

        return (await self._try(work, again=self.patience.tries))[1]

    async def _fold_together(self, keys: list[str]) -> set[str]:
        """Return the lists whose notes were folded, perhaps not all of them."""

        async def work(session: Session) -> tuple[list[str], int]:
            # While it waits for a list that somebody makes it holds those that it has made. So it
            # gives up before PostgreSQL looks for a deadlock (after a second) and ends the other.
            await self._begin(session, "50ms")
            await _check(session, self.store)
            await session.run(self._sql("make"), self.name, keys)
            rows = await session.rows(self._sql("lock_free"), keys)
            free = [row["key"] for row in rows]
            return free, await _fold(session, self.name, self.store, free)

        done, reason = await self._try(work, again=False)
        if done is None:
            log.debug("lists are folded one by one: %s", reason)
            return set()
        free, notes = done
        self.folded.notes += notes
        self.folded.lists += len(free)
        return set(free)

    async def _fold_one(self, key: str) -> None:
        async def work(session: Session) -> int:
            await self._begin(session, self.patience.lock_timeout)
            return await fold_list(session, self.name, self.store, key)

        notes, reason = await self._try(work, again=self.patience.tries)
        if notes is None:
            self.folded.failed[key] = reason
        else:
            self.folded.notes += notes
            self.folded.lists += notes > 0

    async def _try(
        self, work: Callable[[Session], Awaitable[T]], *, again: bool
    ) -> tuple[T | None, str]:
        """Run `work` in a transaction, `again` if it loses a race. Return None and the reason where
        it fails: also where its statement or connection is ended, by a timeout of the role or by an
        operator, so that one list which takes long does not hold up the others. Where the database
        is gone, the next transaction raises Unavailable."""
        begun = time.monotonic()
        try:
            if again:
                return await self.database.transaction(work), ""
            async with self.database.session() as session, session.connection.transaction():
                return await work(session), ""
        except (Busy, *GONE, asyncpg.PostgresError) as e:
            if isinstance(e, (Busy, asyncpg.LockNotAvailableError)):
                self.patience.left -= time.monotonic() - begun
            reason = e.detail or e.message if isinstance(e, Busy) else str(e)
            return None, reason or type(e).__name__

    async def _begin(self, session: Session, lock_timeout: str) -> None:
        await session.run(SQL["read_committed"])
        await session.run(SQL["begin"], lock_timeout)

    def _sql(self, block: str) -> Query:
        return SQL[block].with_identifiers(store=self.store)


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
    await _check(session, store)
    lock = SQL["lock"].with_identifiers(store=store)
    while await session.value(lock, key) is None:
        if dropped := await session.value(SQL["drop"], name, key):
            return int(dropped)
        if not await session.value(SQL["adds"], name, key):
            return 0
        await session.run(SQL["make"].with_identifiers(store=store), name, [key])
        if await session.value(lock, key) is None:
            raise Busy("too_contended", f"the store does not keep what is written under {key}")
    return await _fold(session, name, store, [key])


async def _check(session: Session, store: str) -> None:
    """See that nothing of somebody else's runs as a superuser."""
    if may_be_superuser(session):
        await hold(session, store, to_write=True)
        await refuse_superuser(session, *memory.split(store))


async def _fold(session: Session, name: str, store: str, keys: list[str]) -> int:
    query = SQL["fold"].given(asks=await session.value(SQL["asks"], name))
    query = query.with_identifiers(store=store, derived_lists=f"{name}.derived_lists")
    return int(await session.value(query, name, keys, BATCH))


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
    """Fold what has waited for most of its bound, until cancelled: to write a large list costs the
    same for one note as for a thousand. Several processes may: a list that one has folded is not
    due for the others."""
    failed: dict[str, str] = {}
    while True:
        pause = IDLE_SECONDS
        try:
            bound, waits = await _read_bound(database)
            if bound:
                pause = min(max(bound / 8, 0.1), IDLE_SECONDS)
            before, failed = failed, {}
            if waits:
                failed = (await fold(database, bound * WAITED, patient=False)).failed
        except (*GONE, asyncpg.PostgresError, OutgrowError) as e:
            before, failed = failed, {"": str(e)}
        _warn({key: reason for key, reason in failed.items() if key not in before})
        await asyncio.sleep(pause)


def _warn(failed: Mapping[str, str]) -> None:
    """Log each reason once, with the first list that could not be written for it."""
    for reason, number in Counter(failed.values()).items():
        key = next(key for key in failed if failed[key] == reason)
        what = f"the list {key}" if key else "late lists"
        if number > 1:
            what += f" and {number - 1:,} more"
        log.warning("%s could not be written, and will be: %s", what, reason)


async def _read_bound(database: Database) -> tuple[int, bool]:
    """Return the smallest bound of the lists that are late, 0 for none; and whether notes wait."""
    if not await database.value(SQL["exist"]):
        return 0, False
    row = await database.row(SQL["bound"])
    assert row is not None
    return row["seconds"] or 0, row["waits"]
