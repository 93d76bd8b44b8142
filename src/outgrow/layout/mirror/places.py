"""Which elements of a list changed, and the places of those that are new. Pure text, no I/O.

Pieces of the functions that layout/mirror/lists.py makes: from `our_was` and `our_now`, the old and
the new elements as texts, to `our_old`, `our_new`, `our_made` and `our_gone`.
"""

from __future__ import annotations

MANY = 256
"""Elements of a list that is long."""

FEW = 16
"""Runs of changes, of which each looks up its own places."""


def changes(labels: str, all_labels: str, anew: bool = False) -> str:
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
    FOR our_run IN SELECT * FROM outgrow.list_runs(our_was, our_now) LOOP{_appended("old")}{
        _appended("new")
    }{most if anew else ""}
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


def _appended(which: str) -> str:
    """A list that an element is put to stays where it is; with another list it is copied whole."""
    return f"""
        IF cardinality(our_run.{which}) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.{which} LOOP
                our_{which} := our_{which} || our_element;
            END LOOP;
        ELSE
            our_{which} := our_{which} || our_run.{which};
        END IF;"""


def set_changes() -> str:
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


def spread(labels: str) -> str:
    """Where there is no room, make all around what changed anew, further and further."""
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


def put_at_an_end(lists: str, rows: str, pos: str, head: str, put: str) -> str:
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
