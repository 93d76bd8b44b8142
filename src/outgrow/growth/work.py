"""What every kind of step has in common: what it is given, and what it can say of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from outgrow.blueprint import Blueprint
from outgrow.database import Database, Session
from outgrow.growth import catalogue
from outgrow.growth.catalogue import Store


@dataclass(frozen=True, slots=True)
class Work:
    """What a step is given. `session` is the growth's own, outside any transaction. `waiting` is
    told whom a step waits for, and "" when it goes on; `moved`, how many more keys and rows are
    done. `pace` returns when the growth may go on: somebody may have paused it."""

    database: Database
    session: Session
    blueprint: Blueprint
    store: Store
    waiting: Callable[[str], None]
    moved: Callable[[int, int], None]
    pace: Callable[[], Awaitable[None]]

    async def look(self) -> Store:
        store = self.store
        return await catalogue.look(self.session, store.name, self.blueprint, store.current)


class Step(Protocol):
    kind: ClassVar[str]
    lock: ClassVar[str]

    @property
    def name(self) -> str: ...
    def describe(self) -> str: ...
    def sql(self) -> str: ...
    async def is_done(self, work: Work) -> bool: ...
    async def do(self, work: Work) -> None: ...
