"""Access tokens: JWTs (HS256) of fifteen minutes, saying who calls and of which school.

A token that was verified is remembered until it expires: a lookup instead of 60 microseconds. Of
a session that this process ended it is refused at once; other processes take it until it expires,
which is why it is short.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import jwt

from outgrow.campus.accounts import SignedIn
from outgrow.errors import NotSignedIn

ACCESS_SECONDS = 900
REMEMBERED = 4096  # tokens, about 3 MB
_CLAIMS = ["exp", "iat", "iss", "sid", "sub"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `school` is None for an account without a profile."""

    user_id: str
    school: str | None
    session_id: str
    expires: float


def derived_key(secret: bytes, purpose: bytes) -> bytes:
    """A key of its own for each purpose, from the one secret that is kept."""
    return blake2b(secret, digest_size=32, person=purpose).digest()


class Tokens:
    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[bytes, Caller] = {}
        self._ended: dict[str, float] = {}  # sessions, and until when a token of theirs may be good

    def end(self, sessions: Iterable[str]) -> None:
        """Refuse the tokens of these sessions from now on."""
        now = time.time()
        while self._ended and self._ended[first := next(iter(self._ended))] < now:
            del self._ended[first]
        self._ended.update(dict.fromkeys(sessions, now + ACCESS_SECONDS))

    def issue(self, signed_in: SignedIn) -> str:
        now = int(time.time())
        claims = {
            "iss": "outgrow",
            "sub": signed_in.user_id,
            "sid": signed_in.session_id,
            "iat": now,
            "exp": now + ACCESS_SECONDS,
        }
        if signed_in.school is not None:
            claims["school"] = signed_in.school
        return jwt.encode(claims, self._key, algorithm="HS256")

    def caller(self, authorization: bytes | None) -> Caller:
        """Who sends this Authorization header. Raises NotSignedIn."""
        if authorization is None:
            raise NotSignedIn(
                "not_signed_in",
                "this needs an access token",
                hint="sign in with POST /auth/login and send Authorization: Bearer <access_token>",
            )
        known = self._known.get(authorization)
        if known is None:
            known = self._verified(authorization)
            if len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[authorization] = known
        if known.expires <= time.time():
            self._known.pop(authorization, None)
            raise _expired()
        if known.session_id in self._ended:
            raise NotSignedIn(
                "session_ended",
                "this session was ended",
                hint="sign in again with POST /auth/login",
            )
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
                self._key,
                algorithms=["HS256"],
                issuer="outgrow",
                options={"require": _CLAIMS},
            )
        except jwt.ExpiredSignatureError as e:
            raise _expired() from e
        except jwt.InvalidTokenError as e:
            raise NotSignedIn(
                "bad_token",
                "the access token is not one of ours",
                hint="sign in again with POST /auth/login",
            ) from e
        return Caller(claims["sub"], claims.get("school"), claims["sid"], float(claims["exp"]))


def _expired() -> NotSignedIn:
    return NotSignedIn(
        "token_expired",
        "the access token has expired",
        hint="exchange the refresh token with POST /auth/refresh",
    )
