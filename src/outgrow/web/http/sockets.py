"""uvicorn's WebSockets, with an end: nothing is kept for ever for a reader who does not read, and a
writer sends neither more at once nor in smaller pieces than somebody needs who chats."""

from __future__ import annotations

import socket
from asyncio import BaseTransport
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

SEND_BUFFER = 65_536  # bytes that the kernel keeps for one socket; it takes twice as much
MOST_WAITING = 100  # messages that were not looked at yet
MOST_FRAMES = 100  # of one message
LAST_SECONDS = 5  # to read what was sent before the close, and the close


class Sockets(WebSocketsSansIOProtocol):
    """Closing does not wait until there is room to write; what is not read within LAST_SECONDS is
    thrown away with the connection."""

    def connection_made(self, transport: BaseTransport) -> None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.since = self.loop.time()
        self._is_told = False
        super().connection_made(transport)

    @property
    def is_stranger(self) -> bool:
        """Whether it was sent nothing: who is at its other end has not been seen to yet, or was
        turned away."""
        return not (self._is_told or self.transport.is_closing())

    def leave(self) -> None:
        self.transport.abort()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            self.writable.set()
        self._is_told |= message["type"] == "websocket.send"
        await super().send(message)

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            self._end_soon()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MOST_FRAMES:
            self._turn_away("too many pieces")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.queue.qsize() >= MOST_WAITING:
            self._turn_away("too much at once")
        else:
            super().send_receive_event_to_app()

    def _turn_away(self, why: str) -> None:
        if self.close_sent:
            return
        self.frames = []
        self.conn.fail(1009, why)
        self.handle_parser_exception()
        self._end_soon()

    def handle_ping(self) -> None:
        """Answers to pings go by no queue of ours."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.transport.abort()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._end_soon()

    def shutdown(self) -> None:
        super().shutdown()
        self._end_soon()

    def _end_soon(self) -> None:
        self.loop.call_later(LAST_SECONDS, self.transport.abort)
