"""Numbers of eight bytes and 131,072 characters: a few kilobytes hold a gigabyte of text, which no
old client's write has to pay for, and no growth."""

from __future__ import annotations

import time

import pytest

from conftest import Connect
from firing import UPSERT, Ladder
from growing import CAMPUS, STORE, grow
from outgrow.db.pool import Database
from outgrow.growth.verification import verify
from outgrow.settings import DEFAULT_STORE
from test_cost_of_writes import peak

MEGABYTES = 1000  # kB
NUMBERS = {"large": "1e131071", "small": "1e-16383", "zeros": "0e-16383"}


def many(number: str, count: int = 9_000) -> str:
    return "[" + ",".join([number] * count) + "]"


def writes(number: str) -> list[tuple[str, str]]:
    """A document, in a column and beside the columns; elements of each kind of list."""
    message = f'{{"id": "m{{}}", "senderId": "a", "n": {many(number, 3_000)}}}'
    messages = [message.replace("{}", str(n)) for n in range(4)]
    return [
        ("user:a", f'{{"school": "MIT", "x": {many(number)}}}'),
        ("user:a", f'{{"school": "MIT", "x": {many(number)}, "interests": {many(number)}}}'),
        ("user:b", f'{{"school": "MIT", "age": {number}}}'),
        ("user:a:connections", f'["b", {many(number)}]'),
        ("chat:a:b", f'{{"participants": ["a", "b"], "x": {many(number)}}}'),
        ("chat:a:b:messages", "[" + ",".join(messages[:2]) + "]"),
        ("chat:a:b:messages", "[" + ",".join(messages[:3]) + "]"),
        ("chat:a:b:messages", "[" + ",".join([messages[0], messages[3], messages[2]]) + "]"),
        ("chat:a:b:messages", '[{"id": "m0"}, ' + messages[1] + "]"),
        ("chat:a:b:messages", '[{"id": "m0"}]'),
        ("chat:a:b:messages", "[" + ",".join(messages) + "]"),
    ]


@pytest.mark.parametrize("number", NUMBERS)
async def test_old_clients_write_what_nobody_could_read(
    campus_url: str, connect: Connect, number: str
) -> None:
    ladder = Ladder(await connect(campus_url))
    await ladder.index()
    await ladder.mirror()
    client = await connect(campus_url)
    await client.execute(UPSERT, "user:a", "{}")
    before = peak(client)
    for key, value in writes(NUMBERS[number]):
        await client.execute(UPSERT, key, value)
        assert await client.fetchval(f"SELECT value = $2 FROM {STORE} WHERE key = $1", key, value)
    assert peak(client) - before < 100 * MEGABYTES
    assert await ladder.differences() == {}


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_store_grows_with_what_nobody_could_read(
    campus: Database, connect: Connect, number: str
) -> None:
    raw = await connect(campus.url)
    for key, value in writes(NUMBERS[number]):
        await raw.execute(UPSERT, key, value)
    await grow(campus, "relational")
    report = await verify(campus, DEFAULT_STORE, CAMPUS, lambda _: None)
    assert report.same, report.as_dict()
    await raw.execute("UPDATE campus.users SET name = 'A' WHERE id = 'a'")
    # 1.0 equals 1, and is not the same.
    await raw.execute(UPSERT, "user:c", '{"x": 1.0}')
    await raw.execute("UPDATE campus_tables.users SET rest = '{\"x\": 1}' WHERE id = 'c'")
    report = await verify(campus, DEFAULT_STORE, CAMPUS, lambda _: None)
    assert report.relations["users"].differing == ("user:c",)


@pytest.mark.parametrize("number", NUMBERS)
async def test_the_application_changes_what_nobody_could_read(
    campus_url: str, connect: Connect, number: str
) -> None:
    """An element is found again among others of which there would be a gigabyte of text."""
    ladder = Ladder(await connect(campus_url))
    client = await connect(campus_url)
    before = peak(client)
    message = writes(NUMBERS[number])[-1][1]
    await client.execute(UPSERT, "chat:a:b:messages", message)
    this = "WHERE chat_id = 'a:b' AND id = $1 AND store_key = campus.messages_lookup_key('a:b')"
    change = f"UPDATE campus.messages SET content = 'new' {this}"
    assert await client.execute(change, "m2") == "UPDATE 1"
    assert await client.execute(f"DELETE FROM campus.messages {this}", "m1") == "DELETE 1"
    await client.execute(UPSERT, "user:b", f'{{"age": {NUMBERS[number]}}}')
    assert peak(client) - before < 100 * MEGABYTES
    rows = await ladder.rows(
        f"SELECT e.v ->> 'id', e.v ->> 'content' FROM {STORE}, jsonb_array_elements(value) AS e(v) "
        "WHERE key = 'chat:a:b:messages'"
    )
    assert rows == [("m0", None), ("m2", "new"), ("m3", None)]


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_number_is_read_without_its_text(
    campus_url: str, connect: Connect, number: str
) -> None:
    """To write a long one down takes a hundred times as long as to tell that it is long."""
    raw = await connect(campus_url)
    timing = "SELECT count(outgrow.number_of(v)) FROM jsonb_array_elements($1::jsonb) v"
    seconds = []
    for value in ("17", NUMBERS[number]) * 3:
        numbers = many(value, 2_000)
        began = time.perf_counter()
        await raw.fetchval(timing, numbers)
        seconds.append(time.perf_counter() - began)
    assert min(seconds[1::2]) < 10 * min(seconds[::2])
