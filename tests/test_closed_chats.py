"""Who may write into a chat, and what is seen of somebody who is not there any more: that they have
blocked, hid, or deleted their account looks the same."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from api import PASSWORD, Api, Person, assert_problem
from outgrow.store import Store
from pages import Browser, browsers
from test_safety import everything, meet, old_block, sign_up, upsert

PAGES = (
    *("/", "/find?q=zen", "/meet", "/my/connections", "/my/intros", "/my/chats", "/my/blocked"),
    *("/people/{who}", "/people/{friend}", "/people/{friend}/connections", "/my/chats/{pair}"),
)


async def shown(browser: Browser, friend: Person, who: str) -> list[tuple[str, int, str]]:
    """All pages that may show `who`, and what comes of writing to them there."""
    pair = ":".join(sorted((browser.id, who)))
    seen = []
    for page in PAGES:
        path = page.format(who=who, friend=friend.id, pair=pair)
        answer = await browser.client.get(path)
        seen.append((page, answer.status_code, answer.text))
    return seen


@pytest.mark.parametrize("asked", ["met", "viewer asked", "other asked"])
async def test_block_deletion_and_hiding_look_the_same(phased_api: Api, asked: str) -> None:
    """All that `viewer` sees of the other, byte for byte: connected and chatting before, or only
    asked. (Only what the request itself is called, and times of it, are left out.)"""
    api = phased_api
    async with browsers(api) as somebody:
        browser = await somebody("Vera Field", major="Physics", year="Junior", interests="chess")
        tokens = (
            await api.post("/auth/login", {"email": browser.email, "password": PASSWORD})
        ).json()
        viewer = Person(api, browser.id, browser.email, tokens)
        friend, other = await sign_up(api, "Fred Oak", major="Art"), await sign_up(api)
        await meet(viewer, friend)
        await meet(other, friend)
        if asked == "met":
            chat = await meet(viewer, other)
            for person in (viewer, other, viewer):
                path = f"/chats/{chat}/messages"
                answer = await person.call("POST", path, json={"content": f"{person.id} was here"})
                assert answer.status_code == 201
            read = {"pos": answer.json()["pos"]}
            assert (await other.call("POST", f"/chats/{chat}/read", json=read)).status_code == 204
        else:
            sender, to = (viewer, other) if asked == "viewer asked" else (other, viewer)
            answer = await sender.call("POST", "/intros", json={"to": to.id, "reason": "study"})
            assert answer.status_code == 201

        notified: list[str] = []

        def hear(name: str, _: float) -> None:
            if name.startswith(("chats.", "intros.", "connections.")):
                notified.append(name)

        api.services.database.observe_with(hear)

        async def now() -> list[Any]:
            """And which statements it takes between people: as many take as long."""
            api.services.waiting.forget(viewer.id)
            notified.clear()
            seen = await everything(api, viewer, friend, other.id)
            return [*seen, *await shown(browser, friend, other.id), sorted(notified)]

        async def visible(is_visible: bool) -> None:
            settings = {"settings": {"profile_visible": is_visible}}
            assert (await other.call("PATCH", "/profiles/me", json=settings)).status_code == 200
            status = (await viewer.get(f"/profiles/{other.id}")).status_code
            assert status == (200 if is_visible else 404)

        await visible(False)
        await now()  # which reads what there is
        hidden = await now()
        await visible(True)
        await old_block(api, other.id, viewer.id)
        assert differing(hidden, await now()) == []
        await old_block(api, other.id)
        assert (await other.call("PUT", f"/blocks/{viewer.id}")).status_code == 204
        assert differing(hidden, await now()) == []
        assert (await other.call("DELETE", f"/blocks/{viewer.id}")).status_code == 204
        exported = (await viewer.get("/profiles/me/export")).json()["intros"]
        sent = {intro["status"] for intro in exported if intro["direction"] == "outgoing"}
        assert "withdrawn" not in sent
        body = {"password": PASSWORD}
        assert (await other.call("DELETE", "/profiles/me", json=body)).status_code == 204
        await api.services.settle()
        assert differing(hidden, await now()) == []


def differing(was: list[Any], now: list[Any]) -> list[Any]:
    return [pair for pair in zip(was, now, strict=True) if pair[0] != pair[1]]


@pytest.mark.parametrize("way", ["DELETE /connections", "PUT /blocks"])
@pytest.mark.parametrize("first", ["the end", "the message"])
async def test_a_message_and_the_end_of_a_connection_at_once(
    api: Api, connect: Any, way: str, first: str
) -> None:
    """Whoever comes second waits for the first one's commit, and then sees what it did."""
    ada, ben = await sign_up(api), await sign_up(api, "Ben Second")
    chat = await meet(ada, ben)
    method, path = way.split()
    raw = await connect(api.services.database.url)
    lock = "SELECT pg_advisory_xact_lock(network.pair_number($1, $2))"

    async def send() -> int:
        body = {"content": "still there?"}
        return (await ben.call("POST", f"/chats/{chat}/messages", json=body)).status_code

    async def end() -> int:
        return (await ada.call(method, f"{path}/{ben.id}")).status_code

    if first == "the end":
        async with raw.transaction():  # as `end`, half way
            await raw.execute(lock, ada.id, ben.id)
            sending = asyncio.create_task(send())
            await waiting(raw)
            for a, b in ((ada.id, ben.id), (ben.id, ada.id)):
                sql = "DELETE FROM campus.connections WHERE user_id = $1 AND connected_user_id = $2"
                await raw.execute(sql, a, b)
        assert await sending == 403
        return
    async with raw.transaction():  # as `send`, half way
        reason = "SELECT network.lock_and_why_closed($1, jsonb_build_array($1::text, $2::text))"
        assert await raw.fetchval(reason, ben.id, ada.id) is None
        assert await send() == 201, "senders do not wait for each other"
        ending = asyncio.create_task(end())
        await waiting(raw)
    assert await ending == 204
    assert await send() == 403


