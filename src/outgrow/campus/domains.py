"""The e-mail domains of schools: who signs up for a school that has some shows a mailbox there, and
nobody signs up for one that only looks like it."""

from __future__ import annotations

import re

from outgrow import queries
from outgrow.campus.lookalikes import hidden_character, resembled
from outgrow.database import Database, Session, Statements
from outgrow.errors import BadInput, Conflict, Forbidden, NotFound

SQL = queries.load("codes")

_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.ASCII)


class Domains:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[tuple[str, str]]:
        """(domain, school), by school."""
        return [(row[0], row[1]) for row in await self._database.rows(SQL["domains"])]

    async def add(self, school: str, domain: str) -> None:
        """From now on a sign-up for `school` needs an e-mail of one of its domains. Who is a member
        already stays one. Raises BadInput, Conflict when it is another school's."""
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

        async def work(session: Session) -> str:
            if not await session.rows(SQL["domains_of"], school):
                await session.run(queries.load("accounts")["admit_all"], school)
            return str(await session.value(SQL["add_domain"], domain, school))

        of = await self._database.transaction(work)
        if of != school:
            raise Conflict(
                "domain_taken",
                f"{domain} is of {of}",
                hint=f"outgrow school remove-domain {domain}",
            )

    async def remove(self, domain: str) -> str:
        """The school that it was of. Raises NotFound."""
        school = await self._database.value(SQL["remove_domain"], domain.lower().removeprefix("@"))
        if school is None:
            raise NotFound(
                "domain_not_found", f"no school has the domain {domain}", hint="outgrow school list"
            )
        return str(school)


async def must_verify(session: Statements, school: str, email: str) -> bool:
    """Whether who signs up for this school has to show that the e-mail is theirs. Raises Forbidden
    when it is of no domain of a school that has some, Conflict when the school only looks like one
    that has."""
    await refuse_lookalike(session, school)
    domains = [row[0] for row in await session.rows(SQL["domains_of"], school)]
    if domains and email.lower().rpartition("@")[2] not in domains:
        raise Forbidden(
            "email_not_of_school",
            f"{school} is for people with an e-mail of the school",
            detail=", ".join(domains[:10]),
            hint="sign up with your address there",
        )
    return bool(domains)


async def refuse_lookalike(session: Statements, school: str) -> None:
    """Raise Conflict for a name that is not that of a school with domains, and looks like it."""
    protected = [row["school"] for row in await session.rows(SQL["protected"])]
    other = resembled(school, protected)
    if other is not None:
        raise Conflict(
            "school_lookalike",
            f"this name looks like {other}, and is written in another way",
            detail=f"{school} is not {other}",
            hint=f"write the school as: {other}",
        )
