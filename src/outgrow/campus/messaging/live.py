"""Live delivery: what is new in chats, to the sockets of their people in all processes.

The table is the truth, and notices only say where to look: after a notice, late, doubled or wrong,
what is behind the last `pos` delivered is read in one statement for all chats that wait. Batches of
chats are read one after the other, so a chat's messages are delivered in order. A slow sweep reads
every chat of connected people: for what old clients wrote by SQL, and for notices that a process
lost when it died.

An outbox holds what one socket is to be sent, in order, each message once, and no more than fits.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum

import asyncpg

from outgrow import queries
from outgrow.campus.accounts.sessions import FRESH_SECONDS, Sessions
from outgrow.campus.background import run_works
from outgrow.campus.notifier import Notifier
from outgrow.db.pool import Database

SQL = queries.load("live")

SWEEP_SECONDS = 5.0
SWEEP_CHATS = 100  # chats in a statement of the sweep, which works a tenth of its time
GATHER_EVERY = 6  # sweeps between searches for chats that old clients made
BATCH_CHATS = 200  # chats in a statement
MOST_MESSAGES = 50  # of a chat in a statement
RESUME_CHATS = 4  # chats in a statement of `resume`
CHECK_SECONDS = FRESH_SECONDS  # how often sessions that other processes ended are closed
PING_SECONDS = 25.0
TYPING_SECONDS = 2.0  # how often a person's typing is passed on
MOST_OUTBOXES = 20  # of one user, in this process


_Reader = tuple[str, str]  # a user, and the chat


@dataclass(slots=True)
class _Watch:
    """A chat of connected people: the last `pos` delivered, and how far each reader has read."""

    pos: int
    marks: dict[str, int]
    users: set[str] = field(default_factory=set)


class Live:
    def __init__(self, database: Database, notifier: Notifier, sessions: Sessions) -> None:
        self._database = database
        self._notifier = notifier
        self._sessions = sessions
        self._outboxes: dict[str, set[Outbox]] = {}
        self._watches: dict[str, _Watch] = {}
        self._chats: dict[str, set[str]] = {}  # of the users who are connected
        self._waiting: dict[str, None] = {}  # chats to look at, first come first
        self._postponed: dict[str, None] = {}  # the same, until all chats are gathered
        self._work = asyncio.Event()
        self._delivering = asyncio.Lock()
        self._joining: list[tuple[Outbox, asyncio.Future[None]]] = []
        self._joined = asyncio.Event()
        self._gathering = False
        self._last_typed: dict[tuple[str, str], float] = {}
        self._sweeps = 0
        notifier.subscribe("chat", self._queue_chat)
        notifier.subscribe("typing", self._deliver_typing)
        notifier.on_reconnect(self._queue_all)
        sessions.on_end(self._end_sessions)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver until the block ends."""
        works = (
            self._deliver_queued,
            self._gather_chats,
            self._sweep,
            self._ping_and_expire,
            self._check_sessions,
        )
        try:
            async with run_works(*works):
                yield
        finally:
            for outbox in self._all_outboxes():
                outbox.end(Close.TRY_LATER, "the server stops")

    @property
    def sockets(self) -> int:
        """Return the number of connected sockets."""
        return sum(map(len, self._outboxes.values()))

    # What happened -------------------------------------------------------------------------------

    def changed(self, chat_id: str, users: Sequence[str]) -> None:
        """Tell all processes that the chat of these users changed. Call this after the commit."""
        self._notifier.publish("chat", chat_id, *users)

    def typing(self, chat_id: str, user_id: str, users: Sequence[str]) -> None:
        """Tell these users that a person types, every TYPING_SECONDS at most."""
        now = time.monotonic()
        if now < self._last_typed.get((chat_id, user_id), 0) + TYPING_SECONDS:
            return
        if len(self._last_typed) > 10_000:
            self._last_typed.clear()
        self._last_typed[chat_id, user_id] = now
        self._notifier.publish("typing", chat_id, user_id, *users)

    def _queue_chat(self, chat_id: str, *users: str) -> None:
        if any(user in self._outboxes for user in users):
            self._waiting[chat_id] = None
            self._work.set()

    def _queue_all(self) -> None:
        for chat_id, watch in self._watches.items():
            self._queue_chat(chat_id, *watch.users)

    def _deliver_typing(self, chat_id: str, user_id: str, *users: str) -> None:
        event = json.dumps({"type": "typing", "chat_id": chat_id, "user_id": user_id})
        for user in users:
            if user != user_id:
                for outbox in self._outboxes.get(user, ()):
                    outbox.put(event)

    # Reading -------------------------------------------------------------------------------------

    async def _deliver_queued(self) -> None:
        await self._work.wait()
        batch = list(itertools.islice(self._waiting, BATCH_CHATS))
        for chat_id in batch:
            del self._waiting[chat_id]
        if not self._waiting:
            self._work.clear()
        try:
            await self._deliver(batch)
        except BaseException:
            for chat_id in batch:
                self._waiting[chat_id] = None
            self._work.set()
            raise

    async def _deliver(self, chats: Sequence[str]) -> None:
        """Deliver what is new in these chats. A chat that is unknown after all chats of connected
        people were gathered is new as a whole."""
        async with self._delivering:
            if self._gathering:
                self._postponed.update(
                    (chat_id, None) for chat_id in chats if chat_id not in self._watches
                )
                chats = [chat_id for chat_id in chats if chat_id in self._watches]
            if not chats:
                return
            after = {chat_id: self._delivered_pos(chat_id) for chat_id in chats}
            rows = await self._database.rows(
                SQL["look"], list(after), list(after.values()), MOST_MESSAGES
            )
            shows = await self._shows(
                (reader, row["chat_id"]) for row in rows for reader, _ in self._advanced(row)
            )
            for row in rows:
                self._deliver_chat(row, after[row["chat_id"]], shows)

    def _delivered_pos(self, chat_id: str) -> int:
        watch = self._watches.get(chat_id)
        return watch.pos if watch else 0

    def _advanced(self, row: asyncpg.Record) -> list[tuple[str, int]]:
        """Return the readers whose marks are further than was delivered, with their marks."""
        watch = self._watches.get(row["chat_id"])
        known = watch.marks if watch else {}
        marks = zip(row["readers"], row["marks"], strict=True)
        return [(reader, pos) for reader, pos in marks if pos > known.get(reader, 0)]

    async def _shows(self, readers: Iterable[_Reader]) -> set[_Reader]:
        """Return those who let others see what they have read in the chat."""
        asked = list(set(readers))
        if not asked:
            return set()
        ids, chats = zip(*asked, strict=True)
        rows = await self._database.rows(SQL["shows"], list(ids), list(chats))
        return {(row["id"], row["chat_id"]) for row in rows}

    def _deliver_chat(self, row: asyncpg.Record, after: int, shows: set[_Reader]) -> None:
        """Deliver a chat. Outboxes drop what they had before, so too much does no harm."""
        chat_id, users = row["chat_id"], row["users"]
        connected = [user for user in users if user in self._outboxes]
        if not connected:
            return
        advanced = self._advanced(row)
        watch = self._watches.setdefault(chat_id, _Watch(0, {}))
        watch.pos = row["last"]
        watch.marks.update(advanced)
        for user in connected:
            watch.users.add(user)
            self._chats.setdefault(user, set()).add(chat_id)
        outboxes = [outbox for user in connected for outbox in self._outboxes[user]]
        if row["last"] < after:
            for outbox in outboxes:
                outbox.lower_floor(chat_id, row["last"])
        messages = [] if row["hidden"] else _message_events(row)
        for pos, event in messages:
            for outbox in outboxes:
                outbox.put_message(chat_id, pos, event)
        for reader, pos in advanced:
            event = _read_event(chat_id, reader, pos)
            for outbox in outboxes:
                if outbox.user_id == reader or (reader, chat_id) in shows:
                    outbox.put(event)
        if len(messages) == MOST_MESSAGES:
            self._queue_chat(chat_id, *users)

    # Outboxes ------------------------------------------------------------------------------------

    async def attach(self, outbox: Outbox) -> None:
        """Deliver to this outbox from now on. It is `ready` when this returns, or ended."""
        outboxes = self._outboxes.setdefault(outbox.user_id, set())
        if len(outboxes) >= MOST_OUTBOXES:
            outbox.end(Close.TOO_MANY, f"an account has at most {MOST_OUTBOXES} sockets here")
            return
        outboxes.add(outbox)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._joining.append((outbox, future))
        self._joined.set()
        await future

    def detach(self, outbox: Outbox) -> None:
        outboxes = self._outboxes.get(outbox.user_id, set())
        outboxes.discard(outbox)
        if outboxes:
            return
        self._outboxes.pop(outbox.user_id, None)
        for chat_id in self._chats.pop(outbox.user_id, ()):
            watch = self._watches[chat_id]
            watch.users.discard(outbox.user_id)
            if not watch.users:
                del self._watches[chat_id]

    async def _gather_chats(self) -> None:
        """Find the chats of all people who connected since: in one statement, which reads the whole
        store where it has no index."""
        await self._joined.wait()
        self._joined.clear()
        batch, self._joining = self._joining, []
        users = {outbox.user_id for outbox, _ in batch}
        self._gathering = True
        try:
            rows = await self._database.rows(SQL["gather"], list(users))
        except BaseException as e:
            for _, future in batch:
                if not future.done():
                    future.set_exception(e if isinstance(e, Exception) else OSError("stopped"))
            raise
        finally:
            self._gathering = False
            self._waiting.update(self._postponed)
            self._postponed.clear()
            self._work.set()
        floors: dict[str, dict[str, int]] = {user: {} for user in users}
        for row in rows:
            chat_id, user = row["chat_id"], row["user_id"]
            floors[user][chat_id] = row["last"]
            if user in self._outboxes:
                marks = dict(zip(row["readers"], row["marks"], strict=True))
                watch = self._watches.setdefault(chat_id, _Watch(row["last"], marks))
                watch.users.add(user)
                self._chats.setdefault(user, set()).add(chat_id)
        for outbox, future in batch:
            if not future.done():
                outbox.ready(dict(floors[outbox.user_id]))
                future.set_result(None)

    async def resume(self, outbox: Outbox, after: Mapping[str, int]) -> None:
        """Deliver to an outbox what is behind these positions, as slowly as it reads, then go on
        from there."""
        chats = list(after.items())
        for start in range(0, len(chats), RESUME_CHATS):
            batch = dict(chats[start : start + RESUME_CHATS])
            try:
                await self._catch_up(outbox, batch)
            finally:
                for chat_id in batch:
                    outbox.behind.pop(chat_id, None)

    async def _catch_up(self, outbox: Outbox, todo: dict[str, int]) -> None:
        """Deliver what is behind these positions. Chats of other people and hidden ones are
        skipped."""
        while todo:
            await outbox.drained()
            for chat_id in todo:
                outbox.behind[chat_id] = 0
            rows = await self._database.rows(
                SQL["look"], list(todo), list(todo.values()), MOST_MESSAGES
            )
            mine = [row for row in rows if outbox.user_id in row["users"] and not row["hidden"]]
            shows = await self._shows(
                (reader, row["chat_id"]) for row in mine for reader in row["readers"]
            )
            again: dict[str, int] = {}
            for row in mine:
                chat_id, messages = row["chat_id"], _message_events(row)
                for _, event in messages:
                    outbox.put(event, paced=True)
                floor = messages[-1][0] if messages else min(todo[chat_id], row["last"])
                outbox.floors[chat_id] = floor
                if len(messages) == MOST_MESSAGES or outbox.behind[chat_id] > floor:
                    again[chat_id] = floor
                    continue
                del outbox.behind[chat_id]
                for reader, pos in zip(row["readers"], row["marks"], strict=True):
                    if reader == outbox.user_id or (reader, chat_id) in shows:
                        outbox.put(_read_event(chat_id, reader, pos), paced=True)
            for chat_id in todo.keys() - again.keys():
                outbox.behind.pop(chat_id, None)
            todo = again

    # From time to time ---------------------------------------------------------------------------

    async def _sweep(self) -> None:
        start = time.monotonic()
        chats = list(self._watches)
        for start in range(0, len(chats), SWEEP_CHATS):
            began = time.monotonic()
            batch = [c for c in chats[start : start + SWEEP_CHATS] if c in self._watches]
            await self._deliver(batch)
            await asyncio.sleep(9 * (time.monotonic() - began))
        self._sweeps += 1
        if self._outboxes and self._sweeps % GATHER_EVERY == 0:
            began = time.monotonic()
            for row in await self._database.rows(SQL["gather"], list(self._outboxes)):
                if row["chat_id"] not in self._watches:
                    self._queue_chat(row["chat_id"], row["user_id"])
            await asyncio.sleep(9 * (time.monotonic() - began))
        await asyncio.sleep(max(0.1, start + SWEEP_SECONDS - time.monotonic()))

    async def _ping_and_expire(self) -> None:
        now = time.monotonic()
        for outbox in self._all_outboxes():
            if outbox.expires <= now:
                outbox.end(Close.NOT_SIGNED_IN, "token_expired")
            elif outbox.ping_at <= now:
                outbox.ping_at = now + PING_SECONDS
                outbox.put('{"type":"ping"}')
        await asyncio.sleep(1)

    async def _check_sessions(self) -> None:
        """Close the sockets of people who are signed out, or no longer members of a school."""
        await asyncio.sleep(CHECK_SECONDS)
        sessions = list({outbox.session_id for outbox in self._all_outboxes()})
        if sessions:
            ended, strangers = await self._sessions.over(sessions)
            self._end_sessions(ended)
            for outbox in self._all_outboxes():
                if outbox.session_id in strangers:
                    outbox.end(Close.NOT_ALLOWED, "no_member")

    def _end_sessions(self, sessions: set[str]) -> None:
        """Close the sockets of these sessions."""
        for outbox in self._all_outboxes():
            if outbox.session_id in sessions:
                outbox.end(Close.NOT_SIGNED_IN, "session_ended")

    def _all_outboxes(self) -> list[Outbox]:
        return [outbox for outboxes in self._outboxes.values() for outbox in outboxes]


