"""Growing a store to `optimized` and back, while others use it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest

from conftest import Connect
from growing import (
    CAMPUS,
    STORE,
    Recorder,
    building,
    grow,
    indexes,
    objects,
    old_client,
    open_transaction,
    opened,
    until,
    wanted,
)
from outgrow import layout
from outgrow.db.pool import Database
from outgrow.errors import GrowthFailed, Refused
from outgrow.growth import catalog
from outgrow.growth.context import StepContext
from outgrow.growth.control import status
from outgrow.growth.state import Phase
from outgrow.growth.steps import CreateStatistics, DropStatistics
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE

DUPLICATES = [f"kv_store_2516be19_key_idx{n}" for n in range(19)]


@pytest.fixture
async def raw(database_url: str, connect: Connect) -> Any:
    return await old_client(connect, database_url)


@pytest.fixture
async def blocker(database_url: str, connect: Connect) -> Any:
    return await open_transaction(connect, database_url)


# -- what is dropped, and what is not


async def test_nineteen_duplicates_go_and_the_primary_key_stays(
    database: Database, raw: Any
) -> None:
    for name in DUPLICATES:
        await raw.execute(f'CREATE INDEX "{name}" ON {STORE} (key)')
    done = await grow(database, "optimized")
    assert set(await indexes(raw)) == wanted() | {f"{DEFAULT_STORE}_pkey"}
    assert len(done.plan.irrevocable) == 19
    assert done.store.phase == "optimized"
    await grow(database, "initial")
    assert set(await indexes(raw)) == {f"{DEFAULT_STORE}_pkey"}


async def test_an_index_that_a_failed_build_left_goes(database: Database, raw: Any) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await raw.execute(
            f"CREATE UNIQUE INDEX CONCURRENTLY broken ON {STORE} ((value ->> 'school'))"
        )
    assert ("i", "broken", "false") in {row[:3] for row in await objects(raw)}
    await grow(database, "optimized")
    assert "broken" not in {row[1] for row in await objects(raw)}


async def test_our_own_invalid_index_is_built_again(
    database: Database, raw: Any, blocker: Any
) -> None:
    first = layout.indexes(CAMPUS, "public", DEFAULT_STORE)[0]
    await raw.execute("SET lock_timeout = '50ms'")
    with pytest.raises(asyncpg.LockNotAvailableError):
        await raw.execute(first.create.sql)
    assert ("i", first.name, "false") in {row[:3] for row in await objects(raw)}
    await blocker.execute("COMMIT")
    await grow(database, "optimized")
    assert first.name in await indexes(raw)


async def test_an_index_that_somebody_is_building_is_left_to_them(
    database: Database, raw: Any, blocker: Any, database_url: str, connect: Connect
) -> None:
    other = await connect(database_url, server_settings={"application_name": "their migration"})
    theirs = asyncio.create_task(
        other.execute(f"CREATE INDEX CONCURRENTLY theirs ON {STORE} (lower(key))")
    )
    await until(lambda: building(raw), "their build waits")
    recorder = Recorder()
    ours = asyncio.create_task(grow(database, "optimized", recorder))

    async def waits() -> bool:
        return any("their migration" in text for text in recorder.waits)

    await until(waits, "our growth says that it waits for their build")
    await blocker.execute("COMMIT")
    await theirs
    await ours
    assert {"theirs"} | wanted() <= (await indexes(raw)).keys()


# -- going on, going back, again


async def test_running_it_again_does_nothing(database: Database, raw: Any) -> None:
    await grow(database, "optimized")
    before = await indexes(raw)
    done = await grow(database, "optimized")
    assert done.steps == ()
    assert await indexes(raw) == before


async def test_initial_removes_all_that_was_made_and_nothing_else(
    database: Database, raw: Any
) -> None:
    await raw.execute(
        f"CREATE INDEX mine ON {STORE} (lower(key)); CREATE STATISTICS mine "
        f"ON (length(key)) FROM {STORE}; CREATE TABLE og_table (og_column text)"
    )
    before = await objects(raw)
    await grow(database, "optimized")
    assert len(await objects(raw) - before) > 20
    done = await grow(database, "initial")
    assert await objects(raw) == before
    assert done.store.phase == "initial"
    assert (await grow(database, "initial")).steps == ()


async def test_an_index_that_is_not_asked_for_any_more_goes(database: Database, raw: Any) -> None:
    older = msgspec.structs.replace(CAMPUS, indexes=CAMPUS.indexes[:3])
    await grow(database, "optimized", blueprint=older)
    before = await indexes(raw)
    await grow(database, "optimized")
    assert set(await indexes(raw)) == wanted() | {f"{DEFAULT_STORE}_pkey"}
    done = await grow(database, "optimized", blueprint=older)
    after = await indexes(raw)
    assert after.keys() == before.keys()
    assert all(s.kind == "install" or s.kind.startswith("drop") for s, _ in done.steps)


async def test_another_blueprint_on_the_same_store_keeps_its_indexes(
    database: Database, raw: Any
) -> None:
    await grow(database, "optimized")
    await raw.execute(
        f"INSERT INTO outgrow.layouts (name, store, version) "
        f"VALUES ('another', 'public.{DEFAULT_STORE}', '1'); "
        f"CREATE INDEX og_theirs ON {STORE} (lower(key))"
    )
    await grow(database, "initial")
    assert set(await indexes(raw)) == {"og_theirs", f"{DEFAULT_STORE}_pkey"}


async def test_a_key_in_c_order_needs_no_other_order(database: Database, raw: Any) -> None:
    await raw.execute(f'ALTER TABLE {STORE} ALTER key TYPE text COLLATE "C"')
    done = await grow(database, "optimized")
    assert not any(name.startswith("og_key") for name in await indexes(raw))
    assert (await grow(database, "optimized")).steps == ()
    assert done.store.phase == "optimized"


@pytest.mark.parametrize(
    ("schema", "table"), [("public", 'Ödd "store"'), ("My $1 schema", "it's; --")]
)
async def test_any_name_will_do(database: Database, raw: Any, schema: str, table: str) -> None:
    name = layout.indexes(CAMPUS, schema, table)[0].create.sql.split(" ON ")[1].split(" (key")[0]
    await raw.execute(
        f'CREATE SCHEMA IF NOT EXISTS "{schema}"; '
        f"CREATE TABLE {name} (key text PRIMARY KEY, value jsonb NOT NULL, extra int)"
        f'; CREATE INDEX "a.b ""c""" ON {name} (key)'
    )
    store = f"{schema}.{table}"
    await grow(database, "optimized", store=store)
    assert len(await indexes(raw, name)) == len(wanted()) + 1
    await grow(database, "initial", store=store)
    assert len(await indexes(raw, name)) == 1


