"""The triggers of the store that keep the tables, in the writer's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator

from outgrow.blueprint import Blueprint, Column
from outgrow.layout import expressions as ex
from outgrow.layout.shadow import tables
from outgrow.layout.shadow.copying import fill
from outgrow.queries import Query, function_body, quote

_UNCHANGED = """
        IF NOT is_new AND NEW.value::text IS NOT DISTINCT FROM OLD.value::text THEN
            RETURN NULL;
        END IF;"""


def version(blueprint: Blueprint, name: str) -> str:
    """A digest of the table and of all that keeps it: with another one it must be made anew."""
    made = [query.sql for query in tables.expand(blueprint, name)]
    made += [_changed(blueprint, [name], "", ""), _truncated(blueprint, [name], "")]
    return hashlib.sha256("\n".join(made).encode()).hexdigest()[:16]


def follow(
    blueprint: Blueprint, lifted: Collection[str], store_schema: str, store_table: str
) -> list[Query]:
    """The triggers of the store, for exactly these relations; none of them: no triggers.

    To be run in one transaction that holds SHARE ROW EXCLUSIVE on the store (to take the triggers
    away: ACCESS EXCLUSIVE), so that no writer is between the old function and the new one.
    """
    store = quote(store_schema, store_table)
    changed = quote(tables.schema(blueprint), "store_changed")
    truncated = quote(tables.schema(blueprint), "store_truncated")
    row_trigger = quote(f"outgrow_{blueprint.name}_changed")
    all_trigger = quote(f"outgrow_{blueprint.name}_truncated")
    if not lifted:
        made = [
            f"DROP TRIGGER IF EXISTS {row_trigger} ON {store}",
            f"DROP TRIGGER IF EXISTS {all_trigger} ON {store}",
            f"DROP FUNCTION IF EXISTS {changed}()",
            f"DROP FUNCTION IF EXISTS {truncated}()",
        ]
        return [Query("grow.follow", sql) for sql in made]
    names = [name for name in blueprint.relations if name in lifted]
    made = [
        _changed(blueprint, names, changed, store),
        _truncated(blueprint, names, truncated),
        f"CREATE OR REPLACE TRIGGER {row_trigger}\nAFTER INSERT OR UPDATE OR DELETE ON {store}\n"
        f"FOR EACH ROW EXECUTE FUNCTION {changed}()",
        f"CREATE OR REPLACE TRIGGER {all_trigger}\nAFTER TRUNCATE ON {store}\n"
        f"FOR EACH STATEMENT EXECUTE FUNCTION {truncated}()",
        f"ALTER TABLE {store} ENABLE ALWAYS TRIGGER {row_trigger}",
        f"ALTER TABLE {store} ENABLE ALWAYS TRIGGER {all_trigger}",
    ]
    return [Query("grow.follow", sql) for sql in made]


def _changed(blueprint: Blueprint, names: Collection[str], function: str, store: str) -> str:
    """AFTER each row. The lifted relations of one pattern are kept one after the other; a key
    belongs to one pattern at most. NEW may be old: triggers of others on the store may have written
    to the row by now, and been followed. The rows are made of what the store says now."""
    patterns: dict[str, list[str]] = {}
    for name in names:
        patterns.setdefault(tables.pattern_name(blueprint, name), []).append(name)
    seen: list[str] = []
    gone: list[str] = []
    kept: list[str] = []
    chains = (seen, "OLD.key", _copy), (gone, "OLD.key", _forget), (kept, "NEW.key", _follow)
    for pattern, members in patterns.items():
        for parts, key, sql in chains:
            body = "".join(sql(blueprint, name) for name in members)
            if sql is _follow and not any(tables.is_list(blueprint, name) for name in members):
                body = _UNCHANGED + body
            parts.append(f"IF {ex.matches(blueprint, pattern, key)} THEN{body}")
    body = f"""DECLARE
    is_new boolean := TG_OP = 'INSERT';
    is_whole boolean;
    copied bigint;
BEGIN
    IF TG_OP <> 'INSERT' AND current_setting('transaction_isolation') <> 'read committed' THEN
        {_chain(seen, "        ")}
    END IF;
    IF TG_OP = 'UPDATE' THEN
        is_new := NEW.key <> OLD.key;
    END IF;
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND is_new) THEN
        {_chain(gone, "        ")}
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    SELECT s.value INTO NEW.value FROM {store} s WHERE s.key = NEW.key;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    {_chain(kept, "    ")}
    RETURN NULL;
