"""`outgrow grow` and `outgrow status`, as processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import Connect
from growing import (
    CAMPUS,
    building,
    indexes,
    old_client,
    open_transaction,
    until,
    wanted,
)
from outgrow import layout
from outgrow.cli.grow import Shown
from outgrow.growth.steps import CreateIndex
from outgrow.settings import DEFAULT_STORE


@pytest.fixture
async def raw(database_url: str, connect: Connect) -> Any:
    return await old_client(connect, database_url)


@pytest.fixture
async def blocker(database_url: str, connect: Connect) -> Any:
    return await open_transaction(connect, database_url)


def outgrow(url: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "outgrow", *arguments],
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = await asyncio.to_thread(process.communicate, timeout=60)
    return process.returncode, out, err


async def test_the_command_answers_with_json(database_url: str, raw: Any) -> None:
    code, out, err = await finished(outgrow(database_url, "grow", "--to", "optimized", "--json"))
    assert code == 0, err
    answer = json.loads(out)
    assert answer["phase"] == "optimized"
    assert {s["name"] for s in answer["steps"] if s["kind"] == "create_index"} == wanted()
    code, out, err = await finished(outgrow(database_url, "status", "--json"))
    assert (code, json.loads(out)["phase"]) == (0, "optimized")
    code, out, err = await finished(outgrow(database_url, "grow", "--to", "initial", "--plan"))
    assert code == 0
    assert "DROP INDEX CONCURRENTLY" in out
    code, out, err = await finished(outgrow(database_url, "grow", "--to", "nowhere"))
    assert code == 2


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_the_command_stops_when_it_is_told_to(
    database_url: str, raw: Any, blocker: Any, sent: int, code: int
) -> None:
    process = outgrow(database_url, "grow", "--to", "optimized")
    pid = await until(lambda: building(raw), "the first build waits")
    refused, _, err = await finished(outgrow(database_url, "grow", "--to", "optimized"))
    assert refused == 3
    assert f"pid {pid}" in err
    process.send_signal(sent)
    stopped, _, err = await finished(process)
    assert stopped == code, err
    assert "the next `outgrow grow --to optimized` takes it away" in err
    assert "Traceback" not in err
    assert await raw.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid) == 0
    await blocker.execute("COMMIT")
    done, _, err = await finished(outgrow(database_url, "grow", "--to", "optimized"))
    assert done == 0, err
    assert wanted() <= (await indexes(raw)).keys()


def test_a_step_is_named_from_its_first_moment(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C may come before anybody has looked how far the step is."""
    step = CreateIndex(layout.indexes(CAMPUS, "public", DEFAULT_STORE)[0])
    plan: Any = SimpleNamespace(goal="optimized", steps=[step])
    shown = Shown()
    shown.planned(plan, 0)
    shown.begun(step)
    shown.__exit__(asyncio.CancelledError, asyncio.CancelledError(), None)
    err = capsys.readouterr().err
    assert f"stopped at: {step.describe()}" in err
    assert "the next `outgrow grow --to optimized` takes it away" in err


async def test_a_killed_command_does_not_build_on(
    database_url: str, raw: Any, blocker: Any
) -> None:
    process = outgrow(database_url, "grow", "--to", "optimized")
    pid = await until(lambda: building(raw), "the first build waits")
    process.kill()
    await finished(process)

    async def gone() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1"
        return bool(await raw.fetchval(query, pid) == 0)

    await until(gone, "the server notices that the growth's process is gone")
