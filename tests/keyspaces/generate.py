"""Generates the store of an app, with the truth about it; the same for a seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .damage import Damage, Finding, plant_in, violations
from .world import Pattern, World

App = tuple[str, Callable[[World], None]]
"""The lines of an app's patterns, and what fills a world with its rows."""


@dataclass(frozen=True)
class Keyspace:
    """A store and the truth about it. Patterns are called by their names: `user:{id}`."""

    name: str
    rows: dict[str, Any]
    world: World
    patterns: dict[str, Pattern]
    pattern_of: dict[str, str]
    damage: tuple[Damage, ...]
    neutral: frozenset[Finding]
    """Contradictions that follow from the damage: right to be named, and right to be left out."""

    def references(self, *, is_asked: bool) -> set[tuple[str, str, str]]:
        """(pattern, path, pattern) of all references between patterns that have rows."""
        names = {pattern.alias: name for name, pattern in self.patterns.items()}
        references = {
            (name, reference.path, names[reference.to])
            for name, pattern in self.patterns.items()
            for reference in pattern.references
            if reference.asked == is_asked and reference.to in names
        }
        return references if is_asked else references | set(self._below())

    def answered(self, name: str, path: str, to: str) -> str:
        """The path that is asked for, where this one holds the same ids."""
        aliases = {pattern: each.alias for pattern, each in self.patterns.items()}
        for reference in self.patterns[name].references:
            if path in reference.also and reference.to == aliases[to]:
                return reference.path
        return path

    def _below(self) -> Iterator[tuple[str, str, str]]:
        """`chat:{a}:{b}:messages` is of `chat:{a}:{b}`: true of its segments, and not asked."""
        keys = {name: each.key(*range(len(each.places))) for name, each in self.patterns.items()}
        for name, pattern in self.patterns.items():
            for above, parent in self.patterns.items():
                if keys[name].startswith(tuple(keys[above] + separator for separator in ":/._-")):
                    places = pattern.places[: len(parent.places)]
                    yield from ((name, f"{{{segment}}}", above) for segment in places)

    def derived(self, *, is_asked: bool) -> set[tuple[str, str]]:
        """(pattern, the pattern from which all of it can be computed)."""
        names = {pattern.alias: name for name, pattern in self.patterns.items()}
        return {
            (name, names[source])
            for name, pattern in self.patterns.items()
            for source in (pattern.derived if is_asked else pattern.may_derive)
            if source in names
        }

    def of(self, name: str) -> Iterator[tuple[str, tuple[str, ...], Any]]:
        """Key, segments and value (as the app sees it) of a pattern's rows."""
        return self.world.of(self.patterns[name].alias)


def generated(name: str, app: App, size: int, seed: int = 1, damage: float = 0.0) -> Keyspace:
    """An app's store of about `size` of whatever it has most of, damaged by a rate (0 to 1)."""
    pattern_lines, fill = app
    world = World(name, pattern_lines, size, f"{name}:{size}:{seed}")
    fill(world)
    planted = plant_in(world, damage) if damage else []
    named = {
        finding for damage in planted for finding in ((damage.key, damage.kind), *damage.other)
    }
    damaged = violations(world, is_decoding=True) | violations(world, is_decoding=False)
    present = set(world.alias_of.values())
    patterns = {p.name: p for p in world.patterns.values() if p.alias in present}
    keys = list(world.rows)
    world.random.shuffle(keys)  # a table has no order
    return Keyspace(
        name,
        {key: _stored(world, key) for key in keys},
        world,
        patterns,
        {key: world.patterns[alias].name for key, alias in world.alias_of.items()},
        tuple(planted),
        frozenset((damaged | world.excused) - named),
    )


def _stored(world: World, key: str) -> Any:
    """The value as the app's own coding leaves it in the table."""
    value, coding = world.rows[key], world.patterns[world.alias_of[key]].coding
    if isinstance(value, dict | list) and (
        coding == "text" or (coding == "both" and world.chance(0.5))
    ):
        return json.dumps(value, ensure_ascii=False)
    return value
