"""The environment, read once into one frozen object."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from outgrow.errors import BadInput

DEFAULT_STORE = "kv_store_2516be19"
_PG_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE")
_STORE_NAME = re.compile(r"[^\x00]{1,63}\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The readings from which `outgrow advise` gives advice: the 95th percentile of answers in
    milliseconds, bytes of the database, users, users of one school (elements of one index list),
    connections of one person (elements of one list). `bands` are the ends of no change, of minor
    and of needed optimizations, in users. What will be over its threshold within `soon` days is
    reported too."""

    response: int = 500
    database: int = 10_000_000_000
    users: int = 5_000
    school: int = 5_000
    connections: int = 100
    bands: tuple[int, int, int] = (1_000, 10_000, 50_000)
    soon: int = 90


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that the environment gives.

    `database_url` is None when the embedded server is to be used, and "" when libpq's own `PG*`
    variables say where the database is. `direct_url` leads around a pooler in transaction mode.
    `store` is the table's bare name, or `schema.name`. `blueprint` is the file that says what the
    store's keys are, None for a campus. `slow_query_ms` is the time in milliseconds from which a
    query is logged and counted as slow. `metrics_token`, when set, is what /metrics asks for.
    `limits` are the rate limits that differ from their defaults, as (most, seconds) by name; None
    switches all of them off. `proxies` is how many proxies in front of `serve` are trusted to say
    whom they speak for; `https` says that all clients use it. `connections` is how many callers
    may be connected to one process. `smtp_url` and `mail_from` say how mail is sent; without the
    former it is printed. `keep_messages` is after how many days a message goes, None for never.
    `cache_seconds` is how old an answer from the network's cache may be, 0 for none. A session ends
    after `session_idle_days` of not being used, and after `session_days` in any case. `thresholds`
    are those of advice. `log` is the form of the log's lines.
    """

    home: Path
    database_url: str | None = None
    direct_url: str | None = None
    store: str = DEFAULT_STORE
    blueprint: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    slow_query_ms: int = 500
    pool_size: int = 10
    metrics_token: str | None = None
    limits: Mapping[str, tuple[int, int]] | None = field(default_factory=dict)
    proxies: int = 0
    https: bool = False
    connections: int = 4000
    smtp_url: str | None = None
    mail_from: str = ""
    keep_messages: int | None = None
    cache_seconds: int = 20
    session_idle_days: int = 30
    session_days: int = 90
    thresholds: Thresholds = Thresholds()
    log: Literal["text", "json"] = "text"

    @property
    def embedded(self) -> bool:
        return self.database_url is None

    @property
    def store_schema(self) -> str:
        return self.store.rpartition(".")[0] or "public"

    @property
    def store_table(self) -> str:
        return self.store.rpartition(".")[2]

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read PORT, HOST, DATABASE_URL, PG* and the OUTGROW_ variables HOME, STORE, BLUEPRINT,
        DIRECT_URL, SLOW_MS, POOL, METRICS_TOKEN, LIMITS, PROXIES, HTTPS, CONNECTIONS, SMTP_URL,
        MAIL_FROM, KEEP_MESSAGES, SESSION_IDLE_DAYS, SESSION_DAYS, THRESHOLDS, LOG.

        Raises BadInput for a value that cannot be used.
        """
        env = os.environ if env is None else env
        url = env.get("DATABASE_URL") or None
        if url is None and any(env.get(name) for name in _PG_VARIABLES):
            url = ""
        direct_url = env.get("OUTGROW_DIRECT_URL") or None
        if direct_url is not None and url is None:
            raise BadInput(
                "bad_setting",
                "OUTGROW_DIRECT_URL is set, and DATABASE_URL is not",
                hint="it leads to the database of DATABASE_URL around a pooler: set both, or none",
            )
        store = env.get("OUTGROW_STORE") or DEFAULT_STORE
        if not all(_STORE_NAME.match(part) for part in store.split(".")) or store.count(".") > 1:
            raise BadInput(
                "bad_store_name",
                f"OUTGROW_STORE is not a table's name: {store!r}",
                hint="use a name such as kv_store_2516be19, or schema.name",
            )
        return cls(
            home=Path(env.get("OUTGROW_HOME") or _default_home(env)).expanduser().absolute(),
            database_url=url,
            direct_url=direct_url,
            store=store,
            blueprint=_file(env.get("OUTGROW_BLUEPRINT")),
            host=env.get("HOST") or "127.0.0.1",
            port=_integer(env, "PORT", 8000, 0, 65535),
            slow_query_ms=_integer(env, "OUTGROW_SLOW_MS", 500, 0, 3_600_000),
            pool_size=_integer(env, "OUTGROW_POOL", 10, 1, 1000),
            metrics_token=env.get("OUTGROW_METRICS_TOKEN") or None,
            limits=_limits(env.get("OUTGROW_LIMITS") or ""),
            proxies=_integer(env, "OUTGROW_PROXIES", 0, 0, 10),
            https=_switch(env, "OUTGROW_HTTPS"),
            connections=_integer(env, "OUTGROW_CONNECTIONS", 4000, 10, 1_000_000),
            smtp_url=env.get("OUTGROW_SMTP_URL") or None,
            mail_from=env.get("OUTGROW_MAIL_FROM") or "",
            cache_seconds=_integer(env, "OUTGROW_CACHE_SECONDS", 20, 0, 3600),
            session_idle_days=_integer(env, "OUTGROW_SESSION_IDLE_DAYS", 30, 1, 3650),
            session_days=_integer(env, "OUTGROW_SESSION_DAYS", 90, 1, 3650),
            keep_messages=_integer(env, "OUTGROW_KEEP_MESSAGES", 0, 0, 36_500) or None,
            thresholds=_thresholds(env.get("OUTGROW_THRESHOLDS") or ""),
            log=_log(env.get("OUTGROW_LOG") or "text"),
        )


