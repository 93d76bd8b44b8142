"""What `inspect --write` writes, `grow` can do: every form of key, odd names of fields, whole
stores; up to tables, verified, and back to an equal store."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from conftest import Connect
from growing import STORE, grow
from keyspaces import HELD, build, field
from keyspaces.memory import Memory
from keyspaces.prototypes import PROTOTYPES, prototype
from outgrow.blueprint import Blueprint, parse
from outgrow.db.pool import Database
from outgrow.growth.verification import verify
from outgrow.inspection import inspect
from outgrow.inspection.blueprint_writer import blueprint
from outgrow.settings import DEFAULT_STORE

ENOUGH = 12
"""Keys of a pattern that a growth is tried with."""

FORMS = (
    *(
        "faa:{u}",
        "fab:P{m}",
        "fac:{u}P",
        "fad:P{m}Z",
        "fae:{u}:{m}",
        "faf:P{m}:{u}",
        "fba:{u}:{m}P",
    ),
    *("fbb:{u}:tail", "fbc:P{m}:tail:{u}", "fbd:{u}-{m}", "fbe:{u}_{m}:{n}", "fbf:P{m}-{u}_{n}"),
    *("fca:{u}:a:{m}:b", "fcb:{s}", "fcc:{s}:tail", "fcd_{u}", "fce_{u}_tail_{m}", "fcf:single"),
    *("fda/{u}/x", "fdb|{u}|{m}", "fdc#{u}", "fdd:{e}", "fde:{d}:{u}", "fdf:{t}:x", "P_{m}"),
    *("fea:$body${u}", "feb:{u}'q", 'fec:"{m}"', "fed:\\{m}", "fee:%{u}%", "fef:é{m}:{u}é"),
)


def filled(form: str, n: int) -> str:
    """A key of a form: an id, milliseconds, a number, a name with `:`, an e-mail, a day, a time."""
    texts = {
        "u": f"{n:08d}-58cc-4372-a567-0e02b2c3d479",
        "m": f"17400000{n:05d}",
        "n": f"{n}",
        "s": f"Kestrel Institute: School {n}" if n % 3 else f"Ravn Institute {n}",
        "e": f"a{n}@b.example",
        "d": f"2025-01-{n % 28 + 1:02d}",
        "t": f"2025-01-{n % 28 + 1:02d}T10:{n % 60:02d}:07.120Z",
    }
    for name, text in texts.items():
        form = form.replace("{" + name + "}", text)
    return form


VALUES: dict[str, Any] = {
    "document": {"name": "Ada", "total": 3, "at": "2025-01-01T00:00:00.000Z", "tags": ["a"]},
    "ids": ["a1", "b2"],
    "objects": [{"by": "a1", "n": 1}, {"by": "b2", "n": 2}],
    "map": {f"u{n}x{n}": {"stars": n} for n in range(6)},
}

ODD = (
    *("a.b", 'quo"te', "it's", " ", "two words", "тест", "🙂", "select", "user", "order", "table"),
    *("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid", "key", "value", "rest", "at"),
    *(
        "store_value",
        "pos",
        "id",
        "ID",
        "Id",
        "_id",
        "id_2",
        "Name",
        "name",
        "NAME",
        "",
        "$1",
        "%s",
    ),
    *("{x}", "a\\b", "x" * 63 + "1", "x" * 63 + "2", "x" * 300, "ß" * 40, "9lives", "-", "_"),
    *("line\nbreak", "tab\tbed", "$body$", "a,b", "a->b", "null", "new", "old", "NEW", "this_key"),
    *(
        "tg_op",
        "initial",
        "document",
        "e",
        "k",
        "v",
        "s",
        "d",
        "count",
        "position",
        "element",
        "__",
    ),
)


async def written_of(rows: Mapping[str, Any]) -> Blueprint:
    return parse(blueprint(await inspect(Memory(rows.items())), "kv"))


async def rewritten(raw: Any, written: Blueprint, name: str) -> list[str]:
    """What a relation shows, after each row was written again as it is."""
    relation = f'"{written.name}"."{name}"'
    column = next(iter(written.relations[name].key_columns.values()))
    if written.pattern_of(name).shape != "ids":  # of which nothing is updated
        await raw.execute(f'UPDATE {relation} SET "{column}" = "{column}"')
    rows = await raw.fetch(
        f"SELECT (to_jsonb(r) - 'store_key' - 'store_value')::text AS row FROM {relation} r"
    )
    return sorted(row["row"] for row in rows)


async def up_and_back(
    database: Database, raw: Any, rows: Mapping[str, Any], written: Blueprint
) -> None:
    """Take the store to tables and back: what is written is true, and nothing is lost."""
    values = [(key, json.dumps(value)) for key, value in rows.items()]
    await raw.copy_records_to_table(DEFAULT_STORE, records=values)
    stored = f'SELECT key, value::text FROM {STORE} ORDER BY key COLLATE "C"'
    before = await raw.fetch(stored)
    seen = []
    for phase in ("optimized", "relational"):
        await grow(database, phase, blueprint=written)
        seen.append({name: await rewritten(raw, written, name) for name in written.relations})
        assert await raw.fetch(stored) == before
    assert seen[0] == seen[1]
    report = await verify(database, DEFAULT_STORE, written, lambda _: None)
    assert report.same
    await grow(database, "initial", blueprint=written)
    assert await raw.fetch(stored) == before


def shown(written: Blueprint, rows: Iterable[str]) -> Counter[str]:
    """How many keys each relation's pattern has."""
    counts = Counter(name for key in rows if (name := written.match(key)) is not None)
    return Counter({r: counts[str(relation.pattern)] for r, relation in written.relations.items()})


