"""The pages as a browser without JavaScript has them: every flow, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from api import ELSEWHERE, HERE, PASSWORD, Api
from outgrow.campus.accounts import sessions
from outgrow.campus.people.schools import strip_invisible
from outgrow.db.pool import Database
from outgrow.web.html import PAGES, assets
from outgrow.web.http.request import SESSION_COOKIE
from outgrow.web.http.routing import Access
from pages import HOSTILE, Browser, Somebody

LARGEST = 30_000  # bytes of a page


# Signing in ---------------------------------------------------------------------------------------


async def test_sign_up_sign_out_and_in_again(somebody: Somebody) -> None:
    ada = await somebody()
    page = await ada.sign_up("Ada Okafor", major="Physics", year="Junior")
    assert "Welcome!" in page.text
    assert "Ada Okafor" in page.text
    await ada.open("/my/settings")
    page = await ada.send("/sign-out")
    assert "You are signed out." in page.text
    page = await ada.open("/people?year=Junior")
    assert ada.answer.request.url.path == "/sign-in", "a page of members leads to the door"
    page = await ada.send("/sign-in", 401, email=ada.email, password="wrong password")
    assert "do not match" in page.text
    assert page.form("/sign-in").fields["email"] == ada.email, "what was typed is kept"
    assert page.form("/sign-in").fields["password"] == "", "but for the password"
    page = await ada.send("/sign-in", password=PASSWORD)
    assert str(ada.answer.request.url).endswith("/people?year=Junior"), "and back to where one was"


async def test_signing_in_again_ends_the_session_before(somebody: Somebody) -> None:
    ada = await somebody()
    await ada.sign_up("Ada Okafor")
    before = ada.client.cookies[SESSION_COOKIE]
    body = {"email": ada.email, "password": PASSWORD}
    await ada.open("/people")
    token = ada.page.form("/sign-out").fields["token"]
    answer = await ada.client.post("/sign-in", data={**body, "token": token})
    assert answer.status_code == 303
    assert ada.client.cookies[SESSION_COOKIE] != before
    thief = await somebody()
    thief.client.cookies.set(SESSION_COOKIE, before)
    assert (await thief.client.get("/people")).status_code == 303


async def test_a_sign_up_that_fails_keeps_what_was_typed(somebody: Somebody) -> None:
    ada = await somebody()
    good = {"name": "Ada", "school": HERE, "email": "ada@x.edu", "password": PASSWORD}
    good["major"] = "Physics"
    typed: dict[str, str]
    for typed, message in (
        ({"name": " "}, "Name cannot be used like that."),
        ({"name": "\u200b"}, "Name cannot be used like that."),
        ({"school": ""}, "School cannot be used like that."),
        ({"major": "x" * 101}, "Major cannot be used like that."),
        ({"email": "nobody"}, "That is not an e-mail address."),
        ({"password": "short"}, "too short or too long"),
    ):
        await ada.open("/sign-up")
        page = await ada.send("/sign-up", 400, **(good | typed))
        assert message in page.text
        fields = page.form("/sign-up").fields
        kept = {**good, **typed, "password": ""}
        # But for what does not show: so it is gone when the form is sent again.
        assert all(
            fields[name].strip() == strip_invisible(value).strip() for name, value in kept.items()
        )
        wrong = [given for _, given in page.elements if "aria-invalid" in given]
        assert [given["name"] for given in wrong] == list(typed)
        assert "error" in wrong[0]["aria-describedby"]


async def test_an_email_that_is_taken(somebody: Somebody) -> None:
    ada = await somebody("Ada")
    other = await somebody()
    await other.open("/sign-up")
    typed = {"name": "Eve", "school": HERE, "email": ada.email.upper(), "password": PASSWORD}
    page = await other.send("/sign-up", 409, **typed)
    assert "This e-mail is already in use." in page.text


async def test_an_account_without_a_profile_makes_one_first(
    api: Api, campus: Database, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "FRESH_SECONDS", 0)
    ada = await somebody("Ada")
    async with campus.session() as session:
        await session.connection.execute(
            "DELETE FROM kv_store_2516be19 WHERE key = $1", f"user:{ada.id}"
        )
    page = await ada.open("/people")
    assert "Who are you?" in page.text
    page = await ada.send("/my/first-profile", 400, name="", school=HERE)
    assert "Name cannot be used" in page.text
    page = await ada.send("/my/first-profile", name="Ada Again", school=HERE)
    assert "Welcome!" in page.text
    assert "Ada Again" in page.text


async def test_a_session_ended_elsewhere_ends_the_browser_session(
    api: Api, somebody: Somebody
) -> None:
    ada = await somebody("Ada")
    session = next(iter(api.services.browser_sessions._known.values()))
    await api.services.accounts.log_out(session.user_id, session.session_id)
    api.services.browser_sessions._known.clear()  # as after FRESH_SECONDS
    await ada.open("/people")
    assert ada.answer.request.url.path == "/sign-in"


async def test_a_browser_session_is_no_refresh_token_nor_the_reverse(
    api: Api, somebody: Somebody
) -> None:
    ada = await somebody("Ada")
    cookie = ada.client.cookies["outgrow_visit"]
    answer = await api.post("/auth/refresh", {"refresh_token": cookie})
    assert answer.status_code == 401
    token = (await api.sign_up("Eve")).tokens["refresh_token"]
    eve = await somebody()
    eve.client.cookies["outgrow_visit"] = token
    await eve.open("/people")
    assert eve.answer.request.url.path == "/sign-in"
    await ada.open("/people")
    assert ada.answer.request.url.path == "/people", "the attempt has not ended the session"


async def test_few_browser_sessions_are_remembered_and_few_asked_for(
    api: Api, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outgrow.campus.accounts.sessions.MOST_COOKIES", 2)
    people = [await somebody(name) for name in ("Ada", "Ben", "Cai")]
    assert len(api.services.browser_sessions._known) == 2
    for person in people:
        await person.open("/my/settings")
    before = (await api.get("/metrics")).text
    await people[2].open("/my/settings")
    after = (await api.get("/metrics")).text

    def lookups(metrics: str) -> list[str]:
        return [
            line
            for line in metrics.splitlines()
            if 'count{query="browser_sessions.session"}' in line
        ]

    assert lookups(before) == lookups(after) != []


# What is refused ----------------------------------------------------------------------------------


async def test_forms_of_other_sites_are_refused(somebody: Somebody) -> None:
    ada = await somebody("Ada")
    page = await ada.open("/my/settings")
    fields = page.form("/my/settings").fields
    for headers, status in (
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "http://campus"}, 303),
        ({"origin": "http://elsewhere.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({}, 303),
    ):
        answer = await ada.client.post("/my/settings", data=fields, headers=headers)
        assert answer.status_code == status, headers


async def test_a_form_without_its_token_is_refused(somebody: Somebody) -> None:
    ada, eve = await somebody("Ada"), await somebody("Eve")
    guest = await somebody()
    for browser, path in ((ada, "/my/settings"), (guest, "/sign-in")):
        page = await browser.open(path)
        fields = page.form(path).fields
        eves = (await eve.open("/my/settings")).form("/my/settings").fields["token"]
        for token in ("", "x", "ü", eves):
            answer = await browser.client.post(path, data={**fields, "token": token})
            assert answer.status_code == 403
            assert "came from elsewhere" in answer.text
    page = await ada.open("/my/settings")
    answer = await ada.client.post("/my/settings", json=page.form("/my/settings").fields)
    assert answer.status_code == 400


async def test_every_page_that_changes_something_wants_its_token(somebody: Somebody) -> None:
    """And every page that is not public leads nobody to anything but the door."""
    ada, guest = await somebody("Ada"), await somebody()
    for page in PAGES:
        path = page.path.replace("{id}", "somebody")
        if page.method == "POST":
            for browser in (ada, guest):
                answer = await browser.client.post(path, data={"token": "0" * 32})
                assert answer.status_code == 403, path
        elif page.access is not Access.PUBLIC:
            answer = await guest.client.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in")


async def test_nobody_is_led_elsewhere(somebody: Somebody) -> None:
    ada = await somebody("Ada")
    for next_ in (
        *("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"),
        *("/\n/evil.example", "/\t/evil.example"),
    ):
        await ada.open("/my/settings")
        await ada.send("/sign-out")
        page = await ada.open("/sign-in", params={"next": next_})
        fields = {**page.form("/sign-in").fields, "next": next_}
        fields |= {"email": ada.email, "password": PASSWORD}
        answer = await ada.client.post("/sign-in", data=fields)
        assert answer.status_code == 303
        assert re.match(r"/($|%)", answer.headers["location"])


@pytest.mark.parametrize(
    ("options", "headers", "secure"),
    [
        ({}, {}, False),
        ({}, {"x-forwarded-proto": "https"}, False),  # the caller's own word
        ({"proxies": 1}, {"x-forwarded-proto": "https"}, True),
        ({"proxies": 1}, {"x-forwarded-proto": "https, http"}, False),
        ({"proxies": 1}, {}, False),
        ({"https": True}, {}, True),
        ({"https": True}, {"x-forwarded-proto": "http"}, True),
    ],
)
async def test_the_cookie_is_kept_from_scripts_other_sites_and_neighbours(
    campus: Database, options: dict[str, Any], headers: dict[str, str], secure: bool
) -> None:
    api = await Api.open(campus, **options)
    person = await api.sign_up()
    ada = Browser(api)
    ada.client.headers.update(headers)
    page = await ada.open("/sign-in")
    strict = "max-age=31536000" if secure else None
    for path in ("/", "/healthz", "/static/style.css", "/nowhere"):
        answer = await ada.client.get(path)
        assert answer.headers.get("strict-transport-security") == strict
    guest = ada.answer.headers["set-cookie"]
    fields = {**page.form("/sign-in").fields, "email": person.email, "password": PASSWORD}
    with_guest = {"cookie": guest.partition(";")[0]}
    answer = await ada.client.post("/sign-in", data=fields, headers=with_guest)
    cookie = answer.headers["set-cookie"]
    prefix = "__Host-" if secure else ""
    assert guest.startswith(f"{prefix}outgrow_guest=")
    assert cookie.startswith(f"{prefix}outgrow_visit=")
    for header in (guest, cookie):
        assert "; Path=/; " in header
        assert "HttpOnly; SameSite=Lax" in header
        assert "Domain" not in header
        assert ("Secure" in header) is secure
    value = cookie.partition(";")[0].partition("=")[2]
    for name, is_read in (("outgrow_visit", not secure), ("__Host-outgrow_visit", secure)):
        answer = await api.get("/my/settings", headers={**headers, "cookie": f"{name}={value}"})
        assert answer.status_code == (200 if is_read else 303)
    for other in ("pref={'a': [1]}", "a[b]=1", "a=\xff", 'bad name="x', ";;="):
        name = f"{prefix}outgrow_visit"
        sent = f"{other}; {name}={value}; {other}".encode("latin-1")
        raw = [(key.encode(), given.encode()) for key, given in headers.items()]
        answer = await api.client.get("/my/settings", headers=[*raw, (b"cookie", sent)])
        assert answer.status_code == 200, other
    await ada.close()
    await api.close()


async def test_headers_of_every_page(somebody: Somebody) -> None:
    ada, guest = await somebody("Ada"), await somebody()
    seen = [await guest.client.get(path) for path in ("/", "/sign-in", "/sign-up")]
    seen += [await ada.client.get(path) for path in ("/", "/find?q=a", "/people/nobody")]
    for answer in seen:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.content) < LARGEST


async def test_static_files_are_kept_for_ever_under_their_hash(somebody: Somebody) -> None:
    guest = await somebody()
    for name, hashed in assets.static()[1].items():
        answer = await guest.client.get(f"/static/{hashed}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"
        assert len(answer.content) == len(assets.static()[0][hashed].body)
        assert (await guest.client.get(f"/static/{name}")).status_code == 404
        plain = await guest.client.get(f"/static/{hashed}", headers={"accept-encoding": "br"})
        assert plain.content == answer.content
        assert (await guest.client.head(f"/static/{hashed}")).content == b""
        assert (await guest.client.post(f"/static/{hashed}")).status_code == 405


async def test_where_no_page_is(api: Api, somebody: Somebody) -> None:
    guest = await somebody()
    page = await guest.open("/no/such/page", 404)
    assert "There is no such page." in page.text
    answer = await guest.client.post("/no/such/page", headers={"accept": "text/html"})
    assert answer.status_code == 404
    answer = await guest.client.put("/people")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert (await api.get("/no/such/page")).json()["code"] == "no_such_route", "for programs"


# People -------------------------------------------------------------------------------------------


async def test_hostile_texts_are_texts(somebody: Somebody) -> None:
    eve = await somebody(HOSTILE[:100], major=HOSTILE[:100])
    await eve.open("/my/profile")
    await eve.send("/my/profile", bio=HOSTILE, interests=HOSTILE, additional_info="\n\n" + HOSTILE)
    assert eve.page.form("/my/profile").fields["bio"].strip() == HOSTILE
    ada = await somebody("Ada")
    for path in ("/people", "/find?q=script", f"/people/{eve.id}", "/people?major=<script>"):
        page = await ada.open(path)
        assert "<script>alert" not in ada.answer.text
        assert not any("onerror" in given for _, given in page.elements)
        tags = {tag for tag, _ in page.elements}
        assert "img" not in tags
        assert [given for tag, given in page.elements if tag == "script"] == [
            {"type": "module", "src": f"/static/{assets.static()[1]['app.js']}"}
        ]
        assert not any("style" in given for _, given in page.elements), "no inline style"


async def test_browse_filter_and_go_on(somebody: Somebody) -> None:
    ada = await somebody("Ada Okafor", major="Physics", year="Junior")
    for number in range(26):
        await somebody(f"Ben {number:02}", major="Chemistry", year="Senior")
    await somebody("Far Away", ELSEWHERE, major="Physics")
    page = await ada.open("/people?sort=name")
    assert f"27 people at {HERE}" in page.text
    assert "Chemistry (26)" in page.text
    assert "Far Away" not in page.text
    more = next(link for link in page.links if "cursor=" in link)
    page = await ada.open(more)
    assert "Ben 25" in page.text
    assert "Ada Okafor" not in page.text
    page = await ada.open("/people?major=Physics&year=")
    assert "1 person" in page.text
    assert "/people?" in page.links, "each filter can be taken away"
    page = await ada.open("/people?major=Nothing")
    assert "Nobody matches yet" in page.text
    assert page.form("/people").fields["major"] == "Nothing", "the next filter adds to this one"
    page = await ada.open("/people?cursor=nonsense", 400)
    assert "of the list is gone" in page.text


async def test_find(somebody: Somebody) -> None:
    ada = await somebody("Ada Okafor")
    page = await ada.open("/find?q=ada+okaf")
    assert "<mark>Okaf</mark>or" in ada.answer.text
    assert page.form("/find").fields["q"] == "ada okaf"
    assert "Nobody found" in (await ada.open("/find?q=zzzz")).text
    assert "Who are you looking for?" in (await ada.open("/find?q=")).text


async def test_people_elsewhere_hidden_and_missing_are_the_same_page(somebody: Somebody) -> None:
    ada, far, hid = await somebody("Ada"), await somebody("Far", ELSEWHERE), await somebody("Hid")
    await hid.open("/my/settings")
    await hid.send("/my/settings", profile_visible=None)
    seen = []
    for user_id in (far.id, hid.id, "nobody", "a:b", "x" * 300):
        for path in ("", "/connections", "/mutual"):
            page = await ada.open(f"/people/{user_id}{path}", 404)
            assert "This person is not here." in page.text
            seen.append(ada.answer.text)
    assert set(seen) == {seen[0]}
    assert "Hid" in (await hid.open(f"/people/{hid.id}")).text


async def test_change_ones_profile_and_settings(phased_somebody: Somebody) -> None:
    ada = await phased_somebody("Ada", major="Physics")
    await ada.open("/my/profile")
    await ada.send("/my/profile", bio="Builds\r\nrobots.", interests="chess, , climbing,chess")
    assert "Saved." in ada.page.text
    await ada.send("/my/profile", age="20", major="")
    fields = ada.page.form("/my/profile").fields
    assert fields["interests"] == "chess, climbing"
    assert fields["bio"].strip() == "Builds\nrobots."
    assert (fields["age"], fields["major"]) == ("20", "")
    page = await ada.send("/my/profile", 400, age="old", bio="kept")
    assert "Age cannot be used like that." in page.text
    assert page.form("/my/profile").fields["bio"].strip() == "kept"
    page = await ada.open(f"/people/{ada.id}")
    assert "Builds robots." in page.text
    assert "20 years old" in page.text
    await ada.open("/my/settings")
    await ada.send("/my/settings", read_receipts=None)
    switches = ada.page.form("/my/settings").fields
    assert "read_receipts" not in switches
    assert switches["profile_visible"] == "on"


async def test_what_fails_inside_says_nothing_of_it(
    api: Api, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await somebody("Ada")

    async def fail(*_: object, **__: object) -> bytes:
        raise RuntimeError("the innards")

    monkeypatch.setattr(type(api.services.profiles), "page", fail)
    page = await ada.open("/people", 500)
    assert "Something went wrong" in page.text
    assert "innards" not in ada.answer.text


async def test_a_database_that_went_away(somebody: Somebody, campus: Database) -> None:
    ada = await somebody("Ada")
    await campus.close()
    page = await ada.open("/people", 503)
    assert "We cannot reach our data" in page.text
