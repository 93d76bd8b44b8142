"""Random values as the apps' clients write them; the same for a seed."""

from __future__ import annotations

import random
import re
import string
import unicodedata
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
ABSENT = object()
"""What a field that this document does not have is given; see `doc`."""

FIRST = [
    "Ada",
    "Ben",
    "Carla",
    "David",
    "Élodie",
    "Fatma",
    "Görkem",
    "Hannah",
    "Ivo",
    "Jürgen",
    "Karim",
    "Lena",
    "Marta",
    "Noé",
    "Olga",
    "Pavel",
    "Quentin",
    "Rosa",
    "Sören",
    "Thảo",
    "Ulrike",
    "Vera",
    "Wanjiru",
    "Xenia",
    "Yusuf",
    "Zoë",
    "Anne-Marie",
    "João",
    "Łukasz",
    "İpek",
]
LAST = [
    "Abe",
    "Böhm",
    "Costa",
    "Dubois",
    "Eriksen",
    "Ferrari",
    "Güneş",
    "Huber",
    "Ilić",
    "Jansen",
    "Köhler",
    "Lima",
    "Meier",
    "Meiersen",
    "Nguyễn",
    "Okafor",
    "Pereira",
    "Quispe",
    "Rossi",
    "Silva",
    "Tanaka",
    "Ünal",
    "Vogel",
    "Weiß",
    "Xu",
    "Yılmaz",
    "Zimmermann",
    "Brandt",
]
WORDS = [
    "account",
    "autumn",
    "bicycle",
    "bridge",
    "candle",
    "carpet",
    "circle",
    "coffee",
    "corner",
    "cotton",
    "delay",
    "engine",
    "evening",
    "fabric",
    "filter",
    "garden",
    "glass",
    "guitar",
    "harbour",
    "island",
    "jacket",
    "kettle",
    "ladder",
    "lesson",
    "letter",
    "market",
    "mirror",
    "morning",
    "notice",
    "office",
    "orange",
    "paper",
    "pocket",
    "quiet",
    "river",
    "sample",
    "season",
    "shelter",
    "silver",
    "street",
    "summer",
    "table",
    "ticket",
    "travel",
    "valley",
    "village",
    "wagon",
    "window",
    "winter",
    "wonder",
    "yellow",
]
CITIES = ["Zürich", "São Paulo", "Lyon", "Köln", "İzmir", "Lagos", "Đà Nẵng", "New York", "Basel"]
BASE36 = string.digits + string.ascii_lowercase
START, END = 1_668_000_000_000, 1_731_000_000_000


