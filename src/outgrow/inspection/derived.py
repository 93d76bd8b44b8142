"""Derived patterns, all of whose values can be computed from another pattern. No I/O.

A list of ids under `school:{school}:users` is derived when each id names a row that has the same
school; `user:email:{email}` when the row it points to has that email; `users:list` when it has all
users; a copy when its fields are the other row's. Each is tried on the rows of a sample, which the
caller fetches (`wanted_keys`), and holds when nearly all of them agree. What disagrees is damage,
and is found in inconsistencies.py."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from outgrow.inspection.patterns import Pattern
from outgrow.inspection.references import (
    Reference,
    tokens,
    words_in,
)
from outgrow.inspection.values import ELEMENTS, Steps, decoded, path_of, texts

AGREE = 0.7
"""The share of a sample that must agree. Damage leaves more than that; chance reaches far less."""

SOME = 3
"""The rows that must agree at least: two may by accident."""

CLAIMED = 0.25
"""The share of rows from which a list called `products:list` is a list of all products, some
missing."""

SELECTIVE = 0.8
"""A literal of the list's key tells no rows apart if more of them than this have it in a field."""

ROWS, ELEMENTS_OF_ROW = 40, 25
"""Rows that are tried of each pattern, and elements of each row."""

Row = tuple[str, Any]
Fields = dict[str, set[Steps]]
"""A text -> the paths at which a row has it; `(KEY, n)` stands for segment n of its key."""

KEY = "\0key"
_WHOLE = {"all", "index", "list"}


@dataclass
class Derived:
    """A `pattern` that can be computed from `source`."""

    pattern: Pattern
    source: Pattern
    why: str
    reference: Reference | None = None
    """The reference by which its elements name the rows of `source`, where they do."""
    by: dict[int, tuple[Steps, ...]] | None = None
    """For each segment of its key the path, or the two paths, at which such a row has the same
    text; under -1 the path of a literal of its key, under -2 that of the value itself."""
    order: tuple[int, ...] = ()
    """Where its key has the same ids in another order: that order, in the key of `source`."""
    claims_all: bool = False
    """It is called a list of all rows, whether it has all or not."""


