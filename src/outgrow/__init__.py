"""Outgrow: a campus-network backend that grows out of its key-value table, live.

The library is described in docs/library.md. A name is imported when it is first used: `import
outgrow` alone takes milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from outgrow.errors import (
    BadCursor,
    BadInput,
    Busy,
    Conflict,
    Damaged,
    Forbidden,
    GrowthFailed,
    NotAllowed,
    NotFound,
    NotJson,
    NotSignedIn,
    OutgrowError,
    Refused,
    RowsHidden,
    ServerFailed,
    TooLarge,
    TooMany,
    Unavailable,
)

if TYPE_CHECKING:
    from outgrow.blueprint import Blueprint
    from outgrow.connection import connect
    from outgrow.db.pool import Database
    from outgrow.growth.watch import Silent, Watcher
    from outgrow.library import advise, fold, grow, inspect, plan, verify
    from outgrow.settings import Thresholds
    from outgrow.store import MISSING, NO_VALUE, TEXT, Store

__version__ = "0.1.0"

_MODULES = {
    "Blueprint": "blueprint",
    "Database": "db.pool",
    "Thresholds": "settings",
    "MISSING": "store",
    "NO_VALUE": "store",
    "Silent": "growth.watch",
    "Store": "store",
    "TEXT": "store",
    "Watcher": "growth.watch",
    "advise": "library",
    "connect": "connection",
    "fold": "library",
    "grow": "library",
    "inspect": "library",
    "plan": "library",
    "verify": "library",
}
"""Where each name is that is imported when it is first used."""

__all__ = [
    "MISSING",
    "NO_VALUE",
    "TEXT",
    "BadCursor",
    "BadInput",
    "Blueprint",
    "Busy",
    "Conflict",
    "Damaged",
    "Database",
    "Forbidden",
    "GrowthFailed",
    "NotAllowed",
    "NotFound",
    "NotJson",
    "NotSignedIn",
    "OutgrowError",
    "Refused",
    "RowsHidden",
    "ServerFailed",
    "Silent",
    "Store",
    "Thresholds",
    "TooLarge",
    "TooMany",
    "Unavailable",
    "Watcher",
    "advise",
    "connect",
    "fold",
    "grow",
    "inspect",
    "plan",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
