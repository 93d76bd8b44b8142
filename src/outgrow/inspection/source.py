"""Reads a table for an inspection, in one snapshot and without changing anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar

from outgrow.db.pool import Session
from outgrow.inspection.inspection import Rows
from outgrow.inspection.reading import decode
from outgrow.queries import Query, load

T = TypeVar("T")

BATCH = 2_000  # rows in memory at once

_TEXTS = ("text", "character varying")


class Table:
    """A key-value table. The caller has begun a transaction, REPEATABLE READ and read-only, so that
    every pass sees the same rows; it holds back the vacuuming of what is deleted meanwhile, as a
    dump does."""

    def __init__(self, session: Session, name: str, percent: float | None = None) -> None:
        self._session = session
        self._name = name
        self._percent = percent

    async def count(self) -> int:
        """How many rows there are; from here on each pass begins with the same one."""
        await self._session.run(load("inspect")["in_order"])
        return int(await self._session.value(self._query("count")) or 0)

    async def version_for_queries(self) -> int | None:
        """The server's version, where the keys are texts and the values jsonb: the queries for
        misfits are for such tables."""
        types = await self._session.row(self._query("types"))
        is_plain = types is not None and types["key"] in _TEXTS and types["value"] == "jsonb"
        return types["version"] if types is not None and is_plain else None

    async def rows(self, use: Callable[[Rows], None]) -> None:
        sampled = self._percent is not None
        query = self._query("sampled" if sampled else "rows")
        arguments = (self._percent,) if sampled else ()
        stream = self._session.stream(query, *arguments, batch=BATCH)
        await _each(stream, lambda records: use([(key, text) for key, text in records]))

    async def keys(self, use: Callable[[list[str]], None]) -> None:
        stream = self._session.stream(self._query("keys"), batch=5 * BATCH)
        await _each(stream, lambda records: use([record[0] for record in records]))

    async def some(self, keys: Sequence[str]) -> Mapping[str, Any]:
        rows = await self._session.rows(self._query("some"), list(keys))
        return {key: decode(text) for key, text in rows}

    def _query(self, block: str) -> Query:
        return load("inspect")[block].with_identifiers(store=self._name)


async def _each(batches: AsyncIterator[T], use: Callable[[T], None]) -> None:
    """Use each batch, and have the server work on the next one meanwhile."""
    following = asyncio.ensure_future(anext(batches, None))
    try:
        while (batch := await following) is not None:
            following = asyncio.ensure_future(anext(batches, None))
            await asyncio.sleep(0)  # that it is asked for before this one is used
            use(batch)
    finally:
        following.cancel()
        await asyncio.wait([following])  # the connection is to be free again
