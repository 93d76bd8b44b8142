"""Blueprints written from what an inspection found (docs/blueprints.md), each guess with its reason
next to it.

What is not certain, or gains nothing as a table, stays in the store: scalars, single keys, caches
and locks, values of several kinds, keys that two patterns would share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from outgrow.blueprint import Pattern as BlueprintPattern
from outgrow.blueprint.validation import KEY_PARTS, SYSTEM_COLUMNS, pattern_problems, unfit
from outgrow.inspection import Inspection
from outgrow.inspection.derived import KEY
from outgrow.inspection.patterns import Pattern
from outgrow.inspection.references import Reference
from outgrow.inspection.report import confidence
from outgrow.inspection.values import ELEMENTS, NAMES, Values

SURE = 0.75
"""A pattern with less confidence has no relation."""

FIELDS = 24
"""Fields that become columns, the most frequent first; the others stay in `rest`."""

PRESENT = 0.3
"""The share of documents that must have a field for it to become a column."""

LONG = 100
"""A list of this length needs a table before others: the phase `hybrid`."""

# fmt: off
PASSING = frozenset((
    "cache", "cached", "lock", "locks", "rate", "ratelimit", "limit", "limits", "otp", "code",
    "codes", "token", "tokens", "session", "sessions", "tmp", "temp", "typing", "presence",
    "nonce", "csrf", "job", "jobs", "queue", "counter", "processed", "preview",
))
# fmt: on
"""Words in a key whose values are short-lived: they stay in the store."""

_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])[0-9]*|[A-Z]?[a-z][a-z0-9]*|[A-Z][0-9]*|[0-9]+[a-z]*")
# What every relation or table has itself.
_TAKEN = ("store_key", "store_value", "rest", "unmapped", *SYSTEM_COLUMNS)


@dataclass
class _Relation:
    name: str
    pattern: str
    columns: dict[str, str] = field(default_factory=dict)
    """Column -> its table, as TOML."""
    of_variable: dict[str, str] = field(default_factory=dict)
    of_field: dict[str, str] = field(default_factory=dict)
    indexes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Fields whose names a blueprint cannot contain."""

    def add(self, name: str, definition: str) -> str:
        """Add a column, and return its name, which may get a number."""
        column = _unique(name, {*self.columns, *_TAKEN})
        self.columns[column] = f"{{ {definition} }}"
        return column

    def add_field(self, name: str, type_: str) -> str:
        return self.add(_snake(name), f"field = {_quoted(name)}, type = {_quoted(type_)}")


def blueprint(inspection: Inspection, table: str) -> str:
    """Return the TOML of a blueprint that `outgrow grow` accepts as it is."""
    toml_lines = _Writer(inspection, table).toml_lines()
    return "".join((_comment(line) if line[:1] == "#" else line) + "\n" for line in toml_lines)


