"""The JSON that services answer with, read again for a page."""

from __future__ import annotations

from typing import Any

import msgspec

from outgrow.errors import Damaged


def decoded(body: bytes) -> Any:
    """What PostgreSQL wrote. An old client's JSON, nested or with numbers beyond what Python reads,
    makes no page. Raises Damaged."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as e:
        raise Damaged("internal_error", "an old client wrote what no page can show") from e
