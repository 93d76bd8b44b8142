"""What every kind of step has in common: what it is given, and what it can say of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.pool import Database, Session
from outgrow.growth import catalog
from outgrow.growth.catalog import Store


@dataclass(frozen=True, slots=True)
class Target:
    """A store, as it was when its growth was planned, and the blueprint over it."""

    blueprint: Blueprint
    store: Store

    @property
    def place(self) -> tuple[str, str]:
        """The schema and the name of the store."""
        return self.store.schema, self.store.table

    @property
    def tables_schema(self) -> str:
        """The schema of the relations' tables."""
        return layout.mirror.schema(self.blueprint)


async def at_once() -> None:
    """Let a step go on, whatever others want."""


@dataclass(frozen=True, slots=True)
class StepContext(Target):
    """What all steps of a growth share. `session` is the growth's own, outside any transaction.
    `waiting` is told whom a step waits for, and "" when it goes on; `moved`, how many more keys and
    rows are done. `pace` returns when the growth may go on: somebody may have paused it."""

    database: Database
    session: Session
    waiting: Callable[[str], None] = lambda _: None
    moved: Callable[[int, int], None] = lambda *_: None
    pace: Callable[[], Awaitable[None]] = at_once

    async def read_store(self) -> Store:
        """Read the store as it is now."""
        store = self.store
        return await catalog.look(self.session, store.name, self.blueprint, store.current)


class Step(Protocol):
    """One step of a plan. It holds what tells it from other steps of its kind, and no more."""

    kind: ClassVar[str]
    lock: ClassVar[str]

    @property
    def name(self) -> str: ...
    def describe(self) -> str: ...
    def sql(self, target: Target) -> str: ...
    async def is_done(self, context: StepContext) -> bool: ...
    async def run(self, context: StepContext) -> None: ...
