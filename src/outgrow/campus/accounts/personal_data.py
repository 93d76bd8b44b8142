"""Personal data: exporting all that the campus has about one person, and deleting it.

An export is one JSON document, in pieces. Each batch is a statement of its own, and no connection
is held between two: a reader who takes an hour keeps nobody waiting. So the document is no
snapshot; what changes during the export may be in it as it was or as it is.

A deletion leaves what others need, without a name; everything else goes. First, in one transaction,
the account, its sessions and its profile go, and a row in network.deletions says that there is more
to do: from then on nobody sees them, and nobody signs in. The rest goes in batches, each a
transaction in the one order of locks: pairs, keys, statements. A pass looks for what is left and
deletes it, so it can be cut off anywhere and begun again, by any process; `resume` does that for
all.

Another person's transaction, or a token that another process still accepts, may write something
about them behind the first pass. So there is a second one AGAIN_SECONDS after the mark, when
neither can; only then the row goes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from outgrow import events, queries
from outgrow.campus.accounts.accounts import Accounts, account_gone
from outgrow.campus.background import Background
from outgrow.campus.people.connections import lock_pair
from outgrow.campus.people.intros import IntroId, id_columns
from outgrow.db.pool import Database, Session
from outgrow.queries import Query

EXPORT = queries.load("export")

EXPORT_BATCH = 200  # rows; of messages some 100 kB
_LISTS = ("connections", "intros", "blocks", "reports")


class Export:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def document(self, user_id: str) -> AsyncIterator[bytes]:
        """Yield the document's bytes. Raises NotSignedIn, before any, without an account."""
        about: bytes | None = await self._database.value(EXPORT["about"], user_id)
        if about is None:
            raise account_gone()
        yield about[:-1]
        for name in _LISTS:
            yield b',"%b":[' % name.encode("ascii")
            first = True
            async for rows in self._batches(EXPORT[name], user_id):
                if items := [item for item, _ in rows if item]:
                    yield (b"" if first else b",") + b",".join(items)
                    first = False
            yield b"]"
        yield b',"chats":['
        async for piece in self._chats(user_id):
            yield piece
        yield b"]}"

    async def _chats(self, user_id: str) -> AsyncIterator[bytes]:
        before = b""
        async for chats in self._batches(EXPORT["chats"], user_id):
            for chat, chat_id in chats:
                yield before + chat + b',"messages":['
                before = b""
                async for messages in self._batches(EXPORT["messages"], chat_id):
                    yield before + b",".join(line for line, _ in messages)
                    before = b","
                yield b"]}"
                before = b","

    async def _batches(self, query: Query, of: str) -> AsyncIterator[list[tuple[bytes, str]]]:
        """Yield the rows of a list, each as JSON with its key, in batches. A row that is left out
        is empty."""
        after: str | None = None
        while True:
            rows = await self._database.rows(query, of, after, EXPORT_BATCH)
            if rows:
                yield [((row["line"] or "").encode("utf-8"), row["last"]) for row in rows]
            if len(rows) < EXPORT_BATCH:
                return
            after = rows[-1]["last"]


DELETION = queries.load("deletion")
CODES = queries.load("codes")

DELETION_BATCH = 50  # connections, intros or messages in one transaction
AGAIN_SECONDS = 1200  # more than an access token lives


class Deletions:
    def __init__(self, database: Database, accounts: Accounts) -> None:
        self._database = database
        self._accounts = accounts
        self.background = Background("a deletion was cut short, and will be resumed")

    async def delete(self, user_id: str, password: str) -> None:
        """Delete the account, its sessions and the profile, and start with the rest. Raises
        Forbidden when the password is wrong, NotSignedIn when there is no account."""
        await self._accounts.own_password(user_id, password)

        async def work(session: Session) -> list[str]:
            await session.run(DELETION["mark"], user_id)
            ended = [row["id"] for row in await session.rows(DELETION["sessions"], user_id)]
            key = await session.value(DELETION["account"], user_id)
            if key is not None:
                await session.run(CODES["drop"], key)
                await session.run(CODES["drop_resets"], key)
            await session.run(DELETION["profile"], user_id)
            return ended

        ended = await self._database.transaction(work)
        self._accounts.sessions.end(ended)
        events.event("account_deleted", account=user_id, count=len(ended))
        self.background.start(self.finish(user_id))

    async def resume(self) -> None:
        """Continue every deletion that is due."""
        for row in await self._database.rows(DELETION["open"], AGAIN_SECONDS):
            await self.finish(row["user_id"])

    async def finish(self, user_id: str) -> None:
        """Run one pass over everything that is left of a person."""
        await self._run_block("profile", user_id)
        await self._run_batches(_disconnect, user_id, "connected")
        await self._run_batches(_disconnect, user_id, "connected_by")
        await self._run_batches(_delete_intros, user_id)
        for block in ("take_closed", "take_blocks", "take_marks", "take_sent", "forget_reporter"):
            await self._run_block(block, user_id)
        await self._delete_chats(user_id)
        await self._run_block("swept", user_id)
        await self._run_block("done", user_id, AGAIN_SECONDS)

    async def _delete_chats(self, user_id: str) -> None:
        """Delete chats in which nobody is left, with their messages, the last ones first."""
        while chats := await self._database.rows(DELETION["empty_chats"], user_id, DELETION_BATCH):
            for chat in chats:
                while (
                    await self._run_block("take_messages", chat["id"], DELETION_BATCH) != "DELETE 0"
                ):
                    pass
                await self._run_block("take_chat", chat["id"])
                await self._run_block("take_trimmed", chat["id"])

    async def _run_batches(self, batch: Callable[..., Awaitable[bool]], *args: str) -> None:
        """Run batch after batch, each in its transaction, until none is left."""

        async def work(session: Session) -> bool:
            return await batch(session, *args)

        while await self._database.transaction(work):
            pass

    async def _run_block(self, block: str, *args: object) -> str:
        async def work(session: Session) -> str:
            return await session.run(DELETION[block], *args)

        return await self._database.transaction(work)


async def _disconnect(session: Session, user_id: str, block: str) -> bool:
    """Delete a batch of connections on both sides, and return whether there were any."""
    rows = await session.rows(DELETION[block], user_id, DELETION_BATCH)
    others = sorted({row["other"] for row in rows})
    for other in others:
        await lock_pair(session, user_id, other)
    if others:
        await session.run(DELETION["lock_connections"], user_id, others)
        await session.run(DELETION["disconnect"], user_id, others)
        await session.run(DELETION["disconnect_others"], user_id, others)
    return bool(others)


async def _delete_intros(session: Session, user_id: str) -> bool:
    """Delete a batch of intros, both ways, and return whether there were any."""
    rows = await session.rows(DELETION["intros"], user_id, DELETION_BATCH)
    for other in sorted({row["from_id"] for row in rows} | {row["to_id"] for row in rows}):
        await lock_pair(session, user_id, other)
    if rows:
        parts = id_columns([IntroId.from_row(row) for row in rows])
        await session.run(DELETION["lock_intros"], *parts)
        await session.run(DELETION["take_intros"], *parts)
    return bool(rows)
