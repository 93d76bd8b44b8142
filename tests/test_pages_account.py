"""The pages as a browser without JavaScript has them: safety, passwords, sessions, own data."""

from __future__ import annotations

import json
import re
from typing import Any

from api import ELSEWHERE, HERE, PASSWORD, Api
from outgrow.campus.domains import Domains
from outgrow.campus.mail import Letter
from outgrow.database import Database
from pages import Browser, Somebody


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
    assert "You do not see each other any more." in page.text
    assert "Eve Adams" not in page.text
    assert "There is nobody here." in (await eve.open(f"/people/{ada.id}", 404)).text
    assert "There is nobody here." in (await ada.open(f"/people/{eve.id}/report", 404)).text
    page = await ada.open("/my/blocked")
    assert "Eve Adams" in page.text
    page = await ada.send(f"/my/blocked/{eve.id}/unblock")
    assert "Not blocked any more." in page.text
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
    page = await ada.send(change, 400, old=PASSWORD, new="another one", again="another 1")
    page = await ada.send(change, old=PASSWORD, new="another one", again="another one")
    assert "Your new password is set." in page.text
    await phone.open("/people")
    assert phone.answer.request.url.path == "/sign-in", "at once in this process"
    await phone.send("/sign-in", email=ada.email, password="another one")
    page = await ada.open("/my/account")
    end = next(form.action for form in page.forms if "/sessions/" in form.action)
    page = await ada.send(end)
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
    page = await ada.send("/my/account/delete", password=PASSWORD)
    assert "is being deleted" in page.text
    await api.network.deletions.background.settle(10)
    await ada.open("/people")
    assert ada.answer.request.url.path == "/sign-in"
    await ada.send("/sign-in", 401, email=ada.email, password=PASSWORD)
    await ben.open(f"/people/{ada.id}", 404)


async def test_codes_from_a_mailbox(campus: Database) -> None:
    letters: list[Letter] = []

    async def keep(letter: Letter) -> None:
        letters.append(letter)

    def code() -> str:
        found = re.search(r"\b[0-9]{6,8}\b", letters[-1].text)
        assert found
        return found[0]

    api = await Api.open(campus, mail=keep)
    await Domains(campus).add(HERE, "campus.example")
    ada = Browser(api)
    try:
        await ada.open("/sign-up")
        typed: dict[str, Any] = {"name": "Ada", "email": "ada@campus.example", "password": PASSWORD}
        page = await ada.send("/sign-up", 403, **(typed | {"email": "ada@x.edu", "school": HERE}))
        assert "e-mail of the school" in page.text
        page = await ada.send("/sign-up", school=HERE, **typed)
        assert "Look into your mail" in page.text
        page = await ada.send("/sign-up/code", 400, code="000000", password=PASSWORD)
        assert "That is not the code" in page.text
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
        await api.network.confirmations.mail.background.settle(10)
        page = await ada.send("/reset", code=code(), password="another one")
        assert "Your new password is set." in page.text
        page = await ada.send("/sign-in", email="ada@campus.example", password="another one")
        assert ELSEWHERE not in page.text
        assert "People" in page.text
    finally:
        await ada.close()
        await api.close()
