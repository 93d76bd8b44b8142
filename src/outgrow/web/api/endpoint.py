"""What a route of the API is, and how a request becomes its answer.

A `Route` declares everything about itself: who may call it, its parameters, the shape of its body
and of its answers. The documentation is written from the same object, so the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from starlette.types import Receive, Scope

from outgrow import events
from outgrow.campus.limits import Limit
from outgrow.campus.viewer import Viewer
from outgrow.errors import NotAllowed, NotSignedIn
from outgrow.web.http.auth import Caller
from outgrow.web.http.request import Parameter, Parameters, checked_text, read_json
from outgrow.web.http.response import (
    HEADERS,
    PROBLEM_JSON,
    Response,
    make_problem,
    problem_headers,
    with_first_chunk,
)
from outgrow.web.http.routing import Access, HttpContext, Resource, no_such_route
from outgrow.web.services import Services


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request, read and checked. `query` has a value for every parameter of the route."""

    services: Services
    context: HttpContext
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
        return self.context.address(self.scope)

    @property
    def device_token(self) -> str:
        """What shows that somebody signed in on this device before."""
        return self.headers.get(b"x-device-token", b"").decode("latin-1")

    async def count(self, limit: Limit, email: str) -> None:
        """Count a request about this e-mail. Raises TooMany."""
        await self.context.limits.take_from(limit, email, self.address, self.device_token)

    @property
    def viewer(self) -> Viewer:
        caller = self.caller
        assert caller.school is not None, "a route that asks for a viewer is for MEMBERs"
        return Viewer(caller.user_id, caller.school)


Handler = Callable[[ApiRequest], Awaitable[Response]]


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


class ApiResource(Resource[Route]):
    """All routes of one path. What is raised becomes a problem."""

    def __init__(
        self, path: str, routes: Sequence[Route], services: Services, context: HttpContext
    ) -> None:
        super().__init__(path, routes, context)
        self._services = services
        self._parameters = {
            method: Parameters(route.parameters) for method, route in self._routes.items()
        }

    async def respond(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, request_id: str
    ) -> Response:
        try:
            response = await with_first_chunk(await self._handle(scope, headers, receive))
        except Exception as e:  # noqa: BLE001 - the boundary: everything becomes a problem
            return self._problem(e, scope["path"], request_id)
        return response if response.headers else replace(response, headers=HEADERS)

    async def _handle(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive
    ) -> Response:
        method: str = scope["method"]
        route = self.route(method)
        path = scope.get("path_params", {})
        if path:
            checked_text(scope["path"].encode("utf-8", "surrogatepass"), "the path")
        caller = await self._admit(route, scope, headers)
        await self._context.take(route.limit, scope, caller.user_id if caller else None)
        query = self._parameters[method].read(scope["query_string"])
        body = None
        if route.body is not None:
            body = await read_json(route.body, headers, receive, signed_in=caller is not None)
        return await route.handler(
            ApiRequest(self._services, self._context, scope, headers, path, query, body, caller)
        )

    async def _admit(
        self, route: Route, scope: Scope, headers: Mapping[bytes, bytes]
    ) -> Caller | None:
        """Return who calls, if they may. Raises NotSignedIn, Conflict, Forbidden, NotFound."""
        if route.access is Access.PUBLIC:
            self._context.count(scope, None)
            return None
        if route.access is Access.OPERATOR:
            if not self._context.is_operator(scope, headers):
                raise no_such_route()
            return None
        try:
            caller = await self._context.tokens.caller(headers.get(b"authorization"))
        except NotSignedIn:
            self._context.count(scope, None)
            raise
        events.about(caller.user_id, caller.session_id)
        self._context.count(scope, caller.user_id)
        if route.access is Access.MEMBER and caller.school is None:
            school = await self._services.accounts.membership(caller.user_id)
            caller = replace(caller, school=school)  # a member since the moment before
        return caller

    def _problem(self, error: Exception, path: str, request_id: str) -> Response:
        problem = make_problem(error, path, request_id)
        headers = problem_headers(problem, error)
        if isinstance(error, NotAllowed):
            headers.append((b"allow", self.allowed().encode("ascii")))
        return Response(
            msgspec.json.encode(problem),
            problem.status,
            PROBLEM_JSON,
            (*HEADERS, *headers),
        )
