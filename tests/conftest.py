"""One real server for the whole run, and for each test a database cloned from a template.

`--pg 15` runs on that version of PostgreSQL, `--pg-bin DIR` on the programs found there, and
`--collation icu` in databases that sort as ICU's en-US does. Where the machine cannot do what was
asked for, the run ends before its first test, with the reason and in success. Of the processes of
`-n 2` each has a server.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from lacking import IN_CI
from outgrow.db.embedded import SUPERUSER, EmbeddedServer, running
from outgrow.db.pool import Database
from outgrow.db.programs import Programs
from outgrow.errors import ServerFailed
from outgrow.growth.state import PHASES, Phase
from outgrow.settings import DEFAULT_STORE

STEP = 1_000_000
"""Between the `pos` of neighbours, where nobody has changed the list in between."""

Connect = Callable[..., Awaitable[Any]]

LOCALES = {
    "default": "",
    "icu": "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'",
    "en_US": "LOCALE_PROVIDER libc LOCALE 'en_US.UTF-8'",
}
PLENTY = 4_000_000_000  # bytes
# A test's data is thrown away: nothing has to survive a crash of the machine.
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_prepared_transactions": "5",
}

_numbers = itertools.count(1)
_healthy = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile("default", deadline=None, max_examples=25, suppress_health_check=_healthy)
settings.register_profile("soak", deadline=None, max_examples=1000, suppress_health_check=_healthy)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("outgrow")
    group.addoption("--pg", type=int, help="major version of PostgreSQL to test on")
    group.addoption("--pg-bin", type=Path, help="directory of its server programs")
    group.addoption("--golden", action="store_true", help="write the golden files anew")
    group.addoption("--collation", choices=list(LOCALES), default="default")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A temporary directory for this run alone. The usual one is shared by all runs of a user, each
    of which takes from others the right to pass through: as root, under a running server."""
    if config.option.basetemp is None:
        directory = tempfile.TemporaryDirectory(
            prefix="outgrow-tests-", dir=_in_memory(config), ignore_cleanup_errors=True
        )
        config.add_cleanup(directory.cleanup)
        config.option.basetemp = Path(directory.name) / "run"


def _in_memory(config: pytest.Config) -> str | None:
    """A directory whose files are kept in memory, where there is enough of it: nearly every test
    makes a database and drops it, which on a disk takes several times as long. Long runs need
    more room."""
    if config.option.markexpr != "not soak":
        return None
    try:
        free = shutil.disk_usage("/dev/shm").free
        memory = re.search(r"MemAvailable: *(\d+) kB", Path("/proc/meminfo").read_text("ascii"))
    except OSError:
        return None
    is_enough = memory is not None and min(free, int(memory[1]) * 1024) > PLENTY
    return "/dev/shm" if is_enough else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What runs in each phase does so on the newest PostgreSQL; elsewhere the two ends will do."""
    if not (config.option.pg or config.option.pg_bin):
        return
    for item in list(items):
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        if parameters.get("phase") in (*PHASES[1:-1], "growing"):
            items.remove(item)
            config.hook.pytest_deselected(items=[item])


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Here, since a process of several cannot end the run."""
    options = session.config.option
    if hasattr(session.config, "workerinput"):
        return
    if options.pg or options.pg_bin:
        try:
            _programs(session.config)
        except ServerFailed as e:
            pytest.exit(f"NOT TESTED: {e.message}", returncode=int(IN_CI))
    if options.collation != "default":
        with tempfile.TemporaryDirectory() as home, _running(session.config, Path(home)) as server:
            server.role = SUPERUSER
            try:
                asyncio.run(_admin(server, _make("store_value", options.collation)))
            except asyncpg.InsufficientPrivilegeError:
                raise
            except asyncpg.PostgresError as e:
                reason = f"no collation {options.collation} in this PostgreSQL: {e}"
                pytest.exit(f"NOT TESTED: {reason}", returncode=int(IN_CI))


def _programs(config: pytest.Config) -> Programs:
    return Programs.find(config.option.pg_bin, config.option.pg)


def _running(config: pytest.Config, home: Path) -> AbstractContextManager[EmbeddedServer]:
    return running(home, bin_dir=_programs(config).directory, options=CARELESS)


def _make(name: str, collation: str) -> str:
    return f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {LOCALES[collation]}"


@pytest.fixture(scope="session")
def server(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedServer]:
    """The server of this run, in a temporary home."""
    with _running(pytestconfig, tmp_path_factory.mktemp("home")) as server:
        server.role = SUPERUSER  # makes databases and roles
        yield server


