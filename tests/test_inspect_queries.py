"""The queries that `outgrow inspect` gives list what its audit found: no row more, none less."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

import pytest

from conftest import Connect
from keyspaces import build
from outgrow.db.pool import Database
from outgrow.inspection import Table, inspect, report
from outgrow.inspection.survey import VALIDATING, listings
from outgrow.layout.consistency import KINDS
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import Spec
from outgrow.settings import DEFAULT_STORE
from test_cli_kv import outgrow
from test_damage import STORES
from test_inspect import inspected

Which = tuple[str, str, str | None, str | None]
"""Kind, pattern, from, to."""

Found = dict[Which, set[str]]
"""Which misfits -> their keys."""

_DETAILS = {
    "dangling": r"(?P<path>.+?) names .*: there is no (?P<to>.+) of it",
    "orphan": r"there is no (?P<to>.+) of it",
    "stale": r".*: its (?P<to>.+) says otherwise",
    "missing": r"(?P<to>.+) does not have it",
}


async def document_of(database: Database, table: str = f"public.{DEFAULT_STORE}") -> dict[str, Any]:
    """The document about a store, with all misfits and queries."""
    async with (
        database.dedicated() as session,
        session.connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        source = Table(session, table)
        version = await source.version_for_queries()
        assert version is not None
        inspection = await inspect(source)
        queries = [q.as_dict() for q in listings(inspection, *table.split("."), version=version)]
        return report.document(inspection, all_misfits=True, queries=queries)


def misfits_in(document: dict[str, Any]) -> Found:
    """By what the details of misfits say that they contradict."""
    patterns = [(re.compile(p["regex"], re.DOTALL), p["pattern"]) for p in document["patterns"]]
    keys: Found = defaultdict(set)
    for misfit in document["integrity"]["misfits"]:
        kind, key = misfit["kind"], misfit["key"]
        pattern = next(name for regex, name in patterns if regex.fullmatch(key))
        match = re.fullmatch(_DETAILS.get(kind, ".*"), misfit["detail"], re.DOTALL)
        assert match, misfit
        which = match.groupdict()
        keys[kind, pattern, which.get("path"), which.get("to")].add(key)
    return keys


async def listed_by_queries(document: dict[str, Any], raw: Any) -> Found:
    """What the queries list, said to the database as they are."""
    keys: Found = defaultdict(set)
    for query in document["integrity"]["queries"]:
        path = query["from"] if query["kind"] == "dangling" else None
        to = query["to"] if query["kind"] in _DETAILS else None
        async with raw.transaction(readonly=True):
            records = await raw.fetch(query["sql"])
        keys[query["kind"], query["pattern"], path, to] |= {record["key"] for record in records}
    return keys


async def put(raw: Any, rows: dict[str, Any], table: str = DEFAULT_STORE) -> None:
    records = [(key, json.dumps(value)) for key, value in rows.items()]
    await raw.copy_records_to_table(table, records=records)


async def test_of_a_damaged_campus_all_is_listed(
    database: Database, database_url: str, connect: Connect
) -> None:
    await generate(database, Spec(600, 5, 0.05))
    raw = await connect(database_url)
    document = await document_of(database)
    misfits = {
        which: keys for which, keys in misfits_in(document).items() if which[0] != "sentinel"
    }
    assert {which[0] for which in misfits} == set(KINDS) - {"sentinel"}
    assert await listed_by_queries(document, raw) == misfits


@pytest.mark.parametrize("name", ["events", "mechanics", "studio"])
async def test_what_is_listed_is_what_was_found(
    database: Database, database_url: str, connect: Connect, name: str
) -> None:
    """All of it, where the server can tell whether a text is JSON; else of most kinds."""
    raw = await connect(database_url)
    await put(raw, build(name, 80, damage=0.05).rows)
    document = await document_of(database)
    misfits, listed = misfits_in(document), await listed_by_queries(document, raw)
    assert {which: keys for which, keys in misfits.items() if which in listed} == listed
    lacking = {which[0] for which in misfits.keys() - listed.keys()} - {"sentinel"}
    version = raw.get_server_version().major
    assert lacking <= (set() if version >= VALIDATING else {"dangling", "stale", "missing"})


@pytest.mark.parametrize("name", STORES)
async def test_every_form_of_damage_is_listed(
    database: Database, database_url: str, connect: Connect, name: str
) -> None:
    raw = await connect(database_url)
    rows, _ = STORES[name]()
    await put(raw, rows)
    document = await document_of(database)
    assert await listed_by_queries(document, raw) == misfits_in(document)


async def test_odd_names_and_words_are_quoted(
    database: Database, database_url: str, connect: Connect
) -> None:
    raw = await connect(database_url)
    await raw.execute("""CREATE TABLE "K'v" (key varchar PRIMARY KEY, value jsonb)""")
    ids = [f"{n:08d}-58cc-4372-a567-0e02b2c3d479" for n in range(30)]
    rows: dict[str, Any] = {
        f"o'b\\r:{each}": {"ow'ner\\": ids[n - 1]} for n, each in enumerate(ids)
    }
    rows |= {f"o'b\\r:{each}:a\nb": ids[:3] for each in ids}
    rows[f"o'b\\r:{ids[4]}"]["ow'ner\\"] = ids[4].replace("58cc", "58cd")
    rows[f"o'b\\r:{ids[5]}:a\nb"] = [ids[0], ids[1], ids[0]]
    rows[f"o'b\\r:{ids[6]}:a\nb"] = 7
    await put(raw, rows, "K'v")
    document = await document_of(database, "public.K'v")
    assert {which[0] for which in misfits_in(document)} == {"dangling", "doubled", "wrong_shape"}
    assert await listed_by_queries(document, raw) == misfits_in(document)


async def test_none_is_given_where_the_values_are_no_jsonb(
    database: Database, database_url: str, connect: Connect
) -> None:
    raw = await connect(database_url)
    await raw.execute("CREATE TABLE texts (key text, value text)")
    await put(raw, {"user:1": ["a", "a"], "user:2": ["b"], "user:3": ["c"]}, "texts")
    arguments = ("inspect", "--table", "texts", "--misfits", "doubled")
    listing = outgrow(*arguments, DATABASE_URL=database_url)
    assert listing.stdout == "user:1\ta stands there 2 times\n"
    queries = outgrow(*arguments, "--sql", DATABASE_URL=database_url)
    assert (queries.returncode, queries.stdout) == (0, "")
    assert "no query can say it" in queries.stderr


async def test_the_terminal_has_them_too(
    database: Database, database_url: str, connect: Connect
) -> None:
    await generate(database, Spec(200, 5, 0.05))
    raw = await connect(database_url)
    assert "outgrow inspect --misfits KIND --sql" in inspected(database_url)
    keys = {
        line.split("\t")[0]
        for line in inspected(database_url, "--misfits", "one_sided").splitlines()
    }
    sql = inspected(database_url, "--misfits", "one_sided", "--sql")
    assert sql.startswith("-- one_sided: user:{id}:connections, [] -> user:{id}\n")
    assert {record["key"] for record in await raw.fetch(sql)} == keys
    every = inspected(database_url, "--sql", "--json")
    assert {query["kind"] for query in every} > {"one_sided", "stale", "orphan"}
