"""Pieces of the functions that `lists` makes: which elements of a list changed, the positions of
those that are new, and the statements that write its rows. Pure text, no I/O.

From `our_was` and `our_now`, the old and the new elements as texts, `find_changes` finds `our_old`,
`our_new`, `our_made` and `our_gone`.
"""

from __future__ import annotations

from collections.abc import Iterator

from outgrow.blueprint import Blueprint, Column
from outgrow.layout import relations
from outgrow.layout.consistency.misfits import unmapped
from outgrow.layout.mirror import tables
from outgrow.queries import quote

IS_MINE = "(our_heads = 1 OR outgrow.is_own(t.xmin))"
"""The row is the only one under its key, or this transaction made it."""

MANY = 256
"""Elements of a list that is long."""

FEW = 16
"""Runs of changes, of which each looks up its own places."""


# -- what changed


def find_changes(labels: str, all_labels: str, may_restart: bool = False) -> str:
    """Find what changed, and a `pos` for all that is new: `our_new` with `our_made`, in place of
    `our_old` with `our_gone`. `our_full` says that there is no room for some of it. `our_anew` says
    that most of a long list is new or elsewhere: then everything gets the `pos` of a new list."""
    most = f"""
        IF cardinality(our_new) * 2 > greatest(cardinality(our_now), {MANY}) THEN
            our_old := our_was;
            our_new := our_now;
            our_made := ARRAY(
                SELECT n * outgrow.pos_step() FROM generate_series(1, cardinality(our_now)) AS n);
            our_full := false;
            our_anew := true;
            EXIT;
        END IF;"""
    return f"""
    our_old := '{{}}';
    our_new := '{{}}';
    our_made := '{{}}';
    our_gone := '{{}}';
    our_full := false;
    our_anew := false;
    our_turn := 0;
    FOR our_run IN SELECT * FROM outgrow.list_runs(our_was, our_now) LOOP{_collect("old")}{
        _collect("new")
    }{most if may_restart else ""}
        our_turn := our_turn + 1;
        IF our_turn > {FEW} THEN
            IF our_turn = {FEW + 1} THEN
                our_places := ARRAY({all_labels});
            END IF;
            our_labels := our_places[
                greatest(our_run.old_first - 1, 1)
                : least(our_run.old_last + 1, cardinality(our_was))];
        ELSE
            our_labels := ARRAY(
            {labels});
        END IF;{_made(False)}
        our_full := our_full OR our_placed.made IS NULL;
        our_made := our_made || our_placed.made;
        our_gone := our_gone || our_placed.gone;
    END LOOP;"""


def _collect(which: str) -> str:
    """Append a run's elements. An array that an element is put to stays where it is; with another
    array it is copied whole."""
    return f"""
        IF cardinality(our_run.{which}) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.{which} LOOP
                our_{which} := our_{which} || our_element;
            END LOOP;
        ELSE
            our_{which} := our_{which} || our_run.{which};
        END IF;"""


def find_set_changes() -> str:
    """Find what changed in a list whose order nobody keeps."""
    return """
    our_old := ARRAY(SELECT unnest(our_was) EXCEPT SELECT unnest(our_now));
    our_new := ARRAY(SELECT unnest(our_now) EXCEPT SELECT unnest(our_was));
    our_made := array_fill(0::bigint, ARRAY[cardinality(our_new)]);
    our_anew := false;"""


def _made(spread: bool) -> str:
    return f"""
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_run.old, our_run.new, our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), {spread}) l;"""


def spread_positions(labels: str) -> str:
    """Move all around what changed to new positions where there is no room, further and further."""
    return f"""
    IF our_full THEN
        SELECT min(c.old_first) AS old_first, max(c.old_last) AS old_last,
            min(c.new_first) AS new_first, max(c.new_last) AS new_last,
            NULL::text[] AS old, NULL::text[] AS new
        INTO our_run FROM outgrow.list_runs(our_was, our_now) c;
    END IF;
    WHILE our_full LOOP
        our_wide := greatest(16, our_wide * 4);
        our_run.old_first := greatest(our_run.old_first - our_wide, 1);
        our_run.new_first := greatest(our_run.new_first - our_wide, 1);
        our_run.old_last := least(our_run.old_last + our_wide, cardinality(our_was));
        our_run.new_last := least(our_run.new_last + our_wide, cardinality(our_now));
        our_run.old := our_was[our_run.old_first : our_run.old_last];
        our_run.new := our_now[our_run.new_first : our_run.new_last];
        our_labels := ARRAY(
            {labels});{_made(True)}
        our_old := our_run.old;
        our_new := our_run.new;
        our_made := our_placed.made;
        our_gone := our_placed.gone;
        our_full := our_made IS NULL;
    END LOOP;"""


# -- rows


def is_of_key(blueprint: Blueprint, name: str) -> str:
    return tables.of_key(blueprint, name, "t", "our_key")


def element_column(blueprint: Blueprint, name: str) -> str:
    return quote(tables.identity(blueprint, name)[-1])


