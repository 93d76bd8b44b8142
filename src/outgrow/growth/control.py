"""A growth from outside: where the store stands, pausing, resuming, switching, rolling back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from outgrow import layout
from outgrow.blueprint import Blueprint
from outgrow.db.pool import Database
from outgrow.errors import Refused
from outgrow.growth import catalog, runner, state
from outgrow.growth.catalog import Store
from outgrow.growth.plan import wanted_indexes
from outgrow.growth.runner import Done, Options
from outgrow.growth.state import Growth, Mirror
from outgrow.growth.watch import Watcher
from outgrow.queries import load
from outgrow.schema import memory, migrate


@dataclass(frozen=True, slots=True)
class Role:
    """What an index is for. `role` is wanted, unwanted, duplicate, invalid, needed or other; `why`
    explains it."""

    name: str
    role: str
    why: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Growing:
    """A growth that is running: its session, what PostgreSQL does in it, and what it waits for."""

    pid: int
    doing: str
    waiting: str


@dataclass(frozen=True, slots=True)
class Status:
    """Where a store stands. `missing` names the indexes and statistics that the phase optimized
    asks for and that do not exist. `growth` is the unfinished one, whether it is `growing` or
    not."""

    store: Store
    indexes: tuple[Role, ...]
    missing: tuple[str, ...]
    growing: Growing | None
    growth: Growth | None = None

    @property
    def growth_state(self) -> str:
        """The growth's state in one word. A growth whose process died is still recorded as
        running."""
        if self.growth is None:
            return "none"
        if self.growing is not None:
            return "paused" if self.growth.paused else "running"
        return self.growth.state if self.growth.state in ("ready", "failed") else "interrupted"

    def as_dict(self) -> dict[str, Any]:
        store = self.store
        return {
            "store": store.name,
            "store_said": store.notice,
            "other_blueprints": dict(store.others),
            "phase": store.phase,
            "layout_is_current": store.current,
            "rows_estimated": store.rows,
            "table_bytes": store.table_bytes,
            "index_bytes": store.index_bytes,
            "indexes": [asdict(role) for role in self.indexes],
            "missing": self.missing,
            "tables": [_table(store, mirror) for mirror in store.mirrors],
            "late_lists": store.late.as_dict(),
            "altered": [{"object": f.object, "what": f.what} for f in store.altered],
            "growing": None if self.growing is None else asdict(self.growing),
            "growth": None
            if self.growth is None
            else {**self.growth.as_dict(), "state": self.growth_state},
        }


def _table(store: Store, mirror: Mirror) -> dict[str, Any]:
    table = store.tables.get(mirror.relation)
    return {
        "relation": mirror.relation,
        "state": mirror.state if store.trusts(mirror) else "stale",
        "keys": mirror.keys,
        "keys_estimated": mirror.estimate,
        "rows": mirror.rows,
        "unmapped": mirror.unmapped,
        "table_bytes": table.table_bytes if table else 0,
        "index_bytes": table.index_bytes if table else 0,
    }


async def status(database: Database, store: str, blueprint: Blueprint) -> Status:
    """Read where the store stands, in a read-only transaction. Raises Refused where there is no
    such store."""
    sql = load("grow")
    async with database.session() as session, session.connection.transaction(readonly=True):
        facts = await catalog.read_store(session, store, blueprint, closely=False)
        growth = await state.unfinished(session, blueprint.name)
        growing = None
        pid = await session.value(sql["claimed_by"], facts.oid)
        if pid is not None:
            row = await session.row(sql["progress"], pid)
            doing = (row and row["phase"]) or (growth.doing if growth else "")
            waiting = catalog.describe_blocker(row) or (growth.waiting if growth else "")
            growing = Growing(pid, doing, waiting.removeprefix("waits for "))
    wanted = [index.name for index in wanted_indexes(facts, blueprint)]
    missing = [name for name in wanted if not facts.has_index(name)]
    for statistics in layout.statistics(blueprint, facts.schema, facts.table):
        if statistics.name not in facts.statistics:
            missing.append(statistics.name)
    return Status(facts, tuple(_roles(facts, wanted)), tuple(missing), growing, growth)


def _roles(store: Store, wanted: list[str]) -> list[Role]:
    duplicates = store.duplicates()
    made = store.made_indexes(wanted)
    roles = []
    for index in store.indexes:
        if index.needed_by is not None:
            role, why = "needed", index.needed_by
        elif not index.valid:
            role, why = "invalid", "being built, or left by a build that failed"
        elif index in duplicates:
            role, why = "duplicate", f"the same as {duplicates[index].name}"
        elif index.name in wanted:
            role, why = "wanted", "optimized asks for it"
        elif index in made:
            role, why = "unwanted", "an older layout asked for it"
        else:
            role, why = "other", "none of ours"
        roles.append(Role(index.name, role, why, index.bytes))
    return roles


async def pause(database: Database, store: str, blueprint: Blueprint) -> Growth:
    """Pause the running growth: it stops between two batches or steps, within a second, and waits.
    An index that is being built is finished first. Raises Refused where no growth runs."""
    growth = await _unfinished(database, blueprint)
    if not await is_running(database, store, blueprint):
        raise Refused(
            "not_running",
            f"the growth to {growth.to_phase} is not running",
            hint="`outgrow resume` goes on, `outgrow rollback` goes back",
        )
    await database.run(load("grow")["growth_pauses"], blueprint.name, True)
    return growth


async def wake(database: Database, store: str, blueprint: Blueprint) -> Growth | None:
    """Let a paused growth go on. Return it where no process runs it: then the caller has to."""
    growth = await _unfinished(database, blueprint)
    await database.run(load("grow")["growth_pauses"], blueprint.name, False)
    return None if await is_running(database, store, blueprint) else growth


async def resume(
    database: Database, growth: Growth, store: str, blueprint: Blueprint, watcher: Watcher
) -> Done:
    """Run an unfinished growth to its end, with the options that it began with."""
    options = Options(growth.postponed, growth.max_load, growth.late_seconds)
    return await runner.grow(database, growth.to_phase, store, blueprint, watcher, options)


async def switch(database: Database, store: str, blueprint: Blueprint, watcher: Watcher) -> Done:
    """Finish a growth whose switch was postponed. Raises Refused when none is ready."""
    growth = await _unfinished(database, blueprint)
    if growth.state != "ready":
        raise Refused(
            "not_ready",
            f"the growth to {growth.to_phase} is not ready to be switched: it is {growth.state}",
            hint="`outgrow status` shows how far it is, `outgrow resume` goes on",
        )
    options = Options(False, growth.max_load, growth.late_seconds)
    return await runner.grow(database, growth.to_phase, store, blueprint, watcher, options)


async def rollback(database: Database, store: str, blueprint: Blueprint, watcher: Watcher) -> Done:
    """Take the unfinished growth back to the phase that it started from."""
    growth = await _unfinished(database, blueprint)
    return await runner.grow(database, growth.from_phase, store, blueprint, watcher)


async def is_running(database: Database, store: str, blueprint: Blueprint) -> bool:
    """Return whether a session runs a growth of the store."""
    sql = load("grow")
    located = await memory.locate(database, store, blueprint)
    facts = await database.row(sql["store"], *memory.split(located.store))
    return facts is not None and await database.value(sql["claimed_by"], facts["oid"]) is not None


async def _unfinished(database: Database, blueprint: Blueprint) -> Growth:
    await migrate.pending(database, migrate.schemas(blueprint))
    growth = await state.unfinished(database, blueprint.name)
    if growth is None:
        raise Refused(
            "no_growth",
            f"no growth of {blueprint.name} is unfinished",
            hint="`outgrow grow --to PHASE` begins one",
        )
    return growth
