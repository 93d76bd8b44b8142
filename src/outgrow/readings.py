"""Readings of how much there is in a database and how fast it answers, taken and stored.

A reading is cheap enough for a live database: sizes of files, a sample of at most 8 MB of the
store, and, of a small store or with the help of an index, the number of users and the longest
lists. Readings are stored in schema `outgrow`, where it exists. The processes of `outgrow serve`
take one every ten minutes between them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg
import msgspec
from msgspec import structs

from outgrow.advice import Reading, Slow, Speed
from outgrow.blueprint import Blueprint, Pattern
from outgrow.db import stores
from outgrow.db.named import hold
from outgrow.db.pool import GONE, Database, Session, Statements
from outgrow.errors import OutgrowError
from outgrow.inspection.health import read_statements
from outgrow.latencies import Counted, Latencies, quantile
from outgrow.queries import load
from outgrow.schema import memory

log = logging.getLogger("outgrow.readings")

SPACING_SECONDS = 600  # between two stored readings
WRITTEN_SECONDS = 60  # between two times that a process stores its latencies
SAMPLED_BLOCKS = 1_000  # of 8 kB; a smaller store is read whole
LARGEST = 3  # lists whose elements are counted: the longest may not have the most bytes
SCANNED_BYTES = 256_000_000  # of a store that is read whole, without its TOAST
MOST_KEYS = 5_000_000  # that an index counts, in about a second
FITS = 0.5  # the share of keys that a blueprint must claim to count as meant for the store

_LIKE = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


async def take_reading(session: Session, store: str, blueprint: Blueprint) -> Reading:
    """Take a reading, in a transaction. Raises Refused where there is no such store."""
    schema, table = memory.split(store)
    facts = await session.row(load("health")["table"], schema, table)
    if facts is None:
        raise await stores.missing(session, f"{schema}.{table}")
    await hold(session, f"{schema}.{table}")
    await session.run(load("database")["plan_for_parameters"])
    sizes = await session.row(load("readings")["sizes"])
    assert sizes is not None
    sample = await _sample(session, f"{schema}.{table}", facts, blueprint)
    trusted = sample.fits >= FITS or await _is_installed(session, blueprint)
    patterns = _UserPatterns(blueprint, sample, trusted)
    exact = await _exact(session, f"{schema}.{table}", facts, patterns, sample)
    slow = await read_statements(session, table, most=5)
    routes, queries = await _latencies(session)
    reading = Reading(
        taken_at=sizes["now"],
        database_bytes=sizes["database_bytes"],
        store_bytes=facts["heap_bytes"] + facts["toast_bytes"] + facts["index_bytes"],
        keys=round(sum(sample.keys.values()) * sample.factor),
        fits=sample.fits,
        users=exact.users if exact.users is not None else patterns.users_sampled,
        users_are=patterns.users_are,
        school=exact.school,
        school_is=patterns.key_of(patterns.lists),
        connections=exact.connections,
        connections_are=patterns.key_of(patterns.owned),
        sampled=sample.factor > 1,
        routes=routes,
        queries=queries,
        statements=[Slow(s.text, s.calls, s.mean, s.slowest) for s in slow.slowest],
    )
    route = reading.slowest_route
    return reading if route is None else structs.replace(reading, response=route[1].p95)


async def _is_installed(session: Session, blueprint: Blueprint) -> bool:
    """Return whether the blueprint is installed: then it is meant for this store, however many
    other keys there are."""
    sql = load("outgrow")
    if not await session.value(sql["layouts_exist"]):
        return False
    return await session.row(sql["layout"], blueprint.name) is not None


class _Sample:
    """A sample of the store: its keys by pattern ("" for unknown ones), the largest values of each
    pattern, and the unknown documents by family of keys. The store has `factor` times as much."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.keys: Counter[str] = Counter()
        self.families: Counter[str] = Counter()
        self._largest: dict[str, list[tuple[int, str]]] = {}

    def add(self, pattern: str, key: str, size: int, kind: str | None) -> None:
        self.keys[pattern] += 1
        if not pattern:
            self.families[family(key)] += kind in (None, "object")
        largest = self._largest.setdefault(pattern, [])
        if len(largest) < LARGEST or size > largest[-1][0]:
            largest.append((size, key))
            largest.sort(reverse=True)
            del largest[LARGEST:]

    def largest(self, pattern: str) -> list[str]:
        return [key for _, key in self._largest.get(pattern, ())]

    def largest_bytes(self, pattern: str) -> int:
        """Return the bytes of the largest value."""
        return max((size for size, _ in self._largest.get(pattern, ())), default=0)

    @property
    def fits(self) -> float:
        total = sum(self.keys.values())
        return 1.0 if not total else 1 - self.keys[""] / total


