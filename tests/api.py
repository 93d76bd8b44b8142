"""A client for the application in this process, and people to send it with."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from outgrow.database import Database
from outgrow.web.app import make_app, make_network
from outgrow.web.http.routing import Network

PASSWORD = "a long enough password"
HERE = "Northfield University"
ELSEWHERE = "Southgate College"

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
    def __init__(self, network: Network, client: httpx.AsyncClient) -> None:
        self.network = network
        self.client = client

    @classmethod
    async def open(cls, database: Database, *, caller: str = "127.0.0.1", **options: Any) -> Api:
        network = await make_network(database, **options)
        transport = httpx.ASGITransport(app=make_app(network), client=(caller, 50000))
        return cls(network, httpx.AsyncClient(transport=transport, base_url="http://localhost"))

    async def close(self) -> None:
        await self.client.aclose()
        await self.network.settle()
        self.network.accounts.close()

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
