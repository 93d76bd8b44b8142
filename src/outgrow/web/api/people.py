"""Routes for finding people: profiles, connections, search, schools, matches and suggestions."""

from __future__ import annotations

from typing import Any

from outgrow.campus import Viewer
from outgrow.campus.pagination import Page
from outgrow.campus.people.connections import Kind
from outgrow.campus.people.profiles import FACETS, Filters, NewProfile, ProfileChanges
from outgrow.errors import Forbidden
from outgrow.web.api.endpoint import ApiRequest, Route
from outgrow.web.api.schemas import (
    FoundPage,
    MatchPage,
    OwnProfile,
    Profile,
    ProfilePage,
    SchoolPage,
    SuggestionPage,
)
from outgrow.web.http.request import PAGING, choice, choices, cursor, flag, limit, text
from outgrow.web.http.response import HEADERS, Response
from outgrow.web.http.routing import Access


def _page(request: ApiRequest) -> Page:
    query = request.query
    return Page(query["limit"], query["offset"], query["cursor"])


async def list_profiles(request: ApiRequest) -> Response:
    query = request.query
    if query["school"] not in (None, request.viewer.school):
        raise Forbidden(
            "other_school",
            "you can see the people of your own school only",
            hint="leave school out",
        )
    filters = Filters(query["major"], query["year"], query["interest"], query["looking_for"])
    body = await request.services.profiles.page(
        filters,
        query["sort"],
        _page(request),
        viewer=request.viewer,
        total=query["total"],
        facets=query["facets"],
    )
    return Response(body)


async def one_profile(request: ApiRequest) -> Response:
    return Response(await request.services.profiles.profile(request.path["id"], request.viewer))


async def own_profile(request: ApiRequest) -> Response:
    return Response(await request.services.profiles.own_profile(request.caller.user_id))


async def create_profile(request: ApiRequest) -> Response:
    body: NewProfile = request.body
    user_id = request.caller.user_id
    await request.services.accounts.add_profile(user_id, body)
    request.services.changed(body.school)
    headers = (*HEADERS, (b"location", b"/profiles/me"))
    return Response(await request.services.profiles.own_profile(user_id), 201, headers=headers)


async def change_profile(request: ApiRequest) -> Response:
    caller = request.caller
    return Response(
        await request.services.profiles.change(caller.user_id, caller.school, request.body)
    )


async def own_connections(request: ApiRequest) -> Response:
    return await _connections(request, _sorted(request), request.caller.user_id)


async def connections_of(request: ApiRequest) -> Response:
    return await _connections(request, _sorted(request), request.path["id"])


async def mutual_connections(request: ApiRequest) -> Response:
    return await _connections(request, "mutual", request.path["id"])


async def connected_by(request: ApiRequest) -> Response:
    return await _connections(request, "by", request.path["id"])


def _sorted(request: ApiRequest) -> Kind:
    return "named" if request.query["sort"] == "name" else "of"


async def _connections(request: ApiRequest, kind: Kind, user_id: str) -> Response:
    body = await request.services.connections.page(
        kind, user_id, _page(request), viewer=request.viewer
    )
    return Response(body)


async def search_people(request: ApiRequest) -> Response:
    body = await request.services.search.page(
        request.query["q"], _page(request), viewer=request.viewer
    )
    return Response(body)


async def list_schools(request: ApiRequest) -> Response:
    counts = request.query["counts"]
    if not counts:
        return Response(await request.services.schools.page(_page(request)))
    caller = await request.context.tokens.caller(request.headers.get(b"authorization"))
    school = caller.school or await request.services.accounts.school(caller.user_id)
    viewer = None if school is None else Viewer(caller.user_id, school)
    return Response(await request.services.schools.page(_page(request), counts=True, viewer=viewer))


