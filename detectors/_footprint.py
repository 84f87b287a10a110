"""The rhythm that the key frames of an earlier encoding leave in the sizes of predicted pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Table

_REACH = 4
_SHORTEST = 8
_LONGEST = 300
_FEWEST = 100


@dataclass(frozen=True, slots=True)
class Footprint:
    """A rhythm, in pictures in the order of showing."""

    period: int
    phase: int
    """Of the first picture of the rhythm."""
    strength: float
    """How far its mean stands above that of other rhythms of this length, in standard deviations of a mean."""
    periods: int
    """How many pictures of the rhythm could be measured."""


def excess(pictures: Table) -> tuple[NDArray[np.float64], int]:
    """Return how much each P picture costs beyond its neighbours, in the order of showing, and the group length.

    float64, shape (pictures,): logarithm of the size over the median of the P pictures around it, in units of its own
    median deviation, held to -1..4; NaN for other pictures and for those next to key frames. The group length is the
    usual distance of key frames, 0 if there is no usual one.
    """
    order = np.argsort(pictures["time_s"], kind="stable")
    kind, key = pictures["slice_type"][order], pictures["key"][order].astype(bool)
    size = np.log(np.maximum(pictures["size_bytes"][order].astype(np.float64), 1.0))
    predicted = (kind == "P") & ~key
    rows = np.flatnonzero(predicted)
    result = np.full(len(kind), np.nan)
    if len(rows) < _FEWEST:
        return result, 0
    own = size[rows]
    padded = np.pad(own, _REACH, mode="reflect")
    around = np.delete(np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1), _REACH, axis=1)
    beyond = own - np.median(around, axis=1)
    scale = 1.4826 * float(np.median(np.abs(beyond - np.median(beyond)))) or 1.0
    result[rows] = np.clip(beyond / scale, -1.0, 4.0)
    keys = np.flatnonzero(key)
    for place in keys:  # the pictures next to a key frame have a rhythm of their own
        result[max(0, place - 1) : place + 3] = np.nan
    steps = np.diff(keys)
    return result, int(np.median(steps)) if len(steps) else 0


def footprint(pictures: Table) -> Footprint | None:
    """Return the strongest rhythm among the P pictures, None if there are too few.

    Every period and phase is tried: the mean excess of its pictures against the mean of all, in standard deviations of
    a mean of so many. Periods that divide, or are multiples of, the distance of key frames are left out: they are this
    encoder's own.
    """
    values, group = excess(pictures)
    known = np.isfinite(values)
    if known.sum() < _FEWEST:
        return None
    filled = np.where(known, values - values[known].mean(), 0.0)
    spread = float(values[known].std()) or 1.0
    best: Footprint | None = None
    for period in range(_SHORTEST, min(_LONGEST, len(values) // 4) + 1):
        if group and (group % period == 0 or period % group == 0):
            continue
        rows = len(values) // period * period
        sums = filled[:rows].reshape(-1, period).sum(axis=0)
        counts = known[:rows].reshape(-1, period).sum(axis=0)
        strength = sums / (spread * np.sqrt(np.maximum(counts, 1)))
        strength[counts < 4] = -np.inf
        phase = int(np.argmax(strength))
        if best is None or strength[phase] > best.strength:
            best = Footprint(period, phase, float(strength[phase]), int(counts[phase]))
    return best
