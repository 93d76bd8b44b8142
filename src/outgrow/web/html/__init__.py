"""The pages for people with a browser: the table of all pages, and their static files."""

from __future__ import annotations

from starlette.routing import Route as Path

from outgrow.web.html import accounts, assets, chats, people
from outgrow.web.html.page import Page, PageResource
from outgrow.web.http.routing import HttpContext, group_by_path
from outgrow.web.services import Services

PAGES: tuple[Page, ...] = (*accounts.PAGES, *people.PAGES, *chats.PAGES)


def page_paths(services: Services, context: HttpContext) -> list[Path]:
    """Return the pages and static files as routes of the application."""
    resources = [
        Path(path, PageResource(path, group, services, context))
        for path, group in group_by_path(PAGES).items()
    ]
    files = [Path(f"/static/{name}", file) for name, file in assets.static()[0].items()]
    return [*resources, *files]


def missing_page(services: Services, context: HttpContext) -> PageResource:
    """Make the page for a path that matches none."""
    return PageResource("(none)", (), services, context)
