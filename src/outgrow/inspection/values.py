"""What a pattern's values are like: kinds, fields, formats, lengths. No I/O.

For the values of one family of keys a sample is enough: all of the first thousand, then every
sixteenth. What has to be complete (misfits) is counted in audit.py.

Values come as text, and are decoded only as far as they are used. To decode a large document takes
several times as long as to skip through it for the two fields that an audit needs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypedDict

import msgspec

from outgrow.inspection.formats import WORDY, form, format_of
from outgrow.layout import consistency

ALL_OF, EVERY = 1000, 16
"""All of the first values are read, and then one in so many."""

FIELDS = 300
"""Names that are counted apart in one object. More names than that are mostly the ids of a map."""

SAMPLES = 120
"""Different texts that are stored for each path, to find the pattern that they are ids of."""

DISTINCT = 2000
"""Different values that are counted; above this there are many."""

SOME, MIXED = 3, 0.15
"""From this count and share on, values of another kind are a habit of the app; fewer are damage."""

ACCIDENTS = frozenset(("[object Object]", "NaN", "null", "undefined", ""))
"""What code writes in place of a value that it did not have: not a kind of its own, however
frequent."""

OWN = 0.8
"""From this share on, texts that equal a segment of their own key repeat it, and name nothing
else."""

LONGEST = 200
"""Characters of a text that may be a reference."""

ELEMENTS, MEMBERS, NAMES = consistency.ELEMENTS, consistency.MEMBERS, consistency.NAMES
Steps = consistency.Steps

_KINDS = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


def kind_of(value: Any) -> str:
    return _KINDS.get(type(value), "number")


def encoded(text: str) -> Any:
    """Return the object or array that the text holds as JSON, or None."""
    if len(text) > 1 and text[0] in "[{" and text[-1] in "]}":
        try:
            return json.loads(text)
        except ValueError:
            return None
    return None


def decoded(value: Any) -> Any:
    """Return what a text holds as JSON; anything else as it is."""
    if isinstance(value, str):
        inner = encoded(value)
        return value if inner is None else inner
    return value


@dataclass(eq=False, slots=True)
class Values:
    """All values at one path: of a pattern, of a field, of a list's elements."""

    count: int = 0
    accidents: int = 0
    encoded: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    fields: dict[str, Values] = field(default_factory=dict)
    elements: Values | None = None
    lengths: list[int] = field(default_factory=list)
    distinct: set[int] = field(default_factory=set)
    samples: dict[str, int] = field(default_factory=dict)
    """Different texts, and how often each was read."""
    repeated: Counter[int] = field(default_factory=Counter)
    """How often a text was a segment of its own key, by the position of that segment; -1: the
    whole key, -2: all but the first segment."""

    def add(self, value: Any, positions: dict[str, int], depth: int = 0) -> None:
        self.count += 1
        if isinstance(value, str) and (inner := encoded(value)) is not None:
            self.encoded += 1
            value = inner
        kind = kind_of(value)
        self.kinds[kind] += 1
        if kind == "string":
            self.accidents += value in ACCIDENTS
            self._text(value, positions)
        elif kind == "object":
            if depth < 6:
                for name, item in value.items():
                    self._field(name).add(item, positions, depth + 1)
        elif kind == "array":
            self.lengths.append(len(value))
            if self.elements is None:
                self.elements = Values()
            if depth < 6:
                for item in value[:50]:
                    self.elements.add(item, positions, depth + 1)
        elif len(self.distinct) < DISTINCT:
            self.distinct.add(hash(value))
        if kind == "number" and isinstance(value, int):
            self._sample(str(value))

    def _text(self, text: str, positions: dict[str, int]) -> None:
        if len(self.distinct) < DISTINCT:
            self.distinct.add(hash(text))
        if self.count < 400 or not self.count % 8:
            self.formats[format_of(text)] += 1
        position = positions.get(text)
        if position is not None:
            self.repeated[position] += 1
        if 0 < len(text) <= LONGEST:
            self._sample(text)

    def _sample(self, text: str) -> None:
        if text in self.samples:
            self.samples[text] += 1
        elif len(self.samples) < SAMPLES:
            self.samples[text] = 1

    def _field(self, name: str) -> Values:
        values = self.fields.get(name)
        if values is None:
            if len(self.fields) >= FIELDS:
                name = "…"
                values = self.fields.get(name)
            if values is None:
                values = self.fields[name] = Values()
        return values

    def merge(self, other: Values) -> None:
        self.count += other.count
        self.encoded += other.encoded
        self.accidents += other.accidents
        self.kinds.update(other.kinds)
        self.formats.update(other.formats)
        self.repeated.update(other.repeated)
        self.lengths += other.lengths
        for name, values in other.fields.items():
            self._field(name).merge(values)
        if other.elements is not None:
            if self.elements is None:
                self.elements = Values()
            self.elements.merge(other.elements)
        if len(self.distinct) < DISTINCT:
            self.distinct |= other.distinct
        for text, times in other.samples.items():
            if text in self.samples or len(self.samples) < SAMPLES:
                self.samples[text] = self.samples.get(text, 0) + times

    # The result --------------------------------------------------------------------------------

    @property
    def present(self) -> int:
        """Return how many are not null."""
        return self.count - self.kinds["null"]

    @property
    def kind(self) -> str:
        """Return what most of them are."""
        kinds = [(n, kind) for kind, n in self.kinds.items() if kind != "null"]
        return max(kinds)[1] if kinds else "null"

    @property
    def is_mixed(self) -> bool:
        """Return whether they are of several kinds, and not by accident: more are of another kind
        than damage would explain."""
        others = self.present - self.kinds[self.kind]
        others -= self.accidents if self.kind != "string" else 0
        ids = self.kind != "string" and self.format not in WORDY and self.kinds["string"]
        return others >= (1 if ids else SOME) and others >= MIXED * self.present

    @property
    def is_encoded(self) -> bool:
        """Return whether the app writes JSON into texts here, always or often: a habit, not
        damage."""
        return self.encoded >= SOME and self.encoded >= MIXED * self.present

    @property
    def format(self) -> str:
        return self.formats.most_common(1)[0][0] if self.formats else ""

    @property
    def repeated_segment(self) -> int | None:
        """Return the segment of their own key that nearly all texts repeat; see `repeated`."""
        if not self.repeated or not self.kinds["string"]:
            return None
        position, times = self.repeated.most_common(1)[0]
        return position if times >= OWN * self.kinds["string"] else None

    @property
    def objects(self) -> int:
        return self.kinds["object"]

    @property
    def is_map(self) -> bool:
        """Return whether they are objects whose names are ids, so that no name is common to all of
        them."""
        if not self.fields or not self.objects:
            return False
        names = list(self.fields)
        forms = Counter(form(name) for name in names)
        if sum(format_of(name) not in (*WORDY, "prefix-number") for name in names) > 0.6 * len(
            names
        ):
            return True
        usual, times = forms.most_common(1)[0]
        if "<" in usual and times >= max(SOME, 0.6 * len(names)):
            return True
        common = sum(v.count >= 0.4 * self.objects for v in self.fields.values())
        if self.objects >= 8:
            mean = sum(v.count for v in self.fields.values()) / self.objects
            return common == 0 and len(names) > 3 * max(mean, 1)
        node_similarity = {(v.kind, v.format) for v in self.fields.values()}
        inner = [v for v in self.fields.values() if v.kind == "object"]
        return (
            len(names) >= 5
            and len(inner) == len(names)
            and all(similarity(inner[0], other) > 0.6 for other in inner[1:9])
        ) or (len(names) >= 40 and len(node_similarity) == 1)

    @property
    def members(self) -> Values:
        """Return the values of all members of a map as one."""
        members = Values()
        for values in self.fields.values():
            members.merge(values)
        return members

    @property
    def names(self) -> list[str]:
        """Return the names of a map's members."""
        return [name for name in self.fields if name != "…"]

    @property
    def shape(self) -> str:
        """Return `document`, `ids`, `objects`, `map`, `scalar`, or `mixed` where no kind is
        usual."""
        if self.is_mixed:
            return "mixed"
        if self.kind == "object":
            return "map" if self.is_map else "document"
        if self.kind == "array":
            inner = self.elements
            if inner is None or not inner.present:
                return "ids"
            if inner.is_mixed:
                return "mixed"
            return {"object": "objects", "array": "mixed"}.get(inner.kind, "ids")
        return "scalar"

    def _has_kind(self, kind: str) -> bool:
        """Return whether more than a misfit or two are of the kind."""
        times = self.kinds[kind]
        return times > 0 and (kind == self.kind or times >= max(SOME, 0.02 * self.present))

    @property
    def has_numbers(self) -> bool:
        """Return whether some of the texts here are numbers, and not by accident."""
        return self.kinds["number"] >= max(1, MIXED * self.present)

    def walk(self, steps: Steps = ()) -> Iterator[tuple[Steps, Values]]:
        """Return these values and all below them, with their paths."""
        yield steps, self
        if self._has_kind("object"):
            if self.is_map:
                names = Values()
                for name in self.names:
                    names.add(name, {})
                yield (*steps, NAMES), names
                yield from self.members.walk((*steps, MEMBERS))
            else:
                for name, values in self.fields.items():
                    yield from values.walk((*steps, name))
        if self.elements is not None and self._has_kind("array"):
            yield from self.elements.walk((*steps, ELEMENTS))


