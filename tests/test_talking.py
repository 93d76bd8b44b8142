"""Chats as a state machine: what is sent, read and written by old clients, beside a small model."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from api import assert_problem, pages
from conftest import STEP
from machines import PHASES_OF_MACHINES, Machine, hold
from outgrow.db.embedded import EmbeddedServer
from test_chats import CREATED, chat_id, old, read, seen, send

PAIRS = [(0, 1), (0, 2), (1, 2)]
pairs = st.sampled_from(range(3))
sides = st.sampled_from([0, 1])
texts = st.sampled_from(["hello", "Zoë?", '"quoted"\n', "🌱 " * 40])
keys = st.sampled_from([None, "a", "b"])


@dataclass
class Message:
    sender: int
    text: str
    readers: set[int] = field(default_factory=set)


class Talking(Machine):
    """Three people, a chat between each two."""

    CLEAN = (
        "DELETE FROM kv_store_2516be19 WHERE key ~ '^chat:'; "
        "DELETE FROM network.read_marks; DELETE FROM network.sent_messages"
    )

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[list[Message]] = [[], [], []]
        self.marks: dict[tuple[int, int], int] = {}
        self.sent: dict[tuple[int, str], tuple[int, str, int]] = {}  # by sender and key
        self.turn = 0

    @initialize()
    def chats_of_the_prototype(self) -> None:
        for number in range(3):
            chat = self.chat(number)
            document = {"chatId": chat, "participants": chat.split(":"), "createdAt": CREATED}
            self.upsert(f"chat:{chat}", document)
        for index, person in enumerate(self.people):
            others = [other.id for n, other in enumerate(self.people) if n != index]
            self.upsert(f"user:{person.id}:connections", others)

    def chat(self, number: int) -> str:
        first, second = PAIRS[number]
        return chat_id(self.people[first], self.people[second])

    @rule(number=pairs, side=sides, text=texts, key=keys)
    def sends(self, number: int, side: int, text: str, key: str | None) -> None:
        sender = PAIRS[number][side]
        answer = self.wait(send(self.people[sender], self.chat(number), text, key))
        before = self.sent.get((sender, key)) if key else None
        if before is not None and before[:2] != (number, text):
            assert_problem(answer, 409, "key_used")
        elif before is not None:
            assert (answer.status_code, answer.json()["pos"]) == (200, before[2] * STEP)
        else:
            self.messages[number].append(Message(sender, text))
            position = len(self.messages[number])
            assert (answer.status_code, answer.json()["pos"]) == (201, position * STEP)
            if key is not None:
                self.sent[sender, key] = (number, text, position)

    @rule(number=pairs, side=sides, pos=st.integers(0, 12))
    def reads(self, number: int, side: int, pos: int) -> None:
        reader = PAIRS[number][side]
        self.wait(read(self.people[reader], self.chat(number), pos))
        reached = min(pos, len(self.messages[number]))
        self.marks[number, reader] = max(reached, self.marks.get((number, reader), 0))

    @rule(number=pairs, side=sides, text=texts)
    def an_old_client_sends(self, number: int, side: int, text: str) -> None:
        sender = PAIRS[number][side]
        position = len(self.messages[number])
        message = old(self.chat(number), self.people[sender].id, position % 60, content=text)
        self.upsert(f"chat:{self.chat(number)}:messages", [*self.stored(number), message])
        self.messages[number].append(Message(sender, text))

    @rule(number=pairs, side=sides)
    def an_old_client_reads_all(self, number: int, side: int) -> None:
        reader = PAIRS[number][side]
        id_ = self.people[reader].id
        messages = [m | {"readBy": [*m["readBy"], id_]} for m in self.stored(number)]
        self.upsert(f"chat:{self.chat(number)}:messages", messages)
        for message in self.messages[number]:
            message.readers.add(reader)

    @invariant()
    def an_old_client_sees_all(self) -> None:
        for number in range(3):
            assert [(m["senderId"], m["content"]) for m in self.stored(number)] == [
                (self.people[m.sender].id, m.text) for m in self.messages[number]
            ]

    @invariant()
    def everybody_sees_theirs(self) -> None:
        """In turn, after each step one of them: what is wrong stays wrong."""
        self.turn += 1
        number, side = self.turn % 3, self.turn // 3 % 2
        viewer = PAIRS[number][side]
        person, messages = self.people[viewer], self.messages[number]
        expected = [(position, m.text) for position, m in enumerate(messages, 1)]
        for direction in ("newer", "older"):
            path = f"/chats/{self.chat(number)}/messages"
            shown = self.wait(pages(person, path, limit=4, direction=direction))
            assert [(m["pos"] // STEP, m["content"]) for m in shown] == expected
            expected.reverse()
        chat = self.wait(seen(person, self.chat(number)))
        last = chat["last_message"]
        assert (last and last["content"]) == (messages[-1].text if messages else None)
        mark = self.marks.get((number, viewer), 0)
        unread = [m for m in messages[mark:] if m.sender != viewer and viewer not in m.readers]
        assert chat["unread"] == len(unread)
        listed = {c["id"]: c for c in self.wait(pages(person, "/chats", limit=1))}
        assert listed.keys() == {self.chat(n) for n in range(3) if viewer in PAIRS[n]}
        assert listed[self.chat(number)] == chat

    def stored(self, number: int) -> Any:
        key = f"chat:{self.chat(number)}:messages"
        sql = "SELECT value FROM kv_store_2516be19 WHERE key = $1"
        return json.loads(self.wait(self.client.fetchval(sql, key)) or "[]")


@PHASES_OF_MACHINES
@pytest.mark.parametrize("examples", [10, pytest.param(400, marks=pytest.mark.soak)])
def test_what_three_people_say(
    server: EmbeddedServer, phase_template: str, phase: str, examples: int
) -> None:
    hold(Talking, server, phase_template, phase, people=3, examples=examples, steps=30)
