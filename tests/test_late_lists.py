"""Derived lists that are late: noted by whoever writes, and folded into the store by a job."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from random import Random
from statistics import median
from typing import Any

import asyncpg
import pytest

from conftest import Connect
from growing import CAMPUS, STORE, opened
from lateness import (
    ISOLATIONS,
    LIST,
    Writers,
    climb,
    default_isolation,
    exported,
    leave,
    listed,
    members,
    move,
    notes,
    put,
    sign_up,
    value,
)
from outgrow.db.pool import Database
from outgrow.schema import late_lists
from outgrow.schema.late_lists import fold
from outgrow.settings import DEFAULT_STORE


@pytest.fixture
async def raw(connect: Connect, database_url: str) -> Any:
    """An old client, and the database's owner."""
    return await connect(database_url)


@pytest.fixture
async def late(database: Database, raw: Any) -> Database:
    """A store whose lists are late."""
    await climb(database, "optimized", 5)
    return database


# -- noting and folding


async def test_a_writer_notes_and_the_fold_writes(late: Database, raw: Any) -> None:
    await sign_up(raw, "1")
    await sign_up(raw, "2")
    assert await value(raw, LIST) is None
    schools = ("schools:all", "A", True)
    assert sorted(await notes(raw)) == [(LIST, "1", True), (LIST, "2", True), schools, schools]
    folded = await fold(late)
    assert (folded.notes, folded.lists, folded.failed) == (4, 2, {})
    assert await value(raw, LIST) == ["1", "2"]
    assert await value(raw, "schools:all") == ["A"]
    assert await notes(raw) == []
    await move(raw, "1", "B")
    await leave(raw, "2")
    assert await value(raw, LIST) == ["1", "2"]
    await fold(late)
    assert await value(raw, LIST) == []
    assert await value(raw, "school:B:users") == ["1"]
    assert sorted(await value(raw, "schools:all")) == ["A", "B"]


async def test_of_two_notes_the_later_one_counts(late: Database, raw: Any) -> None:
    await sign_up(raw, "1")
    await move(raw, "1", "B")
    await move(raw, "1", "A")
    await sign_up(raw, "2")
    await leave(raw, "2")
    await fold(late)
    assert await value(raw, LIST) == ["1"]
    assert await value(raw, "school:B:users") == []


async def test_what_is_in_a_list_already_is_not_written_again(late: Database, raw: Any) -> None:
    await put(raw, LIST, ["1", 2, "3", "1"])
    before = await raw.fetchval(f"SELECT ctid::text FROM {STORE} WHERE key = $1", LIST)
    await sign_up(raw, "1")
    await sign_up(raw, "9")
    await leave(raw, "9")
    await fold(late)
    assert await raw.fetchval(f"SELECT ctid::text FROM {STORE} WHERE key = $1", LIST) == before
    assert await notes(raw) == []


async def test_what_is_no_list_is_left_alone(late: Database, raw: Any) -> None:
    await put(raw, LIST, {"no": "list"})
    await sign_up(raw, "1")
    assert (await fold(late)).failed == {}
    assert await value(raw, LIST) == {"no": "list"}
    assert await notes(raw) == []


async def test_a_batch_is_bounded(
    late: Database, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_lists, "BATCH", 3)
    for number in range(10):
        await sign_up(raw, str(number))
    name, store = CAMPUS.name, f"public.{DEFAULT_STORE}"
    assert await late.transaction(lambda s: late_lists.fold_list(s, name, store, LIST)) == 3
    assert await value(raw, LIST) == ["0", "1", "2"]
    await fold(late)
    assert await value(raw, LIST) == [str(number) for number in range(10)]


async def test_a_sign_up_waits_for_no_list(
    late: Database, raw: Any, connect: Connect, database_url: str
) -> None:
    """Not even where an old client has locked it: that is for the fold to wait for."""
    await put(raw, LIST, [])
    other = await connect(database_url)
    async with other.transaction():
        await other.execute(f"SELECT FROM {STORE} WHERE key = $1 FOR UPDATE", LIST)
        await raw.execute("SET lock_timeout = '100ms'")
        await sign_up(raw, "1")
        assert await notes(raw) != []