def _message_events(row: asyncpg.Record) -> list[tuple[int, str]]:
    """Return each message of a row as its `pos` and its event."""
    head = f'{{"type":"message","chat_id":{json.dumps(row["chat_id"])},"message":'
    places = row["places"] or ()
    return [
        (pos, head + text + "}") for pos, text in zip(places, row["messages"] or (), strict=True)
    ]


def _read_event(chat_id: str, user_id: str, pos: int) -> str:
    return json.dumps({"type": "read", "chat_id": chat_id, "user_id": user_id, "pos": pos})


MOST_EVENTS = 500
MOST_BYTES = 1_000_000
_DRAINED = 50  # events that may be left when an outbox goes on to catch up


class Close(IntEnum):
    """Codes with which sockets are closed."""

    FAILED = 1011
    TRY_LATER = 1013
    BAD_MESSAGE = 4400
    NOT_SIGNED_IN = 4401
    NOT_ALLOWED = 4403
    TOO_SLOW = 4408
    TOO_MANY = 4429


class Outbox:
    """The events that one socket is to be sent. `floors` has the last `pos` sent of each chat.

    Until it is `ready`, everything waits in `_held`. While it catches up with a chat, what is new
    there is only noted in `behind`, and read from the table like everything before it.
    """

    def __init__(self, user_id: str, session_id: str, expires: float) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.expires = expires  # by time.monotonic()
        self.ping_at = time.monotonic() + random.uniform(0, 25)  # noqa: S311 - not all at once
        self.ended: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self.floors: dict[str, int] = {}
        self.behind: dict[str, int] = {}
        self._held: list[tuple[str | None, int, str]] | None = []
        self._events: deque[str] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    def ready(self, floors: dict[str, int]) -> None:
        """Begin to send: what is behind `floors` is new, and nothing of it is left out."""
        held, self._held = self._held or [], None
        self.floors = floors
        self.put(json.dumps({"type": "ready", "user_id": self.user_id}))
        for chat_id, pos, event in held:
            if chat_id is None:
                self.put(event)
            else:
                self.put_message(chat_id, pos, event)

    def put_message(self, chat_id: str, pos: int, event: str) -> None:
        if self._held is not None:
            self._hold(self._held, chat_id, pos, event)
        elif chat_id in self.behind:
            self.behind[chat_id] = max(pos, self.behind[chat_id])
        elif pos > self.floors.get(chat_id, 0):
            self.floors[chat_id] = pos
            self.put(event)

    def _hold(
        self, held: list[tuple[str | None, int, str]], chat_id: str | None, pos: int, event: str
    ) -> None:
        held.append((chat_id, pos, event))
        if len(held) > MOST_EVENTS:
            self.end(Close.TOO_SLOW, "too much at once")

    def lower_floor(self, chat_id: str, last: int) -> None:
        """Lower the floor: an old client removed messages, so `pos` behind `last` are reused."""
        if self.floors.get(chat_id, 0) > last:
            self.floors[chat_id] = last

    def put(self, event: str, *, paced: bool = False) -> None:
        """Queue an event. End an outbox whose reader is too slow for it to fit, unless the caller
        is `paced` by `drained`."""
        if self._held is not None:
            self._hold(self._held, None, 0, event)
            return
        self._events.append(event)
        self._bytes += len(event)
        self._filled.set()
        if not paced and (len(self._events) > MOST_EVENTS or self._bytes > MOST_BYTES):
            self.end(Close.TOO_SLOW, "too slow: resume when there is time")

    def end(self, code: int, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result((code, reason))

    async def next(self) -> str:
        """Return the next event, and wait for it."""
        while not self._events:
            self._filled.clear()
            await self._filled.wait()
        event = self._events.popleft()
        self._bytes -= len(event)
        if len(self._events) <= _DRAINED:
            self._emptied.set()
        return event

    async def drained(self) -> None:
        """Wait until few events are left."""
        while len(self._events) > _DRAINED:
            self._emptied.clear()
            await self._emptied.wait()
