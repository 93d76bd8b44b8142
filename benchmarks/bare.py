"""Bare SQL: what PostgreSQL does without an API before it.

The statements are not written down here. A `Recording` is a database that remembers what the
network's own services send; the same text with the same parameters then goes to pgbench, with the
session settings that the API has.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from outgrow.db.pool import Database
from outgrow.db.programs import Programs
from outgrow.queries import Query

CLIENTS = 4  # more did not make two cores faster
PLANNING = 2  # seconds at first that do not count: every connection plans every statement
_PARAMETER = re.compile(r"\$(\d+)")
_PROGRESS = re.compile(r"^progress: ([0-9.]+) s, ([0-9.]+) tps", re.MULTILINE)
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_SESSION = "-c jit=off -c plan_cache_mode=force_generic_plan"


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement as it was sent, and PostgreSQL's types of its parameters."""

    query: Query
    arguments: tuple[Any, ...]
    types: tuple[str, ...]


class Recording(Database):
    """Remembers what is sent through it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sent: list[Sent] = []

    async def row(self, query: Query, *args: Any) -> asyncpg.Record | None:
        self.sent.append(await self._described(query, args))
        return await super().row(query, *args)

    async def rows(self, query: Query, *args: Any) -> list[asyncpg.Record]:
        self.sent.append(await self._described(query, args))
        return await super().rows(query, *args)

    async def _described(self, query: Query, arguments: tuple[Any, ...]) -> Sent:
        async with self.session() as session:
            statement = await session.connection.prepare(query.sql)
            types = tuple(parameter.name for parameter in statement.get_parameters())
        return Sent(query, arguments, types)

    def taken(self) -> list[Sent]:
        """What was sent since the last call."""
        taken = list(self.sent)
        self.sent.clear()
        return taken


def per_second(
    url: str, directory: Path, name: str, statements: Sequence[Sent], seconds: float
) -> float:
    """Runs of one of the statements by pgbench, which picks it at random each time."""
    options = []
    for number, sent in enumerate(statements):
        sql, values = _script(sent, f"p{number}_")
        file = directory / f"{name}-{number}.sql"
        file.write_text(sql, encoding="utf-8")
        options += [f"--file={file}"]
        options += [f"--define={key}={value}" for key, value in values.items()]
    planning = PLANNING if seconds >= 1 else 0
    return pgbench(
        url,
        # One more, since pgbench may end before it tells of its last second.
        f"--time={max(1, round(seconds)) + (planning and planning + 1)}",
        *options,
        planning=planning,
        session=_SESSION,
    )


def pgbench(url: str, *options: str, planning: int = 0, session: str = "") -> float:
    """Transactions per second of `CLIENTS` clients, those of the first `planning` seconds not
    counted. `session` are settings of theirs. Raises RuntimeError with what pgbench printed."""
    command = [str(Programs.find().path("pgbench")), "--no-vacuum", "--protocol=prepared"]
    command += [f"--client={CLIENTS}", "--jobs=1", "--progress=1"]
    done = subprocess.run(
        [*command, *options, url],
        env={**os.environ, "PGOPTIONS": session},
        capture_output=True,
        text=True,
        check=False,
    )
    if planning:
        each = _PROGRESS.findall(done.stderr)
        rates = [float(rate) for at, rate in each if float(at) > planning + 0.5]
    else:
        rates = [float(rate) for rate in _TPS.findall(done.stdout)]
    if done.returncode or not rates:
        raise RuntimeError(f"pgbench failed: {(done.stderr + done.stdout).strip()[-2000:]}")
    return sum(rates) / len(rates)


def _script(sent: Sent, prefix: str) -> tuple[str, dict[str, str]]:
    """The statement with pgbench's variables for parameters. It has none for NULL and for the
    empty text: those are written into the statement. Every place of a variable becomes a parameter
    of its own there, which is why each says its type."""
    values = {
        f"{prefix}{number}": _text(value)
        for number, value in enumerate(sent.arguments, 1)
        if value not in (None, "")
    }

    def put(match: re.Match[str]) -> str:
        place = int(match[1]) - 1
        name = f"{prefix}{match[1]}"
        empty = "NULL" if sent.arguments[place] is None else "''"
        return f"{f':{name}' if name in values else empty}::{sent.types[place]}"

    # A comment holds what pgbench would take for a parameter; and a line is a command there.
    lines = [line for line in sent.query.sql.splitlines() if not line.lstrip().startswith("--")]
    return _PARAMETER.sub(put, " ".join(lines)) + "\n;\n", values


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "{" + ",".join(json.dumps(item, ensure_ascii=False) for item in value) + "}"
    return str(value)