async def test_every_form_of_key(database: Database, database_url: str, connect: Connect) -> None:
    rows = {
        filled(form, n): list(VALUES.values())[number % len(VALUES)]
        for number, form in enumerate(FORMS)
        for n in range(1, ENOUGH)
    }
    written = await written_of(rows)
    keys = shown(written, rows)
    assert len(keys) >= 20
    assert min(keys.values()) > 0
    raw = await connect(database_url)
    await up_and_back(database, raw, rows, written)


@pytest.mark.parametrize("shape", ["document", "objects", "map"])
async def test_odd_names_of_fields(
    database: Database, database_url: str, connect: Connect, shape: str
) -> None:
    """Not all at once: of a family the most frequent become columns."""
    rows: dict[str, Any] = {}
    for start in range(0, len(ODD), 12):
        for n in range(1, 8):
            odd_fields = dict.fromkeys(ODD[start : start + 12], f"x{n}")
            some: Any = odd_fields | {"n": n}
            if shape == "objects":
                some = [some, {"n": n}]
            elif shape == "map":
                some = {f"u{m}x{m}": some for m in range(6)}
            rows[filled(f"odd{chr(97 + start // 12)}:{{u}}", n)] = some
    written = await written_of(rows)
    fields = {c.field for r in written.relations.values() for c in r.owned_columns.values()}
    assert len(fields) > 0.8 * len(ODD)
    raw = await connect(database_url)
    await up_and_back(database, raw, rows, written)


STORES = [
    *PROTOTYPES,
    *field.names(),
    *(pytest.param(name, marks=pytest.mark.soak) for name in HELD),
]


@pytest.mark.parametrize("name", STORES)
async def test_a_whole_store(
    database: Database, database_url: str, connect: Connect, name: str
) -> None:
    """The blueprint is written of all of it, and grown with some keys of each pattern."""
    if name in HELD:
        truth = build(name, 40, damage=0.05)
    else:
        truth = prototype(name, 60) if name in PROTOTYPES else field.load(name)
    written = await written_of(truth.rows)
    taken: Counter[str] = Counter()
    rows = {}
    for key, value in truth.rows.items():
        taken[truth.pattern_of[key]] += 1
        if taken[truth.pattern_of[key]] <= ENOUGH:
            rows[key] = value
    raw = await connect(database_url)
    await up_and_back(database, raw, rows, written)


