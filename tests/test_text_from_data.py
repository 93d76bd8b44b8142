"""Text from data and blueprints is never code: not of SQL, of a blueprint, or of a terminal."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conftest import Connect
from growing import CAMPUS, STORE, grow, old_client
from outgrow.blueprint import parse
from outgrow.cli.grow import _misfits
from outgrow.db.embedded import EmbeddedServer
from outgrow.db.pool import Database, Session
from outgrow.errors import BadInput
from outgrow.events import Lines
from outgrow.growth import runner
from outgrow.growth.preflight import Misfit, Misfits
from outgrow.growth.verification import verify
from outgrow.inspection.survey import inspect_store, survey
from outgrow.queries import Query, function_body, quote
from outgrow.schema import migrate
from outgrow.schema.install import install, statements
from outgrow.settings import DEFAULT_STORE
from outgrow.terminal import clean, one_line, printable

ATTACK = (
    "x$body$ SET check_function_bodies=off; create table public.pwned as select current_user; "
    "CREATE OR REPLACE FUNCTION pg_temp.z() RETURNS trigger LANGUAGE plpgsql "
    "SET check_function_bodies=off AS $body$"
)


@pytest.fixture
async def raw(database_url: str, connect: Connect) -> Any:
    return await old_client(connect, database_url)


def outgrow(url: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "outgrow", *arguments],
        env={**os.environ, "DATABASE_URL": url, **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("BEGIN END", "$body$"),
        ("'$$ $bod$ $body'", "$body$"),
        ("'$body$'", "$body_2$"),
        ("'$body$body_2$'", "$body_3$"),
        ("$body$", "$body_2$"),
    ],
)
def test_a_body_does_not_hold_its_end(text: str, tag: str) -> None:
    assert function_body(text) == f"{tag}\n{text}\n{tag}"


@pytest.mark.parametrize("phase", ["optimized", "relational"])
async def test_a_field_ends_no_function(
    database_url: str, raw: Any, tmp_path: Path, phase: str
) -> None:
    await raw.execute(
        f"""INSERT INTO {STORE}
        SELECT 'item:' || n, jsonb_build_object('name', 'Item ' || n, 'price', n)
        FROM generate_series(1, 3000) n"""
    )
    for n in range(5):
        await raw.execute(
            f"INSERT INTO {STORE} VALUES ($1, jsonb_build_object($2::text, 'a', 'name', 'b'))",
            f"draft:1000{n}",
            ATTACK,
        )
    file = str(tmp_path / "app.toml")
    assert outgrow(database_url, "inspect", "--write", file).returncode == 0
    done = outgrow(database_url, "grow", "--to", phase, OUTGROW_BLUEPRINT=file)
    assert done.returncode == 0, done.stderr
    assert await raw.fetchval("SELECT to_regclass('public.pwned')") is None


# Blueprints -------------------------------------------------------------------------------------

APP = """
name = "app"
[patterns]
item = { key = "item:{id}", shape = "document" }
[relations.items]
pattern = "item"
columns.id = { key = "id" }
columns.name = { field = "name" }
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"item:{id}"', '"it$body$em:{id}"', r"patterns.item.key holds '\$body\$', which quotes"),
        ('"item:{id}"', '"item$$:{id}"', r"holds '\$\$', which quotes"),
        ('"item:{id}"', r'"item\u001b:{id}"', r"control character \(U\+001B\)"),
        ('"item:{id}"', r'"item\u0000:{id}"', r"control character \(U\+0000\)"),
        ('field = "name"', 'field = "$a_1$"', r"relations.items: the field '\$a_1\$' holds"),
        ('field = "name"', r'field = "a\nb"', r"control character \(U\+000A\)"),
        ('field = "name"', r'field = "a\u2028b"', r"control character \(U\+2028\)"),
        ('field = "name"', r'field = "a\u202eb"', r"control character \(U\+202E\)"),
        ('"item:{id}"', r'"item\u2066:{id}"', r"control character \(U\+2066\)"),
        ("{id}", "{i" + "d" * 40 + "}", "too long for a name"),
        ('"app"', '"outgrow"', "name of a schema"),
        ('"app"', '"pg_app"', "name of a schema"),
    ],
)
def test_what_has_no_place_in_sql_is_refused(old: str, new: str, says: str) -> None:
    assert parse(APP).name == "app"
    with pytest.raises(BadInput) as refused:
        parse(APP.replace(old, new, 1))
    assert re.search(says, refused.value.message)


def test_an_element_of_a_derived_list_holds_no_control() -> None:
    text = APP.replace("[relations", '"all" = { key = "all:{id}", shape = "ids" }\n[relations', 1)
    text += "[derived]\nall = { from = 'items', key = { id = 'id' }, element = \"item%s:{id}\" }\n"
    assert parse(text % "").derived
    with pytest.raises(BadInput, match=r"derived.all.element holds a control character"):
        parse(text % r"\u0000")


