"""ARCHITECTURE.md is true: its arrows are the imports, and every file has its sentence."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "outgrow"
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
MODULES = sorted(SOURCE.rglob("*.py"))

PURE = {"advice", "blueprint", "latencies", "layout", "trends"}
PURE_IMPORTS = {
    "__future__",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",  # to reckon with times: nobody asks what time it is
    "functools",
    "hashlib",
    "importlib",  # the packaged campus blueprint and nothing else: campus()
    "math",
    "msgspec",
    "re",
    "typing",
}
ONLY_IN = {
    "starlette": {"web"},
    "uvicorn": {"web"},
    "jwt": {"web"},
    "prometheus_client": {"web"},
    "click": {"cli"},
    "argon2": {"campus"},
    "subprocess": {"db"},
}
"""Packages that one part is there to hide from the others."""

LONG_FILES = {
    "tests/test_store.py": "one subject, the store's contract, held against one model",
}
LONGEST = 500

SQL = re.compile(
    r"\s*(SELECT|INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|TRUNCATE|WITH\s+\w+\s+AS|LOCK\s+TABLE|"
    r"SET\s+LOCAL|(CREATE|ALTER|DROP)\s+(OR\s+REPLACE\s+)?"
    r"(TABLE|VIEW|INDEX|FUNCTION|TRIGGER|SCHEMA|DATABASE|EXTENSION))\b"
)
SQL_ELSEWHERE: dict[str, str] = {}


def arrows() -> dict[str, set[str]]:
    """The table of ARCHITECTURE.md."""
    block = re.search(r"```arrows\n(.*?)```", PAGE, re.DOTALL)
    assert block, "ARCHITECTURE.md has its table of arrows"
    lines = (line.partition("->") for line in block[1].splitlines())
    return {part.strip(): set(targets.split()) for part, _, targets in lines}


def part_of(module: str) -> str:
    """`outgrow.web.app` -> `web`."""
    return [*module.split("."), ""][1]


def name_of(path: Path) -> str:
    return ".".join(("outgrow", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(
        ".__init__"
    )


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it; `from outgrow import x` is `outgrow.x`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{path} has a relative import"
            assert node.level == 0, f"{path} has a relative import"
            if node.module == "outgrow":
                yield from (f"outgrow.{alias.name}" for alias in node.names)
            else:
                yield node.module


def used_arrows() -> dict[str, set[str]]:
    arrows: dict[str, set[str]] = {}
    for path in MODULES:
        part = part_of(name_of(path))
        if part in ("", "__main__"):
            continue
        targets = arrows.setdefault(part, set())
        for module in imports(path):
            if not module.startswith("outgrow."):
                continue
            if part_of(module) not in (part, "__version__"):
                targets.add(part_of(module))
    return arrows


def test_imports_are_the_arrows() -> None:
    table = arrows()
    for part, targets in used_arrows().items():
        assert targets == table.get(part), f"imports of {part}, and its arrows in ARCHITECTURE.md"
    assert table.keys() == used_arrows().keys()


ROOMS = {"http": set[str](), "services": {"http"}, "api": {"http", "services"}}
ROOMS |= {"html": {"http", "services"}, "app": {"api", "html", "http", "services"}}
ROOMS |= {"server": {"api", "app", "http", "services"}}


def test_rooms_of_the_web_are_one_behind_the_other() -> None:
    arrows: dict[str, set[str]] = {}
    for path in (SOURCE / "web").rglob("*.py"):
        room = name_of(path).removeprefix("outgrow.web").strip(".").partition(".")[0]
        if not room:
            continue
        modules = [module for module in imports(path) if module.startswith("outgrow.web.")]
        used = {module.split(".")[2] for module in modules}
        arrows.setdefault(room, set()).update(used - {room})
    assert arrows == ROOMS


CAMPUS = {"people": set[str](), "safety": {"people"}}
CAMPUS |= {"accounts": {"people", "safety"}, "messaging": {"accounts", "people"}}


def test_rooms_of_the_campus_are_one_behind_the_other() -> None:
    """And what is in none of them uses at most how addresses and sessions are made."""
    arrows: dict[str, set[str]] = {room: set() for room in CAMPUS}
    for path in (SOURCE / "campus").rglob("*.py"):
        room = path.relative_to(SOURCE / "campus").with_suffix("").parts[0]
        if room in CAMPUS:
            modules = [m for m in imports(path) if m.startswith("outgrow.campus.")]
            arrows[room] |= {m.split(".")[2] for m in modules} & CAMPUS.keys() - {room}
    assert arrows == CAMPUS


def test_arrows_go_one_way() -> None:
    """Each part's arrows lead to parts above it in the table."""
    seen: set[str] = set()
    for part, targets in arrows().items():
        assert targets <= seen, f"{part} -> {targets - seen} leads downwards"
        seen.add(part)


