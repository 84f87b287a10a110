"""The burned-in clock of every picture, read by comparing its figures with themselves: pure functions of arrays.

A recogniser labels a few lines. From them the ten figures are learnt as this recorder draws them, in the place of the
last figure; every picture's last figure is compared with the ten by normalised cross-correlation, and how far the
clock is ahead of the stream from picture to picture is the likeliest course that the Viterbi algorithm finds. The
other figures are read once for each second, from the mean of its pictures. Days, and the halves of a day, come from
the lines that the recogniser read.

References
----------
A. Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", IEEE Trans.
Information Theory 13 (1967), 260-269. J. P. Lewis, "Fast normalized cross-correlation", Vision Interface (1995),
120-123.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.signs.fields import DAY_S, ClockReading

Floats = NDArray[np.float32]

FIGURES = 10
REACH = 3
"""Columns of a strip by which a figure may stand beside where the recogniser saw it."""
GRAIN_MOST = 400
"""Steps into which ten turns of the last figure are divided at most."""
VITERBI_BATCH = 4096
"""Pictures for which the costs of all states are laid out at a time."""
_STAYED, _FROM_BEFORE, _LEAPT = 0, 1, 3
"""How a state was come by; 2 is from the state after it."""
NUDGE, LEAP = 3.0, 14.0
"""What it costs, in units of doubt, that the clock shifts against the stream by one picture, or by any amount."""
DOUBT_MOST = 9.0
CHANGE = 10.0
"""What it costs that the clock goes on otherwise than by one, in the same units."""
LABELLED = 100.0
"""What it costs, in the same units, that the clock shows something else than two readings of it say."""
STROKE = 0.33
"""Side of the square that no stroke of a figure holds, in distances of two figures."""
BESIDE, LOOKED_AT, SHIFTED = 2, 8, 0.02
"""Columns by which the last figure may be pushed beside its place, at every how many pictures that is looked at, and
how much more like itself it must then look."""
SETTLED, PLAINLY = 2, 0.25
"""By how many pictures a change is moved at most, and by how much more a picture must look like the other figure."""
OFTEN = 4
"""How often a figure must come up before its own usual score is known."""
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


@dataclass(frozen=True, slots=True)
class Course:
    """The clock through all pictures."""

    clock_s: NDArray[np.float64]
    """float64, shape (pictures,): as column `frames.clock_s`."""
    score: NDArray[np.float64]
    """float64, shape (pictures,), 0 to 1: as column `frames.clock_score`."""


def follow(
    strips: NDArray[np.uint8],
    time_s: NDArray[np.float64],
    centres: Sequence[float],
    labels: Sequence[Label],
    blanks: Sequence[int],
    min_score: float,
) -> Course:
    """Read the clock of every picture.

    Parameters
    ----------
    strips : uint8, shape (pictures, height, width)
        The figures of the time of day, cut out at one place.
    time_s : float64, shape (pictures,)
        Presentation times.
    centres : sequence of float
        Centre of each figure in widths of a strip: hour, minute and, if shown, second.
    labels : sequence of Label
        Lines that were read, with as many figures as `centres`; in order of frame.
    blanks : sequence of int
        Frames in which no clock could be read where it should stand: the overlay may be gone there.
    min_score : float
        Score under which a picture's clock counts as not read, as a share of the usual score.
    """
    unknown = Course(np.full(len(strips), np.nan), np.full(len(strips), np.nan))
    usable = [label for label in labels if 0 <= label.frame < len(strips) and len(label.figures) == len(centres)]
    known = np.isfinite(time_s)
    if not usable or not known.any():
        return unknown
    time_s = np.interp(np.arange(len(time_s)), np.flatnonzero(known), time_s[known])
    usable = _borne_out(usable, time_s)
    tries = [_Cells(strips, centres, dark) for dark in (False, True)]
    learnt = [(_learn(cells, time_s, usable, blanks), cells) for cells in tries]
    models, cells = max(learnt, key=lambda one: one[0].contrast / one[0].noise)
    step_s = usable[0].reading.step_s
    models = _again(models, strips, cells, time_s, step_s)
    likeness, doubts = models.doubts(cells, LOOKED_AT)
    last = _settled(course_of(doubts, time_s, step_s), likeness)
    score = np.clip(likeness[np.arange(len(strips)), last], 0.0, 1.0).astype(np.float64)
    starts = np.flatnonzero(np.diff(last, prepend=-1))
    stops = np.append(starts[1:], len(last))
    score = _evened(score, last, last[starts])
    seen = [label for label in usable if label.figures[-1] == last[label.frame]]
    starts, shown = _whole(cells, models, starts, stops, seen or usable)
    clock_s = np.repeat(shown, np.diff(starts, append=len(last)))
    clock_s[score < min_score * np.median(score)] = np.nan
    return Course(clock_s, score)


def _ahead(labels: Sequence[Label], time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the labels' time of day is ahead of the stream, in seconds, within half a turn of the first's."""
    cycle = labels[0].reading.cycle_s
    ahead = np.array([label.reading.time_s - time_s[label.frame] for label in labels])
    return np.asarray(ahead - cycle * np.round((ahead - ahead[0]) / cycle), np.float64)


