"""Pages: intros, from the profile of who is asked to the answer; and the end of a connection."""

from __future__ import annotations

from typing import Any

from outgrow.campus.limits import INTROS
from outgrow.campus.pagination import Page as Cut
from outgrow.campus.pagination import decoded
from outgrow.campus.people.intros import Direction, NewIntro
from outgrow.errors import OutgrowError
from outgrow.web.html import people
from outgrow.web.html.assets import segment
from outgrow.web.html.forms import shaped
from outgrow.web.html.page import Page, PageRequest, to
from outgrow.web.http.response import Response

_ANSWERED = ("accepted", "declined", "withdrawn", "expired")
_MOST_PENDING = 50


async def incoming(request: PageRequest) -> Response:
    return await _intros(request, "incoming")


async def sent(request: PageRequest) -> Response:
    return await _intros(request, "outgoing")


async def _intros(
    request: PageRequest, direction: Direction, error: OutgrowError | None = None
) -> Response:
    async def some(statuses: tuple[str, ...], cut: Cut) -> Any:
        return decoded(
            await request.services.intros.page(direction, statuses, cut, viewer=request.viewer)
        )

    first = not request.query.has("cursor")
    pending = await some(("pending",), Cut(limit=_MOST_PENDING)) if first else {"items": []}
    earlier = await some(_ANSWERED, people.cut(request))
    return request.page(
        "intros.html",
        error=error,
        direction=direction,
        reasons=people.REASONS,
        pending=pending["items"],
        earlier=earlier["items"],
        more=people.more(request.scope["path"], [], earlier["next"]),
    )


async def send(request: PageRequest) -> Response:
    user_id = request.path["id"]
    try:
        values = {
            "to": user_id,
            "reason": request.form.text("reason"),
            "note": request.form.text("note") or None,
        }
        intro = shaped(values, NewIntro)
        await request.services.intros.send(intro, viewer=request.viewer)
    except OutgrowError as e:
        return await people.person(request, e)
    return to(f"/people/{segment(user_id)}?done=intro_sent")


async def accept(request: PageRequest) -> Response:
    _, chat_id = await request.services.intros.accept(request.path["id"], viewer=request.viewer)
    request.services.waiting.forget(request.user_id)
    return to(f"/my/chats/{segment(chat_id)}?done=accepted")


async def decline(request: PageRequest) -> Response:
    await request.services.intros.decline(request.path["id"], viewer=request.viewer)
    request.services.waiting.forget(request.user_id)
    return to("/my/intros?done=declined")


async def withdraw(request: PageRequest) -> Response:
    await request.services.intros.withdraw(request.path["id"], viewer=request.viewer)
    return to("/my/intros/sent?done=withdrawn")


async def remove(request: PageRequest) -> Response:
    await request.services.connections.remove(request.user_id, request.path["id"])
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
