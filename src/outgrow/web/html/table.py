"""The table of all pages, and the static files beside them."""

from __future__ import annotations

from starlette.routing import Route as Path
from starlette.types import Receive, Scope, Send

from outgrow.web.html import account, assets, chats, entry, intros, meet, mine, people, safety
from outgrow.web.html.page import Page, PageResource
from outgrow.web.http.response import POLICY
from outgrow.web.http.routing import HttpContext, by_path
from outgrow.web.services import Services

PAGES: tuple[Page, ...] = (
    *entry.PAGES,
    *people.PAGES,
    *meet.PAGES,
    *intros.PAGES,
    *chats.PAGES,
    *safety.PAGES,
    *mine.PAGES,
    *account.PAGES,
)
_FOR_EVER = (
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"vary", b"accept-encoding"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", POLICY),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)


def paths(services: Services, context: HttpContext) -> list[Path]:
    """The pages as routes of the application."""
    resources = [
        Path(path, PageResource(path, group, services, context))
        for path, group in by_path(PAGES).items()
    ]
    files = [Path(f"/static/{name}", _StaticFile(name)) for name in assets.static()[0]]
    return [*resources, *files]


def missing(services: Services, context: HttpContext) -> PageResource:
    """Make the page where none is."""
    return PageResource("(none)", (), services, context)


class _StaticFile:
    """One file under its name with a hash, as an ASGI application."""

    def __init__(self, name: str) -> None:
        self._file = assets.static()[0][name]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reading = scope["method"] in ("GET", "HEAD")
        compressed = b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b"")
        body = self._file.compressed if compressed else self._file.body
        headers = [
            (b"content-type", self._file.content_type),
            (b"content-length", b"%d" % (len(body) if reading else 0)),
            *_FOR_EVER,
        ]
        if compressed:
            headers.append((b"content-encoding", b"gzip"))
        status = 200 if reading else 405
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": body if scope["method"] == "GET" else b""}
        )
