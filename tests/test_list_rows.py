"""The rows of a list: a change of the list touches those that it is about, and their order is that
of the list, at every isolation level."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import STEP, Connect
from firing import UPSERT, Ladder
from growing import STORE
from outgrow import layout
from outgrow.blueprint import parse

LISTS: dict[str, tuple[str, list[Any], Any]] = {
    "connections": ("user:k:connections", [f"u{n}" for n in range(400)], "new"),
    "messages": (
        "chat:a:b:messages",
        [{"id": f"m{n}", "senderId": "a", "readBy": []} for n in range(400)],
        {"id": "new"},
    ),
    "participants": ("chat:a:b", [f"u{n}" for n in range(400)], "new"),
}
Level = Literal["read_committed", "repeatable_read", "serializable"]


@pytest.fixture
async def ladder(campus_url: str, connect: Connect) -> Ladder:
    ladder = Ladder(await connect(campus_url))
    await ladder.expand(list(LISTS))
    return ladder


async def put(ladder: Ladder, name: str, value: Any) -> None:
    await ladder.connection.execute(UPSERT, LISTS[name][0], stored(name, value))


def stored(name: str, value: Any) -> str:
    """What the key's value is: the list, or a document with it."""
    return json.dumps({"participants": value} if name == "participants" else value)


async def images(ladder: Ladder, name: str) -> list[tuple[Any, ...]]:
    """Of each row where it is and who made it, which another write changes."""
    return await ladder.rows(
        f"SELECT ctid::text, xmin::text FROM campus_tables.{name} ORDER BY pos"
    )


def others(new: Any, number: int) -> Any:
    return {**new, "id": f"new{number}"} if isinstance(new, dict) else f"{new}{number}"


