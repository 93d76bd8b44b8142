"""What `outgrow inspect` finds: in keyspaces of which the truth is known, and in tables."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Connect
from keyspaces import APPS, HELD, build
from keyspaces.memory import inspect_rows
from keyspaces.memory import inspected as inspected_rows
from keyspaces.score import COLUMNS, Score, score
from outgrow.blueprint import parse
from outgrow.db.pool import Database
from outgrow.inspection import Table, inspect
from outgrow.inspection.blueprint_writer import blueprint
from outgrow.inspection.formats import form, format_of
from outgrow.inspection.keys import Facts, Hashes, Keys, short_hash
from outgrow.inspection.values import ELEMENTS, reader
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import Spec
from outgrow.settings import DEFAULT_STORE
from test_cli_kv import environment, outgrow

KNOWN = [name for name in APPS if name not in HELD]
GATE = 0.85
"""Of what the code was not written against, of each share, in the mean of all apps."""


@cache
def scored(name: str, damage: float) -> Score:
    keyspace = build(name, 80, damage=damage)
    return score(keyspace, inspect_rows(keyspace.rows.items()))


@pytest.mark.parametrize("held", [False, True], ids=["known", "held"])
@pytest.mark.parametrize("column", COLUMNS)
def test_keyspaces_are_understood(held: bool, column: str) -> None:
    shares = [getattr(scored(name, 0.03), column) for name in (HELD if held else KNOWN)]
    known = [share for share in shares if share is not None]
    assert sum(known) / len(known) >= GATE


@pytest.mark.parametrize("name", KNOWN)
def test_a_sound_store_is_not_reported_as_damaged(name: str) -> None:
    result = scored(name, 0.0)
    assert [error for error in result.wrong if error[0] == "damage invented"] == []


@pytest.mark.parametrize(
    ("text", "made", "kind"),
    [
        ("0b6f8e1e-58cc-4372-a567-0e02b2c3d479", "<uuid>", "uuid"),
        ("1699999999999", "<ms>", "ms"),
        ("evt_1699999999999_k3j9x2a1b", "evt_<ms>_<random>", "prefix-ms-random"),
        ("evt_1699999999999_kajkxhaeb", "evt_<ms>_<random>", "prefix-ms-random"),
        ("folder_0b6f8e1e-58cc-4372-a567-0e02b2c3d479_shares", "folder_<uuid>_shares", None),
        ("2024-01-05", "<date>", "date"),
        ("ada@post.example.net", "<email>", "email"),
        ("9f86d081884c7d65", "<hex>", "hex"),
        ("user12", "user<number>", "prefix-number"),
        ("3b", "<number>", "number"),
        ("soft-intros-incoming", "soft-intros-incoming", "slug"),
        ("connections", "connections", "word"),
        ("Universität Zürich", "Universität Zürich", "name"),
        ("", "", "empty"),
        ("x" * 500, "x" * 500, "text"),
    ],
)
def test_forms(text: str, made: str, kind: str | None) -> None:
    assert form(text) == made
    if kind is not None:
        assert format_of(text) == kind


def test_hashes_are_sets() -> None:
    some = Hashes()
    some.update(f"{n}" for n in range(1000))
    some.update(["0"])
    some.seal()
    assert "7" in some
    assert "1200" not in some


@pytest.mark.parametrize("count", [0, 1, 16, 1000])
def test_keys_are_found_and_no_others(count: int) -> None:
    keys = Keys(count)
    keys.update(f"{n}" for n in range(count))
    keys.update(f"{n}" for n in range(count))
    assert keys.has_all(f"{n}" for n in range(count))
    assert not any(f"{n}" in keys for n in range(count, 2 * count + 10))
    assert not keys.has_all(["0", "nobody"])


@pytest.mark.parametrize("at_once", [1_000_000, 100])
def test_facts_that_the_other_side_lacks_are_found(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("outgrow.inspection.keys.FACTS_AT_ONCE", at_once)
    facts, others = Facts(), Facts()
    facts.update([f"{n}" for n in range(1000)], "a")
    facts.update(["0", "1", "600"], "b")
    others.update([f"{n}" for n in range(500, 1500)], "c")
    mine, only_mine, theirs, only_theirs = facts.compare(others)
    assert (mine, theirs) == (1000, 1000)
    assert only_mine == {hash(f"{n}") for n in range(500)}
    assert only_theirs == {hash(f"{n}") for n in range(1000, 1500)}
    assert facts.rows({hash("0")}) == {short_hash("a"), short_hash("b")}
    assert facts.rows({hash("700")}) == {short_hash("a")}
    assert facts.single() == {hash(f"{n}") for n in range(1000)} - {
        hash("0"),
        hash("1"),
        hash("600"),
    }


def test_of_an_object_only_the_fields_asked_for_are_read() -> None:
    read = reader("object", [("a",), ("b", ELEMENTS), ("c",)])
    assert read('{"a": 1, "x": {"a": 2}, "b": null}') == {"a": 1, "b": None}
    assert [read(text) for text in ("[1]", '"{}"', "1", "no JSON", None)] == [
        [1],
        "{}",
        1,
        "no JSON",
        None,
    ]
    assert reader("object", [("a",), ()])('{"x": 1e999}') == {"x": float("inf")}
    assert reader("object", [('a\\"',)])('{"a\\\\\\"": 1, "b": 2}') == {'a\\"': 1}
    listed = reader("array", [(ELEMENTS, "a")])
    assert listed('[{"a": 1, "b": 2}, {}]') == [{"a": 1}, {}]
    assert listed('[{"a": 1, "b": 2}, 3]') == [{"a": 1, "b": 2}, 3]


def test_pairs_are_found_one_sided_however_few_of_them_are_in_a_sample() -> None:
    ids = [f"{n:08d}-58cc-4372-a567-0e02b2c3d479" for n in range(4000)]
    rows: dict[str, Any] = {f"user:{id_}": {"id": id_} for id_ in ids}
    for n, id_ in enumerate(ids):
        others = [ids[(n + step) % len(ids)] for step in (-7, -3, 3, 7)]
        rows[f"user:{id_}:friends"] = others
    rows[f"user:{ids[9]}:friends"].remove(ids[12])
    misfits = inspect_rows(rows.items())["integrity"]["misfits"]
    assert [(misfit["kind"], misfit["key"]) for misfit in misfits] == [
        ("one_sided", f"user:{ids[12]}:friends")
    ]


def patterns(rows: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {pattern["pattern"]: pattern for pattern in inspect_rows(rows.items())["patterns"]}


def test_one_root_has_several_shapes() -> None:
    rows: dict[str, Any] = {}
    for n in range(20):
        id_ = f"{n:08d}-58cc-4372-a567-0e02b2c3d479"
        rows[f"user:{id_}"] = {"id": id_, "email": f"a{n}@b.example"}
        rows[f"user:{id_}:connections"] = []
        rows[f"user:email:a{n}@b.example"] = id_
    by_name = patterns(rows)
    assert {name: pattern["shape"] for name, pattern in by_name.items()} == {
        "user:{id}": "document",
        "user:{id}:connections": "ids",
        "user:email:{email}": "scalar",
    }
    assert by_name["user:email:{email}"]["derived_from"] == "user:{id}"


def test_constant_keys_stay_apart() -> None:
    rows = {
        "app:settings": {"theme": "dark", "languages": ["de"]},
        "app:manifest": {"name": "X", "icons": [{"src": "a.png"}]},
        "app-logo": "data:image/png;base64,AAAA",
        "maintenance": False,
    }
    assert set(patterns(rows)) == set(rows)


def test_a_time_of_day_separates_nothing() -> None:
    rows: dict[str, Any] = {}
    for day in range(1, 29):
        key = f"log:2026-01-{day:02d}T10:{day:02d}:07.120Z"
        rows |= {key: {"level": "info", "n": day}, f"{key}:tags": ["a"]}
    by_name = patterns(rows)
    assert set(by_name) == {"log:{at}", "log:{at}:tags"}
    assert all(
        re.fullmatch(pattern["regex"], pattern["examples"][0]) for pattern in by_name.values()
    )


def test_an_empty_store_and_garbage() -> None:
    assert inspect_rows([])["patterns"] == []
    keys = ["", ":", "::", "a:", ":b", "🙂", "a\nb", "%", "\\", "_", "a_", "/", "a" * 3000]
    values: list[Any] = [None, [[[]]], {"": {"": []}}, 1e300, "x", True, [1, "a", {}]]
    rows = {key: values[n % len(values)] for n, key in enumerate(keys)}
    document = inspect_rows(rows.items())
    assert sum(pattern["count"] for pattern in document["patterns"]) == len(rows)
    json.dumps(document)


_SEGMENT = st.sampled_from(
    [
        *("user", "a", "", "list", " ", "É", "1", "22", "1699999999999", "a@b.c", "_", "{id}"),
        *("0b6f8e1e-58cc-4372-a567-0e02b2c3d479", "2024-01-05", "T10:20", "evt_1", "all", "%"),
        *("\n", "🙂" * 80),
    ]
)
_KEY = st.builds(
    lambda by, segments: by.join(segments), st.sampled_from(":/_#"), st.lists(_SEGMENT)
)
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _SEGMENT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_SEGMENT, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(_KEY, _VALUE, max_size=60))
def test_whatever_is_in_it_each_key_is_counted_once(rows: dict[str, Any]) -> None:
    document = inspect_rows(rows.items())
    assert sum(pattern["count"] for pattern in document["patterns"]) == len(rows)
    for pattern in document["patterns"]:
        re.compile(pattern["regex"])
    json.dumps(document)
    parse(blueprint(inspected_rows(rows.items()), "kv"))


# -- the command


PLANTED: dict[str, tuple[str, Callable[[list[Any]], str]]] = {
    "stale_school_member": ("stale", lambda row: row[0]),
    "missing_school_member": ("missing", lambda row: f"user:{row[1]}"),
    "one_sided_connection": ("one_sided", lambda row: f"user:{row[0]}:connections"),
    "dangling_connection": ("dangling", lambda row: row[0]),
    "dangling_school_member": ("dangling", lambda row: row[0]),
    "dangling_chat": ("dangling", lambda row: row[0]),
    "gone_chat": ("dangling", lambda row: row[0]),
    "dangling_intro": ("dangling", lambda row: row[0]),
    "unlisted_intro": ("missing", lambda row: row[1]),
    "gone_intro": ("dangling", lambda row: row[0]),
    "doubled_element": ("doubled", lambda row: row[0]),
}
"""Kind of the generator's damage -> what `inspect` calls it, and at which key."""


