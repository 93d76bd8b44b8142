"""Keys are cut by SQL as the blueprint's regular expression cuts them, whatever the pattern."""

from __future__ import annotations

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from conftest import Connect
from outgrow.blueprint import SEGMENT_LIMIT, Blueprint, Pattern
from outgrow.blueprint.validation import problems
from outgrow.layout import expressions as ex

ALPHABET = "ab:-_.P\\'$^\n Éß🙂"
_WORD = st.text(alphabet=ALPHABET, max_size=4)
_VARIABLE = st.sampled_from(["{x}", "{x...}"])
PATTERNS = st.builds(
    lambda first, more: first + "".join(f"{variable}{word}" for variable, word in more),
    _WORD,
    st.lists(st.tuples(_VARIABLE, _WORD), max_size=4),
)
KEYS = st.lists(st.text(alphabet=ALPHABET, min_size=1, max_size=9), min_size=4, max_size=30)


def numbered(text: str) -> Pattern:
    """The pattern with another name for each variable."""
    for number in range(text.count("{x")):
        text = text.replace("{x", f"{{v{number}", 1)
    return Pattern(key=text, shape="opaque")


def keys_of(pattern: Pattern, texts: list[str]) -> list[str]:
    """Keys of all lengths: some of the pattern, some that are nearly of it, some of another."""
    longest = ["a" * SEGMENT_LIMIT, "-" * (SEGMENT_LIMIT + 1), "b:" * 90]
    turns = [texts[n:] + texts[:n] for n in range(len(texts))] + [longest + texts]
    made = [pattern.fill(**dict(zip(pattern.variables, turn, strict=False))) for turn in turns]
    return [*made, *(key[:-1] for key in made if key), *texts, pattern.key]


async def agree(connection: object, pattern: Pattern, keys: list[str]) -> None:
    blueprint = Blueprint(name="t", patterns={"p": pattern}, relations={})
    names = list(pattern.variables)
    variables = ", ".join(ex.variable(pattern, name, "key") for name in names)
    key_again = ex.key_of(pattern, {name: f"parts[{n}]" for n, name in enumerate(names, 1)}) or "''"
    sql = f"""
        SELECT key, parts, CASE WHEN parts IS NOT NULL THEN {key_again} END
        FROM (SELECT key, CASE WHEN {ex.matches(blueprint, "p", "key")}
                          THEN ARRAY[{variables}]::text[] END AS parts
              FROM unnest($1::text[]) AS key) cut"""
    rows = await connection.fetch(sql, keys)  # type: ignore[attr-defined]
    assert len(rows) == len(keys)
    for key, parts, again in rows:
        match = pattern.compiled.match(key)
        assert parts == (list(match.groups()) if match else None), (pattern.key, key)
        assert again == (key if match else None)


@example("hist:P{x}:{x}", ["P1", "17", "PP", "P"])
@example("P{x}:{x}", ["P1", "17", "PP", "P"])
@example("x:{x}:{x}P", ["P1", "17", "PP", "P"])
@example("a:{x}-{x}:{x...}b", ["a-b", "-", "b", "a:b"])
@given(PATTERNS, KEYS)
async def test_sql_cuts_a_key_as_the_pattern_says(
    database_url: str, connect: Connect, text: str, texts: list[str]
) -> None:
    pattern = numbered(text)
    written = {"name": "t", "patterns": {"p": {"key": pattern.key, "shape": "opaque"}}}
    blueprint = msgspec.convert({**written, "relations": {}}, Blueprint)
    if list(problems(blueprint)):
        return  # no blueprint has it
    connection = await connect(database_url)
    try:
        await agree(connection, pattern, keys_of(pattern, texts))
    finally:
        await connection.close()
