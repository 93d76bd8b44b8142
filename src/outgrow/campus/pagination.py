"""Pagination: the page of a list that is asked for, and cursors that say where the next begins.

A list's SQL returns four columns: `body`, which is `{"items":[...]` without its closing brace,
`has_more`, and `last_sort` and `last_id` of the last row shown. A cursor is these two, sealed with
a keyed hash over the list that they belong to: its name, school, filters and sort. So a cursor of
another list or of other filters is refused, as is one that was changed, and PostgreSQL only gets
sort keys that it returned itself.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from outgrow.errors import BadCursor, BadInput, Damaged

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 100
LARGEST_OFFSET = 10_000
_SEAL = 12  # bytes of the keyed hash in a cursor
_START = (None, None)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: `limit` rows behind `cursor`, or behind the first `offset`."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    cursor: str | None = None

    def __post_init__(self) -> None:
        if self.cursor is not None and self.offset:
            raise BadInput(
                "cursor_with_offset",
                "a page is asked for by cursor or by offset, not by both",
                hint="leave offset out",
            )
        if self.offset > LARGEST_OFFSET:
            raise BadInput(
                "offset_too_large",
                f"offset goes up to {LARGEST_OFFSET}",
                detail=f"offset={self.offset}",
                hint='follow "next" of each page with ?cursor= instead: it has no depth limit',
            )


class Cursors:
    """Sealed cursors, by a key that outlives the process."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _hash(self, of: Sequence[Any], payload: bytes) -> bytes:
        context = msgspec.json.encode(of)
        return blake2b(context + b"\n" + payload, digest_size=_SEAL, key=self._key).digest()

    def seal(self, of: Sequence[Any], after: Sequence[str]) -> str:
        payload = msgspec.json.encode(after)
        sealed = self._hash(of, payload) + payload
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")

    def open(self, of: Sequence[Any], cursor: str | None) -> Sequence[str | None]:
        """Return the sort key and id behind which the page begins; two None for the first page.

        Raises BadCursor.
        """
        if cursor is None:
            return _START
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            sealed = b""
        payload = sealed[_SEAL:]
        if not hmac.compare_digest(sealed[:_SEAL], self._hash(of, payload)):
            raise BadCursor(
                "bad_cursor",
                "this list gave no such cursor",
                hint="a cursor is good for the list, filters and sort that gave it; "
                "leave it out to start over",
            )
        after: list[str] = msgspec.json.decode(payload)
        return after

    def finish(self, row: Any, of: Sequence[Any], extra: bytes = b"") -> bytes:
        """Return the body of a page from its row. `extra` is more members, each with a leading
        comma."""
        if not row["has_more"]:
            return b"".join((row["body"], b',"next":null', extra, b"}"))
        cursor = self.seal(of, (row["last_sort"], row["last_id"])).encode("ascii")
        return b"".join((row["body"], b',"next":"', cursor, b'"', extra, b"}"))


def decoded(body: bytes) -> Any:
    """Return the JSON that a service answered with as objects, for a page.

    Raises Damaged for an old client's JSON that Python cannot read: too deeply nested, or with
    numbers that are too long.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as e:
        raise Damaged("internal_error", "an old client wrote what no page can show") from e
