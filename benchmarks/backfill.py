"""A growth's backfill next to two ways of copying by hand, one statement for each relation.

By hand is what a person would write: `value->>'name'`, into columns of the same names, without what
Outgrow computes for searching and sorting, and without a word on values that do not fit. Between
the two is one statement into our own table, with our decoder. The three take turns in one database,
relation by relation, and each relation begins with a checkpoint.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measures import Run
from benchmarks.report import Goal
from benchmarks.world import World
from outgrow import layout
from outgrow.blueprint import campus
from outgrow.growth import catalog, runner
from outgrow.growth.context import StepContext
from outgrow.growth.cutover import DropTables, RemoveSyncTriggers
from outgrow.growth.mirroring import Backfill, Expand
from outgrow.layout.expressions import key_range
from outgrow.layout.mirror.tables import function
from outgrow.queries import Query, quote
from outgrow.settings import DEFAULT_STORE

CAMPUS = campus()
STORE = f'public."{DEFAULT_STORE}"'
OURS = "the growth"
DECODER = "INSERT INTO ... SELECT with our decoder"
BY_HAND = "INSERT INTO ... SELECT by hand"

# A list of the store may name somebody twice: a person finds out, and adds ON CONFLICT.
_STATEMENTS = {
    "users": (
        "id text PRIMARY KEY, email text, name text, school text, major text, year text, "
        "interests jsonb, looking_for jsonb, blocked jsonb, created_at timestamptz, profile jsonb",
        """SELECT substr(key, 6), value->>'email', value->>'name', value->>'school',
  value->>'major', value->>'year', value->'interests', value->'lookingFor',
  value->'blockedUsers', (value->>'createdAt')::timestamptz, value
FROM {store} WHERE key LIKE 'user:%' AND key NOT LIKE 'user:%:%'""",
    ),
    "connections": (
        "user_id text, connected_user_id text, pos bigint, "
        "PRIMARY KEY (user_id, connected_user_id)",
        """SELECT split_part(key, ':', 2), element, pos
FROM {store}, jsonb_array_elements_text(value) WITH ORDINALITY AS e(element, pos)
WHERE key LIKE 'user:%:connections' ON CONFLICT DO NOTHING""",
    ),
    "intros": (
        "from_id text, to_id text, sent_ms text, reason text, status text, "
        "created_at timestamptz, accepted_at timestamptz, denied_at timestamptz, "
        "PRIMARY KEY (from_id, to_id, sent_ms)",
        """SELECT split_part(key, ':', 2), split_part(key, ':', 3), split_part(key, ':', 4),
  value->>'reason', value->>'status', (value->>'createdAt')::timestamptz,
  (value->>'acceptedAt')::timestamptz, (value->>'deniedAt')::timestamptz
FROM {store} WHERE key LIKE 'intro:%'""",
    ),
    "chats": (
        "id text PRIMARY KEY, participants jsonb, created_at timestamptz",
        """SELECT substr(key, 6), value->'participants', (value->>'createdAt')::timestamptz
FROM {store} WHERE key LIKE 'chat:%' AND key NOT LIKE '%:messages' AND key NOT LIKE '%:typing:%'""",
    ),
    "messages": (
        "chat_id text, pos bigint, id text, sender_id text, content text, kind text, "
        "sent_at timestamptz, PRIMARY KEY (chat_id, pos)",
        """SELECT substr(left(key, -9), 6), pos, e->>'id', e->>'senderId', e->>'content',
  e->>'type', (e->>'timestamp')::timestamptz
FROM {store}, jsonb_array_elements(value) WITH ORDINALITY AS m(e, pos)
WHERE key LIKE 'chat:%:messages'""",
    ),
    "school_members": (
        "school text, user_id text PRIMARY KEY, major text, year text, created_at timestamptz",
        """SELECT value->>'school', substr(key, 6), value->>'major', value->>'year',
  (value->>'createdAt')::timestamptz
FROM {store} WHERE key LIKE 'user:%' AND key NOT LIKE 'user:%:%' AND value ? 'school'""",
    ),
    "user_search": (
        "school text, user_id text PRIMARY KEY, visible boolean, blocked jsonb, "
        "search_name text, search_text text",
        """SELECT value->>'school', substr(key, 6),
  coalesce((value->'settings'->>'profileVisible')::boolean, true), value->'blockedUsers',
  lower(value->>'name'), concat_ws(' ', value->>'name', value->>'major', value->>'year',
    value->>'bio', value->>'interests', value->>'lookingFor')
