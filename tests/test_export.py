"""Export: everything about oneself, nothing private of others, in pieces."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from api import ELSEWHERE, HERE, Api, Person, assert_problem
from conftest import STEP
from outgrow.campus.accounts import personal_data
from outgrow.queries import Query
from outgrow.web.api.account import Exported


async def export_of(person: Person) -> dict[str, Any]:
    answer = await person.get("/profiles/me/export")
    assert answer.status_code == 200, answer.text
    assert "content-length" not in answer.headers
    assert answer.headers["content-disposition"] == 'attachment; filename="outgrow.json"'
    msgspec.convert(answer.json(), Exported)
    export: dict[str, Any] = answer.json()
    return export


async def meet(person: Person, other: Person) -> str:
    """Connect the two, and return their chat's id."""
    asked = await person.call("POST", "/intros", json={"to": other.id, "reason": "study"})
    answer = await other.call("POST", f"/intros/{asked.json()['id']}/accept")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["chat_id"])


async def write(person: Person, chat: str, *texts: str) -> None:
    for text in texts:
        headers = {"idempotency-key": f"{person.id}-{text}"}
        path = f"/chats/{chat}/messages"
        answer = await person.call("POST", path, json={"content": text}, headers=headers)
        assert answer.status_code == 201, answer.text


async def test_everything_about_oneself(phased_api: Api) -> None:
    api = phased_api
    ada = await api.sign_up("Ada Okafor", major="Biology", interests=["chess"])
    bo, cy, di = [await api.sign_up(name) for name in ("Bo Lund", "Cy Roe", "Di Moe")]
    changes = {"bio": "Builds robots.", "settings": {"read_receipts": False}}
    assert (await ada.call("PATCH", "/profiles/me", json=changes)).status_code == 200
    chat = await meet(ada, bo)
    await write(ada, chat, "one", "three")
    await write(bo, chat, "four")
    await ada.call("POST", f"/chats/{chat}/read", json={"pos": 2 * STEP})
    await cy.call("POST", "/intros", json={"to": ada.id, "reason": "friends", "note": "Hello"})
    await ada.call("PUT", f"/blocks/{di.id}")
    await ada.call("POST", "/reports", json={"profile": di.id, "reason": "spam", "note": "so much"})
    await cy.call("POST", "/reports", json={"profile": ada.id, "reason": "spam", "note": "secret"})

    export = await export_of(ada)
    assert export["account"]["email"] == ada.email
    assert export["account"]["created_at"].endswith("Z")
    columns = await api.services.database.rows(
        Query(
            "t", "SELECT column_name FROM information_schema.columns WHERE table_name = 'accounts'"
        )
    )
    not_told = {"email_key", "password_hash"}
    assert export["account"].keys() == {row[0] for row in columns} - not_told
    profile = export["profile"]
    assert (profile["bio"], profile["major"], profile["email"]) == (
        *("Builds robots.", "Biology"),
        ada.email,
    )
    assert profile["settings"]["readReceipts"] is False
    assert profile["interests"] == ["chess"]
    assert [(s["device"] or "")[:7] for s in export["sessions"]] == ["python-"]
    assert [(c["id"], c["name"]) for c in export["connections"]] == [(bo.id, "Bo Lund")]
    intros = {i["other"]: (i["direction"], i["status"], i["note"]) for i in export["intros"]}
    assert intros == {
        bo.id: ("outgoing", "accepted", None),
        cy.id: ("incoming", "pending", "Hello"),
    }
    assert [(c["id"], c["read_up_to"]) for c in export["chats"]] == [(chat, 2 * STEP)]
    messages = [(m["sender_id"], m["content"]) for m in export["chats"][0]["messages"]]
    assert messages == [(ada.id, "one"), (ada.id, "three"), (bo.id, "four")]
    assert [(b["id"], b["name"]) for b in export["blocks"]] == [(di.id, "Di Moe")]
    assert [(r["about"], r["note"]) for r in export["reports"]] == [(di.id, "so much")]
    text = json.dumps(export)
    assert "secret" not in text
    assert not any(person.email in text for person in (bo, cy, di))
    assert "hash" not in text


async def test_an_export_shows_no_more_than_the_lists_do(api: Api) -> None:
    ada = await api.sign_up("Ada Okafor")
    bo = await api.sign_up("Bo Lund")
    hidden = await api.sign_up("Hid Den")
    far = await api.sign_up("Far Away", ELSEWHERE)
    chat = await meet(ada, bo)
    await write(bo, chat, "hello")
    await meet(ada, hidden)
    await hidden.call("PATCH", "/profiles/me", json={"settings": {"profile_visible": False}})
    add = "UPDATE kv_store_2516be19 SET value = value || to_jsonb($2::text) WHERE key = $1"
    await api.services.database.run(Query("t", add), f"user:{ada.id}:connections", far.id)
    names = {c["id"]: c["name"] for c in (await export_of(ada))["connections"]}
    assert names == {bo.id: "Bo Lund"}
    await bo.call("PUT", f"/blocks/{ada.id}")
    export = await export_of(ada)
    assert export["connections"] == []
    assert chat in {c["id"] for c in export["chats"]}


async def test_large_lists_come_in_batches(api: Api, monkeypatch: Any) -> None:
    ada = await api.sign_up("Ada Okafor")
    fill = """
    INSERT INTO kv_store_2516be19
    SELECT 'user:' || $1 || ':connections', jsonb_agg('p' || n) FROM generate_series(1, 2000) n
    UNION ALL
    SELECT 'user:p' || n, jsonb_build_object('school', $2::text) FROM generate_series(501, 1500) n
    UNION ALL
    SELECT 'chat:' || $1 || ':' || n, jsonb_build_object('participants', ARRAY[$1, n::text])
    FROM generate_series(1, 250) n
    UNION ALL
    SELECT 'chat:' || $1 || ':1:messages',
      jsonb_agg(jsonb_build_object('id', 'm' || n, 'senderId', $1, 'content', repeat('é', 100)))
    FROM generate_series(1, 10000) n
    """
    await api.services.database.run(Query("t", fill), ada.id, HERE)
    sizes = [len(piece) async for piece in api.services.export.document(ada.id)]
    assert max(sizes) < personal_data.EXPORT_BATCH * 1000
    export = await export_of(ada)
    assert len({c["id"] for c in export["connections"]}) == 1000
    assert len({c["id"] for c in export["chats"]}) == 250
    messages = next(c for c in export["chats"] if c["id"].endswith(":1"))["messages"]
    assert [m["id"] for m in messages] == [f"m{n}" for n in range(1, 10001)]


async def test_without_a_profile_and_without_an_account(api: Api) -> None:
    ada = await api.sign_up("Ada Okafor", school=HERE)
    await api.services.database.run(
        Query("t", "DELETE FROM kv_store_2516be19 WHERE key = $1"), f"user:{ada.id}"
    )
    assert (await export_of(ada))["profile"] is None
    await api.services.database.run(Query("t", "DELETE FROM network.accounts"))
    answer = await ada.get("/profiles/me/export")
    assert_problem(answer, 401, "session_ended")
