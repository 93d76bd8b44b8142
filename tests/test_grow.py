"""Growing a store to `optimized` and back, while others use it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
import pytest

from conftest import Connect
from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.blueprint import campus as campus_blueprint
from outgrow.database import Database
from outgrow.errors import GrowthFailed, Refused
from outgrow.grow import runner
from outgrow.grow.plan import Plan
from outgrow.grow.runner import Done, blocks_read
from outgrow.grow.status import status
from outgrow.grow.steps import Phase, Step
from outgrow.settings import DEFAULT_STORE

STORE = f'public."{DEFAULT_STORE}"'
CAMPUS = campus_blueprint()
DUPLICATES = [f"kv_store_2516be19_key_idx{n}" for n in range(19)]


class Recorder:
    """A watcher that remembers what it was told."""

    def __init__(self) -> None:
        self.waits: list[str] = []
        self.blocks: list[int] = []
        self.done: list[str] = []
        self.total = 0

    def planned(self, plan: Plan, blocks: int) -> None:
        self.total = blocks

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
        found = await condition()
        if found:
            return found
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


@pytest.fixture
async def raw(database_url: str, connect: Connect) -> Any:
    """A connection of an old client, to a store with a few users."""
    connection = await connect(database_url, server_settings={"application_name": "old client"})
    await fill(connection)
    return connection


@pytest.fixture
async def blocker(database_url: str, connect: Connect) -> Any:
    """A transaction that has written to the store and stays open: every build waits for it."""
    connection = await connect(database_url, server_settings={"application_name": "slow report"})
    await connection.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held', '1')")
    return connection


async def building(raw: Any) -> int | None:
    """The pid of whoever builds an index in this database and waits for somebody."""
    pid: int | None = await raw.fetchval(
        "SELECT pid FROM pg_stat_progress_create_index "
        "WHERE datname = current_database() AND phase LIKE 'waiting for%' "
        "AND cardinality(pg_blocking_pids(pid)) > 0"
    )
    return pid


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
    await grow(database, "found")
    assert set(await indexes(raw)) == {f"{DEFAULT_STORE}_pkey"}


@pytest.mark.parametrize(
    ("sql", "dropped"),
    [
        # Nothing but an exact duplicate is one.
        ("CREATE INDEX a ON {s} (key DESC)", ""),
        ("CREATE INDEX a ON {s} (key text_pattern_ops)", ""),
        ('CREATE INDEX a ON {s} (key COLLATE "POSIX")', ""),
        ("CREATE INDEX a ON {s} (key) INCLUDE (value)", ""),
        ("CREATE INDEX a ON {s} (key) WHERE key > 'm'", ""),
        ("CREATE INDEX a ON {s} USING hash (key)", ""),
        ("CREATE INDEX a ON {s} (lower(key)); CREATE INDEX b ON {s} (upper(key))", ""),
        ("CREATE INDEX a ON {s} (lower(key)); CREATE INDEX b ON {s} (lower(key))", "b"),
        ("CREATE INDEX a ON {s} USING gin (value); CREATE INDEX b ON {s} USING gin (value)", "b"),
        (
            "CREATE INDEX a ON {s} USING gin (value); "
            "CREATE INDEX b ON {s} USING gin (value jsonb_path_ops)",
            "",
        ),
        # A unique one stays unless an equal unique one does.
        ("CREATE UNIQUE INDEX a ON {s} (key)", "a"),
        ("CREATE INDEX a ON {s} (lower(key)); CREATE UNIQUE INDEX b ON {s} (lower(key))", "a"),
        ("CREATE UNIQUE INDEX a ON {s} (key) NULLS NOT DISTINCT", ""),
        # What something else hangs on stays.
        ("ALTER TABLE {s} ADD CONSTRAINT a UNIQUE (key)", ""),
        (
            "CREATE UNIQUE INDEX a ON {s} (key); ALTER TABLE {s} REPLICA IDENTITY USING INDEX a",
            "",
        ),
        ("CREATE INDEX a ON {s} (key); ALTER TABLE {s} CLUSTER ON a", ""),
        (
            "CREATE INDEX a ON {s} (lower(key)); CREATE INDEX b ON {s} (lower(key)); "
            "ALTER TABLE {s} CLUSTER ON b",
            "a",
        ),
        (
            "CREATE UNIQUE INDEX a ON {s} (key, value); CREATE UNIQUE INDEX b ON {s} (key, value); "
            "CREATE TABLE child (k text, v jsonb, FOREIGN KEY (k, v) REFERENCES {s} (key, value))",
            "b",
        ),
        (
            "ALTER TABLE {s} ADD CONSTRAINT a UNIQUE (key, value) DEFERRABLE; "
            "CREATE UNIQUE INDEX b ON {s} (key, value)",
            "",
        ),
    ],
)
async def test_which_indexes_are_duplicates(
    database: Database, raw: Any, sql: str, dropped: str
) -> None:
    await raw.execute(sql.format(s=STORE))
    planned = await runner.plan(database, "optimized", DEFAULT_STORE, CAMPUS)
    assert [s.name for s in planned.steps if s.kind == "drop_index"] == dropped.split()


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


async def test_found_takes_away_all_that_was_made_and_nothing_else(
    database: Database, raw: Any
) -> None:
    await raw.execute(
        f"CREATE INDEX mine ON {STORE} (lower(key)); CREATE STATISTICS mine "
        f"ON (length(key)) FROM {STORE}; CREATE TABLE og_table (og_column text)"
    )
    before = await objects(raw)
    await grow(database, "optimized")
    assert len(await objects(raw) - before) > 20
    done = await grow(database, "found")
    assert await objects(raw) == before
    assert done.store.phase == "found"
    assert (await grow(database, "found")).steps == ()


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
    await grow(database, "found")
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
    await grow(database, "found", store=store)
    assert len(await indexes(raw, name)) == 1


async def test_the_table_is_never_written_anew(database: Database, raw: Any) -> None:
    query = f"SELECT pg_relation_filenode('{STORE}'::regclass)"
    before = await raw.fetchval(query)
    await grow(database, "optimized")
    await grow(database, "found")
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
    await asyncio.sleep(0.3)
    assert count > meanwhile
    await blocker.execute("COMMIT")
    await growth
    stop.set()
    await asyncio.gather(*clients)
    assert wanted() <= (await indexes(raw)).keys()
    assert slowest < 2


async def test_a_growth_whose_session_is_killed_goes_on_from_there(
    database: Database, raw: Any, blocker: Any
) -> None:
    growth = asyncio.create_task(grow(database, "optimized"))
    pid = await until(lambda: building(raw), "the first build waits")
    await raw.execute(f"SELECT pg_terminate_backend({pid})")
    with pytest.raises(GrowthFailed) as failed:
        await growth
    assert failed.value.code in ("growth_cancelled", "connection_lost")
    assert "outgrow grow --to optimized" in (failed.value.hint or "")
    assert any(row[2] == "false" for row in await objects(raw))
    await blocker.execute("COMMIT")
    done = await grow(database, "optimized")
    assert done.steps[0][0].kind == "drop_index"
    resumed = await objects(raw)
    await grow(database, "found")
    await grow(database, "optimized")
    assert await objects(raw) == resumed
    assert not any(row[2] == "false" for row in resumed)


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


async def test_a_build_that_cannot_succeed_leaves_nothing_behind(
    database: Database, raw: Any
) -> None:
    await grow(database, "optimized")
    await grow(database, "found")
    await raw.execute(
        "CREATE OR REPLACE FUNCTION outgrow.key_of(v jsonb) RETURNS text LANGUAGE plpgsql "
        "IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$"
    )
    with pytest.raises(GrowthFailed) as failed:
        await grow(database, "optimized")
    assert failed.value.code == "index_not_built"
    assert "no room" in (failed.value.detail or "")
    assert not any(row[2] == "false" for row in await objects(raw))
    assert (await status(database, DEFAULT_STORE, CAMPUS)).store.phase == "found"


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
    assert await raw.fetchval("SELECT phase FROM outgrow.layouts") == "found"
    await blocker.execute("COMMIT")
    done = await growth
    kinds = [step.kind for step, _ in done.steps]
    assert kinds == ["record", "create_index", "analyze", "record"]
    assert await raw.fetchval("SELECT phase FROM outgrow.layouts") == "optimized"


async def test_one_growth_at_a_time(database: Database, raw: Any, blocker: Any) -> None:
    growth = asyncio.create_task(grow(database, "optimized"))
    pid = await until(lambda: building(raw), "the first build waits")
    with pytest.raises(Refused) as refused:
        await grow(database, "found")
    assert refused.value.code == "growing"
    assert str(pid) in refused.value.message
    seen = await status(database, DEFAULT_STORE, CAMPUS)
    assert seen.growing is not None
    assert seen.growing.pid == pid
    assert "slow report" in seen.growing.waiting
    await blocker.execute("COMMIT")
    await growth


# -- what is refused, and what is only looked at


async def test_a_plan_changes_nothing_even_where_nothing_may_change(
    database: Database, raw: Any, database_url: str, connect: Connect
) -> None:
    await raw.execute(f"CREATE INDEX twice ON {STORE} (key)")
    name = await raw.fetchval("SELECT current_database()")
    await raw.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    before = await objects(raw)
    await database.pool.expire_connections()
    planned = await runner.plan(database, "optimized", DEFAULT_STORE, CAMPUS)
    kinds = [step.kind for step in planned.steps]
    assert kinds[:2] == ["install", "drop_index"]
    assert kinds.count("create_index") == len(wanted())
    assert kinds[-2:] == ["analyze", "record"]
    assert planned.irrevocable == (
        f"CREATE INDEX twice ON {STORE} USING btree (key)".replace('"', ""),
    )
    json.dumps(planned.as_dict())
    assert await objects(raw) == before
    assert await raw.fetchval("SELECT to_regnamespace('outgrow')") is None


async def test_who_may_not_make_indexes_is_told_so(
    server: Any, database: Database, raw: Any
) -> None:
    await grow(database, "found")
    name = await raw.fetchval("SELECT current_database()")
    await raw.execute(
        f"CREATE ROLE {name}_guest LOGIN; GRANT SELECT ON {STORE} TO {name}_guest; "
        f"GRANT USAGE ON SCHEMA outgrow, campus TO {name}_guest; "
        f"GRANT SELECT ON outgrow.layouts TO {name}_guest"
    )
    guest = await Database.open(server.url(name).replace("postgres@", f"{name}_guest@"))
    try:
        with pytest.raises(Refused) as refused:
            await grow(guest, "optimized")
        assert refused.value.code == "not_owner"
    finally:
        await guest.close()
        await raw.execute(f"DROP OWNED BY {name}_guest; DROP ROLE {name}_guest")


async def test_a_partitioned_store_is_refused(database: Database, raw: Any) -> None:
    await raw.execute(
        f"DROP TABLE {STORE}; CREATE TABLE {STORE} (key text PRIMARY KEY, value jsonb NOT NULL) "
        "PARTITION BY HASH (key)"
    )
    with pytest.raises(Refused) as refused:
        await runner.plan(database, "optimized", DEFAULT_STORE, CAMPUS)
    assert refused.value.code == "partitioned_store"


async def test_status_says_what_each_index_is(database: Database, raw: Any) -> None:
    await raw.execute(
        f"CREATE INDEX twice ON {STORE} (key); CREATE INDEX own ON {STORE} (lower(key))"
    )
    seen = await status(database, DEFAULT_STORE, CAMPUS)
    roles = {role.name: role.role for role in seen.indexes}
    assert roles == {f"{DEFAULT_STORE}_pkey": "needed", "twice": "duplicate", "own": "other"}
    assert wanted() < set(seen.missing)
    assert seen.store.phase is None
    await grow(database, "optimized")
    seen = await status(database, DEFAULT_STORE, CAMPUS)
    assert {role.name for role in seen.indexes if role.role == "wanted"} == wanted()
    assert seen.missing == ()
    assert seen.growing is None


async def test_progress_counts_to_the_end(database: Database, raw: Any) -> None:
    await raw.execute(
        f"INSERT INTO {STORE} SELECT 'user:x' || n, jsonb_build_object('bio', repeat('word ', 40)) "
        "FROM generate_series(1, 3000) n"
    )
    recorder = Recorder()
    done = await grow(database, "optimized", recorder)
    assert recorder.total == len(wanted()) * 2 * done.plan.store.blocks > 0
    assert recorder.blocks == sorted(recorder.blocks)
    assert 0 < recorder.blocks[-1] <= recorder.total
    assert recorder.done == [step.name for step, _ in done.steps]


@pytest.mark.parametrize(
    ("phase", "scanned", "read"),
    [
        ("initializing", 0, 0),
        ("waiting for writers before build", 0, 0),
        ("building index", 40, 40),
        ("building index: scanning table", 40, 40),
        ("building index: sorting live tuples", 0, 100),
        ("waiting for writers before validation", 0, 100),
        ("index validation: scanning index", 7, 100),
        ("index validation: scanning table", 40, 140),
        ("waiting for old snapshots", 0, 200),
    ],
)
def test_blocks_read(phase: str, scanned: int, read: int) -> None:
    assert blocks_read(phase, scanned, 100) == read


# -- the command


def outgrow(url: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "outgrow", *arguments],
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = await asyncio.to_thread(process.communicate, timeout=60)
    return process.returncode, out, err


async def test_the_command_answers_with_json(database_url: str, raw: Any) -> None:
    code, out, err = await finished(outgrow(database_url, "grow", "--to", "optimized", "--json"))
    assert code == 0, err
    answer = json.loads(out)
    assert answer["phase"] == "optimized"
    assert {s["name"] for s in answer["steps"] if s["kind"] == "create_index"} == wanted()
    code, out, err = await finished(outgrow(database_url, "status", "--json"))
    assert (code, json.loads(out)["phase"]) == (0, "optimized")
    code, out, err = await finished(outgrow(database_url, "grow", "--to", "found", "--plan"))
    assert code == 0
    assert "DROP INDEX CONCURRENTLY" in out
    code, out, err = await finished(outgrow(database_url, "grow", "--to", "relational"))
    assert code == 2


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_the_command_stops_when_it_is_told_to(
    database_url: str, raw: Any, blocker: Any, sent: int, code: int
) -> None:
    process = outgrow(database_url, "grow", "--to", "optimized")
    pid = await until(lambda: building(raw), "the first build waits")
    refused, _, err = await finished(outgrow(database_url, "grow", "--to", "optimized"))
    assert refused == 3
    assert f"pid {pid}" in err
    process.send_signal(sent)
    stopped, _, err = await finished(process)
    assert stopped == code, err
    assert "the next `outgrow grow --to optimized` takes it away" in err
    assert "Traceback" not in err
    assert await raw.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid) == 0
    await blocker.execute("COMMIT")
    done, _, err = await finished(outgrow(database_url, "grow", "--to", "optimized"))
    assert done == 0, err
    assert wanted() <= (await indexes(raw)).keys()


async def test_a_killed_command_does_not_build_on(
    database_url: str, raw: Any, blocker: Any
) -> None:
    process = outgrow(database_url, "grow", "--to", "optimized")
    pid = await until(lambda: building(raw), "the first build waits")
    process.kill()
    await finished(process)

    async def gone() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1"
        return bool(await raw.fetchval(query, pid) == 0)

    await until(gone, "the server notices that the growth's process is gone")
