"""What waits for somebody: the numbers in the navigation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from outgrow.campus.messaging.chats import Chats
from outgrow.campus.pagination import Page as Cut
from outgrow.campus.pagination import decoded
from outgrow.campus.people.intros import Intros
from outgrow.campus.viewer import Viewer

FRESH_SECONDS = 10.0
MOST = 4096  # users, about 1 MB
_SOME = 20


class Waiting:
    """Counted at most once in FRESH_SECONDS for each user of the pages, from their newest intros
    and chats; so a page may be that much behind."""

    def __init__(self, intros: Intros, chats: Chats) -> None:
        self._intros = intros
        self._chats = chats
        self._known: dict[str, tuple[float, Mapping[str, int]]] = {}

    async def of(self, viewer: Viewer) -> Mapping[str, int]:
        counted_at, known = self._known.get(viewer.id, (0.0, {}))
        if known and time.monotonic() < counted_at + FRESH_SECONDS:
            return known
        pending, unread = await asyncio.gather(self._pending(viewer), self._unread(viewer))
        counts = {"intros": pending, "chats": unread}
        self._known.pop(viewer.id, None)
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[viewer.id] = (time.monotonic(), counts)
        return counts

    def forget(self, user_id: str) -> None:
        self._known.pop(user_id, None)

    async def _pending(self, viewer: Viewer) -> int:
        page = await self._intros.page("incoming", ("pending",), Cut(limit=_SOME), viewer=viewer)
        return len(decoded(page)["items"])

    async def _unread(self, viewer: Viewer) -> int:
        page = await self._chats.page(Cut(limit=_SOME), viewer=viewer)
        return sum(chat["unread"] for chat in decoded(page)["items"])
