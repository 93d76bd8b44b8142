"""INSTEAD OF triggers of the relations, the same wherever a relation is read from: what is written
goes to the store, which keeps the table if there is one. Pure text, no I/O.

Each of them does this, in this order:

1. Refuse a row that could not be read back as it is (its key would belong to another pattern, a
   text too long, a field in `rest` that is a column).
2. Lock all the keys it will touch, in key order, with `lock_keys`: lists that are not there yet are
   made first, because a row that does not exist cannot be locked.
3. Read the row again: OLD is from the statement's snapshot, and another transaction may have
   changed the row while this one waited for the lock. A difference raises serialization_failure
   (40001), and the caller's transaction runs again.
4. Change the one store row, then the derived lists for old clients.

They run with the rights of the role that writes to the relation, with a pinned search_path.
"""

from __future__ import annotations

from outgrow.blueprint import SEGMENT_LIMIT, Blueprint, Relation
from outgrow.layout import expressions as ex
from outgrow.layout import relations
from outgrow.queries import function_body, literal, quote

TURNS = 10


def lock_keys(blueprint: Blueprint, store: str) -> str:
    """Make `lock_keys(keys, made)`: row locks in key order until the end of the transaction.

    Keys in `made` (all, unless given) that a pattern of lists or maps claims are inserted first,
    empty, when they do not exist. NULL and '' are skipped: the `store_key` of a relation that is
    read from a table.

    A list that is made and still not there may have been deleted by another session, so it is made
    again; after TURNS, a trigger or a policy of the store is taken to hide it.
    """

    def claimed(*shapes: str) -> list[str]:
        return [
            f"({ex.matches(blueprint, name, 'this_key')})"
            for name, pattern in blueprint.patterns.items()
            if pattern.shape in shapes
        ]

    lists = claimed("ids", "objects", "map")
    maps = claimed("map")
    empty = f"CASE WHEN {' OR '.join(maps)} THEN '{{}}' ELSE '[]' END::jsonb" if maps else "'[]'"
    return _function(
        quote(blueprint.name, "lock_keys") + "(keys text[], made text[] DEFAULT NULL)",
        "void",
        f"""
DECLARE
    this_key text;
BEGIN
    FOR this_key IN
        SELECT DISTINCT k COLLATE "C" FROM unnest(keys) AS k WHERE k <> '' ORDER BY 1
    LOOP
        FOR turn IN 1 .. {TURNS} LOOP
            PERFORM 1 FROM {store} WHERE key = this_key FOR UPDATE;
            EXIT WHEN FOUND;
            EXIT WHEN made IS NOT NULL AND this_key <> ALL (made);
            EXIT WHEN NOT ({" OR ".join(lists) or "false"});
            INSERT INTO {store} (key, value) VALUES (this_key, {empty})
            ON CONFLICT DO NOTHING;
            EXIT WHEN FOUND;
            IF turn = {TURNS} THEN{_not_kept(store)}
            END IF;
        END LOOP;
    END LOOP;
END""",
    )


def write(blueprint: Blueprint, name: str, store: str, store_name: str) -> list[str]:
    """Return the trigger function of a relation and its trigger."""
    relation = blueprint.relations[name]
    view = quote(blueprint.name, name)
    if relation.pattern is None:
        function = quote(blueprint.name, "read_only")
    else:
        function = quote(blueprint.name, name + "_write")
    made = []
    if relation.pattern is not None:
        shape = blueprint.patterns[relation.pattern].shape
        bodies = {"document": _document, "ids": _ids, "objects": _objects, "map": _map}
        body = bodies[shape]
        made.append(_function(function + "()", "trigger", body(blueprint, name, store, store_name)))
    made.append(
        f"CREATE TRIGGER {quote(name + '_write')} INSTEAD OF INSERT OR UPDATE OR DELETE ON {view}\n"
        f"FOR EACH ROW EXECUTE FUNCTION {function}()"
    )
    return made


