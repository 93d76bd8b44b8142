"""Follows the shell sessions of a Markdown page as a reader would, and compares what comes out.

A block fenced as ```console holds commands behind `$ ` and what they print; all blocks of a page
are one session. One fenced as ```console background runs beside it until the page ends, as in
another terminal. A line `...` stands for any lines, and what differs from run to run (times, sizes,
ids, cursors) is compared as such.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

PATIENCE = 120.0  # seconds for one command, on a busy machine

_NOT_THE_READERS = ("MAKE", "MFLAGS", "PG", "DATABASE_URL", "OUTGROW_", "HOST")
"""Variables that whoever runs the tests may have set, and a reader has not."""

_BLOCK = re.compile(r"^```console( background)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRESS = re.compile(
    r".*: [\d,]+ [\w ]+( of [\d,]+ \(\d+ %\))?, [\d,]+/s(,.*)?|installing .*"
    r"|20\d\d-\d\d-\d\dT[\d:.]+Z (info|warning) .*"  # the log
)
_VARIABLE = [
    (re.compile(r"\b[\d.,]+ (ms|s|min|MB|/s)\b"), r"N \1"),
    (re.compile(r"\b20\d\d-\d\d-\d\d( \d\d:\d\d UTC)?"), "DATE"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r'"(next|request_id)": ?"[^"]+"'), r'"\1": "..."'),
    (re.compile(r"PostgreSQL \d+\.\d+"), "PostgreSQL N"),
    (re.compile(r"\b(og_\w+)_[0-9a-f]{8}\b"), r"\1_DIGEST"),
]


@dataclass(frozen=True, slots=True)
class Command:
    """`text` as the shell is given it, and what the page says that it prints."""

    text: str
    expected: str


@dataclass(frozen=True, slots=True)
class Block:
    commands: tuple[Command, ...]
    background: bool

    def __str__(self) -> str:
        lines = []
        for command in self.commands:
            first, *more = command.text.splitlines()
            lines += [f"$ {first}", *more]
            lines += command.expected.splitlines()
        return (
            f"```console{' background' if self.background else ''}\n" + "\n".join(lines) + "\n```"
        )


def blocks(page: str) -> Iterator[Block]:
    for match in _BLOCK.finditer(page):
        yield Block(tuple(_commands(match[2])), bool(match[1]))


def rewritten(page: str, seen: Iterator[Block]) -> str:
    """The page with other blocks, as many as it has."""
    return _BLOCK.sub(lambda _: str(next(seen)), page)


def _commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        count = 1
        # A command goes on behind a backslash, and inside quotes.
        while not _is_complete("\n".join(lines[:count])):
            count += 1
        yield Command("\n".join(lines[:count]), "\n".join(lines[count:]))


def _is_complete(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return False
    return not text.endswith("\\")


def plain(text: str) -> str:
    """What is compared: without progress and the log, and with what varies replaced."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    text = "\n".join(line for line in lines if not _PROGRESS.fullmatch(line))
    for pattern, replacement in _VARIABLE:
        text = pattern.sub(replacement, text)
    return text


def fits(expected: str, actual: str) -> bool:
    parts = re.split(r"^\.\.\.$\n?", plain(expected) + "\n", flags=re.MULTILINE)
    pattern = "(?:.*\n)*".join(re.escape(part) for part in parts)
    return re.fullmatch(pattern, plain(actual) + "\n") is not None


def _path_of_a_reader() -> str:
    """Without this Python's programs: where its environment is active, `outgrow` would be found,
    and a page that does not say how to call it would pass."""
    our_programs = Path(sys.executable).parent
    return os.pathsep.join(
        entry for entry in os.environ["PATH"].split(os.pathsep) if Path(entry) != our_programs
    )


class Terminal:
    """A shell in a directory, and others beside it. `names` are put in place of what the page
    says, and back: the port of this run for the usual one."""

    def __init__(self, directory: Path, env: dict[str, str], names: dict[str, str]) -> None:
        self._directory = directory
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_THE_READERS)}
        self._env = {**kept, "PATH": _path_of_a_reader(), **env}
        self._names = names
        self._marks = 0
        self._beside: list[tuple[subprocess.Popen[str], Path]] = []

    def __enter__(self) -> Self:
        bash = ["bash", "--noprofile", "--norc"]
        self._shell = self._start(bash, subprocess.PIPE, subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        """Leave as a reader does: Ctrl-C in the other terminals."""
        with self._shell as shell:
            assert shell.stdin
            shell.stdin.close()
            shell.wait(PATIENCE)
        for process, _log in self._beside:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(PATIENCE)

    def _start(
        self, command: list[str], stdin: int, stdout: int | IO[str]
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self._directory,
            env=self._env,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def run_block(self, block: Block) -> Block:
        """Run a block, and return it with what was printed."""
        run = self._beside_us if block.background else self._here
        return replace(block, commands=tuple(run(command) for command in block.commands))

    def _here(self, command: Command) -> Command:
        self._marks += 1
        mark = f"--- done {self._marks} ---"
        assert self._shell.stdin
        assert self._shell.stdout
        text = f"eval {shlex.quote(self._ours(command.text))} </dev/null\nprintf '\\n{mark}\\n'\n"
        self._shell.stdin.write(text)
        self._shell.stdin.flush()
        output: list[str] = []
        for line in self._shell.stdout:
            if line.rstrip("\n") == mark:
                return replace(command, expected=self._theirs("".join(output)))
            output.append(line)
        raise AssertionError(f"the shell ended in: {command.text}\n{''.join(output)}")

    def _beside_us(self, command: Command) -> Command:
        """Runs on; what it has printed is looked at until it is what the page says, or does not
        become so."""
        log = self._directory / f"terminal-{len(self._beside)}"
        bash = ["bash", "-c", f"exec {self._ours(command.text)}"]
        with log.open("w") as output:
            process = self._start(bash, subprocess.DEVNULL, output)
        self._beside.append((process, log))
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and process.poll() is None:
            shown = self._theirs(log.read_text())
            if fits(command.expected, shown):
                break
            time.sleep(0.1)
        return replace(command, expected=self._theirs(log.read_text()))

    def ended_well(self) -> bool:
        """Whether every program beside us said at its end that it stopped."""
        return all("\nstopped\n" in log.read_text() for _, log in self._beside)

    def _ours(self, text: str) -> str:
        for theirs, ours in self._names.items():
            text = text.replace(theirs, ours)
        return text

    def _theirs(self, text: str) -> str:
        for theirs, ours in self._names.items():
            text = text.replace(ours, theirs)
        lines = [line for line in text.splitlines() if not _PROGRESS.fullmatch(line)]
        return "\n".join(lines).strip("\n")
