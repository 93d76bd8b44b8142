"""A growth's backfill beside one hand-written statement for each relation, in pairs.

`python -m benchmarks.backfill --users 200000` measures this alone, of as many users as one likes.

The two take turns in one database, relation by relation, and a pair is what both took for all of
them: what else the machine does meanwhile, it does to both. The pair with the middle ratio counts.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from benchmarks import measures
from benchmarks.measures import Run
from benchmarks.report import Goal, Report
from benchmarks.world import World, world
from outgrow import layout
from outgrow.blueprint import campus
from outgrow.errors import OutgrowError
from outgrow.growth import catalogue, runner
from outgrow.growth.context import StepContext
from outgrow.growth.lifting import Backfill, Expand
from outgrow.growth.switching import DropTables, Unfollow
from outgrow.layout.shadow.copying import key_range
from outgrow.layout.shadow.tables import function
from outgrow.queries import Query, quote
from outgrow.settings import DEFAULT_STORE

CAMPUS = campus()
STORE = f'public."{DEFAULT_STORE}"'
BY_HAND = "INSERT INTO ... SELECT by hand"
USERS = 50_000


@dataclass(slots=True)
class Pair:
    """Seconds of both for all relations, and the rows that each of them made."""

    ours: float = 0
    by_hand: float = 0
    rows: int = 0

    @property
    def ratio(self) -> float:
        return self.by_hand / self.ours


async def beside_by_hand(run: Run) -> None:
    """Before there are tables; leaves none."""
    pairs = [await _pair(run.world, number) for number in range(run.rounds)]
    middle = median_low(pair.ratio for pair in pairs)
    pair = next(pair for pair in pairs if pair.ratio == middle)
    run.report.add(
        "backfill of all relations",
        pair.rows / pair.ours,
        "rows/s",
        Goal("gate", at_least=0.6),
        Goal("aim", at_least=0.8),
        peer=BY_HAND,
        than=pair.rows / pair.by_hand,
    )


async def _pair(world: World, number: int) -> Pair:
    """The one that begins takes turns as well."""
    pair = Pair()
    async with runner.alone(world.database, DEFAULT_STORE, CAMPUS) as session:
        store = await catalogue.read(session, DEFAULT_STORE, CAMPUS)
        context = StepContext(CAMPUS, store, world.database, session)
        for relation in CAMPUS.relations:
            turns = [_ours, _by_hand]
            for turn in turns if number % 2 == 0 else turns[::-1]:
                await turn(context, relation, pair)
    for told, seconds in (("the engine", pair.ours), ("by hand", pair.by_hand)):
        print(f"bench: backfill {number + 1}, {told}: {seconds:.1f} s", file=sys.stderr, flush=True)
    print(f"bench: backfill {number + 1}: ratio {pair.ratio:.3f}", file=sys.stderr, flush=True)
    return pair


async def _ours(context: StepContext, relation: str, pair: Pair) -> None:
    await Expand(((relation, None),)).run(context)
    pair.ours += await _seconds(context, Backfill(relation).run(context))
    table = layout.shadow.table(CAMPUS, relation)
    pair.rows += await context.session.value(Query("bench.rows", f"SELECT count(*) FROM {table}"))
    await Unfollow((relation,)).run(context)
    await DropTables(relation, last=True).run(context)


async def _by_hand(context: StepContext, relation: str, pair: Pair) -> None:
    """One statement that does nothing else, into the same table."""
    for query in layout.shadow.expand(CAMPUS, relation):
        await context.session.run(query)
    columns = layout.shadow.columns(CAMPUS, relation)
    listed, selected = (", ".join(f"{a}{quote(c)}" for c in columns) for a in ("", "r."))
    insert = Query(
        "bench.by_hand",
        f"INSERT INTO {layout.shadow.table(CAMPUS, relation)} ({listed})\n"
        f"SELECT {selected} FROM {STORE} s\n"
        f"CROSS JOIN LATERAL {function(CAMPUS, relation, 'rows')}(s.key, s.value) r\n"
        f"WHERE {key_range(CAMPUS, relation, 's.key')}",
    )
    pair.by_hand += await _seconds(context, context.session.run(insert))
    for query in layout.shadow.retire(CAMPUS, relation):
        await context.session.run(query)


async def _seconds(context: StepContext, copying: Awaitable[Any]) -> float:
    """From a checkpoint on, so that neither writes for what the other left."""
    await context.session.run(Query("bench.checkpoint", "CHECKPOINT"))
    start = time.perf_counter()
    await copying
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backfill", description=__doc__)
    parser.add_argument("--users", type=int, default=USERS, help=f"of the school ({USERS:,})")
    parser.add_argument("--rounds", type=int, default=3, help="pairs (3)")
    options = parser.parse_args()
    report = Report(users=options.users, judged=True)
    try:
        asyncio.run(_alone(report, options.users, options.rounds))
    except (RuntimeError, OutgrowError) as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    print(report.text())
    return 1 if report.missed else 0


async def _alone(report: Report, users: int, rounds: int) -> None:
    async with world(users) as made:
        run = Run(made, report, 0, rounds)
        await measures.grow(run)
        await beside_by_hand(run)


if __name__ == "__main__":
    sys.exit(main())
