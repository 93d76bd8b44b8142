"""Row-level security hides rows without a word: whoever cannot see all of a store is told so, and
never that it is empty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from growing import CAMPUS, STORE, old_client, opened
from laddering import climb
from outgrow.db.pool import Database
from outgrow.errors import Refused, RowsHidden
from outgrow.growth import runner
from outgrow.growth.verification import verify
from outgrow.queries import Query
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE
from test_cli_kv import outgrow

EVERYTHING = (
    "GRANT ALL ON {s} TO {r}; GRANT ALL ON SCHEMA public TO {r};GRANT CREATE ON DATABASE {d} TO {r}"
)


@pytest.fixture
async def raw(database_url: str, connect: Connect) -> Any:
    return await old_client(connect, database_url)


@pytest.fixture
async def role(raw: Any) -> AsyncIterator[str]:
    """A role that may sign in, and is no superuser."""
    name = f"{await raw.fetchval('SELECT current_database()')}_role"
    await raw.execute(f"CREATE ROLE {name} LOGIN")
    yield name
    await raw.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


async def say(raw: Any, role: str, sql: str) -> None:
    name = await raw.fetchval("SELECT current_database()")
    await raw.execute(sql.format(s=STORE, r=role, d=name))


@pytest.mark.parametrize(
    "arguments",
    [
        "inspect",
        "inspect --sample",
        "inspect --write {file}",
        "kv export",
        "kv list",
        "kv list user:",
        "kv get user:u1",
        "kv set new 1",
        "generate campus --users 10 --manifest {file}",
        "advise",
        "verify",
        "grow --plan --to relational",
        "serve --port 0 --no-demo",
    ],
)
async def test_a_command_says_that_rows_are_hidden(
    arguments: str, raw: Any, role: str, database_url: str, tmp_path: Path
) -> None:
    """To a stranger whom no policy lets see anything, and to an owner who is held by policies."""
    file = tmp_path / "file"
    command = arguments.format(file=file).split()
    url = database_url.replace("postgres@", f"{role}@")
    for sql in (
        f"ALTER TABLE {{s}} ENABLE ROW LEVEL SECURITY; {EVERYTHING}",
        "ALTER TABLE {s} OWNER TO {r}; ALTER TABLE {s} FORCE ROW LEVEL SECURITY;"
        "CREATE POLICY few ON {s} USING (key LIKE 'user:u1%')",
    ):
        await say(raw, role, sql)
        done = await asyncio.to_thread(outgrow, *command, DATABASE_URL=url)
        assert done.returncode == 3, done
        assert done.stdout == ""
        assert f"hides rows of public.{DEFAULT_STORE} from the role {role}" in done.stderr
        assert "BYPASSRLS" in done.stderr.splitlines()[-1]
        assert not file.exists()
    assert await raw.fetchval(f"SELECT count(*) FROM {STORE}") == 300


async def test_what_was_installed_before_is_served_no_more(
    raw: Any, role: str, database: Database, database_url: str
) -> None:
    await say(raw, role, f"ALTER TABLE {{s}} OWNER TO {{r}}; {EVERYTHING}")
    async with opened(database_url.replace("postgres@", f"{role}@")) as owner:
        await climb(owner, "relational")
        await say(raw, role, "ALTER TABLE {s} ENABLE ROW LEVEL SECURITY")
        await install(owner)
        assert (await verify(owner, DEFAULT_STORE, CAMPUS, lambda _: None)).same
        await say(raw, role, "ALTER TABLE {s} FORCE ROW LEVEL SECURITY")
        # The relations belong to a role that sees nothing, whoever looks at them.
        with pytest.raises(RowsHidden, match=role):
            await install(owner)
        with pytest.raises(Refused, match="no superuser"):
            await install(database)
        with pytest.raises(RowsHidden):
            await verify(owner, DEFAULT_STORE, CAMPUS, lambda _: None)
        assert (await climb(owner, "initial")).store.phase == "initial"
        for whoever in (owner, database):
            with pytest.raises(RowsHidden, match=role) as hidden:
                await whoever.rows(Query("test", "SELECT id FROM campus.users"))
            # To a superuser nobody need say to connect as one.
            is_connected = "connect as a role" in str(hidden.value.hint)
            assert is_connected == (whoever is owner)
            assert str(hidden.value.hint).endswith("NO FORCE ROW LEVEL SECURITY")
            with pytest.raises(RowsHidden, match=role):
                await runner.plan(owner, "hybrid", DEFAULT_STORE, CAMPUS)
        await raw.execute(f"ALTER ROLE {role} BYPASSRLS")
        assert await database.rows(Query("test", "SELECT id FROM campus.users"))


async def test_every_kind_of_connection_refuses_to_be_filtered(
    raw: Any, role: str, database_url: str
) -> None:
    """Whatever a policy lets pass: nobody can tell what a policy says."""
    await say(raw, role, f"ALTER TABLE {{s}} ENABLE ROW LEVEL SECURITY; {EVERYTHING}")
    await say(raw, role, "CREATE POLICY all_of_it ON {s} USING (true)")
    async with opened(database_url.replace("postgres@", f"{role}@")) as stranger:

        async def count(session: Any) -> Any:
            return await session.value(Query("test", f"SELECT count(*) FROM {STORE}"))

        with pytest.raises(RowsHidden) as hidden:
            await stranger.transaction(count)
        assert hidden.value.exit_code == 3
        with pytest.raises(RowsHidden):
            await count(stranger)
        with pytest.raises(RowsHidden):
            async with stranger.dedicated() as session:
                await count(session)
