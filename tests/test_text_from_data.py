"""Text from data and blueprints is never code: not of SQL, of a blueprint, or of a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from growing import STORE, old_client
from outgrow.queries import function_body

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
