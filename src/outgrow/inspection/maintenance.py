"""Whether VACUUM and ANALYZE keep up with a table. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Upkeep:
    """`dead` are row versions that VACUUM has to take away, `changed` rows written since the last
    ANALYZE; `*_due` from how many on autovacuum does it. `vacuumed` and `analyzed` are None for
    never, as far as the statistics go back. `freeze_due`: at which age of transaction ids it must
    come, whatever is set."""

    autovacuum: bool
    live: int
    dead: int
    vacuum_due: int
    changed: int
    analyze_due: int
    vacuumed: datetime | None
    analyzed: datetime | None
    freeze_due: int


def upkeep(
    rows: int | None, activity: Mapping[str, Any] | None, given: Mapping[str, str]
) -> Upkeep:
    """From the table's estimated rows, the row `activity` of health.sql, and the options."""
    vacuum_due = _due(given, "vacuum", rows or 0)
    most = float(given.get("autovacuum_vacuum_max_threshold", -1))  # since PostgreSQL 18
    if most >= 0:
        vacuum_due = min(vacuum_due, round(most))
    seen = activity or {}
    return Upkeep(
        autovacuum=_is_on(given, "autovacuum") and _is_on(given, "track_counts"),
        live=seen.get("live") or 0,
        dead=seen.get("dead") or 0,
        vacuum_due=vacuum_due,
        changed=seen.get("changed") or 0,
        analyze_due=_due(given, "analyze", rows or 0),
        vacuumed=seen.get("vacuumed"),
        analyzed=seen.get("analyzed"),
        freeze_due=int(given["autovacuum_freeze_max_age"]),
    )


def _due(given: Mapping[str, str], what: str, rows: int) -> int:
    share = float(given[f"autovacuum_{what}_scale_factor"])
    return round(int(given[f"autovacuum_{what}_threshold"]) + share * rows)


def _is_on(given: Mapping[str, str], name: str) -> bool:
    """As it is written in a table's options, too."""
    return given[name].lower() not in ("off", "false", "0", "no")
