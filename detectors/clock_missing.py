"""A burned-in clock that is not there for a while, or goes on at another place or in another form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from detectors._clock import Floats, Rows, clock_row, readable_share
from detectors._clock_findings import stands_out
from detectors._timeline import extent, runs, span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message, Scalar, Table
from pipeline.signs.overlay import is_clock

_CURVES = (Curve("frames.clock_score"),)
_EDGE = 3
"""Pictures before and after a gap that must show the clock."""
_FEWEST_READINGS = 2
"""Times at which the clock must have been read before and after a change of its place or form."""
_ALIKE = 60.0
_FEW = 5
"""Gaps of up to so many pictures are told only where the picture is broken, too."""
_AROUND, _BROKEN = 12, 1.5
"""Pictures around a gap that say what is usual, and by how much more a broken picture differs after motion."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """Pictures one behind the other, damaged ones left out, that do not show the clock."""

    start_s: float
    stop_s: float
    pictures: int
    place: Literal["start", "inside", "end"]
    sharp_edges: int
    """How many of its edges have the clock right beside them."""

    @property
    def seconds(self) -> float:
        return self.stop_s - self.start_s


@detector(
    "clock-missing",
    version=3,
    needs=(
        "frames.time_s",
        "frames.damaged",
        "frames.clock_s",
        "frames.clock_score",
        "overlay.field",
        "overlay.text",
    ),
    emits=("clock-missing", "clock-unread"),
)
def clock_missing(
    features: Features,
    *,
    min_known: float = 0.6,
    max_absent_share: float = 0.5,
    min_present_share: float = 0.75,
    min_long_s: float = 2.0,
    max_short_gaps: int = 5,
    min_end_s: float = 1.0,
    min_move_heights: float = 1.0,
) -> Iterator[Finding]:
    """Yield one finding per stretch without the clock that the rest of the clip shows, down to a single picture.

    A picture without the clock has figures that look like nothing the clock shows elsewhere, while those right before
    and after are plain: a bright background makes reading worse bit by bit, a foreign picture all at once. A stretch
    in which the recorder's other lines were read is none. However long it lasts, a person must look: white figures
    before a white sky cannot be read either. A few pictures without the clock are told only where the picture, too, is
    broken at their edges: else the camera just swept a lettered sign behind the figures. A clip without a clock, or
    with one that could hardly be read, is accused of nothing.

    Parameters
    ----------
    min_known : float
        Share of the pictures whose clock must have been read; below it a note says so (0 to 1).
    max_absent_share : float
        A picture does not show the clock if its figures score below this share of what is usual in the clip (0 to 1).
    min_present_share : float
        A picture plainly shows it if they score above this share (0 to 1).
    min_long_s : float
        A stretch this long need not both begin and end all at once (seconds).
    max_short_gaps : int
        More short stretches than this are told as one finding.
    min_end_s : float
        At the beginning and at the end of a clip shorter stretches are ignored: recorders draw their lines late
        (seconds).
    min_move_heights : float
        The clock has moved if it stands this many of its heights away from where it stood.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, "Digital Image Processing" (2018), 12.2: matching by the correlation coefficient.
    """
    yield from _changed(features, min_move_heights, max_absent_share)
    if clock_row(features) is None:
        return
    share = readable_share(features)
    if not share >= min_known:
        yield _unread(features, share)
        return
    score, row = _scores(features)
    gaps = list(_gaps(features, score, row, max_absent_share, min_present_share))
    gaps = [gap for gap in gaps if _counts(gap, min_long_s, min_end_s) and not _lines_read(features, gap)]
    gaps = [gap for gap in gaps if not (_is_one_reading(features, gap) or _picture_runs_on(features, gap))]
    short = [gap for gap in gaps if gap.seconds < min_long_s and gap.place == "inside"]
    if len(short) > max_short_gaps:
        gaps = [gap for gap in gaps if gap not in short]
        between = float(np.mean((score >= max_absent_share) & (score < min_present_share)))
        yield _often(features, short, poor=between > 2 * float(np.mean(score < max_absent_share)))
    for gap in gaps:
        yield _gap(features, gap)


def _scores(features: Features) -> tuple[Floats, Rows]:
    """Return the score of every undamaged picture as a share of the usual one, and the pictures' rows."""
    frames = features["frames"]
    row = np.flatnonzero(np.isfinite(frames["time_s"]) & ~frames["damaged"].astype(bool))
    known = np.isfinite(frames["clock_s"][row])
    score = frames["clock_score"][row].astype(np.float64)
    if not np.isfinite(score[known]).any():
        return known.astype(np.float64), row
    usual = max(float(np.nanmedian(score[known])), 1e-6)
    return np.where(np.isfinite(score), score, 0.0) / usual, row


