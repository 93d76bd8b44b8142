"""The server dies under a command: it says so in a line, and nothing else does."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import CARELESS, Connect
from growing import STORE, fill, until
from laddering import outgrow
from outgrow.db.embedded import EmbeddedServer, running


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server of this test's own."""
    with running(tmp_path, options=CARELESS) as server:
        yield server


@pytest.mark.parametrize("command", ["grow --to optimized", "advise --watch"])
async def test_nothing_is_said_but_the_error(
    command: str, mortal: EmbeddedServer, connect: Connect
) -> None:
    """asyncpg's pool told first, in a trace of calls, that it could not keep a connection open."""
    url = mortal.url()
    raw = await connect(url)
    await raw.execute(f"CREATE TABLE {STORE} (key text PRIMARY KEY, value jsonb NOT NULL)")
    await fill(raw)
    holding = await connect(url)
    await holding.execute(f"BEGIN; DELETE FROM {STORE} WHERE key = 'user:u1'")
    process = outgrow(url, *command.split())

    async def is_connected() -> Any:
        return await raw.fetchval(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'outgrow%'"
            " AND (query LIKE 'CREATE INDEX%' OR $1 <> 'grow')",
            command.split()[0],
        )

    await until(is_connected, "the command is at work")
    await asyncio.sleep(0.5)
    pid = int((mortal.data / "postmaster.pid").read_text(encoding="ascii").split()[0])
    os.kill(pid, signal.SIGQUIT)
    _, err = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 1, err
    assert "Traceback" not in err
    assert "Task exception" not in err
    lines = [line for line in err.splitlines() if line.startswith(("error: ", "hint: "))]
    assert [line.partition(":")[0] for line in lines] == ["error", "hint"], err
    assert "lost" in lines[0] or "cannot be reached" in lines[0]
