"""The SQL that the layout makes, as a DBA can read it in a review.

`pytest tests/test_golden.py --golden` writes the files anew.
"""

from pathlib import Path

import pytest

from outgrow import layout
from outgrow.blueprint import campus

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["campus.sql", "campus-indexes.sql"])
def test_golden(name: str, pytestconfig: pytest.Config) -> None:
    if name == "campus.sql":
        statements = [q.sql for q in layout.create(campus(), "public", "kv_store_2516be19")]
    else:
        indexes = layout.indexes(campus(), "public", "kv_store_2516be19")
        statistics = layout.statistics(campus(), "public", "kv_store_2516be19")
        statements = [f"-- {made.purpose}\n{made.create.sql}" for made in [*indexes, *statistics]]
    text = "\n\n".join(statement + ";" for statement in statements) + "\n"
    if pytestconfig.option.golden:
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert (GOLDEN / name).read_text(encoding="utf-8") == text
