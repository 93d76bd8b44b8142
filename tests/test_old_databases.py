"""A database of an older version is one of today when it comes up, with every row it had."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from conftest import Connect
from growing import CAMPUS, grow
from migrating import DATABASES, FILES, kept, know, next_one, restore, rows, same, schema
from outgrow.db.embedded import EmbeddedServer
from outgrow.db.pool import Database
from outgrow.errors import OutgrowError
from outgrow.growth.verification import verify
from outgrow.queries import Query
from outgrow.schema import migrate
from outgrow.schema.install import install
from outgrow.schema.migrate import Migration
from outgrow.settings import DEFAULT_STORE as STORE
from test_cli_kv import outgrow

# From a database of before to older ones, the latest change first.
OLDER = [
    "ALTER TABLE network.invitations DROP COLUMN school",
    "ALTER TABLE network.accounts DROP COLUMN admitted_to; DROP FUNCTION network.school_of",
    "DROP TABLE network.reset_codes, network.invitations, network.operations",
    "ALTER TABLE network.sessions DROP COLUMN secret_id;"
    "DROP FUNCTION network.is_open, network.secret_id",
    """
    ALTER TABLE network.trimmed_chats ADD COLUMN removed bigint NOT NULL DEFAULT 2;
    ALTER TABLE network.trimmed_chats DROP COLUMN first_pos;
    UPDATE network.read_marks SET pos = pos / 1000000;
    DROP FUNCTION network.shift
    """,
    "DROP TABLE outgrow.definitions; ALTER TABLE outgrow.layouts DROP COLUMN store_oid",
    """
    ALTER TABLE outgrow.lifts ADD COLUMN skipped text[] NOT NULL DEFAULT '{}';
    UPDATE outgrow.lifts l SET skipped = ARRAY(
        SELECT key FROM outgrow.skipped s WHERE s.relation = l.relation);
    DROP TABLE outgrow.skipped
    """,
    "DROP TABLE outgrow.readings, outgrow.latencies, network.deletions, network.closed_intros",
    """
    ALTER TABLE network.accounts DROP COLUMN verified_at;
    ALTER TABLE network.sessions DROP COLUMN device;
    DROP TABLE network.school_domains, network.sign_ups, network.limits, network.reports;
    DROP INDEX network.sessions_user_id
    """,
    """
    ALTER TABLE outgrow.layouts DROP CONSTRAINT layouts_phase_check;
    ALTER TABLE outgrow.layouts ADD CONSTRAINT layouts_phase_check
        CHECK (phase IN ('found', 'optimized'))
    """,
]


async def run(database: Database, sql: str, *args: Any) -> None:
    await database.run(Query("test", sql), *args)


@pytest.fixture(scope="session")
def fresh(server: EmbeddedServer, campus_template: str, pytestconfig: pytest.Config) -> set[str]:
    """All objects of a database that is made today."""
    return schema(pytestconfig, server.url(campus_template))


@pytest.fixture
async def old(database_url: str) -> AsyncIterator[Any]:
    """A connection to a database of before, whose URL is `database_url`."""
    raw = await restore(database_url)
    yield raw
    await raw.close()


async def test_a_database_of_before_comes_up(
    old: Any, fresh: set[str], database_url: str, database: Database, pytestconfig: pytest.Config
) -> None:
    before = await rows(old)
    assert all(before.values()), "every table has a row"
    assert schema(pytestconfig, database_url) != fresh
    await install(database)
    same(schema(pytestconfig, database_url), fresh)
    kept(before, await rows(old))
    applied = await old.fetch("SELECT name, digest FROM network.migrations ORDER BY number")
    assert [tuple(row) for row in applied] == [
        (m.name, m.digest) for m in FILES if m.schema == "network"
    ]


async def test_one_of_a_week_before_comes_up(
    database_url: str, campus_url: str, database: Database, pytestconfig: pytest.Config
) -> None:
    """Grown to relational; of its rows see test_yesterday.py."""
    await (await restore(database_url, dump=DATABASES / "2026-11-23-relational.sql")).close()
    await install(database)
    ours = "outgrow", "network"
    same(schema(pytestconfig, database_url, *ours), schema(pytestconfig, campus_url, *ours))


async def test_its_growth_goes_on(old: Any, database: Database) -> None:
    state = await old.fetchrow("SELECT to_phase, ended_at FROM outgrow.growths ORDER BY id DESC")
    assert tuple(state) == ("hybrid", None)
    await grow(database, "hybrid")
    assert (await verify(database, STORE, CAMPUS, lambda _: None)).same
    assert await old.fetchval("SELECT count(*) FROM outgrow.growths") == 2
    assert await old.fetchval("SELECT count(*) FROM outgrow.skipped") == 0


@pytest.mark.parametrize("depth", range(1, len(OLDER) + 1))
async def test_an_older_one_comes_up(
    database_url: str,
    fresh: set[str],
    database: Database,
    pytestconfig: pytest.Config,
    depth: int,
) -> None:
    """Some of its tables and columns are missing, as they were in turn."""
    raw = await restore(database_url, *OLDER[:depth])
    before = await rows(raw)
    await install(database)
    same(schema(pytestconfig, database_url), fresh)
    after = await rows(raw)
    for name, column in ("lifts", "skipped"), ("trimmed_chats", "removed"):
        for table in f"outgrow.{name}", f"network.{name}":
            for row in before.get(table, ()):
                row.pop(column, None)
    if depth >= 6:  # nobody knows what the tables were made by: the growth makes them again
        assert {row["state"] for row in after["outgrow.mirrors"]} == {"stale"}
    if depth >= 5:  # what was counted from 1
        assert [r["first_pos"] for r in after["network.trimmed_chats"]] == [3_000_000]
        for row in before["network.read_marks"]:
            row["pos"] *= 1_000_000
    kept(before, after)
    secret = await raw.fetchval("SELECT '\\x' || encode(network.secret_id(), 'hex')")
    assert all(row["secret_id"] == secret for row in after["network.sessions"])
    assert [row["key"] for row in after["outgrow.skipped"]] == ["user:u7:connections"]
    linked = [r["school"] for r in after["network.invitations"] if r["linked"]]
    assert linked == (["Northfield"] if depth < 3 else [])
    if 2 <= depth < 9:  # members by their profile, when there were domains
        assert {r["admitted_to"] for r in after["network.accounts"]} == {"Northfield"}
    await raw.close()


async def test_two_that_come_up_at_once(
    old: Any, database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_one(monkeypatch)
    other = await Database.open(database_url)
    await asyncio.gather(*(install(each) for each in (database, other, database, other)))
    await other.close()
    for name in migrate.SCHEMAS:
        numbers = await old.fetch(f"SELECT number FROM {name}.migrations ORDER BY 1")
        assert [row[0] for row in numbers] == [m.number for m in migrate.known(name)]


async def test_nobody_looks_before_the_other_is_done(old: Any, database: Database) -> None:
    await old.execute("SELECT pg_advisory_lock(hashtext('outgrow.install'))")
    ran: list[str] = []
    database.observe_with(lambda name, _: ran.append(name))
    task = asyncio.create_task(install(database))
    waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while not await old.fetch(waiting):
        assert not task.done()
        await asyncio.sleep(0.02)
    assert "migrations.recorded" not in ran
    await old.execute("SELECT pg_advisory_unlock_all()")
    await task


@pytest.mark.parametrize("of", ["before", "today"])
async def test_one_that_is_killed_on_the_way_has_done_nothing(
    database_url: str,
    database: Database,
    connect: Connect,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    of: str,
) -> None:
    raw = await restore(database_url)
    if of == "today":
        await install(database)
    next_one(monkeypatch)
    before, was = schema(pytestconfig, database_url), await rows(raw)
    reader = await connect(database_url)
    await reader.execute("BEGIN; LOCK network.sessions IN ACCESS SHARE MODE")
    task = asyncio.create_task(install(database))
    waits = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    while not await raw.fetch(waits):
        await asyncio.sleep(0.02)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OutgrowError, OSError)):
        await task
    assert schema(pytestconfig, database_url) == before
    assert await rows(raw) == was
    await reader.execute("COMMIT")
    await install(database)
    assert await raw.fetchval("SELECT count(seen_at) FROM network.sessions") == 3
    await raw.close()


async def test_a_migration_that_fails_leaves_nothing(
    old: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = migrate.known("network")[-1].number
    text = "ALTER TABLE network.codes ADD COLUMN a int;\nSELECT 1/0;"
    know(monkeypatch, Migration("network", last + 1, "bad", text))
    with pytest.raises(asyncpg.DivisionByZeroError):
        await install(database)
    assert await old.fetchval("SELECT to_regclass('network.migrations')") is None
    know(monkeypatch)
    await install(database)
    assert await old.fetchval("SELECT max(number) FROM network.migrations") == last


async def test_an_owner_who_may_make_no_schemas(
    server: EmbeddedServer, old: Any, database_url: str
) -> None:
    """Everything of before belongs to a role, and so does all that is made now."""
    role = f"{await old.fetchval('SELECT current_database()')}_owner"
    await old.execute(f'CREATE ROLE "{role}" LOGIN')
    await old.execute(
        f"""
        DO $$
        DECLARE command text;
        BEGIN
            FOR command IN
                SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, '{role}')
                FROM pg_namespace WHERE nspname ~ '^(outgrow|network|campus)'
                UNION ALL
                SELECT format('ALTER %s %s OWNER TO %I', CASE relkind WHEN 'v' THEN 'VIEW'
                    ELSE 'TABLE' END, oid::regclass, '{role}')
                FROM pg_class WHERE relkind IN ('r', 'v')
                  AND relnamespace::regnamespace::text ~ '^(outgrow|network|campus|public)'
                UNION ALL
                SELECT format('ALTER FUNCTION %s OWNER TO %I', oid::regprocedure, '{role}')
                FROM pg_proc WHERE pronamespace::regnamespace::text ~ '^(outgrow|network|campus)'
            LOOP EXECUTE command; END LOOP;
        END $$;
        """
    )
    before = await rows(old)
    database = await Database.open(database_url.replace("postgres@", f"{role}@"))
    try:
        await install(database)
        kept(before, await rows(old))
        owners = await old.fetch(
            "SELECT DISTINCT relowner::regrole::text FROM pg_class"
            " WHERE relnamespace::regnamespace::text IN ('outgrow', 'network')"
        )
        assert [row[0] for row in owners] == [role]
    finally:
        await database.close()
        await old.execute(f'REASSIGN OWNED BY "{role}" TO postgres; DROP ROLE "{role}"')


async def test_a_role_that_may_make_nothing(
    server: EmbeddedServer, database: Database, database_url: str
) -> None:
    name = await database.value(Query("test", "SELECT current_database()"))
    role = f"{name}_poor"
    await run(database, f'CREATE ROLE "{role}" LOGIN; ALTER TABLE {STORE} OWNER TO "{role}"')
    url = database_url.replace("postgres@", f"{role}@")
    try:
        done = outgrow("school", "list", DATABASE_URL=url)
        assert (done.returncode, "may not do this in the database" in done.stderr) == (3, True)
        assert "permission denied for database" in done.stderr
        ours = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('outgrow', 'network', 'campus')"
        assert await database.value(Query("test", ours)) == 0
    finally:
        await run(database, f'REASSIGN OWNED BY "{role}" TO postgres; DROP ROLE "{role}"')
