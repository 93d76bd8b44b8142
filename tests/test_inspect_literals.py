"""Which words of keys are values of a variable: ids of several spellings, and what no id is."""

from __future__ import annotations

from typing import Any

import pytest

from keyspaces.memory import inspect_rows

UUIDS = [f"{n:08d}-58cc-4372-a567-0e02b2c3d479" for n in range(40)]
Rows = dict[str, Any]


def patterns(rows: Rows) -> dict[str, int]:
    return {
        pattern["pattern"]: pattern["count"] for pattern in inspect_rows(rows.items())["patterns"]
    }


def people(ids: list[str]) -> Rows:
    return {f"user:{each}": {"id": each, "name": "Ada", "at": "2025-01-01"} for each in ids}


@pytest.mark.parametrize(
    "seeds",
    [
        [f"student_demo_{n}" for n in range(12)],
        ["student_demo_1", "teacher_demo_1", "admin"],
        [f"{n}" for n in range(1, 9)],
        [f"vol-{n}" for n in range(60)],
        ["demo", "demo-2"],
        [f"USR17400000{n:05d}" for n in range(30)],
        [f"USR1740000{n:06d}_k3j9x{n:03d}" for n in range(20)],
    ],
)
def test_one_root_and_one_shape_is_one_pattern(seeds: list[str]) -> None:
    """In what is below them and in lists of pairs, too."""
    ids = UUIDS + seeds
    rows = people(ids)
    rows |= {f"user:{each}:friends": [ids[n - 1]] for n, each in enumerate(ids)}
    for n, each in enumerate(ids):
        for course in (f"ma{100 + n % 7}", f"cs{200 + n % 5}"):
            row = {"who": each, "course": f"course_{course}", "at": "2025-01-01"}
            rows[f"enrolled:{each}:course_{course}"] = row
            rows[f"by_course:course_{course}:{each}"] = f"course_{course}"
    assert patterns(rows) == {
        "user:{id}": len(ids),
        "user:{id}:friends": len(ids),
        "enrolled:{id}:{id2}": 2 * len(ids),
        "by_course:{id}:{id2}": 2 * len(ids),
    }


def test_seeds_with_other_fields_are_of_the_family() -> None:
    rows = people(UUIDS)
    rows |= {f"user:seed_{n}": {"nick": "x", "points": n, "tags": []} for n in range(9)}
    rows["user:v2"] = {"migrated": True, "from": 1, "to": 2}
    assert patterns(rows) == {"user:{id}": 49, "user:v2": 1}


def test_what_is_of_another_shape_stays_apart() -> None:
    rows = people(UUIDS)
    rows |= {f"user:email:a{n}@b.example": each for n, each in enumerate(UUIDS)}
    rows |= {f"user:page{n}": ["a", "b"] for n in range(9)}
    rows["user:all"] = {"id": "all", "name": "Everybody", "at": "2025-01-01"}
    assert patterns(rows) == {
        "user:{id}": 40,
        "user:email:{email}": 40,
        "user:page{id}": 9,
        "user:all": 1,
    }


def test_a_pointer_from_a_word_is_one_of_those_from_ids() -> None:
    rows: Rows = {f"user:id:{each}": f"a{n}@b.example" for n, each in enumerate(UUIDS)}
    rows |= {"user:id:sys-admin": "admin@b.example", "user:id:user-demo": "demo@b.example"}
    rows["user:id:version"] = "3"
    assert patterns(rows) == {"user:id:{id}": 42, "user:id:version": 1}


@pytest.mark.parametrize(
    "terms",
    [
        ["2024-fall", "2025-fall", "2025-spring"],
        ["2024-fall", "2025-spring"],
        ["2024-fall", "2025-spring", "2025-summer"],
    ],
)
def test_a_word_with_a_number_is_one_of_several(terms: list[str]) -> None:
    """However few there are of it. What is not like the rest stays apart."""
    rows: Rows = {
        f"enrolled:{each}:{terms[n % len(terms)]}": [{"course": f"ma{n}", "at": "2025-01-01"}]
        for n, each in enumerate(UUIDS)
    }
    rows |= {f"enrolled:{each}:2fa": True for each in UUIDS}
    rows |= {f"enrolled:{each}:notes": "text" for each in UUIDS}
    assert patterns(rows) == {
        "enrolled:{id}:{id2}": 40,
        "enrolled:{id}:2fa": 40,
        "enrolled:{id}:notes": 40,
    }


