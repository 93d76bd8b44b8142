"""One-time codes: digits that came by mail, typed in once.

A code is good for SECONDS and TRIES; a new one ends the one before. Only a keyed hash is kept.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import Literal

from outgrow import events, queries
from outgrow.database import Statements

SQL = queries.load("codes")

SECONDS = 900
TRIES = 5
# Whoever guesses the code of a reset has an account; that of a sign-up goes with its password.
_DIGITS = {"verify": 6, "reset": 8}
Purpose = Literal["verify", "reset"]


class Codes:
    def __init__(self, key: bytes) -> None:
        self._key = key

    async def give(self, session: Statements, purpose: Purpose, subject: str) -> str:
        """A new code, instead of any before."""
        code = "".join(secrets.choice("0123456789") for _ in range(_DIGITS[purpose]))
        hashed = self._hashed(purpose, subject, code)
        await session.run(SQL["give"], purpose, subject, hashed, TRIES, SECONDS)
        events.event("code_made", purpose=purpose)
        return code

    async def use(self, session: Statements, purpose: Purpose, subject: str, code: str) -> bool:
        """Whether that is the code; of two at once one is right. A wrong one is a try less, so the
        transaction must be committed either way."""
        hashed = self._hashed(purpose, subject, code)
        is_right = await session.value(SQL["use"], purpose, subject, hashed) is True
        if is_right:
            events.event("code_proved", purpose=purpose)
        return is_right

    def _hashed(self, purpose: Purpose, subject: str, code: str) -> bytes:
        text = f"{purpose} {subject} {code.strip()}".encode("utf-8", "surrogatepass")
        return blake2b(text, digest_size=32, key=self._key).digest()
