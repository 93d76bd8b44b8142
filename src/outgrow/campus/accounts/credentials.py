"""Credentials: passwords and one-time codes.

Passwords are hashed with argon2id off the event loop, a few at a time. A check costs about 40 ms of
one core and 19 MiB, on purpose. Two threads bound both, and a bounded queue turns a flood of
sign-ins away instead of letting it wait for minutes. People who sign in on a device that the
account knows have a queue and a thread of their own.

Passwords that are easy to guess are refused: common ones, with digits or signs around them too;
those made of the account's own e-mail and name, the school's or the service's name; and those that
are mostly repetition or a row of keys. Nothing else is asked of a password: no kinds of characters,
no change from time to time.

Codes are sent by mail and typed in once; only keyed hashes are stored. The code of a sign-up goes
with its password: it has six digits, is good for CODE_SECONDS and CODE_TRIES, and a new one ends
the one before. The code of a reset or a claim is all that is asked for, so it has 65 bits and
cannot be guessed: tries need not be counted, and codes need not end each other. A stranger who asks
for codes, or tries some, takes none away from the owner of the mailbox.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import blake2b
from importlib import resources
from itertools import pairwise
from typing import Literal, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from outgrow import events, queries
from outgrow.db.pool import Statements
from outgrow.errors import BadInput, Busy

T = TypeVar("T")

THREADS = 2
LONGEST_QUEUE = 64  # about a second of waiting


class Passwords:
    """Hashing of passwords. `checks` counts hashes: unknown e-mails must cost one too."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._known = ThreadPoolExecutor(1, thread_name_prefix="known-password")
        self._waiting = {False: 0, True: 0}  # by whether the device is known
        self._decoy = self._hasher.hash("nobody's password")
        self.checks = 0

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(_normalize(password)))

    async def matches(self, password: str, hashed: str | None, *, known: bool = False) -> bool:
        """Return whether the password is that of the hash; False for None, after the same work.
        `known` means a device that the account knows."""
        expected = hashed or self._decoy
        fits = await self._run(lambda: self._verify(expected, _normalize(password)), known)
        return fits and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Return whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        for threads in (self._threads, self._known):
            threads.shutdown(wait=True, cancel_futures=True)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T], known: bool = False) -> T:
        if self._waiting[known] >= LONGEST_QUEUE:
            raise Busy(
                "sign_in_busy",
                "too many people are signing in at this moment",
                hint="try again in a few seconds",
            )
        self._waiting[known] += 1
        self.checks += 1
        try:
            threads = self._known if known else self._threads
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        finally:
            self._waiting[known] -= 1


def _normalize(password: str) -> str:
    """Return one spelling of each character, whatever keyboard it was typed on."""
    return unicodedata.normalize("NFKC", password)


SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 200
FEWEST_LETTERS = 3  # that are left without the account's own words
FEWEST_SURPRISES = 4
MOST_AROUND = 6  # digits and signs around a common word that is too short for a password
_SERVICE = ("outgrow", "campus", "password")
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_ROWS = ("1234567890", "qwertyuiop", "qwertzuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm")
_NEIGHBOURS = frozenset(
    pair for row in _ROWS for some in (row, row[::-1]) for pair in pairwise(some)
)