WORDS = ["Email", "Name", "Phone", "City", "Zip", "Street", "Country", "Role", "Team", "Badge"]


@pytest.mark.parametrize("count", [2, 30])
@pytest.mark.parametrize("before", ["by", "by_", "for-", "email"])
@pytest.mark.parametrize("depth", [0, 1])
def test_fixed_words_in_one_place_are_literals_however_many(
    count: int, before: str, depth: int
) -> None:
    literals = [f"{word}{'x' * (n // 10)}" for n, word in enumerate(WORDS * 3)][:count]
    if before == "email":  # as the documents call their fields
        literals = [word.lower() for word in literals]
        if count == 2:
            return
    else:
        literals = [before + word for word in literals]
    rows = people(UUIDS)
    for each in UUIDS:
        rows[f"user:{each}"] |= {word.lower(): f"{word[:5]}{each[:8]}" for word in literals}
        for word in literals:
            below = f":{word}{each[:8]}" if depth else ""
            rows[f"idx:{word}{below}"] = each if depth else dict.fromkeys(UUIDS, 1)
    expected = {f"idx:{word}" for word in literals}
    names = {":".join(name.split(":")[:2]) for name in patterns(rows) if name.startswith("idx")}
    assert names == expected


def test_a_value_of_the_usual_form_of_an_id_is_no_sentinel() -> None:
    """However often it stands there, and however few rows are spelled so."""
    rows = people([*UUIDS, "vol-1", "vol-2", "vol-3"])
    for n in range(60):
        by = "vol-9" if n % 4 == 0 else "system" if n % 4 == 1 else UUIDS[n % 40]
        rows[f"note:{n:08d}-0000-4372-a567-0e02b2c3d479"] = {"by": by, "text": "x"}
    misfits = inspect_rows(rows.items())["integrity"]["misfits"]
    kinds = {(rows[misfit["key"]]["by"], misfit["kind"]) for misfit in misfits}
    assert kinds == {("vol-9", "dangling"), ("system", "sentinel")}


def test_kinds_named_in_front_of_their_ids_are_one_family() -> None:
    rows: Rows = {}
    for n in range(20):
        first, second = (f"{word}_1740000{n:06d}_k3j9x{n:04d}" for word in ("twint", "qrbill"))
        rows[f"payment:{first}"] = {"id": first, "phone": "+41", "code": "x"}
        rows[f"payment:{second}"] = {"id": second, "iban": "CH", "line": "y", "due": "2025-01-01"}
        rows |= {f"paid:{UUIDS[n]}": first, f"paid:{UUIDS[20 + n]}": second}
    document = inspect_rows(rows.items())
    assert {pattern["pattern"] for pattern in document["patterns"]} == {"payment:{id}", "paid:{id}"}
    assert document["integrity"]["misfits"] == []


def test_ids_told_by_their_form_are_named_whole() -> None:
    """`message:msg_{id}` beside `message:{id}`: others name `msg_...`."""
    rows: Rows = {}
    for n in range(20):
        first, second = f"msg_1740000{n:06d}_k3j9x{n:04d}", f"1740000{n:06d}-k3j9x{n:04d}"
        rows[f"message:{first}"] = {"text": "x", "by": "y", "seen": True}
        rows[f"message:{second}"] = {"code": n, "mail": "a@b.example", "tries": 1}
        rows[f"last:{UUIDS[n]}"] = first
        rows[f"reset:{UUIDS[n]}"] = second
    document = inspect_rows(rows.items())
    assert len(document["patterns"]) == 4
    references = {pattern["pattern"]: pattern["references"] for pattern in document["patterns"]}
    assert [len(references[f"{name}:{{id}}"]) for name in ("last", "reset")] == [1, 1]
    assert document["integrity"]["misfits"] == []
