"""What a large document costs whoever writes it, beside the same store without tables."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from firing import UPSERT, Ladder
from growing import STORE

MILLION = 1_000_000
_random = random.Random(1)


def noise(length: int) -> str:
    """Text that does not compress to nothing."""
    return _random.randbytes(length // 2).hex()


def peak(connection: Any) -> int:
    """The most memory that the session's server process has had, in kB."""
    status = Path(f"/proc/{connection.get_server_pid()}/status")
    return int(
        next(x for x in status.read_text().splitlines() if x.startswith("VmPeak")).split()[1]
    )


DOCUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a field of its own": ("user:a", {"name": "A", "school": "MIT", "x": noise(2 * MILLION)}),
    "a column": ("user:a", {"name": "A", "school": "MIT", "bio": noise(2 * MILLION)}),
    "photos": ("user:a", {"school": "MIT", "photos": [noise(MILLION // 4) for _ in range(4)]}),
    "an intro": ("intro:a:b:1", {"status": "pending", "reason": noise(2 * MILLION)}),
    "a chat": ("chat:a:b", {"participants": ["a", "b"], "x": noise(2 * MILLION)}),
}


@pytest.mark.parametrize("what", DOCUMENTS)
async def test_a_large_document_costs_what_it_costs_without_tables(
    campus_url: str, connect: Connect, what: str
) -> None:
    """Three times the memory, and four times the time (with room for a busy machine)."""
    key, document = DOCUMENTS[what]
    values = [json.dumps(document | {"n": n}) for n in range(2)]

    async def cost() -> tuple[float, int]:
        client = await connect(campus_url)
        await client.execute(UPSERT, "warm:up", "1")
        before, began = peak(client), time.perf_counter()
        for value in values:
            await client.execute(UPSERT, key, value)
        seconds, kilobytes = time.perf_counter() - began, peak(client) - before
        await client.close()
        return seconds, kilobytes

    ladder = Ladder(await connect(campus_url))
    await ladder.index()
    seconds, kilobytes = await cost()
    await ladder.connection.execute(f"DELETE FROM {STORE}")
    await ladder.mirror()
    with_tables = await cost()
    assert with_tables[1] <= 3 * kilobytes
    assert with_tables[0] <= 2 * (4 * seconds + 0.06)
    assert await ladder.differences() == {}


async def test_a_client_without_room_for_files_writes_lists_of_any_length(
    campus_url: str, connect: Connect
) -> None:
    """With the smallest `work_mem`, and `temp_file_limit = 0`: without tables it may."""
    people = [f"{n:08d}-{_random.getrandbits(80)}" for n in range(20_000)]
    messages = [{"id": person, "content": noise(100)} for person in people[:5_000]]
    ladder = Ladder(await connect(campus_url))
    await ladder.mirror()
    client = await connect(campus_url)
    await client.execute("SET work_mem = '64kB'; SET temp_file_limit = 0")
    for change in (lambda x: x, lambda x: [*x[1:], x[0]], lambda x: x[::-1], lambda x: [*x, x[7]]):
        await client.execute(UPSERT, "user:a:connections", json.dumps(change(people)))
        await client.execute(UPSERT, "chat:a", json.dumps({"participants": change(people)}))
        await client.execute(UPSERT, "chat:a:messages", json.dumps(change(messages)))
    await client.execute(f"DELETE FROM {STORE}")
    assert await ladder.differences() == {}
