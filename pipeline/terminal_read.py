"""What `unbroken read` shows: the recorder's fields, how its clock runs against the stream, and the signs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.language import Language
from pipeline.model import Features, Finding
from pipeline.report.offsets import offsets, readings
from pipeline.report.page_overlay import FIELDS
from pipeline.report.wording import N_, clock
from pipeline.terminal import LEVEL_STYLE, grid, when

SHOWN_KINDS = ("clock-", "place-", "landmark-", "signs-", "device-")
"""How the kinds begin whose findings rest on what is read in the picture."""
WIDTH, HEIGHT = 72, 9
SIGNS, LEAPS = 40, 10
"""How many texts of the scene, and leaps of the clock, are listed at most."""


def document(features: Features, findings: tuple[Finding, ...]) -> dict[str, Any]:
    """Return what was read as one JSON object: overlay, clock, texts, findings."""
    tables = {
        name: [
            {column: _plain(values[row]) for column, values in features[name].items()}
            for row in range(features[name].rows)
        ]
        for name in ("overlay", "texts", "landmarks")
        if name in features
    }
    curve = offsets(read) if (read := readings(features)) is not None else None
    followed = (
        None
        if curve is None
        else {
            "ticks": [
                {"time_s": _plain(t), "ahead_s": _plain(a)} for t, a in zip(curve.times_s, curve.values_s, strict=True)
            ],
            "leaps": [asdict(leap) for leap in curve.leaps],
            "unread": [list(stretch) for stretch in curve.unread],
        }
    )
    told = [
        {
            "kind": f.kind,
            "level": f.level.value,
            "start_s": f.span.start_s,
            "stop_s": f.span.stop_s,
            "summary": f.summary,
        }
        for f in relevant(findings)
    ]
    return {**tables, "clock": followed, "findings": told}


def relevant(findings: tuple[Finding, ...]) -> list[Finding]:
    """Return the findings that rest on what is read in the picture."""
    told = (each for finding in findings for each in (finding, *finding.grounds))
    return [finding for finding in told if finding.kind.startswith(SHOWN_KINDS)]


def reading(features: Features, findings: tuple[Finding, ...], lang: Language) -> RenderableType:
    """Return what was read in a clip's pictures, as a person reads it on a terminal."""
    parts: list[RenderableType] = [_heading("Burned in by the recorder", lang), *_fields(features, lang)]
    parts += [_heading("How the clock runs", lang), *_curve(features, lang)]
    parts += [_heading("Texts of the scene", lang), *_signs(features, lang)]
    if told := relevant(findings):
        parts.append(_heading("Findings", lang))
        rows = grid(4)
        for finding in told:
            level = Text(lang.text(finding.level.value), style=LEVEL_STYLE[finding.level])
            rows.add_row(Text(when(finding)), level, Text(finding.kind), Text(lang.tell(finding.message)))
        parts.append(rows)
    return Group(*parts)


def _heading(msgid: str, lang: Language) -> Text:
    return Text("\n" + lang.text(msgid), style="bold")


def _fields(features: Features, lang: Language) -> list[RenderableType]:
    if "overlay" not in features:
        return [Text(lang.text(N_("The pictures could not be examined for an overlay.")), style="yellow")]
    overlay = features["overlay"]
    if not overlay.rows:
        return [Text(lang.text(N_("No burned-in text was found.")), style="dim")]
    rows = Table(box=None, padding=(0, 1), header_style="dim")
    for title in (N_("Field"), N_("Text"), N_("Agreement"), N_("Height"), N_("Place")):
        rows.add_column(lang.text(title), overflow="fold")
    for row in range(overlay.rows):
        box = " ".join(f"{float(overlay[side][row]):.3f}" for side in ("left", "top", "right", "bottom"))
        agreeing = f"{float(overlay['agreement'][row]):.0%} / {int(overlay['readings'][row])}"
        name = lang.text(FIELDS[str(overlay["field"][row])])
        rows.add_row(name, Text(str(overlay["text"][row])), agreeing, f"{float(overlay['height_px'][row]):.0f} px", box)
    return [rows]


