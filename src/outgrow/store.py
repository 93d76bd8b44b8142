"""The key-value API: any text key, any JSON value, on one table `key text, value jsonb`.

Values are Python's own by default, and nothing is lost on the way: whole numbers are `int` of any
size, other numbers `Decimal` (jsonb keeps 1.0 apart from 1), JSON null is None. `Store(database,
table, TEXT)` takes and gives JSON text instead, for callers that only pass it on. A key that is not
there is `MISSING`, because null is a value. One that is there without a value is `NO_VALUE`: SQL's
NULL, which a table that others made may allow in its column; the relations skip it.

Equal means what it means to jsonb: 1.0 equals 1, and the order of an object's keys is nothing.
What PostgreSQL cannot hold raises BadInput and names the key: `\\u0000`, half a surrogate pair, NaN
and infinity, an object's key that is not text, a key of more than some 2,700 bytes. Writes of
several keys go in code point order, so that they cannot deadlock with each other; the table is
never made by accident (`create`). Cost: one statement per 10,000 keys.
"""

from __future__ import annotations

import enum
import functools
import itertools
import json
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import asyncpg

from outgrow.db import stores
from outgrow.db.named import hold, may_be_superuser
from outgrow.db.pool import Database, Session
from outgrow.errors import BadInput, Conflict, NotFound
from outgrow.queries import Query, load, quote, with_schema
from outgrow.settings import DEFAULT_STORE

BATCH = 10_000  # keys in one statement
STREAMED = 100  # rows fetched at a time by get_by_prefix: a value may be megabytes


class Missing(enum.Enum):
    MISSING = "missing"
    NO_VALUE = "no value"

    def __repr__(self) -> str:
        return self.name


MISSING: Final = Missing.MISSING
NO_VALUE: Final = Missing.NO_VALUE


@dataclass(frozen=True, slots=True)
class Codec:
    """How values are taken and given; `encode` raises ValueError with the reason."""

    encode: Callable[[Any], str]
    decode: Callable[[str], Any]


