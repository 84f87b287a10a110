"""The rhythm that the key frames of an earlier encoding leave in the sizes of predicted pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Table

Values = NDArray[np.float64]

_REACH = 4
_SHORTEST, _LONGEST = 8, 300
_LONGEST_LAYERS = 16
_FEWEST = 60
_LEAST, _MOST = -1.0, 4.0
_PEAK = 1.5
"""From this excess on a picture counts as one of the rhythm."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of pictures, in the order of showing, in which the rhythm keeps its phase."""

    first: int
    stop: int
    phase: int
    """The pictures of the rhythm are those whose number leaves this rest when divided by the period."""
    strength: float
    """How far their mean excess stands above that of all pictures, in standard deviations of such a mean."""
    peaks: int
    """How many of them cost clearly more than their neighbours."""
    places: int
    """How many of them could be measured."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """A rhythm and how it runs through the clip: several stretches where it falls out of step."""

    period: int
    stretches: tuple[Stretch, ...]


def excess(pictures: Table) -> Values:
    """Return how much each predicted picture costs beyond its neighbours of the same kind, in the order of showing.

    float64, shape (pictures,): logarithm of the size over the median of the pictures of its kind (P, B that others
    refer to, B) around it, in units of its own median deviation, held to -1..4; NaN for key frames and those next to
    them.
    """
    order = np.argsort(pictures["time_s"], kind="stable")
    key = pictures["key"][order].astype(bool)
    size = np.log(np.maximum(pictures["size_bytes"][order].astype(np.float64), 1.0))
    types, referred = pictures["slice_type"][order], pictures["reference"][order] != 0
    result = np.full(len(key), np.nan)
    for own in ((types == "P") & ~key, (types == "B") & referred & ~key, (types == "B") & ~referred & ~key):
        rows = np.flatnonzero(own)
        if len(rows) < _FEWEST // 2:
            continue
        padded = np.pad(size[rows], _REACH, mode="reflect")
        around = np.delete(np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1), _REACH, axis=1)
        beyond = size[rows] - np.median(around, axis=1)
        scale = 1.4826 * float(np.median(np.abs(beyond - np.median(beyond)))) or 1.0
        result[rows] = np.clip(beyond / scale, _LEAST, _MOST)
    for place in np.flatnonzero(key):  # what stands next to a key frame has a rhythm of its own
        result[max(0, place - 1) : place + 3] = np.nan
    return result


def footprint(pictures: Table, *, fewest: int = 4) -> Footprint | None:
    """Return the strongest rhythm among the predicted pictures, None if there are too few.

    Every period is tried, each with one shift of its phase at any place: the sum of the excess of its pictures, in
    standard deviations of such a sum. If the best one is a multiple of the distance of key frames, or a short one that
    divides it, it is this encoder's own and says nothing. Else it is cut into stretches as long as each half holds at
    least `fewest` of its pictures and gains by a phase of its own.
    """
    values = excess(pictures)
    known = np.isfinite(values)
    if known.sum() < _FEWEST:
        return None
    order = np.argsort(pictures["time_s"], kind="stable")
    keys = np.flatnonzero(pictures["key"][order].astype(bool))
    group = int(np.median(np.diff(keys))) if len(keys) > 1 else 0
    filled = np.where(known, values - values[known].mean(), 0.0)
    spread = float(values[known].std()) or 1.0
    best, most = 0, -np.inf
    for period in range(_SHORTEST, min(_LONGEST, len(values) // 4) + 1):
        total = _best_with_one_shift(filled, period) / (spread * np.sqrt(max(1.0, known.sum() / period)))
        if total > most:
            best, most = period, total
    if not best or (group and _is_own(best, group)):
        return None
    return Footprint(best, tuple(_stretches(filled, values, known, spread, best, 0, len(values), fewest)))


def _is_own(period: int, group: int) -> bool:
    """Tell whether a rhythm may be that of the encoder itself: its key frames, or layers of pictures inside a group."""
    return period % group == 0 or (group % period == 0 and period <= _LONGEST_LAYERS)


def _best_with_one_shift(filled: Values, period: int) -> float:
    before, after, _ = _halves(filled, period)
    return float((before.max(axis=1) + after.max(axis=1)).max())


def _halves(filled: Values, period: int) -> tuple[Values, Values, int]:
    """Return the sums by phase up to every whole period, and after it: shape (periods + 1, period)."""
    count = -(-len(filled) // period)
    padded = np.zeros(count * period)
    padded[: len(filled)] = filled
    before = np.concatenate((np.zeros((1, period)), np.cumsum(padded.reshape(count, period), axis=0)))
    return before, before[-1] - before, count


def _stretches(
    filled: Values,
    values: Values,
    known: NDArray[np.bool_],
    spread: float,
    period: int,
    first: int,
    stop: int,
    fewest: int,
) -> list[Stretch]:
    """Cut a stretch in two where that gains, and those again."""
    before, after, count = _halves(filled[first:stop], period)
    whole = float(before[-1].max())
    gain = before.max(axis=1) + after.max(axis=1) - whole
    gain[: fewest + 1] = gain[max(0, count - fewest) :] = 0.0
    cut = int(np.argmax(gain))
    # By chance alone the better of all phases of a half stands out by a few deviations of a sum.
    chance = 4.0 * spread * np.sqrt(max(1, min(cut, count - cut)))
    if gain[cut] > chance:
        middle = first + cut * period
        return [
            *_stretches(filled, values, known, spread, period, first, middle, fewest),
            *_stretches(filled, values, known, spread, period, middle, stop, fewest),
        ]
    phase = (first + int(np.argmax(before[-1]))) % period
    places = [i for i in range(first + (phase - first) % period, stop, period) if known[i]]
    total = float(filled[places].sum()) if places else 0.0
    strength = total / (spread * np.sqrt(max(1, len(places))))
    peaks = int((values[places] >= _PEAK).sum()) if places else 0
    return [Stretch(first, stop, phase, float(strength), peaks, len(places))]


def border(values: Values, period: int, one: Stretch, other: Stretch) -> tuple[int, int]:
    """Return the last picture that keeps to the phase of one stretch, and the first of the next one's.

    The coarse cut between them is moved to where the two rhythms really meet.
    """
    middle = one.stop
    low, high = max(one.first, middle - 3 * period), min(other.stop, middle + 3 * period)
    old = [i for i in range(low, high) if i % period == one.phase and values[i] >= _PEAK]
    new = [i for i in range(low, high) if i % period == other.phase and values[i] >= _PEAK]
    best, where = -1, (one.stop - 1, one.stop)
    for at in [low, *(i + 1 for i in old)]:
        agree = sum(i < at for i in old) + sum(i >= at for i in new)
        if agree > best:
            later = [i for i in new if i >= at]
            best, where = agree, (at - 1, later[0] if later else at)
    return max(0, where[0]), where[1]
