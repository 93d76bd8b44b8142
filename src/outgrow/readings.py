"""Readings: how much there is in a database and how fast it answers, taken and kept.

One is cheap enough for a live database: sizes of files, 16 MB of the store at most as a sample, and
of a small store, or where an index serves it, the number of users and the longest lists. They are
kept in schema `outgrow`, where that is there. `outgrow serve` takes one every ten minutes,
whichever of its processes comes first; the others find it taken.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable

import asyncpg
import msgspec
from msgspec import structs

from outgrow import install
from outgrow.advise import Reading, Slow, Speed
from outgrow.blueprint import Blueprint, Pattern
from outgrow.database import Database, Session
from outgrow.errors import OutgrowError, Refused
from outgrow.inspect import statements
from outgrow.latencies import Counted, Latencies, quantile
from outgrow.queries import load

log = logging.getLogger("outgrow.readings")

SPACING_SECONDS = 600  # between two readings that are kept
WRITTEN_SECONDS = 60  # between two times that a process writes its latencies down
SAMPLED_BLOCKS = 2_000  # of 8 kB; all of a store that has fewer
SCANNED_BYTES = 64_000_000  # of a store that is read whole, but for what lies in TOAST
MOST_KEYS = 5_000_000  # that are counted by an index: about a second
FITS = 0.5  # of the keys must be the blueprint's for its relations to mean anything

_LIKE = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


async def take(session: Session, store: str, blueprint: Blueprint) -> Reading:
    """Look, from a transaction. Raises Refused where there is no such store."""
    schema, table = install.split(store)
    facts = await session.row(load("health")["table"], schema, table)
    if facts is None:
        raise Refused(
            "no_store",
            f"there is no table {schema}.{table}",
            hint="set OUTGROW_STORE to the name of the key-value table",
        )
    await session.run(load("database")["plan_for_parameters"])
    sizes = await session.row(load("readings")["sizes"], facts["oid"])
    assert sizes is not None
    sample = await _sample(session, f"{schema}.{table}", facts, blueprint)
    places = _Places(blueprint, sample)
    exact = await _exact(session, f"{schema}.{table}", facts, places)
    slow = await statements.read(session, table, most=5)
    routes, queries = await _latencies(session)
    reading = Reading(
        at=sizes["now"],
        database_bytes=sizes["database_bytes"],
        store_bytes=sizes["store_bytes"],
        keys=round(sum(sample.keys.values()) * sample.factor),
        fits=sample.fits,
        users=exact.users if exact.users is not None else places.users_sampled,
        users_are=places.users_are,
        school=max(exact.school, sample.longest[places.lists_name]) if places.lists else None,
        school_is=places.lists.key if places.lists else None,
        connections=max(exact.connections, sample.longest[places.owned_name])
        if places.owned
        else None,
        connections_are=places.owned.key if places.owned else None,
        sampled=sample.factor > 1,
        routes=routes,
        queries=queries,
        statements=[Slow(s.text, s.calls, s.mean, s.slowest) for s in slow.slowest],
    )
    route = reading.slowest_route
    return reading if route is None else structs.replace(reading, response=route[1].p95)


class _Sample:
    """Of the store: keys by pattern ("" for what the blueprint does not know), by family of keys
    where it does not, and the longest list of each. `factor` is how much more there is."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.keys: Counter[str] = Counter()
        self.families: Counter[str] = Counter()
        self.longest: Counter[str] = Counter()

    @property
    def fits(self) -> float:
        total = sum(self.keys.values())
        return 1.0 if not total else 1 - self.keys[""] / total


class _Places:
    """Where in a store its users are, the lists by which they are found, and their own lists."""

    def __init__(self, blueprint: Blueprint, sample: _Sample) -> None:
        self.users: Pattern | None = None
        self.lists: Pattern | None = None
        self.owned: Pattern | None = None
        self.lists_name = self.owned_name = ""
        self.users_are: str | None = None
        self.users_sampled: int | None = 0
        if sample.fits >= FITS:
            self._named(blueprint, sample)
        elif sample.families:
            self.users_are, count = sample.families.most_common(1)[0]
            self.users_sampled = round(count * sample.factor)

    def _named(self, blueprint: Blueprint, sample: _Sample) -> None:
        relation = _users_of(blueprint, sample)
        if relation is None:
            return
        name = blueprint.relations[relation].pattern or ""
        self.users = blueprint.patterns[name]
        self.users_are = self.users.key
        self.users_sampled = round(sample.keys[name] * sample.factor)
        lists = [
            name
            for name, derived in blueprint.derived.items()
            if blueprint.source_of(derived.source) == relation
            and blueprint.patterns[name].variables
        ]
        owned = [
            relation.pattern
            for relation in blueprint.relations.values()
            if relation.pattern and blueprint.patterns[relation.pattern].shape == "ids"
        ]
        if lists:
            self.lists_name = max(lists, key=lambda name: sample.longest[name])
            self.lists = blueprint.patterns[self.lists_name]
        if owned:
            self.owned_name = max(owned, key=lambda name: sample.longest[name])
            self.owned = blueprint.patterns[self.owned_name]


