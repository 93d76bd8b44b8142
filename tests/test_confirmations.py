"""Codes by mail: sign-ups at schools with e-mail domains, forgotten passwords, the mail itself."""

from __future__ import annotations

import asyncio
import email
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.policy import default
from typing import Any

import httpx
import pytest

from api import HERE, PASSWORD, Api, Person, assert_problem
from outgrow.campus.accounts import credentials
from outgrow.campus.limits import RESETS_TO_ONE
from outgrow.campus.mail import Letter, Mail, mailbox_of, print_letters, smtp_transport
from outgrow.campus.people.schools import Domains
from outgrow.db.pool import Database
from outgrow.errors import BadInput, Conflict, NotFound, Unavailable
from outgrow.queries import Query

ADA = "ada@northfield.example"
BODY = {"email": ADA, "password": PASSWORD, "name": "Ada Okafor", "school": HERE, "year": "Junior"}
PLENTY = {"codes-to-one": (1000, 1), "resets-to-one": (1000, 1)}
RESET = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5}\b")
CODE = re.compile(rf"\b[0-9]{{6}}\b|{RESET.pattern}")


class Outbox:
    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.broken = False

    async def __call__(self, letter: Letter) -> None:
        if self.broken:
            raise ConnectionRefusedError
        self.letters.append(letter)

    def code(self) -> str:
        match = CODE.search(self.letters[-1].text)
        assert match, self.letters[-1]
        return match[0]


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@asynccontextmanager
async def opened(database: Database, outbox: Outbox, **limits: Any) -> AsyncIterator[Api]:
    await Domains(database).add(HERE, "@Northfield.example")
    api = await Api.open(database, mail=outbox, limits={**PLENTY, **limits})
    yield api
    await api.services.confirmations.mail.background.settle()
    await api.close()


async def verify(api: Api, code: str, **other: str) -> httpx.Response:
    return await api.post(
        "/auth/verify", {"email": ADA, "code": code, "password": PASSWORD, **other}
    )


async def test_a_school_with_domains_asks_for_a_code(phased: Database, outbox: Outbox) -> None:
    async with opened(phased, outbox) as api:
        answer = await api.post("/auth/signup", BODY)
        assert (answer.status_code, answer.json()["status"]) == (202, "code_sent")
        assert [letter.to for letter in outbox.letters] == [ADA]
        elsewhere = await api.sign_up(school="Open School")
        login = {"email": ADA, "password": PASSWORD}
        assert (await api.post("/auth/login", login)).status_code == 401
        assert await phased.value(Query("t", "SELECT count(*) FROM campus.users")) == 1
        done = await verify(api, outbox.code(), email=ADA.upper())
        assert done.status_code == 201, done.text
        ada = Person(api, done.json()["user_id"], ADA, done.json())
        assert (await ada.get("/profiles")).json()["items"][0]["year"] == "Junior"
        assert (await elsewhere.get(f"/profiles/{ada.id}")).status_code == 404
        assert (await api.post("/auth/login", login)).status_code == 200
        assert (await verify(api, outbox.code())).status_code == 400  # it is good once


async def test_an_e_mail_of_another_domain_does_not_do(campus: Database, outbox: Outbox) -> None:
    async with opened(campus, outbox) as api:
        for other in ("ada@example.org", "ada@cs.northfield.example", "ada@xnorthfield.example"):
            answer = await api.post("/auth/signup", {**BODY, "email": other})
            assert_problem(answer, 403, "email_not_of_school")
            assert answer.json()["detail"] == "northfield.example"
        assert outbox.letters == []


async def test_the_answer_does_not_say_who_has_an_account(campus: Database, outbox: Outbox) -> None:
    async with opened(campus, outbox) as api:
        first = await api.post("/auth/signup", BODY)
        await verify(api, outbox.code())
        again = await api.post("/auth/signup", {**BODY, "password": "another password"})
        assert (again.status_code, len(again.content)) == (202, len(first.content))
        assert again.json().keys() == first.json().keys()
        assert "already" in outbox.letters[-1].text
        assert (await verify(api, "000000", password="another password")).status_code == 400
        for path in ("/auth/reset", "/auth/verify/resend"):
            known = await api.post(path, {"email": ADA})
            unknown = await api.post(path, {"email": "nobody@northfield.example"})
            assert (known.status_code, known.content) == (202, unknown.content)
        await api.services.confirmations.mail.background.settle()
        assert {letter.to for letter in outbox.letters} == {ADA}


