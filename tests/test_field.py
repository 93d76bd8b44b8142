"""Stores as public prototypes write them, their bugs included: what `outgrow inspect` says of them,
and that what it writes can be grown."""

from __future__ import annotations

from functools import cache

import pytest

from keyspaces import field
from keyspaces.generate import Keyspace
from keyspaces.memory import inspect_rows
from keyspaces.prototypes import PROTOTYPES, prototype
from keyspaces.score import COLUMNS, Score, perfect

GATE = 0.95
"""Of each share, in the mean of the stores."""

FIELD = field.names()
needs_stores = pytest.mark.skipif(
    not FIELD, reason=f"no stores in {field.FOLDER}: set FIELD_STORES"
)


every_store = pytest.mark.parametrize(
    "name", [*PROTOTYPES, *(pytest.param(name, marks=needs_stores) for name in FIELD or ["field"])]
)


@cache
def store(name: str) -> Keyspace:
    return prototype(name) if name in PROTOTYPES else field.load(name)


@every_store
def test_the_truth_about_a_store_is_whole(name: str) -> None:
    truth = store(name)
    best = field.scored(truth, perfect(truth))
    assert {share for share in best.shares() if share is not None} == {1.0}
    assert best.wrong == []


@cache
def scored(name: str) -> Score:
    return field.scored(store(name), inspect_rows(store(name).rows.items()))


@pytest.mark.parametrize(
    "stores", [tuple(PROTOTYPES), pytest.param(tuple(FIELD), marks=needs_stores)]
)
@pytest.mark.parametrize("column", COLUMNS)
def test_stores_are_understood(stores: tuple[str, ...], column: str) -> None:
    shares = [getattr(scored(name), column) for name in stores]
    known = [share for share in shares if share is not None]
    assert sum(known) / len(known) >= GATE


@every_store
def test_nothing_sound_is_reported_as_damaged(name: str) -> None:
    assert [error for error in scored(name).wrong if error[0] == "damage invented"] == []