def check_password(password: str, personal: Iterable[str | None] = ()) -> str:
    """Return the password, unless it is refused. `own` are the e-mail, the name and the school that
    it is for, as far as they are known. Raises BadInput."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadInput(
            "bad_password",
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters",
            detail=f"this one has {len(password)}",
        )
    if reason := _find_weakness(_fold(password), personal):
        raise BadInput(
            "weak_password",
            "this password is easy to guess",
            detail=reason,
            hint="take several words that do not belong together",
        )
    return password


def _find_weakness(password: str, personal: Iterable[str | None]) -> str | None:
    once = _repeated_part(password)
    for text in (password, once):
        core = _AROUND.sub("", text)
        is_whole = len(core) >= SHORTEST_PASSWORD or len(text) - len(core) <= MOST_AROUND
        if text in _common_passwords() or (core in _common_passwords() and is_whole):
            return "it is one of the most common ones"
    surprises = 1 + sum(
        left != right and ord(right) - ord(left) not in (-1, 1) and (left, right) not in _NEIGHBOURS
        for left, right in pairwise(once)
    )
    if len(once) < SHORTEST_PASSWORD or surprises < FEWEST_SURPRISES:
        return "it repeats itself, or is a row of keys"
    left = password
    for word in sorted(_split_texts(personal), key=len, reverse=True):
        left = left.replace(word, " ")
    if left != password and sum(map(str.isalpha, left)) < FEWEST_LETTERS:
        return "it is made of the e-mail, the name, the school, or of ours"
    return None


def _repeated_part(password: str) -> str:
    """Return the part that a password repeats: `hunter` of `hunterhunter`, else the whole."""
    length = (password + password).find(password, 1)
    return password[:length]


def _split_texts(personal: Iterable[str | None]) -> set[str]:
    """Return the words of these texts, and each text without what is between its words."""
    parts_of_texts = set(_SERVICE)
    for text in personal:
        parts = re.findall(r"[^\W_]+", _fold(text or ""))
        parts_of_texts.update((*parts, "".join(parts), "".join(part[0] for part in parts)))
    return {word for word in parts_of_texts if len(word) >= 3}


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def _common_passwords() -> frozenset[str]:
    text = resources.files(__package__).joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))


SQL = queries.load("codes")

CODE_SECONDS = 600
CODE_TRIES = 5
INVITED_SECONDS = 14 * 86_400
# 59 bits: it cannot be guessed in its two weeks, nor can its tries be used up.
_INVITED_LENGTH, _INVITED_TRIES = 12, 1_000_000
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_LONG = ("reset", "claim")
_CAPITALS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES = str.maketrans("OIL", "011")  # letters that are read for one of these
Purpose = Literal["verify", "reset", "claim", "invite"]


class Codes:
    def __init__(self, key: bytes) -> None:
        self._key = key

    async def give(self, session: Statements, purpose: Purpose, subject: str) -> str:
        """Store and return a new code. It replaces an earlier one of the same sign-up or
        invitation."""
        if purpose in _LONG:
            letters = "".join(secrets.choice(_CAPITALS) for _ in range(13))
            code = f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"
            hashed = self._hashed(purpose, subject, code)
            await session.run(SQL["give_long"], subject, hashed, CODE_SECONDS)
            events.event("code_made", purpose=purpose)
            return code
        if purpose == "invite":
            code = "".join(secrets.choice(_LETTERS) for _ in range(_INVITED_LENGTH))
            tries, seconds = _INVITED_TRIES, INVITED_SECONDS
        else:
            code = "".join(secrets.choice("0123456789") for _ in range(6))
            tries, seconds = CODE_TRIES, CODE_SECONDS
        hashed = self._hashed(purpose, subject, code)
        await session.run(SQL["give"], purpose, subject, hashed, tries, seconds)
        events.event("code_made", purpose=purpose)
        return code

    async def use(self, session: Statements, purpose: Purpose, subject: str, code: str) -> bool:
        """Return whether that is the code, and use it up; of two concurrent uses one succeeds.

        A wrong code of a sign-up uses up a try, so commit the transaction either way.
        """
        hashed = self._hashed(purpose, subject, code)
        if purpose in _LONG:
            is_right = await session.value(SQL["use_long"], subject, hashed) is True
        else:
            is_right = await session.value(SQL["use"], purpose, subject, hashed) is True
        if is_right:
            events.event("code_proved", purpose=purpose)
        return is_right

    def _hashed(self, purpose: Purpose, subject: str, code: str) -> bytes:
        typed = code.strip().lower() if purpose == "invite" else code.strip()
        if purpose in _LONG:
            typed = "".join(filter(str.isalnum, code)).upper().translate(_LOOKALIKES)
        text = f"{purpose} {subject} {typed}".encode("utf-8", "surrogatepass")
        return blake2b(text, digest_size=32, key=self._key).digest()
