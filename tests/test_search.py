"""Search: who is found, in which order, by whom; with indexes and without."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from itertools import product
from random import Random
from typing import Any

import asyncpg
import pytest
from benchmarks.typos import cases, people_of, run, typos
from hypothesis import example, given
from hypothesis import strategies as st

from outgrow.blueprint import campus as campus_blueprint
from outgrow.campus import Viewer
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people import search
from outgrow.campus.people.search import SQL, Search, SearchedFields, parse_query
from outgrow.db.pool import Database
from outgrow.errors import BadCursor
from outgrow.layout.indexes import indexes
from outgrow.queries import Query
from outgrow.sampledata.documents import full_name
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import Spec
from outgrow.settings import DEFAULT_STORE
from plans import explain, read_whole, used

HERE = "Northfield University"
ELSEWHERE = "Southgate College"
ME = Viewer("me", HERE)


async def put(database: Database, documents: Iterable[dict[str, Any]]) -> None:
    """Write users as an old client does."""
    rows = [(f"user:{d['id']}", json.dumps(d)) for d in documents]
    async with database.session() as session:
        await session.run_many(
            Query("test", f"INSERT INTO {DEFAULT_STORE} (key, value) VALUES ($1, $2)"), rows
        )
        await session.run(Query("test", f"ANALYZE {DEFAULT_STORE}"))


async def index(database: Database) -> None:
    """The two indexes that search uses, as the phase `optimized` has them."""
    made = indexes(campus_blueprint(), "public", DEFAULT_STORE)
    ours = [definition for definition in made if "search" in definition.name]
    assert len(ours) == 2
    for definition in ours:
        await database.run(definition.create)
    await database.run(Query("test", f"ANALYZE {DEFAULT_STORE}"))


@pytest.fixture(params=["initial", "optimized"])
async def people(request: pytest.FixtureRequest, campus: Database) -> Database:
    """A school of a few people, in both phases."""
    if request.param == "optimized":
        await index(campus)
    await put(campus, documents())
    return campus


def documents() -> list[dict[str, Any]]:
    def person(user_id: str, name: str | None, **fields: Any) -> dict[str, Any]:
        return {"id": user_id, "name": name, "school": HERE, **fields}

    return [
        person("maria-smith", "Maria Smith", major="Computer Science", interests=["Chess"]),
        person("maria-smithers", "Maria Smithers", bio="I play chess, badly; don't ask."),
        person("marie", "Marie Smith-Jones", major="Physics"),
        person("smith-maria", "Ana Maria Smith"),
        person("jose", "José O'Brien", bio="Vive le café/bar."),
        person("lukasz", "Łukasz Øster", interests=["Go"]),
        person("lee", "Kim Lee", year="Junior"),
        person("wang", "王小明"),
        person("dmitri", "Дмитрий Жуков"),
        person("hidden", "Maria Smithson", settings={"profileVisible": False}),
        person("percent", "100% Real_Name", email="secret@example.test"),
        person("no-name", None, major="Chess Studies", blockedUsers=["zebra"]),
        person("elsewhere", "Maria Smith", interests=["Chess"]) | {"school": ELSEWHERE},
        {"id": "no-school", "name": "Maria Smith"},
    ]


def searching(database: Database) -> Search:
    return Search(database, Cursors(b"a key of tests"))


async def matches_of(
    database: Database,
    text: str,
    *,
    school: str = HERE,
    viewer: str = "me",
    page: Page | None = None,
) -> list[dict[str, Any]]:
    body = await searching(database).page(text, page or Page(100), viewer=Viewer(viewer, school))
    items: list[dict[str, Any]] = json.loads(body)["items"]
    return items


async def ids(database: Database, text: str, **options: Any) -> list[str]:
    return [item["id"] for item in await matches_of(database, text, **options)]


# Who is found, and in which order ---------------------------------------------------------------


async def test_the_surest_way_to_match_comes_first(people: Database) -> None:
    items = await matches_of(people, "maria smith")
    assert [(item["match"], item["id"]) for item in items] == [
        ("begins", "maria-smith"),
        ("begins", "maria-smithers"),
        ("named", "smith-maria"),
        ("mistyped", "marie"),
    ]
    assert items[0]["name"] == "Maria Smith"
    assert "email" not in items[0]


async def test_words_find(people: Database) -> None:
    for typed, expected in {
        "m": ["maria-smith", "maria-smithers", "marie", "smith-maria"],
        "SMITHERS MAR": ["maria-smithers"],
        "smith m": ["maria-smith", "maria-smithers", "marie", "smith-maria"],
        "jones marie": ["marie"],
        "jose obrien": ["jose"],
        "josé o’brien": ["jose"],
        "o'br": ["jose"],
        "lukasz oster": ["lukasz"],
        "ŁUKASZ ØSTER": ["lukasz"],
        "王小": ["wang"],
        "ДМИТРИЙ жук": ["dmitri"],
        "chess computer sci": ["maria-smith"],
        "cafe bar": ["jose"],
        "dont ask": ["maria-smithers"],
        "go": ["lukasz"],
        "junior lee": ["lee"],
        "real name 100": ["percent"],
        "chess studies": ["no-name"],
        "nobody here": [],
    }.items():
        assert sorted(await ids(people, typed)) == sorted(expected), typed


async def test_one_mistake_is_forgiven(people: Database) -> None:
    swapped, dropped = ("mraia smithers", "smithres"), ("maria smiters", "mithers")
    doubled, replaced = ("maria smmithers", "smitherss"), ("maria smithars", "xmithers")
    for typed in (*swapped, *dropped, *doubled, *replaced):
        items = await matches_of(people, typed)
        matches = [(item["id"], item["match"]) for item in items]
        assert matches == [("maria-smithers", "mistyped")], typed


async def test_a_mistake_in_each_word_is_forgiven(people: Database) -> None:
    assert (await ids(people, "jsoe obrein"))[0] == "jose"
    assert (await ids(people, "kin lew"))[0] == "lee"


async def test_words_found_as_they_were_typed_come_before_mistakes(people: Database) -> None:
    await put(people, [{"id": "hess", "name": "Otto Hess", "school": HERE}])
    matches = [(item["id"], item["match"]) for item in await matches_of(people, "chess")]
    assert matches[-1] == ("hess", "mistyped")
    assert {match for _, match in matches[:-1]} == {"worded"}


def test_highlights_are_in_what_is_searched() -> None:
    assert search.highlight_profile(SearchedFields(bio="word " * 200 + "chess"), ["chess"]) == []


async def test_who_says_little_is_highlighted_too(people: Database) -> None:
    await put(people, [{"id": "short", "name": "Otto Hess", "school": HERE}])
    (item,) = await matches_of(people, "otto")
    assert (item["interests"], item["looking_for"], item["bio"]) == (None, None, None)
    assert item["highlights"] == [{"field": "name", "pieces": ["", "Otto", " Hess"]}]


@pytest.mark.parametrize("value", ["[" * 3000 + "]" * 3000, "[1e5000]"], ids=["deep", "large"])
async def test_nothing_stored_breaks_an_answer(people: Database, value: str) -> None:
    await people.run(
        Query("test", f"INSERT INTO {DEFAULT_STORE} VALUES ('user:odd', $1::text::jsonb)"),
        f'{{"name": "Maria Odd", "school": "{HERE}", "interests": {value}, "goals": {{"a": 1}}}}',
    )
    body = await searching(people).page("maria", Page(100), viewer=ME)
    assert b'"name":"Maria Odd"' in body
    assert b'"match":"begins","highlights":[{"field":"name","pieces":["","Maria"," Odd"]}]' in body


async def test_no_word_finds_nobody(people: Database) -> None:
    for typed in ("", " ", "%", "_", "%_\\", "'", "!!! &|():*", "\U0001f600", "\x00"):
        assert await matches_of(people, typed) == [], typed


@given(typed=st.text(max_size=300))
@example(typed="a" * 10_000)
@example(typed="' | !a:* & <-> ( \\' þ ø ð")
@example(typed="x y z " * 50)
@example(typed="\ud800 a\ud800b")
@example(typed="ﷺ क्षितिज 김철수 e\u0301\u0301")
async def test_whatever_is_typed_is_answered(typed: str, text_campus: Database) -> None:
    body = await searching(text_campus).page(typed, Page(), viewer=ME)
    assert json.loads(body)["next"] is None


@pytest.fixture
async def text_campus(campus: Database) -> Database:
    await index(campus)
    await put(campus, documents())
    return campus


# Whom one may find ------------------------------------------------------------------------------


async def test_nobody_of_another_school_is_found(people: Database) -> None:
    assert await ids(people, "maria smith", school=ELSEWHERE) == ["elsewhere"]
    assert "no-school" not in await ids(people, "maria smith")
    assert await matches_of(people, "maria smith", school="") == []


async def test_who_is_hidden_is_found_by_themselves_only(people: Database) -> None:
    assert await ids(people, "maria smithson") == []
    assert await ids(people, "maria smithson", viewer="hidden") == ["hidden"]


async def test_what_a_profile_does_not_show_finds_nobody(people: Database) -> None:
    assert await ids(people, "secret") == []
    assert await ids(people, "zebra") == []


# Pages ------------------------------------------------------------------------------------------


@pytest.fixture
async def crowd(people: Database) -> Database:
    """Enough people for several pages of every way to match."""
    await put(
        people,
        [
            {"id": f"{kind}{n}", "name": name.format(chr(97 + n)), "school": HERE, **fields}
            for (kind, name, fields), n in product(
                [
                    ("b", "Ines Marlow {0}", {}),
                    ("n", "{0} Marlow Ines", {}),
                    ("w", "Zoe {0}", {"major": "Ines Marlow"}),
                    ("t", "Ines Morlow {0}", {}),
                ],
                range(5),
            )
        ],
    )
    return people


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 19, 20, 21])
async def test_pages_by_cursor_and_by_offset_make_the_whole(crowd: Database, limit: int) -> None:
    whole = await ids(crowd, "ines marlow")
    assert [i[0] for i in whole] == ["b"] * 5 + ["n"] * 5 + ["w"] * 5 + ["t"] * 5
    by_cursor: list[str] = []
    cursor = None
    while True:
        page = Page(limit, cursor=cursor)
        body = await searching(crowd).page("ines marlow", page, viewer=ME)
        answer = json.loads(body)
        by_cursor += [item["id"] for item in answer["items"]]
        if (cursor := answer["next"]) is None:
            break
    assert by_cursor == whole
    by_offset: list[str] = []
    for offset in range(0, 20, limit):
        by_offset += await ids(crowd, "ines marlow", page=Page(limit, offset))
    assert by_offset == whole


async def test_a_cursor_is_good_for_its_own_words_only(crowd: Database) -> None:
    search = searching(crowd)
    body = await search.page("ines", Page(1), viewer=ME)
    cursor = json.loads(body)["next"]
    await search.page("INES ", Page(1, cursor=cursor), viewer=ME)
    with pytest.raises(BadCursor):
        await search.page("marlow", Page(1, cursor=cursor), viewer=ME)
    with pytest.raises(BadCursor):
        await search.page("ines", Page(1, cursor=cursor), viewer=Viewer("me", ELSEWHERE))


# The expressions --------------------------------------------------------------------------------


async def test_python_and_sql_fold_every_character_alike(campus: Database) -> None:
    """Characters older than Unicode 3.2: what came later may be decomposed by one side only."""
    known = [
        i
        for i in range(1, 0x20000)
        if unicodedata.ucd_3_2_0.category(chr(i)) not in ("Cn", "Cs", "Co")
    ]
    rows = await campus.rows(
        Query("test", "SELECT i, outgrow.fold(chr(i)) AS folded FROM unnest($1::integer[]) AS i"),
        known,
    )
    differing = {hex(row["i"]) for row in rows if row["folded"] != search.fold(chr(row["i"]))}
    assert differing == set()
    marks = [hex(row["i"]) for row in rows if set(row["folded"]) & set("þøð")]
    assert marks == []


@pytest.mark.parametrize(
    "name", ["Zoë  Ó'Hara-Müller (she/her)", "Jean_Luc  St. John", "Đỗ Thị Hạnh"]
)
async def test_a_name_is_the_words_that_are_typed(campus: Database, name: str) -> None:
    folded = await campus.value(Query("test", "SELECT outgrow.search_name($1)"), name)
    typed = parse_query(name)
    assert typed is not None
    assert folded == typed.text


HOSTILE = [
    "a" * 100_000,
    "ﷺ" * 10_000,
    "a\u0301\u0302\u0323" * 5_000,
    "é" * 10_000,
    "\U0001f600" * 3_000,
    "http://a.b/c?d=e&f " * 2_000,
    "<a <a" * 3_000,
    "1e9" * 3_000,
    "'" * 3_000,
    "\\" * 3_000,
    "\x01\x02",
    "þ ø ð Þ Ø Ð",
    "",
]


async def test_no_value_makes_an_old_clients_write_fail(text_campus: Database) -> None:
    fields = ("name", "school", "major", "year", "bio", "interests", "lookingFor")
    wrong: list[Any] = [*HOSTILE, None, 7, ["x"], {"a": {}}, True]
    made: list[dict[str, Any]] = []
    for n, value in enumerate(wrong):
        made.append({"id": f"{n}-all"} | dict.fromkeys(fields, value))
        made += [{"id": f"{n}-{f}", "school": HERE, f: value} for f in fields if f != "school"]
        made.append({"id": f"{n}-list", "school": HERE} | {key: [value] for key in fields[2:]})
    await put(text_campus, made)
    assert await ids(text_campus, "maria smith")
    assert "1-name" in await ids(text_campus, search.fold("ﷺ").split()[0])


# Speed ------------------------------------------------------------------------------------------


async def test_the_indexes_are_used_by_a_plan_made_once(campus: Database) -> None:
    rng = Random(5)
    await put(
        campus,
        [{"id": f"u{i}", "name": full_name(rng), "school": f"S{i % 3}"} for i in range(2000)],
    )
    await index(campus)
    typed = parse_query("maria smith")
    assert typed is not None
    asked = (typed.named, typed.worded, typed.mistyped, typed.begun, *typed.meant)
    values = (HERE, "me", typed.text, typed.text, *asked, 20, 0, 0, 0, "", "")
    nodes = await explain(campus, SQL["page"], values)
    indexes = "\n".join(used(nodes))
    assert indexes.count("og_users_school_search_name") == 1
    assert indexes.count("og_users_search_text_words") == 3
    assert read_whole(nodes) == set()


# Mistyped names ---------------------------------------------------------------------------------


async def test_mistyped_full_names_find_their_person(campus: Database) -> None:
    rng = Random(3)
    await put(
        campus, [{"id": f"u{i}", "name": full_name(rng), "school": HERE} for i in range(3000)]
    )
    await index(campus)
    outcome = await typos(campus, HERE, 200)
    assert outcome.rate() >= 0.97, outcome.missed[:5]


@pytest.mark.soak
async def test_mistyped_full_names_in_a_school_of_50_000(database: Database) -> None:
    from outgrow.schema.install import install

    await generate(database, Spec(60_000, largest=50_000))
    await install(database)
    await index(database)
    (school, size), *_ = Spec(60_000, largest=50_000).schools()
    assert size == 50_000
    outcome = await run(
        searching(database), school, cases(await people_of(database, school), 1000, 1)
    )
    assert outcome.rate() >= 0.95, outcome.missed[:5]
    for mistake, rate in ((m, outcome.rate(m)) for m in outcome.cases):
        assert rate >= 0.95, mistake


# Words and highlights, without a database -------------------------------------------------------


@given(st.text("abc", min_size=2, max_size=6), st.text("abc", max_size=6))
def test_one_mistake_is_one_edit(typed: str, word: str) -> None:
    edits = {typed}
    for i in range(len(typed) + 1):
        edits |= {typed[:i] + c + typed[i:] for c in "abc"}
        if i < len(typed):
            edits |= {typed[:i] + typed[i + 1 :]}
            edits |= {typed[:i] + c + typed[i + 1 :] for c in "abc"}
            edits |= {typed[:i] + typed[i + 1 : i + 2] + typed[i] + typed[i + 2 :]}
    assert search.is_one_mistake_away(typed, word) == (word in edits)


@pytest.mark.parametrize(
    ("profile", "typed", "mistyped", "expected"),
    [
        (SearchedFields("Ada Okafor"), ["ada", "okaf"], False, [["", "Ada", " ", "Okaf", "or"]]),
        (SearchedFields("José O'Brien"), ["obr"], False, [["José ", "O'Br", "ien"]]),
        (
            SearchedFields("Zoe\u0308 Weiß"),
            ["zoe", "weiss"],
            False,
            [["", "Zoe\u0308", " ", "Weiß", ""]],
        ),
        (SearchedFields("Jonathan Smith"), ["jonathen"], True, [["", "Jonathan", " Smith"]]),
        (SearchedFields(None), ["ada"], False, []),
    ],
)
def test_names_in_pieces(
    profile: SearchedFields, typed: list[str], mistyped: bool, expected: list[list[str]]
) -> None:
    assert [h.pieces for h in search.highlight_name(profile, typed, mistyped=mistyped)] == expected


def test_fields_in_pieces() -> None:
    profile = SearchedFields(
        "Chessa", "History", interests=[3, "Go", "Speed Chess"], bio="word " * 60 + "chess " * 60
    )
    marked = {h.field: h.pieces for h in search.highlight_profile(profile, ["chess", "his"])}
    assert marked["name"] == ["", "Chess", "a"]
    assert marked["major"] == ["", "His", "tory"]
    assert marked["interests"] == ["Speed ", "Chess", ""]
    bio = marked["bio"]
    assert bio[0].startswith("…word")
    assert set(bio[1::2]) == {"chess"}
    assert bio[-1].endswith("…")
    assert len("".join(bio)) <= search.EXCERPT_LENGTH + 2


@given(st.text(max_size=400), st.lists(st.text("abé ", min_size=1, max_size=3), max_size=3))
def test_pieces_are_the_text(text: str, typed: list[str]) -> None:
    for highlight in search.highlight_profile(
        SearchedFields(major=text, bio=text), search.split_words(" ".join(typed))
    ):
        joined = "".join(highlight.pieces)
        assert joined.strip("…") in text
        assert len(highlight.pieces) % 2 == 1
        assert all(highlight.pieces[1::2])


async def test_asyncpg_is_told_nothing_it_cannot_send(text_campus: Database) -> None:
    """A lone surrogate is no text to PostgreSQL; it is no letter either."""
    with pytest.raises((UnicodeEncodeError, asyncpg.DataError)):
        await text_campus.value(Query("test", "SELECT $1::text"), "\ud800")
    assert await matches_of(text_campus, "\ud800") == []
