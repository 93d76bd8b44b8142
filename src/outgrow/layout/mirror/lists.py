"""The function that keeps the rows of one list, alone under its key or in a document; the store's
row trigger calls it.

`pos` only orders the rows of a list. In a new list each row is `outgrow.pos_step()` after the one
before; later changes write only the rows that they concern. A row that is put between two others
divides the gap between them; one that is put first or last is a step away. Where a gap is used up,
the rows around it are spread again: 16 on either side, then 64, and so on.

Above READ COMMITTED a transaction may see, next to the rows that it made under a key, the rows that
the key had before another transaction deleted it. They cannot be deleted again (40001), so they are
left out: there are two heads then, and `outgrow.is_own(xmin)` tells whether this transaction made a
row.
"""

from __future__ import annotations

from outgrow.blueprint import SEGMENT_LIMIT, Blueprint
from outgrow.layout import expressions as ex
from outgrow.layout.mirror import tables
from outgrow.layout.mirror.list_rows import (
    IS_MINE,
    append_last,
    document_row,
    document_value,
    element_column,
    find_changes,
    find_row,
    find_set_changes,
    insert_all,
    is_of_key,
    plain_values,
    pos_column,
    put_at_end,
    put_changed,
    put_head,
    select_positions,
    spread_positions,
)
from outgrow.queries import function_body, quote


def rows_of(blueprint: Blueprint, name: str, variables: str = "this") -> str:
    """Select the rows of the key and the value in these variables."""
    listed = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    function = tables.function(blueprint, name, "rows")
    return f"SELECT {listed} FROM {function}({variables}_key, {variables}_value) r"


def changed(blueprint: Blueprint, name: str) -> str:
    """Return the call of the function, for the store's trigger."""
    before = "CASE WHEN NOT is_new THEN old_value END"
    function = tables.function(blueprint, name, "sync")
    return f"\n        PERFORM {function}(this_key, this_value, {before});"


def sync(blueprint: Blueprint, name: str) -> str:
    """Make the function. `our_before` is NULL where the key is new."""
    if blueprint.relations[name].unnest is not None:
        body = _unnested(blueprint, name)
    else:
        shape = blueprint.pattern_of(name).shape
        bodies = {"ids": _ids, "objects": _objects, "map": _map}
        body = _begun(blueprint, name) + bodies[shape](blueprint, name)
    signature = tables.function(blueprint, name, "sync")
    text = f"""{ex.OUR_NAMES}DECLARE
    our_document jsonb;
    our_earlier jsonb;
    our_alike boolean;
    our_rows bigint;
    our_heads bigint := 0;
    our_whole boolean;
    our_was text[];
    our_now text[];
    our_old text[];
    our_new text[];
    our_run record;
    our_element text;
    our_placed record;
    our_labels bigint[];
    our_places bigint[];
    our_made bigint[];
    our_gone bigint[];
    our_full boolean;
    our_anew boolean;
    our_turn integer;
    our_wide integer := 0;
BEGIN{body}
END"""
    return (
        f"CREATE OR REPLACE FUNCTION {signature}"
        f"(our_key text, our_value jsonb, our_before jsonb)\n"
        f"RETURNS void\nLANGUAGE plpgsql\nSET search_path = pg_catalog, pg_temp\n"
        f"AS {function_body(text)}"
    )


def _begun(blueprint: Blueprint, name: str) -> str:
    """Handle a list without a head, which is new, and one that did not change."""
    return f"""
    IF our_before IS NOT NULL OR current_setting('transaction_isolation') = 'read committed' THEN
        SELECT count(*), bool_and(t.unmapped IS NULL) INTO our_heads, our_whole
        FROM {tables.lists(blueprint, name)} t WHERE {is_of_key(blueprint, name)};
    END IF;
    IF our_heads = 0 THEN{put_head(blueprint, name)}{insert_all(blueprint, name)}
        RETURN;
    ELSIF our_before IS NOT NULL AND ROW(our_value)::record *= ROW(our_before)::record THEN
        RETURN;
    END IF;"""


