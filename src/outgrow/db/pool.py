"""The pool, transactions and the rules every statement follows.

* A statement is a `Query`: named, timed, counted when slow. Nothing here takes a string.
* A session's settings are made in one statement after connecting (poolers refuse most startup
  parameters), and not changed outside a transaction (`SET LOCAL` only): connections are returned to
  the pool as they are, without the reset that asyncpg would send.
* Between two uses a connection is not returned to asyncpg's pool at all, unless something was
  raised or it lay unused for a minute: a turn through that pool costs twice what sending a
  statement and reading its row does (80 and 40 microseconds). The longest waiter is handed one.
* Everything is read or nothing: with `row_security` off PostgreSQL refuses a statement from which
  row-level security would hide rows, instead of answering with fewer. It becomes `RowsHidden`.
* A transaction is READ COMMITTED, short, and run again when PostgreSQL says that it lost a race
  (serialization_failure, which the relations' triggers raise too, deadlock_detected,
  lock_not_available). What runs inside must therefore have no effect outside the database.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from outgrow.db import pooler
from outgrow.db.pooler import Way
from outgrow.errors import Busy, Refused, RowsHidden, Unavailable
from outgrow.queries import Query, load, quote

log = logging.getLogger("outgrow.db.pool")

T = TypeVar("T")
Observer = Callable[[str, float], None]

OLDEST_SERVER = 15
ATTEMPTS = 12
RETRIED = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # asyncpg, when the connection breaks at an unexpected moment
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    *pooler.LOST,
)
"""What is raised when the connection was lost, or none can be made."""
_KEPT_SECONDS = 60
_PLAN_FOR_PARAMETERS = load("database")["plan_for_parameters"]


class Statements(ABC):
    """Statements to the database: through the pool (`Database`) or on one connection."""

    @abstractmethod
    async def rows(self, query: Query, *args: Any) -> list[asyncpg.Record]: ...

    @abstractmethod
    async def row(self, query: Query, *args: Any) -> asyncpg.Record | None: ...

    @abstractmethod
    async def run(self, query: Query, *args: Any) -> str:
        """Run and return the command tag (`UPDATE 1`)."""

    async def value(self, query: Query, *args: Any) -> Any:
        """Return the first column of the first row, or None."""
        row = await self.row(query, *args)
        return None if row is None else row[0]


class Session(Statements):
    """Statements on one connection. `connection` is asyncpg's own, for COPY and cursors."""

    def __init__(self, connection: Any, observe: Observer) -> None:
        self.connection = connection
        self._observe = observe

    async def rows(self, query: Query, *args: Any) -> list[asyncpg.Record]:
        start = time.perf_counter()
        try:
            return list(await self.connection.fetch(query.sql, *args))
        finally:
            self._observe(query.name, time.perf_counter() - start)

    async def row(self, query: Query, *args: Any) -> asyncpg.Record | None:
        start = time.perf_counter()
        try:
            row: asyncpg.Record | None = await self.connection.fetchrow(query.sql, *args)
            return row
        finally:
            self._observe(query.name, time.perf_counter() - start)

    async def run(self, query: Query, *args: Any) -> str:
        start = time.perf_counter()
        try:
            return str(await self.connection.execute(query.sql, *args))
        finally:
            self._observe(query.name, time.perf_counter() - start)

    async def stream(
        self, query: Query, *args: Any, batch: int = 1000
    ) -> AsyncIterator[list[asyncpg.Record]]:
        """Yield the rows of one statement, `batch` at a time; only inside a transaction."""
        # Where statements cannot be kept, this one has no name; a cursor of asyncpg's would.
        statement = await self.connection.prepare(query.sql)
        cursor = await statement.cursor(*args)
        while True:
            start = time.perf_counter()
            try:
                rows = await cursor.fetch(batch)
            finally:
                self._observe(query.name, time.perf_counter() - start)
            if not rows:
                return
            yield rows

    async def run_many(self, query: Query, args: Sequence[Sequence[Any]]) -> None:
        start = time.perf_counter()
        try:
            await self.connection.executemany(query.sql, args)
        finally:
            self._observe(query.name, time.perf_counter() - start)


