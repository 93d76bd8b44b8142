"""What a growth means to do, what it refuses, and what it tells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import Connect
from growing import (
    CAMPUS,
    STORE,
    Recorder,
    grow,
    objects,
    old_client,
    wanted,
)
from outgrow.db.pool import Database
from outgrow.errors import Refused
from outgrow.growth import runner
from outgrow.growth.control import status
from outgrow.growth.runner import blocks_read
from outgrow.settings import DEFAULT_STORE


@pytest.fixture
async def raw(database_url: str, connect: Connect) -> Any:
    return await old_client(connect, database_url)


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


async def test_a_role_that_may_not_make_indexes_gets_the_reason(
    server: Any, database: Database, raw: Any
) -> None:
    await grow(database, "initial")
    name = await raw.fetchval("SELECT current_database()")
    await raw.execute(
        f"CREATE ROLE {name}_guest LOGIN; GRANT SELECT ON {STORE} TO {name}_guest; "
        f"GRANT USAGE ON SCHEMA outgrow, campus TO {name}_guest; "
        f"GRANT SELECT ON outgrow.layouts, outgrow.mirrors, outgrow.definitions TO {name}_guest"
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
    assert recorder.blocks[-1] == recorder.total
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
