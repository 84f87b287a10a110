"""The burned-in clock of every picture, read by comparing its figures with themselves: pure functions of arrays.

A recogniser labels a few lines. From them the ten figures are learnt as this recorder draws them, in the place of the
last figure; every picture's last figure is compared with the ten by normalised cross-correlation, and how far the
clock is ahead of the stream from picture to picture is the likeliest course that the Viterbi algorithm finds. The
other figures are read once for each second, from the mean of its pictures. Days, and the halves of a day, come from
the lines that the recogniser read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.signs.clock_course import FIGURES, LEAP, Floats, course_of
from pipeline.signs.clock_figures import (
    BESIDE,
    DOUBT_MOST,
    LOOKED_AT,
    SHIFTED,
    SLACK_S,
    Cells,
    Label,
    Models,
    ahead_s,
    learn,
    learn_again,
    shift_of,
)
from pipeline.signs.fields import DAY_S

CHANGE = 10.0
"""What it costs that the clock goes on otherwise than by one, in the same units."""
LABELLED = 100.0
"""What it costs, in the same units, that the clock shows something else than two readings of it say."""
SETTLED, PLAINLY = 2, 0.25
"""By how many pictures a change is moved at most, and by how much more a picture must look like the other figure."""
OFTEN = 4
"""How often a figure must come up before its own usual score is known."""


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
    tries = [Cells(strips, centres, dark) for dark in (False, True)]
    learnt = [(learn(cells, time_s, usable, blanks), cells) for cells in tries]
    models, cells = max(learnt, key=lambda one: one[0].contrast / one[0].noise)
    step_s = usable[0].reading.step_s
    models = learn_again(models, strips, cells, time_s, step_s)
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


def _borne_out(labels: list[Label], time_s: NDArray[np.float64]) -> list[Label]:
    """Return the labels that one of the two before or after them agrees with; all if none does.

    A date that no other of them bears out is taken from the nearest label whose date is.
    """
    ahead = ahead_s(labels, time_s)
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


def _whole(
    cells: Cells,
    models: Models,
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
        shift = shifts[place] = shift_of(models, cells, labels, place)
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


def _likeness_beside(cells: Cells, models: Models, inks: Floats, middle: int) -> Floats:
    """Return how much one figure of every stretch looks like every figure, where it looks most like any of them.

    Narrow figures beside it may push it aside. Shape (stretches, 10).
    """
    tries = [models.correlation(cells.cut(inks, middle + shift)) for shift in range(-BESIDE, BESIDE + 1)]
    fits = np.stack([likeness.max(axis=1) for likeness in tries])
    fits[BESIDE] += SHIFTED
    return np.asarray(np.stack(tries)[fits.argmax(axis=0), np.arange(len(inks))], np.float32)


def _parted(
    cells: Cells,
    models: Models,
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
