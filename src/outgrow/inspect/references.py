"""Which field, element or segment names another pattern's key. No I/O.

Of each place where texts stand some are known (a sample). The keys of the store pass by once, and
it is noted which of these texts are ids in them: a whole key, a key without its first segment, all
variables of a key, or one of them. The pattern in which most are found is the one meant, if it is
found often enough and is not this pattern's own id.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from outgrow.inspect.formats import WORDY, format_of
from outgrow.inspect.keys import Tree, split
from outgrow.inspect.patterns import Pattern
from outgrow.inspect.values import Steps, path_of

How = Literal["key", "tail", "ids", "id"]
"""A text is a whole key, a key without its first segment, all variables of it (`a:b`), or one."""

OFTEN = 0.5
"""From this share of known texts that are ids of the other pattern there is a reference; the rest
are dangling. Words and small numbers, which meet by chance, need `SURELY`."""

SURELY = 0.8

PART = 0.1
"""Where ids are of several patterns, each has at least such a share of them."""

ONE = 1.2
"""Keys in which an id stands, for each id, up to which it is the id of one row."""

_NEVER = ("time", "date", "week", "url", "json", "text", "empty")
_PARTS = ("ids", "objects", "map")
_ID_NAMES = ("id", "_id", "key", "uid", "uuid", "slug", "code")
_SEPARATORS = re.compile(r"[^a-z]+")


@dataclass(frozen=True)
class Target:
    pattern: Pattern
    how: How
    place: int = -1
    """Of which segment, where `how` is `id`."""


@dataclass
class Reference:
    """Texts at a place of a pattern that are ids of another one."""

    source: Pattern
    steps: Steps | None
    """Where in the value; None for a segment of the key."""
    place: int
    """Which segment, where `steps` is None."""
    target: Target
    share: float
    """Of the known texts there, how many were found."""
    also: list[Target] = field(default_factory=list)
    """Other ways in which the same id is written there."""
    index: Target | None = None
    """The unique index through which the ids lead to the rows of the target."""

    group: list[Reference] = field(default_factory=list)
    """The same place's references to other patterns: a text there is an id of one of them."""

    @property
    def path(self) -> str:
        if self.steps is None:
            return f"{{{self.source.segments[self.place].name}}}"
        return path_of(self.steps)

    @property
    def to(self) -> Pattern:
        return self.target.pattern

    @property
    def by_place(self) -> bool:
        """It names one of several variables of the target: no key can be made of it alone."""
        return self.target.how == "id" and len(self.to.places) > 1

    @cached_property
    def around(self) -> list[tuple[str, str]]:
        targets = (self.target, *self.also) if self.index is None else (self.index,)
        return [around for target in targets if (around := _around(target)) is not None]

    def keys(self, text: str) -> list[str]:
        """The keys that the text may name; none where the target has other variables too. Through
        an index, its keys."""
        return [f"{before}{text}{after}" for before, after in self.around]


