"""The function that keeps the rows of one list, which the store's row trigger calls.

`pos` only orders the rows of a list: each is `outgrow.pos_step()` behind the one before when a list
is new, and later changes leave the rows alone that they are not about. What is put between two rows
divides the gap between them, what is put before the first or behind the last goes a step further.
Where a gap is used up, the rows around it are spread anew: 16 on either side, then 64, and so on.

Above READ COMMITTED a transaction may see, beside the rows that it made under a key, those that the
key had before somebody else deleted it. They cannot be deleted again (40001), so they are left out:
there are two heads then, and `age(xmin) <= 0` says of a row that this transaction made it.
"""

from __future__ import annotations

from collections.abc import Iterator

from outgrow.blueprint import SEGMENT_LIMIT, Blueprint, Column
from outgrow.layout import expressions as ex
from outgrow.layout.shadow import tables
from outgrow.queries import function_body, quote


def put(blueprint: Blueprint, name: str, selected: str, changed_only: bool = False) -> str:
    """INSERT, or bring up to date."""
    listed = ", ".join(map(quote, tables.columns(blueprint, name)))
    others = [
        c for c in tables.columns(blueprint, name) if c not in tables.identity(blueprint, name)
    ]
    if others:
        sets = ", ".join(f"{quote(c)} = excluded.{quote(c)}" for c in others)
        action = f"DO UPDATE SET {sets}"
    else:
        action = "DO NOTHING"
    if others and changed_only:
        now = ", ".join(f"t.{quote(c)}" for c in others)
        new = ", ".join(f"excluded.{quote(c)}" for c in others)
        # As images: 1.0 equals 1, and is not the same.
        action += f"\n            WHERE ROW({now})::record *<> ROW({new})::record"
    return (
        f"\n        INSERT INTO {tables.table(blueprint, name)} AS t ({listed})"
        f"\n        {selected}"
        f"\n        ON CONFLICT ON CONSTRAINT {quote(name + '_pkey')} {action};"
    )


def rows_of(blueprint: Blueprint, name: str, variables: str = "this") -> str:
    """SELECT the rows of the key and the value in these variables."""
    listed = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    function = tables.function(blueprint, name, "rows")
    return f"SELECT {listed} FROM {function}({variables}_key, {variables}_value) r"


def changed(blueprint: Blueprint, name: str) -> str:
    """The piece of the store's trigger: the function is called."""
    before = "CASE WHEN NOT is_new THEN old_value END"
    function = tables.function(blueprint, name, "follow")
    return f"\n        PERFORM {function}(this_key, this_value, {before});"


def follow(blueprint: Blueprint, name: str) -> str:
    """Make the function. `our_before` is NULL where the key is new."""
    shape = blueprint.pattern_of(name).shape
    body = {"ids": _ids, "objects": _objects, "map": _map}[shape](blueprint, name)
    lists = tables.lists(blueprint, name)
    all_rows = put(blueprint, name, rows_of(blueprint, name, "our"))
    signature = tables.function(blueprint, name, "follow")
    text = f"""{ex.OUR_NAMES}DECLARE
    our_heads bigint := 0;
    our_whole boolean;
    our_was text[];
    our_now text[];
    our_old text[];
    our_new text[];
    our_run record;
    our_placed record;
    our_labels bigint[];
    our_made bigint[];
    our_gone bigint[];
    our_full boolean;
    our_wide integer := 0;
BEGIN
    IF our_before IS NOT NULL OR current_setting('transaction_isolation') = 'read committed' THEN
        SELECT count(*), bool_and(t.leftovers IS NULL) INTO our_heads, our_whole
        FROM {lists} t WHERE {_of_key(blueprint, name)};
    END IF;
    IF our_heads = 0 THEN{_head(blueprint, name)}{all_rows}
        RETURN;
    ELSIF our_before IS NOT NULL AND ROW(our_value)::record *= ROW(our_before)::record THEN
        RETURN;
    END IF;{body}
END"""
    return (
        f"CREATE OR REPLACE FUNCTION {signature}"
        f"(our_key text, our_value jsonb, our_before jsonb)\n"
        f"RETURNS void\nLANGUAGE plpgsql\nSET search_path = pg_catalog, pg_temp\n"
        f"AS {function_body(text)}"
    )


