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

    async def say(*words: str) -> Any:
        return await asyncio.to_thread(outgrow, *words, DATABASE_URL=database_url)

    await raw.execute(f"DROP TABLE {STORE} CASCADE; {made_again}")
    for words in (
        "status",
        "verify",
        "grow --to found",
        "grow --to found --plan",
        "grow --to relational",
        "serve --port 0 --no-demo",
    ):
        done = await say(*words.split())
        assert done.returncode == 3, (words, done)
        assert "campus_tables.users: 50 rows" in done.stderr, done.stderr
        assert "--delete-only-copies" in done.stderr
    assert await raw.fetchval("SELECT count(*) FROM campus_tables.users") == 50
    done = await say("grow", "--to", "found", "--delete-only-copies")
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
    assert (await say("grow", "--to", "found", "--delete-only-copies")).stdout.startswith(
        "there is"
    )
