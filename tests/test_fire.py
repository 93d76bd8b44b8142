"""Up the ladder and down again while everybody writes: old clients by SQL, the application through
every relation, some by statements prepared before. Everybody remembers what was acknowledged."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
import pytest

from conftest import Connect
from firing import ALL, UPSERT, Ladder, shown
from growing import CAMPUS, STORE, grow
from outgrow import layout
from outgrow.db.pool import Database
from outgrow.growth.state import Phase
from outgrow.queries import Query
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import Spec
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE

USERS = int(os.environ.get("OUTGROW_FIRE_USERS", "20000"))
WAY: tuple[Phase, ...] = ("optimized", "hybrid", "relational", "hybrid", "initial")
TWIN = msgspec.structs.replace(CAMPUS, name="twin")  # the same store, and never grows
HOT_USER, HOT_LIST, HOT_CHAT = "user:hot", "user:hot:connections", "chat:hot:messages"
LONGEST = 0.5  # seconds that anybody may wait for a lock of the growth


class Fire:
    """What was acknowledged, by whom it was written."""

    def __init__(self, url: str, connect: Connect, database: Database) -> None:
        self.url, self.connect, self.database = url, connect, database
        self.mine: dict[str, Any] = {}  # keys that one client writes alone
        self.hits: Counter[str] = Counter()  # increments of a counter that all share
        self.elements: dict[str, set[str]] = {HOT_LIST: set(), HOT_CHAT: set()}
        self.deadlocks = 0
        self.lost_races = 0
        self.seconds: list[float] = []
        self.stopped = False
        self.burning = asyncio.Event()
        self.busy = 0

    async def rest(self) -> None:
        """Until nobody is in the middle of anything; all stay connected."""
        self.burning.clear()
        async with asyncio.timeout(30):
            while self.busy:
                await asyncio.sleep(0.01)

    async def client(self) -> Any:
        connection = await self.connect(
            self.url, server_settings={"application_name": "old client"}
        )
        await connection.execute("SET ROLE fire_client")
        return connection

    async def timed(self, work: Awaitable[Any]) -> Any:
        began = time.perf_counter()
        result = await work
        self.seconds.append(time.perf_counter() - began)
        return result

    async def until_stopped(self, work: Callable[[random.Random, int], Awaitable[None]]) -> None:
        chance = random.Random(work.__qualname__)
        turn = 0
        while True:
            await self.burning.wait()
            if self.stopped:
                return
            turn += 1
            self.busy += 1
            try:
                await work(chance, turn)
            finally:
                self.busy -= 1
            await asyncio.sleep(0)

    # Old clients --------------------------------------------------------------------------------

    async def alone(self, name: str) -> None:
        """Every kind of statement on keys that nobody else writes."""
        c = await self.client()
        owner = await self.connect(self.url)  # no COPY FROM where there are policies
        upsert = await c.prepare(UPSERT)
        kinds: list[tuple[str, Callable[[int], Any]]] = [
            (f"user:{name}{{}}", lambda n: {"name": f"N{n}", "school": "MIT", "n": n}),
            (f"user:{name}{{}}:connections", lambda n: [f"x{i}" for i in range(n % 7)]),
            (f"chat:{name}:{{}}", lambda n: {"participants": [name, f"p{n % 3}"], "n": n}),
            (f"chat:{name}:{{}}:messages", lambda n: [{"id": f"m{i}"} for i in range(n % 5)]),
            (f"intro:{name}:b:{{}}", lambda n: {"status": ["pending", "denied"][n % 2], "n": n}),
        ]

        async def work(chance: random.Random, turn: int) -> None:
            key_of, value_of = chance.choice(kinds)
            key, value = key_of.format(chance.randrange(30)), value_of(turn)
            match chance.randrange(10):
                case 0:
                    await self.timed(c.execute(f"DELETE FROM {STORE} WHERE key = $1", key))
                    self.mine.pop(key, None)
                case 1 if key in self.mine:
                    to = key_of.format(f"r{turn}")
                    sql = f"UPDATE {STORE} SET key = $2 WHERE key = $1"
                    assert await self.timed(c.execute(sql, key, to)) == "UPDATE 1"
                    self.mine[to] = self.mine.pop(key)
                case 2:
                    new = {key_of.format(f"c{turn}_{i}"): value for i in range(5)}
                    records = [(k, json.dumps(v)) for k, v in new.items()]
                    await owner.copy_records_to_table(DEFAULT_STORE, records=records)
                    self.mine |= new
                case 3:
                    async with c.transaction():
                        for k in sorted({key, key_of.format(chance.randrange(30))}):
                            await upsert.fetch(k, json.dumps(value))
                            self.mine[k] = value
                case 4:
                    transaction = c.transaction()
                    await transaction.start()
                    await upsert.fetch(key, '"never"')
                    await transaction.rollback()
                case 5:
                    await self.timed(upsert.fetch(key, '"a misfit"'))
                    self.mine[key] = "a misfit"
                case _:
                    await self.timed(upsert.fetch(key, json.dumps(value)))
                    self.mine[key] = value

        await self.until_stopped(work)

    async def together(self, name: str) -> None:
        """Old clients on the keys that all share, some in transactions over two of them."""
        c = await self.client()
        hit = await c.prepare(
            f"UPDATE {STORE} SET value = value || jsonb_build_object($2::text, "
            "coalesce((value ->> $2)::int, 0) + 1) WHERE key = $1"
        )
        append = await c.prepare(
            f"UPDATE {STORE} SET value = value || $2::text::jsonb WHERE key = $1"
        )

        async def work(chance: random.Random, turn: int) -> None:
            element = f"{name}{turn}"
            try:
                async with c.transaction():
                    if chance.random() < 0.5:
                        await append.fetch(HOT_CHAT, json.dumps([{"id": element}]))
                    if chance.random() < 0.5:
                        await append.fetch(HOT_LIST, json.dumps([element]))
                        kept = HOT_LIST
                    else:
                        await hit.fetch(HOT_USER, name)
                        kept = HOT_USER
                    both = await c.fetchval(
                        f"SELECT value @> $2::text::jsonb FROM {STORE} WHERE key = $1",
                        HOT_CHAT,
                        json.dumps([{"id": element}]),
                    )
            except asyncpg.DeadlockDetectedError:
                self.deadlocks += 1
                return
            if both:
                self.elements[HOT_CHAT].add(element)
            if kept == HOT_USER:
                self.hits[name] += 1
            else:
                self.elements[HOT_LIST].add(element)
            await asyncio.sleep(0.02)

        await self.until_stopped(work)

    # The application ----------------------------------------------------------------------------

    async def application(self, name: str) -> None:
        """Through every relation, with the retry that the application has."""

        async def say(sql: str, *parameters: Any) -> str:
            query = Query("test.fire", sql)
            return await self.database.transaction(lambda s: s.run(query, *parameters))

        async def work(chance: random.Random, turn: int) -> None:
            id_ = f"{name}{turn}"
            document = {"id": id_, "name": f"N{turn}", "school": "Fire"}
            await self.timed(
                say(
                    "INSERT INTO campus.users (id, name, school, rest) VALUES ($1, $2, 'Fire', $3)",
                    id_,
                    f"N{turn}",
                    json.dumps({"id": id_}),
                )
            )
            self.mine[f"user:{id_}"] = document
            match chance.randrange(3):
                case 0:
                    sql = "DELETE FROM campus.users WHERE id = $1 "
                    sql += "AND store_key = campus.users_lookup_key($1)"
                    assert await self.timed(say(sql, id_)) == "DELETE 1"
                    del self.mine[f"user:{id_}"]
                case 1:
                    sql = "UPDATE campus.users SET major = 'Art' WHERE id = $1 "
                    assert (
                        await say(sql + "AND store_key = campus.users_lookup_key($1)", id_)
                        == "UPDATE 1"
                    )
                    self.mine[f"user:{id_}"] = {**document, "major": "Art"}
            await self.timed(
                say(
                    "INSERT INTO campus.connections (user_id, connected_user_id) "
                    "VALUES ('hot', $1)",
                    id_,
                )
            )
            self.elements[HOT_LIST].add(id_)
            intro = "from_id = 'hot' AND to_id = $1 AND sent_ms = '1' "
            intro += "AND store_key = campus.intros_lookup_key('hot', $1, '1')"
            await say(
                "INSERT INTO campus.intros (from_id, to_id, sent_ms, status) "
                "VALUES ('hot', $1, '1', 'pending')",
                id_,
            )
            answer = f"UPDATE campus.intros SET status = 'accepted' WHERE {intro}"
            # Two at once: one of them finds it pending.
            answering = [say(f"{answer} AND status = 'pending'", id_) for _ in range(2)]
            assert sorted(await asyncio.gather(*answering)) == ["UPDATE 0", "UPDATE 1"]
            self.mine[f"intro:hot:{id_}:1"] = {"status": "accepted"}
            await say(
                "INSERT INTO campus.chats (id, participants) VALUES ($1, $2)",
                id_,
                json.dumps(["hot", id_]),
            )
            self.mine[f"chat:{id_}"] = {"participants": ["hot", id_]}
            if chance.random() < 0.3:
                gone = "DELETE FROM campus.connections WHERE user_id = 'hot' "
                gone += "AND connected_user_id = $1 "
                gone += "AND store_key = campus.connections_lookup_key('hot')"
                assert await say(gone, id_) == "DELETE 1"
                self.elements[HOT_LIST].discard(id_)

        await self.until_stopped(work)

    async def held(self, name: str) -> None:
        """By statements that were prepared before all of it. Reads what it wrote."""
        c = await self.connect(self.url)
        send = await c.prepare(
            "INSERT INTO campus.messages (chat_id, id, sender_id) VALUES ('hot', $1, 'hot')"
        )
        read = await c.prepare(
            "SELECT id FROM campus.messages WHERE chat_id = 'hot' "
            "AND store_key = campus.messages_lookup_key('hot') AND left(id, 4) = 'held' "
            "ORDER BY pos"
        )
        school = await c.prepare("SELECT count(*) FROM campus.school_members WHERE school = 'MIT'")
        sent: list[str] = []

        async def work(chance: random.Random, turn: int) -> None:
            try:
                await self.timed(send.fetch(f"{name}{turn}"))
            except asyncpg.SerializationError:
                self.lost_races += 1
                return
            sent.append(f"{name}{turn}")
            self.elements[HOT_CHAT].add(f"{name}{turn}")
            assert [row["id"] for row in await read.fetch()] == sent
            await school.fetchval()
            await asyncio.sleep(0.02)

        await self.until_stopped(work)


async def longest_wait(connection: Any, stopped: asyncio.Event) -> tuple[float, str]:
    """The longest time in seconds that a session waited for a lock of the growth, and what the two
    were at."""
    since: dict[tuple[Any, ...], float] = {}
    longest = (0.0, "")
    while not stopped.is_set():
        rows = await connection.fetch(
            "SELECT a.pid, a.query_start, a.wait_event, left(a.query, 100), g.wait_event, "
            "left(g.query, 300) FROM pg_stat_activity a JOIN pg_stat_activity g "
            "ON g.application_name = 'outgrow grow' AND g.pid = ANY (pg_blocking_pids(a.pid)) "
            "WHERE a.wait_event_type = 'Lock' AND a.application_name <> 'outgrow grow'"
        )
        now = time.perf_counter()
        since = {tuple(row)[:2]: since.get(tuple(row)[:2], now) for row in rows}
        for row in rows:
            waited = now - since[tuple(row)[:2]]
            if waited > longest[0]:
                longest = waited, f"{row[2]} by {row[3]} BEHIND {row[4]} {row[5]}"
        await asyncio.sleep(0.01)
    return longest


async def check(fire: Fire, ladder: Ladder, before: dict[str, Any]) -> None:
    """Nothing lost, brought back, or applied twice; every relation is what the store decodes to."""
    c = ladder.connection
    store = {r["key"]: json.loads(r["value"]) for r in await c.fetch(f"SELECT * FROM {STORE}")}
    hot = {key: store.pop(key) for key in (HOT_USER, *fire.elements)}
    assert hot[HOT_USER] == {"name": "Hot", **fire.hits}
    elements = [e if isinstance(e, str) else e["id"] for e in hot[HOT_LIST] + hot[HOT_CHAT]]
    assert sorted(elements) == sorted(e for kept in fire.elements.values() for e in kept)
    derived = ("school:Fire:users", "schools:all", "user:hot:soft-intros:outgoing")
    ignored = {k for k in store if k in derived or k.endswith((":chats", ":soft-intros:incoming"))}
    expected = {**before, **fire.mine}
    assert {k: v for k, v in store.items() if k not in ignored} == {
        k: v for k, v in expected.items() if k not in ignored and k not in hot
    }
    signed_up = sorted(k[5:] for k in fire.mine if k.startswith("user:app") and k.count(":") == 1)
    assert sorted(store.get("school:Fire:users", [])) == signed_up
    for name in ALL:
        assert await shown(c, name) == await shown(c, name, schema="twin"), name
    rows = await c.fetch("SELECT relation FROM outgrow.mirrors WHERE state = 'shadow'")
    assert await ladder.differences({row["relation"] for row in rows}) == {}


@pytest.mark.parametrize("users", [120, pytest.param(USERS, marks=pytest.mark.soak)])
async def test_up_and_down_under_fire(
    database: Database, database_url: str, connect: Connect, users: int
) -> None:
    await generate(database, Spec(users, 3, 0.1, None, False), store=DEFAULT_STORE)
    await install(database)
    ladder = Ladder(await connect(database_url))
    c = ladder.connection
    await ladder.say(layout.create(TWIN, "public", DEFAULT_STORE))
    await c.execute(UPSERT, HOT_USER, '{"name": "Hot"}')
    await c.execute(UPSERT, HOT_LIST, "[]")
    await c.execute(UPSERT, HOT_CHAT, "[]")
    rows = await c.fetch(f"SELECT key, value FROM {STORE}")
    before = {row["key"]: json.loads(row["value"]) for row in rows}
    await c.execute(
        f"CREATE ROLE fire_client; GRANT SELECT, INSERT, UPDATE, DELETE ON {STORE} TO fire_client;"
        f"ALTER TABLE {STORE} ENABLE ROW LEVEL SECURITY;"
        f"CREATE POLICY fire ON {STORE} TO fire_client USING (key NOT LIKE 'secret:%')"
    )
    try:
        await under_fire(database, database_url, connect, ladder, before)
    finally:
        await c.execute("DROP OWNED BY fire_client; DROP ROLE fire_client")


async def under_fire(
    database: Database, url: str, connect: Connect, ladder: Ladder, before: dict[str, Any]
) -> None:
    fire = Fire(url, connect, database)
    work = [fire.alone("a"), fire.alone("b"), fire.together("t"), fire.together("u")]
    work += [fire.held("held"), fire.application("app_a_"), fire.application("app_b_")]
    clients = [asyncio.create_task(coroutine) for coroutine in work]
    try:
        for goal in WAY:
            await one_growth(fire, goal, await connect(url), clients)
            await check(fire, ladder, before)
    finally:
        fire.stopped = True
        fire.burning.set()
        outcomes = await asyncio.gather(*clients, return_exceptions=True)
    assert [e for e in outcomes if e is not None] == []


async def one_growth(fire: Fire, goal: Phase, watcher: Any, clients: list[Any]) -> None:
    number, began = len(fire.seconds), time.perf_counter()
    fire.burning.set()
    await asyncio.sleep(0.3)
    rested = asyncio.Event()
    watching = asyncio.create_task(longest_wait(watcher, rested))
    try:
        done = await grow(fire.database, goal)
        await asyncio.sleep(0.3)
        assert done.store.phase == goal
    finally:
        await fire.rest()
        rested.set()
    longest, behind = await watching
    assert not [client for client in clients if client.done()]
    slow = sorted(fire.seconds[number:])
    print(
        f"{goal}: {time.perf_counter() - began:.1f} s, {len(slow)} statements, "
        f"p99 {slow[len(slow) * 99 // 100] * 1000:.0f} ms, longest {slow[-1] * 1000:.0f} ms, "
        f"behind a lock of the growth {longest * 1000:.0f} ms, "
        f"{fire.deadlocks} deadlocks, {fire.lost_races} lost races"
    )
    assert longest < LONGEST, behind
