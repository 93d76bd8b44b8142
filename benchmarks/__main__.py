"""`python -m benchmarks`: measures everything, prints a table, writes benchmarks/results.json.

Exits with 1 when a gate is missed. `--quick` takes a tenth of the users and a fraction of the time:
the goals, which are for 50,000 users in one school, are not judged then.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import measures, reads
from benchmarks.measures import Run
from benchmarks.processes import Server, outgrow, serving
from benchmarks.report import Goal, Report
from benchmarks.world import World, world
from outgrow.errors import OutgrowError

USERS = 50_000
RESULTS = Path(__file__).with_name("results.json")


def main() -> int:
    options = _options()
    start = time.monotonic()
    report = Report(users=options.users, judged=options.users >= USERS)
    try:
        asyncio.run(_measure(report, options.users, options.seconds, options.rounds))
    except (RuntimeError, OutgrowError) as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    report.write(options.output)
    print(report.table())
    took = time.monotonic() - start
    print(f"bench: {took:.0f} s; written to {options.output}", file=sys.stderr)
    for missed in report.missed:
        print(f"bench: MISSED {missed}", file=sys.stderr)
    return 1 if report.missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5,000 users, one round of 1 s")
    parser.add_argument("--users", type=int, help=f"users of the school ({USERS:,})")
    parser.add_argument("--seconds", type=float, help="length of a turn (3)")
    parser.add_argument("--rounds", type=int, help="turns of each contender (3)")
    parser.add_argument("--output", type=Path, help=f"where to write the results ({RESULTS})")
    options = parser.parse_args()
    usual = {"users": USERS, "seconds": 3.0, "rounds": 3, "output": RESULTS}
    if options.quick:
        quick = RESULTS.with_name("results-quick.json")
        usual = {"users": 5_000, "seconds": 1.0, "rounds": 1, "output": quick}
    for name, value in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


async def _measure(report: Report, users: int, seconds: float, rounds: int) -> None:
    async with world(users) as made:
        run = Run(made, report, seconds, rounds)
        measures.generated(run)
        with _api(made) as api:
            measures.sign_in(run, api)
            await measures.found(run, api)
        await measures.grow(run)
        await made.relational()
        with _api(made) as api:
            measures.sign_in(run, api)
            await _beside_peers(run, api)
            await reads.search(run, api)
            await reads.connections(run, api)
            await reads.counts(run, api)
            await reads.depth(run, api)
            measures.log_ins(run, api)
            measures.sign_ups(run, api, "optimized")
            run.memory("API, at the end", api, Goal("gate", at_most=120))
        await reads.typing(run)
        await reads.what_is_read(run)


async def _beside_peers(run: Run, api: Server) -> None:
    with ExitStack() as stack:
        fastapi = stack.enter_context(_peer(run.world, "relational"))
        prototype = stack.enter_context(_peer(run.world, "prototype"))
        await reads.filtered_page(run, api, fastapi, prototype)
        await reads.one_profile(run, api, fastapi)
        run.memory("API", api, Goal("gate", at_most=120))
        run.memory(reads.FASTAPI, fastapi)
        run.memory(reads.PROTOTYPE, prototype)


@contextmanager
def _api(world: World) -> Iterator[Server]:
    command = outgrow("serve", "--no-demo")
    with serving(command, world.env, world.home / "api.log") as server:
        yield server


@contextmanager
def _peer(world: World, name: str) -> Iterator[Server]:
    command = [sys.executable, "-m", f"benchmarks.peers.{name}"]
    with serving(command, world.peer_env, world.home / f"{name}.log") as server:
        yield server


if __name__ == "__main__":
    sys.exit(main())
