"""What columns and relations may be called: whatever PostgreSQL and our own tables leave free."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from conftest import Connect
from growing import CAMPUS, STORE, grow, opened
from outgrow.blueprint import Blueprint, parse
from outgrow.blueprint.validation import SYSTEM_COLUMNS
from outgrow.db.pool import Database
from outgrow.errors import BadInput
from outgrow.growth.state import Phase
from outgrow.growth.verification import verify
from outgrow.settings import DEFAULT_STORE
from test_cli_kv import outgrow

GOLDEN = Path(__file__).parent / "golden"
OURS = ("store_key", "store_value", "rest", "unmapped")


def variables() -> list[str]:
    """Of the functions that are made, the names of PL/pgSQL's own included."""
    names = {"found", "new", "old", "tg_op", "tg_relid"}
    for file in ("campus.sql", "campus-tables.sql"):
        text = (GOLDEN / file).read_text(encoding="utf-8")
        for part in re.findall(r"^DECLARE\n(.*?)^ *BEGIN", text, re.S | re.M):
            names |= set(re.findall(r"^ *([a-z_]+) ", part, re.M))
        names |= set(re.findall(r"\bFOR ([a-z_]+) IN\b", text))
    return sorted(names)


def blueprint(shape: str, names: list[str]) -> Blueprint:
    """One relation whose fields have all names, and for each name one that has it in its key."""
    patterns, relations = [], []
    for number, key in enumerate(["id", *names]):
        fields = names if key == "id" else ["f"]
        columns = [f'columns.{name} = {{ field = "{name}", type = "key" }}' for name in fields]
        if shape != "document":
            source = "entry" if shape == "map" else "position"
            columns.append(f"columns.x_ = {{ {source} = true }}")
        patterns.append(f't{number} = {{ key = "t{number}:{{id}}", shape = "{shape}" }}')
        relations += [f"[relations.t{number}]", f'pattern = "t{number}"', *columns]
        relations.append(f'columns.{key} = {{ key = "id" }}')
    return parse("\n".join(['name = "names"', "[patterns]", *patterns, *relations]))


CHANGES = (
    f"UPDATE {STORE} SET key = key || md5(random()::text) WHERE key LIKE 't%:1'",
    f"UPDATE {STORE} SET value = CASE jsonb_typeof(value) WHEN 'array' THEN value - 0 "
    "ELSE value - 'm' END WHERE key LIKE 't%:2'",
    f"DELETE FROM {STORE} WHERE key LIKE 't%:3'",
)


@pytest.mark.parametrize("shape", ["document", "objects", "map"])
async def test_columns_may_be_called_as_variables_are(
    shape: str, database: Database, database_url: str, connect: Connect
) -> None:
    """Written by old clients and by the relation, at both ends of the ladder."""
    raw = await connect(database_url)
    names = variables()
    assert {"this_key", "new_value", "is_new"} <= set(names)
    given = blueprint(shape, names)
    row = dict.fromkeys([*names, "f"], "old")
    value = {"document": row, "objects": [row, row], "map": {"m": row, "n": row}}[shape]
    phases: tuple[Phase, ...] = ("optimized", "relational")
    for phase in phases:
        await raw.execute(
            f"INSERT INTO {STORE} SELECT format('t%s:%s', r, n), $2 "
            "FROM generate_series(0, $1::integer) r, generate_series(1, 4) n "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            len(names),
            json.dumps(value),
        )
        await grow(database, phase, blueprint=given)
        for change in CHANGES:
            await raw.execute(change)
        for name, relation in given.relations.items():
            key, field = relation.key_columns["id"], next(iter(relation.fields))
            changed = f"""UPDATE names.{name} SET "{field}" = 'new' WHERE "{key}" = '4'"""
            assert await raw.execute(changed) != "UPDATE 0"
            assert await raw.execute(f"""DELETE FROM names.{name} WHERE "{key}" = '4'""")
    assert (await verify(database, DEFAULT_STORE, given, lambda _: None)).same
    await grow(database, "initial", blueprint=given)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        *((f'[relations.x.columns]\n{n} = {{ field = "a" }}', n) for n in sorted(SYSTEM_COLUMNS)),
        *(
            (f'[relations.x.columns]\n{n} = {{ field = "a" }}', n)
            for n in ("store_key", "store_value", "rest")
        ),
        *(
            (f'[relations.x.computed]\n{n} = {{ lower = "y" }}', n)
            for n in ("store_key", "store_value", "ctid")
        ),
        ('[relations.y]\nfrom = "x"\ncolumns = { z = "id", xmin = "y" }', "xmin"),
        ('[relations.y]\nfrom = "x"\ncolumns = { z = "id", store_key = "y" }', "store_key"),
        ('[relations.x_lists]\nfrom = "x"\ncolumns = { z = "id" }', "the lists of x"),
    ],
)
def test_names_that_are_taken_are_refused(text: str, says: str) -> None:
    columns = 'id = { key = "id" }\ny = { field = "y", type = "key" }\n'
    start = 'name = "n"\n[patterns]\nx = { key = "x:{id}", shape = "document" }\n'
    text_of_relation = f'{start}[relations.x]\npattern = "x"\n[relations.x.columns]\n{columns}'
    text_of_relation += text.removeprefix("[relations.x.columns]\n")
    with pytest.raises(BadInput) as refused:
        parse(text_of_relation)
    assert re.search(rf"(\.|: ).*\b{says}\b", refused.value.message)


