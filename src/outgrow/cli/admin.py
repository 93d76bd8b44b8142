"""`outgrow school` and `reports`: the domains of schools, and what people reported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import click
from click.core import ParameterSource

from outgrow.campus.background import record_command
from outgrow.campus.people.schools import Domains
from outgrow.campus.safety import Reports
from outgrow.cli.account import run_in_database
from outgrow.cli.main import App, json_option
from outgrow.db.pool import Database
from outgrow.events import note

T = TypeVar("T")


@click.group()
def school() -> None:
    """Set the e-mail domains of schools, so that only their people join."""


@school.command("add-domain")
@click.argument("school")
@click.argument("domain")
@json_option
@click.pass_obj
def add_domain(app: App, school: str, domain: str) -> None:
    """Let people join SCHOOL by an e-mail of DOMAIN, which a code sent there proves.

    From its first domain on, a school takes nobody without such an e-mail; its members stay. SCHOOL
    is the name as profiles have it. A school may have several domains; a subdomain is a domain of
    its own.
    """
    app.run(_with_domains(app, lambda domains: domains.add(school, domain), "school add-domain"))
    app.answer({"school": school, "domain": domain}, f"{school}: @{domain}")


@school.command("remove-domain")
@click.argument("domain")
@click.option("--lock-out", is_flag=True, help="End the membership of people who joined by DOMAIN.")
@json_option
@click.pass_obj
def remove_domain(app: App, domain: str, lock_out: bool) -> None:
    """Take DOMAIN from its school, and let nobody join by it any more.

    Members who joined by it stay, unless --lock-out is given. A school without any domain takes
    nobody new: `outgrow school open` opens it to everybody.
    """
    school, members = app.run(
        _with_domains(
            app, lambda domains: domains.remove(domain, lock_out=lock_out), "school remove-domain"
        )
    )
    app.answer(
        {"school": school, "domain": domain, "members": members, "locked_out": lock_out},
        f"{school}: no longer @{domain}; members by it who "
        f"{'are locked out' if lock_out else 'stay'}: {members}",
    )


@school.command("open")
@click.argument("school")
@json_option
@click.pass_obj
def open_school(app: App, school: str) -> None:
    """Let anybody sign up for SCHOOL, and remove all its domains."""
    app.run(_with_domains(app, lambda domains: domains.open(school), "school open"))
    app.answer({"school": school, "open": True}, f"{school}: open to everybody")


@school.command("list")
@json_option
@click.pass_obj
def list_domains(app: App) -> None:
    """List the schools that ask for an address, with their domains."""
    rows = app.run(_with_domains(app, lambda domains: domains.all()))
    app.answer(
        [{"school": school, "domain": domain} for domain, school in rows],
        "\n".join(
            f"{school}: {'@' + domain if domain else 'takes nobody'}" for domain, school in rows
        )
        or "no school has domains",
    )


async def _with_domains(
    app: App, work: Callable[[Domains], Awaitable[T]], changes: str | None = None
) -> T:
    """Run `work`, and record it as the command that `changes` names."""

    async def work_and_record(database: Database) -> T:
        result = await work(Domains(database))
        if changes:
            await record_command(database, changes)
        return result

    return await run_in_database(app, work_and_record)


# Reports -----------------------------------------------------------------------------------------


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--after", type=click.UUID, metavar="ID", help="Go on after this report.")
@click.option("--open", "still_open", is_flag=True, help="Only reports not dealt with yet.")
@json_option
@click.pass_context
def reports(context: click.Context, limit: int, after: UUID | None, still_open: bool) -> None:
    """List what people reported about each other, newest first."""
    app: App = context.obj
    if context.invoked_subcommand is not None:
        given = (context.get_parameter_source(name) for name in ("limit", "after", "still_open"))
        if any(source is not ParameterSource.DEFAULT for source in given):
            raise click.UsageError("--limit, --after and --open are for the list alone.", context)
        return
    cursor = str(after) if after else None
    page = app.run(
        _with_reports(app, lambda r: r.page(limit + 1, after=cursor, still_open=still_open))
    )
    shown = page[:limit]
    more = shown[-1]["id"] if len(page) > limit else None
    text = "\n\n".join("\n".join(_report_text(report)) for report in shown)
    app.answer({"items": shown, "next": more}, text or "no reports")
    if more is not None and not app.json:
        note(f"there are more: --after {more}")


@reports.command()
@click.argument("report", metavar="ID", type=click.UUID)
@click.option("--outcome", metavar="TEXT", help="What came of it, to be read later.")
@json_option
@click.pass_obj
def done(app: App, report: UUID, outcome: str | None) -> None:
    """Mark the report ID as dealt with. Nobody is notified."""
    closed = app.run(
        _with_reports(app, lambda reports: reports.close(str(report), outcome), ("done", report))
    )
    app.answer(closed, _state(closed))


@reports.command()
@click.argument("report", metavar="ID", type=click.UUID)
@json_option
@click.pass_obj
def reopen(app: App, report: UUID) -> None:
    """Mark the report ID as not dealt with."""
    app.run(_with_reports(app, lambda reports: reports.reopen(str(report)), ("reopen", report)))
    reopened = {"id": str(report), "closed_at": None, "outcome": None}
    app.answer(reopened, _state(reopened))


def _report_text(report: dict[str, Any]) -> list[str]:
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
        return "a person who deleted their account"
    known = [person[name] for name in ("name", "school", "id") if person[name]]
    return _plain(", ".join(known if len(known) > 1 else [*known, "of whom there is no profile"]))


def _moment(iso: str) -> str:
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _plain(text: str) -> str:
    """Escape what would make a terminal do anything but show the text."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


async def _with_reports(
    app: App,
    work: Callable[[Reports], Awaitable[T]],
    action: tuple[str, UUID | None] = ("list", None),
) -> T:
    """Run `work`, and record it as this `action` on this report."""

    async def work_and_record(database: Database) -> T:
        result = await work(Reports(database))
        name, report = action
        await record_command(database, f"reports {name}", str(report) if report else None)
        return result

    return await run_in_database(app, work_and_record)
