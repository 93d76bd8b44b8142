"""The people of a campus, their schools, connections, intros and chats.

A campus is made in blocks of whole schools, up to 60,000 users each, so memory does not grow with
the number of users. Within a block everything is known before its first row is written; connections
cross schools, but never blocks. Nothing here does I/O.

What is realistic on purpose: one large school and a long tail of small ones; connections drawn to
the popular, so that most people have a dozen and a few have a thousand; only half of the profiles
know when they were created; intros answered, open and refused; chats that begin with the system's
welcome, which has no `readBy`; caches and half-done quizzes that no blueprint claims.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from outgrow.errors import BadInput
from outgrow.sampledata import documents, names

VERSION = 1
"""Raised whenever the same specification gives another campus."""

DEMO_ID = "00000000-0000-4000-8000-00000000de30"
DEMO_EMAIL = "demo@outgrow.test"
DEMO_NAME = "Demo Student"
DEMO_SCHOOL = names.MAIN_SCHOOL

HIGHEST_RATE = 0.1  # of damage
NOW = 1_767_268_800_000  # 2026-01-01T12:00:00Z: a campus must not depend on when it is made
LARGEST = 50_000
_BLOCK = 60_000
_HISTORY = 900 * 24 * documents.HOUR  # how long ago the first user joined
_STEP = 1000  # users between two reports of progress

_WANTED = 27  # connections a user asks for: this times a random square, so 8.5 on average
_DEMO_WANTED = 26
_ABROAD = 0.04  # the part of connections that leave the school
_RECENT = 0.06  # the part of connections that still has its intro and its chat
_STARTED = 0.01  # the part that has a chat without an intro
_PENDING = 0.4  # intros per user
_DENIED = 0.2

Row = tuple[str, Any]
OnProgress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Spec:
    """Which campus. The same Spec and VERSION give the same bytes.

    `largest` is the size of the largest school (half of the users, at most 50,000, unless given);
    `damage` the rate explained in `outgrow.sampledata.damage`, 0 for none; `demo` makes the first
    user of the largest school the demo student; `now` is the campus's present, in ms since 1970.
    """

    users: int
    seed: int = 1
    damage: float = 0.0
    largest: int | None = None
    demo: bool = True
    now: int = NOW

    def __post_init__(self) -> None:
        if not 1 <= self.users <= 50_000_000:
            raise _bad(f"a campus has 1 to 50,000,000 users, not {self.users:,}")
        if self.largest is not None and not 1 <= self.largest <= self.users:
            raise _bad(f"the largest school has 1 to {self.users:,} users, not {self.largest:,}")
        if not 0 <= self.damage <= HIGHEST_RATE:
            raise _bad(f"the damage rate is 0 to {HIGHEST_RATE}, not {self.damage}")
        if self.now < _HISTORY:
            raise _bad(f"{self.now} is too early to be the present of a campus")
        self.schools()

    def schools(self) -> list[tuple[str, int]]:
        """Return every school and its size, largest first."""
        largest = self.largest or max(1, min(LARGEST, self.users // 2))
        sizes = [largest, *_long_tail(self.users - largest, largest, len(names.SCHOOLS) - 1)]
        return list(zip(names.SCHOOLS, sizes, strict=False))


def _bad(message: str) -> BadInput:
    return BadInput("bad_campus", message, hint="outgrow generate campus --help")


def _long_tail(users: int, cap: int, most: int) -> list[int]:
    """Return sizes of schools for so many users, falling as rank ** -0.7, none above `cap`."""
    count = min(most, max(-(-users // 20), -(-users // cap)))
    weights = [(rank + 1) ** -0.7 for rank in range(count)]
    left, sizes = users, []
    total = sum(weights)
    for weight in weights:
        size = min(cap, left, max(1, round(left * weight / total)))
        sizes.append(size)
        left -= size
        total -= weight
    if left > 0:
        raise _bad(f"{most} schools of at most {cap:,} users cannot hold {users:,}")
    return [size for size in sizes if size]


class Block:
    """Some schools, their users, and everything between them. Users are known by their index."""

    def __init__(
        self, spec: Spec, number: int, first_user: int, schools: list[tuple[str, int]]
    ) -> None:
        self.spec = spec
        self.number = number
        self.rng = Random(f"campus {VERSION} {spec.seed} {number}")  # noqa: S311
        self.first_user = first_user
        self.demo = 0 if spec.demo and number == 0 else None
        self.school = [name for name, size in schools for _ in range(size)]
        self.rng.shuffle(self.school)
        if self.demo is not None:
            position = self.school.index(DEMO_SCHOOL)
            self.school[0], self.school[position] = self.school[position], self.school[0]
        self.members: dict[str, list[int]] = {name: [] for name, _ in schools}
        for user, school in enumerate(self.school):
            self.members[school].append(user)
        # More and more joined as time went on; a school's list is in the order of joining.
        self.joined = sorted(
            spec.now - int(_HISTORY * self.rng.random() ** 1.5) for _ in self.school
        )
        self.ids = self._identities()
        self.neighbours: list[list[int]] = [[] for _ in self.ids]
        self._pairs: set[int] = set()  # smaller index * users + larger
        self.intros: list[tuple[int, int, int, str]] = []  # from, to, sent, status
        self.chats: list[tuple[int, int, int]] = []  # the two in the order of their ids, begun
        self._befriend()
        self._court()

    def __len__(self) -> int:
        return len(self.ids)

    def _identities(self) -> list[str]:
        rng = self.rng
        ids = [
            documents.uuid4(rng)
            if rng.random() < 0.92
            else documents.seeded_id(rng, self.first_user + user, joined)
            for user, joined in enumerate(self.joined)
        ]
        if self.demo is not None:
            ids[self.demo] = DEMO_ID
        return ids

    def _befriend(self) -> None:
        """Draw the connections, each once, and with some of them the intro and the chat they
        came from. Written out, because this runs nine times per user."""
        rnd = self.rng.random
        count = len(self.ids)
        neighbours, pairs = self.neighbours, self._pairs
        for members in self.members.values():
            size = len(members)
            ranked = self._by_popularity(members)
            for user in members:
                is_demo = user == self.demo
                for _ in range(_DEMO_WANTED if is_demo else int(_WANTED * rnd() ** 2)):
                    if rnd() < _ABROAD:
                        other = int(count * rnd())
                    else:
                        other = ranked[int(size * rnd() ** 2)]
                    pair = user * count + other if user < other else other * count + user
                    if user == other or pair in pairs:
                        continue
                    pairs.add(pair)
                    neighbours[user].append(other)
                    neighbours[other].append(user)
                    chance = rnd() / 4 if is_demo else rnd()
                    if chance < _RECENT + _STARTED:
                        self._meet(user, other, introduced=chance < _RECENT)

    def _by_popularity(self, members: list[int]) -> list[int]:
        """Rank members at random. The demo student asks for connections, and is popular with
        nobody."""
        ranked = [user for user in members if user != self.demo]
        self.rng.shuffle(ranked)
        return ranked if len(ranked) == len(members) else [*ranked, members[0]]

    def are_connected(self, user: int, other: int) -> bool:
        count = len(self.ids)
        return (user * count + other if user < other else other * count + user) in self._pairs

    def _meet(self, user: int, other: int, introduced: bool) -> None:
        since = max(self.joined[user], self.joined[other])
        met = since + int((self.spec.now - since) * self.rng.random())
        if introduced:
            self.intros.append((user, other, met, "accepted"))
        first, second = (user, other) if self.ids[user] < self.ids[other] else (other, user)
        self.chats.append((first, second, met))

    def _court(self) -> None:
        """Draw the intros that led to nothing, or not yet."""
        rnd = self.rng.random
        for user, school in enumerate(self.school):
            members = self.members[school]
            for chance, status in ((_PENDING, "pending"), (_DENIED, "denied")):
                if rnd() < chance and user != self.demo:
                    self._ask(user, members[int(len(members) * rnd())], status)
        if self.demo is not None:
            members = self.members[DEMO_SCHOOL]
            for number in range(6):
                other = members[int(len(members) * rnd())]
                if number < 2:
                    self._ask(self.demo, other, "pending")
                else:
                    self._ask(other, self.demo, "pending")

    def _ask(self, user: int, other: int, status: str) -> None:
        if user != other and not self.are_connected(user, other):
            since = max(self.joined[user], self.joined[other])
            sent = since + int((self.spec.now - since) * self.rng.random())
            self.intros.append((user, other, sent, status))

    def intro_key(self, user: int, other: int, sent: int) -> str:
        return f"intro:{self.ids[user]}:{self.ids[other]}:{sent}"

    def chat_id(self, first: int, second: int) -> str:
        return f"{self.ids[first]}:{self.ids[second]}"

    def rows(self, on_progress: OnProgress) -> Iterator[Row]:
        """Yield every key of the block and its value. `on_progress` gets numbers of users done."""
        incoming, outgoing, chats = self._lists()
        for user, user_id in enumerate(self.ids):
            yield from self._user(user)
            neighbours = self.neighbours[user]
            if neighbours or self.rng.random() < 0.1:
                yield f"user:{user_id}:connections", [self.ids[n] for n in neighbours]
            if user in chats:
                yield f"user:{user_id}:chats", chats[user]
            if user in incoming:
                yield f"user:{user_id}:soft-intros:incoming", incoming[user]
            if user in outgoing:
                yield f"user:{user_id}:soft-intros:outgoing", outgoing[user]
            if user % _STEP == _STEP - 1:
                on_progress(_STEP)
        yield from self._intro_rows()
        yield from self._chat_rows()
        for school, members in self.members.items():
            yield f"school:{school}:users", [self.ids[user] for user in members]
        on_progress(len(self) % _STEP)

    def _lists(self) -> tuple[dict[int, list[str]], dict[int, list[str]], dict[int, list[str]]]:
        """Return the lists derived from intros and chats."""
        incoming: dict[int, list[str]] = defaultdict(list)
        outgoing: dict[int, list[str]] = defaultdict(list)
        chats: dict[int, list[str]] = defaultdict(list)
        for sender, receiver, sent, _ in self.intros:
            key = self.intro_key(sender, receiver, sent)
            outgoing[sender].append(key)
            incoming[receiver].append(key)
        for first, second, _ in self.chats:
            chat_id = self.chat_id(first, second)
            chats[first].append(chat_id)
            chats[second].append(chat_id)
        return incoming, outgoing, chats

    def _user(self, user: int) -> Iterator[Row]:
        """Yield a profile, and what the prototype leaves next to one."""
        rng, user_id, school = self.rng, self.ids[user], self.school[user]
        joined, now = self.joined[user], self.spec.now
        name = documents.full_name(rng)
        address = documents.email(name, self.first_user + user, school)
        if user == self.demo:
            name, address = DEMO_NAME, DEMO_EMAIL
        document = documents.profile(
            rng, user_id=user_id, name=name, address=address, school=school, joined=joined, now=now
        )
        chance = rng.random()
        if user == self.demo:
            document["settings"] = {"profileVisible": True}
        elif chance < 0.02 and self.neighbours[user]:
            document["blockedUsers"] = [self.ids[int(len(self) * rng.random())]]
        yield f"user:{user_id}", document
        if chance < 0.02:
            yield f"quiz:{user_id}", documents.quiz(rng, user_id, name, joined)
        if chance > 0.9:
            other = self.ids[int(len(self) * rng.random())]
            yield f"compatibility:{user_id}:{other}", documents.compatibility(rng)
        if chance > 0.95:
            yield f"screening:{rng.getrandbits(64):016x}", documents.screening(rng)

    def _intro_rows(self) -> Iterator[Row]:
        for sender, receiver, sent, status in self.intros:
            key = self.intro_key(sender, receiver, sent)
            yield key, documents.intro(self.rng, key, status, self.spec.now)

    def _chat_rows(self) -> Iterator[Row]:
        rng, now = self.rng, self.spec.now
        for first, second, begun in self.chats:
            chat_id = self.chat_id(first, second)
            yield f"chat:{chat_id}", documents.chat(chat_id, begun)
            yield f"chat:{chat_id}:messages", documents.messages(rng, chat_id, begun, now)
            if rng.random() < 0.01:
                user_id = self.ids[first]
                yield f"chat:{chat_id}:typing:{user_id}", documents.typing(user_id, now - 2000)


def blocks(spec: Spec) -> Iterator[Block]:
    """Yield the campus in blocks of whole schools, one in memory at a time."""
    waiting: list[tuple[str, int]] = []
    size = first_user = number = 0
    for school in [*spec.schools(), None]:
        if waiting and (school is None or size + school[1] > _BLOCK):
            yield Block(spec, number, first_user, waiting)
            number, first_user = number + 1, first_user + size
            waiting, size = [], 0
        if school is not None:
            waiting.append(school)
            size += school[1]
