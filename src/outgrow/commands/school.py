"""`outgrow school`: the e-mail domains of schools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from outgrow.campus.background import record_command
from outgrow.campus.people.schools import Domains
from outgrow.cli import App, json_option
from outgrow.connection import connected
from outgrow.schema.install import install

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
    domain of its own. Who is a member when it gets its first one stays one.
    """
    app.run(_with_domains(app, lambda domains: domains.add(school, domain), "school add-domain"))
    app.answer({"school": school, "domain": domain}, f"{school}: @{domain}")


@command.command("remove-domain")
@click.argument("domain")
@click.option("--lock-out", is_flag=True, help="End the membership of those who have it by DOMAIN.")
@json_option
@click.pass_obj
def remove_domain(app: App, domain: str, lock_out: bool) -> None:
    """Take DOMAIN from its school, and let nobody in by it any more.

    Who is a member by an address there stays one, unless --lock-out says otherwise. A school
    without any domain takes nobody new: outgrow school open makes it open to everybody.
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


@command.command("open")
@click.argument("school")
@json_option
@click.pass_obj
def open_school(app: App, school: str) -> None:
    """Let anybody sign up for SCHOOL, and take away all its domains."""
    app.run(_with_domains(app, lambda domains: domains.open(school), "school open"))
    app.answer({"school": school, "open": True}, f"{school}: open to everybody")


@command.command("list")
@json_option
@click.pass_obj
def list_domains(app: App) -> None:
    """Show the schools that ask for an address, and their domains."""
    found = app.run(_with_domains(app, lambda domains: domains.all()))
    app.answer(
        [{"school": school, "domain": domain} for domain, school in found],
        "\n".join(
            f"{school}: {'@' + domain if domain else 'takes nobody'}" for domain, school in found
        )
        or "no school has domains",
    )


async def _with_domains(
    app: App, work: Callable[[Domains], Awaitable[T]], changes: str | None = None
) -> T:
    async with connected(app.settings, pool_size=1) as database:
        await install(database, app.settings.store)
        result = await work(Domains(database))
        if changes:
            await record_command(database, changes)
        return result
