"""Damage in all its forms: small stores, each broken in one way, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from keyspaces.memory import inspect_rows
from test_references import Rows, damage, devices, uuid

Broken = tuple[Rows, set[tuple[str, str]]]
"""A store, and the keys that are damaged, each with the kind."""


def lists_by_role() -> Broken:
    """Of each organisation a list for each role; what no member says is not missed."""
    rows: Rows = {}
    for org in range(12):
        rows[f"org:{uuid(1, org)}"] = {"id": uuid(1, org), "name": f"Org {org}"}
        for n in range(15):
            member, role = uuid(2, org * 15 + n), ("admin", "editor", "guest")[n % 3]
            rows[f"member:{member}"] = {"id": member, "orgId": uuid(1, org), "role": role}
            rows.setdefault(f"org:{uuid(1, org)}:{role}s", []).append(member)
    lost = rows[f"org:{uuid(1, 3)}:editors"].pop()
    promoted = rows[f"org:{uuid(1, 4)}:guests"][0]
    rows[f"member:{promoted}"]["role"] = "admin"
    return rows, {
        (f"member:{lost}", "missing"),
        (f"member:{promoted}", "missing"),
        (f"org:{uuid(1, 4)}:guests", "stale"),
    }


def lists_by_pair() -> Broken:
    """Of two people one list of the messages between them, the smaller id first."""
    rows: Rows = {f"user:{uuid(1, n)}": {"id": uuid(1, n)} for n in range(30)}
    for n in range(300):
        sender, receiver = uuid(1, n % 30), uuid(1, (n * 7 + 1 + n // 30) % 30)
        if sender != receiver:
            rows[f"message:{uuid(2, n)}"] = {"id": uuid(2, n), "from": sender, "to": receiver}
            thread = ":".join(sorted((sender, receiver)))
            rows.setdefault(f"thread:{thread}", []).append(uuid(2, n))
    long = [key for key, value in rows.items() if key.startswith("thread:") and len(value) > 1]
    lost = rows[long[0]].pop()
    rows[long[1]].append(strange := rows[long[2]][0])
    assert f"message:{strange}" in rows
    return rows, {(f"message:{lost}", "missing"), (long[1], "stale")}


def list_of_a_seed() -> Broken:
    """The seed wrote the list of all products; who adds one forgets it."""
    rows: Rows = {f"product:{uuid(1, n)}": {"id": uuid(1, n), "price": n} for n in range(50)}
    rows["products:list"] = [uuid(1, n) for n in range(20)]
    return rows, {(f"product:{uuid(1, n)}", "missing") for n in range(20, 50)}


def list_of_some() -> Broken:
    rows, _ = list_of_a_seed()
    rows["products:featured"] = rows.pop("products:list")
    return rows, set()


def lists_in_documents() -> Broken:
    rows: Rows = {f"user:{uuid(1, n)}": {"id": uuid(1, n)} for n in range(40)}
    for n in range(60):
        rows[f"event:{uuid(2, n)}"] = {
            "guests": [uuid(1, (n * 3 + i) % 40) for i in range(5)],
            "tags": ["music", "open air", "music"],
            "slots": [{"id": uuid(3, 2 * n + i), "host": uuid(1, n % 40)} for i in range(2)],
        }
    events = [rows[f"event:{uuid(2, n)}"] for n in range(3)]
    events[1]["guests"].append(events[1]["guests"][0])
    events[2]["slots"].append(dict(events[2]["slots"][0]))
    return rows, {(f"event:{uuid(2, n)}", "doubled") for n in (1, 2)}


def accidents() -> Broken:
    """What code writes in place of what it did not have, is not what half the carts are."""
    rows: Rows = {f"cart:{uuid(1, n)}": {"id": uuid(1, n), "total": n} for n in range(20)}
    for n, text in enumerate(("[object Object]", "undefined", "[object Object]", "NaN")):
        rows[f"cart:{uuid(1, n)}"] = text
    return rows, {(f"cart:{uuid(1, n)}", "wrong_shape") for n in range(4)}


def elements_of_another_kind() -> Broken:
    rows: Rows = {f"user:{uuid(1, n)}": {"id": uuid(1, n)} for n in range(30)}
    for n in range(30):
        rows[f"user:{uuid(1, n)}:seen"] = [uuid(1, (n + i) % 30) for i in range(1, 4)]
        rows[f"user:{uuid(1, n)}:log"] = [{"at": n}, {"at": n + 1}]
        rows[f"room:{uuid(2, n)}"] = {"guests": [uuid(1, n), uuid(1, (n + 1) % 30)]}
    rows[f"user:{uuid(1, 1)}:seen"].append(7)
    rows[f"user:{uuid(1, 2)}:seen"].insert(0, {"id": uuid(1, 9)})
    rows[f"user:{uuid(1, 3)}:log"].append("[object Object]")
    rows[f"room:{uuid(2, 4)}"]["guests"].append(None)
    keys = (f"user:{uuid(1, 1)}:seen", f"user:{uuid(1, 2)}:seen")
    keys += (f"user:{uuid(1, 3)}:log", f"room:{uuid(2, 4)}")  # type: ignore[assignment]
    return rows, {(key, "wrong_element") for key in keys}


def elements_of_nothing() -> Broken:
    rows = devices()
    rows[f"reading:{uuid(3, 7)}"]["deviceId"] = uuid(2, 500)
    return rows, {(f"reading:{uuid(3, 7)}", "dangling")}


STORES: dict[str, Callable[[], Broken]] = {
    make.__name__: make
    for make in (
        lists_by_role,
        lists_by_pair,
        list_of_a_seed,
        list_of_some,
        lists_in_documents,
        accidents,
        elements_of_another_kind,
        elements_of_nothing,
    )
}


@pytest.mark.parametrize("name", STORES)
def test_what_is_broken_is_found_and_nothing_else(name: str) -> None:
    rows, broken = STORES[name]()
    assert damage(rows) == broken


def test_an_id_twice_in_a_document_is_reported_with_its_path() -> None:
    rows, _ = lists_in_documents()
    misfits: list[dict[str, Any]] = inspect_rows(rows.items())["integrity"]["misfits"]
    details = {misfit["key"]: misfit["detail"] for misfit in misfits}
    guest = rows[f"event:{uuid(2, 1)}"]["guests"][0]
    slot = rows[f"event:{uuid(2, 2)}"]["slots"][0]["id"]
    assert details == {
        f"event:{uuid(2, 1)}": f"guests[]: {guest} stands there 2 times",
        f"event:{uuid(2, 2)}": f"slots[].id: {slot} stands there 2 times",
    }
