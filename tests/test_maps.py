"""Maps, objects keyed by id: their members as rows, written from both sides."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from conftest import Connect
from firing import Ladder, waits
from growing import STORE
from outgrow.blueprint import parse
from outgrow.db.pool import Database
from outgrow.errors import BadInput
from outgrow.schema.install import install

DESK = parse(
    """
name = "desk"
hybrid = ["ratings"]
[patterns]
ratings = { key = "user:{id}:ratings", shape = "map" }
sent = { key = "sent", shape = "map" }
waiting = { key = "waiting", shape = "ids" }
settings = { key = "settings", shape = "document" }
history = { key = "history", shape = "objects" }
[relations.ratings]
pattern = "ratings"
columns.user_id = { key = "id" }
columns.rated_id = { entry = true }
columns.stars = { field = "stars", type = "number" }
computed.rated_key = { lower = "rated_id" }
[relations.sent]
pattern = "sent"
columns.about = { entry = true }
columns.day = { value = true, type = "text" }
[relations.waiting]
pattern = "waiting"
columns.id = { element = true }
columns.pos = { position = true }
[relations.settings]
pattern = "settings"
columns.name = { field = "name", type = "text" }
[relations.history]
pattern = "history"
columns.pos = { position = true }
columns.did = { field = "did", type = "text" }
[[indexes]]
relation = "ratings"
columns = ["rated_id", "user_id"]
on = "table"
"""
)


SMALL = """
name = "small"
[patterns]
skus = { key = "skus:{company}", shape = "map" }
[relations.skus]
pattern = "skus"
columns.company = { key = "company" }
columns.sku = { entry = true }
columns.product = { value = true, type = "key" }
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{ entry = true }", '{ field = "sku" }', "a map has one `entry` column"),
        ('shape = "map"', 'shape = "document"', "a map has one `entry` column"),
        ('type = "key"', 'type = "label"', "a text that was cut is not the member"),
        ("value = true,", 'value = true, field = "x",', "one source only"),
        ("columns.product", 'columns.x = { field = "x" }\ncolumns.product', "without fields"),
        ("columns.sku", "columns.n = { position = true }\ncolumns.sku", "a map none"),
        ("columns.sku =", "columns.store_key =", "a column of that name itself"),
        (
            "columns.sku",
            'computed.shown = { flag = "shown" }\ncolumns.sku',
            "of a list or map only lower",
        ),
        (
            "[relations.skus]",
            '[[indexes]]\nrelation = "skus"\ncolumns = ["sku"]\n[relations.skus]',
            "'sku' can be indexed on = \"table\" only",
        ),
        (
            "[relations.skus]",
            '[relations.seen]\nfrom = "skus"\ncolumns = { c = "company" }\n[relations.skus]',
            "skus is no relation of documents",
        ),
    ],
)
def test_a_mistake_is_named(old: str, new: str, says: str) -> None:
    assert parse(SMALL).relations["skus"].entry == "sku"
    with pytest.raises(BadInput) as e:
        parse(SMALL.replace(old, new, 1))
    assert says in e.value.message


def test_four_ids_are_too_many_for_an_index() -> None:
    wide = SMALL.replace("skus:{company}", "skus:{company}:{a}:{b}")
    wide += 'columns.a = { key = "a" }\ncolumns.b = { key = "b" }\n'
    with pytest.raises(BadInput, match="rows of more than 3 ids may not fit into an index"):
        parse(wide)


@pytest.fixture
async def desk(database: Database, database_url: str, connect: Connect) -> Ladder:
    await install(database, blueprint=DESK)
    return Ladder(await connect(database_url), DESK)


MAPS: list[Any] = [
    {},
    {"a": {"stars": 1}},
    {"a": {"stars": 2, "x": None}, "b": {}, "": {"stars": "none"}},
    {"a": {"stars": 1}, "b": 3, "c": "text"},
    {"a": 1.5, "b": None, "x" * 201: {"stars": 1}, "c": {"stars": 3}},
    {"🎓" * 200: {"stars": 5}, "c": {"stars": 4}},
    ["a", {"stars": 1}],
    "no map",
    None,
]
# As text: to jsonb 1.0 equals 1, and is still another value.
NUMBERS = b'{"a": {"stars": 1.0}, "b": {"stars": 1}}', b'{"a": {"stars": 1}, "b": {"stars": 1.00}}'


