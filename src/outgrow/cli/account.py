"""`outgrow account`: accounts, as the operator makes them."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from outgrow.campus.accounts import claims
from outgrow.campus.accounts.accounts import Accounts
from outgrow.campus.accounts.claims import Claim, Invitations, Mailed, People
from outgrow.campus.accounts.credentials import Codes, Passwords
from outgrow.campus.background import record_command
from outgrow.campus.mail import Mail, print_letters, smtp_transport
from outgrow.cli.main import App, json_option
from outgrow.connection import connected
from outgrow.db.pool import Database
from outgrow.errors import BadInput
from outgrow.events import note
from outgrow.queries import load
from outgrow.schema.install import install
from outgrow.terminal import Progress, one_line
from outgrow.web.http.auth import derived_key

T = TypeVar("T")


@click.group()
def account() -> None:
    """Make accounts for the people of existing profiles, and set passwords."""


def _password_option(function: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--password-stdin", is_flag=True, help="Read the password from the first line of stdin."
    )(function)


@account.command()
@click.argument("email")
@click.option("--user", "user_id", required=True, metavar="ID", help="The id of the profile.")
@_password_option
@json_option
@click.pass_obj
def create(app: App, email: str, user_id: str, password_stdin: bool) -> None:
    """Let the owner of the profile ID sign in with EMAIL.

    You vouch that both are the same person's. The command asks for the password.
    """
    password = _password(password_stdin)

    async def work(accounts: Accounts, database: Database) -> None:
        await accounts.create(email, password, user_id)
        await record_command(database, "account create", user_id)

    app.run(_with_accounts(app, work))
    app.answer({"user_id": user_id, "email": email}, f"{email} signs in as {user_id}")


@account.command("set-password")
@click.argument("email")
@_password_option
@json_option
@click.pass_obj
def set_password(app: App, email: str, password_stdin: bool) -> None:
    """Give the account EMAIL a new password, and end all of its sessions."""
    password = _password(password_stdin)

    async def work(accounts: Accounts, database: Database) -> str:
        user_id = await accounts.set_password(email, password)
        await record_command(database, "account set-password", user_id)
        return user_id

    user_id = app.run(_with_accounts(app, work))
    app.answer({"user_id": user_id, "email": email}, f"{email} has a new password")


def _password(from_stdin: bool) -> str:
    """Read the password. It is never an argument: everybody on the machine sees those, and shells
    store them."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise BadInput(
            "password_needed",
            "a password is needed, and there is no terminal to ask for it at",
            hint="give it as the first line of standard input, with --password-stdin",
        )
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password


@account.command()
@click.argument("email")
@click.argument("user_id", metavar="ID")
@json_option
@click.pass_obj
def link(app: App, email: str, user_id: str) -> None:
    """Reserve the profile ID for the person who proves the mailbox EMAIL.

    For an e-mail that several profiles have, and for a profile without a usable one. Nobody is let
    in by this alone: a sign-up, a reset or an invitation sends the code that proves the mailbox.
    """

    async def work(database: Database) -> str:
        address = await claims.link_email(database, email, user_id)
        await record_command(database, "account link", user_id)
        return address

    address = app.run(run_in_database(app, work))
    text = f"{user_id} is of {address}; to tell them: outgrow account invite {shlex.quote(user_id)}"
    app.answer({"user_id": user_id, "email": address}, text)


@account.command()
@json_option
@click.pass_obj
def conflicts(app: App) -> None:
    """List the profiles whose e-mail does not say whose they are.

    Several profiles have the same e-mail, it is not an address, an account already has it, or the
    school asks for another domain.
    """
    people = app.run(run_in_database(app, claims.survey_people))
    app.answer(
        {
            "disputed": [{"email": e, "user_ids": ids} for e, ids in people.disputed.items()],
            "unusable": people.unusable,
            "of_no_domain": people.of_no_domain,
        },
        "\n".join(_conflict_lines(people)) or "every e-mail says whose profile it is",
    )


