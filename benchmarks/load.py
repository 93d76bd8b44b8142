"""The load: connections that stay open, each sending its next request when its answer is whole.

It runs in a process of its own (`python -m benchmarks.load < plan.json`), so that it shares no
interpreter with what it measures. Latency is from writing a request to the last byte of its answer.
`cpu` is the part of one core that this process took: near 1 it would have measured itself.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httptools
import uvloop

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    method: str = "GET"
    body: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    per_second: float
    p50_ms: float
    p99_ms: float
    bytes_each: float
    requests: int
    cpu: float


def run(
    port: int,
    requests: Sequence[Request],
    *,
    token: str | None = None,
    connections: int = 16,
    seconds: float = 4,
    warm: float | None = None,
    once: bool = False,
    status: int = 200,
) -> Result:
    """Send the requests in turn, over and over, or each `once`; the first `warm` seconds (0.5)
    count for nothing. Raises RuntimeError when an answer had another status than `status`.
    """
    plan = {
        "port": port,
        "requests": [asdict(request) for request in requests],
        "token": token,
        "connections": connections,
        "seconds": seconds,
        "warm": min(0.5, seconds) if warm is None else warm,
        "once": once,
        "status": status,
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        raise RuntimeError(f"the load on {requests[0].path} failed: {done.stderr.strip()[-2000:]}")
    return Result(**json.loads(done.stdout))


class _Client(asyncio.Protocol):
    """One connection. `finished` is set when it sent its last request and has the answer."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self.finished = asyncio.get_running_loop().create_future()
        self._sent_at = 0.0
        self._first: bytes | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        request = self._run.following()
        if request is None:
            if not self.finished.done():
                self.finished.set_result(None)
            self._transport.close()
            return
        self._parser = httptools.HttpResponseParser(self)
        self._size = 0
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._first is None:
            self._first = data[:2000]
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._size += len(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        self._run.answered(status, self._sent_at, self._size, self._first or b"")
        self._first = None
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(ConnectionError(f"the server hung up: {exc}"))


class _Run:
    """What all connections share: what to send next, and what came back."""

    def __init__(self, plan: dict[str, Any]) -> None:
        raw = [_encoded(plan, **request) for request in plan["requests"]]
        self._requests: Iterator[bytes] = iter(raw) if plan["once"] else itertools.cycle(raw)
        self._status = plan["status"]
        self._latencies: list[float] = []
        self._bytes = 0
        self._wrong: Counter[str] = Counter()
        self._begin = time.perf_counter() + plan["warm"]
        self._end = self._begin + plan["seconds"]
        self._last = self._begin
        self._counting = False  # whether a request that counts was sent; one at least is
        self._cpu_at_begin: float | None = None

    def following(self) -> bytes | None:
        now = time.perf_counter()
        if self._cpu_at_begin is None and now >= self._begin:
            self._cpu_at_begin = time.process_time()
        if now >= self._end and self._counting:
            return None
        self._counting = self._counting or now >= self._begin
        return next(self._requests, None)

    def answered(self, status: int, sent_at: float, size: int, first: bytes) -> None:
        now = time.perf_counter()
        if status != self._status:
            self._wrong[f"{status}: {first.decode('utf-8', 'replace')[-300:]}"] += 1
        elif sent_at >= self._begin:
            self._latencies.append(now - sent_at)
            self._bytes += size
            self._last = now

    def result(self) -> Result:
        if self._wrong:
            raise SystemExit(f"unexpected answers: {self._wrong.most_common(3)}")
        if not self._latencies:
            raise SystemExit("no request was answered that counts")
        ordered = sorted(self._latencies)
        count = len(ordered)
        took = max(self._last - self._begin, 1e-9)
        cpu = time.process_time() - (self._cpu_at_begin or 0)
        return Result(
            per_second=count / took,
            p50_ms=ordered[count // 2] * 1000,
            p99_ms=ordered[min(count - 1, int(count * 0.99))] * 1000,
            bytes_each=self._bytes / count,
            requests=count,
            cpu=cpu / took,
        )


def _encoded(plan: dict[str, Any], path: str, method: str, body: str) -> bytes:
    content = body.encode("utf-8")
    lines = [f"{method} {path} HTTP/1.1", "host: campus", "accept: application/json"]
    if plan["token"]:
        lines.append(f"authorization: Bearer {plan['token']}")
    if content:
        lines += ["content-type: application/json", f"content-length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + content


async def _send(plan: dict[str, Any]) -> Result:
    run = _Run(plan)
    loop = asyncio.get_running_loop()
    pairs = await asyncio.gather(
        *[
            loop.create_connection(lambda: _Client(run), "127.0.0.1", plan["port"])
            for _ in range(plan["connections"])
        ]
    )
    await asyncio.gather(*[client.finished for _, client in pairs])
    return run.result()


if __name__ == "__main__":
    json.dump(asdict(uvloop.run(_send(json.load(sys.stdin)))), sys.stdout)
