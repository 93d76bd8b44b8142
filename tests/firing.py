"""What the tests of tables share: the steps of a growth one by one, on any connection and for any
blueprint, so that a test can leave one out, change it, or stop between two."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from typing import Any

from growing import CAMPUS, STORE
from outgrow import layout
from outgrow.blueprint import Backing, Blueprint
from outgrow.queries import Query
from outgrow.settings import DEFAULT_STORE

ALL = tuple(CAMPUS.relations)
UPSERT = (
    f"INSERT INTO {STORE} (key, value) VALUES ($1, $2::text::jsonb) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
Mutation = Callable[[str], str]


def unchanged(sql: str) -> str:
    return sql


def without(text: str, instead: str = "") -> Mutation:
    """Takes a rule out of generated SQL. That nothing is there to take is a mistake."""

    def mutate(sql: str) -> str:
        assert text in sql, text
        return sql.replace(text, instead)

    return mutate


class Ladder:
    """The steps of a growth on one connection, without the engine."""

    def __init__(self, connection: Any, blueprint: Blueprint = CAMPUS, store: str = DEFAULT_STORE):
        self.connection = connection
        self.blueprint = blueprint
        self.schema_and_store = ("public", store)
        self.table = f'public."{store}"'
        self.mirrored: set[str] = set()
        self.backings: dict[str, Backing] = {}

    async def say(self, queries: Iterable[Query]) -> None:
        for query in queries:
            await self.connection.execute(query.sql)

    async def sync(self, names: Collection[str]) -> None:
        made = layout.mirror.sync_triggers(self.blueprint, names, *self.schema_and_store)
        await self.say(made.statements)

    async def expand(self, names: Collection[str] = ALL) -> None:
        async with self.connection.transaction():
            await self.connection.execute(f"LOCK {self.table} IN SHARE ROW EXCLUSIVE MODE")
            for name in names:
                await self.say(layout.mirror.expand(self.blueprint, name))
            mirrored = self.mirrored | set(names)
            await self.sync(mirrored)
        self.mirrored = mirrored

    async def batch(
        self, name: str, after: str, upto: str, size: int, mutate: Mutation = unchanged
    ) -> tuple[str | None, int, int, list[str]]:
        query = layout.mirror.backfill(self.blueprint, name, *self.schema_and_store)
        row = await self.connection.fetchrow(mutate(query.sql), after, upto, size)
        return tuple(row)

    async def run(self, sql: str, *arguments: Any) -> None:
        await self.connection.execute(sql, *arguments)

    async def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.connection.fetch(sql, *arguments)]

    async def put(self, key: str, value: Any) -> None:
        """As old clients write; bytes are JSON already, for what Python's would not be."""
        text = value.decode() if isinstance(value, bytes) else json.dumps(value)
        await self.connection.execute(UPSERT, key, text)

    async def stored(self) -> dict[str, Any]:
        rows = await self.rows(f"SELECT key, value::text FROM {STORE}")
        return {key: json.loads(value) for key, value in rows}

    async def last_key(self, name: str) -> str | None:
        query = layout.mirror.last_key(self.blueprint, name, *self.schema_and_store)
        last: str | None = await self.connection.fetchval(query.sql)
        return last

    async def backfill(self, name: str, size: int = 500, mutate: Mutation = unchanged) -> list[str]:
        """Returns the keys that somebody had locked."""
        batches = [batch async for batch in self.batches(name, size, mutate)]
        return [key for _, skipped in batches for key in skipped]

    async def fill(self, name: str, size: int = 7) -> int:
        """Where nobody is in the way; returns how many rows it made."""
        batches = [batch async for batch in self.batches(name, size)]
        assert not any(skipped for _, skipped in batches)
        return sum(rows for rows, _ in batches)

    async def batches(
        self, name: str, size: int, mutate: Mutation = unchanged
    ) -> AsyncIterator[tuple[int, list[str]]]:
        """Of each batch how many rows it made, and the keys that somebody had locked."""
        last = await self.last_key(name)
        after: str | None = ""
        while last is not None and after is not None:
            after, keys, rows, skipped = await self.batch(name, after, last, size, mutate)
            yield rows, skipped
            if not keys:
                break

    async def index(self) -> None:
        """The indexes of the store and of the tables."""
        made = [*layout.indexes(self.blueprint, *self.schema_and_store)]
        for name in self.mirrored:
            made += layout.mirror.indexes(self.blueprint, name)
        for item in made:
            await self.connection.execute(item.create.sql.replace(" CONCURRENTLY", ""))

    async def backfill_key(self, name: str, key: str, mutate: Mutation = unchanged) -> int:
        query = layout.mirror.backfill_keys(self.blueprint, name, *self.schema_and_store)
        rows: int = await self.connection.fetchval(mutate(query.sql), [key])
        return rows

    async def show(self, home: Backing, names: Collection[str] | None = None) -> None:
        """Let the views read the tables, or the store."""
        chosen = self.mirrored if names is None else set(names)
        backings: dict[str, Backing] = {**self.backings, **dict.fromkeys(chosen, home)}
        seen = {n for n in self.blueprint.relations if {n, self.blueprint.source_of(n)} & chosen}
        async with self.connection.transaction():
            views = layout.mirror.views(self.blueprint, backings, seen, *self.schema_and_store)
            await self.say(views)
        self.backings = backings

    async def mirror(self, names: Collection[str] = ALL) -> None:
        """All the way up, where nobody is in the way."""
        await self.expand(names)
        for name in names:
            await self.fill(name, 500)
        await self.show("shadow", names)

    async def leave(self, names: Collection[str] | None = None) -> None:
        """All the way down."""
        chosen = set(self.mirrored if names is None else names)
        await self.show("store", chosen)
        async with self.connection.transaction():
            await self.connection.execute(f"LOCK {self.table} IN ACCESS EXCLUSIVE MODE")
            rest = self.mirrored - chosen
            await self.sync(rest)
            for name in chosen:
                await self.say(layout.mirror.retire(self.blueprint, name))
        self.mirrored = rest

    async def differences(self, names: Collection[str] | None = None) -> dict[str, list[str]]:
        """The keys of the store and of the tables that differ, by relation; {} when none does."""
        differing = {}
        for name in sorted(self.mirrored if names is None else names):
            verify = layout.mirror.verify(self.blueprint, name, *self.schema_and_store)
            row = await self.connection.fetchrow(
                verify.sql, "", await self.last_key(name) or "", 1_000_000
            )
            back = layout.mirror.verify_back(self.blueprint, name, *self.schema_and_store)
            keys = [*row[3], *await self.connection.fetchval(back.sql)]
            if keys:
                differing[name] = keys
        return differing


