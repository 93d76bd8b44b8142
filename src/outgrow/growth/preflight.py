"""What is looked at before relations get tables: what must not be, and what to know."""

from __future__ import annotations

from typing import Any

import asyncpg

from outgrow.blueprint import Blueprint
from outgrow.db.pool import Session
from outgrow.errors import Refused
from outgrow.growth.catalog import Store
from outgrow.growth.mirroring import Expand
from outgrow.growth.plan import Plan
from outgrow.queries import load, quote
from outgrow.schema import install

CONNECTIONS = 2  # that a growth needs while it runs


async def look(session: Session, plan: Plan, blueprint: Blueprint) -> tuple[str, ...]:
    """Notes on what is around the store, for a growth that makes tables; () for others. Raises
    Refused where tables could not be kept."""
    if not any(isinstance(step, Expand) for step in plan.steps):
        return ()
    row = await session.row(load("grow")["preflight"], plan.store.oid, blueprint.name)
    assert row is not None
    _refuse(row, plan.store)
    await install.refuse_hidden_rows(session, plan.store.schema, plan.store.table)
    return tuple(_notes(row, plan, blueprint))


def _refuse(row: asyncpg.Record, store: Store) -> None:
    if not row["may_create"]:
        raise Refused(
            "schema_not_allowed",
            f"{store.user} may not make a schema in this database, and tables need one",
            hint=f"GRANT CREATE ON DATABASE {quote(row['database'])} TO {quote(store.user)}",
        )
    if row["key_is_vague"]:
        raise Refused(
            "vague_keys",
            f"the keys of {store.name} have a collation in which different texts are equal",
            hint="give the column a deterministic collation",
        )
    if row["unlogged"]:
        raise Refused(
            "unlogged_store",
            f"{store.name} is UNLOGGED: a crash empties it, and its tables would not notice",
            hint="make it logged: ALTER TABLE ... SET LOGGED",
        )
    if row["has_children"]:
        raise Refused(
            "inherited_store",
            f"other tables inherit from {store.name}, whose rows its triggers do not see",
            hint="let them go: ALTER TABLE ... NO INHERIT ...",
        )
    if row["free_connections"] < CONNECTIONS:
        raise Refused(
            "no_connections",
            "the server has no connection left for a growth",
            hint="close some, or raise max_connections",
        )


def _notes(row: Any, plan: Plan, blueprint: Blueprint) -> list[str]:
    notes = [
        f"the tables need about {plan.tables_bytes / 1e6:,.0f} MB beside the store; the database "
        f"has {row['database_bytes'] / 1e6:,.0f} MB now, and how much is free on its disk "
        "PostgreSQL does not tell"
    ]
    for names, text in (
        ("views", "views of others show the store: they go on as they are"),
        ("referencing", "foreign keys refer to the store: they go on as they are"),
        ("rules", "the store has rules: what they write elsewhere, its triggers do not see"),
        ("publications", "the store is published: the new tables are not"),
        (
            "published_whole",
            "publications of all tables have the new ones too: whoever subscribes needs these "
            "first, or its replication stops (ALTER PUBLICATION cannot leave them out)",
        ),
        (
            "replicas",
            "replicas get the tables too; a reader there who began before the backfill "
            "and keeps its snapshot may miss rows after the switch",
        ),
    ):
        if row[names]:
            notes.append(f"{text}: {', '.join(row[names])}")
    if row["free_connections"] < 10:
        notes.append(f"{row['free_connections']} connections are free; a growth needs two")
    notes.append(
        "every write to the store keeps the tables too; lists that are derived for old clients "
        "stay in the store, so a new member of a school still writes the school's whole list"
    )
    notes.append("going back drops the tables and loses nothing: the store stays complete")
    return notes
