"""Fill a table from the store in batches, and compare the two."""

from __future__ import annotations

from outgrow.blueprint import Blueprint
from outgrow.layout import expressions as ex
from outgrow.layout.consistency.misfits import unmapped
from outgrow.layout.mirror import tables
from outgrow.layout.mirror.values import value_of
from outgrow.queries import Query, quote

USUAL_BYTES, USUAL_ELEMENTS = 1000, 4
"""What of a value takes as long as a key. Bytes as they are stored, perhaps compressed."""


def last_key(blueprint: Blueprint, name: str, store_schema: str, store_table: str) -> Query:
    """Return the query of the largest key of the pattern, or NULL: the backfill goes up to it, and
    the triggers bring later keys."""
    return Query(
        "grow.last_key",
        f"SELECT s.key FROM {quote(store_schema, store_table)} s\n"
        f"WHERE {ex.key_range(blueprint, name, 's.key')}\n"
        f'ORDER BY s.key COLLATE "C" DESC LIMIT 1',
    )


def backfill(blueprint: Blueprint, name: str, store_schema: str, store_table: str) -> Query:
    """Return the query of one batch: `$1` the last key before it, `$2` the last key of all, `$3`
    how many keys.

    It returns the last key, how many keys, how many rows were made, and the keys that others had
    locked. It waits for no lock: a batch that waited while it held other keys could deadlock with
    an old client. FOR SHARE keeps a key from being deleted before its rows are there, which would
    bring them back to life; rows that the trigger made already are newer, and stay.
    """
    store = quote(store_schema, store_table)
    return Query(
        "grow.backfill",
        f"""WITH {_batch(blueprint, name, store, "s.key")},
taken AS MATERIALIZED (
    SELECT s.key, s.value FROM {store} s
    WHERE s.key = ANY (ARRAY(SELECT key FROM batch))
    FOR SHARE SKIP LOCKED
),
{fill(blueprint, name)}
SELECT (SELECT max(key COLLATE "C") FROM batch), (SELECT count(*) FROM batch),
    (SELECT count(*) FROM filled),
    ARRAY(SELECT key FROM batch EXCEPT SELECT key FROM taken)""",
    )


def backfill_keys(blueprint: Blueprint, name: str, store_schema: str, store_table: str) -> Query:
    """Return the query that copies the keys `$1`: one key, or a session that waits here may be in
    another's way. It waits for their locks, except of keys that have been copied: the trigger keeps
    their rows. Returns how many rows were made."""
    return Query(
        "grow.backfill_keys",
        f"""WITH taken AS MATERIALIZED (
    SELECT s.key, s.value FROM {quote(store_schema, store_table)} s
    WHERE s.key = ANY ($1::text[]) AND ({_has_rows(blueprint, name, "s.key")}) IS NOT TRUE
    FOR SHARE
),
{fill(blueprint, name)}
SELECT count(*) FROM filled""",
    )


