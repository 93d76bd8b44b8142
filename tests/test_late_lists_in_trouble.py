"""Late lists where lists are held, slow or hostile, and where nobody folds."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from conftest import Connect
from growing import CAMPUS, STORE
from lateness import LIST, climb, leave, listed, members, notes, put, sign_up, value
from outgrow.db.pool import Database, Session
from outgrow.queries import Query
from outgrow.schema import late_lists
from outgrow.schema.late_lists import fold
from outgrow.settings import DEFAULT_STORE
from test_cli_kv import outgrow


@pytest.fixture
async def raw(connect: Connect, database_url: str) -> Any:
    return await connect(database_url)


@pytest.fixture
async def late(database: Database, raw: Any) -> Database:
    await climb(database, "optimized", 5)
    return database


async def note(raw: Any, element: str, added: bool, age: str = "0 s") -> None:
    await raw.execute(
        "INSERT INTO outgrow.late_notes (name, key, element, source, added, noted_at)"
        " VALUES ('campus', $1, $2, $3, $4, clock_timestamp() - $5::text::interval)",
        LIST,
        element,
        None if added else "user:gone",
        added,
        age,
    )


class Meddled(Session):
    """A session in which somebody signs up right after the statement with this number."""

    def __init__(self, session: Session, raw: Any, number: int) -> None:
        super().__init__(session.connection, lambda name, seconds: None)
        self._raw, self._number = raw, number

    async def value(self, query: Query, *args: Any) -> Any:
        result = await super().value(query, *args)
        self._number -= 1
        if self._number == 0:
            await sign_up(self._raw, "2")
        return result


@pytest.mark.parametrize("number", range(1, 6))
async def test_a_sign_up_into_a_list_that_is_not_there_is_not_lost(
    late: Database, raw: Any, number: int
) -> None:
    """Its note comes while those that only remove something are dropped: nothing is locked then."""
    await note(raw, "1", added=False)

    async def work(session: Session) -> int:
        meddled = Meddled(session, raw, number)
        return await late_lists.fold_list(meddled, CAMPUS.name, f"public.{DEFAULT_STORE}", LIST)

    await late.transaction(work)
    if not await raw.fetchval("SELECT count(*) FROM campus.users"):
        await sign_up(raw, "2")
    await fold(late)
    assert await value(raw, LIST) == ["2"]
    assert await notes(raw) == []


async def test_a_locked_store_is_waited_for_once(
    late: Database, raw: Any, connect: Connect, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And not once for each list: 300 took half a minute of the job, and an hour of an export."""
    for number in range(300):
        await sign_up(raw, str(number), f"S{number}")
    other = await connect(database_url)
    async with other.transaction():
        await other.execute(f"LOCK TABLE {STORE} IN SHARE MODE")
        begun = time.monotonic()
        folded = await fold(late, patient=False)
        assert time.monotonic() - begun < 5
        assert len(folded.failed) == 301
    with caplog.at_level(logging.WARNING, "outgrow.late_lists"):
        late_lists._warn(folded.failed)
    assert [record.getMessage() for record in caplog.records] == [
        f"the list {next(iter(folded.failed))} and 300 more could not be written, and will be: "
        "canceling statement due to lock timeout"
    ]
    assert (await fold(late)).failed == {}
    assert await listed(raw) == await members(raw)


async def test_many_locked_lists_hold_up_no_other(
    late: Database, raw: Any, connect: Connect, database_url: str
) -> None:
    for number in range(120):
        await put(raw, f"school:S{number}:users", [])
        await sign_up(raw, str(number), f"S{number}")
    await put(raw, LIST, [f"member-{number:06}" for number in range(50_000)])
    await sign_up(raw, "last")
    other = await connect(database_url)
    async with other.transaction():
        await other.execute(f"SELECT FROM {STORE} WHERE key LIKE 'school:S%' FOR UPDATE")
        begun = time.monotonic()
        folded = await fold(late, patient=False)
        assert time.monotonic() - begun < 6  # 12 s, when each was waited for
        assert len(folded.failed) == 120
        assert (await value(raw, LIST))[-1] == "last"
    assert (await fold(late)).failed == {}


