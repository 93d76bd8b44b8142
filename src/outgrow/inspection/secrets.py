"""Which texts of a store look like passwords, keys and tokens. No I/O; no value is ever told.

A guess: by the field's name, or by the text's own form. A form that only secrets have (a private
key, a hash of argon2) is enough anywhere; a text that is merely random must be so under a name, or
be long, since ids are random too.
"""

from __future__ import annotations

import math
import re
from collections import Counter

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)

_FORMS = (
    ("private key", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")),
    (
        "password hash",
        re.compile(r"\$(?:2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|argon2(?:id|i|d)\$|scrypt\$)"),
    ),
    ("password hash", re.compile(r"(?:pbkdf2[_:]|scrypt:|SCRAM-SHA-256\$)\S*\$")),
    ("JSON web token", re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*\Z")),
    ("Stripe key", re.compile(r"(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z]{16,}")),
    ("AWS key", re.compile(r"(?:AKIA|ASIA)[0-9A-Z]{16}\Z")),
    ("GitHub token", re.compile(r"(?:gh[pousr]_[0-9A-Za-z]{30,}|github_pat_\w{30,})")),
    ("Slack token", re.compile(r"xox[abeprs]-[0-9A-Za-z-]{10,}")),
    ("Google key", re.compile(r"AIza[\w-]{35}\Z|ya29\.[\w-]{20,}")),
    ("API key", re.compile(r"sk-(?:ant-|proj-)?[\w-]{20,}\Z|SG\.[\w-]{16,}\.[\w-]{16,}\Z")),
    ("API key", re.compile(r"(?:sbp_[0-9a-f]{40}|sb_secret_[\w-]{20,}|npm_[0-9A-Za-z]{36})")),
    ("URL with a password", re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@]+@[^\s/]")),
)
"""What begins like this is a secret, whatever its field is called."""

_NAMES = (
    ("password", ({"password"}, {"passwd"}, {"passphrase"}, {"pwd"}, {"passcode"})),
    ("secret", ({"secret"}, {"client", "secret"}, {"signing", "key"}, {"encryption", "key"})),
    ("private key", ({"private", "key"}, {"privatekey"})),
    ("API key", ({"api", "key"}, {"apikey"}, {"access", "key"}, {"service", "key"})),
    ("token", ({"token"}, {"jwt"}, {"bearer"}, {"session", "key"}, {"authorization"})),
    ("code", ({"otp"}, {"pin", "code"}, {"pin"}, {"verification", "code"}, {"recovery", "code"})),
)
"""All words of one of the sets in a field's name make it one of these."""

# fmt: off
_PUBLIC = frozenset((
    "hint", "label", "name", "type", "count", "expires", "expiry", "expired", "at", "on",
    "date", "time", "changed", "updated", "created", "required", "reset", "length", "strength",
    "policy", "valid", "verified", "limit", "limits", "used", "usage", "balance", "symbol",
    "id", "enabled", "public", "url", "uri", "path", "message", "error", "attempts", "status",
    "set",
))
# fmt: on
"""What the last word of a name says that it is instead: `tokenExpiresAt`, `passwordHint`."""

_CLASSES = (str.islower, str.isupper, str.isdigit)
_SHORTEST = 4  # characters of a password; below that it is a flag or a count
_RANDOM_BITS = 3.5  # of each character: words have 3 or less until they are long
_RANDOM_LENGTH = 32


def secrets(field: str, text: str) -> str | None:
    """What kind of secret `text` looks like, or None. `field` is the path to it (`auth.apiKey`,
    `tokens[]`, "" for a bare value); for a map's member the name it has there."""
    stripped = text.strip()
    for kind, form in _FORMS:
        if form.match(stripped):
            return kind
    named = _named(field)
    if named is not None and _may_be(named, stripped):
        return named
    return "random text" if _is_random(stripped) else None


def _named(field: str) -> str | None:
    last = re.split(r"[.\[\]{}/:]", field.rstrip("[]{}"))[-1]
    words = [word.lower() for word in _WORD.findall(last)]
    if not words or words[-1] in _PUBLIC or "public" in words:
        return None
    singular = {word.removesuffix("s") if len(word) > 4 else word for word in words} | set(words)
    joined = "".join(words)
    for kind, names in _NAMES:
        if any(name <= singular or name == {joined} for name in names):
            return kind
    return None


def _may_be(kind: str, text: str) -> bool:
    """Whether a text under such a name is a secret at all: not a flag, a sentence or a mask."""
    if len(text) < _SHORTEST or text.lower() in ("true", "false", "null", "none", "undefined"):
        return False
    if len(set(text)) == 1 or set(text) <= set("*•.xX"):
        return False
    if kind == "password":
        return True
    if kind == "code":
        return text.isalnum() and any(c.isdigit() for c in text) and len(text) <= 12
    return " " not in text and len(text) >= 8 and any(c.isdigit() or c in "-_." for c in text)


def _is_random(text: str) -> bool:
    """Long, of one alphabet, mixed, and without what separates words, ids and paths."""
    if not _RANDOM_LENGTH <= len(text) <= 512 or _UUID.match(text):
        return False
    if not re.fullmatch(r"[A-Za-z0-9+/_=-]+", text):
        return False
    if re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", text):
        return len(text) in (40, 48, 64, 96, 128) and _bits(text) >= 3
    classes = sum(any(is_one(c) for c in text) for is_one in _CLASSES)
    separators = sum(text.count(sign) for sign in "-_/")
    return classes == 3 and separators <= len(text) // 12 and _bits(text) >= _RANDOM_BITS + 0.5


def _bits(text: str) -> float:
    """Shannon's entropy of its characters, in bits for each."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)