def _unnested(blueprint: Blueprint, name: str) -> str:
    """Handle a list in a document, comparing it first: a document is written more often. There is
    no head: OLD tells how many rows there are. Fewer are made up for, where the backfill has not
    come yet; of more, those of this transaction count."""
    table, of_key = tables.table(blueprint, name), is_of_key(blueprint, name)
    relation = blueprint.relations[name]
    field = blueprint.relations[relation.source or ""].owned_columns[relation.unnest or ""]

    def elements(value: str) -> str:
        elements_sql = f"coalesce({ex.from_json(field, value)}, '[]')"
        if relation.present is None:
            return elements_sql
        row = (
            f"{document_row(blueprint, name, value)} WHERE r.{quote(relation.present)} IS NOT NULL"
        )
        return f"CASE WHEN EXISTS (SELECT FROM {row}) THEN {elements_sql} ELSE '[]' END"

    same = "ROW(our_value)::record *= ROW(our_before)::record AND our_rows > 0"
    others = _others(blueprint, name)
    compare_others = ""
    if others:
        parts = ", ".join(f"r.{quote(relation.renamed[c])}" for c in others)
        was, now = (
            f"(SELECT ROW({parts}) FROM {document_row(blueprint, name, value)})"
            for value in ("our_earlier", "our_document")
        )
        compare_others = f"""
    our_alike := our_heads = 1 AND ({was} *= {now}) IS TRUE;"""
        same += " AND our_alike"
    return f"""
    our_document := our_value;
    our_value := {elements("our_value")};
    IF our_before IS NULL THEN{insert_all(blueprint, name)}
        RETURN;
    END IF;
    SELECT count(*) INTO our_rows FROM {table} t WHERE {of_key};
    our_heads := 1;
    our_earlier := our_before;
    our_before := {elements("our_before")};
    IF current_setting('transaction_isolation') <> 'read committed'
        AND our_rows > cardinality(outgrow.list_ids(our_before)) THEN
        our_heads := 2;
    END IF;{compare_others}
    IF {same} THEN
        RETURN;
    END IF;
    our_whole := our_rows = jsonb_array_length(our_before);{_ids(blueprint, name)}{
        _sync_others(blueprint, name)
    }"""


def _others(blueprint: Blueprint, name: str) -> list[str]:
    """List the columns that the rows of a list have from its document."""
    if tables.is_list(blueprint, name):
        return []
    sources = blueprint.relations[name].renamed
    keys = tables.heads(blueprint, name, "")
    return [c for c, s in sources.items() if c not in keys and s not in ("element", "position")]


def _sync_others(blueprint: Blueprint, name: str) -> str:
    others = _others(blueprint, name)
    if not others:
        return ""
    sources = blueprint.relations[name].renamed
    values = {quote(c): document_value(blueprint, name, sources[c]) for c in others}
    sets = ", ".join(f"{c} = {value}" for c, value in values.items())
    now = ", ".join(f"t.{c}" for c in values)
    return f"""
    IF NOT our_alike THEN
        UPDATE {tables.table(blueprint, name)} t SET {sets}
        WHERE {is_of_key(blueprint, name)} AND {IS_MINE}
            AND ROW({now})::record *<> ROW({", ".join(values.values())})::record;
    END IF;"""


def _ids(blueprint: Blueprint, name: str) -> str:
    """Handle a list of ids. OLD tells which rows there are and in which order, if their number
    agrees: each id of it, at its first place. Otherwise the rows are read.

    While no id stands twice, and the rows are the whole list, nothing need be searched for that.
    """
    table, of_key = tables.table(blueprint, name), is_of_key(blueprint, name)
    element, pos = element_column(blueprint, name), tables.pos(blueprint, name)
    appended = head = ""
    if tables.is_list(blueprint, name):
        append = (
            "outgrow.key_of(our_value -> -1) IS NOT NULL AND NOT our_before ? (our_value ->> -1)"
        )
        appended = append_last(blueprint, name, append) + put_at_end(blueprint, name)
        whole = "CASE WHEN jsonb_typeof(our_value) = 'array' THEN jsonb_array_length(our_value) END"
        head = put_head(
            blueprint,
            name,
            f"CASE WHEN cardinality(our_now) = {whole} THEN NULL ELSE our_value END",
        )
    changes, spread, order = find_set_changes(), "", ""
    if pos:
        labels = (
            f"SELECT f.{quote(pos)}"
            f" FROM unnest(our_was[our_run.old_first - 1 : our_run.old_last + 1])"
            f" WITH ORDINALITY AS u(v, n)"
            f"\n            LEFT JOIN LATERAL ({find_row(blueprint, name, quote(pos))}) f ON true"
            f"\n            ORDER BY u.n"
        )
        changes = find_changes(labels, select_positions(blueprint, name), may_restart=True)
        spread, order = spread_positions(labels), f"t.{quote(pos)}, "
    plain = plain_values(blueprint, name, "m.v", "m.label")
    if plain is None:
        placed = put_changed(blueprint, name, "to_jsonb(our_new)")
    else:
        placed = tables.put(
            blueprint,
            name,
            f"SELECT {plain}"
            f"\n    FROM unnest(our_new, our_made) AS m(v, label)"
            f"\n    WHERE m.label IS NOT NULL",
        )
    return f"""{appended}
    our_whole := our_heads = 1 AND our_whole AND (CASE
        WHEN jsonb_typeof(our_before) = 'array' AND jsonb_typeof(our_value) = 'array'
        THEN NOT our_value @? 'strict $[*] ? (@.type() != "string")' END);
    IF our_whole THEN
        our_was := ARRAY(SELECT e.v FROM jsonb_array_elements_text(our_before) AS e(v));
        our_now := ARRAY(SELECT e.v FROM jsonb_array_elements_text(our_value) AS e(v));{changes}
        -- What is new are ids, and none of them stands in the list already.
        our_whole := (SELECT count(*) FROM {table} t WHERE {of_key}) = cardinality(our_was)
            AND (
                SELECT count(DISTINCT u.v COLLATE "C") = count(*)
                    AND coalesce(max(length(u.v)), 0) <= {SEGMENT_LIMIT}
                FROM unnest(our_new) AS u(v))
            AND (our_anew OR NOT EXISTS (
                SELECT FROM (
                    SELECT u.v FROM unnest(our_new) AS u(v)
                    EXCEPT
                    SELECT u.v FROM unnest(our_old) AS u(v)) u
                CROSS JOIN LATERAL ({find_row(blueprint, name, element, mine=False)}) f));
    END IF;
    IF our_whole IS NOT TRUE THEN
        our_was := outgrow.list_ids(our_before);
        our_now := outgrow.list_ids(our_value);{head}
        IF our_heads <> 1
            OR (SELECT count(*) FROM {table} t WHERE {of_key}) <> cardinality(our_was) THEN
            our_was := ARRAY(
                SELECT t.{element} FROM {table} t WHERE {of_key} AND {IS_MINE}
                ORDER BY {order}t.{element});
        END IF;{changes}
    END IF;{spread}
    DELETE FROM {table} t
    WHERE t.ctid = ANY (ARRAY(
        SELECT f.ctid
        FROM (
            SELECT u.v FROM unnest(our_old) AS u(v)
            EXCEPT
            SELECT u.v FROM unnest(our_new) AS u(v)) u
        CROSS JOIN LATERAL ({find_row(blueprint, name, "ctid")}) f));{placed}"""


