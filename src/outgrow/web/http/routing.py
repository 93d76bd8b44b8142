"""What a route is, and how a request becomes its answer.

A `Route` declares everything about itself: who may call it, its parameters, the shape of its body
and of its answers. The documentation is written from the same object, so the two cannot differ.
One `Resource` serves all methods of a path, and turns whatever is raised into a problem.
"""

from __future__ import annotations

import enum
import itertools
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec
from starlette.types import Message, Receive, Scope, Send

from outgrow import events
from outgrow.campus.accounts import Accounts
from outgrow.campus.cache import Caches
from outgrow.campus.chats import Chats
from outgrow.campus.confirmations import Confirmations
from outgrow.campus.connections import Connections
from outgrow.campus.deletion import Deletions
from outgrow.campus.discover import Discover
from outgrow.campus.export import Export
from outgrow.campus.intros import Intros
from outgrow.campus.limits import REQUESTS, REQUESTS_FROM, Limit, Limits
from outgrow.campus.live import Live
from outgrow.campus.news import News
from outgrow.campus.profiles import Profiles
from outgrow.campus.safety import Safety
from outgrow.campus.schools import Schools
from outgrow.campus.search import Search
from outgrow.campus.visits import Visits
from outgrow.database import Database
from outgrow.errors import (
    BadInput,
    NotAllowed,
    NotFound,
    NotJson,
    NotSignedIn,
    TooLarge,
)
from outgrow.web.html.waiting import Waiting
from outgrow.web.http import problems
from outgrow.web.http.auth import Caller, Tokens
from outgrow.web.http.metrics import Metrics
from outgrow.web.http.origin import address, is_operator, is_secure
from outgrow.web.http.parameters import Parameter, Parameters, checked_text

