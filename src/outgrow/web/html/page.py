"""What a page is, and how a request for one becomes HTML.

Pages call the same services as the API's routes do. They differ in who asks: a browser, by a cookie
that it sends by itself. So whatever changes something is a POST that must come from a page of ours:
the browser says so (Sec-Fetch-Site, or Origin), and the form carries a token made for this cookie.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.types import Receive, Scope, Send

from outgrow import events
from outgrow.campus.limits import KNOWN_SECONDS, REQUESTS, REQUESTS_FROM, Limit
from outgrow.campus.visits import Visit
from outgrow.errors import BadInput, Conflict, Forbidden, NotAllowed, OutgrowError, TooMany
from outgrow.web.html import assets
from outgrow.web.html.decoding import decoded as decoded
from outgrow.web.html.forms import EMPTY, Form
from outgrow.web.html.messages import said
from outgrow.web.http import problems
from outgrow.web.http.routing import (
    Access,
    Answer,
    Network,
    begun,
    request_of,
    respond,
    whole_body,
)

COOKIE = "outgrow_visit"
DEVICE = "outgrow_device"  # that an account signed in here before, for limits
GUEST = "outgrow_guest"  # of somebody who is not signed in, for their forms' token
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

# What is said on the page after a form was sent, by the name that stands in its address.
DONE = {
    "welcome": "Welcome! Say a few words about yourself in your profile.",
    "claimed": "Welcome! Your profile is as you left it.",
    "saved": "Saved.",
    "intro_sent": "Your intro is on its way.",
    "accepted": "You are connected now.",
    "declined": "Declined. They are not told why.",
    "withdrawn": "Taken back.",
    "blocked": "Blocked. You do not see each other any more.",
    "unblocked": "Not blocked any more.",
    "reported": "Thank you. Whoever runs this will look at it.",
    "password_set": "Your new password is set.",
    "deleted": "Your account and everything about you is being deleted.",
    "session_ended": "Signed out there.",
    "removed": "You are not connected any more.",
    "signed_out": "You are signed out.",
    "signed_out_everywhere": "You are signed out everywhere.",
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A place in the navigation. `covers` are the beginnings of the paths that belong to it, and
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
    """The path of the tab that a page belongs to."""
    if path == "/":
        return TABS[0].path
    for tab in TABS:
        if any(path == one or path.startswith(one + "/") for one in tab.covers or (tab.path,)):
            return tab.path
    return ""


@dataclass(frozen=True, slots=True)
class Reply(Answer):
    """Its headers come after those of every page."""

    content_type: bytes = HTML


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a page. `visit` is None for somebody who is not signed in."""

    network: Network
    scope: Scope
    headers: Mapping[bytes, bytes]
    path: Mapping[str, str]
    query: Form
    form: Form
    visit: Visit | None
    guest: str
    waiting: Mapping[str, int]

    @property
    def address(self) -> str:
        """Where the browser is, for limits."""
        return self.network.address(self.scope)

    @property
    def user_id(self) -> str:
        assert self.visit is not None, "a page that asks for its visitor is not PUBLIC"
        return self.visit.user_id

    @property
    def school(self) -> str:
        assert self.visit is not None
        assert self.visit.school is not None, "a page that asks for a school is for MEMBERs"
        return self.visit.school

    def page(
        self, template: str, *, error: OutgrowError | None = None, status: int = 200, **values: Any
    ) -> Reply:
        """A page, or, with what was typed still in it, one that says what was wrong with that."""
        if error:
            problems.refused(error)
        common = {
            "visit": self.visit,
            "token": self.network.visits.form_token(
                self.visit.cookie if self.visit else self.guest
            ),
            "here": self.scope["path"],
            "done": DONE.get(self.query.raw("done"), ""),
            "error": said(error) if error else None,
            "form": self.form,
            "waiting": self.waiting,
            "tabs": TABS,
            "tab_here": _tab(self.scope["path"]),
        }
        body = assets.render(template, common | values)
        if isinstance(error, TooMany):
            return Reply(body, error.status, headers=[(b"retry-after", b"%d" % error.retry_after)])
        return Reply(body, error.status if error else status)

    @property
    def device(self) -> str:
        """What the browser calls itself."""
        return self.headers.get(b"user-agent", b"").decode("latin-1")

    @property
    def secure(self) -> bool:
        return self.network.is_secure(self.scope)

    @property
    def device_token(self) -> str:
        return cookies(self.headers).get(cookie_name(DEVICE, self.secure), "")

    async def count(self, limit: Limit) -> None:
        """Count a form about the e-mail in it. Raises TooMany."""
        email = self.form.text("email")
        await self.network.limits.take_from(limit, email, self.address, self.device_token)

    def signed_in(self, cookie: str, path: str) -> Reply:
        longest = self.network.accounts.sessions.lifetime.longest
        token = self.network.limits.device_token(self.form.text("email"))
        return to(
            path,
            _cookie(COOKIE, cookie, longest, self.secure),
            _cookie(DEVICE, token, KNOWN_SECONDS, self.secure),
        )

    def signed_out(self, path: str) -> Reply:
        gone = _cookie(COOKIE, "", 0, self.secure)
        return to(path, gone, (b"clear-site-data", b'"cache"'))


