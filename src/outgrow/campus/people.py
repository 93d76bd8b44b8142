"""The documents of a generated campus: what the prototype wrote for a person, an intro, a chat.

Everything is drawn from the `random.Random` that is passed in, in a fixed order, so one seed gives
one campus. Times are milliseconds since 1970 in, ISO 8601 as JavaScript writes it out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any, TypeVar

from outgrow.campus import names

T = TypeVar("T")
Document = dict[str, Any]

HOUR = 3_600_000
_DAY = 24 * HOUR
# Letters that lose no accent under NFKD because the stroke or the ligature is the letter.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "ß": "ss"})


@cache
def _day(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%dT")


def iso(ms: int) -> str:
    """`2026-01-01T12:00:00.000Z`; the day is cached because strftime dominates otherwise."""
    day, rest = divmod(ms, _DAY)
    second, fraction = divmod(rest, 1000)
    return f"{_day(day)}{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{fraction:03}Z"


def pick(rng: Random, pool: Sequence[T], skew: float = 1.5) -> T:
    """One of a pool, the head more often: at skew 2 the first hundredth is drawn a tenth of the
    time, at skew 1 all are equal."""
    return pool[int(len(pool) * rng.random() ** skew)]


def some(rng: Random, pool: Sequence[T], low: int, high: int, skew: float = 1.5) -> list[T]:
    """Up to `high` different ones; fewer than `low` when the same was drawn twice."""
    count = low + int((high - low + 1) * rng.random())
    return list(dict.fromkeys(pick(rng, pool, skew) for _ in range(count)))


def uuid4(rng: Random) -> str:
    bits = rng.getrandbits(128) & ~(0xF000_C000 << 48) | (0x4000_8000 << 48)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def seeded_id(rng: Random, number: int, ms: int) -> str:
    """As the prototype's seeding script made them."""
    letters = "0123456789abcdefghijklmnopqrstuvwxyz"
    return f"test-{ms}-{number}-{''.join([letters[int(36 * rng.random())] for _ in range(9)])}"


def full_name(rng: Random) -> str:
    first = pick(rng, names.FIRST_NAMES, 1.7)
    last = pick(rng, names.LAST_NAMES, 1.7)
    kind = rng.random()
    if kind < 0.03:
        return f"{first} {last}-{pick(rng, names.LAST_NAMES)}"
    if kind < 0.06:
        return f"{first} {pick(rng, names.FIRST_NAMES)} {last}"
    return f"{first} {last}"


@cache
def ascii_word(text: str) -> str:
    """Lower case, without accents; what is neither letter nor digit becomes one hyphen."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    kept = "".join(
        c if c.isascii() and c.isalnum() else " " for c in plain if not unicodedata.combining(c)
    )
    return "-".join(kept.replace("'", "").split())


def email(name: str, number: int, school: str) -> str:
    """Unlike any other of the campus: the number is the user's own."""
    return f"{'.'.join([ascii_word(w) for w in name.split()])}{number}@{ascii_word(school)}.test"


def profile(
    rng: Random, *, user_id: str, name: str, address: str, school: str, joined: int, now: int
) -> Document:
    """A profile of about 1 KB; optional fields are there as often as clients sent them."""
    rnd = rng.random
    interests = some(rng, names.INTERESTS, 2, 7)
    document: Document = {
        "id": user_id,
        "email": address,
        "name": name,
        "school": school,
        "major": pick(rng, names.MAJORS, 1.8),
        "year": pick(rng, names.YEARS, 1.2),
        "interests": interests,
        "lookingFor": some(rng, names.LOOKING_FOR, 1, 3),
        "blockedUsers": [],
    }
    if rnd() < 0.88:
        document["age"] = 17 + int(12 * rnd() ** 1.8)
    if rnd() < 0.6:
        document["pronouns"] = pick(rng, names.PRONOUNS)
    if rnd() < 0.85:
        document["bio"] = _bio(rng, interests, document["major"])
    if rnd() < 0.6:
        document["personality"] = some(rng, names.PERSONALITY, 2, 4)
    if rnd() < 0.75:
        document["goals"] = _goals(rng)
    if rnd() < 0.55:
        picture = f"https://cdn.campus.test/photos/{user_id}/{rng.getrandbits(40):010x}.jpg"
        picture += f"?token={rng.getrandbits(160):040x}"
        document["profilePicture"] = picture
        document["photos"] = [picture]
    if rnd() < 0.5:
        document["livingHabits"] = {
            "sleepSchedule": pick(rng, names.SLEEP),
            "cleanliness": pick(rng, names.CLEANLINESS),
            "guests": pick(rng, names.GUESTS),
            "noise": pick(rng, names.NOISE),
        }
    if rnd() < 0.4:
        handle = f"{ascii_word(name)}{int(99 * rnd())}"
        document["instagram"] = handle
        document["socials"] = {"instagram": handle}
    if rnd() < 0.15:
        document["additionalInfo"] = pick(rng, names.BIO_TAILS)
    if rnd() < 0.7:
        document["settings"] = {
            "readReceipts": rnd() < 0.8,
            "profileVisible": rnd() < 0.96,
            "allowMessages": True,
            "showOnlineStatus": rnd() < 0.7,
        }
    if rnd() < 0.15:
        document["bondPrint"] = _bond_print(rng, joined)
        document["hasCompletedBondPrint"] = True
    if rnd() < 0.06:
        document["socialConnections"] = _social_connections(rng, name)
    # Only the seeding script and the newest clients wrote when a profile began.
    if user_id.startswith("test-") or rnd() < 0.5:
        document["createdAt"] = iso(joined)
    document["updatedAt"] = iso(joined + int((now - joined) * rnd()))
    return document


