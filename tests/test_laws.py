"""The two laws of decode and encode, and what must never break an old client's write.

1. `encode(decode(v)) = v`, as text of jsonb, for every value that is not a misfit.
2. `decode(encode(r)) = r`, for every row that the application may write.
3. Whatever an old client could write before, it can write with every index in place.
"""

import json
import random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conftest import STEP
from growing import grow
from outgrow import layout
from outgrow.blueprint import Blueprint, campus, parse
from outgrow.db.pool import Database
from outgrow.layout.consistency.misfits import unmapped
from outgrow.queries import Query, quote
from outgrow.schema.install import install

CAMPUS = campus()
STORE = "kv_store_2516be19"

# Every type of column, in a document and in the elements of a list.
COLUMNS = "\n".join(
    f'{{relation}}.columns.{kind}_column = {{{{ field = "{kind}", type = "{kind}" }}}}'
    for kind in ("key", "short", "label", "text", "number", "boolean", "time", "array", "json")
)
# A text that was cut is not the member: a member's value is no label.
MEMBER_TYPES = ("key", "short", "text", "number", "boolean", "time", "array", "json")
ZOO = parse(
    """
name = "zoo"
[patterns]
animal = { key = "animal:{id}", shape = "document" }
meals = { key = "animal:{id}:meals", shape = "objects" }
keepers = { key = "animal:{id}:keepers", shape = "map" }
of_key = { key = "animal:{id}:of:key", shape = "map" }
of_short = { key = "animal:{id}:of:short", shape = "map" }
of_text = { key = "animal:{id}:of:text", shape = "map" }
of_number = { key = "animal:{id}:of:number", shape = "map" }
of_boolean = { key = "animal:{id}:of:boolean", shape = "map" }
of_time = { key = "animal:{id}:of:time", shape = "map" }
of_array = { key = "animal:{id}:of:array", shape = "map" }
of_json = { key = "animal:{id}:of:json", shape = "map" }
[relations]
animals.pattern = "animal"
animals.columns.id = { key = "id" }
meals.pattern = "meals"
meals.columns.animal_id = { key = "id" }
meals.columns.pos = { position = true }
keepers.pattern = "keepers"
keepers.columns.animal_id = { key = "id" }
keepers.columns.name = { entry = true }
"""
    + "".join(
        f"""
of_{kind}.pattern = "of_{kind}"
of_{kind}.columns.animal_id = {{ key = "id" }}
of_{kind}.columns.name = {{ entry = true }}
of_{kind}.columns.said = {{ value = true, type = "{kind}" }}
"""
        for kind in MEMBER_TYPES
    )
    + COLUMNS.format(relation="animals")
    + "\n"
    + COLUMNS.format(relation="meals")
    + "\n"
    + COLUMNS.format(relation="keepers")
)
RELATIONS = [
    (CAMPUS, "users"),
    (CAMPUS, "intros"),
    (CAMPUS, "chats"),
    (CAMPUS, "messages"),
    (ZOO, "animals"),
    (ZOO, "meals"),
    (ZOO, "keepers"),
]

characters = st.characters(codec="utf-8", exclude_characters="\x00")
texts = st.text(characters, max_size=12) | st.sampled_from(["", "MIT", "x" * 200, "é" * 201])
# As JSON text: a float of Python's would lose what jsonb keeps.
numbers = st.sampled_from(
    ["0", "1", "1.0", "-0.0", "1e400", "1.50", "123456789012345678901234567890.10", "9" * 70]
)
times = st.sampled_from(
    [
        "2026-01-02T03:04:05.678Z",
        "2026-01-02T03:04:05.678901Z",
        "2026-01-02T03:04:05.678000Z",
        "2024-02-29T00:00:00.000Z",
        "2023-02-29T00:00:00.000Z",
        "2026-04-31T00:00:00.000Z",
        "2026-01-02T24:00:00.000Z",
        "2026-01-02T23:59:60.000Z",
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.678+02:00",
        "0000-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
        "2026-01-02",
        "now",
        "infinity",
    ]
)
scalars = (
    st.sampled_from(["null", "true", "false"])
    | numbers
    | texts.map(json.dumps)
    | times.map(json.dumps)
)


