"""What the tests of late lists share: people who come, move and leave, and what the lists say."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from random import Random
from typing import Any

import asyncpg

from conftest import Connect
from growing import CAMPUS, STORE, Recorder
from outgrow.blueprint import Blueprint
from outgrow.db.pool import Database
from outgrow.growth import runner
from outgrow.growth.runner import Done, Options
from outgrow.growth.state import Phase
from outgrow.settings import DEFAULT_STORE

ISOLATIONS = ("read committed", "repeatable read", "serializable")


async def climb(
    database: Database, goal: Phase, late: int | None = None, blueprint: Blueprint = CAMPUS
) -> Done:
    options = Options(late=late)
    return await runner.grow(database, goal, DEFAULT_STORE, blueprint, Recorder(), options)


async def default_isolation(raw: Any, isolation: str) -> None:
    """Set that of connections that come from now on."""
    name = await raw.fetchval("SELECT current_database()")
    await raw.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{isolation}'")


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


async def listed(raw: Any) -> set[tuple[str, str]]:
    """What stands in the lists of schools, but for what old clients put there."""
    rows = await raw.fetch(
        f"""SELECT s.key, e.v FROM {STORE} s
        CROSS JOIN LATERAL jsonb_array_elements_text(s.value) e(v)
        WHERE s.key LIKE 'school:%:users' AND e.v NOT LIKE 'old-%'"""
    )
    assert len(rows) == len(set(rows)), "something stands twice in a list"
    return {(row[0], row[1]) for row in rows}


async def members(raw: Any) -> set[tuple[str, str]]:
    """What is to stand there."""
    rows = await raw.fetch("SELECT school, user_id FROM campus.school_members")
    return {(f"school:{row[0]}:users", row[1]) for row in rows}


async def exported(raw: Any) -> dict[str, Any]:
    """The store, with its derived lists as sets."""
    rows = await raw.fetch(f"SELECT key, value::text FROM {STORE}")
    store = {row[0]: json.loads(row[1]) for row in rows}
    return {
        key: sorted(what) if CAMPUS.match(key) in CAMPUS.derived else what
        for key, what in store.items()
    }


class Writers:
    """People who come, move and leave, at some level of isolation, until they are stopped."""

    def __init__(self, connect: Connect, url: str, isolation: str = "read committed") -> None:
        self._connect, self._url, self._isolation = connect, url, isolation
        self.done = 0
        self._stopped = False

    async def run(self, seed: int) -> None:
        raw = await self._connect(self._url)
        await raw.execute(f"SET default_transaction_isolation = '{self._isolation}'")
        random = Random(seed)
        while not self._stopped:
            with suppress(
                asyncpg.SerializationError,
                asyncpg.DeadlockDetectedError,
                asyncpg.UniqueViolationError,
            ):
                async with raw.transaction():
                    for _ in range(random.choice((1, 1, 2))):
                        await self._change(raw, random)
                self.done += 1

    async def _change(self, raw: Any, random: Random) -> None:
        user, school = f"u{random.randrange(12)}", random.choice("ABC")
        kind = random.choice(("come", "come", "move", "leave"))
        if kind == "come":
            await sign_up(raw, user, school)
        elif kind == "move":
            await move(raw, user, school)
        else:
            await leave(raw, user)

    async def old_client(self) -> int:
        """Append to lists, each time something new; return how often."""
        raw = await self._connect(self._url)
        number = 0
        while not self._stopped:
            await raw.execute(
                f"""INSERT INTO {STORE} AS s VALUES ($1, jsonb_build_array($2::text))
                ON CONFLICT (key) DO UPDATE SET value = s.value || excluded.value""",
                LIST,
                f"old-{number}",
            )
            number += 1
            await asyncio.sleep(0.005)
        return number

    def stop(self) -> None:
        self._stopped = True
