"""What does not fit tables: found before a growth, counted and explained, and not lost in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from examples.generate import generate as example

from conftest import Connect
from firing import put
from growing import CAMPUS, STORE, Recorder
from keyspaces import build
from laddering import climb, everything, outgrow, shown
from outgrow.blueprint import Blueprint, parse
from outgrow.db.pool import Database
from outgrow.growth import runner
from outgrow.growth.preflight import Misfits
from outgrow.growth.state import Phase
from outgrow.growth.verification import verify
from outgrow.inspection.survey import inspect_store
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import Spec
from outgrow.settings import DEFAULT_STORE
from test_cli_kv import outgrow as command
from test_examples import BLUEPRINTS

USERS = 400
Entries = dict[str, list[list[Any]]]


@pytest.fixture
async def raw(database: Database, database_url: str, connect: Connect) -> Any:
    return await connect(database_url)


async def damaged(database: Database, folder: Path) -> Entries:
    """A campus with all kinds of damage, of which the entries are returned. Nothing of ours is
    installed."""
    manifest = folder / "manifest.json"
    spec = Spec(USERS, 7, 0.1, None, False)
    await generate(database, spec, store=DEFAULT_STORE, manifest=manifest)
    entries: Entries = json.loads(manifest.read_text(encoding="utf-8"))["damage"]
    return entries


async def planned_misfits(
    database: Database, goal: Phase = "relational", blueprint: Blueprint = CAMPUS
) -> Misfits:
    progress: list[tuple[int, int]] = []
    plan = await runner.plan(
        database,
        goal,
        DEFAULT_STORE,
        blueprint,
        inspect_store,
        lambda *moved: progress.append(moved),
    )
    assert plan.misfits is not None
    assert progress[0][0] == 0
    assert progress[-1][0] == progress[-1][1] == len(progress) - 1
    assert json.loads(json.dumps(plan.as_dict()))["misfits"] == json.loads(
        json.dumps(plan.misfits.as_dict())
    )
    return plan.misfits


def counted(misfits: Misfits, kind: str, *places: str) -> int:
    """Of all places, or of those whose relation or `about` is named."""
    return sum(
        misfit.count
        for misfit in misfits.misfits
        if misfit.kind in kind.split()
        and (not places or misfit.relation in places or misfit.about in places)
    )


def entries(planned_misfits: list[list[Any]]) -> int:
    return len(planned_misfits)


def lists(planned_misfits: list[list[Any]]) -> int:
    """Where the manifest has an entry for each element, and the plan counts lists."""
    return len({entry[0] for entry in planned_misfits})


def no_nulls(planned_misfits: list[list[Any]]) -> int:
    """A JSON null is nothing, as an absent field is."""
    return sum(entry[-1] != "null" for entry in planned_misfits)


SEEN: dict[str, tuple[Callable[[list[list[Any]]], int], tuple[str, ...]]] = {
    "stale_school_member": (entries, ("stale", "school_users")),
    "missing_school_member": (entries, ("missing", "school_users")),
    "one_sided_connection": (entries, ("one_sided", "connections")),
    "dangling_connection": (entries, ("dangling", "connections")),
    "dangling_school_member": (entries, ("dangling", "school_users")),
    "dangling_chat": (entries, ("dangling", "participants[] -> users")),
    "gone_chat": (entries, ("dangling", "user_chats")),
    "dangling_intro": (entries, ("dangling", "fromUserId -> users")),
    "unlisted_intro": (entries, ("missing", "intros_incoming")),
    "gone_intro": (entries, ("dangling", "intros_incoming")),
    "doubled_element": (lists, ("doubled", "connections", "school_users")),
    "wrong_element": (lists, ("wrong_element",)),
    "not_an_array": (no_nulls, ("wrong_shape json_text",)),
    "doubled_email": (entries, ("not_unique", "email")),
    "id_disagrees": (entries, ("id_disagrees",)),
    "id_missing": (entries, ("id_missing",)),
    "wrong_type": (no_nulls, ("wrong_type",)),
    "long_text": (entries, ("long_text",)),
    "chat_variant_b": (entries, ("unmapped", "participants")),
    "doubled_message_id": (lists, ("doubled", "messages")),
    "duplicate_index": (entries, ("duplicate_index",)),
}
OF_NO_RELATION = {"stuck_typing"}


async def test_all_that_is_planted_is_found_and_counted(
    database: Database, raw: Any, tmp_path: Path
) -> None:
    planted = await damaged(database, tmp_path)
    before = await everything(raw)
    misfits = await planned_misfits(database)
    assert await everything(raw) == before
    assert SEEN.keys() | OF_NO_RELATION == planted.keys()
    expected = {kind: count(planted[kind]) for kind, (count, _) in SEEN.items()}
    assert all(expected.values())
    seen = {kind: counted(misfits, *where) for kind, (_, where) in SEEN.items()}
    # A list that is JSON in a text is read as what it says: it lacks all others of its school.
    seen["missing_school_member"] -= await raw.fetchval(
        f"SELECT count(*) FROM {STORE} u JOIN {STORE} l "
        "ON l.key = 'school:' || (u.value ->> 'school') || ':users' "
        "WHERE u.key ~ '^user:[^:]+$' AND jsonb_typeof(l.value) = 'string' "
        "AND strpos(l.value #>> '{}', substr(u.key, 6)) = 0"
    )
    assert seen == expected
    for misfit in misfits.misfits:
        assert 0 < len(misfit.keys) <= min(3, misfit.count)
        assert misfit.meaning
    for misfit in misfits.misfits:
        if misfit.kind != "duplicate_index":
            query = f"SELECT count(*) FROM {STORE} WHERE key = ANY ($1::text[])"
            assert await raw.fetchval(query, misfit.keys) == len(set(misfit.keys)), misfit


@pytest.mark.parametrize("name", ["studio", "mechanics"])
async def test_a_plan_and_an_inspection_say_the_same_in_the_same_words(
    database: Database, database_url: str, connect: Connect, tmp_path: Path, name: str
) -> None:
    """Of a blueprint that an inspection wrote, in which nothing is of no relation."""
    raw = await connect(database_url)
    await put(raw, build(name, 60, damage=0.05).rows)
    blueprint = tmp_path / "app.toml"
    done = command("inspect", "--write", str(blueprint), DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    settings = {"DATABASE_URL": database_url, "OUTGROW_BLUEPRINT": str(blueprint)}
    inspection = json.loads(command("inspect", "--json", "--all", **settings).stdout)
    plan = json.loads(command("grow", "--to", "relational", "--plan", "--json", **settings).stdout)
    made = parse(blueprint.read_text())
    concerned = {relation.pattern for relation in made.relations.values()} | set(made.derived)
    expected = Counter(
        misfit["kind"]
        for misfit in inspection["integrity"]["misfits"]
        if made.match(misfit["key"]) in concerned and misfit["kind"] != "sentinel"
    )
    planned: Counter[str] = Counter()
    for misfit in plan["misfits"]["found"]:
        planned[misfit["kind"]] += misfit["count"] if misfit["kind"] in expected else 0
    assert +planned == expected
    assert len(expected) >= 4


async def test_a_campus_without_damage_has_no_misfits(database: Database) -> None:
    await generate(database, Spec(USERS, 7, 0.0, None, False), store=DEFAULT_STORE)
    misfits = await planned_misfits(database)
    assert misfits.misfits == ()


@pytest.mark.parametrize("goal", ["hybrid", "relational"])
async def test_nothing_of_them_is_lost_and_verify_counts_the_same(
    database: Database, raw: Any, tmp_path: Path, goal: Phase
) -> None:
    await damaged(database, tmp_path)
    store = await raw.fetch(f"SELECT key, value::text FROM {STORE} ORDER BY key")
    misfits = await planned_misfits(database, goal)
    await climb(database, "initial")
    rows = await shown(raw)
    await climb(database, goal)
    report = await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)
    assert report.same
    left = Counter({name: relation.unmapped for name, relation in report.relations.items()})
    assert +left == misfits.unmapped
    assert left.total()
    assert await shown(raw) == rows
    assert await raw.fetch(f"SELECT key, value::text FROM {STORE} ORDER BY key") == store
    planned = await runner.plan(database, goal, DEFAULT_STORE, CAMPUS, inspect_store)
    assert planned.misfits is None, "where nothing gets a table, nobody looks"


def many_patterns(count: int) -> Blueprint:
    """Patterns of which each has columns that may refer to all others."""
    toml = ['name = "many"', "[patterns]"]
    toml += [f'p{n} = {{ key = "p{n}:{{id}}", shape = "document" }}' for n in range(count)]
    for n in range(count):
        toml += [f"[relations.r{n}]", f'pattern = "p{n}"', f"[relations.r{n}.columns]"]
        toml += ['id = { key = "id" }']
        toml += [f'c{m} = {{ field = "c{m}", type = "key" }}' for m in range(6)]
    return parse("\n".join(toml))


async def test_a_plan_asks_as_often_as_there_are_patterns(database: Database, raw: Any) -> None:
    """Not as often as one column may refer to another's relation."""
    blueprint = many_patterns(44)
    await put(raw, {f"p{n}:{m}": {"id": f"{m}", "c0": f"{m}"} for n in range(44) for m in range(9)})
    asked: list[str] = []
    database.observe_with(lambda name, _: asked.append(name))
    await planned_misfits(database, "relational", blueprint)
    assert asked.count("grow.misfits") == 44


