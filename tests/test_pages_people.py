"""The pages as a browser without JavaScript has them: what is between two people."""

from __future__ import annotations

from api import Api
from outgrow.db.pool import Database
from outgrow.web.html.forms import duration
from pages import HOSTILE, Browser, Somebody, browsers


async def test_an_intro_from_hello_to_the_connections_end(phased_somebody: Somebody) -> None:
    ada, ben = await phased_somebody("Ada Okafor"), await phased_somebody("Ben Silva")
    theirs = f"/people/{ben.id}"
    await ada.open(theirs)
    page = await ada.send(theirs, 400, note="no reason")
    assert "Reason cannot be used like that." in page.text
    assert page.form(theirs).fields["note"].strip() == "no reason", "what was typed is kept"
    page = await ada.send(theirs, reason="study", note=HOSTILE)
    assert "Your intro is on its way." in page.text
    assert "You have asked" in page.text
    page = await ada.open("/my/intros/sent")
    assert "Ben Silva" in page.text
    page = await ben.open("/my/intros")
    assert "Ada Okafor" in page.text
    assert "Studying together" in page.text
    assert HOSTILE in page.text
    assert "<script>alert" not in ben.answer.text
    accept = next(form.action for form in page.forms if form.action.endswith("/accept"))
    page = await ben.send(accept)
    assert "You are connected now." in page.text
    assert "No messages yet." in page.text, "their chat is open"
    assert "Ada Okafor" in (await ben.open("/my/connections")).text
    page = await ada.open(theirs)
    assert "Connected" in page.text
    page = await ada.send(f"{theirs}/remove")
    assert "You are no longer connected." in page.text
    assert "Nobody yet" in page.text
    page = await ada.open(theirs)
    assert "Say hello" in page.text


async def test_an_intro_declined_and_one_taken_back(somebody: Somebody) -> None:
    ada, ben = await somebody("Ada"), await somebody("Ben")
    theirs = f"/people/{ben.id}"
    await ada.open(theirs)
    await ada.send(theirs, reason="friends")
    page = await ben.open(f"/people/{ada.id}")
    assert "would like to meet you" in page.text
    decline = next(form.action for form in page.forms if form.action.endswith("/decline"))
    assert "Declined." in (await ben.send(decline)).text
    assert "Not this time." in (await ada.open("/my/intros/sent")).text
    await ada.open(theirs)
    await ada.send(theirs, reason="friends")
    withdraw = next(f.action for f in ada.page.forms if f.action.endswith("/withdraw"))
    page = await ada.send(withdraw)
    assert "Withdrawn." in page.text
    page = await ben.open("/my/intros")
    assert "Withdrawn." in page.text
    assert not any(form.action.endswith("/accept") for form in page.forms)


async def test_both_ask_at_once(somebody: Somebody) -> None:
    ada, ben = await somebody("Ada"), await somebody("Ben")
    await ada.open(f"/people/{ben.id}")
    await ben.open(f"/people/{ada.id}")
    await ada.send(f"/people/{ben.id}", reason="friends")
    page = await ben.send(f"/people/{ada.id}", 409, reason="study")
    assert "One of you has already asked." in page.text
    assert any(form.action.endswith("/accept") for form in page.forms), "and can be answered"


async def test_what_waits_is_counted_in_the_navigation(api: Api, somebody: Somebody) -> None:
    ada, ben = await somebody("Ada"), await somebody("Ben")
    badge = {"class": "badge", "data-badge": "intros"}
    page = await ada.open("/people")
    assert ("b", badge | {"hidden": ""}) in page.elements
    await ben.open(f"/people/{ada.id}")
    await ben.send(f"/people/{ada.id}", reason="friends")
    api.services.waiting.forget(ada.id)  # as after FRESH_SECONDS
    page = await ada.open("/people")
    assert ("b", badge) in page.elements
    assert "1 waiting" in page.text


async def connected(ada: Browser, ben: Browser) -> str:
    """Introduce them, and return the path of their chat."""
    await ada.open(f"/people/{ben.id}")
    await ada.send(f"/people/{ben.id}", reason="friends")
    page = await ben.open("/my/intros")
    await ben.send(next(form.action for form in page.forms if form.action.endswith("/accept")))
    return ben.answer.request.url.path


