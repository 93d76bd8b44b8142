"""Errors as RFC 9457 problem details.

Whatever the network raises on purpose says its own code, fact and hint. A database that went away
is a 503; anything else is a 500 that says nothing of the inside but the id to look for in the log.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

import msgspec

from outgrow import events
from outgrow.db.pool import GONE, lost
from outgrow.errors import OutgrowError, RowsHidden, TooMany

CONTENT_TYPE = b"application/problem+json"


class Problem(msgspec.Struct, kw_only=True):
    """`code` is stable and described in the documentation; `hint` is what to do next."""

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


def refused(error: OutgrowError) -> None:
    """Log that a request was not done, and why, by the error's code alone."""
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


def problem(error: Exception, path: str, request_id: str) -> Problem:
    """What to answer; that it was refused or failed is logged."""
    known = _known(error)
    if known is None:
        events.failed(error, status=500)
        known = OutgrowError(
            "internal_error",
            HTTPStatus.INTERNAL_SERVER_ERROR.phrase,
            hint="try again; if it stays, tell the operator the request_id",
        )
    else:
        refused(known)
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


def headers_of(problem: Problem, error: Exception) -> list[tuple[bytes, bytes]]:
    """What the status asks for beside the body."""
    if isinstance(error, TooMany):
        return [(b"retry-after", b"%d" % error.retry_after)]
    if problem.status == HTTPStatus.UNAUTHORIZED:
        return [(b"www-authenticate", b'Bearer realm="outgrow"')]
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return [(b"retry-after", b"2")]
    return []
