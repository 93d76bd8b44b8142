"""Profiles: lists of a school's people, one person, the viewer's own.

No profile is decoded here: PostgreSQL writes the JSON, and the bytes go to the socket.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import asyncpg
import msgspec
from msgspec import UNSET, Meta, UnsetType

from outgrow import queries
from outgrow.campus import Viewer
from outgrow.campus.cache import Cache, Caches, Hidden
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people.schools import hidden_character
from outgrow.db.pool import Database, Session
from outgrow.errors import Conflict, NotFound
from outgrow.queries import Query

SQL = queries.load("profiles")

FACETS = ("major", "year")
MOST_COUNTS = 1000
MOST_FIRST = 500
"""First pages in the cache: 6 MB as they are asked for, five times that with the longest."""
MOST_VALUES = 100
"""Values of a facet. Twice as many are counted, since hidden people may empty some of them."""
Sort = Literal["newest", "name"]

# One line with something on it; PostgreSQL's text holds no NUL, a name no line break.
# (Python's `$` alone would let one end in a line break.)
_LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$(?!\n)"
_LINK = r"^https://[!-~]+$(?!\n)"
SingleLine = Annotated[str, Meta(min_length=1, max_length=100, pattern=_LINE)]
Short = Annotated[str, Meta(min_length=1, max_length=40, pattern=_LINE)]
Link = Annotated[str, Meta(max_length=2000, pattern=_LINK)]
Prose = Annotated[str, Meta(max_length=5000)]
SingleLines = Annotated[list[SingleLine], Meta(max_length=50)]
Links = Annotated[list[Link], Meta(max_length=12)]
GoalList = Annotated[list[SingleLine], Meta(max_length=20)]
GoalProse = Annotated[str, Meta(max_length=1500)]


# What has no ink by its category in Unicode, and what is called a letter or a sign and has none.
_INKLESS = frozenset(("Cc", "Cf", "Mn", "Zl", "Zp", "Zs"))
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def is_blank(text: str) -> bool:
    """Return whether nothing of the text shows: blanks, zero-width characters, fillers."""
    return all(c in _FILLERS or unicodedata.category(c) in _INKLESS for c in text)


class _Trimmed(msgspec.Struct):
    """Input whose texts are trimmed where they are compared and sorted, so that a token and a
    profile name the same school. Blank texts are refused, and in a single line also characters that
    do not show: the line could pass for another."""

    def __post_init__(self) -> None:
        for name in _TRIMMED:
            value = getattr(self, name)
            if isinstance(value, str):
                if is_blank(value):
                    raise ValueError(f"{name} is blank")
                setattr(self, name, value.strip())
        for name in _LINES:
            value = getattr(self, name, None)
            for line in (value,) if isinstance(value, str) else value or ():
                _check_shown(name, line)


_TRIMMED = ("name", "school", "major", "year")
_LINES = (*_TRIMMED, "pronouns", "interests", "looking_for", "personality", "academic", "leisure")


def _check_shown(field: str, line: str) -> None:
    hidden = hidden_character(line)
    if hidden is not None:
        code = f"U+{ord(hidden):04X}"
        raise ValueError(f"{field} holds a character that does not show: {code}")


class NewProfile(_Trimmed, forbid_unknown_fields=True, kw_only=True):
    """A new profile. The school cannot be changed later."""

    name: SingleLine
    school: SingleLine
    major: SingleLine | None = None
    year: Short | None = None
    interests: SingleLines | None = None
    looking_for: SingleLines | None = None


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Settings to change; those that are left out stay as they are."""

    profile_visible: bool | UnsetType = UNSET
    read_receipts: bool | UnsetType = UNSET
    allow_messages: bool | UnsetType = UNSET


