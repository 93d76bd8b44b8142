"""Live: tells outboxes what is new in their people's chats, in this process and in all others.

The table is the truth, and news only say where to look: whoever is told, late, twice or by mistake,
looks up what is behind the last `pos` seen, in one statement for all chats that wait. Chats are
looked at one batch after the other, so a chat's messages are told in order. A slow sweep looks at
every chat of whoever is connected: for what old clients wrote by SQL, and what a process that died
did not say.
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
SWEPT = 100  # chats in a statement of the sweep, which works a tenth of its time
GATHER_EVERY = 6  # sweeps, before chats are looked for that old clients made
LOOKED_AT = 200  # chats in a statement
MOST_MESSAGES = 50  # of a chat in a statement
CAUGHT_UP = 4  # chats in a statement of `resume`
CHECK_SECONDS = FRESH_SECONDS  # how often sessions that other processes ended are looked for
PING_SECONDS = 25.0
TYPING_SECONDS = 2.0  # how often somebody's typing is passed on
MOST_OUTBOXES = 20  # of one user, in this process


_Reader = tuple[str, str]  # somebody, and the chat


@dataclass(slots=True)
class _Watch:
    """A chat of somebody who is connected: up to which `pos` it was told, and who read how far."""

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
        self._postponed: dict[str, None] = {}  # the same, until everybody is gathered
        self._work = asyncio.Event()
        self._looking = asyncio.Lock()
        self._joining: list[tuple[Outbox, asyncio.Future[None]]] = []
        self._joined = asyncio.Event()
        self._gathering = False
        self._last_typed: dict[tuple[str, str], float] = {}
        self._sweeps = 0
        notifier.subscribe("chat", self._see)
        notifier.subscribe("typing", self._tell_typing)
        notifier.on_reconnect(self._see_all)
        sessions.on_end(self._end)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Looks and tells meanwhile."""
        works = self._look, self._gather, self._sweep, self._tick, self._check
        try:
            async with run_works(*works):
                yield
        finally:
            for outbox in self._all():
                outbox.end(Close.TRY_LATER, "the server stops")

    @property
    def sockets(self) -> int:
        """How many are connected."""
        return sum(map(len, self._outboxes.values()))

    # What happened -------------------------------------------------------------------------------

    def changed(self, chat_id: str, users: Sequence[str]) -> None:
        """Something is new in the chat of these users. To be called after the commit."""
        self._notifier.publish("chat", chat_id, *users)

    def typing(self, chat_id: str, user_id: str, users: Sequence[str]) -> None:
        """Somebody types; passed on every TYPING_SECONDS at most."""
        now = time.monotonic()
        if now < self._last_typed.get((chat_id, user_id), 0) + TYPING_SECONDS:
            return
        if len(self._last_typed) > 10_000:
            self._last_typed.clear()
        self._last_typed[chat_id, user_id] = now
        self._notifier.publish("typing", chat_id, user_id, *users)

    def _see(self, chat_id: str, *users: str) -> None:
        if any(user in self._outboxes for user in users):
            self._waiting[chat_id] = None
            self._work.set()

    def _see_all(self) -> None:
        for chat_id, watch in self._watches.items():
            self._see(chat_id, *watch.users)

    def _tell_typing(self, chat_id: str, user_id: str, *users: str) -> None:
        event = json.dumps({"type": "typing", "chat_id": chat_id, "user_id": user_id})
        for user in users:
            if user != user_id:
                for outbox in self._outboxes.get(user, ()):
                    outbox.say(event)

    # Looking -------------------------------------------------------------------------------------

    async def _look(self) -> None:
        await self._work.wait()
        batch = list(itertools.islice(self._waiting, LOOKED_AT))
        for chat_id in batch:
            del self._waiting[chat_id]
        if not self._waiting:
            self._work.clear()
        try:
            await self._look_at(batch)
        except BaseException:
            for chat_id in batch:
                self._waiting[chat_id] = None
            self._work.set()
            raise

    async def _look_at(self, chats: Sequence[str]) -> None:
        """Tell what is new in these chats. One that is not known, after all chats of everybody were
        gathered, is new as a whole."""
        async with self._looking:
            if self._gathering:
                self._postponed.update(
                    (chat_id, None) for chat_id in chats if chat_id not in self._watches
                )
                chats = [chat_id for chat_id in chats if chat_id in self._watches]
            if not chats:
                return
            after = {chat_id: self._pos(chat_id) for chat_id in chats}
            rows = await self._database.rows(
                SQL["look"], list(after), list(after.values()), MOST_MESSAGES
            )
            shows = await self._shows(
                (reader, row["chat_id"]) for row in rows for reader, _ in self._advanced(row)
            )
            for row in rows:
                self._tell(row, after[row["chat_id"]], shows)

    def _pos(self, chat_id: str) -> int:
        watch = self._watches.get(chat_id)
        return watch.pos if watch else 0

    def _advanced(self, row: asyncpg.Record) -> list[tuple[str, int]]:
        """Who has read further than was told, and how far."""
        watch = self._watches.get(row["chat_id"])
        known = watch.marks if watch else {}
        marks = zip(row["readers"], row["marks"], strict=True)
        return [(reader, pos) for reader, pos in marks if pos > known.get(reader, 0)]

    async def _shows(self, readers: Iterable[_Reader]) -> set[_Reader]:
        """Of these, who lets others see what they have read in the chat."""
        asked = list(set(readers))
        if not asked:
            return set()
        ids, chats = zip(*asked, strict=True)
        rows = await self._database.rows(SQL["shows"], list(ids), list(chats))
        return {(row["id"], row["chat_id"]) for row in rows}

    def _tell(self, row: asyncpg.Record, after: int, shows: set[_Reader]) -> None:
        """Lines drop what they were told before, so it is no harm to tell too much."""
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
                outbox.shortened(chat_id, row["last"])
        messages = [] if row["hidden"] else _messages(row)
        for pos, event in messages:
            for outbox in outboxes:
                outbox.message(chat_id, pos, event)
        for reader, pos in advanced:
            event = _read(chat_id, reader, pos)
            for outbox in outboxes:
                if outbox.user_id == reader or (reader, chat_id) in shows:
                    outbox.say(event)
        if len(messages) == MOST_MESSAGES:
            self._see(chat_id, *users)

    # Lines ---------------------------------------------------------------------------------------

    async def attach(self, outbox: Outbox) -> None:
        """Tell this outbox from now on; it is `ready` when this returns, or ended."""
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

    async def _gather(self) -> None:
        """Look up the chats of everybody who came meanwhile: in one statement, which reads the
        whole store where it has no index."""
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
        """Tell an outbox what is behind these places, then go on from there. As slowly as it
        reads."""
        chats = list(after.items())
        for start in range(0, len(chats), CAUGHT_UP):
            some = dict(chats[start : start + CAUGHT_UP])
            try:
                await self._catch_up(outbox, some)
            finally:
                for chat_id in some:
                    outbox.behind.pop(chat_id, None)

    async def _catch_up(self, outbox: Outbox, todo: dict[str, int]) -> None:
        """Chats of others, and those that are hidden, are passed over in silence."""
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
                chat_id, messages = row["chat_id"], _messages(row)
                for _, event in messages:
                    outbox.say(event, paced=True)
                floor = messages[-1][0] if messages else min(todo[chat_id], row["last"])
                outbox.floors[chat_id] = floor
                if len(messages) == MOST_MESSAGES or outbox.behind[chat_id] > floor:
                    again[chat_id] = floor
                    continue
                del outbox.behind[chat_id]
                for reader, pos in zip(row["readers"], row["marks"], strict=True):
                    if reader == outbox.user_id or (reader, chat_id) in shows:
                        outbox.say(_read(chat_id, reader, pos), paced=True)
            for chat_id in todo.keys() - again.keys():
                outbox.behind.pop(chat_id, None)
            todo = again

    # From time to time ---------------------------------------------------------------------------

    async def _sweep(self) -> None:
        start = time.monotonic()
        chats = list(self._watches)
        for start in range(0, len(chats), SWEPT):
            began = time.monotonic()
            some = [c for c in chats[start : start + SWEPT] if c in self._watches]
            await self._look_at(some)
            await asyncio.sleep(9 * (time.monotonic() - began))
        self._sweeps += 1
        if self._outboxes and self._sweeps % GATHER_EVERY == 0:
            began = time.monotonic()
            for row in await self._database.rows(SQL["gather"], list(self._outboxes)):
                if row["chat_id"] not in self._watches:
                    self._see(row["chat_id"], row["user_id"])
            await asyncio.sleep(9 * (time.monotonic() - began))
        await asyncio.sleep(max(0.1, start + SWEEP_SECONDS - time.monotonic()))

    async def _tick(self) -> None:
        now = time.monotonic()
        for outbox in self._all():
            if outbox.expires <= now:
                outbox.end(Close.NOT_SIGNED_IN, "token_expired")
            elif outbox.ping_at <= now:
                outbox.ping_at = now + PING_SECONDS
                outbox.say('{"type":"ping"}')
        await asyncio.sleep(1)

    async def _check(self) -> None:
        """Whether everybody is still signed in, and a member of a school."""
        await asyncio.sleep(CHECK_SECONDS)
        sessions = list({outbox.session_id for outbox in self._all()})
        if sessions:
            ended, strangers = await self._sessions.over(sessions)
            self._end(ended)
            for outbox in self._all():
                if outbox.session_id in strangers:
                    outbox.end(Close.NOT_ALLOWED, "no_member")

    def _end(self, sessions: set[str]) -> None:
        """Close the sockets of these sessions."""
        for outbox in self._all():
            if outbox.session_id in sessions:
                outbox.end(Close.NOT_SIGNED_IN, "session_ended")

    def _all(self) -> list[Outbox]:
        return [outbox for outboxes in self._outboxes.values() for outbox in outboxes]


