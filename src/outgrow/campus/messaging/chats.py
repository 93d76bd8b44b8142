"""Chats: their list, their messages, sending, read marks, and what is removed in time.

Only participants see a chat; for other people it does not exist. It can be read forever, and
written into by people who are connected and see each other. Messages are never changed here, and
read marks never go back.

Keys of sent messages are forgotten, and old messages are removed where an operator says so: next to
the server, once a day. Messages go from the beginning of a chat, all that are old in one write of
its list, under the chat's lock, with a pause between chats.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from outgrow import queries
from outgrow.campus import Viewer
from outgrow.campus.background import FAILED
from outgrow.campus.messaging.live import Live
from outgrow.campus.pagination import Cursors, Page, decoded
from outgrow.campus.pagination import Page as PageRequest
from outgrow.campus.people import intros
from outgrow.campus.people.connections import lock_pair
from outgrow.campus.people.intros import Intros
from outgrow.campus.people.profiles import is_blank, no_such_profile
from outgrow.db.pool import RETRIED, Database, Session, Statements
from outgrow.errors import BadInput, Conflict, Forbidden, NotFound

SQL = queries.load("chats")
SEND = SQL["send"]

LONGEST_MESSAGE = 4000  # characters
LONGEST_KEY = 200
KEY_DAYS = 7  # how long a key is remembered at least
Direction = Literal["older", "newer"]
_CLOSED = {
    "profile_hidden": (
        "your profile is hidden, and with it your chats are closed",
        'show it first: PATCH /profiles/me {"settings": {"profile_visible": true}}',
    ),
    "added_outside": (
        "another program added people to this chat with whom you are not connected",
        "they would read what is written here; write to the person you mean alone",
    ),
    "not_here": ("the other person is not here (any more)", "the chat can still be read"),
    "not_connected": (
        "the two of you are not connected",
        "ask to be introduced with POST /intros; another program may have made this chat",
    ),
    "messages_not_taken": (
        "the other person takes no messages",
        "they can allow it in their settings",
    ),
}
_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)


class NewMessage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A message to send."""

    content: Annotated[str, Meta(min_length=1, max_length=LONGEST_MESSAGE)]

    def __post_init__(self) -> None:
        if is_blank(self.content):
            raise ValueError("content is blank")


