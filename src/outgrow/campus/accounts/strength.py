"""Which passwords are refused: those that somebody who guesses tries first.

Those are common ones, with digits or signs around them too; what is made of the account's own
e-mail and name, the school's or the service's name; and what is mostly repetition or a row of keys.
Nothing else is asked of a password: no kinds of characters, no change from time to time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import pairwise

from outgrow.errors import BadInput

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 200
FEWEST_LETTERS = 3  # that are left when one's own words are taken out
FEWEST_SURPRISES = 4
MOST_AROUND = 6  # digits and signs around a common word that is too short for a password
_SERVICE = ("outgrow", "campus", "password")
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_ROWS = ("1234567890", "qwertyuiop", "qwertzuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm")
_NEIGHBOURS = frozenset(
    pair for row in _ROWS for some in (row, row[::-1]) for pair in pairwise(some)
)


def acceptable(password: str, own: Iterable[str | None] = ()) -> str:
    """Return the password, unless it is refused. `own` are the e-mail, the name and the school that
    it is for, as far as they are known. Raises BadInput."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadInput(
            "bad_password",
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters",
            detail=f"this one has {len(password)}",
        )
    if reason := _weakness(_folded(password), own):
        raise BadInput(
            "weak_password",
            "this password is easy to guess",
            detail=reason,
            hint="take several words that do not belong together",
        )
    return password


def _weakness(password: str, own: Iterable[str | None]) -> str | None:
    once = _once(password)
    for text in (password, once):
        core = _AROUND.sub("", text)
        is_whole = len(core) >= SHORTEST_PASSWORD or len(text) - len(core) <= MOST_AROUND
        if text in _common() or (core in _common() and is_whole):
            return "it is one of the most common ones"
    surprises = 1 + sum(
        one != other and ord(other) - ord(one) not in (-1, 1) and (one, other) not in _NEIGHBOURS
        for one, other in pairwise(once)
    )
    if len(once) < SHORTEST_PASSWORD or surprises < FEWEST_SURPRISES:
        return "it repeats itself, or is a row of keys"
    left = password
    for word in sorted(_words(own), key=len, reverse=True):
        left = left.replace(word, " ")
    if left != password and sum(map(str.isalpha, left)) < FEWEST_LETTERS:
        return "it is made of the e-mail, the name, the school, or of ours"
    return None


def _once(password: str) -> str:
    """Return what a password repeats: `hunter` of `hunterhunter`, else the whole."""
    length = (password + password).find(password, 1)
    return password[:length]


def _words(own: Iterable[str | None]) -> set[str]:
    """Return the words of these texts, and each text without what is between its words."""
    words = set(_SERVICE)
    for text in own:
        parts = re.findall(r"[^\W_]+", _folded(text or ""))
        words.update((*parts, "".join(parts), "".join(part[0] for part in parts)))
    return {word for word in words if len(word) >= 3}


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def _common() -> frozenset[str]:
    text = resources.files(__package__).joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))
