"""Values as they come, as text, decoded as far as somebody looks into them. No I/O.

To decode a large document takes several times as long as to skip through it for the two fields that
an audit asks for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypedDict

import msgspec

from outgrow.inspection.values import ELEMENTS, Steps

Read = Callable[[str | None], Any]

_decode = msgspec.json.Decoder().decode


def decode(text: str | None) -> Any:
    """A value as Python has it. What is no JSON (a column of text) is a text."""
    if text is None:
        return None
    try:
        return _decode(text)
    except (msgspec.DecodeError, RecursionError):
        try:
            return json.loads(text)  # numbers beyond a float
        except (ValueError, RecursionError):
            return text


def reader(kind: str, places: Iterable[Steps]) -> Read:
    """Decodes values, most of which are of the kind, with at least what stands at these places: of
    objects, and of objects in a list, only the fields on the way."""
    depth = 0 if kind == "object" else 1
    names = set()
    for steps in places:
        if depth and steps[:1] != (ELEMENTS,):
            return decode
        if len(steps) <= depth or not isinstance(name := steps[depth], str):
            return decode
        names.add(name)
    if kind not in ("object", "array") or (depth and not names):
        return decode
    return _of_fields(sorted(names), in_list=bool(depth))


def _of_fields(names: list[str], *, in_list: bool) -> Read:
    row: Any = TypedDict("Row", dict.fromkeys(names, Any), total=False)  # type: ignore[misc]
    fields = msgspec.json.Decoder(list[row] if in_list else row).decode

    def read(text: str | None) -> Any:
        try:
            return fields(text)  # type: ignore[arg-type]
        except (msgspec.DecodeError, RecursionError, TypeError):
            return decode(text)  # of another kind

    return read
