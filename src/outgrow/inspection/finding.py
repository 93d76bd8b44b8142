"""One thing that is not as it should be, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from outgrow.queries import load

Level = Literal["bad", "warn", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is stable; `about` names the index, role or policy that it is about, or the table;
    `fact` is a sentence with its figures; `to_do` a statement for psql, or None where there is
    none to give. `bad` harms now, `warn` will or may, `note` is to be known."""

    kind: str
    level: Level
    about: str
    fact: str
    to_do: str | None = None


def remedy(block: str, **names: str) -> str:
    """The statement of a block of health.sql, with these identifiers (schema.name is split)."""
    return load("health")[f"remedy_{block}"].with_identifiers(**names).sql


def size_of(count: float) -> str:
    """Bytes for people: `812 kB`, `1.4 GB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count / 1e3:,.0f} kB"
