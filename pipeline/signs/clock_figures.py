"""How a recorder draws the figures of its clock: learnt from pictures of which a recogniser told what they show.

References
----------
J. P. Lewis, "Fast normalized cross-correlation", Vision Interface (1995), 120-123.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.signs.clock_course import FIGURES, Floats, course_of
from pipeline.signs.fields import ClockReading

REACH = 3
"""Columns of a strip by which a figure may stand beside where the recogniser saw it."""
DOUBT_MOST = 9.0
STROKE = 0.33
"""Side of the square that no stroke of a figure holds, in distances of two figures."""
BESIDE, LOOKED_AT, SHIFTED = 2, 8, 0.02
"""Columns by which the last figure may be pushed beside its place, at every how many pictures that is looked at, and
how much more like itself it must then look."""
UNSEEN = 5.0
"""How far a picture must be from every known figure to be taken for one that was never seen, in usual distances."""
SLACK_S = 0.15
"""By how much a clock may change early or late, when labels are compared."""
SAMPLE = 3000
"""Pictures that the figures are learnt from at most."""


@dataclass(frozen=True, slots=True)
class Label:
    """What the recogniser read in one picture."""

    frame: int
    reading: ClockReading
    figures: tuple[int, ...]
    """The figures of the time of day, as they are written; -1 for the tens of an hour that has none."""


def ahead_s(labels: Sequence[Label], time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the labels' time of day is ahead of the stream, in seconds, within half a turn of the first's."""
    cycle = labels[0].reading.cycle_s
    ahead = np.array([label.reading.time_s - time_s[label.frame] for label in labels])
    return np.asarray(ahead - cycle * np.round((ahead - ahead[0]) / cycle), np.float64)


class Cells:
    """Windows of the strips around the figures, as ink: what stands out from its surroundings, whatever lies behind."""

    def __init__(self, strips: NDArray[np.uint8], centres: Sequence[float], dark: bool) -> None:
        self.strips, self.width, self.dark = strips, strips.shape[2], dark
        self.centres = [centre * self.width for centre in centres]
        self.pitch = float(np.median(np.diff(self.centres)[::2]))
        self.half = max(2, round(0.62 * self.pitch))

    def at(self, rows: NDArray[np.intp]) -> Cells:
        """Return the windows of some of the pictures."""
        some = copy(self)
        some.strips = self.strips[rows]
        return some

    def of(self, frames: slice | NDArray[np.intp], figure: int, shift: int = 0) -> Floats:
        """Return one figure of some pictures: float32, shape (pictures, pixels)."""
        inks, middle = self.around(frames, figure)
        return self.cut(inks, middle + shift)

    def around(self, frames: slice | NDArray[np.intp], figure: int) -> tuple[Floats, int]:
        """Return the ink around one figure of some pictures, and the column of its middle."""
        middle, margin = round(self.centres[figure]), round(self.pitch) + REACH
        first = max(0, middle - self.half - margin)
        part = self.strips[frames][:, :, first : middle + self.half + margin + 1]
        return ink(part, self.pitch, self.dark), middle - first

    def inks(self, starts: NDArray[np.intp], stops: NDArray[np.intp]) -> Floats:
        """Return the mean ink of stretches of pictures: float32, shape (stretches, height, width)."""
        means = [
            ink(self.strips[_some(a, b)], self.pitch, self.dark).mean(axis=0)
            for a, b in zip(starts, stops, strict=True)
        ]
        return np.stack(means)

    def cut(self, inks: Floats, middle: int) -> Floats:
        """Return the columns around `middle`, flattened: float32, shape (pictures, pixels)."""
        columns = np.clip(np.arange(middle - self.half, middle + self.half + 1), 0, inks.shape[2] - 1)
        return inks[:, :, columns].reshape(len(inks), -1)


def _some(start: int, stop: int, most: int = 12) -> NDArray[np.intp]:
    """Return up to `most` pictures of a stretch, evenly spaced."""
    return np.unique(np.linspace(start, stop - 1, min(most, stop - start)).round().astype(np.intp))


def ink(strips: NDArray[np.uint8], pitch: float, dark: bool) -> Floats:
    """Return what is brighter (or darker) than all around it and thin: strokes, whatever lies behind them.

    Recorders write white with a dark edge: before a dark wall the white is seen, before a bright sky the edge is. The
    top-hat transform gives nearly the same for both.

    Parameters
    ----------
    strips : uint8, shape (pictures, height, width)
    pitch : float
        Distance of two figures in columns.
    dark : bool
        The recorder writes dark on light.

    Returns
    -------
    float32, shape (pictures, height, width)

    References
    ----------
    F. Meyer, "Iterative image transformations for an automatic screening of cervical smears", J. Histochemistry and
    Cytochemistry 27 (1979), 128-135.
    """
    import cv2

    count, height, width = strips.shape
    tall = np.ascontiguousarray(strips).reshape(
        count * height, width
    )  # one call for all; rows hardly touch at the seams
    side = max(3, round(STROKE * pitch))
    way = cv2.MORPH_BLACKHAT if dark else cv2.MORPH_TOPHAT
    strokes = cv2.morphologyEx(tall, way, np.ones((side, side), np.uint8)).astype(np.float32)
    spread = cv2.GaussianBlur(strokes * strokes, (0, 0), 0.5 * pitch)
    strokes /= np.sqrt(spread) + 4.0
    return np.asarray(strokes, np.float32).reshape(count, height, width)


