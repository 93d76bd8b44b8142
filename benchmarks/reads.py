"""What reads: the page, one profile, search, connections, counts, and how deep a list goes."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import Any

from benchmarks import typos
from benchmarks.bare import Sent
from benchmarks.load import Request
from benchmarks.measures import Run, Turns, answer, pages
from benchmarks.processes import Server
from benchmarks.report import Contender, Goal
from benchmarks.world import World, at
from outgrow.campus import Viewer
from outgrow.campus.cache import Caches
from outgrow.campus.notifier import Notifier
from outgrow.campus.pagination import LARGEST_LIMIT, LARGEST_OFFSET, Cursors, Page
from outgrow.campus.people.profiles import FACETS, Filters, Profiles
from outgrow.campus.people.search import Search

OURS = "Outgrow"
FASTIFY = "Fastify + pg"
FASTAPI = "FastAPI + SQLAlchemy"
TUNED = "FastAPI + Core + msgspec"
PROTOTYPE = "the prototype's way"
PEERS = {FASTAPI: "relational", TUNED: "tuned", PROTOTYPE: "prototype"}
"""Modules of benchmarks.peers."""
BARE = "bare SQL, pgbench"
WORDS = ("climbing", "chess", "photography", "robots", "biology")
_CURSORS = Cursors(b"any key")


async def beside_peers(run: Run, peers: Mapping[str, Server]) -> None:
    """A page of 20 profiles of the school, newest first, and one profile."""
    name = "page by major and year"
    groups = await run.world.groups()
    requests = pages(groups)
    for peer in peers:
        if peer != PROTOTYPE:
            _same_people(run, requests, peers[peer])
    sent = [await sent_by(run.world, page(run.world, major, year)) for major, year in groups]
    turns = _take_turns(run, requests, peers, sent, times=3)
    slow = run.slow(peers[PROTOTYPE], requests, token=run.world.peer_token)
    turns[PROTOTYPE] = Turns([slow])
    of_page = (
        (FASTAPI, Goal("gate", at_least=5)),
        (FASTAPI, Goal("aim", at_least=10)),
        (FASTIFY, Goal("aim", at_least=1)),
        (BARE, Goal("aim", at_least=0.5)),
    )
    _compare(run, name, turns, {OURS: run.api, **peers}, *of_page)
    ours, theirs = (turns[who].median.bytes_each / 1000 for who in (OURS, FASTAPI))
    run.report.add(f"{name}: size", ours, "kB", peer=FASTAPI, than=theirs)
    run.report.add("load client, of one core", turns[OURS].median.cpu, "cores")

    ids = [user_id for user_id, _ in (await run.world.people())[:2000]]
    requests = [at(f"/profiles/{user_id}") for user_id in ids]
    profiles, viewer = _profiles(run.world), Viewer("", run.world.school)
    sent = [await sent_by(run.world, profiles.profile(user_id, viewer)) for user_id in ids[:10]]
    turns = _take_turns(run, requests, peers, sent)
    of_one = ((FASTIFY, Goal("aim", at_least=1)), (BARE, Goal("aim", at_least=0.22)))
    _compare(run, "one profile", turns, {OURS: run.api, **peers}, *of_one)


def _take_turns(
    run: Run,
    requests: Sequence[Request],
    peers: Mapping[str, Server],
    sent: Sequence[Sent],
    times: int = 1,
) -> dict[str, Turns]:
    """All but the prototype's way, which takes seconds for one request."""
    token = run.world.peer_token
    contenders = {OURS: partial(run.load, run.api, requests)}
    for peer, server in peers.items():
        if peer != PROTOTYPE:
            contenders[peer] = partial(run.load, server, requests, token=token)
    contenders[BARE] = partial(run.bare, "peers", sent)
    return run.take_turns(contenders, times)


def _compare(
    run: Run,
    name: str,
    turns: Mapping[str, Turns],
    servers: Mapping[str, Server],
    *goals: tuple[str, Goal],
) -> None:
    contenders = []
    for who, taken in turns.items():
        r, server = taken.median, servers.get(who)
        more = (r.p50_ms, r.p99_ms, server.resident_mb) if server else ()
        contenders.append(Contender(who, taken.per_second, *more))
    run.report.compare(name, contenders, *goals)


async def search(run: Run, _: str) -> None:
    """GET /search?q=..: a name as it is, a name with a typo, a word of a profile."""
    world = run.world
    cases = typos.cases(await world.people(), 5, seed=2)
    for kind, texts in (
        ("name", [case.name for case in cases]),
        ("name with a typo", [case.typed for case in cases]),
        ("word", list(WORDS)),
    ):
        # The same few texts for both: pgbench plans each of its scripts on each connection.
        sent = [await sent_by(world, _search(world, text)) for text in texts]
        turns = run.take_turns(
            {
                OURS: partial(run.load, run.api, [at("/search", q=text) for text in texts]),
                BARE: partial(run.bare, f"search-{kind}", sent),
            }
        )
        goal = (BARE, Goal("aim", at_least=1 / 1.5))
        _compare(run, f"search, {kind}", turns, {OURS: run.api}, goal)


