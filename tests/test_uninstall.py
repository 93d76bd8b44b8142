"""What Outgrow made goes, object by object, and nothing else."""

from __future__ import annotations

import asyncio
import json
import subprocess

import pytest

from conftest import _programs
from growing import grow
from outgrow.db.pool import Database
from outgrow.errors import Refused
from outgrow.queries import Query
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import Spec
from outgrow.schema.install import install
from outgrow.schema.uninstall import Plan, plan, uninstall
from outgrow.settings import DEFAULT_STORE as STORE
from test_cli_kv import outgrow


async def _run(database: Database, sql: str) -> None:
    await database.run(Query("test", sql))


def _dump(config: pytest.Config, url: str) -> str:
    """The database's schema as pg_dump writes it, without the key that it draws for each dump."""
    program = _programs(config).path("pg_dump")
    done = subprocess.run([program, "--schema-only", url], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return "\n".join(line for line in done.stdout.splitlines() if "restrict " not in line)


async def _store(database: Database) -> list[tuple[str, str]]:
    rows = await database.rows(Query("test", f"SELECT key, value::text FROM {STORE} ORDER BY 1"))
    return [(row[0], row[1]) for row in rows]


async def _uninstall(database: Database, **options: bool) -> Plan:
    return await uninstall(database, STORE, **{"delete_only_copies": False, **options})


@pytest.mark.parametrize("goal", ["initial", "optimized", "hybrid", "relational"])
async def test_a_database_is_as_it_was_before(
    database: Database, database_url: str, pytestconfig: pytest.Config, goal: str
) -> None:
    await generate(database, Spec(30), replace=True)
    await _run(database, f"CREATE INDEX own ON {STORE} ((value ->> 'school'))")
    before, rows = _dump(pytestconfig, database_url), await _store(database)
    await install(database)
    if goal != "initial":
        await grow(database, goal)  # type: ignore[arg-type]
        with pytest.raises(Refused) as caught:
            await _uninstall(database)
        assert caught.value.code == "not_grown_back"
        await grow(database, "initial")
    # No serving process has written it to its log, and none ever will.
    await _run(database, "INSERT INTO network.operations (command) VALUES ('grow')")
    planned = await plan(database)
    assert _dump(pytestconfig, database_url) != before
    assert await _uninstall(database) == planned
    assert _dump(pytestconfig, database_url) == before
    assert await _store(database) == rows
    assert await _uninstall(database) == Plan((), (), {})
    await install(database)


async def test_accounts_go_only_when_that_was_said(campus: Database) -> None:
    await _run(
        campus,
        "INSERT INTO network.accounts (user_id, email, email_key, password_hash)"
        " VALUES ('a', 'a@x.edu', 'a@x.edu', '')",
    )
    await _run(
        campus,
        "INSERT INTO outgrow.quarantine (store, key, value, reason)"
        f" VALUES ('{STORE}', 'k', '1', '')",
    )
    with pytest.raises(Refused) as caught:
        await _uninstall(campus)
    assert caught.value.code == "only_copies"
    assert caught.value.detail == "network.accounts: 1 rows\noutgrow.quarantine: 1 rows"
    assert "pg_dump -n '\"network\"' -n '\"outgrow\"'" in str(caught.value.hint)
    assert (await plan(campus)).only_copies == {"network.accounts": 1, "outgrow.quarantine": 1}
    await _uninstall(campus, delete_only_copies=True)


@pytest.mark.parametrize(
    ("made", "detail"),
    [
        ("CREATE VIEW mine AS SELECT id FROM campus.users", "view mine"),
        ("CREATE MATERIALIZED VIEW mine AS SELECT 1 FROM network.accounts", "view mine"),
        (f"CREATE INDEX mine ON {STORE} (outgrow.text_of(value))", "index mine"),
        ("CREATE TABLE network.mine (a int)", "table network.mine"),
        ("CREATE TABLE campus.mine (a int)", "table campus.mine"),
        ("CREATE TABLE mine (a text REFERENCES network.accounts)", "constraint"),
        ("CREATE TABLE mine (a text DEFAULT outgrow.text_of('1'))", "default value"),
        (
            f"CREATE POLICY mine ON {STORE} USING (outgrow.text_of(value) IS NULL)",
            f"policy mine on table {STORE}",
        ),
        ("CREATE PUBLICATION mine FOR TABLE network.accounts", "publication"),
    ],
)
async def test_nothing_of_others_goes_with_it(campus: Database, made: str, detail: str) -> None:
    await _run(campus, made)
    with pytest.raises(Refused) as caught:
        await _uninstall(campus, delete_only_copies=True)
    assert caught.value.code == "used_by_others"
    assert detail in str(caught.value.detail)
    with pytest.raises(Refused):
        await plan(campus)


async def test_tables_are_the_only_copy_of_a_store_that_is_gone(database: Database) -> None:
    await generate(database, Spec(10), replace=True)
    await install(database)
    await grow(database, "relational")
    await _run(database, f"DROP TABLE {STORE} CASCADE")
    with pytest.raises(Refused) as caught:
        await _uninstall(database)
    assert caught.value.code == "only_copies"
    assert "campus_tables.users: " in str(caught.value.detail)
    assert "pg_dump -n '\"campus_tables\"'" in str(caught.value.hint)


async def test_the_command_says_and_does_it(campus: Database, campus_url: str) -> None:
    planned = outgrow("uninstall", "--plan", "--json", DATABASE_URL=campus_url)
    planned_work = json.loads(planned.stdout)
    assert planned.returncode == 0
    assert {"kind": "table", "name": "network.accounts"} in planned_work["objects"]
    assert planned_work["statements"] == ['DROP SCHEMA "campus", "network", "outgrow" CASCADE']
    text = outgrow("uninstall", "--plan", DATABASE_URL=campus_url).stdout
    assert "\nview campus.users\n" in text
    done = outgrow("uninstall", DATABASE_URL=campus_url)
    assert done.returncode == 0
    assert done.stdout.endswith(" objects are gone; the store is as it was\n")
    again = outgrow("uninstall", DATABASE_URL=campus_url)
    assert "nothing of Outgrow's" in again.stdout


async def test_a_database_without_our_schema_is_not_called_clean(
    campus: Database, campus_url: str
) -> None:
    await _run(campus, "DROP SCHEMA outgrow CASCADE")
    for arguments in (("uninstall", "--plan"), ("uninstall",)):
        done = await asyncio.to_thread(outgrow, *arguments, DATABASE_URL=campus_url)
        assert done.returncode == 3, done
        assert "campus, network" in done.stderr
    await grow(campus, "initial")
    await _uninstall(campus)
    rows = await campus.rows(
        Query("test", "SELECT nspname FROM pg_namespace WHERE nspname IN ('campus', 'network')")
    )
    assert not rows
