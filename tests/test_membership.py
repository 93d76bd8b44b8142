"""Of which school somebody is a member: the one in the profile, unless that asks for an address."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from api import HERE, PASSWORD, Api, Person, assert_problem
from growing import STORE
from live import running_site
from migrating import FORGET_MIGRATIONS
from outgrow import queries
from outgrow.campus.accounts import sessions
from outgrow.campus.accounts.claims import link_email
from outgrow.campus.messaging import chats
from outgrow.campus.messaging import live as telling
from outgrow.campus.people.schools import Domains
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.schema.install import install
from outgrow.web.http.request import SESSION_COOKIE
from pages import browsers
from test_safety import upsert
from test_session_ends import left_open

ELSEWHERE = "Southgate College"
SAFETY, LIVE = queries.load("safety"), queries.load("live")


async def run(database: Database, sql: str, *args: Any) -> None:
    await database.run(Query("t", sql), *args)


async def move(database: Database, user_id: str, school: str = HERE) -> None:
    """As an old client does it, with somebody's own profile."""
    value = "value || jsonb_build_object('school', $2::text)"
    await run(
        database, f"UPDATE {STORE} SET value = {value} WHERE key = $1", f"user:{user_id}", school
    )


async def seen_by(person: Person) -> tuple[int, str]:
    """What a list of people answers to somebody who has just signed in."""
    answer = await person.api.post("/auth/login", {"email": person.email, "password": PASSWORD})
    answer = await Person(person.api, person.id, person.email, answer.json()).get("/profiles")
    return answer.status_code, answer.json().get("code", "")


async def test_a_school_without_its_last_domain_stays_protected(
    phased: Database, phased_api: Api
) -> None:
    """Nobody who names it then is a member once it has a domain again."""
    domains = Domains(phased)
    member = await phased_api.sign_up("Ada Okafor")
    stranger = await phased_api.sign_up("Eve Stranger", ELSEWHERE)
    await domains.add(HERE, "northfield.example")
    assert await domains.remove("northfield.example") == (HERE, 0)
    await move(phased, stranger.id)
    assert await seen_by(stranger) == (403, "email_not_of_school")
    body = {"email": "x@campus.example", "password": PASSWORD, "name": "Eve", "school": HERE}
    assert (await phased_api.post("/auth/signup", body)).json()["code"] == "email_not_of_school"
    await domains.add(HERE, "campus.example")
    assert await seen_by(stranger) == (403, "email_not_verified")
    assert await seen_by(member) == (200, "")
    await domains.open(HERE)
    assert await seen_by(stranger) == (200, "")


async def test_members_stay_when_their_domain_goes_unless_locked_out(
    campus: Database, api: Api
) -> None:
    domains = Domains(campus)
    proven = await api.sign_up("Ada Okafor", ELSEWHERE)
    unproven = await api.sign_up("Eve Stranger", ELSEWHERE)
    sql = "UPDATE network.accounts SET verified_at = now() WHERE user_id = $1"
    await run(campus, sql, proven.id)
    await domains.add(HERE, "campus.example")
    for person in (proven, unproven):
        await move(campus, person.id)
    assert await domains.remove("campus.example") == (HERE, 1)
    assert await seen_by(proven) == (200, "")
    assert await seen_by(unproven) == (403, "email_not_of_school")
    later = await api.sign_up("Late Comer", ELSEWHERE)
    await run(campus, sql, later.id)
    await domains.add(HERE, "campus.example")
    await move(campus, later.id)
    assert await seen_by(later) == (200, "")
    assert await domains.remove("campus.example", lock_out=True) == (HERE, 1)
    assert await seen_by(later) == (403, "email_not_of_school")
    assert await seen_by(proven) == (200, "")


async def test_schools_of_yesterday_stay_protected(campus: Database, api: Api) -> None:
    stranger = await api.sign_up("Eve Stranger", ELSEWHERE)
    await Domains(campus).add(HERE, "northfield.example")
    await move(campus, stranger.id)
    await run(campus, "DROP TABLE network.protected_schools CASCADE")
    for statement in FORGET_MIGRATIONS:
        await run(campus, statement)
    await install(campus)
    assert await seen_by(stranger) == (403, "email_not_of_school")
    await Domains(campus).remove("northfield.example")
    assert await seen_by(stranger) == (403, "email_not_of_school")


