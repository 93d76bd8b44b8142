"""What strangers send on raw sockets: heads, bodies and answers have a size and a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import websockets

from api import Api
from live import Site, running_site
from outgrow.campus.limits import MOST_COUNTED, REQUESTS, REQUESTS_FROM, Limits
from outgrow.campus.messaging.live import Close
from outgrow.db.pool import Database
from outgrow.errors import TooMany
from outgrow.web.http import connections
from test_chats import open_chat
from test_serve import served

GET = b"GET /healthz HTTP/1.1\r\nHost: campus\r\n\r\n"


@pytest.fixture
async def site(campus: Database, campus_url: str) -> AsyncIterator[Site]:
    async with running_site(campus_url) as made:
        yield made


class Raw:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, url: str) -> Raw:
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def send(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            async with asyncio.timeout(10):
                await self.writer.drain()
        except (ConnectionError, TimeoutError):
            pass

    async def answer(self) -> tuple[int, dict[str, Any]]:
        """The status and the problem of an answer; 0 for none before the end."""
        try:
            async with asyncio.timeout(20):
                head = await self.reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0, {}
        return int(head.split(b" ")[1]), json.loads(body)

    async def status(self) -> int:
        return (await self.answer())[0]

    async def ends(self, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            try:
                while await self.reader.read(65_536):
                    pass
            except ConnectionError:
                pass

    def close(self) -> None:
        self.writer.close()


HEAD = b"GET /healthz HTTP/1.1\r\nHost: campus\r\n"
LARGEST = connections.LARGEST_HEAD


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /healthz?" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /" + b"a" * 1_000_000, 414),
        (HEAD + b"X-Long: " + b"a" * 20_000 + b"\r\n\r\n", 431),
        (HEAD + b"X-Long: " + b"a" * 1_000_000, 431),
        (HEAD + b"X" * 1_000_000, 431),
        (HEAD + b"".join(b"X-%d: 1\r\n" % n for n in range(101)) + b"\r\n", 431),
        (HEAD + b"".join(b"X-%d: %b\r\n" % (n, b"a" * 300) for n in range(60)) + b"\r\n", 431),
        (b"\r\n" * 200_000, 431),
        (GET * 200, 0),
        (b"nonsense\r\n\r\n", 400),
        (HEAD + b"X-Much: " + b"a" * (LARGEST - 100) + b"\r\n\r\n", 200),
        (HEAD + b"".join(b"X-%d: 1\r\n" % n for n in range(98)) + b"\r\n", 200),
    ],
    ids=lambda value: f"{value[:20]!r}" if isinstance(value, bytes) else str(value),
)
async def test_heads_have_a_size(site: Site, sent: bytes, status: int) -> None:
    raw = await Raw.open(site.url)
    await raw.send(sent)
    if status:
        got, problem = await raw.answer()
        assert got == status
        if status != 200:
            assert problem["status"] == status
            assert problem["code"]
            await raw.ends(5)
    else:
        await raw.ends(5)
    raw.close()
    assert (await site.api.get("/healthz")).status_code == 200


async def test_trailers_and_pieces_of_heads_have_a_size(site: Site) -> None:
    """Also those that come in small pieces, each of which is harmless."""
    chunked = (
        b"POST /auth/login HTTP/1.1\r\nHost: campus\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    )
    for start, piece in (
        (chunked, b"X-Trailer: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 20),
        (chunked + b"X-Trailer: ", b"a" * 1000),
        (HEAD + b"X-Long: ", b"a" * 1000),
        (b"GET /", b"a" * 1000),
    ):
        raw = await Raw.open(site.url)
        await raw.send(start)
        for _ in range(100):
            await raw.send(piece)
            await asyncio.sleep(0.001)
        await raw.ends(5)
        raw.close()


async def test_heads_bodies_and_answers_have_a_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.4)
    post = (
        b"POST /auth/login HTTP/1.1\r\nHost: campus\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{"
    )
    cases: list[tuple[bytes, bytes, int]] = [
        (b"", b"", 0),
        (b"", b"\r\n", 0),
        (b"GET /hea", b"a", 408),
        (HEAD, b"X-A: b\r\n", 408),
        (post, b" ", 408),
    ]

    async def slowly(start: bytes, piece: bytes, status: int) -> None:
        raw = await Raw.open(site.url)
        await raw.send(start)
        sending = asyncio.create_task(trickle(raw, piece))
        assert await raw.status() == status, (start, piece)
        await raw.ends(5)
        sending.cancel()
        raw.close()

    async with asyncio.timeout(10):
        await asyncio.gather(*(slowly(*case) for case in cases))


UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
LIVE = b"GET /live HTTP/1.1\r\nHost: campus\r\n" + UPGRADE


async def test_a_socket_outlives_the_time_for_its_head(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    within = connections.Connections._set_deadline
    made: list[connections.Connections] = []

    def noted(self: connections.Connections, seconds: float) -> None:
        made.append(self)
        within(self, seconds)

    monkeypatch.setattr(connections.Connections, "_set_deadline", noted)
    async with site.connect(await site.api.sign_up()):
        (connection,) = set(made)
        assert connection._deadline is None or connection._deadline.cancelled()


@pytest.mark.parametrize(
    "sent",
    [
        LIVE + b"Content-Length: 5\r\n\r\nabcde",
        LIVE + b"Content-Length: 500\r\n\r\n",
        LIVE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        LIVE + b"X-Long: " + b"a" * 9000 + b"\r\n\r\n",
    ],
    ids=["body", "half", "chunked", "long"],
)
async def test_what_cannot_become_a_socket_is_refused_immediately(site: Site, sent: bytes) -> None:
    raw = await Raw.open(site.url)
    await raw.send(sent)
    async with asyncio.timeout(5):
        assert await raw.status() == 400
    await raw.ends(5)
    raw.close()


async def test_nothing_becomes_a_socket_ahead_of_an_answer(site: Site) -> None:
    """Else two protocols write to one connection, and whoever reads takes the one's answer for the
    other's."""
    raw = await Raw.open(site.url)
    await raw.send(GET + LIVE + b"\r\n")
    received = await asyncio.wait_for(raw.reader.read(), 10)
    assert b" 101 " not in received
    raw.close()


