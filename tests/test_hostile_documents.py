"""What an old client can write into a document makes no page and no answer fail: neither for those
who are of one school with it, nor for whoever's document it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import msgspec
import pytest

from api import HERE, Api, Person
from outgrow.db.pool import Database
from outgrow.queries import Query
from pages import browsers

STORE = "public.kv_store_2516be19"
HUGE = "1e9999"  # jsonb holds up to 131,072 digits; a double fewer than 309


def nested(levels: int, inner: str = "1") -> str:
    """Arrays in arrays, with an empty one before each, so that opening brackets never add up."""
    return "[[]," * levels + inner + "]" * levels


def objects(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


FIELDS = (
    *("id", "email", "name", "school", "major", "year", "interests", "lookingFor", "blockedUsers"),
    *("createdAt", "updatedAt", "age", "pronouns", "bio", "personality", "goals", "livingHabits"),
    *("photos", "profilePicture", "additionalInfo", "settings"),
)
VALUES = (
    *(HUGE, f"-{HUGE}", "1e131071", "1e-9999", "0." + "1" * 10000, "9" * 5000, "1e308", "-0.0"),
    *(f"[{HUGE}]", f'["chess", {HUGE}]', f'{{"academic": ["chess", {HUGE}]}}', f'{{"a": {HUGE}}}'),
    *(nested(60), nested(1500), "[" * 1500 + "]" * 1500, objects(1500), nested(40, HUGE)),
    *('["chess", ' + nested(1500) + "]", '{"academic": ["chess", ' + objects(1500) + "]}"),
    *("null", "true", '""', "[]", "{}", "[null, 1, [], {}]", '{"academic": 1, "career": []}'),
    *('"\\u0001\\u001f\\u007f\\ufffe\\u202e"', '"\\\\u0000"', '["\\\\u0000 \\\\ud800"]'),
    *('"+999999-12-31T23:59:59.999Z"', '"9999-99-99T99:99:99.999Z"', '"2026-13-45T25:61:61.000Z"'),
    *('"999999-01-01T00:00:00.000Z"', '"0000-00-00T00:00:00.000Z"', '"infinity"', '"é--T::.Z"'),
    *('{"items": 1, "keys": {}, "academic": {"0": 1}}', '{"profileVisible": 1e9999}'),
    json.dumps("x" * 40_000),
)
REFUSED = ('"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"')  # by jsonb itself


def documents() -> Iterator[str]:
    """Each value in every field at once, of somebody who is visible at the school all the same."""
    for value in (*VALUES, *REFUSED):
        for kept in ({"school"}, {"school", "name", "createdAt", "settings", "interests"}):
            plain = {"school": json.dumps(HERE), "name": '"Chess Player"', "settings": "{}"}
            plain["interests"] = '["chess"]'
            plain["createdAt"] = '"2026-03-01T10:00:00.000Z"'
            fields = {field: plain[field] if field in kept else value for field in FIELDS}
            yield "{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}"
    yield json.dumps({"school": HERE, "name": "Big Chess", "bio": "x" * 8_000_000})


async def put(raw: Any, key: str, value: str) -> bool:
    """Write as an old client does; what no jsonb can be is refused by PostgreSQL already."""
    try:
        await raw.execute(
            f"INSERT INTO {STORE} (key, value) VALUES ($1, $2::text::jsonb)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key,
            value,
        )
    except (asyncpg.UntranslatableCharacterError, asyncpg.InvalidTextRepresentationError):
        return False
    return True


async def everything(api: Api, person: Person, path: str, **params: str) -> list[dict[str, Any]]:
    """All of a list. Every number in it is one that a double holds, and it is not nested deep."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        given = params | {"limit": "20"} | ({"cursor": cursor} if cursor else {})
        answer = await person.get(path, params=given)
        assert answer.status_code == 200, (path, answer.text[:500])
        body = msgspec.json.decode(answer.content)
        items += body["items"]
        cursor = body["next"]
    return items


