"""Schools: their names and sizes, their e-mail domains, and names that look like theirs.

There is no table of schools: they are what profiles say. Counting reads every profile, so a process
does it at most once within the cache's bound, and from half of it on while the old counts are still
shown, so that hardly anyone waits. A school whose people changed is counted again when it is
shown.

A school is protected from its first domain on, until an operator opens it: people who sign up for
it show a mailbox there, and nobody signs up for one that only looks like it. Without any domain
nobody signs up for a protected school.

`skeleton` folds a name as UTS #39 does, by the data of Unicode's confusables, and further: case,
width, blanks, punctuation, accents and everything that does not show make no difference, and
neither do I, l and 1. So it may fold two honest names into one; it is compared only with names that
are protected.
"""

from __future__ import annotations

import asyncio
import bisect
import re
import time
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

import msgspec
from confusable_homoglyphs import confusables  # type: ignore[import-untyped]

from outgrow import queries
from outgrow.campus import Viewer
from outgrow.campus.cache import Caches, Hidden, Uses, start_task
from outgrow.campus.pagination import Cursors, Page
from outgrow.db.pool import Database, Session, Statements
from outgrow.errors import BadInput, Conflict, Forbidden, NotFound

# Format characters, and yet they show.
_SHOWN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd")
# Letters and signs that are blank, or nothing at all.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# Confusables that the data leave as they are.
_SMALL_CAPITALS = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
_JOINERS = "\u200c\u200d"
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_ALPHABETS = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN", "HEBREW", "FULLWIDTH")
_ACCENTS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe2f]")
_NOT_SHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e001f]"
)


def hidden_character(text: str) -> str | None:
    """Return the first character that does not show or that reverses text, or None.

    The joiners pass where a script or an emoji needs them, and the tags of a flag.
    """
    text = _FLAG.sub("", text)
    for index, c in enumerate(text):
        if c in _BLANK:
            return c
        if unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp") or c in _SHOWN:
            continue
        before, after = text[index - 1 : index], text[index + 1 : index + 2]
        if c not in _JOINERS or not _takes_joiner(before) or not after.strip():
            return c
    return None


def strip_invisible(text: str) -> str:
    """Return the text without characters that do not show or that reverse it; joiners and tags
    stay."""
    return _NOT_SHOWN.sub("", text)


def _takes_joiner(c: str) -> bool:
    if unicodedata.category(c or " ") in ("So", "Sk", "Mn", "Mc"):
        return True
    return c.isalpha() and not unicodedata.name(c, "LATIN").startswith(_ALPHABETS)


@lru_cache(10_000)
def skeleton(name: str) -> str:
    """Return the skeleton that is compared, never a name to show; "" where nothing shows."""
    name = _map_prototypes(unicodedata.normalize("NFKD", name))
    name = _map_prototypes(unicodedata.normalize("NFKD", name.casefold()))
    name = unicodedata.normalize("NFKD", name).translate(_SMALL_CAPITALS)
    name = "".join(c for c in name if c.isalnum() or unicodedata.category(c)[0] == "M")
    name = "".join(c for c in name if c not in _BLANK)
    return _ACCENTS.sub("", name).replace("rn", "m").replace("vv", "w").replace("i", "l")


def find_resembled(name: str, protected: Iterable[str]) -> str | None:
    """Return the protected name that this name resembles; None if it is protected itself."""
    names = set(protected)
    if name in names:
        return None
    folded = skeleton(name)
    return next((other for other in sorted(names) if skeleton(other) == folded), None)


def _map_prototypes(text: str) -> str:
    prototypes = _prototypes()
    return "".join(prototypes.get(c, c) for c in text)


@cache
def _prototypes() -> dict[str, str]:
    """Return the prototype of each confusable character: the only one that the data name. Where two
    characters name each other, the first stands for both."""
    data = confusables.confusables_data
    prototypes: dict[str, str] = {}
    for c, others in data.items():
        if len(c) != 1 or len(others) != 1:
            continue
        other = others[0]["c"].replace("\u200e", "")
        back = data.get(other, ())
        if len(back) == 1 and back[0]["c"] == c and (other.isascii(), c) <= (c.isascii(), other):
            continue
        prototypes[c] = other
    return prototypes


