"""The card: what of a profile leaves the store, as the JSON text that answers are made of."""

import json
from typing import Any

import pytest

from outgrow.db.pool import Database
from test_relations import STORE, put, rows, run

CARD = ["id", "name", "school", "major", "year", "age", "pronouns", "bio", "interests"]
CARD += ["looking_for", "personality", "goals", "living_habits", "photos", "profile_picture"]
CARD += ["additional_info", "created_at"]


async def test_the_card_holds_only_what_it_names(campus: Database) -> None:
    secret = {"email": "a@x.edu", "socialConnections": {"t": "TOKEN"}, "settings": {"x": 1}}
    shown = {"id": "z", "name": 'A "q" \\', "bio": "line\n", "age": 20, "interests": ["chess"]}
    wrong = {"school": ["MIT"], "pronouns": 7, "goals": [], "photos": None, "createdAt": "x"}
    await put(campus, user__a={**secret, **shown, **wrong})
    ((card,),) = await rows(campus, "SELECT card FROM campus.users")
    assert list(json.loads(card)) == CARD
    assert json.loads(card) == {**dict.fromkeys(CARD), **shown, "id": "a"}


async def test_a_card_holds_nothing_large(campus: Database) -> None:
    """What old clients store has no limit; a page holds a hundred of it. The largest that is shown
    is there too, so that the limit is where it is said to be."""
    text = "x" * 32_756  # jsonb adds 12 bytes, and 5 more to an object with one field of one letter
    fits = {"name": "Fits", "bio": text, "interests": [text], "goals": {"a": text[5:]}}
    over: dict[str, Any] = {"name": "Over", "bio": text + "x", "interests": [text + "x"], "age": 20}
    over |= {"goals": {"a": text[4:]}, "lookingFor": ["chess"] * 4000, "photos": [[text]]}
    await put(campus, user__a=fits, user__b=over)
    cards = [json.loads(c) for (c,) in await rows(campus, "SELECT card FROM campus.users")]
    shown = {card["id"]: card for card in cards}
    assert shown["a"] == {**dict.fromkeys(CARD), **fits, "id": "a"}
    assert shown["b"] == {**dict.fromkeys(CARD), "id": "b", "name": "Over", "age": 20}


@pytest.mark.parametrize(
    ("age", "shown"),
    [("1e5000", "null"), ("1e60", "null"), ("-1e-70", "null"), ("1e59", "1" + "0" * 59)],
)
async def test_a_card_holds_no_number_that_others_cannot_read(
    campus: Database, age: str, shown: str
) -> None:
    """Python reads no number of more than 4,300 digits."""
    await run(campus, f"""INSERT INTO {STORE} VALUES ('user:a', '{{"age": {age}}}')""")
    ((card,),) = await rows(campus, "SELECT card FROM campus.users")
    assert f'"age":{shown},"pronouns"' in card


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600", "\n", '"'])
@pytest.mark.parametrize("limit", [40, 200])
async def test_a_card_shows_texts_as_their_columns_do(
    campus: Database, letter: str, limit: int
) -> None:
    """Around both limits, and around the sizes below which no character is counted."""
    lengths = [1, *range(limit - 13, limit + 2)]
    people = {f"user__{n}": dict.fromkeys(("name", "school", "year"), letter * n) for n in lengths}
    await put(campus, **people)
    for card, *columns in await rows(campus, "SELECT card, name, school, year FROM campus.users"):
        shown = json.loads(card)
        assert [shown["name"], shown["school"], shown["year"]] == columns


@pytest.mark.parametrize(
    ("time", "is_shown"),
    [
        ("2025-06-01T10:20:30.123Z", True),
        ("2025-06-01T10:20:30.123456Z", True),
        ("2025-06-31T10:20:30.123Z", True),
        ("2025-06-01T10:20:30Z", False),
        ("2025-06-01T10:20:30.123+02:00", False),
        ("2025-06-01 10:20:30.123Z", False),
        ("x2025-06-01T10:20:30.123Z", False),
        (["2025-06-01T10:20:30.123Z"], False),
        (20250601, False),
    ],
)
async def test_a_card_shows_what_has_the_form_of_a_time(
    campus: Database, time: Any, is_shown: bool
) -> None:
    await put(campus, user__a={"createdAt": time})
    ((card,),) = await rows(campus, "SELECT card FROM campus.users")
    assert json.loads(card)["created_at"] == (time if is_shown else None)


@pytest.mark.parametrize(
    ("settings", "is_visible"),
    [
        (None, True),
        ({}, True),
        ({"profileVisible": True}, True),
        ({"profileVisible": False}, False),
        ({"profileVisible": None}, True),
        ({"profileVisible": "false"}, True),
        ({"profileVisible": 0}, True),
        (["profileVisible"], True),
    ],
)
async def test_only_a_false_flag_hides(campus: Database, settings: Any, is_visible: bool) -> None:
    await put(campus, user__a={"settings": settings})
    assert await rows(campus, "SELECT visible FROM campus.users") == [(is_visible,)]
