"""Discover in a school of 5,000: how many of the true best it shows, and that no statement of it
reads a school. As the network sends them: planned once, without their parameters."""

from __future__ import annotations

import asyncio
import heapq
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from growing import grow
from outgrow.campus import Viewer
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people.search import Discover
from outgrow.db.embedded import EmbeddedServer
from outgrow.db.pool import Database
from outgrow.growth.state import Phase
from outgrow.queries import Query, load
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import DEMO_ID, DEMO_SCHOOL, Spec
from outgrow.schema.install import install
from plans import admin, explain, looked_at, opened, read_whole, used
from test_discover import score

USERS = 5_000
VIEWERS = 25
# Rows of tables and of the store that a first page may look at: of the pairs of nine things at most
# 40 people each, and whoever is ranked and shown.
MOST = 3_500
MOST_OF_FRIENDS = 1_500  # and to suggest friends of friends: 170 over the store, 980 in tables
_LIKES = Query(
    "likes",
    "SELECT u.id, u.likes FROM campus.users AS u WHERE u.school = $1 AND u.visible "
    "ORDER BY md5(u.id)",
)
_OUT = Query(
    "out",
    "SELECT c.connected_user_id FROM campus.connections AS c "
    "WHERE c.user_id = $1 AND c.store_key = campus.connections_lookup_key($1) "
    "UNION SELECT c.user_id FROM campus.connections AS c "
    "WHERE c.connected_user_id = $1 AND c.store_value @> campus.connections_containing($1) "
    "UNION SELECT i.to_id FROM campus.intros AS i WHERE i.from_id = $1 AND i.status = 'pending' "
    "UNION SELECT i.from_id FROM campus.intros AS i WHERE i.to_id = $1 AND i.status = 'pending'",
)


@pytest.fixture(scope="module", params=["optimized", "relational"])
def school_url(server: EmbeddedServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A campus of one school, in each phase that has indexes of its own."""
    goal: Phase = request.param
    name = f"discover_{goal}"

    async def make() -> None:
        async with opened(server.url(name)) as database:
            await generate(database, Spec(USERS, largest=USERS))
            await install(database)
            await grow(database, goal)

    postgres = server.url("postgres")
    asyncio.run(admin(postgres, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
    asyncio.run(make())
    yield server.url(name)
    asyncio.run(admin(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def school(school_url: str) -> AsyncIterator[Database]:
    async with opened(school_url) as database:
        yield database


def document(likes: list[Any]) -> dict[str, Any]:
    interests, looking_for, academic, leisure, personality, major, year = likes
    goals = {"academic": academic, "leisure": leisure}
    return {"interests": interests, "lookingFor": looking_for, "goals": goals} | {
        "personality": personality,
        "major": major,
        "year": year,
    }


async def test_most_of_the_true_best_are_shown(school: Database) -> None:
    """Of the first 20 nine in ten score no less than the 20th of everybody, by brute force."""
    rows = await school.rows(_LIKES, DEMO_SCHOOL)
    people = {row["id"]: document(json.loads(row["likes"])) for row in rows}
    service = Discover(school, Cursors(b"k" * 32))
    shown_of_best = 0
    for viewer in list(people)[:VIEWERS]:
        body = await service.matches(Page(20), viewer=Viewer(viewer, DEMO_SCHOOL))
        shown = [item["score"] for item in json.loads(body)["items"]]
        out = {viewer, *(row[0] for row in await school.rows(_OUT, viewer))}
        true = [score(people[viewer], likes) for id_, likes in people.items() if id_ not in out]
        best = heapq.nlargest(20, true)
        assert shown == sorted(shown, reverse=True)
        shown_of_best += sum(points >= best[-1] for points in shown)
    assert shown_of_best / (20 * VIEWERS) >= 0.88, shown_of_best / (20 * VIEWERS)


BEGIN = (1_000_000, "\U0010ffff", "")
DISCOVER = load("discover")
CASES: dict[str, tuple[Query, list[Any], str, int]] = {
    "discover": (
        DISCOVER["matches"],
        [DEMO_SCHOOL, DEMO_ID, 20, *BEGIN, *BEGIN[1:]],
        "users_traits_words",
        MOST,
    ),
    "discover, behind the pool": (
        DISCOVER["matches"],
        [DEMO_SCHOOL, DEMO_ID, 20, -1, *BEGIN[1:], *BEGIN[1:]],
        "users_school_sort_created",
        MOST,
    ),
    "suggestions": (
        DISCOVER["suggestions"],
        [DEMO_SCHOOL, DEMO_ID, 20, *BEGIN],
        "og_connections",
        MOST_OF_FRIENDS,
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_no_statement_reads_a_school(school: Database, name: str) -> None:
    query, arguments, index, most = CASES[name]
    nodes = await explain(school, query, arguments)
    assert read_whole(nodes) <= {"blocks", "pg_index", "pg_class"}
    assert any(index in name for name in used(nodes)), used(nodes)
    assert looked_at(nodes) <= most