@dataclass(slots=True)
class Models:
    """The ten figures as this recorder draws them."""

    means: Floats
    """float32, shape (10, pixels); rows of figures that were never seen are NaN."""
    weights: Floats
    """float32, shape (pixels,), adding up to 1: how far a pixel is the same whenever the same figure is shown."""
    noise: float
    """Usual distance of a picture from its figure, as 1 - correlation."""
    contrast: float
    """How much more a picture usually looks like its own figure than like any other."""

    def correlation(self, cells: Floats) -> Floats:
        """Return the weighted correlation of cells with every figure: float32, shape (cells, 10).

        A figure that was never seen is taken for a picture that looks clearly worse like all the others than usual.
        """
        patterns = _standard(np.nan_to_num(self.means), self.weights)
        found = _standard(cells, self.weights) @ (patterns * self.weights).T
        found[:, np.isnan(self.means[:, 0])] = 1.0 - UNSEEN * self.noise
        return found

    def beside(self, cells: Cells, every: int) -> NDArray[np.intp]:
        """Return by how many columns the last figure of every picture stands beside its place: intp, (pictures,).

        Where a 1 takes less room than a 0, the figures before it push it to and fro. It is looked at in one of
        `every` pictures.
        """
        import cv2

        count, place = len(cells.strips), len(cells.centres) - 1
        shifts = np.arange(-BESIDE, BESIDE + 1)
        rows = np.arange(0, count, every)
        inks, middle = cells.around(rows, place)
        fits = np.stack([self.correlation(cells.cut(inks, middle + int(shift))).max(axis=1) for shift in shifts])
        fits = np.atleast_2d(cv2.blur(fits, (5, 1)))
        fits[BESIDE] += SHIFTED
        return np.repeat(shifts[fits.argmax(axis=0)], every)[:count].astype(np.intp)

    def doubts(self, cells: Cells, every: int, batch: int = 20_000) -> tuple[Floats, Floats]:
        """Return how well the last figure of every picture looks like every figure, and what speaks against each.

        Whether it stands beside its place is looked at in one of `every` pictures.

        Returns
        -------
        likeness : float32, shape (pictures, 10), -1 to 1
        doubts : float32, shape (pictures, 10), 0 for the best
        """
        count, place = len(cells.strips), len(cells.centres) - 1
        beside = self.beside(cells, every)
        likeness = np.empty((count, FIGURES), np.float32)
        for at in range(0, count, batch):
            inks, middle = cells.around(slice(at, at + batch), place)
            for shift in np.unique(beside[at : at + batch]):
                some = np.flatnonzero(beside[at : at + batch] == shift)
                likeness[at + some] = self.correlation(cells.cut(inks[some], middle + int(shift)))
        doubts = np.minimum((likeness.max(axis=1, keepdims=True) - likeness) / self.noise, DOUBT_MOST)
        return likeness, np.asarray(doubts, np.float32)


def _standard(cells: Floats, weights: Floats) -> Floats:
    """Return cells with weighted mean 0 and weighted variance 1; flat ones become 0."""
    centred = cells - (cells @ weights)[:, None]
    spread = np.sqrt((centred * centred) @ weights)
    return np.asarray(centred / np.maximum(spread, 1e-3)[:, None], np.float32)


def learn(cells: Cells, time_s: NDArray[np.float64], labels: Sequence[Label], blanks: Sequence[int]) -> Models:
    """Learn the figures from pictures whose last figure the labels tell, then from those of them that look like it."""
    place = len(cells.centres) - 1
    frames, named = _told(time_s, labels, blanks)
    if len(frames) > SAMPLE:
        chosen = np.linspace(0, len(frames) - 1, SAMPLE).round().astype(np.intp)
        frames, named = frames[chosen], named[chosen]
    seen = cells.of(frames, place)
    models = _fit(seen, named)
    likeness = models.correlation(seen)
    own = likeness[np.arange(len(seen)), named]
    keep = own >= likeness.max(axis=1) - 0.05  # what a label between two edits got wrong does not look like itself
    return _borrow(_fit(seen[keep], named[keep]) if keep.any() else models, cells, labels)


