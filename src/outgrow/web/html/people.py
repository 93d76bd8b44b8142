"""Pages: the people of one's school, found by looking around, by name, and one of them."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

from outgrow.campus.pagination import Page as Cut
from outgrow.campus.pagination import decoded
from outgrow.campus.people.connections import Kind
from outgrow.campus.people.intros import chat_of
from outgrow.campus.people.profiles import FACETS, Filters, Sort
from outgrow.campus.people.relationship import between
from outgrow.errors import OutgrowError
from outgrow.web.html.assets import segment
from outgrow.web.html.page import Page, PageRequest
from outgrow.web.http.response import Response

SHOWN = 24  # of a list on one page
FEW = 6  # of a list that is a part of another page

# What one may want to meet for, as the intros' service names it.
REASONS = {
    "friends": "Making friends",
    "study": "Studying together",
    "collaborate": "A project",
    "roommate": "Sharing a place",
    "event-buddy": "Going out",
    "workout-partner": "Working out",
    "dining-companion": "Eating together",
    "network": "Work and careers",
}


def cut(request: PageRequest, shown: int = SHOWN) -> Cut:
    return Cut(limit=shown, cursor=request.query.line("cursor") and request.query.raw("cursor"))


async def browse(request: PageRequest) -> Response:
    query = request.query
    given: dict[str, Any] = {
        "major": query.line("major"),
        "year": query.line("year"),
        "interest": query.words("interest")[:10],
        "looking_for": query.words("looking_for")[:10],
    }
    sort: Sort = "name" if query.raw("sort") == "name" else "newest"
    filters = Filters(
        given["major"], given["year"], tuple(given["interest"]), tuple(given["looking_for"])
    )
    found = decoded(
        await request.services.profiles.page(
            filters,
            sort,
            cut(request),
            viewer=request.viewer,
            total=True,
            facets=FACETS,
        )
    )
    return request.page(
        "people.html",
        found=found,
        given=given,
        sort=sort,
        active=_active(given, sort),
        more=more("/people", _pairs(given, sort), found["next"]),
        first=not query.has("cursor"),
    )


def _pairs(given: dict[str, Any], sort: str) -> list[tuple[str, str]]:
    """The filters as they stand in an address."""
    pairs = [(name, given[name]) for name in ("major", "year") if given[name]]
    pairs += [(name, value) for name in ("interest", "looking_for") for value in given[name]]
    return pairs + ([("sort", sort)] if sort != "newest" else [])


def _active(given: dict[str, Any], sort: str) -> list[tuple[str, str]]:
    """Each filter that is set, and the address without it."""
    pairs = _pairs(given, sort)
    return [
        (pair[1], "/people?" + urlencode([other for other in pairs if other != pair]))
        for pair in pairs
        if pair[0] != "sort"
    ]


def more(path: str, pairs: list[tuple[str, str]], cursor: str | None) -> str:
    return f"{path}?{urlencode([*pairs, ('cursor', cursor)])}" if cursor else ""


async def find(request: PageRequest) -> Response:
    typed = request.query.line("q") or ""
    found: dict[str, Any] = {"items": [], "next": None}
    if typed:
        found = decoded(
            await request.services.search.page(typed, cut(request), viewer=request.viewer)
        )
    for item in found["items"]:
        item["marked"] = {h["field"]: h["pieces"] for h in item["highlights"]}
    rest = more("/find", [("q", typed)], found["next"])
    return request.page("find.html", typed=typed, found=found, more=rest)


async def person(request: PageRequest, error: OutgrowError | None = None) -> Response:
    user_id = request.path["id"]
    services = request.services
    shown = decoded(await services.profiles.one(user_id, request.viewer))
    mutual, theirs, between_us = await asyncio.gather(
        _connections(request, "mutual", user_id, FEW),
        _connections(request, "of", user_id, FEW),
        between(services.database, request.viewer, user_id),
    )
    chat = ""
    if between_us.connected and await services.chats.is_there(request.user_id, user_id):
        chat_id, _ = chat_of(request.user_id, user_id)
        chat = f"/my/chats/{segment(chat_id)}"
    return request.page(
        "person.html",
        error=error,
        person=shown,
        is_self=user_id == request.user_id,
        mutual=mutual,
        theirs=theirs,
        between=between_us,
        chat=chat,
        reasons=REASONS,
    )


async def person_page(request: PageRequest) -> Response:
    return await person(request)


async def _connections(
    request: PageRequest, kind: Kind, user_id: str, shown: int
) -> dict[str, Any]:
    page: dict[str, Any] = decoded(
        await request.services.connections.page(
            kind, user_id, cut(request, shown), viewer=request.viewer
        )
    )
    return page


async def connections_of(request: PageRequest) -> Response:
    return await _list(request, "of", "connections")


async def mutual_connections(request: PageRequest) -> Response:
    return await _list(request, "mutual", "mutual")


async def _list(request: PageRequest, kind: Kind, name: str) -> Response:
    user_id = request.path["id"]
    shown = decoded(await request.services.profiles.one(user_id, request.viewer))
    found = await _connections(request, kind, user_id, SHOWN)
    rest = more(f"/people/{segment(user_id)}/{name}", [], found["next"])
    return request.page("connections.html", person=shown, kind=name, found=found, more=rest)


async def own_connections(request: PageRequest) -> Response:
    found = await _connections(request, "of", request.user_id, SHOWN)
    rest = more("/my/connections", [], found["next"])
    return request.page("connections.html", person=None, kind="own", found=found, more=rest)


PAGES = (
    Page(method="GET", path="/people", handler=browse),
    Page(method="GET", path="/people/{id}", handler=person_page),
    Page(method="GET", path="/people/{id}/connections", handler=connections_of),
    Page(method="GET", path="/people/{id}/mutual", handler=mutual_connections),
    Page(method="GET", path="/find", handler=find),
    Page(method="GET", path="/my/connections", handler=own_connections),
)
