"""How much of a store one batch of a backfill takes, while its keys are locked against writing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from conftest import Connect
from firing import Ladder
from growing import CAMPUS, STORE
from laddering import climb
from outgrow.db.pool import Database
from outgrow.growth.mirroring import BatchSize
from outgrow.growth.verification import verify
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE

MANY = 3_000  # ids in a list


@pytest.fixture
async def raw(database: Database, database_url: str, connect: Connect) -> Any:
    await install(database)
    return await connect(database_url)


async def put_lists(raw: Any, prefix: str, lists: int, ids: int) -> None:
    await raw.execute(
        f"""INSERT INTO {STORE}
        SELECT format('user:%s%s:connections', $1::text, n), to_jsonb(ARRAY(
            SELECT md5(i::text) FROM generate_series(1, $3::integer) i))
        FROM generate_series(1, $2::integer) n""",
        prefix,
        lists,
        ids,
    )


async def batches(ladder: Ladder, name: str, size: int) -> list[int]:
    """The keys of each batch."""
    last = await ladder.last_key(name)
    assert last is not None
    after: str | None = ""
    sizes: list[int] = []
    while True:
        after, keys, _, _ = await ladder.batch(name, after or "", last, size)
        if not keys:
            return sizes
        sizes.append(keys)


async def test_a_large_list_is_a_batch_of_its_own(raw: Any) -> None:
    """And small ones beside it are not: what a batch costs is its rows."""
    await put_lists(raw, "a", 40, 4)
    await put_lists(raw, "b", 3, MANY)
    await put_lists(raw, "c", 40, 4)
    ladder = Ladder(raw)
    await ladder.expand(["connections"])
    assert await batches(ladder, "connections", 40) == [40, 1, 1, 1, 40]


async def test_large_documents_are_taken_by_their_bytes(raw: Any) -> None:
    """As they are stored: a picture does not compress, and nobody reads it to learn its size."""
    picture = f"SELECT string_agg(md5(random()::text), '') FROM generate_series(1, {MANY})"
    for name, bio in ("a", "'short'"), ("b", f"({picture})"), ("c", "'short'"):
        await raw.execute(
            f"INSERT INTO {STORE} SELECT 'user:{name}' || n, jsonb_build_object('name', 'X', "
            f"'bio', {bio}) FROM generate_series(1, 40) n"
        )
    ladder = Ladder(raw)
    await ladder.expand(["users"])
    sizes = await batches(ladder, "users", 250)
    assert sum(sizes) == 120
    assert sizes[0] == 40 + 2
    assert max(sizes[1:-1]) <= 4


async def test_whatever_is_no_list_is_passed_by(raw: Any) -> None:
    for number, value in enumerate([None, 1, "x", {}, [], [[1]], {"a": list(range(MANY))}]):
        await raw.execute(
            f"INSERT INTO {STORE} VALUES ('user:' || $1::text || ':connections', $2)",
            str(number),
            json.dumps(value),
        )
    ladder = Ladder(raw)
    await ladder.expand(["connections"])
    assert await batches(ladder, "connections", 100) == [7]


async def test_a_growth_holds_one_large_list_at_a_time(raw: Any, database: Database) -> None:
    """60 lists of 20,000 ids were one batch, and an old client's append waited for 26 s. Where
    no batch takes long they double from the first one, and there are seven."""
    await put_lists(raw, "x", 30, MANY)
    statements: list[str] = []
    database.observe_with(lambda name, _: statements.append(name))
    await climb(database, "hybrid")
    assert statements.count("grow.backfill") >= 7
    assert statements.count("grow.verify") >= 7
    statements.clear()
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same
    assert statements.count("grow.verify") >= 7


def test_after_a_slow_batch_the_next_is_small() -> None:
    size = BatchSize()
    assert size.keys <= 50  # of which nobody knows yet how long they take
    for _ in range(10):
        size.took(0.001)
    assert size.keys > 10_000
    size.took(10)
    assert size.keys < 200
    size.took(10)
    assert size.keys == 1
    size.took(0.001)
    assert size.keys == 2


async def test_what_each_row_calls_is_quick_to_begin(raw: Any) -> None:
    """Before PostgreSQL 18 a function in SQL that is not inlined is made ready at each call, and a
    batch of 500 users took 1.3 s. What is left does much, and is asked once or twice."""
    ladder = Ladder(raw)
    await ladder.mirror()
    called: set[str] = set()
    for name in CAMPUS.relations:
        function = f"{CAMPUS.name}_tables.{name}_rows"
        plan = await raw.fetch(
            f"EXPLAIN (VERBOSE) SELECT r.* FROM {STORE} s "
            f"CROSS JOIN LATERAL {function}(s.key, s.value) r"
        )
        text = "".join(row[0] for row in plan)
        called |= set(re.findall(r"outgrow\.(\w+)\(", text))
    rows = await raw.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'outgrow'::regnamespace "
        "AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql')"
    )
    assert called & {row["proname"] for row in rows} == {"fold", "fold_letters", "trait_words"}
