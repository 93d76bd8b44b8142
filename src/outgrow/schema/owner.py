"""The role that makes Outgrow's objects: the owner of the store, whatever role is connected.

The store's triggers run functions with their owner's rights. If these were those of a superuser who
let another's store grow, the store's owner could reach them; so they never exceed the owner's own.
A superuser may hand over what a superuser made before, and no more: code of the owner that runs in
a superuser's session can leave the role that the session has taken.
"""

from __future__ import annotations

from collections.abc import Iterable

from outgrow.blueprint import Blueprint, campus
from outgrow.db.named import connect_as_owner
from outgrow.db.pool import Session
from outgrow.errors import Refused
from outgrow.layout import mirror
from outgrow.queries import Query, load


async def act_as_owner(session: Session, schema: str, table: str, *, local: bool) -> None:
    """Become the owner of the store where we may, until the end of the transaction if `local`; to
    be called behind `settle`. Raises Refused (connect_as_owner) to a superuser."""
    row = await session.row(load("owner")["find"], schema, table)
    if row is not None and row["may_act"]:
        if row["is_superuser"] and not row["owner_is_superuser"]:
            raise connect_as_owner(f"{schema}.{table}", row["owner"])
        await session.row(load("owner")["act_as"], row["owner"], local)


async def refuse_superuser(session: Session, schema: str, table: str) -> None:
    """Raise Refused (connect_as_owner) to a superuser on a store whose owner is none: for what
    calls functions that the owner may have changed."""
    row = await session.row(load("owner")["find"], schema, table)
    if row is not None and row["is_superuser"] and not row["owner_is_superuser"]:
        raise connect_as_owner(f"{schema}.{table}", row["owner"])


async def settle(
    session: Session, schema: str, table: str, blueprint: Blueprint, *, dry_run: bool = False
) -> bool:
    """Give to the store's owner what a superuser made of it, and the schemas that the owner may not
    make. For the beginning of a transaction; waits for locks on what is handed over. With `dry_run`
    it changes nothing.

    Returns whether there was nothing to hand over. Raises Refused (other_owner) when the owner
    could not change what there is already.
    """
    sql = load("owner")
    row = await session.row(sql["find"], schema, table)
    if row is None or not (row["may_act"] or row["is_owner"]):
        return True
    owner: str = row["owner"]
    store = f"{schema}.{table}"
    foreign = await session.rows(sql["foreign"], blueprint.name, owner)
    if row["is_owner"]:  # who can use what a superuser has prepared, and nobody else has
        foreign = [schema for schema in foreign if not schema["is_superuser"]]
    if foreign and not (row["is_superuser"] and foreign[0]["is_superuser"]):
        raise _other_owner(store, owner, foreign[0]["name"], f"to {foreign[0]['owner']}")
    if any(schema["name"] == "outgrow" for schema in foreign):
        for other in await session.rows(sql["owners_of_stores"]):
            if other["owner"] != owner:
                what = f"keeps a store of {other['owner']}, too"
                raise _other_owner(store, owner, "outgrow", what)
    if dry_run:
        return not foreign
    if foreign:
        await session.run(load("outgrow")["patience"])
        await _run(session, sql["hand_over"], {schema["name"] for schema in foreign}, owner)
    if row["may_act"] and not row["may_create"]:
        network = ["network"] if blueprint.name == campus().name else []
        schemas = ["outgrow", *network, blueprint.name, mirror.schema(blueprint)]
        await _run(session, sql["make_schemas"], schemas, owner)
    return not foreign


async def _run(session: Session, query: Query, schemas: Iterable[str], owner: str) -> None:
    await session.row(load("owner")["say_who"], ",".join(schemas), owner)
    await session.run(query)


def _other_owner(store: str, owner: str, schema: str, what: str) -> Refused:
    return Refused(
        "other_owner",
        f"{store} belongs to {owner}, and the schema {schema} {what}",
        detail="what keeps the tables of a store must belong to the store's owner",
        hint="let one role own the store and all that Outgrow made: ALTER ... OWNER TO ...",
    )
