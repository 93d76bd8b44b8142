"""Blueprint x backing -> functions, views, triggers and indexes. Pure: SQL text out, no I/O.

`expressions` says how a column is read from JSON and written back. `relations` makes the views,
their decode, encode and locator functions, and the derived lists of old clients. `triggers` makes
the views writable. `mirror` makes the tables that relations are read from in later phases, and the
store's triggers that keep them. `indexes` lists what the phase `optimized` adds, and the tables'
own. Golden files of all of it are in tests/golden/.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from outgrow.blueprint import Backing, Blueprint
from outgrow.layout import late_lists, mirror, relations, triggers
from outgrow.layout.indexes import (
    PREFIX,
    Index,
    Statistics,
    drop_index,
    drop_statistics,
    indexes,
    rename,
    renamed,
    statistics,
)
from outgrow.queries import Query, function_body, literal, quote

__all__ = [
    "PREFIX",
    "Index",
    "Statistics",
    "create",
    "drop",
    "drop_index",
    "drop_schemas",
    "drop_statistics",
    "indexes",
    "late_lists",
    "mirror",
    "rename",
    "renamed",
    "statistics",
    "version",
    "write_lists",
]


def create(
    blueprint: Blueprint,
    store_schema: str,
    store_table: str,
    backings: Mapping[str, Backing] | None = None,
    collation: str | None = None,
) -> list[Query]:
    """Return the statements that make the relations of a blueprint over a store, in order.
    `backings` says where relations are read from that are not read from the store; `collation` is
    that of the store's key, quoted, where it is not the database's."""
    store = quote(store_schema, store_table)
    statements = [
        relations.create_schema(blueprint.name),
        triggers.lock_keys(blueprint, store),
        triggers.read_only(blueprint),
    ]
    for name in blueprint.relations:
        statements += relations.functions(blueprint, name)
        lists = relations.derived_lists(blueprint, name)
        statements += [] if lists is None else [lists]
        view = mirror.views(blueprint, backings or {}, {name}, store_schema, store_table, collation)
        statements += [query.sql for query in view]
        statements += triggers.write(blueprint, name, store, f"{store_schema}.{store_table}")
        statements += triggers.trim(blueprint, name, store)
    statements += late_lists.functions(blueprint, _columns_of_lists(blueprint))
    return [Query("install.create", statement) for statement in statements]


def _columns_of_lists(blueprint: Blueprint) -> dict[str, list[str]]:
    """Return the relations that fill derived lists, each with the columns that they are made of."""
    return {
        name: relations.list_columns(blueprint, name)
        for name in blueprint.relations
        if relations.derived_lists(blueprint, name) is not None
    }


def write_lists(blueprint: Blueprint, store_schema: str, store_table: str) -> tuple[Query, Query]:
    """Return the statements that let those relations write their lists as the blueprint says now,
    late or not. The first waits for whoever has written to one of the relations, and keeps writers
    away until the end of the transaction (SHARE ROW EXCLUSIVE on the views alone); with the second
    they write as they shall."""
    store = quote(store_schema, store_table)
    columns = _columns_of_lists(blueprint)
    locks, functions = [], [f"DROP FUNCTION IF EXISTS {late_lists.derived_lists(blueprint)}"]
    for name in columns:
        made = triggers.write(blueprint, name, store, f"{store_schema}.{store_table}")
        function, trigger = (sql.replace("CREATE ", "CREATE OR REPLACE ", 1) for sql in made)
        locks.append(trigger)
        functions.append(function)
    functions += late_lists.functions(blueprint, columns)
    return Query("grow.lock_lists", ";\n".join(locks)), Query(
        "grow.write_lists", ";\n".join(functions)
    )


def drop(blueprint_name: str) -> Query:
    """Return the statement that drops all in the blueprint's schema, which holds only what `create`
    makes; the schema and its grants stay. All names are read before anything is dropped: one
    function may go with another."""
    body = f"""DECLARE
    command text;
BEGIN
    FOREACH command IN ARRAY ARRAY(
        SELECT format('DROP VIEW IF EXISTS %s CASCADE', c.oid::regclass)
        FROM pg_class c WHERE c.relnamespace = to_regnamespace({literal(quote(blueprint_name))})
          AND c.relkind = 'v'
        UNION ALL
        SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', p.oid::regprocedure)
        FROM pg_proc p WHERE p.pronamespace = to_regnamespace({literal(quote(blueprint_name))}))
    LOOP
        EXECUTE command;
    END LOOP;
END"""
    return Query("install.drop", f"DO {function_body(body)}")


def drop_schemas(schemas: Sequence[str]) -> Query:
    """Return the statement that drops schemas with all that is in them, together: objects of one
    need those of another."""
    return Query("uninstall.drop", f"DROP SCHEMA {', '.join(map(quote, schemas))} CASCADE")


def version(blueprint: Blueprint, store_schema: str, store_table: str) -> str:
    """Return a digest of everything that `create` makes where no list is late: relations with
    another one must be made again."""
    made = create(late_lists.with_late_lists(blueprint, {}), store_schema, store_table)
    text = "\n".join(query.sql for query in made)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
