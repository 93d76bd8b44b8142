"""pgbouncer, in front of the server of the tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from lacking import lacking
from outgrow.db.embedded import EmbeddedServer

PORT = 6432
CONFIG = """
[databases]
* = host={host} port={port} user={user}

[pgbouncer]
listen_addr =
listen_port = {own_port}
unix_socket_dir = {directory}
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 500
server_round_robin = {round_robin}
query_wait_timeout = 60
stats_period = 3600
{more}
"""


def program() -> Path:
    """Where it is; skips the test where it is not, and fails it in continuous integration."""
    path = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is None:
        lacking("there is no pgbouncer on this machine (apt-get install pgbouncer)")
    return Path(path)


def keeps_statements() -> bool:
    """Whether this pgbouncer can keep prepared statements in transaction mode (1.21)."""
    shown = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True)
    match = re.search(r"(\d+)\.(\d+)", shown.stdout)
    assert match, shown.stdout
    return (int(match[1]), int(match[2])) >= (1, 21)


class Bouncer:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def url(self, direct: str, **more: str) -> str:
        """The URL of the same database through it."""
        query = {"host": str(self._directory), "port": str(PORT), **more}
        return urlsplit(direct)._replace(query=urlencode(query)).geturl()


@contextlib.contextmanager
def bouncing(
    server: EmbeddedServer,
    mode: str,
    *,
    size: int = 8,
    round_robin: bool = False,
    statements: int | None = None,
) -> Iterator[Bouncer]:
    """`statements` is how many prepared statements it keeps, None for its default."""
    path = program()
    url = urlsplit(server.url())
    where = {name: values[0] for name, values in parse_qs(url.query).items()}
    account = pwd.getpwuid(server.data.stat().st_uid)  # who may enter the server's directory
    with tempfile.TemporaryDirectory(prefix="bouncer-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        config = directory / "pgbouncer.ini"
        config.write_text(
            CONFIG.format(
                host=where["host"],
                port=where["port"],
                user=url.username,
                own_port=PORT,
                directory=directory,
                mode=mode,
                size=size,
                round_robin=int(round_robin),
                more="" if statements is None else f"max_prepared_statements = {statements}",
            )
        )
        log = (directory / "log").open("w")
        if os.geteuid() == 0:
            os.chown(directory, account.pw_uid, account.pw_gid)
        is_root = os.geteuid() == 0  # which pgbouncer refuses to be
        process = subprocess.Popen(
            [path, config],
            stdout=log,
            stderr=log,
            user=account.pw_uid if is_root else None,
            group=account.pw_gid if is_root else None,
        )
        try:
            _await(directory / f".s.PGSQL.{PORT}", process, directory / "log")
            yield Bouncer(directory)
        finally:
            process.kill()
            process.wait()
            log.close()


def _await(path: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < until:
        with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
            connection.connect(str(path))
            return
        time.sleep(0.05)
    raise AssertionError(f"pgbouncer does not answer: {log.read_text()}")
