"""Routes of chats, and /live: what is new, over a WebSocket. docs/chats.md has the protocol."""

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
from outgrow.campus.limits import MESSAGES, REQUESTS, REQUESTS_FROM, TYPING, Limit
from outgrow.campus.messaging.chats import NewMessage, ReadUpTo, valid_key
from outgrow.campus.messaging.live import Close, Outbox
from outgrow.campus.pagination import Page
from outgrow.errors import Forbidden, NotFound, NotSignedIn, TooMany
from outgrow.web.api.endpoint import ApiRequest, Route
from outgrow.web.api.people import PAGE_ERRORS, PROFILE
from outgrow.web.api.schemas import Chat, ChatMessage, ChatPage, MessagePage
from outgrow.web.http.auth import Caller
from outgrow.web.http.request import (
    PAGING,
    SESSION_COOKIE,
    choice,
    cookie_name,
    cookies,
    cursor,
    is_same_origin,
    limit,
    number,
    text,
)
from outgrow.web.http.response import Response
from outgrow.web.http.routing import Access, HttpContext
from outgrow.web.services import Services

log = logging.getLogger("outgrow.live")

AUTH_SECONDS = 5.0
LARGEST_MESSAGE = 32_768  # bytes that a client may send at once


async def list_chats(request: ApiRequest) -> Response:
    query = request.query
    page = Page(query["limit"], query["offset"], query["cursor"])
    return Response(await request.services.chats.page(page, viewer=request.viewer))


async def one_chat(request: ApiRequest) -> Response:
    return Response(await request.services.chats.chat(request.path["id"], viewer=request.viewer))


async def open_chat(request: ApiRequest) -> Response:
    return Response(await request.services.chats.open(request.path["id"], viewer=request.viewer))


async def list_messages(request: ApiRequest) -> Response:
    query = request.query
    body = await request.services.chats.messages(
        request.path["id"],
        query["direction"],
        query["limit"],
        user_id=request.caller.user_id,
        cursor=query["cursor"],
        pos=query["pos"],
    )
    return Response(body)


async def send_message(request: ApiRequest) -> Response:
    given = request.headers.get(b"idempotency-key")
    key = None if given is None else valid_key(given.decode("latin-1"))
    sent = await request.services.chats.send(
        request.path["id"], request.body.content, key, user_id=request.caller.user_id
    )
    return Response(sent.body, 200 if sent.again else 201)


async def mark_read(request: ApiRequest) -> Response:
    await request.services.chats.read(
        request.path["id"], request.body.pos, user_id=request.caller.user_id
    )
    return Response(status=204)


async def tell_typing(request: ApiRequest) -> Response:
    request.context.limits.count(TYPING, request.caller.user_id)
    await request.services.chats.typing(request.path["id"], user_id=request.caller.user_id)
    return Response(status=204)


_ID = "05a3:5f0c"
_MESSAGE: dict[str, Any] = {
    "id": "05a3:5f0c:1790000000000-9f86d081884c7d65",
    "chat_id": _ID,
    "pos": 12_000_000,
    "sender_id": "5f0c",
    "content": "Chess at five?",
    "kind": None,
    "sent_at": "2026-09-21T15:06:40.000Z",
}
_CHAT = {
    "id": _ID,
    "person": PROFILE,
    "others": 1,
    "closed": None,
    "last_message": _MESSAGE,
    "unread": 1,
    "created_at": "2026-09-20T08:00:00.000Z",
}
_MEMBERS: dict[str, Any] = {"access": Access.MEMBER, "tag": "chats"}
_HIDDEN = "Returns 404 to everyone but the participants of the chat. "
_CLOSED = (
    "A chat with a person you are not connected to is closed: it can be read, but not written to."
)

ROUTES = (
    Route(
        method="GET",
        path="/chats",
        handler=list_chats,
        summary="List your chats by latest activity",
        description="`person` is the other person, or null when they are gone, hidden, at another "
        "school or blocked. `closed` says why the chat cannot be written to, or is null when it "
        "can. `others` is the number of other participants: more than one only where another "
        "program added them. `unread` counts up to 99.",
        parameters=PAGING,
        answer=ChatPage,
        answer_example={"items": [_CHAT], "next": None},
        errors=PAGE_ERRORS,
        **_MEMBERS,
    ),
    Route(
        method="GET",
        path="/chats/{id}",
        handler=one_chat,
        summary="Get a chat",
        description=_HIDDEN,
        answer=Chat,
        answer_example=_CHAT,
        errors=("chat_not_found",),
        **_MEMBERS,
    ),
    Route(
        method="POST",
        path="/connections/{id}/chat",
        handler=open_chat,
        summary="Open the chat with a connection",
        description="Returns the chat that was opened when the intro was accepted. Creates it "
        "again if another program deleted it.",
        answer=Chat,
        answer_example=_CHAT,
        errors=("profile_not_found", "connection_not_found", "chat_place_taken"),
        **_MEMBERS,
    ),
    Route(
        method="GET",
        path="/chats/{id}/messages",
        handler=list_messages,
        summary="List the messages of a chat",
        description="`older` lists messages backwards from the newest, `newer` forwards from the "
        "first. Both start at `cursor` or `pos` if given. A cursor works in both directions. "
        + _HIDDEN,
        parameters=(
            choice("direction", ("older", "newer"), "The direction to list in."),
            limit(),
            cursor(),
            number(
                "pos",
                "Start after the message with this `pos`.",
                -(2**53),
                2**53,
                example=12_000_000,
            ),
        ),
        answer=MessagePage,
        answer_example={"items": [_MESSAGE], "next": None},
        errors=("bad_cursor", "cursor_with_pos", "chat_not_found"),
        **_MEMBERS,
    ),
    Route(
        method="POST",
        path="/chats/{id}/messages",
        handler=send_message,
        summary="Send a message",
        description="A retry with the same `Idempotency-Key` sends nothing: it returns 200 and the "
        "message that was sent. Keys are remembered for a week. " + _HIDDEN + _CLOSED,
        headers=(text("Idempotency-Key", "A new key for each message, the same key for a retry."),),
        body=NewMessage,
        body_example={"content": "Chess at five?"},
        status=201,
        other_status=200,
        answer=ChatMessage,
        answer_example=_MESSAGE,
        errors=(
            "chat_not_found",
            "chat_closed",
            "messages_not_taken",
            "bad_idempotency_key",
            "key_used",
            "message_gone",
            "too_contended",
        ),
        limit=MESSAGES,
        **_MEMBERS,
    ),
    Route(
        method="POST",
        path="/chats/{id}/read",
        handler=mark_read,
        summary="Mark a chat as read up to a message",
        description="The mark never moves back, and never past the last message. " + _HIDDEN,
        body=ReadUpTo,
        body_example={"pos": 12_000_000},
        status=204,
        errors=("chat_not_found",),
        **_MEMBERS,
    ),
    Route(
        method="POST",
        path="/chats/{id}/typing",
        handler=tell_typing,
        summary="Tell the other person that you are typing",
        description="Nothing is stored. Send it again every few seconds. " + _HIDDEN + _CLOSED,
        status=204,
        errors=("chat_not_found", "chat_closed", "messages_not_taken"),
        **_MEMBERS,
    ),
)