def learn_again(
    models: Models, strips: NDArray[np.uint8], cells: Cells, time_s: NDArray[np.float64], step_s: float
) -> Models:
    """Learn the figures anew from pictures of the whole clip, before all that lies behind them."""
    rows = np.unique(np.linspace(0, len(strips) - 1, min(len(strips), SAMPLE)).round().astype(np.intp))
    some = cells.at(rows)
    likeness, doubts = models.doubts(some, max(1, LOOKED_AT * len(rows) // len(strips)))
    named = course_of(doubts, time_s[rows], step_s)
    own = likeness[np.arange(len(rows)), named]
    keep = own >= 0.7 * np.median(own)  # pictures without overlay teach nothing
    if not keep.any():
        return models
    again = _fit(some.of(np.flatnonzero(keep), len(cells.centres) - 1), named[keep])
    unseen = np.isnan(again.means[:, 0])
    again.means[unseen] = models.means[unseen]
    return again


def _told(
    time_s: NDArray[np.float64], labels: Sequence[Label], blanks: Sequence[int]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pictures whose last figure follows from labels around them, and that figure.

    A label fixes when the clock changed before and after it to within a second; labels that agree narrow that down.
    Between labels that agree, a picture is told if every possible moment of change gives it the same figure, unless
    no clock could be read in between.
    """
    step = labels[0].reading.step_s
    groups: list[list[Label]] = []
    low = high = 0.0
    for label, ahead in zip(labels, ahead_s(labels, time_s), strict=True):
        if groups and max(low, ahead) < min(high, ahead + step) + SLACK_S:
            low, high = max(low, ahead), min(high, ahead + step)
            groups[-1].append(label)
        else:
            groups.append([label])
            low, high = ahead, ahead + step
    frames, figures = [], []
    for group in groups:
        ahead = ahead_s(group, time_s)
        low, high = float(ahead.max()), float(ahead.min()) + step
        low, high = min(low, high) - SLACK_S, max(low, high) + SLACK_S
        rows = np.arange(group[0].frame, group[-1].frame + 1)
        early, late = (np.floor((time_s[rows] + shift) / step).astype(np.int64) for shift in (low, high - 1e-6))
        own = [label.frame - rows[0] for label in group]
        sure, early = early == late, early % FIGURES
        sure[own], early[own] = True, [label.figures[-1] for label in group]
        frames.append(rows[sure])
        figures.append(early[sure])
    told, named = np.concatenate(frames), np.concatenate(figures)
    looked = np.sort([*blanks, *(label.frame for label in labels)])
    blank = np.isin(looked, blanks)
    before = np.searchsorted(looked, told, side="right") - 1
    after = np.searchsorted(looked, told)
    good = ~(blank[before] | blank[after])
    return told[good], named[good]


def _fit(cells: Floats, figures: NDArray[np.intp]) -> Models:
    """Return the figures as the means of cells that show them."""
    means = np.full((FIGURES, cells.shape[1]), np.nan, np.float32)
    within = np.zeros(cells.shape[1], np.float32)
    for figure in range(FIGURES):
        mine = cells[figures == figure]
        if len(mine):
            means[figure] = np.median(mine, axis=0) if len(mine) < 50 else mine.mean(axis=0)
            within += ((mine - means[figure]) ** 2).sum(axis=0)
    seen = ~np.isnan(means[:, 0])
    variance = within / max(1, len(cells) - int(seen.sum()))
    between = means[seen].var(axis=0)
    # A pixel counts for as much as it tells: ink that changes with the figure, over what changes without it.
    weights = (between + 0.02) / (variance + 0.02)
    weights = np.asarray(weights / weights.sum(), np.float32)
    models = Models(means, weights, 1.0, 0.0)
    likeness = models.correlation(cells)
    rows = np.arange(len(cells))
    own = likeness[rows, figures]
    models.noise = float(np.clip(np.median(1.0 - own), 0.01, 0.2))
    likeness[rows, figures] = -1.0
    models.contrast = float(np.mean(own - likeness.max(axis=1)))
    return models


def _borrow(models: Models, cells: Cells, labels: Sequence[Label]) -> Models:
    """Take figures that the last place never showed from the other places of labelled lines."""
    for figure in np.flatnonzero(np.isnan(models.means[:, 0])):
        found = []
        for place in range(len(cells.centres) - 1):
            frames = np.array([label.frame for label in labels if label.figures[place] == figure], np.intp)
            if len(frames):
                found.append(cells.of(frames, place, shift_of(models, cells, labels, place)))
        if found:
            models.means[figure] = np.median(np.concatenate(found), axis=0)
    return models


def shift_of(models: Models, cells: Cells, labels: Sequence[Label], place: int) -> int:
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
