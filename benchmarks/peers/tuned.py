"""FastAPI as fast as it goes: SQLAlchemy Core in autocommit, msgspec, tokens verified once.

The same table, index and server as the usual way has (`relational`). There is no response model: an
answer goes out as msgspec encodes it.
"""

from __future__ import annotations

import os
import time
from typing import Annotated, Any

import jwt
import msgspec
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Response
from sqlalchemy import bindparam, column, desc, select, table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.peers import serve

SECRET = os.environ["JWT_SECRET"]
REMEMBERED = 4096  # tokens
engine = create_async_engine(
    "postgresql+asyncpg://",
    pool_size=10,
    max_overflow=0,
    pool_reset_on_return=None,
    isolation_level="AUTOCOMMIT",
    json_deserializer=msgspec.json.decode,
)
names = ("id", "name", "school", "major", "year", "created_at")
users = table("users", *map(column, names), column("profile", JSONB), schema="relational")
OF_SCHOOL = select(users).where(users.c.school == bindparam("school"))
ONE = OF_SCHOOL.where(users.c.id == bindparam("id"))
FILTERS: tuple[tuple[str, ...], ...] = ((), ("major",), ("year",), ("major", "year"))
PAGES = {
    filters: OF_SCHOOL.where(*(users.c[name] == bindparam(name) for name in filters))
    .order_by(desc(users.c.created_at), desc(users.c.id))
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
    for filters in FILTERS
}
verified: dict[str, dict[str, Any]] = {}


async def own_school(authorization: Annotated[str, Header()] = "") -> str:
    claims = verified.get(authorization)
    if claims is None:
        try:
            token = authorization.partition(" ")[2]
            claims = jwt.decode(token, SECRET, algorithms=["HS256"])
        except jwt.InvalidTokenError as e:
            raise HTTPException(401, "invalid token") from e
        if len(verified) >= REMEMBERED:
            del verified[next(iter(verified))]
        verified[authorization] = claims
    if claims["exp"] <= time.time():
        raise HTTPException(401, "token expired")
    school: str = claims["school"]
    return school


School = Annotated[str, Depends(own_school)]
app = FastAPI()


async def found(statement: Any, values: dict[str, Any]) -> list[dict[str, Any]]:
    async with engine.connect() as connection:
        rows = (await connection.execute(statement, values)).mappings()
        return [{**row["profile"], **{name: row[name] for name in names}} for row in rows]


def encoded(answer: Any) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")


@app.get("/profiles")
async def list_profiles(
    school: School,
    major: str | None = None,
    year: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    given = {"major": major, "year": year}
    filters = {name: value for name, value in given.items() if value is not None}
    values = {"school": school, "limit": limit + 1, "offset": offset, **filters}
    people = await found(PAGES[tuple(filters)], values)
    following = people[limit - 1]["id"] if len(people) > limit else None
    return encoded({"items": people[:limit], "next": following})


@app.get("/profiles/{user_id}")
async def one_profile(user_id: str, school: School) -> Response:
    people = await found(ONE, {"school": school, "id": user_id})
    if not people:
        raise HTTPException(404, "no such profile")
    return encoded(people[0])


if __name__ == "__main__":
    serve(app)
