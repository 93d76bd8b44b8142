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
    """Lock what is between two people until the end of the transaction, in either order of ids.

    Take it as the first lock of a transaction, before those of the store's keys.
    """
    await session.run(PAIRS["lock_pair"], user_id, other)


SQL = queries.load("connections")
SAFETY = queries.load("safety")

# `of`: the person's connections, newest first; `named`: the same by name; `mutual`: those whom the
# viewer has too; `by`: the people who have this person among their connections, by name.
Kind = Literal["of", "named", "mutual", "by"]


class Connections:
    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors

    async def page(self, kind: Kind, user_id: str, page: Page, *, viewer: Viewer) -> bytes:
        """Return the JSON of a page of public profiles: visible people of the school.

        Raises BadCursor, and NotFound when the viewer cannot see `user_id`.
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
        """Remove each from the other's list, even if only one list has the other. Their chat stays.

        Raises NotFound when neither has the other, unless the other person is gone, hides or has
        blocked: then it is not revealed whether they were connected. A value that is not a list
        stays.
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
