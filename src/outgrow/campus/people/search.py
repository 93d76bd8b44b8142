"""Search and discover: finding people at the viewer's school.

Search finds who is meant by a few typed words, however they were typed. What was typed becomes the
arguments of one statement (queries/search.sql, where the ways to match are explained). Typed text
never reaches PostgreSQL as syntax: only words, runs of letters and digits, are put into a full-text
query, each in quotes.

A word of `n` letters with one mistake in it (two neighbours swapped, one letter left out, added or
replaced) still has its first `i` and its last `n - 1 - i` letters, for some `i`; or it is one of
the `n - 1` words with two neighbours swapped back. The full-text index holds the words of names
also reversed, so both ends of a word are prefixes there, and no threshold is needed.

The highlights of a profile show which typed words it matched: a field's text in pieces, of which
those at even positions were not typed and those at odd positions were. So a client needs neither
offsets nor a kind of escaping.

Discover lists who has most in common with the viewer, and whom the viewer's connections know. Both
leave out the viewer, their connections, people with an intro between them and the viewer that
nobody answered yet, and people who are hidden. PostgreSQL ranks them and writes the JSON.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import asyncpg
import msgspec

from outgrow import queries
from outgrow.campus import Viewer
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people import search
from outgrow.db.pool import Database

_MARKS = re.compile("[\u0300-\u036f’ʼ']+")
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
    """Return the text in lower case, without accents, with spaces for signs between words.

    It equals what the SQL function `outgrow.fold` returns (queries/outgrow.sql), by which the
    searched text is folded. A test compares the two on every character.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
    return _PARTED.sub(" ", _MARKS.sub("", text).translate(_PLAIN))


def split_words(text: str) -> list[str]:
    """Return the words of a text, folded: runs of letters, their marks, and digits."""
    kept = [c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in fold(text)]
    return "".join(kept).split()


def locate_words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word, folded, with its beginning and end in `text`."""
    if text.isascii():
        for run in _ASCII_RUN.finditer(text):
            if word := fold(run[0]):
                yield word, run.start(), run.end()
        return
    start = None
    for index, c in enumerate(text + " "):
        if c.isalnum() or c in "'’ʼ" or unicodedata.category(c)[0] == "M":
            start = index if start is None else start
        elif start is not None:
            if word := fold(text[start:index]):
                yield word, start, index
            start = None


def is_one_mistake_away(typed: str, word: str) -> bool:
    """Return whether the two are the same but for one letter swapped with the next, left out, added
    or replaced."""
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


SEARCHED_LENGTH = 1000
"""Characters of a text that are searched at most: later ones matched nobody."""

EXCERPT_LENGTH = 120
"""Characters of a long text that are shown around the first match."""

Range = tuple[int, int]


class SearchedFields(msgspec.Struct):
    """The searched fields of a public profile."""

    name: str | None = None
    major: str | None = None
    year: str | None = None
    interests: list[Any] | None = None
    looking_for: list[Any] | None = None
    bio: str | None = None


class Highlight(msgspec.Struct):
    field: str
    pieces: list[str]


def highlight_name(
    profile: SearchedFields, typed: Sequence[str], *, mistyped: bool
) -> list[Highlight]:
    """Highlight the typed beginnings of words in the name, and the words that were mistyped."""
    name = profile.name or ""
    ranges = list(_find_beginnings(name, typed))
    if mistyped:
        ranges += [
            (start, end)
            for word, start, end in locate_words(name)
            if any(is_one_mistake_away(token, word[: max(len(token) + 1, 3)]) for token in typed)
        ]
    return [Highlight("name", _cut_pieces(name, ranges))] if ranges else []


def highlight_profile(profile: SearchedFields, typed: Sequence[str]) -> list[Highlight]:
    """Highlight every field with a typed word; of a list, the first item with one."""
    highlights = []
    for field in ("name", "major", "year", "interests", "looking_for", "bio"):
        value = getattr(profile, field)
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and (
                ranges := list(_find_beginnings(text[:SEARCHED_LENGTH], typed))
            ):
                highlights.append(Highlight(field, _cut_pieces(*_cut_excerpt(text, ranges))))
                break
    return highlights


def _find_beginnings(text: str, typed: Sequence[str]) -> Iterable[Range]:
    """Yield the ranges where a word of the text begins with a typed one."""
    for word, start, end in locate_words(text):
        length = max((len(token) for token in typed if word.startswith(token)), default=0)
        if length == len(word):
            yield start, end
        elif length:
            stop = start + 1
            while len(fold(text[start:stop])) < length:
                stop += 1
            yield start, stop


def _cut_excerpt(text: str, ranges: Sequence[Range]) -> tuple[str, list[Range]]:
    """Return the text around the first range, cut between words, with `…` where it continues."""
    if len(text) <= EXCERPT_LENGTH:
        return text, list(ranges)
    begin = max(0, min(ranges[0][0] - EXCERPT_LENGTH // 3, len(text) - EXCERPT_LENGTH))
    if begin:
        begin = min(text.find(" ", begin) + 1 or begin, ranges[0][0])
    end = begin + EXCERPT_LENGTH
    if end < len(text):
        end = max(text.rfind(" ", begin, end), ranges[0][1])
    excerpt = ("…" if begin else "") + text[begin:end] + ("…" if end < len(text) else "")
    shift = begin - bool(begin)
    return excerpt, [(a - shift, b - shift) for a, b in ranges if b <= end]


def _cut_pieces(text: str, ranges: Iterable[Range]) -> list[str]:
    """Cut the text at the ranges; join ranges that overlap."""
    joined: list[list[int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    cuts = [0, *chain.from_iterable(joined), len(text)]
    return [text[a:b] for a, b in pairwise(cuts)]


SQL = queries.load("search")

WAYS = ("", "begins", "named", "worded", "mistyped")
"""The ways to match a row, as the column `way` numbers them."""

MOST_CHARACTERS = 200
MOST_WORDS = 8
MOST_MISTYPED = 4
"""Words of a query that are searched for mistakes: names have no more."""
LONGEST_WORD = 32

_BEGIN, _END = "þ", "ø"
"""Marks before a name's word, and before a reversed one, in `search_text`."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A query as $3 and $5 to $12 of the statement."""

    tokens: tuple[str, ...]
    named: str
    worded: str
    mistyped: str | None
    begun: tuple[str, ...]
    meant: tuple[tuple[str, ...] | None, ...]

    @property
    def text(self) -> str:
        return " ".join(self.tokens)


