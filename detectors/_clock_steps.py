"""Where the burned-in clock leaves the stream's time for good: lasting changes of the difference between the two.

In an unbroken take the difference is constant, up to the distance of two pictures and the recorder's jitter, which
comes back. Removed pictures make it step up, inserted, repeated and frozen ones down, and it stays there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detectors._clock import Clock, Floats
from detectors._timeline import runs

Counts = NDArray[np.int_]

WINDOW_TICKS = 9
"""Ticks before and after that make a level: four of nine that are off together do not move it."""
FEWEST_TICKS = 5
FEWEST_TICKS_LARGE = 2
FEWEST_TICKS_CALM = 3
"""On the shorter side of a step of a clip that does not jitter."""
_CALM_FRAMES, _PLAIN_FRAMES = 0.75, 1.75
"""How far ticks may lie from their level, and how large the step must be, for so few ticks to tell, in pictures."""
_LARGE_FRAMES = 10.0
"""Steps of this size need fewer ticks, and are not held against the jitter that comes back."""
_BEAT = 1.01
"""Differences of levels that come from the beat of seconds and pictures, in distances of pictures: one at most."""
_CALM = 0.15
"""Ticks that scatter by no more than this, in distances of pictures, do not jitter at all."""
_CLEAR = 1.4
"""How many times every other difference of levels in the clip a step must be; more where neighbours are alike."""
_RETURN_TICKS = 15
"""A small step that is undone within so many ticks is the recorder's jitter."""
_STEEP = 0.003
"""Speed of the clock against the stream from which it is taken out before steps are looked for."""
_MOST_ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Noise:
    """Jitter of ticks, of which neighbours may be alike: first-order autoregressive."""

    deviation_s: float
    """Standard deviation of a tick."""
    memory: float
    """Correlation of neighbours, 0 to 1, rather too large than too small."""

    def of_level(self, ticks: Counts) -> Floats:
        """Return the standard deviation of a median of so many ticks."""
        alike = (1 + self.memory) / (1 - self.memory)
        return self.deviation_s * np.minimum(1.0, 1.25 * np.sqrt(alike / np.maximum(ticks, 1)))


@dataclass(frozen=True, slots=True)
class Jitter:
    """How the ticks of a clip scatter between its steps."""

    spread_s: float
    """Around their running median, as a standard deviation."""
    worst_s: float
    """How far all but one in a hundred of them stay from it."""
    noise: Noise


@dataclass(frozen=True, slots=True)
class Course:
    """The sharp ticks of a clock, and how they lie to the stream's time."""

    clock: Clock
    row: NDArray[np.intp]
    """Rows of the clock's arrays."""
    time_s: Floats
    level_s: Floats
    """Difference of clock and stream, less `slope` times the time."""
    width_s: Floats
    slope: float
    """Overall speed of the clock against the stream, if that is large, else 0 (seconds a second)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What makes a step."""

    min_step_s: float
    min_step_frames: float
    """In distances of pictures there."""
    min_step_jitters: float
    """In standard deviations of the difference of two levels, by the clip's own jitter."""
    jitter_frames: float
    """Steps up to this are jitter if they are undone soon."""


def course_of(clock: Clock) -> Course:
    """Return the sharp ticks of a clock."""
    row = np.flatnonzero(clock.sharp)
    time_s, level_s, width_s = clock.time_s[row], clock.ahead_s[row], clock.width_s[row]
    slope = _typical_slope(time_s, level_s, width_s)
    level_s = level_s - slope * (time_s - (time_s[0] if len(time_s) else 0.0))
    return Course(clock, row, time_s, level_s, width_s, slope)


