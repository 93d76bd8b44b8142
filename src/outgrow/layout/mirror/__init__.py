"""Mirror tables: real tables of relations, kept by triggers of the store. Pure text, no I/O.

They are in a schema of their own (`campus_tables`), which the store's triggers need and which
stays when the views are made again. For a relation `connections`:

* the table `connections`, with the view's columns except `store_key` and `store_value`;
* for a list, the table `connections_lists`: a row for each key of the store, so that an empty list
  is not the same as none; and in `unmapped` the list itself when its rows do not give it back;
* `connections_rows(store_key, store_value)`: what the view shows of one row of the store;
* `store_changed()`, one for all relations that have tables: AFTER each change of a store's row, in
  the writer's transaction and under the row's lock, it makes the rows of that key what
  `connections_rows` says. Where the backfill has not come yet, it does the backfill's work.

Nothing here may make a write to the store fail: no constraint but primary keys, whose texts are
bounded (blueprint.SEGMENT_LIMIT).
"""

from outgrow.layout.mirror.backfill import backfill, backfill_keys, last_key, verify, verify_back
from outgrow.layout.mirror.sync_triggers import SyncTriggers, sync_triggers, version
from outgrow.layout.mirror.tables import (
    analyze,
    columns,
    expand,
    indexes,
    is_list,
    lists,
    retire,
    schema,
    seen_through,
    table,
    views,
)
from outgrow.layout.mirror.values import value_of

__all__ = [
    "SyncTriggers",
    "analyze",
    "backfill",
    "backfill_keys",
    "columns",
    "expand",
    "indexes",
    "is_list",
    "last_key",
    "lists",
    "retire",
    "schema",
    "seen_through",
    "sync_triggers",
    "table",
    "value_of",
    "verify",
    "verify_back",
    "version",
    "views",
]
