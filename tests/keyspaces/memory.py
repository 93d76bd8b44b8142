"""Inspects rows in memory, as `outgrow inspect` does those of a table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from outgrow.inspection import Inspection, Rows, inspect, report


class Memory:
    """A `Source`: rows in a dictionary."""

    def __init__(self, rows: Iterable[tuple[str, Any]]) -> None:
        self.data = dict(rows)

    async def rows(self, use: Callable[[Rows], None]) -> None:
        use([(key, json.dumps(value)) for key, value in self.data.items()])

    async def keys(self, use: Callable[[list[str]], None]) -> None:
        use(list(self.data))

    async def values(self, keys: Sequence[str]) -> Mapping[str, Any]:
        return {key: self.data[key] for key in keys if key in self.data}


def inspected(rows: Iterable[tuple[str, Any]]) -> Inspection:
    return asyncio.run(inspect(Memory(rows)))


def inspect_rows(rows: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The document of these rows, with all misfits."""
    return report.document(inspected(rows), all_misfits=True)
