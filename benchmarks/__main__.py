"""`python -m benchmarks`: measures everything and prints a table, which it also writes to
benchmarks/results.json and docs/benchmarks.md.

Exits with 1 when a gate is missed. `--quick` takes a tenth of the users and a fraction of the time:
the goals, which are for 50,000 users in one school, are not judged then.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import backfill, discover, ladder, live, measures, processes, reads, routes
from benchmarks.measures import Run
from benchmarks.processes import Server, outgrow, serving
from benchmarks.report import Goal, Report
from benchmarks.sending import sends
from benchmarks.world import OFF, World, world
from benchmarks.writes import PHASES, accepts
from outgrow.errors import OutgrowError

USERS = 50_000
RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def main() -> int:
    options = _options()
    start = time.monotonic()
    report = Report(users=options.users, judged=options.users >= USERS)
    try:
        asyncio.run(_measure(report, options))
    except (RuntimeError, OutgrowError) as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    report.write(options.output)
    if options.output == RESULTS:
        report.write_into(PAGE)
    print(report.text())
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
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--no-node", action="store_true", help="leave out the peer on Node.js")
    options = parser.parse_args()
    usual = {"users": USERS, "seconds": 3.0, "rounds": 3, "output": RESULTS}
    if options.quick:
        quick = RESULTS.with_name("results-quick.json")
        usual = {"users": 5_000, "seconds": 1.0, "rounds": 1, "output": quick}
    if options.only:
        usual["output"] = RESULTS.with_name("results-only.json")
    usual["only"] = PARTS
    for name, value in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


async def _measure(report: Report, options: argparse.Namespace) -> None:
    async with world(options.users) as made:
        run = Run(made, report, options.seconds, options.rounds, with_node=not options.no_node)
        report.note(OFF)
        report.versions["postgresql"] = await made.server_version()
        measures.generated(run)
        for phase in PHASES:
            served, alone = (
                [part for name, part in parts[phase].items() if name in options.only]
                for parts in (SERVED, ALONE)
            )
            if phase == "relational" and not (served or alone):
                break
            if phase != "initial":
                await measures.grow(run, phase)
            with _api(made) as run.served:
                measures.sign_in(run)
                for part in served:
                    await part(run, phase)
                if served:
                    run.memory(f"Outgrow, phase {phase}", run.api, Goal("gate", at_most=120))
            for part in alone:
                await part(run, phase)


async def _beside_peers(run: Run, _: str) -> None:
    await run.world.relational()
    with ExitStack() as stack:
        peers = {
            name: stack.enter_context(_peer(run.world, module))
            for name, module in reads.PEERS.items()
        }
        if run.with_node and (command := _fastify(run)):
            log = run.world.home / "fastify.log"
            peers[reads.FASTIFY] = stack.enter_context(serving(command, run.world.peer_env, log))
        await reads.beside_peers(run, peers)
        for name, peer in peers.items():
            run.memory(name, peer)


async def _cached(run: Run, _: str) -> None:
    with _api(run.world, OUTGROW_CACHE_SECONDS="20") as caching:
        reads.cached(run, caching)


async def _live(run: Run, phase: str) -> None:
    with _api(run.world) as run.served:
        await live.measure(run, phase)
        run.memory("Outgrow, after so many sockets", run.api)


@contextmanager
def _api(world: World, **settings: str) -> Iterator[Server]:
    command = outgrow("serve", "--no-demo")
    with serving(command, {**world.env, **settings}, world.home / "api.log") as server:
        yield server


def _fastify(run: Run) -> list[str]:
    """The command of the peer that needs Node.js, which this machine may not have."""
    if not (shutil.which("node") and shutil.which("npm")):
        run.report.note(f"{reads.FASTIFY} is left out: there is no Node.js")
        return []
    directory = run.world.home / "fastify"
    directory.mkdir()
    shutil.copy(Path(__file__).with_name("peers") / "fastify.mjs", directory)
    try:
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix"]
        processes.run([*install, str(directory), "fastify@5", "@fastify/jwt@10", "pg@8"], {})
    except RuntimeError as e:
        run.report.note(f"{reads.FASTIFY} is left out: npm cannot install it ({e})"[:200])
        return []
    return ["node", str(directory / "fastify.mjs")]


@contextmanager
def _peer(world: World, name: str) -> Iterator[Server]:
    command = [sys.executable, "-m", f"benchmarks.peers.{name}"]
    with serving(command, world.peer_env, world.home / f"{name}.log") as server:
        yield server


Part = Callable[[Run, str], Awaitable[None]]
SERVED: dict[str, dict[str, Part]] = {
    "initial": {"page": measures.slow_page, "accounts": measures.accounts},
    "optimized": {
        "peers": _beside_peers,
        "search": reads.search,
        "lists": reads.lists,
        "cache": _cached,
        "discover": discover.beside_a_page,
        "accounts": measures.accounts,
    },
    "relational": {
        "page": ladder.page,
        "discover": discover.beside_a_page,
        "accounts": measures.accounts,
    },
}
"""What is measured over HTTP in each phase, by the name of its part."""

ALONE: dict[str, dict[str, Part]] = {
    "initial": {"intros": accepts, "old-clients": ladder.writes},
    "optimized": {
        "intros": accepts,
        "old-clients": ladder.writes,
        "live": _live,
        "sending": sends,
        "typos": reads.typing,
        "routes": routes.looked_at,
        "backfill": backfill.beside_by_hand,
    },
    "relational": {
        "intros": accepts,
        "old-clients": ladder.writes,
        "sending": sends,
        "sign-ups": ladder.sign_ups,
    },
}
"""And what is measured without that server, which would share the cores."""

PARTS = sorted({name for of in (SERVED, ALONE) for parts in of.values() for name in parts})

if __name__ == "__main__":
    sys.exit(main())
