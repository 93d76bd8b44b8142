"""Passwords: which are refused, everywhere one is set, and how they are hashed anew."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from api import HERE, PASSWORD, Api, assert_problem
from outgrow.campus.accounts.credentials import SHORTEST_PASSWORD, _common_passwords, check_password
from outgrow.campus.mail import Letter
from outgrow.db.pool import Database
from outgrow.errors import BadInput
from outgrow.queries import Query
from pages import Somebody
from test_serve import environment

OWN = ("ada.okafor90@northfield.example", "Ada Ngozi Okafor", "Northfield University")


@pytest.mark.parametrize(
    "password",
    [
        *(
            "password",
            "Password",
            "PASSWORD1!",
            "12345678",
            "iloveyou",
            "sunshine2024",
            "!!baseball!!",
            "Summer2024!",
            "letmein!!",
            "welcome2025",
        ),
        *("aaaaaaaa", "11111111111", "abababab", "abcabcabc", "hunterhunter", "xyxyxyxyxy"),
        *("abcdefgh", "87654321", "qwertzuiop", "asdfghjkl", "aaaabbbb", "zxcvbnm,", "1234abcd"),
        *("ada.okafor90@northfield.example", "adaokafor", "Ada-Okafor-1990", "okafor2024!"),
        *(
            "Northfield",
            "northfielduniversity",
            "NorthfieldUniversity1",
            "outgrow2024",
            "OutgrowCampus",
        ),
        *("ｐａｓｓｗｏｒｄ", "passwordpassword"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_password(password, OWN)
    assert caught.value.code == "weak_password"
    assert password not in str(caught.value.detail)


@pytest.mark.parametrize(
    "password",
    [
        *(PASSWORD, "correct horse battery", "quite another one", "Tr0ub4dor&3", "x9!kQz2@"),
        *(
            "Ada likes long walks",
            "my okafor password is blue",
            "日本語のパスワード",
            "a better one still",
        ),
        *("dragon 2031-77-08", "the red dragon"),  # as much around a word as makes a password
        *("correcthorsecorrecthorse", "f7c3a91e", "2f8e6b1d", "97203845"),
    ],
)
def test_what_is_not_is_taken(password: str) -> None:
    assert check_password(password, OWN) == password


def test_only_the_length_counts_beside_that() -> None:
    for password in ("short", "x" * 201):
        with pytest.raises(BadInput) as caught:
            check_password(password)
        assert caught.value.code == "bad_password"


def test_the_list_is_whole() -> None:
    common = _common_passwords()
    assert all(password == password.casefold() for password in common)
    assert sum(len(password) >= SHORTEST_PASSWORD for password in common) == 10_000
    assert all(password.isalpha() for password in common if len(password) < SHORTEST_PASSWORD)
    assert {"password", "iloveyou", "12345678"} <= common


async def test_every_way_to_set_one_refuses_it(campus: Database) -> None:
    letters: list[Letter] = []

    async def collect(letter: Letter) -> None:
        letters.append(letter)

    api = await Api.open(campus, limits=None, mail=collect)
    body = {"email": "ada@campus.example", "name": "Ada Okafor", "school": HERE}
    for weak in ("password1", "ada.okafor", "northfield university"):
        answer = await api.post("/auth/signup", {**body, "password": weak})
        assert_problem(answer, 400, "weak_password")
    ada = await api.sign_up("Ada Okafor", email="ada@campus.example")
    answer = await ada.call("POST", "/auth/password", json={"old": PASSWORD, "new": "Okafor!!!1"})
    assert_problem(answer, 400, "weak_password")

    await api.post("/auth/reset", {"email": ada.email})
    await api.services.confirmations.mail.background.settle()
    match = re.search(r"code for a new password is (\S+),", letters[-1].text)
    assert match
    reset = {"email": ada.email, "code": match[1]}
    for weak in ("password1", "Okafor!!!1", "northfield university"):
        answer = await api.post("/auth/reset/confirm", {**reset, "password": weak})
        assert_problem(answer, 400, "weak_password")
    answer = await api.post("/auth/reset/confirm", {**reset, "password": "quite another one"})
    assert answer.status_code == 204, "the code is still good"

    for weak in ("password1", "Okafor!!!1"):
        with pytest.raises(BadInput, match="easy to guess"):
            await api.services.accounts.set_password(ada.email, weak)
    await api.close()


async def test_the_pages_say_it_beside_the_field(somebody: Somebody) -> None:
    ada = await somebody("Ada Okafor")
    await ada.open("/my/account")
    change = {"old": PASSWORD, "new": "okafor 2024", "again": "okafor 2024"}
    page = await ada.send("/my/account/password", 400, **change)
    assert "That password is easy to guess." in page.text
    new = await somebody()
    await new.open("/sign-up")
    typed = {"name": "Ben", "school": HERE, "email": "ben@campus.example", "password": "iloveyou"}
    page = await new.send("/sign-up", 400, **typed)
    assert "That password is easy to guess." in page.text


def test_the_operator_is_told_too(campus_url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "outgrow"),
            *("account", "set-password", "a@b.example", "--password-stdin"),
        ],
        env=environment(tmp_path, DATABASE_URL=campus_url),
        input="sunshine1\n",
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert "weak_password" in done.stderr or "easy to guess" in done.stderr


async def test_old_parameters_are_renewed_at_log_in(api: Api, campus: Database) -> None:
    ada = await api.sign_up()
    hash_now = Query("t", "SELECT password_hash FROM network.accounts")
    today = (await campus.value(hash_now)).split("$")[:4]
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await campus.run(Query("t", "UPDATE network.accounts SET password_hash = $1"), old)
    login = {"email": ada.email, "password": "a wrong password"}
    assert (await api.post("/auth/login", login)).status_code == 401
    assert await campus.value(hash_now) == old
    for _ in range(2):
        login = {"email": ada.email, "password": PASSWORD}
        assert (await api.post("/auth/login", login)).status_code == 200
        renewed = await campus.value(hash_now)
        assert renewed.split("$")[:4] == today
        old, previous = renewed, old
    assert renewed == previous, "once"
