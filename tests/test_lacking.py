"""A run that lacks what it was asked for says so, and is red in continuous integration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("ci", "processes", "code"),
    [("true", "2", 1), ("1", "0", 1), ("", "2", 0), ("false", "0", 0)],
)
def test_a_run_on_a_postgresql_that_is_not_there(ci: str, processes: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", processes, "--pg=9", HERE / "test_lacking.py"],
        env=os.environ | {"CI": ci},
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "NOT TESTED: there are no server programs of PostgreSQL 9" in done.stdout + done.stderr
    assert done.returncode == code


@pytest.mark.parametrize(("ci", "outcome"), [("true", "failed"), ("", "skipped")])
def test_a_test_of_what_is_not_there(ci: str, outcome: str, tmp_path: Path) -> None:
    test = tmp_path / "test_of_it.py"
    test.write_text("from lacking import lacking\ndef test_it(): lacking('no such program')\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-n", "0", "-p", "no:cacheprovider", test],
        env=os.environ | {"CI": ci, "PYTHONPATH": str(HERE)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert f"1 {outcome}" in done.stdout
    assert "NOT TESTED: no such program" in done.stdout