@pytest.mark.parametrize("isolation", ISOLATIONS)
async def test_the_same_run_gives_the_same_store(
    late: Database, raw: Any, campus: Database, campus_url: str, connect: Connect, isolation: str
) -> None:
    """With late lists and without; what a relation shows is never late."""
    bare = await connect(campus_url)
    relations = ("users", "school_members", "intros", "chats", "participants")
    for connection in (raw, bare):
        await connection.execute(f"SET default_transaction_isolation = '{isolation}'")
        random = Random(7)
        for number in range(150):
            await _act(connection, random)
            if connection is raw and number % 40 == 39:
                await fold(late)
    for name in relations:
        shown = [
            await connection.fetch(
                f"SELECT to_jsonb(r) - 'pos' FROM campus.{name} r ORDER BY to_jsonb(r)::text"
            )
            for connection in (raw, bare)
        ]
        assert shown[0] == shown[1], name
    assert await notes(raw) != []
    await fold(late)
    assert await exported(raw) == await exported(bare)


async def _act(raw: Any, random: Random) -> None:
    """Do something to one of the relations that fill derived lists."""
    user, other = random.sample([f"u{n}" for n in range(6)], 2)
    chat, people = f"{user}_{other}", json.dumps([user, other])
    statements = (
        ("INSERT INTO campus.intros (from_id, to_id, sent_ms, reason, status, rest)"
         " VALUES ($1, $2, '7', 'x', 'pending', '{}')", user, other),
        ("DELETE FROM campus.intros WHERE from_id = $1 AND to_id = $2", user, other),
        ("INSERT INTO campus.chats (id, participants, rest)"
         " VALUES ($1, $2::text::jsonb, '{}')", chat, people),
        ("DELETE FROM campus.chats WHERE id = $1", chat),
        ("UPDATE campus.chats SET participants = $2::text::jsonb WHERE id = $1", chat,
         json.dumps([other])),
    )  # fmt: skip
    number = random.randrange(len(statements) + 4)
    with suppress(asyncpg.UniqueViolationError):
        if number < len(statements):
            sql, *arguments = statements[number]
            await raw.execute(sql, *arguments)
        elif number == len(statements):
            await move(raw, user, random.choice("AB"))
        elif number == len(statements) + 1:
            await leave(raw, user)
        else:
            await sign_up(raw, user, random.choice("AB"))


# -- old clients


async def test_an_old_client_who_has_not_seen_a_note_does_not_undo_it(
    late: Database, raw: Any
) -> None:
    """It reads a list, and writes it with one id more."""
    await put(raw, LIST, ["0"])
    read = await value(raw, LIST)
    await sign_up(raw, "1")
    await put(raw, LIST, [*read, "9"])
    await fold(late)
    assert await value(raw, LIST) == ["0", "9", "1"]


async def test_an_old_client_undoes_what_was_folded(late: Database, raw: Any) -> None:
    await sign_up(raw, "1")
    await fold(late)
    await put(raw, LIST, [])
    await sign_up(raw, "2")
    await fold(late)
    assert await value(raw, LIST) == ["2"]


async def test_an_old_client_who_deletes_somebody_wins(late: Database, raw: Any) -> None:
    """It leaves the list without somebody whom only a note knows."""
    await sign_up(raw, "1")
    await sign_up(raw, "2")
    await raw.execute(f"DELETE FROM {STORE} WHERE key = 'user:1'")
    await put(raw, LIST, ["9"])
    await fold(late)
    assert await value(raw, LIST) == ["9", "2"]


async def test_an_old_client_who_brings_somebody_back_wins(late: Database, raw: Any) -> None:
    await sign_up(raw, "1")
    await fold(late)
    await leave(raw, "1")
    await put(raw, "user:1", {"name": "N", "school": "A"})
    await put(raw, LIST, ["1", "9"])
    await fold(late)
    assert await value(raw, LIST) == ["1", "9"]


