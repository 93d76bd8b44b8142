"""/live: servers on real ports, several on one database, and clients that come and go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import websockets

from api import ELSEWHERE, Person
from conftest import STEP
from live import Sight, Site, running_site, via
from outgrow.campus.messaging import live as telling
from outgrow.campus.messaging.live import Close
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.web.api import chats as protocol
from outgrow.web.http.request import SESSION_COOKIE
from test_chats import old, open_chat, put, read, send, sent_message, stored

KILL = Query(
    "kill",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'outgrow notifier' AND datname = current_database()",
)


@pytest.fixture
async def site(campus: Database, campus_url: str) -> AsyncIterator[Site]:
    async with running_site(campus_url) as made:
        yield made


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes tenths."""
    monkeypatch.setattr(protocol, "AUTH_SECONDS", 0.3)
    monkeypatch.setattr(telling, "CHECK_SECONDS", 0.3)
    monkeypatch.setattr(telling, "SWEEP_SECONDS", 0.3)
    monkeypatch.setattr(telling, "GATHER_EVERY", 1)


async def swept(site: Site) -> None:
    """Return when a sweep that began after the call is over."""
    live = site.api.services.live
    before = live._sweeps
    async with asyncio.timeout(20):
        while live._sweeps < before + 2:
            await asyncio.sleep(0.02)


async def two(site: Site) -> tuple[Person, Person]:
    return await site.api.sign_up("Ada Okafor"), await site.api.sign_up("Ben Castillo")


async def test_two_servers_tell_everything_once_and_in_order(phased: Database) -> None:
    """Also to whoever was away meanwhile, and in every phase."""
    async with running_site(phased.url) as first, running_site(phased.url) as second:
        ada, ben = await two(first)
        ben_at_second = via(second, ben)
        chat = await open_chat(phased, ada, ben)
        async with first.connect(ada) as ada_sees, second.connect(ben) as ben_sees:
            writers = [
                sent_message(ada if n % 2 else ben_at_second, chat, f"number {n}")
                for n in range(10)
            ]
            await asyncio.gather(*writers)
            assert await ada_sees.numbers(chat, 10) == list(range(1, 11))
            assert await ben_sees.numbers(chat, 10) == list(range(1, 11))
            await read(ben_at_second, chat, 7)
            mark = {"type": "read", "chat_id": chat, "user_id": ben.id, "pos": 7 * STEP}
            assert await ada_sees.event("read") == mark
            await ben_at_second.call("POST", f"/chats/{chat}/typing")
            assert (await ada_sees.event("typing"))["user_id"] == ben.id
            assert ben_sees.of("typing") == []
        for n in range(5):
            await sent_message(ada, chat, f"while ben is away {n}")
        async with first.connect(ben) as again:
            await sent_message(ben_at_second, chat, "here again")
            await again.numbers(chat, 1)
            await again.say(type="resume", after={chat: 10 * STEP})
            assert sorted(await again.numbers(chat, 7)) == [11, 12, 13, 14, 15, 16, 16]


async def test_resume_first_and_nothing_is_doubled(site: Site, campus: Database) -> None:
    ada, ben = await two(site)
    chat = await open_chat(campus, ada, ben, *(old("c", ada.id, n) for n in range(1, 60)))
    await read(ada, chat, 3)
    async with site.connect(ben) as sight:
        await sight.say(type="resume", after={chat: 2 * STEP, "somebody:elses": 0})
        sending = [asyncio.create_task(sent_message(ada, chat, f"new {n}")) for n in range(30)]
        assert await sight.numbers(chat, 87) == list(range(3, 90))
        await asyncio.gather(*sending)
        assert (await sight.event("read"))["pos"] == 3 * STEP
        await sight.say(type="resume", after={chat: 10**9 * STEP})
        await sight.say(type="ping")
        await sight.event("pong")
        await sent_message(ada, chat, "one more")
        assert await sight.numbers(chat, 88) == list(range(3, 91))


