"""One-time codes that came by mail, typed in once. Only keyed hashes are kept.

The code of a sign-up goes with its password: six digits, good for SECONDS and TRIES, and a new one
ends the one before. The code of a reset or a claim is all that is asked for, so it has 65 bits,
which nobody guesses: tries need not be counted, and codes need not end each other. A stranger who
asks for codes, or tries some, takes none away from whoever owns the mailbox.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import Literal

from outgrow import events, queries
from outgrow.db.pool import Statements

SQL = queries.load("codes")

SECONDS = 600
TRIES = 5
INVITED_SECONDS = 14 * 86_400
# 59 bits: nobody guesses it in its two weeks, nor uses its tries up.
_INVITED_LENGTH, _INVITED_TRIES = 12, 1_000_000
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_LONG = ("reset", "claim")
_CAPITALS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES = str.maketrans("OIL", "011")  # what somebody may read for one of these
Purpose = Literal["verify", "reset", "claim", "invite"]


class Codes:
    def __init__(self, key: bytes) -> None:
        self._key = key

    async def give(self, session: Statements, purpose: Purpose, subject: str) -> str:
        """A new code; of one sign-up or invitation it takes the place of the one before."""
        if purpose in _LONG:
            letters = "".join(secrets.choice(_CAPITALS) for _ in range(13))
            code = f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"
            hashed = self._hashed(purpose, subject, code)
            await session.run(SQL["give_long"], subject, hashed, SECONDS)
            events.event("code_made", purpose=purpose)
            return code
        if purpose == "invite":
            code = "".join(secrets.choice(_LETTERS) for _ in range(_INVITED_LENGTH))
            tries, seconds = _INVITED_TRIES, INVITED_SECONDS
        else:
            code = "".join(secrets.choice("0123456789") for _ in range(6))
            tries, seconds = TRIES, SECONDS
        hashed = self._hashed(purpose, subject, code)
        await session.run(SQL["give"], purpose, subject, hashed, tries, seconds)
        events.event("code_made", purpose=purpose)
        return code

    async def use(self, session: Statements, purpose: Purpose, subject: str, code: str) -> bool:
        """Whether that is the code; of two at once one is right. A wrong one of a sign-up is a try
        less, so the transaction must be committed either way."""
        hashed = self._hashed(purpose, subject, code)
        if purpose in _LONG:
            is_right = await session.value(SQL["use_long"], subject, hashed) is True
        else:
            is_right = await session.value(SQL["use"], purpose, subject, hashed) is True
        if is_right:
            events.event("code_proved", purpose=purpose)
        return is_right

    def _hashed(self, purpose: Purpose, subject: str, code: str) -> bytes:
        typed = code.strip().lower() if purpose == "invite" else code.strip()
        if purpose in _LONG:
            typed = "".join(filter(str.isalnum, code)).upper().translate(_LOOKALIKES)
        text = f"{purpose} {subject} {typed}".encode("utf-8", "surrogatepass")
        return blake2b(text, digest_size=32, key=self._key).digest()