async def lists(run: Run, _: str) -> None:
    await _connections(run)
    await _counts(run)
    await _depth(run)


async def _connections(run: Run) -> None:
    """The lists of connections; `connected-by` is who has somebody in their list."""
    busiest, viewer = await run.world.most_connected()
    hidden = await run.world.hidden(viewer)
    ids = [user_id for user_id, _ in await run.world.people() if user_id not in hidden][:500]
    for what, path in (
        ("connections of somebody", "connections"),
        ("who is connected to somebody", "connected-by"),
        ("mutual connections", "connections/mutual"),
    ):
        (token,) = await run.world.tokens([viewer])
        requests = [at(f"/profiles/{user_id}/{path}") for user_id in ids]
        run.add(what, run.load(run.api, requests, token=token))
        result = run.slow(run.api, [at(f"/profiles/{busiest}/{path}")], token=token)
        run.add(f"{what}, the most connected", result)


async def _counts(run: Run) -> None:
    """What counts, and so reads everybody that it counts."""
    some = pages((await run.world.groups())[:4], total="true", facets=",".join(FACETS))
    run.add("page with total and facets", run.slow(run.api, some))
    whole = [at("/profiles", total="true", facets=",".join(FACETS))]
    run.add("page with total and facets, no filter", run.slow(run.api, whole))


def cached(run: Run, caching: Server) -> None:
    """What the cache spares: the same requests to a process with it, and to one without."""
    counted = {"total": "true", "facets": ",".join(FACETS)}
    for what, request in (
        ("first page", at("/profiles")),
        ("first page with total and facets", at("/profiles", **counted)),
        ("schools with their sizes", at("/schools", counts="true")),
    ):
        turns = run.take_turns(
            {
                "from the cache": partial(run.slow, caching, [request]),
                "made anew": partial(run.slow, run.api, [request]),
            }
        )
        _compare(run, what, turns, {"from the cache": caching, "made anew": run.api})


async def _depth(run: Run) -> None:
    """Far down the list of the whole school."""
    offset = min(LARGEST_OFFSET, run.report.users // 2)
    step, cursor = min(LARGEST_LIMIT, offset), ""
    for _ in range(offset // step):
        more = {"cursor": cursor} if cursor else {}
        cursor = answer(run.api, at("/profiles", limit=step, **more), run.token)["next"]
    contenders = {
        "first page": at("/profiles"),
        f"page behind {offset:,}, by offset": at("/profiles", offset=offset),
        f"page behind {offset:,}, by cursor": at("/profiles", cursor=cursor),
    }
    for name, request in contenders.items():
        run.add(name, run.load(run.api, [request]))


async def typing(run: Run, _: str) -> None:
    """How often a mistyped name finds its person in the first 20."""
    count = min(1000, run.report.users)
    search = partial(typos.typos, run.world.database, run.world.school, count)
    alone = await search(form="last name")
    as_written = await search(form="last name", edits=0)
    for kind, outcome, more in (
        ("one edit", await search(), (Goal("gate", at_least=90), Goal("aim", at_least=95))),
        ("two edits", await search(edits=2), ()),
        ("a last name alone", alone, ()),
        ("a last name alone, as it is written", as_written, ()),
    ):
        name = f"found of {count:,} typos, {kind}"
        run.report.add(name, outcome.rate() * 100, "%", *more)
        run.report.add(f"{name}: p50", outcome.percentile(50), "ms")
        run.report.add(f"{name}: p99", outcome.percentile(99), "ms")
    run.world.database.taken()


def _same_people(run: Run, requests: Sequence[Request], peer: Server) -> None:
    """What is compared must be the same. Raises RuntimeError."""
    for request in requests:
        ours = answer(run.api, request, run.token)["items"]
        theirs = answer(peer, request, run.world.peer_token)["items"]
        if [item["id"] for item in ours] != [item["id"] for item in theirs]:
            raise RuntimeError(f"{request.path}: the contenders answer with different people")


def _profiles(world: World) -> Profiles:
    """Without a cache: what is measured is the statement."""
    return Profiles(world.database, _CURSORS, Caches(Notifier(world.database), 0))


async def page(world: World, major: str | None, year: str | None) -> bytes:
    return await _profiles(world).page(
        Filters(major, year), "newest", Page(), viewer=Viewer("", world.school)
    )


async def _search(world: World, text: str) -> bytes:
    service = Search(world.database, _CURSORS)
    return await service.page(text, Page(), viewer=Viewer("", world.school))


async def sent_by(world: World, call: Awaitable[Any]) -> Sent:
    """The statement that a call sends."""
    world.database.taken()
    await call
    sent = world.database.taken()
    assert len(sent) == 1, f"{len(sent)} statements"
    return sent[0]
