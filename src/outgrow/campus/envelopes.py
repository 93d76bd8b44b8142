"""Envelopes: what processes tell each other, closed to everybody else.

Whoever may connect to a database may LISTEN and NOTIFY on any channel. So the channel's name is a
hash of a secret, which lies in a table that only the owner may read, and what is sent there is
encrypted and authenticated (AES-GCM) with a key of the process that sends it. The number of an
envelope is its nonce, and no envelope is opened twice.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NAME = 16  # characters of a process's name
_NONCE = 12  # bytes
LARGEST = 5000  # bytes that one holds; PostgreSQL takes 8,000 of a notification


class Envelopes:
    """Those that one process sends and opens."""

    def __init__(self, secret: bytes) -> None:
        name = blake2b(secret, digest_size=16, person=b"channel").hexdigest()
        self.channel = f"outgrow_{name}"
        self._secret = secret
        self._process = secrets.token_hex(_NAME // 2)
        self._number = 0
        self._keys = {self._process: self._key(self._process)}
        self._opened: dict[str, int] = {}

    def close(self, text: bytes) -> str:
        self._number += 1
        nonce = self._number.to_bytes(_NONCE)
        closed = self._keys[self._process].encrypt(nonce, text, None)
        return self._process + b64encode(nonce + closed).decode("ascii")

    def open(self, payload: str) -> bytes | None:
        """Return what another process said, None for what this one did.

        Raises ValueError for what no process sent, or what was opened before.
        """
        process = payload[:_NAME]
        closed = b64decode(payload[_NAME:], validate=True)
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
