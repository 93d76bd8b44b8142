"""Pages: one's chats, and one of them."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from outgrow.campus.accounts import SignedIn
from outgrow.campus.chats import LONGEST_MESSAGE, NewMessage
from outgrow.campus.limits import MESSAGES
from outgrow.errors import OutgrowError
from outgrow.web.html import people
from outgrow.web.html.assets import segment
from outgrow.web.html.forms import shaped
from outgrow.web.html.page import Ask, Page, Reply, decoded, to
from outgrow.web.http.auth import ACCESS_SECONDS

SHOWN = 40  # messages on one page

# Why nothing can be written, by what the service calls it.
CLOSED = {
    "profile_hidden": (
        "Your profile is hidden, and so your chats are closed.",
        "Show it to write.",
    ),
    "added_outside": (
        "Nothing can be written here: another program added people whom you are not connected to.",
        "",
    ),
    "not_here": ("They are not here any more.", "You can still read this chat."),
    "not_connected": (
        "You are not connected.",
        "One of you ended it, or another program made this chat. You can still read it.",
    ),
    "messages_not_taken": ("They take no messages at this moment.", ""),
}


async def chats(ask: Ask) -> Reply:
    found = decoded(
        await ask.network.chats.page(people.cut(ask), school=ask.school, viewer=ask.user_id)
    )
    rest = people.more("/my/chats", [], found["next"])
    return ask.page("chats.html", chats=found["items"], more=rest)


async def chat_page(ask: Ask) -> Reply:
    return await _chat(ask)


async def _chat(ask: Ask, error: OutgrowError | None = None) -> Reply:
    """The newest messages, which are read by being looked at, or older ones."""
    service, chat_id = ask.network.chats, ask.path["id"]
    chat = decoded(await service.one(chat_id, school=ask.school, viewer=ask.user_id))
    before = ask.query.raw("before") or None
    page: dict[str, Any] = decoded(
        await service.messages(chat_id, "older", SHOWN, viewer=ask.user_id, cursor=before)
    )
    messages = page["items"][::-1]
    path = f"/my/chats/{segment(chat_id)}"
    if chat["unread"] and messages and before is None:
        await service.read(chat_id, messages[-1]["pos"], viewer=ask.user_id)
        ask.network.waiting.forget(ask.user_id)
    return ask.page(
        "chat.html",
        error=error,
        chat=chat,
        messages=messages,
        path=path,
        older=f"{path}?before={page['next']}" if page["next"] else "",
        newest=before is None,
        key=ask.form.raw("key") if error else secrets.token_hex(16),
        longest=LONGEST_MESSAGE,
        closed=CLOSED.get(chat["closed"]),
    )


async def send(ask: Ask) -> Reply:
    chat_id = ask.path["id"]
    try:
        message = shaped({"content": ask.form.text("content")}, NewMessage)
        key = ask.form.raw("key") or None
        await ask.network.chats.send(chat_id, message.content, key, viewer=ask.user_id)
    except OutgrowError as e:
        return await _chat(ask, e)
    return to(f"/my/chats/{segment(chat_id)}#end")


async def token(ask: Ask) -> Reply:
    """For the script of our pages: an access token of this visit, to talk to the API with."""
    assert ask.visit is not None
    issued = await ask.network.tokens.issue(
        SignedIn(ask.user_id, ask.school, ask.visit.session_id, refresh_token="")
    )
    answer = {"access_token": issued, "expires_in": ACCESS_SECONDS}
    return Reply(msgspec.json.encode(answer), content_type=b"application/json")


PAGES = (
    Page(method="GET", path="/my/chats", handler=chats),
    Page(method="GET", path="/my/chats/{id}", handler=chat_page),
    Page(method="POST", path="/my/chats/{id}", handler=send, limit=MESSAGES),
    Page(method="POST", path="/my/token", handler=token),
)
