"""What every reading route of the API looks at: rows and blocks, counted by PostgreSQL itself.

A request goes through the application in this process, to a connection with an open transaction,
and PostgreSQL's own counters of it are read before and after: everything that the request sends is
in them, and what functions, index scans and TOAST read for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks import typos
from benchmarks.measures import Run
from benchmarks.report import Goal
from outgrow.campus.pagination import LARGEST_OFFSET
from outgrow.campus.people.profiles import FACETS
from outgrow.db.pool import Database
from outgrow.web.api import ROUTES
from outgrow.web.app import make_app, make_context
from outgrow.web.services import make_services

COUNTED = {"total": "true", "facets": ",".join(FACETS)}
_NOT_OF_PEOPLE = {"/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"}
# Rows that scans of tables went through, and entries that those of indexes did.
_COUNTERS = """
SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(c.oid))
    FILTER (WHERE c.relnamespace <> 'pg_toast'::regnamespace), 0)::bigint,
  coalesce(sum(pg_stat_get_xact_blocks_fetched(c.oid)), 0)::bigint
FROM pg_class AS c
WHERE c.relkind IN ('r', 'i', 't') AND c.relnamespace <> 'pg_catalog'::regnamespace
"""
_VIEWER = """
SELECT u.name, u.major, u.year, u.interests ->> 0 AS interest, p.chat_id
FROM campus.users AS u
CROSS JOIN LATERAL (
  SELECT p.chat_id FROM campus.participants AS p WHERE p.user_id = u.id ORDER BY 1 LIMIT 1) AS p
WHERE u.id = $1
"""


class _Pinned(Database):
    """Everything goes to one connection, whose transaction is open."""

    connection: Any

    async def _acquire(self) -> Any:
        return self.connection

    async def _give_back(self, connection: Any) -> None: ...

    async def _release(self, connection: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """One way of asking a route; `counts` where it counts everybody whom its filters leave."""

    route: str
    label: str = ""
    query: Mapping[str, Any] | None = None
    counts: bool = False


def _asked(run: Run, viewer: Mapping[str, Any], typed: str) -> list[_Asked]:
    """Every route that reads, in each way that reads something else. Raises RuntimeError for a
    route that is not among them."""
    major, year = {"major": viewer["major"]}, {"year": viewer["year"]}
    offset = min(LARGEST_OFFSET, run.report.users // 2)
    deep, behind = {"offset": offset}, f"behind {offset:,}"
    asked = [
        _Asked("/profiles", "by major and year", major | year),
        _Asked("/profiles", "by major", major),
        _Asked("/profiles", "by year", year),
        _Asked("/profiles", "by interest", {"interest": viewer["interest"]}),
        _Asked("/profiles", "by name", {"sort": "name"}),
        _Asked("/profiles", behind, deep),
        _Asked("/profiles", f"{behind}, by name", {"sort": "name"} | deep),
        _Asked("/profiles", "by major with total and facets", major | COUNTED, counts=True),
        _Asked("/profiles", "with total and facets", COUNTED, counts=True),
        _Asked("/search", "a name", {"q": viewer["name"]}),
        _Asked("/search", "a name with a typo", {"q": typed}),
        _Asked("/search", "a word", {"q": "climbing"}),
        _Asked("/search", f"a word, {behind}", {"q": "climbing"} | deep),
        _Asked("/schools", "with counts", {"counts": "true"}, counts=True),
    ]
    searched = {way.route for way in asked} - {"/profiles", "/schools"}
    for route in ROUTES:
        if route.method != "GET" or route.path in _NOT_OF_PEOPLE | searched:
            continue
        asked.append(_Asked(route.path))
        names = {parameter.name for parameter in route.parameters}
        if "offset" in names and route.path != "/profiles":
            asked.append(_Asked(route.path, behind, deep))
    return asked


async def looked_at(run: Run, _: str) -> None:
    """That no request loads a school. The second most connected person asks, about the first."""
    world = run.world
    other, viewer_id = await world.most_connected()
    viewer = (await world.sql(_VIEWER, viewer_id))[0]
    typed = typos.cases(await world.people(), 1, seed=3)[0].typed
    ids = {"/chats/": viewer["chat_id"], "": other}
    database = await _Pinned.open(world.url, pool_size=1, generic_plans=True)
    assert isinstance(database, _Pinned)
    try:
        database.connection = await database.pool.acquire()
        services = await make_services(database, limits=None, cache_seconds=0)
        app = make_app(services, make_context(services))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://localhost"
        )
        most = {False: 0, True: 0}
        for way in _asked(run, viewer, typed):
            of = next(id_ for begin, id_ in ids.items() if way.route.startswith(begin))
            path = way.route.replace("{id}", of)
            (token,) = await world.tokens([viewer_id])
            rows, blocks = await _counted(database, client, path, way.query or {}, token)
            name = f"{way.route} {way.label}".strip()
            run.report.add(f"rows looked at, {name}", rows, "rows")
            run.report.add(f"blocks touched, {name}", blocks, "8 kB blocks")
            most[way.counts] = max(most[way.counts], blocks)
    finally:
        database.pool.terminate()
    size = await world.store_mb() * 1e6 / 8192
    for counts, what, goal in (
        (False, "most blocks touched", Goal("gate", at_most=0.1)),
        (True, "most blocks touched, with total and facets", Goal("aim", at_most=1)),
    ):
        run.report.add(what, most[counts], "blocks", goal, peer="blocks of the store", than=size)


async def _counted(
    database: _Pinned, client: httpx.AsyncClient, path: str, query: Mapping[str, Any], token: str
) -> tuple[int, int]:
    """Rows and blocks of a request, the second of its kind: what a running server remembers is
    remembered. Counts of parallel workers would be elsewhere, so that there are none."""
    connection = database.connection
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        counts = []
        for _ in range(2):
            counts.append(await connection.fetchrow(_COUNTERS))
            headers = {"authorization": f"Bearer {token}"}
            answer = await client.get(path, params=query, headers=headers)
            if answer.status_code != 200:
                raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
        rows, blocks = await connection.fetchrow(_COUNTERS)
    finally:
        await transaction.rollback()
    return rows - counts[1][0], blocks - counts[1][1]
