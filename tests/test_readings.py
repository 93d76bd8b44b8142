"""Readings of real stores, kept and thinned, by one process of several; and `outgrow advise`."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from examples.generate import EXAMPLES, generate

from conftest import Connect
from firing import Ladder
from growing import CAMPUS, STORE, fill, grow, until
from outgrow import readings
from outgrow.advice import Reading
from outgrow.db.pool import Database
from outgrow.errors import Refused
from outgrow.latencies import Latencies
from outgrow.queries import Query, load
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE
from test_examples import BLUEPRINTS
from test_grow_command import finished, outgrow


async def reading_of(database: Database) -> Reading:
    async with database.session() as session, session.connection.transaction(readonly=True):
        return await readings.take_reading(session, DEFAULT_STORE, CAMPUS)


async def keep_reading(database: Database) -> Reading | None:
    return await readings.store_reading(database, DEFAULT_STORE, CAMPUS)


async def past(database: Database) -> list[Reading]:
    async with database.session() as session:
        return await readings.stored_readings(session, DEFAULT_STORE)


async def put_lists(raw: Any) -> None:
    await raw.execute(
        f"INSERT INTO {STORE} VALUES "
        """('school:School:users', (SELECT jsonb_agg('u' || n) FROM generate_series(1, 250) n)),
           ('school:A:b:users', '["x"]'), ('school:odd:users', '{"not": "a list"}'),
           ('user:u1:connections', (SELECT jsonb_agg('u' || n) FROM generate_series(1, 120) n)),
           ('user:u2:connections', '["u1"]'), ('something else', '1')"""
    )


async def test_a_reading_of_a_campus(campus: Database, campus_url: str, connect: Connect) -> None:
    raw = await connect(campus_url)
    await fill(raw, 300)
    await put_lists(raw)
    seen = await reading_of(campus)
    assert (seen.users, seen.users_are) == (300, "user:{id}")
    assert (seen.school, seen.school_is) == (250, "school:{school...}:users")
    assert (seen.connections, seen.connections_are) == (120, "user:{id}:connections")
    assert (seen.keys, seen.sampled) == (306, False)
    assert seen.fits == pytest.approx(305 / 306)
    assert seen.store_bytes == await raw.fetchval(f"SELECT pg_total_relation_size('{STORE}')")
    assert seen.database_bytes > seen.store_bytes
    assert (seen.routes, seen.queries) == ({}, {})
    again = await reading_of(campus)
    assert again.taken_at > seen.taken_at


async def test_a_large_store_is_sampled(
    campus: Database, campus_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what an index can say is still exact."""
    raw = await connect(campus_url)
    await fill(raw, 3_000)
    await put_lists(raw)
    await raw.execute(f'CREATE INDEX ON {STORE} (key COLLATE "C"); ANALYZE {STORE}')
    monkeypatch.setattr(readings, "SAMPLED_BLOCKS", 20)
    monkeypatch.setattr(readings, "SCANNED_BYTES", 0)
    seen = await reading_of(campus)
    assert seen.sampled
    assert (seen.users, seen.school) == (3_000, 250)
    assert 500 < seen.keys < 9_000
    monkeypatch.setattr(readings, "MOST_KEYS", 100)
    rough = await reading_of(campus)
    assert rough.users is not None
    assert 500 < rough.users < 9_000