def inspected(url: str, *arguments: str) -> Any:
    done = outgrow("inspect", *arguments, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


async def test_what_the_generator_planted_is_found(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.json"
    await generate(database, Spec(600, 5, 0.05), manifest=manifest)
    document = inspected(database_url, "--json", "--all")
    misfits = {(misfit["key"], misfit["kind"]) for misfit in document["integrity"]["misfits"]}
    damage = json.loads(manifest.read_text())["damage"]
    for planted, (kind, key) in PLANTED.items():
        not_found = [row for row in damage[planted] if (key(row), kind) not in misfits]
        assert not_found == [], planted
    arrays = {row[0] for row in damage["not_an_array"] if row[1] != "null"}
    assert arrays <= {key for key, kind in misfits if kind in ("wrong_shape", "json_text")}
    assert len([index for index in document["indexes"] if index["duplicate_of"]]) == 19
    about = {finding["about"] for finding in document["security"] if finding["kind"] == "secret"}
    assert about == {"user:{id}"}
    assert [pattern["pattern"] for pattern in document["patterns"] if pattern["symmetric"]] == [
        "user:{id}:connections"
    ]


async def test_people_are_told_the_same(database: Database, database_url: str) -> None:
    await generate(database, Spec(200, 5, 0.05))
    report = inspected(database_url)
    assert "school:{id...}:users" in report
    assert "derived from user:{id}: each names a row whose school is in its key" in report
    assert "and 17 more alike" in report
    kinds = inspected(database_url, "--misfits", "one_sided").splitlines()
    assert kinds
    assert all(line.startswith("user:") and "does not have" in line for line in kinds)


async def test_a_sample_says_that_it_is_one(database: Database, database_url: str) -> None:
    await generate(database, Spec(200, 5, 0.05))
    document = inspected(database_url, "--sample", "--json")
    assert document["sampled"]
    nothing = {"counts": {}, "misfits": [], "complete": False, "queries": []}
    assert document["integrity"] == nothing
    for option in (("--misfits", "stale"), ("--sql",)):
        refused = outgrow("inspect", "--sample", *option, DATABASE_URL=database_url)
        assert refused.returncode == 2


async def test_any_table_and_who_may_only_read(database_url: str, connect: Connect) -> None:
    raw = await connect(database_url)
    await raw.execute(
        'CREATE SCHEMA "My app"; CREATE TABLE "My app".kv (key varchar(80), value json, extra int);'
        """INSERT INTO "My app".kv VALUES ('a', '{"n": 1e400}'), ('b', NULL), (NULL, '1');"""
        'CREATE ROLE inspect_reader LOGIN; GRANT USAGE ON SCHEMA "My app" TO inspect_reader;'
        'GRANT SELECT ON "My app".kv TO inspect_reader'
    )
    try:
        url = database_url.replace("//postgres@", "//inspect_reader@")
        document = inspected(url, "--table", "My app.kv", "--json")
        assert {pattern["pattern"] for pattern in document["patterns"]} == {"a", "b"}
        missing = outgrow("inspect", "--table", "nothing", "--json", DATABASE_URL=url)
        assert missing.returncode == 3
        assert json.loads(missing.stdout)["error"]["code"] == "no_table"
    finally:
        await raw.execute("DROP OWNED BY inspect_reader; DROP ROLE inspect_reader")


async def test_it_writes_nothing(database: Database, database_url: str, connect: Connect) -> None:
    await generate(database, Spec(50, 5))
    raw = await connect(database_url)
    before = await raw.fetch("SELECT oid, relname FROM pg_class ORDER BY oid")
    await raw.execute(
        "ALTER DATABASE "
        + database_url.split("/")[3].split("?")[0]
        + " SET default_transaction_read_only = on"
    )
    inspected(database_url)
    assert await raw.fetch("SELECT oid, relname FROM pg_class ORDER BY oid") == before


async def test_an_error_amid_a_pass_is_itself(database: Database) -> None:
    """The next rows have been asked for by then."""
    await generate(database, Spec(400, 5))

    def passed(rows: int) -> None:
        raise KeyError(rows)

    async with database.dedicated() as session:
        with pytest.raises(KeyError):
            async with session.connection.transaction(readonly=True):
                await inspect(Table(session, f"public.{DEFAULT_STORE}"), passed=passed)
        assert await session.connection.fetchval("SELECT 1") == 1


@pytest.mark.soak
async def test_a_million_keys_need_little_memory_and_not_long(
    database: Database, database_url: str
) -> None:
    await generate(database, Spec(180_000, 5, 0.02))
    used = (
        "import resource, subprocess, sys; "
        "done = subprocess.run([sys.executable, '-m', 'outgrow', 'inspect', '--json']); "
        "one = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(one.ru_maxrss, one.ru_utime, file=sys.stderr); "
        "sys.exit(done.returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", used],
        capture_output=True,
        text=True,
        env=environment(DATABASE_URL=database_url),
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["keys"] > 1_000_000
    assert document["integrity"]["counts"]["one_sided"].keys() == {"user:{id}:connections"}
    peak, seconds = done.stderr.split()[-2:]
    assert int(peak) * 1024 < 400_000_000
    assert float(seconds) < 180  # of one core


# -- the blueprint


@pytest.mark.parametrize("name", APPS)
def test_what_is_written_is_a_blueprint_and_the_same_again(name: str) -> None:
    rows = build(name, 60, damage=0.03).rows
    text = blueprint(inspected_rows(rows.items()), "kv")
    made = parse(text)
    again = parse(blueprint(inspected_rows(reversed(rows.items())), "kv"))
    assert again.patterns == made.patterns
    assert {r: set(relation.columns) for r, relation in again.relations.items()} == {
        r: set(relation.columns) for r, relation in made.relations.items()
    }
    assert blueprint(inspected_rows(rows.items()), "kv") == text


def test_relations_and_columns_are_named_readably() -> None:
    rows: dict[str, Any] = {}
    for n in range(30):
        id_ = f"{n:08d}-58cc-4372-a567-0e02b2c3d479"
        rows[f"b2b:{id_}"] = {"taxID": n, "line1": f"{n} High Street", "p2pEnabled": True}
        rows[f"userProfile:{id_}"] = {"name": f"Ann {n}"}
    made = parse(blueprint(inspected_rows(rows.items()), "kv"))
    assert set(made.relations) == {"b2b", "user_profiles"}
    assert set(made.relations["b2b"].owned_columns) == {"id", "tax_id", "line1", "p2p_enabled"}


@pytest.mark.parametrize("name", ["campus", "events", "mechanics", "studio"])
async def test_what_is_written_grows(
    database: Database, database_url: str, tmp_path: Path, connect: Connect, name: str
) -> None:
    rows = build(name, 40, damage=0.03).rows
    raw = await connect(database_url)
    records = [(key, json.dumps(value)) for key, value in rows.items()]
    await raw.copy_records_to_table(DEFAULT_STORE, records=records)
    file = tmp_path / "blueprint.toml"
    done = outgrow("inspect", "--write", str(file), DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    assert outgrow("inspect", "--write", str(file), DATABASE_URL=database_url).returncode == 2
    made = parse(file.read_text())
    assert made.relations
    before = await raw.fetch(f'SELECT key, value::text FROM "{DEFAULT_STORE}" ORDER BY key')
    for phase in ("relational", "initial"):
        settings = {"DATABASE_URL": database_url, "OUTGROW_BLUEPRINT": str(file)}
        grown = outgrow("grow", "--to", phase, **settings)
        assert grown.returncode == 0, grown.stderr
        assert outgrow("verify", **settings).returncode == 0
    assert before == await raw.fetch(f'SELECT key, value::text FROM "{DEFAULT_STORE}" ORDER BY key')
