"""The relations over the store: what a write does to the keys that old clients read."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import STEP
from outgrow.blueprint import campus as campus_blueprint
from outgrow.db.pool import Database
from outgrow.errors import Refused
from outgrow.layout import expressions
from outgrow.queries import Query
from outgrow.schema.install import install
from test_concurrency import wait_for_lock

STORE = "kv_store_2516be19"
BLUEPRINT = campus_blueprint()
CONNECT = "INSERT INTO campus.connections (user_id, connected_user_id) VALUES ($1, $2)"
Connect = Callable[..., Awaitable[Any]]


async def run(database: Database, sql: str, *args: Any) -> str:
    return await database.run(Query("test", sql), *args)


async def rows(database: Database, sql: str, *args: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await database.rows(Query("test", sql), *args)]


async def put(database: Database, **values: Any) -> None:
    """Write keys as an old client does; `__` in a name is a colon."""
    for key, value in values.items():
        await run(
            database,
            f"INSERT INTO {STORE} (key, value) VALUES ($1, $2) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key.replace("__", ":"),
            json.dumps(value),
        )


async def stored(database: Database) -> dict[str, Any]:
    return {k: json.loads(v) for k, v in await rows(database, f"SELECT key, value FROM {STORE}")}


async def sign_up(database: Database, user: str, school: str | None = "MIT") -> None:
    await run(
        database,
        "INSERT INTO campus.users (id, name, school, rest) VALUES ($1, $2, $3, $4)",
        user,
        f"Name of {user}",
        school,
        json.dumps({"id": user}),
    )


# Documents --------------------------------------------------------------------------------------


async def test_a_new_user_stands_in_the_lists_of_old_clients(campus: Database) -> None:
    await sign_up(campus, "a")
    await sign_up(campus, "b")
    assert await stored(campus) == {
        "user:a": {"id": "a", "name": "Name of a", "school": "MIT"},
        "user:b": {"id": "b", "name": "Name of b", "school": "MIT"},
        "school:MIT:users": ["a", "b"],
        "schools:all": ["MIT"],
    }


async def test_an_update_touches_only_what_it_names(campus: Database) -> None:
    original = {
        "id": "a",
        "name": "N" * 300,
        "school": "MIT",
        "year": 2026,
        "createdAt": "yesterday",
        "x": [1.0, None],
    }
    await put(campus, user__a=original, school__MIT__users=["a"])
    await run(campus, "UPDATE campus.users SET major = 'Physics' WHERE id = 'a'")
    assert await stored(campus) == {
        "user:a": {**original, "major": "Physics"},
        "school:MIT:users": ["a"],
    }
    await run(campus, "UPDATE campus.users SET major = NULL, name = 'Ann' WHERE id = 'a'")
    assert (await stored(campus))["user:a"] == {**original, "name": "Ann"}


async def test_changing_the_school_moves_between_the_lists(campus: Database) -> None:
    await sign_up(campus, "a", "MIT")
    await sign_up(campus, "b", "MIT")
    await run(campus, "UPDATE campus.users SET school = 'Yale: New, Haven' WHERE id = 'a'")
    now = await stored(campus)
    assert now["school:MIT:users"] == ["b"]
    assert now["school:Yale: New, Haven:users"] == ["a"]
    assert now["schools:all"] == ["MIT", "Yale: New, Haven"]


async def test_deleting_a_user_leaves_the_lists_but_keeps_the_schools(campus: Database) -> None:
    await sign_up(campus, "a")
    await run(campus, "DELETE FROM campus.users WHERE id = 'a'")
    assert await stored(campus) == {"school:MIT:users": [], "schools:all": ["MIT"]}


async def test_a_list_in_another_shape_is_left_alone(campus: Database) -> None:
    await put(campus, school__MIT__users={"not": "a list"}, schools__all="MIT")
    await sign_up(campus, "a")
    now = await stored(campus)
    assert (now["school:MIT:users"], now["schools:all"]) == ({"not": "a list"}, "MIT")


@pytest.mark.parametrize("user", ["7:connections", "", "x" * 201, None])
async def test_a_key_of_another_pattern_is_refused(campus: Database, user: str | None) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="cannot have the key"):
        await run(campus, "INSERT INTO campus.users (id, rest) VALUES ($1, '{}')", user)
    assert await stored(campus) == {}


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ("school", "repeat('x', 201)"),
        ("name", "repeat('x', 201)"),
        ("interests", "'{}'"),
        ("created_at", "'0001-01-01'"),
        ("created_at", "'infinity'"),
    ],
)
async def test_a_row_that_could_not_be_read_back_is_refused(
    campus: Database, columns: str, values: str
) -> None:
    insert = f"INSERT INTO campus.users (id, {columns}, rest) VALUES ('a', {values}, '{{}}')"
    with pytest.raises(asyncpg.CheckViolationError, match="cannot be kept as it is"):
        await run(campus, insert)


@pytest.mark.parametrize("rest", ['{"school": "MIT"}', "[]", '"x"'])
async def test_a_rest_that_is_no_rest_is_refused(campus: Database, rest: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match=r"cannot be kept as it is|is no object"):
        await run(campus, "INSERT INTO campus.users (id, rest) VALUES ('a', $1)", rest)


async def test_an_id_does_not_change(campus: Database) -> None:
    await sign_up(campus, "a")
    with pytest.raises(asyncpg.FeatureNotSupportedError):
        await run(campus, "UPDATE campus.users SET id = 'b' WHERE id = 'a'")


async def test_a_user_cannot_be_made_twice(campus: Database) -> None:
    await sign_up(campus, "a")
    before = await stored(campus)
    with pytest.raises(asyncpg.UniqueViolationError):
        await sign_up(campus, "a", "Yale")
    assert await stored(campus) == before


# Lists ------------------------------------------------------------------------------------------


async def test_connections(campus: Database) -> None:
    await run(campus, CONNECT, "a", "b")
    await run(campus, CONNECT, "a", "c")
    assert await stored(campus) == {"user:a:connections": ["b", "c"]}
    with pytest.raises(asyncpg.UniqueViolationError, match="b is in user:a:connections"):
        await run(campus, CONNECT, "a", "b")
    removed = await run(campus, "DELETE FROM campus.connections WHERE connected_user_id = 'b'")
    assert removed == "DELETE 1"
    assert await stored(campus) == {"user:a:connections": ["c"]}


async def test_a_list_keeps_what_is_no_id(campus: Database) -> None:
    await put(campus, user__a__connections=["b", 7, None, "b", {"id": "c"}])
    assert await rows(campus, "SELECT connected_user_id, pos FROM campus.connections") == [
        ("b", STEP)
    ]
    await run(
        campus, "INSERT INTO campus.connections (user_id, connected_user_id) VALUES ('a', 'd')"
    )
    await run(campus, "DELETE FROM campus.connections WHERE connected_user_id = 'b'")
    assert await stored(campus) == {"user:a:connections": [7, None, {"id": "c"}, "d"]}


@pytest.mark.parametrize("value", [{"b": True}, "b", '["b"]', 1, None])
async def test_what_is_no_list_is_kept_aside(campus: Database, value: Any) -> None:
    await put(campus, user__a__connections=value)
    assert await rows(campus, "SELECT 1 FROM campus.connections") == []
    await run(
        campus, "INSERT INTO campus.connections (user_id, connected_user_id) VALUES ('a', 'c')"
    )
    assert await stored(campus) == {"user:a:connections": ["c"]}
    kept = await rows(campus, "SELECT key, value FROM outgrow.quarantine")
    assert [(k, json.loads(v)) for k, v in kept] == [("user:a:connections", value)]


async def test_where_there_is_no_value_a_list_begins(campus: Database) -> None:
    """In a store whose column allows SQL's NULL."""
    await run(campus, f"ALTER TABLE {STORE} ALTER value DROP NOT NULL")
    keys = ("user:a", "user:b:connections", "chat:a:b:messages", "school:MIT:users")
    for key in keys:
        await run(campus, f"INSERT INTO {STORE} VALUES ($1, NULL)", key)
    for relation in ("users", "connections", "messages", "school_members"):
        assert await rows(campus, f"SELECT FROM campus.{relation}") == []
    await run(campus, CONNECT, "b", "c")
    await run(
        campus,
        "INSERT INTO campus.messages (chat_id, id, sender_id, rest) "
        "VALUES ('a:b', 'm1', 'a', '{}')",
    )
    assert await rows(campus, "SELECT connected_user_id FROM campus.connections") == [("c",)]
    assert await rows(campus, "SELECT id FROM campus.messages") == [("m1",)]
    with pytest.raises(asyncpg.UniqueViolationError):
        await sign_up(campus, "a")


