"""What refers to what, in small stores in which it is easily mistaken."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from keyspaces.memory import inspect_rows

Rows = dict[str, Any]


def uuid(kind: int, n: int) -> str:
    return str(UUID(int=(kind << 96) + (n * 0x9E3779B97F4A7C15F39CC060 % 2**96), version=4))


def references(rows: Rows) -> set[tuple[str, str, str]]:
    """(pattern, path, pattern)."""
    return {
        (pattern["pattern"], each["from"], each["to"])
        for pattern in inspect_rows(rows.items())["patterns"]
        for each in pattern["references"]
    }


def damage(rows: Rows) -> set[tuple[str, str]]:
    """(key, kind), without sentinels."""
    misfits = inspect_rows(rows.items())["integrity"]["misfits"]
    return {(misfit["key"], misfit["kind"]) for misfit in misfits if misfit["kind"] != "sentinel"}


# -- what is derived, or a part of something, can be referred to


def boxes(*, is_plain: bool) -> Rows:
    """Boxes list their media; media and labels name their box."""
    rows: Rows = {}
    for n in range(30):
        box, media = uuid(1, n), [uuid(2, 3 * n + i) for i in range(3)]
        more = {} if is_plain else {"title": f"box {n} of the attic", "sealed": n % 2 == 0}
        rows[f"box:{box}"] = {"id": box, "files": media} | more
        for each in media:
            rows[f"media:{each}"] = {"id": each, "box_id": box, "size": n}
        rows[f"label:{uuid(3, n)}"] = {"box": box, "colour": "red"}
    return rows


@pytest.mark.parametrize("is_plain", [False, True])
def test_a_document_that_lists_its_parts_is_referred_to(is_plain: bool) -> None:
    references_found = references(boxes(is_plain=is_plain))
    assert {
        ("box:{id}", "files[]", "media:{id}"),
        ("media:{id}", "box_id", "box:{id}"),
        ("label:{id}", "box", "box:{id}"),
    } <= references_found


def test_a_document_with_fields_of_its_own_is_not_derived_from_what_it_lists() -> None:
    document = inspect_rows(boxes(is_plain=False).items())
    derived = {pattern["pattern"]: pattern["derived_from"] for pattern in document["patterns"]}
    assert derived["box:{id}"] is None


def points(*, are_customers: bool) -> Rows:
    """Points by the e-mail of customers, who are in the store or not; each has a history."""
    rows: Rows = {}
    for n in range(40):
        email = f"ann{n}@post.example"
        if are_customers:
            rows[f"customer:{email}"] = {"email": email, "name": f"Ann {n}"}
        rows[f"points:{email}"] = {"user_email": email, "total": n}
        for i in range(2):
            id_ = uuid(1, 2 * n + i)
            rows[f"points_history:{id_}"] = {"id": id_, "user_email": email, "points": n}
    return rows


def test_a_part_is_referred_to_where_whose_part_it_is_is_not_there() -> None:
    history = ("points_history:{id}", "user_email")
    assert (*history, "points:{email}") in references(points(are_customers=False))
    references_found = references(points(are_customers=True))
    assert (*history, "customer:{email}") in references_found
    assert (*history, "points:{email}") not in references_found


def affiliates() -> Rows:
    rows: Rows = {}
    for n in range(40):
        id_, code, owner = f"aff_{1740000000000 + n}_k3j9x2a1b", f"KZ{n:02d}QX{n:02d}", uuid(1, n)
        rows[f"user:{owner}"] = {"id": owner}
        rows[f"affiliate:{id_}"] = {"id": id_, "affiliate_code": code, "user_id": owner}
        rows[f"affiliate:code:{code}"] = id_
        for i in range(3):
            rows[f"sale:{uuid(2, 3 * n + i)}"] = {"affiliate_code": code, "total": i}
    return rows


def test_an_entry_of_a_unique_index_is_referred_to() -> None:
    references_found = references(affiliates())
    assert ("sale:{id}", "affiliate_code", "affiliate:code:{id}") in references_found
    assert ("affiliate:{id}", "affiliate_code", "affiliate:code:{id}") not in references_found


def test_a_row_without_an_index_entry_is_reported_once() -> None:
    rows = affiliates()
    rows["sale:" + uuid(3, 1)] = {"affiliate_code": "KZ77QX77", "total": 1}
    del rows["affiliate:code:KZ03QX03"]
    assert damage(rows) == {
        ("affiliate:aff_1740000000003_k3j9x2a1b", "missing"),
        ("sale:" + uuid(3, 1), "dangling"),
    }


# -- of several families with the same ids one is meant


def residents() -> Rows:
    """Every resident and every guard is a user, with the same id; one resident has left."""
    rows: Rows = {}
    for n in range(200):
        id_ = uuid(1, n)
        rows[f"user:{id_}"] = {"id": id_, "email": f"u{n}@post.example"}
        kind = "guard" if n < 12 else "resident"
        rows[f"{kind}:{id_}"] = {"id": id_, "userId": id_, "phone": f"08{n:09d}"}
        if kind == "resident":
            rows[f"balance:{id_}"] = {"residentId": id_, "amount": n}
    for n in range(400):
        named = {"residentId": uuid(1, 12 + n * 7 % 188), "guardId": uuid(1, n % 12)}
        rows[f"visit:{uuid(2, n)}"] = named | {"helper": uuid(1, n * 5 % 12)}
    del rows[f"resident:{uuid(1, 12)}"]
    return rows


def test_the_name_of_the_field_decides() -> None:
    rows = residents()
    references_found = references(rows)
    assert {
        ("visit:{id}", "residentId", "resident:{id}"),
        ("visit:{id}", "guardId", "guard:{id}"),
        ("balance:{id}", "{id}", "resident:{id}"),
        ("resident:{id}", "{id}", "user:{id}"),
    } <= references_found
    gone = uuid(1, 12)
    assert damage(rows) == {
        (key, "dangling")
        for key, value in rows.items()
        if key == f"balance:{gone}" or value.get("residentId") == gone
    }


def test_where_no_name_decides_it_is_the_smallest_family_that_has_them_all() -> None:
    assert ("visit:{id}", "helper", "guard:{id}") in references(residents())


def test_a_smaller_family_that_has_them_all_by_chance_is_not_meant() -> None:
    """Four of five users have a profile, and so have all who wrote one of three notes."""
    rows: Rows = {}
    for n in range(100):
        id_ = uuid(1, n)
        rows[f"user:{id_}"] = {"id": id_, "email": f"u{n}@post.example"}
        if n % 5:
            rows[f"profile:{id_}"] = {"id": id_, "bio": f"I like the number {n}"}
    rows |= {f"note:{uuid(2, n)}": {"author": uuid(1, n), "text": "hello"} for n in (1, 2, 3)}
    assert ("note:{id}", "author", "user:{id}") in references(rows)


# -- what stands there for nobody does not count


@pytest.mark.parametrize("filler", ["", "anonymous", "unassigned", "n/a", "walk-in"])
@pytest.mark.parametrize("share", [2, 9])
def test_filler_does_not_hide_a_reference(filler: str, share: int) -> None:
    rows: Rows = {}
    for n in range(100):
        rows[f"customer:{uuid(1, n)}"] = {"id": uuid(1, n), "name": f"Ann {n}"}
    for n in range(400):
        who = uuid(1, n * 7 % 100) if n % 10 >= share else filler
        rows[f"event:{uuid(2, n)}"] = {"id": uuid(2, n), "who": who, "at": n}
    assert ("event:{id}", "who", "customer:{id}") in references(rows)
    assert damage(rows) == set()
    rows[f"event:{uuid(2, 0)}"]["who"] = uuid(3, 1)
    assert damage(rows) == {(f"event:{uuid(2, 0)}", "dangling")}


# -- ids of elements


def devices() -> Rows:
    """Each user has a list of devices; readings and alerts name a device, replies a message."""
    rows: Rows = {}
    for n in range(30):
        rows[f"user:{uuid(1, n)}"] = {"id": uuid(1, n), "name": f"Ann {n}"}
        devices_of_user = [{"id": uuid(2, 3 * n + i), "model": "M"} for i in range(3)]
        rows[f"devices_{uuid(1, n)}"] = devices_of_user
        messages = [{"id": uuid(5, 4 * n + i), "text": "hi", "replyTo": None} for i in range(4)]
        messages[3]["replyTo"] = uuid(5, 4 * n)
        rows[f"room:{uuid(6, n)}"] = {"id": uuid(6, n), "messages": messages}
    for n in range(200):
        rows[f"reading:{uuid(3, n)}"] = {"deviceId": uuid(2, n * 7 % 90), "watts": n}
    return rows


def test_an_id_of_an_element_is_referred_to() -> None:
    rows = devices()
    document = inspect_rows(rows.items())
    targets = {
        (pattern["pattern"], each["from"]): (each["to"], each.get("at"))
        for pattern in document["patterns"]
        for each in pattern["references"]
    }
    assert targets["reading:{id}", "deviceId"] == ("devices_{id}", "[].id")
    assert targets["room:{id}", "messages[].replyTo"] == ("room:{id}", "messages[].id")
    assert damage(rows) == set()
    rows[f"reading:{uuid(3, 7)}"]["deviceId"] = uuid(2, 500)
    assert damage(rows) == {(f"reading:{uuid(3, 7)}", "dangling")}


def test_an_article_in_a_list_is_no_element_of_its_own() -> None:
    """Many carts hold the same article: that is whose id it is."""
    rows: Rows = {}
    for n in range(60):
        lines = [{"id": uuid(2, (n + i) % 7), "count": i} for i in range(3)]
        rows[f"cart:{uuid(1, n)}"] = {"lines": lines, "paid": n % 2 == 0}
        rows[f"view:{uuid(3, n)}"] = {"article": uuid(2, n % 7), "seconds": n}
    assert references(rows) == set()
