"""Damage: what is wrong in a keyspace, found by what is true of it, and planted by a rate.

`violations` knows the truth (references, indexes, shapes) and finds all that contradicts it.
`plant_in` breaks a sound keyspace and says what it broke. What else is wrong by that (a list that
is no list any more lacks all its elements) is neither asked for nor counted against who names it.
"""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from .values import resembling
from .world import TOKEN, Index, Pattern, Reference, World, slots, values_at

KINDS = ("dangling", "doubled", "stale", "one_sided", "wrong_shape", "json_text", "missing")
FEWEST = 8
"""Rows a pattern must have before a value of another shape is damage, and not its shape."""

Finding = tuple[str, str]


@dataclass(frozen=True)
class Damage:
    """One thing that is wrong; `other` is how else one may rightly call it."""

    key: str
    kind: str
    other: tuple[Finding, ...] = ()


def _container(value: Any) -> Any:
    """The list or object that a text holds, or nothing."""
    try:
        decoded = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return decoded if isinstance(decoded, list | dict) else None


def _is_fitting(shape: str, value: Any) -> bool:
    if shape in ("document", "map"):
        return isinstance(value, dict)
    if shape in ("ids", "objects"):
        return isinstance(value, list)
    return True


def violations(world: World, *, is_decoding: bool) -> set[Finding]:
    """Every contradiction; with `is_decoding`, texts that hold JSON are read as what they hold."""
    rows = {
        key: (_container(value) or value) if is_decoding else value
        for key, value in world.rows.items()
    }
    wrong: set[Finding] = set()
    for key, value in world.rows.items():
        shape = world.patterns[world.alias_of[key]].shape
        if not _is_fitting(shape, value):
            wrong.add((key, "json_text" if _container(value) is not None else "wrong_shape"))
        if shape == "ids" and isinstance(value, list):
            texts = [json.dumps(element) for element in value]
            if len(texts) != len(set(texts)):
                wrong.add((key, "doubled"))
    wrong |= set(_dangling(world, rows)) | set(_one_sided(world, rows))
    for alias in {index.target: None for index in world.indexes}:
        indexes = [index for index in world.indexes if index.target == alias]
        wrong |= set(_disagreeing(world, alias, indexes, rows))
    return wrong


def named(world: World, alias: str, rows: dict[str, Any]) -> dict[str, str]:
    """Text by which a row of a pattern may be named -> its key."""
    pattern = world.patterns[alias]
    return {
        form: key
        for key in world.keys[alias]
        for form in pattern.forms(key, world.segments[key], rows[key])
    }


def pointed(world: World, reference: Reference, key: str, value: Any) -> list[Any]:
    """What a row names by a reference: nothing, one thing, or many."""
    if reference.path.startswith("{") and TOKEN.findall(reference.path)[0] != "{}":
        places = world.patterns[world.alias_of[key]].places
        return [world.segments[key][places.index(reference.path.strip("{}."))]]
    return values_at(value, reference.path)


def is_segment(reference: Reference) -> bool:
    return reference.path.startswith("{") and not reference.path.startswith("{}")


def _dangling(world: World, rows: dict[str, Any]) -> Iterator[Finding]:
    targets: dict[str, set[str]] = defaultdict(set)
    for reference in (r for p in world.patterns.values() for r in p.references if r.asked):
        targets[reference.to] = targets[reference.to] or set(named(world, reference.to, rows))
    for pattern in world.patterns.values():
        asked = [reference for reference in pattern.references if reference.asked]
        known: dict[str, set[str]] = defaultdict(set)
        for reference in asked:
            # A path that leads to two patterns dangles where it leads to neither
            known[reference.path] |= targets[reference.to]
        for key, reference in ((key, r) for key in world.keys[pattern.alias] for r in asked):
            for text in pointed(world, reference, key, rows[key]):
                is_id = isinstance(text, str | int) and not isinstance(text, bool)
                if is_id and not (
                    str(text) in known[reference.path] or str(text) in world.sentinels
                ):
                    yield key, "dangling"