class ReadUpTo(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The `pos` of the last message that was read."""

    pos: Annotated[int, Meta(ge=-(2**53), le=2**53)]


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as JSON. `again` when its key had sent it before."""

    body: bytes
    again: bool


class Chats:
    def __init__(self, database: Database, cursors: Cursors, live: Live) -> None:
        self._database = database
        self._cursors = cursors
        self._live = live

    async def page(self, page: Page, *, viewer: Viewer) -> bytes:
        """Return the JSON of a page of the viewer's chats, by latest activity. Raises BadCursor.

        Reads the last message of each of their chats, and counts the unread messages of those
        shown.
        """
        of = ("chats", viewer.school, viewer.id)
        row = await self._database.row(
            SQL["page"].given(cursor=page.cursor),
            viewer.id,
            page.limit,
            viewer.school,
            page.offset,
            *self._cursors.open(of, page.cursor),
        )
        assert row is not None
        return self._cursors.finish(row, of)

    async def chat(self, chat_id: str, *, viewer: Viewer) -> bytes:
        """Return the JSON of a chat, as in the list. Raises NotFound."""
        body: bytes | None = await self._database.value(
            SQL["one"], viewer.id, chat_id, viewer.school
        )
        if body is None:
            raise no_such_chat()
        return body

    async def open(self, other: str, *, viewer: Viewer) -> bytes:
        """Return the JSON of the chat with a connection, and make it if there is none, as after an
        old client deleted it. Raises NotFound (unknown person, or no connection), Conflict."""
        chat_id, participants = intros.chat_of(viewer.id, other)

        async def must_be_connected(session: Statements) -> None:
            row = await session.row(intros.SQL["meeting"], viewer.id, viewer.school, other)
            assert row is not None
            if not row["reachable"]:
                raise no_such_profile()
            if not row["connected"] or other == viewer.id:
                raise NotFound(
                    "connection_not_found",
                    "there is no such connection",
                    hint="ask to be introduced with POST /intros",
                )

        async def work(session: Session) -> None:
            await lock_pair(session, viewer.id, other)
            await must_be_connected(session)
            await session.run(intros.SQL["lock_chat"], chat_id, participants)
            await intros.open_chat(session, chat_id, participants)

        await must_be_connected(self._database)
        if not await self.has_chat(viewer.id, other):
            await self._database.transaction(work)
        return await self.chat(chat_id, viewer=viewer)

    async def has_chat(self, user_id: str, other: str) -> bool:
        """Return whether the two have their chat."""
        return bool(
            await self._database.value(intros.SQL["has_chat"], *intros.chat_of(user_id, other))
        )

    async def messages(
        self,
        chat_id: str,
        direction: Direction,
        limit: int,
        *,
        user_id: str,
        cursor: str | None = None,
        pos: int | None = None,
    ) -> bytes:
        """Return the JSON of a page of messages beyond `cursor` or `pos`: newest first when
        `older`, as they were sent when `newer`. A cursor is valid in both directions.

        Raises BadInput (both are given), BadCursor, NotFound.
        """
        if cursor is not None and pos is not None:
            raise BadInput(
                "cursor_with_pos",
                "a page begins at a cursor or at a pos, not at both",
                hint="leave pos out",
            )
        of = ("messages", chat_id, user_id)
        after, _ = self._cursors.open(of, cursor)
        if pos is not None:
            after = str(pos)
        row = await self._database.row(SQL[f"messages_{direction}"], user_id, chat_id, limit, after)
        assert row is not None
        if not row["found"]:
            raise no_such_chat()
        return self._cursors.finish(row, of)

    async def send(self, chat_id: str, content: str, key: str | None, *, user_id: str) -> Sent:
        """Append a message, once per key. The message and its key are one transaction.

        Holds the locks of the pairs (shared) until the commit: a block, or the end of a
        connection, is seen or waits for it. Raises BadInput, NotFound, Forbidden (the chat is
        closed), Conflict (the key sent something else, or a message that is gone).
        """
        message_id = f"{chat_id}:{time.time_ns() // 1_000_000}-{secrets.token_hex(8)}"
        key = message_id if key is None else valid_key(key)
        digest = sha256(f"{chat_id}\n{content}".encode()).digest()
        arguments = (user_id, chat_id, key, digest, message_id, content)
        try:
            row = await self._database.row(SEND, *arguments)
        except RETRIED:
            row = await self._database.transaction(lambda session: session.row(SEND, *arguments))
        if row is None:
            raise no_such_chat()
        if row["body"] is not None:
            self._live.changed(chat_id, _user_ids(user_id, row["other"]))
            return Sent(row["body"], again=False)
        if row["closed"] is not None:
            raise chat_closed(row["closed"])
        return Sent(await self._sent_before(user_id, key, digest), again=True)

    async def _sent_before(self, user_id: str, key: str, digest: bytes) -> bytes:
        row = await self._database.row(SQL["sent"], user_id, key)
        if row is None or row["digest"] != digest:
            raise Conflict(
                "key_used",
                "this Idempotency-Key has sent something else",
                hint="use a new key for each message, and the same one to try again",
            )
        body: bytes | None = row["body"]
        if body is None:
            raise Conflict(
                "message_gone",
                "what this Idempotency-Key has sent is not in the chat any more",
                hint="send it with a new key",
            )
        return body

    async def read(self, chat_id: str, pos: int, *, user_id: str) -> None:
        """Mark everything up to `pos` as read; a mark never goes back. Raises NotFound."""
        row = await self._database.row(SQL["mark"], user_id, chat_id, pos)
        if row is None:
            raise no_such_chat()
        if row["pos"] is not None:
            self._live.changed(chat_id, _user_ids(user_id, row["other"]))

    async def typing(self, chat_id: str, *, user_id: str) -> None:
        """Tell the other person that the user is typing; nothing is stored. Raises NotFound,
        Forbidden (the chat is closed)."""
        row = await self._database.row(SQL["other"], user_id, chat_id)
        if row is None:
            raise no_such_chat()
        if row["closed"] is not None:
            raise chat_closed(row["closed"])
        self._live.typing(chat_id, user_id, _user_ids(user_id, row["other"]))


def no_such_chat() -> NotFound:
    """Return the same error for an unknown chat and for one of other people."""
    return NotFound("chat_not_found", "there is no such chat", hint="see GET /chats")


def chat_closed(reason: str) -> Forbidden:
    """Return why nothing can be written into a chat, by the reason of network.why_closed."""
    title, hint = _CLOSED[reason]
    if reason == "messages_not_taken":
        return Forbidden("messages_not_taken", title, hint=hint)
    return Forbidden("chat_closed", title, detail=f"closed: {reason}", hint=hint)


def valid_key(key: str) -> str:
    """Return the Idempotency-Key. Raises BadInput."""
    if not _KEY.fullmatch(key):
        raise BadInput(
            "bad_idempotency_key",
            "that is no Idempotency-Key",
            hint=f"1 to {LONGEST_KEY} visible ASCII characters; a UUID is a good one",
        )
    return key


def _user_ids(user_id: str, other: str | None) -> list[str]:
    return [user_id] if other is None else [user_id, other]


COUNTS_FRESH_SECONDS = 10.0
MOST_COUNTED = 4096  # users, about 1 MB
_COUNTED_ROWS = 20


class PendingCounts:
    """Counts of pending intros and unread messages in the navigation.

    They are counted at most once in COUNTS_FRESH_SECONDS for each user of the pages, from their
    newest intros and chats; so a page may be that much behind.
    """

    def __init__(self, intros: Intros, chats: Chats) -> None:
        self._intros = intros
        self._chats = chats
        self._counts: dict[str, tuple[float, Mapping[str, int]]] = {}

    async def counts(self, viewer: Viewer) -> Mapping[str, int]:
        counted_at, known = self._counts.get(viewer.id, (0.0, {}))
        if known and time.monotonic() < counted_at + COUNTS_FRESH_SECONDS:
            return known
        pending, unread = await asyncio.gather(self._pending(viewer), self._unread(viewer))
        counts = {"intros": pending, "chats": unread}
        self._counts.pop(viewer.id, None)
        if len(self._counts) >= MOST_COUNTED:
            del self._counts[next(iter(self._counts))]
        self._counts[viewer.id] = (time.monotonic(), counts)
        return counts

    def forget(self, user_id: str) -> None:
        self._counts.pop(user_id, None)

    async def _pending(self, viewer: Viewer) -> int:
        page = await self._intros.page(
            "incoming", ("pending",), PageRequest(limit=_COUNTED_ROWS), viewer=viewer
        )
        return len(decoded(page)["items"])

    async def _unread(self, viewer: Viewer) -> int:
        page = await self._chats.page(PageRequest(limit=_COUNTED_ROWS), viewer=viewer)
        return sum(chat["unread"] for chat in decoded(page)["items"])


RETENTION = queries.load("retention")

log = logging.getLogger("outgrow.retention")

RETENTION_SECONDS = 86_400
RETENTION_RETRY_SECONDS = 600  # after it failed
TRIM_PAUSE_SECONDS = 0.05


async def apply_retention(database: Database, days: int | None) -> None:
    """Delete what is old, once a day, until cancelled."""
    while True:
        wait = RETENTION_SECONDS
        try:
            await forget_keys(database)
            if days is not None:
                await trim_messages(database, datetime.now(UTC) - timedelta(days=days))
        except FAILED as e:
            log.warning("old messages stay for now: %s", e)
            wait = RETENTION_RETRY_SECONDS
        await asyncio.sleep(wait)


async def forget_keys(database: Database) -> None:
    tag = ""
    while tag != "DELETE 0":
        await asyncio.sleep(TRIM_PAUSE_SECONDS)
        tag = await database.run(RETENTION["forget_keys"], KEY_DAYS)


async def trim_messages(
    database: Database, before: datetime, pause: float = TRIM_PAUSE_SECONDS
) -> int:
    """Remove messages sent before that time, and return the number of chats that had some. A young
    message stays, and so does what is behind one."""
    seen: set[str] = set()
    stuck: list[str] = []  # an old message behind a young one
    while rows := await database.rows(RETENTION["with_old"], before, stuck):
        for row in rows:
            if row["chat_id"] in seen:
                stuck.append(row["chat_id"])
            else:
                await _trim_chat(database, row["chat_id"], before, pause)
                seen.add(row["chat_id"])
    return len(seen)


async def _trim_chat(database: Database, chat_id: str, before: datetime, pause: float) -> None:
    async def work(session: Session) -> None:
        await session.run(RETENTION["lock"], chat_id)
        await session.row(RETENTION["trim"], chat_id, before)

    await asyncio.sleep(pause)
    await database.transaction(work)
