"""How far the burned-in clock is ahead of the stream, over the length of a clip: what the offset curve shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Features

Floats = NDArray[np.float64]

DAY_S = 86400.0
SHARP = 2.5
"""A change of the clock is dated if the pictures before and after it are at most this many usual distances apart."""
BREAK_S = 1.0
"""Offsets that lie further apart than this, with none between them, are drawn on separate parts of the axis."""
MOST_BANDS = 3
FEW = 0.1
"""Share of the ticks that may be left out of the drawing, so that a wrong reading does not flatten the curve."""
LEAST_S = 0.2
"""Half the height of a part of the axis at least: what is smaller than a few pictures must not look large."""
UNREAD_S = 0.5
"""Shortest stretch without a reading that is told."""


@dataclass(frozen=True, slots=True)
class Band:
    """A part of the axis of offsets, in seconds."""

    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True)
class Leap:
    """Two pictures between which the clock does not go on by one."""

    time_s: float
    """Of the second one."""
    before_s: float
    """What the clock shows in the first one."""
    after_s: float


@dataclass(frozen=True, slots=True)
class Offsets:
    """The clock less the presentation time at every tick: where the clock goes on by one."""

    times_s: Floats
    """float64, shape (ticks,): middle between the last picture of the old value and the first of the new one."""
    values_s: Floats
    """float64, shape (ticks,): new value less that time, less the median of all. Constant while both agree."""
    leaps: tuple[Leap, ...]
    """Changes by anything but one: they tell nothing about when the clock's second began."""
    undated: int
    """Changes that are left out because too long a stretch was not read where they happened."""
    unread: tuple[tuple[float, float], ...]
    """Stretches in which the clock was not read, in seconds."""
    bands: tuple[Band, ...]
    """Parts of the axis, the highest first; more than one if the offsets lie far apart."""

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Which ticks lie on no part of the axis."""
        inside = np.zeros(len(self.values_s), np.bool_)
        for band in self.bands:
            inside |= (self.values_s >= band.low_s) & (self.values_s <= band.high_s)
        return ~inside


@dataclass(frozen=True, slots=True)
class Readings:
    """The pictures of a clip in order of time, and what their clock shows."""

    time_s: Floats
    """float64, shape (pictures,)."""
    clock_s: Floats
    """float64, shape (pictures,): as column `frames.clock_s`, NaN where it was not read."""
    length_s: Floats
    """float64, shape (pictures,): how long each picture is shown."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """In which pictures the clock was read."""
        return np.isfinite(self.clock_s)

    @property
    def dated(self) -> bool:
        """Whether the clock shows a date."""
        return bool(np.nanmax(self.clock_s, initial=0.0) >= 2 * DAY_S)


def readings(features: Features) -> Readings | None:
    """Return what the clock shows from picture to picture, None if that was not measured."""
    if not features.has("frames.clock_s"):
        return None
    frames = features["frames"]
    timed = np.flatnonzero(np.isfinite(frames["time_s"]))
    order = timed[np.argsort(frames["time_s"][timed], kind="stable")]
    time_s = frames["time_s"][order].astype(np.float64)
    last_s = np.nan_to_num(frames["duration_s"][order[-1:]].astype(np.float64))
    return Readings(time_s, frames["clock_s"][order].astype(np.float64), np.append(np.diff(time_s), last_s))


def offsets(read: Readings) -> Offsets | None:
    """Return how the clock runs against the presentation time.

    Returns
    -------
    Offsets or None
        None if no tick of the clock can be dated.
    """
    known = read.known
    time_s, clock_s = read.time_s[known], read.clock_s[known]
    changes = np.flatnonzero(np.diff(clock_s) != 0) + 1
    if not len(changes):
        return None
    before_s, after_s = time_s[changes - 1], time_s[changes]
    usual_s = float(np.median(np.diff(read.time_s)))
    dated = after_s - before_s <= SHARP * usual_s
    went_s = clock_s[changes] - clock_s[changes - 1]
    if not read.dated:  # midnight is no jump of a clock without a date
        went_s = _wrapped(went_s)
    forward = dated & (went_s > 0)
    if not forward.any():
        return None
    tick = dated & (went_s == np.quantile(went_s[forward], 0.5, method="lower"))  # by a minute, if it has no seconds
    moments_s = (before_s + after_s)[tick] / 2
    ahead_s = clock_s[changes][tick] - moments_s
    if not read.dated:
        ahead_s = _wrapped(ahead_s - ahead_s[0])
    values_s = ahead_s - np.quantile(ahead_s, 0.5, method="lower")  # a value that occurs, where there are two levels
    leaps = tuple(
        Leap(float(time_s[row]), float(clock_s[row - 1]), float(clock_s[row])) for row in changes[dated & ~tick]
    )
    return Offsets(moments_s, values_s, leaps, int((~dated).sum()), _unread(read), _bands(values_s))


def _wrapped(seconds: Floats) -> Floats:
    return (seconds + DAY_S / 2) % DAY_S - DAY_S / 2


def _unread(read: Readings) -> tuple[tuple[float, float], ...]:
    edges = np.diff(np.concatenate(([False], ~read.known, [False])).astype(np.int8))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    ends_s = read.time_s + read.length_s
    spans = zip(read.time_s[starts].tolist(), ends_s[stops - 1].tolist(), strict=True)
    return tuple((start, stop) for start, stop in spans if stop - start >= UNREAD_S)


def _bands(values_s: Floats) -> tuple[Band, ...]:
    ordered = np.sort(values_s)
    groups = np.split(ordered, np.flatnonzero(np.diff(ordered) > BREAK_S) + 1)
    largest = sorted(groups, key=len, reverse=True)[:MOST_BANDS]
    if sum(len(group) for group in largest) < (1 - FEW) * len(ordered):
        largest = [ordered]  # no levels, but a clock at quite another speed
    bands = []
    for group in sorted(largest, key=lambda group: -group[0]):
        middle_s, half_s = (group[0] + group[-1]) / 2, max(LEAST_S, 0.6 * (group[-1] - group[0]))
        bands.append(Band(float(middle_s - half_s), float(middle_s + half_s)))
    return tuple(bands)
