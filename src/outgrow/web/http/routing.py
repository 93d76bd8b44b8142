"""What every request meets before a route answers it, for the API and the pages alike.

With the metrics that Prometheus reads: requests by route, queries by name, the pool, the process.
The same times go to `latencies`, the source of the readings for `outgrow advise`. Each application
has a registry of its own. Children of labelled metrics are looked up once per route and status,
since that costs more than counting does.
"""

from __future__ import annotations

import enum
import itertools
import re
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Generic, Protocol, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from starlette.types import Receive, Scope, Send

from outgrow import events
from outgrow.campus.cache import Uses
from outgrow.campus.limits import REQUESTS, REQUESTS_FROM, Limit, Limits
from outgrow.db.pool import Database
from outgrow.errors import NotAllowed, NotFound
from outgrow.latencies import Latencies, Timer
from outgrow.web.http.auth import Tokens, client_address, is_operator, is_secure
from outgrow.web.http.response import Response, send_response

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_process = secrets.token_hex(4)
_numbers = itertools.count(1)


class Access(enum.Enum):
    """The callers that a route admits. A member is signed in and has a profile, so a school."""

    PUBLIC = "everyone"
    SIGNED_IN = "people who are signed in"
    MEMBER = "members of a school"
    OPERATOR = "the operator"


