"""Whatever the owner of a table puts on it, a superuser who reads or writes it runs none of it."""

from __future__ import annotations

import asyncio

import pytest

from growing import STORE, fill
from test_cli_kv import outgrow
from test_owner import SPY, Owner, owner

__all__ = ["owner"]

ASKS = "query_to_xml('SELECT public.see(1)', true, true, '')::text"
WRITE_TRAPS = {
    "a default": f"ALTER TABLE {STORE} ADD extra text; "
    f"ALTER TABLE {STORE} ALTER extra SET DEFAULT {ASKS}",
    "a check": f"ALTER TABLE {STORE} ADD CHECK ({ASKS} IS NOT NULL) NOT VALID",
    "a check of a view": "CREATE VIEW shown AS SELECT see(1); "
    f"ALTER TABLE {STORE} ADD CHECK (table_to_xml('shown', true, true, '') IS NOT NULL) NOT VALID",
    "a condition": f"CREATE TRIGGER idle BEFORE INSERT OR UPDATE OR DELETE ON {STORE} "
    f"FOR EACH STATEMENT WHEN ({ASKS} IS NOT NULL) "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "a domain": "CREATE DOMAIN doc AS jsonb CHECK (see(1) = 1); "
    f"ALTER TABLE {STORE} ALTER value TYPE doc",
    "a domain of another column": "CREATE DOMAIN doc AS int CHECK (see(1) = 1); "
    f"ALTER TABLE {STORE} ADD extra doc",
    "a domain in an index": "CREATE DOMAIN doc AS text CHECK (see(1) = 1); "
    f"CREATE INDEX ON {STORE} ((key::doc))",
    "a range": "CREATE FUNCTION apart(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE "
    "AS 'SELECT public.peek((a - b)::numeric)::float8'; "
    "CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = apart); "
    f"ALTER TABLE {STORE} ADD extra span; "
    f"INSERT INTO {STORE} SELECT 'k' || n, '1', span(n, n + 10) FROM generate_series(1, 3000) n; "
    f"CREATE INDEX ON {STORE} USING gist (extra); CREATE INDEX ON {STORE} (value)",
    "a privileged function": f"ALTER TABLE {STORE} ADD extra text; "
    f"ALTER TABLE {STORE} ALTER extra SET DEFAULT pg_read_file('PG_VERSION')",
}


WRITERS = ("kv set user:u1 2", "kv set new 2", "kv del user:u2", "kv import", "generate campus")


@pytest.mark.parametrize("trap", WRITE_TRAPS)
async def test_writing_to_a_table_runs_nothing_of_its_owner_as_a_superuser(
    trap: str, database_url: str, owner: Owner
) -> None:
    """Nor what only a superuser may call, of PostgreSQL's own."""
    await fill(owner.raw, 20)
    await owner.raw.execute(SPY + WRITE_TRAPS[trap] + "; TRUNCATE seen")
    for command in WRITERS:
        line = '{"key": "n", "value": 1}\n'
        done = await asyncio.to_thread(
            outgrow, *command.split(), say=line, DATABASE_URL=database_url
        )
        assert done.returncode == 3, (command, done)
        assert "hint: connect as" in done.stderr
    assert await owner.raw.fetchval("SELECT count(*) FROM seen") == 0
    await owner.raw.execute(
        "DROP FUNCTION see, peek CASCADE; DROP TABLE seen; DROP TYPE IF EXISTS span CASCADE; "
        "DROP FUNCTION IF EXISTS apart; DROP DOMAIN IF EXISTS doc CASCADE"
    )


async def test_a_superuser_writes_to_a_plain_table_of_anybody(
    database_url: str, owner: Owner
) -> None:
    """With the defaults and constraints that tables usually have."""
    await owner.raw.execute(
        f"ALTER TABLE {STORE} ADD made_at timestamptz DEFAULT timezone('utc', now()), "
        "ADD id uuid DEFAULT gen_random_uuid(), ADD number bigserial, "
        "ADD size int GENERATED ALWAYS AS (length(value::text)) STORED, "
        "ADD CHECK (jsonb_typeof(value) <> 'null' AND length(key) < 1000)"
    )
    done = await asyncio.to_thread(outgrow, "kv", "set", "k", "1", DATABASE_URL=database_url)
    assert done.returncode == 0, done