class Database(Statements):
    """A pool of connections to one database."""

    def __init__(
        self,
        pool: Any,
        slow: float,
        way: Way,
        direct: Way | None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.pool = pool
        self._way = way
        self._direct = direct
        self._slow = slow
        self._observers = list(observers)
        self._kept: deque[tuple[Any, float]] = deque()  # since when; the last used is the last
        self._acquired = 0
        self._waiters: deque[asyncio.Future[Any]] = deque()

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        pool_size: int = 10,
        slow_query_ms: int = 500,
        connect_timeout: float = 10,
        generic_plans: bool = False,
        direct_url: str | None = None,
        only_catalog: bool = False,
    ) -> Database:
        """Connect. `url` is a libpq URL, or "" for the `PG*` variables; with `pgbouncer=true` in it
        the connections lead to a pooler in transaction mode. `direct_url` leads around one.

        With `generic_plans` a statement is planned once per connection, without looking at its
        parameters. Planning a page of profiles costs 10 ms and running it 0.5, and PostgreSQL's own
        choice goes on planning where it thinks that the LIMIT matters. With `only_catalog` names
        without a schema are PostgreSQL's own alone.

        Raises Unavailable when nobody answers or lets us in, Refused for a server too old or a
        pooler in transaction mode that the URL does not speak of.
        """
        way = Way(url, generic_plans=generic_plans, only_catalog=only_catalog)
        direct = Way(direct_url, only_catalog=only_catalog) if direct_url is not None else None
        try:
            pool = await asyncpg.create_pool(
                **{"statement_cache_size": 1000, **way.options("outgrow")},
                min_size=0,  # to keep one, asyncpg would report in traces that it cannot
                max_size=pool_size,
                timeout=connect_timeout,
                max_inactive_connection_lifetime=300,
                init=way.begin,
                reset=_skip_reset,
            )
            database = cls(pool, slow_query_ms / 1000, way, direct)
            try:
                await database._check_version()
            except BaseException:
                await database.close()
                raise
        except (*_CANNOT_CONNECT, ValueError) as e:
            raise _unreachable(e) from e
        return database

    async def _check_version(self) -> None:
        async with self.pool.acquire() as connection:
            version = connection.get_server_version()
        if version.major < OLDEST_SERVER:
            raise Refused(
                "server_too_old",
                f"PostgreSQL {version.major} is too old for Outgrow",
                hint=f"use PostgreSQL {OLDEST_SERVER} to 18",
            )

    async def close(self) -> None:
        while self._kept:
            await self.pool.release(self._kept.pop()[0])
        try:
            await asyncio.wait_for(self.pool.close(), timeout=5)
        except TimeoutError:
            self.pool.terminate()

    async def _explained(self, error: BaseException) -> BaseException:
        """Return what to raise instead of `error`. Needs a connection, so that none may be held."""
        if not _is_of_hidden_rows(error):
            return error
        return await find_hidden_rows(self, text=str(error)) or error

    async def not_permitted(self, error: asyncpg.InsufficientPrivilegeError) -> Refused:
        """Return the error with the role's name, and the role that it should be."""
        role = await self.row(load("database")["role"])
        assert role is not None
        name, owner = role["name"], role["owner"]
        hint = "connect as the store's owner, who may make schemas in this database"
        if owner not in (None, name):
            hint = f"connect as {owner}, who installed Outgrow here, or: " + (
                f"GRANT {quote(owner)} TO {quote(name)}"
            )
        return Refused(
            "not_permitted",
            f"the role {name} may not do this in the database",
            detail=str(error),
            hint=hint,
        )

    def observe_with(self, observer: Observer) -> None:
        """Call `observer(name, seconds)` after every statement (for metrics)."""
        self._observers.append(observer)

    def _observe(self, name: str, seconds: float) -> None:
        if seconds >= self._slow:
            log.warning("slow query %s took %.0f ms", name, seconds * 1000)
        self._notify(name, seconds)

    def _notify(self, name: str, seconds: float) -> None:
        for observer in self._observers:
            observer(name, seconds)

    @property
    def idle(self) -> int:
        """Connections that are open and not in use."""
        return len(self._kept) + int(self.pool.get_idle_size())

    async def _acquire(self) -> Any:
        """Acquire a connection, for `_give_back`; for `_release` when anything was raised."""
        while self._acquired >= self.pool.get_max_size():
            connection = await self._handed()
            if connection is not None:
                return connection
        self._acquired += 1
        try:
            while self._kept:
                connection, _ = self._kept.pop()
                if _is_ready(connection):
                    return connection
                await self.pool.release(connection)
            return await self.pool.acquire()
        except BaseException as e:
            self._free()
            if isinstance(e, _CANNOT_CONNECT):
                raise lost() from e
            raise

    async def _handed(self) -> Any:
        """Wait for a connection that is given back, or None: there may be room now."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # handed over in this very moment
                connection = waiter.result()
                if connection is None:
                    self._hand(None)
                else:
                    await self._give_back(connection)
            raise

    def _hand(self, connection: Any) -> bool:
        """Wake the longest waiter; return False when there is none."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _free(self) -> None:
        self._acquired -= 1
        self._hand(None)

    async def _give_back(self, connection: Any) -> None:
        if not _is_ready(connection):
            await self._release(connection)
            return
        if self._hand(connection):
            return
        self._acquired -= 1
        now = time.monotonic()
        self._kept.append((connection, now))
        if now - self._kept[0][1] > _KEPT_SECONDS:
            await self.pool.release(self._kept.popleft()[0])

    async def _release(self, connection: Any) -> None:
        """Release to asyncpg's pool, which cancels statements and ends transactions left open."""
        try:
            await self.pool.release(connection)
        finally:
            self._free()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Give one connection for several statements, each committing by itself."""
        connection = await self._acquire()
        try:
            yield Session(connection, self._observe)
        except BaseException as e:
            await self._release(connection)
            if (explained := await self._explained(e)) is not e:
                raise explained from e
            raise
        await self._give_back(connection)

    @property
    def url(self) -> str:
        """The URL that it was opened with."""
        return self._way.url

    @property
    def has_sessions(self) -> bool:
        """Whether a connection can have a session of its own."""
        return not (self._direct or self._way).is_pooled

    @asynccontextmanager
    async def dedicated(
        self, application_name: str = "outgrow", *, single_transaction: bool = False
    ) -> AsyncIterator[Session]:
        """Give a connection outside the pool, closed at the end: for work that changes the
        session's state, or holds session-level locks. What runs there may take hours, and never
        counts as slow. With `single_transaction` a pooler in transaction mode will do; otherwise
        raises Refused where there is nothing else. Raises Unavailable."""
        way = self._direct or self._way
        if way.is_pooled and not single_transaction:
            raise pooler.no_session(application_name)
        try:
            connection = await asyncpg.connect(**way.options(application_name))
        except _CANNOT_CONNECT as e:
            raise _unreachable(e) from e
        try:
            await way.begin(connection)
        except BaseException:
            connection.terminate()
            raise
        try:
            yield Session(connection, self._notify)
        except asyncpg.InsufficientPrivilegeError as e:
            if (explained := await self._explained(e)) is not e:
                raise explained from e
            raise
        finally:
            await connection.close()

    async def rows(self, query: Query, *args: Any) -> list[asyncpg.Record]:
        return await self._once(Session.rows, query, args)

    async def row(self, query: Query, *args: Any) -> asyncpg.Record | None:
        return await self._once(Session.row, query, args)

    async def run(self, query: Query, *args: Any) -> str:
        return await self._once(Session.run, query, args)

    async def _once(
        self, say: Callable[..., Awaitable[T]], query: Query, args: tuple[Any, ...]
    ) -> T:
        """Do what `session` does, for one statement and without a context manager's 15 us."""
        connection = await self._acquire()
        try:
            result = await say(Session(connection, self._observe), query, *args)
        except BaseException as e:
            await self._release(connection)
            if (explained := await self._explained(e)) is not e:
                raise explained from e
            raise
        await self._give_back(connection)
        return result

    async def row_as_planned_for(self, query: Query, *args: Any) -> asyncpg.Record | None:
        """Return a row as `row` does, planned for these very parameters whatever `generic_plans`
        says: for what is best done one way for a common value and another for a rare one. Costs the
        planning, some 7 ms for a page."""
        async with self.session() as session, session.connection.transaction(readonly=True):
            await session.run(_PLAN_FOR_PARAMETERS)
            return await session.row(query, *args)

    async def transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run `work` in a transaction, again when it loses a race, up to 12 times in about 4 s.

        Raises Busy when it lost every time; whatever `work` raises rolls back and is raised again.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self.session() as session, session.connection.transaction():
                    return await work(session)
            except RETRIED as e:
                last = e
                await asyncio.sleep(random.uniform(0, min(0.005 * 2**attempt, 0.8)))  # noqa: S311
        raise Busy(
            "too_contended",
            f"the same rows were being changed by others, {ATTEMPTS} times in a row",
            detail=str(last),
            hint="try again",
        ) from last


