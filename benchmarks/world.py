"""The world that is measured: a temporary home with a server, a campus in it, and its peers' data.

Everything is thrown away at the end. Not even the embedded server is of another kind than the one
that `outgrow serve` uses: `fsync` is on, its settings are the usual ones.
"""

from __future__ import annotations

import contextlib
import json
import random
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import asyncpg
import jwt

from benchmarks.bare import Recording
from benchmarks.load import Request
from benchmarks.processes import outgrow, run
from benchmarks.typos import people_of
from outgrow.campus.accounts.sessions import SignedIn
from outgrow.db.embedded import ROLE, SUPERUSER, EmbeddedServer, running
from outgrow.queries import load
from outgrow.settings import DEFAULT_STORE
from outgrow.web.http.auth import signed

SECRET = "a secret of at least thirty-two bytes"  # signs the peers' tokens
PASSWORD = "a long enough password"
_OFF = {"OUTGROW_LIMITS": "off", "OUTGROW_CACHE_SECONDS": "0"}
OFF = (
    "off where Outgrow is measured: its limits of requests (OUTGROW_LIMITS=off), and its cache of "
    "first pages and counts (OUTGROW_CACHE_SECONDS=0), but in the rows that say from the cache"
)
_UNSET = _OFF | dict.fromkeys(
    (
        *("OUTGROW_SMTP_URL", "OUTGROW_STORE", "OUTGROW_SLOW_MS", "OUTGROW_POOL", "HOST"),
        *("OUTGROW_METRICS_TOKEN", "DATABASE_URL", "PGSERVICE", "PGHOSTADDR", "PGHOST"),
        "PGDATABASE",
    ),
    "",
)

_RELATIONAL = """
DROP SCHEMA IF EXISTS relational CASCADE;
CREATE SCHEMA relational;
CREATE TABLE relational.users AS
SELECT u.id, u.name, u.email, u.school, u.major, u.year,
       u.card::jsonb - ARRAY['id', 'name', 'school', 'major', 'year', 'created_at'] AS profile,
       coalesce(u.created_at, 'epoch') AS created_at
FROM campus.users AS u
WHERE u.visible AND u.school IS NOT NULL AND u.name IS NOT NULL;
ALTER TABLE relational.users ADD PRIMARY KEY (id);
CREATE INDEX ON relational.users (school, major, year, created_at, id);
VACUUM ANALYZE relational.users;
"""
_GROUPS = """
SELECT u.major, u.year FROM campus.users AS u
WHERE u.school = $1 AND u.visible AND u.major IS NOT NULL AND u.year IS NOT NULL
GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2 LIMIT 12
"""
_LISTED = """
SELECT u.id FROM campus.users AS u
WHERE u.school = $1 AND u.visible AND u.major IS NOT NULL AND u.year IS NOT NULL
"""
_DEGREES = """
SELECT c.user_id AS id FROM campus.connections AS c GROUP BY 1 ORDER BY count(*) DESC, 1
"""
_CHATTING = "SELECT DISTINCT p.user_id AS id FROM campus.participants AS p"
_HIDDEN = """
SELECT h.id FROM network.hidden AS h WHERE h.viewer = $1
UNION SELECT u.id FROM campus.users AS u WHERE u.blocked @> to_jsonb($1::text)
"""
_SESSIONS = """
WITH made AS (
  INSERT INTO network.accounts (user_id, email, email_key, password_hash)
  SELECT i, i, i, '' FROM unnest($1::text[]) AS i ON CONFLICT DO NOTHING)
INSERT INTO network.sessions (id, user_id, family_hash, token_hash, expires_at)
SELECT s, i, '', '', now() + interval '1 day' FROM unnest($1::text[], $2::text[]) AS t(i, s)
ON CONFLICT DO NOTHING
"""

_SIZE = """
SELECT pg_total_relation_size(c.oid) AS size FROM pg_class AS c WHERE c.relname = $1
"""


