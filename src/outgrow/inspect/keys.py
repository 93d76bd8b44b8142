"""From keys to patterns. No I/O.

Every key goes into a tree of segments, ids merged by their form as they come (`form` in
formats.py), so that the tree stays small however many keys there are. Then, from the root down, it
is decided of each remaining word whether it is a literal of the pattern or one of many values of a
variable. A word is a literal unless something speaks against it; `why` keeps what did.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from outgrow.inspect.days import day_of, read_made
from outgrow.inspect.formats import WORDY, form, is_name
from outgrow.inspect.reading import decode
from outgrow.inspect.values import ALL_OF, EVERY, Values, similarity

MANY = 1500
"""Different words below one segment that are kept apart; of more, the rare ones become one."""

ALIKE = 0.5
"""From here two families are one. Measured on generated keyspaces: kinds of documents under one
root have 0.1 to 0.35 in common, variants of one kind 0.55 and more."""

CLOSE = 0.7
"""So alike must documents behind only two words be for these to be values of a variable."""

FEW_KEYS, FEW_SHARE = 3, 0.05
"""A family of so few keys, or so small a share of another's, is an accident of that one's ids."""

SEPARATORS = (":", "/", "|", "#", "_")
"""The first of these that a key has separates its segments."""

_SEPARATED = "".join(SEPARATORS)
_CLOCK = re.compile(r"(?<=\dT)([0-2]\d):([0-5]\d)(?::([0-5]\d))?")
_SURE = re.compile("<(?:uuid|time|email|date|ms|seconds|hex|random|word)>")
_KIND = re.compile(r"<[a-z]+>")
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
        return not _SURE.search(self.label) and any(map(str.isalpha, _KIND.sub("", self.label)))

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


# Words and ids -----------------------------------------------------------------------------------


def resolve(node: Node, depth: int = 0) -> None:
    """Decide, from here down, what is a literal and what a variable. Afterwards each child is
    either a literal (`why` is empty) or a variable that stands for all its `forms`."""
    ids = [child for child in node.children.values() if child.is_id]
    if depth:
        ids = [child for child in ids if not child.is_weak]
    words = [child for child in node.children.values() if child not in ids]
    variables: list[Node] = []
    for child in sorted(ids, key=lambda c: -c.total):
        one = next((v for v in variables if _same_variable(v, child, depth)), None)
        if one is None:
            child.why = child.why or "ids of one form"
            variables.append(child)
        else:
            one.absorb(child)
    literals: list[Node] = []
    for cluster in _clusters(words, depth):
        _settle(cluster, variables, literals, depth)
    if depth:
        _adopt(literals, variables)
    node.children = {f"{n} {c.label}": c for n, c in enumerate([*literals, *variables])}
    for child in [*variables, *literals]:
        node.route.update(dict.fromkeys(child.forms, child))
        if "<word>" in child.label or (len(variables) == 1 and child.why):
            node.rest = child
        resolve(child, depth + 1)
    if all(child is node.rest for form_, child in node.route.items() if "<" in form_):
        node.only = node.rest


def _same_variable(one: Node, other: Node, depth: int) -> bool:
    if depth == 0 or one.label[0] != other.label[0]:
        # The first segment names the family: there, only the ids may differ.
        return _KIND.sub("<>", one.label) == _KIND.sub("<>", other.label)
    return alike(one, other) >= ALIKE


def _clusters(words: list[Node], depth: int) -> Iterator[list[Node]]:
    """Words with alike things behind them."""
    heads: list[list[Node]] = []
    for word in sorted(words, key=lambda w: (-w.total, w.label)):
        if word.is_collection:
            yield [word]
            continue
        for head in heads[:60]:
            if depth and head[0].label[0] != word.label[0]:
                continue
            if alike(head[0], word) >= ALIKE:
                head.append(word)
                break
        else:
            heads.append([word])
    yield from heads


def _settle(cluster: list[Node], variables: list[Node], literals: list[Node], depth: int) -> None:
    """Make a variable of the words, or literals."""
    first = cluster[0]
    if first.is_collection:
        literals.append(first)
        return
    for variable in variables if depth else ():
        if _is_one_of(variable, cluster):
            for word in cluster:
                variable.absorb(word)
            return
    why = _spread(cluster) if depth else _tenants(cluster)
    for variable in variables if why and depth else ():
        if "<word>" in variable.label and _depths(variable) == _depths(first):
            for word in cluster:
                variable.absorb(word)
            return
    if not why:
        for word in cluster:
            word.why = "ids of one form" if word.is_id else ""
            (variables if word.is_id else literals).append(word)
        return
    made = Node(first.label[:1] + "<word>" if depth else "<word>", "")
    made.forms = set()
    for word in cluster:
        made.absorb(word)
    made.why = why
    variables.append(made)


def _adopt(literals: list[Node], variables: list[Node]) -> None:
    """Give single words, and those with damaged values, to the variable that all the others there
    belong to."""
    for word in list(literals):
        if word.is_collection:
            continue
        for variable in variables:
            if (
                "<word>" in variable.label
                and word.label[:1] == variable.label[:1]
                and word.total * 5 <= variable.total
                and _depths(word) <= _depths(variable)
                and (alike(variable, word) >= ALIKE or _is_damaged(word, variable))
            ):
                variable.absorb(word)
                literals.remove(word)
                break


def _is_damaged(word: Node, variable: Node) -> bool:
    """No document, where documents are."""
    values, usual = _first_values(word), _first_values(variable)
    return (
        word.total <= FEW_KEYS
        and values is not None
        and values.kind != "object"
        and usual is not None
        and usual.kind == "object"
    )


def _depths(node: Node, depth: int = 0) -> set[int]:
    """How many segments behind this one its keys end."""
    ends = {depth} if node.count else set()
    return ends.union(*(_depths(child, depth + 1) for child in list(node.children.values())[:50]))


def _is_one_of(variable: Node, words: list[Node]) -> bool:
    """Ids without the form of one: `me`, `system`, what was typed by hand."""
    if not variable.values or variable.label[0] != words[0].label[0]:
        return False
    if variable.values.kind in ("object", "array") or len(words) > 2:
        if any(word.total > max(FEW_KEYS, 3 * (len(word.children) + 1)) for word in words):
            return False
        return all(
            word.values is not None and similarity(variable.values, word.values) >= 0.55
            for word in words[:20]
        )
    return False


def _spread(words: list[Node]) -> str:
    """Why the words are values of a variable; empty where nothing says that they are."""
    n = len(words)
    tokens = [word.token for word in words]
    if n >= 2 and sum(map(is_name, tokens)) * 2 >= n:
        return "written as names are"
    if n >= 2 and _named_inside(words):
        return "each is a field of its own value"
    total = sum(word.total for word in words)
    ends = [word for word in words if word.count]
    if len(ends) == n and not any(word.children for word in words):
        return _spread_at_the_end(words, total / n)
    below = {label for word in words for label in word.children}
    shared = set.intersection(*(set(word.children) for word in words))
    if n >= 3 and shared and not any("<" in label for label in below):
        return "the same keys below each"
    inner = _first_values(words[0])
    if inner is not None and inner.kind == "object" and not inner.is_map:
        other = _first_values(words[-1])
        close = other is not None and similarity(inner, other) >= CLOSE
        return "the same documents below each" if n >= 3 or (n == 2 and close) else ""
    return "so many of one kind" if n >= 12 else ""


def _spread_at_the_end(words: list[Node], each: float) -> str:
    n, values = len(words), words[0].values
    assert values is not None
    if each > 1.5:
        return "so many of one kind" if n >= 20 else ""
    if values.kind == "object":
        return "documents of one kind" if n >= 3 and not values.is_map else ""
    if values.kind == "string" and values.format not in WORDY:
        return "ids of one form in each" if n >= 3 else ""
    return "so many of one kind" if n >= 8 else ""


def _tenants(words: list[Node]) -> str:
    """The first segment names the family, except where the same families stand behind several."""
    shared = set.intersection(*(set(word.children) for word in words))
    literal = [label for label in shared if "<" not in label]
    if len(words) >= 3 and len(literal) >= 2:
        return "the same keys below each"
    ends = all(word.count and not word.children for word in words)
    return "so many of one kind" if ends and len(words) >= 30 else ""


def _first_values(node: Node) -> Values | None:
    if node.values is not None:
        return node.values
    for child in node.children.values():
        if (found := _first_values(child)) is not None:
            return found
    return None


def _named_inside(words: list[Node]) -> bool:
    """The word is itself in the value, as `provider` of `oauth:{provider}:{id}`."""
    said = 0
    for word in words:
        values = _first_values(word)
        if values is None or not values.objects:
            return False
        said += any(word.token in field.samples for field in values.fields.values())
    return said >= 0.6 * len(words)


def alike(one: Node, other: Node, depth: int = 0) -> float:
    """From 0 to 1, whether the same things end and go on at both."""
    if one.values is not None and other.values is not None:
        return similarity(one.values, other.values)
    if not one.children or not other.children or depth > 2:
        return 0.0
    mine, others = _below(one), _below(other)
    common = mine.keys() & others.keys()
    if not common:
        # Words behind words, as in user:{first}:{last}:{id}: what is behind those?
        largest = [max(below.values(), key=lambda c: c.total) for below in (mine, others)]
        return 0.9 * alike(largest[0], largest[1], depth + 1)
    share = len(common) / min(len(mine), len(others))
    best = [alike(mine[label], others[label], depth + 1) for label in sorted(common)[:5]]
    return share * max(best)


def _below(node: Node) -> dict[str, Node]:
    """The children by label, ids by their kind alone."""
    below: dict[str, Node] = {}
    for label, child in node.children.items():
        one = label[:1] + "<>" if "<" in label else label
        if one not in below or below[one].total < child.total:
            below[one] = child
    return below