def pos_column(blueprint: Blueprint, name: str) -> str:
    return quote(tables.pos(blueprint, name) or "")


def _columns(blueprint: Blueprint, name: str) -> Iterator[tuple[str, Column | None]]:
    """Pair the table's columns with what the blueprint says of them."""
    owned = blueprint.relations[name].owned_columns
    return ((column, owned.get(column)) for column in tables.columns(blueprint, name))


def put_head(blueprint: Blueprint, name: str, kept: str | None = None) -> str:
    """Insert the list's own row, or update it where it does not say what it must."""
    kept = kept or unmapped(blueprint, name, "our_value")
    heads = tables.heads(blueprint, name, "our_key")
    parts, values = ", ".join(map(quote, heads)), ", ".join(heads.values())
    return f"""
    INSERT INTO {tables.lists(blueprint, name)} AS t ({parts}, unmapped)
    VALUES ({values}, {kept})
    ON CONFLICT ON CONSTRAINT {quote(name + "_lists_pkey")}
        DO UPDATE SET unmapped = excluded.unmapped
        WHERE t.unmapped IS NOT NULL OR excluded.unmapped IS NOT NULL;"""


def insert_all(blueprint: Blueprint, name: str) -> str:
    """Insert the rows of a list that has none: elements in their order, of doubled ones the first,
    which is half the work of what decodes the value. That is done where there are rows, of all
    that are not known by their elements, and of lists with columns of other kinds."""
    variables = "our_key, " + ("our_value" if tables.is_list(blueprint, name) else "our_document")
    listed = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    rows = tables.function(blueprint, name, "rows")
    decoded = tables.put(blueprint, name, f"SELECT {listed} FROM {rows}({variables}) r")
    plain = plain_values(blueprint, name, "outgrow.key_of(e.v)", "e.n * outgrow.pos_step()")
    if plain is None:
        return decoded
    return f"""
        IF EXISTS (SELECT FROM {tables.table(blueprint, name)} t WHERE {is_of_key(blueprint, name)})
        THEN{decoded}
        ELSE
            INSERT INTO {tables.table(blueprint, name)}
                ({", ".join(map(quote, tables.columns(blueprint, name)))})
            SELECT {plain}
            FROM jsonb_array_elements(
                CASE WHEN jsonb_typeof(our_value) = 'array' THEN our_value ELSE '[]' END)
                WITH ORDINALITY AS e(v, n)
            WHERE outgrow.key_of(e.v) IS NOT NULL
            ON CONFLICT DO NOTHING;
        END IF;"""


def plain_values(blueprint: Blueprint, name: str, element: str, position: str) -> str | None:
    """Return the values of a row whose element and `pos` (SQL) are known, in the table's order;
    None where an element holds more than itself."""
    relation = blueprint.relations[name]
    heads = tables.heads(blueprint, name, "our_key")
    given = {"element": element, "position": position}
    if not tables.is_list(blueprint, name):
        return ", ".join(
            heads.get(c) or given.get(source) or document_value(blueprint, name, source)
            for c, source in relation.renamed.items()
        )
    if blueprint.pattern_of(name).shape != "ids":
        return None
    values: list[str | None] = []
    for c, column in _columns(blueprint, name):
        kind = column and ("element" if column.element else "position" if column.position else "")
        nothing = column and column.field is None and not column.key and f"NULL::{column.sql_type}"
        values.append(heads.get(c) or given.get(kind or "") or nothing or None)
    plain = [v for v in values if v is not None]
    return ", ".join(plain) if len(plain) == len(values) else None


def document_row(blueprint: Blueprint, name: str, value: str) -> str:
    """Select the row, if any, of the document (SQL) that a list is in, as the table `r`."""
    source = blueprint.relations[name].source or ""
    listed = ", ".join(relations.selected(blueprint, source, value))
    decode = tables.function(blueprint, name, "decode")
    return f"(SELECT {listed} FROM {decode}(our_key, {value}) d OFFSET 0) r"


def document_value(blueprint: Blueprint, name: str, column: str) -> str:
    """Return a column's value for all rows, from their document. PostgreSQL computes it once, where
    a join might decode the document for each row."""
    return f"(SELECT r.{quote(column)} FROM {document_row(blueprint, name, 'our_document')})"


def find_row(blueprint: Blueprint, name: str, column: str, mine: bool = True) -> str:
    """Select a column of the row of the element `u.v`, by the primary key whatever is known of the
    table: where its statistics say that a key has few rows, all rows of the key would be read for
    each element."""
    return (
        f"SELECT t.{column} FROM {tables.table(blueprint, name)} t"
        f" WHERE {is_of_key(blueprint, name)} AND t.{element_column(blueprint, name)} = u.v"
        f"{f' AND {IS_MINE}' if mine else ''} OFFSET 0"
    )


