"""`outgrow advise`: what to do about the store now, what soon, and what not yet."""

from __future__ import annotations

import asyncio
import dataclasses
import textwrap

import click

from outgrow import library
from outgrow.advice import Advice, Advised, Reading, Signal
from outgrow.cli.main import App, json_option
from outgrow.connection import connected
from outgrow.events import note
from outgrow.store import Store

WIDTH = 96
REPEAT_SECONDS = 5.0  # seconds between two answers of --watch

LABELS = {
    "scale": "users",
    "users": "users, to plan",
    "school": "largest school",
    "connections": "most connections",
    "response": "response time",
    "database": "database",
}


@click.command()
@click.option("--watch", is_flag=True, help="Read and show it again every five seconds.")
@json_option
@click.pass_obj
def advise(app: App, watch: bool) -> None:
    """Say what to do about the store now, what soon, and what not yet.

    Reads how much data there is and how fast `outgrow serve` answers, and compares both with the
    thresholds (OUTGROW_THRESHOLDS) and with earlier readings. Readings are kept once Outgrow is
    installed in the database. The exit code is 0, also where there is nothing to do.
    """
    app.run(_advise(app, watch))


async def _advise(app: App, watch: bool) -> None:
    async with connected(app.settings, pool_size=2) as database:
        while True:
            advised = await library.advise(
                Store(database, app.settings.store),
                app.blueprint,
                thresholds=app.settings.thresholds,
                note=lambda text: note(f"note: {text}"),
            )
            if watch and not app.json:
                click.clear()
            data = advised.as_dict() | {"thresholds": dataclasses.asdict(app.settings.thresholds)}
            app.answer(data, "\n".join(_report_lines(advised)))
            if not watch:
                return
            await asyncio.sleep(REPEAT_SECONDS)


# What people read -------------------------------------------------------------------------------


def _report_lines(advised: Advised) -> list[str]:
    reading = advised.reading
    lines = [
        f"store    {advised.situation.store}, phase {advised.situation.phase}, "
        f"{reading.keys:,} keys, {_size(reading.store_bytes)}"
        + (" (from a sample)" if reading.sampled else ""),
        f"reading  {reading.taken_at:%Y-%m-%d %H:%M} UTC{_history(advised)}",
    ]
    if not advised.situation.fits:
        users = advised.reading.users_are
        lines.append(f"         the blueprint knows few of its keys; {users} count as users")
    lines += _block("now", advised, "now")
    if advised.situation.growth == "running":
        lines.append("         a growth runs: `outgrow status --watch` shows it")
    lines += _block("soon", advised, "soon")
    lines += ["not yet"] + [f"  {step.what}: {step.why}" for step in advised.not_yet]
    if advised.fine:
        lines += ["fine", *_fine(advised)]
    lines += ["unknown", *(f"  {text}" for text in advised.unknown)] if advised.unknown else []
    lines.append(f"next     {advised.command or 'nothing to do'}")
    return lines


def _history(advised: Advised) -> str:
    if advised.since is None:
        return "; the first, so nothing is known of growth"
    return f"; {advised.readings} since {advised.since:%Y-%m-%d}"


def _block(title: str, advised: Advised, when: str) -> list[str]:
    chosen = [advice for advice in advised.advice if advice.when == when]
    if not chosen:
        return [title, "  nothing"] if title == "now" else []
    lines = [title]
    for advice in chosen:
        lines += _advice_lines(advice, advised.reading)
    return lines


def _advice_lines(advice: Advice, reading: Reading) -> list[str]:
    signal = advice.signal
    if signal is None:
        lines = _wrapped(advice.reason, "  ")
    else:
        lines = [f"  {_signal(signal, reading)}", *_wrapped(advice.reason, "      ")]
    return [*lines, f"      {advice.command}"] if advice.command else lines


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _fine(advised: Advised) -> list[str]:
    """Return a line for each; of the scale's bands only for the next."""
    lines, seen = [], set()
    for signal in advised.fine:
        if signal.kind == "scale" and (signal.crossed or "scale" in seen):
            continue
        seen.add(signal.kind)
        served = ""
        if signal.crossed:
            served = f"; that asks for {signal.asks}, which it is"
        if signal.crossed and signal.asks_late:
            served = "; that asks for late lists, which it has"
        lines.append(f"  {_signal(signal, advised.reading)}{served}")
    return lines


def _signal(signal: Signal, reading: Reading) -> str:
    figure, threshold = _figure(signal.figure, signal), _figure(signal.threshold, signal)
    about = f" ({signal.about})" if signal.about else ""
    text = f"{LABELS[signal.kind]:<17}{figure:>9}"
    if signal.crossed:
        text += f"  over {threshold}"
        text += f" since {signal.since:%Y-%m-%d}" if signal.since is not None else ""
    else:
        text += f"  of {threshold}{_ahead(signal)}"
    return text + about


def _ahead(signal: Signal) -> str:
    if signal.per_day is None:
        return ""
    per_day = _figure(abs(signal.per_day), signal)
    text = f", {'+' if signal.per_day >= 0 else '-'}{per_day} a day"
    if signal.days is not None:
        text += f": in {signal.days:,.0f} days"
    return text


def _figure(value: float, signal: Signal) -> str:
    if signal.unit == "bytes":
        return _size(value)
    return f"{value:,.0f} ms" if signal.unit == "ms" else f"{value:,.0f}"


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