def _borne_out(labels: list[Label], time_s: NDArray[np.float64]) -> list[Label]:
    """Return the labels that one of the two before or after them agrees with; all if none does.

    A date that no other of them bears out is taken from the nearest label whose date is.
    """
    ahead = _ahead(labels, time_s)
    order = np.arange(len(labels))
    near = np.abs(np.subtract.outer(order, order))
    near = (near > 0) & (near <= 2)
    agree = (near & (np.abs(np.subtract.outer(ahead, ahead)) <= labels[0].reading.step_s + SLACK_S)).any(axis=1)
    days = np.array([np.nan if label.reading.day is None else label.reading.day for label in labels])
    dated = (near & (np.abs(np.subtract.outer(days, days)) <= 1)).any(axis=1)
    if not dated.any():
        dated = np.isfinite(days)
    kept = []
    for at in np.flatnonzero(agree) if agree.any() else order:
        label = labels[at]
        if not dated[at] and dated.any():
            nearest = labels[min(np.flatnonzero(dated), key=lambda other: abs(int(other) - int(at)))]
            label = replace(label, reading=replace(label.reading, day=nearest.reading.day))
        kept.append(label)
    return kept


def _settled(last: NDArray[np.intp], likeness: Floats) -> NDArray[np.intp]:
    """Return a course whose changes are moved by a picture or two to where the pictures plainly show them.

    A recorder that draws its figure a picture late costs the likeliest course more than a picture that fits badly.
    """
    settled = last.copy()
    for change in (np.flatnonzero(np.diff(last)) + 1).tolist():
        old, new = last[change - 1], last[change]
        near = likeness[max(0, change - SETTLED) : change + SETTLED]
        plainer = near[:, old] - near[:, new]
        before, after = plainer[: min(change, SETTLED)], plainer[min(change, SETTLED) :]
        late = int(np.argmin(np.append(after > PLAINLY, False)))
        early = int(np.argmin(np.append(before[::-1] < -PLAINLY, False)))
        settled[change : change + late] = old
        settled[change - early : change] = new
    return settled