async def test_trailers_are_no_headers(site: Site) -> None:
    """A proxy that sets headers, or takes some away, does not look at trailers."""
    raw = await Raw.open(site.url)
    await raw.send(
        b"POST /auth/login HTTP/1.1\r\nHost: campus\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\nContent-Type: application/json\r\n\r\n"
    )
    assert (await raw.answer())[1]["code"] == "not_json"
    raw.close()


async def test_a_request_is_for_one_host(site: Site) -> None:
    raw = await Raw.open(site.url)
    await raw.send(b"GET /healthz HTTP/1.1\r\nHost: campus\r\nhost: localhost\r\n\r\n")
    assert await raw.status() == 400
    raw.close()


async def trickle(raw: Raw, piece: bytes) -> None:
    while True:
        await asyncio.sleep(0.1)
        await raw.send(piece)


async def test_who_reads_no_answers_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.3)
    raw = await Raw.open(site.url)
    ended: list[bool] = []

    async def ask() -> None:
        async with asyncio.timeout(20):
            while not raw.writer.is_closing() and not ended:
                raw.writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: campus\r\n\r\n")
                try:
                    async with asyncio.timeout(0.2):
                        await raw.writer.drain()
                except TimeoutError:
                    pass
                except ConnectionError:
                    ended.append(True)
                await asyncio.sleep(0.01)

    raw.reader._transport.pause_reading()  # type: ignore[attr-defined]
    await ask()
    raw.close()


JSON = {"content-type": "application/json"}
SLOW_BODY = (
    b"POST /auth/login HTTP/1.1\r\nHost: campus\r\nContent-Type: application/json\r\n"
    b"Content-Length: 60000\r\n\r\n{"
)


