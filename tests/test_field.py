"""Stores as public prototypes write them, their bugs included: what `outgrow inspect` says of them,
and that what it writes can be grown."""

from __future__ import annotations

from functools import cache

import pytest

from keyspaces import field
from keyspaces.generate import Keyspace
from keyspaces.score import perfect, score

FIELD = field.names()
there = pytest.mark.skipif(not FIELD, reason=f"no stores in {field.FOLDER}: set FIELD_STORES")


@cache
def store(name: str) -> Keyspace:
    return field.load(name)


@there
@pytest.mark.parametrize("name", FIELD or ["none"])
def test_the_truth_about_a_store_of_the_field_is_whole(name: str) -> None:
    truth = store(name)
    best = score(truth, field.told(perfect(truth)))
    assert {share for share in best.shares() if share is not None} == {1.0}
    assert best.wrong == []
