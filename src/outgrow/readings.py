"""Readings: how much there is in a database and how fast it answers, taken and kept.

One is cheap enough for a live database: sizes of files, 8 MB of the store at most as a sample, and
of a small store, or where an index serves it, the number of users and the longest lists. They are
kept in schema `outgrow`, where that is there. `outgrow serve` takes one every ten minutes,
whichever of its processes comes first; the others find it taken.
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

SPACING_SECONDS = 600  # between two readings that are kept
WRITTEN_SECONDS = 60  # between two times that a process writes its latencies down
SAMPLED_BLOCKS = 1_000  # of 8 kB; all of a store that has fewer
LARGEST = 3  # lists whose elements are counted: the largest by bytes may not be the longest
SCANNED_BYTES = 256_000_000  # of a store that is read whole, but for what lies in TOAST
MOST_KEYS = 5_000_000  # that are counted by an index: about a second
FITS = 0.5  # of the keys must be the blueprint's, or nobody knows that it was meant for them

_LIKE = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


async def take(session: Session, store: str, blueprint: Blueprint) -> Reading:
    """Look, from a transaction. Raises Refused where there is no such store."""
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
    places = _Places(blueprint, sample, trusted)
    exact = await _exact(session, f"{schema}.{table}", facts, places, sample)
    slow = await read_statements(session, table, most=5)
    routes, queries = await _latencies(session)
    reading = Reading(
        at=sizes["now"],
        database_bytes=sizes["database_bytes"],
        store_bytes=facts["heap_bytes"] + facts["toast_bytes"] + facts["index_bytes"],
        keys=round(sum(sample.keys.values()) * sample.factor),
        fits=sample.fits,
        users=exact.users if exact.users is not None else places.users_sampled,
        users_are=places.users_are,
        school=exact.school,
        school_is=places.key_of(places.lists),
        connections=exact.connections,
        connections_are=places.key_of(places.owned),
        sampled=sample.factor > 1,
        routes=routes,
        queries=queries,
        statements=[Slow(s.text, s.calls, s.mean, s.slowest) for s in slow.slowest],
    )
    route = reading.slowest_route
    return reading if route is None else structs.replace(reading, response=route[1].p95)


async def _is_installed(session: Session, blueprint: Blueprint) -> bool:
    """Then it was meant for this store, however many other keys there are."""
    sql = load("outgrow")
    if not await session.value(sql["layouts_exist"]):
        return False
    return await session.row(sql["layout"], blueprint.name) is not None


class _Sample:
    """Of the store: keys by pattern ("" for what the blueprint does not know) and those that take
    most room; by family of keys the documents that it does not know. `factor` is how much more
    there is."""

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

    def room(self, pattern: str) -> int:
        """Bytes of the largest."""
        return max((size for size, _ in self._largest.get(pattern, ())), default=0)

    @property
    def fits(self) -> float:
        total = sum(self.keys.values())
        return 1.0 if not total else 1 - self.keys[""] / total


class _Places:
    """Where in a store its users are, the lists by which they are found, and their own lists: names
    of patterns, None for what the blueprint does not say."""

    def __init__(self, blueprint: Blueprint, sample: _Sample, trusted: bool) -> None:
        self._patterns = blueprint.patterns
        self.users: str | None = None
        self.lists: str | None = None
        self.owned: str | None = None
        self.users_are: str | None = None
        self.users_sampled = 0
        if trusted:
            self._named(blueprint, sample)
        elif sample.families:
            self.users_are, count = sample.families.most_common(1)[0]
            self.users_sampled = round(count * sample.factor)

    def _named(self, blueprint: Blueprint, sample: _Sample) -> None:
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
        self.lists = max(lists, key=sample.room, default=None)
        self.owned = max(owned, key=sample.room, default=None)

    def pattern(self, name: str) -> Pattern:
        return self._patterns[name]

    def key_of(self, name: str | None) -> str | None:
        return None if name is None else self._patterns[name].key


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
    """In small pieces, since requests are answered meanwhile."""
    percent = min(100.0, 100.0 * SAMPLED_BLOCKS / max(1, facts["heap_bytes"] // 8192))
    sample = _Sample(100 / percent)
    query = load("readings")["sample"].with_identifiers(store=store)
    async for rows in session.stream(query, percent, batch=200):
        for key, size, kind in rows:
            sample.add(blueprint.match(key) or "", key, size, kind)
        await asyncio.sleep(0)
    return sample


def family(key: str) -> str:
    """What a key is called where no blueprint says it: its first word, and how many follow."""
    first, *rest = key.split(":")
    return ":".join([first, *["{}"] * len(rest)])


@dataclass(slots=True)
class _Exact:
    users: int | None = None
    school: int | None = None
    connections: int | None = None


async def _exact(
    session: Session, store: str, facts: asyncpg.Record, places: _Places, sample: _Sample
) -> _Exact:
    """What a sample cannot say well, where it costs little: how many users, and the largest lists.
    Of a small store everything; of a larger one what an index finds, which the many lists of
    users are not. What takes too long is left to the sample."""
    small = facts["heap_bytes"] <= SCANNED_BYTES
    use = await session.rows(load("health")["index_use"], facts["oid"])
    served = facts["key_order"] or any(row["prefixes"] for row in use)
    whole = small or (served and (facts["rows"] or 0) <= MOST_KEYS)
    count = load("readings")["count_keys"].with_identifiers(store=store)
    found = _Exact()
    try:
        async with session.connection.transaction():
            await session.run(load("readings")["not_for_long"])
            if places.users is not None and whole:
                found.users = await session.value(count, *_beginning(places.pattern(places.users)))
            if places.lists is not None:
                found.school = await _longest(session, store, places, places.lists, sample, whole)
            if places.owned is not None:
                found.connections = await _longest(
                    session, store, places, places.owned, sample, small
                )
    except asyncpg.QueryCanceledError:
        log.warning("the store takes too long to count; the reading is from a sample")
    return found


async def _longest(
    session: Session, store: str, places: _Places, name: str, sample: _Sample, whole: bool
) -> int:
    """Elements of the longest list of a pattern: of those that take most room, in all of the store
    or in the sample."""
    sql = load("readings")
    keys = sample.largest(name)
    if whole:
        query = sql["largest"].with_identifiers(store=store)
        beginning = _beginning(places.pattern(name))
        keys = [row["key"] for row in await session.rows(query, *beginning, LARGEST)]
    rows = await session.rows(sql["elements"].with_identifiers(store=store), keys)
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


async def is_due(statements: Statements, store: str) -> bool:
    """Whether the last reading that was kept is ten minutes old."""
    age = await statements.value(load("readings")["newest"], _name(store))
    return age is None or age >= SPACING_SECONDS


async def keep(database: Database, store: str, blueprint: Blueprint) -> Reading | None:
    """Take a reading and keep it; None where another process is at it, or one of the last ten
    minutes is there. On a connection of its own, on which nothing counts as slow."""
    sql = load("readings")
    async with (
        database.dedicated("outgrow readings", single_transaction=True) as session,
        session.connection.transaction(),
    ):
        if not await session.value(sql["claim"], _name(store)):
            return None
        if not await is_due(session, store):
            return None
        reading = await take(session, store, blueprint)
        text = msgspec.json.encode(reading).decode()
        await session.run(sql["keep"], _name(store), reading.at, text)
        await session.run(sql["thin"], _name(store))
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
            if await is_due(database, store):
                await keep(database, store, blueprint)
        except (*GONE, asyncpg.PostgresError, OutgrowError) as e:
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
    return ".".join(memory.split(store))