def parse_query(text: str) -> Typed | None:
    """Return the query, or None for a text without a word. Of a long text the first words count."""
    tokens = tuple(word[:LONGEST_WORD] for word in split_words(text[:MOST_CHARACTERS])[:MOST_WORDS])
    if not tokens:
        return None
    named = " & ".join(_prefix(_BEGIN, word) for word in tokens)
    anywhere = " & ".join(f"({_prefix(_BEGIN, word)} | {_in_text(word)})" for word in tokens)
    worded = f"{anywhere} & !({named})"
    longest = max(tokens, key=len)
    mistyped = None
    if len(longest) >= (4 if len(tokens) == 1 else 3) and len(tokens) <= MOST_MISTYPED:
        all_but_one_letter = " & ".join(_mistyped(word) for word in tokens)
        mistyped = f"{all_but_one_letter} & !({named}) & !({anywhere})"
    meant = [tuple(dict.fromkeys(_meant(word))) for word in tokens[:MOST_MISTYPED]]
    none = [None] * (MOST_MISTYPED - len(meant))
    begun = tuple(f"% {word}%" for word in tokens)
    return Typed(tokens, named, worded, mistyped, begun, (*meant, *none))


def _prefix(mark: str, word: str) -> str:
    return f"'{mark}{word}':*"


def _in_text(word: str) -> str:
    """Return a prefix search; for two letters, which begin a tenth of all words, a whole word."""
    return f"'{word}':*" if len(word) > 2 else f"'{word}'"


def _mistyped(word: str) -> str:
    """Return a search for names' words that begin with this one, or are one mistake away."""
    ways = {_prefix(_BEGIN, word): None}
    if 1 < len(word) < LONGEST_WORD:
        for index in range(len(word)):
            ways[_ends(word[:index], word[index + 1 :])] = None
        for index in range(len(word) - 1):
            swapped = word[:index] + word[index + 1] + word[index] + word[index + 2 :]
            ways[_prefix(_BEGIN, swapped)] = None
    return f"({' | '.join(ways)})"


def _ends(first: str, last: str) -> str:
    """Return a search for words with this beginning and end. A single letter on one side matches a
    tenth of all words, so it is left out if the other side has three."""
    sides = []
    if first and not (len(first) == 1 and len(last) > 2):
        sides.append(_prefix(_BEGIN, first))
    if last and not (len(last) == 1 and len(first) > 2):
        sides.append(_prefix(_END, last[::-1]))
    return f"({' & '.join(sides)})"


def _meant(word: str) -> Iterator[str]:
    """Yield LIKE patterns of what this word may have been, for a name with a space around it. A
    long word may continue behind its mistake: the person is still typing. (It has no wildcard in
    it.)"""
    yield f"% {word}%"
    end = "%" if len(word) >= 5 else " %"
    for index, letter in enumerate(word):
        before, after = word[:index], word[index + 1 :]
        yield f"% {before}_{after}{end}"
        yield f"% {before}_{letter}{after}{end}"
        if len(word) > 1:
            yield f"% {before}{after}{end}"
        if after:
            yield f"% {before}{after[0]}{letter}{after[1:]}{end}"


