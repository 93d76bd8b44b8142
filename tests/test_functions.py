"""Functions that indexes are built on never change what they say under the same name."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from outgrow.queries import load

GOLDEN = Path(__file__).parent / "golden" / "functions.json"


def test_a_body_changes_only_with_its_name(pytestconfig: pytest.Config) -> None:
    """`--golden` adds new functions to the file, and never changes what stands there: an index
    built on the old body would answer for the new one, and silently miss rows."""
    sql = load("outgrow")["functions"].sql
    sql = "\n".join(line for line in sql.splitlines() if not line.startswith("--"))
    bodies = re.findall(r"FUNCTION outgrow\.(\w+)\((.*?)(?=\nCREATE |\Z)", sql, re.DOTALL)
    digests = {name: hashlib.sha256(body.encode()).hexdigest()[:16] for name, body in bodies}
    assert len(digests) == sql.count("CREATE OR REPLACE FUNCTION")
    known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if pytestconfig.option.golden:
        known = {**digests, **known}
        GOLDEN.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
    assert digests == {name: known.get(name) for name in digests}
