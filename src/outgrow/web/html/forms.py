"""Forms: what people typed, the structs made of it, and what a page says when something is wrong.

An error's own hint is written for programs (`POST /auth/login`), so no page shows it. Every code
that a student can meet has its own text here. Other errors show their message alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from outgrow.errors import BadInput, OutgrowError, TooMany
from outgrow.web.http.request import checked_text
from outgrow.web.http.response import Problem

MOST_FIELDS = 100

T = TypeVar("T")

# Each field by its name in the services: its label, and the rule for its content.
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
    """Fields of a form or of a query string, by name. Spaces around a text do not count."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    @classmethod
    def read(cls, raw: bytes, where: str) -> Form:
        """Parse a form. Raises BadInput for other than text, and for more than MOST_FIELDS."""
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
        """Return a value as it was typed: a password."""
        return self._values.get(name, [""])[0]

    def text(self, name: str) -> str:
        """Return a value without spaces around it and with \\n for line breaks, "" if missing."""
        return plain(self.raw(name))

    def line(self, name: str) -> str | None:
        """Return a short text, cut at 200 characters, None if missing."""
        return self.text(name)[:200] or None

    def comma_list(self, name: str) -> list[str]:
        """Return the values between commas, each once."""
        parts = (part.strip() for value in self._values.get(name, ()) for part in value.split(","))
        return list(dict.fromkeys(part for part in parts if part))

    def links(self, name: str) -> list[str]:
        """Return the values between spaces and line breaks, each once."""
        return list(dict.fromkeys(self.raw(name).split()))

    def has(self, name: str) -> bool:
        return name in self._values


EMPTY = Form({})


def plain(text: str) -> str:
    """Return a text as a form gives it back."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def convert_form(values: Mapping[str, Any], shape: type[T]) -> T:
    """Return the struct that a service takes. Raises BadInput, with a text for people."""
    try:
        return msgspec.convert(values, shape)
    except msgspec.ValidationError as e:
        match = _FIELD.search(str(e))
        name = next((group for group in match.groups() if group), "") if match else ""
        if not name:  # from a struct's own check: "name is blank"
            name = str(e).partition(" ")[0]
        label, rule = FIELDS.get(name, ("Something", "Check what you typed."))
        raise BadInput(
            "bad_body", f"{label} cannot be used like that", detail=name, hint=rule
        ) from e


_MESSAGES = {
    "wrong_credentials": ("That e-mail and password do not match.", "Try again."),
    "email_taken": ("This e-mail is already in use.", "If it is you, sign in instead."),
    "bad_email": ("That is not an e-mail address.", "Write it as name@example.org."),
    "bad_password": ("That password is too short or too long.", "Use 8 to 200 characters."),
    "weak_password": (
        "That password is easy to guess.",
        "Use several unrelated words, and neither your name nor your e-mail.",
    ),
    "sign_in_busy": ("Many people are signing in right now.", "Try again in a few seconds."),
    "profile_exists": ("You already have a profile.", "You can change it in your settings."),
    "profile_needed": ("You have no profile yet.", "Create one to see the people of your school."),
    "no_own_profile": ("You have no profile yet.", "Create one to see the people of your school."),
    "profile_not_found": (
        "This person is not here.",
        "They may have left, be at another school, or have hidden their profile.",
    ),
    "bad_cursor": ("This page of the list is gone.", "Start from the beginning."),
    "body_too_large": ("That is too much text.", "Make it shorter, and try again."),
    "bad_text": ("Some characters cannot be stored.", "Type the text again."),
    "intro_to_oneself": ("That is you.", "Choose someone else."),
    "profile_hidden": (
        "Your profile is hidden, so they could not see who is asking.",
        "Show it in your settings first.",
    ),
    "already_connected": ("You are already connected.", ""),
    "intro_pending": ("One of you has already asked.", "Look at your intros."),
    "intro_expired": ("This intro is older than 30 days.", "Send a new one."),
    "intro_answered": ("This intro was already answered.", "Look at your intros again."),
    "intro_not_found": ("There is no such intro.", "It may have been taken back."),
    "connection_not_found": ("You are not connected.", ""),
    "chat_place_taken": (
        "We could not open your chat.",
        "Tell the operator: something else is stored in its place.",
    ),
    "chat_not_found": (
        "There is no such chat.",
        "It may have been with someone who has left.",
    ),
    "chat_closed": ("You cannot write here.", "You can still read this chat."),
    "messages_not_taken": ("They are not accepting messages at the moment.", ""),
    "key_used": ("This message was already sent.", "Reload the page to see it."),
    "message_gone": ("This message was already sent, and is gone.", "Reload the page."),
    "bad_idempotency_key": ("This form cannot be sent again.", "Reload the page."),
    "about_oneself": ("That is you.", "Choose someone else."),
    "too_many_blocks": ("You have blocked 1,000 people.", "Unblock someone first."),
    "wrong_code": (
        "That code is wrong or has expired.",
        "Check what you typed, or ask for a new code.",
    ),
    "wrong_password": ("That is not your password.", "Try again."),
    "email_not_of_school": (
        "This school admits people with a school e-mail only.",
        "Use the address that your school gave you.",
    ),
    "school_lookalike": (
        "That looks like the name of a school here, but is spelled differently.",
        "Choose the school from the list as you type.",
    ),
    "email_not_verified": (
        "This school requires a code that is sent to your e-mail.",
        "Set a new password under “Forgot your password?” to show that the e-mail is yours.",
    ),
    "mail_failed": ("We could not send the mail.", "Try again in a few minutes."),
    "account_gone": ("This account is gone.", ""),
    "session_not_found": ("You are already signed out there.", ""),
    "rate_limited": ("Too many requests in a short time.", "Wait a while, and try again."),
    "no_such_route": ("There is no such page.", "It may have moved. Start from the beginning."),
    "method_not_allowed": (
        "There is no such page.",
        "It may have moved. Start from the beginning.",
    ),
    "other_site": (
        "This form came from elsewhere, or was open for too long.",
        "Go back, reload the page, and send it again.",
    ),
    "database_unavailable": (
        "We cannot reach our data right now.",
        "Nothing is lost. Try again in a few seconds.",
    ),
    "too_contended": ("Too much is happening here right now.", "Try again in a few seconds."),
    "internal_error": ("Something went wrong on our side.", "Try again in a moment."),
}
_FIELD_OF = {
    "bad_email": "email",
    "email_taken": "email",
    "email_not_of_school": "email",
    "school_lookalike": "school",
    "bad_password": "password",
    "weak_password": "password",
    "wrong_password": "old",
    "wrong_code": "code",
}


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """An error as a page says it. `field` is the form's field that it is about, if any."""

    title: str
    hint: str
    field: str | None


def error_message(error: OutgrowError | Problem) -> ErrorMessage:
    """Return the text of an error for people."""
    message = error.message if isinstance(error, OutgrowError) else error.title
    if error.code == "bad_body":
        return ErrorMessage(_sentence(message), error.hint or "", error.detail)
    title, hint = _MESSAGES.get(error.code, (_sentence(message), ""))
    if isinstance(error, TooMany):
        hint = f"Try again in {duration(error.retry_after)}."
    return ErrorMessage(title, hint, _FIELD_OF.get(error.code))


def duration(seconds: int) -> str:
    """Return a wait in the largest unit that it fills, rounded up: `2 minutes`."""
    for unit, name in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= unit:
            count = -(-seconds // unit)
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "a second"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