def _users_of(blueprint: Blueprint, sample: _Sample) -> str | None:
    """The relation that counts as users: the one of that name, else the largest of documents."""
    documents = [
        name
        for name, relation in blueprint.relations.items()
        if relation.pattern and blueprint.patterns[relation.pattern].shape == "document"
    ]
    if "users" in documents:
        return "users"
    return max(
        documents, key=lambda n: sample.keys[blueprint.relations[n].pattern or ""], default=None
    )


async def _sample(
    session: Session, store: str, facts: asyncpg.Record, blueprint: Blueprint
) -> _Sample:
    percent = min(100.0, 100.0 * SAMPLED_BLOCKS / max(1, facts["heap_bytes"] // 8192))
    sample = _Sample(100 / percent)
    query = load("grow")["sample"].with_identifiers(store=store)
    for key, _, elements in await session.rows(query, percent):
        pattern = blueprint.match(key) or ""
        sample.keys[pattern] += 1
        sample.longest[pattern] = max(sample.longest[pattern], elements)
        if not pattern:
            sample.families[family(key)] += 1
    return sample


def family(key: str) -> str:
    """What a key is called where no blueprint says it: its first word, and how many follow."""
    first, *rest = key.split(":")
    return ":".join([first, *["{}"] * len(rest)])


class _Exact:
    users: int | None = None
    school: int = 0
    connections: int = 0


async def _exact(session: Session, store: str, facts: asyncpg.Record, places: _Places) -> _Exact:
    """What a sample cannot say well, where it costs little: how many users, and the largest lists.
    Of a small store everything; of a larger one what an index finds, which the many lists of
    users are not."""
    found = _Exact()
    small = facts["heap_bytes"] <= SCANNED_BYTES
    if not small:
        use = await session.rows(load("health")["index_use"], facts["oid"])
        served = facts["key_order"] or any(row["prefixes"] for row in use)
        if not served or (facts["rows"] or 0) > MOST_KEYS:
            return found
    if places.users is not None:
        query = load("readings")["count_keys"].with_identifiers(store=store)
        found.users = await session.value(query, *_beginning(places.users))
    if places.lists is not None:
        found.school = await _longest(session, store, places.lists)
    if places.owned is not None and small:
        found.connections = await _longest(session, store, places.owned)
    return found


async def _longest(session: Session, store: str, pattern: Pattern) -> int:
    query = load("readings")["longest_lists"].with_identifiers(store=store)
    rows = await session.rows(query, *_beginning(pattern))
    return max((row["elements"] for row in rows), default=0)


def _beginning(pattern: Pattern) -> tuple[str, str]:
    return pattern.prefix.translate(_LIKE) + "%", pattern.loose_regex


async def _latencies(session: Session) -> tuple[dict[str, Speed], dict[str, Speed]]:
    """Of the last hour or two, of all processes; by route and by query."""
    found: dict[str, dict[str, Speed]] = {"route": {}, "query": {}}
    if await session.value(load("readings")["kept_here"]):
        for row in await session.rows(load("readings")["latencies"]):
            if row["name"].startswith("readings."):
                continue  # our own looking is nobody's waiting
            found[row["kind"]][row["name"]] = speed(Counted(**row))
    return found["route"], found["query"]


def speed(counted: Counted) -> Speed:
    p50, p95, p99 = (
        1000 * quantile(counted.counts, share, counted.slowest) for share in (0.5, 0.95, 0.99)
    )
    return Speed(sum(counted.counts), p50, p95, p99, counted.slow, 1000 * counted.slowest)


# Keeping ----------------------------------------------------------------------------------------


async def history(session: Session, store: str) -> list[Reading]:
    """What was kept, the oldest first; nothing where there is no place to keep it."""
    if not await session.value(load("readings")["kept_here"]):
        return []
    rows = await session.rows(load("readings")["history"], _name(store))
    return [msgspec.json.decode(row["figures"], type=Reading) for row in rows]


async def keep(session: Session, store: str, blueprint: Blueprint) -> Reading | None:
    """Take a reading and keep it, in the session's transaction; None where another process is at
    it, or one of the last ten minutes is there."""
    sql = load("readings")
    name = _name(store)
    if not await session.value(sql["claim"], name):
        return None
    age = await session.value(sql["newest"], name)
    if age is not None and age < SPACING_SECONDS:
        return None
    reading = await take(session, store, blueprint)
    await session.run(sql["keep"], name, reading.at, msgspec.json.encode(reading).decode())
    await session.run(sql["thin"], name)
    return reading


async def record(
    database: Database,
    store: str,
    blueprint: Blueprint,
    latencies: Latencies,
    every: float = WRITTEN_SECONDS,
) -> None:
    """For a serving process: write its latencies down every minute, and see that there is a
    reading every ten. Until cancelled."""
    while True:
        try:
            await write(database, latencies)
            await database.transaction(lambda session: keep(session, store, blueprint))
        except (OutgrowError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as e:
            log.warning("no reading was kept, and it is tried again: %s", e)
        await asyncio.sleep(every)


async def write(database: Database, latencies: Latencies) -> None:
    """Add what was counted to what is written, and forget what is old."""
    taken = latencies.take()
    sql = load("readings")
    try:
        if taken:
            await database.run(sql["add_latencies"], _as_json(taken))
        await database.run(sql["forget_latencies"])
    except BaseException:
        latencies.give_back(taken)
        raise


def _as_json(taken: Iterable[Counted]) -> str:
    return msgspec.json.encode(list(taken)).decode()


def _name(store: str) -> str:
    return ".".join(install.split(store))