def _curve(features: Features, lang: Language) -> list[RenderableType]:
    read = readings(features)
    curve = None if read is None else offsets(read)
    if read is None or curve is None:
        return [Text(lang.text(N_("No clock was read, or it never went on.")), style="dim")]
    known = np.flatnonzero(read.known)
    first, last = known[0], known[-1]
    said = lang.text(
        N_("Read in {share} of the pictures: {first} at {start}, {last} at {stop}; {ticks} seconds begin in the clip.")
    ).format(
        share=f"{read.known.mean():.1%}",
        first=as_clock(float(read.clock_s[first])),
        start=clock(float(read.time_s[first]), 2),
        last=as_clock(float(read.clock_s[last])),
        stop=clock(float(read.time_s[last]), 2),
        ticks=len(curve.times_s),
    )
    parts: list[RenderableType] = [Text(said)]
    if not curve.outside.all():
        parts.append(Text(plot(curve.times_s[~curve.outside], curve.values_s[~curve.outside], lang), style="cyan"))
    for leap in curve.leaps[:LEAPS]:
        told = lang.text(N_("At {time} the clock goes from {before} to {after}.")).format(
            time=clock(leap.time_s, 2), before=as_clock(leap.before_s), after=as_clock(leap.after_s)
        )
        parts.append(Text(told, style="yellow"))
    return parts


def as_clock(clock_s: float) -> str:
    """Return what a clock shows: date and time, or only a time of day where it shows no date."""
    moment = datetime.fromtimestamp(clock_s, UTC)
    return f"{moment:%H:%M:%S}" if clock_s < 86400 else f"{moment:%Y-%m-%d %H:%M:%S}"


def plot(time_s: np.ndarray, ahead_s: np.ndarray, lang: Language) -> str:
    """Return the curve of how far the clock is ahead of the stream, drawn with characters."""
    low, high = min(-0.2, float(ahead_s.min())), max(0.2, float(ahead_s.max()))
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    start_s, stop_s = float(time_s.min()), float(time_s.max())
    for t, a in zip(time_s, ahead_s, strict=True):
        column = round((WIDTH - 1) * (t - start_s) / max(stop_s - start_s, 1e-9))
        rows[round((HEIGHT - 1) * (high - a) / (high - low))][column] = "●"
    labels = {0: f"{high:+.2f} s", HEIGHT - 1: f"{low:+.2f} s", round((HEIGHT - 1) * high / (high - low)): "0"}
    lines = [f"{labels.get(number, ''):>10} │{''.join(row)}" for number, row in enumerate(rows)]
    axis = f"{'':>10} └{'─' * WIDTH}"
    ends = f"{'':>12}{clock(start_s, 1)}{clock(stop_s, 1):>{WIDTH - len(clock(start_s, 1))}}"
    title = lang.text(N_("Clock less presentation time, each time it goes on, against the median"))
    return "\n".join([title, *lines, axis, ends])


def _signs(features: Features, lang: Language) -> list[RenderableType]:
    if "texts" not in features:
        return [Text(lang.text(N_("The pictures could not be examined for texts.")), style="yellow")]
    texts = features["texts"]
    read = np.array([bool(text) for text in texts["text"]], np.bool_)  # lines that were seen and not read have none
    texts = texts.where(~texts["overlay"].astype(bool) & read)
    if not texts.rows:
        return [Text(lang.text(N_("No text of the scene was found.")), style="dim")]
    best: dict[str, int] = {}
    for row in range(texts.rows):
        text = str(texts["text"][row])
        if text not in best or texts["confidence"][row] > texts["confidence"][best[text]]:
            best[text] = row
    worth = {text: float(texts["confidence"][row] * min(texts["height_px"][row], 48.0)) for text, row in best.items()}
    rows = Table(box=None, padding=(0, 1), header_style="dim")
    for title in (N_("Text"), N_("Time"), N_("Confidence"), N_("Height"), ""):
        rows.add_column(lang.text(title) if title else "", overflow="fold")
    for text in sorted(best, key=lambda text: -worth[text])[:SIGNS]:
        row = best[text]
        document_ = lang.text(N_("held document or screen")) if texts["document"][row] else ""
        rows.add_row(
            Text(text),
            clock(float(texts["time_s"][row]), 1),
            f"{float(texts['confidence'][row]):.2f}",
            f"{float(texts['height_px'][row]):.0f} px",
            document_,
        )
    more = len(best) - SIGNS
    left = [Text(lang.text(N_("… and {count} more.")).format(count=more), style="dim")] if more > 0 else []
    return [rows, *left]


def _plain(value: Any) -> Any:
    """Return a value of a column as JSON has it: unknown numbers become null."""
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain
