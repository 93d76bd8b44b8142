"""Passwords: argon2id, off the event loop, a few at once.

A check costs about 40 ms of one core and 19 MiB, on purpose. Two threads of our own bound both, and
a bounded queue turns a flood of sign-ins away instead of letting it wait for minutes. Who signs in
on a device that the account knows does not stand in that queue, but in one with its own thread.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from outgrow.errors import Busy

T = TypeVar("T")

THREADS = 2
LONGEST_QUEUE = 64  # about a second of waiting


class Passwords:
    """`checks` counts the hashes computed, to see that unknown e-mails cost what known ones do."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._known = ThreadPoolExecutor(1, thread_name_prefix="known-password")
        self._waiting = {False: 0, True: 0}  # by whether the device is known
        self._decoy = self._hasher.hash("nobody's password")
        self.checks = 0

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(_normal(password)))

    async def matches(self, password: str, hashed: str | None, *, known: bool = False) -> bool:
        """Whether the password is that of the hash; False for None, after the same work. `known`:
        on a device that the account knows."""
        expected = hashed or self._decoy
        fits = await self._run(lambda: self._verify(expected, _normal(password)), known)
        return fits and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Return whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        for threads in (self._threads, self._known):
            threads.shutdown(wait=True, cancel_futures=True)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T], known: bool = False) -> T:
        if self._waiting[known] >= LONGEST_QUEUE:
            raise Busy(
                "sign_in_busy",
                "too many people are signing in at this moment",
                hint="try again in a few seconds",
            )
        self._waiting[known] += 1
        self.checks += 1
        try:
            threads = self._known if known else self._threads
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        finally:
            self._waiting[known] -= 1


def _normal(password: str) -> str:
    """One spelling of each character, whatever keyboard it was typed on."""
    return unicodedata.normalize("NFKC", password)
