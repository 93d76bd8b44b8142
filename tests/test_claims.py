"""People whom the store had before there were accounts: a mailbox is the way to a profile."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from api import HERE, PASSWORD, Api
from outgrow.campus.accounts import claims
from outgrow.campus.accounts.claims import Invitations
from outgrow.campus.accounts.credentials import Codes
from outgrow.campus.mail import Letter, Mail
from outgrow.campus.people.schools import Domains
from outgrow.db.pool import Database
from outgrow.errors import Conflict, NotFound, Unavailable
from outgrow.queries import Query
from outgrow.store import Store
from pages import browsers
from test_cli_kv import COMMAND, environment, outgrow
from test_confirmations import CODE, Outbox, Smtp, opened

OLD = "Old@Mail.example"
OPEN = "Open School"
NEW = {"password": PASSWORD, "name": "Somebody Else", "school": OPEN}


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


async def put(database: Database, user_id: str, email: Any, school: str = OPEN) -> None:
    profile = {"id": user_id, "name": "Old Hand", "school": school, "email": email}
    await Store(database).set(f"user:{user_id}", profile)


async def settled(api: Api) -> None:
    await api.services.confirmations.mail.background.settle()


async def sign_up(api: Api, email: str = OLD.lower(), **more: str) -> Any:
    return await api.post("/auth/signup", {**NEW, "email": email, **more})


async def verify(api: Api, code: str, email: str = OLD.lower()) -> Any:
    return await api.post("/auth/verify", {"email": email, "code": code, "password": PASSWORD})


async def confirm(api: Api, code: str, email: str = OLD.lower()) -> int:
    body = {"email": email, "code": code, "password": PASSWORD}
    answer = await api.post("/auth/reset/confirm", body)
    return answer.status_code


async def count(database: Database, table: str) -> int:
    return int(await database.value(Query("t", f"SELECT count(*) FROM {table}")))


async def test_a_sign_up_gets_the_profile_that_is_there(phased: Database, outbox: Outbox) -> None:
    async with opened(phased, outbox) as api:
        await put(phased, "old", OLD)
        asked = await sign_up(api)
        assert (asked.status_code, asked.json()["status"]) == (202, "code_sent")
        assert [letter.to for letter in outbox.letters] == [OLD]  # as the profile writes it
        assert (await verify(api, "12345678")).status_code == 400
        code = outbox.code()
        answers = await asyncio.gather(*(verify(api, code) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [201, 400, 400]
        made = next(answer.json() for answer in answers if answer.status_code == 201)
        assert made["user_id"] == "old"
        assert made["profile"]["name"] == "Old Hand"
        assert await count(phased, "campus.users") == await count(phased, "network.accounts") == 1
        assert await phased.value(
            Query("t", "SELECT verified_at IS NOT NULL FROM network.accounts")
        )
        assert (await sign_up(api)).json()["code"] == "email_taken"
        login = {"email": OLD, "password": PASSWORD}
        assert (await api.post("/auth/login", login)).status_code == 200


async def test_a_reset_sets_the_first_password(phased: Database, outbox: Outbox) -> None:
    async with opened(phased, outbox) as api:
        await put(phased, "old", OLD)
        known = await api.post("/auth/reset", {"email": OLD.upper()})
        unknown = await api.post("/auth/reset", {"email": "nobody@mail.example"})
        assert (known.status_code, known.content) == (202, unknown.content)
        await settled(api)
        assert [letter.to for letter in outbox.letters] == [OLD]
        code = outbox.code()
        assert await confirm(api, code, "nobody@mail.example") == 400
        answers = await asyncio.gather(*(confirm(api, code) for _ in range(3)))
        assert sorted(answers) == [204, 400, 400]
        login = await api.post("/auth/login", {"email": OLD, "password": PASSWORD})
        assert login.json()["user_id"] == "old"


async def test_where_every_sign_up_needs_a_code_none_tells(
    campus: Database, outbox: Outbox
) -> None:
    api = await Api.open(campus, mail=outbox, limits=None, codes_always=True)
    try:
        await put(campus, "old", OLD)
        await put(campus, "a", "two@mail.example")
        await put(campus, "b", "two@mail.example")
        emails = ["free@mail.example", OLD, "two@mail.example"]
        for _ in range(2):  # at last there is an account, too
            answers = [await sign_up(api, email) for email in emails]
            outcomes = [(a.status_code, a.json().pop("status"), a.json().keys()) for a in answers]
            assert outcomes == [(202, "code_sent", {"status", "sign_up"})] * 3
            assert [letter.to.lower() for letter in outbox.letters] == [e.lower() for e in emails]
            await verify(api, CODE.findall(outbox.letters[1].text)[0]) if _ == 0 else None
            outbox.letters.clear()
        assert await count(campus, "network.accounts") == 1
    finally:
        await api.close()


async def test_what_it_costs_does_not_tell_either(campus: Database, outbox: Outbox) -> None:
    """In phase `initial` a look for a profile takes a second, where there are many."""
    api = await Api.open(campus, mail=outbox, limits=None, codes_always=True)
    try:
        await put(campus, "old", OLD)
        await put(campus, "with", "with@mail.example")
        await api.services.accounts.create("with@mail.example", PASSWORD, "with")
        emails = ["free@mail.example", OLD.lower(), "with@mail.example"]
        done: list[str] = []
        campus.observe_with(lambda name, seconds: done.append(name))
        for ask in sign_up, partial(confirm, code="1"), partial(verify, code="1"):
            looks = []
            for email in emails:
                done.clear()
                await ask(api, email=email)
                looks.append(done.count("claims.profiles"))
            assert looks == [1, 1, 1]
        await api.post("/auth/verify/resend", {"email": "with@mail.example"})
        await settled(api)
        assert not re.search(r"\d{6}", outbox.letters[-1].text)
    finally:
        await api.close()


async def test_two_profiles_with_one_e_mail_are_the_operators(
    phased: Database, outbox: Outbox
) -> None:
    async with opened(phased, outbox) as api:
        await put(phased, "a", OLD)
        await put(phased, "b", OLD.lower())
        assert (await sign_up(api)).status_code == 202
        await api.post("/auth/reset", {"email": OLD})
        await settled(api)
        assert len(outbox.letters) == 2
        assert not any(CODE.search(letter.text) for letter in outbox.letters)
        assert (await claims.survey_people(phased)).disputed == {OLD.lower(): ["a", "b"]}
        with pytest.raises(Conflict, match="does not say whose"):
            await claims.claim_for_operator(phased, "a")
        await claims.link_email(phased, OLD, "a")
        await claims.link_email(phased, OLD, "b")  # the last word counts
        await api.post("/auth/reset", {"email": OLD})
        await settled(api)
        assert await confirm(api, outbox.code()) == 204
        login = await api.post("/auth/login", {"email": OLD, "password": PASSWORD})
        assert login.json()["user_id"] == "b"
        assert await count(phased, "network.invitations") == 0
        with pytest.raises(Conflict):
            await claims.link_email(phased, OLD, "a")
        with pytest.raises(NotFound):
            await claims.link_email(phased, "x@mail.example", "nobody")


@pytest.mark.parametrize(
    "email",
    [
        "=?utf-8?q?evil=40evil.example=20?=k@mail.example",
        "evil@evil.example, k@mail.example",
        "evil@evil.example\nTo: k@mail.example",
        "\u212a@mail.example",
        " k@mail.example",
        '"k"@mail.example',
        ["k@mail.example"],
        {"email": "k@mail.example"},
        7,
        None,
    ],
)
async def test_what_is_no_address_lets_nobody_in(
    campus: Database, outbox: Outbox, email: Any
) -> None:
    async with opened(campus, outbox) as api:
        await put(campus, "old", email)
        for address in ("k@mail.example", "evil@evil.example"):
            await api.post("/auth/reset", {"email": address})
            await sign_up(api, address)
        await settled(api)
        for letter in outbox.letters:
            assert not CODE.search(letter.text)
        survey = await claims.survey_people(campus)
        assert (survey.unusable, survey.ready) == (["old"], [])
        await claims.link_email(campus, "real@mail.example", "old")
        assert [c.email for c in (await claims.survey_people(campus)).ready] == [
            "real@mail.example"
        ]


async def test_a_code_is_for_one_profile_and_one_address(campus: Database, outbox: Outbox) -> None:
    """An old client may write between the mail and the code."""
    async with opened(campus, outbox) as api:
        for change in ({"old": None, "other": OLD}, {"old": OLD.upper()}, {"second": OLD}):
            await put(campus, "old", OLD)
            await api.post("/auth/reset", {"email": OLD})
            await settled(api)
            for user_id, email in change.items():
                await put(campus, user_id, email)
            assert await confirm(api, outbox.code()) == 400
            await Store(campus).mdel(["user:other", "user:second"])
        assert await count(campus, "network.accounts") == 0


async def test_a_school_with_domains_keeps_them(campus: Database, outbox: Outbox) -> None:
    async with opened(campus, outbox) as api:
        await put(campus, "in", "in@northfield.example", HERE)
        await put(campus, "out", OLD, HERE)
        for email in ("in@northfield.example", OLD):
            await api.post("/auth/reset", {"email": email})
        await settled(api)
        coded = [letter.to for letter in outbox.letters if CODE.search(letter.text)]
        assert coded == ["in@northfield.example"]
        assert (await claims.survey_people(campus)).of_no_domain == ["out"]
        await claims.link_email(campus, OLD, "out")
        assert (await claims.claim_for_operator(campus, OLD)).user_id == "out"


@pytest.mark.parametrize("way", ["reset", "sign-up"])
@pytest.mark.parametrize("school", [HERE, OPEN])
async def test_whom_an_operator_gave_a_profile_is_of_its_school_of_then(
    phased: Database, outbox: Outbox, way: str, school: str
) -> None:
    """And of no school that an old client wrote into it before the code came back."""
    async with opened(phased, outbox) as api:
        await Domains(phased).add(HERE, "northfield.example")
        await put(phased, "out", "nobody@elsewhere.example", school)
        await claims.link_email(phased, OLD, "out")
        await put(phased, "out", "nobody@elsewhere.example", HERE)
        if way == "reset":
            await api.post("/auth/reset", {"email": OLD})
            await settled(api)
            assert await confirm(api, outbox.code()) == 204
        else:
            assert (await sign_up(api)).status_code == 202
            assert (await verify(api, outbox.code())).status_code == 201
        body = {"email": OLD, "password": PASSWORD}
        token = (await api.post("/auth/login", body)).json()["access_token"]
        answer = await api.get("/profiles", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == (200 if school == HERE else 403)


class Sink:
    """Takes mail, and fails when it is told to."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.broken: set[str] = set()

    async def __call__(self, letter: Letter) -> None:
        if letter.to in self.broken:
            raise ConnectionRefusedError
        self.letters.append(letter)

    def code(self, to: str) -> str:
        text = next(letter.text for letter in reversed(self.letters) if letter.to == to)
        return next(line.strip() for line in text.splitlines() if re.fullmatch(r"  \w{12}", line))