def _one_sided(world: World, rows: dict[str, Any]) -> Iterator[Finding]:
    for pattern in world.patterns.values():
        if not pattern.symmetric:
            continue
        people = named(world, pattern.references[0].to, rows)
        for key, segments, _ in world.of(pattern.alias):
            value = rows[key]
            for other in value if isinstance(value, list) else ():
                back = rows.get(pattern.key(other)) or []
                if other in people and (not isinstance(back, list) or segments[0] not in back):
                    yield key, "one_sided"
                    yield pattern.key(other), "one_sided"


def _disagreeing(
    world: World, alias: str, indexes: list[Index], rows: dict[str, Any]
) -> Iterator[Finding]:
    target, read = world.patterns[alias], indexes[0].read
    is_list = target.shape in ("ids", "objects")
    expected: dict[str, dict[str, str]] = defaultdict(dict)
    for index in indexes:
        for key in world.keys[index.source]:
            for target_segments, element in index.entries(key, world.segments[key], rows[key]):
                expected[target.key(*target_segments)][_text(read(element))] = key
    held: dict[str, set[str]] = {}
    for key in world.keys[alias]:
        value = rows[key]
        elements = value if is_list and isinstance(value, list) else [] if is_list else [value]
        held[key] = {_text(read(element)) for element in elements}
        for element in held[key] - set(expected[key]):
            yield key, "stale" if element else "dangling"
    for key_of_list, wanted in expected.items():
        for element, source in wanted.items():
            if element not in held.get(key_of_list, ()):
                yield source, "missing"


def _text(element: Any) -> str:
    return json.dumps(element, sort_keys=True)


def plant_in(world: World, rate: float) -> list[Damage]:
    """Break about this share of a sound world's rows, of each pattern and in each way."""
    return _Planter(world, rate).run()


