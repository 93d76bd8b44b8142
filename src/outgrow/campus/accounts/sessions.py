"""Sessions: the one place that decides whether a session is still open, and of which school.

Access tokens, cookies of the pages and sockets all ask here. The truth is the session's row and
`network.is_open`, and for the school `network.school_of`: nothing that processes tell each other,
or fail to, changes it. An answer is reused for FRESH_SECONDS. So a session that ends is over
immediately in the process that ended it, and within FRESH_SECONDS in all others; and a person who
left their school has none within FRESH_SECONDS.

A browser's session is one as the API's are, in the same table, so it is listed and ended with the
others. Its cookie holds the session's id and a secret; only the secret's hash is stored. Whose
cookie it is never changes, so that is remembered for COOKIE_FRESH_SECONDS, for MOST_COOKIES of them
(2 MB). Whether its session is still open, and of which school, is asked of `Sessions` each time.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b, sha256

from outgrow import queries
from outgrow.db.pool import Database

SQL = queries.load("sessions")
NETWORK = queries.load("network")

FRESH_SECONDS = 3.0
MOST = 10_000  # sessions remembered, about 3 MB
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Seconds that a session lives without being used, and however much it is used."""

    idle: int = 30 * DAY
    longest: int = 90 * DAY


@dataclass(frozen=True, slots=True)
class Open:
    """An open session: its user, and the school of which they are a member, or None."""

    user_id: str
    school: str | None
    fresh_until: float  # by time.monotonic()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that was just opened or continued. `school` is None while there is no profile."""

    user_id: str
    school: str | None
    session_id: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """48 bytes: the session's id, a secret of its family, and a secret of this token alone."""

    session_id: str
    family: bytes
    turn: bytes

    @classmethod
    def new(cls) -> RefreshToken:
        return cls(secrets.token_hex(16), secrets.token_bytes(16), secrets.token_bytes(16))

    @classmethod
    def parse(cls, text: str) -> RefreshToken | None:
        try:
            raw = base64.b64decode(text, b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        return cls(raw[:16].hex(), raw[16:32], raw[32:]) if len(raw) == 48 else None

    def next(self) -> RefreshToken:
        return RefreshToken(self.session_id, self.family, secrets.token_bytes(16))

    def __str__(self) -> str:
        raw = bytes.fromhex(self.session_id) + self.family + self.turn
        return base64.urlsafe_b64encode(raw).decode("ascii")

    @property
    def family_hash(self) -> bytes:
        return sha256(self.family).digest()

    @property
    def hash(self) -> bytes:
        return sha256(self.family + self.turn).digest()


class Sessions:
    def __init__(self, database: Database, lifetime: Lifetime | None = None) -> None:
        self._database = database
        self.lifetime = lifetime or Lifetime()
        self._open: dict[str, Open] = {}
        self._endings = 0
        self._on_end: Callable[[set[str]], None] = lambda sessions: None

    async def find(self, session_id: str, user_id: str) -> Open | None:
        """Return this session if it is an open one of this user.

        Costs one lookup by primary keys every FRESH_SECONDS for each session of a member. Sessions
        of other people are looked up each time: they may become members in any process, and should
        not have to wait.
        """
        known = self._open.get(session_id)
        began = time.monotonic()
        if known is None or began >= known.fresh_until:
            endings = self._endings
            row = await self._database.row(SQL["find"], session_id)
            if row is None:
                self._open.pop(session_id, None)
                return None
            known = Open(row["user_id"], row["school"], began + FRESH_SECONDS)
            if endings == self._endings:  # else it may have ended after it was read
                self._remember(session_id, known)
        return known if known.user_id == user_id else None

    async def over(self, sessions: Iterable[str]) -> tuple[set[str], set[str]]:
        """Return the ids of those sessions that have ended, and of those whose people are not
        members of a school, as the database has it. Costs 50 microseconds for each."""
        rows = await self._database.rows(SQL["over"], list(sessions))
        ended = {row["id"] for row in rows if not row["is_open"]}
        return ended, {row["id"] for row in rows} - ended

    def end(self, sessions: Iterable[str]) -> None:
        """Forget these sessions, and close their sockets. Call this after the commit that ended
        them."""
        ended = set(sessions)
        self._endings += 1
        for session_id in ended:
            self._open.pop(session_id, None)
        self._on_end(ended)

    def on_end(self, hearer: Callable[[set[str]], None]) -> None:
        """Call `hearer` with the sessions that this process ends."""
        self._on_end = hearer

    async def signing(self) -> tuple[bytes, float]:
        """Return the signing secret as it is now, and the database's time in seconds since 1970;
        make a secret where an operator deleted it."""
        row = await self._database.row(NETWORK["signing"])
        if row is None:
            await self._database.run(NETWORK["make_secret"])
            row = await self._database.row(NETWORK["signing"])
        assert row is not None, "it was just made"
        return row["value"], row["now"]

    def _remember(self, session_id: str, known: Open) -> None:
        self._open.pop(session_id, None)
        if known.school is None:
            return
        if len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        self._open[session_id] = known


BROWSER_SESSIONS = queries.load("browser_sessions")

COOKIE_FRESH_SECONDS = 20.0
MOST_COOKIES = 4096
_ID_BYTES, _SECRET_BYTES = 16, 32  # bytes


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """The session of a person who uses the pages. `school` is None for a person without one."""

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
        """Make a session that was just opened one of a browser, and return its cookie."""
        secret = secrets.token_bytes(_SECRET_BYTES)
        await self._database.run(
            BROWSER_SESSIONS["open"],
            signed_in.session_id,
            _hash_cookie(secret),
            secrets.token_bytes(32),
        )
        raw = bytes.fromhex(signed_in.session_id) + secret
        return base64.urlsafe_b64encode(raw).decode("ascii")

    async def session(self, cookie: str) -> BrowserSession | None:
        """Return the session of this cookie; None when it is unknown or has ended."""
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
        if len(raw) != _ID_BYTES + _SECRET_BYTES:
            return None
        session_id = raw[:_ID_BYTES].hex()
        row = await self._database.row(
            BROWSER_SESSIONS["session"], session_id, _hash_cookie(raw[_ID_BYTES:])
        )
        if row is None:
            return None
        if row["old"]:
            lifetime = self._sessions.lifetime
            await self._database.run(
                BROWSER_SESSIONS["renew"], session_id, lifetime.idle, lifetime.longest
            )
        if len(self._known) >= MOST_COOKIES:
            del self._known[next(iter(self._known))]
        until = time.monotonic() + COOKIE_FRESH_SECONDS
        session = BrowserSession(cookie, row["user_id"], None, session_id, until)
        self._known[cookie] = session
        return session

    def form_token(self, cookie: str) -> str:
        """Return the token in every form shown to this cookie, which no other site can know."""
        return blake2b(cookie.encode("utf-8"), digest_size=16, key=self._key).hexdigest()

    def is_form_token(self, cookie: str, given: str) -> bool:
        return hmac.compare_digest(self.form_token(cookie).encode(), given.encode("utf-8"))


def _hash_cookie(secret: bytes) -> bytes:
    """Hash a cookie's secret. It never equals a refresh token's hash, which has the same column."""
    return sha256(b"visit:" + secret).digest()