async def test_what_others_may_not_see(site: Site, campus: Database) -> None:
    ada, ben = await two(site)
    eve = await site.api.sign_up("Eve Stranger")
    chat = await open_chat(campus, ada, ben)
    await sent_message(ada, chat, "private")
    async with site.connect(eve) as eve_sees, site.connect(ben) as ben_sees:
        await eve_sees.say(type="resume", after={chat: 0})
        await eve_sees.say(type="typing", chat_id=chat)
        await ada.call("POST", f"/chats/{chat}/typing")
        await sent_message(ada, chat, "private too")
        await ben_sees.numbers(chat, 1)
        await eve_sees.say(type="ping")
        await eve_sees.event("pong")
        assert [e["type"] for e in eve_sees.events] == ["ready", "pong"]
        assert [e["user_id"] for e in ben_sees.of("typing")] == [ada.id]


@pytest.mark.parametrize(
    ("who", "is_delivered"),
    [
        ("nobody", False),
        ("another school", False),
        ("same school", False),
        ("blocked", False),
        ("participant", True),
        ("sender", True),
    ],
)
async def test_matrix(site: Site, campus: Database, who: str, is_delivered: bool) -> None:
    """Who is told of a message, asked by everybody."""
    ada, ben = await two(site)
    others = {
        "another school": await site.api.sign_up("Far Away", ELSEWHERE),
        "same school": await site.api.sign_up("Near By"),
        "blocked": await site.api.sign_up("Blo Cked"),
    }
    chat = await open_chat(campus, ada, ben)
    blocked = await open_chat(campus, ada, others["blocked"])
    await ada.call("PUT", f"/blocks/{others['blocked'].id}")
    person = {**others, "nobody": None, "participant": ben, "sender": ada}[who]
    if person is None:
        headers = {"authorization": "Bearer nobody"}
        async with site.connect(None, ready=False, headers=headers) as sight:
            assert (await sight.end())[0] == Close.NOT_SIGNED_IN
        return
    async with site.connect(person) as sight:
        assert (await send(ada, blocked, "not any more")).status_code == 403
        await sent_message(ada, chat, "hello")
        await sight.say(type="resume", after={chat: 0, blocked: 0})
        await sight.say(type="ping")
        await sight.event("pong")
        if is_delivered:
            await sight.numbers(chat, 1)
        assert set(sight.delivered(chat)) == ({1} if is_delivered else set())
        assert sight.delivered(blocked) == []


async def test_read_receipts_that_are_off(site: Site, campus: Database) -> None:
    ada, ben = await two(site)
    chat = await open_chat(campus, ada, ben)
    await sent_message(ada, chat, "have you read this?")
    await ben.call("PATCH", "/profiles/me", json={"settings": {"read_receipts": False}})
    async with site.connect(ada) as ada_sees, site.connect(ben) as ben_sees:
        await read(ben, chat, 1)
        assert (await ben_sees.event("read"))["user_id"] == ben.id, "one's own other window"
        await sent_message(ada, chat, "and this?")
        await ada_sees.numbers(chat, 1)
        assert ada_sees.of("read") == []


async def test_a_blocked_person_is_told_nothing(
    quickly: None, site: Site, campus: Database
) -> None:
    ada, ben = await two(site)
    chat = await open_chat(campus, ada, ben)
    block = Query("block", "INSERT INTO network.blocks (user_id, blocked_id) VALUES ($1, $2)")
    async with site.connect(ben) as sight:
        await sent_message(ada, chat, "before")
        await sight.numbers(chat, 1)
        await campus.run(block, ada.id, ben.id)
        # By SQL, since the API refuses.
        await put(campus, {f"chat:{chat}:messages": [old(chat, ada.id, n) for n in range(1, 4)]})
        await sight.say(type="resume", after={chat: 0})
        await sight.say(type="ping")
        await sight.event("pong")
        await swept(site)
        assert sight.delivered(chat) == [1]


