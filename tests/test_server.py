"""The embedded server: made once, shared by processes, stopped by the last, found after a crash."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from conftest import CARELESS
from outgrow.db import embedded as server_module
from outgrow.db.embedded import ACCESS, SUPERUSER, EmbeddedServer, running
from outgrow.db.programs import Programs, run
from outgrow.errors import ServerFailed

Start = Callable[[], subprocess.Popen[str]]

# Enters, says the server's start time, waits for a line, leaves.
USER = """
import asyncio, asyncpg, sys
from pathlib import Path
from outgrow.db.embedded import running
async def started(url):
    connection = await asyncpg.connect(url)
    print(await connection.fetchval("SELECT pg_postmaster_start_time()::text"), flush=True)
    await connection.close()
for turn in range(int(sys.argv[2])):
    with running(Path(sys.argv[1]), options={"fsync": "off"}) as server:
        asyncio.run(started(server.url()))
        if sys.argv[2] == "1":
            sys.stdin.readline()
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose database has been made, to copy."""
    home = tmp_path_factory.mktemp("made")
    with running(home, options=CARELESS):
        pass
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    subprocess.run(["cp", "-a", made, home], check=True)
    yield home
    if is_running(home):
        with running(home):
            pass
    assert not is_running(home)


@pytest.fixture
def user(home: Path) -> Iterator[Start]:
    """Start a process that uses the server of `home` until a line is written to it."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(home), "1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the names of the programs that this process runs for a server."""
    names: list[str] = []

    def collect(command: list[str | Path], *rest: Any, **options: Any) -> Any:
        names.append(Path(command[0]).name)
        return run(command, *rest, **options)

    monkeypatch.setattr(server_module, "run", collect)
    return names


def is_running(home: Path) -> bool:
    return (home / "postgres" / "postmaster.pid").exists() or EmbeddedServer(home)._answers()


def ask(url: str, sql: str, many: bool = False) -> str:
    async def work() -> str:
        connection = await asyncpg.connect(url)
        try:
            if many:
                return str(await connection.execute(sql))
            return str(await connection.fetchval(sql))
        finally:
            await connection.close()

    return asyncio.run(work())


def when(process: subprocess.Popen[str]) -> str:
    """When the server that a process uses was started."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.communicate("\n")
    assert process.returncode == 0


def test_data_survives_a_stop_and_nothing_is_made_again(home: Path, programs: list[str]) -> None:
    with running(home, options=CARELESS) as server:
        ask(server.url(), "CREATE TABLE kept (n int)")
    assert not is_running(home)
    programs.clear()
    with running(home) as server:
        assert ask(server.url(), "SELECT count(*) FROM kept") == "0"
    assert programs == ["pg_ctl", "pg_ctl"], "more than a start and a stop"


def test_it_speaks_utf8_in_code_point_order_on_a_private_socket_only(home: Path) -> None:
    with running(home, options={"work_mem": "5MB"}) as server:
        url = server.url()
        assert ask(url, "SELECT current_database()") == "outgrow"
        assert ask(url, "SHOW server_encoding") == "UTF8"
        assert ask(url, "SELECT min(t) FROM unnest(ARRAY['b', 'B', 'é']) AS t") == "B"
        assert ask(url, "SHOW listen_addresses") == ""
        assert ask(url, "SHOW fsync") == "on"
        assert ask(url, "SHOW work_mem") == "5MB"
        server.role = SUPERUSER
        assert ask(server.url(), "SHOW shared_preload_libraries") == "pg_stat_statements"
        ask(server.url(), "CREATE EXTENSION pg_stat_statements")
        for directory in (home / "postgres", home / "socket"):
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_other_databases_have_urls(home: Path) -> None:
    with running(home, options=CARELESS) as server:
        server.role = SUPERUSER
        ask(server.url(), 'CREATE DATABASE "a b/c?d"')
        assert ask(server.url("a b/c?d"), "SELECT current_database()") == "a b/c?d"


