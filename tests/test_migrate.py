"""Our own tables, by numbered migrations: each is applied once, and none is unknown."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect, _programs
from growing import CAMPUS, grow
from migrating import FILES, next_one, schema
from outgrow.blueprint import parse
from outgrow.db.pool import Database
from outgrow.errors import Refused
from outgrow.growth import control, runner
from outgrow.growth.verification import verify
from outgrow.queries import Query, load
from outgrow.schema import definitions, migrate
from outgrow.schema.install import install
from outgrow.schema.migrate import Migration
from outgrow.schema.uninstall import plan, uninstall
from outgrow.settings import DEFAULT_STORE as STORE
from test_cli_kv import outgrow

STOCK = parse((Path(__file__).parent.parent / "examples/stock.toml").read_text("utf-8"))

APPLIED = Path(__file__).parent / "golden" / "migrations.txt"


async def run(database: Database, sql: str, *args: Any) -> None:
    await database.run(Query("test", sql), *args)


async def refused(work: Any, code: str) -> Refused:
    with pytest.raises(Refused) as caught:
        await work
    assert caught.value.code == code
    return caught.value


# Migrations of today ----------------------------------------------------------------------------


async def test_the_next_one_is_applied_once(
    campus: Database,
    campus_url: str,
    database: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    """To a database that has those before it; a fresh one gets all of them."""
    added = next_one(monkeypatch)
    assert await migrate.pending(campus, migrate.SCHEMAS) == [added]
    await install(campus)
    await install(database)
    assert await migrate.pending(campus, migrate.SCHEMAS) == []
    assert schema(pytestconfig, campus_url) == schema(pytestconfig, database_url)
    assert any("seen_at" in item for item in schema(pytestconfig, campus_url))


async def test_each_schema_has_its_own_record(
    campus: Database,
    campus_url: str,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    """One that is dropped is made again; one that stays is not migrated twice."""
    next_one(monkeypatch)
    await install(campus)
    fresh = schema(pytestconfig, campus_url)
    for name in "outgrow", "network":
        await run(campus, f"DROP SCHEMA {name} CASCADE")
        await install(campus)
        assert schema(pytestconfig, campus_url) == fresh


async def test_the_network_may_come_later(
    database: Database, database_url: str, campus_url: str, pytestconfig: pytest.Config
) -> None:
    """Where another blueprint was installed first, and needs none."""
    await run(database, "CREATE TABLE stock (key text PRIMARY KEY, value jsonb NOT NULL)")
    await install(database, "stock", STOCK)
    assert await database.value(Query("test", "SELECT to_regnamespace('network')")) is None
    await install(database)
    await install(database, "stock", STOCK)
    assert schema(pytestconfig, database_url) == schema(pytestconfig, campus_url)


# Newer ones -------------------------------------------------------------------------------------


@pytest.mark.parametrize("newer", ["network", "outgrow"])
async def test_a_newer_database_is_refused(
    campus: Database, campus_url: str, newer: str, pytestconfig: pytest.Config
) -> None:
    await run(campus, f"INSERT INTO {newer}.migrations VALUES (99, 'colours', 'x')")
    await run(campus, "UPDATE outgrow.layouts SET version = 'newer'")
    await run(campus, "ALTER TABLE outgrow.growths RENAME COLUMN name TO blueprint")
    before = schema(pytestconfig, campus_url)
    for work in (
        install(campus),
        runner.plan(campus, "optimized", STORE, CAMPUS),
        grow(campus, "optimized"),
        control.pause(campus, STORE, CAMPUS),
        verify(campus, STORE, CAMPUS, lambda _: None),
        plan(campus),
        uninstall(campus, STORE, delete_only_copies=True),
    ):
        error = await refused(work, "schema_newer")
        assert f"{newer}/0099_colours" in error.message
    assert schema(pytestconfig, campus_url) == before
    for command in (["status"], ["serve"], ["school", "list"], ["rollback"]):
        done = outgrow(*command, DATABASE_URL=campus_url)
        assert done.returncode == 3, done.stderr
        assert "newer version of Outgrow" in done.stderr
        assert "git pull && make install" in done.stderr


async def test_another_migration_of_that_number_is_refused(campus: Database) -> None:
    await run(campus, "UPDATE network.migrations SET digest = 'x' WHERE number = 1")
    await refused(install(campus), "schema_differs")
    await refused(plan(campus), "schema_differs")


# What it costs ----------------------------------------------------------------------------------


async def test_nothing_to_do_costs_what_it_did(campus: Database) -> None:
    ran: list[str] = []
    campus.observe_with(lambda name, _: ran.append(name))
    await install(campus)
    assert len(ran) <= 24, ran
    assert not [name for name in ran if re.match(r"migrations\.(record$|network|outgrow)", name)]


@pytest.mark.parametrize("version", ["same", "older"])
async def test_tables_in_use_are_in_nobodys_way(
    campus: Database, campus_url: str, connect: Connect, version: str
) -> None:
    """Not even where functions and views are made again."""
    if version == "older":
        await run(campus, "UPDATE outgrow.layouts SET version = 'older'")
    user = await connect(campus_url)
    await user.execute(
        "BEGIN; LOCK network.accounts, network.sessions, network.blocks, network.invitations,"
        " network.trimmed_chats, outgrow.growths IN ROW EXCLUSIVE MODE"
    )
    waited: list[str] = []
    campus.observe_with(lambda name, _: waited.append(name))
    await install(campus)
    assert waited.count("outgrow.lock") == 1, "in one try"


# The files --------------------------------------------------------------------------------------


def test_they_are_numbered() -> None:
    for name in migrate.SCHEMAS:
        numbers = [m.number for m in migrate.known(name)]
        assert numbers == list(range(1, len(numbers) + 1)), name
    for path in Path(migrate.__file__).parent.joinpath("migrations").rglob("*.sql"):
        assert re.fullmatch(r"\d{4}_[a-z][a-z0-9_]*\.sql", path.name), path.name


def test_what_was_applied_somewhere_is_never_changed(pytestconfig: pytest.Config) -> None:
    """A new one is written down by `--golden`; a change to another is not."""
    known = dict(line.split() for line in APPLIED.read_text(encoding="utf-8").splitlines())
    if pytestconfig.option.golden:
        known = {str(m): m.digest for m in FILES} | known
        text = "".join(f"{name} {digest}\n" for name, digest in known.items())
        APPLIED.write_text(text, encoding="utf-8")
    assert known == {str(m): m.digest for m in FILES}


@pytest.mark.parametrize("migration", FILES, ids=str)
def test_they_change_one_schema_and_begin_no_transaction(migration: Migration) -> None:
    other = {"outgrow": "network", "network": "outgrow"}[migration.schema]
    code = re.sub(r"--.*", "", migration.sql)
    assert not re.search(rf"(TABLE|INTO|UPDATE|INDEX|VIEW|ON) (IF \w+ )*{other}\.", code)
    assert not re.search(r"^\s*(BEGIN|COMMIT|ROLLBACK)\s*;|CONCURRENTLY", code, re.MULTILINE)
    made = re.findall(r"\b(?:campus|campus_tables)\.\w+|outgrow\.\w+\(", code)
    assert not made, "what another version may have made in other words"


async def test_psql_runs_them(database_url: str, pytestconfig: pytest.Config) -> None:
    """The first twice, as on a database of before."""
    program = _programs(pytestconfig).path("psql")
    folder = Path(migrate.__file__).parent / "migrations"
    files = [folder / f"{m}.sql" for m in FILES]
    for file in [files[0], *files]:
        command: list[str | Path] = [
            program,
            "-q",
            "-1",
            "-v",
            "ON_ERROR_STOP=1",
            "-f",
            file,
            database_url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


async def test_the_record_is_no_stranger(campus: Database) -> None:
    """To what compares everything with what was made."""
    oid = await campus.value(load("outgrow")["table_oid"], "public", STORE)

    async def work(session: Any) -> Any:
        places = definitions.everything(CAMPUS)
        return await definitions.compare(session, CAMPUS, oid, places)

    assert await campus.transaction(work) == ()
    assert (await verify(campus, STORE, CAMPUS, lambda _: None)).same
    await uninstall(campus, STORE, delete_only_copies=False)
    left = "SELECT count(*) FROM pg_class WHERE relname = 'migrations'"
    assert await campus.value(Query("test", left)) == 0