_CANNOT_CONNECT = (*GONE, asyncpg.PostgresError)


def lost() -> Unavailable:
    """Return the error for callers over HTTP, who are not told why."""
    return Unavailable(
        "database_unavailable",
        "the database cannot be reached at this moment",
        hint="try again in a few seconds",
    )


def _unreachable(error: BaseException) -> Unavailable:
    return Unavailable(
        "database_unavailable",
        "the database cannot be reached",
        detail=f"{type(error).__name__}: {error}",
        hint="check DATABASE_URL and the PG* variables, or unset them to use the embedded server",
    )


async def find_hidden_rows(
    statements: Statements, *, table: str | None = None, text: str = ""
) -> RowsHidden | None:
    """Return the error to raise when row-level security hides rows of `table` (quoted as SQL quotes
    it), or of one that `text` names, from the current role or from the owner of our views of it
    and triggers on it."""
    row = await statements.row(load("database")["hidden_from"], table, text)
    if row is None:
        return None
    if not row[
        "is_connected"
    ]:  # views and triggers run as their owner, whatever the session's role
        hint = f"ALTER ROLE {quote(row['role'])} BYPASSRLS"
    elif row["is_forced"]:
        hint = "connect as a role with BYPASSRLS"
    else:
        hint = f"connect as {row['owner']}, who owns the table, or as a role with BYPASSRLS"
    if row["is_forced"] and row["owns"]:
        hint += f", or: ALTER TABLE {row['name']} NO FORCE ROW LEVEL SECURITY"
    return RowsHidden(
        "rows_hidden",
        f"row-level security hides rows of {row['name']} from the role {row['role']}",
        detail="Outgrow works with all rows of a table or not at all: "
        "it would take what it cannot see for what is not there",
        hint=hint,
    )


def _is_of_hidden_rows(error: BaseException) -> bool:
    """Tell by the function of the server that raised it: the text may be in another language."""
    return getattr(error, "server_source_function", None) == "check_enable_rls"


def _is_ready(connection: Any) -> bool:
    try:
        return not (connection.is_closed() or connection.is_in_transaction())
    except asyncpg.InterfaceError:
        return False  # it died, and asyncpg has taken it back by itself


async def _skip_reset(connection: Any) -> None:
    """Do nothing in place of asyncpg's reset (one more round trip per request); see the module's
    docstring."""
