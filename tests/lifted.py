"""What the tests of tables share: relations of any blueprint lifted without a growth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from outgrow import layout
from outgrow.blueprint import Blueprint, Home
from outgrow.database import Database
from outgrow.queries import Query
from outgrow.settings import DEFAULT_STORE

STORE = f'public."{DEFAULT_STORE}"'
PLACE = ("public", DEFAULT_STORE)


async def run(database: Database, sql: str, *args: Any) -> None:
    await database.run(Query("test.run", sql), *args)


async def rows(database: Database, sql: str, *args: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await database.rows(Query("test.rows", sql), *args)]


async def put(database: Database, key: str, value: Any) -> None:
    """As an old client does; a value that is no text of Python's JSON comes as one already."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    await run(
        database,
        f"INSERT INTO {STORE} (key, value) VALUES ($1, $2::text::jsonb) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        text.decode(),
    )


async def stored(database: Database) -> dict[str, Any]:
    found = await rows(database, f"SELECT key, value::text FROM {STORE}")
    return {key: json.loads(value) for key, value in found}


async def lift(database: Database, blueprint: Blueprint, names: Sequence[str]) -> None:
    """The tables and the triggers that follow; nothing of what is there already."""
    async with database.session() as session, session.connection.transaction():
        await session.run(Query("test.lock", f"LOCK TABLE {STORE} IN SHARE ROW EXCLUSIVE MODE"))
        for name in names:
            for query in layout.shadow.expand(blueprint, name):
                await session.run(query)
        for query in layout.shadow.follow(blueprint, names, *PLACE):
            await session.run(query)


async def fill(database: Database, blueprint: Blueprint, name: str, batch: int = 7) -> int:
    """What is there already; says how many rows it made."""
    last = await database.value(layout.shadow.last_key(blueprint, name, *PLACE))
    backfill = layout.shadow.backfill(blueprint, name, *PLACE)
    after, total, keys = "", 0, 1
    while last is not None and keys:
        row = await database.row(backfill, after, last, batch)
        assert row is not None
        after, keys, made, skipped = row
        assert skipped == []
        total += made
    return total


async def index(database: Database, blueprint: Blueprint, names: Sequence[str]) -> None:
    """The indexes of the store and of the tables."""
    made = [*layout.indexes(blueprint, *PLACE)]
    for name in names:
        made += layout.shadow.indexes(blueprint, name)
    for item in made:
        await run(database, item.create.sql.replace(" CONCURRENTLY", ""))


async def show(database: Database, blueprint: Blueprint, home: Home) -> None:
    """All relations are read from there."""
    names = list(blueprint.relations)
    for query in layout.shadow.views(blueprint, dict.fromkeys(names, home), names, *PLACE):
        await database.run(query)


async def drop(database: Database, blueprint: Blueprint) -> None:
    """Back to the store alone."""
    await show(database, blueprint, "store")
    for query in layout.shadow.follow(blueprint, [], *PLACE):
        await database.run(query)
    for name in reversed(blueprint.relations):
        for query in layout.shadow.retire(blueprint, name):
            await database.run(query)


async def differences(database: Database, blueprint: Blueprint, name: str) -> list[str]:
    """The keys of which the table does not say what the store says."""
    last = await database.value(layout.shadow.last_key(blueprint, name, *PLACE))
    verify = layout.shadow.verify(blueprint, name, *PLACE)
    row = await database.row(verify, "", last or "", 1_000_000)
    back = await database.value(layout.shadow.verify_back(blueprint, name, *PLACE))
    assert row is not None
    return [*row[3], *back]
