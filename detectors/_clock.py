"""The burned-in clock of a clip, made ready to be held against the stream's time: its ticks, its unit, its form.

A tick is a picture at which the clock shows another value than the last one known. The true moment of the change lies
between the last picture that shows the old value and the first that shows the new one, so it is known to half their
distance: where pictures lack, were damaged or not read, the tick is less sharp by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from detectors._timeline import neighbours
from pipeline.model import Features

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

DAY_S = 86400.0
BLOCK_S = 5.0
_BLOCK = 64
"""Readings over which the usual distance of pictures is taken."""
_SHARP = 2.5
"""A tick is sharp if its two pictures are at most this many usual distances apart."""
_ALONE = 0.75
"""A reading that stands this many units off both its neighbours, while they agree, is wrong."""
_HALF_DAY = re.compile("AM|PM|上午|下午", re.I)
_ISO_GROUPS = {(4, 2, 2, 2, 2, 2), (4, 2, 2, 2, 2), (2, 2, 2), (2, 2)}


@dataclass(frozen=True, slots=True)
class Face:
    """How a clock counts and writes."""

    unit_s: float
    """1, or 60 for a clock without seconds."""
    dated: bool
    cycle_s: float | None
    """After how many seconds the values repeat; None for a clock that shows a date."""
    form: str | None
    """As in `overlay.form`; None where unknown."""

    def written(self, shown_s: float) -> str:
        """Return a value as the clock writes it, or as ISO 8601 writes it where the form does not tell how."""
        try:
            moment = datetime(1970, 1, 1) + timedelta(seconds=round(shown_s))
        except OverflowError:
            return str(round(shown_s))
        form = re.sub(r"(?<=\D00)(?=00\D)", " ", self.form or "")  # readers lose the space behind the date
        groups = tuple(len(group) for group in re.findall(r"0+", form))
        if groups in _ISO_GROUPS and (len(groups) > 3) == self.dated and not _HALF_DAY.search(form):
            figures = iter(moment.strftime("%Y%m%d%H%M%S" if self.dated else "%H%M%S"))
            return re.sub("0", lambda _: next(figures), form)
        return moment.strftime("%Y-%m-%d %H:%M:%S" if self.dated else "%H:%M:%S")

    def wrapped(self, seconds: Floats) -> Floats:
        """Return differences of the clock without whole cycles: midnight is no jump of a clock without a date."""
        if self.cycle_s is None:
            return seconds
        return (seconds + self.cycle_s / 2) % self.cycle_s - self.cycle_s / 2


@dataclass(frozen=True, slots=True)
class Stretch:
    """Pictures, one behind the other among those that were read, that show one value."""

    first: int
    """Row of `frames` of the first picture."""
    last: int
    start_s: float
    stop_s: float
    """Time of the last picture."""
    shown_s: float
    pictures: int


@dataclass(frozen=True, slots=True)
class Clock:
    """What the clock of a clip shows, wrong readings left out; the arrays have a row for each change of its value."""

    face: Face
    first: Stretch
    frame: Rows
    """Row of `frames` of the first picture that shows the new value."""
    time_s: Floats
    """Its time."""
    before_s: Floats
    """Time of the last picture known to show the old value."""
    old_s: Floats
    """The old value."""
    shown_s: Floats
    """The new value."""
    pictures: Rows
    """How many pictures show the new value."""
    last_s: Floats
    """Time of the last of them."""
    ahead_s: Floats
    """New value less the middle of the two pictures' times: constant while clock and stream agree."""
    sharp: NDArray[np.bool_]
    """The tick's two pictures are as near as pictures usually are here, and the value went on."""
    pause_start_s: Floats
    """Time of the last picture before each stretch in which nothing was read."""
    pause_stop_s: Floats
    """Time of the first picture that was read again."""
    wrong: tuple[Stretch, ...]
    """Stretches that were left out as wrong readings."""

    @property
    def width_s(self) -> Floats:
        """Distance of the two pictures of each change."""
        return self.time_s - self.before_s


