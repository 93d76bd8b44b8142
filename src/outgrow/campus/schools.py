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
from outgrow.campus.hidden import Hidden
from outgrow.campus.pages import Cursors, Page
from outgrow.database import Database

SQL = queries.load("schools")


class Schools:
    def __init__(self, database: Database, cursors: Cursors, caches: Caches) -> None:
        self._database = database
        self._cursors = cursors
        self._hidden = Hidden(database, caches)
        self._bound = caches.seconds
        self._uses = caches.uses["schools"] = Uses()
        self._names: list[str] = []
        self._members: dict[str, int] = {}
        self._began = float("-inf")  # when what is known was counted
        self._counting: asyncio.Task[None] | None = None
        self._recounting = asyncio.Lock()
        self._changed: dict[str, None] = {}  # since they were counted
        caches.hear(self._forget, self._forget_all)

    async def page(
        self, page: Page, *, counts: bool = False, viewer: str = "", school: str | None = None
    ) -> bytes:
        """The JSON of a page of schools by name, in the order of code points; `counts` for
        `viewer`, of `school`. Raises BadCursor."""
        await self._refresh(counts)
        names, members = self._names, self._members  # others may be there after the next await
        of = ("schools",)
        after = self._cursors.open(of, page.cursor)
        start = page.offset if after[1] is None else bisect.bisect_right(names, after[1])
        shown = names[start : start + page.limit]
        # Next to a school's total, its size would tell of who is left out of the other.
        hidden = {}
        if counts and school in shown:
            hidden[school] = await self._hidden_members(viewer, school)
        items = [
            {"name": name, "members": members[name] - hidden.get(name, 0)}
            if counts
            else {"name": name}
            for name in shown
        ]
        more = start + page.limit < len(names)
        last = shown[-1] if shown else ""
        body = b'{"items":' + msgspec.json.encode(items)
        return self._cursors.finish((body, more, "", last), of)

    async def _hidden_members(self, viewer: str, school: str) -> int:
        hidden = await self._hidden.ids(viewer, school)
        if not hidden:
            return 0
        count: int = await self._database.value(SQL["hidden_members"], school, hidden)
        return count

    def _forget(self, school: str) -> None:
        self._changed[school] = None

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
            changed = [s for s in self._changed if counts or s not in self._members]
            if changed:
                await self._count(changed)
        if missed or changed:
            self._uses.misses += 1
        else:
            self._uses.hits += 1

    def _age(self) -> float:
        return time.monotonic() - self._began

    def _count_anew(self) -> asyncio.Task[None]:
        """The count that is under way, or a new one."""
        if self._counting is None:
            self._counting = begun(self._count_all())
        return self._counting

    async def _count_all(self) -> None:
        began, changed = time.monotonic(), self._changed
        self._changed = {}
        try:
            rows = await self._database.rows(SQL["all"])
        except BaseException:
            self._changed = {**changed, **self._changed}
            raise
        finally:
            is_wanted = self._counting is asyncio.current_task()
            if is_wanted:
                self._counting = None
        if is_wanted:
            self._members = {row["school"]: row["members"] for row in rows}
            self._names = sorted(self._members)
            self._began = began

    async def _count(self, schools: list[str]) -> None:
        if self._counting is None:  # else its counts would take the place of these
            for school in schools:
                del self._changed[school]
        try:
            rows = await self._database.rows(SQL["some"], schools)
        except BaseException:
            self._changed.update(dict.fromkeys(schools))
            raise
        self._members = {s: n for s, n in self._members.items() if s not in schools}
        self._members |= {row["school"]: row["members"] for row in rows}
        self._names = sorted(self._members)