class _Writer:
    def __init__(self, inspection: Inspection, table: str) -> None:
        self.inspection = inspection
        self.table = table
        self.names: dict[int, str] = {}
        self.keys: dict[str, Pattern] = {}
        for pattern in sorted(inspection.patterns, key=lambda p: (-p.count, p.text)):
            if _is_writable(pattern) and pattern.text not in self.keys:
                self.keys[pattern.text] = pattern
                self.names[id(pattern)] = _unique(_name_of(pattern), set(self.names.values()))
        self.relations: dict[int, _Relation] = {}
        for pattern in self.keys.values():
            if self._why_no_relation(pattern) is None and self._derived_line(pattern) is None:
                self.relations[id(pattern)] = self._make_relation(pattern)

    def toml_lines(self) -> Iterator[str]:
        yield f"# What `outgrow inspect` found in {self.table}: {self.inspection.keys:,} keys. Each"
        yield "# guess has its reason; correct what is wrong here. docs/blueprints.md"
        yield ""
        yield 'name = "app"  # the schema of the relations'
        hybrid = [r.name for p in self.keys.values() if (r := self._long_relation(p)) is not None]
        if hybrid:
            yield ""
            yield f"# Lists of {LONG} elements and more: they outgrow the store first."
            yield f"hybrid = [{', '.join(map(_quoted, hybrid))}]"
        yield ""
        yield "[patterns]"
        for pattern in self.keys.values():
            yield from self._pattern_lines(pattern)
        for pattern in self.inspection.patterns:
            if not _is_writable(pattern):
                yield f"# left out: {pattern.text!r} does not fit into a blueprint"
        if not self.relations:
            yield ""
            yield "[relations]  # none: everything is best left in the store"
        for pattern in self.keys.values():
            if id(pattern) in self.relations:
                yield from self._relation_lines(self.relations[id(pattern)])
        derived = [line for p in self.keys.values() if (line := self._derived_line(p)) is not None]
        if derived:
            yield ""
            yield "# Lists that follow from other rows: maintained for their readers."
            yield "[derived]"
            yield from derived
        for relation in self.relations.values():
            for index in relation.indexes:
                yield ""
                yield index

    # Patterns -----------------------------------------------------------------------------------

    def _pattern_lines(self, pattern: Pattern) -> Iterator[str]:
        sure = f"{pattern.count:,} keys, {100 * confidence(pattern):.0f} % sure"
        why = "; ".join(dict.fromkeys(s.why for s in pattern.segments if s.why))
        yield f"# {sure}{f': {why}' if why else ''}"
        for reference in self.inspection.references_of(pattern):
            share = f"{100 * reference.share:.0f} %"
            yield f"#   {_comment(f'{reference.path} -> {reference.to.text} ({share})')}"
        derived = self.inspection.derived_of(pattern)
        if derived is not None:
            yield f"#   {_comment(f'derived from {derived.source.text}: {derived.why}')}"
        elif (reason := self._why_no_relation(pattern)) is not None:
            yield f"#   stays in the store: {reason}"
        shape = _shape(pattern)
        key = _quoted(_key(pattern))
        yield f"{self.names[id(pattern)]} = {{ key = {key}, shape = {_quoted(shape)} }}"

    def _why_no_relation(self, pattern: Pattern) -> str | None:
        """Return why it has no relation, or None where it has one."""
        shape = _shape(pattern)
        if pattern.values.is_encoded:
            return "the app writes JSON into texts here"
        if shape == "opaque":
            return "its values are of several kinds, or lists of values other than texts"
        if shape == "scalar":
            return "one value each"
        if pattern.is_single:
            return "one key"
        key_words = {w.lower() for s in pattern.segments for w in _WORDS.findall(s.before)}
        if key_words & PASSING:
            return "such values are short-lived"
        if confidence(pattern) < SURE:
            return "not sure enough"
        if len(pattern.positions) + (shape in ("ids", "map")) > KEY_PARTS:
            return "its key has too many parts for an index"
        return None

    def _long_relation(self, pattern: Pattern) -> _Relation | None:
        longest = max(pattern.values.lengths, default=0)
        return self.relations.get(id(pattern)) if longest >= LONG else None

    # Relations ----------------------------------------------------------------------------------

    def _make_relation(self, pattern: Pattern) -> _Relation:
        relation = _Relation(
            _unique(_plural(self.names[id(pattern)]), self._relation_names()),
            self.names[id(pattern)],
        )
        for name in pattern.variables:
            relation.of_variable[name] = relation.add(name, f"key = {_quoted(name)}")
        values = pattern.values
        match _shape(pattern):
            case "document":
                self._add_fields(relation, pattern, values, ())
            case "ids":
                target = self._target_at(pattern, (ELEMENTS,))
                name = _id_column_of(target) if target else "element"
                column = relation.add(name, "element = true")
                relation.add("pos", "position = true")
                if target is not None:
                    columns = [column, *relation.of_variable.values()]
                    relation.indexes.append(_index(relation.name, columns, "table"))
            case "objects":
                relation.add("pos", "position = true")
                self._add_fields(relation, pattern, values.elements or Values(), (ELEMENTS,))
            case "map":
                target = self._target_at(pattern, (NAMES,))
                relation.add(_id_column_of(target) if target else "name", "entry = true")
                self._add_members(relation, values.members)
        return relation

    def _relation_names(self) -> set[str]:
        """Return the names that are taken, with those of the tables for their lists."""
        names = {relation.name for relation in self.relations.values()}
        return names | {f"{n}_lists" for n in names} | {n.removesuffix("_lists") for n in names}

    def _add_fields(
        self, relation: _Relation, pattern: Pattern, values: Values, steps: tuple[int, ...]
    ) -> None:
        objects = values.objects or 1
        taken = 0
        for name, field_values in _by_frequency(values):
            refers = self._target_at(pattern, (*steps, name)) is not None
            type_ = "key" if refers and field_values.kind == "string" else _type(field_values)
            if not _is_name(name) and field_values.count >= PRESENT * objects:
                relation.left_out.append(name)
            if type_ is None or field_values.count < PRESENT * objects or not _is_name(name):
                continue
            if not steps and sum(field_values.repeated.values()) >= 0.95 * field_values.count:
                position, _ = field_values.repeated.most_common(1)[0]
                is_whole = position in pattern.positions and _is_whole(pattern, position)
                if is_whole and not pattern.spans:
                    relation.of_field[name] = relation.of_variable[pattern.segments[position].name]
                continue  # it is in the key already
            if taken >= FIELDS:
                break
            taken += 1
            column = relation.add_field(name, type_)
            relation.of_field[name] = column
            if type_ == "key" and refers:
                on = "table" if steps else "both"
                relation.indexes.append(_index(relation.name, [column], on))

    def _add_members(self, relation: _Relation, members: Values) -> None:
        if members.kind == "object" and not members.is_mixed:
            for name, field_values in _by_frequency(members):
                type_ = _type(field_values)
                if type_ is not None and _is_name(name) and len(relation.columns) < FIELDS:
                    relation.add_field(name, type_)
            return
        type_ = _type(members) or "json"
        type_ = "json" if members.is_mixed else {"label": "text"}.get(type_, type_)
        relation.add("value", f"value = true, type = {_quoted(type_)}")

    def _target_at(self, pattern: Pattern, steps: tuple[str | int, ...]) -> Pattern | None:
        for reference in self.inspection.references_of(pattern):
            if reference.steps == steps:
                return reference.to
        return None

    def _relation_lines(self, relation: _Relation) -> Iterator[str]:
        yield ""
        yield f"[relations.{relation.name}]"
        for name in relation.left_out:
            yield f"# left out: the field {name!r} does not fit into a blueprint; it is in `rest`"
        yield f"pattern = {_quoted(relation.pattern)}"
        yield f"[relations.{relation.name}.columns]"
        width = max(map(len, relation.columns))
        for column, definition in relation.columns.items():
            yield f"{column:<{width}} = {definition}"

    # Derived lists ------------------------------------------------------------------------------

    def _derived_line(self, pattern: Pattern) -> str | None:
        """Return the line of a list that the application's writes can maintain, or None."""
        derived = self.inspection.derived_of(pattern)
        if (
            derived is None
            or derived.reference is None
            or not derived.by
            or _shape(pattern) != "ids"
        ):
            return None
        source = self.relations.get(id(derived.source))
        if source is None or derived.reference.steps != (ELEMENTS,):
            return None
        key = {}
        for position, paths in derived.by.items():
            column = _column(source, derived.source, paths[0]) if len(paths) == 1 else None
            if position < 0 or column is None or not _is_whole(pattern, position):
                return None
            key[pattern.segments[position].name] = column
        element = _element(source, derived.reference)
        if element is None:
            return None
        columns = ", ".join(f"{name} = {_quoted(column)}" for name, column in key.items())
        return (
            f"{self.names[id(pattern)]} = {{ from = {_quoted(source.name)}, "
            f"key = {{ {columns} }}, element = {_quoted(element)} }}"
        )


