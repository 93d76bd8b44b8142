"""Whatever a role or a database is set to, a store climbs and comes back; or the reason is said."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import asyncpg
import pytest

from conftest import Connect
from growing import CAMPUS, STORE, fill, grow, opened
from outgrow.growth.control import status
from outgrow.growth.verification import verify
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE
from outgrow.store import Store
from test_cli_kv import outgrow


async def put(raw: Any, *settings: str) -> None:
    """For who connects from now on; of settings that this PostgreSQL knows."""
    name = await raw.fetchval("SELECT current_database()")
    for setting in settings:
        with contextlib.suppress(asyncpg.UndefinedObjectError):
            await raw.execute(f"ALTER DATABASE {name} SET {setting}")


TIMEOUTS = (
    "statement_timeout = '20ms'",
    "transaction_timeout = '20ms'",
    "idle_in_transaction_session_timeout = '1ms'",
    "idle_session_timeout = '1s'",
    "lock_timeout = '1ms'",
)
LIMITS = ("work_mem = '64kB'", "temp_file_limit = 0", "session_replication_role = replica")
NAMES = (
    "search_path = trap, pg_catalog, public",
    "restrict_nonsystem_relation_kind = 'view, foreign-table'",
    "default_transaction_isolation = 'serializable'",
    "standard_conforming_strings = off",
)


@pytest.mark.parametrize("settings", [TIMEOUTS, LIMITS, NAMES], ids=["times", "limits", "names"])
async def test_a_store_climbs_and_comes_back(
    settings: tuple[str, ...], database_url: str, connect: Connect
) -> None:
    raw = await connect(database_url)
    await fill(raw, 200)
    await raw.execute(
        "CREATE SCHEMA trap; "
        "CREATE FUNCTION trap.count(text) RETURNS bigint LANGUAGE sql AS 'SELECT 1/0'; "
        "CREATE FUNCTION trap.jsonb_typeof(jsonb) RETURNS text LANGUAGE sql "
        "AS 'SELECT (1/0)::text'; "
        f"CREATE VIEW trap.{DEFAULT_STORE} AS SELECT 'trap' AS key, '1'::jsonb AS value"
    )
    await put(raw, *settings)
    async with opened(database_url) as database:
        await install(database)
        assert (await grow(database, "relational")).store.phase == "relational"
        assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same
        assert (await status(database, DEFAULT_STORE, CAMPUS)).store.phase == "relational"
        assert [key async for key, _ in Store(database).get_by_prefix("trap")] == []
        assert (await grow(database, "initial")).store.phase == "initial"


async def test_a_role_that_may_only_read_gets_the_reason(
    database_url: str, connect: Connect
) -> None:
    """And may look."""
    raw = await connect(database_url)
    await fill(raw, 50)
    async with opened(database_url) as database:
        await grow(database, "hybrid")
    await put(raw, "default_transaction_read_only = on")
    for command in ("grow --to relational", "grow --to initial", "kv set k 1", "serve --port 0"):
        done = await asyncio.to_thread(outgrow, *command.split(), DATABASE_URL=database_url)
        assert done.returncode == 3, done
        assert "default_transaction_read_only" in done.stderr
    for command in ("status", "verify", "kv list", "inspect", "grow --plan --to relational"):
        done = await asyncio.to_thread(outgrow, *command.split(), DATABASE_URL=database_url)
        assert done.returncode == 0, done
    assert await raw.fetchval(f"SELECT count(*) FROM {STORE}") == 50