def _bio(rng: Random, interests: list[str], major: str) -> str:
    first = f"{pick(rng, names.BIO_OPENINGS, 1)} {interests[0]}"
    if rng.random() < 0.5:
        first += f" and {interests[-1]}"
    text = f"{first}. {major} student. {pick(rng, names.BIO_TAILS, 1)}"
    if rng.random() < 0.3:
        text += f"\n{pick(rng, names.BIO_TAILS, 1)}"
    return text


def _goals(rng: Random) -> Document:
    goals: Document = {
        "academic": some(rng, names.ACADEMIC_GOALS, 1, 3),
        "leisure": some(rng, names.LEISURE_GOALS, 1, 3),
    }
    if rng.random() < 0.3:
        goals["career"] = pick(rng, names.CAREER_GOALS)
    return goals


def _bond_print(rng: Random, joined: int) -> Document:
    kind = pick(rng, names.PERSONALITY_TYPES, 1)
    return {
        "traits": {trait: round(rng.random(), 2) for trait in names.TRAITS},
        "personality": {
            "primaryType": kind,
            "secondaryTraits": some(rng, names.PERSONALITY, 2, 3),
            "description": f"{kind}: {pick(rng, names.BIO_TAILS, 1)}",
        },
        "communication": {"style": pick(rng, names.COMMUNICATION_STYLES), "preferences": ["text"]},
        "social": {"idealSetting": pick(rng, names.SETTINGS)},
        "values": some(rng, names.VALUES, 2, 4),
        "livingPreferences": {
            "cleanliness": round(rng.random(), 2),
            "noiseLevel": round(rng.random(), 2),
            "socialSpace": round(rng.random(), 2),
            "schedule": pick(rng, names.SLEEP),
        },
        "createdAt": iso(joined + HOUR),
        "quizVersion": "adaptive-v1",
    }


def _social_connections(rng: Random, name: str) -> Document:
    """The prototype kept other services' tokens in the profile; these open nothing."""
    word = ascii_word(name)
    return {
        "spotify": {
            "connected": True,
            "username": word,
            "accessToken": f"fake-spotify-access-{rng.getrandbits(96):024x}",
            "refreshToken": f"fake-spotify-refresh-{rng.getrandbits(96):024x}",
            "topArtists": [{"name": full_name(rng), "image": None}],
        },
        "linkedin": {
            "connected": True,
            "profileUrl": f"https://social.test/in/{word}",
            "accessToken": f"fake-linkedin-access-{rng.getrandbits(96):024x}",
        },
    }


def intro(
    rng: Random, *, key: str, sender: str, receiver: str, sent: int, status: str, now: int
) -> Document:
    """An introduction; `status` is pending, accepted or denied."""
    document: Document = {
        "id": key,
        "fromUserId": sender,
        "toUserId": receiver,
        "reason": pick(rng, names.INTRO_REASONS),
        "analysis": None,
        "status": status,
        "createdAt": iso(sent),
    }
    if rng.random() < 0.6:
        document["analysis"] = {
            "score": 50 + int(46 * rng.random()),
            "highlights": [f"You both like {pick(rng, names.INTERESTS)}"],
            "analysis": pick(rng, names.BIO_TAILS, 1),
        }
    if status != "pending":
        document[f"{status}At"] = iso(sent + int((now - sent) * rng.random()))
    return document


def chat(chat_id: str, first: str, second: str, created: int) -> Document:
    return {"chatId": chat_id, "participants": [first, second], "createdAt": iso(created)}


def messages(
    rng: Random, *, chat_id: str, first: str, second: str, created: int, now: int
) -> list[Document]:
    """A conversation of 1 to 60 messages, most of them short; begun by the system's welcome,
    which has no `readBy`."""
    rnd = rng.random
    count = int(60 * rnd() ** 6)
    gap = (now - created) / (count + 1)
    read = count if rnd() < 0.7 else int(count * rnd())
    talk: list[Document] = [
        {
            "id": f"{chat_id}:{created}",
            "senderId": "ai-assistant",
            "content": names.WELCOME,
            "timestamp": iso(created),
            "type": "system",
        }
    ]
    at = created
    for number in range(count):
        at += 1 + int(gap * rnd())
        sender, reader = (first, second) if rnd() < 0.5 else (second, first)
        seen = number < read
        talk.append(
            {
                "id": f"{chat_id}:{at}",
                "senderId": sender,
                "content": pick(rng, names.MESSAGES),
                "timestamp": iso(at),
                "readBy": [reader] if seen else [],
                "readAt": iso(at + 60_000) if seen else None,
            }
        )
    return talk


def typing(user_id: str, at: int) -> Document:
    return {"userId": user_id, "timestamp": iso(at)}


def quiz(rng: Random, user_id: str, name: str, at: int) -> Document:
    """A quiz left unfinished, with its stale copy of the profile."""
    return {
        "userId": user_id,
        "startedAt": iso(at),
        "currentQuestion": 1,
        "answers": [
            {
                "question": "What does a good weekend look like?",
                "answer": pick(rng, names.INTERESTS),
                "timestamp": iso(at + 30_000),
            }
        ],
        "userProfile": {"id": user_id, "name": name},
        "usedGemini": False,
    }


def compatibility(rng: Random) -> Document:
    score = int(100 * rng.random())
    return {"shouldMatch": score > 60, "score": score, "reasoning": pick(rng, names.BIO_TAILS, 1)}


def screening(rng: Random) -> Document:
    if rng.random() < 0.9:
        return {"containsIdentity": False}
    return {"containsIdentity": True, "reason": "mentions a phone number"}
