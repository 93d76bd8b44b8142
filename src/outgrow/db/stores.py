"""The making of a store, and the tables that may be the store where the named one does not exist.

A store that Outgrow makes is closed to all but its owner before others can see it.
"""

from __future__ import annotations

import shlex

from outgrow.db.pool import Session, Statements
from outgrow.errors import Refused
from outgrow.queries import Query, load, quote, with_schema

MOST_LISTED = 20


async def make(session: Session, store: str, create: Query) -> bool:
    """Make the table `store` by the statement `create`, closed; return False where it is there.

    For a transaction: until that is committed nobody else sees the table.
    """
    sql = load("stores")
    name = quote(*with_schema(store).rsplit(".", 1))
    if await session.value(sql["exists"], name):
        return False
    await session.run(create)
    await session.value(sql["table_to_close"], name)
    await session.run(sql["close"])
    return True


async def check(session: Statements, store: str) -> None:
    """Raise Refused where there is no table `store`, for callers that would make one without being
    asked: a database that others made may have its store under another name."""
    store = with_schema(store)
    if not await session.value(load("stores")["exists"], quote(*store.rsplit(".", 1))):
        raise await missing(session, store)


async def missing(session: Statements, store: str) -> Refused:
    """Return the refusal for a database without the table `store` (with its schema), which lists
    the tables that look like one."""
    candidates = await session.rows(load("stores")["candidates"], MOST_LISTED)
    listed = []
    fitting = []
    for row in candidates:
        name = f"{row['schema']}.{row['name']}"
        why = _unfit(row["schema"], row["name"], row["value_type"], row["is_unique"])
        rows = "never analyzed" if row["rows"] is None else f"about {row['rows']:,} rows"
        listed.append(f"{name}: {rows}, {row['bytes'] / 1e6:,.1f} MB{why and f'; {why}'}")
        if not why:
            fitting.append(shlex.quote(name))
    if not listed:
        return Refused(
            "no_store",
            f"there is no table {store}, and none in this database looks like a store",
            hint="make an empty one: outgrow kv create",
        )
    named = f"={fitting[0]}" if len(fitting) == 1 else " to the one that it is"
    return Refused(
        "no_store",
        f"there is no table {store}; what looks like a store is listed here",
        detail="\n".join(listed),
        hint=f"set OUTGROW_STORE{named}, or make an empty one: outgrow kv create",
    )


def _unfit(schema: str, table: str, value_type: str, is_unique: bool) -> str:
    """Return why the table cannot be used as it is; "" where it can."""
    if "." in schema or "." in table:
        return "OUTGROW_STORE cannot say a name with a dot in it"
    if value_type != "jsonb":
        return f"its value is {value_type}, and must be jsonb"
    return "" if is_unique else "its key has no primary key"
