"""`outgrow kv` as a person or a script uses it: output, exit codes, Ctrl-C, the embedded home."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from conftest import CARELESS, Connect
from outgrow.db.embedded import EmbeddedServer, running
from outgrow.settings import DEFAULT_STORE
from outgrow.terminal import Progress

Run = Callable[..., subprocess.CompletedProcess[str]]
COMMAND = [sys.executable, "-m", "outgrow"]


def environment(**settings: str) -> dict[str, str]:
    """Ours without what would choose a database, and with these settings."""
    ours = {k: v for k, v in os.environ.items() if not re.match("PG|OUTGROW|DATABASE_URL", k)}
    # A busy machine's slow queries are no part of what is compared.
    return {**ours, "PYTHONWARNINGS": "error", "OUTGROW_SLOW_MS": "600000", **settings}


def outgrow(
    *arguments: str, say: str | bytes = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    sent = say.encode() if isinstance(say, str) else say
    done = subprocess.run(
        [*COMMAND, *arguments], input=sent, capture_output=True, env=environment(**settings)
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@pytest.fixture
def kv(database_url: str) -> Run:
    """Run `outgrow kv ...` on this test's database."""

    def run(*arguments: str, say: str | bytes = "") -> subprocess.CompletedProcess[str]:
        return outgrow("kv", *arguments, say=say, DATABASE_URL=database_url)

    return run


def test_values_go_in_and_come_out_exactly(kv: Run) -> None:
    assert kv("set", "user:1", '{"b": 1.0, "a": 123456789012345678901234567890}').returncode == 0
    assert kv("set", "user:2", say="null\n").returncode == 0
    assert kv("set", "other", "-", say='"é"').returncode == 0
    assert kv("get", "user:1").stdout == '{"a": 123456789012345678901234567890, "b": 1.0}\n'
    two = kv("get", "user:2", "other")
    assert two.stdout == '{"key": "user:2", "value": null}\n{"key": "other", "value": "é"}\n'
    assert kv("list").stdout == "other\nuser:1\nuser:2\n"
    assert kv("list", "user:2", "--values").stdout == '{"key": "user:2", "value": null}\n'
    deleted = kv("del", "user:1", "nobody")
    assert (deleted.returncode, deleted.stdout, deleted.stderr) == (0, "", "deleted 1 of 2\n")
    assert json.loads(kv("del", "user:1", "user:2", "--json").stdout) == {"deleted": 1}


def test_a_missing_key_is_a_failure_beside_those_that_are_there(kv: Run) -> None:
    kv("set", "a", "1.0")
    done = kv("get", "a", "b")
    assert (done.returncode, done.stdout) == (1, '{"key": "a", "value": 1.0}\n')
    assert done.stderr.splitlines()[0] == 'error: there is no key "b"'
    assert done.stderr.splitlines()[1].startswith("hint: ")
    done = kv("get", "a", "b", "--json")
    assert done.returncode == 1
    assert done.stdout == '{"items": [{"key": "a", "value": 1.0}], "missing": ["b"]}\n'


async def test_a_key_without_a_value_is_reported_so(
    kv: Run, connect: Connect, database_url: str
) -> None:
    old = await connect(database_url)
    await old.execute(f"ALTER TABLE {DEFAULT_STORE} ALTER value DROP NOT NULL")
    await old.execute(f"INSERT INTO {DEFAULT_STORE} VALUES ('a b', NULL), ('c', '1')")
    got = kv("get", "a b", "c")
    assert (got.returncode, got.stdout) == (3, "")
    assert got.stderr.splitlines() == [
        'error: no value is stored under "a b": the column holds NULL',
        "hint: give it one: outgrow kv set 'a b' null",
    ]
    assert json.loads(kv("get", "a b", "--json").stdout)["error"]["code"] == "no_value"
    assert kv("list").stdout == "a b\nc\n", "both keys are there"
    line = '{"key": "c", "value": 1}\n'
    for arguments in (("list", "--values"), ("export",)):
        done = kv(*arguments)
        assert (done.returncode, done.stdout) == (0, line)
        assert "passed over 1 without a value: the column holds NULL\n" in done.stderr
    assert (
        kv("list", "--values", "--json").stdout == f'{{"items": [{line.strip()}], "next": null}}\n'
    )


