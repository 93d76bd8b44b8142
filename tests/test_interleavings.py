"""Old clients at every isolation level, step by step: with tables they are told what they were told
without, and the tables are right whatever the order was."""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from conftest import Connect
from firing import Ladder
from growing import CAMPUS, STORE
from interleaving import GROWTH, Outcome, Script, World, schedules
from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.pool import Database
from outgrow.layout.mirror import tables
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE
from test_old_clients import STOCK

BARE = "public.bare"
RERUN = "40001"  # serialization_failure
LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
SEED = 7


@dataclass(frozen=True, slots=True)
class Kind:
    """Two keys of one pattern; values of the first, and what is appended and taken away."""

    keys: tuple[str, str]
    values: tuple[Any, Any]
    more: Any
    less: str
    relations: tuple[str, ...]

    def first(self) -> dict[str, Any]:
        return dict(zip(self.keys, self.values, strict=True))

    def operations(self) -> dict[str, tuple[str, ...]]:
        key, second = (f"'{k}'" for k in self.keys)
        first, second, more = (f"'{json.dumps(v)}'" for v in (*self.values, self.more))
        insert = f"INSERT INTO {{s}} VALUES ({key}, {second})"
        delete = f"DELETE FROM {{s}} WHERE key = {key}"
        update = "UPDATE {s} SET"
        return {
            "insert": (insert,),
            "upsert": (f"{insert} ON CONFLICT (key) DO UPDATE SET value = excluded.value",),
            "insert or nothing": (f"{insert} ON CONFLICT DO NOTHING",),
            "replace": (f"{update} value = {second} WHERE key = {key}",),
            "append": (f"{update} value = value || {more} WHERE key = {key}",),
            "shorten": (f"{update} value = value - {self.less} WHERE key = {key}",),
            "delete": (delete,),
            "rename": (f"{update} key = {second} WHERE key = {key}",),
            "rename back": (f"{update} key = {key} WHERE key = {second}",),
            "swap": (
                f"{update} key = CASE key WHEN {key} THEN {second} ELSE {key} END "
                f"WHERE key IN ({key}, {second})",
            ),
            "rename out": (f"{update} key = 'odd' WHERE key = {key}",),
            "misfit": (f"{update} value = '\"text\"' WHERE key = {key}",),
            "all": (f"{update} value = value || {more}",),
            "delete all": ("DELETE FROM {s}",),
            "both": (
                f"INSERT INTO {{s}} VALUES ({key}, {first}), ({second}, {second}) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            ),
            "delete and insert": (delete, insert),
            "insert and delete": (insert, delete),
        }


KINDS = {
    "document": Kind(
        ("user:k", "user:l"),
        ({"name": "A", "school": "MIT"}, {"name": "B", "school": "Yale"}),
        {"major": "Art"},
        "'school'",
        ("users", "school_members", "user_search"),
    ),
    "ids": Kind(
        ("user:k:connections", "user:l:connections"),
        (["b", "c"], ["d", "c"]),
        ["e"],
        "0",
        ("connections",),
    ),
    "objects": Kind(
        ("chat:k:messages", "chat:l:messages"),
        ([{"id": "m1"}, {"id": "m2"}], [{"id": "m3"}, {"id": "m2"}, {"id": "m4"}]),
        [{"id": "m5"}],
        "0",
        ("messages",),
    ),
    "unnested": Kind(
        ("chat:k", "chat:l"),
        ({"participants": ["a", "b"]}, {"participants": ["b", "c"]}),
        {"participants": ["c"]},
        "'participants'",
        ("chats", "participants"),
    ),
}


MAPS = {
    "map": Kind(
        ("zig_product_mappings:k", "zig_product_mappings:l"),
        ({"1": "p1", "2": "p2"}, {"3": "p1", "2": "p3"}),
        {"4": "p4"},
        "'2'",
        ("mappings",),
    ),
    "map of objects": Kind(
        ("company:k:ratings", "company:l:ratings"),
        ({"a": {"stars": 1}, "b": {"stars": 2}}, {"a": {"stars": 3}, "c": {"stars": 2}}),
        {"d": {"stars": 4}},
        "'a'",
        ("ratings",),
    ),
}
SHOWN = {
    "campus": {
        "users": "id, name, school FROM {} ORDER BY id",
        "connections": "user_id, connected_user_id FROM {} ORDER BY user_id, pos",
        "messages": "chat_id, id FROM {} ORDER BY chat_id, pos",
        "participants": "chat_id, user_id FROM {} ORDER BY chat_id, user_id",
    },
    "stock": {
        "mappings": "company_id, sku, product_id FROM {} ORDER BY company_id, sku",
        "ratings": "company_id, user_id, stars FROM {} ORDER BY company_id, user_id",
    },
}
COMING = ("insert", "upsert", "insert or nothing", "rename back", "both")
Case = tuple[Kind, Sequence[Script], Sequence[int]]


class Worlds:
    """The same twice: a bare store, and one whose relations all have tables."""

    def __init__(self, ladder: Ladder, worlds: Sequence[World]) -> None:
        self.ladder = ladder
        self.worlds = worlds
        self.empty = "DELETE FROM"
        self._owed: list[tuple[str, str]] = []

    async def first(self, values: dict[str, Any]) -> None:
        """Put exactly these values into both."""
        for store in (BARE, STORE):
            await self.ladder.run(f"{self.empty} {store}")
            await self.ladder.run(
                f"INSERT INTO {store} SELECT key, value FROM jsonb_each($1::text::jsonb)",
                json.dumps(values),
            )

    async def not_copied(self) -> None:
        """Forget what has been copied, as if the triggers had just been made."""
        blueprint = self.ladder.blueprint
        for name in self.ladder.mirrored:
            await self.ladder.run(f"DELETE FROM {tables.table(blueprint, name)}")
            if tables.is_list(blueprint, name):
                await self.ladder.run(f"DELETE FROM {tables.lists(blueprint, name)}")

    async def copy(self, connection: Any, name: str) -> None:
        """Copy as a growth does; the keys that somebody has locked, when all is over."""
        last = await self.ladder.last_key(name)
        if last is not None:
            query = layout.mirror.backfill(
                self.ladder.blueprint, name, *self.ladder.schema_and_store
            )
            row = await connection.fetchrow(query.sql, "", last, 100)
            self._owed += [(name, key) for key in row[3]]

    async def compared(
        self, scripts: Sequence[Script], schedule: Sequence[int]
    ) -> tuple[list[tuple[Outcome, ...]], dict[str, Any]]:
        """Return what was told in both worlds, and in what the second is wrong; of what was told
        nothing where PostgreSQL chose who went first."""
        ran = [await world.run(scripts, schedule) for world in self.worlds]
        outcomes = [() if any(chosen for _, chosen in ran) else outcome for outcome, _ in ran]
        while self._owed:
            await self.ladder.backfill_key(*self._owed.pop())
        wrong: dict[str, Any] = dict(await self.ladder.differences())
        contents = [
            await self.ladder.rows(f"SELECT key, value::text FROM {store} ORDER BY key")
            for store in (BARE, STORE)
        ]
        if outcomes[0] == outcomes[1] != () and contents[0] != contents[1]:
            wrong["stores"] = contents
        expected = rows_of({key: json.loads(value) for key, value in contents[1]})
        for name, sql in SHOWN[self.ladder.blueprint.name].items():
            table = tables.table(self.ladder.blueprint, name)
            rows = await self.ladder.rows("SELECT " + sql.format(table))
            if rows != expected[name]:
                wrong[f"rows of {name}"] = rows, expected[name]
        return outcomes, wrong


def rows_of(store: dict[str, Any]) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables are to hold, said once more: only for values as the tests here write them."""
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for key, value in sorted(store.items()):
        match key.split(":"), value:
            case ["user", name], dict():
                rows["users"].append((name, value.get("name"), value.get("school")))
            case ["user", name, "connections"], list():
                ids = [element for element in value if isinstance(element, str)]
                rows["connections"] += [(name, element) for element in dict.fromkeys(ids)]
            case ["chat", name, "messages"], list():
                rows["messages"] += [(name, e["id"]) for e in value if isinstance(e, dict)]
            case ["chat", name], dict():
                people = sorted(set(value.get("participants", ())))
                rows["participants"] += [(name, element) for element in people]
            case ["zig_product_mappings", name], dict():
                rows["mappings"] += [(name, k, v) for k, v in sorted(value.items())]
            case ["company", name, "ratings"], dict():
                rows["ratings"] += [(name, k, v["stars"]) for k, v in sorted(value.items())]
    return rows


async def worlds_of(database: Database, url: str, connect: Connect, blueprint: Blueprint) -> Worlds:
    await install(database, blueprint=blueprint)
    ladder = Ladder(await connect(url), blueprint)
    await ladder.run(f"CREATE TABLE {BARE} (key text PRIMARY KEY, value jsonb NOT NULL)")
    await ladder.mirror(tuple(blueprint.relations))

    async def world(store: str) -> World:
        sessions = [await connect(url) for _ in range(3)]
        for session in sessions:
            await session.execute("SET deadlock_timeout = '20ms'")
        return World(store, await connect(url), sessions)

    both = Worlds(ladder, [await world(BARE), await world(STORE)])
    both.worlds[1].growth = both.copy
    return both


@pytest.fixture
async def worlds(database: Database, database_url: str, connect: Connect) -> Worlds:
    return await worlds_of(database, database_url, connect, CAMPUS)


@pytest.fixture
async def stock(database: Database, database_url: str, connect: Connect) -> Worlds:
    return await worlds_of(database, database_url, connect, STOCK)


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """`bare` and `told` are what was told without tables and with them; `wrong` is what is wrong in
    the tables afterwards."""

    kind: Kind
    scripts: Sequence[Script]
    schedule: Sequence[int]
    bare: tuple[Outcome, ...]
    with_tables: tuple[Outcome, ...]
    wrong: dict[str, Any]

    def __repr__(self) -> str:
        lines = [f"{self.kind.first()}"]
        lines += [f"{number}: {script}" for number, script in enumerate(self.scripts)]
        lines += [f"in the order {self.schedule}", f"without tables: {self.bare}"]
        return "\n".join(["", *lines, f"with tables: {self.with_tables}", f"wrong: {self.wrong}"])

    @property
    def more(self) -> list[tuple[str, str | None]]:
        """The errors that somebody was told because of the tables, with their isolation levels. At
        SERIALIZABLE it is luck which of two comes first, the taken key or the cycle."""
        if self.is_cycle:
            return []
        return [
            (code, script.level)
            for script, bare, with_tables in zip(
                self.scripts, self.bare, self.with_tables, strict=False
            )
            if script.level != "SERIALIZABLE" or RERUN not in bare
            for code in (Counter(codes(with_tables)) - Counter(codes(bare))).elements()
        ]

    @property
    def is_cycle(self) -> bool:
        """Whether somebody was told at SERIALIZABLE to run his transaction again because of what
        the triggers read in the tables; what others are told then follows from that.

        The trigger reads the head of a list, which somebody else may have taken away since the
        snapshot. Where that one has also read what this one writes, neither can come first."""
        return any(
            script.level == "SERIALIZABLE" and with_tables.count(RERUN) > bare.count(RERUN)
            for script, bare, with_tables in zip(
                self.scripts, self.bare, self.with_tables, strict=False
            )
        )


async def explore(worlds: Worlds, cases: Iterator[Case]) -> AsyncIterator[Result]:
    for kind, scripts, schedule in cases:
        await worlds.first(kind.first())
        if any(sql.startswith(GROWTH) for script in scripts for sql in script.steps):
            await worlds.not_copied()
        (bare, with_tables), wrong = await worlds.compared(scripts, schedule)
        yield Result(kind, scripts, schedule, bare, with_tables, wrong)


def codes(outcome: Outcome) -> list[str]:
    return [answer for answer in outcome if re.fullmatch("[0-9A-Z]{5}", answer)]


def at_random(
    count: int, seed: int, growing: bool = False, kinds: Sequence[Kind] = tuple(KINDS.values())
) -> Iterator[Case]:
    """Two or three sessions, each with one or two operations, in any order; the third may be a
    growth."""
    chance = random.Random(seed)
    for _ in range(count):
        kind = chance.choice(kinds)
        operations = list(kind.operations().values())
        scripts = []
        for _ in range(2 if growing else chance.choice((2, 2, 3))):
            level = chance.choice((None, *LEVELS))
            statements = sum(
                (chance.choice(operations) for _ in range(chance.choice((1, 1, 2)))), ()
            )
            if level is not None and chance.random() < 0.2:
                undone = chance.choice(operations)
                statements = ("SAVEPOINT p", *undone, "ROLLBACK TO p", *statements)
            scripts.append(Script(statements, level))
        if growing:
            scripts.append(Script(tuple(GROWTH + name for name in kind.relations)))
        turns = [number for number, script in enumerate(scripts) for _ in script.steps]
        chance.shuffle(turns)
        yield kind, scripts, turns


@pytest.mark.parametrize("level", LEVELS[1:])
async def test_a_key_that_went_after_the_snapshot_comes_again(worlds: Worlds, level: str) -> None:
    """In whatever order: one deletes or renames the key, the other writes it."""

    def cases() -> Iterator[Case]:
        for kind, going, coming in product(KINDS.values(), ("delete", "rename out"), COMING):
            operations = kind.operations()
            scripts = Script(operations[coming], level), Script(operations[going])
            for schedule in schedules(scripts):
                yield kind, scripts, schedule

    async for result in explore(worlds, cases()):
        assert not result.wrong, repr(result)
        assert result.with_tables == result.bare, repr(result)


@pytest.mark.parametrize("level", LEVELS[1:])
async def test_a_key_that_came_again_is_upserted(worlds: Worlds, level: str) -> None:
    """In the transaction that wrote it, beside rows that its snapshot still shows: somebody else
    took them away, and they cannot be taken away once more."""

    def cases() -> Iterator[Case]:
        for kind in KINDS.values():
            operations = kind.operations()
            for coming in COMING:
                written = operations[coming] + operations["upsert"]
                scripts = Script(written, level), Script(operations["delete"])
                yield kind, scripts, (0, 1, 0, 0, 0)

    await nobody_notices(worlds, cases(), lost_races=True)


async def nobody_notices(worlds: Worlds, cases: Iterator[Case], lost_races: bool = False) -> None:
    """With `lost_races` a transaction above READ COMMITTED may have to be run again where it would
    not without tables."""
    counted: Counter[str] = Counter()
    async for result in explore(worlds, cases):
        assert not result.wrong, repr(result)
        more = result.more
        if lost_races and (RERUN, "REPEATABLE READ") in more:
            more = []
        assert not more, repr(result)
        counted["cases"] += 1
        counted["cycles"] += result.is_cycle
        for world, outcomes in (("bare", result.bare), ("with tables", result.with_tables)):
            counted[f"40001 {world}"] += sum(outcome.count(RERUN) for outcome in outcomes)
    print(dict(counted))
    assert lost_races or counted["cycles"] * 50 <= counted["cases"] + 50


@pytest.mark.parametrize("count", [150, pytest.param(20_000, marks=pytest.mark.soak)])
async def test_whatever_the_order_is_nobody_notices_the_tables(worlds: Worlds, count: int) -> None:
    await nobody_notices(worlds, at_random(count, SEED))


@pytest.mark.parametrize("count", [60, pytest.param(5_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("growing", [False, True], ids=["quiet", "growing"])
async def test_whatever_the_order_is_maps_are_followed(
    stock: Worlds, growing: bool, count: int
) -> None:
    maps = tuple(MAPS.values())
    await nobody_notices(stock, at_random(count, SEED, growing, maps), lost_races=growing)


@pytest.mark.parametrize("count", [80, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_keys_are_copied_meanwhile(worlds: Worlds, count: int) -> None:
    """What was copied after a transaction's snapshot cannot be changed in this transaction: it sees
    the key without its rows."""
    await nobody_notices(worlds, at_random(count, SEED, growing=True), lost_races=True)


TRIGGER = """
    CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF pg_trigger_depth() = 1 THEN
            {body}
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER {name} AFTER {events} ON {s} FOR EACH ROW EXECUTE FUNCTION {name}()"""
PUTS_BACK = "INSERT INTO {s} VALUES (OLD.key, OLD.value);"
WRITES_AGAIN = """UPDATE {s} SET value = CASE jsonb_typeof(value)
    WHEN 'object' THEN value || '{"major": "Law"}' ELSE value || value END WHERE key = NEW.key;"""
RENAMES = """UPDATE {s} SET key = CASE WHEN key ~ 'k' THEN 'gone' ELSE 'user:k' END
    WHERE key = NEW.key AND value::text ~ 'Art|e|m5';"""
OTHERS = {
    "puts it back": (PUTS_BACK, "DELETE"),
    "writes again": (WRITES_AGAIN, "INSERT OR UPDATE"),
    "renames": (RENAMES, "UPDATE"),
}


@pytest.mark.parametrize("count", [20, pytest.param(2_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("order", ["a", "z"])
@pytest.mark.parametrize("other", OTHERS)
async def test_beside_triggers_of_others(
    worlds: Worlds, other: str, order: str, count: int
) -> None:
    """By their names they come before ours or after."""
    body, events = OTHERS[other]
    for store in (BARE, STORE):
        name = f"{order}_{store[7]}".replace('"', "")
        sql = TRIGGER.replace("{name}", name).replace("{body}", body).replace("{events}", events)
        await worlds.ladder.run(sql.replace("{s}", store))
    worlds.empty = "TRUNCATE"
    await nobody_notices(worlds, at_random(count, SEED))


@pytest.mark.parametrize("count", [40, pytest.param(2_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("when", ["DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"])
async def test_under_a_deferred_key(worlds: Worlds, when: str, count: int) -> None:
    """Two rows may have one key until the statement ends, or the transaction. The tables hold one
    row: while somebody else has not decided about his, a snapshot may become too old."""
    for store, name in ((BARE, "bare_pkey"), (STORE, f"{DEFAULT_STORE}_pkey")):
        await worlds.ladder.run(f"ALTER TABLE {store} DROP CONSTRAINT {name}")
        await worlds.ladder.run(f"ALTER TABLE {store} ADD PRIMARY KEY (key) {when}")
    await nobody_notices(worlds, at_random(count, SEED), lost_races=True)


@pytest.mark.parametrize("count", [40, pytest.param(2_000, marks=pytest.mark.soak)])
async def test_where_the_trigger_may_see_no_row(worlds: Worlds, count: int) -> None:
    """FORCE ROW LEVEL SECURITY holds for the owner too, who has no policy; clients see all."""
    run, owner = worlds.ladder.run, "hidden_from"
    changed = "FUNCTION campus_tables.store_changed()"
    await run(
        f"CREATE ROLE {owner}; GRANT ALL ON SCHEMA public, campus_tables, outgrow TO {owner};"
        f"GRANT ALL ON ALL TABLES IN SCHEMA campus_tables TO {owner};"
        f"GRANT ALL ON ALL FUNCTIONS IN SCHEMA campus_tables, outgrow TO {owner};"
        f"ALTER TABLE {STORE} OWNER TO {owner}; ALTER {changed} OWNER TO {owner};"
        f"ALTER TABLE {STORE} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    )
    try:
        await nobody_notices(worlds, at_random(count, SEED))
    finally:
        await run(
            f"ALTER TABLE {STORE} OWNER TO CURRENT_USER; ALTER {changed} OWNER TO CURRENT_USER;"
            f"DROP OWNED BY {owner}; DROP ROLE {owner}"
        )
