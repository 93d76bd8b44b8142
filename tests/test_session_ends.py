"""Every way in which a session ends, for a token, a cookie and a socket: in the process that ended
it, in another one, and after a restart."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from api import PASSWORD, Api, Person, assert_problem
from live import Sight, Site, running_site
from migrating import FORGET_MIGRATIONS
from outgrow.campus.accounts import sessions
from outgrow.campus.accounts.accounts import Accounts
from outgrow.campus.accounts.credentials import Passwords
from outgrow.campus.mail import Letter
from outgrow.campus.messaging import live as telling
from outgrow.campus.messaging.live import Close
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.schema.install import install
from outgrow.web.http.request import SESSION_COOKIE
from pages import Browser


@dataclass
class World:
    """Ada, signed in by API and in a browser, at two processes."""

    here: Site
    other: Site
    database: Database
    ada: Person
    cookie: str
    letters: list[Letter]

    async def token_status(self, site: Site) -> int:
        headers = {"authorization": f"Bearer {self.ada.tokens['access_token']}"}
        return (await site.api.client.get("/profiles/me", headers=headers)).status_code

    async def cookie_status(self, site: Site) -> int:
        cookies = {"cookie": f"{SESSION_COOKIE}={self.cookie}"}
        answer = await site.api.client.get("/my/account", headers=cookies)
        return 401 if answer.headers.get("location", "").startswith("/sign-in") else 200

    async def are_open(self, site: Site) -> set[bool]:
        return {await self.token_status(site) == 200, await self.cookie_status(site) == 200}

    def sockets(
        self, site: Site, stack: AsyncExitStack, *, ready: bool = True
    ) -> list[Awaitable[Sight]]:
        origin = site.url.replace("ws://", "http://").removesuffix("/live")
        cookie = {"cookie": f"{SESSION_COOKIE}={self.cookie}"}
        return [
            stack.enter_async_context(site.connect(self.ada, ready=ready)),
            stack.enter_async_context(
                site.connect(None, headers=cookie, origin=origin, ready=ready)
            ),
        ]

    async def refreshed(self, site: Site) -> int:
        body = {"refresh_token": self.ada.tokens["refresh_token"]}
        return (await site.api.post("/auth/refresh", body)).status_code

    async def call(self, method: str, path: str, **options: object) -> httpx.Response:
        return await self.ada.call(method, path, **options)

    async def send(self, page: str, action: str, **typed: Any) -> str:
        """What the browser is told when it sends this form of this page."""
        browser = Browser(self.here.api)
        browser.client.cookies.set(SESSION_COOKIE, self.cookie)
        await browser.open(page)
        text = (await browser.send(action, **typed)).text
        await browser.close()
        return text

    async def session_ids(self) -> list[str]:
        rows = await self.database.rows(Query("t", "SELECT id FROM network.sessions"))
        return [row["id"] for row in rows]

    async def sql(self, text: str) -> None:
        await self.database.run(Query("t", text))


def left_open(site: Site) -> list[int]:
    """At each look from now on for sessions that other processes ended, how many sockets had not
    been told that theirs is; the look itself may tell them."""
    live = site.api.services.live
    counts: list[int] = []

    def observe(name: str, seconds: float) -> None:
        if name == "sessions.over":
            counts.append(sum(not line.ended.done() for line in live._all_outboxes()))

    site.api.services.database.observe_with(observe)
    return counts


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "FRESH_SECONDS", 0.5)
    monkeypatch.setattr(telling, "CHECK_SECONDS", 0.5)


@pytest.fixture
async def world(campus: Database, campus_url: str) -> AsyncIterator[World]:
    letters: list[Letter] = []

    async def collect(letter: Letter) -> None:
        letters.append(letter)

    async with running_site(campus_url) as here, running_site(campus_url) as other:
        here.api.services.confirmations.mail._transport = collect
        ada = await here.api.sign_up("Ada Okafor")
        services = here.api.services
        cookie = await services.browser_sessions.open(
            await services.accounts.log_in(ada.email, PASSWORD)
        )
        yield World(here, other, campus, ada, cookie, letters)


# The endings ----------------------------------------------------------------------------------


async def logged_out(world: World) -> None:
    assert (await world.call("POST", "/auth/logout")).status_code == 204
    assert "You are signed out." in await world.send("/my/settings", "/sign-out")


async def ended_one_by_one(world: World) -> None:
    for session_id in await world.session_ids():
        await world.here.api.services.accounts.end_session(world.ada.id, session_id)


async def everywhere(world: World) -> None:
    confirmation = {"password": PASSWORD}
    assert (await world.call("DELETE", "/auth/sessions", json=confirmation)).status_code == 204


async def everywhere_on_the_page(world: World) -> None:
    assert "signed out everywhere" in await world.send(
        "/my/account", "/my/account/sessions", password=PASSWORD
    )


async def password_changed(world: World) -> None:
    """From a third session, which goes on."""
    login = {"email": world.ada.email, "password": PASSWORD}
    third = (await world.here.api.post("/auth/login", login)).json()
    headers = {"authorization": f"Bearer {third['access_token']}"}
    body = {"old": PASSWORD, "new": "quite another one"}
    answer = await world.here.api.client.post("/auth/password", json=body, headers=headers)
    assert answer.status_code == 204
    for site in (world.here, world.other):
        assert (await site.api.client.get("/profiles/me", headers=headers)).status_code == 200


async def password_reset(world: World) -> None:
    email = world.ada.email
    assert (await world.here.api.post("/auth/reset", {"email": email})).status_code == 202
    await world.here.api.services.confirmations.mail.background.settle()
    match = re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5}\b", world.letters[-1].text)
    assert match
    body = {"email": email, "code": match[0], "password": "quite another one"}
    assert (await world.here.api.post("/auth/reset/confirm", body)).status_code == 204


async def account_deleted(world: World) -> None:
    answer = await world.call("DELETE", "/profiles/me", json={"password": PASSWORD})
    assert answer.status_code == 204


async def refresh_token_reused(world: World) -> None:
    """Which ends its own session; the browser's is ended beside it."""
    stolen = world.ada.tokens["refresh_token"]
    for _ in range(2):
        body = {"refresh_token": world.ada.tokens["refresh_token"]}
        world.ada.tokens = (await world.here.api.post("/auth/refresh", body)).json()
    assert await world.token_status(world.here) == 200
    answer = await world.here.api.post("/auth/refresh", {"refresh_token": stolen})
    assert answer.status_code == 401
    assert "You are signed out." in await world.send("/my/settings", "/sign-out")


