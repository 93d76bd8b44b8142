"""The keys of a store, as a tree and as sets of hashes. No I/O.

Every key goes into a tree of segments. Ids are merged by their form as they come (`form` in
formats.py), so that the tree stays small however many keys there are. literals.py decides, from the
root down, which of the remaining words are literals of a pattern.

A set of millions of keys or facts takes eight bytes for each, a 64-bit hash. Two with the same hash
are taken for one: among ten million the chance that there are two is 1 in 400,000."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import repeat
from typing import Any

from outgrow.inspection.formats import form
from outgrow.inspection.values import ALL_OF, EVERY, Values, decode, reader

_CREATED = ("createdAt", "created_at", "created", "timestamp", "sentAt", "date", "at")
_DAY = re.compile(r"20\d\d-[01]\d-[0-3]\d(?:[T ]|\Z)")
_MILLISECONDS = re.compile(r"(?<!\d)1[4-9]\d{11}(?!\d)")

_read_fields = reader("object", [(name,) for name in _CREATED])


def read_created(text: str | None) -> Any:
    """Return as much of a value as `day_of` needs."""
    return _read_fields(text) if text and text[0] == "{" else None


def day_of(key: str, value: Any) -> str | None:
    """Return the day a row was made, by a field's name or the milliseconds in its key:
    `2026-01-31`."""
    if isinstance(value, dict):
        for name in _CREATED:
            created = value.get(name)
            if isinstance(created, str) and _DAY.match(created):
                return created[:10]
    milliseconds = _MILLISECONDS.search(key)
    return _day(int(milliseconds[0]) // 86_400_000) if milliseconds else None


@lru_cache(maxsize=4096)
def _day(number: int) -> str:
    """Return the day that is so many days after 1970-01-01."""
    return (date(1970, 1, 1) + timedelta(number)).isoformat()


_PARTS = 64  # so that each sort stays small

FACTS_AT_ONCE = 150_000
"""Facts that are held as a set, which takes eight times the memory."""


class Hashes:
    """A set that is filled, then sealed, then searched."""

    def __init__(self) -> None:
        self._parts = [array("q") for _ in range(_PARTS)]

    def update(self, things: Iterable[Hashable]) -> None:
        parts = self._parts
        for number in map(hash, things):
            parts[number % _PARTS].append(number)

    def seal(self) -> None:
        self._parts = [array("q", sorted(set(part))) for part in self._parts]

    def __contains__(self, thing: Hashable) -> bool:
        number = hash(thing)
        part = self._parts[number % _PARTS]
        position = bisect_left(part, number)
        return position < len(part) and part[position] == number


class Keys:
    """A set that is searched several times for each row, and therefore a table with gaps: a Python
    set takes six times the memory, and `Hashes` four times as long."""

    def __init__(self, count: int) -> None:
        """Make room for up to `count` keys."""
        size = 1 << max(4, (count + count // 2).bit_length())
        self._table = array("q", bytes(8 * size))
        self._mask = size - 1

    def update(self, keys: Iterable[str]) -> None:
        table, mask = self._table, self._mask
        for number in map(hash, keys):
            slot = number & mask
            while (stored := table[slot]) and stored != number:
                slot = (slot + 1) & mask
            table[slot] = number

    def has_all(self, keys: Iterable[str]) -> bool:
        table, mask = self._table, self._mask
        for number in map(hash, keys):
            slot = number & mask
            while (stored := table[slot]) != number:
                if not stored:
                    return False
                slot = (slot + 1) & mask
        return True

    def __contains__(self, key: str) -> bool:
        return self.has_all((key,))


class Facts:
    """Facts, and for each the row that it was read in, by 32 bits of the hash of its key: a few
    other rows have the same."""

    def __init__(self) -> None:
        self._facts = array("q")
        self._rows = array("I")

    def update(self, facts: Sequence[Hashable], key: str) -> None:
        self._facts.extend(map(hash, facts))
        self._rows.extend(repeat(short_hash(key), len(facts)))

    def rows(self, facts: set[int]) -> set[int]:
        """Return the rows in which one of these hashes of facts was read."""
        return {row for fact, row in zip(self._facts, self._rows, strict=True) if fact in facts}

    def compare(self, other: Facts) -> tuple[int, set[int], int, set[int]]:
        """Return the number of facts and the hashes of those that the other lacks, then the same of
        the other. Both sets of hashes are expected to be small."""
        mine = theirs = 0
        only_mine: set[int] = set()
        only_theirs: set[int] = set()
        parts = 1 + len(self._facts) // FACTS_AT_ONCE
        for part in range(parts):
            mine_of_part, others_of_part = (
                set(_part(all_, part, parts)) for all_ in (self._facts, other._facts)
            )
            mine, theirs = mine + len(mine_of_part), theirs + len(others_of_part)
            only_mine |= mine_of_part - others_of_part
            only_theirs |= others_of_part - mine_of_part
        return mine, only_mine, theirs, only_theirs

    def single(self) -> set[int]:
        """Return the hashes that are there an odd number of times, which are expected to be few."""
        odd: set[int] = set()
        parts = 1 + len(self._facts) // FACTS_AT_ONCE
        for part in range(parts):
            for fact in _part(self._facts, part, parts):
                if fact in odd:
                    odd.remove(fact)
                else:
                    odd.add(fact)
        return odd


def short_hash(key: str) -> int:
    return hash(key) & 0xFFFFFFFF


def _part(numbers: array[int], part: int, parts: int) -> Iterable[int]:
    return numbers if parts == 1 else (number for number in numbers if number % parts == part)


MANY = 1500
"""Different words under one segment that are kept apart; beyond this the rare ones are merged."""

FEW_KEYS, FEW_SHARE = 3, 0.05
"""A family with so few keys, or so small a share of another's, is an accident of the other's
ids."""

SEPARATORS = (":", "/", "|", "#", "_")
"""The first of these that a key contains separates its segments."""

_SEPARATED = "".join(SEPARATORS)
_CLOCK = re.compile(r"(?<=\dT)([0-2]\d):([0-5]\d)(?::([0-5]\d))?")
_SURE = re.compile("<(?:uuid|time|email|date|ms|seconds|hex|random|word)>")
KIND = re.compile(r"<[a-z]+>")
_EXAMPLES = 40
"""Keys and values of a family that are stored for later passes."""

LARGE, LARGEST, MOST = 20_000, 8_000_000, 48_000_000
"""Bytes. A larger value is stored only for a family's first key, up to the second limit, and up to
the third for all of them."""

# fmt: off
COLLECTIONS = frozenset((
    "active", "all", "archived", "cache", "config", "count", "counter", "current", "default",
    "done", "finished", "global", "index", "init", "latest", "list", "map", "meta", "metadata",
    "open", "order", "pending", "queue", "recent", "root", "settings", "state", "stats", "status",
    "summary", "total", "totals", "version",
))
# fmt: on
"""Names that programmers give to the one key that is about all the others. Never an id."""


def split_key(key: str) -> tuple[str, list[str]]:
    """Return the separator of a key and its segments. The colons of a time of day separate
    nothing."""
    if ":" in key and "T" not in key:  # nearly every key
        return ":", key.split(":")
    for separator in SEPARATORS:
        if separator in key:
            if separator == ":" and "T" in key:
                key = _CLOCK.sub(lambda m: m[0].replace(":", "\0"), key)
                return ":", [part.replace("\0", ":") for part in key.split(":")]
            return separator, key.split(separator)
    return "", [key]


@dataclass(eq=False, slots=True)
class Node:
    """A node of the tree: the keys that end here (`count`, `values`), and the segments that
    follow."""

    label: str
    token: str
    several: bool = False
    total: int = 0
    count: int = 0
    bytes: int = 0
    largest: int = 0
    sizes: list[int] = field(default_factory=list)
    """Bytes of the values of a sample."""
    days: Counter[str] = field(default_factory=Counter)
    """Keys made on each day (`2026-01-31`), as far as they say so."""
    children: dict[str, Node] = field(default_factory=dict)
    values: Values | None = None
    examples: list[tuple[str, Any]] = field(default_factory=list)
    forms: set[str] = field(default_factory=set)
    why: str = ""
    pattern: Any = None
    route: dict[str, Node] = field(default_factory=dict)
    rest: Node | None = None
    """The child for what is not in `route`; `only`: for what has any form."""
    only: Node | None = None

    def __post_init__(self) -> None:
        self.forms.add(self.label)

    @property
    def is_id(self) -> bool:
        """Return whether it is an id by its form; a word with a number (`v2`) only if it was read
        with several."""
        return "<" in self.label and (self.several or _SURE.search(self.label) is not None)

    @property
    def is_collection(self) -> bool:
        return self.label.lstrip(_SEPARATED).lower() in COLLECTIONS

    @property
    def is_weak(self) -> bool:
        """Return whether it is a word with a number after it: an id, or one of many names."""
        return not _SURE.search(self.label) and any(map(str.isalpha, KIND.sub("", self.label)))

    def child_for(self, separator: str, token: str) -> Node:
        """Return the child for a segment; make it if there is none."""
        child = self.children.get(separator + token)
        if child is None:
            label = separator + form(token)
            child = self.children.get(label)
            if child is None:
                child = self._add_child(separator, label, token)
        if child.token != token:
            child.several = True
        return child

    def _add_child(self, separator: str, label: str, token: str) -> Node:
        if len(self.children) >= MANY:
            other = separator + "<word>"
            if other not in self.children:
                self._merge_rare(separator, other)
            label = other
            if label in self.children:
                return self.children[label]
        child = self.children[label] = Node(label, token)
        return child

    def _merge_rare(self, separator: str, other: str) -> None:
        """Merge the words that have few keys, since there are too many different words."""
        merged = Node(other, "")
        merged.several = True
        children = {}
        for label, child in self.children.items():
            if child.total <= FEW_KEYS and label.startswith(separator):
                merged.absorb(child)
            else:
                children[label] = child
        children[other] = merged
        self.children = children

    def absorb(self, other: Node) -> None:
        """Add all that the other node has, as if its segment were written as this one's."""
        self.absorb_keys(other)
        self.total += other.total
        self.several = True
        self.forms |= other.forms
        self.examples = (self.examples + other.examples)[:_EXAMPLES]
        for label, child in other.children.items():
            mine = self.children.get(label)
            if mine is None:
                self.children[label] = child
            else:
                several = mine.several or child.several or mine.token != child.token
                mine.absorb(child)
                mine.several = several

    def absorb_keys(self, other: Node) -> None:
        """Count the keys that end at the other node as ending here."""
        self.count += other.count
        self.bytes += other.bytes
        self.largest = max(self.largest, other.largest)
        self.sizes += other.sizes
        self.days.update(other.days)
        if other.values is not None:
            if self.values is None:
                self.values = Values()
            self.values.merge(other.values)


