"""Pages for meeting people: browse, search, matches, a profile, connections, blocks and reports."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

from outgrow.campus.limits import BLOCKS, REPORTS
from outgrow.campus.pagination import Page as Paging
from outgrow.campus.pagination import decoded
from outgrow.campus.people.connections import Kind
from outgrow.campus.people.intros import chat_of, relationship
from outgrow.campus.people.profiles import FACETS, Filters, Sort
from outgrow.campus.safety import NewReport
from outgrow.errors import OutgrowError
from outgrow.web.html.assets import segment
from outgrow.web.html.forms import convert_form
from outgrow.web.html.page import Page, PageRequest, redirect
from outgrow.web.http.response import Response

SHOWN = 24  # items of a list on one page
FEW = 6  # items of a list that is part of another page

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


def paging(request: PageRequest, shown: int = SHOWN) -> Paging:
    return Paging(limit=shown, cursor=request.query.line("cursor") and request.query.raw("cursor"))


async def browse_people(request: PageRequest) -> Response:
    query = request.query
    given: dict[str, Any] = {
        "major": query.line("major"),
        "year": query.line("year"),
        "interest": query.comma_list("interest")[:10],
        "looking_for": query.comma_list("looking_for")[:10],
    }
    sort: Sort = "name" if query.raw("sort") == "name" else "newest"
    filters = Filters(
        given["major"], given["year"], tuple(given["interest"]), tuple(given["looking_for"])
    )
    page = decoded(
        await request.services.profiles.page(
            filters,
            sort,
            paging(request),
            viewer=request.viewer,
            total=True,
            facets=FACETS,
        )
    )
    return request.page(
        "people.html",
        results=page,
        given=given,
        sort=sort,
        active=_active(given, sort),
        more=next_address("/people", _pairs(given, sort), page["next"]),
        first=not query.has("cursor"),
    )


def _pairs(given: dict[str, Any], sort: str) -> list[tuple[str, str]]:
    """Return the filters as an address has them."""
    pairs = [(name, given[name]) for name in ("major", "year") if given[name]]
    pairs += [(name, value) for name in ("interest", "looking_for") for value in given[name]]
    return pairs + ([("sort", sort)] if sort != "newest" else [])


def _active(given: dict[str, Any], sort: str) -> list[tuple[str, str]]:
    """Return each filter that is set, with the address without it."""
    pairs = _pairs(given, sort)
    return [
        (pair[1], "/people?" + urlencode([other for other in pairs if other != pair]))
        for pair in pairs
        if pair[0] != "sort"
    ]


def next_address(path: str, pairs: list[tuple[str, str]], cursor: str | None) -> str:
    """Return the address of the next page, "" on the last."""
    return f"{path}?{urlencode([*pairs, ('cursor', cursor)])}" if cursor else ""


async def find_people(request: PageRequest) -> Response:
    typed = request.query.line("q") or ""
    page: dict[str, Any] = {"items": [], "next": None}
    if typed:
        page = decoded(
            await request.services.search.page(typed, paging(request), viewer=request.viewer)
        )
    for item in page["items"]:
        item["marked"] = {h["field"]: h["pieces"] for h in item["highlights"]}
    more = next_address("/find", [("q", typed)], page["next"])
    return request.page("find.html", typed=typed, results=page, more=more)


async def render_person(request: PageRequest, error: OutgrowError | None = None) -> Response:
    user_id = request.path["id"]
    services = request.services
    profile = decoded(await services.profiles.profile(user_id, request.viewer))
    mutual, theirs, ties = await asyncio.gather(
        _connections(request, "mutual", user_id, FEW),
        _connections(request, "of", user_id, FEW),
        relationship(services.database, request.viewer, user_id),
    )
    chat = ""
    if ties.connected and await services.chats.has_chat(request.user_id, user_id):
        chat_id, _ = chat_of(request.user_id, user_id)
        chat = f"/my/chats/{segment(chat_id)}"
    return request.page(
        "person.html",
        error=error,
        person=profile,
        is_self=user_id == request.user_id,
        mutual=mutual,
        theirs=theirs,
        relationship=ties,
        chat=chat,
        reasons=REASONS,
    )


async def person_page(request: PageRequest) -> Response:
    return await render_person(request)


async def _connections(
    request: PageRequest, kind: Kind, user_id: str, shown: int
) -> dict[str, Any]:
    page: dict[str, Any] = decoded(
        await request.services.connections.page(
            kind, user_id, paging(request, shown), viewer=request.viewer
        )
    )
    return page


async def connections_of(request: PageRequest) -> Response:
    return await _list(request, "of", "connections")


async def mutual_connections(request: PageRequest) -> Response:
    return await _list(request, "mutual", "mutual")


async def _list(request: PageRequest, kind: Kind, name: str) -> Response:
    user_id = request.path["id"]
    profile = decoded(await request.services.profiles.profile(user_id, request.viewer))
    page = await _connections(request, kind, user_id, SHOWN)
    more = next_address(f"/people/{segment(user_id)}/{name}", [], page["next"])
    return request.page("connections.html", person=profile, kind=name, results=page, more=more)


async def own_connections(request: PageRequest) -> Response:
    page = await _connections(request, "of", request.user_id, SHOWN)
    more = next_address("/my/connections", [], page["next"])
    return request.page("connections.html", person=None, kind="own", results=page, more=more)


async def meet_page(request: PageRequest) -> Response:
    discover = request.services.discover
    first = not request.query.has("cursor")

    async def suggestions() -> Any:
        if not first:
            return {"items": []}
        page = Paging(limit=FEW)
        return decoded(await discover.suggestions(page, viewer=request.viewer))

    matches, suggested = await asyncio.gather(
        discover.matches(paging(request), viewer=request.viewer),
        suggestions(),
    )
    page = decoded(matches)
    for match in page["items"]:
        match["why"] = _why(match["reasons"])
    for person in suggested["items"]:
        count = person["mutual"]
        person["why"] = f"{count} {'connection' if count == 1 else 'connections'} in common"
    return request.page(
        "meet.html",
        matches=page["items"],
        known=suggested["items"],
        more=next_address("/meet", [], page["next"]),
    )


def _why(reasons: list[dict[str, Any]]) -> str:
    """Return the strongest reasons for a match: `Both: chess, film` or `Same year`."""
    by_kind = {reason["kind"]: reason["values"] for reason in reasons}
    shared = [value for kind in ("interests", "looking_for") for value in by_kind.get(kind, ())]
    goals = by_kind.get("academic_goals", []) + by_kind.get("leisure_goals", [])
    parts = []
    if shared:
        parts.append("Both: " + ", ".join(shared[:3]))
    elif goals:
        parts.append("Both want: " + ", ".join(goals[:2]))
    if "major" in by_kind:
        parts.append("same major")
    elif "year" in by_kind:
        parts.append("same year")
    why = " · ".join(parts)
    return why[:1].upper() + why[1:]


REPORT_REASONS = {
    "harassment": "They harass or threaten people",
    "inappropriate": "Their profile or messages are inappropriate",
    "impersonation": "They pretend to be someone else",
    "spam": "Spam or advertising",
    "other": "Something else",
}


async def block_person(request: PageRequest) -> Response:
    await request.services.safety.block(request.user_id, request.path["id"])
    request.services.changed(request.viewer.school)
    request.services.waiting.forget(request.user_id)
    return redirect("/people?done=blocked")


async def blocked_people(request: PageRequest) -> Response:
    page = decoded(await request.services.safety.blocks(paging(request), viewer=request.viewer))
    more = next_address("/my/blocked", [], page["next"])
    return request.page("blocked.html", blocks=page["items"], more=more)


async def unblock_person(request: PageRequest) -> Response:
    await request.services.safety.unblock(request.user_id, request.path["id"])
    request.services.changed(request.viewer.school)
    return redirect("/my/blocked?done=unblocked")


async def report_form(request: PageRequest) -> Response:
    return await _report_page(request)


async def _report_page(request: PageRequest, error: OutgrowError | None = None) -> Response:
    user_id = request.path["id"]
    profile = decoded(await request.services.profiles.profile(user_id, request.viewer))
    return request.page("report.html", error=error, person=profile, reasons=REPORT_REASONS)


async def report_person(request: PageRequest) -> Response:
    try:
        values = {
            "profile": request.path["id"],
            "reason": request.form.text("reason"),
            "note": request.form.text("note") or None,
        }
        await request.services.safety.report(request.user_id, convert_form(values, NewReport))
    except OutgrowError as e:
        return await _report_page(request, e)
    return redirect("/people?done=reported")


PAGES = (
    Page(method="GET", path="/people", handler=browse_people),
    Page(method="GET", path="/people/{id}", handler=person_page),
    Page(method="GET", path="/people/{id}/connections", handler=connections_of),
    Page(method="GET", path="/people/{id}/mutual", handler=mutual_connections),
    Page(method="GET", path="/find", handler=find_people),
    Page(method="GET", path="/my/connections", handler=own_connections),
    Page(method="GET", path="/meet", handler=meet_page),
    Page(method="POST", path="/people/{id}/block", handler=block_person, limit=BLOCKS),
    Page(method="GET", path="/people/{id}/report", handler=report_form),
    Page(method="POST", path="/people/{id}/report", handler=report_person, limit=REPORTS),
    Page(method="GET", path="/my/blocked", handler=blocked_people),
    Page(method="POST", path="/my/blocked/{id}/unblock", handler=unblock_person),
)
