"""Connections between people: lists of them, their end, and the lock of a pair."""

from __future__ import annotations

from typing import Literal

from outgrow import queries
from outgrow.campus import Viewer
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people.profiles import no_such_profile
from outgrow.db.pool import Database, Session
from outgrow.errors import NotFound
from outgrow.queries import Query

PAIRS = queries.load("pairs")


async def lock_pair(session: Session, user_id: str, other: str) -> None:
    """Hold off, until the end of the transaction, everybody else who would change something between
    the two, in whichever order they are named. First of all locks of a transaction: before those of
    the store's keys."""
    await session.run(PAIRS["lock_pair"], user_id, other)


SQL = queries.load("connections")
SAFETY = queries.load("safety")

# `of` X: whom X has, newest first; `named`: the same by name;
# `mutual`: of those, whom the viewer has too; `by`: who has X, by name.
Kind = Literal["of", "named", "mutual", "by"]


class Connections:
    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors

    async def page(self, kind: Kind, user_id: str, page: Page, *, viewer: Viewer) -> bytes:
        """The JSON of a page of public profiles. Only people of their school who are visible.

        Raises BadCursor, and NotFound when `user_id` is nobody whom the viewer may see.
        """
        of = ("connections", kind, user_id, viewer.school, viewer.id)
        after = self._cursors.open(of, page.cursor)
        row = await self._database.row(
            _query(kind, page.cursor),
            user_id,
            viewer.school,
            page.limit,
            page.offset,
            *after,
            viewer.id,
        )
        assert row is not None
        if not row["found"]:
            raise no_such_profile()
        return self._cursors.finish(row, of)

    async def remove(self, user_id: str, other: str) -> None:
        """Take each out of the other's list, of which only one may hold it. Their chat stays.

        Raises NotFound when neither has the other, if that one can be seen. Who is gone, hides or
        has blocked is taken out where they are, and it is not told whether they were. A list that
        is none holds nobody, and stays.
        """

        async def work(session: Session) -> None:
            await lock_pair(session, user_id, other)
            await session.run(SQL["lock_both"], user_id, other)
            removed = False
            for sides in ((user_id, other), (other, user_id)):
                removed |= await session.run(SQL["remove"], *sides) != "DELETE 0"
            if not removed and not await session.value(SAFETY["is_hidden"], user_id, other):
                raise NotFound(
                    "connection_not_found",
                    "there is no such connection",
                    hint="see yours with GET /connections",
                )

        await self._database.transaction(work)


def _query(kind: Kind, cursor: str | None) -> Query:
    if kind in ("of", "mutual"):
        return SQL["page_of"].given(mutual=kind == "mutual", cursor=cursor)
    return SQL["page_named"].given(cursor=cursor)