class _Planter:
    """Breaks a sound keyspace here and there."""

    def __init__(self, world: World, rate: float) -> None:
        self.world = world
        self.rate = rate
        self.done: dict[Finding, Damage] = {}
        self.touched: set[str] = set()
        self.sources = defaultdict(list)
        for index in world.indexes:
            self.sources[index.source].append(index)
        self.targets = {index.target for index in world.indexes}
        self.known = {alias: set(named(world, alias, world.rows)) for alias in world.patterns}

    def run(self) -> list[Damage]:
        for index in self.world.indexes:
            if index.is_planted:
                self._times(index.source, partial(self._stale, index))
                self._times(index.source, partial(self._missing, index))
        patterns = self.world.patterns.values()
        for pattern in patterns:
            for reference in (r for r in pattern.references if r.asked):
                self._times(pattern.alias, partial(self._dangle, pattern, reference))
            if pattern.shape == "ids":
                self._times(pattern.alias, partial(self._double, pattern))
            if pattern.symmetric:
                self._times(pattern.alias, partial(self._part, pattern))
        for pattern in (p for p in patterns if len(self.world.keys[p.alias]) >= FEWEST):
            if pattern.coding == "plain" and pattern.shape not in ("scalar", "mixed"):
                self._times(pattern.alias, partial(self._to_text, pattern))
            if pattern.shape in ("document", "ids", "objects", "map"):
                self._times(pattern.alias, partial(self._misshape, pattern))
        return [self.done[finding] for finding in sorted(self.done)]

    def _times(self, alias: str, act: Callable[[], bool]) -> None:
        world = self.world
        for _ in range(int(self.rate * len(world.keys[alias]) + world.random.random())):
            # Where the rows picked do not lend themselves to it, others may
            any(act() for _ in range(10))

    def _fresh(self, alias: str) -> str | None:
        keys = [key for key in self.world.keys[alias] if key not in self.touched]
        return self.world.pick(keys) if keys else None

    def _note(self, key: str, kind: str, *touched: str, other: tuple[Finding, ...] = ()) -> bool:
        assert kind in KINDS
        self.done[key, kind] = Damage(key, kind, other)
        self.touched.update((key, *touched))
        return True

    def _entries(self, index: Index, key: str, value: Any) -> list[tuple[tuple[str, ...], Any]]:
        return index.entries(key, self.world.segments[key], value)

    def _is_source_same(self, key: str, value: Any) -> bool:
        return all(
            self._entries(index, key, self.world.rows[key]) == self._entries(index, key, value)
            for index in self.sources[self.world.alias_of[key]]
        )

    def _stale(self, index: Index) -> bool:
        """The row's field changes, or the copy's; a list or pointer goes on telling the old one."""
        world, target = self.world, self.world.patterns[index.target]
        if index.drift is not None:
            return self._drift(index)
        key, other = self._fresh(index.source), self.world.pick(self.world.keys[index.source])
        if index.by is None or key is None or key == other or "[]" in index.by:
            return False
        is_list = target.shape in ("ids", "objects")
        paths = {each.path for each in world.patterns[index.source].references if each.asked}
        if not is_list and index.by in paths:
            return False  # it would have to name what is not there
        old = self._entries(index, key, world.rows[key])
        row = copy.deepcopy(world.rows[key])
        values = values_at(world.rows[other], index.by)
        if not old or not values or not isinstance(values[0], str):
            return False
        if row[index.by] in world.segments[key]:
            return False  # what the key says too is never changed
        row[index.by] = values[0] if is_list else resembling(str(row[index.by]), world)
        new = self._entries(index, key, row)
        list_keys = {target.key(*list_key) for list_key, _ in old}
        if list_keys & {target.key(*list_key) for list_key, _ in new} or list_keys & self.touched:
            return False
        if not self._keep(key, row, index):
            return False
        for list_key in sorted(list_keys):
            self._note(list_key, "stale", key)
        return True

    def _keep(self, key: str, row: Any, stale: Index) -> bool:
        """Write the row, and everything but one index as the app would have."""
        world = self.world
        for index in self.sources[world.alias_of[key]]:
            old, new = (self._entries(index, key, value) for value in (world.rows[key], row))
            if index is not stale and index.is_planted and old != new:
                return False
        for index in self.sources[world.alias_of[key]]:
            is_list = world.patterns[index.target].shape in ("ids", "objects")
            for target_segments, element in self._entries(index, key, row):
                world.enter(index.target, target_segments, element, is_list)
        world.rows[key] = row
        return True

    def _drift(self, index: Index) -> bool:
        world, key = self.world, self._fresh(index.target)
        if key is None:
            return False
        value = copy.deepcopy(world.rows[key])
        path = ("[]." if isinstance(value, list) else "") + str(index.drift)
        places = list(slots([value], 0, TOKEN.findall(path)))
        others = [v for _, _, row in world.of(index.target) for v in values_at(row, path)]
        if not places:
            return False
        holder, position, old, _ = world.pick(places)
        choices = [not old] if isinstance(old, bool) else [v for v in others if v != old]
        if not choices:
            return False
        new = world.pick(choices)
        if path == "$":
            value = new
        else:
            holder[position] = new
        world.rows[key] = value
        return self._note(key, "stale")

    def _missing(self, index: Index) -> bool:
        world, target = self.world, self.world.patterns[index.target]
        key = self._fresh(index.source)
        entries = self._entries(index, key, world.rows[key]) if key else []
        if not entries or key is None:
            return False
        target_segments, element = world.pick(entries)
        list_key = target.key(*target_segments)
        if list_key in self.touched and target.shape not in ("ids", "objects"):
            return False
        if target.shape in ("ids", "objects"):
            rest = [e for e in world.rows[list_key] if index.read(e) != index.read(element)]
            if len(rest) == len(world.rows[list_key]):
                return False
            world.rows[list_key] = rest
        else:
            if list_key not in world.rows:
                return False
            world.drop(list_key)
        return self._note(key, "missing")

    def _dangle(self, pattern: Pattern, reference: Reference) -> bool:
        world, key = self.world, self._fresh(pattern.alias)
        if key is None:
            return False
        if is_segment(reference):
            return self._orphan(pattern, reference, key)
        if pattern.alias in self.targets and pattern.shape in ("scalar", "mixed"):
            return self._leave(pattern, key)
        value = copy.deepcopy(world.rows[key])
        places = list(slots([value], 0, TOKEN.findall(reference.path)))
        places = [p for p in places if type(p[2]) in (str, int) and p[2] not in world.sentinels]
        if not places or reference.to in self.targets_of(pattern.alias):
            return False
        holder, position, old, is_key = world.pick(places)
        new = type(old)(self._nobody(str(old), reference.to))
        if holder and holder[position] is value:
            value = new
        elif is_key:
            holder[new] = holder.pop(position)
        elif pattern.shape == "ids" and (pattern.symmetric or pattern.alias in self.targets):
            holder.append(new)
        else:
            holder[position] = new
        is_copy = pattern.alias in self.targets and pattern.shape != "ids"
        if is_copy or not self._is_source_same(key, value):
            return False
        world.rows[key] = value
        return self._note(key, "dangling")

    def targets_of(self, alias: str) -> set[str]:
        """The indexes of a pattern: what names them cannot dangle, it can only be missing there."""
        return {index.target for index in self.sources[alias]}

    def _nobody(self, old: str, alias: str) -> str:
        """What nothing is called, in the format of what something is called."""
        for _ in range(20):
            if (new := resembling(old, self.world)) not in self.known[alias]:
                return new
        return f"{old}{self.world.digits(3)}"  # the format has no room for another

    def _leave(self, pattern: Pattern, key: str) -> bool:
        """An entry of a unique index whose row is gone."""
        world = self.world
        segments = [resembling(segment, world) for segment in world.segments[key]]
        value = world.rows[key]
        if not isinstance(value, str) or pattern.key(*segments) in world.rows:
            return False
        return self._note(world.put(pattern.alias, resembling(value, world), *segments), "dangling")

    def _orphan(self, pattern: Pattern, reference: Reference, key: str) -> bool:
        """A row that goes on after what its key names is gone."""
        world = self.world
        position = pattern.places.index(reference.path.strip("{}."))
        if pattern.alias in self.targets | set(self.sources) or pattern.symmetric:
            return False
        old = world.segments[key][position]
        new = self._nobody(old, reference.to)
        segments = [new if s == old else s for s in world.segments[key]]
        value = json.loads(json.dumps(world.rows[key], ensure_ascii=False).replace(old, new))
        if pattern.key(*segments) in world.rows:
            return False
        return self._note(world.put(pattern.alias, value, *segments), "dangling")

    def _double(self, pattern: Pattern) -> bool:
        world, key = self.world, self._fresh(pattern.alias)
        value = world.rows[key] if key else None
        if key is None or not isinstance(value, list) or not value:
            return False
        value.insert(world.number(0, len(value)), world.pick(value))
        return self._note(key, "doubled")

    def _part(self, pattern: Pattern) -> bool:
        world, key = self.world, self._fresh(pattern.alias)
        value = world.rows[key] if key else []
        if key is None or not value:
            return False
        other = pattern.key(world.pick(value))
        mine = world.segments[key][0]
        if other in self.touched or mine not in (world.rows.get(other) or []):
            return False
        world.rows[other] = [element for element in world.rows[other] if element != mine]
        return self._note(key, "one_sided", other, other=((other, "one_sided"),))

    def _to_text(self, pattern: Pattern) -> bool:
        key = self._fresh(pattern.alias)
        if key is None or not self.world.rows[key]:
            return False
        self.world.rows[key] = json.dumps(self.world.rows[key], ensure_ascii=False)
        return self._note(key, "json_text", other=((key, "wrong_shape"),))

    def _misshape(self, pattern: Pattern) -> bool:
        world, key = self.world, self._fresh(pattern.alias)
        if key is None or pattern.alias in self.sources or len(world.rows[key]) > 50:
            return False
        texts: list[Any] = ["[object Object]", "undefined", "deleted"]
        if pattern.shape in ("ids", "objects"):
            texts += [{}, {"0": world.rows[key][0]} if world.rows[key] else {}, 0]
        world.rows[key] = world.pick(texts)
        return self._note(key, "wrong_shape")