def readable_share(features: Features) -> float:
    """Return the share of pictures whose clock was read, in the blocks of five seconds in which it was read at all.

    Damaged pictures do not count. NaN if the clock was never read.
    """
    frames = features["frames"]
    fine = np.isfinite(frames["time_s"]) & ~frames["damaged"].astype(bool)
    if not fine.any():
        return float("nan")
    known = np.isfinite(frames["clock_s"][fine])
    time_s = frames["time_s"][fine]
    block = ((time_s - time_s.min()) // BLOCK_S).astype(np.int64)
    _, block = np.unique(block, return_inverse=True)
    pictures = np.bincount(block)
    read = np.bincount(block, weights=known)
    return float(read.sum() / pictures[read > 0].sum()) if known.any() else float("nan")


def clock_row(features: Features) -> int | None:
    """Return the row of `overlay` that holds the clock, None if the clip shows none."""
    rows = np.flatnonzero(features["overlay"]["field"] == "clock")
    return int(rows[0]) if len(rows) else None


def read_clock(features: Features, min_known: float) -> Clock | None:
    """Return the clock of a clip; None if it shows none, if too little of it was read, or if it never changes.

    Parameters
    ----------
    features : Features
        With the columns time_s, damaged and clock_s of `frames`, and table `overlay`.
    min_known : float
        `readable_share` below which the clock is not used (0 to 1).
    """
    row, share = clock_row(features), readable_share(features)
    if row is None or not share >= min_known:
        return None
    frames = features["frames"]
    known = np.isfinite(frames["time_s"]) & np.isfinite(frames["clock_s"]) & ~frames["damaged"].astype(bool)
    frame = np.flatnonzero(known)
    time_s = frames["time_s"][frame].astype(np.float64)
    shown_s = frames["clock_s"][frame].astype(np.float64)
    face = _face(shown_s, features["overlay"]["form"][row])
    keep, wrong = _cleaned(time_s, shown_s, frame, face)
    return _changes(time_s[keep], shown_s[keep], frame[keep], face, wrong)


def _face(shown_s: Floats, form: str | None) -> Face:
    figures = (form or "").count("0")
    step_s = np.diff(shown_s[_starts(shown_s)])
    forward = step_s[step_s > 0]
    # Not by the form: it may hold seconds that could not be read.
    coarse = float(np.median(forward)) >= 30 if len(forward) >= 2 else bool(np.all(shown_s % 60 == 0))
    dated = bool(np.max(shown_s) >= 2 * DAY_S) or figures >= 10
    return Face(60.0 if coarse else 1.0, dated, None if dated else DAY_S, form)


def _starts(shown_s: Floats) -> Rows:
    return np.flatnonzero(np.concatenate(([True], shown_s[1:] != shown_s[:-1])))


def _cleaned(time_s: Floats, shown_s: Floats, frame: Rows, face: Face) -> tuple[NDArray[np.bool_], tuple[Stretch, ...]]:
    """Return which readings to keep, and the stretches that are left out."""
    starts = _starts(shown_s)
    stops = np.append(starts[1:], len(shown_s))
    value, count = shown_s[starts], stops - starts
    bad = np.zeros(len(starts), bool)
    if len(starts) >= 3:
        ahead_s = face.wrapped(value - time_s[starts] - (value[0] - time_s[starts[0]]))
        off = np.abs(np.diff(ahead_s)) > _ALONE * face.unit_s
        agree = np.abs(ahead_s[2:] - ahead_s[:-2]) <= _ALONE * face.unit_s
        bad[1:-1] = off[:-1] & off[1:] & agree
        between = (value[2:] == value[:-2]) & (count[1:-1] < count[2:] + count[:-2])
        bad[1:-1] |= between
    keep = np.repeat(~bad, count)
    wrong = tuple(
        Stretch(
            int(frame[starts[k]]),
            int(frame[stops[k] - 1]),
            float(time_s[starts[k]]),
            float(time_s[stops[k] - 1]),
            float(value[k]),
            int(count[k]),
        )
        for k in np.flatnonzero(bad)
    )
    return keep, wrong


def _changes(time_s: Floats, shown_s: Floats, frame: Rows, face: Face, wrong: tuple[Stretch, ...]) -> Clock | None:
    starts = _starts(shown_s)
    stops = np.append(starts[1:], len(shown_s))
    begin, ends = starts[1:], stops - 1
    usual_s = _usual_spacing(time_s)
    width_s = time_s[begin] - time_s[begin - 1]
    first = Stretch(
        int(frame[0]), int(frame[ends[0]]), float(time_s[0]), float(time_s[ends[0]]), float(shown_s[0]), int(stops[0])
    )
    pauses = np.flatnonzero(np.diff(time_s) > _SHARP * usual_s[1:])
    base_s = shown_s[0] - time_s[0]
    ahead_s = face.wrapped(shown_s[begin] - time_s[begin] + width_s / 2 - base_s)
    return Clock(
        face=face,
        first=first,
        frame=frame[begin],
        time_s=time_s[begin],
        before_s=time_s[begin - 1],
        old_s=shown_s[begin - 1],
        shown_s=shown_s[begin],
        pictures=np.diff(np.append(starts, len(shown_s)))[1:],
        last_s=time_s[ends[1:]],
        ahead_s=ahead_s,
        sharp=(width_s > 0) & (width_s <= _SHARP * usual_s[begin]),
        pause_start_s=time_s[pauses],
        pause_stop_s=time_s[pauses + 1],
        wrong=wrong,
    )


def _usual_spacing(time_s: Floats) -> Floats:
    """Return for every reading the usual distance of pictures in the seconds around it."""
    step_s = np.diff(time_s)
    if not len(step_s):
        return np.zeros(len(time_s))
    size = min(_BLOCK, len(step_s))
    whole = len(step_s) // size * size
    local = np.median(step_s[:whole].reshape(-1, size), axis=1)
    around = local if len(local) < 3 else np.maximum(local, np.nanmin(neighbours(local, 1), axis=1))
    return np.repeat(around, size)[np.minimum(np.arange(len(time_s)), whole - 1)]
