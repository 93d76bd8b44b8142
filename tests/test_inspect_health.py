"""Planted problems are found, and a table without them has none. On a real server, and as somebody
who is no superuser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from conftest import CARELESS, Connect
from growing import grow
from outgrow.db.embedded import EmbeddedServer, running
from outgrow.db.pool import Database, Session
from outgrow.db.programs import Programs
from outgrow.errors import Refused
from outgrow.inspection import findings, health
from outgrow.inspection.health import Finding, Health, bloat_of_index, bloat_of_table
from outgrow.settings import DEFAULT_STORE

KV = "public.kv"


@pytest.fixture
async def raw(database_url: str, connect: Connect) -> Any:
    """A connection to a healthy store `kv` of 2,000 keys."""
    raw = await connect(database_url)
    await raw.execute(
        "CREATE TABLE kv (key text PRIMARY KEY, value jsonb NOT NULL);"
        'CREATE INDEX kv_prefix ON kv (key COLLATE "C")'
    )
    await raw.execute(
        "INSERT INTO kv SELECT 'user:' || n, jsonb_build_object('name', 'Name ' || n)"
        " FROM generate_series(1, 2000) n"
    )
    await count_now(raw)
    await raw.execute("ANALYZE kv")
    await raw.execute('SELECT key FROM kv ORDER BY key COLLATE "C" LIMIT 1')
    await count_now(raw)
    return raw


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[Session]:
    database = await Database.open(url, pool_size=1)
    try:
        async with database.session() as session, session.connection.transaction(readonly=True):
            yield session
    finally:
        await database.close()


async def health_of(url: str) -> Health:
    async with reading(url) as session:
        return await health.read_health(session, "public", "kv")


async def findings_of(url: str) -> dict[str, Finding]:
    """The findings on health by kind and by what they are about."""
    listed = findings.health_findings(await health_of(url))
    return {f"{finding.kind} {finding.about}": finding for finding in listed}


async def unsafe(url: str) -> dict[str, Finding]:
    async with reading(url) as session:
        listed = findings.access_findings(await findings.read_access(session, "public", "kv"))
    return {f"{finding.kind} {finding.about}": finding for finding in listed}


async def count_now(raw: Any) -> None:
    """What this session did is in the statistics."""
    await raw.execute("SELECT pg_stat_force_next_flush()")
    await raw.execute("SELECT 1")


async def test_a_healthy_table_has_no_findings(raw: Any, database_url: str) -> None:
    assert await findings_of(database_url) == {}


async def test_the_figures(raw: Any, database_url: str) -> None:
    await raw.execute(
        "INSERT INTO kv SELECT 'big', to_jsonb(string_agg(md5(n::text), ''))"
        " FROM generate_series(1, 2000) n"
    )
    seen = await health_of(database_url)
    table = seen.table
    assert (table.name, table.key_unique) == (KV, True)
    assert table.rows in (2000, 2001)  # autovacuum may have counted them meanwhile
    assert table.toast_bytes > 60_000
    assert table.bytes == await raw.fetchval("SELECT pg_total_relation_size('kv')")
    assert {i.name for i in seen.indexes} == {"kv_pkey", "kv_prefix"}
    primary = next(i for i in seen.indexes if i.name == "kv_pkey")
    assert (primary.needed_by, primary.unique, primary.valid) == ("the primary key", True, True)
    assert table.xid_age is not None
    assert 0 <= table.xid_age < 1_000_000  # age() of what has no transactions is 2,147,483,647
    assert seen.maintenance.autovacuum
    assert seen.maintenance.analyzed is not None
    assert seen.statements.why_not == "this database has no extension pg_stat_statements"
    assert seen.as_dict()["table"]["bytes"] == table.bytes


async def test_a_table_that_is_not_there(raw: Any, database_url: str) -> None:
    async with reading(database_url) as session:
        with pytest.raises(Refused, match="no table"):
            await health.read_health(session, "public", "nothing")
        with pytest.raises(Refused, match="no table"):
            await findings.read_access(session, "public", "nothing")


async def test_nineteen_duplicates_are_found_and_their_like_stays(
    raw: Any, database_url: str
) -> None:
    for number in range(19):
        await raw.execute(f"CREATE INDEX twin_{number} ON kv (key)")
    await raw.execute("CREATE INDEX other ON kv (key DESC)")
    await raw.execute("CREATE INDEX partial ON kv (key) WHERE key > 'a'")
    by_name = await findings_of(database_url)
    duplicates = {name for name in by_name if name.startswith("duplicate_index")}
    assert duplicates == {f"duplicate_index twin_{n}" for n in range(19)}
    duplicate = by_name["duplicate_index twin_3"]
    assert "kv_pkey" in duplicate.fact
    assert duplicate.to_do == 'DROP INDEX CONCURRENTLY "public"."twin_3"'
    await raw.execute(duplicate.to_do)
    assert "duplicate_index twin_3" not in await findings_of(database_url)


async def test_an_unused_index(raw: Any, database_url: str) -> None:
    await raw.execute("CREATE INDEX idle ON kv ((value ->> 'name'))")
    finding = (await findings_of(database_url))["unused_index idle"]
    assert finding.level == "note", "counted for some seconds only"
    seen = await health_of(database_url)
    assert seen.counted_since is not None
    old = replace(seen, counted_since=seen.now - timedelta(days=30))
    levels = {f.about: f.level for f in findings.health_findings(old) if f.kind == "unused_index"}
    assert levels["idle"] == "warn"
    await raw.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    await raw.execute("SELECT * FROM kv WHERE value ->> 'name' = 'Name 7'")
    await count_now(raw)
    assert "unused_index idle" not in await findings_of(database_url)


async def test_an_index_of_a_build_that_failed(raw: Any, database_url: str) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await raw.execute("CREATE UNIQUE INDEX CONCURRENTLY failed ON kv ((left(key, 5)))")
    finding = (await findings_of(database_url))["invalid_index failed"]
    assert finding.level == "bad"
    assert finding.to_do == 'DROP INDEX CONCURRENTLY "public"."failed"'


@pytest.mark.parametrize(
    "index", ['(key COLLATE "C")', "(key text_pattern_ops)", "(key text_pattern_ops, value)"]
)
async def test_an_index_for_prefixes_is_missing(raw: Any, database_url: str, index: str) -> None:
    """Of keys that sort as a language does, of which C.UTF-8 is one to PostgreSQL."""
    await raw.execute("CREATE COLLATION sorted (provider = libc, locale = 'C.UTF-8')")
    await raw.execute("DROP INDEX kv_prefix; ALTER TABLE kv ALTER key TYPE text COLLATE sorted")
    kind = f"missing_prefix_index {KV}"
    by_name = await findings_of(database_url)
    assert by_name[kind].level == "warn"
    plan = "EXPLAIN SELECT key FROM kv WHERE key LIKE 'user:19%'"
    await raw.execute("SET enable_seqscan = off")

    async def serves() -> bool:
        return any("Index Cond" in row[0] for row in await raw.fetch(plan))

    assert not await serves()
    await raw.execute(f"CREATE INDEX serves ON kv {index}")
    assert await serves()
    assert kind not in await findings_of(database_url)
    await raw.execute("DROP INDEX serves")
    assert kind in await findings_of(database_url)
    await raw.execute(by_name[kind].to_do)
    assert await serves()
    assert kind not in await findings_of(database_url)


async def test_a_key_that_is_not_unique(raw: Any, database_url: str) -> None:
    await raw.execute("ALTER TABLE kv DROP CONSTRAINT kv_pkey")
    finding = (await findings_of(database_url))[f"no_unique_key {KV}"]
    assert finding.level == "bad"
    await raw.execute(finding.to_do)
    assert f"no_unique_key {KV}" not in await findings_of(database_url)


async def test_an_unlogged_table(raw: Any, database_url: str) -> None:
    await raw.execute("ALTER TABLE kv SET UNLOGGED")
    assert (await findings_of(database_url))[f"unlogged {KV}"].level == "bad"


async def test_bloat_is_estimated(
    raw: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of 20 MB of which four fifths are deleted."""
    await raw.execute("ALTER TABLE kv SET (autovacuum_enabled = off)")
    await raw.execute(
        "INSERT INTO kv SELECT 'x:' || lpad(n::text, 100, '0'), to_jsonb(md5(n::text) || repeat("
        "md5(n::text), 10)) FROM generate_series(1, 40000) n"
    )
    await raw.execute("ANALYZE kv")
    whole = (await health_of(database_url)).table
    assert whole.bloat_bytes is not None
    assert whole.bloat_bytes < whole.heap_bytes / 5, "nothing was deleted"
    assert f"bloated_table {KV}" not in await findings_of(database_url)
    await raw.execute("DELETE FROM kv WHERE key LIKE 'x:%' AND right(key, 1) <> '0'")
    await raw.execute("VACUUM ANALYZE kv")
    by_name = await findings_of(database_url)
    assert "estimate" in by_name[f"bloated_table {KV}"].fact
    after = await health_of(database_url)
    table = after.table
    primary = next(index for index in after.indexes if index.name == "kv_pkey")
    monkeypatch.setattr(findings, "BLOATED_BYTES", 1_000_000)
    to_do = (await findings_of(database_url))["bloated_index kv_pkey"].to_do
    assert to_do is not None
    await raw.execute(to_do)
    freed = primary.bytes - await raw.fetchval("SELECT pg_relation_size('kv_pkey')")
    assert primary.bloat_bytes == pytest.approx(freed, rel=0.2)
    assert "bloated_index kv_pkey" not in await findings_of(database_url)
    await raw.execute("VACUUM FULL kv")
    freed = table.heap_bytes - await raw.fetchval("SELECT pg_relation_size('kv')")
    assert table.bloat_bytes == pytest.approx(freed, rel=0.2)