Handler = Callable[[Ask], Awaitable[Reply]]


@dataclass(frozen=True, kw_only=True)
class Page:
    """A route of the pages."""

    method: str
    path: str
    handler: Handler
    access: Access = Access.MEMBER
    limit: Limit | None = None


def to(path: str, *headers: tuple[bytes, bytes]) -> Reply:
    """See this page instead; `path` is one of ours."""
    return Reply(status=303, headers=((b"location", path.encode("ascii")), *headers))


def own_path(text: str) -> str:
    """A path that somebody may have put into a link to us, if it leads to a page of ours."""
    safe = quote(text[:1000], safe="/?&=%:,+-._~")
    return safe if safe.startswith("/") and not safe.startswith("//") else "/"


def cookie_name(name: str, secure: bool) -> str:
    """Return what a cookie is called. By HTTPS with a prefix that browsers take from this very host
    alone, and only by HTTPS: no neighbour, no other site of the school can set it."""
    return f"__Host-{name}" if secure else name


def _cookie(name: str, value: str, seconds: int, secure: bool) -> tuple[bytes, bytes]:
    name = cookie_name(name, secure)
    parts = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return b"set-cookie", (parts + ("; Secure" if secure else "")).encode("ascii")


class PageResource:
    """All methods of one path, as an ASGI application."""

    def __init__(self, path: str, pages: Sequence[Page], network: Network) -> None:
        self._path = path
        self._network = network
        self._pages = {page.method: page for page in pages}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        method: str = scope["method"]
        headers = dict(scope["headers"])
        secure = self._network.is_secure(scope)
        guest = cookies(headers).get(cookie_name(GUEST, secure), "")
        new_guest = len(guest) != 32 or not guest.isalnum()
        ask = Ask(
            self._network,
            scope,
            headers,
            scope.get("path_params", {}),
            EMPTY,
            EMPTY,
            None,
            secrets.token_hex(16) if new_guest else guest,
            {},
        )
        known = method if method in ("GET", "HEAD", "POST") else "other"
        request = request_of(self._network, scope, headers, known, self._path)
        more: Headers = [(b"x-request-id", request.id.encode("ascii"))]
        with events.of_request(request):
            try:
                visit = await self._visit(headers, secure)
                if visit is None:
                    self._network.limits.count(REQUESTS_FROM, ask.address)
                else:
                    self._network.limits.count(REQUESTS, visit.user_id)
                ask = await self._member(replace(ask, visit=visit))
                if visit is None and new_guest:
                    more.append(_cookie(GUEST, ask.guest, 86_400, ask.secure))
                reply = await begun(await self._reply(method, ask, receive))
            except Exception as e:  # noqa: BLE001 - the boundary: everything becomes a page
                reply = failed(e, ask, request.id)
            await respond(send, method, reply, (*HEADERS, *more, *reply.headers))
        seconds = time.perf_counter() - start
        self._network.metrics.request(known, self._path, reply.status, seconds)

    async def _visit(self, headers: Mapping[bytes, bytes], secure: bool) -> Visit | None:
        cookie = cookies(headers).get(cookie_name(COOKIE, secure), "")
        visit = await self._network.visits.visit(cookie) if cookie else None
        if visit is not None:
            events.about(visit.user_id, visit.session_id)
        elif cookie:
            events.event("cookie_refused")
        return visit

    async def _reply(self, method: str, ask: Ask, receive: Receive) -> Reply:
        page = self._pages.get("GET" if method == "HEAD" else method)
        if page is None:
            raise NotAllowed("method_not_allowed", f"{self._path} does not know {method[:20]}")
        ask = replace(ask, query=Form.read(ask.scope["query_string"], "the address"))
        Form.read(ask.scope["path"].encode("utf-8", "surrogatepass"), "the address")
        if method == "POST":
            ask = replace(ask, form=await _form(ask, receive))
        turned_away = _turned_away(page, method, ask)
        if turned_away is not None:
            return turned_away
        if page.limit is not None and not page.limit.late:
            who = ask.visit.user_id if ask.visit else ask.address
            await self._network.limits.take(page.limit, who)
        return await page.handler(ask)

    async def _member(self, ask: Ask) -> Ask:
        """With what waits for them: it stands on every page, on one that says what failed too."""
        if ask.visit is None or ask.visit.school is None:
            return ask
        waiting = await self._network.waiting.of(ask.visit.user_id, ask.visit.school)
        return replace(ask, waiting=waiting)


