"""Damage as the prototype leaves it, made on purpose and listed in a manifest.

The rate is the part of the users that each kind of damage concerns, before its share (the table
`_SHARES`); every kind occurs at least once where the campus is large enough for it. The manifest
says for each kind exactly what is damaged, so that a search for damage can be measured against it.
Users are damaged in one way each, and the demo student in none.

==========================  =====================================================================
kind                        an entry of the manifest, and what it says of the store
==========================  =====================================================================
stale_school_member         [list key, user]: the list names a user whose profile names another
                            school, or none that is text
missing_school_member       [list key, user]: the list lacks a user whose profile names the school
one_sided_connection        [user, other]: in the user's list, whose own list lacks the user
dangling_connection         [list key, id]: in the list, but there is no such user
dangling_school_member      [list key, id]: the same of a school's list
dangling_chat               [chat key, id]: a participant without a profile
gone_chat                   [list key, chat id]: a user's list names a chat that is not there
dangling_intro              [intro key, id]: its sender has no profile
unlisted_intro              [list key, intro key]: the receiver's list lacks an intro
gone_intro                  [list key, intro key]: a list names an intro that is not there
doubled_element             [list key, element]: twice in a list of ids
wrong_element               [list key, element as JSON]: no string, in a list of ids
not_an_array                [list key, JSON type]: no array where a list belongs; a string may
                            hold JSON. Such a list is not counted as lacking anything
doubled_email               [e-mail in lower case, user, user]: equal but perhaps for its case
id_disagrees                [profile key, id]: the field `id` is not the key's
id_missing                  [profile key]: there is no field `id`
wrong_type                  [profile key, field, JSON type]
long_text                   [profile key, field, length]: a name or school of more than 200
                            characters, or a bio of more than 10,000
chat_variant_b              [chat key]: `userId1`, `userId2` and the messages in the document,
                            no `participants`
doubled_message_id          [messages key, message id]: two messages of one millisecond
stuck_typing                [typing key]: older than a minute, because nothing ends it
duplicate_index             [index]: on the key again; 19 of them, whatever the rate
==========================  =====================================================================
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from outgrow.sampledata import documents, names
from outgrow.sampledata.population import VERSION, Block, Row

_SHARES = {
    "not_an_array": 0.25,  # first: it decides what the lists of others hold
    "stale_school_member": 1.0,
    "missing_school_member": 0.5,
    "one_sided_connection": 1.0,
    "dangling_connection": 0.5,
    "dangling_school_member": 0.25,
    "dangling_chat": 0.1,
    "gone_chat": 0.1,
    "dangling_intro": 0.25,
    "unlisted_intro": 0.25,
    "gone_intro": 0.25,
    "doubled_element": 0.5,
    "wrong_element": 0.25,
    "doubled_email": 0.25,
    "id_disagrees": 0.1,
    "id_missing": 0.1,
    "wrong_type": 0.5,
    "long_text": 0.1,
    "chat_variant_b": 0.1,
    "doubled_message_id": 0.25,
    "stuck_typing": 0.1,
}
KINDS = (*_SHARES, "duplicate_index")
_DUPLICATE_INDEXES = 19
_LISTS = ("connections", "chats", "soft-intros:incoming", "soft-intros:outgoing")

Change = Callable[[Any], Any]
"""From the value of a key, None where there is no such key, to its damaged value."""


def _append(element: Any) -> Change:
    return lambda value: [*(value or []), element]


def _remove(element: str) -> Change:
    return lambda value: [e for e in value if e != element] if isinstance(value, list) else value


def _become(value: Any) -> Change:
    return lambda _: value


def _set(field: str, value: Any) -> Change:
    return lambda document: {**document, field: value}


def duplicate_indexes(store: str) -> list[str]:
    """Return the names that PostgreSQL gives to more and more indexes on the key."""
    table = store.rpartition(".")[2][:50]
    return [f"{table}_key_idx{number or ''}" for number in range(_DUPLICATE_INDEXES)]


class Damage:
    """The damage of one campus: changes to rows on their way to the store, and the manifest."""

    def __init__(self, rate: float, seed: int, store: str) -> None:
        self.rate = rate
        self.seed = seed
        self.store = store
        self.more_schools: list[str] = []
        # Encoded, because a million users have a hundred thousand entries.
        self._entries: dict[str, list[bytes]] = {kind: [] for kind in KINDS}

    def of_block(self, block: Block, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows of a block, damaged."""
        changes = _BlockDamage(self, block).changes
        for key, value in rows:
            for change in changes.pop(key, ()):
                value = change(value)
            yield key, value
        for key, more in changes.items():
            value = None
            for change in more:
                value = change(value)
            yield key, value

    def record(self, kind: str, *entry: str | int) -> None:
        self._entries[kind].append(msgspec.json.encode(entry))

    def entries(self, kind: str) -> list[list[Any]]:
        return [msgspec.json.decode(entry) for entry in self._entries[kind]]

    def counts(self) -> dict[str, int]:
        return {kind: len(entries) for kind, entries in self._entries.items()}

    def record_indexes(self) -> list[str]:
        indexes = duplicate_indexes(self.store)
        for name in indexes:
            self.record("duplicate_index", name)
        return indexes

    def write(self, path: Path, *, users: int) -> None:
        """Write the manifest: one JSON document, one line per entry."""
        about = {"users": users, "seed": self.seed, "rate": self.rate, "store": self.store}
        with path.open("wb") as file:
            file.write(b'{"generator":%d,"campus":%b,\n' % (VERSION, msgspec.json.encode(about)))
            file.write(b'"counts":%b,\n"damage":{' % msgspec.json.encode(self.counts()))
            for number, (kind, entries) in enumerate(self._entries.items()):
                file.write(b'%b\n"%b":[' % (b"," if number else b"", kind.encode()))
                file.write(b",".join(b"\n" + entry for entry in entries))
                file.write(b"]")
            file.write(b"\n}}\n")


