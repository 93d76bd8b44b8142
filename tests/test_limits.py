"""Rate limits: the one statement against a model, several processes at once, and the routes."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import HERE, PASSWORD, Api
from outgrow.campus.accounts.credentials import LONGEST_QUEUE
from outgrow.campus.limits import LOG_IN_ACCOUNT, LOG_IN_PAIR, SIGN_UP, Limits
from outgrow.db.pool import Database
from outgrow.errors import BadInput, TooMany
from outgrow.queries import Query
from outgrow.settings import Settings
from outgrow.web.api import ROUTES
from outgrow.web.api.openapi import document
from outgrow.web.http.auth import client_address
from pages import Browser

START = datetime(2026, 1, 1, tzinfo=UTC)
KEY = b"k" * 32
_subjects = iter(range(10**9))


class Bucket:
    """The model: `most` drops fit, and one leaks out each `seconds / most`."""

    def __init__(self, most: int, seconds: int) -> None:
        self.most, self.leak = most, Fraction(seconds, most)
        self.drops, self.changed_at = Fraction(0), Fraction(0)

    def put(self, now: int) -> Fraction:
        """The seconds to wait; 0 for one that fitted."""
        self.drops = max(Fraction(0), self.drops - (now - self.changed_at) / self.leak)
        self.changed_at = Fraction(now)
        if self.drops + 1 <= self.most:
            self.drops += 1
            return Fraction(0)
        return (self.drops + 1 - self.most) * self.leak


@given(
    most=st.sampled_from([1, 2, 3, 5, 8]),
    leak=st.integers(1, 100),
    pauses=st.lists(st.one_of(st.just(0), st.integers(0, 200)), min_size=1, max_size=30),
)
async def test_the_statement_does_what_a_leaking_bucket_does(
    campus: Database, most: int, leak: int, pauses: list[int]
) -> None:
    seconds = most * leak
    limits = Limits(campus, KEY, {SIGN_UP.name: (most, seconds)})
    bucket, who, now = Bucket(most, seconds), f"subject {next(_subjects)}", 0
    for pause in pauses:
        now += pause
        expected = bucket.put(now)
        try:
            await limits.consume(SIGN_UP, who, START + timedelta(seconds=now))
            waited = 0
        except TooMany as e:
            waited = e.retry_after
        assert waited == expected
        if waited:
            bucket.put(now + waited)
            now += waited  # whoever waits as long as they were told is let through
            await limits.consume(SIGN_UP, who, START + timedelta(seconds=now))


async def test_of_many_at_once_in_two_processes_as_many_pass_as_may(
    campus: Database, campus_url: str
) -> None:
    other = await Database.open(campus_url)
    try:
        both = [Limits(d, KEY, {SIGN_UP.name: (7, 3600)}) for d in (campus, other)]
        tries = [both[n % 2].consume(SIGN_UP, "one", START) for n in range(40)]
        results = await asyncio.gather(*tries, return_exceptions=True)
    finally:
        await other.close()
    assert results.count(None) == 7
    assert all(r is None or isinstance(r, TooMany) for r in results)


async def test_what_says_nothing_any_more_is_forgotten(campus: Database) -> None:
    limits = Limits(campus, KEY, {SIGN_UP.name: (1, 60)})
    await limits.consume(SIGN_UP, "long ago", START)
    await limits.consume(SIGN_UP, "now")
    await limits.forget()
    count = Query("t", "SELECT count(*) FROM network.limits")
    assert await campus.value(count) == 1
    with pytest.raises(TooMany):
        await limits.consume(SIGN_UP, "now")


async def test_a_429_says_when(campus: Database) -> None:
    api = await Api.open(campus, limits={"sign-up": (2, 3600)})
    await api.sign_up()
    await api.sign_up()
    body = {"email": "a@campus.example", "password": PASSWORD, "name": "Ada", "school": HERE}
    answer = await api.post("/auth/signup", body)
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "rate_limited"
    assert 1700 < int(answer.headers["retry-after"]) <= 1800
    await api.close()


async def test_limits_can_be_off(campus: Database) -> None:
    api = await Api.open(campus, limits=None)
    for _ in range(2):
        await api.services.limits.consume(SIGN_UP, "x")
    assert await campus.value(Query("t", "SELECT count(*) FROM network.limits")) == 0
    await api.close()


async def test_one_address_cannot_try_many_passwords_and_keeps_nobody_out(
    campus: Database,
) -> None:
    api = await Api.open(campus, limits={"log-in-pair": (3, 3600)})
    home = await Api.open(campus, caller="198.51.100.1", limits={"log-in-pair": (3, 3600)})
    ada = await api.sign_up()

    async def log_in(client: Api, password: str) -> int:
        body = {"email": ada.email.upper(), "password": password}
        return (await client.post("/auth/login", body)).status_code

    tried = await asyncio.gather(*(log_in(api, "wrong password") for _ in range(6)))
    assert sorted(tried) == [401, 401, 401, 429, 429, 429]
    assert await log_in(api, PASSWORD) == 429
    assert await log_in(home, PASSWORD) == 200
    await api.close()
    await home.close()


async def test_a_known_device_is_let_in_where_neighbours_have_used_the_limits_up(
    campus: Database,
) -> None:
    """A campus behind one address, and somebody there who tries passwords."""
    few = {
        "log-in": (3, 3600),
        "log-in-pair": (2, 3600),
        "codes": (1, 3600),
        "code-tries": (1, 3600),
    }
    api = await Api.open(campus, limits=few)
    ada, eve = await api.sign_up(), await api.sign_up()

    async def ask(path: str, email: str, token: str = "", **more: str) -> httpx.Response:
        headers = {"x-device-token": token} if token else {}
        return await api.client.post(path, json={"email": email, **more}, headers=headers)

    async def log_in(email: str, password: str, token: str = "") -> int:
        return (await ask("/auth/login", email, token, password=password)).status_code

    for _ in range(5):  # more than "log-in" lets through: who is let in is not counted
        for person in (ada, eve):
            await campus.run(Query("t", "DELETE FROM network.limits WHERE name = 'log-in-pair'"))
            answer = await ask("/auth/login", person.email, password=PASSWORD)
            assert answer.status_code == 200
            person.tokens = answer.json()
    known, others = ada.tokens["device_token"], eve.tokens["device_token"]
    tried = [await log_in(ada.email, "wrong password") for _ in range(5)]
    assert tried == [401, 401, 429, 429, 429]
    assert await log_in(ada.email, PASSWORD) == 429
    for wrong in (others, known[:-1] + "x", "x", "0." + known.partition(".")[2]):
        assert await log_in(ada.email, PASSWORD, wrong) == 429
    assert await log_in(ada.email, PASSWORD, known) == 200
    assert await log_in(ada.email.upper(), PASSWORD, known) == 200
    for path, more, status in (
        ("/auth/reset", {}, 202),
        ("/auth/verify/resend", {}, 202),
        ("/auth/reset/confirm", {"code": "1", "password": "quite another one"}, 400),
        ("/auth/verify", {"code": "1", "password": PASSWORD}, 400),
    ):
        await ask(path, "stranger@campus.example", **more)
        assert (await ask(path, ada.email, **more)).status_code == 429
        assert (await ask(path, ada.email, known, **more)).status_code == status
    await api.close()


async def test_a_browser_is_a_known_device(campus: Database) -> None:
    api = await Api.open(campus, limits={"log-in": (1, 3600), "log-in-pair": (1, 3600)})
    ada = Browser(api)
    await ada.sign_up("Ada")
    for _ in range(2):
        await ada.open("/my/settings")
        await ada.send("/sign-out")
        await api.post("/auth/login", {"email": ada.email, "password": "wrong password"})
        await ada.open("/sign-in")
        await ada.send("/sign-in", email=ada.email, password=PASSWORD)
        await ada.open("/my/settings")
        assert ada.answer.request.url.path == "/my/settings"
    stranger = Browser(api)
    await stranger.open("/sign-in")
    await stranger.send("/sign-in", 429, email=ada.email, password=PASSWORD)
    await stranger.close()
    await ada.close()
    await api.close()


async def test_many_addresses_together_keep_the_owner_out_of_new_places_only(
    campus: Database,
) -> None:
    few = {LOG_IN_ACCOUNT.name: (2, 3600), LOG_IN_PAIR.name: (50, 3600)}
    home = await Api.open(campus, caller="2001:db8:0:1::1", limits=few)
    ada = await home.sign_up()

    async def log_in(caller: str, password: str) -> int:
        api = await Api.open(campus, caller=caller, limits=few)
        answer = await api.post("/auth/login", {"email": ada.email, "password": password})
        await api.close()
        return answer.status_code

    assert await log_in("2001:db8:0:1::1", PASSWORD) == 200
    attackers = [await log_in(f"203.0.113.{n}", "wrong password") for n in range(4)]
    assert attackers == [401, 429, 429, 429]
    assert await log_in("198.51.100.7", PASSWORD) == 429
    assert await log_in("2001:db8:0:1:ffff::2", PASSWORD) == 200  # the same household
    await home.close()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "same"),
    [(0, True, True), (1, True, False), (1, False, True)],
)
async def test_the_address_is_what_trusted_proxies_say(
    campus: Database, proxies: int, forwarded: bool, same: bool
) -> None:
    api = await Api.open(campus, proxies=proxies, limits={"log-in": (1, 3600)})
    body = {"email": "nobody@campus.example", "password": "wrong password"}
    seen = []
    for n in range(2):
        # What the caller made up comes first, what the proxy saw comes last.
        hops = {"x-forwarded-for": f"192.0.2.9, 198.51.100.{n}"} if forwarded else {}
        answer = await api.client.post("/auth/login", json=body, headers=hops)
        seen.append(answer.status_code)
    assert seen == ([401, 429] if same else [401, 401])
    await api.close()


@pytest.mark.parametrize(
    ("proxies", "peer", "lines", "expected"),
    [
        (0, "198.51.100.1", ["203.0.113.7"], "198.51.100.1"),
        (1, "10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        (1, "10.0.0.1", ["192.0.2.9, 203.0.113.7"], "203.0.113.7"),
        (1, "10.0.0.1", ["192.0.2.9", "203.0.113.7:51234"], "203.0.113.7"),
        (2, "10.0.0.1", ["192.0.2.9,203.0.113.7", "10.0.0.2"], "203.0.113.7"),
        (2, "10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        (1, "10.0.0.1", ["[2001:db8:1:2:3::4]:443"], "2001:db8:1:2::/64"),
        (1, "10.0.0.1", ["[2001:db8:1:2:3::4]"], "2001:db8:1:2::/64"),
        (1, "10.0.0.1", ['"[2001:db8:1:2:3::4]:443"'], "2001:db8:1:2::/64"),
        (1, "10.0.0.1", ["2001:db8:1:2:ffff::1"], "2001:db8:1:2::/64"),
        (1, "10.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
        (1, "10.0.0.1", ["[::ffff:203.0.113.7]:80"], "203.0.113.7"),
        (1, "10.0.0.1", ["unknown"], "10.0.0.1"),
        (1, "10.0.0.1", ["203.0.113.7:x"], "10.0.0.1"),
        (1, "10.0.0.1", [""], "10.0.0.1"),
        (1, "10.0.0.1", [], "10.0.0.1"),
        (0, "2001:db8:1:2:3::4", [], "2001:db8:1:2::/64"),
        (0, "a socket", [], "a socket"),
    ],
)
def test_an_address_however_it_is_written(
    proxies: int, peer: str, lines: list[str], expected: str
) -> None:
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    assert client_address(proxies, {"client": (peer, 1), "headers": headers}) == expected


async def test_settings(campus: Database) -> None:
    read = Settings.from_environment
    assert read({"OUTGROW_LIMITS": "off"}).limits is None
    assert read({}).limits == {}
    given = read({"OUTGROW_LIMITS": "sign-up=5/60  messages=1/1", "OUTGROW_PROXIES": "2"})
    assert given.limits == {"sign-up": (5, 60), "messages": (1, 1)}
    assert given.proxies == 2
    for text in ("on", "sign-up", "sign-up=0/1", "sign-up=1", "sign-up=1/0"):
        with pytest.raises(BadInput, match="OUTGROW_LIMITS"):
            read({"OUTGROW_LIMITS": text})
    with pytest.raises(BadInput, match='unknown limit "sing-up"'):
        Limits(campus, KEY, {"sing-up": (1, 1)})


def test_the_document_says_the_limit() -> None:
    operation = document(ROUTES)["paths"]["/auth/signup"]["post"]
    assert (
        "At most 300 sign-ups from one address in an hour, by default." in operation["description"]
    )
    assert "retry-after" in {name.lower() for name in operation["responses"]["429"]["headers"]}


async def test_a_log_in_takes_no_other_try_back(campus: Database) -> None:
    """Who tries passwords and has an account themselves cannot undo the count of their tries by
    logging in on a device that is counted apart."""
    api = await Api.open(campus, limits={"log-in": (4, 3600)})
    ada, eve = await api.sign_up(), await api.sign_up()

    async def log_in(email: str, password: str, token: str = "") -> httpx.Response:
        body = {"email": email, "password": password}
        return await api.client.post("/auth/login", json=body, headers={"x-device-token": token})

    token = (await log_in(eve.email, PASSWORD)).json()["device_token"]
    tried = []
    for _ in range(6):
        tried.append((await log_in(ada.email, "wrong password")).status_code)
        assert (await log_in(eve.email, PASSWORD, token)).status_code == 200
    assert tried == [401, 401, 401, 401, 429, 429]
    await api.close()


async def test_whoever_knew_a_password_has_no_more_counts_than_days(campus: Database) -> None:
    limits = Limits(campus, KEY, {})
    hours = [START.timestamp() + hour * 3600 for hour in range(48)]
    tokens = {await limits.device_token("ada@campus.example", now) for now in hours}
    assert len(tokens) == 2


async def test_a_flood_of_log_ins_keeps_no_known_device_waiting(campus: Database) -> None:
    api = await Api.open(campus)
    ada = await api.sign_up()
    login = {"email": ada.email, "password": PASSWORD}
    token = (await api.post("/auth/login", login)).json()["device_token"]
    passwords, go_on = api.services.accounts._passwords, threading.Event()
    flood = [
        asyncio.create_task(passwords._run(lambda: go_on.wait(30))) for _ in range(LONGEST_QUEUE)
    ]
    await asyncio.sleep(0.1)
    try:
        assert (await api.post("/auth/login", login)).status_code == 503
        headers = {"x-device-token": token}
        async with asyncio.timeout(10):
            answer = await api.client.post("/auth/login", json=login, headers=headers)
        assert answer.status_code == 200
    finally:
        go_on.set()
        await asyncio.gather(*flood)
    await api.close()
