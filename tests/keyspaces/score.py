"""Scores the document that `outgrow inspect --json` prints by the truth about a keyspace.

A predicted pattern stands for the true one with which it shares most keys, one to one; references
and derivations are compared after that, segments of keys by their position. A share with nothing
to be found is None. A wrong finding of damage counts double.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, fields
from typing import Any

from .damage import KINDS, Finding
from .generate import Keyspace
from .world import PLACE, values_at

FALSE_REPAIR = 2
"""What a wrong finding weighs, compared with a right one."""


@dataclass
class Score:
    """Shares from 0 to 1; what was wrong is told by `wrong` (what, and how)."""

    patterns: float
    shapes: float
    references_precision: float | None
    references_recall: float | None
    derived_precision: float | None
    derived_recall: float | None
    damage_precision: float | None
    damage_recall: float | None
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def shares(self) -> list[float | None]:
        return list(astuple(self))[:-1]


COLUMNS = [each.name for each in fields(Score)][:-1]


def score(truth: Keyspace, document: dict[str, Any]) -> Score:
    """Compare a document with the truth."""
    predicted: list[dict[str, Any]] = list(document.get("patterns", ()))
    matched, backings, right = _matched(truth, predicted)
    errors: list[tuple[str, str]] = []
    for name, pattern in truth.patterns.items():
        if name not in matched.values():
            errors.append(("pattern not found", f"{name} ({len(list(truth.of(name)))} keys)"))
        for index in (i for i, of in matched.items() if of == name):
            shape = predicted[index].get("shape")
            if shape != pattern.shape:
                errors.append(("shape", f"{name}: {shape}, is {pattern.shape}"))
    shapes = sum(
        predicted[index].get("shape") == truth.patterns[name].shape
        for index, name in matched.items()
    )
    references = _references(predicted, matched, backings, truth)
    derived = _derived(predicted, matched, backings, truth)
    compared = _compared(
        references,
        truth.references(is_asked=True),
        truth.references(is_asked=False) | _own(truth, references),
        "reference",
        errors,
    )
    computed = _compared(
        derived,
        truth.derived(is_asked=True),
        truth.derived(is_asked=False),
        "derived",
        errors,
    )
    return Score(
        right / len(truth.rows) if truth.rows else 1.0,
        shapes / len(truth.patterns) if truth.patterns else 1.0,
        *compared,
        *computed,
        *_damage(truth, document, errors),
        errors,
    )


def mean(scores: list[Score]) -> Score:
    """Of each share, where there was something to be found; with all that was wrong."""
    shares = [_mean(column) for column in zip(*(score.shares() for score in scores), strict=True)]
    given = dict(zip(COLUMNS, shares, strict=True))
    return Score(**given, wrong=[each for score in scores for each in score.wrong])  # type: ignore[arg-type]


def _mean(shares: Iterable[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else None


def _matched(
    truth: Keyspace, predicted: list[dict[str, Any]]
) -> tuple[dict[int, str], dict[int, str], int]:
    """Index of a predicted pattern -> name of the true one, and for those that stand for none,
    because another does, where most of their keys belong; and how many keys are right."""
    regexes = [_compiled(str(pattern.get("regex", "(?!)"))) for pattern in predicted]
    shared: Counter[tuple[int, str]] = Counter()
    for key, name in truth.pattern_of.items():
        first = next((i for i, regex in enumerate(regexes) if regex.fullmatch(key)), None)
        if first is not None:
            shared[first, name] += 1
    matched: dict[int, str] = {}
    backings: dict[int, str] = {}
    right = 0
    for (index, name), count in sorted(shared.items(), key=lambda pair: (-pair[1], pair[0])):
        backings.setdefault(index, name)
        if index not in matched and name not in matched.values():
            matched[index] = name
            right += count
    return matched, backings, right


def _compiled(regex: str) -> re.Pattern[str]:
    try:
        return re.compile(regex)
    except re.error:
        return re.compile("(?!)")


def _path(path: str, predicted: str, true: str) -> str:
    """A predicted path in the true pattern's words: `{seg}` by its position in the key."""
    segment = PLACE.fullmatch(path)
    if segment is None:
        return path
    theirs, ours = ([match[1] for match in PLACE.finditer(name)] for name in (predicted, true))
    if segment[1] not in theirs or theirs.index(segment[1]) >= len(ours):
        return path
    return f"{{{ours[theirs.index(segment[1])]}}}"


def _references(
    predicted: list[dict[str, Any]],
    matched: dict[int, str],
    backings: dict[int, str],
    truth: Keyspace,
) -> set[tuple[str, str, str]]:
    """The predicted references in the true patterns' words. What is true of a pattern's fragment
    is nothing invented, and nothing found."""
    names = {predicted[index]["pattern"]: name for index, name in matched.items()}
    parts = {predicted[index]["pattern"]: name for index, name in backings.items()}
    true = truth.references(is_asked=True) | truth.references(is_asked=False)
    references = set()
    for index, pattern in enumerate(predicted):
        name = str(pattern.get("pattern"))
        for reference in pattern.get("references") or ():
            to = reference["to"]
            backing = backings.get(index, name)
            path = _path(str(reference["from"]), name, backing)
            if index in matched and to in names:
                path = truth.answered(matched[index], path, names[to])
                references.add((matched[index], path, names[to]))
            elif (backing, path, parts.get(to)) not in true:
                references.add((f"? {name}", path, names.get(to, f"? {to}")))
    return references


