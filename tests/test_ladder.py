"""Up the ladder and down again: relations get tables of their own, and lose them."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import Connect
from growing import CAMPUS, grow
from outgrow.campus.generator import generate
from outgrow.campus.population import Spec
from outgrow.database import Database
from outgrow.settings import DEFAULT_STORE


@pytest.fixture
async def damaged(database: Database, database_url: str, connect: Connect) -> Any:
    """A small campus on which everything is broken that the prototype breaks, and a connection."""
    await generate(database, Spec(120, 7, 0.1, None, False), store=DEFAULT_STORE)
    return await connect(database_url)


async def everything(raw: Any) -> set[tuple[str, ...]]:
    """All objects of the database but the system's, and the store's own indexes by definition."""
    rows = await raw.fetch(
        """
        SELECT 'relation', c.oid::regclass::text, c.relkind::text,
               coalesce((SELECT indisvalid::text FROM pg_index WHERE indexrelid = c.oid), '')
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
        UNION ALL
        SELECT 'function', p.oid::regprocedure::text, prosrc, coalesce(md5(prosqlbody::text), '')
        FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
        WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
        UNION ALL
        SELECT 'trigger', tgname::text, tgrelid::regclass::text, tgenabled::text
        FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL
        SELECT 'view', v.oid::regclass::text, pg_get_viewdef(v.oid), ''
        FROM pg_class v WHERE relkind = 'v' AND relnamespace = to_regnamespace('campus')
        UNION ALL
        SELECT 'schema', nspname::text, coalesce(nspacl::text, ''), ''
        FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'
        UNION ALL
        SELECT 'statistics', stxname::text, '', '' FROM pg_statistic_ext
        """
    )
    found = {tuple(row.values()) for row in rows}
    # Duplicate indexes are damage that a growth repairs for good.
    return {row for row in found if not row[1].startswith(f"{DEFAULT_STORE}_key_idx")}


async def shown(raw: Any) -> dict[str, list[str]]:
    """What every relation shows, but for where it lives."""
    found = {}
    for name in CAMPUS.relations:
        rows = await raw.fetch(
            f"SELECT (to_jsonb(r) - 'at' - 'probe')::text AS row FROM campus.{name} r ORDER BY 1"
        )
        found[name] = [row["row"] for row in rows]
    return found


async def test_up_and_down(database: Database, damaged: Any) -> None:
    await grow(database, "found")
    before, rows = await everything(damaged), await shown(damaged)
    for goal in ("hybrid", "relational"):
        done = await grow(database, goal)
        assert done.store.phase == goal
        assert await shown(damaged) == rows
        assert (await grow(database, goal)).steps == ()
    for goal in ("hybrid", "optimized", "found"):
        done = await grow(database, goal)
        assert done.store.phase == goal
        assert await shown(damaged) == rows
    assert await everything(damaged) == before
