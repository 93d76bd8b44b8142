"""The ASGI application: routes over services over one database."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from starlette.routing import BaseRoute, Match, Router, WebSocketRoute
from starlette.routing import Route as Path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outgrow.web.api import ROUTES
from outgrow.web.api.chats import LiveSocket
from outgrow.web.api.endpoint import ApiResource, Route
from outgrow.web.html import missing_page, page_paths
from outgrow.web.http.auth import Tokens, derived_key
from outgrow.web.http.routing import HttpContext, Metrics, group_by_path
from outgrow.web.services import Services

STRICTLY = (b"strict-transport-security", b"max-age=31536000")


def make_context(
    services: Services,
    *,
    slow_query_ms: int = 500,
    metrics_token: str | None = None,
    proxies: int = 0,
    https: bool = False,
) -> HttpContext:
    """Make what all requests share. `proxies` is the number of trusted proxies in front of this
    process; `https` says that all callers come by HTTPS."""
    return HttpContext(
        tokens=Tokens(services.sessions),
        limits=services.limits,
        metrics=Metrics(services.database, slow_query_ms / 1000, services.caches.uses),
        metrics_token=metrics_token,
        proxies=proxies,
        https=https,
        log_key=derived_key(services.secret, b"log"),
    )


def make_app(services: Services, context: HttpContext, routes: Sequence[Route] = ROUTES) -> ASGIApp:
    """Make the ASGI application."""
    resources = [
        Path(path, ApiResource(path, group, services, context))
        for path, group in group_by_path(routes).items()
    ]
    return _Paths(
        [
            *resources,
            WebSocketRoute("/live", LiveSocket(services, context)),
            *page_paths(services, context),
        ],
        default=_Missing(
            ApiResource("(none)", (), services, context), missing_page(services, context)
        ),
        context=context,
    )


class _Paths:
    """A router by the whole path, or by its first segment. Starlette tries one route after the
    other, at 1.5 microseconds each, and there are a hundred."""

    def __init__(
        self, routes: Sequence[Path | WebSocketRoute], default: ASGIApp, context: HttpContext
    ) -> None:
        self._context = context
        self._whole: dict[str, ASGIApp] = {}
        by_first_part: dict[str, list[_BySegment]] = {}
        for route in routes:
            if isinstance(route, Path) and not route.param_convertors:
                self._whole.setdefault(route.path, route.app)
            else:
                by_first_part.setdefault(_first_part(route.path), []).append(_BySegment(route))
        self._routers: dict[str, ASGIApp] = {
            first: Router(group, redirect_slashes=False, default=default)
            for first, group in by_first_part.items()
        }
        self._default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        is_whole = scope["type"] == "http" and not _has_slash(scope)
        app = self._whole.get(path) if is_whole else None
        app = app or self._routers.get(_first_part(path), self._default)
        secure = scope["type"] == "http" and self._context.is_secure(scope)
        await app(scope, receive, _strictly(send) if secure else send)


class _BySegment(BaseRoute):
    """A route that matches the path as it was sent: a slash in an id, `%2F`, separates nothing."""

    def __init__(self, route: Path | WebSocketRoute) -> None:
        self._route = route

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if not _has_slash(scope):
            return self._route.matches(scope)
        raw: bytes = scope["raw_path"]
        path = "/".join(
            unquote(part).replace("/", _SLASH) for part in raw.decode("latin-1").split("/")
        )
        match, child = self._route.matches({**scope, "path": path})
        params = child.get("path_params", {})
        child["path_params"] = {name: value.replace(_SLASH, "/") for name, value in params.items()}
        return match, child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._route.handle(scope, receive, send)


_SLASH = "\ud82f"  # half a pair, which no decoded path has


def _has_slash(scope: Scope) -> bool:
    """Return whether a segment of the path, such as an id, has a slash in it."""
    return b"%2f" in (scope.get("raw_path") or b"").lower()


def _strictly(send: Send) -> Send:
    """Tell browsers to use HTTPS only, for a year."""

    async def send_strictly(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], STRICTLY]
        await send(message)

    return send_strictly


def _first_part(path: str) -> str:
    return path[1:].partition("/")[0]


class _Missing:
    """The answer where no path matches: a problem for programs, a page for people."""

    def __init__(self, problem: ASGIApp, page: ASGIApp) -> None:
        self._problem = problem
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4404})
        elif b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            await self._page(scope, receive, send)
        else:
            await self._problem(scope, receive, send)