def trim(blueprint: Blueprint, name: str, store: str) -> list[str]:
    """Make `messages_trim(of_key, before_pos)`: delete the rows with a smaller `pos` from a list of
    objects, in one write of its key; a DELETE of each row would write it as many times. Locks the
    key. Elements that are no rows stay. A list that fills derived ones has none."""
    if blueprint.pattern_of(name).shape != "objects" or relations.derived_lists(blueprint, name):
        return []
    relation, pattern = blueprint.relations[name], blueprint.pattern_of(name)
    pos = next(quote(c) for c, column in relation.owned_columns.items() if column.position)
    parts = {quote(c): ex.variable(pattern, v, "of_key") for v, c in relation.key_columns.items()}
    lookup_key = f"{quote(blueprint.name, name + '_lookup_key')}({', '.join(parts.values())})"
    of_key = " AND ".join(
        f"r.{column} = {sql}" for column, sql in {**parts, "store_key": lookup_key}.items()
    )
    return [
        _function(
            f"{quote(blueprint.name, name + '_trim')}(of_key text, before_pos bigint)",
            "void",
            f"""
DECLARE
    many bigint;
BEGIN
    PERFORM {quote(blueprint.name, "lock_keys")}(ARRAY[of_key], '{{}}');
    SELECT count(*) INTO many FROM {quote(blueprint.name, name)} r
    WHERE {of_key} AND r.{pos} < before_pos;
    UPDATE {store} s SET value = (
        SELECT coalesce(jsonb_agg(e.v ORDER BY e.n), '[]')
        FROM (
            SELECT e.v, e.n, jsonb_typeof(e.v) = 'object' AS is_row,
                count(*) FILTER (WHERE jsonb_typeof(e.v) = 'object') OVER (ORDER BY e.n) AS rank
            FROM jsonb_array_elements(s.value) WITH ORDINALITY AS e(v, n)) e
        WHERE NOT e.is_row OR e.rank > many)
    WHERE s.key = of_key AND many > 0;
END""",
        )
    ]


def read_only(blueprint: Blueprint) -> str:
    return _function(
        quote(blueprint.name, "read_only") + "()",
        "trigger",
        """
BEGIN
    RAISE EXCEPTION 'relation % is read only: it shows another relation', TG_TABLE_NAME
        USING ERRCODE = 'feature_not_supported';
END""",
    )


def _document(blueprint: Blueprint, name: str, store: str, store_name: str) -> str:
    relation = blueprint.relations[name]
    encoded = _encode_call(blueprint, name, relation)
    return f"""
DECLARE
    this_key text := {_key_call(blueprint, name)};
    old_value jsonb;
    new_value jsonb;{relations.declare_derived(blueprint, name)}
BEGIN
    IF TG_OP <> 'DELETE' THEN{_refuse_key(blueprint, name)}{_rest(blueprint, name)}
        new_value := {encoded};{_refuse_row(blueprint, name, "new_value")}
    END IF;{relations.lock_derived(blueprint, name, "this_key")}
    IF TG_OP = 'INSERT' THEN
        INSERT INTO {store} (key, value) VALUES (this_key, new_value);
        IF NOT FOUND THEN{_not_kept(store)}
        END IF;
    ELSE
        SELECT s.value INTO old_value FROM {store} s WHERE s.key = this_key;
        IF NOT EXISTS (
            SELECT FROM {quote(blueprint.name, name + "_decode")}(this_key, old_value) d
            WHERE {_same_row(relation)}
        ) THEN{_lost_race(name)}
        END IF;
        IF TG_OP = 'UPDATE' THEN
            UPDATE {store} s SET value = new_value WHERE s.key = this_key;
        ELSE
            DELETE FROM {store} s WHERE s.key = this_key;
        END IF;
    END IF;{relations.change_derived(blueprint, name, store)}
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.store_key := this_key;
    NEW.store_value := new_value;
    RETURN NEW;
END"""