async def test_who_writes_a_school_with_domains_into_a_profile_is_no_member(
    phased: Database, phased_api: Api
) -> None:
    member = await phased_api.sign_up("Ada Okafor")
    stranger = await phased_api.sign_up("Eve Stranger", ELSEWHERE)
    await Domains(phased).add(HERE, "northfield.example")
    assert await seen_by(member) == (200, "")  # was one before
    await move(phased, stranger.id)
    assert await seen_by(stranger) == (403, "email_not_of_school")
    await Domains(phased).add(HERE, "campus.example")  # a second one admits nobody
    assert await seen_by(stranger) == (403, "email_not_verified")
    refreshed = await phased_api.post(
        "/auth/refresh", {"refresh_token": stranger.tokens["refresh_token"]}
    )
    token = Person(phased_api, stranger.id, stranger.email, refreshed.json())
    assert (await token.get(f"/profiles/{member.id}")).status_code == 403
    proven = "UPDATE network.accounts SET verified_at = now() WHERE user_id = $1"
    await run(phased, proven, stranger.id)
    assert await seen_by(stranger) == (200, "")
    await move(phased, stranger.id, ELSEWHERE)
    assert await seen_by(stranger) == (200, "")
    await Domains(phased).remove("campus.example")
    await move(phased, stranger.id)
    assert await seen_by(stranger) == (403, "email_not_of_school")


LISTS = (
    "/profiles",
    "/profiles/{member}",
    "/search?q=ada",
    "/discover",
    "/suggestions",
    "/connections",
    "/profiles/{member}/connections",
    "/intros/incoming",
    "/chats",
    "/blocks",
)


async def statuses(person: Person, member: Person) -> set[int]:
    paths = [path.format(member=member.id) for path in LISTS]
    answers = [await person.get(path) for path in paths]
    return {answer.status_code for answer in answers}


