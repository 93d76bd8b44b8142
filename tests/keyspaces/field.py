"""Stores as public prototypes write them, their bugs included, that lie beside this repository:
`gen_NAME.py` prints one, `truth_NAME.json` says what is in it.

They are looked for in `FIELD_STORES`, or in `shared/field` next to the repository.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from .damage import Damage
from .generate import Keyspace
from .score import Score, score
from .world import Pattern, Reference, World

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "field"
FOLDER = Path(os.environ.get("FIELD_STORES") or _BESIDE)

KIND = {"ref": "dangling", "index": "missing"}
"""What the truth calls damage -> what the judge does."""

AS = {"orphan": "dangling", "stale": "missing"}
"""Of what is damaged, the truth says only whether it is an id of nothing or an index that lies."""


def names() -> list[str]:
    """The stores that are there; none where the folder is not."""
    return sorted(file.stem.removeprefix("truth_") for file in FOLDER.glob("truth_*.json"))


def load(name: str) -> Keyspace:
    """A store of the field, with its truth."""
    truth = json.loads((FOLDER / f"truth_{name}.json").read_text(encoding="utf-8"))
    done = subprocess.run(
        [sys.executable, f"gen_{name}.py"], cwd=FOLDER, capture_output=True, text=True, check=True
    )
    rows = {row["key"]: row["value"] for row in map(json.loads, done.stdout.splitlines())}
    world = World(name, "", len(rows), name)
    world.patterns = {entry["pattern"]: _pattern(entry) for entry in truth["patterns"]}
    regexes = {entry["pattern"]: re.compile(entry["keys_regex"]) for entry in truth["patterns"]}
    pattern_of = {}
    for key, value in rows.items():
        of = next(each for each, regex in regexes.items() if regex.fullmatch(key))
        match = regexes[of].fullmatch(key)
        world.rows[key], world.alias_of[key], pattern_of[key] = value, of, of
        world.segments[key] = match.groups() if match else ()
        world.keys.setdefault(of, []).append(key)
    damage = {
        (misfit["key"], KIND[misfit["kind"]])
        for misfit in truth["misfits"]
        if misfit["key"] in rows
    }
    # Of a key that is damaged in two ways the truth says one.
    planted = tuple(
        Damage(key, kind, tuple((key, other) for other in KIND.values() if other != kind))
        for key, kind in sorted(damage)
    )
    return Keyspace(name, rows, world, world.patterns, pattern_of, planted, frozenset())


def _pattern(pattern: dict[str, Any]) -> Pattern:
    references = [
        Reference(
            reference["from"],
            reference["to"],
            not reference.get("optional", False),
            tuple(reference.get("also", ())),
        )
        for reference in pattern["references"]
    ]
    derived = [pattern["derived_from"]] if pattern["derived_from"] else []
    return Pattern(pattern["pattern"], pattern["pattern"], pattern["shape"], references, derived)


def scored(truth: Keyspace, document: dict[str, Any]) -> Score:
    """Score a store of the field, or a prototype's, which says whether an index is stale."""
    integrity = document.get("integrity") or {}
    named = AS if truth.name in names() else {"orphan": "dangling"}
    misfits = [
        {**misfit, "kind": named.get(misfit["kind"], misfit["kind"])}
        for misfit in integrity.get("misfits", ())
    ]
    return score(truth, {**document, "integrity": {**integrity, "misfits": misfits}})
