"""SIGINT and SIGTERM: a command ends within a second with 130 or 143, whatever it is doing.

A handler that raises interrupts asyncio anywhere, in a protocol's callback too: connections would
wait for answers that never come, and the process may crash. So the handler cancels the main task,
which stops its statement and closes its connections. A timer ends the process GRACE_SECONDS later,
for tasks, threads and servers that take longer. A second signal ends it immediately, and so does
the first where no event loop runs. Nothing is lost with the process: PostgreSQL rolls back, and
growths go on from what they recorded.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

GRACE_SECONDS = 0.6
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = "\x1b[?25h"  # which a progress bar hides


class _State:
    """The state of the process's signals."""

    received: int | None = None
    is_looping = False
    is_blocking = False
    loop: asyncio.AbstractEventLoop | None = None
    task: asyncio.Task[Any] | None = None
    stop: Callable[[int], None] | None = None
    last_words = ""


_state = _State()


def install() -> None:
    """Handle both signals from now on, in the main thread."""
    signal.signal(signal.SIGALRM, _end_process)
    for number in _SIGNALS:
        signal.signal(number, _handle)


def run(
    work: Coroutine[Any, Any, T],
    *,
    last_words: str = "",
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> T:
    """Run `work` to its end, or to a signal: then the process ends, however `work` handles its
    cancellation. `last_words` are printed where it could not end by itself."""
    _state.is_looping, _state.last_words = True, last_words
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(_main(work))
    finally:
        _state.is_looping, _state.last_words = False, ""
        if _state.received is not None:
            # The interpreter's own end would restore the signals' default handlers first.
            with suppress(OSError, ValueError):
                sys.stdout.flush()
            _end_process(_state.received)


async def _main(work: Coroutine[Any, Any, T]) -> T:
    _state.loop, _state.task = asyncio.get_running_loop(), asyncio.current_task()
    if _state.received is not None:  # before there was a task
        assert _state.task
        _state.task.cancel()
    try:
        return await work
    finally:
        _state.loop = _state.task = None


@contextmanager
def blocking() -> Iterator[None]:
    """Mark a block that blocks the event loop and has to clean up: a signal raises in it, and no
    timer ends it."""
    _state.is_blocking = True
    signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        _state.is_blocking = False
        if _state.received is not None:
            signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)


@contextmanager
def stopping(stop: Callable[[int], None]) -> Iterator[None]:
    """Call `stop(signal)` in the event loop at each signal, and leave the end to it: for
    servers."""
    _state.stop = stop
    try:
        yield
    finally:
        _state.stop = None


def _handle(number: int, _: FrameType | None) -> None:
    if _state.stop is not None and _state.loop is not None:
        _state.loop.call_soon_threadsafe(_state.stop, number)
        return
    if _state.received is not None or not _state.is_looping:
        _end_process(number)
    _state.received = number
    if _state.is_blocking:
        _raise(number)
    signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)
    if _state.loop is not None and _state.task is not None:
        _state.loop.call_soon_threadsafe(_state.task.cancel)


def _raise(number: int) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _end_process(number: int, _: FrameType | None = None) -> None:
    """End the process immediately."""
    number = _state.received or number
    messages = [_state.last_words] if _state.last_words else []
    if number == signal.SIGINT:
        messages.append("interrupted")
    text = "".join(f"{line}\n" for line in messages)
    os.write(2, ((_SHOW_CURSOR if sys.stderr.isatty() else "") + text).encode())
    os._exit(128 + number)