async def test_the_table_is_never_rewritten(database: Database, raw: Any) -> None:
    query = f"SELECT pg_relation_filenode('{STORE}'::regclass)"
    before = await raw.fetchval(query)
    await grow(database, "optimized")
    await grow(database, "initial")
    assert await raw.fetchval(query) == before


# -- others at the same time


async def test_reads_and_writes_go_on_while_it_waits_for_a_transaction(
    database: Database, raw: Any, blocker: Any, database_url: str, connect: Connect
) -> None:
    slowest = 0.0
    count = 0
    stop = asyncio.Event()

    async def client(number: int) -> None:
        nonlocal slowest, count
        connection = await connect(database_url)
        while not stop.is_set():
            began = time.monotonic()
            await connection.execute(
                f"""INSERT INTO {STORE} VALUES ('user:w{number}:{count % 7}', '{{"name": "W"}}')
                ON CONFLICT (key) DO UPDATE SET value = excluded.value"""
            )
            await connection.fetch(f"SELECT value FROM {STORE} WHERE key = 'user:u1'")
            await connection.execute(f"DELETE FROM {STORE} WHERE key = 'user:w{number}:3'")
            slowest = max(slowest, time.monotonic() - began)
            count += 1

    clients = [asyncio.create_task(client(n)) for n in range(3)]
    recorder = Recorder()
    growth = asyncio.create_task(grow(database, "optimized", recorder))

    async def waits() -> bool:
        return bool(recorder.waits)

    await until(waits, "the growth says whom it waits for")
    assert "slow report, idle in transaction" in recorder.waits[0]
    assert "open since" in recorder.waits[0]
    assert not growth.done()
    meanwhile = count

    async def went_on() -> bool:
        return count > meanwhile + 10

    await until(went_on, "the clients go on")
    await blocker.execute("COMMIT")
    await growth
    stop.set()
    await asyncio.gather(*clients)
    assert wanted() <= (await indexes(raw)).keys()
    assert slowest < 2


