"""Whom a viewer does not see, for what is counted once for all viewers of a school."""

from __future__ import annotations

from outgrow import queries
from outgrow.campus.remembered import Remembered
from outgrow.database import Database

SQL = queries.load("safety")

FRESH_SECONDS = 30.0
MOST_VIEWERS = 10_000


class Hidden:
    """Lists exclude by themselves whom they do not show (`hidden` in profiles.sql)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listing: Remembered[list[str]] = Remembered(FRESH_SECONDS, MOST_VIEWERS)

    async def ids(self, viewer: str, school: str) -> list[str]:
        """Whoever is hidden from `viewer`, of whichever school.

        Blocks are read anew. Who has the viewer in an old client's list of blocks is remembered as
        long as counts are: without an index it costs a look at every profile.
        """

        async def listing() -> list[str]:
            return list(await self._database.value(SQL["listing"], viewer))

        hidden = await self._database.value(SQL["hidden"], viewer)
        return list({*hidden, *await self._listing.get(school, viewer, listing)})

    def forget(self, school: str) -> None:
        self._listing.forget(school)