def test_bloat_is_unknown_where_nothing_was_analyzed() -> None:
    assert bloat_of_table(None, 10, 8192, [10, 10]) is None
    assert bloat_of_table(100, 10, 8192, [10, None]) is None
    assert bloat_of_index(100, 1, 8192, [10], 90) is None
    assert bloat_of_table(1000, 6, 8192, [10, 6]) == 0
    assert bloat_of_table(1000, 106, 8192, [10, 6]) == 100 * 8192


async def test_autovacuum_and_what_it_has_to_do(raw: Any, database_url: str) -> None:
    await raw.execute("ALTER TABLE kv SET (autovacuum_enabled = off)")
    await raw.execute("UPDATE kv SET value = '{}'")
    await raw.execute("DELETE FROM kv WHERE key < 'user:5'")
    await count_now(raw)
    by_name = await findings_of(database_url)
    assert by_name[f"autovacuum_off {KV}"].level == "bad"
    assert by_name[f"vacuum_due {KV}"].level == "warn"
    assert f"analyze_due {KV}" in by_name
    seen = (await health_of(database_url)).maintenance
    assert not seen.autovacuum
    assert seen.vacuum_due == 50 + 400
    assert seen.analyze_due == 50 + 200
    for kind in ("autovacuum_off", "vacuum_due"):
        await raw.execute(by_name[f"{kind} {KV}"].to_do)
    await count_now(raw)
    assert await kinds(database_url) <= {"unused_index"}


