"""References: which texts are ids of which rows, and which of several patterns is meant. No I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from outgrow.inspection.keys import Hashes, split_key
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.values import Steps, path_of

How = Literal["key", "tail", "ids", "id", "element"]
"""A text is a whole key, a key without its first segment, all variables of a key (`a:b`), or one
variable; or it is the id of an element in its list."""

OFTEN = 0.5
"""The share of known texts that must be ids of the other pattern for a reference; the others are
dangling."""

CHANCE = 0.05
"""A smaller family is meant if all ids are of it too, and if that were less probable than this by
chance."""

_ID_NAMES = ("id", "_id", "key", "uid", "uuid", "slug", "code")
_UNIQUE = ("email", "username", "handle", "phone", "number", "isbn", "sku")
"""Names of rows other than ids; such a field is the row's own."""

_SEPARATORS = re.compile(r"[^a-z]+")


@dataclass(frozen=True)
class Target:
    pattern: Pattern
    how: How
    position: int = -1
    """The segment, where `how` is `id`."""
    steps: Steps = ()
    """The path in the value, where `how` is `element`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pattern that texts may be ids of."""

    ways: list[tuple[int, Target]]
    hits: set[str]
    share: float
    named: int
    entity: bool | None
    part: bool
    """Its documents say that the id is another row's: it is meant only where no other pattern
    is."""

    @property
    def pattern(self) -> Pattern:
        return self.ways[0][1].pattern


def candidate_rank(
    candidate: Candidate, others: Sequence[Candidate], loose: bool
) -> tuple[Any, ...]:
    """Return a larger value for a pattern that is more likely meant: the field's name decides, then
    how many of the texts are its ids, then whether it is the smallest family that has them all."""
    share = round(min(candidate.share, 0.999) * 5)
    named = candidate.named if candidate.share >= OFTEN else 0
    return (
        not candidate.part,
        *((share, named) if loose else (named, share)),
        _is_closest(candidate, others),
        candidate.entity is True,
        root_rank(candidate.ways[0][1]),
        candidate.pattern.count,
    )


def _is_closest(candidate: Candidate, others: Sequence[Candidate]) -> bool:
    """Return whether it is a family of its own that has all these ids, and not by chance, since a
    larger one has many more: those who were assigned are all volunteers, not only users."""
    if candidate.entity is not True:
        return False
    return any(
        len(other.hits - candidate.hits) <= 0.02 * len(other.hits)
        and (candidate.pattern.count / other.pattern.count) ** len(candidate.hits) < CHANCE
        for other in others
        if other.pattern.count > candidate.pattern.count and not other.part
    )


def is_id_name(steps: Steps) -> bool:
    return isinstance(steps[-1], str) and steps[-1].lower() in _ID_NAMES


def names_of(pattern: Pattern, steps: Steps | None, position: int) -> set[str]:
    """Return the words of a path's name; for a segment those of the field that repeats it."""
    if steps is None:
        return {
            word
            for name in _names_of_segments(pattern).get(position, ())
            for word in words_in(name)
        }
    names = [step for step in steps if isinstance(step, str)]
    name_words = words_in(names[-1]) if names else set()
    if not name_words and len(names) > 1:
        name_words = words_in(names[-2])
    return name_words or (words_in(pattern.segments[-1].before) if not names else set())


def _names_of_segments(pattern: Pattern) -> dict[int, set[str]]:
    """Return the fields that repeat a segment of their own key, by its position."""
    names_of_segment: dict[int, set[str]] = defaultdict(set)
    for name, values in pattern.values.fields.items():
        position = values.repeated_segment
        if position is not None and values.kinds["string"] >= 0.5 * pattern.values.objects:
            names_of_segment[position].add(name)
    return names_of_segment


def is_entity(target: Target) -> bool | None:
    """Return whether the ids in these keys are the rows' own. They are where a document repeats the
    id of its key as `id`. As `user_id` the id is another row's, of which this one is a part. None:
    unknown."""
    if target.how != "id" or target.pattern.shape != "document":
        return None
    names = _names_of_segments(target.pattern).get(target.position, set())
    if not names:
        return None
    return any(names_itself(target.pattern, name) for name in names)


def names_itself(pattern: Pattern, name: str) -> bool:
    """Return whether a field of this name identifies the pattern's own rows: `id`, `email`, and for
    orders `orderNumber`; `userId` identifies another row."""
    if name.lower() in (*_ID_NAMES, *_UNIQUE):
        return True
    literal = {word for s in pattern.segments if not s.is_variable for word in words_in(s.before)}
    return bool({w.rstrip("s") for w in words_in(name)} & {w.rstrip("s") for w in literal})