async def test_what_old_clients_write_is_swept_up(
    quickly: None, site: Site, campus: Database
) -> None:
    """Messages, and whole chats, of which nobody says a word."""
    ada, ben = await two(site)
    eve = await site.api.sign_up("Eve Else")
    chat = await open_chat(campus, ada, ben, old("c", ada.id, 1))
    async with site.connect(ben) as sight:
        messages = [old(chat, ada.id, n) for n in range(1, 4)]
        await put(campus, {f"chat:{chat}:messages": messages})
        assert await sight.numbers(chat, 2) == [2, 3]
        other = await open_chat(campus, eve, ben, old("c", eve.id, 1), old("c", eve.id, 2))
        assert await sight.numbers(other, 2) == [1, 2]
        await put(campus, {f"chat:{chat}:messages": messages[:1]})
        await swept(site)
        await put(campus, {f"chat:{chat}:messages": [messages[0], old(chat, ada.id, 9)]})
        assert await sight.numbers(chat, 3) == [2, 3, 2]


async def test_a_lost_listener_comes_back(campus: Database, campus_url: str) -> None:
    """What was said meanwhile is looked up; nobody's socket notices."""
    async with running_site(campus_url) as first, running_site(campus_url) as second:
        ada, ben = await two(first)
        chat = await open_chat(campus, ada, ben)
        async with second.connect(ben) as sight:
            for n in range(3):
                assert len(await campus.rows(KILL)) == 2
                await sent_message(ada, chat, f"number {n}")
                assert await sight.numbers(chat, n + 1) == list(range(1, n + 2))
                async with asyncio.timeout(10):
                    while (
                        len(
                            await campus.rows(
                                Query("", KILL.sql.replace("pg_terminate_backend(pid)", "pid"))
                            )
                        )
                        < 2
                    ):
                        await asyncio.sleep(0.05)


async def test_a_slow_reader_is_dropped_and_resumes(site: Site, campus: Database) -> None:
    ada, ben = await two(site)
    chat = await open_chat(campus, ada, ben)
    large = "x" * 30_000
    messages: list[Any] = []
    headers = {"authorization": f"Bearer {ben.tokens['access_token']}"}
    connection = await websockets.connect(
        site.url, additional_headers=headers, compression=None, max_queue=1, proxy=None
    )
    assert json.loads(await connection.recv())["type"] == "ready"
    connection.transport.pause_reading()
    live = site.api.services.live
    async with asyncio.timeout(60):
        while live.sockets:
            messages += [old(chat, ada.id, 1, content=large) for _ in range(20)]
            await put(campus, {f"chat:{chat}:messages": messages})
            live.changed(chat, [ada.id, ben.id])
            await asyncio.sleep(0.05)
    count = len(messages)
    connection.transport.resume_reading()
    got: list[int] = []
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            got.append(json.loads(await connection.recv())["message"]["pos"] // STEP)
    assert connection.close_code == Close.TOO_SLOW
    assert got == list(range(1, len(got) + 1))
    assert len(got) < count, "not everything was kept for it"
    async with site.connect(ben) as sight:
        await sight.say(type="resume", after={chat: len(got) * STEP})
        rest = await sight.numbers(chat, count - len(got))
        assert got + rest == list(range(1, count + 1))


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({"type": "auth", "token": "no token"}, Close.NOT_SIGNED_IN),
        ({"type": "ping"}, Close.NOT_SIGNED_IN),
        ({"type": "unknown"}, Close.BAD_MESSAGE),
        ("no json", Close.BAD_MESSAGE),
        ("x" * 40_000, 1009),
        (None, Close.NOT_SIGNED_IN),
    ],
)
async def test_who_does_not_say_who_they_are(
    quickly: None, site: Site, first: Any, code: int
) -> None:
    async with site.connect(None, ready=False) as sight:
        if first is not None:
            await sight.connection.send(first if isinstance(first, str) else json.dumps(first))
        assert (await sight.end())[0] == code
        assert sight.events == []