def _around(target: Target) -> tuple[str, str] | None:
    """What stands before and after an id in the key that it names."""
    segments = target.pattern.segments
    if target.how == "key":
        return "", ""
    if target.how == "tail":
        return segments[0].before + segments[1].separator, ""
    places = target.pattern.places
    if target.how == "ids" or len(places) == 1:
        before = "".join(s.separator + s.before for s in segments[: places[0]])
        first, last = segments[places[0]], segments[places[-1]]
        after = "".join(s.separator + s.before for s in segments[places[-1] + 1 :])
        return before + first.separator + first.before, last.after + after
    return None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where texts stand that may be ids: in the value, or where `steps` is None a segment."""

    pattern: Pattern
    steps: Steps | None
    segment: int
    texts: Mapping[str, int]
    format: str
    own: int | None
    """Which segment of their own key they are."""


class Search:
    """The texts that may be ids, and in which patterns they were found."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = patterns
        self.places: list[_Place] = []
        self.found: dict[str, Counter[Target]] = {}
        self._targets: dict[tuple[int, How, int], Target] = {}
        for pattern in patterns:
            self._places_of(pattern)

    def _places_of(self, pattern: Pattern) -> None:
        for steps, values in pattern.values.walk():
            format_ = "number" if values.kind == "number" else values.format
            if values.samples and format_ not in _NEVER:
                own = values.own_place
                self._place(_Place(pattern, steps, -1, values.samples, format_, own))
        for place in pattern.places:
            found = (_token(pattern, key, place) for key, _ in pattern.examples)
            texts = dict.fromkeys((text for text in found if text), 1)
            kinds = Counter(format_of(text) for text in texts)
            usual = kinds.most_common(1)[0][0] if kinds else ""
            if texts and usual not in _NEVER:
                self._place(_Place(pattern, None, place, texts, usual, None))

    def _place(self, place: _Place) -> None:
        self.places.append(place)
        for text in place.texts:
            self.found.setdefault(text, Counter())

    def add(self, keys: Iterable[str], tree: Tree) -> None:
        """Look whether the texts are ids in these keys."""
        found = self.found
        for key in keys:
            pattern, segments = tree.place(key)
            if pattern is None:
                continue
            if key in found:
                found[key][self._target(pattern, "key")] += 1
            if len(segments) > 1 and not pattern.segments[0].is_variable:
                tail = key[len(segments[0]) + 1 :]
                if len(segments) > 2 and tail in found:
                    found[tail][self._target(pattern, "tail")] += 1
            for place, text in tokens(pattern, key, segments):
                if text in found:
                    found[text][self._target(pattern, "id", place)] += 1
            if len(pattern.places) > 1 and _adjoin(pattern):
                joined = split(key)[0].join(segments[pattern.places[0] : pattern.places[-1] + 1])
                if joined in found:
                    found[joined][self._target(pattern, "ids")] += 1

    def _target(self, pattern: Pattern, how: How, place: int = -1) -> Target:
        key = (id(pattern), how, place)
        if key not in self._targets:
            self._targets[key] = Target(pattern, how, place)
        return self._targets[key]

    def references(self) -> list[Reference]:
        """What each place refers to, if anything."""
        segments: dict[tuple[int, int], Reference] = {}
        for place in self.places:
            if place.steps is None and (found := self._found(place)):
                segments[id(place.pattern), place.segment] = found[0]
        references = list(_rooted(segments))
        rooted = {(id(r.source), r.place): r for r in references}
        for place in self.places:
            steps = place.steps
            if steps is None:
                continue
            if place.own is not None:
                inherited = rooted.get((id(place.pattern), place.own))
                if inherited is not None and steps and not _is_id_name(steps):
                    references.append(
                        Reference(place.pattern, steps, -1, inherited.target, inherited.share)
                    )
                continue
            several = self._found(place)
            for one in several:
                self._climb(one, rooted, place.texts)
            # Two may lead to the same pattern above.
            several = list({id(one.to): one for one in reversed(several)}.values())
            for one in several:
                one.group = [other for other in several if other is not one]
            references += several
        return references

    def _climb(
        self,
        reference: Reference,
        rooted: Mapping[tuple[int, int], Reference],
        texts: Mapping[str, int],
    ) -> None:
        """Where the ids of the target are another pattern's first of all, that one is meant."""
        place = reference.target.place
        above = rooted.get((id(reference.to), place))
        if above is not None and reference.target.how == "id":
            share = _share([t for t in texts if above.target in self.found[t]], texts)
            if share >= OFTEN:
                reference.target, reference.share = above.target, share

    def _found(self, place: _Place) -> list[Reference]:
        """The reference of a place, the best first: to several patterns where each has the ids that
        the others lack (`itemId` of a log)."""
        pattern, steps, texts = place.pattern, place.steps, place.texts
        names = _names_of(pattern, steps, place.segment)
        loose = place.format in (*WORDY, "number", "prefix-number")
        small = steps is not None and place.format == "number" and not _are_long(texts)
        ranked: list[Any] = []
        for ways in self._ways(texts).values():
            other = ways[0][1].pattern
            named = _named_after(names, other)
            if other is pattern and (steps is None or not _between_rows(steps)):
                continue
            if small and (other is pattern or not named):
                continue
            if ways[0][1].how == "id" and not loose:
                if other.shape in _PARTS:
                    continue  # a list of somebody is not whom their id names
                if _is_entity(ways[0][1]) is False and not named:
                    continue
            found = {t for t in texts for _, target in ways if target in self.found[t]}
            rank = (
                round(min(_share(found, texts), 0.999) * 5),
                named,
                _is_entity(ways[0][1]) is True,
                _root_rank(ways[0][1]),
                other.count,
            )
            ranked.append((rank, len(ranked), found, ways, named))
        ranked.sort(reverse=True)
        return self._chosen(place, loose, ranked)

    def _ways(self, texts: Iterable[str]) -> dict[int, list[tuple[int, Target]]]:
        """By pattern: in which ways its keys hold the texts, the most frequent first."""
        hits: Counter[Target] = Counter()
        keys: Counter[Target] = Counter()
        for text in texts:
            hits.update(self.found[text].keys())
            keys.update(self.found[text])
        by_pattern: dict[int, list[tuple[int, Target]]] = defaultdict(list)
        for target, times in hits.items():
            if keys[target] <= ONE * times:  # it names a row, not many
                by_pattern[id(target.pattern)].append((times, target))
        for ways in by_pattern.values():
            ways.sort(key=lambda way: (-way[0], way[1].how != "key", way[1].how != "id"))
        return by_pattern

    def _chosen(self, place: _Place, loose: bool, ranked: list[Any]) -> list[Reference]:
        texts = place.texts
        union = set().union(*(found for _, _, found, _, _ in ranked)) if ranked else set()
        chosen: list[Reference] = []
        known: set[str] = set()
        for _, _, found, ways, named in ranked:
            new = found - known
            first = ways[0][1]
            if not chosen:
                whole = place.steps is None and _root_rank(first)[:2] == (True, True)
                easy = named or whole or not loose
                share = _share(found if len(found) * 2 > len(union) else union, texts)
                if not _is_enough(share, len(found), len(texts), not easy):
                    continue
            elif loose or len(new) < max(3, PART * len(texts)):
                continue
            also = [t for n, t in ways[1:] if t.how != first.how and n >= 0.02 * len(texts)]
            share = _share(found, texts)
            chosen.append(Reference(place.pattern, place.steps, place.segment, first, share, also))
            known |= found
        if len(chosen) == 1 and chosen[0].share < OFTEN:
            return []
        return chosen


