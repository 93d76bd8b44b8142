"""Schools: their names and sizes, kept in memory.

There is no table of schools: they are what profiles say. Counting reads every profile, so a process
does it once in FRESH_SECONDS at most; who asks while it counts again gets what is there.
"""

from __future__ import annotations

import asyncio
import bisect
import time

import msgspec

from outgrow import queries
from outgrow.campus.hidden import Hidden
from outgrow.campus.pages import Cursors, Page
from outgrow.database import Database

SQL = queries.load("schools")

FRESH_SECONDS = 60.0


class Schools:
    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors
        self._names: list[str] = []
        self._members: dict[str, int] = {}
        self._counted_at: float | None = None
        self._counting = asyncio.Lock()
        self._hidden = Hidden(database)

    async def page(
        self, page: Page, *, counts: bool = False, viewer: str = "", school: str | None = None
    ) -> bytes:
        """The JSON of a page of schools by name, in the order of code points; `counts` for
        `viewer`, of `school`. Raises BadCursor."""
        await self._refresh()
        of = ("schools",)
        after = self._cursors.open(of, page.cursor)
        start = page.offset if after[1] is None else bisect.bisect_right(self._names, after[1])
        shown = self._names[start : start + page.limit]
        # Next to a school's total, its size would tell of who is left out of the other.
        hidden = {}
        if counts and school in shown:
            hidden[school] = await self._hidden_members(viewer, school)
        items = [
            {"name": name, "members": self._members[name] - hidden.get(name, 0)}
            if counts
            else {"name": name}
            for name in shown
        ]
        more = start + page.limit < len(self._names)
        last = shown[-1] if shown else ""
        body = b'{"items":' + msgspec.json.encode(items)
        return self._cursors.finish((body, more, "", last), of)

    def signed_up(self, school: str) -> None:
        """Let a new member be seen at once in this process."""
        if self._counted_at is not None:
            if school not in self._members:
                bisect.insort(self._names, school)
            self._members[school] = self._members.get(school, 0) + 1

    async def _hidden_members(self, viewer: str, school: str) -> int:
        hidden = await self._hidden.ids(viewer, school)
        if not hidden:
            return 0
        count: int = await self._database.value(SQL["hidden_members"], school, hidden)
        return count

    def _is_fresh(self) -> bool:
        return self._counted_at is not None and time.monotonic() < self._counted_at + FRESH_SECONDS

    async def _refresh(self) -> None:
        if self._is_fresh() or (self._counted_at is not None and self._counting.locked()):
            return
        async with self._counting:
            if self._is_fresh():
                return
            rows = await self._database.rows(SQL["all"])
            self._members = {row["school"]: row["members"] for row in rows}
            self._names = sorted(self._members)
            self._counted_at = time.monotonic()
