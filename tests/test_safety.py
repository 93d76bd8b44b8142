"""Blocks and reports: whoever is blocked cannot tell it from absence, by any answer."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import PASSWORD, Api, Person, assert_problem, pages
from outgrow.campus.safety import absorb_blocks
from outgrow.queries import Query, load
from outgrow.settings import DEFAULT_STORE

LISTS = (
    "/profiles",
    "/profiles?sort=name",
    "/profiles?offset=1",
    "/profiles?major=Physics&total=true&facets=major,year",
    "/profiles?interest=chess&total=true",
    "/profiles?total=true&facets=major,year",
    "/connections",
    "/suggestions",
    "/discover",
    "/search?q=zenobia",
    "/search?q=zenobai",
    "/search?q=physics",
    "/schools?counts=true",
    "/intros/incoming",
    "/intros/outgoing",
    "/chats",
    "/blocks",
)


async def upsert(api: Api, key: str, value: Any) -> None:
    """As an old client writes: without a word to us."""
    sql = (
        f'INSERT INTO "{DEFAULT_STORE}" AS s (key, value) VALUES ($1, $2::jsonb) '
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
    await api.services.database.run(Query("t", sql), key, json.dumps(value))


async def document(api: Api, user_id: str) -> dict[str, Any]:
    sql = Query("t", f'SELECT value::text FROM "{DEFAULT_STORE}" WHERE key = $1')
    person = json.loads(await api.services.database.value(sql, f"user:{user_id}"))
    assert isinstance(person, dict)
    return person


async def old_block(api: Api, user_id: str, *blocked: str) -> None:
    await upsert(
        api, f"user:{user_id}", {**await document(api, user_id), "blockedUsers": list(blocked)}
    )


async def sign_up(api: Api, name: str = "Zenobia Quill", **more: Any) -> Person:
    about = {"major": "Physics", "year": "Junior", "interests": ["chess"], **more}
    return await api.sign_up(name, **about)


def forget(api: Api) -> None:
    """As when the cache's bound is over, for what an old client wrote."""
    for school in ("Northfield University", "Southgate College"):
        api.services.changed(school)


async def meet(person: Person, other: Person) -> str:
    """Connect the two, and return their chat."""
    answer = await person.call("POST", "/intros", json={"to": other.id, "reason": "study"})
    assert answer.status_code == 201, answer.text
    answer = await other.call("POST", f"/intros/{answer.json()['id']}/accept")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["chat_id"])


async def everything(api: Api, viewer: Person, friend: Person, who: str) -> list[Any]:
    """All that `viewer` can learn of `who`: status, body and headers of every answer."""
    forget(api)
    pair = ":".join(sorted((viewer.id, who)))
    paths = [
        *LISTS,
        f"/profiles/{who}",
        f"/profiles/{who}/connections",
        f"/profiles/{who}/connections/mutual",
        f"/profiles/{who}/connected-by",
        f"/profiles/{friend.id}/connections",
        f"/profiles/{friend.id}/connections/mutual",
        f"/profiles/{friend.id}/connected-by",
        f"/chats/{pair}",
        f"/chats/{pair}/messages",
    ]
    calls: list[tuple[str, str, Any]] = [("GET", path, None) for path in paths]
    calls += [("GET", path + ("&" if "?" in path else "?") + "limit=1", None) for path in paths]
    calls += [
        ("POST", "/intros", {"to": who, "reason": "study"}),
        ("POST", f"/intros/{who}:{viewer.id}:1/accept", None),
        ("POST", f"/intros/{viewer.id}:{who}:1/withdraw", None),
        ("DELETE", f"/connections/{who}", None),
        ("POST", f"/chats/{pair}/messages", {"content": "there?"}),
        ("POST", f"/chats/{pair}/read", {"pos": 1}),
        ("POST", f"/chats/{pair}/typing", None),
        ("GET", "/profiles/me/export", None),
    ]
    seen = []
    for method, path, body in calls:
        options: dict[str, Any] = {} if body is None else {"json": body}
        if path.endswith("/messages") and body:
            options["headers"] = {"idempotency-key": "k1"}
        answer = await viewer.call(method, path, **options)
        headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
        if answer.status_code >= 400:
            del headers["content-length"]  # the name of the request is in it
        text = answer.text.replace(answer.headers["x-request-id"], "(request)")
        text = re.sub(r'"(exported_at|last_used_at)" : "[^"]*"', "", text)
        for named in (f"{viewer.id}:{who}", f"{who}:{viewer.id}"):
            path, text = path.replace(named, "(pair)"), text.replace(named, "(pair)")
        seen.append((method, path, answer.status_code, headers, text))
    return seen


