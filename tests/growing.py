"""What the tests of growing share: a growth that is watched, and looks at what is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from conftest import Connect
from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.blueprint import campus as campus_blueprint
from outgrow.db.pool import Database
from outgrow.growth import runner
from outgrow.growth.context import Step
from outgrow.growth.plan import Plan
from outgrow.growth.runner import Done
from outgrow.growth.state import Phase
from outgrow.settings import DEFAULT_STORE

STORE = f'public."{DEFAULT_STORE}"'
CAMPUS = campus_blueprint()


class Recorder:
    """A watcher that remembers what it was told."""

    def __init__(self) -> None:
        self.waits: list[str] = []
        self.blocks: list[int] = []
        self.done: list[str] = []
        self.total = 0
        self.notes: Sequence[str] = ()

    def noted(self, notes: Sequence[str]) -> None:
        self.notes = notes

    def planned(self, plan: Plan, blocks: int) -> None:
        self.total = blocks

    def begun(self, step: Step) -> None: ...

    def seen(self, step: Step, number: int, blocks: int, doing: str, waiting: str) -> None:
        self.blocks.append(blocks)
        if waiting:
            self.waits.append(waiting)

    def finished(self, step: Step, seconds: float, index_bytes: int | None) -> None:
        self.done.append(step.name)


async def grow(
    database: Database,
    goal: Phase,
    recorder: Recorder | None = None,
    store: str = DEFAULT_STORE,
    blueprint: Blueprint = CAMPUS,
) -> Done:
    return await runner.grow(database, goal, store, blueprint, recorder or Recorder())


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Wait up to 20 s until the condition gives something true, and return that."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        result = await condition()
        if result:
            return result
        await asyncio.sleep(0.02)
    raise AssertionError(f"never happened: {what}")


async def indexes(connection: Any, store: str = STORE) -> dict[str, int]:
    """Name -> oid of the indexes of the store, the valid ones."""
    rows = await connection.fetch(
        "SELECT relname, oid FROM pg_index JOIN pg_class ON oid = indexrelid "
        "WHERE indrelid = $1::text::regclass AND indisvalid",
        store,
    )
    return {row["relname"]: row["oid"] for row in rows}


async def objects(connection: Any) -> set[tuple[str, ...]]:
    """Everything outside the system's schemas and Outgrow's own, an index with its validity."""
    rows = await connection.fetch(
        """
        SELECT relkind::text, relname::text, coalesce(indisvalid, true)::text,
               coalesce(pg_get_indexdef(c.oid), '')
        FROM pg_class c LEFT JOIN pg_index ON indexrelid = c.oid
        WHERE relnamespace = 'public'::regnamespace
        UNION ALL
        SELECT 'statistics', stxname::text, '', pg_get_statisticsobjdef(oid)
        FROM pg_statistic_ext WHERE stxnamespace = 'public'::regnamespace
        """
    )
    return {tuple(row.values()) for row in rows}


def wanted() -> set[str]:
    return {index.name for index in layout.indexes(CAMPUS, "public", DEFAULT_STORE)}


async def fill(connection: Any, users: int = 300) -> None:
    await connection.execute(
        f"""
        INSERT INTO {STORE}
        SELECT 'user:u' || n, jsonb_build_object('name', 'Name ' || n, 'school', 'School',
            'email', 'u' || n || '@example.edu', 'interests', jsonb_build_array('chess'))
        FROM generate_series(1, {users}) n
        """
    )


async def building(raw: Any) -> int | None:
    """The pid of whoever builds an index in this database and waits for somebody."""
    pid: int | None = await raw.fetchval(
        "SELECT pid FROM pg_stat_progress_create_index "
        "WHERE datname = current_database() AND phase LIKE 'waiting for%' "
        "AND cardinality(pg_blocking_pids(pid)) > 0"
    )
    return pid


async def old_client(connect: Connect, url: str) -> Any:
    """A connection to a store that has a few users."""
    connection = await connect(url, server_settings={"application_name": "old client"})
    await fill(connection)
    return connection


async def open_transaction(connect: Connect, url: str) -> Any:
    """One that has written to the store and stays open: every build waits for it."""
    connection = await connect(url, server_settings={"application_name": "slow report"})
    await connection.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held', '1')")
    return connection


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = await Database.open(url)
    try:
        yield database
    finally:
        await database.close()