async def kinds(url: str) -> set[str]:
    return {name.split()[0] for name in await findings_of(url)}


async def test_a_table_that_was_never_analyzed(raw: Any, database_url: str) -> None:
    await raw.execute("CREATE TABLE other (LIKE kv INCLUDING ALL); DROP TABLE kv")
    await raw.execute("ALTER TABLE other RENAME TO kv")
    by_name = await findings_of(database_url)
    assert "never" in by_name[f"analyze_due {KV}"].fact
    table = (await health_of(database_url)).table
    assert (table.rows, table.bloat_bytes) == (None, None)


async def test_the_age_of_transaction_ids(raw: Any, database_url: str) -> None:
    seen = await health_of(database_url)

    def level(age: int) -> list[str]:
        old = replace(seen, table=replace(seen.table, xid_age=age))
        return [f.level for f in findings.health_findings(old) if f.kind == "old_transaction_ids"]

    assert level(150_000_000) == []
    assert level(250_000_000) == ["warn"]
    assert level(1_500_000_000) == ["bad"]


async def test_blocks_that_were_not_in_memory(raw: Any, database_url: str) -> None:
    seen = await health_of(database_url)

    def is_noticed(asked: int, share: float) -> bool:
        used = replace(seen, blocks_asked=asked, hit_share=share)
        return any(f.kind == "cache_misses" for f in findings.health_findings(used))

    assert is_noticed(20_000, 0.5)
    assert not is_noticed(20_000, 0.99)
    assert not is_noticed(20, 0.5)
    await raw.execute("SELECT count(*) FROM kv")
    await count_now(raw)
    after = await health_of(database_url)
    assert after.blocks_asked > seen.blocks_asked
    assert after.hit_share is not None