FROM {store} WHERE key LIKE 'user:%' AND key NOT LIKE 'user:%:%'""",
    ),
    "participants": (
        "chat_id text, user_id text, pos bigint, PRIMARY KEY (chat_id, user_id)",
        """SELECT substr(key, 6), element, pos
FROM {store},
  jsonb_array_elements_text(value->'participants') WITH ORDINALITY AS p(element, pos)
WHERE key LIKE 'chat:%' AND key NOT LIKE '%:messages' AND key NOT LIKE '%:typing:%'
ON CONFLICT DO NOTHING""",
    ),
}
"""What a person would write for each relation: the table's columns, and what fills it."""


@dataclass(slots=True)
class Turn:
    """Seconds of each way for all relations, and the rows that ours made."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_WAYS, 0.0))
    rows: int = 0

    def per_second(self, way: str) -> float:
        return self.rows / self.seconds[way]


async def beside_by_hand(run: Run, _: str) -> None:
    """Before there are tables; leaves none."""
    turns = [await _turn(run.world, number) for number in range(run.rounds)]
    ours = [turn.per_second(OURS) for turn in turns]
    goals = {DECODER: (Goal("gate", at_least=0.6), Goal("aim", at_least=0.8))}
    for way in (DECODER, BY_HAND):
        than = [turn.per_second(way) for turn in turns]
        judged = goals.get(way, ())
        run.report.add("backfill of all relations", ours, "rows/s", *judged, peer=way, than=than)


async def _turn(world: World, number: int) -> Turn:
    """The one that begins changes as well."""
    turn = Turn()
    async with runner.alone(world.database, DEFAULT_STORE, CAMPUS) as session:
        store = await catalog.read_store(session, DEFAULT_STORE, CAMPUS)
        context = StepContext(CAMPUS, store, world.database, session)
        for relation in CAMPUS.relations:
            ways = list(_WAYS)
            for way in ways if number % 2 == 0 else ways[::-1]:
                await _WAYS[way](context, relation, turn)
    for way, seconds in turn.seconds.items():
        print(f"bench: backfill {number + 1}, {way}: {seconds:.1f} s", file=sys.stderr, flush=True)
    return turn


async def _ours(context: StepContext, relation: str, turn: Turn) -> None:
    await Expand(((relation, None),)).run(context)
    turn.seconds[OURS] += await _seconds(context, Backfill(relation).run(context))
    table = layout.mirror.table(CAMPUS, relation)
    turn.rows += await context.session.value(Query("bench.rows", f"SELECT count(*) FROM {table}"))
    await RemoveSyncTriggers((relation,)).run(context)
    await DropTables(relation, last=True).run(context)


async def _with_decoder(context: StepContext, relation: str, turn: Turn) -> None:
    """One statement that does nothing else, into the same table."""
    for query in layout.mirror.expand(CAMPUS, relation):
        await context.session.run(query)
    columns = layout.mirror.columns(CAMPUS, relation)
    listed, selected = (", ".join(f"{a}{quote(c)}" for c in columns) for a in ("", "r."))
    insert = Query(
        "bench.with_decoder",
        f"INSERT INTO {layout.mirror.table(CAMPUS, relation)} ({listed})\n"
        f"SELECT {selected} FROM {STORE} s\n"
        f"CROSS JOIN LATERAL {function(CAMPUS, relation, 'rows')}(s.key, s.value) r\n"
        f"WHERE {key_range(CAMPUS, relation, 's.key')}",
    )
    turn.seconds[DECODER] += await _seconds(context, context.session.run(insert))
    for query in layout.mirror.retire(CAMPUS, relation):
        await context.session.run(query)


async def _by_hand(context: StepContext, relation: str, turn: Turn) -> None:
    columns, select = _STATEMENTS[relation]
    session = context.session
    await session.run(Query("bench.create", f"CREATE TABLE public.by_hand ({columns})"))
    insert = Query("bench.by_hand", f"INSERT INTO public.by_hand {select.format(store=STORE)}")
    turn.seconds[BY_HAND] += await _seconds(context, session.run(insert))
    await session.run(Query("bench.drop", "DROP TABLE public.by_hand"))


_WAYS: dict[str, Callable[[StepContext, str, Turn], Awaitable[None]]] = {
    OURS: _ours,
    DECODER: _with_decoder,
    BY_HAND: _by_hand,
}


async def _seconds(context: StepContext, copying: Awaitable[Any]) -> float:
    """From a checkpoint on, so that neither writes for what the other left."""
    await context.session.run(Query("bench.checkpoint", "CHECKPOINT"))
    start = time.perf_counter()
    await copying
    return time.perf_counter() - start
