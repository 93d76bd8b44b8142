"""What the locks of the relations are for: each test also runs with the lock taken out, and fails.

`lock_keys` is the one place where a write locks, so that replacing it shows what every lock does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from outgrow.db.pool import Database, Session
from outgrow.queries import Query

STORE = "kv_store_2516be19"
CONNECT = "INSERT INTO campus.connections (user_id, connected_user_id) VALUES ($1, $2)"
ANSWER = (
    "UPDATE campus.intros SET status = $4 WHERE from_id = $1 AND to_id = $2 AND sent_ms = $3 "
    "AND store_key = campus.intros_lookup_key($1, $2, $3) AND status = 'pending'"
)
# What lock_keys would be without its locks: lists are made, nothing is locked.
UNLOCKED = f"""
CREATE OR REPLACE FUNCTION campus.lock_keys(keys text[], made text[] DEFAULT NULL) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO public.{STORE} (key, value)
    SELECT k, '[]' FROM unnest(coalesce(made, keys)) AS k
    WHERE k LIKE 'user:%:%' AND NOT EXISTS (SELECT FROM public.{STORE} s WHERE s.key = k)
    ON CONFLICT DO NOTHING
$$"""

Connect = Callable[..., Awaitable[Any]]
locked_or_not = pytest.mark.parametrize("locked", [True, False], ids=["locked", "unlocked"])


async def run(database: Database | Session, sql: str, *args: Any) -> str:
    return await database.run(Query("test", sql), *args)


async def intro(database: Database, sender: str, receiver: str) -> None:
    await run(
        database,
        "INSERT INTO campus.intros (from_id, to_id, sent_ms, status, rest) "
        "VALUES ($1, $2, '1', 'pending', '{}')",
        sender,
        receiver,
    )


async def wait_for_lock(connection: Any, waiting: int = 1) -> None:
    """Until so many other sessions wait for a lock; TimeoutError after 20 seconds."""
    async with asyncio.timeout(20):
        while (
            await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            < waiting
        ):
            await asyncio.sleep(0.01)


@locked_or_not
async def test_two_answers_to_one_intro(
    campus: Database, campus_url: str, connect: Connect, locked: bool
) -> None:
    """Both see `pending`; the second is told that it lost, and retried it finds nothing pending."""
    await intro(campus, "a", "b")
    if not locked:
        await run(campus, UNLOCKED)
    first, second, third = [await connect(campus_url) for _ in range(3)]
    transaction = first.transaction()
    await transaction.start()
    assert await first.execute(ANSWER, "a", "b", "1", "accepted") == "UPDATE 1"
    other = asyncio.create_task(second.execute(ANSWER, "a", "b", "1", "denied"))
    await wait_for_lock(third)
    await transaction.commit()
    if not locked:
        assert await other == "UPDATE 1", "both answers went through"
        return
    with pytest.raises(asyncpg.SerializationError, match="changed by somebody else"):
        await other
    assert await second.execute(ANSWER, "a", "b", "1", "denied") == "UPDATE 0"
    assert await first.fetchval("SELECT status FROM campus.intros") == "accepted"


async def test_many_answers_through_the_retry(campus: Database) -> None:
    await intro(campus, "a", "b")

    async def answer(status: str) -> str:
        return await campus.transaction(lambda s: run(s, ANSWER, "a", "b", "1", status))

    tags = await asyncio.gather(*(answer(f"s{i}") for i in range(8)))
    assert sorted(tags) == ["UPDATE 0"] * 7 + ["UPDATE 1"]


@locked_or_not
async def test_the_first_element_of_a_list(
    campus: Database, campus_url: str, connect: Connect, locked: bool
) -> None:
    """There is no row to lock until the first writer has made it."""
    if not locked:
        await run(campus, UNLOCKED)
    first, second, third = [await connect(campus_url) for _ in range(3)]
    transaction = first.transaction()
    await transaction.start()
    if not locked:
        # The list is there, committed, and both read it before either writes.
        await third.execute(f"INSERT INTO {STORE} VALUES ('user:a:connections', '[]')")
    await first.execute(CONNECT, "a", "b")
    other = asyncio.create_task(second.execute(CONNECT, "a", "c"))
    await wait_for_lock(third)
    await transaction.commit()
    await other
    kept = await first.fetchval(
        "SELECT value FROM kv_store_2516be19 WHERE key = 'user:a:connections'"
    )
    assert kept == ('["b", "c"]' if locked else '["c"]')


@locked_or_not
async def test_no_append_is_lost(campus: Database, locked: bool) -> None:
    if not locked:
        await run(campus, UNLOCKED)
    await asyncio.gather(*(run(campus, CONNECT, "a", f"u{i:03}") for i in range(60)))
    kept = await campus.value(Query("test", "SELECT count(*) FROM campus.connections"))
    if locked:
        assert kept == 60
    else:
        assert kept < 60


@pytest.mark.parametrize("ordered", [True, False], ids=["locked first", "each in its own order"])
async def test_accepting_from_both_sides(
    campus: Database, campus_url: str, connect: Connect, ordered: bool
) -> None:
    """Two students sent each other an intro and accept at once. Each transaction changes two
    connection lists; locked in one order first, neither dies in a deadlock."""
    await intro(campus, "a", "b")
    await intro(campus, "b", "a")
    connections = [await connect(campus_url) for _ in range(2)]
    halfway = asyncio.Barrier(2)
    sides = list(zip(connections, [("a", "b"), ("b", "a")], strict=True))

    async def accept(connection: Any, sender: str, receiver: str) -> None:
        async with connection.transaction():
            if ordered:
                await connection.execute(
                    "SELECT campus.lock_keys(ARRAY[campus.intros_key($1, $2, '1'), "
                    "campus.connections_key($1), campus.connections_key($2)])",
                    sender,
                    receiver,
                )
            assert await connection.execute(ANSWER, sender, receiver, "1", "accepted") == "UPDATE 1"
            for person, other in [(receiver, sender), (sender, receiver)]:
                await connection.execute(
                    "INSERT INTO campus.connections (user_id, connected_user_id) "
                    "SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM campus.connections c "
                    "WHERE c.store_key = campus.connections_lookup_key($1) "
                    "AND c.connected_user_id = $2)",
                    person,
                    other,
                )
                if not ordered and person == receiver:
                    await halfway.wait()

    outcomes = await asyncio.gather(
        *(accept(connection, *pair) for connection, pair in sides), return_exceptions=True
    )
    failed = [type(e) for e in outcomes if e is not None]
    assert failed == ([] if ordered else [asyncpg.DeadlockDetectedError])
    rows = await connections[0].fetch(
        "SELECT user_id, connected_user_id FROM campus.connections ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [("a", "b"), ("b", "a")]


async def test_signing_up_at_once_to_new_schools(campus: Database) -> None:
    """Each sign-up writes its document, its school's list and the list of schools."""

    async def sign_up(number: int) -> None:
        await campus.transaction(
            lambda s: run(
                s,
                "INSERT INTO campus.users (id, school, rest) VALUES ($1, $2, '{}')",
                f"u{number}",
                f"School {number % 3}",
            )
        )

    await asyncio.gather(*(sign_up(i) for i in range(45)))
    lists = await campus.rows(
        Query(
            "test", f"SELECT key, jsonb_array_length(value) AS n FROM {STORE} WHERE key ~ 's:|l:'"
        )
    )
    counted = {row["key"]: row["n"] for row in lists}
    assert counted == {"schools:all": 3, **{f"school:School {i}:users": 15 for i in range(3)}}


async def test_an_old_client_and_the_application_on_one_document(
    campus: Database, campus_url: str, connect: Connect
) -> None:
    """What an old client wrote between the statement's snapshot and its lock is seen."""
    old_client, application, watcher = [await connect(campus_url) for _ in range(3)]
    await old_client.execute(f"INSERT INTO {STORE} VALUES ('user:a', '{{\"name\": \"A\"}}')")
    transaction = old_client.transaction()
    await transaction.start()
    await old_client.execute(f'UPDATE {STORE} SET value = \'{{"name": "B", "bio": "new"}}\'')
    update = "UPDATE campus.users SET major = 'Art' WHERE id = 'a' "
    update += "AND store_key = campus.users_lookup_key('a')"
    late = asyncio.create_task(application.execute(update))
    await wait_for_lock(watcher)
    await transaction.commit()
    with pytest.raises(asyncpg.SerializationError):
        await late
    await application.execute(update)
    assert await watcher.fetchval(f"SELECT value FROM {STORE}") == (
        '{"bio": "new", "name": "B", "major": "Art"}'
    )
