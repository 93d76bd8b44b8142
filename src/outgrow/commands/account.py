"""`outgrow account`: accounts, as the operator makes them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from outgrow.campus import operations
from outgrow.campus.accounts import Accounts
from outgrow.campus.passwords import Passwords
from outgrow.cli import App, connected, json_option
from outgrow.database import Database
from outgrow.errors import BadInput
from outgrow.install import install

T = TypeVar("T")


@click.group()
def command() -> None:
    """Make accounts for existing profiles, and set passwords."""


def _password_option(function: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--password-stdin", is_flag=True, help="Read the password from the first line of stdin."
    )(function)


@command.command()
@click.argument("email")
@click.option("--user", "user_id", required=True, metavar="ID", help="Whose profile it is.")
@_password_option
@json_option
@click.pass_obj
def create(app: App, email: str, user_id: str, password_stdin: bool) -> None:
    """Let the owner of the profile ID sign in with EMAIL.

    It is you who vouches that they are the same person. The password is asked for.
    """
    password = _password(password_stdin)

    async def work(accounts: Accounts, database: Database) -> None:
        await accounts.create(email, password, user_id)
        await operations.record(database, "account create", user_id)

    app.run(_with_accounts(app, work))
    app.answer({"user_id": user_id, "email": email}, f"{email} signs in as {user_id}")


@command.command("set-password")
@click.argument("email")
@_password_option
@json_option
@click.pass_obj
def set_password(app: App, email: str, password_stdin: bool) -> None:
    """Give the account EMAIL a new password, and end all of its sessions."""
    password = _password(password_stdin)

    async def work(accounts: Accounts, database: Database) -> str:
        user_id = await accounts.set_password(email, password)
        await operations.record(database, "account set-password", user_id)
        return user_id

    user_id = app.run(_with_accounts(app, work))
    app.answer({"user_id": user_id, "email": email}, f"{email} has a new password")


def _password(from_stdin: bool) -> str:
    """Never an argument: those are seen by everybody on the machine, and kept in histories."""
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


async def _with_accounts(app: App, work: Callable[[Accounts, Database], Awaitable[T]]) -> T:
    async with connected(app.settings, pool_size=1) as database:
        await install(database, app.settings.store)
        accounts = Accounts(database, Passwords())
        try:
            return await work(accounts, database)
        finally:
            accounts.close()