def _default_home(env: Mapping[str, str]) -> str:
    data = env.get("XDG_DATA_HOME") or "~/.local/share"
    return f"{data}/outgrow"


def _log(form: str) -> Literal["text", "json"]:
    if form == "text":
        return "text"
    if form == "json":
        return "json"
    raise BadInput(
        "bad_setting",
        f"OUTGROW_LOG is neither text nor json: {form!r}",
        hint="unset it for text, or set it to json",
    )


def _file(name: str | None) -> Path | None:
    return Path(name).expanduser().absolute() if name else None


def _limits(text: str) -> dict[str, tuple[int, int]] | None:
    """Read `off`, or words such as `sign-up=50/3600`: that many in so many seconds. The network
    knows which names there are."""
    if text == "off":
        return None
    limits = {}
    for word in text.split():
        parts = re.fullmatch(r"([a-z-]+)=([1-9][0-9]{0,8})/([1-9][0-9]{0,8})", word)
        if parts is None:
            raise BadInput(
                "bad_setting",
                f"OUTGROW_LIMITS: unknown limit {word!r}",
                hint='set it to "off", or to limits such as "sign-up=50/3600 messages=100/60"',
            )
        limits[parts[1]] = int(parts[2]), int(parts[3])
    return limits


_COUNTED = ("response", "database", "users", "school", "connections", "soon")
_THRESHOLD = re.compile(
    r"(bands)=([1-9][0-9]{0,14})/([1-9][0-9]{0,14})/([1-9][0-9]{0,14})"
    r"|([a-z]+)=([1-9][0-9]{0,8})(|kB|MB|GB|TB)"
)
_UNITS = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def _thresholds(text: str) -> Thresholds:
    """Read words such as `users=8000`, `database=20GB`, `bands=1000/10000/50000`."""
    thresholds: dict[str, Any] = {}
    for word in text.split():
        parts = _THRESHOLD.fullmatch(word)
        if parts is not None and parts[1]:
            bands = int(parts[2]), int(parts[3]), int(parts[4])
            if bands == tuple(sorted(set(bands))):
                thresholds["bands"] = bands
                continue
        elif parts is not None and parts[5] in (_COUNTED if not parts[7] else ("database",)):
            thresholds[parts[5]] = int(parts[6]) * _UNITS[parts[7]]
            continue
        raise BadInput(
            "bad_setting",
            f"OUTGROW_THRESHOLDS: unknown threshold {word!r}",
            hint='set it to thresholds such as "response=300 database=20GB users=8000 school=6000 '
            'connections=200 bands=1000/10000/50000 soon=30"',
        )
    return Thresholds(**thresholds)


def _switch(env: Mapping[str, str], name: str) -> bool:
    text = env.get(name) or "off"
    if text not in ("on", "off"):
        raise BadInput(
            "bad_setting", f"{name} is neither on nor off: {text!r}", hint=f'set {name} to "on"'
        )
    return text == "on"


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise BadInput(
            "bad_setting",
            f"{name} is not a whole number from {low} to {high}: {text!r}",
            hint=f"unset {name}, or set it to such a number (default {default})",
        )
    return int(text)
