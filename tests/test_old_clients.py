"""Old clients at every isolation level, all at once on a few keys, while a growth goes up and down.

Each remembers what its committed transactions wrote, and in which order: a number is taken from a
sequence with every row, under the row's lock. Afterwards the store is what was committed, and the
tables are what the store says."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from conftest import Connect
from firing import Ladder
from growing import CAMPUS, STORE, grow
from outgrow import layout
from outgrow.blueprint import Blueprint, parse
from outgrow.db.pool import Database
from outgrow.growth.state import Phase
from outgrow.growth.verification import verify
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE

WAY: tuple[Phase, ...] = ("relational", "hybrid", "relational", "initial")
SHORT_WAY: dict[str, tuple[Phase, ...]] = {"campus": WAY, "stock": ("relational", "initial")}
SHORT = 1_500
"""Operations at least. The growths take longer: about 2,000 are done at each isolation level."""
LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
CLIENTS = 6
OPERATIONS = int(os.environ.get("OUTGROW_OPERATIONS", "100000"))
SEED = 11
STOCK = parse((Path(__file__).parent.parent / "examples/stock.toml").read_text("utf-8"))
TOLD = {"23505": "unique_violation", "40001": "serialization_failure", "40P01": "deadlock"}

Value = Callable[[random.Random], Any]


def document(chance: random.Random) -> Any:
    fields: dict[str, list[Any]] = {
        "name": ["A", "B", "n" * 300, 7, None],
        "school": ["MIT", "Yale", None, 7, "s" * 201],
        "email": ["A@x.edu", "b@x.edu", None],
        "createdAt": ["2026-01-02T03:04:05.678Z", "yesterday"],
        "participants": [["a", "b"], ["b", "c", "b"], ["a", 1], "a"],
        "status": ["pending", "accepted"],
        "companyId": ["c1", "c2", 1],
        "supplierIds": [["s1", "s2"], ["s2", "s1", "s2"], [None], "s1"],
        "currentStock": [1, 1.0, "1", None],
    }
    chosen = chance.sample(list(fields), chance.randrange(len(fields)))
    return {field: chance.choice(fields[field]) for field in chosen}


def ids(chance: random.Random) -> Any:
    odd: list[list[Any]] = [[], [1], [None, "z"], [f"x{n}" for n in range(300)]]
    several = chance.choices(["a", "b", "c", "d", "e", "f", "g"], k=chance.randrange(6))
    return several + chance.choices(odd, [20, 2, 2, 1])[0]


def objects(chance: random.Random) -> Any:
    odd: list[list[Any]] = [[], [1], ["z", {"id": "m1"}]]
    several: list[Any] = [{"id": f"m{chance.randrange(9)}"} for _ in range(chance.randrange(6))]
    return several + chance.choices(odd, [9, 1, 1])[0]


def entries(chance: random.Random) -> Any:
    inner = [*(f"p{n}" for n in range(4)), {"stars": 1}, {"stars": 2, "at": "yesterday"}, 1, None]
    return {chance.choice("abcde"): chance.choice(inner) for _ in range(chance.randrange(5))}


# What is wrong with a key may be mended by the next write to it: there are new ones all the time.
KEYS: dict[str, dict[str, Value]] = {
    "campus": {
        "user:a{0}": document,
        "user:b{0}": document,
        "user:a{0}:connections": ids,
        "user:b{0}:connections": ids,
        "chat:a:{0}": document,
        "chat:a:{0}:messages": objects,
        "chat:b:{0}:messages": objects,
        "intro:a:b:{0}": document,
        "school:MIT:users": ids,
        "odd": document,
    },
    "stock": {
        "user:a{0}": document,
        "product:p{0}": document,
        "product:q{0}": document,
        "users:list": ids,
        "zig_product_mappings:a{0}": entries,
        "zig_product_mappings:b{0}": entries,
        "company:a{0}:ratings": entries,
        "company:b{0}:ratings": entries,
        "notification_log": entries,
        "odd": ids,
    },
}
OPERATIONS_OF_A_KEY = 6
MISFITS: list[Any] = [None, 7, "text", True, [], {}, [None], [["a"]], [1.5, "a", {}]]
NUMBER = "nextval('public.written')"
RETURNING = f"RETURNING key, value::text, {NUMBER} AS number"
UPSERT = "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
JSON = "$2::text::jsonb"
IF_ARRAY = (
    f"UPDATE {STORE} SET value = CASE jsonb_typeof(value) WHEN 'array' THEN {{}} ELSE value END "
)
GONE = f"RETURNING key, NULL AS value, {NUMBER} AS number"
WRITES = {
    "insert": f"INSERT INTO {STORE} (key, value) VALUES ($1, {JSON}) {RETURNING}",
    "upsert": f"INSERT INTO {STORE} (key, value) VALUES ($1, {JSON}) {UPSERT} {RETURNING}",
    "merge": f"INSERT INTO {STORE} AS s (key, value) VALUES ($1, {JSON}) ON CONFLICT (key) "
    "DO UPDATE SET value = s.value || excluded.value "
    f"RETURNING s.key, s.value::text, {NUMBER} AS number",
    "insert or nothing": f"INSERT INTO {STORE} (key, value) VALUES ($1, {JSON}) "
    f"ON CONFLICT DO NOTHING {RETURNING}",
    "replace": f"UPDATE {STORE} SET value = {JSON} WHERE key = $1 {RETURNING}",
    "append": f"UPDATE {STORE} SET value = value || {JSON} WHERE key = $1 {RETURNING}",
    "prepend": f"UPDATE {STORE} SET value = {JSON} || value WHERE key = $1 {RETURNING}",
    "cut first": IF_ARRAY.format("value - 0") + f"WHERE key = $1 {RETURNING}",
    "cut last": IF_ARRAY.format("value - -1") + f"WHERE key = $1 {RETURNING}",
    "cut one": f"UPDATE {STORE} SET value = CASE WHEN jsonb_typeof(value) IN ('array', 'object') "
    f"THEN value - 'a' - 'school' ELSE value END WHERE key = $1 {RETURNING}",
    "keep two": IF_ARRAY.format(
        "coalesce((SELECT jsonb_agg(e ORDER BY n) FROM jsonb_array_elements(value) "
        "WITH ORDINALITY AS x(e, n) WHERE n <= 2), '[]')"
    )
    + f"WHERE key = $1 {RETURNING}",
    "delete": f"DELETE FROM {STORE} WHERE key = $1 {GONE}",
    "same": f"UPDATE {STORE} SET value = value WHERE key = $1 {RETURNING}",
    "several": f"INSERT INTO {STORE} (key, value) SELECT k, {JSON} FROM unnest($1::text[]) k "
    f"{UPSERT} {RETURNING}",
    "update several": f"UPDATE {STORE} SET value = {JSON} || value WHERE key = ANY ($1::text[]) "
    f"{RETURNING}",
    "delete several": f"DELETE FROM {STORE} WHERE key = ANY ($1::text[]) {GONE}",
    "rename": f"UPDATE {STORE} SET key = $2 WHERE key = $1 {RETURNING}",
    "swap": f"UPDATE {STORE} SET key = CASE key WHEN $1 THEN $2 ELSE $1 END "
    f"WHERE key IN ($1, $2) {RETURNING}",
}
Written = list[tuple[int, str, str | None]]


class Clients:
    """All of them, and what they were told. `last` is the last write to each key that was
    committed, with its number."""

    def __init__(self, url: str, connect: Connect, keys: dict[str, Value]) -> None:
        self.url, self.connect, self.keys = url, connect, keys
        self.last: dict[str, tuple[int, str | None]] = {}
        self.done: Counter[str] = Counter()  # committed operations, by level
        self.errors: Counter[str] = Counter()
        self.going = asyncio.Event()
        self.busy = 0

    async def client(self, number: int) -> None:
        connection = await self.connect(self.url)
        await connection.execute("SET deadlock_timeout = '20ms'")
        chance = random.Random(f"{SEED} {number}")
        while True:
            await self.going.wait()
            self.busy += 1
            try:
                await self.transaction(connection, chance)
            finally:
                self.busy -= 1

    async def transaction(self, connection: Any, chance: random.Random) -> None:
        """One of one to four statements; what it wrote counts when it was committed."""
        level = chance.choice(LEVELS)
        written: Written = []
        count = chance.choice((1, 1, 1, 2, 3, 4))
        try:
            await connection.execute(f"BEGIN ISOLATION LEVEL {level}")
            if chance.random() < 0.5:
                await connection.fetch(f"SELECT value FROM {STORE} WHERE key = 'odd'")
            for _ in range(count):
                written += await self.statement(connection, chance)
            if chance.random() < 0.1:
                written.clear()
                await connection.execute("ROLLBACK")
            else:
                await connection.execute("COMMIT")
        except asyncpg.PostgresError as e:
            await connection.execute("ROLLBACK")
            if e.sqlstate not in TOLD or (e.sqlstate, level) == ("40001", LEVELS[0]):
                e.add_note(f"at {level}, in {e.context}")
                raise
            self.errors[f"{level} {TOLD[str(e.sqlstate)]}"] += 1
            return
        self.done[level] += count
        for number, key, value in written:
            if key not in self.last or number > self.last[key][0]:
                self.last[key] = number, value

    async def statement(self, connection: Any, chance: random.Random) -> Written:
        """Now and then behind a savepoint, which is gone back to for luck or an error."""
        if chance.random() > 0.2:
            return await self.write(connection, chance)
        await connection.execute("SAVEPOINT before")
        try:
            written = await self.write(connection, chance)
        except asyncpg.UniqueViolationError:
            await connection.execute("ROLLBACK TO before")
            return []
        if chance.random() < 0.5:
            return written
        await connection.execute("ROLLBACK TO before")
        return []

    async def write(self, connection: Any, chance: random.Random) -> Written:
        patterns = chance.sample(list(self.keys), 2)
        born = self.done.total() // (OPERATIONS_OF_A_KEY * len(self.keys))
        key, other = (pattern.format(born) for pattern in patterns)
        value = self.keys[patterns[0]](chance) if chance.random() < 0.9 else chance.choice(MISFITS)
        name = chance.choice([*WRITES, *("insert", "upsert", "delete") * 3])
        sql, first = WRITES[name], [key, other] if "several" in name else key
        if name in ("rename", "swap"):
            rows = await connection.fetch(sql, key, other)
        elif "$2" in sql:
            rows = await connection.fetch(sql, first, json.dumps(value))
        else:
            rows = await connection.fetch(sql, first)
        written: Written = [(row["number"], row["key"], row["value"]) for row in rows]
        if name in ("rename", "swap"):
            # Where both were there, the one is in the way of the other.
            written += [(number, other if to == key else key, None) for number, to, _ in written]
        return written

    async def rest(self) -> None:
        """Until nobody is in the middle of anything; all stay connected."""
        self.going.clear()
        async with asyncio.timeout(60):
            while self.busy:
                await asyncio.sleep(0.01)

    async def until(self, count: int, clients: list[asyncio.Task[None]]) -> None:
        """Until so many operations are done in all; raises what a client raised."""
        while self.done.total() < count:
            await asyncio.sleep(0.05)
            for client in clients:
                if client.done():
                    await client


async def check(clients: Clients, database: Database, ladder: Ladder, twin: str) -> None:
    """The store is what was committed, and every relation what the store says: as `outgrow verify`
    compares them, and as views say that read the store."""
    stored = await ladder.rows(f"SELECT key, value::text FROM {STORE}")
    expected = {key: value for key, (_, value) in clients.last.items() if value is not None}
    assert dict(stored) == expected
    blueprint = ladder.blueprint
    assert (await verify(database, DEFAULT_STORE, blueprint, lambda _: None)).same
    for name in blueprint.relations:
        columns = [c for c in layout.mirror.columns(blueprint, name) if c != "pos"]
        listed = ", ".join(f'"{column}"' for column in columns)
        position = ", pos" if "pos" in layout.mirror.columns(blueprint, name) else ""
        key = f'"{columns[0]}"'
        sql = f"SELECT ({listed})::text FROM {{}}.{name} ORDER BY {key}{position}, 1"
        shown = await ladder.rows(sql.format(blueprint.name))
        assert shown == await ladder.rows(sql.format(twin)), name


@pytest.mark.parametrize("count", [SHORT, pytest.param(OPERATIONS, marks=pytest.mark.soak)])
@pytest.mark.parametrize("blueprint", [CAMPUS, STOCK], ids=lambda blueprint: str(blueprint.name))
async def test_nothing_of_old_clients_is_lost(
    database: Database, database_url: str, connect: Connect, blueprint: Blueprint, count: int
) -> None:
    await install(database, blueprint=blueprint)
    ladder = Ladder(await connect(database_url), blueprint)
    twin = msgspec.structs.replace(blueprint, name="twin")  # the same store, and never grows
    await ladder.say(layout.create(twin, "public", DEFAULT_STORE))
    await ladder.run("CREATE SEQUENCE public.written")
    clients = Clients(database_url, connect, KEYS[blueprint.name])
    tasks = [asyncio.create_task(clients.client(number)) for number in range(CLIENTS)]
    way = SHORT_WAY[blueprint.name] if count == SHORT else WAY * max(1, count // 10_000)
    try:
        for turn, phase in enumerate(way):
            clients.going.set()
            done = await grow(database, phase, blueprint=blueprint)
            assert done.store.phase == phase
            await clients.until(count * (turn + 1) // len(way), tasks)
            await clients.rest()
            await check(clients, database, ladder, twin.name)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert set(clients.done) == set(LEVELS)
    print(f"{blueprint.name}: {dict(clients.done)}, told {dict(clients.errors)}")
