"""What Outgrow makes belongs to the store's owner, whoever is connected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, aclosing
from typing import Any

import asyncpg
import pytest

from conftest import Connect
from growing import CAMPUS, STORE, fill, grow
from outgrow.db.named import hold, snapshot
from outgrow.db.pool import Database
from outgrow.errors import Refused
from outgrow.growth import runner
from outgrow.growth.verification import verify
from outgrow.queries import load
from outgrow.schema.install import install
from outgrow.settings import DEFAULT_STORE
from outgrow.store import Store
from test_cli_kv import outgrow

STORE_NAME = f"public.{DEFAULT_STORE}"


class Owner:
    """A role that owns the store and signs in, and is no superuser."""

    def __init__(self, name: str, root: Any, raw: Any) -> None:
        self.name = name
        self.root = root
        self.raw = raw

    async def others(self) -> set[str]:
        """What in our schemas, or of the store, is somebody else's."""
        rows = await self.root.fetch(
            """
            SELECT nspname::text FROM pg_namespace
            WHERE nspname IN ('outgrow', 'network', 'campus', 'campus_tables')
              AND nspowner <> $1::text::regrole
            UNION ALL
            SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            WHERE nspname IN ('outgrow', 'network', 'campus', 'campus_tables', 'public')
              AND relowner <> $1::text::regrole
            UNION ALL
            SELECT p.oid::regprocedure::text
            FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
            WHERE nspname IN ('outgrow', 'network', 'campus', 'campus_tables', 'public')
              AND proowner <> $1::text::regrole
            UNION ALL
            SELECT stxname::text FROM pg_statistic_ext WHERE stxowner <> $1::text::regrole
            """,
            self.name,
        )
        return {row[0] for row in rows}


@pytest.fixture
async def owner(server: Any, database_url: str, connect: Connect) -> AsyncIterator[Owner]:
    root = await connect(database_url)
    database = await root.fetchval("SELECT current_database()")
    name = f"{database}_Owner.1"
    await root.execute(
        f'CREATE ROLE "{name}" LOGIN; ALTER TABLE {STORE} OWNER TO "{name}"; '
        f'GRANT CREATE ON SCHEMA public TO "{name}"'
    )
    yield Owner(f'"{name}"', root, await connect(database_url, user=name))
    await root.execute(
        f'REASSIGN OWNED BY "{name}" TO CURRENT_USER; DROP OWNED BY "{name}"; DROP ROLE "{name}"'
    )


def signed_in(database_url: str, role: str) -> Any:
    user = role.strip('"')
    return Database.open(database_url.replace("postgres@", f"{user}@"))


async def refused(work: Awaitable[Any], code: str) -> Refused:
    with pytest.raises(Refused) as error:
        await work
    assert error.value.code == code
    return error.value


async def test_a_superuser_prepares_what_the_owner_makes(
    database: Database, database_url: str, owner: Owner
) -> None:
    """The owner may not even make schemas."""
    await fill(owner.raw, 50)
    await refused(install(database), "connect_as_owner")
    await refused(grow(database, "relational"), "connect_as_owner")
    assert await owner.others() == set()
    hosted = await signed_in(database_url, owner.name)
    try:
        for phase in ("relational", "optimized"):
            await runner.plan(hosted, phase, DEFAULT_STORE, CAMPUS)
            await grow(hosted, phase)
            assert await owner.others() == set()
        assert (await verify(hosted, DEFAULT_STORE, CAMPUS, lambda _: None)).same
    finally:
        await hosted.close()
    assert await owner.raw.fetchval("SELECT count(*) FROM campus.users") == 50
    await refused(grow(database, "relational"), "connect_as_owner")


