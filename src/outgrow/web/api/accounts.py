"""Routes of accounts: sign up, log in, codes, passwords, sessions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from outgrow.campus.accounts.accounts import SignedIn
from outgrow.campus.accounts.sessions import FRESH_SECONDS
from outgrow.campus.accounts.strength import LONGEST_PASSWORD, SHORTEST_PASSWORD
from outgrow.campus.addresses import LONGEST_EMAIL
from outgrow.campus.limits import CODE_TRIES, CODES, EXPORTS, LOG_IN, PASSWORDS, SIGN_UP
from outgrow.campus.people.profiles import NewProfile
from outgrow.web.api.endpoint import ApiRequest, Route
from outgrow.web.api.schemas import LogInAnswer, SessionPage, Shape, SignUp, TokenAnswer
from outgrow.web.http.auth import ACCESS_SECONDS
from outgrow.web.http.request import text
from outgrow.web.http.response import HEADERS, Response
from outgrow.web.http.routing import Access

Email = Annotated[
    str, Meta(max_length=LONGEST_EMAIL, description="Compared without regard to case.")
]
NewPassword = Annotated[str, Meta(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]
Code = Annotated[str, Meta(min_length=1, max_length=20)]
AnyPassword = Annotated[str, Meta(max_length=1000)]
SignUpId = Annotated[
    str, Meta(max_length=100, description="As the sign-up answered; without it, the newest one.")
]


class SignUpBody(NewProfile, kw_only=True):
    """An account and the profile that goes with it."""

    email: Email
    password: NewPassword


class LogInBody(msgspec.Struct, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=1000)]
    password: AnyPassword


class RefreshBody(msgspec.Struct, forbid_unknown_fields=True):
    refresh_token: Annotated[str, Meta(max_length=200)]


class VerifyBody(msgspec.Struct, forbid_unknown_fields=True):
    """With the password of the sign-up."""

    email: Email
    code: Code
    password: AnyPassword
    sign_up: SignUpId | None = None


class ResendBody(msgspec.Struct, forbid_unknown_fields=True):
    email: Email
    sign_up: SignUpId | None = None


class EmailBody(msgspec.Struct, forbid_unknown_fields=True):
    email: Email


class ResetBody(msgspec.Struct, forbid_unknown_fields=True):
    email: Email
    code: Code
    password: NewPassword


class PasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    old: AnyPassword
    new: NewPassword


class Exported(Shape):
    """`profile` is what the store has of it."""

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
    """The password once more, before what somebody at a device left open should not do."""

    password: AnyPassword


class CodeSent(Shape):
    """The same whether or not there is anybody to send it to."""

    status: Literal["code_sent"]


class Begun(CodeSent):
    """`sign_up` names what waits for its code, whoever else signs up with the e-mail."""

    sign_up: str


_CODE_SENT = b'{"status":"code_sent"}'


async def _tokens(request: ApiRequest, signed_in: SignedIn) -> dict[str, Any]:
    return {
        "access_token": await request.context.tokens.issue(signed_in),
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS,
        "refresh_token": signed_in.refresh_token,
        "user_id": signed_in.user_id,
    }


async def sign_up(request: ApiRequest) -> Response:
    body: SignUpBody = request.body
    services = request.services
    signed_in = await services.confirmations.sign_up(
        body.email, body.password, body, address=request.address, device=request.device
    )
    if isinstance(signed_in, str):
        begun = {"status": "code_sent", "sign_up": signed_in}
        return Response(msgspec.json.encode(begun), 202)
    return await _signed_up(request, signed_in)


async def verify(request: ApiRequest) -> Response:
    body: VerifyBody = request.body
    await request.count(CODE_TRIES, body.email)
    signed_in = await request.services.confirmations.verify(
        body.email, body.code, body.password, body.sign_up, device=request.device
    )
    return await _signed_up(request, signed_in)


async def _signed_up(request: ApiRequest, signed_in: SignedIn) -> Response:
    request.services.changed(signed_in.school or "")
    profile = await request.services.profiles.own(signed_in.user_id)
    answer = {**await _tokens(request, signed_in), "profile": msgspec.Raw(profile)}
    headers = (*HEADERS, (b"location", b"/profiles/me"))
    return Response(msgspec.json.encode(answer), 201, headers=headers)


async def resend(request: ApiRequest) -> Response:
    await request.count(CODES, request.body.email)
    body: ResendBody = request.body
    await request.services.confirmations.resend(body.email, body.sign_up, address=request.address)
    return Response(_CODE_SENT, 202)


async def reset(request: ApiRequest) -> Response:
    await request.count(CODES, request.body.email)
    await request.services.confirmations.reset(request.body.email)
    return Response(_CODE_SENT, 202)


async def confirm_reset(request: ApiRequest) -> Response:
    body: ResetBody = request.body
    await request.count(CODE_TRIES, body.email)
    await request.services.confirmations.confirm_reset(body.email, body.code, body.password)
    return Response(status=204)


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


async def log_in(request: ApiRequest) -> Response:
    signed_in = await request.services.accounts.log_in(
        request.body.email,
        request.body.password,
        address=request.address,
        device=request.device,
        device_token=request.device_token,
    )
    token = await request.context.limits.device_token(request.body.email)
    answer = {**await _tokens(request, signed_in), "device_token": token}
    return Response(msgspec.json.encode(answer))


async def refresh(request: ApiRequest) -> Response:
    signed_in = await request.services.accounts.refresh(request.body.refresh_token)
    return Response(msgspec.json.encode(await _tokens(request, signed_in)))


async def log_out(request: ApiRequest) -> Response:
    caller = request.caller
    await request.services.accounts.log_out(caller.user_id, caller.session_id)
    return Response(status=204)


async def export(request: ApiRequest) -> Response:
    headers = (*HEADERS, (b"content-disposition", b'attachment; filename="outgrow.json"'))
    return Response(headers=headers, stream=request.services.export.of(request.caller.user_id))


async def delete(request: ApiRequest) -> Response:
    user_id, school = request.caller.user_id, request.caller.school
    await request.services.deletions.delete(user_id, request.body.password)
    if school is not None:
        request.services.changed(school)
    return Response(status=204)


_TOKENS = {
    "access_token": "eyJhbGciOiJIUzI1NiIs...",
    "token_type": "Bearer",
    "expires_in": ACCESS_SECONDS,
    "refresh_token": "m1rLkzG0...",
    "user_id": "5f0c9a1e-6f1f-4a39-9a3e-0d7c5f6a2b11",
}

_EMAIL = "ada@northfield.example"
_DEVICE = text("X-Device-Token", "The `device_token` of an earlier log-in on this device.")
_ENDED = (
    "An ended session cannot be refreshed. Its access token is refused immediately by the process "
    f"that ended it, and by others within {FRESH_SECONDS:.0f} seconds."
)
_ASKING: dict[str, Any] = {
    "access": Access.PUBLIC,
    "tag": "accounts",
    "description": "The response is the same whether or not there is an account to send it to.",
    "body": EmailBody,
    "body_example": {"email": _EMAIL},
    "status": 202,
    "answer": CodeSent,
    "answer_example": {"status": "code_sent"},
    "errors": ("bad_email",),
    "limit": CODES,
    "headers": (_DEVICE,),
}

ROUTES = (
    Route(
        method="POST",
        path="/auth/signup",
        handler=sign_up,
        access=Access.PUBLIC,
        tag="accounts",
        summary="Create an account and its profile",
        description="Returns the tokens of a new session and the profile. A school is created "
        "with its first member. Returns 202 when a code was sent to the address instead, and "
        "`POST /auth/verify` completes the sign-up with it: for a school with e-mail domains, for "
        "the e-mail of a profile without an account, and always when the server sends mail by "
        "SMTP. People whose profile exists already get it as it is; the profile in the request is "
        "then ignored.",
        body=SignUpBody,
        body_example={
            "email": "ada@northfield.example",
            "password": "correct horse battery",
            "name": "Ada Okafor",
            "school": "Northfield University",
            "major": "Computer Science",
            "year": "Junior",
        },
        status=201,
        answer=SignUp,
        errors=(
            *("bad_email", "email_taken", "profile_place_taken", "sign_in_busy", "weak_password"),
            *("email_not_of_school", "email_not_verified", "school_lookalike", "mail_failed"),
        ),
        limit=SIGN_UP,
        accepted=Begun,
    ),
    Route(
        method="POST",
        path="/auth/login",
        handler=log_in,
        access=Access.PUBLIC,
        tag="accounts",
        summary="Sign in",
        description="Send the access token in the header `Authorization: Bearer <access_token>` "
        f"with every other request; it is valid for {ACCESS_SECONDS // 60} minutes. The device "
        "token gives no access: sent as `X-Device-Token` with the next log-in or code, it makes "
        "limits count this device apart from others at its address.",
        headers=(_DEVICE,),
        body=LogInBody,
        body_example={"email": "demo@outgrow.test", "password": "outgrow-demo"},
        answer=LogInAnswer,
        answer_example=_TOKENS | {"device_token": "6d4c7a10.7c1f..."},
        errors=("wrong_credentials", "sign_in_busy"),
        limit=LOG_IN,
    ),
    Route(
        method="POST",
        path="/auth/refresh",
        handler=refresh,
        access=Access.PUBLIC,
        tag="accounts",
        summary="Exchange a refresh token for new tokens",
        description="A refresh token can be used once. Using it again ends the whole session, "
        "since it must have been copied; within ten seconds of the first use it only fails, as "
        "when two tabs refresh together.",
        body=RefreshBody,
        body_example={"refresh_token": _TOKENS["refresh_token"]},
        answer=TokenAnswer,
        answer_example=_TOKENS,
        errors=("bad_refresh_token",),
    ),
    Route(
        method="POST",
        path="/auth/logout",
        handler=log_out,
        access=Access.SIGNED_IN,
        tag="accounts",
        summary="End this session",
        description=_ENDED,
        status=204,
    ),
    Route(
        method="POST",
        path="/auth/verify",
        handler=verify,
        access=Access.PUBLIC,
        tag="accounts",
        summary="Complete a sign-up with the mailed code",
        description="The code is valid for ten minutes, five tries, or until a new one is sent for "
        "the same sign-up. The password is that of the sign-up; `sign_up` says which one.",
        body=VerifyBody,
        body_example={"email": _EMAIL, "code": "123456", "password": "correct horse battery"},
        status=201,
        answer=SignUp,
        errors=("bad_email", "wrong_code", "email_taken", "profile_place_taken", "sign_in_busy"),
        limit=CODE_TRIES,
        headers=(_DEVICE,),
    ),
    Route(
        method="POST",
        path="/auth/verify/resend",
        handler=resend,
        summary="Send another code for a pending sign-up",
        **(_ASKING | {"body": ResendBody}),
    ),
    Route(
        method="POST",
        path="/auth/reset",
        handler=reset,
        summary="Send a code for setting a new password",
        **_ASKING,
    ),
    Route(
        method="POST",
        path="/auth/reset/confirm",
        handler=confirm_reset,
        access=Access.PUBLIC,
        tag="accounts",
        summary="Set a new password with the mailed code",
        description="With the code of a reset or an invitation, also creates the account of a "
        "profile without one. Ends all sessions of the account. " + _ENDED,
        body=ResetBody,
        body_example={
            "email": _EMAIL,
            "code": "7KQF-2M9X-4TB8Q",
            "password": "correct horse battery",
        },
        status=204,
        errors=("bad_email", "wrong_code", "weak_password", "sign_in_busy"),
        limit=CODE_TRIES,
        headers=(_DEVICE,),
    ),
    Route(
        method="POST",
        path="/auth/password",
        handler=change_password,
        access=Access.SIGNED_IN,
        tag="accounts",
        summary="Change your password",
        description="Ends all other sessions. " + _ENDED,
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
        description="At most 100. `last_used_at` is the time of the last refresh.",
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
        description=_ENDED,
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
        description=_ENDED,
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
        description="Account, sessions, the profile as it is stored, connections, intros, blocks, "
        "reports you made, and chats with all messages. Other people appear by id, and by name if "
        "you can see them. The document is streamed while it is read, without a Content-Length; "
        "changes made in the meantime may or may not be in it. Chats hidden by a block are left "
        "out.",
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
        description="Cannot be undone. Account, sessions and profile are gone when the response "
        "arrives; connections, intros and blocks follow within minutes. Your messages stay in the "
        "chats of the people you wrote to, without a name; a chat with nobody left in it is "
        "deleted too.",
        body=OwnPasswordBody,
        body_example={"password": "correct horse battery"},
        status=204,
        errors=("wrong_password", "account_gone", "sign_in_busy"),
        limit=PASSWORDS,
    ),
)
