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
        place = (campus(), "public", "kv_store_2516be19")
        made = [(index.purpose, index.create.sql) for index in layout.indexes(*place)]
        made += [(item.purpose, item.create.sql) for item in layout.statistics(*place)]
        statements = [f"-- {purpose}\n{create}" for purpose, create in made]
    text = "\n\n".join(statement + ";" for statement in statements) + "\n"
    if pytestconfig.option.golden:
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert (GOLDEN / name).read_text(encoding="utf-8") == text
