"""A second of the burned-in clock that holds too few or too many pictures; a clock that runs too fast or too slow."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors._clock import read_clock
from detectors._clock_findings import Step, analysed, overall_speed, parted_s, set_by_drift, stands_out, steps_at
from detectors._clock_steps import FEWEST_TICKS, Course, Limits, find_cuts, short_sided
from detectors._timeline import extent, span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message

_DAY_S = 86400.0
_LAGS_UNITS = 1.2
_NEAR_TICKS = 4
_REGULAR, _REGULAR_STEP = 0.1, 2.5
"""Scatter of ticks that do not scatter, and the step that is plain beside them, in distances of pictures."""
_CURVES = (Curve("frames.clock_s"),)


@detector(
    "clock-rate",
    version=2,
    needs=("frames.time_s", "frames.damaged", "frames.clock_s", "overlay.field", "overlay.form"),
    emits=("clock-rate",),
)
def clock_rate(
    features: Features,
    *,
    min_known: float = 0.6,
    min_step_frames: float = 1.5,
    min_step_jitters: float = 5.5,
    jitter_frames: float = 3.0,
    min_violation_s: float = 0.5,
    max_calm_frames: float = 1.0,
    max_uneven_steps: int = 5,
    max_steps: int = 60,
    max_speed: float = 0.005,
    min_speed_ticks: int = 20,
    min_bend_s: float = 0.5,
    max_drift_s_per_day: float = 3.0,
) -> Iterator[Finding]:
    """Yield one finding per second of the clock that is too short or too long, and for a clip at a wrong speed.

    The difference between clock and presentation time is taken at every tick. Where pictures were removed the second
    around them is too short, and the difference stays changed by as much; where pictures were put in, repeated or held,
    it is too long. The clip's own jitter decides what counts as a change: a recorder that turns its clock over a few
    pictures early or late comes back, and its levels scatter. Five seconds must be read on either side; three are
    enough where the clip does not jitter at all, but then a small step is a note unless the picture jumps, too. Steps
    of about a second or more are left to `clock-jump`.

    Parameters
    ----------
    min_known : float
        Share of the pictures whose clock must have been read (0 to 1).
    min_step_frames : float
        Smallest step, in distances of pictures. One picture is the least that a clock can be seen to be off by.
    min_step_jitters : float
        Smallest step, in standard deviations of the clip's own jitter.
    jitter_frames : float
        Steps of up to so many pictures that are undone within a quarter of a minute are jitter.
    min_violation_s : float
        A step of this size is a violation if the ticks around are calm and the picture jumps there, too (seconds).
    max_calm_frames : float
        Ticks are calm if they scatter by no more than this, as a standard deviation in distances of pictures.
    max_uneven_steps : int
        More steps than this that cancel each other are the recorder's unevenness, and only noted.
    max_steps : int
        More steps than this are told as one finding: they may be the recorder's habit, or a series of short removals.
    max_speed : float
        A clock that runs faster or slower than the stream by more than this share is told (0 to 1).
    min_speed_ticks : int
        Ticks without a step between them that are needed to tell a speed.
    min_bend_s : float
        A stretch at another speed is told if clock and stream part by this much in it (seconds).
    max_drift_s_per_day : float
        Drift beyond this is noted where the clip is long enough to show it (seconds a day).

    References
    ----------
    A. N. Pettitt, "A non-parametric approach to the change-point problem", Applied Statistics 28 (1979), 126-135. J. W.
    Tukey, "Exploratory Data Analysis" (1977), chapter 7: running medians.
    """
    clock = read_clock(features, min_known)
    if clock is None:
        return
    course, jumps = analysed(clock)
    limits = Limits(0.0, min_step_frames, min_step_jitters, jitter_frames)
    cuts, bends = find_cuts(course, limits, jumps)
    cuts = tuple(sorted({*cuts, *short_sided(course, cuts)}))
    steps = [s for s in steps_at(course, cuts, cuts) if abs(s.size_s) < _LAGS_UNITS * clock.face.unit_s]
    steps = [s for s in steps if s not in steps_at(course, cuts, jumps)]
    uneven = len(steps) > max_uneven_steps and _cancel(steps)
    if uneven or len(steps) > max_steps:
        yield _of_habit(features, steps)
    else:
        for step in steps:
            yield _of_step(features, course, step, min_violation_s, max_calm_frames)
    for bend in bends:
        if not any(bend.start - _NEAR_TICKS <= cut <= bend.stop + _NEAR_TICKS for cut in cuts):
            yield from _of_bend(features, course, bend, min_bend_s)
    speed, error = overall_speed(course, cuts)
    taken_back = set_by_drift(course, steps_at(course, cuts, jumps), cuts)
    if not taken_back and len(course.row) >= min_speed_ticks and np.isfinite(speed):
        # A clock that is drawn anew a little less often than once a second falls behind by up to one, and catches up.
        steady = course.slope != 0  # it gains from tick to tick, not by leaps
        if steady and abs(speed) - error > max_speed and abs(parted_s(clock)) > _LAGS_UNITS * clock.face.unit_s:
            yield _of_speed(features, speed, len(course.row))
        elif (abs(speed) - error) * _DAY_S > max_drift_s_per_day:
            yield _of_drift(features, speed, error)


def _of_step(features: Features, course: Course, step: Step, min_violation_s: float, calm_frames: float) -> Finding:
    face = course.clock.face
    span = span_of(features, step.start_s, step.stop_s)
    jumps = stands_out(features, span)
    calm = step.spread_s <= calm_frames * step.frame_s
    regular = step.spread_s <= _REGULAR * step.frame_s and abs(step.size_s) >= _REGULAR_STEP * step.frame_s
    clear = abs(step.size_s) >= min_violation_s and calm and step.ticks >= FEWEST_TICKS and bool(jumps)
    sure = step.ticks >= FEWEST_TICKS or jumps or regular
    if step.size_s > 0:
        said = (
            "Between {before} and {after} on the clock, {seconds:.2f} s of the stream are missing: about {pictures} "
            "pictures too few."
        )
    else:
        said = (
            "Between {before} and {after} on the clock, the stream is {seconds:.2f} s too long: about {pictures} "
            "pictures too many."
        )
    return Finding(
        kind="clock-rate",
        level=Level.VIOLATION if clear else Level.SUSPECT if sure else Level.NOTE,
        span=span,
        message=Message(
            said,
            {
                "before": face.written(step.shown_before_s),
                "after": face.written(step.shown_after_s),
                "seconds": abs(step.size_s),
                "pictures": step.pictures,
            },
        ),
        evidence={
            "step_s": step.size_s,
            "pictures": step.pictures,
            "picture_distance_s": step.frame_s,
            "jitter_s": step.spread_s,
            "ticks_on_either_side": step.ticks,
            "between_two_pictures": step.exact,
            "picture_jumps": jumps,
        },
        curves=_CURVES,
    )


def _cancel(steps: list[Step]) -> bool:
    return abs(sum(step.size_s for step in steps)) < 0.25 * sum(abs(step.size_s) for step in steps)


def _of_habit(features: Features, steps: list[Step]) -> Finding:
    cancel = _cancel(steps)
    if cancel:
        said = (
            "The clock runs unevenly: {count} times it leaves the stream's time, by up to {seconds:.2f} s, and comes "
            "back."
        )
    else:
        said = (
            "At {count} places the clock leaves the stream's time for good, by up to {seconds:.2f} s: a recorder that "
            "loses pictures now and then does so, and so does a series of short removals."
        )
    return Finding(
        kind="clock-rate",
        level=Level.NOTE if cancel else Level.SUSPECT,
        span=span_of(features, steps[0].start_s, steps[-1].stop_s),
        message=Message(said, {"count": len(steps), "seconds": max(abs(step.size_s) for step in steps)}),
        evidence={
            "steps": len(steps),
            "at_s": [step.start_s for step in steps[:100]],
            "sizes_s": [step.size_s for step in steps[:100]],
            "sum_s": sum(step.size_s for step in steps),
        },
        curves=_CURVES,
    )


def _of_bend(features: Features, course: Course, bend: slice, min_bend_s: float) -> Iterator[Finding]:
    before, after = (
        slice(max(0, bend.start - _NEAR_TICKS), bend.start + 1),
        slice(bend.stop - 1, bend.stop + _NEAR_TICKS),
    )
    bent_s = float(np.median(course.level_s[after]) - np.median(course.level_s[before]))
    start_s, stop_s = float(course.time_s[bend.start]), float(course.time_s[bend.stop - 1])
    if abs(bent_s) < min_bend_s or stop_s <= start_s:
        return
    yield Finding(
        kind="clock-rate",
        level=Level.SUSPECT,
        span=span_of(features, start_s, stop_s),
        message=Message(
            "For {length:.0f} s the clock runs at {percent:.0f} % of the stream's speed: this stretch may have been "
            "slowed down or sped up.",
            {"length": stop_s - start_s, "percent": 100 * (1 + bent_s / (stop_s - start_s))},
        ),
        evidence={"parted_s": bent_s},
        curves=_CURVES,
    )


def _of_speed(features: Features, speed: float, ticks: int) -> Finding:
    return Finding(
        kind="clock-rate",
        level=Level.SUSPECT,
        span=span_of(features, *extent(features)),
        message=Message(
            "A second of the clock lasts {seconds:.3f} s of the stream: the footage was slowed down or sped up, or its "
            "rate is stated wrongly.",
            {"seconds": 1 / max(1 + speed, 1e-3)},
        ),
        evidence={"speed": speed, "ticks": ticks},
        curves=_CURVES,
    )


def _of_drift(features: Features, speed: float, error: float) -> Finding:
    return Finding(
        kind="clock-rate",
        level=Level.NOTE,
        span=span_of(features, *extent(features)),
        message=Message(
            "The clock gains {seconds:.0f} s a day on the stream."
            if speed > 0
            else "The clock loses {seconds:.0f} s a day on the stream.",
            {"seconds": abs(speed) * _DAY_S},
        ),
        evidence={"seconds_a_day": speed * _DAY_S, "error_s_a_day": error * _DAY_S},
        curves=_CURVES,
    )
