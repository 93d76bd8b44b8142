"""What does not stay for ever: keys of sent messages, and old messages where an operator says so.

Runs beside the server, once a day. Messages go from the beginning of a chat, all that are old in
one write of its list, under the chat's lock, with a pause between chats.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from outgrow import queries
from outgrow.campus.background import FAILED
from outgrow.campus.messaging.chats import KEY_DAYS
from outgrow.db.pool import Database, Session

SQL = queries.load("retention")

log = logging.getLogger("outgrow.retention")

EVERY_SECONDS = 86_400
AGAIN_SECONDS = 600  # after it failed
PAUSE_SECONDS = 0.05


async def keep(database: Database, days: int | None) -> None:
    """Take away what is old, again and again, until cancelled."""
    while True:
        wait = EVERY_SECONDS
        try:
            await forget_keys(database)
            if days is not None:
                await trim(database, datetime.now(UTC) - timedelta(days=days))
        except FAILED as e:
            log.warning("old messages stay for now: %s", e)
            wait = AGAIN_SECONDS
        await asyncio.sleep(wait)


async def forget_keys(database: Database) -> None:
    tag = ""
    while tag != "DELETE 0":
        await asyncio.sleep(PAUSE_SECONDS)
        tag = await database.run(SQL["forget_keys"], KEY_DAYS)


async def trim(database: Database, before: datetime, pause: float = PAUSE_SECONDS) -> int:
    """Remove messages sent before that time; how many chats it found them in. A young message, and
    what stands behind one, stays."""
    seen: set[str] = set()
    stuck: list[str] = []  # an old message behind a young one
    while rows := await database.rows(SQL["with_old"], before, stuck):
        for row in rows:
            if row["chat_id"] in seen:
                stuck.append(row["chat_id"])
            else:
                await _trim_chat(database, row["chat_id"], before, pause)
                seen.add(row["chat_id"])
    return len(seen)


async def _trim_chat(database: Database, chat_id: str, before: datetime, pause: float) -> None:
    async def work(session: Session) -> None:
        await session.run(SQL["lock"], chat_id)
        await session.row(SQL["trim"], chat_id, before)

    await asyncio.sleep(pause)
    await database.transaction(work)