async def test_two_talk_without_script(phased_api: Api, phased_somebody: Somebody) -> None:
    ada, ben, eve = [await phased_somebody(name) for name in ("Ada", "Ben", "Eve")]
    assert "No chats yet" in (await ada.open("/my/chats")).text
    chat = await connected(ada, ben)
    await ada.open(f"/people/{ben.id}")
    assert f"{chat}#end" in [link.replace("%3A", ":") for link in ada.page.links]
    page = await ada.open(chat)
    form = next(form for form in page.forms if "content" in form.fields)
    page = await ada.send(form.action, 400, content=" ")
    assert "Message cannot be used like that." in page.text
    page = await ada.send(form.action, content=HOSTILE + "\r\nBye")
    assert HOSTILE in page.text
    assert "<script>alert" not in ada.answer.text
    again = await ada.client.post(
        form.action, data={**form.fields, "content": "Twice?", "key": "k-1"}
    )
    again = await ada.client.post(
        form.action, data={**form.fields, "content": "Twice?", "key": "k-1"}
    )
    assert again.status_code == 303, "a form that is sent again"
    assert (await ada.open(chat)).text.count("Twice?") == 1
    phased_api.services.waiting.forget(ben.id)
    page = await ben.open("/my/chats")
    assert "2 unread" in page.text
    assert ("b", {"class": "badge", "data-badge": "chats"}) in page.elements
    page = await ben.open(chat)
    assert "Twice?" in page.text
    assert "unread" not in (await ben.open("/my/chats")).text
    for path in (chat, "/my/chats/nobody"):
        page = await eve.open(path, 404)
        assert "There is no such chat." in page.text


async def test_older_messages(api: Api, somebody: Somebody) -> None:
    ada, ben = await somebody("Ada"), await somebody("Ben")
    chat = await connected(ada, ben)
    chat_id = chat.rpartition("/")[2].replace("%3A", ":")
    for number in range(50):
        await api.services.chats.send(chat_id, f"word {number:02}", None, user_id=ada.id)
    page = await ben.open(chat)
    assert "word 49" in page.text
    assert "word 09" not in page.text
    page = await ben.open(next(link for link in page.links if "before=" in link))
    assert "word 09" in page.text
    assert page.text.index("word 08") < page.text.index("word 09"), "as they were said"


async def test_the_scripts_token_is_the_visitors_own(api: Api, somebody: Somebody) -> None:
    ada, guest = await somebody("Ada"), await somebody()
    page = await ada.open("/my/chats")
    answer = await ada.client.post("/my/token", data=page.forms[-1].fields)
    token = answer.json()["access_token"]
    profile = await api.get("/profiles/me", headers={"authorization": f"Bearer {token}"})
    assert profile.json()["id"] == ada.id
    assert (await ada.client.post("/my/token")).status_code in (400, 403)
    assert (await guest.client.post("/my/token", data={"token": "x"})).status_code == 403


async def test_meet_somebody(somebody: Somebody) -> None:
    ada = await somebody("Ada", major="Physics")
    await ada.open("/my/profile")
    await ada.send("/my/profile", interests="chess, film")
    assert "Nobody new" in (await ada.open("/meet")).text
    ben, cai = await somebody("Ben"), await somebody("Cai Silva", major="Physics")
    await cai.open("/my/profile")
    await cai.send("/my/profile", interests="film")
    page = await ada.open("/meet")
    assert "Cai Silva" in page.text
    assert "Both: film · same major" in page.text
    await connected(ada, ben)
    await connected(ben, cai)
    page = await ada.open("/meet")
    assert "Your connections know them" in page.text
    assert "1 connection in common" in page.text


async def test_a_limit_says_how_long_to_wait(campus: Database) -> None:
    api = await Api.open(campus, limits={"intros": (1, 86_400)})
    try:
        async with browsers(api) as somebody:
            ada = await somebody("Ada Okafor")
            for status in (200, 429):
                theirs = f"/people/{(await somebody('Ben Silva')).id}"
                await ada.open(theirs)
                page = await ada.send(theirs, status, reason="study")
            assert "Try again in 24 hours." in page.text
            assert 86_000 < int(ada.answer.headers["retry-after"]) <= 86_400
    finally:
        await api.close()


def test_a_wait_in_words() -> None:
    waits = {1: "1 second", 59: "59 seconds", 60: "1 minute", 61: "2 minutes", 3601: "2 hours"}
    assert {seconds: duration(seconds) for seconds in waits} == waits