def verify(blueprint: Blueprint, name: str, store_schema: str, store_table: str) -> Query:
    """Compare the next keys of the store with the table: `$1` the last key before, `$2` the last of
    all, `$3` how many. Returns the last key, how many keys, those that are unmapped (there is no
    row, or the rows do not say all), and those that differ: their rows are not what decodes the
    value, or do not encode the value again. One statement: what others write
    meanwhile is in the store and in the table, or in neither. Values are compared as images: 1.0
    equals 1, and is not the same, and a number of eight bytes may have 131,072 characters. Of a
    `pos` only the order counts, and that no two rows of a key share it."""
    pos = tables.pos(blueprint, name)
    key = [c for c in tables.identity(blueprint, name) if c in tables.columns(blueprint, name)]
    key = key if pos is None else [pos, *key]
    of_key = tables.of_key(blueprint, name, "t", "b.key")
    listed = [quote(c) for c in tables.columns(blueprint, name) if c != pos]

    def rows(alias: str) -> str:
        order = f"ORDER BY {', '.join(f'{alias}.{quote(c)}' for c in key)}" if key else ""
        selected = [f"{alias}.{c}" for c in listed] + [f"row_number() OVER ({order}) AS row_at"]
        if pos is not None:
            rank = f"dense_rank() OVER (ORDER BY {alias}.{quote(pos)})"
            selected.append(f"{rank} AS place_at")
        return f"SELECT {', '.join(selected)}"

    shown = [*listed, "row_at", *([] if pos is None else ["place_at"])]
    made, kept = (", ".join(f"{alias}.{c}" for c in shown) for alias in ("made", "kept"))
    differs = (
        f"EXISTS (SELECT FROM ({rows('r')}\n"
        f"            FROM {tables.function(blueprint, name, 'rows')}(b.key, b.value) r) made\n"
        f"        FULL JOIN ({rows('t')}\n"
        f"            FROM {tables.table(blueprint, name)} t WHERE {of_key}) kept\n"
        f"        ON kept.row_at = made.row_at\n"
        f"        WHERE ROW({made})::record *<> ROW({kept})::record)"
    )
    compared = "batch b"
    is_unmapped = f"NOT EXISTS (SELECT FROM {tables.table(blueprint, name)} t WHERE {of_key})"
    if tables.is_list(blueprint, name):
        head = f"FROM {tables.lists(blueprint, name)} t WHERE {of_key}"
        left = unmapped(blueprint, name, "b.value")
        compared += f" CROSS JOIN LATERAL (SELECT {left} AS v OFFSET 0) l"
        is_unmapped = "l.v IS NOT NULL"
        differs += (
            f"\n        OR NOT EXISTS (SELECT {head})"
            f"\n        OR ROW((SELECT t.unmapped {head}))::record *<> ROW(l.v)::record"
        )
    if blueprint.relations[name].pattern is not None:
        value = f"(SELECT {value_of(blueprint, name, 'b.key')} AS v OFFSET 0)"
        differs += (
            f"\n        OR EXISTS (SELECT FROM {value} e"
            f"\n            WHERE e.v IS NOT NULL AND b.value IS NOT NULL"
            f"\n            AND ROW(e.v)::record *<> ROW(b.value)::record)"
        )
    return Query(
        "grow.verify",
        f"""WITH {_batch(blueprint, name, quote(store_schema, store_table), "s.key, s.value")},
compared AS MATERIALIZED (
    SELECT b.key, {is_unmapped} AS is_unmapped,
        {differs} AS differs
    FROM {compared}
)
SELECT max(key COLLATE "C"), count(*), coalesce(array_agg(key) FILTER (WHERE is_unmapped), '{{}}'),
    coalesce(array_agg(key) FILTER (WHERE differs), '{{}}')
FROM compared""",
    )


def verify_back(blueprint: Blueprint, name: str, store_schema: str, store_table: str) -> Query:
    """Return the query of up to 100 keys of rows of the table that no row of the store stands for:
    there is none, or its key is of another pattern, or has other ids than the row."""
    store = quote(store_schema, store_table)
    selects = []
    mirrors = [tables.table(blueprint, name)]
    if tables.is_list(blueprint, name):
        mirrors.append(tables.lists(blueprint, name))
    values = {v: f"t.{quote(c)}" for v, c in tables.keys(blueprint, name).items()}
    key = ex.key_of(blueprint.pattern_of(name), values)
    matches = ex.matches(blueprint, ex.pattern_name(blueprint, name), "k.key")
    heads = ", ".join(map(quote, tables.heads(blueprint, name, "")))
    for mirror in mirrors:
        selects.append(
            f"SELECT {key} AS key FROM {mirror} t\n"
            f"    WHERE NOT EXISTS (SELECT FROM {store} s WHERE s.key = {key})"
        )
        selects.append(
            f"SELECT k.key FROM (SELECT DISTINCT {heads} FROM {mirror}) t\n"
            f"    CROSS JOIN LATERAL (SELECT {key} AS key OFFSET 0) k\n"
            f"    WHERE ({matches}\n"
            f"        AND {tables.of_key(blueprint, name, 't', 'k.key')}) IS NOT TRUE"
        )
    union = "\n    UNION\n    ".join(selects)
    return Query(
        "grow.verify_back",
        f"SELECT ARRAY(\n    SELECT k.key FROM (\n    {union}\n    ) k LIMIT 100)",
    )


