"""Intros: asking a person to be introduced, and the answers.

There is at most one pending intro between two people, in either direction. It is answered under the
lock of the pair, so that of two answers one is the outcome, and the other fails.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import asyncpg
import msgspec
from msgspec import Meta

from outgrow import queries
from outgrow.campus import Viewer
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people.connections import lock_pair
from outgrow.campus.people.profiles import no_such_profile
from outgrow.db.pool import Database, Session
from outgrow.errors import BadInput, Conflict, NotFound

SQL = queries.load("intros")
PENDING = SQL["between"].given(fresh=True)

LONGEST_ID = 200
Direction = Literal["incoming", "outgoing"]
Reason = Literal[
    "friends",
    "roommate",
    "study",
    "collaborate",
    "network",
    "event-buddy",
    "workout-partner",
    "dining-companion",
]
# The statuses of an intro, each with the store's word for it.
STATUSES = {
    "pending": "pending",
    "accepted": "accepted",
    "declined": "denied",
    "withdrawn": "denied",
    "expired": "pending",
}
_TRIES = 3


class NewIntro(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The person asked, the reason, and a note."""

    to: Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
    reason: Reason
    note: Annotated[str, Meta(max_length=500)] | None = None


class _Intro(msgspec.Struct):
    """An intro as PostgreSQL wrote it. Only what changes is decoded."""

    id: msgspec.Raw
    direction: msgspec.Raw
    status: str
    reason: msgspec.Raw
    note: msgspec.Raw
    created_at: msgspec.Raw
    answered_at: msgspec.Raw
    person: msgspec.Raw


@dataclass(frozen=True, slots=True)
class IntroId:
    """The sender, the person asked and the time: together the key of an intro in the store."""

    from_id: str
    to_id: str
    sent_ms: str

    @classmethod
    def parse(cls, text: str) -> IntroId:
        """Parse an id. Raises NotFound for another text, such as a key of the store."""
        parts = text.split(":")
        if len(parts) != 3 or not all(0 < len(part) <= LONGEST_ID for part in parts):
            raise _no_such_intro()
        return cls(*parts)

    @classmethod
    def from_row(cls, row: asyncpg.Record) -> IntroId:
        return cls(row["from_id"], row["to_id"], row["sent_ms"])

    def __str__(self) -> str:
        return f"{self.from_id}:{self.to_id}:{self.sent_ms}"

    @property
    def parts(self) -> tuple[str, str, str]:
        return self.from_id, self.to_id, self.sent_ms