class Search:
    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors

    async def page(self, text: str, page: Page, *, viewer: Viewer) -> bytes:
        """Return the JSON of a page of the school's public profiles, best first, each with `match`
        (of `WAYS`) and `highlights`; an empty page for a text without a letter or digit.

        Raises BadCursor.
        """
        typed = parse_query(text)
        of = ("search", viewer.school, viewer.id, typed.text if typed else "")
        after = self._cursors.open(of, page.cursor)
        if typed is None:
            return b'{"items":[],"next":null}'
        way, score, name, user_id = ("0", "0", "", "") if page.cursor is None else after
        rows = await self._database.rows(
            SQL["page"],
            viewer.school,
            viewer.id,
            typed.text,
            max(typed.text, str(name)) if way == "1" else typed.text,
            typed.named,
            typed.worded,
            typed.mistyped,
            typed.begun,
            *typed.meant,
            page.limit,
            page.offset,
            int(way or "0"),
            int(score or "0"),
            name,
            user_id,
        )
        shown = rows[: page.limit]
        items = b",".join([_item(row, typed.tokens) for row in shown])
        if len(rows) <= page.limit:
            return b'{"items":[%b],"next":null}' % items
        last = shown[-1]
        cursor = self._cursors.seal(
            of, (str(last["way"]), str(last["score"]), last["name"], last["id"])
        )
        return b'{"items":[%b],"next":"%b"}' % (items, cursor.encode("ascii"))


def _item(row: asyncpg.Record, typed: Sequence[str]) -> bytes:
    """Return the profile, with two more fields at its end."""
    card: str = row["card"]
    way = WAYS[row["way"]]
    try:
        profile = msgspec.json.decode(card, type=search.SearchedFields)
    except (msgspec.DecodeError, RecursionError):
        # An old client's JSON that Python cannot read is shown as it is, without highlights.
        profile = search.SearchedFields()
    highlights = (
        search.highlight_profile(profile, typed)
        if way == "worded"
        else search.highlight_name(profile, typed, mistyped=way == "mistyped")
    )
    more = msgspec.json.encode({"match": way, "highlights": highlights})
    return card[:-1].encode("utf-8") + b"," + more[1:]


DISCOVER = queries.load("discover")

REASONS = (
    *("interests", "looking_for", "academic_goals", "leisure_goals"),
    *("personality", "major", "year"),
)
"""What two people may have in common, in the order of the column `likes`."""

_BEFORE_ALL = (1_000_000, "\U0010ffff", "")
"""The position before every row: a number larger than any score, and a text that sorts behind every
time of the list."""

_REST = -1
"""The score, in a cursor, of people behind the pool."""


class Discover:
    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors

    async def matches(self, page: Page, *, viewer: Viewer) -> bytes:
        """Return the JSON of a page of public profiles, best match first, each with its `score` and
        the `reasons` for it; behind them everybody else of the school. Raises BadCursor."""
        of = ("discover", viewer.school, viewer.id)
        number, sort, id_ = self._begin(of, page)
        _, *rest = (number, sort, id_) if number == _REST else _BEFORE_ALL
        row = await self._database.row(
            DISCOVER["matches"], viewer.school, viewer.id, page.limit, number, sort, id_, *rest
        )
        return self._finish(row, of)

    async def suggestions(self, page: Page, *, viewer: Viewer) -> bytes:
        """Return the JSON of a page of connections of the viewer's connections, most `mutual` ones
        first. Raises BadCursor."""
        of = ("suggestions", viewer.school, viewer.id)
        begin = self._begin(of, page)
        row = await self._database.row(
            DISCOVER["suggestions"], viewer.school, viewer.id, page.limit, *begin
        )
        return self._finish(row, of)

    def _begin(self, of: Sequence[str], page: Page) -> tuple[int, str, str]:
        if page.cursor is None:
            return _BEFORE_ALL
        number, sort, id_ = self._cursors.open(of, page.cursor)
        return int(number or 0), sort or "", id_ or ""

    def _finish(self, row: Any, of: Sequence[str]) -> bytes:
        """Do what Cursors.finish does, for a cursor of three parts."""
        if not row["has_more"]:
            return b"".join((row["body"], b',"next":null}'))
        last = [str(row[column]) for column in ("last_number", "last_sort", "last_id")]
        cursor = self._cursors.seal(of, last).encode("ascii")
        return b"".join((row["body"], b',"next":"', cursor, b'"}'))
