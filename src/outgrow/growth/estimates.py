"""How much there is of each relation, from a sample of the store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from outgrow.blueprint import Blueprint
from outgrow.db.named import hold
from outgrow.db.pool import Session
from outgrow.growth.catalog import Store
from outgrow.queries import load

SAMPLED = 2_000  # blocks of 8 kB; all of a store that has fewer


@dataclass(frozen=True, slots=True)
class Estimates:
    """Of the whole store, by the name of the pattern; "" is what no pattern claims."""

    count: Counter[str] = field(default_factory=Counter)
    elements: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)

    def keys(self, blueprint: Blueprint, relation: str) -> int | None:
        return self.count[_pattern(blueprint, relation)] if self.count else None

    def share(self, blueprint: Blueprint, relation: str) -> float:
        """The part of the store's bytes that a relation is made of."""
        return self.bytes[_pattern(blueprint, relation)] / max(1, sum(self.bytes.values()))


def _pattern(blueprint: Blueprint, relation: str) -> str:
    return blueprint.relations[blueprint.source_of(relation)].pattern or ""


async def sample(session: Session, store: Store, blueprint: Blueprint) -> Estimates:
    """Reads up to 16 MB of the store."""
    await hold(session, store.name)
    percent = min(100.0, 100.0 * SAMPLED / max(1, store.blocks))
    found = Estimates()
    query = load("grow")["sample"].with_identifiers(store=store.name)
    for key, size, elements in await session.rows(query, percent):
        pattern = blueprint.match(key) or ""
        found.count[pattern] += 1
        found.elements[pattern] += elements
        found.bytes[pattern] += size or 0
    for counter in (found.count, found.elements, found.bytes):
        for pattern in counter:
            counter[pattern] = round(counter[pattern] * 100 / percent)
    return found
