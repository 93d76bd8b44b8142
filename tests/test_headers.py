"""What every answer says to browsers, whichever part of the server gives it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx
import pytest

from api import Api
from outgrow.db.pool import Database
from outgrow.web.html import assets
from outgrow.web.http.connections import _WHY, _refusal

PATHS = (
    *("/healthz", "/profiles", "/nothing", "/docs", "/openapi.json", "/schools"),
    *("/", "/sign-in", "/people", "/my/account", "/sign-up"),
)


@pytest.fixture
async def api(campus: Database) -> AsyncIterator[Api]:
    api = await Api.open(campus)
    yield api
    await api.close()


def check(headers: httpx.Headers) -> None:
    """Nothing runs that is not ours, in no frame, of no other site, and nothing is guessed."""
    policy = headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not any("unsafe" in part or "http" in part for part in policy)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("no-referrer", "same-origin")
    kept = ("no-store", "no-cache", "public, max-age=31536000, immutable")
    assert headers["cache-control"] in kept
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers
    kind = headers.get("content-type", "")
    if kind.startswith("text/") or "+xml" in kind:
        assert kind.endswith("charset=utf-8")


async def test_every_answer_says_how_to_take_it(api: Api) -> None:
    static = [f"/static/{name}" for name in assets.static()[0]]
    for path in (*PATHS, *static):
        for accept in ("text/html", "application/json"):
            for method in ("GET", "POST", "DELETE", "TRACE"):
                answer = await api.client.request(method, path, headers={"accept": accept})
                check(answer.headers)
                if method == "TRACE":
                    assert answer.status_code in (404, 405)


async def test_what_is_no_page_is_a_sandbox(api: Api) -> None:
    for path in ("/healthz", "/profiles", "/openapi.json"):
        policy = (await api.get(path)).headers["content-security-policy"]
        assert policy.endswith("sandbox")
        assert "form-action 'none'" in policy


@pytest.mark.parametrize("status", list(_WHY))
def test_what_never_reached_the_application_says_so_too(status: HTTPStatus) -> None:
    head, _, body = _refusal(status).partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    headers = httpx.Headers([(name, value) for name, value in lines])
    check(headers)
    assert headers["content-length"] == str(len(body))