def names_rows(target: Target) -> bool:
    """Return whether the ids name rows and not parts of them; a whole key always does."""
    return target.how != "id" or is_entity(target) is True


def named_after(field_words: set[str], target: Pattern) -> int:
    """Return how well a field is called as the pattern: 2 for `productId` of `product:{id}`, 1
    where they have a word in common."""
    literal = words_in(next((s.before for s in target.segments if not s.is_variable), ""))
    mine, theirs = ({w.rstrip("s") for w in those} for those in (field_words, literal))
    return 2 if mine and mine == theirs else int(bool(mine & theirs))


def words_in(name: str) -> set[str]:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    return {word for word in _SEPARATORS.split(apart) if word and word not in ("id", "ids")}


def root_rank(target: Target) -> tuple[bool, bool, bool, int]:
    """Return a larger value where the id is the pattern's own: documents whose whole key it is."""
    pattern = target.pattern
    whole = target.how != "id" or len(pattern.positions) == 1
    ends = pattern.segments[-1].is_variable and pattern.positions[-1] == (
        target.position if target.how == "id" else pattern.positions[-1]
    )
    return (pattern.shape == "document", whole and ends, whole, -len(pattern.text))


@dataclass
class Reference:
    """Texts at a path of a pattern that are ids of another pattern."""

    source: Pattern
    steps: Steps | None
    """The path in the value; None for a segment of the key."""
    position: int
    """The segment, where `steps` is None."""
    target: Target
    share: float
    """The share of the known texts there that are ids."""
    also: list[Target] = field(default_factory=list)
    """Other ways in which the same id is written there."""
    ids: Hashes | None = None
    """All ids that it may name, where these are in no key."""
    index: Target | None = None
    """The unique index through which the ids lead to the rows of the target."""

    group: list[Reference] = field(default_factory=list)
    """References from the same path to other patterns: a text there is an id of one of them."""

    @property
    def path(self) -> str:
        if self.steps is None:
            return f"{{{self.source.segments[self.position].name}}}"
        return path_of(self.steps)

    @cached_property
    def numbers(self) -> bool:
        """Return whether whole numbers are ids there too."""
        values = dict(self.source.values.walk()).get(self.steps) if self.steps is not None else None
        return values is None or values.has_numbers

    @property
    def to(self) -> Pattern:
        return self.target.pattern

    @property
    def by_position(self) -> bool:
        """Return whether it names one of several variables of the target, which alone make no
        key."""
        return self.target.how == "id" and len(self.to.positions) > 1

    @cached_property
    def around(self) -> list[tuple[str, str]]:
        targets = (self.target, *self.also) if self.index is None else (self.index,)
        return [affixes for target in targets if (affixes := _affixes(target)) is not None]

    def keys(self, text: str) -> list[str]:
        """Return the keys that the text may name; none where the target has other variables too.
        With an index these are its keys."""
        return [f"{before}{text}{after}" for before, after in self.around]


def _affixes(target: Target) -> tuple[str, str] | None:
    """Return what stands before and after an id in the key that it names."""
    segments = target.pattern.segments
    if target.how == "key":
        return "", ""
    if target.how == "tail":
        return segments[0].before + segments[1].separator, ""
    positions = target.pattern.positions
    if target.how == "ids" or len(positions) == 1:
        before = "".join(s.separator + s.before for s in segments[: positions[0]])
        first, last = segments[positions[0]], segments[positions[-1]]
        after = "".join(s.separator + s.before for s in segments[positions[-1] + 1 :])
        if target.how == "ids":  # segments, as they stand in the key
            return before + first.separator, after
        return before + first.separator + first.around[0], last.around[1] + after
    return None


def tokens(
    pattern: Pattern, key: str, segments: Sequence[str] | None = None
) -> list[tuple[int, str]]:
    """Return the values of the variables of one of its keys, with their positions. `segments` of
    the key save a second split."""
    if pattern.spans:
        return list(zip(pattern.positions, pattern.ids(key), strict=False))
    if segments is None:
        _, segments = split_key(key)
    if pattern.positions and pattern.positions[-1] >= len(segments):
        return []
    return [(position, segments[position][start:end]) for position, start, end in pattern.cuts]


def is_row_id(reference: Reference) -> bool:
    """Return whether the key's id is the row's own: then not every row needs the other one."""
    if reference.steps is not None or says_whose(reference):
        return False
    return is_entity(Target(reference.source, "id", reference.position)) is True


def says_whose(reference: Reference) -> bool:
    """Return whether the documents say that the id of their key is the target's: `userId` in
    `balance:{id}`."""
    names = names_of(reference.source, None, reference.position)
    return bool(named_after(names, reference.to))
