"""Keys that somebody holds while a backfill passes by: it owes them, and pays one by one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conftest import Connect
from growing import CAMPUS, STORE, until
from laddering import Stopped, Stops, climb
from outgrow.db.pool import Database
from outgrow.growth.context import Step
from outgrow.growth.verification import verify
from outgrow.settings import DEFAULT_STORE

MANY = 1_000
WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"


def fills_connections(step: Step) -> bool:
    return step.kind == "backfill" and step.name == "connections"


async def owed(database: Database) -> int:
    return int(await database.pool.fetchval("SELECT count(*) FROM outgrow.skipped"))


async def held(database: Database, connect: Connect, url: str) -> Any:
    """A growth that was stopped while it owed all lists to the connection, which holds them."""
    raw = await connect(url)
    await raw.execute(
        f"""INSERT INTO {STORE} SELECT 'user:' || md5(n::text) || ':connections', '["a"]'
        FROM generate_series(1, {MANY}) n"""
    )
    await climb(database, "optimized")
    with pytest.raises(Stopped):
        await climb(database, "hybrid", Stops(lambda step: step.kind == "expand"))
    await raw.execute(f"BEGIN; SELECT FROM {STORE} FOR UPDATE")
    task = asyncio.create_task(climb(database, "hybrid"))

    async def owes_all() -> bool:
        return await owed(database) >= MANY

    await until(owes_all, "all keys are written down")
    task.cancel()
    await asyncio.wait([task])
    return raw


async def test_each_costs_the_same_however_many_there_are(
    database: Database, database_url: str, connect: Connect
) -> None:
    """In one array, each payment wrote down all that were left: 8,000 keys took ten times as long
    as 2,000."""
    raw = await held(database, connect, database_url)
    await raw.execute("COMMIT")
    before = await raw.fetchval(WAL)
    with pytest.raises(Stopped):
        await climb(database, "hybrid", Stops(fills_connections))
    assert await owed(database) == 0
    assert (await raw.fetchval(WAL) - before) / MANY < 2_000
    await climb(database, "hybrid")
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same
