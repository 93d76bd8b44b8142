"""Discover: who at one's school has most in common with oneself, and whom one's connections know.

Both leave out oneself, one's connections, whoever one waits for or is waited for by (an intro that
nobody answered yet), and who is hidden. PostgreSQL ranks, and writes the JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from outgrow import queries
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.viewer import Viewer
from outgrow.db.pool import Database

SQL = queries.load("discover")

REASONS = (
    *("interests", "looking_for", "academic_goals", "leisure_goals"),
    *("personality", "major", "year"),
)
"""What two people may have in common, in the order of the column `likes`."""

_BEFORE_ALL = (1_000_000, "\U0010ffff", "")
"""In front of every row: a number larger than any score, and behind that a text that every time of
the list sorts before."""

_REST = -1
"""Instead of a score, in the cursor of somebody who stands behind the pool."""


class Discover:
    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors

    async def matches(self, page: Page, *, viewer: Viewer) -> bytes:
        """The JSON of a page of public profiles, best match first, each with its `score` and the
        `reasons` for it; in the end everybody of the school. Raises BadCursor."""
        of = ("discover", viewer.school, viewer.id)
        number, sort, id_ = self._begin(of, page)
        _, *rest = (number, sort, id_) if number == _REST else _BEFORE_ALL
        row = await self._database.row(
            SQL["matches"], viewer.school, viewer.id, page.limit, number, sort, id_, *rest
        )
        return self._finish(row, of)

    async def suggestions(self, page: Page, *, viewer: Viewer) -> bytes:
        """The JSON of a page of connections of one's connections, most `mutual` ones first.
        Raises BadCursor."""
        of = ("suggestions", viewer.school, viewer.id)
        begin = self._begin(of, page)
        row = await self._database.row(
            SQL["suggestions"], viewer.school, viewer.id, page.limit, *begin
        )
        return self._finish(row, of)

    def _begin(self, of: Sequence[str], page: Page) -> tuple[int, str, str]:
        if page.cursor is None:
            return _BEFORE_ALL
        number, sort, id_ = self._cursors.open(of, page.cursor)
        return int(number or 0), sort or "", id_ or ""

    def _finish(self, row: Any, of: Sequence[str]) -> bytes:
        """As Cursors.finish, for a cursor of three parts."""
        if not row["has_more"]:
            return b"".join((row["body"], b',"next":null}'))
        last = [str(row[column]) for column in ("last_number", "last_sort", "last_id")]
        cursor = self._cursors.seal(of, last).encode("ascii")
        return b"".join((row["body"], b',"next":"', cursor, b'"}'))
