"""Errors in the words of the pages: what went wrong, and what to do about it.

An error's own hint speaks to programs (`POST /auth/login`), so it is shown to nobody here; every
code that a student can meet has its words below, and the rest is told by its fact alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from outgrow.errors import OutgrowError, TooMany
from outgrow.web.http.response import Problem

_WORDS = {
    "wrong_credentials": ("That e-mail and password do not match.", "Try again."),
    "email_taken": ("Somebody uses this e-mail already.", "If it is you, sign in instead."),
    "bad_email": ("That is not an e-mail address.", "Write it as name@example.org."),
    "bad_password": ("That password is too short or too long.", "Use 8 to 200 characters."),
    "weak_password": (
        "That password is easy to guess.",
        "Take several words that do not belong together, and not your name or e-mail.",
    ),
    "sign_in_busy": ("Many people are signing in at this moment.", "Try again in a few seconds."),
    "profile_exists": ("You have a profile already.", "You can change it in your settings."),
    "profile_needed": ("You have no profile yet.", "Make one to see people of your school."),
    "no_own_profile": ("You have no profile yet.", "Make one to see people of your school."),
    "profile_not_found": (
        "There is nobody here.",
        "They may have left, or be at another school, or not want to be seen.",
    ),
    "bad_cursor": ("This page of the list is not there any more.", "Start from its beginning."),
    "body_too_large": ("That is too much text at once.", "Make it shorter, and try again."),
    "bad_text": ("There are characters in it that cannot be kept.", "Type it again."),
    "intro_to_oneself": ("That is you.", "Look for somebody else."),
    "profile_hidden": (
        "Your profile is hidden, so nobody could see who asks.",
        "Show it in your settings first.",
    ),
    "already_connected": ("You are connected already.", ""),
    "intro_pending": ("One of you has asked already.", "Look at your intros."),
    "intro_expired": ("This intro is older than 30 days.", "Send a new one."),
    "intro_answered": ("This intro was answered already.", "Look at your intros again."),
    "intro_not_found": ("There is no such intro.", "It may have been taken back."),
    "connection_not_found": ("You are not connected.", ""),
    "chat_place_taken": (
        "We could not open your chat.",
        "Tell whoever runs this: something else is kept in its place.",
    ),
    "chat_not_found": (
        "There is no such chat.",
        "It may be with somebody who is not here any more.",
    ),
    "chat_closed": ("Nothing can be written here.", "You can still read this chat."),
    "messages_not_taken": ("They take no messages at this moment.", ""),
    "key_used": ("This message was sent before.", "Reload the page to see it."),
    "message_gone": ("This message was sent before, and is gone.", "Reload the page."),
    "bad_idempotency_key": ("This form cannot be sent again.", "Reload the page."),
    "about_oneself": ("That is you.", "Look for somebody else."),
    "too_many_blocks": ("You have blocked 1,000 people.", "Unblock some whom you do not mind."),
    "wrong_code": (
        "That code is wrong or has expired.",
        "Check what you typed, or ask for another one.",
    ),
    "wrong_password": ("That is not your password.", "Try again."),
    "email_not_of_school": (
        "This school is for people with an e-mail of the school.",
        "Use the address that your school gave you.",
    ),
    "school_lookalike": (
        "That looks like the name of a school that is here, but is spelled differently.",
        "Choose the school from the list as you type.",
    ),
    "email_not_verified": (
        "This school asks for a code that is sent to your e-mail.",
        "Set a new password under “Password forgotten?”: that shows that the e-mail is yours.",
    ),
    "mail_failed": ("We could not send a mail at this moment.", "Try again in a few minutes."),
    "account_gone": ("This account is not there any more.", ""),
    "session_not_found": ("You are signed out there already.", ""),
    "rate_limited": ("Too many requests in a short time.", "Wait a while, and try again."),
    "no_such_route": ("There is no such page.", "It may have moved; start from the beginning."),
    "method_not_allowed": (
        "There is no such page.",
        "It may have moved; start from the beginning.",
    ),
    "other_site": (
        "This form did not come from here, or has been open for too long.",
        "Go back, reload the page, and send it again.",
    ),
    "database_unavailable": (
        "We cannot reach our data at this moment.",
        "Nothing is lost. Try again in a few seconds.",
    ),
    "too_contended": ("Too much is happening here at once.", "Try again in a few seconds."),
    "internal_error": ("Something failed that should not.", "Try again in a moment."),
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
class Said:
    """An error for people; `field` is the one of the form to look at, if it is one."""

    title: str
    hint: str
    field: str | None


def said(error: OutgrowError | Problem) -> Said:
    message = error.message if isinstance(error, OutgrowError) else error.title
    if error.code == "bad_body":
        return Said(_sentence(message), error.hint or "", error.detail)
    title, hint = _WORDS.get(error.code, (_sentence(message), ""))
    if isinstance(error, TooMany):
        hint = f"Try again in {duration(error.retry_after)}."
    return Said(title, hint, _FIELD_OF.get(error.code))


def duration(seconds: int) -> str:
    """Return a wait in the largest unit that it fills, rounded up: `2 minutes`."""
    for unit, name in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= unit:
            count = -(-seconds // unit)
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "a second"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
