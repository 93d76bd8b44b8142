"""OpenAPI 3.1, written from the table of routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from outgrow import __version__
from outgrow.web.api.codes import CODES, PROBLEM_EXAMPLE
from outgrow.web.api.endpoint import Route
from outgrow.web.http.request import Parameter
from outgrow.web.http.response import Problem
from outgrow.web.http.routing import Access

TAGS = {
    "accounts": "Sign-up, log-in and sessions.",
    "profiles": "People of your school.",
    "connections": "Who is connected to whom.",
    "chats": "Messages between two people.",
    "search": "Search.",
    "schools": "Schools and their sizes.",
    "operation": "Health, metrics and this documentation.",
}
_INTRODUCTION = """\
A campus network: sign in to see the people of your school.

Every list takes `limit` with `offset`, or with the `cursor` that the page before gave as `next`.
Unknown parameters and fields are refused. Errors are problem details (RFC 9457) with a stable
`code` and, in `hint`, what to do next.
"""
_RETRY_AFTER = {
    "description": "How many seconds to wait.",
    "schema": {"type": "integer", "minimum": 1},
}
_REF = "#/components/schemas/{name}"


def encoded(routes: Sequence[Route]) -> bytes:
    return msgspec.json.encode(document(routes))


def document(routes: Sequence[Route]) -> dict[str, Any]:
    shapes = [s for route in routes for s in (route.body, route.answer, route.accepted) if s]
    shapes = list(dict.fromkeys([*shapes, Problem]))
    references, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    schema_of = dict(zip(shapes, references, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Outgrow",
            "version": __version__,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "access_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _operation(route: Route, schema_of: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "tags": [route.tag],
        "summary": route.summary,
        "description": f"{route.description}\n\nFor {route.access.value}.{_limit(route)}".strip(),
        "responses": _responses(route, schema_of),
        "security": [{"access_token": []}] if _signed(route) else [],
    }
    parameters = [_path_parameter(name, route.tag) for name in re.findall(r"{(\w+)}", route.path)]
    parameters += [_parameter(parameter, "query") for parameter in route.parameters]
    parameters += [_parameter(parameter, "header") for parameter in route.headers]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        content = {"schema": schema_of[route.body], "example": route.body_example}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _responses(route: Route, schema_of: dict[Any, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if route.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.TEMPORARY_REDIRECT):
        content: dict[str, Any] = {}
        if route.answer is not None:
            content["schema"] = schema_of[route.answer]
        if route.answer_example is not None:
            content["example"] = route.answer_example
        good["content"] = {route.content_type: content}
    responses: dict[str, Any] = {str(route.status): good}
    if route.accepted is not None:
        content = {"schema": schema_of[route.accepted]}
        responses["202"] = {
            "description": HTTPStatus.ACCEPTED.phrase,
            "content": {route.content_type: content},
        }
    if route.other_status is not None:
        again = HTTPStatus(route.other_status)
        responses[str(route.other_status)] = {**good, "description": again.phrase}
    for code in sorted(codes_of(route), key=lambda code: (CODES[code].status, code)):
        error = CODES[code]
        response = responses.setdefault(
            str(error.status),
            {
                "description": HTTPStatus(error.status).phrase,
                "content": {
                    "application/problem+json": {"schema": schema_of[Problem], "examples": {}}
                },
            },
        )
        if code == "rate_limited":
            response["headers"] = {"Retry-After": _RETRY_AFTER}
        example = {**PROBLEM_EXAMPLE, "type": f"/docs#{code}", "code": code}
        example |= {"title": error.meaning, "status": error.status}
        response["content"]["application/problem+json"]["examples"][code] = {"value": example}
    return responses


def codes_of(route: Route) -> set[str]:
    """Every code that a route may answer with: its own, and those of its access and input."""
    codes = {*route.errors, "unknown_parameter"}
    if _signed(route):
        codes |= {"not_signed_in", "bad_token", "token_expired", "session_ended"}
    if route.access is Access.MEMBER:
        codes.add("profile_needed")
    if route.access is Access.OPERATOR:
        codes.add("no_such_route")
    if route.parameters:
        codes |= {"bad_parameter", "repeated_parameter"}
    if any(parameter.required for parameter in route.parameters):
        codes.add("missing_parameter")
    if route.body is not None:
        codes |= {"bad_json", "bad_body", "bad_text", "not_json", "body_too_large"}
    if "{" in route.path:
        codes.add("bad_text")
    if route.access is not Access.OPERATOR:
        codes.add("rate_limited")
    if route.tag != "operation":
        codes |= {"database_unavailable", "internal_error"}
    return codes


def _limit(route: Route) -> str:
    limit = route.limit
    if limit is None:
        return ""
    return f" At most {limit.most} {limit.what} in {limit.seconds} seconds, unless set otherwise."


def _signed(route: Route) -> bool:
    return route.access in (Access.SIGNED_IN, Access.MEMBER)


_IDS = {
    "accounts": ("A session's id.", "0f5e1f0c9d3a4a52b6b1f6f6f2f7a7c1"),
    "chats": ("A chat's id.", "05a3:5f0c"),
}


def _path_parameter(name: str, tag: str) -> dict[str, Any]:
    description, example = _IDS.get(tag, ("A user's id.", "5f0c9a1e-6f1f-4a39-9a3e-0d7c5f6a2b11"))
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }


def _parameter(parameter: Parameter, where: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": where,
        "description": parameter.description,
        "schema": parameter.schema,
    }
    if parameter.required:
        described["required"] = True
    if parameter.example is not None:
        described["example"] = [parameter.example] if parameter.many else parameter.example
    return described
