"""Intros: asked, answered, taken back; and what accepting one makes, as old clients read it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec

from api import Api, Person, pages
from outgrow.database import Database
from outgrow.queries import Query
from outgrow.web import schemas

STORED = Query("stored", "SELECT key, value FROM kv_store_2516be19")


async def stored(database: Database) -> dict[str, Any]:
    """The store, as an old client reads it."""
    return {row["key"]: json.loads(row["value"]) for row in await database.rows(STORED)}


async def send(sender: Person, to: str, **more: Any) -> httpx.Response:
    body = {"to": to, "reason": "study", **more}
    return await sender.call("POST", "/intros", json=body)


async def sent(sender: Person, to: Person, **more: Any) -> str:
    """The id of a new intro."""
    answer = await send(sender, to.id, **more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def do(person: Person, what: str, intro_id: str) -> httpx.Response:
    return await person.call("POST", f"/intros/{intro_id}/{what}")


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def two(api: Api) -> tuple[Person, Person]:
    return await api.sign_up("Ada Okafor"), await api.sign_up("Ben Castillo")


async def test_accepted(phased_api: Api, phased: Database) -> None:
    """From the question to the chat, and what stands in the store for old clients."""
    ada, ben = await two(phased_api)
    note = "We are both in Linear Algebra."
    answer = await send(ada, ben.id, note=note)
    assert answer.status_code == 201, answer.text
    intro = msgspec.json.decode(answer.content, type=schemas.Intro)
    assert (intro.direction, intro.status, intro.reason, intro.note) == (
        "outgoing",
        "pending",
        "study",
        note,
    )
    assert (intro.answered_at, intro.person.id) == (None, ben.id)
    (incoming,) = await pages(ben, "/intros/incoming", limit=5, status="pending")
    assert incoming == answer.json() | {
        "direction": "incoming",
        "person": (await ben.get(f"/profiles/{ada.id}")).json(),
    }
    accepted = await do(ben, "accept", intro.id)
    assert accepted.status_code == 200, accepted.text
    chat = msgspec.json.decode(accepted.content, type=schemas.AcceptedIntro)
    assert (chat.intro.status, chat.intro.person.id) == ("accepted", ada.id)
    assert chat.chat_id == ":".join(sorted((ada.id, ben.id)))
    for person, other in ((ada, ben), (ben, ada)):
        assert [p["id"] for p in await pages(person, "/connections", limit=5)] == [other.id]
    key = f"intro:{intro.id}"
    values = await stored(phased)
    assert values[key] == {
        "id": key,
        "fromUserId": ada.id,
        "toUserId": ben.id,
        "reason": "study",
        "note": note,
        "analysis": None,
        "status": "accepted",
        "createdAt": intro.created_at,
        "acceptedAt": chat.intro.answered_at,
    }
    assert values[f"user:{ada.id}:soft-intros:outgoing"] == [key]
    assert values[f"user:{ben.id}:soft-intros:incoming"] == [key]
    document = values[f"chat:{chat.chat_id}"]
    assert document["participants"] == sorted((ada.id, ben.id))
    assert document["chatId"] == chat.chat_id
    for person, other in ((ada, ben), (ben, ada)):
        assert values[f"user:{person.id}:connections"] == [other.id]
        assert values[f"user:{person.id}:chats"] == [chat.chat_id]
    assert f"chat:{chat.chat_id}:messages" not in values
    assert told(await do(ben, "accept", intro.id)) == (409, "intro_answered")
    assert told(await send(ada, ben.id)) == (409, "already_connected")


async def test_declined_and_withdrawn(phased_api: Api, phased: Database) -> None:
    ada, ben = await two(phased_api)
    declined = await sent(ada, ben)
    answer = await do(ben, "decline", declined)
    assert (answer.status_code, answer.json()["status"]) == (200, "declined")
    withdrawn = await sent(ben, ada)
    answer = await do(ben, "withdraw", withdrawn)
    assert (answer.status_code, answer.json()["status"]) == (200, "withdrawn")
    pending = await sent(ada, ben)
    shown = await pages(ada, "/intros/outgoing", limit=1)
    assert [(i["id"], i["status"]) for i in shown] == [
        (pending, "pending"),
        (declined, "declined"),
    ]
    assert shown[1]["answered_at"] is not None
    shown = await pages(ada, "/intros/incoming", limit=1)
    assert [(i["id"], i["status"]) for i in shown] == [(withdrawn, "withdrawn")]
    withdrawn_at = shown[0]["answered_at"]
    for status, expected in (("declined", []), ("withdrawn,pending", [withdrawn])):
        shown = await pages(ada, "/intros/incoming", limit=1, status=status)
        assert [i["id"] for i in shown] == expected
    values = await stored(phased)
    assert values[f"intro:{withdrawn}"]["status"] == "denied", "old clients cannot accept it"
    assert values[f"intro:{withdrawn}"]["deniedAt"] == withdrawn_at