_ChatId = Annotated[str, Meta(min_length=1, max_length=200)]


class Auth(msgspec.Struct, tag="auth", forbid_unknown_fields=True):
    token: Annotated[str, Meta(max_length=4000)]


class Resume(msgspec.Struct, tag="resume", forbid_unknown_fields=True):
    """The last `pos` that the client has of each chat."""

    after: Annotated[dict[_ChatId, Annotated[int, Meta(ge=0, le=2**53)]], Meta(max_length=200)]


class Typing(msgspec.Struct, tag="typing", forbid_unknown_fields=True):
    chat_id: _ChatId


class Ping(msgspec.Struct, tag="ping", forbid_unknown_fields=True):
    pass


class Pong(msgspec.Struct, tag="pong", forbid_unknown_fields=True):
    pass


ClientMessage = Auth | Resume | Typing | Ping | Pong
_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)


class _Refused(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Left(Exception):
    """The client closed, or the connection was lost."""


class LiveSocket:
    """The ASGI application of /live."""

    def __init__(self, services: Services, context: HttpContext) -> None:
        self._browser_sessions = services.browser_sessions
        self._live = services.live
        self._chats = services.chats
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._context.log_fields(scope, dict(scope["headers"]), "WS", "/live")
        with events.of_request(request):
            await self._handle(scope, receive, send)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        try:
            self._count(REQUESTS_FROM, self._context.address(scope))
            code, reason = await self._serve(scope, receive, send)
        except _Left:
            return
        except _Refused as e:
            code, reason = e.code, e.reason
            # The reason for a bad message quotes the message, which the log must not.
            log_code = "bad_message" if code == Close.BAD_MESSAGE else reason
            events.event("socket_refused", logging.WARNING, status=int(code), code=log_code)
        except FAILED as e:
            log.warning("a socket is closed: %s", e)
            code, reason = Close.TRY_LATER, "database_unavailable"
        await send({"type": "websocket.close", "code": code, "reason": reason})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> tuple[int, str]:
        """Serve the socket until something ends it, and return why to close it. Raises _Left,
        _Refused."""
        caller = await self._authenticate(scope) or await self._receive_token(receive)
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
        """Return the caller by the Authorization header or by the pages' cookie, None with neither.
        A browser sends the cookie whichever site opens the socket, so it counts only for a page of
        this very host."""
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

    async def _receive_token(self, receive: Receive) -> Caller:
        try:
            async with asyncio.timeout(AUTH_SECONDS):
                message = await _receive_message(receive)
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
        """Read messages one after the other, each only when the one before is handled."""
        while True:
            message = await _receive_message(receive)
            self._count(REQUESTS, outbox.user_id)
            match message:
                case Auth(token):
                    await self._renew(outbox, token)
                case Resume(after):
                    await self._live.resume(outbox, after)
                case Typing(chat_id):
                    try:
                        self._context.limits.count(TYPING, outbox.user_id)
                        await self._chats.typing(chat_id, user_id=outbox.user_id)
                    except (NotFound, Forbidden, TooMany):
                        continue  # nothing to show to the other person
                case Ping():
                    outbox.put('{"type":"pong"}')

    def _count(self, limit: Limit, subject: str) -> None:
        try:
            self._context.limits.count(limit, subject)
        except TooMany as e:
            raise _Refused(Close.TOO_MANY, e.code) from e

    async def _renew(self, outbox: Outbox, token: str) -> None:
        """Keep the socket open with a new token of the same user."""
        caller = await self._caller(b"Bearer " + token.encode("utf-8"))
        if caller.user_id != outbox.user_id:
            raise _Refused(Close.NOT_SIGNED_IN, "bad_token")
        outbox.session_id, outbox.expires = caller.session_id, caller.expires


async def _receive_message(receive: Receive) -> ClientMessage:
    """Receive the next message of the client. Raises _Left, _Refused."""
    message: Message = await receive()
    if message["type"] == "websocket.disconnect":
        raise _Left
    data = message.get("text") or message.get("bytes") or ""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
        raise _Refused(Close.BAD_MESSAGE, str(e)[:100]) from e
