"""Derived lists that are late: a writer notes what is to change in a list, instead of rewriting it,
and a job folds the notes into the list (schema.late_lists). Pure text, no I/O.

Which lists are late is a matter of the database, as their backing is. What `create` makes of a
blueprint follows `Derived.late`, so the blueprint is given to it as `with_late_lists` returns it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from outgrow.blueprint import Blueprint
from outgrow.layout import expressions as ex
from outgrow.queries import literal, quote


def with_late_lists(blueprint: Blueprint, lists: Mapping[str, int]) -> Blueprint:
    """Return the blueprint with these derived lists late, by so many seconds, and no other."""
    derived = {
        name: msgspec.structs.replace(item, late=lists.get(name, 0))
        for name, item in blueprint.derived.items()
    }
    return msgspec.structs.replace(blueprint, derived=derived)


def is_late(blueprint: Blueprint, key: str) -> str | None:
    """Return the condition (SQL) on a key of belonging to a late list, or None where none is."""
    patterns = [ex.matches(blueprint, name, key) for name, d in blueprint.derived.items() if d.late]
    return " OR ".join(f"({pattern})" for pattern in patterns) or None


def note(blueprint: Blueprint) -> str:
    """Write the notes of a trigger's `lists`. It holds the lock of the row that they are about, so
    of two notes of one element the later one has the larger id."""
    late = is_late(blueprint, "l.key")
    if late is None:
        return ""
    kept = [
        f"({ex.matches(blueprint, name, 'l.key')})"
        for name, derived in blueprint.derived.items()
        if derived.late and derived.kept
    ]
    source = f"CASE WHEN {' OR '.join(kept)} THEN NULL ELSE this_key END" if kept else "this_key"
    return f"""
    INSERT INTO outgrow.late_notes (name, key, element, source, added)
    SELECT {literal(blueprint.name)}, l.key, l.element, {source}, l.wanted
    FROM unnest(lists, elements, wanted) AS l(key, element, wanted)
    WHERE {late};"""


def passed_over(blueprint: Blueprint) -> str:
    """Begin the loop over a trigger's `lists` with what leaves out those that are late."""
    late = is_late(blueprint, "lists[i]")
    return "" if late is None else f"\n        CONTINUE WHEN {late};"


def functions(blueprint: Blueprint, relations: Mapping[str, list[str]]) -> list[str]:
    """Return `derived_lists(store_key, store_value)`: which late lists the rows of a key stand in,
    and as which element. `relations` are those that fill derived lists, each with the columns that
    these are made of. Nothing where no list is late."""
    late = is_late(blueprint, "l.key")
    if late is None:
        return []
    selects = []
    for name, columns in relations.items():
        arguments = ", ".join(f"d.{quote(column)}" for column in columns)
        pattern = blueprint.relations[name].pattern or ""
        selects.append(
            f"SELECT l.key, l.element\n"
            f"FROM {quote(blueprint.name, name + '_decode')}(store_key, store_value) d\n"
            f"CROSS JOIN LATERAL {quote(blueprint.name, name + '_lists')}({arguments}) l\n"
            f"WHERE {ex.matches(blueprint, pattern, 'store_key')} AND ({late})"
        )
    return [
        f"CREATE FUNCTION {derived_lists(blueprint)}(store_key text, store_value jsonb)\n"
        f"RETURNS TABLE (key text, element text)\n"
        f"LANGUAGE sql STABLE PARALLEL SAFE ROWS 4\n"
        f"BEGIN ATOMIC\n" + "\nUNION ALL\n".join(selects) + ";\nEND"
    ]


def derived_lists(blueprint: Blueprint) -> str:
    return quote(blueprint.name, "derived_lists")
