"""uvicorn's HTTP connections and WebSockets, bounded in size and in time.

No head is larger than LARGEST_HEAD, trailers included, and the parser keeps no more than that to
itself. Reading a head, reading a body and waiting for the client to read each have a deadline.

When the limit of connections is reached, a new one takes the place of the one that has waited
longest for its next request, or of a WebSocket that nothing was sent to yet. If there is none, the
connection that has been sending a body for longest is refused. If there is none either, the new one
is.

A WebSocket keeps nothing forever for a client that does not read, and accepts neither more messages
nor more frames at a time than a chat needs.
"""

from __future__ import annotations

import asyncio
import json
import socket
from asyncio import BaseTransport
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from outgrow.web.http.response import HEADERS

LARGEST_ADDRESS = 8_192  # bytes of a path with its query
LARGEST_HEAD = 16_384  # bytes of this and of all headers
MOST_HEADERS = 100
MOST_AHEAD = 16  # requests on one connection that are sent before the first is answered
MOST_BODIES = 64_000_000  # bytes of bodies that are being received, of all connections
HEAD_SECONDS = 10.0
BODY_SECONDS = 60.0
ANSWER_SECONDS = 60.0  # for the client to read anything of what is ready
LAST_SECONDS = 2.0  # for a refused client that still sends to read why
MOST_LEAVING = 100  # connections above the limit that have so long


class Config(uvicorn.Config):
    """uvicorn's configuration, with the largest number of connections, WebSockets included."""

    def __init__(self, app: ASGIApp, most_connections: int, **options: Any) -> None:
        super().__init__(app, http=Connections, ws=Sockets, **options)
        self.most_connections = most_connections


