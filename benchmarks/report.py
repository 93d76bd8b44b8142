"""What was measured: rows, printed as a table and written as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
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

    def judged(self, turns: Sequence[float]) -> float:
        """Return the quartile of the turns on the wrong side: three quarters of them are better."""
        low, _, high = quartiles(turns)
        return low if self.at_least is not None else high

    def is_met(self, turns: Sequence[float]) -> bool:
        value = self.judged(turns)
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


@dataclass(frozen=True, slots=True)
class Row:
    """The median of a contender's turns. `ratio` is that of its ratios to the peer, turn by turn;
    `turns` are these ratios, or without a peer the figures; none of what is measured once."""

    name: str
    figure: float
    unit: str
    limit_or_peer: str
    ratio: float | None
    turns: Sequence[float]
    goal: str


@dataclass(frozen=True, slots=True)
class Contender:
    """One line of a comparison; None is what cannot be said of it. `turns` are requests per second,
    turn by turn."""

    name: str
    turns: Sequence[float]
    p50_ms: float | None = None
    p99_ms: float | None = None
    memory_mb: float | None = None

    @property
    def per_second(self) -> float:
        return statistics.median(self.turns)


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
        self,
        name: str,
        figures: float | Sequence[float],
        unit: str,
        *goals: Goal,
        peer: str = "",
        than: float | Sequence[float] = (),
    ) -> None:
        """Add a row, of one figure or of one for each turn. With a peer, whose figures are `than`,
        goals are for the ratios; else they are for the figures."""
        is_one = isinstance(figures, (int, float))
        ours, theirs = _turns(figures), _turns(than)
        figure = statistics.median(ours)
        turns = ratios(ours, theirs) if peer else ours
        shown = []
        for goal in goals:
            met = goal.is_met(turns)
            shown.append(f"{goal} ({'met' if met else 'NOT MET'})" if self.judged else str(goal))
            if self.judged and goal.kind == "gate" and not met:
                self.missed.append(f"{name}: {_number(goal.judged(turns))}, {goal}")
        self.rows.append(
            Row(
                name=name,
                figure=float(f"{figure:.4g}"),
                unit=unit,
                limit_or_peer=f"{peer}: {_number(statistics.median(theirs))}" if peer else "",
                ratio=float(f"{statistics.median(turns):.3g}") if peer else None,
                turns=[] if is_one else [float(f"{turn:.3g}") for turn in turns],
                goal="; ".join(shown),
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
                name: [{**asdict(c), "per_second": c.per_second} for c in contenders]
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
            self.add(name, ours.turns, "req/s", *wanted, peer=other.name, than=other.turns)

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
        lines = [("name", "figure", "unit", "limit or peer", "ratio", "lowest-highest", "goal")]
        for row in self.rows:
            ratio = "" if row.ratio is None else f"{row.ratio:g}"
            spread = (
                "-".join(map(_number, (min(row.turns), max(row.turns)))) if row.turns[1:] else ""
            )
            figure = _number(row.figure)
            lines.append((row.name, figure, row.unit, row.limit_or_peer, ratio, spread, row.goal))
        parts.append(_aligned(lines, right=(1, 4, 5)))
        parts += self.notes
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


def _turns(figures: float | Sequence[float]) -> list[float]:
    return [figures] if isinstance(figures, (int, float)) else list(figures)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Turn by turn; the one ratio of the medians where not both took as many turns."""
    if len(ours) != len(theirs):
        return [statistics.median(ours) / statistics.median(theirs)]
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def quartiles(turns: Sequence[float]) -> tuple[float, float, float]:
    if len(turns) == 1:
        return (turns[0],) * 3
    low, middle, high = statistics.quantiles(turns, n=4, method="inclusive")
    return low, middle, high


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
