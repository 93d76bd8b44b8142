"""Profiles: pages, filters, counts, one's own, and what never leaves the store."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import msgspec
import pytest

from api import ELSEWHERE, HERE, PASSWORD, Api, Person, assert_problem, pages
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.web.api.schemas import FoundPage, OwnProfile, Profile, ProfilePage

PUT = Query("put", "INSERT INTO kv_store_2516be19 SELECT * FROM unnest($1::text[], $2::jsonb[])")
NAMES = ["Zoë", "zoe", "Ærik", "Ana", "ána", "ANA", "", "李雷", "O'Neil", 'Quo"te', "Ana", "x" * 90]


async def put(campus: Database, documents: dict[str, dict[str, Any]]) -> None:
    keys = [f"user:{id_}" for id_ in documents]
    await campus.run(PUT, keys, [json.dumps(d) for d in documents.values()])


async def crowd(campus: Database, count: int, seed: int = 1) -> dict[str, dict[str, Any]]:
    """People of one school with many equal sort keys, some of them missing or unusable."""
    rng = random.Random(seed)
    documents = {}
    for number in range(count):
        id_ = f"{rng.choice('abÄé-_')}{number:03}"
        documents[id_] = {
            "id": id_,
            "school": HERE,
            "name": rng.choice([*NAMES, None, 7]),
            "major": rng.choice(["Biology", "Physics", None, 3]),
            "year": rng.choice(["Junior", "Senior"]),
            "interests": rng.sample(["chess", "go", "tea"], rng.randrange(4)),
            "lookingFor": rng.choice([["friends"], "friends", None, ["friends", "study"]]),
            "createdAt": rng.choice(
                ["2025-01-01T00:00:00.000Z", "2025-01-02T00:00:00.123456Z", "yesterday", None]
            ),
            "settings": {"profileVisible": rng.random() > 0.1},
        }
    await put(campus, documents)
    return documents


@pytest.mark.parametrize("sort", ["newest", "name"])
async def test_pages_by_cursor_are_the_whole_list(api: Api, campus: Database, sort: str) -> None:
    documents = await crowd(campus, 120)
    me = await api.sign_up("Me Myself")
    whole = await pages(me, "/profiles", limit=100, sort=sort)
    ids = [item["id"] for item in whole]
    visible = {i for i, d in documents.items() if d["settings"]["profileVisible"]}
    assert len(ids) == len(set(ids))
    assert set(ids) == visible | {me.id}
    for limit in (1, 7, 20):
        assert [i["id"] for i in await pages(me, "/profiles", limit=limit, sort=sort)] == ids
    for offset in (0, 1, 50, 119, 5000):
        answer = await me.get("/profiles", params={"offset": offset, "limit": 9, "sort": sort})
        assert [i["id"] for i in answer.json()["items"]] == ids[offset : offset + 9]


async def test_a_cursor_stays_right_while_people_come_and_go(api: Api, campus: Database) -> None:
    await crowd(campus, 60)
    me = await api.sign_up("Me Myself")
    ids = [item["id"] for item in await pages(me, "/profiles", limit=100)]
    first = (await me.get("/profiles", params={"limit": 20})).json()
    gone = first["items"][-1]["id"]
    await campus.run(Query("t", "DELETE FROM kv_store_2516be19 WHERE key = $1"), f"user:{gone}")
    await api.sign_up("New Comer")
    rest = (await me.get("/profiles", params={"limit": 100, "cursor": first["next"]})).json()
    assert [item["id"] for item in rest["items"]] == ids[20:]


async def test_filters(api: Api, campus: Database) -> None:
    documents = await crowd(campus, 100)
    me = await api.sign_up("Me Myself")

    def expected(**wanted: Any) -> set[str]:
        return {
            id_
            for id_, d in documents.items()
            if d["settings"]["profileVisible"]
            and all(
                set(value) <= set(d[field] if isinstance(d[field], list) else [])
                if isinstance(value, list)
                else d[field] == value
                for field, value in wanted.items()
            )
        }

    cases: list[tuple[str, dict[str, Any]]] = [
        ("major=Biology", {"major": "Biology"}),
        ("year=Senior", {"year": "Senior"}),
        ("major=Biology&year=Senior", {"major": "Biology", "year": "Senior"}),
        ("interest=chess", {"interests": ["chess"]}),
        ("interest=chess&interest=tea", {"interests": ["chess", "tea"]}),
        ("looking_for=study&interest=go", {"lookingFor": ["study"], "interests": ["go"]}),
        ("school=Northfield+University&year=Junior", {"year": "Junior"}),
        ("school=Northfield%20University&major=Physics", {"major": "Physics"}),
    ]
    for query, wanted in cases:
        answer = await me.get(f"/profiles?{query}&limit=100&total=true")
        page = answer.json()
        shown = {item["id"] for item in page["items"]}
        assert shown == expected(**wanted), query
        assert page["total"] == len(shown)
    assert (await me.get("/profiles?major=biology")).json()["items"] == []


async def test_facets_count_what_the_other_filters_leave(api: Api, campus: Database) -> None:
    documents = await crowd(campus, 80)
    me = await api.sign_up("Me Myself", year="Junior")
    visible = [d for d in documents.values() if d["settings"]["profileVisible"]]
    seniors = [d for d in visible if d["year"] == "Senior"]
    page = (await me.get("/profiles?facets=major,year&year=Senior&limit=1")).json()
    majors = {f["value"]: f["count"] for f in page["facets"]["major"]}
    years = {f["value"]: f["count"] for f in page["facets"]["year"]}
    assert majors == {m: sum(d["major"] == m for d in seniors) for m in ("Biology", "Physics")}
    assert years == {"Senior": len(seniors), "Junior": len(visible) - len(seniors) + 1}
    assert [f["count"] for f in page["facets"]["year"]] == sorted(years.values(), reverse=True)


async def test_counts_are_remembered_until_this_process_changes_them(
    api: Api, campus: Database
) -> None:
    me = await api.sign_up("Me Myself", year="Junior")
    counted: list[str] = []
    campus.observe_with(lambda name, _: counted.append(name))

    async def counts() -> tuple[int, dict[str, int]]:
        page = (await me.get("/profiles?total=true&facets=year")).json()
        return page["total"], {f["value"]: f["count"] for f in page["facets"]["year"]}

    answers = await asyncio.gather(*(counts() for _ in range(5)))
    assert answers == [(1, {"Junior": 1})] * 5
    assert counted.count("profiles.count") == 1
    await api.sign_up("New Comer", year="Senior")
    assert await counts() == (2, {"Junior": 1, "Senior": 1})
    await me.call("PATCH", "/profiles/me", json={"year": "Senior"})
    assert await counts() == (2, {"Senior": 2})
    await api.sign_up("Far Away", ELSEWHERE)
    assert await counts() == (2, {"Senior": 2})
    assert counted.count("profiles.count") == 3


async def test_a_count_that_fails_is_asked_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    me = await api.sign_up("Me Myself")
    await me.get("/profiles")

    async def gone(*_: object) -> list[Any]:
        raise ConnectionResetError

    monkeypatch.setattr(Database, "rows", gone)
    assert (await me.get("/profiles?total=true")).status_code == 503
    monkeypatch.undo()
    assert (await me.get("/profiles?total=true")).json()["total"] == 1


BAD = [
    ("limit=0", "bad_parameter"),
    ("limit=-1", "bad_parameter"),
    ("limit=", "bad_parameter"),
    ("limit=ten", "bad_parameter"),
    ("limit=1.5", "bad_parameter"),
    ("limit=%D9%A1", "bad_parameter"),
    ("limit=99999999999999999", "bad_parameter"),
    ("limit=5&limit=6", "repeated_parameter"),
    ("offset=-1", "bad_parameter"),
    ("offset=10001", "offset_too_large"),
    ("cursor=", "bad_parameter"),
    ("cursor=nonsense", "bad_cursor"),
    ("cursor=%C3%A9", "bad_cursor"),
    ("cursor=AAAAAAAAAAAAAAAAAAAAAAAA", "bad_cursor"),
    ("cursor=" + "x" * 5000, "bad_parameter"),
    ("sort=oldest", "bad_parameter"),
    ("total=yes", "bad_parameter"),
    ("facets=school", "bad_parameter"),
    ("facets=", "bad_parameter"),
    ("major=", "bad_parameter"),
    ("major=" + "x" * 201, "bad_parameter"),
    ("major=a%00b", "bad_text"),
    ("major=%ff", "bad_text"),
    ("major=%ed%a0%80", "bad_text"),
    ("&".join(["interest=x"] * 11), "repeated_parameter"),
    ("page=2", "unknown_parameter"),
    ("Limit=2", "unknown_parameter"),
    ("limit=2&admin=1&zebra", "unknown_parameter"),
]


@pytest.mark.parametrize(("query", "code"), BAD)
async def test_a_bad_query_is_a_400_that_says_what_to_do(api: Api, query: str, code: str) -> None:
    me = await api.sign_up()
    answer = await me.get(f"/profiles?{query}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["hint"]
    if code == "unknown_parameter":
        assert all(name in problem["detail"] for name in ("admin", "zebra") if name in query)


async def test_a_large_limit_is_capped_and_odd_characters_are_text(
    api: Api, campus: Database
) -> None:
    await crowd(campus, 130)
    me = await api.sign_up(major='Ω "x" & \\ %_')
    assert len((await me.get("/profiles?limit=5000")).json()["items"]) == 100
    items = (await me.get("/profiles", params={"major": 'Ω "x" & \\ %_'})).json()["items"]
    assert [item["id"] for item in items] == [me.id]


async def test_a_cursor_is_good_for_its_own_list_only(api: Api, campus: Database) -> None:
    await crowd(campus, 60)
    me = await api.sign_up("Me Myself")
    other = await api.sign_up("Far Away", ELSEWHERE)
    cursor = (await me.get("/profiles?limit=5&year=Senior")).json()["next"]
    good = await me.get(f"/profiles?limit=9&year=Senior&cursor={cursor}")
    assert good.status_code == 200
    for query in ("", "year=Junior", "year=Senior&sort=name", "year=Senior&major=Biology"):
        answer = await me.get(f"/profiles?{query}&cursor={cursor}")
        assert_problem(answer, 400, "bad_cursor", query)
    for path in ("/connections", "/schools"):
        assert (await me.get(f"{path}?cursor={cursor}")).json()["code"] == "bad_cursor"
    answer = await other.get(f"/profiles?year=Senior&cursor={cursor}")
    assert answer.json()["code"] == "bad_cursor"
    for index in range(0, len(cursor), 7):
        changed = cursor[:index] + ("A" if cursor[index] != "A" else "B") + cursor[index + 1 :]
        answer = await me.get(f"/profiles?limit=9&year=Senior&cursor={changed}")
        assert answer.json()["code"] == "bad_cursor"
    answer = await me.get(f"/profiles?year=Senior&offset=1&cursor={cursor}")
    assert answer.json()["code"] == "cursor_with_offset"


async def test_another_school_is_refused(api: Api) -> None:
    me = await api.sign_up()
    answer = await me.get("/profiles", params={"school": ELSEWHERE})
    assert_problem(answer, 403, "other_school")


SECRET = "planted"


async def test_nothing_but_named_fields_leaves_the_store(api: Api, campus: Database) -> None:
    """Whatever stands in a document: e-mails, tokens, block lists, fields that nobody knows."""
    me = await api.sign_up("Me Myself")
    everything = {
        "id": SECRET,
        "email": f"{SECRET}@x.y",
        "school": HERE,
        "name": "Rich Document",
        "blockedUsers": [SECRET],
        "settings": {"profileVisible": True, "note": SECRET},
        "socialConnections": {"spotify": {"accessToken": SECRET, "refreshToken": SECRET}},
        "bondPrint": {"summary": SECRET},
        "lovePrint": {"answers": {"q": SECRET}},
        "password": SECRET,
        "isAdmin": SECRET,
        "bio": "to be seen",
        "card": SECRET,
        "instagram": SECRET,
    }
    await put(campus, {"rich": everything})
    lists = {"user:rich:connections": [me.id], f"user:{me.id}:connections": ["rich"]}
    await campus.run(PUT, list(lists), [json.dumps(value) for value in lists.values()])
    paths = [
        "/profiles?total=true&facets=major,year",
        "/profiles?sort=name",
        "/profiles/rich",
        "/profiles/rich/connections",
        "/profiles/rich/connected-by",
        "/profiles/rich/connections/mutual",
        "/connections",
        "/schools",
        "/search?q=rich",
    ]
    for path in paths:
        answer = await me.get(path)
        assert answer.status_code == 200, path
        assert SECRET not in answer.text, path
        assert me.email not in answer.text, path
        if path == "/profiles/rich":
            msgspec.json.decode(answer.content, type=Profile)
            assert answer.json()["bio"] == "to be seen"
        elif path.startswith("/search"):
            assert msgspec.json.decode(answer.content, type=FoundPage).items
        elif path != "/schools":
            msgspec.json.decode(answer.content, type=ProfilePage)
    msgspec.json.decode((await me.get("/profiles/me")).content, type=OwnProfile)


async def test_who_is_hidden_is_in_no_list(api: Api) -> None:
    me = await api.sign_up("Me Myself")
    hidden = await api.sign_up("Hid Den")
    changed = {"settings": {"profile_visible": False}}
    answer = await hidden.call("PATCH", "/profiles/me", json=changed)
    assert answer.json()["settings"]["profile_visible"] is False
    for person in (me, hidden):
        ids = [item["id"] for item in (await person.get("/profiles")).json()["items"]]
        assert ids == [me.id]


async def test_changing_ones_profile(api: Api, campus: Database) -> None:
    me = await api.sign_up("Me Myself", major="Biology", interests=["chess"])
    document = Query("t", "SELECT value::text FROM kv_store_2516be19 WHERE key = $1")
    add = Query(
        "t", """UPDATE kv_store_2516be19 SET value = value || '{"bondPrint": {"n": 1.0}}'"""
    )
    await campus.run(add)
    changes = {
        "name": " New Name ",
        "major": None,
        "age": 21,
        "bio": 'Line one\nline "two" \\ é 李',
        "interests": ["go", "tea"],
        "looking_for": ["study"],
        "goals": {"academic": ["gpa"], "career": "x"},
        "photos": ["https://cdn.example/1.jpg"],
        "settings": {"read_receipts": False},
    }
    answer = await me.call("PATCH", "/profiles/me", json=changes)
    assert answer.status_code == 200
    after = answer.json()
    expected: dict[str, Any] = {k: v for k, v in changes.items() if v is not None}
    expected["name"] = "New Name"
    expected["settings"] = {
        "profile_visible": True,
        "read_receipts": False,
        "allow_messages": True,
    }
    assert {name: after[name] for name in expected} == expected
    assert after["major"] is None
    stored = json.loads(await campus.value(document, f"user:{me.id}"))
    assert stored["lookingFor"] == ["study"]
    assert stored["bondPrint"] == {"n": 1.0}
    assert stored["email"] == me.email
    assert "major" not in stored
    cleared = dict.fromkeys(("age", "bio", "interests", "goals", "photos", "looking_for"))
    after = (await me.call("PATCH", "/profiles/me", json=cleared)).json()
    assert {name: after[name] for name in cleared} == cleared
    assert (await me.call("PATCH", "/profiles/me", json={})).json() == after


async def test_a_field_of_the_wrong_type_can_be_mended(api: Api, campus: Database) -> None:
    me = await api.sign_up("Me Myself")
    broken = Query(
        "t",
        "UPDATE kv_store_2516be19 SET value = value || "
        """'{"major": 7, "interests": "chess", "settings": [], "year": null}' WHERE key = $1""",
    )
    await campus.run(broken, f"user:{me.id}")
    before = (await me.get("/profiles/me")).json()
    assert [before[name] for name in ("major", "interests", "year")] == [None] * 3
    changes = {"major": "Physics", "interests": None, "settings": {"read_receipts": False}}
    after = (await me.call("PATCH", "/profiles/me", json=changes)).json()
    assert after["major"] == "Physics"
    assert after["settings"]["read_receipts"] is False
    document = Query("t", "SELECT value::text FROM kv_store_2516be19 WHERE key = $1")
    stored = json.loads(await campus.value(document, f"user:{me.id}"))
    assert stored["major"] == "Physics"
    assert "interests" not in stored


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"school": ELSEWHERE}, 409, "school_is_fixed"),
        ({"school": None}, 409, "school_is_fixed"),
        ({"email": "x@y.example"}, 400, "bad_body"),
        ({"id": "x"}, 400, "bad_body"),
        ({"name": None}, 400, "bad_body"),
        ({"name": "x" * 101}, 400, "bad_body"),
        ({"name": "\u200b\u2060\ufeff"}, 400, "bad_body"),
        ({"major": "\u3164"}, 400, "bad_body"),
        ({"year": "x" * 41}, 400, "bad_body"),
        ({"bio": "x" * 5001}, 400, "bad_body"),
        ({"bio": "nul\0"}, 400, "bad_text"),
        ({"age": 12}, 400, "bad_body"),
        ({"age": "21"}, 400, "bad_body"),
        ({"settings": {"unknown": True}}, 400, "bad_body"),
        ({"settings": {"profile_visible": None}}, 400, "bad_body"),
        ({"profile_picture": "javascript:alert(1)"}, 400, "bad_body"),
        ({"photos": ["http://x.example/a"]}, 400, "bad_body"),
        ({"goals": {"other": 1}}, 400, "bad_body"),
        ([], 400, "bad_body"),
    ],
)
async def test_bad_changes(api: Api, changes: Any, status: int, code: str) -> None:
    me = await api.sign_up()
    before = (await me.get("/profiles/me")).json()
    answer = await me.call("PATCH", "/profiles/me", json=changes)
    assert_problem(answer, status, code)
    assert (await me.get("/profiles/me")).json() == before


async def test_changes_to_different_fields_at_once_all_stay(api: Api, campus: Database) -> None:
    """Ten sessions of the network, and an old client that adds a field of its own meanwhile."""
    me = await api.sign_up()
    changes: list[dict[str, Any]] = [
        {"bio": "b"},
        {"age": 30},
        {"pronouns": "they/them"},
        {"major": "Art"},
        {"year": "Senior"},
        {"interests": ["x"]},
        {"personality": ["calm"]},
        {"additional_info": "i"},
        {"settings": {"read_receipts": False}},
        {"settings": {"allow_messages": False}},
    ]
    old = Query(
        "t", """UPDATE kv_store_2516be19 SET value = value || '{"mood": "fine"}' WHERE key = $1"""
    )
    answers, _ = await asyncio.gather(
        asyncio.gather(*(me.call("PATCH", "/profiles/me", json=change) for change in changes)),
        campus.run(old, f"user:{me.id}"),
    )
    assert {answer.status_code for answer in answers} == {200}
    after = (await me.get("/profiles/me")).json()
    for change in changes[:8]:
        assert change.items() <= after.items()
    assert after["settings"]["read_receipts"] is False
    assert after["settings"]["allow_messages"] is False
    document = Query("t", "SELECT value ->> 'mood' FROM kv_store_2516be19 WHERE key = $1")
    assert await campus.value(document, f"user:{me.id}") == "fine"


async def without_profile(api: Api, campus: Database) -> Person:
    me = await api.sign_up("Me Myself")
    await campus.run(Query("t", "DELETE FROM kv_store_2516be19"))
    tokens = await api.post("/auth/refresh", {"refresh_token": me.tokens["refresh_token"]})
    me.tokens = tokens.json()
    return me


async def test_who_lost_their_profile_sees_nobody(api: Api, campus: Database) -> None:
    """As docs/security.md says: within three seconds, with the token that they have."""
    me = await api.sign_up()
    await api.sign_up("Somebody Else")
    await campus.run(Query("t", "DELETE FROM campus.users WHERE id = $1"), me.id)
    api.services.accounts.sessions._open.clear()  # as after FRESH_SECONDS
    assert (await me.get("/profiles")).json()["code"] == "profile_needed"
    tokens = await api.post("/auth/refresh", {"refresh_token": me.tokens["refresh_token"]})
    me.tokens = tokens.json()
    assert (await me.get("/profiles")).json()["code"] == "profile_needed"


@pytest.mark.parametrize("value", ['"oops"', "[1]", "null"])
async def test_what_is_stored_in_a_profiles_place_is_reported_and_kept(
    api: Api, campus: Database, value: str
) -> None:
    me = await without_profile(api, campus)
    put = "INSERT INTO kv_store_2516be19 VALUES ($1, $2)"
    await campus.run(Query("t", put), f"user:{me.id}", value)
    new = {"name": "Back Again", "school": ELSEWHERE}
    answer = await me.call("POST", "/profiles", json=new)
    assert_problem(answer, 409, "profile_place_taken")
    assert f"outgrow kv get user:{me.id}" in answer.json()["hint"]
    stored = await campus.rows(Query("t", "SELECT key, value FROM kv_store_2516be19"))
    assert [tuple(row) for row in stored] == [(f"user:{me.id}", value)]


async def test_a_unique_index_of_the_stores_owner_takes_no_email(
    api: Api, campus: Database
) -> None:
    index = "CREATE UNIQUE INDEX names ON kv_store_2516be19 ((value ->> 'name'))"
    await campus.run(Query("t", index))
    await api.sign_up("Only One")
    body = {"email": "new@campus.example", "password": PASSWORD, "name": "Only One", "school": HERE}
    answer = await api.post("/auth/signup", body)
    assert_problem(answer, 409, "profile_place_taken")


async def test_an_account_without_a_profile_makes_one(api: Api, campus: Database) -> None:
    me = await without_profile(api, campus)
    for path, status, code in (
        ("/profiles", 409, "profile_needed"),
        ("/connections", 409, "profile_needed"),
        ("/profiles/me", 404, "no_own_profile"),
    ):
        answer = await me.get(path)
        assert_problem(answer, status, code)
    answer = await me.call("PATCH", "/profiles/me", json={"bio": "x"})
    assert answer.json()["code"] == "no_own_profile"
    new = {"name": "Back Again", "school": ELSEWHERE}
    answers = await asyncio.gather(*(me.call("POST", "/profiles", json=new) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    codes = {answer.json().get("code") for answer in answers}
    assert codes == {None, "profile_exists"}
    answer = await me.get("/profiles")  # with the token from before
    assert [item["id"] for item in answer.json()["items"]] == [me.id]