def _turned_away(page: Page, method: str, ask: Ask) -> Reply | None:
    """Where somebody has to go first: to sign in, or to make a profile."""
    if page.access is Access.PUBLIC:
        return None
    if ask.visit is None:
        address = quote(ask.scope["path"])
        if b"%2f" in ask.scope["raw_path"].lower():  # in an id, where it stays what it is
            address = ask.scope["raw_path"].decode("ascii")
        if ask.scope["query_string"]:
            address += "?" + ask.scope["query_string"].decode("ascii", "replace")
        after = "" if method == "POST" or address == "/" else "?next=" + quote(address, safe="/")
        return to("/sign-in" + after)
    if page.access is Access.MEMBER and ask.visit.school is None:
        return to("/my/profile")
    return None


async def _form(ask: Ask, receive: Receive) -> Form:
    """The form that was sent, if it is one of ours. Raises BadInput, Forbidden, TooLarge."""
    kind = ask.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/x-www-form-urlencoded":
        raise BadInput("bad_body", "that is not a form")
    body = await whole_body(ask.headers, receive, signed_in=ask.visit is not None)
    form = Form.read(body, "the form")
    cookie = ask.visit.cookie if ask.visit else ask.guest
    if not (_is_same_site(ask) and ask.network.visits.is_form_token(cookie, form.raw("token"))):
        raise Forbidden("other_site", "the form did not come from a page of ours")
    return form


def _is_same_site(ask: Ask) -> bool:
    """What the browser says of where the form was; one that says nothing has the token to show."""
    site = ask.headers.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    return b"origin" not in ask.headers or is_same_origin(ask.headers)


def is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a page of this host asks, by whichever name the browser calls it."""
    origin, host = headers.get(b"origin", b""), headers.get(b"host", b"")
    try:
        return bool(host) and urlsplit(origin.decode("ascii")).netloc == host.decode("ascii")
    except ValueError:  # not ASCII, or half an address, such as http://[
        return False


def cookies(headers: Mapping[bytes, bytes]) -> Mapping[str, str]:
    raw = headers.get(b"cookie", b"").decode("latin-1")
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(raw).items()}
    except CookieError:
        return {}


def failed(error: Exception, ask: Ask, request_id: str) -> Reply:
    """The page that says what went wrong, which is logged."""
    problem = problems.problem(error, ask.scope["path"], request_id)
    if isinstance(error, Conflict) and error.code in ("profile_needed", "no_own_profile"):
        return to("/my/profile")
    shown = error if isinstance(error, OutgrowError) else problem
    reply = ask.page(
        "error.html", problem=said(shown), request_id=request_id if problem.status == 500 else ""
    )
    return Reply(reply.body, problem.status, headers=problems.headers_of(problem, error))
