"""The database remembers its table and its blueprint, whatever happens to names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from growing import CAMPUS, STORE, fill, grow
from laddering import befriend, climb, damaged_campus
from outgrow.db.pool import Database
from outgrow.errors import GrowthFailed
from outgrow.growth import runner
from outgrow.growth.verification import verify
from outgrow.settings import DEFAULT_STORE

EXAMPLES = Path(__file__).parent.parent / "examples"


def outgrow(url: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
    process = subprocess.run(
        [sys.executable, "-m", "outgrow", *arguments],
        env={**os.environ, "DATABASE_URL": url, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in process.stderr, process.stderr
    return process.returncode, process.stdout, process.stderr


@pytest.fixture
async def raw(database: Database, database_url: str, connect: Connect) -> Any:
    raw = await damaged_campus(database, connect, database_url, users=20)
    await climb(database, "hybrid")
    return raw


async def triggers(raw: Any) -> set[str]:
    """Tables with triggers of ours."""
    rows = await raw.fetch(
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger "
        "WHERE NOT tgisinternal AND tgname LIKE 'outgrow%'"
    )
    return {row[0] for row in rows}


@pytest.mark.parametrize(
    ("sql", "now"),
    [
        (f"ALTER TABLE {STORE} RENAME TO kv", "public.kv"),
        (f'ALTER TABLE {STORE} RENAME TO "It\'s a store"', "public.It's a store"),
        (f"CREATE SCHEMA app; ALTER TABLE {STORE} SET SCHEMA app", f"app.{DEFAULT_STORE}"),
    ],
)
async def test_a_store_that_was_renamed_is_found(
    database: Database, database_url: str, raw: Any, sql: str, now: str
) -> None:
    await raw.execute(sql)
    message = f"public.{DEFAULT_STORE} is called {now} now: set OUTGROW_STORE={now}"
    code, out, _ = outgrow(database_url, "status")
    assert code == 0, out
    assert f"store    {now}" in out
    assert message in out
    code, out, _ = outgrow(database_url, "verify", "--json")
    assert code == 0, out
    answer = json.loads(out)
    assert (answer["same"], answer["store_said"]) == (True, message)
    code, out, err = outgrow(database_url, "grow", "--to", "hybrid", "--json")
    assert code == 0, err
    assert f"note: {message}" in err
    kinds = {step["kind"] for step in json.loads(out)["steps"]}
    assert kinds == {"install"}
    settings = {"OUTGROW_STORE": now}
    for command in ("status",), ("verify",), ("grow", "--to", "relational"):
        code, out, err = outgrow(database_url, *command, **settings)
        assert code == 0, (command, out, err)
        assert "is called" not in out + err
    assert (await verify(database, now, CAMPUS, lambda _: None)).same
    # By its old name it is not found for ever, and no empty store is made there.
    for command in ("status",), ("serve",), ("grow", "--to", "initial"):
        code, _, err = outgrow(database_url, *command, PORT="0")
        assert code == 3
        assert f"OUTGROW_STORE={now}" in err
    assert await raw.fetchval(f"SELECT to_regclass('{STORE}')") is None
    code, _, err = outgrow(database_url, "grow", "--to", "initial", **settings)
    assert code == 0, err
    assert await triggers(raw) == set()
    assert await raw.fetchval("SELECT to_regnamespace('campus_tables')") is None


async def test_a_renamed_column_is_reported_with_its_old_name(
    database: Database, database_url: str, raw: Any
) -> None:
    await raw.execute(
        f"ALTER TABLE {STORE} RENAME COLUMN key TO k; ALTER TABLE {STORE} RENAME COLUMN value TO v"
    )
    await raw.execute(f"INSERT INTO {STORE} VALUES ('user:someone:connections', '[\"other\"]')")
    for command in ("status",), ("verify",), ("grow", "--to", "initial"):
        code, _, err = outgrow(database_url, *command)
        assert code == 3
        back = err.partition("names back: ")[2].partition(". To")[0]
        assert back.count("RENAME COLUMN") == 2
    await raw.execute(back)
    code, out, _ = outgrow(database_url, "verify")
    assert code == 0, out
    code, _, err = outgrow(database_url, "grow", "--to", "initial")
    assert code == 0, err


@pytest.mark.parametrize("goal", ["initial", "hybrid"])
@pytest.mark.parametrize("dropped", [False, True])
async def test_a_store_swapped_with_a_copy_is_left_or_made_again(
    database: Database, database_url: str, raw: Any, goal: str, dropped: bool
) -> None:
    await raw.execute(
        f"CREATE TABLE copy (LIKE {STORE} INCLUDING ALL); INSERT INTO copy SELECT * FROM {STORE} "
        f"WHERE {dropped} OR key NOT LIKE 'user:a%'; ALTER TABLE {STORE} RENAME TO kv_old; "
        f"ALTER TABLE copy RENAME TO {DEFAULT_STORE}"
    )
    if dropped:
        await raw.execute("DROP TABLE kv_old CASCADE")
    await befriend(raw, "someone", "other")
    message = f"public.{DEFAULT_STORE} is another table than the one that Outgrow knew by that name"
    code, out, _ = outgrow(database_url, "status")
    assert code == 0, out
    assert message in out
    assert ("which is called public.kv_old now" in out) is not dropped
    assert "ALTERED" in out
    code, out, _ = outgrow(database_url, "verify")
    assert code == 1
    assert message in out
    code, _, err = outgrow(database_url, "grow", "--to", goal)
    assert code == 0, err
    assert await triggers(raw) == (set() if goal == "initial" else {DEFAULT_STORE})
    report = await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)
    assert report.same, report.altered
    assert (
        await raw.fetchval("SELECT count(*) FROM campus.connections WHERE user_id = 'someone'") == 1
    )
    await befriend(raw, "someone", "third")
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


async def test_a_database_that_was_restored_goes_on(
    database: Database, database_url: str, raw: Any, connect: Connect
) -> None:
    """All oids and transactions are others then: what was remembered of them says nothing."""
    await raw.execute(
        "UPDATE outgrow.layouts SET store_oid = 1; UPDATE outgrow.definitions SET made = '3'"
    )
    code, out, _ = outgrow(database_url, "verify")
    assert code == 0, out
    code, out, err = outgrow(database_url, "grow", "--to", "hybrid", "--json")
    assert code == 0, err
    kinds = [step["kind"] for step in json.loads(out)["steps"]]
    assert set(kinds) == {"install", "verify", "trust"}
    assert (await climb(database, "hybrid")).steps == ()


async def test_a_blueprint_that_the_store_did_not_grow_with_is_refused(
    database_url: str, connect: Connect
) -> None:
    raw = await connect(database_url)
    await raw.execute(
        f"INSERT INTO {STORE} SELECT 'event:' || n, '{{}}' FROM generate_series(1, 50) n"
    )
    before = await raw.fetchval("SELECT count(*) FROM pg_class")
    for command in ("grow", "--to", "optimized"), ("grow", "--to", "optimized", "--plan"):
        code, _, err = outgrow(database_url, *command)
        assert code == 3
        assert "the blueprint 'campus' is not meant for" in err
        assert "claims 0 of 50 keys" in err
    assert await raw.fetchval("SELECT count(*) FROM pg_class") == before
    file = EXAMPLES / "events.toml"
    events = {"OUTGROW_BLUEPRINT": str(file)}
    code, _, err = outgrow(database_url, "grow", "--to", "relational", **events)
    assert code == 0, err
    before = await raw.fetchval("SELECT count(*) FROM pg_class")
    for refused in (
        ("grow", "--to", "initial"),
        ("grow", "--to", "optimized"),
        ("grow", "--to", "initial", "--plan"),
        ("verify",),
        ("serve",),
    ):
        code, _, err = outgrow(database_url, *refused, PORT="0")
        assert code == 3, refused
        assert "grew with the blueprint 'events' (phase relational)" in err
        assert "OUTGROW_BLUEPRINT" in err
    assert await raw.fetchval("SELECT count(*) FROM pg_class") == before
    for looking in "status", "advise":
        code, out, _ = outgrow(database_url, looking)
        assert code == 0
        assert "grew with the blueprint 'events' (phase relational)" in out
        assert "outgrow grow" not in out
    code, _, err = outgrow(database_url, "grow", "--to", "initial", **events)
    assert code == 0, err


@pytest.mark.parametrize("moment", [1, 2])
async def test_a_store_renamed_when_a_growth_begins_is_reported_and_grows_on(
    database: Database, connect: Connect, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Before anything of it is remembered, and after."""
    raw = await connect(database.url)
    await fill(raw, 20)
    plan, plans = runner._plan, []

    async def planned(*arguments: Any) -> Any:
        made = await plan(*arguments)
        plans.append(made)
        if len(plans) == moment:
            await raw.execute(f"ALTER TABLE {STORE} RENAME TO kv")
        return made

    monkeypatch.setattr(runner, "_plan", planned)
    with pytest.raises(GrowthFailed) as error:
        await grow(database, "relational")
    assert error.value.code == "store_gone"
    assert error.value.hint == "OUTGROW_STORE=public.kv outgrow grow --to relational"
    await raw.execute("INSERT INTO kv VALUES ('user:new', '{}')")
    await grow(database, "relational", store="kv")
    assert (await verify(database, "kv", CAMPUS, lambda _: None)).same
    assert await raw.fetchval("SELECT count(*) FROM campus.users") == 21
