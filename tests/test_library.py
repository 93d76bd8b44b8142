"""The library: what `import outgrow` gives, and the page about it."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import outgrow
from conftest import Connect
from growing import STORE, until
from outgrow import errors
from outgrow.blueprint import campus
from outgrow.growth.context import Step
from outgrow.growth.plan import Plan
from outgrow.settings import DEFAULT_STORE

ROOT = Path(__file__).parent.parent
LOADED = """
import sys
before = set(sys.modules)
import outgrow
{}
print(*sorted(set(sys.modules) - before))
"""
FUNCTIONS = {"connect", "plan", "grow", "verify", "inspect", "advise"}
TREE = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.OutgrowError)
}


def python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | env,
        timeout=120,
        check=False,
    )


def test_all_names_what_there_is() -> None:
    promised = {"Store", "Blueprint", *FUNCTIONS, *TREE}
    assert promised <= set(outgrow.__all__)
    assert outgrow.__all__ == sorted(set(outgrow.__all__), key=_as_ruff_sorts)
    for name in outgrow.__all__:
        assert getattr(outgrow, name) is not None
    assert set(outgrow.__all__) <= set(dir(outgrow))
    with pytest.raises(AttributeError, match="no attribute 'shrink'"):
        _ = outgrow.shrink


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_types_are_read_from_where_the_names_are() -> None:
    """A type checker reads one list of imports, Python another."""
    tree = ast.parse((ROOT / "src" / "outgrow" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    read = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert read == {name: f"outgrow.{module}" for name, module in outgrow._MODULES.items()}
    assert set(read) | TREE == set(outgrow.__all__)


def test_a_name_stays_what_it_is_whatever_is_imported() -> None:
    """A module of the same name would take the place of a function."""
    for name in FUNCTIONS:
        assert not (ROOT / "src" / "outgrow" / name).exists()
        assert not (ROOT / "src" / "outgrow" / f"{name}.py").exists()


def test_importing_it_imports_next_to_nothing() -> None:
    """Counted, and not timed: all that it takes is in the standard library, and little of that."""
    modules = python(LOADED.format("")).stdout.split()
    assert [name for name in modules if name.startswith("outgrow")] == ["outgrow", "outgrow.errors"]
    assert not {"asyncio", "asyncpg", "click", "logging", "msgspec"} & set(modules)


def test_using_it_imports_no_server_and_no_command_line() -> None:
    uses = "; ".join(f"outgrow.{name}" for name in outgrow.__all__)
    modules = python(LOADED.format(uses)).stdout.split()
    assert "outgrow.library" in modules
    unwanted = {
        "argparse",
        "argon2",
        "click",
        "jinja2",
        "jwt",
        "PIL",
        "rich",
        "starlette",
        "uvicorn",
    }
    assert not unwanted & set(modules)
    assert not [name for name in modules if name.startswith(("outgrow.web", "outgrow.cli"))]


def test_it_says_that_it_has_types() -> None:
    assert (ROOT / "src" / "outgrow" / "py.typed").exists()


async def test_the_example_prints_what_the_page_says(database_url: str) -> None:
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(python|text)\n(.*?)```", page, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", "text"]
    done = await asyncio.to_thread(python, blocks[0][1], DATABASE_URL=database_url)
    assert done.stdout == blocks[1][1], done.stderr
    assert done.stderr == ""


class Steps(outgrow.Silent):
    def __init__(self) -> None:
        self.kinds: list[str] = []

    def finished(self, step: Step, seconds: float, index_bytes: int | None) -> None:
        self.kinds.append(step.kind)


async def test_it_prints_nothing_and_reads_no_environment(
    campus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "OUTGROW_STORE", "OUTGROW_BLUEPRINT", "OUTGROW_HOME", "DATABASE_URL":
        monkeypatch.setenv(name, "/nowhere")
    printed = io.StringIO()
    steps, keys = Steps(), [0]
    counted: list[tuple[int, int]] = []
    notes: list[str] = []
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        async with outgrow.connect(campus_url, pool_size=3) as database:
            store, blueprint = outgrow.Store(database, DEFAULT_STORE), campus()
            await store.mset({f"user:u{n}": {"name": f"U {n}", "school": "MIT"} for n in range(60)})
            plan: Plan = await outgrow.plan(
                store, blueprint, "hybrid", progress=lambda done, of: counted.append((done, of))
            )
            assert plan.misfits is not None
            survey = await outgrow.inspect(store)
            grown = await outgrow.grow(store, blueprint, "hybrid", watcher=steps)
            report = await outgrow.verify(
                store, blueprint, progress=lambda more: keys.append(keys[-1] + more)
            )
            advised = await outgrow.advise(store, blueprint, note=notes.append)
    assert printed.getvalue() == ""
    assert [step.kind for step, _ in grown.steps] == steps.kinds != []
    assert counted[-1][0] == counted[-1][1] > 0
    assert report.same
    assert 0 < survey.inspection.keys == report.keys["total"] < keys[-1]
    assert outgrow.Blueprint.parse(survey.blueprint()).patterns
    assert advised.situation.phase == "hybrid"
    assert notes == []


@pytest.fixture
async def raw(campus_url: str, connect: Connect) -> Any:
    return await connect(campus_url)


async def test_what_the_role_may_not_do_is_an_error_with_a_hint(campus_url: str, raw: Any) -> None:
    async with outgrow.connect(campus_url, pool_size=3) as database:
        name = await raw.fetchval("SELECT current_database()")
        await raw.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        store = outgrow.Store(database, DEFAULT_STORE)
        with pytest.raises(outgrow.OutgrowError) as caught:
            await outgrow.grow(store, campus(), "hybrid")
        assert caught.value.code == "read_only_session"
        assert caught.value.hint is not None


async def test_a_lost_connection_is_an_error_with_a_code(
    campus_url: str, raw: Any, connect: Connect
) -> None:
    other = await connect(campus_url)
    async with outgrow.connect(campus_url, pool_size=3) as database:
        store = outgrow.Store(database, DEFAULT_STORE)
        holding = raw.transaction()
        await holding.start()
        await raw.execute(f"LOCK TABLE {STORE} IN ACCESS EXCLUSIVE MODE")
        verifying = asyncio.create_task(outgrow.verify(store, campus()))

        async def ended() -> Any:
            return await other.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name = 'outgrow verify' AND wait_event_type = 'Lock'"
            )

        await until(ended, "a verify that waits for the lock")
        with pytest.raises(outgrow.Unavailable) as caught:
            await verifying
        assert caught.value.code == "connection_lost"
        await holding.rollback()
