"""The campus: accounts, people, messages, and the viewer for whom they are shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in member of a school, by the id of their profile."""

    id: str
    school: str
