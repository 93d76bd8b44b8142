"""The benchmarks run, whatever their figures are here."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from benchmarks import live
from benchmarks.processes import Server
from benchmarks.report import Goal, Report

from outgrow.web.api import ROUTES
from outgrow.web.http.routing import Access

PHASES = ("initial", "optimized", "relational")
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
    keys = {"name", "figure", "unit", "limit_or_peer", "ratio", "turns", "goal"}
    assert all(set(row) == keys for row in rows)
    gates = {row["name"] for row in rows if row["goal"].startswith("gate")}
    assert gates == {
        "backfill of all relations",
        "discover, phase optimized: p50",
        "discover, phase relational: p50",
        "live, 500 sockets, 50 messages/s, optimized: p99 of delivery",
        "live, 500 sockets, 50 messages/s, optimized: lost",
        "live, 500 sockets, 50 messages/s, optimized: doubled",
        "page by major and year",
        *(f"memory of one process, Outgrow, phase {phase}" for phase in PHASES),
        "found of 150 typos, one edit",
        "most blocks touched",
        "sign-ups into the large school, late lists",
    }
    in_turns = {row["name"] for row in rows if row["goal"] and row["turns"]}
    assert in_turns >= {
        "backfill of all relations",
        "discover, phase optimized: p50",
        "live, 500 sockets, 50 messages/s, optimized: p99 of delivery",
        "page by major and year",
        *(f"an old client's write, a profile, phase {phase}" for phase in PHASES),
    }
    read = {row["name"].split()[2] for row in rows if row["name"].startswith("blocks touched, ")}
    people = (Access.SIGNED_IN, Access.MEMBER)
    assert {r.path for r in ROUTES if r.method == "GET" and r.access in people} <= read
    assert not any("met" in row["goal"].lower() for row in rows), "150 users prove nothing"
    assert "page by major and year" in done.stdout


def test_a_gate_is_taken_on_the_spread_of_the_pairs(tmp_path: Path) -> None:
    """The medians are five to one; but of four pairs only two are so good."""
    report = Report(users=1, judged=True)
    gate = Goal("gate", at_least=5)
    report.add("page", [100, 100, 300, 300], "req/s", gate, peer="peer", than=[50, 40, 40, 40])
    (row,) = report.rows
    assert (row.figure, row.ratio, row.turns) == (200, 5, [2, 2.5, 7.5, 7.5])
    assert report.missed == ["page: 2.38, gate: at least 5"]
    report.add("page", [7, 1, 8, 6], "ms", Goal("gate", at_most=8))
    report.add("page", [7, 1, 8, 6], "ms", Goal("gate", at_most=7))
    assert report.missed[1:] == ["page: 7.25, gate: at most 7"]
    report.write(tmp_path / "results.json")
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["rows"]
    assert kept[0]["turns"] == [2, 2.5, 7.5, 7.5]


async def test_a_message_counts_from_when_it_was_due() -> None:
    """Each answer takes as long as ten messages have: the last waits for those before it."""
    people = live._People(["a", "b"], ["token", "token"])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            size = int(head.split(b"content-length: ")[1].split(b"\r")[0])
            await reader.readexactly(size)
            await asyncio.sleep(0.1)
            writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n")

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        due, answered = await live._send(Server(port, 0), people, rate=800, seconds=0.1)
    times = sorted(due.values())
    assert len(times) == 80
    assert abs(times[-1] - times[0] - 79 / 800) < 0.001, "even steps, whatever the answers"
    assert max(answered) > 900, "ten answers of 100 ms on each of eight connections"
