"""The error codes that the source raises, found by reading it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import outgrow
from outgrow import errors

SOURCE = Path(outgrow.__file__).parent
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.OutgrowError)
}


@dataclass(frozen=True, slots=True)
class Raised:
    code: str
    kind: type[errors.OutgrowError]
    location: str


def raised() -> Iterator[Raised]:
    """Every error made with a literal code, directly or by a function that takes `code` first."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        makers = _makers(tree)
        inside = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name in makers
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or id(node) in inside:
                continue
            kind = makers.get(_name(node.func)) or CLASSES.get(_name(node.func))
            if kind is None:
                continue
            location = f"{path.relative_to(SOURCE)}:{node.lineno}"
            match node.args:
                case [ast.Constant(value=str(code)), *_]:
                    yield Raised(code, kind, location)
                case _:
                    raise AssertionError(f"{location}: the code of an error is written out")


def _makers(tree: ast.AST) -> dict[str, type[errors.OutgrowError]]:
    """Functions of a file whose first argument is `code`, with the error that they return."""
    makers = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            arguments = [a.arg for a in node.args.args if a.arg != "self"]
            returned = _name(node.returns) if node.returns else ""
            if arguments[:1] == ["code"] and returned in CLASSES:
                makers[node.name] = CLASSES[returned]
    return makers


def _name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