def _messages(row: asyncpg.Record) -> list[tuple[int, str]]:
    """Each message of a look as its `pos` and its event."""
    head = f'{{"type":"message","chat_id":{json.dumps(row["chat_id"])},"message":'
    places = row["places"] or ()
    return [
        (pos, head + text + "}") for pos, text in zip(places, row["messages"] or (), strict=True)
    ]


def _read(chat_id: str, user_id: str, pos: int) -> str:
    return json.dumps({"type": "read", "chat_id": chat_id, "user_id": user_id, "pos": pos})


MOST_EVENTS = 500
MOST_BYTES = 1_000_000
_DRAINED = 50  # events that may be left when an outbox goes on to catch up


class Close(IntEnum):
    """Why a socket is closed."""

    FAILED = 1011
    TRY_LATER = 1013
    BAD_MESSAGE = 4400
    NOT_SIGNED_IN = 4401
    NOT_ALLOWED = 4403
    TOO_SLOW = 4408
    TOO_MANY = 4429


class Outbox:
    """`floors` says of each chat up to which `pos` the socket has been told.

    Until it is `ready`, everything waits in `_held`; while it catches up with a chat, what is new
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
        """Everything up to `floors` was there before; from here on nothing is left out."""
        held, self._held = self._held or [], None
        self.floors = floors
        self.say(json.dumps({"type": "ready", "user_id": self.user_id}))
        for chat_id, pos, event in held:
            if chat_id is None:
                self.say(event)
            else:
                self.message(chat_id, pos, event)

    def message(self, chat_id: str, pos: int, event: str) -> None:
        if self._held is not None:
            self._hold(self._held, chat_id, pos, event)
        elif chat_id in self.behind:
            self.behind[chat_id] = max(pos, self.behind[chat_id])
        elif pos > self.floors.get(chat_id, 0):
            self.floors[chat_id] = pos
            self.say(event)

    def _hold(
        self, held: list[tuple[str | None, int, str]], chat_id: str | None, pos: int, event: str
    ) -> None:
        held.append((chat_id, pos, event))
        if len(held) > MOST_EVENTS:
            self.end(Close.TOO_SLOW, "too much at once")

    def shortened(self, chat_id: str, last: int) -> None:
        """An old client took messages out: places behind `last` are given anew."""
        if self.floors.get(chat_id, 0) > last:
            self.floors[chat_id] = last

    def say(self, event: str, *, paced: bool = False) -> None:
        """To be sent. Ends an outbox whose reader is so slow that it does not fit; unless the
        caller sees to that himself, with `drained`."""
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
        """What is to be sent now."""
        while not self._events:
            self._filled.clear()
            await self._filled.wait()
        event = self._events.popleft()
        self._bytes -= len(event)
        if len(self._events) <= _DRAINED:
            self._emptied.set()
        return event

    async def drained(self) -> None:
        """Wait until little is left to be sent."""
        while len(self._events) > _DRAINED:
            self._emptied.clear()
            await self._emptied.wait()