async def put(connection: Any, values: dict[str, Any]) -> None:
    """As old clients write."""
    for key, value in values.items():
        await connection.execute(UPSERT, key, json.dumps(value))


async def waits(connection: Any, who: Any) -> None:
    """Until the session of `who` waits for a lock; TimeoutError after 20 seconds."""
    pid = who.get_server_pid()
    async with asyncio.timeout(20):
        while not await connection.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", pid):
            await asyncio.sleep(0.01)


async def shown(
    connection: Any, name: str, blueprint: Blueprint = CAMPUS, schema: str = ""
) -> list[str]:
    """What a relation shows (or its like in `schema`), but for what says where it lives. A `pos`
    only orders the rows of a list: what is shown of it is the number in that order."""
    pos = layout.mirror.tables.pos(blueprint, name)
    ranked = ""
    if pos is not None:
        heads = ", ".join(f'r."{c}"' for c in layout.mirror.tables.keys(blueprint, name).values())
        by_key = f"PARTITION BY {heads} " if heads else ""
        ranked = f" || jsonb_build_object('{pos}', rank() OVER ({by_key}ORDER BY r.\"{pos}\"))"
    rows = await connection.fetch(
        f"SELECT (to_jsonb(r) - 'store_key' - 'store_value'{ranked})::text "
        f"FROM {schema or blueprint.name}.{name} r ORDER BY 1"
    )
    return [row[0] for row in rows]
