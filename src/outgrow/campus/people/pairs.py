"""What is between two people changes one at a time."""

from __future__ import annotations

from outgrow import queries
from outgrow.db.pool import Session

SQL = queries.load("pairs")


async def lock_pair(session: Session, one: str, other: str) -> None:
    """Hold off, until the end of the transaction, everybody else who would change something between
    the two, in whichever order they are named. First of all locks of a transaction: before those of
    the store's keys."""
    await session.run(SQL["lock_pair"], one, other)