def path_of(steps: Steps) -> str:
    """Return `$` for the value itself, `f`, `f.g`, `f[]`, `f{}`, and `[]`, `{}` at the top. The
    names of a map and its values are written alike."""
    path = ""
    for step in steps:
        if isinstance(step, str):
            path += f".{step}" if path else step
        else:
            path += "[]" if step == ELEMENTS else "{}"
    return path or "$"


def texts(value: Any, steps: Steps, *, numbers: bool = True) -> list[str]:
    """Return the texts at a path, and the whole numbers."""
    if len(steps) == 1 and type(value) is dict and type(text := value.get(steps[0])) is str:
        return [text]  # three in four are like this
    values = values_at(value, steps)
    if set(map(type, values)) <= _TEXT:
        return values
    return [str(item) for item in values if type(item) is str or (numbers and type(item) is int)]


def values_at(value: Any, steps: Steps) -> list[Any]:
    """Return all values at a path; the names of a map where the path ends in names."""
    values = [value]
    for step in steps:
        if str in set(map(type, values)):
            values = [decoded(item) for item in values]
        if step == ELEMENTS:
            values = [element for item in values if type(item) is list for element in item]
        elif step == NAMES:
            values = [name for item in values if type(item) is dict for name in item]
        elif step == MEMBERS:
            values = [element for item in values if type(item) is dict for element in item.values()]
        else:
            values = [item[step] for item in values if type(item) is dict and step in item]
    return values