async def test_a_row_that_lost_its_value_is_a_lost_race(
    campus: Database, campus_url: str, connect: Connect
) -> None:
    await run(campus, f"ALTER TABLE {STORE} ALTER value DROP NOT NULL")
    await sign_up(campus, "a")
    await run(campus, CONNECT, "a", "b")
    old, watcher = await connect(campus_url), await connect(campus_url)
    for key, change in (
        ("user:a", "UPDATE campus.users SET name = 'x'"),
        ("user:a:connections", "DELETE FROM campus.connections"),
    ):
        transaction = old.transaction()
        await transaction.start()
        await old.execute(f"UPDATE {STORE} SET value = NULL WHERE key = $1", key)
        waiting = asyncio.create_task(run(campus, change))
        await wait_for_lock(watcher)
        await transaction.commit()
        with pytest.raises(asyncpg.SerializationError):
            await waiting
        assert await rows(campus, f"SELECT value FROM {STORE} WHERE key = $1", key) == [(None,)]


async def test_a_store_that_keeps_nothing_is_reported_and_not_retried_forever(
    campus: Database,
) -> None:
    await run(
        campus,
        "CREATE FUNCTION public.drop_it() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NULL; END'",
    )
    await run(
        campus,
        f"CREATE TRIGGER drop_it BEFORE INSERT ON {STORE} "
        "FOR EACH ROW EXECUTE FUNCTION public.drop_it()",
    )
    for key, write in (
        ("user:a:connections", run(campus, CONNECT, "a", "b")),
        ("user:a", sign_up(campus, "a", school=None)),
    ):
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError) as e:
            await asyncio.wait_for(write, 20)
        assert e.value.message == f"the store does not keep what is written under {key}"
        assert STORE in (e.value.hint or "")