def test_list_goes_page_by_page(kv: Run) -> None:
    kv("import", say="\n".join(f'{{"key": "k%{n}", "value": {n}}}' for n in range(5)))
    kv("set", "k_9", "9")
    first = kv("list", "k%", "--limit", "3")
    assert first.stdout == "k%0\nk%1\nk%2\n"
    assert first.stderr == 'there are more: --after "k%2"\n'
    second = kv("list", "k%", "--limit", "3", "--after", "k%2")
    assert (second.stdout, second.stderr) == ("k%3\nk%4\n", "")
    page = json.loads(kv("list", "k%", "--limit", "3", "--json").stdout)
    assert page == {"items": ["k%0", "k%1", "k%2"], "next": "k%2"}
    kv("set", "a\nb", "1")
    assert kv("list", "a").stdout == '"a\\nb"\n', "one line, one key"


def test_what_is_exported_can_be_imported(kv: Run, tmp_path: Path) -> None:
    file = tmp_path / "store.ndjson"
    lines = [json.dumps({"key": f"k{n:05}", "value": {"n": n, "é": "\n\\"}}) for n in range(25_000)]
    file.write_text("\ufeff" + "\r\n\n".join(lines), encoding="utf-8")
    done = kv("import", str(file), "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"lines": 25_000})
    assert "import: 25,000 lines in" in done.stderr
    exported = kv("export")
    assert [json.loads(line) for line in exported.stdout.splitlines()] == list(
        map(json.loads, lines)
    )
    assert "export: 25,000 keys in" in exported.stderr
    assert len(kv("export", "k0001").stdout.splitlines()) == 10
    kv("del", *(f"k{n:05}" for n in range(100)))
    assert kv("import", say=exported.stdout).returncode == 0
    assert kv("export").stdout == exported.stdout


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"key": "b", "value": }', "Expecting value"),
        ('{"key": "b"}', "missing required field `value`"),
        ('{"key": 1, "value": 1}', "Expected `str`"),
        ('{"key": "b", "value": 1, "more": 2}', "unknown field `more`"),
        ('{"key": "b", "value": "\\u0000"}', "u0000"),
        ('{"key": "b\\u0000", "value": 1}', "u0000"),
        ('{"key": "b", "value": "\\ud800"}', "surrogate"),
        (b'{"key": "b", "value": "\xff"}', "utf-8"),
        ('{"key": "b", "value": 1e999999}', "cannot be stored"),
    ],
)
def test_after_a_bad_line_nothing_is_written(kv: Run, line: str | bytes, why: str) -> None:
    good = b'{"key": "a", "value": 1}\n'
    bad = line.encode() if isinstance(line, str) else line
    done = kv("import", say=good + b"\n" + bad + b"\n" + good)
    assert done.returncode == 2
    assert "line 3" in done.stderr or "a line from 1 to 4" in done.stderr
    assert why in done.stderr
    assert kv("list").stdout == ""


def test_a_value_that_is_not_json_is_wrong_usage(kv: Run) -> None:
    done = kv("set", "name", "Alice")
    assert done.returncode == 2
    assert done.stderr.splitlines()[1] == (
        "hint: text is written with its quotes: outgrow kv set name '\"text\"'"
    )
    assert kv("set", "k", say=b'"\xff"').returncode == 2
    assert kv("set").returncode == 2