async def test_a_list_of_ids_told_by_their_form_is_kept(
    database: Database, database_url: str, connect: Connect
) -> None:
    """`message:msg_{id}` beside `message:{id}`: lists hold `msg_...`, and go on doing so."""
    rows: dict[str, Any] = {}
    for n in range(40):
        first, second = f"msg_1740000{n:06d}_k3j9x{n:04d}", f"1740000{n:06d}-k3j9x{n:04d}"
        to = f"{n % 7:08d}-58cc-4372-a567-0e02b2c3d479"
        rows[f"user:{to}"] = {"name": "Ada", "mail": f"a{n}@b.example"}
        rows[f"message:{first}"] = {"id": first, "text": "x", "to": to, "seen": True, "size": n}
        rows[f"message:{second}"] = {"code": n, "sent": "2025-01-01", "tries": 1, "ok": False}
        rows.setdefault(f"inbox:{to}", []).append(first)
    written = await written_of(rows)
    assert written.derived["inbox"].element == "msg_{id}"
    raw = await connect(database_url)
    await up_and_back(database, raw, rows, written)
    await grow(database, "optimized", blueprint=written)
    to = f"{3:08d}-58cc-4372-a567-0e02b2c3d479"
    new = 'INSERT INTO app.message_msgs (id, "to", rest) VALUES ($1, $2, $3)'
    await raw.execute(new, "1740000999999_k3j9x9999", to, "{}")
    assert await raw.fetchval(f"SELECT value->-1 FROM {STORE} WHERE key = $1", f"inbox:{to}") == (
        '"msg_1740000999999_k3j9x9999"'
    )


def odd_store(seed: int) -> dict[str, Any]:
    """Families of nobody's taste: keys, fields and values put together by chance."""
    rnd = random.Random(seed)
    texts = [
        "user",
        "a",
        " ",
        "É",
        "me",
        "all",
        "{id}",
        "$1",
        "%",
        "P7",
        "T10:20",
        "🙂🙂",
        "'",
        '"',
    ]
    ids = [*"umndet", "m}-{u", "u}_{n", "P{m", "n}b{"]

    def text() -> str:
        id_ = rnd.choice(ids) if rnd.random() < 0.6 else ""
        segment = "{" + id_.strip("{}") + "}" if id_ else ""
        return rnd.choice(texts) * (not id_ or rnd.random() < 0.4) + segment

    def value(depth: int = 0) -> Any:
        kinds: list[Any] = [None, True, 7, -1.5, "x", "2025-01-01T00:00:00Z", "a@b.example", [], {}]
        if depth > 2 or rnd.random() < 0.6:
            return rnd.choice(kinds)
        if rnd.random() < 0.3:
            return [value(depth + 1) for _ in range(rnd.randrange(4))]
        return {name: value(depth + 1) for name in rnd.sample(ODD, rnd.randrange(1, 6))}

    rows: dict[str, Any] = {}
    for _ in range(14):
        by = rnd.choice([":", ":", ":", "_", "/", "#"])
        form = by.join([rnd.choice(["f", "g", "h_i", "j.k"]), *(text() for _ in range(3))])
        usual = value()
        for n in range(1, rnd.randrange(4, 14)):
            rows[filled(form, n)[:900]] = usual if rnd.random() < 0.7 else value()
    return rows


@pytest.mark.parametrize(
    "seed", [2, 6, 11, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(100, 160))]
)
async def test_whatever_is_in_it_grows_and_comes_back(
    database: Database, database_url: str, connect: Connect, seed: int
) -> None:
    rows = odd_store(seed)
    written = await written_of(rows)
    raw = await connect(database_url)
    await up_and_back(database, raw, rows, written)
