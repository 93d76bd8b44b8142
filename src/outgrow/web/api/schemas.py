"""The shapes of answers, for the documentation and for the tests that check answers against it.

PostgreSQL writes most bodies. Of these shapes, the code builds only tokens.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from outgrow.web.http.response import Problem

__all__ = [
    "AcceptedIntro",
    "Block",
    "BlockPage",
    "Chat",
    "ChatMessage",
    "ChatPage",
    "Found",
    "FoundPage",
    "Health",
    "Highlight",
    "Intro",
    "IntroPage",
    "LogInAnswer",
    "MatchPage",
    "MessagePage",
    "OwnProfile",
    "OwnSettings",
    "Problem",
    "Profile",
    "ProfilePage",
    "Report",
    "School",
    "SchoolPage",
    "SessionPage",
    "SignUp",
    "SuggestionPage",
    "TokenAnswer",
]


class Shape(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class TokenAnswer(Shape):
    """`expires_in` is in seconds. The refresh token works once."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    user_id: str


class LogInAnswer(TokenAnswer, kw_only=True):
    """`device_token` gives no access: it lets limits count this device apart from others."""

    device_token: str


class Profile(Shape):
    """What members of a school see of each other. Every field is present. It is null if it was
    never filled in, or if an old client stored another type or more than 32 kB."""

    id: str
    name: str | None
    school: str | None
    major: str | None
    year: str | None
    age: float | None
    pronouns: str | None
    bio: str | None
    interests: list[Any] | None
    looking_for: list[Any] | None
    personality: list[Any] | None
    goals: dict[str, Any] | None
    living_habits: dict[str, Any] | None
    photos: list[Any] | None
    profile_picture: str | None
    additional_info: str | None
    created_at: str | None


class OwnSettings(Shape):
    profile_visible: bool
    read_receipts: bool
    allow_messages: bool


class OwnProfile(Profile, kw_only=True):
    email: str | None
    settings: OwnSettings


class FacetValue(Shape):
    value: str
    count: int


class ProfilePage(Shape):
    """`next` is the cursor of the next page, null on the last page."""

    items: list[Profile]
    next: str | None
    total: int | msgspec.UnsetType = msgspec.UNSET
    facets: dict[str, list[FacetValue]] | msgspec.UnsetType = msgspec.UNSET


class Highlight(Shape):
    """A field in pieces. Every second piece, from the second on, is a match."""

    field: str
    pieces: list[str]


class Found(Profile, kw_only=True):
    match: Literal["begins", "named", "worded", "mistyped"]
    highlights: list[Highlight]


class FoundPage(Shape):
    items: list[Found]
    next: str | None


class Intro(Shape):
    """`id` is opaque. `reason` and `created_at` may be what an old client wrote."""

    id: str
    direction: Literal["incoming", "outgoing"]
    status: Literal["pending", "accepted", "declined", "withdrawn", "expired"]
    reason: str | None
    note: str | None
    created_at: str
    answered_at: str | None
    person: Profile


class IntroPage(Shape):
    items: list[Intro]
    next: str | None


class AcceptedIntro(Shape):
    intro: Intro
    chat_id: str


class ChatMessage(Shape):
    """`pos` orders the messages of a chat: later messages have a greater one. Other fields are null
    if an old client left them out. `kind` is `system` for a message of the network itself."""

    id: str | None
    chat_id: str
    pos: int
    sender_id: str | None
    content: str | None
    kind: str | None
    sent_at: str | None


class MessagePage(Shape):
    items: list[ChatMessage]
    next: str | None


class Chat(Shape):
    """`closed` says why the chat cannot be written to. `others` is the number of other
    participants: 1, unless another program added people."""

    id: str
    person: Profile | None
    others: int
    closed: (
        Literal[
            "profile_hidden", "added_outside", "not_here", "not_connected", "messages_not_taken"
        ]
        | None
    )
    last_message: ChatMessage | None
    unread: int
    created_at: str | None


class ChatPage(Shape):
    items: list[Chat]
    next: str | None


class Block(Shape):
    """`profile` is null for people who are gone or cannot be seen for another reason."""

    id: str
    profile: Profile | None
    created_at: str


class BlockPage(Shape):
    items: list[Block]
    next: str | None


class Report(Shape):
    id: str


class Reason(Shape):
    """What a person has in common with you."""

    kind: Literal[
        "interests",
        "looking_for",
        "academic_goals",
        "leisure_goals",
        "personality",
        "major",
        "year",
    ]
    values: list[str]


class Match(Profile, kw_only=True):
    """`score` is out of 100. `reasons` is empty if it is 0."""

    score: int
    reasons: list[Reason]


class MatchPage(Shape):
    items: list[Match]
    next: str | None


class Suggestion(Profile, kw_only=True):
    """`mutual` is the number of your connections who are connected to this person."""

    mutual: int


class SuggestionPage(Shape):
    items: list[Suggestion]
    next: str | None


class SignUp(TokenAnswer, kw_only=True):
    profile: OwnProfile


class Session(Shape):
    """`device` is the User-Agent of the log-in. `current` marks the session of this request."""

    id: str
    created_at: str
    last_used_at: str
    device: str | None
    current: bool


class SessionPage(Shape):
    items: list[Session]
    next: str | None


class School(Shape):
    """`resembles` is a school with e-mail domains whose name looks the same."""

    name: str
    members: int | msgspec.UnsetType = msgspec.UNSET
    resembles: str | msgspec.UnsetType = msgspec.UNSET


class SchoolPage(Shape):
    items: list[School]
    next: str | None


class Health(Shape):
    status: str
