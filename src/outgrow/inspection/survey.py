"""All of an inspection at once: what a table holds and how it fares, as of one moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from outgrow.db.named import hold, snapshot
from outgrow.db.pool import Database, Session
from outgrow.growth.catalog import Store
from outgrow.growth.misfits import Found
from outgrow.inspection import Inspection, Table, health, inspect, report
from outgrow.inspection.audit import Cause, Misfit
from outgrow.inspection.blueprint_writer import blueprint
from outgrow.inspection.findings import access_findings, health_findings, read_access
from outgrow.inspection.health import Finding, Health
from outgrow.inspection.listing import Listing, listings

ENOUGH = 200_000
"""Rows of a sample. More do not tell more of what a pattern is like."""

PASSES = 4  # over all rows or keys; a sample is read once


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a table. `inspection` has its patterns and what contradicts what, `health`
    its sizes and indexes; `findings` are what to do about it, `security` who may read it and which
    secrets lie in it. `version` is the server's, or None where queries cannot list the misfits."""

    schema: str
    table: str
    inspection: Inspection
    health: Health
    findings: tuple[Finding, ...]
    security: tuple[Finding, ...]
    version: int | None

    def blueprint(self) -> str:
        """Write a blueprint for the table, in TOML, to be read by a person before it is used."""
        name = self.table if self.schema == "public" else f"{self.schema}.{self.table}"
        return blueprint(self.inspection, name)

    def queries(self) -> list[Listing]:
        """Return queries that list the misfits."""
        if self.version is None:
            return []
        place = self.schema, self.table
        return list(listings(self.inspection, *place, version=self.version))

    def as_dict(self, *, all_misfits: bool = False) -> dict[str, Any]:
        """Return the document of `outgrow inspect --json`; of the misfits samples, or all."""
        told = self.health.as_dict()
        return {
            "table": told.pop("table"),
            **report.document(self.inspection, all_misfits=all_misfits, queries=self.queries()),
            "indexes": [asdict(index) for index in self.health.indexes],
            "health": told | {"findings": [asdict(one) for one in self.findings]},
            "security": [asdict(one) for one in self.security],
        }


async def survey(
    database: Database, table: str, *, sample: bool, progress: Callable[[int, int], None]
) -> Survey:
    """Read the table, by a session that cannot write; with `sample` some 200,000 of its rows.
    `progress` is told how many rows of how many are read, each pass counted."""
    schema, _, name = table.rpartition(".")
    schema = schema or "public"
    async with (
        database.dedicated("outgrow inspect") as session,
        snapshot(session, f"{schema}.{name}"),
    ):
        fares = await health.read(session, schema, name)
        await hold(session, f"{schema}.{name}")
        open_to = await read_access(session, schema, name)
        whole = Table(session, f"{schema}.{name}")
        count, version = await whole.count(), await whole.version_for_queries()
        percent = min(100.0, 100 * ENOUGH / count) if sample and count else None
        source = Table(session, f"{schema}.{name}", percent) if percent else whole
        total = count * (1 if percent else PASSES)
        done = 0

        def passed(rows: int) -> None:
            nonlocal done
            done += rows
            progress(done, total)

        passed(0)
        inspection = await inspect(source, audited=not percent, passed=passed)
    secrets = report.secrets_found(inspection)
    return Survey(
        schema,
        name,
        inspection,
        fares,
        tuple(health_findings(fares)),
        (*access_findings(open_to), *secrets),
        version,
    )


async def inspect_store(session: Session, store: Store, told: Callable[[Found], None]) -> None:
    """Tell what an inspection of the store finds."""

    def pass_on(misfit: Misfit, cause: Cause) -> None:
        to, example = cause.to, None
        if to is not None:
            example = next((key for key, _ in to.examples), None)
        name = to.text if to is not None else None
        told(Found(misfit.kind, misfit.key, cause.path, name, example))

    table = Table(session, f"{store.schema}.{store.table}")
    await table.count()
    await inspect(table, told=pass_on)
