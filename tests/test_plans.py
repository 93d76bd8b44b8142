"""The network's own statements at 50,000 users in one school: which index serves each, and that
none looks at more than a few rows of the store. As the network sends them: planned once, without
their parameters."""

from __future__ import annotations

import asyncio
import json
import statistics
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from outgrow.blueprint import campus
from outgrow.campus import Viewer
from outgrow.campus.cache import Caches
from outgrow.campus.notifier import Notifier
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people import connections, profiles
from outgrow.db.embedded import EmbeddedServer
from outgrow.db.pool import Database
from outgrow.growth.runner import grow
from outgrow.growth.state import Phase
from outgrow.queries import Query, load
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import DEMO_ID, DEMO_SCHOOL, Spec
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE
from plans import admin, explain, looked_at, opened, read_whole, used

USERS = 50_000


class Silent:
    """Watches a growth and says nothing."""

    def noted(self, *_: Any) -> None: ...
    def planned(self, *_: Any) -> None: ...
    def begun(self, *_: Any) -> None: ...
    def seen(self, *_: Any) -> None: ...
    def finished(self, *_: Any) -> None: ...


async def make(url: str) -> None:
    async with opened(url) as database:
        await generate(database, Spec(USERS, largest=USERS))
        await install(database)
        await grow(database, "optimized", DEFAULT_STORE, campus(), Silent())


@pytest.fixture(scope="module")
def large_url(server: EmbeddedServer) -> Iterator[str]:
    """A campus of one large school, in phase optimized."""
    postgres = server.url("postgres")
    asyncio.run(admin(postgres, "CREATE DATABASE large_campus TEMPLATE template0 ENCODING 'UTF8'"))
    asyncio.run(make(server.url("large_campus")))
    yield server.url("large_campus")
    asyncio.run(admin(postgres, "DROP DATABASE large_campus WITH (FORCE)"))


@pytest.fixture
async def large(large_url: str) -> AsyncIterator[Database]:
    async with opened(large_url) as database:
        yield database


ACCOUNTS, PROFILES, SAFETY = load("accounts"), load("profiles"), load("safety")
BLOCKS = SAFETY["page"].given(cursor=None)


def page(sort: profiles.Sort, *, cursor: bool = False, **filters: object) -> Query:
    return PROFILES[f"page_{sort}"].given(cursor=cursor, **narrowed(**filters))


def narrowed(**filters: object) -> dict[str, object]:
    return {**dict.fromkeys(("major", "year", "interests", "looking_for")), **filters}


def asked(*filters: str | None, after: tuple[str, str] | None = None) -> list[Any]:
    given = [*filters, *[None] * (4 - len(filters))]
    return [DEMO_SCHOOL, *given, 20, DEMO_ID, *(after or (None, None))]


