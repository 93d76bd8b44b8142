"""Search and discover: finding people at the viewer's school.

Search finds who is meant by a few typed words, however they were typed. What was typed becomes the
arguments of one statement (queries/search.sql, where the ways to match are explained). Typed text
never reaches PostgreSQL as syntax: only words, runs of letters and digits, are put into a full-text
query, each in quotes.

A word of `n` letters with one mistake in it (two neighbours swapped, one letter left out, added or
replaced) still has its first `i` and its last `n - 1 - i` letters, for some `i`; or it is one of
the `n - 1` words with two neighbours swapped back. The full-text index holds the words of names
also reversed, so both ends of a word are prefixes there, and no threshold is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import asyncpg
import msgspec

from outgrow import queries
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people import highlights
from outgrow.campus.people.tokenizer import words
from outgrow.campus.viewer import Viewer
from outgrow.db.pool import Database

SQL = queries.load("search")

WAYS = ("", "begins", "named", "worded", "mistyped")
"""How a row was found, as the column `way` numbers it."""

MOST_CHARACTERS = 200
MOST_WORDS = 8
MOST_MISTYPED = 4
"""Words of a query in which mistakes are looked for: names have no more."""
LONGEST_WORD = 32

_BEGIN, _END = "þ", "ø"
"""In front of a name's word, and of one reversed, in `search_text`."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, as $3 and $5 to $12 of the statement."""

    words: tuple[str, ...]
    named: str
    worded: str
    mistyped: str | None
    begun: tuple[str, ...]
    meant: tuple[tuple[str, ...] | None, ...]

    @property
    def text(self) -> str:
        return " ".join(self.words)


def understand(text: str) -> Typed | None:
    """None when there is no word in it. Of a long text the first words count."""
    found = tuple(word[:LONGEST_WORD] for word in words(text[:MOST_CHARACTERS])[:MOST_WORDS])
    if not found:
        return None
    named = " & ".join(_prefix(_BEGIN, word) for word in found)
    anywhere = " & ".join(f"({_prefix(_BEGIN, word)} | {_in_text(word)})" for word in found)
    worded = f"{anywhere} & !({named})"
    longest = max(found, key=len)
    mistyped = None
    if len(longest) >= (4 if len(found) == 1 else 3) and len(found) <= MOST_MISTYPED:
        all_but_one_letter = " & ".join(_mistyped(word) for word in found)
        mistyped = f"{all_but_one_letter} & !({named}) & !({anywhere})"
    meant = [tuple(dict.fromkeys(_meant(word))) for word in found[:MOST_MISTYPED]]
    none = [None] * (MOST_MISTYPED - len(meant))
    begun = tuple(f"% {word}%" for word in found)
    return Typed(found, named, worded, mistyped, begun, (*meant, *none))


def _prefix(mark: str, word: str) -> str:
    return f"'{mark}{word}':*"


def _in_text(word: str) -> str:
    """Two letters begin a tenth of all words, so they are a whole word or nothing."""
    return f"'{word}':*" if len(word) > 2 else f"'{word}'"


def _mistyped(word: str) -> str:
    """A name's word that begins with this one, or is one mistake away from it."""
    ways = {_prefix(_BEGIN, word): None}
    if 1 < len(word) < LONGEST_WORD:
        for place in range(len(word)):
            ways[_ends(word[:place], word[place + 1 :])] = None
        for place in range(len(word) - 1):
            swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
            ways[_prefix(_BEGIN, swapped)] = None
    return f"({' | '.join(ways)})"


def _ends(first: str, last: str) -> str:
    """Words with this beginning and this end. A single letter at one side says too little for what
    it costs (a tenth of all words), if the other side has three."""
    sides = []
    if first and not (len(first) == 1 and len(last) > 2):
        sides.append(_prefix(_BEGIN, first))
    if last and not (len(last) == 1 and len(first) > 2):
        sides.append(_prefix(_END, last[::-1]))
    return f"({' & '.join(sides)})"


def _meant(word: str) -> Iterator[str]:
    """LIKE patterns, for a name with a space around it, of what this word may have been. A long
    word may go on behind its mistake: somebody is still typing. (A word has no wildcard in it.)"""
    yield f"% {word}%"
    end = "%" if len(word) >= 5 else " %"
    for place, letter in enumerate(word):
        before, after = word[:place], word[place + 1 :]
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
        """The JSON of a page of public profiles of one's school, best first, each with `match`
        (of `WAYS`) and `highlights`. Nothing for a text without a letter or digit.

        Raises BadCursor.
        """
        typed = understand(text)
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
        items = b",".join([_item(row, typed.words) for row in shown])
        if len(rows) <= page.limit:
            return b'{"items":[%b],"next":null}' % items
        last = shown[-1]
        cursor = self._cursors.seal(
            of, (str(last["way"]), str(last["score"]), last["name"], last["id"])
        )
        return b'{"items":[%b],"next":"%b"}' % (items, cursor.encode("ascii"))


def _item(row: asyncpg.Record, typed: Sequence[str]) -> bytes:
    """The profile, with two more fields at its end."""
    card: str = row["card"]
    way = WAYS[row["way"]]
    try:
        profile = msgspec.json.decode(card, type=highlights.Shown)
    except (msgspec.DecodeError, RecursionError):
        # An old client's JSON, nested or with numbers beyond what Python reads: it is shown as it
        # is, without highlights.
        profile = highlights.Shown()
    found = (
        highlights.in_profile(profile, typed)
        if way == "worded"
        else highlights.in_name(profile, typed, mistyped=way == "mistyped")
    )
    more = msgspec.json.encode({"match": way, "highlights": found})
    return card[:-1].encode("utf-8") + b"," + more[1:]
