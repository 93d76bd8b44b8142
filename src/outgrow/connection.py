"""How a program connects, and how what PostgreSQL refuses is told.

What asyncpg raises has no code and no hint. `explained` makes an OutgrowError of it, `failure` also
of what nobody foresaw: the command line and the library report the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from outgrow.db import pooler
from outgrow.db.pool import GONE, Database
from outgrow.errors import OutgrowError, Refused, Unavailable

OF_THE_DATABASE = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
)


@asynccontextmanager
async def connect(
    url: str,
    *,
    direct_url: str | None = None,
    pool_size: int = 10,
    slow_query_ms: int = 500,
    generic_plans: bool = False,
) -> AsyncIterator[Database]:
    """Open a pool of up to `pool_size` connections, and close it at the end of the block.

    `url` is a libpq URL such as `postgresql://ada@localhost/app`. libpq's `PG*` variables fill in
    what it leaves out; "" leaves all to them, and nothing else of the environment is read.
    `direct_url` leads around a pooler in transaction mode. A statement that takes `slow_query_ms`
    or longer is logged. `generic_plans` is for servers: see `Database.open`.

    A growth needs 3 connections, everything else 1 or 2. Raises Unavailable when nobody answers,
    Refused for a server that is too old and for a pooler that the URL does not speak of.
    """
    database = await Database.open(
        url,
        pool_size=pool_size,
        slow_query_ms=slow_query_ms,
        generic_plans=generic_plans,
        direct_url=direct_url,
        only_catalog=True,
    )
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def explained(database: Database) -> AsyncIterator[None]:
    """Raise what the role or the server does not permit as Refused, with whom to connect as."""
    try:
        yield
    except asyncpg.ReadOnlySQLTransactionError as e:
        raise _read_only(e) from e
    except asyncpg.InsufficientPrivilegeError as e:
        raise await database.not_permitted(e) from e


def _read_only(error: Exception) -> Refused:
    return Refused(
        "read_only_session",
        "this role, database or server is set to read only",
        detail=str(error),
        hint="point DATABASE_URL at the primary, or take default_transaction_read_only back: "
        "ALTER ROLE (or DATABASE) ... RESET default_transaction_read_only",
    )


def failure(error: Exception) -> OutgrowError:
    """Return the error to report for one of `OF_THE_DATABASE`."""
    if isinstance(error, pooler.LOST):
        return pooler.refusal("", str(error))
    if isinstance(error, GONE) and not isinstance(error, asyncpg.QueryCanceledError):
        return Unavailable(
            "connection_lost",
            "the connection to the database was lost",
            detail=str(error),
            hint="run the command again when the server is back",
        )
    state = getattr(error, "sqlstate", None)
    return Unavailable(
        "database_failed",
        "the database did not do what it was asked",
        detail=f"{error}{f' (SQLSTATE {state})' if state else ''}",
    )
