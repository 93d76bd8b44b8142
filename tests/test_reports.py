"""Reports as the operator sees them: read, dealt with, and opened again."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any
from uuid import uuid4

import pytest

from api import HERE, PASSWORD, Api
from outgrow.campus.safety import Reports
from outgrow.db.pool import Database
from outgrow.errors import BadInput, NotFound
from outgrow.queries import Query
from outgrow.schema.install import install
from test_cli_kv import outgrow
from test_safety import sign_up, upsert

HOSTILE = "\x1b[2J\x1b]0;owned\x07 line\n\u202eno"
SHOWN = ascii(HOSTILE)[1:-1]


async def ids(reports: Reports, limit: int, **which: Any) -> list[str]:
    """Of all pages, one after the other."""
    listed: list[str] = []
    while page := await reports.page(limit, after=listed[-1] if listed else None, **which):
        assert len(page) <= limit
        listed += [report["id"] for report in page]
    return listed


async def test_who_reported_whom_and_why(phased_api: Api) -> None:
    api, reports = phased_api, Reports(phased_api.services.database)
    me, other = await sign_up(api, "Me Me"), await sign_up(api, "Ot Her")
    about = {"profile": other.id, "reason": "harassment", "note": "again", "message": "m1"}
    sent = (await me.call("POST", "/reports", json=about)).json()
    await me.call("POST", "/reports", json={"profile": "nobody", "reason": "spam"})
    of_nobody, of_other = await reports.page(9)
    assert of_nobody["profile"] == {"id": "nobody", "name": None, "school": None}
    assert of_nobody["note"] is of_nobody["message"] is None
    school = of_other["reporter"]["school"]
    assert of_other == {
        "id": sent["id"],
        "created_at": of_other["created_at"],
        "reporter": {"id": me.id, "name": "Me Me", "school": school},
        "profile": {"id": other.id, "name": "Ot Her", "school": school},
        "reason": "harassment",
        "note": "again",
        "message": "m1",
        "closed_at": None,
        "outcome": None,
    }
    for person in (me, other):
        await person.call("DELETE", "/profiles/me", json={"password": PASSWORD})
    await api.services.deletions.background.settle(10)
    (_, of_gone) = await reports.page(9)
    assert of_gone["reporter"] is None
    assert of_gone["profile"] == {"id": other.id, "name": None, "school": None}


async def test_pages_have_each_report_once_newest_first(campus: Database) -> None:
    sql = (
        "INSERT INTO network.reports (reporter_id, profile_id, reason, created_at, closed_at) "
        "SELECT 'a', 'b', 'spam', timestamptz '2026-01-01Z' + n / 4 * interval '1 us', "
        "CASE WHEN n % 3 = 0 THEN now() END FROM generate_series(0, 29) AS n"
    )
    await campus.run(Query("t", sql))
    rows = await campus.rows(
        Query("t", "SELECT id, closed_at FROM network.reports ORDER BY created_at DESC, id DESC")
    )
    reports = Reports(campus)
    for limit in (1, 3, 4, 30, 100):
        assert await ids(reports, limit) == [row["id"] for row in rows]
        still_open = [row["id"] for row in rows if row["closed_at"] is None]
        assert await ids(reports, limit, still_open=True) == still_open
    with pytest.raises(NotFound, match="there is no report"):
        await reports.page(1, after=str(uuid4()))


async def test_a_report_is_dealt_with_once(api: Api) -> None:
    me, reports = await sign_up(api), Reports(api.services.database)
    await me.call("POST", "/reports", json={"profile": "x", "reason": "spam"})
    (report,) = await reports.page(1)
    first = await reports.close(report["id"])
    assert first["outcome"] is None
    again = await reports.close(report["id"], "Talked to both.")
    assert again == first | {"outcome": "Talked to both."}
    assert await reports.close(report["id"]) == again
    await install(api.services.database)
    assert await reports.page(1) == [report | again], "installing again loses nothing"
    await reports.reopen(report["id"])
    await reports.reopen(report["id"])
    assert await reports.page(1, still_open=True) == [report]
    for outcome in ("", "  ", "x" * 201, "two\nlines", "\x1b[2J", "\udc80"):
        with pytest.raises(BadInput):
            await reports.close(report["id"], outcome)
    for change in (reports.close, reports.reopen):
        with pytest.raises(NotFound):
            await change(str(uuid4()))


async def test_the_command(api: Api, campus_url: str) -> None:
    me, other = await sign_up(api, "Me Me"), await sign_up(api)
    await upsert(api, f"user:{other.id}", {"name": HOSTILE, "school": HERE})
    for about in (
        {"profile": other.id, "reason": "other", "note": HOSTILE, "message": HOSTILE},
        {"profile": HOSTILE, "reason": "spam"},
    ):
        answer = await me.call("POST", "/reports", json=about)
        assert answer.status_code == 201
    newest = answer.json()["id"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = outgrow("reports", *arguments, DATABASE_URL=campus_url)
        assert done.returncode == 0, done.stderr
        return done

    first = run("--limit", "1")
    assert first.stderr == f"there are more: --after {newest}\n"
    heading, by, about_whom, state = first.stdout.splitlines()
    assert re.fullmatch(newest + r"  \d{4}-\d\d-\d\d \d\d:\d\d UTC  spam", heading)
    assert by == f"  by     Me Me, {HERE}, {me.id}"
    assert about_whom == f"  about  {SHOWN}, of whom there is no profile"
    assert state == "  open"
    page = json.loads(run("--limit", "1", "--after", newest.upper(), "--json").stdout)
    (older,) = page["items"]
    assert (page["next"], older["note"], older["profile"]["name"]) == (None, HOSTILE, HOSTILE)
    output = run("done", newest, "--outcome", "Nobody there.").stdout
    assert re.fullmatch(r"dealt with on 20.* UTC: Nobody there.\n", output)
    left = run("--open").stdout
    assert newest not in left
    assert left.splitlines()[3:] == [
        f"         message {SHOWN}",
        "  | \\x1b[2J\\x1b]0;owned\\x07 line",
        "  | \\u202eno",
        "  open",
    ]
    run("done", older["id"])
    assert run("--open").stdout == "no reports\n"
    assert json.loads(run("--open", "--json").stdout) == {"items": [], "next": None}
    again = json.loads(run("reopen", newest, "--json").stdout)
    assert again == {"id": newest, "closed_at": None, "outcome": None}


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("--limit 0", 2, "Invalid value for '--limit'"),
        ("--limit 1001", 2, "Invalid value for '--limit'"),
        ("--after x", 2, "'x' is not a valid UUID"),
        ("done", 2, "Missing argument 'ID'"),
        ("done intro:1", 2, "'intro:1' is not a valid UUID"),
        ("--open done NONE", 2, "--limit, --after and --open are for the list"),
        ("dnoe NONE", 2, "No such command 'dnoe'"),
        ("--after NONE", 1, "there is no report NONE"),
        ("done NONE", 1, "there is no report NONE"),
        ("reopen NONE", 1, "there is no report NONE"),
        ("done NONE --outcome=", 2, "what came of a report is one line"),
    ],
)
def test_what_cannot_be_is_said(campus_url: str, line: str, code: int, message: str) -> None:
    none = str(uuid4())
    arguments = line.replace("NONE", none).split(" ")
    done = outgrow("reports", *arguments, DATABASE_URL=campus_url)
    assert (done.returncode, done.stdout) == (code, "")
    assert message.replace("NONE", none) in done.stderr
    assert "Traceback" not in done.stderr