class Store:
    def __init__(
        self, database: Database, table: str = DEFAULT_STORE, codec: Codec | None = None
    ) -> None:
        self.table = with_schema(table)
        self.database = database
        self._codec = codec or VALUES
        self._queries = _queries(self.table)
        self._order: str | None = None

    async def create(self) -> None:
        """Make the table if it is not there, closed to everybody but its owner."""

        async def work(session: Session) -> None:
            await stores.make(session, self.table, self._queries["create"])

        await self.database.transaction(work)

    async def get(self, key: str) -> Any:
        """Return the key's value; MISSING or NO_VALUE."""
        checked_key(key)
        with self._explained():
            async with self._reading() as session:
                row = await session.row(self._queries["get"], key)
        return MISSING if row is None else self._value(row[0])

    async def set(self, key: str, value: Any) -> None:
        await self.mset([(key, value)])

    async def delete(self, key: str) -> bool:
        """Delete the key; return whether it existed."""
        return await self.mdel([key]) == 1

    async def mget(self, keys: Iterable[str]) -> list[Any]:
        """Return the values in the order of `keys`, as `get` gives them. Each 10,000 keys are read
        as of one moment."""
        keys = [checked_key(key) for key in keys]
        values: dict[str, str | None] = {}
        for batch in _batches(keys):
            with self._explained():
                async with self._reading() as session:
                    rows = await session.rows(self._queries["mget"], batch)
            values.update((row["key"], row["value"]) for row in rows)
        return [self._value(values[key]) if key in values else MISSING for key in keys]

    async def mset(self, items: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Write all or none; of a key given twice the last counts."""
        texts = self._texts(items)
        if not texts:
            return

        async def write(session: Session) -> None:
            await self._hold(session, to_write=True)
            await self._put(session, texts)

        with self._explained(texts):
            await self.database.transaction(write)

    async def mdel(self, keys: Iterable[str]) -> int:
        """Delete all or none; how many were there."""
        unique = sorted({checked_key(key) for key in keys})
        if not unique:
            return 0

        async def write(session: Session) -> int:
            await self._hold(session, to_write=True)
            deleted = 0
            for batch in _batches(unique):
                deleted += _count(await session.run(self._queries["mdel"], batch))
            return deleted

        with self._explained():
            return await self.database.transaction(write)

    async def get_by_prefix(self, prefix: str = "") -> AsyncGenerator[tuple[str, Any], None]:
        """Yield every key that begins so, with its value, by code points, as of one moment. Holds
        one connection until the end, and a hundred rows in memory."""
        query, args = await self._scan(prefix, None, None)
        with self._explained():
            async with self._lasting() as session:
                async for rows in session.stream(query, *args, batch=STREAMED):
                    for row in rows:
                        yield row["key"], self._value(row["value"])

    async def scan(
        self, prefix: str = "", *, after: str | None = None, limit: int = 1000
    ) -> list[tuple[str, Any]]:
        """Return a page of the keys that begin so, by code points: the first `limit` after the key
        `after`.

        Where the database sorts otherwise and has no index on `key COLLATE "C"` (phase optimized
        makes one) each page reads the whole store; get_by_prefix reads it once.
        """
        query, args = await self._scan(prefix, after, limit)
        with self._explained():
            async with self._reading() as session:
                rows = await session.rows(query, *args)
        return [(row["key"], self._value(row["value"])) for row in rows]

    async def estimate(self) -> int | None:
        """Return about how many keys there are, as of the last ANALYZE; None when there was
        none."""
        rows = await self.database.value(
            self._queries["estimate"], quote(*self.table.rsplit(".", 1))
        )
        return int(rows) if rows is not None and rows >= 0 else None

    async def append(self, key: str, element: Any) -> None:
        """Put an element at the end of an array, made if the key is missing.

        Raises Conflict when the value is something else.
        """
        await self._patch("append", key, element)

    async def add_to_set(self, key: str, element: Any) -> bool:
        """Append unless an equal element is there; whether it was appended. Raises as append."""
        return await self._patch("add_to_set", key, element)

    async def remove(self, key: str, element: Any) -> bool:
        """Take every equal element out of an array; whether there was one. Raises as append."""
        return await self._patch("remove", key, element)

    async def load(self, batches: AsyncIterable[Iterable[tuple[str, Any]]]) -> None:
        """Write batch after batch in one transaction: all of them, or none.

        Its rows stay locked until the end, and a deadlock with another writer is not retried (the
        source cannot be read twice) but raised.
        """
        with self._explained():
            async with self._lasting(to_write=True) as session:
                async for items in batches:
                    texts = self._texts(items)
                    with self._explained(texts):
                        await self._put(session, texts)

    async def _patch(self, name: str, key: str, element: Any) -> bool:
        text = self._text(checked_key(key), element)

        async def write(session: Session) -> bool:
            await self._hold(session, to_write=True)
            if await session.value(self._queries[name], key, text):
                return True
            if await session.value(self._queries["kind"], key) in (None, "array"):
                return False
            raise self._not_an_array(key)

        with self._explained({key: text}):
            return await self.database.transaction(write)

    async def _put(self, session: Session, texts: Mapping[str, str]) -> None:
        for keys in _batches(sorted(texts)):
            await session.run(self._queries["mset"], keys, [texts[key] for key in keys])

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Session]:
        """Begin a session for one statement: without a transaction, but for a superuser."""
        async with self.database.session() as session:
            if may_be_superuser(session):
                async with session.connection.transaction(readonly=True):
                    await self._hold(session)
                    yield session
            else:
                yield session

    @asynccontextmanager
    async def _lasting(self, *, to_write: bool = False) -> AsyncIterator[Session]:
        """Begin a transaction that may wait for its caller for as long as that takes."""
        async with (
            self.database.session() as session,
            session.connection.transaction(readonly=not to_write),
        ):
            await self._hold(session, to_write=to_write)
            await session.run(self._queries["patient"])
            yield session

    async def _hold(self, session: Session, *, to_write: bool = False) -> None:
        """Make sure that no code of another role runs as a superuser; for other roles it costs
        nothing."""
        if may_be_superuser(session):
            await hold(session, self.table, to_write=to_write)

    async def _scan(
        self, prefix: str, after: str | None, limit: int | None
    ) -> tuple[Query, list[Any]]:
        if limit is not None and limit < 0:
            raise BadInput("bad_limit", f"a limit cannot be negative: {limit}")
        if self._order is None:
            self._order = str(await self.database.value(self._queries["order"]))
        start, below = checked_key(prefix), _above(prefix)
        behind = after is not None and checked_key(after) >= prefix
        query = _scan_query(self.table, self._order, behind=behind, below=below is not None)
        return query, [after if behind else start, limit, below]

    def _value(self, text: str | None) -> Any:
        return NO_VALUE if text is None else self._codec.decode(text)

    def _text(self, key: str, value: Any) -> str:
        try:
            return self._codec.encode(value)
        except ValueError as e:
            raise _bad_value(key, str(e)) from e

    def _texts(self, items: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> dict[str, str]:
        pairs = items.items() if isinstance(items, Mapping) else items
        return {checked_key(key): self._text(key, value) for key, value in pairs}

    def _not_an_array(self, key: str) -> Conflict:
        return Conflict(
            "not_an_array",
            f"the value of {_shown(key)} is not an array",
            hint="read it, and set the whole value",
        )

    @contextmanager
    def _explained(self, texts: Mapping[str, str] | None = None) -> Iterator[None]:
        """Say which key it is when PostgreSQL refuses one of `texts`."""
        try:
            yield
        except asyncpg.UndefinedTableError as e:
            raise NotFound(
                "store_missing",
                f"there is no table {self.table} in this database",
                detail=str(e),
                hint="set OUTGROW_STORE to the store's name, or make it: outgrow kv create",
            ) from e
        except (
            asyncpg.DataError,
            asyncpg.ProgramLimitExceededError,
            asyncpg.StatementTooComplexError,
        ) as e:
            for key, text in (texts or {}).items():
                if why := problem(text):
                    raise _bad_value(key, why) from e
            only = next(iter(texts)) if texts and len(texts) == 1 else None
            raise _bad_value(only, str(e)) from e


def problem(text: str) -> str | None:
    """Return why PostgreSQL cannot hold this JSON text, as far as can be told without asking it."""
    try:
        for part in _strings(json.loads(text, parse_constant=_refuse_constant)):
            _check_text(part)
    except ValueError as e:
        return str(e)
    except RecursionError:
        return "it is nested too deeply"
    return None


def write_json(value: Any) -> str:
    """Return exact JSON text; the message of ValueError says what cannot be written."""
    try:
        return "".join(_written(value))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(text: str) -> Any:
    """Return the value, whole numbers as int and others as Decimal, so that no digit is lost."""
    try:
        return json.loads(text, parse_int=_integer, parse_float=Decimal)
    except RecursionError:
        raise BadInput(
            "too_deep",
            "a stored value is nested deeper than Python can follow",
            hint="read it as text: Store(database, table, TEXT), or outgrow kv get",
        ) from None


VALUES: Final = Codec(write_json, read_json)
TEXT: Final = Codec(str, str)


def _written(value: Any) -> Iterator[str]:
    match value:
        case None | bool():
            yield {None: "null", True: "true", False: "false"}[value]
        case str():
            _check_text(value)
            yield json.dumps(value, ensure_ascii=False)
        case int():
            yield str(Decimal(value))  # str(int) refuses more than 4,300 digits
        case float() | Decimal():
            if not Decimal(value).is_finite():
                raise ValueError(f"JSON has no {value}")
            yield repr(value) if isinstance(value, float) else str(value)
        case Mapping():
            for mark, (name, member) in zip(_marks("{"), value.items(), strict=False):
                if not isinstance(name, str):
                    raise ValueError(f"an object's key is not text: {name!r}")
                yield mark
                yield from _written(name)
                yield ":"
                yield from _written(member)
            yield "}" if value else "{}"
        case list() | tuple():
            for mark, element in zip(_marks("["), value, strict=False):
                yield mark
                yield from _written(element)
            yield "]" if value else "[]"
        case _:
            raise ValueError(f"{type(value).__name__} is not a JSON type")


def _marks(first: str) -> Iterator[str]:
    return itertools.chain([first], itertools.repeat(","))


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= 4300 else Decimal(digits)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from _strings(element)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _strings(member)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("PostgreSQL has no \\u0000 in text")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a surrogate pair, which is not Unicode text") from None


def checked_key(key: str) -> str:
    """Return the key; raise BadInput when PostgreSQL cannot hold it."""
    if not isinstance(key, str):
        raise BadInput("bad_key", f"a key is text, not {type(key).__name__}: {_shown(key)}")
    try:
        _check_text(key)
    except ValueError as e:
        raise BadInput(
            "bad_key", f"the key {_shown(key)} cannot be stored", detail=str(e)
        ) from None
    return key


def _bad_value(key: str | None, why: str) -> BadInput:
    which = "a key or value" if key is None else f"the key {_shown(key)} or its value"
    return BadInput("bad_value", f"{which} cannot be stored", detail=why)


def _shown(key: object) -> str:
    """Format for a message: quoted, and not longer than a line."""
    text = ascii(key)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def _above(prefix: str) -> str | None:
    """Return the least text above all that begin with `prefix`, by code points; None if there is
    none."""
    for index in range(len(prefix) - 1, -1, -1):
        if (point := ord(prefix[index])) < 0x10FFFF:
            # Surrogates are not text.
            return prefix[:index] + chr(0xE000 if point == 0xD7FF else point + 1)
    return None


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), BATCH):
        yield keys[start : start + BATCH]


def _count(tag: str) -> int:
    """Return the number of rows in a command tag (`DELETE 3`)."""
    return int(tag.rpartition(" ")[2])


@functools.cache
def _queries(table: str) -> Mapping[str, Query]:
    return {
        name: query.with_identifiers(store=table)
        for name, query in load("store").items()
        if name != "scan"
    }


@functools.cache
def _scan_query(table: str, order: str, *, behind: bool, below: bool) -> Query:
    query = load("store")["scan"].given(behind=behind, below=below)
    return query.with_identifiers(store=table, order=order)
