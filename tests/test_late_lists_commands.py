"""Late lists for operators: how they begin and end, what says how late they are, who folds."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from api import Api
from conftest import Connect
from growing import CAMPUS, STORE, until
from laddering import Stopped, Stops, everything
from lateness import (
    LIST,
    climb,
    leave,
    listed,
    members,
    notes,
    put,
    sign_up,
    value,
)
from outgrow import layout, library
from outgrow.blueprint import Blueprint, parse
from outgrow.db.pool import Database
from outgrow.errors import BadInput, GrowthFailed, Refused
from outgrow.growth import control, runner
from outgrow.growth.runner import Options
from outgrow.growth.verification import verify
from outgrow.schema import late_lists, uninstall
from outgrow.schema.install import install, is_installed
from outgrow.schema.late_lists import fold
from outgrow.settings import DEFAULT_STORE
from outgrow.store import Store
from test_cli_kv import outgrow
from test_serve import served

TEXT = (Path(layout.__file__).parent.parent / "campus/blueprint.toml").read_text("utf-8")


@pytest.fixture
async def raw(connect: Connect, database_url: str) -> Any:
    return await connect(database_url)


@pytest.fixture
async def late(database: Database, raw: Any) -> Database:
    await climb(database, "optimized", 5)
    return database


def with_late(**lists: int) -> Blueprint:
    """The campus's blueprint, in which these lists say that they are late."""
    before, derived = TEXT.split("[derived]")
    for name, seconds in lists.items():
        derived = re.sub(rf"(?m)^({name} +=.*) }}", rf"\1, late = {seconds} }}", derived)
    return parse(f"{before}[derived]{derived}")


async def state(raw: Any) -> dict[str, int]:
    rows = await raw.fetch("SELECT list, seconds FROM outgrow.late_lists")
    return {row[0]: row[1] for row in rows}


ALL_LATE = dict.fromkeys(CAMPUS.derived, 5)


# -- on and off


async def test_off_again_all_is_as_it_was(database: Database, raw: Any) -> None:
    await climb(database, "optimized")
    before = await everything(raw)
    await climb(database, "optimized", 5)
    assert await state(raw) == ALL_LATE
    assert await everything(raw) != before
    await sign_up(raw, "1")
    done = await climb(database, "optimized", 0)
    assert [step.kind for step, _ in done.steps] == ["late_lists"]
    assert await everything(raw) == before
    assert (await state(raw), await notes(raw), await value(raw, LIST)) == ({}, [], ["1"])
    await sign_up(raw, "2")
    assert await value(raw, LIST) == ["1", "2"]
    assert (await climb(database, "optimized")).steps == ()


async def test_initial_is_the_store_as_it_came(late: Database, raw: Any) -> None:
    await sign_up(raw, "1")
    await climb(late, "initial")
    assert (await state(raw), await notes(raw), await value(raw, LIST)) == ({}, [], ["1"])
    await climb(late, "optimized")
    assert await state(raw) == {}


async def test_what_was_asked_for_holds_for_later_growths(database: Database, raw: Any) -> None:
    done = await climb(database, "relational", 5)
    assert done.steps[-1][0].kind == "late_lists"
    await sign_up(raw, "1")
    assert await raw.fetch("SELECT user_id FROM campus.school_members WHERE school = 'A'") != []
    down = await climb(database, "hybrid")
    assert down.steps[0][0].kind == "fold_lists"
    assert await value(raw, LIST) == ["1"]
    assert await state(raw) == ALL_LATE
    await climb(database, "hybrid", 9)
    assert set((await state(raw)).values()) == {9}
    assert (await verify(database, DEFAULT_STORE, CAMPUS, lambda _: None)).same


async def test_a_growth_that_was_stopped_makes_lists_late_when_it_goes_on(
    database: Database, raw: Any
) -> None:
    options = Options(late=5)
    stops = Stops(lambda step: step.kind == "switch")
    with pytest.raises(Stopped):
        await runner.grow(database, "hybrid", DEFAULT_STORE, CAMPUS, stops, options)
    growth = await control.wake(database, DEFAULT_STORE, CAMPUS)
    assert growth is not None
    assert await state(raw) == {}
    await control.resume(database, growth, DEFAULT_STORE, CAMPUS, Stops(lambda _: False))
    assert await state(raw) == ALL_LATE


async def test_what_is_rolled_back_is_not_asked_for(database: Database, raw: Any) -> None:
    await climb(database, "optimized")
    stops = Stops(lambda step: step.kind == "backfill")
    with pytest.raises(Stopped):
        await runner.grow(database, "hybrid", DEFAULT_STORE, CAMPUS, stops, Options(late=5))
    await control.rollback(database, DEFAULT_STORE, CAMPUS, Stops(lambda _: False))
    assert await state(raw) == {}


