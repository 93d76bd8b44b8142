"""The pool: whatever happens to a statement, the next one has a connection that works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest

from outgrow.db.embedded import EmbeddedServer
from outgrow.db.pool import Database, Session
from outgrow.errors import Unavailable
from outgrow.queries import Query

ONE = Query("test.one", "SELECT 1")
BACKEND = Query("test.backend", "SELECT pg_backend_pid()")
BROKEN = Query("test.broken", "SELECT 1/0")
SLEEP = Query("test.sleep", "SELECT pg_sleep(60)")
NAP = Query("test.nap", "SELECT pg_sleep(0.01)")
KILL = Query("test.kill", "SELECT pg_terminate_backend($1)")
KILL_ALL = Query(
    "test.kill_all", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
)
NAME = Query("test.name", "SELECT current_database()::text")
MAKE = Query("test.make", "CREATE TABLE made (x integer)")
MADE = Query("test.made", "SELECT to_regclass('made') IS NOT NULL")


@pytest.fixture
async def pair(database_url: str) -> AsyncIterator[Database]:
    """A pool of two connections."""
    database = await Database.open(database_url, pool_size=2)
    yield database
    await asyncio.wait_for(database.close(), 5)


async def test_a_connection_is_used_again(pair: Database) -> None:
    assert len({await pair.value(BACKEND) for _ in range(5)}) == 1
    assert pair.idle == pair.pool.get_size() == 1


async def test_many_share_few_connections(pair: Database) -> None:
    async def transaction(session: Session) -> None:
        await session.run(NAP)

    work = [pair.value(NAP) for _ in range(20)]
    await asyncio.wait_for(
        asyncio.gather(*work, *[pair.transaction(transaction) for _ in range(20)]), 20
    )
    assert pair.idle == pair.pool.get_size() == 2


async def test_an_error_costs_no_connection(pair: Database) -> None:
    for _ in range(5):
        with pytest.raises(asyncpg.DivisionByZeroError):
            await pair.value(BROKEN)
    assert await pair.value(ONE) == 1
    assert pair.idle == pair.pool.get_size() == 1


async def test_a_cancelled_statement_is_stopped_and_costs_no_connection(pair: Database) -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pair.value(SLEEP), 0.05)
    assert await asyncio.wait_for(pair.value(ONE), 5) == 1


async def test_one_who_waits_for_a_connection_may_leave(pair: Database) -> None:
    sleepers = [asyncio.create_task(pair.value(SLEEP)) for _ in range(2)]
    await asyncio.sleep(0.05)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pair.value(ONE), 0.05)
    for sleeper in sleepers:
        sleeper.cancel()
    await asyncio.gather(*sleepers, return_exceptions=True)
    assert await asyncio.wait_for(pair.value(ONE), 5) == 1
    await pair.value(ONE)
    assert pair.idle == pair.pool.get_size()


@pytest.mark.parametrize("handed", ["a connection", "a place"])
async def test_one_who_leaves_when_handed_a_connection_loses_none(
    pair: Database, handed: str
) -> None:
    """A connection goes from hand to hand; one that broke leaves its place to whoever waits."""
    async with pair.session():
        with suppress(asyncpg.DivisionByZeroError):
            async with pair.session() as session:
                waiting = [asyncio.create_task(pair.value(BACKEND)) for _ in range(2)]
                await asyncio.sleep(0.05)
                if handed == "a place":
                    await session.value(BROKEN)
        # Nothing has run since the first of them was woken.
        waiting[0].cancel()
        assert await asyncio.wait_for(waiting[1], 5)
        assert waiting[0].cancelled()
    held = [pair.value(NAP) for _ in range(4)]
    await asyncio.wait_for(asyncio.gather(*held), 5)
    assert pair.idle == pair.pool.get_size() == 2


async def test_when_the_database_goes_away_nobody_waits_for_ever(
    pair: Database, server: EmbeddedServer
) -> None:
    admin = await Database.open(server.url("postgres"), pool_size=1)
    name = await pair.value(NAME)
    waiting = [asyncio.create_task(pair.value(SLEEP)) for _ in range(40)]
    await asyncio.sleep(0.1)
    await admin.run(Query("test.close", f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
    await admin.run(KILL_ALL, name)
    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 20)
    expected = asyncpg.PostgresError, Unavailable
    assert {isinstance(answer, expected) for answer in answers} == {True}, answers
    await admin.run(Query("test.reopen", f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    await admin.close()
    await asyncio.wait_for(asyncio.gather(*(pair.value(NAP) for _ in range(6))), 5)
    assert pair.idle == pair.pool.get_size() == 2


async def test_a_connection_that_died_while_idle_is_replaced(
    pair: Database, database: Database
) -> None:
    died = await pair.value(BACKEND)
    await database.value(KILL, died)
    await asyncio.sleep(0.1)
    assert await pair.value(BACKEND) != died


async def test_a_transaction_left_open_is_rolled_back(pair: Database) -> None:
    async with pair.session() as session:
        await session.connection.execute("BEGIN")
        await session.run(MAKE)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await pair.value(BROKEN)
    assert not await pair.value(MADE)


async def test_a_connection_that_lay_unused_goes_back_to_the_pool(
    pair: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.gather(pair.value(NAP), pair.value(NAP))
    assert (pair.idle, pair.pool.get_idle_size()) == (2, 0)
    monkeypatch.setattr("outgrow.db.pool._KEPT_SECONDS", 0)
    await pair.value(ONE)
    assert (pair.idle, pair.pool.get_idle_size()) == (2, 1)