def _object(pairs: dict[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in pairs.items()) + "}"


values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.dictionaries(texts, inner, max_size=3).map(_object)
    ),
    max_leaves=6,
)


long_texts = st.sampled_from(["x" * 200, "x" * 201, "é" * 201, "🎓" * 300]).map(json.dumps)
# For a field of each type, the values at the edge of what the column can hold.
EDGES: dict[str, st.SearchStrategy[str]] = {
    "key": long_texts,
    "short": st.sampled_from(["x" * 40, "x" * 41, "🎓" * 40]).map(json.dumps),
    "label": long_texts,
    "text": long_texts,
    "number": numbers,
    "boolean": st.sampled_from(["true", '"true"', "1"]),
    "time": times.map(json.dumps),
    "array": st.sampled_from(["[]", "[1.0]", '"[]"']),
    "json": st.sampled_from(["null", "{}", "1.0"]),
}


def documents(blueprint: Blueprint, relation: str) -> st.SearchStrategy[str]:
    """Objects that hold the relation's own fields and others, with values of every kind."""
    known = {
        column.field: EDGES[column.type] | values
        for column in blueprint.relations[relation].fields.values()
        if column.field
    }
    others = st.dictionaries(texts | st.sampled_from(["id", "bio", "settings"]), values, max_size=4)
    mine = st.fixed_dictionaries({}, optional=known)
    return st.builds(lambda a, b: _object({**a, **b}), others, mine)


def _value(blueprint: Blueprint, relation: str, sql: str) -> str:
    """A store value that holds the one document or element `sql`."""
    shape = blueprint.patterns[blueprint.relations[relation].pattern or ""].shape
    wrapped = {"document": sql, "map": f"jsonb_build_object('m', {sql})"}
    return wrapped.get(shape, f"jsonb_build_array({sql})")


@pytest.mark.parametrize(("blueprint", "relation"), RELATIONS)
@given(data=st.data())
async def test_encode_undoes_decode(
    campus: Database, blueprint: Blueprint, relation: str, data: st.DataObject
) -> None:
    await install(campus, blueprint=blueprint)
    drawn = data.draw(st.lists(documents(blueprint, relation), min_size=1, max_size=20))
    fields = [f"d.{quote(name)}" for name in blueprint.relations[relation].fields]
    query = Query(
        "test.law1",
        f"SELECT v, {blueprint.name}.{relation}_encode({', '.join([*fields, 'd.rest'])})::text "
        f"AS encoded, v::jsonb::text AS original FROM unnest($1::text[]) AS v "
        f"LEFT JOIN LATERAL {blueprint.name}.{relation}_decode("
        f"'a:b:c:d', {_value(blueprint, relation, 'v::jsonb')}) d ON true",
    )
    for row in await campus.rows(query, drawn):
        assert row["encoded"] == row["original"], row["v"]


@pytest.mark.parametrize(("blueprint", "relation"), RELATIONS)
@given(data=st.data())
async def test_decode_undoes_encode(
    campus: Database, blueprint: Blueprint, relation: str, data: st.DataObject
) -> None:
    """Rows are drawn by decoding; then each takes the `rest` of its neighbour, without the fields
    that are columns, so that there are rows which no document gave."""
    await install(campus, blueprint=blueprint)
    drawn = data.draw(st.lists(documents(blueprint, relation), min_size=2, max_size=8))
    fields = blueprint.relations[relation].fields
    decode = f"{blueprint.name}.{relation}_decode"
    same = " AND ".join(f"d.{quote(c)} IS NOT DISTINCT FROM r.{quote(c)}" for c in fields)
    query = Query(
        "test.law2",
        f"WITH r AS (SELECT {', '.join(f'd.{quote(c)}' for c in fields)}, "
        f"lead(d.rest, 1, d.rest) OVER () - $2::text[] AS rest FROM unnest($1::text[]) AS v, "
        f"{decode}('a:b:c:d', {_value(blueprint, relation, 'v::jsonb')}) d) "
        f"SELECT ({same}) AND d.rest::text = r.rest::text AS same, e.v::text AS value FROM r, "
        f"LATERAL (SELECT {blueprint.name}.{relation}_encode("
        f"{', '.join(f'r.{quote(c)}' for c in fields)}, r.rest) AS v) e, "
        f"{decode}('a:b:c:d', {_value(blueprint, relation, 'e.v')}) d",
    )
    rows = await campus.rows(query, drawn, [f.field for f in fields.values()])
    assert len(rows) == len(drawn)
    for row in rows:
        assert row["same"], row["value"]