class Trial:
    """The patterns whose rows may be computed from others, and the rows that are needed to tell."""

    def __init__(self, patterns: Sequence[Pattern], references: Sequence[Reference]) -> None:
        self.patterns = patterns
        self._references: dict[int, list[Reference]] = defaultdict(list)
        for reference in references:
            self._references[id(reference.source)].append(reference)
        self.rows: dict[str, Any] = {}

    def wanted_keys(self) -> list[str]:
        """Return the keys of the rows to fetch into `rows`."""
        keys: set[str] = set()
        for pattern in self.patterns:
            for reference in self._references[id(pattern)]:
                for _, row, text in self._named(pattern, reference):
                    keys.update(row)
                    if self._may_be_symmetric(pattern, reference):
                        keys.add(pattern.fill(text))
            keys.update(key for _, _, key in self._mirrored(pattern))
        return sorted(keys)

    def all_derived(self) -> list[Derived]:
        """Return what is derived, once the rows are there."""
        results = [derived for derived in map(self._derived, self.patterns) if derived is not None]
        all_derived = [derived for derived in results if not self._is_source(derived, results)]
        above = {id(derived.pattern): derived.source for derived in all_derived}
        for derived in all_derived:
            if id(derived.source) in above and derived.source is not derived.pattern:
                # A list of all schools that have a list, a copy of a copy: derived from the first.
                source = above[id(derived.source)]
                references = self._references[id(derived.pattern)]
                direct = next((r for r in references if r.to is source), None)
                if derived.pattern.is_single or direct is not None:
                    derived.why = f"{derived.why} of {derived.source.text}"
                    derived.reference, derived.source = direct, source
        return all_derived

    def _is_source(self, derived: Derived, all_derived: Sequence[Derived]) -> bool:
        """Return whether it is the source: of two patterns that copy each other, the one whose key
        has the `id`."""
        back = next(
            (d for d in all_derived if d.pattern is derived.source and d.source is derived.pattern),
            None,
        )
        if back is None:
            return False
        mine, theirs = (_identity(pattern) for pattern in (derived.pattern, derived.source))
        return (mine, derived.pattern.count) > (theirs, derived.source.count) or (
            (mine, derived.pattern.count) == (theirs, derived.source.count)
            and all_derived.index(derived) < all_derived.index(back)
        )

    def symmetric(self) -> list[Reference]:
        """Return the lists that name each other's owners: `[]` of rows whose only id is of the same
        kind."""
        return [
            reference
            for pattern in self.patterns
            for reference in self._references[id(pattern)]
            if self._may_be_symmetric(pattern, reference) and self._is_symmetric(pattern, reference)
        ]

    # One pattern --------------------------------------------------------------------------------

    def _derived(self, pattern: Pattern) -> Derived | None:
        references = self._references[id(pattern)]
        for reference in references:
            if reference.steps is not None and (derived := self._by_value(pattern, reference)):
                return derived
        for reference in references:
            if reference.steps is None and (derived := self._by_segment(pattern, reference)):
                return derived
        return self._aggregate(pattern) or self._mirror(pattern)

    def _named(
        self, pattern: Pattern, reference: Reference
    ) -> Iterator[tuple[Row, list[str], str]]:
        """Return rows of a sample, the keys that a text in each may name, and that text."""
        for key, value in pattern.examples[:ROWS]:
            if reference.steps is None:
                texts_by_position = dict(tokens(pattern, key))
                if reference.position in texts_by_position:
                    text = texts_by_position[reference.position]
                    yield (key, value), reference.keys(text), text
                continue
            for number, text in enumerate(texts(decoded(value), reference.steps)):
                if number >= ELEMENTS_OF_ROW:
                    break
                yield (key, value), reference.keys(text), text

    def _rows(
        self, pattern: Pattern, reference: Reference
    ) -> Iterator[tuple[Row, str, Fields, Row]]:
        """Return the same, and of the row that is named the paths of its texts, and itself."""
        seen: dict[str, Fields] = {}
        for row, keys, text in self._named(pattern, reference):
            key = next((key for key in keys if key in self.rows), None)
            if key is not None:
                if key not in seen:
                    seen[key] = fields_of(reference.to, key, self.rows[key])
                yield row, text, seen[key], (key, self.rows[key])

    def _by_value(self, pattern: Pattern, reference: Reference) -> Derived | None:
        """Return a pattern whose values name rows that repeat what its key has."""
        assert reference.steps is not None
        holds_more = pattern.shape in ("document", "map") or len(reference.steps) > 1
        if holds_more and not (pattern.shape == "mixed" or self._is_copy(pattern, reference)):
            return None
        if pattern.is_single:
            return self._of_all(pattern, reference)
        agreeing: dict[int, list[set[Steps]]] = {position: [] for position in pattern.positions}
        distinct: set[str] = set()
        literal = _Literal(pattern, reference.to)
        for (key, _), _, fields, _ in self._rows(pattern, reference):
            distinct.add(key)
            literal.add(fields)
            for position, token in tokens(pattern, key):
                agreeing[position].append(fields.get(token, set()))
        by: dict[int, tuple[Steps, ...]] = {}
        for position, rows in agreeing.items():
            by[position] = _agreed(rows)
            if not by[position]:
                return None
        if reference.to is pattern or len(distinct) < 2:
            return None
        if pattern.shape == "ids" and (role := literal.path()) is not None:
            by[-1] = (role,)
        where = ", ".join(" or ".join(map(_describe, paths)) for paths in by.values())
        why = f"each names a row whose {where} is in its key"
        return Derived(pattern, reference.to, why, reference, by)

    def _is_copy(self, pattern: Pattern, reference: Reference) -> bool:
        """Return whether the row that is named has everything that stands next to its id."""
        assert reference.steps is not None
        same = other = 0
        last = reference.steps[-2 if reference.steps[-1] == ELEMENTS else -1 :]
        for _, value in pattern.examples[:ROWS]:
            for whole in _holders(decoded(value), reference.steps):
                for text in texts(whole, last) if isinstance(whole, dict) else ():
                    row = next((k for k in reference.keys(text) if k in self.rows), None)
                    if row is None:
                        continue
                    theirs = {repr(v) for v in _leaves(decoded(self.rows[row]))}
                    named = set(texts(whole, last))
                    mine = [repr(v) for v in _leaves(whole) if v not in named]
                    common = sum(leaf in theirs for leaf in mine)
                    same, other = same + common, other + len(mine) - common
        return same + other == 0 or same >= 0.85 * (same + other)

    def _of_all(self, pattern: Pattern, reference: Reference) -> Derived | None:
        """Return one list: of all rows, or of those with a field that its key repeats."""
        literals = {s.before.lower() for s in pattern.segments if not s.is_variable}
        tried, matches = 0, Counter[Steps]()
        for _, _, fields, _ in self._rows(pattern, reference):
            tried += 1
            for literal, paths in fields.items():
                if literal.lower() in literals:
                    matches.update(paths)
        best = max(matches.items(), key=lambda match: match[1], default=(None, 0))
        if best[0] is not None and tried >= SOME and best[1] >= AGREE * tried:
            return Derived(
                pattern,
                reference.to,
                f"all whose {_describe(best[0])} is in its key",
                reference,
                {-1: (best[0],)},
            )
        _, value = pattern.examples[0]
        assert reference.steps is not None
        listed = len(set(texts(decoded(value), reference.steps)))
        if listed >= AGREE * reference.to.count and listed >= 2:
            return Derived(pattern, reference.to, "all of them", reference, {})
        if tried >= SOME and listed >= CLAIMED * reference.to.count and _claims(pattern, reference):
            why = "it is called the list of all of them"
            return Derived(pattern, reference.to, why, reference, {}, claims_all=True)
        return None

    def _by_segment(self, pattern: Pattern, reference: Reference) -> Derived | None:
        """Return a pattern whose key names a row that has its value: a copy of a field, or of all
        fields."""
        if pattern.shape not in ("scalar", "document"):
            return None
        if pattern.shape == "scalar" and len(pattern.positions) != 1:
            return None
        paths: Counter[Steps] = Counter()
        tried = copies = 0
        values: set[str] = set()
        for (_, value), _, _, (_, row) in self._rows(pattern, reference):
            tried += 1
            leaves = dict(_paths(decoded(row)))
            if pattern.shape == "scalar":
                values.add(repr(value))
                paths.update(steps for steps, leaf in leaves.items() if repr(leaf) == repr(value))
            elif isinstance(value, dict):
                theirs = {repr(leaf) for leaf in leaves.values()}
                mine = [leaf for leaf in _leaves(value) if not isinstance(leaf, bool)]
                copies += len(mine) > 1 and sum(repr(v) in theirs for v in mine) >= 0.9 * len(mine)
        if tried < SOME:
            return None
        if pattern.shape == "document":
            if copies < AGREE * tried:
                return None
            return Derived(pattern, reference.to, "copies of those rows", reference, {-2: ((),)})
        best = max(paths.items(), key=lambda match: match[1], default=(None, 0))
        if best[0] is None or best[1] < AGREE * tried or len(values) < 2:
            return None
        why = f"copies of {_describe(best[0])}"
        return Derived(pattern, reference.to, why, reference, {-2: (best[0],)})

    def _aggregate(self, pattern: Pattern) -> Derived | None:
        """Return one list of all the values that a field has."""
        if not pattern.is_single or pattern.shape != "ids":
            return None
        listed = set(texts(decoded(pattern.examples[0][1]), (ELEMENTS,)))
        for other in self.patterns:
            if other is pattern or other.shape != "document" or other.count < SOME:
                continue
            for steps, values in other.values.walk():
                known = set(values.samples)
                if (
                    steps
                    and len(known) >= 2
                    and values.count >= 0.5 * other.values.count
                    and len(known & listed) >= 0.9 * len(known)
                    and len(known & listed) >= AGREE * len(listed)
                ):
                    return Derived(pattern, other, f"all values of {path_of(steps)}")
        return None

    def _mirrored(self, pattern: Pattern) -> Iterator[tuple[Pattern, tuple[int, ...], str]]:
        """Return keys of other patterns with the same ids in another order, for a value that says
        little."""
        if pattern.shape != "scalar" or not 2 <= len(pattern.positions) <= 3:
            return
        for other in self.patterns:
            if other is pattern or len(other.positions) != len(pattern.positions):
                continue
            for key, _ in pattern.examples[:ROWS]:
                ids = [text for _, text in tokens(pattern, key)]
                for order in permutations(range(len(ids))):
                    yield other, order, other.fill(*(ids[n] for n in order))

    def _mirror(self, pattern: Pattern) -> Derived | None:
        if pattern.values.kind == "string" and len(pattern.values.distinct) > 3:
            return None
        matches: Counter[tuple[int, tuple[int, ...]]] = Counter()
        for other, order, key in self._mirrored(pattern):
            matches[self.patterns.index(other), order] += key in self.rows
        tried = min(ROWS, len(pattern.examples))
        for (number, order), times in matches.most_common(1):
            if tried >= SOME and times >= AGREE * tried:
                source = self.patterns[number]
                return Derived(pattern, source, "the same ids in its key", order=order)
        return None

    def _may_be_symmetric(self, pattern: Pattern, reference: Reference) -> bool:
        """Return whether it is a list that belongs to an id, and holds ids of the same kind."""
        return (
            reference.steps == (ELEMENTS,)
            and len(pattern.positions) == 1
            and pattern.shape == "ids"
            and (
                reference.to is pattern
                or any(
                    other.steps is None and other.to is reference.to
                    for other in self._references[id(pattern)]
                )
            )
        )

    def _is_symmetric(self, pattern: Pattern, reference: Reference) -> bool:
        both = tried = 0
        lists = dict(pattern.examples)
        for key, value in pattern.examples[:ROWS]:
            ((_, me),) = tokens(pattern, key) or ((0, ""),)
            for other in list(texts(decoded(value), (ELEMENTS,)))[:ELEMENTS_OF_ROW]:
                theirs = pattern.fill(other)
                held = lists.get(theirs, self.rows.get(theirs))
                if held is not None:
                    tried += 1
                    both += me in set(texts(decoded(held), (ELEMENTS,)))
        return tried >= SOME and both >= AGREE * tried


