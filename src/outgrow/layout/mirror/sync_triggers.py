"""The store's triggers, which keep the tables in the writer's transaction. Pure text, no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from outgrow.blueprint import Blueprint
from outgrow.layout import expressions as ex
from outgrow.layout.mirror import lists, tables
from outgrow.layout.mirror.backfill import fill
from outgrow.queries import Query, function_body, quote


def version(blueprint: Blueprint, name: str) -> str:
    """Return a digest of the table and of all that keeps it: a table with another one must be made
    again."""
    made = [query.sql for query in tables.expand(blueprint, name)]
    made += [_changed(blueprint, [name], ""), _truncated(blueprint, [name], "")]
    made += [lists.sync(blueprint, name)] if tables.is_many(blueprint, name) else []
    return hashlib.sha256("\n".join(made).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class SyncTriggers:
    """The statements that install the store's sync triggers, or remove them, for one transaction.

    `functions` come first and lock nothing of the store. `triggers` need it locked, so that no
    write runs while the function is exchanged: SHARE ROW EXCLUSIVE, or ACCESS EXCLUSIVE where
    `locks_readers`.
    """

    functions: tuple[Query, ...]
    triggers: tuple[Query, ...]
    locks_readers: bool

    @property
    def statements(self) -> tuple[Query, ...]:
        return self.functions + self.triggers


def sync_triggers(
    blueprint: Blueprint, mirrored: Collection[str], store_schema: str, store_table: str
) -> SyncTriggers:
    """Return the triggers of the store for exactly these relations; for none, their removal."""
    store = quote(store_schema, store_table)
    changed = quote(tables.schema(blueprint), "store_changed")
    truncated = quote(tables.schema(blueprint), "store_truncated")
    row_trigger = quote(f"outgrow_{blueprint.name}_changed")
    all_trigger = quote(f"outgrow_{blueprint.name}_truncated")
    if not mirrored:
        removal = [
            f"DROP TRIGGER IF EXISTS {row_trigger} ON {store}",
            f"DROP TRIGGER IF EXISTS {all_trigger} ON {store}",
            f"DROP FUNCTION IF EXISTS {changed}()",
            f"DROP FUNCTION IF EXISTS {truncated}()",
            *(f"DROP FUNCTION IF EXISTS {signature}" for signature in _reading(blueprint, store)),
        ]
        return SyncTriggers((), _queries(removal), locks_readers=True)
    names = [name for name in blueprint.relations if name in mirrored]
    functions = [
        *(
            f"CREATE OR REPLACE FUNCTION {signature}\n{body}"
            for signature, body in _reading(blueprint, store).items()
        ),
        *(lists.sync(blueprint, name) for name in names if tables.is_many(blueprint, name)),
        _changed(blueprint, names, changed),
        _truncated(blueprint, names, truncated),
    ]
    triggers = [
        f"CREATE OR REPLACE TRIGGER {row_trigger}\nAFTER INSERT OR UPDATE OR DELETE ON {store}\n"
        f"FOR EACH ROW EXECUTE FUNCTION {changed}()",
        f"CREATE OR REPLACE TRIGGER {all_trigger}\nAFTER TRUNCATE ON {store}\n"
        f"FOR EACH STATEMENT EXECUTE FUNCTION {truncated}()",
        f"ALTER TABLE {store} ENABLE ALWAYS TRIGGER {row_trigger}",
        f"ALTER TABLE {store} ENABLE ALWAYS TRIGGER {all_trigger}",
    ]
    return SyncTriggers(_queries(functions), _queries(triggers), locks_readers=False)


def _queries(statements: Iterable[str]) -> tuple[Query, ...]:
    return tuple(Query("grow.sync_triggers", sql) for sql in statements)


def _reading(blueprint: Blueprint, store: str) -> dict[str, str]:
    """Map the signature of each function by which the trigger reads the store to the rest of CREATE
    FUNCTION. These bodies hold the numbers of the table and its columns, not their names: they
    survive any renaming, and never read another table that takes the store's name."""

    def function(name: str) -> str:
        return quote(tables.schema(blueprint), f"store_{name}")

    rows = "TABLE (place tid, key text, value jsonb)"
    select = f"SELECT s.ctid, s.key, s.value FROM {store} s"
    return {
        f"{function('key')}(store_row {store})": "RETURNS text\nLANGUAGE sql STABLE PARALLEL SAFE\n"
        "RETURN (store_row).key",
        f"{function('value')}(store_row {store})": "RETURNS jsonb\n"
        "LANGUAGE sql STABLE PARALLEL SAFE\nRETURN (store_row).value",
        f"{function('at')}(row_place tid)": f"RETURNS {rows}\n"
        "LANGUAGE sql STABLE PARALLEL SAFE ROWS 1\n"
        f"BEGIN ATOMIC\n{select} WHERE s.ctid = row_place;\nEND",
        f"{function('under')}(store_key text)": f"RETURNS {rows}\n"
        "LANGUAGE sql STABLE PARALLEL SAFE ROWS 1\n"
        f"BEGIN ATOMIC\n{select} WHERE s.key = store_key;\nEND",
        f"{function('locked')}(row_place tid)": f"RETURNS {rows}\nLANGUAGE sql VOLATILE ROWS 1\n"
        f"BEGIN ATOMIC\n{select} WHERE s.ctid = row_place FOR KEY SHARE;\nEND",
    }


