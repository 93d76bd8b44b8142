"""Everything that Outgrow makes in a database is as it was made, or is named and mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api import Api
from conftest import Connect
from growing import CAMPUS, STORE
from laddering import climb, damaged_campus, everything, outgrow
from outgrow.db.pool import Database
from outgrow.errors import GrowthFailed
from outgrow.growth.control import status
from outgrow.growth.verification import Report, verify
from outgrow.settings import DEFAULT_STORE

CHANGED = "outgrow_campus_changed"
SYNC = "campus_tables.store_changed()"
EMPTY = "RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
ALWAYS = f"ALTER TABLE {STORE} ENABLE ALWAYS TRIGGER {CHANGED}"


@pytest.fixture
async def raw(database: Database, database_url: str, connect: Connect) -> Any:
    raw = await damaged_campus(database, connect, database_url, users=20)
    await climb(database, "hybrid")
    return raw


async def verified(database: Database) -> Report:
    return await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        (f"CREATE OR REPLACE FUNCTION {SYNC} {EMPTY}", f"function {SYNC}: altered"),
        (
            f"CREATE OR REPLACE TRIGGER {CHANGED} AFTER INSERT OR UPDATE OR DELETE ON {STORE} "
            f"FOR EACH ROW WHEN (false) EXECUTE FUNCTION {SYNC}; {ALWAYS}",
            f"trigger {CHANGED} on the store: altered",
        ),
        (
            f"CREATE OR REPLACE TRIGGER {CHANGED} AFTER INSERT OR UPDATE ON {STORE} "
            f"FOR EACH ROW EXECUTE FUNCTION {SYNC}; {ALWAYS}",
            f"trigger {CHANGED} on the store: altered",
        ),
        (f"DROP TRIGGER {CHANGED} ON {STORE}", f"trigger {CHANGED} on the store: missing"),
        (
            f"ALTER TABLE {STORE} DISABLE TRIGGER {CHANGED}",
            f"trigger {CHANGED} on the store: altered",
        ),
        (
            f"ALTER TABLE {STORE} ENABLE TRIGGER {CHANGED}",
            f"trigger {CHANGED} on the store: altered",
        ),
        (
            f"CREATE FUNCTION {SYNC.replace('changed', 'other')} {EMPTY}; "
            f"CREATE TRIGGER aaa BEFORE INSERT ON {STORE} "
            f"FOR EACH ROW EXECUTE FUNCTION {SYNC.replace('changed', 'other')}",
            "trigger aaa on the store: added",
        ),
        (
            "CREATE OR REPLACE VIEW campus.users AS SELECT * FROM ({users}) u WHERE id < 'f'",
            "view campus.users: altered",
        ),
        (
            "DROP FUNCTION campus.connections_lookup_key",
            "function campus.connections_lookup_key(text): missing",
        ),
        (
            "CREATE OR REPLACE FUNCTION outgrow.key_of(v jsonb) RETURNS text "
            "LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN upper(v #>> '{{}}')",
            "function outgrow.key_of(jsonb): altered",
        ),
        (
            "ALTER TABLE campus_tables.connections DROP CONSTRAINT connections_pkey",
            "table campus_tables.connections: altered",
        ),
        (
            "ALTER TABLE campus_tables.connections SET UNLOGGED",
            "table campus_tables.connections: altered",
        ),
    ],
)
async def test_what_is_not_as_it_was_made_is_named_and_mended(
    database: Database, raw: Any, sql: str, named: str
) -> None:
    assert not (await verified(database)).altered
    before = await everything(raw)
    users = (await raw.fetchval("SELECT pg_get_viewdef('campus.users'::regclass)")).rstrip(";")
    await raw.execute(sql.format(users=users))
    report = await verified(database)
    assert not report.same
    assert named in [str(finding) for finding in report.altered]
    await climb(database, "hybrid")
    report = await verified(database)
    assert report.same, report.altered
    assert await everything(raw) == before


async def test_the_commands_say_so(database: Database, database_url: str, raw: Any) -> None:
    await raw.execute(f"CREATE OR REPLACE FUNCTION {SYNC} {EMPTY}")
    named = {"object": f"function {SYNC}", "what": "altered"}
    for command, code in ("verify", 1), ("status", 0):
        process = outgrow(database_url, command, "--json")
        out, _ = process.communicate(timeout=60)
        assert process.returncode == code
        assert named in json.loads(out)["altered"]
        process = outgrow(database_url, command)
        out, _ = process.communicate(timeout=60)
        assert f"{SYNC}: altered" in out
        assert "outgrow grow --to hybrid" in out


async def test_metrics_say_so(database: Database, raw: Any) -> None:
    api = await Api.open(database)
    try:
        assert "\noutgrow_altered_objects 0.0\n" in (await api.get("/metrics")).text
        await raw.execute(f"ALTER TABLE {STORE} DISABLE TRIGGER {CHANGED}")
        assert "\noutgrow_altered_objects 1.0\n" in (await api.get("/metrics")).text
        await raw.execute(
            "ALTER SCHEMA outgrow RENAME TO elsewhere; CREATE SCHEMA outgrow; "
            "CREATE TABLE outgrow.definitions (schema text)"
        )
        assert "\noutgrow_altered_objects NaN\n" in (await api.get("/metrics")).text
    finally:
        await api.close()


async def test_triggers_that_were_off_for_a_while_are_noticed(database: Database, raw: Any) -> None:
    """They are as they were made: only that somebody changed them can be seen."""
    off = f"ALTER TABLE {STORE} DISABLE TRIGGER {CHANGED}"
    await raw.execute(f"{off}; {ALWAYS}")
    assert (await verified(database)).same
    done = await climb(database, "hybrid")
    assert [s.kind for s, _ in done.steps] == ["verify"] * 3 + ["trust"]
    assert (await climb(database, "hybrid")).steps == ()
    await raw.execute(off)
    await raw.execute(f"DELETE FROM {STORE} WHERE key LIKE 'user:%:connections'")
    await raw.execute(ALWAYS)
    for goal in "hybrid", "relational", "hybrid":
        with pytest.raises(GrowthFailed) as failed:
            await climb(database, goal)
        assert failed.value.code == "verify_failed"
        assert "outgrow grow --to optimized" in (failed.value.hint or "")
    await climb(database, "optimized")
    await climb(database, "hybrid")
    assert (await verified(database)).same
    assert await raw.fetchval("SELECT count(*) FROM campus.connections") == 0


async def test_what_a_growth_makes_is_what_it_remembers(database: Database, raw: Any) -> None:
    for goal in "relational", "hybrid", "optimized", "relational", "initial", "hybrid":
        await climb(database, goal)
        report = await verified(database)
        assert report.same, (goal, report.altered)
        assert not (await status(database, DEFAULT_STORE, CAMPUS)).store.altered
        assert (await climb(database, goal)).steps == ()
