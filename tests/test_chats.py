"""Chats over HTTP: the list, messages, sending once, read marks, and what old clients wrote."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import msgspec
import pytest

from api import ELSEWHERE, Api, Person, assert_problem, pages
from conftest import STEP
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.settings import DEFAULT_STORE
from outgrow.web.api import schemas

UPSERT = Query(
    "upsert",
    f'INSERT INTO "{DEFAULT_STORE}" (key, value) SELECT * FROM unnest($1::text[], $2::jsonb[]) '
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
)
LIST = Query("list", f'SELECT value FROM "{DEFAULT_STORE}" WHERE key = $1')
CREATED = "2026-01-02T03:04:05.678Z"


def chat_id(person: Person, other: Person) -> str:
    return ":".join(sorted((person.id, other.id)))


async def put(database: Database, values: dict[str, Any]) -> None:
    """As an old client writes."""
    await database.run(UPSERT, list(values), [json.dumps(value) for value in values.values()])


async def stored(database: Database, chat: str) -> Any:
    """The messages as an old client reads them."""
    return json.loads(await database.value(LIST, f"chat:{chat}:messages") or "null")


async def open_chat(database: Database, person: Person, other: Person, *messages: Any) -> str:
    """A chat of two who are connected, as the prototype left it."""
    chat = chat_id(person, other)
    document = {"chatId": chat, "participants": chat.split(":"), "createdAt": CREATED}
    await put(database, {f"chat:{chat}": document, f"chat:{chat}:messages": list(messages)})
    await connect_both(database, person, other)
    return chat


async def connect_both(database: Database, person: Person, other: Person) -> None:
    sql = "INSERT INTO campus.connections (user_id, connected_user_id) VALUES ($1, $2), ($2, $1)"
    await database.run(Query("connect", sql), person.id, other.id)


def old(chat: str, sender: str, number: int, **more: Any) -> dict[str, Any]:
    """A message of the prototype."""
    timestamp = f"2026-02-03T04:05:{number:02}.000Z"
    message = {"id": f"{chat}:{number}", "senderId": sender, "content": f"old {number}"}
    return {**message, "timestamp": timestamp, "readBy": [], "readAt": None, **more}


async def send(person: Person, chat: str, content: str, key: str | None = None) -> httpx.Response:
    headers = {"idempotency-key": key.encode()} if key else {}
    path = f"/chats/{chat}/messages"
    return await person.call("POST", path, json={"content": content}, headers=headers)


async def sent_message(
    person: Person, chat: str, content: str, key: str | None = None
) -> dict[str, Any]:
    answer = await send(person, chat, content, key)
    assert answer.status_code in (200, 201), answer.text
    message: dict[str, Any] = answer.json()
    return message


async def read(person: Person, chat: str, pos: int) -> None:
    """Up to the message of that number."""
    answer = await person.call("POST", f"/chats/{chat}/read", json={"pos": pos * STEP})
    assert answer.status_code == 204, answer.text


async def seen(person: Person, chat: str) -> dict[str, Any]:
    answer = await person.get(f"/chats/{chat}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def two(api: Api) -> tuple[Person, Person]:
    return await api.sign_up("Ada Okafor"), await api.sign_up("Ben Castillo")


async def test_a_conversation(phased_api: Api, phased: Database) -> None:
    ada, ben = await two(phased_api)
    chat = await open_chat(phased, ada, ben)
    for number in range(1, 8):
        message = await sent_message(ada if number % 2 else ben, chat, f"number {number}")
        assert message["pos"] == number * STEP
    message = (await seen(ben, chat))["last_message"]
    assert (message["content"], message["sender_id"]) == ("number 7", ada.id)
    shown = await seen(ben, chat)
    assert (shown["person"]["id"], shown["unread"]) == (ada.id, 4)
    path = f"/chats/{chat}/messages"
    older = await pages(ben, path, limit=3)
    newer = await pages(ben, path, limit=3, direction="newer")
    assert [m["pos"] // STEP for m in newer] == [1, 2, 3, 4, 5, 6, 7]
    assert older == newer[::-1]
    assert older[0] == message
    await read(ben, chat, 5)
    assert (await seen(ben, chat))["unread"] == 1
    await read(ben, chat, 2)
    assert (await seen(ben, chat))["unread"] == 1, "a mark never goes back"
    await read(ben, chat, 10**9)
    assert (await seen(ben, chat))["unread"] == 0
    await sent_message(ada, chat, "behind every mark")
    assert (await seen(ben, chat))["unread"] == 1, "nor behind the end"
    assert (await seen(ada, chat))["unread"] == 3
    kept = await stored(phased, chat)
    assert [m["content"] for m in kept] == [*(m["content"] for m in newer), "behind every mark"]
    assert kept[0] == {
        "id": newer[0]["id"],
        "senderId": ada.id,
        "content": "number 1",
        "timestamp": newer[0]["sent_at"],
        "readBy": [],
        "readAt": None,
    }


async def test_sent_once(phased_api: Api, phased: Database) -> None:
    """However often a key comes, and however many come with it at once."""
    ada, ben = await two(phased_api)
    chat = await open_chat(phased, ada, ben)
    answers = await asyncio.gather(*(send(ada, chat, "only once", "k") for _ in range(6)))
    assert sorted(a.status_code for a in answers) == [200] * 5 + [201]
    assert len({a.content for a in answers}) == 1
    again = await send(ada, chat, "only once", "k")
    assert (again.status_code, again.content) == (200, answers[0].content)
    assert_problem(await send(ada, chat, "something else", "k"), 409, "key_used")
    assert (await send(ben, chat, "only once", "k")).status_code == 201, "keys are each one's own"
    assert [m["content"] for m in await stored(phased, chat)] == ["only once"] * 2


async def test_many_at_once_lose_and_double_nothing(phased_api: Api, phased: Database) -> None:
    ada, ben = await two(phased_api)
    chat = await open_chat(phased, ada, ben)
    texts = [f"{person.email} {n}" for person in (ada, ben) for n in range(12)]
    sent = await asyncio.gather(
        *(sent_message(ada if text.startswith(ada.email) else ben, chat, text) for text in texts)
    )
    assert sorted(m["pos"] // STEP for m in sent) == list(range(1, 25))
    listed = await pages(ada, f"/chats/{chat}/messages", limit=50, direction="newer")
    assert listed == sorted(sent, key=lambda m: int(m["pos"]))
    assert [m["content"] for m in await stored(phased, chat)] == [m["content"] for m in listed]
    assert sorted(m["content"] for m in listed) == sorted(texts)


async def test_the_list_by_latest_activity(phased_api: Api, phased: Database) -> None:
    me = await phased_api.sign_up("Me Myself")
    others = [await phased_api.sign_up(f"Number {n}") for n in range(5)]
    chats = [await open_chat(phased, me, other) for other in others]
    for n in (3, 1, 4, 0, 2):
        await sent_message(others[n], chats[n], f"from {n}")
    listed = await pages(me, "/chats", limit=2)
    assert [chat["id"] for chat in listed] == [chats[n] for n in (2, 0, 4, 1, 3)]
    assert [chat["person"]["id"] for chat in listed] == [others[n].id for n in (2, 0, 4, 1, 3)]
    assert [chat["unread"] for chat in listed] == [1] * 5
    await sent_message(me, chats[3], "an answer")
    listed = await pages(me, "/chats", limit=5)
    assert listed[0]["id"] == chats[3]
    assert listed[0]["last_message"]["content"] == "an answer"
    answer = await me.get("/chats?limit=5")
    assert msgspec.json.decode(answer.content, type=schemas.ChatPage).next is None


async def test_what_the_prototype_wrote(phased_api: Api, phased: Database) -> None:
    """The welcome, messages read and unread by `readBy`, a chat without participants."""
    ada, ben = await two(phased_api)
    chat = chat_id(ada, ben)
    welcome = {
        "id": f"{chat}:1",
        "senderId": "ai-assistant",
        "content": "Welcome",
        "type": "system",
    }
    messages = [
        welcome,
        old(chat, ada.id, 2, readBy=[ben.id], readAt=CREATED),
        old(chat, ada.id, 3),
        old(chat, ben.id, 4),
        old(chat, ada.id, 5),
        {"id": 7, "content": None, "senderId": ["nobody"], "timestamp": "noon"},
    ]
    await open_chat(phased, ada, ben, *messages)
    shared = {"userId1": ada.id, "userId2": "x", "messages": [], "chatId": "chat:x"}
    await put(phased, {f"chat:{ada.id}:x": shared, f"chat:{ada.id}:y": 7})
    assert [c["id"] for c in await pages(ada, "/chats", limit=5)] == [chat]
    for missing in ("x", "y"):
        assert_problem(await ada.get(f"/chats/{ada.id}:{missing}"), 404, "chat_not_found")
    assert (await seen(ben, chat))["unread"] == 3, "of the odd one nobody knows that it is read"
    await read(ben, chat, 3)
    assert (await seen(ben, chat))["unread"] == 2
    answer = await ben.get(f"/chats/{chat}/messages")
    listed = msgspec.json.decode(answer.content, type=schemas.MessagePage).items
    assert [m.pos // STEP for m in listed] == [6, 5, 4, 3, 2, 1]
    odd, first = listed[0], listed[-1]
    assert (odd.id, odd.content, odd.sender_id, odd.sent_at) == (None, None, None, None)
    assert (first.kind, first.content) == ("system", "Welcome")
    assert await stored(phased, chat) == messages, "reading changes nothing"


@pytest.mark.parametrize("value", ["text", 7, {"a": 1}, None])
async def test_messages_that_are_no_array_are_kept_aside(
    api: Api, campus: Database, value: Any
) -> None:
    ada, ben = await two(api)
    chat = await open_chat(campus, ada, ben)
    await put(campus, {f"chat:{chat}:messages": value})
    assert await pages(ada, f"/chats/{chat}/messages", limit=5) == []
    assert (await seen(ada, chat))["last_message"] is None
    assert (await sent_message(ada, chat, "hello"))["pos"] == STEP
    assert [m["content"] for m in await stored(campus, chat)] == ["hello"]
    kept = Query("kept", "SELECT key, value FROM outgrow.quarantine")
    rows = [(row["key"], json.loads(row["value"])) for row in await campus.rows(kept)]
    assert rows == [(f"chat:{chat}:messages", value)]


async def test_who_is_no_participant_cannot_tell_it_from_absence(
    api: Api, campus: Database
) -> None:
    ada, ben = await two(api)
    eve = await api.sign_up("Eve Stranger")
    chat = await open_chat(campus, ada, ben, old(chat_id(ada, ben), ada.id, 1))
    for method, path, body in (
        ("GET", "/chats/{}", None),
        ("GET", "/chats/{}/messages", None),
        ("POST", "/chats/{}/messages", {"content": "hello"}),
        ("POST", "/chats/{}/read", {"pos": 1}),
        ("POST", "/chats/{}/typing", None),
    ):
        answers = []
        for id_ in (chat, f"{ada.id}:nobody", "x" * 300):
            answer = await eve.call(method, path.format(id_), json=body)
            problem = answer.json()
            problem.pop("instance"), problem.pop("request_id")
            answers.append((answer.status_code, problem))
        assert answers[0][0] == 404
        assert answers.count(answers[0]) == 3
    assert await pages(eve, "/chats", limit=5) == []
    assert len(await stored(campus, chat)) == 1


@pytest.mark.parametrize("by", ["ada", "ben"])
@pytest.mark.parametrize("where", ["table", "document"])
async def test_a_chat_with_somebody_blocked_can_be_read(
    api: Api, campus: Database, by: str, where: str
) -> None:
    people = dict(zip(("ada", "ben"), await two(api), strict=True))
    ada, ben = people["ada"], people["ben"]
    chat = await open_chat(campus, ada, ben)
    await sent_message(ada, chat, "before")
    blocker, blocked = (ada, ben) if by == "ada" else (ben, ada)
    if where == "table":
        block = Query("block", "INSERT INTO network.blocks (user_id, blocked_id) VALUES ($1, $2)")
        await campus.run(block, blocker.id, blocked.id)
    else:
        # One's own old list is taken over when one signs in; the other's counts at once.
        hide = Query("hide", "UPDATE campus.users SET blocked = $2::jsonb WHERE id = $1")
        await campus.run(hide, blocker.id, json.dumps([blocked.id]))
    for person in (ada, ben) if where == "table" else (blocked,):
        (listed,) = await pages(person, "/chats", limit=5)
        assert listed == await seen(person, chat)
        assert (listed["person"], listed["closed"]) == (None, "not_here")
        (message,) = await pages(person, f"/chats/{chat}/messages", limit=5)
        assert message["content"] == "before"
        assert_problem(await send(person, chat, "during"), 403, "chat_closed")
        answer = await person.call("POST", f"/chats/{chat}/typing")
        assert_problem(answer, 403, "chat_closed")
        answer = await person.call("POST", f"/chats/{chat}/read", json={"pos": message["pos"]})
        assert answer.status_code == 204


async def test_the_person_is_null_when_gone_hidden_or_elsewhere(api: Api, campus: Database) -> None:
    me = await api.sign_up("Me Myself")
    hidden, far, gone = (
        await api.sign_up("Hid Den"),
        await api.sign_up("Far Away", ELSEWHERE),
        await api.sign_up("Go Ne"),
    )
    chats = [await open_chat(campus, me, other) for other in (hidden, far, gone)]
    await hidden.call("PATCH", "/profiles/me", json={"settings": {"profile_visible": False}})
    await campus.run(Query("delete", "DELETE FROM campus.users WHERE id = $1"), gone.id)
    assert [(await seen(me, chat))["person"] for chat in chats] == [None] * 3
    assert [(await send(me, chat, "hello")).status_code for chat in chats] == [403, 403, 403]


async def test_somebody_who_takes_no_messages(api: Api, campus: Database) -> None:
    ada, ben = await two(api)
    chat = await open_chat(campus, ada, ben)
    await ben.call("PATCH", "/profiles/me", json={"settings": {"allow_messages": False}})
    assert_problem(await send(ada, chat, "hello"), 403, "messages_not_taken")
    assert (await send(ben, chat, "I may write")).status_code == 201
    assert (await seen(ada, chat))["person"]["id"] == ben.id


async def test_what_can_be_sent(api: Api, campus: Database) -> None:
    ada, ben = await two(api)
    chat = await open_chat(campus, ada, ben)
    for content in ("", "   ", "\n\u200b", "x" * 4001):
        assert_problem(await send(ada, chat, content), 400, "bad_body", repr(content))
    for content in ("x", "é" * 4000, 'quotes " and \\ %s {}', "line\nbreaks\t", "👩‍🎓"):
        message = await sent_message(ada, chat, content)
        assert message["content"] == content
    for key in ("x" * 201, "with blank", "é"):
        answer = await send(ada, chat, "text", key)
        assert_problem(answer, 400, "bad_idempotency_key", key)
    assert len(await stored(campus, chat)) == 5


async def test_pages_of_messages_begin_where_one_says(api: Api, campus: Database) -> None:
    ada, ben = await two(api)
    chat = chat_id(ada, ben)
    await open_chat(campus, ada, ben, *(old(chat, ada.id, n) for n in range(1, 8)))
    path = f"/chats/{chat}/messages"

    async def places(**query: Any) -> list[int]:
        answer = await ada.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return [m["pos"] // STEP for m in answer.json()["items"]]

    assert await places(direction="newer", pos=5 * STEP) == [6, 7]
    assert await places(direction="older", pos=3 * STEP) == [2, 1]
    assert await places(direction="newer", pos=99 * STEP) == []
    cursor = (await ada.get(path, params={"limit": 3})).json()["next"]
    assert await places(cursor=cursor) == [4, 3, 2, 1]
    assert await places(cursor=cursor, direction="newer") == [6, 7], "beyond the same message"
    answer = await ada.get(path, params={"cursor": cursor, "pos": 3})
    assert_problem(answer, 400, "cursor_with_pos")
    assert_problem(await ben.get(path, params={"cursor": cursor}), 400, "bad_cursor")
    assert_problem(await ada.get(path, params={"pos": 1.5}), 400, "bad_parameter")


async def test_unread_stops_at_99(api: Api, campus: Database) -> None:
    ada, ben = await two(api)
    chat = chat_id(ada, ben)
    await open_chat(campus, ada, ben, *(old(chat, ada.id, 1) for _ in range(150)))
    assert (await seen(ben, chat))["unread"] == 99


async def test_a_key_whose_message_is_gone(api: Api, campus: Database) -> None:
    ada, ben = await two(api)
    chat = await open_chat(campus, ada, ben)
    await sent_message(ada, chat, "overwritten", "k")
    await put(campus, {f"chat:{chat}:messages": []})
    assert_problem(await send(ada, chat, "overwritten", "k"), 409, "message_gone")
