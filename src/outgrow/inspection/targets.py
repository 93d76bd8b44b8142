"""What an id may be an id of, and which of several patterns is meant. No I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from outgrow.inspection.patterns import Pattern
from outgrow.inspection.values import Steps

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
    place: int = -1
    """Of which segment, where `how` is `id`."""
    steps: Steps = ()
    """Where in the value, where `how` is `element`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pattern that texts may be ids of."""

    ways: list[tuple[int, Target]]
    found: set[str]
    share: float
    named: int
    entity: bool | None
    part: bool
    """Its documents say that the id is somebody else's: it is meant where nobody else is."""

    @property
    def pattern(self) -> Pattern:
        return self.ways[0][1].pattern


def rank(one: Candidate, others: Sequence[Candidate], loose: bool) -> tuple[Any, ...]:
    """Larger where it is more likely what is meant: the field's name decides, then how many of the
    texts are its ids, then whether it is the smallest family that has them all."""
    share = round(min(one.share, 0.999) * 5)
    named = one.named if one.share >= OFTEN else 0
    return (
        not one.part,
        *((share, named) if loose else (named, share)),
        _is_closest(one, others),
        one.entity is True,
        root_rank(one.ways[0][1]),
        one.pattern.count,
    )


def _is_closest(one: Candidate, others: Sequence[Candidate]) -> bool:
    """A family of its own that has all of these ids, and not by chance, since a larger one has
    them and many more: those who were assigned are all volunteers, not only users."""
    if one.entity is not True:
        return False
    return any(
        len(other.found - one.found) <= 0.02 * len(other.found)
        and (one.pattern.count / other.pattern.count) ** len(one.found) < CHANCE
        for other in others
        if other.pattern.count > one.pattern.count and not other.part
    )


def is_id_name(steps: Steps) -> bool:
    return isinstance(steps[-1], str) and steps[-1].lower() in _ID_NAMES


def names_of(pattern: Pattern, steps: Steps | None, place: int) -> set[str]:
    """The words by which a place is called; of a segment, those of the field that repeats it."""
    if steps is None:
        return {word for name in _own_names(pattern).get(place, ()) for word in words_in(name)}
    names = [step for step in steps if isinstance(step, str)]
    words = words_in(names[-1]) if names else set()
    if not words and len(names) > 1:
        words = words_in(names[-2])
    return words or (words_in(pattern.segments[-1].before) if not names else set())


def _own_names(pattern: Pattern) -> dict[int, set[str]]:
    """Fields that repeat a segment of their own key, by its place."""
    found: dict[int, set[str]] = defaultdict(set)
    for name, values in pattern.values.fields.items():
        place = values.own_place
        if place is not None and values.kinds["string"] >= 0.5 * pattern.values.objects:
            found[place].add(name)
    return found


def is_entity(target: Target) -> bool | None:
    """Whether the ids in these keys are its own. Where a document repeats the id of its key as
    `id` they are; as `user_id` they are somebody else's: it is a part of them. None: it does not
    say."""
    if target.how != "id" or target.pattern.shape != "document":
        return None
    names = _own_names(target.pattern).get(target.place, set())
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


def named_after(words: set[str], target: Pattern) -> int:
    """How well the field is called as the pattern: 2 for `productId` of `product:{id}`, 1 where
    they have a word in common."""
    literal = words_in(next((s.before for s in target.segments if not s.is_variable), ""))
    mine, theirs = ({w.rstrip("s") for w in those} for those in (words, literal))
    return 2 if mine and mine == theirs else int(bool(mine & theirs))


def words_in(name: str) -> set[str]:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    return {word for word in _SEPARATORS.split(apart) if word and word not in ("id", "ids")}


def root_rank(target: Target) -> tuple[bool, bool, bool, int]:
    """Larger where the pattern is what the id is an id of: documents, all of whose key it is."""
    pattern = target.pattern
    whole = target.how != "id" or len(pattern.places) == 1
    ends = pattern.segments[-1].is_variable and pattern.places[-1] == (
        target.place if target.how == "id" else pattern.places[-1]
    )
    return (pattern.shape == "document", whole and ends, whole, -len(pattern.text))