async def password_set_by_the_operator(world: World) -> None:
    """By a process of its own: `outgrow account set-password`."""
    accounts = Accounts(world.database, Passwords())
    await accounts.set_password(world.ada.email, "quite another one")
    accounts.close()


async def secret_deleted(world: World) -> None:
    await world.sql("DELETE FROM network.secrets")


async def secret_rotated(world: World) -> None:
    await world.sql("UPDATE network.secrets SET value = sha256(value)")


async def account_deleted_by_hand(world: World) -> None:
    await world.sql("DELETE FROM network.accounts")


async def idle(world: World) -> None:
    await move(world.database, "30 days")


HERE_AND_NOW = (
    logged_out,
    ended_one_by_one,
    everywhere,
    everywhere_on_the_page,
    password_changed,
    password_reset,
    account_deleted,
    refresh_token_reused,
)
ELSEWHERE = (
    password_set_by_the_operator,
    secret_deleted,
    secret_rotated,
    account_deleted_by_hand,
    idle,
)


async def move(database: Database, interval: str) -> None:
    """Let so much time go by for all sessions."""
    await database.run(
        Query(
            "t",
            f"""UPDATE network.sessions SET created_at = created_at - interval '{interval}',
            turned_at = turned_at - interval '{interval}',
            expires_at = expires_at - interval '{interval}'""",
        )
    )


@pytest.mark.parametrize("ending", [*HERE_AND_NOW, *ELSEWHERE], ids=lambda f: f.__name__)
async def test_what_ends_a_session_ends_it_everywhere(
    quickly: None, world: World, campus_url: str, ending: Callable[[World], Awaitable[None]]
) -> None:
    here, other = world.here, world.other
    async with AsyncExitStack() as stack:
        sockets = [await socket for site in (here, other) for socket in world.sockets(site, stack)]
        for site in (here, other):
            assert await world.are_open(site) == {True}
        await ending(world)
        ended = time.monotonic()
        left = [left_open(site) for site in (here, other)]
        if ending in HERE_AND_NOW:
            assert await world.are_open(here) == {False}
        ends = await asyncio.gather(*(socket.end() for socket in sockets))
        assert {code for code, _ in ends} == {Close.NOT_SIGNED_IN}
        # The first look may have begun before the session ended; the second ends its sockets.
        assert not any(count for looks in left for count in looks[2:])
        await asyncio.sleep(max(0, ended + sessions.FRESH_SECONDS - time.monotonic()))
    for site in (here, other):
        assert await world.are_open(site) == {False}
    async with running_site(campus_url) as restarted, AsyncExitStack() as stack:
        for site in (restarted, here, other):
            assert await world.are_open(site) == {False}
            assert await world.refreshed(site) == 401
        for socket in world.sockets(restarted, stack, ready=False):
            assert (await (await socket).end(10))[0] == Close.NOT_SIGNED_IN


async def test_an_ended_session_is_refused_elsewhere_within_the_stated_bound(
    world: World,
) -> None:
    assert sessions.FRESH_SECONDS == telling.CHECK_SECONDS == 3.0
    assert await world.are_open(world.other) == {True}
    await everywhere(world)
    ended = time.monotonic()
    for status in (world.token_status, world.cookie_status):
        asked = time.monotonic()
        while await status(world.other) == 200:
            assert asked < ended + sessions.FRESH_SECONDS, "asked that late, it is refused"
            await asyncio.sleep(0.1)
            asked = time.monotonic()


