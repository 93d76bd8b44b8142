"""The command `outgrow`: imports a command's module, and turns errors into text and exit codes.

Exit codes: 0 done, 1 failed, 2 used wrongly, 3 refused or not ready; 130 after Ctrl-C, 143 after
SIGTERM. Data goes to stdout, everything else to stderr; with a command's `--json` its answer is one
JSON document on stdout, and a failure is `{"error": {code, message, detail, hint}}` there.

A command's module looks like this::

    @click.command()
    @json_option
    @click.pass_obj
    def command(app: App) -> None:
        \"\"\"One line of help.\"\"\"
        app.run(work(app))

    async def work(app: App) -> None:
        async with connected(app.settings) as database:
            app.answer({"size": ...}, "text for people")
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import cached_property
from typing import Any, NoReturn, TypeVar

import click

from outgrow import __version__, signals
from outgrow.blueprint import Blueprint, campus, parse
from outgrow.connection import OF_THE_DATABASE, failure
from outgrow.errors import BadInput, OutgrowError
from outgrow.events import note
from outgrow.settings import Settings
from outgrow.terminal import one_line, printable

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class App:
    """The settings, and how the caller wants answers: what every command gets."""

    def __init__(self) -> None:
        self.json = False

    @cached_property
    def settings(self) -> Settings:
        return Settings.from_environment()

    @cached_property
    def blueprint(self) -> Blueprint:
        """The blueprint that OUTGROW_BLUEPRINT names, else the campus's. Raises BadInput."""
        file = self.settings.blueprint
        if file is None or (file.name == "campus" and not file.exists()):
            return campus()
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            raise BadInput(
                "no_blueprint",
                f"OUTGROW_BLUEPRINT cannot be read: {file}",
                detail=str(e),
                hint="set it to the path of a blueprint's TOML file, or unset it for a campus",
            ) from e
        return parse(text)

    def run(self, work: Coroutine[Any, Any, T], *, last_words: str = "") -> T:
        """Run `work`, which ends within a second of Ctrl-C; see `outgrow.signals`."""
        return signals.run(work, last_words=last_words)

    def answer(self, data: Any, text: str | None = None, *, styled: bool = False) -> None:
        """Print `data` as JSON with `--json`, else `text`. Its control characters are escaped,
        unless it is `styled`: then the caller has escaped them."""
        if self.json:
            click.echo(printable(json.dumps(data, ensure_ascii=False, default=str)))
        elif text is not None:
            click.echo(text if styled else printable(text))


def json_option(function: F) -> F:
    """Add the option `--json`, which sets `app.json`."""

    def set_json(context: click.Context, _: click.Parameter, value: bool) -> None:
        context.find_object(App).json = value  # type: ignore[union-attr]

    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=set_json,
        is_eager=True,
        help="Answer with JSON.",
    )(function)


_MODULES = {
    "account": "account",
    "advise": "advise",
    "fold": "fold",
    "generate": "generate",
    "grow": "grow",
    "inspect": "inspect",
    "kv": "kv",
    "pause": "grow",
    "reports": "admin",
    "resume": "grow",
    "rollback": "grow",
    "school": "admin",
    "serve": "serve",
    "status": "status",
    "switch": "grow",
    "uninstall": "status",
    "verify": "status",
}
"""The module of `outgrow.cli` that has the command, as a function of its name."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"outgrow.cli.{_MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="outgrow")
def cli() -> None:
    """A campus network that starts on a key-value table and grows out of it, live.

    Environment: OUTGROW_HOME (data directory), DATABASE_URL or PG* (a PostgreSQL of your own
    instead of the embedded one), OUTGROW_STORE (the store's name),
    OUTGROW_BLUEPRINT (what another app keeps in it), PORT, HOST.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line, and exit with its code."""
    app = App()
    signals.install()
    try:
        code = cli.main(arguments, prog_name="outgrow", obj=app, standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as e:
        # The error may have come before click has reached `--json`.
        if "--json" in (sys.argv[1:] if arguments is None else arguments):
            _report(_usage_error(e), as_json=True)
        else:
            e.show()
        sys.exit(e.exit_code)
    except OutgrowError as e:
        _report(e, app.json)
        sys.exit(e.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`). Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OF_THE_DATABASE as e:
        failed = failure(e)
        _report(failed, app.json)
        sys.exit(failed.exit_code)
    except (KeyboardInterrupt, click.Abort):
        note("interrupted")
        sys.exit(130)


def _usage_error(error: click.ClickException) -> OutgrowError:
    """Return click's error as one of ours."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"see {context.command_path} --help" if context else None
    return BadInput("usage", error.format_message(), hint=hint)


def _report(error: OutgrowError, as_json: bool) -> None:
    """Print an error: as JSON on stdout, or as text on stderr."""
    if as_json:
        click.echo(printable(json.dumps({"error": error.as_dict()}, ensure_ascii=False)))
        return
    detail = (error.detail or "").strip()
    if "\n" in detail:
        note(f"error: {one_line(error.message)}")
        note("\n".join(f"  {line}" for line in detail.splitlines()))
    else:
        note(f"error: {one_line(error.message)}" + (f" ({detail})" if detail else ""))
    if error.hint:
        note(f"hint: {one_line(error.hint)}")