class Tree:
    """All keys of a store, as they are read."""

    def __init__(self) -> None:
        self.root = Node("", "")
        self._large = 0

    def add(self, key: str, text: str | None) -> None:
        """Add a key. `text` is its value as JSON."""
        size = len(text or "")
        separator, segments = split_key(key)
        node = self.root
        node.total += 1
        for position, segment in enumerate(segments):
            node = node.child_for(separator if position else "", segment)
            node.total += 1
        node.count += 1
        node.bytes += size
        node.largest = max(node.largest, size)
        is_looked_at = node.count <= ALL_OF or not node.count % EVERY
        value = decode(text) if is_looked_at else read_created(text)
        if (day := day_of(key, value)) is not None:
            node.days[day] += 1
        if len(node.examples) < _EXAMPLES:
            kept = size < LARGE or self._may_keep(node, size)
            node.examples.append((key, value if kept else None))
        if node.values is None:
            node.values = Values()
        if is_looked_at:
            positions = {segment: position for position, segment in enumerate(segments)}
            if len(segments) > 2:
                positions[key[len(segments[0]) + 1 :]] = -2
            positions[key] = -1
            node.values.add(value, positions)
            node.sizes.append(size)

    def _may_keep(self, node: Node, size: int) -> bool:
        if node.count > 1 or size > LARGEST or self._large + size > MOST:
            return False
        self._large += size
        return True

    def match(self, key: str) -> tuple[Any, list[str]]:
        """Return the pattern of a key, after `resolve`, and its segments; None for a key of an
        unknown family."""
        separator, segments = split_key(key)
        node = self.root
        before = ""
        for segment in segments:
            child = node.route.get(before + segment)
            if child is None:
                child = node.only or node.route.get(before + form(segment)) or node.rest
                if child is None:
                    return None, segments
            node, before = child, separator
        return node.pattern, segments
