"""What of a found profile was meant by the typed words: fields, in pieces. No I/O.

A field's text is given as pieces: those at even places were not typed, those at odd places were.
So a client needs to know neither offsets nor which kind of escaping somebody else chose.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import Any

import msgspec

from outgrow.campus.people.tokenizer import fold, one_mistake, placed

SEARCHED = 1000
"""Characters of a text that are searched, at most: what stands behind them did not find anybody."""

EXCERPT = 120
"""Characters of a long text shown around the first word that was meant."""

Range = tuple[int, int]


class Shown(msgspec.Struct):
    """What is searched of a public profile."""

    name: str | None = None
    major: str | None = None
    year: str | None = None
    interests: list[Any] | None = None
    looking_for: list[Any] | None = None
    bio: str | None = None


class Highlight(msgspec.Struct):
    field: str
    pieces: list[str]


def in_name(profile: Shown, typed: Sequence[str], *, mistyped: bool) -> list[Highlight]:
    """The name, with the beginnings of words that were typed, or the words that were mistyped."""
    name = profile.name or ""
    ranges = list(_begun(name, typed))
    if mistyped:
        ranges += [
            (start, end)
            for word, start, end in placed(name)
            if any(one_mistake(one, word[: max(len(one) + 1, 3)]) for one in typed)
        ]
    return [Highlight("name", _pieces(name, ranges))] if ranges else []


def in_profile(profile: Shown, typed: Sequence[str]) -> list[Highlight]:
    """Every field that holds a typed word; of a list the first item that does."""
    found = []
    for field in ("name", "major", "year", "interests", "looking_for", "bio"):
        value = getattr(profile, field)
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and (ranges := list(_begun(text[:SEARCHED], typed))):
                found.append(Highlight(field, _pieces(*_excerpt(text, ranges))))
                break
    return found


def _begun(text: str, typed: Sequence[str]) -> Iterable[Range]:
    """Where a word of the text begins with a typed one."""
    for word, start, end in placed(text):
        length = max((len(one) for one in typed if word.startswith(one)), default=0)
        if length == len(word):
            yield start, end
        elif length:
            stop = start + 1
            while len(fold(text[start:stop])) < length:
                stop += 1
            yield start, stop


def _excerpt(text: str, ranges: Sequence[Range]) -> tuple[str, list[Range]]:
    """The text around the first range, cut between words, with `…` where it goes on."""
    if len(text) <= EXCERPT:
        return text, list(ranges)
    begin = max(0, min(ranges[0][0] - EXCERPT // 3, len(text) - EXCERPT))
    if begin:
        begin = min(text.find(" ", begin) + 1 or begin, ranges[0][0])
    end = begin + EXCERPT
    if end < len(text):
        end = max(text.rfind(" ", begin, end), ranges[0][1])
    cut = ("…" if begin else "") + text[begin:end] + ("…" if end < len(text) else "")
    shift = begin - bool(begin)
    return cut, [(a - shift, b - shift) for a, b in ranges if b <= end]


def _pieces(text: str, ranges: Iterable[Range]) -> list[str]:
    """Cut at the ranges, overlapping ones made one."""
    joined: list[list[int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    cuts = [0, *chain.from_iterable(joined), len(text)]
    return [text[a:b] for a, b in pairwise(cuts)]
