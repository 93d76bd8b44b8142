"""Deletion of one's account: what others need stays, without a name; everything else goes.

First, in one transaction, the account, its sessions and its profile go, and a row in
network.deletions says that there is more to do: from then on nobody sees them, and nobody signs in.
The rest goes in batches, each a transaction in the one order of locks: pairs, keys, statements. A
pass looks for what is left and takes it, so it can be cut off anywhere and begun again, by any
process; `resume` does that for all.

Somebody else's transaction, or a token of theirs that another process still takes, may write
something about them behind the first pass. So there is a second one AGAIN_SECONDS after the mark,
when neither can be; only then the row goes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from outgrow import events, queries
from outgrow.campus.accounts.accounts import Accounts
from outgrow.campus.background import Background
from outgrow.campus.people.pairs import lock_pair
from outgrow.db.pool import Database, Session

SQL = queries.load("deletion")
CODES = queries.load("codes")

BATCH = 50  # connections, intros or messages in one transaction
AGAIN_SECONDS = 1200  # more than an access token lives


class Deletions:
    def __init__(self, database: Database, accounts: Accounts) -> None:
        self._database = database
        self._accounts = accounts
        self.background = Background("a deletion was cut short, and will be resumed")

    async def delete(self, user_id: str, password: str) -> None:
        """Take the account, its sessions and the profile away, and begin with the rest. Raises
        Forbidden when the password is wrong, NotSignedIn when there is no account."""
        await self._accounts.own_password(user_id, password)

        async def work(session: Session) -> list[str]:
            await session.run(SQL["mark"], user_id)
            ended = [row["id"] for row in await session.rows(SQL["sessions"], user_id)]
            key = await session.value(SQL["account"], user_id)
            if key is not None:
                await session.run(CODES["drop"], key)
                await session.run(CODES["drop_resets"], key)
            await session.run(SQL["profile"], user_id)
            return ended

        ended = await self._database.transaction(work)
        self._accounts.sessions.end(ended)
        events.event("account_deleted", account=user_id, count=len(ended))
        self.background.start(self.finish(user_id))

    async def resume(self) -> None:
        """Go on with every deletion that is due."""
        for row in await self._database.rows(SQL["open"], AGAIN_SECONDS):
            await self.finish(row["user_id"])

    async def finish(self, user_id: str) -> None:
        """One pass over everything that is left of somebody."""
        await self._say("profile", user_id)
        await self._all(_disconnect, user_id, "connected")
        await self._all(_disconnect, user_id, "connected_by")
        await self._all(_take_intros, user_id)
        for block in ("take_closed", "take_blocks", "take_marks", "take_sent", "forget_reporter"):
            await self._say(block, user_id)
        await self._take_chats(user_id)
        await self._say("swept", user_id)
        await self._say("done", user_id, AGAIN_SECONDS)

    async def _take_chats(self, user_id: str) -> None:
        """Chats in which nobody is left, with their messages, the last ones first."""
        while chats := await self._database.rows(SQL["empty_chats"], user_id, BATCH):
            for chat in chats:
                while await self._say("take_messages", chat["id"], BATCH) != "DELETE 0":
                    pass
                await self._say("take_chat", chat["id"])
                await self._say("take_trimmed", chat["id"])

    async def _all(self, batch: Callable[..., Awaitable[bool]], *args: str) -> None:
        """Batch after batch, each in its transaction, until there is none."""

        async def work(session: Session) -> bool:
            return await batch(session, *args)

        while await self._database.transaction(work):
            pass

    async def _say(self, block: str, *args: object) -> str:
        async def work(session: Session) -> str:
            return await session.run(SQL[block], *args)

        return await self._database.transaction(work)


async def _disconnect(session: Session, user_id: str, block: str) -> bool:
    """A batch of connections on both sides; whether there were any."""
    rows = await session.rows(SQL[block], user_id, BATCH)
    others = sorted({row["other"] for row in rows})
    for other in others:
        await lock_pair(session, user_id, other)
    if others:
        await session.run(SQL["lock_connections"], user_id, others)
        await session.run(SQL["disconnect"], user_id, others)
        await session.run(SQL["disconnect_others"], user_id, others)
    return bool(others)


async def _take_intros(session: Session, user_id: str) -> bool:
    """A batch of intros, both ways; whether there were any."""
    rows = await session.rows(SQL["intros"], user_id, BATCH)
    for other in sorted({row["from_id"] for row in rows} | {row["to_id"] for row in rows}):
        await lock_pair(session, user_id, other)
    if rows:
        parts = [[row[place] for row in rows] for place in range(3)]
        await session.run(SQL["lock_intros"], *parts)
        await session.run(SQL["take_intros"], *parts)
    return bool(rows)
