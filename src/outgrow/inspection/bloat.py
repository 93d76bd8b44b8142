"""How much of a table or index is air: an estimate from what ANALYZE saw. No I/O.

PostgreSQL can count it exactly only with an extension (pgstattuple) that reads everything. Here the
pages that so many rows of such widths need are compared with the pages there are; what the last
ANALYZE did not see is not seen, and below a fifth the estimate means nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_PAGE_HEADER = 24
_ROW = 4 + 24  # the pointer to it, and its header
_INDEX_ROW = 4 + 8
_INDEX_END = 16  # of every page of a btree
_ALIGNED = 8


def bloat_of_table(
    rows: int | None, pages: int, block: int, widths: Sequence[int | None]
) -> int | None:
    """Bytes, or None where nothing is known of the rows or of a column."""
    return _bloat(rows, pages, block - _PAGE_HEADER, _ROW, widths, 100, block)


def bloat_of_index(
    rows: int | None, pages: int, block: int, widths: Sequence[int | None], fillfactor: int
) -> int | None:
    """Of a btree of plain columns. Where equal entries are stored once it has less air than none,
    which is told as none."""
    usable = block - _PAGE_HEADER - _INDEX_END
    return _bloat(rows, pages - 1, usable, _INDEX_ROW, widths, fillfactor, block)


def _bloat(
    rows: int | None,
    pages: int,
    usable: int,
    overhead: int,
    widths: Sequence[int | None],
    fillfactor: int,
    block: int,
) -> int | None:
    known = [width for width in widths if width is not None]
    if rows is None or pages <= 0 or len(known) < len(widths) or not known:
        return None
    width = math.ceil(sum(known) / _ALIGNED) * _ALIGNED + overhead
    needed = math.ceil(rows * width / (usable * fillfactor / 100))
    return max(0, pages - needed) * block