JSON = b"application/json"
LARGEST_BODY = 65_536  # bytes
LARGEST_OWN_BODY = 655_360
"""Of who is signed in: all that a profile may hold, each character escaped as in a form."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
POLICY = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
"""Of what is no page: a browser that is led to it shows text, and runs nothing."""
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", POLICY),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class Access(enum.Enum):
    """Who may call a route. A member is signed in and has a profile, so a school."""

    PUBLIC = "anybody"
    SIGNED_IN = "whoever is signed in"
    MEMBER = "members of a school"
    OPERATOR = "the operator"


@dataclass(frozen=True, slots=True)
class Network:
    """Everything that handlers need, made once."""

    database: Database
    accounts: Accounts
    profiles: Profiles
    connections: Connections
    chats: Chats
    discover: Discover
    live: Live
    news: News
    caches: Caches
    intros: Intros
    safety: Safety
    schools: Schools
    search: Search
    visits: Visits
    waiting: Waiting
    tokens: Tokens
    metrics: Metrics
    metrics_token: str | None
    limits: Limits
    confirmations: Confirmations
    export: Export
    deletions: Deletions
    proxies: int = 0
    https: bool = False
    log_key: bytes = b""

    def address(self, scope: Scope) -> str:
        """Where a request comes from, for limits."""
        return address(self.proxies, scope)

    def is_secure(self, scope: Scope) -> bool:
        return is_secure(self.https, self.proxies, scope)

    async def settle(self, seconds: float = 60) -> None:
        """Wait for what goes on after its request was answered, so long for each kind."""
        await self.confirmations.mail.background.settle(seconds)
        await self.deletions.background.settle(seconds)

    def changed(self, school: str) -> None:
        """Somebody of the school came, changed or left: let no cache tell otherwise."""
        self.caches.changed(school)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell sockets and other processes what happens, and hear of it, meanwhile."""
        async with self.news.running(), self.live.running():
            yield


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked. `query` has a value for every parameter of the route."""

    network: Network
    scope: Scope
    headers: Mapping[bytes, bytes]
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any
    _caller: Caller | None

    @property
    def caller(self) -> Caller:
        assert self._caller is not None, "a route that asks for its caller is not PUBLIC"
        return self._caller

    @property
    def device(self) -> str:
        """What the caller calls itself."""
        return self.headers.get(b"user-agent", b"").decode("latin-1")

    @property
    def address(self) -> str:
        return self.network.address(self.scope)

    @property
    def device_token(self) -> str:
        """What shows that somebody signed in on this device before."""
        return self.headers.get(b"x-device-token", b"").decode("latin-1")

    async def count(self, limit: Limit, email: str) -> None:
        """Count a request about this e-mail. Raises TooMany."""
        limits = self.network.limits
        await limits.take_from(limit, email, self.address, self.device_token)

    @property
    def school(self) -> str:
        school = self.caller.school
        assert school is not None, "a route that asks for a school is for MEMBERs"
        return school


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes = b""
    status: int = 200
    content_type: bytes = JSON
    headers: Sequence[tuple[bytes, bytes]] = ()
    stream: AsyncIterator[bytes] | None = None
    """Instead of a body, what makes one piece by piece. Its first piece comes before the status, so
    what fails before it is a problem; what fails later ends the connection, in the midst of it."""


A = TypeVar("A", bound=Answer)
Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """`errors` are the codes that it raises itself, beside those of its access and its input.
    `headers` are those that it reads, and `other_status` a second good one, with the same answer.
    `limit` counts by account, and where nobody is signed in by address.
    `accepted` is the shape of a 202, where that may be the answer as well."""

    method: str
    path: str
    handler: Handler
    access: Access
    tag: str
    summary: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    body: type[msgspec.Struct] | None = None
    body_example: Any = None
    status: int = 200
    other_status: int | None = None
    answer: Any = None
    answer_example: Any = None
    content_type: str = "application/json"
    errors: tuple[str, ...] = ()
    limit: Limit | None = None
    accepted: Any = None

    @property
    def is_unsafe(self) -> bool:
        return self.method not in ("GET", "HEAD")


class Resource:
    """All routes of one path, as an ASGI application."""

    def __init__(self, path: str, routes: Sequence[Route], network: Network) -> None:
        self._path = path
        self._network = network
        self._routes = {route.method: (route, Parameters(route.parameters)) for route in routes}
        if "GET" in self._routes:
            self._routes["HEAD"] = self._routes["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        method: str = scope["method"]
        headers = dict(scope["headers"])
        known = method if method in self._routes else "other"
        request = request_of(self._network, scope, headers, known, self._path)
        with events.of_request(request):
            try:
                answer = await begun(await self._answer(method, scope, headers, receive))
            except Exception as e:  # noqa: BLE001 - the boundary: everything becomes a problem
                answer = self._problem(e, scope["path"], request.id)
            more = ((b"x-request-id", request.id.encode("ascii")), *(answer.headers or HEADERS))
            await respond(send, method, answer, more)
        seconds = time.perf_counter() - start
        self._network.metrics.request(known, self._path, answer.status, seconds)

    async def _answer(
        self, method: str, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive
    ) -> Answer:
        if method not in self._routes:
            raise NotAllowed(
                "method_not_allowed",
                f"{self._path} does not know {method[:20]}",
                hint=f"it knows {self._allowed()}",
            )
        route, parameters = self._routes[method]
        path = scope.get("path_params", {})
        if path:
            checked_text(scope["path"].encode("utf-8", "surrogatepass"), "the path")
        caller = await self._admit(route, scope, headers)
        if route.limit is not None and not route.limit.late:
            who = self._network.address(scope) if caller is None else caller.user_id
            await self._network.limits.take(route.limit, who)
        query = parameters.read(scope["query_string"])
        body = None
        if route.body is not None:
            body = await _read(route.body, headers, receive, signed_in=caller is not None)
        call = Call(self._network, scope, headers, path, query, body, caller)
        return await route.handler(call)

    async def _admit(
        self, route: Route, scope: Scope, headers: Mapping[bytes, bytes]
    ) -> Caller | None:
        """Who calls, if they may. Raises NotSignedIn, Conflict, Forbidden, NotFound."""
        if route.access is Access.PUBLIC:
            self._count_address(scope)
            return None
        if route.access is Access.OPERATOR:
            if not is_operator(scope, headers, self._network.metrics_token):
                raise no_such_route()
            return None
        try:
            caller = await self._network.tokens.caller(headers.get(b"authorization"))
        except NotSignedIn:
            self._count_address(scope)
            raise
        events.about(caller.user_id, caller.session_id)
        self._network.limits.count(REQUESTS, caller.user_id)
        if route.access is Access.MEMBER and caller.school is None:
            school = await self._network.accounts.membership(caller.user_id)
            caller = replace(caller, school=school)  # a member since the moment before
        return caller

    def _count_address(self, scope: Scope) -> None:
        self._network.limits.count(REQUESTS_FROM, self._network.address(scope))

    def _problem(self, error: Exception, path: str, request_id: str) -> Answer:
        problem = problems.problem(error, path, request_id)
        headers = problems.headers_of(problem, error)
        if isinstance(error, NotAllowed):
            headers.append((b"allow", self._allowed().encode("ascii")))
        return Answer(
            msgspec.json.encode(problem),
            problem.status,
            problems.CONTENT_TYPE,
            (*HEADERS, *headers),
        )

    def _allowed(self) -> str:
        return ", ".join(sorted(self._routes))


_process = secrets.token_hex(4)
_numbers = itertools.count(1)


def request_of(
    network: Network, scope: Scope, headers: Mapping[bytes, bytes], method: str, route: str
) -> events.Request:
    """What the log says of a request. Its id is the one that a trusted proxy gave it, if it has the
    form of one, else made here."""
    given = headers.get(b"x-request-id", b"") if network.proxies else b""
    is_id = _REQUEST_ID.fullmatch(given)
    made = given.decode("ascii") if is_id else f"{_process}-{next(_numbers):x}"

    def client() -> str:
        """The same for the same address while the signing secret is the same."""
        subject = network.address(scope).encode("utf-8", "surrogatepass")
        return blake2b(subject, digest_size=6, key=network.log_key).hexdigest()

    return events.Request(made, method, route, client)


def no_such_route() -> NotFound:
    return NotFound("no_such_route", "there is nothing here", hint="see what there is at /docs")


async def _read(
    shape: type[msgspec.Struct],
    headers: Mapping[bytes, bytes],
    receive: Receive,
    *,
    signed_in: bool,
) -> msgspec.Struct:
    """The body as a Struct. Raises BadInput, NotJson, TooLarge."""
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind not in (JSON, b"application/merge-patch+json"):
        raise NotJson(
            "not_json",
            "the body does not say that it is JSON",
            hint="send Content-Type: application/json",
        )
    raw = await whole_body(headers, receive, signed_in=signed_in)
    try:
        body = msgspec.json.decode(raw, type=shape)
        if b"\\u0000" in raw and _has_nul(msgspec.json.decode(raw)):
            raise BadInput(
                "bad_text",
                "the body holds a NUL character",
                hint="leave \\u0000 out: PostgreSQL cannot keep it",
            )
    except msgspec.ValidationError as e:
        raise BadInput(
            "bad_body", "the body is not what this route takes", detail=str(e), hint="see /docs"
        ) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise BadInput("bad_json", "the body is not JSON", detail=str(e)) from e
    return body


async def whole_body(headers: Mapping[bytes, bytes], receive: Receive, *, signed_in: bool) -> bytes:
    largest = LARGEST_OWN_BODY if signed_in else LARGEST_BODY
    declared = headers.get(b"content-length", b"0")
    too_large = TooLarge("body_too_large", f"the body has more than {largest} bytes")
    if declared.isdigit() and int(declared) > largest:
        raise too_large
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadInput("body_cut_short", "the caller left before the body's end")
        part: bytes = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > largest:
            raise too_large
        if not message.get("more_body", False):
            return b"".join(parts)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_has_nul(inner) for inner in value)


async def begun(answer: A) -> A:
    """With the first piece of its stream for its body."""
    if answer.stream is None:
        return answer
    return replace(answer, body=await anext(answer.stream))


async def respond(
    send: Send, method: str, answer: Answer, headers: Iterable[tuple[bytes, bytes]]
) -> None:
    """Send an answer that is `begun`, with these headers after those of its body."""
    of_body = [(b"content-type", answer.content_type)]
    if answer.stream is None:
        of_body.append((b"content-length", b"%d" % len(answer.body)))
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [*of_body, *headers],
        }
    )
    if method == "HEAD":
        await send(_body(b""))
    elif answer.stream is None:
        await send(_body(answer.body))
    else:
        await send(_body(answer.body, more=True))
        async for piece in answer.stream:
            await send(_body(piece, more=True))
        await send(_body(b""))


def _body(body: bytes, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
