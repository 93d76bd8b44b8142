"""What `outgrow serve` writes down of itself."""

from __future__ import annotations

from pathlib import Path

from api import Api
from growing import until
from outgrow import readings
from outgrow.db.pool import Database
from test_readings import past, reading_of
from test_serve import served


async def test_requests_and_statements_are_timed(api: Api) -> None:
    person = await api.sign_up()
    assert (await person.get("/profiles")).status_code == 200
    await readings.store_latencies(api.services.database, api.context.metrics.latencies)
    seen = await reading_of(api.services.database)
    assert seen.routes["GET /profiles"].count == 1
    assert 0 < seen.routes["GET /profiles"].p50 < 20_000
    assert any(name.startswith("profiles.") for name in seen.queries)


async def test_serve_keeps_readings(tmp_path: Path, campus: Database, campus_url: str) -> None:
    with served(tmp_path, DATABASE_URL=campus_url):
        (reading,) = await until(lambda: past(campus), "a reading is kept")
    assert reading.users == 0
