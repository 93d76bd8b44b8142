"""What a change of a list makes the database do, counted in rows and not in seconds: as much as the
list is long at most, whatever statistics say of the table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conftest import Connect
from firing import Ladder
from outgrow import layout
from outgrow.blueprint import parse
from test_list_rows import CLUBS

MANY = 2_000
LISTS: dict[str, tuple[str, Callable[[list[str]], Any]]] = {
    "connections": ("user:{}:connections", lambda people: people),
    "participants": ("chat:{}", lambda people: {"participants": people}),
}


class Writes:
    """The rows that a session's statements handled, their triggers' included."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.rows = 0

    async def begin(self) -> None:
        self.connection.add_log_listener(self.note)
        await self.connection.execute(
            "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;"
            "SET auto_explain.log_nested_statements = on; SET auto_explain.log_analyze = on;"
            "SET auto_explain.log_timing = off; SET auto_explain.log_format = json;"
            "SET auto_explain.log_level = notice"
        )

    def note(self, _: Any, message: Any) -> None:
        _, is_plan, plan = message.message.partition("plan:\n")
        if is_plan:
            self.rows += sum(map(handled, nodes(json.loads(plan)["Plan"])))

    async def of(self, ladder: Ladder, key: str, value: Any) -> int:
        self.rows = 0
        await ladder.put(key, value)
        await asyncio.sleep(0)
        return self.rows


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def handled(node: dict[str, Any]) -> int:
    """Those that it gave on, those that it looked at for nothing, and once for being run."""
    removed = sum(count for what, count in node.items() if what.startswith("Rows Removed by"))
    return int((node["Actual Rows"] + removed + 1) * node["Actual Loops"])


@pytest.fixture
async def work(campus_url: str, connect: Connect) -> Writes:
    return Writes(await connect(campus_url))


async def crowd(ladder: Ladder, pattern: str, value: Callable[[list[str]], Any]) -> None:
    """Short lists, so that the statistics say that a key has few rows."""
    for number in range(200):
        await ladder.put(pattern.format(f"s{number}"), value([f"e{number + n}" for n in range(3)]))
    await ladder.run("ANALYZE")


def scattered(people: list[str]) -> list[str]:
    return [f"new{n}" if n % 50 == 7 else person for n, person in enumerate(people)]


CHANGES: dict[str, Callable[[list[str]], list[str]]] = {
    "one replaced": lambda old: [*old[:1000], "new", *old[1001:]],
    "at 40 places": scattered,
    "a third replaced": lambda old: [*old[:500], *(f"new{n}" for n in range(600)), *old[1100:]],
    "reversed": lambda old: old[::-1],
    "one twice": lambda old: [*old, old[7]],
    "all others": lambda old: [f"new{n}" for n in range(MANY)],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", LISTS)
async def test_a_change_handles_as_many_rows_as_there_are(
    work: Writes, name: str, change: str
) -> None:
    ladder = Ladder(work.connection)
    pattern, value = LISTS[name]
    await ladder.expand([name])
    await crowd(ladder, pattern, value)
    key, people = pattern.format("k"), [f"u{n}" for n in range(MANY)]
    await ladder.put(key, value(people))
    await work.begin()
    rows = await work.of(ladder, key, value(CHANGES[change](people)))
    assert 0 < rows <= 30 * MANY
    assert await ladder.differences() == {}


async def test_an_id_put_to_a_list_with_a_doubled_one_is_one_row(work: Writes) -> None:
    ladder = Ladder(work.connection)
    await ladder.expand(["connections"])
    people = [f"u{n}" for n in range(MANY)]
    value = [*people, "u7"]
    await ladder.put("user:k:connections", value)
    await work.begin()
    for changed in [*value, "new"], ["first", *value, "new"], ["first", *value, "new", "u9"]:
        assert 0 < await work.of(ladder, "user:k:connections", changed) <= 3 * MANY
        assert await ladder.differences() == {}
    for other in ["u9", "first", *value, "new", "u9"], [*value, "u9", 1], [*value, "u9", 1, "x"]:
        await ladder.put("user:k:connections", other)
        assert await ladder.differences() == {}


async def test_a_document_is_decoded_once_for_all_rows_of_its_list(work: Writes) -> None:
    """The columns that they have from it are the same for all."""
    blueprint = parse(CLUBS)
    ladder = Ladder(work.connection, blueprint)
    await ladder.say(layout.create(blueprint, *ladder.schema_and_store))
    await ladder.expand(list(blueprint.relations))
    people = [f"p{n}" for n in range(MANY)]
    await crowd(ladder, "club:{}", lambda some: {"town": "Graz", "people": some})
    await ladder.put("club:a", {"town": "Graz", "people": people})
    await work.begin()
    for town, changed in ("Linz", people), ("Wien", people), ("Wien", scattered(people)):
        rows = await work.of(ladder, "club:a", {"town": town, "people": changed})
        assert 0 < rows <= 30 * MANY
    assert await ladder.differences() == {}
