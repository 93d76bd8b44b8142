"""Tables of a store that was dropped: perhaps the only copy of what was in it.

Whatever finds no triggers that keep its tables would make them anew from the store. Where the store
that they were made of is gone, that would drop what nobody else has: it is refused, until somebody
says that it may go.
"""

from __future__ import annotations

from outgrow import layout, memory
from outgrow.blueprint import Blueprint
from outgrow.database import Database, Session, Statements
from outgrow.errors import Refused
from outgrow.named import hold
from outgrow.queries import load, quote


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


async def refuse(session: Session, name: str, store: str, now: str | None = None) -> None:
    """Raise Refused (store_dropped) where there are such tables, unless the table `now`, which has
    come in the store's place, is a copy of it: it holds half as many keys at least."""
    found = await tables(session, name)
    if not found:
        return
    keys = _keys(found)
    if now is not None:
        await hold(session, now)
        query = load("orphans")["some"].with_identifiers(table=now)
        if keys and await session.value(query, (keys + 1) // 2) == (keys + 1) // 2:
            return
    schema = quote(f"{name}_tables")
    raise Refused(
        "store_dropped",
        f"the table that Outgrow knew as {store} is gone, and its tables are still there: perhaps "
        "the only copy of what was in it",
        detail="\n".join(f"{table}: {rows:,} rows" for table, rows in found.items()),
        hint=f"keep a copy (pg_dump -n '{schema}'), restore the store, and take the tables away: "
        "outgrow grow --to found --delete-only-copies",
    )


def _keys(found: dict[str, int]) -> int:
    """Of how many keys the largest of these tables is made. Lists have a table of their keys."""
    return max(rows for table, rows in found.items() if f"{table}_lists" not in found)


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
        schema = layout.shadow.schema(blueprint)
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