async def test_the_owner_of_a_store_is_never_a_superuser_by_it(
    database: Database, database_url: str, owner: Owner
) -> None:
    """The owner changes a function that `verify` calls, and puts a trigger on what a growth writes;
    and a view under the store's name, which a trigger may look at."""
    await fill(owner.raw, 50)
    await refused(grow(database, "relational"), "connect_as_owner")
    hosted = await signed_in(database_url, owner.name)
    await grow(hosted, "relational")
    await hosted.close()
    await owner.raw.execute(
        f"""
        CREATE TABLE seen (who text, may boolean);
        CREATE FUNCTION see() RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM set_config('role', 'none', true);
            INSERT INTO public.seen
            SELECT current_user, rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user;
        END $$;
        CREATE FUNCTION spy(v jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
        BEGIN PERFORM public.see(); RETURN v; END $$;
        CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM public.see(); RETURN NEW; END $$;
        CREATE TRIGGER watch BEFORE INSERT OR UPDATE ON outgrow.layouts
            FOR EACH ROW EXECUTE FUNCTION watch();
        ALTER TABLE {STORE} RENAME TO moved;
        CREATE VIEW {STORE} AS SELECT key, spy(value) AS value FROM moved;
        """
    )
    await owner.raw.execute("INSERT INTO moved VALUES ('user:new', '{}')")
    await owner.raw.execute("UPDATE moved SET value = '{\"name\": \"x\"}' WHERE key = 'user:u1'")
    await owner.raw.execute("DELETE FROM moved WHERE key = 'user:u2'")
    await owner.raw.execute(f"DROP VIEW {STORE}; ALTER TABLE moved RENAME TO {DEFAULT_STORE}")
    await refused(grow(database, "optimized"), "connect_as_owner")
    check = verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)
    await refused(check, "connect_as_owner")
    assert not await owner.raw.fetchval("SELECT bool_or(may) FROM seen")
    definers = await owner.root.fetch("SELECT proowner::regrole::text FROM pg_proc WHERE prosecdef")
    assert {row[0] for row in definers} <= {owner.name}
    await owner.raw.execute("DROP FUNCTION spy, see, watch CASCADE; DROP TABLE seen")


async def test_what_a_superuser_made_before_is_handed_over(
    database: Database, database_url: str, owner: Owner
) -> None:
    """As it was made before there was this rule."""
    await fill(owner.raw, 50)
    await owner.root.execute(f"ALTER TABLE {STORE} OWNER TO postgres")
    await grow(database, "relational")
    await owner.root.execute(f"ALTER TABLE {STORE} OWNER TO {owner.name}")
    await runner.plan(database, "relational", DEFAULT_STORE, CAMPUS)
    assert "campus_tables.users" in await owner.others()
    await refused(grow(database, "relational"), "connect_as_owner")
    assert await owner.others() == set()
    hosted = await signed_in(database_url, owner.name)
    try:
        await grow(hosted, "relational")
        await owner.raw.execute(f"INSERT INTO {STORE} VALUES ('user:new', '{{}}')")
        assert await owner.raw.fetchval("SELECT count(*) FROM campus_tables.users") == 51
        assert (await verify(hosted, DEFAULT_STORE, CAMPUS, lambda _: None)).same
    finally:
        await hosted.close()


async def test_what_another_role_made_is_refused(
    database: Database, database_url: str, owner: Owner
) -> None:
    app = owner.name.replace("Owner", "App")
    await owner.root.execute(f"CREATE ROLE {app} LOGIN; GRANT CREATE ON SCHEMA public TO {app}")
    name = await owner.root.fetchval("SELECT current_database()")
    await owner.root.execute(f"GRANT CREATE ON DATABASE {name} TO {app}")
    hosted = await signed_in(database_url, app)
    try:
        await owner.root.execute(f"ALTER TABLE {STORE} OWNER TO {app}")
        await install(hosted)
        await owner.root.execute(f"ALTER TABLE {STORE} OWNER TO {owner.name}")
        pool = await signed_in(database_url, owner.name)
        try:
            for work in (
                grow(pool, "relational"),
                runner.plan(pool, "relational", DEFAULT_STORE, CAMPUS),
                install(pool),
                install(database),
            ):
                assert app.strip('"') in (await refused(work, "other_owner")).message
        finally:
            await pool.close()
        await refused(grow(database, "relational"), "connect_as_owner")
        await owner.root.execute(f"ALTER TABLE {STORE} OWNER TO {app}")
        await grow(hosted, "relational")
    finally:
        await hosted.close()
        await owner.root.execute(
            f"REASSIGN OWNED BY {app} TO {owner.name}; DROP OWNED BY {app}; DROP ROLE {app}"
        )


