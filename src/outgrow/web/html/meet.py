"""Page: whom to get to know, by what is shared and by whom one knows."""

from __future__ import annotations

import asyncio
from typing import Any

from outgrow.campus.pagination import Page as Cut
from outgrow.campus.pagination import decoded
from outgrow.web.html import people
from outgrow.web.html.page import Page, PageRequest
from outgrow.web.http.response import Response


async def meet(request: PageRequest) -> Response:
    discover = request.services.discover
    first = not request.query.has("cursor")

    async def known() -> Any:
        if not first:
            return {"items": []}
        some = Cut(limit=people.FEW)
        return decoded(await discover.suggestions(some, viewer=request.viewer))

    matches, known_by = await asyncio.gather(
        discover.matches(people.cut(request), viewer=request.viewer),
        known(),
    )
    found = decoded(matches)
    for match in found["items"]:
        match["why"] = _why(match["reasons"])
    for person in known_by["items"]:
        count = person["mutual"]
        person["why"] = f"{count} {'connection' if count == 1 else 'connections'} in common"
    return request.page(
        "meet.html",
        matches=found["items"],
        known=known_by["items"],
        more=people.more("/meet", [], found["next"]),
    )


def _why(reasons: list[dict[str, Any]]) -> str:
    """`Both: chess, film` or `Same year`: the surest of what is shared, in few words."""
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


PAGES = (Page(method="GET", path="/meet", handler=meet),)