async def test_what_a_growth_made_is_in_order(campus: Database, campus_url: str) -> None:
    """Its indexes serve a phase, whether somebody asked already or not."""
    await grow(campus, "optimized")
    async with reading(campus_url) as session:
        seen = await health.read_health(session, "public", DEFAULT_STORE)
    assert sum(index.ours for index in seen.indexes) > 5
    assert {f.kind for f in findings.health_findings(seen)} <= {"analyze_due"}


async def test_a_partitioned_table(raw: Any, database_url: str) -> None:
    await raw.execute(
        "ALTER TABLE kv RENAME TO old;"
        "CREATE TABLE kv (key text PRIMARY KEY, value jsonb) PARTITION BY HASH (key);"
        "CREATE TABLE kv_0 PARTITION OF kv FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
        "CREATE TABLE kv_1 PARTITION OF kv FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
        "INSERT INTO kv SELECT * FROM old; ANALYZE kv"
    )
    table = (await health_of(database_url)).table
    assert table.rows == 2000
    assert table.heap_bytes == await raw.fetchval(
        "SELECT pg_relation_size('kv_0') + pg_relation_size('kv_1')"
    )


# Statements -------------------------------------------------------------------------------------


async def test_slow_statements_are_found(raw: Any, database_url: str) -> None:
    await raw.execute(
        "CREATE SCHEMA extensions; CREATE EXTENSION pg_stat_statements SCHEMA extensions"
    )
    await raw.execute("CREATE ROLE looker; GRANT USAGE ON SCHEMA extensions TO looker")
    # Other tests fill it: what is new and was called once is then the first to be thrown out.
    await raw.execute("SELECT extensions.pg_stat_statements_reset()")
    await raw.fetch("SELECT pg_sleep(0.6), kv.* FROM (VALUES ('secret words')) kv (key)")
    await raw.fetch("SELECT key FROM kv")
    await raw.fetch("SELECT pg_sleep(0.7) AS kv_store")
    seen = await health_of(database_url)
    assert seen.statements.why_not is None
    slowest = seen.statements.slowest[0]
    assert "pg_sleep" in slowest.text
    assert "secret words" not in slowest.text
    assert (slowest.calls, slowest.mean > 500) == (1, True)
    slow = [f for f in findings.health_findings(seen) if f.kind == "slow_statement"]
    assert len(slow) == 1
    async with reading(database_url) as session:
        await session.connection.execute("SET LOCAL ROLE looker")
        seen = await health.read_health(session, "public", "kv")
    assert seen.statements.slowest == ()
    assert seen.statements.hidden > 0
    await raw.execute("DROP OWNED BY looker; DROP ROLE looker")


