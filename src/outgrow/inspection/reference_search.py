"""Search for the field, element or segment that names another pattern's key. No I/O.

Some of the texts at each path are known (a sample). One pass over the keys notes which of these
texts are ids in them: a whole key, a key without its first segment, all variables of a key, or one
of them. The pattern that has most of the texts is meant, if it has enough of them and if they are
not the searching pattern's own ids.

Elements of lists have ids too: `devices:{user}` holds objects, each with an `id` that others may
name. These are in no key, so one more pass over the rows finds what names them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from outgrow.inspection.formats import FILLER, WORDY, format_of, is_id_format
from outgrow.inspection.keys import Hashes, Tree, split_key
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.references import (
    OFTEN,
    Candidate,
    How,
    Reference,
    Target,
    candidate_rank,
    is_entity,
    is_id_name,
    named_after,
    names_of,
    root_rank,
    says_whose,
    tokens,
    words_in,
)
from outgrow.inspection.values import ELEMENTS, SOME, Read, Steps, Values, decoded, reader, texts

SURELY = 0.8
"""The share of words and small numbers, which match by chance, that must be ids of the other
pattern."""

PART = 0.1
"""The share of ids that each of several patterns must have."""

ONE = 1.2
"""Keys for each id, up to which it is the id of one row."""

_PARTS = ("ids", "objects", "map")
_NEVER = ("time", "date", "week", "url", "json", "text", "empty")


@dataclass(frozen=True, slots=True)
class Location:
    """Texts that may be ids: at a path in the value, or in a segment where `steps` is None."""

    pattern: Pattern
    steps: Steps | None
    segment: int
    texts: Mapping[str, int]
    format: str
    repeated: int | None
    """The segment of their own key that they repeat."""


class Search:
    """The texts that may be ids, and the patterns that have them."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = patterns
        self.locations: list[Location] = []
        self.hits: dict[str, Counter[Target]] = {}
        self._targets: dict[tuple[int, How, int], Target] = {}
        for pattern in patterns:
            self._add_locations(pattern)

    def _add_locations(self, pattern: Pattern) -> None:
        for steps, values in pattern.values.walk():
            if not steps and pattern.shape in _PARTS:
                continue  # damage: of another kind than the rest
            texts, format_ = _ids_of(values)
            if texts and format_ not in _NEVER:
                repeated = values.repeated_segment
                self._add_location(Location(pattern, steps, -1, texts, format_, repeated))
        for position in pattern.positions:
            ids = (_token(pattern, key, position) for key, _ in pattern.examples)
            texts = dict.fromkeys((text for text in ids if text), 1)
            kinds = Counter(format_of(text) for text in texts)
            usual = kinds.most_common(1)[0][0] if kinds else ""
            if texts and usual not in _NEVER:
                self._add_location(Location(pattern, None, position, texts, usual, None))

    def _add_location(self, location: Location) -> None:
        self.locations.append(location)
        for text in location.texts:
            self.hits.setdefault(text, Counter())

    def add(self, keys: Iterable[str], tree: Tree) -> None:
        """Count which of the texts are ids in these keys."""
        hits = self.hits
        for key in keys:
            pattern, segments = tree.match(key)
            if pattern is None:
                continue
            if key in hits:
                hits[key][self._target(pattern, "key")] += 1
            if len(segments) > 1 and not pattern.segments[0].is_variable:
                tail = key[len(segments[0]) + 1 :]
                if len(segments) > 2 and tail in hits:
                    hits[tail][self._target(pattern, "tail")] += 1
            for position, text in tokens(pattern, key, segments):
                if text in hits:
                    hits[text][self._target(pattern, "id", position)] += 1
            if len(pattern.positions) > 1 and _adjoin(pattern):
                first, last = pattern.positions[0], pattern.positions[-1]
                joined = split_key(key)[0].join(segments[first : last + 1])
                if joined in hits:
                    hits[joined][self._target(pattern, "ids")] += 1

    def _target(self, pattern: Pattern, how: How, position: int = -1) -> Target:
        key = (id(pattern), how, position)
        if key not in self._targets:
            self._targets[key] = Target(pattern, how, position)
        return self._targets[key]

    def unknown(self, references: Iterable[Reference]) -> list[Location]:
        """Return the texts in values that refer to nothing."""
        known = {(id(reference.source), reference.steps) for reference in references}
        return [loc for loc in self.locations if (id(loc.pattern), loc.steps) not in known]

    def references(self) -> list[Reference]:
        """Return what all these texts refer to."""
        segments: dict[tuple[int, int], Reference] = {}
        for location in self.locations:
            if location.steps is None and (named := self._references_of(location)):
                segments[id(location.pattern), location.segment] = named[0]
        references = list(_rooted(segments))
        rooted = {(id(r.source), r.position): r for r in references}
        for location in self.locations:
            steps = location.steps
            if steps is None:
                continue
            if location.repeated is not None:
                inherited = rooted.get((id(location.pattern), location.repeated))
                if inherited is not None and not (steps and is_id_name(steps)):
                    target, share = inherited.target, inherited.share
                    references.append(Reference(location.pattern, steps, -1, target, share))
                continue
            alternatives = self._references_of(location)
            for reference in alternatives:
                self._retarget(reference, rooted, location.texts)
            by_target = {id(reference.to): reference for reference in reversed(alternatives)}
            alternatives = list(by_target.values())
            for reference in alternatives:
                reference.group = [other for other in alternatives if other is not reference]
            references += alternatives
        return references

    def _retarget(
        self,
        reference: Reference,
        rooted: Mapping[tuple[int, int], Reference],
        texts: Mapping[str, int],
    ) -> None:
        """Change the target to the pattern whose ids they are first, where the target only repeats
        them."""
        if is_entity(reference.target):
            return
        position = reference.target.position
        above = rooted.get((id(reference.to), position))
        if above is not None and reference.target.how == "id":
            share = _share([t for t in texts if above.target in self.hits[t]], texts)
            if share >= OFTEN:
                reference.target, reference.share = above.target, share

    def _references_of(self, location: Location) -> list[Reference]:
        """Return the references of a location, the best first: to several patterns where each has
        ids that the others lack (`itemId` of a log)."""
        pattern, steps, texts = location.pattern, location.steps, location.texts
        names = names_of(pattern, steps, location.segment)
        loose = location.format in (*WORDY, "number", "prefix-number")
        small = steps is not None and location.format == "number" and not _are_long(texts)
        candidates: list[Candidate] = []
        for ways in self._ways(texts).values():
            first = ways[0][1]
            other = first.pattern
            named = named_after(names, other)
            if other is pattern and (steps is None or not _may_name_rows(steps)):
                continue
            if small and (other is pattern or not named):
                continue
            if first.how == "id" and not loose and other.shape in _PARTS:
                continue  # an id does not name the lists of its row
            known = {t for t in texts for _, target in ways if target in self.hits[t]}
            entity = is_entity(first)
            if loose and first.how == "id" and len(other.positions) > 1 and entity is None:
                continue  # one word of a key with several names no row
            part = first.how == "id" and not loose and entity is False and not named
            candidates.append(Candidate(ways, known, _share(known, texts), named, entity, part))
        ranked = sorted(
            candidates, key=lambda c: candidate_rank(c, candidates, loose), reverse=True
        )
        return self._choose(location, loose, ranked)

    def _ways(self, texts: Iterable[str]) -> dict[int, list[tuple[int, Target]]]:
        """Return for each pattern how its keys hold the texts, the most frequent way first."""
        hits: Counter[Target] = Counter()
        keys: Counter[Target] = Counter()
        for text in texts:
            hits.update(self.hits[text].keys())
            keys.update(self.hits[text])
        by_pattern: dict[int, list[tuple[int, Target]]] = defaultdict(list)
        for target, times in hits.items():
            if keys[target] <= ONE * times:  # it names one row
                by_pattern[id(target.pattern)].append((times, target))
        for ways in by_pattern.values():
            ways.sort(key=lambda way: (-way[0], way[1].how != "key", way[1].how != "id"))
        return by_pattern

    def _choose(
        self, location: Location, loose: bool, candidates: Sequence[Candidate]
    ) -> list[Reference]:
        texts = location.texts
        union = set().union(*(candidate.hits for candidate in candidates))
        chosen: list[Reference] = []
        known: set[str] = set()
        for candidate in candidates:
            hits, first = candidate.hits, candidate.ways[0][1]
            new = hits - known
            if not chosen:
                whole = location.steps is None and root_rank(first)[:2] == (True, True)
                easy = bool(candidate.named) or whole or not (loose or candidate.part)
                share = candidate.share if len(hits) * 2 > len(union) else _share(union, texts)
                if not _is_enough(share, len(hits), len(texts), not easy):
                    continue
            elif loose or candidate.part or len(new) < max(3, PART * len(texts)):
                continue
            few = 0.02 * len(texts)
            also = [t for n, t in candidate.ways[1:] if t.how != first.how and n >= few]
            where = location.pattern, location.steps, location.segment
            chosen.append(Reference(*where, first, candidate.share, also))
            known |= hits
        if len(chosen) == 1 and chosen[0].share < OFTEN:
            return []
        return chosen