async def test_a_member_makes_what_is_the_owners(
    database_url: str, owner: Owner, connect: Connect
) -> None:
    member = owner.name.replace("Owner", "Member")
    await owner.root.execute(f"CREATE ROLE {member} LOGIN; GRANT {owner.name} TO {member}")
    name = await owner.root.fetchval("SELECT current_database()")
    await owner.root.execute(f"GRANT CREATE ON DATABASE {name} TO {owner.name}")
    user = member.strip('"')
    hosted = await Database.open(database_url.replace("postgres@", f"{user}@"))
    try:
        await grow(hosted, "relational")
        assert await owner.others() == set()
    finally:
        await hosted.close()
        await owner.root.execute(f"DROP OWNED BY {member}; DROP ROLE {member}")


SPY = """
CREATE TABLE seen (who text, may boolean);
GRANT ALL ON seen TO PUBLIC;
CREATE FUNCTION see(v anyelement) RETURNS anyelement LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.seen
    SELECT current_user, rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user;
    RETURN v;
EXCEPTION WHEN read_only_sql_transaction THEN RAISE EXCEPTION 'seen by %', current_user;
END $$;
CREATE FUNCTION peek(v anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'seen by %', current_user;
    END IF;
    RETURN v;
END $$;
"""

TRAPS = {
    "a view": f"ALTER TABLE {STORE} RENAME TO moved; "
    f"CREATE VIEW {STORE} AS SELECT see(key) AS key, value FROM moved",
    "a materialized view": f"ALTER TABLE {STORE} RENAME TO moved; "
    f"CREATE MATERIALIZED VIEW {STORE} AS SELECT * FROM moved",
    "an index": f"CREATE INDEX ON {STORE} ((peek(1)))",
    "a predicate": f"CREATE INDEX ON {STORE} (key) WHERE peek(true)",
    "statistics": f"CREATE STATISTICS spying ON (peek(1)), (key || '') FROM {STORE}",
    "a type": f"CREATE TYPE odd AS (t jsonb); DROP TABLE {STORE}; "
    f"CREATE TABLE {STORE} (key text PRIMARY KEY, value odd); "
    "CREATE FUNCTION shown(odd) RETURNS text LANGUAGE sql AS 'SELECT see(''{}''::text)'; "
    "CREATE CAST (odd AS text) WITH FUNCTION shown(odd); "
    f"INSERT INTO {STORE} VALUES ('user:u1', ROW('1'))",
    "a domain over a type": "CREATE TYPE odd AS (t jsonb); CREATE DOMAIN doc AS odd; "
    f"DROP TABLE {STORE}; CREATE TABLE {STORE} (key text PRIMARY KEY, value doc); "
    "CREATE FUNCTION shown(odd) RETURNS text LANGUAGE sql AS 'SELECT see(''{}''::text)'; "
    "CREATE CAST (odd AS text) WITH FUNCTION shown(odd); "
    f"INSERT INTO {STORE} VALUES ('user:u1', ROW('1'))",
    "a type of keys": "CREATE TYPE odd AS ENUM ('user:u1'); "
    "CREATE FUNCTION shown(odd) RETURNS text LANGUAGE sql AS 'SELECT see(''user:u1''::text)'; "
    f"CREATE CAST (odd AS text) WITH FUNCTION shown(odd) AS IMPLICIT; DROP TABLE {STORE}; "
    f"CREATE TABLE {STORE} (key odd PRIMARY KEY, value jsonb); "
    f"INSERT INTO {STORE} VALUES ('user:u1', '1')",
}
READERS = (
    "kv list",
    "kv get user:u1",
    "kv export",
    "inspect",
    "advise",
    "verify",
    "status",
    "grow --plan --to relational",
)