class Intros:
    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors

    async def page(
        self,
        direction: Direction,
        statuses: Sequence[str],
        page: Page,
        *,
        viewer: Viewer,
    ) -> bytes:
        """Return the JSON of a page of the viewer's intros, newest first; without `statuses`, of
        all.

        People whom the viewer cannot see (any more) are left out. Raises BadCursor.
        """
        wanted = sorted(statuses or STATUSES)
        of = ("intros", direction, viewer.school, viewer.id, *wanted)
        row = await self._database.row(
            SQL["page"].given(incoming=direction == "incoming", cursor=page.cursor),
            viewer.id,
            viewer.school,
            page.limit,
            page.offset,
            *self._cursors.open(of, page.cursor),
            sorted({STATUSES[status] for status in wanted}),
            wanted,
        )
        assert row is not None
        return self._cursors.finish(row, of)

    async def send(self, intro: NewIntro, *, viewer: Viewer) -> bytes:
        """Send an intro, and return it. Raises BadInput (to oneself), NotFound (the viewer cannot
        see the person), Conflict (connected, an intro is pending, or the viewer hides)."""
        if intro.to == viewer.id:
            raise BadInput("intro_to_oneself", "you cannot be introduced to yourself")

        async def work(session: Session) -> bytes:
            await lock_pair(session, viewer.id, intro.to)
            await _may_meet(session, viewer, intro.to)
            return await _send(session, viewer, intro)

        for left in reversed(range(_TRIES)):
            try:
                return await self._database.transaction(work)
            except asyncpg.UniqueViolationError:
                # Sent and withdrawn within this millisecond, which is in the key.
                if not left:
                    raise
        raise AssertionError("unreachable")

    async def accept(self, text: str, *, viewer: Viewer) -> tuple[bytes, str]:
        """Connect the two and open their chat; return the intro and the chat's id.

        Other pending intros of the two are closed with it. Raises NotFound unless the viewer was
        asked, and Conflict when it is not pending (any more).
        """
        intro_id = IntroId.parse(text)
        if intro_id.to_id != viewer.id:
            raise _no_such_intro()
        first, second = sorted((intro_id.from_id, intro_id.to_id))  # as C sorts
        chat_id, participants = chat_of(first, second)

        async def work(session: Session) -> str | None:
            rows = await session.rows(PENDING, first, second)
            pending = [IntroId.from_row(row) for row in rows]
            if intro_id not in pending:
                pending.append(intro_id)
            await session.run(
                SQL["lock_accept"], *id_columns(pending), first, second, chat_id, participants
            )
            answered_at: str | None = await session.value(SQL["accept"], *intro_id.parts)
            if answered_at is None:
                return None
            for superseded in pending:
                if superseded != intro_id:
                    await _withdraw(session, superseded)
            await session.run(SQL["connect"], first, second)
            await open_chat(session, chat_id, participants)
            return answered_at

        return await self._answer(intro_id, viewer, "accepted", work), chat_id

    async def decline(self, text: str, *, viewer: Viewer) -> bytes:
        """Decline an intro, and return it. Raises as `accept` does."""
        intro_id = IntroId.parse(text)
        if intro_id.to_id != viewer.id:
            raise _no_such_intro()

        async def work(session: Session) -> str | None:
            answered_at: str | None = await session.value(SQL["deny"], *intro_id.parts)
            return answered_at

        return await self._answer(intro_id, viewer, "declined", work)

    async def withdraw(self, text: str, *, viewer: Viewer) -> bytes:
        """Withdraw an intro that the viewer sent, and return it. Raises as `accept` does."""
        intro_id = IntroId.parse(text)
        if intro_id.from_id != viewer.id:
            raise _no_such_intro()
        return await self._answer(
            intro_id, viewer, "withdrawn", lambda session: _withdraw(session, intro_id)
        )

    async def _answer(
        self,
        intro_id: IntroId,
        viewer: Viewer,
        outcome: str,
        work: Callable[[Session], Awaitable[str | None]],
    ) -> bytes:
        """Run `work` under the pair's lock for a pending intro, and return it with the outcome.
        `work` returns the time of the answer as JSON, or None if it is not pending any more."""

        async def locked(session: Session) -> bytes:
            await lock_pair(session, intro_id.from_id, intro_id.to_id)
            body, status = await _read_intro(session, intro_id, viewer)
            if status != "pending":
                raise _not_pending(status)
            answered_at = await work(session)
            if answered_at is None:  # an old client, without the lock of the pair, was faster
                _, status = await _read_intro(session, intro_id, viewer)
                raise _not_pending(status)
            intro = msgspec.json.decode(body, type=_Intro)
            intro.status, intro.answered_at = outcome, msgspec.Raw(answered_at)
            return msgspec.json.encode(intro)

        return await self._database.transaction(locked)


def chat_of(user_id: str, other: str) -> tuple[str, str]:
    """Return the id of the chat of two people, as the prototype makes it, and their ids as JSON."""
    people = sorted((user_id, other))
    return ":".join(people), msgspec.json.encode(people).decode("utf-8")


async def _may_meet(session: Session, viewer: Viewer, other: str) -> None:
    """Raise NotFound or Conflict when the viewer may not ask the other person."""
    row = await session.row(SQL["meeting"], viewer.id, viewer.school, other)
    assert row is not None
    if not row["reachable"]:
        raise no_such_profile()
    if not row["visible"]:
        raise Conflict(
            "profile_hidden",
            "nobody could see who sends this intro: your profile is hidden",
            hint='show it first: PATCH /profiles/me {"settings": {"profile_visible": true}}',
        )
    if row["connected"]:
        raise Conflict(
            "already_connected",
            "the two of you are connected already",
            hint=f"write to them: POST /connections/{other}/chat gives your chat",
        )
    pending = await session.row(PENDING, viewer.id, other)
    if pending is not None:
        intro_id = IntroId.from_row(pending)
        mine = intro_id.from_id == viewer.id
        raise Conflict(
            "intro_pending",
            "there is a pending intro between the two of you",
            detail=f"{'you' if mine else 'they'} sent it: {intro_id}",
            hint="wait for an answer, or withdraw it" if mine else "accept or decline it",
        )


