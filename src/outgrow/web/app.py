"""The application: routes over services over one database."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import unquote

from starlette.routing import BaseRoute, Match, Router, WebSocketRoute
from starlette.routing import Route as Path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outgrow import queries
from outgrow.campus.accounts import Accounts
from outgrow.campus.cache import SECONDS, Caches
from outgrow.campus.chats import Chats
from outgrow.campus.codes import Codes
from outgrow.campus.confirmations import Confirmations
from outgrow.campus.connections import Connections
from outgrow.campus.deletion import Deletions
from outgrow.campus.discover import Discover
from outgrow.campus.export import Export
from outgrow.campus.intros import Intros
from outgrow.campus.limits import Limits
from outgrow.campus.live import Live
from outgrow.campus.mail import Mail, Transport, printed
from outgrow.campus.news import News
from outgrow.campus.pages import Cursors
from outgrow.campus.passwords import Passwords
from outgrow.campus.profiles import Profiles
from outgrow.campus.safety import Safety
from outgrow.campus.schools import Schools
from outgrow.campus.search import Search
from outgrow.campus.sessions import Lifetime, Sessions
from outgrow.campus.visits import Visits
from outgrow.database import Database
from outgrow.errors import Damaged
from outgrow.web.api.live import LiveSocket
from outgrow.web.api.table import ROUTES
from outgrow.web.html import table as pages
from outgrow.web.html.waiting import Waiting
from outgrow.web.http.auth import Tokens, derived_key
from outgrow.web.http.metrics import Metrics
from outgrow.web.http.routing import Answer, Network, Resource, Route, no_such_route

STRICTLY = (b"strict-transport-security", b"max-age=31536000")


async def make_network(
    database: Database,
    *,
    slow_query_ms: int = 500,
    metrics_token: str | None = None,
    limits: Mapping[str, tuple[int, int]] | None = MappingProxyType({}),
    proxies: int = 0,
    https: bool = False,
    mail: Transport | None = None,
    cache_seconds: float = SECONDS,
    lifetime: Lifetime | None = None,
    codes_always: bool = False,
) -> Network:
    """The services on an installed campus. Raises Damaged when its secret is gone.

    `limits` are those that differ from their defaults, None for no limits; `proxies` is how many
    in front of this process say truly whom they speak for; `https` says that everybody comes by
    it. `mail` sends it, and unless given it is printed to stdout. `cache_seconds` is how old an
    answer from the cache may be, `lifetime` how long sessions live. `codes_always`: every
    sign-up needs a code from its mailbox.
    """
    secret = await database.value(queries.load("network")["secret"])
    if secret is None:
        raise Damaged(
            "no_secret",
            "the signing secret is not in network.secrets",
            hint="restart the server: it makes one, and everybody signs in again",
        )
    cursors = Cursors(derived_key(secret, b"cursors"))
    counted = Limits(database, derived_key(secret, b"limits"), limits)
    passwords = Passwords()
    news = News(database)
    caches = Caches(news, cache_seconds)
    sessions = Sessions(database, lifetime)
    live = Live(database, news, sessions)
    accounts = Accounts(database, passwords, counted, sessions)
    intros = Intros(database, cursors)
    chats = Chats(database, cursors, live)
    return Network(
        database=database,
        accounts=accounts,
        profiles=Profiles(database, cursors, caches),
        connections=Connections(database, cursors),
        chats=chats,
        live=live,
        news=news,
        caches=caches,
        discover=Discover(database, cursors),
        intros=intros,
        safety=Safety(database, cursors),
        schools=Schools(database, cursors, caches),
        search=Search(database, cursors),
        visits=Visits(database, sessions, derived_key(secret, b"forms of pages")),
        waiting=Waiting(intros, chats),
        tokens=Tokens(sessions),
        metrics=Metrics(database, slow_query_ms / 1000, caches.uses),
        metrics_token=metrics_token,
        limits=counted,
        confirmations=Confirmations(
            database,
            accounts,
            passwords,
            counted,
            Codes(derived_key(secret, b"codes")),
            Mail(mail or printed(_to_stdout)),
            always=codes_always,
        ),
        export=Export(database),
        deletions=Deletions(database, accounts),
        proxies=proxies,
        https=https,
        log_key=derived_key(secret, b"log"),
    )


def _to_stdout(text: str) -> None:
    """Not to stderr, which is the log: there are codes and addresses in a mail."""
    print(text, file=sys.stdout, flush=True)


def make_app(network: Network, routes: Sequence[Route] = ROUTES) -> ASGIApp:
    """The ASGI application."""
    by_path: dict[str, list[Route]] = {}
    for route in sorted(routes, key=lambda route: "{" in route.path):
        by_path.setdefault(route.path, []).append(route)
    return _Paths(
        [
            *(Path(path, Resource(path, group, network)) for path, group in by_path.items()),
            WebSocketRoute("/live", LiveSocket(network)),
            *pages.paths(network),
        ],
        default=_Missing("(none)", (), network),
        network=network,
    )


class _Paths:
    """Starlette asks one route after the other, at 1.5 microseconds each, and there are a hundred:
    here none where the path is a route's own, else those that begin as the path does."""

    def __init__(
        self, routes: Sequence[Path | WebSocketRoute], default: ASGIApp, network: Network
    ) -> None:
        self._network = network
        self._whole: dict[str, ASGIApp] = {}
        begun_alike: dict[str, list[_BySegment]] = {}
        for route in routes:
            if isinstance(route, Path) and not route.param_convertors:
                self._whole.setdefault(route.path, route.app)
            else:
                begun_alike.setdefault(_first_part(route.path), []).append(_BySegment(route))
        self._routers: dict[str, ASGIApp] = {
            first: Router(group, redirect_slashes=False, default=default)
            for first, group in begun_alike.items()
        }
        self._default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        app = self._whole.get(path) if scope["type"] == "http" else None
        app = app or self._routers.get(_first_part(path), self._default)
        secure = scope["type"] == "http" and self._network.is_secure(scope)
        await app(scope, receive, _strictly(send) if secure else send)


class _BySegment(BaseRoute):
    """A route that matches the path as it was sent: a slash in an id, `%2F`, divides nothing."""

    def __init__(self, route: Path | WebSocketRoute) -> None:
        self._route = route

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        raw: bytes = scope.get("raw_path") or b""
        if b"%2f" not in raw.lower():
            return self._route.matches(scope)
        path = "/".join(
            unquote(part).replace("/", _SLASH) for part in raw.decode("latin-1").split("/")
        )
        match, child = self._route.matches({**scope, "path": path})
        found = child.get("path_params", {})
        child["path_params"] = {name: value.replace(_SLASH, "/") for name, value in found.items()}
        return match, child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._route.handle(scope, receive, send)


_SLASH = "\ud82f"  # half a pair, which no decoded path has


def _strictly(send: Send) -> Send:
    """Tell browsers that came by HTTPS to come by nothing else, for a year."""

    async def also(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], STRICTLY]
        await send(message)

    return also


def _first_part(path: str) -> str:
    return path[1:].partition("/")[0]


class _Missing(Resource):
    """Where no path matches: a problem for programs, a page for people."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4404})
        elif b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            await pages.missing(self._network)(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _answer(
        self, method: str, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive
    ) -> Answer:
        raise no_such_route()