def _batch(blueprint: Blueprint, name: str, store: str, selected: str) -> str:
    """Return the CTE of the relation's next keys after `$1` and up to `$2`, in C order: at most
    `$3` and at least one, fewer where their values are large as stored or their lists have many
    elements. To count elements reads the values, so it is done only where the bytes allow."""
    rows = f"""SELECT s.key, s.value FROM {store} s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND {ex.key_range(blueprint, name, "s.key")}
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint"""
    for weight, usual in _weights(blueprint, name, "s.value"):
        rows = f"""SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum({weight}) OVER so_far, 0) AS weight
        FROM (
    {rows}
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * {usual}"""
    return f"batch AS MATERIALIZED (\n    SELECT {selected} FROM (\n    {rows}\n    ) s\n)"


def _weights(blueprint: Blueprint, name: str, value: str) -> list[tuple[str, int]]:
    """Return what makes a value cost more than a key (SQL), and how much of it costs as much as
    one."""
    size = f"pg_column_size({value})", USUAL_BYTES
    if not tables.is_list(blueprint, name):
        return [size]
    length = f"jsonb_array_length(CASE WHEN jsonb_typeof({value}) = 'array' THEN {value} END)"
    if blueprint.pattern_of(name).shape == "map":
        length = f"(SELECT count(*) FROM {ex.members(value)})"
    return [size, (length, USUAL_ELEMENTS)]


def _has_rows(blueprint: Blueprint, name: str, key: str) -> str:
    """Return the condition that the key has been copied, or was written since there are triggers.
    It is false, which says nothing, for a key without a row in a relation that is no list."""
    is_list = tables.is_list(blueprint, name)
    mirror = (tables.lists if is_list else tables.table)(blueprint, name)
    return f"EXISTS (SELECT FROM {mirror} t WHERE {tables.of_key(blueprint, name, 't', key)})"


def fill(blueprint: Blueprint, name: str) -> str:
    """Return the CTEs that insert the rows of `taken`, for keys that have not been copied."""
    listed = ", ".join(map(quote, tables.columns(blueprint, name)))
    rows = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    text, source, end = "", "taken", "ON CONFLICT DO NOTHING"
    if tables.is_list(blueprint, name):
        text, source = _heads(blueprint, name), "missing"
        # Whose head was not there has no rows: to look for each costs half as much as to add it.
        # A join would be planned for one key, and compare each with all of them.
        end = "WHERE (k.key IN (SELECT key FROM headed)) IS TRUE"
    return (
        text
        + f"""filled AS (
    INSERT INTO {tables.table(blueprint, name)} ({listed})
    SELECT {rows} FROM {source} k
    CROSS JOIN LATERAL {tables.function(blueprint, name, "rows")}(k.key, k.value) r
    {end}
    RETURNING 1
)"""
    )


def _heads(blueprint: Blueprint, name: str) -> str:
    """Return the CTEs that insert the heads of lists. `headed` has the keys that had none: in READ
    COMMITTED perhaps fewer than `missing`; in REPEATABLE READ all, or there is an error. There two
    heads of a key may be seen: one that another session deleted, and this transaction's."""
    heads = tables.heads(blueprint, name, "k.key")
    parts, values = ", ".join(map(quote, heads)), ", ".join(heads.values())
    lists = tables.lists(blueprint, name)
    of_key = tables.of_key(blueprint, name, "t", "k.key")
    made = {v: f"h.{quote(c)}" for v, c in tables.keys(blueprint, name).items()}
    return f"""missing AS MATERIALIZED (
    SELECT k.key, k.value FROM taken k
    WHERE (SELECT true FROM {lists} t WHERE {of_key} LIMIT 1) IS NULL
),
headed AS (
    INSERT INTO {lists} AS h ({parts}, unmapped)
    SELECT {values}, {unmapped(blueprint, name, "k.value")} FROM missing k
    ON CONFLICT DO NOTHING
    RETURNING {ex.key_of(blueprint.pattern_of(name), made)} AS key
),
"""
