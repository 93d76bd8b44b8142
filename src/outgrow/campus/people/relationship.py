"""What is between two people at this moment, for who looks at the other's profile."""

from __future__ import annotations

from dataclasses import dataclass

from outgrow.campus.people import intros
from outgrow.campus.viewer import Viewer
from outgrow.db.pool import Database


@dataclass(frozen=True, slots=True)
class Between:
    """`pending` is the id of an intro that waits, and `mine` whether the viewer sent it."""

    connected: bool
    pending: str | None
    mine: bool


async def between(database: Database, viewer: Viewer, other: str) -> Between:
    row = await database.row(intros.SQL["meeting"], viewer.id, viewer.school, other)
    assert row is not None
    found = await database.row(intros.PENDING, viewer.id, other)
    if found is None:
        return Between(row["connected"], None, mine=False)
    intro_id = intros.IntroId(*found)
    return Between(row["connected"], str(intro_id), mine=intro_id.from_id == viewer.id)
