"""Plans of growths: what the phase asks for, compared with what the catalog has. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.errors import Refused
from outgrow.growth.catalog import Store, StoreIndex, total_bytes
from outgrow.growth.context import Step, Target
from outgrow.growth.cutover import (
    DropTables,
    RemoveSyncTriggers,
    Switch,
    SwitchBack,
    WaitForSnapshots,
)
from outgrow.growth.late_lists import FoldLists, plan_late_lists, wanted_lists
from outgrow.growth.mirroring import AnalyzeTable, Backfill, Expand, Trust, Verify
from outgrow.growth.preflight import Estimates, Misfits
from outgrow.growth.state import Mirror, Phase
from outgrow.growth.steps import (
    Analyze,
    CreateIndex,
    CreateStatistics,
    DropIndex,
    DropStatistics,
    Install,
    Record,
)
from outgrow.queries import quote

BUILD_RATE = 85e6
"""Bytes of the table that a build reads per second, for the estimate of time: 15 indexes over 426
MB (a campus of 100,000 users in 637,000 keys) took 73 s on two cores, PostgreSQL 18."""

INDEX_SHARE = 0.036
"""Size of an index over the size of the table, for the estimate of space: from the same run."""

TABLE_SHARE = 1.6
"""Size of a relation's table with its indexes, over the size of the store's rows that it holds."""

COPYING, COMPARING = 12.0, 8.0
"""How many times longer it takes to copy or to compare a part of the store than to read it once for
an index."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a growth to the phase `goal`. `target` has the store as it was when the plan was
    made. `notes` are for people to read before. `irrevocable` are the definitions of indexes that
    going back does not bring back. `in_the_way` describes the transactions that a build would wait
    for now. `shares` are the parts of the store's bytes that the relations are made of. `misfits`
    is None where they were not looked for."""

    target: Target
    goal: Phase
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    irrevocable: tuple[str, ...]
    in_the_way: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    misfits: Misfits | None = None

    @property
    def store(self) -> Store:
        return self.target.store

    @property
    def mirrors(self) -> tuple[str, ...]:
        """The relations that get tables."""
        return tuple(n for s in self.steps if isinstance(s, Expand) for n in s.names)

    @property
    def builds(self) -> int:
        """How many indexes are built on the store."""
        return sum(isinstance(step, CreateIndex) and step.on is None for step in self.steps)

    @property
    def costs(self) -> tuple[int, ...]:
        """The cost of each step, in blocks of the store that are read or take as long to
        process."""
        return tuple(round(self._cost(step) * self.store.blocks) for step in self.steps)

    def _cost(self, step: Step) -> float:
        if isinstance(step, CreateIndex):
            return 2.0 if step.on is None else self.shares.get(step.on, 0.0)
        if isinstance(step, Backfill | Verify):
            times = COPYING if isinstance(step, Backfill) else COMPARING
            return times * self.shares.get(step.relation, 0.0)
        return 0.0

    @property
    def estimated_seconds(self) -> float:
        return sum(self.costs) / 2 * self.store.table_bytes / max(self.store.blocks, 1) / BUILD_RATE

    @property
    def tables_bytes(self) -> int:
        """The estimated size of the new tables."""
        new = sum(self.shares.get(s.relation, 0) for s in self.steps if isinstance(s, Backfill))
        return round(new * self.store.table_bytes * TABLE_SHARE)

    @property
    def estimated_bytes(self) -> int:
        return round(self.builds * self.store.table_bytes * INDEX_SHARE) + self.tables_bytes

    def as_dict(self) -> dict[str, Any]:
        store = self.store
        return {
            "store": store.name,
            "from": store.phase,
            "to": self.goal,
            "rows_estimated": store.rows,
            "table_bytes": store.table_bytes,
            "index_bytes": store.index_bytes,
            "seconds_estimated": round(self.estimated_seconds, 1),
            "bytes_estimated": self.estimated_bytes,
            "steps": [
                {
                    "kind": s.kind,
                    "name": s.name,
                    "does": s.describe(),
                    "sql": s.sql(self.target),
                    "lock": s.lock,
                }
                for s in self.steps
            ],
            "notes": self.notes,
            "irrevocable": self.irrevocable,
            "in_the_way": self.in_the_way,
            "misfits": None if self.misfits is None else self.misfits.as_dict(),
        }


def make_plan(
    store: Store,
    blueprint: Blueprint,
    goal: Phase,
    estimates: Estimates | None = None,
    late: int | None = None,
) -> Plan:
    """Plan a growth. `late` is what is asked for of derived lists: seconds, 0 for none, or None.
    Raises Refused where it must not begin."""
    _check(store)
    estimates = estimates or Estimates()
    down, up = _plan_tables(store, blueprint, goal, estimates)
    steps = [*down, *(_to_initial if goal == "initial" else _to_optimized)(store, blueprint, goal)]
    steps += up
    lists, asked = wanted_lists(blueprint, goal, store.late.asked, late)
    set_lists = plan_late_lists(store.late, lists, asked)
    if lists:
        steps += set_lists
    else:  # first of all: on the way down lists are up to date
        steps[:0] = set_lists
    if lists and down and store.late.lists:
        steps.insert(0, FoldLists(blueprint.name))
    if not store.current:
        steps.insert(0, install_step(store, blueprint))
    dropped = [
        s.index for s in steps if isinstance(s, DropIndex) and s.index.valid and not s.index.ours
    ]
    return Plan(
        Target(blueprint, store),
        goal,
        tuple(steps),
        tuple(_notes(store, goal, dropped)),
        tuple(index.definition for index in dropped),
        shares={name: estimates.share(blueprint, name) for name in blueprint.relations},
    )


def mirrored_relations(blueprint: Blueprint, phase: Phase) -> tuple[str, ...]:
    """Return the relations that have tables in a phase."""
    return {"hybrid": blueprint.hybrid, "relational": tuple(blueprint.relations)}.get(phase, ())


def _plan_tables(
    store: Store, blueprint: Blueprint, goal: Phase, estimates: Estimates
) -> tuple[list[Step], list[Step]]:
    """Return the steps that come before those of the store's indexes, and those that come after."""
    wanted = mirrored_relations(blueprint, goal)
    kept = {m.relation: m for m in store.mirrors if m.relation in wanted and store.trusts(m)}
    dropped = [m for m in store.mirrors if m.relation not in kept]
    down = _compare_again(store, kept)
    read = tuple(m.relation for m in dropped if m.state == "shadow")
    if read:
        sound = all(store.trusts(m) for m in dropped)
        down.append(SwitchBack(read, _highest_phase(blueprint, kept), sound=sound))
    synced = tuple(m.relation for m in dropped if m.state != "leaving")
    if synced:
        down.append(RemoveSyncTriggers(synced, tuple(kept)))
    for number, mirror in enumerate(dropped, 1):
        down.append(DropTables(mirror.relation, number == len(dropped) and not kept))
    up: list[Step] = []
    new = [name for name in wanted if name not in kept]
    if new:
        relations = tuple((name, estimates.keys(blueprint, name)) for name in new)
        up.append(Expand(relations, tuple(kept)))
    for name in wanted:
        up += _fill_table(store, blueprint, name, kept.get(name), estimates)
    unread = tuple(n for n in wanted if n not in kept or kept[n].state != "shadow")
    if unread:
        up += [WaitForSnapshots(), Switch(unread, goal)]
    elif wanted and store.phase != goal:
        up.append(Record(goal))
    return down, up


