"""The viewer of a list, and the people hidden from them."""

from __future__ import annotations

from dataclasses import dataclass

from outgrow import queries
from outgrow.campus.cache import Cache, Caches
from outgrow.db.pool import Database


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in member of a school, by the id of their profile."""

    id: str
    school: str


SAFETY = queries.load("safety")

MOST_VIEWERS = 10_000


class Hidden:
    """Lists exclude by themselves whom they do not show: see network.hidden."""

    def __init__(self, database: Database, caches: Caches) -> None:
        self._database = database
        self._listing: Cache[list[str]] = caches.named("old_blocks", MOST_VIEWERS)

    async def ids(self, viewer: Viewer) -> list[str]:
        """Whoever is hidden from `viewer`, of whichever school.

        Blocks are read anew. Who has the viewer in an old client's list of blocks comes from the
        cache: without an index it costs a look at every profile.
        """

        async def listing() -> list[str]:
            return list(await self._database.value(SAFETY["listing"], viewer.id))

        hidden = await self.blocked(viewer)
        return list({*hidden, *await self._listing.get(viewer.school, viewer.id, listing)})

    async def blocked(self, viewer: Viewer) -> list[str]:
        """Whoever blocked the viewer, or is blocked by them; but for old clients' lists."""
        hidden: list[str] = await self._database.value(SAFETY["hidden"], viewer.id)
        return hidden
