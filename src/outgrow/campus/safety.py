"""Safety: blocks between people, and reports to the operator.

A block hides two people from each other everywhere, and neither can tell it from the other's
absence. So blocking does not check that the other person exists: the answer would tell who had
blocked whom. A person who was blocked first may block back.

Blocks that old clients keep in a user's document hide as well: the owner from the people named
there immediately, and these people from the owner since the owner's last sign-in or refresh
(`absorb_blocks`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from outgrow import events, queries
from outgrow.campus import Viewer
from outgrow.campus.pagination import Cursors, Page
from outgrow.campus.people.connections import lock_pair
from outgrow.campus.people.intros import IntroId, id_columns
from outgrow.campus.people.profiles import no_such_profile
from outgrow.db.pool import Database, Session
from outgrow.errors import BadInput, Conflict, NotFound

SQL = queries.load("safety")
CONNECTIONS = queries.load("connections")
INTROS = queries.load("intros")

LONGEST_ID = 200
MOST_BLOCKED = 1000
"""People whom a person can block: every list compares with all of them."""

Reason = Literal["spam", "harassment", "impersonation", "inappropriate", "other"]


class NewReport(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The person that a report is about, and why; `message` is the id of a message."""

    profile: Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
    reason: Reason
    note: Annotated[str, Meta(max_length=2000)] | None = None
    message: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class Safety:
    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors

    async def block(self, user_id: str, other: str) -> None:
        """Hide the two from each other, and end their connection and their pending intros: those
        of the other person are declined, those of `user_id` withdrawn. Their chat stays, and is
        closed. Blocking twice is no error.

        Raises BadInput (oneself), NotFound (an impossible id), Conflict (too many).
        """
        _check(user_id, other)

        async def work(session: Session) -> None:
            await lock_pair(session, user_id, other)
            rows = await session.rows(INTROS["between"].given(fresh=False), user_id, other)
            intro_ids = [IntroId.from_row(row) for row in rows]
            await session.run(SQL["lock"], user_id, other, *id_columns(intro_ids))
            if await session.value(SQL["blocked"], user_id, other) >= MOST_BLOCKED:
                raise Conflict(
                    "too_many_blocks",
                    f"you can block at most {MOST_BLOCKED} people",
                    hint="see GET /blocks, and unblock people whom you do not mind any more",
                )
            await session.run(SQL["block"], user_id, other)
            await session.run(SQL["add_to_list"], user_id, other)
            for mine, theirs in ((user_id, other), (other, user_id)):
                await session.run(CONNECTIONS["remove"], mine, theirs)
            for intro_id in intro_ids:
                denied = await session.run(INTROS["deny"], *intro_id.parts) == "UPDATE 1"
                if denied and intro_id.from_id == user_id:
                    await session.run(INTROS["close"], *intro_id.parts)

        await self._database.transaction(work)

    async def unblock(self, user_id: str, other: str) -> None:
        """Remove the block by `user_id`, from the document of an old client too. No block is no
        error; a block by the other person stays. Raises BadInput, NotFound, as `block` does."""
        _check(user_id, other)

        async def work(session: Session) -> None:
            await lock_pair(session, user_id, other)
            await session.run(SQL["lock_own"], user_id)
            await session.run(SQL["unblock"], user_id, other)
            await session.run(SQL["take_from_list"], user_id, other)

        await self._database.transaction(work)

    async def blocks(self, page: Page, *, viewer: Viewer) -> bytes:
        """Return the JSON of a page of the people whom `viewer` has blocked, newest first. People
        who left are listed by id, to be unblocked. Raises BadCursor."""
        of = ("blocks", viewer.school, viewer.id)
        after = self._cursors.open(of, page.cursor)
        query = SQL["page"].given(cursor=page.cursor)
        row = await self._database.row(
            query, viewer.id, viewer.school, page.limit, page.offset, *after
        )
        assert row is not None
        return self._cursors.finish(row, of)

    async def report(self, reporter: str, report: NewReport) -> str:
        """Store a report for the operator, and return its id. As with a block, the other person
        need not exist. Raises BadInput (oneself), NotFound (an impossible id)."""
        _check(reporter, report.profile)
        report_id: str = await self._database.value(
            SQL["report"], reporter, report.profile, report.reason, report.note, report.message
        )
        events.event("report_made", account=reporter, subject=report.profile)
        return report_id


class Reports:
    """The reports, for the operator alone: no route shows them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, limit: int, *, after: str | None = None, still_open: bool = False
    ) -> list[dict[str, Any]]:
        """Return reports, newest first, older than the report `after`. Raises NotFound for an
        unknown one."""
        before = None
        if after is not None:
            before = await self._database.value(SQL["reported_at"], after)
            if before is None:
                raise _no_report(after)
        query = SQL["reports"].given(still_open=still_open, after=after)
        rows = await self._database.rows(query, limit, before, after)
        return [msgspec.json.decode(row[0]) for row in rows]

    async def close(self, report_id: str, outcome: str | None = None) -> dict[str, Any]:
        """Close a report, and return it with the time at which it was first closed and its latest
        outcome. Raises BadInput, NotFound."""
        if outcome is not None and not _is_line(outcome):
            raise BadInput(
                "bad_outcome",
                "what came of a report is one line of up to 200 characters",
                hint="shorten it, or leave it out",
            )
        closed: str | None = await self._database.value(SQL["close_report"], report_id, outcome)
        if closed is None:
            raise _no_report(report_id)
        report: dict[str, Any] = msgspec.json.decode(closed)
        return report

    async def reopen(self, report_id: str) -> None:
        """Open a closed report again. Raises NotFound."""
        if await self._database.run(SQL["reopen_report"], report_id) == "UPDATE 0":
            raise _no_report(report_id)


async def absorb_blocks(database: Database, user_id: str) -> None:
    """Copy the blocks in the person's document. Reads that document, and does more only after an
    old client changed it.

    Connections and intros stay as they are: ending them was up to the old client.
    """
    if not await database.value(SQL["differs"], user_id, MOST_BLOCKED):
        return

    async def work(session: Session) -> None:
        await session.run(SQL["lock_own"], user_id)
        await session.run(SQL["absorb"], user_id, MOST_BLOCKED)

    await database.transaction(work)


def _check(user_id: str, other: str) -> None:
    if other == user_id:
        raise BadInput("about_oneself", "this is your own profile", hint="name another person")
    if not 0 < len(other) <= LONGEST_ID or ":" in other:
        raise no_such_profile()


def _is_line(text: str) -> bool:
    return bool(text.strip()) and text.isprintable() and len(text) <= 200


def _no_report(report_id: str) -> NotFound:
    return NotFound(
        "report_not_found", f"there is no report {report_id}", hint="see outgrow reports"
    )
