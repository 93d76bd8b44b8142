"""Which field, element or segment names another pattern's key. No I/O.

Of each place where texts stand some are known (a sample). The keys of the store pass by once, and
it is noted which of these texts are ids in them: a whole key, a key without its first segment, all
variables of a key, or one of them. The pattern in which most are found is the one meant, if it is
found often enough and is not this pattern's own id.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from outgrow.inspection.formats import FILLER, WORDY, format_of
from outgrow.inspection.keys import Hashes, Tree, split
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.targets import (
    OFTEN,
    Candidate,
    How,
    Target,
    is_entity,
    is_id_name,
    named_after,
    names_of,
    rank,
    root_rank,
)
from outgrow.inspection.values import Steps, Values, path_of

SURELY = 0.8
"""Of words and small numbers, which meet by chance, such a share must be ids of the other."""

PART = 0.1
"""Where ids are of several patterns, each has at least such a share of them."""

ONE = 1.2
"""Keys in which an id stands, for each id, up to which it is the id of one row."""

_PARTS = ("ids", "objects", "map")
_NEVER = ("time", "date", "week", "url", "json", "text", "empty")


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
    ids: Hashes | None = None
    """All ids that it may name, where these are in no key."""
    index: Target | None = None
    """The unique index through which the ids lead to the rows of the target."""

    group: list[Reference] = field(default_factory=list)
    """The same place's references to other patterns: a text there is an id of one of them."""

    @property
    def path(self) -> str:
        if self.steps is None:
            return f"{{{self.source.segments[self.place].name}}}"
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
        if target.how == "ids":  # segments, as they stand in the key
            return before + first.separator, after
        return before + first.separator + first.around[0], last.around[1] + after
    return None


@dataclass(frozen=True, slots=True)
class Place:
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
        self.places: list[Place] = []
        self.found: dict[str, Counter[Target]] = {}
        self._targets: dict[tuple[int, How, int], Target] = {}
        for pattern in patterns:
            self._places_of(pattern)

    def _places_of(self, pattern: Pattern) -> None:
        for steps, values in pattern.values.walk():
            if not steps and pattern.shape in _PARTS:
                continue  # a value of another kind than the rest, which is damage
            texts, format_ = _ids_of(values)
            if texts and format_ not in _NEVER:
                self._place(Place(pattern, steps, -1, texts, format_, values.own_place))
        for place in pattern.places:
            found = (_token(pattern, key, place) for key, _ in pattern.examples)
            texts = dict.fromkeys((text for text in found if text), 1)
            kinds = Counter(format_of(text) for text in texts)
            usual = kinds.most_common(1)[0][0] if kinds else ""
            if texts and usual not in _NEVER:
                self._place(Place(pattern, None, place, texts, usual, None))

    def _place(self, place: Place) -> None:
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

    def unknown(self, references: Iterable[Reference]) -> list[Place]:
        """The places in values that refer to nothing."""
        known = {(id(one.source), one.steps) for one in references}
        return [one for one in self.places if (id(one.pattern), one.steps) not in known]

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
                if inherited is not None and not (steps and is_id_name(steps)):
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
        if is_entity(reference.target):
            return
        place = reference.target.place
        above = rooted.get((id(reference.to), place))
        if above is not None and reference.target.how == "id":
            share = _share([t for t in texts if above.target in self.found[t]], texts)
            if share >= OFTEN:
                reference.target, reference.share = above.target, share

    def _found(self, place: Place) -> list[Reference]:
        """The reference of a place, the best first: to several patterns where each has the ids that
        the others lack (`itemId` of a log)."""
        pattern, steps, texts = place.pattern, place.steps, place.texts
        names = names_of(pattern, steps, place.segment)
        loose = place.format in (*WORDY, "number", "prefix-number")
        small = steps is not None and place.format == "number" and not _are_long(texts)
        candidates: list[Candidate] = []
        for ways in self._ways(texts).values():
            first = ways[0][1]
            other = first.pattern
            named = named_after(names, other)
            if other is pattern and (steps is None or not _between_rows(steps)):
                continue
            if small and (other is pattern or not named):
                continue
            if first.how == "id" and not loose and other.shape in _PARTS:
                continue  # a list of somebody is not whom their id names
            found = {t for t in texts for _, target in ways if target in self.found[t]}
            entity = is_entity(first)
            if loose and first.how == "id" and len(other.places) > 1 and entity is None:
                continue  # a word in a key of several: it names no row
            part = first.how == "id" and not loose and entity is False and not named
            candidates.append(Candidate(ways, found, _share(found, texts), named, entity, part))
        ranked = sorted(candidates, key=lambda one: rank(one, candidates, loose), reverse=True)
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

    def _chosen(
        self, place: Place, loose: bool, candidates: Sequence[Candidate]
    ) -> list[Reference]:
        texts = place.texts
        union = set().union(*(one.found for one in candidates))
        chosen: list[Reference] = []
        known: set[str] = set()
        for one in candidates:
            found, first = one.found, one.ways[0][1]
            new = found - known
            if not chosen:
                whole = place.steps is None and root_rank(first)[:2] == (True, True)
                easy = bool(one.named) or whole or not (loose or one.part)
                share = one.share if len(found) * 2 > len(union) else _share(union, texts)
                if not _is_enough(share, len(found), len(texts), not easy):
                    continue
            elif loose or one.part or len(new) < max(3, PART * len(texts)):
                continue
            also = [t for n, t in one.ways[1:] if t.how != first.how and n >= 0.02 * len(texts)]
            chosen.append(
                Reference(place.pattern, place.steps, place.segment, first, one.share, also)
            )
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


