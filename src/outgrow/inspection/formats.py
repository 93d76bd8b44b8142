"""What a text looks like: an id of some kind, a time, a name, a secret, or only a word. No I/O.

An id is recognized by its form, since the form says that it is one of many, which a word does not:
`user:0b6f...:chats` has two literals and an id. A secret is guessed by its field's name or by its
own form. A form that only secrets have (a private key, a hash of argon2) is enough anywhere. A text
that is merely random needs such a name too, or has to be long, since ids are random as well."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

LONGEST_ID = 120
"""Characters. A longer text is prose, an image, a document: no id, and not worth searching."""

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_TIME = r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
_DATE = r"(?<![A-Za-z0-9])(?:19|20)\d\d-[01]\d-[0-3]\d(?![A-Za-z0-9])"
_WEEK = r"(?<![A-Za-z0-9])(?:19|20)\d\d-(?:W[0-5]\d|[01]\d)(?![A-Za-z0-9])"
_DASHED = re.compile(f"(?P<uuid>{_UUID})|(?P<time>{_TIME})|(?P<date>{_DATE})|(?P<week>{_WEEK})")
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_DIGIT = re.compile(r"[0-9]")
_TOKEN = re.compile(r"<[a-z]+>|[A-Za-z0-9]+")
_TURNS = re.compile(r"[0-9]+")
_NAMELIKE = re.compile(r"[\s,;.'()&%@À-￿]|[A-Z].*[a-z]\Z")
_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)+\Z")
_WORD = re.compile(r"[A-Za-z][A-Za-z]*\Z")
_URL = re.compile(r"(?:https?|data|blob|ftp|wss?):\S")


# fmt: off
FILLER = frozenset((
    "", "-", "0", "admin", "ai", "ai-assistant", "all", "anon", "anonymous", "assistant", "bot",
    "default", "deleted", "everyone", "guest", "me", "n/a", "na", "nil", "nobody", "none", "null",
    "public", "self", "system", "tbd", "unassigned", "undefined", "unknown",
))
# fmt: on
"""Texts that code writes in place of an id when there is none."""

WORDY = ("word", "slug", "name", "text", "empty")
"""Formats that are no ids: two such texts may be equal by chance."""

_NO_IDS = (*WORDY, "time", "date", "week", "url", "json", "number", "prefix-number")


def is_id_format(format_: str) -> bool:
    """Return whether two texts of this format are equal only if they mean the same thing."""
    return bool(format_) and format_ not in _NO_IDS


SPANS = {
    "uuid": _UUID,
    "time": _TIME,
    "email": _EMAIL.pattern,
    "date": r"(?:19|20)\d\d-[01]\d-[0-3]\d",
    "week": r"(?:19|20)\d\d-(?:W[0-5]\d|[01]\d)",
    "ms": r"1\d{12}",
    "seconds": r"1\d{9}",
    "hex": r"[0-9a-f]{12,}",
    "random": r"[A-Za-z0-9]{5,}",
    "number": r"\d+[A-Za-z]?",
}
"""Kind of id -> the regular expression for it."""


def form(text: str) -> str:
    """Return the text with every id in it replaced by its kind: `evt_<ms>_<random>`. A text without
    ids is returned as it is."""
    if len(text) == 36 and text[8] == "-" and _is_uuid(text):
        return "<uuid>"
    if "@" in text:
        text = _EMAIL.sub("<email>", text)
    if not _DIGIT.search(text):
        return text
    if "-" in text:
        text = _DASHED.sub(lambda match: f"<{match.lastgroup}>", text)
    behind = False

    def kind(match: re.Match[str]) -> str:
        nonlocal behind
        token = match[0]
        kind_of_token = token if token[0] == "<" else _form_of_token(token, behind)
        behind = behind or kind_of_token in ("<ms>", "<seconds>")
        return kind_of_token

    return _TOKEN.sub(kind, text)


def _form_of_token(token: str, behind: bool) -> str:
    """Return the kind of a run of letters and digits. `behind` a time, a random part may have no
    digit by chance."""
    if token.isdigit():
        if token[0] == "1" and len(token) in (10, 13):
            return "<ms>" if len(token) == 13 else "<seconds>"
        return "<number>"
    if behind and len(token) > 4:
        return "<random>"
    if token.isalpha():
        return token
    if len(token) > 11 and not token.strip("0123456789abcdef"):
        return "<hex>"
    if len(token) > 4 and len(_TURNS.findall(token)) > 1:
        return "<random>"
    if token[0].isdigit():
        if len(token) > 6:
            return "<random>"
        if token[:-1].isdigit():
            return "<number>"  # a class `3b`, a house `12a`
    return _TURNS.sub("<number>", token)


def is_id(form_: str, text: str) -> bool:
    """Return whether `form` found an id in the text."""
    return form_ is not text and form_ != text


def format_of(text: str) -> str:
    """Return what a value is in one word: `uuid`, `ms`, `prefix-ms-random`, `email`, `slug`,
    `name`..."""
    if len(text) > LONGEST_ID:
        return "url" if _URL.match(text) else "text"
    if _URL.match(text):
        return "url"
    text_form = form(text)
    if text_form == text:
        return _format_of_words(text)
    return _format_of_form(text_form)


@lru_cache(maxsize=4096)
def _format_of_form(text_form: str) -> str:
    kinds = re.findall(r"<([a-z]+)>", text_form)
    bare = re.sub(r"<[a-z]+>", "", text_form)
    if not bare.strip("-_.:/"):
        return "-".join(kinds) if len(kinds) < 4 else "ids"
    if len(bare) > 40 or " " in bare:
        return "text"
    return "-".join(["prefix", *kinds[:3]])


def _format_of_words(text: str) -> str:
    if not text:
        return "empty"
    if _WORD.match(text):
        return "word"
    if _SLUG.match(text):
        return "slug"
    return "name" if len(text) <= 60 else "text"


def is_name(text: str) -> bool:
    """Return whether it is written as people write names, not as programmers write keys: `Stanford
    University`, `a@b.c`."""
    return _NAMELIKE.search(text) is not None


_is_uuid = re.compile(_UUID).fullmatch


_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LOWER_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)

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
"""A text that begins like this is a secret, whatever its field is called."""

_NAMES = (
    ("password", ({"password"}, {"passwd"}, {"passphrase"}, {"pwd"}, {"passcode"})),
    ("secret", ({"secret"}, {"client", "secret"}, {"signing", "key"}, {"encryption", "key"})),
    ("private key", ({"private", "key"}, {"privatekey"})),
    ("API key", ({"api", "key"}, {"apikey"}, {"access", "key"}, {"service", "key"})),
    ("token", ({"token"}, {"jwt"}, {"bearer"}, {"session", "key"}, {"authorization"})),
    ("code", ({"otp"}, {"pin", "code"}, {"pin"}, {"verification", "code"}, {"recovery", "code"})),
)
"""A field whose name has all words of one of these sets is of this kind."""

# fmt: off
_PUBLIC = frozenset((
    "hint", "label", "name", "type", "count", "expires", "expiry", "expired", "at", "on",
    "date", "time", "changed", "updated", "created", "required", "reset", "length", "strength",
    "policy", "valid", "verified", "limit", "limits", "used", "usage", "balance", "symbol",
    "id", "enabled", "public", "url", "uri", "path", "message", "error", "attempts", "status",
    "set",
))
# fmt: on
"""Last words of a name that make it something else: `tokenExpiresAt`, `passwordHint`."""

_CLASSES = (str.islower, str.isupper, str.isdigit)
_SHORTEST = 4  # characters of a password; below that it is a flag or a count
_RANDOM_BITS = 3.5  # of each character: words have 3 or less until they are long
_RANDOM_LENGTH = 32


def kind_of_secret(field: str, text: str) -> str | None:
    """Return what kind of secret `text` looks like, or None. `field` is its path (`auth.apiKey`,
    `tokens[]`, "" for a bare value); for a map's member its name in the map."""
    stripped = text.strip()
    for kind, form in _FORMS:
        if form.match(stripped):
            return kind
    named = _kind_of_name(field)
    if named is not None and _may_be_secret(named, stripped):
        return named
    return "random text" if _is_random(stripped) else None