def _gaps(features: Features, score: Floats, row: Rows, absent: float, present: float) -> Iterator[_Gap]:
    """Yield the stretches without a plain picture most of whose pictures are clearly without the clock."""
    time_s = features["frames"]["time_s"][row]
    for first, stop in runs(score < present):
        inside = score[first:stop]
        if float(np.median(inside)) >= absent:
            continue
        # An edge is sharp if one picture plainly shows the clock and the next, or the one after it, clearly does not.
        sides = (score[max(0, first - _EDGE) : first], inside[:2]), (score[stop : stop + _EDGE], inside[-2:])
        sharp = sum(len(out) > 0 and float(np.median(out)) >= present and edge.min() < absent for out, edge in sides)
        place: Literal["start", "inside", "end"] = "start" if first == 0 else "end" if stop == len(score) else "inside"
        end_s = float(time_s[stop]) if stop < len(score) else extent(features)[1]
        yield _Gap(float(time_s[first]), max(end_s, float(time_s[first])), stop - first, place, sharp)


def _counts(gap: _Gap, min_long_s: float, min_end_s: float) -> bool:
    if gap.place != "inside":
        return gap.sharp_edges == 1 and gap.seconds >= min_end_s
    return gap.sharp_edges == 2 or (gap.sharp_edges == 1 and gap.seconds >= min_long_s)


def _is_one_reading(features: Features, gap: _Gap) -> bool:
    """Tell whether just one value of the clock lacks: a figure that cannot be told, no missing overlay.

    The gap begins and ends with a change of the clock, which goes on as if it had been there, and so does the picture.
    """
    frames = features["frames"]
    known = np.isfinite(frames["clock_s"]) & np.isfinite(frames["time_s"]) & ~frames["damaged"].astype(bool)
    time_s, shown_s = frames["time_s"][known], frames["clock_s"][known]
    before, after = np.flatnonzero(time_s < gap.start_s), np.flatnonzero(time_s >= gap.stop_s)
    if not len(before) or not len(after):
        return False
    start, stop = before[-1], after[0]
    frame_s = gap.seconds / max(gap.pictures, 1)
    earlier = np.flatnonzero(shown_s[: start + 1] != shown_s[start])
    whole = bool(len(earlier)) and float(gap.start_s - time_s[earlier[-1] + 1]) >= 1 - 1.5 * frame_s
    if not whole or shown_s[stop] - shown_s[start] != 2 or abs(gap.seconds - 1) > 1.5 * frame_s:
        return False
    edges = ((float(time_s[start]), gap.start_s), (gap.stop_s - frame_s, gap.stop_s))
    return not any(stands_out(features, span_of(features, *edge)) for edge in edges)


def _picture_runs_on(features: Features, gap: _Gap) -> bool:
    """Tell whether the pictures around and in a gap of a few pictures follow from each other as usual there."""
    if gap.pictures > _FEW or not features.has("frames.flow_residual"):
        return False
    time_s, residual = (features["frames"][name].astype(np.float64) for name in ("time_s", "flow_residual"))
    first, stop = (int(np.searchsorted(time_s, at_s - 1e-6)) for at_s in (gap.start_s, gap.stop_s))
    inside = residual[max(0, first - 1) : stop + 2]
    around = np.concatenate((residual[max(0, first - 1 - _AROUND) : max(0, first - 1)], residual[stop + 2 :][:_AROUND]))
    inside, around = inside[np.isfinite(inside)], around[np.isfinite(around)]
    return len(inside) > 0 and len(around) > 0 and bool(inside.max() < _BROKEN * np.median(around))


def _lines(features: Features) -> Table:
    """Return the recorder's lines that the reader of texts found; none if it did not look."""
    if not features.has("texts.overlay"):
        return Table({name: np.empty(0) for name in ("time_s", "text", "left", "top", "right", "bottom")})
    texts = features["texts"].where(features["texts"]["overlay"].astype(bool))
    known = [str(text) for text in features["overlay"]["text"] if text]
    # At the recorder's place a foreign picture may show anything: only what reads like the recorder's lines is one.
    alike = [
        is_clock(str(text)) or any(fuzz.ratio(str(text), line) >= _ALIKE for line in known) if text else False
        for text in texts["text"]
    ]
    return texts.where(np.array(alike, bool) & np.isfinite(texts["time_s"]))


def _lines_read(features: Features, gap: _Gap) -> bool:
    time_s = _lines(features)["time_s"]
    return bool(((time_s >= gap.start_s) & (time_s < gap.stop_s)).any())


def _gap(features: Features, gap: _Gap) -> Finding:
    if gap.place == "start":
        said = "The clock is not there in the first {seconds:.2f} s; from then on it is."
    elif gap.place == "end":
        said = "The clock is not there in the last {seconds:.2f} s; before, it is."
    elif gap.pictures == 1:
        said = (
            "In a single picture the clock is not there, while the pictures right before and after show it plainly: a "
            "foreign picture may have been put in."
        )
    else:
        said = (
            "In {pictures} pictures, for {seconds:.2f} s, the clock is not there, while the pictures before and after "
            "show it: foreign pictures may have been put in."
        )
    values = {"seconds": gap.seconds, "pictures": gap.pictures}
    return Finding(
        kind="clock-missing",
        level=Level.SUSPECT,
        span=span_of(features, gap.start_s, gap.stop_s),
        message=Message(said, {name: value for name, value in values.items() if f"{{{name}" in said}),
        evidence={**values, "edges_at_once": int(gap.sharp_edges)},
        curves=_CURVES,
    )


