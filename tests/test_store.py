"""The key-value API against a dict, against other writers, and at the edges of what jsonb holds."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from conftest import Connect
from outgrow.db.pool import Database
from outgrow.errors import BadInput, Conflict, NotFound
from outgrow.settings import DEFAULT_STORE
from outgrow.store import MISSING, NO_VALUE, TEXT, Store, problem, read_json, write_json
from test_concurrency import wait_for_lock

# Text that PostgreSQL can hold, and what has gone wrong with keys before.
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
keys = text | st.sampled_from(
    ["", "%", "_", "\\", "a%", "a_", "a\\", "ab", "user:1", "user:10", "user:1:connections",
     "\U0010ffff", "a\U0010ffff", "\ud7ff", "\ue000", "é", "E", "e", "'\"", ":a", "$1"]
)  # fmt: skip
numbers = (
    st.integers()
    | st.integers(10**29, 10**40)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.sampled_from([Decimal("1.0"), Decimal("1.00"), 10**400, Decimal("1e-300"), 0])
)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=10,
)


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


class Model:
    """What the store must answer: a dict of values as jsonb keeps them."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {}

    def page(self, prefix: str, after: str | None, limit: int) -> list[tuple[str, Any]]:
        keys = sorted(key for key in self.held if key.startswith(prefix))
        return [(key, self.held[key]) for key in keys if after is None or key > after][:limit]


def same(left: Any, right: Any) -> bool:
    """Equal to the last digit: for Python, 1.0 == 1 and True == 1."""
    return canonical(left) == canonical(right)


