"""The removal of all that Outgrow made in a database, and of tables whose store was dropped. Never
touches a row of the store.

What a growth made is removed by `grow --to initial`, which can do that under a store in use; here
the schemas are dropped. Nothing of others goes with them, and no record that exists only here
unless the caller says so.

Tables whose store is gone are perhaps the only copy of what was in it. A growth that finds no
triggers would make them again from the store: that is refused until the caller says that they may
go.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import asyncpg

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.named import hold
from outgrow.db.pool import Database, Session, Statements
from outgrow.errors import Refused
from outgrow.queries import load, quote
from outgrow.schema import late_lists, migrate
from outgrow.schema.memory import layouts, split
from outgrow.schema.owner import act_as_owner

PASSING = frozenset(
    f"network.{name}"
    for name in (
        *("sessions", "codes", "reset_codes", "limits", "secrets"),
        *("sign_ups", "sent_messages", "migrations", "operations"),
    )
)
"""Tables of the network whose rows mean nothing without it, and nothing to anybody later."""

KEPT = frozenset(("outgrow.quarantine", "outgrow.late_notes"))
"""Tables of schema `outgrow` whose rows are values of the store, and are not in it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be dropped: `objects` are (kind, name), `only_copies` the rows by table that exist
    only here."""

    objects: tuple[tuple[str, str], ...]
    statements: tuple[str, ...]
    only_copies: dict[str, int]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "objects": [{"kind": kind, "name": name} for kind, name in self.objects],
            "statements": self.statements,
            "only_copies": self.only_copies,
            "notes": self.notes,
        }


async def plan(database: Database) -> Plan:
    """Say what would go. Raises Refused where `uninstall` would in any case."""

    async def work(session: Session) -> Plan:
        return await _plan(session)

    return await database.transaction(work)


async def uninstall(database: Database, store: str, *, delete_only_copies: bool) -> Plan:
    """Take it away in one transaction, and return what there was.

    Locks each table of ours against everybody, and gives way after half a second. Notes about late
    lists are folded before. Raises Refused (not_remembered, not_grown_back, used_by_others,
    only_copies) and Busy.
    """
    await late_lists.fold_first(database)

    async def work(session: Session) -> Plan:
        await session.run(load("outgrow")["lock"])
        await act_as_owner(session, *split(store), local=True)
        await session.run(load("outgrow")["patience"])
        for kind, name in (await _plan(session)).objects:
            if kind == "table":
                await session.run(load("uninstall")["lock"].with_identifiers(table=name))
        planned = await _plan(session)  # again: nobody can write to the tables any more
        if planned.only_copies and not delete_only_copies:
            raise _only_copies(planned.only_copies)
        schemas = await _schemas(session)
        if schemas:
            await session.run(layout.drop_schemas(schemas))
        return planned

    return await database.transaction(work)


async def _schemas(session: Statements) -> list[str]:
    if not await session.value(load("outgrow")["layouts_exist"]):
        return []
    return [row["name"] for row in await session.rows(load("uninstall")["schemas"])]


async def _plan(session: Statements) -> Plan:
    sql = load("uninstall")
    schemas = await _schemas(session)
    if not schemas:
        await _refuse_unremembered(session)
        return Plan((), (), {})
    if await migrate.pending(session, [name for name in migrate.SCHEMAS if name in schemas]):
        raise Refused(
            "schema_older",
            "this database is of an older version of Outgrow",
            hint="bring it up to date, and run the command again: outgrow grow --to initial",
        )
    grown = [row["object"] for row in await session.rows(sql["grown"], schemas)]
    if grown:
        raise Refused(
            "not_grown_back",
            "the store has grown, and must grow back before Outgrow is taken away",
            detail="\n".join(grown[:20]),
            hint="outgrow grow --to initial (of every blueprint that is named here)",
        )
    objects = [(row["kind"], row["name"]) for row in await session.rows(sql["objects"], schemas)]
    await _refuse_others(session, schemas, objects)
    connections = await session.value(sql["connections"])
    notes = []
    if connections:
        notes.append(f"{connections} connections of Outgrow are open: stop `outgrow serve` first")
    statement = layout.drop_schemas(schemas).sql
    copies = await _count(session, objects)
    return Plan(tuple(objects), (statement,), copies, tuple(notes))


async def _refuse_unremembered(session: Statements) -> None:
    """Raise Refused (not_remembered) where schema `outgrow` alone is gone. What it knew says what
    may go without a loss; a growth makes it again."""
    if rows := await session.rows(load("uninstall")["unremembered"]):
        names = ", ".join(row["name"] for row in rows)
        raise Refused(
            "not_remembered",
            f"the schema outgrow was dropped, and what it knew of is still there: {names}",
            hint="make it again, and run the command again: outgrow grow --to initial",
        )


async def _refuse_others(
    session: Statements, schemas: list[str], objects: list[tuple[str, str]]
) -> None:
    """Raise Refused for what others put into our schemas, or made of what is there."""
    made = migrate.tables()
    rows = await session.rows(load("uninstall")["dependents"], schemas)
    others = [row["name"] for row in rows]
    kept = {f"{name}_tables" for name in schemas}
    for kind, name in objects:
        is_of_tables = name.partition(".")[0] in kept
        if kind not in ("view", "function") and name not in made and not is_of_tables:
            others.append(f"{kind} {name}")
    if others:
        raise Refused(
            "used_by_others",
            "something that Outgrow did not make would go with what it made",
            detail="\n".join(others[:20]),
            hint="drop it, or move it to a schema of your own, and run the command again",
        )


async def _count(session: Statements, objects: list[tuple[str, str]]) -> dict[str, int]:
    """Count the rows of what exists only in Outgrow's tables."""
    sql = load("uninstall")
    gone = [f"{row['name']}_tables" for row in await session.rows(sql["stores_gone"])]
    counts = {}
    for kind, name in objects:
        schema = name.partition(".")[0]
        is_kept_nowhere_else = schema == "network" and name not in PASSING
        if kind == "table" and (is_kept_nowhere_else or name in KEPT or schema in gone):
            rows = await session.value(sql["count"].with_identifiers(table=name))
            if rows:
                counts[name] = rows
    return counts


