"""What the tests of plans share: a statement explained as the network sends it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

from outgrow.db.pool import Database
from outgrow.queries import Query


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """As `serve` opens it, for statements that take as long as they like."""
    database = await Database.open(url, slow_query_ms=600_000, generic_plans=True)
    try:
        yield database
    finally:
        await database.close()


async def admin(url: str, sql: str) -> None:
    async with opened(url) as database:
        await database.run(Query("test.admin", sql))


async def explain(
    database: Database, query: Query, arguments: Iterable[Any], *, custom: bool = False
) -> list[dict[str, Any]]:
    """Run it, planned once without its parameters, or as a `custom` plan for them; the nodes of
    what was done, the outermost first."""
    async with database.session() as session:
        connection = session.connection
        mode = "force_custom_plan" if custom else "force_generic_plan"
        await connection.execute(f"SET plan_cache_mode = {mode}; PREPARE hot AS {query.sql}")
        try:
            text = await connection.fetchval(
                "EXPLAIN (ANALYZE, TIMING off, FORMAT json) "
                f"EXECUTE hot({', '.join(map(literal, arguments))})"
            )
        finally:
            await connection.execute("DEALLOCATE hot; RESET plan_cache_mode")
    return list(_walk(json.loads(text)[0]["Plan"]))


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _walk(child)


def used(nodes: Sequence[dict[str, Any]]) -> list[str]:
    """The indexes."""
    return [node["Index Name"] for node in nodes if "Index Name" in node]


def read_whole(nodes: Sequence[dict[str, Any]]) -> set[str]:
    """The tables."""
    return {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}


def looked_at(nodes: Sequence[dict[str, Any]], table: str | None = None) -> float:
    """Rows of this table, or of any, that scans took or passed over."""
    total = 0.0
    for node in nodes:
        if "Relation Name" in node and table in (None, node["Relation Name"]):
            passed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
            rows = node["Actual Rows"] + sum(node.get(name, 0) for name in passed)
            total += node["Actual Loops"] * rows
    return total


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, tuple):
        return f"ARRAY[{', '.join(map(literal, value))}]::text[]"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