def doc(*parents: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A document of the given fields without the absent ones."""
    merged = {key: value for parent in parents for key, value in parent.items()} | fields
    return {key: value for key, value in merged.items() if value is not ABSENT}


def plain(text: str) -> str:
    """ASCII letters of a text, in lower case: what e-mails and handles are made of."""
    ascii_text = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("ł", "l"))
    return re.sub(r"[^a-z]", "", ascii_text) or "x"


class Values:
    """A source of values. Identifiers are never given out twice."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.count = 0
        self._times: set[int] = set()

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def ms(self) -> int:
        """A moment as Date.now() tells it."""
        while (moment := self.random.randrange(START, END)) in self._times:
            pass
        self._times.add(moment)
        return moment

    def rand(self, length: int = 9) -> str:
        return "".join(self.random.choices(BASE36, k=length))

    def iso(self, ms: int | None = None) -> str:
        when = datetime.fromtimestamp((ms or self.ms()) / 1000, UTC)
        return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"

    def date(self) -> str:
        return self.iso()[:10]

    def later(self, ms: int) -> str:
        """Some hours or days after a moment."""
        return self.iso(ms + self.random.randrange(3_600_000, 900_000_000))

    def day(self, number: int) -> str:
        return (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number)).strftime("%Y-%m-%d")

    def clock(self) -> str:
        return f"{self.random.randrange(7, 21):02d}:{self.random.choice(['00', '15', '30', '45'])}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def maybe(self, share: float, value: Any) -> Any:
        return value if self.chance(share) else ABSENT

    def either(self, share: float, value: Any, other: Any = None) -> Any:
        return value if self.chance(share) else other

    def pick(self, among: Sequence[T]) -> T:
        return self.random.choice(among)

    def some(self, among: Sequence[T], least: int, most: int) -> list[T]:
        most = min(most, len(among))
        return self.random.sample(among, self.random.randint(min(least, most), most))

    def number(self, least: int, most: int) -> int:
        return self.random.randint(least, most)

    def amount(self, most: float = 500) -> float:
        return round(self.random.random() * most, 2)

    def text(self, least: int = 3, most: int = 14) -> str:
        text = " ".join(self.random.choices(WORDS, k=self.random.randint(least, most)))
        return text[0].upper() + text[1:]

    def title(self) -> str:
        return " ".join(word.title() for word in self.random.choices(WORDS, k=2))

    def slug(self) -> str:
        """Words and hyphens; a number sometimes, as where a title was taken."""
        self.count += 1
        chosen = self.random.sample(WORDS, self.random.randint(2, 3))
        return "-".join([*chosen, *([str(self.count)] if self.count % 3 == 0 else [])])

    def slugs(self, count: int) -> list[str]:
        slugs: dict[str, None] = {}
        while len(slugs) < count:
            slugs[self.slug()] = None
        return list(slugs)

    def names(self) -> tuple[str, str]:
        return self.pick(FIRST), self.pick(LAST)

    def full_name(self) -> str:
        return " ".join(self.names())

    def email(self, name: str) -> str:
        self.count += 1
        local = ".".join(plain(part) for part in name.split()[:2])
        domain = self.pick(["example.com", "mail.example.org", "post.example.net"])
        return f"{local}{self.count}@{domain}"

    def handle(self, name: str) -> str:
        self.count += 1
        return plain(name)[:12] + self.pick(["_", "", "."]) + str(self.count)

    def phone(self) -> str:
        return "+" + "".join(self.random.choices(string.digits, k=11))

    def digits(self, length: int) -> str:
        return "".join(self.random.choices(string.digits, k=length))

    def hex(self, length: int) -> str:
        return "".join(self.random.choices("0123456789abcdef", k=length))

    def token(self, length: int = 40) -> str:
        return "".join(self.random.choices(string.ascii_letters + string.digits, k=length))

    def url(self, kind: str = "image") -> str:
        return f"https://cdn.example.com/{kind}/{self.hex(12)}.jpg"

    def point(self) -> dict[str, float]:
        return {"lat": self.amount(90), "lng": self.amount(180)}

    def push(self) -> dict[str, Any]:
        """A subscription of the web push protocol."""
        keys = {"p256dh": self.token(87), "auth": self.token(22)}
        endpoint = f"https://push.example.com/send/{self.token(60)}"
        return {"endpoint": endpoint, "expirationTime": None, "keys": keys}


DATE = re.compile(r"\d{4}-\d\d-\d\d")
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def resembling(value: str, values: Values) -> str:
    """Another value of the same format: other uuids, other numbers, other random parts."""
    if UUID.search(value):
        return UUID.sub(lambda _: values.uuid(), value)
    if "@" in value:
        return f"nobody{values.digits(5)}.{value}"

    def other(match: re.Match[str]) -> str:
        part = match.group()
        if part.isalpha() or DATE.fullmatch(part):
            return part
        if part.isdigit() and len(part) < 4:
            return values.digits(1).replace("0", "9") + values.digits(len(part) + 1)
        start = 2 if part.isdigit() else len(part) - len(part.lstrip(string.ascii_letters))
        is_word = part[start:].isdigit()  # as in apt12 and GOLD20
        rest = part[start:] if is_word else part
        return part[: len(part) - len(rest)] + "".join(map(like, rest))

    def like(letter: str) -> str:
        kind = string.digits if letter.isdigit() else string.ascii_lowercase
        return values.pick(kind.upper() if letter.isupper() else kind)

    for _ in range(9):
        changed = re.sub(r"\d{4}-\d\d-\d\d(?!\d)|[0-9A-Za-z]+", other, value)
        if changed != value:
            return changed
    return f"{value}-{plain(values.title())[:9]}"