END"""
    return _trigger_function(function, body)


def _trigger_function(function: str, body: str) -> str:
    return f"""CREATE OR REPLACE FUNCTION {function}()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS {function_body(body)}"""


def _chain(branches: list[str], indent: str) -> str:
    return f"\n{indent}ELS".join(branches) + f"\n{indent}END IF;"


def _truncated(blueprint: Blueprint, names: Collection[str], function: str) -> str:
    """Whoever truncates holds the store against everybody, and must not wait for who reads a table:
    that one may be about to write to the store."""
    places = [tables.table(blueprint, name) for name in names]
    places += [tables.lists(blueprint, name) for name in names if tables.is_list(blueprint, name)]
    deletes = "\n            ".join(f"DELETE FROM {place};" for place in places)
    body = f"""BEGIN
    BEGIN
        LOCK TABLE {", ".join(places)} IN ACCESS EXCLUSIVE MODE NOWAIT;
    EXCEPTION WHEN lock_not_available THEN
        IF current_setting('transaction_isolation') = 'read committed' THEN
            {deletes}
            RETURN NULL;
        END IF;
    END;
    TRUNCATE {", ".join(places)};
    RETURN NULL;
END"""
    return _trigger_function(function, body)


def _copy(blueprint: Blueprint, name: str) -> str:
    """For REPEATABLE READ. Where the backfill copied OLD after the transaction's snapshot, there
    are rows that it does not see, and could not take away; they would stay for ever. So it does
    the backfill's work once more: PostgreSQL says serialization_failure where rows are unseen."""
    return (
        f"\n        WITH taken AS (SELECT OLD.key AS key, OLD.value AS value),"
        f"\n{fill(blueprint, name)}"
        f"\n        SELECT count(*) INTO copied FROM filled;"
    )


def _forget(blueprint: Blueprint, name: str) -> str:
    of_key = tables.of_key(blueprint, name, "t", "OLD.key")
    sql = f"\n        DELETE FROM {tables.table(blueprint, name)} t WHERE {of_key};"
    if tables.is_list(blueprint, name):
        sql += f"\n        DELETE FROM {tables.lists(blueprint, name)} t WHERE {of_key};"
    return sql


def _follow(blueprint: Blueprint, name: str) -> str:
    """Makes the rows of NEW.key what the store says. OLD is what they are made of now, unless the
    key is new or the backfill has not come to it."""
    relation = blueprint.relations[name]
    if tables.is_list(blueprint, name):
        return _follow_list(blueprint, name)
    if relation.unnest is None:
        return _follow_document(blueprint, name)
    return _follow_unnested(blueprint, name)


def _put(blueprint: Blueprint, name: str, selected: str, changed_only: bool = False) -> str:
    """INSERT, or bring up to date."""
    listed = ", ".join(map(quote, tables.columns(blueprint, name)))
    others = [
        c for c in tables.columns(blueprint, name) if c not in tables.identity(blueprint, name)
    ]
    conflict = ", ".join(map(quote, tables.identity(blueprint, name)))
    if others:
        sets = ", ".join(f"{quote(c)} = excluded.{quote(c)}" for c in others)
        action = f"DO UPDATE SET {sets}"
    else:
        action = "DO NOTHING"
    if others and changed_only:
        now = ", ".join(f"t.{quote(c)}" for c in others)
        new = ", ".join(f"excluded.{quote(c)}" for c in others)
        action += f"\n            WHERE ROW({now}) IS DISTINCT FROM ROW({new})"
    return (
        f"\n        INSERT INTO {tables.table(blueprint, name)} AS t ({listed})"
        f"\n        {selected}"
        f"\n        ON CONFLICT ({conflict}) {action};"
    )


def _rows_of(blueprint: Blueprint, name: str, row: str) -> str:
    listed = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    function = tables.function(blueprint, name, "rows")
    return f"SELECT {listed} FROM {function}({row}.key, {row}.value) r"


