"""The ladder as a state machine: whatever old clients and the application write, and wherever a
growth stands, stops, dies and goes on, nobody notices it.

The model is a dict for what old clients write, and for what the application writes a second store
with relations of its own, which never grow: each statement is said to both, must end alike, and the
stores and the relations must be the same after every step.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from firing import ALL, UPSERT, Ladder, shown
from growing import CAMPUS, STORE
from outgrow import layout
from outgrow.db.embedded import EmbeddedServer

T = TypeVar("T")

STEPS = int(os.environ.get("OUTGROW_STEPS", "1000"))
TWIN = msgspec.structs.replace(CAMPUS, name="twin")
TWIN_STORE = 'public."twin_store"'

people = st.sampled_from(["a", "a", "a", "b", "b", "é" * 200])
chats = st.sampled_from(["a:b", "a:b", "a:b", "a"])
keys = st.one_of(
    people.map("user:{}".format),
    people.map("user:{}:connections".format),
    chats.map("chat:{}".format),
    chats.map("chat:{}:messages".format),
    st.builds("intro:{}:{}:{}".format, people, people, st.sampled_from("12")),
    st.sampled_from(["school:MIT:users", "schools:all", "odd", "chat:a:b:typing:a", "user:"]),
    st.sampled_from(["user:" + "x" * 201, "chat:messages", "intro:a:b", "user:a:chats"]),
)
schools = st.sampled_from(["MIT", "Yale", None, 7, "s" * 201])
times = st.sampled_from(["2026-01-02T03:04:05.678Z", "yesterday", None])
documents = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["A", "n" * 300, 1.0]),
        "school": schools,
        "email": st.sampled_from(["A@x.edu", "b@x.edu"]),
        "createdAt": times,
        "participants": st.lists(people | st.integers(0, 1), max_size=3) | st.just("a"),
        "status": st.sampled_from(["pending", "accepted"]),
        "settings": st.just({"profileVisible": False}),
    },
)
messages = st.fixed_dictionaries(
    {"id": st.sampled_from(["m1", "m2"])},
    optional={"content": st.sampled_from(["hi", "ho"]), "n": st.just(1), "timestamp": times},
)
misfits: st.SearchStrategy[Any] = st.sampled_from(
    [None, 7, "text", True, '["a"]', [], {}, [None], [["a"]], [1.5, "a", {}]]
)
lists = st.lists(people | st.just("a"), max_size=4) | st.lists(messages, max_size=3)
values = documents | lists | misfits


def value_of(key: str) -> st.SearchStrategy[Any]:
    """What belongs under the key, and a misfit now and then."""
    fits: st.SearchStrategy[Any] = documents
    if key.endswith(("connections", ":users", ":all", ":chats")):
        fits = st.lists(people, max_size=4)
    elif key.endswith("messages"):
        fits = st.lists(messages, max_size=3)
    return fits | fits | values


puts = keys.flatmap(lambda key: st.tuples(st.just(key), value_of(key)))
FIRST: dict[str, Any] = {
    "user:a": {"name": "A", "school": "MIT"},
    "user:b": {"name": "B", "school": "Yale"},
    "user:a:connections": ["b", "c"],
    "chat:a:b": {"participants": ["a", "b"]},
    "chat:a:b:messages": [{"id": "m1"}, {"id": "m2"}],
    "intro:a:b:1": {"status": "pending"},
}
WRITES = {
    "INSERT INTO {0}.users (id, name, school, rest) VALUES ($1, $2, 'MIT', '{{}}')": 2,
    "UPDATE {0}.users SET school = $2 WHERE id = $1 AND store_key = {0}.users_lookup_key($1)": 2,
    "UPDATE {0}.users SET major = 'Art' WHERE school = 'MIT' AND name = $1": 1,
    "DELETE FROM {0}.users WHERE id = $1 AND store_key = {0}.users_lookup_key($1)": 1,
    "INSERT INTO {0}.connections (user_id, connected_user_id) VALUES ($1, $2)": 2,
    "DELETE FROM {0}.connections WHERE user_id = $1 "
    "AND store_key = {0}.connections_lookup_key($1)": 1,
    "DELETE FROM {0}.connections c WHERE connected_user_id = $1 "
    "AND c.store_value @> {0}.connections_containing($1)": 1,
    "INSERT INTO {0}.intros (from_id, to_id, sent_ms, status) VALUES ($1, $2, '1', 'pending')": 2,
    "UPDATE {0}.intros SET status = 'accepted' WHERE to_id = $1 AND status = 'pending'": 1,
    "DELETE FROM {0}.intros WHERE from_id = $1": 1,
    "INSERT INTO {0}.chats (id, participants) VALUES ($1 || ':' || $2, "
    "jsonb_build_array($1::text, $2::text))": 2,
    "DELETE FROM {0}.chats WHERE id = 'a:b'": 0,
    "INSERT INTO {0}.messages (chat_id, id, sender_id) VALUES ($1 || ':' || $2, 'm1', $1)": 2,
    "UPDATE {0}.messages SET content = $1 WHERE id = 'm1' AND chat_id = 'a:b' "
    "AND store_key = {0}.messages_lookup_key('a:b')": 1,
    "DELETE FROM {0}.messages WHERE chat_id = 'a:b' AND pos = ("
    "SELECT min(pos) FROM {0}.messages WHERE chat_id = 'a:b')": 0,
}


TOLD = (asyncpg.UniqueViolationError, asyncpg.CheckViolationError, asyncpg.SerializationError)


class Mirror:
    """How far a relation's table is: what a growth would have written down."""

    def __init__(self) -> None:
        self.after = ""
        self.upto: str | None = None
        self.owed: list[str] = []
        self.filled = False
        self.shadow = False