def _kind_of_name(field: str) -> str | None:
    last = re.split(r"[.\[\]{}/:]", field.rstrip("[]{}"))[-1]
    name_words = [word.lower() for word in _NAME_WORD.findall(last)]
    if not name_words or name_words[-1] in _PUBLIC or "public" in name_words:
        return None
    singular = {w.removesuffix("s") if len(w) > 4 else w for w in name_words} | {*name_words}
    joined = "".join(name_words)
    for kind, names in _NAMES:
        if any(name <= singular or name == {joined} for name in names):
            return kind
    return None


def _may_be_secret(kind: str, text: str) -> bool:
    """Return whether a text under such a name can be a secret: not a flag, a sentence or a mask."""
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
    """Return whether it is long, mixed, of one alphabet, and without the separators of words, ids
    and paths."""
    if not _RANDOM_LENGTH <= len(text) <= 512 or _LOWER_UUID.match(text):
        return False
    if not re.fullmatch(r"[A-Za-z0-9+/_=-]+", text):
        return False
    if re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", text):
        return len(text) in (40, 48, 64, 96, 128) and _entropy_bits(text) >= 3
    classes = sum(any(is_one(c) for c in text) for is_one in _CLASSES)
    separators = sum(text.count(sign) for sign in "-_/")
    return (
        classes == 3 and separators <= len(text) // 12 and _entropy_bits(text) >= _RANDOM_BITS + 0.5
    )


def _entropy_bits(text: str) -> float:
    """Return the Shannon entropy of its characters, in bits for each."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)