def _follow_document(blueprint: Blueprint, name: str) -> str:
    relation = blueprint.relations[name]
    # A relation seen through another has few of its columns, without any jsonb: most changes of
    # the document leave its row as it is.
    derived = relation.pattern is None and "jsonb" not in tables.columns(blueprint, name).values()
    of_key = tables.of_key(blueprint, name, "t", "NEW.key")
    gone = f"DELETE FROM {tables.table(blueprint, name)} t WHERE {of_key}"
    function = tables.function(blueprint, name, "rows")
    return (
        f"\n        IF NOT EXISTS (SELECT FROM {function}(NEW.key, NEW.value)) THEN"
        f"\n            {gone};"
        f"\n        END IF;" + _put(blueprint, name, _rows_of(blueprint, name, "NEW"), derived)
    )


def _follow_unnested(blueprint: Blueprint, name: str) -> str:
    element = tables.identity(blueprint, name)[-1]
    function = tables.function(blueprint, name, "rows")
    return (
        f"\n        DELETE FROM {tables.table(blueprint, name)} t"
        f"\n        WHERE {tables.of_key(blueprint, name, 't', 'NEW.key')} AND NOT EXISTS ("
        f"\n            SELECT FROM {function}(NEW.key, NEW.value) r"
        f" WHERE r.{quote(element)} = t.{quote(element)});"
        + _put(blueprint, name, _rows_of(blueprint, name, "NEW"), True)
    )


def _follow_list(blueprint: Blueprint, name: str) -> str:
    place = tables.lists(blueprint, name)
    heads = tables.heads(blueprint, name, "NEW.key")
    parts, values = ", ".join(map(quote, heads)), ", ".join(heads.values())
    of_key = tables.of_key(blueprint, name, "t", "NEW.key")
    changed = {"ids": _changed_ids, "objects": _changed_objects, "map": _changed_members}
    shape = blueprint.pattern_of(name).shape
    rows = changed[shape](blueprint, name)
    whole = (
        f"\n        INSERT INTO {place} AS t ({parts}, leftovers)"
        f"\n        VALUES ({values}, {tables.leftovers(blueprint, name, 'NEW.value')})"
        f"\n        ON CONFLICT ({parts}) DO UPDATE SET leftovers = excluded.leftovers"
        f"\n            WHERE t.leftovers IS NOT NULL OR excluded.leftovers IS NOT NULL;" + rows
    )
    if shape != "map":
        one = f"\n        IF ({_IS_APPENDED[shape]}) THEN{_appended(blueprint, name)}"
        whole = f"{one}\n        ELSE{whole}\n        END IF;"
    return (
        f"\n        is_whole := (SELECT t.leftovers IS NULL FROM {place} t WHERE {of_key});"
        f"\n        is_new := is_new OR is_whole IS NULL;" + whole
    )


def _is_appended(is_row: str) -> str:
    """NEW is OLD, of which the rows say all, and one element behind it that is a row. Images are
    compared, because 1.0 equals 1 and is not the same."""
    return f"""CASE
            WHEN is_new OR NOT is_whole OR jsonb_typeof(OLD.value) <> 'array'
                OR jsonb_typeof(NEW.value) <> 'array' THEN false
            WHEN jsonb_array_length(NEW.value) <> jsonb_array_length(OLD.value) + 1 THEN false
            WHEN ({is_row}) IS NOT TRUE THEN false
            ELSE ROW(NEW.value - (-1))::record *= ROW(OLD.value)::record END"""


_IS_APPENDED = {
    "ids": _is_appended(
        "outgrow.key_of(NEW.value -> -1) IS NOT NULL AND NOT OLD.value ? (NEW.value ->> -1)"
    ),
    "objects": _is_appended("jsonb_typeof(NEW.value -> -1) = 'object'"),
}


def _appended(blueprint: Blueprint, name: str) -> str:
    """One row more: what most changes of a list are, and what of a long one costs least."""
    listed = ", ".join(
        "jsonb_array_length(NEW.value)" if own is not None and own.position else f"r.{quote(c)}"
        for c, own in _columns(blueprint, name)
    )
    function = tables.function(blueprint, name, "rows")
    return _put(
        blueprint,
        name,
        f"SELECT {listed} FROM {function}(NEW.key, jsonb_build_array(NEW.value -> -1)) r",
    )


