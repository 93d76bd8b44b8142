"""What a table holds and how it is doing, and the queries that list what is wrong in it.

A query lists exactly the rows that the audit reported, for one of its causes. Some causes have no
query: where fields are written as JSON into texts (before PostgreSQL 16, documents too: no
statement that must not fail can take these apart), and where too many different words stand in
place of an id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from outgrow.db.named import hold, snapshot
from outgrow.db.pool import Database, Session
from outgrow.growth.catalog import Store
from outgrow.growth.preflight import KeyFinding
from outgrow.inspection import Inspection, Table, health, inspect, report
from outgrow.inspection.audit import Audit, Cause, Misfit
from outgrow.inspection.blueprint_writer import blueprint
from outgrow.inspection.derived import KEY, Derived, words_of
from outgrow.inspection.findings import access_findings, health_findings, read_access
from outgrow.inspection.health import Finding, Health
from outgrow.inspection.inconsistencies import is_pair
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.references import Reference
from outgrow.inspection.values import ELEMENTS, Steps
from outgrow.layout.consistency import Family, Location, Named, Rows, misfits
from outgrow.layout.consistency.inconsistencies import Inconsistencies, Index, Targets

VALIDATING = 16
"""From this version on PostgreSQL can tell whether a text is JSON."""

WORDS = 50
"""Sentinels of one reference that a query may name."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A query that lists what is wrong for one cause."""

    cause: Cause
    sql: str

    @property
    def kind(self) -> str:
        return self.cause.kind

    def as_dict(self) -> dict[str, Any]:
        """Return the query with its cause: `from` and `to` where a reference or an index is the
        cause."""
        cause = self.cause
        to = cause.to.text if cause.to is not None else None
        about = {"kind": cause.kind, "pattern": cause.pattern.text, "from": cause.path, "to": to}
        return about | {"sql": self.sql}

    @property
    def title(self) -> str:
        """Return what it lists, as a comment to print above it."""
        document = self.as_dict()
        path = f", {document['from']}" if document["from"] else ""
        to = f" -> {document['to']}" if document["to"] else ""
        return " ".join(f"-- {document['kind']}: {document['pattern']}{path}{to}".splitlines())


class _NoQuery(Exception):
    """No query can list this."""


def listings(inspection: Inspection, schema: str, table: str, *, version: int) -> Iterator[Listing]:
    """Return the queries for all that was found, on a table whose `key` is a text and whose `value`
    is jsonb. `version` is the server's major version: its queries do not run on an older one."""
    if inspection.audit is None:
        return
    rows = Rows(schema, table, is_validating=version >= VALIDATING)
    writer = _QueryWriter(inspection, inspection.audit, rows)
    for cause in inspection.audit.causes.values():
        try:
            yield Listing(cause, writer.sql(cause))
        except _NoQuery:
            continue


