"""What goes after a while, what never goes, and what appending a message needs its lock for."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from api import Api, pages
from conftest import STEP, Connect
from growing import STORE, grow
from migrating import FORGET_MIGRATIONS
from outgrow.campus.messaging import chats
from outgrow.db.pool import Database
from outgrow.growth.state import Phase
from outgrow.queries import Query
from outgrow.schema.install import install
from test_chats import chat_id, old, open_chat, read, seen, send, sent_message, stored, two
from test_concurrency import UNLOCKED, locked_or_not, run, wait_for_lock

BEFORE = datetime(2026, 3, 1, tzinfo=UTC)


async def test_old_messages_go_and_the_others_keep_their_pos(
    phased_api: Api, phased: Database
) -> None:
    """Also while somebody writes all the time."""
    ada, ben = await two(phased_api)
    chat = chat_id(ada, ben)
    await open_chat(phased, ada, ben, *(old(chat, ada.id, n) for n in range(1, 9)))
    await read(ben, chat, 8)
    sending = [asyncio.create_task(sent_message(ada, chat, f"new {n}")) for n in range(6)]
    assert await chats.trim_messages(phased, BEFORE, pause=0.01) == 1
    sent = await asyncio.gather(*sending)
    assert sorted(m["pos"] // STEP for m in sent) == list(range(9, 15))
    path = f"/chats/{chat}/messages"
    assert await pages(ada, path, limit=4, direction="newer") == sorted(
        sent, key=lambda m: m["pos"]
    )
    assert len(await stored(phased, chat)) == 6
    assert (await seen(ben, chat))["unread"] == 6
    await read(ben, chat, 12)
    assert (await seen(ben, chat))["unread"] == 2
    assert [m["pos"] // STEP for m in await pages(ada, path, limit=4, pos=12 * STEP)] == [11, 10, 9]
    assert (await seen(ada, chat))["last_message"]["pos"] == 14 * STEP
    assert await chats.trim_messages(phased, BEFORE, pause=0) == 0


async def test_the_old_messages_of_a_chat_go_in_one_write(
    phased_api: Api, phased: Database
) -> None:
    """Fifty rows are fifty writes of the whole list otherwise, with the chat locked."""
    ada, ben = await two(phased_api)
    chat = chat_id(ada, ben)
    young = old(chat, ada.id, 60, timestamp="2026-05-01T00:00:00.000Z")
    messages = [old(chat, ada.id, n) for n in range(1, 51)]
    await open_chat(phased, ada, ben, *messages[:20], "odd", *messages[20:], young)
    for sql in (
        "CREATE TABLE public.writes (key text)",
        "CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN INSERT INTO public.writes VALUES (NEW.key); RETURN NULL; END'",
        f"CREATE TRIGGER note AFTER UPDATE ON {STORE} FOR EACH ROW EXECUTE FUNCTION public.note()",
    ):
        await phased.run(Query("test.note", sql))
    assert await chats.trim_messages(phased, BEFORE, pause=0) == 1
    assert await stored(phased, chat) == ["odd", young]
    assert len(await phased.rows(Query("test.writes", "SELECT key FROM public.writes"))) == 1


@pytest.mark.parametrize("way", [("initial", "relational"), ("relational", "initial")])
async def test_messages_keep_their_pos_across_growths(
    api: Api, campus: Database, monkeypatch: pytest.MonkeyPatch, way: tuple[Phase, Phase]
) -> None:
    """Some go before, some behind a growth: in the store the others are counted from the first that
    is left, in a table they are not."""
    ada, ben = await two(api)
    chat = chat_id(ada, ben)
    odd = {"content": "when?", "senderId": ada.id}
    messages = [old(chat, ada.id, n) for n in range(1, 9)]
    await open_chat(campus, ada, ben, *messages[:2], "odd", *messages[2:], odd)
    path = f"/chats/{chat}/messages"
    listed = await pages(ben, path, limit=20, direction="newer")
    assert [m["pos"] // STEP for m in listed] == [1, 2, *range(4, 11)]
    await read(ben, chat, 6)
    for phase in (*way, way[0]):
        await grow(campus, phase)
        before = datetime.fromisoformat(listed[2]["sent_at"])
        listed = listed[2:]
        assert await chats.trim_messages(campus, before, pause=0) == 1
        listed.append(await sent_message(ada, chat, f"in {phase}"))
        assert await pages(ben, path, limit=20, direction="newer") == listed
        unread = sum(m["pos"] > 6 * STEP for m in listed)
        assert (await seen(ben, chat))["unread"] == unread
    assert await chats.trim_messages(campus, datetime.now(UTC), pause=0) == 1
    assert await pages(ben, path, limit=20) == []
    assert (await sent_message(ada, chat, "last"))["pos"] == listed[-1]["pos"] + STEP


async def test_a_young_message_keeps_what_is_behind_it(api: Api, campus: Database) -> None:
    ada, ben = await two(api)
    chat = chat_id(ada, ben)
    odd: dict[str, Any] = {"content": "when?", "senderId": ada.id}
    young = old(chat, ada.id, 2, timestamp="2026-05-01T00:00:00.000Z")
    messages = [old(chat, ada.id, 1), odd, old(chat, ada.id, 3), young, old(chat, ada.id, 4), odd]
    await open_chat(campus, ada, ben, *messages)
    other = await open_chat(campus, ada, await api.sign_up("Else"), odd)
    assert await chats.trim_messages(campus, BEFORE, pause=0) == 1
    assert await stored(campus, chat) == messages[3:]
    assert [m["pos"] // STEP for m in await pages(ben, f"/chats/{chat}/messages", limit=5)] == [
        6,
        5,
        4,
    ]
    assert await stored(campus, other) == [odd]


async def test_places_that_were_counted_from_1_are_converted(api: Api, campus: Database) -> None:
    """Once, however often the schema is made."""
    ada, ben = await two(api)
    chat = chat_id(ada, ben)
    await open_chat(campus, ada, ben, *(old(chat, ada.id, n) for n in range(3, 6)))
    for sql in (
        "DROP TABLE network.trimmed_chats",
        "CREATE TABLE network.trimmed_chats (chat_id text PRIMARY KEY, removed bigint NOT NULL)",
        f"INSERT INTO network.trimmed_chats VALUES ('{chat}', 2)",
        f"INSERT INTO network.read_marks (chat_id, user_id, pos) VALUES ('{chat}', '{ben.id}', 4)",
        *FORGET_MIGRATIONS,
    ):
        await campus.run(Query("test.old", sql))
    for _ in range(2):
        await install(campus)
    listed = await pages(ada, f"/chats/{chat}/messages", limit=5)
    assert [m["pos"] // STEP for m in listed] == [5, 4, 3]
    assert (await seen(ben, chat))["unread"] == 1


async def test_keys_are_forgotten(api: Api, campus: Database) -> None:
    ada, ben = await two(api)
    chat = await open_chat(campus, ada, ben)
    for key in ("old", "new"):
        await sent_message(ada, chat, "text", key)
    sql = (
        "UPDATE network.sent_messages SET created_at = now() - interval '8 days' WHERE key = 'old'"
    )
    await campus.run(Query("age", sql))
    await chats.forget_keys(campus)
    assert (await send(ada, chat, "text", "new")).status_code == 200
    assert (await send(ada, chat, "text", "old")).status_code == 201


@locked_or_not
async def test_two_messages_at_once(
    campus: Database, api: Api, campus_url: str, connect: Connect, locked: bool
) -> None:
    """The second waits for the first, and is put behind it; without the lock it takes its place."""
    ada, ben = await two(api)
    chat = await open_chat(campus, ada, ben)
    if not locked:
        await run(campus, UNLOCKED)
    first, second, third = [await connect(campus_url) for _ in range(3)]

    def arguments(text: str) -> tuple[Any, ...]:
        digest = hashlib.sha256(text.encode()).digest()
        return ada.id, chat, text, digest, f"{chat}:{text}", text

    transaction = first.transaction()
    await transaction.start()
    assert (await first.fetchrow(chats.SEND.sql, *arguments("one")))["body"]
    other = asyncio.create_task(second.fetchrow(chats.SEND.sql, *arguments("two")))
    await wait_for_lock(third)
    await transaction.commit()
    assert (await other)["body"]
    kept = [m["content"] for m in await stored(campus, chat)]
    assert kept == (["one", "two"] if locked else ["two"])


async def test_a_key_is_taken_while_the_first_is_still_being_sent(
    campus: Database, api: Api, campus_url: str, connect: Connect
) -> None:
    """Who comes second waits; if the first fails, the second sends."""
    ada, ben = await two(api)
    chat = await open_chat(campus, ada, ben)
    first, third = [await connect(campus_url) for _ in range(2)]
    digest = hashlib.sha256(f"{chat}\ntext".encode()).digest()
    for fails in (True, False):
        transaction = first.transaction()
        await transaction.start()
        row = await first.fetchrow(chats.SEND.sql, ada.id, chat, f"k{fails}", digest, "id", "text")
        assert row["body"]
        other = asyncio.create_task(send(ada, chat, "text", f"k{fails}"))
        await wait_for_lock(third)
        await (transaction.rollback() if fails else transaction.commit())
        assert (await other).status_code == (201 if fails else 200)
    assert len(await stored(campus, chat)) == 2
