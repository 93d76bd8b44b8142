"""Run short scripts of two or three sessions in any order, on a bare store or on one with tables.

A schedule says whose turn it is. A session that waits for another's lock misses its turns until the
lock is free. The same schedule gives the same outcome, statement by statement, every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

Outcome = tuple[str, ...]
"""What one session was told, statement by statement: a command tag, or the code of an error."""

GROWTH = "GROWTH "
ABORTED = "25P02"  # in_failed_sql_transaction: says nothing that the error before has not said


@dataclass(frozen=True, slots=True)
class Script:
    """The statements of one session. With a `level` they are one transaction, which takes its
    snapshot before the first of them; without one each is a transaction of its own. `{s}` is the
    store; `GROWTH name` copies what is there into the table of that relation, if it has one."""

    statements: tuple[str, ...]
    level: str | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        if self.level is None:
            return self.statements
        begin = f"BEGIN ISOLATION LEVEL {self.level}; SELECT FROM {{s}} WHERE key = 'no key'"
        return (begin, *self.statements, "COMMIT")

    def __str__(self) -> str:
        return "; ".join(self.steps)


def schedules(scripts: Sequence[Script]) -> Iterator[tuple[int, ...]]:
    """Return every order in which the scripts' steps can be done."""
    turns = [number for number, script in enumerate(scripts) for _ in script.steps]

    def rest(left: list[int]) -> Iterator[tuple[int, ...]]:
        if not any(left):
            yield ()
        for number, count in enumerate(left):
            if count:
                fewer = [*left[:number], count - 1, *left[number + 1 :]]
                yield from ((number, *after) for after in rest(fewer))

    return rest([turns.count(number) for number in range(len(scripts))])


class World:
    """One store, sessions on it, and one connection more that looks who waits."""

    def __init__(self, store: str, watcher: Any, connections: Sequence[Any]) -> None:
        self.store = store
        self.growth: Callable[[Any, str], Awaitable[None]] = _nothing
        self._watcher = watcher
        self._connections = connections

    async def run(
        self, scripts: Sequence[Script], schedule: Sequence[int]
    ) -> tuple[tuple[Outcome, ...], bool]:
        """Return what each session was told, and whether two waited at the same time: then
        PostgreSQL chose who went first. Nobody is left waiting or in a transaction."""
        todo = [list(script.steps) for script in scripts]
        answers: list[list[str]] = [[] for _ in scripts]
        busy: dict[int, asyncio.Task[str]] = {}
        turns = list(schedule)
        chosen = False
        while turns or busy:
            free = next((i for i, number in enumerate(turns) if number not in busy), None)
            if free is not None:
                number = turns.pop(free)
                saying = self._say(self._connections[number], todo[number].pop(0))
                busy[number] = asyncio.create_task(saying)
            await self._settle(busy, any(number not in busy for number in turns))
            chosen |= sum(not task.done() for task in busy.values()) > 1
            for number in [n for n, task in busy.items() if task.done()]:
                answers[number].append(busy.pop(number).result())
        outcomes = tuple(tuple(t for t in each if t != ABORTED) for each in answers)
        return outcomes, chosen

    async def _settle(self, busy: dict[int, asyncio.Task[str]], others: bool) -> None:
        """Return when every statement has ended or waits for a lock, and somebody can go on."""
        sql = "SELECT bool_and(cardinality(pg_blocking_pids(p)) > 0) FROM unnest($1::int[]) p"
        while True:
            await asyncio.wait(busy.values(), timeout=0.002)
            running = [self._pid(number) for number, task in busy.items() if not task.done()]
            if not running:
                return
            if await self._watcher.fetchval(sql, running):
                if others or len(running) < len(busy):
                    return
                # A deadlock, which PostgreSQL is about to find.
                await asyncio.wait(busy.values(), return_when=asyncio.FIRST_COMPLETED)

    async def _say(self, connection: Any, sql: str) -> str:
        try:
            if sql.startswith(GROWTH):
                await self.growth(connection, sql.removeprefix(GROWTH))
                return GROWTH
            return str(await connection.execute(sql.replace("{s}", self.store)))
        except asyncpg.PostgresError as e:
            return str(e.sqlstate)

    def _pid(self, number: int) -> int:
        pid: int = self._connections[number].get_server_pid()
        return pid


async def _nothing(connection: Any, name: str) -> None: ...
