"""Checks of a table before it is read or written by its name: that it is a table, and that its
owner gains no rights by that.

A role that may create in its schema can put a view under a store's name, and a view's functions run
with the rights of its reader. PostgreSQL also calls functions in the expressions of a table's
indexes and statistics when it plans a query: by these a table's owner could do what only a
superuser may.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from outgrow.db.pool import Session, Statements
from outgrow.errors import Refused
from outgrow.queries import load

KINDS = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}


async def hold(session: Session, name: str, *, to_write: bool = False) -> None:
    """Hold the table `name` to the end of the transaction, against being renamed or replaced:
    ACCESS SHARE; to a superuser who does not own it also against whatever its owner could put on it
    (SHARE UPDATE EXCLUSIVE, which waits for VACUUM and for its like, and for no writer).

    Raises Refused (not_a_table) for a view and its like; to a superuser (connect_as_owner) where
    functions of an owner who is none would run, or could be made to. Begin a transaction that has
    one snapshot with `snapshot`.
    """
    sql = load("database")
    # To parse a statement locks the table, without a privilege and without planning anything.
    await session.connection.prepare(sql["hold"].with_identifiers(store=name).sql)
    row = await _held(session, name, to_write)
    if row["is_strange"] and not row["is_fixed"]:
        await session.run(sql["lock_definition"].with_identifiers(store=name))
        await _held(session, name, to_write)


async def _held(session: Session, name: str, to_write: bool) -> asyncpg.Record:
    schema, _, table = name.rpartition(".")
    row = await session.row(load("database")["held"], schema, table, to_write)
    assert row is not None
    if row["kind"] not in ("r", "p"):
        raise Refused(
            "not_a_table",
            f"{name} is {KINDS.get(row['kind'], 'something else')}, and no table",
            detail="to read it would run code that another role put there, with this role's rights",
            hint="set OUTGROW_STORE to the name of the key-value table",
        )
    if row["is_loose"] or row["is_trapped"]:
        raise connect_as_owner(name, row["owner"])
    return row


@asynccontextmanager
async def snapshot(session: Session, name: str) -> AsyncIterator[None]:
    """Begin a transaction that reads as of one moment. What `hold` checks would be as of then, too,
    so for a superuser the table `name` of another owner is locked before."""
    sql = load("database")
    schema, _, table = name.rpartition(".")
    is_locked = await session.row(sql["may_be_locked"], schema, table) is not None
    async with session.connection.transaction(isolation="repeatable_read", readonly=True):
        if is_locked:
            await session.run(sql["lock_definition"].with_identifiers(store=name))
        yield


async def refuse_strangers(session: Statements) -> None:
    """Raise Refused where our own schemas belong to a role that could run code as us by what it put
    there: to a superuser whichever role that is (connect_as_owner), to others a role that is not
    theirs (other_owner)."""
    row = await session.row(load("database")["strangers"])
    if row is None:
        return
    if row["is_superuser"]:
        raise connect_as_owner(f"what is in the schema {row['name']}", row["owner"])
    raise Refused(
        "other_owner",
        f"what is in the schema {row['name']} belongs to {row['owner']}",
        detail="it would run code of that role with this role's rights",
        hint=f"connect as {row['owner']}, or let its owner be the store's: ALTER ... OWNER TO ...",
    )


def may_be_superuser(session: Session) -> bool:
    """Return whether this session's role is a superuser, as the server reports without being asked;
    true where a pooler keeps that to itself."""
    return getattr(session.connection.get_settings(), "is_superuser", "on") == "on"


def connect_as_owner(what: str, owner: str) -> Refused:
    return Refused(
        "connect_as_owner",
        f"{what} belongs to {owner}, who is no superuser, and this connection is one",
        detail="what the owner has put there would run with all rights",
        hint=f"connect as {owner}",
    )