async def test_statements_that_cannot_be_read_are_reported(
    pytestconfig: pytest.Config, tmp_path: Path, connect: Connect
) -> None:
    """The extension is there, and the server was started without it."""
    programs = Programs.find(pytestconfig.option.pg_bin, pytestconfig.option.pg)
    options = {**CARELESS, "shared_preload_libraries": ""}
    with running(tmp_path, bin_dir=programs.directory, options=options) as server:
        raw = await connect(server.url())
        await raw.execute("CREATE TABLE kv (key text, value jsonb)")
        root = await connect(server.url().replace("outgrow@", "postgres@"))
        await root.execute("CREATE EXTENSION pg_stat_statements")
        async with reading(server.url()) as session:
            seen = await health.read_health(session, "public", "kv")
            assert await session.connection.fetchval("SELECT 1") == 1, "the transaction goes on"
        assert seen.statements.why_not is not None
        assert "cannot be read" in seen.statements.why_not
        assert seen.statements.slowest == ()
        await root.close()
        await raw.close()


# Safety -----------------------------------------------------------------------------------------


@pytest.fixture
async def strangers(raw: Any) -> AsyncIterator[Any]:
    """`raw`, on a server with the roles of a hosted service."""
    names = ("anon", "authenticated", "service", "person")
    await raw.execute("CREATE ROLE anon; CREATE ROLE authenticated")
    await raw.execute("CREATE ROLE service BYPASSRLS; CREATE ROLE person LOGIN")
    yield raw
    for name in names:
        await raw.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


async def test_a_closed_table_is_only_noted(strangers: Any, database_url: str) -> None:
    by_name = await unsafe(database_url)
    assert {name: f.level for name, f in by_name.items()} == {f"row_security_off {KV}": "note"}
    assert by_name[f"row_security_off {KV}"].to_do is None, "nobody else gets there"
    await strangers.execute("ALTER TABLE kv ENABLE ROW LEVEL SECURITY")
    assert set(await unsafe(database_url)) == {f"no_policies {KV}"}


async def test_grants_to_strangers(strangers: Any, database_url: str) -> None:
    await strangers.execute(
        "GRANT USAGE ON SCHEMA public TO anon; GRANT SELECT, DELETE ON kv TO anon"
    )
    by_name = await unsafe(database_url)
    assert by_name[f"row_security_off {KV}"].level == "bad"
    assert "SELECT, DELETE" in by_name["granted_to_strangers anon"].fact
    assert by_name["granted_to_strangers anon"].level == "warn"
    assert by_name["values_open anon"].level == "bad"
    assert "until there are policies" in by_name[f"row_security_off {KV}"].fact
    await strangers.execute(by_name[f"row_security_off {KV}"].to_do)
    by_name = await unsafe(database_url)
    assert "values_open anon" not in by_name
    assert by_name["granted_to_strangers anon"].level == "note"
    await strangers.execute("CREATE POLICY own ON kv FOR SELECT USING (key = current_user)")
    assert "values_open anon" not in await unsafe(database_url)
    await strangers.execute('CREATE POLICY "all of it" ON kv FOR SELECT TO anon USING (true)')
    by_name = await unsafe(database_url)
    assert "'all of it'" in by_name["values_open anon"].fact
    await strangers.execute(by_name["values_open anon"].to_do)
    assert "values_open anon" not in await unsafe(database_url)
    await strangers.execute(by_name["granted_to_strangers anon"].to_do)
    assert "granted_to_strangers anon" not in await unsafe(database_url)


