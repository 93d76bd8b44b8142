"""Discover and suggestions: the ranking is what it says, and nobody appears who should not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import ELSEWHERE, HERE, Api, Person, assert_problem, pages
from outgrow.campus import Viewer
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people.search import REASONS, Discover
from outgrow.db.pool import Database
from outgrow.queries import Query

PUT = Query(
    "put",
    "INSERT INTO kv_store_2516be19 SELECT * FROM unnest($1::text[], $2::jsonb[]) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
)
EMPTY = Query("empty", "DELETE FROM kv_store_2516be19")
BLOCK = Query("block", "INSERT INTO network.blocks (user_id, blocked_id) VALUES ($1, $2)")
HIDDEN: dict[str, Any] = {"settings": {"profileVisible": False}}
LIKES: dict[str, Any] = {
    "major": "Biology",
    "year": "Junior",
    "interests": ["chess", "music", "hiking", "cooking", "films", "go"],
    "lookingFor": ["friends", "roommate", "study"],
    "goals": {"academic": ["grad-school", "gpa"], "leisure": ["travel", "gpa"]},
    "personality": ["funny", "calm", "curious"],
}
PATHS = (
    *(("interests",), ("lookingFor",), ("goals", "academic"), ("goals", "leisure")),
    *(("personality",), ("major",), ("year",)),
)
WORTH = ((6, 30), (10, 20), (5, 15), (5, 15), (5, 10), (15, 15), (10, 10))


async def put(database: Database, values: dict[str, Any]) -> None:
    await database.run(PUT, list(values), [json.dumps(value) for value in values.values()])


def person(id_: str, school: str = HERE, **more: Any) -> dict[str, Any]:
    return {f"user:{id_}": {"id": id_, "name": f"Name {id_}", "school": school, **more}}


def pending(from_: str, to: str, *, days: int = 0, status: str = "pending") -> dict[str, Any]:
    ms = int(time.time() * 1000) - days * 86_400_000
    key = f"intro:{from_}:{to}:{ms}"
    return {key: {"id": key, "fromUserId": from_, "toUserId": to, "status": status}}


# A model: the score as it is described, by brute force.


def things(document: Any) -> list[set[str]]:
    """What somebody likes, for each of REASONS."""
    values_by_reason: list[set[str]] = []
    for index, path in enumerate(PATHS):
        value: Any = document
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        values = value if isinstance(value, list) and index < 5 else []
        if index >= 5:
            values = [value]
        values_by_reason.append({thing for thing in values if isinstance(thing, str)})
    return values_by_reason


def shared(person: Any, other: Any) -> list[set[str]]:
    return [a & b for a, b in zip(things(person), things(other), strict=True)]


def score(person: Any, other: Any) -> int:
    in_common = [len(values) for values in shared(person, other)]
    points = [min(most, each * n) for (each, most), n in zip(WORTH, in_common, strict=True)]
    both_goals = min(15, 5 * (in_common[2] + in_common[3]))
    return sum(points) - points[2] - points[3] + both_goals


def reasons(person: Any, other: Any) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "values": sorted(values)}
        for kind, values in zip(REASONS, shared(person, other), strict=True)
        if values
    ]


async def all_pages(discover: Discover, viewer: str, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        body = json.loads(
            await discover.matches(Page(limit, 0, cursor), viewer=Viewer(viewer, HERE))
        )
        assert len(body["items"]) == limit or body["next"] is None
        items += body["items"]
        cursor = body["next"]
        if cursor is None:
            return items


def ids(items: Iterable[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


async def become(database: Database, who: Person, **more: Any) -> None:
    await put(database, person(who.id, **{**LIKES, **more}))


async def test_the_best_match_comes_first(phased_api: Api, phased: Database) -> None:
    me = await phased_api.sign_up("Me Myself")
    planted = {
        "p0": LIKES,
        "p1": {**LIKES, "major": "History"},
        "p2": {**LIKES, "year": "Senior", "personality": []},
        "p3": {"interests": LIKES["interests"][:2], "lookingFor": ["study"]},
        "p4": {"goals": {"academic": ["gpa"], "leisure": ["gpa", "travel"]}},
        "p5": {"major": "Biology"},
        "p6": {"year": "Junior"},
        "p7": {"interests": ["Chess", "knitting"]},
    }
    values: dict[str, Any] = {}
    for id_, likes in planted.items():
        values |= person(id_, **likes)
    await put(phased, values)
    await become(phased, me)
    matches = await pages(me, "/discover", limit=3)
    assert [(item["id"], item["score"]) for item in matches] == [
        *(("p0", 100), ("p1", 85), ("p2", 80), ("p3", 22), ("p5", 15), ("p4", 15)),
        *(("p6", 10), ("p7", 0)),
    ]
    for item in matches:
        assert item["reasons"] == reasons(LIKES, planted[item["id"]])
    assert matches[5]["reasons"] == [
        {"kind": "academic_goals", "values": ["gpa"]},
        {"kind": "leisure_goals", "values": ["gpa", "travel"]},
    ]
    for limit in (1, 8, 20):
        assert ids(await pages(me, "/discover", limit=limit)) == ids(matches)


async def test_nobody_appears_who_should_not(phased_api: Api, phased: Database) -> None:
    me = await phased_api.sign_up("Me Myself")
    other = await phased_api.sign_up("Somebody Else")
    values: dict[str, Any] = person("seen", **LIKES) | person("friend", **LIKES)
    gone = ("mine", "theirs", "asked", "asks", "barred", "bars", "listed", "lists", "shy", "far")
    for id_ in gone:
        values |= person(id_, ELSEWHERE if id_ == "far" else HERE, **LIKES)
    values["user:shy"] |= HIDDEN
    values["user:lists"] |= {"blockedUsers": ["x", me.id]}
    for id_ in ("expired", "answered"):
        values |= person(id_, **LIKES)
    values |= pending(me.id, "asked") | pending("asks", me.id)
    values |= pending(me.id, "expired", days=31) | pending("answered", me.id, status="denied")
    values |= {"user:theirs:connections": ["y", me.id], "user:asks:connections": {"no": "list"}}
    values[f"user:{me.id}:connections"] = ["mine", "friend", "friend", me.id, "nobody", 7, None]
    values["user:friend:connections"] = [*gone, "seen", me.id, "friend", "nobody", {}, "seen"]
    values["user:mine:connections"] = "none"
    await put(phased, values)
    await phased.run(BLOCK, me.id, "barred")
    await phased.run(BLOCK, "bars", me.id)
    await become(phased, me, blockedUsers=["listed", None, 7])
    for limit in (1, 2, 20):
        matches = await pages(me, "/discover", limit=limit)
        assert ids(matches) == ["seen", "expired", "answered", other.id]
        near = await pages(me, "/suggestions", limit=limit)
        assert [(item["id"], item["mutual"]) for item in near] == [("seen", 1)]


async def test_connections_of_connections(phased_api: Api, phased: Database) -> None:
    """By how many of one's connections have them, then the newest."""
    me = await phased_api.sign_up("Me Myself")
    values: dict[str, Any] = {f"user:{me.id}:connections": [f"f{n}" for n in range(4)]}
    for n in range(4):
        values |= person(f"f{n}")
        values[f"user:f{n}:connections"] = [me.id, *(f"p{k}" for k in range(8) if k >= 2 * n)]
    for k in range(8):
        values |= person(f"p{k}", createdAt=f"2026-01-0{1 + k % 2}T00:00:00.000Z")
    await put(phased, values)
    expected = [("p7", 4), ("p6", 4), ("p5", 3), ("p4", 3), ("p3", 2), ("p2", 2)]
    expected += [("p1", 1), ("p0", 1)]
    for limit in (1, 3, 20):
        near = await pages(me, "/suggestions", limit=limit)
        assert [(item["id"], item["mutual"]) for item in near] == expected


