"""Mail servers that are no good."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest

from outgrow.campus import mail as mail_module
from outgrow.campus.mail import Letter, Mail, smtp_transport
from outgrow.errors import Unavailable


@pytest.mark.parametrize("greeted", [False, True])
async def test_a_mail_server_that_drips_is_left(
    greeted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One byte after the other, so that no answer is ever late, and none ever whole."""
    monkeypatch.setattr(mail_module, "LETTER_SECONDS", 0.5)
    left = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if greeted:
            writer.write(b"220 here\r\n")
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"2")
                await writer.drain()
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(100), 0.05)
        writer.close()
        left.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mail = Mail(smtp_transport(f"smtp://127.0.0.1:{port}", "campus@northfield.example"))
    async with asyncio.timeout(20):
        with pytest.raises(Unavailable):
            await mail.send(Letter("ada@northfield.example", "123456 is your code", "Hello"))
        await left.wait()
    server.close()
    async with asyncio.timeout(20):
        while any(thread.name == "mail" for thread in threading.enumerate()):
            await asyncio.sleep(0.01)