# Terminals and logs -----------------------------------------------------------------------------


def test_what_a_misfit_is_about_forges_no_line() -> None:
    misfit = Misfit("missing", "items", "x\nerror: forged", 1, "shown", ("item:1\nerror: forged",))
    lines = "\n".join(_misfits(Misfits((misfit,), Counter())))
    assert not [line for line in lines.split("\n") if line.startswith("error")]


def test_controls_are_escaped() -> None:
    text = "a\x1b[2J\x00\r\x7f\x9b\u2028\u202eé\u200b\u00ad\ud800\n\tb"
    shown = "a\\u001b[2J\\u0000\\u000d\\u007f\\u009b\\u2028\\u202eé\\u200b\\u00ad\\ud800"
    assert printable(text) == shown + "\n\tb"
    assert one_line(text) == shown + "\\u000a\\u0009b"
    cleaned = {"a\\u000a": ["b\\u000a", 1], "sql": "c\n"}
    assert clean({"a\n": ["b\n", 1], "sql": "c\n"}) == cleaned


def test_a_log_line_is_one_line() -> None:
    try:
        raise ValueError("x\nERROR forged: y")
    except ValueError:
        record = logging.LogRecord(
            "outgrow.n", 30, "", 0, "key %s", ("a\nERROR b",), sys.exc_info()
        )
    first, *more = Lines("text").format(record).splitlines()
    assert re.fullmatch(r"\S+Z warning outgrow\.n: key a\\u000aERROR b error=ValueError", first)
    assert all(line.startswith("  ") for line in more)


async def test_no_command_lets_data_control_a_terminal(
    database_url: str, raw: Any, tmp_path: Path
) -> None:
    bad = "\x1b]0;title\x07\x9b2J\r\nerror: forged"
    await raw.executemany(
        f"INSERT INTO {STORE} VALUES ($1, $2)",
        [(f"{bad}:{n}", json.dumps({bad: f"{n}", "name": f"Name {n}"})) for n in range(40)]
        + [(f"item:{n}", json.dumps({"otherId": f"none{n}", bad: bad})) for n in range(40)]
        + [(f"list:{bad}{n}", json.dumps([bad, bad, 1])) for n in range(40)],
    )
    file = str(tmp_path / "app.toml")
    for arguments in (
        ("inspect", "--write", file),
        ("inspect",),
        ("inspect", "--json"),
        ("inspect", "--misfits", "doubled"),
        ("grow", "--to", "relational", "--plan"),
        ("grow", "--to", "relational"),
        ("verify",),
        ("status",),
        ("advise",),
        ("kv", "list"),
        ("kv", "get", bad),
        ("kv", "set", bad, "{"),
    ):
        env = {} if arguments[0] in ("inspect", "kv") else {"OUTGROW_BLUEPRINT": file}
        done = outgrow(database_url, *arguments, **env)
        output = done.stdout + done.stderr
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", output), (arguments, output)
        assert not re.search("^error: forged", output, re.MULTILINE), arguments


# Statements -------------------------------------------------------------------------------------


async def test_a_plan_has_every_statement_of_an_installation(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[Query] = []
    run = Session.run

    async def remember(self: Session, query: Query, *args: Any) -> str:
        ran.append(query)
        return await run(self, query, *args)

    monkeypatch.setattr(Session, "run", remember)
    planned = await runner.plan(database, "relational", DEFAULT_STORE, CAMPUS)
    pending = await migrate.pending(database, migrate.SCHEMAS)
    assert planned.steps[0].kind == "install"
    ran.clear()
    await install(database)
    sql = planned.steps[0].sql(planned.target)
    for query in ran:
        settings = "outgrow.lock", "outgrow.patience", "database.no_hurry"
        if not query.name.startswith((*settings, "definitions.", "migrations.record")):
            assert query.sql in sql, query.name
    made = statements(CAMPUS, "public", DEFAULT_STORE, {}, None, pending)
    assert sql == ";\n".join(query.sql for query in made)


# Everything, from end to end --------------------------------------------------------------------

PWN = "CREATE TABLE public.pwned (n int)"
# fmt: off
PIECES = [
    "'", '"', "\\", "$body$", "$$", "$body_2$", ";", "--", "/*", "*/", "{", "}", "{id}", ":", "%",
    "\n", "\t", "\r", "\x1b[2J", "\x7f", "\x85", "\u2028", "\ud7ff", "\U0010ffff", "é", "…", "%s",
    "E'", "ctid", "rest", "key", "value", "select", "x" * 70, "é" * 40, " ", ".", "a", "Id",
    f"'; {PWN}; --", f"\"; {PWN}; --", f"$body$; {PWN}; --", f"$$; {PWN}; --", ATTACK,
    f"\\'; {PWN}; --", f"\n{PWN};\n", "]\n[x]\n", '"""', "'''", "#", "=", "\\u0041",
]
# fmt: on
LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), LETTERS), min_size=1, max_size=3).map("".join)


