"""The installation of schemas, shared functions, relations and the network's own tables.

Everything happens in one transaction under an advisory lock: two servers that start at the same
time do not meet halfway, and readers see the relations either before or after. It can be run again
at any time; where nothing changed it only reads.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence

import asyncpg

from outgrow import layout
from outgrow.blueprint import Backing, Blueprint, campus
from outgrow.db import stores
from outgrow.db.pool import Database, Session, find_hidden_rows
from outgrow.errors import Refused
from outgrow.queries import Query, load, quote
from outgrow.schema import definitions, late_lists, memory, migrate
from outgrow.schema.memory import split
from outgrow.schema.migrate import Migration
from outgrow.schema.owner import act_as_owner, settle
from outgrow.schema.uninstall import refuse_all_orphans, refuse_orphans
from outgrow.settings import DEFAULT_STORE

log = logging.getLogger("outgrow.schema.install")


async def install(
    database: Database, store: str = DEFAULT_STORE, blueprint: Blueprint | None = None
) -> None:
    """Make or renew the relations of `blueprint` (the campus unless given) over the table `store`.

    Takes no lock on the store beyond ACCESS SHARE. Relations that change are locked against reading
    for an instant; where a session reads one for long, it gives way after half a second and tries
    again. Raises Refused when the store is missing, is no key-value table or cannot be written, or
    when the blueprint already lies over another store; Busy when it had to give way every time.
    """
    blueprint = blueprint or campus()

    async def work(session: Session) -> None:
        await _install(session, blueprint, store)

    await database.transaction(work)


async def is_installed(
    session: Session, store: str, blueprint: Blueprint, *, closely: bool = True
) -> bool:
    """Return whether `install` would find nothing to do. Only reads; raises Refused as `install`
    does. With `closely` it also compares each view and function with how it was made, which waits
    for a session that holds ACCESS EXCLUSIVE on the store."""
    await _check_store(session, store)
    return await _is_current(session, store, blueprint, closely)


async def _check_store(session: Session, store: str) -> str | None:
    """Check the database itself, then `read_store`."""
    if await session.value(load("outgrow")["encoding"]) != "UTF8":
        raise Refused(
            "not_utf8",
            "the database is not encoded in UTF8",
            detail="JSON and search hold texts that other encodings do not have",
            hint="use a database made with ENCODING 'UTF8'",
        )
    return await read_store(session, *split(store))


async def _is_current(
    session: Session, store: str, blueprint: Blueprint, closely: bool = True
) -> bool:
    sql = load("outgrow")
    schema, table = split(store)
    oid = await session.value(sql["table_oid"], schema, table)
    pending = await migrate.pending(session, migrate.schemas(blueprint))
    known = None
    if not pending or await session.value(sql["layouts_exist"]):
        known = await session.row(sql["layout"], blueprint.name)
    if known is None:
        await _check_schemas(session, blueprint)
        return False
    await _check_other(session, known, f"{schema}.{table}", oid, blueprint)
    if known["store_oid"] not in (None, oid):
        copy = f"{schema}.{table}", blueprint
        await refuse_orphans(session, blueprint.name, known["store"], copy)
    version = _version(blueprint, schema, table)
    if pending or (known["version"], known["store_oid"]) != (version, oid):
        return False
    if not blueprint.relations.keys() <= set(known["views"]):
        return False
    places = [definitions.SHARED, blueprint.name]
    return not closely or not await definitions.compare(session, blueprint, oid, places)


async def _check_other(
    session: Session, known: asyncpg.Record, store: str, oid: int, blueprint: Blueprint
) -> None:
    """Refuse another store than that of the relations, unless the latter has another name by now,
    or is gone."""
    if store == known["store"] or oid == known["store_oid"]:
        return
    sql = load("outgrow")
    now = next(r["now"] for r in await memory.layouts(session) if r["name"] == blueprint.name)
    if now is None and not await session.rows(sql["store_columns"], *split(known["store"])):
        return  # it is gone, and this one comes in its place
    raise Refused(
        "other_store",
        f"the relations of {blueprint.name!r} lie over {now or known['store']}, not over {store}",
        hint=f"set OUTGROW_STORE={now or known['store']}, or use another database",
    )


async def _install(session: Session, blueprint: Blueprint, store: str) -> None:
    sql = load("outgrow")
    schema, table = split(store)
    await session.run(load("database")["no_hurry"])
    await session.run(sql["lock"])
    await settle(session, schema, table, blueprint)
    await act_as_owner(session, schema, table, local=True)
    collation = await _check_store(session, store)
    is_current = await _is_current(session, store, blueprint)
    await memory.check_meant(session, f"{schema}.{table}", blueprint)
    await refuse_hidden_rows(session, schema, table)
    if is_current:
        return
    await _check_users(session, blueprint)
    await session.run(sql["patience"])
    pending = await migrate.pending(session, migrate.schemas(blueprint))
    await migrate.apply(session, [m for m in pending if m.schema == "outgrow"])
    oid = await session.value(sql["table_oid"], schema, table)
    await _check_tables(session, blueprint, oid)
    await _remember_store(session, blueprint, f"{schema}.{table}", oid)
    trigger = f"outgrow_{blueprint.name}_changed"
    if await session.value(sql["is_synced_for_nothing"], oid, trigger, blueprint.name):
        # Every write of an old client fails by it: what it calls is gone.
        for statement in layout.mirror.sync_triggers(blueprint, (), schema, table).triggers:
            await session.run(statement)
    places = [definitions.SHARED, blueprint.name]
    async with definitions.remembering(session, blueprint, oid, places, all_gone=True):
        await session.run(sql["functions"])
        await session.run(load("lists")["functions"])
        backings = await _backings(session, blueprint)
        late = await late_lists.read(session, blueprint.name)
        writing = layout.late_lists.with_late_lists(blueprint, late.lists)
        for statement in _relations(writing, schema, table, backings, collation):
            await session.run(statement)
    await migrate.apply(session, [m for m in pending if m.schema == "network"])
    for statement in _network(blueprint):
        await session.run(statement)
    await close(session, blueprint)
    await refuse_hidden_rows(session, schema, table)  # from whoever owns the relations now
    log.info("relations of %s installed over %s.%s", blueprint.name, schema, table)


def statements(
    blueprint: Blueprint,
    schema: str,
    table: str,
    backings: Mapping[str, Backing],
    collation: str | None,
    pending: Sequence[Migration],
) -> list[Query]:
    """Return all that `install` makes, in order, without what Outgrow remembers of it; `backings`
    and `collation` as in layout.create, `pending` as in migrate.pending."""
    sql = load("outgrow")
    return [
        *(m.query for m in pending if m.schema == "outgrow"),
        *(sql["remember_layout"], sql["functions"]),
        *(load("lists")["functions"], sql["outdate"]),
        *_relations(blueprint, schema, table, backings, collation),
        *(m.query for m in pending if m.schema == "network"),
        *_network(blueprint),
        *(sql["schemas_to_close"], sql["privacy"]),
    ]


def _relations(
    blueprint: Blueprint,
    schema: str,
    table: str,
    backings: Mapping[str, Backing],
    collation: str | None,
) -> list[Query]:
    made = layout.create(blueprint, schema, table, backings, collation)
    return [layout.drop(blueprint.name), *made]


def _network(blueprint: Blueprint) -> list[Query]:
    """Return what else a campus network has."""
    if "network" not in migrate.schemas(blueprint):
        return []
    return [load("network")["functions"], load("network")["make_secret"]]


async def refuse_hidden_rows(session: Session, schema: str, table: str) -> None:
    """Raise RowsHidden where relations over the store would be short of rows."""
    if hidden := await find_hidden_rows(session, table=quote(schema, table)):
        raise hidden


async def _remember_store(session: Session, blueprint: Blueprint, store: str, oid: int) -> None:
    """Write down what the relations are made over; what is kept by a name that it had goes on."""
    sql = load("outgrow")
    layouts = await memory.layouts(session)
    known = next((row for row in layouts if row["name"] == blueprint.name), None)
    version = _version(blueprint, *split(store))
    await session.run(sql["remember_layout"], blueprint.name, store, version, oid)
    if known is None:
        return
    if known["store"] != store:
        await session.run(sql["rename_store"], known["store"], store)
    if known["now"] not in (None, known["store"]):
        # Names of indexes say which table they are on, and the next one may want these.
        places = split(known["store"]), split(known["now"])
        names = layout.renamed(blueprint, *places)
        for row in await session.rows(sql["made_on"], known["store_oid"], list(names)):
            kind, new = names[row["name"]]
            await session.run(layout.rename(kind, row["schema"], row["name"], new))


async def _check_tables(session: Session, blueprint: Blueprint, oid: int) -> None:
    """Stop reading tables that nothing keeps, or something else than what was made for it; where
    the functions that make their rows were altered, mark them to be compared."""
    tables = layout.mirror.schema(blueprint)
    findings = await definitions.compare(session, blueprint, oid, [definitions.SHARED, tables])
    if any(f.is_wrong and f.schema == tables for f in findings):
        await session.run(load("outgrow")["outdate"], blueprint.name, "{}")
    if any(f.is_wrong and f.schema == definitions.SHARED for f in findings):
        await session.run(load("definitions")["doubt"], blueprint.name, tables)


async def _backings(session: Session, blueprint: Blueprint) -> dict[str, Backing]:
    """Return where each relation's view reads. A table that another version made is not read any
    more: its relation is back in the store until a growth makes the table again."""
    sql = load("outgrow")
    versions = {name: layout.mirror.version(blueprint, name) for name in blueprint.relations}
    await session.run(sql["outdate"], blueprint.name, json.dumps(versions))
    rows = await session.rows(sql["backings"], blueprint.name)
    return {row["relation"]: "shadow" for row in rows}


async def close(session: Session, blueprint: Blueprint) -> None:
    """Take from everybody else what a hosted service may have granted on objects of ours that are
    new. For the end of a transaction that makes some."""
    schemas = ["outgrow", "network", blueprint.name, layout.mirror.schema(blueprint)]
    await session.run(load("outgrow")["schemas_to_close"], ",".join(schemas))
    await session.run(load("outgrow")["privacy"])


async def _check_users(session: Session, blueprint: Blueprint) -> None:
    """Refuse views over relations: relations are made again by dropping them first, which would
    drop the views."""
    rows = await session.rows(load("outgrow")["users_of_relations"], blueprint.name)
    if rows:
        raise Refused(
            "relations_used",
            f"views of others show the relations of {blueprint.name!r}, which must be made again",
            detail=", ".join(row["name"] for row in rows),
            hint="drop these views, run the command again, and make them again",
        )


async def _check_schemas(session: Session, blueprint: Blueprint) -> None:
    """Refuse a schema of others with the name of one of ours: `layout.drop` and the closing of
    schemas would take its views, functions and grants away."""
    rows = await session.rows(load("outgrow")["foreign_schemas"], blueprint.name)
    if rows:
        names = " and ".join(row["name"] for row in rows)
        raise Refused(
            "schema_taken",
            f"this database has a schema of its own named {names}",
            detail="Outgrow keeps what it makes under that name",
            hint="rename it: ALTER SCHEMA ... RENAME TO ...",
        )


def _version(blueprint: Blueprint, schema: str, table: str) -> str:
    """Return a digest of all that `_install` makes, the fixed SQL too."""
    fixed = load("outgrow")
    parts = [
        layout.version(blueprint, schema, table),
        migrate.version(),
        fixed["functions"].sql,
        load("lists")["functions"].sql,
        fixed["privacy"].sql,
        load("network")["functions"].sql,
        *(layout.mirror.version(blueprint, name) for name in blueprint.relations),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


async def read_store(session: Session, schema: str, table: str) -> str | None:
    """Return the collation of the store's key, quoted, or None for the database's. Raises Refused
    for a table that is no store."""
    rows = await session.rows(load("outgrow")["store_columns"], schema, table)
    columns = {row["name"]: row for row in rows}
    if not columns:
        await refuse_all_orphans(session, f"{schema}.{table}")
        raise await stores.missing(session, f"{schema}.{table}")
    fits = (
        {"key", "value"} <= columns.keys()
        and columns["key"]["type"] == "text"
        and columns["key"]["is_unique"]
        and columns["value"]["type"] == "jsonb"
        and columns["key"]["kind"] in ("r", "p")
    )
    if not fits:
        raise Refused(
            "not_a_store",
            f"{schema}.{table} is not a key-value table: it needs `key text` with a primary key "
            "and `value jsonb`",
            detail=", ".join(f"{row['name']} {row['type']}" for row in rows),
            hint=await _names_back(session, rows, quote(schema, table))
            or "set OUTGROW_STORE to the name of the key-value table",
        )
    barring = [row["name"] for row in rows if row["bars_writing"]]
    if barring:
        raise Refused(
            "store_not_writable",
            f"{schema}.{table} cannot be written with a key and a value alone",
            detail=f"NOT NULL without a default, or generated: {', '.join(barring)}",
            hint="give the column a default: ALTER TABLE ... ALTER COLUMN ... SET DEFAULT ...",
        )
    key = columns["key"]
    return str(key["collation"]) if key["is_collated"] else None


async def _names_back(session: Session, rows: list[asyncpg.Record], table: str) -> str:
    """Return what gives the columns of a store their names back, as far as can be told; "" for a
    table that relations were never made over."""
    known = [row["store_oid"] for row in await memory.layouts(session)]
    if rows[0]["oid"] not in known:
        return ""
    names = {row["name"] for row in rows}
    renames = []
    for name, sql_type in ("key", "text"), ("value", "jsonb"):
        like = [
            r["name"] for r in rows if r["type"] == sql_type and (r["is_unique"] or name != "key")
        ]
        if name not in names and len(like) == 1:
            renames.append(f"{table} RENAME COLUMN {quote(like[0])} TO {name}")
    if not renames:
        return ""
    return (
        f"give the columns their names back: ALTER TABLE {'; ALTER TABLE '.join(renames)}. "
        "To have it otherwise, go back first (`outgrow grow --to initial`)"
    )
