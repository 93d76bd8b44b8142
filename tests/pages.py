"""A browser without JavaScript: it keeps cookies, follows links, sends the forms it is shown."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

from api import HERE, PASSWORD, Api
from outgrow.web.app import make_app

HOSTILE = "<script>alert(1)</script> \"'><img src=x onerror=alert(2)>"
Somebody = Callable[..., Awaitable["Browser"]]

_numbers = itertools.count(1)
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}


@dataclass
class SeenForm:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Seen(HTMLParser):
    """A page as a browser without eyes has it: its forms, links, ids, labels and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[SeenForm] = []
        self.links: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._area: str | None = None
        self._select: str | None = None
        self._open: list[str] = []
        self.feed(html)
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag not in _VOID:
            self._open.append(tag)
        name = given.get("name", "")
        match tag:
            case "form":
                method = given.get("method", "get").upper()
                self.forms.append(SeenForm(given.get("action", ""), method))
            case "a" if "href" in given:
                self.links.append(given["href"])
            case "input" if self.forms and name:
                kind = given.get("type")
                if kind not in ("checkbox", "radio") or "checked" in given:
                    self.forms[-1].fields[name] = given.get("value", "on")
            case "textarea" if self.forms:
                self._area = name
                self.forms[-1].fields[name] = ""
            case "select" if self.forms:
                self._select = name
                self.forms[-1].fields.setdefault(name, "")
            case "option" if self._select and "selected" in given:
                self.forms[-1].fields[self._select] = given.get("value", "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        # As a browser closes list items, options and paragraphs by itself; ours are all closed.
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> closes <{self._open[-1]}>"
        self._open.pop()
        if tag == "textarea":
            self._area = None
        if tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._area is not None and self.forms:
            self.forms[-1].fields[self._area] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def form(self, action: str) -> SeenForm:
        forms = [form for form in self.forms if form.action == action]
        assert forms, f"no form to {action} among {[form.action for form in self.forms]}"
        return forms[0]


class Browser:
    """Somebody at the pages, with cookies of their own."""

    def __init__(self, api: Api) -> None:
        transport = httpx.ASGITransport(
            app=make_app(api.services, api.context), client=("127.0.0.1", 50000)
        )
        self.client = httpx.AsyncClient(
            transport=transport, base_url="http://campus", headers={"accept": "text/html"}
        )
        self.email = ""
        self.id = ""
        self.answer = httpx.Response(204)
        self.page = Seen("")

    async def open(self, path: str, status: int = 200, **options: Any) -> Seen:
        """Look at a page; redirects are followed."""
        return await self._seen(self.client.get(path, **options), status)

    async def _seen(self, request: Any, status: int) -> Seen:
        answer = await request
        while answer.status_code == 303:
            answer = await self.client.get(answer.headers["location"])
        assert answer.status_code == status, f"{answer.status_code}: {Seen(answer.text).text}"
        self.answer = answer
        self.page = Seen(answer.text)
        return self.page

    async def send(self, action: str, status: int = 200, **typed: Any) -> Seen:
        """Fill in the form of this page that goes to `action`, and send it. None clears a field."""
        form = self.page.form(action)
        assert form.method == "POST"
        fields = {name: value for name, value in (form.fields | typed).items() if value is not None}
        return await self._seen(self.client.post(action, data=fields), status)

    async def sign_up(
        self, name: str = "Ada Okafor", school: str | None = None, **more: str
    ) -> Seen:
        self.email = f"student{next(_numbers)}@campus.example"
        await self.open("/sign-up")
        typed: dict[str, Any] = {
            "name": name,
            "school": school or HERE,
            "email": self.email,
            "password": PASSWORD,
        }
        page = await self.send("/sign-up", **(typed | more))
        await self.open("/my/settings")
        self.id = next(link for link in self.page.links if link.startswith("/people/"))[8:]
        return page

    async def close(self) -> None:
        await self.client.aclose()


@contextlib.asynccontextmanager
async def browsers(api: Api) -> AsyncIterator[Somebody]:
    """Makes browsers, and closes them in the end."""
    opened: list[Browser] = []

    async def somebody(name: str = "", school: str | None = None, **more: str) -> Browser:
        opened.append(Browser(api))
        if name:
            await opened[-1].sign_up(name, school, **more)
        return opened[-1]

    yield somebody
    for browser in opened:
        await browser.close()