class _Literal:
    """The field whose text a literal of the list's key repeats, which rows outside the list have
    otherwise: `role` of the members in `org:{id}:admins`."""

    def __init__(self, pattern: Pattern, source: Pattern) -> None:
        self._words = words_of(pattern)
        self._source = source
        self._tried = 0
        self._matches: Counter[Steps] = Counter()

    def add(self, fields: Fields) -> None:
        self._tried += 1
        for text, paths in fields.items():
            if text.lower() in self._words:
                self._matches.update(paths)

    def path(self) -> Steps | None:
        for steps, times in self._matches.most_common(1):
            if steps[:1] == (KEY,) or times < 0.9 * self._tried:
                return None
            values = dict(self._source.values.walk()).get(steps)
            seen = values.samples if values is not None else {}
            same = sum(times for text, times in seen.items() if text.lower() in self._words)
            return steps if same <= SELECTIVE * sum(seen.values()) else None
        return None


def words_of(pattern: Pattern) -> set[str]:
    """Return the literals of its key, in singular and plural."""
    literals = {s.before.lower() for s in pattern.segments if not s.is_variable}
    return literals | {word.rstrip("s") for word in literals}


def _claims(pattern: Pattern, reference: Reference) -> bool:
    """Return whether its name says that these are all rows: `products:list`, `all_users`."""
    literals = {word.rstrip("s") for s in pattern.segments for word in words_in(s.before)}
    named = words_in(reference.to.segments[0].before)
    return bool(literals & _WHOLE) and literals - _WHOLE <= {word.rstrip("s") for word in named}


