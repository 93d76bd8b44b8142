"""How well are stores understood?  python -m tests.keyspaces [--held | --field] [--why] [APP...]"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import APPS, HELD, build, field
from .prototypes import PROTOTYPES, prototype
from .score import Score, mean, score, table

Inspect = Callable[[Iterable[tuple[str, Any]]], dict[str, Any]]


def scores(
    inspect_rows: Inspect, names: Iterable[str], size: int, seeds: Iterable[int], damage: float
) -> dict[str, tuple[int, Score]]:
    """Name of an app -> number of keys and score, both the mean of all seeds."""
    seeds, measured = list(seeds), {}
    for name in names:
        made = [build(name, size, seed, damage) for seed in seeds]
        each = [score(keyspace, inspect_rows(keyspace.rows.items())) for keyspace in made]
        measured[name] = sum(len(keyspace.rows) for keyspace in made) // len(made), mean(each)
    return measured


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.keyspaces", description=__doc__)
    parser.add_argument("apps", nargs="*", metavar="APP", help=f"of {', '.join(APPS)}")
    parser.add_argument("--held", action="store_true", help="those that are held back, too")
    parser.add_argument("--field", action="store_true", help="the field and prototypes only")
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
    if given.field:
        return _field(inspect_rows, given.apps or [*field.names(), *PROTOTYPES], given.why)
    names = given.apps or [name for name in APPS if given.held or name not in HELD]
    seeds = range(given.seed, given.seed + given.seeds)
    measured = scores(inspect_rows, names, given.size, seeds, given.damage)
    for name, (_, result) in measured.items() if given.why else ():
        if name not in HELD:
            _why(name, result)
    for label, chosen in (("known", set(APPS) - set(HELD)), ("held", set(HELD))):
        part = {name: result for name, result in measured.items() if name in chosen}
        if part:
            print(f"\n{label}\n{table(part)}")
    return 0


def _field(inspect_rows: Inspect, names: Iterable[str], why: bool) -> int:
    """The stores of the field, and of prototypes alike, as they are."""
    measured = {}
    for name in names:
        truth = prototype(name) if name in PROTOTYPES else field.load(name)
        result = field.scored(truth, inspect_rows(truth.rows.items()))
        measured[name] = len(truth.rows), result
        if why:
            _why(name, result)
    if not field.names():
        print(f"there are none in {field.FOLDER}: set FIELD_STORES", file=sys.stderr)
    print(f"\nfield\n{table(measured)}")
    return 0


def _why(name: str, score: Score) -> None:
    counts = Counter(what for what, _ in score.wrong)
    print(f"{name}: " + ", ".join(f"{what} {n}" for what, n in counts.items()))
    for what, how in score.wrong:
        print(f"  {what}: {how}")


if __name__ == "__main__":
    sys.exit(main())
