"""Up the ladder and down again: relations get tables of their own, and lose them."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

import asyncpg
import pytest

from conftest import Connect
from growing import CAMPUS, STORE, Recorder, opened, until
from laddering import (
    Stopped,
    Stops,
    befriend,
    climb,
    damaged_campus,
    everything,
    growth,
    mirrors,
    outgrow,
    shown,
)
from outgrow.db.pool import Database
from outgrow.errors import GrowthFailed, Refused
from outgrow.growth import control, locks
from outgrow.growth.control import status
from outgrow.growth.state import PHASES, Phase
from outgrow.growth.verification import verify
from outgrow.settings import DEFAULT_STORE


@pytest.fixture
async def raw(database: Database, database_url: str, connect: Connect) -> Any:
    return await damaged_campus(database, connect, database_url)


# -- up, down, again


async def test_up_and_down_the_relations_show_the_same_and_nothing_stays(
    database: Database, raw: Any
) -> None:
    await climb(database, "initial")
    before, rows = await everything(raw), await shown(raw)
    goal: Phase
    for goal in ("hybrid", "relational"):
        done = await climb(database, goal)
        assert done.store.phase == goal
        assert done.ending == "switched"
        assert await shown(raw) == rows
        assert (await climb(database, goal)).steps == ()
    states = await mirrors(raw)
    assert states == dict.fromkeys(CAMPUS.relations, "shadow")
    for goal in ("hybrid", "optimized", "initial"):
        done = await climb(database, goal)
        assert done.store.phase == goal
        assert await shown(raw) == rows
    assert await everything(raw) == before
    assert await mirrors(raw) == {}


async def test_what_old_clients_write_is_seen_in_every_phase(database: Database, raw: Any) -> None:
    for number, phase in enumerate([*PHASES, *reversed(PHASES[:-1])]):
        await climb(database, phase)
        await befriend(raw, "someone", f"friend-{number}")
        await raw.execute(
            f"""INSERT INTO {STORE}
            VALUES ('user:new-{number}', '{{"name": "N", "school": "S"}}')"""
        )
        await raw.execute(f"DELETE FROM {STORE} WHERE key = 'user:new-{number - 1}'")
        records = await raw.fetch(
            "SELECT connected_user_id FROM campus.connections WHERE user_id = 'someone' "
            "ORDER BY pos"
        )
        assert [row[0] for row in records] == [f"friend-{n}" for n in range(number + 1)]
        records = await raw.fetch("SELECT user_id FROM campus.school_members WHERE school = 'S'")
        assert [row[0] for row in records] == [f"new-{number}"]


# -- stopped, killed


@pytest.mark.parametrize(
    "kind",
    ["expand", "backfill", "analyze_table", "verify", "wait_for_snapshots", "switch"],
)
async def test_stopped_behind_any_step_it_goes_on(database: Database, raw: Any, kind: str) -> None:
    await climb(database, "optimized")
    rows = await shown(raw)
    with pytest.raises(Stopped):
        await climb(database, "hybrid", Stops(lambda step: step.kind == kind))
    assert (await growth(raw))["state"] in ("running", "planned")
    await befriend(raw, "meanwhile", "other")
    done = await climb(database, "hybrid")
    assert done.store.phase == "hybrid"
    assert (await growth(raw))["state"] == "switched"
    now = await shown(raw)
    assert len(now.pop("connections")) == len(rows.pop("connections")) + 1
    assert now == rows
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


@pytest.mark.parametrize("kind", ["switch_back", "remove_sync_triggers", "drop_tables"])
async def test_stopped_on_the_way_down_it_goes_on_either_way(
    database: Database, raw: Any, kind: str
) -> None:
    await climb(database, "hybrid")
    ends, rows = {"hybrid": await everything(raw)}, await shown(raw)
    goal: Phase
    for goal in ("hybrid", "optimized"):
        with pytest.raises(Stopped):
            await climb(database, "optimized", Stops(lambda step: step.kind == kind))
        assert await shown(raw) == rows
        await befriend(raw, "meanwhile", f"before-{goal}")
        rows = await shown(raw)
        await climb(database, goal)
        assert await shown(raw) == rows
        assert ends.setdefault(goal, await everything(raw)) == await everything(raw)
    assert await mirrors(raw) == {}


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.soak)])
async def test_killed_at_any_instant_it_ends_as_if_it_had_not_been(
    database: Database, database_url: str, raw: Any, kills: int
) -> None:
    random = Random(kills)
    rows: dict[str, list[str]] = {}
    ends: dict[Phase, set[tuple[str, ...]]] = {}
    goals: tuple[Phase, Phase] = ("relational", "optimized")
    for goal in goals:
        await climb(database, goal)
        ends[goal], rows = await everything(raw), await shown(raw)
    for number in range(kills):
        goal = goals[number % 2]
        process = outgrow(database_url, "grow", "--to", goal)
        # A process takes half a second to begin, the growth up four, down a tenth.
        await asyncio.sleep(random.uniform(0.4, 5 if number % 2 == 0 else 1))
        process.kill()
        await asyncio.to_thread(process.communicate)
        if number % 3 == 0:
            await raw.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'outgrow grow' AND datname = current_database()"
            )

        async def unlocked() -> bool:
            query = "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')"
            return bool(await raw.fetchval(query))

        await until(unlocked, "the server has buried the session")
        assert await shown(raw) == rows
        done = await climb(database, goal)
        assert done.store.phase == goal
        assert await everything(raw) == ends[goal]
        assert await shown(raw) == rows


async def test_a_session_that_is_terminated_says_so_and_can_be_resumed(
    database: Database, raw: Any
) -> None:
    await climb(database, "optimized")
    await raw.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held', '1')")
    task = asyncio.create_task(climb(database, "hybrid"))
    await until(lambda: _waits_for(raw, database, "old client"), "the growth waits")
    await database.pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'outgrow grow' AND datname = current_database()"
    )
    with pytest.raises(GrowthFailed) as failed:
        await task
    assert failed.value.code == "connection_lost"
    await raw.execute("COMMIT")
    seen = await status(database, DEFAULT_STORE, CAMPUS)
    assert seen.growth is not None
    assert seen.growth_state == "failed"
    assert "connection_lost" in (seen.growth.error or "")
    left = await control.wake(database, DEFAULT_STORE, CAMPUS)
    assert left is not None
    done = await control.resume(database, left, DEFAULT_STORE, CAMPUS, Recorder())
    assert done.store.phase == "hybrid"


async def _waits_for(raw: Any, database: Database, who: str) -> bool:
    seen = await status(database, DEFAULT_STORE, CAMPUS)
    return seen.growth is not None and who in seen.growth.waiting


# -- postponed, paused, rolled back


async def test_a_postponed_switch_waits_for_the_command(database: Database, raw: Any) -> None:
    await climb(database, "initial")
    rows = await shown(raw)
    with pytest.raises(Refused) as refused:
        await control.switch(database, DEFAULT_STORE, CAMPUS, Recorder())
    assert refused.value.code == "no_growth"
    done = await climb(database, "hybrid", postpone=True)
    assert (done.ending, done.store.phase) == ("ready", "optimized")
    assert await mirrors(raw) == dict.fromkeys(CAMPUS.hybrid, "verified")
    assert "campus_tables" not in await raw.fetchval("SELECT pg_get_viewdef('campus.connections')")
    await befriend(raw, "meanwhile", "other")
    done = await control.switch(database, DEFAULT_STORE, CAMPUS, Recorder())
    assert (done.ending, done.store.phase) == ("switched", "hybrid")
    assert [step.kind for step, _ in done.steps] == ["wait_for_snapshots", "switch"]
    assert len((await shown(raw))["connections"]) == len(rows["connections"]) + 1


async def test_a_growth_that_is_not_finished_is_rolled_back_without_a_trace(
    database: Database, raw: Any
) -> None:
    await climb(database, "initial")
    before, rows = await everything(raw), await shown(raw)
    with pytest.raises(Stopped):
        await climb(database, "relational", Stops(lambda step: step.kind == "verify"))
    assert await mirrors(raw)
    done = await control.rollback(database, DEFAULT_STORE, CAMPUS, Recorder())
    assert (done.ending, done.store.phase) == ("rolled_back", "initial")
    assert await everything(raw) == before
    assert await shown(raw) == rows
    assert (await growth(raw))["state"] == "rolled_back"
    with pytest.raises(Refused) as refused:
        await control.rollback(database, DEFAULT_STORE, CAMPUS, Recorder())
    assert refused.value.code == "no_growth"


async def _count(names: list[str], name: str, times: int) -> bool:
    return names.count(name) >= times


async def test_a_paused_growth_waits_and_goes_on(database: Database, raw: Any) -> None:
    await climb(database, "optimized")
    await raw.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held', '1')")
    task = asyncio.create_task(climb(database, "hybrid"))
    await until(lambda: _waits_for(raw, database, "old client"), "the growth waits")
    await control.pause(database, DEFAULT_STORE, CAMPUS)
    await until(lambda: _waits_for(raw, database, "paused"), "the growth says that it is paused")
    await raw.execute("COMMIT")
    looks = []
    database.observe_with(lambda name, seconds: looks.append(name))
    await until(lambda: _count(looks, "grow.growth_seen", 5), "it has looked again and again")
    assert await mirrors(raw) == {}
    assert (await status(database, DEFAULT_STORE, CAMPUS)).growth_state == "paused"
    assert await control.wake(database, DEFAULT_STORE, CAMPUS) is None
    assert (await task).store.phase == "hybrid"


async def test_a_growth_gives_way_to_load(
    database: Database, raw: Any, database_url: str, connect: Connect
) -> None:
    await climb(database, "optimized")
    busy = await connect(database_url)
    work = asyncio.create_task(busy.execute("SELECT pg_sleep(600)"))
    await raw.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held', '1')")  # until it has looked
    growing = asyncio.create_task(climb(database, "hybrid", max_load=0))
    await until(lambda: _waits_for(raw, database, "old client"), "the growth waits")
    await raw.execute("COMMIT")
    await until(lambda: _waits_for(raw, database, "other sessions work"), "it gives way")
    await raw.execute("SELECT pg_cancel_backend($1)", busy.get_server_pid())
    with pytest.raises(asyncpg.QueryCanceledError):
        await work
    assert (await growing).store.phase == "hybrid"


# -- others at the same time


async def test_a_reader_of_an_old_snapshot_holds_the_switch_back(
    database: Database, raw: Any, database_url: str, connect: Connect
) -> None:
    await climb(database, "optimized")
    reader = await connect(database_url, server_settings={"application_name": "old reader"})
    await reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    count = "SELECT count(*) FROM campus.school_members"
    before = await raw.fetchval(count)
    assert await reader.fetchval(f"SELECT count(*) FROM {STORE}") > before > 0
    task = asyncio.create_task(climb(database, "hybrid"))
    await until(lambda: _waits_for(raw, database, "old reader"), "the growth says for whom")
    assert "shadow" not in (await mirrors(raw)).values()
    assert await reader.fetchval(count) == before
    await reader.execute("COMMIT")
    assert (await task).store.phase == "hybrid"
    assert await reader.fetchval(count) == before


async def test_the_switch_itself_waits_for_snapshots(
    database: Database, raw: Any, database_url: str, connect: Connect
) -> None:
    """The indexes of tables wait for old readers too; not every table has one."""
    await climb(database, "hybrid", postpone=True)
    reader = await connect(database_url, server_settings={"application_name": "old reader"})
    idle = await connect(database_url, server_settings={"application_name": "idle"})
    await reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
    await idle.execute("BEGIN; SELECT 1")  # sees what is there when it looks
    task = asyncio.create_task(control.switch(database, DEFAULT_STORE, CAMPUS, Recorder()))
    await until(lambda: _waits_for(raw, database, "old reader"), "the growth says for whom")
    await asyncio.sleep(0.3)
    assert set((await mirrors(raw)).values()) == {"verified"}
    await reader.execute("COMMIT")
    assert (await task).store.phase == "hybrid"


async def test_nobody_but_the_growth_waits_for_a_long_transaction(
    database: Database, raw: Any, database_url: str, connect: Connect
) -> None:
    """One holds the store against the triggers, then a relation against the switch."""
    await climb(database, "optimized")
    slowest, count = 0.0, 0
    stop = asyncio.Event()

    async def client(number: int) -> None:
        nonlocal slowest, count
        connection = await connect(database_url)
        while not stop.is_set():
            began = time.monotonic()
            await befriend(connection, f"w{number}", str(count % 50))
            await connection.fetch("SELECT FROM campus.connections WHERE store_key = 'none'")
            await connection.execute(f"DELETE FROM {STORE} WHERE key = 'user:w{number}'")
            slowest = max(slowest, time.monotonic() - began)
            count += 1

    async def went_on() -> bool:
        return count > meanwhile + 50

    clients = [asyncio.create_task(client(n)) for n in range(3)]
    meanwhile = 0
    await until(went_on, "the clients write")
    calm = slowest
    await raw.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held', '1')")
    task = asyncio.create_task(climb(database, "hybrid"))
    await until(lambda: _waits_for(raw, database, "old client"), "it waits before the triggers")
    meanwhile = count
    await until(went_on, "the clients go on")
    await raw.execute("COMMIT; BEGIN; SELECT count(*) FROM campus.connections")

    async def verified() -> bool:
        return set((await mirrors(database.pool)).values()) == {"verified"}

    await until(verified, "everything but the switch is done")
    await until(lambda: _waits_for(raw, database, "old client"), "it waits before the switch")
    meanwhile = count
    await until(went_on, "the clients go on")
    await raw.execute("COMMIT")
    done = await task
    stop.set()
    await asyncio.gather(*clients)
    assert done.store.phase == "hybrid"
    assert slowest < 0.5 + 5 * calm
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


async def test_keys_that_somebody_has_locked_are_copied_at_the_end(
    database: Database, raw: Any, database_url: str, connect: Connect
) -> None:
    await climb(database, "optimized")
    rows = await shown(raw)
    key = await raw.fetchval(f"SELECT key FROM {STORE} WHERE key LIKE 'user:%:connections' LIMIT 1")
    with pytest.raises(Stopped):
        await climb(database, "hybrid", Stops(lambda step: step.kind == "expand"))
    await raw.execute("BEGIN")
    await raw.execute(f"SELECT FROM {STORE} WHERE key = $1 FOR UPDATE", key)
    task = asyncio.create_task(climb(database, "hybrid"))

    async def owed() -> Any:
        return await database.pool.fetchval(
            "SELECT array_agg(key) FROM outgrow.skipped WHERE relation = 'connections'"
        )

    assert await until(owed, "the key is written down") == [key]
    task.cancel()
    await asyncio.wait([task])
    await raw.execute("COMMIT")
    await climb(database, "hybrid")
    assert await shown(raw) == rows
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


async def test_short_transactions_that_overlap_all_the_time_do_not_starve_it(
    database: Database,
    raw: Any,
    database_url: str,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At every moment some transaction holds the store, and one that held it 50 ms before."""
    monkeypatch.setattr(locks, "STARVED", 1.0)
    await climb(database, "optimized")
    waits: list[float] = []
    stop = asyncio.Event()

    async def client(number: int) -> None:
        connection = await connect(database_url)
        await asyncio.sleep(0.05 * number)
        while not stop.is_set():
            async with connection.transaction():
                began = time.monotonic()
                await connection.execute(f"INSERT INTO {STORE} VALUES ($1, '1')", f"w{number}")
                await connection.fetch("SELECT FROM campus.connections WHERE store_key = 'none'")
                waits.append(time.monotonic() - began)
                await asyncio.sleep(0.22)
                await connection.execute(f"DELETE FROM {STORE} WHERE key = $1", f"w{number}")

    clients = [asyncio.create_task(client(n)) for n in range(4)]
    async with asyncio.timeout(90):
        done = await climb(database, "hybrid")
    stop.set()
    await asyncio.gather(*clients)
    assert done.store.phase == "hybrid"
    assert sum(wait > locks.LONGEST_INSTANT for wait in waits) < len(waits) / 2
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