def _ids(blueprint: Blueprint, name: str, store: str, store_name: str) -> str:
    relation = blueprint.relations[name]
    element = next(c for c, column in relation.owned_columns.items() if column.element)
    new, old = f"NEW.{quote(element)}", f"OLD.{quote(element)}"
    kept = relations.change_derived(blueprint, name, store)
    return f"""
DECLARE
    this_key text := {_key_call(blueprint, name)};
    list jsonb;{relations.declare_derived(blueprint, name)}
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'a row of {name} has nothing to update'
            USING ERRCODE = 'feature_not_supported', HINT = 'delete it and insert another';
    ELSIF TG_OP = 'INSERT' THEN{_refuse_key(blueprint, name)}
        IF {new} IS NULL OR length({new}) > {SEGMENT_LIMIT} THEN
            RAISE EXCEPTION 'a row of {name} cannot be kept: % is not an id', {new}
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;{relations.lock_derived(blueprint, name, "this_key")}
    SELECT s.value INTO list FROM {store} s WHERE s.key = this_key;
    IF TG_OP = 'DELETE' THEN
        IF list IS NULL OR jsonb_typeof(list) <> 'array'
            OR NOT list @> jsonb_build_array({old}) THEN{_lost_race(name)}
        END IF;
        -- Takes every element that is this text: a doubled id is one row.
        UPDATE {store} s SET value = list - {old} WHERE s.key = this_key;{kept}
        RETURN OLD;
    END IF;{_not_a_list(store, store_name)}
    IF list @> jsonb_build_array({new}) THEN
        RAISE EXCEPTION 'duplicate row of {name}: % is in %', {new}, this_key
            USING ERRCODE = 'unique_violation';
    END IF;
    UPDATE {store} s SET value = list || to_jsonb({new}) WHERE s.key = this_key;{kept}
    NEW.store_key := this_key;
    RETURN NEW;
END"""


def _objects(blueprint: Blueprint, name: str, store: str, store_name: str) -> str:
    relation = blueprint.relations[name]
    pos = next(quote(c) for c, column in relation.owned_columns.items() if column.position)
    position = f"{quote(blueprint.name, name + '_place')}(this_key, OLD.{pos}, list)"
    last_pos = quote(blueprint.name, name + "_last_pos")
    new_element = _encode_call(blueprint, name, relation)
    old_element = _encode_call(blueprint, name, relation, row="OLD")
    refuse_row = _refuse_row(blueprint, name, "jsonb_build_array(element)")
    kept = relations.change_derived(blueprint, name, store)
    return f"""
DECLARE
    this_key text := {_key_call(blueprint, name)};
    list jsonb;
    element jsonb;
    place integer;{relations.declare_derived(blueprint, name)}
BEGIN
    IF TG_OP <> 'DELETE' THEN{_refuse_key(blueprint, name)}{_rest(blueprint, name)}
        element := {new_element};{refuse_row}
    END IF;{relations.lock_derived(blueprint, name, "this_key")}
    SELECT s.value INTO list FROM {store} s WHERE s.key = this_key;
    IF TG_OP = 'INSERT' THEN{_not_a_list(store, store_name)}
        list := list || jsonb_build_array(element);
        UPDATE {store} s SET value = list WHERE s.key = this_key;{kept}
        NEW.store_key := this_key;
        NEW.{pos} := {last_pos}(this_key, list);
        RETURN NEW;
    END IF;
    -- Earlier elements may have gone since the snapshot, in this very statement too: the element is
    -- the last one like OLD at or before OLD's place. Images are compared: of a small element there
    -- may be a gigabyte of text.
    IF jsonb_typeof(list) = 'array' THEN
        place := {position};
        SELECT max(e.pos) INTO place
        FROM jsonb_array_elements(list) WITH ORDINALITY AS e(v, pos)
        WHERE e.pos <= place AND ROW(e.v)::record *= ROW({old_element})::record;
    END IF;
    IF place IS NULL THEN{_lost_race(name)}
    END IF;
    IF TG_OP = 'UPDATE' THEN
        UPDATE {store} s SET value = jsonb_set(list, ARRAY[(place - 1)::text], element)
        WHERE s.key = this_key;{kept}
        RETURN NEW;
    END IF;
    UPDATE {store} s SET value = list - (place - 1) WHERE s.key = this_key;{kept}
    RETURN OLD;
END"""


