"""Every block of SQL is a whole statement, with whichever of its optional lines, in every phase."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from importlib import resources
from typing import Any

import asyncpg
import pytest

from outgrow import queries
from outgrow.db.pool import Database
from outgrow.growth.state import PHASES
from outgrow.queries import Query, Template
from outgrow.settings import DEFAULT_STORE

FILES = sorted(
    name.removesuffix(".sql")
    for file in resources.files(queries).iterdir()
    if (name := file.name).endswith(".sql")
)
IDENTIFIERS = {
    "store": f"public.{DEFAULT_STORE}",
    "table": f"public.{DEFAULT_STORE}",
    **dict.fromkeys(("first", "second", "record"), "outgrow.migrations"),
    "mirrors": "outgrow.mirrors",
    "order": "C",
    "index": "some_index",
    "schema": "some_schema",
    "role": "some_role",
    "policy": "some_policy",
    "view": "some_view",
    "derived_lists": "public.derived_lists",
    "statements": "public.pg_stat_statements",
}


def statements(block: Query) -> Iterator[str]:
    """Yield what may be sent of a block; first what psql sends, which is all of its lines."""
    variants = [block]
    if isinstance(block, Template):
        variants = [Query(block.name, block.text)]
        for values in itertools.product((True, False), repeat=len(block.switches)):
            variants.append(block.given(**dict(zip(sorted(block.switches), values, strict=True))))
    for query in variants:
        yield query.with_identifiers(**IDENTIFIERS).sql.replace(":pid", "1")


async def parameters(connection: Any, sql: str) -> list[str]:
    """Return the types of a statement's parameters; run several statements, which have none."""
    try:
        prepared = await connection.prepare(sql)
    except asyncpg.PostgresSyntaxError as e:
        if "multiple commands" not in str(e):
            raise
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute("SET LOCAL outgrow.patience = '1s'")
            await connection.execute(sql)
        finally:
            await transaction.rollback()
        return []
    return [kind.name for kind in prepared.get_parameters()]


@pytest.mark.parametrize("phase", PHASES, indirect=True)
async def test_each_block_is_a_whole_statement(phased: Database) -> None:
    wrong = []
    await phased.run(Query("t", "CREATE EXTENSION pg_stat_statements SCHEMA public"))
    function = "FUNCTION derived_lists(text, jsonb) RETURNS TABLE (key text, element text)"
    await phased.run(Query("t", f"CREATE {function} LANGUAGE sql AS 'SELECT $1, $1'"))
    async with phased.session() as session:
        for block in itertools.chain.from_iterable(queries.load(file).values() for file in FILES):
            try:
                kinds = [await parameters(session.connection, sql) for sql in statements(block)]
            except asyncpg.PostgresError as e:
                wrong.append(f"{block.name}: {e}")
            else:
                if any(kind != kinds[0] for kind in kinds):
                    wrong.append(f"{block.name} has other parameters: {kinds}")
    assert not wrong, "\n".join(wrong)


def test_each_statement_ends_for_psql() -> None:
    for file in FILES:
        text = resources.files(queries).joinpath(f"{file}.sql").read_text("utf-8")
        for block in text.split("\n-- name: ")[1:]:
            lines = [line for line in block.splitlines() if line and not line.startswith("--")]
            assert lines[-1].endswith(";"), (file, lines[0])


def test_optional_lines() -> None:
    text = "SELECT 1\nWHERE true\n  AND 'Maths' = $1 --? major\n  AND $1::text IS NULL --! major"
    block = Template("people.page", text)
    with_it = "SELECT 1\nWHERE true\n  AND 'Maths' = $1"
    for value in ("Maths", "", 0, (), True):
        assert block.given(major=value) == Query("people.page", with_it)
    without = "SELECT 1\nWHERE true\n  AND $1::text IS NULL"
    for nothing in (None, False):
        assert block.given(major=nothing) == Query("people.page", without)
    assert block.given(major="a") is block.given(major="b")


def test_what_is_given_is_named_exactly() -> None:
    block = Template("people.page", "SELECT 1\n  WHERE true --? major")
    for names in ({}, {"year": 1}, {"major": 1, "year": 1}):
        with pytest.raises(ValueError, match=r"people\.page is given"):
            block.given(**names)
    with pytest.raises(ValueError, match="no optional lines"):
        Query("people.one", "SELECT 1").given(major=1)
    with pytest.raises(TypeError, match=r"run what given\(\) returns"):
        _ = block.sql
