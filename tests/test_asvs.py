"""docs/asvs.md counts what it says, names what there is, and fails nowhere that matters most."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([0-9.]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
MOST_FAILING = 12
NEVER = ("7.", "8.", "16.")  # sessions, authorization, logging


def test_it_counts_its_rows() -> None:
    match = re.search(r"\*\*(\d+) hold, (\d+) do not apply, (\d+) fail\*\*: (.*)\.$", PAGE, re.M)
    assert match
    failing = [row[0] for row in ROWS if row[1] == "**FAILS**"]
    kinds = [row[1] for row in ROWS]
    counted = (kinds.count("holds"), kinds.count("does not apply"), len(failing))
    assert counted == tuple(int(match[n]) for n in (1, 2, 3))
    assert sum(counted) == len(ROWS) == len({row[0] for row in ROWS}) == 253
    assert match[4].split(", ") == failing
    assert len(failing) <= MOST_FAILING
    assert not [requirement for requirement in failing if requirement.startswith(NEVER)]


def test_what_it_names_is_there() -> None:
    names = {path.name for path in (*(ROOT / "src").rglob("*"), *(ROOT / "tests").glob("*"))}
    names |= {path.name for path in ROOT.glob("docs/*.md")} | {"requirements.lock", "postgres.log"}
    named = set(re.findall(r"`(?:[a-z_]+/)*([a-z_]+\.(?:py|js|md|html|toml|lock|log))`", PAGE))
    assert named - names == set()
