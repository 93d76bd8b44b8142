"""Routes: chats. Live they are at /live, which `live.py` serves."""

from __future__ import annotations

from typing import Any

from outgrow.campus.limits import MESSAGES, TYPING
from outgrow.campus.messaging.chats import NewMessage, ReadUpTo, valid_key
from outgrow.campus.pagination import Page
from outgrow.web.api.endpoint import ApiRequest, Route
from outgrow.web.api.people import PAGE_ERRORS, PROFILE
from outgrow.web.api.schemas import Chat, ChatMessage, ChatPage, MessagePage
from outgrow.web.http.request import PAGING, choice, cursor, limit, number, text
from outgrow.web.http.response import Response
from outgrow.web.http.routing import Access


async def list_chats(request: ApiRequest) -> Response:
    query = request.query
    page = Page(query["limit"], query["offset"], query["cursor"])
    return Response(await request.services.chats.page(page, viewer=request.viewer))


async def one_chat(request: ApiRequest) -> Response:
    return Response(await request.services.chats.one(request.path["id"], viewer=request.viewer))


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
_ONE: dict[str, Any] = {"access": Access.MEMBER, "tag": "chats"}
_HIDDEN = "For anybody but its participants the chat is a 404."
_CLOSED = (
    "You can write to people you are connected to; otherwise the chat is closed and can only be "
    "read."
)

ROUTES = (
    Route(
        method="GET",
        path="/chats",
        handler=list_chats,
        summary="List your chats by latest activity",
        description="`person` is the other person, null when they are gone, hidden, at another "
        "school or blocked. `closed` says why nothing can be written, null when something can. "
        "`others` is the number of other participants: more than one only where another program "
        "added them. `unread` stops at 99.",
        parameters=PAGING,
        answer=ChatPage,
        answer_example={"items": [_CHAT], "next": None},
        errors=PAGE_ERRORS,
        **_ONE,
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
        **_ONE,
    ),
    Route(
        method="POST",
        path="/connections/{id}/chat",
        handler=open_chat,
        summary="Open the chat with a connection",
        description="A connection has a chat since the intro was accepted. Where another program "
        "deleted it, it is made again.",
        answer=Chat,
        answer_example=_CHAT,
        errors=("profile_not_found", "connection_not_found", "chat_place_taken"),
        **_ONE,
    ),
    Route(
        method="GET",
        path="/chats/{id}/messages",
        handler=list_messages,
        summary="List the messages of a chat",
        description="`older` lists back from the newest message, `newer` forward from the first; "
        "both start at `cursor` or `pos` if given. A cursor of this list works in both "
        "directions. " + _HIDDEN,
        parameters=(
            choice("direction", ("older", "newer"), "Where to go."),
            limit(),
            cursor(),
            number(
                "pos",
                "Begin beyond the message with this `pos`.",
                -(2**53),
                2**53,
                example=12_000_000,
            ),
        ),
        answer=MessagePage,
        answer_example={"items": [_MESSAGE], "next": None},
        errors=("bad_cursor", "cursor_with_pos", "chat_not_found"),
        **_ONE,
    ),
    Route(
        method="POST",
        path="/chats/{id}/messages",
        handler=send_message,
        summary="Send a message",
        description="With an Idempotency-Key a retry sends nothing new: it returns 200 and the "
        "message. Keys are remembered for a week. " + _HIDDEN + _CLOSED,
        headers=(text("Idempotency-Key", "A new one for each message, the same to try again."),),
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
        **_ONE,
    ),
    Route(
        method="POST",
        path="/chats/{id}/read",
        handler=mark_read,
        summary="Mark a chat as read up to a message",
        description="A mark never moves back, and never beyond the last message. " + _HIDDEN,
        body=ReadUpTo,
        body_example={"pos": 12_000_000},
        status=204,
        errors=("chat_not_found",),
        **_ONE,
    ),
    Route(
        method="POST",
        path="/chats/{id}/typing",
        handler=tell_typing,
        summary="Tell the other person that you are typing",
        description="Nothing is stored; send it again every few seconds. " + _HIDDEN + _CLOSED,
        status=204,
        errors=("chat_not_found", "chat_closed", "messages_not_taken"),
        **_ONE,
    ),
)
