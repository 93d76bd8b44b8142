"""The e-mail domains of schools. A school is protected from its first domain on, until an operator
opens it: who signs up for it shows a mailbox there, and nobody signs up for one that only looks
like it. Without any domain nobody signs up for a protected school.
"""

from __future__ import annotations

import re

from outgrow import queries
from outgrow.campus.people.lookalikes import hidden_character, resembled
from outgrow.db.pool import Database, Session, Statements
from outgrow.errors import BadInput, Conflict, Forbidden, NotFound

SQL = queries.load("codes")

_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.ASCII)


class Domains:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[tuple[str | None, str]]:
        """(domain, school), by school; None for a protected school without any."""
        return [(row["domain"], row["school"]) for row in await self._database.rows(SQL["domains"])]

    async def add(self, school: str, domain: str) -> None:
        """From now on a sign-up for `school` needs an e-mail of one of its domains. Who is a member
        when it gets its first one stays one. Raises BadInput, Conflict when it is another
        school's."""
        domain = domain.lower().removeprefix("@")
        if len(domain) > 190 or not _DOMAIN.fullmatch(domain):
            raise BadInput(
                "bad_domain",
                f"that is no domain of e-mails: {domain}",
                hint="give what stands behind the @, such as northfield.example",
            )
        if not school.strip() or "\0" in school:
            raise BadInput("bad_school", "a school has a name", hint="give it as profiles have it")
        school = school.strip()
        if (hidden := hidden_character(school)) is not None:
            raise BadInput(
                "bad_school",
                f"the name holds a character that does not show: U+{ord(hidden):04X}",
                hint="type the name again, without what stands between its letters",
            )
        await refuse_lookalike(self._database, school)

        async def work(session: Session) -> None:
            if await session.row(SQL["protect"], school) is not None:
                await session.run(queries.load("accounts")["admit_all"], school)
            of = await session.value(SQL["add_domain"], domain, school)
            if of != school:
                raise Conflict(
                    "domain_taken",
                    f"{domain} is of {of}",
                    hint=f"outgrow school remove-domain {domain}",
                )

        await self._database.transaction(work)

    async def remove(self, domain: str, *, lock_out: bool = False) -> tuple[str, int]:
        """Return the school that it was of, and how many are members by an address there alone.
        They stay members unless they are to be locked out. Raises NotFound."""
        domain = domain.lower().removeprefix("@")

        async def work(session: Session) -> tuple[str, int]:
            school = await session.value(SQL["remove_domain"], domain)
            if school is None:
                raise NotFound(
                    "domain_not_found",
                    f"no school has the domain {domain}",
                    hint="outgrow school list",
                )
            members = [
                row["user_id"]
                for row in await session.rows(SQL["members_by_domain"], domain, school)
            ]
            if not lock_out:
                await session.run(SQL["keep"], members, school)
            return str(school), len(members)

        return await self._database.transaction(work)

    async def open(self, school: str) -> None:
        """Let anybody sign up for a school, as before it had domains. Raises NotFound."""
        if await self._database.row(SQL["open_school"], school.strip()) is None:
            raise NotFound(
                "school_not_protected",
                f"no address is asked for by {school}",
                hint="outgrow school list",
            )


async def must_verify(session: Statements, school: str, email: str) -> bool:
    """Whether who signs up for this school has to show that the e-mail is theirs. Raises Forbidden
    when it is of no domain of a protected school, Conflict when the school only looks like one."""
    await refuse_lookalike(session, school)
    rows = await session.rows(SQL["domains_of"], school)
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
    """Raise Conflict for a name that is not that of a protected school, and looks like it."""
    protected = [row["school"] for row in await session.rows(SQL["protected"])]
    other = resembled(school, protected)
    if other is not None:
        raise Conflict(
            "school_lookalike",
            f"this name looks like {other}, and is written in another way",
            detail=f"{school} is not {other}",
            hint=f"write the school as: {other}",
        )
