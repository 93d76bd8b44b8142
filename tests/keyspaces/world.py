"""What a keyspace is made of, with the truth about it kept while it is filled.

The patterns of an app are said as lines of text, one a pattern:

    alias   pattern   shape   words...

    path>alias      the path holds ids or keys of that pattern
    path|also>alias the same ids stand at `also`: either answers what is asked
    ~path>alias     true as well, but nobody is asked to find it
    =alias          all of it can be computed from that pattern
    ~=alias         one may say so
    symmetric       a list that holds B in A's row holds A in B's
    by:name         others name its rows by that key segment or field (default: the whole of the
                    key that varies, and the whole key)
    text            values are texts that hold JSON
    both            some are
    name~regex      what a segment of the key looks like (default: anything without : and /)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .values import Values

PLACE = re.compile(r"\{(\w+)(\.\.\.)?\}")
TOKEN = re.compile(r"\[\]|\{\}|[^.\[\]{}$]+")
SHAPES = ("document", "ids", "objects", "map", "scalar", "mixed")


@dataclass(frozen=True)
class Reference:
    """A path of a pattern's rows (or `{segment}`) whose values name rows of another pattern."""

    path: str
    to: str
    asked: bool = True
    also: tuple[str, ...] = ()


@dataclass
class Pattern:
    """One line of an app's patterns."""

    alias: str
    name: str
    shape: str
    references: list[Reference] = field(default_factory=list)
    derived: list[str] = field(default_factory=list)
    may_derive: list[str] = field(default_factory=list)
    symmetric: bool = False
    coding: str = "plain"
    by: str | None = None
    formats: dict[str, str] = field(default_factory=dict)

    @property
    def places(self) -> list[str]:
        return [segment[0] for segment in PLACE.findall(self.name)]

    @property
    def regex(self) -> str:
        parts, end = [], 0
        for segment in PLACE.finditer(self.name):
            usual = ".+" if segment[2] else "[^:/]+"
            parts += [
                re.escape(self.name[end : segment.start()]),
                self.formats.get(segment[1], usual),
            ]
            end = segment.end()
        return "".join([*parts, re.escape(self.name[end:])])

    def key(self, *segments: Any) -> str:
        assert len(segments) == len(self.places), (self.name, segments)
        given = iter(segments)
        return PLACE.sub(lambda _: str(next(given)), self.name)

    def forms(self, key: str, segments: tuple[str, ...], value: Any) -> list[str]:
        """The texts by which other rows name this one."""
        if self.by and self.by in self.places:
            return [key, segments[self.places.index(self.by)]]
        if self.by:
            return [key, str(value.get(self.by))] if isinstance(value, dict) else [key]
        if not segments:
            return [key]
        start, end = self.name.index("{"), len(self.name) - self.name.rindex("}") - 1
        # A doubled prefix is often said once: every suffix that begins after a colon names it too
        offsets = [0, *(i + 1 for i, letter in enumerate(key[:start]) if letter in ":_-"), start]
        return [key[offset : len(key) - end] for offset in offsets] + [key]


def parsed(text: str) -> dict[str, Pattern]:
    """The patterns said in an app's lines."""
    patterns = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        alias, name, shape, *options = line.split()
        assert shape in SHAPES, line
        pattern = patterns[alias] = Pattern(alias, name, shape)
        for option in options:
            if option == "symmetric":
                pattern.symmetric = True
            elif option in ("text", "both"):
                pattern.coding = option
            elif option.startswith("by:"):
                pattern.by = option[3:]
            elif option.startswith("~="):
                pattern.may_derive.append(option[2:])
            elif option.startswith("="):
                pattern.derived.append(option[1:])
            elif ">" in option:
                paths, to = option.lstrip("~").split(">")
                path, *also = paths.split("|")
                asked = not option.startswith("~")
                pattern.references.append(Reference(path, to, asked, tuple(also)))
            else:
                segment, _, regex = option.partition("~")
                assert segment in pattern.places, option
                pattern.formats[segment] = regex
    return patterns


Give = Callable[[str, tuple[str, ...], Any], Any]


@dataclass(frozen=True)
class Index:
    """How the rows of `target` follow from those of `source`."""

    target: str
    source: str
    by: str | None
    entries: Callable[[str, tuple[str, ...], Any], list[tuple[tuple[str, ...], Any]]]
    read: Callable[[Any], Any]
    drift: str | None
    is_planted: bool


Slot = tuple[Any, Any, Any, bool]
"""Holder, where in it, the value there, and whether that is a key of the holder."""