async def test_an_owner_who_is_no_superuser_can_grow(
    server: Any, database_url: str, raw: Any, blocker: Any
) -> None:
    name = await raw.fetchval("SELECT current_database()")
    owner = f"{name}_owner"
    await blocker.execute("COMMIT")
    await raw.execute(
        f"CREATE ROLE {owner} LOGIN; ALTER DATABASE {name} OWNER TO {owner}; "
        f"ALTER TABLE {STORE} OWNER TO {owner}"
    )
    await blocker.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held again', '1')")
    blocking = blocker.get_server_pid()
    hosted = await Database.open(server.url(name).replace("postgres@", f"{owner}@"))
    try:
        recorder = Recorder()
        growth = asyncio.create_task(grow(hosted, "optimized", recorder))
        await until(lambda: building(raw), "the first build waits")

        async def waits() -> bool:
            return bool(recorder.waits)

        await until(waits, "the growth says whom it waits for")
        await blocker.execute("COMMIT")
        assert (await growth).store.phase == "optimized"
        await grow(hosted, "initial")
    finally:
        blocker.terminate()
        await hosted.close()
        await raw.execute(
            f"ALTER DATABASE {name} OWNER TO postgres; REASSIGN OWNED BY {owner} TO postgres; "
            f"DROP OWNED BY {owner}; DROP ROLE {owner}"
        )
    # PostgreSQL tells the owner no more than this of a session of another role.
    assert recorder.waits[0] == f"waits for pid {blocking} (slow report)"


@pytest.mark.parametrize(
    ("how", "code"),
    [("pg_terminate_backend", "connection_lost"), ("pg_cancel_backend", "growth_cancelled")],
)
async def test_a_growth_that_is_stopped_goes_on_from_there(
    database: Database, raw: Any, blocker: Any, how: str, code: str
) -> None:
    growth = asyncio.create_task(grow(database, "optimized"))
    pid = await until(lambda: building(raw), "the first build waits")
    await raw.execute(f"SELECT {how}({pid})")
    with pytest.raises(GrowthFailed) as failed:
        await growth
    assert failed.value.code == code
    assert "outgrow grow --to optimized" in (failed.value.hint or "")
    assert any(row[2] == "false" for row in await objects(raw))
    await blocker.execute("COMMIT")
    done = await grow(database, "optimized")
    assert done.steps[0][0].kind == "drop_index"
    resumed = await objects(raw)
    await grow(database, "initial")
    await grow(database, "optimized")
    assert await objects(raw) == resumed
    assert not any(row[2] == "false" for row in resumed)


@pytest.mark.parametrize("kills", [4, pytest.param(200, marks=pytest.mark.soak)])
async def test_killed_at_any_instant_it_ends_as_if_it_had_not_been(
    database_url: str, raw: Any, kills: int
) -> None:
    random = Random(kills)

    async def unlocked() -> bool:
        query = "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')"
        return bool(await raw.fetchval(query))

    ends: dict[Phase, set[tuple[str, ...]]] = {}
    seconds: dict[Phase, float] = {}
    goals: tuple[Phase, Phase] = ("optimized", "initial")
    async with opened(database_url) as database:
        for goal in goals:
            began = time.monotonic()
            await grow(database, goal)
            seconds[goal] = time.monotonic() - began
            ends[goal] = await objects(raw)
    killed = 0
    while killed < kills:
        for goal in goals:
            async with opened(database_url) as database:
                growth = asyncio.create_task(grow(database, goal))
                await asyncio.sleep(random.uniform(0, seconds[goal]))
                killed += await raw.fetchval(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE application_name = 'outgrow grow' AND datname = current_database()"
                )
                with suppress(GrowthFailed):
                    await growth
                await until(unlocked, "the server has buried the session")
                done = await grow(database, goal)
            assert await objects(raw) == ends[goal]
            assert done.store.phase == goal


async def test_a_build_that_loses_a_deadlock_is_tried_again(
    database: Database, raw: Any, database_url: str, connect: Connect
) -> None:
    other = await connect(database_url)
    await other.execute("SET deadlock_timeout = '1min'")
    await other.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held', '1')")
    growth = asyncio.create_task(grow(database, "optimized"))
    await until(lambda: building(raw), "the first build waits for the transaction")
    first = await raw.fetchval("SELECT index_relid FROM pg_stat_progress_create_index")
    # Needs the lock that the build holds, which notices the deadlock first.
    await other.execute(f"ANALYZE {STORE}")
    assert not growth.done()
    await other.execute("COMMIT")
    done = await growth
    assert done.store.phase == "optimized"
    assert first not in (await indexes(raw)).values()
    assert wanted() <= (await indexes(raw)).keys()


async def test_a_build_that_somebodys_truncate_has_finished_is_done(
    database: Database, raw: Any, database_url: str, connect: Connect
) -> None:
    """TRUNCATE builds every index of the table, and makes what a failed build left valid."""
    other = await connect(database_url)
    await other.execute("SET deadlock_timeout = '1min'")
    await other.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held', '1')")
    growth = asyncio.create_task(grow(database, "optimized"))
    pid = await until(lambda: building(raw), "the first build waits for the transaction")
    await other.execute(f"TRUNCATE {STORE}")
    waits = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
    await until(lambda: raw.fetchval(waits, pid), "the growth looks what is left of it")
    await other.execute("COMMIT")
    assert (await growth).store.phase == "optimized"
    assert wanted() <= (await indexes(raw)).keys()


