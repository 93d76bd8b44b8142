"""What every route does alike: problems, headers, limits; and what machines and operators ask."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from html.parser import HTMLParser
from typing import Any

import httpx
import msgspec
import pytest

from api import ELSEWHERE, HERE, Api, pages
from outgrow.db.pool import Database
from outgrow.events import Lines
from outgrow.queries import Query
from outgrow.web.api import ROUTES
from outgrow.web.api.endpoint import CODES, ApiRequest
from outgrow.web.api.openapi import codes_of, document
from outgrow.web.api.schemas import SchoolPage
from outgrow.web.http.response import Problem, Response


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(problem) == set(Problem.__struct_fields__)
    assert problem["status"] == status == CODES[code].status
    assert problem["type"] == f"/docs#{code}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem


@pytest.mark.parametrize("path", ["/nothing", "/profiles/", "/profiles/a/b", "/auth", "/x//"])
async def test_where_nothing_is(api: Api, path: str) -> None:
    assert_problem(await api.get(path), 404, "no_such_route")


async def test_a_method_that_is_not_known(api: Api) -> None:
    answer = await api.client.request("DELETE", "/profiles")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert_problem(await api.client.request("BREW", "/docs"), 405, "method_not_allowed")


async def test_head_is_get_without_the_body(api: Api) -> None:
    me = await api.sign_up()
    for path in ("/profiles", "/docs", "/profiles/nobody"):
        got = await me.get(path)
        head = await me.call("HEAD", path)
        assert head.status_code == got.status_code
        assert head.content == b""
        assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad_json"),
        (b"", "application/json", 400, "bad_json"),
        (b'{"email": "x", "password": "y"} {}', "application/json", 400, "bad_json"),
        (b'{"email": "\xff"}', "application/json", 400, "bad_json"),
        (b'{"email": "\\ud800", "password": "x"}', "application/json", 400, "bad_json"),
        (b'{"email": "a\\u0000b", "password": "x"}', "application/json", 400, "bad_text"),
        (b'{"email": ' + b"[" * 20_000, "application/json", 400, "bad_body"),
        (b"[]", "application/json", 400, "bad_body"),
        (b'{"email": "x"}', "application/json; charset=utf-8", 400, "bad_body"),
        (b'{"email": "x", "password": "y", "more": 1}', "application/json", 400, "bad_body"),
        (b"email=x", "application/x-www-form-urlencoded", 415, "not_json"),
        (b"{}", "", 415, "not_json"),
        (b" " * 65_537, "application/json", 413, "body_too_large"),
    ],
)
async def test_bad_bodies(api: Api, content: bytes, kind: str, status: int, code: str) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = await api.client.post("/auth/login", content=content, headers=headers)
    assert_problem(answer, status, code)


async def test_a_body_that_hides_its_size_is_cut_off(api: Api) -> None:
    read = 0

    async def endless() -> Any:
        nonlocal read
        while read < 10_000_000:
            read += 10_000
            yield b" " * 10_000

    headers = {"content-type": "application/json"}
    answer = await api.client.post("/auth/login", content=endless(), headers=headers)
    assert_problem(answer, 413, "body_too_large")


async def test_an_escaped_backslash_is_no_nul(api: Api) -> None:
    me = await api.sign_up()
    answer = await me.call("PATCH", "/profiles/me", json={"bio": "the text \\u0000"})
    assert answer.json()["bio"] == "the text \\u0000"


async def test_security_headers_and_request_ids(api: Api) -> None:
    ids = set()
    for path in ("/healthz", "/profiles", "/nothing", "/docs", "/openapi.json"):
        answer = await api.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        ids.add(answer.headers["x-request-id"])
    assert len(ids) == 5
    answer = await api.get("/healthz", headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] != "mine-1"


async def test_what_nobody_foresaw_says_nothing_of_the_inside(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> bytes:
        raise RuntimeError("the inside")

    monkeypatch.setattr(type(api.services.schools), "page", fail)
    with caplog.at_level(logging.ERROR):
        answer = await api.get("/schools")
    problem = assert_problem(answer, 500, "internal_error")
    assert "inside" not in answer.text
    (record,) = (r for r in caplog.records if r.levelno == logging.ERROR)
    line = Lines("json").format(record)
    assert json.loads(line)["request_id"] == problem["request_id"]
    assert "RuntimeError" in line
    assert "in fail" in line
    assert "the inside" not in line.replace('raise RuntimeError(\\"the inside\\")', "")


async def test_a_database_that_went_away(api: Api, campus: Database) -> None:
    me = await api.sign_up()
    assert (await api.get("/readyz")).json() == {"status": "ready"}
    await campus.close()
    for path in ("/profiles", "/readyz", "/schools"):
        answer = await me.get(path)
        assert_problem(answer, 503, "database_unavailable")
        assert answer.headers["retry-after"]
    assert (await api.get("/healthz")).json() == {"status": "ok"}


async def test_connections_that_the_server_ended_are_replaced(api: Api, campus: Database) -> None:
    me = await api.sign_up()
    async with campus.session() as session:
        await session.rows(
            Query(
                "t",
                "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()",
            )
        )
    await asyncio.sleep(0.1)
    answers = await asyncio.gather(*(me.get("/profiles") for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert (await me.get("/profiles")).status_code == 200


async def test_a_slow_query_is_counted_and_logged(
    api: Api, campus: Database, caplog: pytest.LogCaptureFixture
) -> None:
    me = await api.sign_up()
    campus._slow = 0.0
    api.context.metrics._slow_seconds = 0.0
    with caplog.at_level(logging.WARNING):
        await me.get("/profiles?total=true")
    assert "slow query profiles.first_newest" in caplog.text
    text = (await api.get("/metrics")).text
    assert 'outgrow_slow_queries_total{query="profiles.count"} 1.0' in text


async def test_metrics_count_requests_queries_and_connections(api: Api) -> None:
    me = await api.sign_up()
    for _ in range(3):
        await me.get("/profiles/me")
    await api.get("/nothing/at/all")
    await api.client.request("BREW", "/docs")
    answer = await api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    for expected in (
        'outgrow_request_seconds_count{method="GET",route="/profiles/me",status="200"} 3.0',
        'outgrow_request_seconds_count{method="other",route="(none)",status="404"} 1.0',
        'outgrow_request_seconds_count{method="other",route="/docs",status="405"} 1.0',
        'outgrow_query_seconds_count{query="profiles.own"} 4.0',
        'outgrow_pool_connections{state="busy"} 0.0',
    ):
        assert expected in lines
    assert me.id not in answer.text


@pytest.mark.parametrize(
    ("caller", "token", "headers", "status"),
    [
        ("127.0.0.1", None, {}, 200),
        ("::1", None, {}, 200),
        ("127.0.0.1", None, {"host": "127.0.0.1:8000"}, 200),
        ("127.0.0.1", None, {"host": "[::1]:8000"}, 200),
        ("127.0.0.1", None, {"host": "localhost:8000"}, 200),
        ("127.0.0.1", None, {"host": "evil.example"}, 404),
        ("127.0.0.1", None, {"host": "127.0.0.1.evil.example"}, 404),
        ("127.0.0.1", None, {"host": "localhost.evil.example:8000"}, 404),
        ("127.0.0.1", None, {"host": ""}, 404),
        ("127.0.0.1", None, {"x-forwarded-for": "203.0.113.1"}, 404),
        ("127.0.0.1", None, {"x-forwarded-host": "campus.example"}, 404),
        ("127.0.0.1", None, {"via": "1.1 proxy"}, 404),
        ("203.0.113.1", None, {}, 404),
        ("203.0.113.1", None, {"authorization": "Bearer "}, 404),
        ("127.0.0.1", "s3cret", {}, 404),
        ("203.0.113.1", "s3cret", {"authorization": "Bearer s3cret"}, 200),
        ("203.0.113.1", "s3cret", {"authorization": "Bearer s3cre"}, 404),
    ],
)
async def test_metrics_are_the_operators(
    campus: Database, caller: str, token: str | None, headers: dict[str, str], status: int
) -> None:
    api = await Api.open(campus, caller=caller, metrics_token=token)
    assert (await api.get("/metrics", headers=headers)).status_code == status
    await api.close()


async def test_schools(api: Api) -> None:
    assert (await api.get("/schools")).json() == {"items": [], "next": None}
    names = ["Zürich", "Aachen", "aachen", "École", HERE, ELSEWHERE, "A:B:users", 'Q"uote']
    people = [await api.sign_up("Somebody", name) for name in names for _ in range(2)]
    assert (await api.get("/schools?counts=true")).status_code == 401
    answer = await people[0].get("/schools?counts=true&limit=100")
    msgspec.json.decode(answer.content, type=SchoolPage)
    expected = [{"name": name, "members": 2} for name in sorted(names)]
    assert answer.json()["items"] == expected
    api.services.schools._forget_all()  # as when the bound is over
    assert (await people[0].get("/schools?counts=true")).json()["items"] == expected
    for limit in (1, 3, 8, 100):
        schools = await pages(people[0], "/schools", limit=limit)
        assert [item["name"] for item in schools] == sorted(names)
    answer = await api.get("/schools?limit=2&offset=3")
    assert [item["name"] for item in answer.json()["items"]] == sorted(names)[3:5]


async def test_openapi_describes_every_route(api: Api) -> None:
    described = (await api.get("/openapi.json")).json()
    assert described["openapi"] == "3.1.0"
    routes = {
        (method.upper(), path) for path, methods in described["paths"].items() for method in methods
    }
    assert routes == {(route.method, route.path) for route in ROUTES}
    assert described == json.loads(json.dumps(document(ROUTES)))
    names = [o["operationId"] for m in described["paths"].values() for o in m.values()]
    assert len(names) == len(set(names))
    for reference in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(described)):
        assert reference in described["components"]["schemas"]
    for route in ROUTES:
        assert codes_of(route) <= set(CODES), route.path
        assert route.body is None or route.body_example is not None, route.path
        if route.answer is not None and route.answer_example is not None:
            msgspec.convert(route.answer_example, route.answer)
    # Null is said, never left out.
    profile = described["components"]["schemas"]["Profile"]
    assert profile["required"] == list(profile["properties"])


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")


async def test_the_docs_page_needs_nothing_from_elsewhere(api: Api) -> None:
    answer = await api.get("/docs")
    page = _Links()
    page.feed(answer.text)
    assert len(page.ids) == len(set(page.ids))
    inner = {link[1:] for link in page.links if link.startswith("#")}
    assert inner <= set(page.ids)
    assert {link for link in page.links if not link.startswith("#")} == {"/openapi.json"}
    assert page.tags.isdisjoint({"script", "img", "link", "iframe", "form"})
    assert page.attributes.isdisjoint({"style", "src", "onclick", "onload"})
    assert set(CODES) <= set(page.ids)
    assert {route.handler.__name__ for route in ROUTES} <= set(page.ids)
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


async def test_a_request_that_ends_early_does_no_harm(api: Api) -> None:
    from outgrow.web.api.endpoint import ApiResource, Route
    from outgrow.web.http.routing import Access

    async def never(request: ApiRequest) -> Response:
        raise AssertionError("the handler is not reached")

    signup = next(route for route in ROUTES if route.path == "/auth/login")
    route = Route(
        method="POST",
        path="/x",
        handler=never,
        access=Access.PUBLIC,
        tag="operation",
        summary="",
        body=signup.body,
    )
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/x",
        "query_string": b"",
        "headers": headers,
    }
    await ApiResource("/x", [route], api.services, api.context)(scope, receive, send)
    assert sent[0]["status"] == 400
