"""The burned-in clock of every picture, read by comparing its figures with themselves: pure functions of arrays.

A recogniser labels a few lines. From them the ten figures are learnt as this recorder draws them, in the place of the last
figure; every picture's last figure is then told by normalised cross-correlation with the ten, and the most likely course of
the figures through all pictures by the Viterbi algorithm (figures stay, or go on by one, unless the pictures speak against
it). The other figures are read once for each second, from the mean of its pictures. Days, and the halves of a day, come from
the lines that the recogniser read.

References
----------
A. Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", IEEE Trans. Information
Theory 13 (1967), 260-269. J. P. Lewis, "Fast normalized cross-correlation", Vision Interface (1995), 120-123.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.signs.fields import ClockReading

Floats = NDArray[np.float32]

FIGURES = 10
NONE = -1
REACH = 3
"""Columns of a strip by which a figure may stand beside where the recogniser saw it."""
STAY, NEXT, LEAP = 0.0, 2.0, 8.0
"""What it costs that the last figure stays, goes on by one, or changes in another way, in units of doubt."""
DOUBT_MOST = 9.0
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Label:
    """What the recogniser read in one picture."""

    frame: int
    reading: ClockReading
    figures: tuple[int, ...]
    """The figures of the time of day, as they are written."""


@dataclass(frozen=True, slots=True)
class Course:
    """The clock through all pictures."""

    clock_s: NDArray[np.float64]
    """float64, shape (pictures,): as column `frames.clock_s`."""
    score: NDArray[np.float64]
    """float64, shape (pictures,), 0 to 1: as column `frames.clock_score`."""


def follow(
    strips: NDArray[np.uint8], centres: Sequence[float], labels: Sequence[Label], min_score: float
) -> Course:
    """Read the clock of every picture.

    Parameters
    ----------
    strips : uint8, shape (pictures, height, width)
        The figures of the time of day, cut out at one place.
    centres : sequence of float
        Centre of each figure in widths of a strip: hour, minute and, if shown, second.
    labels : sequence of Label
        Lines that were read, with as many figures as `centres`; in order of frame.
    min_score : float
        Score under which a picture's clock counts as not read, as a share of the usual score.
    """
    unknown = Course(np.full(len(strips), np.nan), np.full(len(strips), np.nan))
    usable = [label for label in labels if 0 <= label.frame < len(strips) and len(label.figures) == len(centres)]
    if not usable:
        return unknown
    cells = _Cells(strips, centres)
    models = _learn(cells, usable)
    if models is None:
        return unknown
    last, score = models.course(cells)
    usual = float(np.median(score[last != NONE])) if (last != NONE).any() else 0.0
    seen = (last != NONE) & (score >= min_score * usual)
    starts, stops = _stretches(np.where(seen, last, NONE))
    if not len(starts):
        return Course(unknown.clock_s, score.astype(np.float64))
    shown = _whole(cells, models, starts, stops, last, usable)
    clock_s = np.full(len(strips), np.nan)
    for start, stop, value in zip(starts, stops, shown, strict=True):
        clock_s[start:stop] = value
    return Course(clock_s, score.astype(np.float64))


class _Cells:
    """Windows of the strips around the figures."""

    def __init__(self, strips: NDArray[np.uint8], centres: Sequence[float]) -> None:
        self.strips, self.width = strips, strips.shape[2]
        self.centres = [centre * self.width for centre in centres]
        pitch = float(np.median(np.diff(self.centres)[::2]))
        self.half = max(2, round(0.62 * pitch))
        self.pitch = pitch

    def of(self, frames: slice | NDArray[np.intp], figure: int, shift: int = 0) -> Floats:
        """Return one figure of some pictures: float32, shape (pictures, pixels)."""
        return self._cut(self.strips[frames], figure, shift)

    def of_mean(self, mean: Floats, figure: int, shift: int = 0) -> Floats:
        """Return one figure of strips that were averaged: float32, shape (strips, pixels)."""
        return self._cut(mean, figure, shift)

    def _cut(self, strips: NDArray[np.generic], figure: int, shift: int) -> Floats:
        middle = round(self.centres[figure]) + shift
        columns = np.clip(np.arange(middle - self.half, middle + self.half + 1), 0, self.width - 1)
        cut = strips[:, :, columns].astype(np.float32)
        return cut.reshape(len(cut), -1)


@dataclass(slots=True)
class _Models:
    """The ten figures as this recorder draws them."""

    means: Floats
    """float32, shape (10, pixels); rows of figures that were never seen are NaN."""
    weights: Floats
    """float32, shape (pixels,), adding up to 1: how far a pixel is the same whenever the same figure is shown."""
    noise: float
    """Usual distance of a picture from its figure, as 1 - correlation."""

    def correlation(self, cells: Floats) -> Floats:
        """Return the weighted correlation of cells with every figure: float32, shape (cells, 10); -1 for unseen ones."""
        patterns = _standard(np.nan_to_num(self.means), self.weights)
        found = _standard(cells, self.weights) @ (patterns * self.weights).T
        found[:, np.isnan(self.means[:, 0])] = -1.0
        return found

    def course(self, cells: _Cells, batch: int = 20_000) -> tuple[NDArray[np.intp], Floats]:
        """Return the last figure of every picture (NONE: not there) and how well it looks like itself, 0 to 1."""
        count = len(cells.strips)
        parts = [
            self.correlation(cells.of(slice(at, at + batch), len(cells.centres) - 1)) for at in range(0, count, batch)
        ]
        likeness = np.concatenate(parts)
        last = _viterbi(np.minimum((1.0 - likeness) / self.noise, DOUBT_MOST))
        return last, np.clip(likeness[np.arange(count), last], 0.0, 1.0)


def _standard(cells: Floats, weights: Floats) -> Floats:
    """Return cells with weighted mean 0 and weighted variance 1; flat ones become 0."""
    centred = cells - (cells @ weights)[:, None]
    spread = np.sqrt((centred * centred) @ weights)
    return np.asarray(centred / np.maximum(spread, 1e-3)[:, None], np.float32)


def _learn(cells: _Cells, labels: Sequence[Label]) -> _Models | None:
    """Learn the figures from labelled lines, then again from all the pictures that look like them."""
    place = len(cells.centres) - 1
    frames = np.array([label.frame for label in labels])
    named = np.array([label.figures[place] for label in labels])
    models = _fit(cells.of(frames, place), named)
    if models is None:
        return None
    for _ in range(ROUNDS):
        last, score = models.course(cells)
        keep = np.flatnonzero(score >= 0.8 * np.median(score))
        keep = keep[:: max(1, len(keep) // 6000)]
        again = _fit(cells.of(keep, place), last[keep])
        if again is None:
            break
        unseen = np.isnan(again.means[:, 0])
        again.means[unseen] = models.means[unseen]
        models = again
    return _borrow(models, cells, labels)


def _fit(cells: Floats, figures: NDArray[np.intp]) -> _Models | None:
    """Return the figures as the means of cells that show them."""
    means = np.full((FIGURES, cells.shape[1]), np.nan, np.float32)
    within = np.zeros(cells.shape[1], np.float32)
    for figure in range(FIGURES):
        mine = cells[figures == figure]
        if len(mine):
            means[figure] = np.median(mine, axis=0) if len(mine) < 50 else mine.mean(axis=0)
            within += ((mine - means[figure]) ** 2).sum(axis=0)
    seen = ~np.isnan(means[:, 0])
    if not seen.any():
        return None
    variance = within / max(1, len(cells) - int(seen.sum()))
    between = means[seen].var(axis=0)
    # A pixel counts for as much as it tells: ink that changes with the figure, over what changes without it.
    weights = (between + 25.0) / (variance + 0.25 * float(np.median(variance)) + 25.0)
    weights = np.asarray(weights / weights.sum(), np.float32)
    models = _Models(means, weights, 1.0)
    own = models.correlation(cells)[np.arange(len(cells)), figures]
    models.noise = float(np.clip(np.median(1.0 - own), 0.01, 0.2))
    return models


def _borrow(models: _Models, cells: _Cells, labels: Sequence[Label]) -> _Models:
    """Take figures that the last place never showed from the other places of labelled lines."""
    for figure in np.flatnonzero(np.isnan(models.means[:, 0])):
        found = []
        for place in range(len(cells.centres) - 1):
            frames = np.array([label.frame for label in labels if label.figures[place] == figure], np.intp)
            if len(frames):
                found.append(cells.of(frames, place, _shift_of(models, cells, labels, place)))
        if found:
            models.means[figure] = np.median(np.concatenate(found), axis=0)
    return models


def _shift_of(models: _Models, cells: _Cells, labels: Sequence[Label], place: int) -> int:
    """Return by how many columns a place stands beside where it was expected, seen from the last place's figures."""
    known = ~np.isnan(models.means[:, 0])
    rows = [label for label in labels if known[label.figures[place]]]
    if not rows:
        return 0
    frames = np.array([label.frame for label in rows])
    named = np.array([label.figures[place] for label in rows])
    fits = []
    for shift in range(-REACH, REACH + 1):
        likeness = models.correlation(cells.of(frames, place, shift))
        fits.append(float(likeness[np.arange(len(rows)), named].mean()))
    best = int(np.argmax(fits))
    return best - REACH


