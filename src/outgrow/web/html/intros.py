"""Pages: intros, from the profile of who is asked to the answer; and the end of a connection."""

from __future__ import annotations

from typing import Any

from outgrow.campus.intros import Direction, NewIntro
from outgrow.campus.limits import INTROS
from outgrow.campus.pages import Page as Cut
from outgrow.errors import OutgrowError
from outgrow.web.html import people
from outgrow.web.html.assets import segment
from outgrow.web.html.forms import shaped
from outgrow.web.html.page import Ask, Page, Reply, decoded, to

_ANSWERED = ("accepted", "declined", "withdrawn", "expired")
_MOST_PENDING = 50


async def incoming(ask: Ask) -> Reply:
    return await _intros(ask, "incoming")


async def sent(ask: Ask) -> Reply:
    return await _intros(ask, "outgoing")


async def _intros(ask: Ask, direction: Direction, error: OutgrowError | None = None) -> Reply:
    async def some(statuses: tuple[str, ...], cut: Cut) -> Any:
        return decoded(
            await ask.network.intros.page(
                direction, statuses, cut, school=ask.school, viewer=ask.user_id
            )
        )

    first = not ask.query.has("cursor")
    pending = await some(("pending",), Cut(limit=_MOST_PENDING)) if first else {"items": []}
    earlier = await some(_ANSWERED, people.cut(ask))
    return ask.page(
        "intros.html",
        error=error,
        direction=direction,
        reasons=people.REASONS,
        pending=pending["items"],
        earlier=earlier["items"],
        more=people.more(ask.scope["path"], [], earlier["next"]),
    )


async def send(ask: Ask) -> Reply:
    user_id = ask.path["id"]
    try:
        values = {
            "to": user_id,
            "reason": ask.form.text("reason"),
            "note": ask.form.text("note") or None,
        }
        intro = shaped(values, NewIntro)
        await ask.network.intros.send(intro, school=ask.school, viewer=ask.user_id)
    except OutgrowError as e:
        return await people.person(ask, e)
    return to(f"/people/{segment(user_id)}?done=intro_sent")


async def accept(ask: Ask) -> Reply:
    _, chat_id = await ask.network.intros.accept(
        ask.path["id"], school=ask.school, viewer=ask.user_id
    )
    ask.network.waiting.forget(ask.user_id)
    return to(f"/my/chats/{segment(chat_id)}?done=accepted")


async def decline(ask: Ask) -> Reply:
    await ask.network.intros.decline(ask.path["id"], school=ask.school, viewer=ask.user_id)
    ask.network.waiting.forget(ask.user_id)
    return to("/my/intros?done=declined")


async def withdraw(ask: Ask) -> Reply:
    await ask.network.intros.withdraw(ask.path["id"], school=ask.school, viewer=ask.user_id)
    return to("/my/intros/sent?done=withdrawn")


async def remove(ask: Ask) -> Reply:
    await ask.network.connections.remove(ask.user_id, ask.path["id"])
    return to("/my/connections?done=removed")


PAGES = (
    Page(method="GET", path="/my/intros", handler=incoming),
    Page(method="GET", path="/my/intros/sent", handler=sent),
    Page(method="POST", path="/people/{id}", handler=send, limit=INTROS),
    Page(method="POST", path="/my/intros/{id}/accept", handler=accept),
    Page(method="POST", path="/my/intros/{id}/decline", handler=decline),
    Page(method="POST", path="/my/intros/{id}/withdraw", handler=withdraw),
    Page(method="POST", path="/people/{id}/remove", handler=remove),
)
