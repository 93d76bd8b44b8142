"""Queries that list the misfits of a family: values that are not like the others. Each lists `key`,
and what in it is wrong. Pure text, no I/O."""

from __future__ import annotations

from outgrow.layout.consistency.families import (
    ELEMENTS,
    Family,
    Rows,
    Steps,
    into,
    query,
    quoted,
    text_of,
)
from outgrow.layout.expressions import elements


def wrong_shape(rows: Rows, family: Family) -> str:
    kind = "coalesce(jsonb_typeof(s.value), 'null') AS kind"
    return query(rows.rows(family, [kind], f"NOT ({rows.is_read(family, 's.value')})"))


def json_text(rows: Rows, family: Family) -> str:
    return query(rows.rows(family, ["left(s.value #>> '{}', 60) AS text"], rows.is_json("s.value")))


def doubled(rows: Rows, family: Family, steps: Steps) -> str:
    """`steps` lead through the elements of lists to the texts."""
    end = max(place for place, step in enumerate(steps) if step == ELEMENTS)
    read, listed = _lists(rows, family, steps[:end])
    within, value = into("e.v", steps[end + 1 :])
    id_ = text_of(value, steps[end + 1 :], numbers=False)
    texts = ", ".join([f"{elements(listed)} AS e(v)", *within])
    return query(
        f"SELECT r.key, x.id, x.times\n{read}\n"
        f"CROSS JOIN LATERAL (\n    SELECT {id_} AS id, count(*) AS times FROM {texts}\n"
        f"    GROUP BY 1 HAVING count(*) > 1\n) x\nWHERE x.id IS NOT NULL"
    )


def wrong_element(rows: Rows, family: Family, steps: Steps, usual: str) -> str:
    """`steps` lead to the elements of lists, which are of the usual kind."""
    read, listed = _lists(rows, family, steps[:-1])
    wrong = f"SELECT FROM {elements(listed)} AS e(v) WHERE jsonb_typeof(e.v) <> {quoted(usual)}"
    return query(f"SELECT DISTINCT r.key\n{read}\nWHERE EXISTS ({wrong})")


def _lists(rows: Rows, family: Family, steps: Steps) -> tuple[str, str]:
    """FROM, and the list where the steps end."""
    laterals, listed = into("r.value", steps)
    joined = [f"CROSS JOIN LATERAL {one}" for one in laterals]
    return "\n".join([rows.read(family), *joined]), listed