def said_of(seen: list[Any], who: str) -> list[Any]:
    """The answers with the asked-for id taken out, to be compared with those for another id."""
    plain = []
    for method, path, status, headers, text in seen:
        kept = {name: value for name, value in headers.items() if name != "content-length"}
        plain.append((method, path.replace(who, "(who)"), status, kept, text.replace(who, "(who)")))
    return plain


@pytest.mark.parametrize("way", ["viewer is blocked", "viewer blocks", "old client blocks"])
async def test_blocked_is_answered_as_absent(phased_api: Api, way: str) -> None:
    """The same campus once with somebody who is hidden, and once with nobody there at all. That the
    two once met stays: their chat, which is closed, is passed over here."""
    api = phased_api
    viewer, friend = await sign_up(api, "Vera Field"), await sign_up(api, "Fred Oak", major="Art")
    await meet(viewer, friend)
    absent = "00000000-0000-4000-8000-00000000dead"
    expected = said_of(await everything(api, viewer, friend, absent), absent)
    other = await sign_up(api)
    await meet(other, friend)
    await meet(viewer, other)
    if way == "old client blocks":
        await old_block(api, other.id, viewer.id)
    elif way == "viewer is blocked":
        assert (await other.call("PUT", f"/blocks/{viewer.id}")).status_code == 204
    else:
        assert (await viewer.call("PUT", f"/blocks/{other.id}")).status_code == 204
    seen = said_of(await everything(api, viewer, friend, other.id), other.id)
    for was, now in zip(expected, seen, strict=True):
        if way == "viewer blocks" and now[1].startswith("/blocks"):
            continue  # one's own list of blocks is the one place
        if now[1].startswith("/chats") or now[1] == "/profiles/me/export":
            continue
        assert now == was
    assert other.id in (await friend.get(f"/profiles/{other.id}")).text  # for others as before


async def test_one_tells_from_the_other_without_a_block(api: Api) -> None:
    """That the comparison above can fail."""
    viewer, friend = await sign_up(api, "Vera Field"), await sign_up(api, "Fred Oak", major="Art")
    absent = "00000000-0000-4000-8000-00000000dead"
    expected = said_of(await everything(api, viewer, friend, absent), absent)
    other = await sign_up(api)
    seen = said_of(await everything(api, viewer, friend, other.id), other.id)
    differing = {now[1] for was, now in zip(expected, seen, strict=True) if now != was}
    same = ("/connections", "/schools?counts=true", "/intros", "/chats", "/blocks", "/suggestions")
    assert differing >= {path for path in LISTS if not path.startswith(same)}


async def test_blocking_ends_connection_and_intros(phased_api: Api) -> None:
    api = phased_api
    me, friend, asking = [await sign_up(api, name) for name in ("Me Me", "Fr Iend", "As King")]
    chat = await meet(me, friend)
    sent = await asking.call("POST", "/intros", json={"to": me.id, "reason": "study"})
    intro = sent.json()["id"]
    for other in (friend, asking, friend):
        answer = await me.call("PUT", f"/blocks/{other.id}")
        assert (answer.status_code, answer.content) == (204, b"")
    assert [item["id"] for item in await pages(me, "/blocks", limit=1)] == [asking.id, friend.id]
    assert (await pages(me, "/blocks", limit=9))[0]["profile"]["name"] == "As King"
    assert (await document(api, me.id))["blockedUsers"] == [friend.id, asking.id]
    assert await pages(friend, "/connections", limit=9) == []
    for person in (me, friend):
        assert (await person.get(f"/chats/{chat}")).json()["closed"] == "not_here"
        for action in ("messages", "typing"):
            refused = await person.call(
                "POST", f"/chats/{chat}/{action}", json={"content": "hello"}
            )
            assert refused.json()["detail"] == "closed: not_here"
    assert (await me.call("POST", f"/intros/{intro}/accept")).status_code == 404
    assert await pages(asking, "/intros/outgoing", limit=9) == []
    for other in (friend, asking):
        assert (await me.call("DELETE", f"/blocks/{other.id}")).status_code == 204
    assert (await document(api, me.id))["blockedUsers"] == []
    assert await pages(me, "/blocks", limit=9) == []
    assert await pages(me, "/connections", limit=9) == []
    assert (await me.get(f"/chats/{chat}")).json()["closed"] == "not_connected"
    outgoing = await pages(asking, "/intros/outgoing", limit=9)
    assert [item["status"] for item in outgoing] == ["declined"]