def _changed(blueprint: Blueprint, names: Collection[str], function: str) -> str:
    """Make the row trigger: the rows of the old key and of the new one become what the store says.

    The mirrored relations of one pattern are kept one after the other; a key belongs to one pattern
    at most. The trigger believes its own row. It looks at the store in two cases only:

    * NEW is no row of the store any more (`is_past`): another trigger on the store has written to
      it since, and ours has run for that, on rows that were not those of its OLD.
    * A key was deleted or given up, which another row may have taken since: such a trigger put it
      back, or the statement passed it on under a deferred constraint.

    Then all rows of the key are deleted, and made again from the store. Above READ COMMITTED a row
    that another session deleted after our snapshot is still seen, next to our own: only our own can
    be locked. Where the store's rows may be hidden (row-level security, a new owner) nothing is
    looked at: what cannot be seen is not taken for deleted.
    """

    def store(name: str) -> str:
        return quote(tables.schema(blueprint), f"store_{name}")

    body = f"""DECLARE
    old_key text;
    old_value jsonb;
    new_key text;
    new_value jsonb;
    this_key text;
    this_value jsonb;
    sees_all boolean := NOT row_security_active(TG_RELID)
        AND has_table_privilege(TG_RELID, 'SELECT') AND has_table_privilege(TG_RELID, 'UPDATE');
    is_past boolean := false;
    is_new boolean;
    is_there boolean;
    place tid;
    copied bigint;
BEGIN
    -- #> '{{}}' gives a value back as it is, but out of TOAST: once, not for each look into it.
    IF TG_OP <> 'INSERT' THEN
        old_key := {store("key")}(OLD);
        old_value := {store("value")}(OLD) #> '{{}}';
    END IF;
    IF TG_OP <> 'DELETE' THEN
        new_key := {store("key")}(NEW);
        new_value := {store("value")}(NEW) #> '{{}}';
        IF sees_all THEN
            is_past := NOT EXISTS (SELECT FROM {store("at")}(NEW.ctid));
        END IF;
    END IF;
    is_new := new_key IS DISTINCT FROM old_key;
    IF NOT is_new AND NOT is_past
        AND ROW(new_value)::record *= ROW(old_value)::record THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT'
        AND current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        this_key := old_key;
        {_chain(blueprint, names, _copy, "        ")}
    END IF;
    FOR turn IN 1 .. 2 LOOP
        IF turn = 1 THEN
            this_key := old_key;
            CONTINUE WHEN NOT is_new;
        ELSE
            this_key := new_key;
            this_value := new_value;
        END IF;
        CONTINUE WHEN this_key IS NULL;
        IF turn = 1 OR is_past THEN
            {_chain(blueprint, names, _forget, "            ")}
            is_new := true;
            is_there := false;
            IF sees_all THEN
                FOR place IN SELECT r.place FROM {store("under")}(this_key) r LOOP
                    BEGIN
                        SELECT true, r.value #> '{{}}' INTO is_there, this_value
                        FROM {store("locked")}(place) r;
                    EXCEPTION WHEN serialization_failure THEN
                    END;
                    EXIT WHEN is_there;
                END LOOP;
            END IF;
            CONTINUE WHEN is_there IS NOT TRUE;
        END IF;
        {_chain(blueprint, names, _make, "        ")}
    END LOOP;
    RETURN NULL;
END"""
    return _trigger_function(function, body)