def test_another_name_for_the_store(database_url: str) -> None:
    settings = {"DATABASE_URL": database_url, "OUTGROW_STORE": 'my "store"'}
    done = outgrow("kv", "get", "a", **settings)
    assert done.returncode == 1
    assert "hint: set OUTGROW_STORE" in done.stderr
    failed = json.loads(outgrow("kv", "get", "a", "--json", **settings).stdout)
    assert failed["error"]["code"] == "store_missing"
    assert outgrow("kv", "create", **settings).returncode == 0
    assert outgrow("kv", "set", "a", "1", **settings).returncode == 0
    assert outgrow("kv", "get", "a", **settings).stdout == "1\n"


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    "settings",
    [
        {"DATABASE_URL": f"postgresql://127.0.0.1:{closed_port()}/none"},
        {"DATABASE_URL": "postgresql://host.invalid/none"},
        {"DATABASE_URL": "mysql://localhost/none"},
        {"DATABASE_URL": "nonsense"},
        {"PGHOST": "127.0.0.1", "PGPORT": str(closed_port())},
    ],
)
def test_a_wrong_url_is_one_line_and_a_hint(settings: dict[str, str]) -> None:
    done = outgrow("kv", "list", **settings)
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first.startswith("error: the database cannot be reached (")
    assert second.startswith("hint: check DATABASE_URL")


@pytest.fixture
async def guest(campus_url: str, connect: Connect) -> AsyncIterator[str]:
    """The URL of an installed campus for a role that may do nothing there; the role's name is
    `guest_of_` and the database's."""
    owner = await connect(campus_url)
    name = "guest_of_" + await owner.fetchval("SELECT current_database()")
    await owner.execute(f"CREATE ROLE {name} LOGIN")
    yield campus_url.replace("postgres@", f"{name}@")
    await owner.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.parametrize(
    "command",
    [
        "status --json",
        "grow --to optimized",
        "kv list",
        "account create a@b.example --user a --password-stdin",
        "serve --port 0",
    ],
)
async def test_a_role_without_privileges_gets_the_name_of_the_right_role(
    guest: str, command: str
) -> None:
    done = outgrow(*command.split(), say="a long password", DATABASE_URL=guest)
    role = re.search(r"//(\w+)@", guest)
    assert role
    assert done.returncode == 3, done.stderr
    output = done.stdout + done.stderr
    assert f"the role {role[1]} may not do this in the database" in output
    assert "permission denied for " in output
    assert "connect as postgres, who installed Outgrow here" in output


async def test_a_role_that_may_make_no_schemas_is_refused_with_the_reason(
    database_url: str, connect: Connect
) -> None:
    owner = await connect(database_url)
    name = "guest_of_" + await owner.fetchval("SELECT current_database()")
    await owner.execute(f"CREATE ROLE {name} LOGIN; GRANT ALL ON {DEFAULT_STORE} TO {name}")
    url = database_url.replace("postgres@", f"{name}@")
    done = outgrow(
        "account",
        "set-password",
        "a@b.example",
        "--password-stdin",
        "--json",
        say="a long password",
        DATABASE_URL=url,
    )
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (3, "not_permitted")
    assert error["hint"] == "connect as the store's owner, who may make schemas in this database"
    await owner.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_pg_variables_name_the_database(server: EmbeddedServer, kv: Run, database_url: str) -> None:
    kv("set", "a", "1")
    name = re.search(r"@/(\w+)\?", database_url)
    assert name
    settings = {"PGHOST": str(server._socket_dir()), "PGUSER": "postgres", "PGDATABASE": name[1]}
    assert outgrow("kv", "get", "a", **settings).stdout == "1\n"


def test_a_setting_that_cannot_be_is_wrong_usage() -> None:
    done = outgrow("kv", "list", PORT="many")
    assert done.returncode == 2
    assert "PORT is not a whole number" in done.stderr
    assert outgrow("no-such-command").returncode == 2
    assert outgrow("--version").stdout.startswith("outgrow, version ")
    assert outgrow("kv", "list", "--help", PORT="many").returncode == 0


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("kv get --json", "Missing argument 'KEY...'.", "see outgrow kv get --help"),
        ("kv list --limit 0 --json", "Invalid value for '--limit'", "see outgrow kv list --help"),
        ("kv list --json --no-such", "No such option", "see outgrow kv list --help"),
        ("status more --json", "Got unexpected extra argument", "see outgrow status --help"),
        ("no-such --json", "No such command 'no-such'.", "see outgrow --help"),
    ],
)
def test_wrong_usage_is_json_where_json_is_asked_for(line: str, message: str, hint: str) -> None:
    done = outgrow(*line.split())
    assert (done.returncode, done.stderr) == (2, "")
    error = json.loads(done.stdout)["error"]
    assert (error["code"], error["hint"]) == ("usage", hint)
    assert error["message"].startswith(message)
    plain = outgrow(*line.replace("--json", "").split())
    assert (plain.returncode, plain.stdout) == (2, "")
    assert message in plain.stderr


