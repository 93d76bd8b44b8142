"""The benchmarks run, whatever their figures are here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent


def test_the_benchmarks_run(tmp_path: Path) -> None:
    """All of them, on a campus too small to say anything."""
    results = tmp_path / "results.json"
    size = ("--users=150", "--seconds=0.2", "--rounds=1", "--no-node")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *size, f"--output={results}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    document = json.loads(results.read_text(encoding="utf-8"))
    rows = document["rows"]
    assert all(
        set(row) == {"name", "figure", "unit", "limit_or_peer", "ratio", "goal"} for row in rows
    )
    gates = {row["name"] for row in rows if row["goal"].startswith("gate")}
    assert gates == {
        "backfill of all relations",
        "discover, phase optimized: p50",
        "discover, phase relational: p50",
        "live, 500 sockets, 50 messages/s, optimized: p99 of delivery",
        "live, 500 sockets, 50 messages/s, optimized: lost",
        "live, 500 sockets, 50 messages/s, optimized: doubled",
        "page by major and year",
        "memory of one process, Outgrow",
        "memory of one process, Outgrow, at the end",
        "found of 150 typos",
        "most rows looked at",
    }
    assert not any("met" in row["goal"].lower() for row in rows), "150 users prove nothing"
    assert "page by major and year" in done.stdout
