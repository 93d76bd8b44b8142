"""Routes of your own account: password, sessions, export, deletion."""

from __future__ import annotations

from typing import Any

import msgspec

from outgrow.campus.limits import EXPORTS, PASSWORDS
from outgrow.web.api.endpoint import ApiRequest, Route
from outgrow.web.api.schemas import SessionPage, Shape
from outgrow.web.api.sign_in import SESSION_ENDED, AnyPassword, NewPassword
from outgrow.web.http.response import HEADERS, Response
from outgrow.web.http.routing import Access


class PasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    old: AnyPassword
    new: NewPassword


class Exported(Shape):
    """Everything about an account. `profile` is the document in the store."""

    exported_at: str
    account: dict[str, str | None]
    profile: dict[str, Any] | None
    sessions: list[dict[str, Any]]
    connections: list[dict[str, Any]]
    intros: list[dict[str, Any]]
    blocks: list[dict[str, Any]]
    reports: list[dict[str, Any]]
    chats: list[dict[str, Any]]


class OwnPasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    """The password again, in case the device was left open."""

    password: AnyPassword


async def change_password(request: ApiRequest) -> Response:
    caller = request.caller
    await request.services.accounts.change_password(
        caller.user_id, caller.session_id, request.body.old, request.body.new
    )
    return Response(status=204)


async def list_sessions(request: ApiRequest) -> Response:
    caller = request.caller
    return Response(
        await request.services.accounts.list_sessions(caller.user_id, caller.session_id)
    )


async def end_session(request: ApiRequest) -> Response:
    await request.services.accounts.own_password(request.caller.user_id, request.body.password)
    await request.services.accounts.end_session(request.caller.user_id, request.path["session"])
    return Response(status=204)


async def end_sessions(request: ApiRequest) -> Response:
    await request.services.accounts.own_password(request.caller.user_id, request.body.password)
    await request.services.accounts.end_sessions(request.caller.user_id)
    return Response(status=204)


async def log_out(request: ApiRequest) -> Response:
    caller = request.caller
    await request.services.accounts.log_out(caller.user_id, caller.session_id)
    return Response(status=204)


async def export(request: ApiRequest) -> Response:
    headers = (*HEADERS, (b"content-disposition", b'attachment; filename="outgrow.json"'))
    return Response(
        headers=headers, stream=request.services.export.document(request.caller.user_id)
    )


async def delete(request: ApiRequest) -> Response:
    user_id, school = request.caller.user_id, request.caller.school
    await request.services.deletions.delete(user_id, request.body.password)
    if school is not None:
        request.services.changed(school)
    return Response(status=204)


ROUTES = (
    Route(
        method="POST",
        path="/auth/logout",
        handler=log_out,
        access=Access.SIGNED_IN,
        tag="accounts",
        summary="Sign out: end this session",
        description=SESSION_ENDED,
        status=204,
    ),
    Route(
        method="POST",
        path="/auth/password",
        handler=change_password,
        access=Access.SIGNED_IN,
        tag="accounts",
        summary="Change your password",
        description="Ends all other sessions. " + SESSION_ENDED,
        body=PasswordBody,
        body_example={"old": "correct horse battery", "new": "a better one still"},
        status=204,
        errors=("wrong_password", "weak_password", "account_gone", "sign_in_busy"),
        limit=PASSWORDS,
    ),
    Route(
        method="GET",
        path="/auth/sessions",
        handler=list_sessions,
        access=Access.SIGNED_IN,
        tag="accounts",
        summary="List your sessions, most recently used first",
        description="Lists at most 100. `last_used_at` is the time of the last refresh.",
        answer=SessionPage,
        answer_example={
            "items": [
                {
                    "id": "0f5e1f0c9d3a4a52b6b1f6f6f2f7a7c1",
                    "created_at": "2025-09-03T08:15:00.000Z",
                    "last_used_at": "2025-09-03T09:40:00.000Z",
                    "device": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
                    "current": True,
                }
            ],
            "next": None,
        },
    ),
    Route(
        method="DELETE",
        path="/auth/sessions",
        handler=end_sessions,
        access=Access.SIGNED_IN,
        tag="accounts",
        summary="End all your sessions, this one included",
        description=SESSION_ENDED,
        body=OwnPasswordBody,
        body_example={"password": "correct horse battery"},
        status=204,
        errors=("wrong_password", "account_gone", "sign_in_busy"),
        limit=PASSWORDS,
    ),
    Route(
        method="DELETE",
        path="/auth/sessions/{session}",
        handler=end_session,
        access=Access.SIGNED_IN,
        tag="accounts",
        summary="End one of your sessions",
        description=SESSION_ENDED,
        body=OwnPasswordBody,
        body_example={"password": "correct horse battery"},
        status=204,
        errors=("session_not_found", "wrong_password", "account_gone", "sign_in_busy"),
        limit=PASSWORDS,
    ),
    Route(
        method="GET",
        path="/profiles/me/export",
        handler=export,
        access=Access.SIGNED_IN,
        tag="accounts",
        summary="Export everything about you as one JSON document",
        description="Contains your account, sessions, profile as stored, connections, intros, "
        "blocks, reports, and chats with all messages. Other people appear by id, and by name if "
        "you can see them. Leaves out chats hidden by a block. The document is streamed without a "
        "Content-Length; changes made during the export may be missing.",
        answer=Exported,
        errors=("account_gone",),
        limit=EXPORTS,
    ),
    Route(
        method="DELETE",
        path="/profiles/me",
        handler=delete,
        access=Access.SIGNED_IN,
        tag="accounts",
        summary="Delete your account",
        description="This cannot be undone. Account, sessions and profile are gone when the "
        "response arrives; connections, intros and blocks follow within minutes. Your messages "
        "stay in the chats of the people you wrote to, without your name. A chat without people "
        "left in it is deleted.",
        body=OwnPasswordBody,
        body_example={"password": "correct horse battery"},
        status=204,
        errors=("wrong_password", "account_gone", "sign_in_busy"),
        limit=PASSWORDS,
    ),
)
