"""The log: what happened, a line for each event, as text or as JSON, on stderr.

Nothing personal is logged. An event has the fields of FIELDS and no other; what comes from a
request is an id, or is left out. An exception is its class and where it was raised, never its
message: PostgreSQL's names the value that did not fit, a mail server's the mailbox.
docs/security.md has the table of events.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType
from typing import Any, Literal, TextIO

from outgrow.errors import OutgrowError
from outgrow.terminal import one_line, printable

Form = Literal["text", "json"]
FIELDS = (
    *("request_id", "method", "route", "status", "client", "account", "session"),
    *("code", "purpose", "by", "count", "subject"),
    *("at", "command", "role", "host", "settings", "error"),
)
"""In this order. `client` is a keyed hash of an address, `account` the id of a profile, `session`
the beginning of a session's id."""
LONGEST = 200  # characters of a field
LONGEST_MESSAGE = 1000
MOST_A_MINUTE = 100  # lines of one event for one client
MOST_COUNTED = 10_000
SESSION_DIGITS = 12

_log = logging.getLogger("outgrow.events")
_PLAIN_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_BARE = re.compile(r"[A-Za-z0-9_.:/#{}=-]+")


@dataclass(slots=True)
class Request:
    """The request that events belong to. `client` is called only when there is an event."""

    id: str
    method: str
    route: str
    client: Callable[[], str]
    account: str | None = None
    session: str | None = None

    def fields(self) -> dict[str, Any]:
        return {
            "request_id": self.id,
            "method": self.method,
            "route": self.route,
            "client": self.client(),
            "account": self.account,
            "session": self.session,
        }


_request: ContextVar[Request | None] = ContextVar("request", default=None)


@contextmanager
def of_request(request: Request) -> Iterator[Request]:
    """Let the events of this task, and of tasks that it starts, name their request."""
    before = _request.set(request)
    try:
        yield request
    finally:
        _request.reset(before)


def about(account: str | None, session: str | None = None) -> None:
    """Name in the events of this request the account that asks, or that it concerns."""
    if (request := _request.get()) is not None:
        request.account, request.session = account, session


def event(name: str, level: int = logging.INFO, **fields: Any) -> None:
    """Log an event. Fields given here override those of the request; a field that is None is left
    out."""
    if not _log.isEnabledFor(level):
        return
    unknown = fields.keys() - set(FIELDS)
    assert not unknown, f"an event has no {unknown}"
    request = _request.get()
    values = {**(request.fields() if request else {}), **fields}
    if request is not None and not _flood.lets(name, values["client"], time.monotonic()):
        return
    kept = {field: _safe(field, values[field]) for field in FIELDS if values.get(field) is not None}
    _log.log(level, "%s", name, extra={"event": name, "fields": kept})


class _Flood:
    """A limit of MOST_A_MINUTE lines a minute for each event and client, so that no client fills a
    disk with what it is refused. A minute later a line tells how many more there were."""

    def __init__(self) -> None:
        self._began = 0.0
        self._counts: dict[tuple[str, str], int] = {}

    def lets(self, name: str, client: str, now: float) -> bool:
        if now - self._began >= 60:
            counts, self._counts, self._began = self._counts, {}, now
            for (of, whose), count in counts.items():
                if count > MOST_A_MINUTE:
                    values = {"client": whose, "code": of, "count": count - MOST_A_MINUTE}
                    _log.warning("%s", "left_out", extra={"event": "left_out", "fields": values})
        key = name, client
        if key not in self._counts and len(self._counts) >= MOST_COUNTED:
            return True
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._counts[key] <= MOST_A_MINUTE


_flood = _Flood()


def failed(error: BaseException, **fields: Any) -> None:
    """Log an unexpected error, with where it was raised."""
    request = _request.get()
    values = {**(request.fields() if request else {}), **fields, "error": describe(error)}
    kept = {field: _safe(field, values[field]) for field in FIELDS if values.get(field) is not None}
    extra = {"event": "unexpected_error", "fields": kept}
    _log.error("%s", "unexpected_error", extra=extra, exc_info=error)


