"""Routes: whom to get to know."""

from __future__ import annotations

from outgrow.campus.pagination import Page
from outgrow.web.api.endpoint import ApiRequest, Route
from outgrow.web.api.people import _NEXT, PROFILE
from outgrow.web.api.schemas import MatchPage, SuggestionPage
from outgrow.web.http.request import cursor, limit
from outgrow.web.http.response import Response
from outgrow.web.http.routing import Access


def _page(request: ApiRequest) -> Page:
    return Page(request.query["limit"], 0, request.query["cursor"])


async def discover(request: ApiRequest) -> Response:
    return Response(await request.services.discover.matches(_page(request), viewer=request.viewer))


async def suggestions(request: ApiRequest) -> Response:
    body = await request.services.discover.suggestions(_page(request), viewer=request.viewer)
    return Response(body)


_LEFT_OUT = "You, your connections, people with a pending intro and hidden people are left out."

ROUTES = (
    Route(
        method="GET",
        path="/discover",
        handler=discover,
        access=Access.MEMBER,
        tag="discover",
        summary="Rank the people of your school by what they have in common with you",
        description="Best match first. The score is out of 100: 6 for each shared interest (up to "
        "30), 10 for each thing both look for (up to 20), 5 for each shared goal (up to 15) and "
        "trait of personality (up to 10), 15 for the same major, 10 for the same year. The most "
        f"promising people are ranked; the rest of the school follows, newest first. {_LEFT_OUT}",
        parameters=(limit(), cursor()),
        answer=MatchPage,
        answer_example={
            "items": [
                {
                    **PROFILE,
                    "score": 31,
                    "reasons": [
                        {"kind": "interests", "values": ["chess"]},
                        {"kind": "looking_for", "values": ["friends"]},
                        {"kind": "major", "values": ["Computer Science"]},
                    ],
                }
            ],
            "next": _NEXT,
        },
        errors=("bad_cursor",),
    ),
    Route(
        method="GET",
        path="/suggestions",
        handler=suggestions,
        access=Access.MEMBER,
        tag="discover",
        summary="Suggest people whom your connections know",
        description="Most mutual connections first, then newest; at most 500 people, from your "
        f"newest 200 connections and the newest 200 of each of them. {_LEFT_OUT}",
        parameters=(limit(), cursor()),
        answer=SuggestionPage,
        answer_example={"items": [{**PROFILE, "mutual": 3}], "next": _NEXT},
        errors=("bad_cursor",),
    ),
)
