"""What `inspect`, its queries, `grow --plan` and `verify` say of the same rows is the same, key by
key: on a damaged campus, of which the truth is known, and on stores of the field."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from growing import CAMPUS, Recorder
from keyspaces import field
from keyspaces.prototypes import PROTOTYPES, prototype
from outgrow.blueprint import Blueprint, parse
from outgrow.db.pool import Database
from outgrow.growth import mirroring, runner
from outgrow.growth.preflight import Misfits
from outgrow.growth.verification import verify
from outgrow.inspection import Table, inspect, report
from outgrow.inspection.blueprint_writer import blueprint
from outgrow.inspection.survey import VALIDATING, inspect_store, listings
from outgrow.layout.consistency import BECOMES, INCONSISTENCIES, KINDS, MISFITS, UNMAPPED
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import Spec
from outgrow.settings import DEFAULT_STORE
from test_field import FIELD, there
from test_inspect import PLANTED
from test_inspect_queries import listed, put, told

TABLE = "public", DEFAULT_STORE
Keys = dict[tuple[str, str], set[str]]
"""Kind and relation, or list of old clients -> keys."""


async def inspected(database: Database) -> tuple[dict[str, Any], Blueprint]:
    """The document with all that is wrong and the queries, and the blueprint that comes of it."""
    async with (
        database.dedicated() as session,
        session.connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        source = Table(session, ".".join(TABLE))
        version = await source.version_for_queries()
        assert version is not None
        found = await inspect(source)
        queries = [query.as_dict() for query in listings(found, *TABLE, version=version)]
    document = report.document(found, all_misfits=True, queries=queries)
    assert document["integrity"]["complete"]
    return document, parse(blueprint(found, DEFAULT_STORE))


def placed(document: dict[str, Any], made: Blueprint) -> tuple[Counter[tuple[str, str]], Keys]:
    """What an inspection told, by relation: how often, and of which keys."""
    names = {one.pattern: name for name, one in made.relations.items() if one.pattern}
    names |= {name: name for name in made.derived}
    counts: Counter[tuple[str, str]] = Counter()
    keys: Keys = defaultdict(set)
    for one in document["integrity"]["misfits"]:
        relation = names.get(made.match(one["key"]) or "")
        if relation is not None and one["kind"] in BECOMES:
            counts[one["kind"], relation] += 1
            keys[one["kind"], relation].add(one["key"])
    return counts, keys


async def planned(raw: Any, misfits: Misfits) -> Keys:
    """The keys of what a plan asks for itself, by its own queries."""
    keys: Keys = defaultdict(set)
    for one in misfits.misfits:
        assert (one.sql is None) is (one.kind in (*KINDS, "duplicate_index"))
        if one.sql is not None:
            found = {record["key"] for record in await raw.fetch(one.sql)}
            assert len(found) == one.count, one
            assert found.issuperset(one.keys)
            keys[one.kind, one.relation] |= found
    return keys


async def agree(database: Database, raw: Any, made: Blueprint, document: dict[str, Any]) -> Keys:
    """All four say the same of each key. Returns what verify and plan call unmapped, and why."""
    queried = await listed(document, raw)
    said = {which: keys for which, keys in told(document).items() if which[0] != "sentinel"}
    assert {which: keys for which, keys in said.items() if which in queried} == queried
    if raw.get_server_version().major >= VALIDATING:
        assert said.keys() == queried.keys()

    plan = await runner.plan(database, "relational", DEFAULT_STORE, made, inspect_store)
    assert plan.misfits is not None
    counts, keys = placed(document, made)
    found: Counter[tuple[str, str]] = Counter()
    for one in plan.misfits.misfits:
        if one.kind in KINDS:
            found[one.kind, one.relation] += one.count
            assert keys[one.kind, one.relation].issuperset(one.keys)
    assert found == counts

    asked = await planned(raw, plan.misfits)
    await runner.grow(database, "relational", DEFAULT_STORE, made, Recorder())
    verified = await verify(database, DEFAULT_STORE, made, lambda _: None)
    assert verified.same
    for name, compared in verified.relations.items():
        assert set(compared.examples) == asked[UNMAPPED, name], name
        assert compared.unmapped == plan.misfits.unmapped[name] == len(compared.examples)
    return asked | keys


async def every_list_is_unmapped_for_a_reason(raw: Any, made: Blueprint, keys: Keys) -> None:
    """Of a list of ids, what the rows do not say all of is one of the misfits, or is null."""
    for name, one in made.relations.items():
        if one.pattern is None or made.patterns[one.pattern].shape != "ids":
            continue
        unmapped = keys.get((UNMAPPED, name), set())
        reasons = set().union(*(keys.get((kind, name), set()) for kind in MISFITS))
        reasons |= keys.get(("long_element", name), set())
        nulls = await raw.fetch(
            f"SELECT key FROM {DEFAULT_STORE} WHERE value = 'null' AND key = ANY($1::text[])",
            list(unmapped),
        )
        assert unmapped == reasons | {record["key"] for record in nulls}, name


@pytest.fixture(autouse=True)
def all_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirroring, "NAMED", 1_000_000)


async def test_on_a_damaged_campus_and_with_the_truth(
    database: Database, database_url: str, connect: Connect, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.json"
    await generate(database, Spec(400, 7, 0.05, None, False), manifest=manifest)
    damage = json.loads(manifest.read_text())["damage"]
    raw = await connect(database_url)
    document, _ = await inspected(database)
    keys = await agree(database, raw, CAMPUS, document)
    await every_list_is_unmapped_for_a_reason(raw, CAMPUS, keys)

    said = {(one["key"], one["kind"]) for one in document["integrity"]["misfits"]}
    for planted, (kind, key) in PLANTED.items():
        assert {(key(one), kind) for one in damage[planted]} <= said, planted
    shapes = {one[0] for one in damage["not_an_array"] if one[1] != "null"}
    assert {key for key, kind in said if kind in ("wrong_shape", "json_text")} == shapes
    elements = {one[0] for one in damage["wrong_element"]}
    assert {key for key, kind in said if kind == "wrong_element"} == elements
    broken = {one[0] for kind in ("not_an_array", *MISFITS) for one in damage.get(kind, ())}
    broken |= {one[0] for one in damage["doubled_element"]}
    connections = {key for key in broken if key.endswith(":connections")}
    assert keys[UNMAPPED, "connections"] == connections
    assert connections
    for planted in ("id_disagrees", "id_missing", "long_text"):
        assert keys[planted, "users"] == {one[0] for one in damage[planted]}
    wrong = {one[0] for one in damage["wrong_type"] if one[2] != "null"}
    assert keys["wrong_type", "users"] == wrong


@pytest.mark.parametrize(
    "name", [*PROTOTYPES, *(pytest.param(name, marks=there) for name in FIELD or ["field"])]
)
async def test_on_stores_of_the_field(
    database: Database, database_url: str, connect: Connect, name: str
) -> None:
    """By the blueprint that the inspection wrote."""
    store = prototype(name) if name in PROTOTYPES else field.load(name)
    raw = await connect(database_url)
    await put(raw, store.rows)
    document, made = await inspected(database)
    assert [one for one in field.scored(store, document).wrong if one[0] == "damage invented"] == []
    keys = await agree(database, raw, made, document)
    await every_list_is_unmapped_for_a_reason(raw, made, keys)


def test_each_kind_has_one_name_and_one_meaning() -> None:
    assert not MISFITS.keys() & INCONSISTENCIES.keys()
    assert BECOMES.keys() == KINDS.keys() - {"sentinel"}
