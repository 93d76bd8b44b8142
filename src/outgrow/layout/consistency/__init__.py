"""The home of what is wrong in a store: every kind by its one name, and the SQL that finds it.

A *misfit* is a value that does not fit its place. An *inconsistency* is between rows: one says what
another does not. Whoever asks knows either the blueprint (`misfits.checks`) or only what an
inspection found out, as `families`: `values` lists the misfits of these, `inconsistencies` what
contradicts. `unmapped` says of a list what its rows do not. Pure text, no I/O.
"""

from __future__ import annotations

MISFITS = {
    "doubled": "an id that stands twice in one list",
    "wrong_shape": "a value of another kind than all others of its pattern",
    "wrong_element": "a list with an element of another kind than all others",
    "json_text": "JSON inside a text, where others hold the value itself",
}
INCONSISTENCIES = {
    "dangling": "an id of nothing",
    "orphan": "a part of something that is not there",
    "stale": "an entry of an index whose row says otherwise",
    "missing": "a row that its index does not have",
    "one_sided": "an id in a list of somebody who is not in the list of that id",
    "sentinel": "in place of an id, what the app writes there for somebody who has none",
}
KINDS = MISFITS | INCONSISTENCIES
"""What is found without a blueprint."""

BECOMES = {
    "doubled": "of its ids there is a row each, and the whole list stays beside them",
    "wrong_shape": "it has no rows: it stays in the store, whole",
    "wrong_element": "no row for it: it stays where it is, beside the rows of the others",
    "json_text": "it has no rows: it stays in the store, whole",
    "dangling": "no such row there: an ordinary row here",
    "orphan": "no such row there: an ordinary row here",
    "stale": "the list names it, and its row says otherwise: the relation does not show it there",
    "missing": "the list lacks it: the relation shows it",
    "one_sided": "the other's list lacks it: an ordinary row, on this side only",
}
"""What a growth makes of these; a sentinel is no damage."""

UNMAPPED = "unmapped"
"""The kind of all keys whose rows do not say all of them: it has the other kinds' keys together."""
