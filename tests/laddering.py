"""What the tests of the ladder share: a small damaged campus, and looks at all that is there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import firing
from conftest import Connect
from growing import CAMPUS, STORE, Recorder
from outgrow.db.pool import Database
from outgrow.growth import runner
from outgrow.growth.context import Step
from outgrow.growth.runner import Done, Options
from outgrow.growth.state import Phase
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import Spec
from outgrow.settings import DEFAULT_STORE


async def damaged_campus(database: Database, connect: Connect, url: str, users: int = 60) -> Any:
    """A campus on which everything is broken that the prototype breaks, and an old client of it."""
    await generate(database, Spec(users, 7, 0.1, None, False), store=DEFAULT_STORE)
    return await connect(url, server_settings={"application_name": "old client"})


class Stops(Recorder):
    """A watcher that ends the growth behind the step for which `when` is true."""

    def __init__(self, when: Callable[[Step], bool]) -> None:
        super().__init__()
        self._when = when

    def finished(self, step: Step, seconds: float, index_bytes: int | None) -> None:
        super().finished(step, seconds, index_bytes)
        if self._when(step):
            raise Stopped(step.kind)


class Stopped(Exception):
    """A growth's process was stopped here."""


async def climb(
    database: Database, goal: Phase, recorder: Recorder | None = None, **options: Any
) -> Done:
    return await runner.grow(
        database, goal, DEFAULT_STORE, CAMPUS, recorder or Recorder(), Options(**options)
    )


async def everything(raw: Any) -> set[tuple[str, ...]]:
    """All objects of the database but the system's, and who may use the schemas."""
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
    definitions = {tuple(row.values()) for row in rows}
    # Duplicate indexes are damage that a growth repairs for good; functions made in a changed order
    # of oids have another md5.
    return {
        row[:3] if row[0] == "function" else row
        for row in definitions
        if not row[1].startswith(f"{DEFAULT_STORE}_key_idx")
    }


async def shown(raw: Any) -> dict[str, list[str]]:
    """What every relation shows, but for where it lives."""
    return {name: await firing.shown(raw, name) for name in CAMPUS.relations}


async def mirrors(raw: Any) -> dict[str, str]:
    """Relation -> state."""
    rows = await raw.fetch("SELECT relation, state FROM outgrow.mirrors")
    return {row["relation"]: row["state"] for row in rows}


async def growth(raw: Any) -> Any:
    """The last one."""
    return await raw.fetchrow("SELECT * FROM outgrow.growths ORDER BY id DESC LIMIT 1")


async def befriend(raw: Any, user: str, other: str) -> None:
    """As an old client does it."""
    await raw.execute(
        f"""INSERT INTO {STORE}
        VALUES ('user:' || $1 || ':connections', jsonb_build_array($2::text))
        ON CONFLICT (key) DO UPDATE SET value = kv_store_2516be19.value || excluded.value""",
        user,
        other,
    )


def outgrow(url: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "outgrow", *arguments],
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