async def test_a_token_in_the_first_message(site: Site, campus: Database) -> None:
    ada, ben = await two(site)
    chat = await open_chat(campus, ada, ben)
    async with site.connect(None, ready=False) as sight:
        await sight.say(type="auth", token=ben.tokens["access_token"])
        await sight.event("ready")
        await sent_message(ada, chat, "hello")
        assert await sight.numbers(chat, 1) == [1]
        await sight.say(type="auth", token=ben.tokens["access_token"])
        await sight.say(type="auth", token=ada.tokens["access_token"])
        assert (await sight.end())[0] == Close.NOT_SIGNED_IN


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"resume","after":{"a":-1}}',
        '{"type":"resume"}',
        '{"type":"typing"}',
        '{"type":"ping","more":1}',
        json.dumps({"type": "resume", "after": {str(n): 1 for n in range(201)}}),
        "[]",
        "7",
    ],
)
async def test_what_is_no_message(site: Site, text: str) -> None:
    async with site.connect(await site.api.sign_up()) as sight:
        await sight.connection.send(text)
        assert (await sight.end())[0] == Close.BAD_MESSAGE


async def test_a_bad_header_is_not_forgiven(site: Site) -> None:
    headers = {"authorization": "Bearer no token"}
    async with site.connect(None, ready=False, headers=headers) as sight:
        assert await sight.end() == (Close.NOT_SIGNED_IN, "bad_token")


async def test_the_cookie_of_the_pages(site: Site) -> None:
    """Is sent along for whoever asks, so it counts for the pages of this host alone."""
    services = site.api.services
    ada = await site.api.sign_up()
    cookie = await services.browser_sessions.open(
        await services.accounts.log_in(ada.email, "a long enough password")
    )
    host = site.url.removeprefix("ws://").removesuffix("/live")
    headers = {"cookie": f"other=1; {SESSION_COOKIE}={cookie}"}
    for origin in ("https://evil.example", f"http://{host}.evil.example", "null", None):
        async with site.connect(None, ready=False, headers=headers, origin=origin) as sight:
            assert await sight.end() == (Close.NOT_ALLOWED, "other_origin")
    async with site.connect(None, headers=headers, origin=f"http://{host}") as sight:
        assert (await sight.event("ready"))["user_id"] == ada.id
    headers = {"cookie": f"{SESSION_COOKIE}=nobody"}
    async with site.connect(None, ready=False, headers=headers, origin="null") as sight:
        await sight.say(type="auth", token=ada.tokens["access_token"])
        await sight.event("ready")


async def test_the_end_of_a_session_closes(quickly: None, site: Site, campus: Database) -> None:
    ada, ben = await two(site)
    async with site.connect(ada) as ada_sees, site.connect(ben) as ben_sees:
        await ada.call("POST", "/auth/logout")
        assert await ada_sees.end(5) == (Close.NOT_SIGNED_IN, "session_ended")
        delete = Query("delete", "DELETE FROM network.accounts WHERE user_id = $1")
        await campus.run(delete, ben.id)
        assert await ben_sees.end(5) == (Close.NOT_SIGNED_IN, "session_ended")


