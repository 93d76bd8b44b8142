"""Responses, and how one becomes bytes on a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from starlette.types import Message, Send

JSON = b"application/json"
POLICY = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
"""Of what is no page: a browser that is led to it shows text, and runs nothing."""
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", POLICY),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


@dataclass(frozen=True, slots=True)
class Response:
    """What is sent back. `stream`, where there is one, makes the body piece by piece."""

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
    """Send a response that has its first chunk; `more` are headers besides its own."""
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
