"""The answer of `outgrow inspect`: one document for machines, and the same as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from statistics import quantiles
from typing import Any

from outgrow.inspection import Inspection
from outgrow.inspection.audit import with_article
from outgrow.inspection.formats import format_of, kind_of_secret
from outgrow.inspection.health import Finding, format_size
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.references import Reference, tokens
from outgrow.inspection.values import DISTINCT, Values, path_of
from outgrow.layout.consistency import INCONSISTENCIES, KINDS, MISFITS

Style = Callable[..., str]

SAMPLES = 5
"""Keys of each kind that are listed unless all are requested."""

SHOWN = 2
"""Keys of each kind that are printed for people."""

SLOWEST = 3
"""Statements that are printed."""

ALIKE = 2
"""Findings of one kind that are printed: of 19 duplicate indexes the others are alike."""

RECENT = 30
"""Days over which growth is counted, up to the last day of any row."""

_COLOURS = {"bad": "red", "warn": "yellow", "note": None}

_SURE = {
    "ids of one form": 0.99,
    "written as names are": 0.9,
    "each is a field of its own value": 0.95,
    "the same keys below each": 0.9,
    "the same documents below each": 0.8,
    "documents of one kind": 0.85,
    "ids of one form in each": 0.9,
    "so many of one kind": 0.8,
    "a whole key of another pattern": 0.95,
}
"""How sure a variable is, by the reason for it. A guess as to how often each holds."""


def document(
    inspection: Inspection, *, all_misfits: bool = False, queries: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return the parts of the document that come from the rows, and the queries that list what is
    wrong."""
    return {
        "keys": inspection.keys,
        "bytes": sum(pattern.node.bytes for pattern in inspection.patterns),
        "sampled": inspection.audit is None,
        "patterns": [_pattern(inspection, pattern) for pattern in inspection.patterns],
        "integrity": _integrity(inspection, all_misfits) | {"queries": list(queries)},
    }


def _pattern(inspection: Inspection, pattern: Pattern) -> dict[str, Any]:
    derived = inspection.derived_of(pattern)
    symmetric = any(reference.source is pattern for reference in inspection.symmetric)
    return {
        "pattern": pattern.text,
        "regex": pattern.regex,
        "shape": pattern.shape,
        "confidence": confidence(pattern),
        "why": "; ".join(dict.fromkeys(s.why for s in pattern.segments if s.why)) or "one key",
        "count": pattern.count,
        "bytes": pattern.node.bytes,
        "examples": [key for key, _ in pattern.examples[:3]],
        "variables": [_variable(pattern, position) for position in pattern.positions],
        "fields": list(_fields(pattern.values)),
        "references": [_reference(reference) for reference in inspection.references_of(pattern)],
        "derived_from": derived.source.text if derived else None,
        "derived_why": derived.why if derived else None,
        "symmetric": symmetric,
        "sizes": _quantiles(pattern.node.sizes, pattern.node.largest),
        "lengths": _quantiles(pattern.values.lengths, max(pattern.values.lengths, default=0)),
        "per_day": growth(pattern),
    }


def _reference(reference: Reference) -> dict[str, Any]:
    """Return a reference, with `at` where it names an element of that pattern's lists."""
    document = {
        "from": reference.path,
        "to": reference.to.text,
        "confidence": round(reference.share, 2),
    }
    if reference.target.how == "element":
        document["at"] = path_of(reference.target.steps)
    return document


def _variable(pattern: Pattern, position: int) -> dict[str, Any]:
    """Return a variable of the key, and what most of its values look like."""
    kinds = Counter(
        format_of(text)
        for key, _ in pattern.examples
        for n, text in tokens(pattern, key)
        if n == position
    )
    usual = kinds.most_common(1)
    return {"name": pattern.segments[position].name, "format": usual[0][0] if usual else None}


def confidence(pattern: Pattern) -> float:
    """Return how sure it is that these keys are one family, of this shape: less for a variable that
    only looks like one, for few keys, and for values of several kinds."""
    sure = min((_SURE.get(s.why, 0.8) for s in pattern.segments if s.why), default=0.99)
    values = pattern.values
    if pattern.positions and pattern.count < 5:
        sure *= 0.85
    if values.present and not values.is_mixed:
        sure *= 0.5 + 0.5 * values.kinds[values.kind] / values.present
    return round(sure, 2)


