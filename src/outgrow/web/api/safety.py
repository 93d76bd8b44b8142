"""Routes: blocks and reports."""

from __future__ import annotations

import msgspec

from outgrow.campus.limits import BLOCKS, REPORTS
from outgrow.campus.pages import Page
from outgrow.campus.safety import MOST_BLOCKED, NewReport
from outgrow.web.api.schemas import BlockPage, Report
from outgrow.web.http.parameters import PAGING
from outgrow.web.http.routing import Access, Answer, Call, Route


async def block(call: Call) -> Answer:
    await call.network.safety.block(call.caller.user_id, call.path["id"])
    return Answer(status=204)


async def unblock(call: Call) -> Answer:
    await call.network.safety.unblock(call.caller.user_id, call.path["id"])
    return Answer(status=204)


async def list_blocks(call: Call) -> Answer:
    query = call.query
    page = Page(query["limit"], query["offset"], query["cursor"])
    body = await call.network.safety.blocks(page, school=call.school, viewer=call.caller.user_id)
    return Answer(body)


async def report(call: Call) -> Answer:
    report_id = await call.network.safety.report(call.caller.user_id, call.body)
    return Answer(msgspec.json.encode({"id": report_id}), 201)


_ID = "5f0c9a1e-6f1f-4a39-9a3e-0d7c5f6a2b11"

ROUTES = (
    Route(
        method="GET",
        path="/blocks",
        handler=list_blocks,
        access=Access.MEMBER,
        tag="safety",
        summary="Whom one has blocked, newest first",
        description="`profile` is null for who is gone: the id is enough to unblock.",
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
        summary="Block somebody",
        description="Hides both from each other everywhere, ends their connection and pending "
        "intros, and hides their chat. Neither can tell it from the other's absence; so it is "
        "answered alike whether or not there is somebody of this id. Up to "
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
        summary="Unblock somebody",
        description="The chat is there again; the connection is not. A block by the other side "
        "stays.",
        status=204,
        errors=("about_oneself", "profile_not_found", "too_contended"),
    ),
    Route(
        method="POST",
        path="/reports",
        handler=report,
        access=Access.MEMBER,
        tag="safety",
        summary="Report somebody to the operator",
        description="`message` is the id of the message that it is about. The one who is reported "
        "does not learn of it; to see no more of them, block them too.",
        body=NewReport,
        body_example={"profile": _ID, "reason": "spam", "note": "The same advert, every day."},
        status=201,
        answer=Report,
        answer_example={"id": "0c7c3d0e-7a52-4d6c-9a53-1a1f0f6c2e5d"},
        errors=("about_oneself", "profile_not_found"),
        limit=REPORTS,
    ),
)