def _ids_of(values: Values) -> tuple[dict[str, int], str]:
    """The texts at a place but for what stands there for nobody, and what most of them are."""
    if values.kind == "number":
        return values.samples, "number"
    if values.format in _NEVER and values.format != "empty":
        return {}, values.format
    kinds = {text: format_of(text) for text in values.samples if text.lower() not in FILLER}
    usual = Counter(kinds.values()).most_common(1)
    if not usual:
        return {}, values.format
    format_ = usual[0][0]
    return {
        text: values.samples[text]
        for text, kind in kinds.items()
        if format_ in WORDY or kind not in WORDY
    }, format_


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


def _between_rows(steps: Steps) -> bool:
    """A row may name others of its pattern: `parentId`, `blockedUsers[]`; not by its own `id`."""
    return bool(steps) and not is_id_name(steps)


def _are_long(numbers: Iterable[str]) -> bool:
    """Of four digits and more: such numbers are not ids of something by chance."""
    lengths = sorted(map(len, numbers))
    return lengths[len(lengths) // 2] >= 4


def _rooted(segments: Mapping[tuple[int, int], Reference]) -> Iterable[Reference]:
    """References of segments. Where two patterns have the same ids, one belongs to the other."""
    for reference in segments.values():
        source, target = reference.source, reference.target
        mine = root_rank(Target(source, "id", reference.place))
        back = any(
            other.to is source and other.source is target.pattern for other in segments.values()
        )
        if back and mine > root_rank(target):
            continue
        whole = not back and mine[:2] == (True, True)
        if whole and source.count > target.pattern.count and not _says_whose(reference):
            continue
        yield reference


def is_own(reference: Reference) -> bool:
    """The key's id is the row's own before it is another's: not all rows need have another."""
    if reference.steps is not None or _says_whose(reference):
        return False
    return is_entity(Target(reference.source, "id", reference.place)) is True


def _says_whose(reference: Reference) -> bool:
    """The documents say that the id of their key is the target's: `userId` in `balance:{id}`."""
    names = names_of(reference.source, None, reference.place)
    return bool(named_after(names, reference.to))
