"""Where a request comes from: from which address, by HTTPS or not, from the operator or not.

What a header says of it is the caller's own word, but for what trusted proxies add: the last
`proxies` words of `X-Forwarded-For`, and those of `X-Forwarded-Proto`, which they must set.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Mapping

from starlette.types import Scope

_FORWARDED = (b"forwarded", b"via", b"x-forwarded-", b"x-real-ip")  # so begins what proxies add
_ADDRESS = re.compile(r'"?(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+|([^"]*))"?')


def address(proxies: int, scope: Scope) -> str:
    """Return the address of the socket's other end, or what the outermost trusted proxy saw: with
    or without a port, IPv6 in brackets or not. Of IPv6 the network of 64 bits, which is what one
    household has. What is no address does not count, and the proxy's own is taken."""
    peer: str = (scope.get("client") or ("", 0))[0]
    hops = _words(scope, b"x-forwarded-for")[-proxies:] if proxies else []
    return _normal(hops[0] if hops else "") or _normal(peer) or peer[:64]


def is_secure(https: bool, proxies: int, scope: Scope) -> bool:
    """Return whether the caller came by HTTPS: because a setting says that all do, because this
    process speaks TLS, or because a trusted proxy says so."""
    if https or scope.get("scheme") in ("https", "wss"):
        return True
    said = _words(scope, b"x-forwarded-proto")[-proxies:] if proxies else []
    return bool(said) and said[0].lower() in ("https", "wss")


def is_operator(scope: Scope, headers: Mapping[bytes, bytes], token: str | None) -> bool:
    """Return whether the token is the one that is set. Where none is: whether somebody on this
    machine asks for this machine, and not a proxy. The name asked for counts, since any site may
    give a name of its own this address, and let a browser here ask."""
    if token is not None:
        given = headers.get(b"authorization", b"")
        return secrets.compare_digest(given, b"Bearer " + token.encode("utf-8"))
    peer: str = (scope.get("client") or ("", 0))[0]
    host = _host(headers.get(b"host", b"").decode("latin-1"))
    forwarded = any(name.startswith(_FORWARDED) for name in headers)
    return _is_loopback(peer) and (host == "localhost" or _is_loopback(host)) and not forwarded


def _words(scope: Scope, name: bytes) -> list[str]:
    """Return the words of all headers of this name, in order: a proxy may add a line of its own."""
    lines = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return [word.strip() for word in ",".join(lines).split(",")] if lines else []


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
    """Whether it is IPv6 without brackets, whose colons are no port's."""
    return text.count(":") > 1 and not text.startswith(("[", '"'))


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