def _trigger_function(function: str, body: str) -> str:
    """Return the trigger function. It compares lists in memory whatever the client's settings are:
    with the smallest `work_mem` they would go to files, which `temp_file_limit` may forbid (53400).
    `work_mem` is a limit; a write takes memory in proportion to its value."""
    return f"""CREATE OR REPLACE FUNCTION {function}()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET work_mem = '256MB'
AS {function_body(ex.OUR_NAMES + body)}"""


def _chain(
    blueprint: Blueprint,
    names: Collection[str],
    piece: Callable[[Blueprint, str], str],
    indent: str,
) -> str:
    """Return IF this_key is of one pattern THEN the pieces of its relations, ELSIF of the next
    ..."""
    patterns: dict[str, list[str]] = {}
    for name in names:
        patterns.setdefault(ex.pattern_name(blueprint, name), []).append(name)
    branches = [
        f"IF {ex.matches(blueprint, pattern, 'this_key')} THEN"
        + "".join(piece(blueprint, name) for name in members)
        for pattern, members in patterns.items()
    ]
    return f"\n{indent}ELS".join(branches) + f"\n{indent}END IF;"


def _truncated(blueprint: Blueprint, names: Collection[str], function: str) -> str:
    """Make the TRUNCATE trigger. The session that truncates holds the store against all others, so
    it must not wait for one that reads a table: that one may be about to write to the store."""
    mirrors = [tables.table(blueprint, name) for name in names]
    mirrors += [tables.lists(blueprint, name) for name in names if tables.is_list(blueprint, name)]
    deletes = "\n            ".join(f"DELETE FROM {table};" for table in mirrors)
    body = f"""BEGIN
    BEGIN
        LOCK TABLE {", ".join(mirrors)} IN ACCESS EXCLUSIVE MODE NOWAIT;
    EXCEPTION WHEN lock_not_available THEN
        IF current_setting('transaction_isolation') = 'read committed' THEN
            {deletes}
            RETURN NULL;
        END IF;
    END;
    TRUNCATE {", ".join(mirrors)};
    RETURN NULL;
END"""
    return _trigger_function(function, body)


def _copy(blueprint: Blueprint, name: str) -> str:
    """Do the backfill's work again, for REPEATABLE READ. Where the backfill copied OLD after the
    transaction's snapshot, there are rows that the transaction does not see and cannot delete: they
    would stay forever. PostgreSQL raises serialization_failure where rows are unseen. The rows of a
    list in a document came in one transaction: where some are seen, all are."""
    unseen = ""
    if blueprint.relations[name].unnest is not None:
        of_key = tables.of_key(blueprint, name, "t", "old_key")
        unseen = f" WHERE NOT EXISTS (SELECT FROM {tables.table(blueprint, name)} t WHERE {of_key})"
    return (
        f"\n        WITH taken AS (SELECT old_key AS key, old_value AS value{unseen}),"
        f"\n{fill(blueprint, name)}"
        f"\n        SELECT count(*) INTO copied FROM filled;"
    )


def _forget(blueprint: Blueprint, name: str) -> str:
    of_key = tables.of_key(blueprint, name, "t", "this_key")
    sql = f"\n        DELETE FROM {tables.table(blueprint, name)} t WHERE {of_key};"
    if tables.is_list(blueprint, name):
        sql += f"\n        DELETE FROM {tables.lists(blueprint, name)} t WHERE {of_key};"
    return sql


def _make(blueprint: Blueprint, name: str) -> str:
    """Make the rows of `this_key` what `this_value` says. They are those of `old_value` now, unless
    the key is new (then there are none) or the backfill has not reached it."""
    if tables.is_many(blueprint, name):
        return lists.changed(blueprint, name)
    return _make_document(blueprint, name)


def _make_document(blueprint: Blueprint, name: str) -> str:
    relation = blueprint.relations[name]
    # A relation seen through another has few of its columns, without any jsonb: most changes of
    # the document leave its row as it is.
    derived = relation.pattern is None and "jsonb" not in tables.columns(blueprint, name).values()
    of_key = tables.of_key(blueprint, name, "t", "this_key")
    gone = f"DELETE FROM {tables.table(blueprint, name)} t WHERE {of_key}"
    function = tables.function(blueprint, name, "rows")
    return (
        f"\n        IF NOT is_new"
        f" AND NOT EXISTS (SELECT FROM {function}(this_key, this_value)) THEN"
        f"\n            {gone};"
        f"\n        END IF;" + tables.put(blueprint, name, lists.rows_of(blueprint, name), derived)
    )