def slots(holder: Any, index: Any, tokens: list[str]) -> Iterator[Slot]:
    """Every place that a path leads to."""
    here = holder[index]
    if not tokens:
        yield holder, index, here, False
        return
    head, rest = tokens[0], tokens[1:]
    if head == "[]":
        for position in range(len(here) if isinstance(here, list) else 0):
            yield from slots(here, position, rest)
    elif head == "{}":
        for key in list(here) if isinstance(here, dict) else ():
            if rest:
                yield from slots(here, key, rest)
            else:
                yield here, key, key, True
    elif isinstance(here, dict) and head in here:
        yield from slots(here, head, rest)


def values_at(value: Any, path: str) -> list[Any]:
    """The values that a path leads to."""
    return [slot[2] for slot in slots([value], 0, TOKEN.findall(path))]


class World(Values):
    """A keyspace while it is filled. Values are as the app sees them, not as they are stored."""

    def __init__(self, name: str, pattern_lines: str, size: int, seed: str) -> None:
        super().__init__(seed)
        self.name = name
        self.size = size
        self.patterns = parsed(pattern_lines)
        self.rows: dict[str, Any] = {}
        self.alias_of: dict[str, str] = {}
        self.keys: dict[str, list[str]] = {alias: [] for alias in self.patterns}
        self.segments: dict[str, tuple[str, ...]] = {}
        self.indexes: list[Index] = []
        self.sentinels: set[str] = set()
        self.excused: set[tuple[str, str]] = set()

    def few(self, share: float, least: int = 3) -> int:
        """How many of something there are for this size."""
        return max(least, round(self.size * share))

    def put(self, alias: str, value: Any, *segments: Any) -> str:
        key = self.patterns[alias].key(*segments)
        assert key not in self.rows, key
        self.rows[key] = value
        self.alias_of[key] = alias
        self.keys[alias].append(key)
        self.segments[key] = tuple(map(str, segments))
        return key

    def of(self, alias: str) -> Iterator[tuple[str, tuple[str, ...], Any]]:
        """Key, segments and value of a pattern's rows."""
        for key in list(self.keys[alias]):
            yield key, self.segments[key], self.rows[key]

    def drop(self, key: str) -> None:
        self.keys[self.alias_of.pop(key)].remove(key)
        del self.rows[key], self.segments[key]

    def index(
        self,
        target: str,
        source: str,
        *,
        by: str | None = None,
        locate: Callable[[tuple[str, ...], Any, Any], tuple[Any, ...]] | None = None,
        give: Give | None = None,
        where: Callable[[Any], bool] | None = None,
        read: Callable[[Any], Any] = lambda value: value,
        drift: str | None = None,
        is_planted: bool = True,
    ) -> None:
        """Fill `target` from the rows of `source`: for each value at the path `by` one entry.

        `at` gives the segments of the entry's key (of segments, value, and what was at the path),
        `give` the entry itself (of key, segments and value; the row's id by default).
        `drift` names the field in which a copy may come to differ.
        """
        if give is None:
            give = _bare(self.patterns[source])
        assert give is not None

        def entries(
            key: str, segments: tuple[str, ...], value: Any
        ) -> list[tuple[tuple[str, ...], Any]]:
            if not isinstance(value, dict) or (where is not None and not where(value)):
                return []
            listed = []
            for named in values_at(value, by) if by else [None]:
                if by and not isinstance(named, str | int):
                    continue
                if locate is not None:
                    target_segments = locate(segments, value, named)
                else:
                    target_segments = (named,) if self.patterns[target].places else ()
                listed.append((tuple(map(str, target_segments)), give(key, segments, value)))
            return listed

        self.indexes.append(Index(target, source, by, entries, read, drift, is_planted))
        self._fill(self.indexes[-1])

    def _fill(self, index: Index) -> None:
        is_list = self.patterns[index.target].shape in ("ids", "objects")
        for key, segments, value in self.of(index.source):
            for target_segments, element in index.entries(key, segments, value):
                self.enter(index.target, target_segments, element, is_list)

    def enter(self, alias: str, segments: tuple[str, ...], element: Any, is_list: bool) -> str:
        """Add an entry to an index."""
        key = self.patterns[alias].key(*segments)
        element = json.loads(json.dumps(element))
        if key not in self.rows:
            return self.put(alias, [element] if is_list else element, *segments)
        if is_list and isinstance(self.rows[key], list):
            if element not in self.rows[key]:
                self.rows[key].append(element)
        elif not is_list:
            self.rows[key] = element
        return key


def _bare(pattern: Pattern) -> Give:
    """Gives a row's id without the words around it."""
    start, end = pattern.name.index("{"), len(pattern.name) - pattern.name.rindex("}") - 1

    def give(key: str, segments: tuple[str, ...], _: Any) -> str:
        if pattern.by in pattern.places:
            return segments[pattern.places.index(str(pattern.by))]
        return key[start : len(key) - end]

    return give