def _map(blueprint: Blueprint, name: str, store: str, store_name: str) -> str:
    relation = blueprint.relations[name]
    new, old = f"NEW.{quote(relation.entry)}", f"OLD.{quote(relation.entry)}"
    new_member = _encode_call(blueprint, name, relation)
    refuse_row = _refuse_row(blueprint, name, f"jsonb_build_object({new}, member)")
    rest = _rest(blueprint, name) if relation.has_rest else ""
    kept = relations.change_derived(blueprint, name, store)
    return f"""
DECLARE
    this_key text := {_key_call(blueprint, name)};
    map jsonb;
    member jsonb;{relations.declare_derived(blueprint, name)}
BEGIN
    IF TG_OP <> 'DELETE' THEN{_refuse_key(blueprint, name)}
        IF {new} IS NULL OR length({new}) > {SEGMENT_LIMIT} THEN
            RAISE EXCEPTION 'a row of {name} cannot be kept: % is not an id', {new}
                USING ERRCODE = 'check_violation';
        END IF;{rest}
        member := {new_member};{refuse_row}
    END IF;{relations.lock_derived(blueprint, name, "this_key")}
    SELECT s.value INTO map FROM {store} s WHERE s.key = this_key;
    IF TG_OP = 'INSERT' THEN{_not_a_list(store, store_name, "object", "{}", "map")}
        IF map ? {new} THEN
            RAISE EXCEPTION 'duplicate row of {name}: % is in %', {new}, this_key
                USING ERRCODE = 'unique_violation';
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM {quote(blueprint.name, name + "_decode")}(
            this_key, jsonb_build_object({old}, map -> {old})) d
        WHERE {_same_row(relation)}
    ) THEN{_lost_race(name)}
    END IF;
    IF TG_OP = 'DELETE' THEN
        UPDATE {store} s SET value = map - {old} WHERE s.key = this_key;{kept}
        RETURN OLD;
    END IF;
    UPDATE {store} s SET value = map || jsonb_build_object({new}, member)
    WHERE s.key = this_key;{kept}
    NEW.store_key := this_key;
    RETURN NEW;
END"""


def _function(signature: str, returns: str, body: str) -> str:
    # PERFORM of a function that returns void, and operators, must mean the same for every caller.
    return (
        f"CREATE FUNCTION {signature}\nRETURNS {returns}\nLANGUAGE plpgsql\n"
        f"SET search_path = pg_catalog, pg_temp\nAS {function_body(f'{ex.OUR_NAMES}{body}')}"
    )


def _key_call(blueprint: Blueprint, name: str) -> str:
    """Return the store's key of the row, wherever the relation is read from."""
    relation = blueprint.relations[name]
    function = quote(blueprint.name, name + "_key")

    def call(row: str) -> str:
        columns = [relation.key_columns[v] for v in blueprint.pattern_of(name).variables]
        return f"{function}({', '.join(f'{row}.{quote(c)}' for c in columns)})"

    return f"CASE WHEN TG_OP = 'INSERT' THEN {call('NEW')} ELSE {call('OLD')} END"


def _same_row(relation: Relation) -> str:
    """Return the condition that `d` is the row that OLD was: as images, because 1.0 is 1 to
    jsonb."""
    columns = [*relation.owned_columns, *(["rest"] if relation.has_rest else [])]
    images = {c for c, column in relation.owned_columns.items() if column.sql_type == "jsonb"} | {
        "rest"
    }
    return "\n                AND ".join(
        f"ROW(d.{quote(c)})::record *= ROW(OLD.{quote(c)})::record"
        if c in images
        else f"d.{quote(c)} IS NOT DISTINCT FROM OLD.{quote(c)}"
        for c in columns
    )


def _encode_call(blueprint: Blueprint, name: str, relation: Relation, row: str = "NEW") -> str:
    values = [f"{row}.{quote(column)}" for column in relation.encoded]
    values += [f"coalesce({row}.rest, '{{}}')"] if relation.has_rest else []
    return f"{quote(blueprint.name, name + '_encode')}({', '.join(values)})"


