"""Routes for operators and their machines: health and metrics."""

from __future__ import annotations

import asyncio
import logging
import math
from functools import cache

import asyncpg

from outgrow import queries
from outgrow.blueprint import Blueprint, campus
from outgrow.db.pool import Database
from outgrow.errors import OutgrowError, Unavailable
from outgrow.schema import definitions, late_lists
from outgrow.web.api.endpoint import ApiRequest, Route
from outgrow.web.api.schemas import Health
from outgrow.web.http.response import Response
from outgrow.web.http.routing import METRICS_TEXT, Access

SQL = queries.load("network")
log = logging.getLogger("outgrow.web")

READY_SECONDS = 2.0


async def health(request: ApiRequest) -> Response:
    return Response(b'{"status":"ok"}')


async def ready(request: ApiRequest) -> Response:
    try:
        await asyncio.wait_for(request.services.database.value(SQL["ready"]), READY_SECONDS)
    except TimeoutError as e:
        raise Unavailable(
            "database_unavailable",
            f"the database did not answer within {READY_SECONDS:.0f} s",
            hint="look at the database, and at outgrow_pool_connections in /metrics",
        ) from e
    return Response(b'{"status":"ready"}')


async def read_metrics(request: ApiRequest) -> Response:
    metrics, database = request.context.metrics, request.services.database
    metrics.altered.set(await _count_altered(database))
    notes, seconds = await _read_lag(database)
    metrics.late_notes.set(notes)
    metrics.late_seconds.set(seconds)
    return Response(request.context.metrics.text(), content_type=METRICS_TEXT)


async def _count_altered(database: Database) -> float:
    """Return the number of tables and triggers that differ from what a growth made, NaN when the
    database does not answer. `outgrow verify` lists them."""
    try:
        async with asyncio.timeout(READY_SECONDS), database.session() as session:
            return await definitions.count_wrong(session, _campus())
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, OutgrowError) as e:
        log.warning("the tables could not be checked: %s", e)
        return math.nan


async def _read_lag(database: Database) -> tuple[float, float]:
    """Return how many notes about late lists wait, and the seconds for which the first of them has;
    NaN when the database does not answer."""
    try:
        async with asyncio.timeout(READY_SECONDS), database.session() as session:
            return await late_lists.read_lag(session)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, OutgrowError) as e:
        log.warning("how late lists are could not be read: %s", e)
        return math.nan, math.nan


@cache
def _campus() -> Blueprint:
    return campus()


ROUTES = (
    Route(
        method="GET",
        path="/healthz",
        handler=health,
        access=Access.PUBLIC,
        tag="operation",
        summary="Check that the process answers",
        answer=Health,
        answer_example={"status": "ok"},
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=ready,
        access=Access.PUBLIC,
        tag="operation",
        summary="Check that the database answers",
        answer=Health,
        answer_example={"status": "ready"},
        errors=("database_unavailable",),
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=read_metrics,
        access=Access.OPERATOR,
        tag="operation",
        summary="Get metrics for Prometheus",
        description="Open to callers on the same machine or, once OUTGROW_METRICS_TOKEN is set, to "
        "callers with that bearer token. Returns 404 to everyone else.",
        content_type="text/plain",
    ),
)