async def expanded(database: Database, raw: Any) -> str:
    """On the way to hybrid, before anything is copied; a key that the triggers have not seen."""
    await climb(database, "optimized")
    with pytest.raises(Stopped):
        await climb(database, "hybrid", Stops(lambda step: step.kind == "expand"))
    sql = f"SELECT key FROM {STORE} WHERE key LIKE 'user:%:connections' LIMIT 1"
    key: str = await raw.fetchval(sql)
    return key


async def test_nobody_queues_behind_the_growth_for_a_locked_key(
    database: Database, raw: Any
) -> None:
    """Whoever waits for a row has the next place: the growth never for long."""
    key = await expanded(database, raw)
    await raw.execute("BEGIN")
    await raw.execute(f"SELECT FROM {STORE} WHERE key = $1 FOR UPDATE", key)
    task = asyncio.create_task(climb(database, "hybrid"))
    await until(lambda: _waits_for(raw, database, "tries again"), "the growth gives way")
    waited, began = 0.0, time.monotonic()
    for _ in range(100):
        seconds = await database.pool.fetchval(
            "SELECT extract(epoch FROM clock_timestamp() - query_start)::float "
            "FROM pg_stat_activity WHERE application_name = 'outgrow grow' "
            "AND datname = current_database() AND wait_event_type = 'Lock'"
        )
        waited = max(waited, seconds or 0.0)
        await asyncio.sleep(0.01)
    assert waited < (time.monotonic() - began) / 2, "for 50 ms, again and again"
    assert not task.done()
    await raw.execute("COMMIT")
    assert (await task).store.phase == "hybrid"
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