MAJOR, YEAR = "Biology", "Junior"
AFTER_DAY = ('"2025-06-01T00:00:00.000Z"', "x")
LIST = [DEMO_ID, DEMO_SCHOOL, 20, 0, None, None, DEMO_ID]
KEY = f"{DEFAULT_STORE}_pkey"
# Statement, parameters, the index that finds its rows, how many rows of the store it may look at.
CASES: dict[str, tuple[Query, list[Any], str, int]] = {
    "first": (
        PROFILES["first_newest"].given(**narrowed()),
        asked()[:6],
        "users_school_sort_created",
        40,
    ),
    "newest": (page("newest"), asked(), "users_school_sort_created", 40),
    "newest, further": (
        page("newest", cursor=True),
        asked(after=AFTER_DAY),
        "users_school_sort_created",
        40,
    ),
    "by name": (page("name"), asked(), "users_school_sort_name", 40),
    "by name, further": (
        page("name", cursor=True),
        asked(after=("m", "x")),
        "users_school_sort_name",
        40,
    ),
    "major": (page("newest", major=MAJOR), asked(MAJOR), "users_school_major", 40),
    "year": (page("newest", year=YEAR), asked(None, YEAR), "users_school_year", 40),
    "major and year": (
        page("newest", major=MAJOR, year=YEAR),
        asked(MAJOR, YEAR),
        "users_school_major_year",
        40,
    ),
    "deep": (
        PROFILES["deep_newest"].given(**narrowed()),
        [*asked()[:7], 1000],
        "users_school_sort_created",
        1200,
    ),
    "one": (PROFILES["one"], [DEMO_ID, DEMO_SCHOOL, "me"], KEY, 1),
    "own": (PROFILES["own"], [DEMO_ID], KEY, 1),
    "profile": (ACCOUNTS["profile"], [DEMO_ID], KEY, 1),
    "e-mail": (ACCOUNTS["profile_with_email"], ["x@y.example", None], "users_email_key", 1),
    "hidden from one": (SAFETY["is_hidden"], [DEMO_ID, "me"], KEY, 1),
    "hidden by old lists": (SAFETY["listing"], [DEMO_ID], "users_blocked", 10),
    "blocks": (
        SAFETY["page"].given(cursor=None),
        [DEMO_ID, DEMO_SCHOOL, 20, 0, None, None],
        KEY,
        20,
    ),
    "hidden of a count": (
        PROFILES["hidden"].given(**narrowed(year=YEAR)),
        [DEMO_SCHOOL, None, YEAR, None, None, f"{{{DEMO_ID},me}}"],
        KEY,
        1,
    ),
    "connections": (connections._query("of", None), LIST, KEY, 400),
    "mutual": (connections._query("mutual", None), LIST, KEY, 1500),
    "connected by": (connections._query("by", None), LIST, KEY, 400),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_statement_looks_at_few_rows(large: Database, name: str) -> None:
    query, arguments, index, most = CASES[name]
    nodes = await explain(large, query, arguments)
    assert read_whole(nodes) == set()
    assert any(index in name for name in used(nodes)), used(nodes)
    assert looked_at(nodes, DEFAULT_STORE) <= most, json.dumps(nodes[0], indent=1)


@pytest.mark.parametrize(
    "filters",
    [
        profiles.Filters(looking_for=("friends",)),
        profiles.Filters(interests=("music",)),
        profiles.Filters(interests=("nobody has this",)),
    ],
    ids=["common aim", "common interest", "unknown interest"],
)
async def test_a_filter_by_interest_is_planned_for_what_is_asked(
    large: Database, filters: profiles.Filters
) -> None:
    """By generic plans a common one read 18,754 rows."""
    statements: list[str] = []
    large.observe_with(lambda name, _: statements.append(name))
    answer = await profiles.Profiles(large, Cursors(b"k" * 32), Caches(Notifier(large), 0)).page(
        filters, "newest", Page(20, 0, None), viewer=Viewer(DEMO_ID, DEMO_SCHOOL)
    )
    assert json.loads(answer)["items"] or filters.interests == ("nobody has this",)
    assert "database.plan_for_parameters" in statements
    query = PROFILES["page_newest"].given(cursor=None, **filters.arguments())
    arguments = asked(*filters.arguments().values())
    plans = []
    for _ in range(3):
        plans.append(await explain(large, query, arguments, custom=True))
        await large.run(Query("test.analyze", f'ANALYZE "{DEFAULT_STORE}"'))
    # Of the samples that statistics are made of, one in some dozens misleads the planner.
    rows = statistics.median(looked_at(nodes, DEFAULT_STORE) for nodes in plans)
    assert rows <= 400, json.dumps([nodes[0] for nodes in plans], indent=1)


@pytest.mark.parametrize("phase", ["initial", "relational"])
async def test_each_list_of_two_popular_people_is_read_once(campus_url: str, phase: Phase) -> None:
    """Once per row of the other's, a list of 300 was 90,000 rows, and one of 3,000 minutes."""
    fill = f"""
        INSERT INTO {DEFAULT_STORE} (key, value)
        SELECT 'user:' || id, jsonb_build_object('id', id, 'name', id, 'school', 'S')
        FROM (SELECT 'p' || n FROM generate_series(1, 302) n) u(id)
        UNION ALL
        SELECT 'user:p' || n || ':connections', CASE WHEN n < 301 THEN '["p301", "p302"]' ELSE (
            SELECT jsonb_agg('p' || m) FROM generate_series(1, 300) m) END
        FROM generate_series(1, 302) n
    """
    async with opened(campus_url) as database:
        await database.run(Query("test.fill", fill))
        await grow(database, phase, DEFAULT_STORE, campus(), Silent())
        query = connections._query("mutual", None)
        nodes = await explain(database, query, ["p301", "S", 20, 0, None, None, "p302"])
        scans = [node for node in nodes if node["Node Type"].endswith("Scan")]
        assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) < 10_000
        row = await database.row(query, "p301", "S", 20, 0, None, None, "p302")
        assert row is not None
        assert row["has_more"]