class Connections(HttpToolsProtocol):
    """One HTTP connection."""

    _bodies = 0  # bytes, of all

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline: asyncio.TimerHandle | None = None
        self._reader: asyncio.TimerHandle | None = None
        self._wrong = HTTPStatus.BAD_REQUEST  # why the parser stopped, unless we stopped it
        self._is_refused = False
        self._head = 0  # bytes of the request's address and of its headers
        self._unseen = 0  # bytes that the parser has read without a call
        self._body = 0
        self._is_in_body = False  # or in the trailers behind it
        self.since = self.loop.time()

    @property
    def is_idle(self) -> bool:
        """Whether every request is answered."""
        return not self._is_refused and (self.cycle is None or self.cycle.response_complete)

    @property
    def is_sending(self) -> bool:
        """Whether it has a single request, whose body is still arriving."""
        return (
            not (self._is_refused or self.is_idle or self.pipeline)
            and self.cycle.more_body
            and not self.cycle.response_started
        )

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_deadline(HEAD_SECONDS)
        assert isinstance(self.config, Config)
        if len(self.connections) > self.config.most_connections:
            idle: list[Connections | Sockets] = [c for c in self._others() if c.is_idle]
            idle += (c for c in self.connections if isinstance(c, Sockets) and c.is_stranger)
            sending = min((c for c in self._others() if c.is_sending), key=_since, default=None)
            if idle:
                min(idle, key=_since).leave()
            else:
                (sending or self)._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop(self._deadline)
        self._stop(self._reader)
        self._forget_body()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused or self.transport.is_closing():
            return
        self._unseen += len(data)
        super().data_received(data)
        if self._unseen > LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._deadline is None and self.is_idle:
            self._set_deadline(HEAD_SECONDS)  # it sent blank lines, for example

    # Calls of the parser --------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._unseen = self._head = 0
        self._is_in_body = False
        self._set_deadline(HEAD_SECONDS)
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._unseen = 0
        self._head += len(url)
        if self._head > LARGEST_ADDRESS:
            self._stop_parser(HTTPStatus.REQUEST_URI_TOO_LONG)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._unseen = 0
        self._head += len(name) + len(value)
        if self._head > LARGEST_HEAD or len(self.headers) >= MOST_HEADERS:
            self._stop_parser(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if self._is_in_body:
            return  # a trailer: no proxy has checked it, so it is not a header
        if name.lower() == b"host" and any(known == b"host" for known, _ in self.headers):
            self._stop_parser(HTTPStatus.BAD_REQUEST)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_body = True
        self.since = self.loop.time()
        self._set_deadline(BODY_SECONDS)
        if self.parser.should_upgrade() and self._should_upgrade() and self._is_unfit():
            self._stop_parser(HTTPStatus.BAD_REQUEST)
        super().on_headers_complete()
        if len(self.pipeline) > MOST_AHEAD:
            self._stop_parser(HTTPStatus.TOO_MANY_REQUESTS)

    def on_body(self, body: bytes) -> None:
        self._unseen = 0
        if not self.is_idle:
            self._body += len(body)
            Connections._bodies += len(body)
            if Connections._bodies > MOST_BODIES:
                self._make_room()
            if Connections._bodies > MOST_BODIES:
                self._stop_parser(HTTPStatus.SERVICE_UNAVAILABLE)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unseen = 0
        self._stop(self._deadline)
        self._deadline = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._forget_body()
        self.since = self.loop.time()
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        self._stop(self._deadline)
        socket = self.transport.get_protocol()
        assert isinstance(socket, Sockets)
        if socket.handshake_initiated:
            self._is_refused = True  # the connection is the WebSocket's now
        else:
            self._refuse(HTTPStatus.BAD_REQUEST)  # the library ignores what it cannot read

    def _is_unfit(self) -> bool:
        """Return whether an upgrade has a body, or an earlier request is unanswered."""
        names = {name for name, _ in self.headers}
        return not self.is_idle or not names.isdisjoint((b"content-length", b"transfer-encoding"))

    # How it ends ---------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """Refuse what stopped the parser: a limit of ours, or bytes that are not HTTP."""
        self._refuse(self._wrong)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop(self._reader)
        super().resume_writing()

    def _stop_parser(self, status: HTTPStatus) -> None:
        self._wrong = status
        raise ValueError(status.phrase)

    def _set_deadline(self, seconds: float) -> None:
        self._stop(self._deadline)
        self._deadline = self.loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        if self.is_idle and not self._head:
            self.leave()  # it has asked for nothing
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def leave(self) -> None:
        """Close an idle connection without a word."""
        self._is_refused = True
        self._stop(self._deadline)
        self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Send the reason, unless an answer has begun, and close. What still arrives is discarded
        for a while: otherwise the client may see a broken connection before it reads the reason."""
        if self._is_refused:
            return
        self._stop(self._deadline)
        is_answering = not self.is_idle and (self.cycle.response_started or self.pipeline)
        if not self.is_idle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.cycle.body = bytearray()
        self._is_refused = True
        self._forget_body()
        assert isinstance(self.config, Config)
        is_crowded = len(self.connections) > self.config.most_connections + MOST_LEAVING
        if is_answering or is_crowded or self.transport.is_closing():
            self.transport.abort()
            return
        self.transport.write(_refusal(status))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LAST_SECONDS, self.transport.abort)

    def _others(self) -> Iterator[Connections]:
        return (c for c in self.connections if isinstance(c, Connections) and c is not self)

    def _make_room(self) -> None:
        """Refuse the connections that have been sending a body for longest, until a quarter of the
        space is free: a client that holds its body back must not take the space of others."""
        for other in sorted((c for c in self._others() if c.is_sending), key=_since):
            if Connections._bodies <= MOST_BODIES * 3 // 4:
                break
            other._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def _forget_body(self) -> None:
        Connections._bodies -= self._body
        self._body = 0

    def _stop(self, timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()


_WHY = {
    HTTPStatus.BAD_REQUEST: ("not_http", "this is not an HTTP request"),
    HTTPStatus.REQUEST_TIMEOUT: ("too_slow", "the request took too long to arrive"),
    HTTPStatus.REQUEST_URI_TOO_LONG: ("address_too_long", "the address is too long"),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "too_many_ahead",
        "too many requests were sent before an answer",
    ),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: ("head_too_large", "the headers are too large"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("too_many_at_once", "too many connections are open"),
}


def _refusal(status: HTTPStatus) -> bytes:
    """Return a whole response, as a problem that names its code."""
    code, title = _WHY[status]
    body = json.dumps(
        {"type": "about:blank", "title": title, "status": status.value, "code": code}
    ).encode("ascii")
    retry = "retry-after: 2\r\n" if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n{retry}"
        "content-type: application/problem+json\r\n"
        + "".join(f"{name.decode()}: {value.decode()}\r\n" for name, value in HEADERS)
        + f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


def _since(connection: Connections | Sockets) -> float:
    return connection.since


SEND_BUFFER = 65_536  # bytes that the kernel buffers for one socket; it uses twice as much
MOST_WAITING = 100  # messages that were not read yet
MOST_FRAMES = 100  # of one message
CLOSE_SECONDS = 5  # to read what was sent before the close, and the close


class Sockets(WebSocketsSansIOProtocol):
    """One WebSocket. Closing does not wait for space to write; what is not read within
    CLOSE_SECONDS is discarded with the connection."""

    def connection_made(self, transport: BaseTransport) -> None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.since = self.loop.time()
        self._has_sent = False
        super().connection_made(transport)

    @property
    def is_stranger(self) -> bool:
        """Whether nothing was sent to it: the client is not authenticated yet, or was refused."""
        return not (self._has_sent or self.transport.is_closing())

    def leave(self) -> None:
        self.transport.abort()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            self.writable.set()
        self._has_sent |= message["type"] == "websocket.send"
        await super().send(message)

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            self._end_soon()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MOST_FRAMES:
            self._fail("too many frames")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.queue.qsize() >= MOST_WAITING:
            self._fail("too many messages at once")
        else:
            super().send_receive_event_to_app()

    def _fail(self, reason: str) -> None:
        if self.close_sent:
            return
        self.frames = []
        self.conn.fail(1009, reason)
        self.handle_parser_exception()
        self._end_soon()

    def handle_ping(self) -> None:
        """Answer a ping, which goes through no queue of ours, or abort if there is no space."""
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
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
