"""E-mail: which addresses are taken, and letters sent there.

Letters go by SMTP where a server is set; else they are printed at the terminal of `outgrow serve`.
A letter is sent after the transaction that it is about. `send` raises when it fails. `later` only
writes a failure to the log, for where even an error would say too much.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

from email_validator import EmailNotValidError, validate_email

from outgrow.campus.background import Background
from outgrow.errors import BadInput, Unavailable

LONGEST_EMAIL = 200
"""Characters: what the relation of users compares whole."""

_ENCODED_WORD = "=?"
"""How an encoded word of a header begins. The grammar of addresses allows it, and software that
reads headers may decode it into another address."""


_ROUTES = frozenset("%!/|")
"""What mail servers read as a route: many forward mail for `ada%other.example@school.example` to
`ada@other.example` when they trust the sender, as they trust this network."""


def valid_email(email: str) -> str:
    """Return the address as it is stored: ASCII, without quotes, comments, encoded words or routes.
    Raises BadInput."""
    email = email.strip()
    try:
        if len(email) > LONGEST_EMAIL or _ENCODED_WORD in email or _ROUTES & {*email}:
            raise EmailNotValidError(email)
        address = validate_email(
            email,
            allow_smtputf8=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            check_deliverability=False,
            test_environment=True,  # outgrow.test is a domain here
        )
    except EmailNotValidError as e:
        raise BadInput(
            "bad_email",
            "that is not an e-mail address",
            hint=f"write it as name@example.org, in ASCII, up to {LONGEST_EMAIL} characters, "
            "without % ! / and |",
        ) from e
    return address.ascii_email or email


def mailbox_of(email: str) -> str:
    """Return what all spellings of a mailbox share: `ada@x.edu` for `Ada+tag@x.edu`."""
    local, _, domain = email.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


SILENT_SECONDS = 20  # that the SMTP server may be silent
LETTER_SECONDS = 120  # for one mail: a server that says a byte now and then is never silent
AT_ONCE = 8
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Letter:
    to: str
    subject: str
    text: str


Transport = Callable[[Letter], Awaitable[None]]


class Mail:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.background = Background("a mail was not sent")

    async def send(self, letter: Letter) -> None:
        """Send a letter. Raises Unavailable when the server did not accept it."""
        try:
            await self._transport(letter)
        except (OSError, smtplib.SMTPException) as e:
            raise Unavailable(
                "mail_failed",
                "the mail could not be sent",
                hint="try again in a few minutes",
            ) from e

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work that ends in sending a letter without waiting for it: how long it takes, and
        whether it fails, would reveal whether there is a person to send it to."""
        self.background.start(work)


def print_letters(tell: Callable[[str], None]) -> Transport:
    """Return a transport that prints letters, for trying the network at a terminal."""

    async def send(letter: Letter) -> None:
        text = "\n".join(f"  | {line}" for line in letter.text.splitlines())
        tell(f"mail to {letter.to}: {letter.subject}\n{text}\n")

    return send


def smtp_transport(url: str, sender: str) -> Transport:
    """Return a transport by `smtp://` (TLS if the server offers it) or `smtps://`. Raises BadInput.

    Without TLS, a password is sent only to a server on this machine.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if (
        parts.scheme not in ("smtp", "smtps")
        or not parts.hostname
        or port == -1
        or "@" not in sender
    ):
        raise BadInput(
            "bad_setting",
            "OUTGROW_SMTP_URL and OUTGROW_MAIL_FROM do not say how to send mail",
            hint="such as smtps://user:password@mail.example.edu:465 and network@example.edu",
        )
    host = parts.hostname
    user, password = unquote(parts.username or ""), unquote(parts.password or "")

    def blocking(letter: Letter, opened: list[smtplib.SMTP]) -> None:
        to = valid_email(letter.to)
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, to, letter.subject
        message.set_content(letter.text)
        context = ssl.create_default_context()
        with (
            _SmtpByTls(opened, host, port or 465, timeout=SILENT_SECONDS, context=context)
            if parts.scheme == "smtps"
            else _Smtp(opened, host, port or 587, timeout=SILENT_SECONDS)
        ) as server:
            server.ehlo()
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif parts.scheme == "smtp" and user and host not in _LOOPBACK:
                raise smtplib.SMTPNotSupportedError(f"{host} offers no TLS")
            if user:
                server.login(user, password)
            # Given explicitly: the library would take it from the header, and decode it there.
            server.send_message(message, from_addr=parseaddr(sender)[1], to_addrs=[to])

    places = asyncio.Semaphore(AT_ONCE)

    async def send(letter: Letter) -> None:
        opened: list[smtplib.SMTP] = []
        async with places:
            try:
                async with asyncio.timeout(LETTER_SECONDS):
                    await _in_thread(partial(blocking, letter, opened))
            except TimeoutError:
                _shut_down(opened)
                raise

    return send


class _Registered:
    """A client that is in `opened` before it connects: the greeting may be what never ends."""

    def __init__(self, opened: list[Any], *args: Any, **given: Any) -> None:
        opened.append(self)
        super().__init__(*args, **given)


class _Smtp(_Registered, smtplib.SMTP):
    pass


class _SmtpByTls(_Registered, smtplib.SMTP_SSL):
    pass


def _shut_down(opened: list[smtplib.SMTP]) -> None:
    """Shut down the sockets of these clients, so that their threads end. A client in the middle of
    the TLS handshake has no socket yet; it ends by itself and blocks nobody."""
    for server in opened:
        if server.sock is not None:
            with suppress(OSError):
                server.sock.shutdown(socket.SHUT_RDWR)


async def _in_thread(work: Callable[[], None]) -> None:
    """Run blocking work in a thread that the end of the process does not wait for: a mail server
    that hangs must not delay it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error = None
        try:
            work()
        except Exception as e:  # noqa: BLE001 - raised where it is awaited
            error = e
        with suppress(RuntimeError):  # the loop is over
            loop.call_soon_threadsafe(tell, error)

    threading.Thread(target=run, name="mail", daemon=True).start()
    await done