def _ids(blueprint: Blueprint, name: str) -> str:
    """While the rows are the whole list, OLD says which they are, and what did not change is not
    looked up; else they say it themselves."""
    table, of_key = tables.table(blueprint, name), _of_key(blueprint, name)
    relation, pos = blueprint.relations[name], _pos(blueprint, name)
    element = next(quote(c) for c, own in relation.own.items() if own.element)
    all_rows = f"{tables.function(blueprint, name, 'rows')}(our_key, our_value) r"
    labels = (
        f"SELECT t.{pos} FROM unnest(our_was[our_run.old_first - 1 : our_run.old_last + 1])"
        f" WITH ORDINALITY AS u(v, n)"
        f"\n            LEFT JOIN {table} t ON {of_key} AND t.{element} = u.v AND {_MINE}"
        f"\n            ORDER BY u.n"
    )
    changes = _changes(labels)
    placed = _placed(blueprint, name, "to_jsonb(m.v)")
    appended = "outgrow.key_of(our_value -> -1) IS NOT NULL AND NOT our_before ? (our_value ->> -1)"
    return f"""{_appended(blueprint, name, appended)}
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
            AND NOT EXISTS (
                SELECT FROM (
                    SELECT u.v FROM unnest(our_new) AS u(v)
                    EXCEPT
                    SELECT u.v FROM unnest(our_old) AS u(v)) new
                WHERE EXISTS (SELECT FROM {table} t WHERE {of_key} AND t.{element} = new.v));
    END IF;
    IF our_whole IS NOT TRUE THEN{_head(blueprint, name)}
        our_was := ARRAY(
            SELECT t.{element} FROM {table} t WHERE {of_key} AND {_MINE}
            ORDER BY t.{pos}, t.{element});
        our_now := ARRAY(SELECT r.{element} FROM {all_rows} ORDER BY r.{pos});{changes}
    END IF;{_spread(labels)}
    DELETE FROM {table} t
    USING (
        SELECT u.v FROM unnest(our_old) AS u(v)
        EXCEPT
        SELECT u.v FROM unnest(our_new) AS u(v)) gone
    WHERE {of_key} AND t.{element} = gone.v AND {_MINE};{placed}"""


