"""Templates and static files, read once, at the first page.

A static file's name has a hash of its content, so a browser requests it once. Static files are kept
compressed too.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from importlib import resources
from typing import Any
from urllib.parse import quote
from zlib import crc32

import jinja2
from starlette.types import Receive, Scope, Send

from outgrow.campus.people.schools import strip_invisible
from outgrow.web.http.response import POLICY

_KINDS = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml; charset=utf-8",
}
TINTS = 8
_SITE = re.compile(r"https://([A-Za-z0-9.-]{1,253})(?::[0-9]+)?(?:[/?#][!-~]*)?\Z")


_FOREVER = (
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"vary", b"accept-encoding"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", POLICY),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file under its name with a hash, as an ASGI application."""

    content_type: bytes
    body: bytes
    compressed: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_read = scope["method"] in ("GET", "HEAD")
        is_compressed = b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b"")
        body = self.compressed if is_compressed else self.body
        headers = [
            (b"content-type", self.content_type),
            (b"content-length", b"%d" % (len(body) if is_read else 0)),
            *_FOREVER,
        ]
        if is_compressed:
            headers.append((b"content-encoding", b"gzip"))
        status = 200 if is_read else 405
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": body if scope["method"] == "GET" else b""}
        )


@cache
def static() -> tuple[Mapping[str, StaticFile], Mapping[str, str]]:
    """Return the files by their name with the hash, and that name by the plain name."""
    files: dict[str, StaticFile] = {}
    names: dict[str, str] = {}
    for file in resources.files("outgrow.web.html").joinpath("static").iterdir():
        stem, _, kind = file.name.rpartition(".")
        if kind not in _KINDS:
            continue
        body = file.read_bytes()
        name = f"{stem}.{blake2b(body, digest_size=6).hexdigest()}.{kind}"
        files[name] = StaticFile(_KINDS[kind], body, gzip.compress(body, 9, mtime=0))
        names[file.name] = name
    return files, names


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """Render a template to HTML."""
    html = _environment().get_template(template).render(values)
    return html.encode("utf-8", "replace")  # half a surrogate pair, from an old client's JSON


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("outgrow.web.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_shown,
    )
    names = static()[1]
    environment.globals["static"] = lambda name: f"/static/{names[name]}"
    environment.filters |= {
        "initials": initials,
        "tint": tint,
        "texts": texts,
        "sites": sites,
        "when": format_time,
        "segment": segment,
        "browser": browser,
    }
    return environment


def _shown(value: Any) -> Any:
    """Return text from data without characters that reverse the text around it or are invisible."""
    return strip_invisible(value) if type(value) is str else value


def initials(name: str | None) -> str:
    """Return the initials of the first and the last word, a dot without a name."""
    names = re.findall(r"\w[^\s]*", name or "")
    return "".join(word[0] for word in names[:: max(len(names) - 1, 1)][:2]).upper() or "·"


def tint(user_id: str) -> int:
    """Return the colour of a person's avatar, always the same for an id."""
    return crc32(user_id.encode("utf-8", "replace")) % TINTS


def texts(values: Any) -> list[str]:
    """Return the texts in a list of a profile, where an old client may have written anything."""
    if not isinstance(values, list):
        return []
    return [value for value in values if isinstance(value, str) and value.strip()]


def sites(values: Any) -> list[tuple[str, str]]:
    """Return the links in a list of a profile, each with its site. Old clients may have written
    anything: leave out what is not a link, and links that seem to lead elsewhere than they do."""
    matches = ((link, _SITE.match(link)) for link in texts(values))
    return [(link, site[1].lower()) for link, site in matches if site]


def segment(text: str) -> str:
    """Return an id as a segment of a path."""
    return quote(text, safe="", errors="replace")


def browser(device: str | None) -> str:
    """Return what people call a User-Agent: `Firefox on Linux`."""
    agent = device or ""
    programs = ("Firefox", "Edg", "OPR", "Chrome", "Safari", "curl")
    systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
    names = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "Mac"}
    program = next((program for program in programs if program in agent), "")
    system = next((system for system in systems if system in agent), "")
    parts = [names.get(part, part) for part in (program, system) if part]
    return " on ".join(parts) or agent[:40] or "A program"


def _moment(iso: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(iso or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def format_time(iso: str | None) -> str:
    """Return a time in UTC: `14:05` today, `9 Mar` this year, `9 Mar 2024` before."""
    moment, now = _moment(iso), datetime.now(UTC)
    if moment is None:
        return ""
    if moment.date() == now.date():
        return moment.strftime("%H:%M")
    return f"{moment.day} {moment:%b}" + ("" if moment.year == now.year else f" {moment.year}")