async def test_messages(campus: Database) -> None:
    send = (
        "INSERT INTO campus.messages (chat_id, id, sender_id, content, sent_at, rest) "
        "VALUES ('a:b', $1, $2, $3, '2026-01-02T03:04:05.678Z', $4)"
    )
    await put(campus, **{"chat:a:b:messages": [{"id": "m0", "readBy": ["a"]}, "noise"]})
    await run(campus, send, "m1", "a", "hi", '{"readBy": []}')
    await run(campus, send, "m2", "b", "hi", "{}")
    await run(campus, "UPDATE campus.messages SET content = 'ho' WHERE id = 'm1'")
    new = {"senderId": "a", "timestamp": "2026-01-02T03:04:05.678Z"}
    assert (await stored(campus))["chat:a:b:messages"] == [
        {"id": "m0", "readBy": ["a"]},
        "noise",
        {**new, "id": "m1", "content": "ho", "readBy": []},
        {**new, "id": "m2", "content": "hi", "senderId": "b"},
    ]
    assert await rows(campus, "SELECT pos, id FROM campus.messages ORDER BY pos") == [
        (1 * STEP, "m0"),
        (3 * STEP, "m1"),
        (4 * STEP, "m2"),
    ]


async def test_many_elements_go_in_one_statement(campus: Database) -> None:
    """Also where they are alike: each row of the statement takes one element."""
    await put(campus, **{"chat:a:messages": [{"id": "x"}, {"id": "y"}, {"id": "x"}, "noise"]})
    assert await run(campus, "DELETE FROM campus.messages WHERE id = 'x'") == "DELETE 2"
    assert await stored(campus) == {"chat:a:messages": [{"id": "y"}, "noise"]}


