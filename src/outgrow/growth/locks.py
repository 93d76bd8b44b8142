"""The one way in which a growth takes a lock that others would notice.

Whoever waits for a strong lock makes everybody wait who comes later, readers too, for as long as it
waits. So: look first whether a transaction holds the table for longer than an instant, and wait for
it without asking for the lock; then ask for it, for 50 ms; when that was too short, let everybody
pass, and try again. Where short transactions overlap all the time there is no such moment, so what
is an instant grows with the seconds that they kept us waiting, up to 300 ms.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Literal

from outgrow import install, layout
from outgrow.blueprint import Blueprint
from outgrow.database import RETRIED, Session
from outgrow.growth import catalogue
from outgrow.growth.work import Work
from outgrow.queries import load, together

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
MADE_BEFORE = re.compile(r"CREATE OR \w+ FUNCTION ")  # begins what needs no lock of the store


class _Patience:
    """How long a lock is waited for, and how long a transaction may last that is not waited for
    first: seconds, more of them the longer short transactions have been in the way."""

    def __init__(self) -> None:
        self.anew()

    def anew(self) -> None:
        self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        doublings = (time.monotonic() - self._since) // STARVED
        return float(min(INSTANT * 2**doublings, LONGEST_INSTANT))


async def short_lock(
    work: Work,
    oids: Callable[[Session], Awaitable[Sequence[int]]],
    mode: Mode,
    body: Callable[[Session], Awaitable[None]],
) -> None:
    """Run `body` in a transaction that gives way when it must wait longer than an instant for a
    lock, as often as it takes. `oids` are what `body` will lock in `mode`; who holds one is told to
    the watcher. Others wait for us that long, and as long as `body` needs once it has the lock."""

    async def until_free(patience: _Patience) -> None:
        await _until_free(work, await oids(work.session), mode, patience)

    await briefly(work, body, until_free)


async def briefly(
    work: Work,
    body: Callable[[Session], Awaitable[None]],
    first: Callable[[_Patience], Awaitable[None]] | None = None,
) -> None:
    """Run `body` in a transaction that gives way when it must wait longer than an instant for a
    lock, as often as it takes, each time after `first`: others queue behind whoever waits."""
    pause = INSTANT
    patience = _Patience()
    while True:
        if first is not None:
            await first(patience)
        try:
            async with work.session.connection.transaction():
                await work.session.run(load("grow")["brief"], f"{patience.seconds * 1000:.0f}ms")
                await body(work.session)
        except RETRIED as e:
            work.waiting(f"gave way to others, and tries again ({e})")
        else:
            work.waiting("")
            return
        await work.pace()
        await asyncio.sleep(random.uniform(INSTANT, pause))  # noqa: S311
        pause = min(2 * pause, LONGEST_PAUSE)


async def follow(
    session: Session, blueprint: Blueprint, store: tuple[str, str], kept: Collection[str]
) -> None:
    """Have the store's triggers keep exactly these tables, from the end of the transaction on. What
    needs no lock is done first: that of the store is held for the triggers alone."""
    queries = layout.shadow.follow(blueprint, kept, *store)
    if kept:
        functions = [q for q in queries if MADE_BEFORE.match(q.sql)]
        queries = [q for q in queries if q not in functions]
        for query in functions:
            await session.run(query)
        await install.close(session, blueprint)
    await lock_store(session, ".".join(store), everybody=not kept)
    await session.run(together("grow.follow", queries))


async def lock_store(session: Session, store: str, everybody: bool) -> None:
    """Within the transaction of a `short_lock`: against writers, or against readers too."""
    sql = load("grow")
    for query in sql["vacuum_gives_way"], sql["lock_all" if everybody else "lock_writers"]:
        await session.run(query.with_identifiers(store=store))


async def _until_free(work: Work, oids: Sequence[int], mode: Mode, patience: _Patience) -> None:
    query = load("grow")["in_the_way"]
    before: set[str] = set()
    while True:
        rows = await work.session.rows(query, list(oids), mode)
        lasting = [row for row in rows if row["taken"] in before]
        if not rows or (before and not lasting):
            return
        if lasting:
            work.waiting(f"waits for {catalogue.waiting_for(lasting[0])}, which holds a lock")
            await work.pace()
        if any((row["age"] or 0) > LONG for row in lasting):
            patience.anew()
        before = {row["taken"] for row in rows}
        await asyncio.sleep(patience.seconds)