PROFILE: dict[str, Any] = {
    "id": "5f0c9a1e-6f1f-4a39-9a3e-0d7c5f6a2b11",
    "name": "Ada Okafor",
    "school": "Northfield University",
    "major": "Computer Science",
    "year": "Junior",
    "age": 20,
    "pronouns": None,
    "bio": "Builds small robots.",
    "interests": ["climbing", "chess"],
    "looking_for": ["friends", "study"],
    "personality": None,
    "goals": {"academic": ["research"], "career": "robotics"},
    "living_habits": None,
    "photos": None,
    "profile_picture": None,
    "additional_info": None,
    "created_at": "2025-09-03T08:15:00.000Z",
}
_NEXT = "q2Vb0c9QpH8rJ1kXWyIyMDI1LTA5LTAzIl0"
_PAGE = {"items": [PROFILE], "next": _NEXT}
_OWN = {
    **PROFILE,
    "email": "ada@northfield.example",
    "settings": {
        "profile_visible": True,
        "read_receipts": True,
        "allow_messages": True,
    },
}
PAGE_ERRORS = ("bad_cursor", "cursor_with_offset", "offset_too_large")
_FOUND = {
    **PROFILE,
    "match": "begins",
    "highlights": [{"field": "name", "pieces": ["", "Ada", " ", "Okaf", "or"]}],
}
_LIST: dict[str, Any] = {
    "method": "GET",
    "access": Access.MEMBER,
    "tag": "connections",
    "parameters": PAGING,
    "answer": ProfilePage,
    "answer_example": _PAGE,
}
_SORTED_LIST = {
    **_LIST,
    "parameters": (choice("sort", ("newest", "name"), "The order of the list."), *PAGING),
}


def _cursor_page(request: ApiRequest) -> Page:
    return Page(request.query["limit"], 0, request.query["cursor"])


async def list_matches(request: ApiRequest) -> Response:
    return Response(
        await request.services.discover.matches(_cursor_page(request), viewer=request.viewer)
    )


async def list_suggestions(request: ApiRequest) -> Response:
    body = await request.services.discover.suggestions(_cursor_page(request), viewer=request.viewer)
    return Response(body)


_LEFT_OUT = (
    "Leaves out yourself, your connections, hidden people, and people with a pending intro from or "
    "to you."
)

