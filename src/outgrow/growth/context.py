"""What every step of a growth is given, and what every step can do."""

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
    """A blueprint, and the store as it was when the growth was planned."""

    blueprint: Blueprint
    store: Store

    @property
    def qualified_name(self) -> tuple[str, str]:
        """The schema and the name of the store."""
        return self.store.schema, self.store.table

    @property
    def tables_schema(self) -> str:
        """The schema of the relations' tables."""
        return layout.mirror.schema(self.blueprint)


async def never_wait() -> None:
    """Return immediately: a `pace` for steps that nobody may pause."""


@dataclass(frozen=True, slots=True)
class StepContext(Target):
    """What all steps of a growth share. `session` is the growth's own, outside any transaction. A
    step calls `waiting` with whom it waits for, and with "" when it goes on, and `moved` with how
    many more keys and rows are done. `pace` returns when the growth may go on: it may be paused."""

    database: Database
    session: Session
    waiting: Callable[[str], None] = lambda _: None
    moved: Callable[[int, int], None] = lambda *_: None
    pace: Callable[[], Awaitable[None]] = never_wait

    async def read_store(self) -> Store:
        """Read the store as it is now."""
        store = self.store
        return await catalog.read_located(self.session, store.name, self.blueprint, store.current)


class Step(Protocol):
    """A step of a plan. It holds only what distinguishes it from other steps of its kind."""

    kind: ClassVar[str]
    lock: ClassVar[str]

    @property
    def name(self) -> str: ...
    def describe(self) -> str: ...
    def sql(self, target: Target) -> str: ...
    async def is_done(self, context: StepContext) -> bool: ...
    async def run(self, context: StepContext) -> None: ...
