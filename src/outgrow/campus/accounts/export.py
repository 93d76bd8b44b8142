"""Export: everything about oneself as one JSON document, in pieces.

Each batch is a statement of its own, and no connection is held between two: a reader who takes an
hour keeps nobody waiting. So the document is no snapshot; what changes meanwhile may be in it as it
was or as it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from outgrow import queries
from outgrow.campus.accounts.accounts import account_gone
from outgrow.db.pool import Database
from outgrow.queries import Query

SQL = queries.load("export")

BATCH = 200  # rows; of messages some 100 kB
_LISTS = ("connections", "intros", "blocks", "reports")


class Export:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, user_id: str) -> AsyncIterator[bytes]:
        """The document's bytes. Raises NotSignedIn before the first when there is no account."""
        about: bytes | None = await self._database.value(SQL["about"], user_id)
        if about is None:
            raise account_gone()
        yield about[:-1]
        for name in _LISTS:
            yield b',"%b":[' % name.encode("ascii")
            first = True
            async for rows in self._batches(SQL[name], user_id):
                if lines := [line for line, _ in rows if line]:
                    yield (b"" if first else b",") + b",".join(lines)
                    first = False
            yield b"]"
        yield b',"chats":['
        async for piece in self._chats(user_id):
            yield piece
        yield b"]}"

    async def _chats(self, user_id: str) -> AsyncIterator[bytes]:
        before = b""
        async for chats in self._batches(SQL["chats"], user_id):
            for chat, chat_id in chats:
                yield before + chat + b',"messages":['
                before = b""
                async for messages in self._batches(SQL["messages"], chat_id):
                    yield before + b",".join(line for line, _ in messages)
                    before = b","
                yield b"]}"
                before = b","

    async def _batches(self, query: Query, of: str) -> AsyncIterator[list[tuple[bytes, str]]]:
        """The rows of a list, each as JSON with its key, BATCH at a time; who is left out is
        an empty line."""
        after: str | None = None
        while True:
            rows = await self._database.rows(query, of, after, BATCH)
            if rows:
                yield [((row["line"] or "").encode("utf-8"), row["last"]) for row in rows]
            if len(rows) < BATCH:
                return
            after = rows[-1]["last"]
