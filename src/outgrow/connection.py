"""Connections of programs and commands, and PostgreSQL's errors in Outgrow's words.

asyncpg's exceptions have no code and no hint. `explained` turns refusals into OutgrowErrors,
`failure` all other errors too, so that the command line and the library report the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import asyncpg

from outgrow import events, signals
from outgrow.db import pooler
from outgrow.db.named import refuse_strangers
from outgrow.db.pool import GONE, Database
from outgrow.errors import OutgrowError, Refused, Unavailable
from outgrow.settings import Settings

if TYPE_CHECKING:
    from outgrow.db.embedded import EmbeddedServer

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

    A growth needs 3 connections, everything else 1 or 2. Raises Unavailable when no server answers,
    Refused for a server that is too old and for a pooler that the URL does not mention.
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
async def connected(
    settings: Settings,
    *,
    pool_size: int | None = None,
    serves: bool = False,
    only_store: bool = False,
) -> AsyncIterator[Database]:
    """Open the database that the settings name; the embedded server runs until it is closed.

    A server (`serves`) goes through a pooler, where there is one, and has generic plans, see
    `Database.open`. Everything else goes around the pooler where OUTGROW_DIRECT_URL is set. With
    `only_store` nothing in our own schemas is read. Raises ServerFailed, Unavailable, Refused.
    """
    with ExitStack() as stack:
        url = settings.database_url if serves else settings.direct_url or settings.database_url
        if url is None:
            url = stack.enter_context(_embedded(settings)).url()
        async with (
            connect(
                url,
                direct_url=settings.direct_url,
                pool_size=pool_size or settings.pool_size,
                slow_query_ms=settings.slow_query_ms,
                generic_plans=serves,
            ) as database,
            explained(database),
        ):
            if not only_store:
                await refuse_strangers(database)
            yield database


@contextmanager
def _embedded(settings: Settings) -> Iterator[EmbeddedServer]:
    """Run the embedded server. Its start and its stop block the event loop."""
    from outgrow.db.embedded import running  # a library may do without it

    with ExitStack() as stack:
        with signals.blocking():
            server = stack.enter_context(running(settings.home, tell=events.note))
        try:
            yield server
        finally:
            with signals.blocking():
                stack.close()


@asynccontextmanager
async def explained(database: Database) -> AsyncIterator[None]:
    """Raise what the role or the server does not permit as Refused, with the role to connect as."""
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
