"""The definitions of Outgrow's objects as they were made, and a search for those that changed.

PostgreSQL tells the definition of every function, view, table and trigger; the transaction that
makes the object keeps a digest of it in `outgrow.definitions`. So no change by others is ever taken
for ours, and a comparison reads nothing but the catalog.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import asyncpg

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.pool import Session
from outgrow.queries import load

SHARED = "outgrow"  # the schema of the functions that all blueprints use

What = Literal["missing", "altered", "added", "touched", "of another server"]
Made = dict[tuple[str, str], asyncpg.Record]


@dataclass(frozen=True, slots=True)
class Finding:
    """An object that is not as it was made. `touched`: its definition is the same, but it has been
    changed since, perhaps to another one and back. `of another server`: it was made on another
    version of PostgreSQL, which may write the same in other words."""

    schema: str
    object: str
    what: What
    made: str = ""
    digest: str = ""

    @property
    def is_wrong(self) -> bool:
        return self.what in ("missing", "altered", "added")

    def __str__(self) -> str:
        return f"{self.object}: {self.what}"


def everything(blueprint: Blueprint) -> list[str]:
    """Return the schemas of what is made for a blueprint."""
    return [SHARED, blueprint.name, layout.mirror.schema(blueprint)]


async def compare(
    session: Session, blueprint: Blueprint, store_oid: int | None, schemas: Collection[str]
) -> tuple[Finding, ...]:
    """Return what in the schemas `schemas` is not as it was made; () in a database of an older
    version. Waits for a session that holds ACCESS EXCLUSIVE on what views read, if `schemas` has
    their schema."""
    sql = load("definitions")
    if not await session.value(sql["exist"]):
        return ()
    rows = await session.rows(sql["remembered"], blueprint.name, list(schemas))
    remembered = {(row["schema"], row["object"]): row for row in rows}
    now = await _now(session, store_oid, schemas)
    server = await session.value(sql["server"])
    tables = layout.mirror.schema(blueprint)
    findings = [
        Finding(*key, "missing") if key not in now else _compared(row, now[key], server, tables)
        for key, row in remembered.items()
    ]
    findings += [
        Finding(*key, "added")
        for key in now
        if key not in remembered and key[1].startswith("trigger ")
    ]
    return tuple(f for f in findings if f is not None)


async def count_wrong(session: Session, blueprint: Blueprint) -> int:
    """Count the tables, and the triggers and functions that keep them, that are not as they were
    made. Reads the catalog, in some milliseconds; waits for a session that has locked the store."""
    if not await session.value(load("definitions")["exist"]):
        return 0
    known = await session.row(load("outgrow")["layout"], blueprint.name)
    oid = None if known is None else known["store_oid"]
    findings = await compare(session, blueprint, oid, [layout.mirror.schema(blueprint)])
    return sum(finding.is_wrong for finding in findings)


def _compared(was: asyncpg.Record, now: asyncpg.Record, server: int, tables: str) -> Finding | None:
    key = was["schema"], was["object"]
    if was["digest"] != now["digest"]:
        is_trigger = was["object"].startswith("trigger ")
        other = was["server"] != server and not is_trigger
        what: What = "of another server" if other else "altered"
        return Finding(*key, what, now["made"], now["digest"])
    is_kept = was["schema"] == tables and not was["object"].startswith("table ")
    if is_kept and was["made"] != now["made"]:
        return Finding(*key, "touched", now["made"], now["digest"])
    return None


async def trust(session: Session, blueprint: Blueprint, findings: Sequence[Finding]) -> None:
    """Record that the tables were compared with the store, so that it does not matter any more that
    these objects were changed and changed back."""
    columns = [[getattr(f, name) for f in findings] for name in ("object", "made", "digest")]
    schema = layout.mirror.schema(blueprint)
    await session.run(load("definitions")["trust"], blueprint.name, schema, *columns)


@asynccontextmanager
async def remembering(
    session: Session,
    blueprint: Blueprint,
    store_oid: int | None,
    schemas: Sequence[str],
    all_gone: bool = False,
) -> AsyncIterator[None]:
    """Remember what is made in the schemas `schemas` in this context, and forget what is taken away
    (with `all_gone` also what was gone before): for all of a transaction that does either."""
    sql = load("definitions")
    before = {} if all_gone else await _now(session, store_oid, schemas)
    yield
    if all_gone:
        rows = await session.rows(sql["remembered"], blueprint.name, list(schemas))
        before = {(row["schema"], row["object"]): row for row in rows}
    after = await _now(session, store_oid, schemas)
    transaction = await session.value(sql["transaction"])
    gone = [key for key in before if key not in after]
    if gone:
        await session.run(sql["forget"], blueprint.name, [p for p, _ in gone], [o for _, o in gone])
    made = [row for row in after.values() if row["made"] == transaction]
    if made:
        columns = [[row[column] for row in made] for column in ("schema", "object", "digest")]
        await session.run(sql["remember"], blueprint.name, transaction, *columns)


async def _now(session: Session, store_oid: int | None, schemas: Collection[str]) -> Made:
    sql = load("definitions")
    async with session.connection.transaction():
        path = await session.value(sql["plain_names"])
        rows = await session.rows(sql["now"], list(schemas), store_oid or 0)
        await session.run(sql["names_again"], path)
    return {(row["schema"], row["object"]): row for row in rows}