async def test_a_build_that_cannot_succeed_leaves_nothing_behind(
    database: Database, raw: Any
) -> None:
    await grow(database, "optimized")
    await grow(database, "initial")
    await raw.execute(
        "CREATE OR REPLACE FUNCTION outgrow.key_of(v jsonb) RETURNS text LANGUAGE plpgsql "
        "IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$; "
        "DELETE FROM outgrow.definitions WHERE object LIKE '%key_of%'"  # or it is mended first
    )
    with pytest.raises(GrowthFailed) as failed:
        await grow(database, "optimized")
    assert failed.value.code == "index_not_built"
    assert "no room" in (failed.value.detail or "")
    assert not any(row[2] == "false" for row in await objects(raw))
    assert (await status(database, DEFAULT_STORE, CAMPUS)).store.phase == "initial"


async def test_the_phase_is_written_only_while_all_of_it_is_there(
    database: Database, raw: Any, blocker: Any
) -> None:
    await blocker.execute("COMMIT")
    await grow(database, "optimized")
    name = sorted(wanted())[3]
    await raw.execute(f"DROP INDEX {name}")
    await blocker.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held again', '1')")
    growth = asyncio.create_task(grow(database, "optimized"))
    await until(lambda: building(raw), "the missing index is being built")
    assert await raw.fetchval("SELECT phase FROM outgrow.layouts") == "initial"
    await blocker.execute("COMMIT")
    done = await growth
    kinds = [step.kind for step, _ in done.steps]
    assert kinds == ["record", "create_index", "analyze", "record"]
    assert await raw.fetchval("SELECT phase FROM outgrow.layouts") == "optimized"


async def test_a_growth_that_ended_just_before_its_record_is_finished(
    database: Database, raw: Any
) -> None:
    await grow(database, "optimized")
    await raw.execute("UPDATE outgrow.layouts SET phase = 'initial'")
    done = await grow(database, "optimized")
    assert [step.kind for step, _ in done.steps] == ["analyze", "record"]
    assert done.store.phase == "optimized"


async def test_one_growth_at_a_time(database: Database, raw: Any, blocker: Any) -> None:
    growth = asyncio.create_task(grow(database, "optimized"))
    pid = await until(lambda: building(raw), "the first build waits")
    with pytest.raises(Refused) as refused:
        await grow(database, "initial")
    assert refused.value.code == "growing"
    assert str(pid) in refused.value.message
    seen = await status(database, DEFAULT_STORE, CAMPUS)
    assert seen.growing is not None
    assert seen.growing.pid == pid
    assert "slow report" in seen.growing.waiting
    await blocker.execute("COMMIT")
    await growth


# -- what is refused, and what is only looked at


# -- the command


async def test_timeouts_of_the_server_are_not_for_a_growth(
    database_url: str, raw: Any, blocker: Any
) -> None:
    await blocker.execute("COMMIT")
    async with opened(database_url) as patient:
        await grow(patient, "initial")
    await blocker.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held again', '1')")
    name = await raw.fetchval("SELECT current_database()")
    for setting in ("lock_timeout", "statement_timeout", "idle_session_timeout"):
        await raw.execute(f"ALTER DATABASE {name} SET {setting} = '300ms'")
    async with opened(database_url) as impatient:
        growth = asyncio.create_task(grow(impatient, "optimized"))
        await until(lambda: building(raw), "the first build waits")
        await asyncio.sleep(0.8)
        await blocker.execute("COMMIT")
        assert (await growth).store.phase == "optimized"


# -- what a statement meets that is planned meanwhile


async def test_statistics_go_without_an_error_for_whoever_is_planning(
    database: Database, database_url: str, connect: Connect
) -> None:
    """PostgreSQL drops statistics under a lock that planners do not notice, who then miss them."""
    rounds = 40
    await install(database)
    stopped = asyncio.Event()

    async def plan() -> None:
        connection = await connect(database_url)
        while not stopped.is_set():
            await connection.execute(f"EXPLAIN SELECT FROM {STORE} WHERE value->>'school' = 'MIT'")

    async def create_and_drop() -> None:
        missing = tuple(layout.statistics(CAMPUS, "public", DEFAULT_STORE))
        present = {statistics.name: "public" for statistics in missing}
        async with database.session() as session:
            store = await catalog.read_located(session, DEFAULT_STORE, CAMPUS, current=True)
            context = StepContext(CAMPUS, store, database, session)
            for _ in range(rounds):
                await CreateStatistics(missing).run(context)
                await DropStatistics(present, "").run(context)

    planners = [asyncio.create_task(plan()) for _ in range(3)]
    await create_and_drop()
    stopped.set()
    await asyncio.gather(*planners)
