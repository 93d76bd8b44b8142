"""The prototype's way: the school's array, all its profiles by mget, filtered in the application.

PG* say where the database is, JWT_SECRET how tokens are signed, STORE which table it is.
"""

from __future__ import annotations

import os
from typing import Any

import asyncpg
import jwt
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.peers import serve

SECRET = os.environ["JWT_SECRET"]
STORE = '"' + os.environ["STORE"].replace('"', '""') + '"'
LIMIT = 20


class Store:
    """The two calls that a page needs, as the prototype's helper makes them."""

    def __init__(self) -> None:
        self._pool: Any = None

    async def get(self, key: str) -> Any:
        rows = await self.mget([key])
        return rows[0] if rows else None

    async def mget(self, keys: list[str]) -> list[Any]:
        if self._pool is None:
            self._pool = await asyncpg.create_pool(min_size=1, max_size=10)
        rows = await self._pool.fetch(f"SELECT value FROM {STORE} WHERE key = ANY ($1)", keys)
        return [msgspec.json.decode(row["value"]) for row in rows]


store = Store()


async def list_profiles(request: Request) -> Response:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return JSONResponse({"error": "unauthorized"}, 401)
    school = jwt.decode(token, SECRET, algorithms=["HS256"])["school"]
    ids = await store.get(f"school:{school}:users") or []
    users = await store.mget([f"user:{user_id}" for user_id in ids])
    major, year = request.query_params.get("major"), request.query_params.get("year")
    matching = [
        user
        for user in users
        if (major is None or user.get("major") == major)
        and (year is None or user.get("year") == year)
    ]
    matching.sort(key=lambda user: user.get("createdAt") or "", reverse=True)
    offset = int(request.query_params.get("offset", "0"))
    return JSONResponse({"items": matching[offset : offset + LIMIT], "total": len(matching)})


app = Starlette(routes=[Route("/profiles", list_profiles)])

if __name__ == "__main__":
    serve(app)