def _objects(blueprint: Blueprint, name: str) -> str:
    """Only the elements that changed are decoded. The rows are known by their order: where there
    are more or fewer than OLD says, all are made again."""
    table, of_key = tables.table(blueprint, name), _of_key(blueprint, name)
    pos = _pos(blueprint, name)
    labels = (
        f"SELECT t.{pos} FROM {table} t WHERE {of_key} AND {_MINE}"
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

    return f"""{_appended(blueprint, name, "jsonb_typeof(our_value -> -1) = 'object'")}{
        _head(blueprint, name)
    }
    our_was := {objects("our_before")};
    our_now := {objects("our_value")};
    IF (SELECT count(*) FROM {table} t WHERE {of_key} AND {_MINE}) <> cardinality(our_was) THEN
        DELETE FROM {table} t WHERE {of_key} AND {_MINE};
        our_was := '{{}}';
    END IF;{_changes(labels)}{_spread(labels)}
    DELETE FROM {table} t
    WHERE {of_key} AND t.{pos} = ANY (our_gone) AND {_MINE};{
        _placed(blueprint, name, "m.v::jsonb")
    }"""


def _map(blueprint: Blueprint, name: str) -> str:
    """Only the members that changed are decoded and written."""
    relation = blueprint.relations[name]
    new = f"{ex.members('our_value')} AS n(k, v)"
    old = f"{ex.members('our_before')} AS o(k, v)"
    listed = ", ".join(f"r.{quote(c)}" for c in tables.columns(blueprint, name))
    rows = tables.function(blueprint, name, "rows")
    return (
        _head(blueprint, name)
        + f"""
    DELETE FROM {tables.table(blueprint, name)} t
    USING (
        SELECT o.k FROM {old}
        EXCEPT
        SELECT n.k FROM {new} WHERE {ex.is_member(relation, "n.k", "n.v")}
    ) gone
    WHERE {_of_key(blueprint, name)} AND t.{quote(relation.entry)} = gone.k AND {_MINE};"""
        + put(
            blueprint,
            name,
            f"SELECT {listed} FROM {new}"
            f"\n    LEFT JOIN {old} ON o.k = n.k"
            f"\n    CROSS JOIN LATERAL {rows}(our_key, jsonb_build_object(n.k, n.v)) r"
            f"\n    WHERE o.v::text IS DISTINCT FROM n.v::text",
        )
    )


_MINE = "(our_heads = 1 OR age(t.xmin) <= 0)"


def _of_key(blueprint: Blueprint, name: str) -> str:
    return tables.of_key(blueprint, name, "t", "our_key")


def _pos(blueprint: Blueprint, name: str) -> str:
    return quote(tables.pos(blueprint, name) or "")


def _columns(blueprint: Blueprint, name: str) -> Iterator[tuple[str, Column | None]]:
    """Of the table, with what the blueprint says of them."""
    own = blueprint.relations[name].own
    return ((column, own.get(column)) for column in tables.columns(blueprint, name))


def _head(blueprint: Blueprint, name: str) -> str:
    """The list's own row, where it is not there or does not say what it must."""
    heads = tables.heads(blueprint, name, "our_key")
    parts, values = ", ".join(map(quote, heads)), ", ".join(heads.values())
    return f"""
    INSERT INTO {tables.lists(blueprint, name)} AS t ({parts}, leftovers)
    VALUES ({values}, {tables.leftovers(blueprint, name, "our_value")})
    ON CONFLICT ON CONSTRAINT {quote(name + "_lists_pkey")}
        DO UPDATE SET leftovers = excluded.leftovers
        WHERE t.leftovers IS NOT NULL OR excluded.leftovers IS NOT NULL;"""


def _appended(blueprint: Blueprint, name: str, is_row: str) -> str:
    """Append one element to a list that its rows give back: what most changes of a list are, and
    what costs least. Images are compared, because 1.0 equals 1 and is not the same."""
    table, of_key = tables.table(blueprint, name), _of_key(blueprint, name)
    pos = _pos(blueprint, name)
    listed = ", ".join(
        "l.last + outgrow.pos_step()" if own is not None and own.position else f"r.{quote(c)}"
        for c, own in _columns(blueprint, name)
    )
    row = put(
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


def _changes(labels: str) -> str:
    """Find what changed, and a `pos` for all that is new: `our_new` with `our_made`, in place of
    `our_old` with `our_gone`. `our_full` says that there is no room for some of it."""
    return f"""
    our_old := '{{}}';
    our_new := '{{}}';
    our_made := '{{}}';
    our_gone := '{{}}';
    our_full := false;
    FOR our_run IN SELECT * FROM outgrow.list_changes(our_was, our_now) LOOP
        our_old := our_old || our_was[our_run.old_first : our_run.old_last];
        our_new := our_new || our_now[our_run.new_first : our_run.new_last];{_labels(labels, False)}
        our_full := our_full OR our_placed.made IS NULL;
        our_made := our_made || our_placed.made;
        our_gone := our_gone || our_placed.gone;
    END LOOP;"""


def _labels(labels: str, spread: bool) -> str:
    return f"""
        our_labels := ARRAY(
            {labels});
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_was[our_run.old_first : our_run.old_last],
            our_now[our_run.new_first : our_run.new_last], our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), {spread}) l;"""


def _spread(labels: str) -> str:
    """Where there is no room, make all around what changed anew, further and further."""
    return f"""
    IF our_full THEN
        SELECT min(c.old_first) AS old_first, max(c.old_last) AS old_last,
            min(c.new_first) AS new_first, max(c.new_last) AS new_last
        INTO our_run FROM outgrow.list_changes(our_was, our_now) c;
    END IF;
    WHILE our_full LOOP
        our_wide := greatest(16, our_wide * 4);
        our_run.old_first := greatest(our_run.old_first - our_wide, 1);
        our_run.new_first := greatest(our_run.new_first - our_wide, 1);
        our_run.old_last := least(our_run.old_last + our_wide, cardinality(our_was));
        our_run.new_last := least(our_run.new_last + our_wide, cardinality(our_now));{
        _labels(labels, True)
    }
        our_old := our_was[our_run.old_first : our_run.old_last];
        our_new := our_now[our_run.new_first : our_run.new_last];
        our_made := our_placed.made;
        our_gone := our_placed.gone;
        our_full := our_made IS NULL;
    END LOOP;"""


def _placed(blueprint: Blueprint, name: str, element: str) -> str:
    """The rows that are new or have another place."""
    listed = ", ".join(
        "m.label" if own is not None and own.position else f"r.{quote(c)}"
        for c, own in _columns(blueprint, name)
    )
    return put(
        blueprint,
        name,
        f"SELECT {listed}"
        f"\n    FROM unnest(our_new, our_made) AS m(v, label)"
        f"\n    CROSS JOIN LATERAL {tables.function(blueprint, name, 'rows')}("
        f"our_key, jsonb_build_array({element})) r"
        f"\n    WHERE m.label IS NOT NULL",
    )
