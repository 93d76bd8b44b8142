"""Connections: mine, somebody's, shared, and who is connected to somebody."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from api import ELSEWHERE, HERE, Api, Person, assert_problem, pages
from outgrow.db.pool import Database
from outgrow.queries import Query

CONNECTIONS = Query(
    "lists", "SELECT key, value FROM kv_store_2516be19 WHERE key ~ '^user:[^:]+:connections$'"
)
PUT = Query("put", "INSERT INTO kv_store_2516be19 SELECT * FROM unnest($1::text[], $2::jsonb[])")


async def put(campus: Database, values: dict[str, Any]) -> None:
    await campus.run(PUT, list(values), [json.dumps(value) for value in values.values()])


def person(id_: str, school: str = HERE, **more: Any) -> dict[str, Any]:
    return {f"user:{id_}": {"id": id_, "name": f"Name {id_}", "school": school, **more}}


def lists_of(id_: str, others: list[Any]) -> dict[str, Any]:
    """Somebody's list, and that they are in the lists of these others."""
    back = {f"user:{other}:connections": [id_] for other in others if isinstance(other, str)}
    return {f"user:{id_}:connections": others, **back}


HIDDEN: dict[str, Any] = {"settings": {"profileVisible": False}}


async def test_mine_newest_first_and_no_page_is_short(api: Api, campus: Database) -> None:
    """Dangling, foreign, hidden and doubled ids are passed over behind which pages are cut."""
    me = await api.sign_up("Me Myself")
    mine: list[Any] = []
    values: dict[str, Any] = {**person("far", ELSEWHERE), **person("hidden", **HIDDEN)}
    for number in range(45):
        values |= person(f"p{number:02}")
        mine += [f"p{number:02}", f"gone{number}", "far", "hidden", 7, f"p{number:02}"]
    values |= lists_of(me.id, mine)
    await put(campus, values)
    expected = [f"p{number:02}" for number in reversed(range(45))]
    for limit in (1, 10, 45, 100):
        items = await pages(me, "/connections", limit=limit)
        assert [item["id"] for item in items] == expected
    answer = await me.get("/connections?limit=7&offset=10")
    assert [item["id"] for item in answer.json()["items"]] == expected[10:17]
    other = await api.sign_up("Other One")
    items = await pages(other, f"/profiles/{me.id}/connections", limit=20)
    assert [item["id"] for item in items] == expected


async def test_by_name(phased_api: Api, phased: Database) -> None:
    me = await phased_api.sign_up("Me Myself")
    names = ["Zoe", "ada", "Bo", "Ada", "Cy"]
    values: dict[str, Any] = {**person("hidden", **HIDDEN)}
    for number, name in enumerate(names):
        values |= person(f"p{number}")
        values[f"user:p{number}"]["name"] = name
    values |= lists_of(me.id, ["hidden", "p0", "p1", "p2", "p3", "p4", "gone"])
    await put(phased, values)
    for limit in (1, 2, 20):
        items = await pages(me, "/connections", limit=limit, sort="name")
        assert [item["id"] for item in items] == ["p1", "p3", "p2", "p4", "p0"]
    newest = (await me.get("/connections?limit=1")).json()["next"]
    answer = await me.get(f"/connections?sort=name&cursor={newest}")
    assert_problem(answer, 400, "bad_cursor")


async def test_shared_connections(api: Api, campus: Database) -> None:
    me = await api.sign_up("Me Myself")
    values: dict[str, Any] = {}
    for number in range(30):
        values |= person(f"p{number:02}")
    values |= person("friend") | person("far", ELSEWHERE)
    mine = [f"p{n:02}" for n in range(0, 30, 2)] + ["far"]
    theirs = [f"p{n:02}" for n in range(0, 30, 3)] + ["far"]
    values |= lists_of("friend", theirs) | lists_of(me.id, mine)
    for other in {*mine} & {*theirs}:
        values[f"user:{other}:connections"] = [me.id, "friend"]
    await put(campus, values)
    expected = [f"p{n:02}" for n in reversed(range(0, 30, 6))]
    for limit in (1, 2, 20):
        items = await pages(me, "/profiles/friend/connections/mutual", limit=limit)
        assert [item["id"] for item in items] == expected
    with_me = await pages(me, f"/profiles/{me.id}/connections/mutual", limit=20)
    assert len(with_me) == 15