async def waiting(raw: Any) -> None:
    """Until somebody waits for an advisory lock."""
    sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with asyncio.timeout(20):
        while not await raw.fetchval(sql):
            await asyncio.sleep(0.02)


async def test_who_blocked_by_an_old_client_writes_no_more(phased_api: Api) -> None:
    """Else the other sees somebody who is not there type, read and write."""
    ada, ben = await sign_up(phased_api), await sign_up(phased_api, "Ben Second")
    chat = await meet(ada, ben)
    await old_block(phased_api, ben.id, ada.id)
    for person in (ada, ben):
        for path in ("messages", "typing"):
            answer = await person.call("POST", f"/chats/{chat}/{path}", json={"content": "hello"})
            assert (answer.status_code, answer.json()["detail"]) == (403, "closed: not_here")


async def test_in_a_chat_of_several_everybody_is_connected(api: Api) -> None:
    """Another program adds a third person to the chat of two: who writes there would be read by
    somebody whom they are not connected with."""
    ada, ben = await sign_up(api), await sign_up(api, "Ben Second")
    eve = await sign_up(api, "Eve Third")
    chat = await meet(ada, ben)
    people = {"participants": [ada.id, ben.id, eve.id]}
    await upsert(api, f"chat:{chat}", people)

    async def closed(person: Person) -> tuple[int, str | None, int]:
        shown = (await person.get(f"/chats/{chat}")).json()
        body = {"content": "hello all"}
        answer = await person.call("POST", f"/chats/{chat}/messages", json=body)
        return shown["others"], shown["closed"], answer.status_code

    for person in (ada, ben, eve):
        assert await closed(person) == (2, "added_outside", 403)
    await meet(ada, eve)
    assert await closed(ada) == (2, None, 201)
    assert await closed(ben) == (2, "added_outside", 403)
    await meet(ben, eve)
    assert await closed(ben) == (2, None, 201)
    many = {"participants": [ada.id, ben.id, *(f"x{n}" for n in range(50_000))]}
    await upsert(api, f"chat:{chat}", many)
    assert await closed(ada) == (50_001, "added_outside", 403)


async def test_a_chat_with_a_stranger_that_another_program_made_is_closed(api: Api) -> None:
    ada, eve = await sign_up(api), await sign_up(api, "Eve Third")
    await upsert(api, "chat:made", {"participants": [ada.id, eve.id]})
    shown = (await ada.get("/chats/made")).json()
    assert (shown["closed"], shown["person"]["id"]) == ("not_connected", eve.id)
    for person in (ada, eve):
        answer = await person.call("POST", "/chats/made/messages", json={"content": "hello"})
        assert_problem(answer, 403, "chat_closed")


