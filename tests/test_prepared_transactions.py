"""A prepared transaction in the way of a growth: no session to end, but a name to say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conftest import Connect
from growing import STORE, Recorder, old_client, until
from laddering import climb
from outgrow.db.pool import Database
from outgrow.growth.state import Phase


@pytest.fixture
async def raw(database_url: str, connect: Connect) -> Any:
    return await old_client(connect, database_url)


@pytest.mark.parametrize(
    ("below", "goal"),
    [("initial", "optimized"), ("optimized", "hybrid")],
    ids=["a build waits for it", "the triggers' lock does"],
)
async def test_its_name_is_said_and_how_to_end_it(
    below: Phase, goal: Phase, raw: Any, database: Database
) -> None:
    await climb(database, below)
    await raw.execute(
        f"BEGIN; INSERT INTO {STORE} VALUES ('user:held', '{{}}'); "
        "PREPARE TRANSACTION 'it''s theirs'"
    )
    recorder = Recorder()
    task = asyncio.create_task(climb(database, goal, recorder))
    try:

        async def reasons() -> Any:
            return [text for text in recorder.waits if "prepared" in text]

        text = (await until(reasons, "the growth says for whom it waits"))[0]
    finally:
        await raw.execute("ROLLBACK PREPARED 'it''s theirs'")
    assert "the prepared transaction 'it''s theirs', open since" in text
    assert "ROLLBACK PREPARED 'it''s theirs'" in text
    assert "pid" not in text
    assert (await asyncio.wait_for(task, 60)).store.phase == goal