async def test_what_nothing_is_taken_out_of_is_asked_of_nobody(late: Database, raw: Any) -> None:
    """A school stays in the list of schools, though the one who brought it has gone."""
    await sign_up(raw, "1")
    await leave(raw, "1")
    await fold(late)
    assert await value(raw, "schools:all") == ["A"]


# -- several at once


@pytest.mark.parametrize("isolation", ISOLATIONS)
async def test_writers_folders_and_an_old_client_at_once(
    late: Database, raw: Any, connect: Connect, database_url: str, isolation: str
) -> None:
    writers = Writers(connect, database_url, isolation)

    async def folds() -> None:
        while not writers._stopped:
            await fold(late)

    tasks = [asyncio.create_task(writers.run(seed)) for seed in range(3)]
    old = asyncio.create_task(writers.old_client())
    folding = [asyncio.create_task(folds()) for _ in range(2)]
    await asyncio.sleep(2.5)
    writers.stop()
    await asyncio.gather(*tasks, *folding)
    appended = await old
    await fold(late)
    assert writers.done > 20
    assert await listed(raw) == await members(raw)
    assert {f"old-{n}" for n in range(appended)} <= set(await value(raw, LIST))


@pytest.mark.parametrize("isolation", ISOLATIONS)
async def test_lists_become_late_and_are_so_no_longer_under_fire(
    database: Database, raw: Any, connect: Connect, database_url: str, isolation: str
) -> None:
    """Between two ways of writing no change is lost, and none comes twice or too late, whatever the
    isolation of all is set to."""
    await climb(database, "optimized")
    await default_isolation(raw, isolation)
    writers = Writers(connect, database_url, isolation)
    tasks = [asyncio.create_task(writers.run(seed)) for seed in range(3)]
    try:
        for turn in range(6):
            await climb(database, "optimized", (turn + 1) % 2)
            assert (await notes(raw) == []) or turn % 2 == 0
            await asyncio.sleep(0.2)
            if turn % 2 == 0:
                await fold(database)
    finally:
        writers.stop()
        await asyncio.gather(*tasks)
    assert await notes(raw) == []
    assert await listed(raw) == await members(raw)
    assert writers.done > 20


FOLDS = """
import asyncio, sys
from outgrow.db.pool import Database
from outgrow.schema.late_lists import fold

async def main():
    database = await Database.open(sys.argv[1])
    print("ready", flush=True)
    while True:
        await fold(database)

asyncio.run(main())
"""


@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.soak)])
async def test_killed_at_any_moment_nothing_is_lost(
    late: Database, raw: Any, connect: Connect, database_url: str, kills: int
) -> None:
    writers = Writers(connect, database_url)
    tasks = [asyncio.create_task(writers.run(seed)) for seed in range(2)]
    random = Random(kills)
    try:
        for _ in range(kills):
            with subprocess.Popen(
                [sys.executable, "-c", FOLDS, database_url],
                env={**os.environ},
                stdout=subprocess.PIPE,
            ) as process:
                assert process.stdout is not None
                await asyncio.to_thread(process.stdout.readline)
                await asyncio.sleep(random.uniform(0, 0.3))
                process.kill()
    finally:
        writers.stop()
        await asyncio.gather(*tasks)
    await fold(late)
    assert await notes(raw) == []
    assert await listed(raw) == await members(raw)


async def test_a_fold_sees_what_it_waited_for(
    late: Database, raw: Any, connect: Connect, database_url: str
) -> None:
    """At once, whatever the isolation is set to: an old client's element stands there once."""
    await put(raw, LIST, [])
    await sign_up(raw, "1")
    await default_isolation(raw, "serializable")
    async with opened(database_url) as strict:
        said: list[str] = []
        strict.observe_with(lambda name, _: said.append(name))
        async with raw.transaction():
            await raw.execute(f'UPDATE {STORE} SET value = \'["9", "1"]\' WHERE key = $1', LIST)
            folding = asyncio.create_task(fold(strict))
            await asyncio.sleep(0.3)
        assert (await folding).failed == {}
    assert await value(raw, LIST) == ["9", "1"]
    assert said.count("late_lists.begin") == 3  # once for the store, and for each list