@pytest.mark.parametrize("name", ["outgrow", "public", "network", "pg_x", "information_schema"])
def test_a_blueprint_is_not_called_as_a_schema_of_others(name: str) -> None:
    with pytest.raises(BadInput, match="blueprint"):
        parse(f'name = "{name}"\n[patterns]\n[relations]\n')


async def test_what_inspect_writes_has_none_of_them(
    database: Database, database_url: str, connect: Connect, tmp_path: Path
) -> None:
    """A field `ctid` ended the growth with 42701."""
    raw = await connect(database_url)
    names = [*OURS, *sorted(SYSTEM_COLUMNS), "oid", "initial", "this_key", "pos", "value"]
    row = "jsonb_build_object(" + ", ".join(f"'{n}', 'w' || n * 7" for n in names) + ")"
    for key, value in (
        ("'thing:' || n", row),
        ("'thing:' || n || ':notes'", f"jsonb_build_array({row}, {row})"),
        ("'thing:' || n || ':notes:lists'", f"jsonb_build_array({row})"),
    ):
        await raw.execute(
            f"INSERT INTO {STORE} SELECT {key}, {value} FROM generate_series(1, 80) n"
        )
    file = tmp_path / "app.toml"
    done = await asyncio.to_thread(
        outgrow, "inspect", "--write", str(file), DATABASE_URL=database_url
    )
    assert done.returncode == 0, done.stderr
    text = file.read_text()
    written = parse(text)
    assert len(written.relations) == 3, text
    fields = {
        c.field for relation in written.relations.values() for c in relation.owned_columns.values()
    }
    assert set(names) <= fields
    await grow(database, "relational", blueprint=written)
    assert (await verify(database, DEFAULT_STORE, written, lambda _: None)).same
    await grow(database, "initial", blueprint=written)


async def test_quotes_around_every_name_are_no_hindrance(
    database_url: str, connect: Connect
) -> None:
    """What the server says of types and definitions is compared."""
    raw = await connect(database_url)
    async with opened(database_url) as plain:
        await grow(plain, "hybrid")
    name = await raw.fetchval("SELECT current_database()")
    await raw.execute(f"ALTER DATABASE {name} SET quote_all_identifiers = on")
    async with opened(database_url) as quoted:
        assert (await verify(quoted, DEFAULT_STORE, CAMPUS, lambda keys: None)).same
        assert (await grow(quoted, "relational")).store.phase == "relational"
        assert (await verify(quoted, DEFAULT_STORE, CAMPUS, lambda keys: None)).same