@account.command()
@click.argument("who", required=False, metavar="[EMAIL|ID]")
@click.option("--all", "everybody", is_flag=True, help="Everybody with a profile and no account.")
@click.option("--url", help="The address of the pages: https://campus.example.edu.")
@click.option(
    "--per-minute",
    type=click.IntRange(1, 6000),
    default=30,
    show_default=True,
    help="With --all: the most mails per minute.",
)
@click.option("--limit", type=click.IntRange(min=1), help="With --all: stop after so many mails.")
@click.option("--plan", "only_plan", is_flag=True, help="With --all: only count, and mail nobody.")
@json_option
@click.pass_obj
def invite(
    app: App,
    who: str | None,
    everybody: bool,
    url: str | None,
    per_minute: int,
    limit: int | None,
    only_plan: bool,
) -> int:
    """Mail the people of existing profiles how to get their account.

    The code in the mail works once, for two weeks. With --all each person is mailed once, whatever
    happens: after a failure or Ctrl-C, run it again. Naming a person mails them again.
    """
    if (who is None) != everybody:
        raise click.UsageError("give an e-mail or an id, or --all")
    if only_plan and not everybody:
        raise click.UsageError("--plan goes with --all")
    if url is None and not only_plan:
        raise click.UsageError("--url says where the pages are: --url https://campus.example.edu")
    base_url = (url or "").rstrip("/")
    if base_url and not re.fullmatch(r"https?://[!-~]+", base_url):
        raise click.UsageError(f"--url is not an address of pages: {base_url}")
    if who is not None:
        claim = app.run(_invite_person(app, who, base_url))
        app.answer({"user_id": claim.user_id, "email": claim.email}, f"mailed to {claim.email}")
        return 0
    people, sent = app.run(_invite_all(app, base_url, per_minute, limit, only_plan))
    app.answer(
        {
            "ready": len(people.ready),
            "mailed": sent.mailed,
            "failed": sent.failed,
            "mailed_before": people.mailed,
            "with_account": people.with_account,
            "unsure": people.unsure,
            "unusable": people.unusable,
            "of_no_domain": people.of_no_domain,
            "disputed": [{"email": e, "user_ids": ids} for e, ids in people.disputed.items()],
        },
        "\n".join(_invitation_lines(people, sent, only_plan)),
    )
    return 1 if sent.failed else 0


async def _invite_person(app: App, who: str, url: str) -> Claim:
    async def work(database: Database) -> Claim:
        claim = await claims.claim_for_operator(database, who)
        await (await _invitations(app, database, url)).send(claim, again=True)
        await record_command(database, "account invite", claim.user_id)
        return claim

    return await run_in_database(app, work)


async def _invite_all(
    app: App, url: str, per_minute: int, limit: int | None, only_plan: bool
) -> tuple[People, Mailed]:
    if not only_plan and app.settings.smtp_url is None:
        raise BadInput(
            "no_mail",
            "there is no mail server to send invitations by",
            hint="set OUTGROW_SMTP_URL and OUTGROW_MAIL_FROM",
        )

    async def work(database: Database) -> tuple[People, Mailed]:
        await database.run(claims.SQL["forget"])
        people = await claims.survey_people(database)
        if only_plan:
            return people, Mailed()
        await record_command(database, "account invite --all")
        chosen = people.ready[:limit]
        with Progress("invite", "people", len(chosen)) as progress:
            sender = await _invitations(app, database, url)
            return people, await sender.send_all(chosen, per_minute, progress.add)

    return await run_in_database(app, work)


async def _invitations(app: App, database: Database, url: str) -> Invitations:
    settings = app.settings
    secret = await database.value(load("network")["secret"])
    transport = (
        smtp_transport(settings.smtp_url, settings.mail_from)
        if settings.smtp_url
        else print_letters(note)
    )
    return Invitations(database, Codes(derived_key(secret, b"codes")), Mail(transport), url)


def _invitation_lines(people: People, sent: Mailed, only_plan: bool) -> list[str]:
    left = len(people.ready) - sent.mailed
    return [
        f"{sent.mailed:,} mailed, {left:,} to be mailed"
        if not only_plan
        else f"{left:,} to be mailed",
        f"{people.mailed:,} were mailed before, {people.with_account:,} have an account",
        *(f"NOT MAILED {one_line(user_id)}: the mail server refused" for user_id in sent.failed),
        *(
            f"UNSURE {one_line(user_id)}: a run ended while it was mailed"
            for user_id in people.unsure
        ),
        *_conflict_lines(people),
    ]


def _conflict_lines(people: People) -> list[str]:
    """Return a line for each e-mail and profile that an operator has to decide about."""
    return [
        *(
            f"{one_line(email)}: {', '.join(map(one_line, ids))}"
            for email, ids in people.disputed.items()
        ),
        *(f"{one_line(user_id)}: its e-mail is not an address" for user_id in people.unusable),
        *(
            f"{one_line(user_id)}: its e-mail is not of its school"
            for user_id in people.of_no_domain
        ),
    ]


async def run_in_database(app: App, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` in a database in which Outgrow is installed, or will be."""
    async with connected(app.settings, pool_size=2) as database:
        await install(database, app.settings.store)
        return await work(database)


async def _with_accounts(app: App, work: Callable[[Accounts, Database], Awaitable[T]]) -> T:
    async def work_with_accounts(database: Database) -> T:
        accounts = Accounts(database, Passwords())
        try:
            return await work(accounts, database)
        finally:
            accounts.close()

    return await run_in_database(app, work_with_accounts)
