"""What a page is, and how a request for one becomes HTML.

Pages call the same services as the routes of the API. They differ in who calls: a browser, with a
cookie that it sends by itself. So every change is a POST that must come from a page of ours: the
browser says so (Sec-Fetch-Site, or Origin), and the form has a token made for this cookie.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from starlette.types import Receive, Scope

from outgrow import events
from outgrow.campus import Viewer
from outgrow.campus.accounts.sessions import BrowserSession, SignedIn
from outgrow.campus.limits import KNOWN_SECONDS, Limit
from outgrow.errors import BadInput, Conflict, Forbidden, NotAllowed, OutgrowError, TooMany
from outgrow.web.html import assets
from outgrow.web.html.forms import EMPTY, Form, error_message
from outgrow.web.http.request import SESSION_COOKIE, cookie_name, cookies, is_same_origin, read_body
from outgrow.web.http.response import (
    Response,
    log_refusal,
    make_problem,
    problem_headers,
    with_first_chunk,
)
from outgrow.web.http.routing import Access, HttpContext, Resource
from outgrow.web.services import Services

DEVICE = "outgrow_device"  # shows that an account signed in here before, for limits
GUEST = "outgrow_guest"  # for the form tokens of people who are not signed in
HTML = b"text/html; charset=utf-8"
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", _POLICY.encode("ascii")),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # Not no-referrer: with that a browser calls the origin of its own forms "null".
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)
Headers = list[tuple[bytes, bytes]]

# The note on a page after a form was sent, by `done` in its address.
DONE = {
    "welcome": "Welcome! Say a few words about yourself in your profile.",
    "claimed": "Welcome! Your profile is as you left it.",
    "saved": "Saved.",
    "intro_sent": "Your intro is on its way.",
    "accepted": "You are connected now.",
    "declined": "Declined. They will not learn why.",
    "withdrawn": "Withdrawn.",
    "blocked": "Blocked. You no longer see each other.",
    "unblocked": "Unblocked.",
    "reported": "Thank you. The operator will look at it.",
    "password_set": "Your new password is set.",
    "deleted": "Your account and everything about you are being deleted.",
    "session_ended": "Signed out there.",
    "removed": "You are no longer connected.",
    "signed_out": "You are signed out.",
    "signed_out_everywhere": "You are signed out everywhere.",
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the navigation. `covers` are the prefixes of the paths that belong to it, and
    `counted` names what waits there."""

    path: str
    label: str
    icon: str
    covers: tuple[str, ...] = ()
    counted: str = ""


TABS = (
    Tab("/people", "People", "people", ("/people", "/find")),
    Tab("/meet", "Meet", "meet"),
    Tab("/my/intros", "Intros", "intros", counted="intros"),
    Tab("/my/chats", "Chats", "chats", counted="chats"),
    Tab("/my/settings", "You", "me", ("/my",)),
)