def _ids_of(values: Values) -> tuple[dict[str, int], str]:
    """Return the texts that may be ids, without those for nobody, and the format of most of
    them."""
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


def _token(pattern: Pattern, key: str, position: int) -> str:
    return dict(tokens(pattern, key)).get(position, "")


def _adjoin(pattern: Pattern) -> bool:
    """Return whether only separators stand between its variables."""
    return pattern.positions == list(range(pattern.positions[0], pattern.positions[-1] + 1))


def _share(known: Iterable[str], texts: Mapping[str, int]) -> float:
    """Return the share of all texts that are known."""
    return sum(texts[text] for text in known) / max(sum(texts.values()), 1)


def _is_enough(share: float, hits: int, known: int, loose: bool) -> bool:
    if loose:
        return hits >= 3 and share >= SURELY
    return share >= OFTEN and (hits >= 2 or known == 1)


def _may_name_rows(steps: Steps) -> bool:
    """Return whether a row may name others of its pattern there: `parentId`, `blockedUsers[]`, but
    not `id`."""
    return bool(steps) and not is_id_name(steps)


def _are_long(numbers: Iterable[str]) -> bool:
    """Return whether they have four digits or more: such numbers are no ids by chance."""
    lengths = sorted(map(len, numbers))
    return lengths[len(lengths) // 2] >= 4


def _rooted(segments: Mapping[tuple[int, int], Reference]) -> Iterable[Reference]:
    """Return the references of segments. Where two patterns have the same ids, one belongs to the
    other."""
    for reference in segments.values():
        source, target = reference.source, reference.target
        mine = root_rank(Target(source, "id", reference.position))
        back = any(r.to is source and r.source is target.pattern for r in segments.values())
        if back and mine > root_rank(target):
            continue
        whole = not back and mine[:2] == (True, True)
        if whole and source.count > target.pattern.count and not says_whose(reference):
            continue
        yield reference


ID_NAMES = ("id", "_id", "uid", "uuid", "key")


def element_id_paths(pattern: Pattern, taken: Iterable[Steps] = ()) -> Iterator[Steps]:
    """Return where elements have ids: in `id`, each of an id's form, each only once. At paths that
    are `taken` they are other rows' ids."""
    for steps, values in pattern.values.walk():
        if (
            len(steps) > 1
            and steps[-2] == ELEMENTS
            and str(steps[-1]).lower() in ID_NAMES
            and steps not in taken
            and _are_distinct(values)
        ):
            yield steps


def _are_distinct(values: Values) -> bool:
    seen = values.samples
    return (
        len(seen) >= SOME
        and is_id_format(values.format)
        and sum(seen.values()) <= ONE * len(seen)
        and values.repeated_segment is None
    )


@dataclass(eq=False)
class _Holder:
    """A path at which elements have ids."""

    pattern: Pattern
    steps: Steps
    ids: Hashes

    def named(self, field_words: set[str]) -> int:
        """Return how well a field of these words is called as the list, or as its pattern."""
        lists = [step for step in self.steps[:-1] if isinstance(step, str)]
        list_words = words_in(lists[-1]) if lists else set()
        mine, theirs = ({word.rstrip("s") for word in those} for those in (field_words, list_words))
        return (
            2 if mine and mine == theirs else max(int(bool(mine & theirs)), self._root(field_words))
        )

    def _root(self, field_words: set[str]) -> int:
        return min(named_after(field_words, self.pattern), 1)


class Elements:
    """Texts that are no ids in keys, but may be ids of elements."""

    def __init__(self, search: Search, references: Sequence[Reference]) -> None:
        self._locations = [
            location
            for location in search.unknown(references)
            if location.steps is not None
            and location.format not in (*WORDY, "number", "prefix-number")
        ]
        taken: dict[int, set[Steps]] = defaultdict(set)
        for reference in references:
            if reference.steps is not None:
                taken[id(reference.source)].add(reference.steps)
        self._holders: dict[int, list[_Holder]] = {}
        for pattern in search.patterns if self._locations else ():
            paths = element_id_paths(pattern, taken[id(pattern)])
            holders = [_Holder(pattern, steps, Hashes()) for steps in paths]
            if holders:
                self._holders[id(pattern)] = holders
        known = {(id(h.pattern), h.steps) for holders in self._holders.values() for h in holders}
        self._locations = [p for p in self._locations if (id(p.pattern), p.steps) not in known]
        self._hits: dict[str, Counter[_Holder]] = {
            text: Counter() for location in self._locations for text in location.texts
        }
        self._readers: dict[int, Read] = {
            number: reader(holders[0].pattern.values.kind, [holder.steps for holder in holders])
            for number, holders in self._holders.items()
        }

    @property
    def is_needed(self) -> bool:
        return bool(self._locations and self._holders)

    def add(self, rows: Iterable[tuple[str, str | None]], tree: Tree) -> None:
        """Search rows for the texts. The values are JSON."""
        for key, json_text in rows:
            pattern, _ = tree.match(key)
            holders = self._holders.get(id(pattern))
            if holders is None:
                continue
            value = decoded(self._readers[id(pattern)](json_text))
            for holder in holders:
                ids = texts(value, holder.steps)
                holder.ids.update(ids)
                for text in ids:
                    if text in self._hits:
                        self._hits[text][holder] += 1

    def references(self) -> Iterator[Reference]:
        for holder in (holder for holders in self._holders.values() for holder in holders):
            holder.ids.seal()
        for location in self._locations:
            names = names_of(location.pattern, location.steps, -1)
            hits = Counter(holder for text in location.texts for holder in self._hits[text])
            best = max(hits, key=lambda h: (h.named(names), hits[h], -len(h.steps)), default=None)
            if best is None or location.repeated is not None:
                continue
            share = _share_of_holder(best, location.texts, self._hits)
            if hits[best] >= SOME and share >= OFTEN:
                target = Target(best.pattern, "element", steps=best.steps)
                yield Reference(location.pattern, location.steps, -1, target, share, ids=best.ids)


def _share_of_holder(
    holder: _Holder, seen: Mapping[str, int], hits: Mapping[str, Counter[_Holder]]
) -> float:
    known = sum(times for text, times in seen.items() if holder in hits[text])
    return known / max(sum(seen.values()), 1)
