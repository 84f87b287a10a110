"""What a step of the burned-in clock is told as: where it lies, what the clock shows there, what else speaks for it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from detectors._clock import Clock, Floats
from detectors._clock_steps import WINDOW_TICKS, Course, Limits, course_of, find_cuts, jitter_of, sides_of, step_sizes
from pipeline.model import Features, Span

JUMP_S = 0.9
"""A step of this size or more is a jump of the clock; a smaller one makes a second too short or too long."""
_SLACK_FRAMES = 1.2
_STANDS_OUT = 1.2
_ROWS_AROUND = 12


@dataclass(frozen=True, slots=True)
class Step:
    """A lasting change of the difference between clock and stream."""

    size_s: float
    """By how much more the clock advances than the stream; negative: less."""
    frame_s: float
    """Usual distance of pictures there."""
    start_s: float
    stop_s: float
    exact: bool
    """It lies between two pictures next to each other; else anywhere from `start_s` to `stop_s`."""
    shown_before_s: float
    shown_after_s: float
    ticks: int
    """Ticks on the side that has fewer, up to the window."""
    spread_s: float
    """How the clip's ticks scatter around their running median, as a standard deviation."""
    whole: bool
    """A whole number of the clock's units, and every unit shown lasts as long as it should: as if it had been set."""

    @property
    def pictures(self) -> int:
        """How many pictures of the usual distance the step comes to."""
        return round(abs(self.size_s) / self.frame_s)


def jumps_of(course: Course) -> tuple[int, ...]:
    """Return the cuts at which the clock jumps; the same for every detector, so that none is told twice."""
    cuts, _ = find_cuts(course, Limits(JUMP_S, 1.5, 5.5, 0.0))
    return cuts


def steps_at(course: Course, cuts: tuple[int, ...], of: tuple[int, ...]) -> list[Step]:
    """Return the steps at `of`, some of all the `cuts` of a course."""
    spread_s = jitter_of(course, cuts).spread_s
    sizes_s = step_sizes(course, cuts)
    return [
        _step(course, spread_s, sides, size_s)
        for sides, size_s in zip(sides_of(course, cuts), sizes_s, strict=True)
        if sides[1] in of
    ]


def _step(course: Course, spread_s: float, sides: tuple[int, int, int], size_s: float) -> Step:
    before, cut, after = sides
    ticks = min(cut - before, after - cut, WINDOW_TICKS)
    clock = course.clock
    old_s = float(np.median(course.level_s[max(before, cut - WINDOW_TICKS) : cut]))
    near = course.width_s[max(0, cut - 4) : cut + 4]
    frame_s = max(float(np.median(near)), 1e-6)
    slack_s = max(_SLACK_FRAMES * frame_s, 4 * spread_s)

    def between(tick: int) -> bool:
        """Tell whether a tick lies off both levels: the change it shows is the joint itself."""
        level_s = float(course.level_s[tick])
        return abs(level_s - old_s) > slack_s and abs(level_s - old_s - size_s) > slack_s

    joint = None
    aside = [tick for tick in (cut - 1, cut) if tick != before and between(tick)]
    if aside:
        joint = int(course.row[aside[0]])
    else:
        rows = np.arange(course.row[cut - 1] + 1, course.row[cut] + 1)
        went_s = clock.face.wrapped(clock.shown_s[rows] - clock.old_s[rows])
        leap_s = np.abs(went_s - clock.face.unit_s)
        if len(rows) and leap_s.max() > 0.5 * clock.face.unit_s:
            joint = int(rows[np.argmax(leap_s)])
    first, last = int(course.row[cut - 1]), int(course.row[cut])
    start_s, stop_s = float(clock.time_s[first]), float(clock.time_s[last])
    shown = float(clock.shown_s[first]), float(clock.shown_s[last])
    unread = _unread_for(clock, start_s, stop_s, -size_s)
    if joint is not None:
        start_s, stop_s = float(clock.before_s[joint]), float(clock.time_s[joint])
        shown = float(clock.old_s[joint]), float(clock.shown_s[joint])
    elif unread is not None:
        start_s, stop_s = unread
    units = round(size_s / clock.face.unit_s)
    whole = units != 0 and not aside and unread is None and abs(size_s - units * clock.face.unit_s) <= slack_s
    exact = joint is not None and stop_s - start_s <= 1.5 * frame_s
    return Step(size_s, frame_s, start_s, stop_s, exact, shown[0], shown[1], ticks, spread_s, whole)


