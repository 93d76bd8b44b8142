"""Sending a message in each phase, beside the same statements by pgbench into bare tables."""

from __future__ import annotations

import asyncio
import time

from benchmarks.bare import CLIENTS, pgbench
from benchmarks.measures import Run
from benchmarks.report import Goal
from benchmarks.world import World
from outgrow.campus.accounts.sessions import Sessions
from outgrow.campus.messaging.chats import Chats
from outgrow.campus.messaging.live import Live
from outgrow.campus.notifier import Notifier
from outgrow.campus.pagination import Cursors
from outgrow.db.pool import Database

CHATS = 200
_SOME = """
SELECT p.chat_id, min(p.user_id) AS sender, max(p.user_id) AS other
FROM campus.participants AS p GROUP BY 1
HAVING count(*) = 2
  AND network.why_closed(
    min(p.user_id), network.school_of(min(p.user_id)), to_jsonb(array_agg(p.user_id))) IS NULL
ORDER BY 1 LIMIT $1
"""
_TABLES = """
DROP SCHEMA IF EXISTS bare_chats CASCADE;
CREATE SCHEMA bare_chats;
CREATE TABLE bare_chats.chats (n bigint PRIMARY KEY, id text UNIQUE, one text, other text);
CREATE TABLE bare_chats.blocks (user_id text, blocked_id text, PRIMARY KEY (user_id, blocked_id));
CREATE TABLE bare_chats.keys (sender_id text, key text, PRIMARY KEY (sender_id, key));
CREATE TABLE bare_chats.messages (chat_id text, pos bigint GENERATED ALWAYS AS IDENTITY,
  sender_id text, content text, sent_at timestamptz DEFAULT now(), PRIMARY KEY (chat_id, pos));
CREATE SEQUENCE bare_chats.keyed;
"""
_SEND = """
\\set n random(1, :chats)
BEGIN;
SELECT c.id, c.one, c.other FROM bare_chats.chats AS c WHERE c.n = :n AND NOT EXISTS (
  SELECT FROM bare_chats.blocks AS b WHERE (b.user_id = c.one AND b.blocked_id = c.other)
    OR (b.user_id = c.other AND b.blocked_id = c.one)) \\gset
INSERT INTO bare_chats.keys VALUES (:one, nextval('bare_chats.keyed')::text)
ON CONFLICT DO NOTHING;
INSERT INTO bare_chats.messages (chat_id, sender_id, content)
VALUES (:id, :one, 'Chess at five?') RETURNING pos, sent_at;
COMMIT;
"""


async def sends(run: Run, phase: str) -> None:
    """Messages sent per second, by as many connections as pgbench has, without HTTP before them."""
    made = run.world
    chats = [(row["chat_id"], row["sender"], row["other"]) for row in await made.sql(_SOME, CHATS)]
    ours, bare = [], []
    for _ in range(run.rounds):
        ours.append(await _ours(made, [(chat, sender) for chat, sender, _ in chats], run.seconds))
        bare.append(await _bare(made, chats, run.seconds))
    name = f"a message sent, phase {phase}"
    goal = Goal("aim", at_least=0.5)
    run.report.add(name, ours, "per second", goal, peer="pgbench, into bare tables", than=bare)


async def _ours(made: World, chats: list[tuple[str, str]], seconds: float) -> float:
    database = await Database.open(made.url, pool_size=CLIENTS, generic_plans=True)
    try:
        service = Chats(
            database,
            Cursors(b"of the benchmark"),
            Live(database, Notifier(database), Sessions(database)),
        )

        async def client(number: int, until: float) -> int:
            count = 0
            while time.perf_counter() < until:
                chat_id, sender = chats[(number + count * CLIENTS) % len(chats)]
                await service.send(chat_id, "Chess at five?", None, user_id=sender)
                count += 1
            return count

        async def together(for_seconds: float) -> float:
            start = time.perf_counter()
            until = start + for_seconds
            done = await asyncio.gather(*(client(n, until) for n in range(CLIENTS)))
            return sum(done) / (time.perf_counter() - start)

        await together(seconds / 3)
        return await together(seconds)
    finally:
        await database.close()


async def _bare(made: World, chats: list[tuple[str, str, str]], seconds: float) -> float:
    await made.script(_TABLES)
    await made.sql(
        "INSERT INTO bare_chats.chats SELECT n, id, one, other FROM unnest($1::text[], $2::text[], "
        "$3::text[]) WITH ORDINALITY AS c(id, one, other, n)",
        *map(list, zip(*chats, strict=True)),
    )
    file = made.home / "send.sql"
    file.write_text(_SEND, encoding="utf-8")
    options = (f"--time={max(1, round(seconds))}", f"--define=chats={len(chats)}")
    return pgbench(made.url, *options, f"--file={file}")