def _often(features: Features, gaps: list[_Gap], poor: bool) -> Finding:
    if poor:
        said = "{count} times the clock cannot be read for a moment: the background is often too bright or too busy."
    else:
        said = (
            "{count} times the clock is not there for a moment, {pictures} pictures in all: foreign pictures may have "
            "been put in between, or it cannot be read there."
        )
    pictures = sum(gap.pictures for gap in gaps)
    values = {"count": len(gaps), "pictures": pictures}
    return Finding(
        kind="clock-unread" if poor else "clock-missing",
        level=Level.NOTE if poor else Level.SUSPECT,
        span=span_of(features, gaps[0].start_s, gaps[-1].stop_s),
        message=Message(said, {name: value for name, value in values.items() if f"{{{name}" in said}),
        evidence={"gaps": len(gaps), "pictures": pictures, "at_s": [gap.start_s for gap in gaps[:100]]},
        curves=_CURVES,
    )


def _unread(features: Features, share: float) -> Finding:
    if np.isfinite(share):
        said = (
            "The clip shows a clock, but only in {percent:.0f} % of the pictures around could it be read: it was not "
            "held against the stream."
        )
        values: dict[str, Scalar] = {"percent": 100 * share}
    else:
        said = "The clip shows a clock, but it could be read in no picture: it was not held against the stream."
        values = {}
    return Finding(
        kind="clock-unread",
        level=Level.NOTE,
        span=span_of(features, *extent(features)),
        message=Message(said, values),
        evidence={"share_read": share if np.isfinite(share) else None},
        curves=_CURVES,
    )


def _changed(features: Features, min_move_heights: float, absent: float) -> Iterator[Finding]:
    """Yield a finding where the clock stands elsewhere, or is written in another form, from some time on."""
    lines = _lines(features)
    clocks = lines.where(np.array([is_clock(str(text)) for text in lines["text"]], bool))
    box: Floats = np.stack([clocks[side].astype(np.float64) for side in ("left", "top", "right", "bottom")])
    placed: NDArray[np.bool_] = np.asarray(np.isfinite(box).all(axis=0))
    clocks, box = clocks.where(placed), box[:, placed]
    order = np.argsort(clocks["time_s"], kind="stable")
    time_s, (left, top, right, bottom) = clocks["time_s"][order], box[:, order]
    forms = [_form(str(clocks["text"][k])) for k in order]
    middle = (top + bottom) / 2
    slack = min_move_heights * float(np.median(bottom - top)) if clocks.rows else 0.0
    for cut in np.flatnonzero(np.diff(time_s) > 0) + 1:
        if min(len(np.unique(time_s[:cut])), len(np.unique(time_s[cut:]))) < _FEWEST_READINGS:
            continue
        moved = (
            middle[cut:].min() - middle[:cut].max() > slack
            or middle[:cut].min() - middle[cut:].max() > slack
            or left[cut:].min() > right[:cut].max()
            or left[:cut].min() > right[cut:].max()
        )
        before, after = set(forms[:cut]) - {""}, set(forms[cut:]) - {""}
        if moved:
            said = "Between {before:.1f} s and {after:.1f} s the clock moves to another place in the picture."
        elif before and after and not before & after:
            said = "Between {before:.1f} s and {after:.1f} s the clock changes the form in which it is written."
        else:
            continue
        yield _of_change(features, *_narrowed(features, float(time_s[cut - 1]), float(time_s[cut]), absent), said)
        return


def _narrowed(features: Features, before_s: float, after_s: float, absent: float) -> tuple[float, float]:
    """Return the two pictures between which the clock leaves its old place for good, if its figures tell."""
    if not readable_share(features) > 0:
        return before_s, after_s
    score, row = _scores(features)
    time_s = features["frames"]["time_s"][row]
    shown = np.flatnonzero((time_s >= before_s) & (time_s <= after_s) & (score >= absent))
    gone = np.flatnonzero((time_s > (time_s[shown[-1]] if len(shown) else before_s)) & (time_s <= after_s))
    if not len(shown) or len(gone) < _FEWEST_READINGS:
        return before_s, after_s
    return float(time_s[shown[-1]]), float(time_s[gone[0]])


def _form(text: str) -> str:
    """Return in which order and with which sign a date is written, "" if none is; other parts readers often lose."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    if found := re.search(r"(?:19|20)\d\d([-/年])\d", plain):
        return f"year{found[1]}"
    if found := re.search(r"\d([-/])(?:19|20)\d\d", plain):
        return f"{found[1]}year"
    return ""


def _of_change(features: Features, before_s: float, after_s: float, said: str) -> Finding:
    return Finding(
        kind="clock-missing",
        level=Level.SUSPECT,
        span=span_of(features, before_s, after_s),
        message=Message(said, {"before": before_s, "after": after_s}),
        evidence={"before_s": before_s, "after_s": after_s},
        curves=_CURVES,
    )
