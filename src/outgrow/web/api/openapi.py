"""The documentation, written from the table of routes: OpenAPI 3.1, and the same as one HTML page.

The page has no script and loads nothing. Its style sheet is inside, and its content security policy
allows that text and nothing else.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from http import HTTPStatus
from importlib import resources
from typing import Any

import msgspec

from outgrow import __version__
from outgrow.web.api.endpoint import CODES, PROBLEM_EXAMPLE, Route
from outgrow.web.http.request import Parameter
from outgrow.web.http.response import Problem
from outgrow.web.http.routing import Access

TAGS = {
    "accounts": "Sign-up, log-in, passwords and sessions.",
    "profiles": "The people of your school, and your own profile.",
    "search": "People by name, and by what their profiles say.",
    "discover": "People to get to know.",
    "intros": "The first word to a person: say why, and talk once they accept.",
    "connections": "The people who accepted an intro.",
    "chats": "Messages between connected people.",
    "safety": "Blocks and reports.",
    "schools": "Schools and their sizes.",
    "operation": "Health, metrics and this documentation.",
}
_INTRODUCTION = """\
A campus network. Sign in to see the people of your school.

Every list takes `limit` with either `offset` or `cursor`; the cursor is `next` of the previous
page. Unknown parameters and fields are refused. Errors are problem details (RFC 9457): `code` is
stable, and `hint` says what to do next.
"""
_RETRY_AFTER = {
    "description": "The number of seconds to wait.",
    "schema": {"type": "integer", "minimum": 1},
}
_REF = "#/components/schemas/{name}"


def encode_document(routes: Sequence[Route]) -> bytes:
    """Return the OpenAPI document of these routes as JSON."""
    return msgspec.json.encode(document(routes))


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of these routes."""
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
        "description": _description(route),
        "responses": _responses(route, schema_of),
        "security": [{"access_token": []}] if _needs_session(route) else [],
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
    """Return every code that a route may answer with: its own, its access's and its input's."""
    codes = {*route.errors, "unknown_parameter"}
    if _needs_session(route):
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


def _description(route: Route) -> str:
    limit = route.limit
    text = f"{route.description.strip()}\n\nFor {route.access.value}."
    if limit is not None:
        text += f" At most {limit.most} {limit.what} in {_format_span(limit.seconds)}, by default."
    return text.strip()


def _format_span(seconds: int) -> str:
    """Return a span of time in the largest unit that divides it: `10 minutes`."""
    units = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
    size, name = next(unit for unit in units if seconds % unit[0] == 0)
    count = seconds // size
    return f"a {name}".replace("a hour", "an hour") if count == 1 else f"{count} {name}s"


def _needs_session(route: Route) -> bool:
    return route.access in (Access.SIGNED_IN, Access.MEMBER)


_IDS = {
    "accounts": ("The session's id.", "0f5e1f0c9d3a4a52b6b1f6f6f2f7a7c1"),
    "chats": ("The chat's id.", "05a3:5f0c"),
}


def _path_parameter(name: str, tag: str) -> dict[str, Any]:
    description, example = _IDS.get(
        tag, ("The person's id.", "5f0c9a1e-6f1f-4a39-9a3e-0d7c5f6a2b11")
    )
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


Node = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """The documentation as HTML, with the headers it is served with."""

    html: bytes
    headers: tuple[tuple[bytes, bytes], ...]


def render_page(document: Node) -> Page:
    """Render an OpenAPI document as one page."""
    style = resources.files(__package__).joinpath("docs.css").read_text(encoding="utf-8")
    digest = base64.b64encode(sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    info = document["info"]
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(info["title"])} API</title>
<style>{style}</style>
</head>
<body>
<nav aria-label="Routes">
<p class="name">{escape(info["title"])} <small>{escape(info["version"])}</small></p>
{_render_contents(document)}
</nav>
<main>
<h1>{escape(info["title"])} API</h1>
{_render_prose(info["description"])}
{_render_tour()}
{"".join(_render_tag(document, tag) for tag in document["tags"])}
{_render_codes()}
<footer>The same for machines: <a href="/openapi.json">/openapi.json</a>,
OpenAPI {escape(document["openapi"])}.</footer>
</main>
</body>
</html>
"""
    headers = (
        (b"cache-control", b"no-cache"),
        (b"content-security-policy", policy.encode("ascii")),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    )
    return Page(html.encode("utf-8"), headers)


def _operations(document: Node, tag: str) -> list[tuple[str, str, Node]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag in operation["tags"]
    ]


def _render_contents(document: Node) -> str:
    parts = []
    for tag in document["tags"]:
        items = "".join(
            f'<li><a href="#{operation["operationId"]}">{_render_method(method)} '
            f"<span>{escape(path)}</span></a></li>"
            for method, path, operation in _operations(document, tag["name"])
        )
        if items:
            parts.append(
                f'<p><a href="#{tag["name"]}">{escape(tag["name"])}</a></p><ul>{items}</ul>'
            )
    return "".join(parts) + '<p><a href="#errors">errors</a></p>'


def _render_tour() -> str:
    return """<h2 id="start">In three requests</h2>
