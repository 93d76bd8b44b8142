"""State machines over the API: a few people, an old client of the store, and Hypothesis."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from api import Api, Person
from conftest import up_and_down
from firing import UPSERT
from outgrow.db.embedded import EmbeddedServer
from outgrow.db.pool import Database

T = TypeVar("T")
# The two ends, and on the way between them through the others.
PHASES_OF_MACHINES = pytest.mark.parametrize(
    "phase", ["initial", "relational", "growing"], indirect=True
)


class Machine(RuleBasedStateMachine):
    """Every run of it begins with the same people and a campus that `CLEAN` has emptied."""

    CLEAN: str
    loop: asyncio.AbstractEventLoop
    client: Any  # an old one, on the store
    people: list[Person]

    @classmethod
    def wait(cls, work: Coroutine[Any, Any, T]) -> T:
        return cls.loop.run_until_complete(asyncio.wait_for(work, 30))

    def upsert(self, key: str, value: Any) -> None:
        """As an old client does."""
        self.wait(self.client.execute(UPSERT, key, json.dumps(value)))

    def teardown(self) -> None:
        self.wait(self.client.execute(self.CLEAN))


def hold(
    machine: type[Machine],
    server: EmbeddedServer,
    template: str,
    phase: str,
    *,
    people: int,
    examples: int,
    steps: int = 40,
) -> None:
    """Run the machine on a database of its own, cloned from `template`, which is in `phase`; in the
    phase `growing` while the storage grows up and down."""
    machine.loop = asyncio.new_event_loop()

    async def make(sql: str) -> None:
        connection = await asyncpg.connect(server.url("postgres"))
        await connection.execute(sql)
        await connection.close()

    name = f"{machine.__name__.lower()}_{examples}_{phase}"
    machine.wait(make(f"CREATE DATABASE {name} TEMPLATE {template}"))
    database = machine.wait(Database.open(server.url(name)))
    api = machine.wait(Api.open(database, limits=None))
    machine.client = machine.wait(asyncpg.connect(server.url(name)))
    growing = (
        machine.loop.create_task(up_and_down(server.url(name))) if phase == "growing" else None
    )
    machine.people = [machine.wait(api.sign_up(f"Person {number}")) for number in range(people)]
    machine.wait(machine.client.execute(machine.CLEAN))
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                database=None,
                # Each step costs 30 ms: shrinking would take minutes.
                phases=[Phase.explicit, Phase.generate],
            ),
        )
        assert growing is None or not growing.done()
    finally:
        if growing is not None:
            growing.cancel()
            machine.wait(asyncio.wait([growing]))
        machine.client.terminate()
        machine.wait(api.close())
        machine.wait(database.close())
        machine.wait(make(f"DROP DATABASE {name} WITH (FORCE)"))
        machine.loop.close()