@asynccontextmanager
async def inviting(database: Database) -> AsyncIterator[tuple[Invitations, Sink, Api]]:
    """Invitations whose codes a server takes."""
    sink = Sink()
    api = await Api.open(database, mail=sink, limits=None)
    codes: Codes = api.services.confirmations._codes
    yield Invitations(database, codes, Mail(sink), "https://campus.example"), sink, api
    await api.close()


async def run(database: Database, sender: Invitations) -> claims.Mailed:
    survey = await claims.survey_people(database)
    return await sender.send_all(survey.ready, 6_000, lambda done: None)


async def test_everybody_is_invited_once(phased: Database) -> None:
    async with inviting(phased) as (sender, sink, api):
        await api.sign_up(email="new@mail.example")
        for name in "abcd":
            await put(phased, name, f"{name}@mail.example")
        await put(phased, "e", "no address")
        sink.broken = {"b@mail.example"}
        sent = await run(phased, sender)
        assert (sent.mailed, sent.failed) == (3, ["b"])
        sink.broken = set()
        sent = await run(phased, sender)
        assert (sent.mailed, sent.failed) == (1, [])
        assert (await run(phased, sender)).mailed == 0
        assert sorted(letter.to for letter in sink.letters) == [f"{n}@mail.example" for n in "abcd"]
        code = sink.code("c@mail.example")
        assert await confirm(api, code, "d@mail.example") == 400
        assert await confirm(api, code.upper(), "c@mail.example") == 204
        assert await confirm(api, code, "c@mail.example") == 400
        survey = await claims.survey_people(phased)
        assert (survey.mailed, survey.with_account, survey.unusable) == (3, 2, ["e"])
        over = "UPDATE network.codes SET expires_at = now() WHERE purpose = 'invite'"
        await phased.run(Query("t", over))
        assert await confirm(api, sink.code("d@mail.example"), "d@mail.example") == 400
        await sender.send(await claims.claim_for_operator(phased, "d"), again=True)
        assert await confirm(api, sink.code("d@mail.example"), "d@mail.example") == 204


