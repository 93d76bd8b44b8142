"""The generated campus: the same for a seed, whole without damage, and damaged as it says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from outgrow.db.pool import Database
from outgrow.errors import BadInput, Busy, Refused
from outgrow.sampledata import names
from outgrow.sampledata.damage import KINDS, Damage
from outgrow.sampledata.generator import generate, rows
from outgrow.sampledata.population import DEMO_EMAIL, DEMO_ID, DEMO_SCHOOL, Spec, blocks
from outgrow.settings import DEFAULT_STORE

USER = (
    r"(?:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|test-\d{13}-\d+-\w{9})"
)
PATTERNS = {
    "profile": f"user:{USER}",
    "list": f"user:{USER}:(?:connections|chats|soft-intros:incoming|soft-intros:outgoing)",
    "school": r"school:.+:users",
    "schools": r"schools:all",
    "intro": rf"intro:{USER}:{USER}:\d{{13}}",
    "chat": f"chat:{USER}:{USER}",
    "messages": f"chat:{USER}:{USER}:messages",
    "typing": f"chat:{USER}:{USER}:typing:{USER}",
    "quiz": f"quiz:{USER}",
    "compatibility": f"compatibility:{USER}:{USER}",
    "screening": r"screening:[0-9a-f]{16}",
}

# Every kind of damage, found by SQL: the rows are the entries of the manifest.
TABLES = f"""
CREATE TABLE profile AS
SELECT substr(key, 6) AS id, key, value,
       CASE WHEN jsonb_typeof(value -> 'school') = 'string' THEN value ->> 'school' END AS school
FROM "{DEFAULT_STORE}" WHERE key ~ '^user:[^:]+$';

CREATE TABLE list AS
SELECT key, value, m[1] AS owner, m[2] AS name
FROM "{DEFAULT_STORE}", regexp_match(
  key, '^user:([^:]+):(connections|chats|soft-intros:incoming|soft-intros:outgoing)$') AS m
WHERE m IS NOT NULL
UNION ALL
SELECT key, value, m[1], 'school'
FROM "{DEFAULT_STORE}", regexp_match(key, '^school:(.+):users$') AS m WHERE m IS NOT NULL;

CREATE TABLE element AS
SELECT l.key, l.owner, l.name, e AS value,
       CASE WHEN jsonb_typeof(e) = 'string' THEN e #>> '{{}}' END AS id
FROM list AS l, jsonb_array_elements(
  CASE WHEN jsonb_typeof(l.value) = 'array' THEN l.value ELSE '[]' END) AS e;