@dataclass(frozen=True, slots=True)
class HttpContext:
    """The settings and counters that all requests share. `proxies` is the number of trusted proxies
    in front of this process."""

    tokens: Tokens
    limits: Limits
    metrics: Metrics
    metrics_token: str | None = None
    proxies: int = 0
    https: bool = False
    log_key: bytes = b""

    def address(self, scope: Scope) -> str:
        """Return the address that a request comes from, for limits."""
        return client_address(self.proxies, scope)

    def is_secure(self, scope: Scope) -> bool:
        return is_secure(self.https, self.proxies, scope)

    def is_operator(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        return is_operator(scope, headers, self.metrics_token)

    def count(self, scope: Scope, user_id: str | None) -> None:
        """Count a request against its user, or its address without one. Raises TooMany."""
        if user_id is None:
            self.limits.count(REQUESTS_FROM, self.address(scope))
        else:
            self.limits.count(REQUESTS, user_id)

    async def count_route(self, limit: Limit | None, scope: Scope, user_id: str | None) -> None:
        """Count against a route's own limit, unless its handler does so later. Raises TooMany."""
        if limit is not None and not limit.late:
            await self.limits.consume(limit, self.address(scope) if user_id is None else user_id)

    def log_fields(
        self, scope: Scope, headers: Mapping[bytes, bytes], method: str, path: str
    ) -> events.Request:
        """Return the log's fields of a request. The id is the one from a trusted proxy, if it is
        well formed; otherwise it is made here."""
        given = headers.get(b"x-request-id", b"") if self.proxies else b""
        is_id = _REQUEST_ID.fullmatch(given)
        request_id = given.decode("ascii") if is_id else f"{_process}-{next(_numbers):x}"

        def client() -> str:
            """Return a hash of the address, the same while the signing secret is the same."""
            subject = self.address(scope).encode("utf-8", "surrogatepass")
            return blake2b(subject, digest_size=6, key=self.log_key).hexdigest()

        return events.Request(request_id, method, path, client)


class AnyRoute(Protocol):
    """A route of the API or of the pages."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...


R = TypeVar("R", bound=AnyRoute)


def group_by_path(routes: Sequence[R]) -> dict[str, list[R]]:
    """Return the routes of each path. Paths without a variable come first."""
    groups: dict[str, list[R]] = {}
    for route in sorted(routes, key=lambda route: "{" in route.path):
        groups.setdefault(route.path, []).append(route)
    return groups


class Resource(ABC, Generic[R]):
    """All routes of one path, as an ASGI application: each request is logged, counted and timed.

    A resource without routes answers where no path matches. The API and the pages differ in how a
    request is read, and in what an error looks like.
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
        fields = self._context.log_fields(scope, headers, known, self._path)
        with events.of_request(fields):
            response = await self.respond(scope, headers, receive, fields.id)
            request_id = (b"x-request-id", fields.id.encode("ascii"))
            await send_response(send, method, response, request_id)
        seconds = time.perf_counter() - start
        self._context.metrics.request(known, self._path, response.status, seconds)

    @abstractmethod
    async def respond(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, request_id: str
    ) -> Response:
        """Answer the request. Turn every error into a response; raise none."""

    def route(self, method: str) -> R:
        """Return the route for a method. Raises NotAllowed, NotFound."""
        if not self._routes:
            raise no_such_route()
        route = self._routes.get(method)
        if route is None:
            raise NotAllowed(
                "method_not_allowed",
                f"{self._path} has no {method[:20]}",
                hint=f"use {self.allowed()}",
            )
        return route

    def allowed(self) -> str:
        return ", ".join(sorted(self._routes))


def no_such_route() -> NotFound:
    return NotFound("no_such_route", "there is nothing here", hint="see /docs for all routes")


METRICS_TEXT = b"text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The metrics of one application. `slow_seconds` is the time from which a statement is slow."""

    def __init__(
        self, database: Database, slow_seconds: float, caches: Mapping[str, Uses] | None = None
    ) -> None:
        self.registry = CollectorRegistry()
        self._slow_seconds = slow_seconds
        self.latencies = Latencies(slow_seconds)
        self._latency = Histogram(
            "outgrow_request_seconds",
            "Time from a request's headers to the last byte of its answer",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._queries = Histogram(
            "outgrow_query_seconds",
            "Time of a statement, waiting for PostgreSQL included",
            ["query"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._slow = Counter(
            "outgrow_slow_queries",
            f"Statements that took {slow_seconds * 1000:.0f} ms or more",
            ["query"],
            registry=self.registry,
        )
        self.altered = Gauge(
            "outgrow_altered_objects",
            "Tables and triggers that differ from what a growth made; NaN where the database did "
            "not answer",
            registry=self.registry,
        )
        self.late_notes = Gauge(
            "outgrow_late_notes",
            "Changes of late lists that wait to be folded; NaN where the database did not answer",
            registry=self.registry,
        )
        self.late_seconds = Gauge(
            "outgrow_late_lists_seconds",
            "How long the first of these changes has waited",
            registry=self.registry,
        )
        self._requests: dict[tuple[str, str, int], tuple[Any, Timer]] = {}
        self._by_query: dict[str, tuple[Any, Timer]] = {}
        self.registry.register(_Pool(database))
        self.registry.register(_Caches(caches or {}))
        ProcessCollector(registry=self.registry)
        database.observe_with(self._query)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        pair = self._requests.get(key)
        if pair is None:
            pair = self._requests[key] = (
                self._latency.labels(method, route, str(status)),
                self.latencies.timer("route", f"{method} {route}"),
            )
        child, timer = pair
        child.observe(seconds)
        timer.add(seconds)

    def _query(self, name: str, seconds: float) -> None:
        pair = self._by_query.get(name)
        if pair is None:
            pair = self._by_query[name] = (
                self._queries.labels(name),
                self.latencies.timer("query", name),
            )
        child, timer = pair
        child.observe(seconds)
        timer.add(seconds)
        if seconds >= self._slow_seconds:
            self._slow.labels(name).inc()

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _Pool:
    """The pool's connections, read when Prometheus asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterable[GaugeMetricFamily]:
        pool = self._database.pool
        gauge = GaugeMetricFamily(
            "outgrow_pool_connections", "Connections of the pool", labels=["state"]
        )
        gauge.add_metric(["idle"], self._database.idle)
        gauge.add_metric(["busy"], pool.get_size() - self._database.idle)
        gauge.add_metric(["largest"], pool.get_max_size())
        yield gauge


class _Caches:
    """Hits and misses of each cache."""

    def __init__(self, caches: Mapping[str, Uses]) -> None:
        self._caches = caches

    def collect(self) -> Iterable[CounterMetricFamily]:
        counter = CounterMetricFamily(
            "outgrow_cache_requests", "Questions to a cache", labels=["answers", "result"]
        )
        for name, uses in self._caches.items():
            counter.add_metric([name, "hit"], uses.hits)
            counter.add_metric([name, "miss"], uses.misses)
        yield counter
