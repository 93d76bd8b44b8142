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
from test_field import FIELD, needs_stores
from test_inspect import PLANTED
from test_inspect_queries import listed_by_queries, misfits_in, put

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
        inspection = await inspect(source)
        queries = [query.as_dict() for query in listings(inspection, *TABLE, version=version)]
    document = report.document(inspection, all_misfits=True, queries=queries)
    assert document["integrity"]["complete"]
    return document, parse(blueprint(inspection, DEFAULT_STORE))


def placed(document: dict[str, Any], made: Blueprint) -> tuple[Counter[tuple[str, str]], Keys]:
    """What an inspection told, by relation: how often, and of which keys."""
    names = {misfit.pattern: name for name, misfit in made.relations.items() if misfit.pattern}
    names |= {name: name for name in made.derived}
    counts: Counter[tuple[str, str]] = Counter()
    keys: Keys = defaultdict(set)
    for misfit in document["integrity"]["misfits"]:
        relation = names.get(made.match(misfit["key"]) or "")
        if relation is not None and misfit["kind"] in BECOMES:
            counts[misfit["kind"], relation] += 1
            keys[misfit["kind"], relation].add(misfit["key"])
    return counts, keys


async def planned(raw: Any, misfits: Misfits) -> Keys:
    """The keys of what a plan asks for itself, by its own queries."""
    keys: Keys = defaultdict(set)
    for misfit in misfits.misfits:
        assert (misfit.sql is None) is (misfit.kind in (*KINDS, "duplicate_index"))
        if misfit.sql is not None:
            listed_keys = {record["key"] for record in await raw.fetch(misfit.sql)}
            assert len(listed_keys) == misfit.count, misfit
            assert listed_keys.issuperset(misfit.keys)
            keys[misfit.kind, misfit.relation] |= listed_keys
    return keys


async def agree(database: Database, raw: Any, made: Blueprint, document: dict[str, Any]) -> Keys:
    """All four say the same of each key. Returns what verify and plan call unmapped, and why."""
    queried = await listed_by_queries(document, raw)
    inspected_keys = {
        which: keys for which, keys in misfits_in(document).items() if which[0] != "sentinel"
    }
    assert {which: keys for which, keys in inspected_keys.items() if which in queried} == queried
    if raw.get_server_version().major >= VALIDATING:
        assert inspected_keys.keys() == queried.keys()

    plan = await runner.plan(database, "relational", DEFAULT_STORE, made, inspect_store)
    assert plan.misfits is not None
    counts, keys = placed(document, made)
    counted: Counter[tuple[str, str]] = Counter()
    for misfit in plan.misfits.misfits:
        if misfit.kind in KINDS:
            counted[misfit.kind, misfit.relation] += misfit.count
            assert keys[misfit.kind, misfit.relation].issuperset(misfit.keys)
    assert counted == counts

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
    for name, relation in made.relations.items():
        if relation.pattern is None or made.patterns[relation.pattern].shape != "ids":
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

    misfits = {
        (planted_row["key"], planted_row["kind"])
        for planted_row in document["integrity"]["misfits"]
    }
    for planted, (kind, key) in PLANTED.items():
        assert {(key(planted_row), kind) for planted_row in damage[planted]} <= misfits, planted
    shapes = {planted_row[0] for planted_row in damage["not_an_array"] if planted_row[1] != "null"}
    assert {key for key, kind in misfits if kind in ("wrong_shape", "json_text")} == shapes
    elements = {planted_row[0] for planted_row in damage["wrong_element"]}
    assert {key for key, kind in misfits if kind == "wrong_element"} == elements
    broken = {
        planted_row[0]
        for kind in ("not_an_array", *MISFITS)
        for planted_row in damage.get(kind, ())
    }
    broken |= {planted_row[0] for planted_row in damage["doubled_element"]}
    connections = {key for key in broken if key.endswith(":connections")}
    assert keys[UNMAPPED, "connections"] == connections
    assert connections
    for planted in ("id_disagrees", "id_missing", "long_text"):
        assert keys[planted, "users"] == {planted_row[0] for planted_row in damage[planted]}
    wrong = {planted_row[0] for planted_row in damage["wrong_type"] if planted_row[2] != "null"}
    assert keys["wrong_type", "users"] == wrong


@pytest.mark.parametrize(
    "name", [*PROTOTYPES, *(pytest.param(name, marks=needs_stores) for name in FIELD or ["field"])]
)
async def test_on_stores_of_the_field(
    database: Database, database_url: str, connect: Connect, name: str
) -> None:
    """By the blueprint that the inspection wrote."""
    store = prototype(name) if name in PROTOTYPES else field.load(name)
    raw = await connect(database_url)
    await put(raw, store.rows)
    document, made = await inspected(database)
    assert [
        error for error in field.scored(store, document).wrong if error[0] == "damage invented"
    ] == []
    keys = await agree(database, raw, made, document)
    await every_list_is_unmapped_for_a_reason(raw, made, keys)


def test_each_kind_has_one_name_and_one_meaning() -> None:
    assert not MISFITS.keys() & INCONSISTENCIES.keys()
    assert BECOMES.keys() == KINDS.keys() - {"sentinel"}