class TheLadder(RuleBasedStateMachine):
    loop: asyncio.AbstractEventLoop
    client: Any  # autocommit
    other: Any  # holds transactions open
    url: str
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, Any] = {}
        self.mirrors: dict[str, Mirror] = {}
        self.ladder = Ladder(self.wait(asyncpg.connect(self.url)))

    @classmethod
    def wait(cls, work: Coroutine[Any, Any, T]) -> T:
        return cls.loop.run_until_complete(asyncio.wait_for(work, 30))

    def teardown(self) -> None:
        self.wait(self.other.execute("ROLLBACK"))
        self.wait(self.ladder.leave())
        self.wait(self.client.execute(f"TRUNCATE {STORE}, {TWIN_STORE}"))
        self.wait(self.ladder.connection.close())

    # What clients do ----------------------------------------------------------------------------

    def both(self, sql: str, *parameters: Any, client: Any = None) -> None:
        """On the store and on the twin."""
        for store in (STORE, TWIN_STORE):
            statement = sql.replace(STORE, store)
            self.wait((client or self.client).execute(statement, *parameters))

    @initialize(some=st.booleans(), level=st.integers(0, 3))
    def begin(self, some: bool, level: int) -> None:
        """Where most of the way may lie behind it already."""
        for item in FIRST.items() if some else ():
            self.put(item)
        if level > 0:
            self.start(list(ALL), False)
        if level > 1:
            self.finish()
        for mirror in self.mirrors.values() if level > 2 else ():
            mirror.shadow = True
        if level > 2:
            self.wait(self.ladder.show("shadow"))

    @rule(key=st.sampled_from(["user:a:connections", "chat:a:b:messages"]), first=st.booleans())
    def rewrite(self, key: str, first: bool) -> None:
        """The same elements in another order, or one less."""
        value = self.model.get(key)
        if isinstance(value, list):
            self.put((key, value[1:] if first else value[::-1]))

    @rule(put=puts)
    def put(self, put: tuple[str, Any]) -> None:
        key, value = put
        self.both(UPSERT, key, json.dumps(value))
        self.model[key] = value

    @rule(some=st.dictionaries(keys, values, min_size=2, max_size=5))
    def put_many(self, some: dict[str, Any]) -> None:
        insert = UPSERT.replace(
            "VALUES ($1, $2::text::jsonb)", "SELECT * FROM jsonb_each($1::jsonb)"
        )
        self.both(insert, json.dumps(some))
        self.model.update(some)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        self.both(f"DELETE FROM {STORE} WHERE key = $1", key)
        del self.model[key]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), to=keys)
    def rename(self, data: st.DataObject, to: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        if to in self.model:
            return
        self.both(f"UPDATE {STORE} SET key = $2 WHERE key = $1", key, to)
        self.model[to] = self.model.pop(key)

    @rule(key=keys, element=people)
    def append(self, key: str, element: str) -> None:
        """Twice in one transaction, around a savepoint that is rolled back."""
        if not isinstance(self.model.get(key), list):
            return
        self.both(
            f"DO $do$ BEGIN UPDATE {STORE} SET value = value || '[\"x\"]' WHERE key = '{key}';"
            f"BEGIN UPDATE {STORE} SET value = '7' WHERE key = '{key}'; RAISE EXCEPTION 'no';"
            f"EXCEPTION WHEN raise_exception THEN NULL; END;"
            f"UPDATE {STORE} SET value = value || to_jsonb('{element}'::text) WHERE key = '{key}';"
            "END $do$"
        )
        self.model[key] = [*self.model[key], "x", element]

    @rule(
        write=st.sampled_from(sorted(WRITES)),
        parameters=st.tuples(people, st.sampled_from(["a", "b", "Yale"])),
    )
    def write(self, write: str, parameters: Sequence[str]) -> None:
        """By the application, which is told the same on both sides."""
        outcomes = []
        for schema in ("campus", "twin"):
            try:
                sql = write.format(schema)
                outcomes.append(self.wait(self.client.execute(sql, *parameters[: WRITES[write]])))
            except TOLD as e:
                outcomes.append(e.sqlstate)
        assert outcomes[0] == outcomes[1], (write, outcomes)
        self.model = self.stored(TWIN_STORE)

    # What a growth does -------------------------------------------------------------------------

    @precondition(lambda self: len(self.mirrors) < len(ALL))
    @rule(
        some=st.lists(st.sampled_from(ALL), min_size=1, unique=True) | st.just(list(ALL)),
        crash=st.booleans(),
    )
    def start(self, some: list[str], crash: bool) -> None:
        names = [name for name in some if name not in self.mirrors]
        if crash:
            self.crash(self.ladder.expand(names))
            return
        self.wait(self.ladder.expand(names))
        self.mirrors |= {name: Mirror() for name in names}

    @precondition(lambda self: any(not mirror.filled for mirror in self.mirrors.values()))
    @rule(size=st.integers(1, 4), data=st.data(), crash=st.booleans())
    def batch(self, size: int, data: st.DataObject, crash: bool) -> None:
        name, mirror = self.choose(data, lambda mirror: not mirror.filled)
        if mirror.upto is None:
            mirror.upto = self.wait(self.ladder.last_key(name)) or ""
        work = self.ladder.batch(name, mirror.after, mirror.upto, size)
        if crash:
            self.crash(work)
            return
        self.batched(mirror, self.wait(work))

    @precondition(lambda self: any(not mirror.filled for mirror in self.mirrors.values()))
    @rule(put=puts, gone=st.booleans(), data=st.data(), commits=st.booleans(), old=st.booleans())
    def batch_beside(
        self, put: tuple[str, Any], gone: bool, data: st.DataObject, commits: bool, old: bool
    ) -> None:
        """While somebody has written and not committed; one with an old snapshot loses a race."""
        name, mirror = self.choose(data, lambda mirror: not mirror.filled)
        if mirror.upto is None:
            mirror.upto = self.wait(self.ladder.last_key(name)) or ""
        key, value = put
        owner = CAMPUS.relations[CAMPUS.source_of(name)].pattern
        keys_of_owner = sorted(k for k in self.model if CAMPUS.match(k) == owner)
        if keys_of_owner:
            key = data.draw(st.sampled_from(keys_of_owner))
        sql, parameters = (UPSERT, [key, json.dumps(value)])
        if gone:
            sql, parameters = f"DELETE FROM {STORE} WHERE key = $1", [key]
        if old:
            commits = self.after_a_batch(name, mirror, sql, parameters)
        else:
            self.wait(self.other.execute("BEGIN"))
            self.wait(self.other.execute(sql, *parameters))
            self.batched(mirror, self.wait(self.ladder.batch(name, mirror.after, mirror.upto, 50)))
            self.wait(self.other.execute("COMMIT" if commits else "ROLLBACK"))
        if commits:
            self.wait(self.client.execute(sql.replace(STORE, TWIN_STORE), *parameters))
            self.model.pop(key, None)
            self.model |= {} if gone else {key: value}

    def after_a_batch(self, name: str, mirror: Mirror, sql: str, parameters: list[Any]) -> bool:
        self.wait(self.other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ"))
        self.wait(self.other.execute(f"SELECT FROM {STORE}"))
        self.batched(
            mirror, self.wait(self.ladder.batch(name, mirror.after, mirror.upto or "", 50))
        )
        try:
            self.wait(self.other.execute(sql, *parameters))
        except asyncpg.SerializationError:
            self.wait(self.other.execute("ROLLBACK"))
            return False
        self.wait(self.other.execute("COMMIT"))
        return True

    @precondition(lambda self: any(mirror.owed for mirror in self.mirrors.values()))
    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        name, mirror = self.choose(data, lambda mirror: bool(mirror.owed))
        self.wait(self.ladder.backfill_key(name, mirror.owed.pop()))

    @precondition(lambda self: any(not mirror.filled for mirror in self.mirrors.values()))
    @rule()
    def finish(self) -> None:
        for name, mirror in self.mirrors.items():
            if not mirror.filled:
                assert self.wait(self.ladder.backfill(name, 3)) == []
                mirror.owed, mirror.filled = [], True

    @precondition(lambda self: any(mirror.filled for mirror in self.mirrors.values()))
    @rule(data=st.data())
    def switch(self, data: st.DataObject) -> None:
        """Or back again."""
        name, mirror = self.choose(data, lambda mirror: mirror.filled)
        mirror.shadow = not mirror.shadow
        self.wait(self.ladder.show("shadow" if mirror.shadow else "store", [name]))

    @precondition(lambda self: self.mirrors)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        name, _ = self.choose(data, lambda mirror: True)
        self.wait(self.ladder.leave([name]))
        del self.mirrors[name]

    def choose(self, data: st.DataObject, condition: Any) -> tuple[str, Mirror]:
        name = data.draw(
            st.sampled_from([n for n, mirror in self.mirrors.items() if condition(mirror)])
        )
        return name, self.mirrors[name]

    def batched(self, mirror: Mirror, row: tuple[str | None, int, int, list[str]]) -> None:
        last, count, _, skipped = row
        mirror.after = last or mirror.after
        mirror.owed += skipped
        mirror.filled = mirror.filled or (not count and not mirror.owed)

    def crash(self, work: Coroutine[Any, Any, Any]) -> None:
        """The connection dies after the work and before its commit; another goes on."""

        async def dies() -> None:
            await self.ladder.connection.transaction().start()
            await work
            self.ladder.connection.terminate()
            self.ladder.connection = await asyncpg.connect(self.url)
            self.ladder.mirrored = set(self.mirrors)

        self.wait(dies())

    # What must hold -----------------------------------------------------------------------------

    def stored(self, store: str) -> dict[str, Any]:
        rows = self.wait(self.client.fetch(f"SELECT key, value FROM {store}"))
        return {row["key"]: json.loads(row["value"]) for row in rows}

    @invariant()
    def the_stores_are_the_model(self) -> None:
        type(self).steps += 1
        assert self.stored(STORE) == self.model
        assert self.stored(TWIN_STORE) == self.model

    @invariant()
    def every_relation_shows_what_the_twin_shows(self) -> None:
        for name in ALL:
            shows, should = (
                self.wait(shown(self.client, name, blueprint)) for blueprint in (CAMPUS, TWIN)
            )
            assert shows == should, name

    @invariant()
    def the_tables_that_are_filled_follow(self) -> None:
        filled = [name for name, mirror in self.mirrors.items() if mirror.filled]
        assert self.wait(self.ladder.differences(filled)) == {}


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(20, 30), pytest.param(max(1, STEPS // 100), 100, marks=pytest.mark.soak)],
)
def test_nobody_notices_a_growth(
    server: EmbeddedServer, campus_template: str, examples: int, steps: int
) -> None:
    class Machine(TheLadder):
        loop = asyncio.new_event_loop()

    async def make(name: str, sql: str) -> None:
        connection = await asyncpg.connect(server.url(name))
        await connection.execute(sql)
        await connection.close()

    name = f"stateful_{examples}"
    Machine.url = server.url(name)
    Machine.wait(make("postgres", f"CREATE DATABASE {name} TEMPLATE {campus_template}"))
    try:
        Machine.wait(make(name, f"CREATE TABLE {TWIN_STORE} (LIKE {STORE} INCLUDING ALL)"))
        for query in layout.create(TWIN, "public", "twin_store"):
            Machine.wait(make(name, query.sql))
        Machine.client = Machine.wait(asyncpg.connect(Machine.url))
        Machine.other = Machine.wait(asyncpg.connect(Machine.url))
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                database=None,
                # Each step costs 30 ms: shrinking would take minutes.
                phases=[Phase.explicit, Phase.generate],
            ),
        )
        print(f"{Machine.steps} steps")
    finally:
        for connection in (Machine.client, Machine.other):
            connection.terminate()
        Machine.wait(make("postgres", f"DROP DATABASE {name} WITH (FORCE)"))
        Machine.loop.close()