def plan_retreat(store: Store) -> list[Step]:
    """Return the steps that drop the tables that are not read yet, for a growth that cannot go
    on."""
    made = tuple(m.relation for m in store.mirrors if m.state != "shadow")
    kept = tuple(m.relation for m in store.mirrors if m.state == "shadow")
    steps: list[Step] = []
    if made:
        steps.append(RemoveSyncTriggers(made, kept))
    for number, name in enumerate(made, 1):
        steps.append(DropTables(name, number == len(made) and not kept))
    return steps


def _compare_again(store: Store, kept: dict[str, Mirror]) -> list[Step]:
    """Return steps that compare the tables again where something that syncs them was changed and
    changed back."""
    if not store.doubted or not kept:
        return []
    steps: list[Step] = [
        Verify(name, mirror.estimate, again=True)
        for name, mirror in kept.items()
        if mirror.state in ("verified", "shadow")
    ]
    return [*steps, Trust(store.doubted)]


def _highest_phase(blueprint: Blueprint, kept: dict[str, Mirror]) -> Phase:
    """Return the highest phase that is complete when only these relations are read from tables."""
    read = {name for name, mirror in kept.items() if mirror.state == "shadow"}
    return "hybrid" if blueprint.hybrid and read.issuperset(blueprint.hybrid) else "optimized"


def _fill_table(
    store: Store, blueprint: Blueprint, name: str, mirror: Mirror | None, estimates: Estimates
) -> list[Step]:
    """Return the steps that are left until the table of a relation can be read."""
    state = "filling" if mirror is None else mirror.state
    keys = estimates.keys(blueprint, name) if mirror is None else mirror.estimate
    steps: list[Step] = []
    if state == "filling":
        steps.append(Backfill(name, keys))
    existing = store.tables[name].indexes if mirror is not None else frozenset()
    missing = [i for i in layout.mirror.indexes(blueprint, name) if i.name not in existing]
    steps += [CreateIndex(index, on=name) for index in missing]
    if state in ("filling", "filled") or missing:
        steps.append(AnalyzeTable(name))
    if state in ("filling", "filled"):
        steps.append(Verify(name, keys))
    return steps