@dataclass(slots=True)
class World:
    """`database` records what is sent through it."""

    home: Path
    url: str
    database: Recording
    generated: Mapping[str, Any]
    seconds_to_generate: float

    @property
    def school(self) -> str:
        name: str = self.generated["largest_school"]
        return name

    @property
    def env(self) -> dict[str, str]:
        """For our own commands."""
        return {**_UNSET, "OUTGROW_HOME": str(self.home)}

    @property
    def peer_env(self) -> dict[str, str]:
        url = urlsplit(self.url)
        where = parse_qs(url.query)
        return {
            "PGHOST": where["host"][0],
            "PGPORT": where["port"][0],
            "PGUSER": url.username or "",
            "PGDATABASE": url.path[1:],
            "JWT_SECRET": SECRET,
            "STORE": DEFAULT_STORE,
        }

    @property
    def peer_token(self) -> str:
        claims = {"sub": "somebody", "school": self.school, "exp": int(time.time()) + 3600}
        return jwt.encode(claims, SECRET, algorithm="HS256")

    async def sql(self, sql: str, *args: Any) -> Any:
        async with self.database.session() as session:
            if args:
                return await session.connection.fetch(sql, *args)
            return await session.connection.execute(sql)

    async def ids(self, query: str, *args: Any) -> list[str]:
        async with self.database.session() as session:
            return [row["id"] for row in await session.connection.fetch(query, *args)]

    async def script(self, statements: str, *args: Any) -> None:
        """Run one after the other, those with a `$1` with `args`."""
        for sql in filter(str.strip, statements.split(";")):
            await self.sql(sql, *(args if "$1" in sql else ()))

    async def relational(self) -> None:
        """The same visible people in a table as a relational design has it."""
        await self.script(_RELATIONAL)

    async def server_version(self) -> str:
        async with self.database.session() as session:
            version: str = await session.connection.fetchval("SHOW server_version")
        return version

    async def store_mb(self) -> float:
        rows = await self.sql(_SIZE, DEFAULT_STORE)
        size: int = rows[0]["size"]
        return size / 1e6

    async def groups(self) -> list[tuple[str, str]]:
        return [(row["major"], row["year"]) for row in await self.sql(_GROUPS, self.school)]

    async def people(self) -> list[tuple[str, str]]:
        """(id, name) of the visible, in an order that says nothing, the same in every run."""
        people = await people_of(self.database, self.school)
        random.Random(1).shuffle(people)
        return people

    async def tokens(self, ids: Sequence[str]) -> list[str]:
        """Sign these people in, without their passwords, for fifteen minutes."""
        async with self.database.session() as session:
            secret = await session.value(load("network")["secret"])
        opened = [SignedIn(i, self.school, secrets.token_hex(16), "") for i in ids]
        await self.sql(_SESSIONS, ids, [one.session_id for one in opened])
        return [signed(secret, one, int(time.time())) for one in opened]

    async def most_connected(self) -> tuple[str, str]:
        """Return who has most connections, and who has most of those who may see them; both have
        chats. Three queries instead of a join, which would be planned for the few rows that
        relations without statistics seem to have, and take hours."""
        able = {*await self.ids(_LISTED, self.school)}.intersection(await self.ids(_CHATTING))
        by_degree = [user_id for user_id in await self.ids(_DEGREES) if user_id in able]
        first, *others = by_degree[:20]
        for other in others:
            if first not in await self.hidden(other):
                return first, other
        raise RuntimeError("the most connected person is hidden from all others")

    async def hidden(self, viewer: str) -> set[str]:
        return set(await self.ids(_HIDDEN, viewer))

    def account(self, number: int) -> tuple[str, Request]:
        """The e-mail of somebody new, and the request that signs them up at the school."""
        email = f"newcomer{number}@bench.test"
        body = {
            "email": email,
            "password": PASSWORD,
            "name": f"New Comer {number}",
            "school": self.school,
            "major": "Computer Science",
            "year": "Junior",
        }
        return email, Request("/auth/signup", "POST", json.dumps(body))


def log_in(email: str) -> Request:
    return Request("/auth/login", "POST", json.dumps({"email": email, "password": PASSWORD}))


def at(path: str, **query: Any) -> Request:
    return Request(f"{path}?{urlencode(query)}" if query else path)


async def _let_checkpoint(server: EmbeddedServer) -> None:
    """The role that everything runs as may not, unless it is let."""
    connection = await asyncpg.connect(server.url().replace(f"{ROLE}@", f"{SUPERUSER}@"))
    try:
        await connection.execute(f"GRANT pg_checkpoint TO {ROLE}")
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def world(users: int) -> AsyncIterator[World]:
    """A campus of one school of `users`, in phase initial, and nothing served yet."""
    home = Path(tempfile.mkdtemp(prefix="outgrow-bench-"))
    try:
        env = {**_UNSET, "OUTGROW_HOME": str(home)}
        with running(home) as server:
            start = time.perf_counter()
            counts = ("--users", str(users), "--largest", str(users))
            said = run(outgrow("generate", "campus", *counts, "--no-demo", "--json"), env)
            seconds = time.perf_counter() - start
            url = server.url()
            await _let_checkpoint(server)
            database = await Recording.open(url, pool_size=2, generic_plans=True)
            try:
                assert isinstance(database, Recording)
                yield World(home, url, database, json.loads(said), seconds)
            finally:
                await database.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)