def test_its_users_are_no_superusers(home: Path) -> None:
    rights = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
    with running(home, options=CARELESS) as server:
        assert ask(server.url(), "SELECT current_user") == "outgrow"
        current = f"SELECT {rights} FROM pg_roles WHERE rolname = current_user"
        assert ask(server.url(), current) == "False"
        assert ask(server.url(), "SELECT count(*) FROM pg_auth_members WHERE member >= 16384") == (
            "0"
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            ask(server.url(), "COPY pg_class TO PROGRAM 'cat'")
        ask(server.url(), "CREATE EXTENSION pg_trgm")
    assert (home / "postgres" / "pg_hba.conf").read_text() == ACCESS
    lines = [line for line in ACCESS.splitlines() if not line.startswith("#")]
    assert lines == ["local all all trust"]


OLD = """# TYPE  DATABASE        USER            ADDRESS                 METHOD
local   all             all                                     trust
host    all             all             127.0.0.1/32            trust
host    all             all             ::1/128                 trust
local   replication     all                                     trust
"""

# Something of every kind that can be owned, by the superuser.
MADE = """
CREATE SCHEMA "My app";
CREATE TABLE "My app"."a.b" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s serial, t text);
INSERT INTO "My app"."a.b" (t) VALUES ('kept');
CREATE TABLE public.parted (k int) PARTITION BY RANGE (k);
CREATE TABLE public.part PARTITION OF public.parted DEFAULT;
CREATE VIEW public.seen AS SELECT t FROM "My app"."a.b";
CREATE MATERIALIZED VIEW public.kept AS SELECT t FROM "My app"."a.b";
CREATE SEQUENCE public.own;
CREATE TYPE public.kind AS ENUM ('a');
CREATE TYPE public.pair AS (a int, b int);
CREATE TYPE public.span AS RANGE (subtype = int);
CREATE DOMAIN public.email AS text;
CREATE FUNCTION public.f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE public.p() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE public.total(int) (sfunc = int4pl, stype = int);
CREATE STATISTICS public.st ON id, t FROM "My app"."a.b";
CREATE FUNCTION public.t() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN RETURN NEW; END';
CREATE TRIGGER t AFTER INSERT ON "My app"."a.b" FOR EACH ROW EXECUTE FUNCTION public.t();
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TEXT SEARCH DICTIONARY public.words (template = simple);
CREATE TEXT SEARCH CONFIGURATION public.search (copy = simple);
CREATE COLLATION "My app".bytes (locale = 'C');
CREATE CONVERSION public.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE OPERATOR public.=== (leftarg = int, rightarg = int, function = int4eq);
CREATE OPERATOR CLASS public.ints FOR TYPE int USING btree AS
    OPERATOR 3 public.===, FUNCTION 1 btint4cmp(int, int);
CREATE PUBLICATION told FOR TABLE public.parted;
SELECT lo_from_bytea(4711, 'large');
"""

FOREIGN = """
SELECT string_agg(name, ', ') FROM (
    SELECT relname::text AS name, relowner AS owner, 'pg_class'::regclass AS catalog, oid
    FROM pg_class WHERE relkind <> 'i'
    UNION ALL SELECT proname, proowner, 'pg_proc'::regclass, oid FROM pg_proc
    UNION ALL SELECT typname, typowner, 'pg_type'::regclass, oid FROM pg_type
    UNION ALL SELECT nspname, nspowner, 'pg_namespace'::regclass, oid FROM pg_namespace
    UNION ALL SELECT stxname, stxowner, 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext
    UNION ALL SELECT dictname, dictowner, 'pg_ts_dict'::regclass, oid FROM pg_ts_dict
    UNION ALL SELECT cfgname, cfgowner, 'pg_ts_config'::regclass, oid FROM pg_ts_config
    UNION ALL SELECT collname, collowner, 'pg_collation'::regclass, oid FROM pg_collation
    UNION ALL SELECT conname, conowner, 'pg_conversion'::regclass, oid FROM pg_conversion
    UNION ALL SELECT oprname, oprowner, 'pg_operator'::regclass, oid FROM pg_operator
    UNION ALL SELECT opcname, opcowner, 'pg_opclass'::regclass, oid FROM pg_opclass
    UNION ALL SELECT opfname, opfowner, 'pg_opfamily'::regclass, oid FROM pg_opfamily
    UNION ALL SELECT pubname, pubowner, 'pg_publication'::regclass, oid FROM pg_publication
    UNION ALL SELECT '', lomowner, 'pg_largeobject_metadata'::regclass, oid
        FROM pg_largeobject_metadata WHERE oid = 4711
    UNION ALL SELECT datname, datdba, 'pg_database'::regclass, oid FROM pg_database
        WHERE NOT datistemplate AND datname <> 'postgres'
) o
WHERE o.oid >= 16384 AND o.owner <> 'outgrow'::regrole AND name NOT LIKE 'pg\\_toast%'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = o.catalog AND d.objid = o.oid AND d.deptype = 'e')
"""


def make_older(server: EmbeddedServer) -> None:
    """As an older Outgrow made its database and everything in it, while the server runs."""
    server.role = SUPERUSER
    ask(server.url(), f"{MADE}; ALTER DATABASE outgrow OWNER TO postgres", many=True)
    ask(server.url(), 'CREATE DATABASE "it\'s ""other"""', many=True)
    ask(server.url('it\'s "other"'), "CREATE TABLE there AS SELECT 'kept' AS t", many=True)
    ask(server.url(), "DROP ROLE outgrow", many=True)
    (server.data / "pg_hba.conf").write_text(OLD)


def test_a_database_that_was_made_before_is_brought_over(home: Path, programs: list[str]) -> None:
    with running(home, options=CARELESS) as server:
        make_older(server)
    with running(home, options=CARELESS) as server:
        assert (home / "postgres" / "pg_hba.conf").read_text() == ACCESS
        assert ask(server.url(), FOREIGN) == "None"
        assert ask(server.url(), 'SELECT t FROM "My app"."a.b"') == "kept"
        assert ask(server.url(), "SELECT convert_from(lo_get(4711), 'UTF8')") == "large"
        assert ask(server.url('it\'s "other"'), "SELECT t FROM there") == "kept"
        assert ask(server.url('it\'s "other"'), FOREIGN) == "None"
        ask(server.url(), 'INSERT INTO "My app"."a.b" (t) VALUES (\'new\')', many=True)
        assert ask(server.url(), "SELECT count(*) FROM seen") == "2"
        ask(server.url(), 'DROP SCHEMA "My app" CASCADE', many=True)
    assert "postgres" in programs, "without a server, for the statements"
    programs.clear()
    with running(home):
        pass
    assert programs == ["pg_ctl", "pg_ctl"], "more than a start and a stop"


def test_a_server_left_running_is_brought_over_when_nobody_uses_it(home: Path) -> None:
    left = EmbeddedServer(home, options=CARELESS)
    left.enter()
    make_older(left)
    with pytest.raises(ServerFailed) as caught, running(home):
        pass
    assert caught.value.code == "server_of_older_version"
    left._forget()  # as when its process was killed
    with running(home, options=CARELESS) as server:
        assert ask(server.url(), FOREIGN) == "None"
        assert ask(server.url(), "SELECT current_user") == "outgrow"


def test_the_last_user_stops_the_server_and_no_other(home: Path, user: Start) -> None:
    first, second = user(), user()
    assert when(first) == when(second)
    end(first)
    assert is_running(home)
    third = user()
    assert when(third)
    end(second)
    assert is_running(home)
    end(third)
    assert not is_running(home)


def test_a_killed_user_is_not_counted(home: Path, user: Start) -> None:
    first, second = user(), user()
    since = when(first)
    assert when(second) == since
    first.kill()
    first.wait()
    end(second)
    assert not is_running(home), "the killed one does not keep it"
    third = user()
    since = when(third)
    third.kill()
    third.wait()
    assert is_running(home), "nobody was left to stop it"
    fourth = user()
    assert when(fourth) == since, "found, not started again"
    end(fourth)
    assert not is_running(home)


def test_it_recovers_when_the_server_itself_was_killed(home: Path, user: Start) -> None:
    with running(home) as server:
        ask(server.url(), "CREATE TABLE kept (n int)")
        lines = (home / "postgres" / "postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), signal.SIGKILL)
    with running(home) as server:
        assert ask(server.url(), "SELECT count(*) FROM kept") == "0"


def test_a_server_that_is_just_stopping_is_waited_for_and_started_again(home: Path) -> None:
    """As when whoever stopped it was killed meanwhile."""
    with running(home, options=CARELESS) as server:
        long = threading.Thread(target=ask, args=(server.url(), "SELECT pg_sleep(1)::text"))
        long.start()
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        while ask(server.url(), sleeping) == "0":
            assert long.is_alive(), "it slept while nobody looked"
        lines = (home / "postgres" / "postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), signal.SIGTERM)
        time.sleep(0.1)
        with running(home, options=CARELESS) as again:
            assert ask(again.url(), "SELECT 1") == "1"
            assert (home / "postgres" / "postmaster.pid").read_text().splitlines()[0] != lines[0]
        long.join()


def test_ctrl_c_at_the_terminal_does_not_reach_the_server(home: Path, user: Start) -> None:
    first = user()
    since = when(first)
    os.killpg(first.pid, signal.SIGINT)
    first.wait()
    assert not is_running(home), "the process left in good order"
    second, third = user(), user()
    since = when(second)
    assert when(third) == since
    os.killpg(second.pid, signal.SIGINT)
    second.wait()
    with running(home, options=CARELESS) as server:
        assert ask(server.url(), "SELECT pg_postmaster_start_time()::text") == since
    end(third)


def test_comings_and_goings_at_the_same_time_never_meet_a_stopped_server(home: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", USER, str(home), "5"], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=120)[0].split("\n")[:-1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert [len(times) for times in answers] == [5] * 4
    assert not is_running(home)


def test_data_of_another_version_is_a_clear_error(home: Path) -> None:
    version = (home / "postgres" / "PG_VERSION").read_text()
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerFailed) as caught, running(home):
        pass
    assert caught.value.code == "data_of_other_version"
    assert "PostgreSQL 9" in caught.value.message
    assert f"PostgreSQL {version.strip()}" in caught.value.message
    (home / "postgres" / "PG_VERSION").write_text(version)


def test_a_server_that_does_not_start_shows_its_own_words(home: Path) -> None:
    with pytest.raises(ServerFailed) as caught, running(home, options={"work_mem": "many"}):
        pass
    assert caught.value.code == "server_not_started"
    assert 'invalid value for parameter "work_mem"' in str(caught.value.detail)
    with running(home, options=CARELESS) as server:
        assert ask(server.url(), "SELECT 1") == "1"


def test_a_directory_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "mine.txt").write_text("mine")
    with pytest.raises(ServerFailed) as caught, running(tmp_path):
        pass
    assert caught.value.code == "data_directory_foreign"
    assert os.listdir(tmp_path / "postgres") == ["mine.txt"]


def test_a_home_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServerFailed) as caught, running(tmp_path / "file" / "home"):
        pass
    assert caught.value.code == "home_unusable"


def test_no_programs_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed) as caught, running(tmp_path, bin_dir=tmp_path):
        pass
    assert caught.value.code == "no_server_programs"
    for name in ("postgres", "initdb", "pg_ctl"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(ServerFailed, match="does not run on this machine"):
        Programs.find(tmp_path)


def test_a_first_start_that_was_cut_off_is_begun_again_whatever_the_path() -> None:
    with tempfile.TemporaryDirectory() as short:
        home = Path(short) / "a 'home' \"é\" $HOME; `x` %41"
        (home / "postgres.unfinished").mkdir(parents=True)
        (home / "postgres.unfinished" / "PG_VERSION").write_text("18\n")
        with running(home, options=CARELESS) as server:
            assert ask(server.url(), "SELECT current_database()") == "outgrow"
            assert server._socket_dir().parent == home
        assert not (home / "postgres.unfinished").exists()


@pytest.mark.parametrize("temp", [None, "t" * 100])
@pytest.mark.parametrize("name", ["a,b", "x" * 100])
def test_a_path_that_cannot_be_a_sockets_will_do(
    made: Path, name: str, temp: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory() as short:
        home = Path(short) / name
        subprocess.run(["cp", "-a", made, home], check=True)
        if temp:
            (Path(short) / temp).mkdir()
            monkeypatch.setattr(tempfile, "tempdir", f"{short}/{temp}")
            parent = Path("/tmp")
        with running(home, options=CARELESS) as server:
            assert ask(server.url(), "SELECT 1") == "1"
            socket_dir = server._socket_dir()
            assert socket_dir.parent == parent
    assert not socket_dir.exists()


def test_a_socket_directory_of_somebody_else_is_not_used(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temp directory is everybody's: another user may have made the name first."""
    (tmp_path / "trap").mkdir()
    moved = home.rename(tmp_path / ("x" * 100))
    with tempfile.TemporaryDirectory() as temp:
        monkeypatch.setattr(tempfile, "tempdir", temp)
        EmbeddedServer(moved)._socket_dir().symlink_to(tmp_path / "trap")
        with pytest.raises(ServerFailed) as caught, running(moved):
            pass
    assert caught.value.code == "directory_not_private"
    assert os.listdir(tmp_path / "trap") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_as_root_it_runs_as_another_user_who_may_pass_but_not_look(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with running(closed / "home", options=CARELESS) as server:
        pid = int((server.data / "postmaster.pid").read_text().splitlines()[0])
        assert os.stat(f"/proc/{pid}").st_uid == server.data.stat().st_uid != 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o701


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a user")
def test_without_a_user_to_run_as_there_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_: str) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwnam", nobody)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerFailed) as caught:
        server_module._server_account(tmp_path / "postgres")
    assert caught.value.code == "no_server_account"


def test_leaving_twice_is_leaving_once(home: Path) -> None:
    server = EmbeddedServer(home)
    server.enter()
    server.leave()
    server.leave()
    assert not is_running(home)