async def test_bodies_that_are_held_back_take_nobody_s_room(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_BODIES", 500_000)
    slow = []
    for _ in range(20):
        slow.append(await Raw.open(site.url))
        await slow[-1].send(SLOW_BODY + b" " * 50_000)
    body = b'{"email": "nobody@campus.example", "password": "%b"}' % (b"a" * 900)
    async with httpx.AsyncClient(
        base_url=site.url.replace("ws", "http", 1).removesuffix("/live")
    ) as client:
        for _ in range(5):
            answer = await client.post("/auth/login", content=body, headers=JSON)
            assert answer.status_code == 401
    for raw in slow:
        raw.close()


async def test_sockets_take_no_flood(site: Site, campus: Database) -> None:
    ada, ben = await site.api.sign_up("Ada Okafor"), await site.api.sign_up("Ben Castillo")
    assert await open_chat(campus, ada, ben)

    mask = b"\x80\x00\x00\x00\x00"
    pieces = b"\x01" + mask + (b"\x00" + mask) * 5000
    messages = (b"\x81\x83\x00\x00\x00\x00[1]") * 5000
    for flood in (pieces, messages):
        async with site.connect(ada) as sight:
            sight.connection.transport.write(flood)
            assert (await sight.end(10))[0] == 1009


async def test_heads_of_sockets_have_a_size(site: Site) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with site.connect(None, headers={"x-long": "a" * 20_000}):
            pass
    assert refused.value.response.status_code == 431


def resident(pid: int) -> int:
    """Bytes of memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


async def test_memory_stays_flat(tmp_path: Path) -> None:
    """60 MB of headers took 220 MB; and others are answered meanwhile."""
    with served(tmp_path) as serving:
        pid = serving.process.pid
        async with httpx.AsyncClient(base_url=serving.url) as client:
            assert (await client.get("/healthz")).status_code == 200
            before, most = resident(pid), 0

            attackers: list[Raw] = []

            async def attack(start: bytes, piece: bytes) -> None:
                raw = await Raw.open(serving.url)
                attackers.append(raw)
                await raw.send(start)
                for _ in range(30):  # 3 MB each, 60 MB together
                    await raw.send(piece)
                await asyncio.sleep(0.5)  # until it has been read

            header = b"X-A: " + b"a" * 100_000
            floods = [attack(HEAD, header + b"\r\n") for _ in range(7)]
            floods += [attack(HEAD + b"X-Long: ", b"a" * 100_000) for _ in range(7)]
            floods += [attack(b"GET /", b"a" * 100_000) for _ in range(6)]
            under_way = asyncio.gather(*floods)
            while not under_way.done():
                async with asyncio.timeout(10):
                    assert (await client.get("/healthz")).status_code == 200
                most = max(most, resident(pid))
                await asyncio.sleep(0.02)
            await under_way
            most = max(most, resident(pid))
            for raw in attackers:
                raw.close()
        assert most - before < 25_000_000


# How often ---------------------------------------------------------------------------------------


async def test_requests_are_counted(campus: Database) -> None:
    """By account, and of who is not signed in by address, without a write to the database."""
    limits = {"requests": (5, 3600), "requests-from": (4, 3600)}
    api = await Api.open(campus, limits=limits)
    ada, ben = await api.sign_up(), await api.sign_up()
    statuses = [(await ada.get("/profiles")).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    answer = await ada.get("/profiles/me")
    assert answer.json()["code"] == "rate_limited"
    assert int(answer.headers["retry-after"]) > 0
    assert (await ben.get("/profiles")).status_code == 200
    wrong = {"authorization": "Bearer x"}
    statuses = [(await api.get("/profiles", headers=wrong)).status_code for _ in range(3)]
    assert statuses == [401, 401, 429], "two sign-ups and two of these"
    assert (await api.get("/sign-in", headers={"accept": "text/html"})).status_code == 429
    await api.close()


async def test_typing_is_counted(campus: Database, campus_url: str) -> None:
    api = await Api.open(campus, limits={"typing": (3, 3600)})
    ada, ben = await api.sign_up("Ada Okafor"), await api.sign_up("Ben Castillo")
    chat = await open_chat(campus, ada, ben)
    tried = [(await ada.call("POST", f"/chats/{chat}/typing")).status_code for _ in range(4)]
    assert tried == [204, 204, 204, 429]
    await api.close()


async def test_messages_of_sockets_are_counted(campus: Database, campus_url: str) -> None:
    async with running_site(campus_url) as site:
        ada = await site.api.sign_up()
        slowly_forgiven = replace(REQUESTS, seconds=REQUESTS.most * 3600)
        site.api.services.limits._limits[REQUESTS.name] = slowly_forgiven
        async with site.connect(ada) as sight:
            for _ in range(REQUESTS.most):
                site.api.services.limits.count(REQUESTS, ada.id)
            await sight.say(type="ping")
            assert await sight.end() == (Close.TOO_MANY, "rate_limited")


def test_counting_forgets(campus_url: str) -> None:
    """A campus behind one address reads on; 10,000 pages a minute are too many; so is memory."""
    limits = Limits(None, b"k", {})  # type: ignore[arg-type]

    def passed(limit: Any, a_second: int) -> int:
        count = 0
        for n in range(60 * a_second):
            try:
                limits.count(limit, f"{a_second}", n / a_second)
                count += 1
            except TooMany:
                pass
        return count

    for limit in (REQUESTS, REQUESTS_FROM):
        assert passed(limit, 40) == 2400
        assert passed(limit, 200) < 9000
    for n in range(MOST_COUNTED + 10):
        limits.count(REQUESTS, f"n{n}", 100.0)
    assert len(limits._due) <= MOST_COUNTED
