"""The record of which blueprint lies over which table, whatever the table's name is now.

So a store that was renamed, moved to another schema or put in another's place is found, and a
blueprint that is not meant for a store is refused before it does anything to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from outgrow.blueprint import Blueprint, campus
from outgrow.db.named import hold, refuse_strangers
from outgrow.db.pool import Session, Statements
from outgrow.errors import Refused
from outgrow.queries import load
from outgrow.schema import migrate

LEAST_CLAIMED = 0.5
"""The share of a store's keys that the campus must claim, if nobody has said that it is one."""

SAMPLED_BLOCKS = 500


@dataclass(frozen=True, slots=True)
class Located:
    """The table that a store's name means: its name with its schema, and a notice of what happened
    to it, or ""."""

    store: str
    notice: str = ""


def split(store: str) -> tuple[str, str]:
    """Split `OUTGROW_STORE` into schema and table."""
    schema, _, table = store.rpartition(".")
    return schema or "public", table


async def layouts(session: Statements) -> list[asyncpg.Record]:
    """Return name, store, store_oid, `now` (what the store is called) and phase of all blueprints.
    Raises Refused as `refuse_strangers`."""
    sql = load("outgrow")
    await refuse_strangers(session)
    if not await session.value(sql["layouts_exist"]):
        return []
    return await session.rows(sql["layouts"])


async def locate(session: Statements, store: str, blueprint: Blueprint) -> Located:
    """Return the table that is meant by `store`: of that name, or the one that had it when the
    relations were made. Raises Refused where there is neither, but the relations lie over another
    one, and as `migrate.pending` does."""
    name = ".".join(split(store))
    await refuse_strangers(session)
    await migrate.pending(session, migrate.schemas(blueprint))
    known = next((r for r in await layouts(session) if r["name"] == blueprint.name), None)
    if known is None or known["store_oid"] is None:
        return Located(name)
    oid = await session.value(load("outgrow")["table_oid"], *split(store))
    if oid is None and known["now"] is not None:
        if known["store"] == name:
            notice = f"{name} is called {known['now']} now: set OUTGROW_STORE={known['now']}"
            return Located(known["now"], notice)
        raise Refused(
            "store_moved",
            f"there is no table {name}, and the relations of {blueprint.name!r} lie over "
            f"{known['now']}",
            hint=f"set OUTGROW_STORE={known['now']}",
        )
    if oid == known["store_oid"] and known["store"] != name:
        return Located(name, f"{known['store']} is called {name} now")
    if oid is not None and oid != known["store_oid"] and known["store"] == name:
        notice = f"{name} is another table than the one that Outgrow knew by that name"
        columns = await session.rows(load("outgrow")["store_columns"], *split(known["now"] or ""))
        if {"key", "value"} <= {row["name"] for row in columns}:
            notice += f", which is called {known['now']} now"
        return Located(name, notice)
    return Located(name)


async def others(session: Statements, store: str, blueprint: Blueprint) -> list[asyncpg.Record]:
    """Return the layouts of other blueprints over the table `store`."""
    return [
        row
        for row in await layouts(session)
        if row["name"] != blueprint.name and (row["now"] or row["store"]) == store
    ]


async def check_meant(session: Statements, store: str, blueprint: Blueprint) -> None:
    """Raise Refused for a blueprint that the store, as `locate` found it, did not grow with."""
    known = await layouts(session)
    layout = next((row for row in known if row["name"] == blueprint.name), None)
    if layout is not None and layout["phase"] != "initial":
        return
    grown = [r for r in await others(session, store, blueprint) if r["phase"] != "initial"]
    if grown:
        names = ", ".join(f"{row['name']!r} (phase {row['phase']})" for row in grown)
        raise Refused(
            "other_blueprint",
            f"{store} grew with the blueprint {names}, and not with {blueprint.name!r}",
            hint=f"set OUTGROW_BLUEPRINT to the file of the blueprint {grown[0]['name']}",
        )


async def check_claims(session: Session, store: str, blueprint: Blueprint, is_named: bool) -> None:
    """Raise Refused for a blueprint that claims none of the store's keys, or that nobody named
    (`is_named`) and that claims few of them. Reads 4 MB of the store at most, and only where the
    blueprint is not installed yet; for a transaction."""
    if any(row["name"] == blueprint.name for row in await layouts(session)):
        return
    percent = await session.value(load("stores")["sampled"], *split(store), SAMPLED_BLOCKS)
    if percent is None:
        return
    await hold(session, store)
    query = load("stores")["some_keys"].with_identifiers(store=store)
    keys = [row["key"] for row in await session.rows(query, percent)]
    claimed = sum(blueprint.match(key) is not None for key in keys)
    if claimed >= len(keys) * (0 if is_named else LEAST_CLAIMED) and (claimed or not keys):
        return
    hint = "set OUTGROW_BLUEPRINT to its file; `outgrow inspect --write FILE` makes one"
    if blueprint.name == campus().name and claimed:
        hint += "; where the store is a campus all the same, set OUTGROW_BLUEPRINT=campus"
    raise Refused(
        "blueprint_unfit",
        f"the blueprint {blueprint.name!r} is not meant for {store}: it claims "
        f"{claimed:,} of {len(keys):,} keys",
        hint=hint,
    )
