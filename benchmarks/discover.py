"""Discover and suggestions beside a plain filtered page, each asked by many people in turn."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from benchmarks.measures import Run
from benchmarks.report import Goal

PEOPLE = 60
PLAIN = "a page by major"
_VIEWERS = """
SELECT u.id, u.major FROM campus.users AS u
WHERE u.school = $1 AND u.visible AND u.major IS NOT NULL ORDER BY md5(u.id) LIMIT $2
"""


async def beside_a_page(run: Run, phase: str) -> None:
    """p50 of the first page of each, one request at a time: every person asks all three, so that
    whatever else the machine does meanwhile, it does to all of them."""
    viewers = await run.world.sql(_VIEWERS, run.world.school, PEOPLE)
    tokens = await run.world.tokens([viewer["id"] for viewer in viewers])
    paths = {"discover": "/discover", "suggestions": "/suggestions", PLAIN: ""}
    took: dict[str, list[list[float]]] = {name: [] for name in paths}
    connection = HTTPConnection("127.0.0.1", run.api.port, timeout=300)
    for turn in range(run.rounds + 1):
        for times in took.values():
            times.append([])
        for viewer, token in zip(viewers, tokens, strict=True):
            plain = f"/profiles?{urlencode({'major': viewer['major']})}"
            for name, path in paths.items():
                seconds = _seconds(connection, path or plain, token)
                took[name][turn].append(seconds * 1000)
    connection.close()
    # The first turn was to plan, and to have everything in memory.
    medians = {name: [statistics.median(turn) for turn in took[name][1:]] for name in took}
    gates = {"discover": (Goal("gate", at_most=10), Goal("aim", at_most=5))}
    for name in ("discover", "suggestions"):
        label = f"{name}, phase {phase}: p50"
        goals = gates.get(name, ())
        run.report.add(label, medians[name], "ms", *goals, peer=PLAIN, than=medians[PLAIN])
        p99 = statistics.quantiles(chain(*took[name][1:]), n=100)[98]
        run.report.add(f"{name}, phase {phase}: p99", p99, "ms")


def _seconds(connection: HTTPConnection, path: str, token: str) -> float:
    start = time.perf_counter()
    connection.request("GET", path, headers={"authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - start
    said: Any = json.loads(body)
    if answer.status != 200 or not isinstance(said["items"], Sequence):
        raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
    return seconds