class Goals(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Under 32 kB together in any script: a `card` leaves out what is larger."""

    def __post_init__(self) -> None:
        for name in ("academic", "leisure"):
            for line in getattr(self, name) or ():
                _check_shown(name, line)

    academic: GoalList | UnsetType = UNSET
    leisure: GoalList | UnsetType = UNSET
    career: GoalProse | UnsetType = UNSET
    personal: GoalProse | UnsetType = UNSET


class ProfileChanges(_Trimmed, forbid_unknown_fields=True, kw_only=True):
    """Changes to a profile. A field left out stays, null empties it; lists are replaced."""

    name: SingleLine | UnsetType = UNSET
    school: Any = UNSET
    major: SingleLine | UnsetType | None = UNSET
    year: Short | UnsetType | None = UNSET
    age: Annotated[int, Meta(ge=13, le=120)] | UnsetType | None = UNSET
    pronouns: SingleLine | UnsetType | None = UNSET
    bio: Prose | UnsetType | None = UNSET
    interests: SingleLines | UnsetType | None = UNSET
    looking_for: SingleLines | UnsetType | None = UNSET
    personality: SingleLines | UnsetType | None = UNSET
    goals: Goals | UnsetType | None = UNSET
    photos: Links | UnsetType | None = UNSET
    profile_picture: Link | UnsetType | None = UNSET
    additional_info: Prose | UnsetType | None = UNSET
    settings: Settings | UnsetType = UNSET


_COLUMNS = {
    "name": "name",
    "major": "major",
    "year": "year",
    "interests": "interests",
    "looking_for": "lookingFor",
}
_FIELDS = {
    "age": "age",
    "pronouns": "pronouns",
    "bio": "bio",
    "personality": "personality",
    "goals": "goals",
    "photos": "photos",
    "profile_picture": "profilePicture",
    "additional_info": "additionalInfo",
}
_SETTINGS = {
    "profile_visible": "profileVisible",
    "read_receipts": "readReceipts",
    "allow_messages": "allowMessages",
}


Narrowed = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters of a list. A profile must have all the `interests` and `looking_for` given."""

    major: str | None = None
    year: str | None = None
    interests: tuple[str, ...] = ()
    looking_for: tuple[str, ...] = ()

    def arguments(self) -> Narrowed:
        """$2 to $5 of the page."""
        return {
            "major": self.major,
            "year": self.year,
            "interests": _json(self.interests),
            "looking_for": _json(self.looking_for),
        }


@dataclass(frozen=True, slots=True)
class _FirstPage:
    """A page shared by all viewers who block none of `ids` and are not in `blocked`."""

    row: asyncpg.Record
    ids: frozenset[str]
    blocked: frozenset[str]


class Profiles:
    def __init__(self, database: Database, cursors: Cursors, caches: Caches) -> None:
        self._database = database
        self._cursors = cursors
        self._hidden = Hidden(database, caches)
        self._caches = caches
        self._firsts: Cache[_FirstPage] = caches.named("first_pages", MOST_FIRST)
        self._counts: Cache[dict[str, int]] = caches.named("counts", MOST_COUNTS)

    async def page(
        self,
        filters: Filters,
        sort: Sort,
        page: Page,
        *,
        viewer: Viewer,
        total: bool = False,
        facets: Sequence[str] = (),
    ) -> bytes:
        """Return the JSON of a page of the school's visible profiles, without people hidden from
        `viewer`. Raises BadCursor, BadInput.

        First pages come from the cache, and so do `total` and `facets`, which read every profile
        that the filters leave. These are counted once for all viewers: the few who are hidden from
        this one are subtracted.
        """
        school, narrowed = viewer.school, filters.arguments()
        of = ("profiles", school, sort, *narrowed.values())
        after = self._cursors.open(of, page.cursor)
        row = None
        if self._caches.seconds and page.cursor is None and not page.offset:
            row = await self._first(filters, sort, page.limit, viewer)
        if row is None and page.offset:
            query = SQL[f"deep_{sort}"].given(**narrowed)
            row = await self._row(query, school, narrowed, page.limit, viewer.id, page.offset)
        elif row is None:
            query = SQL[f"page_{sort}"].given(**narrowed, cursor=page.cursor)
            row = await self._row(query, school, narrowed, page.limit, viewer.id, *after)
        extra = b""
        hidden = await self._hidden.ids(viewer) if total or facets else []
        if total:
            count = await self._counted("count", school, narrowed, hidden)
            extra += b',"total":%d' % count.get("", 0)
        if facets:
            counts = [
                b'"%b":%b'
                % (facet.encode("ascii"), await self._facet(facet, school, narrowed, hidden))
                for facet in facets
            ]
            extra += b',"facets":{%b}' % b",".join(counts)
        return self._cursors.finish(row, of, extra)

    async def _first(
        self, filters: Filters, sort: Sort, limit: int, viewer: Viewer
    ) -> asyncpg.Record | None:
        """Return the cached first page, or None if a person on it is hidden from this viewer.
        Blocks are read again; old clients' lists are as they were when the page was made."""

        async def make() -> _FirstPage:
            narrowed = filters.arguments()
            query = SQL[f"first_{sort}"].given(**narrowed)
            row = await self._row(query, viewer.school, narrowed, limit)
            ids = row["ids"] or []
            blocked = await self._database.value(SQL["blocked_by"], ids)
            return _FirstPage(row, frozenset(ids), frozenset(blocked))

        first = await self._firsts.get(viewer.school, (filters, sort, limit), make)
        if viewer.id in first.blocked or first.ids.intersection(await self._hidden.blocked(viewer)):
            return None
        return first.row

    async def _row(
        self, query: Query, school: str, narrowed: Narrowed, *more: int | str | None
    ) -> asyncpg.Record:
        # Whether many or few share an interest decides between reading the newest until the page is
        # full and reading the few: at 50,000 users 2 ms against 490 ms with the wrong one.
        varies = narrowed["interests"] is not None or narrowed["looking_for"] is not None
        ask = self._database.row_as_planned_for if varies else self._database.row
        row = await ask(query, school, *narrowed.values(), *more)
        assert row is not None
        return row

    async def _facet(
        self, facet: str, school: str, narrowed: Narrowed, hidden: Sequence[str]
    ) -> bytes:
        """Return members by value, without the facet's own filter, to show the alternatives."""
        counts = await self._counted(f"facet_{facet}", school, {**narrowed, facet: None}, hidden)
        by_size = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return msgspec.json.encode(
            [{"value": value, "count": members} for value, members in by_size[:MOST_VALUES]]
        )

    async def _counted(
        self, block: str, school: str, narrowed: Narrowed, hidden: Sequence[str]
    ) -> dict[str, int]:
        """Return members by value of a facet; for a `count`, all under the value ""."""

        async def count() -> dict[str, int]:
            query = SQL[block].given(**narrowed)
            rows = await self._database.rows(query, school, *narrowed.values())
            return {row["value"]: row["members"] for row in rows}

        counts = await self._counts.get(school, (block, *narrowed.values()), count)
        if not hidden:
            return counts
        query = SQL["hidden"].given(**narrowed)
        rows = await self._database.rows(query, school, *narrowed.values(), hidden)
        facet = block.removeprefix("facet_")
        less = Counter("" if facet == "count" else row[facet] for row in rows)
        left = {value: members - less[value] for value, members in counts.items()}
        return {value: members for value, members in left.items() if members > 0}

    async def profile(self, user_id: str, viewer: Viewer) -> bytes:
        """Return the public profile of a person at the viewer's school. Raises NotFound."""
        body: bytes | None = await self._database.value(
            SQL["one"], user_id, viewer.school, viewer.id
        )
        if body is None:
            raise no_such_profile()
        return body

    async def own_profile(self, user_id: str) -> bytes:
        """Return the user's own profile, with e-mail and settings. Raises NotFound."""
        body: bytes | None = await self._database.value(SQL["own"], user_id)
        if body is None:
            raise no_profile()
        return body

    async def change(self, user_id: str, school: str | None, changes: ProfileChanges) -> bytes:
        """Change the user's own profile, of `school`, and return it. Raises Conflict, NotFound."""
        if changes.school is not UNSET:
            raise Conflict(
                "school_is_fixed",
                "the school of a profile cannot be changed",
                hint="sign up with an account at the other school",
            )
        columns, fields, removed, settings = _change_parameters(changes)

        async def work(session: Session) -> None:
            tag = await session.run(SQL["change"], user_id, columns, fields, removed, settings)
            if tag == "UPDATE 0":
                raise no_profile()

        await self._database.transaction(work)
        if school is not None:
            self._caches.changed(school)
        return await self.own_profile(user_id)


async def insert_profile(session: Session, user_id: str, email: str, profile: NewProfile) -> None:
    """Add the profile as the prototype would have written it, in the caller's transaction."""
    rest = {
        "id": user_id,
        # The last is for old clients alone: no route shows who is online.
        "settings": dict.fromkeys((*_SETTINGS.values(), "showOnlineStatus"), True),
        "updatedAt": _now(),
    }
    await session.run(
        SQL["insert"],
        user_id,
        email,
        profile.name,
        profile.school,
        profile.major,
        profile.year,
        _json(profile.interests or ()) or "[]",
        _json(profile.looking_for or ()) or "[]",
        _json_text(rest),
    )


def no_such_profile() -> NotFound:
    """Return the same error for an unknown person, one of another school, and a hidden one."""
    return NotFound(
        "profile_not_found",
        "there is no such profile at your school",
        hint="find people with GET /profiles or GET /search",
    )


def no_profile() -> NotFound:
    return NotFound(
        "no_own_profile",
        "your account has no profile yet",
        hint="make one with POST /profiles",
    )


def _change_parameters(
    changes: ProfileChanges,
) -> tuple[str, str, list[str], str | None]:
    """Return the changes as the parameters $2 to $5 of the statement."""
    given = {
        name: value
        for name in changes.__struct_fields__
        if (value := getattr(changes, name)) is not UNSET
    }
    columns = {name: value for name, value in given.items() if name in _COLUMNS}
    fields = {field: given[name] for name, field in _FIELDS.items() if name in given}
    kept = {field: value for field, value in fields.items() if value is not None}
    kept["updatedAt"] = _now()
    settings = given.get("settings")
    switches = {
        field: value
        for name, field in _SETTINGS.items()
        if settings is not None and (value := getattr(settings, name)) is not UNSET
    }
    # A column's field may be in `rest` as well, with a type that the column cannot hold.
    removed = [*fields, *(_COLUMNS[name] for name in columns)]
    return (
        _json_text(columns),
        _json_text(kept),
        removed,
        _json_text(switches) if switches else None,
    )


def _json(values: Sequence[str]) -> str | None:
    """Return JSON for a parameter of type jsonb; None for an empty list."""
    return _json_text(values) if values else None


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode("utf-8")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