async def test_who_is_connected_to_somebody(api: Api, campus: Database) -> None:
    """Only from lists, by whole ids, of whom one may see, and who is in the list of the one."""
    me = await api.sign_up("Me Myself")
    known = [*(f"p{number:02}" for number in range(25)), "far", "hidden", "near", "ghost", "odd"]
    values: dict[str, Any] = {**person("star"), "user:star:connections": known}
    values |= person("claims") | {"user:claims:connections": ["star"]}
    for number in range(25):
        values |= person(f"p{number:02}")
        values[f"user:p{number:02}:connections"] = ["x", "star", "star"]
    values |= person("far", ELSEWHERE) | {"user:far:connections": ["star"]}
    values |= person("hidden", **HIDDEN) | {"user:hidden:connections": ["star"]}
    values |= person("near") | {"user:near:connections": ["starr", "sta"]}
    values |= {"user:ghost:connections": ["star"]}
    values |= person("odd") | {"user:odd:connections": {"star": "star"}}
    values |= {"user:p00:chats": ["star"]}
    await put(campus, values)
    expected = [f"p{n:02}" for n in range(25)]
    for limit in (1, 10, 100):
        items = await pages(me, "/profiles/star/connected-by", limit=limit)
        assert [item["id"] for item in items] == expected
    assert (await me.get(f"/profiles/{me.id}/connected-by")).json() == {"items": [], "next": None}


async def test_nobody_is_connected_with_themselves(phased_api: Api, phased: Database) -> None:
    """Whatever an old client wrote into their list."""
    me, them = await phased_api.sign_up("Me Myself"), await phased_api.sign_up("They Themselves")
    both = {f"user:{person.id}:connections": [me.id, them.id] for person in (me, them)}
    await put(phased, both)
    for who in (me, them):
        other = them if who is me else me
        for path, expected in (
            *((f"/connections{sort}", [other.id]) for sort in ("", "?sort=name")),
            (f"/profiles/{me.id}/connected-by", [them.id]),
            (f"/profiles/{them.id}/connected-by", [me.id]),
            (f"/profiles/{me.id}/connections", [them.id]),
            (f"/profiles/{me.id}/connections/mutual", [them.id] if who is me else []),
            (f"/profiles/{them.id}/connections/mutual", [me.id] if who is them else []),
        ):
            items = (await who.get(path)).json()["items"]
            assert [item["id"] for item in items] == expected, (who.id == me.id, path)


@pytest.mark.parametrize("who", ["I", "they"])
async def test_a_connection_is_what_both_lists_say(
    phased_api: Api, phased: Database, who: str
) -> None:
    """What one list alone says is shown nowhere, opens no chat, and an intro can mend it."""
    me, them = await phased_api.sign_up("Me Myself"), await phased_api.sign_up("They Themselves")
    holder, other = (me, them) if who == "I" else (them, me)
    chat = ":".join(sorted((me.id, them.id)))
    await put(phased, {f"user:{holder.id}:connections": [other.id], f"chat:{chat}": {}})

    async def connected() -> list[bool]:
        answers = []
        for a, b in ((me, them), (them, me)):
            lists = [
                *("/connections", "/connections?sort=name", f"/profiles/{a.id}/connected-by"),
                *(f"/profiles/{b.id}/connections", f"/profiles/{b.id}/connected-by"),
            ]
            for path in lists:
                answers.append(bool((await a.get(path)).json()["items"]))
        return answers

    assert set(await connected()) == {False}
    answer = await me.call("POST", "/intros", json={"to": them.id, "reason": "study"})
    answer = await them.call("POST", f"/intros/{answer.json()['id']}/accept")
    assert answer.status_code == 200
    assert set(await connected()) == {True}
    assert (await me.get(f"/chats/{chat}")).json()["closed"] is None


@pytest.mark.parametrize(
    "value", [None, {}, "p1", 7, [], [[]], [None, {"id": "p1"}, 1.5, True, ""]], ids=str
)
async def test_a_value_that_is_no_list_is_empty(api: Api, campus: Database, value: Any) -> None:
    me = await api.sign_up("Me Myself")
    await put(campus, {**person("p1"), f"user:{me.id}:connections": value})
    assert (await me.get("/connections")).json() == {"items": [], "next": None}