def _refuse_key(blueprint: Blueprint, name: str) -> str:
    relation = blueprint.relations[name]
    pattern = blueprint.patterns[relation.pattern or ""]
    columns = [f"NEW.{quote(c)}" for c in relation.key_columns.values()]
    variables = [ex.variable(pattern, v, "this_key") for v in relation.key_columns]
    moves = [
        *relation.key_columns.values(),
        *(c for c, column in relation.owned_columns.items() if column.entry),
    ]
    moved = " OR ".join(f"NEW.{quote(c)} IS DISTINCT FROM OLD.{quote(c)}" for c in moves)
    misread = f"ROW({', '.join(variables)}) IS DISTINCT FROM ROW({', '.join(columns)})"
    return f"""
        IF TG_OP = 'UPDATE' AND ({moved or "false"}) THEN
            RAISE EXCEPTION 'the key of a row of {name} does not change'
                USING ERRCODE = 'feature_not_supported', HINT = 'delete it and insert another';
        ELSIF this_key IS NULL OR NOT ({ex.matches(blueprint, relation.pattern or "", "this_key")})
            OR {misread if columns else "false"} THEN
            RAISE EXCEPTION 'a row of {name} cannot have the key %', this_key
                USING ERRCODE = 'check_violation',
                      HINT = {literal(f"its parts must fit the pattern {pattern.key}")};
        END IF;"""


def _rest(blueprint: Blueprint, name: str) -> str:
    """Drop from `rest` the original of each column that changes (a text that was cut, a value of
    another type)."""
    changed = [
        f"CASE WHEN NEW.{quote(c)} IS DISTINCT FROM OLD.{quote(c)} "
        f"THEN {literal(column.field or '')} END"
        for c, column in blueprint.relations[name].fields.items()
    ]
    listed = ",\n                ".join(changed)
    return f"""
        NEW.rest := coalesce(NEW.rest, '{{}}');
        IF jsonb_typeof(NEW.rest) <> 'object' THEN
            RAISE EXCEPTION 'the rest of a row of {name} is no object: %', this_key
                USING ERRCODE = 'check_violation';
        ELSIF TG_OP = 'UPDATE' THEN
            NEW.rest := NEW.rest - array_remove(ARRAY[
                {listed}]::text[], NULL);
        END IF;"""


def _refuse_row(blueprint: Blueprint, name: str, value: str) -> str:
    relation = blueprint.relations[name]
    columns = [f"d.{quote(c)} IS NOT DISTINCT FROM NEW.{quote(c)}" for c in relation.encoded]
    columns += ["d.rest = NEW.rest"] if relation.has_rest else []
    same = "\n                AND ".join(columns)
    return f"""
        IF NOT EXISTS (
            SELECT FROM {quote(blueprint.name, name + "_decode")}(this_key, {value}) d
            WHERE {same}
        ) THEN
            RAISE EXCEPTION 'a row of {name} cannot be kept as it is: %', this_key
                USING ERRCODE = 'check_violation',
                      HINT = 'a text is too long, a time outside the years 1000 to 2999, an array '
                             'is none, or rest holds a field that is a column';
        END IF;"""


def _not_kept(store: str) -> str:
    hint = f"look for a trigger or a row-level security policy of {store}"
    return f"""
            RAISE EXCEPTION 'the store does not keep what is written under %', this_key
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = {literal(hint)};"""


def _lost_race(name: str) -> str:
    return f"""
            RAISE EXCEPTION 'a row of {name} was changed by somebody else: %', this_key
                USING ERRCODE = 'serialization_failure', HINT = 'run the transaction again';"""


def _not_a_list(
    store: str, store_name: str, kind: str = "array", empty: str = "[]", name: str = "list"
) -> str:
    # NULL, which a store's column may allow, holds nothing to keep.
    return f"""
    {name} := coalesce({name}, '{empty}');
    IF jsonb_typeof({name}) <> '{kind}' THEN
        INSERT INTO outgrow.quarantine (store, key, value, reason)
        VALUES ({literal(store_name)}, this_key, {name}, 'a {name} was to be written');
        {name} := '{empty}';
    END IF;"""
