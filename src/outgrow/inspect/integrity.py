"""What of a store contradicts the rest of it: misfits, each with its key, kind and detail. No I/O.

Two passes over the rows, behind the one that found the patterns. In the first what a row shows
alone is told (`wrong_shape`, `json_text`, `doubled`, and `dangling`, since all keys are known by
then), and of the lists and the rows they are derived from only hashes are kept: a fact is (row,
what its key says). Where the facts of both sides differ the second pass finds out whose they are.

Memory: eight bytes for each key, fact and pair (hashes.py).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from outgrow.inspect.derived import KEY, Derived, decoded
from outgrow.inspect.formats import form, is_id, is_name
from outgrow.inspect.hashes import Hashes
from outgrow.inspect.keys import Tree
from outgrow.inspect.patterns import Pattern
from outgrow.inspect.references import Reference, names_rows, tokens
from outgrow.inspect.values import ELEMENTS, Steps, encoded, kind_of, texts
from outgrow.layout.contradictions import FLAT as _FLAT

KINDS = {
    "dangling": "an id of nothing",
    "doubled": "an id that stands twice in one list",
    "stale": "an entry of an index whose row says otherwise",
    "missing": "a row that its index does not have",
    "one_sided": "an id in a list of somebody who is not in the list of that id",
    "wrong_shape": "a value of another kind than all others of its pattern",
    "json_text": "JSON inside a text, where others hold the value itself",
    "orphan": "a part of something that is not there",
    "sentinel": "in place of an id, what the app writes there for somebody who has none",
}

SURE, PARTLY = 0.6, 0.9
"""Of a reference with a smaller share of ids that exist, the others are not said to dangle; the
second where the rows named are parts of something, which not everything need have."""

COMPLETE = 0.6
"""An index that has a smaller share of the rows is of some of them: those it lacks are not
missing."""

# fmt: off
WORDS = frozenset((
    "me", "self", "system", "admin", "anonymous", "anon", "guest", "bot", "unknown", "none",
    "null", "undefined", "nobody", "deleted", "default", "ai", "assistant", "ai-assistant", "all",
    "everyone", "public",
))
# fmt: on
"""Written instead of an id by code, not by an accident."""

OFTEN, HABIT = 3, 0.1
"""A word that stands so often in place of an id is written by code as well; and so is a text of
another form than the ids that were found, where so large a share has it."""

_is_flat = re.compile(_FLAT).search

_STEM = re.compile(r"([A-Za-z]{3,})[:_-]")

Known = Mapping[int, str]
"""The values of the variables of a row's key, by their places."""

KEPT = 200_000
"""Misfits whose keys are kept. The counts are complete in any case."""


