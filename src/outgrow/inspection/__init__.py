"""What a key-value table holds, learned from the table alone.

The passes are in the order of the functions. The rows come from a `Source`: a table, or in tests a
dictionary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from outgrow.db.pool import Session
from outgrow.inspection.audit import Audit, OnMisfit
from outgrow.inspection.derived import Derived, Trial
from outgrow.inspection.keys import Keys, Tree, short_hash
from outgrow.inspection.patterns import Pattern, patterns_of
from outgrow.inspection.reference_search import Elements, Search
from outgrow.inspection.references import (
    Reference,
    Target,
    is_entity,
    named_after,
    names_itself,
    names_of,
)
from outgrow.inspection.values import ELEMENTS, decode
from outgrow.queries import Query, load

Rows = list[tuple[str, str | None]]
"""Keys, with their values as JSON."""

AT_ONCE = 5_000
"""Keys that one statement fetches."""

BATCH = 2_000  # rows in memory

_TEXTS = ("text", "character varying")
_ID_FIELDS = {"id", "_id", "key", "uid", "uuid"}

T = TypeVar("T")


class Source(Protocol):
    """A store that can be read many times, and is the same each time."""

    async def rows(self, use: Callable[[Rows], None]) -> None:
        """Pass all rows to `use`, many at a time."""

    async def keys(self, use: Callable[[list[str]], None]) -> None: ...

    async def values(self, keys: Sequence[str]) -> Mapping[str, Any]: ...


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
        return [reference for reference in self.references if reference.source is pattern]

    def derived_of(self, pattern: Pattern) -> Derived | None:
        return next((derived for derived in self.derived if derived.pattern is pattern), None)


async def inspect(
    source: Source,
    *,
    audited: bool = True,
    passed: Callable[[int], None] = lambda _: None,
    on_misfit: OnMisfit = lambda *_: None,
) -> Inspection:
    """Read a store: two passes over its rows and two over its keys, or one of each where `audited`
    is False. `passed` is called with the number of rows that a pass has read since the last call,
    `on_misfit` with every misfit and inconsistency."""
    tree = Tree()

    def add(rows: Rows) -> None:
        for key, text in rows:
            tree.add(key, text)
        passed(len(rows))

    await source.rows(add)
    patterns = patterns_of(tree)
    search = Search(patterns)
    known_keys = Keys(tree.root.total if audited else 0)

    def add_keys(keys: list[str]) -> None:
        search.add(keys, tree)
        if audited:
            known_keys.update(keys)
        passed(len(keys))

    await source.keys(add_keys)
    references = search.references()
    elements = Elements(search, references)
    if elements.is_needed:
        await source.rows(lambda rows: elements.add(rows, tree))
        references += elements.references()
    trial = Trial(patterns, references)
    keys = trial.wanted_keys()
    for start in range(0, len(keys), AT_ONCE):
        trial.rows.update(await source.values(keys[start : start + AT_ONCE]))
    derived = trial.all_derived()
    symmetric = trial.symmetric()
    references = resolve_references(references, derived)
    audit = Audit(tree, known_keys, references, derived, symmetric, on_misfit) if audited else None
    if audit is not None:
        await _run_audit(source, audit, passed)
    return Inspection(tree, patterns, references, derived, symmetric, audit)


async def _run_audit(source: Source, audit: Audit, passed: Callable[[int], None]) -> None:
    if audit.needs_ids:
        await source.keys(audit.add_keys)
        audit.seal()

    def add(rows: Rows) -> None:
        audit.add(rows)
        passed(len(rows))

    await source.rows(add)
    hashes = audit.settle()
    if not hashes:
        return
    keys_to_read: list[str] = []

    def collect(keys: list[str]) -> None:
        keys_to_read.extend(key for key in keys if short_hash(key) in hashes)
        passed(len(keys))

    await source.keys(collect)
    for start in range(0, len(keys_to_read), AT_ONCE):
        values = await source.values(keys_to_read[start : start + AT_ONCE])
        audit.explain((key, values[key]) for key in keys_to_read[start : start + AT_ONCE])


class Table:
    """A key-value table. The caller has begun a transaction, REPEATABLE READ and read-only, so that
    every pass sees the same rows. Like a dump, it keeps VACUUM from removing rows that are deleted
    while it reads."""

    def __init__(self, session: Session, name: str, percent: float | None = None) -> None:
        self._session = session
        self._name = name
        self._percent = percent

    async def count(self) -> int:
        """Return the number of rows. From here on each pass begins with the same row."""
        await self._session.run(load("inspect")["in_order"])
        return int(await self._session.value(self._query("count")) or 0)

    async def version_for_queries(self) -> int | None:
        """Return the server's version, or None where the keys are not texts or the values not
        jsonb: the queries for misfits do not fit such tables."""
        types = await self._session.row(self._query("types"))
        is_plain = types is not None and types["key"] in _TEXTS and types["value"] == "jsonb"
        return types["version"] if types is not None and is_plain else None

    async def rows(self, use: Callable[[Rows], None]) -> None:
        sampled = self._percent is not None
        query = self._query("sampled" if sampled else "rows")
        arguments = (self._percent,) if sampled else ()
        stream = self._session.stream(query, *arguments, batch=BATCH)
        await _use_each(stream, lambda records: use([(key, text) for key, text in records]))

    async def keys(self, use: Callable[[list[str]], None]) -> None:
        stream = self._session.stream(self._query("keys"), batch=5 * BATCH)
        await _use_each(stream, lambda records: use([record[0] for record in records]))

    async def values(self, keys: Sequence[str]) -> Mapping[str, Any]:
        rows = await self._session.rows(self._query("some"), list(keys))
        return {key: decode(text) for key, text in rows}

    def _query(self, block: str) -> Query:
        return load("inspect")[block].with_identifiers(store=self._name)


async def _use_each(batches: AsyncIterator[T], use: Callable[[T], None]) -> None:
    """Use each batch, while the server works on the next one."""
    next_batch = asyncio.ensure_future(anext(batches, None))
    try:
        while (batch := await next_batch) is not None:
            next_batch = asyncio.ensure_future(anext(batches, None))
            await asyncio.sleep(0)  # send the request before using this batch
            use(batch)
    finally:
        next_batch.cancel()
        await asyncio.wait([next_batch])  # so that the connection is free again


def resolve_references(
    references: Sequence[Reference], derived: Sequence[Derived]
) -> list[Reference]:
    """Return the references without those that an index only happens to have: a row that names its
    own entry, and ids that belong to other rows. A field that names an entry by the row's id, and
    is called after the row, names that row; by another name or text it names the entry."""
    pointers = {id(index.pattern): index for index in derived if _is_pointer(index)}
    kept = []
    for reference in references:
        pointer = pointers.get(id(reference.to)) if reference.target.how == "id" else None
        if pointer is None or pointer.reference is None:
            if reference.to.shape != "scalar" or reference.target.how != "id":
                kept.append(reference)
            continue
        fields = _fields_by(pointer)
        is_named = any(names_itself(pointer.source, name) for name in fields)
        if reference.source in (pointer.reference.to, pointer.source) or not is_named:
            continue
        names = names_of(reference.source, reference.steps, reference.position)
        if fields & _ID_FIELDS and named_after(names, pointer.reference.to):
            reference.index, reference.target = reference.target, pointer.reference.target
        kept.append(reference)
    return kept


def _is_pointer(derived: Derived) -> bool:
    """Return whether it names one row, and is nothing by itself."""
    reference = derived.reference
    if reference is None or derived.pattern.shape not in ("scalar", "mixed", "document"):
        return False
    if reference.steps is not None and ELEMENTS in reference.steps:
        return False
    position = derived.pattern.positions[-1] if derived.pattern.positions else -1
    return is_entity(Target(derived.pattern, "id", position)) is not True


def _fields_by(derived: Derived) -> set[str]:
    """Return the fields of rows that the keys of an index repeat."""
    steps = (steps for paths in (derived.by or {}).values() for steps in paths)
    return {each[-1] for each in steps if each and isinstance(each[-1], str)}
