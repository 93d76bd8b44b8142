"""The documents of a generated campus: what the prototype wrote for a person, an intro, a chat.

Everything is drawn from the `random.Random` that is passed in, in a fixed order, so one seed gives
one campus. Times are milliseconds since 1970 in, ISO 8601 as JavaScript writes it out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from random import Random
from typing import Any, TypeVar

from outgrow.sampledata import names

T = TypeVar("T")
Document = dict[str, Any]

HOUR = 3_600_000
_DAY = 24 * HOUR
# Letters that lose no accent under NFKD because the stroke or the ligature is the letter.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "ß": "ss"})


_MINUTES = tuple(f"{minute // 60:02}:{minute % 60:02}:" for minute in range(24 * 60))


@cache
def _day(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%dT")


def iso(ms: int) -> str:
    """Format as `2026-01-01T12:00:00.000Z`, from cached halves: a dozen of them are written per
    user."""
    day, rest = divmod(ms, _DAY)
    minute, rest = divmod(rest, 60_000)
    return f"{_day(day)}{_MINUTES[minute]}{rest // 1000:02}.{rest % 1000:03}Z"


def deck(pool: Sequence[T], skew: float = 1.5, bits: int = 12) -> tuple[T, ...]:
    """Return 2 ** bits cards of a pool, more of its head: at skew 2 a tenth of them are its first
    hundredth, at skew 1 all are equal. Dealing a card is one `getrandbits` and one index."""
    size = 1 << bits
    return tuple(pool[int(len(pool) * (card / size) ** skew)] for card in range(size))


_FIRST_NAMES = deck(names.FIRST_NAMES, 1.7, 16)
_LAST_NAMES = deck(names.LAST_NAMES, 1.7, 16)
_MAJORS = deck(names.MAJORS, 1.8)
_YEARS = deck(names.YEARS, 1.2)
_INTERESTS = deck(names.INTERESTS)
_LOOKING_FOR = deck(names.LOOKING_FOR)
_PERSONALITY = deck(names.PERSONALITY)
_ACADEMIC = deck(names.ACADEMIC_GOALS)
_LEISURE = deck(names.LEISURE_GOALS)
_CAREER = deck(names.CAREER_GOALS)
_PRONOUNS = deck(names.PRONOUNS)
_SLEEP = deck(names.SLEEP)
_CLEANLINESS = deck(names.CLEANLINESS)
_GUESTS = deck(names.GUESTS)
_NOISE = deck(names.NOISE)
_TYPES = deck(names.PERSONALITY_TYPES, 1)
_STYLES = deck(names.COMMUNICATION_STYLES)
_SETTINGS = deck(names.SETTINGS)
_VALUES = deck(names.VALUES)
_REASONS = deck(names.INTRO_REASONS)
_OPENINGS = deck(names.BIO_OPENINGS, 1)
_REMARKS = deck(names.BIO_TAILS, 1)
_MESSAGES = deck(names.MESSAGES)


def some(rng: Random, cards: Sequence[T], low: int, high: int) -> list[T]:
    """Deal up to `high` different cards; fewer than `low` when the same was dealt twice."""
    deal = rng.getrandbits
    count = low + deal(8) % (high - low + 1)
    return list(dict.fromkeys([cards[deal(12)] for _ in range(count)]))


def uuid4(rng: Random) -> str:
    bits = rng.getrandbits(128) & ~(0xF000_C000 << 48) | (0x4000_8000 << 48)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def seeded_id(rng: Random, number: int, ms: int) -> str:
    """Make an id as the prototype's seeding script did."""
    letters = "0123456789abcdefghijklmnopqrstuvwxyz"
    return f"test-{ms}-{number}-{''.join(rng.choices(letters, k=9))}"


def full_name(rng: Random) -> str:
    deal = rng.getrandbits
    first = _FIRST_NAMES[deal(16)]
    last = _LAST_NAMES[deal(16)]
    kind = rng.random()
    if kind < 0.03:
        return f"{first} {last}-{_LAST_NAMES[deal(16)]}"
    if kind < 0.06:
        return f"{first} {_FIRST_NAMES[deal(16)]} {last}"
    return f"{first} {last}"


