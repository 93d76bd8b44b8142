"""`outgrow school`: the e-mail domains of schools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from outgrow.campus import operations
from outgrow.campus.domains import Domains
from outgrow.cli import App, connected, json_option
from outgrow.install import install

T = TypeVar("T")


@click.group()
def command() -> None:
    """Say which e-mail domains a school has, so that only its people join it."""


@command.command("add-domain")
@click.argument("school")
@click.argument("domain")
@json_option
@click.pass_obj
def add_domain(app: App, school: str, domain: str) -> None:
    """Ask who signs up for SCHOOL for an e-mail of DOMAIN, and for a code sent there.

    SCHOOL is its name as profiles have it. A school may have several domains; a subdomain is a
    domain of its own. Who is a member already stays one.
    """
    app.run(_with_domains(app, lambda domains: domains.add(school, domain), "school add-domain"))
    app.answer({"school": school, "domain": domain}, f"{school}: @{domain}")


@command.command("remove-domain")
@click.argument("domain")
@json_option
@click.pass_obj
def remove_domain(app: App, domain: str) -> None:
    """Take DOMAIN from its school, and let nobody in by it any more.

    A school without domains is open to everybody.
    """
    school = app.run(
        _with_domains(app, lambda domains: domains.remove(domain), "school remove-domain")
    )
    app.answer({"school": school, "domain": domain}, f"{school}: no longer @{domain}")


@command.command("list")
@json_option
@click.pass_obj
def list_domains(app: App) -> None:
    """Show the schools that have domains."""
    found = app.run(_with_domains(app, lambda domains: domains.all()))
    app.answer(
        [{"school": school, "domain": domain} for domain, school in found],
        "\n".join(f"{school}: @{domain}" for domain, school in found) or "no school has domains",
    )


async def _with_domains(
    app: App, work: Callable[[Domains], Awaitable[T]], changes: str | None = None
) -> T:
    async with connected(app.settings, pool_size=1) as database:
        await install(database, app.settings.store)
        result = await work(Domains(database))
        if changes:
            await operations.record(database, changes)
        return result