async def test_a_chat_stands_in_its_participants_lists(campus: Database) -> None:
    await run(
        campus,
        "INSERT INTO campus.chats (id, participants, rest) VALUES ('a:b', $1, $2)",
        '["a", "b", "a"]',
        '{"chatId": "a:b"}',
    )
    assert await stored(campus) == {
        "chat:a:b": {"chatId": "a:b", "participants": ["a", "b", "a"]},
        "user:a:chats": ["a:b"],
        "user:b:chats": ["a:b"],
    }
    participants = "SELECT user_id, pos FROM campus.participants WHERE chat_id = 'a:b' ORDER BY 2"
    assert await rows(campus, participants) == [("a", STEP), ("b", 2 * STEP)]


async def test_derived_relations_are_read_only(campus: Database) -> None:
    await sign_up(campus, "a")
    for change in (
        "DELETE FROM campus.school_members",
        "UPDATE campus.school_members SET school = 'Yale'",
        "INSERT INTO campus.participants (chat_id, user_id) VALUES ('a', 'b')",
    ):
        with pytest.raises(asyncpg.FeatureNotSupportedError, match="read only"):
            await run(campus, change)


@pytest.mark.parametrize(
    ("settings", "visible"),
    [
        (None, True),
        ({}, True),
        ({"profileVisible": True}, True),
        ({"profileVisible": False}, False),
        ({"profileVisible": "no"}, True),
    ],
)
async def test_who_is_visible(campus: Database, settings: Any, visible: bool) -> None:
    await put(campus, user__a={"settings": settings})
    assert await rows(campus, "SELECT visible FROM campus.users") == [(visible,)]


# Keys -------------------------------------------------------------------------------------------

_words = ["user", "chat", "school", "schools", "intro", "users", "messages", "all", "typing", "a"]
_odd = [":", "::", "connections", "x" * 199, "x" * 200, "x" * 201, "\n", "%", "\\", "é" * 150]
_parts = st.sampled_from([*_words, *_odd])


@given(keys=st.lists(st.lists(_parts, max_size=8).map("".join), min_size=20, max_size=60))
async def test_sql_and_python_agree_on_patterns(campus: Database, keys: list[str]) -> None:
    for name in BLUEPRINT.patterns:
        condition = expressions.matches(BLUEPRINT, name, "k")
        matching = await rows(
            campus, f"SELECT k FROM unnest($1::text[]) AS k WHERE {condition}", keys
        )
        assert sorted(k for (k,) in matching) == sorted(
            k for k in keys if BLUEPRINT.match(k) == name
        )


# Install ----------------------------------------------------------------------------------------


async def test_install_again_changes_nothing(campus: Database) -> None:
    objects = (
        "SELECT oid FROM pg_class WHERE relnamespace = 'campus'::regnamespace "
        "UNION ALL SELECT oid FROM pg_proc WHERE pronamespace = 'campus'::regnamespace"
    )
    before = set(await rows(campus, objects))
    await install(campus)
    assert set(await rows(campus, objects)) == before


async def test_install_renews_an_older_layout(campus: Database) -> None:
    await sign_up(campus, "a")
    await run(campus, "UPDATE outgrow.layouts SET version = 'older'")
    await run(campus, "DROP VIEW campus.participants")
    await run(campus, "CREATE FUNCTION campus.gone() RETURNS int LANGUAGE sql RETURN 1")
    await install(campus)
    assert await rows(campus, "SELECT chat_id FROM campus.participants") == []
    assert await rows(campus, "SELECT to_regproc('campus.gone') IS NULL") == [(True,)]
    assert await rows(campus, "SELECT id FROM campus.users") == [("a",)]


async def test_install_repairs_a_relation_that_is_gone(campus: Database) -> None:
    await run(campus, "DROP VIEW campus.users CASCADE")
    await install(campus)
    assert await rows(campus, "SELECT user_id FROM campus.school_members") == []


async def test_install_takes_no_view_of_others_away(campus: Database) -> None:
    await run(campus, "CREATE VIEW public.report AS SELECT id FROM campus.users")
    await install(campus)
    await run(campus, "UPDATE outgrow.layouts SET version = 'older'")
    with pytest.raises(Refused, match="views of others") as e:
        await install(campus)
    assert (e.value.code, e.value.detail) == ("relations_used", "report")
    assert await rows(campus, "SELECT id FROM public.report") == []
    await run(campus, "DROP VIEW public.report")
    await install(campus)


