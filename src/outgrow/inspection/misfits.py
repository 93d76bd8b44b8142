"""Values that do not fit their pattern: of another kind than the others, or lists with elements of
another kind or with an id twice, wherever in the value they are. No I/O."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from outgrow.inspection.formats import is_id_format
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.reference_search import own_ids
from outgrow.inspection.values import ELEMENTS, MIXED, Steps, at, encoded, kind_of, path_of
from outgrow.layout.consistency import FLAT

FEWEST = 8
"""So many elements must be of one kind before another is damage."""

_is_flat = re.compile(FLAT).search


class Misfits:
    """What is usual of the values of a pattern, and which of them are not so. `referring` are the
    places that refer to something."""

    def __init__(self, pattern: Pattern, referring: Collection[Steps]) -> None:
        values = pattern.values
        self.usual = {"object": dict, "array": list}.get(values.kind)
        self._kind = None if values.is_mixed else values.kind
        self._are_encoded = values.is_encoded
        self.once = [*_once(pattern, referring)]
        """Where an id may stand once in each list."""
        self.elements = dict(_elements(pattern, referring))
        """Of which kind the elements of lists are."""
        self.in_texts = self.is_opaque = False
        """Some values are written as JSON into texts; and some of these are no plain lists."""

    def of_kind(self, value: Any) -> tuple[str, str] | None:
        """Kind and detail, where the value is not of the usual kind; in a text it may be."""
        if isinstance(value, str) and (inner := encoded(value)) is not None:
            self.in_texts = True
            self.is_opaque |= not (isinstance(inner, list) and _is_flat(value))
            return None if self._are_encoded else ("json_text", "the value is JSON inside a text")
        kind = kind_of(value)
        if self._kind is None or kind in (self._kind, "null"):
            return None
        return "wrong_shape", f"{article(kind)}, where others are {article(self._kind)}"

    def inside(self, value: Any) -> Iterator[tuple[str, str, Steps]]:
        """Kind, detail and place of what is wrong in its lists."""
        for steps in self.once:
            for text, times in doubled(value, steps):
                yield "doubled", f"{_where(steps)}{text} stands there {times} times", steps
        for steps, usual in self.elements.items():
            kind = next((kind for item in at(value, steps) if (kind := kind_of(item)) != usual), "")
            if kind:
                detail = f"{article(kind)}, where others are {article(usual)}"
                yield "wrong_element", _where(steps) + detail, steps


def _once(pattern: Pattern, referring: Collection[Steps]) -> Iterator[Steps]:
    """Where ids stand of which each is to stand in its list once: elements that are ids, and the
    `id` of elements. What else stands in the objects of a list may be there often (two lines of an
    order, one article)."""
    if pattern.shape == "ids":
        yield (ELEMENTS,)
    for steps, values in pattern.values.walk():
        are_ids = steps in referring or is_id_format(values.format)
        if len(steps) > 1 and steps[-1] == ELEMENTS and values.kind == "string" and are_ids:
            yield steps
    yield from own_ids(pattern, referring)


def _elements(pattern: Pattern, referring: Collection[Steps]) -> Iterator[tuple[Steps, str]]:
    """Where lists stand whose elements are of one kind, and which: the value, and lists of ids in
    it."""
    if pattern.values.is_mixed:
        return
    for steps, values in pattern.values.walk():
        if steps[-1:] != (ELEMENTS,) or not (steps == (ELEMENTS,) or steps in referring):
            continue
        others = values.there - values.kinds[values.kind]
        if values.there >= FEWEST and others < MIXED * values.there and not values.encoded:
            yield steps, values.kind


def doubled(value: Any, steps: Steps) -> Iterator[tuple[str, int]]:
    """Of each list the text that stands there most often, and how often, if twice or more."""
    end = max(n for n, step in enumerate(steps) if step == ELEMENTS)
    for one in at(value, steps[:end]):
        if type(one) is not list or len(one) < 2:
            continue
        ids = [text for item in one for text in at(item, steps[end + 1 :]) if type(text) is str]
        if len(set(ids)) < len(ids):
            yield Counter(ids).most_common(1)[0]


def _where(steps: Steps) -> str:
    return f"{path_of(steps)}: " if steps != (ELEMENTS,) else ""


def article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeioAEIO" else f"a {noun}"