def _name(text: str) -> str:
    """As much as PostgreSQL keeps of a name, without what OUTGROW_STORE cannot say."""
    name = text.encode()[:60].decode(errors="ignore").replace(".", "_")
    return f"s{name}" if name.startswith("pg_") or not name else name


_numbers = itertools.count(1)


@settings(max_examples=12, phases=[Phase.explicit, Phase.generate])  # shrinking takes minutes
@given(
    schema=TEXTS.map(_name),
    table=TEXTS.map(_name),
    family=TEXTS,
    fields=st.lists(TEXTS, min_size=1, max_size=4, unique=True),
    value=TEXTS,
)
def test_text_is_text_from_end_to_end(
    server: EmbeddedServer,
    store_template: str,
    schema: str,
    table: str,
    family: str,
    fields: list[str],
    value: str,
) -> None:
    async def whole() -> None:
        admin = await asyncpg.connect(server.url("postgres"))
        name = f"texts_{next(_numbers)}"
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {store_template}")
        try:
            await _through(server.url(name), schema, table, family, fields, value)
        finally:
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await admin.close()

    asyncio.run(whole())


async def _through(
    url: str, schema: str, table: str, family: str, fields: list[str], value: str
) -> None:
    """Inspect, write, plan, grow, write as an old client does, verify, and back."""
    raw = await asyncpg.connect(url)
    quoted = quote(schema, table)
    await raw.execute(
        f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}; "
        f"CREATE TABLE {quoted} (key text PRIMARY KEY, value jsonb NOT NULL)"
    )
    rows: list[tuple[str, Any]] = []
    for n in range(30):
        rows.append((f"{family}:{n}", dict.fromkeys(fields, value) | {"name": f"N {n}"}))
        rows.append((f"list{family}:{n}:ids", [f"{n}", f"{value}{n}"]))
        rows.append((f"map:{n}", {f"{value}{n}": {fields[0]: 1}}))
        rows.append((f"item:{n}", {"status": value, "ownerId": f"{n}"}))
    await raw.executemany(
        f"INSERT INTO {quoted} VALUES ($1, $2) ON CONFLICT DO NOTHING",
        [(key, json.dumps(v)) for key, v in rows],
    )
    store = f"{schema}.{table}"
    everything = f"SELECT md5(string_agg(key || value::text, '' ORDER BY key)) FROM {quoted}"
    exported, before = await raw.fetchval(everything), await _canary(raw)
    database = await Database.open(url, pool_size=3)
    try:
        surveyed = await survey(database, store, sample=False, progress=lambda *_: None)
        app = parse(surveyed.blueprint())
        await runner.plan(database, "relational", store, app, inspect_store)
        await grow(database, "relational", None, store, app)
        assert (await verify(database, store, app, lambda _: None)).same
        await raw.execute(f"UPDATE {quoted} SET value = value || '{{}}' WHERE key LIKE 'item:%'")
        await raw.execute(f"INSERT INTO {quoted} VALUES ($1, '{{}}')", f"{family}:new")
        assert (await verify(database, store, app, lambda _: None)).same
        await raw.execute(f"DELETE FROM {quoted} WHERE key = $1", f"{family}:new")
        await grow(database, "initial", None, store, app)
        assert await raw.fetchval(everything) == exported
        assert await _canary(raw) == before
    finally:
        await database.close()
        await raw.close()


async def _canary(raw: Any) -> set[tuple[str, ...]]:
    """What there is beside our own schemas, and all roles."""
    rows = await raw.fetch(
        """
        SELECT 'relation', relname::text, relnamespace::regnamespace::text FROM pg_class
        UNION ALL SELECT 'function', proname::text, pronamespace::regnamespace::text FROM pg_proc
        UNION ALL SELECT 'type', typname::text, typnamespace::regnamespace::text FROM pg_type
        UNION ALL SELECT 'role', rolname::text, rolsuper::text FROM pg_roles
        UNION ALL SELECT 'schema', nspname::text, nspname::text FROM pg_namespace
        UNION ALL SELECT 'trigger', tgname::text, tgrelid::regclass::text FROM pg_trigger
        """
    )
    ours = ("outgrow", "app", "app_tables", "pg_toast")
    return {tuple(row.values()) for row in rows if not str(row[2]).startswith(ours)}