async def test_who_loses_a_school_sees_nobody_there_within_the_stated_bound(
    phased: Database, phased_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the token that they have, which is good for a quarter of an hour."""
    assert sessions.FRESH_SECONDS == telling.CHECK_SECONDS == 3.0
    monkeypatch.setattr(sessions, "FRESH_SECONDS", 0.3)
    member = await phased_api.sign_up("Ada Okafor")
    mover = await phased_api.sign_up("Eve Stranger")
    await upsert(phased_api, f"user:{mover.id}:connections", [member.id])
    assert await statuses(mover, member) == {200}
    await Domains(phased).add(ELSEWHERE, "southgate.example")
    await move(phased, mover.id, ELSEWHERE)
    await asyncio.sleep(0.3)
    assert await statuses(mover, member) == {403}
    assert await statuses(member, member) == {200}
    await move(phased, mover.id, "A Third School")
    answer = await mover.get("/profiles")  # at once: who is a member of none is asked for
    assert [item["id"] for item in answer.json()["items"]] == [mover.id]
    await move(phased, mover.id)
    await asyncio.sleep(0.3)
    assert len((await mover.get("/profiles")).json()["items"]) == 2
    await run(phased, f"DELETE FROM {STORE} WHERE key = $1", f"user:{mover.id}")
    await asyncio.sleep(0.3)
    assert await statuses(mover, member) == {409}


async def test_a_socket_of_who_is_no_member_is_closed(
    campus: Database, campus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "FRESH_SECONDS", 0.3)
    monkeypatch.setattr(telling, "CHECK_SECONDS", 0.3)
    async with running_site(campus_url) as site:
        member = await site.api.sign_up("Ada Okafor")
        mover = await site.api.sign_up("Eve Stranger")
        services = site.api.services
        cookie = await services.browser_sessions.open(
            await services.accounts.log_in(mover.email, PASSWORD)
        )
        page: dict[str, Any] = {
            "headers": {"cookie": f"{SESSION_COOKIE}={cookie}"},
            "origin": site.url.replace("ws://", "http://").removesuffix("/live"),
        }
        async with (
            site.connect(member) as stays,
            site.connect(mover) as by_token,
            site.connect(None, **page) as by_cookie,
        ):
            await Domains(campus).add(ELSEWHERE, "southgate.example")
            await move(campus, mover.id, ELSEWHERE)
            left = left_open(site)
            for sight in (by_token, by_cookie):
                assert await sight.end() == (4403, "no_member")
            assert all(count == 1 for count in left[2:]), "but for who stays"
            await stays.say(type="ping")
            await stays.event("pong")
        async with site.connect(mover, ready=False) as again:
            assert await again.end(10) == (4403, "no_member")


async def test_a_school_is_asked_for_with_the_session(campus: Database, api: Api) -> None:
    """In no statement of its own, and none beyond the one for the session."""
    ada = await api.sign_up("Ada Okafor")
    asked: list[str] = []
    api.services.database.observe_with(lambda name, seconds: asked.append(name))
    began = time.monotonic()
    for _ in range(20):
        assert (await ada.get("/profiles")).status_code == 200
        assert (await ada.get(f"/profiles/{ada.id}")).status_code == 200
    spans = 1 + (time.monotonic() - began) / sessions.FRESH_SECONDS
    caller = [name for name in asked if not name.startswith(("profiles.", "safety."))]
    assert caller.count("sessions.find") <= spans
    assert set(caller) <= {"sessions.find", "network.signing"}


async def test_no_member_writes_to_people_there_or_reads_their_names(
    phased: Database, phased_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even as long as they are still taken for one of the school of before, in a chat and with
    connections that an old client made."""
    monkeypatch.setattr(sessions, "FRESH_SECONDS", 60)
    member = await phased_api.sign_up("Ada Okafor")
    stranger = await phased_api.sign_up("Eve Stranger", ELSEWHERE)
    assert (await stranger.get("/profiles")).status_code == 200
    await Domains(phased).add(HERE, "northfield.example")
    await move(phased, stranger.id)
    for a, b in ((member.id, stranger.id), (stranger.id, member.id)):
        await upsert(phased_api, f"user:{a}:connections", [b])
    await upsert(phased_api, "chat:made", {"participants": [member.id, stranger.id]})
    body = {"content": "hello"}
    for path in ("messages", "typing"):
        answer = await stranger.call("POST", f"/chats/made/{path}", json=body)
        assert_problem(answer, 403, "chat_closed")
    exported = await stranger.get("/profiles/me/export")
    assert exported.json()["connections"] == []
    assert "Ada Okafor" not in exported.text


async def test_one_rule_says_who_is_a_member(phased: Database, phased_api: Api) -> None:
    """For what is hidden, why a chat is closed, and who shows what they have read."""
    member = await phased_api.sign_up("Ada Okafor")
    stranger = await phased_api.sign_up("Eve Stranger", ELSEWHERE)
    for a, b in ((member.id, stranger.id), (stranger.id, member.id)):
        await upsert(phased_api, f"user:{a}:connections", [b])
    await upsert(phased_api, "chat:made", {"participants": [member.id, stranger.id]})

    async def answers() -> tuple[bool, str | None, bool]:
        hidden = await phased.value(SAFETY["is_hidden"], stranger.id, member.id)
        chat = await phased.row(chats.SQL["other"], stranger.id, "made")
        assert chat is not None
        shows = await phased.rows(LIVE["shows"], [stranger.id], ["made"])
        return hidden, chat["closed"], len(shows) == 1

    await move(phased, stranger.id)
    assert await answers() == (False, None, True)
    await move(phased, stranger.id, ELSEWHERE)
    await Domains(phased).add(HERE, "northfield.example")
    await move(phased, stranger.id)
    assert await answers() == (True, "not_here", False)


async def test_the_pages_say_why(
    phased: Database, phased_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "FRESH_SECONDS", 0)
    async with browsers(phased_api) as somebody:
        browser = await somebody("Eve Stranger", school=ELSEWHERE)
        await Domains(phased).add(HERE, "northfield.example")
        await move(phased, browser.id)
        answer = await browser.client.get("/", follow_redirects=True)
        assert answer.url.path == "/my/profile"
        assert "This school admits people with a school e-mail only." in answer.text
        assert "Eve Stranger" in answer.text
        page = await browser.open("/my/profile", 403)
        assert 'action="/my/profile"' not in browser.answer.text, "nothing that cannot be saved"
        assert page.form("/sign-out")
        assert (await browser.client.get("/my/account/export")).status_code == 200
        await browser.open("/my/account")
        await browser.open("/my/account/delete")
        page = await browser.send("/my/account/delete", password=PASSWORD)
        assert "are being deleted" in page.text


async def test_whom_the_operator_lets_in_is_a_member(campus: Database, api: Api) -> None:
    await Domains(campus).add(HERE, "northfield.example")
    document = json.dumps({"id": "old", "name": "Old Hand", "school": HERE})
    await run(campus, f"INSERT INTO {STORE} VALUES ('user:old', $1::jsonb)", document)
    await api.services.accounts.create("old@elsewhere.example", PASSWORD, "old")
    assert await seen_by(Person(api, "old", "old@elsewhere.example", {})) == (200, "")


async def test_links_of_yesterday_stay_good(campus: Database) -> None:
    await Domains(campus).add(HERE, "northfield.example")
    document = json.dumps({"id": "old", "name": "Old Hand", "school": HERE})
    await run(campus, f"INSERT INTO {STORE} VALUES ('user:old', $1::jsonb)", document)
    await link_email(campus, "old@elsewhere.example", "old")
    await run(campus, "ALTER TABLE network.invitations DROP COLUMN school")
    for statement in FORGET_MIGRATIONS:
        await run(campus, statement)
    await install(campus)
    school = Query("t", "SELECT i.school FROM network.invitations AS i")
    assert await campus.value(school) == HERE


async def test_members_of_yesterday_stay_members(campus: Database, api: Api) -> None:
    member = await api.sign_up()
    await Domains(campus).add(HERE, "northfield.example")
    await run(campus, "ALTER TABLE network.accounts DROP COLUMN admitted_to")
    for statement in FORGET_MIGRATIONS:
        await run(campus, statement)
    await install(campus)
    assert await seen_by(member) == (200, "")
