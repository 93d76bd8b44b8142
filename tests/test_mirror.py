"""The tables follow the store: whatever is written to it, by anybody, in the same transaction."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import firing
from conftest import Connect
from firing import ALL, Ladder
from growing import CAMPUS, STORE
from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.pool import Database
from outgrow.layout import expressions
from outgrow.queries import Query
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import Spec
from outgrow.settings import DEFAULT_STORE

PLACE = (CAMPUS, "public", DEFAULT_STORE)


@pytest.fixture
async def people(campus: Database) -> Database:
    """With people in it, and the damage that a prototype does."""
    await generate(campus, Spec(users=100, seed=5, damage=0.05))
    return campus


@pytest.fixture
async def ladder(campus_url: str, connect: Connect) -> Ladder:
    return Ladder(await connect(campus_url))


LISTS: list[Any] = [
    [],
    ["a"],
    ["a", "b", "c"],
    ["c", "b", "a"],
    ["b", "a", "b"],
    ["a", 7, None, "b"],
    "no list",
    {"a": 1},
    None,
    ["x" * 201, "a"],
]


@pytest.mark.parametrize("old", LISTS, ids=lambda value: str(value)[:20])
async def test_a_list_is_followed_from_any_value_to_any(ladder: Ladder, old: Any) -> None:
    await ladder.expand(["connections"])
    for new in LISTS:
        await ladder.put("user:k:connections", old)
        await ladder.put("user:k:connections", new)
        assert await ladder.differences(["connections"]) == {}, new


@pytest.mark.parametrize(
    ("relation", "key", "value"),
    [
        ("users", "user:k", {"id": "k", "name": "K", "bio": "b"}),
        ("messages", "chat:a:b:messages", [{"id": "m1", "content": "a", "n": 1}]),
    ],
    ids=["document", "objects"],
)
async def test_rows_that_do_not_encode_their_value_differ(
    ladder: Ladder, relation: str, key: str, value: Any
) -> None:
    """The rows are what decodes the value, so only encoding them can tell."""
    await ladder.expand([relation])
    await ladder.put(key, value)
    assert await ladder.differences([relation]) == {}
    arguments = await ladder.rows(
        "SELECT pg_get_function_arguments(to_regproc($1))", f"campus.{relation}_encode"
    )
    await ladder.run(
        f"CREATE OR REPLACE FUNCTION campus.{relation}_encode({arguments[0][0]})\n"
        "RETURNS jsonb LANGUAGE sql STABLE RETURN new_rest"
    )
    assert await ladder.differences([relation]) == {relation: [key]}


async def test_a_document_of_more_fields_than_a_function_takes_is_encoded(ladder: Ladder) -> None:
    names = [f"field{number}" for number in range(60)]
    columns = "\n".join(f'{name} = {{ field = "{name}", type = "text" }}' for name in names)
    blueprint = Blueprint.parse(
        'name = "wide"\n[patterns]\nthing = { key = "thing:{id}", shape = "document" }\n'
        '[relations.things]\npattern = "thing"\n[relations.things.columns]\nid = { key = "id" }\n'
        f"{columns}\n"
    )
    values = {name: f"'{name}'::text" for name in names} | {"field7": "NULL::text"}
    encoded = expressions.encoded(blueprint.relations["things"], values, """'{"n": 1.0}'::jsonb""")
    [(text,)] = await ladder.rows(f"SELECT ({encoded})::text")
    assert json.loads(text) == {name: name for name in names if name != "field7"} | {"n": 1.0}


MESSAGES: list[Any] = [
    [],
    [{"id": "m1", "content": "a", "n": 1}],
    [{"id": "m1", "content": "a", "n": 1.0}, {"id": "m2"}],
    [{"id": "m2"}, {"id": "m1"}],
    [{"id": "m1"}, "odd", {"id": "m3"}],
    [3, {"id": "m3"}],
    {"id": "m1"},
]


@pytest.mark.parametrize("old", MESSAGES, ids=lambda value: str(value)[:20])
async def test_messages_are_followed_from_any_value_to_any(ladder: Ladder, old: Any) -> None:
    await ladder.expand(["messages"])
    for new in MESSAGES:
        await ladder.put("chat:a:b:messages", old)
        await ladder.put("chat:a:b:messages", new)
        assert await ladder.differences(["messages"]) == {}, new


ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "connections": st.sampled_from(["a", "b", "c", "d", "x" * 201, 7, None, ["a"]]),
    "messages": st.sampled_from(
        [{"id": "a", "n": 1}, {"id": "a", "n": 1.0}, {"content": "x"}, {}, "odd", [{}]]
    ),
}
CHANGES = st.sampled_from(["append", "append", "append", "prepend", "drop", "other"])
FAST = "ELSE (SELECT count(*)"


def following_rows(name: str) -> Query:
    """The statement that makes the function for the rows of a list."""
    made = layout.mirror.sync_triggers(CAMPUS, [name], *PLACE[1:])
    return next(query for query in made.functions if f"{name}_sync" in query.sql)


@st.composite
def histories(draw: st.DrawFn, elements: st.SearchStrategy[Any]) -> list[Any]:
    """Values of one key, most of which are the one before with an element behind it."""
    value: Any = draw(st.lists(elements, max_size=4))
    values = [value]
    for change in draw(st.lists(CHANGES, min_size=1, max_size=8)):
        before = value if isinstance(value, list) else []
        if change == "other":
            value = draw(st.one_of(st.lists(elements, max_size=4), st.sampled_from([None, {}, 1])))
        elif change == "drop":
            value = before[:-1]
        else:
            element = draw(elements)
            value = [*before, element] if change == "append" else [element, *before]
        values.append(value)
    return values


@pytest.mark.parametrize(
    ("name", "key"), [("connections", "user:k:connections"), ("messages", "chat:a:b:messages")]
)
async def test_one_element_more_is_followed_as_any_other_change_is(
    campus: Database, ladder: Ladder, name: str, key: str
) -> None:
    """The short way beside the long way, which makes anything of anything."""
    await ladder.expand([name])
    short = following_rows(name)
    assert FAST in short.sql
    long = Query("test.long", short.sql.replace(FAST, "ELSE false AND (SELECT count(*)"))

    async def synced(way: Query, values: list[Any]) -> list[Any]:
        await campus.run(way)
        await campus.run(Query("test.clear", f"DELETE FROM {STORE}"))
        seen = []
        for value in values:
            await ladder.put(key, value)
            assert await ladder.differences([name]) == {}, value
            seen.append(
                [
                    tuple(row)
                    for table in (name, f"{name}_lists")
                    for row in await campus.rows(
                        Query("test.all", f"SELECT t::text FROM campus_tables.{table} t ORDER BY 1")
                    )
                ]
            )
        return seen

    loop = asyncio.get_running_loop()

    @given(histories(ELEMENTS[name]))
    @settings(max_examples=40)
    def same(values: list[Any]) -> None:
        async def both() -> bool:
            return await synced(short, values) == await synced(long, values)

        assert asyncio.run_coroutine_threadsafe(both(), loop).result(30)

    await asyncio.to_thread(same)


@pytest.mark.parametrize(
    ("name", "key", "old", "new", "expected"),
    [
        ("connections", "user:k:connections", [], ["a"], True),
        ("connections", "user:k:connections", ["a"], ["a", "b"], True),
        ("connections", "user:k:connections", ["a"], ["b", "a"], False),
        ("connections", "user:k:connections", ["a", "b"], ["a", "b", "a"], False),
        ("connections", "user:k:connections", ["a", 7], ["a", 7, "b"], False),
        ("connections", "user:k:connections", ["a"], ["a", "x" * 201], False),
        ("connections", "user:k:connections", ["a"], ["b"], False),
        ("messages", "chat:a:b:messages", [{"n": 1}], [{"n": 1}, {"n": 1}], True),
        ("messages", "chat:a:b:messages", [{"n": 1}], [{"n": 1.0}, {"n": 1}], False),
        ("messages", "chat:a:b:messages", [{"n": 1}, 3], [{"n": 1}, 3, {}], False),
    ],
)
async def test_the_short_way_is_taken_for_one_element_more_behind_a_whole_list(
    campus: Database, ladder: Ladder, name: str, key: str, old: Any, new: Any, expected: bool
) -> None:
    await ladder.expand([name])
    await ladder.put(key, old)
    query = following_rows(name)
    trapped = re.sub(r"(ELSE \(SELECT count.*\n *THEN)", r"\1 RAISE EXCEPTION 'short';", query.sql)
    assert trapped != query.sql
    await campus.run(Query("test.told", trapped))
    if not expected:
        await ladder.put(key, new)
        assert await ladder.differences([name]) == {}
        return
    with pytest.raises(asyncpg.RaiseError, match="short"):
        await ladder.put(key, new)


@pytest.mark.parametrize("name", ALL)
async def test_a_table_is_filled_with_what_is_there(
    people: Database, ladder: Ladder, name: str
) -> None:
    await ladder.put("user:odd", "no object")
    await ladder.put("user:odd:connections", [1, "a", "a"])
    await ladder.expand([name])
    assert (await ladder.fill(name) > 0) == (await count(people, name) > 0)
    assert await ladder.differences([name]) == {}
    assert await ladder.fill(name) == 0


async def count(database: Database, name: str) -> int:
    table = layout.mirror.table(CAMPUS, name)
    counted: int = await database.value(Query("test.count", f"SELECT count(*) FROM {table}"))
    return counted


async def test_keys_that_go_take_their_rows_along(people: Database, ladder: Ladder) -> None:
    await ladder.expand(ALL)
    for name in ALL:
        await ladder.fill(name)
    for statement in (
        f"DELETE FROM {STORE} WHERE key < 'user:5'",
        f"UPDATE {STORE} SET key = 'user:moved' || substr(key, 6) WHERE key > 'user:a'",
        f"UPDATE {STORE} SET key = key || ':x' WHERE key > 'user:moved9'",
        f'UPDATE {STORE} SET value = value || \'{{"school": null, "name": 7}}\' '
        "WHERE jsonb_typeof(value) = 'object' AND key LIKE 'user:%3'",
    ):
        await people.run(Query("test.write", statement))
        assert await ladder.differences() == {}, statement
    await people.run(Query("test.truncate", f"TRUNCATE {STORE}"))
    for name in ALL:
        assert await count(people, name) == 0


async def test_views_move_to_the_tables_and_back_and_show_the_same(
    people: Database, ladder: Ladder
) -> None:
    async def shown() -> dict[str, list[str]]:
        return {name: await firing.shown(ladder.connection, name) for name in ALL}

    async def sought() -> list[int]:
        """As the application looks things up: by what says where they are."""
        user = await people.value(
            Query(
                "test.user",
                "SELECT min(user_id) FROM campus.participants NATURAL JOIN "
                "(SELECT user_id FROM campus.connections) c JOIN campus.users u ON u.id = user_id "
                "WHERE u.school IS NOT NULL",
            )
        )
        return [
            await people.value(Query("test.sought", f"SELECT count(*) FROM campus.{sql}"), user)
            for sql in (
                "users WHERE id = $1 AND store_key = campus.users_lookup_key($1)",
                "school_members WHERE user_id = $1"
                " AND store_key = campus.school_members_lookup_key($1)",
                "connections WHERE user_id = $1 AND store_key = campus.connections_lookup_key($1)",
                "connections WHERE connected_user_id = $1 "
                "AND store_value @> campus.connections_containing($1)",
                "participants WHERE user_id = $1"
                " AND store_value @> campus.participants_containing($1)",
            )
        ]

    before, counts = await shown(), await sought()
    assert all(counts)
    await ladder.expand(ALL)
    for name in ALL:
        await ladder.fill(name)
    for name in ALL:
        await ladder.show("shadow", [name])
        assert await shown() == before, name
        assert await sought() == counts, name
    await ladder.show("store")
    assert await shown() == before
