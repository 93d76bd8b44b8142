"""Routes: sign up, log in, refresh, log out."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from outgrow.campus.accounts import (
    LONGEST_EMAIL,
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    SignedIn,
)
from outgrow.campus.limits import LOG_IN, SIGN_UP
from outgrow.campus.profiles import NewProfile
from outgrow.web.auth import ACCESS_SECONDS
from outgrow.web.endpoint import HEADERS, Access, Answer, Call, Route
from outgrow.web.schemas import SignUp, TokenAnswer

Email = Annotated[
    str, Meta(max_length=LONGEST_EMAIL, description="Compared without regard to case.")
]
NewPassword = Annotated[str, Meta(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]
AnyPassword = Annotated[str, Meta(max_length=1000)]


class SignUpBody(NewProfile, kw_only=True):
    """An account and the profile that goes with it."""

    email: Email
    password: NewPassword


class LogInBody(msgspec.Struct, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=1000)]
    password: AnyPassword


class RefreshBody(msgspec.Struct, forbid_unknown_fields=True):
    refresh_token: Annotated[str, Meta(max_length=200)]


def _tokens(call: Call, signed_in: SignedIn) -> dict[str, Any]:
    return {
        "access_token": call.network.tokens.issue(signed_in),
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS,
        "refresh_token": signed_in.refresh_token,
        "user_id": signed_in.user_id,
    }


async def sign_up(call: Call) -> Answer:
    body: SignUpBody = call.body
    network = call.network
    signed_in = await network.accounts.sign_up(body.email, body.password, body)
    network.signed_up(signed_in.school or "")
    profile = await network.profiles.own(signed_in.user_id)
    answer = {**_tokens(call, signed_in), "profile": msgspec.Raw(profile)}
    headers = (*HEADERS, (b"location", b"/profiles/me"))
    return Answer(msgspec.json.encode(answer), 201, headers=headers)


async def log_in(call: Call) -> Answer:
    signed_in = await call.network.accounts.log_in(
        call.body.email, call.body.password, address=call.address
    )
    return Answer(msgspec.json.encode(_tokens(call, signed_in)))


async def refresh(call: Call) -> Answer:
    signed_in = await call.network.accounts.refresh(call.body.refresh_token)
    return Answer(msgspec.json.encode(_tokens(call, signed_in)))


async def log_out(call: Call) -> Answer:
    await call.network.accounts.log_out(call.caller.user_id, call.caller.session_id)
    return Answer(status=204)


_TOKENS = {
    "access_token": "eyJhbGciOiJIUzI1NiIs...",
    "token_type": "Bearer",
    "expires_in": ACCESS_SECONDS,
    "refresh_token": "m1rLkzG0...",
    "user_id": "5f0c9a1e-6f1f-4a39-9a3e-0d7c5f6a2b11",
}

ROUTES = (
    Route(
        method="POST",
        path="/auth/signup",
        handler=sign_up,
        access=Access.PUBLIC,
        tag="accounts",
        summary="Make an account with its profile",
        description="A new school begins with its first member. Answers with tokens, as a log-in "
        "does, and with the profile.",
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
        errors=("bad_email", "email_taken", "profile_place_taken", "sign_in_busy"),
        limit=SIGN_UP,
    ),
    Route(
        method="POST",
        path="/auth/login",
        handler=log_in,
        access=Access.PUBLIC,
        tag="accounts",
        summary="Sign in",
        description="The access token goes into the header `Authorization: Bearer <access_token>` "
        f"of every other request, and is good for {ACCESS_SECONDS // 60} minutes.",
        body=LogInBody,
        body_example={"email": "demo@outgrow.test", "password": "outgrow-demo"},
        answer=TokenAnswer,
        answer_example=_TOKENS,
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
        description="A refresh token is good once. One that was exchanged before ends its whole "
        "session, since it must have been copied; within ten seconds of its exchange it only "
        "fails, as when two tabs ask at once.",
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
        description="The refresh token stops working at once, the access token when it expires.",
        status=204,
    ),
)
