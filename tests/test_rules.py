"""The rules of growing, each with what happens without it: the test takes the rule out of the
generated SQL, and sees the very thing that the rule is there to prevent."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from conftest import Connect
from firing import ALL, Ladder, put, shown, unchanged, waits, without
from growing import CAMPUS, STORE, grow, until
from outgrow import layout
from outgrow.db.pool import Database
from outgrow.settings import DEFAULT_STORE

ruled_or_not = pytest.mark.parametrize("ruled", [True, False], ids=["with the rule", "without"])
USER = {"name": "A", "school": "MIT", "email": "a@x.edu"}
LIST = "user:a:connections"
LOCKED = "campus.connections_key({})"  # not `_at`, which is no key where there is a table


@pytest.fixture
async def ladder(campus: Database, campus_url: str, connect: Connect) -> Ladder:
    """The campus installed, and empty."""
    return Ladder(await connect(campus_url, command_timeout=20))


# The backfill -----------------------------------------------------------------------------------


@ruled_or_not
async def test_a_key_deleted_meanwhile_stays_deleted(
    ladder: Ladder, campus_url: str, connect: Connect, ruled: bool
) -> None:
    client = await connect(campus_url)
    await put(client, {"user:a": USER, "user:b": USER})
    await ladder.expand(["users"])
    async with client.transaction():
        await client.execute(f"DELETE FROM {STORE} WHERE key = 'user:a'")
        mutate = unchanged if ruled else without("FOR SHARE SKIP LOCKED")
        skipped = await ladder.backfill("users", mutate=mutate)
    assert skipped == (["user:a"] if ruled else [])
    for key in skipped:
        assert await ladder.backfill_key("users", key) == 0
    assert await ladder.differences() == ({} if ruled else {"users": ["user:a"]})


@ruled_or_not
async def test_a_batch_waits_for_nobody(
    ladder: Ladder, campus_url: str, connect: Connect, ruled: bool
) -> None:
    """A client holds the second key and wants the first, which the batch holds."""
    client, watcher = await connect(campus_url), await connect(campus_url)
    await put(client, {"user:a": USER, "user:b": USER})
    await ladder.expand(["users"])
    transaction = client.transaction()
    await transaction.start()
    await put(client, {"user:b": {"name": "B"}})
    filling = ladder.connection.transaction()
    await filling.start()
    mutate = unchanged if ruled else without("FOR SHARE SKIP LOCKED", "FOR SHARE")
    batch = asyncio.create_task(ladder.batch("users", "", "user:b", 10, mutate))
    if not ruled:
        await waits(watcher, ladder.connection)
    else:
        assert (await batch)[3] == ["user:b"]
        await filling.commit()
    other = asyncio.create_task(put(client, {"user:a": {"name": "A"}}))
    outcomes = await asyncio.gather(batch, other, return_exceptions=True)
    failed = [type(e) for e in outcomes if isinstance(e, BaseException)]
    assert failed == ([] if ruled else [asyncpg.DeadlockDetectedError])
    if ruled:
        await transaction.commit()
        assert await ladder.backfill_key("users", "user:b") == 0, "the trigger was here before"
        assert await ladder.differences() == {}


@ruled_or_not
async def test_a_list_that_is_written_while_it_is_waited_for_is_copied_once(
    ladder: Ladder, campus_url: str, connect: Connect, ruled: bool
) -> None:
    """The copy gets the new list with its lock, and does not see that it has its rows already."""
    client, watcher = await connect(campus_url), await connect(campus_url)
    await put(client, {LIST: ["b", "c"]})
    await ladder.expand(["connections"])
    transaction = client.transaction()
    await transaction.start()
    await put(client, {LIST: ["c", "d"]})
    guard = "WHERE (k.key IN (SELECT key FROM headed)) IS TRUE"
    mutate = unchanged if ruled else without(guard)
    copy = asyncio.create_task(ladder.backfill_key("connections", LIST, mutate))
    await waits(watcher, ladder.connection)
    await transaction.commit()
    if ruled:
        assert await copy == 0
    else:
        with pytest.raises(asyncpg.UniqueViolationError):
            await copy
    assert await ladder.differences() == {}


@ruled_or_not
async def test_no_writer_is_between_two_triggers(
    ladder: Ladder, campus_url: str, connect: Connect, ruled: bool
) -> None:
    """One who wrote before `users` was followed, and commits after its backfill."""
    await ladder.expand(["connections"])
    client = await connect(campus_url)
    transaction = client.transaction()
    await transaction.start()
    await put(client, {"user:a": USER})
    if ruled:
        await ladder.connection.execute("SET lock_timeout = 200")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await ladder.expand(["users"])
        await transaction.commit()
        await ladder.expand(["users"])
        await ladder.backfill("users")
    else:
        # Without the triggers themselves, which are there already.
        mirrored = ["connections", "users"]
        made = layout.mirror.sync_triggers(CAMPUS, mirrored, "public", DEFAULT_STORE)
        await ladder.say(layout.mirror.expand(CAMPUS, "users"))
        await ladder.say(made.functions)
        ladder.mirrored = set(mirrored)
        await ladder.backfill("users")
        await transaction.commit()
    assert await ladder.differences() == ({} if ruled else {"users": ["user:a"]})


# Snapshots --------------------------------------------------------------------------------------


async def test_an_old_snapshot_would_find_a_table_empty(
    ladder: Ladder, campus_url: str, connect: Connect
) -> None:
    reader = await connect(campus_url)
    await put(reader, {LIST: ["b", "c"]})
    async with reader.transaction(isolation="repeatable_read"):
        # Not the view: who has read that keeps it from changing.
        assert await reader.fetchval(f"SELECT count(*) FROM {STORE}") == 1
        await ladder.mirror(["connections"])
        assert await shown(reader, "connections") == [], "this is why the switch waits"
    assert len(await shown(reader, "connections")) == 2


async def test_the_switch_waits_for_old_snapshots(
    campus: Database, campus_url: str, connect: Connect
) -> None:
    reader = await connect(campus_url)
    await put(reader, {LIST: ["b", "c"], "user:a": USER})
    watcher = await connect(campus_url)
    await grow(campus, "optimized")
    transaction = reader.transaction(isolation="repeatable_read")
    await transaction.start()
    before = await shown(reader, "connections")
    growing = asyncio.create_task(grow(campus, "hybrid"))
    filled = "SELECT count(*) > 0 FROM outgrow.mirrors WHERE state IN ('filled', 'verified')"
    try:
        await until(lambda: watcher.fetchval(filled), "a table is filled")
        for _ in range(10):
            assert await shown(reader, "connections") == before
            await asyncio.sleep(0.1)
        assert not growing.done()
    finally:
        await transaction.commit()
        done = await growing
    assert done.store.phase == "hybrid"
    assert await shown(reader, "connections") == before


@pytest.mark.parametrize(
    "write",
    [
        f"DELETE FROM {STORE} WHERE key = 'user:a'",
        f"UPDATE {STORE} SET key = 'user:z' WHERE key = 'user:a'",
        f"UPDATE {STORE} SET value = value - 'school' WHERE key = 'user:a'",
        f"UPDATE {STORE} SET value = '7' WHERE key = 'user:a'",
        f"DELETE FROM {STORE} WHERE key = '{LIST}'",
        f"UPDATE {STORE} SET value = '[\"c\"]' WHERE key = '{LIST}'",
        f"UPDATE {STORE} SET value = '[]' WHERE key = 'chat:a:b:messages'",
        f"DELETE FROM {STORE} WHERE key = 'chat:a:b:messages'",
        f"UPDATE {STORE} SET value = '{{\"participants\": []}}' WHERE key = 'chat:a:b'",
    ],
)
async def test_a_writer_with_an_old_snapshot_loses_the_race_or_is_followed(
    ladder: Ladder, campus_url: str, connect: Connect, write: str
) -> None:
    """REPEATABLE READ: what was copied since it began, it does not see, and could not take away."""
    writer = await connect(campus_url)
    await put(writer, {"user:a": USER, LIST: ["b", "c"], "chat:a:b:messages": [{"id": "m"}]})
    await put(writer, {"chat:a:b": {"participants": ["a", "b"]}})
    await ladder.expand()
    transaction = writer.transaction(isolation="repeatable_read")
    await transaction.start()
    await writer.fetch(f"SELECT key FROM {STORE}")
    for name in ALL:
        await ladder.backfill(name)
    try:
        await writer.execute(write)
    except asyncpg.SerializationError:
        await transaction.rollback()
        await writer.execute(write)
    else:
        await transaction.commit()
    assert await ladder.differences() == {}


async def test_a_writer_with_an_old_snapshot_goes_on_where_nothing_was_copied(
    ladder: Ladder, campus_url: str, connect: Connect
) -> None:
    writer = await connect(campus_url)
    await put(writer, {"user:a": USER, LIST: ["b", "c"], "user:b": USER})
    await ladder.expand()
    async with writer.transaction(isolation="repeatable_read"):
        await writer.fetch(f"SELECT key FROM {STORE}")
        await writer.execute(f"UPDATE {STORE} SET value = '[\"c\"]' WHERE key = '{LIST}'")
        await writer.execute(f"DELETE FROM {STORE} WHERE key = 'user:a'")
        await put(writer, {"user:b": {}, "user:c": USER})
        skipped = [(name, key) for name in ALL for key in await ladder.backfill(name)]
    assert {key for _, key in skipped} == {"user:a", "user:b", LIST}
    for name, key in skipped:
        await ladder.backfill_key(name, key)
    assert await ladder.differences() == {}
