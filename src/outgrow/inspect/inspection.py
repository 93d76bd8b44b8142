"""One inspection, from rows to what is known of them. The passes are in the order of the functions.

Where the rows come from is a `Source`: a table, or in tests a dictionary.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from outgrow.inspect.derived import Derived, Trial, resolved
from outgrow.inspect.integrity import Audit
from outgrow.inspect.keys import Tree
from outgrow.inspect.patterns import Pattern, patterns_of
from outgrow.inspect.references import Reference, Search

Rows = list[tuple[str, str | None]]
"""Key, and value as JSON."""

AT_ONCE = 5_000
"""Keys that are fetched by one statement."""


class Source(Protocol):
    """A store that can be read again and again, and is the same each time."""

    def rows(self) -> AsyncIterator[Rows]: ...

    def keys(self) -> AsyncIterator[list[str]]: ...

    async def some(self, keys: Sequence[str]) -> Mapping[str, Any]: ...


@dataclass
class Inspection:
    """What is known of a store's rows. `audit` is None where only a sample of them was read."""

    tree: Tree
    patterns: list[Pattern]
    references: list[Reference]
    derived: list[Derived]
    symmetric: list[Reference]
    audit: Audit | None

    @property
    def keys(self) -> int:
        return self.tree.root.total

    def references_of(self, pattern: Pattern) -> list[Reference]:
        return [one for one in self.references if one.source is pattern]

    def derived_of(self, pattern: Pattern) -> Derived | None:
        return next((one for one in self.derived if one.pattern is pattern), None)


async def inspect(
    source: Source, *, audited: bool = True, passed: Callable[[int], None] = lambda _: None
) -> Inspection:
    """Read a store: two passes over its rows and two over its keys; one of each where `audited` is
    False. `passed` is told how many rows of a pass are done."""
    tree = Tree()
    async for rows in source.rows():
        for key, text in rows:
            tree.add(key, text)
        passed(len(rows))
    patterns = patterns_of(tree)
    search = Search(patterns)
    hashes: set[int] = set()
    async for keys in source.keys():
        search.add(keys, tree)
        if audited:
            hashes.update(map(hash, keys))
        passed(len(keys))
    references = search.references()
    trial = Trial(patterns, references)
    wanted = trial.wanted()
    for start in range(0, len(wanted), AT_ONCE):
        trial.rows.update(await source.some(wanted[start : start + AT_ONCE]))
    derived = trial.found()
    symmetric = trial.symmetric()
    references = resolved(references, derived)
    audit = Audit(tree, hashes, references, derived, symmetric) if audited else None
    if audit is not None:
        await _audit(source, audit, passed)
    return Inspection(tree, patterns, references, derived, symmetric, audit)


async def _audit(source: Source, audit: Audit, passed: Callable[[int], None]) -> None:
    if audit.needs_ids:
        async for keys in source.keys():
            audit.add_keys(keys)
        audit.seal()
    async for rows in source.rows():
        audit.add(rows)
        passed(len(rows))
    again = audit.settle()
    if not again:
        return
    wanted: list[str] = []
    async for keys in source.keys():
        wanted += [key for key in keys if hash(key) in again]
        passed(len(keys))
    for start in range(0, len(wanted), AT_ONCE):
        found = await source.some(wanted[start : start + AT_ONCE])
        audit.name((key, found[key]) for key in wanted[start : start + AT_ONCE])