@pytest.mark.parametrize("relation", ["keepers", *(f"of_{kind}" for kind in MEMBER_TYPES)])
@given(data=st.data())
async def test_rows_and_unmapped_members_of_a_map_are_the_map(
    campus: Database, relation: str, data: st.DataObject
) -> None:
    """Both laws at once: what the rows and the unmapped give is what they came from, and decodes
    to the same rows."""
    await install(campus, blueprint=ZOO)
    edge = EDGES.get(relation.removeprefix("of_"), documents(ZOO, "keepers"))
    names = texts | st.sampled_from(["", "x" * 200, "x" * 201, "\U0001f393" * 200])
    members = st.dictionaries(names, edge | values, max_size=5).map(_object)
    drawn = data.draw(st.lists(members | values, min_size=1, max_size=12))
    decode, encode = f"zoo.{relation}_decode", f"zoo.{relation}_encode"
    definition = ZOO.relations[relation]
    encoded = ", ".join(
        f"d.{quote(c)}" for c in [*definition.encoded, *["rest"] * definition.has_rest]
    )
    kept = unmapped(ZOO, relation, "m.v")
    query = Query(
        "test.map",
        f"SELECT m.v::text, l.v::text, r.v::text, CASE WHEN jsonb_typeof(m.v) = 'object' "
        f"THEN (coalesce(r.v, '{{}}') || coalesce(l.v, '{{}}'))::text ELSE l.v::text END "
        f"FROM unnest($1::text[]) AS t, LATERAL (SELECT t::jsonb) AS m(v), "
        f"LATERAL (SELECT {kept}) AS l(v), LATERAL (SELECT jsonb_object_agg(d.name, "
        f"{encode}({encoded})) FROM {decode}('animal:a:of', m.v) d) AS r(v)",
    )
    for original, left, made, again in await campus.rows(query, drawn):
        assert again == original
        assert made is None or not set(json.loads(made)) & set(json.loads(left or "{}"))
        assert all(len(name) <= 200 for name in json.loads(made or "{}"))


ids = st.lists(
    texts.map(json.dumps) | st.sampled_from(["1", "null", "{}", '["a"]', '"a"', '"b"']), max_size=12
).map(lambda items: f"[{','.join(items)}]")


@given(value=ids | values)
async def test_a_list_decodes_to_its_texts(campus: Database, value: str) -> None:
    query = Query(
        "test.ids",
        "SELECT connected_user_id, pos FROM campus.connections_decode('user:a:connections', $1)",
    )
    decoded = json.loads(value)
    expected: dict[str, int] = {}
    for position, element in enumerate(decoded if isinstance(decoded, list) else [], start=1):
        if isinstance(element, str) and len(element) <= 200:
            expected.setdefault(element, position * STEP)
    assert {row[0]: row[1] for row in await campus.rows(query, value)} == expected


# Old clients ------------------------------------------------------------------------------------

_noise = random.Random(7)


def _noise_text(length: int) -> str:
    """Text that does not compress: what a btree entry cannot hold."""
    return "".join(chr(_noise.randint(0x4E00, 0x9FFF)) for _ in range(length))


hostile = st.sampled_from(
    [
        json.dumps(_noise_text(900)),
        json.dumps(_noise_text(200)),
        json.dumps(_noise_text(20_000)),
        json.dumps("🎓" * 200),
        json.dumps("İ" * 200),
        json.dumps(("word" + "x" * 3000 + " ") * 5),
        "9" * 20_000,
        "1e-15000",
        json.dumps("%_\\'\"&|!():* " * 50),
        json.dumps([_noise_text(300) for _ in range(50)]),
        json.dumps({"a": {"b": _noise_text(3000)}}),
    ]
)


def hostile_documents() -> st.SearchStrategy[str]:
    relation = CAMPUS.relations["users"]
    names = [c.field for c in relation.fields.values() if c.field] + ["bio", "settings", "x"]
    return st.dictionaries(st.sampled_from(names), hostile | values, max_size=6).map(_object)