@pytest.fixture(scope="session")
def store_template(server: EmbeddedServer, pytestconfig: pytest.Config) -> str:
    """The name of a database with an empty store, as the prototype's migration made it."""

    async def make() -> None:
        await _admin(server, _make("store_template", pytestconfig.option.collation))
        connection = await asyncpg.connect(server.url("store_template"))
        await connection.execute(
            f'CREATE TABLE "{DEFAULT_STORE}" (key text NOT NULL PRIMARY KEY, value jsonb NOT NULL)'
        )
        await connection.close()

    asyncio.run(make())
    return "store_template"


@pytest.fixture(scope="session")
def campus_template(server: EmbeddedServer, store_template: str) -> str:
    """The name of a database with an empty store on which the campus has been installed."""
    from outgrow.schema.install import install

    async def make() -> None:
        await _admin(server, f"CREATE DATABASE campus_template TEMPLATE {store_template}")
        database = await Database.open(server.url("campus_template"), pool_size=1)
        await install(database)
        await database.close()

    asyncio.run(make())
    return "campus_template"


@pytest.fixture(scope="session", params=[*PHASES, "growing"])
def phase(request: pytest.FixtureRequest) -> str:
    """Where the storage of `phased` stands: a phase, or on its way through all of them."""
    return str(request.param)


@pytest.fixture(scope="session")
def phase_template(server: EmbeddedServer, campus_template: str, phase: str) -> str:
    """The name of a database with an empty campus in the phase."""
    if phase in ("initial", "growing"):
        return campus_template

    async def make(goal: Phase) -> str:
        from growing import grow

        name = f"template_{goal}"
        await _admin(server, f"CREATE DATABASE {name} TEMPLATE {campus_template}")
        database = await Database.open(server.url(name))
        await grow(database, goal)
        await database.close()
        return name

    return asyncio.run(make(next(goal for goal in PHASES if goal == phase)))


@pytest.fixture
async def database_url(server: EmbeddedServer, store_template: str) -> AsyncIterator[str]:
    """The URL of a fresh database with an empty store."""
    name = await _clone(server, store_template)
    yield server.url(name)
    await _admin(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def campus_url(server: EmbeddedServer, campus_template: str) -> AsyncIterator[str]:
    """The URL of a fresh database with an empty, installed campus."""
    name = await _clone(server, campus_template)
    yield server.url(name)
    await _admin(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(database_url)
    yield database
    await database.close()


@pytest.fixture
async def campus(campus_url: str) -> AsyncIterator[Database]:
    database = await Database.open(campus_url)
    yield database
    await database.close()


@pytest.fixture
async def phased(
    server: EmbeddedServer, phase_template: str, phase: str
) -> AsyncIterator[Database]:
    """An empty campus in each phase in turn, and once while it grows up and down all the time."""
    name = await _clone(server, phase_template)
    database = await Database.open(server.url(name))
    growing = asyncio.create_task(up_and_down(server.url(name))) if phase == "growing" else None
    try:
        yield database
        if growing is not None:
            assert not growing.done(), growing.exception()
    finally:
        if growing is not None:
            growing.cancel()
            await asyncio.wait([growing])
        await database.close()
        await _admin(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def phased_api(phased: Database) -> AsyncIterator[Any]:
    """The network's application on `phased`, and a client for it."""
    from api import Api

    api = await Api.open(phased)
    yield api
    await api.close()


@pytest.fixture
async def api(campus: Database) -> AsyncIterator[Any]:
    """The network's application on a fresh campus, and a client for it."""
    from api import Api

    api = await Api.open(campus)
    yield api
    await api.close()


@pytest.fixture
async def somebody(api: Any) -> AsyncIterator[Any]:
    """`await somebody("Ada")`: one more browser at the pages of `api`, signed up; without a name,
    not signed in."""
    from pages import browsers

    async with browsers(api) as somebody:
        yield somebody


@pytest.fixture
async def phased_somebody(phased_api: Any) -> AsyncIterator[Any]:
    """The same on `phased_api`."""
    from pages import browsers

    async with browsers(phased_api) as somebody:
        yield somebody


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """`await connect(url)`: one more connection, as an old client has it; closed at the end."""
    opened: list[Any] = []

    async def connect(url: str, **options: Any) -> Any:
        opened.append(await asyncpg.connect(url, **options))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.terminate()


async def up_and_down(url: str) -> None:
    from growing import grow

    database = await Database.open(url)
    try:
        while True:
            for goal in (*PHASES[1:], *PHASES[-2::-1]):
                await grow(database, goal)
    finally:
        await database.close()


async def _clone(server: EmbeddedServer, template: str) -> str:
    name = f"test_{next(_numbers)}"
    await _admin(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return name


async def _admin(server: EmbeddedServer, sql: str) -> None:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
