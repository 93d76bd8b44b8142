"""/live: what is new, over a WebSocket. docs/chats.md has the protocol."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.types import Message, Receive, Scope, Send

from outgrow import events
from outgrow.campus.background import FAILED
from outgrow.campus.limits import REQUESTS, REQUESTS_FROM, TYPING, Limit
from outgrow.campus.messaging.live import Close, Outbox
from outgrow.errors import Forbidden, NotFound, NotSignedIn, TooMany
from outgrow.web.http.auth import Caller
from outgrow.web.http.request import SESSION_COOKIE, cookie_name, cookies, is_same_origin
from outgrow.web.http.routing import HttpContext
from outgrow.web.services import Services

log = logging.getLogger("outgrow.live")

AUTH_SECONDS = 5.0
LARGEST_MESSAGE = 32_768  # bytes that a client may send at once
_ChatId = Annotated[str, Meta(min_length=1, max_length=200)]


class Auth(msgspec.Struct, tag="auth", forbid_unknown_fields=True):
    token: Annotated[str, Meta(max_length=4000)]


class Resume(msgspec.Struct, tag="resume", forbid_unknown_fields=True):
    """The last `pos` that the client has, by chat."""

    after: Annotated[dict[_ChatId, Annotated[int, Meta(ge=0, le=2**53)]], Meta(max_length=200)]


class Typing(msgspec.Struct, tag="typing", forbid_unknown_fields=True):
    chat_id: _ChatId


class Ping(msgspec.Struct, tag="ping", forbid_unknown_fields=True):
    pass


class Pong(msgspec.Struct, tag="pong", forbid_unknown_fields=True):
    pass


Said = Auth | Resume | Typing | Ping | Pong
_decoder: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


class _Refused(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Left(Exception):
    """The client closed, or the connection was lost."""


class LiveSocket:
    """The ASGI application of the path."""

    def __init__(self, services: Services, context: HttpContext) -> None:
        self._browser_sessions = services.browser_sessions
        self._live = services.live
        self._chats = services.chats
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._context.logged(scope, dict(scope["headers"]), "WS", "/live")
        with events.of_request(request):
            await self._accepted(scope, receive, send)

    async def _accepted(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        try:
            self._count(REQUESTS_FROM, self._context.address(scope))
            code, reason = await self._serve(scope, receive, send)
        except _Left:
            return
        except _Refused as e:
            code, reason = e.code, e.reason
            # What a message did wrong is said with the message's own words: not in the log.
            told = "bad_message" if code == Close.BAD_MESSAGE else reason
            events.event("socket_refused", logging.WARNING, status=int(code), code=told)
        except FAILED as e:
            log.warning("a socket is closed: %s", e)
            code, reason = Close.TRY_LATER, "database_unavailable"
        await send({"type": "websocket.close", "code": code, "reason": reason})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> tuple[int, str]:
        """Until something ends it; returns why it is to be closed. Raises _Left, _Refused."""
        caller = await self._authenticate(scope) or await self._first_message(receive)
        events.about(caller.user_id, caller.session_id)
        if caller.school is None:
            raise _Refused(Close.NOT_ALLOWED, "no_member")
        outbox = Outbox(caller.user_id, caller.session_id, caller.expires)
        live = self._live
        tasks: list[asyncio.Task[None]] = []
        try:
            await live.attach(outbox)
            tasks = [
                asyncio.create_task(self._write(outbox, send)),
                asyncio.create_task(self._read(outbox, receive)),
            ]
            ends: list[asyncio.Future[Any]] = [*tasks, outbox.ended]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            return outbox.ended.result()
        finally:
            live.detach(outbox)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _authenticate(self, scope: Scope) -> Caller | None:
        """By the Authorization header, or by the pages' cookie, which a browser sends along for
        every site that asks: so only for a page of this very host. None when there is neither."""
        headers = dict(scope["headers"])
        if b"authorization" in headers:
            return await self._caller(headers[b"authorization"])
        cookie = cookies(headers).get(cookie_name(SESSION_COOKIE, self._context.is_secure(scope)))
        session = await self._browser_sessions.session(cookie) if cookie else None
        if session is None:
            return None
        if not is_same_origin(headers):
            raise _Refused(Close.NOT_ALLOWED, "other_origin")
        return Caller(session.user_id, session.school, session.session_id, math.inf)

    async def _first_message(self, receive: Receive) -> Caller:
        try:
            async with asyncio.timeout(AUTH_SECONDS):
                message = await _next(receive)
        except TimeoutError:
            raise _Refused(Close.NOT_SIGNED_IN, "not_signed_in") from None
        if not isinstance(message, Auth):
            raise _Refused(Close.NOT_SIGNED_IN, "not_signed_in")
        return await self._caller(b"Bearer " + message.token.encode("utf-8"))

    async def _caller(self, authorization: bytes) -> Caller:
        try:
            return await self._context.tokens.caller(authorization)
        except NotSignedIn as e:
            raise _Refused(Close.NOT_SIGNED_IN, e.code) from e

    async def _write(self, outbox: Outbox, send: Send) -> None:
        while True:
            event = await outbox.next()
            try:
                await send({"type": "websocket.send", "text": event})
            except OSError as e:
                raise _Left from e

    async def _read(self, outbox: Outbox, receive: Receive) -> None:
        """One message after the other: the next is not read before the last is done."""
        while True:
            said = await _next(receive)
            self._count(REQUESTS, outbox.user_id)
            match said:
                case Auth(token):
                    await self._renew(outbox, token)
                case Resume(after):
                    await self._live.resume(outbox, after)
                case Typing(chat_id):
                    try:
                        self._context.limits.count(TYPING, outbox.user_id)
                        await self._chats.typing(chat_id, user_id=outbox.user_id)
                    except (NotFound, Forbidden, TooMany):
                        continue  # where nobody is to be told
                case Ping():
                    outbox.say('{"type":"pong"}')

    def _count(self, limit: Limit, subject: str) -> None:
        try:
            self._context.limits.count(limit, subject)
        except TooMany as e:
            raise _Refused(Close.TOO_MANY, e.code) from e

    async def _renew(self, outbox: Outbox, token: str) -> None:
        """A new token of the same user keeps the socket open."""
        caller = await self._caller(b"Bearer " + token.encode("utf-8"))
        if caller.user_id != outbox.user_id:
            raise _Refused(Close.NOT_SIGNED_IN, "bad_token")
        outbox.session_id, outbox.expires = caller.session_id, caller.expires


async def _next(receive: Receive) -> Said:
    """What the client says. Raises _Left, _Refused."""
    message: Message = await receive()
    if message["type"] == "websocket.disconnect":
        raise _Left
    data = message.get("text") or message.get("bytes") or ""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
        raise _Refused(Close.BAD_MESSAGE, str(e)[:100]) from e