def test_leaves_and_tops() -> None:
    table = arrows()
    assert table["errors"] == table["queries"] == set()
    assert not any("cli" in targets for targets in table.values())
    assert "web" not in table["campus"]


@pytest.mark.parametrize("path", [p for p in MODULES if part_of(name_of(p)) in PURE], ids=name_of)
def test_what_is_pure_does_no_io(path: Path) -> None:
    outside = {module.split(".")[0] for module in imports(path)} - {"outgrow"}
    assert outside <= PURE_IMPORTS
    called = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "exec", "eval"}


def test_packages_stay_where_they_belong() -> None:
    misplaced = {
        f"{path.relative_to(SOURCE)} imports {module}"
        for path in MODULES
        for module in imports(path)
        if part_of(name_of(path)) not in ONLY_IN.get(module.split(".")[0], {part_of(name_of(path))})
    }
    assert not misplaced


def test_dependencies_are_declared() -> None:
    """What src imports is the standard library, ourselves, or in pyproject.toml."""
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    names = {
        "jwt": "pyjwt",
        "argon2": "argon2-cffi",
        "prometheus_client": "prometheus-client",
        "email_validator": "email-validator",
        "confusable_homoglyphs": "confusable-homoglyphs",
    }
    used = {module.split(".")[0] for path in MODULES for module in imports(path)}
    for package in used - set(sys.stdlib_module_names) - {"outgrow"}:
        assert f'"{names.get(package, package)}>=' in declared, f"{package} is not declared"


def test_every_folder_has_its_sentence_and_every_sentence_its_folder() -> None:
    described = re.findall(r"^- `([a-z_/]+)/`: \S(?:.|\n  )*\.$", PAGE, re.MULTILINE)
    folders = {
        str(path.parent.relative_to(SOURCE))
        for path in SOURCE.rglob("*")
        if path.is_file() and path.parent != SOURCE and "__pycache__" not in path.parts
    }
    # A folder that holds folders only is no place for anything.
    folders -= {"web"}
    assert set(described) - folders == set(), "gone, but still in ARCHITECTURE.md"
    assert folders - set(described) == set(), "without a sentence in ARCHITECTURE.md"
    assert len(described) == len(set(described))


@pytest.mark.parametrize(
    "path",
    [p for p in SOURCE.rglob("*") if p.suffix in (".py", ".sql")],
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_every_file_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        assert not text or ast.get_docstring(ast.parse(text)), "no docstring"
    else:
        assert text.startswith(("-- ", "/*")), "no comment at its beginning"


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Texts of the code with their lines; docstrings and others that stand alone are left out."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in alone:
                yield node.lineno, text


def test_sql_is_in_its_two_homes() -> None:
    misplaced = {
        f"{path.relative_to(SOURCE)}:{line}"
        for path in MODULES
        if SOURCE / "layout" not in path.parents and path.name not in SQL_ELSEWHERE
        for line, text in _texts(ast.parse(path.read_text(encoding="utf-8")))
        if SQL.match(text)
    }
    assert not misplaced


@pytest.mark.parametrize(
    "text", ["SELECT 1", "\n  UPDATE a SET b = 1", "CREATE INDEX x", "WITH a AS"]
)
def test_sql_is_recognized(text: str) -> None:
    tree = ast.parse(f"x = f({text!r})")
    assert [line for line, statement in _texts(tree) if SQL.match(statement)] == [1]


def test_files_are_short_or_listed_with_a_reason() -> None:
    files = [*(ROOT / "src").rglob("*"), *(ROOT / "tests").glob("*.py")]
    long = {
        str(path.relative_to(ROOT))
        for path in files
        if path.suffix in (".py", ".sql", ".toml")
        and len(path.read_text(encoding="utf-8").splitlines()) > LONGEST
    }
    assert long == set(LONG_FILES), "split it, or list it with its reason; take short ones out"
