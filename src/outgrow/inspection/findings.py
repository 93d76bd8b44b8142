"""What the figures of a table mean, and who may read and write it beyond its owner.

*Strangers* are PUBLIC, and the roles `anon` and `authenticated`. As these, hosted services let in
everybody who has the key that is in every page, and everybody who signed up. The catalog does not
say which other roles strangers can sign in as: these are reported with what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from outgrow.db.pool import Session
from outgrow.inspection.health import (
    Finding,
    Health,
    Index,
    Level,
    format_size,
    remedy,
    table_facts,
)
from outgrow.queries import load

T = TypeVar("T")

BLOATED = 0.3  # of the size, and at least:
BLOATED_BYTES = 8_000_000
HIT_SHARE = 0.95  # of the blocks, once so many were asked for:
BLOCKS_JUDGED = 10_000
COUNTED = timedelta(days=1)  # before that, an index that nobody used may be one for Mondays
OLD_XID = 1_000_000_000  # of 2,100,000,000, at which PostgreSQL stops taking writes
SLOW_MS = 500.0


def health_findings(health: Health, slow_ms: float = SLOW_MS) -> list[Finding]:
    """Return the findings, the worst first."""
    findings = [
        *_table_findings(health),
        *_index_findings(health),
        *_maintenance_findings(health),
        *_use_findings(health, slow_ms),
    ]
    order = ("bad", "warn", "note")
    return sorted(findings, key=lambda finding: order.index(finding.level))


def _table_findings(health: Health) -> Iterator[Finding]:
    table = health.table
    if not table.key_unique:
        fact = (
            "nothing prevents a key from being stored twice: `key` has no primary key and no "
            "unique index, and no upsert can name it"
        )
        undo = remedy("unique_key", store=table.name)
        yield Finding("no_unique_key", "bad", table.name, fact, undo)
    if table.unlogged:
        fact = "the table is UNLOGGED: after a crash of the server it is empty"
        yield Finding("unlogged", "bad", table.name, fact, remedy("logged", store=table.name))
    if not table.key_order and not any(i.prefixes and i.valid for i in health.indexes):
        fact = (
            "no index finds keys by their beginning: the database's collation is not C, so a read "
            f"by prefix (getByPrefix, LIKE 'user:%') reads all {format_size(table.heap_bytes)}"
        )
        yield Finding(
            "missing_prefix_index",
            "warn",
            table.name,
            fact,
            remedy("prefix_index", store=table.name),
        )
    bloat = table.bloat_bytes
    if bloat is not None and bloat >= max(BLOATED_BYTES, BLOATED * table.heap_bytes):
        fact = (
            f"about {format_size(bloat)} of its {format_size(table.heap_bytes)} are unused (an "
            "estimate): every scan reads them; new rows will fill them, and pg_repack or VACUUM "
            "FULL, which locks everybody out, would free them"
        )
        yield Finding("bloated_table", "warn", table.name, fact)


def _index_findings(health: Health) -> Iterator[Finding]:
    schema = health.table.name.rpartition(".")[0]
    for index in health.indexes:
        full_name = f"{schema}.{index.name}"
        drop = remedy("drop_index", index=full_name)
        if not index.valid and index.needed_by is None:
            fact = (
                f"being built, or left by a build that failed: {format_size(index.bytes)} that "
                "every write maintains and no query uses"
            )
            yield Finding("invalid_index", "bad", index.name, fact, drop)
        elif index.duplicate_of is not None and not index.ours:
            fact = (
                f"does nothing that {index.duplicate_of} does not do: {format_size(index.bytes)} "
                "that every write maintains"
            )
            yield Finding("duplicate_index", "warn", index.name, fact, drop)
        elif _is_unused(index):
            yield _unused_index(health, index, drop)
        bloat = index.bloat_bytes or 0
        if bloat >= max(BLOATED_BYTES, BLOATED * index.bytes):
            fact = (
                f"about {format_size(bloat)} of its {format_size(index.bytes)} are unused (an "
                "estimate)"
            )
            rebuild = remedy("rebuild_index", index=full_name)
            yield Finding("bloated_index", "note", index.name, fact, rebuild)


def _is_unused(index: Index) -> bool:
    return not index.scans and not index.ours and index.needed_by is None and not index.unique


def _unused_index(health: Health, index: Index, drop: str) -> Finding:
    level: Level = "note"
    since = "since the server counts"
    if health.counted_since is not None:
        since = f"since {health.counted_since:%Y-%m-%d %H:%M} UTC"
        if health.now - health.counted_since >= COUNTED:
            level = "warn"
    fact = (
        f"no query used it on this server {since}: {format_size(index.bytes)} that every write "
        "maintains"
    )
    return Finding("unused_index", level, index.name, fact, drop)


def _maintenance_findings(health: Health) -> Iterator[Finding]:
    maintenance, name = health.maintenance, health.table.name
    if not maintenance.autovacuum:
        fact = "autovacuum is off for this table: rows that were changed or deleted are never freed"
        yield Finding("autovacuum_off", "bad", name, fact, remedy("autovacuum", store=name))
    if maintenance.dead > maintenance.vacuum_due:
        fact = (
            f"{maintenance.dead:,} dead rows next to {maintenance.live:,} live ones; from "
            f"{maintenance.vacuum_due:,} on autovacuum should run"
        )
        yield Finding(
            "vacuum_due",
            "warn" if maintenance.dead > 2 * maintenance.vacuum_due else "note",
            name,
            fact,
            remedy("vacuum", store=name),
        )
    never = maintenance.analyzed is None and health.table.rows is None
    if maintenance.changed > maintenance.analyze_due or never:
        fact = f"{maintenance.changed:,} rows changed since the last ANALYZE"
        yield Finding(
            "analyze_due",
            "note",
            name,
            ("the table was never analyzed" if never else fact)
            + ": the planner guesses how much there is",
            remedy("analyze", store=name),
        )
    age = health.table.xid_age or 0
    if age > maintenance.freeze_due:
        fact = (
            f"its oldest transaction id is {age:,} old; VACUUM was due at "
            f"{maintenance.freeze_due:,}, and at 2.1 billion PostgreSQL accepts no more writes"
        )
        yield Finding(
            "old_transaction_ids",
            "bad" if age > OLD_XID else "warn",
            name,
            fact,
            remedy("freeze", store=name),
        )


def _use_findings(health: Health, slow_ms: float) -> Iterator[Finding]:
    share = health.hit_share
    if share is not None and health.blocks_asked >= BLOCKS_JUDGED and share < HIT_SHARE:
        fact = (
            f"{100 * (1 - share):.0f} of 100 blocks were not in PostgreSQL's memory: what is used "
            "of the table does not fit into shared_buffers"
        )
        yield Finding("cache_misses", "note", health.table.name, fact)
    for statement in health.statements.slowest:
        if statement.mean >= slow_ms:
            fact = (
                f"{statement.mean:,.0f} ms on average, {statement.calls:,} times: {statement.text}"
            )
            yield Finding("slow_statement", "warn", health.table.name, fact)


@dataclass(frozen=True, slots=True)
class Stranger:
    """A role that strangers have. `usage`: it may name what is in the table's schema at all.
    `bypasses`: row-level security does not hold it. `reads_value`: it may read the column
    `value`."""

    name: str
    everybody: bool
    bypasses: bool
    usage: bool
    granted: tuple[str, ...]
    reads_value: bool


@dataclass(frozen=True, slots=True)
class Grantee:
    name: str
    signs_in: bool
    bypasses: bool
    granted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. `command`: one of r a w d, or * for all. `always`: its condition lets every row
    through."""

    name: str
    command: str
    permissive: bool
    everybody: bool
    roles: tuple[str, ...]
    always: bool

    def opens(self, role: str) -> bool:
        """Return whether the role reads every row because of it."""
        meant = self.everybody or role in self.roles
        return meant and self.always and self.permissive and self.command in "r*"