def _tab(path: str) -> str:
    """Return the path of the tab that a page belongs to, "" for none."""
    if path == "/":
        return TABS[0].path
    for tab in TABS:
        prefixes = tab.covers or (tab.path,)
        if any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes):
            return tab.path
    return ""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for a page. `session` is None for people who are not signed in."""

    services: Services
    context: HttpContext
    scope: Scope
    headers: Mapping[bytes, bytes]
    path: Mapping[str, str]
    query: Form
    form: Form
    session: BrowserSession | None
    guest: str
    waiting: Mapping[str, int]

    @property
    def address(self) -> str:
        """The browser's address, for limits."""
        return self.context.address(self.scope)

    @property
    def user_id(self) -> str:
        assert self.session is not None, "a page that asks for its user is not PUBLIC"
        return self.session.user_id

    @property
    def viewer(self) -> Viewer:
        assert self.session is not None
        assert self.session.school is not None, "a page that asks for a viewer is for MEMBERs"
        return Viewer(self.session.user_id, self.session.school)

    def page(
        self, template: str, *, error: OutgrowError | None = None, status: int = 200, **values: Any
    ) -> Response:
        """Render a page. With an error, the page says what was wrong and keeps what was typed."""
        if error:
            log_refusal(error)
        common = {
            "session": self.session,
            "token": self.services.browser_sessions.form_token(
                self.session.cookie if self.session else self.guest
            ),
            "here": self.scope["path"],
            "done": DONE.get(self.query.raw("done"), ""),
            "error": error_message(error) if error else None,
            "form": self.form,
            "waiting": self.waiting,
            "tabs": TABS,
            "tab_here": _tab(self.scope["path"]),
        }
        body = assets.render(template, common | values)
        if isinstance(error, TooMany):
            return html(body, error.status, [(b"retry-after", b"%d" % error.retry_after)])
        return html(body, error.status if error else status)

    @property
    def device(self) -> str:
        """The browser's User-Agent."""
        return self.headers.get(b"user-agent", b"").decode("latin-1")

    @property
    def secure(self) -> bool:
        return self.context.is_secure(self.scope)

    @property
    def device_token(self) -> str:
        return cookies(self.headers).get(cookie_name(DEVICE, self.secure), "")

    async def count(self, limit: Limit) -> None:
        """Count a form against the e-mail address in it. Raises TooMany."""
        email = self.form.text("email")
        await self.context.limits.consume_from(limit, email, self.address, self.device_token)

    async def redirect_signed_in(self, signed_in: SignedIn, path: str) -> Response:
        """Make the session just opened one of a browser, and redirect with its cookies."""
        cookie = await self.services.browser_sessions.open(signed_in)
        longest = self.services.accounts.sessions.lifetime.longest
        token = await self.context.limits.device_token(self.form.text("email"))
        return redirect(
            path,
            _cookie(SESSION_COOKIE, cookie, longest, self.secure),
            _cookie(DEVICE, token, KNOWN_SECONDS, self.secure),
        )

    def redirect_signed_out(self, path: str) -> Response:
        """Redirect without the session, and clear what the browser cached."""
        expired = _cookie(SESSION_COOKIE, "", 0, self.secure)
        return redirect(path, expired, (b"clear-site-data", b'"cache"'))


