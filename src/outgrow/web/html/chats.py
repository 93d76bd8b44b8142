"""Pages for getting in touch: intros and their answers, the end of a connection, chats."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from outgrow.campus.accounts.sessions import SignedIn
from outgrow.campus.limits import INTROS, MESSAGES
from outgrow.campus.messaging.chats import LONGEST_MESSAGE, NewMessage
from outgrow.campus.pagination import Page as Paging
from outgrow.campus.pagination import decoded
from outgrow.campus.people.intros import Direction, NewIntro
from outgrow.errors import OutgrowError
from outgrow.web.html import people
from outgrow.web.html.assets import segment
from outgrow.web.html.forms import convert_form
from outgrow.web.html.page import Page, PageRequest, redirect
from outgrow.web.http.auth import ACCESS_SECONDS
from outgrow.web.http.response import Response

MESSAGES_SHOWN = 40  # messages on one page

# Why a chat is closed, by the reason that the service gives.
CLOSED = {
    "profile_hidden": (
        "Your profile is hidden, so your chats are closed.",
        "Show your profile to write.",
    ),
    "added_outside": (
        "You cannot write here: another program added people you are not connected to.",
        "",
    ),
    "not_here": ("They are not here any more.", "You can still read this chat."),
    "not_connected": (
        "You are not connected.",
        "The connection was removed, or another program made this chat. You can still read it.",
    ),
    "messages_not_taken": ("They are not accepting messages at the moment.", ""),
}


async def list_chats(request: PageRequest) -> Response:
    page = decoded(await request.services.chats.page(people.paging(request), viewer=request.viewer))
    more = people.next_address("/my/chats", [], page["next"])
    return request.page("chats.html", chats=page["items"], more=more)


async def chat_page(request: PageRequest) -> Response:
    return await _chat(request)


async def _chat(request: PageRequest, error: OutgrowError | None = None) -> Response:
    """Show the newest messages, and mark them as read, or older ones."""
    service, chat_id = request.services.chats, request.path["id"]
    chat = decoded(await service.chat(chat_id, viewer=request.viewer))
    before = request.query.raw("before") or None
    page: dict[str, Any] = decoded(
        await service.messages(
            chat_id, "older", MESSAGES_SHOWN, user_id=request.user_id, cursor=before
        )
    )
    messages = page["items"][::-1]
    path = f"/my/chats/{segment(chat_id)}"
    if chat["unread"] and messages and before is None:
        await service.read(chat_id, messages[-1]["pos"], user_id=request.user_id)
        request.services.waiting.forget(request.user_id)
    return request.page(
        "chat.html",
        error=error,
        chat=chat,
        messages=messages,
        path=path,
        older=f"{path}?before={page['next']}" if page["next"] else "",
        newest=before is None,
        key=request.form.raw("key") if error else secrets.token_hex(16),
        longest=LONGEST_MESSAGE,
        closed=CLOSED.get(chat["closed"]),
    )


async def send_message(request: PageRequest) -> Response:
    chat_id = request.path["id"]
    try:
        message = convert_form({"content": request.form.text("content")}, NewMessage)
        key = request.form.raw("key") or None
        await request.services.chats.send(chat_id, message.content, key, user_id=request.user_id)
    except OutgrowError as e:
        return await _chat(request, e)
    return redirect(f"/my/chats/{segment(chat_id)}#end")


async def open_chat(request: PageRequest) -> Response:
    """Create the chat with a connection again, in case another program deleted it."""
    chat = decoded(await request.services.chats.open(request.path["id"], viewer=request.viewer))
    return redirect(f"/my/chats/{segment(chat['id'])}#end")


async def issue_token(request: PageRequest) -> Response:
    """Return an access token of this session, with which the pages' script calls the API."""
    assert request.session is not None
    issued = await request.context.tokens.issue(
        SignedIn(
            request.user_id, request.viewer.school, request.session.session_id, refresh_token=""
        )
    )
    answer = {"access_token": issued, "expires_in": ACCESS_SECONDS}
    return Response(msgspec.json.encode(answer), content_type=b"application/json")


_ANSWERED = ("accepted", "declined", "withdrawn", "expired")
_MOST_PENDING = 50


async def incoming_intros(request: PageRequest) -> Response:
    return await _intros(request, "incoming")


async def sent_intros(request: PageRequest) -> Response:
    return await _intros(request, "outgoing")


async def _intros(
    request: PageRequest, direction: Direction, error: OutgrowError | None = None
) -> Response:
    async def intros(statuses: tuple[str, ...], paging: Paging) -> Any:
        return decoded(
            await request.services.intros.page(direction, statuses, paging, viewer=request.viewer)
        )

    first = not request.query.has("cursor")
    pending = await intros(("pending",), Paging(limit=_MOST_PENDING)) if first else {"items": []}
    earlier = await intros(_ANSWERED, people.paging(request))
    return request.page(
        "intros.html",
        error=error,
        direction=direction,
        reasons=people.REASONS,
        pending=pending["items"],
        earlier=earlier["items"],
        more=people.next_address(request.scope["path"], [], earlier["next"]),
    )


async def send_intro(request: PageRequest) -> Response:
    user_id = request.path["id"]
    try:
        values = {
            "to": user_id,
            "reason": request.form.text("reason"),
            "note": request.form.text("note") or None,
        }
        intro = convert_form(values, NewIntro)
        await request.services.intros.send(intro, viewer=request.viewer)
    except OutgrowError as e:
        return await people.render_person(request, e)
    return redirect(f"/people/{segment(user_id)}?done=intro_sent")


async def accept_intro(request: PageRequest) -> Response:
    _, chat_id = await request.services.intros.accept(request.path["id"], viewer=request.viewer)
    request.services.waiting.forget(request.user_id)
    return redirect(f"/my/chats/{segment(chat_id)}?done=accepted")


async def decline_intro(request: PageRequest) -> Response:
    await request.services.intros.decline(request.path["id"], viewer=request.viewer)
    request.services.waiting.forget(request.user_id)
    return redirect("/my/intros?done=declined")


async def withdraw_intro(request: PageRequest) -> Response:
    await request.services.intros.withdraw(request.path["id"], viewer=request.viewer)
    return redirect("/my/intros/sent?done=withdrawn")


async def remove_connection(request: PageRequest) -> Response:
    await request.services.connections.remove(request.user_id, request.path["id"])
    return redirect("/my/connections?done=removed")


PAGES = (
    Page(method="GET", path="/my/chats", handler=list_chats),
    Page(method="GET", path="/my/chats/{id}", handler=chat_page),
    Page(method="POST", path="/my/chats/{id}", handler=send_message, limit=MESSAGES),
    Page(method="POST", path="/people/{id}/chat", handler=open_chat),
    Page(method="POST", path="/my/token", handler=issue_token),
    Page(method="GET", path="/my/intros", handler=incoming_intros),
    Page(method="GET", path="/my/intros/sent", handler=sent_intros),
    Page(method="POST", path="/people/{id}", handler=send_intro, limit=INTROS),
    Page(method="POST", path="/my/intros/{id}/accept", handler=accept_intro),
    Page(method="POST", path="/my/intros/{id}/decline", handler=decline_intro),
    Page(method="POST", path="/my/intros/{id}/withdraw", handler=withdraw_intro),
    Page(method="POST", path="/people/{id}/remove", handler=remove_connection),
)
