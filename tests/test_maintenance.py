"""A served campus, as its own process: codes at its terminal, a deletion that survives a kill."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from api import HERE, PASSWORD
from growing import until
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.settings import DEFAULT_STORE
from test_serve import environment, served

HOLD = f"SELECT FROM \"{DEFAULT_STORE}\" WHERE key = 'user:p500:connections' FOR UPDATE"
BODY = {"email": "ada@northfield.example", "password": PASSWORD, "name": "Ada", "school": HERE}


async def test_a_code_at_the_terminal_and_a_deletion_that_is_killed(
    tmp_path: Path, campus: Database, campus_url: str
) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "outgrow", *arguments],
            env=environment(tmp_path, DATABASE_URL=campus_url),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert (
        run("school", "add-domain", HERE, "northfield.example") == f"{HERE}: @northfield.example\n"
    )
    assert run("school", "list", "--json") == (
        f'[{{"school": "{HERE}", "domain": "northfield.example"}}]\n'
    )
    with served(tmp_path, DATABASE_URL=campus_url) as first:
        assert httpx.post(f"{first.url}/auth/signup", json=BODY, timeout=20).status_code == 202
        code = re.search(r"Your code is ([0-9]{6})", first.output())
        assert code
        body = {"email": BODY["email"], "code": code[1], "password": PASSWORD}
        answer = httpx.post(f"{first.url}/auth/verify", json=body, timeout=20)
        assert answer.status_code == 201, answer.text
        fill = """
        INSERT INTO campus.connections (user_id, connected_user_id)
        SELECT $1, 'p' || n FROM generate_series(1, 1000) n
        UNION ALL SELECT 'p' || n, $1 FROM generate_series(1, 1000) n
        """
        await campus.run(Query("t", fill), answer.json()["user_id"])
        headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
        url = f"{first.url}/profiles/me"
        async with campus.session() as session, session.connection.transaction():
            # The deletion cannot come to its end before it is killed.
            await session.run(Query("t", HOLD))
            gone = httpx.request(
                "DELETE", url, json={"password": PASSWORD}, headers=headers, timeout=20
            )
            assert gone.status_code == 204
            first.stop(signal.SIGKILL)
    left = Query("t", "SELECT count(*) FROM campus.connections")
    assert await campus.value(left) > 0
    with served(tmp_path, DATABASE_URL=campus_url):

        async def nobody() -> bool:
            return bool(await campus.value(left) == 0)

        await until(nobody, "nobody is connected to who is gone")
    assert run("school", "remove-domain", "northfield.example")