def _to_optimized(store: Store, blueprint: Blueprint, goal: Phase) -> list[Step]:
    indexes = wanted_indexes(store, blueprint)
    statistics = layout.statistics(blueprint, store.schema, store.table)
    names = {i.name for i in indexes} | {s.name for s in statistics}
    steps: list[Step] = _drop_invalid(store)
    for index, like in store.duplicates().items():
        reason = f"the same as {like.name}"
        steps.append(DropIndex(index, reason, lambda s: list(s.duplicates())))
    missing: list[Step] = [CreateIndex(i) for i in indexes if not store.has_index(i.name)]
    unknown = tuple(s for s in statistics if s.name not in store.statistics)
    if unknown:
        missing.append(CreateStatistics(unknown))
    if missing and store.has_grown:
        steps.append(Record("initial"))
    steps += missing
    invalid = {i.name for i in store.invalid_indexes()}
    steps += _drop_made(store, names, names | invalid, "not asked for any more")
    if missing or not store.has_grown:
        steps += [Analyze(store.name), Record("optimized")]
    elif goal == "optimized" and store.phase != goal:
        steps.append(Record("optimized"))
    return steps


def _to_initial(store: Store, blueprint: Blueprint, goal: Phase) -> list[Step]:
    names = {i.name for i in layout.indexes(blueprint, store.schema, store.table)}
    names |= {s.name for s in layout.statistics(blueprint, store.schema, store.table)}
    steps: list[Step] = [] if store.phase == goal else [Record("initial")]
    return steps + _drop_made(store, names, set(), "made for optimized")


def wanted_indexes(store: Store, blueprint: Blueprint) -> list[layout.Index]:
    """Return the indexes of the layout, without that of the key where the store has one like it."""
    has_order = any(i.key_order and i.valid and not i.ours for i in store.indexes)
    wanted = layout.indexes(blueprint, store.schema, store.table)
    return [index for index in wanted if not (index.key_order and has_order)]


def _drop_invalid(store: Store) -> list[Step]:
    reason = "left invalid by a build that failed"
    return [DropIndex(index, reason, Store.invalid_indexes) for index in store.invalid_indexes()]


def _drop_made(store: Store, wanted: set[str], kept: set[str], reason: str) -> list[Step]:
    """Return steps that drop the indexes and statistics that Outgrow made, but for those `kept`."""

    def candidates(now: Store) -> list[StoreIndex]:
        return [i for i in now.made_indexes(wanted) if i.name not in kept]

    steps: list[Step] = [DropIndex(index, reason, candidates) for index in candidates(store)]
    made = store.made_statistics(wanted)
    unwanted = {name: schema for name, schema in made.items() if name not in kept}
    if unwanted:
        steps.append(DropStatistics(unwanted, reason))
    return steps


def install_step(store: Store, blueprint: Blueprint) -> Install:
    """Return the step that brings the layout up to date."""
    in_tables = tuple(
        mirror.relation
        for mirror in store.mirrors
        if mirror.state == "shadow" and mirror.is_current(blueprint)
    )
    return Install(blueprint.name, in_tables)


def _check(store: Store) -> None:
    if store.replica:
        raise Refused(
            "read_only_server",
            "this server is a replica, which can only be read",
            hint="point DATABASE_URL at its primary",
        )
    if store.partitioned:
        raise Refused(
            "partitioned_store",
            f"{store.name} is partitioned: PostgreSQL builds no index on it without locking it",
            hint="a partitioned store can be served as it is, in the phase initial",
        )
    if not store.owned:
        raise Refused(
            "not_owner",
            f"{store.user} may not make indexes on {store.name}",
            detail=f"it belongs to {store.owner}",
            hint=f"connect as {store.owner}, or as a member of it, and let it create there: "
            f"GRANT CREATE ON SCHEMA {quote(store.schema)} TO {quote(store.owner)}",
        )


def _notes(store: Store, goal: Phase, dropped: list[StoreIndex]) -> list[str]:
    notes = []
    if dropped:
        notes.append(
            f"{len(dropped)} duplicate indexes go, {total_bytes(dropped) / 1e6:,.1f} MB; "
            "`--to initial` does not make them again"
        )
    if goal == "initial" and store.phase == "optimized":
        notes.append(
            "indexes that `--to optimized` found to be duplicates or invalid do not come back"
        )
    if store.others:
        notes.append(
            f"{', '.join(store.others)} lies over the same store: its indexes are left alone"
        )
    return notes
