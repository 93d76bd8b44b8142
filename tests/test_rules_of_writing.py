"""The rules of writing while relations have tables, each with what happens without it, as in
test_rules: what an old client could write before it can write after, and the application too."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from conftest import Connect
from firing import ALL, UPSERT, Ladder, put, shown, waits
from growing import CAMPUS, STORE
from outgrow import layout
from outgrow.db.pool import Database
from outgrow.layout.mirror import tables
from test_concurrency import ANSWER, CONNECT, UNLOCKED

ruled_or_not = pytest.mark.parametrize("ruled", [True, False], ids=["with the rule", "without"])
USER = {"name": "A", "school": "MIT", "email": "a@x.edu"}
LIST = "user:a:connections"
LOCKED = "campus.connections_key({})"  # not `_at`, which is no key where there is a table


@pytest.fixture
async def ladder(campus: Database, campus_url: str, connect: Connect) -> Ladder:
    """The campus installed, and empty."""
    return Ladder(await connect(campus_url, command_timeout=20))


# What an old client could write before, it can write after --------------------------------------

DOCUMENTS = ["7", '"text"', "null", "[]", '["name"]', "true", "{}", json.dumps(USER)]
KEYS = ["user:a", "chat:a:b", "intro:a:b:1"]


@pytest.mark.parametrize("old", DOCUMENTS)
async def test_a_document_is_followed_from_any_value_to_any(ladder: Ladder, old: str) -> None:
    await ladder.mirror()
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
            await ladder.mirror()
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
    await ladder.mirror()
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
        await ladder.mirror()
        if not ruled:
            changed = f"{layout.mirror.schema(CAMPUS)}.store_changed()"
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
                await client.fetch(f"SELECT FROM {layout.mirror.table(CAMPUS, name)}")
        await client.execute(f"TRUNCATE {STORE}")
        assert [await shown(ladder.connection, name) for name in ALL] == [[]] * len(ALL)
    finally:
        await ladder.connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@ruled_or_not
async def test_the_tables_follow_what_a_replica_role_writes(ladder: Ladder, ruled: bool) -> None:
    await ladder.mirror()
    if not ruled:
        await ladder.connection.execute(f"ALTER TABLE {STORE} ENABLE TRIGGER USER")
    await ladder.connection.execute("SET session_replication_role = replica")
    await put(ladder.connection, {LIST: ["b"]})
    assert await ladder.differences() == ({} if ruled else {"connections": [LIST]})


@ruled_or_not
async def test_a_truncated_store_leaves_no_rows(ladder: Ladder, ruled: bool) -> None:
    await put(ladder.connection, {"user:a": USER, LIST: []})
    await ladder.mirror()
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
    await ladder.mirror()
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
    await ladder.mirror()
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


# Writes at home `shadow` ------------------------------------------------------------------------


@ruled_or_not
async def test_two_answers_to_one_intro_that_is_read_from_a_table(
    ladder: Ladder, campus_url: str, connect: Connect, ruled: bool
) -> None:
    """Both see `pending` in the table; the lock and the second look are at the store."""
    first, second = await connect(campus_url), await connect(campus_url)
    await put(first, {"intro:a:b:1": {"status": "pending"}})
    await ladder.mirror()
    if not ruled:
        await ladder.connection.execute(UNLOCKED)
    async with first.transaction():
        assert await first.execute(ANSWER, "a", "b", "1", "accepted") == "UPDATE 1"
        other = asyncio.create_task(second.execute(ANSWER, "a", "b", "1", "denied"))
        await waits(ladder.connection, second)
    if not ruled:
        assert await other == "UPDATE 1", "both answers went through"
        return
    with pytest.raises(asyncpg.SerializationError, match="changed by somebody else"):
        await other
    assert await second.execute(ANSWER, "a", "b", "1", "denied") == "UPDATE 0"
    assert await ladder.differences() == {}


@pytest.mark.parametrize("home", ["store", "shadow"])
async def test_keys_are_locked_wherever_the_relation_is_read_from(
    ladder: Ladder, campus_url: str, connect: Connect, home: str
) -> None:
    """As docs/relations.md says that a transaction over several keys begins: two of them that have
    their people in another order do not meet in a deadlock."""
    first, other = await connect(campus_url), await connect(campus_url)
    if home == "shadow":
        await ladder.mirror()
    locked = f"SELECT campus.lock_keys(ARRAY[{LOCKED.format('$1')}, {LOCKED.format('$2')}])"
    halfway = asyncio.Event()

    async def connect_both(connection: Any, a: str, b: str, first: bool) -> None:
        async with connection.transaction():
            await connection.execute(locked, a, b)
            await connection.execute(CONNECT, a, b)
            if first:
                halfway.set()
                await waits(ladder.connection, other)
            await connection.execute(CONNECT, b, a)

    async def after() -> None:
        await halfway.wait()
        with pytest.raises(asyncpg.UniqueViolationError):
            await connect_both(other, "b", "a", False)

    await asyncio.gather(connect_both(first, "a", "b", True), after())
    assert await ladder.differences() == {}


# Connections that stay --------------------------------------------------------------------------


async def test_prepared_statements_survive_every_switch(
    ladder: Ladder, campus_url: str, connect: Connect
) -> None:
    application, client = await connect(campus_url), await connect(campus_url)
    await put(client, {"user:a": USER, LIST: ["b"], "chat:a:b": {"participants": ["a", "b"]}})
    await put(client, {"chat:a:b:messages": [{"id": "m"}], "intro:a:b:1": {"status": "pending"}})
    reads = {
        name: await application.prepare(
            "SELECT {} FROM campus.{} r".format(", ".join(tables.columns(CAMPUS, name)), name)
        )
        for name in ALL
    }
    writes = [
        (await application.prepare(sql), parameters)
        for sql, *parameters in (
            ("INSERT INTO campus.users (id, name, school) VALUES ($1, 'N', 'MIT')", "n"),
            (
                "UPDATE campus.users SET name = $2 WHERE id = $1"
                " AND store_key = campus.users_lookup_key($1)",
                "n",
                "M",
            ),
            (
                "DELETE FROM campus.users WHERE id = $1"
                " AND store_key = campus.users_lookup_key($1)",
                "n",
            ),
            (CONNECT, "a", "n"),
            ("DELETE FROM campus.connections WHERE connected_user_id = $1", "n"),
            ("INSERT INTO campus.messages (chat_id, id) VALUES ($1, 'new')", "a:b"),
            ("UPDATE campus.messages SET content = $1 WHERE id = 'new'", "text"),
            ("DELETE FROM campus.messages WHERE id = $1", "new"),
            (ANSWER, "a", "b", "1", "pending"),
        )
    ]
    old = await client.prepare(UPSERT)
    before = {name: sorted(map(tuple, await read.fetch())) for name, read in reads.items()}

    async def use() -> None:
        for turn in range(6):  # five times for its parameters, then for any
            for write, parameters in writes:
                await write.fetch(*parameters)
                assert write.get_statusmsg().endswith(" 1"), (write.get_query(), turn)
            await old.fetch("user:a", json.dumps(USER))
        now = {name: sorted(map(tuple, await read.fetch())) for name, read in reads.items()}
        assert now == before
        assert await ladder.differences() == {}

    await use()
    for names in (CAMPUS.hybrid, [n for n in ALL if n not in CAMPUS.hybrid]):
        await ladder.mirror(names)
        await use()
    await ladder.show("store", ["users", "connections"])
    await use()
    await ladder.show("shadow", ["users", "connections"])
    await use()
    await ladder.leave(["messages", "participants"])
    await use()
    await ladder.leave()
    await use()
