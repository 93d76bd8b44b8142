"""What a role that may only connect hears of the network, and what it can make it believe."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import jwt
import pytest

from live import running_site, via
from outgrow.campus import notifier as telling
from outgrow.campus.notifier import Envelopes, Notifier
from outgrow.db.pool import Database
from outgrow.queries import Query, load
from test_chats import open_chat, sent_message

SQL = load("network")


@pytest.fixture
async def nosy(campus: Database, campus_url: str) -> AsyncIterator[Any]:
    """Somebody's session whose role may connect to the campus, and nothing else."""
    await campus.run(Query("nosy", "CREATE ROLE nosy LOGIN"))
    connection = await asyncpg.connect(campus_url, user="nosy")
    yield connection
    await connection.close()
    await campus.run(Query("nosy", "DROP ROLE nosy"))


async def test_nobody_hears_who_writes_to_whom(campus: Database, nosy: Any) -> None:
    """Neither on a channel that somebody could guess, nor in a lock, nor in what goes over it."""
    heard: list[tuple[str, str]] = []

    def hear(_: Any, pid: int, channel: str, payload: str) -> None:
        heard.append((channel, payload))

    for guess in (
        "outgrow_news",
        "outgrow",
        "news",
        "live",
        "chat",
        "typing",
        "school",
        "outgrow_",
    ):
        await nosy.add_listener(guess, hear)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await nosy.fetch("SELECT * FROM network.secrets")
    channel = Envelopes(await campus.value(SQL["notification_secret"])).channel
    async with running_site(campus.url) as first, running_site(campus.url) as second:
        ada, ben = await first.api.sign_up("Ada Okafor"), await first.api.sign_up("Ben Castillo")
        chat = await open_chat(campus, ada, ben)
        async with second.connect(ben) as sight:
            await sent_message(ada, chat, "for you alone")
            await sight.numbers(chat, 1)
            assert heard == []
            await nosy.add_listener(channel, hear)  # as a superuser told it
            await sent_message(ada, chat, "and this")
            await ada.call("POST", f"/chats/{chat}/typing")
            await sight.numbers(chat, 2)
            await sight.event("typing")
    payloads = "".join(payload for _, payload in heard)
    assert heard
    assert not any(word in payloads for word in (ada.id, ben.id, chat, "chat", "typing"))


async def test_a_lock_does_not_say_whose_it_is(campus: Database, nosy: Any) -> None:
    plain = "SELECT hashtextextended('pair a b', 0)"
    async with campus.session() as session, session.connection.transaction():
        await session.run(load("pairs")["lock_pair"], "b", "a")
        locks = await nosy.fetch(
            "SELECT (classid::bigint << 32) + objid::bigint AS id FROM pg_locks "
            "WHERE locktype = 'advisory' AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert [row["id"] for row in locks]
        assert await nosy.fetchval(plain) not in [row["id"] for row in locks]


async def test_nothing_forged_is_believed(
    campus: Database, nosy: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Of typing, chats, schools, sessions and lines of a log: not even by who knows the channel."""
    caplog.set_level(logging.WARNING)
    secret = await campus.value(SQL["notification_secret"])
    real = Envelopes(secret).channel
    async with running_site(campus.url) as first, running_site(campus.url) as second:
        ada, ben = await first.api.sign_up("Ada Okafor"), await first.api.sign_up("Ben Castillo")
        chat = await open_chat(campus, ada, ben)
        notices = [
            ["typing", chat, ada.id, ada.id, ben.id],
            ["ended", ben.id, claim_of(ben.tokens["access_token"])],
            ["missed"],
        ]
        forged = [
            json.dumps(["0123456789abcdef", *notices]),
            Envelopes(b"another secret").close(json.dumps(notices).encode()),
            "\x1b[2J\nERROR outgrow: all is lost",
            "",
            "a" * 7999,
        ]
        async with second.connect(ben) as sight:
            for channel in ("outgrow_news", real):
                for payload in forged:
                    await nosy.execute("SELECT pg_notify($1, $2)", channel, payload)
            await sent_message(ada, chat, "true")
            await sight.numbers(chat, 1)
            assert sight.of("typing") == []
            assert (await via(second, ben).get("/chats")).status_code == 200
            # The same from us is believed.
            await campus.run(
                SQL["notify"], real, Envelopes(secret).close(json.dumps(notices[:1]).encode())
            )
            assert (await sight.event("typing"))["user_id"] == ada.id
    text = "".join(record.getMessage() for record in caplog.records)
    assert "not from us" in text
    assert "all is lost" not in text
    assert "aaaa" not in text


def claim_of(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["sid"])


async def test_a_flood_of_forgeries_holds_nobody_up(campus: Database, nosy: Any) -> None:
    real = Envelopes(await campus.value(SQL["notification_secret"])).channel
    flood = "SELECT pg_notify($1, $2 || n) FROM generate_series(1, 20000) AS n"
    async with running_site(campus.url) as first, running_site(campus.url) as second:
        ada, ben = await first.api.sign_up("Ada Okafor"), await first.api.sign_up("Ben Castillo")
        chat = await open_chat(campus, ada, ben)
        async with second.connect(ben) as sight:
            await nosy.execute(flood, real, "x" * 200)
            await sent_message(ada, chat, "all the same")
            await sight.numbers(chat, 1, seconds=15)


def test_an_envelope_is_opened_once() -> None:
    sender, receiver, stranger = Envelopes(b"s"), Envelopes(b"s"), Envelopes(b"t")
    closed = sender.close(b"hello")
    assert receiver.open(closed) == b"hello"
    assert sender.open(closed) is None
    for sent in (closed, stranger.close(b"hello"), closed[:-4], "x" + closed[1:], closed[:20], "é"):
        with pytest.raises(ValueError):  # noqa: PT011
            receiver.open(sent)
    assert receiver.open(sender.close(b"again")) == b"again"


async def test_another_secret_and_what_fits_no_envelope(
    campus: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who deletes the secret gets another channel, at both ends."""
    monkeypatch.setattr(telling, "CHECK_SECONDS", 0.2)
    sender, receiver = Notifier(campus), Notifier(campus)
    heard: asyncio.Queue[str] = asyncio.Queue()
    receiver.subscribe("chat", heard.put_nowait)
    reconnected = asyncio.Event()
    receiver.on_reconnect(reconnected.set)
    async with sender.running(), receiver.running(), asyncio.timeout(20):
        for name in ("c1", "c2"):
            await reconnected.wait()
            reconnected.clear()
            sender.publish("chat", name)
            assert await heard.get() == name
            if name == "c1":
                await campus.run(
                    Query("gone", "DELETE FROM network.secrets WHERE name = 'notifications'")
                )
        sender.publish("school", "x" * 20_000)
        await reconnected.wait()