async def test_a_mail_server_that_takes_nothing_ends_the_run(campus: Database) -> None:
    async with inviting(campus) as (sender, sink, _):
        for number in range(8):
            await put(campus, f"u{number}", f"u{number}@mail.example")
        sink.broken = {f"u{number}@mail.example" for number in range(8)}
        with pytest.raises(Unavailable):
            await run(campus, sender)
        assert len((await claims.survey_people(campus)).ready) == 8
        sink.broken = set()
        assert (await run(campus, sender)).mailed == 8


async def test_the_command_is_throttled_and_goes_on_after_a_kill(
    campus: Database, campus_url: str
) -> None:
    mailbox = Smtp()
    server = await asyncio.start_server(mailbox.serve, "127.0.0.1", 0)
    url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    env = {"DATABASE_URL": campus_url, "OUTGROW_SMTP_URL": url, "OUTGROW_MAIL_FROM": "c@x.example"}
    for number in range(12):
        await put(campus, f"u{number}", f"u{number}@mail.example")
    all_ = ("account", "invite", "--all", "--url", "https://campus.example")
    planned = await asyncio.to_thread(outgrow, *all_, "--plan", "--json", **env)
    assert json.loads(planned.stdout)["ready"] == 12
    assert mailbox.taken == []
    few = await asyncio.to_thread(outgrow, *all_, "--limit", "2", "--json", **env)
    assert json.loads(few.stdout)["mailed"] == len(mailbox.taken) == 2
    process = subprocess.Popen([*COMMAND, *all_, "--per-minute", "120"], env=environment(**env))
    while len(mailbox.taken) < 4:
        await asyncio.sleep(0.02)
    process.kill()
    await asyncio.to_thread(process.wait)
    rest = await asyncio.to_thread(outgrow, *all_, "--per-minute", "6000", "--json", **env)
    answer = json.loads(rest.stdout)
    to = [re.search(rb"^To: (\S+)", mail, re.MULTILINE)[1] for mail in mailbox.taken]  # type: ignore[index]
    assert len(to) == len(set(to))
    assert len(to) + len(answer["unsure"]) >= 12
    assert b"https://campus.example/invited" in mailbox.taken[0]
    done = await asyncio.to_thread(
        outgrow, "account", "invite", "u3", "--url", "https://campus.example", **env
    )
    assert (done.returncode, done.stdout) == (0, "mailed to u3@mail.example\n")
    server.close()


