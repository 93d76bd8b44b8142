"""Intros and connections under concurrency, and as a state machine against a small model."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from api import Api, assert_problem, pages
from conftest import Connect
from machines import PHASES_OF_MACHINES, Machine, hold
from outgrow.campus.people import connections, intros
from outgrow.db.embedded import EmbeddedServer
from outgrow.db.pool import Database
from test_concurrency import UNLOCKED, locked_or_not, wait_for_lock
from test_concurrency import run as run_sql
from test_connections import put
from test_intros import ago, do, old_intro, send, sent, stored, two


async def unlock(campus: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out what holds two changes between the same two people apart."""

    async def nothing(*_: Any) -> None:
        pass

    await run_sql(campus, UNLOCKED)
    for module in (intros, connections):
        monkeypatch.setattr(module, "lock_pair", nothing)


def codes(answers: Iterable[httpx.Response]) -> list[tuple[int, str]]:
    return sorted((a.status_code, a.json().get("code", "") if a.content else "") for a in answers)


@locked_or_not
async def test_two_who_ask_each_other_at_once(
    api: Api, campus: Database, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    """Each looks before the other has written; without the lock both find nothing pending."""
    ada, ben = await two(api)
    both = asyncio.Barrier(2)
    may_meet = intros._may_meet

    async def looked(*arguments: Any) -> None:
        await may_meet(*arguments)
        with contextlib.suppress(TimeoutError, asyncio.BrokenBarrierError):
            await asyncio.wait_for(both.wait(), 0.5 if locked else 20)

    monkeypatch.setattr(intros, "_may_meet", looked)
    if not locked:
        await unlock(campus, monkeypatch)
    answers = await asyncio.gather(send(ada, ben.id), send(ben, ada.id))
    if locked:
        assert codes(answers) == [(201, ""), (409, "intro_pending")]
    else:
        assert codes(answers) == [(201, "")] * 2, "two are pending"


@locked_or_not
async def test_accepting_while_the_connection_is_removed(
    api: Api, campus: Database, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    """Only one side has it; without the lock accepting adds the other side while it is removed."""
    ada, ben = await two(api)
    intro_id = await sent(ada, ben)
    await put(campus, {f"user:{ada.id}:connections": [ben.id], f"user:{ben.id}:connections": []})
    connected, removed = asyncio.Event(), asyncio.Event()
    open_chat = intros.open_chat

    async def opened(*arguments: Any) -> None:
        connected.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(removed.wait(), 0.5 if locked else 20)
        await open_chat(*arguments)

    async def remove() -> httpx.Response:
        await connected.wait()
        answer = await ada.call("DELETE", f"/connections/{ben.id}")
        removed.set()
        return answer

    monkeypatch.setattr(intros, "open_chat", opened)
    if not locked:
        await unlock(campus, monkeypatch)
    accepted, answer = await asyncio.gather(do(ben, "accept", intro_id), remove())
    assert (accepted.status_code, answer.status_code) == (200, 204)
    after = await stored(campus)
    lists = [after[f"user:{person.id}:connections"] for person in (ada, ben)]
    assert lists == ([[], []] if locked else [[], [ada.id]])


async def test_two_answers_have_one_outcome(phased_api: Api, phased: Database) -> None:
    ada, ben = await two(phased_api)
    for turn in range(4):
        intro_id = await sent(ada, ben)
        ways = [(ben, "accept"), (ben, "decline"), (ada, "withdraw"), (ben, "accept")]
        answers = await asyncio.gather(*(do(person, what, intro_id) for person, what in ways))
        assert codes(answers) == [(200, "")] + [(409, "intro_answered")] * 3
        (won,) = [a.json() for a in answers if a.status_code == 200]
        outcome = won.get("intro", won)["status"]
        for answer in answers:
            if answer.status_code == 409:
                assert answer.json()["detail"] == f"it is {outcome}"
        after = await stored(phased)
        chat_id = ":".join(sorted((ada.id, ben.id)))
        accepted = outcome == "accepted"
        for person, other in ((ada, ben), (ben, ada)):
            assert after.get(f"user:{person.id}:connections", []) == [other.id] * accepted
        assert (f"chat:{chat_id}" in after) or not accepted
        if accepted:
            assert (await ada.call("DELETE", f"/connections/{ben.id}")).status_code == 204
        assert len(after[f"user:{ben.id}:soft-intros:incoming"]) == turn + 1


@pytest.mark.parametrize("word", ["accepted", "denied", None])
async def test_an_old_client_is_quicker(
    api: Api, campus: Database, campus_url: str, connect: Connect, word: str | None
) -> None:
    """It has answered, or deleted the intro, and commits while we wait for the document's lock."""
    ada, ben = await two(api)
    intro_id = await sent(ada, ben)
    client, watcher = await connect(campus_url), await connect(campus_url)
    async with client.transaction():
        key = f"intro:{intro_id}"
        if word is None:
            await client.execute("DELETE FROM kv_store_2516be19 WHERE key = $1", key)
        else:
            sql = "UPDATE kv_store_2516be19 SET value = value || $2 WHERE key = $1"
            await client.execute(sql, key, json.dumps({"status": word}))
        late = asyncio.create_task(do(ben, "accept", intro_id))
        await wait_for_lock(watcher)
    if word is None:
        assert_problem(await late, 404, "intro_not_found")
    else:
        assert_problem(await late, 409, "intro_answered")
        assert (await late).json()["detail"] == f"it is {word.replace('denied', 'declined')}"
    assert "chat:" not in "".join(await stored(campus)), "nothing else was written"


async def test_both_accept_what_the_other_sent(phased_api: Api, phased: Database) -> None:
    """As the prototype let them: one accepts, the other is told that theirs is closed."""
    ada, ben = await two(phased_api)
    ids = [f"{ada.id}:{ben.id}:1", f"{ben.id}:{ada.id}:2"]
    await put(phased, {f"intro:{id_}": old_intro(ada, ben, ago(1)) for id_ in ids})
    answers = await asyncio.gather(do(ben, "accept", ids[0]), do(ada, "accept", ids[1]))
    assert codes(answers) == [(200, ""), (409, "intro_answered")]
    after = await stored(phased)
    assert sorted(after[f"intro:{id_}"]["status"] for id_ in ids) == ["accepted", "denied"]
    for person, other in ((ada, ben), (ben, ada)):
        assert after[f"user:{person.id}:connections"] == [other.id]
        assert after[f"user:{person.id}:chats"] == [":".join(sorted((ada.id, ben.id)))]


async def test_everybody_at_once(phased_api: Api, phased: Database) -> None:
    """Five people, all pairs of whom have sent each other intros, accept and remove as they like:
    no answer is an error of ours, and in the end every connection has two sides."""
    people = [await phased_api.sign_up(f"Person {number}") for number in range(5)]
    pairs = [(a, b) for a in people for b in people if a is not b]
    values = {f"intro:{a.id}:{b.id}:1": old_intro(a, b, ago(1)) for a, b in pairs}
    await put(phased, values)
    work: list[Any] = [do(b, "accept", f"{a.id}:{b.id}:1") for a, b in pairs]
    work += [a.call("DELETE", f"/connections/{b.id}") for a, b in pairs[::3]]
    answers: list[httpx.Response] = await asyncio.gather(*work)
    accepted = [a for a in answers[: len(pairs)] if a.status_code == 200]
    assert len(accepted) == len(pairs) / 2
    assert {a.status_code for a in answers} <= {200, 204, 404, 409}
    after = await stored(phased)
    lists = {p.id: after.get(f"user:{p.id}:connections", []) for p in people}
    for id_, others in lists.items():
        assert len(others) == len(set(others))
        assert all(id_ in lists[other] for other in others)
    assert sum(key.startswith("chat:") for key in after) == len(accepted)


# A state machine --------------------------------------------------------------------------------


@dataclass
class Pair:
    """One intro of the model."""

    sender: int
    to: int
    status: str
    old: bool = False

    @property
    def now(self) -> str:
        return "expired" if self.old and self.status == "pending" else self.status


@dataclass
class Model:
    """What is between four people, and the lists of old clients."""

    intros: dict[str, Pair] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    chats: set[str] = field(default_factory=set)

    def between(self, person: int, other: int) -> list[Pair]:
        return [p for p in self.intros.values() if {p.sender, p.to} == {person, other}]

    def append(self, key: str, element: str) -> None:
        kept = self.lists.setdefault(key, [])
        if element not in kept:
            kept.append(element)


four = st.sampled_from([0, 0, 0, 0, 1, 1, 1, 1, 2, 3])  # most is between two of them
pairs = st.tuples(four, four).filter(lambda pair: pair[0] != pair[1])


class Meeting(Machine):
    CLEAN = (
        "DELETE FROM kv_store_2516be19 WHERE key !~ '^(school.*|user:[^:]+)$'; "
        "DELETE FROM network.closed_intros"
    )
    turn = 0

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    def key(self, person: int, what: str) -> str:
        return f"user:{self.people[person].id}:{what}"

    def connected(self, person: int, other: int) -> bool:
        return self.people[other].id in self.model.lists.get(self.key(person, "connections"), [])

    def connect(self, a: int, b: int) -> None:
        for person, friend in ((a, b), (b, a)):
            self.model.append(self.key(person, "connections"), self.people[friend].id)
        chat_id = ":".join(sorted(self.people[p].id for p in (a, b)))
        if chat_id not in self.model.chats:
            self.model.chats.add(chat_id)
            for person in (a, b):
                self.model.append(self.key(person, "chats"), chat_id)

    # What people do -----------------------------------------------------------------------------

    @rule(pair=pairs)
    def send(self, pair: tuple[int, int]) -> None:
        sender, to = pair
        answer = self.wait(send(self.people[sender], self.people[to].id))
        pending = [p for p in self.model.between(*pair) if p.now == "pending"]
        if self.connected(*pair) and self.connected(*pair[::-1]):
            assert_problem(answer, 409, "already_connected")
        elif pending:
            assert_problem(answer, 409, "intro_pending")
        else:
            assert answer.status_code == 201, answer.text
            intro_id = answer.json()["id"]
            self.model.intros[intro_id] = Pair(sender, to, "pending")
            self.model.append(self.key(to, "soft-intros:incoming"), f"intro:{intro_id}")
            self.model.append(self.key(sender, "soft-intros:outgoing"), f"intro:{intro_id}")

    @precondition(lambda self: self.model.intros)
    @rule(
        data=st.data(),
        what=st.sampled_from(["accept", "accept", "decline", "withdraw"]),
        other=st.sampled_from([None, None, None, 0, 1, 2, 3]),
    )
    def answer(self, data: st.DataObject, what: str, other: int | None) -> None:
        """By whom it concerns, or by an `other`."""
        pending = [id_ for id_, p in self.model.intros.items() if p.now == "pending"]
        intro_id = data.draw(st.sampled_from(pending)) if pending else self.choose(data)
        if data.draw(st.integers(0, 3)) == 0:
            intro_id = self.choose(data)
        pair = self.model.intros[intro_id]
        by = pair.sender if what == "withdraw" else pair.to
        by = by if other is None else other
        answer = self.wait(do(self.people[by], what, intro_id))
        if by != (pair.sender if what == "withdraw" else pair.to):
            assert_problem(answer, 404, "intro_not_found")
        elif pair.now == "expired":
            assert_problem(answer, 409, "intro_expired")
        elif pair.now != "pending":
            assert_problem(answer, 409, "intro_answered")
        else:
            assert answer.status_code == 200, answer.text
            self.answered(pair, what)

    def answered(self, pair: Pair, what: str) -> None:
        pair.status = {"accept": "accepted", "decline": "declined", "withdraw": "withdrawn"}[what]
        if what == "accept":
            for other in self.model.between(pair.sender, pair.to):
                if other.now == "pending":
                    other.status = "withdrawn"
            self.connect(pair.sender, pair.to)

    @rule(pair=pairs)
    def remove(self, pair: tuple[int, int]) -> None:
        sender, receiver = pair
        was_connected = self.connected(sender, receiver) or self.connected(receiver, sender)
        answer = self.wait(
            self.people[sender].call("DELETE", f"/connections/{self.people[receiver].id}")
        )
        assert answer.status_code == (204 if was_connected else 404)
        for person, friend in (pair, pair[::-1]):
            kept = self.model.lists.get(self.key(person, "connections"), [])
            kept[:] = [id_ for id_ in kept if id_ != self.people[friend].id]

    # What old clients write ---------------------------------------------------------------------

    @precondition(lambda self: self.model.intros)
    @rule(data=st.data(), days=st.sampled_from([1, 31, 40]))
    def the_time_is_another(self, data: st.DataObject, days: int) -> None:
        intro_id = self.choose(data)
        self.patch(intro_id, createdAt=ago(days))
        self.model.intros[intro_id].old = days > 30

    @precondition(lambda self: self.model.intros)
    @rule(data=st.data())
    def an_old_client_accepts(self, data: st.DataObject) -> None:
        """Whatever the intro is, and nothing else is closed."""
        intro_id = self.choose(data)
        pair = self.model.intros[intro_id]
        self.patch(intro_id, status="accepted", acceptedAt=ago(0))
        pair.status = "accepted"
        self.connect(pair.sender, pair.to)
        chat_id = ":".join(sorted(self.people[p].id for p in (pair.sender, pair.to)))
        for person in (pair.sender, pair.to):
            for what in ("connections", "chats"):
                key = self.key(person, what)
                self.upsert(key, self.model.lists[key])
        document = {"chatId": chat_id, "participants": sorted(chat_id.split(":"))}
        self.upsert(f"chat:{chat_id}", document | {"createdAt": ago(0)})

    @rule(pair=pairs, doubled=st.booleans())
    def an_old_client_connects_one_side(self, pair: tuple[int, int], doubled: bool) -> None:
        """And then fails before the other; or twice at once."""
        key = self.key(pair[0], "connections")
        kept = self.model.lists.setdefault(key, [])
        kept += [self.people[pair[1]].id] * (1 + doubled)
        self.upsert(key, kept)

    @rule(pair=pairs)
    def an_old_client_sends(self, pair: tuple[int, int]) -> None:
        """Beside another that is pending, too."""
        sender, to = pair
        intro_id = f"{self.people[sender].id}:{self.people[to].id}:{len(self.model.intros)}"
        document = old_intro(self.people[sender], self.people[to], ago(1))
        self.upsert(f"intro:{intro_id}", document)
        self.model.intros[intro_id] = Pair(sender, to, "pending")
        for person, what in ((to, "incoming"), (sender, "outgoing")):
            key = self.key(person, f"soft-intros:{what}")
            self.model.append(key, f"intro:{intro_id}")
            self.upsert(key, self.model.lists[key])

    def choose(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(list(self.model.intros)))

    def patch(self, intro_id: str, **fields: Any) -> None:
        sql = "UPDATE kv_store_2516be19 SET value = value || $2 WHERE key = $1"
        self.wait(self.client.execute(sql, f"intro:{intro_id}", json.dumps(fields)))

    # What must hold -----------------------------------------------------------------------------

    @invariant()
    def an_old_client_reads_it(self) -> None:
        rows = self.wait(self.client.fetch("SELECT key, value FROM kv_store_2516be19"))
        values = {row["key"]: json.loads(row["value"]) for row in rows}
        lists = {key: v for key, v in values.items() if key.startswith("user:") and type(v) is list}
        assert {k: v for k, v in lists.items() if v} == {
            k: v for k, v in self.model.lists.items() if v
        }
        old_status = {"declined": "denied", "withdrawn": "denied"}
        assert {
            key.removeprefix("intro:"): value["status"]
            for key, value in values.items()
            if key.startswith("intro:")
        } == {id_: old_status.get(p.status, p.status) for id_, p in self.model.intros.items()}
        chats = {
            key.removeprefix("chat:"): v for key, v in values.items() if key.startswith("chat")
        }
        assert chats.keys() == self.model.chats
        assert all(v["participants"] == key.split(":") for key, v in chats.items())

    @invariant()
    def everybody_sees_theirs(self) -> None:
        """In turn, after each step one of them: what is wrong stays wrong."""
        self.turn += 1
        number = self.turn % 4
        person = self.people[number]
        for direction, own_side in (("incoming", "to"), ("outgoing", "sender")):
            shown = self.wait(pages(person, f"/intros/{direction}", limit=100))
            assert {intro["id"]: intro["status"] for intro in shown} == {
                id_: pair.now
                for id_, pair in self.model.intros.items()
                if getattr(pair, own_side) == number
            }
        mine = self.wait(pages(person, "/connections", limit=100))
        both_ways = [
            friend.id
            for other, friend in enumerate(self.people)
            if other != number and self.connected(number, other) and self.connected(other, number)
        ]
        assert sorted(other["id"] for other in mine) == sorted(both_ways)


@PHASES_OF_MACHINES
@pytest.mark.parametrize("examples", [6, pytest.param(400, marks=pytest.mark.soak)])
def test_what_is_between_four_people(
    server: EmbeddedServer, phase_template: str, phase: str, examples: int
) -> None:
    hold(Meeting, server, phase_template, phase, people=4, examples=examples)
