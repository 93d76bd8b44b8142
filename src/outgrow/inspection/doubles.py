"""Ids that stand twice in one list: in the value itself, or in a list inside a document. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from outgrow.inspection.elements import own_ids
from outgrow.inspection.formats import is_id_format
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.values import ELEMENTS, Steps, at


def places(pattern: Pattern, referring: Collection[Steps]) -> list[Steps]:
    """Where the ids of lists stand, of which each is to stand in its list once: elements that are
    ids, and the `id` of elements. `referring` are the places that refer to something; what stands
    in the objects of a list may be there often (two lines of an order, one article)."""
    found: list[Steps] = [(ELEMENTS,)] if pattern.shape == "ids" else []
    for steps, values in pattern.values.walk():
        are_ids = steps in referring or is_id_format(values.format)
        if len(steps) > 1 and steps[-1] == ELEMENTS and values.kind == "string" and are_ids:
            found.append(steps)
    return found + list(own_ids(pattern, referring))


def doubled(value: Any, steps: Steps) -> Iterator[tuple[str, int]]:
    """Of each list the text that stands there most often, and how often, if twice or more."""
    end = max(n for n, step in enumerate(steps) if step == ELEMENTS)
    for one in at(value, steps[:end]):
        if type(one) is not list or len(one) < 2:
            continue
        ids = [text for item in one for text in at(item, steps[end + 1 :]) if type(text) is str]
        if len(set(ids)) < len(ids):
            yield Counter(ids).most_common(1)[0]