@dataclass(frozen=True)
class Misfit:
    key: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Why misfits of a kind are in a pattern: the reference that leads nowhere, or what is derived
    and does not agree; None where the rows show it alone."""

    kind: str
    pattern: Pattern
    by: Reference | Derived | None

    @property
    def to(self) -> str | None:
        """The pattern with which it does not agree."""
        if isinstance(self.by, Reference):
            return self.by.to.text
        if self.by is None:
            return None
        return self.by.source.text if self.kind == "stale" else self.by.pattern.text


@dataclass(frozen=True, slots=True)
class _Usual:
    """What the values of a pattern are; asked of every row."""

    kind: str
    shape: str
    mixed: bool
    encoded: bool


class Audit:
    """Counts and keeps the misfits of a store. `keys` are the hashes of all of its keys."""

    def __init__(
        self,
        tree: Tree,
        keys: Hashes,
        references: Sequence[Reference],
        derived: Sequence[Derived],
        symmetric: Sequence[Reference],
    ) -> None:
        self.tree = tree
        self.misfits: list[Misfit] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        """(pattern, kind) -> how many."""
        self.causes: dict[tuple[str, int, int], Cause] = {}
        self.sentinels: dict[int, set[str]] = {}
        """By reference: the texts that stand there for nobody."""
        self.in_texts: set[int] = set()
        """Patterns some of whose values are written as JSON into texts; and of these those with
        others than plain lists."""
        self.opaque: set[int] = set()
        self._keys = keys
        self._references: dict[int, list[Reference]] = {}
        for reference in references:
            share = reference.share + sum(one.share for one in reference.group)
            if share >= (SURE if names_rows(reference.target) else PARTLY):
                self._references.setdefault(id(reference.source), []).append(reference)
        self._ids: dict[tuple[int, int], Hashes] = {
            (id(r.to), r.target.place): Hashes() for r in references if r.by_place
        }
        self._indexes = [
            _Index(one, [r for r in references if r.source is one.pattern and r.to is one.source])
            for one in derived
            if one.order or (one.reference and one.by is not None)
        ]
        self._indexes_of: dict[int, list[_Index]] = {}
        for index in self._indexes:
            for pattern in (index.derived.pattern, index.derived.source):
                self._indexes_of.setdefault(id(pattern), []).append(index)
        self._usual: dict[int, _Usual] = {}
        self._symmetric = {id(one.source): one for one in symmetric}
        self._pairs = Hashes()
        self._unread: set[str] = set()
        self._unsure: list[tuple[Reference, str, str, str]] = []
        self._written: Counter[tuple[int, str]] = Counter()
        self._looked_up: Counter[int] = Counter()
        self._forms: dict[int, set[str]] = {}

    # Keys first ---------------------------------------------------------------------------------

    @property
    def needs_ids(self) -> bool:
        """Some references name one of several ids of a key: all keys are looked through for those
        (`add_keys`)."""
        return bool(self._ids)

    def add_keys(self, keys: Iterable[str]) -> None:
        for key in keys:
            if (pattern := self.tree.find(key)) is not None:
                for place, text in tokens(pattern, key):
                    ids = self._ids.get((id(pattern), place))
                    if ids is not None:
                        ids.add(text)

    def seal(self) -> None:
        for ids in self._ids.values():
            ids.seal()

    # Then the rows ------------------------------------------------------------------------------

    def add(self, rows: Iterable[tuple[str, Any]]) -> None:
        for key, value in rows:
            pattern = self.tree.find(key)
            if pattern is None:
                continue
            if self._is_misshapen(pattern, key, value):
                self._unread.add(key)
                continue
            value = decoded(value)
            known = dict(tokens(pattern, key))
            for reference in self._references.get(id(pattern), ()):
                self._look_up(reference, key, value, known)
            if self._usual[id(pattern)].shape == "ids":
                self._doubled(pattern, key, value)
            for index in self._indexes_of.get(id(pattern), ()):
                index.add(pattern, key, value, known)
            if id(pattern) in self._symmetric:
                self._pairs.update(self._of_both(pattern, key, value))

    def _is_misshapen(self, pattern: Pattern, key: str, value: Any) -> bool:
        usual = self._usual.get(id(pattern))
        if usual is None:
            values = pattern.values
            usual = _Usual(values.kind, values.shape, values.is_mixed, values.is_encoded)
            self._usual[id(pattern)] = usual
        if isinstance(value, str) and (inner := encoded(value)) is not None:
            self.in_texts.add(id(pattern))
            if not (isinstance(inner, list) and _is_flat(value)):
                self.opaque.add(id(pattern))
            if not usual.encoded:
                self._tell(pattern, key, "json_text", "the value is JSON inside a text")
            return False
        kind = kind_of(value)
        if usual.mixed or kind in (usual.kind, "null"):
            return False
        self._tell(
            pattern, key, "wrong_shape", f"{article(kind)}, where others are {article(usual.kind)}"
        )
        return True

    def _doubled(self, pattern: Pattern, key: str, value: Any) -> None:
        if not isinstance(value, list):
            return
        ids = [item for item in value if isinstance(item, str)]
        if len(set(ids)) < len(ids):
            text, times = Counter(ids).most_common(1)[0]
            self._tell(pattern, key, "doubled", f"{text} stands there {times} times")

    def _look_up(self, reference: Reference, key: str, value: Any, known: Known) -> None:
        if reference.steps is None:
            named: Iterable[str] = [known[reference.place]] if reference.place in known else []
        else:
            named = texts(value, reference.steps)
        number = id(reference)
        for text in named:
            if not text:
                continue
            self._looked_up[number] += 1
            if not self._exists(reference, text):
                self._dangles(reference, key, text)
            elif self._looked_up[number] < 200:
                self._forms.setdefault(number, set()).add(form(text))

    def _exists(self, reference: Reference, text: str) -> bool:
        for one in (reference, *reference.group):
            for key in one.keys(text):
                if key in self._keys:
                    return True
        ids = self._ids.get((id(reference.to), reference.target.place))
        return ids is not None and text in ids

    def _dangles(self, reference: Reference, key: str, text: str) -> None:
        """Kept until it is known how often such a text stands there."""
        if reference.steps is None and _is_part(reference):
            detail = f"there is no {reference.to.text} of it"
            self._tell(reference.source, key, "orphan", detail, reference)
            return
        detail = f"{reference.path} names {text}: there is no {reference.to.text} of it"
        if len(self._unsure) >= KEPT:
            self._tell(reference.source, key, "dangling", detail, reference)
            return
        for written in {text, form(text), _stem(text)}:
            self._written[id(reference), written] += 1
        self._unsure.append((reference, key, text, detail))

    def _is_habit(self, reference: Reference, text: str) -> bool:
        """Not by accident there: a word for nobody, or an id of something that is kept
        elsewhere."""
        number, made, stem = id(reference), form(text), _stem(text)
        forms = self._forms.get(number, set())
        habit = max(OFTEN, HABIT * self._looked_up[number])
        unknown = stem and not any(one.startswith(stem) for one in forms)
        if unknown and self._written[number, stem] >= habit:
            return True
        if not is_id(made, text):
            ids = any("<" in one for one in forms)
            often = self._written[number, text] >= OFTEN or is_name(text)
            return text.lower() in WORDS or (ids and often)
        return made not in forms and self._written[number, made] >= habit

    def _of_both(self, pattern: Pattern, key: str, value: Any) -> Iterator[tuple[str, str]]:
        ids = pattern.ids(key)
        for other in texts(value, (ELEMENTS,)) if len(ids) == 1 else ():
            yield ids[0], other

    # And once more ------------------------------------------------------------------------------

    def settle(self) -> bool:
        """Compare both sides of everything. Returns whether the rows are needed again, to say whose
        the differences are."""
        for index_of in self._indexes:
            index_of.named.seal()
        indexes = {id(one.derived.pattern): one for one in self._indexes}
        for reference, key, text, detail in self._unsure:
            index = indexes.get(id(reference.index.pattern)) if reference.index else None
            if index is not None and text in index.named:
                continue  # the row is there, and only its index does not have it
            kind = "dangling"
            if self._is_habit(reference, text):
                kind = "sentinel"
                self.sentinels.setdefault(id(reference), set()).add(text)
            self._tell(reference.source, key, kind, detail, reference)
        self._unsure.clear()
        self._pairs.seal()
        differing = [index.settle() for index in self._indexes]
        return any(differing) or len(self._pairs) > 0

    def name(self, rows: Iterable[tuple[str, Any]]) -> None:
        for key, value in rows:
            pattern = self.tree.find(key)
            if pattern is None or key in self._unread:
                continue
            value = decoded(value)
            known = dict(tokens(pattern, key))
            for index in self._indexes_of.get(id(pattern), ()):
                for kind, text, detail in index.name(pattern, key, value, known):
                    if kind == "stale" and (text not in self._keys or text in self._unread):
                        continue  # nothing to disagree with
                    self._tell(pattern, key, kind, detail, index.derived)
            if id(pattern) in self._symmetric:
                self._one_sided(pattern, key, value)

    def _one_sided(self, pattern: Pattern, key: str, value: Any) -> None:
        reference = self._symmetric[id(pattern)]
        for me, other in dict.fromkeys(self._of_both(pattern, key, value)):
            if (
                me != other
                and (other, me) not in self._pairs
                and pattern.fill(other) not in self._unread
                and self._exists(reference, other)
            ):
                self._tell(pattern, key, "one_sided", f"{other} does not have {me}", reference)

    def listing_references(self, derived: Derived) -> list[Reference]:
        """By which the entries of an index name its rows."""
        return next(one.references for one in self._indexes if one.derived is derived)

    def names_by(self, derived: Derived) -> bool:
        """Whether it is known under what rows ought to stand in an index."""
        return any(one.derived is derived and one.by_one for one in self._indexes)

    def _tell(
        self,
        pattern: Pattern,
        key: str,
        kind: str,
        detail: str,
        by: Reference | Derived | None = None,
    ) -> None:
        self.counts[pattern.text, kind] += 1
        if (cause := (kind, id(pattern), id(by))) not in self.causes:
            self.causes[cause] = Cause(kind, pattern, by)
        if len(self.misfits) < KEPT:
            self.misfits.append(Misfit(key, kind, detail))


class _Index:
    """Of a derived pattern and its source: the facts of both sides."""

    def __init__(self, derived: Derived, references: Sequence[Reference]) -> None:
        self.derived = derived
        self.by = derived.by or {}
        self.references = [r for r in references if (r.steps is None) == (-2 in self.by)]
        self.listed, self.said = Hashes(), Hashes()
        self.unsaid: set[int] = set()
        """What the index lists and no row says; and the other way round."""
        self.unlisted: set[int] = set()
        self.rows = Hashes()
        """Of copies: the rows of which there is one, whatever it says."""
        self.named = Hashes()
        """Of an index by one segment: under what its rows ought to stand."""
        self.by_one = len(self.by) == 1 and min(self.by) >= 0 and derived.source.shape == "document"
        self.literals = {s.before.lower() for s in derived.pattern.segments if not s.is_variable}

    def add(self, pattern: Pattern, key: str, value: Any, known: Known) -> None:
        if pattern is self.derived.pattern:
            facts = [fact for fact, _ in self._listed(key, value, known)]
            self.listed.update(facts)
            if -2 in self.by:
                self.rows.update(fact[0] for fact in facts)
        elif pattern is self.derived.source:
            said = list(self._said(key, value, known))
            self.said.update(said)
            if self.by_one:
                self.named.update(fact[1] for fact in said if len(fact) == 2)

    def settle(self) -> bool:
        for facts in (self.listed, self.said, self.rows):
            facts.seal()
        self.unsaid = self.listed.without(self.said)
        common = len(self.listed) - len(self.unsaid)
        if common < COMPLETE * len(self.listed):
            self.unsaid = set()  # not the same after all: copies of a part, or of an older state
        by_key = any(steps[:1] == (KEY,) for places in self.by.values() for steps in places)
        if not by_key and common and common >= COMPLETE * len(self.said):
            self.unlisted = self.said.without(self.listed)
        self.listed, self.said = Hashes(), Hashes()
        return bool(self.unsaid or self.unlisted)

    def name(
        self, pattern: Pattern, key: str, value: Any, known: Known
    ) -> Iterator[tuple[str, str, str]]:
        """Kind, the key of the row concerned, and detail."""
        if pattern is self.derived.pattern and self.unsaid:
            for fact, text in dict.fromkeys(self._listed(key, value, known)):
                if hash(fact) in self.unsaid:
                    detail = f"{text}: its {self.derived.source.text} says otherwise"
                    yield "stale", fact[0], detail
        elif (
            pattern is self.derived.source
            and self.unlisted
            and key not in self.rows
            and any(hash(fact) in self.unlisted for fact in self._said(key, value, known))
        ):
            yield "missing", key, f"{self.derived.pattern.text} does not have it"

    def _listed(self, key: str, value: Any, known: Known) -> Iterator[tuple[tuple[str, ...], str]]:
        """Of an index: (the row's key, the segments that it stands under), and the id as it is."""
        if self.derived.order:
            ids = list(known.values())
            yield (self.derived.source.fill(*(ids[n] for n in self.derived.order)),), key
            return
        under: tuple[str, ...] = ()
        if -1 not in self.by and -2 not in self.by:
            under = tuple(known.get(place, "") for place in sorted(self.by))
        for reference in self.references:
            if reference.steps is None:
                for row in reference.keys(known.get(reference.place, "")):
                    yield (row, _written(value)), row
                continue
            for text in texts(value, reference.steps):
                for row in reference.keys(text):
                    yield (row, *under), text

    def _said(self, key: str, value: Any, known: Known) -> Iterator[tuple[str, ...]]:
        """Of a row: under which segments it ought to stand."""
        if self.derived.order:
            yield (key,)
            return
        if -2 in self.by:
            yield from ((key, _written(one)) for one in _values(value, self.by[-2][0]))
            return
        if -1 in self.by:
            if any(text.lower() in self.literals for text in texts(value, self.by[-1][0])):
                yield (key,)
            return
        options = []
        for place in sorted(self.by):
            found: list[str] = []
            for steps in self.by[place]:
                if steps[:1] == (KEY,):
                    found += [text for p, text in known.items() if p == steps[1]]
                else:
                    found += texts(value, steps)
            options.append([text for text in dict.fromkeys(found) if text])
        for under in product(*options):
            yield (key, *under)


def _written(value: Any) -> str:
    """As text, whatever the order of its fields: in a text that holds JSON it is another than in
    jsonb."""
    return json.dumps(value, sort_keys=True)


def _values(value: Any, steps: Steps) -> Iterator[Any]:
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            return
        value = value[step]
    yield value


def _is_part(reference: Reference) -> bool:
    """`user:{id}:chats` is a part of `user:{id}`."""
    whole, part = reference.to, reference.source
    return len(whole.places) == len(part.places) and part.text.startswith(
        whole.text[: whole.text.rfind("}")]
    )


def _stem(text: str) -> str:
    """The word that tells what kind of id follows: `company` of `company_0b6f...`."""
    found = _STEM.match(text)
    return found[1] if found else ""


def article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeioAEIO" else f"a {noun}"
