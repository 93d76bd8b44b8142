"""What an operator's commands did, told to the log.

A command runs at a terminal, and what it prints is gone with that. So it leaves a row, which a
serving process writes to its log within a minute: once, or twice where the process is killed in
between. While nothing serves, the last MOST rows wait.
"""

from __future__ import annotations

from contextlib import suppress

import asyncpg

from outgrow import events, queries
from outgrow.db.named import refuse_strangers
from outgrow.db.pool import Database, Session
from outgrow.errors import Refused

SQL = queries.load("operations")
MOST = 10_000


async def record(database: Database, command: str, subject: str | None = None) -> None:
    """Say that a command did something, to whom. Nothing where there is no campus, or the role may
    not say so: what it did is done."""
    with suppress(
        asyncpg.UndefinedTableError,
        asyncpg.InvalidSchemaNameError,
        asyncpg.InsufficientPrivilegeError,
        asyncpg.ReadOnlySQLTransactionError,
        Refused,
    ):
        await refuse_strangers(database)
        await database.run(SQL["record"], command, subject)


async def report(database: Database) -> None:
    """Write what was recorded to the log, and forget it."""

    async def work(session: Session) -> None:
        for row in await session.rows(SQL["take"]):
            events.event(
                "operator_command",
                at=row["done_at"],
                command=row["command"],
                subject=row["subject"],
                role=row["role"],
                host=row["host"],
            )

    await database.transaction(work)
    await database.run(SQL["forget"], MOST)
