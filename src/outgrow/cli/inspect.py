"""`outgrow inspect`: what is in a key-value table, what is broken, and how the table is."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from outgrow import library
from outgrow.blueprint import parse
from outgrow.cli.main import App, json_option
from outgrow.connection import connected
from outgrow.errors import BadInput
from outgrow.events import note
from outgrow.inspection import Inspection, report
from outgrow.inspection.survey import ENOUGH, PASSES, Listing, Survey
from outgrow.layout.consistency import KINDS
from outgrow.store import Store
from outgrow.terminal import Progress, clean, one_line, printable


@click.command()
@click.option("--table", metavar="NAME", help="Another table than the store: name or schema.name.")
@click.option(
    "--sample", is_flag=True, help=f"Read some {ENOUGH:,} rows only; nothing wrong is looked for."
)
@click.option(
    "--all", "all_misfits", is_flag=True, help="With --json: all that is wrong, not samples."
)
@click.option(
    "--misfits",
    metavar="KIND",
    type=click.Choice(list(KINDS)),
    help="Print the keys of one kind of misfit or inconsistency.",
)
@click.option(
    "--sql", is_flag=True, help="Print queries that list these keys, of one kind or of all."
)
@click.option(
    "--write", type=click.Path(dir_okay=False, path_type=Path), help="Write a blueprint there."
)
@json_option
@click.pass_obj
def inspect(
    app: App,
    table: str | None,
    sample: bool,
    all_misfits: bool,
    misfits: str | None,
    sql: bool,
    write: Path | None,
) -> None:
    """Say what a key-value table holds, with no blueprint: its patterns, what refers to what, what
    contradicts what, and how the table itself is. Only reads, in one snapshot."""
    if sample and (misfits or sql):
        raise BadInput(
            "usage",
            "a sample does not show what contradicts the rest",
            hint="leave out --sample, or --misfits and --sql",
        )
    if write is not None and write.exists():
        raise BadInput(
            "not_written",
            f"{write} is there already",
            hint="it may have been edited: write to another file, and compare",
        )
    asked = _Asked(table or app.settings.store, sample, all_misfits, misfits, sql, write)
    app.run(_inspect(app, asked))


@dataclass(frozen=True)
class _Asked:
    table: str
    sample: bool
    all_misfits: bool
    misfits: str | None
    sql: bool
    write: Path | None


async def _inspect(app: App, asked: _Asked) -> None:
    async with (
        connected(app.settings, pool_size=1, only_store=True) as database,
        AsyncExitStack() as stack,
    ):
        progress: Progress | None = None

        def show(done: int, total: int) -> None:
            nonlocal progress
            if progress is None:
                label = "once and all keys" if asked.sample else f"in {PASSES} passes"
                progress = stack.enter_context(Progress(f"reading, {label}", "rows", total))
            progress.add(done - progress.done)

        store = Store(database, asked.table)
        survey = await library.inspect(store, sample=asked.sample, progress=show)
    if asked.write is not None:
        _write(survey, asked.write)
        if not app.json:
            return
    if asked.sql:
        _print_queries(app, survey.queries(), asked.misfits)
    elif asked.misfits:
        _print_misfits(app, survey.inspection, asked.misfits)
    else:
        told = survey.as_dict(all_misfits=asked.all_misfits)
        app.answer(told, "\n".join(report.format_report(clean(told), click.style)), styled=True)


def _write(survey: Survey, file: Path) -> None:
    text = survey.blueprint()
    parse(text)  # what is written must be a blueprint
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as e:
        raise BadInput(
            "not_written", f"{file} cannot be written", detail=str(e), hint="give another path"
        ) from e
    note(f"wrote {file}: OUTGROW_BLUEPRINT={file} outgrow grow --plan --to optimized")


def _print_misfits(app: App, inspection: Inspection, kind: str) -> None:
    assert inspection.audit is not None
    chosen = [one for one in inspection.audit.misfits if one.kind == kind]
    if app.json:
        app.answer([asdict(one) for one in chosen])
        return
    for one in chosen:
        click.echo(f"{one_line(one.key)}\t{one_line(one.detail)}")
    note(f"{len(chosen):,} {kind}: {KINDS[kind]}; as a query: --sql")


def _print_queries(app: App, queries: list[Listing], kind: str | None) -> None:
    chosen = [one for one in queries if kind in (None, one.kind)]
    if app.json:
        app.answer([one.as_dict() for one in chosen])
        return
    for one in chosen:
        click.echo(printable(f"{one.title}\n{one.sql}\n"))
    if not chosen:
        note(f"nothing to list{f' of kind {kind}' if kind else ''}, or no query can say it")
