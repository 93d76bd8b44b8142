"""The JSON API: the table of all its routes, and the documentation written from it."""

from __future__ import annotations

from functools import cache

from outgrow.web.api import (
    account,
    chats,
    openapi,
    operations,
    people,
    relationships,
    sign_in,
)
from outgrow.web.api.endpoint import ApiRequest, Route
from outgrow.web.http.response import Response
from outgrow.web.http.routing import Access


@cache
def _document() -> bytes:
    return openapi.encode_document(ROUTES)


@cache
def _page() -> openapi.Page:
    return openapi.render_page(openapi.document(ROUTES))


async def read_openapi(request: ApiRequest) -> Response:
    return Response(_document())


async def read_docs(request: ApiRequest) -> Response:
    page = _page()
    return Response(page.html, content_type=b"text/html; charset=utf-8", headers=page.headers)


ROUTES: tuple[Route, ...] = (
    *sign_in.ROUTES,
    *account.ROUTES,
    *people.ROUTES,
    *relationships.ROUTES,
    *chats.ROUTES,
    *operations.ROUTES,
    Route(
        method="GET",
        path="/openapi.json",
        handler=read_openapi,
        access=Access.PUBLIC,
        tag="operation",
        summary="Get this document",
    ),
    Route(
        method="GET",
        path="/docs",
        handler=read_docs,
        access=Access.PUBLIC,
        tag="operation",
        summary="Read this document as a page",
        content_type="text/html",
    ),
)
