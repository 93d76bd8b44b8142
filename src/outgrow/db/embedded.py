"""The embedded PostgreSQL server: its data directory, and how it is started, shared and stopped.

`running(home)` is how to use it. The data is in `<home>/postgres`, and every process that uses the
server holds a shared lock on `<home>/users.lock` for as long: the kernel drops it when a process
dies, so a `kill -9` never leaves a wrong count. Starting and leaving happen under an exclusive
lock on `<home>/start.lock`. A process that leaves tries, under it, to lock `users.lock` alone: if
it gets that, it is the last user and stops the server. A newcomer waits at `start.lock` and starts
it again.

The server listens on a unix socket in a directory that only its own user can enter, and on no
network port; clients that get there are trusted. They are the role `outgrow`, which owns the
database and everything in it and may do nothing else: the superuser sets up, in single-user mode,
and is not used again. Everything here blocks: for about 0.2 s, or the 1 to 3 s of the first start,
or the time that PostgreSQL needs to recover from a crash.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import shlex
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from outgrow.db.programs import Programs, run
from outgrow.errors import ServerFailed
from outgrow.queries import Query, load

DATABASE = "outgrow"
ROLE = "outgrow"
SUPERUSER = "postgres"
ACCESS = """# Written by Outgrow: whoever may enter the socket's directory is trusted.
local all all trust
"""
PORT = 5432  # only names the socket file
LONGEST_SOCKET_PATH = 107  # bytes, in sockaddr_un
PATIENCE = 600  # seconds to wait for a start (crash recovery) or a stop (last checkpoint)
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "log_checkpoints": "off",
    # No text of a statement, a value or a row is written to the log. Messages of errors quote
    # values ("invalid input syntax for type json"), so none is: the client that caused one gets it.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


@contextlib.contextmanager
def running(
    home: Path,
    *,
    bin_dir: Path | None = None,
    options: Mapping[str, str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Iterator[EmbeddedServer]:
    """Share the server of `home`, started if it does not run; stopped after its last user.

    `options` are server settings that override ours; they count only for the process that starts
    it. `tell` is given a sentence when it will take a moment. Raises ServerFailed.
    """
    server = EmbeddedServer(home, bin_dir=bin_dir, options=options, tell=tell)
    server.enter()
    try:
        yield server
    finally:
        server.leave()


class EmbeddedServer:
    def __init__(
        self,
        home: Path,
        *,
        bin_dir: Path | None = None,
        options: Mapping[str, str] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.home = home.absolute()
        self.data = self.home / "postgres"
        self.log = self.home / "postgres.log"
        self._bin_dir = bin_dir
        self._options = dict(options or {})
        self._tell = tell or (lambda _: None)
        self._users: int | None = None
        self.role = ROLE

    def url(self, database: str = DATABASE) -> str:
        """Return the libpq URL of one of its databases, for the role `outgrow`."""
        where = urlencode({"host": str(self._socket_dir()), "port": PORT}, quote_via=quote)
        return f"postgresql://{self.role}@/{quote(database, safe='')}?{where}"

    def enter(self) -> None:
        """Count as a user of the server, and start it when it does not run."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with _locked(self.home / "start.lock"):
                self._users = _open_lock(self.home / "users.lock", fcntl.LOCK_SH)
                try:
                    if self._is_ready() and not self._is_set_up():
                        self._stop_older()
                    if not self._is_ready():
                        self._start()
                except BaseException:
                    self._forget()
                    raise
        except OSError as e:
            raise ServerFailed(
                "home_unusable",
                f"the data directory {self.home} cannot be used",
                detail=f"{e.strerror}: {e.filename}" if e.filename else str(e),
                hint="set OUTGROW_HOME to a directory of yours",
            ) from e

    def leave(self) -> None:
        """Stop counting as a user, and stop the server when there is no other."""
        if self._users is None:
            return
        with _locked(self.home / "start.lock"):
            try:
                if self._is_last():
                    self._stop()
            finally:
                self._forget()

    def _is_last(self) -> bool:
        """Return whether no other process uses the server; then none can until `start.lock` is
        given up."""
        assert self._users is not None
        try:
            # Gives the shared lock up first, which is harmless: nobody can enter now.
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _stop_older(self) -> None:
        """Stop a server that an older Outgrow started, so that it is set up at its next start."""
        assert self._users is not None
        if not self._is_last():
            raise ServerFailed(
                "server_of_older_version",
                f"an older Outgrow uses the database in {self.home}",
                hint="stop its processes, then start again",
            )
        self._stop()
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def _forget(self) -> None:
        if self._users is not None:
            os.close(self._users)
            self._users = None

    def _is_ready(self) -> bool:
        """Return whether a server runs here: a shared one, or one left by a process that died.

        A process may even have died while it started or stopped the server: that is waited for.
        """
        deadline = time.monotonic() + PATIENCE
        while (state := self._state()) and (self._answers() or state == "stopping"):
            if state == "ready":
                return True
            if time.monotonic() > deadline:
                raise self._failed(
                    "server_stuck", f"the database server is still {state or 'mute'}"
                )
            time.sleep(0.02)
        return False

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(f"{self._socket_dir()}/.s.PGSQL.{PORT}")
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            return True

    def _state(self) -> str:
        """Return `starting`, `ready` or `stopping`, as the server's pid file says; "" without a
        server."""
        try:
            fields = (self.data / "postmaster.pid").read_text().splitlines()
            os.kill(int(fields[0]), 0)
        except PermissionError:
            pass
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return fields[7].strip() if len(fields) > 7 else "starting"

    def _start(self) -> None:
        programs = Programs.find(self._bin_dir)
        account = _server_account(self.data) if os.geteuid() == 0 else None
        if account:
            _let_through(account, programs.directory)
            _let_through(account, self.home)
        if not (self.data / "PG_VERSION").exists():
            self._make_data_directory(programs, account)
        self._check_version(programs)
        if not self._is_set_up():
            self._set_up(programs, account, self.data)
        _make_private(self._socket_dir(), account)
        self._open_log(account)
        settings = {**SETTINGS, **programs.preloads(), **self._options}
        settings["unix_socket_directories"] = '"' + str(self._socket_dir()).replace('"', '""') + '"'
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        done = run(
            [
                *(programs.path("pg_ctl"), "start", "--wait", f"--timeout={PATIENCE}"),
                *("-D", ".", "-l", f"../{self.log.name}", "-o", shlex.join(options)),
            ],
            account,
            self.data,
        )
        if done.returncode:
            raise self._failed("server_not_started", "the database server did not start", done)

    def _stop(self) -> None:
        programs = Programs.find(self._bin_dir)
        account = _server_account(self.data) if os.geteuid() == 0 else None
        how = ("stop", "--wait", "--mode=fast", f"--timeout={PATIENCE}")
        done = run([programs.path("pg_ctl"), *how, "-D", "."], account, self.data)
        if done.returncode and self._answers():
            raise self._failed("server_not_stopped", "the database server did not stop", done)
        with contextlib.suppress(OSError):
            self._socket_dir().rmdir()

    def _make_data_directory(self, programs: Programs, account: pwd.struct_passwd | None) -> None:
        """Run initdb in another directory, then rename: a directory of this name is always
        complete."""
        if self.data.exists() and any(self.data.iterdir()):
            raise ServerFailed(
                "data_directory_foreign",
                f"{self.data} is not empty, and not a database",
                hint="move it away, or set OUTGROW_HOME to another directory",
            )
        self._tell(f"making a database in {self.home}")
        unfinished = self.home / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        _make_private(unfinished, account)
        command: list[str | Path] = [programs.path("initdb"), "-D", ".", "-U", SUPERUSER]
        command += ["--encoding=UTF8", "--auth-local=trust", "--auth-host=reject"]
        command += ["--no-instructions"]
        if self._options.get("fsync") == "off":
            command.append("--no-sync")
        for locale in programs.locales():
            done = run([*command, *locale], account, unfinished)
            if done.returncode == 0:
                break
        else:
            raise self._failed("server_not_made", "the database could not be initialized", done)
        self._say(programs, account, unfinished, SUPERUSER, "make_database")
        self._set_up(programs, account, unfinished)
        if self.data.exists():
            self.data.rmdir()
        unfinished.rename(self.data)

    def _is_set_up(self) -> bool:
        """Return whether `_set_up` has been done, which writes this file last."""
        try:
            return (self.data / "pg_hba.conf").read_text() == ACCESS
        except FileNotFoundError:
            return False

    def _set_up(self, programs: Programs, account: pwd.struct_passwd | None, data: Path) -> None:
        """Make the role, give it all databases and what is in them, and let connections in by the
        socket alone. Can be run again; the server must not run."""
        self._say(programs, account, data, SUPERUSER, "make_role", "own_databases")
        listed = self._say(programs, account, data, SUPERUSER, "databases")
        for name in re.findall(r'name = "([0-9a-f]+)"', listed):
            database = bytes.fromhex(name).decode()
            self._say(programs, account, data, database, "own_everything", "hand_over")
        access = data / "pg_hba.conf"
        unfinished = data / "pg_hba.conf.unfinished"
        unfinished.touch(mode=0o600)
        if account:
            os.chown(unfinished, account.pw_uid, account.pw_gid)
        unfinished.write_text(ACCESS)
        unfinished.rename(access)

    def _say(
        self,
        programs: Programs,
        account: pwd.struct_passwd | None,
        data: Path,
        database: str,
        *names: str,
    ) -> str:
        """Run statements of queries/server.sql, or `hand_over`, as the superuser, without a
        server. Return what they print."""
        sql = {**load("owner"), **load("server")}
        done = run(
            [programs.path("postgres"), "--single", "-j", "-D", ".", database],
            account,
            data,
            say="".join(_alone(sql[name]) for name in names),
        )
        if done.returncode or re.search(r"\b(ERROR|FATAL|PANIC):", done.stderr):
            raise self._failed("server_not_made", "the database could not be made", done)
        return done.stdout

    def _check_version(self, programs: Programs) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != str(programs.major):
            raise ServerFailed(
                "data_of_other_version",
                f"{self.data} was made by PostgreSQL {made_by}, "
                f"and the programs in {programs.directory} are PostgreSQL {programs.major}",
                hint=f"put PostgreSQL {made_by}'s programs on the PATH, move the data with "
                "`outgrow kv export`, or set OUTGROW_HOME to another directory",
            )

    def _open_log(self, account: pwd.struct_passwd | None) -> None:
        """Begin a new log when the old one has grown beyond 10 MB; one old one is kept."""
        if self.log.exists() and self.log.stat().st_size > 10_000_000:
            self.log.rename(self.log.with_suffix(".log.old"))
        self.log.touch(mode=0o600)
        if account:
            os.chown(self.log, account.pw_uid, account.pw_gid)

    def _socket_dir(self) -> Path:
        """Return a directory in `home`; under the temp directory, or under /tmp, where that path is
        too long for a socket or holds a comma, which in a URL stands between two hosts."""
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        name = f"outgrow-{os.geteuid()}-{digest}"
        for directory in (self.home / "socket", Path(tempfile.gettempdir()) / name):
            length = len(os.fsencode(directory / f".s.PGSQL.{PORT}"))
            if length <= LONGEST_SOCKET_PATH and "," not in str(directory):
                return directory
        return Path("/tmp") / name  # noqa: S108

    def _failed(
        self, code: str, message: str, done: subprocess.CompletedProcess[str] | None = None
    ) -> ServerFailed:
        output = (done.stdout + done.stderr).strip().splitlines() if done else []
        with contextlib.suppress(OSError):
            output += self.log.read_text(errors="replace").strip().splitlines()[-5:]
        return ServerFailed(
            code,
            message,
            detail="\n".join(output[-8:]) or None,
            hint=f"read {self.log}, or set DATABASE_URL to another PostgreSQL",
        )


