"""The ladder: what old clients' writes cost in each phase, and what reading gains in the last; and
what late lists make of sign-ups."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from benchmarks import processes, reads
from benchmarks.bare import Sent
from benchmarks.measures import Run, pages
from benchmarks.processes import outgrow
from benchmarks.report import Goal
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.schema import late_lists
from outgrow.settings import DEFAULT_STORE

STORE = f'public."{DEFAULT_STORE}"'
UNTOUCHED = "bare_store.kv"
WITHOUT = "a copy of the store that nobody reads"

# The store as an old client has it alone: with the index of its key, and no trigger.
_COPY = f"""
DROP SCHEMA IF EXISTS bare_store CASCADE;
CREATE SCHEMA bare_store;
CREATE TABLE {UNTOUCHED} (key text PRIMARY KEY, value jsonb NOT NULL);
INSERT INTO {UNTOUCHED} SELECT key, value FROM {STORE};
CREATE TABLE bare_store.written AS
SELECT key, value FROM {STORE}
WHERE split_part(key, ':', 2) = ANY ($1::text[]) AND key ~ '^user:[^:]+(:connections)?$';
VACUUM ANALYZE {UNTOUCHED}
"""
_AS_IT_WAS = """
UPDATE {store} AS s SET value = w.value FROM bare_store.written AS w
WHERE s.key = w.key AND s.value IS DISTINCT FROM w.value
"""
# (A colon before a name would be a variable to pgbench.)
_WRITES = {
    "a profile": "UPDATE {store} "
    "SET value = value || jsonb_build_object('bio', md5(random()::text)) "
    "WHERE key = 'user' || chr(58) || $1",
    "a connection more": "UPDATE {store} SET value = value || to_jsonb(md5(random()::text)) "
    "WHERE key = 'user' || chr(58) || $1 || chr(58) || 'connections'",
}
_SIGN_UP = """
INSERT INTO campus.users (id, name, school, created_at, rest)
VALUES (gen_random_uuid()::text, 'New', $1, date_trunc('milliseconds', now()), '{}')
"""
NEW_SCHOOL = "Newfield College"
LATE_SECONDS = 5
FOLDS_SECONDS = 6  # how much longer than others a turn is that holds folds


async def _copy_store(run: Run) -> None:
    """Before anything grows: in every phase the store is compared with this copy."""
    ids = await _writers(run)
    await run.world.script(_COPY, ids)


async def writes(run: Run, phase: str) -> None:
    """Old clients' writes by pgbench, to the store and to the copy in turns. Before each turn the
    documents are as they were: who writes faster does not write to longer lists."""
    if phase == "initial":
        await _copy_store(run)
    ids = await _writers(run)
    for name, sql in _WRITES.items():
        turns: dict[str, list[float]] = {STORE: [], UNTOUCHED: []}
        for store in [*turns] * run.rounds:
            await run.world.sql(_AS_IT_WAS.format(store=store))
            query = Query(f"write.{name}", sql.format(store=store))
            sent = [Sent(query, (user_id,), ("text",)) for user_id in ids]
            turns[store].append(run.bare("write", sent).per_second)
        label, goal = f"an old client's write, {name}, phase {phase}", Goal("aim", at_least=0.5)
        ours, than = turns.values()
        run.report.add(label, ours, "per second", goal, peer=WITHOUT, than=than)


async def _writers(run: Run) -> list[str]:
    return [user_id for user_id, _ in (await run.world.people())[:100]]


async def page(run: Run, phase: str) -> None:
    """The page and one profile again, from tables: beside the same statement by pgbench."""
    groups = await run.world.groups()
    sent = [await reads.sent_by(run.world, reads.page(run.world, *group)) for group in groups]
    turns = run.take_turns(
        {
            reads.OURS: partial(run.load, run.api, pages(groups)),
            reads.BARE: partial(run.bare, "page", sent),
        }
    )
    name, goal = f"page by major and year, phase {phase}", Goal("aim", at_least=0.5)
    ours, bare = turns[reads.OURS], turns[reads.BARE]
    run.report.add(name, ours.per_second, "req/s", goal, peer=reads.BARE, than=bare.per_second)
    run.add_latency(name, ours.median)


async def sign_ups(run: Run, phase: str) -> None:
    """People who join the large school, in turns with people who join a new one: by the relation,
    first with lists that every one of them rewrites, then with late lists and a job that folds."""
    for seconds in (0, LATE_SECONDS):
        command = outgrow("grow", "--to", phase, "--late-lists", str(seconds))
        processes.run(command, run.world.env)
        turns = await _sign_up_turns(run)
        name = f"sign-ups into the large school, {'late' if seconds else 'no late'} lists"
        goals = [Goal("gate", at_least=0.95)] if seconds else []
        ours, than = turns[run.world.school], turns[NEW_SCHOOL]
        run.report.add(name, ours, "per second", *goals, peer="into a new school", than=than)


async def _sign_up_turns(run: Run) -> dict[str, list[float]]:
    """A turn holds several folds of its own school's list, and none of the turn before: what is
    left to fold at its end is folded between the two. Each school comes first in every other
    round."""
    turns: dict[str, list[float]] = {run.world.school: [], NEW_SCHOOL: []}
    longer = replace(run, seconds=run.seconds * FOLDS_SECONDS)
    database = await Database.open(run.world.url, pool_size=2)
    folding = asyncio.create_task(late_lists.keep_folding(database))
    try:
        for number in range(run.rounds):
            for school in [*turns][:: 1 if number % 2 == 0 else -1]:
                sent = [Sent(Query("write.sign_up", _SIGN_UP), (school,), ("text",))]
                result = await asyncio.to_thread(longer.bare, "sign-up", sent)
                turns[school].append(result.per_second)
                await late_lists.fold(database)
    finally:
        folding.cancel()
        await asyncio.wait([folding])
        await database.close()
    return turns
