"""Who may read and write a table, beyond its owner.

*Strangers* are PUBLIC, and the roles `anon` and `authenticated`, as which hosted services let in
whoever has a key that is in every page, and whoever signed up. Which other roles strangers can
sign in as the catalog does not say: they are told with what is known of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from outgrow.db.pool import Session
from outgrow.inspection.finding import Finding, remedy
from outgrow.inspection.health import facts_of
from outgrow.queries import load


@dataclass(frozen=True, slots=True)
class Stranger:
    """`usage`: may name what is in the table's schema at all. `bypasses`: row-level security does
    not hold it. `reads_value`: may read the column `value`."""

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
    """`command`: one of r a w d, or * for all. `always`: its condition lets every row through."""

    name: str
    command: str
    permissive: bool
    everybody: bool
    roles: tuple[str, ...]
    always: bool

    def opens(self, role: str) -> bool:
        """Whether the role reads every row because of it."""
        meant = self.everybody or role in self.roles
        return meant and self.always and self.permissive and self.command in "r*"


@dataclass(frozen=True, slots=True)
class DefaultGrant:
    """Tables that `maker` makes are granted to the stranger `name`; `schema` None for any."""

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
class Safety:
    table: str
    owner: str
    row_security: bool
    strangers: tuple[Stranger, ...]
    grantees: tuple[Grantee, ...]
    policies: tuple[Policy, ...]
    default_grants: tuple[DefaultGrant, ...]
    open_views: tuple[OpenView, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def read(session: Session, schema: str, table: str) -> Safety:
    """Look. Raises Refused where there is no such table."""
    sql = load("health")
    facts = await facts_of(session, schema, table)
    oid, schema_oid = facts["oid"], facts["schema_oid"]
    return Safety(
        table=f"{schema}.{table}",
        owner=facts["owner"],
        row_security=facts["row_security"],
        strangers=tuple(
            Stranger(**_plain(row)) for row in await session.rows(sql["strangers"], oid, schema_oid)
        ),
        grantees=tuple(Grantee(**_plain(r)) for r in await session.rows(sql["grantees"], oid)),
        policies=tuple(Policy(**_plain(r)) for r in await session.rows(sql["policies"], oid)),
        default_grants=tuple(
            DefaultGrant(**_plain(row))
            for row in await session.rows(sql["default_grants"], schema_oid)
        ),
        open_views=tuple(OpenView(**_plain(r)) for r in await session.rows(sql["views_open"], oid)),
    )


def _plain(row: Any) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


def findings(safety: Safety) -> list[Finding]:
    """The worst first. No I/O."""
    found = [*_of_row_security(safety), *_of_strangers(safety), *_of_others(safety)]
    order = ("bad", "warn", "note")
    return sorted(found, key=lambda finding: order.index(finding.level))


def _of_row_security(safety: Safety) -> Iterator[Finding]:
    reached = any(s.usage and s.granted for s in safety.strangers)
    if not safety.row_security:
        fact = "row-level security is off: whoever may read the table reads every row of it"
        if reached:
            fact += (
                f". Once it is on, and until there are policies, only {safety.owner} and roles "
                "that bypass it see any row"
            )
        yield Finding(
            "row_security_off",
            "bad" if reached else "note",
            safety.table,
            fact,
            remedy("row_security", store=safety.table) if reached else None,
        )
    elif not safety.policies:
        yield Finding(
            "no_policies",
            "note",
            safety.table,
            f"row-level security is on and has no policy: only {safety.owner}, and roles that "
            "bypass it, see any row",
        )


def _of_strangers(safety: Safety) -> Iterator[Finding]:
    everybody = next((s.granted for s in safety.strangers if s.everybody and s.usage), ())
    for stranger in safety.strangers:
        granted = [p for p in stranger.granted if stranger.everybody or p not in everybody]
        name = "PUBLIC" if stranger.everybody else stranger.name
        if stranger.everybody:
            undo = remedy("revoke_public", store=safety.table)
        else:
            undo = remedy("revoke", store=safety.table, role=stranger.name)
        if granted:
            held = safety.row_security and not stranger.bypasses
            where = (
                ""
                if stranger.usage
                else ", but not USAGE of its schema, without which they do not reach it"
            )
            yield Finding(
                "granted_to_strangers",
                "warn" if stranger.usage and not held else "note",
                name,
                f"{name} ({_who(stranger)}) has {', '.join(granted)}{where}",
                undo,
            )
        if stranger.usage and stranger.reads_value and (stranger.everybody or granted):
            yield from _of_values(safety, stranger, name, undo)


def _of_values(safety: Safety, stranger: Stranger, name: str, undo: str) -> Iterator[Finding]:
    if not safety.row_security or stranger.bypasses:
        why = "it bypasses row-level security" if safety.row_security else "nothing holds them back"
        yield Finding(
            "values_open", "bad", name, f"{name} reads every value of the table: {why}", undo
        )
        return
    for policy in safety.policies:
        if policy.opens(stranger.name):
            yield Finding(
                "values_open",
                "bad",
                name,
                f"{name} reads every value of the table: the policy {policy.name!r} lets every "
                "row through",
                remedy("policy", policy=policy.name, store=safety.table),
            )


def _who(stranger: Stranger) -> str:
    if stranger.everybody:
        return "every role of this server"
    if stranger.name == "anon":
        return "as which hosted services let in whoever has the public key"
    return "as which hosted services let in whoever signed up"


def _close(one: OpenView) -> str:
    if one.name == "public":
        return remedy("close_view_to_all", view=one.view)
    return remedy("close_view", view=one.view, role=one.name)


def _of_others(safety: Safety) -> Iterator[Finding]:
    for one in safety.open_views:
        name = "PUBLIC" if one.name == "public" else one.name
        yield Finding(
            "view_open",
            "warn",
            one.view,
            f"the view shows {name} what its owner sees of the table, whatever row-level security "
            "says",
            _close(one) if one.stored else remedy("invoker", view=one.view),
        )
    for grant in safety.default_grants:
        name = "PUBLIC" if grant.name == "public" else grant.name
        where = f"in schema {grant.schema}" if grant.schema else "anywhere in this database"
        yield Finding(
            "granted_by_default",
            "note",
            name,
            f"every table that {grant.maker} makes {where} is granted to {name}: "
            f"{', '.join(grant.granted)}",
        )
    for other in safety.grantees:
        what = "can sign in" if other.signs_in else "cannot sign in by itself"
        held = ", row-level security does not hold it" if other.bypasses else ""
        yield Finding(
            "granted_to_role",
            "note",
            other.name,
            f"the role {other.name} ({what}{held}) has {', '.join(other.granted)}",
        )
