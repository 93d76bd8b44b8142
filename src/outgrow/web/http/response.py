"""Responses, and errors as RFC 9457 problem details.

An error that the network raises on purpose has its own code, message and hint. A lost database is a
503. Anything else is a 500 that reveals nothing but the id to look for in the log.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

import msgspec
from starlette.types import Message, Send

from outgrow import events
from outgrow.db.pool import GONE, lost
from outgrow.errors import OutgrowError, RowsHidden, TooMany

JSON = b"application/json"
POLICY = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
"""For everything but pages: a browser that opens it shows text, and runs nothing."""
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", POLICY),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


@dataclass(frozen=True, slots=True)
class Response:
    """A response. A `stream` makes the rest of the body, chunk by chunk."""

    body: bytes = b""
    status: int = 200
    content_type: bytes = JSON
    headers: Sequence[tuple[bytes, bytes]] = ()
    stream: AsyncIterator[bytes] | None = None


async def with_first_chunk(response: Response) -> Response:
    """Read the first chunk of a streamed body, so that a failure before it still becomes an error
    response. A failure after it ends the connection in the middle of the body."""
    if response.stream is None:
        return response
    return replace(response, body=await anext(response.stream))


async def send_response(
    send: Send, method: str, response: Response, *more: tuple[bytes, bytes]
) -> None:
    """Send a response that has its first chunk. `more` are headers in addition to its own."""
    headers = [(b"content-type", response.content_type)]
    if response.stream is None:
        headers.append((b"content-length", b"%d" % len(response.body)))
    headers += (*more, *response.headers)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if method == "HEAD":
        await send(_body(b""))
    elif response.stream is None:
        await send(_body(response.body))
    else:
        await send(_body(response.body, more=True))
        async for chunk in response.stream:
            await send(_body(chunk, more=True))
        await send(_body(b""))


def _body(body: bytes, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


PROBLEM_JSON = b"application/problem+json"


class Problem(msgspec.Struct, kw_only=True):
    """An RFC 9457 problem. `code` is stable and documented; `hint` is what to do next."""

    type: str
    title: str
    status: int
    detail: str | None
    code: str
    hint: str | None
    instance: str
    request_id: str


_EVENTS = {
    "wrong_credentials": "sign_in_failed",
    "wrong_code": "code_failed",
    "wrong_password": "password_wrong",
    "bad_refresh_token": "refresh_failed",
    "other_site": "form_refused",
    "no_such_route": "request_refused",
}
_EVENTS_BY_STATUS = {
    401: "token_refused",
    403: "access_refused",
    404: "not_shown",
    429: "limited",
    500: "failed",
    503: "unavailable",
}


def log_refusal(error: OutgrowError) -> None:
    """Log why a request was refused, by the error's code alone."""
    name = _EVENTS.get(error.code) or _EVENTS_BY_STATUS.get(error.status, "request_refused")
    is_usual = name in ("not_shown", "request_refused") or error.code == "token_expired"
    cause = events.describe(error.__cause__) if error.status >= 500 and error.__cause__ else None
    events.event(
        name,
        logging.INFO if is_usual else logging.WARNING,
        status=error.status,
        code=error.code,
        error=cause,
    )


def make_problem(error: Exception, path: str, request_id: str) -> Problem:
    """Return the problem to answer with, and log the refusal or failure."""
    known = _known(error)
    if known is None:
        events.failed(error, status=500)
        known = OutgrowError(
            "internal_error",
            HTTPStatus.INTERNAL_SERVER_ERROR.phrase,
            hint="try again; if it happens again, tell the operator the request_id",
        )
    else:
        log_refusal(known)
    return Problem(
        type=f"/docs#{known.code}",
        title=known.message,
        status=known.status,
        detail=known.detail,
        code=known.code,
        hint=known.hint,
        instance=path,
        request_id=request_id,
    )


def _known(error: Exception) -> OutgrowError | None:
    if isinstance(error, OutgrowError):
        return None if isinstance(error, RowsHidden) else error  # names roles and tables
    if isinstance(error, GONE):
        gone = lost()
        gone.__cause__ = error
        return gone
    return None


def problem_headers(problem: Problem, error: Exception) -> list[tuple[bytes, bytes]]:
    """Return the headers that the status requires."""
    if isinstance(error, TooMany):
        return [(b"retry-after", b"%d" % error.retry_after)]
    if problem.status == HTTPStatus.UNAUTHORIZED:
        return [(b"www-authenticate", b'Bearer realm="outgrow"')]
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return [(b"retry-after", b"2")]
    return []
