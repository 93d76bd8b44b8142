"""What was measured: rows, printed as a table and written as JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

VERSIONS = ("outgrow", "asyncpg", "uvicorn", "starlette", "fastapi", "sqlalchemy", "pydantic")

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


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


@dataclass(frozen=True, slots=True)
class Contender:
    """One line of a comparison; None is what cannot be said of it."""

    name: str
    per_second: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    memory_mb: float | None = None


@dataclass
class Report:
    """`judged` is false for a size of which the goals do not speak."""

    users: int
    judged: bool
    rows: list[Row] = field(default_factory=list)
    comparisons: dict[str, Sequence[Contender]] = field(default_factory=dict)
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
        document = {
            **self.header(),
            "side_by_side": {
                name: [asdict(contender) for contender in contenders]
                for name, contenders in self.comparisons.items()
            },
            "rows": [asdict(row) for row in self.rows],
        }
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def write_into(self, page: Path) -> None:
        """Put the table into a page of the documentation, between its two marks."""
        text = page.read_text(encoding="utf-8")
        before, mark, rest = text.partition(BEGIN)
        end = END + rest.partition(END)[2]
        machine = ", ".join(f"{name} {value}" for name, value in _machine().items())
        when = f"{datetime.now(UTC).date().isoformat()}, {self.users:,} users; {machine}."
        table = f"```text\n{self.text()}\n```"
        page.write_text(f"{before}{mark}\n{when}\n\n{table}\n{end}", encoding="utf-8")

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

    def compare(self, name: str, contenders: Sequence[Contender], *goals: tuple[str, Goal]) -> None:
        """Put the first beside the others; each goal is for the ratio to the one it names."""
        ours, *others = contenders
        self.comparisons[name] = contenders
        for other in others:
            wanted = [goal for peer, goal in goals if peer == other.name]
            self.add(
                name, ours.per_second, "req/s", *wanted, peer=other.name, than=other.per_second
            )
        for contender in contenders:
            if contender.p50_ms is not None and contender.p99_ms is not None:
                self.add(f"{name}, {contender.name}: p50", contender.p50_ms, "ms")
                self.add(f"{name}, {contender.name}: p99", contender.p99_ms, "ms")

    def text(self) -> str:
        """All of it, to be read."""
        parts = []
        lines: list[tuple[str, ...]]
        for name, contenders in self.comparisons.items():
            lines = [(name, "req/s", "p50 ms", "p99 ms", "MB")]
            for c in contenders:
                numbers = (c.per_second, c.p50_ms, c.p99_ms, c.memory_mb)
                lines.append((c.name, *("" if n is None else _number(n) for n in numbers)))
            parts.append(_aligned(lines, right=(1, 2, 3, 4)))
        lines = [("name", "figure", "unit", "limit or peer", "ratio", "goal")]
        for row in self.rows:
            ratio = "" if row.ratio is None else f"{row.ratio:g}"
            lines.append(
                (row.name, _number(row.figure), row.unit, row.limit_or_peer, ratio, row.goal)
            )
        parts.append(_aligned(lines, right=(1, 4)))
        return "\n\n".join(parts)


def _aligned(lines: Sequence[Sequence[str]], right: Sequence[int]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(
            text.rjust(width) if i in right else text.ljust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in [lines[0], rule, *lines[1:]]
    )


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
        "load_average": round(os.getloadavg()[2], 1),
    }
