"""Blueprints: the grammar, and which pattern a key belongs to."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outgrow.blueprint import Pattern, campus, parse
from outgrow.errors import BadInput

CAMPUS = campus()

MINIMAL = """
name = "shop"
[patterns]
order = { key = "order:{id}", shape = "document" }
[relations.orders]
pattern = "order"
columns.id = { key = "id" }
columns.total = { field = "total", type = "number" }
"""


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        ("user:1", "user"),
        ("user:1:connections", "connections"),
        ("user:7:connections:x", None),
        ("user:", None),
        ("user:a:b", None),
        ("user:" + "x" * 200, "user"),
        ("user:" + "x" * 201, None),
        ("school:St. John's: North:users", "school_users"),
        ("school:a%b_c\\d:users", "school_users"),
        ("school::users", None),
        ("schools:all", "schools"),
        ("chat:a:b", "chat"),
        ("chat:a", "chat"),
        ("chat:a:b:messages", "messages"),
        ("chat:a:b:typing:a", "typing"),
        ("chat:a:b:messages:c", "chat"),
        ("intro:a:b:1", "intro"),
        ("intro:a:b", None),
        ("user:line\nbreak", "user"),
        ("USER:1", None),
        ("quiz:1", None),
        ("", None),
    ],
)
def test_a_key_belongs_to_one_pattern(key: str, pattern: str | None) -> None:
    assert CAMPUS.match(key) == pattern


@given(st.text(alphabet="ab:user chtmsgyp{}.*", max_size=24))
def test_patterns_that_both_match_are_known_to_overlap(key: str) -> None:
    """The SQL excludes only the winners that `may_overlap` names, so it must miss none."""
    matching = [n for n, p in CAMPUS.patterns.items() if p.compiled.match(key)]
    for name in matching:
        winners = CAMPUS.winners_over(name)
        stronger = [n for n in matching if CAMPUS.patterns[n] in winners]
        assert (CAMPUS.match(key) == name) == (not stronger)


def test_precedence_is_literals_then_dots_then_segments() -> None:
    patterns = ["a:{x...}", "a:{x}:{y}", "a:{x}", "a:{x}:b", "a:{x...}:b"]
    ordered = sorted(patterns, key=lambda key: Pattern(key=key, shape="opaque").precedence)
    assert ordered == ["a:{x}:b", "a:{x...}:b", "a:{x}:{y}", "a:{x}", "a:{x...}"]


def test_other_separators_and_none() -> None:
    pattern = Pattern(key="folder_{id}_shares", shape="ids")
    assert pattern.variables == ("id",)
    assert pattern.compiled.match("folder_7_8_shares")
    assert Pattern(key="config", shape="document").compiled.match("config")


@given(st.text(min_size=1, max_size=30).filter(lambda t: "{" not in t and "}" not in t))
def test_literals_are_literal(text: str) -> None:
    pattern = Pattern(key=text, shape="opaque")
    assert pattern.compiled.match(text)
    assert not pattern.compiled.match(text + "x")


def test_minimal() -> None:
    assert parse(MINIMAL).relations["orders"].key_columns == {"id": "id"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "shop"', 'name = "Shop"', "'Shop' is not a name"),
        ("{id}", "{id}{n}", "two variables need something between them"),
        ("order:{id}", "order:{id}:{id}", "a variable stands twice"),
        ("order:{id}", "order:{Id}", "variables are written"),
        ('pattern = "order"', 'pattern = "orders"', "there is no pattern 'orders'"),
        ("columns.id = { key", "columns.id = { field", "every variable of 'order:{id}'"),
        ('type = "number"', 'type = "money"', "Invalid enum value 'money'"),
        ('shape = "document"', 'shape = "ids"', "a list has one `position` column"),
        ("field =", "felt =", "unknown field `felt`"),
        (
            "columns.total =",
            'computed.card.object = { "%s" = { column = "id" } }\ncolumns.total =',
            "'%s' is not a name",
        ),
        ('name = "shop"', "name = ", "Invalid value"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, says: str) -> None:
    assert old in MINIMAL
    with pytest.raises(BadInput, match=re.escape(says)) as e:
        parse(MINIMAL.replace(old, new, 1))
    assert e.value.code == "bad_blueprint"


INDEXED = """
name = "shop"
[patterns]
order = { key = "order:{id}", shape = "document" }
items = { key = "order:{id}:items", shape = "ids" }

[relations.orders]
pattern = "order"
columns.id = { key = "id" }
columns.note = { field = "note", type = "text" }
columns.shop = { field = "shop" }
columns.city = { field = "city" }
columns.tags = { field = "tags", type = "array" }
columns.at_time = { field = "at", type = "time" }
computed.sort_time = { sort = "at_time" }
computed.card.object.id = { column = "id" }
computed.likes = { lists = ["tags"] }
computed.found = { search = ["note"], within = "shop", name = "city" }

[relations.items]
pattern = "items"
columns.order_id = { key = "id" }
columns.item = { element = true }
columns.pos = { position = true }

[[indexes]]
relation = "orders"
"""


@pytest.mark.parametrize(
    ("columns", "kind", "says"),
    [
        (["shop", "city", "sort_time"], "btree", None),
        (["shop", "city", "id", "sort_time"], "btree", None),
        (["shop", "city", "id", "city"], "btree", "may not fit into one entry"),
        (["note"], "btree", "'note' of orders may be of any length: no btree holds it"),
        (["shop", "tags"], "btree", "'tags' of orders may be of any length"),
        (["card"], "btree", "'card' of orders may be of any length"),
        (["store_value"], "btree", "'store_value' of orders may be of any length"),
        (["found"], "btree", "'found' of orders may be of any length"),
        (["found"], "words", None),
        (["shop"], "words", None),
        (["note"], "words", "'note' of orders cannot have a words index"),
        (["tags"], "words", "'tags' of orders cannot have a words index"),
        (["tags"], "contains", None),
        (["store_value"], "contains", None),
        (["likes"], "contains", "'likes' of orders cannot have a contains index"),
        (["shop"], "contains", "'shop' of orders cannot have a contains index"),
        (["tags", "store_value"], "contains", "a contains index of orders has one column"),
        (["price"], "btree", "orders has no column 'price'"),
    ],
)
def test_no_index_can_make_a_write_fail(columns: list[str], kind: str, says: str | None) -> None:
    text = f'{INDEXED}columns = {columns}\nkind = "{kind}"\n'
    if says is None:
        assert len(parse(text).indexes) == 1
        return
    with pytest.raises(BadInput, match=re.escape(says)):
        parse(text)


def test_a_list_of_the_store_is_indexed_as_a_whole() -> None:
    text = INDEXED.replace('relation = "orders"\n', 'relation = "items"\n')
    with pytest.raises(BadInput, match=re.escape("'item' can be indexed on = \"table\" only")):
        parse(text + 'columns = ["item"]')
    assert parse(text + 'columns = ["item", "order_id"]\non = "table"').indexes
