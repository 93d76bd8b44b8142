"""Clocks that differ or jump, and two processes that are asked at once."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api import PASSWORD, Api, Person
from live import running_site
from outgrow.campus.limits import SIGN_UP, Limits
from outgrow.db.pool import Database
from outgrow.errors import TooMany

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("hours", [-1, 1])
async def test_tokens_are_good_for_a_machine_whose_clock_is_another(
    campus: Database, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Nor for longer, nor for less time: what counts is the database's clock."""
    here, other = await Api.open(campus), await Api.open(campus)
    ada = await here.sign_up()
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + hours * 3600)
    answer = await other.post("/auth/login", {"email": ada.email, "password": PASSWORD})
    token = Person(here, ada.id, ada.email, answer.json())
    assert (await Person(other, ada.id, ada.email, ada.tokens).get("/profiles")).status_code == 200
    monkeypatch.undo()
    assert (await token.get("/profiles")).status_code == 200
    for api in (here, other):
        await api.close()


@pytest.mark.parametrize("days", [-400, 400])
async def test_a_known_device_is_one_on_a_machine_whose_clock_is_another(
    campus: Database, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    api = await Api.open(campus, limits={"log-in": (1, 3600)})
    ada = await api.sign_up()
    now = time.time

    async def log_in(password: str, token: str) -> int:
        body = {"email": ada.email, "password": password}
        answer = await api.client.post("/auth/login", json=body, headers={"x-device-token": token})
        return answer.status_code

    here = (await api.post("/auth/login", {"email": ada.email, "password": PASSWORD})).json()
    monkeypatch.setattr(time, "time", lambda: now() + days * 86_400)
    other = (await api.post("/auth/login", {"email": ada.email, "password": PASSWORD})).json()
    assert here["device_token"] == other["device_token"]
    assert await log_in("wrong password", "") == 401
    assert await log_in(PASSWORD, "") == 429
    assert await log_in(PASSWORD, here["device_token"]) == 200
    await api.close()


async def test_a_socket_stays_when_the_clock_jumps(
    campus: Database, campus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_site(campus_url) as site:
        ada = await site.api.sign_up()
        async with site.connect(ada) as sight:
            now = time.time
            monkeypatch.setattr(time, "time", lambda: now() + 3600)
            await asyncio.sleep(1.5)
            await sight.say(type="ping")
            await sight.event("pong")


async def test_nobody_waits_for_a_clock_that_went_back(campus: Database) -> None:
    limits = Limits(campus, b"k" * 32, {SIGN_UP.name: (6, 60)})
    for _ in range(6):
        await limits.consume(SIGN_UP, "one", NOON)
    earlier = NOON - timedelta(hours=5)
    with pytest.raises(TooMany) as refused:
        await limits.consume(SIGN_UP, "one", earlier)
    assert refused.value.retry_after == 10
    await limits.consume(SIGN_UP, "one", earlier + timedelta(seconds=10))
    with pytest.raises(TooMany):
        await limits.consume(SIGN_UP, "one", earlier + timedelta(seconds=11))


async def test_of_two_refreshes_at_two_processes_one_wins_and_the_session_lives(
    campus: Database, campus_url: str
) -> None:
    async with running_site(campus_url) as site, running_site(campus_url) as other:
        ada = await site.api.sign_up()

        async def refresh(api: Api) -> tuple[int, Any]:
            body = {"refresh_token": ada.tokens["refresh_token"]}
            answer = await api.post("/auth/refresh", body)
            return answer.status_code, answer.json()

        for _ in range(20):
            answers = await asyncio.gather(*map(refresh, [site.api, other.api] * 2))
            assert sorted(status for status, _ in answers) == [200, 401, 401, 401]
            ada.tokens = next(tokens for status, tokens in answers if status == 200)
            for server in (site, other):
                person = Person(server.api, ada.id, ada.email, ada.tokens)
                assert (await person.get("/profiles")).status_code == 200
