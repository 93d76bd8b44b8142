"""The notifier: tells all processes on the database what one of them changed.

Notices are published after the commit, and only tell where to look. The tables are the truth: a
subscriber who gets a notice late, twice or by mistake reads the rows. Subscribers in this process
are called immediately. For other processes, notices are collected for FLUSH_SECONDS and sent
outside the writing transactions, since NOTIFY takes a lock of the whole database when it commits.
One connection of the process listens.

Every role that may connect to a database may LISTEN and NOTIFY on any channel. So the channel's
name is a hash of a secret, which is in a table that only the owner may read. What is sent there is
encrypted and authenticated (AES-GCM) with a key of the process that sends it. The number of an
envelope is its nonce, and no envelope is opened twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from outgrow import queries
from outgrow.campus.background import AGAIN_SECONDS, run_works
from outgrow.db.pool import Database, Statements

SQL = queries.load("network")

log = logging.getLogger("outgrow.notifier")

FLUSH_SECONDS = 0.02
UNHEARD_SECONDS = 2.0  # how late other processes' changes are seen through a transaction pooler
CHECK_SECONDS = 10.0  # how often the listening connection is tested
MISSED = b'["missed"]'
_PROCESS_NAME = 16  # characters of a process's name
_NONCE = 12  # bytes
LARGEST_ENVELOPE = 5000  # bytes that one holds; PostgreSQL takes 8,000 of a notification
FOREIGN_SECONDS = 60.0  # between two log lines about foreign notifications on our channel


class Notifier:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._secret = b""
        self._envelopes: Envelopes | None = None
        self._foreign = 0
        self._foreign_logged_at = float("-inf")
        self._running = False
        self._subscribers: dict[str, Callable[..., None]] = {}
        self._on_reconnect: list[Callable[[], None]] = []
        self._unsent: dict[tuple[str, ...], None] = {}
        self._has_unsent = asyncio.Event()

    def subscribe(self, kind: str, callback: Callable[..., None]) -> None:
        """Call `callback` with the arguments of each notice of this kind."""
        self._subscribers[kind] = callback

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        """Call `callback` when listening begins: notices sent before were lost."""
        self._on_reconnect.append(callback)

    def publish(self, kind: str, *arguments: str) -> None:
        """Tell the subscribers of all processes. Call this after the commit."""
        self._call_subscriber(kind, arguments)
        if self._running:
            self._unsent[kind, *arguments] = None
            self._has_unsent.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen, and send to other processes, until the block ends."""
        self._running = True
        try:
            async with run_works(self._listen, self._flush):
                yield
        finally:
            self._running = False

    def _call_subscriber(self, kind: str, arguments: Sequence[str]) -> None:
        if kind in self._subscribers:
            self._subscribers[kind](*arguments)

    def _call_on_reconnect(self) -> None:
        for callback in self._on_reconnect:
            callback()

    async def _flush(self) -> None:
        await self._has_unsent.wait()
        await asyncio.sleep(FLUSH_SECONDS)
        self._has_unsent.clear()
        notices, self._unsent = self._unsent, {}
        try:
            envelopes = self._envelopes or await self._read_secret(self._database)
            for text in _split_notices(notices):
                await self._database.run(SQL["notify"], envelopes.channel, envelopes.close(text))
        except BaseException:
            self._unsent = {**notices, **self._unsent}
            self._has_unsent.set()
            raise

    async def _read_secret(self, statements: Statements) -> Envelopes:
        """Return envelopes by the secret in the database; make a secret where it was deleted."""
        secret = await statements.value(SQL["notification_secret"])
        if secret is None:
            await statements.run(SQL["make_secret"])
            secret = await statements.value(SQL["notification_secret"])
        if self._envelopes is None or secret != self._secret:
            self._secret, self._envelopes = secret, Envelopes(secret)
        return self._envelopes

    async def _listen(self) -> None:
        """Listen until the connection is lost or the secret changed. Without sessions nothing can
        be heard, so subscribers are told every UNHEARD_SECONDS that they may have missed something.
        """
        if not self._database.has_sessions:
            await asyncio.sleep(UNHEARD_SECONDS)
            await self._read_secret(self._database)
            self._call_on_reconnect()
            return
        lost = asyncio.Event()
        async with self._database.dedicated("outgrow notifier") as session:
            connection = session.connection
            connection.add_termination_listener(lambda _: lost.set())
            envelopes = await self._read_secret(session)
            await connection.add_listener(envelopes.channel, self._on_notification)
            self._call_on_reconnect()
            while not lost.is_set():
                async with asyncio.timeout(CHECK_SECONDS):  # or the peer is gone silently
                    if await self._read_secret(session) is not envelopes:
                        return
                try:
                    await asyncio.wait_for(lost.wait(), CHECK_SECONDS)
                except TimeoutError:
                    continue
        log.warning("the listening connection was lost; another one is made")
        await asyncio.sleep(AGAIN_SECONDS)

    def _on_notification(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        """Call the subscribers. A foreign notification is counted, and its content ignored."""
        assert self._envelopes is not None
        try:
            text = self._envelopes.open(payload)
        except ValueError:
            self._count_foreign()
            return
        for kind, *arguments in json.loads(text) if text is not None else ():
            if kind == "missed":
                self._call_on_reconnect()
            else:
                self._call_subscriber(kind, arguments)

    def _count_foreign(self) -> None:
        self._foreign += 1
        now = time.monotonic()
        if now >= self._foreign_logged_at + FOREIGN_SECONDS:
            log.warning("%d notifications on our channel were not from us", self._foreign)
            self._foreign, self._foreign_logged_at = 0, now


def _split_notices(notices: Iterable[Sequence[str]]) -> Iterable[bytes]:
    """Yield the notices as JSON, each part small enough for an envelope. For a notice that fits
    into none, other processes are told that they missed something."""
    parts: list[bytes] = []
    size = 0
    for item in notices:
        part = json.dumps(item).encode("ascii")
        if len(part) > LARGEST_ENVELOPE - 2:
            part = MISSED
        if parts and size + len(part) > LARGEST_ENVELOPE - 2:
            yield b"[" + b",".join(parts) + b"]"
            parts, size = [], 0
        parts.append(part)
        size += len(part) + 1
    if parts:
        yield b"[" + b",".join(parts) + b"]"


class Envelopes:
    """Sealed messages that one process sends and opens."""

    def __init__(self, secret: bytes) -> None:
        name = blake2b(secret, digest_size=16, person=b"channel").hexdigest()
        self.channel = f"outgrow_{name}"
        self._secret = secret
        self._process = secrets.token_hex(_PROCESS_NAME // 2)
        self._number = 0
        self._keys = {self._process: self._key(self._process)}
        self._opened: dict[str, int] = {}

    def close(self, text: bytes) -> str:
        self._number += 1
        nonce = self._number.to_bytes(_NONCE)
        closed = self._keys[self._process].encrypt(nonce, text, None)
        return self._process + b64encode(nonce + closed).decode("ascii")

    def open(self, payload: str) -> bytes | None:
        """Return what another process sent; None for what this one sent.

        Raises ValueError for a foreign message, or one that was opened before.
        """
        process = payload[:_PROCESS_NAME]
        closed = b64decode(payload[_PROCESS_NAME:], validate=True)
        nonce = closed[:_NONCE]
        try:
            key = self._keys.get(process) or self._key(process)
            text = key.decrypt(nonce, closed[_NONCE:], None)
        except InvalidTag as e:
            raise ValueError("not of ours") from e
        if process == self._process:
            return None
        number = int.from_bytes(nonce)
        if number <= self._opened.get(process, 0):
            raise ValueError("opened before")
        self._keys[process] = key
        self._opened[process] = number
        return text

    def _key(self, process: str) -> AESGCM:
        of = process.encode("utf-8")
        return AESGCM(blake2b(of, digest_size=32, key=self._secret[:64], person=b"news").digest())
