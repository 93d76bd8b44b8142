"""The generator of a store as the prototype would have left it: any size, the same for a seed.

`population` draws the people and `documents` what is stored of them. What the prototype breaks is
broken by `damage` only: without it both sides of a connection agree, and so does every list with
the documents it is derived from. Rows go to the server by COPY in text format, while a thread makes
the next ones; 500 rows are in memory at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from outgrow.db import stores
from outgrow.db.named import hold
from outgrow.db.pool import Database, Session
from outgrow.errors import Busy, Refused
from outgrow.queries import Query, load, quote, with_schema
from outgrow.sampledata.damage import Damage, duplicate_indexes
from outgrow.sampledata.population import DEMO_ID, OnProgress, Row, Spec, blocks
from outgrow.settings import DEFAULT_STORE

_CHUNK = 500  # rows made between two writes to the server
_PATIENCE = "5s"  # how long to wait for others to leave the store


@dataclass(frozen=True, slots=True)
class Result:
    """The size of what was made. `damage` counts by kind; `manifest` is the file that lists it."""

    users: int
    rows: int
    schools: int
    largest_school: str
    largest_school_users: int
    table_bytes: int
    index_bytes: int
    seconds: float
    demo_user: str | None
    damage: dict[str, int]
    manifest: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def rows(
    spec: Spec, damage: Damage | None = None, on_progress: OnProgress = lambda _: None
) -> Iterator[Row]:
    """Yield every key and value of a campus, damaged if asked for; the damage is recorded in
    `damage`."""
    schools = [name for name, _ in spec.schools()]
    for block in blocks(spec):
        made: Iterable[Row] = block.rows(on_progress)
        if damage is not None:
            made = damage.of_block(block, made)
        yield from made
        # Or this block would stay in memory while the next is made.
        del block, made
    if damage is not None:
        schools += damage.more_schools
    yield "schools:all", schools


async def generate(
    database: Database,
    spec: Spec,
    *,
    store: str = DEFAULT_STORE,
    replace: bool = False,
    manifest: Path | None = None,
    on_progress: OnProgress = lambda _: None,
) -> Result:
    """Fill `store` with the campus, in one transaction: all of it or nothing.

    The store is made if it is missing (then the rows are written frozen, and the key is indexed
    after them, which is faster). Writers wait for the end, and readers too with `replace`, which
    empties it first. The manifest of the damage goes to `manifest`, if given, once the rows are in.
    `on_progress` is called, in another thread, with how many more users are done. Raises Refused
    when the store holds keys and `replace` is false, Busy when others use it.
    """
    start = time.perf_counter()
    damage = Damage(spec.damage, spec.seed, store) if spec.damage else None
    store = with_schema(store)
    counted = _Counted()
    async with database.session() as session, session.connection.transaction():
        fresh, frozen = await _prepare(session, store, replace)
        await _copy(session, store, counted.over(rows(spec, damage, on_progress)), frozen)
        await _index(session, store, fresh, damage)
        size = await session.row(_query("sizes", store), _name(store))
    if damage is not None and manifest is not None:
        damage.write(manifest, users=spec.users)
    assert size is not None
    schools = spec.schools()
    return Result(
        users=spec.users,
        rows=counted.rows,
        schools=len(schools),
        largest_school=schools[0][0],
        largest_school_users=schools[0][1],
        table_bytes=size["table_bytes"],
        index_bytes=size["index_bytes"],
        seconds=round(time.perf_counter() - start, 2),
        demo_user=DEMO_ID if spec.demo else None,
        damage=damage.counts() if damage else {},
        manifest=str(manifest) if damage and manifest else None,
    )


def _query(block: str, store: str, **identifiers: str) -> Query:
    return load("generator")[block].with_identifiers(store=store, **identifiers)


async def _prepare(session: Session, store: str, replace: bool) -> tuple[bool, bool]:
    """Have an empty table, locked against writers. Returns whether it was made just now, and
    whether its rows may be written frozen (only where nobody can have seen it otherwise)."""
    await session.value(_query("wait_shortly", store), _PATIENCE)
    if await stores.make(session, store, _query("create", store)):
        return True, True
    try:
        await session.run(_query("lock", store))
        await hold(session, store, to_write=True)
        if not await session.value(_query("holds_keys", store)):
            return False, False
        if not replace:
            raise Refused(
                "store_not_empty",
                f"the store {store} holds keys already",
                hint="use another one (OUTGROW_STORE), or --replace to empty it first",
            )
        await session.run(_query("empty", store))
        for name in duplicate_indexes(store):
            await session.run(_query("drop_index", store, index=_beside(store, name)))
    except asyncpg.LockNotAvailableError as e:
        raise Busy(
            "store_in_use",
            f"the store {store} is in use",
            detail=str(e),
            hint="stop what writes to it, and try again",
        ) from e
    return False, True


async def _copy(session: Session, store: str, rows: Iterable[Row], frozen: bool) -> None:
    schema, _, table = store.rpartition(".")
    async with aclosing(_ahead(_chunks(rows))) as source:
        await session.connection.copy_to_table(
            table,
            schema_name=schema or None,
            columns=("key", "value"),
            source=source,
            format="text",
            freeze=frozen or None,
        )


def _chunks(rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield rows in COPY's text format. JSON holds no raw tab or newline and no key does, so the
    backslash is all there is to escape."""
    encode = msgspec.json.encode
    rows = iter(rows)
    while batch := list(islice(rows, _CHUNK)):
        text = b"".join([b"%b\t%b\n" % (key.encode(), encode(value)) for key, value in batch])
        yield text.replace(b"\\", b"\\\\")


async def _ahead(chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the chunks, the next one being made in a thread while the server takes this one."""
    next_chunk = asyncio.create_task(asyncio.to_thread(next, chunks, None))
    try:
        while (chunk := await next_chunk) is not None:
            next_chunk = asyncio.create_task(asyncio.to_thread(next, chunks, None))
            yield chunk
    finally:
        # The thread cannot be stopped: the end of the copy waits for the chunk it is making.
        await asyncio.wait([next_chunk])


async def _index(session: Session, store: str, fresh: bool, damage: Damage | None) -> None:
    """Make the indexes, not through `Session.run`, which would log each as a slow query."""
    execute = session.connection.execute
    if fresh:
        await execute(_query("primary_key", store).sql)
    if damage is not None:
        for name in damage.record_indexes():
            await execute(_query("duplicate_index", store, index=name).sql)
    await execute(_query("analyze", store).sql)


def _beside(store: str, index: str) -> str:
    """Return the index's name in the schema of its table."""
    schema, dot, _ = store.rpartition(".")
    return f"{schema}{dot}{index}"


def _name(store: str) -> str:
    return quote(*store.rsplit(".", 1))


class _Counted:
    """A counter of rows as they are copied."""

    def __init__(self) -> None:
        self.rows = 0

    def over(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self.rows += 1
            yield row
