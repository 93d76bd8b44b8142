"""The judge of `outgrow inspect` judged: generated keyspaces, their truth, damage and scores."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from functools import cache
from typing import Any

import pytest

from keyspaces import APPS, HELD, build
from keyspaces.__main__ import main
from keyspaces.damage import KINDS, pointed, violations
from keyspaces.generate import Keyspace
from keyspaces.score import COLUMNS, Score, mean, perfect, score, table

SIZE = 60
RATE = 0.05
every_app = pytest.mark.parametrize("name", APPS)


@cache
def sound(name: str) -> Keyspace:
    return build(name, SIZE)


@cache
def damaged(name: str) -> Keyspace:
    return build(name, SIZE, damage=RATE)


def findings(keyspace: Keyspace) -> set[tuple[str, str]]:
    world = keyspace.world
    return violations(world, is_decoding=True) | violations(world, is_decoding=False)


@every_app
def test_the_same_seed_gives_the_same_store(name: str) -> None:
    first, second, other = (build(name, SIZE, seed, RATE) for seed in (1, 1, 2))
    assert json.dumps(first.rows) == json.dumps(second.rows)  # in the same order, too
    assert first.damage == second.damage
    assert set(first.rows) != set(other.rows)


@every_app
def test_a_key_is_in_one_pattern(name: str) -> None:
    """The first that matches it: the order of the lines tells which."""
    keyspace = sound(name)
    assert set(keyspace.pattern_of) == set(keyspace.rows)
    for key, pattern in keyspace.pattern_of.items():
        matching = [
            each.name for each in keyspace.patterns.values() if re.fullmatch(each.regex, key)
        ]
        assert matching[:1] == [pattern], key


@every_app
def test_patterns_are_as_they_are_said_to_be(name: str) -> None:
    keyspace = sound(name)
    assert [each.alias for each in keyspace.patterns.values()] == list(keyspace.world.patterns)
    kinds = {"document": dict, "map": dict, "ids": list, "objects": list}
    for pattern in keyspace.patterns.values():
        values = [value for _, _, value in keyspace.of(pattern.name)]
        if pattern.shape in kinds:
            assert all(isinstance(value, kinds[pattern.shape]) for value in values), pattern.name
        elif pattern.shape == "scalar":
            assert not any(isinstance(value, dict | list) for value in values), pattern.name
        else:
            assert len({type(value) for value in values}) > 1, pattern.name
        elements = [e for v in values if pattern.shape in ("ids", "objects") for e in v]
        assert all(isinstance(e, dict) == (pattern.shape == "objects") for e in elements)
        assert elements or pattern.shape not in ("ids", "objects")


@every_app
def test_every_reference_is_used_and_nothing_is_wrong_before_it_is_damaged(name: str) -> None:
    keyspace = sound(name)
    assert findings(keyspace) <= keyspace.world.excused
    for pattern in keyspace.patterns.values():
        for reference in pattern.references:
            assert any(
                pointed(keyspace.world, reference, key, value)
                for key, _, value in keyspace.of(pattern.name)
            ), (pattern.name, reference)


@every_app
def test_planted_damage_is_damage(name: str) -> None:
    keyspace = damaged(name)
    assert keyspace.damage
    assert {(damage.key, damage.kind) for damage in keyspace.damage} <= findings(keyspace)
    assert not {(damage.key, damage.kind) for damage in keyspace.damage} & keyspace.neutral
    assert all(damage.key in keyspace.rows for damage in keyspace.damage)


def test_every_kind_of_damage_is_planted() -> None:
    planted = {damage.kind for name in APPS for damage in damaged(name).damage}
    assert planted == set(KINDS)


def test_some_apps_are_held_back() -> None:
    assert set(HELD) <= set(APPS)


@every_app
def test_the_perfect_document_has_the_best_score_and_an_empty_one_none(name: str) -> None:
    keyspace = damaged(name)
    best = score(keyspace, perfect(keyspace))
    assert {share for share in best.shares() if share is not None} == {1.0}
    assert best.wrong == []
    assert best.patterns == best.damage_recall == 1.0
    empty: list[dict[str, Any]] = [{}, {"patterns": [], "integrity": {"misfits": []}}]
    for document in empty:
        nothing = score(keyspace, document)
        assert {share for share in nothing.shares() if share is not None} == {0.0}


def changed(document: dict[str, Any], name: str, **fields: Any) -> dict[str, Any]:
    document = copy.deepcopy(document)
    next(each for each in document["patterns"] if each["pattern"] == name).update(fields)
    return document


def test_each_mistake_costs_its_own_share_and_no_other() -> None:
    truth = damaged("mechanics")
    best = perfect(truth)
    booking = "booking:{ms}:{customerId}"
    count, asked = len(truth.patterns), len(truth.references(is_asked=True))

    def lost(document: dict[str, Any]) -> dict[str, float]:
        shares = dict(zip(COLUMNS, score(truth, document).shares(), strict=True))
        return {
            name: 1 - share for name, share in shares.items() if share is not None and share < 1
        }

    assert lost(changed(best, "user:{id}", shape="map")) == {"shapes": pytest.approx(1 / count)}
    two = len(next(p for p in best["patterns"] if p["pattern"] == "review_{ms}")["references"])
    assert lost(changed(best, "review_{ms}", references=[])) == {
        "references_recall": pytest.approx(two / asked)
    }
    wrong = [{"from": "last4", "to": "user:{id}"}]
    assert set(lost(changed(best, "user:{id}", references=wrong))) == {"references_precision"}
    paid = [{"from": "timestamp", "to": "PAY_{ms}"}, {"from": "bookingId", "to": booking}]
    assert lost(changed(best, "PAY_{ms}", references=paid)) == {}
    itself = [{"from": "id", "to": "user:{id}"}]  # true of every row, and asked of nobody
    assert lost(changed(best, "user:{id}", references=itself)) == {}
    assert set(lost(changed(best, "bookings:pending", derived_from=None))) == {"derived_recall"}
    assert set(lost(changed(best, "user:{id}", derived_from="review_{ms}"))) == {
        "derived_precision"
    }
    without = lost(
        {**best, "patterns": [p for p in best["patterns"] if p["pattern"] != "PAY_{ms}"]}
    )
    assert without["patterns"] == pytest.approx(
        Counter(truth.pattern_of.values())["PAY_{ms}"] / len(truth.rows)
    )
    assert without["shapes"] == pytest.approx(1 / count)


def test_segments_are_compared_by_their_position_and_names_do_not_matter() -> None:
    truth = sound("mechanics")
    text = json.dumps(perfect(truth))
    for old, new in (("{userId}", "{x}"), ("user:{id}", "user:{y}"), ("{bookingId}", "{z}")):
        text = text.replace(json.dumps(old)[1:-1], new)
    text = text.replace("{bookingId...}", "{z...}")
    assert score(truth, json.loads(text)).references_recall == 1.0


def test_a_wrong_finding_of_damage_counts_double() -> None:
    truth = damaged("events")
    best = perfect(truth)
    sound = next(key for key in truth.rows if key not in {damage.key for damage in truth.damage})
    misfits = best["integrity"]["misfits"]
    right = len(misfits)
    misfits += [{"key": sound, "kind": "doubled"}, {"key": sound, "kind": "unheard of"}]
    assert score(truth, best).damage_precision == right / (right + 2)
    assert score(truth, best).damage_recall == 1.0
    for key, kind in truth.neutral:
        misfits.append({"key": key, "kind": kind})
    assert score(truth, best).damage_precision == right / (right + 2)


def test_a_list_that_does_not_answer_may_be_named_by_either_side() -> None:
    truth = damaged("campus")
    best = perfect(truth)
    pairs = {
        damage.key: damage.other[0][0] for damage in truth.damage if damage.kind == "one_sided"
    }
    assert pairs
    for misfit in best["integrity"]["misfits"]:
        if misfit["kind"] == "one_sided":
            misfit["key"] = pairs[misfit["key"]]
    assert score(truth, best).damage_recall == score(truth, best).damage_precision == 1.0


def test_keys_of_two_patterns_in_one_count_for_the_larger() -> None:
    truth = sound("events")
    everything = {"pattern": "everything", "regex": r".*", "shape": "document"}
    counts = Counter(truth.pattern_of.values())
    result = score(truth, {"patterns": [{"pattern": "?", "regex": "("}, everything]})
    assert result.patterns == max(counts.values()) / len(truth.rows)


def test_what_is_true_of_a_part_of_a_pattern_is_not_invented() -> None:
    """It is lost all the same, with the keys of that part."""
    truth = sound("campus")
    document = perfect(truth)
    school = next(p for p in document["patterns"] if p["pattern"].endswith(":users"))
    part = {**school, "pattern": "school:Northern Tech:users", "regex": "school:N.*:users"}
    result = score(truth, {"patterns": [part, *document["patterns"]]})
    assert result.patterns < 1 == result.references_recall == result.references_precision
    assert result.derived_precision == 1
    part["references"] = [{"from": "[]", "to": "schools:all"}]
    assert score(truth, {"patterns": [part, *document["patterns"]]}).references_precision != 1


def test_a_mean_leaves_out_what_could_not_be_found() -> None:
    low, high = (Score(1.0, share, share, 1, None, 1, None, None) for share in (0.5, 1.0))
    high.derived_precision = 0.5
    assert mean([low, high]).shares() == [1.0, 0.75, 0.75, 1, 0.5, 1, None, None]


def test_of_what_is_held_back_only_the_scores_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = ["--with", "builtins:dict", "--size", "20", "--seeds", "2", "--why"]
    main([*nothing, "board", HELD[0]])
    shown = capsys.readouterr().out
    assert "board: pattern not found 6" in shown
    assert "subpoint:" in shown
    assert shown.count(HELD[0]) == 1
    hidden = [*sound(HELD[0]).patterns, *sound(HELD[0]).world.patterns]
    assert not any(f" {name} " in shown for name in hidden)
    main([*nothing])
    shown = capsys.readouterr().out
    assert not any(name in shown.split() for name in HELD)


def test_the_table_has_a_line_for_each_app_and_the_mean() -> None:
    truth = sound("board")
    text = table({"board": (len(truth.rows), score(truth, perfect(truth)))})
    head, line, mean = text.splitlines()
    assert line.split()[:3] == ["board", str(len(truth.rows)), "100.0"]
    assert line.split()[6:8] == ["-", "-"]  # nothing is derived on a board
    assert mean.startswith("mean")
    assert len(head) == len(line) == len(mean)
