"""What of a list or map the rows of its relation do not say. Pure text, no I/O."""

from __future__ import annotations

from outgrow.blueprint import Blueprint
from outgrow.layout import expressions as ex
from outgrow.layout.consistency import bare


def unmapped(blueprint: Blueprint, name: str, value: str, *, is_bare: bool = False) -> str:
    """SQL of the list when its rows do not give it back exactly, else NULL: one that is no array,
    has an element of another kind or one twice. Of a map the members that are no rows; what is no
    map, whole. `is_bare`: where schema `outgrow` is not installed."""
    if blueprint.pattern_of(name).shape == "map":
        is_member = (bare if is_bare else ex).is_member(blueprint.relations[name], "e.k", "e.v")
        return (
            f"CASE WHEN jsonb_typeof({value}) = 'object' THEN (SELECT jsonb_object_agg(e.k, e.v) "
            f"FROM {ex.members(value)} AS e(k, v) WHERE ({is_member}) IS NOT TRUE) "
            f"ELSE {value} END"
        )
    elements = f"jsonb_array_elements({value}) AS e(v)"
    key = bare.text("e.v") if is_bare else "outgrow.key_of(e.v)"
    whole = {
        "ids": f"(SELECT count(DISTINCT {key}) = jsonb_array_length({value}) FROM {elements})",
        "objects": f"NOT EXISTS (SELECT FROM {elements} WHERE jsonb_typeof(e.v) <> 'object')",
    }[blueprint.pattern_of(name).shape]
    return (
        f"CASE WHEN CASE WHEN jsonb_typeof({value}) = 'array' THEN {whole} ELSE false END "
        f"THEN NULL ELSE {value} END"
    )