def _only_copies(copies: dict[str, int]) -> Refused:
    schemas = sorted({name.partition(".")[0] for name in copies})
    saved = " ".join("-n " + shlex.quote(quote(schema)) for schema in schemas)
    return Refused(
        "only_copies",
        "accounts, or other records that are kept nowhere else, would be lost",
        detail="\n".join(f"{name}: {rows:,} rows" for name, rows in copies.items()),
        hint=f"keep a copy (pg_dump {saved}), then: outgrow uninstall --delete-only-copies",
    )


# -- tables of a store that was dropped: perhaps the only copy of what was in it


async def count_orphans(session: Statements, name: str) -> dict[str, int]:
    """Return the rows of each table of the blueprint `name` whose store is gone, of those that have
    any. Counts them, if there are such tables."""
    if not await session.value(load("outgrow")["layouts_exist"]):
        return {}
    orphans = {}
    for row in await session.rows(load("uninstall")["orphaned_tables"], name):
        table = f"{row['schema']}.{row['name']}"
        query = load("uninstall")["count"].with_identifiers(table=table)
        if rows := await session.value(query):
            orphans[table] = rows
    return orphans


async def refuse_orphans(
    session: Session, name: str, store: str, copy: tuple[str, Blueprint] | None = None
) -> None:
    """Raise Refused (store_dropped) where there are tables whose store is gone, unless the table in
    `copy`, which has come in the store's place, has every key that they have rows of. Reads all of
    both then."""
    orphans = await count_orphans(session, name)
    if not orphans:
        return
    lost = ""
    if copy is not None:
        keys = await _not_in(session, orphans, *copy)
        if keys == []:
            return
        shown = ", ".join(map(repr, keys[:3])) if keys else ""
        lost = f"; {copy[0]} has not all of its keys" + (f", as {shown}" if shown else "")
    schema = quote(f"{name}_tables")
    raise Refused(
        "store_dropped",
        f"the table that Outgrow knew as {store} is gone, and its tables are still there: perhaps "
        f"the only copy of what was in it{lost}",
        detail="\n".join(f"{table}: {rows:,} rows" for table, rows in orphans.items()),
        hint=f"keep a copy (pg_dump -n '{schema}'), restore the store, and take the tables away: "
        "outgrow grow --to initial --delete-only-copies",
    )


async def _not_in(
    session: Session, orphans: Collection[str], store: str, blueprint: Blueprint
) -> list[str] | None:
    """Return the keys of rows in these tables that the store does not have; None where the tables
    are not those that the blueprint describes by now."""
    await hold(session, store)
    keys: set[str] = set()
    names = {table.partition(".")[2].removesuffix("_lists") for table in orphans}
    for name in names:
        if name not in blueprint.relations:
            return None
        query = layout.mirror.verify_back(blueprint, name, *split(store))
        try:
            async with session.connection.transaction():
                keys.update(await session.value(query))
        except (asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError):
            return None
    return sorted(keys)


async def refuse_all_orphans(session: Session, store: str) -> None:
    """Do the same for all blueprints that lay over `store`, which does not exist."""
    for row in await layouts(session):
        if row["now"] is None and row["store"] == store:
            await refuse_orphans(session, row["name"], store)


async def drop_orphans(database: Database, blueprint: Blueprint) -> dict[str, int]:
    """Drop such tables, with all relations, which the next growth makes again over the store. Runs
    in one transaction and returns the rows of each. Raises Refused (relations_used) where views of
    others would go, too."""

    async def work(session: Session) -> dict[str, int]:
        sql = load("uninstall")
        await layouts(session)  # refuses strangers
        await session.run(load("outgrow")["lock"])
        orphans = await count_orphans(session, blueprint.name)
        if not orphans:
            return {}
        await migrate.apply(session, await migrate.pending(session, ["outgrow"]))
        schema = layout.mirror.schema(blueprint)
        for name in (blueprint.name, schema):
            if used := await session.rows(load("outgrow")["users_of_relations"], name):
                others = [
                    row["name"] for row in used if not row["name"].startswith(f"{blueprint.name}.")
                ]
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
        for block in (
            *("forget_definitions", "forget_tables", "forget_late_lists"),
            *("end_growths", "begin_again"),
        ):
            await session.run(sql[block], blueprint.name)
        return orphans

    return await database.transaction(work)
