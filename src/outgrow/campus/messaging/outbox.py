"""An outbox: what one socket is to be told, in order, each message once; it holds no more than
fits."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from enum import IntEnum

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
