"""The timeline of a report: lanes of marks, placed as shares of the clip's length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.language import Language
from pipeline.model import Features, Finding, Level, Span
from pipeline.report.envelope import envelope, series
from pipeline.report.wording import LEVELS, clock, stretch, title

MOST_MARKS = 400
"""Marks on a lane; nearer ones are joined, so that a page stays small however much was found."""
PROFILE_POINTS = 400
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
QUIET_DBFS = -70.0
"""Foot of the profile of the sound: quieter than any room that a recorder hears."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on a lane."""

    left: float
    """Where it begins, in percent of the timeline."""
    width: float
    style: str
    """Class of its look: a level, or `voice`, `words`, `notice`, `read`."""
    hint: str
    target: str | None = None
    """Id of the finding that a click leads to."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of the timeline."""

    label: str
    marks: tuple[Mark, ...] = ()
    profile: str = ""
    """Points of an SVG polygon in a box of 1000 x 100: a measurement over time; empty if the lane has marks."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the axis."""

    left: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened when."""

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """The stretch of time that the timeline shows, in seconds."""

    start_s: float
    stop_s: float

    def percent(self, time_s: float) -> float:
        """Return where a time lies, 0 to 100."""
        share = (time_s - self.start_s) / (self.stop_s - self.start_s)
        return round(100 * min(1.0, max(0.0, share)), 3)

    def mark(self, start_s: float, stop_s: float, style: str, hint: str, target: str | None = None) -> Mark:
        """Return a mark from `start_s` to `stop_s`."""
        left = self.percent(start_s)
        return Mark(left, round(self.percent(stop_s) - left, 3), style, hint, target)


def build_timeline(
    features: Features, findings: Sequence[Finding], linked: Iterable[str], words: Language
) -> Timeline | None:
    """Lay out every finding, and what was seen and heard, over the length of the clip.

    Parameters
    ----------
    features : Features
        The measured tables.
    findings : sequence of Finding
        All of them; the gravest kinds come on the first lanes.
    linked : iterable of str
        Ids of the findings that the page describes; their marks lead there.
    words : Language
        The reader's language.

    Returns
    -------
    Timeline or None
        None for a clip without any length.
    """
    _ = words.text
    starts = [0.0, *(finding.span.start_s for finding in findings)]
    stops = [features.duration_s(), *(finding.span.stop_s for finding in findings)]
    axis = Axis(min(starts), max(stops))
    if not axis.start_s < axis.stop_s:
        return None
    lanes = [
        *_finding_lanes(axis, findings, set(linked), words),
        _profile(axis, features, "frames.luma_diff", 0.0, _("Change of the picture")),
        _profile(axis, features, "sound.rms_dbfs", QUIET_DBFS, _("Level of the sound")),
        _spans(axis, features, "voice", "voice", _("Voice")),
        _words(axis, features, findings, _("Words")),
        _pictures(axis, features, _("Text in the picture")),
    ]
    return Timeline(tuple(lane for lane in lanes if lane is not None), time_ticks(axis))


def _finding_lanes(axis: Axis, findings: Sequence[Finding], linked: set[str], words: Language) -> list[Lane]:
    weight = {level: place for place, level in enumerate(Level)}
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding)
    gravest = sorted(kinds.values(), key=lambda found: min(weight[finding.level] for finding in found))
    return [_finding_lane(axis, found, linked, words) for found in gravest]


def _finding_lane(axis: Axis, findings: list[Finding], linked: set[str], words: Language) -> Lane:
    """Mark each described finding with a link, the others joined where they lie close; the gravest are on top."""
    weight = list(Level)
    marks: list[Mark] = []
    for level in reversed(weight):
        rest = [f for f in findings if f.level is level and f.id not in linked]
        spans = [(finding.span.start_s, finding.span.stop_s) for finding in rest]
        marks += [
            axis.mark(start, stop, level, f"{words.text(LEVELS[level])} · {count} ×")
            for start, stop, count in _joined(axis, spans)
        ]
        for finding in findings:
            if finding.level is level and finding.id in linked:
                hint = f"{finding.id} · {words.text(LEVELS[level])} · {stretch(finding.span)}\n"
                hint += words.tell(finding.message)
                marks.append(axis.mark(finding.span.start_s, finding.span.stop_s, level, hint, finding.id))
    return Lane(title(findings[0].kind, words), tuple(marks))


def _joined(axis: Axis, spans: Sequence[tuple[float, float]]) -> list[tuple[float, float, int]]:
    """Join spans that are too near to be told apart; return start, stop and how many were joined."""
    near = (axis.stop_s - axis.start_s) / MOST_MARKS
    joined: list[tuple[float, float, int]] = []
    for start, stop in sorted(spans):
        if joined and start - joined[-1][1] < near:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop), joined[-1][2] + 1)
        else:
            joined.append((start, stop, 1))
    return joined


def _spans(axis: Axis, features: Features, table: str, style: str, label: str) -> Lane | None:
    if table not in features or not features[table].rows:
        return None
    rows = features[table]
    spans = list(zip(rows["start_s"].tolist(), rows["stop_s"].tolist(), strict=True))
    marks = [axis.mark(a, b, style, f"{label} {stretch(Span(a, b))}") for a, b, _ in _joined(axis, spans)]
    return Lane(label, tuple(marks))


def in_notice(features: Features, findings: Sequence[Finding]) -> NDArray[np.bool_]:
    """Tell of each row of the `words` table whether it lies where a finding about the notice places the notice.

    Returns
    -------
    ndarray
        bool, shape (rows,)
    """
    rows = features["words"]
    middle = (rows["start_s"] + rows["stop_s"]) / 2
    marked = np.zeros(rows.rows, dtype=np.bool_)
    for finding in findings:
        if finding.kind in {"notice-heard", "notice-partial", "notice-late"}:
            marked |= (middle >= finding.span.start_s) & (middle <= finding.span.stop_s)
    return marked


def _words(axis: Axis, features: Features, findings: Sequence[Finding], label: str) -> Lane | None:
    if "words" not in features or not features["words"].rows:
        return None
    rows, marked = features["words"], in_notice(features, findings)
    marks: list[Mark] = []
    for style, mask in (("words", ~marked), ("notice", marked)):
        part = rows.where(mask)
        texts = part["text"].tolist()
        spans = sorted(zip(part["start_s"].tolist(), part["stop_s"].tolist(), texts, strict=True), key=lambda w: w[:2])
        done = 0
        for start, stop, count in _joined(axis, [(a, b) for a, b, _ in spans]):
            said = "".join(str(text) for _, _, text in spans[done : done + count])
            done += count
            marks.append(axis.mark(start, stop, style, f"{clock(start, 1)} {said[:120]}"))
    return Lane(label, tuple(marks))


def _pictures(axis: Axis, features: Features, label: str) -> Lane | None:
    if "texts" not in features or not features["texts"].rows:
        return None
    times = np.unique(features["texts"]["time_s"])
    spans = [(float(time), float(time)) for time in times[np.isfinite(times)]]
    marks = [axis.mark(a, b, "read", f"{label} {clock(a)}") for a, b, _ in _joined(axis, spans)]
    return Lane(label, tuple(marks))


def _profile(axis: Axis, features: Features, column: str, foot: float, label: str) -> Lane | None:
    """Draw the peaks of a measurement over `foot`; all but a few of them fit under the top."""
    points = series(features, column).get(column)
    if points is None or len(points[0]) < 2:
        return None
    times, _lowest, highest = envelope(*points, PROFILE_POINTS)
    known = np.isfinite(highest)
    if known.sum() < 2:
        return None
    times, highest = times[known], highest[known]
    top = float(np.percentile(highest, 99.5))
    heights = np.clip((highest - foot) / max(top - foot, 1e-9), 0, 1)
    # Where nothing was measured for a while the profile falls to its foot instead of bridging the hole.
    holes = np.flatnonzero(np.diff(times) > 2.5 * max(np.median(np.diff(times)), 0.0)) + 1
    times = np.insert(times, np.repeat(holes, 2), np.stack([times[holes - 1], times[holes]], 1).ravel())
    heights = np.insert(heights, np.repeat(holes, 2), 0.0)
    across = [10 * axis.percent(time) for time in times]
    line = [f"{x:.1f},{100 - 100 * y:.1f}" for x, y in zip(across, heights, strict=True)]
    return Lane(label, profile=" ".join([f"{across[0]:.1f},100", *line, f"{across[-1]:.1f},100"]))


def time_ticks(axis: Axis) -> tuple[Tick, ...]:
    """Return at most a dozen round times of an axis."""
    length = axis.stop_s - axis.start_s
    step = next((step for step in TICKS if length / step <= 12), 3600 * np.ceil(length / 3600 / 12))
    digits = 1 if step < 1 else 0
    times = np.arange(np.ceil(axis.start_s / step) * step, axis.stop_s + step / 1000, step)
    return tuple(Tick(axis.percent(time), clock(float(time), digits)) for time in times)