@dataclass(frozen=True, slots=True)
class DefaultGrant:
    """A grant to the stranger `name` on tables that `maker` makes; `schema` None for any."""

    maker: str
    schema: str | None
    name: str
    granted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenView:
    """A view over the table that the stranger `name` reads as its owner would; `stored`: it has
    rows of its own, as they were when it was refreshed."""

    view: str
    name: str
    stored: bool


@dataclass(frozen=True, slots=True)
class Access:
    table: str
    owner: str
    row_security: bool
    strangers: tuple[Stranger, ...]
    grantees: tuple[Grantee, ...]
    policies: tuple[Policy, ...]
    default_grants: tuple[DefaultGrant, ...]
    open_views: tuple[OpenView, ...]


async def read_access(session: Session, schema: str, table: str) -> Access:
    """Read who has access. Raise Refused where there is no such table."""
    sql = load("health")
    facts = await table_facts(session, schema, table)
    oid, schema_oid = facts["oid"], facts["schema_oid"]

    async def rows(make: Callable[..., T], block: str, *arguments: int) -> tuple[T, ...]:
        records = await session.rows(sql[block], *arguments)
        return tuple(make(**_with_tuples(record)) for record in records)

    return Access(
        table=f"{schema}.{table}",
        owner=facts["owner"],
        row_security=facts["row_security"],
        strangers=await rows(Stranger, "strangers", oid, schema_oid),
        grantees=await rows(Grantee, "grantees", oid),
        policies=await rows(Policy, "policies", oid),
        default_grants=await rows(DefaultGrant, "default_grants", schema_oid),
        open_views=await rows(OpenView, "views_open", oid),
    )