def tokens(
    pattern: Pattern, key: str, segments: Sequence[str] | None = None
) -> list[tuple[int, str]]:
    """The values of the variables of one of its keys, with their places. `segments` of the key, by
    who has them already."""
    if pattern.spans:
        return list(zip(pattern.places, pattern.ids(key), strict=False))
    if segments is None:
        _, segments = split(key)
    if pattern.places and pattern.places[-1] >= len(segments):
        return []
    return [(place, segments[place][start:end]) for place, start, end in pattern.cuts]


def _token(pattern: Pattern, key: str, place: int) -> str:
    return dict(tokens(pattern, key)).get(place, "")


def _adjoin(pattern: Pattern) -> bool:
    """Nothing but separators stands between its variables."""
    return pattern.places == list(range(pattern.places[0], pattern.places[-1] + 1))


def _share(found: Iterable[str], texts: Mapping[str, int]) -> float:
    """Of all that was seen, how much was one of these."""
    return sum(texts[text] for text in found) / max(sum(texts.values()), 1)


def _is_enough(share: float, found: int, known: int, loose: bool) -> bool:
    if loose:
        return found >= 3 and share >= SURELY
    return share >= OFTEN and (found >= 2 or known == 1)


def _is_id_name(steps: Steps) -> bool:
    return isinstance(steps[-1], str) and steps[-1].lower() in _ID_NAMES