def growth(pattern: Pattern) -> float | None:
    """Return the keys for each day, over the last days that its rows date. None where they have no
    dates."""
    if sum(pattern.node.days.values()) < 0.5 * pattern.count or pattern.count < 5:
        return None
    try:
        last = date.fromisoformat(max(pattern.node.days))
    except ValueError:
        return None
    first = (last - timedelta(days=RECENT)).isoformat()
    return round(sum(n for day, n in pattern.node.days.items() if day > first) / RECENT, 2)


def _fields(values: Values) -> Iterator[dict[str, Any]]:
    holders: dict[tuple[str | int, ...], Values] = {(): values}
    for steps, field in values.walk():
        holders[steps] = field
        if not steps and values.objects and not values.is_map:
            continue
        holder = holders.get(steps[:-1], values)
        objects = holder.objects if steps and isinstance(steps[-1], str) else field.count
        yield {
            "path": path_of(steps),
            "types": dict(field.kinds),
            "present": round(min(field.count / objects, 1.0), 3) if objects else 1.0,
            "distinct": len(field.distinct) if len(field.distinct) < DISTINCT else None,
            "format": field.format or None,
        }


def _quantiles(numbers: Sequence[int], largest: int) -> dict[str, int] | None:
    if not numbers:
        return None
    if len(numbers) == 1:
        return {"p50": numbers[0], "p95": numbers[0], "max": max(largest, numbers[0])}
    cuts = quantiles(numbers, n=20, method="inclusive")
    return {"p50": round(cuts[9]), "p95": round(cuts[18]), "max": largest}


def _integrity(inspection: Inspection, all_misfits: bool) -> dict[str, Any]:
    audit = inspection.audit
    if audit is None:
        return {"counts": {}, "misfits": [], "complete": False}
    kept, seen = [], dict.fromkeys(KINDS, 0)
    for misfit in audit.misfits:
        seen[misfit.kind] += 1
        if all_misfits or seen[misfit.kind] <= SAMPLES:
            kept.append({"key": misfit.key, "kind": misfit.kind, "detail": misfit.detail})
    counts: dict[str, dict[str, int]] = {}
    for (pattern, kind), number in audit.counts.items():
        counts.setdefault(kind, {})[pattern] = number
    total = sum(audit.counts.values())
    return {"counts": counts, "misfits": kept, "complete": len(kept) == total}


def secret_findings(inspection: Inspection) -> list[Finding]:
    """Return the fields that look as if they held secrets, without their values."""
    findings = []
    for pattern in inspection.patterns:
        for steps, values in pattern.values.walk():
            path = path_of(steps) if steps else ""
            kinds = [kind for text in values.samples if (kind := kind_of_secret(path, text))]
            if len(kinds) >= max(1, 0.3 * len(values.samples)):
                kind = max(set(kinds), key=kinds.count)
                findings.append(
                    Finding(
                        "secret",
                        "warn",
                        pattern.text,
                        f"{path_of(steps)} looks like {with_article(kind)} ({len(kinds)} of "
                        f"{len(values.samples)} values read)",
                    )
                )
    return findings


# For people -------------------------------------------------------------------------------------


def format_report(report: dict[str, Any], style: Style) -> Iterator[str]:
    """Return the report as text. `style` colors a text for a terminal, as `click.style` does."""
    table = report.get("table") or {}
    keys = f"{report['keys']:,} keys"
    sampled = " in a sample" if report["sampled"] else ""
    yield f"{table.get('name', 'store')}: {keys}{sampled}, {format_size(report['bytes'])} of values"
    if not report["patterns"]:
        yield "It is empty."
        return
    yield ""
    yield from _format_patterns(report["patterns"], style)
    yield from _format_integrity(report, style)
    yield from _format_findings("who may read it", report.get("security", ()), style)
    health = report.get("health") or {}
    yield from _format_findings("health of the table", health.get("findings", ()), style)
    yield from _format_statements(health.get("statements") or {}, style)