async def test_an_open_session_is_asked_for_once_in_a_while(world: World) -> None:
    asked: list[str] = []
    world.here.api.services.database.observe_with(lambda name, seconds: asked.append(name))
    began = time.monotonic()
    for _ in range(50):
        assert await world.token_status(world.here) == 200
        assert await world.cookie_status(world.here) == 200
    spans = 1 + (time.monotonic() - began) / sessions.FRESH_SECONDS
    assert asked.count("sessions.find") <= 2 * spans
    assert asked.count("network.signing") <= spans


async def test_after_a_new_secret_people_sign_in_again(quickly: None, world: World) -> None:
    for ending in (secret_deleted, secret_rotated):
        await ending(world)
        login = {"email": world.ada.email, "password": PASSWORD}
        await asyncio.sleep(0.6)
        world.ada.tokens = (await world.here.api.post("/auth/login", login)).json()
        for site in (world.here, world.other):
            assert await world.token_status(site) == 200
        assert await world.refreshed(world.other) == 200


async def test_a_session_opened_right_after_the_secret_is_gone_is_a_session(world: World) -> None:
    await secret_deleted(world)
    login = {"email": world.ada.email, "password": PASSWORD}
    world.ada.tokens = (await world.here.api.post("/auth/login", login)).json()
    assert await world.refreshed(world.here) == 200


async def test_a_session_ends_however_much_it_is_used(
    quickly: None, world: World, campus: Database
) -> None:
    api = world.here.api

    async def use() -> tuple[int, int]:
        body = {"refresh_token": world.ada.tokens["refresh_token"]}
        answer = await api.post("/auth/refresh", body)
        if answer.status_code == 200:
            world.ada.tokens = answer.json()
        api.services.browser_sessions._known.clear()
        api.services.accounts.sessions._open.clear()
        return answer.status_code, await world.cookie_status(world.here)

    for _ in range(3):
        await move(campus, "29 days")
        assert await use() == (200, 200)
    await move(campus, "2 days 23 hours")
    assert await use() == (200, 200)
    await move(campus, "1 hour")
    assert await use() == (401, 401)


async def test_how_long_sessions_live_is_a_setting(campus: Database) -> None:
    api = await Api.open(campus, lifetime=sessions.Lifetime(idle=2 * 86_400, longest=3 * 86_400))
    for days, status in ((("1 day", "1 day 23 hours"), 200), (("2 days",), 401)):
        ada = await api.sign_up()
        tokens = ada.tokens
        for interval in days:
            await move(campus, interval)
            body = {"refresh_token": tokens["refresh_token"]}
            answer = await api.post("/auth/refresh", body)
            assert answer.status_code == status
            tokens = answer.json()
    await api.close()


async def test_a_session_of_before_goes_on(campus: Database, campus_url: str) -> None:
    """In a database of a version that did not know which secret a session belongs to."""
    api = await Api.open(campus)
    ada = await api.sign_up()
    for statement in (
        "ALTER TABLE network.sessions DROP COLUMN secret_id",
        "DROP FUNCTION network.is_open",
        "DROP FUNCTION network.secret_id",
        *FORGET_MIGRATIONS,
    ):
        await campus.run(Query("t", statement))
    await api.close()
    await install(campus)
    api = await Api.open(campus)
    ada.api = api
    assert (await ada.get("/profiles/me")).status_code == 200
    body = {"refresh_token": ada.tokens["refresh_token"]}
    assert (await api.post("/auth/refresh", body)).status_code == 200
    await campus.run(Query("t", "UPDATE network.secrets SET value = sha256(value)"))
    api.services.accounts.sessions._open.clear()
    assert (await ada.get("/profiles/me")).status_code == 401
    await api.close()


async def test_a_stranger_who_knows_a_sessions_name_ends_nothing(world: World) -> None:
    token = world.ada.tokens["refresh_token"]
    forged = token[:24] + ("A" if token[24] != "A" else "B") * 40
    async with world.here.connect(world.ada) as sight:
        answer = await world.here.api.post("/auth/refresh", {"refresh_token": forged})
        assert answer.status_code == 401
        await sight.say(type="ping")
        await sight.event("pong")
    assert await world.token_status(world.here) == 200


@pytest.mark.parametrize(
    "ending",
    [password_changed, password_reset, password_set_by_the_operator, account_deleted],
    ids=lambda f: f.__name__,
)
async def test_a_password_that_was_checked_before_it_changed_opens_nothing_after(
    world: World, ending: Callable[[World], Awaitable[None]]
) -> None:
    """A check takes its time, and longer in a queue: whoever waits there with the old password is
    not let in once the owner has another one."""
    passwords = world.other.api.services.accounts._passwords
    real, checked, go_on = passwords.matches, asyncio.Event(), asyncio.Event()

    async def slowly(password: str, hashed: str | None, *, known: bool = False) -> bool:
        fits = await real(password, hashed, known=known)
        checked.set()
        await go_on.wait()
        return fits

    passwords.matches = slowly  # type: ignore[method-assign]
    login = {"email": world.ada.email, "password": PASSWORD}
    late = asyncio.create_task(world.other.api.post("/auth/login", login))
    await checked.wait()
    await ending(world)
    go_on.set()
    answer = await late
    assert_problem(answer, 401, "wrong_credentials")
