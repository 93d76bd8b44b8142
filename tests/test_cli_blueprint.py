"""Another app's store from the command line: its blueprint, up and down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from outgrow.db.pool import Database

ROOT = Path(__file__).parent.parent
OUTGROW = [sys.executable, "-m", "outgrow"]


def outgrow(url: str, *arguments: str, blueprint: str, given: str = "") -> tuple[int, str, str]:
    env = {**os.environ, "DATABASE_URL": url, "OUTGROW_BLUEPRINT": blueprint}
    done = subprocess.run(
        [*OUTGROW, *arguments], env=env, input=given, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["events", "mechanics", "stock"])
async def test_an_example_goes_up_and_down(
    database_url: str, database: Database, name: str
) -> None:
    blueprint = str(ROOT / "examples" / f"{name}.toml")
    made = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "generate.py"), name, "30"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert outgrow(database_url, "kv", "import", "-", blueprint=blueprint, given=made)[0] == 0
    before = outgrow(database_url, "kv", "export", blueprint=blueprint)[1]
    for phase in ("relational", "initial"):
        code, _, err = outgrow(database_url, "grow", "--to", phase, blueprint=blueprint)
        assert code == 0, err
        code, answer, err = outgrow(database_url, "verify", "--json", blueprint=blueprint)
        assert code == 0, err
        assert json.loads(answer)
        code, answer, _ = outgrow(database_url, "status", "--json", blueprint=blueprint)
        assert json.loads(answer)["phase"] == phase
    assert outgrow(database_url, "kv", "export", blueprint=blueprint)[1] == before
    assert not await database.pool.fetchval("SELECT to_regnamespace('network') IS NOT NULL")


def test_a_missing_blueprint_is_reported(database_url: str, tmp_path: Path) -> None:
    code, _, err = outgrow(database_url, "status", blueprint=str(tmp_path / "x.toml"))
    assert code == 2
    assert "cannot be read" in err
    (tmp_path / "x.toml").write_text('name = "Not a name"')
    code, _, err = outgrow(database_url, "status", blueprint=str(tmp_path / "x.toml"))
    assert (code, "blueprint" in err) == (2, True)
