"""Ids of what stands in a list: `devices:{user}` holds objects, each with an `id` that others may
name. They are in no key, so that who names them is looked for in one more pass over the rows. No
I/O.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from outgrow.inspection.formats import WORDY, is_id_format
from outgrow.inspection.keys import Hashes, Tree
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.references import ONE, Reference, Search
from outgrow.inspection.targets import OFTEN, Target, named_after, names_of, words_in
from outgrow.inspection.values import ELEMENTS, SOME, Read, Steps, Values, decoded, reader, texts

NAMES = ("id", "_id", "uid", "uuid", "key")


def own_ids(pattern: Pattern, taken: Iterable[Steps] = ()) -> Iterator[Steps]:
    """Where the ids of elements stand: in `id`, of the form of one, each only once. Those at
    places that are `taken` are other rows' ids."""
    for steps, values in pattern.values.walk():
        if (
            len(steps) > 1
            and steps[-2] == ELEMENTS
            and str(steps[-1]).lower() in NAMES
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
        and values.own_place is None
    )


@dataclass(eq=False)
class _Holder:
    """A place where elements have ids."""

    pattern: Pattern
    steps: Steps
    ids: Hashes

    def named(self, words: set[str]) -> int:
        """How well a field of these words is called as the list, or as its pattern."""
        lists = [step for step in self.steps[:-1] if isinstance(step, str)]
        own = words_in(lists[-1]) if lists else set()
        mine, theirs = ({word.rstrip("s") for word in those} for those in (words, own))
        return 2 if mine and mine == theirs else max(int(bool(mine & theirs)), self._root(words))

    def _root(self, words: set[str]) -> int:
        return min(named_after(words, self.pattern), 1)


class Elements:
    """Whether texts that are no ids in keys are ids of elements."""

    def __init__(self, search: Search, references: Sequence[Reference]) -> None:
        self._places = [
            place
            for place in search.unknown(references)
            if place.steps is not None and place.format not in (*WORDY, "number", "prefix-number")
        ]
        taken: dict[int, set[Steps]] = defaultdict(set)
        for one in references:
            if one.steps is not None:
                taken[id(one.source)].add(one.steps)
        self._holders: dict[int, list[_Holder]] = {}
        for pattern in search.patterns if self._places else ():
            own = [_Holder(pattern, s, Hashes()) for s in own_ids(pattern, taken[id(pattern)])]
            if own:
                self._holders[id(pattern)] = own
        known = {(id(h.pattern), h.steps) for own in self._holders.values() for h in own}
        self._places = [p for p in self._places if (id(p.pattern), p.steps) not in known]
        self._found: dict[str, Counter[_Holder]] = {
            text: Counter() for place in self._places for text in place.texts
        }
        self._readers: dict[int, Read] = {
            number: reader(own[0].pattern.values.kind, [holder.steps for holder in own])
            for number, own in self._holders.items()
        }

    @property
    def is_needed(self) -> bool:
        return bool(self._places and self._holders)

    def add(self, rows: Iterable[tuple[str, str | None]], tree: Tree) -> None:
        """Look for the texts in rows, with their values as JSON."""
        for key, json_text in rows:
            pattern, _ = tree.place(key)
            holders = self._holders.get(id(pattern))
            if holders is None:
                continue
            value = decoded(self._readers[id(pattern)](json_text))
            for holder in holders:
                ids = texts(value, holder.steps)
                holder.ids.update(ids)
                for text in ids:
                    if text in self._found:
                        self._found[text][holder] += 1

    def references(self) -> Iterator[Reference]:
        for holder in (holder for own in self._holders.values() for holder in own):
            holder.ids.seal()
        for place in self._places:
            names = names_of(place.pattern, place.steps, -1)
            hits = Counter(holder for text in place.texts for holder in self._found[text])
            best = max(hits, key=lambda h: (h.named(names), hits[h], -len(h.steps)), default=None)
            if best is None or place.own is not None:
                continue
            share = _share(best, place.texts, self._found)
            if hits[best] >= SOME and share >= OFTEN:
                target = Target(best.pattern, "element", steps=best.steps)
                yield Reference(place.pattern, place.steps, -1, target, share, ids=best.ids)


def _share(
    holder: _Holder, seen: Mapping[str, int], found: Mapping[str, Counter[_Holder]]
) -> float:
    known = sum(times for text, times in seen.items() if holder in found[text])
    return known / max(sum(seen.values()), 1)