BROKEN: dict[str, list[tuple[str, Any]]] = {
    "events": [
        ("event:broken", "no object"),
        ("event:broken:attendees", ["u1", "u1", "nobody"]),
        ("chat:broken:messages", [{"id": "m1", "text": 7}, {"id": "m1"}, "odd"]),
    ],
    "mechanics": [
        ("bookings:pending", {"0": "b"}),
        ("booking:1:c1", {"price": "12", "createdAt": "yesterday"}),
        ("vehicles:broken", [{"make": "x" * 300}]),
    ],
    "stock": [
        ("product:broken", {"supplierIds": "s1", "currentStock": "many"}),
        ("product_notifications", ["no", "map"]),
        ("company:broken:ratings", {"u1": 5, "u2": {"stars": "five"}}),
    ],
}


@pytest.mark.parametrize("name", BROKEN)
async def test_any_blueprint_has_its_misfits(
    database: Database, database_url: str, connect: Connect, name: str
) -> None:
    blueprint = BLUEPRINTS[name]
    await put(await connect(database_url), dict([*example(name, 25), *BROKEN[name]]))
    misfits = await planned_misfits(database, "relational", blueprint)
    assert {misfit.relation for misfit in misfits.misfits}
    done = await runner.grow(database, "relational", DEFAULT_STORE, blueprint, Recorder())
    report = await verify(database, DEFAULT_STORE, blueprint, lambda _: None)
    assert done.store.phase == "relational"
    assert report.same
    left = Counter({name: relation.unmapped for name, relation in report.relations.items()})
    assert +left == misfits.unmapped


async def test_the_command_tells_them_and_can_leave_them_out(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await damaged(database, tmp_path)
    for arguments, expected in (((), True), (("--no-misfits",), False)):
        process = outgrow(database_url, "grow", "--to", "hybrid", "--plan", *arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert ("doubled connections: " in out) is expected
        assert ("keys of connections are unmapped" in out) is expected
    process = outgrow(database_url, "grow", "--to", "hybrid", "--no-misfits")
    process.communicate(timeout=60)
    assert process.returncode == 2
