"""Requests: bodies within limits, cookies, the origin of a form, and query parameters.

A route lists its query parameters. A parameter that is not listed, is given twice or cannot be read
is a 400 that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec
from starlette.types import Receive

from outgrow.campus.pagination import DEFAULT_LIMIT, LARGEST_LIMIT, LARGEST_OFFSET
from outgrow.errors import BadInput, NotJson, TooLarge
from outgrow.web.http.response import JSON

LARGEST_BODY = 65_536  # bytes
LARGEST_OWN_BODY = 655_360
"""For people who are signed in: the largest profile, each character escaped as in a form."""
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
            "the Content-Type is not JSON",
            hint="send Content-Type: application/json",
        )
    raw = await read_body(headers, receive, signed_in=signed_in)
    try:
        body = msgspec.json.decode(raw, type=shape)
        if b"\\u0000" in raw and _has_nul(msgspec.json.decode(raw)):
            raise BadInput(
                "bad_text",
                "the body holds a NUL character",
                hint="leave \\u0000 out: PostgreSQL cannot store it",
            )
    except msgspec.ValidationError as e:
        raise BadInput(
            "bad_body", "the body does not fit this route", detail=str(e), hint="see /docs"
        ) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise BadInput("bad_json", "the body is not JSON", detail=str(e)) from e
    return body


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, *, signed_in: bool) -> bytes:
    """Return the whole body. Raises BadInput, TooLarge."""
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
    """Return the cookies by name, as they were sent. A malformed cookie of a neighbouring site,
    such as `a[b]={"c": 1}`, does not hide the others."""
    values = {}
    for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        values[name] = value
    return values


def cookie_name(name: str, secure: bool) -> str:
    """Return a cookie's name. Over HTTPS it has a prefix that browsers accept only from this very
    host, and only over HTTPS: no neighbouring site of the school can set it."""
    return f"__Host-{name}" if secure else name


def is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a page of this host sends the request, by the name that the browser uses."""
    origin, host = headers.get(b"origin", b""), headers.get(b"host", b"")
    try:
        return bool(host) and urlsplit(origin.decode("ascii")).netloc == host.decode("ascii")
    except ValueError:  # not ASCII, or half an address, such as http://[
        return False


LONGEST_TEXT = 200
LONGEST_CURSOR = 4000
MOST_VALUES = 10


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter. `read` makes a value of the text, or raises ValueError with what was
    expected instead."""

    name: str
    read: Callable[[str], Any]
    schema: dict[str, Any]
    description: str
    default: Any = None
    many: bool = False
    example: Any = None
    required: bool = False


class Parameters:
    """All parameters of one route."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._known = {parameter.name: parameter for parameter in parameters}
        self._names = {name.encode("ascii"): name for name in self._known}
        self._defaults = {parameter.name: parameter.default for parameter in parameters}
        self._required = [parameter for parameter in parameters if parameter.required]

    def read(self, query: bytes) -> dict[str, Any]:
        """Return the values of a query string, with defaults for omitted ones. Raises BadInput."""
        seen: dict[str, list[str]] = {}
        for pair in query.split(b"&"):
            if pair:
                key, _, value = pair.partition(b"=")
                name = self._names.get(key) or _decoded(key)
                seen.setdefault(name, []).append(_decoded(value))
        unknown = sorted(seen.keys() - self._known.keys())
        if unknown:
            raise BadInput(
                "unknown_parameter",
                "the query has a parameter that this route does not know",
                detail=", ".join(unknown)[:LONGEST_TEXT],
                hint="known here: " + (", ".join(self._known) or "none"),
            )
        for parameter in self._required:
            if parameter.name not in seen:
                text = f"{parameter.name} is missing"
                raise BadInput("missing_parameter", text, hint=parameter.description)
        given = {name: _value(self._known[name], texts) for name, texts in seen.items()}
        return self._defaults | given