def fields_of(pattern: Pattern, key: str, value: Any) -> Fields:
    """Return where in a row each text stands, the segments of its key included."""
    fields: Fields = {}
    for position, text in tokens(pattern, key):
        fields.setdefault(text, set()).add((KEY, position))
    for steps, leaf in _paths(decoded(value)):
        if isinstance(leaf, str):
            fields.setdefault(leaf, set()).add(steps)
    return fields


def _paths(value: Any, steps: Steps = (), depth: int = 0) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, dict) and depth < 4:
        for name, item in value.items():
            yield from _paths(item, (*steps, name), depth + 1)
    elif isinstance(value, list) and depth < 4:
        for item in value[:50]:
            yield from _paths(item, (*steps, ELEMENTS), depth + 1)
    elif not isinstance(value, dict | list):
        yield steps, value


def _leaves(value: Any) -> Iterator[Any]:
    return (leaf for _, leaf in _paths(value) if leaf is not None)


def _holders(value: Any, steps: Steps) -> Iterator[Any]:
    """Return the objects that have the last field of a path."""
    if len(steps) <= 1 or steps[1:] == (ELEMENTS,):
        yield value
    elif steps[0] == ELEMENTS and isinstance(value, list):
        for item in value[:ELEMENTS_OF_ROW]:
            yield from _holders(item, steps[1:])
    elif isinstance(value, dict) and isinstance(steps[0], str) and steps[0] in value:
        yield from _holders(value[steps[0]], steps[1:])


def _identity(pattern: Pattern) -> bool:
    """Return whether its documents repeat the id of their key as `id`."""
    values = pattern.values.fields.get("id")
    return values is not None and sum(values.repeated.values()) >= AGREE * values.count


def _agreed(rows: Sequence[set[Steps]]) -> tuple[Steps, ...]:
    """Return the path, or the two paths, at one of which nearly all rows have the text."""
    if len(rows) < SOME:
        return ()
    chosen: tuple[Steps, ...] = ()
    left = list(rows)
    for _ in range(2):
        times = Counter(steps for row in left for steps in row)
        if not times:
            return ()
        best = max(times, key=lambda steps: (times[steps], steps[:1] != (KEY,)))
        chosen = (*chosen, best)
        left = [row for row in left if best not in row]
        if len(left) <= (1 - AGREE) * len(rows):
            return chosen
    return ()


def _describe(steps: Steps) -> str:
    return "key" if steps[:1] == (KEY,) else path_of(steps)
