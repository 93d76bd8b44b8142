"""Deletion of one's account: what stays and what goes, cut off anywhere, and raced by others."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import httpx
import pytest

from api import HERE, PASSWORD, Api, Person, assert_problem, session_of
from conftest import STEP
from outgrow.campus.accounts import personal_data
from outgrow.campus.accounts.sessions import Open
from outgrow.campus.people import connections
from outgrow.db.pool import Database
from outgrow.queries import Query
from test_export import meet, write


async def delete(person: Person, password: str = PASSWORD) -> httpx.Response:
    return await person.call("DELETE", "/profiles/me", json={"password": password})


async def values(database: Database, sql: str, *args: Any) -> list[Any]:
    return [row[0] for row in await database.rows(Query("t", sql), *args)]


async def named(database: Database, user_id: str) -> dict[str, int]:
    """Where an id is still said: relations of the campus, tables of the network."""
    counts = {}
    for relation in ("users", "connections", "school_members", "intros", "chats", "messages"):
        sql = f"SELECT count(*) FROM campus.{relation} AS r WHERE r::text LIKE '%' || $1 || '%'"
        counts[relation] = await database.value(Query("t", sql), user_id)
    tables = """
    SELECT relname FROM pg_class WHERE relnamespace = 'network'::regnamespace AND relkind = 'r'
    """
    for table in await values(database, tables):
        sql = f"SELECT count(*) FROM network.{table} AS r WHERE r::text LIKE '%' || $1 || '%'"
        counts[table] = await database.value(Query("t", sql), user_id)
    return {name: count for name, count in counts.items() if count}


async def test_what_others_need_stays_and_everything_else_goes(phased_api: Api) -> None:
    api, database = phased_api, phased_api.services.database
    ada = await api.sign_up("Ada Okafor")
    bo, cy, di, ed = [await api.sign_up(name) for name in ("Bo Lund", "Cy Roe", "Di Moe", "Ed Poe")]
    chat = await meet(ada, bo)
    await write(ada, chat, "one", "two")
    await write(bo, chat, "three")
    await ada.call("POST", f"/chats/{chat}/read", json={"pos": STEP})
    alone = await meet(ada, ed)
    await write(ada, alone, *(f"line-{n}" for n in range(5)))
    await cy.call("POST", "/intros", json={"to": ada.id, "reason": "friends"})
    withdrawn = await ada.call("POST", "/intros", json={"to": di.id, "reason": "study"})
    await ada.call("POST", f"/intros/{withdrawn.json()['id']}/withdraw")
    await ada.call("PUT", f"/blocks/{di.id}")
    await ada.call("POST", "/reports", json={"profile": di.id, "reason": "spam"})
    await ada.call("POST", "/auth/reset", json={"email": ada.email})
    assert (await delete(ed)).status_code == 204  # so nobody will be left in that chat

    wrong = await delete(ada, "wrong password")
    assert_problem(wrong, 403, "wrong_password")
    assert (await delete(ada)).status_code == 204
    assert (await bo.get(f"/profiles/{ada.id}")).status_code == 404
    assert (await ada.get("/profiles")).json()["code"] == "session_ended"
    await api.services.settle()

    # Chats are named by the ids of both, and so is what was sent to them for a while.
    left = set(await named(database, ada.id))
    assert left - {"sent_messages", "read_marks"} == {"chats", "messages", "deletions"}
    assert (await bo.get("/connections")).json()["items"] == []
    assert (await cy.get("/intros/outgoing")).json()["items"] == []
    assert (await bo.get(f"/chats/{alone}")).status_code == 404
    assert (await values(database, "SELECT id FROM campus.chats")) == [chat]
    shown = (await bo.get(f"/chats/{chat}")).json()
    assert shown["person"] is None
    messages = (await bo.get(f"/chats/{chat}/messages")).json()["items"]
    assert sorted(m["content"] for m in messages) == ["one", "three", "two"]
    answer = await api.post("/auth/login", {"email": ada.email, "password": PASSWORD})
    assert answer.status_code == 401
    reporters = await values(database, "SELECT reporter_id FROM network.reports")
    assert reporters == [""]
    again = await api.sign_up("Ada Okafor", email=ada.email)  # the e-mail is free
    assert again.id != ada.id
    assert len((await bo.get("/profiles")).json()["items"]) == 4


async def test_the_lists_of_old_clients_say_nothing_of_the_one(api: Api) -> None:
    database = api.services.database
    ada, bo = await api.sign_up("Ada Okafor"), await api.sign_up("Bo Lund")
    await bo.call("POST", "/intros", json={"to": ada.id, "reason": "friends"})
    await delete(ada)
    await api.services.settle()
    rows = await database.rows(Query("t", "SELECT key, value::text AS v FROM kv_store_2516be19"))
    naming = {row["key"] for row in rows if ada.id in row["v"]}
    assert naming == set()
    left = {row["key"]: json.loads(row["v"]) for row in rows if ada.id in row["key"]}
    assert all(value == [] for value in left.values()), left


async def test_a_large_degree_goes_in_batches_and_a_crash_in_between_is_resumed(
    phased_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, database = phased_api, phased_api.services.database
    ada = await api.sign_up("Ada Okafor")
    fill = """
    INSERT INTO campus.connections (user_id, connected_user_id)
    SELECT $1, 'p' || n FROM generate_series(1, 120) n
    UNION ALL
    SELECT 'p' || n, $1 FROM generate_series(61, 180) n
    """
    await database.run(Query("t", fill), ada.id)
    batches = 0

    async def falling(session: Any, person: str, other: str) -> None:
        nonlocal batches
        batches += 1
        if batches == personal_data.DELETION_BATCH + 2:
            raise ConnectionResetError("the process was killed here")
        await connections.lock_pair(session, person, other)

    monkeypatch.setattr(personal_data, "lock_pair", falling)
    assert (await delete(ada)).status_code == 204
    await api.services.settle()
    count = "SELECT count(*) FROM campus.connections"
    between = (await values(database, count))[0]
    assert 0 < between < 240
    assert (await named(database, ada.id)).keys() >= {"deletions", "connections"}

    other = await Api.open(database)  # another process, at its start
    await other.services.deletions.resume()
    assert (await values(database, count)) == [0]
    assert set(await named(database, ada.id)) == {"deletions"}
    await database.run(
        Query("t", "UPDATE network.deletions SET asked_at = now() - interval '1 hour'")
    )
    await other.services.deletions.resume()
    assert await named(database, ada.id) == {}
    await other.close()


async def test_what_comes_behind_the_first_pass_goes_with_the_second(api: Api) -> None:
    database = api.services.database
    ada, bo = await api.sign_up("Ada Okafor"), await api.sign_up("Bo Lund")
    await delete(ada)
    await api.services.settle()
    late = "INSERT INTO campus.connections (user_id, connected_user_id) VALUES ($1, $2), ($2, $1)"
    await database.run(Query("t", late), ada.id, bo.id)
    await api.services.deletions.resume()
    assert "connections" in await named(database, ada.id)  # not due yet
    await database.run(
        Query("t", "UPDATE network.deletions SET asked_at = now() - interval '1 hour'")
    )
    await api.services.deletions.resume()
    assert await named(database, ada.id) == {}


async def test_deletion_against_accepting_and_sending(phased_api: Api) -> None:
    """Whoever is first: in the end nobody is connected to who is gone, nor asked by them."""
    api, database = phased_api, phased_api.services.database
    for _ in range(2):
        ada = await api.sign_up("Ada Okafor")
        others = [await api.sign_up(f"Bo {n}") for n in range(3)]
        ids = [
            (await other.call("POST", "/intros", json={"to": ada.id, "reason": "study"})).json()[
                "id"
            ]
            for other in others[:2]
        ]
        answers = await asyncio.gather(
            *(ada.call("POST", f"/intros/{intro}/accept") for intro in ids),
            ada.call("POST", "/intros", json={"to": others[2].id, "reason": "study"}),
            others[2].call("POST", "/intros", json={"to": ada.id, "reason": "friends"}),
            delete(ada),
        )
        assert answers[-1].status_code == 204
        assert all(answer.status_code < 500 for answer in answers), [a.text for a in answers]
        await api.services.settle()
        await database.run(
            Query("t", "UPDATE network.deletions SET asked_at = now() - interval '1 hour'")
        )
        await api.services.deletions.resume()
        assert set(await named(database, ada.id)) <= {"chats", "messages"}


async def test_two_who_know_each_other_go_at_once(phased_api: Api) -> None:
    api = phased_api
    people = [await api.sign_up(f"Ada {n}") for n in range(4)]
    for n, person in enumerate(people):
        for other in people[n + 1 :]:
            await meet(person, other)
    answers = await asyncio.gather(*(delete(person) for person in people))
    assert [answer.status_code for answer in answers] == [204] * 4
    await api.services.settle()
    await api.services.database.run(
        Query("t", "UPDATE network.deletions SET asked_at = now() - interval '1 hour'")
    )
    await api.services.deletions.resume()
    for person in people:
        assert await named(api.services.database, person.id) == {}


async def test_a_profile_that_changes_meanwhile_is_not_there_again(api: Api) -> None:
    ada = await api.sign_up("Ada Okafor")
    answers = await asyncio.gather(
        *(ada.call("PATCH", "/profiles/me", json={"bio": f"{n}"}) for n in range(3)),
        delete(ada),
        *(ada.call("PATCH", "/profiles/me", json={"bio": f"{n}"}) for n in range(3)),
    )
    assert {answer.status_code for answer in answers} <= {200, 204, 401, 404}
    await api.services.settle()
    assert set(await named(api.services.database, ada.id)) == {"deletions"}
    late = Person(api, ada.id, ada.email, ada.tokens)
    known = api.services.accounts.sessions._open
    known[session_of(late)] = Open(
        late.id, HERE, math.inf
    )  # as in another process, for three seconds
    body = {"name": "Ada Okafor", "school": "Northfield University"}
    answer = await late.call("POST", "/profiles", json=body)
    assert_problem(answer, 401, "account_gone")
    assert (await late.call("PATCH", "/profiles/me", json={"bio": "x"})).status_code == 404