@lru_cache(10_000)
def ascii_word(text: str) -> str:
    """Return lower case, without accents; what is neither letter nor digit becomes one hyphen."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    kept = "".join(
        c if c.isascii() and c.isalnum() else " " for c in plain if not unicodedata.combining(c)
    )
    return "-".join(kept.replace("'", "").split())


def email(name: str, number: int, school: str) -> str:
    """Make an address unlike any other of the campus: the number is the user's own."""
    return f"{handle_of(name)}{number}@{ascii_word(school)}.test"


def handle_of(name: str) -> str:
    return ".".join([ascii_word(word) for word in name.split()])


def profile(
    rng: Random, *, user_id: str, name: str, address: str, school: str, joined: int, now: int
) -> Document:
    """Make a profile of about 1 KB; optional fields are there as often as clients sent them."""
    rnd, deal = rng.random, rng.getrandbits
    interests = some(rng, _INTERESTS, 2, 7)
    document: Document = {
        "id": user_id,
        "email": address,
        "name": name,
        "school": school,
        "major": _MAJORS[deal(12)],
        "year": _YEARS[deal(12)],
        "interests": interests,
        "lookingFor": some(rng, _LOOKING_FOR, 1, 3),
        "blockedUsers": [],
    }
    if rnd() < 0.88:
        document["age"] = 17 + int(12 * rnd() ** 1.8)
    if rnd() < 0.6:
        document["pronouns"] = _PRONOUNS[deal(12)]
    if rnd() < 0.85:
        document["bio"] = _bio(rng, interests, document["major"])
    if rnd() < 0.6:
        document["personality"] = some(rng, _PERSONALITY, 2, 4)
    if rnd() < 0.75:
        document["goals"] = _goals(rng)
    if rnd() < 0.55:
        picture = f"https://cdn.campus.test/photos/{user_id}/{rng.getrandbits(40):010x}.jpg"
        picture += f"?token={rng.getrandbits(160):040x}"
        document["profilePicture"] = picture
        document["photos"] = [picture]
    if rnd() < 0.5:
        document["livingHabits"] = {
            "sleepSchedule": _SLEEP[deal(12)],
            "cleanliness": _CLEANLINESS[deal(12)],
            "guests": _GUESTS[deal(12)],
            "noise": _NOISE[deal(12)],
        }
    if rnd() < 0.4:
        handle = f"{handle_of(name)}{deal(7)}"
        document["instagram"] = handle
        document["socials"] = {"instagram": handle}
    if rnd() < 0.15:
        document["additionalInfo"] = _REMARKS[deal(12)]
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
    deal = rng.getrandbits
    first = f"{_OPENINGS[deal(12)]} {interests[0]}"
    if rng.random() < 0.5:
        first += f" and {interests[-1]}"
    text = f"{first}. {major} student. {_REMARKS[deal(12)]}"
    if rng.random() < 0.3:
        text += f"\n{_REMARKS[deal(12)]}"
    return text


def _goals(rng: Random) -> Document:
    deal = rng.getrandbits
    goals: Document = {
        "academic": some(rng, _ACADEMIC, 1, 3),
        "leisure": some(rng, _LEISURE, 1, 3),
    }
    if rng.random() < 0.3:
        goals["career"] = _CAREER[deal(12)]
    return goals


