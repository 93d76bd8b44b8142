"""Learn from a key-value table alone what it holds. The passes are in the order of the functions.

The rows come from a `Source`: a table, or in tests a dictionary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from outgrow.db.pool import Session
from outgrow.inspection.audit import Audit, Told
from outgrow.inspection.derived import Derived, Trial
from outgrow.inspection.keys import Keys, Tree, short
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
"""Key, and value as JSON."""

AT_ONCE = 5_000
"""Keys that are fetched by one statement."""


class Source(Protocol):
    """A store that can be read again and again, and is the same each time."""

    async def rows(self, use: Callable[[Rows], None]) -> None:
        """Let all rows be used, many at a time."""

    async def keys(self, use: Callable[[list[str]], None]) -> None: ...

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
    source: Source,
    *,
    audited: bool = True,
    passed: Callable[[int], None] = lambda _: None,
    told: Told = lambda *_: None,
) -> Inspection:
    """Read a store: two passes over its rows and two over its keys; one of each where `audited` is
    False. `passed` is told how many rows of a pass are done, and `told` of every misfit."""
    tree = Tree()

    def add(rows: Rows) -> None:
        for key, text in rows:
            tree.add(key, text)
        passed(len(rows))

    await source.rows(add)
    patterns = patterns_of(tree)
    search = Search(patterns)
    known = Keys(tree.root.total if audited else 0)

    def look(keys: list[str]) -> None:
        search.add(keys, tree)
        if audited:
            known.update(keys)
        passed(len(keys))

    await source.keys(look)
    references = search.references()
    elements = Elements(search, references)
    if elements.is_needed:
        await source.rows(lambda rows: elements.add(rows, tree))
        references += elements.references()
    trial = Trial(patterns, references)
    wanted = trial.wanted()
    for start in range(0, len(wanted), AT_ONCE):
        trial.rows.update(await source.some(wanted[start : start + AT_ONCE]))
    derived = trial.found()
    symmetric = trial.symmetric()
    references = resolved(references, derived)
    audit = Audit(tree, known, references, derived, symmetric, told) if audited else None
    if audit is not None:
        await _audit(source, audit, passed)
    return Inspection(tree, patterns, references, derived, symmetric, audit)


async def _audit(source: Source, audit: Audit, passed: Callable[[int], None]) -> None:
    if audit.needs_ids:
        await source.keys(audit.add_keys)
        audit.seal()

    def add(rows: Rows) -> None:
        audit.add(rows)
        passed(len(rows))

    await source.rows(add)
    again = audit.settle()
    if not again:
        return
    wanted: list[str] = []

    def collect(keys: list[str]) -> None:
        wanted.extend(key for key in keys if short(key) in again)
        passed(len(keys))

    await source.keys(collect)
    for start in range(0, len(wanted), AT_ONCE):
        found = await source.some(wanted[start : start + AT_ONCE])
        audit.name((key, found[key]) for key in wanted[start : start + AT_ONCE])


T = TypeVar("T")

BATCH = 2_000  # rows in memory at once

_TEXTS = ("text", "character varying")


class Table:
    """A key-value table. The caller has begun a transaction, REPEATABLE READ and read-only, so that
    every pass sees the same rows; it holds back the vacuuming of what is deleted meanwhile, as a
    dump does."""

    def __init__(self, session: Session, name: str, percent: float | None = None) -> None:
        self._session = session
        self._name = name
        self._percent = percent

    async def count(self) -> int:
        """How many rows there are; from here on each pass begins with the same one."""
        await self._session.run(load("inspect")["in_order"])
        return int(await self._session.value(self._query("count")) or 0)

    async def version_for_queries(self) -> int | None:
        """The server's version, where the keys are texts and the values jsonb: the queries for
        misfits are for such tables."""
        types = await self._session.row(self._query("types"))
        is_plain = types is not None and types["key"] in _TEXTS and types["value"] == "jsonb"
        return types["version"] if types is not None and is_plain else None

    async def rows(self, use: Callable[[Rows], None]) -> None:
        sampled = self._percent is not None
        query = self._query("sampled" if sampled else "rows")
        arguments = (self._percent,) if sampled else ()
        stream = self._session.stream(query, *arguments, batch=BATCH)
        await _each(stream, lambda records: use([(key, text) for key, text in records]))

    async def keys(self, use: Callable[[list[str]], None]) -> None:
        stream = self._session.stream(self._query("keys"), batch=5 * BATCH)
        await _each(stream, lambda records: use([record[0] for record in records]))

    async def some(self, keys: Sequence[str]) -> Mapping[str, Any]:
        rows = await self._session.rows(self._query("some"), list(keys))
        return {key: decode(text) for key, text in rows}

    def _query(self, block: str) -> Query:
        return load("inspect")[block].with_identifiers(store=self._name)


async def _each(batches: AsyncIterator[T], use: Callable[[T], None]) -> None:
    """Use each batch, and have the server work on the next one meanwhile."""
    following = asyncio.ensure_future(anext(batches, None))
    try:
        while (batch := await following) is not None:
            following = asyncio.ensure_future(anext(batches, None))
            await asyncio.sleep(0)  # that it is asked for before this one is used
            use(batch)
    finally:
        following.cancel()
        await asyncio.wait([following])  # the connection is to be free again


_OWN = {"id", "_id", "key", "uid", "uuid"}


def resolved(references: Sequence[Reference], derived: Sequence[Derived]) -> list[Reference]:
    """References without those that an index only happens to have: by which a row names its own
    entry, and by ids that are somebody else's in the rows, too. Who names an entry by the row's
    id, and is called after the row, names that row; by another name or text it names the entry."""
    pointers = {id(one.pattern): one for one in derived if _is_pointer(one)}
    kept = []
    for reference in references:
        pointer = pointers.get(id(reference.to)) if reference.target.how == "id" else None
        if pointer is None or pointer.reference is None:
            if reference.to.shape != "scalar" or reference.target.how != "id":
                kept.append(reference)
            continue
        fields = _fields_by(pointer)
        own = any(names_itself(pointer.source, name) for name in fields)
        if reference.source in (pointer.reference.to, pointer.source) or not own:
            continue
        names = names_of(reference.source, reference.steps, reference.place)
        if fields & _OWN and named_after(names, pointer.reference.to):
            reference.index, reference.target = reference.target, pointer.reference.target
        kept.append(reference)
    return kept


def _is_pointer(one: Derived) -> bool:
    """It names one row, and is nothing by itself."""
    reference = one.reference
    if reference is None or one.pattern.shape not in ("scalar", "mixed", "document"):
        return False
    if reference.steps is not None and ELEMENTS in reference.steps:
        return False
    place = one.pattern.places[-1] if one.pattern.places else -1
    return is_entity(Target(one.pattern, "id", place)) is not True


def _fields_by(one: Derived) -> set[str]:
    """The fields of rows that the keys of an index say."""
    steps = (steps for places in (one.by or {}).values() for steps in places)
    return {each[-1] for each in steps if each and isinstance(each[-1], str)}
