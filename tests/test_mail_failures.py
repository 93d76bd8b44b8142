"""A mail server that refuses at each of its words, breaks off, or says nothing: the log has no
address, no code and nothing that it said."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

import httpx
import pytest

from api import HERE, PASSWORD, assert_problem
from outgrow.campus.people.schools import Domains
from outgrow.db.pool import Database
from test_serve import served

ADA = "ada.canary@northfield.example"
WORDS = ("CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "TEXT")
GOOD = {"EHLO": b"250-here\r\n250 AUTH PLAIN", "AUTH": b"235 in", "DATA": b"354 go on"}


class Sink:
    """Refuses one word, with an answer that holds what it was told; or leaves; or hangs, never
    silent, so that a mail is given up after LETTER_SECONDS and not before."""

    def __init__(self, word: str, how: str) -> None:
        self.word, self.how = word, how
        self.heard: list[str] = []
        self.over = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await self._refused("CONNECT", "", writer):
                return
            writer.write(b"220 here\r\n")
            while line := await reader.readline():
                word = line.decode().strip()
                name = {"HELO": "EHLO"}.get(word[:4].upper(), word[:4].upper())
                if await self._refused(name, word, writer):
                    return
                writer.write(GOOD.get(name, b"250 fine") + b"\r\n")
                if name == "DATA":
                    text = await reader.readuntil(b"\r\n.\r\n")
                    if await self._refused("TEXT", text.decode(), writer):
                        return
                    writer.write(b"250 taken\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _refused(self, name: str, word: str, writer: asyncio.StreamWriter) -> bool:
        """Whether this is where it leaves; a refusal goes on with the next word."""
        self.heard.append(name)
        if name != self.word:
            return False
        if self.how == "refuse":
            lines = [f"{ADA} {part}" for part in word.splitlines() or [""]]
            answer = "".join(f"550-{line}\r\n" for line in lines[:-1]) + f"550 {lines[-1]}\r\n"
            writer.write(answer.encode())
            await writer.drain()
        elif self.how == "hang":
            while not self.over.is_set():
                writer.write(b"220-wait\r\n")
                await writer.drain()
                await asyncio.sleep(1)
        return True


@asynccontextmanager
async def sink(word: str, how: str) -> AsyncIterator[tuple[Sink, int]]:
    made = Sink(word, how)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    yield made, server.sockets[0].getsockname()[1]
    made.over.set()
    server.close()


@pytest.fixture
async def protected(campus: Database) -> None:
    await Domains(campus).add(HERE, "northfield.example")


BODY = {"email": ADA, "password": PASSWORD, "name": "Ada Canary", "school": HERE}


def settings(port: int) -> dict[str, str]:
    return {
        "OUTGROW_SMTP_URL": f"smtp://canary:canary@127.0.0.1:{port}",
        "OUTGROW_MAIL_FROM": "canary@campus.example",
        "OUTGROW_LIMITS": "off",
        "OUTGROW_LOG": "json",
    }


async def test_no_refusal_of_a_mail_server_is_told_to_the_log(
    protected: None, campus_url: str, tmp_path: Path
) -> None:
    async with sink("", "") as (mailbox, port):
        with served(tmp_path, DATABASE_URL=campus_url, **settings(port)) as server:
            async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
                for mailbox.word, mailbox.how in product(WORDS, ("refuse", "leave")):
                    mailbox.heard.clear()
                    asked = await client.post("/auth/signup", json=BODY)
                    assert_problem(asked, 503, "mail_failed")
                    assert "canary" not in asked.text
                    assert mailbox.word in mailbox.heard
                    again = await client.post("/auth/verify/resend", json={"email": ADA})
                    assert again.status_code == 202
            await asyncio.to_thread(server.stop)
            log = server.log()
    assert log.count("a mail was not sent") == 2 * len(WORDS)
    assert "canary" not in log.lower()
    assert not re.search(r"\b[0-9]{6}\b", "".join(re.findall(r'"message": ".*?"', log))), log


async def test_a_mail_server_that_hangs_keeps_nobody_else_waiting(
    protected: None, campus_url: str, tmp_path: Path
) -> None:
    """The mails are given up after LETTER_SECONDS: nothing here lasts as long as that."""
    async with sink("CONNECT", "hang") as (mail_server, port):
        with served(tmp_path, DATABASE_URL=campus_url, **settings(port)) as server:
            async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
                waiting = [
                    asyncio.create_task(client.post("/auth/signup", json=BODY)) for _ in range(8)
                ]
                while len(mail_server.heard) < len(waiting):
                    await asyncio.sleep(0.05)
                login = {"email": ADA, "password": "of nobody"}
                for _ in range(3):
                    assert (await client.post("/auth/login", json=login)).status_code == 401
                assert not any(task.done() for task in waiting), "the logins waited, too"
                resent = await client.post("/auth/verify/resend", json={"email": ADA})
                assert resent.status_code == 202
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
            await asyncio.to_thread(server.stop)
            log = server.log()
    assert "canary" not in log.lower()
