"""How well are stores understood?  python -m tests.keyspaces [--held] [--why APP] [APP ...]"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import APPS, HELD, build
from .score import Score, mean, score, table

Inspect = Callable[[Iterable[tuple[str, Any]]], dict[str, Any]]


def scores(
    inspect_rows: Inspect, names: Iterable[str], size: int, seeds: Iterable[int], damage: float
) -> dict[str, tuple[int, Score]]:
    """Name of an app -> number of keys and score, both the mean of all seeds."""
    seeds, found = list(seeds), {}
    for name in names:
        made = [build(name, size, seed, damage) for seed in seeds]
        each = [score(one, inspect_rows(one.rows.items())) for one in made]
        found[name] = sum(len(one.rows) for one in made) // len(made), mean(each)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.keyspaces", description=__doc__)
    parser.add_argument("apps", nargs="*", metavar="APP", help=f"of {', '.join(APPS)}")
    parser.add_argument("--held", action="store_true", help="those that are held back, too")
    parser.add_argument("--why", action="store_true", help="what was wrong, not for those held")
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="the mean of so many from --seed on")
    parser.add_argument("--damage", type=float, default=0.01, help="share of rows (0.01)")
    parser.add_argument(
        "--with",
        dest="function",
        default="tests.keyspaces.memory:inspect_rows",
        metavar="MODULE:FUNCTION",
    )
    given = parser.parse_args(arguments)
    module, _, function = given.function.partition(":")
    inspect_rows = getattr(importlib.import_module(module), function)
    names = given.apps or [name for name in APPS if given.held or name not in HELD]
    seeds = range(given.seed, given.seed + given.seeds)
    found = scores(inspect_rows, names, given.size, seeds, given.damage)
    for name, (_, one) in found.items() if given.why else ():
        if name in HELD:
            continue
        counts = Counter(what for what, _ in one.wrong)
        print(f"{name}: " + ", ".join(f"{what} {n}" for what, n in counts.items()))
        for what, how in one.wrong:
            print(f"  {what}: {how}")
    for label, chosen in (("known", set(APPS) - set(HELD)), ("held", set(HELD))):
        part = {name: one for name, one in found.items() if name in chosen}
        if part:
            print(f"\n{label}\n{table(part)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
