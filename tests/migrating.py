"""What the tests of migrations share: a database of before, and looks at all of our own tables."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from conftest import _programs
from outgrow.schema import migrate
from outgrow.schema.migrate import Migration
from outgrow.settings import DEFAULT_STORE as STORE

FORGET_MIGRATIONS = (
    "ALTER TABLE network.operations RENAME COLUMN done_at TO at",
    "DROP TABLE network.migrations",
)
"""Make the schema `network` look as it did before its migrations were counted."""


CHANCE = re.compile(r"\\(un)?restrict |SET |$")
"""Lines of a dump that say nothing of an object."""

LEFT = re.compile(
    r"-- Name: (FUNCTION )?\w+\(.*Type: (FUNCTION|ACL); Schema: outgrow;"
    r"|\s*(CREATE|GRANT ALL ON|REVOKE ALL ON) FUNCTION outgrow\."
)

DATABASES = Path(__file__).parent / "databases"
BEFORE = DATABASES / "2026-11-30-growing.sql"
"""The last database without a record of migrations."""

FILES = [m for schema in migrate.SCHEMAS for m in migrate.known(schema)]


def schema(config: pytest.Config, url: str, *names: str) -> set[str]:
    """All objects of our schemas, or of these, as pg_dump writes them: each with its owner, grants
    and comments."""
    program = _programs(config).path("pg_dump")
    only = [f"--schema={name}" for name in names or ("outgrow", "network", "campus")]
    done = subprocess.run(
        [program, "--schema-only", *only, url], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    dump = "\n".join(line for line in done.stdout.splitlines() if not CHANCE.match(line))
    return set(dump.split("\n--\n"))


def same(now: set[str], fresh: set[str]) -> None:
    """A database that came up is as a fresh one, but for functions that a version of before made:
    what keeps the tables of a growth may call them, until that makes the tables again."""
    assert fresh - now == set()
    assert not [item for item in now - fresh if not LEFT.match(item)]


async def rows(raw: Any) -> dict[str, list[dict[str, Any]]]:
    """All rows of our tables, as JSON says them."""
    names = await raw.fetch(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace::regnamespace::text IN ('outgrow', 'network') ORDER BY 1"
    )
    rows_of_tables = {}
    for (name,) in names:
        read = await raw.fetch(f"SELECT to_jsonb(t)::text FROM {name} t ORDER BY t::text")
        rows_of_tables[name] = [json.loads(row[0]) for row in read]
    return rows_of_tables


def kept(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Every row of `before` is in `after`, and no other: as it was, but for what an installation
    says of itself, and for names."""
    for table, was in renamed(before).items():
        if table == "outgrow.definitions":
            continue
        changing = {"version", "store_oid", "installed_at"} if table == "outgrow.layouts" else set()
        if table == "outgrow.mirrors":  # tables that are made in another way by now are stale
            assert {row["state"] for row in after[table]} <= {"filling", "filled", "stale"}
            changing = {"state"}
        for row in was:
            stays = {k: v for k, v in row.items() if k not in changing}
            assert any(stays.items() <= now.items() for now in after[table]), (table, stays)
        assert len(was) == len(after[table]), table


NAMES = {
    "outgrow.lifts": {"leftovers": "unmapped"},
    "outgrow.quarantine": {"at": "quarantined_at"},
    "network.operations": {"at": "done_at"},
}
"""Columns of tables that were called otherwise before."""


def renamed(before: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of a database of before under the names of today."""
    now = {}
    for table, was in before.items():
        names = NAMES.get(table, {})
        phases = ("phase", "from_phase", "to_phase") if table.startswith("outgrow.") else ()
        now["outgrow.mirrors" if table == "outgrow.lifts" else table] = [
            {
                names.get(k, k): "initial" if k in phases and v == "found" else v
                for k, v in row.items()
            }
            for row in was
        ]
    return now


async def restore(url: str, *changes: str, dump: Path = BEFORE) -> Any:
    """A database of before in the place of an empty one; returns a connection."""
    raw = await asyncpg.connect(url)
    await raw.execute(f"DROP TABLE {STORE}")
    await raw.execute(dump.read_text(encoding="utf-8"))
    await raw.close()
    raw = await asyncpg.connect(url)
    for change in changes:
        await raw.execute(change)
    return raw


def next_one(monkeypatch: pytest.MonkeyPatch) -> Migration:
    """Have one more migration, which this version knows."""
    known = migrate.known("network")
    last = known[-1].number
    added = Migration(
        "network",
        last + 1,
        "sessions_seen_at",
        "ALTER TABLE network.sessions ADD COLUMN seen_at timestamptz;\n"
        "UPDATE network.sessions SET seen_at = turned_at;\n",
    )
    know(monkeypatch, added)
    return added


def know(monkeypatch: pytest.MonkeyPatch, *added: Migration) -> None:
    """Have exactly these migrations beside those of the files."""

    def known(schema: str) -> tuple[Migration, ...]:
        files = tuple(m for m in FILES if m.schema == schema)
        return files + tuple(m for m in added if m.schema == schema)

    monkeypatch.setattr(migrate, "known", known)