@pytest.mark.parametrize(
    "phase", ["initial", "optimized", "relational"], indirect=True, scope="session"
)
async def test_a_school_is_shown_whatever_its_documents_hold(
    phased: Database, connect: Any
) -> None:
    raw = await connect(phased.url)
    api = await Api.open(phased, limits=None, cache_seconds=0)
    async with browsers(api) as somebody:
        ada = await somebody("Ada Okafor")
        ben = await api.sign_up("Ben Chess", interests=["chess"])
        written = []
        for n, document in enumerate(documents()):
            if await put(raw, f"user:hostile{n}", document):
                written.append(f"hostile{n}")
        assert len(written) == 2 * len(VALUES) + 1
        for person, other in ((ben.id, ada.id), (ada.id, ben.id)):
            await put(raw, f"user:{person}:connections", json.dumps([*written, other]))
        for user_id in written:
            await put(raw, f"user:{user_id}:connections", json.dumps([ben.id, ada.id]))
            intro = {"fromUserId": user_id, "reason": "study", "status": "pending"}
            await put(raw, f"intro:{user_id}:{ben.id}:1790000000000", json.dumps(intro))
            await put(raw, f"intro:{user_id}:{ada.id}:1790000000000", json.dumps(intro))
            chat = f"{user_id}:{ben.id}"
            await put(raw, f"chat:{chat}", json.dumps({"participants": [user_id, ben.id]}))
        for n, value in enumerate(VALUES):
            chat, fields = f"hostile{n}:{ben.id}", ("id", "content", "timestamp", "type", "readBy")
            message = ",".join(f'"{name}":{value}' for name in fields)
            await put(raw, f"chat:{chat}:messages", f'[{{"senderId":"x",{message}}}, {value}, 1]')
            await put(raw, f"chat:{value[:20]}", f'{{"participants":{value}}}')
            answer = f'"note":{value},"createdAt":{value},"deniedAt":{value},"reason":{value}'
            await put(raw, f"intro:{ben.id}:x:{n}", f'{{{answer},"status":"denied"}}')

        for path in ("/", "/people", "/find?q=chess", "/meet", "/my/connections", "/my/intros"):
            page = await ada.open(path)
            while further := [link for link in page.links if "cursor=" in link]:
                page = await ada.open(further[-1])
        for path in ("/my/profile", "/my/settings", "/my/chats", "/my/account"):
            await ada.open(path)
        lists = ("/profiles", "/connections", "/intros/incoming", "/chats", "/suggestions")
        seen = {path: await everything(api, ben, path) for path in lists}
        seen |= {"/search": await everything(api, ben, "/search", q="chess")}
        await everything(api, ben, "/discover")
        assert {*written, ada.id, ben.id} == {item["id"] for item in seen["/profiles"]}
        assert {*written, ada.id} == {item["id"] for item in seen["/connections"]}
        assert len(seen["/intros/incoming"]) == len(seen["/chats"]) == len(written)
        for user_id in written[::2]:
            await ada.open(f"/people/{user_id}")
            msgspec.json.decode((await ben.get(f"/profiles/{user_id}")).content)
            await everything(api, ben, f"/chats/{user_id}:{ben.id}/messages")
        assert (await ben.get("/profiles/me/export")).status_code == 200
    await api.close()


async def test_ones_own_document_is_shown_and_saved_over(campus: Database, connect: Any) -> None:
    raw = await connect(campus.url)
    api = await Api.open(campus, limits=None, cache_seconds=0)
    async with browsers(api) as somebody:
        ada = await somebody("Ada Okafor")
        for document in list(documents())[1::2]:
            if not await put(raw, f"user:{ada.id}", document):
                continue
            await ada.open("/my/settings")
            await ada.send("/my/settings", allow_messages=None)
            await ada.open("/my/profile")
            await ada.send("/my/profile", name="Ada Again", bio="Chess.", interests="chess, go")
            assert "Ada Again" in (await ada.open(f"/people/{ada.id}")).text
        assert (await ada.client.get("/my/account/export")).status_code == 200
    await api.close()


@pytest.mark.parametrize("field", ["interests", "lookingFor", "name", "settings", "more"])
async def test_numbers_that_are_a_gigabyte_of_text_can_be_written(
    phased: Database, field: str
) -> None:
    """They are 100 kB as they are stored: a text of them is more than PostgreSQL makes."""
    numbers = ",".join(["1e131071"] * 9000)
    document = f'{{"name":"N","school":"{HERE}","{field}":[{numbers}]}}'
    await phased.run(Query("put", f"INSERT INTO {STORE} VALUES ('user:x', $1::jsonb)"), document)
    more = f"""UPDATE {STORE} SET value = value || '{{"bio": "y"}}' WHERE key = 'user:x'"""
    await phased.run(Query("more", more))
    seen = Query("seen", "SELECT count(*) FROM campus.users WHERE id = 'x'")
    assert await phased.value(seen) == 1


NUMBERS = {
    "great": "1e131071",
    "small": "1e-16380",
    "zero": "0e-16383",
    "deep": "[" * 40 + "1" + "]" * 40,
    "readable": '[1e20, 0, 0.5, {"a": -1e-300}]',
}


@pytest.mark.parametrize("kind", NUMBERS)
async def test_an_export_is_no_gigabyte_of_digits(campus: Database, kind: str) -> None:
    """What can be read is in it as it is, whatever another part of the document holds."""
    api = await Api.open(campus, limits=None)
    ada = await api.sign_up("Ada Okafor")
    value = NUMBERS[kind]
    many = "[" + ",".join([value] * (1 if kind == "readable" else 9000)) + "]"
    more = f'{{"more": {many}, "interests": {many}, "picture": "{"x" * 500_000}"}}'
    sql = f"UPDATE {STORE} SET value = value || $2::jsonb WHERE key = $1"
    await campus.run(Query("t", sql), f"user:{ada.id}", more)
    intro = f'{{"status": "pending", "reason": "study", "note": {many}}}'
    chat = f'{{"participants": ["{ada.id}", {many}]}}'
    for key, document in ((f"intro:x:{ada.id}:1", intro), ("chat:odd", chat)):
        await campus.run(Query("t", f"INSERT INTO {STORE} VALUES ($1, $2::jsonb)"), key, document)
    answer = await ada.get("/profiles/me/export")
    assert len(answer.content) < 600_000
    exported = msgspec.json.decode(answer.content)
    assert len(exported["profile"]["picture"]) == 500_000
    is_readable = kind == "readable"
    for name in ("more", "interests"):
        assert exported["profile"][name] == (json.loads(many) if is_readable else None)
    assert (exported["chats"][0]["participants"] is not None) is is_readable
    await api.close()
