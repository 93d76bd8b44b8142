"""The rules of growing, each with what happens without it: the test takes the rule out of the
generated SQL, and sees the very thing that the rule is there to prevent."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from conftest import Connect
from firing import ALL, CAMPUS, STORE, UPSERT, Ladder, put, shown, unchanged, waits, without
from growing import grow, until
from outgrow import layout
from outgrow.database import Database
from outgrow.settings import DEFAULT_STORE

ruled_or_not = pytest.mark.parametrize("ruled", [True, False], ids=["with the rule", "without"])
USER = {"name": "A", "school": "MIT", "email": "a@x.edu"}
LIST = "user:a:connections"


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
        # What `follow` says but for the triggers themselves, which are there already.
        lifted = ["connections", "users"]
        follow = layout.shadow.follow(CAMPUS, lifted, "public", DEFAULT_STORE)
        await ladder.say(layout.shadow.expand(CAMPUS, "users"))
        await ladder.say(q for q in follow if "OR REPLACE FUNCTION" in q.sql)
        ladder.lifted = set(lifted)
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
        await ladder.lift(["connections"])
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
    filled = "SELECT count(*) > 0 FROM outgrow.lifts WHERE state IN ('filled', 'verified')"
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


# What an old client could write before, it can write after --------------------------------------

DOCUMENTS = ["7", '"text"', "null", "[]", '["name"]', "true", "{}", json.dumps(USER)]
KEYS = ["user:a", "chat:a:b", "intro:a:b:1"]


@pytest.mark.parametrize("old", DOCUMENTS)
async def test_a_document_is_followed_from_any_value_to_any(ladder: Ladder, old: str) -> None:
    await ladder.lift()
    for new in DOCUMENTS:
        for value in (old, new):
            for key in KEYS:
                await ladder.connection.execute(UPSERT, key, value)
        assert await ladder.differences() == {}, new


async def test_a_document_that_becomes_a_scalar_is_a_lost_race(
    ladder: Ladder, campus_url: str, connect: Connect
) -> None:
    """While the application waits for its lock: not an error that the application must explain."""
    client, application = await connect(campus_url), await connect(campus_url)
    await put(client, {"user:a": USER})
    for home in ("store", "shadow"):
        if home == "shadow":
            await ladder.lift()
        await put(client, {"user:a": USER})
        async with client.transaction():
            await put(client, {"user:a": 7})
            sql = "UPDATE campus.users SET name = 'B' WHERE id = 'a'"
            late = asyncio.create_task(application.execute(sql))
            await waits(ladder.connection, application)
        with pytest.raises(asyncpg.SerializationError):
            await late


ODD_SETTINGS = {
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "German, DMY",
    "IntervalStyle": "postgres_verbose",
    "extra_float_digits": "0",
    "bytea_output": "escape",
    "standard_conforming_strings": "off",
    "transform_null_equals": "on",
    "array_nulls": "off",
    "search_path": "pg_temp, pg_catalog",
    "default_transaction_isolation": "serializable",
    "plpgsql.extra_errors": "all",
    "check_function_bodies": "off",
    "jit_above_cost": "0",
    "plan_cache_mode": "force_generic_plan",
    "quote_all_identifiers": "on",
}


@pytest.mark.parametrize("plans", ["force_generic_plan", "force_custom_plan"])
async def test_a_client_may_have_any_settings(
    ladder: Ladder, campus_url: str, connect: Connect, plans: str
) -> None:
    user = {**USER, "createdAt": "2026-01-02T03:04:05.678Z", "interests": ["a"], "year": 1.0}
    values = {
        "user:a": user,
        LIST: ["b", None, "c"],
        "chat:a:b": {"participants": ["a", "b"], "createdAt": "2026-01-02T03:04:05.678Z"},
        "chat:a:b:messages": [{"id": "m", "timestamp": "2026-01-02T03:04:05.678Z"}],
        "intro:a:b:1": {"status": "pending", "createdAt": "2026-01-02T03:04:05.678Z"},
    }
    other = {key.replace("a", "z"): value for key, value in values.items()}
    await put(ladder.connection, values)
    expected = {name: await shown(ladder.connection, name) for name in ALL}
    await ladder.lift()
    settings = {**ODD_SETTINGS, "plan_cache_mode": plans}
    client = await connect(campus_url, server_settings=settings)
    for _ in range(6):
        await put(client, {**values, **other})
        await client.execute(f"UPDATE {STORE} SET key = replace(key, 'z', 'y') WHERE key ~ 'z'")
        assert await ladder.differences() == {}
        await client.execute(f"DELETE FROM {STORE} WHERE key ~ 'y'")
        await put(client, dict.fromkeys(values, None))
        await put(client, values)
        assert await ladder.differences() == {}
    assert {name: await shown(ladder.connection, name) for name in ALL} == expected


@ruled_or_not
async def test_a_role_without_rights_on_our_schemas_writes(
    ladder: Ladder, campus_url: str, connect: Connect, ruled: bool
) -> None:
    """As old clients of a hosted service are: rights on the table, and policies on it."""
    await put(ladder.connection, {"user:a": USER, "secret:a": 1})
    role = "old_client_" + ("ruled" if ruled else "unruled")
    await ladder.connection.execute(
        f"CREATE ROLE {role}; GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {STORE} TO {role};"
        f"ALTER TABLE {STORE} ENABLE ROW LEVEL SECURITY;"
        f"CREATE POLICY theirs ON {STORE} TO {role} USING (key NOT LIKE 'secret:%')"
    )
    try:
        await ladder.lift()
        if not ruled:
            changed = f"{layout.shadow.schema(CAMPUS)}.store_changed()"
            await ladder.connection.execute(f"ALTER FUNCTION {changed} SECURITY INVOKER")
        client = await connect(campus_url)
        await client.execute(f"SET ROLE {role}")
        writing = put(client, {"user:a": {**USER, "name": "B"}, LIST: ["b"], "user:b": USER})
        if not ruled:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await writing
            return
        await writing
        await client.execute(f"UPDATE {STORE} SET key = 'user:c' WHERE key = 'user:b'")
        assert await client.execute(f"DELETE FROM {STORE} WHERE key = 'secret:a'") == "DELETE 0"
        await client.execute(f"DELETE FROM {STORE} WHERE key = 'user:a'")
        assert await ladder.differences() == {}
        for name in ALL:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await client.fetch(f"SELECT FROM {layout.shadow.table(CAMPUS, name)}")
        await client.execute(f"TRUNCATE {STORE}")
        assert [await shown(ladder.connection, name) for name in ALL] == [[]] * len(ALL)
    finally:
        await ladder.connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@ruled_or_not
async def test_the_tables_follow_what_a_replica_role_writes(ladder: Ladder, ruled: bool) -> None:
    await ladder.lift()
    if not ruled:
        await ladder.connection.execute(f"ALTER TABLE {STORE} ENABLE TRIGGER USER")
    await ladder.connection.execute("SET session_replication_role = replica")
    await put(ladder.connection, {LIST: ["b"]})
    assert await ladder.differences() == ({} if ruled else {"connections": [LIST]})


@ruled_or_not
async def test_a_truncated_store_leaves_no_rows(ladder: Ladder, ruled: bool) -> None:
    await put(ladder.connection, {"user:a": USER, LIST: []})
    await ladder.lift()
    if not ruled:
        await ladder.connection.execute(f"DROP TRIGGER outgrow_campus_truncated ON {STORE}")
    await ladder.connection.execute(f"TRUNCATE {STORE}")
    left = {
        "users": ["user:a"],
        "school_members": ["user:a"],
        "user_search": ["user:a"],
        "connections": [LIST],
    }
    assert await ladder.differences() == ({} if ruled else left)


async def test_truncating_waits_for_no_reader_of_a_table(
    ladder: Ladder, campus_url: str, connect: Connect
) -> None:
    """The application has read a table, and is about to write to the store that is truncated."""
    client, application = await connect(campus_url), await connect(campus_url)
    await put(client, {"user:a": USER})
    await ladder.lift()
    async with application.transaction():
        await application.fetch("SELECT id FROM campus.users")
        truncating = asyncio.create_task(client.execute(f"TRUNCATE {STORE}"))
        await asyncio.wait([truncating], timeout=0.3)
        await put(application, {"user:b": USER})
    await truncating
    assert await ladder.differences() == {}


@pytest.mark.parametrize("name", ["a_first", "z_last"])
async def test_a_trigger_of_others_writes_to_the_store_too(ladder: Ladder, name: str) -> None:
    """After the row, to the same row and to those that the same statement changes later."""
    await ladder.connection.execute(
        f"""
        CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF pg_trigger_depth() = 1 THEN
                UPDATE {STORE} SET value = value || '{{"touched": true}}' WHERE key = NEW.key;
                UPDATE {STORE} SET value = value || '["touched"]'
                WHERE key = NEW.key || ':connections';
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER {name} AFTER INSERT OR UPDATE ON {STORE}
        FOR EACH ROW WHEN (NEW.key ~ '^user:[^:]+$') EXECUTE FUNCTION public.touch();
        """
    )
    await ladder.lift()
    values = {"user:a": USER, LIST: ["b"]}
    await put(ladder.connection, values)
    assert await ladder.differences() == {}
    await ladder.connection.execute(
        f"INSERT INTO {STORE} SELECT key, value FROM jsonb_each($1::text::jsonb) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        json.dumps(values),
    )
    assert await ladder.differences() == {}
    await ladder.connection.execute(f"UPDATE {STORE} SET value = '[\"c\"]'")
    assert await ladder.differences() == {}
