"""A client for the application in this process, and people to send it with."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from outgrow.db.pool import Database
from outgrow.web.app import make_app, make_context
from outgrow.web.http.routing import HttpContext
from outgrow.web.services import Services, make_services

PASSWORD = "a long enough password"
HERE = "Northfield University"
ELSEWHERE = "Southgate College"

OF_HTTP = {"slow_query_ms", "metrics_token", "proxies", "https"}
"""Options of the context; others are those of the services."""

_numbers = itertools.count(1)


@dataclass
class Person:
    """Somebody who signed up: an id, tokens, and requests with them."""

    api: Api
    id: str
    email: str
    tokens: dict[str, Any]

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("GET", path, **options)

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens['access_token']}"}
        headers |= options.pop("headers", {})
        return await self.api.client.request(method, path, headers=headers, **options)


class Api:
    def __init__(self, services: Services, context: HttpContext, client: httpx.AsyncClient) -> None:
        self.services = services
        self.context = context
        self.client = client

    @classmethod
    async def open(cls, database: Database, *, caller: str = "127.0.0.1", **options: Any) -> Api:
        of_http = {name: options.pop(name) for name in OF_HTTP & options.keys()}
        services = await make_services(database, **options)
        context = make_context(services, **of_http)
        app = make_app(services, context)
        transport = httpx.ASGITransport(app=app, client=(caller, 50000))
        client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
        return cls(services, context, client)

    async def close(self) -> None:
        await self.client.aclose()
        await self.services.settle()
        self.services.accounts.close()

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, **options)

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.client.post(path, json=body)

    async def sign_up(self, name: str = "Ada Okafor", school: str = HERE, **more: Any) -> Person:
        email = more.pop("email", f"person{next(_numbers)}@campus.example")
        body = {"email": email, "password": PASSWORD, "name": name, "school": school, **more}
        answer = await self.post("/auth/signup", body)
        assert answer.status_code == 201, answer.text
        return Person(self, answer.json()["user_id"], email, answer.json())


def assert_problem(answer: httpx.Response, status: int, code: str, about: object = "") -> None:
    """Assert that an answer is this problem, of which `about` says what was asked."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), (about, answer.text)


def session_of(person: Person) -> str:
    """The id of the session of somebody's access token."""
    claims = jwt.decode(person.tokens["access_token"], options={"verify_signature": False})
    return str(claims["sid"])


async def pages(person: Person, path: str, *, limit: int, **query: Any) -> list[dict[str, Any]]:
    """Everything a list holds, by cursor."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        answer = await person.get(path, params={"limit": limit, **query, **more})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) == limit or page["next"] is None
        items += page["items"]
        cursor = page["next"]
    return items
