"""The overnight batch as a terminal shows it: how far it is, and what it came to."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.batch import documents
from pipeline.batch.driver import Progress
from pipeline.batch.evidence import Evidence, State
from pipeline.batch.nouns import Step
from pipeline.batch.summary import Batch, Ended, Row, Standing, Summary
from pipeline.batch.verify import KINDS, Extent, Problem
from pipeline.errors import ExitCode
from pipeline.language import Language
from pipeline.model import Message, Scalar

LINE_EVERY_S = 60.0
"""How often a log, which is no terminal, gets a line."""
STEPS = {None: "Searching the store", "measure": "Measuring", "judge": "Judging"}
BAR = 60
"""Width of the bar in columns."""
AT_ONCE = 8
"""So many clips that are being worked on are named."""
REASONS = 20
CONTROLS = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160))}


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
    bar = ProgressBar(total=max(state.total, 1), completed=state.done, width=BAR)
    return Group(*([bar] if state.step else []), Text(_line(state, spoken)), *running)


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


# ---- status ----------------------------------------------------------------------------------------------------------

STANDINGS: dict[Standing, str] = {
    "ended": "It ended at {when}.",
    "running": "It is running.",
    "stopped": "It was stopped or killed before its end; the same command goes on from there.",
    "unknown": "It was started on {host}. From here it cannot be seen whether it still runs.",
}
DOING: dict[tuple[Ended, Step | None], str] = {
    ("running", "measure"): "is being measured",
    ("running", "judge"): "is being judged",
    ("waiting", "measure"): "waits to be measured",
    ("waiting", "judge"): "waits to be judged",
}
FIRST = ("without a result", "fail", "undecided", "not applicable", "pass", "running", "waiting")
"""In which order clips are listed: those that need somebody first."""


def status_page(batch: Batch, standing: Standing, found: Summary, spoken: Language) -> None:
    """Print what ran, runs, failed, and why."""
    console = Console()
    when = "" if batch.ended_at is None else _moment(batch.ended_at)
    about: dict[str, Scalar] = {"number": batch.id, "store": batch.store, "profile": batch.profile, "host": batch.host}
    started = Message(
        "Batch {number}: {store}, judged by {profile}, started at {when} on {host}.",
        {**about, "when": _moment(batch.started_at)},
    )
    _line_out(console, spoken.tell(started))
    _line_out(console, spoken.tell(Message(STANDINGS[standing], {"when": when, "host": batch.host})))
    rows = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rows.add_row(spoken.text("Clips seen"), str(found.files))
    rows.add_row(spoken.text("Clips with a result"), str(found.states.get("done", 0)))
    for verdict, count in sorted(found.verdicts.items()):
        rows.add_row(f"  {spoken.text(verdict)}", str(count))
    rows.add_row(spoken.text("Clips without a result"), str(found.without))
    rows.add_row(spoken.text("Clips being worked on"), str(found.running))
    rows.add_row(spoken.text("Clips that wait"), str(found.waiting))
    rows.add_row(spoken.text("Hours of footage, judged"), f"{found.footage_hours:.2f}")
    rows.add_row(spoken.text("Hours of footage, measured"), f"{found.measured_s / 3600:.2f}")
    console.print(rows)
    for failure in found.failures:
        values: dict[str, Scalar] = {"count": failure.count, "path": documents.shown(failure.path)}
        values["reason"] = spoken.tell(failure.reason)
        _line_out(console, "  " + spoken.tell(Message("{count} × {reason} (one of them: {path})", values)))


def list_page(rows: Iterable[Row], spoken: Language) -> None:
    """Print one line for each clip, those that need somebody first; a million of them need no memory."""
    console = Console()
    with ExitStack() as stack:
        kept = {group: stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for group in FIRST}
        for row in rows:
            kept[group_of(row)].write(_listed(row, spoken) + "\n")
        for group in FIRST:
            kept[group].seek(0)
            for line in kept[group]:
                _line_out(console, line.rstrip("\n"))


def group_of(row: Row) -> str:
    """Return under what a clip is listed, one of `FIRST`."""
    if row.state in ("quarantined", "refused"):
        return FIRST[0]
    if row.state == "done":
        return row.verdict if row.verdict in FIRST else "undecided"
    return row.state


def _listed(row: Row, spoken: Language) -> str:
    reason = None if row.reason is None else spoken.tell(row.reason)
    if row.state == "done":
        how = spoken.text(row.verdict or "")
    elif (doing := DOING.get((row.state, row.step))) is not None:
        how = " · ".join(part for part in (spoken.text(doing), reason) if part)
    else:
        how = f"{spoken.text(FIRST[0])} · {reason}"
    return f"{documents.shown(row.path)} · {how}".translate(CONTROLS)


# ---- verification ----------------------------------------------------------------------------------------------------

STATES: dict[State, str] = {
    "changed": "Changed",
    "missing": "Missing",
    "moved": "Moved",
    "removed": "Result removed",
    "unchecked": "Could not be checked",
    "replaced": "Note: exchanged between two results",
    "new": "Note: without a result",
}
NEW_SHOWN = 20
END = {
    ExitCode.ALL_PASSED: "All is as it was.",
    ExitCode.FAILED: "Something was changed.",
    ExitCode.UNDECIDED: "Nothing was seen to be changed, but something could not be checked.",
}
BESIDE = (
    "The public key is the one beside the ledger ({path}): who can write the ledger could have exchanged it, with "
    "every signature. Give the key that was kept elsewhere by --public-key."
)
NONE = "There is no public key at {path}."
GIVEN = "The public key is {path}."
SIGNED = "Chain: {last} results; signed up to result {signed} at {when}."
UNSIGNED = "Chain: {last} results; no head is signed by this key."
LOG_SIGNED = "Audit log: {last} events; signed up to event {signed} at {when}."
LOG_UNSIGNED = "Audit log: {last} events; no head is signed by this key."
LOOKED = "Store {store}, looked at in {folder}."
READ = "Evidence: {unchanged} files are unchanged; {gb:.3f} GB were read."


@contextmanager
def reading(spoken: Language) -> Iterator[Callable[[int, int], None]]:
    """Show on stderr how many bytes of the evidence were read."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), DownloadColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(spoken.text("Reading the evidence"), total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def verify_page(
    about_key: Message,
    extent: Extent,
    problems: Sequence[Problem],
    clips: Mapping[int, bytes],
    evidence: Evidence,
    log: documents.Log,
    spoken: Language,
) -> None:
    """Print what a verification comes to: rows and files by name, so that it can be read out."""
    console = Console()
    _line_out(console, spoken.tell(about_key))
    _line_out(console, spoken.tell(_reach(extent, SIGNED, UNSIGNED)))
    for problem in problems:
        clip = f" ({documents.shown(clips[problem.first])})" if problem.first in clips else ""
        _line_out(console, f"  {spoken.text(KINDS[problem.kind])}: {spoken.tell(problem.message)}{clip}")
    if log.extent.last or log.problems:
        _line_out(console, spoken.tell(_reach(log.extent, LOG_SIGNED, LOG_UNSIGNED)))
    for problem in log.problems:
        _line_out(console, f"  {spoken.text(KINDS[problem.kind])}: {spoken.tell(problem.message)}")
    for name, where in evidence.stores.items():
        _line_out(console, spoken.tell(Message(LOOKED, {"store": name, "folder": where})))
    told: dict[str, Scalar] = {"unchanged": evidence.counts.get("unchanged", 0), "gb": evidence.bytes / 1e9}
    _line_out(console, spoken.tell(Message(READ, told)))
    for state, word in STATES.items():
        of_state = [one for one in evidence.told if one.state == state]
        for one in of_state[: NEW_SHOWN if state == "new" else None]:
            _line_out(console, f"  {spoken.text(word)}: {spoken.tell(one.message)}")
        if state == "new" and len(of_state) > NEW_SHOWN:
            more = Message("… and {count} more; --json names them all.", {"count": len(of_state) - NEW_SHOWN})
            _line_out(console, f"  {spoken.tell(more)}")
    _line_out(console, spoken.text(END[documents.verify_code([*problems, *log.problems], evidence)]))


def _reach(extent: Extent, signed: str, unsigned: str) -> Message:
    """Return how far a chain goes and is signed."""
    values: dict[str, Scalar] = {"last": extent.last}
    if extent.signed is None:
        return Message(unsigned, values)
    return Message(signed, {**values, "signed": extent.signed.seq, "when": extent.signed.signed_at})


def _moment(seconds: float) -> str:
    """Return a moment as the clock on the wall shows it."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "seconds")


def _line_out(console: Console, line: str) -> None:
    """Print one line; a name of a file cannot command the terminal, or look like two lines."""
    line = line.translate(CONTROLS)
    console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)
