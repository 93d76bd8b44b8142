"""How things are measured, and the parts that are no reading: the data, the growth, signing in.

Contenders take turns (A B A B). A figure is the median of its turns, a ratio that of the ratios of
two turns that followed each other: whatever else the machine does, it does to both.
"""

from __future__ import annotations

import json
import statistics
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from benchmarks import bare, load, processes
from benchmarks.bare import Sent
from benchmarks.load import Request, Result
from benchmarks.processes import Server, outgrow
from benchmarks.report import Goal, Report
from benchmarks.world import World, at, log_in


@dataclass(frozen=True, slots=True)
class Turns:
    """What one contender did in each of its turns."""

    results: Sequence[Result]

    @property
    def per_second(self) -> list[float]:
        return [result.per_second for result in self.results]

    @property
    def median(self) -> Result:
        names = [field.name for field in fields(Result)]
        return Result(
            *(statistics.median(getattr(turn, name) for turn in self.results) for name in names)
        )


@dataclass(slots=True)
class Run:
    """`rounds` turns of `seconds` each, over HTTP to `api`. `token` is that of the account that
    measures, `accounts` how many there are."""

    world: World
    report: Report
    seconds: float
    rounds: int
    token: str = ""
    accounts: int = 0
    served: Server | None = None
    with_node: bool = False

    @property
    def api(self) -> Server:
        assert self.served is not None
        return self.served

    def load(self, server: Server, requests: Sequence[Request], **options: Any) -> Result:
        given = {"token": self.token, "seconds": self.seconds, **options}
        return load.run(server.port, requests, **given)

    def slow(self, server: Server, requests: Sequence[Request], **options: Any) -> Result:
        """Where a request may take longer than a turn."""
        return self.load(server, requests, **{"connections": 2, "warm": 0, **options})

    def bare(self, name: str, statements: Sequence[Sent]) -> Result:
        world = self.world
        done = bare.per_second(world.url, world.home, name, statements, self.seconds)
        return Result(done, 0, 0, 0, 0, 0)

    def take_turns(
        self, contenders: Mapping[str, Callable[[], Result]], times: int = 1
    ) -> dict[str, Turns]:
        """Each its rounds, and so many `times` over where a gate hangs on their spread."""
        results: dict[str, list[Result]] = {name: [] for name in contenders}
        for _ in range(self.rounds * times):
            for name, contender in contenders.items():
                results[name].append(contender())
        return {name: Turns(turns) for name, turns in results.items()}

    def add(self, name: str, result: Result) -> None:
        self.report.add(name, result.per_second, "req/s")
        self.add_latency(name, result)

    def add_latency(self, name: str, result: Result) -> None:
        self.report.add(f"{name}: p50", result.p50_ms, "ms")
        self.report.add(f"{name}: p99", result.p99_ms, "ms")

    def memory(self, label: str, server: Server, *goals: Goal) -> None:
        self.report.add(f"memory of one process, {label}", server.resident_mb, "MB", *goals)


def answer(server: Server, request: Request, token: str = "") -> Any:
    """What one request says."""
    call = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{request.path}",
        request.body.encode("utf-8") or None,
        {"content-type": "application/json", "authorization": f"Bearer {token}"},
        method=request.method,
    )
    with urllib.request.urlopen(call, timeout=300) as said:
        return json.load(said)


def sign_in(run: Run) -> None:
    """Get a token for the account that measures, which is made the first time."""
    email, request = run.world.account(0)
    if not run.accounts:
        run.accounts = 1
        answer(run.api, request)
    run.token = answer(run.api, log_in(email))["access_token"]


def generated(run: Run) -> None:
    made = run.world.generated
    rate = made["users"] / run.world.seconds_to_generate
    run.report.add("generate campus, key indexed", rate, "users/s")
    run.report.add("store, phase initial", (made["table_bytes"] + made["index_bytes"]) / 1e6, "MB")


async def slow_page(run: Run, phase: str) -> None:
    """With no index but the key's."""
    result = run.slow(run.api, pages(await run.world.groups()))
    run.add(f"page by major and year, phase {phase}", result)


async def grow(run: Run, phase: str) -> None:
    start = time.perf_counter()
    steps = json.loads(processes.run(outgrow("grow", "--to", phase, "--json"), run.world.env))
    run.report.add(f"grow --to {phase}", time.perf_counter() - start, "s")
    run.report.add(f"store, phase {phase}", await run.world.store_mb(), "MB")
    verify, backfill = (
        sum(step["seconds"] for step in steps["steps"] if step["kind"] == kind)
        for kind in ("verify", "backfill")
    )
    if backfill:
        goal = Goal("aim", at_most=1)
        name = "comparing all relations"
        run.report.add(name, verify, "s", goal, peer="the backfill", than=backfill)


async def accounts(run: Run, phase: str) -> None:
    """Each sign-up is an account, a profile, a session, and one more id in the school's array."""
    wanted = range(run.accounts, run.accounts + int(run.seconds * 200) + 8)
    run.accounts = wanted.stop
    requests = [run.world.account(number)[1] for number in wanted]
    result = run.slow(run.api, requests, once=True, status=201, token=None)
    run.add(f"sign-up into the school, phase {phase}", result)
    if phase == "optimized":
        log_ins = [log_in(run.world.account(0)[0])]
        run.add("log-in (argon2id)", run.load(run.api, log_ins, connections=4, token=None))


def pages(groups: Sequence[tuple[str, str]], **more: Any) -> list[Request]:
    return [at("/profiles", major=major, year=year, **more) for major, year in groups]