async def test_somebody_with_nothing_to_go_by(api: Api, campus: Database) -> None:
    me = await api.sign_up("Me Myself")
    await put(campus, person("p1", **LIKES) | person("p2") | {f"user:{me.id}:connections": 7})
    matches = await pages(me, "/discover", limit=1)
    assert [(item["id"], item["score"], item["reasons"]) for item in matches] == [
        ("p2", 0, []),
        ("p1", 0, []),
    ]
    assert (await me.get("/suggestions")).json() == {"items": [], "next": None}


async def test_behind_the_pool_comes_the_rest(api: Api, campus: Database) -> None:
    """Of a school larger than the pool nobody is missed and nobody doubled."""
    me = await api.sign_up("Me Myself")
    values: dict[str, Any] = {}
    for n in range(330):
        likes = LIKES if n % 100 == 0 else {"interests": ["chess"][: n % 2]}
        values |= person(f"p{n:03}", createdAt=f"2026-01-01T00:00:00.{n:03}Z", **likes)
    await put(campus, values)
    await become(campus, me)
    matches = await pages(me, "/discover", limit=50)
    assert sorted(ids(matches)) == [f"p{n:03}" for n in range(330)]
    scores = {item["id"]: item["score"] for item in matches}
    assert scores == {id_: score(LIKES, values[f"user:{id_}"]) for id_ in scores}
    assert ids(matches)[:4] == ["p300", "p200", "p100", "p000"]


@pytest.mark.parametrize("path", ["/discover", "/suggestions"])
async def test_cursors_of_others_are_refused(api: Api, campus: Database, path: str) -> None:
    me = await api.sign_up("Me Myself")
    other = await api.sign_up("Other One")
    values: dict[str, Any] = {}
    for id_ in ("p1", "p2", "p3"):
        values |= person(id_)
    values |= {f"user:{each.id}:connections": ["p3"] for each in (me, other)}
    values["user:p3:connections"] = ["p1", "p2"]
    await put(campus, values)
    cursor = (await me.get(f"{path}?limit=1")).json()["next"]
    assert (await me.get(f"{path}?limit=1&cursor={cursor}")).status_code == 200
    answer = await other.get(f"{path}?limit=1&cursor={cursor}")
    assert_problem(answer, 400, "bad_cursor")
    answer = await me.get(f"{path}?offset=1")
    assert_problem(answer, 400, "unknown_parameter")