class _UserPatterns:
    """The patterns of a store's users, of the lists that name users, and of the lists that users
    have; None for what the blueprint does not say."""

    def __init__(self, blueprint: Blueprint, sample: _Sample, trusted: bool) -> None:
        self._patterns = blueprint.patterns
        self.users: str | None = None
        self.lists: str | None = None
        self.owned: str | None = None
        self.users_are: str | None = None
        self.users_sampled = 0
        if trusted:
            self._read_blueprint(blueprint, sample)
        elif sample.families:
            self.users_are, count = sample.families.most_common(1)[0]
            self.users_sampled = round(count * sample.factor)

    def _read_blueprint(self, blueprint: Blueprint, sample: _Sample) -> None:
        relation = _users_of(blueprint, sample)
        if relation is None:
            return
        self.users = blueprint.relations[relation].pattern or ""
        self.users_are = self.key_of(self.users)
        self.users_sampled = round(sample.keys[self.users] * sample.factor)
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
        self.lists = max(lists, key=sample.largest_bytes, default=None)
        self.owned = max(owned, key=sample.largest_bytes, default=None)

    def pattern(self, name: str) -> Pattern:
        return self._patterns[name]

    def key_of(self, name: str | None) -> str | None:
        return None if name is None else self._patterns[name].key


