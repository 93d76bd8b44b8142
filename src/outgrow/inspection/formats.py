"""What a text looks like: an id of some kind, a time, a name, or only a word. No I/O.

Ids are recognised by their form, since an id says of itself that it is one of many, and a word does
not: `user:0b6f...:chats` has two literals and an id.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST_ID = 120
"""Characters. A longer text is prose, an image, a document: no id, and not worth looking
through."""

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
"""Written by code in place of an id, for somebody who has none."""

WORDY = ("word", "slug", "name", "text", "empty")
"""Formats of what is no id: two such texts may be equal by chance."""

_NO_IDS = (*WORDY, "time", "date", "week", "url", "json", "number", "prefix-number")


def is_id_format(format_: str) -> bool:
    """Two texts of it are not equal by chance."""
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
"""Kind of id -> how it is written, for the regular expression of a pattern."""


def form(text: str) -> str:
    """The text with every id in it replaced by its kind: `evt_<ms>_<random>`. A text without any is
    returned as it is."""
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
        made = token if token[0] == "<" else _token(token, behind)
        behind = behind or made in ("<ms>", "<seconds>")
        return made

    return _TOKEN.sub(kind, text)


def _token(token: str, behind: bool) -> str:
    """A run of letters and digits. `behind` a time, a random part may by chance have no digit."""
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
    """Whether `form` found an id in the text."""
    return form_ is not text and form_ != text


def format_of(text: str) -> str:
    """One word for what a value is: `uuid`, `ms`, `prefix-ms-random`, `email`, `slug`, `name`..."""
    if len(text) > LONGEST_ID:
        return "url" if _URL.match(text) else "text"
    if _URL.match(text):
        return "url"
    made = form(text)
    if made == text:
        return _plain(text)
    return _named(made)


@lru_cache(maxsize=4096)
def _named(made: str) -> str:
    kinds = re.findall(r"<([a-z]+)>", made)
    bare = re.sub(r"<[a-z]+>", "", made)
    if not bare.strip("-_.:/"):
        return "-".join(kinds) if len(kinds) < 4 else "ids"
    if len(bare) > 40 or " " in bare:
        return "text"
    return "-".join(["prefix", *kinds[:3]])


def _plain(text: str) -> str:
    if not text:
        return "empty"
    if _WORD.match(text):
        return "word"
    if _SLUG.match(text):
        return "slug"
    return "name" if len(text) <= 60 else "text"


def is_name(text: str) -> bool:
    """Written as people write names, not as programmers write keys: `Stanford University`,
    `a@b.c`."""
    return _NAMELIKE.search(text) is not None


_is_uuid = re.compile(_UUID).fullmatch
