"""Every route, asked by everybody: nobody, somebody of another school, of the same, somebody whom
the one has blocked, the other of the one's chat or intro, the one whom the path is about, by a
session that has ended, and somebody whose connection the one has removed. The latter, and who is
blocked, are in a chat that they had with the one. A route without a row here fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from api import ELSEWHERE, HERE, PASSWORD, Api, Person, session_of
from outgrow.db.pool import Database
from outgrow.web.api import ROUTES

# (method, path): what CALLERS are answered.
MATRIX: dict[tuple[str, str], tuple[int, ...]] = {
    ("POST", "/auth/signup"): (201, 201, 201, 201, 201, 201, 201, 201),
    ("POST", "/auth/login"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "/auth/refresh"): (401, 401, 401, 401, 401, 401, 401, 401),
    ("POST", "/auth/logout"): (401, 204, 204, 204, 204, 204, 401, 204),
    ("POST", "/auth/verify"): (400, 400, 400, 400, 400, 400, 400, 400),
    ("POST", "/auth/verify/resend"): (202, 202, 202, 202, 202, 202, 202, 202),
    ("POST", "/auth/reset"): (202, 202, 202, 202, 202, 202, 202, 202),
    ("POST", "/auth/reset/confirm"): (400, 400, 400, 400, 400, 400, 400, 400),
    ("POST", "/auth/password"): (401, 204, 204, 204, 204, 204, 401, 204),
    ("GET", "/auth/sessions"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("DELETE", "/auth/sessions"): (401, 204, 204, 204, 204, 204, 401, 204),
    ("DELETE", "/auth/sessions/{session}"): (401, 404, 404, 404, 404, 204, 401, 404),
    ("GET", "/profiles"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("POST", "/profiles"): (401, 409, 409, 409, 409, 409, 401, 409),
    ("GET", "/profiles/me"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("PATCH", "/profiles/me"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("DELETE", "/profiles/me"): (401, 204, 204, 204, 204, 204, 401, 204),
    ("GET", "/profiles/me/export"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("GET", "/profiles/{id}"): (401, 404, 200, 404, 200, 200, 401, 200),
    ("GET", "/profiles/{id}/connections"): (401, 404, 200, 404, 200, 200, 401, 200),
    ("GET", "/profiles/{id}/connections/mutual"): (401, 404, 200, 404, 200, 200, 401, 200),
    ("GET", "/profiles/{id}/connected-by"): (401, 404, 200, 404, 200, 200, 401, 200),
    ("GET", "/connections"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("DELETE", "/connections/{id}"): (401, 204, 404, 204, 204, 404, 401, 404),
    ("POST", "/connections/{id}/chat"): (401, 404, 404, 404, 200, 404, 401, 404),
    ("GET", "/discover"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("GET", "/suggestions"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("POST", "/intros"): (401, 404, 201, 404, 409, 400, 401, 201),
    ("GET", "/intros/incoming"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("GET", "/intros/outgoing"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("POST", "/intros/{id}/accept"): (401, 404, 404, 404, 404, 200, 401, 404),
    ("POST", "/intros/{id}/decline"): (401, 404, 404, 404, 404, 200, 401, 404),
    ("POST", "/intros/{id}/withdraw"): (401, 404, 404, 404, 404, 200, 401, 404),
    ("GET", "/chats"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("GET", "/chats/{id}"): (401, 404, 404, 200, 200, 200, 401, 200),
    ("GET", "/chats/{id}/messages"): (401, 404, 404, 200, 200, 200, 401, 200),
    ("POST", "/chats/{id}/messages"): (401, 404, 404, 403, 201, 201, 401, 403),
    ("POST", "/chats/{id}/read"): (401, 404, 404, 204, 204, 204, 401, 204),
    ("POST", "/chats/{id}/typing"): (401, 404, 404, 403, 204, 204, 401, 403),
    ("GET", "/blocks"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("PUT", "/blocks/{id}"): (401, 204, 204, 204, 204, 400, 401, 204),
    ("DELETE", "/blocks/{id}"): (401, 204, 204, 204, 204, 400, 401, 204),
    ("POST", "/reports"): (401, 201, 201, 201, 201, 400, 401, 201),
    ("GET", "/search"): (401, 200, 200, 200, 200, 200, 401, 200),
    ("GET", "/schools"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/healthz"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/readyz"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/metrics"): (404, 404, 404, 404, 404, 404, 404, 404),
    ("GET", "/openapi.json"): (200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "/docs"): (200, 200, 200, 200, 200, 200, 200, 200),
}
CALLERS = (
    *("nobody", "another school", "same school", "blocked", "the other", "the one"),
    *("ended session", "removed"),
)


@pytest.fixture
async def api(campus: Database) -> AsyncIterator[Api]:
    """Without limits: everybody asks from the same address."""
    api = await Api.open(campus, limits=None)
    yield api
    await api.close()


def body_for(path: str, person: Person, caller: str) -> Any:
    name = {"name": "Ada Okafor", "school": HERE}
    return {
        "/auth/signup": {**name, "email": f"{caller.replace(' ', '.')}@new.example"}
        | {"password": PASSWORD},
        "/auth/login": {"email": person.email, "password": PASSWORD},
        "/auth/refresh": {"refresh_token": "A" * 64},
        "/auth/verify": {"email": person.email, "code": "123456", "password": PASSWORD},
        "/auth/verify/resend": {"email": person.email},
        "/auth/reset": {"email": person.email},
        "/auth/reset/confirm": {"email": person.email, "code": "12345678", "password": PASSWORD},
        "/auth/password": {"old": PASSWORD, "new": "quite another one"},
        "/profiles": name,
        "/profiles/me": {"bio": "changed"},
        "/intros": {"to": person.id, "reason": "study"},
        "/reports": {"profile": person.id, "reason": "spam"},
        "/chats/{id}/messages": {"content": "Chess at five?"},
        "/chats/{id}/read": {"pos": 1},
    }.get(path)


async def about(api: Api, path: str, person: Person) -> tuple[str, Person]:
    """The id of what the path is about, the one or something of theirs; and the other of it."""
    other = await api.sign_up("The Other")
    sender, to = (person, other) if path.endswith("/withdraw") else (other, person)
    answer = await sender.call("POST", "/intros", json={"to": to.id, "reason": "study"})
    intro_id = str(answer.json()["id"])
    if path.startswith("/intros/"):
        return intro_id, other
    answer = await to.call("POST", f"/intros/{intro_id}/accept")
    return str(answer.json()["chat_id"]) if path.startswith("/chats/") else person.id, other


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(MATRIX) == {(route.method, route.path) for route in ROUTES}


@pytest.mark.parametrize(("method", "path"), MATRIX)
async def test_matrix(api: Api, method: str, path: str) -> None:
    target = await api.sign_up("The One")
    id_, other = await about(api, path, target)
    chats = {}
    blocked, removed = await api.sign_up("Kept Off"), await api.sign_up("Left Behind")
    for caller, left, method_, path_ in (
        ("blocked", blocked, "PUT", "/blocks"),
        ("removed", removed, "DELETE", "/connections"),
    ):
        asked = {"json": {"to": target.id, "reason": "study"}}
        intro_id = (await left.call("POST", "/intros", **asked)).json()["id"]
        answer = await target.call("POST", f"/intros/{intro_id}/accept")
        chats[caller] = answer.json()["chat_id"]
        assert (await target.call(method_, f"{path_}/{left.id}")).status_code == 204
    far, near = await api.sign_up("Far Away", ELSEWHERE), await api.sign_up("Near By")
    ended = await api.sign_up("Gone Away")
    confirmation = {"password": PASSWORD}
    assert (await ended.call("DELETE", "/auth/sessions", json=confirmation)).status_code == 204
    everybody = None, far, near, blocked, other, target, ended, removed
    people = dict(zip(CALLERS, everybody, strict=True))
    url = path.replace("{id}", id_).replace("{session}", session_of(target))
    url += "?q=one" if path == "/search" else ""
    # From outside: what is the operator's alone is not shown to anybody who is signed in either.
    options: dict[str, Any] = {"headers": {"x-forwarded-for": "203.0.113.7"}}
    answers = []
    for caller, person in people.items():
        body = body_for(path, target, caller)
        if method == "DELETE" and (path == "/profiles/me" or path.startswith("/auth/sessions")):
            body = confirmation
        if body is not None and method != "GET":
            options["json"] = body
        call = person.call if person else api.client.request
        theirs = url.replace(id_, chats[caller]) if "/chats/" in url and caller in chats else url
        answers.append((await call(method, theirs, **options)).status_code)
    assert tuple(answers) == MATRIX[method, path], dict(zip(CALLERS, answers, strict=True))


@pytest.mark.parametrize(
    "path", [p for method, p in MATRIX if method == "GET" and "/profiles/{id}" in p]
)
async def test_hidden_foreign_and_missing_people_are_told_apart_by_nobody(
    api: Api, path: str
) -> None:
    me = await api.sign_up("Me Myself")
    foreign = await api.sign_up("Far Away", ELSEWHERE)
    hidden = await api.sign_up("Hid Den")
    answer = await hidden.call(
        "PATCH", "/profiles/me", json={"settings": {"profile_visible": False}}
    )
    assert answer.status_code == 200
    seen = []
    for id_ in (foreign.id, hidden.id, "00000000-0000-0000-0000-000000000000", "a:b", "x" * 300):
        answer = await me.get(path.replace("{id}", id_))
        problem = answer.json()
        for varying in ("instance", "request_id"):
            problem.pop(varying)
        headers = {k: v for k, v in answer.headers.items() if k not in ("x-request-id")}
        headers.pop("content-length")
        seen.append((answer.status_code, problem, headers))
    assert seen[0][0] == 404
    assert all(other == seen[0] for other in seen)
    assert (await hidden.get(path.replace("{id}", hidden.id))).status_code == 200
