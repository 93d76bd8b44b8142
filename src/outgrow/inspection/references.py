"""References: which texts are ids of which rows, and which of several patterns is meant. No I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from outgrow.inspection.keys import Hashes, split
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.values import Steps, path_of

How = Literal["key", "tail", "ids", "id", "element"]
"""A text is a whole key, a key without its first segment, all variables of it (`a:b`), or one; or
it is an id of an element of its list."""

OFTEN = 0.5
"""From this share of known texts that are ids of the other pattern there is a reference; the rest
are dangling."""

CHANCE = 0.05
"""Where all of so many ids are of a smaller family too, with a smaller probability than this if it
were by chance, that family is meant."""

_ID_NAMES = ("id", "_id", "key", "uid", "uuid", "slug", "code")
_UNIQUE = ("email", "username", "handle", "phone", "number", "isbn", "sku")
"""What rows are called by beside ids; a field of the name is their own."""

_SEPARATORS = re.compile(r"[^a-z]+")


@dataclass(frozen=True)
class Target:
    pattern: Pattern
    how: How
    position: int = -1
    """Of which segment, where `how` is `id`."""
    steps: Steps = ()
    """Where in the value, where `how` is `element`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pattern that texts may be ids of."""

    ways: list[tuple[int, Target]]
    hits: set[str]
    share: float
    named: int
    entity: bool | None
    part: bool
    """Its documents say that the id is somebody else's: it is meant where nobody else is."""

    @property
    def pattern(self) -> Pattern:
        return self.ways[0][1].pattern


def rank(candidate: Candidate, others: Sequence[Candidate], loose: bool) -> tuple[Any, ...]:
    """Larger where it is more likely what is meant: the field's name decides, then how many of the
    texts are its ids, then whether it is the smallest family that has them all."""
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
    """A family of its own that has all of these ids, and not by chance, since a larger one has
    them and many more: those who were assigned are all volunteers, not only users."""
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
    """The words by which a place is called; of a segment, those of the field that repeats it."""
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
    """Fields that repeat a segment of their own key, by its place."""
    names_of_segment: dict[int, set[str]] = defaultdict(set)
    for name, values in pattern.values.fields.items():
        position = values.repeated_segment
        if position is not None and values.kinds["string"] >= 0.5 * pattern.values.objects:
            names_of_segment[position].add(name)
    return names_of_segment


def is_entity(target: Target) -> bool | None:
    """Whether the ids in these keys are its own. Where a document repeats the id of its key as
    `id` they are; as `user_id` they are somebody else's: it is a part of them. None: it does not
    say."""
    if target.how != "id" or target.pattern.shape != "document":
        return None
    names = _names_of_segments(target.pattern).get(target.position, set())
    if not names:
        return None
    return any(names_itself(target.pattern, name) for name in names)


def names_itself(pattern: Pattern, name: str) -> bool:
    """A field of this name says what the pattern's own rows are called: `id`, `email`, and of
    orders `orderNumber`; `userId` says it of somebody else."""
    if name.lower() in (*_ID_NAMES, *_UNIQUE):
        return True
    literal = {word for s in pattern.segments if not s.is_variable for word in words_in(s.before)}
    return bool({w.rstrip("s") for w in words_in(name)} & {w.rstrip("s") for w in literal})


def names_rows(target: Target) -> bool:
    """Not a part of something, but it itself; of a whole key there is no doubt."""
    return target.how != "id" or is_entity(target) is True


def named_after(field_words: set[str], target: Pattern) -> int:
    """How well the field is called as the pattern: 2 for `productId` of `product:{id}`, 1 where
    they have a word in common."""
    literal = words_in(next((s.before for s in target.segments if not s.is_variable), ""))
    mine, theirs = ({w.rstrip("s") for w in those} for those in (field_words, literal))
    return 2 if mine and mine == theirs else int(bool(mine & theirs))


def words_in(name: str) -> set[str]:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    return {word for word in _SEPARATORS.split(apart) if word and word not in ("id", "ids")}


def root_rank(target: Target) -> tuple[bool, bool, bool, int]:
    """Larger where the pattern is what the id is an id of: documents, all of whose key it is."""
    pattern = target.pattern
    whole = target.how != "id" or len(pattern.positions) == 1
    ends = pattern.segments[-1].is_variable and pattern.positions[-1] == (
        target.position if target.how == "id" else pattern.positions[-1]
    )
    return (pattern.shape == "document", whole and ends, whole, -len(pattern.text))


@dataclass
class Reference:
    """Texts at a place of a pattern that are ids of another one."""

    source: Pattern
    steps: Steps | None
    """Where in the value; None for a segment of the key."""
    position: int
    """Which segment, where `steps` is None."""
    target: Target
    share: float
    """Of the known texts there, how many were found."""
    also: list[Target] = field(default_factory=list)
    """Other ways in which the same id is written there."""
    ids: Hashes | None = None
    """All ids that it may name, where these are in no key."""
    index: Target | None = None
    """The unique index through which the ids lead to the rows of the target."""

    group: list[Reference] = field(default_factory=list)
    """The same place's references to other patterns: a text there is an id of one of them."""

    @property
    def path(self) -> str:
        if self.steps is None:
            return f"{{{self.source.segments[self.position].name}}}"
        return path_of(self.steps)

    @cached_property
    def numbers(self) -> bool:
        """Whether whole numbers are ids there, too."""
        values = dict(self.source.values.walk()).get(self.steps) if self.steps is not None else None
        return values is None or values.has_numbers

    @property
    def to(self) -> Pattern:
        return self.target.pattern

    @property
    def by_position(self) -> bool:
        """It names one of several variables of the target: no key can be made of it alone."""
        return self.target.how == "id" and len(self.to.positions) > 1

    @cached_property
    def around(self) -> list[tuple[str, str]]:
        targets = (self.target, *self.also) if self.index is None else (self.index,)
        return [affixes for target in targets if (affixes := _affixes(target)) is not None]

    def keys(self, text: str) -> list[str]:
        """The keys that the text may name; none where the target has other variables too. Through
        an index, its keys."""
        return [f"{before}{text}{after}" for before, after in self.around]


def _affixes(target: Target) -> tuple[str, str] | None:
    """What stands before and after an id in the key that it names."""
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
    """The values of the variables of one of its keys, with their places. `segments` of the key, by
    who has them already."""
    if pattern.spans:
        return list(zip(pattern.positions, pattern.ids(key), strict=False))
    if segments is None:
        _, segments = split(key)
    if pattern.positions and pattern.positions[-1] >= len(segments):
        return []
    return [(position, segments[position][start:end]) for position, start, end in pattern.cuts]


def is_row_id(reference: Reference) -> bool:
    """The key's id is the row's own before it is another's: not all rows need have another."""
    if reference.steps is not None or says_whose(reference):
        return False
    return is_entity(Target(reference.source, "id", reference.position)) is True


def says_whose(reference: Reference) -> bool:
    """The documents say that the id of their key is the target's: `userId` in `balance:{id}`."""
    names = names_of(reference.source, None, reference.position)
    return bool(named_after(names, reference.to))