async def test_lists_stay_late_when_the_relations_are_made_again(late: Database, raw: Any) -> None:
    assert await is_installed_now(late)
    await raw.execute("UPDATE outgrow.layouts SET version = 'older'")
    await install(late)
    assert await is_installed_now(late)
    await sign_up(raw, "1")
    assert await notes(raw) != []
    await fold(late)
    assert await value(raw, LIST) == ["1"]


async def is_installed_now(database: Database) -> bool:
    async with database.session() as session:
        return await is_installed(session, DEFAULT_STORE, CAMPUS)


async def test_the_blueprint_may_say_it_of_one_list(database: Database, raw: Any) -> None:
    blueprint = with_late(school_users=3)
    assert layout.version(blueprint, "public", "s") == layout.version(CAMPUS, "public", "s")
    await climb(database, "optimized", blueprint=blueprint)
    assert await state(raw) == {"school_users": 3}
    await sign_up(raw, "1")
    assert await value(raw, "schools:all") == ["A"]
    assert await notes(raw) == [(LIST, "1", True)]
    await fold(database)
    assert await value(raw, LIST) == ["1"]
    await leave(raw, "1")
    await climb(database, "optimized", 0, blueprint)
    assert (await state(raw), await value(raw, LIST)) == ({}, [])


def test_a_blueprint_that_says_nonsense_is_refused() -> None:
    for seconds in (-1, 86_401):
        with pytest.raises(BadInput, match=r"derived\.school_users\.late"):
            with_late(school_users=seconds)


# -- lists that cannot be written


async def test_a_list_that_cannot_be_written_keeps_its_notes(late: Database, raw: Any) -> None:
    """And holds up no other."""
    await put(raw, LIST, [])
    await raw.execute(
        f"""CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN IF NEW.key = '{LIST}' THEN RAISE 'not this one'; END IF; RETURN NEW; END$$;
        CREATE TRIGGER refuse BEFORE UPDATE ON {STORE} FOR EACH ROW EXECUTE FUNCTION refuse()"""
    )
    await sign_up(raw, "1")
    await sign_up(raw, "2", "B")
    folded = await fold(late)
    assert folded.failed == {LIST: "not this one"}
    assert await value(raw, "school:B:users") == ["2"]
    assert await notes(raw) == [(LIST, "1", True)]
    with pytest.raises(GrowthFailed) as caught:
        await climb(late, "optimized", 0)
    assert caught.value.code == "not_folded"
    assert await state(raw) == ALL_LATE
    await raw.execute(f"DROP TRIGGER refuse ON {STORE}")
    await climb(late, "optimized", 0)
    assert (await value(raw, LIST), await notes(raw)) == (["1"], [])


