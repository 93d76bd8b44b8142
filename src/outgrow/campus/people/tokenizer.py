"""Words as search compares them, and where they stand in a text as it was written. No I/O.

`fold` does in Python what the SQL function `outgrow.fold` does (queries/outgrow.sql), which folds
what is searched; a test compares the two on every character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_ACCENTS = re.compile("[\u0300-\u036f’ʼ']+")
_PLAIN = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ØøŁłĐđÐðĦħıŊŋŦŧĸ"
    "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩς"
    "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЄІЇҐЂЈЉЊЋЏ",
    "abcdefghijklmnopqrstuvwxyz"
    "oollddddhhinnttk"
    "αβγδεζηθικλμνξοπρστυφχψωσ"
    "абвгдежзийклмнопрстуфхцчшщъыьэюяєіїґђјљњћџ",
) | {
    ord(ligature): letters
    for both, letters in {"Þþ": "th", "Ææ": "ae", "Œœ": "oe", "ẞß": "ss"}.items()
    for ligature in both
}
_ASCII_RUN = re.compile(r"[A-Za-z0-9']+")
_PARTED = re.compile(r"[./@_+:&<-]")


def fold(text: str) -> str:
    """Lower case, without accents; signs that stand between words are spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
    return _PARTED.sub(" ", _ACCENTS.sub("", text).translate(_PLAIN))


def words(text: str) -> list[str]:
    """The words of a text, folded: runs of letters, their marks, and digits."""
    kept = [c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in fold(text)]
    return "".join(kept).split()


def placed(text: str) -> Iterator[tuple[str, int, int]]:
    """Each word, folded, with where it begins and ends in `text`."""
    if text.isascii():
        for run in _ASCII_RUN.finditer(text):
            if word := fold(run[0]):
                yield word, run.start(), run.end()
        return
    start = None
    for place, c in enumerate(text + " "):
        if c.isalnum() or c in "'’ʼ" or unicodedata.category(c)[0] == "M":
            start = place if start is None else start
        elif start is not None:
            if word := fold(text[start:place]):
                yield word, start, place
            start = None


def one_mistake(typed: str, word: str) -> bool:
    """Whether one letter swapped with the next, left out, added or replaced makes one the other."""
    short, long = sorted((typed, word), key=len)
    if len(long) - len(short) > 1:
        return False
    same = 0
    while same < len(short) and short[same] == long[same]:
        same += 1
    if short[same:] == long[same + 1 :]:
        return True
    if len(short) < len(long):
        return False
    swapped = short[same + 1 : same + 2] + short[same : same + 1] + short[same + 2 :]
    return short[same + 1 :] == long[same + 1 :] or swapped == long[same:]