SQL = queries.load("schools")
PROTECTED = queries.load("codes")["protected"]


class Schools:
    def __init__(self, database: Database, cursors: Cursors, caches: Caches) -> None:
        self._database = database
        self._cursors = cursors
        self._hidden = Hidden(database, caches)
        self._bound = caches.seconds
        self._uses = caches.uses["schools"] = Uses()
        self._names: list[str] = []
        self._members: dict[str, int] = {}
        self._protected: set[str] = set()
        self._began = float("-inf")  # when the counts were begun
        self._counting: asyncio.Task[None] | None = None
        self._recounting = asyncio.Lock()
        self._changed: dict[str, int] = {}  # since the count, by the number of the change
        self._changes = 0
        caches.subscribe(self._forget, self._forget_all)

    async def page(
        self, page: Page, *, counts: bool = False, viewer: Viewer | None = None
    ) -> bytes:
        """Return the JSON of a page of schools by name, in the order of code points; with `counts`,
        the members whom `viewer` can see. Raises BadCursor."""
        await self._refresh(counts)
        names, members = self._names, self._members  # they may be replaced during the next await
        of = ("schools",)
        after = self._cursors.open(of, page.cursor)
        start = page.offset if after[1] is None else bisect.bisect_right(names, after[1])
        names_on_page = names[start : start + page.limit]
        # Next to the total of a list, a size that counts hidden people would reveal them.
        hidden = {}
        if counts and viewer is not None and viewer.school in names_on_page:
            hidden[viewer.school] = await self._hidden_members(viewer)
        items = [
            {"name": name}
            | ({"members": members[name] - hidden.get(name, 0)} if counts else {})
            | ({"resembles": other} if (other := find_resembled(name, self._protected)) else {})
            for name in names_on_page
        ]
        more = start + page.limit < len(names)
        last = names_on_page[-1] if names_on_page else ""
        body = b'{"items":' + msgspec.json.encode(items)
        row = {"body": body, "has_more": more, "last_sort": "", "last_id": last}
        return self._cursors.finish(row, of)

    async def _hidden_members(self, viewer: Viewer) -> int:
        hidden = await self._hidden.ids(viewer)
        if not hidden:
            return 0
        count: int = await self._database.value(SQL["hidden_members"], viewer.school, hidden)
        return count

    def _forget(self, school: str) -> None:
        self._changes += 1
        self._changed[school] = self._changes

    def _forget_all(self) -> None:
        self._began = float("-inf")
        self._counting = None

    async def _refresh(self, counts: bool) -> None:
        """Wait until nothing that will be shown is out of date."""
        asked = time.monotonic()
        was_too_old = self._age() >= self._bound
        if self._age() >= self._bound / 2:
            self._recount_all()
        while self._age() >= self._bound and self._began < asked:
            await asyncio.shield(self._recount_all())
        async with self._recounting:
            changed = self._to_count(counts)
            while changed and not await self._count(changed):
                changed = self._to_count(counts)
        if was_too_old or changed:
            self._uses.misses += 1
        else:
            self._uses.hits += 1

    def _to_count(self, counts: bool) -> list[str]:
        return [s for s in self._changed if counts or s not in self._members]

    def _age(self) -> float:
        return time.monotonic() - self._began

    def _recount_all(self) -> asyncio.Task[None]:
        """Return the count that is running, or start one."""
        if self._counting is None:
            self._counting = start_task(self._count_all())
        return self._counting

    async def _count_all(self) -> None:
        began, changes = time.monotonic(), self._changes
        try:
            rows = await self._database.rows(SQL["all"])
            protected = await self._database.rows(PROTECTED)
        finally:
            is_wanted = self._counting is asyncio.current_task()
            if is_wanted:
                self._counting = None
        if is_wanted:
            self._members = {row["school"]: row["members"] for row in rows}
            self._names = sorted(self._members)
            self._changed = {s: n for s, n in self._changed.items() if n > changes}
            self._protected = {row["school"] for row in protected}
            self._began = began

    async def _count(self, schools: list[str]) -> bool:
        """Count these schools. Return False if all were counted in between, perhaps later."""
        began, counted = self._began, {s: self._changed[s] for s in schools}
        rows = await self._database.rows(SQL["some"], schools)
        if self._began != began:
            return False
        self._members = {s: n for s, n in self._members.items() if s not in schools}
        self._members |= {row["school"]: row["members"] for row in rows}
        self._names = sorted(self._members)
        if self._counting is None:  # else its counts will replace these
            self._changed = {s: n for s, n in self._changed.items() if counted.get(s) != n}
        return True


