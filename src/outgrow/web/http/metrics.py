"""What Prometheus reads: requests by route, queries by name, the pool, the process. The same times
go to `latencies`, from where readings for `outgrow advise` take them.

Each application has a registry of its own. Children of labelled metrics are looked up once per
route and status, since that costs more than counting does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest

from outgrow.campus.cache import Uses
from outgrow.db.pool import Database
from outgrow.latencies import Latencies, Timer

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
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
            "Tables, and what keeps them, not as a growth made them; NaN where the database "
            "did not say",
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
    """Connections now, asked when Prometheus asks."""

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
    """How often each cache had an answer."""

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