async def test_a_code_has_few_tries_and_a_short_life(campus: Database, outbox: Outbox) -> None:
    async with opened(campus, outbox) as api:
        await api.post("/auth/signup", BODY)
        for _ in range(10):  # a stranger does not use the tries up
            assert (await verify(api, "1", password="a stranger's")).status_code == 400
        wrong = f"{(int(outbox.code()) + 1) % 10**6:06}"
        for _ in range(credentials.CODE_TRIES - 1):
            assert (await verify(api, wrong)).status_code == 400
        assert (await verify(api, outbox.code())).status_code == 201

        other = {**BODY, "email": "bo@northfield.example"}
        await api.post("/auth/signup", other)
        for _ in range(credentials.CODE_TRIES):
            await verify(api, wrong, email=other["email"])
        assert (await verify(api, outbox.code(), email=other["email"])).status_code == 400
        await api.post("/auth/verify/resend", {"email": other["email"]})
        await api.services.confirmations.mail.background.settle()
        over = Query("t", "UPDATE network.codes SET expires_at = now() - interval '1 second'")
        await campus.run(over)
        assert (await verify(api, outbox.code(), email=other["email"])).status_code == 400
        await api.post("/auth/verify/resend", {"email": other["email"]})
        await api.services.confirmations.mail.background.settle()
        assert (await verify(api, outbox.code(), email=other["email"])).status_code == 201


