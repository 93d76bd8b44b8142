"""Routes: blocks and reports."""

from __future__ import annotations

import msgspec

from outgrow.campus.limits import BLOCKS, REPORTS
from outgrow.campus.pagination import Page
from outgrow.campus.safety import MOST_BLOCKED, NewReport
from outgrow.web.api.endpoint import ApiRequest, Route
from outgrow.web.api.schemas import BlockPage, Report
from outgrow.web.http.request import PAGING
from outgrow.web.http.response import Response
from outgrow.web.http.routing import Access


async def block(request: ApiRequest) -> Response:
    await request.services.safety.block(request.caller.user_id, request.path["id"])
    return Response(status=204)


async def unblock(request: ApiRequest) -> Response:
    await request.services.safety.unblock(request.caller.user_id, request.path["id"])
    return Response(status=204)


async def list_blocks(request: ApiRequest) -> Response:
    query = request.query
    page = Page(query["limit"], query["offset"], query["cursor"])
    return Response(await request.services.safety.blocks(page, viewer=request.viewer))


async def report(request: ApiRequest) -> Response:
    report_id = await request.services.safety.report(request.caller.user_id, request.body)
    return Response(msgspec.json.encode({"id": report_id}), 201)


_ID = "5f0c9a1e-6f1f-4a39-9a3e-0d7c5f6a2b11"

ROUTES = (
    Route(
        method="GET",
        path="/blocks",
        handler=list_blocks,
        access=Access.MEMBER,
        tag="safety",
        summary="List the people you blocked, newest first",
        description="`profile` is null for people who are gone; the id is enough to unblock them.",
        parameters=PAGING,
        answer=BlockPage,
        answer_example={
            "items": [{"id": _ID, "profile": None, "created_at": "2026-01-12T09:30:00.000Z"}],
            "next": None,
        },
        errors=("bad_cursor", "cursor_with_offset", "offset_too_large"),
    ),
    Route(
        method="PUT",
        path="/blocks/{id}",
        handler=block,
        access=Access.MEMBER,
        tag="safety",
        summary="Block a person",
        description="Hides the two people from each other everywhere and ends their connection "
        "and pending intros. Neither can tell a block from absence, so the response is the same "
        "whether or not the id exists. At most "
        f"{MOST_BLOCKED:,} people.",
        status=204,
        errors=("about_oneself", "profile_not_found", "too_many_blocks", "too_contended"),
        limit=BLOCKS,
    ),
    Route(
        method="DELETE",
        path="/blocks/{id}",
        handler=unblock,
        access=Access.MEMBER,
        tag="safety",
        summary="Unblock a person",
        description="The chat can be read again; the connection does not come back. A block by "
        "the other side stays.",
        status=204,
        errors=("about_oneself", "profile_not_found", "too_contended"),
    ),
    Route(
        method="POST",
        path="/reports",
        handler=report,
        access=Access.MEMBER,
        tag="safety",
        summary="Report a person to the operator",
        description="`message` is the id of the message in question. The reported person is not "
        "told; block them as well to see no more of them.",
        body=NewReport,
        body_example={"profile": _ID, "reason": "spam", "note": "The same advert, every day."},
        status=201,
        answer=Report,
        answer_example={"id": "0c7c3d0e-7a52-4d6c-9a53-1a1f0f6c2e5d"},
        errors=("about_oneself", "profile_not_found"),
        limit=REPORTS,
    ),
)