async def test_the_end_of_a_token_closes(
    site: Site, campus: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await site.api.sign_up()
    monkeypatch.setattr("outgrow.web.http.auth.ACCESS_SECONDS", 3)
    short = await site.api.post("/auth/refresh", {"refresh_token": ada.tokens["refresh_token"]})
    ada.tokens = short.json()
    async with site.connect(ada) as sight, site.connect(ada) as renewed:
        monkeypatch.setattr("outgrow.web.http.auth.ACCESS_SECONDS", 900)
        longer = await site.api.post(
            "/auth/refresh", {"refresh_token": ada.tokens["refresh_token"]}
        )
        await renewed.say(type="auth", token=longer.json()["access_token"])
        assert await sight.end(10) == (Close.NOT_SIGNED_IN, "token_expired")
        await renewed.say(type="ping")
        await renewed.event("pong")


async def test_too_many_sockets(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "MOST_OUTBOXES", 2)
    ada, ben = await two(site)
    async with site.connect(ada), site.connect(ada), site.connect(ben):
        async with site.connect(ada, ready=False) as sight:
            assert (await sight.end())[0] == Close.TOO_MANY
        assert site.api.services.live.sockets == 3
    async with site.connect(ada):
        pass


async def test_the_server_pings(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda *_: 0)
    async with site.connect(await site.api.sign_up()) as sight:
        await sight.event("ping")
        await sight.say(type="pong")


async def test_a_path_without_sockets(site: Site) -> None:
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(site.url + "/elsewhere", proxy=None)


async def test_nothing_is_left_behind(site: Site, campus: Database) -> None:
    ada, ben = await two(site)
    await open_chat(campus, ada, ben)
    async with site.connect(ada), site.connect(ben), site.connect(ben):
        pass
    live = site.api.services.live
    async with asyncio.timeout(5):
        while live.sockets:
            await asyncio.sleep(0.01)
    assert (live._outboxes, live._watches, live._chats) == ({}, {}, {})


async def test_at_random(phased: Database) -> None:
    """Three people, three chats, two servers: sent, read, dropped, resumed; then everybody has been
    told every message of theirs in order, and once but for what they asked for again."""
    seed = random.randrange(1_000_000)
    print("seed", seed)
    chance = random.Random(seed)
    async with running_site(phased.url) as first, running_site(phased.url) as second:
        people = [await first.api.sign_up(f"Number {n}") for n in range(3)]
        pairs = [(0, 1), (0, 2), (1, 2)]
        chats = [await open_chat(phased, people[a], people[b]) for a, b in pairs]
        got: list[dict[str, list[int]]] = [{c: [] for c in chats} for _ in people]
        model: dict[str, list[str]] = {c: [] for c in chats}
        marks: dict[tuple[str, int], int] = {}
        sights: list[Sight | None] = [None] * 3
        stacks = [AsyncExitStack() for _ in people]

        async def drop(n: int) -> None:
            sight = sights[n]
            if sight is not None:
                await stacks[n].aclose()
                for c in chats:
                    got[n][c] += sight.delivered(c)
                sights[n] = None

        async def come(n: int) -> None:
            where = chance.choice((first, second))
            sight = await stacks[n].enter_async_context(where.connect(people[n]))
            await sight.say(
                type="resume", after={c: max(got[n][c], default=0) * STEP for c in chats}
            )
            sights[n] = sight

        async def act(number: int) -> None:
            which = chance.randrange(3)
            chat, n = chats[which], chance.choice(pairs[which])
            me = via(chance.choice((first, second)), people[n])
            if chance.random() < 0.7:
                key = f"key-{number}"
                answers = await asyncio.gather(
                    *(send(me, chat, f"text {number}", key) for _ in "ab")
                )
                assert {a.status_code for a in answers} == {200, 201}
                model[chat].append(f"text {number}")
            elif model[chat]:
                pos = chance.randint(1, len(model[chat]))
                await read(me, chat, pos)
                marks[chat, n] = max(pos, marks.get((chat, n), 0))

        for number in range(12):
            await asyncio.gather(*(act(number * 3 + k) for k in range(3)))
            n = chance.randrange(3)
            await (come(n) if sights[n] is None else drop(n))
        for n in range(3):
            await drop(n)
            await come(n)
            for which, c in enumerate(chats):
                mine = n in pairs[which]
                sight = sights[n]
                assert sight is not None
                missing = len(model[c]) - len(set(got[n][c])) if mine else 0
                await sight.numbers(c, missing)
            await drop(n)
            for which, c in enumerate(chats):
                expected = list(range(1, len(model[c]) + 1)) if n in pairs[which] else []
                assert got[n][c] == expected, (n, c)
        for which, c in enumerate(chats):
            kept = await stored(phased, c) or []
            assert sorted(m["content"] for m in kept) == sorted(model[c])
            for n in pairs[which]:
                shown = (await via(first, people[n]).get(f"/chats/{c}")).json()
                others = [m for m in kept[marks.get((c, n), 0) :] if m["senderId"] != people[n].id]
                assert shown["unread"] == len(others)
