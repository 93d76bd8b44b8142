"""Nothing leaks: hosted services grant everything new to the roles that strangers sign in as."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from outgrow import layout
from outgrow.blueprint import campus
from outgrow.db.embedded import EmbeddedServer
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.schema.install import install

STORE = "kv_store_2516be19"
SCHEMAS = ("outgrow", "campus", "network")

# As a hosted service prepares a database: whatever is made later is granted to both roles.
HOSTED = f"""
CREATE ROLE anon_{{n}} LOGIN;
CREATE ROLE authenticated_{{n}} LOGIN;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO anon_{{n}}, authenticated_{{n}};
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO anon_{{n}}, authenticated_{{n}};
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO anon_{{n}}, authenticated_{{n}};
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO anon_{{n}}, authenticated_{{n}};
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER TABLE {STORE} ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON {STORE} TO authenticated_{{n}} USING (key LIKE 'user:me%');
GRANT ALL ON {STORE} TO anon_{{n}}, authenticated_{{n}};
INSERT INTO {STORE} VALUES
    ('user:me', '{{{{"name": "Me", "school": "MIT"}}}}'),
    ('user:you', '{{{{"name": "You", "school": "MIT", "email": "you@x.edu"}}}}')
"""


@pytest.fixture
async def hosted(
    database: Database, database_url: str, server: EmbeddedServer
) -> AsyncIterator[tuple[str, str]]:
    """The anonymous and the signed-in role, on an installed campus with all indexes."""
    number = database_url.partition("test_")[2].partition("?")[0]
    await database.run(Query("test", HOSTED.format(n=number)))
    await install(database)
    for index in layout.indexes(campus(), "public", STORE):
        await database.run(Query("test", index.create.sql.replace(" CONCURRENTLY", "")))
    roles = f"anon_{number}", f"authenticated_{number}"
    yield roles
    await database.run(Query("test", f"DROP OWNED BY {', '.join(roles)}"))
    await database.run(Query("test", f"DROP ROLE {', '.join(roles)}"))


Connect = Callable[..., Awaitable[Any]]


async def _objects(database: Database) -> list[str]:
    """Something to try on every relation, sequence and function of our schemas."""
    names = await database.rows(
        Query(
            "test",
            """
            SELECT CASE relkind WHEN 'S' THEN format('SELECT nextval(%L)', oid::regclass)
                   ELSE format('SELECT * FROM %s', oid::regclass) END
            FROM pg_class WHERE relnamespace::regnamespace::text = ANY ($1)
              AND relkind IN ('r', 'v', 'm', 'S', 'p')
            UNION ALL
            SELECT format('SELECT %s(%s)', oid::regproc, (
                SELECT string_agg(format('NULL::%s', format_type(t, NULL)), ', ')
                FROM unnest(proargtypes) AS t))
            FROM pg_proc WHERE pronamespace::regnamespace::text = ANY ($1)
              AND prorettype <> 'trigger'::regtype
            """,
        ),
        SCHEMAS,
    )
    return [row[0] for row in names]


async def test_a_stranger_can_name_nothing_of_ours(
    hosted: tuple[str, str], database: Database, database_url: str, connect: Connect
) -> None:
    tries = await _objects(database)
    assert len(tries) > 40
    for role in hosted:
        client = await connect(database_url, user=role)
        for statement in tries:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await client.execute(statement)


async def test_no_grant_is_left(hosted: tuple[str, str], database: Database) -> None:
    """But EXECUTE on the functions that index expressions call, without USAGE on their schema."""
    left = await database.rows(
        Query(
            "test",
            """
            SELECT 'schema', nspname, a.privilege_type FROM pg_namespace n, aclexplode(nspacl) a
            WHERE nspname = ANY ($1) AND a.grantee <> nspowner
            UNION ALL
            SELECT relnamespace::regnamespace::text, relname, a.privilege_type
            FROM pg_class, aclexplode(relacl) a
            WHERE relnamespace::regnamespace::text = ANY ($1) AND a.grantee <> relowner
            UNION ALL
            SELECT pronamespace::regnamespace::text, proname, a.privilege_type
            FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
            WHERE pronamespace::regnamespace::text = ANY ($1) AND a.grantee <> proowner
            """,
        ),
        SCHEMAS,
    )
    assert {(row[0], row[2]) for row in left} == {("outgrow", "EXECUTE")}


async def test_row_level_security_still_holds(
    hosted: tuple[str, str], database_url: str, connect: Connect
) -> None:
    anonymous, signed_in = [await connect(database_url, user=role) for role in hosted]
    assert await anonymous.fetch(f"SELECT key FROM {STORE}") == []
    assert [row[0] for row in await signed_in.fetch(f"SELECT key FROM {STORE}")] == ["user:me"]
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await signed_in.execute(f"INSERT INTO {STORE} VALUES ('user:other', '{{}}')")


async def test_an_old_client_with_a_role_of_its_own_writes_as_before(
    hosted: tuple[str, str], database: Database, database_url: str, connect: Connect
) -> None:
    """Index expressions run as the writer, who cannot see the schema of their functions."""
    client = await connect(database_url, user=hosted[1])
    upsert = (
        f"INSERT INTO {STORE} (key, value) VALUES ($1, $2) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
    await client.execute(upsert, "user:me", '{"name": "Zoë", "school": "MIT", "createdAt": "x"}')
    await client.execute(upsert, "user:me:connections", '["you"]')
    await client.execute(f'UPDATE {STORE} SET value = value || \'{{"major": "Art"}}\'')
    await client.execute(f"DELETE FROM {STORE} WHERE key = 'user:me:connections'")
    row = await database.row(
        Query("test", "SELECT major, search_name FROM campus.users WHERE id = 'me'")
    )
    assert row is not None
    assert tuple(row) == ("Art", "zoe")


async def test_nobody_can_change_what_a_function_means(
    hosted: tuple[str, str], database: Database
) -> None:
    """Bodies are parsed when made, or have a pinned search_path."""
    loose = await database.rows(
        Query(
            "test",
            """
            SELECT oid::regprocedure::text FROM pg_proc
            WHERE pronamespace::regnamespace::text = ANY ($1)
              AND prosqlbody IS NULL
              AND NOT coalesce(proconfig::text, '') LIKE '%search_path=pg_catalog%'
            """,
        ),
        SCHEMAS,
    )
    assert [row[0] for row in loose] == []