async def test_what_takes_too_long_is_left_to_the_sample(
    campus: Database, campus_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = await connect(campus_url)
    await fill(raw, 3_000)
    blocks = load("readings")
    hasty = Query("hasty", blocks["not_for_long"].sql.replace("5s", "1ms"))
    slow = Query("slow", blocks["count_keys"].sql + " AND pg_sleep(0.0001) IS NOT NULL")
    changed = {**blocks, "not_for_long": hasty, "count_keys": slow}
    monkeypatch.setattr(readings, "load", lambda f: changed if f == "readings" else load(f))
    monkeypatch.setattr(readings, "SAMPLED_BLOCKS", 40)
    seen = await reading_of(campus)
    assert seen.users is not None
    assert 500 < seen.users < 9_000
    assert seen.school is None


async def test_a_store_of_which_the_blueprint_knows_nothing(
    database: Database, database_url: str, connect: Connect
) -> None:
    raw = await connect(database_url)
    await raw.execute(
        f"INSERT INTO {STORE} SELECT 'product:' || n, '{{}}' FROM generate_series(1, 50) n"
    )
    await raw.execute(f"INSERT INTO {STORE} VALUES ('cart:1:items', '[]'), ('config', '1')")
    seen = await reading_of(database)
    assert (seen.fits, seen.users, seen.users_are) == (0, 50, "product:{}")
    assert (seen.school, seen.connections) == (None, None)
    await fill(raw, 10)
    await install(database)
    seen = await reading_of(database)
    assert seen.fits < 0.5
    assert (seen.users, seen.users_are) == (10, "user:{id}"), "it is meant for this store now"


@pytest.mark.parametrize("name", EXAMPLES)
async def test_other_blueprints(
    database: Database, database_url: str, connect: Connect, name: str
) -> None:
    ladder = Ladder(await connect(database_url), BLUEPRINTS[name])
    keys = 0
    for key, value in generate(name, 25):
        await ladder.put(key, value)
        keys += 1
    async with database.session() as session, session.connection.transaction(readonly=True):
        seen = await readings.take_reading(session, DEFAULT_STORE, BLUEPRINTS[name])
    assert seen.keys == keys
    assert seen.fits > 0.9
    assert seen.users
    assert seen.users_are in {p.key for p in BLUEPRINTS[name].patterns.values()}
    await install(database, blueprint=BLUEPRINTS[name])
    assert await readings.store_reading(database, DEFAULT_STORE, BLUEPRINTS[name]) is not None


async def test_an_empty_store_and_none(database: Database, campus: Database) -> None:
    seen = await reading_of(campus)
    assert (seen.keys, seen.users, seen.fits) == (0, 0, 1.0)
    async with database.session() as session:
        with pytest.raises(Refused, match="no table"):
            await readings.take_reading(session, "nothing", CAMPUS)
        assert await readings.stored_readings(session, DEFAULT_STORE) == []


# Keeping ----------------------------------------------------------------------------------------


async def test_one_of_several_processes_keeps_one_reading(campus: Database) -> None:
    kept = await asyncio.gather(*(keep_reading(campus) for _ in range(6)))
    assert sum(reading is not None for reading in kept) == 1
    assert await past(campus) == [r for r in kept if r is not None]


async def test_while_one_is_at_it_the_others_do_not_wait(
    campus: Database, campus_url: str, connect: Connect
) -> None:
    other = await connect(campus_url)
    transaction = other.transaction()
    await transaction.start()
    claim = "SELECT pg_try_advisory_xact_lock(hashtext('outgrow.readings'), hashtext($1))"
    assert await other.fetchval(claim, f"public.{DEFAULT_STORE}")
    assert await asyncio.wait_for(keep_reading(campus), 5) is None
    await transaction.rollback()
    assert await keep_reading(campus) is not None


async def test_readings_are_kept_apart_and_thinned(
    campus: Database, campus_url: str, connect: Connect
) -> None:
    raw = await connect(campus_url)
    now = datetime.now(UTC)
    ages = [*range(96), *range(96, 24 * 450, 12)]  # hours
    for age in ages[1:]:
        taken_at = now - timedelta(hours=age)
        reading = Reading(taken_at=taken_at, database_bytes=age, store_bytes=1, keys=1)
        await raw.execute(
            "INSERT INTO outgrow.readings VALUES ($1, $2, $3)",
            f"public.{DEFAULT_STORE}",
            taken_at,
            json.dumps(
                {
                    "at": taken_at.isoformat(),
                    **{k: getattr(reading, k) for k in ("database_bytes", "store_bytes", "keys")},
                }
            ),
        )
    assert await keep_reading(campus) is not None
    kept = await past(campus)
    assert [r.taken_at for r in kept] == sorted(r.taken_at for r in kept)
    young = [r for r in kept if r.taken_at > now - timedelta(days=2)]
    assert len(young) == 48
    old = [r for r in kept if r.taken_at < now - timedelta(days=3)]
    days = [r.taken_at.date() for r in old]
    assert len(days) == len(set(days))
    assert 396 <= len(days) <= 398
    assert await keep_reading(campus) is None, "ten minutes are not over"


async def test_latencies_of_processes_are_added(
    campus: Database, campus_url: str, connect: Connect
) -> None:
    first, second = Latencies(0.5), Latencies(0.5)
    for latencies in (first, second):
        for _ in range(100):
            latencies.timer("route", "GET /profiles").add(0.01)
        latencies.timer("query", "profiles.page").add(0.7)
        latencies.timer("query", "readings.count_keys").add(9)
    for _ in range(20):
        second.timer("route", "GET /profiles").add(1.0)
    await asyncio.gather(
        readings.store_latencies(campus, first), readings.store_latencies(campus, second)
    )
    await readings.store_latencies(campus, first)  # nothing is left of it
    seen = await reading_of(campus)
    assert seen.queries["profiles.page"].slow == 2
    assert set(seen.queries) == {"profiles.page"}, "our own looking is no news"
    route = seen.routes["GET /profiles"]
    assert (route.count, route.slow, route.slowest) == (220, 20, 1000)
    assert route.p50 == pytest.approx(10, rel=0.1)
    assert route.p95 == pytest.approx(1000, rel=0.1)
    assert seen.response == route.p95
    raw = await connect(campus_url)
    await raw.execute("UPDATE outgrow.latencies SET hour = hour - interval '2 hours'")
    assert (await reading_of(campus)).routes == {}
    await raw.execute("UPDATE outgrow.latencies SET hour = hour - interval '4 days'")
    await readings.store_latencies(campus, first)
    assert await raw.fetchval("SELECT count(*) FROM outgrow.latencies") == 0


async def test_what_cannot_be_written_is_counted_again(
    campus: Database, campus_url: str, connect: Connect
) -> None:
    raw = await connect(campus_url)
    latencies = Latencies(0.5)
    latencies.timer("route", "GET /").add(0.1)
    await raw.execute("ALTER TABLE outgrow.latencies RENAME TO away")
    task = asyncio.create_task(
        readings.record_readings(campus, DEFAULT_STORE, CAMPUS, latencies, every=0.05)
    )
    await asyncio.sleep(0.3)
    assert not task.done()
    await raw.execute("ALTER TABLE outgrow.away RENAME TO latencies")

    async def written() -> bool:
        return bool(await raw.fetchval("SELECT count(*) FROM outgrow.latencies"))

    await until(written, "the latencies are written")
    task.cancel()
    await asyncio.wait([task])


# The command ------------------------------------------------------------------------------------


async def test_the_command_before_anything_is_installed(
    database_url: str, connect: Connect
) -> None:
    raw = await connect(database_url)
    await fill(raw, 1_100)
    await raw.execute(f"CREATE INDEX twin ON {STORE} (key)")
    code, out, err = await finished(outgrow(database_url, "advise"))
    assert code == 0, err
    assert "not installed here, so this reading is not kept" in err
    assert "users                1,100  over 1,000 (user:{id})" in out
    assert "1 index that only cost" in out
    assert out.splitlines()[-1] == "next     outgrow grow --to optimized"
    assert await raw.fetchval("SELECT to_regnamespace('outgrow')") is None


async def test_the_command_keeps_and_tells_growth(
    campus: Database, campus_url: str, connect: Connect
) -> None:
    raw = await connect(campus_url)
    await fill(raw, 900)
    for day in range(1, 8):
        figures = {
            "at": (datetime.now(UTC) - timedelta(days=day)).isoformat(),
            "database_bytes": 9_000_000,
            "store_bytes": 1,
            "keys": 1,
            "users": 900 - 20 * day,
        }
        await raw.execute(
            "INSERT INTO outgrow.readings VALUES ($1, $2::text::timestamptz, $3)",
            f"public.{DEFAULT_STORE}",
            figures["at"],
            json.dumps(figures),
        )
    code, out, err = await finished(outgrow(campus_url, "advise", "--json"))
    assert (code, err) == (0, "")
    advised = json.loads(out)
    assert (advised["command"], advised["readings"]) == (None, 8)
    (soon,) = [a for a in advised["advice"] if a["when"] == "soon"]
    assert soon["signal"]["days"] == pytest.approx(5, abs=0.1)
    assert soon["command"] == "outgrow grow --to optimized --plan"
    assert advised["thresholds"]["users"] == 5000
    assert len(await past(campus)) == 8
    code, out, err = await finished(outgrow(campus_url, "advise"))
    assert "of 1,000, +20 a day: in 5 days (user:{id})" in out
    assert out.splitlines()[-1] == "next     nothing to do"
    assert len(await past(campus)) == 8, "one in ten minutes"
    await grow(campus, "optimized")
    code, out, err = await finished(outgrow(campus_url, "advise"))
    assert "outgrow grow --to optimized" not in out


async def test_watching_says_it_again(campus_url: str) -> None:
    process = outgrow(campus_url, "advise", "--watch", "--json")
    assert process.stdout
    lines = [await asyncio.to_thread(process.stdout.readline) for _ in range(2)]
    process.terminate()
    code, _, _ = await finished(process)
    assert code == 143
    first, second = (json.loads(line)["reading"]["at"] for line in lines)
    assert first < second
