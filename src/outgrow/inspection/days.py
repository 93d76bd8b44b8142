"""On which day a row was made, as far as it says so. No I/O."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from outgrow.inspection.values import reader

_MADE = ("createdAt", "created_at", "created", "timestamp", "sentAt", "date", "at")
_DAY = re.compile(r"20\d\d-[01]\d-[0-3]\d(?:[T ]|\Z)")
_MILLISECONDS = re.compile(r"(?<!\d)1[4-9]\d{11}(?!\d)")

_read = reader("object", [(name,) for name in _MADE])


def read_made(text: str | None) -> Any:
    """Of a value as much as `day_of` looks at."""
    return _read(text) if text and text[0] == "{" else None


def day_of(key: str, value: Any) -> str | None:
    """By a field's name, or by the milliseconds in the key: `2026-01-31`."""
    if isinstance(value, dict):
        for name in _MADE:
            made = value.get(name)
            if isinstance(made, str) and _DAY.match(made):
                return made[:10]
    found = _MILLISECONDS.search(key)
    return _day(int(found[0]) // 86_400_000) if found else None


@lru_cache(maxsize=4096)
def _day(number: int) -> str:
    """The day that is so many days after the first of 1970."""
    return (date(1970, 1, 1) + timedelta(number)).isoformat()
