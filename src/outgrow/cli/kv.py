"""`outgrow kv`: the key-value store from the command line. Values pass through as JSON text."""

from __future__ import annotations

import codecs
import json
import os
import shlex
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

import click
import msgspec

from outgrow.campus.background import record_command
from outgrow.cli.main import App, json_option
from outgrow.connection import connected
from outgrow.errors import BadInput, Conflict, NotFound
from outgrow.events import note
from outgrow.schema import late_lists
from outgrow.store import BATCH, MISSING, NO_VALUE, TEXT, Store, checked_key, problem
from outgrow.terminal import Progress, printable

LARGEST_BATCH = 8_000_000  # bytes of lines sent at once


@click.group()
def kv() -> None:
    """Read and write keys of the store."""


@kv.command()
@click.pass_obj
def create(app: App) -> None:
    """Create the store's table if it does not exist."""

    async def work() -> None:
        async with _store(app) as store:
            await store.create()

    app.run(work())


@kv.command()
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@json_option
@click.pass_obj
def get(app: App, keys: tuple[str, ...]) -> None:
    """Print the value of a key; for several keys, a line {"key": ..., "value": ...} each."""

    async def work() -> None:
        async with _store(app) as store:
            values = await store.mget(keys)
        empty = [key for key, text in zip(keys, values, strict=True) if text is NO_VALUE]
        if empty:
            raise Conflict(
                "no_value",
                f"no value is stored under {', '.join(map(_json, empty))}: the column holds NULL",
                hint=f"give it one: outgrow kv set {shlex.quote(empty[0])} null",
            )
        existing = [
            (key, text) for key, text in zip(keys, values, strict=True) if text is not MISSING
        ]
        missing = [key for key, text in zip(keys, values, strict=True) if text is MISSING]
        if app.json:
            items = ", ".join(_line(key, text) for key, text in existing)
            click.echo(f'{{"items": [{items}], "missing": {_json(missing)}}}')
            raise SystemExit(1 if missing else 0)
        for key, text in existing:
            click.echo(text if len(keys) == 1 else _line(key, text))
        if missing:
            raise NotFound(
                "key_missing",
                f"there is no key {', '.join(map(_json, missing))}",
                hint="outgrow kv list shows the keys that exist",
            )

    app.run(work())


@kv.command("set")
@click.argument("key")
@click.argument("value", default="-", metavar="[JSON|-]")
@click.pass_obj
def set_(app: App, key: str, value: str) -> None:
    """Write JSON, given or from standard input, under a key."""
    text = sys.stdin.buffer.read().decode(errors="surrogateescape") if value == "-" else value

    async def work() -> None:
        if why := problem(text):
            raise BadInput(
                "bad_value",
                "the value is not JSON that can be stored",
                detail=why,
                hint=f"""text is written with its quotes: outgrow kv set {key} '"text"'""",
            )
        async with _store(app, "kv set") as store:
            await store.set(key, text)

    app.run(work())


@kv.command("del")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@json_option
@click.pass_obj
def delete(app: App, keys: tuple[str, ...]) -> None:
    """Delete keys; it is no error if one does not exist."""

    async def work() -> None:
        async with _store(app, "kv del") as store:
            deleted = await store.mdel(keys)
        app.answer({"deleted": deleted})
        note(f"deleted {deleted} of {len(set(keys))}")

    app.run(work())


@kv.command("list")
@click.argument("prefix", default="")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@click.option("--after", metavar="KEY", help="Go on after this key.")
@click.option("--values", is_flag=True, help='Print lines {"key": ..., "value": ...}.')
@json_option
@click.pass_obj
def list_(app: App, prefix: str, limit: int, after: str | None, values: bool) -> None:
    """Print the keys that begin with PREFIX, in order of code points; `export` prints all."""

    async def work() -> None:
        async with _store(app) as store:
            page = await store.scan(prefix, after=after, limit=limit + 1)
        more = page[limit - 1][0] if len(page) > limit else None
        page = page[:limit]
        if values:
            page = _with_values(page)
        shown = [_line(key, text) if values else _json(key) for key, text in page]
        if app.json:
            click.echo(f'{{"items": [{", ".join(shown)}], "next": {_json(more)}}}')
            return
        for line, (key, _) in zip(shown, page, strict=True):
            # A key that would break its line is shown quoted.
            click.echo(printable(line) if values or not key.isprintable() else key)
        if more is not None:
            note(f"there are more: --after {_json(more)}")

    app.run(work())