async def test_a_grant_to_everybody_is_reported_once(strangers: Any, database_url: str) -> None:
    await strangers.execute("GRANT USAGE ON SCHEMA public TO PUBLIC; GRANT SELECT ON kv TO PUBLIC")
    by_name = await unsafe(database_url)
    assert {"granted_to_strangers PUBLIC", "values_open PUBLIC"} <= set(by_name)
    assert "granted_to_strangers anon" not in by_name
    await strangers.execute(by_name["granted_to_strangers PUBLIC"].to_do)
    assert "values_open PUBLIC" not in await unsafe(database_url)


async def test_a_column_is_granted_or_not(strangers: Any, database_url: str) -> None:
    await strangers.execute(
        "GRANT USAGE ON SCHEMA public TO authenticated; GRANT SELECT (key) ON kv TO authenticated"
    )
    by_name = await unsafe(database_url)
    assert "granted_to_strangers authenticated" in by_name
    assert "values_open authenticated" not in by_name
    await strangers.execute("GRANT SELECT (value) ON kv TO authenticated")
    assert "values_open authenticated" in await unsafe(database_url)


async def test_a_grant_in_a_schema_that_is_closed(strangers: Any, database_url: str) -> None:
    await strangers.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT SELECT ON kv TO anon")
    by_name = await unsafe(database_url)
    assert by_name["granted_to_strangers anon"].level == "note"
    assert "do not reach it" in by_name["granted_to_strangers anon"].fact
    assert "values_open anon" not in by_name


async def test_row_level_security_does_not_hold_who_bypasses_it(
    strangers: Any, database_url: str
) -> None:
    await strangers.execute(
        "ALTER ROLE anon BYPASSRLS; GRANT USAGE ON SCHEMA public TO anon;"
        "GRANT SELECT ON kv TO anon; ALTER TABLE kv ENABLE ROW LEVEL SECURITY"
    )
    assert "bypasses" in (await unsafe(database_url))["values_open anon"].fact


async def test_other_roles_are_reported_as_they_are(strangers: Any, database_url: str) -> None:
    await strangers.execute("GRANT SELECT ON kv TO service; GRANT INSERT ON kv TO person")
    by_name = await unsafe(database_url)
    assert "cannot sign in by itself" in by_name["granted_to_role service"].fact
    assert "does not hold it" in by_name["granted_to_role service"].fact
    assert "can sign in" in by_name["granted_to_role person"].fact


async def test_default_privileges(strangers: Any, database_url: str) -> None:
    await strangers.execute(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO anon"
    )
    assert "in schema public" in (await unsafe(database_url))["granted_by_default anon"].fact


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
async def test_a_view_that_reads_as_its_owner(strangers: Any, database_url: str, kind: str) -> None:
    await strangers.execute(
        f'GRANT USAGE ON SCHEMA public TO anon; CREATE {kind} "All" AS SELECT key FROM kv;'
        'GRANT SELECT ON "All" TO anon'
    )
    finding = (await unsafe(database_url))["view_open public.All"]
    await strangers.execute(finding.to_do)
    assert "view_open public.All" not in await unsafe(database_url)


async def test_it_needs_no_superuser_and_no_right_to_write(
    strangers: Any, server: EmbeddedServer, database_url: str
) -> None:
    await strangers.execute("CREATE INDEX twin ON kv (key); GRANT SELECT ON kv TO person")
    async with reading(database_url) as session:
        await session.connection.execute("SET LOCAL ROLE person")
        seen = await health.read_health(session, "public", "kv")
        kinds_listed = {f.kind for f in findings.health_findings(seen)}
        assert "duplicate_index" in kinds_listed
        assert seen.table.bloat_bytes is not None
        safe = await findings.read_access(session, "public", "kv")
        assert [grantee.name for grantee in safe.grantees] == ["person"]
    async with reading(database_url) as session:
        await session.connection.execute("SET LOCAL ROLE service")  # may not even read the table
        assert (await health.read_health(session, "public", "kv")).table.bloat_bytes is None
