"""One concept has one name: those that were given up do not come back, in code, SQL or docs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "outgrow"
MIGRATIONS = SOURCE / "schema" / "migrations"  # they have the names of their time, and rename them

GIVEN_UP = {
    *("catalogue", "leftover", "leftovers", "lift", "lifted", "lifting", "news", "probe", "probes"),
    *("stray", "strays", "unfollow", "upkeep", "visit", "visits"),
}
"""Parts of names."""
CLASSES = {"Ask", "Call", "Cut", "Network", "Reply", "Work"}
MODULES = {"between", "house", "lines", "mistakes", "words"}
LOOSE = {
    *("at", "cut", "following", "found", "keep", "look", "missed", "one", "own", "place", "said"),
    *("take", "there", "told"),
}
"""Names of variables, functions and attributes that say nothing of what they hold."""
KEPT = {
    "src/outgrow/campus/background.py": {"at"},
    "tests/keyspaces/trades.py": {"at"},
    "tests/test_benchmarks.py": {"missed"},
    "tests/test_golden.py": {"place"},
    "tests/test_late_lists.py": {"said"},
    "tests/test_late_lists_commands.py": {"found"},
    "tests/test_search.py": {"missed"},
}
"""Fields of the log and of documents, attributes of the benchmarks, and names that may still go."""

SQL_NAMES = re.compile(
    r"\b(leftovers?|lift(ed|s)?|probes?|\w+_probe|strays?|unfollow(ed)?|visits?"
    r"|[a-z]+_at(?=\())\b"
)
TOLD = {
    "phase `found",
    "`found`",
    "lifts",
    "strays",
    "leftovers",
    "visits",
    "probe",
    "OUTGROW_LINES",
}
OLD_NAMES = {
    "src/outgrow/queries/grow.sql": {"leftovers", "lifts"},
    "docs/decisions/0029-names.md": TOLD,
    "CHANGELOG.md": TOLD,
}
"""Where old databases are read, and where people are told what was called otherwise."""
DOCUMENTED = re.compile(
    r"phase `?found\b|`found`|\blift(s|ed|ing)?\b|\bstrays?\b|\bleftovers?\b|OUTGROW_LINES"
    r"|\b(users|connections|messages|chats|intros)_at\b|\bprobes?\b|\bvisits\b|\bcatalogues?\b"
    r"|\bunfollow(s|ed)?\b",
    re.IGNORECASE,
)


def code(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def names(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every name that a file uses, in f-strings too, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name, line
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, line
            case ast.ClassDef(name=name):
                yield name, line
            case ast.alias(name=name, asname=other):
                yield from ((part, line) for part in name.split("."))
                if other:
                    yield other, line
            case ast.keyword(arg=str(name)):
                yield name, line


def parts(name: str) -> set[str]:
    """Split `is_lifted` and `LiftedTable` into lower-case words."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def matches_in(path: Path, pattern: re.Pattern[str]) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    file = str(path.relative_to(ROOT))
    return [
        f"{file}:{number}: {match[0]}"
        for number, line in enumerate(lines, 1)
        for match in pattern.finditer(line)
        if match[0] not in OLD_NAMES.get(file, ())
    ]


@pytest.mark.parametrize("folder", ["benchmarks", "examples", "src/outgrow", "tests"])
def test_no_name_has_a_word_that_was_given_up(folder: str) -> None:
    paths = [path for path in code(ROOT / folder) if path != Path(__file__)]
    assert [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in paths
        for name, line in names(path)
        if parts(name) & GIVEN_UP
    ] == []
    stems = [path.stem for path in paths]
    assert [stem for stem in stems if stem in MODULES or parts(stem) & GIVEN_UP] == []


def test_no_class_is_named_by_a_verb() -> None:
    assert [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for folder in ("src/outgrow", "tests")
        for path in code(ROOT / folder)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name in CLASSES
    ] == []


@pytest.mark.parametrize("folder", ["src/outgrow", "tests"])
def test_a_name_says_what_it_holds(folder: str) -> None:
    assert [
        f"{file}:{line}: {name}"
        for path in code(ROOT / folder)
        for file in [str(path.relative_to(ROOT))]
        for name, line in names(path)
        if name in LOOSE and name not in KEPT.get(file, ())
    ] == []


def test_no_name_in_sql_was_given_up() -> None:
    paths = [path for path in SOURCE.rglob("*.sql") if MIGRATIONS not in path.parents]
    paths += [path for path in (ROOT / "tests" / "golden").rglob("*") if path.is_file()]
    assert [text for path in paths for text in matches_in(path, SQL_NAMES)] == []


def test_no_documented_term_was_given_up() -> None:
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert [text for path in paths for text in matches_in(path, DOCUMENTED)] == []
