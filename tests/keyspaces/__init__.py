"""Keyspaces of apps that keep everything in one key-value table, generated with the truth about
them: by these it is measured how well a store is understood.

`HELD` are kept from whoever writes the code that is measured: look at their scores only.
"""

from __future__ import annotations

from . import known, studio, trades
from .generate import App, Keyspace, generated

HELD: tuple[str, ...] = ()
APPS: dict[str, App] = {
    "campus": (known.CAMPUS, known.campus),
    "events": (known.EVENTS, known.events),
    "mechanics": (trades.MECHANICS, trades.mechanics),
    "stock": (trades.STOCK, trades.stock),
    "slips": (studio.SLIPS, studio.slips),
    "studio": (studio.STUDIO, studio.studio),
    "board": (trades.BOARD, trades.board),
}


def build(name: str, size: int = 200, seed: int = 1, damage: float = 0.0) -> Keyspace:
    """The store of an app by its name."""
    return generated(name, APPS[name], size, seed, damage)
