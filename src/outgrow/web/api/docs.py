"""The documentation as one page: no script, nothing from elsewhere, light or dark as one likes it.

Written once from the OpenAPI document. The style sheet is inside, and the page's content security
policy allows that one text and nothing else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib import resources
from typing import Any

from outgrow.web.api.codes import CODES

Node = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    html: bytes
    headers: tuple[tuple[bytes, bytes], ...]


def page(document: Node) -> Page:
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
{_contents(document)}
</nav>
<main>
<h1>{escape(info["title"])} API</h1>
{_prose(info["description"])}
{_tour()}
{"".join(_tag(document, tag) for tag in document["tags"])}
{_codes()}
<footer>The same as a document for machines: <a href="/openapi.json">/openapi.json</a>,
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


def _contents(document: Node) -> str:
    parts = []
    for tag in document["tags"]:
        items = "".join(
            f'<li><a href="#{operation["operationId"]}">{_method(method)} '
            f"<span>{escape(path)}</span></a></li>"
            for method, path, operation in _operations(document, tag["name"])
        )
        if items:
            parts.append(
                f'<p><a href="#{tag["name"]}">{escape(tag["name"])}</a></p><ul>{items}</ul>'
            )
    return "".join(parts) + '<p><a href="#errors">errors</a></p>'


def _tour() -> str:
    return """<h2 id="start">In three requests</h2>
<pre><code>API=http://127.0.0.1:8000
curl -s $API/auth/login -H 'content-type: application/json' \\
  -d '{"email": "demo@outgrow.test", "password": "outgrow-demo"}'
TOKEN=...   # its "access_token"

curl -s "$API/profiles?year=Junior&amp;limit=5" -H "authorization: Bearer $TOKEN"
curl -s "$API/profiles?year=Junior&amp;limit=5&amp;cursor=$NEXT" -H "authorization: Bearer $TOKEN"
</code></pre>
"""


def _tag(document: Node, tag: Node) -> str:
    operations = _operations(document, tag["name"])
    if not operations:
        return ""
    shown = "".join(_operation(document, *operation) for operation in operations)
    return (
        f'<section><h2 id="{tag["name"]}">{escape(tag["name"].capitalize())}</h2>'
        f"<p>{escape(tag['description'])}</p>{shown}</section>"
    )


def _operation(document: Node, method: str, path: str, operation: Node) -> str:
    parameters = operation.get("parameters", ())
    body = operation.get("requestBody")
    parts = [
        f'<article id="{operation["operationId"]}">',
        f"<h3>{_method(method)} <code>{escape(path)}</code></h3>",
        f'<p class="summary">{escape(operation["summary"])}</p>',
        _prose(operation["description"]),
    ]
    if parameters:
        parts.append(_table("Parameters", map(_parameter, parameters)))
    if body:
        content = body["content"]["application/json"]
        parts.append(_fields(document, content["schema"]))
        parts.append(_example("Request", content.get("example")))
    parts += [_response(status, answer) for status, answer in operation["responses"].items()]
    return "".join(parts) + "</article>"


def _response(status: str, answer: Node) -> str:
    errors = answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
    if errors:
        links = " ".join(f'<a href="#{code}"><code>{code}</code></a>' for code in errors)
        return f'<p class="errors"><b>{status}</b> {links}</p>'
    content: Node = next(iter(answer.get("content", {}).values()), {})
    label = f"{status} {answer['description']}"
    if "example" not in content:
        return f'<p class="good"><b>{escape(label)}</b></p>'
    return _example(label, content["example"])


def _parameter(parameter: Node) -> str:
    schema = parameter["schema"]
    notes = [parameter["in"], _type(schema)]
    if "default" in schema:
        notes.append(f"default {json.dumps(schema['default'])}")
    return _row(parameter["name"], notes, parameter.get("description", ""))


def _fields(document: Node, schema: Node) -> str:
    shape = _resolved(document, schema)
    required = set(shape.get("required", ()))
    rows = [
        _row(
            name,
            [_type(field), "required" if name in required else "optional"],
            field.get("description", ""),
        )
        for name, field in shape.get("properties", {}).items()
    ]
    return _table("Body", rows)


def _resolved(document: Node, schema: Node) -> Node:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        found: Node = document["components"]["schemas"][name]
        return found
    return schema


def _type(schema: Node) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "up to"))
        if key in schema
    ]
    return " ".join([kind, *bounds])


def _row(name: str, notes: Iterable[str], description: str) -> str:
    return (
        f"<tr><th scope=row><code>{escape(name)}</code></th>"
        f"<td>{escape(', '.join(notes))}</td><td>{escape(description)}</td></tr>"
    )


def _table(caption: str, rows: Iterable[str]) -> str:
    return f"<table><caption>{caption}</caption>{''.join(rows)}</table>"


def _example(label: str, example: Any) -> str:
    if example is None:
        return ""
    text = json.dumps(example, indent=2, ensure_ascii=False)
    return (
        f"<details><summary>{escape(label)}</summary>"
        f"<pre><code>{escape(text)}</code></pre></details>"
    )


def _codes() -> str:
    rows = "".join(
        f'<tr id="{code}"><th scope=row><code>{code}</code></th>'
        f"<td>{error.status}</td><td>{escape(error.meaning)}</td></tr>"
        for code, error in CODES.items()
    )
    return f"""<section><h2 id="errors">Errors</h2>
<p>Problem details: <code>title</code> is the fact, <code>detail</code> what was seen,
<code>hint</code> what to do next, <code>request_id</code> what to look for in the log.</p>
<table class="codes"><caption>Codes</caption>{rows}</table></section>"""


def _prose(text: str) -> str:
    paragraphs = text.strip().split("\n\n")
    return "".join(f"<p>{_code_spans(escape(p))}</p>" for p in paragraphs if p)


def _code_spans(text: str) -> str:
    pieces = text.split("`")
    return "".join(
        f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces)
    )


def _method(method: str) -> str:
    return f'<b class="method {method.lower()}">{method}</b>'