def _by_frequency(values: Values) -> list[tuple[str, Values]]:
    return sorted(values.fields.items(), key=lambda field: (-field[1].count, field[0]))


def _column(source: _Relation, pattern: Pattern, steps: tuple[str | int, ...]) -> str | None:
    if steps[:1] == (KEY,) and isinstance(steps[1], int):
        if not _is_whole(pattern, steps[1]):
            return None
        return source.of_variable[pattern.segments[steps[1]].name]
    if len(steps) == 1 and isinstance(steps[0], str):
        return source.of_field.get(steps[0])
    return None


def _is_whole(pattern: Pattern, position: int) -> bool:
    """Return whether the variable has all letters of its segment, which the id may have
    elsewhere."""
    segment = pattern.segments[position]
    return not (segment.before or segment.after)


def _element(source: _Relation, reference: Reference) -> str | None:
    """Return an element of the list, made of columns of the rows that it names."""
    pattern, how = reference.to, reference.target.how
    if how == "id":
        if len(pattern.positions) > 1:
            return None
        segment = pattern.segments[pattern.positions[0]]
        whole = "{" + source.of_variable[segment.name] + "}"
        return segment.before + whole + segment.after if segment.by_form else whole
    first = {"key": 0, "tail": 1, "ids": pattern.positions[0]}[how]
    last = pattern.positions[-1] + 1 if how == "ids" else len(pattern.segments)
    text = ""
    for segment in pattern.segments[first:last]:
        text += segment.separator if text else ""
        column = source.of_variable.get(segment.name) if segment.is_variable else None
        text += segment.before + (f"{{{column}}}" if column else "") + segment.after
    return text