async def test_cursors_of_connections(api: Api, campus: Database) -> None:
    me = await api.sign_up("Me Myself")
    values: dict[str, Any] = {**person("friend")}
    ids = [f"p{number}" for number in range(9)]
    for id_ in ids:
        values |= person(id_)
    values |= lists_of("friend", ids) | lists_of(me.id, ids)
    values |= {f"user:{id_}:connections": [me.id, "friend"] for id_ in ids}
    await put(campus, values)
    cursor = (await me.get("/connections?limit=3")).json()["next"]
    for path in ("friend/connections", "friend/connections/mutual", f"{me.id}/connected-by"):
        answer = await me.get(f"/profiles/{path}?cursor={cursor}")
        assert_problem(answer, 400, "bad_cursor")
    # One's own list is the same under both of its names.
    answer = await me.get(f"/profiles/{me.id}/connections?limit=3&cursor={cursor}")
    assert [item["id"] for item in answer.json()["items"]] == ["p5", "p4", "p3"]


# Removing ---------------------------------------------------------------------------------------


async def lists(database: Database) -> dict[str, Any]:
    """All lists of connections, as an old client reads them."""
    rows = await database.rows(CONNECTIONS)
    return {row["key"].split(":")[1]: json.loads(row["value"]) for row in rows}


async def remove(person: Person, other: str) -> httpx.Response:
    return await person.call("DELETE", f"/connections/{other}")


async def test_removed_on_both_sides(phased_api: Api, phased: Database) -> None:
    """Every place of a doubled id, and nobody else; one-sided ones too, from either side."""
    ada = await phased_api.sign_up("Ada Okafor")
    values: dict[str, Any] = {f"user:{ada.id}:connections": ["b", "c", "b", 7, "d", None, "b"]}
    for id_ in "bcde":
        values |= person(id_)
    values |= {f"user:{id_}:connections": ["x", ada.id, ada.id] for id_ in "be"}
    values |= {"user:d:connections": [ada.id]}
    chat = {f"chat:{ada.id}:b": {"participants": [ada.id, "b"]}, "user:b:chats": [f"{ada.id}:b"]}
    await put(phased, values | chat)
    for other in "bce":
        answer = await remove(ada, other)
        assert (answer.status_code, answer.content) == (204, b"")
        answer = await remove(ada, other)
        assert_problem(answer, 404, "connection_not_found")
    kept = {ada.id: [7, "d", None], "b": ["x"], "d": [ada.id], "e": ["x"]}
    assert await lists(phased) == kept
    assert [other["id"] for other in await pages(ada, "/connections", limit=5)] == ["d"]
    rows = await phased.rows(Query("test", "SELECT key FROM kv_store_2516be19 WHERE key ~ 'chat'"))
    assert {row["key"] for row in rows} == set(chat)


async def test_removing_from_both_sides_at_once(phased_api: Api, phased: Database) -> None:
    people = [await phased_api.sign_up(f"Person {number}") for number in range(4)]
    ids = [p.id for p in people]
    await put(phased, {f"user:{p.id}:connections": [*ids, "x"] for p in people})
    answers = await asyncio.gather(*(remove(p, other) for p in people for other in ids))
    assert sorted(a.status_code for a in answers) == [204] * 10 + [404] * 6
    assert await lists(phased) == {id_: ["x"] for id_ in ids}


async def test_whoever_is_gone_or_hidden_can_be_removed(api: Api, campus: Database) -> None:
    me = await api.sign_up("Me Myself")
    values = person("hidden", **HIDDEN) | person("far", ELSEWHERE)
    await put(campus, values | {f"user:{me.id}:connections": ["gone", "hidden", "far", "odd id"]})
    for other in ("gone", "hidden", "far", "odd%20id"):
        assert (await remove(me, other)).status_code == 204
    assert await lists(campus) == {me.id: []}


@pytest.mark.parametrize("value", [None, {}, "p1", 7, True, {"p1": 1}], ids=str)
async def test_removing_from_what_is_no_list(api: Api, campus: Database, value: Any) -> None:
    """It holds nobody, and stays as it is; what the other side has is taken out."""
    me = await api.sign_up("Me Myself")
    await put(campus, {**person("p1"), f"user:{me.id}:connections": value})
    answer = await remove(me, "p1")
    assert_problem(answer, 404, "connection_not_found")
    assert await lists(campus) == {me.id: value}
    await put(campus, {"user:p1:connections": [me.id]})
    assert (await remove(me, "p1")).status_code == 204
    assert await lists(campus) == {me.id: value, "p1": []}


async def test_removing_makes_no_list(api: Api, campus: Database) -> None:
    me = await api.sign_up("Me Myself")
    for other in ("nobody", me.id, "a:b", "x" * 300, "%2f"):
        answer = await remove(me, other)
        assert answer.status_code == (404 if other == me.id else 204), other
    assert await lists(campus) == {}
