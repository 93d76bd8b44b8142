"""The ladder: what it costs to grow to `relational`, to write there, and what reading gains."""

from __future__ import annotations

import json
import statistics
import time
from functools import partial

from benchmarks import processes, reads
from benchmarks.bare import Sent
from benchmarks.load import Result
from benchmarks.measures import Run, pages, sign_ups
from benchmarks.processes import Server, outgrow
from benchmarks.report import Goal
from outgrow.queries import Query
from outgrow.settings import DEFAULT_STORE

STORE = f'public."{DEFAULT_STORE}"'
WITHOUT = "without tables"

# (A colon before a name would be a variable to pgbench.)
_WRITES = {
    "a profile": f"UPDATE {STORE} "
    "SET value = value || jsonb_build_object('bio', md5(random()::text)) "
    "WHERE key = 'user:' || $1",
    "a connection more": f"UPDATE {STORE} SET value = value || to_jsonb(md5(random()::text)) "
    "WHERE key = 'user:' || $1 || chr(58) || 'connections'",
}


async def writes(run: Run) -> dict[str, float]:
    """Old clients' writes to the store, by pgbench: statements per second."""
    ids = [user_id for user_id, _ in (await run.world.people())[:100]]
    found = {}
    for name, sql in _WRITES.items():
        sent = [Sent(Query(f"write.{name}", sql), (user_id,), ("text",)) for user_id in ids]
        turns = [run.bare("write", sent).per_second for _ in range(run.rounds)]
        found[name] = statistics.median(turns)
    return found


async def grow(run: Run, before: dict[str, float]) -> None:
    """To `relational`."""
    start = time.perf_counter()
    said = processes.run(outgrow("grow", "--to", "relational", "--json"), run.world.env)
    run.report.add("grow --to relational", time.perf_counter() - start, "s")
    done = json.loads(said)
    seconds = {
        kind: sum(step["seconds"] for step in done["steps"] if step["kind"] == kind)
        for kind in ("backfill", "verify")
    }
    run.report.add(
        "comparing all relations",
        seconds["verify"],
        "s",
        Goal("aim", at_most=1),
        peer="the backfill",
        than=seconds["backfill"],
    )
    after = await writes(run)
    for name, rate in after.items():
        goal = Goal("aim", at_least=0.5)
        label = f"an old client's write, {name}"
        run.report.add(label, rate, "per second", goal, peer=WITHOUT, than=before[name])
    run.report.add("store, phase relational", await run.world.store_mb(), "MB")


async def page(run: Run, api: Server) -> None:
    """The page and one profile again, from tables: beside the same statement by pgbench."""
    groups = await run.world.groups()
    sent = [await reads.sent_by(run.world, reads.page(run.world, *group)) for group in groups]
    turns = run.take_turns(
        {
            reads.OURS: partial(run.load, api, pages(groups)),
            reads.BARE: partial(run.bare, "page", sent),
        }
    )
    _beside_bare(run, "page by major and year, phase relational", turns, 0.5)
    sign_ups(run, api, "relational")


def _beside_bare(run: Run, name: str, turns: dict[str, Result], at_least: float) -> None:
    ours, bare = turns[reads.OURS], turns[reads.BARE]
    goal = Goal("aim", at_least=at_least)
    run.report.add(name, ours.per_second, "req/s", goal, peer=reads.BARE, than=bare.per_second)
    run.add_latency(name, ours)
