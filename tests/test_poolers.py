"""Behind a real pgbouncer: in session mode all works, in transaction mode what is asked for."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from api import HERE, PASSWORD, Api
from bouncing import Bouncer, bouncing, keeps_statements
from conftest import Connect
from outgrow.campus.accounts.sessions import _ID_BYTES, _SECRET_BYTES
from outgrow.campus.messaging.live import Close
from outgrow.campus.notifier import Notifier
from outgrow.db import pooler
from outgrow.db.embedded import EmbeddedServer
from outgrow.db.pool import Database
from outgrow.errors import BadInput, Refused, Unavailable
from outgrow.queries import Query
from outgrow.web.api.chats import LiveSocket
from outgrow.web.http.request import SESSION_COOKIE
from outgrow.web.http.response import make_problem
from test_serve import served

PEOPLE = 24
ROUNDS = 4  # of nine requests for each
BROWSER_SESSION = base64.b64encode(bytes(_ID_BYTES + _SECRET_BYTES), b"-_").decode()
"""A cookie that only the database can say of whose it is."""


@pytest.fixture(scope="module")
def by_session(server: EmbeddedServer) -> Iterator[Bouncer]:
    with bouncing(server, "session") as bouncer:
        yield bouncer


@pytest.fixture(scope="module", params=[0, 100], ids=["forgets", "keeps"])
def by_transaction(server: EmbeddedServer, request: pytest.FixtureRequest) -> Iterator[Bouncer]:
    """With prepared statements and, where it can, without."""
    keeps = request.param
    if keeps and not keeps_statements():
        pytest.skip("this pgbouncer is older than 1.21 and keeps no prepared statements")
    statements = keeps if keeps_statements() else None
    with bouncing(server, "transaction", statements=statements) as bouncer:
        yield bouncer


def outgrow(url: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "outgrow", *arguments],
        env={**os.environ, "DATABASE_URL": url, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_everything_works_in_session_mode(by_session: Bouncer, database_url: str) -> None:
    url = by_session.url(database_url)
    assert outgrow(url, "kv", "set", "user:ada", '{"id": "ada", "name": "Ada"}').returncode == 0
    assert "Ada" in outgrow(url, "kv", "get", "user:ada").stdout
    grown = outgrow(url, "grow", "--to", "relational")
    assert grown.returncode == 0, grown.stderr
    verified = outgrow(url, "verify")
    assert verified.returncode == 0, verified.stderr


async def test_a_session_has_its_settings(by_session: Bouncer, database_url: str) -> None:
    for url in (database_url, by_session.url(database_url)):
        database = await Database.open(url, generic_plans=True)
        for name, wanted in {
            "application_name": "outgrow",
            "jit": "off",
            "row_security": "off",
            "idle_in_transaction_session_timeout": "1min",
            "plan_cache_mode": "force_generic_plan",
        }.items():
            assert await database.value(Query("t", f"SHOW {name}")) == wanted
        async with database.dedicated() as session:
            assert await session.value(Query("t", "SHOW row_security")) == "off"
        await database.close()


@pytest.mark.parametrize("command", ["kv list", "inspect", "grow --to optimized", "serve"])
def test_transaction_mode_is_refused_unless_named(
    by_transaction: Bouncer, database_url: str, command: str
) -> None:
    done = outgrow(by_transaction.url(database_url), *command.split(), PORT="0")
    assert done.returncode == 3, done.stderr
    assert "leads to a pooler in transaction mode" in done.stderr
    assert "?pgbouncer=true" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("round_robin", [False, True])
@pytest.mark.parametrize("size", [1, 4])
async def test_it_is_noticed_while_others_use_it(
    server: EmbeddedServer, database_url: str, size: int, round_robin: bool
) -> None:
    with bouncing(server, "transaction", size=size, round_robin=round_robin) as bouncer:
        url = bouncer.url(database_url)
        with pytest.raises(Refused, match="transaction mode"):
            await Database.open(url)

        async def use() -> None:
            connection = await asyncpg.connect(url, statement_cache_size=0)
            try:
                while True:
                    await connection.execute("SELECT pg_sleep(0.002)")
            finally:
                connection.terminate()

        using = [asyncio.create_task(use()) for _ in range(3)]
        await asyncio.sleep(0.3)
        try:
            for _ in range(5):
                with pytest.raises(Refused, match="transaction mode"):
                    await Database.open(url)
        finally:
            for task in using:
                task.cancel()
            await asyncio.wait(using)


async def test_session_mode_is_not_taken_for_it(
    server: EmbeddedServer, by_session: Bouncer, database_url: str
) -> None:
    for _ in range(10):
        await (await Database.open(by_session.url(database_url))).close()
    with bouncing(server, "session", size=1) as narrow:
        database = await Database.open(narrow.url(database_url), pool_size=1)
        assert await database.value(Query("t", "SELECT 1")) == 1
        await database.close()


async def test_statements_are_pooled_nowhere(server: EmbeddedServer, database_url: str) -> None:
    with (
        bouncing(server, "statement") as bouncer,
        pytest.raises(Refused, match="transaction mode"),
    ):
        await Database.open(bouncer.url(database_url))


@pytest.fixture
async def shared(by_transaction: Bouncer, campus_url: str) -> AsyncIterator[Database]:
    database = await Database.open(by_transaction.url(campus_url, pgbouncer="true"))
    yield database
    await database.close()


async def test_settings_are_of_the_transaction(
    shared: Database, by_transaction: Bouncer, campus_url: str, connect: Connect
) -> None:
    settings = {"jit": "on", "row_security": "on", "idle_in_transaction_session_timeout": "0"}
    for name in settings:
        assert await shared.value(Query("t", f"SHOW {name}")) in ("off", "1min")
    other = await connect(by_transaction.url(campus_url), statement_cache_size=0)
    for name, wanted in settings.items():
        async with other.transaction():
            assert await other.fetchval(f"SHOW {name}") == wanted


async def test_no_statement_is_left_behind(
    shared: Database, connect: Connect, campus_url: str, by_transaction: Bouncer
) -> None:
    numbers = Query("t", "SELECT n FROM generate_series(1, $1::int) AS n")
    assert len(await shared.rows(numbers, 5)) == 5
    async with shared.session() as session:
        async with session.connection.transaction():
            batches = [len(rows) async for rows in session.stream(numbers, 25, batch=10)]
        await session.run_many(Query("t", "SELECT $1::int"), [(1,), (2,)])
    assert batches == [10, 10, 5]
    left = Query("t", "SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")
    assert await shared.value(left) == 0


async def test_what_needs_a_session_goes_around_it_or_is_refused(
    by_transaction: Bouncer, database_url: str
) -> None:
    url = by_transaction.url(database_url, pgbouncer="true")
    for command in ("grow --to optimized", "verify", "inspect"):
        done = await asyncio.to_thread(outgrow, url, *command.split())
        assert done.returncode == 3, (command, done.stdout, done.stderr)
        assert "OUTGROW_DIRECT_URL" in done.stderr
        done = await asyncio.to_thread(
            outgrow, url, *command.split(), OUTGROW_DIRECT_URL=database_url
        )
        assert done.returncode == 0, (command, done.stderr)
    done = await asyncio.to_thread(outgrow, url, "advise", "--json")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("direct", [True, False])
async def test_messages_arrive_or_the_listener_reconnects(
    by_transaction: Bouncer, campus_url: str, direct: bool
) -> None:
    """Where nobody listens, it is as if news were missed all the time."""
    around = campus_url if direct else None
    url = by_transaction.url(campus_url, pgbouncer="true")
    sender = await Database.open(url, direct_url=around)
    other = await Database.open(url, direct_url=around)
    heard, reconnected = asyncio.Event(), asyncio.Event()
    notifier, listening = Notifier(sender), Notifier(other)
    listening.subscribe("chat", lambda _: heard.set())
    listening.on_reconnect(reconnected.set)
    async with notifier.running(), listening.running(), asyncio.timeout(20):
        await reconnected.wait()
        reconnected.clear()
        notifier.publish("chat", "c1")
        await (heard if direct else reconnected).wait()
    await sender.close()
    await other.close()


@asynccontextmanager
async def behind(bouncer: Bouncer, url: str, home: Path, **env: str) -> AsyncIterator[str]:
    """`outgrow serve` as a process, behind it."""
    url = bouncer.url(url, pgbouncer="true")
    with served(home, DATABASE_URL=url, OUTGROW_LIMITS="off", **env) as serving:
        yield serving.url
        serving.process.terminate()
        await asyncio.to_thread(serving.process.wait, 30)
        output = serving.log() + serving.output()
        assert "Traceback" not in output, output


async def test_a_campus_is_served(by_transaction: Bouncer, campus_url: str, tmp_path: Path) -> None:
    """960 requests by 24 people at a time, and none fails."""
    answers: list[httpx.Response] = []

    async def live(client: httpx.AsyncClient, number: int) -> None:
        async def ask(method: str, path: str, token: str = "", **options: Any) -> Any:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            answer = await client.request(method, path, headers=headers, **options)
            answers.append(answer)
            return answer.json() if answer.content else None

        email = f"bounced{number}@campus.example"
        person = {"name": f"Person Number{number}", "school": HERE}
        account = {"email": email, "password": PASSWORD}
        signed = await ask("POST", "/auth/signup", json={**account, **person})
        token = signed["access_token"]
        ids.append(signed["user_id"])
        for turn in range(ROUNDS):
            await ask("GET", "/profiles/me", token)
            await ask("GET", "/profiles?total=true&facets=year", token)
            await ask("GET", "/search?q=persn", token)
            await ask("PATCH", "/profiles/me", token, json={"major": f"Major {turn}"})
            await ask("GET", "/connections", token)
            await ask("GET", "/chats", token)
            await ask("GET", "/discover", token)
            await ask("GET", f"/profiles/{ids[turn % len(ids)]}", token)
            await ask("GET", "/intros/incoming", token)
        await ask("POST", "/auth/login", json=account)
        await ask("GET", "/readyz")
        await ask("GET", "/auth/sessions", token)

    ids: list[str] = []
    async with (
        behind(by_transaction, campus_url, tmp_path) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
        asyncio.TaskGroup() as group,
    ):
        for number in range(PEOPLE):
            group.create_task(live(client, number))
    assert len(answers) == PEOPLE * (9 * ROUNDS + 4) == 960
    failed = [(a.request.method, a.url.path, a.status_code, a.text) for a in answers]
    assert [response for response in failed if response[2] >= 400] == []


async def test_chats_work_behind_it(shared: Database) -> None:
    """From intro to message, which take the locks of transactions."""
    api = await Api.open(shared, limits=None)
    ada, ben = await api.sign_up("Ada"), await api.sign_up("Ben")
    sent = await ada.call("POST", "/intros", json={"to": ben.id, "reason": "study"})
    assert sent.status_code == 201, sent.text
    accepted = await ben.call("POST", f"/intros/{sent.json()['id']}/accept")
    assert accepted.status_code == 200, accepted.text
    chats = (await ada.get("/chats")).json()["items"]
    path = f"/chats/{chats[0]['id']}/messages"
    every = await asyncio.gather(
        *(
            p.call("POST", path, json={"content": f"m{n}"}, headers={"idempotency-key": str(n)})
            for n in range(10)
            for p in (ada, ben)
        )
    )
    assert {answer.status_code for answer in every} == {201}
    assert len((await ben.get(path, params={"limit": 100})).json()["items"]) >= 20
    await api.close()


# Lost connections --------------------------------------------------------------------------------


@asynccontextmanager
async def closed(url: str, server: EmbeddedServer, connect: Connect) -> AsyncIterator[str]:
    """Meanwhile nobody may connect to the database, whose name this is."""
    admin = await connect(server.url("postgres"))
    name = urlsplit(url).path.lstrip("/")
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
    )
    await asyncio.sleep(0.2)
    try:
        yield name
    finally:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


async def test_who_cannot_connect_is_not_ready(
    api: Api, campus_url: str, connect: Connect, server: EmbeddedServer
) -> None:
    """PostgreSQL has many ways to refuse a connection; each is a 503."""
    assert (await api.get("/readyz")).status_code == 200
    async with closed(campus_url, server, connect) as name:
        for path in ("/readyz", "/readyz", "/"):
            answer = await api.client.get(
                path, headers={"cookie": f"{SESSION_COOKIE}={BROWSER_SESSION}"}
            )
            assert answer.status_code == 503, answer.text
            assert name not in answer.text, "what the server said is for the log"
        body = {"email": "a@campus.example", "password": PASSWORD}
        assert (await api.post("/auth/login", body)).status_code == 503
    assert (await api.get("/readyz")).status_code == 200


async def test_a_socket_without_a_database_may_try_later(
    api: Api, campus_url: str, connect: Connect, server: EmbeddedServer
) -> None:
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        messages.append(message)

    headers = [(b"cookie", f"{SESSION_COOKIE}={BROWSER_SESSION}".encode())]
    async with closed(campus_url, server, connect):
        await LiveSocket(api.services, api.context)(
            {"type": "websocket", "headers": headers}, receive, send
        )
    assert [m.get("code") for m in messages] == [None, Close.TRY_LATER]


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("got result for unknown protocol state 3"),
        asyncpg.InvalidSQLStatementNameError("prepared statement does not exist"),
        asyncpg.ProtocolViolationError("query_wait_timeout"),
        ConnectionRefusedError(),
        Unavailable("database_unavailable", "the database cannot be reached"),
    ],
)
def test_a_lost_connection_is_503(error: Exception) -> None:
    assert make_problem(error, "/", "r").status == 503


# URLs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("", ("", False)),
        ("postgresql://a@b/c", ("postgresql://a@b/c", False)),
        ("postgresql://a@b/c?pgbouncer=true", ("postgresql://a@b/c", True)),
        ("postgresql://a@b/c?pgbouncer=false", ("postgresql://a@b/c", False)),
        (
            "postgresql://a@/c?host=%2Ftmp%2Fx&pgbouncer=true",
            ("postgresql://a@/c?host=%2Ftmp%2Fx", True),
        ),
        (
            "postgresql://p.r:w@aws-0-eu.pooler.supabase.com:6543/postgres?pgbouncer=true",
            ("postgresql://p.r:w@aws-0-eu.pooler.supabase.com:6543/postgres", True),
        ),
    ],
)
def test_a_url_may_name_the_pooler(url: str, read: tuple[str, bool]) -> None:
    assert pooler.read(url) == read


def test_supabase_is_known_by_its_port() -> None:
    url = "postgresql://p.r:w@aws-0-eu.pooler.supabase.com:6543/postgres"
    done = outgrow(url, "kv", "list", "--json")
    assert done.returncode == 3
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "transaction_pooler"
    assert "port 5432" in error["hint"]
    with pytest.raises(BadInput):
        pooler.read("postgresql://a@b/c?pgbouncer=yes")
