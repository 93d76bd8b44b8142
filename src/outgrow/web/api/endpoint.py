"""What a route of the API is, and how a request becomes a response; and the codes of all errors.

A `Route` declares everything about itself: who may call it, its parameters, the shapes of its body
and of its answers. The documentation is written from the same object, so the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec
from starlette.types import Receive, Scope

from outgrow import events
from outgrow.campus import Viewer
from outgrow.campus.limits import Limit
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
    """A request, read and checked. `query` has a value for every parameter of the route."""

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
        """The caller's User-Agent."""
        return self.headers.get(b"user-agent", b"").decode("latin-1")

    @property
    def address(self) -> str:
        return self.context.address(self.scope)

    @property
    def device_token(self) -> str:
        """The token of an earlier log-in on this device, "" without one."""
        return self.headers.get(b"x-device-token", b"").decode("latin-1")

    async def count(self, limit: Limit, email: str) -> None:
        """Count a request about this e-mail address. Raises TooMany."""
        await self.context.limits.consume_from(limit, email, self.address, self.device_token)

    @property
    def viewer(self) -> Viewer:
        caller = self.caller
        assert caller.school is not None, "a route that asks for a viewer is for MEMBERs"
        return Viewer(caller.user_id, caller.school)


Handler = Callable[[ApiRequest], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route of the API, with all that its documentation says.

    `errors` are the codes that it raises itself, in addition to those of its access and its input.
    `headers` are those that it reads. `other_status` is a second success, with the same answer.
    `limit` counts by account, or by address where people are not signed in. `accepted` is the shape
    of a 202, where that is an answer too.
    """

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


class ApiResource(Resource[Route]):
    """All routes of one path. An error becomes a problem."""

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
        await self._context.count_route(route.limit, scope, caller.user_id if caller else None)
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
        """Return the caller of a route that admits them. Raises NotSignedIn, Conflict, Forbidden,
        NotFound."""
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
            caller = replace(caller, school=school)  # may be a member since a moment ago
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


class Code(NamedTuple):
    """An error's status, and its meaning in one sentence."""

    status: int
    meaning: str


CODES = {
    "about_oneself": Code(400, "You cannot block or report yourself."),
    "bad_body": Code(400, "The body is JSON, but does not fit this route."),
    "bad_cursor": Code(400, "The cursor is not from this list with these filters and this sort."),
    "bad_email": Code(400, "The e-mail address cannot be used."),
    "bad_idempotency_key": Code(400, "The Idempotency-Key is empty, too long or not ASCII."),
    "bad_json": Code(400, "The body is not JSON."),
    "bad_parameter": Code(400, "A query parameter has a value that cannot be used."),
    "bad_password": Code(400, "The password is too short or too long."),
    "weak_password": Code(400, "The password is easy to guess; `detail` says why."),
    "bad_text": Code(400, "A text holds a NUL character, or bytes that are not UTF-8."),
    "body_cut_short": Code(400, "The connection closed before the end of the body."),
    "wrong_code": Code(400, "The code is wrong or has expired."),
    "cursor_with_offset": Code(400, "A page is requested both by cursor and by offset."),
    "cursor_with_pos": Code(400, "A page of messages is requested both by cursor and by pos."),
    "intro_to_oneself": Code(400, "You cannot send an intro to yourself."),
    "missing_parameter": Code(400, "A required query parameter is missing."),
    "offset_too_large": Code(400, "The offset is too large; cursors have no limit."),
    "repeated_parameter": Code(400, "A query parameter is given too often."),
    "too_many_fields": Code(400, "A form or an address of the pages has more than 100 fields."),
    "unknown_parameter": Code(400, "The route has no such query parameter."),
    "account_gone": Code(401, "The account was removed while its token was still valid."),
    "bad_refresh_token": Code(401, "The refresh token is not valid, or no longer valid."),
    "bad_token": Code(401, "The access token is not valid here."),
    "not_signed_in": Code(401, "The request has no access token."),
    "session_ended": Code(401, "The session of the access token has ended."),
    "token_expired": Code(401, "The access token has expired."),
    "wrong_credentials": Code(401, "The e-mail or the password is wrong."),
    "chat_closed": Code(403, "The chat is closed: it can be read, but not written to."),
    "messages_not_taken": Code(403, "The other person takes no messages."),
    "email_not_of_school": Code(
        403, "The school admits people with one of its e-mail addresses only."
    ),
    "email_not_verified": Code(403, "The school requires a code sent to your e-mail address."),
    "wrong_password": Code(403, "The password of the account is wrong."),
    "other_site": Code(403, "A form of the pages did not come from a page of this network."),
    "other_school": Code(403, "You can see the people of your own school only."),
    "chat_not_found": Code(404, "You have no such chat."),
    "connection_not_found": Code(404, "The two people are not connected."),
    "intro_not_found": Code(404, "There is no such intro for you to answer."),
    "no_own_profile": Code(404, "The account has no profile yet."),
    "no_such_route": Code(404, "There is nothing at this path."),
    "session_not_found": Code(404, "You have no such session."),
    "profile_not_found": Code(404, "There is no such profile at your school."),
    "method_not_allowed": Code(405, "The path does not support the method; see `Allow`."),
    "already_connected": Code(409, "The two people are connected already."),
    "chat_place_taken": Code(409, "The store holds something else under the key of the chat."),
    "email_taken": Code(409, "The e-mail address is already in use."),
    "intro_answered": Code(409, "The intro is no longer pending; `detail` says what it is."),
    "intro_expired": Code(409, "The intro is older than 30 days."),
    "intro_pending": Code(409, "There is a pending intro between the two people already."),
    "key_used": Code(409, "The Idempotency-Key was used for another message."),
    "message_gone": Code(409, "The message that the Idempotency-Key sent is gone."),
    "school_lookalike": Code(409, "The name looks like that of a school with e-mail domains."),
    "profile_exists": Code(409, "The account has a profile already."),
    "profile_hidden": Code(409, "Your own profile is hidden, so nobody could see the sender."),
    "profile_place_taken": Code(
        409, "The store holds something else under the key of the profile."
    ),
    "profile_needed": Code(409, "The account has no profile yet, and so no school."),
    "school_is_fixed": Code(409, "The school of a profile cannot be changed."),
    "too_many_blocks": Code(409, "You can block at most 1,000 people."),
    "body_too_large": Code(413, "The body has more than 65,536 bytes, or 655,360 when signed in."),
    "not_json": Code(415, "The request's Content-Type is not JSON."),
    "rate_limited": Code(429, "There were too many requests in a short time; see `Retry-After`."),
    "internal_error": Code(500, "An unexpected failure; the log has its request_id."),
    "database_unavailable": Code(503, "The database cannot be reached at the moment."),
    "mail_failed": Code(503, "The mail could not be sent at the moment."),
    "sign_in_busy": Code(503, "Too many people are signing in at the moment."),
    "too_contended": Code(503, "Other requests kept changing the same rows for several seconds."),
}

PROBLEM_EXAMPLE: dict[str, Any] = {
    "type": "",
    "title": "",
    "status": 0,
    "detail": None,
    "code": "",
    "hint": None,
    "instance": "/",
    "request_id": "3f9c1a70-2a",
}
