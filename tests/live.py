"""Servers on real ports, and clients of /live."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

from api import Api, Person
from conftest import STEP
from outgrow.db.pool import Database
from outgrow.web.server import Server


class Sight:
    """One client: everything it was told, in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.events: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())
        self._new = asyncio.Event()

    async def _read(self) -> None:
        try:
            async for text in self.connection:
                self.events.append(json.loads(text))
                self._new.set()
        except websockets.ConnectionClosed:
            pass
        self._new.set()

    async def say(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def until(self, condition: Callable[[], Any], what: str, seconds: float = 20) -> Any:
        """Wait for something among the events."""
        try:
            async with asyncio.timeout(seconds):
                while not (result := condition()):
                    assert not self._reading.done(), f"closed before {what}: {self.closed}"
                    self._new.clear()
                    await self._new.wait()
                return result
        except TimeoutError:
            raise AssertionError(f"no {what} in {self.events}") from None

    async def event(self, kind: str, seconds: float = 20) -> dict[str, Any]:
        """The last of the kind, as soon as there is one."""
        result: dict[str, Any] = (await self.until(lambda: self.of(kind), kind, seconds))[-1]
        return result

    async def numbers(self, chat_id: str, count: int, seconds: float = 20) -> list[int]:
        """The numbers of the chat's messages as they came, when there are so many."""
        await self.until(
            lambda: len(self.delivered(chat_id)) >= count, f"{count} messages", seconds
        )
        return self.delivered(chat_id)

    def delivered(self, chat_id: str) -> list[int]:
        return [e["message"]["pos"] // STEP for e in self.of("message") if e["chat_id"] == chat_id]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def closed(self) -> tuple[int | None, str | None]:
        return self.connection.close_code, self.connection.close_reason

    async def end(self, seconds: float = 20) -> tuple[int | None, str | None]:
        """How the server closed it."""
        async with asyncio.timeout(seconds):
            await asyncio.wait([self._reading])
        return self.closed

    async def close(self) -> None:
        await self.connection.close()
        await asyncio.wait([self._reading])


def via(site: Site, person: Person) -> Person:
    """The same person, asking this server."""
    return Person(site.api, person.id, person.email, person.tokens)


class Site:
    """A server with a pool and a port of its own, as another process has them."""

    def __init__(self, api: Api, url: str) -> None:
        self.api = api
        self.url = url

    @asynccontextmanager
    async def connect(
        self, person: Person | None, *, ready: bool = True, **options: Any
    ) -> AsyncIterator[Sight]:
        headers = dict(options.pop("headers", {}))
        if person is not None:
            headers["authorization"] = f"Bearer {person.tokens['access_token']}"
        connection = await websockets.connect(
            self.url, additional_headers=headers, compression=None, proxy=None, **options
        )
        sight = Sight(connection)
        try:
            if ready:
                await sight.event("ready")
            yield sight
        finally:
            await sight.close()


@asynccontextmanager
async def running_site(url: str) -> AsyncIterator[Site]:
    database = await Database.open(url, pool_size=5)
    api = await Api.open(database, limits=None)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        port = listener.getsockname()[1]
        server = Server(api.services, api.context)
        async with api.services.running():
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield Site(api, f"ws://127.0.0.1:{port}/live")
            finally:
                server.should_exit = True
                await serving
    await api.close()
    await database.close()
