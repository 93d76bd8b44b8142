"""`outgrow serve`, as its own process: from nothing to a campus, stopped and started again."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from outgrow.db.pool import Database
from outgrow.queries import Query

DEMO = {"email": "demo@outgrow.test", "password": "outgrow-demo"}


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "OUTGROW_"))}
    kept.pop("DATABASE_URL", None)
    return kept | {"OUTGROW_HOME": str(home), "HOST": "127.0.0.1", "PORT": "0", **more}


_READY = re.compile(r'^  (Store|Sign in) .*\n\n|"event": "started".*\n', re.MULTILINE)


class Served:
    """A running `outgrow serve`; `said` is what it wrote to its log until it was ready."""

    def __init__(self, process: subprocess.Popen[str], log: Path, output: Path) -> None:
        self.process = process
        self._log = log
        self._output = output
        self.startup_log = self.log()
        match = re.search(r"http://[^\s\"]+:\d+", self.startup_log)
        assert match, self.startup_log
        self.url = match[0]

    def log(self) -> str:
        """All of its stderr by now."""
        return self._log.read_text()

    def output(self) -> str:
        """All of its stdout by now."""
        return self._output.read_text()

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str, float]:
        start = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(60)
        return (
            self.process.returncode,
            self.log()[len(self.startup_log) :],
            time.monotonic() - start,
        )


@contextlib.contextmanager
def served(home: Path, *arguments: str, **env: str) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as directory:
        log, output = Path(directory, "log"), Path(directory, "output")
        with log.open("w") as err, output.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "outgrow", "serve", *arguments],
                env=environment(home, **env),
                stdout=out,
                stderr=err,
                text=True,
                start_new_session=True,
            )
        try:
            while process.poll() is None and not _READY.search(log.read_text()):
                time.sleep(0.02)
            yield Served(process, log, output)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)


def sign_in(url: str, body: dict[str, str] = DEMO) -> dict[str, str]:
    answer = httpx.post(f"{url}/auth/login", json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve")


def test_from_nothing_to_a_campus_and_again(home: Path) -> None:
    start = time.monotonic()
    with served(home) as first:
        first_start = time.monotonic() - start
        headers = sign_in(first.url)
        page: dict[str, Any] = httpx.get(
            f"{first.url}/profiles?total=true", headers=headers, timeout=20
        ).json()
        assert page["total"] > 500
        assert len(page["items"]) == 20
        assert httpx.get(f"{first.url}/connections", headers=headers).json()["items"]
        code, rest, _ = first.stop()
        assert code == 0, rest
        assert "Traceback" not in rest
    start = time.monotonic()
    with served(home) as second:
        assert time.monotonic() - start < first_start, "what was made is made again"
        # The same secret: who was signed in still is.
        again = httpx.get(f"{second.url}/profiles?total=true", headers=headers, timeout=20)
        assert again.json()["total"] == page["total"]
        sign_in(second.url)
        assert second.stop(signal.SIGTERM)[0] == 0


def test_a_port_in_use_is_reported_before_anything_slow(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "outgrow", "serve"],
            env=environment(tmp_path / "home", PORT=port),
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    assert port in lines[0]
    assert lines[1].startswith("hint: ")
    assert not (tmp_path / "home").exists()


def test_a_database_given_by_url_gets_no_demo(campus_url: str, tmp_path: Path) -> None:
    with served(tmp_path, DATABASE_URL=campus_url) as server:
        assert "Sign in" not in server.startup_log
        assert httpx.get(f"{server.url}/schools").json() == {"items": [], "next": None}
        answer = httpx.post(f"{server.url}/auth/login", json=DEMO, timeout=20)
        assert answer.status_code == 401
        assert not (tmp_path / "postgres").exists()


def test_a_store_is_made_in_the_embedded_database(tmp_path: Path) -> None:
    """And in no other: test_stores.py."""
    with served(tmp_path, "--no-demo", OUTGROW_STORE="made_here") as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_an_unknown_upgrade_is_not_logged(campus_url: str, tmp_path: Path) -> None:
    """Anybody can ask as often as they like: half a WebSocket is refused, others passed over."""
    with served(tmp_path, DATABASE_URL=campus_url) as server:
        for protocol, status in (("websocket", 400), ("h2c", 200)):
            headers = {"connection": "Upgrade", "upgrade": protocol}
            answer = httpx.get(f"{server.url}/healthz", headers=headers)
            assert answer.status_code == status
        code, log, _ = server.stop()
    assert (code, log.strip()) == (0, "stopped")


async def test_without_its_secret_a_server_makes_another(
    campus: Database, campus_url: str, tmp_path: Path
) -> None:
    """As docs/running.md says how to end all access tokens."""
    secret = Query("test", "SELECT value FROM network.secrets WHERE name = 'signing'")
    before = await campus.value(secret)
    await campus.run(Query("test", "DELETE FROM network.secrets"))
    with served(tmp_path, DATABASE_URL=campus_url) as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
    assert await campus.value(secret) not in (None, before)


def test_an_operator_makes_an_account(campus_url: str, tmp_path: Path) -> None:
    def outgrow(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "outgrow", *arguments],
            env=environment(tmp_path, DATABASE_URL=campus_url),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
        )

    profile = '{"id": "old", "name": "Old One", "school": "X", "email": "old@campus.example"}'
    assert outgrow("kv", "set", "user:old", profile).returncode == 0
    create = ("account", "create", "old@campus.example", "--user", "old", "--password-stdin")
    made = outgrow(*create, "--json", stdin="first password\n")
    assert (made.returncode, made.stdout) == (
        0,
        '{"user_id": "old", "email": "old@campus.example"}\n',
    )
    assert outgrow(*create, stdin="first password\n").returncode == 3
    unknown = outgrow(
        "account",
        "create",
        "a@b.example",
        "--user",
        "no",
        "--password-stdin",
        stdin="first password\n",
    )
    assert unknown.returncode == 1
    assert "hint:" in unknown.stderr
    change = ("account", "set-password", "OLD@campus.example", "--password-stdin")
    assert outgrow(*change, stdin="short\n").returncode == 2
    assert outgrow(*change, stdin="second password\n").returncode == 0
    with served(tmp_path, DATABASE_URL=campus_url) as server:
        body = {"email": "old@campus.example", "password": "second password"}
        headers = sign_in(server.url, body)
        assert httpx.get(f"{server.url}/profiles/me", headers=headers).json()["name"] == "Old One"
