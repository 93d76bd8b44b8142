"""A database that an earlier version made comes up: nothing lost, all get in, verify is clean."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api import HERE, PASSWORD, Api, Person
from growing import CAMPUS, STORE, grow
from outgrow.db.pool import Database
from outgrow.growth.verification import verify
from outgrow.queries import Query
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE
from test_cli_kv import outgrow

OLD = Path(__file__).parent / "databases" / "2026-11-23-relational.sql"
CHAT = "SELECT c.id FROM campus.chats AS c"


async def fetch(database: Database, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await database.rows(Query("t", sql))]


@pytest.fixture
async def old(database_url: str) -> AsyncIterator[Database]:
    """As it was left on the day it was dumped, but for the time that has gone by since."""
    text = OLD.read_text(encoding="utf-8")
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"DROP TABLE {STORE}")
    await connection.execute(text)
    await connection.execute(
        "UPDATE network.sessions SET created_at = now(), expires_at = now() + interval '30 days'"
    )
    await connection.close()
    database = await Database.open(database_url)
    yield database
    await database.close()


async def test_looking_at_it_first_tells_what_to_do(old: Database, database_url: str) -> None:
    """Nothing has brought it up to date: who only looks may not be allowed to."""
    done = outgrow("status", DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "phase    relational (the relations are another version's" in done.stdout
    assert "table    users: shadow" in done.stdout
    assert done.stdout.splitlines()[-1] == "next     outgrow grow --to relational"
    planned = outgrow("grow", "--to", "relational", "--plan", DATABASE_URL=database_url)
    assert planned.returncode == 0
    for command, code in ("verify", "other_version"), ("uninstall", "schema_older"):
        done = outgrow(command, "--json", DATABASE_URL=database_url)
        assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (3, code)
    hint = "outgrow grow --to relational makes them again"
    assert hint in outgrow("verify", DATABASE_URL=database_url).stderr


async def test_a_campus_of_yesterday_comes_up(old: Database) -> None:
    tokens = json.loads(OLD.read_text(encoding="utf-8").split("-- tokens ")[1].splitlines()[0])
    kept = {
        "store": f"SELECT key, value::text FROM {STORE} ORDER BY key",
        "accounts": "SELECT user_id, email, password_hash FROM network.accounts ORDER BY 1",
        "sessions": "SELECT id, user_id, token_hash FROM network.sessions ORDER BY 1",
        "blocks": "SELECT user_id, blocked_id FROM network.blocks ORDER BY 1",
        "reports": "SELECT reporter_id, profile_id FROM network.reports ORDER BY 1",
        "domains": "SELECT school, domain FROM network.school_domains ORDER BY 1",
        "messages": "SELECT chat_id, id, content FROM campus.messages ORDER BY pos",
        "connections": "SELECT user_id, connected_user_id FROM campus.connections ORDER BY 1, 2",
    }
    before = {name: await fetch(old, sql) for name, sql in kept.items()}
    assert all(before.values()), "the fixture has some of each"
    await install(old)
    assert {name: await fetch(old, sql) for name, sql in kept.items()} == before
    api = await Api.open(old, limits=None)
    people = {}
    for email in tokens:
        answer = await api.post("/auth/login", {"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        answer = await api.post("/auth/refresh", {"refresh_token": tokens[email]})
        assert answer.status_code == 200, answer.text
        people[email.split("@")[0]] = Person(api, answer.json()["user_id"], email, answer.json())
    ada, bo, cy, far = (people[name] for name in ("ada", "bo", "cy", "far"))
    names = {item["name"] for item in (await ada.get("/profiles")).json()["items"]}
    assert names == {"Ada Okafor", "Bo Lind", "Old Hand"}, "Cy is blocked, and Far is elsewhere"
    assert len((await far.get("/profiles")).json()["items"]) == 1
    [chat] = (await ada.get("/chats")).json()["items"]
    assert (chat["person"]["name"], chat["closed"], chat["unread"]) == ("Bo Lind", None, 1)
    path = f"/chats/{chat['id']}/messages"
    assert len((await ada.get(path)).json()["items"]) >= 5
    intros = (await bo.get("/intros/incoming")).json()["items"]
    [intro] = [item for item in intros if item["status"] == "pending"]
    accepted = await bo.call("POST", f"/intros/{intro['id']}/accept")
    assert accepted.status_code == 200, accepted.text
    for person in (ada, bo):
        answer = await person.call("POST", path, json={"content": "after all"})
        assert answer.status_code == 201, answer.text
    assert (await cy.get(f"/profiles/{ada.id}")).status_code == 404
    await api.close()
    await grow(old, "relational")
    report = await verify(old, DEFAULT_STORE, CAMPUS, lambda count: None)
    assert report.same, report


async def test_a_profile_of_yesterday_still_waits_for_its_mailbox(old: Database) -> None:
    await install(old)
    letters = []

    async def collect(letter: Any) -> None:
        letters.append(letter)

    api = await Api.open(old, mail=collect)
    body = {"email": "old@campus.example", "password": PASSWORD, "name": "Old", "school": HERE}
    assert (await api.post("/auth/signup", body)).status_code == 202
    assert [letter.to for letter in letters] == ["old@campus.example"]
    await api.close()