@pytest.mark.parametrize("trap", TRAPS)
async def test_what_stands_under_the_stores_name_runs_nothing_as_a_superuser(
    trap: str, database_url: str, owner: Owner
) -> None:
    """PostgreSQL evaluates constant expressions of indexes and statistics when it plans."""
    await fill(owner.raw, 20)
    await owner.raw.execute(SPY + TRAPS[trap])
    ran = await asyncio.gather(
        *(
            asyncio.to_thread(outgrow, *command.split(), DATABASE_URL=database_url)
            for command in READERS
        )
    )
    for command, done in zip(READERS, ran, strict=True):
        stderr = done.stderr.splitlines()
        assert "seen" not in done.stderr, (command, done.stderr)
        if command != "status":
            assert done.returncode == 3, (command, done)
            assert stderr[-1].startswith("hint: "), stderr
    assert await owner.raw.fetchval("SELECT count(*) FROM seen") == 0
    await owner.raw.execute("DROP FUNCTION peek, see CASCADE; DROP TABLE seen")
    await owner.raw.execute("DROP TYPE IF EXISTS odd CASCADE; DROP TABLE IF EXISTS moved CASCADE")


async def test_a_superuser_reads_a_plain_table_of_anybody(database_url: str, owner: Owner) -> None:
    """With indexes, domains and triggers that run nothing when it is read."""
    await fill(owner.raw, 20)
    await owner.raw.execute(
        f"CREATE INDEX ON {STORE} (lower(key)); CREATE DOMAIN doc AS jsonb; "
        f"ALTER TABLE {STORE} ALTER COLUMN value TYPE doc; "
        "CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
        f"CREATE TRIGGER idle BEFORE INSERT ON {STORE} FOR EACH ROW EXECUTE FUNCTION idle()"
    )
    for command in ("kv export", "kv get user:u1", "inspect"):
        done = await asyncio.to_thread(outgrow, *command.split(), DATABASE_URL=database_url)
        assert done.returncode == 0, done
    done = await asyncio.to_thread(outgrow, "kv", "set", "k", "1", DATABASE_URL=database_url)
    assert done.returncode == 3, done
    assert "connect as" in done.stderr
    await owner.raw.execute("DROP FUNCTION idle CASCADE; DROP DOMAIN doc CASCADE")


@pytest.mark.parametrize("schema", ["outgrow", "campus", "campus_tables", "network"])
async def test_schemas_that_somebody_else_prepared_are_refused(
    schema: str, database: Database, owner: Owner
) -> None:
    """Whoever owns a schema can put something else under each name in it, at any time."""
    name = await owner.root.fetchval("SELECT current_database()")
    await owner.root.execute(
        f"ALTER TABLE {STORE} OWNER TO postgres; GRANT CREATE ON DATABASE {name} TO {owner.name}"
    )
    await owner.raw.execute(SPY + f"CREATE SCHEMA {schema}; GRANT ALL ON SCHEMA {schema} TO PUBLIC")
    if schema == "outgrow":
        await owner.raw.execute(
            "CREATE VIEW outgrow.layouts AS SELECT see('campus'::text) AS name, ''::text AS store, "
            "''::text AS version, 'initial'::text AS phase, 0::oid AS store_oid; "
            "GRANT ALL ON outgrow.layouts TO PUBLIC"
        )
    code = "connect_as_owner" if schema == "outgrow" else "other_owner"
    await refused(grow(database, "relational"), code)
    await refused(runner.plan(database, "relational", DEFAULT_STORE, CAMPUS), code)
    await refused(install(database), "other_owner")
    assert await owner.raw.fetchval("SELECT count(*) FROM seen") == 0
    await owner.raw.execute(
        f"DROP SCHEMA {schema} CASCADE; DROP FUNCTION see, peek; DROP TABLE seen"
    )


