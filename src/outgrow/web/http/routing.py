"""What every request meets before a route answers it, for the API and the pages alike."""

from __future__ import annotations

import enum
import itertools
import re
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, Protocol, TypeVar

from starlette.types import Receive, Scope, Send

from outgrow import events
from outgrow.campus.limits import REQUESTS, REQUESTS_FROM, Limit, Limits
from outgrow.errors import NotAllowed, NotFound
from outgrow.web.http import origin
from outgrow.web.http.auth import Tokens
from outgrow.web.http.metrics import Metrics
from outgrow.web.http.response import Response, send_response

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_process = secrets.token_hex(4)
_numbers = itertools.count(1)


class Access(enum.Enum):
    """Who may call a route. A member is signed in and has a profile, so a school."""

    PUBLIC = "anybody"
    SIGNED_IN = "whoever is signed in"
    MEMBER = "members of a school"
    OPERATOR = "the operator"


@dataclass(frozen=True, slots=True)
class HttpContext:
    """What is the same for all requests: who is believed, what is counted, and the proxies that
    tell where a request comes from."""

    tokens: Tokens
    limits: Limits
    metrics: Metrics
    metrics_token: str | None = None
    proxies: int = 0
    https: bool = False
    log_key: bytes = b""

    def address(self, scope: Scope) -> str:
        """Return where a request comes from, for limits."""
        return origin.address(self.proxies, scope)

    def is_secure(self, scope: Scope) -> bool:
        return origin.is_secure(self.https, self.proxies, scope)

    def is_operator(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        return origin.is_operator(scope, headers, self.metrics_token)

    def count(self, scope: Scope, user_id: str | None) -> None:
        """Count a request by its user, or by address without one. Raises TooMany."""
        if user_id is None:
            self.limits.count(REQUESTS_FROM, self.address(scope))
        else:
            self.limits.count(REQUESTS, user_id)

    async def take(self, limit: Limit | None, scope: Scope, user_id: str | None) -> None:
        """Count against a route's own limit, unless its handler does so later. Raises TooMany."""
        if limit is not None and not limit.late:
            await self.limits.take(limit, self.address(scope) if user_id is None else user_id)

    def logged(
        self, scope: Scope, headers: Mapping[bytes, bytes], method: str, path: str
    ) -> events.Request:
        """Return what the log says of a request. Its id is the one that a trusted proxy gave it, if
        that has the form of one; otherwise it is made here."""
        given = headers.get(b"x-request-id", b"") if self.proxies else b""
        is_id = _REQUEST_ID.fullmatch(given)
        request_id = given.decode("ascii") if is_id else f"{_process}-{next(_numbers):x}"

        def client() -> str:
            """The same for the same address while the signing secret is the same."""
            subject = self.address(scope).encode("utf-8", "surrogatepass")
            return blake2b(subject, digest_size=6, key=self.log_key).hexdigest()

        return events.Request(request_id, method, path, client)


class AnyRoute(Protocol):
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...


R = TypeVar("R", bound=AnyRoute)


def by_path(routes: Sequence[R]) -> dict[str, list[R]]:
    """Return the routes of each path, those without a variable in it first."""
    found: dict[str, list[R]] = {}
    for route in sorted(routes, key=lambda route: "{" in route.path):
        found.setdefault(route.path, []).append(route)
    return found


class Resource(ABC, Generic[R]):
    """All routes of one path, as an ASGI application: each request is logged, counted and timed.
    One without routes is what there is where no path matches.

    The API and the pages differ in how a request is read, and in what an error looks like.
    """

    def __init__(self, path: str, routes: Sequence[R], context: HttpContext) -> None:
        self._path = path
        self._context = context
        self._routes = {route.method: route for route in routes}
        if "GET" in self._routes:
            self._routes["HEAD"] = self._routes["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        method: str = scope["method"]
        headers = dict(scope["headers"])
        known = method if method in self._routes else "other"
        logged = self._context.logged(scope, headers, known, self._path)
        with events.of_request(logged):
            response = await self.respond(scope, headers, receive, logged.id)
            request_id = (b"x-request-id", logged.id.encode("ascii"))
            await send_response(send, method, response, request_id)
        seconds = time.perf_counter() - start
        self._context.metrics.request(known, self._path, response.status, seconds)

    @abstractmethod
    async def respond(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, request_id: str
    ) -> Response:
        """Answer the request. What is raised becomes a response here, and leaves no further."""

    def route(self, method: str) -> R:
        """Raises NotAllowed, NotFound."""
        if not self._routes:
            raise no_such_route()
        route = self._routes.get(method)
        if route is None:
            raise NotAllowed(
                "method_not_allowed",
                f"{self._path} does not know {method[:20]}",
                hint=f"it knows {self.allowed()}",
            )
        return route

    def allowed(self) -> str:
        return ", ".join(sorted(self._routes))


def no_such_route() -> NotFound:
    return NotFound("no_such_route", "there is nothing here", hint="see what there is at /docs")