class _BlockDamage:
    """The damage of one block: for each key what happens to its value, in order."""

    def __init__(self, damage: Damage, block: Block) -> None:
        self.damage = damage
        self.block = block
        self.rng = Random(f"damage {VERSION} {damage.seed} {block.number}")  # noqa: S311
        self.changes: dict[str, list[Change]] = defaultdict(list)
        self._chats = {(first, second) for first, second, _ in block.chats}
        # Owners whose connections are no list any more, and (owner, other) that left a list.
        self._broken: set[int] = set()
        self._removed: set[tuple[int, int]] = set()
        self._broken_school = self._smallest_school()
        spared = {block.demo, *block.members.get(self._broken_school, ())}
        self._victims = [user for user in range(len(block)) if user not in spared]
        self.rng.shuffle(self._victims)
        for kind, share in _SHARES.items():
            count = round(damage.rate * share * len(block))
            getattr(self, f"_{kind}")(count or (1 if block.number == 0 else 0))

    def _smallest_school(self) -> str:
        """Return the school whose list is broken; "" in a block that has too few to lose one."""
        members = self.block.members
        return min(members, key=lambda s: (len(members[s]), s)) if len(members) > 2 else ""

    # What the kinds are made of

    def _pick(self, count: int, fit: Callable[[int], Any] | None = None) -> list[int]:
        """Pick so many users (or as many as are left) without any damage yet."""
        picked: list[int] = []
        unfit: list[int] = []
        while self._victims and len(picked) < count:
            user = self._victims.pop()
            (picked if fit is None or fit(user) else unfit).append(user)
        self._victims += unfit
        return picked

    def _pick_pairs(self, count: int) -> list[tuple[int, int]]:
        """Pick pairs in the order in which their profiles are written."""
        users = self._pick(2 * count)
        pairs = zip(users[::2], users[1::2], strict=False)
        return [(min(pair), max(pair)) for pair in pairs]

    def _ghost(self) -> str:
        """Return the id of a user who does not exist."""
        return documents.uuid4(self.rng)

    def _moment(self) -> int:
        return self.block.spec.now - int(60 * 24 * documents.HOUR * self.rng.random())

    def _change(self, key: str, *changes: Change) -> None:
        self.changes[key] += changes

    def _damage(self, kind: str, key: str, change: Change, *rest: str | int) -> None:
        """Change a key's value; its name begins the entry."""
        self._change(key, change)
        self.damage.record(kind, key, *rest)

    def _list(self, user: int, name: str = "connections") -> str:
        return f"user:{self.block.ids[user]}:{name}"

    def _profile(self, user: int) -> str:
        return f"user:{self.block.ids[user]}"

    def _school_list(self, user: int) -> str:
        return f"school:{self.block.school[user]}:users"

    def _pending(self, key: str) -> Change:
        return _become(documents.intro(self.rng, key, "pending", self.block.spec.now))

    # The kinds

    def _not_an_array(self, count: int) -> None:
        """Break lists. Connections are taken out on the other side too: what a broken list lacks is
        no damage of its own."""
        ids = self.block.ids
        for number, user in enumerate(self._pick(count)):
            name = _LISTS[number % len(_LISTS)]
            if name == "connections":
                self._broken.add(user)
                for other in self.block.neighbours[user]:
                    self._removed.add((other, user))
                    self._change(self._list(other), _remove(ids[user]))
            self._break_list(self._list(user, name), ids[user], number)
        if self._broken_school:
            member = self.block.members[self._broken_school][0]
            self._break_list(self._school_list(member), ids[member], 3)

    def _break_list(self, key: str, user_id: str, number: int) -> None:
        values = ({"0": user_id}, user_id, None, json.dumps([user_id]), number)
        types = ("object", "string", "null", "string", "number")
        choice = number % len(values)
        self._damage("not_an_array", key, _become(values[choice]), types[choice])

    def _stale_school_member(self, count: int) -> None:
        known = [s for s in self.block.members if s != self._broken_school]
        for user in self._pick(count):
            school = self.block.school[user]
            former = self.rng.choice([s for s in known if s != school] or [f"{school} (2019)"])
            if former not in known and former not in self.damage.more_schools:
                self.damage.more_schools.append(former)
            user_id = self.block.ids[user]
            key = f"school:{former}:users"
            self._damage("stale_school_member", key, _append(user_id), user_id)

    def _missing_school_member(self, count: int) -> None:
        for user in self._pick(count):
            user_id = self.block.ids[user]
            key = self._school_list(user)
            self._damage("missing_school_member", key, _remove(user_id), user_id)

    def _one_sided_connection(self, count: int) -> None:
        ids = self.block.ids
        for user in self._pick(count, self._whole_connections):
            # Taken one after the other, each may have lost what it had when it was chosen.
            for other in self._whole_connections(user)[:1]:
                self._removed.add((other, user))
                self._change(self._list(other), _remove(ids[user]))
                self.damage.record("one_sided_connection", ids[user], ids[other])

    def _whole_connections(self, user: int) -> list[int]:
        """Return the users whose connection with a user is still in both lists, without the demo
        student."""
        return [
            other
            for other in self.block.neighbours[user]
            if other != self.block.demo
            and other not in self._broken
            and (user, other) not in self._removed
            and (other, user) not in self._removed
        ]

    def _dangling_connection(self, count: int) -> None:
        for user in self._pick(count):
            ghost = self._ghost()
            self._damage("dangling_connection", self._list(user), _append(ghost), ghost)

    def _dangling_school_member(self, count: int) -> None:
        for user in self._pick(count):
            ghost = self._ghost()
            self._damage("dangling_school_member", self._school_list(user), _append(ghost), ghost)

    def _dangling_chat(self, count: int) -> None:
        for user in self._pick(count):
            ghost, begun = self._ghost(), self._moment()
            first, second = sorted((self.block.ids[user], ghost))
            chat_id = f"{first}:{second}"
            talk = documents.messages(self.rng, chat_id, begun, self.block.spec.now)
            document = documents.chat(chat_id, begun)
            self._damage("dangling_chat", f"chat:{chat_id}", _become(document), ghost)
            self._change(f"chat:{chat_id}:messages", _become(talk))
            self._change(f"user:{first}:chats", _append(chat_id))
            self._change(f"user:{second}:chats", _append(chat_id))

    def _gone_chat(self, count: int) -> None:
        for pair in self._unacquainted(count):
            chat_id = ":".join(sorted(self.block.ids[user] for user in pair))
            self._damage("gone_chat", self._list(pair[0], "chats"), _append(chat_id), chat_id)

    def _unacquainted(self, count: int) -> list[tuple[int, int]]:
        """Pick pairs without a chat."""
        return [
            (first, second)
            for first, second in self._pick_pairs(count)
            if (first, second) not in self._chats and (second, first) not in self._chats
        ]

    def _dangling_intro(self, count: int) -> None:
        for user in self._pick(count):
            ghost, sent = self._ghost(), self._moment()
            user_id = self.block.ids[user]
            key = f"intro:{ghost}:{user_id}:{sent}"
            self._damage("dangling_intro", key, self._pending(key), ghost)
            self._change(self._list(user, "soft-intros:incoming"), _append(key))
            self._change(f"user:{ghost}:soft-intros:outgoing", _append(key))

    def _unlisted_intro(self, count: int) -> None:
        for sender, receiver in self._pick_pairs(count):
            key = self.block.intro_key(sender, receiver, self._moment())
            self._change(key, self._pending(key))
            self._change(self._list(sender, "soft-intros:outgoing"), _append(key))
            self.damage.record("unlisted_intro", self._list(receiver, "soft-intros:incoming"), key)

    def _gone_intro(self, count: int) -> None:
        for sender, receiver in self._pick_pairs(count):
            key = self.block.intro_key(sender, receiver, self._moment())
            self._damage(
                "gone_intro", self._list(receiver, "soft-intros:incoming"), _append(key), key
            )

    def _doubled_element(self, count: int) -> None:
        ids = self.block.ids
        for number, user in enumerate(self._pick(count, self._whole_connections)):
            if number % 3:
                element = ids[self._whole_connections(user)[0]]
                self._damage("doubled_element", self._list(user), _append(element), element)
            else:
                key = self._school_list(user)
                self._damage("doubled_element", key, _append(ids[user]), ids[user])

    def _wrong_element(self, count: int) -> None:
        for number, user in enumerate(self._pick(count)):
            element = (number, None, {"id": self._ghost()})[number % 3]
            key = self._list(user, _LISTS[number % len(_LISTS)])
            self._damage("wrong_element", key, _append(element), json.dumps(element))

    def _doubled_email(self, count: int) -> None:
        for number, (user, other) in enumerate(self._pick_pairs(count)):
            first, second = self._same_email(
                self.block.ids[user], self.block.ids[other], number % 2
            )
            self._change(self._profile(user), first)
            self._change(self._profile(other), second)

    def _same_email(self, user: str, other: str, shout: int) -> tuple[Change, Change]:
        """Return two changes: the first learns an e-mail as it is written, the second repeats
        it."""
        seen: list[str] = []

        def first(document: Any) -> Any:
            seen.append(document["email"])
            return document

        def second(document: Any) -> Any:
            self.damage.record("doubled_email", seen[0], user, other)
            return {**document, "email": seen[0].title() if shout else seen[0]}

        return first, second

    def _id_disagrees(self, count: int) -> None:
        for user in self._pick(count):
            ghost = self._ghost()
            self._damage("id_disagrees", self._profile(user), _set("id", ghost), ghost)

    def _id_missing(self, count: int) -> None:
        for user in self._pick(count):
            self._damage(
                "id_missing",
                self._profile(user),
                lambda document: {field: v for field, v in document.items() if field != "id"},
            )

    def _wrong_type(self, count: int) -> None:
        wrong = (
            ("year", 2, "number"),
            ("school", {"name": "Northmarch"}, "object"),
            ("name", None, "null"),
            ("interests", "music, gaming", "string"),
            ("age", "twenty", "string"),
            ("major", ["Biology", "Art"], "array"),
            ("lookingFor", {"friends": True}, "object"),
            ("createdAt", self.block.spec.now, "number"),
            ("settings", "default", "string"),
            ("email", False, "boolean"),
            ("bio", 42, "number"),
        )
        for (field, value, kind), user in zip(cycle(wrong), self._pick(count), strict=False):
            self._damage("wrong_type", self._profile(user), _set(field, value), field, kind)
            if field == "school":
                key = self._school_list(user)
                self.damage.record("stale_school_member", key, self.block.ids[user])

    def _long_text(self, count: int) -> None:
        for number, user in enumerate(self._pick(count)):
            field = ("name", "bio", "school")[number % 3]
            text = {
                "name": "Maximiliana " * 21,
                "bio": f"{names.BIO_TAILS[0]} " * 320,
                "school": f"{self.block.school[user]}, {'formerly of somewhere else, ' * 8}",
            }[field]
            self._damage("long_text", self._profile(user), _set(field, text), field, len(text))
            if field == "school":
                self._move(user, text)

    def _move(self, user: int, school: str) -> None:
        """Move to a school that nobody else knows; both lists agree, and `schools:all`."""
        user_id = self.block.ids[user]
        self._change(self._school_list(user), _remove(user_id))
        self._change(f"school:{school}:users", _append(user_id))
        if school not in self.damage.more_schools:
            self.damage.more_schools.append(school)

    def _chat_variant_b(self, count: int) -> None:
        for pair in self._unacquainted(count):
            first, second = sorted(self.block.ids[user] for user in pair)
            key, begun = f"chat:{first}:{second}", self._moment()
            shared = {
                "id": f"{key}:{begun}",
                "senderId": first,
                "content": "shared a post",
                "timestamp": documents.iso(begun),
                "type": "shared-post",
                "metadata": {"type": "post", "postId": "17", "isAnonymous": False},
            }
            document = {
                "chatId": key,
                "userId1": first,
                "userId2": second,
                "messages": [shared],
                "createdAt": documents.iso(begun),
            }
            self._damage("chat_variant_b", key, _become(document))

    def _doubled_message_id(self, count: int) -> None:
        for first, second, _ in self._some_chats(count):
            key = f"chat:{self.block.chat_id(first, second)}:messages"
            self._change(key, self._same_millisecond(key, self.block.ids[second]))

    def _same_millisecond(self, key: str, sender: str) -> Change:
        def change(talk: Any) -> Any:
            last = talk[-1]
            self.damage.record("doubled_message_id", key, last["id"])
            answer: dict[str, Any] = {
                "content": "same!",
                "senderId": sender,
                "readBy": [],
                "readAt": None,
            }
            return [*talk, {"id": last["id"], "timestamp": last["timestamp"], **answer}]

        return change

    def _stuck_typing(self, count: int) -> None:
        for first, second, _ in self._some_chats(count):
            user_id = self.block.ids[first]
            moment = self._moment() - documents.HOUR
            key = f"chat:{self.block.chat_id(first, second)}:typing:{user_id}"
            self._damage("stuck_typing", key, _become(documents.typing(user_id, moment)))

    def _some_chats(self, count: int) -> list[tuple[int, int, int]]:
        chats = [chat for chat in self.block.chats if self.block.demo not in chat[:2]]
        return self.rng.sample(chats, min(count, len(chats)))