def _with_tuples(row: Any) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


def access_findings(access: Access) -> list[Finding]:
    """Return the findings, the worst first. No I/O."""
    findings = [
        *_row_security_findings(access),
        *_stranger_findings(access),
        *_other_findings(access),
    ]
    order = ("bad", "warn", "note")
    return sorted(findings, key=lambda finding: order.index(finding.level))


def _row_security_findings(access: Access) -> Iterator[Finding]:
    reached = any(s.usage and s.granted for s in access.strangers)
    if not access.row_security:
        fact = "row-level security is off: every role that may read the table reads all its rows"
        if reached:
            fact += (
                f". Once it is on, and until there are policies, only {access.owner} and roles "
                "that bypass it see any row"
            )
        yield Finding(
            "row_security_off",
            "bad" if reached else "note",
            access.table,
            fact,
            remedy("row_security", store=access.table) if reached else None,
        )
    elif not access.policies:
        fact = (
            f"row-level security is on and has no policy: only {access.owner}, and roles that "
            "bypass it, see any row"
        )
        yield Finding("no_policies", "note", access.table, fact)


def _stranger_findings(access: Access) -> Iterator[Finding]:
    everybody = next((s.granted for s in access.strangers if s.everybody and s.usage), ())
    for stranger in access.strangers:
        granted = [p for p in stranger.granted if stranger.everybody or p not in everybody]
        name = "PUBLIC" if stranger.everybody else stranger.name
        if stranger.everybody:
            undo = remedy("revoke_public", store=access.table)
        else:
            undo = remedy("revoke", store=access.table, role=stranger.name)
        if granted:
            held = access.row_security and not stranger.bypasses
            where = (
                ""
                if stranger.usage
                else ", but not USAGE of its schema, without which they do not reach it"
            )
            fact = f"{name} ({_describe(stranger)}) has {', '.join(granted)}{where}"
            yield Finding(
                "granted_to_strangers",
                "warn" if stranger.usage and not held else "note",
                name,
                fact,
                undo,
            )
        if stranger.usage and stranger.reads_value and (stranger.everybody or granted):
            yield from _open_value_findings(access, stranger, name, undo)


def _open_value_findings(
    access: Access, stranger: Stranger, name: str, undo: str
) -> Iterator[Finding]:
    if not access.row_security or stranger.bypasses:
        why = "it bypasses row-level security" if access.row_security else "nothing holds them back"
        fact = f"{name} reads every value of the table: {why}"
        yield Finding("values_open", "bad", name, fact, undo)
        return
    for policy in access.policies:
        if policy.opens(stranger.name):
            fact = (
                f"{name} reads every value of the table: the policy {policy.name!r} lets every "
                "row through"
            )
            yield Finding(
                "values_open",
                "bad",
                name,
                fact,
                remedy("policy", policy=policy.name, store=access.table),
            )


def _describe(stranger: Stranger) -> str:
    if stranger.everybody:
        return "every role of this server"
    if stranger.name == "anon":
        return "as which hosted services let in everybody who has the public key"
    return "as which hosted services let in everybody who signed up"


def _view_remedy(view: OpenView) -> str:
    if view.name == "public":
        return remedy("close_view_to_all", view=view.view)
    return remedy("close_view", view=view.view, role=view.name)


def _other_findings(access: Access) -> Iterator[Finding]:
    for view in access.open_views:
        name = "PUBLIC" if view.name == "public" else view.name
        fact = (
            f"the view shows {name} what its owner sees of the table, whatever row-level security "
            "says"
        )
        yield Finding(
            "view_open",
            "warn",
            view.view,
            fact,
            _view_remedy(view) if view.stored else remedy("invoker", view=view.view),
        )
    for grant in access.default_grants:
        name = "PUBLIC" if grant.name == "public" else grant.name
        where = f"in schema {grant.schema}" if grant.schema else "anywhere in this database"
        fact = (
            f"every table that {grant.maker} makes {where} is granted to {name}: "
            f"{', '.join(grant.granted)}"
        )
        yield Finding("granted_by_default", "note", name, fact)
    for other in access.grantees:
        what = "can sign in" if other.signs_in else "cannot sign in by itself"
        held = ", row-level security does not hold it" if other.bypasses else ""
        fact = f"the role {other.name} ({what}{held}) has {', '.join(other.granted)}"
        yield Finding("granted_to_role", "note", other.name, fact)