def _between_rows(steps: Steps) -> bool:
    """A row may name others of its pattern: `parentId`, `blockedUsers[]`; not by its own `id`."""
    return bool(steps) and not _is_id_name(steps)


def _names_of(pattern: Pattern, steps: Steps | None, place: int) -> set[str]:
    """The words by which a place is called; of a segment, those of the field that repeats it."""
    if steps is None:
        return {word for name in _own_names(pattern).get(place, ()) for word in _words(name)}
    names = [step for step in steps if isinstance(step, str)]
    words = _words(names[-1]) if names else set()
    if not words and len(names) > 1:
        words = _words(names[-2])
    return words or (_words(pattern.segments[-1].before) if not names else set())


def _are_long(numbers: Iterable[str]) -> bool:
    """Of four digits and more: such numbers are not ids of something by chance."""
    lengths = sorted(map(len, numbers))
    return lengths[len(lengths) // 2] >= 4


def _own_names(pattern: Pattern) -> dict[int, set[str]]:
    """Fields that repeat a segment of their own key, by its place."""
    found: dict[int, set[str]] = defaultdict(set)
    for name, values in pattern.values.fields.items():
        place = values.own_place
        if place is not None and values.kinds["string"] >= 0.5 * pattern.values.objects:
            found[place].add(name)
    return found


def _is_entity(target: Target) -> bool | None:
    """Whether the ids in these keys are its own. Where a document repeats the id of its key as
    `id` they are; as `user_id` they are somebody else's: it is a part of them. None: it does not
    say."""
    if target.how != "id" or target.pattern.shape != "document":
        return None
    names = _own_names(target.pattern).get(target.place, set())
    if not names:
        return None
    literal = {
        w.rstrip("s")
        for s in target.pattern.segments
        if not s.is_variable
        for w in _words(s.before)
    }
    return any(
        name.lower() in _ID_NAMES or {w.rstrip("s") for w in _words(name)} & literal
        for name in names
    )


def names_rows(target: Target) -> bool:
    """Not a part of something, but it itself; of a whole key there is no doubt."""
    return target.how != "id" or target.pattern.shape != "document" or _is_entity(target) is True


def _named_after(words: set[str], target: Pattern) -> bool:
    """The field is called as the pattern: `productId` of `product:{id}`."""
    literal = _words(next((s.before for s in target.segments if not s.is_variable), ""))
    return bool({w.rstrip("s") for w in words} & {w.rstrip("s") for w in literal})


def _words(name: str) -> set[str]:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    return {word for word in _SEPARATORS.split(apart) if word and word not in ("id", "ids")}


def _root_rank(target: Target) -> tuple[bool, bool, bool, int]:
    """Larger where the pattern is what the id is an id of: documents, all of whose key it is."""
    pattern = target.pattern
    whole = target.how != "id" or len(pattern.places) == 1
    ends = pattern.segments[-1].is_variable and pattern.places[-1] == (
        target.place if target.how == "id" else pattern.places[-1]
    )
    return (pattern.shape == "document", whole and ends, whole, -len(pattern.text))


def _rooted(segments: Mapping[tuple[int, int], Reference]) -> Iterable[Reference]:
    """References of segments. Where two patterns have the same ids, one belongs to the other."""
    for reference in segments.values():
        source, target = reference.source, reference.target
        mine = _root_rank(Target(source, "id", reference.place))
        back = any(
            other.to is source and other.source is target.pattern for other in segments.values()
        )
        if back and mine > _root_rank(target):
            continue
        if not back and mine[:2] == (True, True) and source.count > target.pattern.count:
            continue
        yield reference
