"""Names as people see them: which characters do not show, and which names look like another.

`skeleton` folds a name as UTS #39 does, by the data of Unicode's confusables, and further: case,
width, blanks, punctuation, accents and everything that does not show make no difference, and
neither do I, l and 1. So it may fold two honest names into one; it is compared only with names that
are protected.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

from confusable_homoglyphs import confusables  # type: ignore[import-untyped]

# Of format and no letters, and yet they show.
_SHOWN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd")
# Letters and signs that are blank, or nothing at all.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# Which the list of confusables leaves among themselves.
_SMALL_CAPITALS = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
_JOINERS = "\u200c\u200d"
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_ALPHABETS = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN", "HEBREW", "FULLWIDTH")
_ACCENTS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe2f]")
_NOT_SHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e001f]"
)


def hidden_character(text: str) -> str | None:
    """Return the first character that does not show, or that turns text around; None without one.

    The joiners pass where a script or an emoji needs them, and the tags of a flag.
    """
    text = _FLAG.sub("", text)
    for place, c in enumerate(text):
        if c in _BLANK:
            return c
        if unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp") or c in _SHOWN:
            continue
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        if c not in _JOINERS or not _takes_joiner(before) or not after.strip():
            return c
    return None


def shown(text: str) -> str:
    """Return the text without what does not show, but for joiners and tags, and what turns it."""
    return _NOT_SHOWN.sub("", text)


def _takes_joiner(c: str) -> bool:
    if unicodedata.category(c or " ") in ("So", "Sk", "Mn", "Mc"):
        return True
    return c.isalpha() and not unicodedata.name(c, "LATIN").startswith(_ALPHABETS)


@lru_cache(10_000)
def skeleton(name: str) -> str:
    """Return what is compared; "" where nothing of it shows. Never of use as a name."""
    name = _mapped(unicodedata.normalize("NFKD", name))
    name = _mapped(unicodedata.normalize("NFKD", name.casefold()))
    name = unicodedata.normalize("NFKD", name).translate(_SMALL_CAPITALS)
    name = "".join(c for c in name if c.isalnum() or unicodedata.category(c)[0] == "M")
    name = "".join(c for c in name if c not in _BLANK)
    return _ACCENTS.sub("", name).replace("rn", "m").replace("vv", "w").replace("i", "l")


def resembled(name: str, protected: Iterable[str]) -> str | None:
    """Return the protected name that this one looks like and is not; None when it is one, too."""
    names = set(protected)
    if name in names:
        return None
    folded = skeleton(name)
    return next((other for other in sorted(names) if skeleton(other) == folded), None)


def _mapped(text: str) -> str:
    prototypes = _prototypes()
    return "".join(prototypes.get(c, c) for c in text)


@cache
def _prototypes() -> dict[str, str]:
    """What stands for each confusable character. The data name it as the only one that the
    character is confusable with; where two name each other, the first of them stands for both."""
    data = confusables.confusables_data
    found: dict[str, str] = {}
    for c, others in data.items():
        if len(c) != 1 or len(others) != 1:
            continue
        other = others[0]["c"].replace("\u200e", "")
        back = data.get(other, ())
        if len(back) == 1 and back[0]["c"] == c and (other.isascii(), c) <= (c.isascii(), other):
            continue
        found[c] = other
    return found
