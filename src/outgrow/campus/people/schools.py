"""Schools: their names and sizes, kept in memory.

There is no table of schools: they are what profiles say. Counting reads every profile, so a process
does it once within the cache's bound at most; from half of it on beside those who ask, so that
hardly anybody waits. A school whose people changed is counted anew when it is shown.
"""

from __future__ import annotations

import asyncio
import bisect
import time

import msgspec

from outgrow import queries
from outgrow.campus.cache import Caches, Uses, begun
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people.lookalikes import resembled
from outgrow.campus.viewer import Hidden, Viewer
from outgrow.db.pool import Database

SQL = queries.load("schools")
PROTECTED = queries.load("codes")["protected"]


class Schools:
    def __init__(self, database: Database, cursors: Cursors, caches: Caches) -> None:
        self._database = database
        self._cursors = cursors
        self._hidden = Hidden(database, caches)
        self._bound = caches.seconds
        self._uses = caches.uses["schools"] = Uses()
        self._names: list[str] = []
        self._members: dict[str, int] = {}
        self._protected: set[str] = set()
        self._began = float("-inf")  # when what is known was counted
        self._counting: asyncio.Task[None] | None = None
        self._recounting = asyncio.Lock()
        self._changed: dict[str, int] = {}  # since they were counted; the number of the change
        self._changes = 0
        caches.subscribe(self._forget, self._forget_all)

    async def page(
        self, page: Page, *, counts: bool = False, viewer: Viewer | None = None
    ) -> bytes:
        """The JSON of a page of schools by name, in the order of code points; `counts` for
        `viewer`. Raises BadCursor."""
        await self._refresh(counts)
        names, members = self._names, self._members  # others may be there after the next await
        of = ("schools",)
        after = self._cursors.open(of, page.cursor)
        start = page.offset if after[1] is None else bisect.bisect_right(names, after[1])
        shown = names[start : start + page.limit]
        # Next to a school's total, its size would tell of who is left out of the other.
        hidden = {}
        if counts and viewer is not None and viewer.school in shown:
            hidden[viewer.school] = await self._hidden_members(viewer)
        items = [
            {"name": name}
            | ({"members": members[name] - hidden.get(name, 0)} if counts else {})
            | ({"resembles": other} if (other := resembled(name, self._protected)) else {})
            for name in shown
        ]
        more = start + page.limit < len(names)
        last = shown[-1] if shown else ""
        body = b'{"items":' + msgspec.json.encode(items)
        row = {"body": body, "has_more": more, "last_sort": "", "last_id": last}
        return self._cursors.finish(row, of)

    async def _hidden_members(self, viewer: Viewer) -> int:
        hidden = await self._hidden.ids(viewer)
        if not hidden:
            return 0
        count: int = await self._database.value(SQL["hidden_members"], viewer.school, hidden)
        return count

    def _forget(self, school: str) -> None:
        self._changes += 1
        self._changed[school] = self._changes

    def _forget_all(self) -> None:
        self._began = float("-inf")
        self._counting = None

    async def _refresh(self, counts: bool) -> None:
        """Return when nothing that is to be shown is out of date."""
        asked = time.monotonic()
        missed = self._age() >= self._bound
        if self._age() >= self._bound / 2:
            self._count_anew()
        while self._age() >= self._bound and self._began < asked:
            await asyncio.shield(self._count_anew())
        async with self._recounting:
            changed = self._to_count(counts)
            while changed and not await self._count(changed):
                changed = self._to_count(counts)
        if missed or changed:
            self._uses.misses += 1
        else:
            self._uses.hits += 1

    def _to_count(self, counts: bool) -> list[str]:
        return [s for s in self._changed if counts or s not in self._members]

    def _age(self) -> float:
        return time.monotonic() - self._began

    def _count_anew(self) -> asyncio.Task[None]:
        """The count that is under way, or a new one."""
        if self._counting is None:
            self._counting = begun(self._count_all())
        return self._counting

    async def _count_all(self) -> None:
        began, changes = time.monotonic(), self._changes
        try:
            rows = await self._database.rows(SQL["all"])
            protected = await self._database.rows(PROTECTED)
        finally:
            is_wanted = self._counting is asyncio.current_task()
            if is_wanted:
                self._counting = None
        if is_wanted:
            self._members = {row["school"]: row["members"] for row in rows}
            self._names = sorted(self._members)
            self._changed = {s: n for s, n in self._changed.items() if n > changes}
            self._protected = {row["school"] for row in protected}
            self._began = began

    async def _count(self, schools: list[str]) -> bool:
        """False where all were counted meanwhile, which may have been later than these were."""
        began, counted = self._began, {s: self._changed[s] for s in schools}
        rows = await self._database.rows(SQL["some"], schools)
        if self._began != began:
            return False
        self._members = {s: n for s, n in self._members.items() if s not in schools}
        self._members |= {row["school"]: row["members"] for row in rows}
        self._names = sorted(self._members)
        if self._counting is None:  # else its counts will take the place of these
            self._changed = {s: n for s, n in self._changed.items() if counted.get(s) != n}
        return True
