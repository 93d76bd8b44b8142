"""What somebody typed into a form, and the structs that are made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from outgrow.errors import BadInput
from outgrow.web.http.request import checked_text

MOST_FIELDS = 100

T = TypeVar("T")

# A field by its name in the services: what people call it, and what may be in it.
FIELDS = {
    "email": ("E-mail address", "Write it as name@example.org."),
    "password": ("Password", "Use 8 to 200 characters."),
    "name": ("Name", "Use one line of up to 100 visible characters."),
    "school": ("School", "Use one line of up to 100 visible characters."),
    "major": ("Major", "Use one line of up to 100 visible characters."),
    "year": ("Year", "Use one line of up to 40 visible characters."),
    "age": ("Age", "Use a whole number from 13 to 120."),
    "pronouns": ("Pronouns", "Use one line of up to 100 visible characters."),
    "bio": ("About you", "Use up to 5,000 characters."),
    "additional_info": ("More about you", "Use up to 5,000 characters."),
    "interests": ("Interests", "Use up to 50, of up to 100 characters each."),
    "looking_for": ("Looking for", "Use up to 50, of up to 100 characters each."),
    "personality": ("Personality", "Use up to 50, of up to 100 characters each."),
    "academic": ("Academic goals", "Use up to 20, of up to 100 characters each."),
    "leisure": ("Leisure goals", "Use up to 20, of up to 100 characters each."),
    "career": ("Career", "Use up to 1,500 characters."),
    "personal": ("Personal goals", "Use up to 1,500 characters."),
    "profile_picture": ("Profile picture", "Use one link that begins with https://."),
    "photos": ("Photos", "Use up to 12 links that begin with https://, one on each line."),
    "reason": ("Reason", "Choose one."),
    "note": ("Note", "It is too long."),
    "content": ("Message", "It is empty, or too long."),
}
_FIELD = re.compile(r"`\$(?:\.\w+)*\.(\w+)|field `(\w+)`")


class Form:
    """Fields of a form or of a query string, by name. Blanks around a text do not count."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    @classmethod
    def read(cls, raw: bytes, where: str) -> Form:
        """Raises BadInput for what is not text, and for more fields than any form of ours has."""
        values: dict[str, list[str]] = {}
        pairs = raw.split(b"&")
        if len(pairs) > MOST_FIELDS:
            raise BadInput("too_many_fields", f"{where} has too many fields")
        for pair in filter(None, pairs):
            name, _, value = (
                checked_text(unquote_to_bytes(part.replace(b"+", b" ")), where)
                for part in pair.partition(b"=")
            )
            values.setdefault(name, []).append(value)
        return cls(values)

    def raw(self, name: str) -> str:
        """As it was typed: a password."""
        return self._values.get(name, [""])[0]

    def text(self, name: str) -> str:
        """Without blanks around it, its line breaks as everywhere else; "" where nothing is."""
        return plain(self.raw(name))

    def line(self, name: str) -> str | None:
        """A short text, cut where no list of ours goes on; None where nothing is."""
        return self.text(name)[:200] or None

    def words(self, name: str) -> list[str]:
        """What stands between commas, each once."""
        parts = (part.strip() for value in self._values.get(name, ()) for part in value.split(","))
        return list(dict.fromkeys(part for part in parts if part))

    def links(self, name: str) -> list[str]:
        """What stands between blanks and line breaks, each once."""
        return list(dict.fromkeys(self.raw(name).split()))

    def has(self, name: str) -> bool:
        return name in self._values


EMPTY = Form({})


def plain(text: str) -> str:
    """A text as a form gives it back."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def shaped(values: Mapping[str, Any], shape: type[T]) -> T:
    """The struct that a service takes. Raises BadInput, in words for people."""
    try:
        return msgspec.convert(values, shape)
    except msgspec.ValidationError as e:
        found = _FIELD.search(str(e))
        name = next((group for group in found.groups() if group), "") if found else ""
        if not name:  # what a struct says of itself: "name is blank"
            name = str(e).partition(" ")[0]
        label, rule = FIELDS.get(name, ("Something", "Look at what you typed again."))
        raise BadInput(
            "bad_body", f"{label} cannot be used like that", detail=name, hint=rule
        ) from e
