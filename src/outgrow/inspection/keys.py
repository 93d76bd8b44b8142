"""From keys to a tree. No I/O.

Every key goes into a tree of segments, ids merged by their form as they come (`form` in
formats.py), so that the tree stays small however many keys there are. Which of the remaining words
are literals of a pattern is decided in words.py, from the root down.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from outgrow.inspection.days import day_of, read_made
from outgrow.inspection.formats import form
from outgrow.inspection.values import ALL_OF, EVERY, Values, decode

MANY = 1500
"""Different words below one segment that are kept apart; of more, the rare ones become one."""

FEW_KEYS, FEW_SHARE = 3, 0.05
"""A family of so few keys, or so small a share of another's, is an accident of that one's ids."""

SEPARATORS = (":", "/", "|", "#", "_")
"""The first of these that a key has separates its segments."""

_SEPARATED = "".join(SEPARATORS)
_CLOCK = re.compile(r"(?<=\dT)([0-2]\d):([0-5]\d)(?::([0-5]\d))?")
_SURE = re.compile("<(?:uuid|time|email|date|ms|seconds|hex|random|word)>")
KIND = re.compile(r"<[a-z]+>")
_EXAMPLES = 40
"""Keys and values of a family that are kept to be looked at again."""

LARGE, LARGEST, MOST = 20_000, 8_000_000, 48_000_000
"""Bytes. A larger value is not kept, but for a family's first, up to the second; of those so
many."""

# fmt: off
COLLECTIONS = frozenset((
    "active", "all", "archived", "cache", "config", "count", "counter", "current", "default",
    "done", "finished", "global", "index", "init", "latest", "list", "map", "meta", "metadata",
    "open", "order", "pending", "queue", "recent", "root", "settings", "state", "stats", "status",
    "summary", "total", "totals", "version",
))
# fmt: on
"""What programmers call the one key that tells of all the others. Never an id."""


def split(key: str) -> tuple[str, list[str]]:
    """The separator of a key and its segments. The colons of a time of day separate nothing."""
    if ":" in key and "T" not in key:  # nearly every key
        return ":", key.split(":")
    for separator in SEPARATORS:
        if separator in key:
            if separator == ":" and "T" in key:
                key = _CLOCK.sub(lambda m: m[0].replace(":", "\0"), key)
                return ":", [part.replace("\0", ":") for part in key.split(":")]
            return separator, key.split(separator)
    return "", [key]


class Node:
    """A place in the tree: the keys that end here (`count`, `values`), and what goes on from
    here."""

    __slots__ = (
        "bytes",
        "children",
        "count",
        "days",
        "examples",
        "forms",
        "label",
        "largest",
        "only",
        "pattern",
        "rest",
        "route",
        "several",
        "sizes",
        "token",
        "total",
        "values",
        "why",
    )

    def __init__(self, label: str, token: str) -> None:
        self.label = label
        self.token = token
        self.several = False
        self.total = self.count = self.bytes = 0
        self.largest = 0
        self.sizes: list[int] = []
        """Bytes of the values of a sample."""
        self.days: Counter[str] = Counter()
        """How many keys say that they were made on a day (`2026-01-31`)."""
        self.children: dict[str, Node] = {}
        self.values: Values | None = None
        self.examples: list[tuple[str, Any]] = []
        self.forms: set[str] = {label}
        self.why = ""
        self.pattern: Any = None
        self.route: dict[str, Node] = {}
        self.rest: Node | None = None
        """Where what is not in `route` goes; `only`: whatever form it has."""
        self.only: Node | None = None

    @property
    def is_id(self) -> bool:
        """By its form; a word with a number (`v2`) only if it was seen with several."""
        return "<" in self.label and (self.several or _SURE.search(self.label) is not None)

    @property
    def is_collection(self) -> bool:
        return self.label.lstrip(_SEPARATED).lower() in COLLECTIONS

    @property
    def is_weak(self) -> bool:
        """A word with a number behind it: an id, or one of many names."""
        return not _SURE.search(self.label) and any(map(str.isalpha, KIND.sub("", self.label)))

    def grow(self, separator: str, token: str) -> Node:
        """The child for a segment; made where it is not there."""
        child = self.children.get(separator + token)
        if child is None:
            label = separator + form(token)
            child = self.children.get(label)
            if child is None:
                child = self._new(separator, label, token)
        if child.token != token:
            child.several = True
        return child

    def _new(self, separator: str, label: str, token: str) -> Node:
        if len(self.children) >= MANY:
            other = separator + "<word>"
            if other not in self.children:
                self._crowd(separator, other)
            label = other
            if label in self.children:
                return self.children[label]
        child = self.children[label] = Node(label, token)
        return child

    def _crowd(self, separator: str, other: str) -> None:
        """Too many different words: those with few keys are one from now on."""
        one = Node(other, "")
        one.several = True
        kept = {}
        for label, child in self.children.items():
            if child.total <= FEW_KEYS and label.startswith(separator):
                one.absorb(child)
            else:
                kept[label] = child
        kept[other] = one
        self.children = kept

    def absorb(self, other: Node) -> None:
        """Take all of the other's, as if its segment were written as this one's."""
        self.take_keys(other)
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

    def take_keys(self, other: Node) -> None:
        """Count the keys that end at the other one as ending here."""
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
        """`text` is the value as JSON."""
        size = len(text or "")
        separator, segments = split(key)
        node = self.root
        node.total += 1
        for place, segment in enumerate(segments):
            node = node.grow(separator if place else "", segment)
            node.total += 1
        node.count += 1
        node.bytes += size
        node.largest = max(node.largest, size)
        is_looked_at = node.count <= ALL_OF or not node.count % EVERY
        value = decode(text) if is_looked_at else read_made(text)
        if (day := day_of(key, value)) is not None:
            node.days[day] += 1
        if len(node.examples) < _EXAMPLES:
            kept = size < LARGE or self._may_keep(node, size)
            node.examples.append((key, value if kept else None))
        if node.values is None:
            node.values = Values()
        if is_looked_at:
            own = {segment: place for place, segment in enumerate(segments)}
            if len(segments) > 2:
                own[key[len(segments[0]) + 1 :]] = -2
            own[key] = -1
            node.values.add(value, own)
            node.sizes.append(size)

    def _may_keep(self, node: Node, size: int) -> bool:
        if node.count > 1 or size > LARGEST or self._large + size > MOST:
            return False
        self._large += size
        return True

    def place(self, key: str) -> tuple[Any, list[str]]:
        """The pattern of a key, after `resolve`, and its segments; None for one of no family that
        was seen."""
        separator, segments = split(key)
        node = self.root
        before = ""
        for segment in segments:
            found = node.route.get(before + segment)
            if found is None:
                found = node.only or node.route.get(before + form(segment)) or node.rest
                if found is None:
                    return None, segments
            node, before = found, separator
        return node.pattern, segments