@pytest.mark.parametrize("left", ["nothing", "messages"])
async def test_a_chat_that_an_old_client_deleted_is_opened_again(
    phased_api: Api, left: str
) -> None:
    """By one of those whose chat it is, on purpose, with nothing read that is not there."""
    api = phased_api
    ada, ben = await sign_up(api), await sign_up(api, "Ben Second")
    eve = await sign_up(api, "Eve Third")
    chat = await meet(ada, ben)

    async def send(person: Person) -> Any:
        return await person.call("POST", f"/chats/{chat}/messages", json={"content": "hello"})

    for _ in range(3):
        pos = (await send(ben)).json()["pos"]
    await ada.call("POST", f"/chats/{chat}/read", json={"pos": pos})
    keys = [f"chat:{chat}", f"chat:{chat}:messages"][: 2 if left == "nothing" else 1]
    await Store(api.services.database).mdel(keys)
    assert (await send(ada)).json()["code"] == "chat_not_found"
    answer = await ada.call("POST", "/intros", json={"to": ben.id, "reason": "study"})
    assert answer.json()["hint"].startswith(f"write to them: POST /connections/{ben.id}/chat")
    for person, other, status in ((eve, ben, 404), (ada, eve, 404), (ada, ada, 404)):
        answer = await person.call("POST", f"/connections/{other.id}/chat")
        assert answer.status_code == status
    opened = [ada.call("POST", f"/connections/{ben.id}/chat") for _ in range(3)]
    answers = await asyncio.gather(*opened, ben.call("POST", f"/connections/{ada.id}/chat"))
    shown = [(answer.status_code, answer.json()["id"]) for answer in answers]
    assert shown == [(200, chat)] * 4
    assert (answers[0].json()["closed"], answers[0].json()["unread"]) == (None, 0)
    assert (await send(ben)).status_code == 201
    assert (await ada.get(f"/chats/{chat}")).json()["unread"] == 1
    assert len((await ada.get(f"/chats/{chat}/messages")).json()["items"]) == (
        1 if left == "nothing" else 4
    )
    assert [chat_item["id"] for chat_item in (await ben.get("/chats")).json()["items"]] == [chat]
    await ben.call("DELETE", f"/connections/{ada.id}")
    answer = await ada.call("POST", f"/connections/{ben.id}/chat")
    assert_problem(answer, 404, "connection_not_found")


async def test_a_chat_of_others_is_given_to_nobody(phased_api: Api) -> None:
    """An old client may name anybody in a chat. Who is in it stays, and is not mistaken for
    somebody else; one that names nobody else is the chat of the two."""
    api = phased_api
    ada, ben = await sign_up(api), await sign_up(api, "Ben Second")
    eve = await sign_up(api, "Eve Third")
    chat = await meet(ada, ben)
    store = Store(api.services.database)
    for participants in ([ada.id, eve.id], [eve.id, "somebody"]):
        value = {"chatId": chat, "participants": participants}
        await store.set(f"chat:{chat}", value)
        for person, other in ((ada, ben), (ben, ada)):
            answer = await person.call("POST", f"/connections/{other.id}/chat")
            assert_problem(answer, 409, "chat_place_taken")
        assert (await store.get(f"chat:{chat}")) == value
    for whose in ([ada.id], [[ada.id], None], []):
        await store.set(f"chat:{chat}", {"chatId": chat, "participants": whose})
        answer = await ada.call("POST", f"/connections/{ben.id}/chat")
        shown = answer.json()
        assert (shown["person"]["id"], shown["others"], shown["closed"]) == (ben.id, 1, None)


async def test_message_on_a_profile_opens_a_chat_that_is_gone(api: Api) -> None:
    async with browsers(api) as somebody:
        ada = await somebody("Ada Okafor")
        ben = await sign_up(api, "Ben Second")
        chat = ":".join(sorted((ada.id, ben.id)))
        await ada.open(f"/people/{ben.id}")
        await ada.send(f"/people/{ben.id}", reason="study")
        intro = (await ben.get("/intros/incoming")).json()["items"][0]
        await ben.call("POST", f"/intros/{intro['id']}/accept")
        page = await ada.open(f"/people/{ben.id}")
        assert f"/my/chats/{chat.replace(':', '%3A')}#end" in page.links
        await Store(api.services.database).mdel([f"chat:{chat}"])
        await ada.open(f"/people/{ben.id}")
        page = await ada.send(f"/people/{ben.id}/chat")
        assert "No messages yet." in page.text
        assert page.form(f"/my/chats/{chat.replace(':', '%3A')}")


async def test_a_chat_that_an_old_client_makes_meanwhile(api: Api, campus_url: str) -> None:
    """Whoever opens it waits for the other's commit, and has then what the other made."""
    ada, ben = await sign_up(api), await sign_up(api, "Ben Second")
    chat = await meet(ada, ben)
    await Store(api.services.database).delete(f"chat:{chat}")
    old = await asyncpg.connect(campus_url)
    try:
        making = old.transaction()
        await making.start()
        await old.execute(
            "INSERT INTO kv_store_2516be19 VALUES ($1, $2)",
            f"chat:{chat}",
            json.dumps({"chatId": chat, "participants": [ada.id, ben.id]}),
        )
        opened = asyncio.create_task(ada.call("POST", f"/connections/{ben.id}/chat"))
        await asyncio.sleep(0.5)
        await making.commit()
        answer = await opened
    finally:
        await old.close()
    assert (answer.status_code, answer.json().get("id")) == (200, chat)