def _unread_for(clock: Clock, start_s: float, stop_s: float, seconds: float) -> tuple[float, float] | None:
    """Return the stretch between two times in which nothing was read for most of so many seconds; None if none.

    Pictures without an overlay that were put in are not read, and hold the clock up for as long.
    """
    pauses = zip(clock.pause_start_s.tolist(), clock.pause_stop_s.tolist(), strict=True)
    within = [(a, b) for a, b in pauses if a >= start_s and b <= stop_s and b - a >= 0.7 * seconds > 0]
    return within[0] if within else None


def overall_speed(course: Course, cuts: tuple[int, ...]) -> tuple[float, float]:
    """Return how fast the clock runs against the stream between its steps, and how exactly that is known.

    Returns
    -------
    speed : float
        Seconds that the clock gains in a second of the stream; NaN if there are fewer than 20 ticks between steps.
    error : float
        Largest error that the distance of pictures and the jitter of the ticks can make of it.
    """
    edges = [0, *cuts, len(course.row)]
    gained_s = passed_s = error_s = 0.0
    spread_s = jitter_of(course, cuts).spread_s
    for start, stop in pairwise(edges):
        half = (stop - start) // 2
        if half < 10:
            continue
        level_s, time_s = course.level_s[start:stop], course.time_s[start:stop]
        gained_s += float(np.median(level_s[half:] - level_s[:-half]))
        passed_s += float(np.median(time_s[half:] - time_s[:-half]))
        error_s += float(np.median(course.width_s[start:stop])) + spread_s
    if passed_s <= 0:
        return float("nan"), float("nan")
    return course.slope + gained_s / passed_s, error_s / passed_s


def parted_s(clock: Clock) -> float:
    """Return by how much more the clock advances than the stream from its first change to its last (seconds)."""
    return float(clock.ahead_s[-1] - clock.ahead_s[0])


def set_by_drift(course: Course, steps: list[Step], cuts: tuple[int, ...]) -> list[Step]:
    """Return the steps of one unit that only take back what the clock lost or gained by running too slow or too fast.

    A recorder that counts pictures, or asks for the time a little less often than once a second, drifts until a whole
    second has come together, and then leaves one out or shows one twice.
    """
    speed, error = overall_speed(course, cuts)
    length_s = float(np.ptp(course.time_s)) if len(course.time_s) else 0.0
    unit_s = course.clock.face.unit_s
    if not abs(speed) * length_s >= max(0.25 * unit_s, 2 * error * length_s):
        return []
    against = [s for s in steps if s.whole and round(s.size_s / unit_s) == -np.sign(speed)]
    return against if len(against) <= abs(speed) * length_s / unit_s + 1 else []


def stands_out(features: Features, span: Span) -> bool | None:
    """Tell whether the picture changes more inside a span than anywhere around it; None if that was not measured."""
    if not features.has("frames.luma_diff") or span.first_frame is None or span.stop_frame is None:
        return None
    change: Floats = features["frames"]["luma_diff"]
    first, stop = span.first_frame + 1, span.stop_frame + 1
    reach = max(_ROWS_AROUND, 2 * (stop - first))
    inside = change[first:stop]
    around = np.concatenate((change[max(0, first - reach) : first], change[stop : stop + reach]))
    inside, around = inside[np.isfinite(inside)], around[np.isfinite(around)]
    if not len(inside) or len(around) < _ROWS_AROUND:
        return None
    return bool(inside.max() >= _STANDS_OUT * max(float(around.max()), 1e-9))


def analysed(clock: Clock) -> tuple[Course, tuple[int, ...]]:
    """Return the course of a clock and where it jumps."""
    course = course_of(clock)
    return course, jumps_of(course)