def _objects(blueprint: Blueprint, name: str) -> str:
    """Handle a list of objects, decoding only the elements that changed. The rows are known by
    their order: where their number is not that of OLD, all are made again, as they are where there
    would be too much text to compare."""
    table, of_key = tables.table(blueprint, name), is_of_key(blueprint, name)
    pos = pos_column(blueprint, name)
    labels = (
        f"SELECT t.{pos} FROM {table} t WHERE {of_key} AND {IS_MINE}"
        f"\n            ORDER BY t.{pos} OFFSET greatest(our_run.old_first - 2, 0)"
        f"\n            LIMIT least(our_run.old_last + 1, cardinality(our_was))"
        f" - greatest(our_run.old_first - 1, 1) + 1"
    )

    def objects(value: str) -> str:
        return f"""ARRAY(
        SELECT e.v::text FROM jsonb_array_elements(
            CASE WHEN jsonb_typeof({value}) = 'array' THEN {value} ELSE '[]' END)
            WITH ORDINALITY AS e(v, n)
        WHERE jsonb_typeof(e.v) = 'object' ORDER BY e.n)"""

    return f"""{append_last(blueprint, name, "jsonb_typeof(our_value -> -1) = 'object'")}{
        put_head(blueprint, name)
    }
    IF outgrow.may_be_long(our_value) OR outgrow.may_be_long(our_before) THEN
        DELETE FROM {table} t WHERE {of_key} AND {IS_MINE};{insert_all(blueprint, name)}
        RETURN;
    END IF;
    our_was := {objects("our_before")};
    our_now := {objects("our_value")};
    IF (SELECT count(*) FROM {table} t WHERE {of_key} AND {IS_MINE}) <> cardinality(our_was) THEN
        DELETE FROM {table} t WHERE {of_key} AND {IS_MINE};
        our_was := '{{}}';
    END IF;{find_changes(labels, select_positions(blueprint, name))}{spread_positions(labels)}
    DELETE FROM {table} t
    WHERE {of_key} AND t.{pos} = ANY (our_gone) AND {IS_MINE};{
        put_changed(blueprint, name, "('[' || array_to_string(our_new, ',') || ']')::jsonb")
    }"""


def _map(blueprint: Blueprint, name: str) -> str:
    """Handle a map, decoding and writing only the members that changed."""
    relation = blueprint.relations[name]
    new = f"{ex.members('our_value')} AS n(k, v)"
    old = f"{ex.members('our_before')} AS o(k, v)"
    listed = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    rows = tables.function(blueprint, name, "rows")
    return (
        put_head(blueprint, name)
        + f"""
    DELETE FROM {tables.table(blueprint, name)} t
    USING (
        SELECT o.k FROM {old}
        EXCEPT
        SELECT n.k FROM {new} WHERE {ex.is_member(relation, "n.k", "n.v")}
    ) gone
    WHERE {is_of_key(blueprint, name)} AND t.{quote(relation.entry)} = gone.k AND {IS_MINE};"""
        + tables.put(
            blueprint,
            name,
            f"SELECT {listed} FROM {new}"
            f"\n    LEFT JOIN {old} ON o.k = n.k"
            f"\n    CROSS JOIN LATERAL {rows}(our_key, jsonb_build_object(n.k, n.v)) r"
            f"\n    WHERE ROW(o.v)::record *<> ROW(n.v)::record",
        )
    )