def _own(truth: Keyspace, references: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Predicted references by which every row names itself: true, and nothing to be found."""
    to_itself = set()
    for of, path, to in references:
        if of != to or path.startswith("{") or of not in truth.patterns:
            continue
        pattern = truth.patterns[of]
        are_own = [
            str(text) in pattern.forms(key, segments, value)
            for key, segments, value in truth.of(of)
            for text in values_at(value, path)
        ]
        if are_own and all(are_own):
            to_itself.add((of, path, to))
    return to_itself


def _derived(
    predicted: list[dict[str, Any]],
    matched: dict[int, str],
    backings: dict[int, str],
    truth: Keyspace,
) -> set[tuple[str, str]]:
    """As with references."""
    names = {predicted[index]["pattern"]: name for index, name in matched.items()}
    parts = {predicted[index]["pattern"]: name for index, name in backings.items()}
    true = truth.derived(is_asked=True) | truth.derived(is_asked=False)
    derived = set()
    for index, pattern in enumerate(predicted):
        source = pattern.get("derived_from")
        if source and index in matched and source in names:
            derived.add((matched[index], names[source]))
        elif source and (backings.get(index), parts.get(source)) not in true:
            derived.add((f"? {pattern['pattern']}", names.get(source, f"? {source}")))
    return derived


def _compared(
    predicted: set[Any],
    asked: set[Any],
    neutral: set[Any],
    what: str,
    errors: list[tuple[str, str]],
) -> tuple[float | None, float | None]:
    """Precision and recall; what is neutral counts for neither."""
    counted = predicted - (neutral - asked)
    errors += [(f"{what} invented", " -> ".join(each)) for each in sorted(counted - asked)]
    errors += [(f"{what} not found", " -> ".join(each)) for each in sorted(asked - predicted)]
    right = len(counted & asked)
    recall = right / len(asked) if asked else None
    if counted:
        return right / len(counted), recall
    return (0.0 if asked else None), recall


def _damage(
    truth: Keyspace, document: dict[str, Any], errors: list[tuple[str, str]]
) -> tuple[float | None, float | None]:
    misfits = (document.get("integrity") or {}).get("misfits") or ()
    named: set[Finding] = {(each["key"], each["kind"]) for each in misfits}
    named = {(key, kind) for key, kind in named if kind in KINDS}
    allowed = set(truth.neutral)
    right = 0
    for planted in truth.damage:
        ways = {
            (planted.key, planted.kind),
            *(other for other in planted.other if other[1] == planted.kind),
        }
        allowed |= {*ways, *planted.other}
        if ways & named:
            right += 1
        else:
            errors.append(("damage not found", f"{planted.kind} {planted.key}"))
    wrong = named - allowed
    errors += [("damage invented", f"{kind} {key}") for key, kind in sorted(wrong)]
    recall = right / len(truth.damage) if truth.damage else None
    if right or wrong:
        return right / (right + FALSE_REPAIR * len(wrong)), recall
    return (0.0 if truth.damage else None), recall


def perfect(truth: Keyspace) -> dict[str, Any]:
    """The document that says all and only what is true."""
    asked, derived = truth.references(is_asked=True), dict(truth.derived(is_asked=True))
    patterns = [
        {
            "pattern": name,
            "regex": pattern.regex,
            "shape": pattern.shape,
            "references": [
                {"from": path, "to": to} for of, path, to in sorted(asked) if of == name
            ],
            "derived_from": derived.get(name),
        }
        for name, pattern in truth.patterns.items()
    ]
    misfits = [{"key": planted.key, "kind": planted.kind, "detail": ""} for planted in truth.damage]
    return {"patterns": patterns, "integrity": {"misfits": misfits, "counts": {}}}


def table(scores: dict[str, tuple[int, Score]]) -> str:
    """A line for each app (keys, then shares in percent), and the mean."""
    heads = ["keys", "pattern", "shape", "ref P", "ref R", "deriv P", "deriv R", "dam P", "dam R"]
    rows = [f"{'':12}" + "".join(f"{head:>9}" for head in heads)]
    for name, (keys, score) in scores.items():
        rows.append(f"{name:12}{keys:9}" + "".join(map(_percent, score.shares())))
    means = mean([score for _, score in scores.values()]).shares()
    return "\n".join([*rows, f"{'mean':12}{'':9}" + "".join(map(_percent, means))])


def _percent(share: float | None) -> str:
    return f"{'-':>9}" if share is None else f"{100 * share:9.1f}"
