"""Text for a terminal or a log: controls escaped, and progress with rate and time left.

Keys and the names of fields are whatever a client stored: an escape sequence in one could clear the
screen, and a line feed could forge a line. Progress is a bar on a terminal, and elsewhere a plain
line every few seconds, so that a log stays readable.
"""

from __future__ import annotations

import re
import sys
import time
from types import TracebackType
from typing import Any, Self, TextIO

FIRST_LINE = 2.0  # seconds before the first plain line: what is quicker needs none
NEXT_LINES = 5.0

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
    """Return a document with each text on one line, except SQL statements, which have several."""
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


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


class Progress:
    """A count of what is done. `total` is None while it is unknown; it may be set later."""

    def __init__(
        self, label: str, unit: str, total: int | None = None, stream: TextIO | None = None
    ) -> None:
        self.label = label
        self.unit = unit
        self.total = total
        self.done = 0
        self._stream = stream or sys.stderr
        self._bar: Any = None
        self._note = ""
        self._started = time.monotonic()
        self._next_line = self._started + FIRST_LINE

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._next_line = self._started + FIRST_LINE
        if self._stream.isatty():
            self._bar = _bar(self._stream)
            self._task = self._bar.add_task(self.label, total=self.total)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if kind is None:
            self._print(f"{self.label}: {self.done:,} {self.unit} in {_time(self._elapsed())}")

    def add(self, count: int) -> None:
        """Count so many more as done."""
        self.done += count
        self._show()

    def note(self, text: str) -> None:
        """Show what the work waits for; "" when it goes on."""
        self._note = text
        self._show()

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _show(self) -> None:
        if self._bar is not None:
            text = one_line(self._line())
            self._bar.update(self._task, completed=self.done, total=self.total, description=text)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + NEXT_LINES
            self._print(self._line())

    def _line(self) -> str:
        rate = self.done / max(self._elapsed(), 1e-9)
        parts = [f"{self.label}: {self.done:,} {self.unit}"]
        if self.total:
            parts[0] += f" of {self.total:,} ({100 * self.done // self.total} %)"
        parts.append(f"{rate:,.0f}/s")
        if self.total and rate:
            parts.append(f"{_time(max(self.total - self.done, 0) / rate)} left")
        if self._note:
            parts.append(self._note)
        return ", ".join(parts)

    def _print(self, line: str) -> None:
        print(one_line(line), file=self._stream, flush=True)


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _bar(stream: TextIO) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(bar_width=20), TextColumn("{task.description}", markup=False))
    return Bar(*columns, console=Console(file=stream), transient=True)