ROUTES = (
    Route(
        method="GET",
        path="/profiles",
        handler=list_profiles,
        access=Access.MEMBER,
        tag="profiles",
        summary="List the people of your school",
        description="Lists visible profiles, your own included. Filters combine: a profile must "
        "have every `interest` and every `looking_for` given. `total` and `facets` count all "
        "matches. Changes that other programs make in the store may take 20 seconds to appear.",
        parameters=(
            text("school", "Your own school; any other is refused."),
            text("major", "Only people with exactly this major.", example="Computer Science"),
            text("year", "Only people in exactly this year.", example="Junior"),
            text("interest", "Only people with this interest; may be repeated.", many=True),
            text(
                "looking_for", "Only people who are looking for this; may be repeated.", many=True
            ),
            choice("sort", ("newest", "name"), "The order of the list."),
            *PAGING,
            flag("total", "Count all matches."),
            choices(
                "facets", FACETS, "Count matches by these fields, each without its own filter."
            ),
        ),
        answer=ProfilePage,
        answer_example=_PAGE,
        errors=("other_school", *PAGE_ERRORS),
    ),
    Route(
        method="POST",
        path="/profiles",
        handler=create_profile,
        access=Access.SIGNED_IN,
        tag="profiles",
        summary="Create the profile of your account",
        body=NewProfile,
        body_example={"name": "Ada Okafor", "school": "Northfield University"},
        status=201,
        answer=OwnProfile,
        answer_example=_OWN,
        errors=(
            *("profile_exists", "profile_place_taken"),
            *("email_not_of_school", "email_not_verified", "school_lookalike"),
        ),
    ),
    Route(
        method="GET",
        path="/profiles/me",
        handler=own_profile,
        access=Access.SIGNED_IN,
        tag="profiles",
        summary="Get your own profile, with e-mail and settings",
        answer=OwnProfile,
        answer_example=_OWN,
        errors=("no_own_profile",),
    ),
    Route(
        method="PATCH",
        path="/profiles/me",
        handler=change_profile,
        access=Access.SIGNED_IN,
        tag="profiles",
        summary="Change your own profile",
        description="Omitted fields stay as they are, and `null` clears a field. Lists and goals "
        "are replaced as a whole; settings change one by one. Concurrent changes to different "
        "fields are all kept.",
        body=ProfileChanges,
        body_example={"bio": "Builds small robots.", "pronouns": None},
        answer=OwnProfile,
        answer_example=_OWN,
        errors=("no_own_profile", "school_is_fixed"),
    ),
    Route(
        method="GET",
        path="/profiles/{id}",
        handler=one_profile,
        access=Access.MEMBER,
        tag="profiles",
        summary="Get the profile of a person at your school",
        description="Returns 404 for hidden people and for people of other schools.",
        answer=Profile,
        answer_example=PROFILE,
        errors=("profile_not_found",),
    ),
    Route(
        path="/connections",
        handler=own_connections,
        summary="List your connections",
        errors=("profile_not_found", *PAGE_ERRORS),
        **_SORTED_LIST,
    ),
    Route(
        path="/profiles/{id}/connections",
        handler=connections_of,
        summary="List a person's connections",
        errors=("profile_not_found", *PAGE_ERRORS),
        **_SORTED_LIST,
    ),
    Route(
        path="/profiles/{id}/connections/mutual",
        handler=mutual_connections,
        summary="List the connections that you and a person share",
        errors=("profile_not_found", *PAGE_ERRORS),
        **_LIST,
    ),
    Route(
        path="/profiles/{id}/connected-by",
        handler=connected_by,
        summary="List the people who have this person among their connections",
        errors=("profile_not_found", *PAGE_ERRORS),
        **_LIST,
    ),
    Route(
        method="GET",
        path="/search",
        handler=search_people,
        access=Access.MEMBER,
        tag="search",
        summary="Search the people of your school",
        description="Matches prefixes of words, ignores accents and case, and allows one typo in "
        "each word of a name. Best matches come first. `match` says how a person matched, and "
        "`highlights` where.",
        parameters=(
            text("q", "The text to search for.", required=True, example="ada okaf"),
            *PAGING,
        ),
        answer=FoundPage,
        answer_example={"items": [_FOUND], "next": None},
        errors=PAGE_ERRORS,
    ),
    Route(
        method="GET",
        path="/schools",
        handler=list_schools,
        access=Access.PUBLIC,
        tag="schools",
        summary="List the schools by name",
        description="Changes that other programs make in the store may take 20 seconds to appear. "
        "`resembles` names a school with e-mail domains whose name looks the same.",
        parameters=(
            *PAGING,
            flag("counts", "Count the members of each; requires an access token."),
        ),
        answer=SchoolPage,
        answer_example={"items": [{"name": "Northfield University"}], "next": None},
        errors=(*PAGE_ERRORS, "not_signed_in", "bad_token", "token_expired"),
    ),
    Route(
        method="GET",
        path="/discover",
        handler=list_matches,
        access=Access.MEMBER,
        tag="discover",
        summary="List the people of your school by what they share with you",
        description="Best matches come first. The score is out of 100: 6 for each shared interest "
        "(up to 30), 10 for each thing that both look for (up to 20), 5 for each shared goal (up "
        "to 15), 5 for each shared trait of personality (up to 10), 15 for the same major and 10 "
        "for the same year. The most promising people are ranked; the rest of the school follows, "
        f"newest first. {_LEFT_OUT}",
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
        handler=list_suggestions,
        access=Access.MEMBER,
        tag="discover",
        summary="List people whom your connections know",
        description="People with the most mutual connections come first, then the newest. Lists at "
        "most 500 people, from your newest 200 connections and the newest 200 connections of each. "
        f"{_LEFT_OUT}",
        parameters=(limit(), cursor()),
        answer=SuggestionPage,
        answer_example={"items": [{**PROFILE, "mutual": 3}], "next": _NEXT},
        errors=("bad_cursor",),
    ),
)
