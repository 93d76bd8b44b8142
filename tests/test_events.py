"""The log: every security event has its line, and nothing personal is in any."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import Api
from live import running_site
from outgrow import events
from outgrow.campus.background import log_commands, record_command
from outgrow.db.embedded import running
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.web.http import response
from test_serve import environment, served

ROOT = Path(__file__).parent.parent
PASSWORD = "quiet harbour 7f3a"
EMAIL = "canary.person@campus.example"
NAME = "Canaria Vogel"
HOSTILE = [
    "canary\nERROR forged",
    "canary\x1b[2J\x1b]0;x\x07",
    "canary\u202egnp.exe\u2066\u200b",
    "canary" + "x" * 100_000,
    '"}canary{"event":"forged"}',
    "canary%s%d%(x)s",
]


def lines_of(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def names_of(log: str) -> list[str]:
    return [line["event"] for line in lines_of(log)]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What a process would write, and the loggers as they were before."""
    root, kept = logging.getLogger(), logging.getLogger().handlers[:]
    level, hook, raises = root.level, sys.excepthook, logging.raiseExceptions
    written = io.StringIO()
    yield written
    root.handlers[:] = kept
    root.setLevel(level)
    sys.excepthook = hook
    logging.raiseExceptions = raises
    logging.captureWarnings(False)
    events._form = None
    for name in ("outgrow.events", "outgrow.note"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_a_day_of_a_person_in_the_log(campus_url: str, tmp_path: Path) -> None:
    """From signing up to deleting the account, with everything going wrong that can."""
    env = {"DATABASE_URL": campus_url, "OUTGROW_LOG": "json"}
    with (
        served(tmp_path, OUTGROW_LIMITS="log-in-pair=4/3600", **env) as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):

        def post(path: str, status: int, body: Any = None, **more: Any) -> httpx.Response:
            answer = client.post(path, json=body, **more)
            assert answer.status_code == status, answer.text
            return answer

        whole = {"email": EMAIL, "password": PASSWORD, "name": NAME, "school": "Somewhere"}
        me = post("/auth/signup", 201, whole).json()
        headers = {"authorization": f"Bearer {me['access_token']}"}
        post("/auth/login", 401, {"email": EMAIL, "password": "canary wrong"})
        post("/auth/login", 401, {"email": "canary@nobody.example", "password": PASSWORD})
        post("/auth/login", 200, {"email": EMAIL, "password": PASSWORD})
        old = me["refresh_token"]
        fresh = post("/auth/refresh", 200, {"refresh_token": old}).json()
        fresher = post("/auth/refresh", 200, {"refresh_token": fresh["refresh_token"]}).json()
        post("/auth/refresh", 401, {"refresh_token": old})
        post("/auth/refresh", 401, {"refresh_token": fresher["refresh_token"]})
        tokens = post("/auth/login", 200, {"email": EMAIL, "password": PASSWORD}).json()
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        post("/auth/login", 200, {"email": EMAIL, "password": PASSWORD})
        post("/auth/login", 429, {"email": EMAIL, "password": PASSWORD})
        new = {"old": "canary wrong", "new": PASSWORD + "2"}
        post("/auth/password", 403, new, headers=headers)
        post("/auth/password", 204, new | {"old": PASSWORD}, headers=headers)
        post("/auth/reset", 202, {"email": EMAIL})
        confirm = {"email": EMAIL, "code": "00000000", "password": PASSWORD + "3"}
        post("/auth/reset/confirm", 400, confirm)
        code = re.search(
            r"for a new password is ([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5})", server.output()
        )
        assert code
        assert client.get("/profiles/me?token=canary", headers=headers).status_code == 400
        assert client.get("/profiles/canary", headers=headers).status_code == 404
        post("/reports", 201, {"profile": "other", "reason": "spam"}, headers=headers)
        post("/auth/reset/confirm", 204, confirm | {"code": code[1]})
        form = {"content-type": "application/x-www-form-urlencoded"}
        form_sent = client.post("/sign-in", content=b"email=canary&token=x", headers=form)
        assert form_sent.status_code == 403
        assert client.get("/people", headers={"cookie": "outgrow_visit=canary"}).status_code == 303
        bad = {"authorization": "Bearer canary.canary.canary"}
        assert client.get("/profiles", headers=bad).status_code == 401
        tokens = post("/auth/login", 429, {"email": EMAIL, "password": PASSWORD + "3"})
        for text in HOSTILE:
            post("/auth/login", 401, {"email": text[:900], "password": text[:900]})
            client.get("/nothing/" + quote(text[:2000]), headers={"user-agent": "canary"})
        code_, rest, _ = server.stop()
        assert code_ == 0, rest
        log = server.log()
    lines = lines_of(log)
    assert len(lines) == len(log.splitlines()), "each line is a document"
    seen = {line["event"] for line in lines}
    assert seen >= {
        *("started", "stopped", "signed_up", "signed_in", "sign_in_failed", "limited"),
        *("refresh_token_reused", "refresh_failed", "password_wrong", "password_changed"),
        *("code_asked", "code_made", "code_failed", "code_proved", "password_reset", "not_shown"),
        *("report_made", "form_refused", "cookie_refused", "token_refused", "request_refused"),
    }
    failed = [line for line in lines if line["event"] == "sign_in_failed"]
    assert failed[0]["account"] == me["user_id"]
    assert "account" not in failed[1]
    assert failed[0]["route"] == "/auth/login"
    assert failed[0]["method"] == "POST"
    assert (failed[0]["status"], failed[0]["level"]) == (401, "warning")
    assert len({line["client"] for line in lines if "client" in line}) == 1
    request_ids = [line.get("request_id") for line in lines if "route" in line]
    assert all(request_ids)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", x["time"]) for x in lines)
    secrets = [*me.values(), *fresh.values(), *fresher.values(), code[1]]
    nothing_personal(log, secrets, me["user_id"])


def nothing_personal(log: str, secrets: list[Any], user_id: str) -> None:
    assert not re.search(r"canary|Canaria|Vogel|harbour|127\.0\.0\.1(?!:)", log, re.IGNORECASE)
    assert "@" not in log
    for secret in secrets:
        if isinstance(secret, str) and len(secret) > 7 and secret != user_id:
            assert secret not in log
    assert max(map(len, log.splitlines())) < 4000
    assert log.isascii()


async def test_deletion_and_ends_of_sessions(campus: Database, stream: io.StringIO) -> None:
    events.configure("json", stream)
    api = await Api.open(campus)
    me = await api.sign_up(name=NAME, email=EMAIL)
    body = {"email": EMAIL, "password": "a long enough password"}
    other = (await api.post("/auth/login", body)).json()
    sessions = (await me.get("/auth/sessions")).json()["items"]
    (other_id,) = (s["id"] for s in sessions if not s["current"])
    confirmation = {"password": body["password"]}
    assert (
        await me.call("DELETE", f"/auth/sessions/{other_id}", json=confirmation)
    ).status_code == 204
    assert (await me.call("POST", "/auth/logout")).status_code == 204
    again = (await api.post("/auth/login", body)).json()
    me.tokens = again
    gone = await me.call("DELETE", "/profiles/me", json={"password": body["password"]})
    assert gone.status_code == 204
    await api.close()
    log = stream.getvalue()
    by_name = {line["event"]: line for line in lines_of(log)}
    assert by_name["session_ended"]["by"] == "owner"
    assert by_name["session_ended"]["session"] == other_id[: events.SESSION_DIGITS]
    assert by_name["signed_out"]["account"] == me.id
    assert by_name["account_deleted"]["account"] == me.id
    nothing_personal(log, [*other.values(), *again.values()], me.id)


async def test_a_refused_socket_is_logged(campus_url: str, stream: io.StringIO) -> None:
    async with running_site(campus_url) as server:
        ada = await server.api.sign_up()
        events.configure("json", stream)
        async with server.connect(None, ready=False, headers={"authorization": "canary"}) as sight:
            assert (await sight.end())[0] == 4401
        async with server.connect(ada) as sight:
            await sight.say(type="canary")
            assert (await sight.end())[0] == 4400
    log = stream.getvalue()
    refusals = [x for x in lines_of(log) if x["event"] == "socket_refused"]
    codes = [(x["status"], x["code"]) for x in refusals]
    assert codes == [(4401, "not_signed_in"), (4400, "bad_message")]
    assert refusals[1]["account"] == ada.id
    nothing_personal(log, [], ada.id)


async def test_what_nobody_foresaw_shows_no_value(
    campus: Database, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's message has the value, its DETAIL the key; a mail server's has the mailbox."""
    cast = Query("t", "SELECT $1::text::numeric")
    double = Query(
        "t",
        "INSERT INTO network.accounts (user_id, email, email_key, password_hash)"
        " VALUES (gen_random_uuid()::text, $1, $1, $1), (gen_random_uuid()::text, $1, $1, $1)",
    )
    api = await Api.open(campus)
    for form in ("json", "text"):
        events.configure(form, stream)
        for query, state in ((cast, "22P02"), (double, "23505")):

            async def fail(*_: Any, query: Query = query, **__: Any) -> bytes:
                try:
                    await campus.value(query, EMAIL)
                except asyncpg.PostgresError as e:
                    logging.getLogger("outgrow.web").warning("this went wrong: %s", e)
                    raise ValueError(f"with {EMAIL}") from e
                raise AssertionError

            monkeypatch.setattr(type(api.services.schools), "page", fail)
            assert (await api.get("/schools")).status_code == 500
            assert "this went wrong: " in stream.getvalue()
            assert f"({state}" in stream.getvalue()
    await api.close()
    log = stream.getvalue()
    assert "ValueError from InvalidTextRepresentationError" in log
    assert "accounts_email_key_key" in log
    assert "in fail: " in log
    assert "canary" not in log.lower()


def test_other_libraries_lines_and_what_is_no_format(stream: io.StringIO) -> None:
    events.configure("text", stream)
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <canary>")
    logging.getLogger("outgrow.x").warning("%d of %s", "canary", "canary")
    logging.getLogger("uvicorn.error").error("Exception", exc_info=ValueError("canary"))
    written = stream.getvalue()
    assert "canary" not in written
    assert "Task exception was never retrieved" in written
    assert "ValueError" in written


@given(st.text(max_size=300) | st.sampled_from(HOSTILE))
def test_a_line_stays_one_line(text: str) -> None:
    for form in ("json", "text"):
        written = io.StringIO()
        handler = logging.StreamHandler(written)
        handler.setFormatter(events.Lines(form))
        record = logging.LogRecord("outgrow.x", logging.WARNING, "", 0, "said: %s", (text,), None)
        handler.emit(record)
        record.event, record.fields = "an_event", {"code": events._safe("code", text)}
        handler.emit(record)
        lines = written.getvalue().split("\n")
        assert len(lines) == 3
        assert lines[2] == ""
        assert all(len(line) < 7000 for line in lines)
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", "".join(lines))
        if form == "json":
            assert json.loads(lines[1])["event"] == "an_event"


@given(st.text(max_size=300))
def test_an_id_that_may_be_anything_is_a_hash_then(text: str) -> None:
    shown = events._safe("account", text)
    assert shown == text or re.fullmatch(r"#[0-9a-f]{16}", shown)
    assert "@" not in shown


def test_nobody_fills_the_log(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    events.configure("json", stream)
    monkeypatch.setattr(events, "_flood", events._Flood())
    now = 1000.0
    monkeypatch.setattr("outgrow.events.time.monotonic", lambda: now)
    for client in ("a", "b"):
        with events.of_request(events.Request("1", "GET", "/x", partial(str, client))):
            for _ in range(1000 if client == "a" else 3):
                events.event("token_refused")
    assert names_of(stream.getvalue()) == ["token_refused"] * (events.MOST_A_MINUTE + 3)
    now += 61
    with events.of_request(events.Request("1", "GET", "/x", lambda: "b")):
        events.event("signed_in")
    *_, left_out, last = lines_of(stream.getvalue())
    summary = left_out["event"], left_out["client"], left_out["code"], left_out["count"]
    assert summary == ("left_out", "a", "token_refused", 1000 - events.MOST_A_MINUTE)
    assert last["event"] == "signed_in"


def test_no_secret_is_told_at_the_start(campus_url: str, tmp_path: Path) -> None:
    env = {
        "OUTGROW_METRICS_TOKEN": "canary-metrics",
        "OUTGROW_SMTP_URL": "smtps://canary-user:canary-word@127.0.0.1:1",
        "OUTGROW_MAIL_FROM": "canary@campus.example",
        "OUTGROW_LIMITS": "off",
    }
    for form in ("json", "text"):
        with served(tmp_path, DATABASE_URL=campus_url, OUTGROW_LOG=form, **env) as server:
            assert httpx.get(f"{server.url}/healthz").status_code == 200
            assert server.stop()[0] == 0
            log = server.log()
        assert "canary" not in log
        started = next(line for line in log.splitlines() if "started" in line)
        assert "smtp" in started
        if form == "json":
            assert json.loads(started)["settings"]["metrics_token"] is True
            assert names_of(log)[-1] == "stopped"


async def test_request_ids_of_a_trusted_proxy_alone(campus: Database) -> None:
    for proxies, expected in ((0, False), (1, True)):
        api = await Api.open(campus, proxies=proxies)
        for path in ("/healthz", "/sign-in", "/nothing"):
            answer = await api.get(path, headers={"x-request-id": "mine-1"})
            assert (answer.headers["x-request-id"] == "mine-1") is expected
            answer = await api.get(path, headers={"x-request-id": "mine 1"})
            assert answer.headers["x-request-id"] != "mine 1"
        await api.close()


async def test_operators_commands_reach_the_log(
    campus: Database, campus_url: str, tmp_path: Path, stream: io.StringIO
) -> None:
    def outgrow(*arguments: str, stdin: str = "") -> None:
        done = subprocess.run(
            [sys.executable, "-m", "outgrow", *arguments],
            env=environment(tmp_path, DATABASE_URL=campus_url),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr

    profile = json.dumps({"id": "p1", "name": NAME, "school": "X", "email": EMAIL})
    outgrow("kv", "set", "user:p1", profile)
    outgrow("account", "create", EMAIL, "--user", "p1", "--password-stdin", stdin=PASSWORD)
    outgrow("account", "set-password", EMAIL, "--password-stdin", stdin=PASSWORD + "2")
    outgrow("school", "add-domain", "X", "canary.example")
    events.configure("json", stream)
    await log_commands(campus)
    await log_commands(campus)
    log = stream.getvalue()
    commands = [(x["command"], x.get("subject")) for x in lines_of(log)]
    assert commands == [
        ("kv set", None),
        ("account create", "p1"),
        ("account set-password", "p1"),
        ("school add-domain", None),
    ]
    assert {(x["event"], x["role"], x["host"]) for x in lines_of(log)} == {
        ("operator_command", "postgres", "local")
    }
    nothing_personal(log, [], "p1")


async def test_a_command_needs_no_campus_to_be_told_to(database: Database) -> None:
    await record_command(database, "kv set")


async def test_the_databases_own_log_has_no_value(tmp_path: Path) -> None:
    """Of the embedded server: doubled keys, casts that fail, what takes long."""
    with running(tmp_path / "home") as server:
        connection = await asyncpg.connect(server.url())
        await connection.execute("CREATE TABLE t (k text PRIMARY KEY, n int CHECK (n < 5))")
        await connection.execute("INSERT INTO t VALUES ($1, 1)", EMAIL)
        for sql in (
            "INSERT INTO t VALUES ($1, 1)",
            "INSERT INTO t VALUES ($1, 7)",
            "SELECT $1::text::numeric",
            "SELECT $1::text::jsonb, pg_sleep(0.1)",
            "DO $$ BEGIN RAISE WARNING 'canary@x'; RAISE LOG 'seen'; END $$",
            "SELECT 'canary@x'::int",
            "SELEKT 'canary@x'",
        ):
            with contextlib.suppress(asyncpg.PostgresError):
                await connection.execute(sql, *([EMAIL] if "$1" in sql else []))
        await connection.close()
        log = server.log.read_text(errors="replace")
    assert "LOG:" in log
    assert "seen" in log
    assert "canary" not in log


def test_every_event_is_described_and_every_described_one_there_is() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    table = page[page.index("| event | when |") :].partition("\n\n")[0]
    described = set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE))
    called = {
        node.args[0].value
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (node.func.attr, getattr(node.func.value, "id", "")) == ("event", "events")
        and isinstance(node.args[0], ast.Constant)
    }
    called |= {*response._EVENTS.values(), *response._EVENTS_BY_STATUS.values()}
    assert described == called | {"unexpected_error", "left_out"}
