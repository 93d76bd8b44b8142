"""Sessions as a state machine: opened, exchanged, ended in every way, beside a small model."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from api import PASSWORD
from machines import Machine, hold
from outgrow.campus.accounts.accounts import GRACE_SECONDS
from outgrow.db.embedded import EmbeddedServer

PASSWORDS = (PASSWORD, "another long password")
whom = st.sampled_from([0, 1])
which = st.integers(0, 5)
mostly = st.sampled_from([True, True, True, False])


@dataclass
class Kept:
    """A session: whose, and the tokens that it gave out last. `spent` are those it gave before."""

    owner: int
    tokens: dict[str, Any]
    spent: str | None = None
    spent_at: float = 0.0
    alive: bool = True


class Sessions(Machine):
    """Two accounts, each signed in as often as they like."""

    CLEAN = "DELETE FROM network.sessions"
    passwords: list[int]  # which of PASSWORDS each account has; all runs share the people

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Kept] = []
        self.turn = 0

    def call(self, method: str, path: str, kept: Kept | None = None, body: Any = None) -> Any:
        token = kept.tokens["access_token"] if kept else None
        headers = {"authorization": f"Bearer {token}"} if token else {}
        client = self.people[0].api.client
        return self.wait(client.request(method, path, headers=headers, json=body))

    @rule(owner=whom, right=mostly)
    def signs_in(self, owner: int, right: bool) -> None:
        has = self.passwords[owner]
        password = PASSWORDS[has if right else 1 - has]
        body = {"email": self.people[owner].email, "password": password}
        answer = self.call("POST", "/auth/login", body=body)
        assert answer.status_code == (200 if right else 401)
        if right:
            self.kept.append(Kept(owner, answer.json()))

    @precondition(lambda self: self.kept)
    @rule(number=which)
    def exchanges(self, number: int) -> None:
        kept = self.kept[number % len(self.kept)]
        token = kept.tokens["refresh_token"]
        answer = self.call("POST", "/auth/refresh", body={"refresh_token": token})
        assert answer.status_code == (200 if kept.alive else 401)
        if kept.alive:
            kept.tokens, kept.spent, kept.spent_at = answer.json(), token, time.monotonic()

    @precondition(lambda self: any(kept.spent for kept in self.kept))
    @rule(number=which)
    def exchanges_a_spent_one(self, number: int) -> None:
        """At once, as a second tab does: it fails, and harms nothing."""
        spent = [kept for kept in self.kept if kept.spent]
        kept = spent[number % len(spent)]
        if time.monotonic() - kept.spent_at < GRACE_SECONDS / 2:
            answer = self.call("POST", "/auth/refresh", body={"refresh_token": kept.spent})
            assert answer.status_code == 401

    @precondition(lambda self: self.kept)
    @rule(number=which)
    def signs_out(self, number: int) -> None:
        kept = self.kept[number % len(self.kept)]
        answer = self.call("POST", "/auth/logout", kept)
        assert answer.status_code == (204 if kept.alive else 401)
        kept.alive = False

    @precondition(lambda self: self.kept)
    @rule(number=which, other=which)
    def ends_another(self, number: int, other: int) -> None:
        """Only one's own, and only from a session that is alive itself."""
        kept, meant = (self.kept[n % len(self.kept)] for n in (number, other))
        confirmation = {"password": PASSWORDS[self.passwords[kept.owner]]}
        answer = self.call("DELETE", f"/auth/sessions/{self.id_of(meant)}", kept, confirmation)
        if not kept.alive:
            assert answer.status_code == 401
        elif meant.owner != kept.owner or not meant.alive:
            assert answer.status_code == 404
        else:
            assert answer.status_code == 204
            meant.alive = False

    @precondition(lambda self: self.kept)
    @rule(number=which, right=mostly)
    def changes_the_password(self, number: int, right: bool) -> None:
        """Which ends every other session of the account."""
        kept = self.kept[number % len(self.kept)]
        has = self.passwords[kept.owner]
        old = PASSWORDS[has if right else 1 - has]
        body = {"old": old, "new": PASSWORDS[1 - has]}
        answer = self.call("POST", "/auth/password", kept, body)
        assert answer.status_code == (401 if not kept.alive else 204 if right else 403)
        if answer.status_code == 204:
            self.passwords[kept.owner] = 1 - has
            for other in self.kept:
                if other.owner == kept.owner and other is not kept:
                    other.alive = False

    def id_of(self, kept: Kept) -> str:
        claims = jwt.decode(kept.tokens["access_token"], options={"verify_signature": False})
        return str(claims["sid"])

    @precondition(lambda self: self.kept)
    @invariant()
    def each_is_what_it_should_be(self) -> None:
        """In turn, after each step one of them: what is wrong stays wrong."""
        self.turn += 1
        kept = self.kept[self.turn % len(self.kept)]
        answer = self.call("GET", "/auth/sessions", kept)
        assert answer.status_code == (200 if kept.alive else 401)
        if kept.alive:
            mine = [k for k in self.kept if k.owner == kept.owner and k.alive]
            listed = answer.json()["items"]
            assert {session["id"] for session in listed} == {self.id_of(k) for k in mine}
            assert [session["id"] for session in listed if session["current"]] == [self.id_of(kept)]


@pytest.mark.parametrize("examples", [12, pytest.param(200, marks=pytest.mark.soak)])
def test_sessions_end_as_they_should(
    server: EmbeddedServer, campus_template: str, examples: int
) -> None:
    Sessions.passwords = [0, 0]
    hold(Sessions, server, campus_template, "initial", people=2, examples=examples, steps=30)