@pytest.mark.parametrize("command", ["create a@b.example --user a", "set-password a@b.example"])
def test_a_password_is_not_asked_for_where_nobody_could_answer(command: str) -> None:
    done = outgrow("account", *command.split(), "--json")
    assert (done.returncode, done.stderr) == (2, "")
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "password_needed"
    assert "--password-stdin" in error["hint"]
    plain = outgrow("account", *command.split())
    assert (plain.returncode, plain.stdout) == (2, "")
    assert plain.stderr.startswith("error: a password is needed")


def test_the_embedded_server_is_started_shared_and_stopped(tmp_path: Path) -> None:
    settings = {"OUTGROW_HOME": str(tmp_path)}
    with running(tmp_path, options=CARELESS):
        assert outgrow("kv", "create", **settings).returncode == 0
        assert outgrow("kv", "set", "a", "1", **settings).returncode == 0
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
    assert outgrow("kv", "get", "a", **settings).stdout == "1\n"
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
    (tmp_path / "postgres" / "PG_VERSION").write_text("9\n")
    done = outgrow("kv", "get", "a", "--json", **settings)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "data_of_other_version"


@pytest.fixture
def importing(database_url: str) -> Iterator[subprocess.Popen[str]]:
    """An import that has read more than a batch, and waits for its next line."""
    process = subprocess.Popen(
        [*COMMAND, "kv", "import"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(DATABASE_URL=database_url),
    )
    assert process.stdin
    for n in range(25_000):
        process.stdin.write(f'{{"key": "k{n}", "value": {n}}}\n')
    process.stdin.flush()
    time.sleep(1)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("sent", "code", "expected"),
    [(signal.SIGINT, 130, "interrupted\n"), (signal.SIGTERM, 143, "")],
)
def test_an_interrupted_import_writes_nothing(
    importing: subprocess.Popen[str], kv: Run, sent: signal.Signals, code: int, expected: str
) -> None:
    assert importing.poll() is None
    importing.send_signal(sent)
    assert importing.wait(timeout=10) == code
    assert importing.stderr
    assert importing.stderr.read() == expected
    assert kv("list").stdout == ""


def test_a_reader_that_leaves_ends_the_export_quietly(kv: Run, database_url: str) -> None:
    kv("import", say="\n".join(f'{{"key": "k{n}", "value": {n}}}' for n in range(20_000)))
    export = " ".join(["exec", *COMMAND, "kv", "export"])
    done = subprocess.run(
        ["sh", "-c", f"{{ {export}; }} | head -1"],
        capture_output=True,
        env=environment(DATABASE_URL=database_url),
        check=True,
    )
    assert done.stdout == b'{"key": "k0", "value": 0}\n'
    assert done.stderr == b""


def test_progress_says_rate_and_time_left_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    stream = io.StringIO()
    with Progress("copy", "rows", 10_000, stream) as progress:
        for _ in range(4):
            clock[0] += 1
            progress.add(1000)
        progress.note("waiting for a lock")
        clock[0] += 4
        progress.add(0)
    assert stream.getvalue().splitlines() == [
        "copy: 2,000 rows of 10,000 (20 %), 1,000/s, 8.0 s left",
        "copy: 4,000 rows of 10,000 (40 %), 500/s, 12.0 s left, waiting for a lock",
        "copy: 4,000 rows in 8.0 s",
    ]