def _key(pattern: Pattern) -> str:
    """Return the key as a blueprint has it, where a time of day is more than one segment too."""
    spans = [not s.many and any("<time>" in form for form in s.forms) for s in pattern.segments]
    return "".join(
        segment.text.replace("}", "...}") if segment.is_variable and spanning else segment.text
        for segment, spanning in zip(pattern.segments, spans, strict=True)
    )


def _is_writable(pattern: Pattern) -> bool:
    """Return whether a blueprint can contain it, and would match only keys that belong to it."""
    first = pattern.segments[0]
    literal = "".join(s.separator + s.before + s.after for s in pattern.segments)
    if not (first.before or not first.is_variable) or re.search(r"[{}\x00-\x1f\x7f]", literal):
        return False
    written = BlueprintPattern(key=_key(pattern), shape="opaque")
    claims = any(written.compiled.match(key) for key, _ in pattern.examples)
    return claims and bool(written.key) and not list(pattern_problems("pattern", written))


def _shape(pattern: Pattern) -> str:
    shape = pattern.shape
    elements = pattern.values.elements
    if shape == "mixed" or pattern.values.is_encoded:
        return "opaque"
    if shape == "ids" and elements is not None and elements.present and elements.kind != "string":
        return "opaque"
    return shape


def _type(values: Values) -> str | None:
    """Return the type of a column for such values; None where they are better in `rest`."""
    if not values.present or values.is_mixed:
        return None
    if values.kind == "string":
        return {
            "time": "time",
            "text": "text",
            "url": "text",
            "name": "label",
            "empty": "label",
        }.get(values.format, "key")
    return {"number": "number", "boolean": "boolean", "array": "array"}.get(values.kind)


def _index(relation: str, columns: list[str], on: str) -> str:
    toml = ["[[indexes]]", f"relation = {_quoted(relation)}"]
    toml.append(f"columns = [{', '.join(map(_quoted, columns))}]")
    if on != "both":
        toml.append(f"on = {_quoted(on)}")
    return "\n".join(toml)


def _name_of(pattern: Pattern) -> str:
    literals = [s.before for s in pattern.segments if s.before]
    distinct = list(dict.fromkeys(literals))
    return _snake("_".join(distinct)) or "pattern"


def _snake(name: str) -> str:
    snake = "_".join(word.lower() for word in _WORDS.findall(name))
    snake = snake if snake[:1].isalpha() else f"x_{snake}"
    return snake[:36].rstrip("_")


def _is_name(name: str) -> bool:
    return bool(name) and name.isprintable() and name != "…" and unfit(name) is None


def _plural(name: str) -> str:
    if name.endswith("s") or not name.rpartition("_")[2].isalpha():
        return name
    return name[:-1] + "ies" if re.search(r"[^aeiou]y$", name) else name + "s"


def _id_column_of(target: Pattern) -> str:
    return _snake(target.segments[0].before or "other") + "_id"


def _unique(name: str, taken: set[str]) -> str:
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def _quoted(text: str) -> str:
    """Return a TOML string. Control characters were refused before."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _comment(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