def _format_patterns(patterns: list[dict[str, Any]], style: Style) -> Iterator[str]:
    shown = sorted(patterns, key=lambda p: (-p["count"], p["pattern"]))
    width = min(max(len(p["pattern"]) for p in shown), 52)
    head = f"{'pattern':<{width}}  {'shape':<8}  {'keys':>9}  {'bytes':>9}  sure"
    yield style(head, bold=True)
    for pattern in shown:
        name = pattern["pattern"]
        if len(name) > width:
            yield style(name, fg="bright_blue", bold=True)
            name = ""
        shown_name = style(f"{name:<{width}}", fg="bright_blue", bold=True)
        yield (
            f"{shown_name}  {pattern['shape']:<8}  {pattern['count']:>9,}  "
            f"{format_size(pattern['bytes']):>9}  {100 * pattern['confidence']:3.0f} %"
        )
        for text in _format_pattern(pattern, style):
            yield f"  {text}"


def _format_pattern(pattern: dict[str, Any], style: Style) -> Iterator[str]:
    to: dict[str, list[str]] = {}
    for reference in pattern["references"]:
        to.setdefault(reference["to"], []).append(reference["from"])
    for target, paths in to.items():
        yield style(f"{', '.join(paths)} -> {target}", fg="green")
    if pattern["symmetric"]:
        yield style("symmetric: each id in a list has the list's owner in its own", fg="magenta")
    if pattern["derived_from"]:
        derived = f"derived from {pattern['derived_from']}: {pattern['derived_why']}"
        yield style(derived, fg="magenta")
    if pattern["lengths"] and pattern["lengths"]["max"] > 100:
        lengths = pattern["lengths"]
        yield f"up to {lengths['max']:,} elements, half have {lengths['p50']:,}"
    if pattern["per_day"]:
        yield f"{pattern['per_day']:,} more a day"


def _format_integrity(report: dict[str, Any], style: Style) -> Iterator[str]:
    integrity = report["integrity"]
    yield ""
    if report["sampled"]:
        yield "misfits, inconsistencies: not searched for in a sample"
        return
    if not integrity["counts"]:
        yield "no misfits, no inconsistencies"
        return
    yield from _format_kinds("misfits: values that do not fit", MISFITS, integrity, style)
    yield from _format_kinds(
        "inconsistencies: rows that contradict", INCONSISTENCIES, integrity, style
    )
    if not integrity["complete"]:
        yield "  all of one kind: outgrow inspect --misfits KIND"
    if integrity["queries"]:
        yield "  queries that list them, for psql: outgrow inspect --misfits KIND --sql"


def _format_kinds(
    title: str, kinds: Mapping[str, str], integrity: dict[str, Any], style: Style
) -> Iterator[str]:
    present = [kind for kind in kinds if kind in integrity["counts"]]
    if present:
        yield style(title, bold=True)
    for kind in present:
        by_pattern = integrity["counts"][kind]
        number = style(f"{sum(by_pattern.values()):>9,}  {kind}", fg="yellow")
        yield f"  {number}: {kinds[kind]}"
        for pattern, count in sorted(by_pattern.items(), key=lambda item: -item[1]):
            yield f"  {count:>9,}    in {pattern}"
        of_kind = [m for m in integrity["misfits"] if m["kind"] == kind]
        for misfit in of_kind[:SHOWN]:
            yield f"             {misfit['key']}: {misfit['detail']}"


def _format_statements(statements: dict[str, Any], style: Style) -> Iterator[str]:
    yield ""
    yield style("its slowest statements, by total time", bold=True)
    if statements.get("why_not"):
        yield f"  not known: {statements['why_not']}"
    for statement in statements.get("slowest", ())[:SLOWEST]:
        times = f"{statement['calls']:,} times, {statement['mean']:,.1f} ms each"
        yield f"  {times}: {statement['text']}"


def _format_findings(title: str, findings: Sequence[dict[str, Any]], style: Style) -> Iterator[str]:
    if not findings:
        return
    yield ""
    yield style(title, bold=True)
    shown: dict[str, int] = {}
    for finding in findings:
        shown[finding["kind"]] = shown.get(finding["kind"], 0) + 1
        if shown[finding["kind"]] <= ALIKE:
            level = style(f"{finding['level']:<4}", fg=_COLOURS[finding["level"]])
            yield f"  {level}  {finding['about']}: {finding['fact']}"
            if finding.get("to_do"):
                yield f"        {finding['to_do']}"
        elif shown[finding["kind"]] == sum(other["kind"] == finding["kind"] for other in findings):
            yield f"        and {shown[finding['kind']] - ALIKE} more alike: see --json"