async def test_a_list_that_an_old_client_holds_is_tried_again(
    late: Database, raw: Any, connect: Connect, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outgrow.db.pool.ATTEMPTS", 1)
    await put(raw, LIST, [])
    other = await connect(database_url)
    async with other.transaction():
        await other.execute(f"SELECT FROM {STORE} WHERE key = $1 FOR UPDATE", LIST)
        await sign_up(raw, "1")
        await sign_up(raw, "2", "B")
        assert (await fold(late)).failed.keys() == {LIST}
        assert await value(raw, "school:B:users") == ["2"]
    assert (await fold(late)).failed == {}
    assert await value(raw, LIST) == ["1"]


# -- commands


async def test_the_command_folds(late: Database, raw: Any, database_url: str) -> None:
    await sign_up(raw, "1")
    done = await asyncio.to_thread(outgrow, "fold", "--json", DATABASE_URL=database_url)
    assert (done.returncode, json.loads(done.stdout)) == (
        0,
        {"notes": 2, "lists": 2, "failed": {}},
    )
    assert await value(raw, LIST) == ["1"]
    done = await asyncio.to_thread(outgrow, "fold", DATABASE_URL=database_url)
    assert done.stdout == "0 notes folded into 0 lists\n"


async def test_a_program_folds(late: Database, raw: Any) -> None:
    await sign_up(raw, "new")
    folded = await library.fold(Store(late))
    assert (folded.notes > 0, folded.failed) == (True, {})
    assert await value(raw, LIST) == ["new"]


async def test_status_and_metrics_say_how_late_they_are(
    late: Database, raw: Any, database_url: str
) -> None:
    await sign_up(raw, "1")
    await asyncio.sleep(0.1)
    found = (await control.status(late, DEFAULT_STORE, CAMPUS)).as_dict()["late_lists"]
    assert (found["lists"], found["notes"]) == (ALL_LATE, 2)
    assert 0.1 <= found["lag_seconds"] < 60
    done = await asyncio.to_thread(outgrow, "status", DATABASE_URL=database_url)
    assert re.search(r"\nlate     intros_incoming, .*, user_chats: within 5 s\n", done.stdout)
    assert re.search(r"\n         2 changes wait, the first for \d+\.\d s\n", done.stdout)
    api = await Api.open(late)
    text = (await api.get("/metrics")).text
    assert "\noutgrow_late_notes 2.0\n" in text
    assert float(re.findall(r"\noutgrow_late_lists_seconds (.*)\n", text)[0]) >= 0.1
    await api.client.aclose()


async def test_who_reads_all_folds_first(late: Database, raw: Any, database_url: str) -> None:
    await sign_up(raw, "1")
    done = await asyncio.to_thread(outgrow, "kv", "export", "school", DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"key": LIST, "value": ["1"]} in lines
    await sign_up(raw, "2")
    await verify(late, DEFAULT_STORE, CAMPUS, lambda _: None)
    assert await value(raw, LIST) == ["1", "2"]


async def test_who_may_only_read_exports_what_there_is(
    late: Database, raw: Any, database_url: str
) -> None:
    await sign_up(raw, "1")
    name = await raw.fetchval("SELECT current_database()")
    await raw.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    done = await asyncio.to_thread(outgrow, "kv", "export", DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    assert "derived lists are not up to date" in done.stderr


async def test_nothing_is_uninstalled_while_lists_are_late(late: Database, raw: Any) -> None:
    await raw.execute("UPDATE outgrow.layouts SET phase = 'initial'")
    with pytest.raises(Refused) as caught:
        await uninstall.uninstall(late, DEFAULT_STORE, delete_only_copies=False)
    assert caught.value.code == "not_grown_back"
    assert "lists of campus are late" in (caught.value.detail or "")
    await climb(late, "initial")
    # Notes without late lists: of a transaction that was restored from a backup, say.
    await sign_up(raw, "1")
    await put(raw, LIST, [])
    await raw.execute(
        "INSERT INTO outgrow.late_notes (name, key, element, source, added)"
        " VALUES ('campus', $1, '1', 'user:1', true)",
        LIST,
    )
    await uninstall.uninstall(late, DEFAULT_STORE, delete_only_copies=True)
    assert await value(raw, LIST) == ["1"]


async def test_the_job_begins_when_lists_become_late(
    database: Database, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ends what is left when they are late no more."""
    await climb(database, "optimized")
    job = asyncio.create_task(late_lists.keep_folding(database))
    try:
        await climb(database, "optimized", 1)
        await sign_up(raw, "1")

        async def is_folded() -> bool:
            return bool(await value(raw, LIST) == ["1"])

        await until(is_folded, "the list is up to date")
    finally:
        job.cancel()
        await asyncio.wait([job])


async def test_the_option_does_not_go_with_initial(database_url: str) -> None:
    done = await asyncio.to_thread(
        outgrow, "grow", "--to", "initial", "--late-lists", "5", DATABASE_URL=database_url
    )
    assert done.returncode == 2
    assert "--late-lists does not go with --to initial" in done.stderr


async def test_the_command_makes_lists_late(
    database: Database, database_url: str, raw: Any
) -> None:
    command = ("grow", "--to", "optimized", "--late-lists", "5")
    for more in (["--plan", "--no-misfits"], []):
        done = await asyncio.to_thread(outgrow, *command, *more, DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr
        assert "let writers note what changes in intros_incoming" in done.stdout + done.stderr
    assert await state(raw) == ALL_LATE
    assert await listed(raw) == await members(raw) == set()


async def test_the_server_folds(
    late: Database, raw: Any, database_url: str, tmp_path: Path
) -> None:
    """Two of them, killed at some moment, and the notes that they leave are folded by the next."""
    with (
        served(tmp_path / "1", DATABASE_URL=database_url) as first,
        served(tmp_path / "2", DATABASE_URL=database_url) as second,
    ):
        await sign_up(raw, "1")
        await until(lambda: _is_folded(raw), "one of them folds")
        await sign_up(raw, "2")
        second.process.kill()
        first.process.kill()
    assert await value(raw, LIST) == ["1"]
    with served(tmp_path / "1", DATABASE_URL=database_url):
        await until(lambda: _is_folded(raw), "the next one folds")
    assert await value(raw, LIST) == ["1", "2"]


async def _is_folded(raw: Any) -> bool:
    return await notes(raw) == []


async def test_a_store_that_was_dropped_takes_its_notes_along(database: Database, raw: Any) -> None:
    await climb(database, "relational", 5)
    await sign_up(raw, "1")
    await raw.execute(f"DROP TABLE {STORE} CASCADE")
    folded = await fold(database)
    assert folded.failed.keys() == {LIST, "schools:all"}
    await uninstall.drop_orphans(database, CAMPUS)
    assert (await notes(raw), await state(raw)) == ([], {})


async def test_before_relations_change_their_notes_are_folded(late: Database, raw: Any) -> None:
    """The next blueprint may not derive these lists any more."""
    await sign_up(raw, "1")
    before, _, after = TEXT.partition("school_users    = { from")
    other = parse(before + after[after.index("\n") :])
    await climb(late, "optimized", blueprint=other)
    assert await value(raw, LIST) == ["1"]
    assert "school_users" not in await state(raw)
