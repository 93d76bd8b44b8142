"""Connections: mine, somebody's, the ones we share, and who is connected to somebody."""

from __future__ import annotations

from functools import cache
from typing import Literal

from outgrow import queries
from outgrow.campus.pages import Cursors, Page
from outgrow.campus.profiles import nobody
from outgrow.database import Database
from outgrow.queries import Query

SQL = queries.load("connections")

# `of` X: whom X has; `mutual`: of those, whom the viewer has too; `by`: who has X.
Kind = Literal["of", "mutual", "by"]


class Connections:
    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors

    async def page(
        self, kind: Kind, user_id: str, page: Page, *, school: str, viewer: str
    ) -> bytes:
        """The JSON of a page of public profiles. Only people of `school` who are visible.

        Raises BadCursor, and NotFound when `user_id` is nobody whom the viewer may see.
        """
        of = ("connections", kind, user_id, school, viewer)
        after = self._cursors.open(of, page.cursor)
        row = await self._database.row(
            _query(kind, page.cursor is not None),
            user_id,
            school,
            page.limit,
            page.offset,
            *after,
            viewer,
        )
        assert row is not None
        *cut, found = row
        if not found:
            raise nobody()
        return self._cursors.finish(cut, of)


@cache
def _query(kind: Kind, further: bool) -> Query:
    by = "_by" if kind == "by" else ""
    lists = {"of": ("of",), "mutual": ("of", "mutual"), "by": ("by",)}
    start = f"further{by}" if further else "from_start"
    blocks = (*lists[kind], start, f"end{by}", "cards")
    return SQL["page"].joined(kind, *(SQL[block] for block in blocks))
