"""Serving: from settings to a process that answers, and how it stops."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import resource
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from outgrow import __version__, events, readings, signals
from outgrow.blueprint import campus
from outgrow.campus.accounts.sessions import DAY, Lifetime
from outgrow.campus.background import run_maintenance
from outgrow.campus.mail import smtp_transport
from outgrow.campus.messaging.chats import apply_retention
from outgrow.connection import connected
from outgrow.db.pool import Database
from outgrow.errors import Conflict, NotFound, Refused, ServerFailed
from outgrow.events import note
from outgrow.queries import load
from outgrow.sampledata.generator import generate
from outgrow.sampledata.population import DEMO_EMAIL, DEMO_ID, Spec
from outgrow.schema import late_lists, memory
from outgrow.schema.install import install
from outgrow.settings import Settings
from outgrow.store import Store
from outgrow.terminal import Progress
from outgrow.web.api.chats import LARGEST_MESSAGE
from outgrow.web.app import make_app, make_context
from outgrow.web.http.connections import Config
from outgrow.web.http.routing import HttpContext
from outgrow.web.services import Services, make_services

DEMO_USERS = 2_000
DEMO_PASSWORD = "outgrow-demo"  # noqa: S105 - printed at every start
BACKLOG = 2048
FILES = 200  # files besides client connections: the database's, listening sockets, modules
LAST_SECONDS = 5  # for requests that are running when the server is told to stop


async def serve(settings: Settings, demo: bool) -> None:
    """Serve until SIGINT or SIGTERM. Raises ServerFailed, Unavailable, Refused.

    Bind the port first, so that a port in use is reported before anything slow begins. Clients that
    connect during the start wait.
    """
    events.configure(settings.log)
    logging.getLogger("uvicorn.error").addFilter(_is_worth_logging)
    mail = smtp_transport(settings.smtp_url, settings.mail_from) if settings.smtp_url else None
    with contextlib.closing(_listen(settings.host, settings.port)) as listener:
        async with connected(settings, serves=True) as database:
            located = await memory.locate(database, settings.store, campus())
            if located.notice:
                note(f"note: {located.notice}")
            settings = dataclasses.replace(settings, store=located.store)
            await _prepare(database, settings)
            if demo:
                await _fill(database, settings.store)
            services = await make_services(
                database,
                limits=settings.limits,
                mail=mail,
                codes_always=mail is not None,
                cache_seconds=settings.cache_seconds,
                lifetime=Lifetime(settings.session_idle_days * DAY, settings.session_days * DAY),
            )
            context = make_context(
                services,
                slow_query_ms=settings.slow_query_ms,
                metrics_token=settings.metrics_token,
                proxies=settings.proxies,
                https=settings.https,
            )
            maintenance_task = asyncio.create_task(
                run_maintenance(
                    database,
                    services.deletions.resume,
                    services.limits.forget,
                    services.confirmations.forget,
                )
            )
            try:
                has_demo = demo and await _demo_account(services)
                await _report_start(services, settings, listener, has_demo)
                await _run(services, context, listener, settings)
            finally:
                maintenance_task.cancel()
                await asyncio.wait([maintenance_task])
                await services.settle(LAST_SECONDS)
                services.accounts.close()
    events.event("stopped") if settings.log == "json" else note("stopped")


async def _run(
    services: Services, context: HttpContext, listener: socket.socket, settings: Settings
) -> None:
    """Serve, with the tasks that run next to it."""
    latencies = context.metrics.latencies
    tasks = [
        asyncio.create_task(late_lists.keep_folding(services.database)),
        asyncio.create_task(apply_retention(services.database, settings.keep_messages)),
        asyncio.create_task(
            readings.record_readings(services.database, settings.store, campus(), latencies)
        ),
    ]
    try:
        async with services.running():
            await Server(services, context, _most_connections(settings)).serve(sockets=[listener])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class Server(uvicorn.Server):
    """uvicorn's server with our application, limits and signals."""

    def __init__(self, services: Services, context: HttpContext, connections: int = 4000) -> None:
        super().__init__(
            Config(
                make_app(services, context),
                connections,
                ws_max_size=LARGEST_MESSAGE,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=LAST_SECONDS,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop gracefully on the first signal, immediately on the second. uvicorn's own would raise
        the signal again at the end."""
        with signals.stopping(lambda number: self.handle_exit(number, None)):
            yield


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """Return False for uvicorn's warnings about malformed requests, which any client can cause at
    will. The server answers them as HTTP allows."""
    return not record.getMessage().startswith(
        (
            "Unsupported upgrade request",
            "No supported WebSocket library",
            "Invalid HTTP request received",
        )
    )


def _most_connections(settings: Settings) -> int:
    """Return the setting, or as many as the system's limit of files allows."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.connections + FILES
    if allowed < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(1, min(settings.connections, allowed - FILES))


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises ServerFailed."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
            listener.setblocking(False)
        except BaseException:
            listener.close()
            raise
    except OSError as e:
        raise ServerFailed(
            "cannot_listen",
            f"cannot listen on {host} port {port}",
            detail=e.strerror or str(e),
            hint="stop what listens there, or choose another port: PORT=8001 outgrow serve",
        ) from e
    return listener


async def _prepare(database: Database, settings: Settings) -> None:
    """Install the layout, with a secret. If there is no store, create an empty one in the embedded
    database only: in another database the store may have another name."""
    try:
        await install(database, settings.store)
    except Refused as e:
        if e.code != "no_store" or not settings.embedded:
            raise
        await Store(database, settings.store).create()
        await install(database, settings.store)
    await database.run(load("network")["make_secret"])


async def _fill(database: Database, store: str) -> None:
    """Generate the demo campus in an empty store."""
    if await Store(database, store).scan(limit=1):
        return
    with Progress("demo campus", "users", DEMO_USERS) as progress:
        await generate(database, Spec(DEMO_USERS), store=store, on_progress=progress.add)


async def _demo_account(services: Services) -> bool:
    """Create the account of the demo student. Return whether the student exists."""
    try:
        await services.accounts.create(DEMO_EMAIL, DEMO_PASSWORD, DEMO_ID, demo=True)
    except NotFound:
        return False
    except Conflict:
        pass  # since an earlier start
    return True


async def _report_start(
    services: Services, settings: Settings, listener: socket.socket, demo: bool
) -> None:
    """Report the settings to the log and the terminal, without secrets."""
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    layout = await services.database.row(load("outgrow")["layout"], "campus")
    async with services.database.session() as session:
        version = session.connection.get_server_version()
    phase = layout["phase"] if layout else "unknown"
    rows = [
        ("Campus", url),
        ("Docs", f"{url}/docs"),
        ("Database", f"PostgreSQL {version.major}.{version.micro}, {_database_name(settings)}"),
        ("Store", f"{settings.store.removeprefix('public.')}, phase {phase}"),
    ]
    if demo:
        rows.append(("Sign in", f"{DEMO_EMAIL} / {DEMO_PASSWORD}"))
    table = "\n".join(f"  {label:<9} {text}" for label, text in rows)
    events.event("started", settings=_logged_settings(settings) | {"listen": url, "demo": demo})
    if settings.log == "text":
        note(f"Outgrow {__version__} serves a campus; Ctrl-C stops it\n\n{table}\n")


def _logged_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings as the log has them: of secrets, only whether they are set."""
    limits = settings.limits
    return {
        "version": __version__,
        "database": _database_name(settings),
        "store": settings.store,
        "limits": "off" if limits is None else ",".join(sorted(limits)) or "defaults",
        "proxies": settings.proxies,
        "mail": "smtp" if settings.smtp_url else "printed",
        "metrics_token": settings.metrics_token is not None,
        "cache_seconds": settings.cache_seconds,
        "keep_messages": settings.keep_messages,
        "slow_ms": settings.slow_query_ms,
        "pool": settings.pool_size,
    }


def _database_name(settings: Settings) -> str:
    if settings.database_url is None:
        return f"embedded, in {settings.home}"
    if not settings.database_url:
        return "as PG* says"
    url = urlsplit(settings.database_url)
    return f"{url.path.lstrip('/') or 'default database'} at {url.hostname or 'the local socket'}"