async def test_a_list_whose_statement_is_ended_holds_up_no_other(
    late: Database, raw: Any, database_url: str
) -> None:
    """By `statement_timeout`, or an operator, whose command ended the whole fold: each time before
    the lists that come next."""
    await raw.execute(
        f"""CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN IF NEW.key = '{LIST}' THEN PERFORM pg_cancel_backend(pg_backend_pid());
        PERFORM pg_sleep(1); END IF; RETURN NEW; END$$;
        CREATE TRIGGER slow BEFORE UPDATE ON {STORE} FOR EACH ROW EXECUTE FUNCTION slow()"""
    )
    await put(raw, LIST, [])
    await sign_up(raw, "1")
    await sign_up(raw, "2", "B")
    folded = await fold(late, patient=False)
    assert folded.failed == {LIST: "canceling statement due to user request"}
    assert await value(raw, "school:B:users") == ["2"]
    await raw.execute(f"DROP TRIGGER slow ON {STORE}")
    await fold(late)
    assert (await value(raw, LIST), await notes(raw)) == (["1"], [])


async def test_a_fold_ends_no_transaction_of_an_old_client(
    late: Database, raw: Any, connect: Connect, database_url: str
) -> None:
    """It makes the list of A and waits for those of others; the client, who holds one of these,
    waits for A: PostgreSQL would end the client after a second."""
    for school in "ABCD":
        await sign_up(raw, school, school)
    client, third = await connect(database_url), await connect(database_url)
    async with client.transaction(), third.transaction():
        await client.execute(f"INSERT INTO {STORE} VALUES ('school:C:users', '[]')")
        await third.execute(f"INSERT INTO {STORE} VALUES ('school:B:users', '[]')")
        folding = asyncio.create_task(fold(late))
        await asyncio.sleep(0.2)
        upsert = f"INSERT INTO {STORE} VALUES ('school:A:users', '[]') ON CONFLICT DO NOTHING"
        begun = time.monotonic()
        await client.execute(upsert)
        assert time.monotonic() - begun < 0.9
        await asyncio.sleep(0.1)
    assert (await folding).failed == {}
    assert await listed(raw) == await members(raw)


async def test_a_note_from_the_future_is_due(late: Database, raw: Any) -> None:
    """The clock was set back, or a backup restored where it is earlier."""
    await note(raw, "1", added=True, age="-1 day")
    await fold(late, 2.5)
    assert await value(raw, LIST) == ["1"]


async def test_hostile_ids_and_lists(late: Database, raw: Any) -> None:
    ids = ["a'b", 'a"b', "$1", "$$x$$", "a\\b", "a\nb", "{}", "{a,b}", "NULL", "null", "%s", " "]
    before = [None, None, 1, {"a": 1}, ["a'b"], "a'b", True]
    await put(raw, LIST, before)
    for text in ids:
        await sign_up(raw, text)
        await sign_up(raw, f"in {text}", text)
    assert (await fold(late)).failed == {}
    assert await value(raw, LIST) == [*before, *ids[1:]]
    expected = {pair for pair in await members(raw) if pair[0] != LIST}
    rows = await raw.fetch(
        f"""SELECT s.key, e.v FROM {STORE} s CROSS JOIN jsonb_array_elements_text(s.value) e(v)
        WHERE s.key LIKE 'school:%:users' AND s.key <> $1""",
        LIST,
    )
    assert {tuple(row) for row in rows} == expected
    for text in ids:
        await leave(raw, text)
    await fold(late)
    assert await value(raw, LIST) == [item for item in before if item != "a'b"]


async def test_somebody_says_so_where_nobody_folds(
    late: Database, raw: Any, database_url: str
) -> None:
    await note(raw, "1", added=True, age="1 s")
    warning = "nobody folds in time"
    done = await asyncio.to_thread(outgrow, "status", DATABASE_URL=database_url)
    assert warning not in done.stdout
    await note(raw, "2", added=True, age="1 hour")
    done = await asyncio.to_thread(outgrow, "status", DATABASE_URL=database_url)
    assert warning in done.stdout
    done = await asyncio.to_thread(outgrow, "advise", DATABASE_URL=database_url)
    assert "derived lists are 3,6" in done.stdout
    assert "next     outgrow fold" in done.stdout
    await fold(late)
    done = await asyncio.to_thread(outgrow, "advise", DATABASE_URL=database_url)
    assert "outgrow fold" not in done.stdout
