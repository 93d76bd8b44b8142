"""Errors as RFC 9457 problem details.

Whatever the network raises on purpose says its own code, fact and hint. A database that went away
is a 503; anything else is a 500 that says nothing of the inside but the id to look for in the log.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

import msgspec

from outgrow.database import GONE, lost
from outgrow.errors import OutgrowError, RowsHidden, TooMany

log = logging.getLogger("outgrow.web")

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


def problem(error: Exception, path: str, request_id: str) -> Problem:
    """What to answer, logged when it is our fault."""
    known = _known(error)
    if known is None:
        log.error("request %s failed: %s", request_id, path, exc_info=error)
        known = OutgrowError(
            "internal_error",
            HTTPStatus.INTERNAL_SERVER_ERROR.phrase,
            hint="try again; if it stays, tell the operator the request_id",
        )
    elif known.status >= 500:
        log.warning("request %s: %s (%s)", request_id, known.message, known.__cause__ or known.code)
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
