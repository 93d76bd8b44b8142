"""How often search finds a person whose name was mistyped, and how long it takes.

A case is a visible student of one school and their name as somebody with an English keyboard types
it (no accents, half of the time no capitals), with one mistake at a random letter: two neighbours
swapped, a letter left out, doubled, or replaced by another. It is found when the student is in the
first 20 results. Run alone (`python -m benchmarks.typos DATABASE_URL`) it prints 1,000 cases on the
largest school of a campus that is there already.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import string
import sys
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

import asyncpg

from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people.search import Search
from outgrow.campus.viewer import Viewer
from outgrow.db.pool import Database

MISTAKES = ("none", "swapped", "dropped", "doubled", "replaced")
Form = Literal["full name", "last name", "first name and initial"]
FIRST_RESULTS = 20

Kind = Literal["one edit", "two edits", "a last name alone"]
KINDS: dict[Kind, tuple[Form, int]] = {
    "one edit": ("full name", 1),
    "two edits": ("full name", 2),
    "a last name alone": ("last name", 1),
}
"""Which form of a name is typed, and how many mistakes are in it."""

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
        """Found of all, for these mistakes; for all of them but "none" unless given."""
        wanted = mistakes or MISTAKES[1:]
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
        wanted = MISTAKES[1 + len(made) % 4]
        typed: str | None = _typed(name, form, rng)
        for _ in range(edits):
            typed = typed and mistype(typed, wanted, rng)
        if typed:
            made.append(Case(user_id, name, typed, wanted))
    return made


def as_written(people: Sequence[tuple[str, str]], count: int, seed: int, form: Form) -> list[Case]:
    """The same without a mistake: what search could find at most, people of one name considered."""
    rng = Random(seed)
    chosen = [rng.choice(people) for _ in range(count)]
    return [Case(user_id, name, _typed(name, form, rng), "none") for user_id, name in chosen]


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
    database: Database, school: str, count: int = 1000, seed: int = 1, kind: Kind = "one edit"
) -> Outcome:
    search = Search(database, Cursors(b"benchmark"))
    people = await people_of(database, school)
    form, edits = KINDS[kind]
    return await run(search, school, cases(people, count, seed, form, edits))


def _typed(name: str, form: Form, rng: Random) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(_KEYBOARD))
    text = "".join(c for c in plain if not unicodedata.combining(c))
    words = text.split()
    if form == "last name":
        text = words[-1]
    elif form == "first name and initial":
        text = f"{words[0]} {words[-1][0]}" if len(words) > 1 else text
    return text.lower() if rng.random() < 0.5 else text


async def _main(url: str, count: int, seed: int) -> None:
    database = await Database.open(url, pool_size=1, generic_plans=True)
    try:
        async with database.session() as session:
            school: Any = await session.connection.fetchval(
                "SELECT school FROM campus.users WHERE school IS NOT NULL"
                " GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
            )
        people = await people_of(database, school)
        print(f"{school}: {len(people):,} visible students, {count:,} cases of each form")
        search = Search(database, Cursors(b"benchmark"))
        forms: tuple[Form, ...] = ("full name", "last name", "first name and initial")
        for form in forms:
            outcome = await run(search, school, cases(people, count, seed, form))
            ceiling = await run(search, school, as_written(people, count, seed, form))
            by_mistake = ", ".join(f"{m} {outcome.rate(m):.1%}" for m in MISTAKES[1:])
            print(
                f"{form}: {outcome.rate():.1%} found ({by_mistake}); as written "
                f"{ceiling.rate('none'):.1%}; p50 {outcome.percentile(50):.1f} ms, "
                f"p99 {outcome.percentile(99):.1f} ms"
            )
            for case in outcome.missed[:8]:
                print(f"  missed: {case.name!r} typed {case.typed!r} ({case.mistake})")
    except asyncpg.PostgresError as e:
        sys.exit(f"error: {e}")
    finally:
        await database.close()


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit("usage: python -m benchmarks.typos DATABASE_URL [CASES] [SEED]")
    _url, _count, _seed = [*sys.argv[1:], *("1000", "1")[len(sys.argv) - 2 :]]
    asyncio.run(_main(_url, int(_count), int(_seed)))
