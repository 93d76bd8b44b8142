"""Requests: their bodies, within limits, their cookies, and the page that they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.types import Receive

from outgrow.errors import BadInput, NotJson, TooLarge
from outgrow.web.http.response import JSON

LARGEST_BODY = 65_536  # bytes
LARGEST_OWN_BODY = 655_360
"""Of who is signed in: all that a profile may hold, each character escaped as in a form."""
SESSION_COOKIE = "outgrow_visit"


async def read_json(
    shape: type[msgspec.Struct],
    headers: Mapping[bytes, bytes],
    receive: Receive,
    *,
    signed_in: bool,
) -> msgspec.Struct:
    """Return the body as a Struct. Raises BadInput, NotJson, TooLarge."""
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind not in (JSON, b"application/merge-patch+json"):
        raise NotJson(
            "not_json",
            "the body does not say that it is JSON",
            hint="send Content-Type: application/json",
        )
    raw = await read_body(headers, receive, signed_in=signed_in)
    try:
        body = msgspec.json.decode(raw, type=shape)
        if b"\\u0000" in raw and _has_nul(msgspec.json.decode(raw)):
            raise BadInput(
                "bad_text",
                "the body holds a NUL character",
                hint="leave \\u0000 out: PostgreSQL cannot keep it",
            )
    except msgspec.ValidationError as e:
        raise BadInput(
            "bad_body", "the body is not what this route takes", detail=str(e), hint="see /docs"
        ) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise BadInput("bad_json", "the body is not JSON", detail=str(e)) from e
    return body


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, *, signed_in: bool) -> bytes:
    largest = LARGEST_OWN_BODY if signed_in else LARGEST_BODY
    declared = headers.get(b"content-length", b"0")
    too_large = TooLarge("body_too_large", f"the body has more than {largest} bytes")
    if declared.isdigit() and int(declared) > largest:
        raise too_large
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadInput("body_cut_short", "the caller left before the body's end")
        part: bytes = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > largest:
            raise too_large
        if not message.get("more_body", False):
            return b"".join(parts)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_has_nul(inner) for inner in value)


def cookies(headers: Mapping[bytes, bytes]) -> Mapping[str, str]:
    """Return the cookies by name, as they were sent. One of a neighbour that is like none of ours,
    such as `a[b]={"c": 1}`, keeps the others from nobody."""
    found = {}
    for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        found[name] = value
    return found


def cookie_name(name: str, secure: bool) -> str:
    """Return what a cookie is called. By HTTPS with a prefix that browsers take from this very host
    alone, and only by HTTPS: no neighbour, no other site of the school can set it."""
    return f"__Host-{name}" if secure else name


def is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a page of this host asks, by whichever name the browser calls it."""
    origin, host = headers.get(b"origin", b""), headers.get(b"host", b"")
    try:
        return bool(host) and urlsplit(origin.decode("ascii")).netloc == host.decode("ascii")
    except ValueError:  # not ASCII, or half an address, such as http://[
        return False
