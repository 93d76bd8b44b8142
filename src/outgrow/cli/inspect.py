"""`outgrow inspect`: what a key-value table holds, what is broken in it, and how the table is."""

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
@click.option("--table", metavar="NAME", help="A table other than the store: name or schema.name.")
@click.option(
    "--sample",
    is_flag=True,
    help=f"Read some {ENOUGH:,} rows only; do not look for what is wrong.",
)
@click.option(
    "--all", "all_misfits", is_flag=True, help="With --json: everything that is wrong, not samples."
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
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a blueprint to FILE.",
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
    """Show what a key-value table holds, without a blueprint.

    That is its patterns, what refers to what, what contradicts what, and how the table itself is.
    Only reads, in one snapshot.
    """
    if sample and (misfits or sql):
        raise BadInput(
            "usage",
            "a sample does not show what contradicts the rest",
            hint="leave out --sample, or --misfits and --sql",
        )
    if write is not None and write.exists():
        raise BadInput(
            "not_written",
            f"{write} exists already",
            hint="it may have been edited: write to another file, and compare",
        )
    options = _Options(table or app.settings.store, sample, all_misfits, misfits, sql, write)
    app.run(_inspect(app, options))


@dataclass(frozen=True)
class _Options:
    table: str
    sample: bool
    all_misfits: bool
    misfits: str | None
    sql: bool
    write: Path | None


async def _inspect(app: App, options: _Options) -> None:
    async with (
        connected(app.settings, pool_size=1, only_store=True) as database,
        AsyncExitStack() as stack,
    ):
        progress: Progress | None = None

        def show(done: int, total: int) -> None:
            nonlocal progress
            if progress is None:
                label = "once and all keys" if options.sample else f"in {PASSES} passes"
                progress = stack.enter_context(Progress(f"reading, {label}", "rows", total))
            progress.add(done - progress.done)

        store = Store(database, options.table)
        survey = await library.inspect(store, sample=options.sample, progress=show)
    if options.write is not None:
        _write(survey, options.write)
        if not app.json:
            return
    if options.sql:
        _print_queries(app, survey.queries(), options.misfits)
    elif options.misfits:
        _print_misfits(app, survey.inspection, options.misfits)
    else:
        document = survey.as_dict(all_misfits=options.all_misfits)
        app.answer(
            document, "\n".join(report.format_report(clean(document), click.style)), styled=True
        )


def _write(survey: Survey, file: Path) -> None:
    text = survey.blueprint()
    parse(text)  # it must be a blueprint
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as e:
        raise BadInput(
            "not_written", f"{file} cannot be written", detail=str(e), hint="give another path"
        ) from e
    note(f"wrote {file}: OUTGROW_BLUEPRINT={file} outgrow grow --plan --to optimized")


def _print_misfits(app: App, inspection: Inspection, kind: str) -> None:
    assert inspection.audit is not None
    chosen = [misfit for misfit in inspection.audit.misfits if misfit.kind == kind]
    if app.json:
        app.answer([asdict(misfit) for misfit in chosen])
        return
    for misfit in chosen:
        click.echo(f"{one_line(misfit.key)}\t{one_line(misfit.detail)}")
    note(f"{len(chosen):,} {kind}: {KINDS[kind]}; as a query: --sql")


def _print_queries(app: App, queries: list[Listing], kind: str | None) -> None:
    chosen = [listing for listing in queries if kind in (None, listing.kind)]
    if app.json:
        app.answer([listing.as_dict() for listing in chosen])
        return
    for listing in chosen:
        click.echo(printable(f"{listing.title}\n{listing.sql}\n"))
    if not chosen:
        note(f"nothing to list{f' of kind {kind}' if kind else ''}, or no query can say it")