def _evened(score: NDArray[np.float64], last: NDArray[np.intp], turns: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return scores in which a figure that always looks a little less like itself scores as the others do.

    Only for figures that come up often enough for "always" to mean something.
    """
    usual = float(np.median(score))
    evened = score.copy()
    for figure in range(FIGURES):
        own = last == figure
        if (turns == figure).sum() >= OFTEN and 0.3 * usual < (middle := float(np.median(score[own]))) < usual:
            evened[own] *= usual / middle
    return np.asarray(np.clip(evened, 0.0, 1.0), np.float64)


def leaps(clock_s: NDArray[np.float64], step_s: float) -> list[int]:
    """Return the rows in which the clock, `frames.clock_s`, does not go on by one step from the row read before."""
    known = np.flatnonzero(np.isfinite(clock_s))
    change = np.diff(clock_s[known])
    return [int(row) for row in known[1:][(change != 0) & (change != step_s)]]


class _Cells:
    """Windows of the strips around the figures, as ink: what stands out from its surroundings, whatever lies behind."""

    def __init__(self, strips: NDArray[np.uint8], centres: Sequence[float], dark: bool) -> None:
        self.strips, self.width, self.dark = strips, strips.shape[2], dark
        self.centres = [centre * self.width for centre in centres]
        self.pitch = float(np.median(np.diff(self.centres)[::2]))
        self.half = max(2, round(0.62 * self.pitch))

    def at(self, rows: NDArray[np.intp]) -> _Cells:
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
class _Models:
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

    def beside(self, cells: _Cells, every: int) -> NDArray[np.intp]:
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

    def doubts(self, cells: _Cells, every: int, batch: int = 20_000) -> tuple[Floats, Floats]:
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


def _learn(cells: _Cells, time_s: NDArray[np.float64], labels: Sequence[Label], blanks: Sequence[int]) -> _Models:
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


def _again(
    models: _Models, strips: NDArray[np.uint8], cells: _Cells, time_s: NDArray[np.float64], step_s: float
) -> _Models:
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
    for label, ahead in zip(labels, _ahead(labels, time_s), strict=True):
        if groups and max(low, ahead) < min(high, ahead + step) + SLACK_S:
            low, high = max(low, ahead), min(high, ahead + step)
            groups[-1].append(label)
        else:
            groups.append([label])
            low, high = ahead, ahead + step
    frames, figures = [], []
    for group in groups:
        ahead = _ahead(group, time_s)
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


def _fit(cells: Floats, figures: NDArray[np.intp]) -> _Models:
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
    models = _Models(means, weights, 1.0, 0.0)
    likeness = models.correlation(cells)
    rows = np.arange(len(cells))
    own = likeness[rows, figures]
    models.noise = float(np.clip(np.median(1.0 - own), 0.01, 0.2))
    likeness[rows, figures] = -1.0
    models.contrast = float(np.mean(own - likeness.max(axis=1)))
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


def course_of(doubts: Floats, time_s: NDArray[np.float64], step_s: float) -> NDArray[np.intp]:
    """Return the likeliest last figure of every picture: intp, shape (pictures,).

    The hidden state is how far the clock is ahead of the stream, modulo ten turns of its last figure. It stays,
    shifts by about one picture (jitter, drift) or leaps (something was cut out or put in), at the costs NUDGE and
    LEAP.

    Parameters
    ----------
    doubts : float32, shape (pictures, 10)
        What speaks against every figure.
    time_s : float64, shape (pictures,)
        Presentation times.
    step_s : float
        After how many seconds the last figure changes.
    """
    turn = FIGURES * step_s
    usual = float(np.median(np.diff(time_s))) if len(time_s) > 1 else step_s
    grains = max(FIGURES, min(GRAIN_MOST, round(turn / usual) if usual > 0 else GRAIN_MOST))
    ahead = (np.arange(grains) + 0.5) * turn / grains
    count = len(doubts)
    came = np.empty((count, grains), np.int8)
    leapt = np.zeros(count, np.int32)
    circle = np.zeros(grains + 2, np.float32)  # the states and, at either end, the one at the other end
    before, cost, after = circle[:-2], circle[1:-1], circle[2:]
    shifted = np.empty(grains, np.float32)
    for first in range(0, count, VITERBI_BATCH):
        batch = slice(first, first + VITERBI_BATCH)
        shown = ((time_s[batch, None] + ahead) // step_s).astype(np.int64) % FIGURES
        for at, against in enumerate(np.take_along_axis(doubts[batch], shown, axis=1), first):
            if at:
                leapt[at] = cheapest = int(cost.argmin())
                leap = cost[cheapest] + LEAP
                way = came[at]
                np.add(before > after, _FROM_BEFORE, out=way, casting="unsafe")
                np.minimum(before, after, out=shifted)
                np.add(shifted, NUDGE, out=shifted)
                np.multiply(way, shifted < cost, out=way)
                np.minimum(cost, shifted, out=cost)
                way[leap < cost] = _LEAPT
                np.minimum(cost, leap, out=cost)
            cost += against
            circle[0], circle[-1] = cost[-1], cost[0]
    state, course = int(cost.argmin()), np.empty(count, np.intp)
    for at in range(count - 1, -1, -1):
        course[at] = int((time_s[at] + ahead[state]) // step_s) % FIGURES
        way = int(came[at, state]) if at else _STAYED
        state = (state, (state - 1) % grains, (state + 1) % grains, int(leapt[at]))[way]
    return course


def _whole(
    cells: _Cells,
    models: _Models,
    starts: NDArray[np.intp],
    stops: NDArray[np.intp],
    labels: Sequence[Label],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return where stretches start, and what the clock shows in each: intp and float64, shape (stretches,).

    Every stretch has doubts about every figure in every place. As long as the clock goes on, what it shows less the
    number of the stretch is constant: the likeliest course of that difference, among those that labels or single
    stretches suggest, is found by the Viterbi algorithm, so a figure that is hard to see does not make a jump. A
    stretch in which the clock leaps from a time to one that ends in the same figure becomes two.
    """
    inks = cells.inks(starts, stops)
    places, count = len(cells.centres), len(starts)
    doubts = np.empty((count, places, FIGURES), np.float32)
    shifts: dict[int, int] = {}
    at = np.searchsorted(starts, [label.frame for label in labels], side="right") - 1
    for place in range(places):
        written = np.array([label.figures[place] for label in labels])
        shift = shifts[place] = _shift_of(models, cells, labels, place)
        likeness = _likeness_beside(cells, models, inks, round(cells.centres[place]) + shift)
        doubts[:, place] = (likeness.max(axis=1, keepdims=True) - likeness) / max(models.noise, 0.05)
        if 3 * (likeness[at].argmax(axis=1) == written).sum() < 2 * len(labels):
            doubts[:, place] = 0.0  # not written, or not where it was thought to be: left to the labels
            del shifts[place]
    np.minimum(doubts, DOUBT_MOST, out=doubts)
    step, cycle = labels[0].reading.step_s, labels[0].reading.cycle_s
    number = np.arange(count)
    best = doubts.argmin(axis=2)
    read = _seconds(best) % cycle
    named = np.array([label.reading.time_s for label in labels]) % cycle
    ahead = [(named - at * step) % cycle, *(((read - number * step) % cycle)[:, None])]
    offsets, votes = np.unique(np.concatenate(ahead), return_counts=True)
    offsets = offsets[(votes >= 2) | np.isin(offsets, ahead[0])]
    shown = (number[:, None] * step + offsets[None, :]) % cycle
    digits = _written(shown, places, cycle, labels)
    cost = np.zeros(shown.shape, np.float32)
    for place in range(places):
        cost += np.take_along_axis(doubts[:, place], digits[:, :, place], axis=1)
    for first, second, told in zip(at, [*at[1:], count - 1], ahead[0], strict=True):
        # Between labels that agree, nothing else is believed: a figure that is hard to see there makes no leap.
        rows = slice(first, second + 1 if second > first and told in ahead[0][at == second] else first + 1)
        cost[rows, offsets != told] += LABELLED
    course = _steadiest(cost)
    starts, times = _parted(cells, models, shifts, starts, stops, shown[number, course], labels)
    return starts, _dated(times, starts, np.append(starts[1:], stops[-1]), labels, cycle)


def _likeness_beside(cells: _Cells, models: _Models, inks: Floats, middle: int) -> Floats:
    """Return how much one figure of every stretch looks like every figure, where it looks most like any of them.

    Narrow figures beside it may push it aside. Shape (stretches, 10).
    """
    tries = [models.correlation(cells.cut(inks, middle + shift)) for shift in range(-BESIDE, BESIDE + 1)]
    fits = np.stack([likeness.max(axis=1) for likeness in tries])
    fits[BESIDE] += SHIFTED
    return np.asarray(np.stack(tries)[fits.argmax(axis=0), np.arange(len(inks))], np.float32)


def _parted(
    cells: _Cells,
    models: _Models,
    shifts: Mapping[int, int],
    starts: NDArray[np.intp],
    stops: NDArray[np.intp],
    times: NDArray[np.int64],
    labels: Sequence[Label],
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Part the stretches beside a leap in which its last figure stays the same: return all starts and times.

    `shifts` tells how many columns beside its centre each figure stands that can be read.
    """
    step, cycle = labels[0].reading.step_s, labels[0].reading.cycle_s
    places = len(cells.centres)
    added = []
    for after in np.flatnonzero((np.diff(times) - step) % cycle) + 1:
        old, new = int(times[after - 1]), int(times[after])
        for row, before, then in ((after - 1, old, new - step), (after, old + step, new)):
            first, second = _written(np.array([before, then]) % cycle, places, cycle, labels)
            if first[-1] != second[-1]:
                continue
            frames = np.arange(starts[row], stops[row])
            gain = np.zeros(len(frames))
            for place in shifts.keys() & set(np.flatnonzero(first != second).tolist()):
                likeness = models.correlation(cells.of(frames, place, shifts[place]))
                gain += (likeness[:, second[place]] - likeness[:, first[place]]) / max(models.noise, 0.05)
            # What is won by showing `then` from each picture on, `before` until then
            won = np.append(np.cumsum(gain[::-1])[::-1], 0.0) - np.insert(np.cumsum(gain), 0, 0.0)
            leap = int(won.argmax())
            if 0 < leap < len(frames) and won[leap] > max(won[0], won[-1]) + LEAP:
                added.append((frames[leap], then))
                times[row] = before
                break
    every = sorted([*zip(starts, times, strict=True), *added])
    return np.array([start for start, _ in every], np.intp), np.array([time for _, time in every], np.int64)


def _seconds(figures: NDArray[np.intp]) -> NDArray[np.intp]:
    tens = figures[..., ::2] * 10 + figures[..., 1::2]
    return tens[..., 0] * 3600 + tens[..., 1] * 60 + (tens[..., 2] if tens.shape[-1] == 3 else 0)


def _written(seconds: NDArray[np.int64], places: int, cycle: int, labels: Sequence[Label]) -> NDArray[np.intp]:
    """Return the figures of times as this clock writes them: intp, shape (…, places)."""
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if cycle < DAY_S:
        hours = (hours - 1) % 12 + 1
    parts = [hours // 10, hours % 10, minutes // 10, minutes % 10]
    if places == 6:
        parts += [seconds % 60 // 10, seconds % 10]
    return np.stack(parts, axis=-1).astype(np.intp)


def _steadiest(cost: Floats) -> NDArray[np.intp]:
    """Return the likeliest course through columns of `cost`, float32, shape (stretches, columns)."""
    count, width = cost.shape
    came = np.empty((count, width), np.int32)
    total = cost[0].copy()
    every = np.arange(width)
    for at in range(1, count):
        cheapest = int(total.argmin())
        change = total[cheapest] + CHANGE < total
        came[at] = np.where(change, cheapest, every)
        total = np.where(change, total[cheapest] + CHANGE, total) + cost[at]
    course = np.empty(count, np.intp)
    course[-1] = int(total.argmin())
    for at in range(count - 1, 0, -1):
        course[at - 1] = came[at, course[at]]
    return course


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