def _bond_print(rng: Random, joined: int) -> Document:
    deal = rng.getrandbits
    kind = _TYPES[deal(12)]
    return {
        "traits": {trait: round(rng.random(), 2) for trait in names.TRAITS},
        "personality": {
            "primaryType": kind,
            "secondaryTraits": some(rng, _PERSONALITY, 2, 3),
            "description": f"{kind}: {_REMARKS[deal(12)]}",
        },
        "communication": {"style": _STYLES[deal(12)], "preferences": ["text"]},
        "social": {"idealSetting": _SETTINGS[deal(12)]},
        "values": some(rng, _VALUES, 2, 4),
        "livingPreferences": {
            "cleanliness": round(rng.random(), 2),
            "noiseLevel": round(rng.random(), 2),
            "socialSpace": round(rng.random(), 2),
            "schedule": _SLEEP[deal(12)],
        },
        "createdAt": iso(joined + HOUR),
        "quizVersion": "adaptive-v1",
    }


def _social_connections(rng: Random, name: str) -> Document:
    """Make tokens of other services as the prototype kept them in the profile; these open
    nothing."""
    word = handle_of(name)
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


def intro(rng: Random, key: str, status: str, now: int) -> Document:
    """Make the introduction of that key; `status` is pending, accepted or denied."""
    deal = rng.getrandbits
    _, sender, receiver, ms = key.split(":")
    sent = int(ms)
    document: Document = {
        "id": key,
        "fromUserId": sender,
        "toUserId": receiver,
        "reason": _REASONS[deal(12)],
        "analysis": None,
        "status": status,
        "createdAt": iso(sent),
    }
    if rng.random() < 0.6:
        document["analysis"] = {
            "score": 50 + int(46 * rng.random()),
            "highlights": [f"You both like {_INTERESTS[deal(12)]}"],
            "analysis": _REMARKS[deal(12)],
        }
    if status != "pending":
        document[f"{status}At"] = iso(sent + int((now - sent) * rng.random()))
    return document


def chat(chat_id: str, begun: int) -> Document:
    return {"chatId": chat_id, "participants": chat_id.split(":"), "createdAt": iso(begun)}


def messages(rng: Random, chat_id: str, begun: int, now: int) -> list[Document]:
    """Make a conversation of 1 to 60 messages, mostly few; it begins with the system's welcome,
    which has no `readBy`."""
    rnd, deal = rng.random, rng.getrandbits
    first, second = chat_id.split(":")
    count = int(60 * rnd() ** 7)
    gap = (now - begun) / (count + 1)
    read = count if rnd() < 0.7 else int(count * rnd())
    talk: list[Document] = [
        {
            "id": f"{chat_id}:{begun}",
            "senderId": "ai-assistant",
            "content": names.WELCOME,
            "timestamp": iso(begun),
            "type": "system",
        }
    ]
    moment = begun
    for number in range(count):
        moment += 1 + int(gap * rnd())
        sender, reader = (first, second) if rnd() < 0.5 else (second, first)
        seen = number < read
        talk.append(
            {
                "id": f"{chat_id}:{moment}",
                "senderId": sender,
                "content": _MESSAGES[deal(12)],
                "timestamp": iso(moment),
                "readBy": [reader] if seen else [],
                "readAt": iso(moment + 60_000) if seen else None,
            }
        )
    return talk


def typing(user_id: str, moment: int) -> Document:
    return {"userId": user_id, "timestamp": iso(moment)}


def quiz(rng: Random, user_id: str, name: str, moment: int) -> Document:
    """Make a quiz left unfinished, with its stale copy of the profile."""
    deal = rng.getrandbits
    return {
        "userId": user_id,
        "startedAt": iso(moment),
        "currentQuestion": 1,
        "answers": [
            {
                "question": "What does a good weekend look like?",
                "answer": _INTERESTS[deal(12)],
                "timestamp": iso(moment + 30_000),
            }
        ],
        "userProfile": {"id": user_id, "name": name},
        "usedGemini": False,
    }


def compatibility(rng: Random) -> Document:
    deal = rng.getrandbits
    score = int(100 * rng.random())
    return {"shouldMatch": score > 60, "score": score, "reasoning": _REMARKS[deal(12)]}


def screening(rng: Random) -> Document:
    if rng.random() < 0.9:
        return {"containsIdentity": False}
    return {"containsIdentity": True, "reason": "mentions a phone number"}
