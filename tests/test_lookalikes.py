"""Schools that look like another, and texts that show as what they are not."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from api import HERE, PASSWORD, Api, Person
from outgrow.campus.people.schools import (
    Domains,
    find_resembled,
    hidden_character,
    skeleton,
    strip_invisible,
)
from outgrow.db.pool import Database
from outgrow.errors import BadInput, Conflict
from outgrow.queries import Query
from test_chats import old, open_chat, put

LOOKALIKES = [
    "northfield university",
    "NORTHFIELD  UNIVERSITY",
    "Northfield\u00a0University",
    "Northfield University.",
    "Northfield-University",
    "NorthfieldUniversity",
    "Nоrthfiеld Univеrsity",  # Cyrillic
    "NОRTHFIELD UNIVERSITY",
    "Νorthfield University",  # Greek
    "Ｎｏｒｔｈｆｉｅｌｄ University",
    "𝐍𝐨𝐫𝐭𝐡𝐟𝐢𝐞𝐥𝐝 University",
    "N\u0323orthfield Universit\u0301y",
    "Northfie1d Universlty",
    "Northfıeld University",
    "Northfield Universiτy",
    "Norтhfield University",
    "NᴏʀᴛʜꜰɪᴇʟD University",
]
HIDING = [
    "Northfield\u200b University",
    "North\u00adfield University",
    "\u202eNorthfield University",
    "Northfield\u2800University",
    "Northfield\u3164University",
    "Northfield\u115fUniversity",
    "Northfield\uffa0University",
    "Northfield\u034f University",
]
OTHERS = ["Southfield University", "Northfield College", "北方大学", "МГУ", "Nordfield University"]


@pytest.mark.parametrize("name", [*LOOKALIKES, *HIDING])
def test_what_looks_like_it(name: str) -> None:
    assert find_resembled(name, [HERE, "Southgate College"]) == HERE


@pytest.mark.parametrize("name", [*OTHERS, HERE])
def test_what_does_not(name: str) -> None:
    assert find_resembled(name, [HERE, "Southgate College"]) is None


def test_scripts_keep_what_they_need() -> None:
    assert skeleton("कि") != skeleton("कु")
    assert skeleton("北方大学") != skeleton("北方学")
    assert skeleton("大学") != skeleton("学")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Zoë Dvořák-O’Neill", None),
        ("می‌خواهم", None),
        ("क्‍ष", None),
        ("👩‍🚀 ❤️‍🔥 👨🏽‍🚀", None),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", None),
        ("שלום עולם", None),
        ("Bob\u202egnp", "\u202e"),
        ("Bob\u2066", "\u2066"),
        ("\u200fBob", "\u200f"),
        ("Bo\u200bb", "\u200b"),
        ("Bo\u200db", "\u200d"),
        ("Bob\u200c", "\u200c"),
        ("Bob\u0085", "\u0085"),
        ("\u3164", "\u3164"),
        ("Bob\u2800", "\u2800"),
        ("Bob\u2028", "\u2028"),
        ("Bob\U000e0041", "\U000e0041"),
    ],
)
def test_what_does_not_show(text: str, hidden: str | None) -> None:
    assert hidden_character(text) == hidden
    if hidden is None:
        assert strip_invisible(text) == text


async def test_nobody_signs_up_for_a_lookalike(campus: Database) -> None:
    """Neither with the e-mail of the school nor without, nor for a profile later."""
    await Domains(campus).add(HERE, "campus.example")
    api = await Api.open(campus, mail=_nowhere, limits=None)
    for n, name in enumerate(LOOKALIKES):
        for domain in ("elsewhere.example", "campus.example"):
            body = {"email": f"p{n}@{domain}", "password": PASSWORD, "name": "Eve", "school": name}
            answer = await api.post("/auth/signup", body)
            assert answer.status_code == 409, (name, answer.text)
            assert answer.json()["code"] == "school_lookalike"
            assert HERE in answer.json()["title"]
            assert HERE in answer.json()["hint"]
    for name in OTHERS:
        await api.sign_up(school=name)
    page = await api.get("/sign-up", headers={"accept": "text/html"})
    token = page.text.split('name="token" value="')[1].split('"')[0]
    form = {"token": token, "email": "e@x.example", "password": PASSWORD, "name": "Eve"}
    answer = await api.client.post("/sign-up", data=form | {"school": LOOKALIKES[6]})
    assert answer.status_code == 409
    assert "looks like the name of a school here" in answer.text
    await api.close()


async def _nowhere(letter: Any) -> None:
    """Mail that nobody reads."""


async def test_the_operator_protects_no_lookalike(campus: Database) -> None:
    domains = Domains(campus)
    await domains.add(HERE, "campus.example")
    await domains.add(HERE, "alumni.campus.example")
    with pytest.raises(Conflict, match=HERE):
        await domains.add(LOOKALIKES[0], "evil.example")
    with pytest.raises(BadInput, match=r"U\+200B"):
        await domains.add("South\u200bgate", "evil.example")
    assert [school for _, school in await domains.all()] == [HERE, HERE]


async def test_lookalikes_that_are_there_say_so(campus: Database) -> None:
    """Their members stay where they are, and are no members of the other."""
    api = await Api.open(campus, limits=None, cache_seconds=0)
    ada = await api.sign_up("Ada Okafor")
    eve = await api.sign_up("Eve Stranger", LOOKALIKES[6])
    old_client = {"user:old": {"id": "old", "name": "Old", "school": HIDING[0]}}
    await put(campus, old_client)
    await Domains(campus).add(HERE, "campus.example")
    items = (await api.get("/schools")).json()["items"]
    assert {item["name"]: item.get("resembles") for item in items} == {
        HERE: None,
        LOOKALIKES[6]: HERE,
        HIDING[0]: HERE,
    }
    assert (await eve.get(f"/profiles/{ada.id}")).status_code == 404
    assert (await eve.get("/profiles/me")).json()["school"] == LOOKALIKES[6]
    page = (await api.get("/sign-up", headers={"accept": "text/html"})).text
    assert f'value="{HERE}"' in page
    assert LOOKALIKES[6] not in page
    await api.close()


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Bob\u202egnp.exe"},
        {"major": "Maths\u200b"},
        {"year": "Senior\u2067"},
        {"pronouns": "she\u200f"},
        {"interests": ["chess", "film\ufeff"]},
        {"looking_for": ["\u2066friends"]},
        {"personality": ["kind\u0085"]},
        {"goals": {"academic": ["more\u202d"]}},
    ],
    ids=lambda given: next(iter(given)),
)
async def test_one_line_hides_nothing(campus: Database, given: dict[str, Any]) -> None:
    api = await Api.open(campus, limits=None)
    ada = await api.sign_up("Ada Okafor")
    answer = await ada.call("PATCH", "/profiles/me", json=given)
    assert answer.status_code == 400, answer.text
    assert "does not show" in answer.text or "match regex" in answer.text
    prose = {"bio": "abc \u200f(\u05d0)\u200f", "name": "Ada 👩‍🚀"}
    assert (await ada.call("PATCH", "/profiles/me", json=prose)).status_code == 200
    await api.close()


# Pages -------------------------------------------------------------------------------------------

MARK = "שלום"
EVIL = f"{MARK}\u202eevil\u2066\u200b"
_VOID = {"input", "meta", "link", "br", "path", "circle"}


class Walk(HTMLParser):
    """Every text and value that holds MARK, and whether it is set apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._open: list[tuple[str, bool]] = []
        self.loose: list[str] = []
        self.marked = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        apart = tag == "bdi" or given.get("dir") == "auto"
        for name, value in given.items():
            if name in ("value", "placeholder", "title", "aria-label") and MARK in (value or ""):
                self.marked += 1
                if not apart and given.get("type") != "hidden":
                    self.loose.append(f"<{tag} {name}={value}>")
        if tag not in _VOID:
            self._open.append((tag, apart))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if any(c in data for c in "\u202e\u2066\u200b"):
            self.loose.append(f"turned: {data}")
        if MARK in data:
            self.marked += 1
            tags = [tag for tag, _ in self._open]
            if "title" not in tags and not any(apart for _, apart in self._open):
                self.loose.append(f"{'>'.join(tags)}: {data.strip()[:80]}")


