"""Intros: asked, answered, taken back; and what accepting one makes, as old clients read it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import httpx
import msgspec
import pytest

from api import ELSEWHERE, HERE, PASSWORD, Api, Person, assert_problem, pages
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.web.api import schemas
from pages import browsers
from test_connections import HIDDEN, put
from test_connections import person as someone

STORED = Query("stored", "SELECT key, value FROM kv_store_2516be19")
UPSERT = Query(
    "upsert",
    "INSERT INTO kv_store_2516be19 VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2",
)
BLOCK = Query("block", "INSERT INTO network.blocks (user_id, blocked_id) VALUES ($1, $2)")
GONE = "00000000-0000-0000-0000-000000000000"
HIDE = {"settings": {"profile_visible": False}}


async def stored(database: Database) -> dict[str, Any]:
    """The store, as an old client reads it."""
    return {row["key"]: json.loads(row["value"]) for row in await database.rows(STORED)}


async def upsert(database: Database, key: str, value: Any) -> None:
    """As an old client does."""
    await database.run(UPSERT, key, json.dumps(value))


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
    assert_problem(await do(ben, "accept", intro.id), 409, "intro_answered")
    assert_problem(await send(ada, ben.id), 409, "already_connected")


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


# What cannot be sent ----------------------------------------------------------------------------


async def test_what_cannot_be_sent(api: Api) -> None:
    ada, ben = await two(api)
    far = await api.sign_up("Far Away", ELSEWHERE)
    hidden = await api.sign_up("Hid Den")
    answer = await hidden.call("PATCH", "/profiles/me", json=HIDE)
    assert answer.status_code == 200
    assert_problem(await send(ada, ada.id), 400, "intro_to_oneself")
    for nobody in (far.id, hidden.id, "nobody", "a:b", "ä" * 200, f"{ben.id}:connections"):
        assert_problem(await send(ada, nobody), 404, "profile_not_found")
    assert_problem(await send(hidden, ada.id), 409, "profile_hidden")
    for body in (
        {"reason": "love"},
        {"reason": None},
        {"note": "x" * 501},
        {"note": 7},
        {"to": ""},
        {"to": "x" * 201},
        {"more": 1},
    ):
        assert_problem(await send(ada, **({"to": ben.id} | body)), 400, "bad_body")
    intro_id = await sent(ada, ben, note="x" * 500)
    for sender, other, who in ((ada, ben, "you"), (ben, ada, "they")):
        answer = await send(sender, other.id)
        assert_problem(answer, 409, "intro_pending")
        assert answer.json()["detail"] == f"{who} sent it: {intro_id}"
    assert (await send(ada, (await api.sign_up("Cho Kim")).id, note=" \n")).json()["note"] is None


async def test_whoever_wants_no_messages_can_be_asked(api: Api) -> None:
    ada, ben = await two(api)
    await ben.call("PATCH", "/profiles/me", json={"settings": {"allow_messages": False}})
    assert (await send(ada, ben.id)).status_code == 201


async def test_intros_are_limited(campus: Database) -> None:
    api = await Api.open(campus, limits={"intros": (2, 3600)})
    try:
        ada, *others = [await api.sign_up(f"Person {n}") for n in range(4)]
        answers = [await send(ada, other.id) for other in others]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
    finally:
        await api.close()


@pytest.mark.parametrize("by", ["sender", "addressee", "store"])
async def test_the_blocked_cannot_tell_it_from_absence(api: Api, campus: Database, by: str) -> None:
    """Nor can whoever blocks meet them: not in a list, not by an id, not by a new intro."""
    ada, ben = await two(api)
    before = await sent(ada, ben)
    if by == "store":
        document = (await stored(campus))[f"user:{ben.id}"]
        await upsert(campus, f"user:{ben.id}", document | {"blockedUsers": [ada.id]})
    else:
        pair = (ada.id, ben.id) if by == "sender" else (ben.id, ada.id)
        await campus.run(BLOCK, *pair)
    for person, other, path in ((ada, ben, "outgoing"), (ben, ada, "incoming")):
        if by == "store" and person is ben:
            continue  # whose own list is taken over when they sign in
        assert await pages(person, f"/intros/{path}", limit=5) == []
        assert alike(await send(person, other.id), await send(person, GONE))
    answer, missing = (
        await do(ada, "withdraw", before),
        await do(ada, "withdraw", f"{ada.id}:{GONE}:1"),
    )
    assert alike(answer, missing)
    assert_problem(answer, 404, "intro_not_found")


def alike(first: httpx.Response, second: httpx.Response) -> bool:
    """But for what the request itself said."""
    problems = [answer.json() | {"instance": "", "request_id": ""} for answer in (first, second)]
    return first.status_code == second.status_code == 404 and problems[0] == problems[1]


# Who may answer ---------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["accept", "decline", "withdraw"])
async def test_only_whom_it_concerns_may_answer(api: Api, campus: Database, what: str) -> None:
    """Everybody else is told what they are told of an intro that never was."""
    ada, ben = await two(api)
    other = await api.sign_up("Some Body")
    intro_id = await sent(ada, ben)
    # What the prototype let anybody read, whose `toUserId` it is.
    await put(campus, {f"odd:{other.id}": {"toUserId": other.id, "status": "pending"}})
    missing = await do(other, what, f"{ada.id}:{ben.id}:1")
    assert_problem(missing, 404, "intro_not_found")
    wrong = [ada, other] if what != "withdraw" else [ben, other]
    for person in wrong:
        assert alike(await do(person, what, intro_id), missing)
    ids = (f"intro:{intro_id}", f"odd:{other.id}", f"user:{ben.id}", "::", ":", "a", "a:b", "a:b:c")
    for id_ in (*ids, f"{ada.id}:{ben.id}:", f"{intro_id}:1", "x" * 201 + f":{other.id}:1"):
        for person in (ada, ben, other):
            assert alike(await do(person, what, id_), missing)
    assert (await stored(campus))[f"intro:{intro_id}"]["status"] == "pending"


OUTCOMES = {"accept": "accepted", "decline": "declined", "withdraw": "withdrawn"}


@pytest.mark.parametrize("first", OUTCOMES)
async def test_an_answer_is_the_last_one(api: Api, first: str) -> None:
    ada, ben = await two(api)
    intro_id = await sent(ada, ben)
    actors = {"accept": ben, "decline": ben, "withdraw": ada}
    assert (await do(actors[first], first, intro_id)).status_code == 200
    for what, person in actors.items():
        answer = await do(person, what, intro_id)
        assert_problem(answer, 409, "intro_answered")
        assert answer.json()["detail"] == f"it is {OUTCOMES[first]}"


async def test_any_id_is_a_part_of_a_path(api: Api, campus: Database) -> None:
    """Old clients write any key: a slash in an id divides no path, by the API and on pages."""
    async with browsers(api) as somebody:
        ben = await somebody("Ben Silva")
        odd_ids = ["a/b", "/", "x?y#z", "a%2Fb", "../..", "ä/\ud7ff", "me/export"]
        for number, odd in enumerate(odd_ids):
            profile = {"id": odd, "name": f"Odd Number{number}", "school": HERE}
            await upsert(campus, f"user:{odd}", profile)
            await upsert(campus, f"intro:{odd}:{ben.id}:1", old_pending(odd, ben.id))
        tokens = (await api.post("/auth/login", {"email": ben.email, "password": PASSWORD})).json()
        person = Person(api, ben.id, ben.email, tokens)
        page = await ben.open("/my/intros")
        actions = [form.action for form in page.forms if form.action.endswith("/accept")]
        assert len(actions) == len(odd_ids)
        for action in actions[:3]:
            assert "You are connected now." in (await ben.send(action)).text
            await ben.open("/my/intros")
        for intro in await pages(person, "/intros/incoming", limit=3, status="pending"):
            other = quote(intro["person"]["id"], safe="")
            assert (await person.get(f"/profiles/{other}")).json()["id"] == intro["person"]["id"]
            assert intro["person"]["name"] in (await ben.open(f"/people/{other}")).text
            answer = await person.call("POST", f"/intros/{quote(intro['id'], safe='')}/accept")
            assert answer.status_code == 200
            path = f"/my/chats/{quote(answer.json()['chat_id'], safe='')}"
            await ben.open(path)
            await ben.send(path, content="hello")
            stranger = await somebody()
            location = (await stranger.client.get(path)).headers["location"]
            assert location == "/sign-in?next=" + quote(path)
        for path in ("/profiles/a/b", "/nothing/a%2Fb"):
            answer = await person.get(path)
            assert (answer.status_code, answer.json()["instance"]) == (404, unquote(path))


def old_pending(sender: str, to: str) -> dict[str, Any]:
    now = ago(0)
    parts = {"id": f"intro:{sender}:{to}:1", "fromUserId": sender, "toUserId": to}
    return {**parts, "reason": "study", "status": "pending", "createdAt": now}


async def test_an_intro_expires(phased_api: Api, phased: Database) -> None:
    """After 30 days, by the store's time; then it stands in nobody's way."""
    ada, ben = await two(phased_api)
    ids = {}
    for days in (29, 31):
        ids[days] = f"{ada.id}:{ben.id}:{days}"
        await put(phased, {f"intro:{ids[days]}": old_intro(ada, ben, ago(days))})
    shown = await pages(ben, "/intros/incoming", limit=5)
    assert [(i["id"], i["status"]) for i in shown] == [
        (ids[29], "pending"),
        (ids[31], "expired"),
    ]
    for status, expected in (("pending", ids[29]), ("expired", ids[31])):
        shown = await pages(ben, "/intros/incoming", limit=5, status=status)
        assert [i["id"] for i in shown] == [expected]
    for what, person in (("accept", ben), ("decline", ben), ("withdraw", ada)):
        assert_problem(await do(person, what, ids[31]), 409, "intro_expired")
    assert_problem(await send(ben, ada.id), 409, "intro_pending")
    assert (await do(ada, "withdraw", ids[29])).status_code == 200
    assert (await send(ben, ada.id)).status_code == 201


def ago(days: float) -> str:
    time = datetime.now(UTC) - timedelta(days=days)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def old_intro(sender: Person, to: Person, created_at: Any, **more: Any) -> dict[str, Any]:
    """As the prototype writes one."""
    return {
        "fromUserId": sender.id,
        "toUserId": to.id,
        "reason": "friends",
        "analysis": {"score": 70, "highlights": [], "analysis": "secret"},
        "status": "pending",
        "createdAt": created_at,
        **more,
    }


# Lists ------------------------------------------------------------------------------------------


async def test_pages_of_intros(api: Api, campus: Database) -> None:
    """Newest first, no page short: strangers, the hidden, and what is no intro are passed over."""
    ada = await api.sign_up("Ada Okafor")
    values: dict[str, Any] = {**someone("far", ELSEWHERE), **someone("hidden", **HIDDEN)}
    expected = []
    for number in range(30):
        values |= someone(f"p{number:02}")
        senders = (f"p{number:02}", "far", "hidden", "gone", ada.id)
        for sender in senders:
            values[f"intro:{sender}:{ada.id}:{1000 + number}"] = {
                "status": ("pending", "accepted", "denied")[number % 3],
                # Several at the same moment are told apart by their ids.
                "createdAt": f"2026-01-0{1 + number // 10}T00:00:00.000Z",
            }
        values[f"intro:p{number:02}:{ada.id}:odd{number}"] = {"status": "odd"}
        values[f"intro:p{number:02}:{ada.id}:none{number}"] = [{"status": "pending"}]
        expected.append((1 + number // 10, f"p{number:02}:{ada.id}:{1000 + number}"))
    await put(campus, values)
    ordered = [id_ for _, id_ in sorted(expected, reverse=True)]
    for limit in (1, 7, 30, 100):
        shown = await pages(ada, "/intros/incoming", limit=limit)
        assert [i["id"] for i in shown] == ordered
    answer = await ada.get("/intros/incoming?limit=5&offset=10")
    assert [i["id"] for i in answer.json()["items"]] == ordered[10:15]
    shown = await pages(ada, "/intros/incoming", limit=4, status="accepted,declined")
    assert len(shown) == 20
    assert {i["status"] for i in shown} == {"accepted", "declined"}
    cursor = (await ada.get("/intros/incoming?limit=1")).json()["next"]
    for path in ("outgoing?", "incoming?status=pending&"):
        answer = await ada.get(f"/intros/{path}cursor={cursor}")
        assert_problem(answer, 400, "bad_cursor")
    assert_problem(await ada.get("/intros/incoming?status=denied"), 400, "bad_parameter")


async def test_old_intros_are_shown_as_far_as_they_can_be(api: Api, campus: Database) -> None:
    """Whatever an old client left out, or wrote instead; what is not named is not shown."""
    ada, ben = await two(api)
    ms = round(datetime.now(UTC).timestamp() * 1000)
    odd: list[dict[str, Any]] = [
        {"status": "pending", "createdAt": "yesterday", "note": ["x"], "reason": 7},
        {"status": "accepted", "reason": "r" * 300, "note": "n" * 600, "acceptedAt": 7},
        {"status": "denied", "createdAt": ago(1), "deniedAt": ago(0.5), "secret": "x"},
    ]
    for number, value in enumerate(odd):
        await put(campus, {f"intro:{ada.id}:{ben.id}:{ms + number}": value})
    await put(campus, {f"intro:{ada.id}:{ben.id}:x": {"status": "pending", "fromUserId": ben.id}})
    page = (await ben.get("/intros/incoming")).content
    intros = msgspec.json.decode(page, type=schemas.IntroPage).items
    assert [(i.status, i.person.id) for i in intros] == [
        ("accepted", ada.id),
        ("pending", ada.id),
        ("declined", ada.id),
        ("expired", ada.id),
    ]
    assert [len(i.reason or "") for i in intros] == [200, 0, 0, 0]
    assert [len(i.note or "") for i in intros] == [500, 0, 0, 0]
    assert [i.answered_at for i in intros] == [None, None, odd[2]["deniedAt"], None]
    assert intros[3].created_at == "1970-01-01T00:00:00.000Z"
    assert b"secret" not in page


# Damaged stores ---------------------------------------------------------------------------------


async def test_several_pending_intros_of_a_pair(phased_api: Api, phased: Database) -> None:
    """As the prototype let them be; the one that is accepted closes the others, both ways."""
    ada, ben = await two(phased_api)
    ids = [f"{ada.id}:{ben.id}:1", f"{ada.id}:{ben.id}:2", f"{ben.id}:{ada.id}:3"]
    old = f"{ben.id}:{ada.id}:4"
    values = {f"intro:{id_}": old_intro(ada, ben, ago(1)) for id_ in ids}
    await put(phased, values | {f"intro:{old}": old_intro(ben, ada, ago(40))})
    answer = await do(ben, "accept", ids[1])
    assert answer.status_code == 200, answer.text
    for person_, path in ((ada, "outgoing"), (ben, "incoming")):
        shown = await pages(person_, f"/intros/{path}", limit=5)
        assert {i["id"]: i["status"] for i in shown} == {ids[0]: "withdrawn", ids[1]: "accepted"}
    shown = await pages(ada, "/intros/incoming", limit=5)
    assert {i["id"]: i["status"] for i in shown} == {ids[2]: "withdrawn", old: "expired"}
    assert_problem(await do(ada, "accept", ids[2]), 409, "intro_answered")
    after = await stored(phased)
    statuses = [after[f"intro:{id_}"]["status"] for id_ in (*ids, old)]
    assert statuses == ["denied", "accepted", "denied", "pending"]


@pytest.mark.parametrize("present", ["one side", "other side", "both sides", "a chat", "variant B"])
async def test_accepting_beside_what_is_there(api: Api, campus: Database, present: str) -> None:
    """Half a connection is made whole, nothing doubled; an old chat stays, and says whose it is."""
    ada, ben = await two(api)
    intro_id = await sent(ada, ben)
    low, high = sorted((ada.id, ben.id))
    chat_id = f"{low}:{high}"
    shared = {"chatId": f"chat:{chat_id}", "userId1": low, "userId2": high, "messages": [1]}
    chat = {"participants": [high, low], "chatId": chat_id, "more": 1}
    values: dict[str, dict[str, Any]] = {
        "one side": {f"user:{ada.id}:connections": ["x", ben.id, ben.id]},
        "other side": {f"user:{ben.id}:connections": [ada.id, 7]},
        "both sides": {f"user:{p}:connections": [q] for p, q in ((low, high), (high, low))},
        "a chat": {f"chat:{chat_id}": chat, f"user:{low}:chats": [chat_id]},
        "variant B": {f"chat:{chat_id}": shared},
    }
    await put(campus, values[present])
    answer = await do(ben, "accept", intro_id)
    assert answer.status_code == 200, answer.text
    after = await stored(campus)
    for key, value in values[present].items():
        if key.endswith(":connections"):
            assert after[key] == value
    assert after[f"user:{ada.id}:connections"].count(ben.id) >= 1
    assert after[f"user:{ben.id}:connections"].count(ada.id) == 1
    document = after[f"chat:{chat_id}"]
    assert sorted(document["participants"]) == [low, high]
    if present == "a chat":
        assert document == chat
        assert after[f"user:{low}:chats"] == [chat_id]
    elif present == "variant B":
        assert document == {**shared, "participants": [low, high]}


@pytest.mark.parametrize("value", [{"x": 1}, "text", None, 7, True], ids=str)
async def test_values_that_are_no_lists_are_kept_apart(
    api: Api, campus: Database, value: Any
) -> None:
    """What stood where connections belong goes to quarantine; derived lists are left alone."""
    ada, ben = await two(api)
    key = f"user:{ada.id}:connections"
    left = [f"user:{ada.id}:soft-intros:outgoing", f"user:{ben.id}:chats"]
    await put(campus, dict.fromkeys([key, *left], value))
    intro_id = await sent(ada, ben)
    assert (await do(ben, "accept", intro_id)).status_code == 200
    after = await stored(campus)
    assert after[key] == [ben.id]
    assert [after[k] for k in left] == [value] * 2
    rows = await campus.rows(Query("test", "SELECT key, value FROM outgrow.quarantine"))
    assert [(row["key"], json.loads(row["value"])) for row in rows] == [(key, value)]


@pytest.mark.parametrize("value", [[], "text", 7], ids=str)
async def test_a_chat_whose_place_is_taken(api: Api, campus: Database, value: Any) -> None:
    ada, ben = await two(api)
    intro_id = await sent(ada, ben)
    key = "chat:" + ":".join(sorted((ada.id, ben.id)))
    await put(campus, {key: value})
    before = await stored(campus)
    answer = await do(ben, "accept", intro_id)
    assert_problem(answer, 409, "chat_place_taken")
    assert answer.json()["detail"] == key
    assert await stored(campus) == before


async def test_an_old_client_accepts_what_was_withdrawn(api: Api, campus: Database) -> None:
    """It cannot by its pages; if it does, the store's word is the truth."""
    ada, ben = await two(api)
    intro_id = await sent(ada, ben)
    assert (await do(ada, "withdraw", intro_id)).status_code == 200
    key = f"intro:{intro_id}"
    document = (await stored(campus))[key]
    await upsert(campus, key, document | {"status": "accepted", "acceptedAt": ago(0)})
    (shown,) = await pages(ben, "/intros/incoming", limit=5)
    assert shown["status"] == "accepted"
