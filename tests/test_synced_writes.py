"""The tables follow what is written at any isolation level, beside other people's triggers, and
after the store was renamed, moved, closed or given away."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import Connect
from firing import ALL, Ladder, put, shown
from growing import CAMPUS, STORE, grow
from outgrow.db.pool import Database
from outgrow.errors import Refused
from outgrow.growth import runner
from outgrow.growth.state import Phase
from outgrow.growth.verification import verify
from outgrow.inspection.survey import inspect_store
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE

USER = {"name": "A", "school": "MIT", "email": "a@x.edu"}
CHAT = {"participants": ["a", "b"]}
MESSAGES = [{"id": "m1"}, {"id": "m2"}, {"id": "m3"}]
OLD = {
    "user:a": USER,
    "user:a:connections": ["b", "c", "d"],
    "chat:a:b": CHAT,
    "chat:a:b:messages": MESSAGES,
}
NEW = {
    "user:a": {"name": "Z"},
    "user:a:connections": ["z"],
    "chat:a:b": {"participants": ["z"]},
    "chat:a:b:messages": [{"id": "z"}],
}
KEYS = list(OLD)
ODD = 7  # fits no shape: it has no rows
LEVELS = ["read_committed", "repeatable_read", "serializable"]


@pytest.fixture
async def ladder(campus_url: str, connect: Connect) -> Ladder:
    return Ladder(await connect(campus_url, command_timeout=20))


@pytest.fixture
async def client(campus_url: str, connect: Connect) -> Any:
    return await connect(campus_url, command_timeout=20)


@pytest.fixture
async def storer(database_url: str, connect: Connect) -> Any:
    return await connect(database_url)


INSERT = f"INSERT INTO {STORE} (key, value) VALUES ($1, $2::text::jsonb)"
UPSERT = f"{INSERT} ON CONFLICT (key) DO UPDATE SET value = excluded.value"
RENAME = (
    f"WITH moved AS (SELECT $2::text) UPDATE {STORE} SET key = $1, value = (SELECT * FROM moved)"
    "::jsonb WHERE key = 'spare'"
)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("write", [INSERT, UPSERT, RENAME], ids=["insert", "upsert", "rename"])
@pytest.mark.parametrize("key", KEYS)
async def test_a_key_deleted_after_the_snapshot_is_written_again(
    ladder: Ladder, client: Any, key: str, write: str, level: Any
) -> None:
    """Above READ COMMITTED two versions of the key are visible, in the store and in the tables."""
    await put(client, {**OLD, "spare": 1})
    await ladder.mirror()
    for value in NEW[key], ODD:
        async with client.transaction(isolation=level):
            await client.fetch(f"SELECT key FROM {STORE}")
            await ladder.connection.execute(f"DELETE FROM {STORE} WHERE key = $1", key)
            await client.execute(write, key, json.dumps(value))
        assert await ladder.differences() == {}
        await put(client, {"spare": 1, **OLD})


async def test_a_key_that_a_trigger_of_others_puts_back_keeps_its_rows(
    ladder: Ladder, client: Any
) -> None:
    """Theirs come before ours and after ours, by their names."""
    await put(client, OLD)
    await ladder.mirror()
    before = {name: await shown(client, name) for name in ALL}
    for name in "aaa", "zzz":
        await client.execute(
            f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO {STORE} (key, value) VALUES (OLD.key, OLD.value); RETURN NULL;
            END $$;
            CREATE TRIGGER {name} AFTER DELETE ON {STORE} FOR EACH ROW EXECUTE FUNCTION {name}()"""
        )
        for level in LEVELS:
            async with client.transaction(isolation=level):
                await client.execute(f"DELETE FROM {STORE}")
            assert await ladder.differences() == {}
        assert {name: await shown(client, name) for name in ALL} == before
        await client.execute(f"DROP TRIGGER {name} ON {STORE}")