async def test_install_gives_way_to_a_long_reader(
    campus: Database, campus_url: str, connect: Connect
) -> None:
    """Others read the relation while install tries, and it goes through when the reader is done."""
    await run(campus, "UPDATE outgrow.layouts SET version = 'older'")
    reader, other = await connect(campus_url), await connect(campus_url)
    transaction = reader.transaction()
    await transaction.start()
    await reader.fetch("SELECT id FROM campus.users")
    renewal = asyncio.create_task(install(campus))
    for _ in range(20):
        # Behind an install that does not give way, this waits for a commit that comes after it.
        await asyncio.wait_for(other.fetch("SELECT id FROM campus.users"), 30)
        await asyncio.sleep(0.05)
    assert not renewal.done()
    await transaction.commit()
    await renewal
    assert await rows(campus, "SELECT version <> 'older' FROM outgrow.layouts") == [(True,)]


async def test_install_refuses_what_is_no_store(campus: Database) -> None:
    await run(campus, "CREATE TABLE things (key text PRIMARY KEY, value json)")
    await run(campus, "CREATE TABLE other (key text PRIMARY KEY, value jsonb, extra int)")
    for store, code in [
        ("things", "not_a_store"),
        ("nothing", "no_store"),
        ("other", "other_store"),
    ]:
        with pytest.raises(Refused) as e:
            await install(campus, store)
        assert e.value.code == code


@pytest.mark.parametrize("barring", ["owner text NOT NULL", "part must_be_given"])
async def test_install_refuses_a_store_that_it_could_not_write(
    database: Database, barring: str
) -> None:
    fine = (
        "id bigint GENERATED ALWAYS AS IDENTITY, long int NOT NULL GENERATED ALWAYS AS "
        "(length(key)) STORED, at timestamptz NOT NULL DEFAULT now(), note text, made defaulted"
    )
    await run(database, "CREATE DOMAIN must_be_given AS text NOT NULL")
    await run(database, "CREATE DOMAIN defaulted AS text NOT NULL DEFAULT ''")
    await run(database, f"ALTER TABLE {STORE} ADD {fine.replace(', ', ', ADD ')}")
    await run(database, f"ALTER TABLE {STORE} ADD {barring}")
    with pytest.raises(Refused) as e:
        await install(database)
    assert e.value.code == "store_not_writable"
    assert e.value.detail == f"NOT NULL without a default, or generated: {barring.split()[0]}"
    await run(database, f"ALTER TABLE {STORE} DROP {barring.split()[0]}")
    await install(database)
    await sign_up(database, "ada")


async def test_install_refuses_a_generated_value(database: Database) -> None:
    await run(database, "DROP TABLE " + STORE)
    await run(
        database,
        f"CREATE TABLE {STORE} (key text PRIMARY KEY, "
        "value jsonb GENERATED ALWAYS AS ('{}') STORED)",
    )
    with pytest.raises(Refused) as e:
        await install(database)
    assert (e.value.code, e.value.detail) == (
        "store_not_writable",
        "NOT NULL without a default, or generated: value",
    )


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW campus.report AS SELECT 1",
        "CREATE FUNCTION campus.buildings() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE network.accounts (id integer)",
        "CREATE TABLE outgrow.plants (id integer)",
    ],
)
async def test_install_leaves_a_schema_alone_that_is_somebody_elses(
    database: Database, sql: str
) -> None:
    await run(database, f"CREATE SCHEMA {sql.split()[2].split('.')[0]}")
    await run(database, sql)
    before = await rows(database, "SELECT count(*) FROM pg_class")
    with pytest.raises(Refused) as e:
        await install(database)
    assert e.value.code == "schema_taken"
    assert await rows(database, "SELECT count(*) FROM pg_class") == before


async def test_install_takes_empty_schemas_and_what_is_left_of_an_older_install(
    database: Database,
) -> None:
    await run(database, "CREATE SCHEMA campus")
    await install(database)
    await run(database, "DROP SCHEMA outgrow CASCADE")
    await install(database)
    assert await rows(database, "SELECT count(*) FROM campus.users") == [(0,)]