async def test_a_locked_key_that_was_written_meanwhile_is_not_waited_for(
    database: Database, raw: Any
) -> None:
    key = await expanded(database, raw)
    await befriend(raw, key.split(":")[1], "somebody new")
    await raw.execute("BEGIN")
    await raw.execute(f"SELECT FROM {STORE} WHERE key = $1 FOR UPDATE", key)
    task = asyncio.create_task(climb(database, "hybrid"))

    async def filled() -> bool:
        return (await mirrors(database.pool))["connections"] != "filling"

    await until(filled, "all that was there is copied")
    await raw.execute("COMMIT")
    assert (await task).store.phase == "hybrid"
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


async def test_the_command_is_killed_and_resumed_as_a_process(
    database: Database, database_url: str, raw: Any
) -> None:
    await climb(database, "optimized")
    await raw.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held', '1')")
    process = outgrow(database_url, "grow", "--to", "hybrid")
    await until(lambda: _waits_for(raw, database, "old client"), "the growth waits")
    process.kill()
    await asyncio.to_thread(process.communicate)
    await raw.execute("COMMIT")

    async def free() -> bool:
        return not await control.is_running(database, DEFAULT_STORE, CAMPUS)

    await until(free, "the server has buried the session")
    for arguments, expected, text in (
        (["pause"], 3, "is not running"),
        (["switch"], 3, "not ready"),
        (["status"], 0, "interrupted"),
        (["resume"], 0, "is hybrid"),
        (["resume"], 3, "no growth"),
        (["verify"], 0, "the same"),
        (["status"], 0, "shadow"),
    ):
        process = outgrow(database_url, *arguments)
        out, err = await asyncio.to_thread(process.communicate, timeout=60)
        assert process.returncode == expected, (arguments, out, err)
        assert text in out + err
        assert "Traceback" not in err
    async with opened(database_url) as another:
        assert (await status(another, DEFAULT_STORE, CAMPUS)).store.phase == "hybrid"
