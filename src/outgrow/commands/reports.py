"""`outgrow reports`: what people reported of each other, for whoever runs the network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import click
from click.core import ParameterSource

from outgrow.campus.background import record_command
from outgrow.campus.safety import Reports
from outgrow.cli import App, json_option
from outgrow.connection import connected
from outgrow.events import note
from outgrow.schema.install import install

T = TypeVar("T")


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--after", type=click.UUID, metavar="ID", help="Go on behind this report.")
@click.option("--open", "still_open", is_flag=True, help="Only those not dealt with yet.")
@json_option
@click.pass_context
def command(context: click.Context, limit: int, after: UUID | None, still_open: bool) -> None:
    """Show what people reported of each other, newest first."""
    app: App = context.obj
    if context.invoked_subcommand is not None:
        given = (context.get_parameter_source(name) for name in ("limit", "after", "still_open"))
        if any(source is not ParameterSource.DEFAULT for source in given):
            raise click.UsageError("--limit, --after and --open are for the list alone.", context)
        return
    behind = str(after) if after else None
    found = app.run(
        _with_reports(app, lambda r: r.page(limit + 1, after=behind, still_open=still_open))
    )
    shown = found[:limit]
    more = shown[-1]["id"] if len(found) > limit else None
    told = "\n\n".join("\n".join(_told(report)) for report in shown)
    app.answer({"items": shown, "next": more}, told or "no reports")
    if more is not None and not app.json:
        note(f"there are more: --after {more}")


@command.command()
@click.argument("report", metavar="ID", type=click.UUID)
@click.option("--outcome", metavar="TEXT", help="What came of it, to be read later.")
@json_option
@click.pass_obj
def done(app: App, report: UUID, outcome: str | None) -> None:
    """Write down that the report ID was dealt with. Nobody is told."""
    closed = app.run(
        _with_reports(app, lambda reports: reports.close(str(report), outcome), ("done", report))
    )
    app.answer(closed, _state(closed))


@command.command()
@click.argument("report", metavar="ID", type=click.UUID)
@json_option
@click.pass_obj
def reopen(app: App, report: UUID) -> None:
    """Say that the report ID has to be dealt with after all."""
    app.run(_with_reports(app, lambda reports: reports.reopen(str(report)), ("reopen", report)))
    again = {"id": str(report), "closed_at": None, "outcome": None}
    app.answer(again, _state(again))


def _told(report: dict[str, Any]) -> list[str]:
    lines = [
        f"{report['id']}  {_moment(report['created_at'])}  {report['reason']}",
        f"  by     {_person(report['reporter'])}",
        f"  about  {_person(report['profile'])}",
    ]
    if report["message"]:
        lines.append(f"         message {_plain(report['message'])}")
    lines += [f"  | {_plain(line)}" for line in (report["note"] or "").splitlines()]
    return [*lines, f"  {_state(report)}"]


def _state(report: dict[str, Any]) -> str:
    if report["closed_at"] is None:
        return "open"
    outcome = f": {_plain(report['outcome'])}" if report["outcome"] else ""
    return f"dealt with on {_moment(report['closed_at'])}{outcome}"


def _person(person: dict[str, Any] | None) -> str:
    if person is None:
        return "somebody who deleted their account"
    known = [person[name] for name in ("name", "school", "id") if person[name]]
    return _plain(", ".join(known if len(known) > 1 else [*known, "of whom there is no profile"]))


def _moment(iso: str) -> str:
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _plain(text: str) -> str:
    """What somebody typed, without what would make a terminal do anything but show it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


async def _with_reports(
    app: App, work: Callable[[Reports], Awaitable[T]], did: tuple[str, UUID | None] = ("list", None)
) -> T:
    async with connected(app.settings, pool_size=1) as database:
        await install(database, app.settings.store)
        result = await work(Reports(database))
        await record_command(database, f"reports {did[0]}", str(did[1]) if did[1] else None)
        return result
