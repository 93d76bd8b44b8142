"""Ctrl-C and SIGTERM at any moment: a command ends within a second and leaves no session behind."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from growing import until
from outgrow.db.embedded import EmbeddedServer
from outgrow.db.pool import Database
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import Spec

BOUND = 3.0  # seconds, where the machine is busy; alone it takes 0.6 at most
OTHERS = (
    "verify",
    "grow --to relational",
    "grow --to relational --plan",
    "kv export",
    "status --watch",
    "generate campus --users 3000",
)
SESSIONS = """SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'outgrow%' AND pid <> ALL ($1)"""


def start(url: str, command: str) -> subprocess.Popen[str]:
    """A command whose own code has begun: what comes before is the interpreter's affair."""
    process = subprocess.Popen(
        [sys.executable, "-m", "outgrow", *command.split()],
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not _catches(process.pid, signal.SIGTERM):
        time.sleep(0.005)
    return process


def _catches(pid: int, number: int) -> bool:
    """Which Python does not by itself."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except FileNotFoundError:
        time.sleep(1)
        return True
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", status, re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def interrupted(process: subprocess.Popen[str], number: int = signal.SIGINT) -> str | None:
    """Its stderr, or None where it had ended before; asserts that it ends as it must."""
    began = time.monotonic()
    process.send_signal(number)
    try:
        _, output = process.communicate(timeout=30)
    finally:
        process.kill()
    seconds = time.monotonic() - began
    if process.returncode in (0, -number):  # done; its interpreter may have gone already
        assert seconds < BOUND, output
        assert "Traceback" not in output, output
        return None
    assert process.returncode == 128 + number, output
    assert seconds < BOUND, f"{seconds:.1f} s\n{output}"
    assert "Traceback" not in output, output
    assert "never awaited" not in output, output
    return output


@pytest.fixture
async def full(database: Database, database_url: str) -> str:
    """The URL of a store with some campus in it."""
    await generate(database, Spec(1500))
    return database_url


async def _no_session(raw: Any, others: list[int]) -> None:
    async def none_left() -> bool:
        return bool(await raw.fetchval(SESSIONS, others) == 0)

    await until(none_left, "no session is left")


async def _try(url: str, raw: Any, command: str, seconds: float) -> bool:
    others = [row[0] for row in await raw.fetch("SELECT pid FROM pg_stat_activity")]
    process = start(url, command)
    await asyncio.sleep(seconds)
    output = await asyncio.to_thread(interrupted, process)
    await _no_session(raw, others)
    return output is not None


async def _whole(url: str, command: str) -> float:
    """How long the command takes when nobody interrupts it, in seconds."""
    began = time.monotonic()
    process = start(url, command)
    try:
        await asyncio.to_thread(process.communicate, timeout=120)
    finally:
        process.kill()
    return time.monotonic() - began


async def test_an_inspection_ends_when_it_is_told_to(full: str, connect: Connect) -> None:
    raw = await connect(full)
    whole = await _whole(full, "inspect")
    hits = [await _try(full, raw, "inspect", whole * n / 6) for n in range(1, 6)]
    assert sum(hits) >= 2


@pytest.mark.parametrize("command", OTHERS)
async def test_every_command_ends_when_it_is_told_to(
    full: str, connect: Connect, command: str
) -> None:
    raw = await connect(full)
    if command == "generate campus --users 3000":
        await raw.execute('TRUNCATE "kv_store_2516be19"')
    await _try(full, raw, command, random.uniform(0.7, 1.5))


@pytest.mark.soak
async def test_two_hundred_inspections_end_when_they_are_told_to(
    full: str, connect: Connect
) -> None:
    raw = await connect(full)
    whole = await _whole(full, "inspect")
    for _ in range(200):
        await _try(full, raw, "inspect", random.uniform(0, whole))


@pytest.mark.soak
@pytest.mark.parametrize("command", OTHERS)
async def test_thirty_of_each_command_end_when_they_are_told_to(
    full: str, connect: Connect, command: str
) -> None:
    raw = await connect(full)
    if command == "generate campus --users 3000":
        await raw.execute('TRUNCATE "kv_store_2516be19"')
    for _ in range(30):
        await _try(full, raw, command, random.uniform(0, 3))


async def test_a_server_that_stands_still_is_not_waited_for(
    full: str, connect: Connect, server: EmbeddedServer
) -> None:
    """Its backend cannot even be told to cancel."""
    raw, locking = await connect(full), await connect(full)
    others = [row[0] for row in await raw.fetch("SELECT pid FROM pg_stat_activity")]
    await locking.execute("BEGIN; LOCK TABLE kv_store_2516be19")
    process = start(full, "inspect")

    async def waiting() -> int | None:
        pid: int | None = await raw.fetchval(
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'outgrow%' "
            "AND wait_event_type = 'Lock' AND datname = current_database()"
        )
        return pid

    pid = await until(waiting, "the inspection waits")
    os.kill(pid, signal.SIGSTOP)
    try:
        assert await asyncio.to_thread(interrupted, process) == "interrupted\n"
    finally:
        os.kill(pid, signal.SIGCONT)
        await locking.execute("ROLLBACK")
    await _no_session(raw, others)


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[str]:
    """The URL of a server that takes connections and says nothing."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / ".s.PGSQL.5432"))
        listener.listen()
        yield f"postgresql:///x?host={tmp_path}"


@pytest.mark.parametrize("command", ["inspect", "verify", "kv list", "serve --port 0"])
def test_connecting_can_be_interrupted(deaf: str, command: str) -> None:
    process = start(deaf, command)
    time.sleep(1.5)
    assert interrupted(process) is not None


LOOPS = """
import asyncio, threading, time, uvloop
from outgrow import signals

async def computes():
    print("begun", flush=True)
    while True:
        sum(range(1000))

async def clings():
    print("begun", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def threads():
    print("begun", flush=True)
    await asyncio.to_thread(time.sleep, 60)

async def fails():
    print("begun", flush=True)
    try:
        await asyncio.sleep(60)
    finally:
        raise ValueError

signals.install()
signals.run(%s(), last_words="gone", loop_factory=%s)
"""


@pytest.mark.parametrize("loop", ["None", "uvloop.new_event_loop"])
@pytest.mark.parametrize("work", ["computes", "clings", "threads", "fails"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_its_second(work: str, loop: str, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LOOPS % (work, loop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.1)
    began = time.monotonic()
    process.send_signal(number)
    _, output = process.communicate(timeout=30)
    assert time.monotonic() - began < BOUND
    assert process.returncode == 128 + number, output
    lines = ["gone"] if work != "fails" else []  # that ends by itself
    lines += ["interrupted"] if number == signal.SIGINT else []
    assert output.splitlines() == lines


def test_the_second_signal_ends_it_immediately() -> None:
    program = LOOPS % ("clings", "None")
    patient = program.replace("signals.install()", "signals.GRACE_SECONDS = 60\nsignals.install()")
    process = subprocess.Popen(
        [sys.executable, "-c", patient],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
