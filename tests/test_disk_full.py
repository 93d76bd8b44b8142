"""A full disk under a growth: what it was making is gone again, or old clients' writes would fail
as long as its triggers keep tables that cannot become larger."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from conftest import Connect
from growing import CAMPUS, STORE, fill, opened
from laddering import Stopped, Stops, climb, growth, mirrors, outgrow
from outgrow.db.embedded import EmbeddedServer
from outgrow.db.pool import Database
from outgrow.errors import GrowthFailed
from outgrow.growth.verification import verify
from outgrow.settings import DEFAULT_STORE

TRIGGERS = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'outgrow\\_%'"
FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON campus_tables.users
    FOR EACH ROW WHEN (NEW.id LIKE 'u2%') EXECUTE FUNCTION full_disk();
"""


@pytest.fixture
async def raw(database_url: str, connect: Connect) -> Any:
    connection = await connect(database_url)
    await fill(connection)
    return connection


@pytest.fixture
def small_disk(server: EmbeddedServer) -> Iterator[Path]:
    """A directory of 3 MB, which the server may write to."""
    mount = Path(tempfile.mkdtemp(prefix="outgrow-disk-"))
    mount.chmod(0o755)
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m,mode=0777", "tmpfs", str(mount)],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError) as e:
        mount.rmdir()
        pytest.skip(f"NOT TESTED: a small disk cannot be mounted here ({e})")
    try:
        directory = mount / "own"
        directory.mkdir()
        subprocess.run(["chown", f"--reference={server.data}", str(directory)], check=True)
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(mount)], check=True)
        mount.rmdir()


async def write(client: Any, failed: list[float]) -> None:
    """As an old client, one new user after the other; when it failed is written down."""
    number = 0
    while True:
        number += 1
        try:
            await client.execute(
                f"INSERT INTO {STORE} VALUES ('user:later' || $1::text, '{{\"name\": \"L\"}}')",
                str(number),
            )
        except asyncpg.DiskFullError:
            failed.append(time.monotonic())
        await asyncio.sleep(0.01)


async def test_a_growth_leaves_a_full_disk(
    small_disk: Path, raw: Any, database: Database, database_url: str, connect: Connect
) -> None:
    await climb(database, "optimized")
    await raw.execute(
        f"""UPDATE {STORE} SET value = value || jsonb_build_object('photo', (
            SELECT string_agg(md5(n || key), '') FROM generate_series(1, 600) n))"""
    )
    name = await raw.fetchval("SELECT current_database()")
    await raw.execute(f"CREATE TABLESPACE {name}_small LOCATION '{small_disk}'")
    try:
        await raw.execute(f"ALTER DATABASE {name} SET default_tablespace = {name}_small")
        failed: list[float] = []
        writing = asyncio.create_task(write(await connect(database_url), failed))
        process = outgrow(database_url, "grow", "--to", "relational")
        _, output = await asyncio.to_thread(process.communicate, timeout=60)
        assert process.returncode == 1, output
        assert "error: the server's disk is full, at: fill the table of" in output
        assert "run `outgrow grow --to relational` again" in output
        before = len(failed)
        await asyncio.sleep(0.3)
        assert len(failed) == before, "no write fails any more"
        assert not failed or failed[-1] - failed[0] < 5
        writing.cancel()
        assert await mirrors(raw) == {}
        assert await raw.fetchval(TRIGGERS) == 0
        left = await raw.fetchval("SELECT pg_tablespace_size($1::text::name)", f"{name}_small")
        assert left < 100_000
        last = await growth(raw)
        assert (last["state"], "disk is full" in last["error"]) == ("failed", True)
        await raw.execute(f"ALTER DATABASE {name} RESET default_tablespace")
        async with opened(database_url) as roomy:
            await climb(roomy, "relational")
        assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same
    finally:
        await raw.execute(f"ALTER DATABASE {name} RESET default_tablespace")
        await raw.execute(f"DROP TABLESPACE {name}_small")


async def test_what_was_read_from_tables_before_stays(raw: Any, database: Database) -> None:
    """And a growth that somebody has paused does not wait with broken triggers."""
    await climb(database, "hybrid")
    with pytest.raises(Stopped):
        await climb(database, "relational", Stops(lambda step: step.kind == "expand"))
    await raw.execute(FULL)
    with pytest.raises(asyncpg.DiskFullError):
        await raw.execute(f"INSERT INTO {STORE} VALUES ('user:u2x', '{{}}')")
    with pytest.raises(GrowthFailed, match="fill the table of users") as full:
        await climb(database, "relational")
    assert full.value.code == "disk_full"
    assert await mirrors(raw) == dict.fromkeys(CAMPUS.hybrid, "shadow")
    await raw.execute(f"INSERT INTO {STORE} VALUES ('user:u2x', '{{\"name\": \"U\"}}')")
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same
    assert (await climb(database, "relational")).store.phase == "relational"
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


async def test_tables_that_cannot_be_dropped_are_reported(
    raw: Any, database: Database, database_url: str, connect: Connect
) -> None:
    await climb(database, "optimized")
    with pytest.raises(Stopped):
        await climb(database, "relational", Stops(lambda step: step.kind == "expand"))
    await raw.execute(FULL + "CREATE VIEW theirs AS SELECT id FROM campus_tables.users")
    with pytest.raises(GrowthFailed, match="disk is full") as full:
        await climb(database, "relational")
    assert "outgrow rollback" in (full.value.hint or "")
    assert "theirs" in (full.value.detail or "") or "users" in (full.value.detail or "")
    assert await raw.fetchval(TRIGGERS) == 0, "these went first: writes do not fail"
    await raw.execute(f"INSERT INTO {STORE} VALUES ('user:u2x', '{{}}')")


async def test_an_index_that_does_not_fit_is_dropped(
    small_disk: Path, raw: Any, database: Database, database_url: str
) -> None:
    """An invalid one takes room, and part of every write."""
    await raw.execute(
        f"INSERT INTO {STORE} SELECT key || 'x' || n, value FROM {STORE}, generate_series(1, 60) n"
    )
    name = await raw.fetchval("SELECT current_database()")
    await raw.execute(f"CREATE TABLESPACE {name}_small LOCATION '{small_disk}'")
    await raw.execute(f"ALTER DATABASE {name} SET default_tablespace = {name}_small")
    try:
        async with opened(database_url) as crowded:
            with pytest.raises(GrowthFailed, match="disk is full, at: create og_"):
                await climb(crowded, "optimized")
        assert await raw.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    finally:
        await raw.execute(f"ALTER DATABASE {name} RESET default_tablespace")
        async with opened(database_url) as roomy:
            await climb(roomy, "initial")
        await raw.execute(
            "DROP SCHEMA campus, outgrow, network CASCADE; DROP TABLE " + STORE + " CASCADE"
        )
        await raw.execute(f"DROP TABLESPACE {name}_small")