@kv.command("export")
@click.argument("prefix", default="")
@click.pass_obj
def export(app: App, prefix: str) -> None:
    """Print all keys that begin with PREFIX: lines {"key": ..., "value": ...}, as of one moment."""

    async def work() -> None:
        out = sys.stdout
        skipped = 0
        async with _store(app, "kv export") as store:
            if late := await late_lists.fold_first(store.database):
                note(f"note: {late}")
            with Progress("export", "keys", None if prefix else await store.estimate()) as progress:
                async for key, text in store.get_by_prefix(prefix):
                    if text is NO_VALUE:
                        skipped += 1
                        continue
                    out.write(_line(key, text) + "\n")
                    progress.add(1)
        _note_skipped(skipped)

    app.run(work())


@kv.command("import")
@click.argument("source", type=click.File("rb"), default="-", metavar="[FILE|-]")
@json_option
@click.pass_obj
def import_(app: App, source: BinaryIO) -> None:
    """Write lines {"key": ..., "value": ...}: all of them, or none where one is bad."""

    async def work() -> None:
        async with _store(app, "kv import") as store:
            with Progress("import", "lines") as progress:
                source_lines = _Lines(source, progress)
                try:
                    await store.load(source_lines.batches())
                except BadInput as e:
                    raise source_lines.blame(e) from e
        app.answer({"lines": progress.done})

    app.run(work())


class _Item(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    value: msgspec.Raw


class _Lines:
    """The lines of an import, read in bounded memory, with the numbers of those being written."""

    def __init__(self, source: BinaryIO, progress: Progress) -> None:
        self._source = source
        self._progress = progress
        self._batch: list[tuple[str, str]] = []
        self._numbers: list[int] = []

    async def batches(self) -> AsyncIterator[Iterable[tuple[str, str]]]:
        decoder = msgspec.json.Decoder(_Item)
        size = 0
        total = _size(self._source)
        read = 0
        for number, line in enumerate(self._source, 1):
            read += len(line)
            stripped = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if not stripped.strip():
                continue
            try:
                item = decoder.decode(stripped)
                self._batch.append((item.key, bytes(item.value).decode()))
            except (msgspec.DecodeError, UnicodeDecodeError) as e:
                why = problem(stripped.decode(errors="replace")) or e
                raise _bad_line(number, f'is not a {{"key": ..., "value": ...}}: {why}') from e
            self._numbers.append(number)
            size += len(stripped)
            if len(self._batch) == BATCH or size > LARGEST_BATCH:
                yield self._batch
                self._done()
                size = 0
                if total:
                    self._progress.total = max(self._progress.done * total // read, 1)
        yield self._batch
        self._done()

    def _done(self) -> None:
        self._progress.add(len(self._batch))
        self._batch, self._numbers = [], []

    def blame(self, error: BadInput) -> BadInput:
        """Return the error with the number of the line that it is about."""
        if error.code == "bad_line" or not self._numbers:
            return error
        for number, (key, text) in zip(self._numbers, self._batch, strict=True):
            try:
                checked_key(key)
            except BadInput as e:
                return _bad_line(number, f"has a key that cannot be stored: {e.detail}")
            if why := problem(text):
                return _bad_line(number, f"has a value that cannot be stored: {why}")
        first, last = self._numbers[0], self._numbers[-1]
        where = f"line {first}" if first == last else f"a line from {first} to {last}"
        return BadInput("bad_line", f"{where} cannot be stored", detail=error.detail)


def _bad_line(number: int, why: str) -> BadInput:
    return BadInput(
        "bad_line",
        f"line {number} {why}",
        hint="nothing was written; mend the line and import again",
    )


def _size(source: BinaryIO) -> int | None:
    """Return the bytes of a file; None for a pipe."""
    try:
        return os.fstat(source.fileno()).st_size or None
    except OSError:
        return None


@asynccontextmanager
async def _store(app: App, recorded: str | None = None) -> AsyncIterator[Store]:
    async with connected(app.settings, pool_size=1, only_store=True) as database:
        yield Store(database, app.settings.store, TEXT)
        if recorded is not None:
            await record_command(database, recorded)


def _with_values(page: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    kept = [(key, text) for key, text in page if text is not NO_VALUE]
    _note_skipped(len(page) - len(kept))
    return kept


def _note_skipped(keys: int) -> None:
    if keys:
        note(f"passed over {keys:,} without a value: the column holds NULL")


def _line(key: str, text: str) -> str:
    return f'{{"key": {_json(key)}, "value": {text}}}'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
