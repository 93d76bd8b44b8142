"""The documents say what the code does: error codes, links, blueprints."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import sys
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from codes import raised
from outgrow import blueprint as grammar
from outgrow import layout
from outgrow.cli.main import cli
from outgrow.db.pool import Database
from outgrow.errors import OutgrowError
from outgrow.web.api.endpoint import CODES
from test_cli_docs import commands

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_ENTRY = re.compile(
    r"^### `(\w+)`\n\n(?:Exit (\d))?(?:, )?(?:HTTP (\d{3}))?\. \S[^#]*?\n\n"
    r"\*\*To do:\*\* \S[^#]*?$",
    re.MULTILINE,
)


def errors_page() -> str:
    return (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def test_every_setting_is_in_the_table_and_every_row_is_a_setting() -> None:
    source = (ROOT / "src" / "outgrow" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'"(OUTGROW_[A-Z_]+|PORT|HOST|DATABASE_URL)"', source))
    page = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"`([A-Z_]+)`", "".join(re.findall(r"^\| (`[^|]*) \|", page, re.M))))
    assert {name for name in rows if not name.startswith("PG")} == read


def kinds() -> dict[str, set[type[OutgrowError]]]:
    kinds_by_code: dict[str, set[type[OutgrowError]]] = {}
    for error in raised():
        kinds_by_code.setdefault(error.code, set()).add(error.kind)
    return kinds_by_code


def test_every_code_has_its_entry_and_every_entry_its_code() -> None:
    described = re.findall(r"^### `(\w+)`$", errors_page(), re.MULTILINE)
    assert kinds().keys() - set(described) == set(), "raised, but not in docs/errors.md"
    assert set(described) - kinds().keys() == set(), "in docs/errors.md, but never raised"
    assert len(described) == len(set(described))


def test_entries_say_the_exit_code_and_status() -> None:
    entries = _ENTRY.findall(errors_page())
    raised = kinds()
    assert {entry[0] for entry in entries} == raised.keys()
    for code, exit_code, status in entries:
        for kind in raised[code]:
            assert exit_code or status, code
            assert exit_code in ("", str(kind.exit_code)), code
            assert status in ("", str(kind.status)), code


def test_the_networks_codes_have_a_status_in_the_page() -> None:
    with_status = {code for code, _, status in _ENTRY.findall(errors_page()) if status}
    assert with_status == CODES.keys()


def test_commands_that_are_named_exist() -> None:
    """In hints of errors and in the pages: who is told what to type can type it."""
    named = [*_said_in_code(), *(page.read_text(encoding="utf-8") for page in PAGES)]
    known = {tuple(context.command_path.split()[1:]) for context in commands(cli, "outgrow")}
    groups = {path[:1] for path in known if len(path) > 1}
    for text in named:
        for names in re.findall(r"(?:^|[`/ ])outgrow ([a-z]+)(?: ([a-z][a-z-]*))?", text):
            path = names if names[:1] in groups and names[1] else names[:1]
            first = text.index("outgrow " + names[0])
            assert path in known, text[max(0, first - 60) : first + 60]


def _said_in_code() -> list[str]:
    """What the source gives as hints."""
    source = ROOT / "src" / "outgrow"
    return [
        ast.unparse(keyword.value)
        for path in sorted(source.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "hint"
    ]


def test_the_environment_is_described() -> None:
    source = (ROOT / "src" / "outgrow" / "settings.py").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    read = set(re.findall(r'"([A-Z_]{4,})"', source)) - {"DEFAULT_STORE"}
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", page, re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"[A-Z_]+", row)}
    assert described == read - {"XDG_DATA_HOME"}


def test_the_example_of_a_blueprint_is_one() -> None:
    page = (ROOT / "docs" / "blueprints.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example
    shop = grammar.parse(example[1])
    assert layout.create(shop, "public", "kv")
    assert layout.indexes(shop, "public", "kv")


def test_the_grammar_of_blueprints_is_described() -> None:
    """Every field of every table, every shape, type and kind."""
    page = (ROOT / "docs" / "blueprints.md").read_text(encoding="utf-8")
    tables: list[type[msgspec.Struct]] = [
        grammar.Pattern,
        grammar.Relation,
        grammar.Column,
        grammar.Computed,
        grammar.CardItem,
        grammar.Derived,
        grammar.Index,
    ]
    kinds = (grammar.Shape, grammar.ColumnType, grammar.JsonType, grammar.IndexKind)
    terms = {field for table in tables for field in table.__struct_encode_fields__}
    terms |= {word for kind in kinds for word in get_args(kind)}
    spans = re.findall(r"```\w+\n(.*?)```|`([^`\n]+)`", page, re.DOTALL)
    code = " ".join(block + span for block, span in spans)
    assert {word for word in terms if not re.search(rf"\b{word}\b", code)} == set()


async def test_the_example_of_the_store_runs(database_url: str) -> None:
    page = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert example
    done = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        example[1],
        env={**os.environ, "DATABASE_URL": database_url},
        stderr=asyncio.subprocess.PIPE,
    )
    _, output = await done.communicate()
    assert done.returncode == 0, output.decode()


async def test_the_statements_of_the_relations_page_run(campus: Database) -> None:
    page = (ROOT / "docs" / "relations.md").read_text(encoding="utf-8")
    examples = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    statements = [s for example in examples for s in example.split(";") if s.strip()]
    assert len(statements) > 3
    async with campus.session() as session:
        for statement in statements:
            await session.connection.prepare(statement)


async def test_the_relations_page_has_every_column(campus: Database) -> None:
    page = (ROOT / "docs" / "relations.md").read_text(encoding="utf-8")
    async with campus.session() as session:
        rows = await session.connection.fetch(
            "SELECT table_name AS relation, array_agg(column_name::text) AS columns"
            " FROM information_schema.columns WHERE table_schema = 'campus' GROUP BY 1"
        )
    for row in rows:
        match = re.search(rf"^\| `{row['relation']}` \|.*\|(.*)\|$", page, re.MULTILINE)
        assert match, row["relation"]
        described = set(re.findall(r"`(\w+)`", match[1]))
        everywhere = {
            "store_key",
            "store_value",
            *grammar.campus().relations[row["relation"]].computed,
        }
        assert described == set(row["columns"]) - everywhere
        assert all(f"`{name}`" in page for name in everywhere)


def _links() -> list[tuple[Path, str]]:
    return [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
        if not re.match(r"[a-z]+:", target)
    ]


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for source, target in _links():
        if source == page:
            path, _, anchor = target.partition("#")
            linked = (page.parent / path).resolve() if path else page
            assert linked.exists(), target
            assert not anchor or anchor in _anchors(linked), target


def test_every_page_is_linked_from_somewhere() -> None:
    linked = {(page.parent / target.partition("#")[0]).resolve() for page, target in _links()}
    assert {page for page in PAGES if page.name != "README.md"} - linked == set()


def test_nothing_in_the_pages_is_unfinished() -> None:
    for page in PAGES:
        assert not re.search(r"TODO|FIXME|TBD|XXX", page.read_text(encoding="utf-8")), page