Change = Callable[[list[Any], Any], list[Any]]
CHANGES: dict[str, tuple[Change, int, int]] = {
    "the same again": (lambda old, new: old, 0, 0),
    "one replaced": (lambda old, new: [*old[:200], new, *old[201:]], 1, 1),
    "one inserted": (lambda old, new: [*old[:200], new, *old[200:]], 0, 1),
    "one before": (lambda old, new: [new, *old], 0, 1),
    "one behind": (lambda old, new: [*old, new], 0, 1),
    "one removed": (lambda old, new: [*old[:200], *old[201:]], 1, 0),
    "the first 150 removed": (lambda old, new: old[150:], 150, 0),
    "the last 150 removed": (lambda old, new: old[:250], 150, 0),
    "first out, one in": (lambda old, new: [*old[1:], new], 1, 1),
    "one to the front": (lambda old, new: [old[200], *old[:200], *old[201:]], 1, 1),
    "one to the end": (lambda old, new: [*old[:200], *old[201:], old[200]], 1, 1),
    "at two places": (lambda old, new: [old[0], new, *old[1:300], *old[310:]], 10, 1),
    "at forty places": (
        lambda old, new: [
            others(new, n) if n % 10 == 3 else element for n, element in enumerate(old)
        ],
        40,
        40,
    ),
    "two for one, and another": (
        lambda old, new: [*old[:50], others(new, 1), others(new, 2), *old[51:300], new, *old[300:]],
        1,
        3,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", LISTS)
async def test_a_change_touches_the_rows_that_it_is_about(
    ladder: Ladder, name: str, change: str
) -> None:
    """None behind them is numbered anew."""
    _, old, new = LISTS[name]
    edit, gone, come = CHANGES[change]
    await put(ladder, name, old)
    before = await images(ladder, name)
    await put(ladder, name, edit(old, new))
    after = await images(ladder, name)
    assert len(set(before) - set(after)) == gone
    assert len(set(after) - set(before)) == come
    assert await ladder.differences(list(LISTS)) == {}


async def test_a_document_that_changes_elsewhere_leaves_its_list_alone(ladder: Ladder) -> None:
    key, people, _ = LISTS["participants"]
    await ladder.put(key, {"participants": people, "createdAt": "yesterday"})
    before = await images(ladder, "participants")
    await ladder.put(key, {"participants": people, "createdAt": "today", "topic": "x"})
    assert await images(ladder, "participants") == before


@pytest.mark.parametrize("name", ["connections", "participants"])
async def test_a_list_of_all_others_is_made_as_a_new_one_is(ladder: Ladder, name: str) -> None:
    """With doubled elements, and such as are none, before and after; some stay."""
    _, old, new = LISTS[name]
    others: list[Any] = [f"v{n}" for n in range(500)]
    for value in (old, [*others, 7, new, "v3"], [*old[::-1], new, new], [*others, *old[:50]]):
        await put(ladder, name, value)
        assert await ladder.differences(list(LISTS)) == {}
    places = await ladder.rows(f"SELECT pos FROM campus_tables.{name} ORDER BY pos")
    assert places == [(n * STEP,) for n in range(1, 551)]


async def test_messages_that_change_keep_their_pos(ladder: Ladder) -> None:
    name, (_, old, _) = "messages", LISTS["messages"]
    places = "SELECT pos FROM campus_tables.messages ORDER BY pos"
    await put(ladder, name, old)
    before = await ladder.rows(places)
    assert before == [(n * STEP,) for n in range(1, 401)]
    await put(ladder, name, [{**message, "readBy": ["b"]} for message in old])
    assert await ladder.rows(places) == before
    assert await ladder.differences(list(LISTS)) == {}


@pytest.mark.parametrize("name", LISTS)
async def test_one_gap_takes_any_number(ladder: Ladder, name: str) -> None:
    """Where it is used up the rows around it are spread, not all."""
    _, value, new = LISTS[name]
    touched = most = 0
    await put(ladder, name, value)
    for number in range(120):
        before = await images(ladder, name)
        element = {**new, "n": number} if name == "messages" else f"new{number}"
        value = [*value[:200], element, *value[200:]]
        await put(ladder, name, value)
        changed = len(set(await images(ladder, name)) - set(before))
        touched, most = touched + changed, max(most, changed)
    assert most < 200
    assert touched < 1000
    assert await ladder.differences(list(LISTS)) == {}


@pytest.mark.parametrize("level", ["read_committed", "repeatable_read", "serializable"])
@pytest.mark.parametrize("name", LISTS)
async def test_lists_are_followed_at_every_level(
    ladder: Ladder, campus_url: str, connect: Connect, name: str, level: Level
) -> None:
    """Any values one after the other in a transaction, which may begin before somebody else deletes
    the key: the rows that it still sees then are not its own, and nothing of it fails."""
    key, elements, new = LISTS[name]
    other = await connect(campus_url)
    element = st.sampled_from([*elements[:6], new, 7, None, {}, ["x"]])
    lists: st.SearchStrategy[Any] = st.lists(element, max_size=8)
    values: st.SearchStrategy[Any] = lists | lists | lists | st.sampled_from([None, {}, "text", 1])
    loop = asyncio.get_running_loop()

    async def compare(first: Any, some: list[Any], deleted: bool) -> None:
        await put(ladder, name, first)
        async with ladder.connection.transaction(isolation=level):
            await ladder.connection.fetch("SELECT FROM campus_tables.connections")
            if deleted:
                await other.execute(f"DELETE FROM {STORE} WHERE key = $1", key)
            for value in some:
                await put(ladder, name, value)
        assert await ladder.differences([name]) == {}, (first, some)

    @given(values, st.lists(values, min_size=1, max_size=4), st.booleans())
    @settings(max_examples=40)
    def same(first: Any, some: list[Any], deleted: bool) -> None:
        asyncio.run_coroutine_threadsafe(compare(first, some, deleted), loop).result(30)

    await asyncio.to_thread(same)


@pytest.mark.parametrize("level", ["repeatable_read", "serializable"])
@pytest.mark.parametrize("name", LISTS)
async def test_rows_that_somebody_else_deleted_are_not_deleted_again(
    ladder: Ladder, campus_url: str, connect: Connect, name: str, level: Level
) -> None:
    """A transaction still sees them beside those that it made under the same key."""
    key, elements, new = LISTS[name]
    other = await connect(campus_url)
    await put(ladder, name, elements[:3])
    async with ladder.connection.transaction(isolation=level):
        await ladder.connection.fetch("SELECT FROM campus_tables.connections")
        await other.execute(f"DELETE FROM {STORE} WHERE key = $1", key)
        await put(ladder, name, elements[:2])
        await put(ladder, name, [new, elements[1]])
        await put(ladder, name, elements[2:4])
    assert await ladder.differences(list(LISTS)) == {}


@pytest.mark.parametrize("savepoint", ["", "SAVEPOINT a; "])
@pytest.mark.parametrize("name", LISTS)
async def test_a_transaction_may_have_its_number_before_its_snapshot(
    ladder: Ladder, campus_url: str, connect: Connect, name: str, savepoint: str
) -> None:
    """As LOCK TABLE gives it: rows that others made in between are not its own."""
    key, elements, new = LISTS[name]
    client = await connect(campus_url)
    await ladder.run("CREATE TABLE mine ()")
    await client.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await client.execute(f"{savepoint}LOCK TABLE mine IN ACCESS EXCLUSIVE MODE")
    await put(ladder, name, elements[:5])
    await client.fetch(f"SELECT FROM {STORE}")
    await ladder.run(f"DELETE FROM {STORE} WHERE key = $1", key)
    for value in (elements[:3], [new, elements[1]], elements[2:6], [], [new]):
        await client.execute(UPSERT, key, stored(name, value))
    await client.execute("COMMIT")
    assert await ladder.differences(list(LISTS)) == {}


CLUBS = """
name = "clubs"
hybrid = []
[patterns]
club = { key = "club:{id}", shape = "document" }
[relations.clubs]
pattern = "club"
[relations.clubs.columns]
id = { key = "id" }
town = { field = "town", type = "key" }
people = { field = "people", type = "array" }
[relations.members]
from = "clubs"
unnest = "people"
columns = { club_id = "id", person = "element", town = "town", pos = "position" }
present = "town"
[relations.unordered]
from = "clubs"
unnest = "people"
columns = { club_id = "id", person = "element" }
"""


@pytest.mark.parametrize("level", ["read_committed", "repeatable_read"])
async def test_rows_have_columns_of_their_document(
    campus_url: str, connect: Connect, level: Level
) -> None:
    """And are there only while it has one of them; or they have no order."""
    blueprint = parse(CLUBS)
    ladder = Ladder(await connect(campus_url), blueprint)
    await ladder.say(layout.create(blueprint, *ladder.schema_and_store))
    names = list(blueprint.relations)
    await ladder.expand(names)
    people: list[Any] = [f"p{n}" for n in range(300)]
    documents = [
        {"people": people, "town": "Graz"},
        {"people": people, "town": "Linz"},
        {"people": [people[9], *people[:9], 7, "p3"], "town": "Wien"},
        {"people": people[:20], "n": 1},
        {"people": people[:20], "town": "Wien"},
        {"town": "Wien"},
        {"people": people[::-1], "town": "Graz"},
        {"people": "text", "town": "Graz"},
    ]
    async with ladder.connection.transaction(isolation=level):
        for document in documents:
            await ladder.put("club:a", document)
            assert await ladder.differences(names) == {}, document
