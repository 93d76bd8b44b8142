"""The blueprints of examples/: each is mirrored, written from both sides, and taken down again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from examples.generate import EXAMPLES, generate

from conftest import Connect
from firing import Ladder, shown
from growing import STORE, grow
from outgrow.blueprint import Blueprint, parse
from outgrow.db.pool import Database
from outgrow.growth.state import Phase
from outgrow.schema.install import install

FOLDER = Path(__file__).parent.parent / "examples"
BLUEPRINTS = {
    path.stem: parse(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.toml"))
}
SIZE = 25
WRITES = {
    "events": [
        "INSERT INTO events.attendees (event_id, user_id) VALUES ('new', 'u1'), ('new', 'u2')",
        "DELETE FROM events.attendees WHERE user_id = 'me'",
        "INSERT INTO events.messages (chat_id, id, content, mine) VALUES ('new', 'm1', 'Hi', true)",
        "UPDATE events.messages SET content = upper(content) WHERE pos = 1000000",
        "UPDATE events.events SET title = 'Moved', organizer_id = NULL WHERE day < '2026-06'",
        "DELETE FROM events.users WHERE username LIKE '%3'",
        "INSERT INTO events.users (id, username, rest) VALUES ('new', 'New', '{\"bio\": \"x\"}')",
    ],
    "mechanics": [
        "INSERT INTO mechanics.bookings (ms, customer_id, status) VALUES ('1', 'new', 'pending')",
        "UPDATE mechanics.bookings SET mechanic_id = 'u0' WHERE status = 'pending'",
        "DELETE FROM mechanics.pending WHERE pos = 1000000",
        "INSERT INTO mechanics.pending (booking) VALUES ('booking:1:new')",
        "INSERT INTO mechanics.messages (booking, content) VALUES ('booking:1:new', 'Where?')",
        "UPDATE mechanics.vehicles SET make = 'Saab' WHERE pos = 2000000",
        "DELETE FROM mechanics.addresses WHERE pos = 1000000",
        "INSERT INTO mechanics.reviews (ms, provider_id, rating) VALUES ('1', 'u0', 5)",
        "DELETE FROM mechanics.tracking WHERE lat > 0",
    ],
    "stock": [
        "INSERT INTO stock.mappings (company_id, sku, product_id) VALUES ('new', '1', 'p1')",
        "UPDATE stock.mappings SET product_id = 'p2' WHERE product_id > 'p1'",
        "DELETE FROM stock.mappings WHERE sku LIKE '%2'",
        "INSERT INTO stock.notified (about, day) VALUES ('all', '2026-01-01')",
        "UPDATE stock.ratings SET stars = stars + 1 WHERE stars < 5",
        "INSERT INTO stock.users (id, name, company_id) VALUES ('new', 'New', 'c1')",
        'UPDATE stock.products SET suppliers = \'["s9", "s1", "s9"]\' WHERE stock > 5',
        "DELETE FROM stock.companies WHERE id = 'c0'",
        "INSERT INTO stock.recorded (company_id, transaction, at_ms) VALUES ('c1', 'a:b:c', 1)",
    ],
}


@pytest.fixture(params=EXAMPLES)
def blueprint(request: pytest.FixtureRequest) -> Blueprint:
    return BLUEPRINTS[request.param]


@pytest.fixture
async def filled(
    database: Database, database_url: str, connect: Connect, blueprint: Blueprint
) -> Ladder:
    """The example's store and the relations over it."""
    ladder = Ladder(await connect(database_url), blueprint)
    for key, value in generate(blueprint.name, SIZE):
        await ladder.put(key, value)
    await install(database, blueprint=blueprint)
    return ladder


def test_there_is_a_generator_for_each() -> None:
    assert BLUEPRINTS.keys() == EXAMPLES.keys()
    assert all(name == blueprint.name for name, blueprint in BLUEPRINTS.items())
    shapes = {p.shape for b in BLUEPRINTS.values() for p in b.patterns.values()}
    assert {"document", "ids", "objects", "map"} <= shapes