async def test_an_old_list_counts_after_the_next_refresh(phased_api: Api) -> None:
    api = phased_api
    me, other, third = [await sign_up(api, name) for name in ("Me Me", "Ot Her", "Th Ird")]

    async def refresh() -> None:
        answer = await api.post("/auth/refresh", {"refresh_token": me.tokens["refresh_token"]})
        me.tokens.update(answer.json())

    async def sees() -> set[str]:
        return {item["id"] for item in await pages(me, "/profiles", limit=2)} - {me.id}

    await old_block(api, me.id, other.id, me.id, other.id, "", "x" * 300)
    assert me.id not in {item["id"] for item in await pages(other, "/profiles", limit=9)}
    await refresh()
    assert await sees() == {third.id}
    assert [item["id"] for item in await pages(me, "/blocks", limit=9)] == [other.id]
    await me.call("PUT", f"/blocks/{third.id}")
    await old_block(api, me.id)
    await refresh()
    assert await sees() == {other.id}, "what was said here stays"
    await old_block(api, me.id, other.id)
    login = {"email": me.email, "password": PASSWORD}
    assert (await api.post("/auth/login", login)).status_code == 200
    assert await sees() == set()
    assert (await me.call("DELETE", f"/blocks/{other.id}")).status_code == 204
    assert (await document(api, me.id))["blockedUsers"] == []
    await refresh()
    assert await sees() == {other.id}


@pytest.mark.parametrize("odd", [None, {}, "x", 7, [1, None, ["a"]], False])
async def test_a_value_that_is_no_list_harms_nothing_and_stays(api: Api, odd: Any) -> None:
    me, other = await sign_up(api, "Me Me"), await sign_up(api)
    await upsert(api, f"user:{me.id}", {**await document(api, me.id), "blockedUsers": odd})
    await absorb_blocks(api.services.database, me.id)
    assert (await me.call("PUT", f"/blocks/{other.id}")).status_code == 204
    assert (await me.get(f"/profiles/{other.id}")).status_code == 404
    kept = (await document(api, me.id))["blockedUsers"]
    assert kept == ([*odd, other.id] if isinstance(odd, list) else odd)
    assert (await me.call("DELETE", f"/blocks/{other.id}")).status_code == 204
    assert (await document(api, me.id))["blockedUsers"] == odd


async def test_who_names_themselves_is_still_there(api: Api) -> None:
    me = await sign_up(api, "Me Me")
    await old_block(api, me.id, me.id)
    forget(api)
    page = (await me.get("/profiles?total=true")).json()
    assert ([item["id"] for item in page["items"]], page["total"]) == ([me.id], 1)
    assert (await me.get(f"/profiles/{me.id}")).status_code == 200
    assert len(await pages(me, "/search", q="me", limit=9)) == 1


async def test_who_blocked_one_is_an_id_among_ones_own_blocks(api: Api) -> None:
    me, other = await sign_up(api, "Me Me"), await sign_up(api)
    for path in (f"/blocks/{other.id}", "/blocks/nobody-at-all"):
        assert (await me.call("PUT", path)).status_code == 204
    assert (await other.call("PUT", f"/blocks/{me.id}")).status_code == 204
    items = await pages(me, "/blocks", limit=9)
    assert [(item["id"], item["profile"]) for item in items] == [
        ("nobody-at-all", None),
        (other.id, None),
    ]
    # Both blocks count: taking one back shows nobody.
    assert (await other.call("DELETE", f"/blocks/{me.id}")).status_code == 204
    assert (await other.get(f"/profiles/{me.id}")).status_code == 404
    assert (await me.call("DELETE", f"/blocks/{other.id}")).status_code == 204
    assert (await other.get(f"/profiles/{me.id}")).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("other", ["x" * 201, "a:b", "intro:a:b"])
async def test_what_is_no_id_blocks_nobody(api: Api, method: str, other: str) -> None:
    me = await sign_up(api)
    answer = await me.call(method, f"/blocks/{other}")
    assert_problem(answer, 404, "profile_not_found")


async def test_there_is_an_end_to_blocks(api: Api) -> None:
    me = await sign_up(api)
    sql = "INSERT INTO network.blocks (user_id, blocked_id) SELECT $1, 'p' || n "
    await api.services.database.run(Query("t", sql + "FROM generate_series(1, 1000) n"), me.id)
    answer = await me.call("PUT", "/blocks/one-more")
    assert_problem(answer, 409, "too_many_blocks")
    assert (await me.call("PUT", "/blocks/p7")).status_code == 204


async def test_a_report_is_kept_for_the_operator(api: Api) -> None:
    me, other = await sign_up(api, "Me Me"), await sign_up(api)
    about = {"profile": other.id, "reason": "harassment", "note": "again", "message": "m1"}
    answer = await me.call("POST", "/reports", json=about)
    assert answer.status_code == 201
    sql = "SELECT reporter_id, profile_id, reason, note, message_id, closed_at FROM network.reports"
    row = await api.services.database.row(Query("t", sql + " WHERE id = $1"), answer.json()["id"])
    assert row is not None
    assert tuple(row) == (me.id, other.id, "harassment", "again", "m1", None)
    for wrong in ({"profile": me.id}, {"reason": "dislike"}, {"profile": ""}, {"more": 1}):
        assert (await me.call("POST", "/reports", json=about | wrong)).status_code == 400


