"""Access tokens: JWTs (HS256) of fifteen minutes, saying who calls.

A token that was verified is remembered until it expires: a lookup instead of 60 microseconds. It is
good only while its session is open, which is asked of `Sessions` each time, with the school, and
while the secret that signed it is the one in the database, which is read again every FRESH_SECONDS.
Its time is the database's, which is read with the secret: the clocks of machines differ, and jump.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from hashlib import blake2b

import jwt

from outgrow.campus.accounts import sessions
from outgrow.campus.accounts.accounts import SignedIn
from outgrow.campus.accounts.sessions import Sessions
from outgrow.errors import NotSignedIn

ACCESS_SECONDS = 900
REMEMBERED = 4096  # tokens, about 3 MB
_CLAIMS = ["exp", "iat", "iss", "sid", "sub"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `school` is None for who is a member of none."""

    user_id: str
    school: str | None
    session_id: str
    expires: float  # by time.monotonic()


def derived_key(secret: bytes, purpose: bytes) -> bytes:
    """A key of its own for each purpose, from the one secret that is kept."""
    return blake2b(secret, digest_size=32, person=purpose).digest()


def signed(secret: bytes, signed_in: SignedIn, now: int) -> str:
    """Return an access token of this session, of `now` in seconds since 1970."""
    claims = {
        "iss": "outgrow",
        "sub": signed_in.user_id,
        "sid": signed_in.session_id,
        "iat": now,
        "exp": now + ACCESS_SECONDS,
    }
    return jwt.encode(claims, derived_key(secret, b"access tokens"), algorithm="HS256")


class Tokens:
    def __init__(self, opened: Sessions) -> None:
        self._sessions = opened
        self._secret = b""
        self._read_again = 0.0  # by time.monotonic()
        self._ahead = 0.0  # how far the database's time is ahead of that, in seconds
        self._known: dict[bytes, Caller] = {}

    async def issue(self, signed_in: SignedIn) -> str:
        await self._read_secret()
        return signed(self._secret, signed_in, int(time.monotonic() + self._ahead))

    async def _read_secret(self) -> None:
        began = time.monotonic()
        if began < self._read_again:
            return
        secret, now = await self._sessions.signing()
        self._ahead = now - time.monotonic()
        self._read_again = began + sessions.FRESH_SECONDS
        if secret != self._secret:
            self._secret = secret
            self._known.clear()

    async def caller(self, authorization: bytes | None) -> Caller:
        """Who sends this Authorization header. Raises NotSignedIn."""
        if authorization is None:
            raise NotSignedIn(
                "not_signed_in",
                "this needs an access token",
                hint="sign in with POST /auth/login and send Authorization: Bearer <access_token>",
            )
        await self._read_secret()
        known = self._known.get(authorization)
        if known is None:
            known = self._verified(authorization)
            if len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[authorization] = known
        if known.expires <= time.monotonic():
            self._known.pop(authorization, None)
            raise _expired()
        session = await self._sessions.find(known.session_id, known.user_id)
        if session is None:
            raise NotSignedIn(
                "session_ended",
                "this session was ended",
                hint="sign in again with POST /auth/login",
            )
        if session.school != known.school:
            known = replace(known, school=session.school)
            self._known[authorization] = known
        return known

    def _verified(self, authorization: bytes) -> Caller:
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            raise NotSignedIn(
                "not_signed_in",
                "the Authorization header is not a bearer token",
                hint="send Authorization: Bearer <access_token>",
            )
        try:
            claims = jwt.decode(
                token.strip(),
                derived_key(self._secret, b"access tokens"),
                algorithms=["HS256"],
                issuer="outgrow",
                options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as e:
            raise NotSignedIn(
                "bad_token",
                "the access token is not one of ours",
                hint="sign in again with POST /auth/login",
            ) from e
        return Caller(claims["sub"], None, claims["sid"], claims["exp"] - self._ahead)


def _expired() -> NotSignedIn:
    return NotSignedIn(
        "token_expired",
        "the access token has expired",
        hint="exchange the refresh token with POST /auth/refresh",
    )
