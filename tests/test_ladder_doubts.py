"""What the ladder does where something is not as it should be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import asyncpg
import msgspec
import pytest

from conftest import Connect
from growing import CAMPUS, STORE, Recorder, opened
from laddering import befriend, climb, damaged_campus, everything, growth, mirrors, outgrow, shown
from outgrow.db.pool import Database
from outgrow.errors import GrowthFailed, Refused
from outgrow.growth import catalog, runner
from outgrow.growth.context import StepContext
from outgrow.growth.mirroring import Backfill, Expand
from outgrow.growth.verification import verify
from outgrow.queries import Query
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE


@pytest.fixture
async def raw(database: Database, database_url: str, connect: Connect) -> Any:
    return await damaged_campus(database, connect, database_url)


async def test_verify_accounts_for_every_key(database: Database, raw: Any) -> None:
    await climb(database, "hybrid")
    await raw.execute(f"INSERT INTO {STORE} VALUES ('something else', '1'), ('user:x:y:z', '2')")
    report = await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)
    assert report.same
    keys = report.keys
    assert keys["total"] == await raw.fetchval(f"SELECT count(*) FROM {STORE}")
    assert keys.pop("total") == sum(keys.values())
    assert keys["opaque"] >= 2
    assert keys["in_the_store"] > 0
    assert keys["unmapped"] == await raw.fetchval(
        "SELECT count(*) FROM campus_tables.connections_lists WHERE unmapped IS NOT NULL"
    )
    assert keys["unmapped"] > 0


@pytest.mark.parametrize(
    ("sql", "relation", "keys"),
    [
        (
            "DELETE FROM campus_tables.school_members WHERE user_id = '{user}'",
            "school_members",
            {"user:{user}"},
        ),
        (
            "UPDATE campus_tables.school_members SET major = 'none' WHERE user_id = '{user}'",
            "school_members",
            {"user:{user}"},
        ),
        (
            "INSERT INTO campus_tables.connections (user_id, connected_user_id, pos) "
            "VALUES ('nobody', 'other', 1)",
            "connections",
            {"user:nobody:connections"},
        ),
        (
            "INSERT INTO campus_tables.school_members (user_id, school) "
            "VALUES ('{user}:connections', 'none')",
            "school_members",
            {"user:{user}:connections"},
        ),
    ],
)
async def test_a_difference_is_found_and_named(
    database: Database, database_url: str, raw: Any, sql: str, relation: str, keys: set[str]
) -> None:
    await climb(database, "hybrid")
    user = await raw.fetchval("SELECT user_id FROM campus.school_members LIMIT 1")
    await raw.execute(sql.format(user=user))
    report = await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)
    assert not report.same
    assert set(report.relations[relation].differing) == {key.format(user=user) for key in keys}
    assert all(not r.differing for name, r in report.relations.items() if name != relation)
    process = outgrow(database_url, "verify", "--json")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert json.loads(out)["same"] is False


async def test_a_difference_fails_the_growth_before_the_switch(
    database: Database, raw: Any
) -> None:
    await climb(database, "hybrid", postpone=True)
    await raw.execute(
        "DELETE FROM campus_tables.user_search; UPDATE outgrow.mirrors SET state = 'filled'"
    )
    with pytest.raises(GrowthFailed) as failed:
        await climb(database, "hybrid")
    assert failed.value.code == "verify_failed"
    assert "user:" in (failed.value.detail or "")
    assert (await growth(raw))["state"] == "failed"
    assert "shadow" not in (await mirrors(raw)).values()
    await climb(database, "optimized")
    await climb(database, "hybrid")
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


async def test_tables_that_were_not_kept_are_made_again(database: Database, raw: Any) -> None:
    await climb(database, "hybrid")
    before = await everything(raw)
    trigger = "outgrow_campus_changed"
    await raw.execute(f"ALTER TABLE {STORE} DISABLE TRIGGER {trigger}")
    await raw.execute(f"DELETE FROM {STORE} WHERE key LIKE 'user:%:connections'")
    assert not (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same
    done = await climb(database, "hybrid")
    assert "expand" in {step.kind for step, _ in done.steps}
    assert done.store.phase == "hybrid"
    assert await raw.fetchval("SELECT count(*) FROM campus.connections") == 0
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same
    assert await everything(raw) == before


async def test_tables_of_another_version_are_not_read_and_made_again(
    database: Database, raw: Any
) -> None:
    await climb(database, "hybrid")
    rows = await shown(raw)
    older = dict(CAMPUS.relations)
    changed = msgspec.structs.replace(older["connections"].owned_columns["created_at"], type="text")
    columns = {**older["connections"].columns, "created_at": changed}
    older["connections"] = msgspec.structs.replace(older["connections"], columns=columns)
    blueprint = msgspec.structs.replace(CAMPUS, relations=older)
    await install(database, DEFAULT_STORE, blueprint)
    states = await mirrors(raw)
    assert states == {"connections": "stale", "school_members": "shadow", "user_search": "shadow"}
    assert await raw.fetchval("SELECT phase FROM outgrow.layouts") == "optimized"
    assert await shown(raw) == rows
    recorder = Recorder()
    done = await runner.grow(database, "hybrid", DEFAULT_STORE, blueprint, recorder)
    assert [s.name for s, _ in done.steps if s.kind in ("expand", "switch")] == ["connections"] * 2
    assert done.store.phase == "hybrid"
    assert await shown(raw) == rows


@pytest.mark.parametrize("part", ["_forget", "_copy", "_make", "_chain"])
async def test_sync_triggers_are_made_again_when_their_definition_changes(
    database: Database, raw: Any, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """A fix of any part of it must reach the stores that have tables already."""
    await climb(database, "hybrid")
    sync_triggers = import_module("outgrow.layout.mirror.sync_triggers")
    was = getattr(sync_triggers, part)
    monkeypatch.setattr(sync_triggers, part, lambda *a: was(*a) + f"\n-- {part}, mended\n")
    await install(database, DEFAULT_STORE, CAMPUS)
    assert set((await mirrors(raw)).values()) == {"stale"}
    await climb(database, "hybrid")
    assert set((await mirrors(raw)).values()) == {"shadow"}
    source = "SELECT string_agg(prosrc, '') FROM pg_proc WHERE proname LIKE 'store\\_%'"
    assert f"{part}, mended" in await raw.fetchval(source)
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("ALTER TABLE {s} SET UNLOGGED", "unlogged_store"),
        ("CREATE TABLE child () INHERITS ({s})", "inherited_store"),
        ("CREATE SCHEMA campus_tables; CREATE TABLE campus_tables.connections ()", "schema_taken"),
    ],
)
async def test_a_store_that_cannot_be_followed_is_refused(
    database: Database, raw: Any, sql: str, code: str
) -> None:
    await climb(database, "optimized")
    await raw.execute(sql.format(s=STORE))
    with pytest.raises(Refused) as refused:
        await climb(database, "hybrid")
    assert refused.value.code == code
    assert await mirrors(raw) == {}


async def test_keys_that_are_equal_and_differ_are_refused_before_anything_is_made(
    database: Database, database_url: str, connect: Connect
) -> None:
    raw = await connect(database_url)
    try:
        await raw.execute(
            "CREATE COLLATION vague (provider = icu, locale = 'und', deterministic = false)"
        )
    except asyncpg.FeatureNotSupportedError as e:
        pytest.skip(str(e))
    await raw.execute(f"ALTER TABLE {STORE} ALTER COLUMN key TYPE text COLLATE vague")
    before = await everything(raw)
    for attempt in (
        runner.plan(database, "hybrid", DEFAULT_STORE, CAMPUS),
        climb(database, "hybrid"),
    ):
        with pytest.raises(Refused) as refused:
            await attempt
        assert refused.value.code == "vague_keys"
    assert await everything(raw) == before


@pytest.fixture
async def owner(database: Database, raw: Any, database_url: str) -> AsyncIterator[Database]:
    """The campus as its store's owner sees it, who is no superuser, and has grown to optimized."""
    name = await raw.fetchval("SELECT current_database() || '_owner'")
    await raw.execute(
        f"CREATE ROLE {name} LOGIN; ALTER TABLE {STORE} OWNER TO {name}; "
        f"GRANT CREATE ON SCHEMA public TO {name}; "
        f"GRANT CREATE ON DATABASE {await raw.fetchval('SELECT current_database()')} TO {name}"
    )
    async with opened(database_url.replace("postgres@", f"{name}@")) as hosted:
        await climb(hosted, "optimized")
        yield hosted
    await raw.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


