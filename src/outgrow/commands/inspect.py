"""`outgrow inspect`: what is in a key-value table, what is broken, and how the table is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from outgrow.blueprint import parse
from outgrow.cli import App, connected, json_option, note
from outgrow.database import Database
from outgrow.errors import BadInput
from outgrow.inspection import health, report, safety
from outgrow.inspection.finding import Finding
from outgrow.inspection.findings import findings
from outgrow.inspection.inspection import Inspection, inspect
from outgrow.inspection.listing import Listing, listings
from outgrow.inspection.source import Table
from outgrow.inspection.writing import blueprint
from outgrow.layout.consistency import KINDS
from outgrow.named import hold, snapshot
from outgrow.printable import clean, one_line, printable
from outgrow.progress import Progress

_PASSES = {1: "once and all keys", 4: "in 4 passes"}
ENOUGH = 200_000
"""Rows of a sample. More do not tell more of what a pattern is like."""


@click.command()
@click.option("--table", metavar="NAME", help="Another table than the store: name or schema.name.")
@click.option(
    "--sample", is_flag=True, help=f"Read some {ENOUGH:,} rows only; misfits are not looked for."
)
@click.option("--all", "all_misfits", is_flag=True, help="With --json: every misfit, not samples.")
@click.option(
    "--misfits", metavar="KIND", type=click.Choice(list(KINDS)), help="Print the keys of one kind."
)
@click.option(
    "--sql", is_flag=True, help="Print queries that list the misfits, of one kind or of all."
)
@click.option(
    "--write", type=click.Path(dir_okay=False, path_type=Path), help="Write a blueprint there."
)
@json_option
@click.pass_obj
def command(
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
    schema, _, table = asked.table.rpartition(".")
    async with connected(app.settings, pool_size=1, only_store=True) as database:
        found, inspection = await _read(database, schema or "public", table, asked.sample)
    version = found.pop("version")
    if asked.write is not None:
        _write(inspection, asked.table, asked.write)
        if not app.json:
            return
    if asked.misfits and not asked.sql:
        _print_misfits(app, inspection, asked.misfits)
        return
    queries = (
        list(listings(inspection, schema or "public", table, version=version)) if version else []
    )
    if asked.sql:
        _print_queries(app, queries, asked.misfits)
        return
    told = {"table": found["table"]} | report.document(
        inspection, all_misfits=asked.all_misfits, queries=queries
    )
    secrets = report.secrets_found(inspection)
    told["indexes"] = found["indexes"]
    told["health"] = found["health"] | {"findings": _dicts(found["findings"])}
    told["security"] = _dicts([*found["safety"], *secrets])
    app.answer(told, "\n".join(report.lines(clean(told), click.style)), styled=True)


async def _read(
    database: Database, schema: str, name: str, sample: bool
) -> tuple[dict[str, Any], Inspection]:
    """All of it in one snapshot, by a session that cannot write."""
    async with (
        database.dedicated("outgrow inspect") as session,
        snapshot(session, f"{schema}.{name}"),
    ):
        fares = await health.read(session, schema, name)
        await hold(session, f"{schema}.{name}")
        open_to = await safety.read(session, schema, name)
        whole = Table(session, f"{schema}.{name}")
        count, version = await whole.count(), await whole.version_for_queries()
        percent = min(100.0, 100 * ENOUGH / count) if sample and count else None
        source = Table(session, f"{schema}.{name}", percent) if percent else whole
        passes = 4 if percent is None else 1
        with Progress(f"reading, {_PASSES[passes]}", "rows", count * passes) as progress:
            inspection = await inspect(source, audited=not percent, passed=progress.add)
    told = fares.as_dict()
    return {
        "table": told.pop("table"),
        "version": version,
        "indexes": [asdict(index) for index in fares.indexes],
        "health": told,
        "findings": findings(fares),
        "safety": safety.findings(open_to),
    }, inspection


def _write(inspection: Inspection, name: str, file: Path) -> None:
    text = blueprint(inspection, name)
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


def _dicts(found: list[Finding]) -> list[dict[str, Any]]:
    return [asdict(one) for one in found]