async def test_the_commands_of_conflicts(campus: Database, campus_url: str) -> None:
    for user_id in "ab":
        await put(campus, user_id, OLD)

    async def output_of(*arguments: str) -> str:
        done = await asyncio.to_thread(outgrow, "account", *arguments, DATABASE_URL=campus_url)
        return done.stdout + done.stderr

    assert await output_of("conflicts") == f"{OLD.lower()}: a, b\n"
    assert "email_disputed" in await output_of("invite", "a", "--url=http://x", "--json")
    assert "a is of" in await output_of("link", OLD, "a")
    assert await output_of("conflicts") == "every e-mail says whose profile it is\n"
    assert "no_mail" in await output_of("invite", "--all", "--url=http://x", "--json")
    assert "mailed to" in await output_of("invite", "a", "--url=http://x")


async def test_a_deletion_takes_the_invitation_too(campus: Database) -> None:
    async with inviting(campus) as (_, __, api):
        ada = await api.sign_up()
        await campus.run(claims.SQL["begin"], ada.id, "x@x.example", "x@x.example", True)
        gone = await ada.call("DELETE", "/profiles/me", json={"password": PASSWORD})
        assert gone.status_code == 204
        assert await count(campus, "network.invitations") == 0


async def test_domains_of_schools_are_asked_once_each(campus: Database) -> None:
    await Domains(campus).add(HERE, "northfield.example")
    for number in range(200):
        await put(campus, f"u{number}", f"u{number}@northfield.example", HERE)
    asked: list[str] = []
    campus.observe_with(lambda name, seconds: asked.append(name))
    assert len((await claims.survey_people(campus)).ready) == 200
    assert len(asked) < 10


@pytest.mark.parametrize("known", [{}, {"bio": "I grow tomatoes."}, {"interests": ["chess"]}])
async def test_who_comes_back_is_asked_for_nothing_that_is_there(
    campus: Database, outbox: Outbox, known: dict[str, Any]
) -> None:
    async with opened(campus, outbox) as api, browsers(api) as somebody:
        profile = {"id": "old", "name": "Old Hand", "school": OPEN, "email": OLD.lower(), **known}
        await Store(campus).set("user:old", profile)
        browser = await somebody()
        await browser.open("/sign-up")
        typed: dict[str, Any] = {"name": "Old Hand", "school": OPEN, "email": OLD.lower()}
        await browser.send("/sign-up", password=PASSWORD, **typed)
        await settled(api)
        page = await browser.send("/sign-up/code", code=outbox.code(), password=PASSWORD)
        assert ("as you left it" in page.text) is bool(known)
        assert ("Say a few words" in page.text) is (not known)
