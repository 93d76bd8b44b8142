"""Writing in each phase, beside the same statements by pgbench into tables that nobody else keeps:
what relations over a store cost whoever writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from benchmarks.bare import CLIENTS, pgbench
from benchmarks.measures import Run
from benchmarks.report import Goal
from outgrow.campus import Viewer
from outgrow.campus.pagination import Cursors
from outgrow.campus.people.intros import Intros
from outgrow.db.pool import Database

BARE = "pgbench, into bare tables"
PHASES = ("initial", "optimized", "relational")
WARM = 25  # of each connection, which plans every statement at first
PER_SECOND = 150  # accepted for each second of a turn

_INTROS = """
INSERT INTO campus.intros (from_id, to_id, sent_ms, reason, status, created_at, rest)
SELECT p.from_id, p.to_id, $3, 'study', 'pending', date_trunc('milliseconds', now()), '{}'
FROM unnest($1::text[], $2::text[]) AS p(from_id, to_id)
"""
_BARE_TABLES = """
DROP SCHEMA IF EXISTS bare CASCADE;
CREATE SCHEMA bare;
CREATE TABLE bare.people AS
SELECT u.id, u.school, u.visible, u.card FROM campus.users AS u WHERE u.school = $1;
ALTER TABLE bare.people ADD PRIMARY KEY (id);
CREATE TABLE bare.pairs (n bigint PRIMARY KEY, one text NOT NULL, other text NOT NULL);
CREATE TABLE bare.intros (from_id text, to_id text, sent_ms text, reason text, status text,
  created_at timestamptz, accepted_at timestamptz, PRIMARY KEY (from_id, to_id, sent_ms));
CREATE INDEX ON bare.intros (to_id, status);
CREATE INDEX ON bare.intros (from_id, status);
CREATE TABLE bare.connections (user_id text, connected_user_id text,
  created_at timestamptz DEFAULT now(), PRIMARY KEY (user_id, connected_user_id));
CREATE TABLE bare.chats (id text PRIMARY KEY, created_at timestamptz DEFAULT now());
CREATE TABLE bare.participants (chat_id text, user_id text, PRIMARY KEY (user_id, chat_id));
CREATE SEQUENCE bare.turn;
"""
_BARE_INTRO = """
SELECT i.*, p.card FROM bare.intros AS i JOIN bare.people AS p ON p.id = i.from_id
WHERE i.from_id = :one AND i.to_id = :other AND i.sent_ms = '1' AND p.visible;
"""
_BARE_ACCEPT = f"""
SELECT one, other FROM bare.pairs WHERE n = (SELECT nextval('bare.turn')) \\gset
BEGIN;
SELECT pg_advisory_xact_lock(hashtextextended(:one || :other, 0));
{_BARE_INTRO}
SELECT from_id, to_id, sent_ms FROM bare.intros
WHERE ((from_id = :one AND to_id = :other) OR (from_id = :other AND to_id = :one))
  AND status = 'pending';
SELECT FROM bare.intros WHERE from_id = :one AND to_id = :other AND sent_ms = '1' FOR UPDATE;
UPDATE bare.intros SET status = 'accepted', accepted_at = now()
WHERE from_id = :one AND to_id = :other AND sent_ms = '1' AND status = 'pending';
INSERT INTO bare.connections (user_id, connected_user_id)
VALUES (:one, :other), (:other, :one) ON CONFLICT DO NOTHING;
INSERT INTO bare.chats (id) VALUES (:one || chr(58) || :other) ON CONFLICT DO NOTHING;
INSERT INTO bare.participants (chat_id, user_id)
VALUES (:one || chr(58) || :other, :one), (:one || chr(58) || :other, :other)
ON CONFLICT DO NOTHING;
{_BARE_INTRO}
COMMIT;
"""


async def accepts(run: Run, phase: str) -> None:
    """Intros accepted per second, all between people who never met: each phase pairs them in
    another way."""
    number = PHASES.index(phase)
    people = [user_id for user_id, _ in await run.world.people()]
    half = len(people) // 2
    pairs = [(people[i], people[half + (i + number) % half]) for i in range(half)]
    pairs = pairs[: WARM * CLIENTS + round(run.seconds * PER_SECOND)]
    sent_ms = str(1_700_000_000_000 + number)
    await run.world.sql(_INTROS, [p[0] for p in pairs], [p[1] for p in pairs], sent_ms)
    ours = await _accepted(run, pairs, sent_ms)
    bare = await _by_pgbench(run, pairs)
    goal = Goal("aim", at_least=0.5)
    name = f"an intro accepted, phase {phase}"
    run.report.add(name, ours, "per second", goal, peer=BARE, than=bare)


async def _accepted(run: Run, pairs: Sequence[tuple[str, str]], sent_ms: str) -> float:
    """By as many connections as pgbench has, without HTTP before them."""
    database = await Database.open(run.world.url, pool_size=CLIENTS, generic_plans=True)
    try:
        service = Intros(database, Cursors(b"of the benchmark"))
        warm = min(WARM * CLIENTS, len(pairs) // 2)

        async def accept(some: Sequence[tuple[str, str]]) -> None:
            for sender, to in some:
                viewer = Viewer(to, run.world.school)
                await service.accept(f"{sender}:{to}:{sent_ms}", viewer=viewer)

        async def together(some: Sequence[tuple[str, str]]) -> None:
            await asyncio.gather(*(accept(some[client::CLIENTS]) for client in range(CLIENTS)))

        await together(pairs[:warm])
        start = time.perf_counter()
        await together(pairs[warm:])
        return (len(pairs) - warm) / (time.perf_counter() - start)
    finally:
        await database.close()


async def _by_pgbench(run: Run, pairs: Sequence[tuple[str, str]]) -> float:
    await run.world.script(_BARE_TABLES, run.world.school)
    turns = 2 * len(pairs)  # as often as that, so that it runs for long enough
    await run.world.sql(
        "INSERT INTO bare.pairs SELECT n, one, other || '-' || n % 2 "
        "FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS p(one, other, m) "
        "CROSS JOIN LATERAL (VALUES (2 * m - 1), (2 * m)) AS v(n)",
        [p[0] for p in pairs],
        [p[1] for p in pairs],
    )
    await run.world.sql(
        "INSERT INTO bare.intros SELECT one, other, '1', 'study', 'pending', now() FROM bare.pairs"
    )
    await run.world.sql("ANALYZE bare.pairs, bare.intros, bare.people")
    file = run.world.home / "accept.sql"
    file.write_text(_BARE_ACCEPT, encoding="utf-8")
    return pgbench(run.world.url, f"--transactions={turns // CLIENTS}", f"--file={file}")