def _viterbi(doubt: Floats) -> NDArray[np.intp]:
    """Return the likeliest course of the last figure: intp, shape (pictures,).

    Parameters
    ----------
    doubt : float32, shape (pictures, 10)
        How badly every picture looks like every figure.
    """
    count = len(doubt)
    steps = np.full((FIGURES, FIGURES), LEAP, np.float32)
    for figure in range(FIGURES):
        steps[figure, figure], steps[figure, (figure + 1) % FIGURES] = STAY, NEXT
    came = np.empty((count, FIGURES), np.int8)
    cost = doubt[0].copy() if count else np.empty(0, np.float32)
    every = np.arange(FIGURES)
    for at in range(1, count):
        ways = cost[:, None] + steps
        best = ways.argmin(axis=0)
        came[at] = best
        cost = ways[best, every] + doubt[at]
    course = np.empty(count, np.intp)
    if count:
        course[-1] = int(cost.argmin())
        for at in range(count - 1, 0, -1):
            course[at - 1] = came[at, course[at]]
    return course


def _stretches(last: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where stretches of one last figure begin and end, those without a figure left out."""
    edges = np.flatnonzero(np.diff(last, prepend=NONE - 1, append=NONE - 1))
    starts, stops = edges[:-1], edges[1:]
    there = last[starts] != NONE
    return starts[there], stops[there]


def _whole(
    cells: _Cells,
    models: _Models,
    starts: NDArray[np.intp],
    stops: NDArray[np.intp],
    last: NDArray[np.intp],
    labels: Sequence[Label],
) -> NDArray[np.float64]:
    """Return what the clock shows in every stretch: float64, shape (stretches,)."""
    means = np.stack([cells.strips[a:b].mean(axis=0, dtype=np.float32) for a, b in zip(starts, stops, strict=True)])
    places = len(cells.centres)
    figures = np.empty((len(starts), places), np.int64)
    for place in range(places - 1):
        shift = _shift_of(models, cells, labels, place)
        likeness = models.correlation(cells.of_mean(means, place, shift))
        figures[:, place] = likeness.argmax(axis=1)
    figures[:, -1] = last[starts]
    step_s, cycle_s = labels[0].reading.step_s, labels[0].reading.cycle_s
    tens = figures[:, ::2] * 10 + figures[:, 1::2]
    hours = tens[:, 0] % 12 if cycle_s < 86400 else tens[:, 0]
    time_s = hours * 3600 + tens[:, 1] * 60 + (tens[:, 2] if places == 6 else 0)
    time_s = _mended(time_s, step_s, cycle_s)
    return _dated(time_s, starts, stops, labels, cycle_s)


def _mended(time_s: NDArray[np.int64], step_s: int, cycle_s: int) -> NDArray[np.int64]:
    """Return readings with those corrected that fit neither side while their neighbours fit each other."""
    mended = time_s.copy()
    for at in range(1, len(mended) - 1):
        before, after = mended[at - 1], time_s[at + 1]
        if (after - before) % cycle_s == 2 * step_s and (mended[at] - before) % cycle_s != step_s:
            mended[at] = (before + step_s) % cycle_s
    return mended


def _dated(
    time_s: NDArray[np.int64],
    starts: NDArray[np.intp],
    stops: NDArray[np.intp],
    labels: Sequence[Label],
    cycle_s: int,
) -> NDArray[np.float64]:
    """Return readings with day and half of the day, from the line that the recogniser read nearest to them."""
    middles = (starts + stops) / 2
    frames = np.array([label.frame for label in labels])
    values = np.array([label.reading.clock_s for label in labels])
    nearest = np.abs(frames[None, :] - middles[:, None]).argmin(axis=1)
    base = values[nearest]
    ahead = (time_s - base) % cycle_s
    ahead = np.where(ahead > cycle_s / 2, ahead - cycle_s, ahead)
    return np.asarray(base + ahead, np.float64)