@pytest.mark.parametrize(
    ("sql", "code", "undo"),
    [
        (
            "ALTER TABLE {s} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            "rows_hidden",
            "ALTER TABLE {s} NO FORCE ROW LEVEL SECURITY",
        ),
        (
            "REVOKE CREATE ON DATABASE {d} FROM {d}_owner",
            "schema_not_allowed",
            "GRANT CREATE ON DATABASE {d} TO {d}_owner",
        ),
    ],
)
async def test_an_owner_who_could_not_keep_tables_is_refused(
    owner: Database, raw: Any, sql: str, code: str, undo: str
) -> None:
    names = {"s": STORE, "d": await raw.fetchval("SELECT current_database()")}
    before = await everything(raw)
    await raw.execute(sql.format(**names))
    for attempt in (runner.plan(owner, "hybrid", DEFAULT_STORE, CAMPUS), climb(owner, "hybrid")):
        with pytest.raises(Refused) as refused:
            await attempt
        assert refused.value.code == code
        assert refused.value.hint
    assert await mirrors(raw) == {}
    assert await everything(raw) == before
    await raw.execute(undo.format(**names))
    assert (await climb(owner, "hybrid")).store.phase == "hybrid"


@pytest.mark.parametrize(
    ("of", "warning"),
    [
        (f"TABLE {STORE}", "the new tables are not: feed"),
        ("TABLES IN SCHEMA public", "the new tables are not: feed"),
        ("ALL TABLES", "publications of all tables have the new ones too"),
    ],
)
async def test_a_published_store_is_reported_and_can_be_written(
    database: Database, raw: Any, of: str, warning: str
) -> None:
    """What is published must have a key, or no row of it could be changed any more."""
    await raw.execute(f"CREATE PUBLICATION feed FOR {of}")
    planned = await runner.plan(database, "relational", DEFAULT_STORE, CAMPUS)
    assert any(warning in note for note in planned.notes)
    await climb(database, "relational")
    await befriend(raw, "someone", "other")
    await befriend(raw, "someone", "another")
    await raw.execute(f"UPDATE {STORE} SET value = value - 'name' WHERE key LIKE 'user:%1'")
    await raw.execute(f"DELETE FROM {STORE} WHERE key LIKE 'user:%2'")
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same
    assert (await climb(database, "initial")).store.phase == "initial"