texts = st.sampled_from(["a", "b", "c", "d", "e", "gpa"])
junk: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.integers(), st.booleans(), st.just({}), st.just([["a"]])
)
lists: st.SearchStrategy[Any] = st.one_of(
    st.lists(texts, max_size=6), st.lists(texts | junk, max_size=6), texts, junk
)
likes: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "major": st.sampled_from(["a", "b", "c"]) | junk,
        "year": st.sampled_from(["a", "b"]) | junk,
        "interests": lists,
        "lookingFor": lists,
        "personality": lists,
        "goals": junk | st.fixed_dictionaries({}, optional={"academic": lists, "leisure": lists}),
        "settings": st.sampled_from([{"profileVisible": False}, {"profileVisible": 0}, []]),
        "blockedUsers": st.lists(st.sampled_from(["me", "p1", "p2", "p3"]), max_size=2) | junk,
        "school": st.just(ELSEWHERE),
    },
)
names = st.sampled_from(["me", *(f"p{n}" for n in range(12)), "nobody"])


@st.composite
def schools(draw: st.DrawFn) -> dict[str, Any]:
    """A store: the viewer and up to a dozen others, with whatever old clients write."""
    values: dict[str, Any] = {}
    for id_ in ["me", *(f"p{n}" for n in range(draw(st.integers(1, 12))))]:
        likes_of = draw(likes)
        if id_ == "me":
            likes_of.pop("school", None)
        values |= person(id_, **{"school": HERE, **likes_of})
        if draw(st.integers(0, 3)) == 0:
            values[f"user:{id_}:connections"] = draw(st.lists(names | junk, max_size=4) | junk)
    for from_, to in draw(st.lists(st.tuples(names, names), max_size=3)):
        days = draw(st.sampled_from([0, 1, 40]))
        values |= pending(from_, to, days=days, status=draw(st.sampled_from(["pending", "denied"])))
    return values


def listed(value: Any) -> set[str]:
    return {v for v in value if isinstance(v, str)} if isinstance(value, list) else set()


def may_appear(values: dict[str, Any]) -> set[str]:
    """Who is left of a store, for `me`."""
    me = values["user:me"]
    out = {"me"} | listed(values.get("user:me:connections")) | listed(me.get("blockedUsers"))
    now = time.time() * 1000
    for key, document in values.items():
        kind, id_, *rest = key.split(":")
        if kind == "intro" and "me" in (id_, rest[0]) and document["status"] == "pending":
            if now - int(rest[1]) < 30 * 86_400_000:
                out |= {id_, rest[0]}
        elif rest == ["connections"] and "me" in listed(document):
            out.add(id_)
        elif kind == "user" and not rest:
            settings = document.get("settings")
            shown = not isinstance(settings, dict) or settings.get("profileVisible") is not False
            if (
                not shown
                or document["school"] != HERE
                or "me" in listed(document.get("blockedUsers"))
            ):
                out.add(id_)
    everybody = {key.split(":")[1] for key in values if key.count(":") == 1}
    return everybody - out


@settings(max_examples=12)
@given(values=schools(), limit=st.integers(1, 5))
async def test_the_ranking_is_the_model(
    phased: Database, values: dict[str, Any], limit: int
) -> None:
    """Everybody who may appear, and nobody else, in the order of the scores by brute force."""
    await phased.run(EMPTY)
    await put(phased, values)
    me = values["user:me"]
    ranked = sorted(
        ((score(me, values[f"user:{id_}"]), id_) for id_ in may_appear(values)), reverse=True
    )
    matches = await all_pages(Discover(phased, Cursors(b"k" * 32)), "me", limit)
    assert [(item["score"], item["id"]) for item in matches] == ranked
    for item in matches:
        assert item["reasons"] == reasons(me, values[f"user:{item['id']}"])


@settings(max_examples=12)
@given(values=schools())
async def test_suggestions_are_the_model(phased: Database, values: dict[str, Any]) -> None:
    await phased.run(EMPTY)
    await put(phased, values)
    may = may_appear(values)
    hidden = may_appear({k: v for k, v in values.items() if k.count(":") == 1})
    friends = listed(values.get("user:me:connections")) & hidden
    mutual: dict[str, int] = {}
    for friend in friends:
        for id_ in listed(values.get(f"user:{friend}:connections")) & may:
            mutual[id_] = mutual.get(id_, 0) + 1
    discover = Discover(phased, Cursors(b"k" * 32))
    body = json.loads(await discover.suggestions(Page(), viewer=Viewer("me", HERE)))
    expected = sorted(((n, id_) for id_, n in mutual.items()), reverse=True)
    assert [(item["mutual"], item["id"]) for item in body["items"]] == expected
