"""Delivery: how long after it was due to be sent a message is on the sockets of its chat.

Sockets are in pairs, two people with a chat; one after the other sends over HTTP, in even steps
whatever the answers. A message that had to wait for a free connection, because the answers were
late, has waited since it was due. The clients are one process, and share the machine with the
server.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import websockets
from websockets.asyncio.client import ClientConnection

from benchmarks.measures import Run
from benchmarks.processes import Server
from benchmarks.report import Goal
from benchmarks.world import World

_PEOPLE = """
SELECT u.id FROM campus.users AS u
WHERE u.school = $1 AND u.visible AND u.rest #> '{settings,allowMessages}' IS DISTINCT FROM 'false'
LIMIT $2
"""
_CHATS = """
INSERT INTO campus.chats (id, participants, created_at, rest)
SELECT c, to_jsonb(string_to_array(c, ':')), now(), jsonb_build_object('chatId', c)
FROM unnest($1::text[]) AS c
WHERE NOT EXISTS (
  SELECT FROM campus.chats AS o WHERE o.id = c AND o.store_key = campus.chats_lookup_key(c))
"""
_CONNECTIONS = """
INSERT INTO campus.connections (user_id, connected_user_id)
SELECT p.one, p.other
FROM (
  SELECT split_part(c, ':', n) AS one, split_part(c, ':', 3 - n) AS other
  FROM unnest($1::text[]) AS c CROSS JOIN generate_series(1, 2) AS n) AS p
WHERE NOT EXISTS (
  SELECT FROM campus.connections AS o
  WHERE o.user_id = p.one AND o.store_key = campus.connections_lookup_key(p.one)
    AND o.connected_user_id = p.other)
"""
_SENDERS = 8  # connections that send
_OPENING = 50  # sockets opened at once


@dataclass(frozen=True, slots=True)
class Delivered:
    """Milliseconds. `lost` and `doubled` count messages on sockets, of which each has two."""

    p50_ms: float
    p99_ms: float
    answer_p99_ms: float
    lost: int
    doubled: int
    sent: int


class _People:
    """People in pairs, signed in."""

    def __init__(self, ids: Sequence[str], tokens: Sequence[str]) -> None:
        self.tokens = dict(zip(ids, tokens, strict=True))
        self.pairs = list(zip(ids[::2], ids[1::2], strict=True))
        self.chats = [":".join(sorted(pair)) for pair in self.pairs]

    @classmethod
    async def make(cls, made: World, count: int) -> _People:
        """`count` of them, or as many as the school has."""
        rows = await made.sql(_PEOPLE, made.school, count)
        ids = [row["id"] for row in rows][: len(rows) // 2 * 2]
        people = cls(ids, await made.tokens(ids))
        await made.sql(_CHATS, people.chats)
        await made.sql(_CONNECTIONS, people.chats)
        return people


async def deliver(
    made: World, server: Server, sockets: int, rate: float, seconds: float
) -> Delivered:
    people = await _People.make(made, sockets)
    seen: dict[tuple[str, str], list[float]] = {}
    async with _open(server, people, seen):
        begun, answered = await _send(server, people, rate, seconds)
        expected = 2 * len(begun)
        for _ in range(100):  # ten seconds for the last
            if sum(map(len, seen.values())) >= expected:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
    took = [
        (at - begun[text]) * 1000
        for (text, _), times in seen.items()
        for at in times
        if text in begun
    ]
    found = {key: len(times) for key, times in seen.items() if key[0] in begun}
    return Delivered(
        p50_ms=statistics.median(took),
        p99_ms=statistics.quantiles(took, n=100)[98],
        answer_p99_ms=statistics.quantiles(answered, n=100)[98],
        lost=expected - len(found),
        doubled=sum(found.values()) - len(found),
        sent=len(begun),
    )


@asynccontextmanager
async def _open(
    server: Server, people: _People, seen: dict[tuple[str, str], list[float]]
) -> AsyncIterator[None]:
    opening = asyncio.Semaphore(_OPENING)
    connections: list[ClientConnection] = []
    tasks: list[asyncio.Task[None]] = []

    async def read(user: str, connection: ClientConnection) -> None:
        async for text in connection:
            event = json.loads(text)
            if event["type"] == "message":
                key = (event["message"]["content"], user)
                seen.setdefault(key, []).append(time.monotonic())

    async def one(user: str, token: str) -> None:
        async with opening:
            connection = await websockets.connect(
                f"ws://127.0.0.1:{server.port}/live",
                additional_headers={"authorization": f"Bearer {token}"},
                compression=None,
                proxy=None,
                open_timeout=60,
                ping_interval=None,
            )
            assert json.loads(await connection.recv())["type"] == "ready"
        connections.append(connection)
        tasks.append(asyncio.create_task(read(user, connection)))

    await asyncio.gather(*(one(user, token) for user, token in people.tokens.items()))
    try:
        yield
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(
    server: Server, people: _People, rate: float, seconds: float
) -> tuple[dict[str, float], list[float]]:
    """When each message was due, and how long after that it was answered, in milliseconds."""
    begun: dict[str, float] = {}
    answered: list[float] = []
    numbers = itertools.count()
    start = time.monotonic()

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        while (number := next(numbers)) < rate * seconds:
            due = start + number / rate
            await asyncio.sleep(due - time.monotonic())
            which = number % len(people.chats)
            text = f"message {number} {secrets.token_hex(4)}"
            user = people.pairs[which][number // len(people.chats) % 2]
            body = json.dumps({"content": text}).encode()
            begun[text] = due
            writer.write(
                f"POST /chats/{people.chats[which]}/messages HTTP/1.1\r\nhost: campus\r\n"
                f"authorization: Bearer {people.tokens[user]}\r\n"
                f"idempotency-key: {number}-{start}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 201"), head
            await reader.readexactly(
                int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
            )
            answered.append((time.monotonic() - due) * 1000)
        writer.close()

    await asyncio.gather(*(sender() for _ in range(_SENDERS)))
    return begun, answered


async def measure(run: Run, phase: str) -> None:
    """The gate and the aim."""
    seconds = 5 * run.seconds / 3
    steps = (
        (500, 50, Goal("gate", at_most=500)),
        (1000, 100, Goal("aim", at_most=250)),
    )
    turns: dict[int, list[Delivered]] = {sockets: [] for sockets, _, _ in steps}
    for _ in range(run.rounds):
        for sockets, rate, _ in steps:
            turns[sockets].append(await deliver(run.world, run.api, sockets, rate, seconds))
    for sockets, rate, goal in steps:
        results = turns[sockets]
        sent = sum(result.sent for result in results)
        name = f"live, {sockets:,} sockets, {rate} messages/s, {phase}"
        run.report.add(f"{name}: p99 of delivery", [r.p99_ms for r in results], "ms", goal)
        run.report.add(f"{name}: p50 of delivery", [r.p50_ms for r in results], "ms")
        run.report.add(f"{name}: p99 of the answer", [r.answer_p99_ms for r in results], "ms")
        kept = Goal(goal.kind, at_most=0)
        for what in ("lost", "doubled"):
            count = sum(getattr(result, what) for result in results)
            run.report.add(f"{name}: {what}", count, f"of {2 * sent:,}", kept)
