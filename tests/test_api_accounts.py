"""Sign up, log in, refresh, log out."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jwt
import pytest

from api import HERE, PASSWORD, Api, assert_problem
from outgrow.campus.accounts import accounts, sessions
from outgrow.campus.mail import LONGEST_EMAIL
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.web.api.schemas import LogInAnswer, SignUp
from outgrow.web.http import auth


async def refresh(api: Api, token: str) -> tuple[int, dict[str, Any]]:
    answer = await api.post("/auth/refresh", {"refresh_token": token})
    return answer.status_code, answer.json()


async def test_sign_up_makes_account_and_profile(api: Api) -> None:
    ada = await api.sign_up("  Ada Okafor ", major="Biology", interests=["chess"])
    me = (await ada.get("/profiles/me")).json()
    assert me["id"] == ada.id
    assert me["name"] == "Ada Okafor"
    assert (me["email"], me["school"], me["major"]) == (ada.email, HERE, "Biology")
    assert me["interests"] == ["chess"]
    assert me["created_at"].endswith("Z")
    assert ada.tokens["profile"] == me
    assert set(SignUp.__struct_fields__) == set(ada.tokens)


async def test_blanks_around_a_school_make_no_other_school(api: Api) -> None:
    await api.sign_up("Ada Okafor")
    bo = await api.sign_up("Bo Lund", school=f"  {HERE}\u00a0")
    assert len((await bo.get("/profiles")).json()["items"]) == 2
    assert (await bo.get("/connections")).status_code == 200
    assert (await api.get("/schools")).json()["items"] == [{"name": HERE}]


async def test_the_longest_email_can_sign_up(api: Api) -> None:
    email = "a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + ".example"
    assert len(email) == LONGEST_EMAIL
    ada = await api.sign_up(email=email)
    assert (await ada.get("/profiles/me")).json()["email"] == email


async def test_the_store_gets_what_the_prototype_would_have_written_and_no_credential(
    api: Api, campus: Database
) -> None:
    ada = await api.sign_up("Ada Okafor", year="Junior")
    rows = await campus.rows(Query("t", "SELECT key, value::text FROM kv_store_2516be19"))
    store = {row["key"]: json.loads(row["value"]) for row in rows}
    assert set(store) == {f"user:{ada.id}", f"school:{HERE}:users", "schools:all"}
    document = store[f"user:{ada.id}"]
    assert store[f"school:{HERE}:users"] == [ada.id]
    assert document["id"] == ada.id
    assert document["email"] == ada.email
    assert document["createdAt"].endswith("Z")
    assert document["settings"] == {
        "readReceipts": True,
        "profileVisible": True,
        "allowMessages": True,
        "showOnlineStatus": True,
    }
    text = json.dumps(store)
    assert "argon2" not in text
    assert PASSWORD not in text
    assert ada.tokens["refresh_token"] not in text


async def test_log_in_whatever_the_case_of_the_email(api: Api) -> None:
    ada = await api.sign_up(email="Ada.Okafor@Campus.Example")
    answer = await api.post(
        "/auth/login", {"email": "aDA.okafor@campus.EXAMPLE", "password": PASSWORD}
    )
    assert answer.status_code == 200
    assert answer.json()["user_id"] == ada.id
    assert set(answer.json()) == set(LogInAnswer.__struct_fields__)


@pytest.mark.parametrize("spelling", ["ada@campus.example", "ADA@campus.example"])
async def test_an_email_serves_one_account(api: Api, spelling: str) -> None:
    await api.sign_up(email="Ada@campus.example")
    answer = await api.post(
        "/auth/signup",
        {"email": spelling, "password": PASSWORD, "name": "Other One", "school": HERE},
    )
    assert answer.status_code == 409
    assert answer.json()["code"] == "email_taken"


async def test_the_email_of_a_profile_in_the_store_cannot_be_signed_up_with(
    api: Api, campus: Database
) -> None:
    await campus.run(
        Query(
            "t",
            "INSERT INTO kv_store_2516be19 VALUES "
            """('user:old', '{"id": "old", "email": "Old@Campus.example", "school": "X"}')""",
        )
    )
    body = {"email": "old@campus.example", "password": PASSWORD, "name": "Thief", "school": HERE}
    answer = await api.post("/auth/signup", body)
    assert answer.status_code == 202  # a code went to that mailbox; see test_claims.py
    assert await campus.value(Query("t", "SELECT count(*) FROM network.accounts")) == 0
    assert (await api.post("/auth/login", body | {})).status_code == 400  # name and school unknown
    await api.services.accounts.create("old@campus.example", PASSWORD, "old")  # the operator can
    login = {"email": "old@campus.example", "password": PASSWORD}
    assert (await api.post("/auth/login", login)).json()["user_id"] == "old"


async def test_two_sign_ups_with_one_email_at_once(api: Api) -> None:
    body = {"email": "ada@campus.example", "password": PASSWORD, "name": "Ada", "school": HERE}
    answers = await asyncio.gather(*(api.post("/auth/signup", body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_wrong_password_and_unknown_email_are_one_answer_and_one_cost(api: Api) -> None:
    ada = await api.sign_up()
    passwords = api.services.accounts._passwords
    seen = []
    for email in (ada.email, "nobody@campus.example", "not an e-mail", "nul\0@campus.example"):
        before = passwords.checks
        answer = await api.post("/auth/login", {"email": email, "password": "wrong password"})
        problem = answer.json()
        problem.pop("request_id")
        seen.append((answer.status_code, problem, passwords.checks - before))
    assert seen[0][0] == 401
    assert seen[0][2] == 1
    assert seen[1] == seen[0]
    assert seen[2] == seen[0]
    assert seen[3][1]["code"] == "bad_text"


async def test_too_many_sign_ins_at_once_are_turned_away(api: Api) -> None:
    await api.sign_up()
    login = {"email": "nobody@campus.example", "password": "wrong password"}
    answers = await asyncio.gather(*(api.post("/auth/login", login) for _ in range(80)))
    codes = {answer.json()["code"] for answer in answers}
    assert codes == {"wrong_credentials", "sign_in_busy"}


async def test_a_refresh_token_is_good_once(api: Api) -> None:
    ada = await api.sign_up()
    status, tokens = await refresh(api, ada.tokens["refresh_token"])
    assert status == 200
    ada.tokens = tokens
    assert (await ada.get("/profiles")).status_code == 200
    assert (await refresh(api, tokens["refresh_token"]))[0] == 200


async def test_of_two_refreshes_at_once_one_wins_and_the_session_lives(api: Api) -> None:
    ada = await api.sign_up()
    token = ada.tokens["refresh_token"]
    answers = await asyncio.gather(*(refresh(api, token) for _ in range(5)))
    won = [tokens for status, tokens in answers if status == 200]
    assert len(won) == 1
    assert {status for status, _ in answers} == {200, 401}
    assert (await refresh(api, won[0]["refresh_token"]))[0] == 200


async def test_an_old_refresh_token_ends_its_session_and_no_other(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await api.sign_up()
    login = {"email": ada.email, "password": PASSWORD}
    other = (await api.post("/auth/login", login)).json()
    stolen = ada.tokens["refresh_token"]
    _, second = await refresh(api, stolen)
    _, third = await refresh(api, second["refresh_token"])
    status, problem = await refresh(api, stolen)  # two turns old: no grace
    assert (status, problem["code"]) == (401, "bad_refresh_token")
    assert (await refresh(api, third["refresh_token"]))[0] == 401
    assert (await refresh(api, other["refresh_token"]))[0] == 200


async def test_the_grace_of_a_turned_token_ends(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await api.sign_up()
    _, second = await refresh(api, ada.tokens["refresh_token"])
    monkeypatch.setattr(accounts, "GRACE_SECONDS", 0)
    assert (await refresh(api, ada.tokens["refresh_token"]))[0] == 401
    assert (await refresh(api, second["refresh_token"]))[0] == 401


async def test_knowing_a_session_is_not_enough_to_end_it(api: Api) -> None:
    ada = await api.sign_up()
    session = jwt.decode(ada.tokens["access_token"], options={"verify_signature": False})["sid"]
    forged = sessions.RefreshToken(session, b"f" * 16, b"t" * 16)
    for text in (str(forged), "", "x", "=" * 64, "é" * 64, str(forged)[:-1]):
        assert (await refresh(api, text))[0] == 401
    assert (await refresh(api, ada.tokens["refresh_token"]))[0] == 200


async def test_log_out_ends_the_session(api: Api) -> None:
    ada = await api.sign_up()
    login = {"email": ada.email, "password": PASSWORD}
    other = (await api.post("/auth/login", login)).json()
    assert (await ada.call("POST", "/auth/logout")).status_code == 204
    assert (await ada.call("POST", "/auth/logout")).json()["code"] == "session_ended"
    assert (await refresh(api, ada.tokens["refresh_token"]))[0] == 401
    assert (await refresh(api, other["refresh_token"]))[0] == 200


async def test_only_hashes_of_tokens_and_passwords_are_kept(api: Api, campus: Database) -> None:
    ada = await api.sign_up()
    rows = await campus.rows(
        Query("t", "SELECT a::text || s::text AS kept FROM network.accounts a, network.sessions s")
    )
    kept = rows[0]["kept"]
    token = sessions.RefreshToken.parse(ada.tokens["refresh_token"])
    assert token is not None
    assert PASSWORD not in kept
    for secret in (token.family.hex(), token.turn.hex(), ada.tokens["refresh_token"]):
        assert secret not in kept
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in kept


async def test_expired_and_foreign_access_tokens(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "ACCESS_SECONDS", 4)
    ada = await api.sign_up()
    assert (await ada.get("/profiles")).status_code == 200
    await asyncio.sleep(4.1)
    answer = await ada.get("/profiles")  # known by now: remembered no longer than it is good
    assert_problem(answer, 401, "token_expired")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    claims = jwt.decode(ada.tokens["access_token"], options={"verify_signature": False})
    unsigned = jwt.encode(claims, None, algorithm="none")  # type: ignore[arg-type]
    forged = jwt.encode(claims, b"k" * 32, algorithm="HS256")
    for token in (unsigned, forged, "x", ""):
        answer = await api.get("/profiles", headers={"authorization": f"Bearer {token}"})
        assert_problem(answer, 401, "bad_token", token)
    answer = await api.get("/profiles", headers={"authorization": "Basic eDp5"})
    assert_problem(answer, 401, "not_signed_in")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("email", "no-at-sign", "bad_email"),
        ("email", "a@b", "bad_email"),
        ("email", "a b@campus.example", "bad_email"),
        ("email", "ü@campus.example", "bad_email"),
        ("email", "a@" + "b" * 260 + ".example", "bad_body"),
        ("email", "a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + ".examples", "bad_body"),
        ("password", "short", "bad_body"),
        ("password", "x" * 201, "bad_body"),
        ("name", "", "bad_body"),
        ("name", "   ", "bad_body"),
        ("name", "\u3000", "bad_body"),
        ("name", "\u200b", "bad_body"),
        ("name", "\u200bAda", "bad_body"),
        ("name", " \u200d\ufe0f ", "bad_body"),
        ("school", "\u00a0", "bad_body"),
        ("school", "\u2060\u180e", "bad_body"),
        ("major", "\u2003", "bad_body"),
        ("interests", ["a\n"], "bad_body"),
        ("name", "two\nlines", "bad_body"),
        ("name", "nul\0", "bad_body"),
        ("name", None, "bad_body"),
        ("school", "s" * 101, "bad_body"),
        ("major", 7, "bad_body"),
        ("interests", ["x"] * 51, "bad_body"),
        ("interests", [""], "bad_body"),
        ("admin", True, "bad_body"),
        ("id", "chosen", "bad_body"),
    ],
)
async def test_bad_sign_ups(api: Api, field: str, value: Any, code: str) -> None:
    body = {"email": "a@campus.example", "password": PASSWORD, "name": "Ada", "school": HERE}
    answer = await api.post("/auth/signup", {**body, field: value})
    assert_problem(answer, 400, code)


@pytest.mark.parametrize("name", ["👩\u200d🚀", "\u0e01\u0e33", "ﷺ", "\U00020000"])
async def test_a_name_with_something_to_see_is_one(api: Api, name: str) -> None:
    ada = await api.sign_up(name)
    assert (await ada.get("/profiles/me")).json()["name"] == name


async def test_a_failed_sign_up_leaves_nothing(api: Api, campus: Database) -> None:
    await api.sign_up(email="taken@campus.example")
    count = Query(
        "t", "SELECT (SELECT count(*) FROM network.accounts), (SELECT count(*) FROM campus.users)"
    )
    before = await campus.row(count)
    body = {"email": "taken@campus.example", "password": PASSWORD, "name": "B", "school": HERE}
    assert (await api.post("/auth/signup", body)).status_code == 409
    assert await campus.row(count) == before


async def test_an_operator_sets_a_password_and_ends_the_sessions(api: Api) -> None:
    ada = await api.sign_up()
    await api.services.accounts.set_password(ada.email.upper(), "quite another one")
    assert (await refresh(api, ada.tokens["refresh_token"]))[0] == 401
    old = await api.post("/auth/login", {"email": ada.email, "password": PASSWORD})
    new = await api.post("/auth/login", {"email": ada.email, "password": "quite another one"})
    assert (old.status_code, new.status_code) == (401, 200)