async def test_pages_set_apart_what_people_wrote(campus: Database) -> None:
    """Whatever an old client wrote: no page shows it turned, or lets it turn what stands around."""
    api = await Api.open(campus, limits=None)
    ada, ben, eve = [await api.sign_up(name) for name in ("Ada Okafor", "Ben Castillo", "Eve Low")]
    chat = await open_chat(campus, ada, ben)
    for person in (ada, ben, eve):
        await rewrite(campus, person)
    await put(campus, {f"chat:{chat}:messages": [old(chat, ben.id, 1) | {"content": EVIL}]})
    intro = {"to": ada.id, "reason": "friends", "note": EVIL}
    assert (await eve.call("POST", "/intros", json=intro)).status_code == 201
    page = await api.get("/sign-in", headers={"accept": "text/html"})
    token = page.text.split('name="token" value="')[1].split('"')[0]
    form = {"token": token, "email": ada.email, "password": PASSWORD}
    assert (await api.client.post("/sign-in", data=form)).status_code == 303
    marked = {}
    for path in (
        *("/", "/people", f"/people?major={EVIL}&interest={EVIL}", "/find", f"/find?q={MARK}"),
        *(f"/people/{ben.id}", f"/people/{eve.id}", f"/people/{ada.id}", "/my/profile"),
        *("/my/settings", "/my/connections", f"/people/{ben.id}/connections", "/my/account"),
        *(f"/people/{ben.id}/report", f"/people/{ben.id}/mutual", "/my/blocked"),
        *("/my/intros", "/my/intros/sent", "/my/chats", f"/my/chats/{chat}", "/meet", "/sign-up"),
    ):
        answer = await api.get(path, headers={"accept": "text/html"})
        assert answer.status_code in (200, 404, 303), path
        walk = Walk(answer.text)
        assert walk.loose == [], path
        marked[path] = walk.marked
    for path in (
        "/people",
        f"/people/{ben.id}",
        "/my/profile",
        "/my/chats",
        f"/my/chats/{chat}",
        "/my/intros",
    ):
        assert marked[path] > 0, (path, marked)
    await api.close()


async def rewrite(campus: Database, person: Person) -> None:
    """As an old client may, all texts at once."""
    texts = ["name", "major", "year", "bio", "pronouns", "additionalInfo"]
    lists = ["interests", "lookingFor", "personality"]
    fields: dict[str, Any] = dict.fromkeys(texts, EVIL) | {name: [EVIL] for name in lists}
    fields |= {"goals": {"academic": [EVIL], "leisure": [EVIL], "career": EVIL, "personal": EVIL}}
    fields |= {"livingHabits": {"sleepSchedule": EVIL, "guests": EVIL}}
    await campus.run(
        Query("old", "UPDATE kv_store_2516be19 SET value = value || $2::jsonb WHERE key = $1"),
        f"user:{person.id}",
        json.dumps(fields),
    )