def test_every_pattern_has_keys(blueprint: Blueprint) -> None:
    keys = [key for key, _ in generate(blueprint.name, SIZE)]
    assert len(set(keys)) == len(keys)
    counts = Counter(blueprint.match(key) for key in keys)
    assert counts.keys() == {*blueprint.patterns, None}
    assert list(generate(blueprint.name, SIZE)) == list(generate(blueprint.name, SIZE))


async def seen(ladder: Ladder) -> dict[str, list[str]]:
    """What every relation shows."""
    relations = ladder.blueprint.relations
    return {name: await shown(ladder.connection, name, ladder.blueprint) for name in relations}


async def test_every_relation_is_mirrored_and_shows_the_same(
    filled: Ladder, blueprint: Blueprint
) -> None:
    store, before = await filled.stored(), await seen(filled)
    assert all(before.values()), "every relation has rows"
    await filled.expand(blueprint.relations)
    for name in blueprint.relations:
        assert await filled.fill(name) == len(before[name])
    await filled.index()
    assert await filled.differences() == {}
    await filled.show("shadow")
    assert await seen(filled) == before
    await filled.leave()
    assert await seen(filled) == before
    assert await filled.stored() == store
    left = "SELECT relname FROM pg_class WHERE relnamespace = $1::text::regnamespace"
    assert await filled.rows(left, f"{blueprint.name}_tables") == []
    assert await filled.rows("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'outgrow%'") == []


async def test_writes_do_the_same_in_the_store_and_with_tables(
    filled: Ladder, blueprint: Blueprint
) -> None:
    """Each write twice, from the same state: with the relation in the store, and in its table."""
    original = await filled.stored()
    names = list(blueprint.relations)
    ends: list[Any] = []
    for home in ("store", "shadow"):
        await filled.run(f"TRUNCATE {STORE}")
        for key, value in original.items():
            await filled.put(key, value)
        if home == "shadow":
            await filled.expand(names)
            for name in names:
                await filled.fill(name)
            await filled.index()
            await filled.show("shadow")
        changes = []
        for write in WRITES[blueprint.name]:
            before = await filled.stored()
            await filled.run(write)
            after = await filled.stored()
            assert after != before, write
            if home == "shadow":
                assert await filled.differences() == {}
            changes.append(after)
        ends.append((changes, await seen(filled)))
    assert ends[0] == ends[1]


async def test_tables_follow_old_clients(filled: Ladder, blueprint: Blueprint) -> None:
    names = list(blueprint.relations)
    await filled.expand(names)
    for name in names[::2]:  # the others are still to be filled
        await filled.fill(name)
    values: dict[str | None, list[Any]] = {}
    for key, value in generate(blueprint.name, SIZE):
        values.setdefault(blueprint.match(key), []).append((key, value))
    for pairs in values.values():
        for (key, _), (_, other) in zip(pairs, pairs[1:] + pairs[:1], strict=True):
            await filled.put(key, other)
    for statement in (
        "DELETE FROM {} WHERE key LIKE '%3%'",
        'UPDATE {} SET value = value || \'["u1", 7, {{"id": "new"}}]\' '
        "WHERE jsonb_typeof(value) = 'array'",
        "UPDATE {} SET value = value - 'name' - 'u1' || '{{\"x\": [1.0], \"status\": \"seen\"}}' "
        "WHERE jsonb_typeof(value) = 'object'",
        "UPDATE {} SET key = key || '999' WHERE key LIKE '%14'",
    ):
        await filled.run(statement.format(STORE))
        for name in names[::2]:
            assert await filled.differences([name]) == {}, (statement, name)
    for name in names:
        await filled.fill(name)
    assert await filled.differences() == {}


async def test_a_growth_takes_it_up_and_down(
    filled: Ladder, database: Database, blueprint: Blueprint
) -> None:
    store, before = await filled.stored(), await seen(filled)
    way: list[Phase] = ["optimized", "hybrid", "relational", "hybrid", "initial"]
    for goal in way:
        done = await grow(database, goal, blueprint=blueprint)
        assert done.store.phase == goal
        assert await seen(filled) == before
        if goal == "relational":
            assert await filled.differences(blueprint.relations) == {}
    assert await filled.stored() == store
    tables = "SELECT to_regnamespace($1) IS NULL"
    assert await filled.rows(tables, f"{blueprint.name}_tables") == [(True,)]
