"""Steps that make derived lists late, or let writers write them again, and that fold their notes.

Between a writer who notes and one who writes the list itself the order of the notes would say
nothing. So whoever has written to one of the relations is waited for, and from then on all do the
same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.pool import Session
from outgrow.growth.context import Step, StepContext, Target
from outgrow.growth.locks import BRIEF, short_lock
from outgrow.growth.state import Phase
from outgrow.queries import Query, load
from outgrow.schema import install, late_lists
from outgrow.schema.definitions import remembering
from outgrow.schema.late_lists import Late

SQL = late_lists.SQL


def wanted_lists(
    blueprint: Blueprint, phase: Phase, recorded: int | None, late: int | None
) -> tuple[dict[str, int], int | None]:
    """Return the lists that are to be late in a phase, each with its seconds, and what is to be
    recorded of what was asked for: `late` if it was now, else what was `recorded`; the blueprint
    where neither says anything. In `initial` the store is as it came."""
    if phase == "initial":
        return {}, None
    seconds = recorded if late is None else late
    if seconds is None:
        return {name: d.late for name, d in blueprint.derived.items() if d.late}, None
    return (dict.fromkeys(blueprint.derived, seconds) if seconds else {}), seconds


def plan_late_lists(now: Late, lists: Mapping[str, int], asked: int | None) -> list[Step]:
    """Return the step that is needed, if any."""
    if dict(now.lists) == dict(lists) and now.asked == asked:
        return []
    return [SetLateLists(tuple(sorted(lists.items())), asked)]


@dataclass(frozen=True, slots=True)
class FoldLists:
    """A step that brings late lists up to date, before tables go."""

    kind: ClassVar[str] = "fold_lists"
    lock: ClassVar[str] = "FOR UPDATE on one list at a time, for as long as writing it takes"

    name: str

    def describe(self) -> str:
        return "bring the late lists up to date"

    def sql(self, target: Target) -> str:
        return SQL["due"].sql

    async def is_done(self, context: StepContext) -> bool:
        notes, _ = await late_lists.read_lag(context.session, context.blueprint.name)
        return notes == 0

    async def run(self, context: StepContext) -> None:
        await late_lists.fold(context.database)  # what cannot be written waits: nothing is lost


@dataclass(frozen=True, slots=True)
class SetLateLists:
    """A step after which `lists` are late, each by so many seconds at most, and no others. `asked`
    is recorded as what was asked for."""

    kind: ClassVar[str] = "late_lists"
    lock: ClassVar[str] = (
        "SHARE ROW EXCLUSIVE on the views of relations that fill lists: who writes to them waits "
        f"while the last notes are folded, readers and old clients do not; {BRIEF}"
    )

    lists: tuple[tuple[str, int], ...]
    asked: int | None

    @property
    def name(self) -> str:
        return ", ".join(name for name, _ in self.lists) or "none"

    def describe(self) -> str:
        if not self.lists:
            return "fold all notes, and let writers write derived lists themselves"
        seconds = sorted({seconds for _, seconds in self.lists})
        return (
            f"let writers note what changes in {self.name}, for a job that brings them up to date "
            f"within {' or '.join(f'{s:,}' for s in seconds)} s"
        )

    def sql(self, target: Target) -> str:
        return ";\n".join(query.sql for query in self._queries(target))

    def _queries(self, target: Target) -> tuple[Query, Query]:
        blueprint = layout.late_lists.with_late_lists(target.blueprint, dict(self.lists))
        return layout.write_lists(blueprint, *target.qualified_name)

    async def is_done(self, context: StepContext) -> bool:
        now = await late_lists.read(context.session, context.blueprint.name)
        return now.lists == dict(self.lists) and now.asked == self.asked

    async def run(self, context: StepContext) -> None:
        blueprint = context.blueprint
        names = [n for n in blueprint.relations if blueprint.relations[n].pattern is not None]

        async def oids(session: Session) -> list[int]:
            rows = await session.rows(load("grow")["oids"], blueprint.name, names)
            return [row["oid"] for row in rows]

        async def change(session: Session) -> None:
            await self._change(session, context)

        # The last notes are of those who are waited for: a snapshot of before would miss them.
        await context.session.run(SQL["always_read_committed"])
        (await late_lists.fold(context.database)).raise_failed()
        await short_lock(context, oids, "ShareRowExclusiveLock", change)

    async def _change(self, session: Session, context: StepContext) -> None:
        name, store = context.blueprint.name, context.store
        lock, functions = self._queries(context)
        await session.run(load("outgrow")["lock"])
        async with remembering(session, context.blueprint, store.oid, [name]):
            await session.run(lock)
            await late_lists.fold_all(session, name, store.name)
            await session.run(functions)
            await install.close(session, context.blueprint)
        await session.run(SQL["forget"], name)
        lists, seconds = [n for n, _ in self.lists], [s for _, s in self.lists]
        await session.run(SQL["remember"], name, lists, seconds)
        await session.run(SQL["ask"], name, self.asked)