async def test_nothing_comes_to_a_table_that_a_superuser_reads(
    database_url: str, database: Database, owner: Owner, connect: Connect
) -> None:
    """What its owner could put on it to run when it is planned next; old clients write."""
    await fill(owner.raw, 20)
    await owner.raw.execute(SPY)
    added = [
        *LATER,
        f"CREATE TABLE part () INHERITS ({STORE})",
        f"ALTER TABLE {STORE} RENAME TO moved",
    ]
    writer = await connect(database_url, user=owner.name.strip('"'))
    for held in ("export", "inspect"):
        async with AsyncExitStack() as stack:
            if held == "export":
                rows = Store(database).get_by_prefix("user:")
                await stack.enter_async_context(aclosing(rows))
                assert await anext(rows)
            else:
                session = await stack.enter_async_context(database.session())
                await stack.enter_async_context(snapshot(session, STORE_NAME))
                await hold(session, STORE_NAME)
            for sql in added:
                with pytest.raises(asyncpg.LockNotAvailableError):
                    await owner.raw.execute(f"SET lock_timeout = '20ms'; {sql}")
            await writer.execute(f"UPDATE {STORE} SET value = '{{}}'")
    for sql in LATER:
        await owner.raw.execute(sql)
    await owner.raw.execute("DROP FUNCTION peek, see CASCADE; DROP TABLE seen")


LATER = (
    f"CREATE INDEX ON {STORE} ((peek(1)))",
    f"CREATE STATISTICS spying ON (peek(1)), (key || '') FROM {STORE}",
    f"CREATE TRIGGER idle BEFORE INSERT ON {STORE} EXECUTE FUNCTION "
    "suppress_redundant_updates_trigger()",
    f"CREATE RULE idle AS ON INSERT TO {STORE} DO NOTHING",
    f"CREATE POLICY idle ON {STORE}",
    f"ALTER TABLE {STORE} ADD CHECK (peek(1) = 1) NOT VALID",
    f"ALTER TABLE {STORE} ALTER value SET DEFAULT see('{{}}'::jsonb)",
)


async def test_what_came_after_a_snapshot_is_seen(
    database_url: str, database: Database, owner: Owner
) -> None:
    """A superuser's transaction has one snapshot, and so would look at the catalog of before."""
    await fill(owner.raw, 20)
    await owner.raw.execute(SPY)
    async with database.session() as session:
        async with session.connection.transaction(isolation="repeatable_read", readonly=True):
            await session.value(load("database")["pid"])
            await owner.raw.execute(LATER[0])
            await refused(hold(session, STORE_NAME), "connect_as_owner")
        async with session.connection.transaction():
            await refused(hold(session, STORE_NAME), "connect_as_owner")
    await owner.raw.execute("DROP FUNCTION peek, see CASCADE; DROP TABLE seen")


async def test_a_superuser_reads_nothing_in_a_schema_that_its_owner_could_exchange(
    database_url: str, owner: Owner
) -> None:
    await fill(owner.raw, 20)
    name = await owner.root.fetchval("SELECT current_database()")
    await owner.root.execute(f"ALTER DATABASE {name} OWNER TO {owner.name}")
    for command in ("kv export", "kv get user:u1", "inspect", "advise"):
        done = await asyncio.to_thread(outgrow, *command.split(), DATABASE_URL=database_url)
        assert done.returncode == 3, done
        assert "hint: connect as" in done.stderr
    await owner.root.execute(f"ALTER DATABASE {name} OWNER TO postgres")
