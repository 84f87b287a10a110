"""The overnight batch as a terminal shows it: how far it is, and what it came to."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipeline.batch.driver import Progress
from pipeline.batch.summary import Summary
from pipeline.language import Language
from pipeline.model import Message, Scalar

LINE_EVERY_S = 60.0
"""How often a log, which is no terminal, gets a line."""
STEPS = {None: "Searching the store", "measure": "Measuring", "judge": "Judging"}
AT_ONCE = 8
"""So many clips that are being worked on are named."""
REASONS = 20


def shown(states: Iterable[Progress], spoken: Language) -> None:
    """Show on stderr how far a batch is until it is at its end."""
    console = Console(stderr=True)
    if not console.is_terminal:
        _logged(states, spoken, console)
        return
    with Live(console=console, transient=True, refresh_per_second=4) as live:
        for state in states:
            live.update(_panel(state, spoken))


def _logged(states: Iterable[Progress], spoken: Language, console: Console) -> None:
    last_s, last = -LINE_EVERY_S, ""
    for state in states:
        step = spoken.text(STEPS[state.step])
        if time.monotonic() - last_s >= LINE_EVERY_S or step != last:
            last_s, last = time.monotonic(), step
            console.print(_line(state, spoken), soft_wrap=True, markup=False, highlight=False)


def _line(state: Progress, spoken: Language) -> str:
    parts = [spoken.text(STEPS[state.step])]
    if state.step is None:
        parts.append(spoken.tell(Message("{count} files", {"count": state.files})))
    else:
        parts += [_counts(state, spoken), _speed(state, spoken)]
    if state.note is not None:
        parts.append(spoken.tell(state.note))
    return " · ".join(part for part in parts if part)


def _panel(state: Progress, spoken: Language) -> RenderableType:
    running = [Text(f"  {name}", style="dim", overflow="ellipsis", no_wrap=True) for name in state.running[:AT_ONCE]]
    return Group(Text(_line(state, spoken)), *running)


def _counts(state: Progress, spoken: Language) -> str:
    values = {"done": state.done, "total": state.total, "failures": state.failures}
    return spoken.tell(Message("{done} of {total} clips, {failures} without a result", values))


def _speed(state: Progress, spoken: Language) -> str:
    hours = max(time.monotonic() - state.began, 1e-3) / 3600
    if not state.finished:
        return ""
    left_s = (state.total - state.done) * hours * 3600 / state.finished
    values: dict[str, Scalar] = {
        "hours": state.footage_s / 3600,
        "speed": state.footage_s / 3600 / hours,
        "left": _clock(left_s),
    }
    return spoken.tell(Message("{hours:.2f} h of footage, {speed:.1f} h per hour, about {left} left", values))


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def summary_page(found: Summary, spoken: Language) -> None:
    """Print what a batch came to."""
    console = Console()
    done = found.states.get("done", 0)
    rows = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rows.add_row(spoken.text("Clips with a result"), str(done))
    for verdict, count in sorted(found.verdicts.items()):
        rows.add_row(f"  {spoken.text(verdict)}", str(count))
    rows.add_row(spoken.text("Hours of footage"), f"{found.footage_hours:.2f}")
    rows.add_row(spoken.text("Clips without a result"), str(sum(failure.count for failure in found.failures)))
    console.print(rows)
    for failure in found.failures[:REASONS]:
        console.print(
            f"  {failure.count} × {spoken.tell(failure.reason)}", soft_wrap=True, markup=False, highlight=False
        )
