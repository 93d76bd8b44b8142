"""The one way in which a growth takes a lock that others would notice.

A session that waits for a strong lock makes all later sessions wait, readers too, for as long as it
waits itself. So a growth first looks whether a transaction holds the table for longer than an
instant, and waits for its end without asking for the lock. Then it asks for the lock, for 50 ms.
If that was too short, it lets everybody pass and tries again. Where short transactions overlap all
the time there is no free moment, so an instant becomes longer the longer they have kept the growth
waiting, up to 300 ms.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from outgrow import layout
from outgrow.db.pool import RETRIED, Session
from outgrow.growth import catalog
from outgrow.growth.context import StepContext, Target
from outgrow.queries import load, together
from outgrow.schema import install

Mode = Literal["ShareRowExclusiveLock", "AccessExclusiveLock"]

INSTANT = 0.05  # seconds between two looks: a lock that is in both is held for longer
LONGEST_INSTANT = 0.3  # seconds
STARVED = 5.0  # seconds after which an instant is twice as long
LONG = 1.0  # seconds; a transaction that lasts longer is waited for, and is no reason to ask longer
LONGEST_PAUSE = 1.0
BRIEF = (
    "asked for when nobody holds it for long, given up after 50 ms (300 where short transactions "
    "overlap all the time), and tried again"
)


class _Patience:
    """How many seconds a lock is waited for, and how many a transaction may last before it is
    waited for first. They become more the longer short transactions have been in the way."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        doublings = (time.monotonic() - self._since) // STARVED
        return float(min(INSTANT * 2**doublings, LONGEST_INSTANT))


async def short_lock(
    context: StepContext,
    oids: Callable[[Session], Awaitable[Sequence[int]]],
    mode: Mode,
    body: Callable[[Session], Awaitable[None]],
) -> None:
    """Run `body` in a transaction that gives way when it has to wait longer than an instant for a
    lock, as often as it takes. `oids` returns what `body` will lock in `mode`; holders of locks on
    these are reported to the watcher. Others wait for an instant at most, and as long as `body`
    needs once it has the lock."""

    async def until_free(patience: _Patience) -> None:
        await _until_free(context, await oids(context.session), mode, patience)

    await briefly(context, body, until_free)


async def briefly(
    context: StepContext,
    body: Callable[[Session], Awaitable[None]],
    first: Callable[[_Patience], Awaitable[None]] | None = None,
) -> None:
    """Run `body` in a transaction that gives way when it has to wait longer than an instant for a
    lock, as often as it takes, each time after `first`. Others queue behind a waiting session."""
    pause = INSTANT
    patience = _Patience()
    while True:
        if first is not None:
            await first(patience)
        try:
            async with context.session.connection.transaction():
                await context.session.run(load("grow")["brief"], f"{patience.seconds * 1000:.0f}ms")
                await body(context.session)
        except RETRIED as e:
            context.waiting(f"gave way to others, and tries again ({e})")
        else:
            context.waiting("")
            return
        await context.pace()
        await asyncio.sleep(random.uniform(INSTANT, pause))  # noqa: S311
        pause = min(2 * pause, LONGEST_PAUSE)


async def install_sync_triggers(
    session: Session, target: Target, made: layout.mirror.SyncTriggers
) -> None:
    """Give the store these triggers, from the end of the transaction on. What needs no lock comes
    first: the store is locked for the triggers alone."""
    for query in made.functions:
        await session.run(query)
    if made.functions:
        await install.close(session, target.blueprint)
    await lock_store(session, target.store.name, everybody=made.locks_readers)
    await session.run(together("grow.sync_triggers", made.triggers))


async def lock_store(session: Session, store: str, everybody: bool) -> None:
    """Lock the store against writers, or against readers too where `everybody`. Only for the
    transaction of a `short_lock`."""
    sql = load("grow")
    for query in sql["vacuum_gives_way"], sql["lock_all" if everybody else "lock_writers"]:
        await session.run(query.with_identifiers(store=store))


async def _until_free(
    context: StepContext, oids: Sequence[int], mode: Mode, patience: _Patience
) -> None:
    query = load("grow")["in_the_way"]
    before: set[str] = set()
    while True:
        rows = await context.session.rows(query, list(oids), mode)
        lasting = [row for row in rows if row["taken"] in before]
        if not rows or (before and not lasting):
            return
        if lasting:
            context.waiting(f"waits for {catalog.describe_blocker(lasting[0])}, which holds a lock")
            await context.pace()
        if any((row["age"] or 0) > LONG for row in lasting):
            patience.reset()
        before = {row["taken"] for row in rows}
        await asyncio.sleep(patience.seconds)