def describe(error: BaseException) -> str:
    """Describe an exception without anything that a client sent: its class, and what is known to be
    ours."""
    name = type(error).__name__
    known: list[str] = []
    if isinstance(error, OutgrowError):
        name = error.code
    elif isinstance(error, OSError) and error.strerror is None:
        pass
    elif isinstance(error, OSError) and error.errno is not None:
        known.append(f"errno {error.errno}")
    if state := getattr(error, "sqlstate", None):
        known.append(str(state))
    for attribute in ("table_name", "constraint_name", "smtp_code"):
        if value := getattr(error, attribute, None):
            known.append(str(value))
    if isinstance(error, BaseExceptionGroup):
        known += [describe(member) for member in error.exceptions[:5]]
    cause = error.__cause__
    text = one_line(f"{name} ({', '.join(known)})" if known else name)
    return f"{text} from {describe(cause)}" if cause is not None and cause is not error else text


def _safe(field: str, value: Any) -> Any:
    if isinstance(value, int | dict):
        return value
    text = str(value)
    if field in ("account", "subject") and not _PLAIN_ID.fullmatch(text):
        # An id of the prototype's can be anything, such as an e-mail.
        return "#" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if field == "session":
        return text[:SESSION_DIGITS]
    return text[:LONGEST]


class Lines(logging.Formatter):
    """A formatter with one line for each record. As text, those of a traceback follow, indented."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        name = getattr(record, "event", None)
        values: dict[str, Any] = {
            "time": _utc(record.created),
            "level": record.levelname.lower(),
            "event": name or record.name,
        }
        if name is None:
            values["message"] = _message(record)
        values |= getattr(record, "fields", {})
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None:
            values.setdefault("error", describe(error))
            values["traceback"] = _frames(error.__traceback__)
        return _as_json(values) if self._form == "json" else _as_text(values)


def _utc(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


def _message(record: logging.LogRecord) -> str:
    """Format a record of our own modules with its arguments, exceptions described; of other
    libraries' the first line: further ones show the insides of tasks."""
    if not record.name.startswith("outgrow."):
        return record.getMessage().strip().partition("\n")[0][:LONGEST]
    args = record.args
    if isinstance(args, tuple):
        args = tuple(describe(a) if isinstance(a, BaseException) else a for a in args)
    text = str(record.msg) % args if args else str(record.msg)
    return text[:LONGEST_MESSAGE]


def _frames(trace: TracebackType | None) -> list[str]:
    """List where each call was: the file, its line, its function. Lines of source hold no
    values."""
    entries = traceback.extract_tb(trace)[-30:]
    return [f"{f.filename}:{f.lineno} in {f.name}: {(f.line or '')[:LONGEST]}" for f in entries]


def _as_json(values: dict[str, Any]) -> str:
    return json.dumps(values)  # ASCII: what would control a terminal is escaped


def _as_text(values: dict[str, Any]) -> str:
    frames = values.pop("traceback", ())
    head = [values.pop("time"), values.pop("level"), values.pop("event")]
    message = values.pop("message", None)
    if message is not None:
        head[-1] += ":"
        head.append(one_line(message))
    line = " ".join([*head, *(f"{name}={_word(value)}" for name, value in values.items())])
    return "\n".join([line, *(f"  {one_line(frame)}" for frame in frames)])


def _word(value: Any) -> str:
    text = " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text)


_form: Form | None = None


def configure(form: Form, stream: TextIO | None = None) -> None:
    """Send the log of this process there, stderr unless given, and nowhere else."""
    global _form
    _form = form
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines(form))
    root = logging.getLogger()
    for other in root.handlers[:]:
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in ("outgrow.events", "outgrow.note"):
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # would show what a line that cannot be formatted was made of
    sys.excepthook = _crashed


def note(text: str) -> None:
    """Tell the person at the terminal, or the program that reads the log."""
    if _form == "json":
        logging.getLogger("outgrow.note").info("%s", text)
    else:
        print(printable(text), file=sys.stderr, flush=True)


def _crashed(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    failed(error)
