"""The ladder's commands as processes: told to stop, and watched."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
from typing import Any

import pytest

from conftest import Connect
from growing import CAMPUS, STORE, until
from laddering import climb, damaged_campus, everything, outgrow, shown
from outgrow.db.pool import Database
from outgrow.growth.control import status
from outgrow.settings import DEFAULT_STORE


@pytest.fixture
async def raw(database: Database, database_url: str, connect: Connect) -> Any:
    return await damaged_campus(database, connect, database_url)


async def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = await asyncio.to_thread(process.communicate, timeout=60)
    return process.returncode, out, err


async def line(process: subprocess.Popen[str], beginning: str) -> str:
    """The next line that begins like this, as soon as it is there."""
    assert process.stdout is not None
    while True:
        text = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), 30)
        assert text, "it ended"
        if text.startswith(beginning):
            return text


async def waits(database: Database, step: str) -> bool:
    """A growth waits for somebody at this step."""
    seen = await status(database, DEFAULT_STORE, CAMPUS)
    return seen.growth is not None and step in seen.growth.step and bool(seen.growth.waiting)


@pytest.mark.parametrize(
    ("command", "held", "step", "then", "phase"),
    [
        (
            "grow --to hybrid",
            f"INSERT INTO {STORE} VALUES ('held', '1')",
            "make tables",
            "resume",
            "hybrid",
        ),
        ("switch", "SELECT 1", "wait until nobody", "resume", "hybrid"),
        ("switch", "SELECT 1", "wait until nobody", "rollback", "optimized"),
        (
            "rollback",
            f"INSERT INTO {STORE} VALUES ('held', '1')",
            "stop keeping",
            "rollback",
            "optimized",
        ),
        (
            "rollback",
            f"INSERT INTO {STORE} VALUES ('held', '1')",
            "stop keeping",
            "resume",
            "optimized",
        ),
    ],
)
async def test_whoever_is_told_to_stop_says_where(
    database: Database,
    database_url: str,
    raw: Any,
    command: str,
    held: str,
    step: str,
    then: str,
    phase: str,
) -> None:
    await climb(database, "optimized")
    ends = await everything(raw)
    rows = await shown(raw)
    if command != "grow --to hybrid":
        await climb(database, "hybrid", postpone=True)
    await raw.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ; {held}")
    process = outgrow(database_url, *command.split())
    await until(lambda: waits(database, step), f"the growth waits at: {step}")
    process.send_signal(signal.SIGINT)
    code, out, err = await finished(process)
    assert (code, out) == (130, ""), err
    assert f"stopped at: {step}" in err
    assert "`outgrow resume` goes on" in err
    assert "Traceback" not in err
    await raw.execute("ROLLBACK")
    code, _, err = await finished(outgrow(database_url, then))
    assert code == 0, err
    assert (await status(database, DEFAULT_STORE, CAMPUS)).store.phase == phase
    assert await shown(raw) == rows
    if phase == "optimized":
        assert await everything(raw) == ends


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_notes_are_printed_before_the_first_step(
    database_url: str, raw: Any, options: tuple[str, ...]
) -> None:
    """By `grow` as by `grow --plan`, and also where the first step installs all there is."""
    await raw.execute(f"CREATE VIEW report AS SELECT key FROM {STORE}")
    goal = ("grow", "--to", "hybrid")
    _, out, _ = await finished(outgrow(database_url, *goal, "--plan", "--json", "--no-misfits"))
    planned = json.loads(out)["notes"]
    assert any(note.startswith("views of others show the store") for note in planned)
    code, out, err = await finished(outgrow(database_url, *goal, *options))
    assert code == 0, err
    notes = [line.removeprefix("note: ") for line in err.splitlines()[: len(planned)]]
    assert [_sizeless(note) for note in notes] == [_sizeless(note) for note in planned]
    assert err.count("note: ") == len(planned)
    if options:
        assert json.loads(out)["notes"] == notes


def _sizeless(note: str) -> str:
    return re.sub(r"\d+", "N", note)


async def test_status_is_watched_while_a_growth_runs(
    database: Database, database_url: str, raw: Any
) -> None:
    await climb(database, "optimized")
    await raw.execute(f"BEGIN; INSERT INTO {STORE} VALUES ('held', '1')")
    growth = asyncio.create_task(climb(database, "hybrid"))
    await until(lambda: waits(database, "make tables"), "the growth waits")
    watched = outgrow(database_url, "status", "--watch", "--json")
    shown_too = outgrow(database_url, "status", "--watch")
    for _ in range(2):
        answer = json.loads(await line(watched, "{"))
        assert answer["growth"]["state"] == "running"
        assert "old client" in answer["growing"]["waiting"]
        await line(shown_too, "growth   optimized -> hybrid, running")
        await line(shown_too, "waits    pid")
    await raw.execute("COMMIT")
    assert (await growth).store.phase == "hybrid"
    code, out, err = await finished(watched)
    assert code == 0, err
    answer = json.loads(out.splitlines()[-1])
    assert (answer["growing"], answer["growth"], answer["phase"]) == (None, None, "hybrid")
    code, out, err = await finished(shown_too)
    assert code == 0, err
    assert out.splitlines()[-1].startswith("table    user_search: shadow")