<pre><code>API=http://127.0.0.1:8000
curl -s $API/auth/login -H 'content-type: application/json' \\
  -d '{"email": "demo@outgrow.test", "password": "outgrow-demo"}'
TOKEN=...   # its "access_token"

curl -s "$API/profiles?year=Junior&amp;limit=5" -H "authorization: Bearer $TOKEN"
curl -s "$API/profiles?year=Junior&amp;limit=5&amp;cursor=$NEXT" -H "authorization: Bearer $TOKEN"
</code></pre>
"""


def _render_tag(document: Node, tag: Node) -> str:
    operations = _operations(document, tag["name"])
    if not operations:
        return ""
    shown = "".join(_render_operation(document, *operation) for operation in operations)
    return (
        f'<section><h2 id="{tag["name"]}">{escape(tag["name"].capitalize())}</h2>'
        f"<p>{escape(tag['description'])}</p>{shown}</section>"
    )


def _render_operation(document: Node, method: str, path: str, operation: Node) -> str:
    parameters = operation.get("parameters", ())
    body = operation.get("requestBody")
    parts = [
        f'<article id="{operation["operationId"]}">',
        f"<h3>{_render_method(method)} <code>{escape(path)}</code></h3>",
        f'<p class="summary">{escape(operation["summary"])}</p>',
        _render_prose(operation["description"]),
    ]
    if parameters:
        parts.append(_render_table("Parameters", map(_render_parameter, parameters)))
    if body:
        content = body["content"]["application/json"]
        parts.append(_render_fields(document, content["schema"]))
        parts.append(_render_example("Request", content.get("example")))
    parts += [_render_response(status, answer) for status, answer in operation["responses"].items()]
    return "".join(parts) + "</article>"


def _render_response(status: str, answer: Node) -> str:
    errors = answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
    if errors:
        links = " ".join(f'<a href="#{code}"><code>{code}</code></a>' for code in errors)
        return f'<p class="errors"><b>{status}</b> {links}</p>'
    content: Node = next(iter(answer.get("content", {}).values()), {})
    label = f"{status} {answer['description']}"
    if "example" not in content:
        return f'<p class="good"><b>{escape(label)}</b></p>'
    return _render_example(label, content["example"])


def _render_parameter(parameter: Node) -> str:
    schema = parameter["schema"]
    notes = [parameter["in"], _render_type(schema)]
    if "default" in schema:
        notes.append(f"default {json.dumps(schema['default'])}")
    return _render_row(parameter["name"], notes, parameter.get("description", ""))


def _render_fields(document: Node, schema: Node) -> str:
    shape = _resolve_reference(document, schema)
    required = set(shape.get("required", ()))
    rows = [
        _render_row(
            name,
            [_render_type(field), "required" if name in required else "optional"],
            field.get("description", ""),
        )
        for name, field in shape.get("properties", {}).items()
    ]
    return _render_table("Body", rows)


def _resolve_reference(document: Node, schema: Node) -> Node:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target: Node = document["components"]["schemas"][name]
        return target
    return schema


def _render_type(schema: Node) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_render_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_render_type(schema.get('items', {}))}"
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "up to"))
        if key in schema
    ]
    return " ".join([kind, *bounds])


def _render_row(name: str, notes: Iterable[str], description: str) -> str:
    return (
        f"<tr><th scope=row><code>{escape(name)}</code></th>"
        f"<td>{escape(', '.join(notes))}</td><td>{escape(description)}</td></tr>"
    )


def _render_table(caption: str, rows: Iterable[str]) -> str:
    return f"<table><caption>{caption}</caption>{''.join(rows)}</table>"


def _render_example(label: str, example: Any) -> str:
    if example is None:
        return ""
    text = json.dumps(example, indent=2, ensure_ascii=False)
    return (
        f"<details><summary>{escape(label)}</summary>"
        f"<pre><code>{escape(text)}</code></pre></details>"
    )


def _render_codes() -> str:
    rows = "".join(
        f'<tr id="{code}"><th scope=row><code>{code}</code></th>'
        f"<td>{error.status}</td><td>{escape(error.meaning)}</td></tr>"
        for code, error in CODES.items()
    )
    return f"""<section><h2 id="errors">Errors</h2>
<p>Errors are problem details. <code>title</code> says what is wrong, <code>detail</code> gives
the particulars, <code>hint</code> says what to do next, and <code>request_id</code> finds the
request in the log.</p>
<table class="codes"><caption>Codes</caption>{rows}</table></section>"""


def _render_prose(text: str) -> str:
    paragraphs = text.strip().split("\n\n")
    return "".join(f"<p>{_render_code_spans(escape(p))}</p>" for p in paragraphs if p)


def _render_code_spans(text: str) -> str:
    pieces = text.split("`")
    return "".join(
        f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces)
    )


def _render_method(method: str) -> str:
    return f'<b class="method {method.lower()}">{method}</b>'