def _columns(blueprint: Blueprint, name: str) -> Iterator[tuple[str, Column | None]]:
    """Of the table, with what the blueprint says of them."""
    own = blueprint.relations[name].own
    return ((column, own.get(column)) for column in tables.columns(blueprint, name))


def _changed_ids(blueprint: Blueprint, name: str) -> str:
    relation = blueprint.relations[name]
    element = next(quote(c) for c, own in relation.own.items() if own.element)
    pos = next(quote(c) for c, own in relation.own.items() if own.position)
    function = tables.function(blueprint, name, "rows")
    listed = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    of_key = tables.of_key(blueprint, name, "t", "NEW.key")
    return (
        f"\n        DELETE FROM {tables.table(blueprint, name)} t"
        f"\n        USING ("
        f"\n            SELECT r.{element} FROM {function}(OLD.key, OLD.value) r WHERE NOT is_new"
        f"\n            EXCEPT SELECT r.{element} FROM {function}(NEW.key, NEW.value) r) gone"
        f"\n        WHERE {of_key} AND t.{element} = gone.{element};"
        + _put(
            blueprint,
            name,
            f"SELECT {listed} FROM {function}(NEW.key, NEW.value) r"
            f"\n        WHERE is_new OR NOT EXISTS ("
            f"\n            SELECT FROM {function}(OLD.key, OLD.value) o"
            f" WHERE o.{element} = r.{element} AND o.{pos} = r.{pos})",
        )
    )


def _changed_objects(blueprint: Blueprint, name: str) -> str:
    """Rows are made of the elements that changed only: a message more must not decode them all."""
    relation = blueprint.relations[name]
    pos = next(quote(c) for c, own in relation.own.items() if own.position)
    array = "CASE WHEN jsonb_typeof({0}) = 'array' THEN {0} ELSE '[]' END"
    new = f"jsonb_array_elements({array.format('NEW.value')}) WITH ORDINALITY AS n(v, pos)"
    old = (
        f"jsonb_array_elements(CASE WHEN is_new THEN '[]' ELSE {array.format('OLD.value')} END) "
        "WITH ORDINALITY AS o(v, pos)"
    )
    listed = ", ".join(
        "n.pos" if own is not None and own.position else f"r.{quote(c)}"
        for c, own in _columns(blueprint, name)
    )
    function = tables.function(blueprint, name, "rows")
    return (
        f"\n        DELETE FROM {tables.table(blueprint, name)} t"
        f"\n        WHERE {tables.of_key(blueprint, name, 't', 'NEW.key')} AND NOT EXISTS ("
        f"\n            SELECT FROM {new} WHERE n.pos = t.{pos} AND jsonb_typeof(n.v) = 'object');"
        + _put(
            blueprint,
            name,
            f"SELECT {listed} FROM {new}"
            f"\n        LEFT JOIN {old} ON o.pos = n.pos"
            f"\n        CROSS JOIN LATERAL {function}(NEW.key, jsonb_build_array(n.v)) r"
            f"\n        WHERE o.v::text IS DISTINCT FROM n.v::text",
        )
    )


def _changed_members(blueprint: Blueprint, name: str) -> str:
    """As with lists of objects: only the members that changed are decoded and written."""
    relation = blueprint.relations[name]
    new = f"{ex.members('NEW.value')} AS n(k, v)"
    old = ex.members("(CASE WHEN is_new THEN '{}' ELSE OLD.value END)") + " AS o(k, v)"
    listed = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    function = tables.function(blueprint, name, "rows")
    return (
        f"\n        DELETE FROM {tables.table(blueprint, name)} t"
        f"\n        USING ("
        f"\n            SELECT o.k FROM {old}"
        f"\n            EXCEPT SELECT n.k FROM {new}"
        f" WHERE {ex.is_member(relation, 'n.k', 'n.v')}) gone"
        f"\n        WHERE {tables.of_key(blueprint, name, 't', 'NEW.key')}"
        f" AND t.{quote(relation.entry)} = gone.k;"
        + _put(
            blueprint,
            name,
            f"SELECT {listed} FROM {new}"
            f"\n        LEFT JOIN {old} ON o.k = n.k"
            f"\n        CROSS JOIN LATERAL {function}(NEW.key, jsonb_build_object(n.k, n.v)) r"
            f"\n        WHERE o.v::text IS DISTINCT FROM n.v::text",
        )
    )
