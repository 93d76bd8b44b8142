"""What a growth will do: the catalog's facts compared with what the phase asks for. No I/O."""

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
"""Bytes of the table per second and index, for the estimate of the time: 15 indexes over 426 MB
(a campus of 100,000 users in 637,000 keys) took 73 s on two cores, PostgreSQL 18."""

INDEX_SHARE = 0.036
"""Size of one index over the size of the table, for the estimate of the space: in the same run."""

TABLE_SHARE = 1.6
"""Size of a relation's table with its indexes, over that of the store's rows it is made of."""

COPYING, COMPARING = 12.0, 8.0
"""How much longer it takes to copy, or to compare, a part of the store than to read it once for an
index."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`target` has the store as it was when the plan was made; `goal` is the phase; `notes` what to
    know before. `irrevocable` are definitions of indexes that going back does not bring back;
    `in_the_way` says which transactions a build would wait for now; `misfits` is None where nobody
    looked."""

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
        """Of indexes on the store."""
        return sum(isinstance(step, CreateIndex) and step.on is None for step in self.steps)

    @property
    def costs(self) -> tuple[int, ...]:
        """Of each step, in blocks of the store that are read, or take as long as reading one."""
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
        """What the new tables take."""
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


def make(
    store: Store, blueprint: Blueprint, goal: Phase, estimates: Estimates | None = None
) -> Plan:
    """Raises Refused where a growth must not begin."""
    _check(store)
    found = estimates or Estimates()
    down, up = _tables(store, blueprint, goal, found)
    steps = [*down, *(_to_initial if goal == "initial" else _to_optimized)(store, blueprint, goal)]
    steps += up
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
        shares={name: found.share(blueprint, name) for name in blueprint.relations},
    )


def mirrored(blueprint: Blueprint, phase: Phase) -> tuple[str, ...]:
    """The relations that have tables in a phase."""
    return {"hybrid": blueprint.hybrid, "relational": tuple(blueprint.relations)}.get(phase, ())


def _tables(
    store: Store, blueprint: Blueprint, goal: Phase, estimates: Estimates
) -> tuple[list[Step], list[Step]]:
    """What is done before the store's indexes are seen to, and what after."""
    wanted = mirrored(blueprint, goal)
    kept = {x.relation: x for x in store.mirrors if x.relation in wanted and store.trusted(x)}
    gone = [x for x in store.mirrors if x.relation not in kept]
    down = _compared_again(store, kept)
    read = tuple(x.relation for x in gone if x.state == "shadow")
    if read:
        there = all(store.trusted(x) for x in gone)
        down.append(SwitchBack(read, _without(blueprint, kept), sound=there))
    following = tuple(x.relation for x in gone if x.state != "leaving")
    if following:
        down.append(RemoveSyncTriggers(following, tuple(kept)))
    for number, x in enumerate(gone, 1):
        down.append(DropTables(x.relation, number == len(gone) and not kept))
    up: list[Step] = []
    new = [name for name in wanted if name not in kept]
    if new:
        found = tuple((name, estimates.keys(blueprint, name)) for name in new)
        up.append(Expand(found, tuple(kept)))
    for name in wanted:
        up += _fill(store, blueprint, name, kept.get(name), estimates)
    unread = tuple(n for n in wanted if n not in kept or kept[n].state != "shadow")
    if unread:
        up += [WaitForSnapshots(), Switch(unread, goal)]
    elif wanted and store.phase != goal:
        up.append(Record(goal))
    return down, up


def retreat(store: Store) -> list[Step]:
    """The steps that take away the tables that nobody reads yet, for a growth that cannot go on."""
    made = tuple(x.relation for x in store.mirrors if x.state != "shadow")
    kept = tuple(x.relation for x in store.mirrors if x.state == "shadow")
    steps: list[Step] = []
    if made:
        steps.append(RemoveSyncTriggers(made, kept))
    for number, name in enumerate(made, 1):
        steps.append(DropTables(name, number == len(made) and not kept))
    return steps


def _compared_again(store: Store, kept: dict[str, Mirror]) -> list[Step]:
    """The tables that were right, where something that keeps them was changed since."""
    if not store.doubted or not kept:
        return []
    steps: list[Step] = [
        Verify(name, mirror.estimate, again=True)
        for name, mirror in kept.items()
        if mirror.state in ("verified", "shadow")
    ]
    return [*steps, Trust(store.doubted)]


def _without(blueprint: Blueprint, kept: dict[str, Mirror]) -> Phase:
    """The phase of which all is there when only these relations are read from tables."""
    there = {name for name, x in kept.items() if x.state == "shadow"}
    return "hybrid" if blueprint.hybrid and there.issuperset(blueprint.hybrid) else "optimized"


def _fill(
    store: Store, blueprint: Blueprint, name: str, mirror: Mirror | None, estimates: Estimates
) -> list[Step]:
    """What is left to do until the table of a relation can be read."""
    state = "filling" if mirror is None else mirror.state
    keys = estimates.keys(blueprint, name) if mirror is None else mirror.estimate
    steps: list[Step] = []
    if state == "filling":
        steps.append(Backfill(name, keys))
    there = store.tables[name].indexes if mirror is not None else frozenset()
    missing = [i for i in layout.mirror.indexes(blueprint, name) if i.name not in there]
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
    missing: list[Step] = [CreateIndex(i) for i in indexes if not store.has(i.name)]
    unknown = tuple(s for s in statistics if s.name not in store.statistics)
    if unknown:
        missing.append(CreateStatistics(unknown))
    indexed = store.phase not in (None, "initial")
    if missing and indexed:
        steps.append(Record("initial"))
    steps += missing
    invalid = {i.name for i in store.invalid()}
    steps += _drop_made(store, names, names | invalid, "not asked for any more")
    if missing or not indexed:
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
    """Those of the layout, without the one of the key where the store has its like."""
    has_order = any(i.key_order and i.valid and not i.ours for i in store.indexes)
    wanted = layout.indexes(blueprint, store.schema, store.table)
    return [index for index in wanted if not (index.key_order and has_order)]


def _drop_invalid(store: Store) -> list[Step]:
    reason = "left invalid by a build that failed"
    return [DropIndex(index, reason, Store.invalid) for index in store.invalid()]


def _drop_made(store: Store, wanted: set[str], keep: set[str], reason: str) -> list[Step]:
    """Of what Outgrow made, all that is not in `keep`."""

    def found(now: Store) -> list[StoreIndex]:
        return [i for i in now.made(wanted) if i.name not in keep]

    steps: list[Step] = [DropIndex(index, reason, found) for index in found(store)]
    made = store.made_statistics(wanted)
    unwanted = {name: schema for name, schema in made.items() if name not in keep}
    if unwanted:
        steps.append(DropStatistics(unwanted, reason))
    return steps


def install_step(store: Store, blueprint: Blueprint) -> Install:
    in_tables = tuple(
        mirror.relation
        for mirror in store.mirrors
        if mirror.state == "shadow"
        and mirror.relation in blueprint.relations
        and mirror.version == layout.mirror.version(blueprint, mirror.relation)
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