@pytest.mark.parametrize("key", ["user:k:ratings", "sent"])
@pytest.mark.parametrize("old", [*MAPS, *NUMBERS], ids=str)
async def test_a_map_is_followed_from_any_value_to_any(desk: Ladder, key: str, old: Any) -> None:
    name = "sent" if key == "sent" else "ratings"
    await desk.expand([name])
    for new in [*MAPS, *NUMBERS]:
        await desk.put(key, old)
        await desk.put(key, new)
        assert await desk.differences([name]) == {}, new


async def test_what_is_no_row_is_left_over(desk: Ladder) -> None:
    await desk.expand(["ratings", "sent"])
    await desk.put("user:k:ratings", {"a": {"stars": 1}, "b": 3, "x" * 201: {}})
    await desk.put("user:l:ratings", {"a": {}})
    await desk.put("sent", ["2026-01-01"])
    assert await desk.rows("SELECT rated_id FROM desk_tables.ratings WHERE user_id = 'k'") == [
        ("a",)
    ]
    left = await desk.rows(
        "SELECT user_id, unmapped::text FROM desk_tables.ratings_lists ORDER BY 1"
    )
    assert [(key, text and json.loads(text)) for key, text in left] == [
        ("k", {"b": 3, "x" * 201: {}}),
        ("l", None),
    ]
    assert await desk.rows("SELECT unmapped::text FROM desk_tables.sent_lists") == [
        ('["2026-01-01"]',)
    ]


async def test_only_members_that_changed_are_written(desk: Ladder) -> None:
    await desk.expand(["ratings"])
    many = {f"u{n}": {"stars": n} for n in range(50)}
    await desk.put("user:k:ratings", many)
    versions = "SELECT rated_id, ctid::text FROM desk_tables.ratings"
    before = dict(await desk.rows(versions))
    await desk.put("user:k:ratings", {**many, "u7": {"stars": 70}, "new": {"stars": 0}})
    after = dict(await desk.rows(versions))
    assert {name for name in after if after[name] != before.get(name)} == {"u7", "new"}


@pytest.mark.parametrize("home", ["store", "shadow"])
async def test_members_are_written_one_by_one(desk: Ladder, home: Any) -> None:
    names = list(DESK.relations)
    if home == "shadow":
        await desk.expand(names)
        await desk.show("shadow")
    await desk.run("INSERT INTO desk.ratings (user_id, rated_id, stars) VALUES ('k', 'a', 5)")
    await desk.run("INSERT INTO desk.ratings VALUES ('k', 'b', 2, '{\"why\": \"late\"}')")
    await desk.run("INSERT INTO desk.sent VALUES ('hosting_1', '2026-01-01'), ('', 'x')")
    await desk.run("UPDATE desk.ratings SET stars = 3 WHERE user_id = 'k' AND rated_id = 'b'")
    await desk.run("UPDATE desk.sent SET day = 'never' WHERE about = ''")
    await desk.run("DELETE FROM desk.ratings WHERE rated_id = 'a'")
    assert await desk.stored() == {
        "user:k:ratings": {"b": {"stars": 3, "why": "late"}},
        "sent": {"hosting_1": "2026-01-01", "": "never"},
    }
    await desk.run("DELETE FROM desk.ratings")
    assert (await desk.stored())["user:k:ratings"] == {}
    if home == "shadow":
        assert await desk.differences() == {}


async def test_what_a_map_cannot_hold_is_refused(desk: Ladder) -> None:
    await desk.put("user:k:ratings", {"odd": 3, "a": {}})
    for insert, error in (
        ("ratings VALUES ('k', NULL)", "check_violation"),
        (f"ratings VALUES ('k', '{'x' * 201}')", "check_violation"),
        ("ratings VALUES ('k:l', 'a')", "check_violation"),
        ("ratings VALUES ('k', 'c', 1, '{\"stars\": 2}')", "check_violation"),
        ("ratings VALUES ('k', 'a')", "unique_violation"),
        ("ratings VALUES ('k', 'odd')", "unique_violation"),
        ("sent VALUES ('a', NULL)", "check_violation"),
    ):
        with pytest.raises(asyncpg.PostgresError) as e:
            await desk.run(f"INSERT INTO desk.{insert}")
        assert type(e.value).__name__.lower() == error.replace("_", "") + "error", insert
    with pytest.raises(asyncpg.FeatureNotSupportedError):
        await desk.run("UPDATE desk.ratings SET rated_id = 'other'")
    assert await desk.stored() == {"user:k:ratings": {"odd": 3, "a": {}}}


async def test_a_value_in_the_way_of_a_map_is_kept(desk: Ladder) -> None:
    await desk.put("user:k:ratings", ["no map"])
    await desk.run("INSERT INTO desk.ratings (user_id, rated_id, stars) VALUES ('k', 'a', 5)")
    assert await desk.stored() == {"user:k:ratings": {"a": {"stars": 5}}}
    assert await desk.rows("SELECT key, value::text FROM outgrow.quarantine") == [
        ("user:k:ratings", '["no map"]')
    ]