Handler = Callable[[PageRequest], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Page:
    """A route of the pages."""

    method: str
    path: str
    handler: Handler
    access: Access = Access.MEMBER
    limit: Limit | None = None


def html(
    body: bytes = b"", status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()
) -> Response:
    """Make a response whose headers come after those of every page."""
    return Response(body, status, HTML, headers)


def redirect(path: str, *headers: tuple[bytes, bytes]) -> Response:
    """Redirect to a page of ours."""
    return html(status=303, headers=((b"location", path.encode("ascii")), *headers))


def own_path(text: str) -> str:
    """Return a path from a link to us, "/" if it does not lead to a page of ours."""
    safe = quote(text[:1000], safe="/?&=%:,+-._~")
    return safe if safe.startswith("/") and not safe.startswith("//") else "/"


def _cookie(name: str, value: str, seconds: int, secure: bool) -> tuple[bytes, bytes]:
    name = cookie_name(name, secure)
    parts = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return b"set-cookie", (parts + ("; Secure" if secure else "")).encode("ascii")


class PageResource(Resource[Page]):
    """All pages of one path. An error becomes a page."""

    def __init__(
        self, path: str, pages: Sequence[Page], services: Services, context: HttpContext
    ) -> None:
        super().__init__(path, pages, context)
        self._services = services

    async def respond(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, request_id: str
    ) -> Response:
        secure = self._context.is_secure(scope)
        guest = cookies(headers).get(cookie_name(GUEST, secure), "")
        new_guest = len(guest) != 32 or not guest.isalnum()
        request = PageRequest(
            self._services,
            self._context,
            scope,
            headers,
            scope.get("path_params", {}),
            EMPTY,
            EMPTY,
            None,
            secrets.token_hex(16) if new_guest else guest,
            {},
        )
        more: Headers = []
        try:
            session = await self._session(headers, secure)
            self._context.count(scope, session.user_id if session else None)
            request = await self._with_counts(replace(request, session=session))
            if session is None and new_guest:
                more.append(_cookie(GUEST, request.guest, 86_400, secure))
            response = await with_first_chunk(await self._handle(request, receive))
        except Exception as e:  # noqa: BLE001 - the boundary: everything becomes a page
            response = error_page(e, request, request_id)
            if isinstance(e, NotAllowed):
                more.append((b"allow", self.allowed().encode("ascii")))
        return replace(response, headers=(*HEADERS, *more, *response.headers))

    async def _session(self, headers: Mapping[bytes, bytes], secure: bool) -> BrowserSession | None:
        cookie = cookies(headers).get(cookie_name(SESSION_COOKIE, secure), "")
        session = await self._services.browser_sessions.session(cookie) if cookie else None
        if session is not None:
            events.about(session.user_id, session.session_id)
        elif cookie:
            events.event("cookie_refused")
        return session

    async def _handle(self, request: PageRequest, receive: Receive) -> Response:
        method: str = request.scope["method"]
        page = self.route(method)
        request = replace(request, query=Form.read(request.scope["query_string"], "the address"))
        Form.read(request.scope["path"].encode("utf-8", "surrogatepass"), "the address")
        if method == "POST":
            request = replace(request, form=await _read_form(request, receive))
        detour = _detour(page, method, request)
        if detour is not None:
            return detour
        user_id = request.session.user_id if request.session else None
        await self._context.count_route(page.limit, request.scope, user_id)
        return await page.handler(request)

    async def _with_counts(self, request: PageRequest) -> PageRequest:
        """Add the counts of what waits, which every page shows, error pages too."""
        if request.session is None or request.session.school is None:
            return request
        return replace(request, waiting=await self._services.waiting.counts(request.viewer))


def _detour(page: Page, method: str, request: PageRequest) -> Response | None:
    """Return the redirect to where people must go first: to sign in, or to create a profile."""
    if page.access is Access.PUBLIC:
        return None
    if request.session is None:
        address = quote(request.scope["path"])
        if b"%2f" in request.scope["raw_path"].lower():  # in an id, which must stay as it is
            address = request.scope["raw_path"].decode("ascii")
        if request.scope["query_string"]:
            address += "?" + request.scope["query_string"].decode("ascii", "replace")
        after = "" if method == "POST" or address == "/" else "?next=" + quote(address, safe="/")
        return redirect("/sign-in" + after)
    if page.access is Access.MEMBER and request.session.school is None:
        return redirect("/my/profile")
    return None


async def _read_form(request: PageRequest, receive: Receive) -> Form:
    """Return the form that was sent from a page of ours. Raises BadInput, Forbidden, TooLarge."""
    kind = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/x-www-form-urlencoded":
        raise BadInput("bad_body", "the body is not a form")
    body = await read_body(request.headers, receive, signed_in=request.session is not None)
    form = Form.read(body, "the form")
    cookie = request.session.cookie if request.session else request.guest
    if not (
        _is_same_site(request)
        and request.services.browser_sessions.is_form_token(cookie, form.raw("token"))
    ):
        raise Forbidden("other_site", "the form did not come from a page of ours")
    return form


def _is_same_site(request: PageRequest) -> bool:
    """Return whether the browser says that the form was ours, or says nothing: then the token must
    show it."""
    site = request.headers.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    return b"origin" not in request.headers or is_same_origin(request.headers)


def error_page(error: Exception, request: PageRequest, request_id: str) -> Response:
    """Return the page that says what went wrong, and log it."""
    problem = make_problem(error, request.scope["path"], request_id)
    if isinstance(error, Conflict) and error.code in ("profile_needed", "no_own_profile"):
        return redirect("/my/profile")
    shown = error if isinstance(error, OutgrowError) else problem
    page = request.page(
        "error.html",
        problem=error_message(shown),
        request_id=request_id if problem.status == 500 else "",
    )
    return html(page.body, problem.status, problem_headers(problem, error))
