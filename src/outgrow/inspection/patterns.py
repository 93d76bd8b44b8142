"""The patterns of a store, as they are printed and as they take keys apart. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from outgrow.inspection.formats import SPANS
from outgrow.inspection.keys import FEW_KEYS, FEW_SHARE, Node, Tree
from outgrow.inspection.literals import resolve_variables
from outgrow.inspection.values import Values, similarity

_PARTS = re.compile(r"<[a-z]+>(?:.*<[a-z]+>)?")
_PREFIX = re.compile(r"[A-Za-z]+[._/-]")
_NAMES = {
    "email": "email",
    "date": "date",
    "week": "week",
    "ms": "ms",
    "seconds": "at",
    "time": "at",
}
"""The name of a variable by its form; others are `id`, or `name` where people write it."""


class Segment:
    """One segment of a pattern: a literal, or a variable that may stand between fixed letters."""

    def __init__(self, node: Node, position: int, split_forms: bool) -> None:
        self.separator = node.label[:1] if position else ""
        self.forms = sorted(form[1:] if position else form for form in node.forms)
        self.why = node.why
        self.name = ""
        self.many = False  # `{id...}`
        self.by_form = split_forms
        self.before = self.after = ""
        if not self.why:
            self.before = node.token
        elif position == 0 or split_forms:
            self.before, self.after = _fixed_letters(self.forms)

    @property
    def is_variable(self) -> bool:
        return bool(self.why)

    @property
    def around(self) -> tuple[str, str]:
        """Return the letters before and after an id that are not part of it. Where ids are told
        from others by their form, the whole segment is the id."""
        return ("", "") if self.by_form else (self.before, self.after)

    @property
    def text(self) -> str:
        if not self.is_variable:
            return self.separator + self.before
        dots = "..." if self.many else ""
        return f"{self.separator}{self.before}{{{self.name}{dots}}}{self.after}"

    @property
    def regex(self) -> str:
        if not self.is_variable:
            return re.escape(self.separator + self.before)
        character = f"[^{re.escape(self.separator or ':')}]"
        if any("<time>" in form for form in self.forms):
            character = f"(?:{SPANS['time']}|{character})"
        inner = ".+" if self.many else character + ("*" if "" in self.forms else "+")
        if self.by_form:
            inner = "|".join(_form_regex(form) for form in self.forms)
            return f"{re.escape(self.separator)}({inner})"
        return f"{re.escape(self.separator + self.before)}({inner}){re.escape(self.after)}"


class Pattern:
    """A family of keys. What is known of them is in the `node` where they end."""

    def __init__(self, segments: Sequence[Segment], node: Node) -> None:
        self.segments = list(segments)
        self.node = node
        self._find_prefix()
        self.name_variables()

    def _find_prefix(self) -> None:
        """Take letters that all ids of a first segment begin with as a literal:
        `teacher.{email}`."""
        first = self.segments[0]
        if first.is_variable and not first.before and len(self.examples) > 2:
            begin = {(m[0] if (m := _PREFIX.match(key)) else "") for key, _ in self.examples}
            first.before = begin.pop() if len(begin) == 1 else ""

    def name_variables(self) -> None:
        names: set[str] = set()
        for segment in self.segments:
            if segment.is_variable:
                segment.name = _name(segment, names)
        self.clear_cache()

    def clear_cache(self) -> None:
        """Forget what was computed from its segments, which have changed."""
        for name in ("compiled", "positions", "spans", "cuts"):
            self.__dict__.pop(name, None)

    @property
    def values(self) -> Values:
        assert self.node.values is not None  # keys end there
        return self.node.values

    @property
    def count(self) -> int:
        return self.node.count

    @property
    def examples(self) -> list[tuple[str, Any]]:
        return self.node.examples

    @cached_property
    def positions(self) -> list[int]:
        """Return the positions of its variables in the key."""
        return [position for position, segment in enumerate(self.segments) if segment.is_variable]

    @property
    def variables(self) -> list[str]:
        return [self.segments[position].name for position in self.positions]

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments)

    @property
    def regex(self) -> str:
        return "".join(segment.regex for segment in self.segments)

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.regex, re.DOTALL)

    @property
    def shape(self) -> str:
        return self.values.shape

    @property
    def is_single(self) -> bool:
        """Return whether it is one key: `schools:all`."""
        return not self.positions

    @cached_property
    def spans(self) -> bool:
        return any(segment.many for segment in self.segments)

    @cached_property
    def cuts(self) -> list[tuple[int, int, int | None]]:
        """Return for each variable its position, and where in its segment it begins and ends."""
        cuts: list[tuple[int, int, int | None]] = []
        for position in self.positions:
            before, after = self.segments[position].around
            cuts.append((position, len(before), -len(after) or None))
        return cuts

    @property
    def precedence(self) -> tuple[int, int, int, bool]:
        """Return a smaller value for what is matched first: as in a blueprint, and ids of a known
        form before any."""
        literal = sum(len(s.separator + s.before + s.after) for s in self.segments)
        by_form = any(segment.by_form for segment in self.segments)
        return -literal, sum(s.many for s in self.segments), len(self.segments), not by_form

    def ids(self, key: str) -> tuple[str, ...]:
        """Return the values of its variables in one of its keys; nothing for a key of another
        pattern."""
        match = self.compiled.fullmatch(key)
        return match.groups() if match else ()

    def fill(self, *ids: str) -> str:
        values = iter(ids)
        return "".join(
            s.separator + (next(values).join(s.around) if s.is_variable else s.before)
            for s in self.segments
        )


def _fixed_letters(forms: Sequence[str]) -> tuple[str, str]:
    """Return the letters before and after the ids, where they are the same in all forms."""
    letters = set()
    for form in forms:
        parts = _PARTS.search(form)
        if parts is None or "<word>" in form:
            return "", ""
        letters.add((form[: parts.start()], form[parts.end() :]))
    return letters.pop() if len(letters) == 1 else ("", "")


def _form_regex(form: str) -> str:
    parts = re.split(r"(<[a-z]+>)", form)
    return "".join(SPANS.get(p[1:-1], r"[^:]+") if p[:1] == "<" else re.escape(p) for p in parts)


def _name(segment: Segment, taken: set[str]) -> str:
    kinds = {kind for form in segment.forms for kind in re.findall(r"<([a-z]+)>", form)}
    name = _NAMES.get(next(iter(kinds)), "id") if len(kinds) == 1 else "id"
    if not kinds or "word" in kinds:
        name = "name" if "names" in segment.why else "id"
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}{number}", number + 1
    taken.add(unique)
    return unique


def patterns_of(tree: Tree) -> list[Pattern]:
    """Return all patterns of the tree in the order in which they are matched. The tree finds them
    by key."""
    resolve_variables(tree.root)
    ends = [(node, Pattern(segments, node)) for node, segments in _ends(tree.root, (), 0)]
    for node, pattern in ends:
        node.pattern = pattern
    _absorb_longer_keys(ends)
    _embed_whole_keys([pattern for _, pattern in ends])
    return sorted({id(n.pattern): n.pattern for n, _ in ends}.values(), key=lambda p: p.precedence)


def _ends(
    node: Node, path: tuple[tuple[Node, bool], ...], depth: int
) -> Iterator[tuple[Node, list[Segment]]]:
    if node.count:
        yield node, [Segment(end, position, split) for position, (end, split) in enumerate(path)]
    variables = sorted(
        (c for c in node.children.values() if c.why),
        key=lambda c: (
            _fixed_letters(sorted(c.forms)) != (c.label[:1] if depth else "", ""),
            -c.total,
        ),
    )
    for child in node.children.values():
        # Of several variables at one position all but one state the form of their ids. The
        # exception is the largest, or one whose ids begin with no letters to tell them by.
        split = bool(depth and child.why and child is not variables[0])
        yield from _ends(child, (*path, (child, split)), depth + 1)


def _absorb_longer_keys(ends: list[tuple[Node, Pattern]]) -> None:
    """Merge keys whose ids hold the separator: a few that are longer than their family's, and of
    its kind."""
    patterns = sorted((p for _, p in ends), key=lambda p: -p.count)
    for node, small in sorted(ends, key=lambda f: f[1].count):
        for large in patterns:
            if large.count <= small.count * (1 / FEW_SHARE) and small.count > FEW_KEYS:
                break
            if large is small or large.count < 3 * small.count or len(large.positions) == 0:
                continue
            position = _wide_position(large, small)
            if position is not None:
                large.segments[position].many = True
                large.clear_cache()
                large.node.absorb_keys(node)
                node.pattern = large
                patterns.remove(small)
                break


def _embed_whole_keys(patterns: Sequence[Pattern]) -> None:
    """Find keys inside keys: `messages:booking:{ms}:{id}` has one of `booking:{ms}:{id}`."""
    for inner in patterns:
        if len(inner.positions) < 2 or inner.segments[0].is_variable:
            continue
        size = len(inner.segments)
        for outer in patterns:
            for start in range(1, len(outer.segments) - size + 1):
                if outer is not inner and _reads_as(outer.segments[start : start + size], inner):
                    first = outer.segments[start]
                    first.before, first.why, first.many = "", "a whole key of another pattern", True
                    first.forms = ["<word>"]
                    outer.segments[start : start + size] = [first]
                    outer.name_variables()
                    break


def _reads_as(segments: Sequence[Segment], pattern: Pattern) -> bool:
    return all(
        segment.is_variable == expected.is_variable
        and (segment.is_variable or segment.before == expected.before)
        for segment, expected in zip(segments, pattern.segments, strict=True)
    )


def _wide_position(large: Pattern, small: Pattern) -> int | None:
    """Return the position of the variable of `large` that may hold separators, so that it has the
    keys of `small` as well."""
    if len(small.segments) <= len(large.segments):
        return None
    ends_in_literal = not large.segments[-1].is_variable
    likeness = similarity(large.values, small.values)
    if likeness < (0.55 if ends_in_literal else 0.7) or large.values.kind != small.values.kind:
        return None
    if large.values.kind != "object" and not ends_in_literal:
        return None
    for position in large.positions if not large.segments[0].is_variable else ():
        before = "".join(s.regex for s in large.segments[:position])
        after = "".join(s.regex for s in large.segments[position + 1 :])
        segment = large.segments[position]
        wide = re.compile(
            f"{before}{re.escape(segment.separator + segment.before)}.+"
            f"{re.escape(segment.after)}{after}",
            re.DOTALL,
        )
        if all(wide.fullmatch(key) for key, _ in small.examples):
            return position
    return None