async def test_a_plan_tells_what_is_around_the_store(database: Database, raw: Any) -> None:
    await climb(database, "initial")
    await raw.execute(
        f"CREATE VIEW report AS SELECT count(*) FROM {STORE}; "
        f"CREATE TABLE child (key text REFERENCES {STORE}); "
        f"CREATE PUBLICATION feed FOR TABLE {STORE}"
    )
    before = await everything(raw)
    planned = await runner.plan(database, "relational", DEFAULT_STORE, CAMPUS)
    assert await everything(raw) == before
    kinds = [step.kind for step in planned.steps]
    assert kinds.count("backfill") == kinds.count("verify") == len(CAMPUS.relations)
    assert kinds[-1] == "switch"
    notes = "\n".join(planned.notes)
    for word in ("report", "child", "feed", "MB next to the store", "its whole list"):
        assert word in notes
    assert planned.tables_bytes > 0
    answer = json.loads(json.dumps(planned.as_dict()))
    assert all(step["lock"] for step in answer["steps"])
    assert {s["name"] for s in answer["steps"] if s["kind"] == "backfill"} == set(CAMPUS.relations)


async def test_only_the_copy_does_not_wait_for_the_disk(database: Database, raw: Any) -> None:
    """What follows it does: a switch that was told is a switch after a crash, too."""
    await climb(database, "optimized")
    name = await raw.fetchval("SELECT current_database()")
    await raw.execute(f"ALTER DATABASE {name} SET synchronous_commit = local")
    setting = Query("test.setting", "SELECT current_setting('synchronous_commit')")
    seen = []
    async with runner.alone(database, DEFAULT_STORE, CAMPUS) as session:

        async def read_setting() -> None:
            seen.append(await session.value(setting))

        store = await catalog.read_store(session, DEFAULT_STORE, CAMPUS)
        context = StepContext(CAMPUS, store, database, session, pace=read_setting)
        await Expand((("users", None),)).run(context)
        await Backfill("users").run(context)
        assert set(seen) == {"off"}
        assert await session.value(setting) == "local"
