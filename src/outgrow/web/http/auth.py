"""Authentication: who calls, from which address, by HTTPS or not, and whether it is the operator.

Access tokens are JWTs (HS256) that last fifteen minutes. A verified token is remembered until it
expires: a lookup instead of 60 microseconds. It is valid only while its session is open, which is
asked of `Sessions` each time, with the school, and while the secret that signed it is the one in
the database, which is read again every FRESH_SECONDS. Its time is the database's, read with the
secret: the clocks of machines differ, and jump.

Headers about the origin of a request are the caller's own claim, except for what trusted proxies
add: the last `proxies` values of `X-Forwarded-For` and of `X-Forwarded-Proto`. They must set both.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

import jwt
from starlette.types import Scope

from outgrow.campus.accounts import sessions as sessions_module
from outgrow.campus.accounts.sessions import Sessions, SignedIn
from outgrow.errors import NotSignedIn

ACCESS_SECONDS = 900
REMEMBERED = 4096  # tokens, about 3 MB
_CLAIMS = ["exp", "iat", "iss", "sid", "sub"]


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request. `school` is None for people who are members of none."""

    user_id: str
    school: str | None
    session_id: str
    expires: float  # by time.monotonic()


def derived_key(secret: bytes, purpose: bytes) -> bytes:
    """Derive a key for one purpose from the one stored secret."""
    return blake2b(secret, digest_size=32, person=purpose).digest()


def signed(secret: bytes, signed_in: SignedIn, now: int) -> str:
    """Return an access token of this session, issued at `now` in seconds since 1970."""
    claims = {
        "iss": "outgrow",
        "sub": signed_in.user_id,
        "sid": signed_in.session_id,
        "iat": now,
        "exp": now + ACCESS_SECONDS,
    }
    return jwt.encode(claims, derived_key(secret, b"access tokens"), algorithm="HS256")


class Tokens:
    """Access tokens: issued, and verified while their session is open."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
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
        self._read_again = began + sessions_module.FRESH_SECONDS
        if secret != self._secret:
            self._secret = secret
            self._known.clear()

    async def caller(self, authorization: bytes | None) -> Caller:
        """Return the caller who sends this Authorization header. Raises NotSignedIn."""
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


_FORWARDED = (b"forwarded", b"via", b"x-forwarded-", b"x-real-ip")  # so begins what proxies add
_ADDRESS = re.compile(r'"?(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+|([^"]*))"?')


def client_address(proxies: int, scope: Scope) -> str:
    """Return the address of the socket's other end, or the one that the outermost trusted proxy
    saw.

    The header may hold a port, and IPv6 in brackets. An IPv6 address becomes its network of 64
    bits, which is what one household has. A header without an address is ignored for the proxy's
    own.
    """
    peer: str = (scope.get("client") or ("", 0))[0]
    hops = _header_values(scope, b"x-forwarded-for")[-proxies:] if proxies else []
    return _normal(hops[0] if hops else "") or _normal(peer) or peer[:64]


def is_secure(https: bool, proxies: int, scope: Scope) -> bool:
    """Return whether the caller came by HTTPS: a setting says that all do, this process speaks TLS,
    or a trusted proxy says so."""
    if https or scope.get("scheme") in ("https", "wss"):
        return True
    schemes = _header_values(scope, b"x-forwarded-proto")[-proxies:] if proxies else []
    return bool(schemes) and schemes[0].lower() in ("https", "wss")


def is_operator(scope: Scope, headers: Mapping[bytes, bytes], token: str | None) -> bool:
    """Return whether the request has the token that is set. Without a token set, return whether it
    comes from this machine, for this machine, and not through a proxy. The Host header counts,
    since any site may point a name of its own at this address and have a browser here send the
    request."""
    if token is not None:
        given = headers.get(b"authorization", b"")
        return secrets.compare_digest(given, b"Bearer " + token.encode("utf-8"))
    peer: str = (scope.get("client") or ("", 0))[0]
    host = _host(headers.get(b"host", b"").decode("latin-1"))
    forwarded = any(name.startswith(_FORWARDED) for name in headers)
    return _is_loopback(peer) and (host == "localhost" or _is_loopback(host)) and not forwarded


def _header_values(scope: Scope, name: bytes) -> list[str]:
    """Return the values of all headers of this name, in order: a proxy may add its own header."""
    headers = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return [value.strip() for value in ",".join(headers).split(",")] if headers else []


def _host(text: str) -> str:
    """Return an address or name without its port and brackets."""
    parts = _ADDRESS.fullmatch(text.strip())
    return next((part for part in parts.groups() if part is not None), "") if parts else ""


def _normal(text: str) -> str:
    try:
        parsed = ipaddress.ip_address(text if _is_plain(text) else _host(text))
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(parsed), 64), strict=False))
    return str(parsed)


def _is_plain(text: str) -> bool:
    """Return whether the text is IPv6 without brackets, whose colons do not begin a port."""
    return text.count(":") > 1 and not text.startswith(("[", '"'))


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
