"""BrowserSessions: the sessions of people who use the pages, each named by a cookie.

A session is a session as the API's are, in the same table, so it is listed and ended with the
others. Its cookie holds the session's id and a secret of its own; only the secret's hash is kept. A
session that was looked up is remembered for FRESH_SECONDS, MOST of them (2 MB): whose cookie it is
does not change. Whether its session is still open, and of which school, is asked of `Sessions` each
time.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from dataclasses import dataclass, replace
from hashlib import blake2b, sha256

from outgrow import queries
from outgrow.campus.accounts.accounts import SignedIn
from outgrow.campus.accounts.sessions import Sessions
from outgrow.db.pool import Database

SQL = queries.load("browser_sessions")

FRESH_SECONDS = 20.0
MOST = 4096
_ID, _SECRET = 16, 32  # bytes


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """Who looks at a page. `school` is None for who is a member of none."""

    cookie: str
    user_id: str
    school: str | None
    session_id: str
    known_until: float


class BrowserSessions:
    def __init__(self, database: Database, sessions: Sessions, key: bytes) -> None:
        self._database = database
        self._sessions = sessions
        self._key = key
        self._known: dict[str, BrowserSession] = {}

    async def open(self, signed_in: SignedIn) -> str:
        """Make a session just opened a session, and return its cookie."""
        secret = secrets.token_bytes(_SECRET)
        await self._database.run(
            SQL["open"], signed_in.session_id, _hash(secret), secrets.token_bytes(32)
        )
        raw = bytes.fromhex(signed_in.session_id) + secret
        return base64.urlsafe_b64encode(raw).decode("ascii")

    async def session(self, cookie: str) -> BrowserSession | None:
        """Whose cookie this is; None when it is nobody's, or nobody's any more."""
        known = self._known.get(cookie)
        if known is None or known.known_until <= time.monotonic():
            self._known.pop(cookie, None)
            known = await self._look_up(cookie)
        if known is None:
            return None
        session = await self._sessions.find(known.session_id, known.user_id)
        return None if session is None else replace(known, school=session.school)

    async def _look_up(self, cookie: str) -> BrowserSession | None:
        try:
            raw = base64.b64decode(cookie, b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(raw) != _ID + _SECRET:
            return None
        session_id = raw[:_ID].hex()
        row = await self._database.row(SQL["session"], session_id, _hash(raw[_ID:]))
        if row is None:
            return None
        if row["old"]:
            lifetime = self._sessions.lifetime
            await self._database.run(SQL["renew"], session_id, lifetime.idle, lifetime.longest)
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        until = time.monotonic() + FRESH_SECONDS
        session = BrowserSession(cookie, row["user_id"], None, session_id, until)
        self._known[cookie] = session
        return session

    def form_token(self, cookie: str) -> str:
        """What every form shown to this cookie carries, and no other site can know."""
        return blake2b(cookie.encode("utf-8"), digest_size=16, key=self._key).hexdigest()

    def is_form_token(self, cookie: str, given: str) -> bool:
        return hmac.compare_digest(self.form_token(cookie).encode(), given.encode("utf-8"))


def _hash(secret: bytes) -> bytes:
    """Of a cookie, never of a refresh token, though both hashes stand in one column."""
    return sha256(b"visit:" + secret).digest()
