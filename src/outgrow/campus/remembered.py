"""Answers that cost much, kept for a while in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Keeps at most `most` answers for `seconds`, each under a subject and what was asked of it.

    Who asks for one that is being made waits for it; one that fails is not kept. `forget` drops a
    subject's answers when this process changes it: what others change is seen when time is up.
    """

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._kept: dict[tuple[str, object], tuple[float, asyncio.Task[T]]] = {}

    async def get(self, subject: str, question: object, make: Callable[[], Awaitable[T]]) -> T:
        key = (subject, question)
        until, task = self._kept.get(key, (0.0, None))
        if task is None or until <= time.monotonic():
            task = asyncio.create_task(self._made(key, make))
            if len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            self._kept.pop(key, None)
            self._kept[key] = (time.monotonic() + self._seconds, task)
        # Whoever leaves early does not take the answer from those who wait.
        return await asyncio.shield(task)

    def forget(self, subject: str) -> None:
        for key in [key for key in self._kept if key[0] == subject]:
            del self._kept[key]

    async def _made(self, key: tuple[str, object], make: Callable[[], Awaitable[T]]) -> T:
        try:
            return await make()
        except BaseException:
            if self._kept.get(key, (0.0, None))[1] is asyncio.current_task():
                del self._kept[key]
            raise