async def test_two_rows_may_put_one_element_into_a_list(late: Database, raw: Any) -> None:
    """One goes before the other comes: of two notes that both hold, the later one counts."""
    await put(raw, "user:1", {"school": "A"})
    for source, added in (("user:gone", False), ("user:1", True)):
        await raw.execute(
            "INSERT INTO outgrow.late_notes (name, key, element, source, added)"
            " VALUES ('campus', $1, '1', $2, $3)",
            LIST,
            source,
            added,
        )
    await put(raw, LIST, [])
    await fold(late)
    assert await value(raw, LIST) == ["1"]


async def test_many_small_lists_are_written_together(late: Database, raw: Any) -> None:
    """Notes of 300 lists take seconds one by one; those of which one cannot be written still do."""
    for number in range(300):
        await sign_up(raw, str(number), f"S{number}")
    said: list[str] = []
    late.observe_with(lambda name, _: said.append(name))
    folded = await fold(late)
    assert (folded.notes, folded.lists) == (600, 301)
    assert said.count("late_lists.fold") <= 5
    assert await listed(raw) == await members(raw)


async def test_a_list_that_is_held_keeps_no_other_late(
    database: Database, raw: Any, connect: Connect, database_url: str
) -> None:
    await climb(database, "optimized", 1)
    await put(raw, LIST, [])
    other = await connect(database_url)
    job = asyncio.create_task(late_lists.keep_folding(database))
    lags = []
    async with other.transaction():
        await other.execute(f"SELECT FROM {STORE} WHERE key = $1 FOR UPDATE", LIST)
        await sign_up(raw, "held")
        for number in range(40):
            await sign_up(raw, str(number), "B")
            await asyncio.sleep(0.1)
            lags.append(
                await raw.fetchval(
                    "SELECT extract(epoch FROM clock_timestamp() - min(noted_at))"
                    " FROM outgrow.late_notes WHERE key = 'school:B:users'"
                )
                or 0
            )
    job.cancel()
    await asyncio.wait([job])
    assert max(lags) <= 2
    assert (await fold(database)).failed == {}
    assert await listed(raw) == await members(raw)


# -- what it costs, and how late


async def _written(raw: Any, school: str, user: str) -> int:
    """Sign up and return the bytes that this writes to the log."""
    before = await raw.fetchval("SELECT pg_current_wal_insert_lsn()")
    await sign_up(raw, user, school)
    written: int = await raw.fetchval("SELECT pg_current_wal_insert_lsn() - $1::pg_lsn", before)
    return int(written)


async def test_a_sign_up_into_a_large_school_writes_what_it_writes_in_a_new_one(
    late: Database, raw: Any
) -> None:
    """The list of 50,000 is two megabytes, of which a sign-up writes nothing."""
    await put(raw, LIST, [f"member-{number:06}" for number in range(50_000)])
    large, new = [], []
    for number in range(20):
        large.append(await _written(raw, "A", f"l{number}"))
        new.append(await _written(raw, f"New-{number}", f"n{number}"))
    assert median(large) <= 1.2 * median(new)


async def test_a_list_is_never_later_than_twice_its_bound(database: Database, raw: Any) -> None:
    await climb(database, "optimized", 1)
    await put(raw, LIST, [f"member-{number:06}" for number in range(50_000)])
    jobs = [asyncio.create_task(late_lists.keep_folding(database)) for _ in range(2)]
    lags = []
    end = time.monotonic() + 4
    number = 0
    while time.monotonic() < end:
        for _ in range(10):
            await sign_up(raw, f"u{number}", f"S{number % 20}" if number % 2 else "A")
            number += 1
        lags.append((await late_lists.read_lag(database))[1])
    for job in jobs:
        job.cancel()
    await asyncio.wait(jobs)
    assert max(lags) <= 2
    assert len(await value(raw, LIST)) > 50_000
