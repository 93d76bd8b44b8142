"""The slowest statements on a table, as `pg_stat_statements` counts them, where it is there."""

from __future__ import annotations

import re
from dataclasses import dataclass

import asyncpg

from outgrow.db.pool import Session
from outgrow.queries import load

MOST = 10
LONGEST = 300  # characters of a statement that are told

_TEXTS = re.compile(r"E?'(?:[^'\\]|''|\\.)*'")


@dataclass(frozen=True, slots=True)
class Statement:
    """Times in milliseconds. What stood in quotes is left out: it may be anybody's."""

    text: str
    calls: int
    mean: float
    slowest: float
    total: float
    rows: int


@dataclass(frozen=True, slots=True)
class Statements:
    """`why_not` says why there are none: the extension is absent, or cannot be read. `hidden` is
    how many of other roles may not be read."""

    why_not: str | None
    slowest: tuple[Statement, ...] = ()
    hidden: int = 0


async def read(session: Session, table: str, most: int = MOST) -> Statements:
    """Ask. An extension that cannot be read is an answer, not an error."""
    sql = load("health")
    schema = await session.value(sql["statements_at"])
    if schema is None:
        return Statements("this database has no extension pg_stat_statements")
    query = sql["statements"].with_identifiers(statements=f"{schema}.pg_stat_statements")
    try:
        async with session.connection.transaction():
            rows = await session.rows(query, table, most)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.ObjectNotInPrerequisiteStateError) as e:
        return Statements(f"pg_stat_statements cannot be read: {e}")
    readable = [row for row in rows if row["query"] != "<insufficient privilege>"]
    return Statements(
        None,
        tuple(
            Statement(_told(r["query"]), r["calls"], r["mean"], r["slowest"], r["total"], r["rows"])
            for r in readable
        ),
        rows[0]["hidden"] if rows else 0,
    )


def _told(text: str) -> str:
    one_line = " ".join(_TEXTS.sub("'...'", text).split())
    return one_line if len(one_line) <= LONGEST else one_line[: LONGEST - 3] + "..."