class _QueryWriter:
    def __init__(self, inspection: Inspection, audit: Audit, rows: Rows) -> None:
        self._inspection = inspection
        self._audit = audit
        self._rows = rows
        self._queries = Inconsistencies(rows)

    def sql(self, cause: Cause) -> str:
        queries, pattern, by = self._queries, cause.pattern, cause.by
        match cause.kind:
            case "wrong_shape":
                return misfits.wrong_shape(self._rows, self._family(pattern))
            case "json_text":
                return misfits.json_text(self._rows, self._family(pattern))
            case "doubled" if isinstance(by, tuple):
                return misfits.doubled(self._rows, self._readable_family(pattern, by), by)
            case "orphan" | "dangling" if isinstance(by, Reference):
                return self._dangling(by)
            case "wrong_element" if isinstance(by, tuple):
                usual = dict(pattern.values.walk())[by].kind
                family = self._readable_family(pattern, by)
                return misfits.wrong_element(self._rows, family, by, usual)
            case "one_sided" if isinstance(by, Reference):
                family = self._readable_family(pattern, (ELEMENTS,))
                before, after = pattern.fill("\0").split("\0")
                return queries.one_sided(family, self._targets(by), (before, after))
            case "stale" if isinstance(by, Derived):
                return queries.stale(self._index(by))
            case "missing" if isinstance(by, Derived):
                return queries.missing(self._index(by))
        raise _NoQuery

    def _dangling(self, reference: Reference) -> str:
        sentinels = self._audit.sentinels(reference)
        if len(sentinels) > WORDS:
            raise _NoQuery
        through = None
        derived = self._inspection.derived_of((reference.index or reference.target).pattern)
        if derived is not None and self._audit.knows_expected_ids(derived):
            through = self._index(derived)
        named = self._named(reference)
        return self._queries.dangling(named, self._targets(reference), sentinels, through)

    # Patterns and paths --------------------------------------------------------------------------

    def _family(self, pattern: Pattern) -> Family:
        winners = []
        for other in self._inspection.patterns:
            if other is pattern:
                break
            if _may_share(other, pattern):
                winners.append(other.regex)
        kind = None if pattern.values.is_mixed else pattern.values.kind
        return Family(
            pattern.regex,
            tuple(winners),
            kind,
            self._audit.misfits_of(pattern).in_texts,
        )

    def _readable_family(self, pattern: Pattern, steps: Steps) -> Family:
        """Return the family, whose values are read along these steps. Raise _NoQuery where no query
        can read them."""
        if self._audit.misfits_of(pattern).is_opaque and not self._rows.is_validating:
            raise _NoQuery  # this server cannot take some of its values apart
        for path, values in pattern.values.walk():
            if path and path == steps[: len(path)] and values.encoded:
                raise _NoQuery
        return self._family(pattern)

    def _named(self, reference: Reference) -> Named:
        pattern = reference.source
        if reference.steps is None:
            return Named(self._family(pattern), _number(pattern, reference.position))
        family = self._readable_family(pattern, reference.steps)
        return Named(family, reference.steps, reference.numbers)

    def _targets(self, reference: Reference) -> Targets:
        references = (reference, *reference.group)
        around = tuple(dict.fromkeys(pair for reference in references for pair in reference.around))
        variables: tuple[tuple[Family, int], ...] = ()
        if reference.by_position:
            target = reference.target
            number = _number(target.pattern, target.position)
            variables = ((self._family(target.pattern), number),)
        elements: tuple[Named, ...] = ()
        if reference.target.how == "element":
            to, steps = reference.to, reference.target.steps
            elements = (Named(self._readable_family(to, steps), steps),)
        if not (around or variables or elements):
            raise _NoQuery
        return Targets(around, variables, elements)

    def _index(self, derived: Derived) -> Index:
        pattern, source, by = derived.pattern, derived.source, derived.by or {}
        if derived.order:
            # An entry's ids, in this order, are those of the row.
            pieces = _pieces(source, [n + 1 for n in derived.order])
            entries = Named(self._family(pattern), 1)
            return Index(((entries, Targets(())),), (), self._family(source), (), pieces=pieces)
        listed = tuple(
            (self._named(reference), Targets(tuple(reference.around)))
            for reference in self._audit.listing_references(derived)
        )
        if not all(targets.around for _, targets in listed) or not listed:
            raise _NoQuery
        for paths in by.values():
            for steps in paths:
                if steps[:1] != (KEY,):
                    self._readable_family(source, steps)
        family = self._family(source)
        if -2 in by:
            self._readable_family(pattern, ())
            return Index(listed, (), family, (), copy=by[-2][0])
        literals = (by[-1][0], tuple(sorted(words_of(pattern)))) if -1 in by else None
        segments = [position for position in sorted(by) if position >= 0]
        under = tuple(_number(pattern, position) for position in segments)
        locations = tuple(tuple(_location(source, steps) for steps in by[n]) for n in segments)
        pair = is_pair([by[position] for position in segments])
        keys = [_pieces(pattern, [*range(1, 1 + len(under))])]
        keys += [_pieces(pattern, [2, 1])] if pair else []
        return Index(
            listed, under, family, locations, words=literals, is_pair=pair, keys=tuple(keys)
        )


