"""The usual way: FastAPI, SQLAlchemy and pydantic on a relational table, with the right index.

Started by the benchmarks with uvicorn's fastest options; PG* say where the database is, JWT_SECRET
how tokens are signed.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.peers import serve

SECRET = os.environ["JWT_SECRET"]
engine = create_async_engine("postgresql+asyncpg://", pool_size=10, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    __table_args__ = ({"schema": "relational"},)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None]
    school: Mapped[str]
    major: Mapped[str | None]
    year: Mapped[str | None]
    profile: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]


class Profile(BaseModel):
    """The fields that Outgrow's public profile has."""

    id: str
    name: str
    school: str
    major: str | None
    year: str | None
    age: int | None = None
    pronouns: str | None = None
    bio: str | None = None
    interests: list[str] | None = None
    looking_for: list[str] | None = None
    personality: list[str] | None = None
    goals: dict[str, Any] | None = None
    living_habits: dict[str, Any] | None = None
    photos: list[str] | None = None
    profile_picture: str | None = None
    additional_info: str | None = None
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Profile:
        return cls(
            **user.profile,
            id=user.id,
            name=user.name,
            school=user.school,
            major=user.major,
            year=user.year,
            created_at=user.created_at,
        )


class Page(BaseModel):
    items: list[Profile]
    next: str | None


bearer = HTTPBearer()


async def own_school(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
) -> str:
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError as e:
        raise HTTPException(401, "invalid token") from e
    school: str = claims["school"]
    return school


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


School = Annotated[str, Depends(own_school)]
Session = Annotated[AsyncSession, Depends(session)]
app = FastAPI()


@app.get("/profiles", response_model=Page)
async def list_profiles(
    school: School,
    session: Session,
    major: str | None = None,
    year: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Page:
    query = select(User).where(User.school == school)
    if major is not None:
        query = query.where(User.major == major)
    if year is not None:
        query = query.where(User.year == year)
    query = query.order_by(User.created_at.desc(), User.id.desc()).limit(limit + 1).offset(offset)
    users = (await session.scalars(query)).all()
    following = users[limit - 1].id if len(users) > limit else None
    return Page(items=[Profile.of(user) for user in users[:limit]], next=following)


@app.get("/profiles/{user_id}", response_model=Profile)
async def one_profile(user_id: str, school: School, session: Session) -> Profile:
    user = await session.scalar(select(User).where(User.id == user_id, User.school == school))
    if user is None:
        raise HTTPException(404, "no such profile")
    return Profile.of(user)


if __name__ == "__main__":
    serve(app)
