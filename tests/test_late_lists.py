"""Derived lists that are late: noted by whoever writes, and folded into the store by a job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import Connect
from growing import CAMPUS, STORE, Recorder
from outgrow.db.pool import Database
from outgrow.growth import runner
from outgrow.growth.runner import Done, Options
from outgrow.growth.state import Phase
from outgrow.schema.late_lists import fold
from outgrow.settings import DEFAULT_STORE

ISOLATIONS = ("read committed", "repeatable read", "serializable")


async def climb(database: Database, goal: Phase, late: int | None = None) -> Done:
    options = Options(late=late)
    return await runner.grow(database, goal, DEFAULT_STORE, CAMPUS, Recorder(), options)


@pytest.fixture
async def raw(connect: Connect, database_url: str) -> Any:
    """An old client, and the database's owner."""
    return await connect(database_url)


@pytest.fixture
async def late(database: Database, raw: Any) -> Database:
    """A store whose lists are late."""
    await climb(database, "optimized", 5)
    return database


async def sign_up(raw: Any, user: str, school: str = "A") -> None:
    await raw.execute(
        "INSERT INTO campus.users (id, name, school, rest) VALUES ($1, 'N', $2, '{}')", user, school
    )


async def leave(raw: Any, user: str) -> None:
    await raw.execute(
        "DELETE FROM campus.users u WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1)",
        user,
    )


async def move(raw: Any, user: str, school: str) -> None:
    await raw.execute(
        "UPDATE campus.users u SET school = $2"
        " WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1)",
        user,
        school,
    )


async def value(raw: Any, key: str) -> Any:
    text = await raw.fetchval(f"SELECT value::text FROM {STORE} WHERE key = $1", key)
    return None if text is None else json.loads(text)


async def put(raw: Any, key: str, what: Any) -> None:
    await raw.execute(
        f"INSERT INTO {STORE} VALUES ($1, $2::text::jsonb)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        json.dumps(what),
    )


async def notes(raw: Any) -> list[tuple[str, str, bool]]:
    rows = await raw.fetch("SELECT key, element, added FROM outgrow.late_notes ORDER BY id")
    return [tuple(row) for row in rows]


LIST = "school:A:users"


async def test_a_writer_notes_and_the_fold_writes(late: Database, raw: Any) -> None:
    await sign_up(raw, "1")
    await sign_up(raw, "2")
    assert await value(raw, LIST) is None
    schools = ("schools:all", "A", True)
    assert sorted(await notes(raw)) == [(LIST, "1", True), (LIST, "2", True), schools, schools]
    folded = await fold(late)
    assert (folded.notes, folded.lists, folded.failed) == (4, 2, {})
    assert await value(raw, LIST) == ["1", "2"]
    assert await value(raw, "schools:all") == ["A"]
    assert await notes(raw) == []
    await move(raw, "1", "B")
    await leave(raw, "2")
    assert await value(raw, LIST) == ["1", "2"]
    await fold(late)
    assert await value(raw, LIST) == []
    assert await value(raw, "school:B:users") == ["1"]
    assert sorted(await value(raw, "schools:all")) == ["A", "B"]
