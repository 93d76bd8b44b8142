"""How often search finds a person whose name was mistyped, and how long it takes.

A case is a visible student of one school and their name as somebody with an English keyboard types
it (no accents, half of the time no capitals), with one mistake at a random letter: two neighbours
swapped, a letter left out, doubled, or replaced by another. It is found when the student is in the
first 20 results.
"""

from __future__ import annotations

import json
import statistics
import string
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from outgrow.campus import Viewer
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people.search import Search
from outgrow.db.pool import Database

MISTAKES = ("swapped", "dropped", "doubled", "replaced")
Form = Literal["full name", "last name"]
FIRST_RESULTS = 20

_KEYBOARD = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "ß": "ss", "æ": "ae"}
)


@dataclass(frozen=True)
class Case:
    user_id: str
    name: str
    typed: str
    mistake: str


@dataclass
class Outcome:
    """Found cases and all cases by mistake; milliseconds of each search."""

    found: dict[str, int] = field(default_factory=dict)
    cases: dict[str, int] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)
    missed: list[Case] = field(default_factory=list)

    def rate(self, *mistakes: str) -> float:
        """Found of all, for these mistakes; for all of them unless given."""
        wanted = mistakes or MISTAKES
        return sum(self.found.get(m, 0) for m in wanted) / sum(self.cases.get(m, 0) for m in wanted)

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.milliseconds, n=100, method="inclusive")[percent - 1]


def cases(
    people: Sequence[tuple[str, str]],
    count: int,
    seed: int,
    form: Form = "full name",
    edits: int = 1,
) -> list[Case]:
    """`count` mistyped cases, the four mistakes in turn, of (id, name) pairs. With two `edits` each
    mistake is made twice, anywhere in the name."""
    rng = Random(seed)
    made: list[Case] = []
    while len(made) < count:
        user_id, name = rng.choice(people)
        wanted = MISTAKES[len(made) % 4]
        typed: str | None = _typed(name, form, rng)
        for _ in range(edits):
            typed = typed and mistype(typed, wanted, rng)
        if typed:
            made.append(Case(user_id, name, typed, wanted))
    return made


def mistype(text: str, mistake: str, rng: Random) -> str | None:
    """One mistake at a random letter, or None where the text has no place for it."""
    letters = [place for place, c in enumerate(text) if c.isalpha()]
    if mistake == "swapped":
        letters = [
            place
            for place in letters
            if text[place + 1 : place + 2].isalpha()
            and text[place].lower() != text[place + 1].lower()
        ]
    if not letters:
        return None
    place = rng.choice(letters)
    before, letter, after = text[:place], text[place], text[place + 1 :]
    if mistake == "swapped":
        return before + after[0] + letter + after[1:]
    if mistake == "dropped":
        return before + after
    if mistake == "doubled":
        return before + letter + letter + after
    other = rng.choice([c for c in string.ascii_lowercase if c != letter.lower()])
    return before + other + after


async def people_of(database: Database, school: str) -> list[tuple[str, str]]:
    """The visible students of a school who have a name: ids and names."""
    async with database.session() as session:
        rows = await session.connection.fetch(
            "SELECT id, name FROM campus.users WHERE school = $1 AND visible AND name ~ '[A-Za-z]'"
            ' ORDER BY id COLLATE "C"',
            school,
        )
    return [(row["id"], row["name"]) for row in rows]


async def run(search: Search, school: str, made: Sequence[Case]) -> Outcome:
    """One search after the other, as somebody else of the school."""
    outcome, viewer = Outcome(), Viewer("somebody-else", school)
    for case in made:
        start = time.perf_counter()
        body = await search.page(case.typed, Page(FIRST_RESULTS), viewer=viewer)
        outcome.milliseconds.append((time.perf_counter() - start) * 1000)
        found = any(item["id"] == case.user_id for item in json.loads(body)["items"])
        outcome.cases[case.mistake] = outcome.cases.get(case.mistake, 0) + 1
        outcome.found[case.mistake] = outcome.found.get(case.mistake, 0) + found
        if not found:
            outcome.missed.append(case)
    return outcome


async def typos(
    database: Database,
    school: str,
    count: int,
    *,
    form: Form = "full name",
    edits: int = 1,
    seed: int = 1,
) -> Outcome:
    """Search for so many names with so many mistakes in each."""
    search = Search(database, Cursors(b"benchmark"))
    people = await people_of(database, school)
    return await run(search, school, cases(people, count, seed, form, edits))


def _typed(name: str, form: Form, rng: Random) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(_KEYBOARD))
    text = "".join(c for c in plain if not unicodedata.combining(c))
    words = text.split()
    if form == "last name":
        text = words[-1]
    return text.lower() if rng.random() < 0.5 else text