def _location(pattern: Pattern, steps: Steps) -> Location:
    if steps[:1] == (KEY,):
        return _number(pattern, int(steps[1]))
    return steps


def _number(pattern: Pattern, position: int) -> int:
    """Return which variable of the key a segment is, counted from 1."""
    return pattern.positions.index(position) + 1


def _pieces(pattern: Pattern, numbers: list[int]) -> tuple[str | int, ...]:
    """Return what a key is made of: letters, and these variables of another key."""
    texts = pattern.fill(*("\0" for _ in numbers)).split("\0")
    pieces: list[str | int] = [texts[0]]
    for number, text in zip(numbers, texts[1:], strict=True):
        pieces += [number, text]
    return tuple(piece for piece in pieces if piece != "")


def _may_share(pattern: Pattern, other: Pattern) -> bool:
    """Return whether a key may belong to either pattern."""
    for mine, theirs in zip(pattern.segments, other.segments, strict=False):
        if mine.many or theirs.many:
            return True
        if mine.separator != theirs.separator:
            return False
        if not (mine.is_variable or theirs.is_variable) and mine.before != theirs.before:
            return False
    return len(pattern.segments) == len(other.segments)


ENOUGH = 200_000
"""Rows of a sample. More rows do not say more about a pattern."""

PASSES = 4  # over all rows or keys; a sample is read once


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a table. `inspection` has its patterns and inconsistencies, `health` its
    sizes and indexes. `findings` say what to do about it, `security` who may read it and which
    secrets it holds. `version` is the server's, or None where no queries can list the misfits."""

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
        table = self.schema, self.table
        return list(listings(self.inspection, *table, version=self.version))

    def as_dict(self, *, all_misfits: bool = False) -> dict[str, Any]:
        """Return the document of `outgrow inspect --json`, with all misfits or a few of each
        kind."""
        health = self.health.as_dict()
        queries = [listing.as_dict() for listing in self.queries()]
        return {
            "table": health.pop("table"),
            **report.document(self.inspection, all_misfits=all_misfits, queries=queries),
            "indexes": [asdict(index) for index in self.health.indexes],
            "health": health | {"findings": [asdict(finding) for finding in self.findings]},
            "security": [asdict(finding) for finding in self.security],
        }


async def survey(
    database: Database, table: str, *, sample: bool, progress: Callable[[int, int], None]
) -> Survey:
    """Read the table by a session that cannot write; with `sample` only about 200,000 of its rows.
    `progress` is called with the rows read and the rows to read, counted in each pass."""
    schema, _, name = table.rpartition(".")
    schema = schema or "public"
    async with (
        database.dedicated("outgrow inspect") as session,
        snapshot(session, f"{schema}.{name}"),
    ):
        table_health = await health.read_health(session, schema, name)
        await hold(session, f"{schema}.{name}")
        access = await read_access(session, schema, name)
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
    secrets = report.secret_findings(inspection)
    return Survey(
        schema,
        name,
        inspection,
        table_health,
        tuple(health_findings(table_health)),
        (*access_findings(access), *secrets),
        version,
    )


async def inspect_store(
    session: Session, store: Store, on_misfit: Callable[[KeyFinding], None]
) -> None:
    """Inspect the store, and pass on every misfit and inconsistency."""

    def pass_on(misfit: Misfit, cause: Cause) -> None:
        to, example = cause.to, None
        if to is not None:
            example = next((key for key, _ in to.examples), None)
        name = to.text if to is not None else None
        on_misfit(KeyFinding(misfit.kind, misfit.key, cause.path, name, example))

    table = Table(session, f"{store.schema}.{store.table}")
    await table.count()
    await inspect(table, on_misfit=pass_on)
