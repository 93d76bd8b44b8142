"""One-time codes that came by mail, typed in once.

A code is good for a time and a few tries; a new one ends the one before. Only a keyed hash is kept.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import Literal

from outgrow import events, queries
from outgrow.database import Statements

SQL = queries.load("codes")

SECONDS = 600
TRIES = 5
# Whoever guesses the code of a reset, or of a claim, has an account of somebody; that of a sign-up
# goes with its password.
_DIGITS = {"verify": 6, "reset": 8, "claim": 8}
INVITED_SECONDS = 14 * 86_400
# 59 bits: nobody guesses it in its two weeks, nor uses its tries up.
_INVITED_LENGTH, _INVITED_TRIES = 12, 1_000_000
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
Purpose = Literal["verify", "reset", "claim", "invite"]


class Codes:
    def __init__(self, key: bytes) -> None:
        self._key = key

    async def give(self, session: Statements, purpose: Purpose, subject: str) -> str:
        """A new code, instead of any before."""
        if purpose == "invite":
            code = "".join(secrets.choice(_LETTERS) for _ in range(_INVITED_LENGTH))
            tries, seconds = _INVITED_TRIES, INVITED_SECONDS
        else:
            code = "".join(secrets.choice("0123456789") for _ in range(_DIGITS[purpose]))
            tries, seconds = TRIES, SECONDS
        hashed = self._hashed(purpose, subject, code)
        await session.run(SQL["give"], purpose, subject, hashed, tries, seconds)
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
        typed = code.strip().lower() if purpose == "invite" else code.strip()
        text = f"{purpose} {subject} {typed}".encode("utf-8", "surrogatepass")
        return blake2b(text, digest_size=32, key=self._key).digest()