def jitter_of(course: Course, cuts: Iterable[int]) -> Jitter:
    """Return how the ticks scatter, those beside the cuts left out: a joint may make a tick of its own."""
    level_s, cuts = course.level_s, sorted(cuts)
    if len(level_s) < 3:
        return Jitter(0.0, 0.0, Noise(0.0, 0.0))
    segment = _segments(course, cuts)
    beside = np.zeros(len(level_s), bool)
    beside[cuts] = True
    beside[np.array(cuts, int) - 1] = True
    around, _ = _medians(level_s, segment, -(WINDOW_TICKS // 2), WINDOW_TICKS // 2 + 1)
    off_s = np.where(beside, np.nan, level_s - around)
    size_s = np.sort(np.abs(off_s[~beside]))
    if not len(size_s):
        return Jitter(0.0, 0.0, Noise(0.0, 0.0))
    worst_s = float(size_s[max(0, len(size_s) - 1 - max(1, len(size_s) // 100))])
    return Jitter(1.4826 * float(np.median(size_s)), worst_s, _noise(off_s))


def _noise(off_s: Floats) -> Noise:
    """Return the noise of ticks from how far they lie off their running median; NaN where that is not known."""
    known = np.isfinite(off_s)
    deviation_s = _trimmed_deviation(off_s[known])
    usual = np.where(known & (np.abs(off_s) <= 3 * deviation_s), off_s, 0.0)
    power = float((usual**2).sum())
    alike = float((usual[1:] * usual[:-1]).sum()) / power if power > 0 else 0.0
    # Independent values lie off their median by amounts that undo each other by a ninth.
    return Noise(deviation_s, float(np.clip(alike + 1 / WINDOW_TICKS + 1 / np.sqrt(known.sum()), 0.0, 0.9)))


def _trimmed_deviation(values: Floats) -> float:
    """Return the standard deviation of a normal distribution from the nine tenths of it that lie nearest to the median.

    Other than the median deviation it does not vanish when most of the values, being counts of pictures, are equal.
    """
    off = np.sort(np.abs(values - np.median(values)))
    kept = off[: max(1, int(0.9 * len(off)))]
    return float(np.sqrt(np.mean(kept**2))) / 0.789


def _typical_slope(time_s: Floats, level_s: Floats, width_s: Floats) -> float:
    """Return the speed of the clock against the stream from tick to tick, single leaps left out; 0.0 if it is small.

    Small is also what the jitter of the ticks at either end, and on either side of what is left out, may come to.
    """
    if len(level_s) < 6:
        return 0.0
    change_s, passed_s = np.diff(level_s), np.diff(time_s)
    off_s = np.abs(change_s - np.median(change_s))
    frame_s, jitter_s = float(np.median(width_s)), _trimmed_deviation(change_s)
    usual = off_s <= max(1.5 * frame_s, min(3 * jitter_s, 4 * 1.4826 * float(np.median(off_s))))
    total_s = float(passed_s[usual].sum())
    if total_s <= 0:
        return 0.0
    slope = float(change_s[usual].sum()) / total_s
    error = (4 + 2 * np.count_nonzero(~usual)) * (frame_s + jitter_s) / total_s
    return slope if abs(slope) >= max(_STEEP, error) else 0.0


def _medians(values: Floats, segment: Counts, first: int, stop: int) -> tuple[Floats, Counts]:
    """Return, for each row i, the median of rows i + first to i + stop - 1, and of how many.

    Rows of other segments than that of row i do not count. NaN where no row is left.
    """
    count = len(values)
    at = np.arange(count)[:, None] + np.arange(first, stop)[None, :]
    inside = (at >= 0) & (at < count)
    at = np.clip(at, 0, count - 1)
    inside &= segment[at] == segment[:, None]
    taken = np.sort(np.where(inside, values[at], np.inf), axis=1)
    number = inside.sum(axis=1)
    row = np.arange(count)
    low, high = np.maximum(number - 1, 0) // 2, np.minimum(number // 2, stop - first - 1)
    middle = np.where(number > 0, taken[row, low], np.nan)
    return (middle + np.where(number > 0, taken[row, high], np.nan)) / 2, number


def _differences(level_s: Floats, segment: Counts) -> tuple[Floats, Counts]:
    """Return, for each tick, the level from it on less the level before it, and the fewer ticks of the two."""
    before, ticks_before = _medians(level_s, segment, -WINDOW_TICKS, 0)
    after, ticks_after = _medians(level_s, segment, 0, WINDOW_TICKS)
    return after - before, np.minimum(ticks_before, ticks_after)


def find_cuts(course: Course, limits: Limits, cuts: tuple[int, ...] = ()) -> tuple[tuple[int, ...], list[slice]]:
    """Return where a course steps, and where it bends without stepping.

    Parameters
    ----------
    course : Course
    limits : Limits
    cuts : tuple of int
        Steps that are known already.

    Returns
    -------
    cuts : tuple of int
        The first tick behind each step, those given included, in order.
    bends : list of slice
        Ticks over which the level changes bit by bit.
    """
    found, count = set(cuts), len(course.row)
    refused, bent = np.zeros(count, bool), np.zeros(count, bool)
    if count < 2 * FEWEST_TICKS_LARGE:
        return cuts, []
    for _ in range(_MOST_ROUNDS):
        segment = _segments(course, found)
        difference_s, fewest = _differences(course.level_s, segment)
        jitter = jitter_of(course, found)
        strong = _is_step(jitter, limits, difference_s, fewest, _local_width(course, segment)) & ~refused
        if not strong.any():
            break
        for first, stop in runs(strong):
            best = first + int(np.argmax(np.abs(difference_s[first:stop])))
            cut = _place(course, segment, best)
            if cut in found or not _is_sudden(course, segment, cut, difference_s[best]):
                around = slice(max(0, best - WINDOW_TICKS // 2), best + WINDOW_TICKS // 2 + 1)
                refused[around] = True
                bent[around] |= cut not in found
            else:
                found.add(cut)
    bends = [slice(first, stop) for first, stop in runs(bent)]
    # A long bend looks like a step at its ends, where the window is cut short.
    long = [bend for bend in bends if bend.stop - bend.start >= 2 * WINDOW_TICKS]
    near = WINDOW_TICKS // 2
    found = {cut for cut in found if not any(bend.start - near <= cut <= bend.stop + near for bend in long)}
    return _lasting(course, limits, found | set(cuts), set(cuts)), bends


def short_sided(course: Course, cuts: tuple[int, ...]) -> tuple[int, ...]:
    """Return steps with three or four ticks on one side, near the ends of a clip or another step; `cuts` are known.

    Only where every tick of either side lies at its level, and the clip does not jitter elsewhere.
    """
    found: list[int] = []
    for first, stop in pairwise((0, *cuts, len(course.row))):
        near = {first + n for n in range(FEWEST_TICKS_CALM, FEWEST_TICKS)}
        near |= {stop - n for n in range(FEWEST_TICKS_CALM, FEWEST_TICKS)}
        sizes: dict[int, float] = {}
        for cut in sorted(near):
            if min(cut - first, stop - cut) < FEWEST_TICKS_CALM:
                continue
            old = course.level_s[max(first, cut - WINDOW_TICKS) : cut]
            new = course.level_s[cut : min(stop, cut + WINDOW_TICKS)]
            frame_s = _frame_s(course, cut, cut)
            off_s = np.concatenate((np.abs(old - np.median(old)), np.abs(new - np.median(new))))
            size_s = abs(float(np.median(new) - np.median(old)))
            if off_s.max() <= _CALM_FRAMES * frame_s and size_s >= _PLAIN_FRAMES * frame_s:
                sizes[cut] = size_s
        if sizes:
            best = max(sizes, key=sizes.__getitem__)
            if jitter_of(course, {*cuts, best}).worst_s <= _CALM_FRAMES * _frame_s(course, best, best):
                found.append(best)
    return tuple(found)


def _segments(course: Course, cuts: Iterable[int]) -> Counts:
    marks = np.zeros(len(course.row), int)
    marks[sorted(cuts)] = 1
    return np.cumsum(marks)


def _is_step(
    jitter: Jitter, limits: Limits, difference_s: Floats, fewest: Counts, width_s: Floats
) -> NDArray[np.bool_]:
    """Tell which differences of levels are steps, from the fewer ticks of either side and the pictures' distance."""
    noise_s = np.hypot(jitter.noise.of_level(fewest), jitter.noise.of_level(np.array(WINDOW_TICKS)))
    limit_s = np.maximum(limits.min_step_frames * width_s, limits.min_step_jitters * noise_s)
    limit_s = np.maximum(limit_s, limits.min_step_s)
    # Jitter that comes back does so within the window: where that is cut short, it is tolerated if the clip shows any.
    limit_s = np.where(fewest < WINDOW_TICKS, np.maximum(limit_s, jitter.worst_s + _BEAT * width_s), limit_s)
    size_s = np.abs(difference_s)
    enough = fewest >= np.where(size_s >= _LARGE_FRAMES * width_s, FEWEST_TICKS_LARGE, FEWEST_TICKS)
    strong: NDArray[np.bool_] = enough & (size_s > limit_s)
    return strong


def _local_width(course: Course, segment: Counts) -> Floats:
    """Return the usual distance of a tick's two pictures around each tick, as the mean of both sides.

    By so much two levels may differ from the beat of seconds and pictures alone: by half of it on either side.
    """
    before, _ = _medians(course.width_s, segment, -WINDOW_TICKS, 0)
    after, _ = _medians(course.width_s, segment, 0, WINDOW_TICKS)
    return (before + after) / 2


def _place(course: Course, segment: Counts, near: int) -> int:
    """Return the tick from which on the ticks around `near` belong to the level after rather than before."""
    low, high = max(0, near - WINDOW_TICKS), min(len(segment), near + WINDOW_TICKS)
    rows = np.arange(low, high)[segment[low:high] == segment[near]]
    before = float(np.median(course.level_s[rows[rows < near]]))
    after = float(np.median(course.level_s[rows[rows >= near]]))
    level_s = course.level_s[rows]
    misfit = np.where(np.abs(level_s - after) < np.abs(level_s - before), 1, -1)
    cost = np.cumsum(misfit)[:-1]  # of a step behind each tick but the last
    best = np.flatnonzero(cost == cost.min())
    return int(rows[best[np.argmin(np.abs(rows[best] + 1 - near))] + 1])


def _is_sudden(course: Course, segment: Counts, cut: int, size_s: float) -> bool:
    """Tell whether at least half of a step happens between the three ticks before and after it."""
    before = [course.level_s[i] for i in range(max(0, cut - 3), cut) if segment[i] == segment[cut]]
    after = [course.level_s[i] for i in range(cut, min(len(segment), cut + 3)) if segment[i] == segment[cut]]
    return bool(before) and bool((np.median(after) - np.median(before)) / size_s >= 0.5)


def _lasting(course: Course, limits: Limits, found: set[int], given: set[int]) -> tuple[int, ...]:
    """Return the steps less those that stand out no more than the rest of the clip, or are undone soon."""
    segment = _segments(course, found)
    difference_s, fewest = _differences(course.level_s, segment)
    full = fewest == WINDOW_TICKS
    rest = float(np.max(np.abs(difference_s[full]) / _local_width(course, segment)[full], initial=0.0))
    jitter = jitter_of(course, found)
    if rest <= _BEAT and jitter.noise.deviation_s <= _CALM * float(np.median(course.width_s)):
        rest = 0.0
    for _ in range(2):  # without one step its neighbours measure differently
        cuts = sorted(found)
        if not cuts:
            break
        sides, sizes_s = sides_of(course, cuts), np.array(step_sizes(course, cuts))
        ticks = np.array([min(cut - before, after - cut, WINDOW_TICKS) for before, cut, after in sides])
        width_s = np.array([_frame_s(course, cut, cut) for cut in cuts])
        kept = _is_step(jitter, limits, sizes_s, ticks, width_s)
        kept &= [_holds(course, jitter, limits, *of, size_s) for of, size_s in zip(sides, sizes_s, strict=True)]
        if rest > 0:
            clear = np.abs(sizes_s) > max((_CLEAR + jitter.noise.memory) * rest, rest + _BEAT) * width_s
            kept &= clear | (np.abs(sizes_s) >= _LARGE_FRAMES * width_s)
        found = given | {cut for cut, keep in zip(cuts, kept, strict=True) if keep}
    cuts = sorted(found)
    for (one, one_s), (other, other_s) in pairwise(zip(cuts, step_sizes(course, cuts), strict=True)):
        frame_s = _frame_s(course, one, other)
        small = max(abs(one_s), abs(other_s)) <= (limits.jitter_frames + 0.5) * frame_s
        if small and other - one <= _RETURN_TICKS and abs(one_s + other_s) <= _BEAT * frame_s:
            found = found - ({one, other} - given)
    return tuple(sorted(found))


def _holds(course: Course, jitter: Jitter, limits: Limits, before: int, cut: int, after: int, size_s: float) -> bool:
    """Tell whether a small step of a clip that jitters still shows over twice as many ticks."""
    frame_s = _frame_s(course, cut, cut)
    if abs(size_s) > (limits.jitter_frames + 0.5) * frame_s or jitter.worst_s <= 0.75 * frame_s:
        return True
    old = course.level_s[max(before, cut - 2 * WINDOW_TICKS) : cut]
    new = course.level_s[cut : min(after, cut + 2 * WINDOW_TICKS)]
    return bool(abs(np.median(new) - np.median(old)) >= 0.6 * abs(size_s))


def _frame_s(course: Course, first: int, last: int) -> float:
    """Return the usual distance of the two pictures of a tick around these ticks."""
    before = course.width_s[max(0, first - WINDOW_TICKS) : first]
    after = course.width_s[last : last + WINDOW_TICKS]
    return max(float(np.median(before) + np.median(after)) / 2, 1e-6)


def sides_of(course: Course, cuts: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return each cut with the one before and the one after it, or the ends of the course."""
    edges = [0, *cuts, len(course.row)]
    return list(zip(edges, edges[1:], edges[2:], strict=False))


def step_sizes(course: Course, cuts: Sequence[int]) -> list[float]:
    """Return by how much the level changes at each of all the cuts of a course (seconds)."""
    sizes = []
    for before, cut, after in sides_of(course, cuts):
        old = course.level_s[max(before, cut - WINDOW_TICKS) : cut]
        new = course.level_s[cut : min(after, cut + WINDOW_TICKS)]
        sizes.append(float(np.median(new) - np.median(old)))
    return sizes
