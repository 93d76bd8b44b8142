"""Which elements of a list changed, and the places of those that are new. Pure text, no I/O.

Pieces of the functions that layout/shadow/lists.py makes: from `our_was` and `our_now`, the old and
the new elements as texts, to `our_old`, `our_new`, `our_made` and `our_gone`.
"""

from __future__ import annotations

MANY = 256
"""Elements of a list that is long."""


def changes(labels: str, anew: bool = False) -> str:
    """Find what changed, and a `pos` for all that is new: `our_new` with `our_made`, in place of
    `our_old` with `our_gone`. `our_full` says that there is no room for some of it, `our_anew` that
    most of a long list is in one run, where to make all rows is what costs least."""
    most = f"""
        IF (our_run.new_last - our_run.new_first + 1) * 2 > greatest(cardinality(our_now), {MANY})
        THEN
            our_anew := true;
            EXIT;
        END IF;"""
    return f"""
    our_old := '{{}}';
    our_new := '{{}}';
    our_made := '{{}}';
    our_gone := '{{}}';
    our_full := false;
    FOR our_run IN SELECT * FROM outgrow.list_changes(our_was, our_now) LOOP{most if anew else ""}
        our_old := our_old || our_was[our_run.old_first : our_run.old_last];
        our_new := our_new || our_now[our_run.new_first : our_run.new_last];{_labels(labels, False)}
        our_full := our_full OR our_placed.made IS NULL;
        our_made := our_made || our_placed.made;
        our_gone := our_gone || our_placed.gone;
    END LOOP;"""


def set_changes() -> str:
    """Find what changed in a list whose order nobody keeps."""
    return """
    our_old := ARRAY(SELECT unnest(our_was) EXCEPT SELECT unnest(our_now));
    our_new := ARRAY(SELECT unnest(our_now) EXCEPT SELECT unnest(our_was));
    our_made := array_fill(0::bigint, ARRAY[cardinality(our_new)]);"""


def _labels(labels: str, spread: bool) -> str:
    return f"""
        our_labels := ARRAY(
            {labels});
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_was[our_run.old_first : our_run.old_last],
            our_now[our_run.new_first : our_run.new_last], our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), {spread}) l;"""


def spread(labels: str) -> str:
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
