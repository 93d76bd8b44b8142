"""Poolers between us and PostgreSQL: pgbouncer and its like.

In session mode a pooler is not noticed: settings are made after connecting, since poolers refuse
them as startup parameters. In transaction mode each transaction may run in another of the server's
sessions. A named prepared statement, a setting or a lock of the session is then another client's,
so we refuse to begin, unless the URL says `pgbouncer=true`: then each statement has a transaction,
each transaction its settings, and what needs a session goes over OUTGROW_DIRECT_URL or is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from outgrow.errors import BadInput, Refused
from outgrow.queries import load, together

SQL = load("database")

CHECK_SECONDS = 3.0
ROUNDS = 3
SUPABASE = (".supabase.com", ".supabase.co")
SUPABASE_PORT = 6543  # of its poolers in transaction mode

LOST = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
"""What is raised where a statement is prepared in one session and run in another."""


class PooledConnection(asyncpg.Connection):
    """A connection through a pooler in transaction mode: what one call sends is one transaction."""

    @asynccontextmanager
    async def _whole(self) -> AsyncIterator[None]:
        """Begin a transaction, unless there is one."""
        if self.is_in_transaction():
            yield
            return
        async with self.transaction():
            yield

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        async with self._whole():
            return await super().fetch(query, *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        async with self._whole():
            return await super().fetchrow(query, *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        async with self._whole():
            return await super().fetchval(query, *args, **options)

    async def executemany(self, command: str, args: Iterable[Sequence[Any]], **options: Any) -> Any:
        async with self._whole():
            return await super().executemany(command, args, **options)

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        if not args and query.startswith("BEGIN"):  # asyncpg's own, of `transaction`
            return await super().execute(query + SQL["local_settings"].sql, **options)
        async with self._whole():
            return await super().execute(query, *args, **options)


class Way:
    """The way to connect by one URL, and the settings that are sent first on each connection.

    Raises BadInput and Refused as `read` does.
    """

    def __init__(
        self, url: str, *, generic_plans: bool = False, only_catalog: bool = False
    ) -> None:
        self.url, self.is_pooled = read(url)
        settings = [SQL["settings"], SQL["generic_plans" if generic_plans else "for_commands"]]
        settings += [SQL["only_catalog"]] if only_catalog else []
        self._settings = together("database.settings", settings)
        self._is_checked = False

    def options(self, application_name: str) -> dict[str, Any]:
        options: dict[str, Any] = {
            "dsn": self.url or None,
            "server_settings": {"application_name": application_name},
        }
        if self.is_pooled:
            options |= {"connection_class": PooledConnection, "statement_cache_size": 0}
        return options

    async def begin(self, connection: Any) -> None:
        """Send the settings. Raises Refused where an unnamed pooler shares sessions."""
        if self.is_pooled:
            return
        if not self._is_checked:
            if await is_shared(connection, self.url):
                raise refusal(self.url, "two connections shared a session of the server")
            self._is_checked = True
        await connection.execute(self._settings.sql)


def read(url: str) -> tuple[str, bool]:
    """Return the URL without our own parameter `pgbouncer`, and whether that says transaction mode.

    Raises BadInput for another value of it, Refused for a known pooler in transaction mode.
    """
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url, False  # for asyncpg to complain about
    modes = [value for name, value in pairs if name == "pgbouncer"]
    if modes and modes[-1] not in ("true", "false"):
        raise BadInput(
            "bad_setting",
            f"the database's URL says pgbouncer={modes[-1]}",
            hint="pgbouncer=true means a pooler in transaction mode; leave it out otherwise",
        )
    if modes:
        query = urlencode([(name, value) for name, value in pairs if name != "pgbouncer"])
        url = urlunsplit(parts._replace(query=query))
    is_pooled = modes[-1:] == ["true"]
    if not is_pooled and host.endswith(SUPABASE) and port == SUPABASE_PORT:
        raise refusal(url, f"Supabase pools transactions on port {SUPABASE_PORT}")
    return url, is_pooled


async def is_shared(connection: Any, url: str) -> bool:
    """Return whether statements of this connection may run in different sessions of the server.

    Costs one short statement where there is no pooler. Behind one, a second connection is used in
    turn with this: in session mode neither ever gets the other's session.
    """
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            if await _runs_in(connection, connection.get_server_pid()):
                return False
            second = await asyncpg.connect(url or None, statement_cache_size=0)
            try:
                return await _share(connection, second)
            finally:
                second.terminate()
    except TimeoutError:
        return False  # a pooler that lets nobody else in until we leave keeps sessions apart
    except asyncpg.PostgresError as e:
        if "pooling mode" in str(e):  # pgbouncer pools statements, and has no transactions
            return True
        raise


async def _share(first: Any, second: Any) -> bool:
    pids: set[int] = set()
    for _ in range(ROUNDS):
        async with second.transaction():
            pids.add(await second.fetchval(SQL["pid"].sql))
        if len(pids) > 1 or await _runs_in(first, *pids):
            return True
    return False


async def _runs_in(connection: Any, pid: int) -> bool:
    """Tell by the tag of a statement without parameters: nothing is prepared."""
    tag = await connection.execute(SQL["runs_in"].sql.replace(":pid", str(int(pid))))
    return bool(tag.endswith(" 1"))


def refusal(url: str, seen: str) -> Refused:
    host = urlsplit(url).hostname or "" if url else ""
    where = (
        "use port 5432 of the same host, which pools sessions, or the direct host db.*.supabase.co"
        if host.endswith(SUPABASE)
        else "use the database's own port, or a pooler in session mode"
    )
    return Refused(
        "transaction_pooler",
        "the database's URL leads to a pooler in transaction mode",
        detail=seen,
        hint=f"{where}; `outgrow serve` works through this one too: "
        "put ?pgbouncer=true at the end of DATABASE_URL",
    )


def no_session(what: str) -> Refused:
    return Refused(
        "needs_session",
        f"{what} needs a session of its own, which a pooler in transaction mode does not give",
        hint="set OUTGROW_DIRECT_URL to the database itself, or to a pooler in session mode",
    )