async def test_both_block_each_other_at_once(api: Api) -> None:
    me, other = await sign_up(api, "Me Me"), await sign_up(api)
    await meet(me, other)
    answers = await asyncio.gather(
        *(a.call("PUT", f"/blocks/{b.id}") for a, b in ((me, other), (other, me)) * 4)
    )
    assert {answer.status_code for answer in answers} == {204}
    for a, b in ((me, other), (other, me)):
        assert (await document(api, a.id))["blockedUsers"] == [b.id]
        assert (await a.get(f"/profiles/{b.id}")).status_code == 404


@pytest.mark.parametrize("turn", range(6))
async def test_a_block_and_an_answer_at_once_leave_no_connection(api: Api, turn: int) -> None:
    """Whichever is first: an accepted intro is a connection, which the block then ends."""
    me, other = await sign_up(api, "Me Me"), await sign_up(api)
    sent = await me.call("POST", "/intros", json={"to": other.id, "reason": "study"})
    calls = [
        other.call("POST", f"/intros/{sent.json()['id']}/accept"),
        me.call("PUT", f"/blocks/{other.id}"),
    ]
    await asyncio.gather(*(calls if turn % 2 else calls[::-1]))
    sql = Query("t", "SELECT count(*) FROM campus.connections")
    assert await api.services.database.value(sql) == 0
    pending = Query("t", "SELECT count(*) FROM campus.intros WHERE status = 'pending'")
    assert await api.services.database.value(pending) == 0


async def test_a_block_waits_for_the_pair(api: Api) -> None:
    """Without the lock an accepting transaction that began before would connect behind it."""
    me, other = await sign_up(api, "Me Me"), await sign_up(api)
    database = api.services.database
    async with database.session() as session, session.connection.transaction():
        await session.run(load("pairs")["lock_pair"], other.id, me.id)
        blocking = asyncio.create_task(me.call("PUT", f"/blocks/{other.id}"))
        done, _ = await asyncio.wait([blocking], timeout=0.3)
        assert not done
    assert (await blocking).status_code == 204


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["block", "unblock", "old", "refresh"]),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=14,
)


class Model:
    """What three people have said of each other: here, and in their documents."""

    def __init__(self) -> None:
        self.blocked: set[tuple[int, int]] = set()
        self.absorbed: set[tuple[int, int]] = set()
        self.lists: dict[int, list[int]] = {0: [], 1: [], 2: []}

    def do(self, action: str, person: int, other: int) -> None:
        pair, mine = (person, other), self.lists[person]
        if action == "block":
            self.blocked.add(pair)
            self.absorbed.discard(pair)
            if other not in mine:
                mine.append(other)
        elif action == "unblock":
            self.blocked.discard(pair)
            self.absorbed.discard(pair)
            mine[:] = [listed for listed in mine if listed != other]
        elif action == "old":
            mine[:] = [listed for listed in mine if listed != other] if other in mine else [other]
        else:
            self.absorbed = {p for p in self.absorbed if p[0] != person}
            self.absorbed |= {(person, listed) for listed in mine} - self.blocked

    def hidden(self, viewer: int) -> set[int]:
        blocks = self.blocked | self.absorbed
        by_blocks = {b for a, b in blocks if a == viewer} | {a for a, b in blocks if b == viewer}
        return by_blocks | {person for person, mine in self.lists.items() if viewer in mine}


@given(ACTIONS)
@settings(max_examples=12)
async def test_the_hidden_are_those_of_the_model(api: Api, actions: Any) -> None:
    school = f"S {uuid.uuid4()}"
    people = [await sign_up(api, f"Zenobia {n}", school=school) for n in range(3)]
    ids = [person.id for person in people]
    model = Model()
    for action, person, other in actions:
        if person == other:
            continue
        model.do(action, person, other)
        if action == "old":
            await old_block(api, ids[person], *(ids[n] for n in model.lists[person]))
            api.services.changed(school)  # as when the cache's bound is over
        elif action == "refresh":
            await absorb_blocks(api.services.database, ids[person])
        else:
            method = "PUT" if action == "block" else "DELETE"
            await people[person].call(method, f"/blocks/{ids[other]}")
        for n in range(3):
            assert (await document(api, ids[n]))["blockedUsers"] == [
                ids[listed] for listed in model.lists[n]
            ]
            expected = {ids[listed] for listed in {0, 1, 2} - model.hidden(n)}
            for path in ("/profiles", "/search?q=zenobia"):
                page = (await people[n].get(path)).json()
                assert {item["id"] for item in page["items"]} == expected
            assert (await people[n].get(f"/profiles/{ids[person]}")).status_code == (
                200 if ids[person] in expected else 404
            )