async def test_of_two_at_once_with_one_code_one_is_right(phased: Database, outbox: Outbox) -> None:
    async with opened(phased, outbox) as api:
        await api.post("/auth/signup", BODY)
        answers = await asyncio.gather(*(verify(api, outbox.code()) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
        assert await phased.value(Query("t", "SELECT count(*) FROM campus.users")) == 1


async def test_codes_are_kept_as_hashes_and_forgotten(campus: Database, outbox: Outbox) -> None:
    async with opened(campus, outbox) as api:
        await api.post("/auth/signup", BODY)
        kept = await campus.value(
            Query(
                "t",
                "SELECT c::text || s::text FROM network.codes c, network.sign_ups s",
            )
        )
        assert outbox.code() not in kept
        assert PASSWORD not in kept
        await campus.run(Query("t", "UPDATE network.codes SET expires_at = now()"))
        await campus.run(Query("t", "UPDATE network.sign_ups SET expires_at = now()"))
        await api.services.confirmations.forget()
        left = (
            "SELECT (SELECT count(*) FROM network.codes) + (SELECT count(*) FROM network.sign_ups)"
        )
        assert await campus.value(Query("t", left)) == 0


async def test_failed_mail_is_reported_except_for_a_reset(
    campus: Database, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(campus, outbox) as api:
        outbox.broken = True
        answer = await api.post("/auth/signup", BODY)
        assert_problem(answer, 503, "mail_failed")
        outbox.broken = False
        assert (await api.post("/auth/verify/resend", {"email": ADA})).status_code == 202
        await api.services.confirmations.mail.background.settle()
        assert (await verify(api, outbox.code())).status_code == 201
        outbox.broken = True
        assert (await api.post("/auth/reset", {"email": ADA})).status_code == 202
        await api.services.confirmations.mail.background.settle()
        assert "a mail was not sent" in caplog.text


async def test_one_mailbox_gets_few_codes(campus: Database, outbox: Outbox) -> None:
    async with opened(campus, outbox, **{"codes-to-one": (2, 3600)}) as api:
        sent = [await api.post("/auth/verify/resend", {"email": ADA}) for _ in range(3)]
        assert [answer.status_code for answer in sent] == [202, 202, 429]
        other = {"email": "bo@x.example"}
        assert (await api.post("/auth/verify/resend", other)).status_code == 202


async def test_no_stranger_keeps_anybody_from_signing_up(campus: Database, outbox: Outbox) -> None:
    """Neither by asking for codes for the e-mail, nor by beginning sign-ups with it."""
    few = {"codes-to-one": (2, 3600), "codes-to-mailbox": (7, 3600)}
    async with opened(campus, outbox, **few) as api:
        strangers = [
            await Api.open(campus, caller=f"198.51.100.{n}", mail=outbox, limits=few)
            for n in (1, 2, 3)
        ]
        for stranger in strangers[:2]:
            for _ in range(3):
                await stranger.post("/auth/verify/resend", {"email": ADA})
                answer = await stranger.post("/auth/signup", {**BODY, "password": "seven kettles"})
            assert answer.status_code == 429
        assert (await api.post("/auth/signup", BODY)).status_code == 202
        assert (await verify(api, outbox.code())).status_code == 201
        tried = [await strangers[2].post("/auth/signup", BODY) for _ in range(3)]
        tried.append(await api.post("/auth/verify/resend", {"email": ADA}))
        assert [answer.status_code for answer in tried] == [202, 202, 429, 429]
        for stranger in strangers:
            await stranger.close()


def test_the_limit_of_resets_leaves_a_good_code_in_the_mailbox() -> None:
    assert RESETS_TO_ONE.seconds / RESETS_TO_ONE.most < credentials.CODE_SECONDS


async def test_no_stranger_stalls_a_reset(campus: Database, outbox: Outbox) -> None:
    """Neither by asking for codes, with tags and as sign-ups too, nor by trying some."""
    limits = {"codes-to-one": (2, 3600), "resets-to-one": (3, 3600)}
    async with opened(campus, outbox, **limits) as api:
        ada = await api.sign_up(school="Open School", email="ada@northfield.example")
        for email in ("ada+x@northfield.example", ADA, ADA):
            await api.post("/auth/signup", {**BODY, "email": email})
        for _ in range(4):
            assert (await api.post("/auth/reset", {"email": ADA})).status_code == 202
            await api.services.confirmations.mail.background.settle()
        codes = [match[0] for letter in outbox.letters if (match := RESET.search(letter.text))]
        assert len(codes) == 3, "no more than that are mailed"
        body = {"email": ADA, "password": "quite another one"}
        for _ in range(8):
            wrong = {**body, "code": "7KQF-2M9X-4TB8Q"}
            assert (await api.post("/auth/reset/confirm", wrong)).status_code == 400
        typed = {**body, "code": f" {codes[0].lower().replace('-', ' ')} "}
        assert (await api.post("/auth/reset/confirm", typed)).status_code == 204
        for code in codes:
            assert (
                await api.post("/auth/reset/confirm", {**body, "code": code})
            ).status_code == 400
        login = {"email": ada.email, "password": "quite another one"}
        assert (await api.post("/auth/login", login)).status_code == 200


async def test_a_code_for_a_reset_is_good_for_a_quarter_of_an_hour(
    campus: Database, outbox: Outbox
) -> None:
    async with opened(campus, outbox) as api:
        ada = await api.sign_up(school="Open School", email="ada@open.example")
        await api.post("/auth/reset", {"email": ada.email})
        await api.services.confirmations.mail.background.settle()
        age = "UPDATE network.reset_codes SET expires_at = expires_at - interval '15 minutes'"
        await campus.run(Query("t", age))
        body = {"email": ada.email, "code": outbox.code(), "password": "quite another one"}
        assert (await api.post("/auth/reset/confirm", body)).status_code == 400
        await api.services.confirmations.forget()
        assert await campus.value(Query("t", "SELECT count(*) FROM network.reset_codes")) == 0


async def test_a_forgotten_password_is_replaced(phased: Database, outbox: Outbox) -> None:
    async with opened(phased, outbox) as api:
        ada = await api.sign_up(school="Open School", email="ada@open.example")
        await api.post("/auth/reset", {"email": "ADA@open.example"})
        await api.services.confirmations.mail.background.settle()
        body = {"email": ada.email, "code": outbox.code(), "password": "quite another one"}
        answers = await asyncio.gather(*(api.post("/auth/reset/confirm", body) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [204, 400, 400]
        gone = await ada.get("/profiles")
        assert_problem(gone, 401, "session_ended")
        refreshed = await api.post("/auth/refresh", {"refresh_token": ada.tokens["refresh_token"]})
        assert refreshed.status_code == 401
        for password, status in ((PASSWORD, 401), ("quite another one", 200)):
            login = {"email": ada.email, "password": password}
            assert (await api.post("/auth/login", login)).status_code == status


async def test_a_password_is_changed_by_who_knows_it(phased_api: Api) -> None:
    ada = await phased_api.sign_up()
    login = {"email": ada.email, "password": PASSWORD}
    other = Person(
        phased_api, ada.id, ada.email, (await phased_api.post("/auth/login", login)).json()
    )
    new = {"old": PASSWORD, "new": "quite another one"}
    wrong = await ada.call("POST", "/auth/password", json={**new, "old": "wrong password"})
    assert_problem(wrong, 403, "wrong_password")
    assert (await ada.call("POST", "/auth/password", json=new)).status_code == 204
    assert (await ada.get("/profiles")).status_code == 200
    assert (await other.get("/profiles")).json()["code"] == "session_ended"
    assert (await phased_api.post("/auth/login", login)).status_code == 401


async def test_sessions_are_listed_and_ended(phased_api: Api) -> None:
    ada = await phased_api.sign_up()
    login = {"email": ada.email, "password": PASSWORD}
    agent = {"user-agent": "A phone\t" + "x" * 200}
    answer = await phased_api.client.post("/auth/login", json=login, headers=agent)
    phone = Person(phased_api, ada.id, ada.email, answer.json())
    stranger = await phased_api.sign_up()
    items = (await ada.get("/auth/sessions")).json()["items"]
    assert [(s["current"], (s["device"] or "")[:7]) for s in items] == [
        (False, "A phone"),
        (True, "python-"),
    ]
    assert len(items[0]["device"]) == 100
    path = f"/auth/sessions/{items[0]['id']}"
    confirmation: dict[str, Any] = {"json": {"password": PASSWORD}}
    assert (await stranger.call("DELETE", path, **confirmation)).json()[
        "code"
    ] == "session_not_found"
    for url in (path, "/auth/sessions"):
        guess = await ada.call("DELETE", url, json={"password": "a wrong one"})
        assert_problem(guess, 403, "wrong_password")
    assert (await phone.get("/profiles")).status_code == 200
    assert (await ada.call("DELETE", path, **confirmation)).status_code == 204
    assert (await ada.call("DELETE", path, **confirmation)).status_code == 404
    assert (await phone.get("/profiles")).json()["code"] == "session_ended"
    token = {"refresh_token": phone.tokens["refresh_token"]}
    assert (await phased_api.post("/auth/refresh", token)).status_code == 401
    assert len((await ada.get("/auth/sessions")).json()["items"]) == 1


async def test_domains(campus: Database) -> None:
    domains = Domains(campus)
    await domains.add(HERE, "b.example")
    await domains.add(HERE, "A.example")
    await domains.add(HERE, "a.example")
    assert await domains.all() == [("a.example", HERE), ("b.example", HERE)]
    with pytest.raises(Conflict, match=f"a.example belongs to {HERE}"):
        await domains.add("Elsewhere", "a.example")
    for bad in ("x", "a b.example", "", "é.example", "a" * 70 + ".example"):
        with pytest.raises(BadInput):
            await domains.add(HERE, bad)
    assert await domains.remove("@A.example") == (HERE, 0)
    with pytest.raises(NotFound):
        await domains.remove("a.example")
    await domains.remove("b.example")
    assert await domains.all() == [(None, HERE)]
    with pytest.raises(Conflict):
        await domains.add("N0rthfield University", "c.example")
    await domains.open(HERE)
    assert await domains.all() == []
    with pytest.raises(NotFound):
        await domains.open(HERE)


HOSTILE = [
    "=?utf-8?q?evil=40evil.example=20?=x@{domain}",
    "evil@evil.example<x@{domain}",
    "<evil@evil.example>x@{domain}",
    "evil@evil.example,x@{domain}",
    "evil,x@{domain}",
    "evil;x@{domain}",
    '"evil@evil.example "x@{domain}',
    '"evil evil"@{domain}',
    "(evil)x@{domain}",
    "evil@evil.example\nTo:x@{domain}",
    "x@{domain}\r\nBcc: evil@evil.example",
    "x:y@{domain}",
    "x..y@{domain}",
    "é@{domain}",
    "x@[127.0.0.1]",
    *(
        "evil%evil.example@{domain}",
        "evil.example!evil@{domain}",
        "|evil@{domain}",
        "/evil@{domain}",
    ),
]


@pytest.mark.parametrize("address", HOSTILE)
async def test_an_address_that_mail_software_reads_otherwise_is_refused(
    campus: Database, outbox: Outbox, address: str
) -> None:
    """The code went to the stranger, who was a member of the school then."""
    address = address.format(domain="northfield.example")
    async with opened(campus, outbox) as api:
        for path, body in (
            ("/auth/signup", BODY),
            ("/auth/reset", {}),
            ("/auth/verify/resend", {}),
        ):
            answer = await api.post(path, {**body, "email": address})
            assert_problem(answer, 400, "bad_email", path)
        assert outbox.letters == []
    with pytest.raises(BadInput):
        await smtp_transport("smtp://127.0.0.1:1", "campus@a.example")(
            Letter(address, "code", "123456")
        )


def test_a_mailbox_has_one_name() -> None:
    assert mailbox_of("Ada+1@X.edu") == mailbox_of("ada+b+c@x.EDU") == "ada@x.edu"
    assert mailbox_of("ada@x.edu") != mailbox_of("adb@x.edu")


class Smtp:
    """A mail server on loopback that takes everything, unless it refuses."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.commands: list[str] = []
        self.refuses = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            word = line.decode().strip()
            self.commands.append(word)
            if word.upper().startswith("EHLO"):
                writer.write(b"250-here\r\n250 AUTH PLAIN\r\n")
            elif word.upper().startswith("AUTH"):
                writer.write(b"235 welcome\r\n")
            elif word.upper() == "DATA" and not self.refuses:
                writer.write(b"354 go on\r\n")
                text = await reader.readuntil(b"\r\n.\r\n")
                self.taken.append(text.removesuffix(b".\r\n"))
                writer.write(b"250 taken\r\n")
            elif word.upper() == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"554 no\r\n" if self.refuses else b"250 fine\r\n")
        writer.close()


async def test_mail_by_smtp() -> None:
    mailbox = Smtp()
    server = await asyncio.start_server(mailbox.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mail = Mail(smtp_transport(f"smtp://me:p%40ss@127.0.0.1:{port}", "campus@northfield.example"))
    letter = Letter(ADA, "123456 is your code", "Grüße\n.\nEnd\n")
    await mail.send(letter)
    read = email.message_from_bytes(mailbox.taken[0], policy=default)
    assert (read["To"], read["From"], read["Subject"]) == (
        ADA,
        "campus@northfield.example",
        "123456 is your code",
    )
    assert [word for word in mailbox.commands if "FROM:" in word or "TO:" in word][:2] == [
        "mail FROM:<campus@northfield.example>",
        f"rcpt TO:<{ADA}>",
    ]
    assert any(word.startswith("AUTH PLAIN") for word in mailbox.commands)
    assert "Grüße" in read.get_content()
    mailbox.refuses = True
    with pytest.raises(Unavailable):
        await mail.send(letter)
    server.close()
    await server.wait_closed()
    with pytest.raises(Unavailable):
        await mail.send(letter)


@pytest.mark.parametrize("url", ["http://x", "smtp://", "smtp://h:notaport", "smtp://h"])
def test_settings_that_send_no_mail(url: str) -> None:
    with pytest.raises(BadInput, match="OUTGROW_SMTP_URL"):
        smtp_transport(url, "campus" if url == "smtp://h" else "campus@northfield.example")


async def test_mail_at_the_terminal() -> None:
    printed: list[str] = []
    await print_letters(printed.append)(Letter(ADA, "A subject", "One\nTwo\n"))
    assert printed == [f"mail to {ADA}: A subject\n  | One\n  | Two\n"]


async def test_a_code_of_before_does_not_undo_a_new_password(
    campus: Database, outbox: Outbox
) -> None:
    async with opened(campus, outbox) as api:
        ada = await api.sign_up(school="Open School", email=ADA)
        accounts = api.services.accounts
        for change in (
            ada.call("POST", "/auth/password", json={"old": PASSWORD, "new": "quite another one"}),
            accounts.set_password(ADA, "and yet another one"),
        ):
            await api.post("/auth/reset", {"email": ADA})
            await api.services.confirmations.mail.background.settle()
            await change
            body = {"email": ADA, "code": outbox.code(), "password": "seven brown kettles"}
            assert (await api.post("/auth/reset/confirm", body)).status_code == 400