def _value(parameter: Parameter, texts: Sequence[str]) -> Any:
    if len(texts) > (MOST_VALUES if parameter.many else 1):
        raise BadInput(
            "repeated_parameter",
            f"{parameter.name} is given too often",
            detail=f"{len(texts)} times",
            hint=f"give it at most {MOST_VALUES if parameter.many else 1} times",
        )
    try:
        values = tuple(map(parameter.read, texts))
    except ValueError as e:
        raise BadInput(
            "bad_parameter",
            f"{parameter.name} cannot be used",
            detail=f"{parameter.name}={texts[0][:LONGEST_TEXT]}: {e}",
            hint=parameter.description,
        ) from None
    return values if parameter.many else values[0]


def _decoded(raw: bytes) -> str:
    if b"%" in raw or b"+" in raw:
        raw = unquote_to_bytes(raw.replace(b"+", b" "))
    return checked_text(raw, "the query")


def checked_text(raw: bytes, where: str) -> str:
    """Return the bytes as text that PostgreSQL can hold. Raises BadInput."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BadInput(
            "bad_text",
            f"{where} holds bytes that are not text",
            hint="use UTF-8 without NUL characters",
        )
    return text


def whole_number(low: int, high: int | None) -> Callable[[str], int]:
    def read(text: str) -> int:
        digits = text[1:] if text[:1] == "-" else text
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 16):
            raise ValueError("not a whole number")
        value = int(text)
        if value < low or (high is not None and value > high):
            raise ValueError(f"not from {low} to {high}" if high is not None else f"below {low}")
        return value

    return read


def _text(longest: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text:
            raise ValueError("empty")
        if len(text) > longest:
            raise ValueError(f"longer than {longest} characters")
        return text

    return read


def limit() -> Parameter:
    number = whole_number(1, None)
    return Parameter(
        "limit",
        lambda text: min(number(text), LARGEST_LIMIT),
        {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT},
        f"The number of items on a page, at most {LARGEST_LIMIT}; more counts as {LARGEST_LIMIT}.",
        default=DEFAULT_LIMIT,
        example=20,
    )


def offset() -> Parameter:
    return Parameter(
        "offset",
        whole_number(0, None),
        {"type": "integer", "minimum": 0, "maximum": LARGEST_OFFSET, "default": 0},
        f"The number of items to skip, at most {LARGEST_OFFSET}. To go further, use the cursor.",
        default=0,
        example=0,
    )


def cursor() -> Parameter:
    return Parameter(
        "cursor",
        _text(LONGEST_CURSOR),
        {"type": "string"},
        "Where the page begins: `next` of the page before. Not together with `offset`.",
    )


PAGING = (limit(), offset(), cursor())


def number(name: str, description: str, low: int, high: int, *, example: int) -> Parameter:
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Parameter(name, whole_number(low, high), schema, description, example=example)


def choice(name: str, options: Sequence[str], description: str) -> Parameter:
    """Return a parameter that is one of the options; the first is the default."""

    def read(text: str) -> str:
        if text not in options:
            raise ValueError("not one of " + ", ".join(options))
        return text

    schema = {"type": "string", "enum": list(options), "default": options[0]}
    return Parameter(name, read, schema, description, default=options[0])


def choices(name: str, options: Sequence[str], description: str) -> Parameter:
    """Return a parameter that is some of the options, separated by commas."""

    def read(text: str) -> tuple[str, ...]:
        values = tuple(dict.fromkeys(text.split(",")))
        if not set(values) <= set(options):
            raise ValueError("not some of " + ",".join(options))
        return values

    schema = {"type": "string", "pattern": f"^({'|'.join(options)})(,({'|'.join(options)}))*$"}
    return Parameter(name, read, schema, description, default=(), example=",".join(options))


def flag(name: str, description: str) -> Parameter:
    def read(text: str) -> bool:
        if text not in ("true", "false"):
            raise ValueError("neither true nor false")
        return text == "true"

    schema = {"type": "boolean", "default": False}
    return Parameter(name, read, schema, description, default=False, example=True)


def text(
    name: str,
    description: str,
    *,
    many: bool = False,
    required: bool = False,
    example: str | None = None,
) -> Parameter:
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
    if many:
        schema = {"type": "array", "items": schema, "maxItems": MOST_VALUES}
    default = () if many else None
    read = _text(LONGEST_TEXT)
    return Parameter(name, read, schema, description, default, many, example, required)
