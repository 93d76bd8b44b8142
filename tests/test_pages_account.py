"""The pages as a browser without JavaScript has them: profile, safety, passwords, own data."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from api import ELSEWHERE, HERE, PASSWORD, Api
from outgrow.campus.mail import Letter
from outgrow.campus.people.schools import Domains
from outgrow.db.pool import Database
from pages import Browser, Seen, Somebody
from test_safety import document, upsert

GOALS: dict[str, Any] = {
    "academic": "grad school, gpa",
    "leisure": "climb, travel",
    "career": "Robots.\nThen gardens.",
    "personal": "Sleep.",
}
PICTURES: dict[str, Any] = {
    "profile_picture": "https://pictures.example/ada.jpg",
    "photos": "https://pictures.example/1.jpg\nhttps://Other.example:8443/2,3.jpg?size=9",
}


def wrong(page: Seen) -> list[str]:
    """The fields that the page marks."""
    return [given["name"] for _, given in page.elements if "aria-invalid" in given]


async def test_goals_and_pictures(phased_api: Api, phased_somebody: Somebody) -> None:
    ada, ben = await phased_somebody("Ada"), await phased_somebody("Ben")
    assert "They have not filled in much yet." in (await ben.open(f"/people/{ada.id}")).text
    await ada.open("/my/profile")
    page = await ada.send("/my/profile", **(GOALS | PICTURES))
    assert "Saved." in page.text
    fields = page.form("/my/profile").fields
    assert {name: fields[name].strip() for name in GOALS | PICTURES} == GOALS | PICTURES
    written = await document(phased_api, ada.id)
    assert written["goals"]["academic"] == ["grad school", "gpa"]
    assert written["photos"] == PICTURES["photos"].split()
    page = await ben.open(f"/people/{ada.id}")
    for text in ("grad school", "climb", "Robots. Then gardens.", "Sleep.", "other.example"):
        assert text in page.text
    away = [given for _, given in page.elements if given.get("href", "").startswith("https:")]
    links = [PICTURES["profile_picture"], *written["photos"]]
    assert [(given["href"], given["rel"]) for given in away] == [
        (link, "noreferrer noopener") for link in links
    ]
    assert "img" not in {tag for tag, _ in page.elements}, "no site learns who looks"
    nothing: dict[str, Any] = dict.fromkeys(GOALS | PICTURES, " ")
    page = await ada.send("/my/profile", **nothing)
    assert "Saved." in page.text
    written = await document(phased_api, ada.id)
    assert not {"goals", "photos", "profilePicture"} & {*written}
    assert "They have not filled in much yet." in (await ben.open(f"/people/{ada.id}")).text


@pytest.mark.parametrize(
    ("field", "typed", "expected"),
    [
        ("academic", "x" * 101, "Academic goals cannot be used"),
        ("leisure", ",".join(map(str, range(51))), "Leisure goals cannot be used"),
        ("career", "x" * 5001, "Career cannot be used"),
        ("personal", "x" * 5001, "Personal goals cannot be used"),
        ("photos", "https://a.example/1 http://a.example/2", "begin with https://"),
        ("photos", "\n".join(f"https://a.example/{n}" for n in range(13)), "up to 12 links"),
        ("photos", "https://a.example/" + "x" * 2000, "Photos cannot be used"),
        ("photos", "javascript:alert(1)", "Photos cannot be used"),
        ("profile_picture", "https://a.example/1 https://a.example/2", "Use one link"),
        ("profile_picture", "a.example/1", "Profile picture cannot be used"),
        ("age", "12", "from 13 to 120"),
        ("bio", "x" * 5001, "About you cannot be used"),
    ],
)
async def test_a_field_that_is_wrong_says_so(
    api: Api, somebody: Somebody, field: str, typed: str, expected: str
) -> None:
    ada = await somebody("Ada")
    before = await document(api, ada.id)
    await ada.open("/my/profile")
    given = GOALS | PICTURES | {"pronouns": "she", field: typed}
    page = await ada.send("/my/profile", 400, **given)
    fields = page.form("/my/profile").fields
    assert {name: fields[name].strip() for name in given} == given, "what was typed is kept"
    (wrong,) = [given for _, given in page.elements if "aria-invalid" in given]
    assert wrong["name"] == field
    beside = wrong["aria-describedby"].split()[0]
    (message,) = re.findall(f'<p class="wrong" id="{beside}">([^<]+)', ada.answer.text)
    assert expected in message
    assert await document(api, ada.id) == before


async def test_what_an_old_client_wrote_stays_until_it_is_changed(
    api: Api, somebody: Somebody
) -> None:
    ada = await somebody("Ada")
    odd: dict[str, Any] = {
        "goals": {"academic": [1, "gpa"], "leisure": "rest", "career": ["x"], "else": 7},
        "photos": ["http://old.example/1", {"url": "x"}, "data:image/png;base64,AAAA"],
        "profilePicture": "javascript:alert(1)",
        "interests": ["film, old", 7],
        "pronouns": "she\r\nher",
        "age": 200.5,
        "year": 2,
    }
    await upsert(api, f"user:{ada.id}", {**await document(api, ada.id), **odd})
    page = await ada.open(f"/people/{ada.id}")
    assert not [link for link in page.links if not link.startswith(("/", "#"))]
    await ada.open("/my/profile")
    page = await ada.send("/my/profile", bio="New.")
    assert "Saved." in page.text
    written = await document(api, ada.id)
    assert {name: written[name] for name in odd} == odd
    assert written["bio"] == "New."
    page = await ada.send("/my/profile", 400, photos="http://old.example/1")
    await ada.send("/my/profile", photos="https://new.example/1", academic="gpa")
    written = await document(api, ada.id)
    assert written["photos"] == ["https://new.example/1"]
    assert {name: written[name] for name in odd if name != "photos"} == {
        name: value for name, value in odd.items() if name != "photos"
    }
    await ada.send("/my/profile", leisure="rest")
    assert (await document(api, ada.id))["goals"] == {"academic": ["gpa"], "leisure": ["rest"]}


async def test_links_that_lead_elsewhere_than_they_say_are_none(
    api: Api, somebody: Somebody
) -> None:
    ada = await somebody("Ada")
    photos = [
        *("https://good.example@evil.example/", "https://good.example\\@evil.example/"),
        *("https:///good.example", "https://", "HTTPS://a.example", " https://a.example"),
        *("https://a.example/ b", "https://a.example/\nb", "https://[::1", "//a.example", "", 7),
        "https://right.example?a=<b>&c='",
    ]
    await upsert(api, f"user:{ada.id}", {**await document(api, ada.id), "photos": photos})
    page = await ada.open(f"/people/{ada.id}")
    assert [link for link in page.links if not link.startswith(("/", "#"))] == [photos[-1]]


async def test_block_unblock_and_report(somebody: Somebody) -> None:
    ada, eve = await somebody("Ada"), await somebody("Eve Adams")
    page = await ada.open(f"/people/{eve.id}")
    page = await ada.open(f"/people/{eve.id}/report")
    page = await ada.send(f"/people/{eve.id}/report", 400, note="kept")
    assert "Reason cannot be used" in page.text
    assert page.form(f"/people/{eve.id}/report").fields["note"].strip() == "kept"
    page = await ada.send(f"/people/{eve.id}/report", reason="spam", note="Adverts.")
    assert "Thank you." in page.text
    await ada.open(f"/people/{eve.id}")
    page = await ada.send(f"/people/{eve.id}/block")
    assert "You no longer see each other." in page.text
    assert "Eve Adams" not in page.text
    assert "This person is not here." in (await eve.open(f"/people/{ada.id}", 404)).text
    assert "This person is not here." in (await ada.open(f"/people/{eve.id}/report", 404)).text
    page = await ada.open("/my/blocked")
    assert "Eve Adams" in page.text
    page = await ada.send(f"/my/blocked/{eve.id}/unblock")
    assert "Unblocked." in page.text
    await eve.open(f"/people/{ada.id}")


async def test_a_new_password_signs_out_everywhere_else(api: Api, somebody: Somebody) -> None:
    ada, phone = await somebody("Ada"), await somebody()
    await phone.open("/sign-in", headers={"user-agent": "x"})
    phone.client.headers["user-agent"] = "Mozilla/5.0 (iPhone) AppleWebKit Safari/604.1"
    await phone.send("/sign-in", email=ada.email, password=PASSWORD)
    page = await ada.open("/my/account")
    assert "Safari on iPhone" in page.text
    change = "/my/account/password"
    page = await ada.send(change, 403, old="wrong one", new="another one", again="another one")
    assert "That is not your password." in page.text
    assert wrong(page) == ["old"]
    page = await ada.send(change, 400, old=PASSWORD, new="another one", again="another 1")
    assert wrong(page) == ["again"]
    page = await ada.send(change, 400, old=PASSWORD, new="short", again="short")
    assert wrong(page) == ["new"]
    page = await ada.send(change, old=PASSWORD, new="another one", again="another one")
    assert "Your new password is set." in page.text
    await phone.open("/people")
    assert phone.answer.request.url.path == "/sign-in", "at once in this process"
    await phone.send("/sign-in", email=ada.email, password="another one")
    page = await ada.open("/my/account")
    end = next(given["formaction"] for _, given in page.elements if "formaction" in given)
    fields = page.form("/my/account/sessions").fields
    page = await ada._seen(ada.client.post(end, data=fields | {"password": "wrong one"}), 403)
    assert "That is not your password." in page.text
    assert wrong(page) == ["password"], "not the field of another form"
    page = await ada._seen(ada.client.post(end, data=fields | {"password": "another one"}), 200)
    assert "Signed out there." in page.text
    await phone.open("/people")
    assert phone.answer.request.url.path == "/sign-in"


async def test_download_and_delete_everything(api: Api, somebody: Somebody) -> None:
    ada, ben = await somebody("Ada Okafor"), await somebody("Ben")
    await ada.open("/my/account")
    answer = await ada.client.get("/my/account/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="outgrow.json"'
    assert ada.email in json.dumps(json.loads(answer.content))
    page = await ada.open("/my/account/delete")
    page = await ada.send("/my/account/delete", 403, password="wrong one")
    assert "That is not your password." in page.text
    assert wrong(page) == ["password"]
    page = await ada.send("/my/account/delete", password=PASSWORD)
    assert "are being deleted" in page.text
    await api.services.deletions.background.settle(10)
    await ada.open("/people")
    assert ada.answer.request.url.path == "/sign-in"
    await ada.send("/sign-in", 401, email=ada.email, password=PASSWORD)
    await ben.open(f"/people/{ada.id}", 404)


async def test_codes_from_a_mailbox(campus: Database) -> None:
    letters: list[Letter] = []

    async def collect(letter: Letter) -> None:
        letters.append(letter)

    def code() -> str:
        match = re.search(r"\b[0-9]{6}\b|\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5}\b", letters[-1].text)
        assert match
        return match[0]

    api = await Api.open(campus, mail=collect)
    await Domains(campus).add(HERE, "campus.example")
    ada = Browser(api)
    try:
        await ada.open("/sign-up")
        typed: dict[str, Any] = {"name": "Ada", "email": "ada@campus.example", "password": PASSWORD}
        page = await ada.send("/sign-up", 403, **(typed | {"email": "ada@x.edu", "school": HERE}))
        assert "with a school e-mail only" in page.text
        page = await ada.send("/sign-up", school=HERE, **typed)
        assert "Check your mail" in page.text
        assert "ada" not in str(ada.answer.request.url), "proxies write addresses down"
        page = await ada.send("/sign-up/code", 400, code="000000", password=PASSWORD)
        assert "That code is wrong" in page.text
        page = await ada.send("/sign-up/code", code=code(), password=PASSWORD)
        assert "Welcome!" in page.text

        await ada.open("/my/settings")
        await ada.send("/sign-out")
        await ada.open("/forgot")
        page = await ada.send("/forgot", email="nobody@campus.example")
        same = page.text.replace("nobody@", "ada@")
        await ada.open("/forgot")
        page = await ada.send("/forgot", email="ada@campus.example")
        assert page.text == same, "nobody learns who has an account"
        await api.services.confirmations.mail.background.settle(10)
        page = await ada.send("/reset", code=code(), password="another one")
        assert "Your new password is set." in page.text
        await ada.open("/invited")
        typed = {"email": "zoe@old.example", "code": "ABCD", "password": PASSWORD}
        page = await ada.send("/reset", 400, **typed)
        assert "the invitation" in page.text, "no code is on its way"
        assert page.form("/reset").fields["email"] == typed["email"]
        assert wrong(page) == ["code"]
        await ada.open("/sign-in")
        page = await ada.send("/sign-in", email="ada@campus.example", password="another one")
        assert ELSEWHERE not in page.text
        assert "People" in page.text
    finally:
        await ada.close()
        await api.close()


async def test_the_fullest_profile_can_be_sent(somebody: Somebody, api: Api) -> None:
    """In a form each of these characters is twelve bytes, in JSON as many."""
    ada = await somebody("Ada Okafor")
    lines = [f"{n:03}" + "\U00020000" * 97 for n in range(50)]
    prose = "\U00020000" * 5000
    links = [f"https://pictures.example/{n}/" + "x" * 1970 for n in range(12)]
    await ada.open("/my/profile")
    lists = "interests", "looking_for", "personality"
    given: dict[str, Any] = dict.fromkeys(("bio", "additional_info"), prose)
    given |= dict.fromkeys(("career", "personal"), prose[:1500])
    given |= dict.fromkeys(lists, ", ".join(lines))
    given |= dict.fromkeys(("academic", "leisure"), ", ".join(lines[:20]))
    given["photos"] = "\n".join(links)
    page = await ada.send("/my/profile", **given)
    fields = page.form("/my/profile").fields
    assert {name for name in given if fields[name].strip() != given[name]} == set()
    changes = {
        "bio": prose,
        "additional_info": prose,
        "goals": dict.fromkeys(("academic", "leisure"), lines[:20])
        | dict.fromkeys(("career", "personal"), prose[:1500]),
        **dict.fromkeys(lists, lines),
        "photos": links,
    }
    me = await api.sign_up("Ben Silva")
    answer = await me.call("PATCH", "/profiles/me", json=changes)
    assert answer.status_code == 200
    assert {name for name in changes if answer.json()[name] != changes[name]} == set()
    headers = {"content-type": "application/json"}
    answer = await me.call("PATCH", "/profiles/me", content=b" " * 655_361, headers=headers)
    assert answer.status_code == 413
