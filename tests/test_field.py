"""Stores as public prototypes write them, their bugs included: what `outgrow inspect` says of them,
and that what it writes can be grown."""

from __future__ import annotations

from functools import cache

import pytest

from keyspaces import field
from keyspaces.generate import Keyspace
from keyspaces.prototypes import PROTOTYPES, prototype
from keyspaces.score import perfect

FIELD = field.names()
there = pytest.mark.skipif(not FIELD, reason=f"no stores in {field.FOLDER}: set FIELD_STORES")


every_store = pytest.mark.parametrize(
    "name", [*PROTOTYPES, *(pytest.param(name, marks=there) for name in FIELD or ["field"])]
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