_TEXT = {str}


def similarity(a: Values, b: Values) -> float:
    """Return from 0 (nothing in common) to 1 whether both are values of one pattern."""
    if not a.present or not b.present:
        return 0.7
    if a.kind != b.kind:
        return 0.0
    if a.kind == "object":
        if a.is_map or b.is_map:
            return 0.8 if a.is_map and b.is_map else 0.2
        return _field_similarity(a, b)
    if a.kind == "array":
        if (
            a.elements is None
            or b.elements is None
            or not (a.elements.present and b.elements.present)
        ):
            return 0.7
        return similarity(a.elements, b.elements)
    if a.kind == "string":
        if a.format == b.format:
            return 0.9
        return 0.6 if (a.format in WORDY) == (b.format in WORDY) else 0.3
    return 0.6


def _field_similarity(a: Values, b: Values) -> float:
    """Return the share of fields that both have, of the same kind, weighted by how many objects
    have them."""
    common = all_ = 0.0
    for name in {*a.fields, *b.fields}:
        mine, theirs = a.fields.get(name), b.fields.get(name)
        shares = (
            mine.count / a.objects if mine else 0.0,
            theirs.count / b.objects if theirs else 0.0,
        )
        all_ += max(shares)
        if mine and theirs and (mine.kind == theirs.kind or "null" in (mine.kind, theirs.kind)):
            common += min(shares)
    share = common / all_ if all_ else 0.7
    few, many = sorted((a, b), key=lambda v: v.objects)
    if few.objects < 5:
        # Few objects say little by their optional fields: does the other have them all?
        known = sum(name in many.fields for name in few.fields)
        many_names = many.fields
        always = sum(
            v.count == few.objects > 2 and n not in many_names for n, v in few.fields.items()
        )
        if always < 2 and (known >= 2 or len(many.fields) <= 3):
            share = max(share, 0.85 * known / max(len(few.fields), 1))
    return share


Read = Callable[[str | None], Any]

_decode = msgspec.json.Decoder().decode


def decode(text: str | None) -> Any:
    """Return a value as Python has it. A text that is not JSON (a column of text) is returned as it
    is."""
    if text is None:
        return None
    try:
        return _decode(text)
    except (msgspec.DecodeError, RecursionError):
        try:
            return json.loads(text)  # numbers beyond a float
        except (ValueError, RecursionError):
            return text


def reader(kind: str, paths: Iterable[Steps]) -> Read:
    """Return a decoder for values that are mostly of this kind. It decodes at least what is at
    these paths: of objects, and of objects in a list, only the fields on the way."""
    depth = 0 if kind == "object" else 1
    names = set()
    for steps in paths:
        if depth and steps[:1] != (ELEMENTS,):
            return decode
        if len(steps) <= depth or not isinstance(name := steps[depth], str):
            return decode
        names.add(name)
    if kind not in ("object", "array") or (depth and not names):
        return decode
    return _field_reader(sorted(names), in_list=bool(depth))


def _field_reader(names: list[str], *, in_list: bool) -> Read:
    row: Any = TypedDict("Row", dict.fromkeys(names, Any), total=False)  # type: ignore[misc]
    fields = msgspec.json.Decoder(list[row] if in_list else row).decode

    def read(text: str | None) -> Any:
        try:
            return fields(text)  # type: ignore[arg-type]
        except (msgspec.DecodeError, RecursionError, TypeError):
            return decode(text)  # of another kind

    return read
