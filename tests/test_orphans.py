"""A store that was dropped: its tables may be the only copy of what was in it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conftest import Connect
from growing import STORE, fill, grow, opened
from test_cli_kv import outgrow


@pytest.mark.parametrize(
    "made_again", ["", f"CREATE TABLE {STORE} (key text PRIMARY KEY, value jsonb)"]
)
async def test_tables_of_a_dropped_store_are_kept(
    made_again: str, database_url: str, connect: Connect
) -> None:
    """Whatever is called, and whether an empty table has taken the store's name."""
    raw = await connect(database_url)
    await fill(raw, 50)
    async with opened(database_url) as database:
        await grow(database, "relational")

    async def say(*command: str) -> Any:
        return await asyncio.to_thread(outgrow, *command, DATABASE_URL=database_url)

    await raw.execute(f"DROP TABLE {STORE} CASCADE; {made_again}")
    for command in (
        "status",
        "verify",
        "grow --to initial",
        "grow --to initial --plan",
        "grow --to relational",
        "serve --port 0 --no-demo",
    ):
        done = await say(*command.split())
        assert done.returncode == 3, (command, done)
        assert "campus_tables.users: 50 rows" in done.stderr, done.stderr
        assert "--delete-only-copies" in done.stderr
    assert await raw.fetchval("SELECT count(*) FROM campus_tables.users") == 50
    done = await say("grow", "--to", "initial", "--delete-only-copies")
    assert done.returncode == 0, done
    assert "deleted campus_tables.users: 50 rows" in done.stdout
    assert await raw.fetchval("SELECT to_regnamespace('campus_tables') IS NULL")
    done = await say("status")
    assert (done.returncode == 0) == bool(made_again), done
    if made_again:
        await fill(raw, 10)
        done = await say("grow", "--to", "relational")
        assert done.returncode == 0, done
        assert await raw.fetchval("SELECT count(*) FROM campus_tables.users") == 10
    assert (await say("grow", "--to", "initial", "--delete-only-copies")).stdout.startswith(
        "there is"
    )


async def test_a_table_in_the_stores_place_must_have_all_its_keys(
    database_url: str, connect: Connect
) -> None:
    """An app that goes on after the drop soon makes as many keys as there were; a backup lacks
    those of since then, which are in the tables alone."""
    raw = await connect(database_url)
    await fill(raw, 50)
    async with opened(database_url) as database:
        await grow(database, "relational")
    await raw.execute(
        f"CREATE TABLE backup (LIKE {STORE} INCLUDING ALL); INSERT INTO backup TABLE {STORE}; "
        f"INSERT INTO {STORE} VALUES ('user:late', '{{}}'); "
        f"DROP TABLE {STORE} CASCADE; CREATE TABLE {STORE} (LIKE backup INCLUDING ALL); "
        f"INSERT INTO {STORE} SELECT 'user:new' || n, '{{}}' FROM generate_series(1, 200) n"
    )

    async def say(*command: str) -> Any:
        return await asyncio.to_thread(outgrow, *command, DATABASE_URL=database_url)

    for made in ("TABLE backup", "SELECT 'user:late', '{}'"):
        for command in ("verify", "grow --to initial", "grow --to relational"):
            done = await say(*command.split())
            assert done.returncode == 3, (command, done)
            assert "has not all of its keys, as 'user:late'" in done.stderr, done.stderr
        assert await raw.fetchval("SELECT count(*) FROM campus_tables.users") == 51
        await raw.execute(f"INSERT INTO {STORE} {made}")
    done = await say("grow", "--to", "relational")
    assert done.returncode == 0, done
    assert await raw.fetchval("SELECT count(*) FROM campus_tables.users") == 251


async def test_verify_names_tables_that_somebody_dropped(
    database_url: str, connect: Connect
) -> None:
    raw = await connect(database_url)
    await fill(raw, 50)
    async with opened(database_url) as database:
        await grow(database, "hybrid")
    await raw.execute("DROP SCHEMA campus_tables CASCADE")
    done = await asyncio.to_thread(outgrow, "verify", DATABASE_URL=database_url)
    assert done.returncode == 1, done
    assert "table campus_tables.connections: missing" in done.stdout, done
    assert "`outgrow grow --to hybrid` makes it again" in done.stdout
    done = await asyncio.to_thread(outgrow, "grow", "--to", "hybrid", DATABASE_URL=database_url)
    assert done.returncode == 0, done
    done = await asyncio.to_thread(outgrow, "verify", DATABASE_URL=database_url)
    assert done.returncode == 0, done


async def test_triggers_that_nobody_remembers_go(database_url: str, connect: Connect) -> None:
    """Where somebody dropped the schema `outgrow`, every write of an old client fails by them."""
    raw = await connect(database_url)
    await fill(raw, 50)
    async with opened(database_url) as database:
        await grow(database, "hybrid")
        await raw.execute("DROP SCHEMA outgrow CASCADE")
        await grow(database, "initial")
    await raw.execute(f"INSERT INTO {STORE} VALUES ('user:a:connections', '[\"b\"]')")
    assert not await raw.fetch("SELECT FROM pg_trigger WHERE tgname LIKE 'outgrow%'")
    done = await asyncio.to_thread(outgrow, "uninstall", DATABASE_URL=database_url)
    assert done.returncode == 0, done
