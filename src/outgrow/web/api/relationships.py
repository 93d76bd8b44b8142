"""Routes between two people: intros, the end of a connection, blocks and reports."""

from __future__ import annotations

from typing import Any

import msgspec

from outgrow.campus.limits import BLOCKS, INTROS, REPORTS
from outgrow.campus.pagination import Page
from outgrow.campus.people.intros import STATUSES, Direction, NewIntro
from outgrow.campus.safety import MOST_BLOCKED, NewReport
from outgrow.web.api.endpoint import ApiRequest, Route
from outgrow.web.api.people import PAGE_ERRORS, PROFILE
from outgrow.web.api.schemas import AcceptedIntro, BlockPage, Intro, IntroPage, Report
from outgrow.web.http.request import PAGING, choices
from outgrow.web.http.response import Response
from outgrow.web.http.routing import Access


async def send_intro(request: ApiRequest) -> Response:
    return Response(await request.services.intros.send(request.body, viewer=request.viewer), 201)


async def incoming_intros(request: ApiRequest) -> Response:
    return await _intros(request, "incoming")


async def outgoing_intros(request: ApiRequest) -> Response:
    return await _intros(request, "outgoing")


async def _intros(request: ApiRequest, direction: Direction) -> Response:
    query = request.query
    body = await request.services.intros.page(
        direction,
        query["status"],
        Page(query["limit"], query["offset"], query["cursor"]),
        viewer=request.viewer,
    )
    return Response(body)


async def accept_intro(request: ApiRequest) -> Response:
    intro, chat_id = await request.services.intros.accept(request.path["id"], viewer=request.viewer)
    return Response(b'{"intro":%b,"chat_id":%b}' % (intro, msgspec.json.encode(chat_id)))


async def decline_intro(request: ApiRequest) -> Response:
    body = await request.services.intros.decline(request.path["id"], viewer=request.viewer)
    return Response(body)


async def withdraw_intro(request: ApiRequest) -> Response:
    body = await request.services.intros.withdraw(request.path["id"], viewer=request.viewer)
    return Response(body)


async def remove_connection(request: ApiRequest) -> Response:
    await request.services.connections.remove(request.caller.user_id, request.path["id"])
    return Response(status=204)


_INTRO: dict[str, Any] = {
    "id": "c0ffee00-1d1d-4c3c-8f3e-2a7b1c9d5e42:5f0c9a1e-6f1f-4a39-9a3e-0d7c5f6a2b11:1757923200000",
    "direction": "outgoing",
    "status": "pending",
    "reason": "study",
    "note": "We are both in Linear Algebra. Shall we study together?",
    "created_at": "2025-09-15T08:00:00.000Z",
    "answered_at": None,
    "person": PROFILE,
}
_ACCEPTED = {
    **_INTRO,
    "direction": "incoming",
    "status": "accepted",
    "answered_at": "2025-09-15T09:12:30.250Z",
}
_NEXT = "q2Vb0c9QpH8rJ1kXWyIxNzU3OTIzMjAwMDAwMDAwIl0"
_ANSWER: dict[str, Any] = {"method": "POST", "access": Access.MEMBER, "tag": "intros"}
_ANSWER_ERRORS = ("intro_not_found", "intro_answered", "intro_expired")
_LIST: dict[str, Any] = {
    "method": "GET",
    "access": Access.MEMBER,
    "tag": "intros",
    "parameters": (
        choices("status", tuple(STATUSES), "The statuses to list; all by default."),
        *PAGING,
    ),
    "answer": IntroPage,
    "errors": PAGE_ERRORS,
}


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
        method="POST",
        path="/intros",
        handler=send_intro,
        access=Access.MEMBER,
        tag="intros",
        summary="Send an intro",
        description="Two people have at most one pending intro, in either direction. It expires "
        "after 30 days without an answer. People who accept no messages (`allow_messages`) still "
        "receive intros.",
        limit=INTROS,
        body=NewIntro,
        body_example={
            "to": PROFILE["id"],
            "reason": "study",
            "note": "We are both in Linear Algebra. Shall we study together?",
        },
        status=201,
        answer=Intro,
        answer_example=_INTRO,
        errors=(
            "intro_to_oneself",
            "profile_not_found",
            "profile_hidden",
            "already_connected",
            "intro_pending",
        ),
    ),
    Route(
        path="/intros/incoming",
        handler=incoming_intros,
        summary="List the intros sent to you, newest first",
        description="Leaves out intros from people you can no longer see.",
        answer_example={"items": [_ACCEPTED], "next": _NEXT},
        **_LIST,
    ),
    Route(
        path="/intros/outgoing",
        handler=outgoing_intros,
        summary="List the intros you sent, newest first",
        description="Leaves out intros to people you can no longer see.",
        answer_example={"items": [_INTRO], "next": _NEXT},
        **_LIST,
    ),
    Route(
        path="/intros/{id}/accept",
        handler=accept_intro,
        summary="Accept an intro",
        description="Connects the two people, opens their chat and closes other pending intros "
        "between them, all in one transaction. Of two concurrent answers only the first counts; "
        "the second gets `intro_answered`.",
        answer=AcceptedIntro,
        answer_example={
            "intro": _ACCEPTED,
            "chat_id": "5f0c9a1e-6f1f-4a39-9a3e-0d7c5f6a2b11:c0ffee00-1d1d-4c3c-8f3e-2a7b1c9d5e42",
        },
        errors=(*_ANSWER_ERRORS, "chat_place_taken"),
        **_ANSWER,
    ),
    Route(
        path="/intros/{id}/decline",
        handler=decline_intro,
        summary="Decline an intro",
        answer=Intro,
        answer_example={**_ACCEPTED, "status": "declined"},
        errors=_ANSWER_ERRORS,
        **_ANSWER,
    ),
    Route(
        path="/intros/{id}/withdraw",
        handler=withdraw_intro,
        summary="Withdraw an intro you sent",
        answer=Intro,
        answer_example={**_INTRO, "status": "withdrawn", "answered_at": "2025-09-15T09:12:30.250Z"},
        errors=_ANSWER_ERRORS,
        **_ANSWER,
    ),
    Route(
        method="DELETE",
        path="/connections/{id}",
        handler=remove_connection,
        access=Access.MEMBER,
        tag="connections",
        summary="Remove a connection, for both people",
        description="Also removes a connection that only one of the two has. The chat stays.",
        status=204,
        errors=("connection_not_found",),
    ),
    Route(
        method="GET",
        path="/blocks",
        handler=list_blocks,
        access=Access.MEMBER,
        tag="safety",
        summary="List the people you blocked, newest first",
        description="`profile` is null for people who are gone. Their id is enough to unblock "
        "them.",
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
        description="Hides the two people from each other everywhere, and ends their connection "
        "and pending intros. To both, the other person seems to be gone. The response is the same "
        f"whether or not the id exists. You can block at most {MOST_BLOCKED:,} people.",
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
        description="The chat can be read again. The connection does not come back. A block by the "
        "other person stays.",
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
        description="`message` is the id of the message in question, if there is one. The reported "
        "person does not learn of it. To see no more of them, block them too.",
        body=NewReport,
        body_example={"profile": _ID, "reason": "spam", "note": "The same advert, every day."},
        status=201,
        answer=Report,
        answer_example={"id": "0c7c3d0e-7a52-4d6c-9a53-1a1f0f6c2e5d"},
        errors=("about_oneself", "profile_not_found"),
        limit=REPORTS,
    ),
)
