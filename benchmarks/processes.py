"""Starts what is measured, each in a process of its own, and stops it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import ROOT

PATIENCE = 60  # seconds until a server must answer


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    pid: int

    @property
    def resident_mb(self) -> float:
        """Memory of this one process (RSS), in MB (10^6 bytes)."""
        said = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=True
        )
        return int(said.stdout) * 1024 / 1e6


@contextlib.contextmanager
def serving(command: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[Server]:
    """Run a server that listens on $PORT until it is no longer needed.

    Raises RuntimeError with the end of its log when it does not answer.
    """
    port = _free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **env, "PORT": str(port)},
            stdout=output,
            stderr=output,
            cwd=ROOT,
        )
    try:
        _wait(process, port, log)
        yield Server(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(command: Sequence[str], env: Mapping[str, str]) -> str:
    """Run a command to its end and return what it prints. Raises RuntimeError."""
    done = subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stderr + done.stdout).strip()[-2000:]}")
    return done.stdout


def outgrow(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "outgrow", *arguments]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"a server did not start: {log.read_text(errors='replace')[-2000:]}")