async def test_two_who_make_the_first_member_both_do(
    desk: Ladder, database_url: str, connect: Connect
) -> None:
    first, second = await connect(database_url), await connect(database_url)
    insert = "INSERT INTO desk.ratings (user_id, rated_id, stars) VALUES ('k', $1, 1)"
    transaction = first.transaction()
    await transaction.start()
    await first.execute(insert, "a")
    other = asyncio.create_task(second.execute(insert, "b"))
    await waits(desk.connection, second)
    await transaction.commit()
    await other
    assert await desk.stored() == {"user:k:ratings": {"a": {"stars": 1}, "b": {"stars": 1}}}


async def test_a_member_that_changed_meanwhile_is_looked_at_again(
    desk: Ladder, database_url: str, connect: Connect
) -> None:
    await desk.put("user:k:ratings", {"a": {"stars": 1}, "b": {"stars": 1}})
    first, second = await connect(database_url), await connect(database_url)
    transaction = first.transaction()
    await transaction.start()
    await first.execute("UPDATE desk.ratings SET stars = stars + 1 WHERE rated_id = 'a'")
    same = asyncio.create_task(
        second.execute("UPDATE desk.ratings SET stars = stars + 1 WHERE rated_id = 'a'")
    )
    await waits(desk.connection, second)
    await transaction.commit()
    with pytest.raises(asyncpg.SerializationError):
        await same
    await second.execute("UPDATE desk.ratings SET stars = 9 WHERE rated_id = 'b'")
    assert await desk.stored() == {"user:k:ratings": {"a": {"stars": 2}, "b": {"stars": 9}}}


ODD: dict[str, list[Any]] = {
    "waiting": [["a", "b"], ["b", 1, "b"], "none", []],
    "settings": [{"name": "x", "y": 1}, {"name": 7}, [], {}],
    "history": [[{"did": "a"}, {"did": "b"}], [{"did": "b"}, 1], {}, []],
    "sent": [{"a": "b"}, {"a": 1}, [], {}],
}


@pytest.mark.parametrize("name", ODD)
async def test_a_relation_of_one_key_has_a_table_like_others(desk: Ladder, name: str) -> None:
    await desk.put(name, ODD[name][0])
    await desk.expand([name])
    assert await desk.fill(name) > 0
    assert await desk.differences([name]) == {}
    for value in ODD[name]:
        await desk.put(name, value)
        assert await desk.differences([name]) == {}, value
        await desk.run(f"UPDATE {STORE} SET key = key || 'x'")
        assert await desk.differences([name]) == {}, value
        assert await desk.rows(f"SELECT count(*) FROM desk_tables.{name}") == [(0,)]
        await desk.run(f"TRUNCATE {STORE}")


async def test_a_relation_of_one_key_is_written(desk: Ladder) -> None:
    await desk.expand(DESK.relations)
    await desk.show("shadow")
    await desk.run("INSERT INTO desk.settings VALUES ('old', '{\"x\": 1}')")
    await desk.run("UPDATE desk.settings SET name = 'new'")
    await desk.run("INSERT INTO desk.waiting (id) VALUES ('a'), ('b')")
    await desk.run("DELETE FROM desk.waiting WHERE id = 'a'")
    await desk.run("INSERT INTO desk.history (did) VALUES ('a')")
    await desk.run("UPDATE desk.history SET did = 'b'")
    assert await desk.stored() == {
        "settings": {"name": "new", "x": 1},
        "waiting": ["b"],
        "history": [{"did": "b"}],
    }
    with pytest.raises(asyncpg.UniqueViolationError):
        await desk.run("INSERT INTO desk.settings VALUES ('again', '{}')")
    assert await desk.differences() == {}


async def test_an_old_client_in_repeatable_read_is_followed(
    desk: Ladder, database_url: str, connect: Connect
) -> None:
    await desk.put("user:k:ratings", {"a": {"stars": 1}, "b": 3})
    await desk.put("sent", {"a": "x"})
    await desk.expand(["ratings", "sent"])
    client = await connect(database_url)
    async with client.transaction(isolation="repeatable_read"):
        await client.execute(f"UPDATE {STORE} SET value = value - 'a' || '{{\"c\": {{}}}}'")
    assert await desk.differences() == {}
    async with client.transaction(isolation="repeatable_read"):
        await client.execute(f"DELETE FROM {STORE}")
    assert await desk.differences() == {}
