"""The cache: nobody is shown what is hidden from them, nothing older than the bound, and what one
process changes all of them forget."""

from __future__ import annotations

import asyncio
import gc
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from api import ELSEWHERE, HERE, Api, Person
from outgrow.campus.cache import Cache
from outgrow.campus.people import schools
from outgrow.db.pool import Database
from outgrow.queries import Query
from outgrow.settings import DEFAULT_STORE
from test_live import KILL

SET = Query(
    "old_client",
    f'UPDATE "{DEFAULT_STORE}" SET value = jsonb_set(value, $2, $3) WHERE key = $1',
)
LONG = 3600.0


@pytest.fixture
def query_counts(campus: Database) -> Counter[str]:
    """How often each statement was sent."""
    names: Counter[str] = Counter()
    campus.observe_with(lambda name, _: names.update([name]))
    return names


@asynccontextmanager
async def serving(database: Database, seconds: float = LONG) -> AsyncIterator[Api]:
    """One process of several, with a pool of its own."""
    pool = await Database.open(database.url, pool_size=3)
    api = await Api.open(pool, limits=None, cache_seconds=seconds)
    async with api.services.running():
        yield api
    await api.close()
    await pool.close()


async def soon(seen: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await seen():
            await asyncio.sleep(0.02)


async def by_old_client(api: Api, person: Person, field: str, value: Any) -> None:
    path = ["settings", field] if field == "profileVisible" else [field]
    await api.services.database.run(SET, f"user:{person.id}", path, json.dumps(value))


async def ids(person: Person, query: str = "") -> set[str]:
    return {item["id"] for item in (await person.get(f"/profiles?{query}")).json()["items"]}


def via(api: Api, person: Person) -> Person:
    return Person(api, person.id, person.email, person.tokens)


async def test_a_first_page_is_made_once(api: Api, query_counts: Counter[str]) -> None:
    ada, ben = await api.sign_up("Ada Okafor"), await api.sign_up("Ben Silva", major="Physics")
    query_counts.clear()
    pages = await asyncio.gather(*(who.get("/profiles") for who in (ada, ben, ada, ben)))
    assert len({page.content for page in pages}) == 1
    assert query_counts["profiles.first_newest"] == 1
    for query in ("sort=name", "limit=1", "major=Physics", "interest=chess"):
        assert (await ada.get(f"/profiles?{query}")).content == (
            await ben.get(f"/profiles?{query}")
        ).content
    assert sum(n for name, n in query_counts.items() if name.startswith("profiles.first_")) == 5
    assert await ids(ada, "major=Physics") == {ben.id}
    further = (await ada.get("/profiles?limit=1")).json()["next"]
    for _ in range(2):
        await ada.get(f"/profiles?limit=1&cursor={further}")
        await ada.get("/profiles?offset=1")
    assert query_counts["profiles.page_newest"] == query_counts["profiles.deep_newest"] == 2, (
        "no other is kept"
    )


async def test_another_school_has_its_own(api: Api) -> None:
    ada, eve = await api.sign_up("Ada Okafor"), await api.sign_up("Eve Adams", ELSEWHERE)
    assert await ids(ada) == {ada.id}
    assert await ids(eve) == {eve.id}


async def test_a_block_hides_at_once_on_a_page_that_is_kept(
    api: Api, query_counts: Counter[str]
) -> None:
    ada, ben, eve = [await api.sign_up(name) for name in ("Ada Okafor", "Ben Silva", "Eve Adams")]
    everybody = {ada.id, ben.id, eve.id}
    assert await ids(ada) == await ids(ben) == await ids(eve) == everybody
    await ada.call("PUT", f"/blocks/{ben.id}")
    query_counts.clear()
    assert await ids(ada) == everybody - {ben.id}
    assert await ids(ben) == everybody - {ada.id}
    assert await ids(eve) == everybody
    assert query_counts["profiles.first_newest"] == 0, "the page is as it was for everybody else"
    await ada.call("DELETE", f"/blocks/{ben.id}")
    assert await ids(ada) == await ids(ben) == everybody


async def test_who_is_hidden_behind_the_end_leaves_no_trace(api: Api) -> None:
    """That there is more is told by one row more than is shown; that may be somebody hidden."""
    await api.sign_up("Old Timer")
    ada, ben = await api.sign_up("Ada Okafor"), await api.sign_up("Ben Silva")
    await ids(ben, "limit=2"), await ids(ben, "limit=1")
    oldest = next(iter(await ids(ben) - {ada.id, ben.id}))
    await ada.call("PUT", f"/blocks/{oldest}")
    page = (await ada.get("/profiles?limit=2")).json()
    assert [item["id"] for item in page["items"]] == [ben.id, ada.id]
    assert page["next"] is None


@pytest.mark.parametrize("blocked", ["[{}]", '[7, null, ["x"], {}]'])
async def test_an_old_client_s_list_hides_on_a_page_made_since(api: Api, blocked: str) -> None:
    ada, ben = await api.sign_up("Ada Okafor"), await api.sign_up("Ben Silva")
    listed = json.loads(blocked.format(json.dumps(ada.id)))
    await by_old_client(api, ben, "blockedUsers", listed)
    assert await ids(ada) == {ada.id}
    assert await ids(ben) == {ada.id, ben.id}
    assert await ids(ada) == {ada.id}


async def test_what_changes_here_is_seen_at_once(api: Api) -> None:
    ada, ben = await api.sign_up("Ada Okafor"), await api.sign_up("Ben Silva")
    assert await ids(ada) == {ada.id, ben.id}
    await ben.call("PATCH", "/profiles/me", json={"settings": {"profile_visible": False}})
    assert await ids(ada) == {ada.id}
    await ben.call("PATCH", "/profiles/me", json={"settings": {"profile_visible": True}})
    assert await ids(ada) == {ada.id, ben.id}
    eve = await api.sign_up("Eve Adams")
    assert await ids(ada) == {ada.id, ben.id, eve.id}
    await eve.call("DELETE", "/profiles/me", json={"password": "a long enough password"})
    assert await ids(ada) == {ada.id, ben.id}


async def test_what_old_clients_change_is_seen_when_the_bound_is_over(campus: Database) -> None:
    async with serving(campus, 0.3) as api:
        ada, ben = await api.sign_up("Ada Okafor"), await api.sign_up("Ben Silva")
        assert await ids(ada) == {ada.id, ben.id}
        await by_old_client(api, ben, "profileVisible", False)
        await asyncio.sleep(0.31)
        assert await ids(ada) == {ada.id}
        sizes = (await ada.get("/schools?counts=true")).json()["items"]
        assert sizes == [{"name": HERE, "members": 1}], "who hides counts nowhere"
        await by_old_client(api, ben, "profileVisible", True)
        await by_old_client(api, ben, "school", ELSEWHERE)
        await asyncio.sleep(0.31)
        sizes = (await ada.get("/schools?counts=true")).json()["items"]
        assert sizes == [{"name": HERE, "members": 1}, {"name": ELSEWHERE, "members": 1}]


async def test_without_a_bound_nothing_is_kept(
    campus: Database, query_counts: Counter[str]
) -> None:
    api = await Api.open(campus, cache_seconds=0)
    ada, ben = await api.sign_up("Ada Okafor"), await api.sign_up("Ben Silva")
    path = "/profiles?total=true&facets=year"
    assert (await ada.get(path)).json()["total"] == 2
    assert (await ada.get("/schools?counts=true")).json()["items"][0]["members"] == 2
    await by_old_client(api, ben, "school", ELSEWHERE)
    assert (await ada.get(path)).json()["total"] == 1
    sizes = (await ada.get("/schools?counts=true")).json()["items"]
    assert sizes == [{"name": HERE, "members": 1}, {"name": ELSEWHERE, "members": 1}]
    assert query_counts["profiles.first_newest"] == 0
    await api.close()


async def test_what_one_process_changes_all_forget(campus: Database) -> None:
    async with serving(campus) as first, serving(campus) as second:
        ada = await first.sign_up("Ada Okafor", year="Junior")
        ada_at_second = via(second, ada)
        path = "/profiles?total=true&facets=year"

        async def known(person: Person) -> tuple[int, int, Any, Any]:
            page = (await person.get(path)).json()
            sizes = (await person.get("/schools?counts=true")).json()["items"]
            return len(page["items"]), page["total"], page["facets"]["year"], sizes

        def expected(*sizes: int) -> tuple[int, int, Any, Any]:
            members = zip((HERE, ELSEWHERE), sizes, strict=False)
            schools = [{"name": name, "members": n} for name, n in members]
            return sizes[0], sizes[0], [{"value": "Junior", "count": sizes[0]}], schools

        assert await known(ada_at_second) == await known(ada) == expected(1)
        ben = await first.sign_up("Ben Silva", year="Junior")
        assert await known(ada) == expected(2)
        await soon(lambda: same(known(ada_at_second), expected(2)))
        await second.sign_up("Eve Adams", ELSEWHERE)
        assert await known(ada_at_second) == expected(2, 1)
        await soon(lambda: same(known(ada), expected(2, 1)))
        await ben.call("DELETE", "/profiles/me", json={"password": "a long enough password"})
        assert await known(ada) == expected(1, 1)
        await soon(lambda: same(known(ada_at_second), expected(1, 1)))
        assert (await via(second, ben).get("/profiles")).status_code == 401


async def same(answer: Awaitable[Any], expected: Any) -> bool:
    return bool(await answer == expected)


async def test_a_session_that_one_process_ends_no_other_takes(campus: Database) -> None:
    async with serving(campus) as first, serving(campus) as second:
        ada = await first.sign_up("Ada Okafor")
        ada_at_second = via(second, ada)
        assert (await ada_at_second.get("/profiles/me")).status_code == 200
        assert (await ada.call("POST", "/auth/logout")).status_code == 204

        async def refused() -> bool:
            return (await ada_at_second.get("/profiles/me")).status_code == 401

        await soon(refused)


async def test_a_change_while_nobody_listens_is_no_loss(campus: Database) -> None:
    """The listening connection dies, others sign up; with the next one nothing old is told."""
    async with serving(campus) as first:
        ada = await first.sign_up("Ada Okafor")
        assert await ids(ada) == {ada.id}
        await ada.get("/schools?counts=true")
        quiet = await Api.open(campus)  # tells nobody, as a process that dies at the wrong moment
        ben = await quiet.sign_up("Ben Silva")
        assert await ids(ada) == {ada.id}
        await campus.run(KILL)

        async def seen() -> bool:
            sizes = (await ada.get("/schools?counts=true")).json()["items"]
            return await ids(ada) == {ada.id, ben.id} and sizes[0]["members"] == 2

        await soon(seen)
        await quiet.close()


async def test_an_answer_that_was_under_way_is_not_kept(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been read before the change."""
    ada = await api.sign_up("Ada Okafor")
    read, go_on = asyncio.Event(), asyncio.Event()
    row = Database.row

    async def slow(self: Database, query: Query, *arguments: Any) -> Any:
        result = await row(self, query, *arguments)
        if query.name.startswith("profiles.first"):
            read.set()
            await go_on.wait()
        return result

    monkeypatch.setattr(Database, "row", slow)
    early = asyncio.create_task(ids(ada))
    await read.wait()
    ben = await api.sign_up("Ben Silva")
    go_on.set()
    assert await early == {ada.id}
    assert await ids(ada) == {ada.id, ben.id}


async def test_a_school_that_changed_is_counted_alone(api: Api, query_counts: Counter[str]) -> None:
    ada = await api.sign_up("Ada Okafor")
    for expected in (1, 2, 3):
        for _ in range(2):
            sizes = (await ada.get("/schools?counts=true")).json()["items"]
            assert sizes == [{"name": HERE, "members": expected}]
        await api.sign_up("Somebody Else")
    assert (query_counts["schools.all"], query_counts["schools.some"]) == (1, 2)
    await api.get("/schools")
    assert query_counts["schools.some"] == 2, "a size that is not shown is not counted"
    await api.sign_up("Eve Adams", ELSEWHERE)
    names = [item["name"] for item in (await api.get("/schools")).json()["items"]]
    assert names == [HERE, ELSEWHERE]


async def test_a_school_that_changed_is_counted_while_all_are(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks while its older size is being read, and all are counted beside, is shown the new."""
    ada = await api.sign_up("Ada Okafor")

    async def size() -> int:
        members: int = (await ada.get("/schools?counts=true")).json()["items"][0]["members"]
        return members

    assert await size() == 1
    rows, names = Database.rows, ("schools.some", "schools.all")
    read, go_on = ({name: asyncio.Event() for name in names} for _ in range(2))

    async def slow(self: Database, query: Query, *arguments: Any) -> Any:
        result = await rows(self, query, *arguments)
        if query.name in read and not read[query.name].is_set():
            read[query.name].set()
            await go_on[query.name].wait()
        return result

    monkeypatch.setattr(Database, "rows", slow)
    known = api.services.schools
    monkeypatch.setattr(known, "_age", lambda: known._bound * 3 / 4)
    known._counting = asyncio.current_task()  # nobody counts all yet
    await api.sign_up("Ben Silva")
    early = asyncio.create_task(size())
    await read["schools.some"].wait()
    known._counting = None
    await api.sign_up("Cy Young")
    late = asyncio.create_task(size())
    await read["schools.all"].wait()
    go_on["schools.some"].set()
    assert await early == 2
    assert await late == 3
    go_on["schools.all"].set()
    assert await size() == 3


async def test_sizes_are_those_of_the_moment_however_they_are_asked_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign-ups and questions at random, while everything is counted anew again and again."""
    rows = Database.rows

    async def slow(self: Database, query: Query, *arguments: Any) -> Any:
        await asyncio.sleep(random.random() / 100)
        result = await rows(self, query, *arguments)
        if query.name.startswith("schools."):
            await asyncio.sleep(random.random() / 50)
        return result

    monkeypatch.setattr(Database, "rows", slow)
    monkeypatch.setattr(api.services.schools, "_bound", 0.1)
    ada = await api.sign_up("Ada Okafor")
    members = 1
    stopped = False

    async def ask() -> None:
        while not stopped:
            least = members
            sizes = (await ada.get("/schools?counts=true")).json()["items"]
            assert least <= sizes[0]["members"] <= members + 1
            await asyncio.sleep(random.random() / 50)

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    for n in range(40):
        await api.sign_up(f"Somebody {n}")
        members += 1
        await asyncio.sleep(random.random() / 50)
    stopped = True
    await asyncio.gather(*asking)


async def test_sizes_that_cannot_be_counted_again_stay_until_the_bound(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def gone(*_: object) -> list[Any]:
        raise ConnectionResetError

    monkeypatch.setattr(api.services.schools, "_bound", LONG)
    now = 2 * LONG
    monkeypatch.setattr(schools, "time", SimpleNamespace(monotonic=lambda: now))
    await api.sign_up("Ada Okafor")
    expected = (await api.get("/schools")).content
    now += LONG * 0.6
    with monkeypatch.context() as broken:
        broken.setattr(Database, "rows", gone)
        assert (await api.get("/schools")).content == expected
        now += LONG * 0.5
        assert (await api.get("/schools")).status_code == 503
    assert (await api.get("/schools")).content == expected
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_metrics_tell_how_often_an_answer_was_there(api: Api) -> None:
    ada = await api.sign_up("Ada Okafor")
    for _ in range(4):
        await ada.get("/profiles?total=true")
        await ada.get("/schools")
    lines = (await api.get("/metrics")).text.splitlines()
    for answers in ("first_pages", "counts", "schools", "old_blocks"):
        for result, times in (("hit", 3), ("miss", 1)):
            name = f'outgrow_cache_requests_total{{answers="{answers}",result="{result}"}}'
            assert f"{name} {times}.0" in lines


async def test_only_so_many_are_kept() -> None:
    cache: Cache[int] = Cache(LONG, 2)
    made: list[int] = []

    def maker(n: int) -> Callable[[], Awaitable[int]]:
        async def make() -> int:
            made.append(n)
            return n

        return make

    for n in (1, 2, 1, 3, 3, 2, 1):
        assert await cache.get("school", n, maker(n)) == n
    assert made == [1, 2, 3, 1]