DOMAINS = queries.load("codes")

_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.ASCII)


class Domains:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[tuple[str | None, str]]:
        """Return (domain, school), by school; the domain is None for a protected school without."""
        return [
            (row["domain"], row["school"]) for row in await self._database.rows(DOMAINS["domains"])
        ]

    async def add(self, school: str, domain: str) -> None:
        """Require an e-mail of this or another domain of the school for sign-ups there. People who
        are members when it gets its first domain stay members. Raises BadInput, and Conflict for
        another school's domain."""
        domain = domain.lower().removeprefix("@")
        if len(domain) > 190 or not _DOMAIN.fullmatch(domain):
            raise BadInput(
                "bad_domain",
                f"not an e-mail domain: {domain}",
                hint="give the part behind the @, such as northfield.example",
            )
        if not school.strip() or "\0" in school:
            raise BadInput(
                "bad_school", "a school has a name", hint="write it as it is in profiles"
            )
        school = school.strip()
        if (hidden := hidden_character(school)) is not None:
            raise BadInput(
                "bad_school",
                f"the name holds a character that does not show: U+{ord(hidden):04X}",
                hint="type the name again, without what stands between its letters",
            )
        await refuse_lookalike(self._database, school)

        async def work(session: Session) -> None:
            if await session.row(DOMAINS["protect"], school) is not None:
                await session.run(queries.load("accounts")["admit_all"], school)
            of = await session.value(DOMAINS["add_domain"], domain, school)
            if of != school:
                raise Conflict(
                    "domain_taken",
                    f"{domain} belongs to {of}",
                    hint=f"outgrow school remove-domain {domain}",
                )

        await self._database.transaction(work)

    async def remove(self, domain: str, *, lock_out: bool = False) -> tuple[str, int]:
        """Remove a domain, and return its school and the number of people who are members only by
        an address there. They stay members unless `lock_out`. Raises NotFound."""
        domain = domain.lower().removeprefix("@")

        async def work(session: Session) -> tuple[str, int]:
            school = await session.value(DOMAINS["remove_domain"], domain)
            if school is None:
                raise NotFound(
                    "domain_not_found",
                    f"no school has the domain {domain}",
                    hint="outgrow school list",
                )
            members = [
                row["user_id"]
                for row in await session.rows(DOMAINS["members_by_domain"], domain, school)
            ]
            if not lock_out:
                await session.run(DOMAINS["keep"], members, school)
            return str(school), len(members)

        return await self._database.transaction(work)

    async def open(self, school: str) -> None:
        """Let anyone sign up for a school, as before it had domains. Raises NotFound."""
        if await self._database.row(DOMAINS["open_school"], school.strip()) is None:
            raise NotFound(
                "school_not_protected",
                f"{school} is not protected: it asks for no address",
                hint="outgrow school list",
            )


async def must_verify(session: Statements, school: str, email: str) -> bool:
    """Return whether a person who signs up for this school must prove their e-mail. Raises
    Forbidden for an e-mail of another domain, Conflict for a school that only looks like a
    protected one."""
    await refuse_lookalike(session, school)
    rows = await session.rows(DOMAINS["domains_of"], school)
    domains = [row["domain"] for row in rows if row["domain"] is not None]
    if rows and email.lower().rpartition("@")[2] not in domains:
        raise Forbidden(
            "email_not_of_school",
            f"{school} is for people with an e-mail of the school",
            detail=", ".join(domains[:10]) or "it takes no new members at present",
            hint="sign up with your address there",
        )
    return bool(rows)


async def refuse_lookalike(session: Statements, school: str) -> None:
    """Raise Conflict for a name that resembles a protected school's and is not the same."""
    protected = [row["school"] for row in await session.rows(DOMAINS["protected"])]
    other = find_resembled(school, protected)
    if other is not None:
        raise Conflict(
            "school_lookalike",
            f"this name looks like {other}, and is written in another way",
            detail=f"{school} is not {other}",
            hint=f"write the school as: {other}",
        )
