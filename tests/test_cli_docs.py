"""docs/cli.md is what `--help` says. `pytest tests/test_cli_docs.py --golden` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from outgrow.cli.main import cli

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"
WIDTH = 90

HEAD = """\
# Command line

This page is written from `--help`. Data goes to stdout, notes and progress to stderr. Exit codes:
0 done, 1 failed, 2 used wrongly, 3 refused or not ready, 130 after Ctrl-C, 143 after SIGTERM. With
`--json` an answer is one JSON document, and so is an error ([errors.md](errors.md)). For the
environment see [running.md](running.md).
"""


def commands(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[click.Context]:
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    yield context
    if isinstance(command, click.Group):
        for inner_name in command.list_commands(context):
            inner = command.get_command(context, inner_name)
            assert inner is not None
            yield from commands(inner, inner_name, context)


def page() -> str:
    sections = [
        f"## {context.command_path}\n\n```text\n{context.get_help()}\n```\n"
        for context in commands(cli, "outgrow")
    ]
    return "\n".join([HEAD, *sections])


def test_the_page_is_current(pytestconfig: pytest.Config) -> None:
    if pytestconfig.option.golden:
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_command_and_option_says_what_it_is_for() -> None:
    for context in commands(cli, "outgrow"):
        assert context.command.help, context.command_path


def test_commands_that_answer_do_so_in_json_too() -> None:
    """`--json` is left out where output is JSON anyway, or there is nothing to answer."""
    without = {
        context.command_path
        for context in commands(cli, "outgrow")
        if not isinstance(context.command, click.Group) and "--json" not in context.get_help()
    }
    assert without == {
        "outgrow kv create",
        "outgrow kv export",
        "outgrow kv set",
        "outgrow serve",
    }
