"""Where all places are taken, who has asked for nothing, or was told nothing, makes room."""

from __future__ import annotations

from typing import Any

import pytest

from live import running_site
from outgrow.web.http import connections
from outgrow.web.server import Server
from test_http_limits import GET, SLOW_BODY, Raw


@pytest.fixture
def few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Server.__init__
    monkeypatch.setattr(
        Server, "__init__", lambda self, served, shared: real(self, served, shared, 20)
    )


async def test_a_slow_stranger_takes_nobody_s_place(few_places: None, campus_url: str) -> None:
    """Where all places are taken, who has asked for nothing makes room."""
    async with running_site(campus_url) as site:
        idle = [await Raw.open(site.url) for _ in range(40)]
        for raw in idle:
            await raw.send(b"GET /")
        for _ in range(5):
            raw = await Raw.open(site.url)
            await raw.send(GET)
            assert await raw.status() == 200
            raw.close()
        for raw in idle:
            raw.close()
        ada = await site.api.sign_up()
        async with site.connect(ada), site.connect(ada):
            pass


async def test_who_holds_a_body_back_takes_nobody_s_place(
    few_places: None, campus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_LEAVING", 5)
    most: list[int] = []
    made = connections.Connections.connection_made

    def counting(self: connections.Connections, transport: Any) -> None:
        made(self, transport)
        most.append(len(self.connections))

    monkeypatch.setattr(connections.Connections, "connection_made", counting)
    async with running_site(campus_url) as site:
        slow = []
        for _ in range(60):
            slow.append(await Raw.open(site.url))
            await slow[-1].send(SLOW_BODY)
        for _ in range(5):
            raw = await Raw.open(site.url)
            await raw.send(GET)
            assert await raw.status() == 200
            raw.close()
        for raw in slow:
            raw.close()
    assert max(most) <= 20 + 5 + 2


async def test_sockets_of_strangers_take_nobody_s_place(few_places: None, campus_url: str) -> None:
    """They have five seconds to say who they are, and five more to leave; whoever comes meanwhile
    is served, by a token in the first message too, and nobody who was here goes."""
    upgrade = (
        b"GET /live HTTP/1.1\r\nHost: campus\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with running_site(campus_url) as site:
        ada = await site.api.sign_up()
        async with site.connect(ada) as stays:
            strangers = []
            for _ in range(60):
                strangers.append(raw := await Raw.open(site.url))
                await raw.send(upgrade)
                await raw.reader.readuntil(b"\r\n\r\n")
            for _ in range(5):
                raw = await Raw.open(site.url)
                await raw.send(GET)
                assert await raw.status() == 200
                raw.close()
            async with site.connect(None, ready=False) as sight:
                await sight.say(type="auth", token=ada.tokens["access_token"])
                await sight.event("ready")
            await stays.say(type="ping")
            await stays.event("pong")
            for raw in strangers:
                raw.close()