_noise_200, _noise_201, _noise_850 = (_noise_text(length) for length in (200, 201, 850))
# As long as each part of an index entry can be, in characters of four bytes, all at once.
_wide = ["".join(chr(_noise.randint(0x20000, 0x2A6DF)) for _ in range(200)) for _ in range(4)]
_widest_profile = {"school": _wide[1], "major": _wide[2], "year": _wide[3][:40]}
_widest_profile |= {"createdAt": "2026-01-02T03:04:05.678901Z"}
_widest = (f"user:{_wide[0]}", json.dumps(_widest_profile))
_too_wide = (f"user:{_wide[0]}", json.dumps(_widest_profile | {"year": _wide[3]}))
_widest_intro = (f"intro:{_wide[0]}:{_wide[1]}:{_wide[2]}", json.dumps({"status": _wide[3]}))
_known_keys = ["user:1", "user:1:connections", "user:1:chats", "school:MIT:users", "schools:all"]
_odd_keys = ["chat:a:b", "chat:a:b:messages", "chat:a:b:typing:a", "intro:a:b:1", "x", "user:"]
_long_keys = [
    f"user:{_noise_200}",
    f"user:{_noise_201}",
    f"user:{_noise_850}",
    "chat:" + "y" * 5000,
]
_long_keys.append(f"intro:{_noise_200}:{_noise_200}:{_noise_200}")
keys = st.sampled_from([*_known_keys, *_odd_keys, *_long_keys]) | st.text(characters, max_size=20)


async def _with_every_index(database: Database, blueprint: Blueprint) -> None:
    for index in layout.indexes(blueprint, "public", STORE):
        create = index.create.sql.replace(" CONCURRENTLY", "")
        await database.run(Query("test.index", create))


@given(
    data=st.data(),
    writes=st.lists(
        st.tuples(keys, hostile_documents() | hostile | ids | values), min_size=1, max_size=12
    ),
)
@example(data=None, writes=[("user:1", _object({"school": json.dumps(_noise_text(900))}))])
@example(data=None, writes=[_widest, _widest_intro])
@example(data=None, writes=[_too_wide])
async def test_every_index_takes_what_the_bare_table_takes(
    campus: Database, data: Any, writes: list[tuple[str, str]]
) -> None:
    """The same upserts into the store with all indexes and into a bare table beside it: both fail
    or neither does, and both end with the same rows."""
    setup = Query(
        "test.bare", "CREATE TABLE IF NOT EXISTS bare (key text PRIMARY KEY, value jsonb NOT NULL)"
    )
    if not await campus.value(Query("test.there", "SELECT to_regclass('bare') IS NOT NULL")):
        await campus.run(setup)
        await _with_every_index(campus, CAMPUS)
    outcomes = []
    for table in ("bare", STORE):
        upsert = Query(
            "test.upsert",
            f"INSERT INTO {table} (key, value) VALUES ($1, $2) "
            f"ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        outcome = []
        for key, value in writes:
            try:
                await campus.run(upsert, key, value)
                outcome.append("done")
            except Exception as e:
                outcome.append(type(e).__name__)
        outcomes.append(outcome)
    assert outcomes[0] == outcomes[1]
    differ = Query(
        "test.differ",
        f"SELECT count(*) FROM (TABLE bare EXCEPT TABLE {STORE} UNION ALL "
        f"TABLE {STORE} EXCEPT TABLE bare) x",
    )
    assert await campus.value(differ) == 0


async def test_the_longest_entry_of_an_index_fits(campus: Database) -> None:
    """Every column of the widest index at its longest: what is written is what the index holds, and
    not far below the 2,704 bytes that a btree takes."""
    await grow(campus, "optimized")
    put = Query("test.put", f"INSERT INTO {STORE} (key, value) VALUES ($1, $2)")
    await campus.run(put, *_widest)
    entry = Query(
        "test.entry",
        "SELECT school, major, year, sort_created, id, "
        "pg_column_size(ROW(school, major, year, sort_created, id)) AS bytes "
        "FROM campus.users WHERE school = $1 AND major = $2 AND year = $3",
    )
    row = await campus.row(entry, _wide[1], _wide[2], _wide[3][:40])
    assert row is not None
    *parts, size = row
    assert [len(part) for part in parts] == [200, 200, 40, 29, 200]
    assert size > 2600