async def _send(session: Session, viewer: Viewer, intro: NewIntro) -> bytes:
    sent_ms = time.time_ns() // 1_000_000
    sent_at = datetime.fromtimestamp(sent_ms // 1000, UTC).replace(
        microsecond=sent_ms % 1000 * 1000
    )
    intro_id = IntroId(viewer.id, intro.to, str(sent_ms))
    rest: dict[str, Any] = {
        "id": f"intro:{intro_id}",
        "fromUserId": viewer.id,
        "toUserId": intro.to,
        "analysis": None,
    }
    if intro.note and not intro.note.isspace():
        rest["note"] = intro.note
    kept = msgspec.json.encode(rest).decode("utf-8")
    await session.run(SQL["send"], *intro_id.parts, intro.reason, sent_at, kept)
    body, _ = await _read_intro(session, intro_id, viewer)
    return body


async def _withdraw(session: Session, intro_id: IntroId) -> str | None:
    """Withdraw an intro, and return the time as JSON; None when it was not pending."""
    answered_at: str | None = await session.value(SQL["deny"], *intro_id.parts)
    if answered_at is not None:
        await session.run(SQL["close"], *intro_id.parts)
    return answered_at


async def open_chat(session: Session, chat_id: str, participants: str) -> None:
    """Make the chat if there is none; hold the locks of its keys. Raises Conflict where the store
    has something else, or a chat of other people."""
    taken = Conflict(
        "chat_place_taken",
        "the store holds something else where the chat of the two would be",
        detail=f"chat:{chat_id}",
        hint="ask the operator to look at it",
    )
    for again in (True, False):
        try:
            async with session.connection.transaction():
                tag = await session.run(SQL["open_chat"], chat_id, participants)
            break
        except (asyncpg.UniqueViolationError, asyncpg.CheckViolationError) as e:
            # An old client may have made it in between: then the next try sees it.
            if not again:
                raise taken from e
    if tag != "INSERT 0 0":
        await session.run(SQL["forget_marks"], chat_id)
        return
    await session.run(SQL["mend_chat"], chat_id, participants)
    if await session.value(SQL["has_chat"], chat_id, participants) is False:
        raise taken


async def _read_intro(session: Session, intro_id: IntroId, viewer: Viewer) -> tuple[bytes, str]:
    """Return the JSON and the status of an intro. Raises NotFound when the viewer cannot see the
    other person."""
    row = await session.row(SQL["one"], viewer.id, viewer.school, *intro_id.parts)
    if row is None:
        raise _no_such_intro()
    return row["intro"], row["status"]


def _not_pending(status: str) -> Conflict:
    if status == "expired":
        return Conflict(
            "intro_expired",
            "this intro is older than 30 days",
            hint="send a new one with POST /intros",
        )
    return Conflict(
        "intro_answered", "this intro is not pending any more", detail=f"it is {status}"
    )


def _no_such_intro() -> NotFound:
    return NotFound(
        "intro_not_found",
        "there is no such intro for you",
        hint="see GET /intros/incoming and GET /intros/outgoing",
    )


def id_columns(intros: Sequence[IntroId]) -> tuple[list[str], list[str], list[str]]:
    return (
        [intro.from_id for intro in intros],
        [intro.to_id for intro in intros],
        [intro.sent_ms for intro in intros],
    )


@dataclass(frozen=True, slots=True)
class Relationship:
    """What is between the viewer and another person. `pending` is the id of a pending intro, `mine`
    whether the viewer sent it."""

    connected: bool
    pending: str | None
    mine: bool


async def relationship(database: Database, viewer: Viewer, other: str) -> Relationship:
    """Return what is between the viewer and the other person at this moment."""
    row = await database.row(SQL["meeting"], viewer.id, viewer.school, other)
    assert row is not None
    pending = await database.row(PENDING, viewer.id, other)
    if pending is None:
        return Relationship(row["connected"], None, mine=False)
    intro_id = IntroId.from_row(pending)
    return Relationship(row["connected"], str(intro_id), mine=intro_id.from_id == viewer.id)
