"""The documentation as one page: no script, no network, no font from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Page:
    html: bytes
    headers: tuple[tuple[bytes, bytes], ...]


def page(document: dict[str, Any]) -> Page:
    return Page(b"<!doctype html>", ())