def select_positions(blueprint: Blueprint, name: str) -> str:
    """Select the `pos` of all rows, in their order."""
    pos = pos_column(blueprint, name)
    return (
        f"SELECT t.{pos} FROM {tables.table(blueprint, name)} t"
        f" WHERE {is_of_key(blueprint, name)} AND {IS_MINE} ORDER BY t.{pos}"
    )


def append_last(blueprint: Blueprint, name: str, is_row: str) -> str:
    """Append one element to a list that its rows give back: what most changes of a list are, and
    what costs least. Images are compared, because 1.0 equals 1 and is not the same."""
    table, of_key = tables.table(blueprint, name), is_of_key(blueprint, name)
    pos = pos_column(blueprint, name)
    listed = ", ".join(
        "l.last + outgrow.pos_step()" if column is not None and column.position else f"r.{quote(c)}"
        for c, column in _columns(blueprint, name)
    )
    row = tables.put(
        blueprint,
        name,
        f"SELECT {listed}"
        f"\n    FROM (SELECT coalesce(max(t.{pos}), 0) AS last FROM {table} t WHERE {of_key}) l"
        f"\n    CROSS JOIN LATERAL {tables.function(blueprint, name, 'rows')}("
        f"our_key, jsonb_build_array(our_value -> -1)) r",
    )
    return f"""
    IF (CASE
        WHEN our_heads <> 1 OR NOT our_whole OR our_before IS NULL
            OR jsonb_typeof(our_before) <> 'array' OR jsonb_typeof(our_value) <> 'array' THEN false
        WHEN jsonb_array_length(our_value) <> jsonb_array_length(our_before) + 1 THEN false
        WHEN ({is_row}) IS NOT TRUE THEN false
        WHEN ROW(our_value - (-1))::record *<> ROW(our_before)::record THEN false
        ELSE (SELECT count(*) FROM {table} t WHERE {of_key}) = jsonb_array_length(our_before) END)
    THEN{row}
        RETURN;
    END IF;"""


def put_at_end(blueprint: Blueprint, name: str) -> str:
    row = plain_values(blueprint, name, "our_element", "our_labels[1]")
    if row is None:
        return ""
    of_key = is_of_key(blueprint, name)
    return _put_at_end(
        f"FROM {tables.lists(blueprint, name)} t WHERE {of_key}",
        f"FROM {tables.table(blueprint, name)} t WHERE {of_key}",
        pos_column(blueprint, name),
        put_head(blueprint, name, "our_value"),
        tables.put(blueprint, name, f"SELECT {row}"),
    )


def _put_at_end(lists: str, rows: str, pos: str, head: str, put: str) -> str:
    """Put one id first or last in a list that its rows do not give back: what is left of it tells
    that they are those of OLD. An id that stood there before stays where it is. `lists` and `rows`
    are FROM clauses of the list's head and its rows, `head` and `put` write them."""
    element = "outgrow.key_of(our_value -> {0}) IS NOT NULL AND ROW(our_value - ({0}))::record"
    before = "ROW(our_before)::record"
    return f"""
    IF (CASE
        WHEN our_heads <> 1 OR our_whole OR our_before IS NULL
            OR jsonb_typeof(our_before) <> 'array' OR jsonb_typeof(our_value) <> 'array' THEN false
        WHEN jsonb_array_length(our_value) <> jsonb_array_length(our_before) + 1 THEN false
        ELSE (SELECT ROW(t.unmapped)::record *= {before} {lists}) END)
    THEN
        IF {element.format(-1)} *= {before} THEN
            our_element := our_value ->> -1;
            our_labels := ARRAY(SELECT coalesce(max(t.{pos}), 0) + outgrow.pos_step() {rows});
        ELSIF {element.format(0)} *= {before} AND NOT our_before ? (our_value ->> 0) THEN
            our_element := our_value ->> 0;
            our_labels := ARRAY(
                SELECT coalesce(min(t.{pos}) - outgrow.pos_step(), outgrow.pos_step()) {rows});
        END IF;
        IF our_element IS NOT NULL THEN{head}
            IF NOT our_before ? our_element THEN{put}
            END IF;
            RETURN;
        END IF;
    END IF;"""


def put_changed(blueprint: Blueprint, name: str, elements: str) -> str:
    """Decode and insert together the rows that are new or have another position."""
    pos = pos_column(blueprint, name)
    listed = ", ".join(
        f"our_made[r.{pos} / outgrow.pos_step()]" if c == pos else f"r.{c}"
        for c in map(quote, tables.columns(blueprint, name))
    )
    rows = tables.function(blueprint, name, "rows")
    return """
    SELECT coalesce(array_agg(m.v ORDER BY m.n), '{}'),
        coalesce(array_agg(m.label ORDER BY m.n), '{}')
    INTO our_new, our_made
    FROM unnest(our_new, our_made) WITH ORDINALITY AS m(v, label, n)
    WHERE m.label IS NOT NULL;""" + tables.put(
        blueprint, name, f"SELECT {listed} FROM {rows}(our_key, {elements}) r"
    )
