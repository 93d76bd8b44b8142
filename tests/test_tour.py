"""The tours in the documents, followed word by word.

`pytest tests/test_tour.py --golden` writes what they print into the pages.
"""

from __future__ import annotations

import shutil
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from console import Block, Terminal, blocks, fits, rewritten

ROOT = Path(__file__).parent.parent
PAGES = [
    page
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
    if "```console" in page.read_text(encoding="utf-8")
]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A directory in which `make` finds everything installed: this Python's programs."""
    clone = tmp_path / "outgrow"
    (clone / ".venv").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, clone)
    (clone / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (clone / ".venv" / "pyvenv.cfg").touch()
    (clone / ".venv" / ".installed").touch()
    return clone


@pytest.mark.skipif(not shutil.which("make"), reason="NO make")
@pytest.mark.skipif(not shutil.which("curl"), reason="NO curl")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_tells_to_type_prints_what_it_says(
    page: Path, clone: Path, pytestconfig: pytest.Config
) -> None:
    home, port = clone.parent / "home", str(free_port())
    env = {"OUTGROW_HOME": str(home), "PORT": port, "TMPDIR": str(clone.parent)}
    names = {
        "127.0.0.1:8000": f"127.0.0.1:{port}",
        "~/.local/share/outgrow": str(home),
        "~/outgrow": str(clone),
    }
    text = page.read_text(encoding="utf-8")
    with Terminal(clone, env, names) as terminal:
        seen = [(block, terminal.run_block(block)) for block in blocks(text)]
    assert terminal.ended_well()
    if pytestconfig.option.golden:
        page.write_text(rewritten(text, (_current(*pair) for pair in seen)), encoding="utf-8")
        return
    for block, actual in seen:
        for command, printed in zip(block.commands, actual.commands, strict=True):
            assert fits(command.expected, printed.expected), (
                f"$ {command.text}\n\nthe page says:\n{command.expected}\n\n"
                f"but it prints:\n{printed.expected}"
            )


def _current(block: Block, printed: Block) -> Block:
    """What the page said where that still fits, and what was printed where not."""
    commands = (
        old if fits(old.expected, new.expected) else new
        for old, new in zip(block.commands, printed.commands, strict=True)
    )
    return replace(block, commands=tuple(commands))


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a", "a\nb", False),
        ("a\n...", "a\nb\nc", True),
        ("a\n...\nc", "a\nb\nb\nc", True),
        ("a\n...\nc", "a\nb", False),
        ("a", "a\nload: 3 keys of 9 (33 %), 1/s, 2.0 s left", True),
        ("took 1.5 s", "took 23 s", True),
        ("took 1.5 s", "took 23 ms", False),
        ("a.c", "abc", False),
    ],
)
def test_what_counts_as_the_same(expected: str, actual: str, same: bool) -> None:
    assert fits(expected, actual) is same
