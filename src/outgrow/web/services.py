"""The services of the network over one database, made once for a process."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

from outgrow import queries
from outgrow.campus.accounts.accounts import Accounts
from outgrow.campus.accounts.confirmations import Confirmations
from outgrow.campus.accounts.credentials import Codes, Passwords
from outgrow.campus.accounts.personal_data import Deletions, Export
from outgrow.campus.accounts.sessions import BrowserSessions, Lifetime, Sessions
from outgrow.campus.cache import SECONDS, Caches
from outgrow.campus.limits import Limits
from outgrow.campus.mail import Mail, Transport, print_letters
from outgrow.campus.messaging.chats import Chats, PendingCounts
from outgrow.campus.messaging.live import Live
from outgrow.campus.notifier import Notifier
from outgrow.campus.pagination import Cursors
from outgrow.campus.people.connections import Connections
from outgrow.campus.people.intros import Intros
from outgrow.campus.people.profiles import Profiles
from outgrow.campus.people.schools import Schools
from outgrow.campus.people.search import Discover, Search
from outgrow.campus.safety import Safety
from outgrow.db.pool import Database
from outgrow.errors import Damaged
from outgrow.web.http.auth import derived_key


@dataclass(frozen=True, slots=True)
class Services:
    """The services of the network, one for each subject."""

    database: Database
    secret: bytes
    sessions: Sessions
    accounts: Accounts
    profiles: Profiles
    connections: Connections
    chats: Chats
    discover: Discover
    live: Live
    notifier: Notifier
    caches: Caches
    intros: Intros
    safety: Safety
    schools: Schools
    search: Search
    browser_sessions: BrowserSessions
    waiting: PendingCounts
    limits: Limits
    confirmations: Confirmations
    export: Export
    deletions: Deletions

    async def settle(self, seconds: float = 60) -> None:
        """Wait for work that outlives its request, at most so long for each kind."""
        await self.confirmations.mail.background.settle(seconds)
        await self.deletions.background.settle(seconds)

    def changed(self, school: str) -> None:
        """Drop what is cached of a school after a person joined, changed or left."""
        self.caches.changed(school)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Exchange notifications with sockets and other processes inside this block."""
        async with self.notifier.running(), self.live.running():
            yield


async def make_services(
    database: Database,
    *,
    limits: Mapping[str, tuple[int, int]] | None = MappingProxyType({}),
    mail: Transport | None = None,
    cache_seconds: float = SECONDS,
    lifetime: Lifetime | None = None,
    codes_always: bool = False,
) -> Services:
    """Make the services on an installed campus. Raises Damaged when its secret is gone.

    `limits` are those that differ from their defaults, None for no limits. Mail is printed to
    stdout without a `mail` transport. `cache_seconds` is how old an answer from the cache may be,
    `lifetime` how long sessions live. With `codes_always`, every sign-up needs a code from its
    mailbox.
    """
    secret = await database.value(queries.load("network")["secret"])
    if secret is None:
        raise Damaged(
            "no_secret",
            "the signing secret is not in network.secrets",
            hint="restart the server: it makes a new one, and everyone signs in again",
        )
    cursors = Cursors(derived_key(secret, b"cursors"))
    counted = Limits(database, derived_key(secret, b"limits"), limits)
    passwords = Passwords()
    notifier = Notifier(database)
    caches = Caches(notifier, cache_seconds)
    sessions = Sessions(database, lifetime)
    live = Live(database, notifier, sessions)
    accounts = Accounts(database, passwords, counted, sessions)
    intros = Intros(database, cursors)
    chats = Chats(database, cursors, live)
    return Services(
        database=database,
        secret=secret,
        sessions=sessions,
        accounts=accounts,
        profiles=Profiles(database, cursors, caches),
        connections=Connections(database, cursors),
        chats=chats,
        live=live,
        notifier=notifier,
        caches=caches,
        discover=Discover(database, cursors),
        intros=intros,
        safety=Safety(database, cursors),
        schools=Schools(database, cursors, caches),
        search=Search(database, cursors),
        browser_sessions=BrowserSessions(
            database, sessions, derived_key(secret, b"forms of pages")
        ),
        waiting=PendingCounts(intros, chats),
        limits=counted,
        confirmations=Confirmations(
            database,
            accounts,
            passwords,
            counted,
            Codes(derived_key(secret, b"codes")),
            Mail(mail or print_letters(_to_stdout)),
            always=codes_always,
        ),
        export=Export(database),
        deletions=Deletions(database, accounts),
    )


def _to_stdout(text: str) -> None:
    """Print a mail. Not to stderr, which is the log: a mail has codes and addresses."""
    print(text, file=sys.stdout, flush=True)