def _users_of(blueprint: Blueprint, sample: _Sample) -> str | None:
    """Return the relation that counts as users: `users`, else the largest one of documents."""
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
    """Read a sample in small pieces, since requests are answered at the same time."""
    percent = min(100.0, 100.0 * SAMPLED_BLOCKS / max(1, facts["heap_bytes"] // 8192))
    sample = _Sample(100 / percent)
    query = load("readings")["sample"].with_identifiers(store=store)
    async for rows in session.stream(query, percent, batch=200):
        for key, size, kind in rows:
            sample.add(blueprint.match(key) or "", key, size, kind)
        await asyncio.sleep(0)
    return sample


def family(key: str) -> str:
    """Return the first part of a key with a placeholder for each other part: a name for keys that
    no blueprint describes."""
    first, *rest = key.split(":")
    return ":".join([first, *["{}"] * len(rest)])


@dataclass(slots=True)
class _Exact:
    users: int | None = None
    school: int | None = None
    connections: int | None = None


async def _exact(
    session: Session, store: str, facts: asyncpg.Record, patterns: _UserPatterns, sample: _Sample
) -> _Exact:
    """Count what a sample cannot estimate well, where that is cheap: users, and the longest lists.
    Read all of a small store; of a larger one only what an index finds, which leaves out the lists
    that users have. Leave to the sample what takes too long."""
    small = facts["heap_bytes"] <= SCANNED_BYTES
    use = await session.rows(load("health")["index_use"], facts["oid"])
    served = facts["key_order"] or any(row["prefixes"] for row in use)
    whole = small or (served and (facts["rows"] or 0) <= MOST_KEYS)
    count = load("readings")["count_keys"].with_identifiers(store=store)
    exact = _Exact()
    try:
        async with session.connection.transaction():
            await session.run(load("readings")["not_for_long"])
            if patterns.users is not None and whole:
                exact.users = await session.value(
                    count, *_beginning(patterns.pattern(patterns.users))
                )
            if patterns.lists is not None:
                exact.school = await _longest(
                    session, store, patterns, patterns.lists, sample, whole
                )
            if patterns.owned is not None:
                exact.connections = await _longest(
                    session, store, patterns, patterns.owned, sample, small
                )
    except asyncpg.QueryCanceledError:
        log.warning("the store takes too long to count; the reading is from a sample")
    return exact


async def _longest(
    session: Session, store: str, patterns: _UserPatterns, name: str, sample: _Sample, whole: bool
) -> int:
    """Return how many elements the longest list of a pattern has, of its largest values: those of
    the whole store or of the sample."""
    sql = load("readings")
    keys = sample.largest(name)
    if whole:
        query = sql["largest"].with_identifiers(store=store)
        beginning = _beginning(patterns.pattern(name))
        keys = [row["key"] for row in await session.rows(query, *beginning, LARGEST)]
    rows = await session.rows(sql["elements"].with_identifiers(store=store), keys)
    return max((row["elements"] for row in rows), default=0)


def _beginning(pattern: Pattern) -> tuple[str, str]:
    return pattern.prefix.translate(_LIKE) + "%", pattern.loose_regex


async def _latencies(session: Session) -> tuple[dict[str, Speed], dict[str, Speed]]:
    """Return the latencies of the last hour or two, of all processes, by route and by query."""
    speeds: dict[str, dict[str, Speed]] = {"route": {}, "query": {}}
    if await session.value(load("readings")["kept_here"]):
        for row in await session.rows(load("readings")["latencies"]):
            if row["name"].startswith("readings."):
                continue  # nobody waits for readings
            speeds[row["kind"]][row["name"]] = speed(Counted(**row))
    return speeds["route"], speeds["query"]


def speed(counted: Counted) -> Speed:
    """Return the percentiles of a histogram, in milliseconds."""
    p50, p95, p99 = (
        1000 * quantile(counted.counts, share, counted.slowest) for share in (0.5, 0.95, 0.99)
    )
    return Speed(sum(counted.counts), p50, p95, p99, counted.slow, 1000 * counted.slowest)


# Storing ----------------------------------------------------------------------------------------


async def stored_readings(session: Session, store: str) -> list[Reading]:
    """Return the stored readings, the oldest first; none where their table does not exist."""
    if not await session.value(load("readings")["kept_here"]):
        return []
    rows = await session.rows(load("readings")["history"], _name(store))
    return [msgspec.json.decode(row["figures"], type=Reading) for row in rows]


async def is_due(statements: Statements, store: str) -> bool:
    """Return whether the last stored reading is ten minutes old."""
    age = await statements.value(load("readings")["newest"], _name(store))
    return age is None or age >= SPACING_SECONDS


async def store_reading(database: Database, store: str, blueprint: Blueprint) -> Reading | None:
    """Take a reading and store it, on a dedicated connection whose statements never count as slow.
    Return None where another process is taking one, or the last is not ten minutes old."""
    sql = load("readings")
    async with (
        database.dedicated("outgrow readings", single_transaction=True) as session,
        session.connection.transaction(),
    ):
        if not await session.value(sql["claim"], _name(store)):
            return None
        if not await is_due(session, store):
            return None
        reading = await take_reading(session, store, blueprint)
        text = msgspec.json.encode(reading).decode()
        await session.run(sql["keep"], _name(store), reading.taken_at, text)
        await session.run(sql["thin"], _name(store))
        return reading


async def record_readings(
    database: Database,
    store: str,
    blueprint: Blueprint,
    latencies: Latencies,
    every: float = WRITTEN_SECONDS,
) -> None:
    """Store the latencies of a serving process every minute, and a reading every ten minutes, until
    cancelled."""
    while True:
        try:
            await store_latencies(database, latencies)
            if await is_due(database, store):
                await store_reading(database, store, blueprint)
        except (*GONE, asyncpg.PostgresError, OutgrowError) as e:
            log.warning("no reading was kept, and it is tried again: %s", e)
        await asyncio.sleep(every)


async def store_latencies(database: Database, latencies: Latencies) -> None:
    """Add the counts to those that are stored, and delete old ones."""
    counts = latencies.take_counts()
    sql = load("readings")
    try:
        if counts:
            await database.run(sql["add_latencies"], _as_json(counts))
        await database.run(sql["forget_latencies"])
    except BaseException:
        latencies.add_back(counts)
        raise


def _as_json(counts: Iterable[Counted]) -> str:
    return msgspec.json.encode(list(counts)).decode()


def _name(store: str) -> str:
    return ".".join(memory.split(store))
