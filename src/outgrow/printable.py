"""Text from data as a terminal or a log may show it: what would control them is escaped.

Keys and the names of fields are whatever a client stored: an escape sequence in one could clear the
screen, and a line feed could forge a line.
"""

from __future__ import annotations

import re
from typing import Any

# Controls of ASCII and of Latin-1, line and paragraph separators, marks and overrides of direction,
# what has no width (a name with U+200B in it would pass for another) but for joiners, and halves of
# surrogate pairs.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff]"
)
_BUT_LINES = re.compile(_CONTROL.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def printable(text: str) -> str:
    """Escape all controls but line feeds and tabs, as JSON does (`\\u001b`)."""
    return _BUT_LINES.sub(_escape, text)


def one_line(text: str) -> str:
    """Escape line feeds and tabs as well."""
    return _CONTROL.sub(_escape, text)


def clean(data: Any) -> Any:
    """Each text of a document made `one_line`, but for statements, which have several."""
    if isinstance(data, str):
        return one_line(data)
    if isinstance(data, dict):
        whole = ("to_do", "sql")
        return {
            clean(key): printable(value)
            if key in whole and isinstance(value, str)
            else clean(value)
            for key, value in data.items()
        }
    if isinstance(data, list | tuple):
        return [clean(item) for item in data]
    return data


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
