"""Tables of a store that was dropped: perhaps the only copy of what was in it.

Whatever finds no triggers that keep its tables would make them anew from the store. Where the store
that they were made of is gone, that would drop what nobody else has: it is refused, until somebody
says that it may go.
"""

from __future__ import annotations

from collections.abc import Collection

import asyncpg

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.named import hold
from outgrow.db.pool import Database, Session, Statements
from outgrow.errors import Refused
from outgrow.queries import load, quote
from outgrow.schema import memory, migrate


async def tables(session: Statements, name: str) -> dict[str, int]:
    """Return the rows of each table of the blueprint `name` whose store is gone, of those that have
    any. Counts them, if there are such tables."""
    if not await session.value(load("outgrow")["layouts_exist"]):
        return {}
    found = {}
    for schema, table in await session.rows(load("orphans")["tables"], name):
        query = load("orphans")["count"].with_identifiers(table=f"{schema}.{table}")
        if rows := await session.value(query):
            found[f"{schema}.{table}"] = rows
    return found


async def refuse(
    session: Session, name: str, store: str, copy: tuple[str, Blueprint] | None = None
) -> None:
    """Raise Refused (store_dropped) where there are such tables, unless the table in `copy`, which
    has come in the store's place, has every key that they have rows of. Reads all of both then."""
    found = await tables(session, name)
    if not found:
        return
    lost = ""
    if copy is not None:
        keys = await _not_in(session, found, *copy)
        if keys == []:
            return
        shown = ", ".join(map(repr, keys[:3])) if keys else ""
        lost = f"; {copy[0]} has not all of its keys" + (f", as {shown}" if shown else "")
    schema = quote(f"{name}_tables")
    raise Refused(
        "store_dropped",
        f"the table that Outgrow knew as {store} is gone, and its tables are still there: perhaps "
        f"the only copy of what was in it{lost}",
        detail="\n".join(f"{table}: {rows:,} rows" for table, rows in found.items()),
        hint=f"keep a copy (pg_dump -n '{schema}'), restore the store, and take the tables away: "
        "outgrow grow --to initial --delete-only-copies",
    )


async def _not_in(
    session: Session, found: Collection[str], store: str, blueprint: Blueprint
) -> list[str] | None:
    """Keys of rows in these tables that the store does not have; None where the tables are not
    those that the blueprint describes by now."""
    await hold(session, store)
    keys: set[str] = set()
    names = {table.partition(".")[2].removesuffix("_lists") for table in found}
    for name in names:
        if name not in blueprint.relations:
            return None
        query = layout.mirror.verify_back(blueprint, name, *memory.split(store))
        try:
            async with session.connection.transaction():
                keys.update(await session.value(query))
        except (asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError):
            return None
    return sorted(keys)


async def refuse_all(session: Session, store: str) -> None:
    """The same for all blueprints that lay over `store`, which is not there."""
    for row in await memory.layouts(session):
        if row["now"] is None and row["store"] == store:
            await refuse(session, row["name"], store)


async def take_away(database: Database, blueprint: Blueprint) -> dict[str, int]:
    """Take such tables away, with all relations, which the next growth makes again over the store.
    In one transaction; return what there was. Raises Refused (relations_used) where views of others
    would go, too."""

    async def work(session: Session) -> dict[str, int]:
        sql = load("orphans")
        await memory.layouts(session)  # refuses strangers
        await session.run(load("outgrow")["lock"])
        found = await tables(session, blueprint.name)
        if not found:
            return {}
        await migrate.apply(session, await migrate.pending(session, ["outgrow"]))
        schema = layout.mirror.schema(blueprint)
        for name in (blueprint.name, schema):
            if used := await session.rows(load("outgrow")["users_of_relations"], name):
                others = [row[0] for row in used if not row[0].startswith(f"{blueprint.name}.")]
                if others:
                    raise Refused(
                        "relations_used",
                        f"views of others show the relations of {blueprint.name!r}",
                        detail=", ".join(others),
                        hint="drop these views, and run the command again",
                    )
        await session.run(load("outgrow")["patience"])
        await session.run(layout.drop(blueprint.name))
        await session.run(layout.drop_schemas([schema]))
        for block in ("forget_definitions", "forget_tables", "end_growths", "begin_again"):
            await session.run(sql[block], blueprint.name)
        return found

    return await database.transaction(work)
