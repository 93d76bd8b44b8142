"""Routes for getting in: sign up, sign in, mailed codes, refresh."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from outgrow.campus.accounts.credentials import LONGEST_PASSWORD, SHORTEST_PASSWORD
from outgrow.campus.accounts.sessions import FRESH_SECONDS, SignedIn
from outgrow.campus.limits import CODE_TRIES, CODES, LOG_IN, SIGN_UP
from outgrow.campus.mail import LONGEST_EMAIL
from outgrow.campus.people.profiles import NewProfile
from outgrow.web.api.endpoint import ApiRequest, Route
from outgrow.web.api.schemas import LogInAnswer, Shape, SignUp, TokenAnswer
from outgrow.web.http.auth import ACCESS_SECONDS
from outgrow.web.http.request import text
from outgrow.web.http.response import HEADERS, Response
from outgrow.web.http.routing import Access

Email = Annotated[str, Meta(max_length=LONGEST_EMAIL, description="Case does not matter.")]
NewPassword = Annotated[str, Meta(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]
Code = Annotated[str, Meta(min_length=1, max_length=20)]
AnyPassword = Annotated[str, Meta(max_length=1000)]
SignUpId = Annotated[
    str,
    Meta(
        max_length=100,
        description="The `sign_up` of the sign-up's answer; without it, the newest sign-up.",
    ),
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
    """The code of a sign-up, and the password given there."""

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


class CodeSent(Shape):
    """The answer after a code was requested, the same whether or not the account exists."""

    status: Literal["code_sent"]


class Begun(CodeSent):
    """`sign_up` names this sign-up, in case others use the same e-mail address."""

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
    profile = await request.services.profiles.own_profile(signed_in.user_id)
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


_TOKENS = {
    "access_token": "eyJhbGciOiJIUzI1NiIs...",
    "token_type": "Bearer",
    "expires_in": ACCESS_SECONDS,
    "refresh_token": "m1rLkzG0...",
    "user_id": "5f0c9a1e-6f1f-4a39-9a3e-0d7c5f6a2b11",
}

_EMAIL = "ada@northfield.example"
_DEVICE = text("X-Device-Token", "The `device_token` of an earlier log-in on this device.")
SESSION_ENDED = (
    "An ended session cannot be refreshed. The process that ended it refuses its access token "
    f"immediately, others within {FRESH_SECONDS:.0f} seconds."
)
_SENDS_CODE: dict[str, Any] = {
    "access": Access.PUBLIC,
    "tag": "accounts",
    "description": "The response is the same whether or not the account exists.",
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
        description="Returns the profile and the tokens of a new session. The first member creates "
        "a school. Returns 202 if a code was sent to the address instead; `POST /auth/verify` then "
        "completes the sign-up. A code is needed for a school with e-mail domains, for the e-mail "
        "address of a profile without an account, and always when the server sends mail by SMTP. A "
        "profile that exists already stays as it is, and the one in the request is ignored.",
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
        f"with every other request. It is valid for {ACCESS_SECONDS // 60} minutes. The device "
        "token gives no access. Send it as `X-Device-Token` with the next log-in or code, and "
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
        description="A refresh token works once. A second use ends the whole session, since the "
        "token must have been copied. Within ten seconds of the first use it only fails, since two "
        "tabs may refresh together.",
        body=RefreshBody,
        body_example={"refresh_token": _TOKENS["refresh_token"]},
        answer=TokenAnswer,
        answer_example=_TOKENS,
        errors=("bad_refresh_token",),
    ),
    Route(
        method="POST",
        path="/auth/verify",
        handler=verify,
        access=Access.PUBLIC,
        tag="accounts",
        summary="Complete a sign-up with the mailed code",
        description="The code is valid for ten minutes and five tries, and until a new one is sent "
        "for the same sign-up. The password is the one given at sign-up.",
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
        summary="Request another code for a pending sign-up",
        **(_SENDS_CODE | {"body": ResendBody}),
    ),
    Route(
        method="POST",
        path="/auth/reset",
        handler=reset,
        summary="Request a code to set a new password",
        **_SENDS_CODE,
    ),
    Route(
        method="POST",
        path="/auth/reset/confirm",
        handler=confirm_reset,
        access=Access.PUBLIC,
        tag="accounts",
        summary="Set a new password with the mailed code",
        description="Takes the code of a reset or of an invitation. Creates the account if the "
        "profile has none. Ends all sessions of the account. " + SESSION_ENDED,
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
)