def _alone(query: Query) -> str:
    """Format a statement for single-user mode, where it ends with a semicolon before an empty
    line."""
    return f"{query.sql};\n\n"


def _server_account(data: Path) -> pwd.struct_passwd:
    """Return the user that the server runs as when we are root, which PostgreSQL refuses to be: the
    owner of the data, else a user that systems have, else a system user made for it."""
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return pwd.getpwuid(owner)
    for name in ("postgres", "outgrow", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    try:
        made = run(["useradd", "--system", "--no-create-home", "outgrow"])
        if made.returncode == 0:
            return pwd.getpwnam("outgrow")
        why = made.stderr.strip()
    except FileNotFoundError:
        why = "there is no useradd"
    raise ServerFailed(
        "no_server_account",
        "PostgreSQL does not run as root, and there is no other user to run it as",
        detail=why,
        hint="run Outgrow as an ordinary user, or set DATABASE_URL to a server elsewhere",
    )


def _let_through(account: pwd.struct_passwd, path: Path) -> None:
    """Let others pass through `path` and the directories above it where they could not.

    Only the traverse bit is added, and only where `account` is stopped: names stay unlisted.
    """
    path = path.resolve()
    for directory in [*reversed(path.parents), path]:
        about = directory.stat()
        mine = about.st_uid == account.pw_uid and about.st_mode & stat.S_IXUSR
        if not mine and not about.st_mode & stat.S_IXOTH:
            directory.chmod(stat.S_IMODE(about.st_mode) | stat.S_IXOTH)


def _make_private(directory: Path, account: pwd.struct_passwd | None) -> None:
    """Make it for the server's user alone; refuse one that another user made."""
    uid = account.pw_uid if account else os.geteuid()
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        if account:
            os.chown(directory, account.pw_uid, account.pw_gid)
    about = directory.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != uid or about.st_mode & 0o077:
        raise ServerFailed(
            "directory_not_private",
            f"{directory} is not a directory of the server's user alone",
            hint=f"remove {directory}, then start again",
        )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file alone; waits for others."""
    lock = _open_lock(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


def _open_lock(path: Path, how: int) -> int:
    """Return the file's descriptor, locked, never inherited by children; closing it gives the lock
    up."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, how)
    except BaseException:
        os.close(lock)
        raise
    return lock
