"""Numbered migrations of the tables in our own schemas: each is applied once, in order.

A migration is `migrations/<schema>/<number>_<name>.sql`, which psql runs as it stands. Each
schema keeps a record of its own, so that a dump of it tells its version. Functions, views
and triggers are no migrations: they are made again whenever their text changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from outgrow.blueprint import Blueprint, campus
from outgrow.db.pool import Session, Statements
from outgrow.errors import Refused
from outgrow.queries import Query, load

SCHEMAS = ("outgrow", "network")

_MADE = re.compile(r"^CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(\w+\.\w+)", re.MULTILINE)
_RENAMED = re.compile(r"^ALTER TABLE (\w+)\.\w+ RENAME TO (\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Migration:
    schema: str
    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()[:16]

    @property
    def query(self) -> Query:
        return Query(f"migrations.{self.schema}_{self.number:04}", self.sql.strip().rstrip(";"))

    def __str__(self) -> str:
        return f"{self.schema}/{self.number:04}_{self.name}"


def schemas(blueprint: Blueprint) -> tuple[str, ...]:
    """Return the schemas of ours that what is made for `blueprint` needs."""
    return SCHEMAS if blueprint.name == campus().name else SCHEMAS[:1]


@cache
def known(schema: str) -> tuple[Migration, ...]:
    """Return the migrations of a schema, in order."""
    folder = resources.files(__package__).joinpath("migrations", schema)
    migrations = []
    for file in folder.iterdir():
        number, _, name = file.name.removesuffix(".sql").partition("_")
        migrations.append(Migration(schema, int(number), name, file.read_text(encoding="utf-8")))
    return tuple(sorted(migrations, key=lambda migration: migration.number))


def version() -> str:
    """Return a digest of all migrations there are."""
    return "\n".join(f"{m} {m.digest}" for schema in SCHEMAS for m in known(schema))


def tables() -> set[str]:
    """Return all tables, with their schemas, that migrations have ever made."""
    texts = [m.sql for schema in SCHEMAS for m in known(schema)]
    made = {name for sql in texts for name in _MADE.findall(sql)}
    return made | {f"{schema}.{name}" for sql in texts for schema, name in _RENAMED.findall(sql)}


async def pending(session: Statements, schemas: Sequence[str]) -> list[Migration]:
    """Return the migrations of `schemas` that the database lacks; none of a schema whose record
    this role may not read. Two statements.

    Raises Refused (schema_newer, schema_differs) where it has others than are known here.
    """
    sql = load("migrations")
    rows = await session.rows(sql["recorded"], list(schemas))
    recorded: dict[str, bool] = {row["schema"]: row["is_readable"] for row in rows}
    asked = [schema for schema in schemas if recorded.get(schema, True)]
    wanted = {(m.schema, m.number): m for schema in asked for m in known(schema)}
    readable = [f"{schema}.migrations" for schema in asked if schema in recorded]
    if not readable:
        return list(wanted.values())
    records = {"first": readable[0], "second": readable[-1]}
    rows = await session.rows(sql["applied"].with_identifiers(**records))
    for row in rows:
        applied = f"{row['schema']}/{row['number']:04}_{row['name']}"
        migration = wanted.pop((row["schema"], row["number"]), None)
        if migration is None:
            raise _newer(applied)
        if (migration.name, migration.digest) != (row["name"], row["digest"]):
            raise _differs(applied, migration)
    return list(wanted.values())


async def apply(session: Session, migrations: Sequence[Migration]) -> None:
    """Apply `migrations` and record them, in the caller's transaction, which holds the lock of
    `install`. What they alter is locked to its end."""
    record = load("migrations")["record"]
    for migration in migrations:
        await session.run(migration.query)
        query = record.with_identifiers(record=f"{migration.schema}.migrations")
        await session.run(query, migration.number, migration.name, migration.digest)


def _newer(name: str) -> Refused:
    return Refused(
        "schema_newer",
        f"this database is of a newer version of Outgrow: it has the migration {name}, "
        "which this version does not know",
        hint="run that version or a later one: git pull && make install",
    )


def _differs(applied: str, migration: Migration) -> Refused:
    return Refused(
        "schema_differs",
        f"this database is of another version of Outgrow: its migration {applied} is not the "
        f"{migration} of this version",
        detail="a migration that was applied somewhere is never changed; two branches may have "
        "used one number",
        hint="run the version that made the database, or restore it from a backup of before",
    )