CREATE TABLE document AS
SELECT * FROM "{DEFAULT_STORE}" WHERE key LIKE 'intro:%' OR key LIKE 'chat:%';
CREATE INDEX ON profile (id);
CREATE INDEX ON list (key);
CREATE INDEX ON element (key, id);
CREATE INDEX ON document (key);
ANALYZE;
"""
NO_PROFILE = "NOT EXISTS (SELECT FROM profile AS p WHERE p.id = e.id)"
FOUND = {
    "stale_school_member": """
        SELECT e.key, e.id FROM element AS e JOIN profile AS p USING (id)
        WHERE e.name = 'school' AND p.school IS DISTINCT FROM e.owner""",
    "missing_school_member": """
        SELECT l.key, p.id
        FROM profile AS p JOIN list AS l ON l.name = 'school' AND l.owner = p.school
        WHERE jsonb_typeof(l.value) = 'array'
          AND NOT EXISTS (SELECT FROM element AS e WHERE e.key = l.key AND e.id = p.id)""",
    "one_sided_connection": """
        SELECT DISTINCT e.owner, e.id FROM element AS e JOIN profile AS p USING (id)
        LEFT JOIN list AS l ON l.key = 'user:' || e.id || ':connections'
        WHERE e.name = 'connections' AND coalesce(jsonb_typeof(l.value), 'array') = 'array'
          AND NOT EXISTS (SELECT FROM element AS f WHERE f.key = l.key AND f.id = e.owner)""",
    "dangling_connection": f"""
        SELECT e.key, e.id FROM element AS e
        WHERE e.name = 'connections' AND e.id IS NOT NULL AND {NO_PROFILE}""",
    "dangling_school_member": f"""
        SELECT e.key, e.id FROM element AS e
        WHERE e.name = 'school' AND e.id IS NOT NULL AND {NO_PROFILE}""",
    "dangling_chat": f"""
        SELECT d.key, e.id FROM document AS d,
          jsonb_array_elements_text(d.value -> 'participants') AS e (id)
        WHERE d.key ~ '^chat:[^:]+:[^:]+$' AND {NO_PROFILE}""",
    "gone_chat": """
        SELECT e.key, e.id FROM element AS e
        WHERE e.name = 'chats' AND e.id IS NOT NULL
          AND NOT EXISTS (SELECT FROM document AS d WHERE d.key = 'chat:' || e.id)""",
    "dangling_intro": f"""
        SELECT d.key, e.id FROM document AS d,
          LATERAL (VALUES (d.value ->> 'fromUserId'), (d.value ->> 'toUserId')) AS e (id)
        WHERE d.key LIKE 'intro:%' AND {NO_PROFILE}""",
    "unlisted_intro": """
        SELECT side.key, d.key FROM document AS d,
          LATERAL (VALUES
            ('user:' || (d.value ->> 'fromUserId') || ':soft-intros:outgoing'),
            ('user:' || (d.value ->> 'toUserId') || ':soft-intros:incoming')) AS side (key)
        LEFT JOIN list AS l USING (key)
        WHERE d.key LIKE 'intro:%' AND coalesce(jsonb_typeof(l.value), 'array') = 'array'
          AND NOT EXISTS (SELECT FROM element AS e WHERE e.key = l.key AND e.id = d.key)""",
    "gone_intro": """
        SELECT e.key, e.id FROM element AS e
        WHERE e.name LIKE 'soft-intros:%' AND e.id IS NOT NULL
          AND NOT EXISTS (SELECT FROM document AS d WHERE d.key = e.id)""",
    "doubled_element": """
        SELECT key, id FROM element WHERE id IS NOT NULL GROUP BY key, id HAVING count(*) > 1""",
    "wrong_element": """
        SELECT key, value::text FROM element WHERE id IS NULL""",
    "not_an_array": """
        SELECT key, jsonb_typeof(value) FROM list WHERE jsonb_typeof(value) <> 'array'""",
    "doubled_email": """
        SELECT lower(value ->> 'email') AS email, min(id), max(id) FROM profile
        WHERE jsonb_typeof(value -> 'email') = 'string'
        GROUP BY email HAVING count(*) > 1""",
    "id_disagrees": """
        SELECT key, value ->> 'id' FROM profile WHERE value ->> 'id' <> id""",
    "id_missing": """
        SELECT key FROM profile WHERE NOT value ? 'id'""",
    "wrong_type": """
        SELECT p.key, f.name, jsonb_typeof(p.value -> f.name) FROM profile AS p,
          (VALUES ('id', 'string'), ('email', 'string'), ('name', 'string'), ('school', 'string'),
            ('major', 'string'), ('year', 'string'), ('age', 'number'), ('bio', 'string'),
            ('interests', 'array'), ('lookingFor', 'array'), ('personality', 'array'),
            ('settings', 'object'), ('goals', 'object'), ('createdAt', 'string'),
            ('updatedAt', 'string'), ('blockedUsers', 'array')) AS f (name, type)
        WHERE jsonb_typeof(p.value -> f.name) <> f.type""",
    "long_text": """
        SELECT p.key, f.name, length(p.value ->> f.name) FROM profile AS p,
          (VALUES ('name', 200), ('school', 200), ('bio', 10000)) AS f (name, most)
        WHERE length(p.value ->> f.name) > f.most""",
    "chat_variant_b": """
        SELECT key FROM document WHERE key ~ '^chat:[^:]+:[^:]+$'
          AND NOT value ? 'participants' AND value ?& '{userId1,userId2,messages}'""",
    "doubled_message_id": """
        SELECT d.key, e ->> 'id' FROM document AS d, jsonb_array_elements(d.value) AS e
        WHERE d.key LIKE '%:messages' GROUP BY 1, 2 HAVING count(*) > 1""",
    "stuck_typing": """
        SELECT key FROM document
        WHERE key LIKE '%:typing:%' AND value ->> 'timestamp' < '2026-01-01T11:59:00.000Z'""",
    "duplicate_index": f"""
        SELECT c.relname::text FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indrelid = '"{DEFAULT_STORE}"'::regclass AND NOT i.indisprimary
          AND i.indkey = '1'""",
}


def store_of(spec: Spec) -> dict[str, Any]:
    """The campus as a dict; a key made twice would fail."""
    damage = Damage(spec.damage, spec.seed, "kv") if spec.damage else None
    made = list(rows(spec, damage))
    assert len(dict(made)) == len(made)
    return dict(made)


def key_kind(key: str) -> str:
    kinds = [kind for kind, pattern in PATTERNS.items() if re.fullmatch(pattern, key)]
    assert len(kinds) == 1, (key, kinds)
    return kinds[0]


async def damage_found(url: str, connect: Any) -> dict[str, list[Any]]:
    """What the SQL above finds, by kind, sorted."""
    connection = await connect(url)
    await connection.execute(TABLES)
    entries = {}
    for kind, sql in FOUND.items():
        entries[kind] = sorted(list(row.values()) for row in await connection.fetch(sql))
    return entries


def as_found(kind: str, entry: list[Any]) -> list[Any]:
    """An entry as SQL gives it: of two users with one e-mail the smaller id first."""
    return [entry[0], *sorted(entry[1:])] if kind == "doubled_email" else entry


def profiles(store: dict[str, Any]) -> dict[str, Any]:
    return {key[5:]: value for key, value in store.items() if re.fullmatch("user:[^:]+", key)}


def lists(store: dict[str, Any], head: str, tail: str) -> dict[str, set[str]]:
    """The lists whose key begins and ends so, as sets; an element twice would fail."""
    rows = {k: v for k, v in store.items() if k.startswith(head) and k.endswith(tail)}
    assert all(len(set(value)) == len(value) for value in rows.values())
    return {key: set(value) for key, value in rows.items()}


async def content(connect: Any, url: str) -> Any:
    connection = await connect(url)
    return await connection.fetch(
        f"""SELECT key, value::text FROM "{DEFAULT_STORE}" ORDER BY key COLLATE "C" """
    )


async def test_same_seed_same_store(
    database: Database, database_url: str, connect: Any, tmp_path: Path
) -> None:
    spec = Spec(300, seed=7, damage=0.05)
    first_manifest, second_manifest = tmp_path / "first.json", tmp_path / "second.json"
    await generate(database, spec, manifest=first_manifest)
    first = await content(connect, database_url)
    await generate(database, spec, manifest=second_manifest, replace=True)
    assert await content(connect, database_url) == first
    assert second_manifest.read_bytes() == first_manifest.read_bytes()
    await generate(database, Spec(300, seed=8, damage=0.05), replace=True)
    assert await content(connect, database_url) != first


def test_damage_changes_only_what_it_names() -> None:
    """Behind the damage lies the same campus, so one can compare before and after a repair."""
    whole, damaged = store_of(Spec(400)), store_of(Spec(400, damage=0.02))
    assert whole.keys() <= damaged.keys()
    changed = sum(damaged[key] != value for key, value in whole.items())
    assert 0 < changed < len(whole) / 4


async def test_what_is_written_is_what_was_made(
    database: Database, database_url: str, connect: Any
) -> None:
    """Backslashes, quotes, line breaks and accents pass through COPY as they are."""
    spec = Spec(1500)
    result = await generate(database, spec)
    made = store_of(spec)
    written = {row[0]: json.loads(row[1]) for row in await content(connect, database_url)}
    assert written == made
    assert result.rows == len(made)
    assert any("\\" in key for key in made)
    assert any("\n" in value["bio"] for value in profiles(made).values() if "bio" in value)


@pytest.mark.parametrize("damage", [0.0, 0.05])
def test_every_key_has_an_expected_pattern(damage: float) -> None:
    kinds = Counter(key_kind(key) for key in store_of(Spec(2000, damage=damage)))
    assert kinds.keys() == PATTERNS.keys()
    assert kinds["profile"] == 2000


def test_lists_agree_with_documents() -> None:
    """Without damage every derived list is what its documents say, and nothing dangles."""
    store = store_of(Spec(1200))
    people = profiles(store)
    members: dict[str, set[str]] = {}
    for user, profile in people.items():
        members.setdefault(f"school:{profile['school']}:users", set()).add(user)
    assert lists(store, "school:", ":users") == members
    assert len(store["schools:all"]) == len(members)
    assert {f"school:{name}:users" for name in store["schools:all"]} == members.keys()

    connections = lists(store, "user:", ":connections")
    pairs = {(key.split(":")[1], other) for key, ids in connections.items() for other in ids}
    assert {(other, user) for user, other in pairs} == pairs
    assert {user for pair in pairs for user in pair} <= people.keys()
    assert all(user != other for user, other in pairs)

    expected: dict[str, set[str]] = {}
    for key, value in store.items():
        if key.startswith("intro:"):
            assert value["id"] == key
            assert value["status"] in ("pending", "accepted", "denied")
            connected = (value["fromUserId"], value["toUserId"]) in pairs
            assert connected == (value["status"] == "accepted")
            for side, user in (("outgoing", "fromUserId"), ("incoming", "toUserId")):
                expected.setdefault(f"user:{value[user]}:soft-intros:{side}", set()).add(key)
        if key_kind(key) == "chat":
            assert value["participants"] == sorted(value["participants"])
            assert key == "chat:" + ":".join(value["participants"])
            for user in value["participants"]:
                expected.setdefault(f"user:{user}:chats", set()).add(value["chatId"])
    kept = lists(store, "user:", ":chats")
    kept |= lists(store, "user:", ":incoming") | lists(store, "user:", ":outgoing")
    assert kept == expected


def test_conversations() -> None:
    talks = [value for key, value in store_of(Spec(1200)).items() if key.endswith(":messages")]
    for talk in talks:
        assert talk[0]["type"] == "system"
        assert "readBy" not in talk[0]
        assert all("readBy" in message for message in talk[1:])
        assert [m["timestamp"] for m in talk] == sorted(m["timestamp"] for m in talk)
        assert talk[-1]["timestamp"] <= "2026-01-01T12:00:00.000Z"
    sizes = sorted(len(talk) for talk in talks)
    assert sizes[0] <= 2
    assert 20 < sizes[-1] <= 60
    assert sum(sizes) / len(sizes) < 12


def test_the_skew_of_a_real_campus() -> None:
    store = store_of(Spec(2000))
    people = profiles(store)
    schools = Counter(p["school"] for p in people.values())
    assert schools.most_common(1) == [(names.MAIN_SCHOOL, 1000)]
    assert schools.most_common(2)[1][1] > 5 * min(schools.values())
    for mark in ",:%":
        assert any(mark in school for school in schools)
    degrees = sorted(len(ids) for ids in lists(store, "user:", ":connections").values())
    assert 12 < sum(degrees) / len(people) < 20
    assert degrees[-1] > 8 * degrees[len(degrees) // 2]
    abroad = [
        people[user]["school"] != people[other]["school"]
        for key, ids in lists(store, "user:", ":connections").items()
        for user in [key.split(":")[1]]
        for other in ids
    ]
    assert 0.01 < sum(abroad) / len(abroad) < 0.1
    majors = Counter(p["major"] for p in people.values()).most_common()
    assert len(majors) > 40
    assert majors[0][1] > 5 * majors[-1][1]
    assert len({p["name"] for p in people.values()}) > 1950
    assert len({p["email"].lower() for p in people.values()}) == 2000
    dated = sum("createdAt" in p for p in people.values())
    assert 800 < dated < 1400
    assert any("accessToken" in json.dumps(p.get("socialConnections")) for p in people.values())
    size = sum(len(json.dumps(p)) for p in people.values()) / 2000
    assert 800 < size < 1400


def test_popular_people_of_a_large_school_know_a_thousand() -> None:
    block = next(blocks(Spec(20_000, largest=20_000)))
    assert max(map(len, block.neighbours)) > 1000


def test_the_demo_student() -> None:
    store = store_of(Spec(1000))
    profile = store[f"user:{DEMO_ID}"]
    assert (profile["id"], profile["email"]) == (DEMO_ID, DEMO_EMAIL)
    assert profile["school"] == DEMO_SCHOOL
    assert 20 <= len(store[f"user:{DEMO_ID}:connections"]) <= 60
    assert store[f"user:{DEMO_ID}:chats"]
    for side in ("incoming", "outgoing"):
        keys = store[f"user:{DEMO_ID}:soft-intros:{side}"]
        assert any(store[key]["status"] == "pending" for key in keys)
    assert f"user:{DEMO_ID}" not in store_of(Spec(1000, demo=False))


@pytest.mark.parametrize("users", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("damage", [0.0, 0.1])
def test_tiny_campuses(users: int, damage: float) -> None:
    store = store_of(Spec(users, damage=damage))
    assert sum(key_kind(key) == "profile" for key in store) == users


def test_blocks_keep_schools_whole_and_ids_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outgrow.sampledata.population._BLOCK", 300)
    spec = Spec(1000, largest=250)
    assert len(list(blocks(spec))) > 3
    people = profiles(store_of(spec))
    assert len(people) == 1000
    assert len({p["email"].lower() for p in people.values()}) == 1000
    assert Counter(p["school"] for p in people.values()) == dict(spec.schools())


@pytest.mark.parametrize("users", [1, 19, 500, 60_000, 1_000_000])
def test_schools_hold_everybody(users: int) -> None:
    schools = Spec(users).schools()
    assert sum(size for _, size in schools) == users
    assert all(0 < size <= schools[0][1] <= 50_000 for _, size in schools)


@pytest.mark.parametrize(
    "wrong",
    [
        {"users": 0},
        {"users": 10, "largest": 11},
        {"users": 10, "damage": 0.5},
        {"users": 10_000, "largest": 5},
        {"users": 10, "now": 0},
    ],
)
def test_impossible_campuses_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as error:
        Spec(**wrong)
    assert error.value.code == "bad_campus"


async def test_whole_campus_has_no_damage(
    database: Database, database_url: str, connect: Any
) -> None:
    await generate(database, Spec(1500))
    damage = await damage_found(database_url, connect)
    assert {kind: entries for kind, entries in damage.items() if entries} == {}


async def test_manifest_says_exactly_what_is_damaged(
    database: Database, database_url: str, connect: Any, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.json"
    result = await generate(database, Spec(1500, seed=3, damage=0.05), manifest=manifest)
    document = json.loads(manifest.read_bytes())
    assert document["campus"] == {"users": 1500, "seed": 3, "rate": 0.05, "store": DEFAULT_STORE}
    assert set(FOUND) == set(KINDS) == set(document["damage"])
    for kind, entries in (await damage_found(database_url, connect)).items():
        assert entries, kind
        assert entries == sorted(as_found(kind, entry) for entry in document["damage"][kind]), kind
        assert document["counts"][kind] == result.damage[kind] == len(entries)


async def test_a_store_with_keys_is_refused(database: Database) -> None:
    await generate(database, Spec(20))
    with pytest.raises(Refused) as error:
        await generate(database, Spec(20))
    assert error.value.code == "store_not_empty"
    assert "--replace" in (error.value.hint or "")


async def test_a_store_in_use_is_busy(
    database: Database, database_url: str, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = await connect(database_url)
    transaction = writer.transaction()
    await transaction.start()
    await writer.execute(f"""INSERT INTO "{DEFAULT_STORE}" VALUES ('a', '1')""")
    monkeypatch.setattr("outgrow.sampledata.generator._PATIENCE", "50ms")
    with pytest.raises(Busy) as error:
        await generate(database, Spec(20))
    assert error.value.code == "store_in_use"


async def test_a_missing_store_is_made(database: Database, database_url: str, connect: Any) -> None:
    """With its primary key, in the schema that was named."""
    connection = await connect(database_url)
    await connection.execute('CREATE SCHEMA "Other"')
    result = await generate(database, Spec(20), store="Other.kv")
    assert await connection.fetchval('SELECT count(*) FROM "Other".kv') == result.rows
    await connection.execute(
        """INSERT INTO "Other".kv VALUES ('schools:all', '[]') ON CONFLICT (key) DO NOTHING"""
    )


async def test_replacing_drops_the_duplicate_indexes(
    database: Database, database_url: str, connect: Any
) -> None:
    connection = await connect(database_url)
    count = f"SELECT count(*) FROM pg_index WHERE indrelid = '{DEFAULT_STORE}'::regclass"
    await generate(database, Spec(20, damage=0.02))
    assert await connection.fetchval(count) == 20
    await generate(database, Spec(20), replace=True)
    assert await connection.fetchval(count) == 1


async def test_what_fails_leaves_nothing(database: Database) -> None:
    def fail(_: int) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        await generate(database, Spec(50), on_progress=fail)
    await generate(database, Spec(50))


async def run_command(url: str, folder: Path, *options: str) -> tuple[int, Any]:
    """`outgrow generate campus ... --json`: its exit code and what it answers."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "outgrow", "generate", "campus", "--json", *options),
        env={**os.environ, "DATABASE_URL": url, "OUTGROW_STORE": DEFAULT_STORE},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, json.loads(out)


async def test_the_command(database_url: str, tmp_path: Path) -> None:
    code, made = await run_command(database_url, tmp_path, "--users", "60", "--damage", "--seed=4")
    assert code == 0
    assert (made["users"], made["demo_user"]) == (60, DEMO_ID)
    assert made["damage"]["duplicate_index"] == 19
    manifest = json.loads((tmp_path / made["manifest"]).read_bytes())
    assert manifest["campus"] == {"users": 60, "seed": 4, "rate": 0.02, "store": DEFAULT_STORE}

    code, answer = await run_command(database_url, tmp_path, "--users", "60")
    assert (code, answer["error"]["code"]) == (3, "store_not_empty")
    code, answer = await run_command(database_url, tmp_path, "--users", "0")
    assert (code, answer["error"]["code"]) == (2, "bad_campus")
    code, made = await run_command(
        database_url, tmp_path, "--users=60", "--largest=60", "--no-demo", "--replace"
    )
    assert (code, made["largest_school_users"], made["demo_user"]) == (0, 60, None)
    assert made["damage"] == {}