def canonical(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{k!r}:{canonical(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, Decimal) and not value.as_tuple().exponent:
        return f"int {value:f}"
    return f"{type(value).__name__} {value:f}" if isinstance(value, Decimal) else (
        f"{type(value).__name__} {value!r}"
    )  # fmt: skip


@given(st.dictionaries(keys, values, max_size=8), st.lists(keys, max_size=12))
async def test_what_is_written_is_read_back(
    store: Store, items: dict[str, Any], asked: list[str]
) -> None:
    await store.mset(items)
    wanted = [*items, *asked, *items]
    answers = await store.mget(wanted)
    assert len(answers) == len(wanted)
    for key, answer in zip(wanted, answers, strict=True):
        if key in items:
            assert same(answer, items[key]), (key, answer, items[key])
    await store.mdel(items)
    assert await store.mget(list(items)) == [MISSING] * len(items)


@given(st.sets(keys, max_size=20), keys, st.none() | keys, st.integers(0, 8))
async def test_scan_and_prefix_answer_as_a_dict_does(
    store: Store, held: set[str], prefix: str, after: str | None, limit: int
) -> None:
    model = Model()
    model.held = {key: n for n, key in enumerate(sorted(held))}
    await store.mset(model.held)
    assert await store.scan(prefix, after=after, limit=limit) == model.page(prefix, after, limit)
    pairs = [pair async for pair in store.get_by_prefix(prefix)]
    assert pairs == model.page(prefix, None, len(held))
    walked: list[tuple[str, Any]] = []
    while page := await store.scan(prefix, after=walked[-1][0] if walked else None, limit=3):
        walked += page
    assert walked == pairs
    await store.mdel(held)


@pytest.mark.parametrize("prefix", ["a%", "a_", "a\\", "%", "_"])
async def test_wildcards_in_a_prefix_are_ordinary_letters(store: Store, prefix: str) -> None:
    await store.mset({"abc": 1, "a%c": 2, "a_c": 3, "a\\c": 4, "%": 5, "_": 6})
    keys = [key for key, _ in await store.scan(prefix)]
    assert keys == [key for key in ("%", "_", "a%c", "a\\c", "a_c") if key.startswith(prefix)]
    assert keys


@pytest.mark.parametrize(
    "value",
    ["null", "true", "1", "1.0", "1.10", "-0.5", "1" + "0" * 400, "1" + "0" * 6000,
     "123456789012345678901234567890", "0." + "0" * 300 + "1", '""', "[]", "{}",
     '"\\\\u0000"', '{"a": [1.0, 1, null]}'],
)  # fmt: skip
async def test_text_comes_back_as_jsonb_writes_it(
    store: Store, database: Database, value: str
) -> None:
    raw = Store(database, codec=TEXT)
    await raw.set("k", value)
    assert await raw.get("k") == value
    await store.set("k2", await store.get("k"))
    assert await raw.get("k2") == value


async def test_null_is_a_value_and_a_missing_key_is_not(store: Store) -> None:
    await store.set("null", None)
    assert await store.mget(["null", "none", "null"]) == [None, MISSING, None]
    assert await store.get("none") is MISSING
    assert await store.delete("null") is True
    assert await store.delete("null") is False


async def test_empty_batches_do_nothing(store: Store) -> None:
    await store.mset({})
    await store.mset([])
    assert await store.mget([]) == []
    assert await store.mdel([]) == 0
    assert await store.scan(limit=0) == []


async def test_of_a_doubled_key_the_last_counts(store: Store) -> None:
    await store.mset([("a", 1), ("b", 2), ("a", 3)])
    assert await store.mget(["a", "b"]) == [3, 2]
    assert await store.mdel(["a", "a"]) == 1


async def test_ten_thousand_keys_are_one_statement_and_more_are_several(
    store: Store, database: Database
) -> None:
    seen: list[str] = []
    database.observe_with(lambda name, _: seen.append(name) if name.startswith("store.") else None)
    many = {f"k{n}": {"n": n, "pad": "x" * 20} for n in range(10_000)}
    await store.mset(many)
    assert await store.mget(many) == list(many.values())
    assert seen == ["store.mset", "store.mget"]
    more = {f"m{n}": n for n in range(10_001)}
    await store.mset(more)
    assert seen.count("store.mset") == 3
    assert len(await store.mget(more)) == 10_001
    assert await store.mdel([*many, *more]) == 20_001


async def test_a_failing_batch_writes_nothing(store: Store) -> None:
    items: dict[str, Any] = {f"k{n}": n for n in range(10_000)}
    with pytest.raises(BadInput):
        # The second statement fails: no such number fits.
        await store.mset({**items, "z": Decimal("1e200000")})
    assert await store.scan() == []


@pytest.mark.parametrize(
    ("value", "why"),
    [("a\0b", "u0000"), ({"\0": 1}, "u0000"), (["\ud800"], "surrogate"), (float("nan"), "nan"),
     (Decimal("sNaN"), "NaN"), ([float("inf")], "inf"), ({1: 2}, "not text"), (b"", "bytes"),
     ({"a", "b"}, "set"), (Decimal("1e200000"), "overflow")],
)  # fmt: skip
async def test_a_value_that_cannot_be_held_is_named(store: Store, value: Any, why: str) -> None:
    with pytest.raises(BadInput) as caught:
        await store.mset({"fine": 1, "the-key": value})
    assert caught.value.code == "bad_value"
    assert why in str(caught.value.detail)
    if why != "overflow":
        assert "'the-key'" in caught.value.message
    assert await store.get("fine") is MISSING


@pytest.mark.parametrize("value", ["", "{", "NaN", "'a'", '"\\u0000"', '"\\ud800"', '"\0"', "1 2"])
async def test_text_that_is_not_json_is_named(database: Database, value: str) -> None:
    raw = Store(database, codec=TEXT)
    with pytest.raises(BadInput) as caught:
        await raw.mset({"fine": "1", "the-key": value})
    assert "'the-key'" in caught.value.message
    assert problem(value)


@pytest.mark.parametrize("key", ["a\0b", "\ud800", None, 7, b"a"])
async def test_a_key_that_cannot_be_held_is_named(store: Store, key: Any) -> None:
    calls = (store.get, store.delete, store.scan, lambda key: store.mget(["a", key]))
    writes = (store.set, store.append, store.add_to_set, store.remove)
    for call in calls:
        with pytest.raises(BadInput) as caught:
            await call(key)
        assert caught.value.code == "bad_key"
        assert ascii(key) in caught.value.message
    for write in writes:
        with pytest.raises(BadInput, match="key"):
            await write(key, 1)


async def test_a_key_beyond_the_indexes_limit_is_a_clear_error(store: Store) -> None:
    key = "".join(chr(0x4E00 + n % 7919) for n in range(0, 90_000, 7))
    with pytest.raises(BadInput, match="cannot be stored") as caught:
        await store.set(key, 1)
    assert len(caught.value.message) < 200


async def test_nesting_beyond_python_or_the_server_is_a_clear_error(
    store: Store, database: Database
) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match="'deep'"):
        await store.set("deep", deep)
    with pytest.raises(BadInput, match="'deep'"):
        await Store(database, codec=TEXT).set("deep", "[" * 100_000 + "]" * 100_000)
    while deep:
        (deep,) = deep
    text = "[" * 3000 + "]" * 3000
    await Store(database, codec=TEXT).set("k", text)
    assert await Store(database, codec=TEXT).get("k") == text
    with pytest.raises(BadInput) as caught:
        await store.get("k")
    assert caught.value.code == "too_deep"


async def test_arrays_grow_and_shrink(store: Store) -> None:
    await store.append("list", {"id": 1})
    await store.append("list", Decimal("1.0"))
    await store.append("list", None)
    assert not await store.add_to_set("list", None)
    assert not await store.add_to_set("list", {"id": 1})
    assert not await store.add_to_set("list", 1), "equal as jsonb sees it"
    assert await store.add_to_set("list", {})
    assert await store.add_to_set("list", [{"id": 1}])
    assert write_json(await store.get("list")) == '[{"id":1},1.0,null,{},[{"id":1}]]'
    await store.append("list", None)
    assert await store.remove("list", None)
    assert not await store.remove("list", None)
    assert not await store.remove("missing", None)
    assert await store.get("list") == [{"id": 1}, 1, {}, [{"id": 1}]]
    assert await store.add_to_set("set", 1)
    assert await store.remove("set", 1)
    assert await store.get("set") == [], "an emptied list is still there"


@pytest.mark.parametrize("value", [{}, "[]", 1, None, True])
async def test_what_is_not_an_array_is_left_alone(store: Store, value: Any) -> None:
    await store.set("k", value)
    for change in (store.append, store.add_to_set, store.remove):
        with pytest.raises(Conflict) as caught:
            await change("k", value)
        assert caught.value.code == "not_an_array"
    assert same(await store.get("k"), value)


async def test_no_concurrent_append_is_lost_nor_the_first(store: Store) -> None:
    for round_ in range(5):
        key = f"list:{round_}"
        await asyncio.gather(*(store.append(key, n) for n in range(40)))
        assert sorted(await store.get(key)) == list(range(40))


async def test_concurrent_adds_of_one_element_add_it_once(store: Store) -> None:
    for round_ in range(5):
        key = f"set:{round_}"
        added = await asyncio.gather(*(store.add_to_set(key, n % 4) for n in range(40)))
        assert sum(added) == 4
        assert sorted(await store.get(key)) == [0, 1, 2, 3]


async def test_append_waits_for_an_old_client_and_keeps_what_it_wrote(
    store: Store, connect: Connect, database_url: str
) -> None:
    """An old client holds the row, then rewrites it: the patch is made on what it left."""
    old, watcher = await connect(database_url), await connect(database_url)
    await store.mset({"a": [1], "s": [1], "r": [1, 2]})
    async with old.transaction():
        await old.execute(f"UPDATE {DEFAULT_STORE} SET value = value || '[2]'")
        calls = [
            asyncio.create_task(call)
            for call in (store.append("a", 3), store.add_to_set("s", 2), store.remove("r", 2))
        ]
        await wait_for_lock(watcher, len(calls))
        assert not any(call.done() for call in calls)
    assert (await asyncio.gather(*calls)) == [None, False, True]
    assert await store.mget(["a", "s", "r"]) == [[1, 2, 3], [1, 2], [1]]


async def test_append_to_a_row_that_becomes_something_else_changes_nothing(
    store: Store, connect: Connect, database_url: str
) -> None:
    old, watcher = await connect(database_url), await connect(database_url)
    await store.set("a", [1])
    async with old.transaction():
        await old.execute(f"UPDATE {DEFAULT_STORE} SET value = '{{}}'")
        call = asyncio.create_task(store.append("a", 2))
        await wait_for_lock(watcher)
    with pytest.raises(Conflict):
        await call
    assert await store.get("a") == {}


async def test_batches_in_opposite_orders_do_not_deadlock(
    store: Store, connect: Connect, database_url: str
) -> None:
    """Eight writers and deleters of the same 300 keys, in random orders; PostgreSQL counts."""
    from random import Random

    names = [f"k{n}" for n in range(300)]

    async def work(seed: int) -> None:
        random = Random(seed)
        for turn in range(8):
            mine = random.sample(names, 200)
            if turn % 3 == 2:
                await store.mdel(mine)
            else:
                await store.mset(dict.fromkeys(mine, seed))

    await asyncio.gather(*(work(seed) for seed in range(8)))
    watcher = await connect(database_url)
    counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    await watcher.execute("SELECT pg_sleep(0.2)")
    assert await watcher.fetchval(counted) == 0


async def test_mdel_deletes_what_was_rewritten_meanwhile(
    store: Store, connect: Connect, database_url: str
) -> None:
    old, watcher = await connect(database_url), await connect(database_url)
    await store.mset({"a": 1, "b": 1})
    async with old.transaction():
        await old.execute(f"UPDATE {DEFAULT_STORE} SET value = '2' WHERE key = 'b'")
        call = asyncio.create_task(store.mdel(["b", "a"]))
        await wait_for_lock(watcher)
        assert not call.done()
    assert await call == 2
    assert await store.scan() == []


async def test_get_by_prefix_is_of_one_moment_and_can_be_left(store: Store) -> None:
    await store.mset({f"k{n:04}": n for n in range(500)})
    async with aclosing(store.get_by_prefix("k")) as stream:
        seen = [await anext(stream)]
        await store.mset({f"k{n:04}": -1 for n in range(600)})
        seen += [pair async for pair in stream]
    assert seen == [(f"k{n:04}", n) for n in range(500)]
    async with aclosing(store.get_by_prefix("k")) as stream:
        async for key, _ in stream:
            assert key == "k0000"
            break
    # All ten connections of the pool are free again.
    await asyncio.wait_for(asyncio.gather(*(store.get("k0000") for _ in range(20))), 5)


async def test_load_keeps_all_or_nothing(store: Store) -> None:
    async def batches(last: Any) -> Any:
        yield [("a", 1), ("b", 1)]
        yield [("b", 2), ("c", last)]

    with pytest.raises(BadInput):
        await store.load(batches(float("nan")))
    assert await store.scan() == []
    await store.load(batches(3))
    assert await store.scan() == [("a", 1), ("b", 2), ("c", 3)]


async def test_extra_columns_are_tolerated(
    store: Store, connect: Connect, database_url: str
) -> None:
    old = await connect(database_url)
    await old.execute(
        f"ALTER TABLE {DEFAULT_STORE} ADD created_at timestamptz NOT NULL DEFAULT now(), ADD x int"
    )
    await old.execute(f"INSERT INTO {DEFAULT_STORE} (key, value, x) VALUES ('a', '1', 7)")
    await store.set("a", 2)
    await store.append("b", 1)
    assert await store.scan() == [("a", 2), ("b", [1])]
    assert await old.fetchval(f"SELECT x FROM {DEFAULT_STORE} WHERE key = 'a'") == 7


async def test_a_null_of_sql_is_no_value_and_not_missing(
    store: Store, connect: Connect, database_url: str
) -> None:
    old = await connect(database_url)
    await old.execute(f"ALTER TABLE {DEFAULT_STORE} ALTER value DROP NOT NULL")
    await old.execute(f"INSERT INTO {DEFAULT_STORE} VALUES ('a', NULL), ('b', 'null')")
    assert await store.get("a") is NO_VALUE
    assert await store.mget(["a", "b", "c"]) == [NO_VALUE, None, MISSING]
    assert await store.scan() == [item async for item in store.get_by_prefix()]
    assert await store.scan() == [("a", NO_VALUE), ("b", None)]
    for change in (store.append, store.add_to_set, store.remove):
        with pytest.raises(Conflict) as caught:
            await change("a", 1)
        assert caught.value.code == "not_an_array"
    await store.set("a", [])
    await store.append("a", 1)
    assert await store.get("a") == [1]


async def test_a_store_of_another_name_is_made_only_when_asked(
    database: Database, connect: Connect, database_url: str
) -> None:
    await (await connect(database_url)).execute('CREATE SCHEMA "My Schema"')
    store = Store(database, 'My Schema.we"ird; name')
    with pytest.raises(NotFound) as caught:
        await store.get("a")
    assert caught.value.code == "store_missing"
    await store.create()
    await store.create()
    await store.set("a", 1)
    assert await store.scan("a") == [("a", 1)]


@pytest.mark.parametrize("limit", [-1])
async def test_a_negative_limit_is_refused(store: Store, limit: int) -> None:
    with pytest.raises(BadInput, match="negative"):
        await store.scan(limit=limit)


@given(values)
def test_json_is_written_and_read_exactly(value: Any) -> None:
    written = write_json(value)
    assert same(read_json(written), value)
    assert problem(written) is None
    json.loads(written)


class StoreAgainstDict(RuleBasedStateMachine):
    """Any sequence of calls answers as a dict does. Steps run on the loop of `run`."""

    run: Any
    store: Store

    @initialize()
    def empty(self) -> None:
        self.model = Model()
        held = self.run(self.store.scan(limit=100_000))
        self.run(self.store.mdel([key for key, _ in held]))

    some_keys = st.sampled_from(["a", "b", "a:b", "%", "é", "a\U0010ffff"])
    elements = st.integers(0, 3) | st.sampled_from([None, "x", True])

    @rule(items=st.lists(st.tuples(some_keys, values | st.lists(elements, max_size=3)), max_size=4))
    def mset(self, items: list[tuple[str, Any]]) -> None:
        self.run(self.store.mset(items))
        self.model.held.update(items)

    @rule(names=st.lists(some_keys, max_size=4))
    def mdel(self, names: list[str]) -> None:
        removed = {name for name in names if self.model.held.pop(name, MISSING) is not MISSING}
        assert self.run(self.store.mdel(names)) == len(removed)

    @rule(name=some_keys, element=elements)
    def append(self, name: str, element: Any) -> None:
        if self.is_list(name, self.store.append, element):
            self.run(self.store.append(name, element))
            self.model.held[name] = [*self.model.held.get(name, []), element]

    @rule(name=some_keys, element=elements)
    def add_to_set(self, name: str, element: Any) -> None:
        if self.is_list(name, self.store.add_to_set, element):
            held = self.model.held.setdefault(name, [])
            new = not any(equal(element, member) for member in held)
            assert self.run(self.store.add_to_set(name, element)) is new
            self.model.held[name] = [*held, element] if new else held

    @rule(name=some_keys, element=elements)
    def remove(self, name: str, element: Any) -> None:
        if self.is_list(name, self.store.remove, element):
            held = self.model.held.get(name, [])
            left = [member for member in held if not equal(element, member)]
            assert self.run(self.store.remove(name, element)) is (len(left) < len(held))
            if name in self.model.held:
                self.model.held[name] = left

    def is_list(self, name: str, change: Any, element: Any) -> bool:
        if isinstance(self.model.held.get(name, []), list):
            return True
        with pytest.raises(Conflict):
            self.run(change(name, element))
        return False

    @invariant()
    def answers_as_the_dict(self) -> None:
        held = self.run(self.store.scan())
        assert [key for key, _ in held] == sorted(self.model.held)
        for key, value in held:
            assert same(value, self.model.held[key]), key


def equal(left: Any, right: Any) -> bool:
    """As jsonb compares: numbers by value, but true is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _run_machine(url: str) -> None:
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(url, pool_size=2))
        machine: Any = type("Machine", (StoreAgainstDict,), {})
        machine.run = staticmethod(runner.run)
        machine.store = Store(database)
        try:
            machine.TestCase().runTest()
        finally:
            runner.run(database.close())


async def test_any_sequence_of_calls_answers_as_a_dict(database_url: str) -> None:
    await asyncio.to_thread(_run_machine, database_url)


@pytest.mark.soak
@given(st.dictionaries(keys, values, max_size=30))
async def test_what_is_written_is_read_back_at_length(store: Store, items: dict[str, Any]) -> None:
    await store.mset(items)
    for (key, value), answer in zip(items.items(), await store.mget(items), strict=True):
        assert same(answer, value), key
