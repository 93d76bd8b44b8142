"""What was measured: rows, printed as a table and written as JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

VERSIONS = ("outgrow", "asyncpg", "uvicorn", "starlette", "fastapi", "sqlalchemy", "pydantic")


@dataclass(frozen=True, slots=True)
class Goal:
    """What a number must be: a gate is a condition for being done, an aim is not."""

    kind: Literal["gate", "aim"]
    at_least: float | None = None
    at_most: float | None = None

    def __str__(self) -> str:
        if self.at_least is not None:
            return f"{self.kind}: at least {self.at_least:g}"
        return f"{self.kind}: at most {self.at_most:g}"

    def is_met(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


@dataclass(frozen=True, slots=True)
class Row:
    """`ratio` is the figure to that of the peer."""

    name: str
    figure: float
    unit: str
    limit_or_peer: str
    ratio: float | None
    goal: str


@dataclass
class Report:
    """`judged` is false for a size of which the goals do not speak."""

    users: int
    judged: bool
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    def add(
        self, name: str, figure: float, unit: str, *goals: Goal, peer: str = "", than: float = 0
    ) -> None:
        """Add a row. With a peer, whose figure is `than`, goals are for the ratio; else they are
        for the figure."""
        ratio = figure / than if peer else None
        judged = figure if ratio is None else ratio
        told = []
        for goal in goals:
            met = goal.is_met(judged)
            told.append(f"{goal} ({'met' if met else 'NOT MET'})" if self.judged else str(goal))
            if self.judged and goal.kind == "gate" and not met:
                self.missed.append(f"{name}: {_number(judged)}, {goal}")
        self.rows.append(
            Row(
                name=name,
                figure=float(f"{figure:.4g}"),
                unit=unit,
                limit_or_peer=f"{peer}: {_number(than)}" if peer else "",
                ratio=None if ratio is None else float(f"{ratio:.3g}"),
                goal="; ".join(told),
            )
        )
        beside = f" ({self.rows[-1].limit_or_peer})" if peer else ""
        print(f"bench: {name}: {_number(figure)} {unit}{beside}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        self.notes.append(text)
        print(f"bench: note: {text}", file=sys.stderr, flush=True)

    def write(self, path: Path) -> None:
        document = {**self.header(), "rows": [asdict(row) for row in self.rows]}
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def header(self) -> dict[str, Any]:
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "users": self.users,
            "machine": _machine(),
            "versions": self.versions
            | {"python": platform.python_version()}
            | {name: metadata.version(name) for name in VERSIONS},
            "notes": self.notes,
        }

    def table(self) -> str:
        titles = ("name", "figure", "unit", "limit or peer", "ratio", "goal")
        cells = [titles]
        for row in self.rows:
            cells.append(
                (
                    row.name,
                    _number(row.figure),
                    row.unit,
                    row.limit_or_peer,
                    "" if row.ratio is None else f"{row.ratio:g}",
                    row.goal,
                )
            )
        widths = [max(len(line[i]) for line in cells) for i in range(len(titles))]
        right = (1, 4)
        lines = [
            "  ".join(
                text.rjust(width) if i in right else text.ljust(width)
                for i, (text, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in cells
        ]
        return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _machine() -> Mapping[str, Any]:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gb": round(pages * size / 1e9, 1),
        "load_average_at_end": [round(load, 1) for load in os.getloadavg()],
    }