@pytest.mark.parametrize("name", ["aaa", "zzz"])
@pytest.mark.parametrize("level", LEVELS)
async def test_a_row_that_a_trigger_of_others_writes_again_is_followed(
    ladder: Ladder, client: Any, name: str, level: Any
) -> None:
    """It writes to the row itself, or to another one of the same statement."""
    await put(client, OLD)
    await ladder.mirror()
    await client.execute(
        f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF pg_trigger_depth() = 1 THEN
                UPDATE {STORE} SET value = CASE jsonb_typeof(value)
                    WHEN 'array' THEN value || value -> 0 || value || '["x"]'
                    ELSE value || '{{"major": "Art", "participants": ["x", "b"]}}' END;
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER {name} AFTER INSERT OR UPDATE ON {STORE}
        FOR EACH ROW EXECUTE FUNCTION {name}()"""
    )
    for key in KEYS:
        async with client.transaction(isolation=level):
            await client.execute(UPSERT, key, json.dumps(NEW[key]))
        assert await ladder.differences() == {}
    async with client.transaction(isolation=level):
        await client.execute(f"UPDATE {STORE} SET value = value || '[]' WHERE key LIKE '%s'")
        await client.execute(f"UPDATE {STORE} SET key = key || '' , value = value")
    assert await ladder.differences() == {}


@pytest.mark.parametrize("level", LEVELS)
async def test_keys_that_are_swapped_under_a_deferred_constraint_keep_their_rows(
    ladder: Ladder, client: Any, level: Any
) -> None:
    await client.execute(
        f"ALTER TABLE {STORE} DROP CONSTRAINT {DEFAULT_STORE}_pkey, "
        "ADD PRIMARY KEY (key) DEFERRABLE INITIALLY DEFERRED"
    )
    await client.execute(
        f"INSERT INTO {STORE} SELECT k, v::jsonb FROM unnest($1::text[], $2::text[]) AS r(k, v)",
        ["user:a", "user:b", "user:a:connections", "user:b:connections"],
        [json.dumps(v) for v in (USER, {"name": "B"}, ["b", "c"], ["a"])],
    )
    await ladder.mirror()
    for _ in range(2):
        async with client.transaction(isolation=level):
            await client.execute(
                f"UPDATE {STORE} SET key = translate(key, 'ab', 'ba')"
                " WHERE key IN ('user:a', 'user:b')"
            )
            await client.execute(
                f"UPDATE {STORE} SET key = CASE key WHEN 'user:a:connections' "
                "THEN 'user:b:connections' ELSE 'user:a:connections' END WHERE key LIKE '%s'"
            )
        assert await ladder.differences() == {}


async def write_as(role: str, other: Any) -> None:
    """Change documents and lists, rename and delete, on a connection that is closed then."""
    await other.execute(f"SET ROLE {role}")
    await put(other, {**NEW, "user:b": USER})
    await other.execute(f"UPDATE {STORE} SET key = 'user:c' WHERE key = 'user:b'")
    await other.execute(f"DELETE FROM {STORE} WHERE key = 'chat:a:b'")
    await other.close()


async def test_rows_that_nobody_may_see_are_kept(
    ladder: Ladder, client: Any, campus_url: str, connect: Connect
) -> None:
    """FORCE ROW LEVEL SECURITY hides the store's rows from its owner too."""
    await put(client, OLD)
    await ladder.mirror()
    owner, writer = "hidden_owner", "hidden_writer"
    await client.execute(
        f"CREATE ROLE {owner}; CREATE ROLE {writer}; GRANT ALL ON {STORE} TO {writer};"
        f"GRANT ALL ON SCHEMA public, campus_tables, outgrow TO {owner};"
        f"GRANT ALL ON ALL TABLES IN SCHEMA campus_tables TO {owner};"
        f"GRANT ALL ON ALL FUNCTIONS IN SCHEMA campus_tables, outgrow TO {owner};"
        f"ALTER FUNCTION campus_tables.store_changed() OWNER TO {owner};"
        f"ALTER TABLE {STORE} OWNER TO {owner};"
        f"ALTER TABLE {STORE} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
        f"CREATE POLICY theirs ON {STORE} TO {writer} USING (true)"
    )
    try:
        await write_as(writer, await connect(campus_url))
        assert await ladder.differences() == {}
    finally:
        await client.execute(
            f"ALTER TABLE {STORE} OWNER TO CURRENT_USER; DROP OWNED BY {writer};"
            f"ALTER FUNCTION campus_tables.store_changed() OWNER TO CURRENT_USER;"
            f"DROP OWNED BY {owner}; DROP ROLE {owner}, {writer}"
        )


async def test_a_store_with_a_new_owner_is_followed(
    ladder: Ladder, client: Any, campus_url: str, connect: Connect
) -> None:
    """The trigger still runs as the old owner, who may not look at the store any more."""
    await put(client, OLD)
    await ladder.mirror()
    old, new = "old_owner", "new_owner"
    await client.execute(
        f"CREATE ROLE {old}; CREATE ROLE {new};"
        f"GRANT ALL ON SCHEMA public TO {new}; GRANT ALL ON SCHEMA campus_tables, outgrow TO {old};"
        f"GRANT ALL ON ALL TABLES IN SCHEMA campus_tables TO {old};"
        f"GRANT ALL ON ALL FUNCTIONS IN SCHEMA campus_tables, outgrow TO {old};"
        f"ALTER FUNCTION campus_tables.store_changed() OWNER TO {old};"
        f"ALTER TABLE {STORE} OWNER TO {new}"
    )
    try:
        await write_as(new, await connect(campus_url))
        assert await ladder.differences() == {}
    finally:
        await client.execute(
            f"ALTER TABLE {STORE} OWNER TO CURRENT_USER; DROP OWNED BY {new};"
            f"ALTER FUNCTION campus_tables.store_changed() OWNER TO CURRENT_USER;"
            f"DROP OWNED BY {old}; DROP ROLE {old}, {new}"
        )


async def test_a_store_of_another_name_is_followed_and_its_old_name_never_read(
    ladder: Ladder, client: Any
) -> None:
    """Also in another schema, and with other names of its columns."""
    await put(client, OLD)
    await ladder.mirror()
    await client.execute(
        f"""ALTER TABLE {STORE} RENAME TO moved; CREATE SCHEMA elsewhere;
        ALTER TABLE moved SET SCHEMA elsewhere;
        ALTER TABLE elsewhere.moved RENAME COLUMN key TO k;
        ALTER TABLE elsewhere.moved RENAME COLUMN value TO v;
        CREATE FUNCTION hostile() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'ran as %', current_user; END $$;
        CREATE VIEW {STORE} AS SELECT hostile() AS key, '{{}}'::jsonb AS value"""
    )
    await client.execute(
        "UPDATE elsewhere.moved SET v = '[\"x\"]' WHERE k = 'user:a:connections';"
        "INSERT INTO elsewhere.moved VALUES ('user:n', '{\"name\": \"N\"}');"
        "UPDATE elsewhere.moved SET k = 'user:o' WHERE k = 'user:a';"
        "DELETE FROM elsewhere.moved WHERE k = 'chat:a:b:messages'"
    )
    await client.execute(
        f"""DROP VIEW {STORE}; ALTER TABLE elsewhere.moved RENAME COLUMN k TO key;
        ALTER TABLE elsewhere.moved RENAME COLUMN v TO value;
        ALTER TABLE elsewhere.moved RENAME TO "{DEFAULT_STORE}";
        ALTER TABLE elsewhere."{DEFAULT_STORE}" SET SCHEMA public"""
    )
    assert await ladder.differences() == {}


async def test_a_key_that_is_null_has_no_rows(ladder: Ladder, client: Any) -> None:
    """Where the key is unique, and not the primary key."""
    await client.execute(
        f"ALTER TABLE {STORE} DROP CONSTRAINT {DEFAULT_STORE}_pkey, ADD UNIQUE (key)"
    )
    await client.execute(f"ALTER TABLE {STORE} ALTER COLUMN key DROP NOT NULL")
    await put(client, OLD)
    await client.execute(f"INSERT INTO {STORE} VALUES (NULL, '1'), (NULL, '{{}}')")
    await ladder.mirror()
    await client.execute(f"UPDATE {STORE} SET key = NULL WHERE key = 'user:a:connections'")
    await client.execute(f"UPDATE {STORE} SET value = '[1]' WHERE key IS NULL")
    await client.execute(f"UPDATE {STORE} SET key = NULL, value = '2' WHERE key = 'chat:a:b'")
    assert await ladder.differences() == {}
    assert await shown(client, "connections") == []
    await client.execute(
        f"UPDATE {STORE} SET key = 'user:a:connections', value = '[\"q\"]' WHERE value = '2'"
    )
    await client.execute(f"DELETE FROM {STORE} WHERE key IS NULL")
    assert await ladder.differences() == {}
    assert len(await shown(client, "connections")) == 1


@pytest.mark.parametrize("collation", ['"C"', '"POSIX"'])
async def test_a_store_whose_keys_have_a_collation_of_their_own_grows(
    database: Database, storer: Any, collation: str
) -> None:
    """`key text COLLATE "C"` is what people choose to look keys up by their beginning."""
    await storer.execute(f"ALTER TABLE {STORE} ALTER COLUMN key TYPE text COLLATE {collation}")
    await put(storer, {**OLD, "user:b": USER})
    await install(database, DEFAULT_STORE, CAMPUS)
    phases: list[Phase] = ["relational", "optimized", "hybrid", "initial"]
    for phase in phases:
        await grow(database, phase)
        lookup = "SELECT id FROM campus.users u WHERE u.id = 'a' "
        lookup += "AND u.store_key = campus.users_lookup_key('a')"
        assert await storer.fetchval(lookup) == "a"
        assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


async def test_keys_that_are_null_are_in_nobodys_way(database: Database, storer: Any) -> None:
    await storer.execute(
        f"ALTER TABLE {STORE} DROP CONSTRAINT {DEFAULT_STORE}_pkey, ADD UNIQUE (key);"
        f"ALTER TABLE {STORE} ALTER COLUMN key DROP NOT NULL"
    )
    await put(storer, OLD)
    await storer.execute(f"INSERT INTO {STORE} VALUES (NULL, '1'), (NULL, '[]')")
    await install(database, DEFAULT_STORE, CAMPUS)
    await runner.plan(database, "relational", DEFAULT_STORE, CAMPUS, inspect_store)
    phases: list[Phase] = ["relational", "initial"]
    for phase in phases:
        await grow(database, phase)
        assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


@pytest.mark.parametrize(
    "kind",
    ["key TYPE varchar(200)", "value TYPE json", "value TYPE text"],
)
async def test_a_table_of_another_kind_is_refused_before_anything_is_made(
    database: Database, storer: Any, kind: str
) -> None:
    await storer.execute(f"ALTER TABLE {STORE} ALTER COLUMN {kind}")
    with pytest.raises(Refused) as refused:
        await grow(database, "optimized")
    assert refused.value.code == "not_a_store"
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('outgrow', 'campus')"
    assert await storer.fetchval(schemas) == 0
