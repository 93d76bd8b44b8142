"""What a growth will do: the catalogue's facts compared with what the phase asks for. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.errors import Refused
from outgrow.grow.catalogue import Store, StoreIndex, total_bytes
from outgrow.grow.steps import (
    Analyze,
    CreateIndex,
    CreateStatistics,
    DropIndex,
    DropStatistics,
    Install,
    Phase,
    Record,
    Step,
)

BUILD_RATE = 85e6
"""Bytes of the table per second and index, for the estimate of the time: 15 indexes over 426 MB
(a campus of 100,000 users in 637,000 keys) took 73 s on two cores, PostgreSQL 18."""

INDEX_SHARE = 0.036
"""Size of one index over the size of the table, for the estimate of the space: in the same run."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`store` is as it was when the plan was made; `goal` the phase; `notes` what to know before.
    `irrevocable` are definitions of indexes that going back does not bring back; `in_the_way` says
    which transactions a build would wait for now."""

    store: Store
    goal: Phase
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    irrevocable: tuple[str, ...]
    in_the_way: tuple[str, ...] = ()

    @property
    def builds(self) -> int:
        return sum(step.kind == CreateIndex.kind for step in self.steps)

    @property
    def estimated_seconds(self) -> float:
        return self.builds * self.store.table_bytes / BUILD_RATE

    @property
    def estimated_bytes(self) -> int:
        return round(self.builds * self.store.table_bytes * INDEX_SHARE)

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
            "steps": [
                {
                    "kind": s.kind,
                    "name": s.name,
                    "does": s.describe(),
                    "sql": s.sql(),
                    "lock": s.lock,
                }
                for s in self.steps
            ],
            "notes": self.notes,
            "irrevocable": self.irrevocable,
            "in_the_way": self.in_the_way,
        }


def make(store: Store, blueprint: Blueprint, goal: Phase) -> Plan:
    """Raises Refused where a growth must not begin."""
    _check(store)
    make_steps = {"optimized": _to_optimized, "found": _to_found}[goal]
    steps = make_steps(store, blueprint)
    if not store.current:
        steps.insert(0, Install(blueprint.name))
    dropped = [
        s.index for s in steps if isinstance(s, DropIndex) and s.index.valid and not s.index.ours
    ]
    return Plan(
        store,
        goal,
        tuple(steps),
        tuple(_notes(store, goal, dropped)),
        tuple(index.definition for index in dropped),
    )


def _to_optimized(store: Store, blueprint: Blueprint) -> list[Step]:
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
    if missing and store.phase == "optimized":
        steps.append(Record("found"))
    steps += missing
    invalid = {i.name for i in store.invalid()}
    steps += _drop_made(store, names, names | invalid, "not asked for any more")
    if missing or store.phase != "optimized":
        steps += [Analyze(store.name), Record("optimized")]
    return steps


def _to_found(store: Store, blueprint: Blueprint) -> list[Step]:
    names = {i.name for i in layout.indexes(blueprint, store.schema, store.table)}
    names |= {s.name for s in layout.statistics(blueprint, store.schema, store.table)}
    steps: list[Step] = [] if store.phase == "found" else [Record("found")]
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
            hint="a partitioned store can be served as it is, in the phase found",
        )
    if not store.owned:
        raise Refused(
            "not_owner",
            f"{store.user} may not make indexes on {store.name}",
            detail=f"it belongs to {store.owner}",
            hint=f"connect as {store.owner}, or as a member of it that may create in schema "
            f"{store.schema}",
        )


def _notes(store: Store, goal: Phase, dropped: list[StoreIndex]) -> list[str]:
    notes = []
    if dropped:
        notes.append(
            f"{len(dropped)} duplicate indexes go, {total_bytes(dropped) / 1e6:,.1f} MB; "
            "`--to found` does not make them again"
        )
    if goal == "found" and store.phase == "optimized":
        notes.append(
            "indexes that `--to optimized` found to be duplicates or invalid do not come back"
        )
    if store.others:
        notes.append(
            f"{', '.join(store.others)} lies over the same store: its indexes are left alone"
        )
    return notes
