"""No store is made where one may have another name, and one that is made is closed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from conftest import Connect
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import Spec
from outgrow.store import Store
from test_cli_kv import outgrow

STORE = "kv_store_2516be19"
OTHER = "kv_store_0b5e1a77"

HOSTED = """
CREATE ROLE anon_{n} LOGIN;
CREATE ROLE service_{n} LOGIN;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon_{n}, service_{n}, PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO anon_{n}, service_{n};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon_{n}, service_{n}
"""


async def _run(database: Database, sql: str) -> None:
    await database.run(Query("test", sql))


@pytest.fixture
async def stranger(database: Database, database_url: str) -> AsyncIterator[str]:
    """A role to which a hosted service would grant whatever is made."""
    number = database_url.partition("test_")[2].partition("?")[0]
    await _run(database, HOSTED.format(n=number))
    yield f"anon_{number}"
    roles = f"anon_{number}, service_{number}"
    await _run(database, f"DROP OWNED BY {roles}; DROP ROLE {roles}")


@pytest.fixture
async def elsewhere(database: Database, stranger: str) -> Database:
    """A database whose store has another name, beside tables that are none."""
    await _run(database, f"ALTER TABLE {STORE} RENAME TO {OTHER}")
    await _run(database, f"INSERT INTO {OTHER} VALUES ('user:a', '{{}}'); ANALYZE {OTHER}")
    await _run(
        database,
        "CREATE SCHEMA app; CREATE TABLE app.settings (key text PRIMARY KEY, value json);"
        "CREATE TABLE app.log (key text, value jsonb);"
        "CREATE TABLE app.other (id int, value jsonb);"
        'CREATE TABLE "it\'s" (key text PRIMARY KEY, value jsonb)',
    )
    return database


async def _tables(database: Database) -> set[str]:
    tables = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
    return {row[0] for row in await database.rows(Query("test", tables))}


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("generate", "campus", "--users=5")])
async def test_no_store_is_made_in_passing_in_a_database_of_ones_own(
    elsewhere: Database, database_url: str, command: tuple[str, ...]
) -> None:
    before = await _tables(elsewhere)
    done = outgrow(*command, DATABASE_URL=database_url)
    assert done.returncode == 3, done.stderr
    assert f"  public.{OTHER}: about 1 rows, 0.0 MB\n" in done.stderr
    assert (
        "  app.settings: never analyzed, 0.0 MB; its value is json, and must be jsonb"
        in done.stderr
    )
    assert "  app.log: never analyzed, 0.0 MB; its key has no primary key" in done.stderr
    assert "app.other" not in done.stderr
    assert "outgrow kv create" in done.stderr
    assert await _tables(elsewhere) == before


async def test_the_one_table_that_can_be_meant_is_the_hint(
    elsewhere: Database, database_url: str
) -> None:
    await _run(elsewhere, 'DROP TABLE "it\'s"')
    done = outgrow("advise", "--json", DATABASE_URL=database_url)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (3, "no_store")
    assert error["hint"].startswith(f"set OUTGROW_STORE=public.{OTHER}, or make")
    made = outgrow("kv", "create", DATABASE_URL=database_url)
    assert made.returncode == 0
    assert STORE in await _tables(elsewhere)


async def test_the_embedded_database_is_given_a_store(tmp_path: Any) -> None:
    done = outgrow(*("generate", "campus", "--users=2"), OUTGROW_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", ["create", "generate"])
async def test_a_store_that_is_made_is_closed_to_everybody_else(
    database: Database, database_url: str, stranger: str, connect: Connect, how: str
) -> None:
    if how == "create":
        await Store(database, "public.fresh").create()
    else:
        await generate(database, Spec(5), store="public.fresh")
    client = await connect(database_url, user=stranger)
    for statement in "SELECT FROM fresh", "INSERT INTO fresh VALUES ('a', '1')", "TRUNCATE fresh":
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await client.execute(statement)
    sql = """SELECT relrowsecurity,
                 ARRAY(SELECT 1 FROM aclexplode(relacl) a WHERE a.grantee <> relowner)
             FROM pg_class WHERE relname = 'fresh'"""
    assert tuple(await database.row(Query("test", sql)) or ()) == (True, [])
    await Store(database, "public.fresh").set("a", 1)


async def test_a_store_that_was_there_keeps_its_grants(
    database: Database, database_url: str, stranger: str, connect: Connect
) -> None:
    await _run(database, f"GRANT ALL ON {STORE} TO {stranger}")
    await Store(database).create()
    client = await connect(database_url, user=stranger)
    await client.execute(f"INSERT INTO {STORE} VALUES ('a', '1')")
