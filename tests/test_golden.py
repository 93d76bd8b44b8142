"""The SQL that the layout makes, as a DBA can read it in a review.

`pytest tests/test_golden.py --golden` writes the files anew.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from outgrow import layout
from outgrow.blueprint import Backing, campus
from outgrow.layout import mirror
from outgrow.layout.consistency.misfits import checks

GOLDEN = Path(__file__).parent / "golden"


def _tables() -> Iterator[str]:
    """What the phase `relational` adds, in the order in which a growth does it."""
    blueprint, place = campus(), ("public", "kv_store_2516be19")
    names = list(blueprint.relations)
    for relation in names:
        yield from (q.sql for q in mirror.expand(blueprint, relation))
    yield from (q.sql for q in mirror.sync_triggers(blueprint, names, *place).statements)
    for relation in names:
        yield f"-- {relation}\n{mirror.last_key(blueprint, relation, *place).sql}"
        yield mirror.backfill(blueprint, relation, *place).sql
        yield from (index.create.sql for index in mirror.indexes(blueprint, relation))
        yield mirror.verify(blueprint, relation, *place).sql
        yield mirror.verify_back(blueprint, relation, *place).sql
    backings: dict[str, Backing] = dict.fromkeys(names, "shadow")
    yield from (q.sql for q in mirror.views(blueprint, backings, names, *place))


@pytest.mark.parametrize(
    "name", ["campus.sql", "campus-indexes.sql", "campus-tables.sql", "campus-misfits.sql"]
)
def test_golden(name: str, pytestconfig: pytest.Config) -> None:
    if name == "campus.sql":
        statements = [q.sql for q in layout.create(campus(), "public", "kv_store_2516be19")]
    elif name == "campus-tables.sql":
        statements = list(_tables())
    elif name == "campus-misfits.sql":
        asked = checks(campus(), campus().relations, "public", "kv_store_2516be19")
        statements = [check.counts().sql for check in asked]
    else:
        place = (campus(), "public", "kv_store_2516be19")
        made = [(index.purpose, index.create.sql) for index in layout.indexes(*place)]
        made += [(item.purpose, item.create.sql) for item in layout.statistics(*place)]
        statements = [f"-- {purpose}\n{create}" for purpose, create in made]
    text = "\n\n".join(statement + ";" for statement in statements) + "\n"
    if pytestconfig.option.golden:
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert (GOLDEN / name).read_text(encoding="utf-8") == text
